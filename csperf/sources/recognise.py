"""Which export a file is: known by the names in its header, wherever that stands, and never by the file's own name.

What is known of each export is data: `formats/<platform>.yaml`. Names are compared without blanks, width and line
ends, then without case and unit; an `aliases` entry lists what other versions call a column.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, Field

from ..settings import TimeZone, read_yaml
from . import decode
from .fold import Fold
from .form import Form
from .loaded import Recognised
from .mapping import STRICT, Cell, Filter, Settings, cells_of

FOLDER = Path(__file__).with_name("formats")
SHARED, WRITTEN = "shared.yaml", "written.yaml"
HEADER_ROWS = 30  # banners, notes and groups stand above the header
NAMES_OF_A_HEADER = 2  # known names that a row must hold to be looked at
SUMMARY = "summary_row"


def _alternatives(value: Any) -> Any:
    """`name` is one name that must stand in the header, a list are names of which one must."""
    return tuple((option,) if isinstance(option, str) else tuple(option) for option in value)


Names = Annotated[tuple[tuple[str, ...], ...], BeforeValidator(_alternatives)]


class About(BaseModel):
    """What people are told of a kind of export: the table that it fills, how sure we are (`grade`) and from what."""

    model_config = STRICT

    name: dict[str, str]
    table: str
    grade: Literal["A", "A-", "B", "C"]
    seen: Literal["file", "manual", "inferred"]
    notes: dict[str, str] = Field(default_factory=dict)


class Beside(BaseModel):
    """A column that stands in another file of the same folder, of this format: what its rows of the same key say."""

    model_config = STRICT

    format: str
    key: str
    column: str = ""
    take: Literal["first", "sum", "count"] = "first"


class Format(About):
    """One kind of export that is a table.

    `requires`: names of columns that must be there; one entry may be a list, of which one must. `absent`: names that
    must not. `versions`: from old to new, names that the version has; a name after `!` it has not. `aliases`: by the
    name used here, what other versions call the column. `columns`: as in a mapping; alternatives of which the file has
    no column are passed over. `accounts`: the column in which summary rows name themselves in place of an agent.
    `shop`, `currency`: the columns of the shop's name and of the currency of amounts. `beside`: columns that are taken
    from other files of the folder. `every_sheet`: all sheets of a workbook that fit are read, not the best alone.
    `table` is empty for an export that is known and of which nothing is measured. `measured` is for wide tables.
    """

    key: str
    platform: str
    timezone: TimeZone | None = None
    requires: Names
    absent: tuple[str, ...] = ()
    versions: dict[str, Names] = {}
    aliases: dict[str, tuple[str, ...]] = {}
    columns: dict[str, Annotated[tuple[Cell, ...], BeforeValidator(cells_of)]] = {}
    filter: dict[str, Filter] = {}
    fold: Fold | None = None
    accounts: str = ""
    shop: str = ""
    currency: str = ""
    beside: dict[str, Beside] = {}
    measured: Form | None = None
    every_sheet: bool = False

    @cached_property
    def known(self) -> frozenset[str]:
        """All names of columns that the format speaks of, normalised."""
        names = {name for names in self.requires for name in names} | set(self.aliases)
        names |= {name for others in self.aliases.values() for name in others}
        names |= {name for ways in self.columns.values() for way in ways for name in way.from_}
        names |= set(self.measured.headings if self.measured else ())
        return frozenset(map(decode.normalised, names))


@cache
def shared() -> dict[str, Any]:
    """What the formats have in common: names of personal columns, names of summary rows, lists of words."""
    return read_yaml(FOLDER / SHARED)


@cache
def formats() -> dict[str, Format]:
    """All formats known, by key."""
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.name not in (SHARED, WRITTEN):
            content = _with_words(read_yaml(path))
            for key, entry in content.pop("formats").items():
                found[key] = Format.model_validate(content | {"key": key} | entry)
    return found


@cache
def written_about() -> dict[str, About]:
    """What people are told of the formats that are no tables, by key."""
    return {key: About.model_validate(entry) for key, entry in read_yaml(FOLDER / WRITTEN).items()}


def name_of(key: str, lang: str) -> str:
    """What people call an export of this format."""
    return (formats() | written_about())[key].name[lang]


def _with_words(node: Any) -> Any:
    """The content with `values: name` replaced by the list of words of that name."""
    if isinstance(node, dict):
        listed = {k: shared()["words"][v] for k, v in node.items() if k in ("values", "holding") and isinstance(v, str)}
        return {key: _with_words(value) for key, value in node.items()} | listed
    return [_with_words(value) for value in node] if isinstance(node, list) else node


@cache
def _all_known() -> frozenset[str]:
    return frozenset(decode.without_unit(name) for one in formats().values() for name in one.known)


# ---------------------------------------------------------------------------------------------------------- headers


@dataclass(frozen=True)
class Header:
    """The names in one row of one sheet, normalised, in order; `shown` as a person would write them."""

    sheet: int
    line: int
    names: tuple[str, ...]
    shown: tuple[str, ...]

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(self.names) - {""}

    @cached_property
    def _without_unit(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in dict.fromkeys(self.names):
            found.setdefault(decode.without_unit(name), []).append(name)
        return found

    def find(self, names: Iterable[str]) -> str | None:
        """The header's own name of the first of these that it holds; without unit only where one column fits."""
        wanted = [decode.normalised(name) for name in names]
        exact = next((name for name in wanted if name in self._exact), None)
        if exact:
            return exact
        near = (self._without_unit.get(decode.without_unit(name), []) for name in wanted)
        return next((found[0] for found in near if len(found) == 1), None)

    def holds(self, entry: tuple[str, ...]) -> bool:
        """Whether one of the names stands in the header; of a name after `!`, whether it does not."""
        return any((decode.normalised(name.removeprefix("!")) in self._exact) != name.startswith("!") for name in entry)


