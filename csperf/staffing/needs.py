"""How many agents the customers of each hour need, beside how many are there."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import count
from math import ceil, floor, inf

import numpy as np
import pandas as pd

from .erlang import Queue
from .settings import StaffingSettings

RANGES = {"weekday": range(7), "hour": range(24)}
HOUR_LONG = pd.Timedelta(hours=1)
PLACE = ("weekday", "hour")


def hourly(seen: pd.DataFrame, days: Sequence[date], by: Sequence[str] = PLACE) -> pd.DataFrame:
    """`by`, days, arrivals, per_hour, served, busy_s, service_s: what comes in an hour of each weekday, or of all days.

    `seen`: arrivals.arrivals; `days`: those of which data is there, whether or not anybody came. service_s is the mean
    of the hour, that of all hours where nobody was served. per_hour is null for a weekday that is not among the days.
    """
    sums = seen[seen["day"].isin(list(days))].groupby(list(by), as_index=False)[["arrivals", "served", "busy_s"]].sum()
    rows = _grid(days, by).merge(sums, how="left").fillna({"arrivals": 0, "served": 0, "busy_s": 0.0})
    own = rows["busy_s"] / rows["served"].where(rows["served"] > 0)
    per_hour = rows["arrivals"] / rows["days"].where(rows["days"] > 0)
    return rows.assign(per_hour=per_hour.astype(float), service_s=own.astype(float).fillna(mean_service_s(rows)))


def _grid(days: Sequence[date], by: Sequence[str]) -> pd.DataFrame:
    """Every hour (of every weekday), and of how many of the days it is."""
    places = pd.MultiIndex.from_product([RANGES[name] for name in by], names=by).to_frame(index=False)
    among = pd.Series([day.weekday() for day in days], dtype="int64").value_counts()
    in_all = pd.Series(len(days), index=places.index)
    return places.assign(days=places["weekday"].map(among).fillna(0).astype(int) if "weekday" in by else in_all)


def mean_service_s(seen: pd.DataFrame) -> float:
    """Seconds that a customer takes, over all hours; NaN where nobody was served."""
    served = seen["served"].sum()
    return float(seen["busy_s"].sum() / served) if served else np.nan


def agents_needed(queue: Queue, settings: StaffingSettings) -> int:
    """The fewest agents with whom the queue keeps every goal of the settings; nobody where nobody comes."""
    return 0 if queue.load == 0 else next(n for n in count(1) if _kept(queue, n * settings.chats_at_once, settings))


def _kept(queue: Queue, places: float, settings: StaffingSettings) -> bool:
    return (
        queue.occupancy(places) <= settings.occupancy
        and queue.waiting(places) <= settings.most_waiting
        and queue.answered_within(settings.reply_s, places) >= settings.level
    )


def rostered(needed: int, settings: StaffingSettings) -> int:
    """How many must be on the plan so that so many sit at the desk."""
    return ceil(needed / (1 - settings.shrinkage) - 1e-9)


def staffed(hours: pd.DataFrame, settings: StaffingSettings, on_duty: pd.DataFrame | None = None) -> pd.DataFrame:
    """`hours` with load, needed, rostered, scheduled, short and answered; null where nothing is known of the hour.

    `hours`: hourly; a customer takes what `settings` say, else the mean of all its hours. `on_duty`: on_duty by the
    same columns. load: agents who would be busy all the time. rostered: needed, breaks added. short: rostered less
    scheduled, null where nobody knows who was there. answered: the share within the goal's seconds that Erlang expects
    with those scheduled.
    """
    service = settings.handle_s or mean_service_s(hours)
    queues = [_queue(rate, service, settings) for rate in hours["per_hour"]]
    needed = [pd.NA if queue is None else agents_needed(queue, settings) for queue in queues]
    rows = hours.assign(
        load=[np.nan if queue is None else queue.load / settings.chats_at_once for queue in queues],
        needed=pd.array(needed, dtype="Int64"),
        rostered=pd.array([n if n is pd.NA else rostered(n, settings) for n in needed], dtype="Int64"),
    )
    if on_duty is None:
        return rows.assign(scheduled=np.nan, short=np.nan, answered=np.nan)
    rows = rows.merge(on_duty, how="left", on=[name for name in PLACE if name in rows])
    places = rows["scheduled"] * (1 - settings.shrinkage) * settings.chats_at_once
    answered = [
        queue.answered_within(settings.reply_s, n) if queue and queue.load and n > 0 else np.nan
        for queue, n in zip(queues, places, strict=True)
    ]
    return rows.assign(short=rows["rostered"].astype("Float64") - rows["scheduled"], answered=answered)


def _queue(rate: float, service: float, settings: StaffingSettings) -> Queue | None:
    """The hour's queue; null where the weekday was not seen, or customers came and nobody knows how long they take."""
    if rate == 0:
        return Queue(0, 1)
    known = np.isfinite(rate) and np.isfinite(service)
    return Queue(rate, service, settings.patience_s or inf) if known else None


