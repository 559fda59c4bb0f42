"""First target values: order statistics of past agent-months, by direction, without newcomers and small samples."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csperf import targets as aims
from csperf.errors import CsperfError
from csperf.targets import TargetSettings, derive_targets

MONTHS = ("2026-08", "2026-09", "2026-10")


def values(by_agent, metric="reply_30s_msg", n=100, role="pre", levels=None, months=MONTHS):
    """Agent-month values: {agent: value in each month}."""
    rows = [
        {
            "shop_id": "S",
            "agent_id": agent,
            "role": role,
            "level": (levels or {}).get(agent),
            "month": month,
            "metric": metric,
            "definitions": "shop",
            "door": "chat",
            "numerator": value * n,
            "denominator": n,
            "value": value,
            "n": n,
            "note": "",
        }
        for agent, series in by_agent.items()
        for month, value in zip(months, series, strict=True)
    ]
    return pd.DataFrame(rows)


def twenty(first=0.51):
    """Twenty agents, one value each: .51, .52 ... .70."""
    return {f"a{i:02}": [first + i / 100] for i in range(20)}


def benchmark(metric, days=30, **cells):
    end = dt.date(2026, 9, 30)
    about = {"shop_id": "S", "metric": metric, "definitions": "shop", "n": None, "tier": "3", "category": "c"}
    about |= {"period_start": end - dt.timedelta(days=days - 1), "period_end": end, "source": "s", "read_by": "r"}
    return pd.DataFrame([about | {"cell": cell, "value": value} for cell, value in cells.items()])


def whole(table, metric="reply_30s_msg"):
    return table[(table["metric"] == metric) & table["level"].isna()].iloc[0]


def test_sixty_five_of_a_hundred_agent_months_met_the_target():
    row = whole(derive_targets(values(twenty(), months=("2026-10",))))
    # 20 values .51 to .70: 13 (65 %) are .58 or more, 18 (90 %) .53 or more, 4 (20 %) .67 or more.
    assert (row["base"], row["target"], row["stretch"]) == (0.53, 0.58, 0.67)
    assert row["attainment"] == 13 / 20
    assert (row["n_agents"], row["n_agent_months"]) == (20, 20)


def test_lower_is_better_mirrors():
    seconds = {f"a{i:02}": [41 + i] for i in range(20)}
    row = whole(derive_targets(values(seconds, "mean_wait_turn_s", months=("2026-10",))), "mean_wait_turn_s")
    assert (row["base"], row["target"], row["stretch"]) == (58, 53, 44)
    assert row["attainment"] == 13 / 20


def test_rounding_goes_towards_easier():
    assert aims.round_easier(0.5799, 0.01, "higher") == 0.57
    assert aims.round_easier(0.5701, 0.01, "lower") == 0.58
    assert aims.round_easier(0.55, 0.005, "higher") == 0.55  # 0.55 / 0.005 is 110.00000000000001 in floats


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=60),
    st.sampled_from([0.9, 0.65, 0.2]),
    st.sampled_from(["higher", "lower"]),
)
def test_the_strictest_value_that_the_share_met(raw, share, better):
    found = aims.value_met_by(pd.Series(raw, dtype=float), share, better)
    met = sum(v >= found if better == "higher" else v <= found for v in raw)
    stricter = sum(v > found if better == "higher" else v < found for v in raw)
    assert met >= share * len(raw) - 1e-9 > stricter - 1


def test_base_target_and_stretch_stay_a_step_apart_when_all_are_alike():
    row = whole(derive_targets(values({f"a{i}": [0.8] for i in range(10)}, months=("2026-10",))))
    assert row["base"] == pytest.approx(0.79) and row["target"] == 0.8 and row["stretch"] == pytest.approx(0.81)
    assert "NOT_SEPARABLE" in row["status"] and "TOO_EASY" in row["status"]


def test_a_share_never_asks_for_more_than_all():
    row = whole(derive_targets(values({f"a{i}": [1.0] for i in range(10)}, months=("2026-10",))))
    assert row["stretch"] == 1.0


def test_newcomers_and_small_samples_are_left_out_and_counted():
    roster = pd.DataFrame(
        {
            "agent_id": ["a", "new"],
            "role": ["pre", "pre"],
            "level": [None, None],
            "started": [dt.date(2025, 1, 1), dt.date(2026, 9, 10)],
            "valid_from": [dt.date(2025, 1, 1), dt.date(2026, 9, 10)],
        }
    )
    rows = pd.concat([values({"a": [0.8] * 3, "new": [0.1] * 3}), values({"few": [0.2] * 3}, n=19)])
    row = whole(derive_targets(rows, roster=roster))
    # Started on 10 September: 10 October is day 30, so October began within the protection as well.
    assert (row["left_out_new"], row["left_out_small"], row["n_agent_months"]) == (3, 3, 3)
    assert row["target"] == 0.8


def test_thin_data_says_so_and_nothing_is_published_from_history_alone():
    row = whole(derive_targets(values({"a": [0.7] * 3, "b": [0.8] * 3})))
    assert row["grade"] == "trial"
    assert row["status"].split(";")[0] in ("TOO_EASY", "TARGET_THIN") and "HISTORY_ONLY" in row["status"]
    assert pd.isna(row["attainment_low"]) and pd.isna(row["expected_agents"])


def test_levels_split_only_where_eight_people_share_the_role():
    levels = {f"a{i:02}": ("junior", "senior")[i % 2] for i in range(20)}
    assert set(derive_targets(values(twenty(), levels=levels, months=("2026-10",)))["level"].dropna()) == {
        "junior",
        "senior",
    }
    seven = dict(list(twenty().items())[:7])
    assert derive_targets(values(seven, levels=levels, months=("2026-10",)))["level"].isna().all()


def test_a_senior_target_easier_than_the_junior_one_is_marked():
    levels = {f"a{i:02}": "senior" if i < 10 else "junior" for i in range(20)}
    table = derive_targets(values(twenty(), levels=levels, months=("2026-10",)))
    assert "LEVEL_ORDER" in table.loc[table["level"] == "senior", "status"].iloc[0]
    assert list(table["level"].dropna()) == ["junior", "senior"]


def test_levels_off_the_ladder_are_split_but_not_compared():
    levels = {f"a{i:02}": "资深" if i < 10 else "junior" for i in range(20)}
    table = derive_targets(values(twenty(), levels=levels, months=("2026-10",)))
    assert set(table["level"].dropna()) == {"junior", "资深"}
    assert not table["status"].str.contains("LEVEL_ORDER").any()


def test_the_shops_own_value_has_its_n():
    by_agent = {"a": [0.2, 0.2, 0.5], "b": [0.9, 0.9, 0.9]}
    row = whole(derive_targets(values(by_agent)))
    assert (row["shop_value"], row["shop_n"]) == (pytest.approx(0.7), 200)  # the newest month of both


def test_neutral_metrics_and_roles_that_do_not_serve_get_no_target():
    assert derive_targets(values(twenty(), "sessions_per_day", months=("2026-10",))).empty
    assert derive_targets(values(twenty(), "conversion_paid_user", role="after", months=("2026-10",))).empty


def test_two_sets_of_counting_rules_are_refused():
    both = pd.concat(
        [values(twenty(), months=("2026-10",)), values(twenty(), months=("2026-10",)).assign(definitions="pdd")]
    )
    with pytest.raises(CsperfError, match="pdd, shop"):
        derive_targets(both)


def test_daily_values_are_added_up_before_dividing():
    day = values({"a": [0.5], "b": [0.9]}, months=("2026-10",)).drop(columns="month")
    days = pd.concat([day.assign(day="2026-10-01"), day.assign(day="2026-10-02", numerator=100.0, value=1.0)])
    months = aims.agent_months(days)
    assert sorted(months["value"]) == [0.75, 0.95]
    assert set(months["n"]) == {200}


def test_only_the_industry_has_a_number():
    table = derive_targets(values(twenty(), months=("2026-10",)), benchmarks=benchmark("order_value_yuan", mean=90))
    row = whole(table, "order_value_yuan")
    assert (row["grade"], row["status"], row["target"], row["n_agents"]) == ("reference", "NO_DATA", 90, 0)


def test_past_attainment_counts_each_month():
    by_agent = {f"a{i}": [0.5 + i / 100, 0.6 + i / 100, 0.7 + i / 100] for i in range(10)}
    rows = values(by_agent)
    months, table = aims.agent_months(rows), derive_targets(rows)
    past = aims.past_attainment(months, table[table["level"].isna()])
    target = whole(table)["target"]
    assert [(row.month, row.met, row.agents) for row in past.itertuples()] == [
        (month, sum(series[at] >= target - 1e-12 for series in by_agent.values()), 10)
        for at, month in enumerate(MONTHS)
    ]


def test_top_tenth_mean_is_stricter_than_its_doorstep():
    rows = aims.agent_months(values(twenty(), months=("2026-10",)))
    found = aims.sources(rows, benchmarks=benchmark("reply_30s_msg", mean=0.60, top10_mean=0.80), definitions="shop")
    cells = found.set_index("cell")
    assert cells.loc["top10_doorstep", "value"] == pytest.approx(0.60 + 0.2 * 1.2816 / 1.755)
    assert "STRICTER_THAN_TOP_TENTH" in cells.loc["top10_mean", "codes"]
    assert "TOO_HARD" in cells.loc["top10_mean", "codes"]  # nobody here reached .80
    assert cells.loc["mean", "met"] == 11 / 20


def test_snapshots_and_other_counting_rules_are_marked():
    rows = aims.agent_months(values(twenty(), months=("2026-10",)))
    found = aims.sources(rows, benchmarks=benchmark("reply_30s_msg", days=1, mean=0.6), definitions="pdd")
    assert set(found["codes"].iloc[0].split(";")) == {"SNAPSHOT", "OTHER_DEFINITIONS"}


def test_the_absurd_target_of_the_guide_is_too_hard():
    """S0-05: a conversion above 98 % is named as the absurd target."""
    rows = aims.agent_months(values(twenty(), "conversion_paid_user", months=("2026-10",)))
    found = aims.sources(rows, benchmarks=benchmark("conversion_paid_user", tier_excellent=0.98))
    assert found["codes"].iloc[0] == "TOO_HARD" and found["met"].iloc[0] == 0


def test_settings_are_strict():
    with pytest.raises(ValueError):
        TargetSettings.model_validate({"targget": 0.5})
