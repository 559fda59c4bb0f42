"""How many agents a shop's customers need, hour by hour: the run's arrivals, its shifts, and what they come to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from .arrivals import arrivals, callers_patience_s, chats_open, spans_of_replies
from .errors import CsperfError, Problem
from .run import Facts, Run, facts
from .staffing import (
    StaffingSettings,
    Stretch,
    assumptions,
    hourly,
    mean_service_s,
    on_duty,
    staffed,
    stretch_words,
    stretches,
)
from .staffing.advice import goal_words
from .text import say
from .text.numbers import number
from .workload import day_cap

WORKDAY_H = 8.0
SERVING = ("pre", "after", "mixed")  # managers and bots are no shift


@dataclass(frozen=True, eq=False)
class Manning:
    """What came, who was there, and what that needs, of the run's days with data.

    duty: `plan` (the shop's shifts), `inferred` (first to last reply of a day) or empty. chats_open: how many chats an
    agent with any had open, on average; null for calls. settings: with what was measured where the shop says nothing.
    """

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
        found = [stretch_words(one, self.settings, lang) for one in self.short]
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


def manning(source: Run | Facts, settings: StaffingSettings | None = None) -> Manning:
    """What the run's days need. CsperfError where nobody came, or where it is not known how long anybody took."""
    known = source if isinstance(source, Facts) else facts(source)
    run = known.run
    settings = settings or run.params.staffing
    span = run.first_day, run.last_day
    seen = arrivals(known, run.params.timezone, *span, reply_s=settings.reply_s)
    if seen.empty or not (settings.handle_s or seen["served"].sum()):
        raise CsperfError(Problem(str(run.params.file), say(f"staffing.{'nobody' if seen.empty else 'no_service'}")))
    opened = chats_open(known, *span) if "sessions" in known else None
    if "sessions" not in known:
        patience = settings.patience_s or callers_patience_s(known, *span)
        settings = settings.model_copy(update={"chats_at_once": 1.0, "patience_s": patience})
    shifts, duty = _shifts(known)
    roster = run.table("roster")
    who = tuple(sorted(set(roster.loc[roster["role"].isin(SERVING), "agent_id"])))
    return Manning(seen, tuple(run.days), shifts, duty, settings, opened, run.params.timezone, who)


def _shifts(known: Facts) -> tuple[pd.DataFrame, str]:
    """Who was on duty from when to when in the run's days, and how that is known."""
    run = known.run
    plan = run.table("shifts")
    plan = plan[pd.to_datetime(plan["day"]).dt.date.between(run.first_day, run.last_day)]
    if len(plan):
        return plan, "plan"
    replied = spans_of_replies(known, run.first_day, run.last_day)
    return replied, "inferred" if len(replied) else ""
