"""What may truly lie behind people's values of a month or a quarter: the ground of awards, coaching and promotion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..catalogue import entry
from ..scorecard.adjusted import chance
from ..scorecard.settings import ScoreSettings
from ..targets import agent_months
from ..targets.settings import TargetSettings

Array = np.ndarray
COLUMNS = ["agent_id", "role", "level", "month", "metric", "value", "adjusted", "n", "left_out"]


@dataclass(frozen=True, eq=False)
class Behind:
    """rows: COLUMNS of one metric and role. truths: what may lie behind each, [draws, rows]; NaN where left out."""

    rows: pd.DataFrame
    truths: Array

    @property
    def sign(self) -> int:
        """-1 where less is better."""
        return -1 if entry(self.rows["metric"].iloc[0]).better == "lower" else 1

    def of(self, months: Sequence[str]) -> Behind:
        """One row per person over the months: values, adjusted values and truths weighted by n, n added up."""
        within = self.rows["month"].isin(months).to_numpy()
        rows, truths = self.rows[within], self.truths[:, within]
        pooled = [_pooled(own, truths[:, at]) for own, at in _by_person(rows)]
        frame = pd.DataFrame([row for row, _drawn in pooled], columns=COLUMNS)
        drawn = np.stack([one for _row, one in pooled], axis=1) if pooled else np.zeros((len(truths), 0))
        return Behind(frame.assign(month=max(months)), drawn)


def behind(
    values: pd.DataFrame,
    metrics: Sequence[str],
    *,
    roster: pd.DataFrame | None = None,
    min_n: int | None = None,
    settings: ScoreSettings | None = None,
) -> Iterator[Behind]:
    """What may lie behind every agent-month of each metric and role that has any.

    `values`: CONTRACT 4, by month or by day. left_out: new, small, empty, as in targets.agent_months.
    """
    settings = settings or ScoreSettings()
    asked = TargetSettings(
        metrics=tuple(metrics),
        protection_days=settings.protection_days,
        min_n=min_n or settings.min_n,
        min_days=settings.min_days,
    )
    months = agent_months(values, roster=roster, settings=asked)
    rng = np.random.default_rng(settings.seed)
    for _key, rows in months.groupby(["metric", "role"]):
        yield _drawn(rows.reset_index(drop=True), settings.draws, rng)


def _drawn(rows: pd.DataFrame, draws: int, rng: np.random.Generator) -> Behind:
    truths, adjusted = np.full((draws, len(rows)), np.nan), np.full(len(rows), np.nan)
    usable = rows[rows["left_out"].isna()]
    if len(usable):
        luck = chance(usable)
        at = rows.index.get_indexer(luck.index)
        truths[:, at], adjusted[at] = luck.truths(rng, draws), luck.adjusted
    return Behind(rows.assign(adjusted=adjusted)[COLUMNS], truths)


def _by_person(rows: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, Array]]:
    place = np.arange(len(rows))
    for _agent, own in rows.assign(at=place).groupby("agent_id"):
        yield own, own["at"].to_numpy()


def _pooled(own: pd.DataFrame, truths: Array) -> tuple[dict[str, object], Array]:
    """A person's months as one; the newest reason to be left out where no month counts."""
    last = own.sort_values("month").iloc[-1]
    who = {name: last[name] for name in ("agent_id", "role", "level", "metric")}
    counts = own["left_out"].isna().to_numpy()
    if not counts.any():
        return who | {"value": last["value"], "n": last["n"], "left_out": last["left_out"]}, truths[:, -1]
    weight = np.nan_to_num(own["n"].to_numpy(float), nan=1.0)[counts]
    figures = {
        name: float(np.average(own[name].to_numpy(float)[counts], weights=weight)) for name in ("value", "adjusted")
    }
    n = own.loc[counts, "n"].sum(min_count=1)
    return who | figures | {"n": n, "left_out": None}, truths[:, counts] @ (weight / weight.sum())
