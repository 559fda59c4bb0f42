"""How likely the rest of a period is as good as needed, when it comes as what was seen so far."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from scipy.stats import betabinom, nbinom, t

HALF = 0.5  # Jeffreys: what is known of a share or a rate before any case


def as_good_as(kind: str, seen: Mapping[str, Any], planned: float, needed: float, *, higher: bool) -> float:
    """The chance that the mean over `planned` more cases is at least (`higher`) or at most `needed`; NaN: cannot tell.

    `seen`: numerator, denominator, sum_squares of the cases so far. The agent, the month and its ups and downs are the
    same before and after, so that only the cases differ: beta-binomial for shares, gamma-Poisson for counts, and
    Student's t for means where the squares are known.
    """
    done, cases, squares = (float(seen[name]) for name in ("numerator", "denominator", "sum_squares"))
    if not cases > 0 or not planned > 0 or math.isnan(done):
        return math.nan
    if kind == "rate" and 0 <= done <= cases:
        return _at_least(betabinom(round(planned), done + HALF, cases - done + HALF), needed * round(planned), higher)
    if kind == "count":
        return _at_least(nbinom(done + HALF, cases / (cases + planned)), needed * planned, higher)
    if kind in ("time", "value") and cases > 1 and not math.isnan(squares):
        mean = done / cases
        apart = math.sqrt(max(squares - cases * mean**2, 0.0) / (cases - 1) * (1 / cases + 1 / planned))
        below = float(t(cases - 1).cdf((needed - mean) / apart)) if apart else float(needed >= mean)
        return 1 - below if higher else below
    return math.nan


def _at_least(more: Any, wanted: float, higher: bool) -> float:
    """The chance of at least, or at most, so many."""
    return float(more.sf(math.ceil(wanted - 1e-9) - 1) if higher else more.cdf(math.floor(wanted + 1e-9)))
