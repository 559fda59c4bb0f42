"""Who needs help, and with what: clearly below the target or the team, in how many months, how busy and how quick."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from ..scorecard.settings import ScoreSettings
from ..stats.ranks import BELOW, placed
from .settings import CoachingSettings
from .sure import Behind

COLUMNS = [
    "agent_id",
    "role",
    "level",
    "metric",
    "value",
    "adjusted",
    "target",
    "n",
    "sure",
    "months",
    "below",
    "reading",
]
TEAM = 3  # people of a role from whom on one speaks of all of them


def coaching(
    parts: pd.DataFrame,
    month: str,
    behind: Iterable[Behind],
    settings: CoachingSettings,
    scored: ScoreSettings | None = None,
) -> pd.DataFrame:
    """COLUMNS, one row per person and scored metric that is clearly below, the surest first.

    `parts`: Scorecard.parts; `behind`: of the scored metrics and those of volume and speed. sure: how much of what may
    lie behind the value is worse than the target. below: target; team, where it is the target's too or only the others
    are clearly better (not with too few people to tell); everyone, where most of the role is: then look at the target
    and the work first. months: in a row up to this one that were clearly below the target. reading: how many customers
    at what speed beside the middle of the role (S2-29); null where either is not known.
    """
    pool = list(behind)
    few = (scored or ScoreSettings()).few
    readings = _readings(pool, month, settings)
    found = []
    for one in pool:
        aims = parts[(parts["metric"] == one.rows["metric"].iloc[0]) & (parts["role"] == one.rows["role"].iloc[0])]
        if len(aims):
            found.append(_below(one, aims, month, settings, few))
    rows = pd.concat([f for f in found if len(f)] or [pd.DataFrame(columns=COLUMNS)], ignore_index=True)
    rows["reading"] = [readings.get((row.agent_id, row.role)) for row in rows.itertuples()]
    return rows.sort_values(["below", "sure"], ascending=[False, False], kind="stable", ignore_index=True)[COLUMNS]


def _below(one: Behind, aims: pd.DataFrame, month: str, settings: CoachingSettings, few: int) -> pd.DataFrame:
    """The people of a role who are clearly below at one metric."""
    known = aims.set_index(["agent_id", "month"])["target"]
    keys = list(zip(one.rows["agent_id"], one.rows["month"], strict=True))
    target = known.reindex(keys).to_numpy(float)
    worse = one.sign * one.truths < one.sign * target
    sure = np.where(np.isnan(one.truths).any(axis=0) | np.isnan(target), np.nan, worse.mean(axis=0))
    rows = one.rows.assign(target=target, sure=sure, side=0)
    now = (rows["month"] == month) & rows["sure"].notna()
    if now.sum() >= few:
        rows.loc[now, "side"] = placed(one.sign * one.truths[:, now.to_numpy()])[2]
    clear = rows["sure"] >= settings.sure
    share = float(clear[now].mean()) if now.sum() >= TEAM else 0.0
    missed = one.sign * rows["value"] < one.sign * rows["target"]  # whoever met it this month is not told of it
    listed = rows[now & ((clear & missed) | (rows["side"] == BELOW))]
    where = np.where(listed["side"] == BELOW, "team", "everyone" if share > settings.team_share else "target")
    run = _in_a_row(rows.assign(clear=clear), month)
    return listed.assign(below=where, months=listed["agent_id"].map(run))


def _in_a_row(rows: pd.DataFrame, month: str) -> dict[str, int]:
    """agent_id -> months in a row up to this one that were clearly below the target."""
    before = rows[rows["month"] <= month].sort_values("month", ascending=False)
    return {str(agent): int(own["clear"].cumprod().sum()) for agent, own in before.groupby("agent_id")}


def _readings(pool: list[Behind], month: str, settings: CoachingSettings) -> dict[tuple[str, str], str]:
    """(agent_id, role) -> how many customers at what speed."""
    volume, speed = (_beside_the_middle(pool, metric, month) for metric in (settings.volume, settings.speed))
    words = {
        key: ("many" if volume[key] else "few", "fast" if speed[key] else "slow") for key in volume if key in speed
    }
    return {key: "_".join(word) for key, word in words.items()}


def _beside_the_middle(pool: list[Behind], metric: str, month: str) -> dict[tuple[str, str], bool]:
    """Whether each person of a role is on the better (or bigger) side of its middle."""
    found = {}
    for one in pool:
        rows = one.rows[(one.rows["metric"] == metric) & (one.rows["month"] == month) & one.rows["value"].notna()]
        if len(rows) < TEAM:
            continue
        figures = rows["adjusted"].fillna(rows["value"]) * one.sign
        for agent, role, better in zip(rows["agent_id"], rows["role"], figures >= figures.median(), strict=True):
            found[agent, role] = bool(better)
    return found
