"""From facts to values: sums for each agent and day, added up at any grain and divided once.

Each fact is aggregated in one pass with the sums of all entries as columns; the small results are stacked, never
joined, so that one-to-many rows cannot inflate a sum. Sums stay in fen and microseconds until `to_key_units`.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis import _

from .catalogue import ENTRIES, TOTALS
from .catalogue import entries as find_entries
from .engine import answer
from .errors import CsperfError, Problem
from .metric import DEFAULT_MIN_N, NONE_BUT_WORKED, PPM, Entry, FromRows, Metric, Sum
from .text import say

Facts = Mapping[str, ir.Table]
Period = tuple[dt.date | None, dt.date | None]
WHO = ("shop_id", "scope", "agent_id", "account_id", "role", "level", "shift", "category_code")
SUMS = ("numerator", "denominator", "sum_squares", "n")
SUM_TYPES = {"numerator": "int64", "denominator": "int64", "sum_squares": "float64", "n": "int64"}
VIEW = ("metric", "definitions", "door")
COLUMN = {"shop": "shop_id", "agent": "agent_id", "account": "account_id", "category": "category_code"}
GRAINS = ("shop", "agent", "account", "level", "role", "shift", "category", "day", "week", "month")
OF_AGENTS = {"agent", "account", "level", "role", "shift"}
OF_DAYS = {"day", "week", "month"}
SIDES = ("numerator", "denominator")
IN_PPM = {side: [key for key, e in ENTRIES.items() if side in e.sums and e.sums[side].unit == "ppm"] for side in SIDES}
N_SMALL, NO_DATA = "N_SMALL", "NO_DATA"


class Term(NamedTuple):
    """One column of a pass over a fact: the sum that fills a part of a metric."""

    metric: str
    part: str
    sum: Sum

    @property
    def column(self) -> str:
        return f"{self.metric}.{self.part}"

    def over(self, table: ir.Table) -> ir.Scalar:
        """The aggregate."""
        if self.part == "n":
            return self.sum.observations(table).sum()
        if self.part == "sum_squares":
            return self.sum.squares(table).sum().cast("float64")
        return self.sum.amount(table).sum()


# --- the mart -------------------------------------------------------------------------------------------------------


def build(
    facts: Facts,
    entries: Iterable[Entry],
    *,
    definitions: str,
    door: str = "chat",
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
) -> ir.Table:
    """The mart: sums of each metric for each shop, agent, account, role, level, shift, category and day.

    Columns shop_id, scope, agent_id, account_id, role, level, shift, category_code, day, definitions, door, metric,
    numerator, denominator (int64: rows, fen, microseconds, millionths of orders), sum_squares, n. Null where a part
    has no rows; a metric's numerator and denominator may stand in different rows. Metrics whose facts are absent have
    no rows.
    Raises CsperfError for entries that cannot be added up.
    """
    metrics = [metric for metric in summable(entries) if metric.facts <= facts.keys()]
    return _stack(facts, metrics, (*WHO, "day"), (first_day, last_day)).mutate(
        definitions=ibis.literal(definitions), door=ibis.literal(door)
    )[[*WHO, "day", "definitions", "door", "metric", *SUMS]]


def summable(entries: Iterable[Entry]) -> list[Metric]:
    """The entries, if all of them can be added up; CsperfError names those that cannot."""
    given = list(entries)
    if refused := [entry.key for entry in given if not isinstance(entry, Metric)]:
        raise CsperfError(Problem(key, say("catalogue.not_summable", key=key)) for key in refused)
    return [entry for entry in given if isinstance(entry, Metric)]


def _stack(facts: Facts, metrics: Sequence[Metric], keys: tuple[str, ...], period: Period) -> ir.Table:
    """Sums for each combination of `keys` and metric: one pass over each fact (and its column of days)."""
    passes = defaultdict(list)
    for term in (term for metric in metrics for term in _terms(metric, facts)):
        passes[term.sum.fact, term.sum.day].append(term)
    tables = {
        (fact, day): answer(_one_pass, facts[fact], day, tuple(terms), keys, period)
        for (fact, day), terms in passes.items()
    }
    terms = [(tables[source], term) for source, here in passes.items() for term in here]
    measured = {t.metric for table, t in terms if t.part == "numerator" and _known(table, t)}
    parts = [part for source, here in passes.items() for part in _unpivot(tables[source], here, keys, measured)]
    return ibis.memtable(pa.concat_tables([_empty(keys), *parts]))


def _terms(metric: Metric, facts: Facts) -> Iterator[Term]:
    yield Term(metric.key, "numerator", metric.numerator)
    if metric.squares:
        yield Term(metric.key, "sum_squares", metric.numerator)
    if metric.denominator:
        yield Term(metric.key, "denominator", metric.denominator)
        if not metric.denominator.is_n:
            yield Term(metric.key, "n", metric.denominator)
    if "agent_days" in facts and metric.numerator.fact != (metric.denominator or NONE_BUT_WORKED).fact:
        yield Term(metric.key, "zero", NONE_BUT_WORKED)


def _one_pass(table: ir.Table, day: str, terms: tuple[Term, ...], keys: tuple[str, ...], period: Period) -> ir.Table:
    rows = between(table, day, period)
    groups = rows.mutate(day=rows[day]) if "day" in keys and day != "day" else rows
    return groups.group_by(keys).aggregate(**{term.column: term.over(groups) for term in terms})


def _known(table: pa.Table, term: Term) -> bool:
    """Whether any row says something: of what was never measured an agent has nothing, not 0."""
    return table[term.column].null_count < table.num_rows


def _unpivot(table: pa.Table, terms: Sequence[Term], keys: tuple[str, ...], measured: set[str]) -> Iterator[pa.Table]:
    """The wide result of one pass, stacked: a narrow table for each metric, sharing the key columns."""
    columns: dict[str, dict[str, pa.ChunkedArray]] = defaultdict(dict)
    for term in terms:
        if term.part != "zero":
            columns[term.metric][term.part] = table[term.column]
        elif term.metric in measured:
            columns[term.metric]["numerator"] = table[term.column]
    for metric, filled in columns.items():
        if "denominator" in filled:
            filled.setdefault("n", filled["denominator"])
        sums = [filled.get(part, pa.nulls(table.num_rows, _empty(keys).schema.field(part).type)) for part in SUMS]
        names = pa.repeat(pa.scalar(metric), table.num_rows)
        yield pa.table([*(table[key] for key in keys), names, *sums], schema=_empty(keys).schema)


def _empty(keys: tuple[str, ...]) -> pa.Table:
    types = {key: "date32" if key == "day" else "string" for key in (*keys, "metric")} | SUM_TYPES
    return pa.schema([(name, getattr(pa, kind)()) for name, kind in types.items()]).empty_table()


def between(table: ir.Table, day: str, period: Period) -> ir.Table:
    """The rows from the first to the last day of the period (None = no end) by their column `day`."""
    first, last = period
    bounds = ([table[day] >= first] if first else []) + ([table[day] <= last] if last else [])
    return table.filter(bounds) if bounds else table


# --- values at a grain ----------------------------------------------------------------------------------------------


def grain_columns(by: Sequence[str]) -> list[str]:
    """The result's columns for the grain names `by` (shop_id is always there, so it is not among them)."""
    if unknown := [name for name in by if name not in GRAINS]:
        allowed = ", ".join(GRAINS)
        raise CsperfError(Problem(name, say("catalogue.unknown_grain", name=name, allowed=allowed)) for name in unknown)
    return [COLUMN.get(name, name) for name in dict.fromkeys(by) if name != "shop"]


