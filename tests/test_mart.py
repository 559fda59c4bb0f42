"""From facts to values at a grain: sums first, one division, and everyone has a row."""

from __future__ import annotations

import datetime as dt
import time

import duckdb
import ibis
import made_facts
import pandas as pd
import pyarrow as pa
import pytest

from csperf.catalogue import ENTRIES, TOTALS
from csperf.errors import CsperfError
from csperf.facts import DERIVED
from csperf.mart import GRAINS, build, frame, iso_week, measure, rollup, to_key_units
from csperf.metric import Metric

SECOND = 1_000_000
DAY = dt.date(2026, 2, 28)
NEXT = dt.date(2026, 3, 1)
WHO = {"shop_id": "demo", "scope": "agent", "agent_id": "anna", "account_id": "demo:01", "day": DAY}
SHOP = {"scope": "shop", "agent_id": None, "account_id": None}
VERDICT = {"in_hours": True, "excluded": False}
TURN = WHO | VERDICT | {
    "row_id": "t", "buyer_id": "b1", "session_id": "s1", "messages": 1, "answered": True, "opening": True,
    "zero_s": False, "transferred_in": False, "transferred_out": False,
}  # fmt: skip
ORDER = WHO | {
    "row_id": "o", "order_id": "o", "buyer_id": "b1", "created_day": DAY, "amount_fen": 1000, "paid_fen": 1000,
    "net_fen": 1000, "quantity": 1, "status": "paid", "credited": True, "paid": True, "grouped": False,
    "closed_unpaid": False, "refunded": False, "first_of_buyer_day": True, "first_of_created_day": True,
    "share_ppm": 1_000_000,
}  # fmt: skip
AGENT_DAY = WHO | {"row_id": "anna/1", "scheduled": 1, "worked": 1, "replied": 1}


def fact(name: str, *rows: dict) -> dict:
    """One fact with these rows; columns not given are null (times: noon of the day)."""
    schema = DERIVED[name].arrow
    noon = dt.datetime(2026, 2, 28, 12, tzinfo=dt.UTC)
    times = {f.name: noon for f in schema if pa.types.is_timestamp(f.type)}
    return {name: ibis.memtable(pa.Table.from_pylist([times | row for row in rows], schema=schema))}


def turn(wait_s: float | None, **other) -> dict:
    wait = None if wait_s is None else int(wait_s * SECOND)
    return TURN | {"wait_us": wait, "wait_counted_us": wait, "answered": wait is not None} | other


def one(facts: dict, key: str, by: list[str] | None = None, **settings) -> pd.Series:
    """The only row of a metric at a grain (default: agent)."""
    table = measure(facts, [key], by or ["agent"], definitions="shop", **settings)
    assert len(table) == 1
    return table.iloc[0]


# --- one number at a time -------------------------------------------------------------------------------------------


def test_a_mean_is_pooled_never_a_mean_of_means():
    """FIELD C35: 5 chats at 600 s and 200 at 20 s make 34.1 s, not 310 s."""
    slow = [turn(600, agent_id="anna", row_id=f"a{i}") for i in range(5)]
    quick = [turn(20, agent_id="bo", row_id=f"b{i}") for i in range(200)]
    row = one(fact("turns", *[t | {"role": "pre"} for t in slow + quick]), "mean_wait_turn_s", ["role"])
    assert row["value"] == pytest.approx(7000 / 205)
    assert (row["numerator"], row["denominator"], row["n"]) == (7000, 205, 205)


def test_a_limit_is_inclusive_and_no_reply_is_not_met():
    row = one(fact("turns", turn(180), turn(180.000001), turn(None)), "reply_3min_turn")
    assert (row["numerator"], row["denominator"]) == (1, 3)


def test_unanswered_turns_follow_the_definition_set_in_means_only():
    """taobao counts 600 s; the quantiles look at raw waits of answered turns in every set."""
    capped = turn(None) | {"wait_counted_us": 600 * SECOND}
    facts = fact("turns", turn(20), capped)
    assert one(facts, "mean_wait_turn_s")["value"] == 310
    assert one(facts, "wait_turn_max_s")["value"] == 20
    assert one(facts, "wait_turn_p90_s")["n"] == 1


