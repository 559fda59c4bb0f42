"""Names and their numbers: whole numbers are sorted and joined several times faster than names."""

from __future__ import annotations

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
from ibis import _

from ..engine import Scratch, expression
from .runs import beside

SHOP = 0  # the account of the shop's own rows


@dataclass(frozen=True)
class Names:
    """`buyers`: buyer (a number), shop_id, buyer_id, out (why its chats do not count). `accounts`: account, account_id.

    `people`: account, day, account_id, agent_id, person (its number), role, level, shift, bot; every account on every
    day. An account not on the roster stands for itself.
    """

    buyers: ir.Table
    accounts: ir.Table
    people: ir.Table

    @expression
    def numbered(self, rows: ir.Table) -> ir.Table:
        """Marked rows with buyer, account and to_account as numbers, and why their chat does not count."""
        receivers = self.accounts.select(to_account="account_id", receiver="account")
        rows = rows.inner_join(self.buyers, ["shop_id", "buyer_id"])
        rows = rows.left_join(self.accounts, "account_id").left_join(receivers, "to_account")
        return rows.drop("to_account", "to_account_right", "account_id_right").rename(to_account="receiver")

    @expression
    def spelled(self, rows: ir.Table) -> ir.Table:
        """Rows with shop_id, buyer_id and scope; with session_id where they have s_us."""
        known = beside(rows, self.buyers.drop("out"), ["buyer"])
        known = known.mutate(scope=ibis.ifelse(_.account == SHOP, "shop", "agent"))
        if "s_us" not in rows.columns:
            return known
        return known.mutate(session_id=_.shop_id.concat("/", _.buyer_id, "/", _.s_us.cast("string")))

    @expression
    def with_people(self, rows: ir.Table) -> ir.Table:
        """Rows without bots, with account_id, agent_id, role, level, shift, and `who`, the agent's number."""
        known = beside(rows, self.people, ["account", "day"])
        return known.filter(~known.bot.fill_null(False)).mutate(who=_.person.fill_null(SHOP)).drop("bot", "person")


def names_of(keep: Scratch, rows: ir.Table, excluded: ir.Table, people: ir.Table, bots: tuple[str, ...]) -> Names:
    """The numbers of all buyers and accounts of marked rows; those of accounts are in the order of their names."""
    buyers, accounts = keep.names(_buyers(rows, excluded)), keep.names(_accounts(rows))
    return Names(buyers, accounts, keep.names(_people(accounts, rows, people, bots)))


@expression
def _buyers(rows: ir.Table, excluded: ir.Table) -> ir.Table:
    key = ["shop_id", "buyer_id"]
    buyers = rows.select(key).distinct().left_join(excluded, key).select(*key, "out")
    return buyers.mutate(buyer=ibis.row_number().over(order_by=key))


@expression
def _accounts(rows: ir.Table) -> ir.Table:
    accounts = rows.select("account_id").union(rows.select(account_id=_.to_account)).filter(_.account_id.notnull())
    return accounts.distinct().mutate(account=ibis.row_number().over(order_by="account_id") + SHOP + 1)


@expression
def _people(accounts: ir.Table, rows: ir.Table, people: ir.Table, bots: tuple[str, ...]) -> ir.Table:
    known = people.select("account_id", "day", "agent_id", "role", "level", "shift")
    known = beside(accounts.cross_join(rows.select("day").distinct()), known, ["account_id", "day"])
    known = known.mutate(agent_id=known.agent_id.fill_null(known.account_id), bot=known.account_id.isin(bots))
    return known.mutate(person=ibis.dense_rank().over(order_by=known.agent_id) + SHOP + 1)
