"""Orders -> the agent who earned them, and what became of each buyer-day: "Inquiries and purchases" of the contract."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

from .people import Shop
from .sessions import Chat, chats, is_reply, session_reason, shop_of, walk_agents, walk_shop

SHARED = ("amount_fen", "paid_fen", "net_fen", "quantity", "share_ppm")
TIMES = ("created_at", "paid_at", "grouped_at", "closed_at", "requested_at", "finished_at")


def purchases(messages, orders, refunds, derived, definition, **settings) -> list[dict]:
    """Rows of `purchases`; fills inquiry and the conversion flags of derived["buyer_days"] in place.

    `settings` as for `derive` (hours do not matter). Messages are walked again, because credit goes by single replies.
    """
    shop = shop_of(definition, **settings)
    by_buyer = {(chat.shop_id, chat.buyer_id): chat for chat in chats(map(_in_utc, messages))}
    for walked in by_buyer.values():
        walk_shop(walked, shop)
        walk_agents(walked, shop)
    bought = sorted(map(_in_utc, orders), key=lambda o: (o["shop_id"], o["order_id"]))
    returned = [_in_utc(r) for r in refunds]
    turns = [t for t in derived["turns"] if t["scope"] == "shop" and not t["excluded"]]
    rows = []
    for order in bought:
        chat = by_buyer.get((order["shop_id"], order["buyer_id"]))
        credits = find_credits(chat, order, shop) if chat else []
        rows += order_rows(order, chat, credits, turns, returned, shop)
    mark_first(rows)
    mark_bought_again(rows, bought, shop)
    flag_buyer_days(derived["buyer_days"], [r for r in rows if r["scope"] == "shop"], shop)
    return rows


def ordered_at(order: dict) -> datetime:
    """When an order was placed: created_at, else paid_at."""
    return order["created_at"] or order["paid_at"]


# ---------------------------------------------------------------- credit


def find_credits(chat: Chat, order: dict, shop: Shop) -> list[int]:
    """The places of the replies that earn the order: none (silent), one, or under `split` one for each agent.

    Counted replies with 0 <= order - reply <= window, in chats and sessions that are not out, passing over accounts
    whose role is `after` on the reply's day. READING R35: so are bots and replies without account.
    READING R36: under `substantive` an agent without substance is passed over, and the credit goes further back.
    READING R37: `first` is the first of these replies, `most` the last of the agent with most (tie: latest).
    READING R61: `split` takes each agent's last one; the agents in order of their first.
    """
    placed = ordered_at(order)
    window = timedelta(hours=shop.definition.window_h)
    fit = [
        at
        for at, m in enumerate(chat.stream)
        if is_reply(m, shop)
        and timedelta() <= placed - m["sent_at"] <= window
        and session_reason(chat, shop, chat.place[at]) is None
        and may_earn(m, shop)
        and (shop.definition.credit_needs == "reply" or substantive(chat, at, placed, shop))
    ]
    if not fit:
        return []
    if shop.definition.attribution == "split":
        return list({agent_of(chat, at, shop): at for at in fit}.values())  # a later reply keeps the agent's place
    if shop.definition.attribution == "first":
        return fit[:1]
    if shop.definition.attribution == "most":
        count = Counter(agent_of(chat, at, shop) for at in fit)
        return [max(fit, key=lambda at: (count[agent_of(chat, at, shop)], at))]
    return fit[-1:]


def may_earn(reply: dict, shop: Shop) -> bool:
    line = shop.entry(reply["account_id"], shop.day(reply["sent_at"]))
    return reply["account_id"] is not None and (line is None or line["role"] not in ("after", "bot"))


def agent_of(chat: Chat, at: int, shop: Shop) -> str | None:
    message = chat.stream[at]
    return shop.agent(message["account_id"], shop.day(message["sent_at"]))


def substantive(chat: Chat, at: int, placed: datetime, shop: Shop) -> bool:
    """Two replies of five characters or more, or a product card, by that agent in that session before the order."""
    own = [
        m
        for n, m in enumerate(chat.stream)
        if chat.place[n] == chat.place[at]
        and is_reply(m, shop)
        and m["sent_at"] <= placed
        and agent_of(chat, n, shop) == agent_of(chat, at, shop)
    ]
    long_ones = [m for m in own if m["kind"] == "text" and len((m["text"] or "").strip()) >= 5]
    return len(long_ones) >= 2 or any(m["kind"] == "card" for m in own)


def inquired(chat: Chat, at: int, turns: list[dict]) -> datetime | None:
    """The start of the latest counted shop turn of the reply's session that began not after the reply.

    READING R38: compared by time; null where the agent wrote first and nothing was asked: credited, but no buyer-day
    converts.
    """
    session = chat.place[at]
    if session is None:
        return None
    starts = [
        t["started_at"]
        for t in turns
        if t["session_id"] == chat.session_id(session) and t["started_at"] <= chat.stream[at]["sent_at"]
    ]
    return max(starts, default=None)


# ---------------------------------------------------------------- rows


def order_rows(
    order: dict, chat: Chat | None, credits: list[int], turns: list[dict], refunds: list[dict], shop: Shop
) -> list[dict]:
    """The shop's row of an order and one for each agent who earned it.

    READING R40: agent, role, level and shift of a credited order are those of the reply's day, whenever it is paid.
    READING R62: of a shared order the shop's row, and the buyer-day that converts, go by the last of the replies.
    """
    day = shop.day(order["paid_at"] or order["created_at"])
    back = returned_fen(order, refunds, shop)
    row = {
        name: order[name]
        for name in ("order_id", "buyer_id", *TIMES[:4], "amount_fen", "paid_fen", "quantity", "status")
    }
    row |= {
        "day": day,
        "created_day": shop.day(ordered_at(order)),
        "inquired_at": inquired(chat, max(credits), turns) if chat and credits else None,
        "net_fen": None if order["paid_fen"] is None else order["paid_fen"] - (back or 0),
        "credited": None if order["buyer_id"] is None else bool(credits),
        "paid": order["paid_at"] is not None,
        "grouped": order["grouped_at"] is not None,
        "closed_unpaid": order["status"] == "closed" and order["paid_at"] is None,
        "refunded": back is not None,
        "first_of_buyer_day": False,
        "first_of_created_day": False,
        "bought_again": None,
        "share_ppm": 1_000_000,
    }
    rows = [shop.who(order["shop_id"], "shop", None, day) | row | {"row_id": order["order_id"]}]
    for number, credit in enumerate(credits):
        assert chat is not None
        reply = chat.stream[credit]
        agent = shop.who(order["shop_id"], "agent", reply["account_id"], shop.day(reply["sent_at"]))
        own = {name: part(row[name], number, len(credits)) for name in SHARED}
        own["inquired_at"] = inquired(chat, credit, turns)
        rows.append(agent | row | own | {"row_id": order["order_id"]})
    return rows


def part(whole: int | None, number: int, sharers: int) -> int | None:
    """What one of several gets: dealt out one by one, the first in line first."""
    return None if whole is None else len(range(number, whole, sharers))


def mark_first(rows: list[dict]) -> None:
    """Mark one row of each scope, agent and buyer: of the day among paid orders, of the created_day among all.

    READING R41: credited orders come first (so that adding the mark up over credited rows counts their buyers), among
    all orders then paid ones, then those shared with fewest, then the lowest order_id.
    """
    paid: dict[tuple, list[dict]] = defaultdict(list)
    placed: dict[tuple, list[dict]] = defaultdict(list)
    for row in rows:
        who = row["shop_id"], row["scope"], row["agent_id"], row["buyer_id"]
        if row["buyer_id"] is not None:
            placed[*who, row["created_day"]].append(row)
            if row["paid"]:
                paid[*who, row["day"]].append(row)
    for name, groups in (("first_of_buyer_day", paid), ("first_of_created_day", placed)):
        for own in groups.values():
            min(own, key=lambda r: (not r["credited"], not r["paid"], -r["share_ppm"], r["order_id"]))[name] = True


def mark_bought_again(rows: list[dict], orders: list[dict], shop: Shop) -> None:
    """Fill bought_again; null for what is not paid, names no buyer, or is too young to tell.

    READING R58: again is another local day: of the days 1 to repurchase_days after the day of the purchase any on which
    the buyer paid an order, whoever earned it, refunded or not.
    READING R59: the data end with the latest day of ordering.
    """
    wait = timedelta(days=shop.definition.repurchase_days)
    for row in rows:
        own_shop = [o for o in orders if o["shop_id"] == row["shop_id"]]
        last_day = max(shop.day(ordered_at(o)) for o in own_shop)
        known = row["paid"] and row["buyer_id"] is not None and row["day"] + wait <= last_day
        paid_days = {shop.day(o["paid_at"]) for o in own_shop if o["buyer_id"] == row["buyer_id"] and o["paid_at"]}
        row["bought_again"] = any(row["day"] < day <= row["day"] + wait for day in paid_days) if known else None


def flag_buyer_days(buyer_days: list[dict], orders: list[dict], shop: Shop) -> None:
    """Fill inquiry and the conversion flags. READING R42: null in a shop none of whose orders names a buyer."""
    named = {o["shop_id"] for o in orders if o["buyer_id"] is not None}
    for row in buyer_days:
        if row["shop_id"] not in named:
            continue
        own = [o for o in orders if (o["shop_id"], o["buyer_id"]) == (row["shop_id"], row["buyer_id"])]
        won = [o for o in own if o["inquired_at"] is not None and shop.day(o["inquired_at"]) == row["day"]]
        row["ordered"] = bool(won)
        row["paid"] = any(o["paid"] for o in won)
        row["grouped"] = any(o["grouped"] for o in won)
        row["net_paid"] = any(o["paid"] and not o["refunded"] for o in won)
        row["same_day_paid"] = any(paid_same_day(o, row, shop) for o in own)
        row["inquiry"] = bool(won) or not is_aftersale(row["first_question_at"], own, shop)


def paid_same_day(order: dict, row: dict, shop: Shop) -> bool:
    """Whether it was paid that day, not before the row's first question unless the set takes any; no credit needed."""
    if order["paid_at"] is None or shop.day(order["paid_at"]) != row["day"]:
        return False
    return shop.definition.same_day == "any" or order["paid_at"] >= row["first_question_at"]


