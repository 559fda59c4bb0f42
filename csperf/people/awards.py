"""Who is best, and can that be told? Awards by what lies behind the figures, with who may win and who is level."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from ..scorecard import Scorecard, as_shown
from ..scorecard.card import days_worked
from ..stats.ranks import LIKELY
from .settings import SCORE, Award
from .sure import Behind

COLUMNS = ["award", "zh", "en", "metric", "place", "agent_id", "role", "value", "adjusted", "n", "low", "high"]
RESULT = ["result", "why"]
RESULTS = WINNER, TIED, BEHIND, OUT = "winner", "tied", "behind", "out"


def quarter_of(month: str) -> list[str]:
    """The months of the month's quarter up to it."""
    period = pd.Period(month, "M")
    first = period - (period.month - 1) % 3
    return [f"{one:%Y-%m}" for one in pd.period_range(first, period, freq="M")]


def awards(
    given: Sequence[Award],
    month: str,
    card: Scorecard,
    behind: Iterable[Behind],
    *,
    values: pd.DataFrame | None = None,
    consequences: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """COLUMNS and RESULT, every candidate of every award, winners first; who is level stands by number, not by place.

    place: by the adjusted value as people read it, equals share it (1, 2, 2, 4). result: winner, clearly among the best
    `top`; tied, level with others for a place (more people than places: all or none); behind; out, and why (new, small,
    empty, part_month, event, not_scored). low, high: where the truth of nine in ten lies. `behind`: of the awards'
    metrics; `values`: for days worked; `consequences`: of conduct, whose penalties of the period bar from awards.
    """
    pool, worked = list(behind), {} if values is None else days_worked(values)
    found = []
    for number, award in enumerate(given):
        months = quarter_of(month) if award.period == "quarter" else [month]
        rows, truths = _field(award, months, card, pool)
        why = _barred(rows, award, months, worked, consequences)
        ranked = _ranked(rows.assign(why=why), truths, award)
        found.append(ranked.assign(award=number, zh=award.zh, en=award.en, metric=award.metric))
    empty = pd.DataFrame(columns=[*COLUMNS, *RESULT])
    return pd.concat([f for f in found if len(f)] or [empty], ignore_index=True)[[*COLUMNS, *RESULT]]


def _field(
    award: Award, months: Sequence[str], card: Scorecard, behind: Sequence[Behind]
) -> tuple[pd.DataFrame, np.ndarray]:
    """The candidates with value, adjusted, n, left_out, and the truths behind them, more being better."""
    if award.metric == SCORE:
        return _scores(award, months, card)
    own = [one.of(months) for one in behind if one.rows["metric"].iloc[0] == award.metric]
    own = [one for one in own if len(one.rows) and one.rows["role"].iloc[0] in award.roles]
    if not own:
        return pd.DataFrame(columns=["agent_id", "role", "value", "adjusted", "n", "left_out", "better"]), np.zeros(
            (1, 0)
        )
    rows = pd.concat([one.rows for one in own], ignore_index=True)
    shown = as_shown(award.metric, rows["adjusted"].to_numpy(float))
    return rows.assign(better=own[0].sign * shown), own[0].sign * np.concatenate([one.truths for one in own], axis=1)


def _scores(award: Award, months: Sequence[str], card: Scorecard) -> tuple[pd.DataFrame, np.ndarray]:
    """The mean scores of the months; n: months that were scored."""
    within = card.scores["month"].isin(months) & card.scores["role"].isin(award.roles)
    rows, truths, found = card.scores[within].reset_index(drop=True), card.truths[:, within.to_numpy()], []
    drawn = []
    for (agent, role), own in rows.groupby(["agent_id", "role"]):
        counts = own[own["score"].notna()]
        row = {"agent_id": agent, "role": role, "n": len(counts), "left_out": None if len(counts) else "not_scored"}
        found.append(row | {"value": counts["score"].mean(), "adjusted": counts["score_adjusted"].mean()})
        drawn.append(truths[:, counts.index].mean(axis=1) if len(counts) else np.full(len(truths), np.nan))
    frame = pd.DataFrame(found, columns=["agent_id", "role", "n", "left_out", "value", "adjusted"])
    return frame.assign(better=frame["adjusted"].round(1)), np.stack(drawn, axis=1) if drawn else np.zeros((1, 0))


def _barred(
    rows: pd.DataFrame,
    award: Award,
    months: Sequence[str],
    worked: dict[tuple[str, str], float],
    consequences: pd.DataFrame | None,
) -> list[str | None]:
    """Why somebody may not win; null for who may."""
    held: set[str] = set()
    if consequences is not None and len(consequences):
        penal = consequences[consequences["rung"].notna() & consequences["month"].isin(months)]
        held = set(penal["agent_id"])
    return [_bar(row, award, months, worked, held) for row in rows.itertuples()]


def _bar(row, award: Award, months: Sequence[str], worked: dict[tuple[str, str], float], held: set[str]) -> str | None:
    days = [worked[row.agent_id, month] for month in months if (row.agent_id, month) in worked]
    if isinstance(row.left_out, str):
        return row.left_out
    if row.agent_id in held:
        return "event"
    if days and sum(days) < award.min_days * len(months):
        return "part_month"
    if award.min_n and award.metric != SCORE and not row.n >= award.min_n:
        return "small"
    return None


def _ranked(rows: pd.DataFrame, truths: np.ndarray, award: Award) -> pd.DataFrame:
    """The candidates with place, result and the interval of what lies behind."""
    may = rows["why"].isna().to_numpy(bool)
    tail = (1 - LIKELY) / 2
    low, high = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
    if may.any():
        edges = np.sort(np.abs(np.quantile(truths[:, may], [tail, 1 - tail], axis=0)), axis=0)
        low[may], high[may] = edges
    place = rows["better"].where(may).rank(method="min", ascending=False)
    result = np.where(may, BEHIND, OUT).astype(object)
    if may.any():
        result[may] = _told_apart(truths[:, may], award.top)
    ranked = rows.assign(place=place, low=low, high=high, result=result)
    shown = pd.Series(result, rows.index).map({name: at for at, name in enumerate(RESULTS)})
    order = ranked.assign(shown=shown, at=place.where(shown != RESULTS.index(TIED)))
    return order.sort_values(["shown", "at", "agent_id"], kind="stable").drop(columns=["shown", "at"])


def _told_apart(truths: np.ndarray, top: int) -> np.ndarray:
    """The result of each candidate, of whom `top` may win: sure of it, level with others for it, or clearly behind."""
    better = np.stack([(truths[:, [at]] > truths).mean(axis=0) >= LIKELY for at in range(truths.shape[1])])
    sure = (~better).sum(axis=1) <= top  # nobody else, or few enough, may be as good
    level = better.sum(axis=0) < top
    return np.where(sure, WINNER, np.where(level, TIED, BEHIND))
