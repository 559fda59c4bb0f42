"""Worked examples as small text tables: read, and answered in the same notation.

A file under tests/spec holds a title, the messages (`chat`), where needed `orders`, `roster`, `shifts` and settings,
and then what is expected under one or more sets of definitions:

    expect taobao clock_start=last
    turns shop
    started_at | wait_s | answered
    10:10:15   | 170    | yes

Tables of records (complaints, ratings, calls, tickets, quality_checks, visits, feedback, plans, surveys) have the
contract's own columns. A time is a local clock time, `+1 00:00:30` that of the next day. Columns ending in `_s` are the
facts' `_us` columns in seconds; `session` is the number of the session; `-` is null. Under `metrics` each line is one
value, numerator and denominator apart, waits in seconds, times to solve something in hours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import shops
from oracle import RECORD_METRICS, metrics, record_metrics

from csperf.definitions import SETS, Definition
from csperf.facts import INPUT

SPEC = Path(__file__).with_name("spec")
RECORDS = (*("complaints", "ratings", "calls", "tickets", "quality_checks", "visits", "feedback", "plans", "surveys"),)
IN_SECONDS = ("mean_wait_msg_s", "mean_wait_turn_s", "first_reply_s", "handle_min")
IN_HOURS = ("refund_h", "complaint_solve_h", "resolve_h", "ticket_resolve_h", "ticket_work_h")
Table = list[dict[str, str]]
Facts = dict[str, list[dict]]


@dataclass(frozen=True)
class Expectation:
    """What one set of definitions must give: (table, scope) -> rows, as text."""

    case: str
    definition: Definition
    tables: dict[tuple[str, str], Table]

    def __str__(self) -> str:
        return f"{self.case}:{self.definition.name}"


@dataclass(frozen=True)
class Case:
    """One worked example."""

    name: str
    title: str
    day: date
    shop: shops.MadeShop
    expectations: tuple[Expectation, ...]


def read(path: Path, day: date | None = None) -> Case:
    """The case a spec file holds; on another day than its own if one is given."""
    blocks = [block.splitlines() for block in cleaned(path).split("\n\n") if block.strip()]
    title, settings = blocks[0][0], dict(line.split(": ", 1) for line in blocks[0][1:])
    day = day or date.fromisoformat(settings["day"])
    inputs: dict[str, Table] = {}
    expectations: list[Expectation] = []
    for lines in blocks[1:]:
        if lines[0].startswith("expect "):
            expectations.append(Expectation(path.stem, definition(lines[0].split()[1:]), {}))
            lines = lines[1:]
        if expectations:
            name, _, scope = lines[0].partition(" ")
            expectations[-1].tables[name, scope] = rows(lines[1:])
        else:
            inputs[lines[0]] = rows(lines[1:])
    return Case(path.stem, title, day, made(inputs, settings, day), tuple(expectations))


def cleaned(path: Path) -> str:
    """The file without its comment lines."""
    return "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#"))


def rows(lines: list[str]) -> Table:
    """A table of cells parted by |, the first line its header."""
    header, *body = ([cell.strip() for cell in line.split("|")] for line in lines)
    return [dict(zip(header, cells, strict=True)) for cells in body]


def definition(words: Iterable[str]) -> Definition:
    """A named set with single rules changed: `taobao clock_start=last`."""
    name, *changes = words
    base = SETS[name].model_dump()
    pairs = dict(change.split("=") for change in changes)
    for key in pairs:
        if key not in base:
            raise KeyError(key)
    return Definition.model_validate({**base, **pairs})


# ---------------------------------------------------------------- text -> rows


def made(inputs: dict[str, Table], settings: dict[str, str], day: date) -> shops.MadeShop:
    """The shop a case describes."""
    tz = settings.get("timezone", shops.TZ)
    opens, closes = settings.get("hours", "00:00-24:00").split("-")
    return shops.MadeShop(
        shops.numbered(message_of(row, day, tz) for row in inputs["chat"]),
        [order_of(number, row, day, tz) for number, row in enumerate(inputs.get("orders", ()), start=1)],
        [refund_of(number, row, day, tz) for number, row in enumerate(inputs.get("refunds", ()), start=1)],
        [shops.person(row["account"], row["person"], row.get("role", "pre")) for row in inputs.get("roster", ())],
        [shift_of(row, day, tz) for row in inputs.get("shifts", ())],
        records={
            name: [record_of(name, *row, day, tz) for row in enumerate(inputs[name], start=1)]
            for name in RECORDS
            if name in inputs
        },
        internal_accounts=tuple(settings.get("internal accounts", "").split()),
        listed_buyers=tuple(settings.get("listed buyers", "").split()),
        hours=(opens, closes),
        tz=tz,
    )


def moment(cell: str, day: date, tz: str) -> datetime | None:
    """The moment a cell names, None for `-`."""
    if cell == "-":
        return None
    shift, _, clock = cell.rpartition(" ")
    local = datetime.combine(day + timedelta(days=int(shift or 0)), time.fromisoformat(clock), ZoneInfo(tz))
    return local.astimezone(UTC)


def message_of(row: dict[str, str], day: date, tz: str) -> dict:
    at = moment(row["time"], day, tz)
    assert at is not None
    cells = {name: None if value == "-" else value for name, value in row.items()}
    built = shops.message(at, row["who"], row.get("what", "text"), buyer=row.get("buyer", "b1"), tz=tz)
    renamed = {"account": "account_id", "text": "text", "to": "to_account"}
    return built | {renamed[name]: cell for name, cell in cells.items() if name in renamed}


def order_of(number: int, row: dict[str, str], day: date, tz: str) -> dict:
    paid = moment(row["paid"], day, tz)
    amount = round(float(row.get("yuan", "99")) * 100)
    cells = {"order_id": row["order"], "amount_fen": amount, "paid_fen": amount if paid else None}
    if "grouped" in row:
        cells["grouped_at"] = moment(row["grouped"], day, tz)
    return shops.order(number, row["buyer"], moment(row["created"], day, tz), paid, **cells)


def refund_of(number: int, row: dict[str, str], day: date, tz: str) -> dict:
    at = moment(row["requested"], day, tz)
    assert at is not None
    fen = round(float(row["yuan"]) * 100)
    told = {name: YES[row[name]] for name in ("platform_intervened", "merchant_liable") if name in row}
    return shops.refund(number, row["order"], at, moment(row["finished"], day, tz), fen, row["outcome"]) | told


YES = {"yes": True, "no": False, "-": None}


def record_of(name: str, number: int, row: dict[str, str], day: date, tz: str) -> dict:
    """A row of a table of facts.INPUT, cells read by the type of their column; what a row does not name is null."""
    blank = dict.fromkeys(column.name for column in INPUT[name].columns)
    origin = {"shop_id": shops.SHOP, "source_file": f"{name}.csv", "source_line": number}
    typed = {column.name: column.type for column in INPUT[name].columns}
    cells = {column: cell_of(typed[column], cell, day, tz) for column, cell in row.items()}
    if cells.get("period") == "month":
        cells["period"] = f"{day:%Y-%m}"  # whichever month the case is moved to
    times = {column: cells.get(time) for column, time in INPUT[name].days.items()}
    days = {column: at and at.astimezone(ZoneInfo(tz)).date() for column, at in times.items()}
    return blank | origin | cells | days


def cell_of(kind: str, cell: str, day: date, tz: str) -> object:
    if cell == "-":
        return None
    if kind.startswith("timestamp"):
        return moment(cell, day, tz)
    return {"boolean": YES.get, "float64": float, "int64": int}.get(kind, str)(cell)


def shift_of(row: dict[str, str], day: date, tz: str) -> dict:
    start = moment(row["start"], day, tz)
    assert start is not None
    return shops.shift(row["person"], start, float(row["hours"]), row["shift"], tz)


# ---------------------------------------------------------------- rows -> text


def found(case: Case, expectation: Expectation, facts: Facts) -> dict[tuple[str, str], Table]:
    """The same tables as expected, filled from facts."""
    return {
        (name, scope): metric_lines(case, expected, facts)
        if name == "metrics"
        else fact_lines(case, list(expected[0]), [r for r in facts[name] if r["scope"] == scope], facts)
        for (name, scope), expected in expectation.tables.items()
    }


def fact_lines(case: Case, columns: list[str], facts_rows: list[dict], facts: Facts) -> Table:
    show = {"session": lambda row: session_number(row, facts)}
    return [
        {column: show[column](row) if column in show else shown(case, column, row) for column in columns}
        for row in facts_rows
    ]


def session_number(row: dict, facts: Facts) -> str:
    ids = {s["session_id"] for s in facts["sessions"] if s["scope"] == "shop" and s["buyer_id"] == row["buyer_id"]}
    starts = sorted(ids, key=lambda name: int(name.rpartition("/")[2]))
    return str(starts.index(row["session_id"]) + 1)


def shown(case: Case, column: str, row: dict) -> str:
    """One cell in the notation of the files."""
    if column in row:
        value = row[column]
    else:
        value = row[column.removesuffix("_s") + "_us"]
        value = None if value is None else value / 1_000_000
    if value is None:
        return "-"
    if isinstance(value, datetime):
        local = value.astimezone(ZoneInfo(case.shop.tz))
        days = (local.date() - case.day).days
        return f"{local:%H:%M:%S}" if days == 0 else f"{days:+d} {local:%H:%M:%S}"
    if isinstance(value, date):
        return f"{(value - case.day).days:+d}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def metric_lines(case: Case, expected: Table, facts: Facts) -> Table:
    """Each expected line with the numerator and denominator found; `-` where the facts give none."""
    lines = []
    for line in expected:
        scope, agent = ("shop", None) if line["who"] == "shop" else ("agent", line["who"])
        day = day_of(line.get("day", "0"), case.day)
        key = line["metric"]
        pair = (record_metrics if key in RECORD_METRICS else metrics)(facts, key).get((scope, agent, day))
        unit = 1_000_000 if key.removesuffix("_allday") in IN_SECONDS else 3_600_000_000 if key in IN_HOURS else 1
        top, bottom = (
            ("-", "-") if pair is None else (f"{pair[0] / unit:g}", "-" if pair[1] is None else f"{pair[1]:g}")
        )
        lines.append(line | {"numerator": top, "denominator": bottom})
    return lines


def day_of(cell: str, day: date) -> date:
    """The day so many days after the case's own; `end` is the last of its month."""
    if cell == "end":
        return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return day + timedelta(days=int(cell))


