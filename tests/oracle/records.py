"""Records beside the chats, row by row: refunds, complaints, ratings, issues, tickets and registers; and their metrics.

`records` gives the facts that csperf.aftersale, csperf.tickets and csperf.registers derive; `RECORD_METRICS` the
catalogue's sums over them, in points, amounts, counts and microseconds.
"""

from __future__ import annotations

import calendar
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from itertools import pairwise

from .metrics import Facts, Key, Pair, bare, only_shop, orders, over, total
from .people import Shop, microseconds
from .sessions import shop_of

PERSON = ("agent_id", "account_id", "role", "level", "shift")
HOUR = 3_600_000_000
POINT = 1_000_000


def records(given: dict[str, list[dict]], facts: Facts, definition, **settings) -> Facts:
    """Rows of every fact that the tables of `given` tell of, beside the chats' `facts`; purchases with `disputed`."""
    shop = shop_of(definition, **settings)
    found: Facts = {name: make(given[name], shop) for name, make in SIMPLE.items() if given.get(name)}
    if given.get("refunds"):
        found["refunds"] = refunds(given["refunds"], given["orders"], facts["agent_messages"], shop)
        found["purchases"] = [p | {"disputed": disputed(p, given["refunds"])} for p in facts["purchases"]]
    found["issues"] = issues(facts, given.get("complaints", []), shop)
    if given.get("visits"):
        found["key_customers"] = key_customers(given["visits"], given["orders"], shop)
    return found


def us(start: datetime, end: datetime | None) -> int | None:
    return None if end is None else microseconds(end - start)


def both(row: dict, who: dict | None) -> list[dict]:
    """The row for the shop, and for its agent where it has one."""
    row = {"category_code": None} | row
    shop = [row | dict.fromkeys(PERSON) | {"scope": "shop"}]
    return shop + ([row | who | {"scope": "agent"}] if who and who["agent_id"] else [])


def of_account(row: dict, shop: Shop) -> dict | None:
    who = shop.who(row["shop_id"], "agent", row["account_id"], row["day"]) if row["account_id"] else None
    return who and {name: who[name] for name in PERSON}


# ---------------------------------------------------------------- refunds


def refunds(rows: list[dict], bought: list[dict], said: list[dict], shop: Shop) -> list[dict]:
    """READING R63: a refund belongs to the last human who wrote to its buyer from window_h before it until its end."""
    found = []
    for row in rows:
        order = next((o for o in bought if o["order_id"] == row["order_id"]), None)
        buyer = order and order["buyer_id"]
        asked, end = row["requested_at"], row["finished_at"]
        heard = [
            m
            for m in said
            if m["scope"] == "agent" and not m["excluded"] and m["kind"] in ("text", "card", "sticker")
            if m["buyer_id"] == buyer and (end is None or m["sent_at"] <= end)
            if asked - m["sent_at"] <= timedelta(hours=shop.definition.window_h)
        ]
        last = max(heard, key=lambda m: (m["sent_at"], m["row_id"]), default=None)
        after = [us(asked, m["sent_at"]) for m in heard if m["sent_at"] >= asked]
        placed = order and (order["created_at"] or order["paid_at"])
        early = bool(placed and asked < placed)
        fact = {
            "shop_id": row["shop_id"],
            "day": row["day"],
            "row_id": row["refund_id"],
            "category_code": last and last["category_code"],
            "buyer_id": buyer,
            "finished_day": shop.day(end or asked),
            "outcome": row["outcome"],
            "intervened": row["platform_intervened"],
            "refund_us": us(asked, end) if row["outcome"] == "succeeded" else None,
            "contact_us": min(after, default=None),
            "excluded": early,
            "reason": "before_order" if early else None,
        }
        found += both(fact, last and {name: last[name] for name in PERSON})
    return found


def disputed(purchase: dict, rows: list[dict]) -> bool | None:
    """READING R64: not told where no refund says if the platform stepped in, or no such case whose fault it was."""
    done = [r for r in rows if r["outcome"] == "succeeded"]
    stepped = [r for r in done if r["platform_intervened"]]
    if done and all(r["platform_intervened"] is None for r in done):
        return None
    if stepped and all(r["merchant_liable"] is None for r in stepped):
        return None
    own = [r for r in done if r["order_id"] == purchase["order_id"] and r["platform_intervened"] is not False]
    if any(r["platform_intervened"] and r["merchant_liable"] for r in own):
        return True
    clear = all(r["merchant_liable"] is False for r in own)
    return False if clear else None


