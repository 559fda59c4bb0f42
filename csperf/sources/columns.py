"""Cells of text to values of the contract, as one Ibis expression over a batch, worked out by columns, not by rows."""

from __future__ import annotations

import hmac
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, cached_property, reduce

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from ..facts import INPUT, SPOKEN
from .loaded import API_PREFIX, HASH_DIGITS, RAW, filled_by_source, findings, judged
from .mapping import PUNCTUATION, Cell, Filter, Settings, folded
from .personal import masked

NOTHING = ("", "-", "--", "null", '=""')  # what platforms write into empty cells
TRUE, FALSE = ("true", "1", "yes", "y", "是"), ("false", "0", "no", "n", "否")
WRAPPED = r"""^(?:="|'|")\s*(.*?)\s*["']*$"""  # ="001" and '001: how spreadsheets are told to keep text
WHOLE_FLOAT = r"^(\d+)\.0$"  # an id that passed through a column with gaps in pandas
NAIVE_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S.%f",
)
ZONED_FORMATS = (*(f"{naive}%z" for naive in NAIVE_FORMATS if ":%S" in naive), "%Y-%m-%d %H:%M:%S %z")
OFFSET = r":\d\d(\.\d+)? ?[+-]\d\d(:?\d\d)?$"
EXCEL_EPOCH = "1899-12-30 00:00:00"
EXCEL_SERIAL = r"^\d{5}(\.\d+)?$"  # days from 1927 to 2173
SECONDS_A_DAY = 86_400
NUMBER = r"^[+-]?(\d+(\.\d*)?|\.\d+)$"
MICROSECONDS = {"milliseconds": 1_000, "seconds": 1_000_000, "minutes": 60_000_000, "hours": 3_600_000_000}
FACTORS = {"yuan": 100, "fen": 1, **MICROSECONDS}
SUM_SIGN = " + "  # between cells that are added up
FAULTS = "faults"  # of a form: everything that is wrong in a row, not only the first thing


@ibis.udf.scalar.builtin(name="try_strptime", signature=((dt.string, dt.Array(dt.string)), dt.Timestamp()))
def clock(text, formats):
    """The wall clock that a text tells in the first format that fits, null where none does."""


@ibis.udf.scalar.builtin(name="try_strptime", signature=((dt.string, dt.Array(dt.string)), dt.Timestamp("UTC")))
def moment(text, formats):
    """The time that a text with its UTC offset tells in the first format that fits, null where none does."""


@ibis.udf.scalar.builtin(name="timezone", signature=((dt.string, dt.Timestamp()), dt.Timestamp("UTC")))
def in_zone(zone, wall_clock):
    """The time at which the clocks of a zone showed this."""


