"""Forms of management as Excel files, from one YAML each: tasks, training, promotion, complaints, checklists, plans.

What people have written into them is read back and checked against what the YAML asks for. They are a supervisor's own
papers: nothing in them enters a metric.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field
from xlsxwriter.exceptions import FileCreateError

from .errors import Problem
from .hours import working_day
from .settings import listed, quoted
from .sources.decode import normalised, open_sheet
from .text import LANGUAGES, say
from .tidy import day, number
from .workbook import WIDTH, Book

FOLDER = Path(__file__).with_name("templates") / "documents"
STRICT = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
WIDE = 28  # characters of a column in which people write sentences
LANDSCAPE_A4 = 9
TIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M", "%Y-%m-%dT%H:%M:%S")


class Words(BaseModel):
    """The same in both languages."""

    model_config = STRICT

    zh: str
    en: str

    def said(self, lang: str) -> str:
        """The words in `lang`."""
        return self.zh if lang == "zh" else self.en


class Column(Words):
    """A column: its heading, what its cells are, whether they must be filled, what a number lies between."""

    key: str
    kind: Literal["text", "day", "time", "number", "yes_no", "words"] = "text"
    words: tuple[Words, ...] = ()
    required: bool = False
    about: Words | None = None
    from_: float | None = Field(default=None, alias="from")
    to: float | None = None

    def choices(self, lang: str) -> list[str]:
        """What the drop-down offers, if anything."""
        if self.kind == "yes_no":
            return [say("templates.yes", lang), say("templates.no", lang)]
        return [word.said(lang) for word in self.words]


class Check(BaseModel):
    """What must hold between the cells of a row, or of all rows; see CHECKS."""

    model_config = STRICT

    rule: Literal["in_order", "within_hours", "working_days", "filled_when", "all_yes", "times_a_week"]
    columns: tuple[str, ...] = ()
    column: str = ""
    when: str = ""
    is_: bool | None = Field(default=None, alias="is")
    least: int = 0
    most: int = 0


class Document(BaseModel):
    """One form: its title, what it is for, columns, rows that stand there from the start or an example, its checks."""

    model_config = STRICT

    title: Words
    about: Words
    columns: tuple[Column, ...]
    rows: tuple[dict[str, Any], ...] = ()
    example: dict[str, Any] = {}
    checks: tuple[Check, ...] = ()

    def file(self, lang: str) -> str:
        """The name of its Excel file."""
        return f"{self.title.said(lang)}.xlsx"


@cache
def documents() -> dict[str, Document]:
    """Every form by its name."""
    files = sorted(FOLDER.glob("*.yaml"))
    return {file.stem: Document.model_validate(yaml.safe_load(file.read_text(encoding="utf-8"))) for file in files}


# Writing ----------------------------------------------------------------------------------------------------------


def write_documents(folder: Path, lang: str) -> tuple[list[Path], list[Path]]:
    """The forms written into `folder`, and those that were there already and were left alone."""
    folder.mkdir(parents=True, exist_ok=True)
    made = {folder / document.file(lang): document for document in documents().values()}
    kept = [path for path in made if path.exists()]
    written = [path for path in made if not path.exists()]
    for path in written:
        try:
            _write(path, made[path], lang)
        except (OSError, FileCreateError):  # half a form would be left alone ever after
            path.unlink(missing_ok=True)
            raise
    return written, kept


def _write(path: Path, document: Document, lang: str) -> None:
    book = Book(path, lang)
    title = document.title.said(lang)
    sheet = book.book.add_worksheet(title)
    wrapped = book.book.add_format({"text_wrap": True, "valign": "top"})
    for at, column in enumerate(document.columns):
        sheet.set_column(at, at, WIDTH if column.kind != "text" else WIDE, wrapped)
        sheet.write(0, at, column.said(lang), book.bold)
        if column.about:
            sheet.write_comment(0, at, column.about.said(lang), {"x_scale": 2, "author": "csperf"})
        if column.choices(lang):
            book.drop_down(sheet, (at, at), column.choices(lang))
    remark = len(document.columns)
    sheet.set_column(remark, remark, WIDTH, wrapped)
    sheet.write(0, remark, say("forms.remark", lang), book.bold)
    for line, row in enumerate(document.rows or (document.example,), 1):
        for at, column in enumerate(document.columns):
            sheet.write(line, at, _cell(row.get(column.key), lang), wrapped if document.rows else book.grey)
        sheet.write(line, remark, "" if document.rows else say("forms.example", lang), book.grey)
    _printed(sheet, title)
    about = book.book.add_worksheet(say("templates.about", lang))
    about.set_column(0, 0, 100)
    about.write(0, 0, title, book.bold)
    about.write(1, 0, document.about.said(lang), wrapped)
    book.close()


def _printed(sheet: Any, title: str) -> None:
    """A4 across, as wide as the page, the title above and the headings on every page."""
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.set_paper(LANDSCAPE_A4)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.set_header(f"&C{title}")


def _cell(value: Any, lang: str) -> Any:
    if isinstance(value, bool):
        return say(f"templates.{'yes' if value else 'no'}", lang)
    if isinstance(value, Mapping):
        return value[lang]
    return "" if value is None else str(value) if isinstance(value, dt.date) else value


# Reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A row that people wrote: its line, and the cells that read, by column; null where empty or unreadable."""

    line: int
    cells: Mapping[str, Any]


