"""The mapping language of the `table` source: what may stand in YAML, and whether it fits the contract."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from ..facts import INPUT
from ..settings import TimeZone, did_you_mean, listed
from ..text import say
from .fold import Fold
from .loaded import filled_by_source, words_allowed
from .thread import Thread

STRICT = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
UNITS = {"_fen": ("yuan", "fen"), "_us": ("milliseconds", "seconds", "minutes", "hours")}
PUNCTUATION = ("，（）：；", ",():;")
Scalar = str | int | float | bool


class Cell(BaseModel):
    """One way to fill a column: from one or more columns of the file, or a constant.

    `pattern`: only what its first group finds in the cell. `add`: the cells are added up, not joined; to a time, hours.
    `values`: words and what they mean; `holding`: words that a cell may hold somewhere, looked for in their order after
    `values`. A word in neither rejects the row; where `lenient`, it means nothing, or what `otherwise` says, and a
    notice names it.
    `hash`: only keyed hashes of the cells are kept; `masked`: e-mail addresses and numbers of telephones become stars.
    `if_filled`, `if_empty`: counts only in rows where that column of the table is filled, or is not.
    """

    model_config = STRICT

    from_: tuple[str, ...] = Field(default=(), alias="from")
    const: Scalar | None = None
    sep: str = " "
    format: tuple[str, ...] = ()
    unit: Literal["yuan", "fen", "milliseconds", "seconds", "minutes", "hours", "percent"] | None = None
    values: dict[str, Scalar] | None = None
    empty: tuple[str, ...] = ()
    past_midnight: str = ""
    hash: bool = False
    masked: bool = False
    pattern: str = ""
    add: bool = False
    holding: dict[str, Scalar] = {}
    lenient: bool = False
    otherwise: Scalar | None = None
    if_filled: str = ""
    if_empty: str = ""

    @field_validator("from_", "format", "empty", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("values", "holding", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {str(name): meant for name, meant in value.items()} if isinstance(value, Mapping) else value

    @field_validator("pattern")
    @classmethod
    def _a_pattern(cls, value: str) -> str:
        return a_pattern(value)

    @model_validator(mode="after")
    def _one_way(self) -> Cell:
        if bool(self.from_) == (self.const is not None):
            raise ValueError(say("load.from_or_const"))
        return self

    @property
    def listed(self) -> bool:
        """Whether only listed words have a meaning."""
        return self.values is not None or bool(self.holding)

    def knows(self, word: str) -> bool:
        """Whether the lists say what the word means."""
        word = folded(word)
        return word in map(folded, self.values or ()) or any(folded(part) in word for part in self.holding)

    @property
    def hidden(self) -> str:
        """How what is personal in the cells is hidden: hash, masked, or not at all."""
        return "hash" if self.hash else "masked" if self.masked else ""

    @property
    def anchors(self) -> set[str]:
        """Other columns of the table that this one looks at."""
        return {self.past_midnight, self.if_filled, self.if_empty} - {""}


def folded(text: str) -> str:
    """Full-width commas, brackets and colons made plain: exports of one platform use both."""
    return text.translate(str.maketrans(*PUNCTUATION)).strip()


def a_pattern(value: str) -> str:
    """The regular expression; ValueError where it is none."""
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(say("load.bad_pattern", reason=error)) from error
    return value


def cells_of(value: Any) -> Any:
    """The ways to fill a column: `name` is short for `{from: name}`; of a list the first that is filled counts."""
    options = value if isinstance(value, list | tuple) else [value]
    return tuple({"from": option} if isinstance(option, str) else option for option in options)


class Filter(BaseModel):
    """Rows are kept only where it holds for the file's own column; where `strict`, the others are rejected."""

    model_config = STRICT

    column: str
    in_: tuple[str, ...] | None = Field(default=None, alias="in")
    not_in: tuple[str, ...] | None = None
    matches: str | None = None
    strict: bool = False

    @field_validator("matches")
    @classmethod
    def _a_pattern(cls, value: str | None) -> str | None:
        return value if value is None else a_pattern(value)

    @model_validator(mode="after")
    def _one_condition(self) -> Filter:
        if sum(condition is not None for condition in (self.in_, self.not_in, self.matches)) != 1:
            raise ValueError(say("load.one_condition"))
        return self


