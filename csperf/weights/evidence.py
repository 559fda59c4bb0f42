"""What the data say: how much each metric has to do with the outcome, how firmly, and whether that may count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

from ..stats import importance
from .settings import WeightSettings

Array = np.ndarray
# METHOD 2.2: the 95 % quantiles are called 90 %, because that is what they cover (bench/weights.py).
TAILS = (0.025, 0.975)
MODEL_DOUBT = 0.03  # of 1: added to every weight's standard error, because no model of effects is right
FALSE_SHARE = 0.10  # of the metrics called of the wrong sign (Benjamini & Hochberg 1995)
CROSS_CHECK = 0.25  # ridge and LMG further apart than this are noted
TANGLED = 5.0  # variance inflation beyond which effects are hard to tell apart


@dataclass(frozen=True)
class Evidence:
    """Weights from data, as shares of 1, one per metric; codes of METHOD 7 that apply to all of them.

    gate: full, indicative or refused; `most`: the share of the final weight that these may make up. `p`: how often
    exchanged agents explain as much; `instability`: how much of the weight would move with other agents; `variance`:
    of each weight. simple: rank correlation with the outcome, with its range. lmg, johnson: cross-checks, NaN where
    there are more metrics than LMG can take. cluster: metrics of one number say the same. wrong: of the wrong sign.
    """

    weights: Array
    low: Array
    high: Array
    variance: Array
    simple: Array
    simple_low: Array
    simple_high: Array
    lmg: Array
    johnson: Array
    vif: Array
    cluster: Array
    wrong: Array
    agents: int
    months: int
    p: float
    instability: float
    codes: tuple[str, ...]
    gate: str
    most: float

    @property
    def half_width(self) -> float:
        """Mean half-width of the weights' ranges, in points of 100."""
        return float(50 * (self.high - self.low).mean())


def gather(
    x: Array,
    y: Array,
    agent: Array,
    month: Array,
    settings: WeightSettings,
    split: Array | None = None,
) -> Evidence:
    """The evidence of cells (agent-months): x [cells, metrics], y [cells], higher is better, adjusted already.

    `agent`, `month`: numbers from 0; `split`: how the weight of metrics that say the same is shared out among them
    (any scale; default: equally).
    """
    rng = np.random.default_rng([settings.seed, x.shape[1]])
    simple, simple_low, simple_high, wrong = _simple(x, y, agent, month, rng, settings)
    cluster = importance.clusters(np.maximum(_related(x), 0.0), settings.alike)
    usable = ~wrong
    groups = np.unique(cluster[usable])
    shared = _shared_out(cluster, usable, groups, split)
    blocks = importance.Blocks.of(_composites(x, cluster, usable, groups), y, agent, month) if len(groups) else None
    weights, low, high, variance, p, instability = _weighed(blocks, rng, settings)
    agents, months = len(np.unique(agent)), len(np.unique(month))
    codes, gate, most = _gate(agents, months, len(y), len(groups), p, instability, settings)
    lmg, johnson = _cross_checks(x, y)
    by_metric: dict[str, Any] = {"weights": weights @ shared, "low": low @ shared, "high": high @ shared}
    by_metric |= {"variance": variance @ shared**2 + MODEL_DOUBT**2, "lmg": lmg, "johnson": johnson}
    by_metric |= {"simple": simple, "simple_low": simple_low, "simple_high": simple_high, "wrong": wrong}
    whole: dict[str, Any] = {"agents": agents, "months": months, "p": p, "instability": instability}
    whole |= {"codes": codes, "gate": gate, "most": most}
    return Evidence(**by_metric, **whole, vif=importance.vif(x), cluster=cluster)


def _related(x: Array) -> Array:
    return np.atleast_2d(np.corrcoef(x, rowvar=False))


