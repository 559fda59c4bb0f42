"""What a metric is: two sums that are added up at any grain and divided once; or a rank or a count taken from the rows.

A condition has a name, and the name is the reason `explain` gives for a row that does not count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from operator import and_
from typing import Any, Literal, TypeVar

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.common.deferred import Deferred

DEFAULT_MIN_N = 20  # METHOD 5: below this many cases a value is shown as "n < 20"
MICROSECONDS = {"seconds": 1e6, "minutes": 60e6, "hours": 3600e6}
FEN_PER_YUAN = 100
Unit = Literal["share", "ratio", "seconds", "minutes", "hours", "yuan", "points", "count"]
PPM = 1_000_000
Measure = Literal["count", "us", "fen", "ppm"]  # ppm: things counted in millionths, because some are shared
Conditions = dict[str, Deferred]


class AllDay:
    """A fact seen without service hours: `x_us` reads `x_allday_us` where the fact has that column."""

    def __init__(self, table: ir.Table) -> None:
        self._table = table

    def __getattr__(self, name: str) -> ir.Column:
        stem, unit = (name.removesuffix("_us"), "_us") if name.endswith("_us") else (name, "")
        twin = f"{stem}_allday{unit}"
        return self._table[twin if twin in self._table.columns else name]


@dataclass(frozen=True, eq=False, kw_only=True)
class Sum:
    """`value` added up over the rows of one fact that meet every condition of `among`.

    A condition that is null is not met. Where `known` is given and null, nobody can say whether the row counts: it adds
    nothing, and a sum of such rows alone is null, not 0. `day` is the column of the local day the row belongs to;
    `stands_for` says how many observations a row is (n).
    """

    fact: str
    value: Deferred | int = 1
    among: Conditions = field(default_factory=dict)
    known: Deferred | None = None
    unit: Measure = "count"
    day: str = "day"
    stands_for: Deferred | int = 1
    allday: bool = False

    @property
    def is_n(self) -> bool:
        """Whether what it adds up is the number of observations."""
        return self.value is self.stands_for  # the same column, or 1 and 1

    def bind(self, expr: Deferred | int, table: ir.Table) -> ir.Value:
        """The expression on the columns of `table`."""
        if isinstance(expr, int):
            return ibis.literal(expr, type="int64")
        return expr.resolve(AllDay(table) if self.allday else table)

    def conditions(self, table: ir.Table) -> dict[str, ir.BooleanValue]:
        """Each condition by name; facts that mark rows as excluded bring that one with them."""
        implied = {"excluded": ~table.excluded} if "excluded" in table.columns else {}
        return implied | {name: self.bind(expr, table).fill_null(False) for name, expr in self.among.items()}

    def counts(self, table: ir.Table) -> ir.BooleanValue:
        """True for a row that meets every condition; without conditions for all rows, which all have a day."""
        return reduce(and_, self.conditions(table).values() or [table[self.day].notnull()])

    def amount(self, table: ir.Table) -> ir.IntegerValue:
        """What a row adds: its value, 0 if it does not count, null if that is not known."""
        return self._where_counted(table, self.bind(self.value, table).cast("int64"))

    def observations(self, table: ir.Table) -> ir.IntegerValue:
        """How many observations a row adds to n."""
        return self._where_counted(table, self.bind(self.stands_for, table).cast("int64"))

    def squares(self, table: ir.Table) -> ir.NumericValue:
        """The square of what a row adds: as decimals, because float sums depend on the order of the rows."""
        amount = self.amount(table).cast("decimal(38, 0)")
        return amount * amount

    def _where_counted(self, table: ir.Table, value: ir.IntegerValue) -> ir.IntegerValue:
        amount = ibis.ifelse(self.counts(table), value, 0)
        if self.known is None:
            return amount
        return ibis.ifelse(self.bind(self.known, table).notnull(), amount, ibis.null("int64"))

    @property
    def one(self) -> int:
        """What the sum grows by where one thing is counted."""
        return PPM if self.unit == "ppm" else 1

    def scale(self, unit: Unit) -> float:
        """By how much to divide fen and microseconds to speak in the key's unit (hours where it is no time)."""
        if self.unit == "us":
            return MICROSECONDS.get(unit, MICROSECONDS["hours"])
        return FEN_PER_YUAN if self.unit == "fen" else 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Entry:
    """What every entry of the catalogue says of itself, apart from how it is worked out.

    `step` is the smallest difference worth speaking of: targets are rounded to it, towards what is easier, and base,
    target and stretch stand at least one step apart. It is small beside the spread between agents, and no finer than
    figures are written (0.1; 0.1 % for shares). `bounds` are what the value can be (None = no limit), `maturity_days`
    how long after a day its value can still change (`matures_with`: the counting rule that says so, where one does),
    `note` a sentence by language.
    """

    key: str
    zh: str
    en: str
    unit: Unit
    kind: Literal["rate", "count", "time", "value"]
    better: Literal["higher", "lower", "neutral"]
    source: str
    role: Literal["pre", "after", "both", "shop", "call", "manager"] = "both"
    step: float = 1
    bounds: tuple[float, float | None] = (0, None)
    min_n: int = DEFAULT_MIN_N
    maturity_days: int = 1
    matures_with: str = ""
    note: Mapping[str, str] = field(default_factory=dict)

    def name(self, lang: str) -> str:
        """The entry's name in Chinese or English."""
        return self.zh if lang == "zh" else self.en

    @property
    def sums(self) -> dict[str, Sum]:
        """The sums behind the value by the side they stand on: numerator, denominator, or value."""
        raise NotImplementedError

    @property
    def facts(self) -> set[str]:
        """Names of the facts it needs."""
        return {part.fact for part in self.sums.values()}


