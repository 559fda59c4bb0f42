"""Values by month or by day, as one row per agent, month and metric."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .errors import CsperfError, Problem
from .text import say

SUMS = ("numerator", "denominator", "n", "sum_squares")
WHO = ["shop_id", "agent_id", "role", "level", "month", "metric"]


def monthly(values: pd.DataFrame) -> pd.DataFrame:
    """One row per agent x month x metric: WHO, value, the SUMS (null where not known), by_day.

    `values` as of CONTRACT 4, by month or by day. Daily sums are added up; daily means without n become the mean of
    the month's days with their number as n, marked `by_day` (PRACTICE 2). Rows of the shop are dropped. CsperfError
    where several definition sets are mixed.
    """
    return _by_month(_complete(values[values["agent_id"].notna()]))


def _complete(values: pd.DataFrame) -> pd.DataFrame:
    """The values with every column this module reads; several definition sets are refused."""
    sets = values["definitions"].dropna().unique() if "definitions" in values else []
    if len(sets) > 1:
        raise CsperfError(Problem("values", say("targets.several_definitions", found=", ".join(sorted(sets)))))
    rows = values.assign(**{c: None for c in ("shop_id", "role", "level", "value", *SUMS) if c not in values})
    rows = rows.assign(by_day=False, **{c: pd.to_numeric(rows[c]).astype(float) for c in ("value", *SUMS)})
    divided = rows["numerator"] / rows["denominator"].where(rows["denominator"] != 0)
    return rows.assign(value=rows["value"].where(rows["value"].notna(), divided))


def _by_month(rows: pd.DataFrame) -> pd.DataFrame:
    """Agent x month rows."""
    columns = [*WHO, "value", *SUMS, "by_day"]
    rows = rows.assign(**{period: None for period in ("month", "day") if period not in rows})
    daily = rows["day"].notna()
    whole, days = rows[~daily], rows[daily]
    days = days.assign(month=pd.to_datetime(days["day"]).dt.strftime("%Y-%m"))
    counted = days["numerator"].notna()
    parts = [
        whole[columns],
        _added_up(days[counted])[columns],
        _mean_of_days(days[~counted & days["value"].notna()])[columns],
    ]
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)


def _added_up(rows: pd.DataFrame) -> pd.DataFrame:
    sums = rows.groupby(WHO, as_index=False, dropna=False)[list(SUMS)].sum(min_count=1)
    value = (sums["numerator"] / sums["denominator"].where(sums["denominator"] != 0)).where(
        sums["denominator"].notna(), sums["numerator"]
    )
    return sums.assign(value=value, by_day=False)


def _mean_of_days(rows: pd.DataFrame) -> pd.DataFrame:
    """Months of means without n: each day's mean counts by the people served that day where that is known."""
    weight = pd.to_numeric(rows["served"]).astype(float) if "served" in rows else pd.Series(1.0, rows.index)
    days = rows.assign(weight=weight.fillna(1.0), n=1.0)
    days = days.assign(weighted=days["value"] * days["weight"], sum_squares=days["value"] ** 2)
    sums = days.groupby(WHO, as_index=False, dropna=False)[["weighted", "weight", "n", "sum_squares"]].sum()
    return sums.assign(value=sums["weighted"] / sums["weight"], numerator=np.nan, denominator=np.nan, by_day=True)
