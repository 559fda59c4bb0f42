"""What is claimed of the statistics, world by world: METHOD's results with their bounds, then what it did not try."""

from __future__ import annotations

import math
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np

from bench import measures
from bench.stats import CORES, SEED, Claim, Row, Study
from bench.worlds import World, draw
from csperf.targets.backtest import backtest
from csperf.targets.model import fitted
from csperf.targets.settings import TargetSettings

METHOD = World("30 agents x 6 months", 30, 6)
SIZES = ((30, 3), (30, 6), (30, 12), (60, 12))
COVERAGE = Claim("80 % range covers the next month", lambda v: v["covered"], 73, 92, unit="%")
COVERAGE_SEEN = Claim(COVERAGE.name, COVERAGE.of, unit="%")
SMALL = ((10, 6), (10, 3), (6, 1))
BIAS = Claim("goal 65 %: bias over the next 3 months", lambda v: v["goal"])
ERROR = Claim("goal 65 %: mean absolute error, next 3 months", lambda v: abs(v["goal"]))
GAP = Claim("goal 65 %: error above the truth-known oracle's", lambda v: abs(v["goal"]) - abs(v["oracle"]))
STRETCH = Claim("goal 20 %: bias over the next 3 months", lambda v: v["stretch"])
METRICS, LEVELS, MONTHS, AGENTS = 20, (20, 20, 20), 24, 60


def bounded(claim: Claim, low: float, high: float) -> Claim:
    """The claim with bounds."""
    return Claim(claim.name, claim.of, low, high, claim.times, claim.unit)


def studies() -> list[Study]:
    """All studies, in the order of the table."""
    return [*of_method(), *intervals(), *other_kinds(), *teams(), *mixes(), *platform(), *first_month()]


def of_method() -> list[Study]:
    """The paper's own world and its bounds."""
    of_30x6 = (
        Claim("top 10 % sustain: bias", lambda v: v["best"], -0.5, 0.5),
        bounded(ERROR, -math.inf, 6.5),
        bounded(GAP, -math.inf, 1.5),
        bounded(BIAS, -1, 1),
        Claim("spread between agents, true 5.0", lambda v: v["between"], 4.7, 5.3),
        Claim("spread of an agent's month, true 2.5", lambda v: v["wobble"], 2.3, 2.7),
        Claim("spread of a whole month, true 1.5", lambda v: v["shared"], 1.2, 1.8),
    )
    sizes = [
        _targets(World(f"{a} agents x {m} months", a, m), COVERAGE, *(of_30x6 if (a, m) == (30, 6) else ()))
        for a, m in SIZES
    ]
    peaks = [
        _targets(World(f"30 x 6, volume {name}", 30, 6, volume=volume), bounded(STRETCH, -1, 1))
        for name, volume in (("x 8", 8.0), ("/ 8", 1 / 8))
    ]
    small = [_targets(World(f"{a} agents x {m} months", a, m), COVERAGE_SEEN, BIAS, ERROR, GAP) for a, m in SMALL]
    return [*sizes, *peaks, *small]


def first_month() -> list[Study]:
    """Half-widths of a shop that has one month: drawing months anew shows nothing there."""
    found = []
    for agents in (6, 30):
        world = World(f"{agents} agents x 1 month", agents, 1)
        value = measures.value_of_all(world, np.random.default_rng([SEED, agents, 1]))
        claims = (
            Claim("nominal 90 % interval of the target covers", lambda v: v["covered"], unit="%"),
            Claim("half-width of the target", lambda v: v["half_width"]),
        )
        found.append(Study(world.name, partial(measures.half_width, world, true_value=value), claims, 300))
    return found


def _targets(world: World, *claims: Claim) -> Study:
    return Study(world.name, partial(measures.targets, world), claims)


def intervals() -> list[Study]:
    """Half-widths and the back-test's own verdict."""
    found = []
    for agents in (10, 30, 60):
        world = World(f"{agents} agents x 6 months", agents, 6)
        value = measures.value_of_all(world, np.random.default_rng([SEED, agents]))
        claims = (
            Claim("nominal 90 % interval of the target covers", lambda v: v["covered"], 84, 93, unit="%"),
            Claim("half-width of the target", lambda v: v["half_width"]),
        )
        found.append(Study(world.name, partial(measures.half_width, world, true_value=value), claims, 300))
    walk = (
        Claim("back-test passes a method that is right", lambda v: v["passed"], unit="%"),
        Claim("back-test: coverage it reports", lambda v: v["walked_covered"], 73, 92, unit="%"),
    )
    return [*found, Study("30 agents x 12 months", partial(measures.walked, World("", 30, 12)), walk, 300)]


