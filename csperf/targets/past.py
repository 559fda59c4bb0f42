"""Last month's targets beside what came of them: how many people were expected to meet each, and how many did."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from ..catalogue import entry
from ..text import say, ui_language
from ..text.numbers import DECIMALS, PERCENT
from .months import agent_months
from .order import meets
from .settings import TargetSettings

COLUMNS = [
    *("month", "id", "metric", "role", "level", "target", "agents"),
    *("expected", "low", "high", "met", "inside", "said"),
]


def review_past(
    published: pd.DataFrame,
    values: pd.DataFrame,
    *,
    roster: pd.DataFrame | None = None,
    settings: TargetSettings | None = None,
    lang: str | None = None,
) -> pd.DataFrame:
    """One row per published target with values: COLUMNS, people as whole numbers.

    `published`: of register.published; `values`: the month's, of agents (CONTRACT 4). agents: who has enough cases and
    is no newcomer; the prediction is scaled to them. A value counts as it is shown, what equals the target meets it
    (PRACTICE 5). expected, low, high, inside are null, and said is empty, where nothing was predicted for the value.
    """
    months = agent_months(values, roster=roster, settings=settings)
    kept, lang = months[months["left_out"].isna()], lang or ui_language()
    rows = []
    for target in published.to_dict("records"):
        own = kept[(kept["metric"] == target["metric"]) & (kept["role"] == target["role"])]
        if not pd.isna(target["level"]) and target["level"]:
            own = own[own["level"] == target["level"]]
        for month, group in own.groupby("month"):
            rows.append(_row(target, str(month), group, lang))
    return pd.DataFrame(rows, columns=COLUMNS).sort_values("month", kind="stable", ignore_index=True)


def _row(target: dict, month: str, group: pd.DataFrame, lang: str) -> dict:
    known = entry(target["metric"])
    shown = as_shown(group["value"], known.unit)
    met, agents = (
        int(meets(shown, as_shown(pd.Series([target["target"]]), known.unit)[0], known.better).sum()),
        len(group),
    )
    names = ("id", "metric", "role", "level", "target")
    row = {name: target.get(name) for name in names} | {"month": month, "agents": agents, "met": met}
    if any(pd.isna(target.get(name)) for name in ("attainment", "attainment_low", "attainment_high")):
        return row | {"expected": None, "low": None, "high": None, "inside": None, "said": ""}
    low = math.floor(target["attainment_low"] * agents + 1e-9)
    high = math.ceil(target["attainment_high"] * agents - 1e-9)
    expected = round(target["attainment"] * agents)
    found = {"expected": expected, "low": low, "high": high, "inside": low <= met <= high}
    return row | found | {"said": said(low, high, met, lang)}


def said(low: int, high: int, met: int, lang: str) -> str:
    """The sentence that compares a prediction with what came."""
    slots: dict[str, object] = {"low": low, "high": high, "met": met}
    if low <= met <= high:
        return say("sentences.range_over_inside", lang, **slots)
    direction = say("sentences.direction_more" if met > high else "sentences.direction_fewer", lang)
    slots |= {"direction": direction, "causes": say("sentences.causes_all", lang)}
    return say("sentences.range_over_outside", lang, **slots)


def as_shown(values: pd.Series, unit: str) -> np.ndarray:
    """Values rounded to the digits that people read."""
    digits = DECIMALS[unit] + (2 if unit in PERCENT else 0)
    return np.round(values.to_numpy(float), digits)
