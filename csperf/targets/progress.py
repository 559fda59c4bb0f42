"""Where a running month stands against its targets: the value so far, and what the rest still has to bring.

No scores: at midway few cases say little about a person, and what is still to come decides.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..catalogue import entry
from ..metric import Entry
from ..monthly import SUMS
from ..stats.rest import as_good_as
from .months import agent_months
from .order import in_order, meets
from .past import as_shown
from .settings import TargetSettings
from .words import HARDLY_ANYONE

COLUMNS = [
    *("metric", "role", "level", "agent_id", "better", "target", "source", "value", "n", "until"),
    *("days_left", "planned", "needed", "chance", "state"),
]
# From best to worst; met and missed are said of a month of which nothing is left.
STATES = ("met", "safe", "on_track", "behind", "hardly", "out_of_reach", "missed", "not_known")
KEPT_OUT = ("new", "empty")  # of agent_months: newcomers have no targets yet, few cases are no reason at midway


@dataclass(frozen=True)
class Month:
    """The days of a running month: its last one, and by metric the last one whose value is settled.

    off: activity days that targets leave out. shifts: the days on which each agent works, where they are planned.
    """

    first: dt.date
    last: dt.date
    settled: Mapping[str, dt.date]
    off: frozenset[dt.date] = frozenset()
    shifts: Mapping[str, frozenset[dt.date]] | None = None

    def days(self, metric: str) -> tuple[list[dt.date], list[dt.date]]:
        """The days that the value so far is made of, and those that are still to count."""
        span = [day for day in (ts.date() for ts in pd.date_range(self.first, self.last)) if day not in self.off]
        known = min(self.settled[metric], self.last)
        return [day for day in span if day <= known], [day for day in span if day > known]


def progress(
    values: pd.DataFrame,
    targets: pd.DataFrame,
    month: Month,
    *,
    roster: pd.DataFrame | None = None,
    settings: TargetSettings | None = None,
) -> pd.DataFrame:
    """One row per target and agent it is for, and one per target for all of them together (agent_id null): COLUMNS.

    `values`: agents' values of the month so far (CONTRACT 4); `targets`: CONTRACT 4 with `source` (published or
    proposed). planned: cases to come if they come as until now, by planned shifts where there are any, times the
    settings' volume. needed: the value that these must have so that the whole month just meets the target; null where
    values do not add up. chance: of the rest being as good as needed, if it comes as what was so far (stats.rest);
    null where that cannot be told. state: safe - met whatever comes; out_of_reach - no longer to be met, whatever comes
    (for values without a limit no such thing can be said); on_track, behind - the value so far meets the target, or
    not; hardly - behind with a chance under one in ten; met, missed - nothing is left of the month; not_known - no
    value yet.
    """
    settings = settings or TargetSettings()
    rows = agent_months(values, roster=roster, settings=settings)
    rows = rows[~rows["left_out"].isin(KEPT_OUT)]
    found = [row for aim in _of_people(targets) for row in _of_target(aim, rows, targets, month, settings)]
    return in_order(pd.DataFrame(found, columns=COLUMNS))


def _of_people(targets: pd.DataFrame) -> Iterable[dict[str, Any]]:
    """The targets that are for people: none of the shop's rows, none without a value."""
    return targets[targets["target"].notna() & (targets["role"] != "shop")].to_dict("records")


def _of_target(
    aim: dict[str, Any], rows: pd.DataFrame, targets: pd.DataFrame, month: Month, settings: TargetSettings
) -> list[dict[str, Any]]:
    """The rows of one target: all its people together, then each."""
    same = (rows["metric"] == aim["metric"]) & (rows["role"] == aim["role"])
    own = (targets["metric"] == aim["metric"]) & (targets["role"] == aim["role"])
    split = set(targets.loc[own, "level"].dropna()) - {""}
    of = same & (~rows["level"].isin(split) if _whole(aim) else rows["level"] == aim["level"])
    people = rows[of]
    if people.empty:
        return []
    planned = _planned(people, month, settings)
    each = [_row(aim, row, month, cases) for row, cases in zip(people.to_dict("records"), planned, strict=True)]
    return [_row(aim, _together(people), month, float(np.nansum(planned))), *each]


