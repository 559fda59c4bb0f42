"""The engine against the plain oracle on made shops; and any chunking of the days against all of them at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from functools import cache
from itertools import cycle

import oracle
import pytest
from adapters import engine_derive
from shops import MadeShop, made_shop

from csperf.definitions import SETS, Definition
from csperf.turns import entries

BUYERS, LENGTH = 40, 30
# Not compared: row ids of rows that stand for many messages, and what only one side spells out.
LEFT_OUT = {"clock_at", "replier"}
NO_CODE = ("buyer_days", "purchases")  # the oracle gives these no category
KEYS = {
    "buyer_messages": ("scope", "account_id", "buyer_id", "row_id", "day"),
    "agent_messages": ("scope", "account_id", "row_id"),
    "turns": ("scope", "account_id", "buyer_id", "row_id", "started_at"),
    "sessions": ("scope", "account_id", "session_id"),
    "buyer_days": ("scope", "agent_id", "buyer_id", "day"),
    "agent_days": ("scope", "agent_id", "day"),
    "purchases": ("scope", "agent_id", "order_id"),
}
NAMED_BY_MESSAGE = ("buyer_messages", "agent_messages", "turns")
VARIANTS = {
    "receiver": SETS["pdd"].model_copy(update={"name": "receiver", "transfer": "receiver"}),
    "auto": SETS["shop"].model_copy(update={"name": "auto", "auto_counts": True, "agent_started": "include"}),
    "clip": SETS["pdd"].model_copy(update={"name": "clip", "spill": "clip", "zero_s": "exclude", "repurchase_days": 7}),
    "message": SETS["douyin"].model_copy(update={"name": "message", "agent_clock": "message"}),
    "last": SETS["taobao"].model_copy(update={"name": "last", "clock_start": "last", "card_is_question": False}),
    "first": SETS["shop"].model_copy(update={"name": "first", "attribution": "first", "bot_only": "include"}),
    "split": SETS["shop"].model_copy(update={"name": "split", "attribution": "split"}),
    "most": SETS["shop"].model_copy(update={"name": "most", "attribution": "most", "credit_needs": "substantive"}),
}
RULES = SETS | VARIANTS
SEEDS = dict.fromkeys(RULES, 100) | {"douyin": 100, "taobao": 101, "jd": 102, "manual2010": 101}


@cache
def made(name: str) -> MadeShop:
    return made_shop(SEEDS[name], buyers=BUYERS, length=LENGTH)


@cache
def by_engine(name: str) -> dict[str, list[dict]]:
    return engine_derive(made(name), RULES[name])


@cache
def by_oracle(name: str) -> dict[str, list[dict]]:
    shop, rules = made(name), RULES[name]
    facts = oracle.derive(shop.messages, rules, **shop.settings)
    bought = oracle.purchases(shop.messages, shop.orders, shop.refunds, facts, rules, **shop.settings)
    return facts | {"purchases": bought}


def plain(value: object) -> object:
    if isinstance(value, datetime):
        return round(value.timestamp() * 1e6)
    return round(value, 3) if isinstance(value, float) else value


def keyed(table: str, rows: list[dict], columns: set[str]) -> dict[tuple, Counter]:
    """Rows by their key, as multisets: the same message may come to one account twice."""
    found: dict[tuple, Counter] = defaultdict(Counter)
    for row in rows:
        if table != "buyer_days" or not row["excluded"]:  # the oracle has no row for a buyer none of whose words count
            cells = tuple((column, plain(row[column])) for column in sorted(columns))
            found[tuple(plain(row[column]) for column in KEYS[table])][cells] += 1
    return found


def differences(table: str, left: list[dict], right: list[dict]) -> list[str]:
    columns = set(left[0]) & set(right[0]) - LEFT_OUT
    columns -= (set() if table in NAMED_BY_MESSAGE else {"row_id"}) | ({"category_code"} if table in NO_CODE else set())
    mine, theirs = keyed(table, left, columns), keyed(table, right, columns)
    return [
        f"{table} {key}: {sorted(mine[key] - theirs[key])} is not {sorted(theirs[key] - mine[key])}"
        for key in sorted(mine.keys() | theirs.keys(), key=str)
        if mine[key] != theirs[key]
    ]


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("table", KEYS)
def test_facts_agree(table, name):
    found = differences(table, by_engine(name)[table], by_oracle(name)[table])
    assert not found, "\n".join(found[:5])


@pytest.mark.parametrize(("name", "at_the_end"), [("shop", 0), ("douyin", 9_999)])
def test_any_chunking_gives_the_same_rows(name, at_the_end, monkeypatch):
    """Two single days and three days together, in turns: chains are carried from each kind of chunk into each, also
    where buyers change lanes; what sleeps to the end is worked out with the last days, or by itself.
    """
    monkeypatch.setattr(entries, "AT_THE_END", at_the_end)
    pieces = {"chunk_days": cycle([1, 1, 3]), "lanes": cycle([1, 2, 2, 3])}
    whole, chunked = by_engine(name), engine_derive(made(name), RULES[name], **pieces)
    found = [line for table in KEYS for line in differences(table, chunked[table], whole[table])]
    assert not found, "\n".join(found[:5])


def test_the_made_shops_hold_what_the_rules_are_about():
    """A generator that never passes a buyer on would make the tests above agree about nothing."""
    rows = by_oracle("shop")
    turns, sessions = rows["turns"], rows["sessions"]
    reasons = Counter(row["reason"] for row in rows["buyer_messages"])
    assert {"bot_only", "colleague", "listed_buyer", "closing_phrase", "passed_on"} <= reasons.keys()
    assert sum(turn["transferred_in"] for turn in turns) > 10
    assert sum(session["agent_started"] for session in sessions) > 5
    assert sum(not turn["answered"] for turn in turns) > 20
    assert any(order["credited"] for order in rows["purchases"])
    assert {order["bought_again"] for order in by_oracle("clip")["purchases"]} == {True, False, None}


def test_what_agents_get_of_a_shared_order_is_the_order():
    orders = by_engine("split")["purchases"]
    whole = {row["order_id"]: row for row in orders if row["scope"] == "shop" and row["credited"]}
    parts = defaultdict(list)
    for row in orders:
        if row["scope"] == "agent":
            parts[row["order_id"]].append(row)
    assert parts.keys() == whole.keys()
    assert any(len(rows) > 2 for rows in parts.values())
    for order_id, rows in parts.items():
        for name in ("amount_fen", "paid_fen", "net_fen", "quantity", "share_ppm"):
            assert sum(row[name] or 0 for row in rows) == (whole[order_id][name] or 0)
        assert len({row["agent_id"] for row in rows}) == len(rows)


def test_definition_names_are_known():
    assert all(isinstance(rules, Definition) for rules in RULES.values())
