"""Records beside the chats: the engine against plain loops on random ones, what is refused, and real data."""

from __future__ import annotations

import datetime as dt
import random

import pytest
from made_records import derived_table, engine_records, random_records
from oracle import RECORD_METRICS, derive, purchases, record_metrics, records
from shops import made_shop

from csperf.catalogue import ENTRIES
from csperf.definitions import SETS
from csperf.facts import DERIVED
from csperf.mart import build, frame

RULES = SETS["shop"].model_copy(update={"issue_gap_days": 1, "key_lost_days": 1})
FACTS = (
    *("refunds", "complaints", "ratings", "issues", "tickets", "quality_checks", "visits", "feedback", "plans"),
    *("surveys", "key_customers"),
)


@pytest.fixture(scope="module", params=[5, 8])
def answers(request) -> tuple[dict, dict]:
    """All facts of a made shop with random records: by the oracle, and the records' by the engine."""
    shop = made_shop(request.param)
    rng = random.Random(request.param)
    for row in shop.refunds:
        row |= {"platform_intervened": rng.choice([True, False]), "merchant_liable": rng.choice([True, False, None])}
    shop.records = random_records(shop, request.param)
    chats = derive(shop.messages, RULES, **shop.settings)
    chats["purchases"] = purchases(shop.messages, shop.orders, shop.refunds, chats, RULES, **shop.settings)
    made = engine_records(shop, chats, RULES)
    plain = chats | {"calls": made["calls"]}
    return plain | records(shop.records | shop.sold, plain, RULES, **shop.settings), made


def lines(rows: list[dict], columns: set[str]) -> list[str]:
    """The rows as text, in an order that does not depend on how they were found."""
    return sorted(str([(c, plain(row[c])) for c in sorted(columns)]) for row in rows)


def plain(cell: object) -> object:
    """The cell, moments as such whatever zone they are written in."""
    return cell.timestamp() if isinstance(cell, dt.datetime) else cell


@pytest.mark.parametrize("name", [*FACTS, "purchases"])
def test_facts_are_those_of_the_loops(answers, name):
    by_oracle, by_engine = answers
    wanted, found = by_oracle[name], by_engine[name]
    assert wanted
    columns = set(wanted[0]) & set(found[0]) & set(DERIVED[name].arrow.names)
    assert {"scope", "agent_id", "row_id", "day"} <= columns
    assert lines(found, columns) == lines(wanted, columns)


def test_sums_are_those_of_the_loops(answers):
    by_oracle, _by_engine = answers
    facts = {name: derived_table(name, rows) for name, rows in by_oracle.items() if name in DERIVED}
    sums = frame(build(facts, [ENTRIES[key] for key in RECORD_METRICS], definitions="any"))
    parts = ["numerator", "denominator"]
    keys = ["metric", "scope", "agent_id", "day"]
    found = sums.fillna({"agent_id": ""}).groupby(keys)[parts].sum()
    for key in RECORD_METRICS:
        wanted = record_metrics(by_oracle, key)
        assert wanted, key
        ones = [ENTRIES[key].sums[side].one if side in ENTRIES[key].sums else 1 for side in parts]
        for (scope, agent, day), (top, bottom) in wanted.items():
            row = found.loc[(key, scope, agent or "", day)]
            assert [row[side] / one for side, one in zip(parts, ones, strict=True)] == pytest.approx(
                [top, bottom or 0], rel=1e-9
            ), (key, scope, agent, day)


def test_every_entry_over_records_has_its_loops():
    over_records = {key for key, e in ENTRIES.items() if e.facts & {*FACTS}} | {"dispute_refund_share"}
    assert over_records == set(RECORD_METRICS)
