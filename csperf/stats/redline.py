"""How often a shop's day falls below a platform's line, and the level that keeps it above (METHOD 1.4, FIELD F3, F4).

A day's successes are beta-binomial: chance within the day, and days that are better and worse than one another. `rho`
is the share of a case's variance that belongs to the day (the correlation of two cases of one day), so that the true
rates of days have the variance rho * mean * (1 - mean). Days are taken as independent, which overstates the risk of a
year where neighbouring days are alike. That their true rates follow a beta is an assumption: where now and then a day
is far worse than the others, a year breaches more often than these functions say, and the floor at twice rho is nearer.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy

Array = np.ndarray
CONFIDENCE = 0.90  # of the bound on rho: METHOD 1.4, never the estimate itself
RESAMPLES = 500
ROUNDS = 30
SETTLED = 1e-9
MOST = 0.95  # rho beyond which days would be all or nothing
LEAST = 1e-9  # rho below which a beta no longer differs from its mean
ALMOST_SURE = 1 - 1e-16  # keeps log(1 - p) finite
EXTREME = 30.0  # of a mean on the logit scale: 1e-13 from 0 or 1


def breach_probability(
    mean: float | Array,
    n: int | Array,
    limit: float,
    rho: float,
    days: float | Array = 1,
    min_n: int = 0,
    *,
    at_limit: bool = False,
) -> float | Array:
    """The chance that at least one of `days` days with `n` cases each has a rate below `limit`.

    mean, limit: shares 0-1; rho from 0 (binomial) to below 1. A day with fewer than `min_n` cases, or with none, cannot
    breach. `at_limit`: a rate equal to the limit breaches too. Arrays broadcast; numbers give a number. ValueError for
    what lies outside its range or is no whole number of cases.
    """
    mean, n, days = np.asarray(mean, float), np.asarray(n, float), np.asarray(days, float)
    _check_day(n, limit, rho, min_n)
    _check("mean", mean, 0, 1)
    _check("days", days, 0, np.inf)
    last = _last_breaching(n, limit, at_limit)
    inside = np.clip(mean, scipy.special.expit(-EXTREME), scipy.special.expit(EXTREME))
    if rho < LEAST:
        daily = scipy.stats.binom.cdf(last, n, mean)
    else:
        size = 1 / rho - 1
        daily = scipy.stats.betabinom.cdf(last, n, inside * size, (1 - inside) * size)
    daily = np.where(mean <= 0, last >= 0, np.where(mean >= 1, last >= n, daily))
    daily = np.where((n >= min_n) & (n > 0), np.clip(daily, 0, 1), 0.0)
    return _at_least_once(daily, days)[()]


def period_breach(
    mean: float,
    n_by_day: Array,
    limit: float,
    rho: float,
    min_n: int = 0,
    *,
    days: float | None = None,
    at_limit: bool = False,
) -> tuple[float, float]:
    """The expected share of days that breach, and the chance of at least one, over `days` days (default: those given).

    `n_by_day` [days]: the cases of each day, taken as typical of the whole period. Else as `breach_probability`.
    """
    volumes, share = _volumes(n_by_day)
    _check_day(volumes, limit, rho, min_n)
    daily = np.asarray(breach_probability(mean, volumes, limit, rho, min_n=min_n, at_limit=at_limit))
    length = len(n_by_day) if days is None else days
    with np.errstate(divide="ignore"):
        none = (share * np.log1p(-daily)).sum() * length
    return float((share * daily).sum()), float(-np.expm1(none))


def platform_floor(
    n_by_day: Array,
    limit: float,
    rho: float,
    alpha: float = 0.05,
    min_n: int = 0,
    *,
    days: float | None = None,
    at_limit: bool = False,
) -> float:
    """The lowest mean rate at which at least one breach in the period has a chance of at most `alpha`.

    `n_by_day` [days]: cases of each day of the period, or of days typical of a period of `days` days. 0.0 where no day
    has `min_n` cases: then nothing can breach. ValueError as `breach_probability`, and for an alpha not inside 0-1.
    """
    volumes, share = _volumes(n_by_day)
    _check_day(volumes, limit, rho, min_n)
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; it must lie between 0 and 1, both excluded")
    assessed = (volumes >= max(min_n, 1)) & (_last_breaching(volumes, limit, at_limit) >= 0)
    volumes, share = volumes[assessed], share[assessed]
    if not len(volumes):
        return 0.0
    length = len(n_by_day) if days is None else days
    tails, allowed = _tails(volumes, _last_breaching(volumes, limit, at_limit), rho), np.log(alpha)

    def excess(at: float) -> float:
        once = -np.expm1((share * np.log1p(-tails(float(scipy.special.expit(at))))).sum() * length)
        return np.log(max(once, 1e-300)) - allowed

    if excess(EXTREME) > 0:
        return 1.0
    start = float(np.clip(scipy.special.logit(limit), -EXTREME, EXTREME))  # nearly always below the floor
    low = start if start < EXTREME and excess(start) > 0 else -EXTREME
    if excess(low) <= 0:
        return 0.0
    return float(scipy.special.expit(scipy.optimize.brentq(excess, low, EXTREME, xtol=1e-6)))


def day_spread(successes: Array, n: Array) -> float:
    """rho by moments from daily counts [days]: 0 where days differ no more than chance would make them.

    The rho at which the squared distances of the days from their mean, each over its expected size, add up to days - 1
    (Paule & Mandel 1982). ValueError with fewer than two days that have cases, or counts that are none.
    """
    successes, n = _counts(successes, n)
    return float(_spread(successes, n, len(n) - 1))


def upper_day_spread(
    successes: Array, n: Array, *, confidence: float = CONFIDENCE, resamples: int = RESAMPLES, seed: int = 1
) -> float:
    """An upper bound that rho stays under with `confidence`: never 0, for quiet days may be luck.

    The larger of two: days drawn anew (studentised bootstrap on the log scale, Efron & Tibshirani 1993), which follows
    a few very bad days; and the rho at which the sum of `day_spread` is as small as its chi-square lets it be
    (Q-profile, Viechtbauer 2007), which holds where days are few. Either alone holds a little less often than it says.
    ValueError as `day_spread`.
    """
    successes, n = _counts(successes, n)
    estimate = _spread(successes, n, len(n) - 1)
    goal, chance = float(scipy.stats.chi2.ppf(1 - confidence, len(n) - 1)), (1 / n).mean()
    profile = max(_spread(successes, n, goal), chance * ((len(n) - 1) / goal - 1))  # at least as if by chance alone
    drawn = np.random.default_rng(seed).integers(0, len(n), (resamples, len(n)))
    again, cases = successes[drawn], n[drawn]
    varied = ((again > 0) & (again < cases)).any(-1)
    again, cases = again[varied], cases[varied]
    if estimate <= 0 or not len(again):
        return float(min(profile, MOST))
    estimates = _spread(again, cases, len(n) - 1)
    apart = np.log((estimates + chance) / (estimate + chance)) / _log_error(again, cases, estimates, chance)
    error = _log_error(successes, n, estimate, chance)
    bound = np.exp(np.log(estimate + chance) - np.quantile(apart, 1 - confidence) * error) - chance
    return float(np.clip(max(bound, profile), 0, MOST))


def _check(name: str, value: Array, low: float, high: float) -> None:
    if not np.all((value >= low) & (value <= high)):
        wrong = value[~((value >= low) & (value <= high))].flat[0] if value.ndim else value
        raise ValueError(f"{name} is {wrong}; it must lie between {low} and {high}")


def _check_day(n: Array, limit: float, rho: float, min_n: int) -> None:
    if not np.all((n >= 0) & np.isfinite(n) & (n == np.round(n))):
        raise ValueError("n must be whole numbers of cases, 0 or more")
    _check("limit", np.asarray(limit, float), 0, 1)
    if not 0 <= rho < 1:
        raise ValueError(f"rho is {rho}; it must be 0 or more and below 1")
    if min_n < 0:
        raise ValueError(f"min_n is {min_n}; it must be 0 or more")


def _volumes(n_by_day: Array) -> tuple[Array, Array]:
    """Each volume that occurs and the share of the days that have it."""
    days = np.asarray(n_by_day, float)
    if days.ndim != 1 or not len(days):
        raise ValueError("n_by_day must hold the cases of at least one day")
    volumes, count = np.unique(days, return_counts=True)
    return volumes, count / len(days)


def _last_breaching(n: Array, limit: float, at_limit: bool) -> Array:
    """The most successes of n that breach; -1 where none does. 0.29 * 100 is 28.999999999999996: noise is no breach."""
    line, slack = limit * n, 1e-9 * np.maximum(n, 1)
    return np.floor(line + slack) if at_limit else np.ceil(line - slack) - 1


def _at_least_once(daily: Array, days: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(days > 0, -np.expm1(days * np.log1p(-daily)), 0.0)


def _tails(volumes: Array, last: Array, rho: float) -> Callable[[float], Array]:
    """P(successes <= last) for each volume as a function of the mean; betabinom.cdf takes ten times as long.

    A beta-binomial is one of two negative binomials given their sum, so each term is a product of two looked up.
    """
    if rho < LEAST:
        return lambda mean: np.clip(scipy.stats.binom.cdf(last, volumes, mean), 0, ALMOST_SURE)
    size, cases = 1 / rho - 1, np.arange(int(volumes.max()) + 1)
    terms = np.minimum(last, volumes).astype(int) + 1
    starts = np.cumsum(terms) - terms
    hit = np.arange(terms.sum()) - np.repeat(starts, terms)
    missed = np.repeat(volumes.astype(int), terms) - hit
    both = np.repeat(_log_rising(volumes, size), terms)

    def tails(mean: float) -> Array:
        hits, misses = _log_rising(cases, mean * size), _log_rising(cases, (1 - mean) * size)
        return np.clip(np.add.reduceat(np.exp(hits[hit] + misses[missed] - both), starts), 0, ALMOST_SURE)

    return tails


def _log_rising(k: Array, a: float) -> Array:
    """log of a (a + 1) ... (a + k - 1) / k!"""
    return scipy.special.gammaln(k + a) - scipy.special.gammaln(a) - scipy.special.gammaln(k + 1)


def _counts(successes: Array, n: Array) -> tuple[Array, Array]:
    """Successes and cases of the days that have cases, checked."""
    successes, n = np.asarray(successes, float), np.asarray(n, float)
    if successes.shape != n.shape or successes.ndim != 1:
        raise ValueError("successes and n must be two rows of equal length, one number per day")
    if not np.all((successes >= 0) & (successes <= n)):
        raise ValueError("successes must lie between 0 and the day's n")
    seen = n > 0
    if seen.sum() < 2:
        raise ValueError(f"{int(seen.sum())} day(s) with cases; the spread between days needs at least 2")
    return successes[seen], n[seen]


def _spread(successes: Array, n: Array, goal: float) -> Array:
    """The rho at which the scaled sum of squares equals `goal`, [...] from [..., days]; 0 where it is smaller.

    Newton's steps from 0 never go too far, for the sum falls with rho ever more slowly.
    """
    rho = np.zeros(n.shape[:-1])
    for _round in range(ROUNDS):
        parts, slope, _leverage = _scaled(successes, n, rho)
        before, fall = rho, slope.sum(-1)
        step = np.where(fall > 0, (parts.sum(-1) - goal) / np.where(fall > 0, fall, 1), 0.0)
        rho = np.clip(rho + step, 0, MOST)
        if np.abs(rho - before).max(initial=0) < SETTLED:
            break
    return rho


def _scaled(successes: Array, n: Array, rho: Array) -> tuple[Array, Array, Array]:
    """Each day's squared distance over its expected size, how fast that falls with rho, and the mean's leverage.

    The leverage is what a day does to the sum of squares by moving mean * (1 - mean).
    """
    rate = successes / n
    weight = n / (1 + (n - 1) * np.asarray(rho)[..., None])
    total = weight.sum(-1, keepdims=True)
    mean = (weight * rate).sum(-1, keepdims=True) / total
    variance = np.maximum(mean * (1 - mean), 1e-12)
    parts = weight * (rate - mean) ** 2 / variance
    leverage = parts.sum(-1, keepdims=True) * (2 * mean - 1) / variance * weight * (rate - mean) / total
    return parts, parts * weight * (n - 1) / n, leverage


def _log_error(successes: Array, n: Array, rho: Array, chance: float) -> Array:
    """Standard error of log(rho + chance), from what each day contributes (the infinitesimal jackknife)."""
    parts, slope, leverage = _scaled(successes, n, rho)
    moved = np.sqrt(((parts - 1 + leverage) ** 2).sum(-1)) / np.maximum(slope.sum(-1), 1e-12)
    return np.maximum(moved / (rho + chance), 1e-9)
