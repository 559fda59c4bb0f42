"""When customers come and for how long each keeps somebody busy, by local day and hour: chats, else calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

COLUMNS = ["day", "weekday", "hour", "arrivals", "served", "busy_s"]
STARTS = {"sessions": "started_at", "calls": "queued_at"}
QUEUES = {"chats": "sessions", "calls": "calls"}  # chats come first
ROLES = ("pre", "after")  # each with customers of its own; mixed people help in both
SECOND = 1_000_000  # microseconds


def queues(facts: Mapping[str, ir.Table], first_day: date, last_day: date) -> list[str]:
    """The queues that the facts tell apart: `chats`, after it the roles that had any where several had, and `calls`.

    Calls are one queue: of those who gave up before anybody answered no role is known.
    """
    found = [queue for queue, fact in QUEUES.items() if fact in facts]
    if "chats" in found:
        rows = facts["sessions"]
        rows = rows.filter(rows.scope == "agent", rows.day.between(first_day, last_day), rows.role.isin(ROLES))
        known = set(rows.select("role").distinct().to_pandas()["role"])
        found[1:1] = [role for role in ROLES if role in known and len(known) > 1]
    return found


def arrivals(
    facts: Mapping[str, ir.Table],
    timezone: str,
    first_day: date,
    last_day: date,
    *,
    queue: str = "chats",
    reply_s: float = 30,
) -> pd.DataFrame:
    """COLUMNS by local day and hour of the customers' beginning (weekday 0 = Monday); hours without any have no row.

    `queue`: one of `queues`; a chat is in the queue of a role for each of its agents who had it, and begins there when
    it came to them. arrivals: chats with a question in service hours, or all incoming calls. served: those
    of them of which it is known how long they took, busy_s: how long together. A chat takes from its opening to its
    last reply, of which the wait for the first reply counts for `reply_s` at most: what is longer, the customer waited
    and nobody worked. A call takes talk, hold and after-call work. Empty without the queue's fact.
    """
    name = QUEUES.get(queue, "sessions")
    if name not in facts:
        return pd.DataFrame(columns=COLUMNS)
    rows = facts[name].filter(facts[name].day.between(first_day, last_day))
    rows = (
        rows.filter(rows.scope == "agent", rows.role == queue) if queue in ROLES else rows.filter(rows.scope == "shop")
    )
    counted = _chats(rows, reply_s) if name == "sessions" else _calls(rows)
    minutes = counted.mutate(at=counted[STARTS[name]].truncate("m")).group_by("at")  # zones shift by 15 minutes
    sums = minutes.agg(
        arrivals=lambda t: t.count(), served=lambda t: t.busy_us.count(), busy_us=lambda t: t.busy_us.sum()
    )
    return _by_hour(sums.to_pandas(), timezone)


def _chats(rows: ir.Table, reply_s: float) -> ir.Table:
    asked = rows.filter(rows.asked, rows.in_hours, ~rows.excluded)
    idle = (asked.first_wait_us - int(reply_s * SECOND)).clip(lower=0).fill_null(0)
    return asked.mutate(busy_us=asked.handle_us - idle)


def _calls(rows: ir.Table) -> ir.Table:
    came = rows.filter(rows.direction == "in")
    spoken = came.talk_us + came.hold_us.fill_null(0) + came.wrap_us.fill_null(0)
    return came.mutate(busy_us=ibis.ifelse(came.outcome == "answered", spoken, None))


def _by_hour(minutes: pd.DataFrame, timezone: str) -> pd.DataFrame:
    local = pd.to_datetime(minutes["at"], utc=True).dt.tz_convert(timezone)
    places = {"day": local.dt.date, "weekday": local.dt.day_of_week, "hour": local.dt.hour}
    sums = minutes.assign(**places, busy_s=minutes["busy_us"].astype(float) / SECOND)
    return sums.groupby(list(places), as_index=False)[["arrivals", "served", "busy_s"]].sum()[COLUMNS]


def chats_open(facts: Mapping[str, ir.Table], first_day: date, last_day: date, queue: str = "chats") -> float:
    """How many chats an agent had open on average while any was open; NaN where nobody was answered."""
    rows = facts["sessions"]
    rows = rows.filter(rows.scope == "agent", rows.day.between(first_day, last_day), ~rows.excluded)
    rows = rows.filter(rows.role == queue) if queue in ROLES else rows
    sums = rows.agg(wall=rows.handle_us.sum(), active=rows.active_us.sum()).to_pandas().iloc[0].astype(float)
    return float(sums["wall"] / sums["active"]) if sums["active"] > 0 else float("nan")


def callers_patience_s(facts: Mapping[str, ir.Table], first_day: date, last_day: date) -> float | None:
    """Seconds that callers wait on average before they hang up; null where nobody did.

    All waiting divided by those who hung up: the likeliest mean of an exponential patience of which only those who were
    not answered in time show the end.
    """
    rows = facts["calls"]
    rows = rows.filter(rows.scope == "shop", rows.day.between(first_day, last_day), rows.direction == "in")
    left = (rows.outcome == "abandoned").sum()
    sums = rows.agg(waited=rows.wait_us.sum(), left=left).to_pandas().iloc[0].astype(float)
    return float(sums["waited"] / sums["left"] / SECOND) if sums["left"] > 0 else None


def spans_of_replies(
    facts: Mapping[str, ir.Table], first_day: date, last_day: date, queue: str = "chats"
) -> pd.DataFrame:
    """agent_id, start, end: of each agent and day the first and the last reply; calls: answer and end."""
    name = "calls" if queue == "calls" else "agent_messages"
    if name not in facts:
        return pd.DataFrame(columns=["agent_id", "start", "end"])
    rows = facts[name]
    rows = rows.filter(rows.scope == "agent", rows.day.between(first_day, last_day), rows.agent_id.notnull())
    start, end = (rows.sent_at, rows.sent_at) if name == "agent_messages" else (rows.answered_at, rows.ended_at)
    found = rows.group_by("agent_id", "day").agg(start=start.min(), end=end.max()).to_pandas()
    return found.dropna(subset=["start", "end"])[["agent_id", "start", "end"]].sort_values(["agent_id", "start"])
