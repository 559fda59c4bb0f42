"""Tables written to files, whole or not at all: CSV, Parquet or Excel by the ending; no text becomes a formula."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
import xlsxwriter

from .errors import CsperfError, Problem
from .text import say

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # OWASP: what a spreadsheet takes for a formula
ENDINGS = (".csv", ".parquet", ".xlsx")
UNDATED = dt.date(2000, 1, 1)
WIDEST = 40  # characters of a column in Excel


def write_table(frame: pd.DataFrame, path: str | Path, *, excel: bool = False, created: dt.date = UNDATED) -> Path:
    """The path written: UTF-8 CSV (`excel`: with BOM), Parquet or xlsx; the same frame gives the same bytes.

    `created` is the creation date inside an xlsx. Text that a spreadsheet would run as a formula gets a leading '
    in CSV; in xlsx it is stored as text. CsperfError for another ending or a place that cannot be written.
    """
    path = known_ending(Path(path))
    writers: dict[str, Callable[[Path], None]] = {
        ".csv": partial(_csv, frame, "utf-8-sig" if excel else "utf-8"),
        ".parquet": partial(_parquet, frame),
        ".xlsx": partial(_xlsx, frame, created),
    }
    beside = path.with_name(f".{path.name}.partial")
    try:
        writers[path.suffix.lower()](beside)
        beside.replace(path)
    except (OSError, xlsxwriter.exceptions.XlsxFileError) as error:
        beside.unlink(missing_ok=True)
        raise CsperfError(Problem(str(path), say("cli.cannot_write", problem=error))) from error
    return path


def known_ending(path: Path) -> Path:
    """The path, if its ending is one that `write_table` writes; CsperfError names those that are."""
    if path.suffix.lower() not in ENDINGS:
        said = say("cli.unknown_ending", found=path.suffix or path.name, allowed=", ".join(ENDINGS))
        raise CsperfError(Problem(str(path), said))
    return path


def _csv(frame: pd.DataFrame, encoding: str, path: Path) -> None:
    texts = frame.select_dtypes(include=["object", "string", "category"]).columns
    safe = frame.assign(**{name: frame[name].map(as_text, na_action="ignore") for name in texts})
    safe.to_csv(path, index=False, encoding=encoding, lineterminator="\n")


def as_text(cell: object) -> object:
    """The cell, with a leading ' where a spreadsheet would otherwise run it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def _parquet(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False)


def _xlsx(frame: pd.DataFrame, created: dt.date, path: Path) -> None:
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False, "remove_timezone": True})
    book.set_properties({"created": dt.datetime.combine(created, dt.time())})
    formats = {dt.date: book.add_format({"num_format": "yyyy-mm-dd"})}
    formats[dt.datetime] = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    sheet = book.add_worksheet("csperf")
    sheet.freeze_panes(1, 0)
    for column, name in enumerate(frame.columns):
        cells = [None if pd.isna(cell) else cell for cell in frame[name].astype(object)]
        sheet.set_column(column, column, min(WIDEST, max([len(str(name)), *(len(str(cell)) for cell in cells)]) + 2))
        sheet.write_string(0, column, str(name), book.add_format({"bold": True}))
        for row, cell in enumerate(cells, start=1):
            _write(sheet, row, column, cell, formats)
    book.close()


def _write(sheet: xlsxwriter.worksheet.Worksheet, row: int, column: int, cell: object, formats: dict) -> None:
    if isinstance(cell, pd.Timestamp):
        cell = cell.to_pydatetime()
    if isinstance(cell, str):
        sheet.write_string(row, column, cell)
    else:
        sheet.write(row, column, cell, formats.get(type(cell)))
