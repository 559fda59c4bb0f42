"""The made-up shop's people, calendar and skill: everything that is true before a customer writes.

Times are whole seconds of local wall clock since midnight of the first day; China has no summer time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np

SHOP = "示例旗舰店"
SHOP_ID = "demo"
BOT_ACCOUNT = f"{SHOP}:店小蜜"
WAREHOUSE = f"{SHOP}:仓库"
DAY = 86_400
OPEN_S, CLOSE_S = 8 * 3600 + 1800, 22 * 3600 + 1800  # the shop's own hours; platforms count 8-23
CLOSED_DAYS = (
    date(2026, 2, 16),
    date(2026, 2, 17),
    date(2027, 2, 5),
    date(2027, 2, 6),
)  # Spring Festival's eve and first day
EARLY, LATE = 1, 2
SHIFT_HOURS = {EARLY: (8 * 2 + 1, 16 * 2 + 1), LATE: (14 * 2 + 1, 22 * 2 + 1)}  # half-hour slots, half-open
SHIFT_NAMES = {EARLY: "早班", LATE: "晚班"}
ROLE_CYCLE = ("pre", "pre", "after", "pre", "after", "pre", "mixed", "pre")
LEVELS = ("junior", "mid", "senior")
NAMES = (
    *(
        "小甲",
        "小乙",
        "小丙",
        "小丁",
        "小戊",
        "小己",
        "小庚",
        "小辛",
        "小壬",
        "小癸",
        "阿梅",
        "阿强",
        "晓雯",
        "佳怡",
        "子涵",
    ),
    *(
        "思远",
        "婷婷",
        "海燕",
        "志明",
        "春娇",
        "雪儿",
        "浩然",
        "雨桐",
        "欣怡",
        "文博",
        "梦洁",
        "立新",
        "秀英",
        "建国",
        "慧敏",
    ),
)
# Between agents 5 points, agent-month wobble 2.5, shared month shock 1.5, on a 30-second rate around .80.
MEAN_RATE, AGENT_SD, WOBBLE_SD, SHOCK_SD = 0.80, 0.05, 0.025, 0.015
LEVEL_POINTS = {"junior": -0.04, "mid": 0.0, "senior": 0.03}
SEASONS = (  # name, first and last (month, day), volume, phase
    ("618", (6, 1), (6, 15), 1.5, "warm-up"),
    ("618", (6, 16), (6, 18), 2.6, "main"),
    ("双11", (11, 1), (11, 9), 1.6, "warm-up"),
    ("双11", (11, 10), (11, 12), 3.2, "main"),
    ("国庆", (10, 1), (10, 7), 1.2, "main"),
    ("年货节", (1, 18), (2, 8), 1.5, "main"),
    ("春节", (2, 14), (2, 20), 0.4, "main"),
)
WEEK = np.array([1.08, 1.0, 0.97, 0.97, 1.0, 0.95, 1.1])  # Monday first
HOURS = np.array(
    [
        0.9,
        0.5,
        0.2,
        0.1,
        0.1,
        0.1,
        0.3,
        0.8,
        2.2,
        4.2,
        5.4,
        5.2,
        4.4,
        4.6,
        5.2,
        5.3,
        5.0,
        4.4,
        4.3,
        5.6,
        7.2,
        7.4,
        4.8,
        2.0,
    ]
)


@dataclass(frozen=True)
class Agent:
    """One person; days count from the first day of the sample, `ended` is the last day worked or None."""

    agent_id: str
    name: str
    account: str
    role: str
    level: str
    promoted: int | None
    next_level: str
    started: int
    ended: int | None
    part_time: bool
    skill: float


@dataclass(frozen=True)
class World:
    """The shop's year: people, who works when (days x agents), how quick each is (months x agents)."""

    first: date
    months: tuple[str, ...]
    month_of: np.ndarray
    agents: tuple[Agent, ...]
    duty: np.ndarray
    rate: np.ndarray
    wobble: np.ndarray
    shock: np.ndarray
    volume: np.ndarray
    missing: int

    @property
    def days(self) -> int:
        return len(self.month_of)

    def date_of(self, day: int) -> date:
        return self.first + timedelta(days=int(day))

    def employed(self) -> np.ndarray:
        """Boolean, days x agents."""
        days = np.arange(self.days)[:, None]
        ended = [self.days if a.ended is None else a.ended for a in self.agents]
        return (days >= [a.started for a in self.agents]) & (days <= ended)