class Plan:
    """The mapping of one file. `sources`: the file's columns in the order of a batch's cells, and how they are hidden.

    Each stage is a select of its own, so that no text is cleaned or parsed twice. Names of a stage's columns carry
    the target and the number of the alternative: `text:amount_fen:0`.
    """

    def __init__(self, settings: Settings, zone: str | None, key: bytes) -> None:
        self.settings, self.zone, self.key = settings, settings.timezone or zone, key
        kinds = {column.name: column.type for column in INPUT[settings.table].columns}
        self.types = {name: ibis.dtype(kinds[name]) for name in filled_by_source(INPUT[settings.table])}
        hidden = dict.fromkeys(
            (name, cell.hidden) for _t, _k, cell in self.cells() if cell.hidden for name in cell.from_
        )
        self.sources = [(name, "") for name in settings.mapped] + list(hidden)
        cells = {f"cell:{i}": "string" for i in range(len(self.sources))}
        self.batch = ibis.table({"source_line": "int64", "whole": "boolean"} | cells, name="batch")

    def cells(self) -> Iterator[tuple[str, int, Cell]]:
        """Target column, number of the alternative, and how it is filled."""
        for target, alternatives in self.settings.columns.items():
            for k, cell in enumerate(alternatives):
                yield target, k, cell

    @cached_property
    def sql(self) -> str:
        """SQL for the rows of the table `batch`."""
        return ibis.to_sql(self.rows, dialect="duckdb")

    @cached_property
    def no_rows(self) -> pa.Table:
        """An empty table of rows."""
        return self.rows.schema().to_pyarrow().empty_table()

    def hidden(self, batch: pa.Table) -> pa.Table:
        """The batch, personal ids as keyed hashes and texts without what is personal, where the mapping asks for it."""
        for place, (_name, how) in enumerate(self.sources, 2):
            if how:
                hide = _keyed(self.key) if how == "hash" else masked
                batch = batch.set_column(place, batch.schema.names[place], _each(batch.column(place), hide))
        return batch

    @cached_property
    def rows(self) -> ir.Table:
        """The batch as rows: the table's columns, source_line, filtered, reason, naive, and the cells as text."""
        rows = self._values(self._parsed(self._meant(self._texts(self._cleaned()))))
        if self.settings.thread or self.settings.fold:
            return rows  # judged once what stands in other rows is known
        table = INPUT[self.settings.table]
        rows = judged(rows, table)
        if table.statement:
            faults = (ibis.ifelse(wrong, f"{reason}\n", "") for wrong, reason in findings(rows, table))
            rows = rows.mutate(**{FAULTS: reduce(operator.add, faults, rows[FAULTS])})
        shown = rows.reason.notnull() & rows.filtered.isnull()
        hidden = [f"{RAW}{target}" for target in self.settings.columns if target not in self.settings.lenient]
        return rows.mutate(**{c: ibis.ifelse(shown, rows[c], None) for c in hidden})

    # ------------------------------------------------------------------------------------------------------- stages

    def _cleaned(self) -> ir.Table:
        """Adds `plain:<i>`: a cell without what spreadsheets put around it, null where it means nothing."""
        unwrapped = {}
        for i in range(len(self.sources)):
            text = self.batch[f"cell:{i}"]
            wrapped = text.startswith('="') | text.startswith("'") | text.startswith('"')
            unwrapped[f"plain:{i}"] = ibis.ifelse(wrapped, text.re_replace(WRAPPED, r"\1"), text)
        cells = self.batch.mutate(**unwrapped)
        return cells.mutate(**{c: ibis.ifelse(cells[c].lower().isin(NOTHING), None, cells[c]) for c in unwrapped})

    def _texts(self, cells: ir.Table) -> ir.Table:
        """Adds `text:<target>:<k>`, the cells joined; the filters' verdict; and the reply links."""
        texts = {f"text:{target}:{k}": self._text(cells, target, cell) for target, k, cell in self.cells()}
        return cells.mutate(**texts, filtered=self._filtered(cells), refused=self._refused(cells), **self._links(cells))

    def _text(self, cells: ir.Table, target: str, cell: Cell) -> ir.StringValue:
        if cell.const is not None:
            return ibis.literal(str(cell.const))
        form = "cell" if target == "text" else "plain"  # what people wrote stays as it is
        parts = [cells[f"{form}:{self.sources.index((name, cell.hidden))}"] for name in cell.from_]
        parts = [ibis.ifelse(part.isin(("", *cell.empty)), None, part) for part in parts]
        if cell.add and not self.types[target].is_timestamp():
            joined = ibis.literal(SUM_SIGN).join([part.fill_null("") for part in parts])
            return joined.nullif(SUM_SIGN * (len(parts) - 1))
        text = parts[0]
        for part in parts[1:]:
            text = text + (SUM_SIGN if cell.add else cell.sep) + part
        return text.re_extract(cell.pattern, 1).nullif("") if cell.pattern else text

    def _meant(self, rows: ir.Table) -> ir.Table:
        """Adds `meant:<target>:<k>`: the text, or what the value map makes of it, null where it does not list it."""
        meant = {}
        for target, k, cell in self.cells():
            text = rows[f"text:{target}:{k}"]
            if cell.listed:
                text = _meaning(text.translate(*PUNCTUATION), cell)
            elif target in SPOKEN:
                text = text.lower().cases(*SPOKEN[target].items(), else_=text)
            meant[f"meant:{target}:{k}"] = text
        return rows.mutate(**meant)

    def _parsed(self, rows: ir.Table) -> ir.Table:
        """Adds `value:<target>:<k>`, and for times `zoned:` and `wall:` (the wall clock, without its zone)."""
        parsed: dict[str, ir.Value] = {}
        for target, k, cell in self.cells():
            text, kind, place = rows[f"meant:{target}:{k}"], self.types[target], f"{target}:{k}"
            if kind.is_timestamp():
                parsed |= _moments(text, place, cell)
            else:
                parsed[f"value:{place}"] = _value(text, target, kind, cell)
        rows = rows.mutate(**parsed)
        return rows.mutate(
            **{
                f"value:{target}:{k}": self._time(rows, f"{target}:{k}")
                for target, k, _cell in self.cells()
                if self.types[target].is_timestamp()
            }
        )

    def _time(self, rows: ir.Table, place: str) -> ir.TimestampValue:
        zoned = rows[f"zoned:{place}"]
        return ibis.coalesce(zoned, in_zone(self.zone, rows[f"wall:{place}"])) if self.zone else zoned

    def _values(self, rows: ir.Table) -> ir.Table:
        """The row's columns out of the alternatives' values, the first filled; and what is wrong with the row."""
        values = {target: self._first(rows, "value", target) for target in self.settings.columns}
        for target, _k, cell in self.cells():
            if cell.past_midnight:
                values[target] = _next_day(values[target], values[cell.past_midnight])
        absent = {name: ibis.null(kind) for name, kind in self.types.items() if name not in values}
        wrong = [ibis.ifelse(~rows.whole, "wrong_cells", None), rows.refused]
        wrong += [self._wrong(rows, target, k, cell) for target, k, cell in self.cells()]
        lines = {name: rows[name] for name in ("source_line", "filtered", *self._links(None))}
        if INPUT[self.settings.table].statement:
            lines[FAULTS] = reduce(operator.add, ((reason + "\n").fill_null("") for reason in wrong))
        return rows.select(
            **{name: (values | absent)[name].cast(kind) for name, kind in self.types.items()},
            **{f"{RAW}{target}": self._first(rows, "text", target) for target in values},
            **lines,
            reason=ibis.coalesce(*wrong),
            naive=self._naive(rows),
        )

    def _first(self, rows: ir.Table, stage: str, target: str) -> ir.Value:
        """The first alternative that is filled; of values, only of those that count in the row."""
        found = []
        for k, cell in enumerate(self.settings.columns[target]):
            value = rows[f"{stage}:{target}:{k}"]
            if stage == "value" and cell.if_filled:
                value = ibis.ifelse(self._first(rows, stage, cell.if_filled).notnull(), value, None)
            if stage == "value" and cell.if_empty:
                value = ibis.ifelse(self._first(rows, stage, cell.if_empty).isnull(), value, None)
            found.append(value)
        return ibis.coalesce(*found)

    def _wrong(self, rows: ir.Table, target: str, k: int, cell: Cell) -> ir.StringValue:
        text, meant, value = (rows[f"{stage}:{target}:{k}"] for stage in ("text", "meant", "value"))
        unread = meant.notnull() & value.isnull()
        if self.types[target].is_timestamp() and not self.zone:
            unread &= rows[f"wall:{target}:{k}"].isnull()
        found = [(unread, f"{_unreadable(self.types[target])}:{target}")]
        if cell.listed and not cell.lenient:
            found.append((text.notnull() & meant.isnull(), f"value_unmapped:{target}"))
        return ibis.cases(*found, else_=None)

    def _naive(self, rows: ir.Table) -> ir.BooleanValue:
        """Whether a time of the row lacks a zone that nothing else tells."""
        places = [f"{t}:{k}" for t, k, _cell in self.cells() if self.types[t].is_timestamp() and not self.zone]
        return ibis.or_(*(rows[f"zoned:{p}"].isnull() & rows[f"wall:{p}"].notnull() for p in places)).fill_null(False)

    def _filtered(self, cells: ir.Table) -> ir.StringValue:
        """The name of the first filter that leaves the row out, else null."""
        return _first_true(
            (~self._passes(cells, condition), name)
            for name, condition in self.settings.filter.items()
            if not condition.strict
        )

    def _refused(self, cells: ir.Table) -> ir.StringValue:
        """The reason for which the first strict filter rejects the row, else null."""
        strict = [condition for condition in self.settings.filter.values() if condition.strict]
        return _first_true((~self._passes(cells, condition), f"refused:{condition.column}") for condition in strict)

    def _passes(self, cells: ir.Table, condition: Filter) -> ir.BooleanValue:
        return _holds(self._plain(cells, condition.column).fill_null(""), condition)

    def _links(self, cells: ir.Table | None) -> dict[str, ir.Value | None]:
        """The columns from which reply links are followed; without cells only their names."""
        thread = self.settings.thread
        if not thread:
            return {}
        if cells is None:
            return dict.fromkeys(("thread_id", "thread_parent", "thread_agent", "thread_account"))
        own, parent, account = (self._plain(cells, name) for name in (thread.id, thread.parent, thread.account))
        agent = [self._plain(cells, c).fill_null("") == value for c, value in thread.account_where.items()]
        own, parent = (link.re_replace(WHOLE_FLOAT, r"\1") for link in (own, parent))
        return {
            "thread_id": own,
            "thread_parent": parent,
            "thread_agent": ibis.and_(*agent),
            "thread_account": account,
        }

    def _plain(self, cells: ir.Table, name: str) -> ir.StringValue:
        place = self.sources.index((name, ""))
        return cells[f"plain:{place}"]


