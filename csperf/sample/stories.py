"""What each buyer does: chats and orders, days apart unless an interaction is planned.

A story is one buyer: a question before buying, perhaps a second one the same day, an order, a chat about it after at
least four days, a repurchase after a month. So who asked, who sold and what counts as an inquiry is known.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from .world import CLOSE_S, HOURS, OPEN_S, WAREHOUSE, World, cover


class Kind(IntEnum):
    """What is special about a chat."""

    NORMAL = 0
    UNANSWERED = 1  # its last question is never answered
    TRANSFER = 2
    HANDOVER = 3  # a bot first, then a person
    BOT_ONLY = 4
    ASSIST = 5  # an assisting bot answers before the person does
    ASSIST_ONLY = 6
    AGENT_STARTED = 7
    OUTREACH = 8  # an agent wrote, nobody asked
    NIGHT = 9  # asked while the shop is closed, answered next morning or never
    PHRASE_ONLY = 10  # nothing but thanks
    ADVERT = 11
    COLLEAGUE = 12
    NUDGE = 13  # the buyer asks again after half an hour of waiting


ANSWERED = (Kind.NORMAL, Kind.TRANSFER, Kind.HANDOVER, Kind.ASSIST, Kind.AGENT_STARTED, Kind.NUDGE)
UNTEXTABLE = (Kind.ASSIST, Kind.ASSIST_ONLY)  # what copied text cannot tell from a person's own line
SOLD = {
    Kind.NORMAL: 0.8,
    Kind.TRANSFER: 0.04,
    Kind.HANDOVER: 0.06,
    Kind.ASSIST: 0.05,
    Kind.AGENT_STARTED: 0.03,
    Kind.NUDGE: 0.02,
}
ASKED = SOLD | {
    Kind.NORMAL: 0.66, Kind.UNANSWERED: 0.07, Kind.BOT_ONLY: 0.05, Kind.ASSIST_ONLY: 0.01, Kind.OUTREACH: 0.02,
}  # fmt: skip
# Who comes back writes first: an agent's own message would be the late reply to what was left unanswered last time.
BACK: dict[Kind, float] = {kind: share for kind, share in SOLD.items() if kind != Kind.AGENT_STARTED}
SERVED = {Kind.NORMAL: 0.82, Kind.UNANSWERED: 0.05, Kind.TRANSFER: 0.05, Kind.HANDOVER: 0.03, Kind.PHRASE_ONLY: 0.05}
ADVERTISERS, CHATS_PER_STORY = 12, 1.093
LISTED = tuple(f"推广小号{n:02d}" for n in range(1, ADVERTISERS + 1))
NO_ORDER, PAID, UNPAID, LATE, SILENT, BEFORE = range(
    6
)  # what comes of a story; LATE: bought more than a day after the chat


@dataclass
class Chats:
    """One row per chat, in the order of the stories; `first` is the row of the buyer's first chat that day."""

    story: np.ndarray
    day: np.ndarray
    second: np.ndarray
    kind: np.ndarray
    presale: np.ndarray
    first: np.ndarray
    inquiry: np.ndarray
    open_end: np.ndarray  # may end with thanks that nobody answers
    free: np.ndarray  # no order hangs on it: it may come at night
    agent: np.ndarray
    agent2: np.ndarray

    def __len__(self) -> int:
        return len(self.story)

    def take(self, rows: np.ndarray) -> Chats:
        return Chats(**{name: column[rows] for name, column in vars(self).items()})


@dataclass
class Plot:
    """One row per buyer: what comes of it, and the rows of its chats (-1 none)."""

    outcome: np.ndarray
    day: np.ndarray
    ask: np.ndarray
    again: np.ndarray
    service: np.ndarray
    return_: np.ndarray


