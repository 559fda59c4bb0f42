"""Made-up teams whose truth is known: what agents, months and chance really contribute, and the months to come."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from csperf.stats.forecast import Forecast
from csperf.stats.kinds import KINDS, Kind
from csperf.targets.model import Model, Panel, fitted
from csperf.targets.settings import TargetSettings

FUTURE = 3  # months to come that targets are held against
LEVELS = ("junior", "mid", "senior")
PART_TIME = 0.3
ORACLE_DRAWS = 1000
METRIC = {"rate": "reply_30s_msg", "count": "slow_users", "time": "first_reply_s", "value": "order_value_yuan"}


@dataclass(frozen=True)
class World:
    """METHOD's world by default: shares of .80; spreads 5 between agents, 2.5 an agent's month, 1.5 a whole month.

    Spreads add on the share for rates, and are logarithms for counts, times and values. cv2: CV² of a single case.
    levels: agents of each level, `step` apart. volume: cases of the months to come as a multiple of the past.
    stay: mean share of the months that an agent is there.
    """

    name: str
    agents: int
    months: int
    kind: str = "rate"
    mean: float = 0.80
    between: float = 0.05
    wobble: float = 0.025
    shared: float = 0.015
    cv2: float = 0.0
    levels: tuple[int, ...] = ()
    step: float = 0.0
    volume: float = 1.0
    stay: float = 1.0
    logit: bool = False

    @property
    def higher(self) -> bool:
        """Whether more is better."""
        return self.kind in ("rate", "value")

    @property
    def how(self) -> Kind:
        """The statistics' own kind."""
        return KINDS[self.kind]


@dataclass(frozen=True)
class Team:
    """One draw of a world: [agents, months + FUTURE], NaN where not there; truth: agents' own means on the scale."""

    world: World
    truth: np.ndarray
    level: np.ndarray
    n: np.ndarray
    value: np.ndarray
    squares: np.ndarray = field(repr=False)

    @property
    def future(self) -> np.ndarray:
        """The months to come."""
        return self.value[:, self.world.months :]

    @property
    def planned(self) -> np.ndarray:
        """Cases of a month to come, as somebody who plans would know them."""
        return np.maximum(np.round(self.n[:, : self.world.months].mean(1) * self.world.volume), 1)

    @property
    def panel(self) -> Panel:
        """The past as the product reads it: who was seen in it, and how cases spread about their means."""
        past = slice(0, self.world.months)
        there = np.flatnonzero(np.isfinite(self.value[:, past]).any(axis=1))
        value, n, squares = (cells[there, past] for cells in (self.value, self.n, self.squares))
        known = np.isfinite(value * squares) & (n > 1)
        spread = ((squares - n * value**2)[known] / value[known] ** 2).sum() / max((n[known] - 1).sum(), 1)
        names = tuple(f"a{a:03d}" for a in there), tuple(f"m{m:02d}" for m in range(self.world.months))
        levels = LEVELS[: len(self.world.levels)] or (None,)
        metric, cases = METRIC[self.world.kind], np.where(np.isfinite(value), n, 0.0)
        return Panel(
            metric, "pre", self.world.how, *names, levels, self.level[there], value, cases, spread, frozenset()
        )

    def model(self, settings: TargetSettings) -> Model:
        """The product's model of the past, at the planned cases."""
        there = np.array([int(name[1:]) for name in self.panel.agents])
        return fitted(self.panel, settings, self.planned[there])


def draw(world: World, rng: np.random.Generator) -> Team:
    """A team of the world, its past and the months to come."""
    agents, months = world.agents, world.months + FUTURE
    part_time = rng.random(agents) < PART_TIME
    usual = np.where(part_time, rng.uniform(20, 60, agents), rng.uniform(200, 900, agents))
    n = usual[:, None] * rng.uniform(0.8, 1.2, (agents, months))
    n[:, world.months :] *= world.volume
    n = np.maximum(np.round(n), 1).astype(int)
    level = np.repeat(np.arange(max(len(world.levels), 1)), world.levels or agents)
    truth = _centre(world) + world.step * level + world.between * rng.standard_normal(agents)
    month = truth[:, None] + world.shared * rng.standard_normal(months) + world.wobble * rng.standard_normal(n.shape)
    value, squares = _seen(world, month, n, rng)
    there = _there(world, rng)
    return Team(world, truth, level, n.astype(float), np.where(there, value, np.nan), squares)


def oracle(team: Team, share: float, rng: np.random.Generator) -> float:
    """The target that `share` of the agents are expected to meet, for somebody who knows the truth but the future."""
    world, draws = team.world, (ORACLE_DRAWS, 1)
    shock = world.shared * rng.standard_normal(draws) + world.wobble * rng.standard_normal((draws[0], world.agents))
    cases = np.broadcast_to(team.planned.astype(int), shock.shape)
    if world.cv2:
        value = natural(world, team.truth + shock) * rng.gamma(cases / world.cv2, world.cv2 / cases)
    else:
        value, _squares = _seen(world, team.truth + shock, cases, rng)
    return Forecast(value, world.higher).value_met_by(share)


def _centre(world: World) -> float:
    if world.kind == "rate":
        return float(np.log(world.mean / (1 - world.mean))) if world.logit else world.mean
    return float(np.log(world.mean))


def natural(world: World, scaled: np.ndarray) -> np.ndarray:
    """True means in the metric's unit."""
    if world.kind != "rate":
        return np.exp(scaled)
    return 1 / (1 + np.exp(-scaled)) if world.logit else np.clip(scaled, 0.001, 0.999)


def _seen(world: World, month: np.ndarray, n: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Values and sums of squares of cases that show a true mean through n cases."""
    mean = natural(world, month)
    if world.kind == "rate":
        return rng.binomial(n, mean) / n, np.full(n.shape, np.nan)
    if world.kind == "count":
        return rng.poisson(mean * n) / n, np.full(n.shape, np.nan)
    return _means_of_cases(mean, n, world.cv2, rng)


def _means_of_cases(
    mean: np.ndarray, n: np.ndarray, cv2: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Means over n log-normal cases each, every case drawn."""
    spread = np.sqrt(np.log1p(cv2))
    flat = n.ravel()
    cases = np.exp(spread * rng.standard_normal(flat.sum()) - spread**2 / 2)
    starts = np.concatenate([[0], flat.cumsum()[:-1]])
    sums, squares = np.add.reduceat(cases, starts), np.add.reduceat(cases**2, starts)
    return mean * (sums / flat).reshape(n.shape), mean**2 * squares.reshape(n.shape)


def _there(world: World, rng: np.random.Generator) -> np.ndarray:
    """Who is there in which month: some join late, some leave; the first few always stay."""
    months = world.months + FUTURE
    if world.stay >= 1:
        return np.ones((world.agents, months), bool)
    begins = np.where(rng.random(world.agents) < 1 - world.stay, rng.integers(1, months, world.agents), 0)
    ends = np.where(rng.random(world.agents) < 1 - world.stay, rng.integers(1, months, world.agents), months)
    at = np.arange(months)
    there = (at >= begins[:, None]) & (at < np.maximum(ends, begins + 1)[:, None])
    there[:3] = True
    return there
