"""Messages -> turns, sessions, buyer days, agent days under one set of counting rules (CONTRACT section 2)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import reduce

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from ..definitions import Definition
from ..engine import Scratch, drop, materialise, scratch
from ..facts import conform
from . import days as day_facts
from . import rows as row_facts
from .agent import agent_rows
from .events import BUYER, in_order, mark
from .runs import only
from .shop import SECOND, shop_rows

__all__ = ["Shop", "derive", "people_and_days"]

PEOPLE = {name: "string" for name in ("account_id", "agent_id", "role", "level", "team", "shift")} | {
    "day": "date",
    "shift_us": "int64",
    "employed": "boolean",
}
CARRIED = ("messages", "turns", "sessions", "said", "replies")


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
    progress: Callable[[dt.date], None] = lambda day: None,
) -> dict[str, ir.Table]:
    """The facts of facts.DERIVED that come from messages, kept in `con`; plus `replies` for the credit of orders.

    Days are worked through in chunks (default: all at once). A chunk leaves the messages of chains that later days may
    still change, from the start of the oldest such session of each buyer; the next chunk reads them again. So any
    chunking gives the same rows, with memory bounded by one chunk and the open chains.
    """
    calendar = _table(con, shop.calendar)
    whole = _chats_that_do_not_count(messages, definition, shop)
    parts: dict[str, list[ir.Table]] = {name: [] for name in CARRIED}
    carry: ir.Table | None = None
    spans = chunks or [(shop.covered_days[0], shop.covered_days[-1])] if shop.covered_days else []
    for number, (first, last) in enumerate(spans, start=1):
        with scratch(con) as keep:
            today = messages.filter(messages.day.between(first, last))
            rows = keep(today.union(carry) if carry is not None else today)
            marked = mark(rows, definition, calendar, whole, shop.codes)
            end_us = None if number == len(spans) else _end_us(shop.calendar, last)
            done, held = _chunk(keep, in_order(marked), definition, shop, end_us)
            carry, old = (materialise(con, rows.semi_join(held, "row_id")) if held is not None else None), carry
            for name, table in done.items():
                parts[name].append(materialise(con, table))
            if old is not None:
                drop(con, old)
        progress(last)
    return _facts(con, {name: reduce(ibis.union, tables) for name, tables in parts.items() if tables}, definition, shop)


def _chunk(
    keep: Scratch, events: ir.Table, definition: Definition, shop: Shop, end_us: int | None
) -> tuple[dict[str, ir.Table], ir.Table | None]:
    """The rows of sessions that are settled, and the messages of those that are not."""
    shop_events = shop_rows(keep, events, definition, shop.bots)
    agent_events = agent_rows(keep, shop_events, definition, shop.bots)
    shop_judged = row_facts.judged(row_facts.shop_stream(shop_events), definition)
    agent_judged = row_facts.judged(row_facts.agent_stream(agent_events), definition)
    shared = [name for name in shop_judged.columns if name in agent_judged.columns]
    rows = keep(shop_judged.select(shared).union(agent_judged.select(shared)))
    if end_us is not None:
        chain = _open_chains(keep, rows, shop_events, definition, end_us)
        held = shop_events.inner_join(chain, BUYER).filter(_.ord >= _.chain_ord).select("row_id")
        settled = chain.select(*BUYER, "chain_us", "chain_ord")
        rows = _settled(rows, settled, _.s_us, settled.chain_us)
        shop_events = _settled(shop_events, settled, _.ord, settled.chain_ord)
    else:
        held = None
    turned = keep(row_facts.turns(rows, definition))
    return {
        "messages": row_facts.buyer_messages(rows, definition),
        "turns": turned,
        "sessions": row_facts.sessions(rows, turned, definition),
        "said": row_facts.agent_messages(shop_events, shop.bots),
        "replies": row_facts.replies(shop_events),
    }, held


def _settled(rows: ir.Table, chain: ir.Table, place: ir.Deferred, limit: ir.Value) -> ir.Table:
    """Rows before the open chain of their buyer."""
    name = limit.get_name()
    joined = rows.left_join(chain.select(*BUYER, name), BUYER)
    return joined.filter(joined[name].isnull() | (place.resolve(joined) < joined[name])).select(rows.columns)


def _open_chains(keep: Scratch, rows: ir.Table, shop_events: ir.Table, definition: Definition, end_us: int) -> ir.Table:
    """For each buyer the start of the oldest session that a message after `end_us` could still change.

    That is a session with a message still waiting within its horizon, or a buyer's last one while its silence is too
    short or its last question has no reply since (a late reply belongs to what it answers, whenever it comes).
    """
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
    last = last.left_join(closed, BUYER).drop("shop_id_right", "buyer_id_right")
    gap_us = max(definition.session_gap_s, definition.close_gap_s or 0) * SECOND
    silent_us = end_us - ibis.greatest(last.talked_us, last.closed_us.fill_null(0))
    pending = last.filter((last.asked > last.replied.fill_null(0)).fill_null(False))
    open_ = ibis.union(
        waits.select(*BUYER, "s_us"),
        last.filter(silent_us < gap_us).select(*BUYER, s_us=_.last_us),
        pending.select(*BUYER, s_us=_.asked_us),
    )
    return _whole_chains(keep, open_.group_by(*BUYER).agg(chain_us=_.s_us.min()), shop_events)


def _whole_chains(keep: Scratch, starts: ir.Table, shop_events: ir.Table) -> ir.Table:
    """The starts with their places; earlier where a later row belongs to an older session (a late reply)."""
    sessions = shop_events.filter(shop_events.ord == shop_events.s_ord)
    places = sessions.select(*BUYER, chain_us=sessions.s_us, chain_ord=sessions.ord)
    chains = keep(starts.inner_join(places, [*BUYER, "chain_us"]))
    while True:
        rows = shop_events.inner_join(chains, BUYER).filter((_.ord >= _.chain_ord) & (_.s_us < _.chain_us))
        older = keep(rows.group_by(*BUYER).agg(chain_us=_.s_us.min()).inner_join(places, [*BUYER, "chain_us"]))
        if not older.count().execute():
            return chains
        chains = keep(chains.anti_join(older, BUYER).union(older.select(chains.columns)))


def _may_still_be_answered(definition: Definition, us: ir.Value, end_us: int) -> ir.BooleanValue:
    if definition.horizon == "midnight":  # chunks end at midnight
        return ibis.literal(False)
    return us + definition.reply_horizon_s * SECOND >= end_us


def _end_us(calendar: pd.DataFrame, day: dt.date) -> int:
    return int(calendar.loc[calendar["day"] == day, "midnight_us"].iloc[0])


def _chats_that_do_not_count(messages: ir.Table, definition: Definition, shop: Shop) -> ir.Table:
    """(shop_id, buyer_id, out): colleagues' chats, and listed buyers where the set leaves them out."""
    listed = shop.listed_buyers if definition.adverts == "out" else ()
    colleague = (messages.sender == "colleague") | messages.buyer_id.isin(shop.internal_accounts)
    out = ibis.cases((colleague, "colleague"), (messages.buyer_id.isin(listed), "listed_buyer"))
    return messages.mutate(out=out).filter(_.out.notnull()).group_by(*BUYER).agg(out=_.out.min())


