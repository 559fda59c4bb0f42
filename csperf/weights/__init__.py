"""Weights of a role's metrics: from data, from raters, from both, or a template for day one.

Data weights are shares of positive association with an outcome, never proof of a cause; a gate says how much of the
final weight they may make up. Raters have the rest; where there are none a template stands in and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..catalogue import ENTRIES, called
from ..errors import CsperfError, Problem
from ..text import say
from .cells import Cells, arranged, lagged, of_metric, of_role, roles_of, screened, shift_cases, weighed
from .combine import Side, blended, scored
from .evidence import Evidence, gather
from .opinion import Opinion, heard
from .settings import WeightSettings
from .starter import starting, templates
from .words import check_identities, row_notes, sentences

__all__ = ["COLUMNS", "Weighing", "WeightSettings", "check_identities", "derive_weights", "templates", "weigh"]

COLUMNS = [
    *("metric", "weight", "data_weight", "expert_weight", "starter_weight", "low", "high", "lambda", "verdict", "note"),
    *("status", "role"),
]
FEWEST_AGENTS, FREE_CELLS = 4, 3  # below these nothing can be computed from data
NO_ROWS = pd.DataFrame(columns=["agent_id", "month", "metric", "value"])
OUTCOME = ["agent_id", "month", "value"]


@dataclass(frozen=True)
class Weighing:
    """The weights of one role (COLUMNS), what there is to say of them, and what they come from.

    screens: by metric, coverage, reliability, left_out (cells.screened).
    outcome: what the data were asked about, a metric's key or the name of a column; empty where nothing was asked.
    """

    role: str | None
    outcome: str
    weights: pd.DataFrame
    said: tuple[str, ...]
    screens: pd.DataFrame
    cells: Cells | None
    evidence: Evidence | None
    opinion: Opinion | None

    @property
    def verdict(self) -> str:
        """What the weights rest on: DATA, INDICATIVE (data in part), EXPERTS, REFUSED (the data), STARTER."""
        return str(self.weights["verdict"].iloc[0])


def derive_weights(
    values: pd.DataFrame | None,
    outcome: str | pd.DataFrame | None = None,
    experts: pd.DataFrame | None = None,
    role: str | None = None,
    settings: WeightSettings | None = None,
) -> pd.DataFrame:
    """The weights (COLUMNS) of every role in `values`, or of `role`: points of 100 that sum to 100 per role.

    `values`: CONTRACT 4; `outcome`: a metric of them, or agent_id, month, value; `experts`: expert, round, metric,
    points, or expert, a, b, ratio. data_weight is shown where it could be computed, whether or not it counts; low and
    high say where it may truly lie (about 90 %), or for EXPERTS the middle half of the raters. lambda: the data's
    share of the weight. CsperfError with every fault of the tables.
    """
    return pd.concat([w.weights for w in weigh_roles(values, outcome, experts, role, settings)], ignore_index=True)


def weigh_roles(
    values: pd.DataFrame | None,
    outcome: str | pd.DataFrame | None = None,
    experts: pd.DataFrame | None = None,
    role: str | None = None,
    settings: WeightSettings | None = None,
    shifts: pd.DataFrame | None = None,
) -> list[Weighing]:
    """The weighing of every role in `values`, or of `role`."""
    named = values if values is not None else experts
    roles = [role] if role or named is None else roles_of(named)
    if len(roles) > 1 and experts is not None and "role" not in experts:
        raise CsperfError(Problem("experts", say("weights.experts_roles", roles=", ".join(map(str, roles)))))
    return [weigh(values, outcome, experts, role=one, settings=settings, shifts=shifts) for one in roles]


def weigh(
    values: pd.DataFrame | None,
    outcome: str | pd.DataFrame | None = None,
    experts: pd.DataFrame | None = None,
    *,
    role: str | None = None,
    settings: WeightSettings | None = None,
    shifts: pd.DataFrame | None = None,
) -> Weighing:
    """The weights of one role, with what they come from (see derive_weights).

    `shifts`: cases of each agent's month by shift (agent_id, month, shift, n); default: as the values have them.
    """
    settings = settings or WeightSettings()
    outcome = settings.outcome or None if outcome is None else outcome
    key = outcome if isinstance(outcome, str) else ""
    opinion = heard(_of_role(experts, role), settings) if experts is not None else None
    _refuse_listed(key, opinion, settings)
    rows, metrics = _rows(values, role, key, settings), list(opinion.metrics if opinion else ())
    if rows is not None:
        metrics = weighed(rows["metric"].unique(), role, key, settings)
    if not metrics:
        raise CsperfError(Problem("values", say("weights.nothing_to_weigh")))
    screens, cells = screened(NO_ROWS if rows is None else rows, metrics if rows is not None else [], settings), None
    if rows is not None and outcome is not None:
        known = shift_cases(values) if shifts is None and values is not None else shifts
        cells = arranged(rows, _outcome(outcome, rows, settings), screens, known)
    evidence = _evidence(cells, opinion, settings)
    every = sorted({*metrics, *(opinion.metrics if opinion else ())}, key=list(ENTRIES).index)
    name = key or (str(outcome.attrs.get("name", "")) if isinstance(outcome, pd.DataFrame) else "")
    return _put_together(every, screens, role, name, cells, evidence, opinion, settings, outcome is not None)


def _put_together(
    every: list[str],
    screens: pd.DataFrame,
    role: str | None,
    outcome: str,
    cells: Cells | None,
    evidence: Evidence | None,
    opinion: Opinion | None,
    settings: WeightSettings,
    asked: bool,
) -> Weighing:
    """Data and raters (or the template) as one, scored metrics chosen, rounded, and put in words."""
    starter, missing = starting(settings.template or _template(role, every), every)
    sides = {
        "data": Side.of_data(cells, evidence, every),
        "expert": Side.of_opinion(opinion, every),
        "starter": Side.of_template(starter or dict.fromkeys(every, 1 / len(every)), every),
    }
    rest = sides["expert"] or sides["starter"]
    assert rest is not None
    share, part = blended(sides["data"], rest, evidence.most if evidence else 0.0)
    points, codes = scored(share, cells, evidence, every, settings)
    verdict = _verdict(part, evidence, sides["expert"], asked or opinion is not None)
    frame = pd.DataFrame({"metric": every, "weight": points})
    for name, side in sides.items():
        shown = side is not None and (name != "starter" or bool(starter))
        frame[f"{name}_weight"] = 100 * side.share if side is not None and shown else np.nan
    ranges = sides["data"] if part else sides["expert"]
    frame["low"], frame["high"] = (100 * ranges.low, 100 * ranges.high) if ranges else (np.nan, np.nan)
    frame = frame.assign(**{"lambda": part, "verdict": verdict, "role": role})
    notes, status = row_notes(frame, screens, cells, evidence, opinion, codes)
    said = sentences(frame, verdict, part, outcome, asked, cells, evidence, opinion, missing, bool(starter), settings)
    notes = [" ".join(filter(None, (note, said[0]))) for note in notes]
    frame = frame.assign(note=notes, status=status)[COLUMNS]
    ordered = frame.sort_values("weight", ascending=False, kind="stable").reset_index(drop=True)
    return Weighing(role, outcome, ordered, tuple(said), screens, cells, evidence, opinion)


def _verdict(part: float, evidence: Evidence | None, expert: Side | None, asked: bool) -> str:
    if part and evidence:
        return "DATA" if evidence.gate == "full" else "INDICATIVE"
    if expert is not None:
        return "EXPERTS"
    return "REFUSED" if asked else "STARTER"


def _template(role: str | None, metrics: list[str]) -> str:
    """The template of the role; where none is named that of what the metrics belong to."""
    if role in templates().templates:
        return str(role)
    owners = {ENTRIES[metric].role for metric in metrics}
    return next((name for name in ("call", "pre", "after") if name in owners), "pre")


def _rows(values: pd.DataFrame | None, role: str | None, key: str, settings: WeightSettings) -> pd.DataFrame | None:
    """The monthly rows of the role; CsperfError where the values do not hold the role or the outcome."""
    if values is None:
        return None
    named = [str(r) for r in roles_of(values) if r]
    if role and named and role not in named:
        raise CsperfError(Problem("role", say("weights.no_such_role", found=role, allowed=", ".join(named))))
    if key and not (values["metric"] == key).any():
        raise CsperfError(Problem("outcome", say("weights.outcome_missing", metric=called(key))))
    return of_role(values, role, key, settings)


def _outcome(outcome: str | pd.DataFrame, rows: pd.DataFrame, settings: WeightSettings) -> pd.DataFrame:
    """The outcome as agent_id, month, value: higher is better, beside the months it belongs to."""
    if isinstance(outcome, str):
        return of_metric(rows, outcome, settings)
    if not set(OUTCOME) <= set(outcome):
        found = ", ".join(map(str, outcome.columns))
        raise CsperfError(Problem("outcome", say("weights.outcome_columns", found=found)))
    own = lagged(outcome[OUTCOME].dropna(), settings)
    if own.merge(rows[["agent_id", "month"]].drop_duplicates()).empty:
        raise CsperfError(Problem("outcome", say("weights.outcome_unmatched")))
    return own.assign(value=own["value"] * (-1 if settings.outcome_better == "lower" else 1))


def _of_role(experts: pd.DataFrame, role: str | None) -> pd.DataFrame:
    """The raters' rows for the role; CsperfError where the table is none of raters."""
    if not ({"expert", "metric", "points"} <= set(experts) or {"expert", "a", "b", "ratio"} <= set(experts)):
        found = ", ".join(map(str, experts.columns))
        raise CsperfError(Problem("experts", say("weights.experts_columns", found=found)))
    return experts[experts["role"] == role] if role and "role" in experts else experts


def _refuse_listed(key: str, opinion: Opinion | None, settings: WeightSettings) -> None:
    """Raises CsperfError where the outcome is among the metrics that get weights."""
    places = {"metrics": settings.metrics, "experts": opinion.metrics if opinion else ()}
    listed: list[Any] = [
        Problem(place, say("weights.outcome_listed", metric=called(key))) for place in places if key in places[place]
    ]
    if listed:
        raise CsperfError(listed)


def _evidence(cells: Cells | None, opinion: Opinion | None, settings: WeightSettings) -> Evidence | None:
    """What the data say; null where they were not asked or are too few to compute anything."""
    if cells is None or not cells.metrics:
        return None
    if len(np.unique(cells.agent)) < FEWEST_AGENTS or len(cells.y) < len(cells.metrics) + FREE_CELLS:
        return None
    split = None
    if opinion is not None and opinion.weights is not None:
        given = dict(zip(opinion.metrics, opinion.weights, strict=True))
        split = np.array([given.get(metric, 0.0) for metric in cells.metrics])
    return gather(cells.x, cells.y, cells.agent, cells.month, settings, split)
