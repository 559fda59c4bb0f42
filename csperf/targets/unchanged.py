"""No ratchet (PRACTICE 8): a target that the data cannot tell from the one in force stays the one in force."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from ..catalogue import entry
from ..text import say, ui_language
from ..text.numbers import quantity
from . import COLUMNS, Proposal, graded
from .settings import TargetSettings

VALUES = ("base", "target", "stretch")


def within(proposed: float | None, current: float | None, half_width: float | None) -> bool:
    """Whether a new value differs from the one in force by no more than its own half-width (null: 0)."""
    if proposed is None or current is None:
        return False
    return abs(proposed - current) <= (half_width or 0.0) + 1e-9


def words(metric: str, proposed: float | None, current: float | None) -> str:
    """维持不变 in a sentence."""
    lang, unit = ui_language(), entry(metric).unit
    slots = {"proposed": quantity(proposed, unit, lang), "current": quantity(current, unit, lang)}
    return say("sentences.unchanged", lang, **slots)


def held(proposal: Proposal, in_force: pd.DataFrame, settings: TargetSettings) -> Proposal:
    """The proposal, with the value in force wherever the new one lies within its half-width of it.

    `in_force`: register.published of the month to come; only what stands under the proposal's counting rules is
    compared. Such a row bears the base and stretch in force, its expected people anew, the sentence as its reason,
    bound_by "in_force", and the grade publish: it holds already.
    """
    same = in_force[in_force["definitions"] == proposal.definitions] if len(in_force) else in_force
    current = {_key(row): row for row in same.to_dict("records")}
    rows = [_row(row, current.get(_key(row)), proposal, settings) for row in proposal.targets.to_dict("records")]
    return replace(proposal, targets=pd.DataFrame(rows, columns=COLUMNS).astype(proposal.targets.dtypes))


def _key(row: dict[str, Any]) -> tuple[str, str, str]:
    return row["metric"], row["role"], "" if pd.isna(row["level"]) else row["level"]


def _row(row: dict, current: dict | None, proposal: Proposal, settings: TargetSettings) -> dict:
    """One row, as it is or at the value in force."""
    model = proposal.models.get((row["metric"], row["role"]))
    width = 0.0 if pd.isna(row["half_width"]) else row["half_width"]
    if current is None or model is None or not within(row["target"], current["target"], width):
        return row
    values = {name: current[name] for name in VALUES if pd.notna(current[name])}
    expected = model.expected(model.panel.place(row["level"]), current["target"])
    kept = graded(row | values | expected, model, settings)
    said = words(row["metric"], row["target"], current["target"])
    return kept | {"grade": "publish", "bound_by": "in_force", "reason": said}
