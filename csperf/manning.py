"""How many agents a shop's customers need, hour by hour: the run's arrivals, its shifts, and what they come to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from .arrivals import QUEUES, ROLES, arrivals, callers_patience_s, chats_open, queues, spans_of_replies
from .errors import CsperfError, Problem
from .run import Facts, Run, facts
from .staffing import (
    StaffingSettings,
    Stretch,
    assumptions,
    hourly,
    lacking,
    mean_service_s,
    on_duty,
    staffed,
    stretch_words,
    stretches,
)
from .staffing.advice import goal_words
from .text import say
from .text.numbers import number
from .workload import day_cap, roles

WORKDAY_H = 8.0
SERVING = (*ROLES, "mixed")  # managers and bots are no shift
MOST = 5  # sentences on where people are missing: the table has the rest
WORST = ["hour", "per_hour", "needed", "rostered", "scheduled", "short"]
QUEUE = ["queue", "arrivals", "service_s", *WORST, "short_hours"]


@dataclass(frozen=True, eq=False)
class Manning:
    """What came to a queue, who was there, and what that needs, of the run's days with data.

    duty: `plan` (the shop's shifts), `inferred` (first to last reply of a day) or empty. chats_open: how many chats an
    agent with any had open, on average; null for calls. settings: with what was measured where the shop says nothing.
    """

    queue: str
    seen: pd.DataFrame
    days: tuple[dt.date, ...]
    shifts: pd.DataFrame
    duty: str
    settings: StaffingSettings
    chats_open: float | None
    timezone: str
    who: tuple[str, ...]

    @cached_property
    def week(self) -> pd.DataFrame:
        """The hours of the week (staffing.staffed)."""
        return self._staffed(("weekday", "hour"))

    @cached_property
    def by_hour(self) -> pd.DataFrame:
        """The hours of the day, over all days (staffing.staffed)."""
        return self._staffed(("hour",))

    @property
    def short(self) -> list[Stretch]:
        """Where people are missing, the worst first."""
        return stretches(self.by_hour)

    @property
    def day_cap(self) -> float:
        """How many chats a day are the most for one agent (workload.day_cap), a day being as long as shifts are."""
        span = pd.to_datetime(self.shifts["end"], utc=True) - pd.to_datetime(self.shifts["start"], utc=True)
        hours = span.mean() / pd.Timedelta(hours=1) if len(span) else WORKDAY_H
        return day_cap(self.settings, mean_service_s(self.seen), hours)

    def words(self, lang: str) -> list[str]:
        """The advice, how it was reckoned, and what it assumes."""
        return [*self._advice(lang), self._measured(lang), assumptions(self.settings, lang)]

    def _staffed(self, by: Sequence[str]) -> pd.DataFrame:
        duty = on_duty(self.shifts, self.days, self.timezone, by, who=self.who) if self.duty else None
        return staffed(hourly(self.seen, self.days, by), self.settings, duty)

    def _advice(self, lang: str) -> list[str]:
        if not self.duty:
            return [say("staffing.unknown_duty", lang)]
        found = [stretch_words(one, self.settings, lang) for one in self.short[:MOST]]
        found = found or [say("staffing.enough", lang, goal=goal_words(self.settings, lang))]
        return [*found, *([say("staffing.inferred_duty", lang)] if self.duty == "inferred" else [])]

    def _measured(self, lang: str) -> str:
        slots: dict[str, Any] = {"handle": number(self.settings.handle_s or mean_service_s(self.seen), "count")}
        slots["n"] = number(int(self.seen["served"].sum()), "count")
        if self.chats_open is not None:
            known = self.chats_open == self.chats_open
            open_ = say("staffing.measured_open", lang, open=f"{self.chats_open:.1f}") if known else ""
            slots |= {"at_once": number(self.settings.chats_at_once, "count"), "open": open_}
            return say("staffing.measured", lang, **slots)
        patience = self.settings.patience_s
        told = say("staffing.patience", lang, seconds=number(round(patience), "count")) if patience else ""
        return say("staffing.calls", lang, **slots, patience=told).rstrip()


def manning(source: Run | Facts, settings: StaffingSettings | None = None, queue: str = "") -> Manning:
    """What the run's days need in one queue (arrivals.queues), default the first: all chats, else calls.

    CsperfError where there is no such queue, nobody came, or it is not known how long anybody took.
    """
    known = source if isinstance(source, Facts) else facts(source)
    run = known.run
    there = queues(known, run.first_day, run.last_day)
    if queue and queue not in there:
        raise CsperfError(Problem("--queue", say("staffing.no_queue", found=queue, allowed=", ".join(there))))
    settings = settings or run.params.staffing
    found = _manned(known, settings, queue or next(iter(there), ""))
    if found.seen.empty or not (settings.handle_s or found.seen["served"].sum()):
        ending = "nobody" if found.seen.empty else "no_service"
        raise CsperfError(Problem(str(run.params.file), say(f"staffing.{ending}")))
    return found


def by_queue(source: Run | Facts, settings: StaffingSettings | None = None) -> pd.DataFrame:
    """queue, arrivals, service_s and, of its hour that needs most, hour, per_hour, needed, rostered, scheduled, short;
    short_hours: each queue in which anybody was served, with how many of its hours lack people.

    People of one queue do not help in another, so the roles apart need more than `chats` does as one.
    """
    known = source if isinstance(source, Facts) else facts(source)
    run = known.run
    there = queues(known, run.first_day, run.last_day)
    found = [_manned(known, settings or run.params.staffing, queue) for queue in there]
    return pd.DataFrame([_busiest(one) for one in found if one.seen["served"].sum()], columns=QUEUE)


def _manned(known: Facts, settings: StaffingSettings, queue: str) -> Manning:
    """What the queue needs, however little is known of it."""
    run, span = known.run, (known.run.first_day, known.run.last_day)
    seen = arrivals(known, run.params.timezone, *span, queue=queue, reply_s=settings.reply_s)
    opened = None
    if queue == "calls":
        patience = settings.patience_s or callers_patience_s(known, *span)
        settings = settings.model_copy(update={"chats_at_once": 1.0, "patience_s": patience})
    elif "sessions" in known:
        opened = chats_open(known, *span, queue)
    shifts, duty = _shifts(known, queue)
    return Manning(
        queue, seen, tuple(run.days), shifts, duty, settings, opened, run.params.timezone, _who(known, queue)
    )


def _who(known: Facts, queue: str) -> tuple[str, ...]:
    """Whose shifts count: the people of a role, else all who serve; of a shop with chats and calls who took any."""
    run = known.run
    roster = run.table("roster")
    now = roles(roster[pd.to_datetime(roster["valid_from"]).dt.date <= run.last_day])
    serving = set(now.index[now.isin([queue] if queue in ROLES else SERVING)])
    if {"sessions", "calls"} <= set(known) and queue in QUEUES:
        rows = known[QUEUES[queue]]
        took = rows.filter(rows.scope == "agent", rows.day.between(run.first_day, run.last_day)).select("agent_id")
        serving &= set(took.distinct().to_pandas()["agent_id"])
    return tuple(sorted(serving))


def _shifts(known: Facts, queue: str) -> tuple[pd.DataFrame, str]:
    """Who was on duty from when to when in the run's days, and how that is known."""
    run = known.run
    plan = run.table("shifts")
    plan = plan[pd.to_datetime(plan["day"]).dt.date.between(run.first_day, run.last_day)]
    if len(plan):
        return plan, "plan"
    replied = spans_of_replies(known, run.first_day, run.last_day, queue)
    return replied, "inferred" if len(replied) else ""


def _busiest(found: Manning) -> dict[str, Any]:
    """The line of a queue in `by_queue`."""
    hours = found.by_hour
    worst = hours.astype(object).sort_values(["rostered", "per_hour"], kind="stable").iloc[-1]
    about = {"queue": found.queue, "arrivals": found.seen["arrivals"].sum(), "service_s": mean_service_s(found.seen)}
    return about | {name: worst[name] for name in WORST} | {"short_hours": lacking(hours).sum() if found.duty else None}
