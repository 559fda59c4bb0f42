"""The books kept while the script is written: who owed an answer from when, and when it came, under each set of rules.

Nothing here looks at messages, and nothing of csperf's own counting is used: each way a chat can go is entered once,
with the sets and the scopes for which it stands (CONTRACT section 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .script import NEVER, Script, Turns
from .stories import Kind
from .world import DAY

SHOP, PDD, TAOBAO, MANUAL = 1, 2, 4, 8
SETS = {"shop": SHOP, "pdd": PDD, "taobao": TAOBAO, "manual2010": MANUAL}
ALL = SHOP | PDD | TAOBAO | MANUAL
FOR_SHOP, FOR_AGENT, FOR_BOTH = 1, 2, 3
GRACE_S = 30


@dataclass
class Entries:
    """One row per turn as one scope sees it; times in seconds of the sample, `wait` from `start`, NEVER unanswered."""

    chat: np.ndarray
    agent: np.ndarray
    scope: np.ndarray
    sets: np.ndarray
    start: np.ndarray
    wait: np.ndarray
    began: np.ndarray  # what the session's duration starts from
    end: np.ndarray
    counts: np.ndarray  # false: it only makes the session longer
    questions: np.ndarray
    step1: np.ndarray
    step2: np.ndarray

    def take(self, rows: np.ndarray) -> Entries:
        return Entries(**{name: column[rows] for name, column in vars(self).items()})

    def each_question(self) -> Entries:
        """One row per question instead, each with its own time and wait; handed-over ones all wait from `start`."""
        row = np.repeat(np.arange(len(self.chat)), self.questions)
        place = np.arange(len(row)) - np.repeat(np.cumsum(self.questions) - self.questions, self.questions)
        later = np.where(place > 0, self.step1[row], 0) + np.where(place > 1, self.step2[row], 0)
        rows = self.take(row)
        rows.start = rows.start + later
        rows.wait = np.where(rows.wait >= 0, rows.wait - later, NEVER)
        return rows


def enter(script: Script, chats: np.ndarray) -> Entries:
    """The entries of the chats marked in `chats`; chats with bots alone and with colleagues have none."""
    kind = script.chats.kind[script.turns.chat]
    booked = ~np.isin(kind, (Kind.BOT_ONLY, Kind.COLLEAGUE))
    turns = script.turns.take(np.flatnonzero(chats[script.turns.chat] & booked))
    book = _Book(script, turns)
    kind = script.chats.kind[turns.chat]
    overnight = (kind == Kind.NIGHT) & ((turns.start + turns.wait) // DAY > turns.start // DAY)
    special = turns.phrase | (kind == Kind.ADVERT) | overnight | (turns.passed >= 0) | (turns.assist >= 0)
    book.add(~special)
    book.add(kind == Kind.ADVERT, sets=PDD | MANUAL)
    book.add(overnight, sets=SHOP | PDD | MANUAL)
    book.add(overnight, sets=TAOBAO, wait=NEVER)  # its day ends at midnight
    book.add(turns.assist >= 0, sets=SHOP | PDD | MANUAL)
    book.add(turns.assist >= 0, sets=TAOBAO, wait=turns.assist)
    book.add(turns.phrase, sets=PDD | TAOBAO | MANUAL)
    book.add(turns.phrase & (turns.wait >= 0), sets=SHOP, counts=False)
    _handed_over(book, script, turns, kind)
    return book.entries()


def _handed_over(book: _Book, script: Script, turns: Turns, kind: np.ndarray) -> None:
    """A turn passed on while open: uncut for the shop, cut for the two people; a bot has no rows of its own."""
    passed, giver = turns.passed >= 0, script.chats.agent[turns.chat]
    robot, person = passed & (kind == Kind.HANDOVER), passed & (kind == Kind.TRANSFER)
    young = turns.passed < GRACE_S
    book.add(passed, scope=FOR_SHOP)
    book.add(robot, scope=FOR_AGENT, moved=True)
    book.add(person, scope=FOR_AGENT, sets=SHOP | PDD | MANUAL, moved=True)
    book.add(person & ~young, scope=FOR_AGENT, wait=NEVER, agent=giver)
    book.add(person & young, scope=FOR_AGENT, sets=TAOBAO, wait=NEVER, agent=giver)
    book.add(person & young, scope=FOR_AGENT, sets=SHOP | PDD | MANUAL, wait=NEVER, agent=giver, counts=False)


class _Book:
    """Collects entries from turns."""

    def __init__(self, script: Script, turns: Turns) -> None:
        self.script, self.turns = script, turns
        self.rows: list[Entries] = []
        self.began = turns.start.copy()
        started = (script.chats.kind[turns.chat] == Kind.AGENT_STARTED) & (turns.number == 0)
        self.began[started] = script.began[turns.chat[started]]
        # The receiver of an open turn may owe nothing for it (taobao): then the chat begins with the answer given.
        after = np.flatnonzero(_follows_open(script, turns))
        self.began[after] = turns.start[after - 1] + turns.wait[after - 1]

    def add(self, mask, *, scope=FOR_BOTH, sets=ALL, wait=None, agent=None, moved=False, counts=True) -> None:
        """Enter the turns of `mask`; `moved`: all their clocks start at the hand-over."""
        row, t = np.flatnonzero(mask), self.turns
        waits = np.broadcast_to(t.wait if wait is None else wait, len(t.chat))[row]
        shift = t.passed[row] if moved else np.zeros(len(row), dtype=int)
        silent = t.start[row] + t.last_question[row]
        ends = np.where(
            t.wait[row] >= 0, t.start[row] + t.end[row], t.start[row] + np.maximum(waits, t.last_question[row])
        )
        steps = [np.zeros(len(row), dtype=int) if moved else s[row] for s in (t.step1, t.step2)]
        self.rows.append(Entries(
            chat=t.chat[row], agent=(t.agent if agent is None else agent)[row], scope=np.full(len(row), scope),
            sets=np.full(len(row), sets), start=t.start[row] + shift, wait=np.where(waits >= 0, waits - shift, NEVER),
            began=self.began[row] + shift, end=np.where(waits >= 0, ends, silent), counts=np.full(len(row), counts),
            questions=t.questions[row], step1=steps[0], step2=steps[1],
        ))  # fmt: skip

    def entries(self) -> Entries:
        """All rows, by chat and time."""
        whole = Entries(*(np.concatenate([getattr(r, n) for r in self.rows]) for n in Entries.__dataclass_fields__))
        return whole.take(np.lexsort((whole.start, whole.chat)))


def _follows_open(script: Script, turns: Turns) -> np.ndarray:
    """True for the turn that follows one passed on between people while open."""
    follows = np.zeros(len(turns.chat), dtype=bool)
    passed = (turns.passed[:-1] >= 0) & (script.chats.kind[turns.chat[:-1]] == Kind.TRANSFER)
    follows[1:] = passed & (turns.chat[1:] == turns.chat[:-1]) & ~turns.phrase[1:]
    return follows
