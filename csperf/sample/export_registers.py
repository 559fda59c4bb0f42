"""What people write down beside chats and orders: tickets, checks, plans, visits, messages, questionnaires."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import numpy as np

from .export_people import TEAM_WORDS, Complaints
from .exports import Row, Written, clock
from .orders import Orders
from .script import NEVER, Script
from .world import DAY, World

HOUR = 3600
YES, NO = "是", "否"
TICKET_HEADER = ("工单编号", "时间", "操作", "处理账号", "处理组")
CHECK_HEADER = (
    *("抽查编号", "客服账号", "会话时间", "谁来评", "检查人", "沟通态度", "问题解决能力", "信息准确性", "标准话术"),
    *("及时记录客户需求", "按流程处理投诉", "及时响应", "准确解答", "妥善处理退换货及投诉", "促销规则解答"),
)
ABOUT_CHECK = 5  # columns that say which chat and who judges; the others are judgements, a record each
PLAN_HEADER = ("种类", "期间", "项目", "计划数", "实际数")
VISIT_HEADER = ("方式", "工号", "买家", "大客户", "应完成时间", "实际完成时间")
FEEDBACK_HEADER = ("类型", "工号", "买家", "大客户", "应完成时间", "实际完成时间")
SURVEY_HEADER = ("问卷编号", "发出时间", "回收时间", "得分", "满分", "问的是什么")
PLANS = (  # kind, item, planned, the share that gets done and how far it strays
    ("工作计划", "产品知识培训（场）", 4, 0.9, 0.1),
    ("工作计划", "聊天复盘会（场）", 8, 0.95, 0.1),
    ("费用预算", "客服工具和话费（元）", 6000, 0.94, 0.05),
    ("费用预算", "客户回访礼品（元）", 2000, 1.02, 0.08),
    ("客户调研", "满意度问卷（份）", 40, 0.96, 0.06),
    ("流程改进", "上线的改进项（项）", 3, 0.7, 0.3),
)
VISIT_KINDS = ("电话", "聊天", "上门")
FEEDBACK_KINDS = ("意见反馈", "信息传递")
SUBJECTS = ("总体", "态度", "解决", "速度")
SECOND_RATERS = (("上级", "店长"), ("同事", "小甲"), ("客户", "回访客户"))
TICKET_SHARE = 0.05  # of answered chats after the sale
CHECKS_PER_AGENT, JUDGED_TWICE = 4, 0.2  # a month
KEY_CUSTOMERS, FEEDBACK_PER_MONTH, SURVEYS_PER_MONTH, COLLEAGUES = 12, 24, 40, 6
ANSWERED, ANSWERED_BY_COLLEAGUES = 0.42, 0.85
SCORE_ODDS = (0.02, 0.03, 0.1, 0.35, 0.5)  # 1 to 5


@dataclass(frozen=True)
class Registers:
    """What the rows are drawn from. `answered`: chats with customers that a human replied to."""

    rng: np.random.Generator
    world: World
    script: Script
    answered: np.ndarray
    helpers: list[np.ndarray]  # by day, the agents on duty who work after the sale, else all on duty

    @property
    def until(self) -> int:
        """The second at which the sample ends: what comes later is not written down yet."""
        return self.world.days * DAY

    def happened(self, seconds: np.ndarray) -> list[str]:
        """The times as text, empty where they do not come about within the sample."""
        return clock(self.world, np.where(seconds < self.until, seconds, NEVER))

    def helper(self, second: int) -> int:
        """Somebody who works after the sale at that time."""
        return int(self.rng.choice(self.helpers[min(second, self.until - 1) // DAY]))

    def of_month(self, month: int) -> np.ndarray:
        """The answered chats of a month."""
        return self.answered[self.world.month_of[self.script.chats.day[self.answered]] == month]


def write_registers(
    written: Written,
    rng: np.random.Generator,
    world: World,
    script: Script,
    orders: Orders,
    told: Complaints | None = None,
) -> None:
    """工单, 质检表, 计划与预算, 回访登记, 反馈与传递登记, 满意度问卷."""
    replied = np.zeros(len(script.chats), dtype=bool)
    replied[script.turns.chat[script.turns.wait >= 0]] = True
    customers = script.seen & (script.chats.story < script.strangers)
    drawn = Registers(rng, world, script, np.flatnonzero(replied & customers), _helpers(world))
    written.sheet("exports/工单", TICKET_HEADER, list(_tickets(drawn, told)))
    checks = list(_checks(drawn))
    judged = sum(answer is not None for check in checks for answer in check[ABOUT_CHECK:])
    written.sheet("exports/质检表", CHECK_HEADER, checks, judged)
    written.sheet("exports/计划与预算", PLAN_HEADER, list(_plans(drawn)))
    written.sheet("exports/回访登记", VISIT_HEADER, list(_visits(drawn, orders)))
    written.sheet("exports/反馈与传递登记", FEEDBACK_HEADER, list(_feedback(drawn)))
    written.sheet("exports/满意度问卷", SURVEY_HEADER, list(_surveys(drawn)))


def _helpers(world: World) -> list[np.ndarray]:
    after = np.array([agent.role != "pre" for agent in world.agents])
    on_duty = world.duty > 0
    return [np.flatnonzero(row & after if (row & after).any() else row) for row in on_duty]


# Tickets ----------------------------------------------------------------------------------------------------------


def _tickets(drawn: Registers, told: Complaints | None) -> Iterator[Row]:
    """The log of all tickets, by opening: one for each complaint, and for some of the chats after the sale."""
    rng, script, agents = drawn.rng, drawn.script, drawn.world.agents
    after = drawn.answered[~script.chats.presale[drawn.answered]]
    after = after[rng.random(len(after)) < TICKET_SHARE]
    opened = script.end[after] + rng.integers(60, 900, len(after))
    seen = opened + rng.integers(600, 3 * HOUR, len(after))
    parts = [(after, opened, seen, seen + rng.exponential(16 * HOUR, len(after)).astype(int))]
    if told:
        parts.append((told.chat, told.opened, np.minimum(told.cause, told.solved), told.solved))
    chat, *times = (np.concatenate(column) for column in zip(*parts, strict=True))
    for number, i in enumerate(np.argsort(times[0], kind="stable").tolist(), start=1):
        began, explained, over = (int(at[i]) for at in times)
        giver, helper = int(script.chats.agent[chat[i]]), drawn.helper(began)
        steps = [step for step in _steps(rng, began, explained, over, giver, helper) if step[0] < drawn.until]
        when = drawn.happened(np.array([at for at, _what, _who in steps]))
        for at, (_second, what, who) in zip(when, steps, strict=True):
            named = agents[who].account if rng.random() >= 0.02 else ""  # somebody forgot to say who it was
            yield (f"GD{number:06d}", at, what, named, TEAM_WORDS[agents[who].role])


def _steps(rng, began: int, seen: int, over: int, giver: int, helper: int) -> Iterator[tuple[int, str, int]]:
    """What happens to one ticket: when, what, by whom. Some wait for the customer, few are escalated or come back."""
    waits, climbs, returns = rng.random(3) < (0.4, 0.08, 0.06)
    yield began, "创建", giver
    if helper != giver:
        yield began + (seen - began) // 3, "分派", helper
    yield seen, "回复", helper
    if climbs:
        yield seen + (over - seen) // 10, "升级", helper
    if waits:
        yield seen + (over - seen) // 5, "等待客户", helper
        yield seen + (over - seen) * 3 // 4, "继续处理", helper
    yield over, "已解决", helper
    if returns:
        yield over + 5 * HOUR, "重新打开", giver
        yield over + 20 * HOUR, "已解决", helper
    yield over + 2 * DAY, "关闭", helper


# Quality checks ---------------------------------------------------------------------------------------------------


def _checks(drawn: Registers) -> Iterator[Row]:
    """Some chats of every agent and month, judged by 质检, and now and then by a second one."""
    rng, script, number = drawn.rng, drawn.script, count(1)
    for month in range(len(drawn.world.months)):
        chats = drawn.of_month(month)
        for agent in np.unique(script.chats.agent[chats]).tolist():
            own = chats[script.chats.agent[chats] == agent]
            for chat in np.sort(rng.choice(own, min(CHECKS_PER_AGENT, len(own)), replace=False)).tolist():
                yield from _judged(drawn, f"ZJ{next(number):05d}", chat, agent)


def _judged(drawn: Registers, check: str, chat: int, agent: int) -> Iterator[Row]:
    """One chat's rows: what is true of it, as each rater sees it; what the chat does not show stays empty."""
    rng, presale = drawn.rng, bool(drawn.script.chats.presale[chat])
    (at,) = clock(drawn.world, drawn.script.began[[chat]])
    skill = drawn.world.agents[agent].skill
    points = 86 + 120 * skill + rng.normal(0, 5, 3)
    done = rng.random(7) < 0.9 + skill
    shown = np.array([True, True, not presale, True, True, not presale, presale and rng.random() < 0.6])
    raters = [("质检", "质检员"), SECOND_RATERS[chat % len(SECOND_RATERS)]][: 1 + (rng.random() < JUDGED_TWICE)]
    for source, checker in raters:
        seen = (points + rng.normal(0, 3, 3)).clip(0, 100).round().astype(int).tolist()
        words = [YES if yes else NO for yes in done ^ (rng.random(7) < 0.06)]
        answers = [word if there else None for word, there in zip(words, shown, strict=True)]
        yield (check, drawn.world.agents[agent].account, at, source, checker, *seen, *answers)


