"""After the sale: refunds and disputes, complaints, ratings, and whether a buyer had to come again."""

from __future__ import annotations

from typing import Any

from ibis import _

from ..metric import Conditions, Entry, Sum, mean, ratio, share

HOUR = 3_600_000_000
POINT = 1_000_000  # points are kept in millionths

REFUNDS_MATURE = 30
RATINGS_MATURE = 7
COMPLAINTS_MATURE = 7
ISSUES_MATURE = 4  # Definition.issue_gap_days, and the day itself
GAP: dict[str, str] = {
    "zh": "同一买家间隔不到 issue_gap_days 天（默认3天）的会话和来电算同一件事；"
    "由聊天和通话推算，没有登记是否解决，只是估计值。"
    "最近几天的事还不知道买家会不会再来，暂不计入。",
    "en": "Chats and calls of one buyer less than issue_gap_days (3 by default) apart are one issue. Worked out from "
    "chats and calls, which do not record what was solved: an estimate. Of the last days nobody knows yet whether the "
    "buyer comes again; they are left out.",
}

REFUNDS: tuple[Entry, ...] = (
    mean(
        key="refund_h",
        zh="平均退款时长",
        en="Mean time to refund",
        fact="refunds",
        value=_.refund_us,
        among={"refund_done": _.outcome == "succeeded"},
        day="finished_day",
        unit="hours",
        better="lower",
        role="after",
        source="S0-21: from the request until the money was given back / refunds succeeded, by the day they succeeded",
        note={
            "zh": "客服的退款：申请前 window_h 小时到退款结束之间，最后接待该买家的客服。",
            "en": "A refund is that of the agent who last wrote to the buyer, from window_h before the request until "
            "its end.",
        },
    ),
    share(
        key="intervention_share",
        zh="平台介入率",
        en="Refunds the platform stepped into",
        fact="refunds",
        among={"intervention_known": _.intervened.notnull()},
        where={"intervened": _.intervened},
        better="lower",
        step=0.005,
        role="after",
        maturity_days=REFUNDS_MATURE,
        source="S0-23: refunds with the platform stepping in / refunds, by the day of the request",
    ),
    share(
        key="dispute_refund_share",
        zh="纠纷退款率",
        en="Orders refunded after a dispute lost",
        fact="purchases",
        value=_.share_ppm,
        measured_in="ppm",
        among={"paid": _.paid, "dispute_known": _.disputed.notnull()},
        where={"disputed": _.disputed},
        better="lower",
        step=0.001,
        role="after",
        maturity_days=REFUNDS_MATURE,
        source="S0-20: platform stepped in, refund succeeded, merchant at fault / paid orders, by the day of payment",
        note={
            "zh": "来源没有给出分母，这里用付款订单；客服名下为归属其的订单。",
            "en": "The source names no denominator; here it is paid orders, for agents those credited to them.",
        },
    ),
)

COMPLAINTS: tuple[Entry, ...] = (
    ratio(
        key="complaint_share",
        zh="投诉率",
        en="Complaints per buyer served",
        numerator=Sum(fact="complaints"),
        denominator=Sum(fact="buyer_days", among={"user_answered": _.answered}),
        better="lower",
        step=0.001,
        source="S0-15: complaints / buyers served, a buyer once a day, all day",
        note={
            "zh": "投诉可能来自以前接待的买家，可大于1。",
            "en": "A complaint may come from a buyer served earlier: may exceed 1.",
        },
    ),
    share(
        key="complaint_cause_2h_share",
        zh="投诉2小时查因率",
        en="Complaints with the cause found within 2 h",
        fact="complaints",
        among={"causes_told": _.causes_told},
        where={"cause_2h": _.cause_us <= 2 * HOUR},
        better="higher",
        role="after",
        source="S1-10: cause found within 2 h / complaints",
    ),
    share(
        key="complaint_result_24h_share",
        zh="投诉24小时处理率",
        en="Complaints solved within 24 h",
        fact="complaints",
        among={},
        where={"result_24h": _.result_us <= 24 * HOUR},
        better="higher",
        role="after",
        maturity_days=2,
        source="S1-10: final result within 24 h / complaints",
    ),
    mean(
        key="complaint_solve_h",
        zh="投诉解决时长",
        en="Mean time to solve a complaint",
        fact="complaints",
        value=_.result_us,
        among={"complaint_solved": _.resolved_at.notnull()},
        unit="hours",
        better="lower",
        role="after",
        maturity_days=COMPLAINTS_MATURE,
        source="S4-13: total solving time / complaints solved",
        note={
            "zh": "原文把这个公式叫“百分比”，其实是平均时长；真正的比率见 complaint_solved_share。",
            "en": "The source calls it a percentage; by its formula it is a mean time. For the rate see "
            "complaint_solved_share.",
        },
    ),
    share(
        key="complaint_solved_share",
        zh="投诉解决率",
        en="Complaints solved",
        fact="complaints",
        among={},
        where={"complaint_solved": _.resolved_at.notnull()},
        better="higher",
        role="after",
        maturity_days=COMPLAINTS_MATURE,
        source="S4-13 mended, S1-19: complaints solved / complaints",
    ),
    share(
        key="complaint_satisfied_share",
        zh="投诉解决满意度",
        en="Solved complaints that satisfied",
        fact="complaints",
        among={"complaint_solved": _.resolved_at.notnull(), "satisfaction_known": _.satisfied.notnull()},
        where={"satisfied": _.satisfied},
        better="higher",
        role="after",
        maturity_days=COMPLAINTS_MATURE,
        source="S4-14: satisfied / solved complaints of which it is known",
    ),
)

