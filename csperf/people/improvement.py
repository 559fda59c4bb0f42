"""What to do about a number: causes and measures from a table, each with the number that brought it up."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ..catalogue import entry

FILE = Path(__file__).with_name("causes.yaml")
COLUMNS = ["finding", "agent_id", "role", "metric", "value", "target", "n", "cause", "look_at", "measure"]


def suggestions(coached: pd.DataFrame, lang: str) -> pd.DataFrame:
    """COLUMNS: for each person clearly below, or a whole role (agent_id null), every cause with where to look and what
    helps. `coached`: coaching.coaching; metrics that the table of causes does not name have no rows."""
    alone = coached[coached["below"] != "everyone"]
    rows = [_of(row, cause, row.agent_id, lang) for row in alone.itertuples() for cause in _causes(row.metric)]
    shared = coached[coached["below"] == "everyone"]
    for (_role, metric), own in shared.groupby(["role", "metric"]):
        middle = own.assign(value=own["value"].median(), target=own["target"].median(), n=own["n"].sum(min_count=1))
        rows += [_of(next(middle.itertuples()), cause, None, lang) for cause in _causes(str(metric))]
    return pd.DataFrame(rows, columns=COLUMNS)


@cache
def causes() -> list[dict[str, Any]]:
    """The table of causes (S3-14, S2-26, S1-73)."""
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def _causes(metric: str) -> list[tuple[str, dict[str, Any]]]:
    """The findings that a metric belongs to, each with its causes."""
    return [(f["finding"], cause) for f in causes() if metric in f["metrics"] for cause in f["causes"]]


def _of(row, found: tuple[str, dict[str, Any]], agent: str | None, lang: str) -> dict[str, object]:
    finding, cause = found
    known = {"finding": finding, "agent_id": agent, "role": row.role, "metric": entry(row.metric).key}
    figures = {name: getattr(row, name) for name in ("value", "target", "n")}
    return known | figures | {name: cause[name][lang] for name in ("cause", "look_at", "measure")}