def plan_of(settings: Settings, zone: str | None, key: bytes) -> Plan:
    """The plan of a mapping, worked out once for all of its files."""
    return _plan(settings.model_dump_json(by_alias=True), zone, key)


@cache
def _plan(mapping: str, zone: str | None, key: bytes) -> Plan:
    return Plan(Settings.model_validate_json(mapping), zone, key)


def _first_true(named: Iterable[tuple[ir.BooleanValue, str]]) -> ir.StringValue:
    """The name of the first condition that holds, null where none does."""
    found = list(named)
    return ibis.cases(*found, else_=None) if found else ibis.null("string")


def _holds(text: ir.StringValue, condition: Filter) -> ir.BooleanValue:
    if condition.matches is not None:
        return text.re_search(condition.matches)
    return text.isin(condition.in_) if condition.in_ is not None else text.notin(condition.not_in)


# ---------------------------------------------------------------------------------------------------------- values


def _value(text: ir.StringValue, target: str, kind: dt.DataType, cell: Cell) -> ir.Value:
    """The value of a text that is no time, null where it tells none."""
    if kind.is_date():
        return _wall(text, cell.format).date()
    if kind.is_boolean():
        return ibis.cases((text.lower().isin(TRUE), True), (text.lower().isin(FALSE), False), else_=None)
    if kind.is_numeric() and cell.add:
        return _sum(text, cell, whole=kind.is_integer())
    if kind.is_numeric():
        return _number(text, cell.unit, whole=kind.is_integer())
    if target == "buyer_id":
        text = ibis.ifelse(text.startswith(API_PREFIX), text.substr(len(API_PREFIX)), text)
    if target.endswith("_id") or target == "reply_to":
        return ibis.ifelse(text.endswith(".0"), text.re_replace(WHOLE_FLOAT, r"\1"), text)
    return text


