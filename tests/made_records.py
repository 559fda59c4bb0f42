"""Records beside the chats by the engine, on chat facts in the oracle's shape; and random records for a made shop."""

from __future__ import annotations

import datetime as dt
import random

import ibis
import pyarrow as pa
from shops import SHOP, MadeShop

from csperf import aftersale, calls, registers, tickets, turns
from csperf.engine import connect, materialise
from csperf.facts import DERIVED, INPUT
from csperf.turns.people import bots, people

Facts = dict[str, list[dict]]


def engine_records(shop: MadeShop, chats: Facts, definition) -> Facts:
    """The facts that the engine makes of a shop's records, beside those of its chats."""
    con = connect()
    given = {name: shop.arrow(name) for name in ("orders", "refunds", *shop.records) if len(shop.arrow(name))}
    loaded = {name: materialise(con, ibis.memtable(rows)) for name, rows in given.items()}
    facts = {name: derived_table(name, rows) for name, rows in chats.items() if name in DERIVED}
    who, covered = turns.people_and_days(con, people_of(shop, given))
    if "calls" in loaded:
        facts["calls"] = calls.derive(con, loaded.pop("calls"), who, covered)["calls"]
    made = {"calls": facts["calls"]} if "calls" in facts else {}
    made |= aftersale_of(con, loaded, facts, who, definition) | registers.derive(con, loaded, who, definition)
    made |= tickets.derive(con, loaded["tickets"], who) if "tickets" in loaded else {}
    return {name: table.to_pyarrow().to_pylist() for name, table in made.items()}


def aftersale_of(con, given: dict[str, ibis.Table], facts: dict[str, ibis.Table], who, definition) -> dict:
    """What csperf.aftersale tells of the given tables."""
    made = {name: getattr(aftersale, name)(given[name], who) for name in ("complaints", "ratings") if name in given}
    if "refunds" in given:
        made["refunds"] = aftersale.refunds(given["refunds"], given.get("orders"), facts, definition)
        made |= (
            {"purchases": aftersale.with_disputes(facts["purchases"], given["refunds"])} if "purchases" in facts else {}
        )
    if {"sessions", "calls"} & facts.keys():
        made["issues"] = aftersale.issues(con, facts, given.get("complaints"), definition)
    return made


def people_of(shop: MadeShop, given: dict[str, pa.Table]) -> turns.Shop:
    """The shop's people on every day on which anything happened, and as long after as a key customer may stay away."""
    days = {row["day"] for row in shop.messages}
    days |= {day for name, rows in given.items() for c in INPUT[name].day_columns for day in rows[c].to_pylist() if day}
    days |= {day + dt.timedelta(days=n) for day in set(days) for n in range(10)}
    roster, shifts = shop.frame("roster"), shop.frame("shifts")
    return turns.Shop(
        SHOP, shifts, people(roster, shifts, sorted(days)), bots(roster), covered_days=tuple(sorted(days))
    )


def derived_table(name: str, rows: list[dict]) -> ibis.Table:
    """Rows of a fact in its schema; columns beside it are left out."""
    schema = DERIVED[name].arrow
    return ibis.memtable(pa.Table.from_pylist([{c: r.get(c) for c in schema.names} for r in rows], schema=schema))


# ---------------------------------------------------------------- random records