def scope_of(by: Iterable[str]) -> str:
    """Which rows of a fact speak at this grain: agents' rows where an agent's column is asked, else the shop's."""
    return "agent" if OF_AGENTS & set(by) else "shop"


def at_grain(table: ir.Table, by: Sequence[str]) -> ir.Table:
    """The rows of one scope (never both: a buyer of two agents is one buyer of the shop), with the grain's columns."""
    dates: dict[str, Callable[[ir.DateValue], ir.StringValue]] = {"week": iso_week, "month": month}
    rows = table.filter(table.scope == scope_of(by))
    return rows.mutate(**{name: spell(rows.day) for name, spell in dates.items() if name in by})


def month(day: ir.DateValue) -> ir.StringValue:
    """2026-02."""
    return day.cast("string").substr(0, 7)


def iso_week(day: ir.DateValue) -> ir.StringValue:
    """2026-W07; the year is that of the week's Thursday."""
    return day.iso_year().cast("string") + "-W" + day.week_of_year().cast("string").lpad(2, "0")


def rollup(mart: ir.Table, by: Sequence[str]) -> ir.Table:
    """Metric values at the grain `by`: sums added up, then divided once; in fen and microseconds.

    Columns shop_id, the grain's, metric, definitions, door, numerator, denominator, value, sum_squares, n. The value is
    null where the denominator is 0 or missing; a total's value is its numerator.

    Raises CsperfError for an unknown grain, for metrics that cannot be added up, and where the mart holds only the
    other scope's rows: adding agents up would count a buyer of two agents twice.
    """
    _refuse(mart, by)
    return _divide(at_grain(mart, by), ["shop_id", *grain_columns(by), *VIEW])


