"""The telephone: calls in and out, how long callers wait, how many give up, how long a call takes."""

from __future__ import annotations

from ibis import _

from ..metric import COVERED, SHOP_ONLY, Sum, mean, per, ratio, share

SECOND = 1_000_000
INBOUND = {"inbound": _.direction == "in"}
OFFERED = INBOUND | {"offered": _.outcome.isin(["answered", "abandoned"])}
ANSWERED = {"call_answered": _.outcome == "answered"}
ABANDONED = {"call_abandoned": _.outcome == "abandoned"}

ENTRIES = (
    per(
        key="calls_per_day",
        zh="日均呼叫数",
        en="Calls per day",
        fact="calls",
        among=SHOP_ONLY,
        days=COVERED,
        better="neutral",
        step=1,
        role="call",
        source="S4-24: all calls in and out, blocked and abandoned too / covered days",
    ),
    share(
        key="abandon_share",
        zh="呼叫放弃率",
        en="Calls abandoned",
        fact="calls",
        among=SHOP_ONLY | OFFERED,
        where=ABANDONED,
        better="lower",
        step=0.005,
        role="call",
        source="S4-25, the standard form: abandoned / offered (answered or abandoned)",
    ),
    ratio(
        key="abandon_to_connected",
        zh="呼叫放弃率(对接通数)",
        en="Calls abandoned per call connected",
        numerator=Sum(fact="calls", among=SHOP_ONLY | INBOUND | ABANDONED),
        denominator=Sum(fact="calls", among=SHOP_ONLY | INBOUND | ANSWERED),
        better="lower",
        step=0.005,
        role="call",
        source="S4-25, as the source has it: abandoned / connected",
        note={
            "zh": "放弃的呼叫不在接通数内，可大于1；真正的比率见 abandon_share。",
            "en": "Abandoned calls are not connected ones: may exceed 1. For the rate see abandon_share.",
        },
    ),
    mean(
        key="call_wait_s",
        zh="平均等待时间",
        en="Mean wait of calls that waited",
        fact="calls",
        value=_.wait_us,
        among=OFFERED | {"waited": _.wait_us > 0},
        better="lower",
        role="call",
        source="S4-30: wait of calls answered or abandoned that had to wait",
    ),
    share(
        key="call_answered_20s_share",
        zh="20秒接通率",
        en="Calls answered within 20 s",
        fact="calls",
        among=SHOP_ONLY | OFFERED | {"wait_known": _.wait_us.notnull()},
        where=ANSWERED | {"within_20s": _.wait_us <= 20 * SECOND},
        better="higher",
        role="call",
        source="S4-30, S4-31: answered within 20 s / offered",
    ),
    mean(
        key="aht_s",
        zh="平均处理时间",
        en="Mean handling time of calls",
        fact="calls",
        value=_.talk_us + _.hold_us.fill_null(0) + _.wrap_us.fill_null(0),
        among=ANSWERED,
        better="lower",
        role="call",
        source="S4-32: talk + hold + after-call work, over answered calls",
        note={
            "zh": "话务系统未记录的保持、话后处理时长不计入。",
            "en": "Hold and after-call work are left out where the system does not record them.",
        },
    ),
    mean(
        key="abandon_wait_s",
        zh="平均放弃时间",
        en="Mean wait before giving up",
        fact="calls",
        value=_.wait_us,
        among=SHOP_ONLY | INBOUND | ABANDONED,
        better="neutral",
        role="call",
        source="S4-34: wait of abandoned calls",
    ),
    share(
        key="call_transfer_share",
        zh="电话转接率",
        en="Calls transferred",
        fact="calls",
        among=ANSWERED | {"transfer_known": _.transferred.notnull()},
        where={"call_transferred": _.transferred},
        better="lower",
        step=0.005,
        role="call",
        source="S4-23: transferred calls / connected calls",
    ),
)
