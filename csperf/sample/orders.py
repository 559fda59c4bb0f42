"""What buyers order, pay, send back; who sold it is known from the chats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .script import NEVER, Script
from .stories import BEFORE, LATE, PAID, SILENT, UNPAID, Kind, Plot
from .world import DAY, World

NOBODY = -1


@dataclass
class Orders:
    """One row per order; times in seconds of the sample, NEVER where it did not happen."""

    story: np.ndarray
    chat: np.ndarray  # the buyer's first chat of the day of the inquiry; NEVER
    created: np.ndarray
    paid: np.ndarray
    finished: np.ndarray
    closed: np.ndarray
    amount: np.ndarray
    quantity: np.ndarray
    seller: np.ndarray  # row of the agent credited; NOBODY
    before: np.ndarray  # paid the same day, before the question
    refund_asked: np.ndarray
    refund_done: np.ndarray
    refund_paid: np.ndarray

    def __len__(self) -> int:
        return len(self.story)

    def take(self, rows: np.ndarray) -> Orders:
        return Orders(**{name: column[rows] for name, column in vars(self).items()})

    @property
    def refunded(self) -> np.ndarray:
        return self.refund_paid & (self.refund_done >= 0)


def order(rng: np.random.Generator, world: World, plot: Plot, script: Script) -> Orders:
    """The orders created within the sample, by time; what would be paid or refunded later is not yet."""
    parts = [_after_chat(rng, plot, script), _silent(rng, plot, script), _returned(rng, plot, script)]
    story, chat, created, outcome, seller = (np.concatenate(c) for c in zip(*parts, strict=True))
    twice = np.flatnonzero((outcome == PAID) & (rng.random(len(story)) < 0.06))
    story, chat, outcome, seller = (np.concatenate([c, c[twice]]) for c in (story, chat, outcome, seller))
    created = np.concatenate([created, created[twice] + rng.integers(60, 400, len(twice))])
    inside = np.flatnonzero(created < world.days * DAY)
    inside = inside[np.argsort(created[inside], kind="stable")]
    return _fates(rng, world.days * DAY, story[inside], chat[inside], created[inside], outcome[inside], seller[inside])


def _after_chat(rng, plot: Plot, script: Script):
    story = np.flatnonzero(np.isin(plot.outcome, (PAID, UNPAID, LATE)))
    ask, again = plot.ask[story], plot.again[story]
    again = np.where((again >= 0) & script.alive[again], again, NEVER)
    last = np.where(again >= 0, again, ask)
    soon = 20 + rng.exponential(3000, len(story)).clip(0, 12 * 3600).astype(int)
    much_later = 26 * 3600 + rng.integers(0, 30 * 3600, len(story))
    late = plot.outcome[story] == LATE
    created = script.end[last] + np.where(late, much_later, soon)
    seller = np.where(late, NOBODY, _seller(script, [again, ask]))
    return story, np.where(late | ~script.seen[ask], NEVER, ask), created, plot.outcome[story], seller


def _silent(rng, plot: Plot, script: Script):
    story = np.flatnonzero(np.isin(plot.outcome, (SILENT, BEFORE)))
    before = plot.outcome[story] == BEFORE
    created = plot.day[story] * DAY + 9 * 3600 + rng.integers(0, 13 * 3600, len(story))
    service = plot.service[story]
    hours_before = script.began[service] - rng.integers(3600, 7200, len(story))
    created = np.where(before, hours_before, created)
    chat = np.where(before & script.seen[service], service, NEVER)
    return story, chat, created, plot.outcome[story], np.full(len(story), NOBODY)


def _returned(rng, plot: Plot, script: Script):
    story = np.flatnonzero(plot.return_ >= 0)
    chat = plot.return_[story]
    created = script.end[chat] + 20 + rng.exponential(3000, len(story)).clip(0, 12 * 3600).astype(int)
    seen = np.where(script.seen[chat], chat, NEVER)
    return story, seen, created, np.full(len(story), PAID), _seller(script, [chat])


def _seller(script: Script, chats: list[np.ndarray]) -> np.ndarray:
    """Who wrote last before the order, after-sale people passed over."""
    seller = np.full(len(chats[0]), NOBODY)
    for chat in reversed(chats):
        seen = (chat >= 0) & script.seen[chat]
        moved = script.chats.kind[chat] == Kind.TRANSFER
        for writer, wrote in ((script.chats.agent[chat], seen), (script.chats.agent2[chat], seen & moved)):
            seller = np.where(wrote & script.sells[writer], writer, seller)
    return seller


def _fates(rng, now: int, story, chat, created, outcome, seller) -> Orders:
    n, never = len(story), np.full(len(story), NEVER)
    paid = np.where(outcome == UNPAID, NEVER, created + 5 + rng.exponential(300, n).clip(0, 3 * 3600).astype(int))
    paid = np.where(paid < now, paid, NEVER)
    given_up = created + rng.integers(DAY, 3 * DAY, n)
    finished = paid + rng.integers(5 * DAY, 9 * DAY, n)
    quantity = 1 + rng.poisson(0.4, n)
    amount = quantity * (np.exp(rng.normal(4.6, 0.5, n)) * 100).astype(np.int64)
    u = rng.random(n)
    back = np.where(u < 0.07, rng.integers(DAY, 8 * DAY, n), rng.integers(20 * DAY, 30 * DAY, n))
    asked = np.where((paid >= 0) & (u < 0.08), paid + back, NEVER)
    asked = np.where(asked < now, asked, NEVER)
    done = np.where((asked >= 0) & (rng.random(n) < 0.95), asked + rng.integers(3600, 3 * DAY, n), NEVER)
    done = np.where(done < now, done, NEVER)
    granted = rng.random(n) < 0.85
    kept = (paid >= 0) & (finished < now) & ~((done >= 0) & granted)
    closed = np.where((paid < 0) & (outcome == UNPAID) & (given_up < now), given_up, NEVER)
    closed = np.where((done >= 0) & granted, done, closed)
    return Orders(
        story=story, chat=chat, created=created, paid=paid, finished=np.where(kept, finished, never), closed=closed,
        amount=amount, quantity=quantity, seller=np.where(chat >= 0, seller, NOBODY), before=outcome == BEFORE,
        refund_asked=asked, refund_done=done, refund_paid=granted,
    )  # fmt: skip
