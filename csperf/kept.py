"""Derived facts kept beside the store, so that nobody waits twice for the same rows; deletable at any time.

An entry is a folder of Parquet files below that of its edition (the code and the engine), named by a hash of all else
that its rows depend on. It is filled under another name and then renamed: a run that is killed leaves nothing
half-written, and the next one goes on with the entries that are done. Entries that nobody asked for in UNUSED_DAYS and
those of other editions are taken away.
"""

from __future__ import annotations

import atexit
import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from .errors import CsperfError, Problem
from .text import say

FORMAT = 1  # of an entry; part of every name
UNUSED_DAYS = 30
DAY_S = 86_400
UNFINISHED = ".unfinished"
FULL_OR_SMALL = (OSError, duckdb.IOException, duckdb.OutOfMemoryException)
READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


@cache
def edition(engine: str) -> str:
    """Changes with the package's code and with the engine: what another edition kept is derived anew."""
    package = Path(__file__).parent
    code = [(str(path.relative_to(package)), path.read_bytes()) for path in sorted(package.rglob("*.py"))]
    return digest(FORMAT, engine, duckdb.__version__, ibis.__version__, *(part for pair in code for part in pair))


def digest(*parts: Any) -> str:
    """A short hash of the parts: bytes as they are, everything else as JSON."""
    whole = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else json.dumps(part, sort_keys=True, default=str).encode()
        whole.update(len(content).to_bytes(8, "little") + content)
    return whole.hexdigest()[:32]


def content(rows: ir.Table, key: Iterable[str]) -> bytes:
    """What a small table holds, in whatever order it holds it; `key` tells its rows apart."""
    return in_bytes(rows.order_by(*key).to_pyarrow())


def in_bytes(rows: pa.Table) -> bytes:
    """The rows as Arrow writes them into a stream."""
    held, sink = rows.combine_chunks(), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, held.schema) as stream:
        stream.write_table(held)
    return sink.getvalue().to_pybytes()


class Kept:
    """The entries below `root`. Where that may not be written, new ones lie in a temporary folder until the end.

    `engine`: what works the rows out, and its version; engines do not read what another kept.
    """

    def __init__(self, root: Path, engine: str = "") -> None:
        self.root = root
        self.folder = root / edition(engine)

    def entry(self, key: str, fill: Callable[[Path], None]) -> Path:
        """The folder of the entry of this key; where there is none, `fill` is given an empty folder to write it to.

        CsperfError where the disk is full or the memory that the engine may use too small; there is no entry then.
        """
        name = digest(key)
        for folder in (self.folder / name, _elsewhere() / self.folder.name / name):
            if folder.exists():
                _note_use(folder)
                return folder
        try:
            with _replacing(self._writable() / name) as unfinished:
                fill(unfinished)
        except FULL_OR_SMALL as failure:
            raise _out_of_room(self.folder, failure) from failure
        self._tidy()
        return self.entry(key, fill)

    @classmethod
    def for_now(cls) -> Kept:
        """Entries that go when the process ends."""
        return cls(_elsewhere() / uuid4().hex)

    def _writable(self) -> Path:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=self.folder).close()
        except OSError as failure:
            if failure.errno not in READ_ONLY:
                raise
            aside = _elsewhere() / self.folder.name
            aside.mkdir(exist_ok=True)
            return aside
        return self.folder

    def _tidy(self) -> None:
        """Takes away what nobody asked for in UNUSED_DAYS, and what a killed run or another edition left a day ago."""
        others = [folder for folder in self.root.glob("*") if folder != self.folder]
        for folder in (*others, *self.folder.glob("*")):
            short = folder in others or folder.name.endswith(UNFINISHED)
            if _age_s(folder) > (1 if short else UNUSED_DAYS) * DAY_S:
                shutil.rmtree(folder, ignore_errors=True)


def write(con: ibis.BaseBackend, table: ir.Table, folder: Path, name: str) -> None:
    """Works the expression out into a file of the folder."""
    con.to_parquet(table, folder / f"{name}.parquet", compression="zstd", compression_level=1)


def share(entries: Iterable[Path], folder: Path, name: str) -> None:
    """Brings the table of this name in other entries into the folder, without copying where the disk can link."""
    for entry in entries:
        for place, file in enumerate(files_of(entry, name)):
            link(file, folder / f"{name}.{entry.name}-{place}.parquet")


def link(file: Path, target: Path) -> None:
    """Brings a file to another place, without copying where the disk can link."""
    try:
        os.link(file, target)
    except OSError:  # a disk without links
        shutil.copy2(file, target)


def parts_of(folder: Path, name: str) -> dict[str, list[Path]]:
    """The files of a table that other entries share with this one, by the names of these entries."""
    parts: dict[str, list[Path]] = {}
    for file in files_of(folder, name):
        parts.setdefault(file.name.split(".")[1].partition("-")[0], []).append(file)
    return parts


def read(con: ibis.BaseBackend, entries: Iterable[Path], name: str) -> ir.Table:
    """The rows of the table of this name in the entries, as a view of `con`."""
    return con.read_parquet([str(file) for entry in entries for file in files_of(entry, name)])


def files_of(entry: Path, name: str) -> list[Path]:
    """The files of a table; where workers wrote it side by side they lie in a folder of its name."""
    places = (place for place in entry.glob("*.parquet") if place.name.partition(".")[0] == name)
    return sorted(file for place in places for file in (place.glob("*.parquet") if place.is_dir() else [place]))


def names_in(entry: Path) -> list[str]:
    """The tables of an entry."""
    return sorted({file.name.partition(".")[0] for file in entry.glob("*.parquet")})


@contextmanager
def _replacing(folder: Path) -> Iterator[Path]:
    """A folder to fill that becomes `folder` at the end, unless another process was quicker."""
    unfinished = folder.with_name(f"{folder.name}.{uuid4().hex}{UNFINISHED}")
    unfinished.mkdir()
    try:
        yield unfinished
        if not folder.exists():
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


@cache
def _elsewhere() -> Path:
    """A folder that goes when the process ends."""
    folder = tempfile.mkdtemp(prefix="csperf-kept-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _note_use(folder: Path) -> None:
    if _age_s(folder) > DAY_S and os.access(folder, os.W_OK):
        os.utime(folder)


def _age_s(folder: Path) -> float:
    """How long ago the folder was last asked for; 0 where it has just gone."""
    try:
        return time.time() - folder.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _out_of_room(folder: Path, failure: Exception) -> CsperfError:
    reason = getattr(failure, "strerror", None) or str(failure).splitlines()[0]
    small = isinstance(failure, duckdb.OutOfMemoryException)
    return CsperfError(Problem(str(folder), say("run.little_memory" if small else "run.cannot_keep", reason=reason)))
