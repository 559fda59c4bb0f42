"""A target on trial with some of a team: who tries it, what such a trial could show, and what it showed (METHOD 6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import sqrt

import numpy as np
import scipy

Array = np.ndarray
FEW = 12  # agents up to which every possible choice of pilots is gone through
LEVEL = 0.10  # two-sided
POWER = 0.80
FITTED = 3  # coefficients: constant, pilot, before


@dataclass(frozen=True)
class Effect:
    """What being a pilot changed, in the unit of the means.

    value with its 90 % interval low to high and two-sided p (t with `df`); `did` is the difference of the differences
    beside it, without adjustment; `permuted` the p over every possible choice of pilots, null above FEW agents.
    """

    value: float
    low: float
    high: float
    p: float
    df: int
    did: float
    permuted: float | None


def ancova(before: Array, after: Array, pilot: Array, strata: Sequence | None = None) -> Effect:
    """The effect on agents' means: after ~ pilot + before, ordinary least squares, t with N - 3 degrees of freedom.

    Arrays are one value per agent. `strata`: the level of each agent, where pilots were drawn within levels.
    Comparing with `before` as it is would call the luck of the worst an improvement. ValueError below 4 agents, or
    where all or none are pilots.
    """
    from statsmodels.regression.linear_model import OLS

    before, after, pilot = np.asarray(before, float), np.asarray(after, float), np.asarray(pilot, bool)
    if len(pilot) <= FITTED or pilot.all() or not pilot.any():
        raise ValueError("a trial is compared over at least 4 agents, some of them pilots and some not")
    fit = OLS(after, np.column_stack([np.ones(len(pilot)), pilot, before])).fit()
    low, high = fit.conf_int(LEVEL)[1]
    gain = after - before
    did = float(gain[pilot].mean() - gain[~pilot].mean())
    permuted = permutation_p(before, after, pilot, strata) if len(pilot) <= FEW else None
    value, p = float(fit.params[1]), float(fit.pvalues[1])
    return Effect(value, float(low), float(high), p, int(fit.df_resid), did, permuted)


def permutation_p(before: Array, after: Array, pilot: Array, strata: Sequence | None = None) -> float:
    """Two-sided p: twice the share of possible choices of pilots with an effect at least as far to the same side."""
    seen = _adjusted(before, after, np.asarray(pilot, bool)[None, :])[0]
    every = _adjusted(before, after, choices(pilot, strata))
    return float(min(1.0, 2 * min((every >= seen - 1e-9).mean(), (every <= seen + 1e-9).mean())))


def choices(pilot: Array, strata: Sequence | None = None) -> Array:
    """Every choice of as many pilots in each stratum as there were: [choices, agents]."""
    pilot = np.asarray(pilot, bool)
    member = np.zeros(len(pilot), int) if strata is None else np.unique(list(map(str, strata)), return_inverse=True)[1]
    groups = [np.flatnonzero(member == place) for place in range(member.max() + 1)]
    drawn = [list(combinations(group, int(pilot[group].sum()))) for group in groups]
    chosen = np.zeros((int(np.prod([len(d) for d in drawn])), len(pilot)), bool)
    for row, picks in enumerate(product(*drawn)):
        chosen[row, [agent for pick in picks for agent in pick]] = True
    return chosen


def _adjusted(before: Array, after: Array, pilots: Array) -> Array:
    """The partial correlation of being a pilot with `after` for each row of `pilots`, given constant and `before`.

    It orders choices as the t of the regression does (Frisch & Waugh 1933) and stays finite where the fit is perfect.
    A choice that `before` explains whole shows no effect.
    """
    base, _ = np.linalg.qr(np.column_stack([np.ones(len(before)), before]))
    left = after - base @ (base.T @ after)
    apart = pilots - (pilots @ base) @ base.T
    size = np.sqrt((apart**2).sum(axis=1) * (left**2).sum())
    known = size > 1e-9
    return np.where(known, apart @ left / np.where(known, size, 1), 0.0)


def detectable(
    variance: float, pilots: int, agents: int, months_before: int, months: int, level: float = LEVEL
) -> float:
    """The smallest effect that such a trial would find with 80 % power, on the scale of `variance`.

    `variance`: of an agent's month around the agent's mean (wobble and chance). (t_.95 + t_.80) sqrt(variance
    (1/months_before + 1/months) (1/pilots + 1/others)), t with agents - 3. ValueError where nothing can be compared.
    """
    others, free = agents - pilots, agents - FITTED
    if min(pilots, others, free, months_before, months) < 1:
        raise ValueError("a trial needs pilots, others, at least 4 agents, and a month before and after")
    reach = scipy.stats.t.ppf(1 - level / 2, free) + scipy.stats.t.ppf(POWER, free)
    return float(reach * sqrt(variance * (1 / months_before + 1 / months) * (1 / pilots + 1 / others)))


def assign(strata: Sequence, pilots: int, rng: np.random.Generator) -> Array:
    """Whether each agent becomes a pilot: `pilots` of them at random, spread over the strata by their sizes.

    Shares are rounded by largest remainder; where remainders are equal, chance decides. ValueError where there are
    fewer agents than pilots.
    """
    names = np.array(list(map(str, strata)))
    if not 0 < pilots <= len(names):
        raise ValueError(f"{pilots} pilots cannot be drawn from {len(names)} agents")
    kinds, sizes = np.unique(names, return_counts=True)
    share = pilots * sizes / len(names)
    take = np.floor(share + 1e-9).astype(int)
    order = np.lexsort((rng.random(len(kinds)), -(share - take).round(9)))
    take[order[: pilots - take.sum()]] += 1
    chosen = np.zeros(len(names), bool)
    for kind, many in zip(kinds, take, strict=True):
        chosen[rng.permutation(np.flatnonzero(names == kind))[:many]] = True
    return chosen
