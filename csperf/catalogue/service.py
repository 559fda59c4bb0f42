"""How much is served, how completely, and how long does it take?"""

from __future__ import annotations

from ibis import _

from ..metric import COVERED, SHOP_ONLY, Distinct, Entry, Metric, Sum, allday, mean, per, ratio, share, total

IN_HOURS = {"in_hours": _.in_hours}
CONSULTATIONS = IN_HOURS | {"asked": _.asked}
EFFECTIVE = CONSULTATIONS | {"answered": _.answered}
SPOKEN = {"spoken": _.kind.isin(["text", "card", "sticker"])}
ONLINE = {"worked": _.worked > 0, "online_known": _.online_us.notnull()}
NOT_DISTINCT = {
    "zh": "同一买家在不同日期、不同客服处各计一次。",
    "en": "A buyer counts once for each day, and once for each agent asked.",
}


def users(key: str, zh: str, en: str, source: str, **about) -> Metric:
    """How many buyers, once a day: a total, as backends show it."""
    among = about.pop("among", IN_HOURS)
    about = {"better": "neutral", "note": NOT_DISTINCT} | about
    return total(key=key, zh=zh, en=en, fact="buyer_days", among=among, source=source, **about)


IN_SERVICE_HOURS: tuple[Entry, ...] = (
    per(
        key="sessions_per_day",
        zh="日均咨询量",
        en="Sessions per worked day",
        fact="sessions",
        among=CONSULTATIONS,
        better="neutral",
        source="S2-19 咨询总量: consultations within service hours / agent-days worked",
    ),
    per(
        key="effective_sessions_per_day",
        zh="日均有效咨询量",
        en="Answered sessions per worked day",
        fact="sessions",
        among=EFFECTIVE,
        better="higher",
        source="S2-20, A.0 row 1 有效咨询: asked and answered / agent-days worked",
    ),
    share(
        key="effective_session_share",
        zh="回复率(按会话)",
        en="Sessions answered",
        fact="sessions",
        among=CONSULTATIONS,
        where={"answered": _.answered},
        better="higher",
        step=0.005,
        source="S2-20, A.0 row 2 有效咨询比率: 有效咨询 / 咨询总量",
    ),
    per(
        key="unanswered_sessions_per_day",
        zh="未回复会话数",
        en="Unanswered sessions per worked day",
        fact="sessions",
        among=CONSULTATIONS | {"unanswered": ~_.answered},
        better="lower",
        source="S1-62 未回复咨询数 / agent-days worked",
    ),
    per(
        key="buyers_per_day",
        zh="日均咨询人数",
        en="Buyers per worked day",
        fact="buyer_days",
        among=IN_HOURS,
        better="neutral",
        source="S2-22 咨询客户: buyers with a message in service hours, once a day / agent-days worked",
        note=NOT_DISTINCT,
    ),
    mean(
        key="handle_min",
        zh="平均接待时长",
        en="Mean handling time",
        fact="sessions",
        value=_.handle_us,
        among=EFFECTIVE,
        unit="minutes",
        better="lower",
        source="S2-25, A.0 row 6: first to last question or counted reply, over answered sessions",
    ),
    mean(
        key="handle_active_min",
        zh="平均接待时长(并行均摊)",
        en="Mean handling time, shared among open chats",
        fact="sessions",
        value=_.active_us.round().cast("int64"),
        among=EFFECTIVE,
        unit="minutes",
        better="lower",
        source="S4-32, C44: handling time divided by the chats open at the same moment",
    ),
    ratio(
        key="sessions_per_hour",
        zh="每小时接待量",
        en="Sessions per shift hour",
        unit="count",
        numerator=Sum(fact="sessions", among=CONSULTATIONS),
        denominator=Sum(
            fact="agent_days",
            value=_.shift_us,
            among={"shift_known": _.shift_us.notnull()},
            unit="us",
            stands_for=_.worked,
        ),
        better="neutral",
        step=0.1,
        min_n=1,
        source="S1-03, S1-06: sessions / shift hours",
        note={
            "zh": "没有排班时长的日子不计工时，其会话仍计入。",
            "en": "Days without a known shift add no hours; their sessions still count.",
        },
    ),
    users("asked_users", "咨询人数", "Buyers who asked", "PRACTICE 4, FORMATS 4: buyers who wrote, once a day"),
    users(
        "served_users",
        "接待人数",
        "Buyers served",
        "PRACTICE 4, FORMATS 4: buyers who wrote and got a human reply, once a day",
        among=IN_HOURS | {"user_answered": _.answered},
    ),
    Distinct(
        key="buyers_period",
        zh="咨询客户数(去重)",
        en="Different buyers in the period",
        of=Sum(fact="buyer_days", value=_.buyer_id, among=IN_HOURS),
        unit="count",
        kind="count",
        better="neutral",
        min_n=1,
        source="CONTRACT 2: different buyers with a message in service hours in the period, never rolled up",
    ),
)

ALL_DAY: tuple[Entry, ...] = (
    per(
        key="agents_online",
        zh="上线客服数",
        en="Agents online per day",
        fact="agent_days",
        among=SHOP_ONLY,
        value=_.replied,
        days=COVERED,
        better="neutral",
        role="shop",
        source="S2-23 客服数: agents with a reply on the day / covered days",
    ),
    share(
        key="emoji_share",
        zh="表情使用率",
        en="Messages with an emoji or sticker",
        fact="agent_messages",
        among=SPOKEN,
        where={"emoji": _.has_emoji | (_.kind == "sticker")},
        better="higher",
        source="S0-04: human messages with an emoji or sticker / human messages (own formula)",
    ),
    share(
        key="coded_share",
        zh="咨询分类覆盖率",
        en="Sessions with a category code",
        fact="sessions",
        among={"asked": _.asked},
        where={"coded": _.category_code.notnull()},
        better="higher",
        source="S2-18: sessions closed with a valid leaf code / sessions, all day",
    ),
    share(
        key="transfer_share",
        zh="转接率",
        en="Sessions transferred",
        fact="sessions",
        among={},
        where={"transferred": _.transferred_out},
        better="lower",
        step=0.005,
        source="S4-23: transferred / handled; for chats every session an agent had counts as handled",
    ),
    ratio(
        key="answer_ask_ratio",
        zh="答问比",
        en="Replies per buyer message",
        numerator=Sum(fact="agent_messages", among=SPOKEN),
        denominator=Sum(fact="buyer_messages"),
        better="neutral",
        source="FORMATS 4.1 答问比 (qaRatio): human messages / buyer messages",
        note={"zh": "可大于1。", "en": "May exceed 1."},
    ),
    ratio(
        key="online_h",
        zh="在线时长",
        en="Hours online per worked day",
        unit="hours",
        numerator=Sum(fact="agent_days", value=_.online_us, among=ONLINE, unit="us"),
        denominator=Sum(fact="agent_days", value=_.worked, among=ONLINE, stands_for=_.worked),
        better="neutral",
        min_n=1,
        source="PRACTICE 4, FORMATS 4.3 在线时长: time online / agent-days worked",
    ),
)

ENTRIES = tuple(twin for entry in IN_SERVICE_HOURS for twin in (entry, allday(entry))) + ALL_DAY