def _whole(aim: dict[str, Any]) -> bool:
    """Whether the target is that of the whole role."""
    return bool(pd.isna(aim["level"]) or not aim["level"])


def _together(people: pd.DataFrame) -> dict[str, Any]:
    """The people's value as one: sums first, one division; null where they do not add up."""
    sums: dict[str, Any] = people[[*SUMS]].sum(min_count=1).to_dict()
    sums["sum_squares"] = np.nan if people["sum_squares"].isna().any() else sums["sum_squares"]
    bare = people["numerator"].isna().any() or not sums["denominator"] > 0
    return sums | {"agent_id": None, "value": np.nan if bare else sums["numerator"] / sums["denominator"]}


def _planned(people: pd.DataFrame, month: Month, settings: TargetSettings) -> np.ndarray:
    """Each one's cases (denominators) to come: as many a day as until now."""
    done, left = month.days(people["metric"].iloc[0])
    ratio = [_days_ratio(agent, done, left, month) for agent in people["agent_id"]]
    return people["denominator"].to_numpy(float) * np.array(ratio) * settings.volume


def _days_ratio(agent: str, done: list[dt.date], left: list[dt.date], month: Month) -> float:
    """How many days are to come for each one that was: days of planned shifts, else days of the month."""
    own = (month.shifts or {}).get(agent, frozenset())
    worked, coming = len(own.intersection(done)), len(own.intersection(left))
    planned_ahead = month.shifts and any(days.intersection(left) for days in month.shifts.values())
    if worked and planned_ahead:
        return coming / worked
    return len(left) / len(done) if done else np.nan


def _row(aim: dict[str, Any], row: dict[str, Any], month: Month, planned: float) -> dict[str, Any]:
    known, target = entry(aim["metric"]), float(aim["target"])
    _done, left = month.days(aim["metric"])
    needed = _needed(row, target, planned) if left and planned > 0 else np.nan
    about = {name: aim[name] for name in ("metric", "role", "target", "source")} | {
        "level": None if _whole(aim) else aim["level"]
    }
    about |= {"agent_id": row["agent_id"], "better": known.better, "value": row["value"], "n": row["n"]}
    about |= {"until": month.settled[aim["metric"]], "days_left": len(left)}
    over = not left or planned == 0
    chance = (
        np.nan if np.isnan(needed) else as_good_as(known.kind, row, planned, needed, higher=known.better == "higher")
    )
    state = _state(known, row["value"], target, needed, over)
    state = "hardly" if state == "behind" and chance < HARDLY_ANYONE else state
    return about | {"planned": planned if left else 0.0, "needed": needed, "chance": chance, "state": state}


def _needed(row: dict[str, Any], target: float, planned: float) -> float:
    """The value over `planned` more cases with which all cases together just reach the target."""
    return (target * (row["denominator"] + planned) - row["numerator"]) / planned


def _state(known: Entry, value: float, target: float, needed: float, over: bool) -> str:
    if pd.isna(value):
        return "not_known"
    shown = as_shown(pd.Series([value, target]), known.unit)  # PRACTICE 5: what is compared is what people read
    met = bool(meets(pd.Series(shown[:1]), shown[1], known.better).iloc[0])
    if over:
        return "met" if met else "missed"
    low, high = known.bounds
    hardest, easiest = (high, low) if known.better == "higher" else (low, high)
    sign = 1 if known.better == "higher" else -1
    if easiest is not None and sign * (needed - easiest) <= 0:
        return "safe"
    if hardest is not None and sign * (needed - hardest) > 1e-9:
        return "out_of_reach"
    return "on_track" if met else "behind"
