"""Ten shops' packs in one command against one Papermill process for each notebook: `make bench-packs`.

Both make the same pages of the same shops in one run, from stores in which nothing was worked out before. Wall and CPU
seconds are of the whole processes; the ratio is what counts.
"""

from __future__ import annotations

import argparse
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
PAGES = ("01_data_quality", "03_performance", "04_targets", "07_target_review")


@dataclass(frozen=True)
class Cost:
    """Seconds of everything that ran."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:7.1f} s wall, {self.cpu:7.1f} s CPU"


def main() -> None:
    """Makes the shops, runs both ways and prints what they cost."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--shops", type=int, default=10)
    asked.add_argument("--messages", type=int, default=4000)
    asked.add_argument("--jobs", type=int, default=2)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="csperf-packs-") as place:
        settings = [shop(Path(place), number, given.messages) for number in range(given.shops)]
        apart = cost(lambda: one_process_each(settings, Path(place)))
        for file in settings:  # nothing worked out for one side may help the other
            shutil.rmtree(file.parent.parent / "store.derived", ignore_errors=True)
        together = cost(lambda: one_command(settings, given.jobs))
    print(f"{given.shops} shops, {len(PAGES)} notebooks each, {given.messages} messages a shop, --jobs {given.jobs}")
    print(f"one Papermill process for each notebook  {apart}")
    print(f"csperf run, all shops                    {together}")
    wall, cpu = apart.wall / together.wall, apart.cpu / together.cpu
    print(f"ratio                                    {wall:.1f} wall, {cpu:.1f} CPU")


def shop(place: Path, number: int, messages: int) -> Path:
    """The settings of a made-up shop that is loaded."""
    root = place / f"shop{number}"
    run("csperf", "sample", root, "--months", "2", "--agents", "6", "--messages", messages, "--seed", number)
    demo = yaml.safe_load((ROOT / "params" / "demo.yaml").read_text(encoding="utf-8"))
    demo |= {"shop": f"shop{number}", "root": "..", "reports": "../reports"}
    (root / "params").mkdir(exist_ok=True)
    shutil.copytree(ROOT / "params" / "platforms", root / "params" / "platforms", dirs_exist_ok=True)
    file = root / "params" / "shop.yaml"
    file.write_text(yaml.safe_dump(demo, allow_unicode=True), encoding="utf-8")
    run("csperf", "load", file)
    return file


def one_process_each(settings: list[Path], place: Path) -> None:
    """What a loop over Papermill does: a process and a kernel for each notebook, and one that writes its page."""
    for file in settings:
        for page in PAGES:
            out = place / f"{page}.ipynb"
            run("papermill", ROOT / "notebooks" / f"{page}.ipynb", out, "-p", "params_file", file, "--no-progress-bar")
            run("jupyter", "nbconvert", "--to", "html", "--log-level", "ERROR", out)


def one_command(settings: list[Path], jobs: int) -> None:
    """What csperf does."""
    run("csperf", "run", *settings, "--only", ",".join(PAGES), "--jobs", jobs)


def run(tool: str, *words: object) -> None:
    """A tool of this environment, quiet unless it fails."""
    subprocess.run([TOOLS / tool, *map(str, words)], check=True, capture_output=True)


def cost(work: Callable[[], None]) -> Cost:
    """What the work and all its processes cost."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(time.perf_counter() - started, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main()
