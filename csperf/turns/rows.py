"""From marked rows to facts: buyer_messages, turns and sessions, written once for both scopes."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from ..definitions import Definition
from ..engine import expression, instant
from .events import BUYER
from .names import SHOP
from .runs import beside, only
from .shop import SECOND, within_horizon

STREAM = [*BUYER, "account"]
TURN = [*STREAM, "turn_ord"]
SESSION = [*STREAM, "s_ord"]
MESSAGE = (*STREAM, "day", "row_id", "coded_ord", "s_us", "sent_at")
VERDICT = ("in_hours", "excluded", "reason")
JUDGED = (
    *SESSION,
    "s_us",
    "turn_ord",
    "turn_us",
    "own_ord",
    "row_id",
    "ord",
    "own_us",
    "us",
    "work",
    "day",
    "in_hours",
    "coded_ord",
    "q",
    "r",
    "member",
    "mark",
    "hand",
    "passed",
    "met",
    "passed_around",
    "transferred_in",
    "agent_started",
    "replier",
    "close_us",
    "close_work",
    "next_us",
    "wait_us",
    "wait_work_us",
    "out",
    "reason",
    "sole",
)
COUNTS = (
    "turns",
    "answered_turns",
    "turns_in_hours",
    "wait_sum_us",
    "wait_n",
    "wait_sum_allday_us",
    "wait_n_allday",
)


@expression
def shop_stream(shop: ir.Table) -> ir.Table:
    """The shop's questions and counted replies, shaped like an agent's."""
    return shop.filter(shop.talk & shop.s_ord.notnull()).mutate(
        account=ibis.literal(SHOP, "int64"),
        replier=shop.account,
        hand=ibis.literal(False),
        mark=ibis.literal(False),
        handed=ibis.literal(False),
        received=ibis.literal(False),
        transferred_in=ibis.literal(False),
        next_us=shop.close_us,
        next_work=shop.close_work,
        next_day=shop.close_day,
    )


@expression
def agent_stream(agent: ir.Table, replies: ir.Table) -> ir.Table:
    """An account's questions, replies, transfers; a message waits for its next reply, whatever the session."""
    met = agent.close_us.notnull() & ~agent.handed  # by this account, in this session
    waits = agent.filter(agent.q & ~met).select(*STREAM, "ord").inner_join(replies, STREAM).filter(_.at > _.ord)
    late = waits.group_by(*STREAM, "ord").agg(
        then_us=_.then_us.min(), then_work=_.then_work.min(), then_day=_.then_day.min()
    )
    known = beside(agent, late, [*STREAM, "ord"])
    own = known.close_us.notnull() & ~known.handed
    ends = {name: ibis.ifelse(own, known[f"close_{name}"], known[f"then_{name}"]) for name in ("us", "work", "day")}
    return known.mutate(
        replier=known.account,
        passed_around=ibis.literal(False),
        sole=ibis.null("int64"),
        **{f"next_{name}": end for name, end in ends.items()},
    )


@expression
def judged(stream: ir.Table, definition: Definition) -> ir.Table:
    """Adds the waits and the verdict on every row: passed (its turn was handed over), wait_us, wait_work_us, reason."""
    member = stream.q & stream.turn_ord.notnull()
    in_time = within_horizon(definition, stream.us, stream.day, stream.next_us, stream.next_day)
    turn_day = stream.day
    if definition.horizon == "midnight":
        turn_day = only(stream.ord == stream.turn_ord, stream.day).min().over(ibis.window(group_by=TURN))
    closed = member & within_horizon(definition, stream.turn_us, turn_day, stream.close_us, stream.close_day)
    taken = stream.received if definition.transfer == "receiver" else stream.handed
    rows = stream.mutate(member=member, passed=closed & taken, met=closed & ~stream.handed)
    if definition.transfer == "receiver":  # the turn moved whole: nothing of it stays with the giver
        rows = rows.filter(~rows.passed)
    waits = rows.member & ~rows.passed & in_time
    rows = rows.mutate(wait_work_us=only(waits, rows.next_work - rows.work))
    rows = rows.mutate(wait_us=_in_kind(definition, only(waits, rows.next_us - rows.us), rows.wait_work_us))
    young = (rows.close_us - rows.turn_us) < definition.grace_s * SECOND
    forgiven = young & (definition.transfer == "split")
    reason = ibis.cases(
        (rows.out.notnull(), rows.out),
        (rows.q & ~rows.member, "closing_phrase"),
        (rows.passed & forgiven, "passed_on"),
        (_zero(definition, rows.wait_us), "zero_second"),
    )
    return rows.mutate(reason=reason).select(JUDGED)


