"""An Excel file that people fill in: headings with notes, drop-downs, dated the same every time; rows added to one."""

from __future__ import annotations

import datetime as dt
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from .export import UNDATED
from .text import say

ROWS = 500  # that have drop-downs
WIDTH = 16
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")  # no XML holds them
SHEET_ROW = re.compile(r'<row\b[^>]*?\br="(\d+)"[^>]*?(?:/>|>.*?</row>)', re.DOTALL)
DATED = {"num_format": "yyyy-mm-dd"}


class Book:
    """An Excel file in the making: dated the same every time, with a sheet of what may be chosen."""

    def __init__(self, path: Path, lang: str) -> None:
        self.lang = lang
        self.book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "default_date_format": "yyyy-mm-dd"})
        self.book.set_properties({"created": dt.datetime.combine(UNDATED, dt.time())})
        heading = {"bold": True, "bg_color": "#E8EEF4", "border": 1, "text_wrap": True}
        self.bold: Format = self.book.add_format(heading)
        self.bold_date: Format = self.book.add_format(heading | DATED)
        example = {"italic": True, "font_color": "#808080"}
        self.grey: Format = self.book.add_format(example)
        self.grey_date: Format = self.book.add_format(example | DATED)
        self.date: Format = self.book.add_format(DATED)
        self.lists: list[list[str]] = []

    def sheet(self, name: str, headings: Sequence[object], about: Sequence[str]) -> Worksheet:
        """A sheet with its headings, each with a note on what to write."""
        sheet = self.book.add_worksheet(say(f"forms.{name}", self.lang))
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, len(headings) - 1, WIDTH)
        for column, (heading, note) in enumerate(zip(headings, about, strict=True)):
            sheet.write(0, column, heading, self.bold_date if isinstance(heading, dt.date) else self.bold)
            if note:
                sheet.write_comment(0, column, note, {"x_scale": 2, "author": "csperf"})
        return sheet

    def drop_down(
        self, sheet: Worksheet, columns: tuple[int, int], choices: Iterable[str], *, strict: bool = True
    ) -> None:
        """A drop-down in the rows of some columns; what it offers stands on the sheet of options.

        Where not `strict`, other words may be written as well.
        """
        self.lists.append(list(choices))
        letter = xlsxwriter.utility.xl_col_to_name(len(self.lists) - 1)
        area = f"='{say('forms.options', self.lang)}'!${letter}$1:${letter}${len(self.lists[-1])}"
        refusing = {} if strict else {"show_error": False}
        sheet.data_validation(1, columns[0], ROWS, columns[1], {"validate": "list", "source": area} | refusing)

    def close(self) -> None:
        """Writes the file."""
        options = self.book.add_worksheet(say("forms.options", self.lang))
        for column, words in enumerate(self.lists):
            options.write_column(0, column, words)
        options.hide()
        self.book.close()


# Rows added to a file that people have written in -----------------------------------------------------------------


def append_rows(path: Path, sheet: int | str, rows: Sequence[Mapping[int, str]]) -> int:
    """The number of the first row added below what the sheet holds; `rows`: text by column, 0 is A.

    All else in the file stays byte for byte: it is other people's. Written beside and moved into place, so that it is
    whole or as it was. PermissionError where Excel has it open, ValueError where it is no xlsx file.
    """
    if path.with_name(f"~${path.name}").exists():  # how Excel and WPS say that they have it
        raise PermissionError(str(path))
    if not zipfile.is_zipfile(path):
        raise ValueError(str(path))
    beside = path.with_name(f".{path.name}.partial")
    try:
        with zipfile.ZipFile(path) as book, zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as copy:
            part = _part(book, sheet)
            text, first = _appended(book.read(part).decode("utf-8"), rows)
            for entry in book.infolist():
                copy.writestr(entry, text.encode() if entry.filename == part else book.read(entry))
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return first


def _part(book: zipfile.ZipFile, sheet: int | str) -> str:
    """The part of the file that holds a sheet, by its place or name."""
    listed = [node for node in ElementTree.fromstring(book.read("xl/workbook.xml")).iter() if RELATION in node.attrib]
    sheets = [node for node in listed if node.tag.endswith("}sheet")]
    wanted = sheets[sheet] if isinstance(sheet, int) else next(node for node in sheets if node.get("name") == sheet)
    relations = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
    target = next(node.get("Target", "") for node in relations if node.get("Id") == wanted.get(RELATION))
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _appended(text: str, rows: Sequence[Mapping[int, str]]) -> tuple[str, int]:
    """The sheet's XML with rows behind the last that says anything, and the number of the first of them.

    Rows that are only formatted make room. Texts stand in their cells, for the list of shared ones is another part.
    """
    start, end = text.find("<sheetData>"), text.find("</sheetData>")
    if min(start, end) < 0:
        raise ValueError("sheetData")
    body = text[start + len("<sheetData>") : end]
    if len(SHEET_ROW.findall(body)) != len(re.findall(r"<row\b", body)):  # rows without a number: not to be touched
        raise ValueError("row")
    last = max((int(row[1]) for row in SHEET_ROW.finditer(body) if "<v>" in row[0] or "<is>" in row[0]), default=0)
    kept = "".join(row[0] for row in SHEET_ROW.finditer(body) if int(row[1]) <= last)
    beyond = "".join(row[0] for row in SHEET_ROW.finditer(body) if int(row[1]) > last + len(rows))
    added = "".join(_sheet_row(number, cells) for number, cells in enumerate(rows, last + 1))
    return f"{text[:start]}<sheetData>{kept}{added}{beyond}{text[end:]}", last + 1


def _sheet_row(number: int, cells: Mapping[int, str]) -> str:
    letters = {place: xlsxwriter.utility.xl_col_to_name(place) for place in sorted(cells)}
    plain = {place: escape(UNPRINTABLE.sub("", cells[place])) for place in letters}
    texts = (
        f'<c r="{letters[place]}{number}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
        for place, text in plain.items()
    )
    return f'<row r="{number}">{"".join(texts)}</row>'
