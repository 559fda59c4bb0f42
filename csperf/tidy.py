"""Tidy tables that a person hands over as a file: every cell read strictly, every fault named by row and column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from .catalogue import ENTRIES
from .definitions import SETS
from .errors import CsperfError, Problem
from .facts import SPOKEN
from .people.settings import CRITERIA
from .scorecard.events import APPEALS, OTHER_KINDS
from .scorecard.events import KINDS as CAPPING
from .settings import did_you_mean, listed, quoted
from .sources.decode import normalised, open_sheet
from .targets.register import CAUSES
from .text import LANGUAGES, say

SHOWN_PROBLEMS = 30


@dataclass(frozen=True)
class Column:
    """A column of a tidy table: its name, what its cells are, and whether it must be there."""

    name: str
    read: Callable[[str], Any]
    required: bool = False
    blank: bool = False  # whether its cells may be empty all the same

    @property
    def headings(self) -> tuple[str, ...]:
        """What the column may be called: its name, or its word in either language."""
        return (self.name, *(say(f"tidy.{self.name}", lang) for lang in LANGUAGES))


def number(cell: str) -> float:
    """A number with dot decimals; thousands commas and a percent sign are understood."""
    plain = cell.replace(",", "").replace("，", "").replace("％", "%").strip()
    percent = plain.endswith("%")
    try:
        value = float(plain.rstrip("%"))
    except ValueError:
        raise ValueError(say("tidy.not_number", found=quoted(cell))) from None
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError(say("tidy.not_number", found=quoted(cell)))
    return value / 100 if percent else value


def points(cell: str) -> float:
    """Points of a hundred, with or without a percent sign."""
    return number(cell.strip().rstrip("%％"))


def month(cell: str) -> str:
    """A month as YYYY-MM; a full date gives its month."""
    found = re.fullmatch(r"(\d{4})[-/年.]?(\d{1,2})(?:月|[-/.]\d{1,2}(?: .*)?)?", cell)
    if not found or not 1 <= int(found[2]) <= 12:
        raise ValueError(say("tidy.not_month", found=quoted(cell)))
    return f"{found[1]}-{int(found[2]):02}"


def day(cell: str) -> str:
    """A day as YYYY-MM-DD."""
    try:
        return pd.to_datetime(cell).strftime("%Y-%m-%d")
    except (ValueError, TypeError):
        raise ValueError(say("tidy.not_day", found=quoted(cell))) from None


def metric(cell: str) -> str:
    """A key of the catalogue, given as such or by its name in either language."""
    names = {name: key for key, entry in ENTRIES.items() for name in (entry.en.casefold(), entry.zh, key)}
    known = names.get(normalised(cell)) or names.get(cell.strip().casefold())
    if not known:
        raise ValueError(say("tidy.no_metric", found=quoted(cell), hint=did_you_mean(cell, names)))
    return known


def word_of(column: str, allowed: Sequence[str]) -> Callable[[str], str]:
    """Reads one of the allowed words, or what rosters call it in Chinese."""

    def read(cell: str) -> str:
        plain = SPOKEN.get(column, {}).get(cell.strip().lower(), cell.strip())
        if plain not in allowed:
            raise ValueError(say("tidy.not_one_of", found=quoted(cell), allowed=listed(allowed)))
        return plain

    return read


def spoken(area: str, allowed: Sequence[str]) -> Callable[[str], str]:
    """Reads one of the allowed words, or what a drop-down calls it: `area`_<word> in either language."""

    def read(cell: str) -> str:
        words = {say(f"{area}_{name}", lang): name for name in allowed for lang in LANGUAGES} | {n: n for n in allowed}
        if cell.strip() not in words:
            raise ValueError(say("tidy.not_one_of", found=quoted(cell), allowed=listed(words)))
        return words[cell.strip()]

    return read


def text(cell: str) -> str:
    """The cell as it is."""
    return cell


def level(cell: str) -> str:
    """A level; any word a shop uses, the usual ones in English."""
    return SPOKEN["level"].get(cell.strip().lower(), cell.strip())


ROLES = ("pre", "after", "mixed", "both", "call", "manager", "shop")
GRADES = ("publish", "trial", "reference")
CELLS = ("own", "mean", "top10_mean", "tier_mean", "tier_excellent")
PAPERS = ("targets", "results")
SIGNATURES = ("waiting", "signed", "refused")
WHO = (Column("shop_id", text), Column("agent_id", text, True, blank=True))
TABLES: dict[str, tuple[Column, ...]] = {
    "values": (
        *WHO,
        Column("month", month),
        Column("day", day),
        Column("metric", metric, True),
        *(Column(name, number) for name in ("numerator", "denominator", "value", "n", "sum_squares", "served", "days")),
        Column("level", level),
        Column("role", word_of("role", ROLES)),
        *(Column(name, text) for name in ("shift", "door")),
        Column("definitions", word_of("definitions", tuple(SETS))),
    ),
    "benchmarks": (
        Column("shop_id", text),
        Column("metric", metric, True),
        Column("definitions", word_of("definitions", tuple(SETS))),
        Column("cell", word_of("cell", CELLS), True),
        Column("value", number, True),
        Column("n", number),
        Column("period_start", day, True),
        Column("period_end", day, True),
        *(Column(name, text) for name in ("tier", "category", "source", "read_by")),
    ),
    "current": (
        Column("role", word_of("role", ROLES), True),
        Column("level", level),
        Column("metric", metric, True),
        Column("target", number, True),
        Column("weight", number),
    ),
    "targets": (
        Column("metric", metric, True),
        Column("role", word_of("role", ROLES), True),
        Column("level", level),
        *(Column(name, number) for name in ("base", "target", "stretch", "half_width", "team")),
        *(Column(name, number) for name in ("attainment", "attainment_low", "attainment_high")),
        Column("grade", spoken("review.grade", GRADES)),
        *(Column(name, text) for name in ("status", "reason")),
    ),
    "adopted": (
        Column("id", text, True),
        *(Column(name, number) for name in ("proposed", "adopted")),
        Column("change_reason", text),
        Column("cause", spoken("review.cause", CAUSES)),
        *(Column(name, text) for name in ("adopted_by", "remark")),
    ),
    "weights": (
        Column("metric", metric, True),
        Column("role", word_of("role", ROLES)),
        Column("weight", points, True),
    ),
    "published_weights": (
        Column("valid_from", day, True),
        Column("role", word_of("role", ROLES)),
        Column("metric", metric, True),
        Column("weight", points, True),
        Column("set_by", text, True, blank=True),
        Column("reason", text),
    ),
    "events": (
        Column("agent_id", text, True),
        Column("date", day, True),
        Column("kind", spoken("scores.kind", (*CAPPING, *OTHER_KINDS)), True),
        *(Column(name, text) for name in ("evidence", "reported_by", "confirmed_by")),
        Column("appeal", spoken("scores.appeal", APPEALS)),
        Column("remark", text),
    ),
    "steps": (
        Column("score_from", number, True),
        Column("score_to", number),
        Column("coefficient", number),
        Column("yuan", number),
        Column("remark", text),
    ),
    "corrections": (
        Column("id", text, True),
        Column("agent_id", text, True),
        Column("yuan", number, True),
        *(Column(name, text) for name in ("reason", "remark")),
    ),
    "votes": (
        Column("agent_id", text, True),
        Column("criterion", spoken("people.criterion", CRITERIA), True),
        Column("points", number, True),
        *(Column(name, text) for name in ("rater", "source", "remark")),
    ),
    "signed": (
        Column("date", day, True),
        Column("month", month, True),
        Column("paper", spoken("papers.kind", PAPERS), True),
        Column("agent_id", text, True),
        Column("state", spoken("papers.state", SIGNATURES), True),
        Column("who", text, True),
        Column("reason", text),
    ),
    "results": (
        Column("month", month, True),
        Column("agent_id", text, True),
        Column("name", text),
        Column("role", word_of("role", ROLES), True),
        Column("level", level),
        Column("metric", metric),
        *(Column(name, number) for name in ("value", "n", "base", "target", "stretch", "weight", "weight_used")),
        *(Column(name, number) for name in ("points", "contribution", "score", "pay_score", "coefficient")),
        *(Column(name, text) for name in ("left_out", "band", "status")),
    ),
    "findings": (
        Column("month", month, True),
        Column("finding", text, True),
        Column("metric", metric, True),
        Column("role", word_of("role", ROLES), True),
        Column("agent_id", text),
        Column("measure", text, True),
        Column("owner", text, True),
        Column("due", day, True),
        Column("remark", text),
    ),
    "outcome": (
        Column("agent_id", text, True),
        Column("month", month, True),
        Column("value", number, True),
    ),
    "experts": (
        Column("expert", text, True),
        Column("role", word_of("role", ROLES)),
        Column("round", number),
        Column("metric", metric, True),
        Column("points", number, True, blank=True),
        Column("remark", text),
    ),
    "comparisons": (
        Column("expert", text, True),
        Column("role", word_of("role", ROLES)),
        *(Column(name, metric, True) for name in ("a", "b")),
        Column("ratio", number, True),
    ),
    "checks": (
        Column("rule", text, True),
        Column("since", day),
        Column("seen", number),
        Column("checked_on", day),
        Column("checked_by", text),
    ),
    "objections": (
        Column("objected_on", day, True),
        Column("about", text, True),
        Column("objector", text, True),
        *(Column(name, text) for name in ("agent_id", "scorer")),
        Column("objection", text, True),
        Column("remark", text),
    ),
    "planned": (
        Column("agent_id", text),
        Column("role", word_of("role", ROLES)),
        Column("level", level),
        Column("metric", metric),
        Column("n", number, True),
    ),
}


def read_tidy(path: str | Path, table: str, *, may_be_empty: bool = False) -> pd.DataFrame:
    """The rows of a CSV, Parquet or Excel file in the columns of TABLES[table], null where a cell is empty.

    `.attrs`: `ignored`, the columns that the table does not know; `lines`, the line of each row; `headings`, what the
    file calls each column. CsperfError with every fault: columns that are missing, cells that do not read.
    """
    path = Path(path)
    if not path.is_file():
        raise CsperfError(Problem(str(path), say("tidy.no_file")))
    with open_sheet(path) as sheet:
        places = {c.name: name for c in TABLES[table] if (name := _heading(c, sheet.header))}
        missing = [c for c in TABLES[table] if c.required and c.name not in places]
        if missing:
            names = listed(" / ".join(dict.fromkeys(c.headings)) for c in missing)
            raise CsperfError(
                Problem(str(path), say("tidy.columns_missing", missing=names, found=listed(sheet.header)))
            )
        batches = [batch.to_pandas() for batch in sheet.batches(list(places.values()))]
    rows = pd.concat(batches, ignore_index=True) if batches else pd.DataFrame(columns=["source_line"])
    if rows.empty and not may_be_empty:
        raise CsperfError(Problem(str(path), say("tidy.no_rows")))
    cells = {name: rows[f"cell:{i}"].fillna("") for i, name in enumerate(places)}
    frame, problems = _read_cells(path, table, cells, rows["source_line"], places)
    if problems:
        more = (
            [Problem(str(path), say("tidy.more", n=len(problems) - SHOWN_PROBLEMS))]
            if len(problems) > SHOWN_PROBLEMS
            else []
        )
        raise CsperfError([*problems[:SHOWN_PROBLEMS], *more])
    frame.attrs = {
        "ignored": sorted(set(sheet.header) - set(places.values()) - {""}),
        "lines": rows["source_line"].tolist(),
        "headings": {c.name: _said_heading(c, places[c.name]) for c in TABLES[table] if c.name in places},
    }
    return frame


def _heading(column: Column, header: dict[str, int]) -> str | None:
    """What the file calls the column."""
    plain = {name.casefold(): name for name in reversed(header)}
    return next((plain[h] for h in (normalised(h).casefold() for h in column.headings) if h in plain), None)


def _said_heading(column: Column, found: str) -> str:
    """What the file calls the column, with the blanks that people write in it."""
    return next((h for h in column.headings if normalised(h).casefold() == found.casefold()), found)


def _read_cells(
    path: Path, table: str, cells: dict[str, pd.Series], lines: pd.Series, places: dict[str, str]
) -> tuple[pd.DataFrame, list[Problem]]:
    """Each column read, and a problem for each different cell that does not read."""
    problems: list[Problem] = []
    frame = {}
    for column in TABLES[table]:
        if column.name not in cells:
            continue
        found = cells[column.name]
        read: dict[str, Any] = {"": None}
        for cell in found.unique():
            if cell:
                read[cell] = _read(column, cell, problems, path, lines[found == cell], places)
        frame[column.name] = found.map(read)
        if column.required and not column.blank:
            empty = lines[found == ""]
            problems += [Problem(_where(path, empty, places[column.name]), say("tidy.empty"))] if len(empty) else []
    typed = {c.name: pd.to_numeric(frame[c.name]) for c in TABLES[table] if c.name in frame and c.read is number}
    return pd.DataFrame(frame | typed), problems


def _read(
    column: Column, cell: str, problems: list[Problem], path: Path, lines: pd.Series, places: dict[str, str]
) -> Any:
    try:
        return column.read(cell)
    except ValueError as error:
        problems.append(Problem(_where(path, lines, places[column.name]), str(error)))
        return None


def _where(path: Path, lines: pd.Series, column: str) -> str:
    """The file, the first line at fault and how many more there are, the column as the file calls it."""
    return say(
        "tidy.where" if len(lines) == 1 else "tidy.where_more",
        path=path,
        line=lines.iloc[0],
        column=column,
        more=len(lines) - 1,
    )


def faults(frame: pd.DataFrame, path: str | Path) -> Iterator[Problem]:
    """What a values table says that cannot be: no value at all, a time neither by day nor by month, shares beyond 1."""
    if "month" not in frame and "day" not in frame:
        yield Problem(str(path), say("tidy.no_period"))
    if "value" not in frame and not {"numerator", "denominator"} <= set(frame):
        yield Problem(str(path), say("tidy.no_value"))
    lines = pd.Series(frame.attrs["lines"], index=frame.index)
    value = frame["value"] if "value" in frame else pd.Series(float("nan"), frame.index)
    if {"numerator", "denominator"} <= set(frame):
        value = value.fillna(frame["numerator"] / frame["denominator"].where(frame["denominator"] != 0))
        below = frame["denominator"] < 0
        if below.any():
            yield Problem(_where(Path(path), lines[below], "denominator"), say("tidy.negative"))
    for key, rows in value.groupby(frame["metric"]):
        low, high = ENTRIES[str(key)].bounds or (None, None)
        beyond = rows[
            (rows < (low if low is not None else float("-inf"))) | (rows > (high if high is not None else float("inf")))
        ]
        if len(beyond):
            allowed = f"{'' if low is None else low}–{'' if high is None else high}"
            said = say("tidy.out_of_bounds", metric=key, found=f"{beyond.iloc[0]:g}", allowed=allowed)
            yield Problem(_where(Path(path), lines[beyond.index], "value"), said)


def read_points(path: str | Path) -> pd.DataFrame:
    """What raters handed over: points (expert, round, metric, points) or comparisons (expert, a, b, ratio)."""
    if not Path(path).is_file():
        raise CsperfError(Problem(str(path), say("tidy.no_file")))
    with open_sheet(Path(path)) as sheet:
        compared = all(_heading(column, sheet.header) for column in TABLES["comparisons"] if column.required)
    frame = read_tidy(path, "comparisons" if compared else "experts")
    return frame if compared else without_examples(frame, path)


def without_examples(frame: pd.DataFrame, path: str | Path, *, may_be_empty: bool = False) -> pd.DataFrame:
    """The rows of a form but for those whose remark calls them an example; CsperfError where nothing else is there."""
    if "remark" not in frame:
        return frame
    rows = ~frame["remark"].isin([say("forms.example", lang) for lang in LANGUAGES])
    if not rows.any() and not may_be_empty:
        raise CsperfError(Problem(str(path), say("tidy.only_examples")))
    filled = frame[rows].drop(columns="remark").reset_index(drop=True)
    filled.attrs = frame.attrs | {
        "lines": [line for line, kept in zip(frame.attrs["lines"], rows, strict=True) if kept]
    }
    return filled


def read_values(path: str | Path) -> pd.DataFrame:
    """The values table of a file (CONTRACT 4): shop_id filled where it is missing; CsperfError with every fault."""
    frame = read_tidy(path, "values")
    problems = list(faults(frame, path))
    if problems:
        raise CsperfError(problems)
    return frame if "shop_id" in frame else frame.assign(shop_id=Path(path).stem)


def until(values: pd.DataFrame, month: str) -> pd.DataFrame:
    """The values up to and with `month`, all of them where none is named; CsperfError where none is of that month."""
    if not month:
        return values
    of = pd.Series(index=values.index, dtype=object)
    for column, cut in (("day", 7), ("month", None)):
        of = values[column].str[:cut].fillna(of) if column in values else of
    if not (of == month).any():
        found = ", ".join(sorted(of.dropna().unique()))
        raise CsperfError(Problem("--month", say("run.no_such_month", month=month, months=found)))
    return values[of <= month]
