"""csperf on Spark against csperf on DuckDB, the same shop and the same expressions: `make bench-spark`.

For each size a store is made; every engine works its facts and metrics out from nothing, in a process of its own. The
numbers must be the same: counts exactly, floats at 1e-12. CPU and peak memory are of all its processes, the engine's
start included. A start, and the compiling of what is then run, cost the same whatever the shop: so each size is also
told by what it cost beyond the smallest one, for each message more. From the two largest sizes follow a cost that is
always there and one for each message, and from these what larger shops would need: cores for so many hours, were all
cores like these and none of them ever idle.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from math import ceil
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from bench.speed_data import make

DAYS, AGENTS = 30, 300
KEYS = ["metric", "agent_id", "day"]
COUNTS = ["numerator", "denominator", "n"]
SIZED = (1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000)
WITHIN_H = (1, 8)
MILLION, HOUR_S = 1_000_000, 3600
HEAD = "messages", "engine", "CPU s", "wall s", "peak MiB", "CPU s a million", "CPU s a million beyond the smallest"


class Cost(NamedTuple):
    """Of one engine on one shop: CPU and wall seconds, and the most memory its processes held (MiB)."""

    cpu: float
    wall: float
    memory: float


def main() -> None:
    """Makes the shops, measures them on each engine and prints what they cost, and what larger ones would."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--messages", type=int, nargs="+", default=[100_000, 1_000_000])
    asked.add_argument("--masters", nargs="+", default=["local[1]", "local[2]"])
    asked.add_argument("--options", nargs="*", default=[], metavar="NAME=VALUE", help="Spark's own")
    given = asked.parse_args()
    print(f"| {' | '.join(HEAD)} |\n" + "|---" * len(HEAD) + "|")
    spent: dict[str, dict[int, float]] = {engine: {} for engine in ("duckdb", *given.masters)}
    for messages in sorted(given.messages):
        with tempfile.TemporaryDirectory(prefix="csperf-spark-") as place:
            make(Path(place) / "store", messages, DAYS, AGENTS)
            found = {engine: measured(messages, engine, Path(place), spent[engine], given.options) for engine in spent}
        for master in given.masters:
            same(found["duckdb"], found[master])
    for engine in spent:
        print(sizing(engine, spent[engine]))


def measured(messages: int, engine: str, folder: Path, spent: dict[int, float], options: list[str]) -> pd.DataFrame:
    """The metrics as this engine gives them; what they cost is printed, and the CPU noted in `spent`."""
    shutil.rmtree(folder / "store.derived", ignore_errors=True)
    out, started = folder / "metrics.parquet", time.perf_counter()
    command = [sys.executable, "-W", "ignore", "-m", "bench.spark_run", str(folder), str(out), engine, *options]
    told = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[-1])
    cost = Cost(told["cpu"], time.perf_counter() - started, told["memory"])
    spent[messages] = cost.cpu
    print(line(messages, engine, cost, spent), flush=True)
    return pd.read_parquet(out).sort_values(KEYS).reset_index(drop=True)


def line(messages: int, engine: str, cost: Cost, spent: dict[int, float]) -> str:
    """A row of the table of costs."""
    least, more = min(spent), messages - min(spent)
    beyond = f"{(cost.cpu - spent[least]) / more * MILLION:.0f}" if more else ""
    each = f"{cost.cpu / messages * MILLION:.0f}"
    return f"| {messages:,} | {engine} | {' | '.join(f'{part:.0f}' for part in cost)} | {each} | {beyond} |"


def sizing(engine: str, spent: dict[int, float]) -> str:
    """A table of core hours, and of cores for some hours, by the line through the two largest sizes measured.

    Of a single size all that it cost is put down to its messages.
    """
    (less, cheap), (more, dear) = sorted({0: 0.0, **spent}.items())[-2:]
    each = (dear - cheap) / (more - less)
    always = max(dear - each * more, 0.0)
    lines = [f"\n{engine}: {always:.0f} CPU s always, {each * MILLION:.0f} a million messages\n"]
    lines.append("| messages | core hours | " + " | ".join(f"cores for {hours} h" for hours in WITHIN_H) + " |")
    lines.append("|---" * (2 + len(WITHIN_H)) + "|")
    for messages in SIZED:
        needed = (always + each * messages) / HOUR_S
        cores = " | ".join(f"{ceil(needed / hours):,}" for hours in WITHIN_H)
        lines.append(f"| {messages:,} | {needed:,.1f} | {cores} |")
    return "\n".join(lines)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Raises AssertionError where the numbers differ."""
    pd.testing.assert_frame_equal(one[[*KEYS, *COUNTS]], other[[*KEYS, *COUNTS]], check_exact=True)
    pd.testing.assert_series_equal(one["value"], other["value"], rtol=1e-12)


if __name__ == "__main__":
    main()
