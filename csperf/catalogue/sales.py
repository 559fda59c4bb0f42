"""What comes of the talk: inquiries that turn into orders, and the orders credited to agents. All of it all day."""

from __future__ import annotations

from typing import Any

from ibis import _
from ibis.common.deferred import Deferred

from ..metric import SHOP_ONLY, WORKED, Entry, Metric, Sum, per, ratio, share, total

ORDER_MATURES = 2  # days: the 24 hours in which an inquiry is valid, and one more (PRACTICE 3)
GROUP_MATURES = 3
NET_MATURES = 15  # Definition.net_refund_days
REPURCHASE_MATURES = 30  # Definition.repurchase_days
CREDITED = {"credited": _.credited}
SOLD = CREDITED | {"paid": _.paid}
SALES = Sum(fact="purchases", value=_.paid_fen, among=SOLD, known=_.credited, unit="fen")
# An order that agents share counts for each in part, and so does its buyer where money or items are divided by buyers.
IN_PARTS = {"value": _.share_ppm, "measured_in": "ppm"}
SOLD_BUYERS = Sum(
    fact="purchases", value=_.share_ppm, among=SOLD | {"first_of_buyer_day": _.first_of_buyer_day}, unit="ppm"
)
ESTIMATE = {
    "zh": "由聊天记录推算询单时为估计值。",
    "en": "From chats, what is an inquiry is an estimate.",
}


def conversion(name: str, zh: str, en: str, flag: Deferred, source: str, matures: int) -> tuple[Metric, Metric]:
    """Share of inquiry buyers with the flag, and its variant over all buyers who asked."""
    known = {"orders_known": flag.notnull()}
    rule = "net_refund_days" if matures == NET_MATURES else ""
    settles: dict[str, Any] = {"maturity_days": matures, "matures_with": rule}
    return (
        share(
            key=f"conversion_{name}_user",
            zh=zh,
            en=f"Inquiry buyers who {en}",
            fact="buyer_days",
            among=known | {"inquiry": _.inquiry},
            where={name: flag},
            better="higher",
            role="pre",
            **settles,
            source=source,
            note=ESTIMATE,
        ),
        share(
            key=f"conversion_asked_{name}_user",
            zh=f"咨询转化率({zh})",
            en=f"Buyers who asked and {en}",
            fact="buyer_days",
            among=known,
            where={name: flag},
            better="higher",
            role="pre",
            **settles,
            source=f"PRACTICE 4: over buyers who asked (咨询人数); {source}",
        ),
    )


