"""What becomes of a team that responds to its targets, where they chase its last months and where they hold.

A thought experiment, not an estimate: how people respond is assumed, and said here.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np

from .kinds import Kind
from .noise import Noise, fit
from .resample import coming_months, met_by

Array = np.ndarray
Rule = Callable[[int, Array, Array], Array]  # number of a period, its target, a proposal -> the next target
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


def ratchet_runs(
    noise: Noise,
    kind: Kind,
    planned: Array,
    *,
    share: float,
    higher: bool,
    half_width: float,
    rng: np.random.Generator,
    case_cv2: float = 0.0,
    floor: float = 0.0,
) -> dict[str, Run]:
    """PERIODS of TEAMS like `noise`'s own agents (one world), at `planned` cases, under each of the two rules.

    "ratchet": each period's target is the harder of the last one and what `share` would meet by the newest months.
    "held": a target stands for HOLD periods, and then moves only if the proposal lies more than `half_width` (in the
    metric's unit) away.
    """
    teams = _Teams(noise, kind, planned, case_cv2, share, higher, floor)
    past = [teams.month(teams.own, rng) for _ in range(WINDOW)]
    # Until a rule moves the first target the teams, and the chance they meet, are the same ones.
    first = teams.period(teams.proposal(past, rng), np.zeros(teams.own.shape), past, rng)
    proposed = teams.proposal(first.past, rng)

    def harder(_period: int, target: Array, proposal: Array) -> Array:
        return teams.sign * np.maximum(teams.sign * target, teams.sign * proposal)

    def held(period: int, target: Array, proposal: Array) -> Array:
        moves = (period % HOLD == 0) & (np.abs(proposal - target) > half_width)
        return np.where(moves, proposal, target)

    rules = {"ratchet": harder, "held": held}
    return {name: teams.run(rule, first, proposed, deepcopy(rng)) for name, rule in rules.items()}


@dataclass(frozen=True)
class _Period:
    """What a period was: [teams], [teams, agents]; `past`: the newest months, this one included."""

    target: Array
    effort: Array
    gave_up: Array
    met: Array
    past: list[Array]


@dataclass(frozen=True)
class _Teams:
    """TEAMS that are alike, and what their targets are to be met by."""

    noise: Noise
    kind: Kind
    planned: Array
    cv2: float
    share: float
    higher: bool
    floor: float

    @property
    def sign(self) -> float:
        """1 where more is better."""
        return 1.0 if self.higher else -1.0

    @property
    def own(self) -> Array:
        """Agents' own means, without effort: [teams, agents]."""
        return np.broadcast_to(self.noise.sustained, (TEAMS, len(self.planned)))

    def run(self, rule: Rule, first: _Period, proposed: Array, rng: np.random.Generator) -> Run:
        """All periods from the first on, each with the target that the rule makes of the last one's and a proposal."""
        periods = [first]
        for number in range(1, PERIODS):
            last = periods[-1]
            proposal = self.proposal(last.past, rng) if number > 1 else proposed
            periods.append(self.period(rule(number, last.target, proposal), last.effort, last.past, rng))
        return Run(*np.array([(p.target.mean(), p.met.mean(), p.gave_up.mean()) for p in periods]).T)

    def period(self, target: Array, effort: Array, past: list[Array], rng: np.random.Generator) -> _Period:
        """A period under a target, after these months and with the effort of the last one."""
        margin = MARGIN * np.sqrt(self.noise.wobble + self.noise.shared)
        ahead = self.sign * (self.kind.scale(target)[:, None] - self.own) + margin
        effort, gave_up = _respond(ahead, effort, np.sqrt(self.noise.between))
        value = self.month(self.own + self.sign * effort, rng)
        met = self.sign * value >= self.sign * target[:, None] - 1e-9
        return _Period(target, effort, gave_up, met, [*past[1:], value])

    def month(self, centre: Array, rng: np.random.Generator) -> Array:
        """A period as it would be seen: [teams, agents]."""
        noise, reach = self.noise, self.kind.reach(centre)
        shock = np.sqrt(noise.shared) * rng.standard_normal((len(centre), 1))
        planned, cv2 = np.maximum(self.planned, 1.0), np.asarray(self.cv2)
        return self.kind.drawn(centre + shock * reach, noise.wobble * reach**2, planned, cv2, rng)

    def proposal(self, past: list[Array], rng: np.random.Generator) -> Array:
        """What the share of each team would meet by its newest periods: [teams]."""
        value = np.stack(past, axis=-1)
        cases = np.broadcast_to(np.maximum(self.planned, 1.0)[:, None], value.shape)
        noise = fit(*self.kind.observed(value, cases, np.asarray(self.cv2)), floor=self.floor)
        everyone = np.broadcast_to(self.planned, value.shape[:2])
        draws = coming_months(noise, self.kind, everyone, np.full(everyone.shape, self.cv2), rng)
        return met_by(draws, np.zeros(len(self.planned), int), np.array([self.share]), self.higher)[:, 0, 0]


def _respond(ahead: Array, effort: Array, spread: Array) -> tuple[Array, Array]:
    """The effort after a period and who gave up. `ahead`: from agents' own means to what they aim for.

    Who is past it without effort adds none; who cannot see it lets go of what they added.
    """
    gave_up = ahead > OUT_OF_REACH * spread
    wanted = np.clip(effort + EFFORT * (ahead - effort), 0, MOST_EFFORT * spread)
    return np.where(gave_up, (1 - FADES) * effort, wanted), gave_up
