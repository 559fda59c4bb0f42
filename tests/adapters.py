"""The engine's answers in the oracle's shape: rows as dicts, so that both can be held against each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import islice, repeat

import ibis

from csperf import hours, purchases, turns
from csperf.chunks import Chunk
from csperf.engine import EngineSettings, connect, materialise, scratch
from csperf.turns.people import bots, people


def engine_derive(
    shop,
    definition,
    *,
    chunk_days: Iterable[int] = (),
    lanes: Iterable[int] = repeat(1),
    categories=(),
    engine: EngineSettings | None = None,
) -> dict[str, list[dict]]:
    """All derived facts of a made shop (tests.shops.MadeShop) under a set, by the engine.

    `chunk_days`: how many days each chunk has, one chunk after the other; default all days at once. `lanes`: over how
    many of them its buyers are spread.
    """
    con = connect(engine)
    days = sorted({row["day"] for row in shop.messages} | set(shop.covered_days or ()))
    window = shop.hours if definition.hours == "shop" else definition.hours
    roster, shifts = shop.frame("roster"), shop.frame("shifts")
    known = turns.Shop(
        shop_id=shop.messages[0]["shop_id"],
        calendar=hours.daily(shop.tz, *window).calendar(days[0], days[-1] + timedelta(days=1)),
        people=people(roster, shifts, days),
        bots=bots(roster),
        internal_accounts=tuple(shop.internal_accounts),
        listed_buyers=tuple(shop.listed_buyers),
        codes=tuple(categories),
        covered_days=tuple(days),
    )
    spans = [Chunk(part[0], part[-1], n) for part, n in zip(parts(days, chunk_days), lanes, strict=False)]
    tables = {name: materialise(con, ibis.memtable(shop.arrow(name))) for name in ("messages", "orders", "refunds")}
    found = turns.derive(con, tables["messages"], definition, known, spans or None)
    with scratch(con) as keep:
        found["purchases"], flags = purchases.derive(keep, tables["orders"], tables["refunds"], found, definition)
        found |= {"buyer_days": purchases.with_flags(found["buyer_days"], flags)} if flags is not None else {}
        return {name: table.to_pyarrow().to_pylist() for name, table in found.items()}


def parts(days: list[date], lengths: Iterable[int]) -> Iterator[list[date]]:
    """The days in runs of these lengths, until they are used up."""
    left = iter(days)
    for length in lengths:
        if not (part := list(islice(left, length))):
            return
        yield part