def test_quantiles_interpolate_linearly():
    facts = fact("turns", *[turn(wait) for wait in (10, 20, 30, 100)])
    assert one(facts, "wait_turn_p50_s")["value"] == 25
    assert one(facts, "wait_turn_p90_s")["value"] == pytest.approx(79)
    assert one(facts, "wait_turn_max_s")["value"] == 100


def test_the_shop_is_not_the_sum_of_its_agents():
    row = WHO | VERDICT | {
        "row_id": "d", "buyer_id": "b1", "turns": 1, "messages": 1, "messages_in_hours": 1, "unanswered": False,
        "unanswered_allday": False, "answered": True, "any_fail_us": 3600 * SECOND,
    }  # fmt: skip
    facts = fact("buyer_days", row, row | {"agent_id": "bo"}, row | SHOP)
    assert one(facts, "asked_users", ["shop"])["value"] == 1
    assert measure(facts, ["asked_users"], ["agent"], definitions="shop").value.tolist() == [1, 1]
    assert one(facts, "buyers_period", ["shop", "month"])["value"] == 1


def test_per_day_entries_divide_by_days_worked():
    days = [AGENT_DAY, AGENT_DAY | {"day": NEXT, "worked": 0}, AGENT_DAY | {"day": dt.date(2026, 3, 2)}]
    facts = fact("purchases", ORDER, ORDER | {"paid_fen": 501}) | fact("agent_days", *days)
    row = one(facts, "sales_yuan_per_day")
    assert (row["numerator"], row["denominator"], row["value"], row["n"]) == (15.01, 2, 7.505, 2)


def test_an_order_lost_belongs_to_the_day_it_was_made():
    late = ORDER | {"day": NEXT, "created_day": DAY, "closed_unpaid": True, "paid": False, "paid_fen": None}
    table = measure(fact("purchases", late), ["order_loss_share"], ["agent", "day"], definitions="shop")
    assert table.day.tolist() == [DAY]
    february = one(fact("purchases", late), "order_loss_share", ["agent"], first_day=DAY, last_day=DAY)
    assert february["value"] == 1


def test_without_buyer_ids_nothing_is_credited_and_nothing_is_zero():
    unknown = ORDER | SHOP | {"credited": None, "buyer_id": None, "first_of_buyer_day": False}
    facts = fact("purchases", unknown) | fact("agent_days", AGENT_DAY, AGENT_DAY | SHOP)
    keys = [
        "sales_yuan",
        "sales_yuan_per_day",
        "orders_per_day",
        "silent_share",
        "agent_sales_share",
        "order_value_yuan",
    ]
    table = measure(facts, keys, ["shop"], definitions="shop")
    assert table.value.isna().all()
    assert table.numerator[table.metric == "sales_yuan"].isna().all()
    agents = measure(facts, ["sales_yuan_per_day"], ["agent"], definitions="shop")
    assert agents.numerator.isna().all()


def test_an_agent_who_worked_and_sold_nothing_sold_zero():
    facts = fact("purchases", ORDER) | fact("agent_days", AGENT_DAY, AGENT_DAY | {"agent_id": "bo", "account_id": "2"})
    table = measure(facts, ["sales_yuan_per_day", "sales_yuan"], ["agent"], definitions="shop").set_index(
        ["agent_id", "metric"]
    )
    assert table.value["bo", "sales_yuan_per_day"] == 0
    assert table.value["bo", "sales_yuan"] == 0


def test_a_total_has_no_denominator_and_no_n():
    row = one(fact("purchases", ORDER), "net_sales_yuan")
    assert row["value"] == row["numerator"] == 10
    assert pd.isna(row["denominator"]) and pd.isna(row["n"]) and row["note"] == ""


