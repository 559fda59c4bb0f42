"""Whether customers were shared out evenly: who gets more or fewer than chance explains among those who work alike.

A count that is scored rewards whom the queue favours; so does a conversion where easy inquiries go to some people.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

COLUMNS = ["role", "shift", "agent_id", "cases", "days", "per_day", "expected", "p", "listed", "evenness", "chance"]
FALSE_SHARE = 0.05
WORTH_SAYING = 0.10  # of what is expected: smaller gaps change no score


def allocation(values: pd.DataFrame, metric: str = "sessions_per_day") -> pd.DataFrame:
    """COLUMNS: each person's cases beside those of the people of the same role and shift.

    `values`: agent values with numerator (cases) and denominator (days worked), by shift where that is known. expected:
    an even share of the shift's cases for the days worked. evenness: how much further apart people are than chance
    would set them (variance over Poisson's, 1 = as by lot), the same for the whole shift; chance: its p. listed: more
    than chance, and at least a tenth off.
    """
    rows = values[(values["metric"] == metric) & values["agent_id"].notna() & (values["denominator"] > 0)]
    rows = rows.assign(shift=rows.get("shift"), role=rows.get("role"))
    keys = ["role", "shift", "agent_id"]
    sums = rows.groupby(keys, dropna=False, as_index=False)[["numerator", "denominator"]].sum()
    sums = sums.rename(columns={"numerator": "cases", "denominator": "days"})
    parts = [_shift(own) for _key, own in sums.groupby(keys[:2], dropna=False) if len(own) > 1]
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def _shift(own: pd.DataFrame) -> pd.DataFrame:
    expected = own["cases"].sum() * own["days"] / own["days"].sum()
    chi2 = float((((own["cases"] - expected) ** 2) / expected).sum())
    free = len(own) - 1
    other = 1 - own["days"] / own["days"].sum()
    z = (own["cases"] - expected) / np.sqrt(expected * other)
    p = 2 * stats.norm.sf(z.abs())
    far = (own["cases"] / expected - 1).abs() >= WORTH_SAYING
    listed = multipletests(p, alpha=FALSE_SHARE, method="fdr_bh")[0] & far
    found = {"per_day": own["cases"] / own["days"], "expected": expected, "p": p, "listed": listed}
    return own.assign(**found, evenness=chi2 / free, chance=stats.chi2.sf(chi2, free))
