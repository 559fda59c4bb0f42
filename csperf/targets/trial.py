"""A target on trial: who tries it, what the trial could show, and whether it proved too high or too low (METHOD 6)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd

from ..errors import CsperfError, Problem
from ..stats import trial as arrays
from ..stats.forecast import Forecast, forecast
from ..stats.kinds import Positive
from ..text import say, ui_language
from ..text.numbers import difference, quantity
from .model import Model, panel
from .months import used
from .order import round_easier
from .settings import TargetSettings

PILOTS, MONTHS = 8, 2  # fewer show nothing but "no sign of trouble" (METHOD 6, simulated)
BEFORE = 3  # months that agents are compared with


@dataclass(frozen=True)
class Plan:
    """Who tries a target of `model`, for how many months, beside whom.

    detectable: the smallest effect that the trial finds with 80 % power, in the metric's unit; null where everybody
    tries it and nobody is left to compare with. apart: what lies between target and stretch.
    """

    model: Model
    level: str | None
    target: float
    apart: float
    pilots: tuple[str, ...]
    others: tuple[str, ...]
    months: int
    detectable: float | None

    @property
    def enough(self) -> bool:
        """Whether so many pilots and months can show a target too high or too low."""
        return len(self.pilots) >= PILOTS and self.months >= MONTHS

    @property
    def underpowered(self) -> bool:
        """Whether an effect as large as the step from target to stretch could be missed."""
        return not self.enough or (self.detectable is not None and self.detectable > self.apart)

    def said(self, lang: str | None = None) -> str:
        """What is printed before the trial begins."""
        lang = lang or ui_language()
        slots: dict[str, object] = {"pilots": len(self.pilots), "months": self.months, "others": len(self.others)}
        slots["names"] = say("review.comma", lang).join(self.pilots)
        parts = [say("review.plan_pilots" if self.others else "review.plan_everyone", lang, **slots)]
        if self.detectable is not None:
            parts.append(say("review.plan_power", lang, detectable=_gap(self.detectable, self.model, lang)))
        if not self.enough:
            parts.append(say("review.plan_few", lang, enough_pilots=PILOTS, enough_months=MONTHS))
        return say("review.between_sentences", lang).join(parts)


def plan_trial(
    model: Model,
    target: float,
    stretch: float,
    *,
    level: str | None = None,
    pilots: int = PILOTS,
    months: int = MONTHS,
    seed: int = 1,
) -> Plan:
    """The trial of one target: pilots drawn at random from the team, spread over its levels; the same seed, the same.

    `level`: only its agents take part. CsperfError where there are fewer agents than pilots.
    """
    found = model.panel
    member = _members(model, level)
    names = np.array(found.agents)[member]
    if not 0 < pilots <= len(names) or months < 1:
        said = say("review.no_such_trial", pilots=pilots, months=months, agents=len(names))
        raise CsperfError(Problem(found.metric, said))
    rng = np.random.default_rng([seed, *found.metric.encode()])
    chosen = arrays.assign(found.level[member].tolist(), pilots, rng)
    return plan_with(model, target, stretch, names[chosen].tolist(), level=level, months=months)


def plan_with(
    model: Model, target: float, stretch: float, pilots: list[str], *, level: str | None, months: int
) -> Plan:
    """The trial of one target by these pilots; the others are the rest of the team, or of its level."""
    found, member = model.panel, _members(model, level)
    others = tuple(str(name) for name in np.array(found.agents)[member] if name not in pilots)
    agents, seen = len(pilots) + len(others), None
    if others and agents > arrays.FITTED:
        before = min(BEFORE, len(found.months))
        on_scale = arrays.detectable(_month_variance(model, member), len(pilots), agents, before, months)
        seen = target * math.expm1(on_scale) if isinstance(found.kind, Positive) else on_scale
    return Plan(model, level, target, abs(stretch - target), tuple(pilots), others, months, seen)


def _members(model: Model, level: str | None) -> np.ndarray:
    """Who of the panel is in the team, and of the level where one is named that the role is split by."""
    found = model.panel
    if level is None or level not in found.levels:
        return found.team
    return found.team & (found.level == found.levels.index(level))


def _month_variance(model: Model, member: np.ndarray) -> float:
    """Variance of an agent's month around the agent's mean, on the kind's scale: wobble and mean chance."""
    found = model.panel
    _, chance = found.kind.observed(found.value, found.n, np.asarray(found.case_cv2))
    return float(model.noise.wobble) + float(np.nanmean(chance[member]))


