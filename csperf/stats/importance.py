"""How much each of several metrics has to do with an outcome: shares of R², positive effects, and how firm they are.

x: cells x metrics, y: cells, both free of what should not count (months, shifts, levels: `residuals`). Cells of one
agent are not independent, so all doubt is taken by agent. Everything here is association, nothing is cause.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
import scipy

Array = np.ndarray
MOST_METRICS = 16  # LMG looks at every subset: 65,536 of them
ALIKE = 0.70  # METHOD 2.2: metrics correlated beyond it are one thing said twice
PENALTY, LEAST_PENALTY = 3.0, 0.02  # METHOD 2.2: lambda = 3 p / n + .02


def lmg(x: Array, y: Array) -> Array:
    """Each metric's share of R², averaged over all orders in which they could enter; they sum to R².

    Lindeman, Merenda & Gold (1980), as in relaimpo (Grömping 2006). ValueError for more than 16 metrics.
    """
    within, across = _correlations(x, y)
    p = len(across)
    if p > MOST_METRICS:
        raise ValueError(f"lmg looks at all subsets: at most {MOST_METRICS} metrics, not {p}")
    explained = _explained_by_subset(within, across)
    subsets = np.arange(1 << p)
    size = np.array([bin(subset).count("1") for subset in subsets])
    weight = np.array([factorial(s) * factorial(p - s - 1) / factorial(p) if s < p else 0.0 for s in range(p + 1)])
    shares = np.empty(p)
    for metric in range(p):
        without = subsets[(subsets >> metric) & 1 == 0]
        gain = explained[without | (1 << metric)] - explained[without]
        shares[metric] = (weight[size[without]] * gain).sum()
    return shares


def johnson_weights(x: Array, y: Array) -> Array:
    """Relative weights: R² shared out over the nearest uncorrelated metrics and led back (Johnson 2000)."""
    within, across = _correlations(x, y)
    roots, axes = np.linalg.eigh(within)
    nearest = (axes * np.sqrt(np.maximum(roots, 0))) @ axes.T
    return nearest**2 @ np.linalg.lstsq(nearest, across, rcond=None)[0] ** 2


def vif(x: Array) -> Array:
    """By how much the others widen the doubt about each metric's effect (above 5: hard to tell apart)."""
    within = np.corrcoef(np.asarray(x, float), rowvar=False).reshape(np.shape(x)[1], -1)
    return np.diag(np.linalg.pinv(within, hermitian=True)).copy()


def clusters(within: Array, alike: float = ALIKE) -> Array:
    """The cluster of each metric, numbered from 0: in one cluster every two correlate beyond `alike`, either way."""
    if len(within) < 2:
        return np.zeros(len(within), int)
    apart = 1 - np.abs(within)
    np.fill_diagonal(apart, 0.0)
    tree = scipy.cluster.hierarchy.linkage(scipy.spatial.distance.squareform(apart, checks=False), "complete")
    groups = scipy.cluster.hierarchy.fcluster(tree, 1 - alike, "distance")
    return np.unique(groups, return_inverse=True)[1]


def residuals(values: Array, design: Array) -> Array:
    """What a least-squares fit on the columns of `design` leaves of each column of `values`."""
    return values - design @ np.linalg.lstsq(design, values, rcond=None)[0]


def positive_ridge(within: Array, across: Array, cells: Array | float) -> Array:
    """Standardised effects, none below 0, shrunk the more the fewer cells there are per metric.

    `within`: correlations among the metrics, [..., metrics, metrics]; `across`: with the outcome, [..., metrics];
    `cells`: [...]. Non-negative least squares (Lawson & Hanson 1974) on the Cholesky factor of the penalised
    correlations.
    """
    p = across.shape[-1]
    penalty = PENALTY * p / np.asarray(cells, float) + LEAST_PENALTY
    factor = np.linalg.cholesky(within + penalty[..., None, None] * np.eye(p))
    aim = np.linalg.solve(factor, across[..., None])[..., 0]
    tables, aims = np.swapaxes(factor, -1, -2).reshape(-1, p, p), aim.reshape(-1, p)
    return np.array([scipy.optimize.nnls(*one)[0] for one in zip(tables, aims, strict=True)]).reshape(across.shape)


def shares(effects: Array) -> Array:
    """Positive effects as shares of their sum along the last axis; NaN where none is positive."""
    kept = np.maximum(effects, 0.0)
    total = kept.sum(-1, keepdims=True)
    return np.where(total > 0, kept / np.where(total > 0, total, 1.0), np.nan)


def distance(one: Array, other: Array) -> Array:
    """Total variation: how much of the weight would have to move for one to become the other."""
    return np.abs(one - other).sum(-1) / 2