def _facts(
    con: ibis.BaseBackend, parts: dict[str, ir.Table], definition: Definition, shop: Shop
) -> dict[str, ir.Table]:
    people, covered = people_and_days(con, shop)
    named = {
        "buyer_messages": parts["messages"],
        "agent_messages": parts["said"],
        "turns": parts["turns"].mutate(account_id=_.account_id.nullif("")),
        "sessions": day_facts.active_time(parts["sessions"]),
        "replies": parts["replies"].filter(~_.account_id.isin(shop.bots)),
    }
    facts = {name: materialise(con, day_facts.with_people(table, people)) for name, table in named.items()}
    replies = facts.pop("replies")
    facts["sessions"] = day_facts.with_agents(facts["sessions"])
    facts["buyer_days"] = day_facts.buyer_days(facts["buyer_messages"], facts["turns"], definition)
    days = day_facts.agent_days(facts["agent_messages"], replies, people, covered)
    facts["agent_days"] = days.mutate(shop_id=ibis.literal(shop.shop_id))
    return {name: materialise(con, conform(table, name)) for name, table in facts.items()} | {"replies": replies}


def people_and_days(con: ibis.BaseBackend, shop: Shop) -> tuple[ir.Table, ir.Table]:
    """The shop's people by account and day, and its covered days, as tables of `con`."""
    days = pd.DataFrame({"day": list(shop.covered_days)})
    return _table(con, shop.people, PEOPLE), _table(con, days, {"day": "date"})


def _table(con: ibis.BaseBackend, frame: pd.DataFrame, schema: dict[str, str] | None = None) -> ir.Table:
    return materialise(con, ibis.memtable(frame, schema=schema))