def tell(rng: np.random.Generator, world: World, chats: int) -> tuple[Plot, Chats]:
    """About `chats` chats and the buyers behind them."""
    n = max(20, int(chats / CHATS_PER_STORY))
    weight = np.cumsum(world.volume / world.volume.sum())
    day = np.searchsorted(weight, rng.random(n)).clip(0, world.days - 1)
    outcome = rng.choice(6, n, p=[0.50, 0.26, 0.05, 0.03, 0.14, 0.02])
    asks = outcome < SILENT
    again = asks & (rng.random(n) < 0.04)
    service_day = np.where(outcome == BEFORE, day, day + rng.integers(4, 19, n))
    serves = (outcome == BEFORE) | (np.isin(outcome, (PAID, LATE, SILENT)) & (rng.random(n) < 0.28))
    return_day = day + rng.integers(40, 120, n)
    returns = (outcome == PAID) & (rng.random(n) < 0.15)
    serves, returns = serves & (service_day < world.days), returns & (return_day < world.days)
    parts = [
        _asked(rng, asks, day, outcome, again),
        _again(again, day),
        _served(rng, serves, service_day, outcome),
        _returned(rng, returns, return_day),
    ]
    extra = _strangers(rng, world, n)
    rows = _number([asks, again, serves, returns])
    table = _stack([*parts, *extra])
    table.first = np.arange(len(table))
    table.first[rows[1][again]] = rows[0][again]
    table.kind = _sayable(world, table)
    table.second = _seconds(rng, table)
    _staff(rng, world, table)
    return Plot(outcome, day, rows[0], rows[1], rows[2], rows[3]), table


def _number(masks: list[np.ndarray]) -> list[np.ndarray]:
    """For each mask, the row its members get when the parts are stacked in order; -1 for the others."""
    offsets = np.cumsum([0, *(m.sum() for m in masks)])
    return [np.where(m, np.cumsum(m) - 1 + o, -1) for m, o in zip(masks, offsets, strict=False)]


def _pick(rng: np.random.Generator, n: int, odds: dict[Kind, float]) -> np.ndarray:
    share = np.array(list(odds.values()))
    return rng.choice(np.array(list(odds), dtype=np.int8), n, p=share / share.sum())


def _part(story, day, kind, *, presale=False, inquiry=False, open_end=True, free=False) -> dict[str, np.ndarray]:
    flags = {"presale": presale, "inquiry": inquiry, "open_end": open_end, "free": free}
    return {"story": story, "day": day, "kind": kind} | {k: np.broadcast_to(v, len(story)) for k, v in flags.items()}


def _asked(rng, asks, day, outcome, again) -> dict[str, np.ndarray]:
    story = np.flatnonzero(asks)
    sold = (outcome != NO_ORDER) | again
    kind = np.where(sold, _pick(rng, len(asks), SOLD), _pick(rng, len(asks), ASKED))
    return _part(story, day[story], kind[story], presale=True, inquiry=True, open_end=~again[story], free=~sold[story])


def _again(again, day) -> dict[str, np.ndarray]:
    story = np.flatnonzero(again)
    return _part(story, day[story], np.full(len(story), Kind.NORMAL, dtype=np.int8), presale=True, inquiry=True)


def _served(rng, serves, day, outcome) -> dict[str, np.ndarray]:
    story = np.flatnonzero(serves)
    kind = np.where(outcome[story] == BEFORE, Kind.NORMAL, _pick(rng, len(story), SERVED))
    return _part(story, day[story], kind, free=outcome[story] != BEFORE)


def _returned(rng, returns, day) -> dict[str, np.ndarray]:
    story = np.flatnonzero(returns)
    return _part(story, day[story], _pick(rng, len(story), BACK), presale=True, inquiry=True)


def _strangers(rng, world: World, n: int) -> list[dict[str, np.ndarray]]:
    """Adverts of a dozen listed buyers, each at most every fifth day, and colleagues' chats; stories from n on."""
    slot = np.arange(0, world.days - 4, 5)
    day = (slot[:, None] + np.zeros(ADVERTISERS, dtype=int)).ravel()
    story = np.tile(n + np.arange(ADVERTISERS), len(slot))
    sent = rng.random(len(day)) < 0.4
    kind = np.full(sent.sum(), Kind.ADVERT, dtype=np.int8)
    adverts = _part(story[sent], day[sent], kind, presale=True, inquiry=True, free=True)
    days = np.flatnonzero((rng.random(world.days) < 0.3) & ~text_month(world.month_of))
    warehouse = np.full(len(days), n + ADVERTISERS)
    return [adverts, _part(warehouse, days, np.full(len(days), Kind.COLLEAGUE, dtype=np.int8))]


