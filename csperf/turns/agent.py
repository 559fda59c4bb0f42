"""Agent scope: the questions each account owned, from when, until it answered, passed them on, or the session ended."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from ..definitions import Definition
from ..engine import Scratch, any_row, expression
from .events import BUYER
from .runs import before, beside, only, runs
from .shop import CLOCK, turn_group, within_horizon
from .shop import SEGMENT as SHOP_SEGMENT

STREAM = [*BUYER, "s_ord", "account"]
SEGMENT = [*STREAM, "seg"]
PASSING = ["seg", "ends", "opener", "handover", "to_account"]  # what nobody asks for once all is passed on
PLACES = 2**31  # a passed-on question stands at its transfer's place, in the order it was asked
COLUMNS = [
    *BUYER,
    "s_ord",
    "s_us",
    "coded_ord",
    "agent_started",
    "out",
    "account",
    "own_ord",
    "row_id",
    "ord",
    "us",
    "own_us",
    "work",
    "day",
    "in_hours",
    "q",
    "r",
    "opener",
    "hand",
    "mark",
    "handover",
    "to_account",
    "transferred_in",
]


def agent_rows(keep: Scratch, shop: ir.Table, definition: Definition) -> ir.Table:
    """One row for each question and owner, each counted reply, and each transfer, with the owner's turn (turn_ord).

    Of sessions that several accounts had: where one had it all, what the shop sees is what that account sees.
    """
    shop = shop.filter(shop.sole.isnull())
    if not any_row(shop.filter(shop.transfer)):
        return _own_turns(keep, _given(shop, definition), definition).drop(PASSING)
    given = keep(_received(_given(_handed_over(shop), definition), definition))
    passed = given.limit(0)
    transferred = keep(given.semi_join(given.filter(given.hand), BUYER))
    # A question may be passed on more than once: the k-th transfer of a buyer is right after k rounds.
    while any_row(transferred):
        onward = keep(_passed_on(keep(_own_turns(keep, transferred.union(passed), definition)), definition))
        if _same(onward, passed):
            break
        passed = onward
    return _own_turns(keep, given.union(keep(passed, "passed")), definition).drop(PASSING)


@expression
def replies(shop: ir.Table) -> ir.Table:
    """All counted replies, those of sessions that one account had too: where they stand in agents' rows, and when."""
    own = {f"then_{name}": shop[f"own_{name}"] for name in ("us", "work", "day")}
    given = shop.mutate(at=shop.ord * PLACES, **own)
    return given.filter(given.r & given.s_ord.notnull() & given.account.notnull()).select(*BUYER, "account", "at", *own)


def _same(rows: ir.Table, others: ir.Table) -> bool:
    return not any_row(rows.difference(others)) and not any_row(others.difference(rows))


@expression
def _handed_over(shop: ir.Table) -> ir.Table:
    """Adds bot_us, bot_work, ...: for a question put to a bot, the moment it handed the buyer over; else null."""
    handovers = shop.filter(shop.handover)
    last = handovers.group_by(SHOP_SEGMENT).agg(bot_ord=_.ord.max())
    at = handovers.select(*BUYER, bot_ord=_.ord, **{f"bot_{name}": _[f"own_{name}"] for name in CLOCK})
    joined = beside(beside(shop, last, SHOP_SEGMENT), at, [*BUYER, "bot_ord"])
    waited = joined.q & (joined.ord < joined.bot_ord)
    return joined.mutate(**{f"bot_{name}": only(waited, joined[f"bot_{name}"]) for name in CLOCK})


@expression
def _given(shop: ir.Table, definition: Definition) -> ir.Table:
    """Questions with the account they were put to, replies, and transfers; where a bot handed over, from then on."""
    closed = within_horizon(definition, shop.turn_us, shop.day, shop.close_us, shop.close_day)
    found = only(shop.q & shop.turn_ord.notnull() & shop.account.isnull() & closed, shop.close_account)
    moved = {"ord": shop.ord * PLACES, "transferred_in": ibis.literal(False)}
    moved |= {name: shop[f"own_{name}"] for name in CLOCK}
    if "bot_us" in shop.columns:
        from_bot = found.notnull() & shop.bot_us.notnull()
        moved["ord"] = ibis.ifelse(from_bot, shop.bot_ord * PLACES + 2 + shop.ord, moved["ord"])
        moved["transferred_in"] = from_bot
        if definition.agent_clock == "assignment":
            moved |= {name: ibis.ifelse(from_bot, shop[f"bot_{name}"], moved[name]) for name in CLOCK}
    rows = shop.mutate(account=shop.account.fill_null(found), hand=shop.transfer, mark=ibis.literal(False), **moved)
    rows = rows.filter(rows.s_ord.notnull() & rows.account.notnull() & (rows.q | rows.r | rows.transfer))
    return rows.select(COLUMNS)