# ---------------------------------------------------------------- complaints and ratings


def complaints(rows: list[dict], shop: Shop) -> list[dict]:
    told = any(r["cause_at"] for r in rows)
    found = []
    for row in rows:
        fact = row | {
            "row_id": row["complaint_id"],
            "cause_us": us(row["opened_at"], row["cause_at"]),
            "result_us": us(row["opened_at"], row["resolved_at"]),
            "causes_told": told,
        }
        found += both(fact, of_account(row, shop))
    return found


def points(score: float | None, full: float) -> int | None:
    return None if score is None else round(score / full * 100 * POINT)


def ratings(rows: list[dict], shop: Shop) -> list[dict]:
    found = []
    for row in rows:
        day = row["day"] or row["invited_day"]
        fact = row | {
            "row_id": f"{row['source_file']}:{row['source_line']}",
            "day": day,
            "invited_day": row["invited_day"] or day,
            "rated": row["score"] is not None,
            "answers_told": any(r["score"] is not None for r in rows if r["source_file"] == row["source_file"]),
            "points_ppm": points(row["score"], row["scale_max"]),
        }
        found += both(fact, of_account(fact, shop))
    return found


# ---------------------------------------------------------------- issues


def issues(facts: Facts, told: list[dict], shop: Shop) -> list[dict]:
    """READING R65: contacts by their first question or call; the silence runs from the end of what came before."""
    gap = timedelta(days=shop.definition.issue_gap_days)
    by_buyer = defaultdict(list)
    for contact in contacts(facts):
        by_buyer[contact["buyer_id"]].append(contact)
    newest = max((c["start"] for own in by_buyer.values() for c in own), default=None)
    found = []
    for buyer, own in by_buyer.items():
        for group in grouped(sorted(own, key=lambda c: (c["start"], c["contact_id"])), gap):
            found += issue(buyer, group, facts, [t for t in told if t["buyer_id"] == buyer], newest, gap)
    return found


def contacts(facts: Facts) -> list[dict]:
    chats = [
        {"contact_id": s["session_id"], "start": s["asked_at"], "end": s["ended_at"]} | pick(s)
        for s in facts["sessions"]
        if s["scope"] == "shop" and s["asked"] and not s["excluded"]
    ]
    calls = [
        {"contact_id": c["call_id"], "start": c["queued_at"], "end": c["ended_at"]}
        | pick(c | {"buyer_id": c["customer_id"], "answered": c["outcome"] == "answered"})
        for c in facts.get("calls", [])
        if c["scope"] == "shop" and c["direction"] == "in" and c["customer_id"]
    ]
    return chats + calls


def pick(row: dict) -> dict:
    return {name: row[name] for name in ("shop_id", "buyer_id", "day", "category_code", "answered")}


def grouped(own: list[dict], gap: timedelta) -> Iterable[list[dict]]:
    group: list[dict] = []
    for contact in own:
        if group and contact["start"] - max(c["end"] for c in own[: own.index(contact)]) >= gap:
            yield group
            group = []
        group.append(contact)
    if group:
        yield group


def issue(
    buyer: str, group: list[dict], facts: Facts, told: list[dict], newest: datetime, gap: timedelta
) -> list[dict]:
    begun, ended = group[0]["start"], max(c["end"] for c in group)
    places = {c["contact_id"]: place for place, c in enumerate(group)}
    served = defaultdict(list)
    for row in facts["sessions"]:
        if row["scope"] == "agent" and row["answered"] and not row["excluded"] and row["session_id"] in places:
            served[row["agent_id"]].append((places[row["session_id"]], row))
    for row in facts.get("calls", []):
        if row["scope"] == "agent" and row["outcome"] == "answered" and row["call_id"] in places:
            served[row["agent_id"]].append((places[row["call_id"]], row))
    served.pop(None, None)
    whole = {
        "shop_id": group[0]["shop_id"],
        "row_id": group[0]["contact_id"],
        "buyer_id": buyer,
        "day": group[0]["day"],
        "category_code": group[0]["category_code"],
        "contacts": len(group),
        "agents": len(served),
        "answered": group[-1]["answered"],
        "abandoned": not any(c["answered"] for c in group),
        "complained": any(begun <= t["opened_at"] <= ended + gap for t in told),
        "settled": newest - ended >= gap,
        "solve_us": us(begun, ended),
    }
    rows = [whole | dict.fromkeys(PERSON) | {"scope": "shop", "first_contact": True, "last_contact": True}]
    for agent, own in served.items():
        own_places = [place for place, _ in own]
        person = {name: min((r[name] for _, r in own if r[name] is not None), default=None) for name in PERSON[1:]}
        ends = {"first_contact": 0 in own_places, "last_contact": len(group) - 1 in own_places}
        rows.append(whole | person | ends | {"scope": "agent", "agent_id": agent})
    return rows


