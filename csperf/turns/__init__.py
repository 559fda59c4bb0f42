"""Messages -> turns, sessions, buyer days, agent days under one set of counting rules (CONTRACT section 2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
from ibis import _

from ..definitions import Definition
from ..engine import Scratch, any_row, expression, materialise, scratch
from ..facts import conform
from ..kept import Kept, content, digest, read, write
from . import days as day_facts
from . import rows as row_facts
from .agent import agent_rows, replies
from .events import BUYER, COLUMNS, in_order, mark
from .names import Names, names_of
from .runs import beside, only
from .shop import SECOND, shop_rows

__all__ = [
    "AS_KEPT",
    "OF_CHUNKS",
    "Around",
    "Shop",
    "agent_days",
    "derive",
    "people_and_days",
    "whole",
    "worked_through",
]

AS_KEPT = ("buyer_messages", "agent_messages", "turns")  # facts that are what their chunks say, one below the other
OF_CHUNKS = (*AS_KEPT, "sessions", "buyer_days", "replies")
REPLY = (
    "shop_id",
    "buyer_id",
    "account_id",
    "agent_id",
    "role",
    "level",
    "shift",
    "session_id",
    "row_id",
    "us",
    "day",
    "ord",
    "substantive",
    "kind",
)
CARRY = "carry"  # the file that says what the carried rows hold
NOT_OF_MESSAGES = {
    "name",
    "same_day",
    "attribution",
    "window_h",
    "credit_needs",
    "aftersale_days",
    "net_refund_days",
    "repurchase_days",
    "issue_gap_days",
    "key_lost_days",
}  # rules of orders alone
PEOPLE = {name: "string" for name in ("account_id", "agent_id", "role", "level", "team", "shift")} | {
    "day": "date",
    "shift_us": "int64",
    "employed": "boolean",
}


@dataclass(frozen=True)
class Shop:
    """What the clock must know of a shop.

    `calendar`: ServiceHours.calendar of every covered day (microseconds; one row a local day, consecutive).
    `people`: account_id, day, agent_id, role, level, shift, shift_us (null: no shift starts that day), employed.
    `bots`: accounts that are bots. `codes`: valid leaf codes, empty = any.
    """

    shop_id: str
    calendar: pd.DataFrame
    people: pd.DataFrame
    bots: tuple[str, ...] = ()
    internal_accounts: tuple[str, ...] = ()
    listed_buyers: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    covered_days: tuple[dt.date, ...] = field(default=())


def derive(
    con: ibis.BaseBackend,
    messages: ir.Table,
    definition: Definition,
    shop: Shop,
    chunks: list[tuple[dt.date, dt.date]] | None = None,
) -> dict[str, ir.Table]:
    """The facts of facts.DERIVED that come from messages; plus `replies` for the credit of orders."""
    spans = chunks or [(shop.covered_days[0], shop.covered_days[-1])] if shop.covered_days else []
    around = Around.of(con, messages, definition, shop)
    return whole(con, worked_through(con, messages, around, spans, Kept.for_now(), {}), around)


def worked_through(
    con: ibis.BaseBackend,
    messages: ir.Table,
    around: Around,
    chunks: list[tuple[dt.date, dt.date]],
    kept: Kept,
    content: Mapping[dt.date, str],
) -> list[Path]:
    """The kept entries of the chunks, one after the other; those that are kept already are not worked out again.

    A chunk leaves the messages of chains that later days may still change, from the start of the oldest such session of
    each buyer (`carry`); the next chunk reads them again. So any chunking gives the same rows, with memory bounded by
    one chunk and the open chains. An entry depends on what `content` says of its days, on what was carried into it and
    on what is known around it: a day that changes is worked out again, and the days after it until what they carry is
    the same as before.
    """
    entries: list[Path] = []
    for number, (first, last) in enumerate(chunks, start=1):
        carry = entries[-1] if entries else None
        end_us = None if number == len(chunks) else around.end_us(last)
        days = [content.get(first + dt.timedelta(days=n)) for n in range((last - first).days + 1)]
        key = digest(first, last, days, end_us, around.known(first, last, carry), carry and (carry / CARRY).read_text())
        fill = partial(_fill, con, messages, (first, last), carry, around, end_us)
        entries.append(kept.entry(key, fill))
    return entries


def _fill(
    con: ibis.BaseBackend,
    messages: ir.Table,
    days: tuple[dt.date, dt.date],
    carry: Path | None,
    around: Around,
    end_us: int | None,
    folder: Path,
) -> None:
    """Writes the facts of a chunk, and what it carries into the next, to the folder."""
    with scratch(con) as keep:
        today = keep.view(messages.filter(messages.day.between(*days)), "days")
        rows = mark(today, around.definition, around.shop.codes, around.shop.bots)
        rows = keep(_with(rows, keep.view(read(con, [carry], "carry"), "carry")) if carry else rows, "chunk")
        done, held = _chunk(keep, rows, around, end_us)
        for name, table in done.items():
            write(con, table, folder, name)
        carried = keep(rows.semi_join(held, "row_id"))
        write(con, carried, folder, "carry")
        (folder / CARRY).write_text(digest(content(carried, ["row_id"])))


@expression
def _with(rows: ir.Table, carried: ir.Table) -> ir.Table:
    return rows.union(carried.cast(rows.schema()))


@dataclass(frozen=True)
class Around:
    """What a chunk must know beside its messages.

    `excluded`: shop_id, buyer_id, out of chats that do not count; `excluded_days`: these with each day they have.
    """

    definition: Definition
    shop: Shop
    calendar: ir.Table
    people: ir.Table
    excluded: ir.Table
    excluded_days: pd.DataFrame

    @classmethod
    def of(cls, con: ibis.BaseBackend, messages: ir.Table, definition: Definition, shop: Shop) -> Around:
        """What is known of a shop, as tables of `con`."""
        people, _days = people_and_days(con, shop)
        out = _excluded(con, messages, definition, shop)
        days = messages.inner_join(out, ["shop_id", "buyer_id"]).select("day", "buyer_id", "out").distinct()
        days = days.order_by("day", "buyer_id").to_pyarrow().to_pandas()
        return cls(definition, shop, _table(con, shop.calendar), people, out, days)

    def end_us(self, day: dt.date) -> int:
        """The midnight that ends a day."""
        return int(self.shop.calendar.loc[self.shop.calendar["day"] == day, "midnight_us"].iloc[0])

    def known(self, first: dt.date, last: dt.date, carry: Path | None) -> list[Any]:
        """What the facts of a chunk depend on beside its messages; nothing that later days may change."""
        carried = pq.read_table(carry / "carry.parquet", columns=["buyer_id", "day"]) if carry else None
        if carried is not None and len(carried):
            first = min(first, pc.min(carried["day"]).as_py())
        hours, people, out = self.shop.calendar, self.shop.people, self.excluded_days
        return [
            self.definition.model_dump(mode="json", exclude=NOT_OF_MESSAGES),
            [self.shop.shop_id, self.shop.bots, self.shop.codes],
            _said(hours[hours["day"].between(first, last)].drop(columns="cum_us")),
            _said(people[people["day"].between(first, last)]),
            _said(out[out["day"].between(first, last)]),
        ]


def _said(frame: pd.DataFrame) -> str:
    return frame.to_csv(index=False)


def _chunk(keep: Scratch, rows: ir.Table, around: Around, end_us: int | None) -> tuple[dict[str, ir.Table], ir.Table]:
    """The facts of sessions that are settled, and the row_id of messages of those that are not (none: end_us null)."""
    definition = around.definition
    names = names_of(keep, rows, around.excluded, around.people, around.shop.bots)
    with scratch(keep.con) as passing:
        events = passing(in_order(rows, names, definition, around.calendar))
        codes = keep(events.filter(_.coded).select("buyer", coded_ord="own_ord", category_code="code"))
        shop_events = keep(shop_rows(passing, events.select(COLUMNS), definition))
    with scratch(keep.con) as passing:
        agent_events = passing(agent_rows(passing, shop_events, definition))
        shop_judged = row_facts.judged(row_facts.shop_stream(shop_events), definition)
        agent_judged = row_facts.judged(row_facts.agent_stream(agent_events, replies(shop_events)), definition)
        judged = keep(shop_judged.union(agent_judged))
    chain = keep(_open_chains(keep, judged, shop_events, definition, end_us), "chain")
    still = shop_events.inner_join(chain, BUYER).filter(_.ord >= _.chain_ord).select("row_id")
    judged = _settled(judged, chain, _.s_us, chain.chain_us)
    shop_events = _settled(shop_events, chain, _.ord, chain.chain_ord)
    return _named(keep, judged, shop_events, _Spelling(names, codes), definition), still


@dataclass(frozen=True)
class _Spelling:
    """How rows by number get their names back, while they are written."""

    names: Names
    codes: ir.Table  # of sessions: buyer, coded_ord, category_code

    @expression
    def of(self, rows: ir.Table) -> ir.Table:
        """The rows with names, people, and the category of their session."""
        return self.names.spelled(self.known(rows))

    @expression
    def known(self, rows: ir.Table) -> ir.Table:
        """The rows with people, and with the category of their session where they have coded_ord; without bots."""
        told = self.names.with_people(rows)
        if "coded_ord" not in rows.columns:
            return told
        return beside(told, self.codes, ["buyer", "coded_ord"])


def _named(
    keep: Scratch, judged: ir.Table, shop_events: ir.Table, spelling: _Spelling, definition: Definition
) -> dict[str, ir.Table]:
    """The facts of a chunk, with their names."""
    messages = row_facts.buyer_messages(judged, definition)
    turned = keep(row_facts.turns(judged, definition))
    sessions = keep(row_facts.sessions(judged, turned, definition))
    talked = day_facts.with_agents(sessions, spelling.known(sessions.select(*day_facts.CHAT, "account", "day")))
    days = day_facts.buyer_days(spelling.known(messages), spelling.known(row_facts.for_all(turned)), definition)
    facts = {
        "buyer_messages": spelling.of(messages),
        "turns": spelling.of(row_facts.told(turned)),
        "agent_messages": spelling.of(row_facts.agent_messages(shop_events)),
        "buyer_days": spelling.names.spelled(_account(days, spelling.names)),
    }
    sessions = _account(spelling.of(talked), spelling.names, "replier")
    said = spelling.of(row_facts.replies(shop_events))
    return {name: conform(table, name) for name, table in facts.items()} | {
        "sessions": conform(sessions, "sessions", "first_us", "last_us"),
        "replies": said.select(REPLY),
    }


@expression
def _account(rows: ir.Table, names: Names, column: str = "account") -> ir.Table:
    """The rows with the name of an account instead of its number; account_id where that is the row's own."""
    known = names.accounts.select(**{column: "account"}, spelled="account_id")
    joined = beside(rows, known, [column])
    if column == "account":
        return joined.rename(account_id="spelled")
    return joined.drop(column).rename({column: "spelled"})