def _divide(rows: ir.Table, columns: list[str]) -> ir.Table:
    sums = rows.group_by(columns).aggregate(**{part: _[part].sum().cast("float64") for part in SUMS})
    sums = sums.mutate(
        **{side: ibis.ifelse(_.metric.isin(keys), _[side] / PPM, _[side]) for side, keys in IN_PPM.items()},
        sum_squares=ibis.ifelse(_.metric.isin(IN_PPM["numerator"]), _.sum_squares / PPM**2, _.sum_squares),
    )
    value = ibis.ifelse(_.metric.isin(TOTALS), _.numerator.cast("float64"), _.numerator / _.denominator.nullif(0))
    return sums.mutate(value=value)[[*columns, "numerator", "denominator", "value", "sum_squares", "n"]]


def _refuse(mart: ir.Table, by: Sequence[str]) -> None:
    held = mart.select("metric", "scope").distinct().to_pyarrow()
    summable(ENTRIES[key] for key in set(held["metric"].to_pylist()) if key in ENTRIES)
    scopes = set(held["scope"].to_pylist())
    if scopes and scope_of(by) not in scopes:
        raise CsperfError(Problem("by", say("catalogue.scopes_mixed", by=", ".join(by), scope=scopes.pop())))


def measure(
    facts: Facts,
    entries: Iterable[Entry | str],
    by: Sequence[str],
    *,
    definitions: str,
    door: str = "chat",
    min_n: int = DEFAULT_MIN_N,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
    spread: bool = False,
) -> pd.DataFrame:
    """Values of the entries at the grain `by`, in each key's unit.

    Columns shop_id, the grain's, metric, definitions, door, numerator, denominator, value, n, note. Every agent on the
    roster (every day of the shop) has a row for every metric: without data the value is null. note is NO_DATA where
    there is no value, N_SMALL where n is below the entry's min_n (below `min_n` for entries with the default).
    What cannot be measured here is left out and named in `.attrs["unavailable"]`: key -> NO_FACT or SHOP_ONLY; without
    anything to measure there are no rows, and the columns keep their types.
    Each sum is cut to first_day..last_day by its own day (orders lost: by the day of the order). With `spread` there is
    a column sum_squares, of the numerators' single rows; null for what is ranked.
    Raises CsperfError for unknown keys and grains.
    """
    columns = grain_columns(by)
    wanted = find_entries([entry if isinstance(entry, str) else entry.key for entry in entries])
    missing = unavailable(wanted, facts, by)
    available = [entry for entry in wanted if entry.key not in missing]
    period = (first_day, last_day)
    values = pd.concat([_summed(facts, available, by, period), *_ranked(facts, available, by, period)])
    values = _on_spine(values, _spine(facts, by, period), available, ["shop_id", *columns])
    values = to_key_units(values.assign(definitions=definitions, door=door, note=_notes(values, min_n)))
    order = ["shop_id", *columns, *VIEW, "numerator", "denominator", "value", "n", "note"]
    order += ["sum_squares"] if spread else []
    values = values[order].reset_index(drop=True)
    values.attrs["unavailable"] = missing
    return values


def unavailable(entries: Iterable[Entry], facts: Facts, by: Sequence[str]) -> dict[str, str]:
    """Keys that cannot be measured, with the reason: NO_FACT, or SHOP_ONLY at a grain of agents."""
    no_fact = {e.key: "NO_FACT" for e in entries if not e.facts <= facts.keys()}
    of_shop = {e.key: "SHOP_ONLY" for e in entries if any("shop_row" in part.among for part in e.sums.values())}
    return (of_shop if scope_of(by) == "agent" else {}) | no_fact


def _summed(facts: Facts, entries: Sequence[Entry], by: Sequence[str], period: Period) -> pd.DataFrame:
    columns = [name for name in grain_columns(by) if name not in OF_DAYS]
    keys = ("shop_id", "scope", *columns, *(["day"] if OF_DAYS & set(by) else []))
    sums = _stack(facts, [entry for entry in entries if isinstance(entry, Metric)], keys, period)
    return answer(_at_grain_divided, sums, tuple(by)).to_pandas()


def _at_grain_divided(sums: ir.Table, by: tuple[str, ...]) -> ir.Table:
    return _divide(at_grain(sums, by), ["shop_id", *grain_columns(by), "metric"])