def check_documents(folder: Path) -> tuple[list[Path], list[Problem]]:
    """The forms of `folder` that somebody has written in, and everything that is wrong in them, cell by cell."""
    read, problems = [], []
    for document in documents().values():
        for lang in LANGUAGES:
            path = folder / document.file(lang)
            if path.is_file():
                rows, faults = read_document(path, document)
                read += [path] if rows or faults else []
                problems += faults
    return read, problems


def read_document(path: Path, document: Document) -> tuple[list[Row], list[Problem]]:
    """The rows that people wrote, without the example and without forms as they came; and what is wrong with them."""
    rows, problems = [], []
    headings = {normalised(c.said(lang)): c.key for c in document.columns for lang in LANGUAGES}
    with open_sheet(path) as sheet:
        places = {headings[name]: at for name, at in sheet.header.items() if name in headings}
        lines = [(line, list(cells)) for line, cells in sheet.records]
        remark = next((at for name, at in sheet.header.items() if name in _both("forms.remark")), None)
    texts = [(line, _texts(cells, places)) for line, cells in lines if not _is_example(cells, remark)]
    missing = [c for c in document.columns if c.key not in places]
    if missing:
        said = say("templates.columns_missing", columns=listed(c.zh for c in missing))
        return [], [Problem(str(path), said)]
    if _untouched([text for _line, text in texts], document):
        return [], []
    for line, text in texts:
        cells, faults = _read(path, line, text, document)
        rows.append(Row(line, cells))
        problems += faults
    for check in document.checks:
        found = CHECKS[check.rule](rows, check)
        problems += [_problem(path, line, column, document, said) for line, column, said in found]
    return rows, problems


def _both(key: str) -> set[str]:
    return {normalised(say(key, lang)) for lang in LANGUAGES}


def _is_example(cells: Sequence[str | None], remark: int | None) -> bool:
    return remark is not None and remark < len(cells) and normalised(cells[remark]) in _both("forms.example")


def _texts(cells: Sequence[str | None], places: Mapping[str, int]) -> dict[str, str]:
    return {key: (cells[at] or "").strip() if at < len(cells) else "" for key, at in places.items()}


def _untouched(texts: Sequence[Mapping[str, str]], document: Document) -> bool:
    """Whether the form is as it came: nobody has begun to fill it in."""
    for lang in LANGUAGES:
        came = [{c.key: str(_cell(row.get(c.key), lang)) for c in document.columns} for row in document.rows]
        if list(texts) == came:
            return True
    return False


def _read(path: Path, line: int, text: Mapping[str, str], document: Document) -> tuple[dict[str, Any], list[Problem]]:
    cells: dict[str, Any] = {}
    problems = []
    for column in document.columns:
        cells[column.key] = None
        if not text[column.key]:
            if column.required:
                problems.append(_problem(path, line, column.key, document, say("tidy.empty")))
            continue
        try:
            cells[column.key] = _value(text[column.key], column)
        except ValueError as error:
            problems.append(_problem(path, line, column.key, document, str(error)))
    return cells, problems


