"""The backend's numbers beside ours, and where they part: days missing, adverts, hours, the rest of the rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pandas as pd

from .definitions import Definition

CAUSES = ("missing_days", "adverts", "hours", "definition", "unexplained")
BY_RULE = {"adverts": ("adverts",), "hours": ("hours", "anchor")}  # fields of Definition; `definition` is all others
COLUMNS = ["agent_id", "period", "metric", "definitions", "backend", "ours", "difference", *CAUSES, "n", "days_missing"]


def ladder(own: Definition, theirs: Definition) -> list[tuple[str, Definition]]:
    """From the shop's counting rules to the backend's, a cause at a time; causes in which they agree are left out."""
    rungs = [("ours", own)]
    for cause, fields in BY_RULE.items():
        rungs.append((cause, rungs[-1][1].model_copy(update={name: getattr(theirs, name) for name in fields})))
    rungs.append(("definition", theirs))
    kept = [rungs[0]]
    for cause, rules in rungs[1:]:
        if rules.model_copy(update={"name": ""}) != kept[-1][1].model_copy(update={"name": ""}):
            kept.append((cause, rules))
    return kept


def common_days(backend: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    """Account days and metrics of the backend's rows of which we have values too (`ours`: by agent and day)."""
    told = ours[ours["value"].notna()]
    known = pd.MultiIndex.from_arrays([told["agent_id"], pd.to_datetime(told["day"]).dt.date, told["metric"]])
    rows = pd.MultiIndex.from_arrays([backend["agent_id"], backend["start"], backend["metric"]])
    return backend[rows.isin(known) | (backend["start"] != backend["end"])]


def reconcile(
    backend: pd.DataFrame, on_common_days: pd.DataFrame, rungs: Sequence[tuple[str, pd.DataFrame]], period: str
) -> pd.DataFrame:
    """One row per agent, period and metric that the backend tells: COLUMNS, values in the key's unit.

    `backend`: its values by agent and `period` (day or month); `on_common_days`: the same of the days that we have too;
    `rungs`: our values under the rules of each step of `ladder`. difference = backend - ours = the sum of its causes:
    what the backend tells of days that we have not, each rule that differs, and what is left. Null where a side has no
    value. n is ours. days_missing: how many days are the backend's alone (null where only periods are known).
    """
    keys = ["agent_id", period, "metric"]
    table = backend.loc[backend["value"].notna(), [*keys, "definitions", "value"]].rename(columns={"value": "backend"})
    common = on_common_days[[*keys, "value"]].rename(columns={"value": "common"})
    table = table.merge(common, how="left", on=keys)
    for cause, values in rungs:
        table = table.merge(values[[*keys, "value"]].rename(columns={"value": cause}), how="left", on=keys)
    table = table.merge(rungs[0][1][[*keys, "n"]], how="left", on=keys)
    steps = {later: table[later] - table[earlier] for (earlier, _v), (later, _w) in pairwise(rungs)}
    last = rungs[-1][0]
    causes = {"missing_days": table["backend"] - table["common"], "unexplained": table["common"] - table[last]}
    causes |= {name: steps.get(name, table["ours"] * 0) for name in (*BY_RULE, "definition")}
    told = table.assign(difference=table["backend"] - table["ours"], **causes, days_missing=pd.NA)
    return (
        told.rename(columns={period: "period"})[COLUMNS]
        .sort_values(["metric", "agent_id", "period"])
        .reset_index(drop=True)
    )


def missing_days(backend_days: pd.DataFrame, ours_days: pd.DataFrame) -> Mapping[tuple[str, str], int]:
    """How many days of each agent and metric only the backend tells of; both by agent and day."""
    told = backend_days[backend_days["value"].notna()]
    beside = told.merge(ours_days, how="left", on=["agent_id", "day", "metric"], suffixes=("", "_ours"))
    return beside["value_ours"].isna().groupby([beside["agent_id"], beside["metric"]]).sum().to_dict()