def _in_kind(definition: Definition, clock_us: ir.Value, work_us: ir.Value) -> ir.IntegerValue:
    """The wait that limits and means look at: in clock time, or in service time only."""
    return work_us if definition.spill == "clip" else clock_us


def _zero(definition: Definition, wait_us: ir.Value) -> ir.BooleanValue:
    return (wait_us < SECOND) & (definition.zero_s == "exclude")


def counted(definition: Definition, wait_us: ir.Value) -> ir.IntegerValue:
    """The wait as a mean sees it: capped, an unanswered one dropped (null) or set to the cap."""
    if definition.cap_s is None:
        return wait_us
    cap = definition.cap_s * SECOND
    capped = only(wait_us.notnull(), ibis.least(wait_us, cap))
    return capped.fill_null(cap) if definition.unanswered == "cap" else capped


def _verdict(definition: Definition) -> dict:
    return {
        "wait_counted_us": counted(definition, _.wait_us),
        "excluded": _.reason.notnull(),
    }


@expression
def for_all(rows: ir.Table) -> ir.Table:
    """The rows, and once more for their account those of the shop's whose session one account had (sole)."""
    whose = ibis.ifelse(rows.sole.isnull(), ibis.array([rows.account]), ibis.array([rows.account, rows.sole]))
    return rows.mutate(account=whose.unnest()).drop("sole")


@expression
def buyer_messages(rows: ir.Table, definition: Definition) -> ir.Table:
    """A buyer's message, once for the shop and once for each owner; closing phrases are there, excluded."""
    messages = rows.filter(rows.q)
    return (
        for_all(messages)
        .mutate(sent_at=instant(_.own_us), **_verdict(definition))
        .select(
            *MESSAGE,
            "wait_us",
            "wait_counted_us",
            "wait_work_us",
            "transferred_in",
            *VERDICT,
            "us",
            "own_ord",
        )
    )


@expression
def turns(rows: ir.Table, definition: Definition) -> ir.Table:
    """One row for each turn, with internal columns (s_ord, turn_us, seen) that sessions need."""
    grouped = _gathered(rows, definition)
    work_us = only(grouped.answered, grouped.close_work - grouped.clock_work)
    clock_us = only(grouped.answered, grouped.close_us - grouped.clock_us)
    grouped = grouped.mutate(wait_us=_in_kind(definition, clock_us, work_us), wait_work_us=work_us)
    grouped = grouped.mutate(reason=_.reason.fill_null(only(_zero(definition, _.wait_us), "zero_second")))
    # A turn that is itself out neither opens its session nor fails it; a session out as a whole sees all its turns.
    grouped = grouped.mutate(seen=~_.reason.isin(["passed_on", "zero_second"]).fill_null(False))
    whole = ibis.window(group_by=SESSION)
    if definition.anchor == "session":
        grouped = grouped.mutate(in_hours=_.in_hours.argmin(only(_.seen, _.turn_us)).over(whole).fill_null(_.in_hours))
    # The earliest, which need not be the first to come: a turn that moved may be older than its receiver's own.
    by_age = ibis.window(group_by=SESSION, order_by=[~grouped.seen, grouped.turn_us, grouped.turn_ord])
    first = grouped.seen & (ibis.row_number().over(by_age) == 0)
    judged = grouped.mutate(
        opening=first & _opens(definition, grouped.agent_started),
        wait_counted_us=counted(definition, grouped.wait_us),
        excluded=grouped.reason.notnull(),
    )
    return judged.drop("turn_ord", "clock_us", "clock_work", "close_work", "out", "agent_started")


@expression
def told(turned: ir.Table) -> ir.Table:
    """Turns as they are written: when they began, and when they were answered."""
    turned = for_all(turned)
    return turned.drop("s_ord", "seen").mutate(
        zero_s=(turned.wait_us < SECOND).fill_null(False),
        started_at=instant(turned.turn_us),
        replied_at=only(turned.answered, instant(turned.close_us)),
    )


def _gathered(rows: ir.Table, definition: Definition) -> ir.Table:
    """The questions of each turn as one row; clock_us is that of its first question, or of its last (C4)."""
    last = definition.clock_start == "last"
    first = only(_.us == _.turn_us, _.ord)  # a turn that moved may have begun before its receiver's own
    members = rows.filter(rows.member)
    return members.group_by(*TURN, "s_ord").agg(
        row_id=_.row_id.argmin(first),
        s_us=_.s_us.max(),
        coded_ord=_.coded_ord.max(),
        day=only(_.us == _.turn_us, _.day).min(),
        in_hours=only(_.us == _.turn_us, _.in_hours).any(),
        turn_us=_.us.min(),
        clock_us=_.us.max() if last else _.us.min(),
        clock_work=_.work.max() if last else _.work.min(),
        messages=_.count(),
        close_us=_.close_us.max(),
        close_work=_.close_work.max(),
        answered=_.met.any(),
        transferred_in=_.transferred_in.argmin(first),
        transferred_out=_.passed.any(),
        out=_.out.max(),
        agent_started=_.agent_started.any(),
        reason=only(_.reason != "zero_second", _.reason).max(),
        sole=_.sole.max(),
    )


