"""What lies further off than chance explains: agents beside each other, months after one another.

There is no p-chart: with more than 500 cases a month it calls almost every year of a steady shop out of control
(98 % of 12-month charts), because it knows no chance but the binomial.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

Array = np.ndarray
WARNING, ACTION = 0.95, 0.998  # the two limits of a funnel plot (Spiegelhalter 2005)
FALSE_SHARE = 0.05  # of those listed, at most this share by chance (Benjamini & Hochberg 1995)
FEW = 8  # agents, or months: fewer are shown without limits
THREE_SIGMA = 0.9973
MOVING_RANGE_TO_LIMITS = 2.66  # 3 / d2 for ranges of two, d2 = 1.128 (Shewhart 1931; Nelson 1982)
ROUNDS, SETTLED = 60, 1e-9


@dataclass(frozen=True)
class Apart:
    """Each agent beside all the others, on the scale the values came in; NaN where not seen or too few.

    z, p: the predictive t statistic and its two-sided p. listed: those called different, of whom at most FALSE_SHARE
    by chance. expected: where the others put the agent; limits: (lower, upper) for each level asked for.
    """

    z: Array
    p: Array
    listed: Array
    expected: Array
    limits: tuple[tuple[Array, Array], ...]


def wilson(y: Any, n: Any, level: float = WARNING) -> tuple[Array, Array]:
    """Wilson's interval of the share y / n (1927), through statsmodels; NaN where n is 0."""
    from statsmodels.stats.proportion import proportion_confint

    y, n = np.broadcast_arrays(np.asarray(y, float), np.asarray(n, float))
    cases = np.where(n > 0, n, np.nan)
    low, high = proportion_confint(y, cases, alpha=1 - level, method="wilson")
    share = y / cases  # the last bit of a rounded limit may lie on the wrong side of 0 or 1
    return np.minimum(low, share), np.maximum(high, share)


def funnel_limits(
    n: Any, centre: float, level: float | Sequence[float] = (WARNING, ACTION)
) -> tuple[tuple[Array, Array], ...]:
    """(lower, upper) for each level: how far shares of n cases stray from `centre` by binomial chance alone, in 0-1.

    Agents differ by more than that in truth, so this is the funnel of equals; `apart` allows for true differences.
    """
    n, out = np.asarray(n, float), []
    error = np.sqrt(centre * (1 - centre) / np.where(n > 0, n, np.nan))
    for one in np.atleast_1d(level):
        reach = scipy.stats.norm.ppf((1 + one) / 2) * error
        out.append((np.clip(centre - reach, 0, 1), np.clip(centre + reach, 0, 1)))
    return tuple(out)


def funnel_place(y: Any, n: Any, centre: float, level: Sequence[float] = (WARNING, ACTION)) -> Array:
    """How many limits a share lies outside, negative below: 0 within, 1 beyond the first, 2 beyond the second.

    Judged by the share's own Wilson interval at each level, which does not fail near 0 and 1.
    """
    inside = [wilson(y, n, one) for one in level]
    return np.sum([np.where(low > centre, 1, np.where(high < centre, -1, 0)) for low, high in inside], axis=0)


def xmr_limits(values: Any) -> tuple[float, float, float]:
    """(centre, lower, upper) of Shewhart's chart of single values; missing ones are left out, NaN below two values."""
    x = np.asarray(values, float)
    x = x[np.isfinite(x)]
    if len(x) < 2:
        return (float(x[0]) if len(x) else np.nan), np.nan, np.nan
    reach = MOVING_RANGE_TO_LIMITS * np.abs(np.diff(x)).mean()
    return float(x.mean()), float(x.mean() - reach), float(x.mean() + reach)