def _simple(
    x: Array, y: Array, agent: Array, month: Array, rng: np.random.Generator, settings: WeightSettings
) -> tuple[Array, Array, Array, Array]:
    """Spearman with the outcome, its range over resampled agents, and where it lies clearly on the wrong side."""
    from statsmodels.stats.multitest import multipletests

    ranks = np.apply_along_axis(scipy.stats.rankdata, 0, x)
    ranked = importance.Blocks.of(ranks, scipy.stats.rankdata(y), agent, month)
    moments = ranked.moments()
    counts = rng.multinomial(len(moments), np.full(len(moments), 1 / len(moments)), size=settings.resamples)
    found = _with_outcome(moments.sum(0)[None])[0]
    drawn = _with_outcome(np.tensordot(counts, moments, axes=1))
    low, high = np.quantile(drawn, TAILS, axis=0)
    odds = 2 * scipy.stats.norm.sf(np.abs(found) / np.maximum(drawn.std(axis=0), 1e-12))
    clear = multipletests(odds, alpha=FALSE_SHARE, method="fdr_bh")[0]
    return found, low, high, clear & (high < 0)


def _with_outcome(moments: Array) -> Array:
    scale = np.sqrt(np.maximum(np.diagonal(moments, axis1=-2, axis2=-1), 1e-300))
    return moments[..., :-1, -1] / (scale[..., :-1] * scale[..., -1:])


def _composites(x: Array, cluster: Array, usable: Array, groups: Array) -> Array:
    """One column per cluster: the mean of its usable metrics, each standardised."""
    scaled = (x - x.mean(0)) / np.maximum(x.std(0), 1e-300)
    return np.column_stack([scaled[:, (cluster == group) & usable].mean(axis=1) for group in groups])


def _shared_out(cluster: Array, usable: Array, groups: Array, split: Array | None) -> Array:
    """How much of each cluster's weight each metric gets: [clusters, metrics]."""
    part = np.ones(len(cluster)) if split is None else np.nan_to_num(np.asarray(split, float))
    given = (cluster[None, :] == groups[:, None]) & usable
    amount = given * part
    total = amount.sum(axis=1, keepdims=True)
    equal = given / np.maximum(given.sum(axis=1, keepdims=True), 1)
    return np.where(total > 0, amount / np.where(total > 0, total, 1.0), equal)


def _weighed(
    blocks: importance.Blocks | None, rng: np.random.Generator, settings: WeightSettings
) -> tuple[Array, Array, Array, Array, float, float]:
    """Weights of the clusters, their ranges and variances, p, and how far other agents would move them."""
    if blocks is None:
        none = np.zeros(0)
        return none, none, none, none, 1.0, 1.0
    weights, _explained = importance.weights(blocks.moments().sum(0), blocks.cells)
    if np.isnan(weights).any():  # not one effect is positive
        zeros = np.zeros(len(weights))
        return zeros, zeros, zeros + 1.0, zeros + 1.0, 1.0, 1.0
    others = importance.resampled_weights(blocks, rng, settings.resamples)
    moved = np.where(np.isnan(others).any(axis=1), 1.0, importance.distance(others, weights))
    drawn = importance.shares(importance.effect_draws(blocks, rng, settings.draws))
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    low, high = np.quantile(drawn, TAILS, axis=0) if len(drawn) else (0 * weights, 0 * weights + 1)
    p = importance.permutation_p(blocks, rng, settings.permutations)
    return weights, np.minimum(low, weights), np.maximum(high, weights), drawn.var(axis=0), p, float(moved.mean())


def _gate(
    agents: int, months: int, cells: int, metrics: int, p: float, instability: float, settings: WeightSettings
) -> tuple[tuple[str, ...], str, float]:
    """Why the data may not, or only in part, carry the weights; refused, indicative or full; and up to which share."""
    thin = agents < settings.min_agents or months < settings.min_months or cells < settings.cells_per_metric * metrics
    refused = {
        "WEIGHTS_THIN": thin,
        "WEIGHTS_NO_SIGNAL": p > settings.alpha,
        "WEIGHTS_UNSTABLE": instability > settings.too_unsteady,
    }
    if codes := tuple(code for code, holds in refused.items() if holds):
        return codes, "refused", 0.0
    few = agents < settings.full_agents or cells < settings.full_cells
    if few or instability > settings.unsteady:
        return ("WEIGHTS_INDICATIVE",), "indicative", settings.most_indicative
    return (), "full", settings.most_full


def _cross_checks(x: Array, y: Array) -> tuple[Array, Array]:
    """LMG and Johnson's weights as shares of 1."""
    if x.shape[1] > importance.MOST_METRICS:
        return np.full(x.shape[1], np.nan), importance.shares(importance.johnson_weights(x, y))
    return importance.shares(importance.lmg(x, y)), importance.shares(importance.johnson_weights(x, y))
