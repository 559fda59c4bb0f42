"""What past months say by themselves: the shop's own distribution, and who met a value when."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ..catalogue import entry
from .months import used
from .order import in_order, ladder, meets


def past_attainment(months: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """How many met each target in each past month: metric, role, level, month, target, met, agents, share, best."""
    rows = []
    for aim in targets[targets["target"].notna()].itertuples():
        better = entry(aim.metric).better
        for month, group in used(months, aim.metric, aim.role, aim.level).groupby("month"):
            met = int(meets(group["value"], aim.target, better).sum())
            best = group["value"].max() if better == "higher" else group["value"].min()
            rows.append((aim.metric, aim.role, aim.level, month, aim.target, met, len(group), met / len(group), best))
    columns = ["metric", "role", "level", "month", "target", "met", "agents", "share", "best"]
    return pd.DataFrame(rows, columns=columns)


def level_spread(months: pd.DataFrame) -> pd.DataFrame:
    """The shop's own distribution, metric x role x level (null: all): agents, agent_months, five cuts of the values.

    easy90, easy75, middle, hard25, hard10: the value that 90, 75, 50, 25, 10 % of the agent-months met.
    """
    shares = {"easy90": 0.90, "easy75": 0.75, "middle": 0.50, "hard25": 0.25, "hard10": 0.10}
    rows = []
    for (metric, role), group in months[months["left_out"].isna()].groupby(["metric", "role"]):
        better = entry(metric).better
        for level in [None, *ladder(group["level"].dropna().unique())]:
            part = group if level is None else group[group["level"] == level]
            cuts = [value_met_by(part["value"], share, better) for share in shares.values()]
            rows.append((metric, role, level, part["agent_id"].nunique(), len(part), *cuts))
    return in_order(pd.DataFrame(rows, columns=["metric", "role", "level", "agents", "agent_months", *shares]))


def value_met_by(values: pd.Series, share: float, better: str) -> float:
    """The strictest value that at least `share` of `values` meet: an order statistic, NaN without values."""
    ordered = np.sort(values.to_numpy(dtype=float))
    if not len(ordered):
        return math.nan
    rank = max(math.ceil(round(share * len(ordered), 9)), 1) - 1
    return float(ordered[::-1][rank] if better == "higher" else ordered[rank])
