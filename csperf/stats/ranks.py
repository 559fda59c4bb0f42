"""Who comes before whom, and how sure that is: rank intervals, pairs that separate, bands instead of ranks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy

from .noise import Noise

Array = np.ndarray
DRAWS = 800
LIKELY = 0.90
WORTH_RANKING = 0.60  # share of pairs that must separate before ranks say more than bands
ABOVE, LEVEL_WITH, BELOW = 1, 0, -1


@dataclass(frozen=True)
class Ranks:
    """Rank 1 is best. low, high: where each agent's true rank most likely lies. band: ABOVE, LEVEL_WITH or BELOW.

    separated: share of pairs of agents of which one is better with at least that certainty.
    """

    low: Array
    high: Array
    band: Array
    separated: float

    @property
    def worth_ranking(self) -> bool:
        """Whether enough pairs separate for ranks to mean anything."""
        return self.separated >= WORTH_RANKING


def ranks(
    noise: Noise,
    *,
    higher: bool,
    rng: np.random.Generator,
    standard: Array | float = 0.0,
    likely: float = LIKELY,
    draws: int = DRAWS,
) -> Ranks:
    """Ranks of the agents of one world by what they sustain, over what is expected of them.

    `standard`: what is expected of each agent (their level's mean), on the kind's scale. An agent is in the band ABOVE
    or BELOW where the whole rank interval lies in the better or the worse half (Goldstein & Spiegelhalter 1996).
    """
    sign = 1 if higher else -1
    centre, error = sign * (noise.agents - standard), np.sqrt(noise.errors)
    size = len(centre)
    low, high, band = placed(centre + error * rng.standard_normal((draws, size)), likely)
    return Ranks(low, high, band, _separated(centre, error, likely))


def placed(drawn: Array, likely: float = LIKELY) -> tuple[Array, Array, Array]:
    """(low, high, band) of what may be true of each, [draws, agents], more being better: as in Ranks.

    Equals share their middle rank.
    """
    size, tail = drawn.shape[1], (1 - likely) / 2
    place = scipy.stats.rankdata(-drawn, axis=1)
    edges = np.quantile(place, [tail, 1 - tail], axis=0, method="closest_observation")
    low, high = np.floor(edges[0]).astype(int), np.ceil(edges[1]).astype(int)
    middle = (size + 1) / 2
    return low, high, np.where(high < middle, ABOVE, np.where(low > middle, BELOW, LEVEL_WITH))


def _separated(centre: Array, error: Array, likely: float) -> float:
    """Share of pairs whose order is at least as certain as the interval is likely (NaN for fewer than two agents)."""
    one, other = np.triu_indices(len(centre), k=1)
    if not len(one):
        return np.nan
    apart = np.abs(centre[one] - centre[other]) / np.sqrt(error[one] ** 2 + error[other] ** 2)
    return float((apart > scipy.stats.norm.ppf((1 + likely) / 2)).mean())
