"""Who may be promoted, what is missing, what colleagues say, and the days of the steps to it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from ..catalogue import entry
from ..facts import LEVELS
from ..hours import working_day
from .settings import PromotionSettings
from .sure import Behind

COLUMNS = [
    "agent_id",
    "role",
    "level",
    "next_level",
    "quarters",
    "needed",
    "tenure_months",
    "latest",
    "lacks",
    "eligible",
]
STEPS = ("apply", "check", "assess", "publicise", "appoint")


def promotion(
    scores: pd.DataFrame,
    staged: pd.DataFrame,
    settings: PromotionSettings,
    *,
    month: str,
    behind: Iterable[Behind] = (),
    consequences: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """COLUMNS of everybody scored, those who may be promoted first.

    `scores`: of all months (the adjusted ones count); `staged`: growth.stages; `behind`: of the thresholds' metrics.
    quarters: excellent ones in a row up to the newest whole quarter. lacks: what is missing, as words of text/people
    (too_few_quarters: there are not that many whole quarters; not_excellent, tenure, no_start, top_level, no_level,
    event, or a metric's key). latest: mean adjusted score of the newest whole quarter.
    """
    quarters = _quarters(scores[scores["month"] <= month], month, settings)
    held = _penalised(consequences, month, settings)
    thresholds = _missed(behind, month, settings)
    rows = [
        _candidate(who, quarters, settings) for who in staged.itertuples() if who.agent_id in set(scores["agent_id"])
    ]
    for row in rows:
        row["lacks"] += (["event"] if row["agent_id"] in held else []) + thresholds.get(str(row["agent_id"]), [])
    frame = pd.DataFrame(rows, columns=COLUMNS[:-1])
    frame["eligible"] = [not lacks for lacks in frame["lacks"]]
    return frame.sort_values(["eligible", "latest"], ascending=False, kind="stable", ignore_index=True)


def steps(begins: dt.date, settings: PromotionSettings) -> pd.DataFrame:
    """step, from_day, to_day: apply or recommend, check, assess, publicise (3 working days or more), appoint.

    Working days of China; the first day of each step is the working day after the one before.
    """
    lengths = (1, settings.check_days, settings.assess_days, settings.publicity_days, 1)
    day, rows = begins - dt.timedelta(days=1), []
    for step, length in zip(STEPS, lengths, strict=True):
        first, day = working_day(day, 1), working_day(day, length)
        rows.append({"step": step, "from_day": first, "to_day": day})
    return pd.DataFrame(rows)


def soft(votes: pd.DataFrame) -> pd.DataFrame:
    """agent_id, criterion, points (the middle one), raters: what colleagues say (a form; people decide)."""
    own = votes[votes["rater"] != votes["agent_id"]]
    return own.groupby(["agent_id", "criterion"], as_index=False).agg(
        points=("points", "median"), raters=("rater", "nunique")
    )


def _quarters(scores: pd.DataFrame, month: str, settings: PromotionSettings) -> pd.DataFrame:
    """agent_id x whole quarters: the mean adjusted score, null with too few scored months."""
    rows = scores[scores["score_adjusted"].notna()]
    rows = rows.assign(quarter=pd.PeriodIndex(rows["month"], freq="M").asfreq("Q"))
    last = pd.Period(month, "M")
    whole = last.asfreq("Q") if last.month % 3 == 0 else last.asfreq("Q") - 1
    rows = rows[rows["quarter"] <= whole]
    found = rows.groupby(["agent_id", "quarter"])["score_adjusted"].agg(["mean", "count"])
    table = found["mean"].where(found["count"] >= settings.least_months).unstack("quarter")
    wanted = pd.period_range(whole - max(settings.quarters, len(table.columns)) + 1, whole, freq="Q")
    return table.reindex(columns=wanted)


def _candidate(who, quarters: pd.DataFrame, settings: PromotionSettings) -> dict[str, Any]:
    own = (
        quarters.loc[who.agent_id] if who.agent_id in quarters.index else pd.Series(index=quarters.columns, dtype=float)
    )
    in_a_row = int((own[::-1] >= settings.excellent).cumprod().sum())
    lacks = []
    if in_a_row < settings.quarters:
        known = own[-settings.quarters :].notna().all()
        lacks.append("not_excellent" if known else "too_few_quarters")
    if pd.isna(who.months):
        lacks.append("no_start")
    elif who.months < settings.tenure_months:
        lacks.append("tenure")
    following, why = _next_level(who.level)
    return {
        "agent_id": who.agent_id,
        "role": who.role,
        "level": who.level,
        "next_level": following,
        "quarters": in_a_row,
        "needed": settings.quarters,
        "tenure_months": who.months,
        "latest": own.iloc[-1],
        "lacks": lacks + why,
    }


def _next_level(level: object) -> tuple[str | None, list[str]]:
    """The level above, and why there is none to be promoted to."""
    if not isinstance(level, str):
        return None, ["no_level"]
    if level not in LEVELS:  # a shop's own words have no order that we know
        return None, []
    place = LEVELS.index(level) + 1
    return (LEVELS[place], []) if place < len(LEVELS) else ("lead", [])


def _penalised(consequences: pd.DataFrame | None, month: str, settings: PromotionSettings) -> set[str]:
    """Who had a penalty within the quarters that count."""
    if consequences is None or consequences.empty:
        return set()
    first = f"{pd.Period(month, 'M') - 3 * settings.quarters + 1:%Y-%m}"
    penal = consequences[consequences["rung"].notna() & (consequences["month"] >= first)]
    return set(penal["agent_id"])


def _missed(behind: Iterable[Behind], month: str, settings: PromotionSettings) -> dict[str, list[str]]:
    """agent_id -> the metrics whose adjusted value over the newest three months misses a threshold, or is not known."""
    last = pd.Period(month, "M")
    months: Sequence[str] = [f"{one:%Y-%m}" for one in pd.period_range(last - 2, last, freq="M")]
    wanted = {one.metric: one.value for one in settings.thresholds}
    found: dict[str, list[str]] = {}
    for one in behind:
        metric = one.rows["metric"].iloc[0]
        if metric not in wanted:
            continue
        sign = 1 if entry(metric).better == "higher" else -1
        for row in one.of(months).rows.itertuples():
            if not sign * row.adjusted >= sign * wanted[metric]:
                found.setdefault(row.agent_id, []).append(metric)
    return found
