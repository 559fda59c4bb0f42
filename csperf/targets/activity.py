"""Activity days: left out of a month's target (PRACTICE 17), with a target of their own on trial."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import pandas as pd

from ..catalogue import entry
from ..metric import Entry
from .order import in_order, round_easier

COLUMNS = [
    *("metric", "role", "activity", "days", "n", "value", "usual", "factor", "target", "target_then"),
    *("by_peak", "planned", "grade"),
]


def last_activity(calendar: pd.DataFrame, known_until: dt.date) -> tuple[str, dt.date, dt.date] | None:
    """Name, first and last day of the newest exempt activity that is over by then; null where there is none."""
    exempt = calendar[calendar["exempt"].fillna(False).astype(bool)]
    ends = pd.to_datetime(exempt["end"]).dt.date
    over = exempt[ends <= known_until].sort_values("end")
    if over.empty:
        return None
    newest = over.iloc[-1]
    first, last = (pd.Timestamp(newest[edge]).date() for edge in ("start", "end"))
    return str(newest["name"]), first, last


def activity_targets(
    days: pd.DataFrame, targets: pd.DataFrame, name: str, first: dt.date, last: dt.date, *, volume: float = 1.0
) -> pd.DataFrame:
    """What each whole role's target would read on activity days: COLUMNS, all on trial.

    `days`: values by role and day (CONTRACT 4) of the months around the activity, its own days from `first` to `last`
    included, days of other activities not. factor: the role's value then over its value on the other days, sums first;
    target_then: the target times that factor; by_peak: what the role did then, counts times the planned `volume` (a
    multiple of then); both rounded towards easier, within what the value can be. planned: cases a day at that volume,
    beyond which response times are not held against anybody. No row where either has fewer cases than the metric asks
    for. One activity only: the next may differ, so none of it is for deductions.
    """
    day = pd.to_datetime(days["day"]).dt.date
    then = _sums(days[(day >= first) & (day <= last)])
    usual = _sums(days[(day < first) | (day > last)])
    rows: list[dict[str, Any]] = []
    for aim in targets[targets["level"].isna() & targets["target"].notna()].itertuples():
        key = (aim.metric, aim.role)
        if key in then.index and key in usual.index and usual.loc[key, "value"] > 0:
            there = {"activity": name, "days": (last - first).days + 1, "n": then.loc[key, "n"]}
            rows.append({"metric": aim.metric, "role": aim.role, "target": aim.target, "grade": "trial"} | there)
            rows[-1] |= _then(aim, float(then.loc[key, "value"]), float(usual.loc[key, "value"]), volume)
            rows[-1] |= {"planned": then.loc[key, "n"] / there["days"] * volume}
    return in_order(pd.DataFrame(rows, columns=COLUMNS))


def _sums(rows: pd.DataFrame) -> pd.DataFrame:
    """Value and n of each metric and role over the days; none where values do not add up or cases are too few."""
    sums = rows.dropna(subset=["numerator", "denominator"]).groupby(["metric", "role"])
    totals = sums[["numerator", "denominator", "n"]].sum()
    least = totals.index.get_level_values("metric").map(lambda key: entry(key).min_n)
    totals = totals[(totals["denominator"] > 0) & (totals["n"] >= least)]
    return totals.assign(value=totals["numerator"] / totals["denominator"])


def _then(aim: Any, value: float, usual: float, volume: float) -> dict[str, float]:
    """The factor, and the target on activity days: by the factor, and by what was done then."""
    known, factor = entry(aim.metric), value / usual
    times = volume if known.kind == "count" else 1.0
    found = {"value": value, "usual": usual, "factor": factor}
    return found | {"target_then": _set(known, aim.target * factor), "by_peak": _set(known, value * times)}


def _set(known: Entry, value: float) -> float:
    """A value as a target: rounded towards easier, within what it can be."""
    low, high = known.bounds
    moved = max(low, value if high is None else min(high, value))
    return max(low, round_easier(moved, known.step, known.better))


def overloaded(cases: pd.Series, calendar: pd.DataFrame, *, volume: float = 1.0) -> frozenset[dt.date]:
    """The days of activities that brought more cases than planned: on these response times are held against nobody.

    `cases`: of the whole shop by day. Planned is what the activity of the same phase before brought a day, times
    `volume`; before a first one nothing was planned.
    """
    found: set[dt.date] = set()
    for _phase, own in calendar.groupby(calendar["phase"].fillna("")):
        spans = [pd.date_range(row.start, row.end).date for row in own.sort_values("start").itertuples()]
        for before, now in pairwise(cases[cases.index.isin(span)] for span in spans):
            found.update(now.index[now > before.mean() * volume])
    return frozenset(found)
