"""Sessions that later days may still change: what of them a chunk leaves, and to whom."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from ..definitions import Definition
from ..engine import Scratch, any_row, expression
from .events import BUYER
from .runs import only
from .shop import SECOND


@expression
def settled(rows: ir.Table, chain: ir.Table, place: str, limit: str) -> ir.Table:
    """Rows before the open chain of their buyer."""
    joined = rows.left_join(chain.select(*BUYER, limit), BUYER)
    return joined.filter(joined[limit].isnull() | (joined[place] < joined[limit])).select(rows.columns)


@expression
def still_open(rows: ir.Table, chain: ir.Table) -> ir.Table:
    """row_id of the rows within the open chain of their buyer, and whether it is asleep."""
    return rows.inner_join(chain, BUYER).filter(_.ord >= _.chain_ord).select("row_id", "asleep")


def open_chains(
    keep: Scratch, rows: ir.Table, shop_events: ir.Table, definition: Definition, end_us: int | None
) -> ir.Table:
    """For each buyer the start of the oldest session that a message after `end_us` could still change (chain_us, its
    place chain_ord); asleep: that only a message of this buyer, or to it, could.

    That is a session with a message still waiting within its horizon, or a buyer's last one while its silence is too
    short or its last question has no reply since (a late reply belongs to what it answers, whenever it comes). Only the
    last of these reasons does not pass with time.
    """
    if end_us is None:
        none = shop_events.limit(0)
        return none.select(*BUYER, chain_us=none.s_us, chain_ord=none.ord, asleep=none.q)
    end = keep(ibis.memtable({"end_us": [end_us]}), "end")
    return _whole_chains(keep, _open_starts(rows, shop_events, definition, end), shop_events, rows)


@expression
def _open_starts(rows: ir.Table, shop_events: ir.Table, definition: Definition, end: ir.Table) -> ir.Table:
    """For each buyer the start of the oldest session that is still open."""
    end_us = end.end_us.as_scalar()
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
        waits.select(*BUYER, "s_us", asleep=False),
        last.filter(silent_us < gap_us).select(*BUYER, s_us=_.last_us, asleep=False),
        pending.select(*BUYER, s_us=_.asked_us, asleep=True),
    )
    return open_.group_by(*BUYER).agg(chain_us=_.s_us.min(), asleep=_.asleep.all())


def _whole_chains(keep: Scratch, starts: ir.Table, shop_events: ir.Table, judged: ir.Table) -> ir.Table:
    """The starts with their places; earlier where a later row belongs to an older session (a late reply), or where a
    day has rows on both sides: a buyer's day stays whole.
    """
    chains = keep(_placed(starts, shop_events))
    while any_row(older := keep(_older(chains, shop_events, judged))):
        chains = keep(chains.anti_join(older, BUYER).union(older.select(chains.columns)))
    return chains


@expression
def _placed(starts: ir.Table, shop_events: ir.Table) -> ir.Table:
    """Starts of sessions with their places."""
    sessions = shop_events.filter(shop_events.ord == shop_events.s_ord)
    places = sessions.select(*BUYER, chain_us=sessions.s_us, chain_ord=sessions.ord)
    return starts.inner_join(places, [*BUYER, "chain_us"])


@expression
def _older(chains: ir.Table, shop_events: ir.Table, judged: ir.Table) -> ir.Table:
    """The chains that must begin earlier, with their earlier starts."""
    late = shop_events.inner_join(chains, BUYER).filter((_.ord >= _.chain_ord) & (_.s_us < _.chain_us))
    days = judged.inner_join(chains, BUYER).select(*BUYER, "day", "s_us", "chain_us", "asleep")
    after = days.filter(_.s_us >= _.chain_us).group_by(*BUYER).agg(first_day=_.day.min())
    split = days.inner_join(after, BUYER).filter((_.s_us < _.chain_us) & (_.day >= _.first_day))
    rows = late.select(*BUYER, "s_us", "asleep").union(split.select(*BUYER, "s_us", "asleep"))
    return _placed(rows.group_by(*BUYER).agg(chain_us=_.s_us.min(), asleep=_.asleep.all()), shop_events)


def _may_still_be_answered(definition: Definition, us: ir.Value, end_us: ir.Value) -> ir.BooleanValue:
    if definition.horizon == "midnight":  # chunks end at midnight
        return ibis.literal(False)
    return us + definition.reply_horizon_s * SECOND >= end_us
