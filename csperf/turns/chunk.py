"""The facts of one chunk of messages, and what of it is not settled yet."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir
from ibis import _

from ..definitions import Definition
from ..engine import Scratch, expression, scratch
from ..facts import conform
from . import days as day_facts
from . import rows as row_facts
from .agent import agent_rows, replies
from .around import Known
from .chains import open_chains, settled, still_open
from .events import COLUMNS, in_order
from .names import Names, names_of
from .runs import beside
from .shop import shop_rows

REPLY = (
    "shop_id",
    "buyer_id",
    "account_id",
    "agent_id",
    "role",
    "level",
    "shift",
    "session_id",
    "row_id",
    "us",
    "day",
    "ord",
    "substantive",
    "kind",
)


def facts_of(
    keep: Scratch, rows: ir.Table, known: Known, bots: tuple[str, ...], definition: Definition, end_us: int | None
) -> tuple[dict[str, ir.Table], ir.Table]:
    """The facts of sessions that are settled, and the messages of those that are not (none: end_us null): row_id, and
    whether they are asleep (see open_chains).
    """
    names = names_of(keep, rows, known.excluded, known.people, bots)
    with scratch(keep.con) as passing:
        events = passing(in_order(rows, names, definition, known.calendar))
        codes = keep(events.filter(_.coded).select("buyer", coded_ord="own_ord", category_code="code"))
        shop_events = keep(shop_rows(passing, events.select(COLUMNS), definition))
    with scratch(keep.con) as passing:
        agent_events = passing(agent_rows(passing, shop_events, definition))
        shop_judged = row_facts.judged(row_facts.shop_stream(shop_events), definition)
        agent_judged = row_facts.judged(row_facts.agent_stream(agent_events, replies(shop_events)), definition)
        judged = keep(shop_judged.union(agent_judged))
    chain = keep(open_chains(keep, judged, shop_events, definition, end_us), "chain")
    done, events = settled(judged, chain, "s_us", "chain_us"), settled(shop_events, chain, "ord", "chain_ord")
    turned = keep(row_facts.turns(done, definition))
    sessions = keep(row_facts.sessions(done, turned, definition))
    told = _named(done, events, turned, sessions, _Spelling(names, codes), definition)
    return told, still_open(shop_events, chain)


@dataclass(frozen=True)
class _Spelling:
    """How rows by number get their names back, while they are written."""

    names: Names
    codes: ir.Table  # of sessions: buyer, coded_ord, category_code

    @expression
    def of(self, rows: ir.Table) -> ir.Table:
        """The rows with names, people, and the category of their session."""
        return self.names.spelled(self.known(rows))

    @expression
    def known(self, rows: ir.Table) -> ir.Table:
        """The rows with people, and with the category of their session where they have coded_ord; without bots."""
        told = self.names.with_people(rows)
        if "coded_ord" not in rows.columns:
            return told
        return beside(told, self.codes, ["buyer", "coded_ord"])


@expression
def _named(
    judged: ir.Table,
    shop_events: ir.Table,
    turned: ir.Table,
    sessions: ir.Table,
    spelling: _Spelling,
    definition: Definition,
) -> dict[str, ir.Table]:
    """The facts of a chunk, with their names."""
    messages = row_facts.buyer_messages(judged, definition)
    talked = day_facts.with_agents(sessions, spelling.known(sessions.select(*day_facts.CHAT, "account", "day")))
    days = day_facts.buyer_days(spelling.known(messages), spelling.known(row_facts.for_all(turned)), definition)
    facts = {
        "buyer_messages": spelling.of(messages),
        "turns": spelling.of(row_facts.told(turned)),
        "agent_messages": spelling.of(row_facts.agent_messages(shop_events)),
        "buyer_days": spelling.names.spelled(_account(days, spelling.names)),
    }
    sessions = _account(spelling.of(talked), spelling.names, "replier")
    said = spelling.of(row_facts.replies(shop_events))
    return {name: conform(table, name) for name, table in facts.items()} | {
        "sessions": conform(sessions, "sessions", "first_us", "last_us"),
        "replies": said.select(REPLY),
    }


@expression
def _account(rows: ir.Table, names: Names, column: str = "account") -> ir.Table:
    """The rows with the name of an account instead of its number; account_id where that is the row's own."""
    known = names.accounts.select(**{column: "account"}, spelled="account_id")
    joined = beside(rows, known, [column])
    if column == "account":
        return joined.rename(account_id="spelled")
    return joined.drop(column).rename({column: "spelled"})
