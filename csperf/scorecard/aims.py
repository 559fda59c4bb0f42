"""Which target and which weight hold for whom; what is missing or contradicts itself is said before any scoring."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from ..catalogue import called, entry
from ..errors import CsperfError, Problem
from ..targets.settings import SERVES
from ..text import say
from ..text.numbers import number
from .points import as_shown
from .settings import ScoreSettings

ANY_ROLE = "both"
WHOLE = 100.0
SUM_SLACK = 0.01
LINES = ("base", "target", "stretch")
AIM_COLUMNS = ["role", "level", "metric", *LINES, "grade", "weight"]


def weights_of(weights: pd.DataFrame) -> pd.DataFrame:
    """The scored weights (above 0): metric, role (null: every role), weight, in their order.

    CsperfError where a metric stands twice, a weight is missing or negative, a metric has no better side, or those of
    a role do not sum to 100.
    """
    rows = weights.assign(role=weights.get("role"))
    rows = rows.assign(role=rows["role"].where(rows["role"] != ANY_ROLE, None), weight=pd.to_numeric(rows["weight"]))
    problems = list(_weight_faults(rows))
    if problems:
        raise CsperfError(problems)
    return rows.loc[rows["weight"] > 0, ["metric", "role", "weight"]].reset_index(drop=True)


def _weight_faults(rows: pd.DataFrame) -> Iterator[Problem]:
    where = say("scores.weights")
    if rows.empty:
        yield Problem(where, say("scores.no_weights"))
    for row in rows.itertuples():
        if pd.isna(row.weight):
            yield Problem(where, say("scores.weight_missing", metric=called(row.metric)))
        elif row.weight < 0:
            yield Problem(where, say("scores.weight_negative", metric=called(row.metric), found=f"{row.weight:g}"))
        elif row.weight > 0 and entry(row.metric).better == "neutral":
            yield Problem(where, say("scores.neutral", metric=called(row.metric)))
    for metric in rows.loc[rows.duplicated(["metric", "role"]), "metric"].unique():
        yield Problem(where, say("scores.weight_twice", metric=called(metric)))
    for role, own in rows.groupby("role", dropna=False):
        total = own["weight"].sum()
        if abs(total - WHOLE) > SUM_SLACK:
            slots = {"role": role_word(role), "found": f"{total:g}", "gap": f"{WHOLE - total:+g}"}
            yield Problem(where, say("scores.weights_sum", **slots))


def role_word(role: object) -> str:
    """A role as people call it; the word for all of them where it is null."""
    return say("scores.all_roles") if pd.isna(role) else say(f"tables.role_{role}")


def own_weights(weights: pd.DataFrame, role: str) -> pd.Series:
    """The weights that a role is scored by, metric -> weight: its own, else those for every role."""
    own = weights[weights["role"] == role]
    return (own if len(own) else weights[weights["role"].isna()]).set_index("metric")["weight"]


def aims(targets: pd.DataFrame, weights: pd.DataFrame, who: pd.DataFrame, settings: ScoreSettings) -> pd.DataFrame:
    """AIM_COLUMNS for every role and level of `who` (agent_id, role, level): what each metric is scored by.

    `targets` as of CONTRACT 4; a level without its own row takes the whole role's, a role without one that for "both".
    Metrics that do not serve a role, and those whose target is only for reference, have no row. CsperfError with every
    weighted metric without target, agents without level where targets have levels only, lines that do not rise.
    """
    rows = targets.assign(**{c: None for c in ("level", "base", "stretch", "grade") if c not in targets})
    rows = rows[rows["target"].notna() & (rows["role"] != "shop")]
    rows = rows[rows["metric"].isin(weights["metric"])]
    problems = list(_target_faults(rows, settings))
    found: list[dict] = []
    for role, own in who.groupby("role"):
        for metric, weight in own_weights(weights, str(role)).items():
            if not _serves(str(metric), str(role)):
                continue
            aimed, faults = _for_role(rows, str(metric), str(role), own)
            problems += faults
            found += [row | {"weight": weight} for row in aimed if row["grade"] != "reference"]
    if problems:
        raise CsperfError(list(dict.fromkeys(problems)))
    return pd.DataFrame(found, columns=AIM_COLUMNS)


def _serves(metric: str, role: str) -> bool:
    wanted = entry(metric).role
    return role == ANY_ROLE or role in SERVES.get(wanted, (role,))


def _for_role(targets: pd.DataFrame, metric: str, role: str, who: pd.DataFrame) -> tuple[list[dict], list[Problem]]:
    """The aims of one metric for the levels of a role, and what is wrong with them."""
    rows = _of_role(targets[targets["metric"] == metric], metric, role)
    if rows.empty:
        said = say("scores.no_target", metric=called(metric), role=role_word(role))
        return [], [Problem(say("scores.targets"), said)]
    by_level = {None if pd.isna(row.level) else row.level: row for row in rows.itertuples()}
    aimed, problems = [], []
    for level, people in who.groupby("level", dropna=False):
        row = by_level.get(None if pd.isna(level) else level, by_level.get(None))
        if row is None:
            problems += list(_no_level(metric, level, people, by_level))
            continue
        lines = {name: getattr(row, name) for name in (*LINES, "grade")}
        aimed.append({"role": role, "level": None if pd.isna(level) else level, "metric": metric} | lines)
    return aimed, problems


def _of_role(rows: pd.DataFrame, metric: str, role: str) -> pd.DataFrame:
    """The rows for the role: its own, else those for both; of somebody without role those the metric is meant for."""
    for name in (role, ANY_ROLE, *([entry(metric).role] if role == ANY_ROLE else [])):
        own = rows[rows["role"] == name]
        if len(own):
            return own
    return rows.iloc[:0]


def _no_level(metric: str, level: object, people: pd.DataFrame, known: dict) -> Iterator[Problem]:
    levels = ", ".join(str(name) for name in known)
    for agent in sorted(people["agent_id"].astype(str).unique()):
        key = "scores.no_level" if pd.isna(level) else "scores.other_level"
        yield Problem(say("scores.agent", agent=agent), say(key, metric=called(metric), level=level, levels=levels))


def _target_faults(rows: pd.DataFrame, settings: ScoreSettings) -> Iterator[Problem]:
    where = say("scores.targets")
    for row in rows[rows.duplicated(["metric", "role", "level"])].itertuples():
        yield Problem(where, say("scores.target_twice", metric=called(row.metric), place=_place(row)))
    if settings.rule == "attainment":
        return
    for row in rows.itertuples():
        if getattr(row, "grade", None) == "reference":
            continue
        if pd.isna(row.base):
            yield Problem(where, say("scores.no_base", metric=called(row.metric), place=_place(row)))
        elif not _rising(row):
            lines = " / ".join(number(getattr(row, name), entry(row.metric).unit) for name in LINES)
            yield Problem(where, say("scores.not_rising", metric=called(row.metric), place=_place(row), found=lines))


def _rising(row) -> bool:
    """Whether target is harder than base and stretch no easier than target, as they are shown.

    A target at the end of what is possible (100 %) has its stretch there too: its points are the most.
    """
    sign = 1 if entry(row.metric).better == "higher" else -1
    lines = as_shown(row.metric, np.array([row.base, row.target, row.stretch], float), favour=-1)
    base, target, stretch = sign * lines
    return bool(base < target and not stretch < target)


def _place(row) -> str:
    return role_word(row.role) + ("" if pd.isna(row.level) else f" {row.level}")