def _settled(rows: ir.Table, chain: ir.Table, place: ir.Deferred, limit: ir.Value) -> ir.Table:
    """Rows before the open chain of their buyer."""
    name = limit.get_name()
    joined = rows.left_join(chain.select(*BUYER, name), BUYER)
    return joined.filter(joined[name].isnull() | (place.resolve(joined) < joined[name])).select(rows.columns)


def _open_chains(
    keep: Scratch, rows: ir.Table, shop_events: ir.Table, definition: Definition, end_us: int | None
) -> ir.Table:
    """For each buyer the start of the oldest session that a message after `end_us` could still change.

    That is a session with a message still waiting within its horizon, or a buyer's last one while its silence is too
    short or its last question has no reply since (a late reply belongs to what it answers, whenever it comes).
    """
    if end_us is None:
        none = shop_events.limit(0)
        return none.select(*BUYER, chain_us=none.s_us, chain_ord=none.ord)
    end = keep(ibis.memtable({"end_us": [end_us]}), "end").end_us.as_scalar()
    return _whole_chains(keep, _open_starts(rows, shop_events, definition, end), shop_events, rows)


def _open_starts(rows: ir.Table, shop_events: ir.Table, definition: Definition, end_us: ir.IntegerScalar) -> ir.Table:
    """For each buyer the start of the oldest session that is still open."""
    waits = rows.filter(
        rows.member & ~rows.passed & rows.next_us.isnull() & _may_still_be_answered(definition, rows.us, end_us)
    )
    talk = shop_events.filter(shop_events.s_ord.notnull() & shop_events.talk)
    last = talk.group_by(*BUYER).agg(
        last_us=_.s_us.max(),
        talked_us=_.own_us.max(),
        asked_us=_.s_us.argmax(only(_.q, _.turn_ord)),
        asked=only(_.q, _.turn_ord).max(),
        replied=only(_.r, _.ord).max(),
    )
    closed = shop_events.filter(shop_events.close).group_by(*BUYER).agg(closed_us=_.own_us.max())
    last = last.left_join(closed, BUYER).drop("buyer_right")
    gap_us = max(definition.session_gap_s, definition.close_gap_s or 0) * SECOND
    silent_us = end_us - ibis.greatest(last.talked_us, last.closed_us.fill_null(0))
    pending = last.filter((last.asked > last.replied.fill_null(0)).fill_null(False))
    open_ = ibis.union(
        waits.select(*BUYER, "s_us"),
        last.filter(silent_us < gap_us).select(*BUYER, s_us=_.last_us),
        pending.select(*BUYER, s_us=_.asked_us),
    )
    return open_.group_by(*BUYER).agg(chain_us=_.s_us.min())