def random_records(shop: MadeShop, seed: int, n: int = 40) -> dict[str, list[dict]]:
    """Records of every table about the buyers, orders and accounts of a made shop, around the days of its chats."""
    rng = random.Random(seed)
    start = min(m["sent_at"] for m in shop.messages)
    told = {
        "complaints": [_complaint(rng, shop, start, i) for i in range(n)],
        "ratings": [_rating(rng, shop, start) for _ in range(n)],
        "tickets": [row for i in range(n // 4) for row in _ticket(rng, shop, start, i)],
        "quality_checks": [_check(rng, shop, start, i) for i in range(n)],
        "visits": [_due(rng, shop, start, ("visit",)) for _ in range(n)],
        "feedback": [_due(rng, shop, start, ("feedback", "info")) for _ in range(n)],
        "plans": [_plan(rng, i) for i in range(n)],
        "surveys": [_survey(rng, start, i) for i in range(n)],
        "calls": [_call(rng, shop, start, i) for i in range(n)],
    }
    return {name: [_row(name, number, row) for number, row in enumerate(rows)] for name, rows in told.items()}


def _row(name: str, number: int, cells: dict) -> dict:
    blank = dict.fromkeys(INPUT[name].arrow.names)
    days = {day: cells.get(time) and _local(cells[time]) for day, time in INPUT[name].days.items()}
    return blank | {"shop_id": SHOP, "source_file": f"{name}{number % 3}", "source_line": number} | cells | days


def _local(at: dt.datetime) -> dt.date:
    return (at + dt.timedelta(hours=8)).date()


def _at(rng: random.Random, start: dt.datetime, hours: float = 200) -> dt.datetime:
    return start + dt.timedelta(minutes=rng.randrange(int(60 * hours)))


def _later(rng: random.Random, at: dt.datetime, hours: float) -> dt.datetime | None:
    return None if rng.random() < 0.3 else _at(rng, at, hours)


def _buyer(rng: random.Random, shop: MadeShop) -> str | None:
    return rng.choice([*sorted({m["buyer_id"] for m in shop.messages}), None])


def _account(rng: random.Random, shop: MadeShop) -> str | None:
    return rng.choice([*sorted({line["account_id"] for line in shop.roster}), "S:09", None])


def _complaint(rng: random.Random, shop: MadeShop, start: dt.datetime, number: int) -> dict:
    at = _at(rng, start)
    clocks = {"opened_at": at, "cause_at": _later(rng, at, 4), "resolved_at": _later(rng, at, 48)}
    who = {"buyer_id": _buyer(rng, shop), "account_id": _account(rng, shop)}
    return clocks | who | {"complaint_id": f"c{number}", "kind": "any", "satisfied": rng.choice([True, False, None])}


def _rating(rng: random.Random, shop: MadeShop, start: dt.datetime) -> dict:
    at, full = _at(rng, start), rng.choice([1, 3, 5, 10])
    score = rng.choice([None, *range(full + 1)])
    times = {"invited_at": rng.choice([at, None]) if score is not None else at}
    times |= {"rated_at": _at(rng, at, 30) if score is not None else None}
    return times | {"account_id": _account(rng, shop), "score": score, "scale_max": full}


def _ticket(rng: random.Random, shop: MadeShop, start: dt.datetime, number: int) -> list[dict]:
    at, log = _at(rng, start), []
    events = ("assigned", "replied", "waiting", "resumed", "escalated", "resolved", "reopened", "closed")
    for event in ("created", *rng.choices(events, k=rng.randrange(9))):
        account, team = _account(rng, shop), rng.choice(["one", "two", None])
        log.append({"ticket_id": f"t{number}", "at": at, "event": event, "account_id": account, "team": team})
        at = _at(rng, at, 9)
    return log


def _check(rng: random.Random, shop: MadeShop, start: dt.datetime, number: int) -> dict:
    judged = {"score": rng.choice([None, 60, 87.5, 100]), "passed": rng.choice([True, False, None])}
    item = rng.choice(["promo_answer", "促销规则解答", "attitude"])
    by = {"source": rng.choice(["qa", "peer"]), "checker": "Q", "account_id": _account(rng, shop) or "S:09"}
    return judged | by | {"check_id": f"k{number}", "item": item, "at": _at(rng, start)}


def _due(rng: random.Random, shop: MadeShop, start: dt.datetime, kinds: tuple[str, ...]) -> dict:
    at = _at(rng, start)
    person = rng.choice(sorted({line["agent_id"] for line in shop.roster}))
    about = {"buyer_id": _buyer(rng, shop), "key_customer": rng.random() < 0.4, "kind": rng.choice(kinds)}
    return about | {"due_at": at, "done_at": _later(rng, at - dt.timedelta(hours=9), 30), "agent_id": person}


def _plan(rng: random.Random, number: int) -> dict:
    kind = rng.choice(["plan", "budget", "survey", "process"])
    period = rng.choice(["2026-02", "2026-03", "2026-Q1", "2026"])
    return {"kind": kind, "period": period, "item": f"i{number}", "planned": 10.5, "done": rng.choice([None, 9, 12.25])}


def _survey(rng: random.Random, start: dt.datetime, number: int) -> dict:
    answer = {"score": rng.choice([None, 1, 4, 5]), "scale_max": 5, "subject": rng.choice(["cooperation", "food"])}
    return answer | {"survey_id": f"s{number}", "asked_at": _at(rng, start)}


def _call(rng: random.Random, shop: MadeShop, start: dt.datetime, number: int) -> dict:
    at, outcome = _at(rng, start), rng.choice(["answered", "answered", "abandoned"])
    times = {"queued_at": at, "ended_at": at + dt.timedelta(minutes=5)}
    times |= {"answered_at": at + dt.timedelta(minutes=1) if outcome == "answered" else None}
    taken = {"account_id": _account(rng, shop) if outcome == "answered" else None, "outcome": outcome}
    about = {"call_id": f"call{number}", "customer_id": _buyer(rng, shop), "direction": rng.choice(["in", "in", "out"])}
    return times | taken | about
