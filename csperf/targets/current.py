"""What a shop's present targets are worth: who would have met them, who is expected to, and what would fit better."""

from __future__ import annotations

import math

import pandas as pd

from ..catalogue import entry
from . import Proposal, past_attainment
from .model import Model
from .settings import TargetSettings
from .words import attainability

COLUMNS = [
    *("metric", "role", "level", "target", "weight", "attainment", "expected_agents", "team", "past_low", "past_high"),
    *("months", "best", "verdict", "proposed", "said"),
]


def judge(
    current: pd.DataFrame, months: pd.DataFrame, proposal: Proposal, settings: TargetSettings, lang: str
) -> pd.DataFrame:
    """Each present target beside what may be expected: COLUMNS, one row per row of `current`.

    `current`: role, level (null: all), metric, target, weight. attainment: expected share of the team; past_low and
    past_high: the worst and the best past month's share, best: the best value any agent had. verdict: too_high (fewer
    than one in ten), too_low (more than nine in ten), fits, or no_data, where nothing else is known.
    """
    rows = current.reindex(columns=["role", "level", "metric", "target", "weight"])
    past = past_attainment(months, rows)
    return pd.DataFrame(
        [_judged(row, past, proposal, settings, lang) for row in rows.to_dict("records")], columns=COLUMNS
    )


def _judged(row: dict, past: pd.DataFrame, proposal: Proposal, settings: TargetSettings, lang: str) -> dict:
    model = proposal.models.get((row["metric"], row["role"]))
    place = _place(model, row["level"])
    if model is None or place == -1:
        return row | {"verdict": "no_data"}
    coming, known = model.level_forecast(place), entry(row["metric"])
    share, team = coming.attainment(row["target"]), coming.draws.shape[1]
    seen = past[(past["metric"] == row["metric"]) & (past["role"] == row["role"]) & _same(past["level"], row["level"])]
    best = math.nan if seen.empty else seen["best"].max() if known.better == "higher" else seen["best"].min()
    proposed = _proposed(proposal.targets, row)
    said = attainability(
        row["target"], known.unit, team, share, months=len(seen), best=best, better=proposed, lang=lang
    )
    row |= {
        "attainment": share,
        "expected_agents": round(share * team),
        "team": team,
        "months": len(seen),
        "best": best,
    }
    row |= {"past_low": seen["share"].min(), "past_high": seen["share"].max()}
    return row | {"verdict": _verdict(share, settings), "proposed": proposed, "said": said}


def _verdict(share: float, settings: TargetSettings) -> str:
    if share < settings.too_hard:
        return "too_high"
    return "too_low" if share > settings.too_easy else "fits"


def _place(model: Model | None, level: str | None) -> int | None:
    """Where the level stands among the model's; null for the whole role, -1 for a level nobody has."""
    if model is None or pd.isna(level):
        return None
    if level in model.panel.levels:
        return model.panel.levels.index(level)
    return None if model.panel.levels == (None,) else -1


def _same(levels: pd.Series, level: str | None) -> pd.Series:
    return levels.isna() if pd.isna(level) else levels == level


def _proposed(targets: pd.DataFrame, row: dict) -> float:
    """The proposed value for the same metric, role and level; the whole role's where the level has none."""
    rows = targets[(targets["metric"] == row["metric"]) & (targets["role"] == row["role"])]
    own = rows[_same(rows["level"], row["level"])]
    found = own if len(own) else rows[rows["level"].isna()]
    return float(found["target"].iloc[0]) if len(found) else math.nan
