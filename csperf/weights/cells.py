"""Agents' months as a table of metrics beside an outcome: oriented, screened, free of month, shift and level."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy

from ..catalogue import ENTRIES, called, entry
from ..errors import CsperfError, Problem
from ..monthly import monthly
from ..stats.importance import residuals
from ..stats.kinds import KINDS, Positive
from ..text import say
from .settings import ROLES, SERVES, WeightSettings

Array = np.ndarray
SKEWED = 1.0  # beyond it a metric is put on the log or logit scale
SAME = 0.999  # correlated so with the outcome a metric is the outcome
CELL = ["agent_id", "month"]


@dataclass(frozen=True)
class Cells:
    """Agent-months of one role that have the outcome. x [cells, metrics], y [cells]: higher is better, adjusted.

    agent, month: numbers from 0. shown: the same cells in the metrics' own units, for pictures. notes: codes of what
    is to be known of the agents; unlevelled: how many have no level where others have one.
    """

    metrics: tuple[str, ...]
    x: Array
    y: Array
    agent: Array
    month: Array
    shown: pd.DataFrame
    notes: tuple[str, ...]
    unlevelled: int


def roles_of(values: pd.DataFrame) -> list[str | None]:
    """The roles that get weights; one null role where the values name none."""
    named = set(values["role"].dropna()) if "role" in values else set()
    return [role for role in ROLES if role in named] or [None]


def of_role(values: pd.DataFrame, role: str | None, outcome: str, settings: WeightSettings) -> pd.DataFrame:
    """Monthly rows (monthly.monthly) of a role's agents and of the metrics that are weighed, and the outcome's."""
    rows = monthly(values)
    rows = rows[rows["role"] == role] if role and rows["role"].notna().any() else rows
    return rows[rows["metric"].isin([*weighed(rows["metric"].unique(), role, outcome, settings), outcome])]


def weighed(metrics: object, role: str | None, outcome: str, settings: WeightSettings) -> list[str]:
    """Those of the metrics that may get weight, in the catalogue's order: directed, the role's, not the outcome."""
    given = set(settings.metrics or metrics)  # type: ignore[call-overload]
    fits = SERVES.get(role or "", ("pre", "after", "both", "call"))
    return [
        key
        for key in sorted(given, key=list(ENTRIES).index)
        if key != outcome and entry(key).better != "neutral" and entry(key).role in fits
    ]


def arranged(
    rows: pd.DataFrame,
    outcome: pd.DataFrame,
    screens: pd.DataFrame,
    shifts: pd.DataFrame | None = None,
) -> Cells:
    """The cells of a role's monthly rows that have the outcome (agent_id, month, value: higher is better).

    Of the metrics those that `screens` leaves in. An agent's missing month of one counts as the agent's usual.
    `shifts`: agent_id, month, shift, n.
    """
    wide = _wide(rows, screens.index)
    result = outcome.groupby(CELL)["value"].mean().reindex(wide.index).dropna()
    wide = wide.loc[result.index]
    _refuse_twins(wide, result)
    levels = rows.drop_duplicates(CELL).set_index(CELL)["level"].reindex(result.index)
    agent, month = (pd.factorize(result.index.get_level_values(name), sort=True)[0] for name in CELL)
    without = levels[levels.isna()].index.get_level_values("agent_id").nunique() if levels.notna().any() else 0
    shown = wide.assign(outcome=result).reset_index()
    kept = [key for key in screens.index[screens["left_out"].isna()] if wide[key].nunique() > 1]
    x, y = np.zeros((len(result), 0)), np.zeros(len(result))
    if kept and result.nunique() > 1:
        design = _design(result.index, levels, shifts)
        x = np.column_stack([_adjusted(_scaled(wide[key], key), design, result.index) for key in kept])
        y = residuals(result.to_numpy(float)[:, None], design)[:, 0]
    else:
        kept = []
    notes = ("LEVEL_MISSING",) if without else ()
    return Cells(tuple(kept), x, y, agent, month, shown, notes, without)


def screened(rows: pd.DataFrame, metrics: list[str], settings: WeightSettings) -> pd.DataFrame:
    """By metric: coverage, reliability (NaN: not known), left_out (null: kept; the code of why not).

    Metrics seen in too few of the role's agent-months, that do not vary, or whose values are mostly chance.
    """
    wide, found = _wide(rows, metrics), {}
    for metric in metrics:
        seen = wide[metric].notna()
        coverage = float(seen.mean()) if len(wide) else 0.0
        reliability = _reliability(rows[rows["metric"] == metric], metric) if seen.sum() > 1 else np.nan
        reason = None
        if coverage < settings.min_coverage:
            reason = "COVERAGE"
        elif wide.loc[seen, metric].nunique() < 2:
            reason = "CONSTANT"
        elif reliability < settings.min_reliability:
            reason = "RELIABILITY"
        found[metric] = (coverage, reliability, reason)
    return pd.DataFrame.from_dict(found, orient="index", columns=["coverage", "reliability", "left_out"])


def _wide(rows: pd.DataFrame, metrics: Iterable[str]) -> pd.DataFrame:
    """A row for each agent's month, a column for each metric."""
    known = rows.drop_duplicates([*CELL, "metric"]).pivot(index=CELL, columns="metric", values="value")
    return known.reindex(columns=list(metrics)).astype(float)


