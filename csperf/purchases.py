"""Orders -> the agent who earned them, and which buyer days became purchases (CONTRACT section 2)."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
from ibis import _

from .chunks import ALL, Lane
from .definitions import Definition
from .engine import DAY_US, Scratch, any_row, expression, micros
from .facts import conform

HOUR_US = 3_600_000_000
ORDER = ["shop_id", "order_id"]
OWNER = [*ORDER, "agent_id"]
WHOLE_PPM = 1_000_000
BUYER_DAY = ["shop_id", "scope", "who", "buyer_id", "day"]  # who: the agent, "" for the shop
FLAGS = ("ordered", "paid", "grouped", "net_paid", "same_day_paid")
SHARED = ("amount_fen", "paid_fen", "net_fen", "quantity", "share_ppm")


def derive(
    keep: Scratch,
    orders: ir.Table,
    refunds: ir.Table,
    facts: Mapping[str, ir.Table],
    definition: Definition,
    lane: Lane = ALL,
) -> tuple[ir.Table, ir.Table | None]:
    """`purchases` of a lane's buyers, and what they say of buyer_days (with_flags): nothing where orders name no buyer.

    `facts` are those of turns.derive. Reach: an order looks back `window_h` and ahead `repurchase_days`, an inquiry
    back `aftersale_days`, so all read all orders and replies they are given.
    """
    newest = orders.group_by("shop_id").agg(last_day=_.created_day.fill_null(_.paid_day).max())
    replies, turns, days = (keep.view(lane.of(facts[name]), name) for name in ("replies", "turns", "buyer_days"))
    own = _orders(keep.view(lane.of(orders), "orders"), keep.view(refunds, "refunds"), definition)
    ordered = keep(_bought_again(own, keep(newest, "newest"), definition))
    named = any_row(ordered.filter(ordered.buyer_id.notnull()))
    credited = keep(_credited(ordered, replies, turns, definition))
    bought = _purchases(ordered, credited)
    if not named:
        return bought, None
    return bought, _flags(days, ordered, credited.filter(credited.leads), definition)


@expression
def with_flags(buyer_days: ir.Table, flags: ir.Table) -> ir.Table:
    """The fact buyer_days with inquiry and FLAGS. Who never ordered asked, and bought nothing."""
    days = buyer_days.drop(*FLAGS, "inquiry").mutate(who=buyer_days.agent_id.fill_null(""))
    days = days.left_join(flags, BUYER_DAY).drop(*(f"{name}_right" for name in BUYER_DAY))
    told = {name: days[name].fill_null(False) for name in FLAGS} | {"inquiry": days.inquiry.fill_null(True)}
    return conform(days.mutate(**told), "buyer_days")


@expression
def _orders(orders: ir.Table, refunds: ir.Table, definition: Definition) -> ir.Table:
    """Orders with their times in microseconds, what was refunded, and the day each counts on."""
    returned = refunds.filter(_.outcome == "succeeded").select(
        *ORDER, "amount_fen", back_us=micros(_.finished_at.fill_null(_.requested_at))
    )
    paid = orders.select(*ORDER, paid_us=micros(_.paid_at))
    in_time = returned.inner_join(paid, ORDER).filter(_.back_us - _.paid_us <= definition.net_refund_days * DAY_US)
    refunded = in_time.group_by(*ORDER).agg(refund_fen=_.amount_fen.sum())
    rows = orders.left_join(refunded, ORDER).drop("shop_id_right", "order_id_right")
    return rows.mutate(
        ordered_us=micros(_.created_at.fill_null(_.paid_at)),
        created_us=micros(_.created_at),
        paid_us=micros(_.paid_at),
        day=_.paid_day.fill_null(_.created_day),
        created_day=_.created_day.fill_null(_.paid_day),
        paid=_.paid_at.notnull(),
        grouped=_.grouped_at.notnull(),
        closed_unpaid=(_.status == "closed") & _.paid_at.isnull(),
        refunded=_.refund_fen.notnull(),
        net_fen=ibis.ifelse(_.paid_fen.isnull(), None, ibis.greatest(_.paid_fen - _.refund_fen.fill_null(0), 0)),
    )


@expression
def _bought_again(orders: ir.Table, newest: ir.Table, definition: Definition) -> ir.Table:
    """Adds bought_again: did the buyer buy on a later day within `repurchase_days`? Null until those days have passed.

    Several orders of one day are one purchase. Exports go by the day of ordering, so that of the latest order is the
    last day on which a purchase could have been seen.
    """
    by_day = ibis.window(group_by=["shop_id", "buyer_id"], order_by="day")
    bought = orders.filter(orders.paid & orders.buyer_id.notnull()).select("shop_id", "buyer_id", "day").distinct()
    bought = bought.mutate(paid=True, again_day=bought.day.lead().over(by_day))
    key = ["shop_id", "buyer_id", "day", "paid"]
    rows = orders.left_join(bought, key).drop(*(f"{name}_right" for name in key))
    rows = rows.left_join(newest, "shop_id").drop("shop_id_right")
    passed = rows.last_day.delta(rows.day, unit="day") >= definition.repurchase_days
    again = rows.again_day.delta(rows.day, unit="day") <= definition.repurchase_days
    known = rows.paid & rows.buyer_id.notnull() & passed
    return rows.mutate(bought_again=ibis.ifelse(known, again.fill_null(False), None)).drop("again_day", "last_day")


def _eligible(replies: ir.Table, definition: Definition) -> ir.Table:
    """Counted replies that may earn an order: not by after-sale staff, and substantive where the set asks for it."""
    if definition.credit_needs == "substantive":
        by_agent = ibis.cumulative_window(group_by=["session_id", "account_id"], order_by="ord")
        counted = replies.mutate(
            said=replies.substantive.cast("int64").sum().over(by_agent),
            shown=(replies.kind == "card").cast("int64").sum().over(by_agent),
        )
        replies = counted.filter((_.said >= 2) | (_.shown >= 1)).select(replies.columns)
    return replies.filter((_.role != "after").fill_null(True))


def _candidates(ordered: ir.Table, replies: ir.Table, definition: Definition) -> ir.Table:
    """Each order beside the replies to its buyer in the window before it; buckets of days keep the join small."""
    days = definition.window_h // 24 + 1
    orders = ordered.filter(_.buyer_id.notnull()).select(*ORDER, "buyer_id", "ordered_us")
    reach = ibis.union(*(orders.mutate(bucket=orders.ordered_us // DAY_US - k) for k in range(days + 1)))
    joined = replies.mutate(bucket=replies.us // DAY_US).inner_join(reach, ["shop_id", "buyer_id", "bucket"])
    wait = joined.ordered_us - joined.us
    return joined.filter((wait >= 0) & (wait <= definition.window_h * HOUR_US))


@expression
def _credited(ordered: ir.Table, replies: ir.Table, turns: ir.Table, definition: Definition) -> ir.Table:
    """One row for each order and owner: account, session and day of the reply that earned it, and inquired_at.

    Only `split` gives an order several owners: sharers is how many, number (from 0) the place of an owner's first reply
    among them, leads marks the one whose reply was the last: by it go the shop's row and the buyer-day that converts.
    """
    candidates = _candidates(ordered, _eligible(replies, definition), definition)
    ranked = candidates.mutate(
        place=ibis.row_number().over(ibis.window(group_by=ORDER, order_by=["us", "ord"])),
        votes=_.us.count().over(ibis.window(group_by=[*ORDER, "agent_id"])),
    )
    weights = {"last": _.place, "split": _.place, "first": -_.place, "most": _.votes * 2**40 + _.place}
    ranked = ranked.mutate(
        weight=weights[definition.attribution], began=_.place.min().over(ibis.window(group_by=OWNER))
    )
    owners = ibis.window(group_by=OWNER if definition.attribution == "split" else ORDER)
    owned = ranked.mutate(top=_.weight.max().over(owners)).filter(_.weight == _.top)
    whole = ibis.window(group_by=ORDER)
    owned = owned.mutate(
        sharers=_.place.count().over(whole),
        number=ibis.row_number().over(ibis.window(group_by=ORDER, order_by="began")),
        leads=_.place == _.place.max().over(whole),
    )
    person = ("buyer_id", "account_id", "agent_id", "role", "level", "shift", "session_id")
    owned = owned.select(*ORDER, *person, "sharers", "number", "leads", reply_us=_.us)
    return owned.left_join(_inquired(owned, turns), OWNER).drop(*(f"{name}_right" for name in OWNER))


def _inquired(owned: ir.Table, turns: ir.Table) -> ir.Table:
    """The start of the latest counted turn of the reply's session that is not after the reply."""
    counted = turns.filter((turns.scope == "shop") & ~turns.excluded).select(
        "session_id", "started_at", "category_code", turn_day=_.day
    )
    asked = owned.select(*OWNER, "session_id", "reply_us").inner_join(counted, "session_id")
    asked = asked.mutate(turn_us=micros(asked.started_at)).filter(_.turn_us <= _.reply_us)
    return asked.group_by(*OWNER).agg(
        inquired_at=_.started_at.max(), inquired_day=_.turn_day.max(), category_code=_.category_code.argmax(_.turn_us)
    )


