"""问题登记: what was found, what was done about it, who and until when; the months after show whether it moved."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from .catalogue import entry
from .errors import CsperfError, Problem
from .filled import filled_in
from .run import Run, history
from .targets import agent_months
from .targets.model import Panel, panel
from .targets.settings import TargetSettings
from .text import say
from .text.numbers import number, quantity
from .tidy import read_tidy

FORM = ["month", "finding", "metric", "role", "agent_id", "measure", "owner", "due"]
COLUMNS = [*FORM, "before", "n_before", "after", "n_after", "moved"]
BEYOND = 1.645  # standard errors: nine of ten differences of chance alone are smaller


def carried(run: Run, values: pd.DataFrame | None = None) -> pd.DataFrame:
    """The shop's findings of the months before the run's, of its form 问题登记 and of what was registered: COLUMNS.

    `values`: default the agents' months of the metrics named. No rows where nothing older stands in either.
    """
    written = filled_in(run.params.folder, "findings")
    kept = read_findings(findings_path(run.params.folder, run.params.shop))
    found = kept if written is None else pd.concat([written.reindex(columns=FORM), kept], ignore_index=True)
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


# From a suggestion to the register ----------------------------------------------------------------------------------


def findings_path(folder: Path, shop: str) -> Path:
    """Where a shop keeps the suggestions it registered, beside those it writes into the form."""
    return folder / f"{shop}.findings.csv"


def read_findings(path: Path) -> pd.DataFrame:
    """What the file holds: FORM; no rows where there is none."""
    return read_tidy(path, "findings").reindex(columns=FORM) if path.is_file() else pd.DataFrame(columns=FORM)


def suggested(found: pd.DataFrame, month: str, lang: str = "zh") -> pd.DataFrame:
    """Suggestions (people.improvement) as rows that may be registered: FORM, numbered from 1, nobody's and undated yet.

    The finding says the number that brought it up.
    """
    rows = [
        {"month": month, "finding": _said(row, lang), "metric": row.metric, "role": row.role}
        | {"agent_id": row.agent_id, "measure": row.measure, "owner": None, "due": None}
        for row in found.itertuples()
    ]
    return pd.DataFrame(rows, columns=FORM, index=range(1, len(rows) + 1))


def _said(row, lang: str) -> str:
    unit = entry(row.metric).unit
    figures = {"value": quantity(row.value, unit, lang), "target": quantity(row.target, unit, lang)}
    slots = {"metric": entry(row.metric).name(lang), "n": number(row.n, "count"), "cause": row.cause}
    return say("people.finding_of", lang, **figures, **slots)


def registered(
    kept: pd.DataFrame, proposed: pd.DataFrame, numbers: Sequence[int], *, owner: str, due: dt.date | None
) -> pd.DataFrame:
    """The register's rows (FORM) with those of `suggested` that people take up; nothing is written yet.

    CsperfError with everything that is missing: who sees to it, by when, a number that is none, one registered before.
    """
    problems = [] if owner.strip() else [Problem("--owner", say("people.finding_no_owner"))]
    problems += [] if due else [Problem("--due", say("people.finding_no_due"))]
    before = set(kept[["month", "finding", "measure"]].itertuples(index=False, name=None))
    for at in dict.fromkeys(numbers):
        if at not in proposed.index:
            problems.append(Problem(f"{at}", say("people.finding_no_such", number=at, n=len(proposed))))
        elif tuple(proposed.loc[at, ["month", "finding", "measure"]]) in before:
            problems.append(Problem(f"{at}", say("people.finding_kept", number=at)))
    if problems:
        raise CsperfError(problems)
    fresh = proposed.loc[list(dict.fromkeys(numbers))].assign(owner=owner.strip(), due=f"{due}")
    return pd.concat([kept, fresh], ignore_index=True) if len(kept) else fresh.reset_index(drop=True)
