"""The worked examples of tests/spec, answered by the plain oracle and by the engine."""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache

import pytest
import shops
import worked
from made_records import engine_records
from oracle import derive, metrics, purchases, records

from csperf.definitions import SETS, Definition

CASES = worked.cases()
APART = {case.name: case for case in worked.cases(date(2020, 1, 6))}
QUESTIONS = [(case, number) for case in CASES for number in range(len(case.expectations))]
IDS = [f"{case.expectations[number]}-{number}" for case, number in QUESTIONS]
every_case = pytest.mark.parametrize(("case", "number"), QUESTIONS, ids=IDS)


def oracle_answer(shop: shops.MadeShop, definition: Definition) -> worked.Facts:
    """All facts of a shop by the plain oracle."""
    facts = derive(shop.messages, definition, **shop.settings)
    bought = purchases(shop.messages, shop.orders, shop.refunds, facts, definition, **shop.settings)
    facts |= {"purchases": bought}
    return facts | calls(shop) | records(shop.records | shop.sold, facts | calls(shop), definition, **shop.settings)


def calls(shop: shops.MadeShop) -> worked.Facts:
    """The shop's calls as a fact, of the shop and of who took them (in these cases the roster never changes)."""
    people = {line["account_id"]: line for line in shop.roster}
    found = []
    for row in shop.records.get("calls", []):
        who = people.get(row["account_id"], {"agent_id": row["account_id"], "role": None, "level": None})
        nobody = dict.fromkeys(("agent_id", "account_id", "role", "level", "shift", "category_code"))
        row = row | {"row_id": row["call_id"]}
        found.append(row | nobody | {"scope": "shop"})
        if row["account_id"]:
            person = {name: who[name] for name in ("agent_id", "role", "level")}
            found.append(row | nobody | person | {"scope": "agent", "account_id": row["account_id"]})
    return {"calls": found} if found else {}


def engine_answer(shop: shops.MadeShop, definition: Definition) -> worked.Facts:
    """All facts of a shop by the engine."""
    pytest.importorskip("csperf.turns", reason="the engine of turns is not there")
    from adapters import engine_derive

    facts = engine_derive(shop, definition)
    return facts | engine_records(shop, facts, definition)


@cache
def engine_answers(rules: str, hours: tuple[str, str], tz: str) -> worked.Facts:
    """The engine's facts of all cases with an expectation under these rules, as one shop."""
    same = [
        case
        for case in APART.values()
        if (case.shop.hours, case.shop.tz) == (hours, tz)
        and any(e.definition.model_dump_json() == rules for e in case.expectations)
    ]
    return engine_answer(worked.joined(same), Definition.model_validate_json(rules))


@every_case
def test_oracle(case, number):
    expectation = case.expectations[number]
    worked.check(case, expectation, oracle_answer(case.shop, expectation.definition))


@every_case
def test_engine(case, number):
    apart = APART[case.name]
    expectation = apart.expectations[number]
    facts = engine_answers(expectation.definition.model_dump_json(), apart.shop.hours, apart.shop.tz)
    worked.check(apart, expectation, worked.part(apart, facts))


def test_joined_cases_are_still_the_cases():
    """Side by side in one shop no case changes another: the oracle answers the joined shop as it answers each."""
    same = [c for c in APART.values() if c.shop.tz == shops.TZ and c.shop.hours == ("00:00", "24:00")]
    for definition in SETS.values():
        facts = oracle_answer(worked.joined(same), definition)
        for case in same:
            for expectation in case.expectations:
                if expectation.definition == definition:
                    worked.check(case, expectation, worked.part(case, facts))


def test_every_case_expects_something():
    assert CASES
    assert all(case.expectations for case in CASES)
    assert all(table for case in CASES for e in case.expectations for table in e.tables.values())


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


@pytest.mark.parametrize("answer", [oracle_answer, engine_answer])
def test_the_manuals_day(answer):
    """O1, O2, O4, O12: 259 of 374 answered, 91 of the 259 bought, after 104.4 s each; one agent is the shop."""
    facts = answer(day_of_the_manual(259, 374, 91, 104.4), SETS["manual2010"])
    for who in (("shop", None), ("agent", "Li")):
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
