"""问题登记: what was found, what was done about it, who and until when; the months after show whether it moved."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from .catalogue import entry
from .filled import filled_in
from .run import Run, history
from .targets import agent_months
from .targets.model import Panel, panel
from .targets.settings import TargetSettings

FORM = ["month", "finding", "metric", "role", "agent_id", "measure", "owner", "due"]
COLUMNS = [*FORM, "before", "n_before", "after", "n_after", "moved"]
BEYOND = 1.645  # standard errors: nine of ten differences of chance alone are smaller


def carried(run: Run, values: pd.DataFrame | None = None) -> pd.DataFrame:
    """The shop's findings of the months before the run's, as its form 问题登记 has them: COLUMNS.

    `values`: default the agents' months of the metrics named. No rows where there is no form or nothing older in it.
    """
    found = filled_in(run.params.folder, "findings")
    found = pd.DataFrame(columns=FORM) if found is None else found.reindex(columns=FORM)
    found = found[found["month"].astype(str) < run.month].reset_index(drop=True)
    if found.empty:
        return pd.DataFrame(columns=COLUMNS)
    values = history(run, found["metric"].unique().tolist()) if values is None else values
    return effects(found, agent_months(values, roster=run.table("roster"), settings=run.params.targets), run.month)


def effects(found: pd.DataFrame, months: pd.DataFrame, month: str) -> pd.DataFrame:
    """Each finding with its number in the month it was found and in `month`: COLUMNS, n beside each.

    `months`: targets.agent_months. A finding without agent_id is about the whole role. moved: better or worse where
    chance alone would seldom move so many cases so far, same where it easily would, small where either month has too
    few cases, null where either has none. That something moved does not say what moved it.
    """
    panels = {key: panel(rows, TargetSettings()) for key, rows in _usable(months)}
    rows = [_effect(row, panels.get((row["metric"], row["role"])), month) for row in found.to_dict("records")]
    return pd.DataFrame(rows, columns=COLUMNS)


def _usable(months: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    for (metric, role), rows in months[months["left_out"].isna()].groupby(["metric", "role"]):
        yield (str(metric), str(role)), rows


def _effect(row: dict, seen: Panel | None, month: str) -> dict:
    (before, n_before), (after, n_after) = (_at(seen, row["agent_id"], one) for one in (row["month"], month))
    figures = {"before": before, "n_before": n_before, "after": after, "n_after": n_after}
    return row | figures | {"moved": _moved(seen, (before, after), (n_before, n_after))}


def _at(seen: Panel | None, agent: str | None, month: str) -> tuple[float, float]:
    """Value and cases of a person, or of the role, in a month; NaN and 0 where there are none."""
    if seen is None or month not in seen.months:
        return np.nan, 0.0
    value, cases = (array[:, seen.months.index(month)] for array in (seen.value, seen.n))
    own = np.array([pd.isna(agent) or name == agent for name in seen.agents]) & np.isfinite(value) & (cases > 0)
    n = float(cases[own].sum())
    return (float(value[own] @ cases[own] / n), n) if n else (np.nan, 0.0)


def _moved(seen: Panel | None, value: tuple[float, float], n: tuple[float, float]) -> str | None:
    if seen is None or not min(n):
        return None
    known = entry(seen.metric)
    if min(n) < known.min_n:
        return "small"
    scaled, variance = seen.kind.observed(np.array([value]), np.array([n]), np.asarray(seen.case_cv2))
    sign = -1 if known.better == "lower" else 1
    apart = sign * (scaled[0, 1] - scaled[0, 0]) / np.sqrt(variance.sum())
    return "better" if apart > BEYOND else "worse" if apart < -BEYOND else "same"
