"""What people write down: quality checks, visits, feedback, plans and budgets, surveys; and key customers who left."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ibis
import ibis.expr.types as ir
from ibis import _

from .definitions import Definition
from .engine import materialise, points_ppm
from .facts import FULL_POINTS, PPM
from .turns.days import AGENT_DAY, PERSON, for_shop_and_agents, with_people


def derive(
    con: ibis.BaseBackend, given: Mapping[str, ir.Table], people: ir.Table, definition: Definition
) -> dict[str, ir.Table]:
    """The facts of facts.DERIVED that come from `given`: registers and surveys, as far as they were loaded.

    `people` as in turns.people. Plans and surveys are the shop's; the other rows are their agents' too.
    """
    make: dict[str, Callable[[ir.Table], ir.Table]] = {
        "quality_checks": lambda rows: with_people(_checks(rows), people),
        "visits": lambda rows: with_roles(_numbered(rows.mutate(done=rows.done_at.notnull())), people),
        "feedback": lambda rows: with_roles(_numbered(rows.mutate(on_time=_in_time(rows))), people),
        "plans": _plans,
        "surveys": _surveys,
    }
    found = {name: for_shop_and_agents(rows(given[name]), name) for name, rows in make.items() if name in given}
    if {"visits", "orders"} <= set(given):
        lost = with_roles(key_customers(given["visits"], given["orders"], definition), people)
        found["key_customers"] = for_shop_and_agents(lost, "key_customers")
    return {name: materialise(con, table) for name, table in found.items()}


def with_roles(rows: ir.Table, people: ir.Table) -> ir.Table:
    """Adds account_id, role, level and shift of the person on that day; null for who is not on the roster."""
    known = people.group_by(*AGENT_DAY).agg(**{name: _[name].min() for name in PERSON if name != "agent_id"})
    return rows.left_join(known, AGENT_DAY).drop("agent_id_right", "day_right").mutate(category_code=None)


def _numbered(rows: ir.Table) -> ir.Table:
    """Adds row_id: the file and the line, since registers number nothing themselves."""
    return rows.mutate(row_id=rows.source_file.concat(":", rows.source_line.cast("string")))


def _of_shop(rows: ir.Table) -> ir.Table:
    return rows.mutate(**{name: ibis.null("string") for name in (*PERSON, "category_code")})


def _in_time(rows: ir.Table) -> ir.BooleanValue:
    return (rows.done_at <= rows.due_at).fill_null(False)


def _checks(rows: ir.Table) -> ir.Table:
    return rows.mutate(
        row_id=rows.check_id.concat("/", rows.item),
        category_code=ibis.null("string"),
        points_ppm=points_ppm(rows.score, FULL_POINTS),
    )


def _plans(rows: ir.Table) -> ir.Table:
    planned, done = ((rows[name] * PPM).round().cast("int64") for name in ("planned", "done"))
    return _of_shop(_numbered(rows)).mutate(
        planned_ppm=planned, done_ppm=done, saved_ppm=planned - done, day=last_day(rows.period)
    )


def last_day(period: ir.StringValue) -> ir.DateValue:
    """The last day of a period written 2026-10, 2026-Q4 or 2026."""
    year, part = period.substr(0, 4).cast("int64"), period.substr(5, 2)
    quarter = ibis.ifelse(part.startswith("Q"), part.replace("Q", ""), "4").cast("int64")
    month = ibis.ifelse(part.re_search(r"^\d\d$"), part, "0").cast("int64")
    month = ibis.ifelse(month > 0, month, 3 * quarter)
    follows = ibis.date(year + month // 12, month % 12 + 1, 1)
    return (follows - ibis.interval(days=1)).cast("date")


def _surveys(rows: ir.Table) -> ir.Table:
    return _of_shop(rows).mutate(row_id=rows.survey_id, points_ppm=points_ppm(rows.score, rows.scale_max))


def key_customers(visits: ir.Table, orders: ir.Table, definition: Definition) -> ir.Table:
    """Purchases by key customers that are key_lost_days old: was there another since? With who last had to visit them.

    Several orders of one day are one purchase, known by the first of their numbers: its row_id names no buyer. Exports
    go by the day of ordering, so the latest one is the last day on which a purchase could have been seen.
    """
    marked = visits.filter(visits.key_customer & visits.buyer_id.notnull())
    newest = ibis.window(group_by=["shop_id", "buyer_id"], order_by=[ibis.desc("due_at"), "agent_id"])
    place = marked.mutate(place=ibis.row_number().over(newest))
    keys = place.filter(_.place == 0).select("shop_id", "buyer_id", "agent_id")
    until = orders.mutate(told=orders.created_day.fill_null(orders.paid_day)).agg(until=_.told.max())
    paid = orders.filter(orders.paid_day.notnull() & orders.buyer_id.notnull())
    days = paid.group_by("shop_id", "buyer_id", bought_day=paid.paid_day).agg(row_id=paid.order_id.min())
    days = days.inner_join(keys, ["shop_id", "buyer_id"])
    again = days.bought_day.lead().over(ibis.window(group_by=["shop_id", "buyer_id"], order_by="bought_day"))
    due = days.mutate(again=again, day=(days.bought_day + ibis.interval(days=definition.key_lost_days)).cast("date"))
    rows = due.cross_join(until).filter(_.day <= _.until)
    return rows.mutate(lost=rows.again.isnull() | (rows.again > rows.day)).drop("again", "until")
