"""Writing files: what was put into each is noted, so that the truth can say what a loader must find."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from .world import World

CHINA = np.timedelta64(timedelta(hours=8))
CREATED = datetime(2026, 1, 1)  # in the workbooks' properties, so that their bytes do not depend on the clock
Row = Sequence[object]


@dataclass
class Written:
    """A folder being filled. `bulk`: no workbooks, and Parquet for what is large."""

    folder: Path
    bulk: bool
    files: dict[str, dict[str, int]] = field(default_factory=dict)

    def note(self, name: str, rows: int, **dropped: int) -> Path:
        """The path of a file to write; noted are its rows and how many of them are duplicate, replaced or rejected."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.files[name] = {"rows": rows, "duplicate": 0, "replaced": 0, "rejected": 0} | dropped
        return path

    def sheet(self, name: str, header: Sequence[str], rows: Sequence[Row], records: int | None = None) -> None:
        """A workbook of one sheet; a CSV in UTF-8 where there is too much for one. `records`, if not one a row."""
        told = len(rows) if records is None else records
        if self.bulk:
            write_csv(self.note(f"{name}.csv", told), header, [_texts(row) for row in rows], "utf-8-sig")
        else:
            write_xlsx(self.note(f"{name}.xlsx", told), header, rows)


def moments(world: World, seconds: np.ndarray) -> np.ndarray:
    """Local wall clock as numpy datetimes in seconds."""
    return np.datetime64(world.first, "s") + seconds.astype("timedelta64[s]")


def clock(world: World, seconds: np.ndarray) -> list[str]:
    """`YYYY-MM-DD HH:MM:SS`; empty where it did not happen."""
    texts = np.datetime_as_string(moments(world, seconds))
    return [text.replace("T", " ") if s >= 0 else "" for text, s in zip(texts, seconds, strict=True)]


def utc(world: World, seconds: np.ndarray) -> pa.Array:
    """The same as UTC timestamps; null where it did not happen."""
    time = (moments(world, seconds) - CHINA).astype("datetime64[us]")
    return pa.array(time, pa.timestamp("us", "UTC"), mask=seconds < 0)


def quoted(text: str) -> str:
    """A cell of a CSV, in quotes where it must be."""
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text


def _texts(row: Row) -> list[str]:
    return ["" if cell is None else quoted(f"{cell}") for cell in row]


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], encoding: str = "gb18030") -> None:
    """A comma-separated file; the cells are already quoted where they must be."""
    body = "\r\n".join([",".join(header), *(",".join(row) for row in rows)]) + "\r\n"
    path.write_bytes(body.encode(encoding))


def write_xlsx(path: Path, header: Sequence[str], rows: Iterable[Row]) -> None:
    """One sheet, dates as Excel's own."""
    book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "default_date_format": "yyyy-mm-dd"})
    book.set_properties({"created": CREATED})
    sheet = book.add_worksheet("Sheet1")
    for r, row in enumerate([header, *rows]):
        for c, cell in enumerate(row):
            if cell not in (None, ""):
                sheet.write(r, c, cell)
    book.close()


def write_parquet(path: Path, table: pa.Table) -> None:
    """Parquet, quickly packed."""
    pq.write_table(table, path, compression="zstd", compression_level=1)
