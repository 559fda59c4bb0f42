"""Roster, shifts, campaigns, categories; complaints and ratings about people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from .exports import Row, Written, clock, write_csv
from .script import NEVER, Script
from .words import CATEGORIES, Words
from .world import BOT_ACCOUNT, DAY, SEASONS, SHIFT_HOURS, SHIFT_NAMES, SHOP, Agent, World

ROLE_WORDS = {"pre": "售前", "after": "售后", "mixed": "混合"}
TEAM_WORDS = {"pre": "售前组", "after": "售后组", "mixed": "综合组"}
LEVEL_WORDS = {"junior": "初级", "mid": "中级", "senior": "资深"}
ROSTER_HEADER = ("旺旺账号", "工号", "姓名", "岗位", "级别", "组别", "入职日期", "离职日期", "生效日期", "失效日期")
COMPLAINT_HEADER = ("投诉编号", "买家", "客服账号", "投诉时间", "查因时间", "解决时间", "是否满意", "类型")
RATING_HEADER = (
    *("日期", "店铺", "客服姓名", "客服子账号", "子账号分组", "顾客名称", "邀评时间", "最新评价时间", "最新评价结果"),
    "评价来源",
)
RATING_WORDS = ("非常满意", "满意", "一般", "不满意", "非常不满意")
RATING_ODDS = (0.62, 0.22, 0.09, 0.04, 0.03)
COMPLAINT_KINDS = ("态度", "发货慢", "质量", "承诺未兑现")
COMPLAINT_SHARE, RATING_SHARE = 0.004, 0.45


def write_people(written: Written, world: World) -> None:
    """Roster, shifts, campaigns and the tree of categories."""
    written.sheet("exports/花名册", ROSTER_HEADER, list(_roster(world)))
    written.sheet("exports/排班表", ("工号", "日期", "班次", "上班", "下班"), list(_shifts(world)))
    written.sheet("exports/活动日历", ("活动", "开始", "结束", "阶段", "豁免"), _campaigns(world))
    path = written.note("exports/咨询类目.csv", len(CATEGORIES))
    write_csv(path, ("代码", "上级代码", "名称", "英文名称"), CATEGORIES, "utf-8-sig")


def _roster(world: World) -> Iterator[Row]:
    """A line for each person and level; a login handed on has a line for each of its people."""
    long_ago = world.first - timedelta(days=300)
    for agent in world.agents:
        began = world.date_of(agent.started) if agent.started else long_ago
        ended = None if agent.ended is None else world.date_of(agent.ended)
        person = (agent.account, agent.agent_id, agent.name, ROLE_WORDS[agent.role])
        for level, first, after in _levels(world, agent, began, ended):
            yield (*person, LEVEL_WORDS[level], TEAM_WORDS[agent.role], began, ended, first, after)
    yield (BOT_ACCOUNT, "BOT", "店小蜜", "机器人", None, None, long_ago, None, long_ago, None)
    yield (SHOP, "M01", "店长", "店长", None, None, long_ago, None, long_ago, None)


def _levels(world: World, agent: Agent, began: date, ended: date | None) -> list[tuple[str, date, date | None]]:
    """Each level with its first day and the day after its last."""
    until = ended + timedelta(days=1) if ended else None
    if agent.promoted is None:
        return [(agent.level, began, until)]
    change = world.date_of(agent.promoted)
    return [(agent.level, began, change), (agent.next_level, change, until)]


def _shifts(world: World) -> Iterator[Row]:
    """A line for each person and day on duty."""
    for day, person in zip(*np.nonzero(world.duty), strict=True):
        shift = int(world.duty[day, person])
        hours = [f"{slot // 2:02d}:{slot % 2 * 30:02d}" for slot in SHIFT_HOURS[shift]]
        yield (world.agents[person].agent_id, f"{world.date_of(day)}", SHIFT_NAMES[shift], *hours)


def _campaigns(world: World) -> list[Row]:
    """The campaigns that touch the sample, by date."""
    last = world.date_of(world.days - 1)
    rows = [
        (date(year, *begin), date(year, *end), name, {"main": "正式", "warm-up": "预热"}[phase])
        for year in range(world.first.year, last.year + 1)
        for name, begin, end, _, phase in SEASONS
    ]
    touching = sorted(row for row in rows if row[0] <= last and row[1] >= world.first)
    return [(name, first, end, phase, "是" if name == "春节" else "否") for first, end, name, phase in touching]


@dataclass(frozen=True)
class Complaints:
    """The complaints written down: chats they are about; when each was made, explained, solved."""

    chat: np.ndarray
    opened: np.ndarray
    cause: np.ndarray
    solved: np.ndarray


def write_complaints(
    written: Written, rng: np.random.Generator, world: World, script: Script, words: Words
) -> Complaints:
    """A few complaints after chats, most of them solved within three days."""
    customers = script.seen & (script.chats.story < script.strangers)
    chat = np.flatnonzero(customers & (rng.random(len(script.chats)) < COMPLAINT_SHARE))
    opened = script.end[chat] + rng.integers(600, 2 * DAY, len(chat))
    chat, opened = chat[opened < world.days * DAY], opened[opened < world.days * DAY]
    cause = opened + rng.exponential(5000, len(chat)).astype(int)
    solved = opened + rng.integers(7200, 3 * DAY, len(chat))
    times = [clock(world, np.where(t < world.days * DAY, t, NEVER)) for t in (opened, cause, solved)]
    happy = np.where(rng.random(len(chat)) < 0.7, "是", "否").tolist()
    rows = []
    for i, (c, at, why, done) in enumerate(zip(chat.tolist(), *times, strict=True)):
        buyer, account = script.buyers[script.chats.story[c]], words.accounts[script.chats.agent[c]]
        kind = COMPLAINT_KINDS[c % len(COMPLAINT_KINDS)]
        rows.append((f'="TS{i + 1:08d}"', buyer, account, at, why, done, happy[i] if done else "", kind))
    write_csv(written.note("exports/投诉登记.csv", len(rows)), COMPLAINT_HEADER, rows)
    return Complaints(chat, opened, cause, solved)


def write_ratings(
    written: Written, rng: np.random.Generator, world: World, script: Script, words: Words, invited: tuple
) -> None:
    """Invitations to rate (chats and times) and what came of them."""
    chat, at = invited
    answers = rng.random(len(chat)) < RATING_SHARE
    mood = rng.choice(len(RATING_WORDS), len(chat), p=RATING_ODDS)
    rated = clock(world, np.where(answers, at + 30 + rng.integers(0, 600, len(chat)), NEVER))
    rows = []
    for i, (c, asked) in enumerate(zip(chat.tolist(), clock(world, at), strict=True)):
        agent, buyer = world.agents[script.chats.agent[c]], script.buyers[script.chats.story[c]]
        result = RATING_WORDS[mood[i]] if answers[i] else "-"
        row = (asked[:10], SHOP, agent.name, agent.account, "", buyer, asked, rated[i] or "-", result, "客服邀评")
        rows.append(row)
    write_csv(written.note("exports/评价明细.csv", len(rows)), RATING_HEADER, rows)
