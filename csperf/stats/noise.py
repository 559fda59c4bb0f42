"""How much of what a metric shows is the agent, the month, the agent's month, and chance (method of moments).

The model, on the scale of the metric's kind (stats.kinds):

    value of agent i in month t = level mean + agent_i + month_t + wobble_it + chance_it

Arrays are agents x months; axes before them are independent worlds or resamples, all fitted in one go.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

Array = np.ndarray
ROUNDS = 25
TINY = 1e-30  # a variance that is as good as none
SETTLED = 1e-4  # of all variance seen: parts that move less than this from round to round have settled
WOBBLE_OF_AGENT = 0.25  # of the agents' variance: what a single month cannot tell apart (METHOD 1.1)
ENOUGH_MONTHS = 3  # fewer do not show how far a whole month moves


@dataclass(frozen=True)
class Noise:
    """The parts of the variance and what is known of each agent, on the kind's scale.

    between (tau²: agents of a level), wobble (omega²: an agent's month), shared (gamma²: a whole month): [...].
    level_means, level_errors: mean of each level and its variance, [..., levels]. agents, errors: posterior mean and
    variance of each agent, [..., agents]; an agent never seen has the level's. months, seen_months: shared effects
    [..., months] and how many months there are.
    """

    between: Array
    wobble: Array
    shared: Array
    level_means: Array
    level_errors: Array
    agents: Array
    errors: Array
    months: Array
    seen_months: Array

    @property
    def sustained(self) -> Array:
        """Agents' values with the spread of the true ones (Louis 1984; Ghosh 1992), for shares and quantiles.

        Posterior means are too close together for that, raw means too far apart.
        """
        centre = self.agents.mean(axis=-1, keepdims=True)
        apart = ((self.agents - centre) ** 2).sum(axis=-1, keepdims=True)
        stretch = np.sqrt(1 + self.errors.sum(axis=-1, keepdims=True) / np.maximum(apart, 1e-300))
        return np.where(apart > 0, centre + stretch * (self.agents - centre), self.agents)

    def of(self, agents: Array) -> Noise:
        """The noise of some of the agents (a mask or places)."""
        return replace(self, agents=self.agents[..., agents], errors=self.errors[..., agents])

    def world(self, place: int) -> Noise:
        """One of the worlds that were fitted together."""
        return Noise(*(getattr(self, part.name)[place] for part in fields(self)))


def fit(
    scaled: Array, variance: Array, *, level: Array | None = None, floor: float | Array = 0.0, rounds: int = ROUNDS
) -> Noise:
    """The parts of the variance of `scaled` values (NaN: not seen) with sampling variances `variance`.

    `level`: of each agent, as numbers from 0 in rising order, [..., agents]; a higher level's mean is never below a
    lower one's. `floor`: least standard deviation of the shared part where months are too few to show it.
    Paule & Mandel (1982) for agents and wobble; at most `rounds` rounds of backfitting.
    """
    scaled, variance = np.asarray(scaled, float), np.asarray(variance, float)
    seen = np.isfinite(scaled)
    x, v = np.where(seen, scaled, 0.0), np.where(seen, variance, 1.0)
    member = _members(level, x.shape)
    months = np.zeros((*x.shape[:-2], x.shape[-1]))
    between = wobble = np.zeros(x.shape[:-2])
    settled = SETTLED * _mean_square(x, seen)
    free = seen.sum((-2, -1)) - seen.any(-1).sum(-1) - seen.any(-2).sum(-1) + 1
    for _round in range(rounds):
        weight = np.where(seen, 1 / (v + wobble[..., None, None]), 0.0)
        raw, raw_variance = _means(weight, x - months[..., None, :], axis=-1)
        months, month_variance = _means(weight, x - raw[..., :, None], axis=-2)
        months = months - _mean_where(months, seen.any(-2))[..., None]
        rest = np.where(seen, x - months[..., None, :] - raw[..., :, None], 0.0)
        before = between, wobble
        wobble = _paule_mandel(rest**2, np.where(seen, v, np.inf), wobble, free, (-2, -1))
        level_means, level_errors = _level_means(raw, raw_variance + between[..., None], member)
        gap = np.where(np.isfinite(raw_variance), raw - _of_level(level_means, member), 0.0)
        levels_met = (member * np.isfinite(raw_variance)[..., None]).any(-2).sum(-1)
        people = np.isfinite(raw_variance).sum(-1) - levels_met
        between = _paule_mandel(gap**2, raw_variance, between, people, (-1,))
        if (np.abs(between - before[0]) + np.abs(wobble - before[1]) <= settled).all():
            break
    between, wobble = _split_single_month(between, wobble, free)
    weight = np.where(seen, 1 / (v + wobble[..., None, None]), 0.0)
    raw, raw_variance = _means(weight, x - months[..., None, :], axis=-1)
    shared = _shared(months, month_variance, seen.any(-2), floor)
    level_means, level_errors = _ordered(*_pooled(*_level_means(raw, raw_variance + between[..., None], member)))
    agents, errors = _posterior(raw, raw_variance, between, level_means, level_errors, member)
    return Noise(between, wobble, shared, level_means, level_errors, agents, errors, months, seen.any(-2).sum(-1))


def _mean_square(x: Array, seen: Array) -> Array:
    """Mean squared distance of what was seen from its mean, per world."""
    count = np.maximum(seen.sum((-2, -1)), 1)
    centre = np.where(seen, x - (x.sum((-2, -1)) / count)[..., None, None], 0.0)
    return (centre**2).sum((-2, -1)) / count


def _members(level: Array | None, shape: tuple[int, ...]) -> Array:
    """Whether agent i is of level l: [..., agents, levels]."""
    codes = np.zeros(shape[:-1], int) if level is None else np.broadcast_to(level, shape[:-1])
    return codes[..., None] == np.arange(codes.max(initial=0) + 1)


def _means(weight: Array, x: Array, axis: int) -> tuple[Array, Array]:
    """Weighted means along an axis and their variances; 0 and infinity where there is no weight."""
    total = weight.sum(axis)
    with np.errstate(divide="ignore"):
        return np.where(total > 0, (weight * x).sum(axis) / np.where(total > 0, total, 1), 0.0), 1 / total


def _mean_where(x: Array, where: Array) -> Array:
    return (x * where).sum(-1) / np.maximum(where.sum(-1), 1)


def _paule_mandel(squares: Array, variance: Array, start: Array, free: Array, axes: tuple[int, ...]) -> Array:
    """The extra variance e at which the sum of squares / (variance + e) equals its degrees of freedom, at least 0.

    One Newton step from `start` on 1 / sum, which is nearly straight in e (quite straight where the variances are all
    alike): the caller's rounds are the iteration.
    """
    apart = np.expand_dims(start, axes) + variance
    total = (squares / apart).sum(axes)
    slope = (squares / apart**2).sum(axes)
    usable = (slope > 0) & (free > 0)
    step = total * (total / np.where(free > 0, free, 1) - 1) / np.where(usable, slope, 1)
    return np.where(usable, np.maximum(start + step, 0.0), np.where(free > 0, start, 0.0))


def _level_means(raw: Array, variance: Array, member: Array) -> tuple[Array, Array]:
    """Mean of each level and its variance; infinite variance for a level without people."""
    weight = np.where(member, 1 / variance[..., None], 0.0)
    return _means(weight, raw[..., None], axis=-2)


def _of_level(level_values: Array, member: Array) -> Array:
    """Each agent's level's value."""
    return (member * np.where(np.isfinite(level_values), level_values, 0.0)[..., None, :]).sum(-1)


def _pooled(means: Array, errors: Array) -> tuple[Array, Array]:
    """Level means pulled to one another as far as chance alone could set them apart (normal-normal)."""
    held = np.isfinite(errors)
    known = np.where(held, np.maximum(errors, TINY), 1.0)
    weight = np.where(held, 1 / known, 0.0)
    centre, centre_error = _means(weight, means, axis=-1)
    gap = np.where(held, means - centre[..., None], 0.0)
    between = np.zeros(centre.shape)
    for _round in range(ROUNDS):
        between = _paule_mandel(gap**2, np.where(held, errors, np.inf), between, held.sum(-1) - 1, (-1,))
    pull = np.where(held, known / (known + np.maximum(between, TINY)[..., None]), 1.0)
    pull = np.where(held.sum(-1)[..., None] > 1, pull, np.where(held, 0.0, 1.0))
    left = np.where(held, known, 0.0) * (1 - pull) + pull**2 * centre_error[..., None]
    return pull * centre[..., None] + (1 - pull) * np.where(held, means, 0.0), np.maximum(left, TINY)


def _ordered(means: Array, errors: Array) -> tuple[Array, Array]:
    """Level means in rising order: neighbours out of order share their weighted mean (isotonic regression)."""
    count = means.shape[-1]
    weight = 1 / errors
    block = {
        (j, k): (weight * means)[..., j : k + 1].sum(-1) / weight[..., j : k + 1].sum(-1)
        for j in range(count)
        for k in range(j, count)
    }
    rising = [
        np.max([np.min([block[j, k] for k in range(i, count)], axis=0) for j in range(i + 1)], axis=0)
        for i in range(count)
    ]
    return np.stack(rising, axis=-1), errors


def _split_single_month(between: Array, wobble: Array, free: Array) -> tuple[Array, Array]:
    """Where nobody was seen twice, agents and wobble cannot be told apart: a stated share is the month's."""
    alone = free <= 0
    share = 1 / (1 + WOBBLE_OF_AGENT)
    return np.where(alone, share * between, between), np.where(alone, (1 - share) * between, wobble)


def _shared(months: Array, month_variance: Array, seen: Array, floor: float | Array) -> Array:
    """Variance of the shared month: that of the months' effects less their sampling variance, at least floor²."""
    count = seen.sum(-1)
    centred = np.where(seen, months - _mean_where(months, seen)[..., None], 0.0)
    moved = (centred**2).sum(-1) / np.maximum(count - 1, 1)
    chance = _mean_where(np.where(seen, month_variance, 0.0), seen)
    least = np.square(floor)
    return np.where(count < ENOUGH_MONTHS, least, np.maximum(moved - chance, least))


def _posterior(
    raw: Array, variance: Array, between: Array, level_means: Array, level_errors: Array, member: Array
) -> tuple[Array, Array]:
    """Each agent's mean pulled to the level's, and its variance with that of the level's mean (Morris)."""
    tau = between[..., None]
    seen = np.isfinite(variance)
    pull = np.where(seen, np.where(seen, variance, 1.0) / (np.where(seen, variance, 1.0) + tau), 1.0)
    centre, doubt = _of_level(level_means, member), _of_level(level_errors, member)
    spread = np.where(seen, tau * pull, tau)
    return pull * centre + (1 - pull) * raw, spread + pull**2 * doubt