# ---------------------------------------------------------------- tickets


def tickets(rows: list[dict], shop: Shop) -> list[dict]:
    """READING R66: `replied` sets no state; whatever sets one other than resolved and closed opens a ticket again."""
    teams = any(r["team"] for r in rows)
    by_ticket = defaultdict(list)
    for row in sorted(rows, key=lambda r: (r["at"], r["source_line"])):
        by_ticket[row["ticket_id"]].append(row)
    found = []
    for name, log in by_ticket.items():
        holders = [h for h in ((r["team"] if teams else r["account_id"]) for r in log) if h]
        accounts = [r["account_id"] for r in log if r["account_id"]]
        fact = {
            "shop_id": log[0]["shop_id"],
            "row_id": name,
            "day": log[0]["day"],
            "events": len(log),
            "hand_offs": sum(a != b for a, b in pairwise(holders)),
            "agents": len(set(accounts)),
            "complete": all(r["account_id"] and (r["team"] or not teams) for r in log),
            "account_id": accounts[-1] if accounts else None,
        } | states(log)
        found += both(fact, of_account(fact, shop))
    return found


def states(log: list[dict]) -> dict:
    setting = [r for place, r in enumerate(log) if r["event"] != "replied" or place == 0]
    over, since, reopened, again = False, None, 0, 0
    spent = {"waiting_us": 0, "working_us": 0}
    for place, row in enumerate(setting):
        now = row["event"] in ("resolved", "closed")
        reopened += over and not now
        since = row["at"] if now and not over else since
        again += row["event"] == "closed" and place > 0 and setting[place - 1]["event"] == "closed"
        over = now
        if place + 1 < len(setting) and not now:
            part = "waiting_us" if row["event"] == "waiting" else "working_us"
            spent[part] += microseconds(setting[place + 1]["at"] - row["at"])
    return spent | {
        "state": setting[-1]["event"],
        "resolved": over,
        "reopened": reopened,
        "closed_again": again,
        "solve_us": us(log[0]["at"], since) if over else None,
    }


# ---------------------------------------------------------------- registers


def of_person(row: dict, shop: Shop) -> dict | None:
    """Who the register names, by the first of the person's accounts on that day."""
    lines = [shop.entry(line["account_id"], row["day"]) for line in shop.roster]
    own = [line for line in lines if line and line["agent_id"] == row["agent_id"]]
    person = {n: min((line[n] for line in own if line[n]), default=None) for n in ("account_id", "role", "level")}
    shift = shop.shift(row["agent_id"], row["day"]) if own else None
    return person | {"agent_id": row["agent_id"], "shift": shift}


def numbered(row: dict) -> dict:
    return row | {"row_id": f"{row['source_file']}:{row['source_line']}"}


def checks(rows: list[dict], shop: Shop) -> list[dict]:
    found = []
    for row in rows:
        fact = row | {"row_id": f"{row['check_id']}/{row['item']}", "points_ppm": points(row["score"], 100)}
        found += both(fact, of_account(row, shop))
    return found


def visits(rows: list[dict], shop: Shop) -> list[dict]:
    return [f for r in rows for f in both(numbered(r) | {"done": r["done_at"] is not None}, of_person(r, shop))]


def feedback(rows: list[dict], shop: Shop) -> list[dict]:
    on_time = [r["done_at"] is not None and r["done_at"] <= r["due_at"] for r in rows]
    return [
        f
        for r, met in zip(rows, on_time, strict=True)
        for f in both(numbered(r) | {"on_time": met}, of_person(r, shop))
    ]


def plans(rows: list[dict], shop: Shop) -> list[dict]:
    found = []
    for row in rows:
        planned, done = (None if row[n] is None else round(row[n] * POINT) for n in ("planned", "done"))
        amounts = {"planned_ppm": planned, "done_ppm": done, "saved_ppm": None if done is None else planned - done}
        found += both(numbered(row) | amounts | {"day": last_day(row["period"])}, None)
    return found


