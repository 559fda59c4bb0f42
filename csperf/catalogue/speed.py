"""How fast is a buyer answered? The unit of count stands in the key: message, turn, session or user (a buyer's day)."""

from __future__ import annotations

from ibis import _
from ibis.common.deferred import Deferred

from ..metric import Entry, Extreme, Metric, Quantile, Sum, allday, mean, share, total

HALF_A_POINT = 0.005  # where agents lie within a few points of all
SECOND = 1_000_000
MINUTE = 60 * SECOND
IN_HOURS = {"in_hours": _.in_hours}
OPENED = IN_HOURS | {"asked": _.asked, "buyer_opened": ~_.agent_started | _.first_wait_us.notnull()}
ALL_ANSWERED = {"all_answered": ~_.unanswered}
ANSWERED_TURNS = Sum(fact="turns", value=_.wait_us, among=IN_HOURS | {"turn_answered": _.wait_us.notnull()}, unit="us")


def within(wait: Deferred, name: str, limit_us: int) -> dict[str, Deferred]:
    """The condition that a wait is at most `limit_us`; no reply is not in time."""
    return {f"within_{name}": wait <= limit_us}


def reply_share(
    key: str, zh: str, en: str, *, fact: str, limit: str, limit_us: int, source: str, step: float = HALF_A_POINT
) -> Metric:
    """Share of messages or turns answered by a human within the limit."""
    return share(
        key=key,
        zh=zh,
        en=en,
        fact=fact,
        among=IN_HOURS,
        where=within(_.wait_us, limit, limit_us),
        better="higher",
        step=step,
        source=source,
    )


def reply_user_share(key: str, zh: str, en: str, *, limit: str, limit_us: int, source: str) -> Metric:
    """Share of buyers (per day) every one of whose messages was answered within the limit."""
    return share(
        key=key,
        zh=zh,
        en=en,
        fact="buyer_days",
        among=IN_HOURS,
        where=ALL_ANSWERED | within(_.max_wait_us, limit, limit_us),
        better="higher",
        step=HALF_A_POINT,
        source=source,
    )