def _zoned(text: ir.StringValue, formats: Sequence[str]) -> ir.TimestampValue:
    """The time of a text that carries its own UTC offset, else null."""
    if formats:
        zoned = [form for form in formats if "%z" in form]
        return moment(text, zoned) if zoned else ibis.null("timestamp('UTC')")
    text = ibis.ifelse(text.endswith("Z"), text.re_replace("Z$", "+0000"), text)
    return moment(ibis.ifelse(text.re_search(OFFSET), text, None), list(ZONED_FORMATS))


def _wall(text: ir.StringValue, formats: Sequence[str]) -> ir.TimestampValue:
    """The wall clock that a text without offset tells; without formats also Excel's days since the end of 1899."""
    if formats:
        naive = [form for form in formats if "%z" not in form]
        return clock(text, naive) if naive else ibis.null("timestamp")
    days = ibis.ifelse(text.re_search(EXCEL_SERIAL), text, None).try_cast("float64")
    serial = ibis.timestamp(EXCEL_EPOCH) + (days * SECONDS_A_DAY).round().cast("int64").as_interval("s")
    return ibis.coalesce(clock(text, list(NAIVE_FORMATS)), serial)


def _next_day(time: ir.TimestampValue, anchor: ir.TimestampValue) -> ir.TimestampValue:
    """The time a day later where it is more than half a day before the anchor: its clock has passed midnight."""
    passed = anchor.delta(time, unit="second") > SECONDS_A_DAY // 2
    return ibis.ifelse(passed, time + ibis.interval(days=1), time)


