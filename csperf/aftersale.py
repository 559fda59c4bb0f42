"""After the sale: refunds and disputes, complaints, ratings, and what a buyer came for, over chats and calls.

A refund older than its order is excluded with the reason before_order.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
from ibis import _

from .definitions import Definition
from .engine import DAY_US, instant, materialise, micros, points_ppm
from .facts import conform
from .turns.days import PERSON, for_shop_and_agents, with_people
from .turns.runs import with_totals

SAID = ("text", "card", "sticker")  # what a human says; notes, recalls and closings are not heard
HOUR_US = 3_600_000_000
NEVER_US = 2**62
BUYER = ["shop_id", "buyer_id"]
ORDER = ["shop_id", "order_id"]
REFUND = ["shop_id", "refund_id"]
ISSUE = [*BUYER, "number"]


# --- refunds --------------------------------------------------------------------------------------------------------


def refunds(rows: ir.Table, orders: ir.Table | None, facts: Mapping[str, ir.Table], definition: Definition) -> ir.Table:
    """Refunds with their buyer, and the agent who last wrote to them from window_h before the request until the end."""
    timed = rows.mutate(
        row_id=rows.refund_id,
        asked_us=micros(rows.requested_at),
        over_us=micros(rows.finished_at).fill_null(NEVER_US),
        finished_day=rows.finished_day.fill_null(rows.day),
        intervened=rows.platform_intervened,
        liable=rows.merchant_liable,
        refund_us=ibis.ifelse(rows.outcome == "succeeded", micros(rows.finished_at) - micros(rows.requested_at), None),
    )
    bought = with_orders(timed, orders)
    judged = bought.mutate(excluded=_.before_order, reason=ibis.ifelse(_.before_order, "before_order", None))
    return for_shop_and_agents(_with_talk(judged, facts.get("agent_messages"), definition), "refunds")


def with_orders(rows: ir.Table, orders: ir.Table | None) -> ir.Table:
    """Refunds with the order's buyer_id, null where it was not loaded; before_order: asked for before it was placed."""
    if orders is None:
        return rows.mutate(buyer_id=ibis.null("string"), before_order=False)
    placed = orders.select(*ORDER, "buyer_id", placed_at=orders.created_at.fill_null(orders.paid_at))
    found = rows.left_join(placed, ORDER).drop("shop_id_right", "order_id_right")
    return found.mutate(before_order=(found.requested_at < found.placed_at).fill_null(False)).drop("placed_at")


def _with_talk(rows: ir.Table, said: ir.Table | None, definition: Definition) -> ir.Table:
    """Adds who had the refund (PERSON), and contact_us from the request to the first human message after it."""
    if said is None:
        nobody = {name: ibis.null("string") for name in (*PERSON, "category_code")}
        return rows.mutate(contact_us=ibis.null("int64"), **nobody)
    talk = said.filter((said.scope == "agent") & ~said.excluded & said.kind.isin(SAID))
    talk = talk.select(*BUYER, *PERSON, "category_code", us=micros(talk.sent_at), message=talk.row_id)
    asked = rows.select(*REFUND, "buyer_id", "asked_us", "over_us")
    near = asked.inner_join(talk, BUYER).filter(
        (_.us >= _.asked_us - definition.window_h * HOUR_US) & (_.us <= _.over_us)
    )
    latest = ibis.window(group_by=REFUND, order_by=[ibis.desc("us"), ibis.desc("message")])
    place = near.mutate(place=ibis.row_number().over(latest))
    had = place.filter(_.place == 0).select(*REFUND, *PERSON, "category_code")
    since = near.filter(near.us >= near.asked_us).group_by(*REFUND).agg(contact_us=(_.us - _.asked_us).min())
    joined = rows.left_join(had, REFUND).drop(*(f"{name}_right" for name in REFUND))
    return joined.left_join(since, REFUND).drop(*(f"{name}_right" for name in REFUND))


