"""When it goes worst: the hours, or the day of the week, that fall furthest behind the rest."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pandas as pd

from ..catalogue import entry

WIDTHS = (2, 3, 4)  # hours of a stretch that shifts can answer
LEAST_SHARE = 0.04  # of all cases: fewer are no weak spot worth a shift
POINTS, PART = 0.03, 0.10  # gaps worth telling: of shares, and of other values relative to the rest
LEAST_DAYS = 14
BUSY = 1.15  # times as many chats an hour as otherwise


@dataclass(frozen=True)
class Weak:
    """A weak spot: `first` to `last` (hours, the end exclusive; or a weekday twice), its value and the others'.

    busier: how many times as many cases an hour or day as elsewhere. clear: whether the gap is worth telling.
    """

    first: int
    last: int
    inside: float
    outside: float
    busier: float
    clear: bool


def weakest_hours(hours: pd.DataFrame | None, metric: str) -> Weak | None:
    """The stretch of hours whose gap to the rest weighs most; null without hours."""
    if hours is None:
        return None
    sums = _sums(hours, "hour")
    spans = [range(h, h + w) for w in WIDTHS for h in range(24 - w + 1) if set(range(h, h + w)) <= set(sums.index)]
    found = [weak for span in spans if (weak := _weak(sums, span, metric))]
    best = max(found, key=lambda pair: pair[0], default=None)
    return best[1] if best else None


def weakest_day(days: pd.DataFrame | None, metric: str) -> Weak | None:
    """The weekday whose gap to the others weighs most; null with less than two weeks of days."""
    if days is None or days["value"].notna().sum() < LEAST_DAYS:
        return None
    sums = _sums(days.assign(weekday=pd.to_datetime(days["day"]).dt.day_of_week), "weekday")
    found = [weak for day in sums.index if (weak := _weak(sums, range(day, day + 1), metric))]
    best = max(found, key=lambda pair: pair[0], default=None)
    return best[1] if best else None


def _sums(rows: pd.DataFrame, by: str) -> pd.DataFrame:
    """Cases and value of each hour or weekday, values weighted by their cases."""
    seen = rows[rows["value"].notna() & (rows["n"] > 0)]
    sums = seen.assign(total=seen["value"] * seen["n"]).groupby(by)[["total", "n"]].sum()
    return sums.assign(places=seen.groupby(by).size())


def _weak(sums: pd.DataFrame, span: range, metric: str) -> tuple[float, Weak] | None:
    """A stretch with the weight of its gap; null where it has next to no cases, or all of them."""
    inside = sums.index.isin(list(span))
    here, rest = sums[inside].sum(), sums[~inside].sum()
    share = here["n"] / sums["n"].sum()
    if share < LEAST_SHARE or not rest["n"]:
        return None
    known = entry(metric)
    value, other = here["total"] / here["n"], rest["total"] / rest["n"]
    gap = (other - value) * (1 if known.better == "higher" else -1)
    clear = gap >= (POINTS if known.unit in ("share", "ratio") else PART * abs(other))
    busier = (here["n"] / here["places"]) / (rest["n"] / rest["places"])
    weight = gap * sqrt(share * (1 - share))
    return float(weight), Weak(
        span.start, span.stop, float(value), float(other), float(np.round(busier, 1)), bool(clear)
    )
