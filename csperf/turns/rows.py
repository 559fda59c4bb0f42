"""From marked rows to facts: buyer_messages, turns and sessions, written once for both scopes."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from ..definitions import Definition
from ..engine import instant
from .events import BUYER
from .runs import only
from .shop import SECOND, within_horizon

STREAM = ["scope", *BUYER, "account_id"]
TURN = [*STREAM, "turn_ord"]
SESSION = [*STREAM, "s_ord"]
COUNTS = (
    "turns", "answered_turns", "turns_in_hours", "wait_sum_us", "wait_n", "wait_sum_allday_us", "wait_n_allday",
)  # fmt: skip


def shop_stream(shop: ir.Table) -> ir.Table:
    """The shop's questions and counted replies, shaped like an agent's."""
    return shop.filter(shop.talk & shop.s_ord.notnull()).mutate(
        scope=ibis.literal("shop"),
        account_id=ibis.literal(""),
        replier=shop.account_id,
        hand=ibis.literal(False),
        handed=ibis.literal(False),
        transferred_in=ibis.literal(False),
        next_us=shop.close_us,
        next_work=shop.close_work,
        next_day=shop.close_day,
    )


def agent_stream(agent: ir.Table) -> ir.Table:
    """An account's questions, replies and transfers; a message waits for the account's next reply, whatever the session."""
    later = ibis.window(group_by=[*BUYER, "account_id"], order_by="ord", following=(0, None))
    return agent.mutate(
        scope=ibis.literal("agent"),
        replier=agent.account_id,
        next_us=only(agent.r, agent.us).min().over(later),
        next_work=only(agent.r, agent.work).min().over(later),
        next_day=only(agent.r, agent.day).min().over(later),
    )


def judged(stream: ir.Table, definition: Definition) -> ir.Table:
    """Adds the waits and the verdict on every row: passed (its turn was handed over), wait_us, wait_work_us, reason."""
    member = stream.q & stream.turn_ord.notnull()
    in_time = within_horizon(definition, stream.us, stream.day, stream.next_us, stream.next_day)
    turn_day = only(stream.ord == stream.turn_ord, stream.day).min().over(ibis.window(group_by=TURN))
    closed = member & within_horizon(definition, stream.turn_us, turn_day, stream.close_us, stream.close_day)
    rows = stream.mutate(member=member, passed=closed & stream.handed, met=closed & ~stream.handed)
    waits = rows.member & ~rows.passed & in_time
    rows = rows.mutate(
        wait_us=only(waits, rows.next_us - rows.us), wait_work_us=only(waits, rows.next_work - rows.work)
    )
    young = (rows.close_us - rows.turn_us) < definition.grace_s * SECOND
    forgiven = (
        rows.passed
        & {"split": young, "sender": ibis.literal(False), "receiver": ibis.literal(True)}[definition.transfer]
    )
    reason = ibis.cases(
        (rows.out.notnull(), rows.out),
        (rows.q & ~rows.member, "closing_phrase"),
        (forgiven, "passed_on"),
        (_zero(definition, rows.wait_us), "zero_second"),
    )
    return rows.mutate(reason=reason)


def _zero(definition: Definition, wait_us: ir.Value) -> ir.BooleanValue:
    return (wait_us < SECOND) & (definition.zero_s == "exclude")


def counted(definition: Definition, wait_us: ir.Value, work_us: ir.Value) -> ir.IntegerValue:
    """The wait as a mean sees it: capped, an unanswered one dropped (null) or set to the cap."""
    raw = work_us if definition.spill == "clip" else wait_us
    if definition.cap_s is None:
        return raw
    cap = definition.cap_s * SECOND
    capped = ibis.least(raw, cap)
    return capped.fill_null(cap) if definition.unanswered == "cap" else capped


def _verdict(definition: Definition) -> dict:
    return {
        "wait_counted_us": counted(definition, _.wait_us, _.wait_work_us),
        "excluded": _.reason.notnull(),
        "account_id": _.account_id.nullif(""),
    }


def buyer_messages(rows: ir.Table, definition: Definition) -> ir.Table:
    """A buyer's message, once for the shop and once for each owner; closing phrases are there, excluded."""
    messages = rows.filter(rows.q)
    opens = messages.ord == messages.turn_ord
    return messages.mutate(sent_at=instant(_.us), opens_turn=opens.fill_null(False), **_verdict(definition)).select(
        "shop_id", "scope", "account_id", "category_code", "day", "row_id", "buyer_id", "session_id", "sent_at", "wait_us",
        "wait_counted_us", "wait_work_us", "transferred_in", "in_hours", "excluded", "reason", "opens_turn", "us",
    )  # fmt: skip