def of_metric(rows: pd.DataFrame, metric: str, settings: WeightSettings) -> pd.DataFrame:
    """The outcome as agent_id, month, value, turned so that higher is better and moved back by its lag."""
    own = rows.loc[rows["metric"] == metric, [*CELL, "value"]].dropna()
    return lagged(own.assign(value=own["value"] * (-1 if entry(metric).better == "lower" else 1)), settings)


def lagged(outcome: pd.DataFrame, settings: WeightSettings) -> pd.DataFrame:
    """The outcome beside the months that it belongs to, when it shows `lag_months` later."""
    if not settings.lag_months or outcome.empty:
        return outcome
    months = (pd.PeriodIndex(outcome["month"], freq="M") - settings.lag_months).strftime("%Y-%m")
    return outcome.assign(month=months)


def shift_cases(values: pd.DataFrame) -> pd.DataFrame | None:
    """Cases of each agent's month by shift: agent_id, month, shift, n; null where the values do not know shifts."""
    if "shift" not in values or values["shift"].dropna().nunique() < 2:
        return None
    rows = values[values["agent_id"].notna() & values["shift"].notna()]
    months = rows["month"] if "month" in rows else pd.to_datetime(rows["day"]).dt.strftime("%Y-%m")
    cases = pd.to_numeric(rows["denominator"] if "denominator" in rows else pd.Series(1.0, rows.index)).fillna(1.0)
    counted = rows.assign(month=months, n=cases.astype(float))
    return counted.groupby([*CELL, "shift"], as_index=False)["n"].sum()


def _refuse_twins(wide: pd.DataFrame, result: pd.Series) -> None:
    """Raises CsperfError where a metric is the outcome under another name."""
    problems = []
    for metric in wide.columns:
        both = wide[metric].notna()
        varies = min(wide.loc[both, metric].nunique(), result[both].nunique()) > 3
        if varies and abs(np.corrcoef(wide.loc[both, metric], result[both])[0, 1]) > SAME:
            problems.append(Problem("outcome", say("weights.outcome_is_metric", metric=called(metric))))
    if problems:
        raise CsperfError(problems)


def _reliability(rows: pd.DataFrame, metric: str) -> float:
    """The share of the agent-months' variance that is not chance; NaN where the chance is not known.

    Chance is known of rates and counts from their cases, of times and values from sums of squares.
    """
    kind = KINDS["count"] if entry(metric).unit == "ratio" else KINDS[entry(metric).kind]
    rows = rows[rows["value"].notna()]
    cases = (rows["n"] if isinstance(kind, Positive) else rows["denominator"]).to_numpy(float)
    if rows["by_day"].any() or not (cases > 0).all():
        return np.nan
    value, spread = rows["value"].to_numpy(float), np.zeros(len(rows))
    if isinstance(kind, Positive):
        squares = rows["sum_squares"].to_numpy(float)
        if not (np.isfinite(squares) & (value > 0)).all():
            return np.nan
        spread = np.maximum(squares / cases / value**2 - 1, 0.0)
    scaled, chance = kind.observed(value[None, :], cases[None, :], spread[None, :])
    centred = scaled[0] - pd.Series(scaled[0]).groupby(rows["month"].to_numpy()).transform("mean").to_numpy()
    return float(max(0.0, 1 - np.nanmean(chance) / max(np.nanvar(centred), 1e-300)))


def _scaled(values: pd.Series, metric: str) -> pd.Series:
    """The metric turned so that higher is better; on the log or logit scale where it is skewed."""
    known, seen = entry(metric), values.dropna().to_numpy(float)
    if abs(scipy.stats.skew(seen)) > SKEWED:
        if known.unit == "share":
            inside = values.clip(0.001, 0.999)
            values = np.log(inside / (1 - inside))
        elif seen.min() > 0:
            values = np.log(values)
    return -values if known.better == "lower" else values


def _design(cells: pd.MultiIndex, levels: pd.Series, shifts: pd.DataFrame | None) -> Array:
    """A column for each month, level (none named is one too) and shift's share of the cases."""
    parts = [pd.get_dummies(pd.Series(cells.get_level_values("month"))).to_numpy(float)]
    parts.append(pd.get_dummies(levels.fillna("–")).to_numpy(float)[:, 1:])
    if shifts is not None:
        cases = shifts.pivot_table(index=CELL, columns="shift", values="n", aggfunc="sum").reindex(cells).fillna(0.0)
        total = cases.sum(axis=1).replace(0.0, np.nan)
        part = cases.div(total, axis=0).to_numpy(float)[:, 1:]
        parts.append(
            np.where(np.isnan(part), cases.sum().to_numpy(float)[1:] / max(cases.to_numpy().sum(), 1e-300), part)
        )
    return np.column_stack(parts)


def _adjusted(values: pd.Series, design: Array, cells: pd.MultiIndex) -> Array:
    """What the design leaves of a metric; an agent's missing months are the agent's mean of that, else 0."""
    seen = values.notna().to_numpy()
    left = np.full(len(values), np.nan)
    left[seen] = residuals(values.to_numpy(float)[seen, None], design[seen])[:, 0]
    own = pd.Series(left).groupby(cells.get_level_values("agent_id").to_numpy()).transform("mean").to_numpy()
    return np.where(seen, left, np.nan_to_num(own))