def build(rng: np.random.Generator, months: int, agents: int, until: date) -> World:
    """The world of `months` whole months that end before `until`."""
    first, month_of, names = _calendar(months, until)
    people = tuple(_agent(rng, i, agents, month_of) for i in range(agents))
    wobble = rng.normal(0, WOBBLE_SD, (months, agents))
    shock = rng.normal(0, SHOCK_SD, months)
    level = np.array(
        [[LEVEL_POINTS[level_on(a, int(np.argmax(month_of == m)))] for a in people] for m in range(months)]
    )
    rate = MEAN_RATE + np.array([a.skill for a in people]) + level + wobble + shock[:, None]
    days = len(month_of)
    volume = np.array([_volume(first + timedelta(days=d)) for d in range(days)])
    missing = int(np.flatnonzero(month_of == months // 2)[min(11, days - 1)])
    return World(
        first, names, month_of, people, _rota(people, days), rate.clip(0.4, 0.96), wobble, shock, volume, missing
    )


def level_on(agent: Agent, day: int) -> str:
    """The agent's level on a day: a promotion takes effect on its day."""
    return agent.next_level if agent.promoted is not None and day >= agent.promoted else agent.level


def _calendar(months: int, until: date) -> tuple[date, np.ndarray, tuple[str, ...]]:
    index = until.year * 12 + until.month - 1
    firsts = [date(i // 12, i % 12 + 1, 1) for i in range(index - months, index + 1)]
    lengths = [(b - a).days for a, b in pairwise(firsts)]
    return firsts[0], np.repeat(np.arange(months), lengths), tuple(f"{f:%Y-%m}" for f in firsts[:-1])


def _agent(rng: np.random.Generator, i: int, agents: int, month_of: np.ndarray) -> Agent:
    """Person i of the roster. In every eight, one leaves and a newcomer takes over the login a little later."""
    days, skill = len(month_of), float(rng.normal(0, AGENT_SD))
    turnover = agents >= 8 and i // 8 < agents // 8
    leaves = int(days * (0.45 + 0.05 * (i // 8 % 4)))
    leaver, newcomer = turnover and i % 8 == 5, turnover and i % 8 == 7
    level = LEVELS[(i + i // 3) % 3] if not newcomer else "junior"
    rises = i % 8 == 1 and level != "senior"
    return Agent(
        agent_id=f"A{i + 1:02d}",
        name=NAMES[i] if i < len(NAMES) else f"客服{i + 1:03d}",
        account=f"{SHOP}:{i - 1 if newcomer else i + 1:02d}",
        role=ROLE_CYCLE[i % 8],
        level=level,
        promoted=int(np.argmax(month_of == month_of[days // 2])) if rises and month_of[-1] > 0 and not leaver else None,
        next_level=LEVELS[min(LEVELS.index(level) + 1, 2)],
        started=leaves + 6 if newcomer else 0,
        ended=leaves if leaver else None,
        part_time=i % 4 == 2,
        skill=skill,
    )


def _volume(day: date) -> float:
    season = [v for _, a, b, v, _ in SEASONS if a <= (day.month, day.day) <= b]
    return float(WEEK[day.weekday()] * (season[0] if season else 1.0))


def _rota(people: tuple[Agent, ...], days: int) -> np.ndarray:
    """Days x agents: 0 off, EARLY or LATE; every day has somebody on each shift."""
    day, person = np.arange(days)[:, None], np.arange(len(people))
    part = np.array([a.part_time for a in people])
    on = np.where(part, (day + 3 * person) % 7 < 3, (day + 3 * person) % 7 < 5)
    duty = np.where(on, np.where((day // 7 + person) % 2 == 0, EARLY, LATE), 0)
    last = np.array([days if a.ended is None else a.ended for a in people])
    here = (day >= [a.started for a in people]) & (day <= last)
    duty = np.where(here, duty, 0)
    for d in range(days):
        for shift in (EARLY, LATE):
            if not (duty[d] == shift).any():
                crowd = np.flatnonzero(here[d] & (duty[d] == 0))
                spare = crowd if len(crowd) else np.flatnonzero(here[d])[: 1 + (shift == LATE)]
                duty[d, spare[-1]] = shift
    return duty


def cover(world: World, roles: tuple[str, ...]) -> np.ndarray:
    """Who may take a chat: days x 48 half hours x agents, weights cumulated over agents.

    People of `roles` on shift; where none is, anybody on shift. Before opening the early shift holds the logins,
    after closing the late one.
    """
    slots = np.arange(48)
    held = {EARLY: slots < SHIFT_HOURS[EARLY][1], LATE: slots >= SHIFT_HOURS[LATE][0]}
    weight = sum((world.duty == s)[:, None, :] * held[s][None, :, None] for s in held).astype(np.float32)
    fits = np.array([a.role in roles for a in world.agents], dtype=np.float32)
    wanted = weight * fits
    return np.cumsum(np.where(wanted.sum(2, keepdims=True) > 0, wanted, weight), axis=2)