def last_day(period: str) -> date:
    year, _, part = period.partition("-")
    month = 12 if not part else 3 * int(part[1]) if part[0] == "Q" else int(part)
    return date(int(year), month, calendar.monthrange(int(year), month)[1])


def surveys(rows: list[dict], shop: Shop) -> list[dict]:
    scaled = [r | {"row_id": r["survey_id"], "points_ppm": points(r["score"], r["scale_max"])} for r in rows]
    return [f for r in scaled for f in both(r, None)]


def key_customers(rows: list[dict], bought: list[dict], shop: Shop) -> list[dict]:
    """READING R67: several orders of a day are one purchase; the agent is who last had to visit the customer."""
    until = max((o["created_day"] or o["paid_day"] for o in bought), default=None)
    found = []
    for buyer in {r["buyer_id"] for r in rows if r["key_customer"] and r["buyer_id"]}:
        own = [r for r in rows if r["key_customer"] and r["buyer_id"] == buyer]
        newest = max(r["due_at"] for r in own)
        agent = min(r["agent_id"] for r in own if r["due_at"] == newest)
        days = sorted({o["paid_day"] for o in bought if o["buyer_id"] == buyer and o["paid_day"]})
        for day, again in pairwise([*days, None]):
            due = day + timedelta(days=shop.definition.key_lost_days)
            fact = {
                "shop_id": own[0]["shop_id"],
                "row_id": min(o["order_id"] for o in bought if (o["buyer_id"], o["paid_day"]) == (buyer, day)),
                "buyer_id": buyer,
                "day": due,
                "agent_id": agent,
                "lost": again is None or again > due,
            }
            found += both(fact, of_person(fact, shop)) if due <= until else []
    return found


SIMPLE: dict[str, Callable[[list[dict], Shop], list[dict]]] = {
    "complaints": complaints,
    "ratings": ratings,
    "tickets": tickets,
    "quality_checks": checks,
    "visits": visits,
    "feedback": feedback,
    "plans": plans,
    "surveys": surveys,
}

# ---------------------------------------------------------------- metrics


def among(facts: Facts, table: str, *conditions: Callable[[dict], object]) -> list[dict]:
    """Rows of a table that are not refused and meet every condition."""
    return [r for r in facts[table] if not r.get("excluded") and all(meets(r) for meets in conditions)]


def part(rows: list[dict], where: Callable[[dict], object], day: str = "day") -> dict[Key, Pair]:
    return over(total((r for r in rows if where(r)), day=day), total(rows, day=day))


def average(rows: list[dict], column: str, unit: int = 1, day: str = "day") -> dict[Key, Pair]:
    rows = [r for r in rows if r[column] is not None]
    return over(total(rows, lambda r: r[column] / unit, day=day), total(rows, day=day))


def within(column: str, limit: int) -> Callable[[dict], bool]:
    return lambda r: r[column] is not None and r[column] <= limit


def has(column: str) -> Callable[[dict], bool]:
    return lambda r: r[column] is not None


def is_(column: str) -> Callable[[dict], object]:
    return lambda r: r[column]


def dispute_share(f: Facts) -> dict[Key, Pair]:
    paid = among(f, "purchases", is_("paid"), has("disputed"))
    return over(total((p for p in paid if p["disputed"]), orders), total(paid, orders))


def complaint_share(f: Facts) -> dict[Key, Pair]:
    return over(total(f["complaints"]), total(r for r in f["buyer_days"] if r["answered"] and not r["excluded"]))


def plan(f: Facts, kind: str, column: str) -> dict[Key, Pair]:
    rows = among(f, "plans", lambda r: r["kind"] == kind, has("done_ppm"))
    tops, bottoms = (total(rows, lambda r, c=c: r[c] / POINT) for c in (column, "planned_ppm"))
    return only_shop(over(tops, bottoms))


def solved(f: Facts) -> list[dict]:
    served = among(f, "issues", is_("settled"), lambda r: not r["abandoned"], is_("last_contact"))
    return [r for r in served if r["answered"] and not r["complained"]]


def served(f: Facts, end: str) -> list[dict]:
    return among(f, "issues", is_("settled"), lambda r: not r["abandoned"], is_(end))


