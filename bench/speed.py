"""csperf against hand-written SQL, polars and pandas on the same rows: `make bench`, results to docs/benchmarks.md.

Each contender is a process of its own, started in turn A B C D, A B C D: a machine whose speed drifts drifts for all of
them. Their results are held against each other, row by row and number by number, before any time is told.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.peak import noted
from bench.speed_check import export_facts, problems
from bench.speed_data import make

CONTENDERS = ("csperf", "sql", "polars", "pandas")
TINY = 1_000  # messages: what is left of the time is importing, spelling expressions, planning
PANDAS_LIMIT = 10_000_000  # beyond, its rows do not fit an ordinary machine


class Cost(NamedTuple):
    """One run of a contender: CPU and wall seconds, and the most memory it held (MiB)."""

    cpu: float
    wall: float
    memory: float


def shop_of(folder: Path, messages: int) -> Path:
    """The folder of the made-up shop of this size, made where it is missing."""
    shop = folder / str(messages)
    if not (shop / "store").exists():
        make(shop / "unfinished", messages, days=30, agents=300)
        (shop / "unfinished").rename(shop / "store")
    return shop


def cost_of(name: str, shop: Path, out: Path) -> Cost:
    """What a run costs; nothing is left of an earlier one."""
    shutil.rmtree(shop / "store.derived", ignore_errors=True)
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    place = shop if name == "csperf" else shop / "store"
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-W", "ignore", "-m", f"bench.speed_{name}", place, out])
    _pid, status, used = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{name} failed on {shop}")
    return Cost(used.ru_utime + used.ru_stime, time.perf_counter() - began, noted(out))


def compare(shop: Path, names: list[str], rounds: int) -> dict[str, Cost]:
    """The median cost of each contender on a shop; SystemExit where two of them disagree."""
    runs: dict[str, list[Cost]] = {name: [] for name in names}
    for number in range(rounds):
        for name in names:
            runs[name].append(cost_of(name, shop, shop / f"out_{name}"))
            if not number and name == "csperf":
                export_facts(shop, shop / "out_csperf")
            elif not number and (wrong := problems(shop / "out_csperf", shop / f"out_{name}")):
                raise SystemExit("\n".join([f"{name} and csperf disagree on {shop}:", *wrong]))
    return {name: Cost(*map(median, zip(*costs, strict=True))) for name, costs in runs.items()}


def table(sizes: dict[int, dict[str, Cost]], fixed: dict[str, Cost]) -> str:
    """The costs as a Markdown table. `fixed`: of the tiny shop; the last ratio is without. Ratios need SQL."""
    head = ("messages", "", "CPU s", "wall s", "memory MiB", "CPU / SQL", "the same without what a tiny shop costs")
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for messages, costs in sizes.items():
        for name, cost in costs.items():
            figures = f"{cost.cpu:.1f} | {cost.wall:.1f} | {cost.memory:.0f}"
            if "sql" in costs:
                own = (cost.cpu - fixed[name].cpu) / (costs["sql"].cpu - fixed["sql"].cpu)
                figures += f" | {cost.cpu / costs['sql'].cpu:.2f} | {own:.2f}"
            lines.append(f"| {messages:,} | {name} | {figures} |")
    return "\n".join(lines)


def machine() -> str:
    """The machine and the versions that the figures are of."""
    names = ("duckdb", "ibis-framework", "polars", "pandas", "pyarrow")
    software = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"{os.cpu_count()} × {platform.machine()}, {platform.system()}, Python {platform.python_version()}; {software}"
    )


def main() -> None:
    """Compares at every size asked for and prints the tables."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("sizes", nargs="*", type=int, default=[1_000_000, 10_000_000, 50_000_000])
    ask.add_argument("--folder", type=Path, default=Path("build/bench"))
    ask.add_argument("--rounds", type=int, default=2)
    ask.add_argument("--contenders", nargs="+", choices=CONTENDERS, default=CONTENDERS)
    asked = ask.parse_args()
    fixed = compare(shop_of(asked.folder, TINY), asked.contenders, asked.rounds)
    sizes = {}
    for messages in asked.sizes:
        names = [name for name in asked.contenders if name != "pandas" or messages <= PANDAS_LIMIT]
        sizes[messages] = compare(shop_of(asked.folder, messages), names, asked.rounds)
    print(f"{machine()}\n\n{table(sizes, fixed)}")


if __name__ == "__main__":
    main()
