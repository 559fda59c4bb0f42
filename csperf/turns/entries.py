"""Chunks of messages worked through, each kept as an entry: days one after the other, lanes of buyers side by side."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ibis.backends import BaseBackend

from ..chunks import ALL, LANE_ROWS, Chunk, Lane, Workers, side_by_side
from ..engine import Scratch, expression, scratch
from ..kept import Kept, content, digest, read, write
from .around import Around
from .asleep import ASLEEP, WHO, WOKEN, Sleepers, lay
from .chunk import facts_of
from .events import mark

CARRY = "carry"  # the table of messages that are still open, and the file that says what it holds
AT_THE_END = LANE_ROWS["duckdb"]  # so many sleeping messages are worked out with the last days, more by themselves


@dataclass(frozen=True)
class Source:
    """Messages: `read` gives them as a table of a connection, `around` is what is known of them, and `content` tells
    days that hold something else apart. `open` gives a worker its connection.
    """

    read: Callable[[BaseBackend], ir.Table]
    around: Around
    content: Mapping[dt.date, str]
    open: Callable[[], AbstractContextManager[BaseBackend]]


@dataclass(frozen=True)
class Part:
    """A lane of a chunk. `end_us`: the midnight after which more messages may come; none: the data end there.

    `carries`: the entries that leave messages to it; `of_carried`: which of their buyers are its own.
    """

    chunk: Chunk
    end_us: int | None
    lane: Lane
    of_carried: Lane
    carries: tuple[Path, ...]

    @property
    def sleepers(self) -> Sleepers:
        """The chats that sleep when it begins."""
        return Sleepers.of(self.carries, self.of_carried)

    @property
    def first_day(self) -> dt.date:
        """The day of the oldest message that it may look at."""
        days = [pq.read_table(carry / f"{CARRY}.parquet", columns=["day"])["day"] for carry in self.carries]
        oldest = [pc.min(column).as_py() for column in days if len(column)]
        return min([self.chunk.first, *oldest, *self.sleepers.first_days])

    def key(self, source: Source) -> str:
        """What its facts depend on."""
        first, last, _lanes = self.chunk
        days = [source.content.get(first + dt.timedelta(days=n)) for n in range((last - first).days + 1)]
        carried = [(carry / CARRY).read_text() for carry in self.carries]
        around = source.around.said(self.first_day, last)
        return digest(*self.chunk, self.lane, self.of_carried, days, self.end_us, around, carried)


def worked_through(
    read: Callable[[BaseBackend], ir.Table],
    around: Around,
    content: Mapping[dt.date, str],
    chunks: Sequence[Chunk],
    kept: Kept,
    workers: Workers,
) -> list[Path]:
    """The kept entries of the lanes of all chunks; those that are kept already are not worked out again.

    A chunk leaves the messages of chains that later days may still change, from the start of the oldest such session of
    each buyer, and the next chunk reads them again: those of `carry` all, those asleep where their buyer is heard of.
    So any chunks and lanes give the same rows, with memory bounded by a lane for each worker and the open chains. An
    entry depends on what `content` says of its days, on what was carried into it and on what is known around it: a day
    that changes is worked out again, and the days after it until what they carry is the same as before.
    """
    entries: list[Future[Path]] = []
    before: list[Future[Path]] = []
    source = Source(read, around, content, workers.open)
    with side_by_side(workers.count) as submit:
        for number, chunk in enumerate(chunks, start=1):
            end_us = None if number == len(chunks) else around.end_us(chunk.last)
            work = partial(_entry, source, kept, chunk, end_us)
            lanes = Lane.among(chunk.lanes)
            if len(before) == chunk.lanes:  # buyers stay in their lanes
                before = [submit(work, lane, ALL, [carry]) for lane, carry in zip(lanes, before, strict=True)]
            else:
                before = [submit(work, lane, lane, before) for lane in lanes]
            entries += before
        rest = [submit(_never_woken, source, kept, entry) for entry in before]
        return [entry.result() for entry in entries] + [entry for found in rest for entry in found.result()]


def _entry(
    source: Source,
    kept: Kept,
    chunk: Chunk,
    end_us: int | None,
    lane: Lane,
    of_carried: Lane,
    before: Sequence[Future[Path]],
) -> Path:
    """The entry of a lane, once those are there that leave something to it."""
    part = Part(chunk, end_us, lane, of_carried, tuple(entry.result() for entry in before))
    return kept.entry(part.key(source), partial(_fill, source, part))


def _fill(source: Source, part: Part, folder: Path) -> None:
    """Writes the facts of a part, and what it leaves to the next chunk, to the folder."""
    first, last, _lanes = part.chunk
    with source.open() as con, scratch(con) as keep:
        messages = source.read(con)
        today = keep.view(part.lane.of(messages.filter(messages.day.between(first, last))), "days")
        rows = mark(today, source.around.definition, source.around.shop.codes, source.around.shop.bots)
        if part.carries:
            rows = _with(rows, keep.view(part.of_carried.of(read(con, part.carries, CARRY)), CARRY))
        if part.sleepers.asleep:
            rows = _with(rows, _woken(keep, part, today, folder))
        open_ = _facts(keep, keep(rows, "chunk"), source.around, part.end_us, folder)
        awake, asleep = (open_.filter(flag).drop("asleep") for flag in (~open_.asleep, open_.asleep))
        write(con, awake, folder, CARRY)
        lay(asleep.mutate(slept=ibis.literal(last)).to_pyarrow(), folder)
        (folder / CARRY).write_text(digest(content(awake, ["row_id"]), Sleepers.of([folder]).names))


def _woken(keep: Scratch, part: Part, today: ir.Table, folder: Path) -> ir.Table:
    """Sleeping messages of buyers who are heard of today; of all where the data end, if they are not too many. The
    others are handed on.
    """
    sleepers = part.sleepers
    asleep = keep.view(sleepers.rows(keep.con), ASLEEP)
    if part.end_us is None and sleepers.most <= AT_THE_END:
        return asleep.drop("slept")
    woken = keep(asleep.semi_join(today, WHO), WOKEN)
    sleepers.hand_on(asleep, woken, folder)
    return woken.drop("slept")


def _facts(keep: Scratch, rows: ir.Table, around: Around, end_us: int | None, folder: Path) -> ir.Table:
    """Writes the facts of marked messages that are settled; gives the other messages."""
    done, open_ = facts_of(keep, rows, around.tables(keep), around.shop.bots, around.definition, end_us)
    for name, table in done.items():
        write(keep.con, table, folder, name)
    return keep(rows.inner_join(open_, "row_id"))


def _never_woken(source: Source, kept: Kept, entry: Future[Path]) -> list[Path]:
    """The entries of what sleeps when the data end, piece by piece: where no buyer was heard of, it is as before."""
    found = []
    for asleep in Sleepers.of([entry.result()]).pieces(AT_THE_END):
        around = source.around.said(min(asleep.first_days), asleep.last_day)
        key = digest([file.name for file in asleep.asleep], asleep.woken_of_these(), around)
        found.append(kept.entry(key, partial(_fill_asleep, source, asleep)))
    return found


def _fill_asleep(source: Source, asleep: Sleepers, folder: Path) -> None:
    with source.open() as con, scratch(con) as keep:
        rows = keep(asleep.rows(con).drop("slept"), "chunk")
        _facts(keep, rows, source.around, None, folder)


@expression
def _with(rows: ir.Table, carried: ir.Table) -> ir.Table:
    return rows.union(carried.cast(rows.schema()))