def on_duty(
    shifts: pd.DataFrame, days: Sequence[date], timezone: str, by: Sequence[str] = PLACE, *, who: Collection[str] = ()
) -> pd.DataFrame:
    """`by` and scheduled: how many agents are on duty, on average of the days, parts of an hour as parts.

    `shifts`: agent_id, start, end (UTC); `who`: the agents that count, default all.
    """
    own = shifts[shifts["agent_id"].isin(list(who))] if who else shifts
    start, end = (pd.to_datetime(own[name], utc=True).dt.tz_convert(timezone) for name in ("start", "end"))
    begun = [pd.date_range(a.floor("h"), b, freq="h", inclusive="left") for a, b in zip(start, end, strict=True)]
    rows = pd.DataFrame({"start": start, "end": end, "at": begun}).explode("at", ignore_index=True).dropna()
    at = pd.to_datetime(rows["at"], utc=True).dt.tz_convert(timezone)
    until = np.minimum(rows["end"], at + HOUR_LONG)
    parts = (until - np.maximum(rows["start"], at)) / HOUR_LONG
    known = pd.DataFrame({"day": at.dt.date, "weekday": at.dt.day_of_week, "hour": at.dt.hour, "parts": parts})
    sums = known[known["day"].isin(list(days))].groupby(list(by), as_index=False)["parts"].sum()
    rows = _grid(days, by).merge(sums, how="left").fillna({"parts": 0.0})
    return rows.assign(scheduled=rows["parts"] / rows["days"].where(rows["days"] > 0))[[*by, "scheduled"]]


@dataclass(frozen=True)
class Stretch:
    """Hours that follow each other, first to last (the end exclusive), and of the one that lacks most: what comes, how
    many must be at the desk and on the plan, how many are on it, how many are missing."""

    first: int
    last: int
    per_hour: float
    needed: int
    rostered: int
    scheduled: float
    short: int


def lacking(hours: pd.DataFrame) -> pd.Series:
    """Which hours lack half a person or more; none where nobody knows who was there."""
    return hours["short"].fillna(0) >= 0.5


def stretches(by_hour: pd.DataFrame) -> list[Stretch]:
    """Where people are missing and as many are needed, the longest and emptiest first. `by_hour`: staffed, by hour."""
    rows = by_hour[lacking(by_hour)]
    block = ((rows["hour"].diff() != 1) | (rows["needed"].diff() != 0)).cumsum()
    found = [_stretch(own) for _key, own in rows.groupby(block)]
    return sorted(found, key=lambda one: (-one.short * (one.last - one.first), one.first))


def stretch_of(by_hour: pd.DataFrame, first: int, last: int) -> Stretch | None:
    """The hours from `first` to `last` (the end exclusive), short of nobody or more; null where that is not known."""
    rows = by_hour[by_hour["hour"].between(first, last - 1)]
    return _stretch(rows) if len(rows) and rows["short"].notna().all() else None


def _stretch(rows: pd.DataFrame) -> Stretch:
    worst = rows.loc[rows["short"].idxmax()]
    first, last = int(rows["hour"].min()), int(rows["hour"].max()) + 1
    per_hour, scheduled = float(worst["per_hour"]), float(worst["scheduled"])
    needed, rostered = int(worst["needed"]), int(worst["rostered"])
    short = max(floor(float(worst["short"]) + 0.5), 0)
    return Stretch(first, last, per_hour, needed, rostered, scheduled, short)


def peaks(hours: pd.DataFrame, times: int = 3) -> pd.DataFrame:
    """The hours of the week to look over people's shoulders: the busiest, each on a day of its own (S1-07, S1-08).

    `hours`: hourly by weekday and hour. Fewer rows than `times` where customers come on fewer weekdays.
    """
    busy = hours[hours["arrivals"] > 0].sort_values(["per_hour", "arrivals"], ascending=False, kind="stable")
    return busy.drop_duplicates("weekday").head(times).sort_values(["weekday", "hour"], ignore_index=True)
