"""What all contenders add up by agent and day: sums over the rows of a fact, and the metrics made of two of them.

Written from the metrics' definitions, not from the package's catalogue, so that the two are held against each other.
Conditions are read by SQL, by polars and by pandas alike: no equality, no IS NULL (a missing number fails `>= 0`).
"""

from __future__ import annotations

from typing import NamedTuple

Q3, Q5, S30, HOUR = 180_000_000, 300_000_000, 30_000_000, 3_600_000_000


class Sum(NamedTuple):
    """`value` over the rows of `fact` where `among` holds, by agent and `day`."""

    fact: str
    among: str
    value: str = "one"
    day: str = "day"


def _twins(fact: str, name: str, among: str, value: str = "one") -> dict[str, Sum]:
    """The sum in service hours and, as `name_allday`, over all day; `@` marks columns that have an all-day twin."""
    allday = {name: Sum(fact, among.replace("@", "_allday") or "one >= 0", value.replace("@", "_allday"))}
    hours = Sum(fact, f"in_hours and {among.replace('@', '')}".removesuffix(" and "), value.replace("@", ""))
    return {name: hours, f"{name}_allday": allday[name]}


SUMS: dict[str, Sum] = {
    **_twins("buyer_messages", "msgs", ""),
    **_twins("buyer_messages", "msgs_30s", f"wait_us <= {S30}"),
    **_twins("buyer_messages", "msgs_3min", f"wait_us <= {Q3}"),
    **_twins("buyer_messages", "msgs_5min", f"wait_us <= {Q5}"),
    **_twins("buyer_messages", "msgs_waited", "wait_us >= 0"),
    **_twins("buyer_messages", "msgs_wait", "wait_us >= 0", "wait_us"),
    **_twins("turns", "turns", ""),
    **_twins("turns", "turns_3min", f"wait_us <= {Q3}"),
    **_twins("turns", "turns_5min", f"wait_us <= {Q5}"),
    **_twins("turns", "turns_waited", "wait_us >= 0"),
    **_twins("turns", "turns_wait", "wait_us >= 0", "wait_us"),
    **_twins("sessions", "asked", "asked"),
    **_twins(
        "sessions", "mean_3min", f"asked and not any_unanswered@ and wait_n@ > 0 and wait_sum@_us <= {Q3} * wait_n@"
    ),
    **_twins("sessions", "answered", "asked and answered"),
    **_twins("sessions", "unanswered", "asked and not answered"),
    **_twins("sessions", "handled", "asked and answered", "handle_us"),
    **_twins("sessions", "opened", "asked and (not agent_started or first_wait_us >= 0)"),
    **_twins("sessions", "first_in_time", f"asked and first_wait_us <= {S30}"),
    **_twins("sessions", "first_waited", "asked and first_wait_us >= 0"),
    **_twins("sessions", "first_wait", "asked and first_wait_us >= 0", "first_wait_us"),
    **_twins("buyer_days", "buyers", ""),
    **_twins("buyer_days", "buyers_3min", f"not unanswered@ and max_wait@_us <= {Q3}"),
    **_twins("buyer_days", "buyers_5min", f"not unanswered@ and max_wait@_us <= {Q5}"),
    **_twins("buyer_days", "buyers_hour", f"not unanswered@ and max_wait@_us <= {HOUR}"),
    **_twins("buyer_days", "buyers_slow", f"(unanswered@ or max_wait@_us > {Q3})"),
    **_twins("buyer_days", "served", "answered"),
    "inquiries": Sum("buyer_days", "inquiry"),
    "inquiries_ordered": Sum("buyer_days", "inquiry and ordered"),
    "inquiries_paid": Sum("buyer_days", "inquiry and paid"),
    "inquiries_net": Sum("buyer_days", "inquiry and net_paid"),
    "lost": Sum("buyer_days", "inquiry and not paid"),
    "ordered": Sum("buyer_days", "ordered"),
    "paid": Sum("buyer_days", "paid"),
    "net_paid": Sum("buyer_days", "net_paid"),
    "same_day": Sum("buyer_days", "same_day_paid"),
    "sales": Sum("purchases", "paid", "paid_fen"),
    "net_sales": Sum("purchases", "paid", "net_fen"),
    "items": Sum("purchases", "paid", "quantity"),
    "orders_paid": Sum("purchases", "paid"),
    "buyers_paid": Sum("purchases", "paid and first_of_buyer_day"),
    "refunded": Sum("purchases", "paid and refunded"),
    "bought_again": Sum("purchases", "first_of_buyer_day and bought_again >= 1"),
    "may_buy_again": Sum("purchases", "first_of_buyer_day and bought_again >= 0"),
    "created": Sum("purchases", "one > 0", day="created_day"),
    "created_lost": Sum("purchases", "not paid", day="created_day"),
    "created_first": Sum("purchases", "first_of_created_day", day="created_day"),
    "created_first_paid": Sum("purchases", "first_of_created_day and paid", day="created_day"),
    "spoken": Sum("agent_messages", "one > 0"),
    "with_emoji": Sum("agent_messages", "has_emoji"),
    "worked": Sum("agent_days", "worked > 0"),
}