def is_aftersale(first_question: datetime, orders: list[dict], shop: Shop) -> bool:
    """Whether the buyer paid within the days before the question and ordered nothing in the window after it.

    READING R43: before is strict, 21 days back and the window after are inclusive.
    """
    back = timedelta(days=shop.definition.aftersale_days)
    ahead = timedelta(hours=shop.definition.window_h)
    paid = any(o["paid_at"] and timedelta() < first_question - o["paid_at"] <= back for o in orders)
    again = any(timedelta() <= ordered_at(o) - first_question <= ahead for o in orders)
    return paid and not again


def returned_fen(order: dict, refunds: list[dict], shop: Shop) -> int | None:
    """Fen given back in time: succeeded refunds finished within net_refund_days of the payment; None: no such refund.

    READING R39: a refund without finish counts from its request; a later one belongs to no month's net.
    """
    if order["paid_at"] is None:
        return None
    limit = timedelta(days=shop.definition.net_refund_days)
    back = [
        r["amount_fen"]
        for r in refunds
        if (r["shop_id"], r["order_id"]) == (order["shop_id"], order["order_id"])
        and r["outcome"] == "succeeded"
        and (r["finished_at"] or r["requested_at"]) - order["paid_at"] <= limit
    ]
    return sum(back) if back else None


def _in_utc(row: dict) -> dict:
    return row | {c: row[c].astimezone(UTC) for c in (*TIMES, "sent_at") if row.get(c) is not None}
