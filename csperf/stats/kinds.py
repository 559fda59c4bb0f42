"""What a metric's kind says of chance: the scale it varies on, its sampling variance, and how to draw it anew.

rate: binomial on the share itself. count: Poisson on the rate per exposure. time and value: on the log scale, where
agents and months multiply. Arrays are agents x months, with any number of axes before them (worlds, resamples).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

Array = np.ndarray
FLOOR_AT = 0.80 * 0.20
EDGE = 1e-4  # a share of 0 or 1 is drawn from a beta whose mean lies this far inside
LEAST_CV2 = 1e-6


class Kind(Protocol):
    """How one kind of metric varies."""

    @property
    def floor(self) -> float:
        """The least standard deviation of a month's shared shock, in the kind's own terms (see `least_shock`)."""
        ...

    def least_shock(self, scaled: Array) -> float:
        """The least standard deviation of a month's shared shock, on the scale, for metrics like `scaled`."""
        ...

    def reach(self, centre: Array) -> Array:
        """How far a month moves each agent, relative to the average agent of `centre` [..., agents]."""
        ...

    def observed(self, value: Array, n: Array, spread: Array | None) -> tuple[Array, Array]:
        """The values on the kind's scale and their sampling variances; NaN where n is 0 or the value is missing."""
        ...

    def drawn(self, centre: Array, variance: Array, n: Array, noise: Array, rng: np.random.Generator) -> Array:
        """Values as a month would show them, in the metric's own unit.

        `centre`: means on the scale; `variance`: of a true month around them; `noise`: CV² of a single case (time and
        value only); n: planned cases.
        """
        ...

    def natural(self, scaled: Array) -> Array:
        """Values of the scale in the metric's own unit."""
        ...

    def scale(self, value: Array) -> Array:
        """Values in the metric's own unit on the scale."""
        ...


@dataclass(frozen=True)
class Rate:
    """Successes out of n: beta-binomial. The month's floor is that of a share of .80; nearer to 0 or 1 it is less."""

    floor: float = 0.01

    def least_shock(self, scaled: Array) -> float:
        mean = float(np.clip(np.nanmean(scaled), EDGE, 1 - EDGE))
        return self.floor * min(mean * (1 - mean) / FLOOR_AT, 1.0)

    def reach(self, centre: Array) -> Array:
        return np.ones(np.shape(centre))

    def observed(self, value: Array, n: Array, spread: Array | None = None) -> tuple[Array, Array]:
        seen = (n > 0) & np.isfinite(value)
        cases = np.where(seen, n, 0.0)
        met = np.where(seen, value, 0.0) * cases
        pooled = np.clip(_total(met) / np.maximum(_total(cases), 1), EDGE, 1 - EDGE)
        return np.where(seen, value, np.nan), np.where(seen, pooled * (1 - pooled) / np.maximum(n, 1), np.nan)

    def drawn(self, centre: Array, variance: Array, n: Array, noise: Array, rng: np.random.Generator) -> Array:
        mean = np.clip(centre, EDGE, 1 - EDGE)
        most = mean * (1 - mean)
        size = most / np.clip(variance, 1e-12, 0.9 * most) - 1
        share = rng.beta(mean * size, (1 - mean) * size)
        cases = np.maximum(np.round(n), 1).astype(int)
        return rng.binomial(cases, share) / cases

    def natural(self, scaled: Array) -> Array:
        return np.clip(scaled, 0, 1)

    def scale(self, value: Array) -> Array:
        return value


@dataclass(frozen=True)
class Count:
    """Events in an exposure of n: gamma-Poisson. Months multiply; their floor is relative to the mean."""

    floor: float = 0.03

    def least_shock(self, scaled: Array) -> float:
        return self.floor * float(np.nanmean(scaled))

    def reach(self, centre: Array) -> Array:
        above = np.maximum(centre, 0.0)
        return above / np.maximum(above.mean(axis=-1, keepdims=True), 1e-300)

    def observed(self, value: Array, n: Array, spread: Array | None = None) -> tuple[Array, Array]:
        seen = (n > 0) & np.isfinite(value)
        exposure = np.where(seen, n, 0.0)
        events = _total(np.where(seen, value, 0.0) * exposure)
        pooled = np.maximum(events, 0.5) / np.maximum(_total(exposure), 1e-9)
        return np.where(seen, value, np.nan), np.where(seen, pooled / np.where(seen, n, 1), np.nan)

    def drawn(self, centre: Array, variance: Array, n: Array, noise: Array, rng: np.random.Generator) -> Array:
        mean = np.maximum(centre, 1e-9)
        rate = rng.gamma(mean**2 / np.maximum(variance, 1e-12 * mean**2), np.maximum(variance, 1e-12 * mean**2) / mean)
        return rng.poisson(rate * n) / n

    def natural(self, scaled: Array) -> Array:
        return np.maximum(scaled, 0)

    def scale(self, value: Array) -> Array:
        return value


@dataclass(frozen=True)
class Positive:
    """Means of times or values: normal on the log scale; `spread` is the CV² of a single case."""

    floor: float = 0.03

    def least_shock(self, scaled: Array) -> float:
        return self.floor

    def reach(self, centre: Array) -> Array:
        return np.ones(np.shape(centre))

    def observed(self, value: Array, n: Array, spread: Array | None = None) -> tuple[Array, Array]:
        seen = (n > 0) & np.isfinite(value) & (value > 0)
        cv2 = np.maximum(0.0 if spread is None else spread, LEAST_CV2)
        variance = np.where(seen, np.log1p(cv2 / np.where(seen, n, 1)), np.nan)
        # the log of a mean lies half its variance below the log of the truth
        return np.log(np.where(seen, value, 1)) + np.where(seen, 0, np.nan) + variance / 2, variance

    def drawn(self, centre: Array, variance: Array, n: Array, noise: Array, rng: np.random.Generator) -> Array:
        chance = np.log1p(noise / n)
        wobble = rng.standard_normal(np.broadcast_shapes(np.shape(centre), np.shape(variance), np.shape(n)))
        return np.exp(centre - chance / 2 + np.sqrt(variance + chance) * wobble)

    def natural(self, scaled: Array) -> Array:
        return np.exp(scaled)

    def scale(self, value: Array) -> Array:
        return np.log(value)


KINDS: dict[str, Kind] = {"rate": Rate(), "count": Count(), "time": Positive(), "value": Positive()}


def _total(cells: Array) -> Array:
    """Sums over agents and months, kept as axes of length 1."""
    return cells.sum(axis=(-2, -1), keepdims=True)