# Afterwards -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """What a trial showed: how many pilots met the target over all its months, and how many were expected to.

    no_sign: inside the range of four trials in five; too_high, too_low: outside of it; underpowered: the trial was too
    small to say. better: the value to try next, where there is one. effect: what being a pilot changed, on the kind's
    scale (log for times and values); null where nobody was left to compare with.
    """

    code: Literal["no_sign", "too_high", "too_low", "underpowered"]
    plan: Plan
    pilots: int
    met: int
    low: int
    high: int
    better: float | None
    effect: arrays.Effect | None

    @property
    def outside(self) -> bool:
        """Whether fewer or more met it than the range says."""
        return not self.low <= self.met <= self.high

    def said(self, lang: str | None = None) -> str:
        """The verdict as the page says it."""
        lang, plan = lang or ui_language(), self.plan
        slots: dict[str, object] = {
            "pilots": self.pilots,
            "months": plan.months,
            "met": self.met,
            "low": self.low,
            "high": self.high,
        }
        if self.code != "underpowered":
            slots["better"] = quantity(self.better, plan.model.panel.entry.unit, lang)
            return say(f"sentences.trial_{self.code}", lang, **slots)
        if plan.detectable is None:
            parts = [say("review.trial_few", lang, **slots)]
        else:
            slots["detectable"] = _gap(plan.detectable, plan.model, lang)
            parts = [say("sentences.trial_underpowered", lang, **slots)]
        if self.outside:
            parts.append(say("review.trial_outside", lang, **slots))
        return say("review.between_sentences", lang).join(parts)

    def effect_said(self, lang: str | None = None) -> str:
        """How pilots changed compared with the others, in words; times and values in percent."""
        lang, found = lang or ui_language(), self.plan.model.panel
        if self.effect is None:
            return say("review.no_effect", lang)
        numbers = {name: getattr(self.effect, name) for name in ("value", "low", "high", "did")}
        if isinstance(found.kind, Positive):
            words = {name: f"{100 * math.expm1(size):+.1f}%" for name, size in numbers.items()}
        else:
            words = {name: difference(size, found.entry.unit, lang) for name, size in numbers.items()}
        return say("review.effect", lang, **words)


def verdict(plan: Plan, trial: pd.DataFrame, settings: TargetSettings | None = None) -> Verdict:
    """What the months of the trial say of the target; `trial` are their rows of `months.agent_months`.

    Pilots are judged on all months of the trial together. CsperfError where no pilot has a usable value.
    """
    settings = settings or TargetSettings()
    found = plan.model.panel
    rows = used(trial, found.metric, found.role, None)
    if not rows["agent_id"].isin({*plan.pilots} & {*found.agents}).any():
        raise CsperfError(Problem(found.metric, say("review.trial_no_values", names=", ".join(plan.pilots))))
    after = panel(rows, settings)
    names = [name for name in plan.pilots if name in after.agents and name in found.agents]
    at = [after.agents.index(name) for name in names]
    value, cases = _together(after.value[at], after.n[at])
    months = int(np.isfinite(after.value[at]).any(axis=0).sum())
    plan = replace(plan, months=months)
    expected = _over_months(plan.model, names, cases, months, settings)
    low, high = expected.range(plan.target)
    met = int(Forecast(value[None, :], found.higher).met(plan.target)[0])
    code = _code(replace(plan, pilots=tuple(names)), met, low, high)
    better = _better(plan, expected, value, code, settings)
    return Verdict(code, plan, len(names), met, low, high, better, _effect(plan, rows, settings))


def _together(value: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each agent's value over all months, each month by its cases, and the cases."""
    seen = np.isfinite(value)
    cases = np.where(seen, n, 0.0).sum(axis=1)
    return np.where(seen, value * n, 0.0).sum(axis=1) / np.where(cases > 0, cases, np.nan), cases


def _over_months(model: Model, names: list[str], cases: np.ndarray, months: int, settings: TargetSettings) -> Forecast:
    """What the pilots would show over several months together, seen from before the trial.

    Wobble and the months' shared shocks average out over the months; the doubt of the level they start from does not.
    """
    noise, seen = model.noise, float(model.noise.seen_months)
    at = [model.panel.agents.index(name) for name in names]
    shared = noise.shared * (1 / months + 1 / seen) / (1 + 1 / seen)
    longer = replace(
        noise, agents=noise.agents[at], errors=noise.errors[at], wobble=noise.wobble / months, shared=shared
    )
    rng = np.random.default_rng([settings.seed, months, *model.panel.metric.encode()])
    found = model.panel
    return forecast(longer, found.kind, cases, higher=found.higher, rng=rng, case_cv2=found.case_cv2)


def _code(plan: Plan, met: int, low: int, high: int) -> Literal["no_sign", "too_high", "too_low", "underpowered"]:
    if not plan.enough:
        return "underpowered"
    if met < low:
        return "too_high"
    if met > high:
        return "too_low"
    return "underpowered" if plan.underpowered else "no_sign"


def _better(plan: Plan, expected: Forecast, value: np.ndarray, code: str, settings: TargetSettings) -> float | None:
    """The value to try next: what the goal's share would meet, moved by as much as the pilots differed from it."""
    if code not in ("too_high", "too_low"):
        return None
    known = plan.model.panel.entry
    missed = float(np.nanmean(value) - expected.draws.mean())
    aim = round_easier(expected.value_met_by(settings.goal) + missed, known.step, known.better)
    harder = known.step if (code == "too_low") == (known.better == "higher") else -known.step
    aim = max(aim, plan.target + harder) if harder > 0 else min(aim, plan.target + harder)
    low, high = known.bounds or (None, None)
    return float(np.round(np.clip(aim, low, high), 10))


def _effect(plan: Plan, rows: pd.DataFrame, settings: TargetSettings) -> arrays.Effect | None:
    """Pilots against the others of the plan on means over months, adjusted for what they were before."""
    found, after = plan.model.panel, panel(rows, settings)
    names = [n for n in (*plan.pilots, *plan.others) if n in after.agents and n in found.agents]
    was, level = (field[[found.agents.index(n) for n in names]] for field in (found.value, found.level))
    cases = found.n[[found.agents.index(n) for n in names]][:, -BEFORE:]
    before, _ = _together(was[:, -BEFORE:], cases)
    at = [after.agents.index(n) for n in names]
    now, _ = _together(after.value[at], after.n[at])
    pilot = np.array([n in plan.pilots for n in names], bool)
    known = np.isfinite(before) & np.isfinite(now)
    if known.sum() <= arrays.FITTED or pilot[known].all() or not pilot[known].any():
        return None
    scale = np.log if isinstance(found.kind, Positive) else np.asarray
    return arrays.ancova(scale(before[known]), scale(now[known]), pilot[known], level[known].tolist())


def _gap(size: float, model: Model, lang: str) -> str:
    """A distance in words: 3.7个点, 4.0秒."""
    return difference(size, model.panel.entry.unit, lang).removeprefix("+")
