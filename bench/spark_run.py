"""The contender measured by bench.spark: csperf's facts and metrics of a made-up shop on one engine."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import psutil

from bench.speed_csperf import MONTH, settings
from bench.speed_metrics import METRICS

DAYS = 31  # all at once, with the day into which the last chats run: each chunk costs Spark some hundred jobs
SPARK = {"spark.log.level": "ERROR", "spark.driver.memory": "4g"}
KIB_A_MIB = 1024


def run(folder: Path, out: Path, engine: str, options: list[str]) -> None:
    """Works the facts out on the engine, writes the metrics by agent and day, and prints what that took as JSON."""
    import csperf as cs

    file = settings(folder)
    if engine != "duckdb":
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("engine:")]
        spark = SPARK | dict(option.split("=", 1) for option in options)
        asked = {"backend": "spark", "master": engine, "chunk_days": DAYS, "spark": spark}
        lines.append(f"engine: {json.dumps(asked)}")  # which is YAML, too
        file.write_text("\n".join(lines), encoding="utf-8")
    opened = cs.open_run(file, month=MONTH)
    cs.measure(cs.facts(opened), ["agent", "day"], list(METRICS)).to_parquet(out)
    ours = psutil.Process()
    everybody = [ours, *ours.children(recursive=True)]  # Spark's is a process of its own
    print(json.dumps({"cpu": sum(map(cpu_seconds, everybody)), "memory": sum(map(peak_mib, everybody))}))


def cpu_seconds(process: psutil.Process) -> float:
    """What a process has spent so far."""
    spent = process.cpu_times()
    return spent.user + spent.system


def peak_mib(process: psutil.Process) -> float:
    """The most memory that a process has held, as Linux counts it; of one that is over it tells none."""
    held = Path("/proc", str(process.pid), "status").read_text(encoding="utf-8")
    return sum(map(int, re.findall(r"^VmHWM:\s*(\d+) kB", held, re.MULTILINE))) / KIB_A_MIB


if __name__ == "__main__":
    run(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], sys.argv[4:])
