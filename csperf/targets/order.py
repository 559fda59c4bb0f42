"""The order in which people read targets, and how values compare with them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import pandas as pd

from ..catalogue import ENTRIES
from .settings import LEVELS, ROLE_ORDER


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of metric x role by role, then in the catalogue's order; their order within stays."""
    roles = {role: place for place, role in enumerate(ROLE_ORDER)}
    keys = {key: place for place, key in enumerate(ENTRIES)}
    places = pd.DataFrame({"role": rows["role"].map(roles), "metric": rows["metric"].map(keys)}, index=rows.index)
    return rows.loc[places.sort_values(["role", "metric"], kind="stable").index].reset_index(drop=True)


def ladder(levels: Iterable[str], steps: tuple[str, ...] = LEVELS) -> list[str]:
    """`levels` from junior to senior; names that `steps` lacks follow in the order of their letters."""
    return sorted(levels, key=lambda name: (steps.index(name) if name in steps else len(steps), name))


def round_easier(value: float, step: float, better: str) -> float:
    """`value` rounded to a multiple of `step`, towards what is easier to reach."""
    steps = round(value / step, 6)  # 0.55 / 0.005 is 110.00000000000001: noise must not cost a step
    return round((math.floor(steps) if better == "higher" else math.ceil(steps)) * step, 10)


def meets(values: pd.Series, target: float, better: str) -> pd.Series:
    """Whether each value meets the target; what equals it up to float noise does."""
    slack = 1e-9 * max(abs(target), 1)
    return values >= target - slack if better == "higher" else values <= target + slack