@dataclass(frozen=True)
class Match:
    """A header held against a format. It is one of its exports if nothing is `missing`."""

    format: Format
    header: Header

    def own(self, name: str) -> str | None:
        """What the file calls a column of the format, None where it has none."""
        return self.header.find((name, *self.format.aliases.get(name, ())))

    @cached_property
    def missing(self) -> tuple[str, ...]:
        """The required columns that the header lacks, alternatives with `/` between them."""
        absent = [entry for entry in self.format.requires if not any(map(self.own, entry))]
        return tuple(" / ".join(entry) for entry in absent)

    @cached_property
    def fits(self) -> bool:
        """Whether the file is one of these exports."""
        return not self.missing and not any(map(self.own, self.format.absent))

    @property
    def rank(self) -> tuple[int, int]:
        """The more a format asks for, and then the more of its columns there are, the surer it is."""
        return len(self.format.requires), sum(name in self.format.known for name in self.header.names)

    @property
    def nearness(self) -> tuple[float, int]:
        """The share of the required columns that are there and that of the header's names that are known, added up.

        Zero where nothing required is there; with a column that must not be there the first counts half.
        """
        there = 1 - len(self.missing) / len(self.format.requires)
        names = sum(bool(name) for name in self.header.names)
        allowed = 2 if any(map(self.own, self.format.absent)) else 1
        return there and there / allowed + self.rank[1] / names, self.rank[1]

    @property
    def version(self) -> str:
        """The newest version whose columns are there, empty where none is told apart."""
        fitting = [v for v, names in self.format.versions.items() if all(map(self.header.holds, names))]
        return fitting[-1] if fitting else ""

    def settings(
        self, files: str, timezone: str | None = None, strict: Mapping[str, Iterable[str]] | None = None
    ) -> Settings:
        """The mapping by which the file is read; `strict`: columns in which rows must hold one of these, or nothing."""
        columns = {target: self.ways(ways) for target, ways in self.format.columns.items()}
        mapping: dict[str, Any] = {"table": self.format.table, "files": files, "fold": self.format.fold}
        mapping |= {"sheet": self.header.sheet, "header_row": self.header.line}
        mapping |= {"timezone": timezone or self.format.timezone, "filter": self._filters()}
        for name, allowed in (strict or {}).items():
            mapping["filter"][name] = {"column": self.own(name) or name, "in": ("", *allowed), "strict": True}
        return Settings.model_validate(mapping | {"columns": {t: ways for t, ways in columns.items() if ways}})

    def ways(self, ways: tuple[Cell, ...]) -> tuple[Cell, ...]:
        """The ways to fill a column that the file has the columns for, by the file's own names."""
        named = [(way, [self.own(name) for name in way.from_]) for way in ways]
        return tuple(way.model_copy(update={"from_": tuple(names)}) for way, names in named if all(names))

    def _filters(self) -> dict[str, Filter]:
        filters = {
            name: condition.model_copy(update={"column": own})
            for name, condition in self.format.filter.items()
            if (own := self.own(condition.column))
        }
        if self.format.accounts and (own := self.own(self.format.accounts)):
            filters[SUMMARY] = Filter(column=own, not_in=tuple(shared()["summary_rows"]))
        return filters

    def recognised(self, used: Iterable[str]) -> Recognised:
        """What is said of the file: what it was taken for, and what became of its columns."""
        used = set(used)
        fate: dict[str, list[str]] = {"used": [], "ignored": [], "dropped": []}
        for name, shown in dict(zip(self.header.names, self.header.shown, strict=True)).items():
            part = "used" if name in used else "dropped" if is_personal(name) else "ignored"
            fate[part] += [shown] if name else []
        return Recognised(self.format.key, self.version, **{part: tuple(names) for part, names in fate.items()})


