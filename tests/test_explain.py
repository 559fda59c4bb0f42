"""The rows behind a number add up to it, and each says why it counts or not."""

from __future__ import annotations

import datetime as dt
from functools import cache
from math import fsum

import made_facts
import pandas as pd
import pytest

from csperf.catalogue import ENTRIES, TOTALS
from csperf.errors import CsperfError
from csperf.explain import COLUMNS, explain
from csperf.mart import measure
from csperf.metric import Metric, Told

DAY = made_facts.DAYS[1]


@cache
def facts():
    return made_facts.tables(made_facts.facts(7, rows=60))


@cache
def values(by: tuple[str, ...], first: dt.date | None = None) -> pd.DataFrame:
    return measure(facts(), ENTRIES, by, definitions="shop", first_day=first).set_index("metric")


def assert_adds_up(rows: pd.DataFrame, row: pd.Series) -> None:
    counted = rows[rows.counted]
    for side in ("numerator", "denominator"):
        found = fsum(counted.value[counted.side == side])
        shown = 0 if pd.isna(row[side]) else row[side]  # no rows: nothing to add up
        assert found == pytest.approx(shown, rel=1e-12)


@pytest.mark.parametrize("key", [key for key, e in ENTRIES.items() if not isinstance(e, Told)])
def test_counted_rows_add_up_to_the_value_of_the_shop(key):
    row, rows = values(("shop",)).loc[key], explain(facts(), key)
    assert list(rows.columns) == COLUMNS
    if isinstance(ENTRIES[key], Metric):
        assert_adds_up(rows, row)
    else:
        assert_value_is_in(rows, key, row["value"])


@pytest.mark.parametrize("key", [key for key in values(("agent", "day")).index.unique()])
def test_counted_rows_add_up_for_an_agent_on_a_day(key):
    table = values(("agent", "day")).loc[key]
    row = table[(table.agent_id == "anna") & (table.day == DAY)].iloc[0]
    rows = explain(facts(), key, agent="anna", day=DAY)
    assert set(rows.day) <= {DAY} and set(rows.agent_id) <= {"anna"}
    if isinstance(ENTRIES[key], Metric):
        assert_adds_up(rows, row)
    else:
        assert_value_is_in(rows, key, row["value"])


def assert_value_is_in(rows: pd.DataFrame, key: str, value: float) -> None:
    counted = rows[rows.counted]
    if pd.isna(value):
        assert counted.empty
    elif key.startswith("buyers_period"):
        assert counted.value.sum() == value
    else:
        marked = counted.value[counted.reason.isin(["interpolates", "longest"])]
        assert 1 <= len(marked) <= 2
        assert marked.min() - 1e-9 <= value <= marked.max() + 1e-9
        assert counted["rank"].tolist() == list(range(1, len(counted) + 1))
        assert counted.value.is_monotonic_increasing


def test_every_row_has_a_reason_and_only_counted_ones_say_so():
    for key in ("reply_3min_turn", "mean_wait_turn_s", "conversion_paid_user", "sales_yuan", "agents_online"):
        rows = explain(facts(), key)
        assert (rows.reason == "counted").equals(rows.counted)
        assert rows.reason.notna().all()


def test_a_row_left_out_by_the_definition_set_says_why():
    rows = explain(facts(), "reply_3min_turn").set_index("row_id")
    turns = made_facts.facts(7, rows=60)["turns"].to_pandas().set_index("row_id")
    out = turns[turns.excluded & (turns.scope == "shop")]
    assert len(out)
    for row_id, reason in out.reason.fillna("excluded").items():
        assert set(rows.reason[[row_id]]) == {reason}


def test_the_first_thing_against_a_row_is_its_reason():
    rows = explain(facts(), "reply_3min_turn")
    above = rows[rows.side == "numerator"].set_index("row_id")
    below = rows[rows.side == "denominator"].set_index("row_id")
    assert (above.reason[~below.counted] == below.reason[~below.counted]).all()
    assert set(above.reason[below.counted]) <= {"counted", "within_3min"}


def test_what_is_not_known_says_so():
    rows = explain(facts(), "sales_yuan")
    purchases = made_facts.facts(7, rows=60)["purchases"].to_pandas().set_index("row_id")
    unknown = purchases.index[(purchases.scope == "shop") & purchases.credited.isna()]
    assert set(rows.row_id[rows.reason == "unknown"]) == set(unknown)


def test_reasons_are_read_in_both_languages():
    zh = explain(facts(), "reply_3min_turn", lang="zh").reason.unique()
    en = explain(facts(), "reply_3min_turn", lang="en").reason.unique()
    assert {"计入", "不在服务时间内", "超过3分钟或没有回复"} <= set(zh)
    assert {"counts", "outside service hours", "served by a bot alone"} <= set(en)


def test_rows_can_be_asked_by_period_and_group():
    rows = explain(facts(), "reply_3min_turn", level="senior", first_day=DAY)
    assert rows.day.min() >= DAY
    assert rows.agent_id.notna().all()
    table = values(("level",), DAY).loc["reply_3min_turn"]
    assert_adds_up(rows, table[table.level == "senior"].iloc[0])
    assert explain(facts(), "reply_3min_turn", category="1.1").agent_id.isna().all()


def test_an_order_is_listed_under_the_day_that_counts():
    rows = explain(facts(), "order_loss_share")
    purchases = made_facts.facts(7, rows=60)["purchases"].to_pandas().set_index("row_id")
    assert (rows.day.to_numpy() == purchases.created_day[rows.row_id].to_numpy()).all()


def test_unknown_names_are_answered_with_near_ones():
    with pytest.raises(CsperfError, match="reply_3min_turn"):
        explain(facts(), "reply_3min_trun")
    with pytest.raises(CsperfError, match="anna"):
        explain(facts(), "reply_3min_turn", agent="ana")
    assert "sales_yuan" in TOTALS


@pytest.mark.parametrize(("absent", "key"), [("calls", "calls_per_day"), ("turns", "reply_3min_turn")])
def test_a_metric_without_its_data_says_what_to_load(absent, key):
    without = {name: table for name, table in facts().items() if name != absent}
    with pytest.raises(CsperfError, match="csperf load"):
        explain(without, key)