def _ranked(facts: Facts, entries: Sequence[Entry], by: Sequence[str], period: Period) -> Iterator[pd.DataFrame]:
    """Values that cannot be added up, from the rows at the asked grain: one frame for each metric."""
    groups = ["shop_id", *grain_columns(by)]
    from_rows = [entry for entry in entries if isinstance(entry, FromRows)]
    for fact, day in dict.fromkeys((e.of.fact, e.of.day) for e in from_rows):
        here = tuple(e for e in from_rows if (e.of.fact, e.of.day) == (fact, day))
        wide = answer(_from_rows, facts[fact], day, here, tuple(by), period).to_pandas()
        for entry in here:
            narrow = wide[[*groups, entry.key, f"{entry.key}.n"]].set_axis([*groups, "value", "n"], axis=1)
            yield narrow.assign(metric=entry.key, **dict.fromkeys(SUMS[:3], float("nan")))


def _from_rows(
    table: ir.Table, day: str, entries: tuple[FromRows, ...], by: tuple[str, ...], period: Period
) -> ir.Table:
    rows = at_grain(between(table, day, period), by)
    counts = {f"{e.key}.n": e.of.observations(rows).sum() for e in entries}
    return rows.group_by(["shop_id", *grain_columns(by)]).aggregate(**{e.key: e.value(rows) for e in entries}, **counts)


def frame(table: ir.Table) -> pd.DataFrame:
    """The rows as pandas, by way of Arrow: days stay dates and whole numbers keep to their 64 bits."""
    return table.to_pyarrow().to_pandas()


def _spine(facts: Facts, by: Sequence[str], period: Period) -> pd.DataFrame:
    """Who must have a row: the people and days of agent_days; nobody where that fact or the grain has no such rows."""
    columns = ["shop_id", *grain_columns(by)]
    if "agent_days" not in facts or "category" in by:
        return pd.DataFrame(columns=columns, dtype="str")
    return answer(_who_and_when, facts["agent_days"], tuple(by), period).to_pandas()


def _who_and_when(agent_days: ir.Table, by: tuple[str, ...], period: Period) -> ir.Table:
    rows = at_grain(between(agent_days, "day", period), by)
    return rows.select("shop_id", *grain_columns(by)).distinct()


def _on_spine(values: pd.DataFrame, spine: pd.DataFrame, entries: Sequence[Entry], columns: list[str]) -> pd.DataFrame:
    keys = pd.DataFrame({"metric": [entry.key for entry in entries]}, dtype="str")
    people = pd.concat([spine, values[columns]]).drop_duplicates()
    rows = people.merge(keys, how="cross").merge(values, how="left", on=[*columns, "metric"])
    position = _of_metrics(rows.metric, {key: place for place, key in enumerate(keys.metric)})
    rows = rows.assign(position=position).sort_values([*columns, "position"], kind="stable").drop(columns="position")
    counted = rows.n.fillna(0).where(~rows.metric.isin(TOTALS))
    return rows.assign(n=counted.astype("Int64"))


def _notes(values: pd.DataFrame, min_n: int) -> pd.Series:
    own = {key: entry.min_n for key, entry in ENTRIES.items() if entry.min_n != DEFAULT_MIN_N}
    limit = _of_metrics(values.metric, own).fillna(min_n)
    small = (values.n < limit).fillna(False).astype(bool)
    notes = pd.Series("", index=values.index).mask(small, N_SMALL)
    return notes.mask(values.value.isna(), NO_DATA)


def to_key_units(values: pd.DataFrame) -> pd.DataFrame:
    """The same in the unit of each key: yuan instead of fen, seconds, minutes or hours instead of microseconds.

    numerator, denominator, value and, where present, sum_squares. The one place where units are converted.
    """
    scale = {key: [_scale(entry, side) for side in SIDES] for key, entry in ENTRIES.items()}
    above, below = (_of_metrics(values.metric, {key: pair[i] for key, pair in scale.items()}) for i in (0, 1))
    scaled = {"numerator": above, "denominator": below, "sum_squares": above**2, "value": above / below}
    converted = {name: values[name] / scale for name, scale in scaled.items() if name in values}
    return values.assign(**converted)


def _of_metrics(metrics: pd.Series, told: Mapping[str, float]) -> pd.Series:
    """What is told of each row's metric, looked up once for each metric; null where nothing is."""
    return metrics.astype("category").map(dict(told)).astype("float64")


def _scale(entry: Entry, side: str) -> float:
    part = entry.sums.get(side) or (entry.sums.get("value") if side == "numerator" else None)
    return part.scale(entry.unit) if part else 1.0
