"""The weights that were published and hold: from the first day of a quarter, or with a written reason."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ..errors import CsperfError, Problem
from ..text import say

COLUMNS = ["valid_from", "role", "metric", "weight", "set_by", "reason"]
SLACK = 0.01


def held(rows: pd.DataFrame, month: str, where: str = "") -> pd.DataFrame:
    """The rows (COLUMNS) in force on the first day of the month: of each role the newest published until then.

    A role's weights are replaced whole; 0 is that of watched metrics. No rows before the first. CsperfError
    with everything wrong in any of them: not from the first of a month, within a quarter without a reason, nobody's
    name, a metric twice, a sum other than 100.
    """
    rows = rows.reindex(columns=COLUMNS)
    roles = rows["role"].where(rows["role"].notna(), "")  # every role without weights of its own
    if problems := _all_faults(rows, where):
        raise CsperfError(problems)
    known = rows[rows["valid_from"] <= f"{month}-01"]
    newest = known.groupby(roles)["valid_from"].transform("max")
    return known[known["valid_from"] == newest].reset_index(drop=True)


def published(rows: pd.DataFrame, weights: pd.DataFrame, *, start: str, who: str, reason: str = "") -> pd.DataFrame:
    """`rows` (COLUMNS) with these weights (metric, weight; role, null: every role) published from a day on.

    CsperfError with everything refused: what `held` refuses of them, and a role whose weights begin then already.
    """
    fresh = weights.reindex(columns=["role", "metric", "weight"])
    fresh = fresh.assign(valid_from=start, set_by=who.strip(), reason=reason.strip() or None)[COLUMNS]
    roles = set(fresh["role"].fillna("")) & set(rows.loc[rows["valid_from"] == start, "role"].fillna(""))
    problems = [Problem(_place(start, role), say("weights.held_twice")) for role in sorted(roles)]
    problems += _all_faults(fresh, "")
    if problems:
        raise CsperfError(problems)
    return pd.concat([rows.reindex(columns=COLUMNS), fresh], ignore_index=True) if len(rows) else fresh


def _place(day: str, role: str, where: str = "") -> str:
    return f"{where} {day} {say(f'tables.role_{role}') if role else say('scores.all_roles')}".strip()


def _all_faults(rows: pd.DataFrame, where: str) -> list[Problem]:
    roles = rows["role"].where(rows["role"].notna(), "")
    return [problem for key, own in rows.groupby(["valid_from", roles]) for problem in _faults(key, own, where)]


def _faults(key: tuple[str, str], own: pd.DataFrame, where: str) -> Iterator[Problem]:
    day, role = key
    place = _place(day, role, where)
    reasoned = own["reason"].astype("string").fillna("").str.strip().ne("").any()
    if not day.endswith("-01"):
        yield Problem(place, say("weights.held_first", found=day))
    elif int(day[5:7]) % 3 != 1 and not reasoned:
        yield Problem(place, say("weights.held_quarter", found=day))
    if own["set_by"].astype("string").fillna("").str.strip().eq("").any():
        yield Problem(place, say("weights.held_unsigned"))
    for metric in own.loc[own.duplicated("metric"), "metric"].unique():
        yield Problem(place, say("scores.weight_twice", metric=metric))
    if abs(own["weight"].sum() - 100) > SLACK:
        yield Problem(place, say("weights.held_sum", found=f"{own['weight'].sum():g}"))
