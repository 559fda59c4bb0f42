"""Where csperf's CPU goes: seconds of its statements by the function that asked for them, on one thread.

`python -m bench.speed_profile MESSAGES`, on the shop that `make bench` made up (build/bench).
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
import traceback
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench import speed_csperf
from bench.speed import shop_of
from csperf.engine import DuckDB

ASIDE = ("engine.py", "kept.py")  # they pass statements on
ASKED = ("raw_sql", "to_pyarrow", "execute", "rows_of")  # what runs statements
ONE_THREAD = "engine: {{threads: 1, "


class Profiled:
    """Adds up the CPU of every statement while it is entered; `seconds`: by module and function."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inside = False

    def __enter__(self) -> Profiled:
        for name in ASKED:
            setattr(DuckDB, name, self._timed(getattr(DuckDB, name)))
        return self

    def __exit__(self, *_: object) -> None:
        for name in ASKED:
            setattr(DuckDB, name, getattr(DuckDB, name).__wrapped__)

    def _timed(self, asked: Any) -> Any:
        def timed(con: DuckDB, *args: Any, **kwargs: Any) -> Any:
            if self._inside:
                return asked(con, *args, **kwargs)
            self._inside, before = True, _cpu_s()
            try:
                return asked(con, *args, **kwargs)
            finally:
                self._inside = False
                self.seconds[_asker(args)] += _cpu_s() - before

        timed.__wrapped__ = asked  # type: ignore[attr-defined]
        return timed


def _cpu_s() -> float:
    used = os.times()
    return used.user + used.system


def _asker(args: tuple[Any, ...]) -> str:
    """Module and function, and the file that is written."""
    frames = [frame for frame in traceback.extract_stack() if "/csperf/" in frame.filename]
    last = [frame for frame in frames if not frame.filename.endswith(ASIDE)][-1]
    asked = str(args[0]) if args else ""
    file = asked.partition(".parquet'")[0].rpartition("/")[2] if asked.startswith("COPY") else ""
    return f"{Path(last.filename).parent.name}/{Path(last.filename).stem}.{last.name} {file}".rstrip()


def main() -> None:
    """Prints the statements' CPU, most of it first, and the whole."""
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("messages", type=int)
    ask.add_argument("--folder", type=Path, default=Path("build/bench"))
    asked = ask.parse_args()
    shop = shop_of(asked.folder, asked.messages)
    shutil.rmtree(shop / "store.derived", ignore_errors=True)
    speed_csperf.PARAMS = speed_csperf.PARAMS.replace("engine: {{", ONE_THREAD)
    with tempfile.TemporaryDirectory() as out, Profiled() as profiled:
        speed_csperf.run(shop, Path(out))
    print(f"{sum(profiled.seconds.values()):.2f} of {_cpu_s():.2f} in all")
    for seconds, asker in sorted(((seconds, asker) for asker, seconds in profiled.seconds.items()), reverse=True):
        print(f"{seconds:6.2f} {asker}")


if __name__ == "__main__":
    main()
