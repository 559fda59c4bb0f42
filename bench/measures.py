"""What the product says of made-up teams, beside what they then did: one number per team and question."""

from __future__ import annotations

import numpy as np

from bench.worlds import FUTURE, Team, World, draw, natural, oracle
from csperf.stats.forecast import Forecast
from csperf.stats.redline import breach_probability, platform_floor, upper_day_spread
from csperf.stats.resample import resampled
from csperf.stats.standardise import standardise
from csperf.targets.backtest import backtest
from csperf.targets.model import Model
from csperf.targets.settings import TargetSettings

SETTINGS = TargetSettings(resamples=0)
GOAL, STRETCH, BEST = 0.65, 0.20, 0.10
NOMINAL = 0.90
RESAMPLES = 200
Measured = dict[str, float]


def targets(world: World, rng: np.random.Generator) -> Measured:
    """Attained shares less the goal, coverage of the next month's range, the best tenth, the parts of the variance."""
    team = draw(world, rng)
    model = team.model(SETTINGS)
    target = model.forecast.value_met_by(GOAL)
    parts = {name: float(np.sqrt(getattr(model.noise, name))) for name in ("between", "wobble", "shared")}
    return {
        "goal": _attained(team, model, target) - GOAL,
        "stretch": _attained(team, model, model.forecast.value_met_by(STRETCH)) - STRETCH,
        "oracle": _attained(team, model, oracle(team, GOAL, rng)) - GOAL,
        "covered": _covered(team, model, target),
        "best": _best(team, model.noise.sustained) - float(np.quantile(_truth(team), _tail(world))),
        "best_found": _best(team, model.noise.sustained),
        **parts,
        **_by_level(team, model),
    }


def _attained(team: Team, model: Model, target: float, place: int | None = None) -> float:
    """The share of those expected who then met it, over the months to come."""
    future = team.future[_places(model)]
    if place is not None:
        future = future[model.panel.level[model.panel.team] == place]
    return Forecast(future[np.isfinite(future)][None, :], team.world.higher).attainment(target)


def _places(model: Model) -> np.ndarray:
    """The team's places among all the agents that were drawn."""
    return np.array([int(name[1:]) for name in model.panel.agents])[model.panel.team]


def _covered(team: Team, model: Model, target: float) -> float:
    """Whether as many met it next month as the range says; of those who came."""
    came = team.future[_places(model), 0]
    here = np.isfinite(came)
    low, high = model.forecast.of(here).range(target)
    return float(low <= Forecast(came[here][None, :], team.world.higher).met(target)[0] <= high)


def _truth(team: Team) -> np.ndarray:
    return natural(team.world, team.truth)


def _tail(world: World) -> float:
    return 1 - BEST if world.higher else BEST


def _best(team: Team, scaled: np.ndarray) -> float:
    """What the best tenth sustain, in the metric's unit."""
    return float(np.quantile(team.world.how.natural(scaled), _tail(team.world)))


def _by_level(team: Team, model: Model) -> Measured:
    """Attained less the goal for each level's own target."""
    places = range(len(team.world.levels))
    return {f"level_{p}": _attained(team, model, model.level_forecast(p).value_met_by(GOAL), p) - GOAL for p in places}


def half_width(world: World, rng: np.random.Generator, true_value: float) -> Measured:
    """Whether the interval of a target holds the value of all agents and months there could be, and half its width."""
    team = draw(world, rng)
    made = team.panel
    share = np.array([GOAL])
    values = resampled(
        world.how, made.value, made.n, team.planned, share, higher=world.higher, rng=rng, resamples=RESAMPLES
    )[:, 0, 0]
    low, high = np.quantile(values, [(1 - NOMINAL) / 2, (1 + NOMINAL) / 2])
    return {"covered": float(low <= true_value <= high), "half_width": float(high - low) / 2}


def value_of_all(world: World, rng: np.random.Generator, agents: int = 200_000) -> float:
    """The value that GOAL of all agents there could be would meet in a month there could be."""
    spread = float(np.hypot(world.between, world.shared))  # each agent meets a month of their own
    everybody = World(**{**vars(world), "agents": agents, "months": 0, "between": spread, "shared": 0.0})
    return float(np.quantile(draw(everybody, rng).value[:, 0], 1 - GOAL if world.higher else GOAL))