RATED: Conditions = {"rated": _.rated}
FIVE = {
    "zh": "按满分折算到100分：五级评价里{zh}；别的分制按同样的比例。",
    "en": "On a scale of 100: of five grades {en}; of other scales the same part.",
}


def rating_share(key: str, zh: str, en: str, where: Conditions, grades: tuple[str, str], **about: Any) -> Entry:
    """Share of the ratings of some grades."""
    note = {"zh": FIVE["zh"].format(zh=grades[0]), "en": FIVE["en"].format(en=grades[1])}
    return share(
        key=key,
        zh=zh,
        en=en,
        fact="ratings",
        among=RATED,
        where=where,
        maturity_days=RATINGS_MATURE,
        note=note,
        **about,
    )


RATINGS: tuple[Entry, ...] = (
    mean(
        key="csat",
        zh="客户满意度",
        en="Customer satisfaction",
        fact="ratings",
        value=_.points_ppm,
        measured_in="ppm",
        among=RATED,
        unit="points",
        step=0.1,
        better="higher",
        maturity_days=RATINGS_MATURE,
        source="S4-16, S4-07, S4-22: mean of the ratings, scaled to 100 points (score / full score)",
        note={
            "zh": "只算给了评价的买家，参与率见 rating_response_share。",
            "en": "Of those who rated; how many did is rating_response_share.",
        },
    ),
    rating_share(
        "good_rating_share",
        "好评率",
        "Good ratings",
        {"rated_good": _.points_ppm >= 80 * POINT},
        ("4分和5分", "4 and 5"),
        better="higher",
        source="S1-29: the best two of five grades / ratings",
    ),
    rating_share(
        "low_rating_share",
        "评分≤3率",
        "Ratings of 3 or less",
        {"rated_low": _.points_ppm <= 60 * POINT},
        ("1到3分", "1 to 3"),
        better="lower",
        source="PRACTICE 4, FORMATS 4.2 评分≤3率: ratings of 3 or less of 5 / ratings",
    ),
    rating_share(
        "dissatisfied_share",
        "不满意率",
        "Dissatisfied ratings",
        {"rated_bad": _.points_ppm <= 40 * POINT},
        ("1分和2分", "1 and 2"),
        better="lower",
        source="PRACTICE 4, FORMATS 4.3 不满意率: the worst two of five grades / ratings",
    ),
    share(
        key="rating_response_share",
        zh="评价参与率",
        en="Invitations to rate that were followed",
        fact="ratings",
        among={"rating_invited": _.invited_at.notnull(), "answers_told": _.answers_told},
        where=RATED,
        day="invited_day",
        better="neutral",
        maturity_days=RATINGS_MATURE,
        source="C43: ratings / invitations to rate, by the day of the invitation",
    ),
)

SETTLED: Conditions = {"issue_settled": _.settled}
SERVED: Conditions = SETTLED | {"not_abandoned": ~_.abandoned}
SOLVED: Conditions = {"last_answered": _.answered, "not_complained": ~_.complained}
IN_LAST: Conditions = {"last_contact": _.last_contact}
APART: dict[str, Any] = {"maturity_days": ISSUES_MATURE, "matures_with": "issue_gap_days", "note": GAP}

ISSUES: tuple[Entry, ...] = (
    mean(
        key="contacts_per_issue",
        zh="平均联系次数",
        en="Contacts per issue",
        fact="issues",
        value=_.contacts,
        measured_in="count",
        among=SETTLED,
        unit="count",
        kind="value",
        step=0.1,
        better="lower",
        source="S4-35: chats with a question and incoming calls / issues",
        **APART,
    ),
    mean(
        key="agents_per_issue",
        zh="涉及客服数",
        en="Agents per issue",
        fact="issues",
        value=_.agents,
        measured_in="count",
        among=SERVED,
        unit="count",
        kind="value",
        step=0.1,
        better="lower",
        source="S4-35: different agents who answered / issues that anybody answered",
        **APART,
    ),
    share(
        key="first_contact_share",
        zh="一次解决率",
        en="Issues with a single contact",
        fact="issues",
        among=SERVED | {"first_contact": _.first_contact},
        where={"one_contact": _.contacts == 1},
        better="higher",
        source="S3-05, S1-60: issues with no further contact within issue_gap_days / issues, those abandoned apart",
        **APART,
    ),
    share(
        key="resolved_share",
        zh="问题解决率",
        en="Issues resolved",
        fact="issues",
        among=SERVED | IN_LAST,
        where=SOLVED,
        better="higher",
        role="after",
        source="S1-19, S1-60: last contact answered, and no complaint since / issues, those abandoned apart",
        **APART,
    ),
    share(
        key="abandoned_issue_share",
        zh="未接通即离开占比",
        en="Issues abandoned",
        fact="issues",
        among=SETTLED,
        where={"issue_abandoned": _.abandoned},
        better="lower",
        role="shop",
        source="S1-60: issues in which nobody ever answered / issues; they count as neither resolved nor unresolved",
        **APART,
    ),
    mean(
        key="resolve_h",
        zh="问题解决时长",
        en="Mean time to resolve an issue",
        fact="issues",
        value=_.solve_us,
        among=SERVED | IN_LAST | SOLVED,
        unit="hours",
        step=0.1,
        better="lower",
        role="after",
        source="S3-04: from the first question to the end of the last contact / issues resolved",
        **APART,
    ),
)

ENTRIES = REFUNDS + COMPLAINTS + RATINGS + ISSUES
