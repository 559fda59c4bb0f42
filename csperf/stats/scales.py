"""The scales on which agents are compared: there chance is about as wide for good and bad as for the average.

Arrays are of any one shape; `case_cv2` is the CV² of a single case and matters to means of times and values only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from .kinds import Count, Kind, Positive

Array = np.ndarray


class Scale(Protocol):
    """How values become comparable and come back."""

    def placed(self, value: Array, n: Array, case_cv2: float) -> tuple[Array, Array]:
        """The values on the scale and their sampling variances; NaN where n is 0 or the value is missing."""
        ...

    def natural(self, x: Array, n: Array, case_cv2: float) -> Array:
        """What n cases would show at that place of the scale, in the metric's unit."""
        ...


@dataclass(frozen=True)
class Arcsine:
    """Rates: Anscombe's arcsine of the square root (1948), with variance 1 / (4n + 2) whatever the rate."""

    def placed(self, value: Array, n: Array, case_cv2: float = 0.0) -> tuple[Array, Array]:
        cases = np.where(n > 0, n, np.nan)
        share = np.clip((value * cases + 0.375) / (cases + 0.75), 0, 1)
        return np.arcsin(np.sqrt(share)), np.where(np.isfinite(value), 1 / (4 * cases + 2), np.nan)

    def natural(self, x: Array, n: Array, case_cv2: float = 0.0) -> Array:
        cases = np.where(n > 0, n, np.nan)
        share = np.sin(np.clip(x, 0, np.pi / 2)) ** 2
        return np.clip((share * (cases + 0.75) - 0.375) / cases, 0, 1)


@dataclass(frozen=True)
class LogCount:
    """Counts per exposure: log, half an event added so that none is a number too; Poisson at the pooled rate."""

    def placed(self, value: Array, n: Array, case_cv2: float = 0.0) -> tuple[Array, Array]:
        exposure = np.where((n > 0) & np.isfinite(value), n, np.nan)
        pooled = np.nansum(value * exposure) / np.nansum(exposure) if np.isfinite(exposure).any() else np.nan
        return np.log(value + 0.5 / exposure), 1 / (pooled * exposure + 0.5)

    def natural(self, x: Array, n: Array, case_cv2: float = 0.0) -> Array:
        return np.maximum(np.exp(x) - 0.5 / np.where(n > 0, n, np.nan), 0)


@dataclass(frozen=True)
class LogMean:
    """Means of times and values: log."""

    def placed(self, value: Array, n: Array, case_cv2: float = 0.0) -> tuple[Array, Array]:
        return Positive().observed(value, n, np.asarray(case_cv2))

    def natural(self, x: Array, n: Array, case_cv2: float = 0.0) -> Array:
        chance = np.log1p(case_cv2 / np.where(n > 0, n, np.nan))
        return np.exp(x - chance / 2)


def scale(kind: Kind) -> Scale:
    """The scale of a kind."""
    if isinstance(kind, Positive):
        return LogMean()
    return LogCount() if isinstance(kind, Count) else Arcsine()