CONVERSIONS: tuple[Entry, ...] = (
    per(
        key="bought_per_day",
        zh="日均咨询并购买人数",
        en="Buyers who asked and paid the same day, per worked day",
        fact="buyer_days",
        among={"same_day": _.same_day_paid},
        known=_.same_day_paid,
        better="higher",
        role="pre",
        source="S2-21, A.0 row 3 咨询并购买 / agent-days worked",
    ),
    ratio(
        key="conversion_same_day",
        zh="当日询单转化率",
        en="Same-day buyers per answered session",
        numerator=Sum(fact="buyer_days", among={"same_day": _.same_day_paid}, known=_.same_day_paid),
        denominator=Sum(fact="sessions", among={"asked": _.asked, "answered": _.answered}),
        better="higher",
        role="pre",
        source="A.0 row 4, O2 销售转化率: 咨询并购买 / 有效咨询, all day",
        note={
            "zh": "分子按人、分母按会话，可大于1。",
            "en": "Buyers over sessions: may exceed 1.",
        },
    ),
    share(
        key="conversion_asked_same_day_user",
        zh="咨询转化率(当日付款)",
        en="Buyers who asked and paid the same day",
        fact="buyer_days",
        among={"orders_known": _.same_day_paid.notnull()},
        where={"same_day": _.same_day_paid},
        better="higher",
        role="pre",
        source="PRACTICE 4: same-day buyers over buyers who asked (咨询人数)",
    ),
    *conversion(
        "grouped",
        "询单转化率(成团)",
        "completed a group order",
        _.grouped,
        "S0-12: buyers with a completed group order / inquiry buyers (询单人数)",
        GROUP_MATURES,
    ),
    *conversion(
        "ordered",
        "询单→下单转化率",
        "ordered",
        _.ordered,
        "S1-62, C24: buyers who ordered within the window / inquiry buyers",
        ORDER_MATURES,
    ),
    *conversion(
        "paid",
        "询单→最终付款转化率",
        "paid",
        _.paid,
        "S1-62, C24: buyers whose order of the window was paid at any time / inquiry buyers",
        ORDER_MATURES,
    ),
    *conversion(
        "net",
        "去退转化率",
        "paid and kept it",
        _.net_paid,
        "C27: paid and not refunded within net_refund_days / inquiry buyers",
        NET_MATURES,
    ),
    total(
        key="inquiry_users",
        zh="询单人数",
        en="Inquiry buyers",
        fact="buyer_days",
        among={"inquiry": _.inquiry},
        known=_.inquiry,
        better="neutral",
        role="pre",
        maturity_days=ORDER_MATURES,
        source="PRACTICE 4, C26: buyers a day who asked before a purchase, not after one",
        note=ESTIMATE,
    ),
    total(
        key="lost_inquiries",
        zh="询单流失人数",
        en="Inquiry buyers who did not pay",
        fact="buyer_days",
        among={"inquiry": _.inquiry, "not_paid": ~_.paid},
        known=_.paid,
        better="lower",
        role="pre",
        maturity_days=ORDER_MATURES,
        source="FORMATS 4.1, 4.2 询单流失人数: inquiry buyers whose inquiry led to no paid order",
    ),
)

