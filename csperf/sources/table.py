"""Any table (CSV, TSV, Excel, Parquet) whose columns are mapped in YAML: rename, join, format, values, units, filters."""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from ..engine import connect
from ..errors import CsperfError, Problem
from ..facts import INPUT
from ..text import say
from . import decode
from .loaded import RAW, Loaded, Notice, Shop, filled_by_source, judged, seal
from .thread import Thread, along_replies

STRICT = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)
Scalar = str | int | float | bool

NOTHING = ("", "-", "--", "null", '=""')  # what platforms write into empty cells
TRUE, FALSE = ("true", "1", "yes", "y", "是"), ("false", "0", "no", "n", "否")
NAIVE_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%f",
)
ZONED_FORMATS = tuple(f"{naive}%z" for naive in NAIVE_FORMATS if ":%S" in naive) + ("%Y-%m-%d %H:%M:%S %z",)
EXCEL_EPOCH = "1899-12-30 00:00:00"
EXCEL_SERIAL = r"^\d{5}(\.\d+)?$"  # from 1927 to 2173
SECONDS_A_DAY = 86_400
HALF_DAY_S = SECONDS_A_DAY // 2
PUNCTUATION = ("，（）：；", ",():;")
FACTORS = {  # unit -> what one of it is in the column's own unit (fen, microseconds, shares)
    "yuan": ibis.literal(100),
    "fen": ibis.literal(1),
    "milliseconds": ibis.literal(1_000),
    "seconds": ibis.literal(1_000_000),
    "minutes": ibis.literal(60_000_000),
    "hours": ibis.literal(3_600_000_000),
}
UNITS = {"_fen": ("yuan", "fen"), "_us": ("milliseconds", "seconds", "minutes", "hours")}
ACCOUNTS = ("account_id", "to_account")
LONG_ID, ROUNDED_SHARE = 16, 0.5