def turns(rows: ir.Table, definition: Definition) -> ir.Table:
    """One row for each turn, with internal columns (s_ord, turn_ord, close_us) that sessions need."""
    clock = _.us.max() if definition.clock_start == "last" else _.us.min()
    work = _.work.max() if definition.clock_start == "last" else _.work.min()
    grouped = rows.filter(rows.member).group_by(*TURN, "s_ord").agg(
        row_id=_.row_id.argmin(_.ord), session_id=_.session_id.max(), category_code=_.category_code.max(),
        day=_.day.argmin(_.ord), in_hours=_.in_hours.argmin(_.ord), turn_us=_.us.min(), clock_us=clock, clock_work=work,
        messages=_.count(), close_us=_.close_us.max(), close_work=_.close_work.max(), answered=_.met.any(),
        transferred_in=_.transferred_in.argmin(_.ord), transferred_out=_.passed.any(), out=_.out.max(),
        reason=only(_.reason != "zero_second", _.reason).max(),
    )  # fmt: skip
    grouped = grouped.mutate(
        wait_us=only(_.answered, _.close_us - _.clock_us), wait_work_us=only(_.answered, _.close_work - _.clock_work)
    )
    grouped = grouped.mutate(reason=_.reason.fill_null(only(_zero(definition, _.wait_us), "zero_second")))
    whole = ibis.window(group_by=SESSION)
    if definition.anchor == "session":
        grouped = grouped.mutate(in_hours=_.in_hours.argmin(_.turn_ord).over(whole))
    first = grouped.turn_ord.min().over(whole)
    return grouped.mutate(
        opening=grouped.turn_ord == first,
        zero_s=(grouped.wait_us < SECOND).fill_null(False),
        started_at=instant(grouped.turn_us),
        replied_at=only(grouped.answered, instant(grouped.close_us)),
        wait_counted_us=counted(definition, grouped.wait_us, grouped.wait_work_us),
        excluded=grouped.reason.notnull(),
    )


def sessions(rows: ir.Table, turned: ir.Table, definition: Definition) -> ir.Table:
    """One shop row for each conversation, one agent row for each account that was assigned or replied."""
    said = _.r | _.member
    events = rows.group_by(*SESSION).agg(
        row_id=_.row_id.argmin(_.ord), session_id=_.session_id.max(), category_code=_.category_code.max(), s_us=_.s_us.max(),
        start_us=_.us.min(), start_day=_.day.argmin(_.ord), start_hours=_.in_hours.argmin(_.ord),
        first_us=only(said, _.us).min(), last_us=only(said, _.us).max(), agents=only(_.r, _.replier).nunique(),
        agent_started=_.agent_started.any(), out=_.out.max(), transferred_in=_.transferred_in.any(),
        transferred_out=_.hand.any(), replier=_.replier.argmax(only(_.r, _.ord)),
    )  # fmt: skip
    asked = turned.group_by(*SESSION).agg(
        asked_us=_.turn_us.min(), asked_day=_.day.argmin(_.turn_ord), asked_hours=_.in_hours.argmin(_.turn_ord),
        turns=(~_.excluded).sum(), answered_turns=(_.answered & ~_.excluded).sum(),
        turns_in_hours=(_.in_hours & ~_.excluded).sum(),
        wait_sum_us=only(_.in_hours & ~_.excluded, _.wait_counted_us).sum(),
        wait_n=only(_.in_hours & ~_.excluded, _.wait_counted_us).count(),
        any_unanswered=(_.in_hours & ~_.excluded & ~_.answered).any(),
        wait_sum_allday_us=only(~_.excluded, _.wait_counted_us).sum(),
        wait_n_allday=only(~_.excluded, _.wait_counted_us).count(),
        any_unanswered_allday=(~_.excluded & ~_.answered).any(),
        first_wait_us=only(_.opening, _.wait_us).max(), passed_on=(_.reason == "passed_on").all(),
    )  # fmt: skip
    joined = events.left_join(asked, SESSION).drop(*(f"{name}_right" for name in SESSION))
    return _session_columns(joined, definition)


def _session_columns(joined: ir.Table, definition: Definition) -> ir.Table:
    answered = (joined.answered_turns > 0).fill_null(False)
    opened = ~joined.agent_started | (definition.agent_started == "include")
    reason = joined.out.fill_null(only(joined.passed_on, "passed_on"))
    return joined.mutate(
        asked=joined.asked_us.notnull(),
        answered=answered,
        day=joined.asked_day.fill_null(joined.start_day),
        in_hours=joined.asked_hours.fill_null(joined.start_hours),
        started_at=instant(joined.start_us),
        ended_at=instant(joined.last_us.fill_null(joined.start_us)),
        asked_at=instant(joined.asked_us),
        any_unanswered=joined.any_unanswered.fill_null(False),
        any_unanswered_allday=joined.any_unanswered_allday.fill_null(False),
        first_wait_us=only(opened, joined.first_wait_us),
        first_reply_limit_us=ibis.literal(definition.first_reply_limit_s * SECOND),
        handle_us=only(answered, joined.last_us - joined.first_us),
        abandoned=joined.asked_us.notnull() & ~answered,
        reason=reason,
        excluded=reason.notnull(),
        account_id=joined.account_id.nullif(""),
        **{name: joined[name].fill_null(0) for name in COUNTS},
    )


def agent_messages(shop: ir.Table) -> ir.Table:
    """A human's messages, once for the shop and once for the agent; `replied` marks the ones that can answer."""
    human = shop.filter((shop.sender == "human") & (shop.kind != "transfer"))
    columns = [
        "shop_id", "scope", "account_id", "category_code", "day", "row_id", "buyer_id", "session_id", "sent_at", "kind",
        "has_emoji", "in_hours", "excluded", "reason", "replied",
    ]  # fmt: skip
    rows = human.mutate(
        sent_at=instant(_.us),
        has_emoji=_.emoji,
        reason=_.out,
        excluded=_.out.notnull(),
        replied=_.r,
        scope=ibis.literal("agent"),
    )
    shop_rows = rows.mutate(scope=ibis.literal("shop"), account_id=ibis.null("string"))
    return rows.select(columns).union(shop_rows.select(columns))


def replies(shop: ir.Table) -> ir.Table:
    """Counted replies, for the credit of orders."""
    return shop.filter(shop.r & shop.out.isnull()).select(
        *BUYER, "account_id", "session_id", "row_id", "us", "day", "ord", "substantive", "kind"
    )
