"""What each message is to the clock: a question, a counted reply, a transfer, a close, or nothing.

Names stay behind: buyers, accounts and messages go by whole numbers through everything that sorts and counts, and get
their names back in turns.names.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir
from ibis import _

from ..definitions import Definition
from ..engine import expression, micros
from .names import Names

ASKERS = ("buyer", "colleague")  # a colleague sits in the buyer's seat; the chat is out as a whole
WRITTEN = ("text", "card", "sticker")
ASKING = ("text", "card", "sticker", "recall")  # a recalled question still opened its turn (C18)
NOT_WORDS = r"[^\p{L}\p{N}]+"
EMOJI = r"[\x{1F300}-\x{1FAFF}\x{2600}-\x{27BF}]|\[[\x{4e00}-\x{9fa5}]{1,4}\]|/:[^\s]{2,5}"
CLOSING, ANY_CODE = "咨询的内容为", r"[0-9]+(?:\.[0-9]+)*"  # S2-15
BETWEEN_CODES = r"\s、,，;；/和:："
BUYER = ["buyer"]
MARKED = [
    "shop_id",
    "buyer_id",
    "account_id",
    "to_account",
    "row_id",
    "source_file",
    "source_line",
    "sequence",
    "kind",
    "day",
    "us",
    "asks",
    "q",
    "r",
    "transfer",
    "handover",
    "close",
    "phrase",
    "human",
    "bot",
    "person",
    "emoji",
    "substantive",
    "code",
]
COLUMNS = [
    *BUYER,
    "account",
    "to_account",
    "own_ord",
    "ord",
    "seg",
    "last_us",
    "spoken",
    "day",
    "us",
    "work",
    "in_hours",
    "q",
    "r",
    "transfer",
    "handover",
    "close",
    "phrase",
    "human",
    "bot",
    "person",
    "coded",
    "out",
    "row_id",
    "kind",
    "emoji",
    "substantive",
]


@expression
def mark(messages: ir.Table, definition: Definition, codes: tuple[str, ...], bots: tuple[str, ...]) -> ir.Table:
    """Messages without their text: what each is to the clock, its time in microseconds, what its words tell.

    `codes` are the valid leaf codes of the category tree (empty: any code is valid); `bots` the accounts that are bots.
    """
    rows = messages.mutate(us=micros(_.sent_at), text=_.text.fill_null(""), asks=_.sender.isin(ASKERS))
    rows = rows.mutate(
        q=_.asks & _.kind.isin(ASKING if definition.card_is_question else ("text", "sticker", "recall")),
        r=_counted_reply(definition) & _.kind.isin(WRITTEN),
        transfer=(_.kind == "transfer") & _.account_id.notnull() & (_.account_id != _.to_account.fill_null("")),
        close=_.kind == "close",
        phrase=_closing_phrase(definition.closing_phrases),
        human=_.sender == "human",
        bot=_.sender == "bot",
        person=_.sender.isin(["human", "assist"]) | (_.kind == "transfer"),
        emoji=(_.kind == "sticker") | ibis.ifelse(_.asks, False, _.text.re_search(EMOJI)),
        substantive=_.text.length() >= 5,
        code=ibis.ifelse(_.asks, None, _.text.re_extract(closing_code(codes), 1).nullif("")),
    )
    rows = rows.mutate(handover=_.transfer & (_.bot | _.account_id.isin(bots)))
    return rows.select(MARKED)


def _counted_reply(definition: Definition) -> ir.Deferred:
    counts = ["human", *["assist"] * definition.assist_counts, *["auto"] * definition.auto_counts]
    return _.sender.isin(counts)


def _closing_phrase(phrases: tuple[str, ...]) -> ir.Deferred:
    if not phrases:
        return ibis.literal(False)
    bare = _.text.re_replace(NOT_WORDS, "").lower()
    return _.asks & ((_.kind == "sticker") | ((_.kind == "text") & bare.isin(phrases)))


def closing_code(codes: Sequence[str] = ()) -> str:
    """The pattern whose group is the last of the codes in a message's closing lines (S2-15); none given: any code.

    Where a line names several, what is no code of these is passed over: 1.1.1、2.2 is 1.1.1 if only that is one.
    """
    one = "|".join(map(re.escape, codes)) or ANY_CODE
    return rf"(?s).*{CLOSING}(?:[0-9.{BETWEEN_CODES}]*[{BETWEEN_CODES}])?({one})(?:\.?(?:[^0-9.]|$))"


@expression
def in_order(rows: ir.Table, names: Names, definition: Definition, calendar: ir.Table) -> ir.Table:
    """Marked rows by number, with their place among their buyer's and what came before it; and their category code.

    ord: the place, by time, sequence, buyer before agent, account, file, line. seg: how many counted replies came
    before. last_us, spoken: when anybody spoke last (or closed, where that breaks silence), and whether anybody had.
    `calendar` is ServiceHours.calendar as a table.
    """
    rows = _in_service(names.numbered(rows), calendar)
    order = [_.us, _.sequence, ~_.asks, _.account.fill_null(0), _.source_file, _.source_line, _.row_id]
    before = ibis.window(group_by=BUYER, order_by=order, preceding=(None, 1))
    talk = rows.q | rows.r
    closes = rows.close if definition.close_gap_s else ibis.literal(False)
    last_us = ibis.ifelse(talk | closes, rows.us, None).max().over(before)
    rows = rows.mutate(
        ord=ibis.row_number().over(group_by=BUYER, order_by=order) + 1,
        seg=rows.r.cast("int64").sum().over(before).fill_null(0),
        last_us=last_us,
        spoken=talk.any().over(before).fill_null(False) if definition.close_gap_s else last_us.notnull(),
        coded=rows.code.notnull(),
    )
    return rows.mutate(own_ord=_.ord).select(*COLUMNS, "code")


def _in_service(rows: ir.Table, calendar: ir.Table) -> ir.Table:
    """Adds in_hours, and `work`, service time since the calendar began: a wait in service time is a difference."""
    windows = [(f"open_{k}_us", f"close_{k}_us") for k in range(1, 100) if f"open_{k}_us" in calendar.columns]
    joined = rows.left_join(calendar, "day").drop("day_right")
    opened = [(joined.us >= joined[a]) & (joined.us < joined[b]) for a, b in windows]
    served = [(ibis.least(joined.us, joined[b]) - joined[a]).clip(lower=0).fill_null(0) for a, b in windows]
    return joined.mutate(
        in_hours=ibis.or_(*opened).fill_null(False), work=joined.cum_us + sum(served[1:], served[0])
    ).drop("cum_us", "midnight_us", *(name for pair in windows for name in pair))