def _value(cell: str, column: Column) -> Any:
    """The cell as its column's kind; ValueError, in words, where it is none."""
    if column.kind == "day":
        return dt.date.fromisoformat(day(cell))
    if column.kind == "time":
        return _time(cell)
    if column.kind == "number":
        return _between(number(cell), column)
    for lang in LANGUAGES:
        choices = column.choices(lang)
        if cell in choices:
            return choices.index(cell) == 0 if column.kind == "yes_no" else column.choices("zh")[choices.index(cell)]
    if column.choices("zh"):
        raise ValueError(say("tidy.not_one_of", found=quoted(cell), allowed=listed(column.choices("zh"))))
    return cell


def _time(cell: str) -> dt.datetime:
    for form in TIME_FORMATS:
        try:
            return dt.datetime.strptime(cell, form)
        except ValueError:
            continue
    raise ValueError(say("templates.not_time", found=quoted(cell)))


def _between(value: float, column: Column) -> float:
    low, high = column.from_, column.to
    if (low is not None and value < low) or (high is not None and value > high):
        raise ValueError(say("templates.out_of_bounds", found=f"{value:g}", low=f"{low:g}", high=f"{high:g}"))
    return value


def _problem(path: Path, line: int, key: str, document: Document, said: str) -> Problem:
    column = next(c for c in document.columns if c.key == key)
    return Problem(say("tidy.where", path=path, line=line, column=column.said(_language_of(path, document))), said)


def _language_of(path: Path, document: Document) -> str:
    return next(lang for lang in LANGUAGES if path.name == document.file(lang))


# Checks: line, column and sentence of everything that does not hold ------------------------------------------------

Finding = tuple[int, str, str]


def _in_order(rows: Iterable[Row], check: Check) -> Iterator[Finding]:
    """Days or times, as far as they are filled, in the order of the columns."""
    for row in rows:
        filled = [key for key in check.columns if row.cells[key] is not None]
        for before, after in pairwise(filled):
            if row.cells[after] < row.cells[before]:
                yield row.line, after, say("templates.before", found=row.cells[after], limit=row.cells[before])


def _within_hours(rows: Iterable[Row], check: Check) -> Iterator[Finding]:
    start, end = check.columns
    for row in rows:
        if row.cells[start] and row.cells[end]:
            hours = (row.cells[end] - row.cells[start]).total_seconds() / 3600
            if hours > check.most:
                yield row.line, end, say("templates.too_late", hours=f"{hours:.1f}", most=check.most)


def _working_days(rows: Iterable[Row], check: Check) -> Iterator[Finding]:
    """At least so many working days after the first day, as the law's calendar has them."""
    start, end = check.columns
    for row in rows:
        if row.cells[start] and row.cells[end]:
            first = working_day(row.cells[start], check.least)
            if row.cells[end] < first:
                yield row.line, end, say("templates.too_short", least=check.least, first=first)


def _filled_when(rows: Iterable[Row], check: Check) -> Iterator[Finding]:
    for row in rows:
        cause = row.cells[check.when]
        if row.cells[check.column] is None and cause is not None and check.is_ in (None, cause):
            yield row.line, check.column, say("templates.needed")


def _all_yes(rows: Iterable[Row], check: Check) -> Iterator[Finding]:
    for row in rows:
        if row.cells[check.column] is False:
            yield row.line, check.column, say("templates.not_ticked")


def _times_a_week(rows: Sequence[Row], check: Check) -> Iterator[Finding]:
    """So many different days in each week but the newest, which may still run."""
    (column,) = check.columns
    dated = {row.cells[column]: row.line for row in rows if row.cells[column]}
    weeks = Counter(date.isocalendar()[:2] for date in dated)
    lines = {date.isocalendar()[:2]: line for date, line in sorted(dated.items())}
    for week in sorted(weeks)[:-1]:
        if weeks[week] < check.least:
            slots = {"year": week[0], "week": week[1], "n": weeks[week], "least": check.least}
            yield lines[week], column, say("templates.too_few", **slots)


CHECKS: dict[str, Callable[[Sequence[Row], Check], Iterator[Finding]]] = {
    "in_order": _in_order,
    "within_hours": _within_hours,
    "working_days": _working_days,
    "filled_when": _filled_when,
    "all_yes": _all_yes,
    "times_a_week": _times_a_week,
}
