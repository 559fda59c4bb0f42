"""目标设定.xlsx: the form in which proposed targets are taken up, changed with a reason, and read back cell by cell."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from .catalogue import entry
from .errors import CsperfError, Problem
from .targets.publishing import Adoption
from .targets.register import CAUSES, Event, Register
from .text import LANGUAGES, say, words
from .text.numbers import PERCENT, quantity
from .tidy import read_tidy
from .workbook import WIDTH, Book

SHOWN = (
    "id",
    "metric_name",
    "role",
    "level",
    "unit",
    "grade",
    "before",
    "base",
    "proposed",
    "stretch",
    "expected",
    "why",
)
FILLED = ("adopted", "change_reason", "cause", "adopted_by")
NUMBERS = ("before", "base", "proposed", "stretch", "adopted")
NOTED = ("id", *FILLED)
WIDE = {"metric_name": 2, "expected": 1.5, "why": 3, "change_reason": 2}
EXAMPLE = Event(
    date=dt.date(2026, 10, 27), act="propose", id="A0001", who="-", metric="conversion_paid_user", role="pre",
    level="mid", target=0.55, base=0.5, stretch=0.6, before=0.54, grade="publish",
)  # fmt: skip


def form_name(lang: str) -> str:
    """What the form's file is called."""
    return f"{say('forms.adoption', lang)}.xlsx"


def write_form(path: Path, proposals: Sequence[Event], lang: str) -> None:
    """Writes the form whole, a row for each proposal; without any it shows an example row that is never read."""
    beside = path.with_name(f".{path.name}.partial")
    book = Book(beside, lang)
    columns = [*SHOWN, *FILLED, "remark"]
    notes = [say(f"review.about_{name}", lang) if name in NOTED else "" for name in columns]
    sheet = book.sheet("adoption", [say(f"tidy.{name}", lang) for name in columns], notes)
    for name, times in WIDE.items():
        sheet.set_column(columns.index(name), columns.index(name), times * WIDTH)
    place = columns.index("cause")
    book.drop_down(sheet, (place, place), [say(f"review.cause_{cause}", lang) for cause in CAUSES])
    kinds = {unit: book.book.add_format({"num_format": _number_format(unit)}) for unit in ("share", "other")}
    for row, event in enumerate(proposals or (EXAMPLE,), start=1):
        cells = _row(event, lang)
        if not proposals:
            cells |= {"why": say("review.form_example", lang), "remark": say("forms.example", lang)}
        kind = kinds["share" if entry(event.metric).unit in PERCENT else "other"]
        for column, name in enumerate(columns):
            sheet.write(row, column, cells.get(name), kind if name in NUMBERS else None if proposals else book.grey)
    try:
        book.close()
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _number_format(unit: str) -> str:
    return "0.0%" if unit == "share" else "#,##0.0##"


def _row(event: Event, lang: str) -> dict[str, Any]:
    known = entry(event.metric)
    cells: dict[str, Any] = {"id": event.id, "metric_name": known.name(lang), "why": event.reason}
    cells["unit"] = say(f"dictionary.unit_{known.unit}", lang)
    cells["role"], cells["level"] = in_words("role", event.role, lang), in_words("level", event.level, lang)
    cells["grade"] = say(f"review.grade_{event.grade or 'publish'}", lang)
    cells |= {"before": event.before, "base": event.base, "proposed": event.target, "stretch": event.stretch}
    return cells | {"expected": expected(event, lang)}


def in_words(column: str, name: str, lang: str) -> str:
    """A role or level as people call it; a shop's own word stays."""
    if not name:
        return say("review.whole_role", lang) if column == "level" else ""
    known = words("forms", lang) | {"role_both": say("dictionary.role_both", lang)}
    return known.get(f"{column}_{name}", name)


def expected(event: Event, lang: str) -> str:
    """How many will meet the target, as a cell says it; empty where that was not predicted."""
    shares = (event.attainment, event.attainment_low, event.attainment_high)
    if event.team is None or None in shares:
        return ""
    met, low, high = (round(float(share or 0) * event.team) for share in shares)
    return say("review.expected_people", lang, agents=event.team, met=met, low=low, high=high)


# Reading ----------------------------------------------------------------------------------------------------------


def read_form(path: str | Path, register: Register, who: str = "") -> list[Adoption]:
    """The targets that the form takes up: rows with a value or a name; `who` stands in where no name is written.

    CsperfError naming row and column of every cell that does not fit.
    """
    problems: list[Problem] = []
    adoptions: list[Adoption] = []
    seen: dict[str, int] = {}
    for row in _filled(read_tidy(path, "adopted")).to_dict("records"):
        faults = list(_faults(row, register, who, seen, Path(path).name))
        seen.setdefault(row["id"], row["line"])
        problems += faults
        if not faults:
            adoptions.append(_adoption(row, who, Path(path).name))
    if problems:
        raise CsperfError(problems)
    if not adoptions:
        raise CsperfError(Problem(str(path), say("review.nothing_adopted")))
    return adoptions


def _filled(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows that carry a value or a name, each with its line; null where a cell is empty."""
    rows = frame.reindex(columns=["id", "proposed", "remark", *FILLED]).astype(object)
    rows = rows.where(rows.notna(), None).assign(line=frame.attrs["lines"])
    examples = [say("forms.example", lang) for lang in LANGUAGES]
    return rows[~rows["remark"].isin(examples) & rows[["adopted", "adopted_by"]].notna().any(axis=1)]


def _adoption(row: dict[str, Any], who: str, file: str) -> Adoption:
    return Adoption(
        id=row["id"],
        value=row["adopted"],
        reason=row["change_reason"] or "",
        who=row["adopted_by"] or who,
        cause=row["cause"] or "",
        where=_at(file, row["line"]),
    )


def _faults(row: dict[str, Any], register: Register, who: str, seen: dict[str, int], file: str) -> Iterator[Problem]:
    """What is wrong with a row, by column."""

    def at(column: str, key: str, **slots: object) -> Problem:
        heading = say(f"tidy.{column}")
        return Problem(_at(file, row["line"]), f"{heading}: {say(f'review.{key}', **slots)}")

    if not row["id"] or not register.state(row["id"]):
        yield at("id", "cell_no_id", found=row["id"] or "")
        return
    known = register.life(row["id"])[0]
    unit = entry(known.metric).unit
    if row["id"] in seen:
        yield at("id", "cell_id_twice", found=row["id"], first=seen[row["id"]])
    if row["proposed"] is not None and known.target is not None and abs(row["proposed"] - known.target) > 1e-6:
        shown = {"found": _shown(row["proposed"], unit), "proposed": _shown(known.target, unit)}
        yield at("proposed", "cell_moved", **shown)
    if row["adopted"] is not None and unit in PERCENT and 1.5 < row["adopted"] <= 100:
        yield at("adopted", "cell_percent", found=f"{row['adopted']:g}", share=f"{row['adopted'] / 100:g}")
    if not (row["adopted_by"] or who):
        yield at("adopted_by", "cell_no_who")


def _shown(value: float, unit: str) -> str:
    return quantity(value, unit, "en")


def _at(file: str, line: int) -> str:
    return f"{file} {say('review.form_row', row=line)}"


def unpublished(path: Path, register: Register) -> int:
    """How many rows of the form are filled in and wait to be published; 0 where there is no form.

    CsperfError where the form does not read: somebody's entries are not to be lost.
    """
    if not path.exists():
        return 0
    filled = _filled(read_tidy(path, "adopted"))
    return sum(register.state(str(id)) not in ("published", "retired") for id in filled["id"])
