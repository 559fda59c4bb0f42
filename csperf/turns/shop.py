"""Shop scope: the turns and sessions of a buyer with the whole shop, whoever answers. Never cut by transfers."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from ..definitions import Definition
from ..engine import Scratch, any_row, expression
from .events import BUYER
from .runs import beside, only, runs, with_totals

SEGMENT = [*BUYER, "seg"]
SESSION = [*BUYER, "s_ord"]
CLOCK = ("us", "work", "day", "in_hours")  # what changes with the moment a clock starts
HANDING = ("turn_ord", "turn_us", "now", "moves", "then_ord")
SECOND = 1_000_000


def shop_rows(keep: Scratch, events: ir.Table, definition: Definition) -> ir.Table:
    """All events with their shop turn (turn_ord) and session (s_ord), null where they have none.

    seg counts the counted replies before a row: a segment is its questions and the one reply that ends it (close_us).
    us, work, day, in_hours are those of the shop's clock; own_us, own_work, ... those of the row itself.
    """
    rows = _in_segments(events)
    if definition.bot_clock == "handover":
        rows = keep(rows.mutate(**own_clock(rows)))
        rows = _from_handovers(keep, keep(_turns(keep, rows, definition)), definition)
    else:
        rows = _turns(keep, rows, definition)
    rows = _sessions(keep, rows, definition)
    return rows if "own_us" in rows.columns else rows.mutate(**own_clock(rows))


def own_clock(rows: ir.Table) -> dict[str, ir.Value]:
    """The moment a row itself tells."""
    return {f"own_{name}": rows[name] for name in CLOCK}


def _from_handovers(keep: Scratch, rows: ir.Table, definition: Definition) -> ir.Table:
    """Rows with the clocks of questions set to the bot's last hand-over that found them open, one after the other."""
    later = ibis.window(group_by=SEGMENT, order_by="ord", following=(1, None))
    rows = keep(rows.mutate(hand_ord=only(rows.handover, rows.ord).min().over(later)))
    own = {f"hand_{name}": rows[f"own_{name}"] for name in CLOCK}
    at = keep(rows.filter(rows.handover).select(*BUYER, hand_ord=_.ord, then_ord=_.hand_ord, **own))
    while any_row(rows.filter(rows.q & rows.hand_ord.notnull())):
        joined = beside(rows, at, [*BUYER, "hand_ord"])
        first = only(joined.q, joined.hand_ord).min().over(ibis.window(group_by=SEGMENT))
        open_then = within_horizon(definition, joined.turn_us, joined.day, joined.hand_us, joined.hand_day)
        joined = joined.mutate(now=joined.q & (joined.hand_ord == first), moves=joined.turn_ord.notnull() & open_then)
        moved = {n: ibis.ifelse(_.now & _.moves, _[f"hand_{n}"], _[n]) for n in CLOCK}
        hand_ord = ibis.ifelse(_.now, only(_.moves, _.then_ord), only(_.q, _.hand_ord))
        joined = keep(joined.mutate(hand_ord=hand_ord, **moved).drop(*own, *HANDING))
        rows = keep(_turns(keep, joined, definition))
    return rows.drop("hand_ord")


@expression
def _in_segments(events: ir.Table) -> ir.Table:
    """Adds opener (a question that may open a turn), what its segment's reply says (close_us, ...), and asked_ord."""
    rows = events.mutate(opener=events.q & ~events.phrase)
    replies = rows.filter(rows.r).select(
        *SEGMENT, close_us="us", close_work="work", close_day="day", close_account="account"
    )
    asked = rows.filter(rows.opener).group_by(SEGMENT).agg(asked_ord=_.ord.min())
    return beside(beside(rows, replies, SEGMENT), asked, SEGMENT)


def turn_group(group: list[str], definition: Definition) -> tuple[list[str], int | None]:
    """What a turn stays within, and how long it may stay open: to local midnight, or so many microseconds."""
    if definition.horizon == "midnight":
        return [*group, "day"], None
    return group, definition.reply_horizon_s * SECOND


def within_horizon(
    definition: Definition, start_us: ir.Value, start_day: ir.Value, us: ir.Value, day: ir.Value
) -> ir.BooleanValue:
    """Does a reply at (us, day) still answer what was asked at (start_us, start_day)? False where there is none."""
    if definition.horizon == "midnight":
        return (day == start_day).fill_null(False)
    return (us - start_us <= definition.reply_horizon_s * SECOND).fill_null(False)


