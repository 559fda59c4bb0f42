"""A month more on a store that holds a year, against that month alone: `make bench-incremental`.

Both load the same month's chats and orders and measure it by agent and day with all that the shop's facts allow, with
the same forms (roster, shifts, refunds) beside them. CPU is of whole processes, Python's start included.

`python -m bench.incremental --straight 200000 --months 4`: months of so many messages, written straight into a store,
so that only measuring them costs anything.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import pandas as pd
import yaml

from bench.packs import cost, run
from bench.speed_csperf import settings
from bench.speed_data import START
from bench.speed_data import make as make_store
from csperf.sample import make

GOAL = 1.2


def main() -> None:
    """Makes the shop twice, with and without the year before, and prints what the last month costs in each."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--months", type=int, default=13)
    asked.add_argument("--messages", type=int, default=130_000)
    asked.add_argument("--straight", type=int, metavar="MESSAGES", help="of each month, written straight into a store")
    given = asked.parse_args()
    if given.straight:
        return straight(given.straight, given.months)
    with tempfile.TemporaryDirectory(prefix="csperf-incremental-") as place:
        made = make(Path(place) / "grown", months=given.months, agents=8, messages=given.messages)
        month = pd.Period(made.last_day, "M")
        later = newest(made.folder, month)
        if not later:
            raise SystemExit("so many messages come with one file of all orders: ask with --straight")
        aside = Path(place) / "aside"
        for file in later:
            move(made.folder / file, aside / file)
        alone = shutil.copytree(made.folder, Path(place) / "alone")
        only(alone, aside)
        once = spent("the month alone", alone, str(month))
        year = spent(f"{given.months - 1} months", made.folder, str(month - 1))
        for file in later:
            move(aside / file, made.folder / file)
        more = spent("the month on these", made.folder, str(month))
    print(f"{more / once:.2f} times the month alone (goal {GOAL}), {more / year:.2f} times the months before")


def straight(messages: int, months: int) -> None:
    """Prints what measuring the last of the months costs alone, before it comes, and when it has come."""
    held = pd.period_range(START, periods=months, freq="M")
    days = sum(month.days_in_month for month in held)
    with tempfile.TemporaryDirectory(prefix="csperf-incremental-") as place:
        made = Path(place) / "made"
        make_store(made, messages * months, days=days, agents=100)
        alone, grown = (Path(place) / name for name in ("alone", "grown"))
        take(made, alone, held[-1:])
        once = measured("the month alone", alone, held[-1])
        take(made, grown, held[:-1])
        measured(f"{months - 1} months", grown, held[-2])
        take(made, grown, held[-1:])
        more = measured("the month on these", grown, held[-1])
    print(f"{more / once:.2f} times the month alone (goal {GOAL})")


def take(made: Path, folder: Path, months: pd.PeriodIndex) -> None:
    """Brings the rows of these months, and those without a month, into a shop's store."""
    for path in made.glob("*/*.parquet"):
        if path.stem in {"all", *map(str, months)}:
            target = folder / "store" / path.relative_to(made)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def measured(what: str, folder: Path, month: pd.Period) -> float:
    """CPU seconds of measuring a month, printed."""
    spent = cost(lambda: run("csperf", "measure", settings(folder), "--by", "agent,day", "--month", month)).cpu
    print(f"{what:20} measure {spent:6.1f} CPU s", flush=True)
    return spent


def newest(folder: Path, month: pd.Period) -> list[Path]:
    """The exports of a month's chats, and of its orders, which are made on the first of the next."""
    names = [f"exports/chats/*_{month}-*", f"exports/orders/*{month + 1:%Y%m}*"]
    return [path.relative_to(folder) for name in names for path in folder.glob(name)]


def only(folder: Path, later: Path) -> None:
    """Leaves a shop the chats and orders below `later`, and the sources that these belong to."""
    for part in ("chats", "orders"):
        shutil.rmtree(folder / "exports" / part)
    shutil.copytree(later, folder, dirs_exist_ok=True)
    params = folder / "params.yaml"
    settings = yaml.safe_load(params.read_text(encoding="utf-8"))
    settings["sources"] = [source for source in settings["sources"] if any(folder.glob(source["files"]))]
    params.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")


def move(file: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    file.rename(target)


def spent(what: str, folder: Path, month: str) -> float:
    """CPU seconds of loading what is new and measuring the month, printed."""
    params = folder / "params.yaml"
    load = cost(lambda: run("csperf", "load", params)).cpu
    measure = cost(lambda: run("csperf", "measure", params, "--by", "agent,day", "--month", month)).cpu
    print(f"{what:20} load {load:6.1f}, measure {measure:6.1f}: {load + measure:6.1f} CPU s", flush=True)
    return load + measure


if __name__ == "__main__":
    main()
