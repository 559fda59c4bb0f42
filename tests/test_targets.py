"""First target values: order statistics of past agent-months, by direction, without newcomers and small samples."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from csperf import tables
from csperf import targets as aims
from csperf.errors import CsperfError
from csperf.stats.forecast import Forecast
from csperf.targets import TargetSettings, derive_targets
from csperf.targets.unchanged import held
from csperf.text import say

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


def steady(first=0.51, months=6):
    """Twenty agents who show the same value every month: .51, .52 ... .70."""
    return {f"a{i:02}": [first + i / 100] * months for i in range(20)}


SIX = ("2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10")
SURE = 100_000  # cases a month: chance is nothing beside the agents
QUICK = TargetSettings(resamples=0)


def test_agents_who_never_change_get_the_values_that_their_shares_meet():
    row = whole(derive_targets(values(steady(), n=SURE, months=SIX), settings=QUICK))
    # 20 values .51 to .70: 13 (65 %) are .58 or more, 18 (90 %) .53 or more, 4 (20 %) .67 or more.
    assert row["base"] == pytest.approx(0.53, abs=0.011)
    assert row["target"] == pytest.approx(0.58, abs=0.011)
    assert row["stretch"] == pytest.approx(0.67, abs=0.011)
    assert row["attainment"] == pytest.approx(13 / 20, abs=0.05)
    assert (row["n_agents"], row["n_agent_months"], row["team"], row["bound_by"]) == (20, 120, 20, "shop")
    assert row["expected_agents"] == round(row["attainment"] * 20)
    assert row["attainment_low"] < row["attainment"] < row["attainment_high"]


def test_lower_is_better_mirrors():
    seconds = {f"a{i:02}": [41 + i] * 6 for i in range(20)}
    rows = values(seconds, "mean_wait_turn_s", n=SURE, months=SIX)
    row = whole(derive_targets(rows, settings=QUICK), "mean_wait_turn_s")
    assert row["base"] == pytest.approx(58, abs=1.5)
    assert row["target"] == pytest.approx(53, abs=1.5)
    assert row["stretch"] == pytest.approx(44, abs=1.5)
    assert row["attainment"] == pytest.approx(13 / 20, abs=0.06)


def proposal(by_agent, industry=None, metric="reply_30s_msg", n=SURE, **settings):
    rows = values(by_agent, metric, n=n, months=SIX)
    return aims.propose(rows, benchmarks=industry, settings=QUICK.model_copy(update=settings))


def test_the_same_tier_mean_pulls_a_third_of_the_way_and_says_so(monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    found = proposal(steady(), benchmark("reply_30s_msg", tier_mean=0.59), target=0.90)
    own = found.steps.loc[found.steps["step"] == "shop", "value"].iloc[0]
    pulled = found.steps.loc[found.steps["step"] == "industry", "value"].iloc[0]
    assert pulled == pytest.approx(own + 0.33 * (0.59 - own))
    row = whole(found.targets)
    assert row["bound_by"] == "industry" and "the category's mean pulls it by" in row["reason"]


@pytest.mark.parametrize("stage, kappa", [("launch", 0.20), ("steady", 0.33), ("leader", 0.50)])
def test_each_stage_of_the_shop_has_its_pull(stage, kappa):
    found = proposal(steady(), benchmark("reply_30s_msg", tier_mean=0.56), target=0.90, shop_stage=stage)
    steps = found.steps.set_index("step")["value"]
    assert steps["industry"] == pytest.approx(steps["shop"] + kappa * (0.56 - steps["shop"]))


def test_a_peers_mean_out_of_reach_pulls_no_further_than_half_the_team_reaches():
    """S0-05: a conversion above 98 % is the absurd target."""
    row = whole(proposal(steady(), benchmark("reply_30s_msg", tier_mean=0.98)).targets)
    assert row["bound_by"] == "attainable"
    assert row["attainment"] >= 0.45


def test_an_easier_industry_never_lowers_a_target():
    plain = whole(proposal(steady()).targets)
    assert whole(proposal(steady(), benchmark("reply_30s_msg", tier_mean=0.30)).targets)["target"] == plain["target"]


@pytest.mark.parametrize("spoilt", [{"days": 1}, {"definitions": "pdd"}])
def test_snapshots_and_other_counting_rules_pull_nothing(spoilt):
    peers = benchmark("reply_30s_msg", days=spoilt.get("days", 30), tier_mean=0.70)
    peers["definitions"] = spoilt.get("definitions", "shop")
    row = whole(proposal(steady(), peers).targets)
    assert row["bound_by"] == "shop" and row["tier_mean"] == 0.70  # shown all the same


def test_fewer_planned_cases_make_base_easier_and_stretch_harder():
    late, eighth = (whole(proposal(steady(), n=400, volume=v).targets) for v in (1.0, 1 / 8))
    assert eighth["base"] < late["base"] and eighth["stretch"] > late["stretch"]


def test_who_was_not_seen_lately_is_not_counted_on():
    gone = steady() | {"gone": [0.6] * 4 + [float("nan")] * 2}
    row = whole(proposal(gone).targets)
    assert (row["n_agents"], row["team"]) == (21, 20)


@given(st.integers(0, 10_000))
@hypothesis_settings(max_examples=25, deadline=None)
def test_no_level_has_a_harder_target_than_the_one_above(seed):
    rng = np.random.default_rng(seed)
    by_agent = {f"a{i:02}": rng.uniform(0.5, 0.9, 6) for i in range(12)}
    levels = {name: aims.LEVELS[rng.integers(3)] for name in by_agent}
    rows = values(by_agent, n=int(rng.integers(30, 500)), levels=levels, months=SIX)
    table = derive_targets(rows, settings=QUICK).dropna(subset="level")
    for column in ("base", "target", "stretch"):
        assert table[column].is_monotonic_increasing


@given(st.integers(0, 10_000), st.sampled_from(["reply_30s_msg", "mean_wait_turn_s", "lost_inquiries"]))
@hypothesis_settings(max_examples=25, deadline=None)
def test_values_are_in_order_and_expected_as_said(seed, metric):
    rng = np.random.default_rng(seed)
    by_agent = {f"a{i:02}": rng.uniform(0.5, 0.9, 6) * (1 if metric == "reply_30s_msg" else 60) for i in range(9)}
    found = aims.propose(values(by_agent, metric, n=int(rng.integers(30, 500)), months=SIX), settings=QUICK)
    row = whole(found.targets, metric)
    ordered = [row["base"], row["target"], row["stretch"]]
    assert ordered == sorted(ordered, reverse=row["better"] == "lower")
    model = found.models[metric, "pre"]
    assert row["attainment"] == model.forecast.attainment(row["target"])
    assert row["attainment_low"] <= row["attainment_high"]


def test_the_half_width_shrinks_with_more_agents_and_months():
    rng = np.random.default_rng(3)
    wide = {
        f"a{i:02}": np.clip(0.8 + 0.05 * rng.standard_normal() + 0.025 * rng.standard_normal(6), 0, 1)
        for i in range(40)
    }
    narrow = whole(derive_targets(values(wide, n=300, months=SIX)))["half_width"]
    few = {name: series[:3] for name, series in list(wide.items())[:8]}
    assert 0 < narrow < whole(derive_targets(values(few, n=300, months=SIX[3:])))["half_width"]


def test_daily_means_without_n_are_estimated_from_the_days_and_only_tried():
    rng = np.random.default_rng(5)
    days = pd.date_range("2026-10-01", "2026-10-31").strftime("%Y-%m-%d")
    rows = [
        {
            "shop_id": "S",
            "agent_id": f"a{i}",
            "metric": "mean_wait_turn_s",
            "day": day,
            "value": 40 + 3 * i + rng.normal(0, 5),
        }
        for i in range(6)
        for day in days
    ]
    months = aims.agent_months(pd.DataFrame(rows))
    assert months["by_day"].all() and set(months["n"]) == {31}
    row = whole(derive_targets(pd.DataFrame(rows)), "mean_wait_turn_s")
    assert row["grade"] == "trial" and {"NO_N", "FEW_MONTHS"} <= set(row["status"].split(";"))
    assert row["shop_value"] == pytest.approx(np.mean([day["value"] for day in rows])) and row["shop_n"] == 6 * 31
    assert 40 < row["target"] < 60 and row["team"] == 6


def test_six_agents_and_one_month_still_get_a_target_on_trial():
    row = whole(derive_targets(values({f"a{i}": [0.7 + i / 50] for i in range(6)}, months=("2026-10",))))
    assert row["grade"] == "trial" and "FEW_MONTHS" in row["status"]
    assert 0.5 < row["base"] < row["target"] < row["stretch"] < 1


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
    row = whole(proposal({f"a{i}": [0.8] * 6 for i in range(10)}).targets)
    assert row["base"] <= row["target"] - 0.01 + 1e-9 and row["stretch"] >= row["target"] + 0.01 - 1e-9


def test_a_share_never_asks_for_more_than_all():
    row = whole(proposal({f"a{i}": [1.0] * 6 for i in range(10)}).targets)
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
    assert 0.6 < row["target"] < 0.81


def test_thin_data_says_so_and_is_only_tried():
    row = whole(derive_targets(values({"a": [0.7] * 3, "b": [0.8] * 3})))
    assert row["grade"] == "trial"
    assert row["status"].split(";")[0] == "TARGET_THIN"


def test_levels_split_only_where_eight_people_share_the_role():
    levels = {f"a{i:02}": ("junior", "senior")[i % 2] for i in range(20)}
    assert set(derive_targets(values(twenty(), levels=levels, months=("2026-10",)))["level"].dropna()) == {
        "junior",
        "senior",
    }
    seven = dict(list(twenty().items())[:7])
    assert derive_targets(values(seven, levels=levels, months=("2026-10",)))["level"].isna().all()


def test_levels_off_the_ladder_are_split_too():
    levels = {f"a{i:02}": "资深" if i < 10 else "junior" for i in range(20)}
    table = derive_targets(values(twenty(), levels=levels, months=("2026-10",)))
    assert set(table["level"].dropna()) == {"junior", "资深"}


def test_the_shops_own_value_has_its_n():
    by_agent = {"a": [0.2, 0.2, 0.5], "b": [0.9, 0.9, 0.9]}
    row = whole(derive_targets(values(by_agent)))
    assert (row["shop_value"], row["shop_n"]) == (pytest.approx(0.7), 200)  # the newest month of both


def test_what_the_shop_did_counts_those_with_few_cases():
    many, few = (values({agent: [v]}, n=n, months=("2026-10",)) for agent, v, n in (("a", 0.5, 100), ("b", 0.9, 5)))
    rows = pd.concat([many, few])
    row = whole(derive_targets(rows))
    assert (row["shop_value"], row["shop_n"], row["n_agents"]) == (pytest.approx(54.5 / 105), 105, 1)


def test_a_role_of_which_nobody_has_cases_enough_says_so():
    few = values(twenty(), n=5, months=("2026-10",))
    row = whole(derive_targets(few, benchmarks=benchmark("reply_30s_msg", mean=0.9)))
    assert (row["grade"], row["target"], row["shop_n"], row["left_out_small"]) == ("reference", 0.9, 100, 20)
    assert row["reason"] == say("targets.reason_few") and row["shop_value"] == pytest.approx(few["value"].mean())


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
    assert cells.loc["top10_without_luck", "value"] == pytest.approx(0.60 + 0.2 * 0.7)  # METHOD 1.5
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
    with pytest.raises(ValueError, match="targget"):
        TargetSettings.model_validate({"targget": 0.5})


def test_one_agent_and_one_month_get_a_lower_grade_and_no_sound_number():
    row = whole(derive_targets(values({"a": [0.7]}, months=("2026-10",))))
    assert row["grade"] == "trial" and {"TARGET_THIN", "FEW_MONTHS"} <= set(row["status"].split(";"))
    assert row["team"] == 1 and row["expected_agents"] in (0, 1)


def test_a_lone_value_without_n_is_no_n():
    lone = values({f"a{i}": [0.9 - i / 50] for i in range(6)}, months=("2026-10",))
    lone[["numerator", "denominator", "n"]] = float("nan")
    row = whole(derive_targets(lone, benchmarks=benchmark("reply_30s_msg", tier_mean=0.85)))
    assert (row["grade"], row["status"], row["n_agents"]) == ("reference", "NO_N", 6)
    assert row["tier_mean"] == row["target"] == 0.85 and pd.isna(row["base"]) and pd.isna(row["attainment"])


def test_bare_means_of_several_months_show_how_they_vary_and_are_only_tried():
    several = values({f"a{i}": [0.9 - i / 50 + m / 100 for m in (-1, 0, 1, 0)] for i in range(6)}, months=SIX[-4:])
    several[["numerator", "denominator", "n"]] = float("nan")
    row = whole(derive_targets(several))
    assert row["grade"] == "trial" and row["status"].startswith("NO_N")
    assert 0.75 < row["base"] < row["target"] < row["stretch"] < 0.95


def test_means_without_n_among_others_that_have_theirs_are_set_aside():
    mixed = values({f"a{i}": [0.9 - i / 50] * 3 for i in range(6)})
    mixed.loc[mixed["month"] == "2026-09", ["numerator", "denominator", "n"]] = float("nan")
    row = whole(derive_targets(mixed))
    assert row["n_agent_months"] == 12 and "NO_N" not in row["status"]


def test_one_month_is_less_sure_than_it_looks_and_one_agent_says_nothing():
    one = {f"a{i}": [0.8] for i in range(6)}
    settings = TargetSettings(resamples=100)
    row = whole(derive_targets(values(one, n=SURE, months=("2026-10",)), settings=settings))
    assert row["half_width"] > 0.01  # six alike in one month: months still differ
    alone = whole(derive_targets(values({"a": [0.8]}, months=("2026-10",)), settings=settings))
    assert pd.isna(alone["half_width"]) and alone["grade"] == "trial"


def test_company_goals_stand_beside_and_move_nothing():
    plain, wished = (whole(proposal(steady(), company_goals=goals).targets) for goals in ({}, {"reply_30s_msg": 0.9}))
    assert wished["target"] == plain["target"] and wished["company_goal"] == 0.9
    assert wished["company_share"] < 0.1


def register(metric="reply_30s_msg", **changes):
    """A target in force, as register.published has it."""
    row = dict.fromkeys(aims.COLUMNS) | {"metric": metric, "role": "pre", "definitions": "shop"}
    return pd.DataFrame([row | {"base": 0.5, "stretch": 0.68} | changes])


@pytest.mark.parametrize("apart, stays", [(0.01, True), (0.2, False)])
def test_what_cannot_be_told_from_the_target_in_force_stays(apart, stays, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    settings = TargetSettings(resamples=50)
    found = aims.propose(values(steady(), months=SIX), settings=settings)
    new = whole(found.targets)
    kept = held(found, register(target=round(new["target"] - apart, 3)), settings)
    row = whole(kept.targets)
    if not stays:
        pd.testing.assert_frame_equal(kept.targets, found.targets)
        return
    assert apart < new["half_width"]
    assert (row["base"], row["target"], row["stretch"]) == (0.5, round(new["target"] - apart, 3), 0.68)
    assert row["attainment"] > new["attainment"] and "57.0%" in row["reason"] and row["reason"].endswith("stays.")
    assert (row["bound_by"], row["grade"]) == ("in_force", "publish")


def test_other_counting_rules_are_not_compared():
    settings = TargetSettings(resamples=50)
    found = aims.propose(values(steady(), months=SIX), settings=settings)
    same = held(found, register(target=whole(found.targets)["target"], definitions="pdd"), settings)
    pd.testing.assert_frame_equal(same.targets, found.targets)


def test_the_table_says_how_far_off_a_target_may_be_and_cards_are_of_what_people_are_held_to():
    levels = {agent: "junior" if place < 10 else "senior" for place, agent in enumerate(steady())}
    found = aims.propose(values(steady(), levels=levels, months=SIX), settings=TargetSettings(resamples=50)).targets
    shown = tables.targets(found, lang="zh").gt.as_raw_html()
    assert [f"±{100 * width:.1f}个点" in shown for width in found["half_width"]] == [True] * 3
    assert "±–" not in tables.targets(found.assign(half_width=float("nan")), lang="zh").gt.as_raw_html()
    cards = tables.target_cards(found.astype({"team": float}), definitions="shop", lang="zh")
    assert cards.frame["level"].tolist() == ["junior", "senior"]
    assert cards.frame["attainable"].str.startswith("10人里约").all()


@pytest.mark.parametrize(
    ("ours", "theirs", "days", "said"),
    [
        ("shop", "shop", 30, ""),
        ("shop", "taobao", 30, "is counted otherwise, or nobody says how"),
        ("", "taobao", 30, "is counted otherwise, or nobody says how"),
        ("", "", 30, ""),
        ("shop", "shop", 1, "covers under 7 days"),
    ],
)
def test_what_has_no_say_is_said(ours, theirs, days, said, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    rows = values(steady(), months=SIX)
    rows = rows.assign(definitions=ours) if ours else rows.drop(columns="definitions")
    peers = benchmark("reply_30s_msg", days=days, tier_mean=0.9).assign(definitions=theirs or None)
    row = whole(aims.propose(rows, benchmarks=peers, settings=QUICK).targets)
    assert row["tier_mean"] == 0.9 and (row["bound_by"] == "shop") == bool(said)
    assert row["reason"].endswith(f"The category's mean 90.0% {said}: no say." if said else ".")
    assert said in row["reason"]


def test_the_range_is_that_of_the_middle_four_of_five_months():
    """In the n-th of 101 months n of 100 people meet the target."""
    forecast = Forecast(np.tri(101, 100, -1), higher=True)
    assert forecast.range(1.0) == pytest.approx((10, 90), abs=1) and forecast.attainment(1.0) == pytest.approx(0.5)