def _whole_chains(keep: Scratch, starts: ir.Table, shop_events: ir.Table, judged: ir.Table) -> ir.Table:
    """The starts with their places; earlier where a later row belongs to an older session (a late reply), or where a
    day has rows on both sides: a buyer's day stays whole.
    """
    sessions = shop_events.filter(shop_events.ord == shop_events.s_ord)
    places = sessions.select(*BUYER, chain_us=sessions.s_us, chain_ord=sessions.ord)
    chains = keep(starts.inner_join(places, [*BUYER, "chain_us"]))
    while True:
        late = shop_events.inner_join(chains, BUYER).filter((_.ord >= _.chain_ord) & (_.s_us < _.chain_us))
        days = judged.inner_join(chains, BUYER).select(*BUYER, "day", "s_us", "chain_us")
        after = days.filter(_.s_us >= _.chain_us).group_by(*BUYER).agg(first_day=_.day.min())
        split = days.inner_join(after, BUYER).filter((_.s_us < _.chain_us) & (_.day >= _.first_day))
        rows = late.select(*BUYER, "s_us").union(split.select(*BUYER, "s_us"))
        older = keep(rows.group_by(*BUYER).agg(chain_us=_.s_us.min()).inner_join(places, [*BUYER, "chain_us"]))
        if not any_row(older):
            return chains
        chains = keep(chains.anti_join(older, BUYER).union(older.select(chains.columns)))