def test_hours_below_the_line_are_hours():
    session = WHO | VERDICT | {
        "row_id": "s", "buyer_id": "b", "session_id": "s", "asked": True, "answered": True, "turns": 1,
        "answered_turns": 1, "turns_in_hours": 1, "wait_sum_us": 0, "wait_n": 1, "any_unanswered": False,
        "wait_sum_allday_us": 0, "wait_n_allday": 1, "any_unanswered_allday": False, "first_reply_limit_us": 1,
        "agents": 1, "agent_started": False, "abandoned": False, "transferred_in": False, "transferred_out": False,
        "handle_us": 90 * SECOND,
    }  # fmt: skip
    facts = fact("sessions", *[session] * 6) | fact("agent_days", AGENT_DAY | {"shift_us": 4 * 3600 * SECOND})
    row = one(facts, "sessions_per_hour")
    assert (row["numerator"], row["denominator"], row["value"]) == (6, 4, 1.5)
    assert one(facts, "handle_min")["value"] == 1.5


# --- the table of values --------------------------------------------------------------------------------------------


def test_everyone_on_the_roster_has_a_row():
    days = [AGENT_DAY | {"agent_id": name, "row_id": name} for name in ("anna", "bo", "chen")]
    facts = fact("turns", turn(10)) | fact("agent_days", *days)
    table = measure(facts, ["mean_wait_turn_s", "wait_turn_p50_s"], ["agent", "month"], definitions="shop")
    assert table.agent_id.tolist() == ["anna", "anna", "bo", "bo", "chen", "chen"]
    quiet = table[table.agent_id != "anna"]
    assert quiet.value.isna().all() and (quiet.n == 0).all() and (quiet.note == "NO_DATA").all()


def test_columns_are_those_of_the_contract():
    table = measure(fact("turns", turn(10)), ["mean_wait_turn_s"], ["agent", "week"], definitions="pdd", door="chat")
    promised = "shop_id agent_id week metric definitions door numerator denominator value n note"
    assert list(table.columns) == promised.split()
    row = table.iloc[0]
    assert (row["week"], row["definitions"], row["door"], row["note"]) == ("2026-W09", "pdd", "chat", "N_SMALL")


def test_a_small_n_is_marked_below_the_shops_own_limit():
    facts = fact("turns", *[turn(10)] * 9)
    assert one(facts, "mean_wait_turn_s", min_n=9)["note"] == ""
    assert one(facts, "mean_wait_turn_s", min_n=10)["note"] == "N_SMALL"
    assert one(facts, "wait_turn_max_s", min_n=10)["note"] == "", "an entry's own minimum stands"


def test_every_grain_has_its_column():
    facts = made_facts.tables(made_facts.facts(5))
    table = measure(facts, ["reply_3min_turn_allday"], GRAINS, definitions="shop")
    expected = {"shop_id", "agent_id", "account_id", "level", "role", "shift", "category_code", "day", "week", "month"}
    assert expected <= set(table.columns)


@pytest.mark.parametrize(
    ("day", "week"), [("2026-01-01", "2026-W01"), ("2027-01-01", "2026-W53"), ("2024-12-30", "2025-W01")]
)
def test_weeks_are_iso_weeks(day, week):
    table = ibis.memtable(pa.table({"day": [dt.date.fromisoformat(day)]}))
    assert table.select(week=iso_week(table.day)).to_pandas().week[0] == week


def test_what_cannot_be_measured_is_named():
    table = measure(fact("turns", turn(10)), ["mean_wait_turn_s", "sales_yuan"], ["agent"], definitions="shop")
    assert table.attrs["unavailable"] == {"sales_yuan": "NO_FACT"}
    assert table.metric.unique().tolist() == ["mean_wait_turn_s"]
    table = measure(fact("purchases", ORDER), ["silent_share", "sales_yuan"], ["agent"], definitions="shop")
    assert table.attrs["unavailable"] == {"silent_share": "SHOP_ONLY"}


@pytest.mark.parametrize("by", [["agent", "day"], ["level", "month"], ["shop", "category"]], ids="-".join)
@pytest.mark.parametrize("unknown", [{}, fact("agent_days", AGENT_DAY, AGENT_DAY | SHOP)], ids=["no-facts", "roster"])
def test_without_anything_to_measure_the_columns_keep_their_types(by, unknown):
    full = measure(fact("turns", turn(10), turn(10, **SHOP)), ["mean_wait_turn_s"], by, definitions="shop")
    empty = measure(unknown, ["aht_s", "silent_share"], by, definitions="shop")
    pd.testing.assert_frame_equal(empty, full.iloc[:0], check_index_type=False)
    assert empty.attrs["unavailable"] == {"aht_s": "NO_FACT", "silent_share": "NO_FACT"}