class Cell(BaseModel):
    """One way to fill a column: from one or more columns of the file, or a constant."""

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

    @field_validator("from_", "format", "empty", mode="before")
    @classmethod
    def _several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("values", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        return {str(name): meant for name, meant in value.items()} if isinstance(value, Mapping) else value

    @model_validator(mode="after")
    def _one_way(self) -> Cell:
        if bool(self.from_) == (self.const is not None):
            raise ValueError(say("load.from_or_const"))
        return self


def _cells(value: Any) -> Any:
    """`name` is short for `{from: name}`; a list gives alternatives, of which the first that is filled counts."""
    options = value if isinstance(value, list | tuple) else [value]
    return tuple({"from": option} if isinstance(option, str) else option for option in options)


class Filter(BaseModel):
    """Rows are kept only where it holds for the file's own column."""

    model_config = STRICT

    column: str
    in_: tuple[str, ...] | None = Field(default=None, alias="in")
    not_in: tuple[str, ...] | None = None
    matches: str | None = None

    @field_validator("matches")
    @classmethod
    def _a_pattern(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as error:
            raise ValueError(say("load.bad_pattern", reason=error)) from error
        return value

    @model_validator(mode="after")
    def _one_condition(self) -> Filter:
        if sum(condition is not None for condition in (self.in_, self.not_in, self.matches)) != 1:
            raise ValueError(say("load.one_condition"))
        return self


class Settings(BaseModel):
    """How the columns of one kind of file become one table of facts.INPUT."""

    model_config = STRICT

    source: Literal["table"] = "table"
    table: str
    files: str
    format: Literal["csv", "tsv", "xlsx", "parquet", ""] = ""
    sheet: int | str = 0
    header_row: int = Field(default=1, ge=1)
    timezone: str | None = None
    columns: dict[str, Annotated[tuple[Cell, ...], BeforeValidator(_cells), Field(min_length=1)]]
    filter: dict[str, Filter] = {}
    thread: Thread | None = None

    @field_validator("table")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in INPUT:
            raise ValueError(say("load.no_table", found=value, allowed=", ".join(INPUT), near=_near(value, INPUT)))
        return value

    @model_validator(mode="after")
    def _columns_fit(self) -> Settings:
        if self.table in INPUT:
            findings = [*self._unknown(), *self._unmapped(), *self._without_unit()]
            if findings:
                raise ValueError("; ".join(findings))
        return self

    def _unknown(self) -> Iterable[str]:
        allowed = filled_by_source(INPUT[self.table])
        for name in self.columns:
            if name not in allowed:
                yield say("load.no_column", found=name, table=self.table, allowed=", ".join(allowed))

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


def _near(word: str, allowed: Iterable[str]) -> str:
    return ", ".join(get_close_matches(word, list(allowed), n=3, cutoff=0.5)) or "-"


# --------------------------------------------------------------------------------------------------------- reading


def load(path: Path, settings: Settings, shop: Shop) -> Loaded:
    """The file's rows in the columns of `settings.table`.

    CsperfError where the file cannot be read, lacks mapped columns (all named at once), or holds times without
    zone while neither the source nor the shop names one.
    """
    con = connect().con
    sheet_of = {"format": settings.format, "sheet": settings.sheet, "header_row": settings.header_row}
    with decode.open_sheet(path, **sheet_of) as sheet:
        plan = _Plan(settings, shop, _places(path, settings, sheet), path)
        _fill_rows(con, plan, sheet)
    plan.refuse_times_without_zone(con)
    if settings.thread:
        _follow_thread(con, plan)
    _unify_accounts(con, plan)
    warnings = _rounded_ids(con, plan)
    if not con.execute("SELECT count(*) FROM rows").fetchall()[0][0]:
        warnings += (Notice("header_only"),)
    try:
        return seal(con, settings.table, path, shop, warnings)
    finally:
        con.close()


def _places(path: Path, settings: Settings, sheet: decode.Sheet) -> dict[str, str]:
    """What the mapping calls a column to what the file's header calls it; CsperfError naming all that are missing."""
    loose: dict[str, list[str]] = {}
    for name in sheet.header:
        loose.setdefault(decode.without_unit(name), []).append(name)
    found, missing, unclear = {}, [], []
    for wanted in _mapped(settings):
        exact = decode.normalised(wanted)
        near = [exact] if exact in sheet.header else loose.get(decode.without_unit(exact), [])
        if len(near) > 1 or sheet.twice.intersection(near):
            unclear.append(wanted)
        elif near:
            found[wanted] = near[0]
        else:
            missing.append(wanted)
    problems = []
    if missing:
        nearest = "; ".join(f"{name} ≈ {_near(decode.normalised(name), sheet.header)}" for name in missing)
        slots = {"missing": ", ".join(missing), "header": ", ".join(sheet.header), "nearest": nearest}
        problems.append(Problem(str(path), say("load.columns_missing", header_row=settings.header_row, **slots)))
    if unclear:
        problems.append(Problem(str(path), say("load.columns_twice", columns=", ".join(unclear))))
    if problems:
        raise CsperfError(problems)
    return found


def _mapped(settings: Settings) -> list[str]:
    """The file's columns that the mapping names, each once, in its order."""
    names = [name for cells in settings.columns.values() for cell in cells for name in cell.from_]
    names += [condition.column for condition in settings.filter.values()]
    if settings.thread:
        names += settings.thread.columns
    return list(dict.fromkeys(names))


def _fill_rows(con: duckdb.DuckDBPyConnection, plan: _Plan, sheet: decode.Sheet) -> None:
    """Fills the connection's table `rows`, a batch of the file at a time."""
    plan_sql = ibis.to_sql(plan.rows(sheet.width), dialect="duckdb")
    con.register("batch", plan.no_batch())
    con.execute(f"CREATE TABLE rows AS {plan_sql}")
    for batch in sheet.batches([plan.places[name] for name, _ in plan.sources]):
        con.register("batch", plan.hashed(batch))
        con.execute(f"INSERT INTO rows {plan_sql}")
    con.unregister("batch")


def _follow_thread(con: duckdb.DuckDBPyConnection, plan: _Plan) -> None:
    """Fills account_id and buyer_id along the reply links, then judges the rows."""
    assert plan.settings.thread
    links = "source_line, thread_id, thread_parent, thread_agent, thread_account, buyer_id, sent_at"
    usable = con.execute(
        f"SELECT {links} FROM rows WHERE filtered IS NULL AND reason IS NULL ORDER BY source_line"
    ).df()
    linked = along_replies(usable, plan.settings.thread.reach)[
        ["source_line", "account_id", "buyer_id", "thread_agent"]
    ]
    con.register("linked", pa.Table.from_pandas(linked, preserve_index=False))
    con.execute(
        """UPDATE rows SET account_id = linked.account_id, buyer_id = linked.buyer_id,
           reason = CASE WHEN linked.thread_agent AND linked.buyer_id IS NULL THEN 'thread_without_buyer' END
           FROM linked WHERE linked.source_line = rows.source_line"""
    )
    columns = {name: ibis.dtype(kind) for name, kind in plan.types.items()}
    rows = ibis.table(columns | {"source_line": "int64", "filtered": "string", "reason": "string"}, name="rows")
    verdict = ibis.to_sql(judged(rows, INPUT["messages"]).select("source_line", "reason"), dialect="duckdb")
    con.execute(f"UPDATE rows SET reason = v.reason FROM ({verdict}) v WHERE v.source_line = rows.source_line")


def account_name(account: str) -> str:
    """One spelling of an account: full-width signs made plain, Taobao's API prefix and blanks taken off."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", account)).removeprefix("cntaobao")


def _unify_accounts(con: duckdb.DuckDBPyConnection, plan: _Plan) -> None:
    for column in set(ACCOUNTS) & set(plan.types):
        names = [row[0] for row in con.execute(f"SELECT DISTINCT {column} FROM rows").fetchall() if row[0]]
        changed = {name: account_name(name) for name in names if account_name(name) != name}
        if changed:
            con.register("spelling", pa.table({"found": list(changed), "plain": list(changed.values())}))
            con.execute(f"UPDATE rows SET {column} = plain FROM spelling WHERE {column} = found")


def _rounded_ids(con: duckdb.DuckDBPyConnection, plan: _Plan) -> tuple[Notice, ...]:
    """Notices of id columns that Excel has rounded; rows that rounding made alike are rejected."""
    notices = []
    for column in (name for name in plan.settings.columns if name.endswith("_id") or name == "reply_to"):
        powers = rf"regexp_matches({column}, '^\d(\.\d+)?[eE]\+?\d+$')"
        long = f"length({column}) >= {LONG_ID} AND regexp_matches({column}, '^\\d+$')"
        ends = f"({long} AND {column} LIKE '%000')"
        counts = f"count(*) FILTER ({powers}), count(*) FILTER ({long}), count(*) FILTER ({ends}), any_value({column})"
        by_power, all_long, at_end, _example = con.execute(f"SELECT {counts} FROM rows").fetchall()[0]
        mostly = at_end > 1 and at_end > ROUNDED_SHARE * all_long
        if not by_power and not mostly:
            continue
        rounded = f"({powers} OR {ends})" if mostly else powers
        example = con.execute(f"SELECT min({column}) FROM rows WHERE {rounded}").fetchall()[0][0]
        slots = {"column": column, "n": by_power + (at_end if mostly else 0), "example": example}
        notices.append(Notice("id_rounded", slots))
        if column in plan.identities:
            con.execute(
                f"""UPDATE rows SET reason = 'id_rounded:{column}' WHERE reason IS NULL AND filtered IS NULL AND {rounded}
                AND {column} IN (SELECT {column} FROM rows WHERE filtered IS NULL GROUP BY 1 HAVING count(*) > 1)"""
            )
    return tuple(notices)


# ------------------------------------------------------------------------------------------------------ the mapping


@ibis.udf.scalar.builtin(name="try_strptime", signature=((dt.string, dt.Array(dt.string)), dt.Timestamp()))
def clock(text, formats):
    """The wall clock that a text tells in the first format that fits, null where none does."""


@ibis.udf.scalar.builtin(name="try_strptime", signature=((dt.string, dt.Array(dt.string)), dt.Timestamp("UTC")))
def moment(text, formats):
    """The time that a text with its UTC offset tells in the first format that fits, null where none does."""


@ibis.udf.scalar.builtin(name="timezone", signature=((dt.string, dt.Timestamp()), dt.Timestamp("UTC")))
def in_zone(zone, wall_clock):
    """The time at which the clocks of a zone showed this."""


@dataclass(frozen=True)
class _Read:
    """A column as read: the cells' text, the value, what is wrong with it (code or null), and a time lacking its zone."""

    text: ir.StringValue
    value: ir.Value
    wrong: ir.StringValue
    naive: ir.BooleanValue


class _Plan:
    """The mapping of one file as an Ibis expression over a batch of its cells."""

    def __init__(self, settings: Settings, shop: Shop, places: dict[str, str], path: Path) -> None:
        self.settings, self.shop, self.places, self.path = settings, shop, places, path
        self.zone = settings.timezone or shop.timezone
        table = INPUT[settings.table]
        kinds = {column.name: column.type for column in table.columns}
        self.types = {name: kinds[name] for name in filled_by_source(table)}
        self.identities = {"message_id"} if settings.table == "messages" else set(table.key) - {"shop_id"}
        hashed = {name for cells in settings.columns.values() for cell in cells if cell.hash for name in cell.from_}
        self.sources = [(name, False) for name in places] + [(name, True) for name in sorted(hashed)]
        schema = {"source_line": "int64", "cells": "int64"} | {f"cell_{i}": "string" for i in range(len(self.sources))}
        self.batch = ibis.table(schema, name="batch")

    def no_batch(self) -> pa.Table:
        """A batch of no rows, from which the table of rows takes its shape."""
        return self.batch.schema().to_pyarrow().empty_table()

    def hashed(self, batch: pa.Table) -> pa.Table:
        """The batch, ids of people replaced by keyed hashes where the mapping asks for it."""
        for i, (_name, personal) in enumerate(self.sources):
            if personal:
                batch = batch.set_column(i + 2, f"cell_{i}", _keyed(batch[f"cell_{i}"], self.shop.key))
        return batch

    def rows(self, width: int) -> ir.Table:
        """The batch as rows: the table's columns, source_line, filtered, reason, and the cells as text."""
        reads = {name: self._column(name, cells) for name, cells in self.settings.columns.items()}
        for name, cells in self.settings.columns.items():
            anchor = next((cell.past_midnight for cell in cells if cell.past_midnight), "")
            if anchor:
                reads[name] = _after(reads[name], reads[anchor])
        values = {name: reads[name].value if name in reads else ibis.null(kind) for name, kind in self.types.items()}
        raw = {f"{RAW}{name}": read.text for name, read in reads.items()}
        width_wrong = ibis.ifelse(self.batch.cells != width, "wrong_cells", ibis.null("string"))
        reason = ibis.coalesce(width_wrong, *(read.wrong for read in reads.values()))
        naive = ibis.or_(*(read.naive for read in reads.values()))
        rows = self.batch.select(
            **{name: value.cast(self.types[name]) for name, value in values.items()},
            **raw,
            source_line=_.source_line,
            filtered=self._filtered(),
            reason=reason,
            naive=naive.fill_null(False),
            **self._thread_columns(),
        )
        if not self.settings.thread:
            rows = judged(rows, INPUT[self.settings.table])
            shown = rows.reason.notnull() & rows.filtered.isnull()
            rows = rows.mutate(**{name: ibis.ifelse(shown, rows[name], None) for name in raw})
        return rows

    def _cell(self, name: str, *, plain: bool = False, hashed: bool = False) -> ir.StringValue:
        """A cell's text without what spreadsheets put around it; `plain` keeps the text of messages as it is."""
        text = self.batch[f"cell_{self.sources.index((name, hashed))}"].strip()
        if plain:
            return text.nullif("")
        wrapped = text.startswith("=") | text.startswith("'") | text.startswith('"')
        text = ibis.ifelse(wrapped, text.re_replace(r"""^=?["']*\s*(.*?)\s*["']*$""", r"\1"), text)
        return ibis.ifelse(text.lower().isin(NOTHING), None, text)

    def _column(self, name: str, cells: Sequence[Cell]) -> _Read:
        """The first of the alternatives that is filled."""
        reads = [self._alternative(name, cell) for cell in cells]
        if len(reads) == 1:
            return reads[0]
        merged = (ibis.coalesce(*(getattr(r, part) for r in reads)) for part in ("text", "value", "wrong"))
        return _Read(*merged, naive=ibis.or_(*(read.naive for read in reads)))

    def _alternative(self, name: str, cell: Cell) -> _Read:
        text = self._text(name, cell)
        meant, unmapped = text, ibis.literal(False)
        if cell.values is not None:
            meant = _folded(text).cases(*((_fold(k), str(v)) for k, v in cell.values.items()), else_=None)
            unmapped = text.notnull() & meant.isnull()
        value, naive = self._typed(name, meant, cell)
        unreadable = ibis.ifelse(meant.notnull() & value.isnull() & ~naive, _unreadable(self.types[name], name), None)
        wrong = ibis.ifelse(unmapped, f"value_unmapped:{name}", unreadable)
        return _Read(text, value, wrong, naive)

    def _text(self, name: str, cell: Cell) -> ir.StringValue:
        if cell.const is not None:
            return ibis.literal(str(cell.const))
        parts = [self._cell(source, plain=name == "text", hashed=cell.hash) for source in cell.from_]
        parts = [ibis.ifelse(part.isin(cell.empty), None, part) for part in parts] if cell.empty else parts
        text = parts[0]
        for part in parts[1:]:
            text = text + cell.sep + part
        return text

    def _typed(self, name: str, text: ir.StringValue, cell: Cell) -> tuple[ir.Value, ir.BooleanValue]:
        """The value, null where the text does not tell one; and whether it is a time that lacks its zone."""
        kind, known = ibis.dtype(self.types[name]), ibis.literal(False)
        if kind.is_timestamp():
            return self._time(text, cell)
        if kind.is_date():
            return _clock(text, cell.format).date(), known
        if kind.is_boolean():
            word = text.lower()
            return ibis.cases((word.isin(TRUE), True), (word.isin(FALSE), False)), known
        if kind.is_numeric():
            return _number(text, cell.unit, whole=kind.is_integer(), rounded=name.endswith("_us")), known
        if name.endswith("_id") or name == "reply_to":
            text = ibis.ifelse(text.endswith(".0"), text.re_replace(r"^(\d+)\.0$", r"\1"), text)
        return text, known

    def _time(self, text: ir.StringValue, cell: Cell) -> tuple[ir.Value, ir.BooleanValue]:
        zoned_formats = [f for f in cell.format if "%z" in f] if cell.format else list(ZONED_FORMATS)
        with_zone = text.re_replace("Z$", "+0000")
        if not cell.format:
            with_zone = ibis.ifelse(
                with_zone.re_search(r"[+-]\d\d(:?\d\d)?$") & with_zone.contains(":"), with_zone, None
            )
        zoned = moment(with_zone, zoned_formats) if zoned_formats else ibis.null("timestamp('UTC')")
        wall = _clock(text, tuple(f for f in cell.format if "%z" not in f)) if self._may_be_naive(cell) else None
        if wall is None:
            return zoned, ibis.literal(False)
        if not self.zone:
            return zoned, zoned.isnull() & wall.notnull()
        return ibis.coalesce(zoned, in_zone(self.zone, wall)), ibis.literal(False)

    def _may_be_naive(self, cell: Cell) -> bool:
        return not cell.format or any("%z" not in f for f in cell.format)

    def _filtered(self) -> ir.StringValue:
        """The name of the first filter that leaves the row out, else null."""
        left_out = []
        for name, condition in self.settings.filter.items():
            text = self._cell(condition.column).fill_null("")
            if condition.matches is not None:
                left_out.append((~text.re_search(condition.matches), name))
            elif condition.in_ is not None:
                left_out.append((~text.isin(condition.in_), name))
            else:
                left_out.append((text.isin(condition.not_in), name))
        return ibis.cases(*left_out, else_=None) if left_out else ibis.null("string")

    def _thread_columns(self) -> dict[str, ir.Value]:
        thread = self.settings.thread
        if not thread:
            return {}
        whole = {"thread_id": self._cell(thread.id), "thread_parent": self._cell(thread.parent)}
        links = {name: text.re_replace(r"^(\d+)\.0$", r"\1") for name, text in whole.items()}
        agent = ibis.and_(*(self._cell(c).fill_null("") == value for c, value in thread.account_where.items()))
        return {**links, "thread_agent": agent, "thread_account": self._cell(thread.account)}

    def refuse_times_without_zone(self, con: duckdb.DuckDBPyConnection) -> None:
        """CsperfError where a time has no zone and neither the source nor the shop names one."""
        line, rows = con.execute("SELECT min(source_line), count(*) FROM rows WHERE naive").fetchall()[0]
        if rows:
            raise decode.problem(self.path, "time_without_zone", line=line, rows=rows)


def _after(read: _Read, anchor: _Read) -> _Read:
    """The time a day later where it is more than half a day before the anchor: its clock has passed midnight."""
    passed = anchor.value.delta(read.value, unit="second") > HALF_DAY_S
    return replace(read, value=ibis.ifelse(passed, read.value + ibis.interval(days=1), read.value))


def _clock(text: ir.StringValue, formats: Sequence[str]) -> ir.TimestampValue:
    """The wall clock that the text tells; without formats also Excel's days since the end of 1899."""
    if formats:
        return clock(text, list(formats))
    days = text.re_search(EXCEL_SERIAL).ifelse(text, None).try_cast("float64")
    serial = ibis.timestamp(EXCEL_EPOCH) + (days * SECONDS_A_DAY).round().cast("int64").as_interval("s")
    return ibis.coalesce(clock(text, list(NAIVE_FORMATS)), serial)


def _number(text: ir.StringValue, unit: str | None, *, whole: bool, rounded: bool) -> ir.Value:
    """The number in the column's own unit: exact decimal arithmetic, null where the text is none or a part is left."""
    digits = text.re_replace(r"[,，\s元¥￥%]", "") if unit or whole else text.re_replace(r"[,，\s]", "")
    number = ibis.ifelse(digits.re_search(r"^[+-]?(\d+(\.\d*)?|\.\d+)$"), digits, None).try_cast("decimal(24, 9)")
    if unit == "percent":
        return number.cast("float64") / 100
    if not whole:
        return number.cast("float64")
    scaled = number * FACTORS[unit] if unit else number
    nearest = scaled.round().cast("int64")
    return nearest if rounded else ibis.ifelse(scaled == nearest, nearest, None)


def _unreadable(kind: str, name: str) -> str:
    """The reason's code for a text that tells no value of this type."""
    dtype = ibis.dtype(kind)
    if dtype.is_timestamp() or dtype.is_date():
        return f"time_unreadable:{name}"
    return f"value_unreadable:{name}" if dtype.is_boolean() else f"number_unreadable:{name}"


def _fold(text: str) -> str:
    return text.translate(str.maketrans(*PUNCTUATION)).strip()


def _folded(text: ir.StringValue) -> ir.StringValue:
    """Full-width commas, brackets and colons made plain: exports of one platform use both."""
    return text.translate(*PUNCTUATION)


def _keyed(column: pa.ChunkedArray, key: bytes) -> pa.Array:
    """Keyed hashes of the cells, equal cells alike; cells that mean nothing stay as they are."""
    coded = column.combine_chunks().dictionary_encode()
    names = [
        text if text.strip().lower() in NOTHING else hmac.digest(key, text.strip().encode(), "sha256").hex()[:32]
        for text in coded.dictionary.to_pylist()
    ]
    return pc.take(pa.array(names, pa.string()), coded.indices)
