"""Why a target is this number and no other, in one sentence that a supervisor reads."""

from __future__ import annotations

import math

import pandas as pd

from ..catalogue import entry
from ..text import say, ui_language
from ..text.numbers import difference, quantity
from .industry import not_used
from .model import Panel
from .rule import Decision


def sentence(
    decision: Decision | None,
    panel: Panel | None,
    kept: pd.DataFrame | None,
    *,
    aim: float = math.nan,
    aside: str = "",
) -> str:
    """The steps of `decision` as words, then `aside`; without one, what a reference value is worth."""
    lang = ui_language()
    if decision is None or panel is None or kept is None:
        return say("targets.reason_no_data" if math.isnan(aim) else "targets.reason_reference", lang)
    unit = panel.entry.unit
    steps = {step.name: step.value for step in decision.steps}
    slots = {"months": kept["month"].nunique(), "shop": quantity(steps["shop"], unit, lang)}
    said = [say("targets.why_shop", lang, **slots)]
    before = steps["shop"]
    for name in ("industry", "attainable", "improvement", "level_above"):
        if name in steps:
            moved = difference(abs(steps[name] - before), unit, lang).lstrip("+")
            said.append(say(f"targets.why_{name}", lang, moved=moved, to=quantity(steps[name], unit, lang)))
            before = steps[name]
    said.append(say("targets.why_rounded", lang, target=quantity(decision.target, unit, lang)))
    return say("targets.why_joined", lang).join(said) + say("targets.why_end", lang) + aside


def aside(industry: pd.DataFrame, metric: str) -> str:
    """That the peers' mean stands beside the target and had no say in it, and why; empty where it had."""
    value, why = not_used(industry, metric)
    return say(f"targets.aside_{why}", value=quantity(value, entry(metric).unit, ui_language())) if why else ""