# Registers --------------------------------------------------------------------------------------------------------


def _plans(drawn: Registers) -> Iterator[Row]:
    """What was planned for each month and what came of it; of the newest month one outcome is still to be told."""
    months = drawn.world.months
    for month in months:
        for kind, item, planned, share, stray in PLANS:
            done = round(planned * max(drawn.rng.normal(share, stray), 0))
            unknown = month == months[-1] and kind == "流程改进"
            yield (kind, month, item, planned, None if unknown else done)


def _visits(drawn: Registers, orders: Orders) -> Iterator[Row]:
    """A visit a month to each key customer (who orders most), and to somebody else; most of them made, few late."""
    rng, world = drawn.rng, drawn.world
    keys = np.argsort(-np.bincount(orders.story), kind="stable")[:KEY_CUSTOMERS].tolist()
    for month in range(len(world.months)):
        days, others = np.flatnonzero(world.month_of == month), drawn.of_month(month)
        more = drawn.script.chats.story[rng.choice(others, min(4, len(others)), replace=False)].tolist()
        for story in dict.fromkeys([*keys, *more]):
            due = int(rng.choice(days)) * DAY
            made = due + int(rng.integers(-2, 3)) * DAY if rng.random() < 0.88 else NEVER
            when = [clock(world, np.array([due]))[0][:10], drawn.happened(np.array([made]))[0][:10]]
            who, kind = world.agents[drawn.helper(due)].agent_id, VISIT_KINDS[int(rng.integers(3))]
            yield (kind, who, drawn.script.buyers[story], YES if story in keys else NO, *when)


