"""Chats whose last question nobody has answered: they lie still until their buyer is heard of again.

A late reply belongs to what it answers, whenever it comes, so that such chats stay open for ever; in a year there are
more of them than a chunk has messages. Only a chunk with a message of their buyer looks at them. They lie in files that
the entries of chunks hand on as they are, beside files that tell who has been woken since.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ibis.backends import BaseBackend

from ..chunks import ALL, Lane
from ..kept import digest, files_of, in_bytes, link

ASLEEP, WOKEN = "asleep", "woken"
WHO = ["shop_id", "buyer_id"]
CHAT = [*WHO, "slept"]


@dataclass(frozen=True)
class Sleepers:
    """Files of chats. `asleep`: marked messages, and `slept`, the last day of the chunk in which they fell asleep;
    named by that and by the day of the first message. `woken`: CHAT of those that sleep no more.
    """

    asleep: tuple[Path, ...]
    woken: tuple[Path, ...]
    lane: Lane = ALL  # of the files' chats those of these buyers

    @classmethod
    def of(cls, entries: Iterable[Path], lane: Lane = ALL) -> Sleepers:
        """What sleeps in the entries, as far as it belongs to a lane."""
        entries = list(entries)
        asleep, woken = (tuple(file for entry in entries for file in files_of(entry, name)) for name in (ASLEEP, WOKEN))
        return cls(asleep, woken, lane)

    @property
    def names(self) -> list[str]:
        """What tells them from others."""
        return [file.name for file in (*self.asleep, *self.woken)]

    @property
    def most(self) -> int:
        """How many messages may sleep."""
        return sum(map(_messages, self.asleep))

    @property
    def first_days(self) -> list[dt.date]:
        """The day of the first message in each file."""
        return [dt.date.fromisoformat(file.name.split(".")[2]) for file in self.asleep]

    @property
    def last_day(self) -> dt.date:
        """The latest day of a message."""
        return max(map(_slept, self.asleep))

    def pieces(self, most: int) -> list[Sleepers]:
        """Those that fell asleep in one month together, unless they are more messages than so many."""
        found: list[list[Path]] = []
        for file in sorted(self.asleep, key=lambda file: file.name):
            together = found and _slept(found[-1][0]).replace(day=1) == _slept(file).replace(day=1)
            if not together or sum(map(_messages, [*found[-1], file])) > most:
                found.append([])
            found[-1].append(file)
        return [replace(self, asleep=tuple(files)) for files in found]

    def rows(self, con: BaseBackend) -> ir.Table:
        """Their messages, a view of `con`."""
        rows = self.lane.of(con.read_parquet(list(map(str, self.asleep))))
        return rows.anti_join(con.read_parquet(list(map(str, self.woken))), CHAT) if self.woken else rows

    def woken_of_these(self) -> bytes:
        """Which of the chats have been woken."""
        slept = pa.array(set(map(_slept, self.asleep)))
        told = [pq.read_table(file, filters=pc.field("slept").isin(slept)) for file in self.woken]
        return in_bytes(pa.concat_tables(told).sort_by([(name, "ascending") for name in CHAT])) if told else b""

    def hand_on(self, asleep: ir.Table, woken: ir.Table, folder: Path) -> None:
        """Brings what sleeps on, of all these (`asleep`) but the `woken`, into the folder of an entry."""
        if self.lane != ALL:  # others have the rest of each file
            lay(asleep.anti_join(woken, CHAT).to_pyarrow(), folder)
            return
        for file in (*self.asleep, *self.woken):
            link(file, folder / file.name)
        told = woken.select(CHAT).distinct().order_by(CHAT).to_pyarrow()
        if told.num_rows:
            pq.write_table(told, folder / f"{WOKEN}.{digest(in_bytes(told))}.parquet")


def lay(rows: pa.Table, folder: Path) -> None:
    """Writes sleeping messages to files of the folder, those of each chunk into one."""
    for slept in rows["slept"].unique():
        own = rows.filter(pc.equal(rows["slept"], slept)).sort_by("row_id")
        name = f"{ASLEEP}.{slept}.{pc.min(own['day'])}.{digest(in_bytes(own))}.parquet"
        pq.write_table(own, folder / name, compression="zstd")


def _slept(file: Path) -> dt.date:
    return dt.date.fromisoformat(file.name.split(".")[1])


def _messages(file: Path) -> int:
    return pq.read_metadata(file).num_rows
