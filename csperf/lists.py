"""Lists and maps straight from the facts: what no table of the mart holds."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from .catalogue import entry
from .facts import PPM
from .metric import Metric, Sum

CLOCKS = ("sent_at", "started_at", "queued_at")  # when a row of a fact began
QUICK_S, SILENT_S = 10, 180  # a reply that only stops the clock; a silence that a customer minds
LATE_S = 10  # passed on so shortly before the limit
HURRY_S, SHORT = 3600, 5  # before an order, and characters of a message that says something (PRACTICE 21)
ODD = ["agent_id", "n", "odd"]  # each agent's cases, and those of them that are looked for
SECOND = 1_000_000  # microseconds
COLUMNS = ["weekday", "hour", "value", "n"]


def week_map(
    facts: Mapping[str, ir.Table], metric: str, timezone: str, first_day: date, last_day: date
) -> pd.DataFrame:
    """The shop's value of a metric by weekday (0 = Monday) and local hour of the days given: COLUMNS, in its unit.

    value is null where there are no cases. An hour is that in which the row behind the value began. Only metrics of two
    sums over facts with a clock have such a map; for others, and where a fact is missing, it is empty.
    """
    known = entry(metric)
    if not isinstance(known, Metric) or known.denominator is None or not _mapped(facts, known):
        return pd.DataFrame(columns=COLUMNS)
    top, below = (_by_hour(facts, part, timezone, first_day, last_day) for part in known.sums.values())
    total, cases = (
        top["total"] / known.numerator.scale(known.unit),
        below["total"] / known.denominator.scale(known.unit),
    )
    return pd.DataFrame({"value": total / cases.where(cases > 0), "n": below["n"]}).reset_index()[COLUMNS]


def _mapped(facts: Mapping[str, ir.Table], known: Metric) -> bool:
    return all(name in facts and _clock(facts[name]) for name in known.facts)


def _clock(table: ir.Table) -> str:
    """The column that says when a row began; empty where there is none."""
    return next((name for name in CLOCKS if name in table.columns), "")


def _by_hour(facts: Mapping[str, ir.Table], part: Sum, timezone: str, first_day: date, last_day: date) -> pd.DataFrame:
    """Sums and cases by weekday and local hour. Minutes are added up first: zones shift by as little as 15 of them."""
    table = facts[part.fact]
    table = table.filter(table.scope == "shop", table[part.day].between(first_day, last_day))
    sums = {"total": part.amount(table), "n": part.observations(table)}
    minutes = table.select(at=table[_clock(table)].truncate("m"), **sums).group_by("at")
    rows = minutes.agg(total=lambda t: t.total.sum(), n=lambda t: t.n.sum()).to_pandas()
    local = _local(rows["at"], timezone)
    places = {"weekday": local.dt.day_of_week, "hour": local.dt.hour}
    return rows.assign(**places).groupby(list(places))[["total", "n"]].sum()


def quick_openings(facts: Mapping[str, ir.Table], first_day: date, last_day: date) -> pd.DataFrame:
    """ODD: openings that an agent answered within QUICK_S, and those of them followed by silence.

    Followed by silence: the customer's next question in the session had no answer, or one after SILENT_S. Quick ones
    without another question say nothing and are not counted. In service hours.
    """
    turns = _own_turns(facts, first_day, last_day)
    order = ibis.window(group_by=["agent_id", "session_id"], order_by=["started_at", "row_id"])
    after = turns.mutate(next_answered=turns.answered.lead().over(order), next_wait=turns.wait_us.lead().over(order))
    quick = after.filter(
        after.opening, after.answered, after.wait_us <= QUICK_S * SECOND, after.next_answered.notnull()
    )
    silent = ~quick.next_answered | (quick.next_wait.fill_null(0) > SILENT_S * SECOND)
    rows = quick.group_by("agent_id").agg(n=quick.count(), odd=silent.sum())
    return rows.order_by("agent_id").to_pandas()[ODD]


def passed_on(
    facts: Mapping[str, ir.Table], messages: ir.Table, limit_s: int, first_day: date, last_day: date
) -> pd.DataFrame:
    """ODD: questions that an agent passed on unanswered, and those of them in the last LATE_S before the limit.

    `limit_s`: within which a first reply is in time. `messages`: the store's, for when they were passed on. In service
    hours; what counting rules forgive the giver is looked at as well.
    """
    turns = _own_turns(facts, first_day, last_day, "passed_on")
    asked = turns.filter(turns.transferred_out, ~turns.answered).select("row_id", "agent_id", "buyer_id", "started_at")
    passed = messages.filter(messages.kind == "transfer").select("buyer_id", "sent_at")
    both = asked.to_pandas().merge(passed.to_pandas(), on="buyer_id")
    held = (both["sent_at"] - both["started_at"]).dt.total_seconds()
    first = both.assign(held=held)[held >= 0].groupby(["agent_id", "row_id"], as_index=False)["held"].min()
    return _counted(first, (first["held"] < limit_s) & (first["held"] >= limit_s - LATE_S))


def thin_credit(facts: Mapping[str, ir.Table], messages: ir.Table, first_day: date, last_day: date) -> pd.DataFrame:
    """ODD: orders that an agent earned with a message in the HURRY_S before, and those before which all of these were
    under SHORT characters and none a card (抢单, PRACTICE 21). `messages`: the store's, for their words."""
    bought, spoken = facts["purchases"], facts["agent_messages"]
    bought = bought.filter(bought.scope == "agent", bought.day.between(first_day, last_day))
    bought = bought.select("agent_id", "buyer_id", "order_id", "created_at")
    spoken = spoken.filter(spoken.scope == "agent", spoken.kind != "transfer")
    both = bought.inner_join(
        spoken.select("agent_id", "buyer_id", "row_id", "sent_at", "kind"), ["agent_id", "buyer_id"]
    )
    since = both.created_at.delta(both.sent_at, unit="microsecond")
    said = (
        both.filter(since >= 0, since <= HURRY_S * SECOND).select("agent_id", "order_id", "row_id", "kind").to_pandas()
    )
    words = messages.filter(messages.kind == "text").select("row_id", length=messages.text.length()).to_pandas()
    enough = said["row_id"].map(words.set_index("row_id")["length"]).ge(SHORT) | (said["kind"] == "card")
    orders = said.assign(odd=~enough).groupby(["agent_id", "order_id"], as_index=False)["odd"].all()
    return _counted(orders, orders["odd"])