def with_disputes(purchases: ir.Table, rows: ir.Table) -> ir.Table:
    """Adds disputed: did a refund of the order succeed after the platform stepped in and held the merchant at fault?

    Null for an order with a refund of which that is not known; and for all orders where the refunds' export never says
    whether the platform stepped in, or of none of its interventions whose fault it was.
    """
    done = rows.filter(rows.outcome == "succeeded")
    lost = ibis.cases((~done.platform_intervened, False), else_=done.platform_intervened & done.merchant_liable)
    stepped_in = done.platform_intervened.fill_null(False)
    told = done.agg(
        steps_told=(_.platform_intervened.notnull().sum() > 0) | (_.count() == 0),
        fault_told=((stepped_in & done.merchant_liable.notnull()).sum() > 0) | (stepped_in.sum() == 0),
    )
    verdicts = done.mutate(lost=lost).group_by(*ORDER).agg(lost=_.lost.any(), open=_.lost.isnull().any())
    joined = purchases.drop("disputed").left_join(verdicts, ORDER).drop("shop_id_right", "order_id_right")
    joined = joined.cross_join(told)
    verdict = ibis.cases((joined.lost.fill_null(False), True), (joined.open.fill_null(False), None), else_=False)
    disputed = ibis.ifelse(joined.steps_told.fill_null(True) & joined.fault_told.fill_null(True), verdict, None)
    return joined.mutate(disputed=disputed).select(purchases.columns)


# --- complaints and ratings -----------------------------------------------------------------------------------------


def complaints(rows: ir.Table, people: ir.Table) -> ir.Table:
    """Complaints of the shop, and of the agent they name."""
    rows = with_totals(rows, ["shop_id"], causes_told=rows.cause_at.notnull().any())
    opened = micros(rows.opened_at)
    clocked = rows.mutate(
        row_id=rows.complaint_id,
        category_code=ibis.null("string"),
        cause_us=micros(rows.cause_at) - opened,
        result_us=micros(rows.resolved_at) - opened,
    )
    return for_shop_and_agents(with_people(clocked, people), "complaints")


def ratings(rows: ir.Table, people: ir.Table) -> ir.Table:
    """Invitations to rate and ratings, of the shop and of the agent they name, scaled to 100 points."""
    rows = with_totals(rows, ["shop_id", "source_file"], answers_told=rows.score.notnull().any())
    scaled = rows.mutate(
        row_id=rows.source_file.concat(":", rows.source_line.cast("string")),
        category_code=ibis.null("string"),
        day=rows.day.fill_null(rows.invited_day),
        invited_day=rows.invited_day.fill_null(rows.day),
        rated=rows.score.notnull(),
        points_ppm=points_ppm(rows.score, rows.scale_max),
    )
    return for_shop_and_agents(with_people(scaled, people), "ratings")


# --- issues ---------------------------------------------------------------------------------------------------------


def issues(
    con: ibis.BaseBackend, facts: Mapping[str, ir.Table], complained: ir.Table | None, definition: Definition
) -> ir.Table:
    """What buyers came for: their contacts less than issue_gap_days apart; a row for each agent who answered in it too.

    Contacts are chats with a question and incoming calls of a known caller.
    """
    gap_us = definition.issue_gap_days * DAY_US
    contacts = materialise(con, _numbered(ibis.union(*_contacts(facts)), gap_us))
    first = contacts.filter(contacts.begins).select(*ISSUE, "day", "category_code", row_id="contact_id")
    served = contacts.select(*ISSUE, "contact_id", "begins", "ends").inner_join(_agents(facts), "contact_id")
    size = contacts.group_by(*ISSUE).agg(
        contacts=_.count(),
        opened_us=_.start_us.min(),
        ended_us=_.end_us.max(),
        answered=(_.answered & _.ends).any(),
        abandoned=~_.answered.any(),
        newest_us=_.newest_us.max(),
    )
    whole = size.inner_join(first, ISSUE)
    many = served.group_by(*ISSUE).agg(agents=_.agent_id.nunique())
    whole = whole.left_join(many, ISSUE).drop(*(f"{name}_right" for name in ISSUE))
    whole = _with_complaints(whole, complained, gap_us).mutate(
        agents=_.agents.fill_null(0),
        settled=_.newest_us - _.ended_us >= gap_us,
        solve_us=_.ended_us - _.opened_us,
        opened_at=instant(_.opened_us),
        ended_at=instant(_.ended_us),
        first_contact=True,
        last_contact=True,
    )
    return _for_all(whole, served)