@expression
def _flags(buyer_days: ir.Table, ordered: ir.Table, credited: ir.Table, definition: Definition) -> ir.Table:
    """FLAGS and inquiry of the days of buyers who ever ordered, whoever served them (who)."""
    earned = (
        credited.filter(_.inquired_day.notnull())
        .select(*ORDER, "buyer_id", day=_.inquired_day)
        .inner_join(ordered.select(*ORDER, "paid", "grouped", "refunded"), ORDER)
        .group_by("shop_id", "buyer_id", "day")
        .agg(ordered=_.count() > 0, paid=_.paid.any(), grouped=_.grouped.any(), net_paid=(_.paid & ~_.refunded).any())
    )
    history = _history(buyer_days, ordered, definition)
    found = history.left_join(earned, ["shop_id", "buyer_id", "day"])
    known = found.mutate(**{name: found[name].fill_null(False) for name in FLAGS})
    inquiry = known.ordered | ~known.paid_before.fill_null(False) | known.created_after.fill_null(False)
    return known.select(*BUYER_DAY, *FLAGS, inquiry=inquiry)


def _history(days: ir.Table, ordered: ir.Table, definition: Definition) -> ir.Table:
    """What a buyer's orders say of each day: paid before its first question, created after it, paid on the day."""
    orders = ordered.filter(_.buyer_id.notnull()).select(
        "shop_id", "buyer_id", "created_us", "ordered_us", "paid_us", "paid_day"
    )
    days = days.select("shop_id", "scope", "buyer_id", "day", "first_question_at", who=_.agent_id.fill_null(""))
    pairs = days.inner_join(orders, ["shop_id", "buyer_id"])
    pairs = pairs.mutate(first_us=micros(pairs.first_question_at))
    before = pairs.first_us - pairs.paid_us
    after = pairs.ordered_us - pairs.first_us
    on_the_day = pairs.paid_day == pairs.day
    if definition.same_day == "after_question":
        on_the_day = on_the_day & (pairs.paid_us >= pairs.first_us)
    return pairs.group_by(*BUYER_DAY).agg(
        paid_before=((before > 0) & (before <= definition.aftersale_days * DAY_US)).any(),
        created_after=((after >= 0) & (after <= definition.window_h * HOUR_US)).any(),
        same_day_paid=on_the_day.any(),
    )


