"""What an existing step table gives for a score: 绩效系数表 as the shop has it, gaps and overlaps refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from ..errors import CsperfError, Problem
from ..scorecard.card import SHOWN
from ..text import say

COLUMNS = ["score_from", "score_to", "coefficient", "yuan"]
LEAST = 10.0**-SHOWN  # the next score that people can read
TOP = 120.0


@dataclass(frozen=True)
class Step:
    """Scores from `low` on to below `below` have this coefficient, or these yuan instead of a share of the bonus."""

    low: float
    below: float
    coefficient: float | None
    yuan: float | None


def step_table(rows: pd.DataFrame) -> tuple[Step, ...]:
    """The steps of a table (COLUMNS), lowest first. score_to: the last score as people read it; null: up to the next.

    CsperfError with every row that says nothing or too much, runs backwards, overlaps the next or leaves a gap.
    """
    rows = rows.reindex(columns=COLUMNS).astype(float).sort_values("score_from", ignore_index=True)
    problems = [*_row_faults(rows), *_seams(rows)]
    if problems:
        raise CsperfError(problems)
    below = np.append(rows["score_from"].to_numpy()[1:], np.inf)
    return tuple(
        Step(row.score_from, float(end), _known(row.coefficient), _known(row.yuan))
        for row, end in zip(rows.itertuples(), below, strict=True)
    )


def step_of(score: float, steps: Sequence[Step]) -> Step:
    """The step that a score as people read it is on."""
    shown = np.floor(score / LEAST + 0.5 + 1e-9) * LEAST
    return next(step for step in reversed(steps) if shown >= step.low - 1e-9)


def near_a_step(scores: pd.Series, steps: Sequence[Step], points: float = 1.0) -> int:
    """How many scores lie within a point of where the money jumps."""
    edges = np.array([step.low for step in steps[1:]])
    return int(sum(bool(len(edges)) and np.abs(edges - score).min() <= points for score in scores.dropna()))


def _known(cell: float) -> float | None:
    return None if np.isnan(cell) else float(cell)


def _row_faults(rows: pd.DataFrame) -> Iterator[Problem]:
    if rows.empty:
        yield Problem(say("people.steps"), say("people.steps_empty"))
    for row in rows.itertuples():
        where = _where(row)
        if np.isnan(row.coefficient) == np.isnan(row.yuan):
            yield Problem(where, say("people.step_one_of"))
        if min(np.nan_to_num([row.coefficient, row.yuan])) < 0:
            yield Problem(where, say("people.step_negative"))
        if row.score_to < row.score_from:
            yield Problem(where, say("people.step_backwards", low=f"{row.score_from:g}", high=f"{row.score_to:g}"))


def _seams(rows: pd.DataFrame) -> Iterator[Problem]:
    """Where steps overlap, and scores that are on none."""
    if len(rows) and rows["score_from"].iloc[0] > 0:
        yield _gap(0.0, rows["score_from"].iloc[0] - LEAST)
    for one, following in pairwise(rows.itertuples()):
        if one.score_from == following.score_from or one.score_to > following.score_from - LEAST / 2:
            slots = {"one": _span(one), "other": _span(following)}
            yield Problem(say("people.steps"), say("people.step_overlap", **slots))
        elif following.score_from - one.score_to > LEAST * 1.5:
            yield _gap(one.score_to + LEAST, following.score_from - LEAST)
    last = rows["score_to"].iloc[-1] if len(rows) else np.nan
    if last < TOP:
        yield _gap(last + LEAST, TOP)


def _gap(low: float, high: float) -> Problem:
    span = f"{low:g}" if np.isclose(low, high) else f"{low:g}–{high:g}"
    return Problem(say("people.steps"), say("people.step_gap", span=span))


def _where(row) -> str:
    return f"{say('people.steps')} {_span(row)}"


def _span(row) -> str:
    return f"{row.score_from:g}–{'' if np.isnan(row.score_to) else f'{row.score_to:g}'}"
