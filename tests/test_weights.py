"""Weights: what data may say of them, what raters do, what stands in on day one, and what bad tables are told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from csperf.errors import CsperfError
from csperf.weights import COLUMNS, WeightSettings, check_identities, derive_weights, weigh
from csperf.weights.rounding import rounded

METRICS = ("conversion_paid_user", "order_value_yuan", "reply_30s_msg", "effective_session_share", "transfer_share")
TRUE = (0.5, 0.3, 0.2, 0.0, 0.0)
QUICK = WeightSettings(permutations=39, resamples=60, draws=200)


def team(agents=30, months=12, effects=TRUE, *, seed=0, noise=0.7, level=None, role="pre"):
    """Agent-month values of METRICS and of an outcome (repurchase_share) that rests on them."""
    rng = np.random.default_rng(seed)
    z = 0.7 * rng.standard_normal((agents, 1, 5)) + 0.7 * rng.standard_normal((agents, months, 5))
    shock = rng.standard_normal((1, months))
    y = z @ np.array(effects) + shock + noise * rng.standard_normal((agents, months))
    columns = dict(zip(METRICS, np.moveaxis(z, -1, 0), strict=True)) | {"repurchase_share": y}
    rows = []
    for metric, scores in columns.items():
        sign = -1 if metric == "transfer_share" else 1
        value = 100 + 10 * scores if metric == "order_value_yuan" else 0.5 + sign * 0.05 * scores
        rows.append(_long(metric, value))
    frame = pd.concat(rows, ignore_index=True).assign(shop_id="S", role=role)
    return frame.assign(level=level if level is None else frame["agent_id"].map(level))


def _long(metric, value):
    agent, month = (at.ravel() for at in np.indices(value.shape))
    names = {"agent_id": [f"a{a:02}" for a in agent], "month": [f"2025-{m + 1:02}" for m in month]}
    return pd.DataFrame({**names, "metric": metric, "value": value.ravel()})


def points(*raters, metrics=METRICS[:3], round_=1):
    rows = [
        (f"r{i}", round_, metric, given)
        for i, rater in enumerate(raters)
        for metric, given in zip(metrics, rater, strict=True)
    ]
    return pd.DataFrame(rows, columns=["expert", "round", "metric", "points"])


def by_metric(frame, column="weight"):
    return frame.set_index("metric")[column]


def problems(call):
    with pytest.raises(CsperfError) as caught:
        call()
    return " / ".join(f"{p.where}: {p.message}" for p in caught.value.problems)


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")


# From data --------------------------------------------------------------------------------------------------------


def test_data_that_are_enough_lead_the_weights():
    frame = derive_weights(team(), "repurchase_share", settings=QUICK)
    assert list(frame.columns) == COLUMNS
    assert set(frame["verdict"]) == {"DATA"} and (frame["lambda"] <= 0.75).all()
    assert frame["weight"].sum() == 100 and (frame["weight"] % 5 == 0).all() and frame["weight"].max() <= 40
    data = by_metric(frame, "data_weight")
    assert data.sum() == pytest.approx(100)
    assert list(data.sort_values(ascending=False).index[:3]) == list(METRICS[:3])
    assert (frame["low"] <= frame["data_weight"]).all() and (frame["data_weight"] <= frame["high"]).all()
    assert "does not prove a cause" in frame["note"].iloc[0]


def test_the_outcome_gets_no_weight():
    assert "repurchase_share" not in set(derive_weights(team(), "repurchase_share", settings=QUICK)["metric"])


@pytest.mark.parametrize(("agents", "months"), [(8, 12), (30, 2), (8, 2)])
def test_thin_data_are_refused_in_numbers_and_still_shown(agents, months):
    frame = derive_weights(team(agents, months), "repurchase_share", settings=QUICK)
    assert set(frame["verdict"]) == {"REFUSED"} and (frame["lambda"] == 0).all()
    assert f"{agents} people and {months} months" in frame["note"].iloc[0]
    assert frame["status"].str.contains("WEIGHTS_THIN").all()
    assert by_metric(frame, "data_weight").sum() == pytest.approx(100)
    assert frame["weight"].sum() == 100  # month one is never empty: the template stands in


def test_few_people_are_indicative_at_most():
    frame = derive_weights(team(16, 12, noise=0.3), "repurchase_share", settings=QUICK)
    assert set(frame["verdict"]) == {"INDICATIVE"} and (frame["lambda"] <= 0.5).all()
    assert "firmly" in frame["note"].iloc[0]


def test_metrics_that_mean_nothing_do_not_lead():
    verdicts = [
        derive_weights(team(effects=(0, 0, 0, 0, 0), seed=seed), "repurchase_share", settings=QUICK)["verdict"].iloc[0]
        for seed in range(8)
    ]
    assert verdicts.count("REFUSED") >= 7


def test_what_months_and_levels_share_is_no_evidence():
    """A busy month and a senior level lift the metric and the outcome: that is not what the agents do."""
    values = team(effects=(0, 0, 0, 0, 0), seed=3, level={f"a{i:02}": ("junior", "senior")[i % 2] for i in range(30)})
    lift = values["level"].map({"junior": 0.0, "senior": 0.2}) + values["month"].str[-2:].astype(int) * 0.02
    both = values["metric"].isin(["conversion_paid_user", "repurchase_share"])
    values["value"] = values["value"] + lift.where(both, 0.0)
    assert set(derive_weights(values, "repurchase_share", settings=QUICK)["verdict"]) == {"REFUSED"}


def test_a_metric_of_the_wrong_sign_is_called_so_and_gets_no_data_weight():
    weighing = weigh(team(effects=(0.6, 0, 0, -0.6, 0.2)), "repurchase_share", settings=QUICK)
    frame = weighing.weights.set_index("metric")
    assert frame.loc["effective_session_share", "data_weight"] == 0
    assert "WRONG_SIGN" in frame.loc["effective_session_share", "status"]
    assert any("check the counting rules" in said for said in weighing.said)


def test_metrics_that_say_the_same_share_one_weight_and_one_is_scored():
    values = team()
    twin = values[values["metric"] == "conversion_paid_user"].assign(metric="conversion_ordered_user")
    twin["value"] = twin["value"] + 0.01 * np.random.default_rng(0).standard_normal(len(twin))
    weighing = weigh(pd.concat([values, twin]), "repurchase_share", settings=QUICK)
    frame = weighing.weights.set_index("metric")
    pair = frame.loc[["conversion_paid_user", "conversion_ordered_user"]]
    assert pair["data_weight"].iloc[0] == pytest.approx(pair["data_weight"].iloc[1])
    assert (pair["weight"] == 0).sum() == 1 and pair["status"].str.contains("REDUNDANT").sum() == 1
    assert any("say the same thing" in said for said in weighing.said)


def test_metrics_seen_too_rarely_or_by_chance_only_get_no_data_weight():
    values = team()
    rare = (values["metric"] == "transfer_share") & (values["agent_id"] > "a12")
    noise = values["metric"] == "reply_30s_msg"
    values = values[~rare].copy()
    cases = 40.0
    rng = np.random.default_rng(0)
    values.loc[noise, "numerator"] = rng.binomial(int(cases), 0.5, noise.sum())
    values.loc[noise, "denominator"] = cases
    values.loc[noise, "value"] = None
    frame = derive_weights(values, "repurchase_share", settings=QUICK).set_index("metric")
    assert "COVERAGE" in frame.loc["transfer_share", "status"]
    assert "RELIABILITY" in frame.loc["reply_30s_msg", "status"]
    assert frame.loc[["transfer_share", "reply_30s_msg"], "data_weight"].isna().all()


def test_an_own_column_may_be_the_outcome():
    values = team()
    own = values[values["metric"] == "repurchase_share"][["agent_id", "month", "value"]]
    frame = derive_weights(values[values["metric"] != "repurchase_share"], own, settings=QUICK)
    assert set(frame["verdict"]) == {"DATA"}


def test_an_outcome_may_show_a_month_later():
    values = team(months=11)
    own = values[values["metric"] == "repurchase_share"]
    later = own.assign(month=(pd.PeriodIndex(own["month"], freq="M") + 1).strftime("%Y-%m"))
    values = pd.concat([values[values["metric"] != "repurchase_share"], later])
    frame = derive_weights(values, "repurchase_share", settings=QUICK.model_copy(update={"lag_months": 1}))
    assert frame.loc[frame["data_weight"].idxmax(), "metric"] == METRICS[0]
    assert (frame["lambda"] > 0).all()


def test_the_same_values_give_the_same_weights():
    one, other = (derive_weights(team(12, 6), "repurchase_share", settings=QUICK) for _ in range(2))
    pd.testing.assert_frame_equal(one, other)


# From raters ------------------------------------------------------------------------------------------------------


def test_a_few_raters_are_pooled_by_the_median():
    frame = derive_weights(team(6, 1), experts=points((50, 30, 20), (60, 20, 20), (40, 40, 20)), settings=QUICK)
    assert set(frame["verdict"]) == {"EXPERTS"}
    assert by_metric(frame, "expert_weight")[list(METRICS[:3])].tolist() == pytest.approx([50, 30, 20])
    assert by_metric(frame)[list(METRICS[:3])].tolist() == [40, 35, 25]  # the default most is 40
    assert "NOT_RATED" in by_metric(frame, "status")["transfer_share"]


def test_the_last_round_counts_and_who_moved_stays_unnamed():
    first, second = points((80, 10, 10), (10, 80, 10), (10, 10, 80)), points((50, 30, 20), (45, 35, 20), (50, 25, 25))
    weighing = weigh(None, experts=pd.concat([first, second.assign(round=2)]), settings=QUICK)
    rounds = weighing.opinion.rounds
    assert by_metric(weighing.weights, "expert_weight")[METRICS[0]] == pytest.approx(50, abs=1)
    assert rounds.loc[rounds["round"] == 2, "moved"].tolist() == [3, 3, 3]
    assert "expert" not in rounds and not rounds.isin(["r0", "r1"]).any().any()
    assert list(rounds.groupby("round")["stop"].first()) == [False, True]


def test_raters_who_are_split_are_not_averaged():
    metrics = METRICS[:4]
    camps = points(*[(50, 30, 15, 5)] * 4, *[(5, 15, 30, 50)] * 3, metrics=metrics)
    weighing = weigh(team(6, 2), experts=camps, settings=QUICK)
    assert set(weighing.weights["verdict"]) == {"REFUSED"}
    assert weighing.weights["expert_weight"].isna().all()
    assert weighing.opinion.camps[0][0] == 4 and weighing.opinion.camps[1][0] == 3
    assert any("4 for" in said and "do not average" in said for said in weighing.said)


def test_blanks_and_sums_are_all_named_at_once():
    wrong = points((50, 30, None), (50, 30, 30), (40, 40, 20))
    said = problems(lambda: derive_weights(None, experts=wrong))
    assert "r0" in said and "reply_30s_msg" in said and "r1" in said and "110" in said and "r2" not in said


def test_comparisons_are_weighed_by_saatys_method():
    pairs = pd.DataFrame(
        [
            ("m1", "conversion_paid_user", "order_value_yuan", 2),
            ("m1", "conversion_paid_user", "reply_30s_msg", 4),
            ("m1", "reply_30s_msg", "order_value_yuan", 0.5),
        ],
        columns=["expert", "a", "b", "ratio"],
    )
    frame = derive_weights(None, experts=pairs, settings=QUICK)
    wanted = [400 / 7, 200 / 7, 100 / 7]
    assert by_metric(frame, "expert_weight")[list(METRICS[:3])].tolist() == pytest.approx(wanted)
    wild = pairs.assign(ratio=[2, 0.2, 0.2])
    assert "contradict" in problems(lambda: derive_weights(None, experts=wild))
    assert "conversion_paid_user/order_value_yuan" in problems(lambda: derive_weights(None, experts=pairs.iloc[1:]))


def test_data_and_raters_meet_in_between():
    raters = points(*[(10, 30, 60)] * 9)
    frame = derive_weights(team(), "repurchase_share", raters, settings=QUICK)
    data, said = (by_metric(frame, f"{side}_weight") for side in ("data", "expert"))
    assert data[METRICS[0]] > by_metric(frame)[METRICS[0]] > said[METRICS[0]]
    assert 0 < frame["lambda"].iloc[0] <= 0.75


# On day one -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["pre", "after", "mixed"])
def test_day_one_has_a_template(role):
    frame = derive_weights(team(6, 1, role=role), settings=QUICK)
    assert set(frame["verdict"]) == {"STARTER"} and frame["weight"].sum() == 100
    assert "no finding" in frame["note"].iloc[0]


def test_one_template_for_peak_season_and_a_word_on_unknown_ones():
    peak = derive_weights(team(6, 1), settings=QUICK.model_copy(update={"template": "peak"}))
    assert by_metric(peak)["effective_session_share"] > 0
    said = problems(lambda: derive_weights(team(6, 1), settings=QUICK.model_copy(update={"template": "summer"})))
    assert "summer" in said and "peak" in said


def test_what_the_shop_lives_on_decides_what_weighs_most():
    kept = {
        name: by_metric(derive_weights(team(6, 1), settings=QUICK.model_copy(update={"template": name})))
        for name in ("quality_shop", "speed_shop")
    }
    assert kept["speed_shop"]["reply_30s_msg"] > kept["quality_shop"]["reply_30s_msg"] > 0
    assert kept["quality_shop"]["effective_session_share"] > kept["quality_shop"]["reply_30s_msg"]


def test_never_two_speed_metrics_together():
    raters = points((30, 30, 40), metrics=("first_reply_s", "reply_30s_msg", "order_value_yuan"))
    frame = derive_weights(None, experts=raters, settings=QUICK)
    assert (by_metric(frame)[["first_reply_s", "reply_30s_msg"]] > 0).sum() == 1
    assert frame["status"].str.contains("TWO_SPEED").sum() == 1


def test_few_metrics_are_scored_and_more_than_eight_must_be_asked_for():
    metrics = [*METRICS, "items_per_buyer", "handle_min", "coded_share"]
    raters = points(*[(20, 16, 14, 12, 11, 10, 9, 8)] * 3, metrics=metrics)
    frame = derive_weights(None, experts=raters, settings=QUICK)
    assert (frame["weight"] > 0).sum() == 6 and frame["status"].str.contains("OBSERVED").sum() == 2
    with pytest.raises(ValueError, match="force_many"):
        WeightSettings(most_scored=9)
    assert WeightSettings(most_scored=9, force_many=True).most_scored == 9


def test_a_product_is_found_and_how_much_weight_rests_on_it():
    """The 2010 scorecard: 有效咨询 x 转化率 = 咨询并购买 (FIELD A.0)."""
    keys = ["effective_sessions_per_day", "conversion_same_day", "bought_per_day", "mean_wait_turn_s"]
    found = check_identities(pd.DataFrame({"metric": keys, "weight": [15, 25, 25, 35]}))
    assert [set(m.split(";")) for m in found["metrics"]] == [set(keys[:3])]
    assert found["points"].tolist() == [65]


# Rounding ---------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=8))
@hypothesis_settings(max_examples=200, deadline=None)
def test_rounded_weights_sum_to_a_hundred_in_steps_within_bounds(weights):
    found = rounded(np.array(weights))
    assert found.sum() == 100 and (found % 5 == 0).all() and found.min() >= 5
    assert found.max() <= (40 if len(weights) > 2 else 100)


def test_rounding_moves_little():
    weights = np.random.default_rng(0).dirichlet(np.full(6, 4.0), 300)
    moved = [np.abs(rounded(w, most=100) / 100 - w).sum() / 2 for w in weights]
    assert np.mean(moved) < 0.06


# Tables that cannot be used ---------------------------------------------------------------------------------------


def test_an_outcome_that_is_one_of_the_metrics_is_refused():
    values = team(12, 6)
    listed = QUICK.model_copy(update={"metrics": ("conversion_paid_user", "order_value_yuan")})
    assert "cannot explain itself" in problems(lambda: derive_weights(values, "order_value_yuan", settings=listed))
    rated = points((50, 30, 20))
    assert "cannot explain itself" in problems(lambda: derive_weights(values, "order_value_yuan", rated))
    twin = values[values["metric"] == "order_value_yuan"][["agent_id", "month", "value"]]
    assert "order_value_yuan" in problems(lambda: derive_weights(values, twin, settings=QUICK))


def test_what_is_missing_is_named():
    values = team(4, 2)
    assert "csat" in problems(lambda: derive_weights(values, "csat"))
    stranger = pd.DataFrame({"agent_id": ["x"], "month": ["2025-01"], "value": [1.0]})
    assert "no agent and month" in problems(lambda: derive_weights(values, stranger))
    assert "agent_id" in problems(lambda: derive_weights(values, stranger.drop(columns="agent_id")))
    assert "after" in problems(lambda: derive_weights(values, role="after"))
    assert "points" in problems(lambda: derive_weights(values, experts=pd.DataFrame({"who": [1]})))
    both = pd.concat([values, team(4, 2, role="after")])
    assert "role" in problems(lambda: derive_weights(both, experts=points((50, 30, 20))))


def test_an_outcome_that_never_varies_is_said():
    values = team(12, 4)
    values.loc[values["metric"] == "repurchase_share", "value"] = 0.0
    weighing = weigh(values, "repurchase_share", settings=QUICK)
    assert "the same in all 48 agent-months" in weighing.said[0]
    assert set(weighing.weights["verdict"]) == {"REFUSED"}
    assert weighing.weights["status"].str.contains("WEIGHTS_NO_SIGNAL").all()


def test_agents_without_level_are_said():
    values = team(level={f"a{i:02}": "mid" for i in range(20)})
    weighing = weigh(values, "repurchase_share", settings=QUICK)
    assert weighing.weights["status"].str.contains("LEVEL_MISSING").all()
    assert any("without a level: 10" in said for said in weighing.said)


def test_many_metrics_are_warned_of_with_ten_reasons():
    metrics = """conversion_paid_user order_value_yuan items_per_buyer reply_30s_msg first_reply_s handle_min
        coded_share effective_session_share transfer_share emoji_share payment_share order_loss_share
        sales_yuan_per_day""".split()
    values = pd.concat([_long(m, np.full((3, 2), 0.5)) for m in metrics]).assign(role="pre")
    (said,) = [s for s in weigh(values, settings=QUICK).said if "more than 12" in s]
    assert said.count(";") == 8


# Made-up teams ----------------------------------------------------------------------------------------------------


def test_the_bounds_of_the_bench_hold_roughly_on_a_few_teams():
    """`make bench-stats` measures; this sees a method that broke."""
    from bench.weights import Shop, weighed

    found = pd.DataFrame([weighed(Shop("", 30, 12), np.random.default_rng([9, team])) for team in range(12)])
    assert found["rank"].mean() > 0.7 and found["off"].mean() < 0.25
    assert found["covered"].mean() > 0.8
    assert found["both_0.9"].mean() < found["raters_0.9"].mean()
    nothing = [weighed(Shop("", 30, 12, explained=0.0), np.random.default_rng([9, team])) for team in range(12)]
    assert sum(one["DATA"] for one in nothing) <= 1
