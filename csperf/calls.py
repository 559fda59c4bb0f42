"""Phone calls with the agent who took them, ready to be added up."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from .engine import materialise, micros
from .facts import conform
from .turns.days import agent_days, for_shop_and_agents, with_people


def derive(con: ibis.BaseBackend, calls: ir.Table, people: ir.Table, covered: ir.Table) -> dict[str, ir.Table]:
    """`calls`: every call for the shop, and for its agent the ones that somebody took; and their `agent_days`.

    An agent worked on a day with a shift or an answered call; `covered` holds the days the export covers. Where the
    export gives no durations, the wait runs from queued_at to the answer (of calls nobody took: to the end), the talk
    from the answer to the end, holds left out. The wait of a call taken nobody knows when is null.
    """
    queued, ended = micros(calls.queued_at), micros(calls.ended_at)
    answered = micros(calls.answered_at)
    taken = calls.outcome == "answered"
    until = ibis.ifelse(taken, answered, answered.fill_null(ended))
    timed = calls.mutate(
        row_id=calls.call_id,
        wait_us=calls.wait_us.fill_null(until - queued),
        talk_us=calls.talk_us.fill_null(ended - answered - calls.hold_us.fill_null(0)),
    )
    found = materialise(con, for_shop_and_agents(with_people(timed, people), "calls"))
    worked = found.filter((_.scope == "agent") & (_.outcome == "answered"))
    days = agent_days(worked, worked, people, covered).mutate(shop_id=found.shop_id.max().as_scalar())
    return {"calls": found, "agent_days": materialise(con, conform(days, "agent_days"))}
