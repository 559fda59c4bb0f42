"""What the raters say: points of 100 over rounds, or comparisons of every two metrics, checked and pooled."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from ..catalogue import called
from ..errors import CsperfError, Problem
from ..stats import experts as agreement
from ..text import say
from .settings import WeightSettings

Array = np.ndarray
SLACK = 0.5  # of 100 points: how far a rater's sum may be off by rounding
ROUND_COLUMNS = ["round", "metric", "median", "low", "high", "moved", "raters", "w", "stop"]


@dataclass(frozen=True)
class Opinion:
    """Pooled weights as shares of 1, one per metric; null weights where the raters are split.

    variance: of each weight, what a bias they all share is not in; low, high: quartiles of the raters' own weights.
    w, p: Kendall's W and its p, NaN for a single rater or metric. rounds: ROUND_COLUMNS, nobody named. camps: metric
    and number of raters of each camp where W is too low. codes: METHOD 7.
    """

    metrics: tuple[str, ...]
    weights: Array | None
    variance: Array
    low: Array
    high: Array
    raters: int
    w: float
    p: float
    rounds: pd.DataFrame
    camps: tuple[tuple[int, str], ...]
    codes: tuple[str, ...]


def heard(experts: pd.DataFrame, settings: WeightSettings) -> Opinion:
    """The opinion in a table of raters: (expert, round, metric, points) or comparisons (expert, a, b, ratio).

    CsperfError with every fault: blanks, points that do not sum to 100, a metric twice, pairs not compared.
    """
    if {"a", "b", "ratio"} <= set(experts):
        return _compared(experts, settings)
    return _pointed(experts, settings)


def _pointed(experts: pd.DataFrame, settings: WeightSettings) -> Opinion:
    rows = experts.assign(round=experts["round"].fillna(1).astype(int) if "round" in experts else 1)
    if problems := list(_faults(rows)):
        raise CsperfError(problems)
    rounds = {
        int(number): group.pivot(index="metric", columns="expert", values="points").astype(float)
        for number, group in rows.groupby("round")
    }
    last = rounds[max(rounds)]
    return _pooled(last, _summary(rounds, settings), (), settings)


def _faults(rows: pd.DataFrame) -> Iterator[Problem]:
    """Blanks, doubled and negative points, sums that are not 100; each with the rater and the round."""
    metrics = rows["metric"].dropna().unique()
    for (number, expert), own in rows.groupby(["round", "expert"], sort=False):
        where = say("weights.rater", expert=expert, round=number)
        points = own.set_index("metric")["points"]
        blank = [metric for metric in metrics if metric not in set(points.dropna().index)]
        if twice := points.index[points.index.duplicated()].unique().tolist():
            yield Problem(where, say("weights.twice", metrics=", ".join(twice)))
        elif blank:
            yield Problem(where, say("weights.blank", metrics=say("scores.and").join(map(called, blank))))
        elif (points < 0).any():
            yield Problem(where, say("weights.negative", metrics=", ".join(points.index[points < 0])))
        elif abs(points.sum() - 100) > SLACK:
            yield Problem(where, say("weights.not_hundred", found=f"{points.sum():g}"))


def _summary(rounds: dict[int, pd.DataFrame], settings: WeightSettings) -> pd.DataFrame:
    """Median, quartiles, how many moved and the agreement of each round; `stop`: another would bring little."""
    rows, before, w_before = [], None, np.nan
    for number, points in sorted(rounds.items()):
        middle, low, high = agreement.quartiles(points.to_numpy())
        w = _agreement(points)[0]
        stop = bool(w >= settings.agreed or abs(w - w_before) < settings.settled)
        moved = points.index.map(_moved(points, before))
        columns = (points.index, middle, low, high, moved)
        rows += [(number, *cells, points.shape[1], w, stop) for cells in zip(*columns, strict=True)]
        before, w_before = points, w
    return pd.DataFrame(rows, columns=ROUND_COLUMNS)


def _moved(points: pd.DataFrame, before: pd.DataFrame | None) -> dict:
    """How many raters changed their points of each metric since the round before; a number, never who."""
    if before is None:
        return dict.fromkeys(points.index, 0)
    same = points.columns.intersection(before.columns)
    apart = (points[same] - before.reindex(points.index)[same]).abs() > 1e-9
    return apart.sum(axis=1).to_dict()


def _agreement(points: pd.DataFrame) -> tuple[float, float]:
    """Kendall's W and its p; NaN where there are fewer than two raters or metrics."""
    if min(points.shape) < 2:
        return np.nan, np.nan
    w, _chi2, p = agreement.kendall_w(points.to_numpy())
    return w, p