def _meaning(text: ir.StringValue, cell: Cell) -> ir.StringValue:
    """What the cell's lists make of a word, null where it stands in neither."""
    equal = [(text == folded(found), str(value)) for found, value in (cell.values or {}).items()]
    held = [(text.contains(folded(found)), str(value)) for found, value in cell.holding.items()]
    other = [(text.notnull(), str(cell.otherwise))] if cell.otherwise is not None else []
    return ibis.cases(*equal, *held, *other, else_=None)


def _moments(text: ir.StringValue, place: str, cell: Cell) -> dict[str, ir.TimestampValue]:
    """The time and the wall clock that a text tells, hours added where it tells some behind a sign."""
    if not cell.add:
        return {f"zoned:{place}": _zoned(text, cell.format), f"wall:{place}": _wall(text, cell.format)}
    parts = text.split(SUM_SIGN)
    later = _number(parts[1], "hours", whole=True).as_interval("us")
    return {
        f"zoned:{place}": _zoned(parts[0], cell.format) + later,
        f"wall:{place}": _wall(parts[0], cell.format) + later,
    }


def _sum(text: ir.StringValue, cell: Cell, *, whole: bool) -> ir.NumericValue:
    """The sum of the numbers between the signs; empty parts are left out, one that is no number leaves none."""
    parts = [text.split(SUM_SIGN)[place].nullif("") for place in range(len(cell.from_))]
    numbers = [_number(part, cell.unit, whole=whole) for part in parts]
    readable = ibis.and_(*(part.isnull() | number.notnull() for part, number in zip(parts, numbers, strict=True)))
    total = reduce(operator.add, (number.fill_null(0) for number in numbers))
    return ibis.ifelse(readable & text.notnull(), total, None)


def _number(text: ir.StringValue, unit: str | None, *, whole: bool) -> ir.NumericValue:
    """The number in the column's own unit, by decimal arithmetic; null where it is none or leaves a part of a fen."""
    digits = text.re_replace(r"[,，\s元¥￥%]", "")
    number = ibis.ifelse(digits.re_search(NUMBER), digits, None).try_cast("decimal(24, 9)")
    if unit == "percent":
        return number.cast("float64") / 100
    if not whole:
        return number.cast("float64")
    scaled = number * ibis.literal(FACTORS[unit]) if unit else number
    nearest = scaled.round().cast("int64")
    return nearest if unit in MICROSECONDS else ibis.ifelse(scaled == nearest, nearest, None)


def _unreadable(kind: dt.DataType) -> str:
    """The reason's code for a text that tells no value of this type."""
    if kind.is_timestamp() or kind.is_date():
        return "time_unreadable"
    return "value_unreadable" if kind.is_boolean() else "number_unreadable"


def _each(column: pa.ChunkedArray, hide: Callable[[str], str | None]) -> pa.Array:
    """The cells hidden, equal cells alike; cells that mean nothing stay as they are."""
    coded = column.combine_chunks().dictionary_encode()
    names = [text if text.lower() in NOTHING else hide(text) for text in coded.dictionary.to_pylist()]
    return pc.take(pa.array(names, pa.string()), coded.indices)


def _keyed(key: bytes) -> Callable[[str], str]:
    """What makes keyed hashes."""
    return lambda text: hmac.digest(key, text.encode(), "sha256").hex()[:HASH_DIGITS]
