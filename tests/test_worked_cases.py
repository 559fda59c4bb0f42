"""The worked examples of tests/spec, answered by the plain oracle and by the engine."""

from __future__ import annotations

from datetime import timedelta

import pytest
import shops
import worked
from oracle import derive, metrics, purchases

from csperf.definitions import SETS, Definition

CASES = worked.cases()
QUESTIONS = [(case, expectation) for case in CASES for expectation in case.expectations]


def oracle_answer(shop: shops.MadeShop, definition: Definition) -> worked.Facts:
    """All facts of a shop by the plain oracle."""
    facts = derive(shop.messages, definition, **shop.settings)
    return facts | {
        "purchases": purchases(shop.messages, shop.orders, shop.refunds, facts, definition, **shop.settings)
    }


def engine_answer(shop: shops.MadeShop, definition: Definition) -> worked.Facts:
    """All facts of a shop by the engine."""
    pytest.importorskip("csperf.turns", reason="the engine of turns is not there")
    from adapters import engine_derive

    return engine_derive(shop, definition)


@pytest.mark.parametrize(("case", "expectation"), QUESTIONS, ids=[str(e) for _, e in QUESTIONS])
@pytest.mark.parametrize("answer", [oracle_answer, engine_answer])
def test_worked_case(case, expectation, answer):
    worked.check(case, expectation, answer)


def test_every_case_expects_something():
    assert CASES
    assert all(table for case in CASES for e in case.expectations for table in e.tables.values())
    assert all(case.expectations for case in CASES)


def day_of_the_manual(answered: int, asked: int, bought: int, wait_s: float) -> shops.MadeShop:
    """One agent's day as the 2010 manual counts it (FIELD A.0b): so many asked, answered after `wait_s`, bought."""
    rows, orders = [], []
    for number in range(asked):
        at, buyer = shops.START + timedelta(seconds=60 * number), f"b{number:03}"
        rows.append(shops.message(at, "buyer", buyer=buyer, text="在吗"))
        if number < answered:
            rows.append(shops.message(at + timedelta(seconds=wait_s), "human", buyer=buyer, text="在的"))
        if number < bought:
            paid = at + timedelta(minutes=20)
            orders.append(shops.order(number, buyer, at + timedelta(minutes=10), paid))
    return shops.MadeShop(shops.numbered(rows), orders, roster=[shops.person("S:01", "Li")], hours=("00:00", "24:00"))


@pytest.mark.parametrize("who", [("shop", None), ("agent", "Li")])
@pytest.mark.parametrize("answer", [oracle_answer, engine_answer])
def test_the_manuals_day(who, answer):
    """O1, O2, O4, O12: 259 of 374 answered, 91 of the 259 bought, after 104.4 s each."""
    facts = answer(day_of_the_manual(259, 374, 91, 104.4), SETS["manual2010"])
    key = (*who, shops.FIRST_DAY)
    assert metrics(facts, "effective_session_share")[key] == (259, 374)
    assert metrics(facts, "effective_sessions_per_day")[key] == (259, 1)
    assert metrics(facts, "bought_per_day")[key] == (91, 1)
    assert metrics(facts, "conversion_same_day")[key] == (91, 259)
    assert metrics(facts, "mean_wait_turn_s")[key] == (259 * 104_400_000, 259)


@pytest.mark.parametrize("answer", [oracle_answer, engine_answer])
def test_ninety_nine_of_two_hundred_and_seventy(answer):
    """O3: 36.667 %, whatever a screen rounds it to; O5: 3.8 minutes are 228 s."""
    facts = answer(day_of_the_manual(270, 270, 99, 228), SETS["manual2010"])
    key = ("shop", None, shops.FIRST_DAY)
    assert metrics(facts, "conversion_same_day")[key] == (99, 270)
    assert metrics(facts, "mean_wait_turn_s")[key] == (270 * 228_000_000, 270)
