"""The rows behind a number, each with the reason why it counts or not: what an appeal is decided on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from difflib import get_close_matches
from math import ceil, floor

import ibis
import ibis.expr.types as ir
import pandas as pd

from .catalogue import entry as find_entry
from .errors import CsperfError, Problem
from .mart import Facts, between, frame, scope_of
from .metric import Distinct, Entry, Extreme, FromRows, Quantile, Sum
from .text import say, words

COLUMNS = ["side", "fact", "row_id", "shop_id", "agent_id", "day", "value", "counted", "reason", "rank"]
COUNTED, UNKNOWN, EXCLUDED = "counted", "unknown", "excluded"
INTERPOLATES, LONGEST, SEEN_BEFORE = "interpolates", "longest", "seen_before"
SHOWN = 20  # agents named in a message


def explain(
    facts: Facts,
    key: str,
    *,
    agent: str | None = None,
    day: dt.date | None = None,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
    role: str | None = None,
    level: str | None = None,
    shift: str | None = None,
    category: str | None = None,
    lang: str | None = None,
) -> pd.DataFrame:
    """Every row behind the value of a metric: side, fact, row_id, shop_id, agent_id, day, value, counted, reason, rank.

    side is numerator, denominator or value. value is what the row holds, in the key's unit; the counted values of a
    side add up to what `measure` shows there. reason is `counted`, the name of the first condition that the row misses,
    or the fact's own reason for leaving it out; with `lang` in words. rank orders the counted rows of a quantile or
    maximum, and reason marks the rows it is taken from (`interpolates`, `longest`). Without agent, role, level or shift
    the shop's rows are listed. Raises CsperfError for an unknown metric or agent, and
    where what the metric is measured from was not loaded.
    """
    entry = find_entry(key)
    _known_facts(facts, entry)
    who = {"agent_id": agent, "role": role, "level": level, "shift": shift, "category_code": category}
    asked = {column: value for column, value in who.items() if value is not None}
    if agent is not None:
        _known_agent(facts, agent, entry)
    period = (day, day) if day else (first_day, last_day)
    parts = [
        _side(between(facts[part.fact], part.day, period), part, entry, asked).assign(side=side)
        for side, part in entry.sums.items()
    ]
    rows = pd.concat(parts, ignore_index=True)[COLUMNS]
    return rows if lang is None else rows.assign(reason=in_words(rows.reason, lang))


def in_words(reasons: pd.Series, lang: str) -> pd.Series:
    """The reasons as people read them; a fact's own reason without words stays as it is."""
    spoken = words("catalogue", lang)
    return reasons.map({code: spoken.get(f"not_{code}", spoken.get(code, code)) for code in reasons.unique()})


def _known_facts(facts: Facts, entry: Entry) -> None:
    if not entry.facts <= facts.keys():
        told = next((name for name in ("measured", "calls") if name in entry.facts), "chats")
        raise CsperfError(Problem(entry.key, say(f"catalogue.without_{told}")))


def _known_agent(facts: Facts, agent: str, entry: Entry) -> None:
    if any(agent in _agents(facts[name]) for name in entry.facts):
        return  # facts that nobody asked for need not be worked out
    found = {name for table in facts.values() for name in _agents(table)}
    if agent not in found:
        near = get_close_matches(agent, found, n=3) or sorted(found)[:SHOWN]
        raise CsperfError(Problem(agent, say("catalogue.unknown_agent", agent=agent, known=", ".join(near))))


def _agents(table: ir.Table) -> list[str]:
    return table.filter(table.agent_id.notnull()).agent_id.as_table().distinct().to_pyarrow()["agent_id"].to_pylist()


def _side(table: ir.Table, part: Sum, entry: Entry, asked: dict[str, str]) -> pd.DataFrame:
    """The rows of one sum. A Distinct's value is 1 for the first row of each buyer and 0 for the others."""
    # An agent, a role, a level or a shift is asked of agents' rows; a category of either.
    scope = scope_of(column.removesuffix("_id") for column in asked)
    rows = table.filter([table.scope == scope, *(table[column] == value for column, value in asked.items())])
    value = part.bind(part.value, rows)
    reason = _reason(rows, part, value)
    listed = frame(
        rows.select("row_id", "shop_id", "agent_id", day=rows[part.day], value=value, reason=reason).order_by(
            "day", "row_id"
        )
    )
    listed = listed.assign(fact=part.fact, counted=listed.reason == COUNTED, rank=pd.Series(dtype="Int64"))
    return _ranked(listed, entry) if isinstance(entry, FromRows) else _in_unit(listed, part, entry)


def _reason(rows: ir.Table, part: Sum, value: ir.Value) -> ir.StringValue:
    """Why a row is left out (the first thing that is against it), or that it counts."""
    against = [(~holds, ibis.literal(name)) for name, holds in part.conditions(rows).items()]
    if "excluded" in rows.columns:
        against[0] = (rows.excluded, rows.reason.fill_null(EXCLUDED))
    if part.known is not None:
        against.insert(0, (part.bind(part.known, rows).isnull(), ibis.literal(UNKNOWN)))
    return ibis.cases(*against, (value.isnull(), ibis.literal("has_value")), else_=ibis.literal(COUNTED))


def _in_unit(rows: pd.DataFrame, part: Sum, entry: Entry) -> pd.DataFrame:
    return rows.assign(value=rows.value.astype("float64") / part.one / part.scale(entry.unit))


def _ranked(rows: pd.DataFrame, entry: FromRows) -> pd.DataFrame:
    """The rows sorted by value, those that count ranked from 1, those the value is taken from marked."""
    if isinstance(entry, Distinct):
        first = rows.counted & ~rows.value.where(rows.counted).duplicated()
        seen = rows.counted & ~first
        return rows.assign(value=first.astype("float64"), reason=rows.reason.mask(seen, SEEN_BEFORE))
    rows = _in_unit(rows, entry.of, entry).sort_values(["counted", "value", "row_id"], ascending=[False, True, True])
    n = int(rows.counted.sum())
    rows = rows.reset_index(drop=True).assign(rank=lambda r: pd.Series(r.index + 1, dtype="Int64").where(r.counted))
    marked, word = _taken_from(entry, n)
    return rows.assign(reason=rows.reason.mask(rows["rank"].isin(marked).astype(bool), word))


def _taken_from(entry: FromRows, n: int) -> tuple[Sequence[int], str]:
    """Ranks (from 1) of the rows the value is taken from, and the word that marks them."""
    if n == 0 or isinstance(entry, Extreme):
        return [n], LONGEST
    assert isinstance(entry, Quantile)
    place = entry.q * (n - 1)
    return [floor(place) + 1, ceil(place) + 1], INTERPOLATES
