"""The facts of a store under one set of counting rules: each is worked out, and kept, when it is first asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from . import aftersale, hours, purchases, registers, tickets, turns
from . import calls as phone
from .chunks import Chunk, Lane, Workers, chunks
from .definitions import Definition
from .engine import DuckDB, apart, connect, scratch
from .errors import CsperfError, Problem
from .facts import INPUT
from .kept import Kept, content, digest, files_of, parts_of, read, share, write
from .params import Params
from .store import Store
from .text import say
from .turns.days import HANDLED, active_time, with_active_time
from .turns.people import bots, people

REGISTERS = ("quality_checks", "visits", "feedback", "plans", "surveys")
# What speaks of people beside chats and calls: records of after-sale, and registers.
RECORDS = ("refunds", "complaints", "ratings", "tickets", *REGISTERS)
OF_CHATS = ("sessions", "buyer_days", "agent_days", *turns.AS_KEPT)
MORE = "more"  # what is worked out of all days, on its way to the rows of chunks
CHATS = "chats"  # the entry that holds what messages alone tell, from which later facts are made


class Derived(Mapping[str, ir.Table]):
    """Facts by name (facts.DERIVED) as views of a connection, each worked out when it is first asked for.

    What was loaded says which there are: names cost nothing.
    """

    def __init__(self, shelf: Shelf, con: BaseBackend | None = None) -> None:
        self._shelf = shelf
        self._con = con or connect(shelf.params.engine)
        self._read: dict[str, ir.Table] = {}

    def __getitem__(self, name: str) -> ir.Table:
        if name not in self:
            raise KeyError(name)
        if name not in self._read:
            self._read[name] = read(self._con, [self._shelf.folder(name)], name)
        return self._read[name]

    def __contains__(self, name: object) -> bool:
        return name in self._shelf.names

    def __iter__(self) -> Iterator[str]:
        return iter(self._shelf.names)

    def __len__(self) -> int:
        return len(self._shelf.names)


@dataclass(frozen=True)
class Shelf:
    """Where the facts of a store lie, and how those that are not there yet are worked out.

    `key` changes with all that they depend on, `seen` is the store's fingerprint of then. `since`: of messages those
    from this day on; without `orders` there are no purchases and no records, and nothing says which chats led to one.
    """

    params: Params
    definition: Definition
    store: Store
    key: str
    seen: list[tuple[str, int, int]]
    since: dt.date | None = None
    orders: bool = True

    @cached_property
    def names(self) -> list[str]:
        """The facts that what was loaded allows."""
        held = set(self.store.tables())
        found = set(OF_CHATS) if "messages" in held and (not self.since or self._chunks) else set()
        found |= {"calls", "agent_days"} if "calls" in held else set()
        if self.orders:
            found |= {"purchases"} if "sessions" in found and "orders" in held else set()
            found |= {"issues"} if {"sessions", "calls"} & found else set()
            found |= {"key_customers"} if {"visits", "orders"} <= held else set()
            found |= held & set(RECORDS)
        return sorted(found)

    def folder(self, name: str) -> Path:
        """The kept entry that holds a fact, or that of CHATS; filled first where there is none."""
        entry = self._entry_of(name)
        return self._kept.entry(digest(self.key, self.since, entry), partial(self._fill, entry))

    def _entry_of(self, name: str) -> str:
        """The entry a fact lies in: what is worked out together lies together."""
        if name in turns.AS_KEPT:
            return CHATS
        if name == "buyer_days":
            return "purchases" if "purchases" in self.names else CHATS
        return name

    @cached_property
    def _kept(self) -> Kept:
        con = connect(self.params.engine)
        engine = f"{con.name} {con.version}"
        con.disconnect()
        return Kept(self.store.root.with_name(f"{self.store.root.name}.derived"), engine)

    def _fill(self, entry: str, folder: Path) -> None:
        """Works out what belongs into an entry and writes it there."""
        if self.store.fingerprint() != self.seen:
            raise CsperfError(Problem(str(self.store.root), say("run.store_changed")))
        fill = {CHATS: self._chats, "sessions": self._sessions, "purchases": self._bought}.get(entry)
        with apart(self.params.engine) as con:
            if fill:
                fill(con, folder)
            else:
                write(con, self._made(con, entry), folder, entry)

    def _chats(self, con: BaseBackend, folder: Path) -> None:
        messages = partial(self.store.read, table="messages", first_day=self.since)
        around = turns.Around.of(con, messages(con), self.definition, self._shop)
        content = self.store.content(self._kept, "messages")
        entries = turns.worked_through(messages, around, content, self._chunks, self._kept, self._workers(con))
        for name in turns.OF_CHUNKS:
            share(entries, folder, name)

    def _workers(self, con: BaseBackend) -> Workers:
        """As many as the database has threads, for which statements of many rows wait more often than lanes do."""
        lanes = self._lanes
        if lanes == 1 or not isinstance(con, DuckDB) or con.threads == 1:
            return Workers.alone(con)
        count = min(lanes, con.threads)
        own = self.params.engine.model_copy(update={"threads": con.threads // count})
        return Workers(count, partial(con.in_this_thread, own))

    @cached_property
    def _lanes(self) -> int:
        """Over how many lanes what needs all days is spread."""
        return max(chunk.lanes for chunk in self._chunks)

    def _sessions(self, con: BaseBackend, folder: Path) -> None:
        self.folder(CHATS)  # before all workers ask for it at once
        with TemporaryDirectory(dir=folder) as passing:
            more = Path(passing)
            self._workers(con).each(partial(self._active, more), Lane.among(self._lanes))
            self._by_chunk(con, folder, "sessions", more, HANDLED, with_active_time)

    def _active(self, more: Path, con: BaseBackend, lane: Lane) -> None:
        with scratch(con) as keep:
            own = keep.view(lane.of(self._of_chunks(con)["sessions"], "account_id"), "sessions")
            write(con, active_time(keep, own).order_by(HANDLED[-1]), more, f"{MORE}.{lane.number}")

    def _bought(self, con: BaseBackend, folder: Path) -> None:
        self.folder(CHATS)  # before all workers ask for it at once
        with TemporaryDirectory(dir=folder) as passing:
            more = Path(passing)
            self._workers(con).each(partial(self._bought_by, folder, more), Lane.among(self._lanes))
            if files_of(more, MORE):
                days = ["shop_id", "buyer_id", "day"]
                self._by_chunk(con, folder, "buyer_days", more, days, purchases.with_flags)
            else:
                share([self.folder(CHATS)], folder, "buyer_days")

    def _bought_by(self, folder: Path, more: Path, con: BaseBackend, lane: Lane) -> None:
        """What the buyers of a lane bought, and what that says of their days."""
        orders, refunds = (self.store.read(con, name) for name in ("orders", "refunds"))
        with scratch(con) as keep:
            bought, flags = purchases.derive(keep, orders, refunds, self._of_chunks(con), self.definition, lane)
            bought = aftersale.with_disputes(bought, refunds) if "refunds" in self.names else bought
            write(con, bought, folder, f"purchases.{lane.number}")
            if flags is not None:
                write(con, flags.order_by("day"), more, f"{MORE}.{lane.number}")

    def _by_chunk(
        self,
        con: BaseBackend,
        folder: Path,
        name: str,
        more: Path,
        key: list[str],
        build: Callable[[ir.Table, ir.Table], ir.Table],
    ) -> None:
        """Brings a fact of the chunks with what `more` holds of its rows, beside them by `key`, into the folder."""
        work = partial(self._part, name, more, key, build)
        share(self._workers(con).each(work, parts_of(self.folder(CHATS), name).items()), folder, name)

    def _part(
        self,
        name: str,
        more: Path,
        key: list[str],
        build: Callable[[ir.Table, ir.Table], ir.Table],
        con: BaseBackend,
        part: tuple[str, list[Path]],
    ) -> Path:
        """The entry of a chunk's rows. The key ends with a time, by which these lie together.

        What a chunk says, and what is said of it, are all that its rows depend on: where both are as before, they are
        not written again.
        """
        chunk, files = part
        with scratch(con) as keep:
            rows = con.read_parquet([str(file) for file in files], table_name=f"chunk_{name}")
            told = con.read_parquet([str(file) for file in files_of(more, MORE)], table_name=f"{MORE}_{name}")
            near = told[key[-1]].between(rows[key[-1]].min().as_scalar(), rows[key[-1]].max().as_scalar())
            own = keep(told.filter(near).semi_join(rows, key), f"own_{name}")
            fill = partial(_write, con, build(rows, own), name)
            return self._kept.entry(digest(name, chunk, content(own, own.columns)), fill)

    def _of_chunks(self, con: BaseBackend) -> dict[str, ir.Table]:
        """What messages alone tell, whatever purchases or active times add to it."""
        chats = self.folder(CHATS)
        return {name: read(con, [chats], name) for name in turns.OF_CHUNKS}

    def _made(self, con: BaseBackend, name: str) -> ir.Table:
        """A fact that has an entry to itself, from the store's tables and earlier facts."""
        facts, given = Derived(self, con), partial(self.store.read, con)
        if name == "agent_days" and "sessions" in facts:  # in a shop of chats and calls the day's work is in the chats
            return turns.agent_days(con, self._of_chunks(con), self._shop)
        if name in ("calls", "agent_days"):
            return phone.derive(con, given("calls"), *turns.people_and_days(con, self._shop))[name]
        if name == "refunds":
            ordered = given("orders") if "orders" in self.store.tables() else None
            return aftersale.refunds(given(name), ordered, facts, self.definition)
        if name == "issues":
            told = given("complaints") if "complaints" in facts else None
            return aftersale.issues(con, facts, told, self.definition)
        return self._record(con, name)

    def _record(self, con: BaseBackend, name: str) -> ir.Table:
        """A fact of RECORDS, or of the key customers that they tell of."""
        who, _days = turns.people_and_days(con, self._people_of_records)
        if name in ("complaints", "ratings"):
            return getattr(aftersale, name)(self.store.read(con, name), who)
        if name == "tickets":
            return tickets.derive(con, self.store.read(con, name), who)[name]
        needed = ("visits", "orders") if name == "key_customers" else (name,)
        given = {table: self.store.read(con, table) for table in needed}
        return registers.derive(con, given, who, self.definition)[name]

    @cached_property
    def _chunks(self) -> list[Chunk]:
        rows = self.store.coverage("messages").dropna(subset="n").groupby("day")["n"].sum()
        counted = {day: n for day, n in rows.items() if self.since is None or day >= self.since}
        return chunks(counted, self.params.engine)

    @cached_property
    def _shop(self) -> turns.Shop:
        days = covered_days(self.store)
        roster, shifts, tree = (self._frame(name) for name in ("roster", "shifts", "categories"))
        leaves = set(tree["code"]) - set(tree["parent"].dropna())
        served = self._service().calendar(days[0], days[-1] + dt.timedelta(days=1)) if days else pd.DataFrame()
        return turns.Shop(
            shop_id=self.params.shop,
            calendar=served,
            people=people(dated(roster), dated(shifts), days),
            bots=bots(roster),
            internal_accounts=tuple(self.params.internal_accounts),
            listed_buyers=tuple(self.params.listed_buyers),
            codes=tuple(sorted(leaves)),
            covered_days=tuple(days),
        )

    def _frame(self, name: str) -> pd.DataFrame:
        with apart() as con:
            return self.store.read(con, name).to_pandas()

    def _service(self) -> hours.Hours:
        if self.definition.hours != "shop":
            return hours.daily(self.params.timezone, *self.definition.hours)
        return hours.plan(self.params.timezone, self.params.hours)

    @cached_property
    def _people_of_records(self) -> turns.Shop:
        """The shop with its people on all days on which a record says something too."""
        have = [name for name in (*RECORDS, "orders") if name in self.store.tables()]
        days = {day for name in have for day in self._days_of(name)} | set(self._shop.covered_days)
        roster, shifts = (dated(self._frame(name)) for name in ("roster", "shifts"))
        return replace(self._shop, people=people(roster, shifts, sorted(days)))

    def _days_of(self, name: str) -> list[dt.date]:
        """The days on which a table has rows."""
        if not INPUT[name].day_columns:
            return []
        with apart() as con:
            rows = self.store.read(con, name)
            days = rows.select(day=ibis.coalesce(*(rows[column] for column in INPUT[name].day_columns)))
            return days.distinct().drop_null().to_pyarrow()["day"].to_pylist()


def _write(con: BaseBackend, table: ir.Table, name: str, folder: Path) -> None:
    write(con, table, folder, name)


def covered_days(store: Store) -> list[dt.date]:
    """Days with any message of the shop; in a shop of calls only, with any call; else with any value or record."""
    for table in ("messages", "calls", "measured", "tickets", "complaints"):
        seen = store.coverage(table).dropna(subset="n")
        if not seen.empty:
            return sorted(set(seen["day"]))
    return []


def dated(frame: pd.DataFrame) -> pd.DataFrame:
    """Dates as dates, whatever the engine handed back."""
    names = [name for name in ("started", "ended", "valid_from", "valid_to", "day") if name in frame]
    return frame.assign(**{name: pd.to_datetime(frame[name]).dt.date for name in names})
