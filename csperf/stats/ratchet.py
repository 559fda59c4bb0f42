"""What becomes of a team that responds to its targets, where they chase its last months and where they hold.

A thought experiment, not an estimate: how people respond is assumed, and said here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .kinds import Kind
from .noise import Noise, fit
from .resample import coming_months, met_by

Array = np.ndarray
PERIODS = 6
HOLD = 3  # periods a published target stands for
TEAMS = 100
WINDOW = 6  # newest periods that a proposal is made from
MARGIN = 1.0  # standard deviations of a month beyond the target: what people aim for, to be safe
EFFORT = 1 / 3  # of the way to the target that people go within a period
FADES = 1 / 2  # of the effort lost in a period by those who hold the target to be out of reach
MOST_EFFORT = 1.0  # standard deviations between agents: more than that nobody can add
OUT_OF_REACH = 2.0  # standard deviations between agents that still lie ahead


@dataclass(frozen=True)
class Run:
    """Per period, means over teams: targets in the metric's unit, attained and gave_up as shares of agents."""

    targets: Array
    attained: Array
    gave_up: Array


def ratchet_run(
    noise: Noise,
    kind: Kind,
    planned: Array,
    *,
    share: float,
    higher: bool,
    half_width: float,
    ratchet: bool,
    rng: np.random.Generator,
    case_cv2: float = 0.0,
    floor: float = 0.0,
) -> Run:
    """PERIODS of TEAMS like `noise`'s own agents (one world), at `planned` cases.

    ratchet: each period's target is the harder of the last one and what `share` would meet by the newest months.
    Otherwise a target stands for HOLD periods, and then moves only if the proposal lies more than `half_width` (in
    the metric's unit) away.
    """
    sign = 1.0 if higher else -1.0
    own = np.broadcast_to(noise.sustained, (TEAMS, len(planned)))
    past = [_month(own, noise, kind, planned, case_cv2, rng) for _ in range(WINDOW)]
    target = _proposal(past, kind, planned, share, higher, case_cv2, floor, rng)
    margin = MARGIN * np.sqrt(noise.wobble + noise.shared)
    effort, parts = np.zeros(own.shape), []
    for period in range(1, PERIODS + 1):
        ahead = sign * (kind.scale(target)[:, None] - own) + margin
        effort, gave_up = _respond(ahead, effort, np.sqrt(noise.between))
        value = _month(own + sign * effort, noise, kind, planned, case_cv2, rng)
        parts.append((target.mean(), (sign * value >= sign * target[:, None] - 1e-9).mean(), gave_up.mean()))
        past = [*past[1:], value]
        proposal = _proposal(past, kind, planned, share, higher, case_cv2, floor, rng)
        if ratchet:
            target = sign * np.maximum(sign * target, sign * proposal)
        elif period % HOLD == 0:
            target = np.where(np.abs(proposal - target) > half_width, proposal, target)
    return Run(*np.array(parts).T)


def _respond(ahead: Array, effort: Array, spread: Array) -> tuple[Array, Array]:
    """The effort after a period and who gave up. `ahead`: from agents' own means to what they aim for.

    Who is past it without effort adds none; who cannot see it lets go of what they added.
    """
    gave_up = ahead > OUT_OF_REACH * spread
    wanted = np.clip(effort + EFFORT * (ahead - effort), 0, MOST_EFFORT * spread)
    return np.where(gave_up, (1 - FADES) * effort, wanted), gave_up


def _month(centre: Array, noise: Noise, kind: Kind, planned: Array, cv2: float, rng: np.random.Generator) -> Array:
    """A period as it would be seen: [teams, agents]."""
    shock, reach = np.sqrt(noise.shared) * rng.standard_normal((len(centre), 1)), kind.reach(centre)
    return kind.drawn(centre + shock * reach, noise.wobble * reach**2, np.maximum(planned, 1.0), np.asarray(cv2), rng)


def _proposal(
    past: list[Array],
    kind: Kind,
    planned: Array,
    share: float,
    higher: bool,
    cv2: float,
    floor: float,
    rng: np.random.Generator,
) -> Array:
    """What the share of each team would meet by its newest periods: [teams]."""
    value = np.stack(past, axis=-1)
    cases = np.broadcast_to(np.maximum(planned, 1.0)[:, None], value.shape)
    noise = fit(*kind.observed(value, cases, np.asarray(cv2)), floor=floor)
    everyone = np.broadcast_to(planned, value.shape[:2])
    draws = coming_months(noise, kind, everyone, np.full(everyone.shape, cv2), rng)
    return met_by(draws, np.zeros(len(planned), int), np.array([share]), higher)[:, 0, 0]