def _compared(experts: pd.DataFrame, settings: WeightSettings) -> Opinion:
    """Comparisons of every rater as weights; raters who contradict themselves are left out and named in a code."""
    metrics = sorted({*experts["a"], *experts["b"]})
    weights, problems, wild = {}, [], []
    for expert, own in experts.groupby("expert", sort=False):
        matrix, faults = _matrix(str(expert), own, metrics)
        problems += faults
        if not faults:
            found, ratio = agreement.ahp(matrix)
            if ratio > settings.consistent:
                wild.append(Problem(str(expert), say("weights.inconsistent", ratio=f"{ratio:.2f}")))
            else:
                weights[expert] = 100 * found
    if problems or not weights:
        raise CsperfError(problems or wild)
    points = pd.DataFrame(weights, index=metrics)
    codes = ("AHP_INCONSISTENT",) if wild else ()
    # Judgements of the same metrics are pooled by the geometric mean, however few (Aczel & Saaty 1983).
    return _pooled(points, _summary({1: points}, settings), codes, settings.model_copy(update={"full_procedure": 1}))


def _matrix(expert: str, own: pd.DataFrame, metrics: list[str]) -> tuple[Array, list[Problem]]:
    """A rater's comparisons as a reciprocal matrix, and what is wrong with them."""
    place = {metric: i for i, metric in enumerate(metrics)}
    matrix = np.full((len(metrics), len(metrics)), np.nan)
    np.fill_diagonal(matrix, 1.0)
    problems = []
    for row in own.itertuples():
        if pd.isna(row.ratio) or row.ratio <= 0:
            problems.append(Problem(expert, say("weights.bad_ratio", a=row.a, b=row.b)))
            continue
        i, j = place[row.a], place[row.b]
        matrix[i, j], matrix[j, i] = row.ratio, 1 / row.ratio
    missing = [f"{a}/{b}" for a, b in combinations(metrics, 2) if np.isnan(matrix[place[a], place[b]])]
    if missing and not problems:
        problems.append(Problem(expert, say("weights.pairs_missing", pairs=", ".join(missing))))
    return matrix, problems


def _pooled(points: pd.DataFrame, rounds: pd.DataFrame, codes: tuple[str, ...], settings: WeightSettings) -> Opinion:
    """The raters' points as one opinion; none where they are split."""
    given = points.to_numpy(float)
    raters = given.shape[1]
    w, p = _agreement(points)
    split = raters >= settings.few_raters and len(points) > 2 and w < settings.split
    codes = (*codes, *(("DELPHI_SPLIT",) if split else ()))
    codes += ("RATERS_FEW",) if raters < settings.few_raters else ()
    own = given / given.sum(axis=0)
    _middle, low, high = agreement.quartiles(own)
    weights = None if split else agreement.pooled(given, settings.full_procedure)
    return Opinion(
        tuple(points.index),
        weights,
        agreement.pooled_variance(given),
        *(low, high, raters, w, p, rounds),
        _camps(points) if split else (),
        codes,
    )


def _camps(points: pd.DataFrame) -> tuple[tuple[int, str], ...]:
    """Of each camp how many raters it has and the metric that it puts most above the other's points."""
    camp = agreement.camps(points.to_numpy(float))
    means = [points.loc[:, camp == side].mean(axis=1) for side in (0, 1)]
    return tuple((int((camp == side).sum()), str((means[side] - means[1 - side]).idxmax())) for side in (0, 1))
