"""红线封顶: a person's own event caps the score, if there is evidence, a named reviewer, and no appeal that was won."""

from __future__ import annotations

import pandas as pd

KINDS = ("abuse", "leak", "false_promise", "off_platform")  # 辱骂, 泄露信息, 违规承诺, 引导私下交易
APPEALS = ("none", "open", "won", "lost")
COLUMNS = ["agent_id", "date", "kind", "evidence", "reported_by", "confirmed_by", "appeal"]


def judged(events: pd.DataFrame | None) -> pd.DataFrame:
    """The events with `month`, `caps` (whether one caps a score) and `why` (null, or what it lacks to do so).

    why: no_evidence, unconfirmed, own_reviewer (who reported it may not confirm it), appeal_won. The shop's own red
    line (the platform's floor) is no event: it never caps anybody.
    """
    rows = pd.DataFrame(columns=COLUMNS) if events is None else events.reindex(columns=COLUMNS)
    rows = rows.assign(month=pd.to_datetime(rows["date"]).dt.strftime("%Y-%m"))
    lacks = {
        "appeal_won": rows["appeal"] == "won",
        "own_reviewer": rows["confirmed_by"].notna() & (rows["confirmed_by"] == rows["reported_by"]),
        "unconfirmed": rows["confirmed_by"].isna() | (rows["confirmed_by"] == ""),
        "no_evidence": rows["evidence"].isna() | (rows["evidence"] == ""),
    }
    why = pd.Series(None, index=rows.index, dtype=object)
    for reason, holds in lacks.items():
        why[holds.astype(bool)] = reason
    return rows.assign(caps=why.isna(), why=why)


def capped(events: pd.DataFrame) -> set[tuple[str, str]]:
    """(agent_id, month) of those whose score is capped."""
    held = events[events["caps"].astype(bool)]
    return set(zip(held["agent_id"], held["month"], strict=True))