def _contacts(facts: Mapping[str, ir.Table]) -> list[ir.Table]:
    """Chats with a question and incoming calls: who, when, answered or not."""
    found = []
    if "sessions" in facts:
        chats = facts["sessions"].filter((_.scope == "shop") & _.asked & ~_.excluded)
        ends = chats.select(
            *BUYER, "day", "category_code", "answered", "asked_at", "ended_at", contact_id=chats.session_id
        )
        found.append(ends)
    if "calls" in facts:
        rang = facts["calls"].filter((_.scope == "shop") & (_.direction == "in") & _.customer_id.notnull())
        ends = rang.select(
            "shop_id",
            "day",
            "category_code",
            buyer_id=rang.customer_id,
            answered=rang.outcome == "answered",
            asked_at=rang.queued_at,
            ended_at=rang.ended_at,
            contact_id=rang.call_id,
        )
        found.append(ends.select(found[0].columns) if found else ends)
    return [
        rows.mutate(start_us=micros(rows.asked_at), end_us=micros(rows.ended_at)).drop("asked_at", "ended_at")
        for rows in found
    ]


def _agents(facts: Mapping[str, ir.Table]) -> ir.Table:
    """Who answered in which contact."""
    found = []
    if "sessions" in facts:
        chats = facts["sessions"].filter((_.scope == "agent") & _.answered & ~_.excluded & _.agent_id.notnull())
        found.append(chats.select(*PERSON, contact_id=chats.session_id))
    if "calls" in facts:
        rang = facts["calls"].filter((_.scope == "agent") & (_.outcome == "answered"))
        found.append(rang.select(*PERSON, contact_id=rang.call_id))
    return ibis.union(*found)


def _numbered(contacts: ir.Table, gap_us: int) -> ir.Table:
    """Adds number (of the buyer's issue), begins and ends (is the first, the last of it), newest_us (the shop's)."""
    order = ["start_us", "contact_id"]
    in_turn = ibis.window(group_by=BUYER, order_by=order)
    earlier = ibis.window(group_by=BUYER, order_by=order, preceding=(None, 1))
    begun = contacts.mutate(before_us=contacts.end_us.max().over(earlier))
    begun = begun.mutate(begins=(begun.start_us - begun.before_us >= gap_us).fill_null(True))
    numbered = begun.mutate(
        number=begun.begins.cast("int64").sum().over(ibis.cumulative_window(group_by=BUYER, order_by=order)),
        ends=begun.begins.lead().over(in_turn).fill_null(True),
    )
    newest = contacts.group_by("shop_id").agg(newest_us=_.start_us.max())
    return numbered.inner_join(newest, "shop_id")


def _with_complaints(whole: ir.Table, rows: ir.Table | None, gap_us: int) -> ir.Table:
    """Adds complained: did the buyer complain between an issue's start and the gap after its end?"""
    if rows is None:
        return whole.mutate(complained=False)
    told = rows.filter(rows.buyer_id.notnull()).select(*BUYER, told_us=micros(rows.opened_at))
    near = whole.inner_join(told, BUYER).filter((_.told_us >= _.opened_us) & (_.told_us - _.ended_us <= gap_us))
    marks = near.select(*ISSUE).distinct().mutate(complained=True)
    joined = whole.left_join(marks, ISSUE).drop(*(f"{name}_right" for name in ISSUE))
    return joined.mutate(complained=joined.complained.fill_null(False))


def _for_all(whole: ir.Table, served: ir.Table) -> ir.Table:
    """The shop's rows, and one for each agent who answered in the issue, by whom they were there."""
    part = served.group_by(*ISSUE, "agent_id").agg(
        **{name: _[name].min() for name in PERSON if name != "agent_id"}, begins=_.begins.any(), ends=_.ends.any()
    )
    own = whole.left_join(part, ISSUE).drop(*(f"{name}_right" for name in ISSUE))
    agents = own.filter(own.agent_id.notnull()).mutate(
        first_contact=_.begins, last_contact=_.ends, scope=ibis.literal("agent")
    )
    nobody = {name: ibis.null("string") for name in PERSON}
    shop = whole.mutate(scope=ibis.literal("shop"), **nobody)
    return ibis.union(*(conform(rows, "issues") for rows in (shop, agents)))