class Columns(BaseModel):
    """How columns become one table of facts.INPUT, wherever they come from."""

    model_config = STRICT

    table: str
    timezone: TimeZone | None = None
    columns: dict[str, Annotated[tuple[Cell, ...], BeforeValidator(cells_of), Field(min_length=1)]]
    filter: dict[str, Filter] = {}
    thread: Thread | None = None
    fold: Fold | None = None

    @field_validator("table")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in INPUT:
            raise ValueError(say("load.no_table", found=value, allowed=", ".join(INPUT), near=near(value, INPUT)))
        return value

    @model_validator(mode="after")
    def _columns_fit(self) -> Self:
        if self.table in INPUT:
            findings = [*self._unknown(), *self._unmapped(), *self._without_unit(), *self._without_anchor()]
            findings += [say("load.thread_table")] if self.thread and self.table != "messages" else []
            if findings:
                raise ValueError("; ".join(findings))
        return self

    def _unknown(self) -> Iterable[str]:
        allowed = filled_by_source(INPUT[self.table])
        for name in self.columns:
            if name not in allowed:
                hint = did_you_mean(name, allowed)
                yield say("load.no_column", found=name, hint=hint, table=self.table, allowed=", ".join(allowed))

    def _unmapped(self) -> Iterable[str]:
        by_thread = {"account_id", "buyer_id"} if self.thread else set()
        required = set(INPUT[self.table].required) & set(filled_by_source(INPUT[self.table]))
        missing = [c for c in filled_by_source(INPUT[self.table]) if c in required - by_thread - set(self.columns)]
        if missing:
            yield say("load.columns_unmapped", table=self.table, missing=", ".join(missing))

    def _without_unit(self) -> Iterable[str]:
        for name, cells in self.columns.items():
            for suffix, allowed in UNITS.items():
                if name.endswith(suffix) and any(c.from_ and c.unit not in allowed for c in cells):
                    yield say("load.unit_needed", column=name, allowed=", ".join(allowed))

    def _without_anchor(self) -> Iterable[str]:
        for name, cells in self.columns.items():
            for anchor in sorted(set().union(*(cell.anchors for cell in cells)) - set(self.columns)):
                yield say("load.no_anchor", column=name, found=anchor)

    @property
    def cells(self) -> dict[str, tuple[str, str]]:
        """By column: what the file calls it, and the words allowed: its value map's, else the contract's."""
        found = {}
        for name, ways in self.columns.items():
            headings = dict.fromkeys(" + ".join(way.from_) for way in ways if way.from_)
            words = [word for way in ways for word in (*(way.values or ()), *way.holding) if word]
            words = words or list(words_allowed(self.table, name))
            found[name] = " / ".join(headings) or name, listed(words)
        return found

    @property
    def lenient(self) -> set[str]:
        """Columns in which a word that is not listed means nothing."""
        return {name for name, ways in self.columns.items() if any(way.lenient for way in ways)}

    @property
    def mapped(self) -> list[str]:
        """The file's columns that the mapping names, each once, in its order."""
        names = [name for cells in self.columns.values() for cell in cells for name in cell.from_]
        names += [condition.column for condition in self.filter.values()]
        names += self.thread.columns if self.thread else []
        return list(dict.fromkeys(names))


class Settings(Columns):
    """How the columns of one kind of file become one table of facts.INPUT."""

    source: Literal["table"] = "table"
    files: str = Field(examples=["exports/orders/*.csv"])
    optional: bool = False  # no file yet is no fault
    format: Literal["csv", "tsv", "xlsx", "parquet", ""] = ""
    sheet: int | str = 0
    header_row: int = Field(default=1, ge=1)


def near(word: str, allowed: Iterable[str]) -> str:
    return ", ".join(get_close_matches(word, list(allowed), n=3, cutoff=0.5)) or "-"
