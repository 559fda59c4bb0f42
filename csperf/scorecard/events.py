"""The register of events: 红线封顶 and all that is rewarded or reprimanded.

An event stands if there is evidence, a named reviewer who did not report it, and no appeal that was won.
"""

from __future__ import annotations

import pandas as pd

KINDS = ("abuse", "leak", "false_promise", "off_platform")  # 辱骂, 泄露信息, 违规承诺, 引导私下交易: these cap
OTHER_KINDS = ("complaint", "wrong_info", "quarrel", "late_reply", "praised", "suggestion")  # S1-41, S1-72, S1-73
APPEALS = ("none", "open", "won", "lost")
COLUMNS = ["agent_id", "date", "kind", "evidence", "reported_by", "confirmed_by", "appeal"]


def judged(events: pd.DataFrame | None) -> pd.DataFrame:
    """The events with `month`, `caps` (whether one caps a score) and `why` (null: it stands, or what it lacks).

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
    return rows.assign(caps=why.isna() & rows["kind"].isin(KINDS), why=why)


def capped(events: pd.DataFrame) -> set[tuple[str, str]]:
    """(agent_id, month) of those whose score is capped."""
    held = events[events["caps"].astype(bool)]
    return set(zip(held["agent_id"], held["month"], strict=True))
