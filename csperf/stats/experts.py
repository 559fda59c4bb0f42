"""What people think matters: how far raters agree, what their comparisons come to, and what a table's spread says.

Ratings are items x raters; weights sum to 1. Spread-based weights (CRITIC, entropy) never saw an outcome: they say
how much the columns of a table differ, not what matters, and are for display.
"""

from __future__ import annotations

import numpy as np
import scipy

Array = np.ndarray
# Mean consistency index of random comparisons by size (Saaty 1980), from 1 to 15 items.
RANDOM_INDEX = (0, 0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)
LEAST_POINTS = 0.5  # of 100: what 0 counts as in a geometric mean, which one single 0 would make 0


def kendall_w(ratings: Array) -> tuple[float, float, float]:
    """Agreement of the raters from 0 to 1, its chi-square and p, corrected for ties (Kendall 1948).

    `ratings`: items x raters, at least 2 of each. W is NaN where every rater gives every item the same.
    """
    ranks = np.apply_along_axis(scipy.stats.rankdata, 0, np.asarray(ratings, float))
    items, raters = ranks.shape
    apart = ((ranks.sum(axis=1) - ranks.sum(axis=1).mean()) ** 2).sum()
    ties = sum((counts**3 - counts).sum() for counts in (np.unique(r, return_counts=True)[1] for r in ranks.T))
    most = raters**2 * (items**3 - items) - raters * ties
    w = 12 * apart / most if most > 0 else np.nan
    statistic = raters * (items - 1) * w
    return float(w), float(statistic), float(scipy.stats.chi2.sf(statistic, items - 1))


def ahp(matrix: Array) -> tuple[Array, float]:
    """Weights from comparisons of every two items, and how far these contradict each other (CR; above .10 too far).

    `matrix` [i, j]: how many times as important i is as j. Principal eigenvector (Saaty 1980). ValueError unless it is
    square, positive and reciprocal, of at most 15 items.
    """
    matrix = np.asarray(matrix, float)
    size = len(matrix)
    if matrix.shape != (size, size) or size > len(RANDOM_INDEX):
        raise ValueError(f"comparisons must be square, of at most {len(RANDOM_INDEX)} items, not {matrix.shape}")
    if not (matrix > 0).all() or not np.allclose(matrix * matrix.T, 1, atol=1e-6):
        raise ValueError("comparisons must be positive, and [j, i] must be 1 / [i, j]")
    roots, vectors = np.linalg.eig(matrix)
    place = roots.real.argmax()
    weights = np.abs(vectors[:, place].real)
    index = RANDOM_INDEX[size - 1]
    consistency = (roots.real[place] - size) / (size - 1) / index if index else 0.0
    return weights / weights.sum(), float(max(consistency, 0.0))


def critic(matrix: Array, better: Array | None = None) -> Array:
    """Weights by how much each column varies and how little it repeats the others (Diakoulaki et al. 1995).

    `matrix`: alternatives x criteria; `better`: 1 or -1 for each criterion (default: all 1, higher is better).
    A column that does not vary gets 0.
    """
    scaled = _unit_scaled(np.asarray(matrix, float), better)
    spread = scaled.std(axis=0, ddof=1)
    varies = spread > 0
    told = np.zeros(len(spread))
    if varies.sum() == 1:
        told[varies] = 1.0
    elif varies.any():
        told[varies] = spread[varies] * (1 - np.corrcoef(scaled[:, varies], rowvar=False)).sum(axis=0)
    return told / told.sum() if told.sum() > 0 else np.full(len(spread), 1 / len(spread))


def spread_weights(matrix: Array) -> Array:
    """Weights in proportion to the columns' standard deviations (ddof 1)."""
    spread = np.asarray(matrix, float).std(axis=0, ddof=1)
    return spread / spread.sum()


def entropy(matrix: Array) -> Array:
    """Weights by how unevenly each column is spread over the rows (Shannon); columns must not be negative."""
    matrix = np.asarray(matrix, float)
    part = matrix / np.maximum(matrix.sum(axis=0), 1e-300)
    even = -(part * np.log(np.where(part > 0, part, 1))).sum(axis=0) / np.log(len(matrix))
    return (1 - even) / (1 - even).sum() if (1 - even).sum() > 0 else np.full(matrix.shape[1], 1 / matrix.shape[1])


def quartiles(points: Array) -> tuple[Array, Array, Array]:
    """Median, lower and upper quartile of each item's points over the raters."""
    low, middle, high = np.quantile(points, [0.25, 0.5, 0.75], axis=1)
    return middle, low, high


def pooled(points: Array, few: int = 7) -> Array:
    """The raters' weights as one: of fewer than `few` raters the median, else the geometric mean; sums to 1."""
    points = np.asarray(points, float)
    middle = np.median(points, axis=1) if points.shape[1] < few else _geometric_mean(points)
    if middle.sum() <= 0:
        middle = points.mean(axis=1)
    return middle / middle.sum()


def pooled_variance(points: Array) -> Array:
    """The sampling variance of each item's pooled weight: that of the raters' own weights over their number.

    Of a single rater nothing is known of the spread: infinite.
    """
    own = points / points.sum(axis=0)
    raters = own.shape[1]
    return own.var(axis=1, ddof=1) / raters if raters > 1 else np.full(len(own), np.inf)


def camps(ratings: Array) -> Array:
    """The camp of each rater, 0 (the larger) or 1: who ranks the items alike (average linkage on Spearman)."""
    raters = ratings.shape[1]
    if raters < 3:
        return np.arange(raters)
    alike = np.nan_to_num(np.atleast_2d(scipy.stats.spearmanr(ratings).statistic), nan=0.0)
    apart = 1 - alike
    np.fill_diagonal(apart, 0.0)
    tree = scipy.cluster.hierarchy.linkage(scipy.spatial.distance.squareform(apart, checks=False), "average")
    groups = scipy.cluster.hierarchy.fcluster(tree, 2, "maxclust") - 1
    return groups if (groups == 0).sum() >= (groups == 1).sum() else 1 - groups


def _geometric_mean(points: Array) -> Array:
    return np.exp(np.log(np.maximum(points, LEAST_POINTS)).mean(axis=1))


def _unit_scaled(matrix: Array, better: Array | None) -> Array:
    """Each column from 0, its worst, to 1, its best."""
    low, high = matrix.min(axis=0), matrix.max(axis=0)
    scaled = (matrix - low) / np.where(high > low, high - low, 1.0)
    if better is None:
        return scaled
    return np.where(np.asarray(better) < 0, np.where(high > low, 1 - scaled, 0.0), scaled)
