"""What a day adds up to: a buyer's day, an agent's day; and how busy an agent was when several chats were open."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from ..definitions import Definition
from ..engine import Scratch, expression, instant
from ..facts import conform
from .events import BUYER
from .runs import beside, only
from .shop import SECOND

CHAT = [*BUYER, "s_us"]
AGENT_DAY = ["agent_id", "day"]
PARTS = 26_771_144_400  # of a microsecond: as many as 26 chats divide it without rest
HANDLED = ["account_id", "first_us", "last_us"]
PERSON = ("agent_id", "account_id", "role", "level", "shift")


def with_people(rows: ir.Table, people: ir.Table) -> ir.Table:
    """Adds agent_id, role, level, shift of the account on that day; an account not on the roster stands for itself."""
    known = people.select("account_id", "day", "agent_id", "role", "level", "shift")
    joined = rows.left_join(known, ["account_id", "day"]).drop("account_id_right", "day_right")
    return joined.mutate(agent_id=joined.agent_id.fill_null(joined.account_id))


def for_shop_and_agents(rows: ir.Table, name: str) -> ir.Table:
    """The rows of DERIVED[name], each once for the shop, and for its agent where it has one."""
    agents = rows.filter(rows.agent_id.notnull()).mutate(scope=ibis.literal("agent"))
    shop = rows.mutate(scope=ibis.literal("shop"), **{who: ibis.null("string") for who in PERSON})
    return ibis.union(*(conform(part, name) for part in (shop, agents)))


@expression
def buyer_days(messages: ir.Table, turned: ir.Table, definition: Definition) -> ir.Table:
    """A buyer on a local day, for the shop and for each agent; excluded where none of its messages counts.

    `messages` and `turned` are buyer_messages and turns with people, still by number. max_wait_us and unanswered look
    at raw waits of its in-hours messages.
    """
    asked = messages.filter((messages.reason != "closing_phrase").fill_null(True))
    counts = ~_.excluded
    served = counts & _.in_hours
    key = ["buyer", "who", "day"]
    grouped = asked.group_by(key).agg(
        row_id=_.row_id.argmin(_.own_ord),
        agent_id=_.agent_id.min(),
        account=only(counts, _.account).min().fill_null(_.account.min()),
        role=_.role.min(),
        level=_.level.min(),
        shift=_.shift.min(),
        category_code=_.category_code.max(),
        first_us=only(counts, _.us).min().fill_null(_.us.min()),
        messages=counts.sum(),
        messages_in_hours=served.sum(),
        max_wait_us=only(served, _.wait_us).max(),
        unanswered=(served & _.wait_us.isnull()).any(),
        max_wait_allday_us=only(counts, _.wait_us).max(),
        unanswered_allday=(counts & _.wait_us.isnull()).any(),
        answered=(counts & _.wait_us.notnull()).any(),
        in_hours=served.any(),
        excluded=_.excluded.all(),
        reason=_.reason.max(),
    )
    opened = turned.filter(~turned.excluded).group_by(key).agg(turns=_.count())
    both = beside(grouped, opened, key)
    return both.mutate(
        turns=_.turns.fill_null(0),
        first_question_at=instant(_.first_us),
        any_fail_us=ibis.literal(definition.any_fail_s * SECOND),
        reason=only(_.excluded, _.reason),
    )


def agent_days(said: ir.Table, replies: ir.Table, people: ir.Table, covered: ir.Table) -> ir.Table:
    """A roster agent on a covered day, and the day's sums for the shop. `said` and `replies` have people.

    worked: a shift starts that day, or a human row was sent (a colleague's chat too). replied: a counted reply.
    Null shift_us and online_us: no shift table.
    """
    days = _on_roster(people, covered).outer_join(_active(said, replies), AGENT_DAY)
    days = days.mutate(agent_id=_.agent_id.fill_null(_.agent_id_right), day=_.day.fill_null(_.day_right))
    agents = days.select(
        *AGENT_DAY,
        *("role", "level", "shift", "shift_us"),
        scope=ibis.literal("agent"),
        account_id=_.account.fill_null(_.account_id),
        scheduled=_.shift_us.notnull().cast("int64"),
        worked=(_.shift_us.notnull() | (_.sent > 0).fill_null(False)).cast("int64"),
        replied=_.replied.fill_null(0),
    )
    return agents.union(_shop_days(agents, covered).select(agents.columns)).mutate(
        row_id=_.agent_id.fill_null("*").concat("/", _.day.cast("string")),
        online_us=ibis.null("int64"),
        category_code=ibis.null("string"),
    )


def _on_roster(people: ir.Table, covered: ir.Table) -> ir.Table:
    """People employed on each covered day; one row for somebody with several accounts."""
    employed = people.filter(people.employed).semi_join(covered, "day")
    return employed.group_by(*AGENT_DAY).agg(
        role=_.role.min(),
        level=_.level.min(),
        shift=_.shift.min(),
        shift_us=_.shift_us.max(),
        account=_.account_id.min(),
    )


def _active(said: ir.Table, replies: ir.Table) -> ir.Table:
    """Who wrote anything (sent), or gave a counted reply (replied), on which day."""
    yes, no = ibis.literal(1, "int64"), ibis.literal(0, "int64")
    wrote = said.filter(said.scope == "agent").select(*AGENT_DAY, "account_id", sent=yes, replied=no)
    answered = replies.select(*AGENT_DAY, "account_id", sent=no, replied=yes)
    both = wrote.union(answered).group_by(*AGENT_DAY)
    return both.agg(sent=_.sent.max(), replied=_.replied.max(), account_id=_.account_id.min())


def _shop_days(agents: ir.Table, covered: ir.Table) -> ir.Table:
    sums = agents.group_by("day").agg(
        scheduled=_.scheduled.sum(), worked=_.worked.sum(), replied=_.replied.sum(), shift_us=_.shift_us.sum()
    )
    days = covered.left_join(sums, "day").drop("day_right")
    counts = {name: days[name].fill_null(0) for name in ("scheduled", "worked", "replied")}
    nobody = {name: ibis.null("string") for name in ("agent_id", "account_id", "role", "level", "shift")}
    return days.mutate(scope=ibis.literal("shop"), **counts, **nobody)


@expression
def with_agents(sessions: ir.Table, served: ir.Table) -> ir.Table:
    """Adds agents: how many people were assigned or replied in the whole session; `served`: sessions with people."""
    people = served.filter(served.agent_id.notnull()).group_by(CHAT).agg(agents=_.agent_id.nunique())
    return beside(sessions, people, CHAT).mutate(agents=_.agents.fill_null(0))


def active_time(keep: Scratch, sessions: ir.Table) -> ir.Table:
    """active_us of the chats that have one, by what it depends on (HANDLED): a duration with every moment divided by
    the chats open (C44).

    Time in which k chats of an agent were open counts 1/k for each, so that an agent's active times add up to the time
    with any chat open. Unanswered sessions have none, nor the shop, whose chats many people share. The clock counts
    microseconds and PARTS of them in whole numbers: neither days that are added nor another engine change its times.
    """
    handled = sessions.filter(_has_active_time(sessions)).select(HANDLED)
    accounts = handled.select("account_id").distinct()
    accounts = keep(accounts.mutate(account=ibis.row_number().over(order_by="account_id")))
    open_ = keep(handled.inner_join(accounts, "account_id").drop("account_id"))
    clock = keep(_clock(open_))
    began = clock.rename(first_us="us", whole_then="whole", parts_then="parts")
    both = open_.distinct().inner_join(began, ["account", "first_us"])
    both = both.inner_join(clock.rename(last_us="us"), ["account", "last_us"]).inner_join(accounts, "account")
    return both.select(*HANDLED, active_us=_.whole - _.whole_then + (_.parts - _.parts_then) / PARTS)


def _clock(open_: ir.Table) -> ir.Table:
    """What an account's clock says (whole, parts) when a chat begins or ends; the more are open, the slower it is."""
    began = open_.select("account", us=_.first_us, step=ibis.literal(1))
    steps = began.union(open_.select("account", us=_.last_us, step=ibis.literal(-1)))
    steps = steps.group_by("account", "us").agg(step=_.step.sum())
    so_far = ibis.cumulative_window(group_by="account", order_by="us")
    by_time = ibis.window(group_by="account", order_by="us")
    steps = steps.mutate(chats=_.step.sum().over(so_far).nullif(0), lasts=_.us.lead().over(by_time) - _.us)
    earlier = ibis.window(group_by="account", order_by="us", preceding=(None, 1))
    rest = steps.lasts % steps.chats * PARTS // steps.chats
    spent = {"whole": steps.lasts // steps.chats, "parts": rest}
    return steps.select("account", "us", **{n: v.sum().over(earlier).fill_null(0) for n, v in spent.items()})


@expression
def with_active_time(sessions: ir.Table, active: ir.Table) -> ir.Table:
    """The sessions with their active_us; null where there is none."""
    timed = beside(sessions.drop("active_us"), active, HANDLED)
    return conform(timed.mutate(active_us=only(_has_active_time(timed), timed.active_us)), "sessions")


def _has_active_time(sessions: ir.Table) -> ir.BooleanValue:
    return (sessions.scope == "agent") & sessions.handle_us.notnull() & ~sessions.excluded