def _may_still_be_answered(definition: Definition, us: ir.Value, end_us: ir.Value) -> ir.BooleanValue:
    if definition.horizon == "midnight":  # chunks end at midnight
        return ibis.literal(False)
    return us + definition.reply_horizon_s * SECOND >= end_us


def _excluded(con: ibis.BaseBackend, messages: ir.Table, definition: Definition, shop: Shop) -> ir.Table:
    """(shop_id, buyer_id, out): colleagues' chats, and listed buyers where the set leaves them out."""
    listed = shop.listed_buyers if definition.adverts == "out" else ()
    colleague = (messages.sender == "colleague") | messages.buyer_id.isin(shop.internal_accounts)
    out = ibis.cases((colleague, "colleague"), (messages.buyer_id.isin(listed), "listed_buyer"))
    chats = messages.mutate(out=out).filter(_.out.notnull()).group_by("shop_id", "buyer_id").agg(out=_.out.min())
    return materialise(con, chats)


def whole(con: ibis.BaseBackend, entries: Sequence[Path], around: Around) -> dict[str, ir.Table]:
    """The facts of all chunks, with what no chunk alone can tell: active times, agents' days."""
    if not entries:
        return {}
    facts = {name: read(con, entries, name) for name in OF_CHUNKS}
    with scratch(con) as keep:
        timed = day_facts.with_active_time(facts["sessions"], day_facts.active_time(keep, facts["sessions"]))
        told = {"sessions": timed, "agent_days": agent_days(con, facts, around.shop)}
        return facts | {name: materialise(con, table) for name, table in told.items()}


def agent_days(con: ibis.BaseBackend, facts: Mapping[str, ir.Table], shop: Shop) -> ir.Table:
    """The fact of that name, from what the chunks say (OF_CHUNKS)."""
    people, covered = people_and_days(con, shop)
    days = day_facts.agent_days(facts["agent_messages"], facts["replies"], people, covered)
    return conform(days.mutate(shop_id=ibis.literal(shop.shop_id)), "agent_days")


def people_and_days(con: ibis.BaseBackend, shop: Shop) -> tuple[ir.Table, ir.Table]:
    """The shop's people by account and day, and its covered days, as tables of `con`."""
    days = pd.DataFrame({"day": list(shop.covered_days)})
    return _table(con, shop.people, PEOPLE), _table(con, days, {"day": "date"})


def _table(con: ibis.BaseBackend, frame: pd.DataFrame, schema: dict[str, str] | None = None) -> ir.Table:
    if frame.empty and schema:  # pandas does not know of what type nothing is
        return materialise(con, ibis.memtable(ibis.schema(schema).to_pyarrow().empty_table()))
    return materialise(con, ibis.memtable(frame, schema=schema))