@expression
def _received(rows: ir.Table, definition: Definition) -> ir.Table:
    """The rows, and a mark for whoever was handed a buyer."""
    received = rows.filter(rows.hand & rows.to_account.notnull()).mutate(
        account=_.to_account,
        hand=ibis.literal(False),
        mark=~_.handover & (definition.transfer == "sender"),  # such a transfer brings the receiver nothing
        handover=ibis.literal(False),
        ord=_.ord + 1,
        to_account=ibis.null("int64"),
        transferred_in=ibis.literal(True),
    )
    return rows.union(received.select(COLUMNS))


def _own_turns(keep: Scratch, rows: ir.Table, definition: Definition) -> ir.Table:
    """Adds the turn each question belongs to in its owner's eyes, and what ended it: a reply or a transfer."""
    group, limit_us = turn_group(SEGMENT, definition)
    return _as_turns(runs(keep, _with_ends(keep(_segmented(rows))), group, "opener", limit_us), limit_us)


@expression
def _segmented(rows: ir.Table) -> ir.Table:
    rows = rows.mutate(ends=rows.r | rows.hand)
    return rows.mutate(seg=before(rows, "ends", STREAM))


@expression
def _with_ends(rows: ir.Table) -> ir.Table:
    """The rows of a stream with what ends their segment."""
    ends = rows.filter(rows.ends).select(
        *SEGMENT,
        close_us="us",
        close_work="work",
        close_day="day",
        handed="hand",
        received=rows.hand & rows.to_account.notnull(),
    )
    return beside(rows, ends, SEGMENT)


@expression
def _as_turns(cut: ir.Table, limit_us: int | None) -> ir.Table:
    cut = cut.rename(turn_ord="run_ord", turn_us="run_us")
    inside = cut.q & (limit_us is None or cut.us <= cut.turn_us + limit_us)
    return cut.mutate(turn_ord=only(inside, cut.turn_ord), turn_us=only(inside, cut.turn_us))


@expression
def _passed_on(owned: ir.Table, definition: Definition) -> ir.Table:
    """Open questions at a transfer, as the receiver gets them: clocks from the transfer, or their own.

    Their own where the set says so (agent_clock `message`), and where the turn moves whole (transfer `receiver`).
    """
    hands = owned.filter(owned.hand & owned.to_account.notnull()).select(
        *SEGMENT,
        receiver=_.to_account,
        hand_ord=_.ord,
        from_bot=_.handover,
        **{f"hand_{name}": _[name] for name in CLOCK},
    )
    asked = owned.filter(owned.turn_ord.notnull())
    open_then = asked.inner_join(hands, SEGMENT)
    open_then = open_then.filter(
        within_horizon(definition, _.turn_us, _.day, _.hand_us, _.hand_day) & (_.ord < _.hand_ord)
    )
    if definition.transfer == "sender":  # the receiver has nothing until the buyer writes again
        open_then = open_then.filter(_.from_bot)
    own_clock = (~open_then.from_bot & (definition.transfer == "receiver")) | (definition.agent_clock == "message")
    return open_then.mutate(
        account=_.receiver,
        ord=(_.hand_ord // PLACES) * PLACES + 2 + _asked_place(open_then),
        **{name: ibis.ifelse(own_clock, open_then[name], open_then[f"hand_{name}"]) for name in CLOCK},
        handover=ibis.literal(False),
        opener=ibis.literal(True),
        transferred_in=ibis.literal(True),
    ).select(COLUMNS)


def _asked_place(rows: ir.Table) -> ir.IntegerValue:
    """The order in which the questions were asked, also when they are passed on for the second time."""
    return ibis.ifelse(rows.ord % PLACES > 2, rows.ord % PLACES - 2, rows.ord // PLACES)
