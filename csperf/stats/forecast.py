"""What a team would show in a month to come: one set of draws answers every question about attainment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .kinds import Kind
from .noise import Noise

Array = np.ndarray
DRAWS = 2000
LIKELY = 0.80  # of the months to come lie inside the stated range


@dataclass(frozen=True)
class Forecast:
    """Draws of a coming month in the metric's unit, [draws, agents], one shared month shock to each draw.

    `higher`: whether more is better. Agents are those the forecast was asked for, in their order.
    """

    draws: Array
    higher: bool

    def met(self, target: float) -> Array:
        """How many agents meet the target, in each draw; what equals it up to float noise does."""
        slack = 1e-9 * max(abs(target), 1.0)
        meets = self.draws >= target - slack if self.higher else self.draws <= target + slack
        return meets.sum(axis=1)

    def attainment(self, target: float) -> float:
        """The expected share of agents who meet the target."""
        return float(self.met(target).mean() / self.draws.shape[1])

    def range(self, target: float, likely: float = LIKELY) -> tuple[int, int]:
        """Fewest and most agents who meet it in the middle `likely` of the months to come."""
        tail = (1 - likely) / 2
        low, high = np.quantile(self.met(target), [tail, 1 - tail], method="closest_observation")
        return int(low), int(high)

    def value_met_by(self, share: float) -> float:
        """The strictest value that the share of agents is expected to meet."""
        return float(np.quantile(self.draws, 1 - share if self.higher else share))

    def of(self, agents: Array) -> Forecast:
        """The forecast of some of the agents (a mask)."""
        return Forecast(self.draws[:, agents], self.higher)


def forecast(
    noise: Noise,
    kind: Kind,
    n: Array,
    *,
    higher: bool,
    rng: np.random.Generator,
    case_cv2: float = 0.0,
    draws: int = DRAWS,
) -> Forecast:
    """A coming month of every agent of `noise` (one world) at the planned volume `n` [agents].

    The shared month is drawn with the doubt of its own size (t_{T-1}) and of the baseline, which was itself
    estimated under T such months.
    """
    months = int(noise.seen_months)
    free = max(months - 1, 1)
    size = np.sqrt(noise.shared * free / rng.chisquare(free, draws)) if months > 2 else np.sqrt(noise.shared)
    shock = size * rng.standard_normal(draws) + np.sqrt(noise.shared / max(months, 1)) * rng.standard_normal(draws)
    centre = noise.agents[None, :] + shock[:, None]
    variance = (noise.errors + noise.wobble)[None, :]
    planned = np.maximum(np.asarray(n, float), 1e-9)[None, :]
    return Forecast(kind.drawn(centre, variance, planned, np.asarray(case_cv2), rng), higher)
