"""Who buys again: purchases of each buyer as repeat-buying studies count them, and the share that came back in time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd


def repeat_buying(purchases: pd.DataFrame, until: dt.date) -> pd.DataFrame:
    """One row for each buyer: frequency, recency_days, age_days, from buyer_id and day of purchases up to `until`.

    Several purchases of one day are one. frequency: days of purchase after the first; recency_days: from the first to
    the last; age_days: from the first to `until` (Fader, Hardie, Lee 2005: x, t_x and T). Purchases without buyer are
    left out.
    """
    days = _days(purchases, until)
    buyers = days.groupby("buyer_id")["day"].agg(["min", "max", "size"]).reset_index()
    return pd.DataFrame(
        {
            "buyer_id": buyers["buyer_id"],
            "frequency": buyers["size"] - 1,
            "recency_days": (buyers["max"] - buyers["min"]).dt.days,
            "age_days": (pd.Timestamp(until) - buyers["min"]).dt.days,
        }
    )


def came_back(purchases: pd.DataFrame, until: dt.date, within: Sequence[int]) -> pd.DataFrame:
    """within_days, again, n: of the days of purchase at least so old, those followed by another within so many days.

    Younger ones are left out: nobody knows yet whether their buyers come back.
    """
    days = _days(purchases, until)
    waited = (days.groupby("buyer_id")["day"].shift(-1) - days["day"]).dt.days
    age = (pd.Timestamp(until) - days["day"]).dt.days
    counts = [(limit, int((waited[age >= limit] <= limit).sum()), int((age >= limit).sum())) for limit in within]
    return pd.DataFrame(counts, columns=["within_days", "again", "n"])


def _days(purchases: pd.DataFrame, until: dt.date) -> pd.DataFrame:
    """The days of purchase of each known buyer up to `until`, each once, in order."""
    known = purchases.dropna(subset=["buyer_id", "day"])
    days = known.assign(day=pd.to_datetime(known["day"]))[["buyer_id", "day"]].drop_duplicates()
    return days[days["day"] <= pd.Timestamp(until)].sort_values(["buyer_id", "day"])