def by_text(table: Table) -> list[tuple[str, ...]]:
    """Rows in an order that does not depend on how they were found."""
    return sorted(tuple(row.values()) for row in table)


def cases(first: date | None = None) -> list[Case]:
    """Every case, by file name; with `first`, on days so far apart that no case touches the next."""
    apart = timedelta(days=60)
    paths = sorted(SPEC.glob("*.txt"))
    return [read(path, first and first + number * apart) for number, path in enumerate(paths)]


# ---------------------------------------------------------------- many cases, one shop


def joined(every: Iterable[Case]) -> shops.MadeShop:
    """One shop that holds several cases (of one zone and the same hours), their names set before every id.

    The engine takes seconds for a shop, however small; so it answers all cases of a definition at once.
    """
    every = list(every)
    whole = shops.MadeShop([], hours=every[0].shop.hours, tz=every[0].shop.tz)
    for case in every:
        for table in ("messages", "orders", "refunds", "roster", "shifts"):
            getattr(whole, table).extend(renamed(row, f"{case.name}~") for row in getattr(case.shop, table))
        for table, rows in case.shop.records.items():
            whole.records.setdefault(table, []).extend(renamed(row, f"{case.name}~") for row in rows)
        whole.internal_accounts += tuple(f"{case.name}~{name}" for name in case.shop.internal_accounts)
        whole.listed_buyers += tuple(f"{case.name}~{name}" for name in case.shop.listed_buyers)
    return whole