RECORD_METRICS: dict[str, Callable[[Facts], dict[Key, Pair]]] = {
    "refund_h": lambda f: average(
        among(f, "refunds", lambda r: r["outcome"] == "succeeded"), "refund_us", day="finished_day"
    ),
    "intervention_share": lambda f: part(among(f, "refunds", has("intervened")), is_("intervened")),
    "dispute_refund_share": dispute_share,
    "complaint_share": complaint_share,
    "complaint_cause_2h_share": lambda f: part(
        among(f, "complaints", is_("causes_told")), within("cause_us", 2 * HOUR)
    ),
    "complaint_result_24h_share": lambda f: part(f["complaints"], within("result_us", 24 * HOUR)),
    "complaint_solve_h": lambda f: average(f["complaints"], "result_us"),
    "complaint_solved_share": lambda f: part(f["complaints"], has("resolved_at")),
    "complaint_satisfied_share": lambda f: part(
        among(f, "complaints", has("resolved_at"), has("satisfied")), is_("satisfied")
    ),
    "csat": lambda f: average(f["ratings"], "points_ppm", POINT),
    "good_rating_share": lambda f: part(among(f, "ratings", is_("rated")), lambda r: r["points_ppm"] >= 80 * POINT),
    "low_rating_share": lambda f: part(among(f, "ratings", is_("rated")), within("points_ppm", 60 * POINT)),
    "dissatisfied_share": lambda f: part(among(f, "ratings", is_("rated")), within("points_ppm", 40 * POINT)),
    "rating_response_share": lambda f: part(
        among(f, "ratings", has("invited_at"), is_("answers_told")), is_("rated"), "invited_day"
    ),
    "contacts_per_issue": lambda f: average(among(f, "issues", is_("settled")), "contacts"),
    "agents_per_issue": lambda f: average(among(f, "issues", is_("settled"), lambda r: not r["abandoned"]), "agents"),
    "first_contact_share": lambda f: part(served(f, "first_contact"), lambda r: r["contacts"] == 1),
    "resolved_share": lambda f: over(total(solved(f)), total(served(f, "last_contact"))),
    "abandoned_issue_share": lambda f: part(among(f, "issues", is_("settled")), is_("abandoned")),
    "resolve_h": lambda f: average(solved(f), "solve_us"),
    "ticket_complete_share": lambda f: part(f["tickets"], is_("complete")),
    "ticket_resolved_share": lambda f: part(f["tickets"], is_("resolved")),
    "ticket_resolve_h": lambda f: average(among(f, "tickets", is_("resolved")), "solve_us"),
    "ticket_work_h": lambda f: average(among(f, "tickets", is_("resolved")), "working_us"),
    "hand_offs_per_ticket": lambda f: average(f["tickets"], "hand_offs"),
    "ticket_reopened_share": lambda f: part(
        among(f, "tickets", lambda r: r["resolved"] or r["reopened"]), is_("reopened")
    ),
    "qa_score": lambda f: average(f["quality_checks"], "points_ppm", POINT),
    "qa_pass_share": lambda f: part(among(f, "quality_checks", has("passed")), is_("passed")),
    "promo_answer_share": lambda f: part(
        among(f, "quality_checks", has("passed"), lambda r: r["item"] in ("promo_answer", "促销规则解答")),
        is_("passed"),
    ),
    "feedback_timely_share": lambda f: part(among(f, "feedback", lambda r: r["kind"] == "feedback"), is_("on_time")),
    "info_timely_share": lambda f: part(among(f, "feedback", lambda r: r["kind"] == "info"), is_("on_time")),
    "visit_share": lambda f: part(f["visits"], is_("done")),
    "key_visits": lambda f: bare(total(among(f, "visits", is_("done"), is_("key_customer")))),
    "key_customers_lost": lambda f: bare(total(among(f, "key_customers", is_("lost")))),
    "key_customer_loss_share": lambda f: part(f["key_customers"], is_("lost")),
    "plan_done_share": lambda f: plan(f, "plan", "done_ppm"),
    "survey_plan_share": lambda f: plan(f, "survey", "done_ppm"),
    "process_goal_share": lambda f: plan(f, "process", "done_ppm"),
    "budget_saved_share": lambda f: plan(f, "budget", "saved_ppm"),
    "budget_used_share": lambda f: plan(f, "budget", "done_ppm"),
    "cooperation_score": lambda f: only_shop(
        average(among(f, "surveys", lambda r: r["subject"] in ("cooperation", "协作", "部门协作")), "points_ppm", POINT)
    ),
}


def record_metrics(facts: Facts, key: str) -> dict[Key, Pair]:
    """{(scope, agent_id, day): (numerator, denominator)} of a catalogue key over records; without rows none."""
    return RECORD_METRICS[key](defaultdict(list, facts))