def test_unknown_keys_and_grains_are_refused():
    with pytest.raises(CsperfError, match="mean_wait_turn_s"):
        measure({}, ["mean_wait_turns"], ["agent"], definitions="shop")
    with pytest.raises(CsperfError, match="agent, account"):
        measure({}, [], ["agnet"], definitions="shop")


# --- the mart -------------------------------------------------------------------------------------------------------


def test_the_mart_keeps_the_sum_of_squares_of_means():
    mart = frame(build(fact("turns", turn(3), turn(4), turn(None)), [ENTRIES["mean_wait_turn_s"]], definitions="shop"))
    row = mart.iloc[0]
    assert (row["numerator"], row["denominator"], row["n"]) == (7 * SECOND, 2, 2)
    assert row["sum_squares"] == 25 * SECOND**2
    assert to_key_units(mart).sum_squares[0] == 25


def test_the_mart_has_the_columns_of_the_contract():
    mart = build(made_facts.tables(made_facts.facts(1)), _summable(), definitions="jd", door="chat")
    assert mart.columns == (
        "shop_id", "scope", "agent_id", "account_id", "role", "level", "shift", "category_code", "day", "definitions",
        "door", "metric", "numerator", "denominator", "sum_squares", "n",
    )  # fmt: skip


def test_quantiles_are_refused_by_name():
    with pytest.raises(CsperfError, match="wait_turn_p50_s"):
        build(fact("turns", turn(1)), [ENTRIES["wait_turn_p50_s"]], definitions="shop")
    mart = build(fact("turns", turn(1)), [ENTRIES["mean_wait_turn_s"]], definitions="shop")
    with pytest.raises(CsperfError, match="buyers_period"):
        rollup(mart.mutate(metric=ibis.literal("buyers_period")), ["agent"])


def test_adding_agents_up_to_a_shop_is_refused():
    agents_only = build(fact("turns", turn(1)), [ENTRIES["mean_wait_turn_s"]], definitions="shop")
    with pytest.raises(CsperfError, match="agent"):
        rollup(agents_only, ["shop", "month"])


def test_sets_stand_side_by_side():
    facts = fact("turns", turn(1))
    both = ibis.union(*(build(facts, [ENTRIES["mean_wait_turn_s"]], definitions=name) for name in ("pdd", "taobao")))
    assert sorted(frame(rollup(both, ["agent"])).definitions) == ["pdd", "taobao"]


def test_millions_of_rows_take_seconds():
    """One pass over a fact for all its entries."""
    con = duckdb.connect()
    rows = con.sql(
        """select 'demo' as shop_id, 'agent' as scope, 'a' || i % 7 as agent_id,
        null::varchar as account_id, 'pre' as role, 'junior' as level, 'early' as shift, null::varchar as category_code,
        date '2026-01-01' + (i % 30)::int as day, i::varchar as row_id, 'b' as buyer_id, 's' as session_id,
        timestamptz '2026-01-01 00:00:00+00' as started_at, null::timestamptz as replied_at, 1::bigint as messages,
        (i % 600000000)::bigint as wait_us, (i % 600000000)::bigint as wait_counted_us, null::bigint as wait_work_us,
        true as answered, true as opening, false as zero_s, false as transferred_in, false as transferred_out,
        true as in_hours, false as excluded, null::varchar as reason from range(1000000) t(i)"""
    ).to_arrow_table()
    keys = [key for key, entry in ENTRIES.items() if entry.facts == {"turns"}]
    start = time.perf_counter()
    table = measure({"turns": ibis.memtable(rows)}, keys, ["agent", "day"], definitions="shop")
    assert time.perf_counter() - start < 30
    assert len(table) == 7 * 30 * len(keys)
    assert table.value.notna().all()


def test_all_totals_are_counts_without_denominator():
    assert {"asked_users", "sales_yuan", "lost_inquiries"} <= set(TOTALS)
    assert not any(ENTRIES[key].sums.get("denominator") for key in TOTALS)


def _summable() -> list[Metric]:
    return [entry for entry in ENTRIES.values() if isinstance(entry, Metric)]
