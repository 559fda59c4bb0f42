"""The catalogue in plain loops: facts -> {(scope, agent_id, day): (numerator, denominator)}.

In the facts' units (microseconds, fen, counts). Entries that keep to service hours have an `_allday` twin.
A share or mean has a key only where its denominator has rows; a `_per_day` entry wherever either side has.
Counts have no denominator (None).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date

Key = tuple[str, str | None, date]
Pair = tuple[float, float | None]
Facts = dict[str, list[dict]]

SECOND = 1_000_000
MINUTE = 60 * SECOND
DIALOGUE = ("text", "card", "sticker")


def key_of(row: dict, day: str = "day") -> Key:
    return row["scope"], row["agent_id"], row[day]


def counted(rows: Iterable[dict], allday: bool) -> list[dict]:
    """Rows that are not out; in service hours unless all day."""
    return [r for r in rows if not r["excluded"] and (allday or r["in_hours"])]


def total(rows: Iterable[dict], value: Callable[[dict], float] = lambda row: 1, day: str = "day") -> dict[Key, float]:
    """Sum of a value over rows, for each scope, agent and day."""
    sums: dict[Key, float] = defaultdict(int)
    for row in rows:
        sums[key_of(row, day)] += value(row)
    return sums


def over(top: dict[Key, float], bottom: dict[Key, float]) -> dict[Key, Pair]:
    """A share or mean: wherever the denominator has rows."""
    return {key: (top.get(key, 0), below) for key, below in bottom.items()}


def per_worked_day(top: dict[Key, float], facts: Facts) -> dict[Key, Pair]:
    """Divided by days worked; numerators keep days on which nobody is known to have worked."""
    worked = total(facts["agent_days"], lambda r: r["worked"])
    return {key: (top.get(key, 0), worked.get(key, 0)) for key in {*top, *worked}}


def only_shop(pairs: dict[Key, Pair]) -> dict[Key, Pair]:
    return {key: pair for key, pair in pairs.items() if key[0] == "shop"}


def bare(sums: dict[Key, float]) -> dict[Key, Pair]:
    return {key: (value, None) for key, value in sums.items()}


# ---------------------------------------------------------------- speed


def reply_share(facts: Facts, table: str, limit: int, allday: bool) -> dict[Key, Pair]:
    rows = counted(facts[table], allday)
    return over(total(r for r in rows if r["wait_us"] is not None and r["wait_us"] <= limit), total(rows))


def reply_share_user(facts: Facts, limit: int | None, allday: bool) -> dict[Key, Pair]:
    """Buyers of a day all of whose messages were answered within the limit (None: the set's own, any_fail_us)."""
    limits = {(*key_of(r), r["buyer_id"]): r["any_fail_us"] for r in facts["buyer_days"]}
    waits: dict[tuple, list[int | None]] = defaultdict(list)
    for row in counted(facts["buyer_messages"], allday):
        waits[*key_of(row), row["buyer_id"]].append(row["wait_us"])
    top: dict[Key, float] = defaultdict(int)
    bottom: dict[Key, float] = defaultdict(int)
    for (scope, agent, day, buyer), own in waits.items():
        most = limits[scope, agent, day, buyer] if limit is None else limit
        top[scope, agent, day] += all(w is not None and w <= most for w in own)
        bottom[scope, agent, day] += 1
    return over(top, bottom)


def reply_share_session(facts: Facts, limit: int, allday: bool) -> dict[Key, Pair]:
    """Sessions asked whose turns were all answered, and on the mean within the limit.

    Joined to their turns by row, because the sums a session carries are those of its in-hours turns.
    """
    top: dict[Key, float] = defaultdict(int)
    bottom: dict[Key, float] = defaultdict(int)
    for session in counted(facts["sessions"], allday):
        if not session["asked"]:
            continue
        own = [t for t in counted(facts["turns"], allday) if same_session(t, session)]
        waits = [t["wait_counted_us"] for t in own if t["wait_counted_us"] is not None]
        good = all(t["answered"] for t in own) and bool(waits) and sum(waits) <= limit * len(waits)
        top[key_of(session)] += good
        bottom[key_of(session)] += 1
    return over(top, bottom)


def same_session(turn: dict, session: dict) -> bool:
    columns = ("scope", "account_id", "session_id")
    return all(turn[c] == session[c] for c in columns)


def first_reply_in_time(facts: Facts, allday: bool) -> dict[Key, Pair]:
    limits = {r["session_id"]: r["first_reply_limit_us"] for r in facts["sessions"]}
    rows = [t for t in counted(facts["turns"], allday) if t["opening"]]
    good = [t for t in rows if t["wait_us"] is not None and t["wait_us"] <= limits[t["session_id"]]]
    return over(total(good), total(rows))


def first_reply_s(facts: Facts, allday: bool) -> dict[Key, Pair]:
    """Raw waits of answered openings."""
    rows = [t for t in counted(facts["turns"], allday) if t["opening"] and t["answered"]]
    return over(total(rows, lambda t: t["wait_us"]), total(rows))


def mean_wait(facts: Facts, table: str, allday: bool) -> dict[Key, Pair]:
    rows = [r for r in counted(facts[table], allday) if r["wait_counted_us"] is not None]
    return over(total(rows, lambda r: r["wait_counted_us"]), total(rows))


def waits(facts: Facts, allday: bool = False) -> dict[Key, list[int]]:
    """Raw waits of answered turns, sorted: what wait_turn_p50_s, _p90_s and _max_s are read from."""
    found: dict[Key, list[int]] = defaultdict(list)
    for row in counted(facts["turns"], allday):
        if row["answered"]:
            found[key_of(row)].append(row["wait_us"])
    return {key: sorted(own) for key, own in found.items()}


def quantile(values: list[int], share: float) -> float:
    """Linear between the two neighbours of rank share x (n - 1)."""
    rank = share * (len(values) - 1)
    low = int(rank)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (rank - low)


# ---------------------------------------------------------------- service


def asked(facts: Facts, allday: bool) -> list[dict]:
    return [s for s in counted(facts["sessions"], allday) if s["asked"]]


def effective(facts: Facts, allday: bool) -> list[dict]:
    return [s for s in asked(facts, allday) if s["answered"]]


def unanswered(facts: Facts, allday: bool) -> list[dict]:
    return [s for s in asked(facts, allday) if not s["answered"]]


def buyers(facts: Facts, allday: bool) -> list[dict]:
    """Buyer-days; in hours if one of their messages is."""
    return counted(facts["buyer_days"], allday)


def handle(facts: Facts, allday: bool) -> dict[Key, Pair]:
    rows = effective(facts, allday)
    return over(total(rows, lambda s: s["handle_us"]), total(rows))


def handle_active(facts: Facts, allday: bool) -> dict[Key, Pair]:
    """Handling divided by the chats open at once, over the sessions that have it (agents' answered ones)."""
    rows = [s for s in effective(facts, allday) if s["active_us"] is not None]
    return over(total(rows, lambda s: s["active_us"]), total(rows))


def buyers_of_period(facts: Facts, first: date, last: date) -> dict[tuple[str, str | None], int]:
    """(scope, agent_id) -> how many different buyers asked in hours in a period: what buyers_period counts."""
    seen: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    for row in buyers(facts, False):
        if first <= row["day"] <= last:
            seen[row["scope"], row["agent_id"]].add(row["buyer_id"])
    return {who: len(own) for who, own in seen.items()}


def sessions_per_hour(facts: Facts, allday: bool) -> dict[Key, Pair]:
    top = total(asked(facts, allday))
    hours = total((r for r in facts["agent_days"] if r["shift_us"] is not None), lambda r: r["shift_us"])
    return {key: (top.get(key, 0), hours.get(key, 0)) for key in {*top, *hours}}


def agents_online(facts: Facts) -> dict[Key, Pair]:
    """READING R44: agents with a counted reply on the day, over covered days; shop scope only."""
    return {key_of(r): (r["replied"], 1) for r in facts["agent_days"] if r["scope"] == "shop"}


def spoken(facts: Facts) -> list[dict]:
    """READING R45: a human message in shares is a text, card or sticker; recalls, notes and the like are not."""
    return [m for m in counted(facts["agent_messages"], True) if m["kind"] in DIALOGUE]


def emoji_share(facts: Facts) -> dict[Key, Pair]:
    return over(total(m for m in spoken(facts) if m["has_emoji"]), total(spoken(facts)))


def coded_share(facts: Facts) -> dict[Key, Pair]:
    """READING R46: over sessions asked, all day."""
    rows = asked(facts, True)
    return over(total(s for s in rows if s["category_code"] is not None), total(rows))


def transfer_share(facts: Facts) -> dict[Key, Pair]:
    """READING R47: handled = every counted session row of the scope, asked or not, all day."""
    rows = counted(facts["sessions"], True)
    return over(total(s for s in rows if s["transferred_out"]), total(rows))


def answer_ask_ratio(facts: Facts) -> dict[Key, Pair]:
    return over(total(spoken(facts)), total(counted(facts["buyer_messages"], True)))


def slow(facts: Facts, allday: bool) -> dict[Key, float]:
    """READING R48: buyers of a day with a message late (over 3 minutes) or unanswered."""
    return {key: below - top for key, (top, below) in reply_share_user(facts, 3 * MINUTE, allday).items() if below}


# ---------------------------------------------------------------- sales


def flagged(facts: Facts, flag: str, among: str | None) -> dict[Key, Pair]:
    """Buyer-days with a flag among inquiries (or all buyer-days); all day; nothing where orders name no buyers."""
    known = [r for r in counted(facts["buyer_days"], True) if r["inquiry"] is not None]
    rows = known if among is None else [r for r in known if r[among]]
    return over(total(r for r in rows if r[flag]), total(rows))


def conversion_same_day(facts: Facts) -> dict[Key, Pair]:
    """A ratio: buyer-days over effective sessions, all day; null where orders name no buyers."""
    known = [r for r in counted(facts["buyer_days"], True) if r["inquiry"] is not None]
    if not known:
        return {}
    return over(total(r for r in known if r["same_day_paid"]), total(effective(facts, True)))


def bought_per_day(facts: Facts) -> dict[Key, Pair]:
    known = [r for r in counted(facts["buyer_days"], True) if r["inquiry"] is not None]
    return per_worked_day(total(r for r in known if r["same_day_paid"]), facts) if known else {}


def sold(facts: Facts) -> list[dict]:
    """Paid orders somebody earned."""
    return [o for o in facts["purchases"] if o["paid"] and o["credited"]]


def orders(row: dict) -> float:
    """How much of an order a row is."""
    return row["share_ppm"] / 1_000_000


def one_per_buyer(rows: list[dict], day: str) -> list[dict]:
    """One row for each buyer and day of a scope and agent: of shared orders the one shared with fewest."""
    return list({(*key_of(r, day), r["buyer_id"]): r for r in sorted(rows, key=orders)}.values())


def order_value(facts: Facts) -> dict[Key, Pair]:
    return over(total(sold(facts), lambda o: o["paid_fen"]), total(one_per_buyer(sold(facts), "day"), orders))


def items_per_buyer(facts: Facts) -> dict[Key, Pair]:
    return over(total(sold(facts), lambda o: o["quantity"]), total(one_per_buyer(sold(facts), "day"), orders))


def order_loss(facts: Facts) -> dict[Key, Pair]:
    rows = [o for o in facts["purchases"] if o["credited"]]
    lost = total((o for o in rows if o["closed_unpaid"]), orders, day="created_day")
    return over(lost, total(rows, orders, day="created_day"))


def payment_share(facts: Facts) -> dict[Key, Pair]:
    """Buyers of the day an order was placed who paid (at any time) over buyers who ordered."""
    rows = [o for o in facts["purchases"] if o["credited"]]
    ordered = one_per_buyer(rows, "created_day")
    paid = one_per_buyer([o for o in rows if o["paid"]], "created_day")
    return over(total(paid, day="created_day"), total(ordered, day="created_day"))


def sales_split(facts: Facts, credited: bool) -> dict[Key, Pair]:
    """Shop scope: paid fen of orders with (or without) credit over all whose buyer is known."""
    rows = [o for o in facts["purchases"] if o["scope"] == "shop" and o["paid"] and o["credited"] is not None]
    own = [o for o in rows if o["credited"] == credited]
    return over(total(own, lambda o: o["paid_fen"]), total(rows, lambda o: o["paid_fen"]))


def refund_share(facts: Facts) -> dict[Key, Pair]:
    return over(total((o for o in sold(facts) if o["refunded"]), orders), total(sold(facts), orders))


def repurchase_share(facts: Facts) -> dict[Key, Pair]:
    """Buyers of a day who bought again in time, of those about whom that is known; the shop's whoever earned them."""
    buyers = one_per_buyer([o for o in facts["purchases"] if o["bought_again"] is not None], "day")
    return over(total(o for o in buyers if o["bought_again"]), total(buyers))


IN_HOURS: dict[str, Callable[[Facts, bool], dict[Key, Pair]]] = {
    "reply_30s_msg": lambda f, a: reply_share(f, "buyer_messages", 30 * SECOND, a),
    "reply_3min_msg": lambda f, a: reply_share(f, "buyer_messages", 3 * MINUTE, a),
    "reply_3min_turn": lambda f, a: reply_share(f, "turns", 3 * MINUTE, a),
    "reply_3min_session": lambda f, a: reply_share_session(f, 3 * MINUTE, a),
    "reply_3min_user": lambda f, a: reply_share_user(f, 3 * MINUTE, a),
    "reply_5min_msg": lambda f, a: reply_share(f, "buyer_messages", 5 * MINUTE, a),
    "reply_5min_turn": lambda f, a: reply_share(f, "turns", 5 * MINUTE, a),
    "reply_5min_user": lambda f, a: reply_share_user(f, 5 * MINUTE, a),
    "effective_reply_user": lambda f, a: reply_share_user(f, None, a),
    "first_reply_in_time": first_reply_in_time,
    "first_reply_s": first_reply_s,
    "mean_wait_msg_s": lambda f, a: mean_wait(f, "buyer_messages", a),
    "mean_wait_turn_s": lambda f, a: mean_wait(f, "turns", a),
    "sessions_per_day": lambda f, a: per_worked_day(total(asked(f, a)), f),
    "effective_sessions_per_day": lambda f, a: per_worked_day(total(effective(f, a)), f),
    "effective_session_share": lambda f, a: over(total(effective(f, a)), total(asked(f, a))),
    "unanswered_sessions_per_day": lambda f, a: per_worked_day(total(unanswered(f, a)), f),
    "buyers_per_day": lambda f, a: per_worked_day(total(buyers(f, a)), f),
    "handle_min": handle,
    "handle_active_min": handle_active,
    "sessions_per_hour": sessions_per_hour,
    "asked_users": lambda f, a: bare(total(buyers(f, a))),
    "served_users": lambda f, a: bare(total(r for r in buyers(f, a) if r["answered"])),
    "slow_users": lambda f, a: bare(slow(f, a)),
}

ALL_DAY: dict[str, Callable[[Facts], dict[Key, Pair]]] = {
    "agents_online": agents_online,
    "emoji_share": emoji_share,
    "coded_share": coded_share,
    "transfer_share": transfer_share,
    "answer_ask_ratio": answer_ask_ratio,
    "bought_per_day": bought_per_day,
    "conversion_same_day": conversion_same_day,
    "conversion_ordered_user": lambda f: flagged(f, "ordered", "inquiry"),
    "conversion_paid_user": lambda f: flagged(f, "paid", "inquiry"),
    "conversion_grouped_user": lambda f: flagged(f, "grouped", "inquiry"),
    "conversion_net_user": lambda f: flagged(f, "net_paid", "inquiry"),
    "conversion_asked_ordered_user": lambda f: flagged(f, "ordered", None),
    "conversion_asked_paid_user": lambda f: flagged(f, "paid", None),
    "conversion_asked_grouped_user": lambda f: flagged(f, "grouped", None),
    "conversion_asked_net_user": lambda f: flagged(f, "net_paid", None),
    "conversion_asked_same_day_user": lambda f: flagged(f, "same_day_paid", None),
    "inquiry_users": lambda f: bare(total(r for r in counted(f["buyer_days"], True) if r["inquiry"])),
    "lost_inquiries": lambda f: bare(
        total(r for r in counted(f["buyer_days"], True) if r["inquiry"] and not r["paid"])
    ),
    "order_value_yuan": order_value,
    "items_per_buyer": items_per_buyer,
    "sales_yuan_per_day": lambda f: per_worked_day(total(sold(f), lambda o: o["paid_fen"]), f),
    "sales_yuan": lambda f: bare(total(sold(f), lambda o: o["paid_fen"])),
    "orders_per_day": lambda f: per_worked_day(total(sold(f), orders), f),
    "order_loss_share": order_loss,
    "payment_share": payment_share,
    "silent_share": lambda f: only_shop(sales_split(f, credited=False)),
    "agent_sales_share": lambda f: only_shop(sales_split(f, credited=True)),
    "net_sales_yuan": lambda f: bare(total(sold(f), lambda o: o["net_fen"])),
    "agent_refund_share": refund_share,
    "repurchase_share": repurchase_share,
}


def metrics(derived: Facts, key: str) -> dict[Key, Pair]:
    """{(scope, agent_id, day): (numerator, denominator)} of a catalogue key; KeyError for one that is not here."""
    if key in IN_HOURS:
        return IN_HOURS[key](derived, False)
    if key.endswith("_allday"):
        return IN_HOURS[key.removesuffix("_allday")](derived, True)
    return ALL_DAY[key](derived)


KEYS = (*IN_HOURS, *(f"{key}_allday" for key in IN_HOURS), *ALL_DAY)