def renamed(row: dict, prefix: str) -> dict:
    ids = (
        "row_id",
        "buyer_id",
        "account_id",
        "to_account",
        "agent_id",
        "order_id",
        "refund_id",
        "customer_id",
        "call_id",
    )
    ids += (
        "complaint_id",
        "ticket_id",
        "check_id",
        "survey_id",
        "source_file",
        *(["item"] if "planned" in row else []),
    )
    return row | {name: prefix + row[name] for name in ids if row.get(name) is not None}


def part(case: Case, facts: Facts) -> Facts:
    """The rows of one case among those of a joined shop, under their own names again."""
    prefix = f"{case.name}~"
    near = [case.day + timedelta(days=number) for number in range(-1, 5)]
    own: Facts = {}
    for name, table in facts.items():
        if name == "agent_days":
            kept = [r for r in table if r["day"] in near and (r["agent_id"] or prefix).startswith(prefix)]
        else:
            kept = [r for r in table if (r.get("buyer_id") or r["row_id"]).startswith(prefix)]
        own[name] = [
            {key: value.removeprefix(prefix) if isinstance(value, str) else value for key, value in row.items()}
            for row in kept
        ]
    return own


def check(case: Case, expectation: Expectation, facts: Facts) -> None:
    """AssertionError with both tables where the facts are other than the case says."""
    got = found(case, expectation, facts)
    for table, expected in expectation.tables.items():
        found_lines, expected_lines = by_text(got[table]), by_text(expected)
        title = f"{case.title}: {' '.join(table)} under {expectation.definition.name}"
        assert found_lines == expected_lines, f"{title}\n{drawn(found_lines)}\nis not\n{drawn(expected_lines)}"


def drawn(lines: list[tuple[str, ...]]) -> str:
    return "\n".join(" | ".join(line) for line in lines)
