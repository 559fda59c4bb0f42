"""The contender measured by bench.spark: csperf's facts and metrics of a made-up shop on one engine."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil

from bench.speed_csperf import MONTH, settings
from bench.speed_metrics import METRICS

DAYS = 30  # all at once: a chunk of days costs Spark some hundreds of jobs, however few its messages are
SPARK = "{spark.sql.shuffle.partitions: '4', spark.log.level: ERROR, spark.driver.memory: 4g}"


def run(folder: Path, out: Path, engine: str) -> None:
    """Works the facts out on the engine, writes the metrics by agent and day, and prints the CPU seconds it took."""
    import csperf as cs

    file = settings(folder)
    if engine != "duckdb":
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("engine:")]
        lines.append(f"engine: {{backend: spark, master: '{engine}', chunk_days: {DAYS}, spark: {SPARK}}}")
        file.write_text("\n".join(lines), encoding="utf-8")
    opened = cs.open_run(file, month=MONTH)
    cs.measure(cs.facts(opened), ["agent", "day"], list(METRICS)).to_parquet(out)
    print(cpu_seconds())


def cpu_seconds() -> float:
    """Of this process and of those it started: Spark's is another."""
    ours = psutil.Process()
    spent = [process.cpu_times() for process in (ours, *ours.children(recursive=True))]
    return sum(one.user + one.system for one in spent)


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
