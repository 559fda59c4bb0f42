"""Do buyers who wait longer buy less? What a shop's own chats say of 回复慢十秒，流量往外跑 (S0-27)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis.expr.types as ir
import pandas as pd

from .stats.signals import wilson

LIMITS_S = (10, 30, 60, 180, 600)
INTERVAL = 0.95
SECOND = 1_000_000  # microseconds


def bought_by_wait(facts: Mapping[str, ir.Table], first_day: date, last_day: date) -> pd.DataFrame:
    """band, n, bought, share, low, high: how many buyers who asked before they bought paid, by their longest wait.

    band: the place of the wait among LIMITS_S (0: within the first of them), the last one: a question without a reply.
    A row for each; share and its 95 % interval (Wilson) are null where nobody waited so long. A buyer counts once a
    day, in service hours. Empty without chats, or where orders name no buyer. Who asks at busy hours waits longer and
    may be another kind of buyer: a difference is no proof that the wait made it.
    """
    columns = ["band", "n", "bought", "share", "low", "high"]
    if "buyer_days" not in facts:
        return pd.DataFrame(columns=columns)
    rows = facts["buyer_days"]
    asked = rows.filter(rows.scope == "shop", rows.day.between(first_day, last_day), rows.in_hours, ~rows.excluded)
    asked = asked.filter(asked.inquiry, asked.paid.notnull())
    slower = [(asked.max_wait_us > limit * SECOND).fill_null(False).cast("int64") for limit in LIMITS_S]
    band = asked.unanswered.ifelse(len(LIMITS_S) + 1, sum(slower[1:], slower[0]))
    sums = asked.mutate(band=band).group_by("band").agg(n=lambda t: t.count(), bought=lambda t: t.paid.sum())
    found = sums.to_pandas().set_index("band").reindex(range(len(LIMITS_S) + 2)).fillna(0).astype(int)
    if not found["n"].sum():
        return pd.DataFrame(columns=columns)
    low, high = wilson(found["bought"], found["n"], INTERVAL)
    share = found["bought"] / found["n"].where(found["n"] > 0)
    return found.assign(share=share, low=low, high=high).reset_index()[columns]