def walked(world: World, rng: np.random.Generator) -> Measured:
    """What the back-test says of a method that is right: next month's row of the model."""
    frame = backtest(draw(world, rng).panel, SETTINGS)
    row = frame[(frame["horizon"] == 1) & (frame["method"] == "model")].iloc[0]
    return {"passed": float(row["verdict"] == "PASS"), "walked_bias": row["bias"], "walked_covered": row["coverage"]}


def shift(rng: np.random.Generator, *, weaker_at_night: bool, agents: int = 24, months: int = 6) -> Measured:
    """How far a night that costs 6 points is misjudged: from pooled strata, and within agents."""
    ability = 0.05 * rng.standard_normal(agents)
    leaning = 0.5 - (6 * ability if weaker_at_night else 0) + 0.1 * rng.standard_normal((months, agents))
    nights = np.clip(leaning, 0, 1).T
    n = np.round(rng.uniform(100, 700, (agents, months))).astype(int)
    at_night = rng.binomial(n, nights)
    cases = np.stack([n - at_night, at_night], axis=-1)
    month = 0.015 * rng.standard_normal(months) + 0.025 * rng.standard_normal((agents, months))
    mean = 0.8 + ability[:, None, None] + month[..., None] + np.array([0, -0.06])
    met = rng.binomial(cases, np.clip(mean, 0, 1))
    agent, cell_month, stratum = (place.ravel() for place in np.indices(cases.shape))
    sums = agent * months + cell_month, stratum[:, None], met.ravel().astype(float), cases.ravel().astype(float)
    pooled, within = standardise(*sums), standardise(*sums, agent=agent)
    return {
        "pooled": float(np.diff(pooled.rates)[0]) + 0.06,
        "within": float(np.diff(within.rates)[0]) + 0.06,
        "raw_error": _error(pooled.raw, ability, months),
        "adjusted_error": _error(within.adjusted, ability, months),
    }


def _error(cells: np.ndarray, ability: np.ndarray, months: int) -> float:
    """How far agents' means lie from what they can do, root mean square."""
    means = cells.reshape(-1, months).mean(axis=1)
    return float(np.std(means - ability))


def season(rng: np.random.Generator, *, adjusted: bool, cost: float = 0.08) -> Measured:
    """Attained less the goal in ordinary months, after two peaks a year apart that cost everybody 8 points."""
    world = World("season", 30, 24)
    team = draw(world, rng)
    peak = np.isin(np.arange(world.months + FUTURE), (4, 16))
    team.value[:, peak] = np.clip(team.value[:, peak] - cost, 0, 1)
    if adjusted:
        past = team.value[:, : world.months]
        agent, month = (place.ravel() for place in np.indices(past.shape))
        cases = team.n[:, : world.months].ravel()
        standard = standardise(np.arange(past.size), peak[month][:, None], past.ravel() * cases, cases, agent=agent)
        ordinary = standard.rates[standard.stratum[~peak[month]][0]]
        team.value[:, : world.months] = np.clip(
            standard.adjusted.reshape(past.shape) + ordinary - standard.overall, 0, 1
        )
    model = team.model(SETTINGS)
    target = model.forecast.value_met_by(GOAL)
    return {"goal": _attained(team, model, target) - GOAL, "covered": _covered(team, model, target)}


def platform(rng: np.random.Generator, *, days: int = 180, day_sd: float = 0.06, alpha: float = 0.05) -> Measured:
    """The yearly breach that really follows from a floor set on past days (METHOD 1.4's world: limit .50)."""
    limit, a_day, mean = 0.50, 300, 0.75
    rho = day_sd**2 / (mean * (1 - mean))
    size = 1 / rho - 1
    n = np.maximum(rng.poisson(a_day, days), 1)
    met = rng.binomial(n, rng.beta(mean * size, (1 - mean) * size, days))
    floor = platform_floor(n, limit, upper_day_spread(met, n, seed=int(rng.integers(2**31))), alpha, 100, days=365)
    breach = float(breach_probability(floor, a_day, limit, rho, 365, 100))
    return {"held": float(breach <= alpha), "breach": breach, "floor": floor}