ORDERS: tuple[Entry, ...] = (
    ratio(
        key="order_value_yuan",
        zh="客单价",
        en="Sales per buyer",
        unit="yuan",
        numerator=SALES,
        denominator=SOLD_BUYERS,
        better="higher",
        role="pre",
        source="S0-13, C28: sales / buyers, a buyer once a day",
    ),
    ratio(
        key="items_per_buyer",
        zh="客件数(连带)",
        en="Items per buyer",
        unit="count",
        kind="value",
        step=0.1,
        numerator=Sum(fact="purchases", value=_.quantity, among=SOLD, known=_.credited),
        denominator=SOLD_BUYERS,
        better="higher",
        role="pre",
        source="S0-14: units sold / buyers, a buyer once a day",
    ),
    ratio(
        key="sales_yuan_per_day",
        zh="日均客服销售额",
        en="Sales per worked day",
        unit="yuan",
        numerator=SALES,
        denominator=WORKED,
        min_n=1,
        better="higher",
        role="pre",
        maturity_days=ORDER_MATURES,
        source="S1-62 销售额: paid amount of credited orders, gross / agent-days worked",
    ),
    total(
        key="sales_yuan",
        zh="客服销售额",
        en="Sales",
        unit="yuan",
        fact="purchases",
        value=_.paid_fen,
        measured_in="fen",
        among=SOLD,
        known=_.credited,
        better="higher",
        role="pre",
        maturity_days=ORDER_MATURES,
        source="CONTRACT 1, S1-62 客服销售额: paid amount of credited orders, gross",
    ),
    total(
        key="net_sales_yuan",
        zh="去退销售额",
        en="Sales after refunds",
        unit="yuan",
        fact="purchases",
        value=_.net_fen,
        measured_in="fen",
        among=SOLD,
        known=_.credited,
        better="higher",
        role="pre",
        maturity_days=NET_MATURES,
        matures_with="net_refund_days",
        source="PRACTICE 4, FORMATS 4.2 去退销售额: paid amount of credited orders less refunds",
    ),
    per(
        key="orders_per_day",
        zh="日均促成订单量",
        en="Paid orders credited per worked day",
        fact="purchases",
        **IN_PARTS,
        among=SOLD,
        known=_.credited,
        better="higher",
        role="pre",
        maturity_days=ORDER_MATURES,
        source="S1-62 订单量: paid orders credited / agent-days worked",
    ),
    share(
        key="order_loss_share",
        zh="下单未付款率",
        en="Orders closed unpaid",
        fact="purchases",
        **IN_PARTS,
        among=CREDITED,
        where={"closed_unpaid": _.closed_unpaid},
        day="created_day",
        better="lower",
        role="pre",
        maturity_days=ORDER_MATURES,
        source="S1-62 订单流失率: credited orders closed unpaid / credited orders, by the day of the order",
    ),
    share(
        key="payment_share",
        zh="下单→付款转化率",
        en="Buyers who ordered and paid",
        fact="purchases",
        among=CREDITED | {"first_of_created_day": _.first_of_created_day},
        where={"paid": _.paid},
        day="created_day",
        better="higher",
        role="pre",
        maturity_days=ORDER_MATURES,
        source="A.2b: buyers who paid / buyers who ordered, a buyer once for each day of ordering",
    ),
    share(
        key="agent_refund_share",
        zh="客服成交退款率",
        en="Credited orders refunded",
        fact="purchases",
        **IN_PARTS,
        among=SOLD,
        where={"refunded": _.refunded},
        better="lower",
        step=0.005,
        role="pre",
        maturity_days=NET_MATURES,
        matures_with="net_refund_days",
        source="PRACTICE 4, FORMATS 4.1 退款率: credited paid orders with a refund / credited paid orders",
    ),
    share(
        key="repurchase_share",
        zh="复购率",
        en="Buyers who bought again",
        fact="purchases",
        among={
            "paid": _.paid,
            "buyer_known": _.buyer_id.notnull(),
            "window_passed": _.bought_again.notnull(),
            "first_of_buyer_day": _.first_of_buyer_day,
        },
        where={"bought_again": _.bought_again},
        better="higher",
        maturity_days=REPURCHASE_MATURES,
        matures_with="repurchase_days",
        source="S3-05: buyers who buy again on a later day within repurchase_days / buyers, a buyer once a day",
        note={
            "zh": "全店按所有付款买家计，客服按归属其名下的买家计；再次购买不论归谁、是否静默都算，同一天的几单算一次。"
            "天数由 repurchase_days 设定（默认30天），未满天数的购买不计入，不算未复购。",
            "en": "For the shop all who paid, for an agent those whose order they earned; buying again counts whoever "
            "earned that order, and several orders of one day are one purchase. repurchase_days (30 by default) sets "
            "the days; a purchase whose days have not yet passed is left out, not counted as a buyer lost.",
        },
    ),
    share(
        key="silent_share",
        zh="静默销售占比",
        en="Sales credited to nobody",
        fact="purchases",
        among=SHOP_ONLY | {"paid": _.paid, "credit_known": _.credited.notnull()},
        where={"silent": ~_.credited},
        value=_.paid_fen,
        measured_in="fen",
        better="neutral",
        role="shop",
        maturity_days=ORDER_MATURES,
        source="C29: shop sales = agents' + silent; by amount paid",
    ),
    share(
        key="agent_sales_share",
        zh="客服销售占比",
        en="Sales credited to agents",
        fact="purchases",
        among=SHOP_ONLY | {"paid": _.paid, "credit_known": _.credited.notnull()},
        where={"credited": _.credited},
        value=_.paid_fen,
        measured_in="fen",
        better="higher",
        role="shop",
        maturity_days=ORDER_MATURES,
        source="PRACTICE 4, C29 客服销售占比: sales credited to agents / shop sales",
    ),
)

ENTRIES = CONVERSIONS + ORDERS
