"""Values of agents, month by month, and which of them may carry a target."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..catalogue import entry
from ..metric import Entry
from ..monthly import monthly
from .settings import NO_TARGET_ROLES, NOT_AGENTS, SERVES, TargetSettings


def agent_months(
    values: pd.DataFrame, *, roster: pd.DataFrame | None = None, settings: TargetSettings | None = None
) -> pd.DataFrame:
    """One row per agent x month x metric: WHO, value, the SUMS (null where not known), by_day, left_out.

    `values` as of CONTRACT 4, by month or by day. Daily sums are added up; daily means without n become the mean of
    the month's days with their number as n, marked `by_day` (PRACTICE 2). left_out is null, "new" (a month that begins
    within the newcomer's protection), "small" (n below the minimum) or "empty". Metrics without a direction, rows of
    the shop and of bots are not agents' and are dropped. CsperfError where several definition sets are mixed.
    """
    settings = settings or TargetSettings()
    rows = _with_roster(monthly(values), roster)
    known = {key: entry(key) for key in rows["metric"].unique()}
    aimed = [k for k, e in known.items() if e.better != "neutral" and e.role not in NO_TARGET_ROLES]
    rows = rows[rows["metric"].isin(settings.metrics or aimed)].copy()
    meant_for = rows["metric"].map({key: e.role for key, e in known.items()})
    rows["role"] = rows["role"].where(rows["role"].notna(), meant_for)
    serves = [role in SERVES.get(wanted, (role,)) for role, wanted in zip(rows["role"], meant_for, strict=True)]
    rows = rows[np.array(serves, dtype=bool) & ~rows["role"].isin(NOT_AGENTS)]
    rows["left_out"] = _left_out(rows, {k: _least(e, settings) for k, e in known.items()}, settings)
    return rows.drop(columns="started").reset_index(drop=True)


def counted(group: pd.DataFrame) -> pd.DataFrame:
    """The agent-months of one metric and role; those without n are set aside (`empty`) where others have theirs."""
    bare = group["n"].isna() & group["left_out"].isna()
    if entry(group["metric"].iloc[0]).kind == "count" or bare.all() or not bare.any():
        return group
    return group.assign(left_out=group["left_out"].mask(bare, "empty"))


def too_bare(kept: pd.DataFrame, settings: TargetSettings) -> bool:
    """Whether these are means of whole months without n, and too few months to show how they vary by themselves."""
    known = entry(kept["metric"].iloc[0])
    return bool(known.kind != "count" and kept["n"].isna().all() and kept["month"].nunique() < settings.min_months)


def used(months: pd.DataFrame, metric: str, role: str, level: str | None) -> pd.DataFrame:
    """The rows that carry the targets of a metric and role; of one level, or of all where it is null."""
    rows = months[months["left_out"].isna() & (months["metric"] == metric) & (months["role"] == role)]
    return rows if pd.isna(level) else rows[rows["level"] == level]


def _with_roster(rows: pd.DataFrame, roster: pd.DataFrame | None) -> pd.DataFrame:
    """Rows with `started`, and role and level filled from the newest roster entry where they are null."""
    if roster is None or roster.empty:
        return rows.assign(started=pd.NaT)
    newest = roster.sort_values("valid_from").groupby("agent_id").last()
    filled = {c: rows[c].where(rows[c].notna(), rows["agent_id"].map(newest[c])) for c in ("role", "level")}
    first = pd.to_datetime(roster.groupby("agent_id")["started"].min())
    return rows.assign(**filled, started=rows["agent_id"].map(first))


def _least(known: Entry, settings: TargetSettings) -> int:
    """The n below which an agent-month is left out: cases, or days worked where the value is per day."""
    return settings.min_days if known.kind == "count" else settings.min_n or known.min_n


def _left_out(rows: pd.DataFrame, min_n: dict[str, int], settings: TargetSettings) -> pd.Series:
    """The reason a row is not used, null where it is."""
    begins = pd.to_datetime(rows["month"] + "-01")
    least = rows["metric"].map(min_n).astype(float).where(~rows["by_day"], settings.min_days)
    reason = pd.Series(None, index=rows.index, dtype=object)
    reason[rows["n"] < least] = "small"
    reason[begins < pd.to_datetime(rows["started"]) + pd.Timedelta(days=settings.protection_days)] = "new"
    reason[rows["value"].isna()] = "empty"
    return reason
