"""Messages -> turns, sessions, buyer days, agent days under one set of counting rules (CONTRACT section 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import ibis
import ibis.expr.types as ir

from ..chunks import Chunk, Workers
from ..definitions import Definition
from ..engine import materialise, scratch
from ..facts import conform
from ..kept import Kept, read
from . import days as day_facts
from .around import Around, Shop, people_and_days
from .entries import worked_through

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


def derive(
    con: ibis.BaseBackend,
    messages: ir.Table,
    definition: Definition,
    shop: Shop,
    chunks: Sequence[Chunk] | None = None,
) -> dict[str, ir.Table]:
    """The facts of facts.DERIVED that come from messages; plus `replies` for the credit of orders."""
    spans = chunks or [Chunk(shop.covered_days[0], shop.covered_days[-1])] if shop.covered_days else []
    around = Around.of(con, messages, definition, shop)
    entries = worked_through(lambda _con: messages, around, {}, spans, Kept.for_now(), Workers.alone(con))
    return whole(con, entries, shop)


def whole(con: ibis.BaseBackend, entries: Sequence[Path], shop: Shop) -> dict[str, ir.Table]:
    """The facts of all chunks, with what no chunk alone can tell: active times, agents' days."""
    if not entries:
        return {}
    facts = {name: read(con, entries, name) for name in OF_CHUNKS}
    with scratch(con) as keep:
        timed = day_facts.with_active_time(facts["sessions"], day_facts.active_time(keep, facts["sessions"]))
        told = {"sessions": timed, "agent_days": agent_days(con, facts, shop)}
        return facts | {name: materialise(con, table) for name, table in told.items()}


def agent_days(con: ibis.BaseBackend, facts: Mapping[str, ir.Table], shop: Shop) -> ir.Table:
    """The fact of that name, from what the chunks say (OF_CHUNKS)."""
    people, covered = people_and_days(con, shop)
    days = day_facts.agent_days(facts["agent_messages"], facts["replies"], people, covered)
    return conform(days.mutate(shop_id=ibis.literal(shop.shop_id)), "agent_days")
