"""What was due and what was planned: feedback, visits, key customers, plans, budgets, surveys among colleagues."""

from __future__ import annotations

from typing import Any

from ibis import _

from ..metric import SHOP_ONLY, Conditions, Entry, Metric, Sum, mean, ratio, share, total

KEY: Conditions = {"key_customer": _.key_customer}
COOPERATION = ("cooperation", "协作", "部门协作")  # what questionnaires call it
ANY_SIGN = float("-inf")
OVERDONE = {
    "zh": "实际和计划按数量相加再相除，超额完成可大于1；还没填实际的不计入。同一类计划请用同一单位。",
    "en": "Amounts are added up, then divided: may exceed 1 where more was done than planned. What has no outcome yet "
    "is left out. Items of one kind should be of one unit.",
}


def of_plan(kind: str, part: str) -> Sum:
    """What was planned, or done, of a kind of plan whose outcome is known; each item is one observation."""
    among = SHOP_ONLY | {f"plan_{kind}": _.kind == kind, "outcome_known": _.done_ppm.notnull()}
    return Sum(fact="plans", value=_[part], among=among, unit="ppm")


def planned(key: str, zh: str, en: str, kind: str, source: str, **about: Any) -> Metric:
    """Done over planned, of one kind of plan."""
    said: dict[str, Any] = {"better": "higher", "role": "manager", "min_n": 1, "note": OVERDONE}
    said |= {"numerator": of_plan(kind, "done_ppm"), "denominator": of_plan(kind, "planned_ppm")} | about
    return ratio(key=key, zh=zh, en=en, source=source, **said)


DUE: tuple[Entry, ...] = (
    share(
        key="feedback_timely_share",
        zh="意见反馈及时率",
        en="Opinions answered in time",
        fact="feedback",
        among={"about_opinions": _.kind == "feedback"},
        where={"on_time": _.on_time},
        better="higher",
        source="S4-10, S4-03: answered within the standard time / due",
    ),
    share(
        key="info_timely_share",
        zh="信息传递及时率",
        en="Information passed on in time",
        fact="feedback",
        among={"about_information": _.kind == "info"},
        where={"on_time": _.on_time},
        better="higher",
        source="S4-11, S4-04: passed on within the standard time / due",
    ),
    share(
        key="visit_share",
        zh="客户回访率",
        en="Visits made",
        fact="visits",
        among={},
        where={"visited": _.done},
        better="higher",
        source="S4-12: visited / planned",
    ),
    total(
        key="key_visits",
        zh="大客户回访次数",
        en="Visits to key customers",
        fact="visits",
        among=KEY | {"visited": _.done},
        better="higher",
        source="S4-15: visits made to key customers",
    ),
    total(
        key="key_customers_lost",
        zh="大客户流失数",
        en="Key customers lost",
        fact="key_customers",
        among={"customer_lost": _.lost},
        better="lower",
        source="S4-15, S4-09: key customers who bought nothing for key_lost_days, on the day these had passed",
        note={
            "zh": "原文在个数后面写了“%”；个数在这里，比率见 key_customer_loss_share。"
            "大客户是回访表里标了大客户的买家。",
            "en": "The source writes a % behind this count; the rate is key_customer_loss_share. Key customers are "
            "those marked in the register of visits.",
        },
    ),
    share(
        key="key_customer_loss_share",
        zh="大客户流失率",
        en="Key customers lost, as a share",
        fact="key_customers",
        among={},
        where={"customer_lost": _.lost},
        better="lower",
        source="S4-09 mended: of the key customers' purchases key_lost_days ago, those followed by no other since",
    ),
)

PLANNED: tuple[Entry, ...] = (
    planned("plan_done_share", "工作计划完成率", "Plans carried out", "plan", "S4-01, S4-18: done / planned"),
    planned("survey_plan_share", "客户调研计划完成率", "Surveys carried out", "survey", "S4-20: actual / planned"),
    planned(
        "process_goal_share",
        "流程改进目标达成率",
        "Goals of improvement met",
        "process",
        "S4-05, S4-21: done / planned",
    ),
    planned(
        "budget_saved_share",
        "费用预算节省率",
        "Budget saved",
        "budget",
        "S4-02: (budget - spent) / budget",
        numerator=of_plan("budget", "saved_ppm"),
        bounds=(ANY_SIGN, 1),
        note={"zh": "超支时为负；不可能大于1。", "en": "Negative where more was spent; it cannot exceed 1."},
    ),
    planned(
        "budget_used_share",
        "费用预算控制率",
        "Budget used",
        "budget",
        "S4-19: spent / budget",
        better="lower",
        note={"zh": "超支时大于1。", "en": "Overspending makes it exceed 1."},
    ),
    mean(
        key="cooperation_score",
        zh="部门协作满意度",
        en="Satisfaction of other departments",
        fact="surveys",
        value=_.points_ppm,
        measured_in="ppm",
        among=SHOP_ONLY | {"about_cooperation": _.subject.isin(COOPERATION)},
        unit="points",
        step=0.1,
        min_n=1,
        better="higher",
        role="manager",
        source="S4-08, S4-17: mean of the answers, scaled to 100 points (score / full score)",
        note={
            "zh": "原文单位写成“% 分”，这里统一为分；只算回答了的。",
            "en": "The source's unit is a muddle of % and points; here it is points, of those who answered.",
        },
    ),
)

ENTRIES = DUE + PLANNED
