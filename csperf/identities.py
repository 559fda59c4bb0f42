"""Metrics that are tied by their formulas: a / b times c / a is c / b, as the catalogue's sums show."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import permutations
from typing import NamedTuple

from .catalogue import ENTRIES
from .metric import Metric, Sum

HOURS = "in_hours"


class Product(NamedTuple):
    """first x second = result, by their formulas."""

    first: str
    second: str
    result: str


def products(metrics: Iterable[str]) -> tuple[Product, ...]:
    """Every product among the metrics that their sums show."""
    return _products(tuple(sorted(set(metrics) & ENTRIES.keys())))


@cache
def _products(metrics: tuple[str, ...]) -> tuple[Product, ...]:
    sums = {
        key: (_signature(e.numerator), _signature(e.denominator))
        for key in metrics
        if isinstance(e := ENTRIES[key], Metric) and e.denominator is not None
    }
    return tuple(
        Product(first, second, result)
        for first, second, result in permutations(sums, 3)
        if sums[first][0] == sums[second][1]
        and sums[second][0] == sums[result][0]
        and sums[first][1] == sums[result][1]
    )


def _signature(part: Sum) -> tuple:
    """What makes two sums the same: the rows, what is added, and which of them count.

    Service hours are left out: a target in hours and one for all day are tied to each other all the same.
    """
    conditions = tuple(sorted((name, str(expr)) for name, expr in part.among.items() if name != HOURS))
    return part.fact, str(part.value), conditions, part.unit, part.day
