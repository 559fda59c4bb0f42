"""How much work is usual in a day: everybody's 任务量 from their own days, a range and never a single figure."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..catalogue import entry
from .settings import QuotaSettings

COLUMNS = ["agent_id", "role", "level", "metric", "quota", "low", "high", "n", "basis"]


def quotas(days: pd.DataFrame, settings: QuotaSettings) -> pd.DataFrame:
    """COLUMNS: what each person does on a usual day (the middle one), and between what four of ten days lie.

    `days`: values by agent and day (CONTRACT 4) of counts per day; days without work have no row. n: days it rests on.
    basis: own; role, the middle of the others' quotas, for people with fewer than `min_days`; null quota where the role
    has nobody with enough days.
    """
    rows = days[days["metric"].isin(settings.metrics) & days["agent_id"].notna() & days["value"].notna()]
    rows = rows.loc[[_of_role(row.metric, row.role) for row in rows.itertuples()]]  # without rows: no columns lost
    rows = rows.sort_values("day").groupby(["agent_id", "metric"]).tail(settings.days)
    found = [_own(rows_, settings) for _key, rows_ in rows.groupby(["agent_id", "metric"])]
    frame = pd.DataFrame(found, columns=COLUMNS)
    enough = frame["basis"] == "own"
    middle = frame[enough].groupby(["role", "metric"], dropna=False)[["quota", "low", "high"]].median()
    thin = [middle.reindex([(row.role, row.metric)]).iloc[0] for row in frame[~enough].itertuples()]
    if thin:
        frame.loc[~enough, ["quota", "low", "high"]] = np.array(thin)
    shown = {name: frame[name].astype(float).round() for name in ("quota", "low", "high")}
    return frame.assign(**shown).sort_values(["role", "metric", "agent_id"], ignore_index=True)


def _of_role(metric: str, role: object) -> bool:
    """Whether the metric is that role's: nobody after the sale has a quota of orders."""
    known = entry(metric).role
    return known == "both" or role in ("mixed", known) or pd.isna(role)


def _own(rows: pd.DataFrame, settings: QuotaSettings) -> dict[str, object]:
    """The quota of one person; without figures where too few days are known."""
    last, n = rows.iloc[-1], len(rows)
    who = {name: last.get(name) for name in ("agent_id", "role", "level", "metric")}
    if n < settings.min_days:
        return who | {"n": n, "basis": "role"}
    low, quota, high = np.quantile(rows["value"].to_numpy(float), [settings.low, 0.5, settings.high])
    return who | {"quota": quota, "low": low, "high": high, "n": n, "basis": "own"}