def is_personal(name: str) -> bool:
    """Whether a column of this name holds personal data."""
    return bool(re.search("|".join(shared()["personal"]), decode.normalised(name), re.IGNORECASE))


# ------------------------------------------------------------------------------------------------------- recognition


def recognise(path: Path, key: str = "") -> Match | None:
    """The export that a file is, None where no header of it fits; of one format only where `key` names it."""
    return max((match for match in _matches(path, key) if match.fits), key=lambda match: match.rank, default=None)


def further_sheets(path: Path, match: Match) -> list[Match]:
    """The other sheets of a workbook to be read: those of its format where all count, else of other measured ones."""
    fitting = sorted((m for m in _matches(path, "") if m.fits), key=lambda m: m.rank)
    others = {m.header.sheet: m for m in fitting if m.header.sheet != match.header.sheet}
    if match.format.every_sheet:
        return [m for _sheet, m in sorted(others.items()) if m.format.key == match.format.key]
    told = {m.format.key: m for _sheet, m in sorted(others.items(), reverse=True) if m.format.measured}
    return [m for key, m in told.items() if key != match.format.key]


def nearest(path: Path, key: str = "") -> Match | None:
    """The format that a file comes nearest to, None where it shares no required column with any."""
    lacking = (match for match in _matches(path, key) if match.missing)
    near = max(lacking, key=lambda match: match.nearness, default=None)
    return near if near and near.nearness[0] else None


def _matches(path: Path, key: str) -> Iterator[Match]:
    candidates = [formats()[key]] if key else list(formats().values())
    for header in headers(path):
        for one in candidates:
            yield Match(one, header)


def headers(path: Path) -> Iterator[Header]:
    """The rows among the first of each sheet that may be its header."""
    for sheet, records in decode.first_records(path, HEADER_ROWS):
        for line, cells in records:
            names = tuple(decode.normalised(cell) for cell in cells)
            if sum(decode.without_unit(name) in _all_known() for name in set(names)) >= NAMES_OF_A_HEADER:
                shown = tuple(" ".join(re.sub(r"[\ufeff\r\n]", "", cell or "").split()) for cell in cells)
                yield Header(sheet, line, names, shown)


def skeleton(path: Path, near: Match) -> str:
    """A mapping for the file to be filled in, as YAML: what the nearest format would read, as far as it is there."""
    columns: dict[str, Any] = {}
    for target, ways in near.format.columns.items():
        fitting = [_as_yaml(way) for way in near.ways(ways)]
        columns[target] = fitting if len(fitting) > 1 else next(iter(fitting), "")
    if near.format.measured:
        columns = _of_one_metric(near.format.measured, near.header)
    entry: dict[str, Any] = {"source": "table", "table": near.format.table, "files": path.name}
    entry |= {"header_row": near.header.line} if near.header.line > 1 else {}
    entry |= {"sheet": near.header.sheet} if near.header.sheet else {}
    return yaml.safe_dump([entry | {"columns": columns}], allow_unicode=True, sort_keys=False, width=120)


def _of_one_metric(form: Form, header: Header) -> dict[str, Any]:
    """A mapping of a backend's table that is not wide: the first of the metrics that the header has."""
    there = ((key, own) for key, measure in form.measures.items() if (own := header.find(measure.from_)))
    key, value = next(there, ("", ""))
    told = {"metric": {"const": key}, "definitions": {"const": form.definitions}, "provisional": {"const": False}}
    return {"agent_id": header.find(form.agent) or "", "day": header.find(form.day) or "", "value": value} | told


def _as_yaml(way: Cell) -> Any:
    """A way to fill a column as a person would write it."""
    given = way.model_dump(by_alias=True, exclude_defaults=True, mode="json")
    if len(way.from_) == 1:
        given["from"] = way.from_[0]
    return given["from"] if set(given) == {"from"} else given
