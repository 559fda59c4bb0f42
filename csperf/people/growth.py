"""How far everybody is in the job: the stage by the start date, and the goals of 表9-1 with what shows them."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pandas as pd
import yaml

from ..catalogue import entry
from .settings import GrowthSettings, Role

FILE = Path(__file__).with_name("goals.yaml")
STAGES = ("newcomer", "growing", "mature", "senior")
STAGE_COLUMNS = ["agent_id", "role", "level", "started", "months", "stage", "next_stage_on"]
CHECKLIST = ["agent_id", "role", "stage", "goal", "metric", "value", "n", "target", "met"]


def stages(roster: pd.DataFrame, on: dt.date, settings: GrowthSettings) -> pd.DataFrame:
    """STAGE_COLUMNS of everybody employed on the day. months: full ones in the job; stage null without a start date.

    A month is full on the same day of a later month, or on its last day where that has none. next_stage_on: null for
    those in the last one.
    """
    now = pd.Timestamp(on)
    rows = roster[roster["role"].isin(get_args(Role))]
    rows = rows.assign(**{name: pd.to_datetime(rows[name]) for name in ("started", "ended")})
    rows = rows[rows["ended"].isna() | (rows["ended"] >= now)]
    newest = rows.sort_values("valid_from").groupby("agent_id")[["role", "level"]].last()
    newest["started"] = rows.groupby("agent_id")["started"].min()
    newest = newest[newest["started"].isna() | (newest["started"] <= now)].reset_index()
    found = [_stage(row.started, now, settings) for row in newest.itertuples()]
    return pd.concat([newest, pd.DataFrame(found, columns=STAGE_COLUMNS[4:])], axis=1)[STAGE_COLUMNS]


def checklist(
    staged: pd.DataFrame, values: pd.DataFrame | None = None, targets: pd.DataFrame | None = None
) -> pd.DataFrame:
    """CHECKLIST: the goals of everybody's stage and role, those that a metric shows with value, n and target.

    `values`: agent_id, metric, value, n of one month; `targets`: CONTRACT 4. met: null where a person has to say it, or
    value or target is missing. goal: its key in goals.yaml.
    """
    rows = [
        {"agent_id": who.agent_id, "role": who.role, "level": who.level, "stage": stage, "goal": goal["key"]}
        | {"metric": goal.get("metric"), "own_target": goal.get("target")}
        for who in staged.dropna(subset=["stage"]).itertuples()
        for stage in ["mature" if who.stage == "senior" else who.stage]
        for goal in goals()[stage]
        if goal["role"] in ("both", who.role) or who.role == "mixed"
    ]
    found = pd.DataFrame(rows, columns=["agent_id", "role", "level", "stage", "goal", "metric", "own_target"])
    found = found.merge(_shown(values), how="left", on=["agent_id", "metric"])
    found["target"] = [_target(row, targets) for row in found.itertuples()]
    found["met"] = pd.Series([_met(row) for row in found.itertuples()], dtype=object)
    return found[CHECKLIST]


@cache
def goals() -> dict[str, list[dict[str, Any]]]:
    """表9-1 by stage."""
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def goal_words(key: str, lang: str) -> str:
    """What a goal says."""
    return next(goal[lang] for listed in goals().values() for goal in listed if goal["key"] == key)


def _stage(started: pd.Timestamp, now: pd.Timestamp, settings: GrowthSettings) -> tuple[Any, Any, Any]:
    """months, stage, next_stage_on."""
    if pd.isna(started):
        return None, None, None
    ends = [("newcomer", settings.newcomer), ("growing", settings.growing), ("mature", settings.mature)]
    days = [(name, _ends_on(started, months, settings)) for name, months in ends]
    if settings.after == "mature":
        days[-1] = ("mature", pd.Timestamp.max)
    name, until = next(((name, day) for name, day in days if now < day), ("senior", pd.Timestamp.max))
    months = sum(now >= started + pd.DateOffset(months=n) for n in range(1, _calendar_months(started, now) + 1))
    return months, name, None if until == pd.Timestamp.max else until.date()


def _calendar_months(started: pd.Timestamp, now: pd.Timestamp) -> int:
    return (now.year - started.year) * 12 + now.month - started.month


def _ends_on(started: pd.Timestamp, months: int, settings: GrowthSettings) -> pd.Timestamp:
    """The first day of the stage after so many months."""
    full = started + pd.DateOffset(months=months)
    return full if settings.on_the_day else full + pd.Timedelta(days=1)


def _shown(values: pd.DataFrame | None) -> pd.DataFrame:
    columns = ["agent_id", "metric", "value", "n"]
    known = pd.DataFrame(columns=columns) if values is None else values[values["agent_id"].notna()]
    return known[columns].drop_duplicates(["agent_id", "metric"])


def _target(row, targets: pd.DataFrame | None) -> float | None:
    """The target of the metric for the person's role and level; what the goal itself names where no metric has one."""
    if targets is None or pd.isna(row.metric):
        return row.own_target
    own = targets[(targets["metric"] == row.metric) & (targets["role"] == row.role)]
    fitting = own[own["level"] == row.level] if (own["level"] == row.level).any() else own[own["level"].isna()]
    return fitting["target"].iloc[0] if len(fitting) else row.own_target


def _met(row) -> bool | None:
    if pd.isna(row.metric) or pd.isna(row.value) or pd.isna(row.target):
        return None
    sign = 1 if entry(row.metric).better == "higher" else -1
    return bool(sign * (row.value - row.target) >= 0)