def correlation_interval(r: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Where a correlation of n cells may truly lie (Fisher 1921): .8 of 12 months is .42 to .94; NaN below 4 cells."""
    if n < 4 or not np.isfinite(r):
        return np.nan, np.nan
    place, error = np.arctanh(np.clip(r, -1 + 1e-12, 1 - 1e-12)), scipy.stats.norm.ppf((1 + level) / 2) / np.sqrt(n - 3)
    return float(np.tanh(place - error)), float(np.tanh(place + error))


@dataclass(frozen=True)
class Blocks:
    """The cells of each agent, one row of months each: x [agents, months, metrics], y [agents, months], all centred.

    Months in which an agent was not seen are zeros; `seen` [agents, months] says which were.
    """

    x: Array
    y: Array
    seen: Array

    @classmethod
    def of(cls, x: Array, y: Array, agent: Array, month: Array) -> Blocks:
        """Blocks of cells given one by one; `agent` and `month` are numbers from 0. Columns are standardised."""
        shape = agent.max() + 1, month.max() + 1
        blocks = cls(np.zeros((*shape, x.shape[1])), np.zeros(shape), np.zeros(shape, bool))
        blocks.x[agent, month] = _standardised(x)
        blocks.y[agent, month] = _standardised(y[:, None])[:, 0]
        blocks.seen[agent, month] = True
        return blocks

    @property
    def cells(self) -> int:
        """How many agent-months there are."""
        return int(self.seen.sum())

    def moments(self) -> Array:
        """Each agent's sums of products of metrics and outcome: [agents, metrics + 1, metrics + 1]."""
        both = np.concatenate([self.x, self.y[..., None]], axis=-1)
        return np.einsum("atp,atq->apq", both, both)


def weights(moments: Array, cells: Array | float) -> tuple[Array, Array]:
    """Shares of the positive effects, and the part of the outcome's variance they explain.

    `moments`: sums of products, [..., metrics + 1, metrics + 1]; `cells` that they are of: [...].
    """
    scale = np.sqrt(np.maximum(np.diagonal(moments, axis1=-2, axis2=-1), 1e-300))
    related = moments / (scale[..., :, None] * scale[..., None, :])
    within, across = related[..., :-1, :-1], related[..., :-1, -1]
    effects = positive_ridge(within, across, cells)
    explained = 2 * (effects * across).sum(-1) - np.einsum("...p,...pq,...q->...", effects, within, effects)
    return shares(effects), explained


def resampled_weights(blocks: Blocks, rng: np.random.Generator, resamples: int) -> Array:
    """Weights had other agents been sampled: [resamples, metrics]; NaN where no effect was positive."""
    agents = len(blocks.y)
    counts = rng.multinomial(agents, np.full(agents, 1 / agents), size=resamples)
    return weights(np.tensordot(counts, blocks.moments(), axes=1), counts @ blocks.seen.sum(1))[0]


def permutation_p(blocks: Blocks, rng: np.random.Generator, permutations: int) -> float:
    """How often agents' metrics, paired with another agent's outcome of the same months, explain as much.

    Whole agents are exchanged, so that an agent who is always good does not count as many.
    """
    found = weights(blocks.moments().sum(0), blocks.cells)[1]
    sums, cells = [], []
    for _draw in range(permutations):
        other = rng.permutation(len(blocks.y))
        both = blocks.seen & blocks.seen[other]
        shuffled = Blocks(blocks.x * both[..., None], blocks.y[other] * both, both)
        sums.append(shuffled.moments().sum(0))
        cells.append(max(shuffled.cells, 1))
    as_much = weights(np.array(sums), np.array(cells))[1] >= found
    return float((1 + as_much.sum()) / (1 + permutations))


def effect_draws(blocks: Blocks, rng: np.random.Generator, draws: int) -> Array:
    """Standardised effects as they might truly be: multivariate t with (agents - 1) degrees, [draws, metrics].

    Centre: least squares. Spread: CR2, the cluster-robust variance that allows for each agent's own pull on the fit
    (Bell & McCaffrey 2002).
    """
    agents = len(blocks.y)
    sums = blocks.moments().sum(0)
    bread = np.linalg.pinv(sums[:-1, :-1], hermitian=True)
    effects = bread @ sums[:-1, -1]
    roots, axes = np.linalg.eigh(bread)
    left, pull, _right = np.linalg.svd(blocks.x @ (axes * np.sqrt(np.maximum(roots, 0))), full_matrices=False)
    slack = 1 - pull**2
    widening = np.where(slack > 1e-8, 1 / np.sqrt(np.maximum(slack, 1e-8)), 0.0) - 1
    missed = blocks.y - blocks.x @ effects
    along = np.einsum("atk,at->ak", left, missed) * widening
    adjusted = missed + np.einsum("atk,ak->at", left, along)
    score = np.einsum("atp,at->ap", blocks.x, adjusted) @ bread
    roots, axes = np.linalg.eigh(score.T @ score)
    spread = axes * np.sqrt(np.maximum(roots, 0))
    freedom = max(agents - 1, 1)
    normal = rng.standard_normal((draws, len(effects))) @ spread.T
    return effects + normal * np.sqrt(freedom / rng.chisquare(freedom, draws))[:, None]


def _correlations(x: Array, y: Array) -> tuple[Array, Array]:
    both = np.corrcoef(np.column_stack([np.asarray(x, float), np.asarray(y, float)]), rowvar=False)
    return both[:-1, :-1], both[:-1, -1]


def _explained_by_subset(within: Array, across: Array) -> Array:
    """R² of every subset of the metrics; a subset is the number whose bits are its metrics."""
    p = len(across)
    explained = np.zeros(1 << p)
    for subset in range(1, 1 << p):
        of = [metric for metric in range(p) if subset >> metric & 1]
        explained[subset] = across[of] @ np.linalg.lstsq(within[np.ix_(of, of)], across[of], rcond=None)[0]
    return explained


def _standardised(x: Array) -> Array:
    centred = x - x.mean(axis=0)
    return centred / np.maximum(centred.std(axis=0), 1e-300)
