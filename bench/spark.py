"""csperf on Spark against csperf on DuckDB, the same shop and the same expressions: `make bench-spark`.

For each size a store is made; both engines work its facts and metrics out from nothing. The numbers must be the same:
counts exactly, floats at 1e-12. Wall seconds are of the whole process, the engine's start included.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from bench.speed_csperf import MONTH, settings
from bench.speed_data import make
from bench.speed_metrics import METRICS

DAYS, AGENTS = 30, 300
KEYS = ["metric", "agent_id", "day"]
COUNTS = ["numerator", "denominator", "n"]


def main() -> None:
    """Makes the shops, measures them on each engine and prints seconds and messages per second."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--messages", type=int, nargs="+", default=[100_000, 1_000_000])
    asked.add_argument("--masters", nargs="+", default=["local[1]", "local[2]"])
    given = asked.parse_args()
    print(f"{'messages':>12} {'engine':>10} {'seconds':>9} {'messages/s':>11}")
    for messages in given.messages:
        with tempfile.TemporaryDirectory(prefix="csperf-spark-") as place:
            make(Path(place) / "store", messages, DAYS, AGENTS)
            first = report(messages, "duckdb", Path(place))
            for master in given.masters:
                same(first, report(messages, master, Path(place)))


def report(messages: int, engine: str, folder: Path) -> pd.DataFrame:
    """The metrics as this engine gives them, its seconds printed."""
    shutil.rmtree(folder / "store.derived", ignore_errors=True)
    out, started = folder / "metrics.parquet", time.perf_counter()
    work = "import sys; from pathlib import Path; from bench.spark import measured; "
    work += "measured(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])"
    subprocess.run([sys.executable, "-c", work, str(folder), str(out), engine], check=True)
    seconds = time.perf_counter() - started
    print(f"{messages:>12,} {engine:>10} {seconds:>9.1f} {messages / seconds:>11,.0f}", flush=True)
    return pd.read_parquet(out).sort_values(KEYS).reset_index(drop=True)


def measured(folder: Path, out: Path, engine: str) -> None:
    """Works the facts out on the engine and writes the metrics by agent and day."""
    import csperf as cs

    file = settings(folder)
    if engine != "duckdb":
        spark = "{spark.sql.shuffle.partitions: '4', spark.log.level: ERROR, spark.driver.memory: 4g}"
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("engine:")]
        lines.append(f"engine: {{backend: spark, master: '{engine}', spark: {spark}}}")
        file.write_text("\n".join(lines), encoding="utf-8")
    run = cs.open_run(file, month=MONTH)
    cs.measure(cs.facts(run), ["agent", "day"], list(METRICS)).to_parquet(out)


def same(one: pd.DataFrame, other: pd.DataFrame) -> None:
    """Raises AssertionError where the numbers differ."""
    pd.testing.assert_frame_equal(one[[*KEYS, *COUNTS]], other[[*KEYS, *COUNTS]], check_exact=True)
    pd.testing.assert_series_equal(one["value"], other["value"], rtol=1e-12)


if __name__ == "__main__":
    main()
