"""Chats -> turns: who asks when, how long until which answer. What happens here is what the truth counts later."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtri

from .stories import ANSWERED, Chats, Kind
from .world import DAY, OPEN_S, World

SPREAD = 0.9  # of log waits
LONGEST_WAIT, LONGEST_GAP = 6000, 1500
SLOW_HOURS, SLOW_POINTS = (20, 22), 0.06
NEVER = -1


@dataclass
class Turns:
    """One row per turn. Offsets are seconds from the turn's start; NEVER where it does not happen."""

    chat: np.ndarray
    number: np.ndarray
    last: np.ndarray
    agent: np.ndarray  # who answers it (who should have)
    start: np.ndarray
    questions: np.ndarray
    step1: np.ndarray  # second question after the first, third after the second
    step2: np.ndarray
    wait: np.ndarray
    replies: np.ndarray
    step_reply: np.ndarray
    assist: np.ndarray
    passed: np.ndarray  # handed over (by a colleague, by a bot) while open
    recalled: np.ndarray  # a reply that was taken back
    code: np.ndarray  # the closing line with the category code, after the last reply
    phrase: np.ndarray  # nothing but thanks

    @property
    def last_question(self) -> np.ndarray:
        return np.where(self.questions > 1, self.step1, 0) + np.where(self.questions > 2, self.step2, 0)

    @property
    def last_reply(self) -> np.ndarray:
        """Offset of the last reply, the closing line apart; NEVER if unanswered."""
        return np.where(self.wait >= 0, self.wait + np.where(self.replies > 1, self.step_reply, 0), NEVER)

    @property
    def end(self) -> np.ndarray:
        """Offset of the last thing said."""
        return np.maximum(self.last_question, self.last_reply + np.maximum(self.code, 0))

    def take(self, rows: np.ndarray) -> Turns:
        return Turns(**{name: column[rows] for name, column in vars(self).items()})


@dataclass
class Script:
    """Chats with their turns, in seconds of the sample."""

    chats: Chats
    turns: Turns
    began: np.ndarray
    end: np.ndarray
    invited: np.ndarray  # to rate
    sells: np.ndarray  # by agent: whether an order may be credited to them
    seen: np.ndarray  # false: on the day that was never downloaded, or it does not take place
    alive: np.ndarray
    buyers: list[str] = field(default_factory=list)  # by story
    strangers: int = 0  # the first story that is no customer's


def write(rng: np.random.Generator, world: World, chats: Chats) -> Script:
    """The script of all chats."""
    count = _turn_counts(rng, chats)
    switch = np.where(chats.kind == Kind.TRANSFER, 1 + (rng.random(len(chats)) * (count - 2)).astype(int), 99)
    turns = _questions(rng, chats, count, switch)
    _answers(rng, world, chats, turns, switch)
    _night(rng, world, chats, turns)
    length = _lay_out(rng, chats, turns, count)
    thanks, welcome = _thanks(rng, chats, turns, count)
    whole = length + np.where(thanks >= 0, thanks + np.maximum(welcome, 0), 0)
    began, alive = _place(rng, chats, whole)
    turns.start += began[turns.chat]
    turns = _with_thanks(chats, turns, began + length + thanks, thanks >= 0, welcome)
    invited = rng.random(len(chats)) < 0.25
    sells = np.array([a.role != "after" for a in world.agents])
    seen = alive & (chats.day != world.missing)
    return Script(chats, turns, began, began + whole, invited, sells, seen, alive)


def _with_thanks(chats: Chats, turns: Turns, at: np.ndarray, said: np.ndarray, welcome: np.ndarray) -> Turns:
    """The turns with one more for each chat that closes with thanks."""
    chat = np.flatnonzero(said)
    more = {name: np.full(len(chat), NEVER) for name in vars(turns)}
    more |= {"chat": chat, "number": np.full(len(chat), 99), "start": at[chat], "wait": welcome[chat]}
    more |= {"agent": np.where(chats.kind == Kind.TRANSFER, chats.agent2, chats.agent)[chat]}
    more |= {"questions": np.ones(len(chat), dtype=int), "replies": np.ones(len(chat), dtype=int)}
    more |= {"last": np.zeros(len(chat), dtype=bool), "phrase": np.ones(len(chat), dtype=bool)}
    joined = Turns(**{name: np.concatenate([column, more[name]]) for name, column in vars(turns).items()})
    return joined.take(np.argsort(joined.chat, kind="stable"))


