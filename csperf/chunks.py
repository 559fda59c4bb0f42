"""Messages in pieces that memory can hold: chunks of consecutive days, and within a chunk lanes of buyers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple, TypeVar

import ibis.expr.types as ir
from ibis.backends import BaseBackend

from .engine import EngineSettings

LANE_ROWS = {"duckdb": 300_000, "spark": 10_000_000}  # a lane has its fixed cost, Spark's is a minute's work
SMALL = 0.2  # of a full chunk: so few go on into the next month


class Chunk(NamedTuple):
    """Days in a row, and over how many lanes their buyers are spread."""

    first: dt.date
    last: dt.date
    lanes: int = 1


class Lane(NamedTuple):
    """A share of the buyers: those whose names hash to its number."""

    number: int = 0
    lanes: int = 1

    @classmethod
    def among(cls, lanes: int) -> list[Lane]:
        """All of so many."""
        return [cls(number, lanes) for number in range(lanes)]

    def of(self, rows: ir.Table, name: str = "buyer_id") -> ir.Table:
        """The rows of its buyers, or of what else they are spread by."""
        return rows.filter((rows[name].hash() % self.lanes).abs() == self.number) if self.lanes > 1 else rows


ALL = Lane()


def chunks(rows: Mapping[dt.date, int], settings: EngineSettings) -> list[Chunk]:
    """Consecutive chunks of the days in `rows` (day -> number of messages), in order.

    A chunk ends where it is full, and at the end of a month unless it is small, so that days which come later leave
    earlier chunks as they are. After a month that ended one, an empty chunk of the next day takes what is still open.
    """
    lanes = _lanes(rows, settings)
    found: list[Chunk] = []
    held = 0
    for day in sorted(rows):
        if not found or _ends_before(day, rows[day], found[-1], held, settings):
            found.append(Chunk(day, day, lanes[_month(day)]))
            held = 0
        found[-1] = found[-1]._replace(last=day)
        held += rows[day]
    tomorrow = found[-1].last + dt.timedelta(days=1) if found else None
    if tomorrow and not settings.chunk_days and _ends_before(tomorrow, 0, found[-1], held, settings):
        found.append(Chunk(tomorrow, tomorrow))
    return found


def _lanes(rows: Mapping[dt.date, int], settings: EngineSettings) -> dict[tuple[int, int], int]:
    """Over how many lanes the buyers of each month are spread: as many as its largest day needs, and two if the month
    has more messages than one takes.
    """
    held: dict[tuple[int, int], list[int]] = {}
    for day, n in rows.items():
        held.setdefault(_month(day), []).append(int(n))
    if settings.backend == "spark":  # which spreads rows over its workers itself
        return dict.fromkeys(held, 1)
    one = LANE_ROWS[settings.backend]
    return {month: max(1, -(-max(*days, min(sum(days), 2 * one)) // one)) for month, days in held.items()}


def _ends_before(day: dt.date, more: int, chunk: Chunk, held: int, settings: EngineSettings) -> bool:
    """Whether a chunk with so many messages ends before the day with `more`."""
    if settings.chunk_days:
        return (day - chunk.first).days >= settings.chunk_days
    full = chunk.lanes * LANE_ROWS[settings.backend]
    return held + more / 2 > full or (held >= SMALL * full and day.month != chunk.last.month)


def _month(day: dt.date) -> tuple[int, int]:
    return day.year, day.month


Submit = Callable[..., Future[Any]]
Thing = TypeVar("Thing")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Workers:
    """Threads that work side by side, and how each gets a connection."""

    count: int
    open: Callable[[], AbstractContextManager[BaseBackend]]

    @classmethod
    def alone(cls, con: BaseBackend) -> Workers:
        """The caller, with a connection of its own."""
        return cls(1, partial(nullcontext, con))

    def each(self, work: Callable[[BaseBackend, Thing], Made], things: Iterable[Thing]) -> list[Made]:
        """What the work makes of each thing, in order."""
        with side_by_side(self.count) as submit:
            return [made.result() for made in [submit(self._one, work, thing) for thing in things]]

    def _one(self, work: Callable[[BaseBackend, Thing], Made], thing: Thing) -> Made:
        with self.open() as con:
            return work(con, thing)


@contextmanager
def side_by_side(workers: int) -> Iterator[Submit]:
    """What takes work, and does it in threads, of which there are `workers`; one: at once, in the caller's own.

    Work that was not begun yet when something fails is not done.
    """
    if workers == 1:
        yield _at_once
        return
    pool = ThreadPoolExecutor(workers)
    try:  # what is said is said in the caller's language
        yield lambda work, *given: pool.submit(copy_context().run, work, *given)
    finally:
        pool.shutdown(cancel_futures=True)


def _at_once(work: Callable[..., Any], *given: Any) -> Future[Any]:
    done: Future[Any] = Future()
    done.set_result(work(*given))
    return done