def _feedback(drawn: Registers) -> Iterator[Row]:
    """Opinions to answer and messages to pass on after chats, within a day; some late, few forgotten."""
    rng, script = drawn.rng, drawn.script
    for month in range(len(drawn.world.months)):
        chats = drawn.of_month(month)
        chats = np.sort(rng.choice(chats, min(FEEDBACK_PER_MONTH, len(chats)), replace=False))
        due = script.end[chats] + DAY
        done = np.where(rng.random(len(chats)) < 0.95, due - DAY + rng.exponential(9 * HOUR, len(chats)), NEVER)
        times = zip(clock(drawn.world, due), drawn.happened(done.astype(int)), strict=True)
        for chat, when in zip(chats.tolist(), times, strict=True):
            agent, buyer = drawn.world.agents[script.chats.agent[chat]], script.buyers[script.chats.story[chat]]
            yield (FEEDBACK_KINDS[chat % 2], agent.agent_id, buyer, NO, *(at or None for at in when))


def _surveys(drawn: Registers) -> Iterator[Row]:
    """Questionnaires sent after chats, and to colleagues once a month; most customers do not answer."""
    rng, number = drawn.rng, count(1)
    for month in range(len(drawn.world.months)):
        chats = drawn.of_month(month)
        chats = np.sort(rng.choice(chats, min(SURVEYS_PER_MONTH, len(chats)), replace=False))
        late = (np.flatnonzero(drawn.world.month_of == month)[-1] - 5) * DAY + 10 * HOUR
        asked = np.concatenate([drawn.script.end[chats] + HOUR, np.full(COLLEAGUES, late)])
        ours = np.arange(len(asked)) >= len(chats)
        replies = rng.random(len(asked)) < np.where(ours, ANSWERED_BY_COLLEAGUES, ANSWERED)
        answered = np.where(replies, asked + rng.integers(300, DAY, len(asked)), NEVER)
        scores = rng.choice(5, len(asked), p=SCORE_ODDS) + 1
        for i, (sent, back) in enumerate(zip(drawn.happened(asked), drawn.happened(answered), strict=True)):
            subject = "协作" if ours[i] else SUBJECTS[i % len(SUBJECTS)]
            if sent:
                yield (f"WJ{next(number):05d}", sent, back or None, int(scores[i]) if back else None, 5, subject)