def _opens(definition: Definition, agent_started: ir.BooleanValue) -> ir.BooleanValue:
    """Does the first turn of such a session ask for a first reply? Not where the agent wrote first (C9)."""
    return ~agent_started | (definition.agent_started == "include")


@expression
def sessions(rows: ir.Table, turned: ir.Table, definition: Definition) -> ir.Table:
    """One shop row for each conversation, one agent row for each account that was assigned or replied."""
    happened = _happened(rows)
    asked = _asked(turned.filter(turned.seen))
    return _session_columns(for_all(beside(happened, asked, SESSION)), definition)


def _happened(rows: ir.Table) -> ir.Table:
    """When a session began and ended, and who had a part in it; none for whom a transfer brought nothing."""
    spoken = _.r | _.member
    brings = ~_.mark
    events = rows.group_by(*SESSION).agg(
        row_id=_.row_id.argmin(_.ord),
        s_us=_.s_us.max(),
        coded_ord=_.coded_ord.max(),
        start_us=only(brings, _.us).min(),
        start_day=only(brings, _.day).min(),
        start_hours=_.in_hours.argmin(only(brings, _.us)),
        first_us=only(spoken, _.us).min(),
        last_us=only(spoken, _.us).max(),
        agent_started=_.agent_started.any(),
        out=_.out.max(),
        transferred_in=(_.transferred_in & ~_.q).any(),
        transferred_out=(_.hand | _.passed_around).any(),
        replier=_.replier.argmax(_.ord, where=_.r & _.replier.notnull()),  # null where nobody replied
        sole=_.sole.max(),
    )
    return events.filter(events.start_us.notnull())


def _asked(seen: ir.Table) -> ir.Table:
    """What a session's turns add up to, in service hours and all day."""
    inside = seen.in_hours
    return seen.group_by(*SESSION).agg(
        asked_us=seen.turn_us.min(),
        asked_day=seen.day.min(),
        asked_hours=seen.in_hours.argmin(seen.turn_us),
        turns=seen.count(),
        answered_turns=seen.answered.sum(),
        turns_in_hours=inside.sum(),
        wait_sum_us=only(inside, seen.wait_counted_us).sum(),
        wait_n=only(inside, seen.wait_counted_us).count(),
        any_unanswered=(inside & ~seen.answered).any(),
        wait_sum_allday_us=seen.wait_counted_us.sum(),
        wait_n_allday=seen.wait_counted_us.count(),
        any_unanswered_allday=(~seen.answered).any(),
        first_wait_us=only(seen.opening, seen.wait_us).max(),
    )


def _session_columns(joined: ir.Table, definition: Definition) -> ir.Table:
    asked = joined.asked_us.notnull()
    answered = (joined.answered_turns > 0).fill_null(False)
    return joined.mutate(
        asked=asked,
        answered=answered,
        abandoned=asked & ~answered,
        day=joined.asked_day.fill_null(joined.start_day),
        in_hours=joined.asked_hours.fill_null(joined.start_hours),
        started_at=instant(joined.start_us),
        ended_at=instant(joined.last_us.fill_null(joined.start_us)),
        asked_at=instant(joined.asked_us),
        any_unanswered=joined.any_unanswered.fill_null(False),
        any_unanswered_allday=joined.any_unanswered_allday.fill_null(False),
        first_reply_limit_us=ibis.literal(definition.first_reply_limit_s * SECOND),
        handle_us=only(answered, joined.last_us - joined.first_us),
        reason=joined.out,
        excluded=joined.out.notnull(),
        replier=only(joined.account == SHOP, joined.replier),
        **{name: joined[name].fill_null(0) for name in COUNTS},
    )


@expression
def agent_messages(shop: ir.Table) -> ir.Table:
    """A human's rows of every kind, once for the shop and once for the agent."""
    human = shop.filter(shop.human).mutate(sent_at=instant(_.own_us), reason=_.out, excluded=_.out.notnull())
    both = for_all(human.mutate(sole=_.account, account=ibis.literal(SHOP, "int64")))
    return both.select(*MESSAGE, *VERDICT, "kind", has_emoji=_.emoji)


@expression
def replies(shop: ir.Table) -> ir.Table:
    """Counted replies, for the credit of orders."""
    return shop.filter(shop.r & shop.out.isnull()).select(
        *STREAM, "row_id", "s_us", "us", "day", "ord", "substantive", "kind"
    )
