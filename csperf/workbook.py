"""An Excel file that people fill in: headings with notes, drop-downs, dated the same every time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from pathlib import Path

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from .export import UNDATED
from .text import say

ROWS = 500  # that have drop-downs
WIDTH = 16
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

    def drop_down(self, sheet: Worksheet, columns: tuple[int, int], choices: Iterable[str]) -> None:
        """A drop-down in the rows of some columns; what it offers stands on the sheet of options."""
        self.lists.append(list(choices))
        letter = xlsxwriter.utility.xl_col_to_name(len(self.lists) - 1)
        area = f"='{say('forms.options', self.lang)}'!${letter}$1:${letter}${len(self.lists[-1])}"
        sheet.data_validation(1, columns[0], ROWS, columns[1], {"validate": "list", "source": area})

    def close(self) -> None:
        """Writes the file."""
        options = self.book.add_worksheet(say("forms.options", self.lang))
        for column, words in enumerate(self.lists):
            options.write_column(0, column, words)
        options.hide()
        self.book.close()