def _turn_counts(rng: np.random.Generator, chats: Chats) -> np.ndarray:
    count = rng.geometric(0.42, len(chats)).clip(1, 7)
    single = (Kind.NIGHT, Kind.ASSIST_ONLY, Kind.BOT_ONLY, Kind.ADVERT, Kind.COLLEAGUE)
    count = np.where(chats.kind == Kind.TRANSFER, (count + 2).clip(3, 5), count)
    count = np.where(np.isin(chats.kind, single), 1, count)
    return np.where(np.isin(chats.kind, (Kind.OUTREACH, Kind.PHRASE_ONLY)), 0, count)


def _questions(rng: np.random.Generator, chats: Chats, count: np.ndarray, switch: np.ndarray) -> Turns:
    chat = np.repeat(np.arange(len(chats)), count)
    n = len(chat)
    number = np.arange(n) - np.repeat(np.cumsum(count) - count, count)
    kind, last = chats.kind[chat], number == count[chat] - 1
    questions = 1 + np.searchsorted([0.72, 0.93], rng.random(n))
    questions[(kind == Kind.ASSIST) | (kind == Kind.ADVERT) | (kind == Kind.COLLEAGUE)] = 1
    step1 = rng.integers(2, 16, n)
    step1[rng.random(n) < 0.01] = 0  # the same line twice within a second
    nudge = last & (kind == Kind.NUDGE)
    questions[nudge], step1[nudge] = 2, rng.integers(1860, 4000, nudge.sum())
    agent = np.where(number < switch[chat], chats.agent[chat], chats.agent2[chat])
    blank = {f: np.full(n, NEVER) for f in ("wait", "replies", "step_reply", "assist", "passed", "recalled", "code")}
    return Turns(
        chat=chat,
        number=number,
        last=last,
        agent=agent,
        start=np.zeros(n, dtype=np.int64),
        questions=questions,
        step1=step1,
        step2=rng.integers(2, 16, n),
        phrase=np.zeros(n, dtype=bool),
        **blank,
    )


