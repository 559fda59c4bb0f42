"""Who sat behind an account on a day: roster lines and shifts, spread over days."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

import pandas as pd

COLUMNS = ["account_id", "day", "agent_id", "role", "level", "team", "shift", "shift_us", "employed"]
FAR = dt.date(9999, 12, 31)


def people(roster: pd.DataFrame, shifts: pd.DataFrame, days: Sequence[dt.date]) -> pd.DataFrame:
    """One row for each roster account and day it was in force: person, role, level, team, the day's shift.

    A line holds from max(valid_from, started) to before valid_to and to the end of `ended`; of several the latest.
    shift names the first shift that starts that day, shift_us adds up all of them; both null where none does.
    """
    if roster.empty or not len(days):
        return pd.DataFrame(columns=COLUMNS).astype({"shift_us": "Int64", "employed": bool})
    lines = roster.assign(
        since=roster[["valid_from", "started"]].max(axis=1),
        until=roster["valid_to"].fillna(FAR),
        last=roster["ended"].fillna(FAR),
    )
    spread = lines.merge(pd.DataFrame({"day": sorted(days)}), how="cross")
    held = spread[
        (spread["since"] <= spread["day"]) & (spread["day"] < spread["until"]) & (spread["day"] <= spread["last"])
    ]
    latest = held.sort_values("valid_from").drop_duplicates(["account_id", "day"], keep="last")
    joined = latest.merge(_shift_days(shifts), how="left", on=["agent_id", "day"])
    joined["employed"] = joined["role"] != "bot"
    return joined[COLUMNS].astype({"shift_us": "Int64"}).sort_values(["account_id", "day"], ignore_index=True)


def bots(roster: pd.DataFrame) -> tuple[str, ...]:
    """Accounts the roster names as bots."""
    return tuple(sorted(set(roster.loc[roster["role"] == "bot", "account_id"])))


def _shift_days(shifts: pd.DataFrame) -> pd.DataFrame:
    if shifts.empty:
        return pd.DataFrame({"agent_id": [], "day": [], "shift": [], "shift_us": []}).astype(
            {"agent_id": object, "day": object, "shift": object, "shift_us": "Int64"}
        )
    ordered = shifts.sort_values("start")
    length = (ordered["end"] - ordered["start"]) // pd.Timedelta(microseconds=1)
    return (
        ordered.assign(shift_us=length)
        .groupby(["agent_id", "day"], as_index=False)
        .agg(shift=("shift", "first"), shift_us=("shift_us", "sum"))
    )
