"""What a person's month says once luck is taken off: each agent-month pulled to what is usual for the level.

METHOD 5: (y + k m) / (n + k) with k = pq / tau², on the scale of the metric's kind, so that means pull alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..stats.kinds import Kind
from ..stats.noise import fit
from ..stats.scales import Scale, scale
from ..targets.model import panel
from ..targets.settings import TargetSettings

Array = np.ndarray
BY = ["agent_id", "month"]


@dataclass(frozen=True)
class Chance:
    """The usable agent-months of one metric and role with what chance did to them, [rows].

    index: their rows in the months they came from. centre, error: the month without luck and its doubt, on the kind's
    scale. place, spread: the value and its chance on the scale of comparison. known: whether anybody knows n.
    """

    index: pd.Index
    kind: Kind
    comparable: Scale
    case_cv2: float
    value: Array
    cases: Array
    centre: Array
    error: Array
    place: Array
    spread: Array
    known: Array

    @property
    def adjusted(self) -> Array:
        """The value without luck; as it is where nobody knows n."""
        return np.where(self.known, self.kind.natural(self.centre), self.value)

    def truths(self, rng: np.random.Generator, draws: int) -> Array:
        """What may lie behind the month, [draws, rows]."""
        drawn = self.kind.natural(self.centre + self.error * rng.standard_normal((draws, len(self.value))))
        return np.where(self.known, drawn, self.value)

    def repeats(self, rng: np.random.Generator, draws: int) -> Array:
        """What the same work might show in other months as large as this one, [draws, rows]; NaN where n is unknown."""
        drawn = self.place + self.spread * rng.standard_normal((draws, len(self.value)))
        return np.where(self.known, self.comparable.natural(drawn, self.cases, self.case_cv2), np.nan)


def chance(rows: pd.DataFrame) -> Chance:
    """The chance in the usable agent-months of one metric and role, all months fitted together."""
    seen = panel(rows, TargetSettings())
    scaled, variance = seen.kind.observed(seen.value, seen.n, np.asarray(seen.case_cv2))
    noise = fit(scaled, variance, level=seen.ranked(), floor=seen.kind.least_shock(scaled))
    usual = noise.level_means[seen.ranked()][:, None] + noise.months[None, :]
    apart = noise.between + noise.wobble
    pull = variance / np.maximum(variance + apart, 1e-300)
    doubt = apart * pull + pull**2 * noise.level_errors[seen.ranked()][:, None]
    place, spread = scale(seen.kind).placed(seen.value, seen.n, seen.case_cv2)
    at = _cells(rows, seen.agents, seen.months)
    return Chance(
        index=rows.index,
        kind=seen.kind,
        comparable=scale(seen.kind),
        case_cv2=seen.case_cv2,
        value=seen.value[at],
        cases=seen.n[at],
        centre=(pull * usual + (1 - pull) * scaled)[at],
        error=np.sqrt(doubt)[at],
        place=place[at],
        spread=np.sqrt(spread)[at],
        known=(rows["n"].notna() | rows["denominator"].notna()).to_numpy(),
    )


def _cells(rows: pd.DataFrame, agents: tuple[str, ...], months: tuple[str, ...]) -> tuple[Array, Array]:
    """Where each row stands among agents and months."""
    return pd.Index(agents).get_indexer(rows["agent_id"]), pd.Index(months).get_indexer(rows["month"])