def _stack(parts: list[dict[str, np.ndarray]]) -> Chats:
    columns = {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}
    blank = {name: np.zeros(len(columns["story"]), dtype=np.int64) for name in ("second", "first", "agent", "agent2")}
    return Chats(**columns, **blank)


def text_month(month: np.ndarray) -> np.ndarray:
    """True for the months exported as copied chat text (every fourth, from the second on)."""
    return month % 4 == 1


def _sayable(world: World, chats: Chats) -> np.ndarray:
    """Kinds, with those that copied text cannot say made normal in the months that are exported as text."""
    unsaid = np.isin(chats.kind, UNTEXTABLE) & text_month(world.month_of[chats.day])
    return np.where(unsaid, Kind.NORMAL, chats.kind).astype(np.int8)


def _clock(rng: np.random.Generator, n: int, hours: np.ndarray) -> np.ndarray:
    weight = np.cumsum(hours / hours.sum())
    return np.searchsorted(weight, rng.random(n)).clip(0, 23) * 3600 + rng.integers(0, 3600, n)


def _seconds(rng: np.random.Generator, chats: Chats) -> np.ndarray:
    """The second of the day each chat starts; chats that matter for orders or change hands start in hours."""
    n, hour = len(chats), np.arange(24)
    any_time, in_hours = _clock(rng, n, HOURS), _clock(rng, n, np.where((hour >= 9) & (hour < 20), HOURS, 0))
    free = chats.free & np.isin(
        chats.kind, (Kind.NORMAL, Kind.UNANSWERED, Kind.BOT_ONLY, Kind.ADVERT, Kind.PHRASE_ONLY)
    )
    second = np.where(free, any_time, in_hours)
    again = np.flatnonzero(chats.first != np.arange(n))
    second[chats.first[again]] = 9 * 3600 + rng.integers(0, 6 * 3600, len(again))
    second[again] = second[chats.first[again]] + 2 * 3600
    dark = (second < OPEN_S) | (second >= CLOSE_S)
    lingering = (second >= CLOSE_S) & (second < CLOSE_S + 1500) & (rng.random(n) < 0.5)
    asleep = dark & ~lingering & np.isin(chats.kind, (Kind.NORMAL, Kind.UNANSWERED))
    chats.kind = np.where(asleep, Kind.NIGHT, chats.kind).astype(np.int8)
    return second


def _staff(rng: np.random.Generator, world: World, chats: Chats) -> None:
    """Fill who takes each chat, and who takes it over; one in fifty lands with the wrong team."""
    wrong = rng.random(len(chats)) < 0.02
    for presale, roles in ((True, ("pre", "mixed")), (False, ("after", "mixed"))):
        rows = np.flatnonzero((chats.presale ^ wrong) == presale)
        slots = cover(world, roles)
        chats.agent[rows] = _draw(rng, slots, chats, rows)
        chats.agent2[rows] = _draw(rng, slots, chats, rows)
    same = chats.agent == chats.agent2
    chats.kind[same & (chats.kind == Kind.TRANSFER)] = Kind.NORMAL


def _draw(rng: np.random.Generator, slots: np.ndarray, chats: Chats, rows: np.ndarray) -> np.ndarray:
    found = np.empty(len(rows), dtype=np.int64)
    for piece in np.array_split(np.arange(len(rows)), max(1, len(rows) // 100_000)):
        odds = slots[chats.day[rows[piece]], chats.second[rows[piece]] // 1800]
        found[piece] = (odds <= rng.random((len(piece), 1)) * odds[:, -1:]).sum(1)
    return found.clip(0, slots.shape[2] - 1)


def names(plot: Plot) -> list[str]:
    """What each story's buyer is called: Taobao-like nicks, then the advertisers, then the warehouse."""
    patterns = ("tb{:07d}", "月光{:06d}", "小鱼爱吃糖{:06d}", "花开{:06d}")
    buyers = [patterns[n % 4].format(n) for n in range(len(plot.outcome))]
    return [*buyers, *LISTED, WAREHOUSE]
