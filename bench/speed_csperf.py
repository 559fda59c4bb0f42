"""The contender measured: csperf's own facts and metrics of the bench's shop, as anybody asks for them."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.peak import note
from bench.speed_metrics import METRICS

MONTH = "2026-03"  # of all the chats
PARAMS = """
shop: bench
root: .
timezone: Asia/Shanghai
platform: pdd
definitions: pdd
hours:
  - {{valid_from: 2020-01-01, week: {{mon: [["08:00", "23:00"]]}}}}
engine: {{memory_limit: {memory}}}
"""


def settings(folder: Path, memory: str = "2GB") -> Path:
    """The settings of the shop whose store is below the folder."""
    path = folder / "params.yaml"
    path.write_text(PARAMS.format(memory=memory), encoding="utf-8")
    return path


def run(folder: Path, out: Path) -> None:
    """Works out the facts, which stay beside the store, and writes the metrics by agent and day as Parquet."""
    import csperf as cs

    facts = cs.facts(cs.open_run(settings(folder), month=MONTH))
    cs.measure(facts, ["agent", "day"], list(METRICS)).to_parquet(out / "metrics.parquet")


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]))
    note(Path(sys.argv[2]))
