"""How far a value that a share of agents would meet could lie elsewhere: other agents, other months.

Agents AND months are drawn anew, with replacement and independently (Owen 2007, the pigeonhole bootstrap). Drawing
only agents leaves out the month that all of them share and is far too narrow.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .kinds import Kind
from .noise import Noise, fit

Array = np.ndarray
RESAMPLES = 500
NOMINAL = 0.90  # of what comes out: simulated, it covers about 85 % (bench/stats.py)
CELLS = 150_000  # agent-months fitted in one go: what stays in the processor's cache
POINTS = 2_000  # draws per resample: their own chance widens the interval by about 1 %


def resampled(
    kind: Kind,
    value: Array,
    n: Array,
    planned: Array,
    shares: Array,
    *,
    higher: bool,
    rng: np.random.Generator,
    spread: Array | float | None = None,
    level: Array | None = None,
    floor: float | None = None,
    team: Array | None = None,
    resamples: int = RESAMPLES,
) -> Array:
    """The strictest values that the shares of agents would meet, in each resample: [resamples, 1 + levels, shares].

    The first row of a resample is the whole role, the others its levels (NaN: nobody of it is in the team).
    `value`, `n`: agents x months (NaN: not seen); `planned`: cases of the coming month, per agent; `spread`: CV² of a
    single case; `level`: places from 0, in rising order; `team`: who is expected in the coming month (default: all).
    The team's make-up stays as it is: a level's agents are drawn from the level, the team's from the team.
    """
    level = np.zeros(len(value), int) if level is None else np.asarray(level)
    team = np.ones(len(value), bool) if team is None else np.asarray(team)
    floor = kind.least_shock(kind.observed(value, n, np.zeros(value.shape))[0]) if floor is None else floor
    cv2 = np.broadcast_to(0.0 if spread is None else spread, value.shape)
    mean_cv2 = cv2.mean(axis=-1)
    batch = max(CELLS // max(value.size, 1), 1)
    parts = []
    for start in range(0, resamples, batch):
        agents, months = _drawn_anew(2 * level + team, value.shape[1], min(batch, resamples - start), rng)
        cells = agents[:, :, None], months[:, None, :]
        scaled, variance = kind.observed(value[cells], n[cells], cv2[cells])
        noise = fit(scaled, variance, level=level, floor=floor)
        cases = agents[:, team]
        noise = _as_far_as_months(noise, kind, value.shape[1], rng)
        coming = coming_months(noise.of(team), kind, planned[cases], mean_cv2[cases], rng)
        parts.append(met_by(coming, level[team], shares, higher))
    return np.concatenate(parts)


def half_widths(values: Array, nominal: float = NOMINAL) -> Array:
    """Half the distance between the outer quantiles over resamples (the first axis); NaN where there are none."""
    low, high = np.quantile(values, [(1 - nominal) / 2, (1 + nominal) / 2], axis=0)
    return (high - low) / 2


def _as_far_as_months(noise: Noise, kind: Kind, months: int, rng: np.random.Generator) -> Noise:
    """The noise with its level moved by what drawing months anew cannot show: the last part of T, all of it for one."""
    moved = rng.normal(size=noise.shared.shape) * np.sqrt(noise.shared) / months
    return replace(noise, agents=noise.agents + moved[:, None] * kind.reach(noise.agents))


def _drawn_anew(stratum: Array, months: int, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Places of agents [count, agents], each drawn among its own stratum's, and of months [count, months]."""
    agents = np.empty((count, len(stratum)), int)
    for name in np.unique(stratum):
        mates = np.flatnonzero(stratum == name)
        agents[:, mates] = rng.choice(mates, (count, len(mates)))
    return agents, rng.integers(months, size=(count, months))


def coming_months(noise: Noise, kind: Kind, planned: Array, cv2: Array, rng: np.random.Generator) -> Array:
    """Draws of a coming month in each resample: [resamples, draws, agents]."""
    shared = noise.shared * (1 + 1 / np.maximum(noise.seen_months, 1))
    variance = noise.errors + (noise.wobble + shared)[:, None] * kind.reach(noise.agents) ** 2
    draws = max(POINTS // max(planned.shape[1], 1), 1)
    centre = np.repeat(noise.agents[:, None, :], draws, axis=1)
    return kind.drawn(centre, variance[:, None, :], np.maximum(planned, 1e-9)[:, None, :], cv2[:, None, :], rng)


def met_by(draws: Array, level: Array, shares: Array, higher: bool) -> Array:
    """The values met by the shares, of all and of each level: [resamples, 1 + levels, shares]."""
    at = 1 - shares if higher else shares
    whole, places = _quantiles(draws, at), range(level.max(initial=0) + 1)
    # A single level is everybody.
    levels = [_quantiles(draws[..., level == place], at) for place in places] if len(places) > 1 else [whole]
    return np.stack([whole, *levels], axis=1)


def _quantiles(draws: Array, at: Array) -> Array:
    """Quantiles over draws and agents: [resamples, quantiles]; NaN without agents."""
    flat = draws.reshape(len(draws), -1)
    return np.quantile(flat, at, axis=1).T if flat.shape[1] else np.full((len(draws), len(at)), np.nan)
