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

    `higher`: whether more is better. Agents are those the forecast was asked for, in their order; of several months,
    the agents of each in turn.
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
    case_cv2: float | Array = 0.0,
    months: int = 1,
    draws: int = DRAWS,
) -> Forecast:
    """Coming months of every agent of `noise` (one world) at the planned volume `n` [agents], month by month.

    The shared month is drawn with the doubt of its own size (t_{T-1}, with the variance found) and of the baseline,
    which was itself estimated under T such months. Over several months an agent keeps their own mean: the columns of
    the draws are all agents of the first month, then all of the second.
    """
    seen = int(noise.seen_months)
    free = max(seen - 1, 1)
    # a t with the variance found: with a wider one, the values that few or many meet would be set too far out
    doubt = (free - 2) / rng.chisquare(free, (draws, 1, 1)) if free > 2 else 1.0
    shock = np.sqrt(noise.shared * doubt) * rng.standard_normal((draws, months, 1))
    baseline = np.sqrt(noise.shared / max(seen, 1)) * rng.standard_normal((draws, 1, 1))
    reach = kind.reach(noise.agents)
    person, variance = np.zeros(1), noise.errors + noise.wobble * reach**2
    if months > 1:
        person = np.sqrt(noise.errors) * rng.standard_normal((draws, 1, len(noise.agents)))
        variance = noise.wobble * reach**2
    centre = noise.agents + person + (shock + baseline) * reach
    planned = np.maximum(np.asarray(n, float), 1e-9)
    drawn = kind.drawn(centre, variance, planned, np.asarray(case_cv2), rng)
    return Forecast(drawn.reshape(draws, -1), higher)