def _answers(rng: np.random.Generator, world: World, chats: Chats, turns: Turns, switch: np.ndarray) -> None:
    """Fill waits: log-normal around what agent, month and hour give; what is special about the chat on top."""
    n, kind, asked = len(turns.chat), chats.kind[turns.chat], turns.last_question
    wait = _drawn_waits(rng, world, chats, turns)
    hands = np.isin(kind, (Kind.TRANSFER, Kind.HANDOVER))
    wait = np.where(hands, wait.clip(None, 500), wait)
    first, assisted = turns.number == 0, (kind == Kind.ASSIST) | (kind == Kind.ASSIST_ONLY)
    turns.assist = np.where(first & assisted, asked + rng.integers(1, 4, n), NEVER)
    wait = np.maximum(wait, np.maximum(asked + 1, turns.assist + 2))
    at_once = (turns.questions == 1) & (rng.random(n) < 0.004) & (turns.assist < 0) & ~hands
    wait[at_once] = 0
    nudge = turns.last & (kind == Kind.NUDGE)
    wait[nudge] = asked[nudge] + rng.integers(20, 400, nudge.sum())
    open_switch = (kind == Kind.TRANSFER) & (turns.number == switch[turns.chat]) & (rng.random(n) < 0.6)
    turns.passed = np.where(open_switch, asked + rng.integers(3, 90, n), NEVER)
    turns.passed = np.where(first & (kind == Kind.HANDOVER), asked + rng.integers(2, 40, n), turns.passed)
    plain = (turns.passed < 0) & (turns.assist < 0)
    turns.recalled = np.where(plain & (wait > asked + 6) & (rng.random(n) < 0.006), asked + (wait - asked) // 2, NEVER)
    never = np.isin(kind, (Kind.ASSIST_ONLY, Kind.BOT_ONLY, Kind.ADVERT)) | (turns.last & (kind == Kind.UNANSWERED))
    turns.wait = np.where(never, NEVER, np.maximum(turns.passed, 0) + wait)
    turns.recalled[never] = NEVER
    turns.replies, turns.step_reply = 1 + (rng.random(n) < 0.25), rng.integers(3, 10, n)
    codes = np.isin(kind, (Kind.NORMAL, Kind.HANDOVER, Kind.ASSIST, Kind.AGENT_STARTED, Kind.NUDGE))
    turns.code = np.where(turns.last & codes & (rng.random(n) < 0.62), rng.integers(5, 21, n), NEVER)


def _drawn_waits(rng: np.random.Generator, world: World, chats: Chats, turns: Turns) -> np.ndarray:
    day, hour = chats.day[turns.chat], chats.second[turns.chat] // 3600
    slow = (hour >= SLOW_HOURS[0]) & (hour < SLOW_HOURS[1])
    rush = 0.03 * (world.volume[day] - 1).clip(0, 3)
    rate = world.rate[world.month_of[day], turns.agent] - SLOW_POINTS * slow - rush
    middle = np.log(30) - SPREAD * ndtri(rate.clip(0.3, 0.97))
    return np.exp(middle + SPREAD * rng.standard_normal(len(day))).clip(1, LONGEST_WAIT).astype(np.int64)


def _night(rng: np.random.Generator, world: World, chats: Chats, turns: Turns) -> None:
    """Answers of the next morning: by the person asked, if still there and if that day is of the same month."""
    rows = np.flatnonzero(chats.kind[turns.chat] == Kind.NIGHT)
    chat = turns.chat[rows]
    evening, day = chats.second[chat] > DAY // 2, chats.day[chat]
    morning = day + evening
    inside = morning.clip(0, world.days - 1)
    wakes = (rng.random(len(rows)) < 0.6) & (morning < world.days) & world.employed()[inside, turns.agent[rows]]
    wakes &= (world.month_of[inside] == world.month_of[day]) & (morning != world.missing)
    reply = evening * DAY + OPEN_S + 60 + rng.exponential(900, len(rows)).clip(0, 7200).astype(np.int64)
    turns.wait[rows] = np.where(wakes, reply - chats.second[chat], NEVER)
    turns.replies[rows], turns.recalled[rows], turns.code[rows] = 1, NEVER, NEVER


def _lay_out(rng: np.random.Generator, chats: Chats, turns: Turns, count: np.ndarray) -> np.ndarray:
    """Fill the turns' starts from the chat's beginning; returns how long each chat takes."""
    n = len(turns.chat)
    gap = 8 + rng.exponential(70, n).clip(0, LONGEST_GAP).astype(np.int64)
    gap = np.where(chats.kind[turns.chat] == Kind.TRANSFER, gap.clip(0, 300), gap)
    lead = np.where(chats.kind[turns.chat] == Kind.AGENT_STARTED, rng.integers(60, 600, n), 0)
    before = np.where(turns.number > 0, gap, lead)
    reach = np.cumsum(before + turns.end)
    base = np.concatenate([[0], reach])[np.cumsum(count) - count]
    turns.start = reach - turns.end - base[turns.chat]
    whole = np.concatenate([[0], reach])[np.cumsum(count)] - base
    return np.where(count > 0, whole, 0)


def _thanks(rng: np.random.Generator, chats: Chats, turns: Turns, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Seconds after the last turn at which the buyer says thanks, and seconds until an agent answers that."""
    n = len(chats)
    says = np.isin(chats.kind, ANSWERED) & chats.open_end & (rng.random(n) < 0.25)
    thanks = np.where(says, rng.integers(20, 120, n), NEVER)
    welcome = np.where(says & (rng.random(n) < 0.4), rng.integers(3, 40, n), NEVER)
    alone = chats.kind == Kind.PHRASE_ONLY
    return np.where(alone, 0, thanks), welcome


def _place(rng: np.random.Generator, chats: Chats, length: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """When each chat begins, so that it ends before midnight, and whether a second chat still fits into its day."""
    room = DAY - length - 600
    second = np.where(chats.kind == Kind.NIGHT, chats.second, np.minimum(chats.second, room))
    again = np.flatnonzero(chats.first != np.arange(len(chats)))
    earlier = chats.first[again]
    wanted = second[earlier] + length[earlier] + rng.integers(3600, 14_000, len(again))
    second[again] = np.minimum(wanted, room[again])
    alive = np.ones(len(chats), dtype=bool)
    alive[again] = second[again] >= second[earlier] + length[earlier] + 3600
    return chats.day * DAY + second, alive
