"""Weights as people write them: whole steps, none too small or too large, together 100."""

from __future__ import annotations

import math

import numpy as np

Array = np.ndarray


def rounded(weights: Array, *, step: int = 5, least: int = 5, most: int = 40) -> Array:
    """Whole multiples of `step` that sum to 100, by largest remainders; `weights`: of any sum, all kept.

    None below `least` or above `most` points; where so few metrics could not reach 100, `most` gives way.
    """
    units, count = 100 // step, len(weights)
    low, high = least // step, max(most // step, math.ceil(units / count))
    wanted = _within(np.asarray(weights, float), units, low, high)
    given = np.floor(wanted + 1e-9)
    rest = np.where(given < high, wanted - given, -1.0)
    for place in np.argsort(-rest, kind="stable")[: round(units - given.sum())]:
        given[place] += 1
    return given * step


def _within(weights: Array, units: int, low: int, high: int) -> Array:
    """The weights scaled so that they sum to `units` once each is held between `low` and `high`."""
    weights = np.maximum(weights, 1e-12)
    small, large = 0.0, high / weights.min()
    for _halving in range(200):
        scale = (small + large) / 2
        if np.clip(scale * weights, low, high).sum() < units:
            small = scale
        else:
            large = scale
    return np.clip(large * weights, low, high)
