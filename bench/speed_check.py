"""Whether two contenders say the same: every row of the four facts, and every sum by agent and day."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pandas as pd

import csperf as cs
from bench.speed_csperf import MONTH, settings
from bench.speed_metrics import METRICS
from bench.speed_sql import COLUMNS
from csperf.mart import to_key_units

KEY = ["agent_id", "day", "metric"]


def same_facts(con: duckdb.DuckDBPyConnection, ours: Path, out: Path) -> list[str]:
    """What differs between the facts in two folders, in the columns of the second: rows on one side only."""
    problems = []
    for name in COLUMNS:
        columns = ", ".join(con.read_parquet(str(out / f"{name}.parquet")).columns)
        sides = {where: f"SELECT {columns} FROM read_parquet('{where / name}.parquet')" for where in (ours, out)}
        for where, other in ((ours, out), (out, ours)):
            alone = con.sql(f"{sides[where]} EXCEPT ALL {sides[other]}").df()
            if len(alone):
                problems.append(f"{name}: {len(alone)} rows only in {where}\n{alone.head(3).T}")
    return problems


def same_metrics(ours: pd.DataFrame, sums: pd.DataFrame) -> list[str]:
    """Metrics whose numerators or denominators differ by more than 1e-12 of their size."""
    ours = ours.assign(day=pd.to_datetime(ours["day"])).set_index(KEY)
    sums = sums.assign(day=pd.to_datetime(sums["day"])).set_index(["agent_id", "day"])
    problems = []
    for key, sides in METRICS.items():
        theirs = pd.DataFrame(
            {side: sums[name] if name else 0.0 for side, name in zip(("numerator", "denominator"), sides, strict=True)}
        )
        theirs = to_key_units(theirs.assign(value=0.0, metric=key))
        mine = ours.xs(key, level="metric").reindex(theirs.index)
        for side in ("numerator", "denominator") if sides[1] else ("numerator",):
            gap = (mine[side].fillna(0.0) - theirs[side].fillna(0.0)).abs()
            if (gap > 1e-12 * theirs[side].abs().clip(lower=1)).any():
                problems.append(f"{key} {side}: {int((gap > 0).sum())} of {len(gap)} differ")
    return problems


def export_facts(folder: Path, ours: Path) -> None:
    """Writes the facts that csperf keeps beside the store to a folder, as the other contenders do."""
    kept = cs.facts(cs.open_run(settings(folder), month=MONTH))
    for name in COLUMNS:
        kept[name].select(COLUMNS[name]).to_parquet(ours / f"{name}.parquet")


def problems(ours: Path, out: Path) -> list[str]:
    """Everything in which a contender's results in `out` differ from csperf's in `ours`."""
    sums, metrics = pd.read_parquet(out / "metrics.parquet"), pd.read_parquet(ours / "metrics.parquet")
    return same_metrics(metrics, sums) + same_facts(duckdb.connect(), ours, out)


if __name__ == "__main__":
    shop, first, *others = map(Path, sys.argv[1:])
    export_facts(shop, first)
    for other in others:
        print(other, *problems(first, other), sep="\n")