def shrink(
    y: Any, n: Any, *, prior: tuple[float, float] | None = None, level: float = WARNING
) -> tuple[Array, Array, Array]:
    """(value, low, high): each share y / n pulled to the common mean as far as chance could have moved it.

    Empirical Bayes with a beta prior by moments. `prior`: its mean and how many cases it is worth; default: from the
    data, so that the pull is unbiased. With equal n that is the James-Stein estimator (Efron & Morris 1977). Three
    shares or fewer cannot say how far they truly differ and stay as they are, with Wilson's interval. NaN where n is 0.
    """
    y, n = np.broadcast_arrays(np.asarray(y, float), np.asarray(n, float))
    cases = np.where(n > 0, n, np.nan)
    raw = y / cases
    mean, worth = prior if prior is not None else _prior(raw[n > 0], n[n > 0])
    pull = 1.0 if np.isinf(worth) else worth / (cases + worth)
    value = pull * mean + (1 - pull) * raw
    spread = np.where(np.isinf(worth), 0.0, value * (1 - value) / (cases + worth + 1))
    if prior is None:
        spread = spread + _doubt_of_prior(raw, n, mean, pull)
    usable = (worth > 0) & (spread > 0)
    size = np.maximum(value * (1 - value) / np.where(usable, spread, np.nan) - 1, 1e-9)
    tails = [scipy.stats.beta.ppf(q, value * size, (1 - value) * size) for q in ((1 - level) / 2, (1 + level) / 2)]
    low, high = (np.where(usable, tail, own) for tail, own in zip(tails, wilson(y, n, level), strict=True))
    return value, low, high


def apart(
    x: Any, variance: Any, *, levels: Sequence[float] = (WARNING, ACTION), false_share: float = FALSE_SHARE
) -> Apart:
    """Who differs from the others: leave-one-out predictive t, on a scale where `variance` is the sampling variance.

    The others' mean and true spread (Paule & Mandel 1982) come without the agent in question, so that an outlier does
    not hide behind the spread it makes. `x` is [..., agents]; axes before it are separate worlds.
    """
    x, variance = np.asarray(x, float), np.asarray(variance, float)
    expected, error, others = _others(x, variance)
    enough = np.isfinite(x) & (others >= FEW - 1)
    free = np.where(enough, others - 1, 1)
    z = np.where(enough, (x - expected) / error, np.nan)
    p = np.where(enough, 2 * scipy.stats.t.sf(np.abs(z), free), np.nan)
    reach = [np.where(enough, scipy.stats.t.ppf((1 + level) / 2, free) * error, np.nan) for level in levels]
    listed = np.apply_along_axis(_false_discoveries_kept_down, -1, p, false_share)
    limits = tuple((expected - r, expected + r) for r in reach)
    return Apart(z, p, listed, np.where(enough, expected, np.nan), limits)


def past_months(x: Any, season: Any = None, *, false_share: float = FALSE_SHARE) -> tuple[Array, Array]:
    """(residual, listed) of each month of a series: how far from all the others, and which are called different.

    Deleted studentised residuals, t with T - 2 degrees of freedom, through statsmodels. `season`: a label for each
    month, whose mean is taken out. NaN and nobody listed below FEW months; missing months stay NaN.
    """
    from statsmodels.regression.linear_model import OLS

    x = np.asarray(x, float)
    seen = np.isfinite(x)
    labels = _labels(x, season)[seen]
    residual, listed = np.full(x.shape, np.nan), np.zeros(x.shape, bool)
    if seen.sum() - len(np.unique(labels)) < FEW - 1 or np.ptp(x[seen]) == 0:
        return residual, listed
    found = OLS(x[seen], _seasons(labels, labels)).fit().outlier_test(method="fdr_bh", alpha=false_share)
    residual[seen], listed[seen] = found[:, 0], found[:, 2] < false_share
    return residual, listed


