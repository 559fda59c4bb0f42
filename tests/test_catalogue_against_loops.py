"""The catalogue's sums against plain loops over the same facts, on made shops under every definition set."""

from __future__ import annotations

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from oracle import KEYS, buyers_of_period, derive, metrics, purchases, quantile, waits
from shops import MadeShop, made_shop

from csperf.catalogue import ENTRIES, TOTALS
from csperf.definitions import SETS
from csperf.facts import DERIVED
from csperf.mart import build, frame, measure
from csperf.metric import Metric

SUMMABLE = [entry for entry in ENTRIES.values() if isinstance(entry, Metric)]
SEEDS = (4, 12)
# Made shops last weeks: with the usual 30 days nobody could have bought again in time.
RULES = {name: rules.model_copy(update={"repurchase_days": 5}) for name, rules in SETS.items()}
RULES["split"] = RULES["shop"].model_copy(update={"attribution": "split"})


def answer(shop: MadeShop, name: str) -> dict[str, list[dict]]:
    """All facts of a shop under a set, by the plain oracle."""
    found = derive(shop.messages, RULES[name], **shop.settings)
    found["purchases"] = purchases(shop.messages, shop.orders, shop.refunds, found, RULES[name], **shop.settings)
    return found


def tables(found: dict[str, list[dict]]) -> dict[str, ibis.Table]:
    """The same as Ibis tables; columns beside the contract's are left out."""
    schemas = {name: DERIVED[name].arrow for name in found}
    rows = {
        name: [{column: row.get(column) for column in schemas[name].names} for row in found[name]] for name in found
    }
    return {name: ibis.memtable(pa.Table.from_pylist(rows[name], schema=schemas[name])) for name in found}


@pytest.fixture(scope="module", params=[(seed, name) for seed in SEEDS for name in RULES], ids=str)
def shop(request) -> tuple[dict[str, list[dict]], dict[str, ibis.Table]]:
    seed, name = request.param
    found = answer(made_shop(seed), name)
    return found, tables(found)


def sums(mart: pd.DataFrame) -> dict[str, dict[tuple, tuple[float, float]]]:
    """{metric: {(scope, agent_id, day): (numerator, denominator)}}, 0 where nothing was added."""
    filled = mart.assign(agent_id=mart.agent_id.astype(object).where(mart.agent_id.notna(), None))
    added = filled.groupby(["metric", "scope", "agent_id", "day"], dropna=False)[["numerator", "denominator"]].sum()
    pairs: dict[str, dict[tuple, tuple[float, float]]] = {}
    for (metric, scope, agent, day), top, bottom in added.itertuples():
        pair = tuple(
            total / ENTRIES[metric].sums[side].one if side in ENTRIES[metric].sums else total
            for side, total in (("numerator", top), ("denominator", bottom))
        )
        pairs.setdefault(metric, {})[scope, None if pd.isna(agent) else agent, day] = pair
    return pairs


def test_sums_are_those_of_the_loops(shop):
    found, facts = shop
    got = sums(frame(build(facts, SUMMABLE, definitions="any")))
    for key in (key for key in KEYS if isinstance(ENTRIES[key], Metric)):
        want = {place: (top, bottom or 0) for place, (top, bottom) in metrics(found, key).items()}
        for place, pair in got.get(key, {}).items():
            # Where nothing is below the line the loops give no row; longer spans still need the sum above it.
            nothing = (0, 0) if key in TOTALS else (pair[0], 0)
            assert pair == pytest.approx(want.pop(place, nothing), rel=1e-9), (key, place)
        assert not any(top or bottom for top, bottom in want.values()), key


def test_quantiles_are_those_of_the_loops(shop):
    found, facts = shop
    for suffix, allday in (("", False), ("_allday", True)):
        keys = [f"wait_turn_{name}_s{suffix}" for name in ("p50", "p90", "max")]
        table = measure(facts, keys, ["agent", "day"], definitions="any").set_index(["metric", "agent_id", "day"])
        for (scope, agent, day), values in waits(found, allday).items():
            if scope == "agent":
                expected = [quantile(values, 0.5), quantile(values, 0.9), values[-1]]
                for key, value in zip(keys, expected, strict=True):
                    assert table.value[key, agent, day] == pytest.approx(value / 1e6, rel=1e-12)


def test_distinct_buyers_are_those_of_the_loops(shop):
    found, facts = shop
    days = [row["day"] for row in found["buyer_days"]]
    table = measure(facts, ["buyers_period"], ["agent"], definitions="any").set_index("agent_id")
    for (scope, agent), buyers in buyers_of_period(found, min(days), max(days)).items():
        if scope == "agent":
            assert table.value[agent] == buyers


def test_the_made_shops_have_something_to_measure():
    found = [answer(made_shop(seed), "shop") for seed in SEEDS]
    assert [key for key in KEYS if not any(metrics(facts, key) for facts in found)] == []