@dataclass(frozen=True, eq=False, kw_only=True)
class Metric(Entry):
    """A ratio of two sums; without a denominator a plain total.

    `squares`: every counted row is one observation of a mean, so that the mart can keep the sum of squares.
    """

    numerator: Sum
    denominator: Sum | None = None
    squares: bool = False

    @property
    def sums(self) -> dict[str, Sum]:
        """Numerator, and denominator if it has one."""
        return {"numerator": self.numerator} | ({"denominator": self.denominator} if self.denominator else {})


@dataclass(frozen=True, eq=False, kw_only=True)
class FromRows(Entry):
    """A value that cannot be added up: it is taken from the rows `of` at the asked grain."""

    of: Sum

    @property
    def sums(self) -> dict[str, Sum]:
        """The rows it is taken from."""
        return {"value": self.of}

    def value(self, table: ir.Table) -> ir.Scalar:
        """The value over the rows of `table`, as an aggregate; null where no row counts."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False, kw_only=True)
class Quantile(FromRows):
    """The value below which the share `q` of the rows lies, between two rows by linear interpolation."""

    q: float

    def value(self, table: ir.Table) -> ir.Scalar:
        """The quantile of the rows that count."""
        return self.of.bind(self.of.value, table).quantile(self.q, where=self.of.counts(table))


@dataclass(frozen=True, eq=False, kw_only=True)
class Extreme(FromRows):
    """The largest value."""

    def value(self, table: ir.Table) -> ir.Scalar:
        """The maximum of the rows that count."""
        return self.of.bind(self.of.value, table).max(where=self.of.counts(table))


@dataclass(frozen=True, eq=False, kw_only=True)
class Distinct(FromRows):
    """How many different values there are."""

    def value(self, table: ir.Table) -> ir.Scalar:
        """Different values among the rows that count."""
        return self.of.bind(self.of.value, table).nunique(where=self.of.counts(table)).nullif(0)


@dataclass(frozen=True, eq=False, kw_only=True)
class Told(Entry):
    """A figure that only a backend's table tells (`made_of`, in words by language): it is read, never worked out."""

    made_of: Mapping[str, str]

    @property
    def sums(self) -> dict[str, Sum]:
        """None of ours."""
        return {}

    @property
    def facts(self) -> set[str]:
        """The backend's table, which is no fact."""
        return {"measured"}