def other_kinds() -> list[Study]:
    """Counts, times, values, and shares close to 1 or 0."""
    complaints = Claim("best 10 % sustain, per 1000, truth 4.49", lambda v: v["best_found"], 4.19, 4.79, 1000, "")
    relative = {"between": 0.25, "wobble": 0.12, "shared": 0.06}
    rare = {"kind": "count", "mean": complaints_mean(0.45, 30), "between": 0.45, "wobble": 0.15, "shared": 0.10}
    worlds = [
        World("times, CV² of a case 1.5", 30, 6, "time", 30.0, cv2=1.5, **relative),
        World("times, heavy tail: CV² of a case 8", 30, 6, "time", 30.0, cv2=8.0, **relative),
        World("values, CV² of a case 1", 30, 6, "value", 120.0, cv2=1.0, **relative),
        World("counts, 5 a day and more", 30, 6, "count", 5.0, **relative),
        World("shares of .95 (logit)", 30, 6, mean=0.95, between=0.4, wobble=0.2, shared=0.12, logit=True),
        World("shares of .98 (logit)", 30, 6, mean=0.98, between=0.4, wobble=0.2, shared=0.12, logit=True),
        World("shares of .05 (logit)", 30, 6, mean=0.05, between=0.4, wobble=0.2, shared=0.12, logit=True),
    ]
    return [
        _targets(World("complaints, 30 x 6", 30, 6, **rare), complaints, COVERAGE, bounded(BIAS, -2, 2), ERROR, GAP),
        *(_targets(world, COVERAGE, bounded(BIAS, -2, 2), ERROR, GAP, STRETCH) for world in worlds),
    ]


def complaints_mean(between: float, agents: int) -> float:
    """The mean at which the best tenth of such teams truly lies at 4.49 per 1000 on average."""
    apart = np.exp(between * np.random.default_rng(SEED).standard_normal((100_000, agents)))
    return float(0.00449 / np.quantile(apart, measures.BEST, axis=1).mean())


def teams() -> list[Study]:
    """Levels of 3 to 8 agents, and agents who come and go."""
    few = (3, 5, 8)
    by_level = tuple(
        Claim(f"goal 65 % of the level of {size}: bias", lambda v, p=p: v[f"level_{p}"], -3, 3)
        for p, size in enumerate(few)
    )
    return [
        _targets(
            World("levels of 3, 5, 8; 3 points apart; 6 months", 16, 6, levels=few, step=0.03), *by_level, COVERAGE
        ),
        _targets(World("levels of 3, 5, 8; alike; 6 months", 16, 6, levels=few), *by_level, COVERAGE),
        _targets(World("30 x 12, agents come and go", 30, 12, stay=0.5), COVERAGE, bounded(BIAS, -2, 2), ERROR),
    ]


def mixes() -> list[Study]:
    """Shift and season."""
    effect = (
        Claim("a night's cost of 6 points: error, pooled strata", lambda v: v["pooled"]),
        Claim("a night's cost of 6 points: error, within agents", lambda v: v["within"], -0.5, 0.5),
        Claim("agents' means off their ability, raw", lambda v: v["raw_error"]),
        Claim("agents' means off their ability, adjusted", lambda v: v["adjusted_error"]),
    )
    nights = [
        Study(name, partial(measures.shift, weaker_at_night=weaker), effect, 300)
        for name, weaker in (("24 x 6, nights by chance", False), ("24 x 6, weaker agents at night", True))
    ]
    peaks = [
        Study(
            "30 x 24, two peaks, adjusted",
            partial(measures.season, adjusted=True),
            (bounded(BIAS, -1.5, 1.5), COVERAGE),
        ),
        Study("30 x 24, two peaks, as they are", partial(measures.season, adjusted=False), (BIAS, COVERAGE_SEEN)),
    ]
    return [*nights, *peaks]


def platform() -> list[Study]:
    """The floor that keeps the yearly risk at 5 %."""
    held = Claim("histories whose yearly breach stays within 5 %", lambda v: v["held"], 75, unit="%")
    breach = Claim("yearly breach at the floor, mean", lambda v: v["breach"], unit="%")
    return [
        Study(
            f"line 50 %, 300 a day, day sd {100 * sd:.0f} points, 180 days",
            partial(measures.platform, day_sd=sd),
            (held, breach),
            300,
        )
        for sd in (0.03, 0.06, 0.10)
    ]


def speed() -> Row:
    """How long all targets of a large team take, with half-widths and back-test."""
    began = time.monotonic()
    with ProcessPoolExecutor(CORES) as pool:
        list(pool.map(_one_metric, range(METRICS)))
    claim = Claim("20 metrics x 3 levels with half-widths and back-test", lambda v: v["s"], high=60, unit="s")
    return Row(claim, "60 agents x 24 months", 1, time.monotonic() - began, 0.0)


def _one_metric(number: int) -> int:
    """Targets of one metric in turn of each kind; the number of rows of its back-test."""
    kind, mean = (("rate", 0.8), ("count", 5.0), ("time", 30.0), ("value", 120.0))[number % 4]
    world = World(
        "", AGENTS, MONTHS, kind, mean, cv2=1.0 if kind in ("time", "value") else 0.0, levels=LEVELS, step=0.02
    )
    settings = TargetSettings(resamples=500)
    model = fitted(draw(world, np.random.default_rng([SEED, number])).panel, settings)
    model.half_widths(settings)
    return len(backtest(model.panel, settings))
