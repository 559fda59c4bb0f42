"""The facts of a store under one set of counting rules: each is worked out, and kept, when it is first asked for."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis.backends import BaseBackend

from . import aftersale, hours, purchases, registers, tickets, turns
from . import calls as phone
from .chunks import Chunk, chunks
from .definitions import Definition
from .engine import DuckDB, apart, beside, connect, materialise, scratch
from .errors import CsperfError, Problem
from .facts import INPUT
from .kept import Kept, content, digest, parts_of, read, share, write
from .params import Params
from .store import Store
from .text import say
from .turns.days import HANDLED, active_time, with_active_time
from .turns.people import bots, people

REGISTERS = ("quality_checks", "visits", "feedback", "plans", "surveys")
# What speaks of people beside chats and calls: records of after-sale, and registers.
RECORDS = ("refunds", "complaints", "ratings", "tickets", *REGISTERS)
OF_CHATS = ("sessions", "buyer_days", "agent_days", *turns.AS_KEPT)
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
        workers, opened = self._workers(con)
        source = turns.Source(opened, messages, around, self.store.content(self._kept, "messages"))
        entries = turns.worked_through(source, self._chunks, self._kept, workers)
        for name in turns.OF_CHUNKS:
            share(entries, folder, name)

    def _workers(self, con: BaseBackend) -> tuple[int, Callable[[], AbstractContextManager[BaseBackend]]]:
        """How many work side by side, and how each gets its connection. Threads within a statement wait for one another
        more often than lanes do.
        """
        engine, lanes = self.params.engine, max(chunk.lanes for chunk in self._chunks)
        if lanes == 1 or not isinstance(con, DuckDB) or con.threads == 1:
            return 1, partial(nullcontext, con)
        workers = min(lanes, con.threads)
        return workers, partial(beside, con, engine.model_copy(update={"threads": con.threads // workers}))

    def _sessions(self, con: BaseBackend, folder: Path) -> None:
        with scratch(con) as keep:
            active = keep(active_time(keep, self._of_chunks(con)["sessions"]))
            self._by_chunk(con, folder, "sessions", active, HANDLED, with_active_time)

    def _bought(self, con: BaseBackend, folder: Path) -> None:
        orders, refunds = (self.store.read(con, name) for name in ("orders", "refunds"))
        bought, flags = purchases.derive(con, orders, refunds, self._of_chunks(con), self.definition)
        bought = aftersale.with_disputes(bought, refunds) if "refunds" in self.names else bought
        write(con, bought, folder, "purchases")
        if flags is None:
            share([self.folder(CHATS)], folder, "buyer_days")
        else:
            days = ["shop_id", "buyer_id", "day"]
            self._by_chunk(con, folder, "buyer_days", materialise(con, flags), days, purchases.with_flags)

    def _by_chunk(
        self,
        con: BaseBackend,
        folder: Path,
        name: str,
        more: ir.Table,
        key: list[str],
        build: Callable[[ir.Table, ir.Table], ir.Table],
    ) -> None:
        """Brings a fact of the chunks with what `more` says of its rows, beside them by `key`, into the folder.

        The key ends with a time, by which the rows of a chunk lie together. What a chunk says, and what is said of it,
        are all that its rows depend on: where both are as before, they are not written again.
        """
        parts = []
        for chunk, files in parts_of(self.folder(CHATS), name).items():
            with scratch(con) as keep:
                rows = con.read_parquet([str(file) for file in files], table_name=f"chunk_{name}")
                near = more[key[-1]].between(rows[key[-1]].min().as_scalar(), rows[key[-1]].max().as_scalar())
                own = keep(more.filter(near).semi_join(rows, key), f"more_{name}")
                fill = partial(_write, con, build(rows, own), name)
                parts.append(self._kept.entry(digest(name, chunk, content(own, own.columns)), fill))
        share(parts, folder, name)

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
