"""What checks and records say of the work: quality checks, and tickets."""

from __future__ import annotations

from typing import Any

from ibis import _

from ..metric import Conditions, Entry, mean, share

TICKETS_MATURE = 7
PROMOTIONS = ("promo_answer", "促销规则解答")  # what the item is called in the form, and in shops' own sheets
JUDGED: Conditions = {"pass_known": _.passed.notnull()}
RESOLVED: Conditions = {"ticket_resolved": _.resolved}
OF_TICKETS: dict[str, Any] = {"fact": "tickets", "role": "after", "maturity_days": TICKETS_MATURE}

CHECKS: tuple[Entry, ...] = (
    mean(
        key="qa_score",
        zh="质检得分",
        en="Score of quality checks",
        fact="quality_checks",
        value=_.points_ppm,
        measured_in="ppm",
        among={},
        unit="points",
        step=0.1,
        better="higher",
        source="S1-45: mean score of the items checked, of 100",
        note={
            "zh": "每个检查项算一次，上级、质检、客户、同事打的分都算；按检查项、按打分人分开的数在“售后”那一页。",
            "en": "Each item counts once, whoever checked it: superior, quality staff, customer or peer. By item and "
            "source on the page of after-sale.",
        },
    ),
    share(
        key="qa_pass_share",
        zh="标准执行率",
        en="Checks passed",
        fact="quality_checks",
        among=JUDGED,
        where={"passed": _.passed},
        better="higher",
        source="S4-06: items passed / items judged",
    ),
    share(
        key="promo_answer_share",
        zh="促销规则解答准确率",
        en="Promotion rules explained correctly",
        fact="quality_checks",
        among={"about_promotions": _.item.isin(PROMOTIONS)} | JUDGED,
        where={"passed": _.passed},
        better="higher",
        role="pre",
        source="S1-53: correct / checked; the item promo_answer (促销规则解答)",
    ),
)

TICKETS: tuple[Entry, ...] = (
    share(
        key="ticket_complete_share",
        zh="工单记录完整性",
        en="Tickets with complete records",
        fact="tickets",
        among={},
        where={"ticket_complete": _.complete},
        better="higher",
        source="S1-56: every event says who did it, and which team where teams are recorded / tickets",
    ),
    share(
        key="ticket_resolved_share",
        zh="工单解决率",
        en="Tickets resolved",
        among={},
        where=RESOLVED,
        better="higher",
        source="S1-19: resolved or closed and not opened again / tickets, by the day they were opened",
        **OF_TICKETS,
    ),
    mean(
        key="ticket_resolve_h",
        zh="工单解决时长",
        en="Mean time to resolve a ticket",
        value=_.solve_us,
        among=RESOLVED,
        unit="hours",
        better="lower",
        source="S3-04: from its opening until it was resolved for the last time / tickets resolved",
        **OF_TICKETS,
    ),
    mean(
        key="ticket_work_h",
        zh="工单处理时长(不含等待)",
        en="Mean working time of a ticket",
        value=_.working_us,
        among=RESOLVED,
        unit="hours",
        better="lower",
        source="S3-04: time neither waiting nor resolved / tickets resolved",
        **OF_TICKETS,
    ),
    mean(
        key="hand_offs_per_ticket",
        zh="工单平均转手次数",
        en="Hand-offs per ticket",
        value=_.hand_offs,
        measured_in="count",
        among={},
        unit="count",
        kind="value",
        step=0.1,
        better="lower",
        source="S4-35: changes of team, or of account where no teams are recorded / tickets",
        **OF_TICKETS,
    ),
    share(
        key="ticket_reopened_share",
        zh="工单重开率",
        en="Tickets opened again",
        among={"ticket_ever_resolved": _.resolved | (_.reopened > 0)},
        where={"ticket_reopened": _.reopened > 0},
        better="lower",
        source="S3-05: opened again after they were resolved / tickets ever resolved",
        **OF_TICKETS,
    ),
)

ENTRIES = CHECKS + TICKETS