@expression
def _purchases(ordered: ir.Table, credited: ir.Table) -> ir.Table:
    """Every order for the shop, and the credited ones for their agents, each with its part."""
    owner = credited.drop("buyer_id", "reply_us", "session_id")
    rows = ordered.drop("account_id").left_join(owner, ORDER).drop("shop_id_right", "order_id_right")
    rows = rows.mutate(
        credited=ibis.ifelse(rows.buyer_id.notnull(), rows.agent_id.notnull(), None),
        row_id=rows.order_id,
        share_ppm=ibis.literal(WHOLE_PPM, "int64"),
    )
    nobody = {name: ibis.null("string") for name in ("agent_id", "account_id", "role", "level", "shift")}
    shop = rows.filter(rows.leads.fill_null(True)).mutate(scope=ibis.literal("shop"), **nobody)
    parts = {name: _part(rows[name], rows) for name in SHARED}
    agents = rows.mutate(scope=ibis.literal("agent"), **parts).filter(_.agent_id.notnull())
    both = shop.select(sorted(shop.columns)).union(agents.select(sorted(agents.columns)))
    firsts = {"first_of_buyer_day": both.paid & _first(both, "day", "paid")}
    return conform(both.mutate(**firsts, first_of_created_day=_first(both, "created_day")), "purchases")


def _part(whole: ir.IntegerValue, owned: ir.Table) -> ir.IntegerValue:
    """What an owner gets of the whole: equal parts, and of what is left over one each to those who replied first."""
    return whole // owned.sharers + (owned.number < whole % owned.sharers).cast("int64")


def _first(rows: ir.Table, day: str, *apart: str) -> ir.BooleanValue:
    """True on one order of each buyer and day, so that buyers can be added up: a credited, paid, little shared one."""
    group = ["shop_id", "scope", rows.agent_id.fill_null(""), "buyer_id", day, *apart]
    order = [ibis.desc(rows.credited), ibis.desc(rows.paid), ibis.desc(rows.share_ppm), rows.order_id]
    place = ibis.row_number().over(ibis.window(group_by=group, order_by=order))
    return (rows.buyer_id.notnull() & (place == 0)).fill_null(False)
