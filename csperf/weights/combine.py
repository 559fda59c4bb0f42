"""Data and raters as one set of weights, and which of the metrics are scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..catalogue import QUESTIONS
from .cells import Cells
from .evidence import Evidence
from .opinion import Opinion
from .rounding import rounded
from .settings import WeightSettings

Array = np.ndarray
SHARED_BIAS = 0.5  # METHOD 2.4: of a weight, how far all raters may be off together
OWN_DOUBT = 0.5  # of a weight, the doubt of a single rater or a template


@dataclass(frozen=True)
class Side:
    """Weights of one source as shares of 1 (NaN: it says nothing of that metric), with variance and range."""

    share: Array
    variance: Array
    low: Array
    high: Array

    @classmethod
    def of_data(cls, cells: Cells | None, evidence: Evidence | None, metrics: list[str]) -> Side | None:
        """The data's side; null where nothing was computed or no effect is positive."""
        if cells is None or evidence is None or not evidence.weights.sum():
            return None
        parts = (evidence.weights, evidence.variance, evidence.low, evidence.high)
        return cls(*(_placed(dict(zip(cells.metrics, part, strict=True)), metrics) for part in parts))

    @classmethod
    def of_opinion(cls, opinion: Opinion | None, metrics: list[str]) -> Side | None:
        """The raters' side; null where there are none or they are split."""
        if opinion is None or opinion.weights is None:
            return None
        own = np.where(np.isfinite(opinion.variance), opinion.variance, (OWN_DOUBT * opinion.weights) ** 2)
        doubt = own + (SHARED_BIAS * opinion.weights) ** 2
        parts = (opinion.weights, doubt, opinion.low, opinion.high)
        return cls(*(_placed(dict(zip(opinion.metrics, part, strict=True)), metrics) for part in parts))

    @classmethod
    def of_template(cls, given: Mapping[str, float], metrics: list[str]) -> Side:
        """The template's side."""
        share = _placed(given, metrics)
        doubt = (OWN_DOUBT**2 + SHARED_BIAS**2) * share**2
        return cls(share, doubt, np.full(len(share), np.nan), np.full(len(share), np.nan))


def _placed(given: Mapping[str, float], metrics: list[str]) -> Array:
    return np.array([given.get(metric, np.nan) for metric in metrics], float)


def blended(data: Side | None, rest: Side, most: float) -> tuple[Array, float]:
    """Shares of both as one, and the data's part in it: by their variances, at most `most`.

    Of what the data say nothing of, the others' share stands; the data share out the remainder.
    """
    others = np.nan_to_num(rest.share)
    if data is None or not most or np.nansum(data.share) <= 0:
        return others / others.sum(), 0.0
    told = np.isfinite(data.share)
    doubt = np.nansum(rest.variance[told])
    part = min(doubt / (doubt + data.variance[told].sum()), most)
    if not doubt:  # the others say nothing of what the data speak of
        part = most
    outside = others[~told].sum()
    own = np.nan_to_num(data.share) * (1 - outside) if others[told].sum() else np.nan_to_num(data.share)
    mixed = np.where(told, part * own + (1 - part) * others, others)
    return mixed / mixed.sum(), float(part)


def scored(
    share: Array, cells: Cells | None, evidence: Evidence | None, metrics: list[str], settings: WeightSettings
) -> tuple[Array, dict[str, tuple[str, str]]]:
    """Points of 100 in whole steps, 0 for what is not scored, and why that is not: metric -> (code, metric that is).

    One metric of those that say the same, one speed metric, and no more than may be scored; the weight of what makes
    way goes to what stays.
    """
    held, codes = share.copy(), {}
    for code, group in _groups(cells, evidence, metrics, settings):
        places = [place for place in group if held[place] > 0]
        if len(places) > 1:
            stays = max(places, key=lambda place: held[place])
            for place in places:
                if place != stays:
                    codes[metrics[place]] = code, metrics[stays]
                    held[stays], held[place] = held[stays] + held[place], 0.0
    heaviest = np.argsort(-held, kind="stable")[: settings.most_scored]
    least = settings.min_weight / 200  # what rounds to less than the least is not worth scoring
    kept = [place for place in heaviest if held[place] >= least and held[place] > 0]
    codes |= {metrics[i]: ("OBSERVED", "") for i in range(len(metrics)) if i not in kept and metrics[i] not in codes}
    points = np.zeros(len(metrics))
    limits = {"least": settings.min_weight, "most": settings.max_weight}
    points[kept] = rounded(held[kept], step=settings.step, **limits)
    return points, codes


def _groups(
    cells: Cells | None, evidence: Evidence | None, metrics: list[str], settings: WeightSettings
) -> list[tuple[str, list[int]]]:
    """Places of metrics of which one is scored: those that say the same, then those of speed."""
    groups = []
    if cells is not None and evidence is not None:
        place = {metric: metrics.index(metric) for metric in cells.metrics}
        for cluster in np.unique(evidence.cluster):
            alike = [place[m] for m, own in zip(cells.metrics, evidence.cluster, strict=True) if own == cluster]
            groups.append(("REDUNDANT", alike))
    if settings.one_speed:
        groups.append(("TWO_SPEED", [i for i, metric in enumerate(metrics) if QUESTIONS.get(metric) == "speed"]))
    return groups
