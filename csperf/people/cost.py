"""What the bonuses of a month cost: expected, at worst, at best before publishing; what past months would have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..scorecard.card import coefficient
from ..scorecard.settings import ScoreSettings
from .pay import in_fen, pay
from .settings import PaySettings
from .steps import Step

CASES = ("expected", "low", "high", "most")


def cost(
    scores: pd.DataFrame, settings: PaySettings, scored: ScoreSettings, *, steps: Sequence[Step] = ()
) -> pd.DataFrame:
    """What the bonuses of a whole month cost: case, uncapped_fen, bonus_fen, budget_fen, people.

    expected: by the scores as they are; low, high: everybody at the lower or upper end of their range at once, the
    worst and the best month there may be; most: everybody at the highest coefficient.
    """
    cases = {"expected": scores} | {
        name: _moved(scores, scores[f"score_{name}"] - scores["score"], scored) for name in ("low", "high")
    }
    cases["most"] = _moved(scores, pd.Series(np.inf, scores.index), scored)
    budget = None if settings.budget_yuan is None else in_fen(settings.budget_yuan)
    found = {name: pay(rows, settings, steps=steps) for name, rows in cases.items()}
    return pd.DataFrame(
        {
            "case": name,
            "uncapped_fen": rows["uncapped_fen"].sum(min_count=1),
            "bonus_fen": rows["bonus_fen"].sum(min_count=1),
            "budget_fen": budget,
            "people": len(rows),
        }
        for name, rows in found.items()
    )


def past_cost(
    scores: pd.DataFrame, settings: PaySettings, *, values: pd.DataFrame | None = None, steps: Sequence[Step] = ()
) -> pd.DataFrame:
    """What past months would have cost by today's targets, weights, bonuses and commissions: month, people,
    uncapped_fen, bonus_fen, commission_fen (of the sales known, null without any), over (whether the budget would
    have cut the bonuses). `values`: see pay."""
    rows = []
    for month, own in scores.groupby("month"):
        paid = pay(own, settings, values=values, steps=steps)
        sums = {name: paid[name].sum(min_count=1) for name in ("uncapped_fen", "bonus_fen", "commission_fen")}
        rows.append(
            {"month": month, "people": len(paid), **sums, "over": paid["uncapped_fen"].sum() > paid["bonus_fen"].sum()}
        )
    return pd.DataFrame(rows)


def _moved(scores: pd.DataFrame, by: pd.Series, scored: ScoreSettings) -> pd.DataFrame:
    """The scores with those that pay goes by moved; who has none stays as they are."""
    paid = (scores["pay_score"] + by.fillna(0)).clip(0, scored.stretch_points)
    return scores.assign(pay_score=paid, coefficient=[coefficient(score, scored) for score in paid])
