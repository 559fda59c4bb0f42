"""Weights held against made-up teams in which it is known what the outcome rests on: `python -m bench.weights`.

A world: eight metrics, five of which the outcome rests on, 30, 25, 20, 14 and 11 points; three irrelevant ones, two of
them correlated .65 with the two that matter most; the others .1 with each other. The metrics explain .35 of the
outcome's variance. Half of a metric's variance is the agent's, as is .3 of the rest of the outcome; months are
shared. What is seen of a metric holds chance: .05 to .3 of its variance. Raters err by .5 each and by a bias they all
share (logs); to the irrelevant metrics they give 2 points each.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.stats import spearmanr

from bench.measures import Measured
from bench.stats import Claim, Study, printed, run
from csperf.stats.experts import pooled, pooled_variance
from csperf.stats.importance import distance, residuals
from csperf.weights.combine import SHARED_BIAS, Side, blended
from csperf.weights.evidence import Evidence, gather
from csperf.weights.rounding import rounded
from csperf.weights.settings import WeightSettings

Array = np.ndarray
TRUE = np.array([0.30, 0.25, 0.20, 0.14, 0.11, 0.0, 0.0, 0.0])
SHADOWS = {5: 0, 6: 1}  # irrelevant metrics and what they correlate with
SHADOW, NEIGHBOUR = 0.65, 0.10
SEEN = np.array([0.90, 0.85, 0.80, 0.90, 0.70, 0.95, 0.90, 0.85])  # of a metric's variance: what is no chance
BLURRED = np.array([0.80, 0.70, 0.60, 0.80, 0.50, 0.90, 0.80, 0.70])
RATERS, OWN_ERROR, TO_IRRELEVANT = 9, 0.5, 0.02
BIASES = (0.3, 0.6, 0.9)
NOMINAL = 87
SETTINGS = WeightSettings()
GATES = {"full": "DATA", "indicative": "INDICATIVE", "refused": "REFUSED"}


@dataclass(frozen=True)
class Shop:
    """How many agents and months there are, what the metrics explain, and how much of each is no chance."""

    name: str
    agents: int
    months: int
    explained: float = 0.35
    seen: tuple[float, ...] = tuple(SEEN)
    of_agent: float = 0.5
    rest_of_agent: float = 0.3


def draw(shop: Shop, rng: np.random.Generator) -> tuple[Array, Array, Array, Array]:
    """x, y, agent, month of a team, months taken out as the product does."""
    agents, months, count = shop.agents, shop.months, len(TRUE)
    within = _within()
    factor = np.linalg.cholesky(within)
    own = rng.standard_normal((agents, 1, count)) * math.sqrt(shop.of_agent)
    z = (own + rng.standard_normal((agents, months, count)) * math.sqrt(1 - shop.of_agent)) @ factor.T
    effects = TRUE * math.sqrt(shop.explained / (TRUE @ within @ TRUE))
    rest = rng.standard_normal((agents, 1)) * math.sqrt(shop.rest_of_agent)
    rest = rest + rng.standard_normal((agents, months)) * math.sqrt(1 - shop.rest_of_agent)
    y = z @ effects + rest * math.sqrt(1 - shop.explained) + 0.3 * rng.standard_normal((1, months))
    clear = np.array(shop.seen)
    x = z * np.sqrt(clear) + rng.standard_normal(z.shape) * np.sqrt(1 - clear)
    x = x + 0.3 * rng.standard_normal((1, months, count))
    agent, month = (at.ravel() for at in np.indices((agents, months)))
    both = residuals(np.column_stack([x.reshape(-1, count), y.ravel()]), np.eye(months)[month])
    return both[:, :-1], both[:, -1], agent, month


def _within() -> Array:
    """Correlations of the true metrics."""
    within = np.eye(len(TRUE))
    relevant = np.ix_(TRUE > 0, TRUE > 0)
    within[relevant] += NEIGHBOUR * (1 - np.eye(int((TRUE > 0).sum())))
    for shadow, of in SHADOWS.items():
        within[shadow, of] = within[of, shadow] = SHADOW
    return within


def weighed(shop: Shop, rng: np.random.Generator) -> Measured:
    """What the data alone say beside the truth, and together with raters of each bias."""
    x, y, agent, month = draw(shop, rng)
    found = gather(x, y, agent, month, SETTINGS)
    simple = np.maximum(found.simple, 0) / max(np.maximum(found.simple, 0).sum(), 1e-12)
    covered = (found.low <= TRUE + 1e-9) & (found.high >= TRUE - 1e-9)
    measured = {"rank": _rank(found.weights), "off": float(distance(found.weights, TRUE))}
    measured |= {"lmg_off": float(distance(found.lmg, TRUE)), "lmg_rank": _rank(found.lmg)}
    measured |= {"simple_off": float(distance(simple, TRUE)), "simple_rank": _rank(simple)}
    measured |= {"covered": float(covered.mean()), "half_width": found.half_width / 100}
    measured |= {name: float(found.gate == gate) for gate, name in GATES.items()}
    for bias in BIASES:
        measured |= {f"{name}_{bias}": value for name, value in _with_raters(found, bias, rng).items()}
    return measured


def _rank(weights: Array) -> float:
    """Spearman with the truth; 0 where all weights are the same."""
    return float(spearmanr(weights, TRUE).statistic) if np.ptp(weights) > 0 else 0.0


def _with_raters(found: Evidence, bias: float, rng: np.random.Generator) -> Measured:
    """How far raters alone, both together, and these in steps of five are off."""
    believed = np.where(TRUE > 0, TRUE, TO_IRRELEVANT)
    shared = bias * rng.standard_normal((len(TRUE), 1))
    points = believed[:, None] * np.exp(shared + OWN_ERROR * rng.standard_normal((len(TRUE), RATERS)))
    points = 100 * points / points.sum(axis=0)
    said = pooled(points)
    raters = Side(said, pooled_variance(points) + (SHARED_BIAS * said) ** 2, said, said)
    both, part = blended(Side(found.weights, found.variance, found.low, found.high), raters, found.most)
    kept = both >= SETTINGS.min_weight / 200
    steps = np.zeros(len(TRUE))
    steps[kept] = rounded(both[kept], most=SETTINGS.max_weight) / 100
    off = {"raters": said, "both": both, "steps": steps}
    return {name: float(distance(weights, TRUE)) for name, weights in off.items()} | {"part": part}


def studies() -> list[Study]:
    """The worlds with their bounds, then what has none."""
    bounds = {(30, 12): (0.80, 0.20), (60, 12): (0.90, 0.15)}
    found = [_study(Shop(f"{a} x {t}", a, t), *_of_data(*bounds[a, t])) for a, t in bounds]
    found[0] = Study(found[0].world, found[0].measure, (*found[0].claims, *_of_both(0.17, 0.17, 0.20)), found[0].worlds)
    found += [_study(Shop(f"{a} x {t}", a, t), *_of_data(-math.inf, math.inf)) for a, t in ((10, 12), (20, 6))]
    found += [_study(Shop("30 x 12, half of it chance", 30, 12, seen=tuple(BLURRED)), *_of_data(-math.inf, math.inf))]
    lead = (
        Claim("irrelevant metrics: verdict DATA", lambda v: v["DATA"], high=3, unit="%"),
        Claim("irrelevant metrics: verdict INDICATIVE", lambda v: v["INDICATIVE"], unit="%"),
    )
    nothing = [Shop(f"{a} x {t}, irrelevant", a, t, explained=0.0) for a, t in ((30, 12), (60, 12), (20, 6))]
    return [*found, *(_study(shop, *lead) for shop in nothing)]


def _study(shop: Shop, *claims: Claim) -> Study:
    return Study(f"weights, {shop.name}", partial(weighed, shop), claims, 300)


def _of_data(rank: float, off: float) -> tuple[Claim, ...]:
    """Claims about the weights from data alone."""
    bounded = math.isfinite(rank)
    return (
        Claim("data weights: rank correlation with the truth", lambda v: v["rank"], rank, times=1, unit=""),
        Claim("data weights: total variation from the truth", lambda v: v["off"], high=off, times=1, unit=""),
        Claim(
            "nominal 90 % interval of a weight covers",
            lambda v: v["covered"],
            NOMINAL if bounded else -math.inf,
            unit="%",
        ),
        Claim("half-width of a weight", lambda v: v["half_width"]),
        Claim("LMG: total variation", lambda v: v["lmg_off"], times=1, unit=""),
        Claim("LMG: rank correlation", lambda v: v["lmg_rank"], times=1, unit=""),
        Claim("adjusted Spearman: total variation", lambda v: v["simple_off"], times=1, unit=""),
        Claim("adjusted Spearman: rank correlation", lambda v: v["simple_rank"], times=1, unit=""),
        *(Claim(f"verdict {name}", lambda v, name=name: v[name], unit="%") for name in GATES.values()),
    )


def _of_both(*highs: float) -> tuple[Claim, ...]:
    """Claims about data and raters together, the gate on."""
    claims = []
    for bias, high in zip(BIASES, highs, strict=True):
        for name, said, bound in (
            ("both", "combined", high),
            ("raters", "raters alone", math.inf),
            ("steps", "combined, in steps of 5", math.inf),
            ("part", "the data's part", math.inf),
        ):
            words = f"{said}, raters' bias {bias}: " + ("share" if name == "part" else "total variation")
            claims.append(Claim(words, lambda v, k=f"{name}_{bias}": v[k], high=bound, times=1, unit=""))
    return tuple(claims)


def main() -> int:
    """1 where a bound is missed, else 0; a number as argument: so many teams of each world."""
    rows = []
    for row in run(studies(), worlds=int(sys.argv[1]) if len(sys.argv) > 1 else None):
        print(printed(row), flush=True)
        rows.append(row)
    return int(any(row.met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
