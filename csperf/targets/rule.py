"""The rule that combines the sources into base, target and stretch, each step kept so that it can be said (METHOD 1.6).

Everything is reckoned so that more is better: values of lower-is-better metrics carry a minus until they leave.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ..stats.forecast import Forecast
from .industry import without_luck
from .model import Model
from .order import round_easier
from .settings import TargetSettings

VALUES = ("base", "target", "stretch")
SIX_MONTHS = 6
IMPROVERS = 0.80  # the share of own six-month changes below the most that a target may ask for
AGENT_SPREADS = 2.0  # and where there is no such history: standard deviations between agents


@dataclass(frozen=True)
class Step:
    """One step of the rule: shop, industry, attainable, improvement or rounded, and the target after it."""

    name: str
    value: float


@dataclass(frozen=True)
class Decision:
    """The three values of a metric x role x level, in its unit, and the steps that led to the target."""

    base: float
    target: float
    stretch: float
    steps: tuple[Step, ...]

    @property
    def bound_by(self) -> str:
        """The last step that moved the target before rounding."""
        return self.steps[-2].name

    def no_harder_than(self, other: Decision, sign: float) -> Decision:
        """This decision, with every value that is harder than the other's replaced by it."""
        easier = {name: sign * min(sign * getattr(self, name), sign * getattr(other, name)) for name in VALUES}
        if easier["target"] == self.target:
            return replace(self, **easier)
        return replace(
            self, **easier, steps=(*self.steps[:-1], Step("level_above", other.target), Step("rounded", other.target))
        )


def decide(model: Model, place: int | None, industry: dict[str, float], settings: TargetSettings) -> Decision:
    """Base, target and stretch of one level (null: the whole role).

    `industry`: usable values by cell (NaN: none). The platform's floor is no step: it is the shop's, never an agent's.
    """
    known, coming = model.panel.entry, model.level_forecast(place)
    sign = 1.0 if model.panel.higher else -1.0
    steps = list(_target(model, place, coming, industry, settings))
    target = _bounded(round_easier(steps[-1].value, known.step, known.better), model)
    steps.append(Step("rounded", target))
    base = round_easier(coming.value_met_by(settings.base), known.step, known.better)
    base = sign * min(sign * base, sign * target - known.step)
    stretch = round_easier(_stretch(coming, industry, sign, settings), known.step, known.better)
    stretch = sign * max(sign * stretch, sign * target + known.step)
    return Decision(_bounded(base, model), target, _bounded(stretch, model), tuple(steps))


def _target(model: Model, place: int | None, coming: Forecast, industry: dict[str, float], settings: TargetSettings):
    """The steps up to the rounding: each only where it moves the target."""
    sign = 1.0 if model.panel.higher else -1.0
    target = sign * coming.value_met_by(settings.goal)
    yield Step("shop", sign * target)
    peers = sign * _peers(industry)
    if peers > target:
        target += settings.kappa * (peers - target)
        yield Step("industry", sign * target)
    hardest = sign * coming.value_met_by(settings.hardest_target)
    if hardest < target:
        target = hardest
        yield Step("attainable", sign * target)
    reachable = sign * model.level_mean(place) + max(improvement(model), model.panel.entry.step)
    if reachable < target:
        yield Step("improvement", sign * reachable)


def improvement(model: Model) -> float:
    """How far an agent may be asked to move, in the metric's unit: what four in five did not exceed in six months.

    Without so many months: two standard deviations between agents.
    """
    panel, scaled = model.panel, model.noise.agents.mean()
    sign = 1.0 if panel.higher else -1.0
    change = sign * (panel.value[:, SIX_MONTHS:] - panel.value[:, :-SIX_MONTHS])
    seen = change[np.isfinite(change)]
    if len(seen):
        return float(np.quantile(seen, IMPROVERS))
    natural = panel.kind.natural
    apart = AGENT_SPREADS * math.sqrt(float(model.noise.between))
    return abs(float(natural(scaled + sign * apart) - natural(scaled)))


def _peers(industry: dict[str, float]) -> float:
    """The same-tier mean; the whole category's where the backend shows no tier; NaN without either."""
    return industry["tier_mean"] if not math.isnan(industry["tier_mean"]) else industry["mean"]


def _stretch(coming: Forecast, industry: dict[str, float], sign: float, settings: TargetSettings) -> float:
    """What a fifth of the agents are expected to meet, or the peers' mean; never beyond one in twenty or the best."""
    own = sign * coming.value_met_by(settings.stretch)
    best = sign * without_luck(industry["mean"], industry["top10_mean"])
    raised = np.fmax(own, sign * _peers(industry))
    return sign * float(np.fmin(np.fmin(raised, sign * coming.value_met_by(settings.hardest_stretch)), best))


def _bounded(value: float, model: Model) -> float:
    low, high = model.panel.entry.bounds or (None, None)
    return float(np.round(np.clip(value, low, high), 10))