IN_SERVICE_HOURS: tuple[Entry, ...] = (
    reply_share(
        "reply_30s_msg",
        "30秒应答率",
        "Messages answered within 30 s",
        fact="buyer_messages",
        limit="30s",
        limit_us=30 * SECOND,
        step=0.01,
        source="S0-09: messages answered by a human within 30 s / all buyer messages, 8:00-23:00",
    ),
    reply_share(
        "reply_3min_msg",
        "3分钟回复率(按消息)",
        "Messages answered within 3 min",
        fact="buyer_messages",
        limit="3min",
        limit_us=3 * MINUTE,
        source="FIELD D, C30: 3-minute reply rate, unit message",
    ),
    reply_share(
        "reply_3min_turn",
        "3分钟回复率(按轮次)",
        "Turns answered within 3 min",
        fact="turns",
        limit="3min",
        limit_us=3 * MINUTE,
        source="FIELD D, C30: 3-minute reply rate, unit turn (Taobao)",
    ),
    share(
        key="reply_3min_session",
        zh="3分钟回复率(按会话)",
        en="Sessions answered within 3 min on average",
        fact="sessions",
        among=IN_HOURS | {"asked": _.asked},
        where={
            "session_answered": ~_.any_unanswered,
            "mean_within_3min": (_.wait_n > 0) & (_.wait_sum_us <= 3 * MINUTE * _.wait_n),
        },
        better="higher",
        step=HALF_A_POINT,
        source="FIELD D, C30: 3-minute reply rate, unit session (Douyin): mean wait of its turns within the limit",
        note={
            "zh": "会话按首次提问计入时段；会话内任一轮未回复即不达标。",
            "en": "A session counts by its first question; one unanswered turn fails it.",
        },
    ),
    reply_user_share(
        "reply_3min_user",
        "3分钟回复率(按用户)",
        "Buyers answered within 3 min",
        limit="3min",
        limit_us=3 * MINUTE,
        source="FIELD D, C30, C31: 3-minute reply rate, unit buyer and day (PDD), any late message fails",
    ),
    reply_share(
        "reply_5min_msg",
        "5分钟回复率(按消息)",
        "Messages answered within 5 min",
        fact="buyer_messages",
        limit="5min",
        limit_us=5 * MINUTE,
        source="S0-35: 5-minute reply rate, unit message",
    ),
    reply_share(
        "reply_5min_turn",
        "5分钟回复率(按轮次)",
        "Turns answered within 5 min",
        fact="turns",
        limit="5min",
        limit_us=5 * MINUTE,
        source="S0-35: 5-minute reply rate, unit turn",
    ),
    reply_user_share(
        "reply_5min_user",
        "5分钟回复率(按用户)",
        "Buyers answered within 5 min",
        limit="5min",
        limit_us=5 * MINUTE,
        source="S0-35, C31: 5-minute reply rate, unit buyer and day, any late message fails",
    ),
    share(
        key="first_reply_in_time",
        zh="首次响应达标率",
        en="First reply in time",
        fact="sessions",
        among=OPENED,
        where={"within_limit": _.first_wait_us <= _.first_reply_limit_us},
        better="higher",
        source="S0-02, S1-54: first reply within the shop's limit; a session never answered is not in time",
    ),
    mean(
        key="first_reply_s",
        zh="首次响应时长(首响)",
        en="First reply time",
        fact="sessions",
        value=_.first_wait_us,
        among=OPENED | {"opening_answered": _.first_wait_us.notnull()},
        better="lower",
        source="S0-16, S3-02: wait of the opening question, over openings that were answered; raw waits",
    ),
    mean(
        key="mean_wait_msg_s",
        zh="平均人工响应时长",
        en="Mean wait per message",
        fact="buyer_messages",
        value=_.wait_counted_us,
        among=IN_HOURS | {"wait_counted": _.wait_counted_us.notnull()},
        better="lower",
        source="S0-10: mean wait from each buyer message to the human reply, 8:00-23:00",
    ),
    mean(
        key="mean_wait_turn_s",
        zh="平均响应时长(平响)",
        en="Mean wait per turn",
        fact="turns",
        value=_.wait_counted_us,
        among=IN_HOURS | {"wait_counted": _.wait_counted_us.notnull()},
        better="lower",
        source="S2-24, S1-62: mean wait from a turn's first message to the human reply",
        note={
            "zh": "未回复的轮次是否计入、是否封顶，由统计口径决定。",
            "en": "Whether unanswered turns count, and a cap, are up to the definition set.",
        },
    ),
    Quantile(
        key="wait_turn_p50_s",
        zh="响应时长中位数",
        en="Median wait per turn",
        of=ANSWERED_TURNS,
        q=0.5,
        unit="seconds",
        kind="time",
        better="lower",
        source="S3-10: median of raw waits of answered turns, linear interpolation",
    ),
    Quantile(
        key="wait_turn_p90_s",
        zh="响应时长九成位",
        en="90 % of turns waited at most",
        of=ANSWERED_TURNS,
        q=0.9,
        unit="seconds",
        kind="time",
        better="lower",
        source="S3-10: 90 % quantile of raw waits of answered turns, linear interpolation",
    ),
    Extreme(
        key="wait_turn_max_s",
        zh="最长响应时长",
        en="Longest wait of a turn",
        of=ANSWERED_TURNS,
        unit="seconds",
        kind="time",
        better="lower",
        min_n=1,
        source="S3-10: longest raw wait of an answered turn",
    ),
    share(
        key="effective_reply_user",
        zh="有效回复率",
        en="Buyers with every message answered in time",
        fact="buyer_days",
        among=IN_HOURS,
        where=ALL_ANSWERED | {"within_any_fail": _.max_wait_us <= _.any_fail_us},
        better="higher",
        step=HALF_A_POINT,
        source="S0-11, C31: buyers with every message answered within 1 h / buyers who asked, once a day",
    ),
    total(
        key="slow_users",
        zh="慢响应人数",
        en="Buyers answered slowly",
        fact="buyer_days",
        among=IN_HOURS | {"slow_3min": _.unanswered | (_.max_wait_us > 3 * MINUTE)},
        better="lower",
        source="FORMATS 4.1 slowResUv1d; no source fixes the limit: 3 min, as in the 3-minute reply rates",
        note={
            "zh": "有消息超过3分钟才回复或未回复的人数，按日累计；平台未公开界限。",
            "en": "Buyers a day with a message answered after more than 3 min, or not at all.",
        },
    ),
)

ENTRIES = tuple(twin for entry in IN_SERVICE_HOURS for twin in (entry, allday(entry)))