def _both(key: str, above: str, below: str = "", worked: bool = False) -> dict[str, tuple[str, str]]:
    under = "worked" if worked else f"{below}_allday" if below else ""
    return {key: (above, "worked" if worked else below), f"{key}_allday": (f"{above}_allday", under)}


METRICS: dict[str, tuple[str, str]] = {  # key -> the sums above and below the line
    **_both("reply_30s_msg", "msgs_30s", "msgs"),
    **_both("reply_3min_msg", "msgs_3min", "msgs"),
    **_both("reply_5min_msg", "msgs_5min", "msgs"),
    **_both("mean_wait_msg_s", "msgs_wait", "msgs_waited"),
    **_both("reply_3min_turn", "turns_3min", "turns"),
    **_both("reply_5min_turn", "turns_5min", "turns"),
    **_both("mean_wait_turn_s", "turns_wait", "turns_waited"),
    **_both("reply_3min_session", "mean_3min", "asked"),
    **_both("reply_3min_user", "buyers_3min", "buyers"),
    **_both("reply_5min_user", "buyers_5min", "buyers"),
    **_both("effective_reply_user", "buyers_hour", "buyers"),
    **_both("slow_users", "buyers_slow"),
    **_both("first_reply_in_time", "first_in_time", "opened"),
    **_both("first_reply_s", "first_wait", "first_waited"),
    **_both("sessions_per_day", "asked", worked=True),
    **_both("effective_sessions_per_day", "answered", worked=True),
    **_both("unanswered_sessions_per_day", "unanswered", worked=True),
    **_both("effective_session_share", "answered", "asked"),
    **_both("handle_min", "handled", "answered"),
    **_both("buyers_per_day", "buyers", worked=True),
    **_both("asked_users", "buyers"),
    **_both("served_users", "served"),
    "emoji_share": ("with_emoji", "spoken"),
    "answer_ask_ratio": ("spoken", "msgs_allday"),
    "bought_per_day": ("same_day", "worked"),
    "conversion_same_day": ("same_day", "answered_allday"),
    "conversion_asked_same_day_user": ("same_day", "buyers_allday"),
    "conversion_ordered_user": ("inquiries_ordered", "inquiries"),
    "conversion_asked_ordered_user": ("ordered", "buyers_allday"),
    "conversion_paid_user": ("inquiries_paid", "inquiries"),
    "conversion_asked_paid_user": ("paid", "buyers_allday"),
    "conversion_net_user": ("inquiries_net", "inquiries"),
    "conversion_asked_net_user": ("net_paid", "buyers_allday"),
    "inquiry_users": ("inquiries", ""),
    "lost_inquiries": ("lost", ""),
    "order_value_yuan": ("sales", "buyers_paid"),
    "items_per_buyer": ("items", "buyers_paid"),
    "sales_yuan_per_day": ("sales", "worked"),
    "sales_yuan": ("sales", ""),
    "net_sales_yuan": ("net_sales", ""),
    "orders_per_day": ("orders_paid", "worked"),
    "order_loss_share": ("created_lost", "created"),
    "payment_share": ("created_first_paid", "created_first"),
    "agent_refund_share": ("refunded", "orders_paid"),
    "repurchase_share": ("bought_again", "may_buy_again"),
}