_WORKED = _.worked
WORKED = Sum(fact="agent_days", value=_WORKED, among={"worked": _WORKED > 0}, stands_for=_WORKED)
COVERED = Sum(fact="agent_days", among={"shop_row": _.scope == "shop"})
# An agent who worked and is in no row of a fact that was measured has 0 of it, not nothing.
NONE_BUT_WORKED = Sum(fact="agent_days", value=0, known=_.worked.nullif(0))
SHOP_ONLY: Conditions = {"shop_row": _.scope == "shop"}
ABOUT: dict[str, dict[str, Any]] = {
    "share": {"kind": "rate", "step": 0.01, "bounds": (0, 1)},
    "ratio": {"kind": "rate", "step": 0.01},
    "seconds": {"kind": "time"},
    "minutes": {"kind": "time", "step": 0.1},
    "hours": {"kind": "time", "step": 0.5},
    "yuan": {"kind": "value"},
    "points": {"kind": "value", "bounds": (0, 100)},
    "count": {"kind": "count"},
}


def _about(unit: str, about: dict[str, Any]) -> dict[str, Any]:
    return {"unit": unit} | ABOUT[unit] | about


def share(
    *,
    fact: str,
    among: Conditions,
    where: Conditions,
    value: Deferred | int = 1,
    measured_in: Measure = "count",
    day: str = "day",
    known: Deferred | None = None,
    **about: Any,
) -> Metric:
    """Share of the `among` rows (or of their `value`) that also meet `where`: never outside 0-1."""
    known_value = {"has_value": value.notnull()} if isinstance(value, Deferred) else {}
    among = {**among, **known_value}
    whole = Sum(fact=fact, among=among, value=value, unit=measured_in, day=day, known=known)
    return Metric(numerator=replace(whole, among={**among, **where}), denominator=whole, **_about("share", about))


def mean(
    *,
    fact: str,
    value: Deferred,
    among: Conditions,
    unit: Unit = "seconds",
    measured_in: Measure = "us",
    day: str = "day",
    **about: Any,
) -> Metric:
    """Mean of `value` over the `among` rows that have one."""
    rows = Sum(fact=fact, among={**among, "has_value": value.notnull()}, day=day)
    total = replace(rows, value=value, unit=measured_in)
    return Metric(numerator=total, denominator=rows, squares=True, **_about(unit, about))


def ratio(*, numerator: Sum, denominator: Sum, unit: Unit = "ratio", **about: Any) -> Metric:
    """One sum over another; the rows above need not be among the rows below, so it may exceed 1."""
    return Metric(numerator=numerator, denominator=denominator, **_about(unit, about))


def total(
    *,
    fact: str,
    among: Conditions,
    value: Deferred | int = 1,
    measured_in: Measure = "count",
    unit: Unit = "count",
    known: Deferred | None = None,
    **about: Any,
) -> Metric:
    """A plain total, as platforms show it; it has no n."""
    counted = Sum(fact=fact, among=among, value=value, unit=measured_in, known=known)
    return Metric(numerator=counted, **_about(unit, about))


def per(*, days: Sum = WORKED, **about: Any) -> Metric:
    """What `total` adds up, for each day an agent worked: every row counts above, worked days below.

    One day is a count in full, so that no minimum n is asked for.
    """
    return replace(total(**{"min_n": 1, "step": 0.1} | about), denominator=days)


def told(*, unit: Unit, **about: Any) -> Told:
    """A figure of a backend's table, kept as it is shown."""
    return Told(**_about(unit, about))


AnyEntry = TypeVar("AnyEntry", bound=Entry)


def allday(entry: AnyEntry) -> AnyEntry:
    """The entry's twin that looks at the whole day instead of service hours."""
    changes: dict[str, Any] = {"of" if side == "value" else side: _allday(part) for side, part in entry.sums.items()}
    changes |= {"key": f"{entry.key}_allday", "zh": f"{entry.zh}(全天)", "en": f"{entry.en} (all day)"}
    return replace(entry, **changes)


def _allday(part: Sum) -> Sum:
    if part.fact == "agent_days":
        return part
    return replace(part, among={name: c for name, c in part.among.items() if name != "in_hours"}, allday=True)
