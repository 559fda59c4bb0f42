"""The first, honest look: one metric beside the outcome, with how little a few months say of a correlation."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..stats.importance import correlation_interval
from .cells import Cells
from .evidence import Evidence

COLUMNS = ["metric", "n", "r", "low", "high", "adjusted", "adjusted_low", "adjusted_high", "wrong"]
HOW_MANY = (6, 12, 24, 60)  # months or people behind a correlation
TEXTBOOK = 0.8  # S1-58: r = .8 between satisfaction and repurchase


def correlations(cells: Cells, evidence: Evidence | None) -> pd.DataFrame:
    """Each metric's correlation with the outcome (COLUMNS), as it stands and with months, shifts and levels taken out.

    r, low, high: Pearson in the metric's own direction, Fisher's interval for as many cells as there are agents (n),
    because an agent's months are no new people. adjusted: rank correlation, better with better, from resampled
    agents; null where nothing could be computed. wrong: clearly on the wrong side.
    """
    rows = []
    agents = int(cells.shown["agent_id"].nunique())
    for metric in cells.metrics:
        both = cells.shown[[metric, "outcome"]].dropna()
        r = float(both[metric].corr(both["outcome"]))
        rows.append((metric, agents, r, *correlation_interval(r, agents), *_adjusted(cells, evidence, metric)))
    return pd.DataFrame(rows, columns=COLUMNS)


def how_sure(r: float = TEXTBOOK) -> pd.DataFrame:
    """Where a correlation of `r` may truly lie, by how many months it comes from: n, r, low, high (95 of 100)."""
    rows = [(n, r, *correlation_interval(r, n)) for n in HOW_MANY]
    return pd.DataFrame(rows, columns=["n", "r", "low", "high"])


def _adjusted(cells: Cells, evidence: Evidence | None, metric: str) -> tuple[float, float, float, bool]:
    if evidence is None:
        return np.nan, np.nan, np.nan, False
    place = cells.metrics.index(metric)
    parts = (evidence.simple, evidence.simple_low, evidence.simple_high)
    return *(float(part[place]) for part in parts), bool(evidence.wrong[place])  # type: ignore[return-value]
