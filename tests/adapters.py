"""The engine's answers in the oracle's shape: rows as dicts, so that both can be held against each other."""

from __future__ import annotations

from datetime import timedelta

import ibis

from csperf import hours, purchases, turns
from csperf.engine import EngineSettings, chunks, connect, materialise
from csperf.turns.people import bots, people


def engine_derive(
    shop, definition, *, chunk_days: int | None = None, categories=(), engine: EngineSettings | None = None
) -> dict[str, list[dict]]:
    """All derived facts of a made shop (tests.shops.MadeShop) under a set, by the engine."""
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
    spans = chunks(dict.fromkeys(days, 1), EngineSettings(chunk_days=chunk_days)) if chunk_days else None
    tables = {name: materialise(con, ibis.memtable(shop.arrow(name))) for name in ("messages", "orders", "refunds")}
    found = turns.derive(con, tables["messages"], definition, known, spans)
    found |= purchases.derive(con, tables["orders"], tables["refunds"], found, definition)
    return {name: table.to_pyarrow().to_pylist() for name, table in found.items()}