def _own_turns(facts: Mapping[str, ir.Table], first_day: date, last_day: date, *forgiven: str) -> ir.Table:
    """The agents' turns of these days that count, and those left out for one of these reasons."""
    turns = facts["turns"]
    counted = (~turns.excluded | turns.reason.isin(forgiven)) if forgiven else ~turns.excluded
    turns = turns.filter(turns.scope == "agent", turns.agent_id.notnull(), counted, turns.in_hours)
    return turns.filter(turns.day.between(first_day, last_day))


def _counted(rows: pd.DataFrame, odd: pd.Series) -> pd.DataFrame:
    """ODD of rows that name their agent."""
    return rows.assign(odd=odd).groupby("agent_id")["odd"].agg(n="size", odd="sum").reset_index()[ODD]


def open_refunds(refunds: ir.Table, until: date, timezone: str) -> pd.DataFrame:
    """refund_id, order_id, agent_id, requested_at: waiting refunds about which nobody has written since.

    `refunds`: the fact. Oldest first, asked for up to that day. agent_id: who had written to the buyer last; null where
    nobody had. requested_at: local time. The order's number leads to the buyer, who is named in no list.
    """
    waiting = refunds.filter(
        ~refunds.excluded, refunds.outcome == "open", refunds.contact_us.isnull(), refunds.day <= until
    )
    whole, talked = waiting.filter(waiting.scope == "shop"), waiting.filter(waiting.scope == "agent")
    last = talked.group_by("refund_id").agg(agent=talked.agent_id.max())  # one agent each
    rows = whole.drop("agent_id").left_join(last, "refund_id").rename(agent_id="agent")
    columns = ["refund_id", "order_id", "agent_id", "requested_at"]
    found = rows.select(columns).order_by("requested_at", "refund_id").to_pandas()
    return found.assign(requested_at=_local(found["requested_at"], timezone))


def _local(times: pd.Series, timezone: str) -> pd.Series:
    return pd.to_datetime(times, utc=True).dt.tz_convert(timezone)


CAUSE_H, RESULT_H = 2, 24  # S1-10: the clocks of a complaint


def overdue_complaints(complaints: ir.Table, until: date, timezone: str) -> pd.DataFrame:
    """complaint_id, agent_id, opened_at, waits_for, late_h: complaints past a clock, the latest first.

    `complaints`: the fact. waits_for: `cause` where none was found CAUSE_H after the opening, `result` where it was not
    solved after RESULT_H. opened_at: local time. late_h: hours beyond the clock at the end of the day `until`.
    """
    end = pd.Timestamp(until, tz=timezone) + pd.Timedelta(days=1)
    rows = complaints.filter(complaints.day <= until, complaints.resolved_at.isnull()).to_pandas()
    agents = rows[rows["scope"] == "agent"].set_index("complaint_id")["agent_id"]
    whole = rows[rows["scope"] == "shop"]
    open_h = (end - pd.to_datetime(whole["opened_at"], utc=True)).dt.total_seconds() / 3600
    asked = whole["cause_at"].isna() & whole["causes_told"] & (open_h <= RESULT_H)
    limit = asked.map({True: CAUSE_H, False: RESULT_H})
    late = whole.assign(
        agent_id=whole["complaint_id"].map(agents),
        waits_for=asked.map({True: "cause", False: "result"}),
        opened_at=_local(whole["opened_at"], timezone),
        late_h=open_h - limit,
    )
    late = late[late["late_h"] > 0].sort_values(["late_h", "complaint_id"], ascending=[False, True], ignore_index=True)
    return late[["complaint_id", "agent_id", "opened_at", "waits_for", "late_h"]]


def checked_items(checks: ir.Table, first_day: date, last_day: date) -> pd.DataFrame:
    """item, source, points, passed, n: quality checks of the days by item and by who checked.

    `checks`: the fact. points: mean score of 100; passed: share of those judged; null where there is none.
    """
    rows = checks.filter(checks.scope == "shop", checks.day.between(first_day, last_day))
    found = rows.group_by("item", "source").agg(
        points=rows.points_ppm.mean() / PPM, passed=rows.passed.cast("int64").mean(), n=rows.count()
    )
    return found.order_by("item", "source").to_pandas()
