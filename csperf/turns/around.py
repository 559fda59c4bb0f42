"""What the clock must know beside messages: the shop, its hours and people, and whose chats do not count."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
from ibis import _

from ..definitions import Definition
from ..engine import Scratch, materialise
from ..kept import digest

NOT_OF_MESSAGES = {
    "name",
    "same_day",
    "attribution",
    "window_h",
    "credit_needs",
    "aftersale_days",
    "net_refund_days",
    "repurchase_days",
    "issue_gap_days",
    "key_lost_days",
}  # rules of orders alone
PEOPLE = {name: "string" for name in ("account_id", "agent_id", "role", "level", "team", "shift")} | {
    "day": "date",
    "shift_us": "int64",
    "employed": "boolean",
}


@dataclass(frozen=True)
class Shop:
    """What the clock must know of a shop.

    `calendar`: ServiceHours.calendar of every covered day (microseconds; one row a local day, consecutive).
    `people`: account_id, day, agent_id, role, level, shift, shift_us (null: no shift starts that day), employed.
    `bots`: accounts that are bots. `codes`: valid leaf codes, empty = any.
    """

    shop_id: str
    calendar: pd.DataFrame
    people: pd.DataFrame
    bots: tuple[str, ...] = ()
    internal_accounts: tuple[str, ...] = ()
    listed_buyers: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    covered_days: tuple[dt.date, ...] = field(default=())


@dataclass(frozen=True)
class Known:
    """What a chunk looks up: the days' service hours, who sat where, and whose chats do not count (see Around)."""

    calendar: ir.Table
    people: ir.Table
    excluded: ir.Table


@dataclass(frozen=True)
class Around:
    """What a chunk must know beside its messages, wherever it is worked out.

    `excluded`: shop_id, buyer_id, out of chats that do not count; `excluded_days`: these with each day they have.
    """

    definition: Definition
    shop: Shop
    excluded: pa.Table
    excluded_days: pd.DataFrame

    @classmethod
    def of(cls, con: ibis.BaseBackend, messages: ir.Table, definition: Definition, shop: Shop) -> Around:
        """What is known of a shop with these messages, which are a table of `con`."""
        out = materialise(con, _excluded(messages, definition, shop))
        days = messages.inner_join(out, ["shop_id", "buyer_id"]).select("day", "buyer_id", "out").distinct()
        days = days.order_by("day", "buyer_id").to_pyarrow().to_pandas()
        return cls(definition, shop, out.to_pyarrow(), days)

    def tables(self, keep: Scratch) -> Known:
        """The same as tables of a connection."""
        calendar, people = pa.Table.from_pandas(self.shop.calendar), _arrow(self.shop.people, PEOPLE)
        told = {"calendar": calendar, "people": people, "excluded": self.excluded}
        return Known(**{name: keep(ibis.memtable(rows), name) for name, rows in told.items()})

    def end_us(self, day: dt.date) -> int:
        """The midnight that ends a day."""
        return int(self.shop.calendar.loc[self.shop.calendar["day"] == day, "midnight_us"].iloc[0])

    def said(self, first: dt.date, last: dt.date) -> list[Any]:
        """What the facts of these days' messages depend on beside them; nothing that later days may change."""
        days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
        return [
            self.definition.model_dump(mode="json", exclude=NOT_OF_MESSAGES),
            [self.shop.shop_id, self.shop.bots, self.shop.codes],
            [[told.get(day) for day in days] for told in self._of_days],
        ]

    @cached_property
    def _of_days(self) -> list[dict[dt.date, str]]:
        """What is known of each day, in short: hours, people, chats that do not count."""
        frames = self.shop.calendar.drop(columns="cum_us"), self.shop.people, self.excluded_days
        return [{day: digest(rows.to_csv(index=False)) for day, rows in frame.groupby("day")} for frame in frames]


def _excluded(messages: ir.Table, definition: Definition, shop: Shop) -> ir.Table:
    """(shop_id, buyer_id, out): colleagues' chats, and listed buyers where the set leaves them out."""
    listed = shop.listed_buyers if definition.adverts == "out" else ()
    colleague = (messages.sender == "colleague") | messages.buyer_id.isin(shop.internal_accounts)
    out = ibis.cases((colleague, "colleague"), (messages.buyer_id.isin(listed), "listed_buyer"))
    return messages.mutate(out=out).filter(_.out.notnull()).group_by("shop_id", "buyer_id").agg(out=_.out.min())


def people_and_days(con: ibis.BaseBackend, shop: Shop) -> tuple[ir.Table, ir.Table]:
    """The shop's people by account and day, and its covered days, as tables of `con`."""
    days = pd.DataFrame({"day": list(shop.covered_days)})
    frames = _arrow(shop.people, PEOPLE), _arrow(days, {"day": "date"})
    people, covered = (materialise(con, ibis.memtable(rows)) for rows in frames)
    return people, covered


def _arrow(frame: pd.DataFrame, schema: dict[str, str]) -> pa.Table:
    """The frame with these types; pandas does not know of what type nothing is."""
    columns = ibis.schema(schema).to_pyarrow()
    return columns.empty_table() if frame.empty else pa.Table.from_pandas(frame, columns, preserve_index=False)