def _turns(keep: Scratch, rows: ir.Table, definition: Definition) -> ir.Table:
    """Adds turn_ord and turn_us: the opening question of the turn that a question belongs to or a reply closes."""
    group, limit_us = turn_group(SEGMENT, definition)
    return _as_turns(runs(keep, rows, group, "opener", limit_us), limit_us)


@expression
def _as_turns(cut: ir.Table, limit_us: int | None) -> ir.Table:
    cut = cut.rename(turn_ord="run_ord", turn_us="run_us")
    inside = (cut.q | cut.r) & (limit_us is None or cut.us <= cut.turn_us + limit_us)
    return cut.mutate(turn_ord=only(inside, cut.turn_ord), turn_us=only(inside, cut.turn_us))


def _sessions(keep: Scratch, rows: ir.Table, definition: Definition) -> ir.Table:
    """Adds s_ord and s_us: where the session of each row began; null before a buyer's first question or reply."""
    own_us = "own_us" if "own_us" in rows.columns else "us"
    rows = _kept_together(keep(_numbered(rows, own_us, definition)), definition)
    cut = runs(keep, rows, [*BUYER, "s_no"], "may_end", definition.session_max_s * SECOND, own_us)
    return _whole_session(cut, definition)


@expression
def _kept_together(rows: ir.Table, definition: Definition) -> ir.Table:
    """Numbered rows with no session between a question and its answer, and none of what comes after a session's end."""
    if definition.closing_phrases:  # only a phrase can end a session there
        asked = rows.filter(rows.q & rows.turn_ord.notnull()).group_by(SEGMENT).agg(asked_in=_.s_no.max())
        rows = beside(rows, asked, SEGMENT)
        rows = rows.mutate(s_no=ibis.ifelse(rows.r & rows.asked_ord.notnull(), rows.asked_in, rows.s_no))
        rows = rows.drop("asked_in")
    return rows.mutate(s_no=only(~rows.over, rows.s_no)).drop("over")


@expression
def _numbered(rows: ir.Table, own_us: str, definition: Definition) -> ir.Table:
    """Adds s_no, how many sessions began so far, and over: said by nobody, and after a session's end.

    A nudge joins the open turn, a late reply belongs to what it answers: neither ends a session. What nobody said (a
    transfer, a note, a bot's line) belongs to the session that is still going on, if one is.
    """
    rows = rows.mutate(
        talk=rows.q | rows.r,
        may_end=(rows.q & (rows.turn_ord.isnull() | (rows.turn_ord == rows.ord))) | (rows.r & rows.asked_ord.isnull()),
        silent=(rows[own_us] - rows.last_us) >= definition.session_gap_s * SECOND,
    )
    rows = rows.mutate(
        breaks=rows.may_end & (~rows.spoken | rows.silent),
        over=(~rows.talk & rows.silent & ~(rows.ord > rows.asked_ord).fill_null(False)).fill_null(False),
    ).drop("silent", "last_us", "spoken")
    so_far = ibis.cumulative_window(group_by=BUYER, order_by="ord")
    return rows.mutate(s_no=rows.breaks.cast("int64").sum().over(so_far)).drop("breaks")


@expression
def _whole_session(cut: ir.Table, definition: Definition) -> ir.Table:
    """Adds what only the whole session tells: the place of its last category code, agent_started, bot_only; and sole,
    the account that had it from first to last, null where several did, it was handed on, or another one came after it.
    """
    rows = cut.rename(s_ord="run_ord", s_us="run_us").drop("may_end", "s_no")
    elsewhere = rows.account.isnull() | (rows.q & (rows.close_account != rows.account))
    rows = with_totals(
        rows,
        SESSION,
        passed_around=(rows.transfer & ~rows.handover).any(),
        coded_ord=only(rows.coded, rows.ord).max(),
        agent_started=only(rows.ord == rows.s_ord, rows.r).any(),
        bot_only=rows.bot.any() & ~rows.person.any(),
        sole=only(rows.talk, rows.account).min(),
        other=only(rows.talk, rows.account).max(),
        shared=(rows.transfer | (rows.talk & elsewhere.fill_null(False))).any(),
    )
    by_bot = rows.bot_only.fill_null(False) & (definition.bot_only == "exclude")
    told = rows.mutate(
        out=rows.out.fill_null(only(by_bot, "bot_only")),
        sole=only((rows.sole == rows.other) & ~rows.shared, rows.sole),
    )
    return told.drop("bot_only", "bot", "person", "coded", "phrase", "other", "shared")
