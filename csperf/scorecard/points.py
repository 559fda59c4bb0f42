"""Points of a value: straight lines through base, target and stretch, or steps, or the share of the target reached.

Everything is turned so that more is better before it is compared; values and targets are those that people read.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..catalogue import entry
from ..text.numbers import DECIMALS, PERCENT
from .settings import ScoreSettings

Array = np.ndarray
THOUSAND = 1000  # from here on figures are shown whole
STRAIGHT_ON = 1.5  # gaps from base to target: the 60 points below base at the slope of the 40 above it
TENTH = 0.10
NOISE = 1e-9


@dataclass(frozen=True)
class Aims:
    """base, target and stretch of one metric as they are shown, [rows]; NaN base or stretch where there is none."""

    metric: str
    base: Array
    target: Array
    stretch: Array

    @classmethod
    def shown(cls, metric: str, base: Array, target: Array, stretch: Array) -> Aims:
        """Aims rounded to the digits that people read, halves to the easier side."""
        return cls(metric, *(as_shown(metric, value, favour=-1) for value in (base, target, stretch)))

    @property
    def sign(self) -> int:
        """1 where more is better, -1 where less is."""
        return 1 if entry(self.metric).better == "higher" else -1

    def nothing(self, margin: float) -> Array:
        """Where the points are used up: `margin` below base for shares (METHOD: 10 points), for all else a tenth of it.

        Not steeper than between base and target, and never beyond what the metric can be.
        """
        reach = np.where(_is_share(self.metric), margin, _straight_on(self))
        low, high = entry(self.metric).bounds
        return np.clip(self.base - self.sign * reach, low, np.inf if high is None else high)

    def points(self, value: Array, settings: ScoreSettings) -> Array:
        """Points of values [..., rows] by the rule of the settings; NaN where the value is."""
        return RULES[settings.rule](self, np.asarray(value, float), settings)


def as_shown(metric: str, value: Array, favour: int = 1) -> Array:
    """Values rounded to the digits that people read; halves go the agent's way (`favour` -1: of targets)."""
    known, value = entry(metric), np.asarray(value, float)
    better = favour * (1 if known.better == "higher" else -1)
    digits = DECIMALS[known.unit] + (2 if known.unit in PERCENT else 0)
    scale = np.where((np.abs(value) >= THOUSAND) & (known.unit not in PERCENT), 1.0, 10.0**digits)
    steps = value * scale
    rounded = np.floor(steps + 0.5 + NOISE) if better > 0 else np.ceil(steps - 0.5 - NOISE)
    return np.round(rounded / scale, digits)


def _is_share(metric: str) -> bool:
    return entry(metric).unit in PERCENT


def _straight_on(aims: Aims) -> Array:
    return np.maximum(STRAIGHT_ON * np.abs(aims.target - aims.base), TENTH * np.abs(aims.base))


def _linear(aims: Aims, value: Array, settings: ScoreSettings) -> Array:
    sign = aims.sign
    x, zero = sign * value, sign * aims.nothing(settings.margin)
    base, target, stretch = sign * aims.base, sign * aims.target, sign * aims.stretch
    below = settings.base_points * _part(x, zero, base)
    between = settings.base_points + (settings.target_points - settings.base_points) * _part(x, base, target)
    above = settings.target_points + (settings.stretch_points - settings.target_points) * _part(x, target, stretch)
    above = np.where(np.isnan(stretch), settings.target_points, above)
    found = np.where(x >= target - NOISE, above, np.where(x >= base - NOISE, between, below))
    return np.where(np.isnan(x), np.nan, np.clip(found, 0, settings.stretch_points))


def _part(x: Array, low: Array, high: Array) -> Array:
    """How far x is from low to high; 0 where they are one."""
    apart = high - low
    return (x - low) / np.where(apart > 0, apart, np.inf)


def _step(aims: Aims, value: Array, settings: ScoreSettings) -> Array:
    steps = ((aims.base, settings.base_points), (aims.target, settings.target_points))
    found = np.zeros(np.broadcast_shapes(value.shape, aims.target.shape))
    for line, worth in (*steps, (aims.stretch, settings.stretch_points)):
        found = np.where(aims.sign * (value - line) >= -NOISE, worth, found)
    return np.where(np.isnan(value), np.nan, found)


def _attainment(aims: Aims, value: Array, settings: ScoreSettings) -> Array:
    """The share of the target reached: what the 2010 table leaves open (pass is all, then in proportion)."""
    above, below = (value, aims.target) if aims.sign > 0 else (aims.target, value)
    share = np.where(below > 0, above / np.where(below > 0, below, 1.0), 1.0)
    return np.where(np.isnan(value), np.nan, np.clip(settings.target_points * share, 0, settings.target_points))


RULES = {"linear": _linear, "step": _step, "attainment": _attainment}