def next_month(x: Any, level: float = THREE_SIGMA, season: Any = None, coming: Any = 0) -> tuple[float, float, float]:
    """(centre, lower, upper) for the month after the series x: prediction limits by t with T - 1 degrees of freedom.

    `season`: a label for each month, and `coming` that of the next, whose own mean is then the centre. NaN limits
    below two months, FEW says from when on they are worth drawing; all NaN for a season never seen.
    """
    from statsmodels.regression.linear_model import OLS

    x = np.asarray(x, float)
    seen = np.isfinite(x)
    labels = _labels(x, season)[seen]
    here = x[seen][labels == coming]
    if not len(here) or len(labels) <= len(np.unique(labels)):
        return (float(here.mean()) if len(here) else np.nan), np.nan, np.nan
    predicted = OLS(x[seen], _seasons(labels, labels)).fit().get_prediction(_seasons(np.array([coming]), labels))
    ((lower, upper),) = predicted.conf_int(obs=True, alpha=1 - level)
    return float(here.mean()), float(lower), float(upper)


def _labels(x: Array, season: Any) -> Array:
    return np.zeros(x.shape, int) if season is None else np.asarray(season)


def _seasons(labels: Array, known: Array) -> Array:
    """One column for each season of `known`, 1 where the label is that season."""
    return (labels[:, None] == np.unique(known)[None, :]).astype(float)


def _prior(raw: Array, n: Array) -> tuple[float, float]:
    """Mean of the shares, and how many cases the prior is worth: 0 where it cannot be told, infinite if all are one.

    Paule & Mandel's equation with k - 3 in place of k - 1 makes the pull unbiased instead of the variance.
    """
    if not len(raw):
        return np.nan, 0.0
    mean = float((raw * n).sum() / n.sum())
    chance = mean * (1 - mean)
    if len(raw) <= 3 or chance == 0:
        return mean, 0.0
    if np.ptp(raw) == 0:
        return mean, np.inf
    between = _between((raw - mean) ** 2, chance / n, len(raw) - 3)
    return mean, float(chance / between) if between > 0 else np.inf


def _doubt_of_prior(raw: Array, n: Array, mean: float, pull: Array | float) -> Array:
    """The variance that comes from the common mean and from the pull being estimated themselves (Morris 1983)."""
    free = max(int((n > 0).sum()) - 3, 1)
    return pull**2 * (mean * (1 - mean) / max(n.sum(), 1) + 2 / free * (raw - mean) ** 2)


def _between(squares: Array, variance: Array, free: int) -> float:
    """The extra variance at which the sum of squares / (variance + extra) is `free`; 0 where it is less without."""
    extra = 0.0
    for _round in range(ROUNDS):
        weight = 1 / (variance + extra)
        step = ((weight * squares).sum() - free) / (weight**2 * squares).sum()
        if step <= SETTLED * (extra + variance.min()):
            break
        extra += step
    return extra


def _others(x: Array, variance: Array) -> tuple[Array, Array, Array]:
    """For each agent what all the others predict: mean, standard error of a new value, and how many they are.

    Solved here for all at once; statsmodels' combine_effects solves one at a time and may stop at 0 before the root.
    """
    size = x.shape[-1]
    seen = np.isfinite(x)
    other = seen[..., None, :] & ~np.eye(size, dtype=bool)
    values, chance = np.where(seen, x, 0.0)[..., None, :], np.where(seen, variance, 1.0)[..., None, :]
    count = other.sum(-1)
    between = np.zeros(x.shape)
    for _round in range(ROUNDS):
        weight = np.where(other, 1 / (chance + between[..., None]), 0.0)
        total = np.maximum(weight.sum(-1), 1e-300)
        mean = (weight * values).sum(-1) / total
        squares = (values - mean[..., None]) ** 2
        slope = (weight**2 * squares).sum(-1)
        step = ((weight * squares).sum(-1) - (count - 1)) / np.where(slope > 0, slope, np.inf)
        moved = np.maximum(between + step, 0.0) - between
        between = between + moved
        if (np.abs(moved) <= SETTLED * (between + chance.min())).all():
            break
    return mean, np.sqrt(np.where(seen, variance, np.nan) + between + 1 / total), count


def _false_discoveries_kept_down(p: Array, false_share: float) -> Array:
    from statsmodels.stats.multitest import multipletests

    listed, known = np.zeros(p.shape, bool), np.isfinite(p)
    if known.any():
        listed[known] = multipletests(p[known], alpha=false_share, method="fdr_bh")[0]
    return listed
