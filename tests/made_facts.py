"""Random facts straight in the derived schema: whatever the columns allow, a catalogue entry must survive."""

from __future__ import annotations

import datetime as dt

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from csperf.facts import DERIVED, Column

DAYS = [dt.date(2026, 1, 30) + dt.timedelta(days=d) for d in range(5)]  # over a month's end, within two ISO weeks
AGENTS = ["anna", "bo", "chen"]
POOLS: dict[str, list] = {
    "shop_id": ["demo"],
    "account_id": ["demo:01", "demo:02", None],
    "role": ["pre", "after", None],
    "level": ["junior", "senior"],
    "shift": ["early", "late", None],
    "category_code": ["1.1", "2.3", None],
    "buyer_id": [f"b{i}" for i in range(6)],
    "kind": ["text", "card", "sticker", "note"],
    "feedback.kind": ["feedback", "info"],
    "plans.kind": ["plan", "budget", "survey", "process"],
    "saved_ppm": [0, -2_000_000],  # no more than was planned
    "item": ["promo_answer", "attitude"],
    "subject": ["cooperation", "training"],
    "refunds.outcome": ["succeeded", "closed", "open"],
    "direction": ["in", "out"],
    "outcome": ["answered", "abandoned", "blocked"],
    "status": ["unpaid", "paid", "closed"],
    "reason": ["bot_only", None],
    "worked": [0, 1],
    "scheduled": [0, 1],
    "replied": [0, 1],
    "share_ppm": [1_000_000, 1_000_000, 500_000, 333_333],
    "wait_n": [0, 1, 2, 3],
}
SECOND = 1_000_000
NULLS = 0.25


def facts(seed: int, rows: int = 30) -> dict[str, pa.Table]:
    """Every derived table, `rows` rows each, of two scopes; agent_days in full: each agent and the shop on each day."""
    random = np.random.default_rng(seed)
    made = {name: _table(name, random, rows) for name in DERIVED if name != "agent_days"}
    return made | {"agent_days": _agent_days(random)}


def tables(made: dict[str, pa.Table]) -> dict[str, ir.Table]:
    """The same as Ibis tables."""
    return {name: ibis.memtable(table) for name, table in made.items()}


def empty() -> dict[str, pa.Table]:
    """Every derived table without rows."""
    return {name: table.arrow.empty_table() for name, table in DERIVED.items()}


def _table(name: str, random: np.random.Generator, rows: int) -> pa.Table:
    columns = {c.name: [_value(c, random, name) for _ in range(rows)] for c in DERIVED[name].columns}
    columns["scope"] = ["agent" if random.random() < 0.5 else "shop" for _ in range(rows)]
    columns["agent_id"] = [random.choice(AGENTS) if scope == "agent" else None for scope in columns["scope"]]
    columns["row_id"] = [f"{name}-{i}" for i in range(rows)]
    return pa.table(columns, schema=DERIVED[name].arrow)


def _agent_days(random: np.random.Generator) -> pa.Table:
    who = [("agent", agent, day) for agent in AGENTS for day in DAYS] + [("shop", None, day) for day in DAYS]
    rows = []
    for scope, agent, day in who:
        row = {c.name: _value(c, random, "agent_days") for c in DERIVED["agent_days"].columns}
        rows.append(row | {"scope": scope, "agent_id": agent, "day": day, "row_id": f"{agent or '*'}/{day}"})
    return pa.Table.from_pylist(rows, schema=DERIVED["agent_days"].arrow)


def _value(column: Column, random: np.random.Generator, table: str):
    pool = POOLS.get(f"{table}.{column.name}", POOLS.get(column.name))
    if pool:
        pool = [v for v in pool if column.null or v is not None]
        return pool[random.integers(len(pool))]
    if column.null and random.random() < NULLS:
        return None
    return _typed(column, random)


def _typed(column: Column, random: np.random.Generator):
    day = DAYS[random.integers(len(DAYS))]
    if column.type == "boolean":
        return bool(random.random() < (0.2 if column.name == "excluded" else 0.7))
    if column.type == "date":
        return day
    if column.type.startswith("timestamp"):
        return dt.datetime.combine(day, dt.time(12), dt.UTC) + dt.timedelta(seconds=int(random.integers(3600)))
    if column.type in ("int64", "float64"):
        size = 600 * SECOND if column.name.endswith("_us") else 10
        return int(random.integers(0, size)) if column.type == "int64" else float(random.integers(0, size)) + 0.25
    return f"{column.name}{random.integers(5)}"
