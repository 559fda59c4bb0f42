"""The log of tickets: one row for each, with its states, hand-offs, openings anew, time waiting and time worked on."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from .engine import materialise, micros
from .turns.days import for_shop_and_agents, with_people
from .turns.runs import only

TICKET = ["shop_id", "ticket_id"]
OVER = ("resolved", "closed")
STATELESS = "replied"  # an answer changes nothing: who waits goes on waiting
ORDER = ["us", "source_line"]


def derive(con: ibis.BaseBackend, log: ir.Table, people: ir.Table) -> dict[str, ir.Table]:
    """`tickets`: every ticket for the shop, and for whoever had it last.

    The state is that of the last event that sets one. A ticket that gets any state but resolved and closed after one of
    these was opened again. Closing a closed ticket changes nothing and is counted in closed_again.
    """
    events = materialise(con, _events(log))
    whole = events.group_by(*TICKET).agg(
        day=_.day.argmin(_.place),
        opened_us=_.us.min(),
        opened_at=_.at.min(),
        events=_.count(),
        agents=_.account_id.nunique(),
        complete=_.complete.all(),
    )
    for part in (_handed_on(events), _states(events), _last_account(events)):
        whole = whole.left_join(part, TICKET).drop(*(f"{name}_right" for name in TICKET))
    rows = whole.mutate(
        row_id=whole.ticket_id,
        category_code=ibis.null("string"),
        hand_offs=whole.hand_offs.fill_null(0),
        resolved_at=only(whole.resolved, whole.over_at),
        solve_us=only(whole.resolved, whole.over_us - whole.opened_us),
    )
    return {"tickets": materialise(con, for_shop_and_agents(with_people(rows, people), "tickets"))}


def _events(log: ir.Table) -> ir.Table:
    """The log in its order: us, place (from 0, in its ticket), holder (the team, or the account where none is told)."""
    timed = log.mutate(us=micros(log.at), teams_told=log.team.notnull().any().over(ibis.window(group_by="shop_id")))
    return timed.mutate(
        place=ibis.row_number().over(ibis.window(group_by=TICKET, order_by=ORDER)),
        holder=ibis.ifelse(timed.teams_told, timed.team, timed.account_id),
        complete=timed.account_id.notnull() & (timed.team.notnull() | ~timed.teams_told),
    )


def _handed_on(events: ir.Table) -> ir.Table:
    """How often a ticket went from one holder to another; events that name none are passed over."""
    held = events.filter(events.holder.notnull())
    before = held.holder.lag().over(ibis.window(group_by=TICKET, order_by="place"))
    moved = held.mutate(moved=(held.holder != before).fill_null(False))
    return moved.group_by(*TICKET).agg(hand_offs=_.moved.sum())


def _last_account(events: ir.Table) -> ir.Table:
    named = events.filter(events.account_id.notnull())
    return named.group_by(*TICKET).agg(account_id=_.account_id.argmax(_.place))


def _states(events: ir.Table) -> ir.Table:
    """The state at the end, when a ticket was last resolved, and for how long it waited and was worked on."""
    by_time = ibis.window(group_by=TICKET, order_by="place")
    setting = events.filter((events.event != STATELESS) | (events.place == 0)).select(
        *TICKET, "place", "event", "at", "us", over=events.event.isin(OVER)
    )
    moves = setting.mutate(
        before=setting.event.lag().over(by_time),
        was_over=setting.over.lag().over(by_time).fill_null(False),
        lasted_us=setting.us.lead().over(by_time) - setting.us,
    )
    waits = moves.event == "waiting"
    ends = moves.over & ~moves.was_over
    return moves.group_by(*TICKET).agg(
        state=_.event.argmax(_.place),
        resolved=_.over.argmax(_.place),
        over_at=only(ends, _.at).max(),
        over_us=only(ends, _.us).max(),
        reopened=(~_.over & _.was_over).sum(),
        closed_again=((_.event == "closed") & (_.before == "closed").fill_null(False)).sum(),
        waiting_us=only(waits, _.lasted_us).sum().fill_null(0),
        working_us=only(~waits & ~moves.over, _.lasted_us).sum().fill_null(0),
    )
