"""What lies further off than chance: against published numbers, and on made-up teams whose truth is known."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import brentq
from statsmodels.stats.meta_analysis import combine_effects

from csperf import charts, tables
from csperf.stats.kinds import KINDS
from csperf.stats.noise import fit
from csperf.stats.ranks import ranks
from csperf.stats.scales import scale
from csperf.stats.signals import (
    FEW,
    apart,
    funnel_limits,
    funnel_place,
    next_month,
    past_months,
    shrink,
    wilson,
    xmr_limits,
)
from csperf.targets import TargetSettings, outlook, propose
from csperf.text import LANGUAGES

ORACLES = Path(__file__).resolve().parent.parent.parent / "shared" / "oracles"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
SETTINGS = TargetSettings(resamples=0)


def published(name):
    path = ORACLES / name
    if not path.exists():
        pytest.skip(f"published numbers are not here: {name}")
    return path


# Published numbers ------------------------------------------------------------------------------------------------


def test_funnel_labels_of_303_areas():
    """UKHSA PHEindicatormethods, testdata_funnel_prop: 303 of 303 labels."""
    areas = pd.read_csv(published("testdata_funnel_prop_inputs.csv"), encoding="utf-8-sig")
    labels = {-2: "Low (0.001)", -1: "Low (0.025)", 0: "Not significant", 1: "High (0.025)", 2: "High (0.001)"}
    centre = areas["numerator"].sum() / areas["denominator"].sum()
    found = pd.Series(funnel_place(areas["numerator"], areas["denominator"], centre)).map(labels)
    assert len(found) == 303 and (found == areas["significance"]).all()


def test_funnel_limits_as_published():
    """UKHSA PHEindicatormethods: limits in percent, to the six decimals printed."""
    rows = pd.read_csv(published("testdata_funnel_prop_outputs.csv"), encoding="utf-8-sig")
    found = funnel_limits(rows["Population"], rows["Baseline"].iloc[0] / 100)
    assert 100 * np.column_stack([edge for pair in found for edge in pair]) == pytest.approx(
        rows.iloc[:, 1:5].to_numpy(), abs=1e-6
    )


def test_wilson_as_published():
    rows = pd.read_csv(published("proportion_intervals.csv"))
    for row in rows.itertuples():
        low, high = wilson(row.count, row.nobs, 1 - row.alpha)
        assert (float(low), float(high)) == pytest.approx((row.wilson_low, row.wilson_upp), abs=5e-7), row


def test_wilson_holds_the_share_itself():
    cases = np.arange(1, 2000)
    assert (wilson(0, cases)[0] == 0).all() and (wilson(cases, cases)[1] == 1).all()


def test_wilson_of_nothing_is_nothing():
    low, high = wilson([0, 0], [0, 10])
    assert np.isnan([low[0], high[0]]).all() and low[1] == 0 and high[1] > 0.2


def test_shrinkage_of_eighteen_baseball_players():
    """Efron & Morris, Scientific American 1977: the factor .212."""
    about = json.loads(published("james_stein_baseball.json").read_text(encoding="utf-8"))
    hits, at_bats = (np.array([p[key] for p in about["players"]]) for key in ("hits", "at_bats"))
    value, low, high = shrink(hits, at_bats)
    mean = hits.sum() / at_bats.sum()
    factor = (value - mean) / (hits / at_bats - mean)
    assert np.round(factor, 3) == pytest.approx(about["published"]["shrinkage_c_3dp"])
    assert value == pytest.approx([p["james_stein_computed"] for p in about["players"]], abs=1e-6)
    season = np.array([p["season_average_3dp"] for p in about["players"]])
    assert ((low <= season) & (season <= high)).mean() >= 0.9


def test_a_prior_worth_sixty_cases():
    """FIELD F5: 3 of 5 is shown as 32 %, 99 of 270 as 35.5 %."""
    value, _low, _high = shrink([3, 99], [5, 270], prior=(0.30, 60))
    assert np.round(value, 3).tolist() == [0.323, 0.355]


def test_few_shares_stay_as_they_are_and_equal_ones_meet():
    value, low, high = shrink([3, 99, 0], [5, 270, 0])
    assert value[:2].tolist() == [0.6, 99 / 270] and np.isnan([value[2], low[2], high[2]]).all()
    value, low, high = shrink([5, 50, 10, 100, 20], [10, 100, 20, 200, 40])
    assert value == pytest.approx([0.5] * 5) and (low < 0.5).all() and (high > 0.5).all()
    value, low, high = shrink([0] * 6, [5] * 6)
    assert (value == 0).all() and (low == 0).all() and (high > 0.3).all()


def test_chart_of_single_values():
    # moving ranges 2, 1, 4, 1: mean 2, so 2.66 * 2 on either side of the mean
    assert xmr_limits([10, 12, 11, None, 15, 14]) == pytest.approx((12.4, 12.4 - 5.32, 12.4 + 5.32))
    assert np.isnan(xmr_limits([5])[1:]).all() and np.isnan(xmr_limits([])).all()


# Agents -----------------------------------------------------------------------------------------------------------


def test_each_agent_is_compared_with_the_others_only():
    """Paule & Mandel's equation solved by scipy; statsmodels agrees where its iteration does not stop at 0."""
    rng, agreed = np.random.default_rng(1), 0
    x, variance = rng.normal(0, 1, 12), rng.uniform(0.05, 0.6, 12)
    found = apart(x, variance)
    for i in range(12):
        others, chance = np.delete(x, i), np.delete(variance, i)

        def excess(extra, others=others, chance=chance):
            weight = 1 / (chance + extra)
            return (weight * (others - np.average(others, weights=weight)) ** 2).sum() - 10

        extra = brentq(excess, 0, 9) if excess(0) > 0 else 0.0
        mean, weight = np.average(others, weights=1 / (chance + extra)), (1 / (chance + extra)).sum()
        assert found.expected[i] == pytest.approx(mean, abs=1e-8)
        assert found.z[i] == pytest.approx((x[i] - mean) / np.sqrt(variance[i] + extra + 1 / weight), abs=1e-7)
        rest = combine_effects(others, chance, method_re="pm", atol=1e-12, maxiter=500)
        if rest.tau2 > 0 or extra == 0:
            assert found.expected[i] == pytest.approx(rest.mean_effect_re, abs=1e-8)
            agreed += 1
    assert agreed >= 8


def test_teams_without_and_with_an_outlier():
    """METHOD 4: 30 agents, true sd 3 points, one 12 points lower. Its n is not stated: 750 gives the unadjusted .18."""
    rng, worlds, n = np.random.default_rng(4), 1000, np.full(30, 750)
    true = rng.normal(0.80, 0.03, (worlds, 30))
    alike = apart(*scale(KINDS["rate"]).placed(rng.binomial(n, true) / n, n + np.zeros((worlds, 1)), 0.0))
    assert (alike.p < 0.002).mean() == pytest.approx(0.002, abs=3 * np.sqrt(0.002 / (worlds * 30)) + 5e-4)
    assert alike.listed.any(axis=1).mean() == pytest.approx(0.06, abs=0.025)
    true[:, 0] = 0.80 - 0.12
    values = rng.binomial(n, true) / n
    found = apart(*scale(KINDS["rate"]).placed(values, n + np.zeros((worlds, 1)), 0.0))
    placed = scale(KINDS["rate"]).placed(values, n, 0.0)[0][:, 0]
    (low95, _), (low998, _) = found.limits
    assert (placed < low998[:, 0]).mean() == pytest.approx(0.44, abs=0.06)
    assert (placed < low95[:, 0]).mean() == pytest.approx(0.97, abs=0.03)
    equals = [funnel_place(own * 750, n, own.mean()) for own in values[:100]]
    assert np.mean([np.abs(place[1:]) == 2 for place in equals]) == pytest.approx(0.18, abs=0.04)


@pytest.mark.parametrize("kind", ["rate", "count", "time"])
def test_false_alarms_stay_nominal_with_few_and_many_cases(kind):
    rng, worlds = np.random.default_rng(5), 800
    n = np.where(np.arange(20) < 6, 30, 400) + np.zeros((worlds, 1))
    if kind == "rate":
        values = rng.binomial(n.astype(int), np.clip(rng.normal(0.8, 0.03, n.shape), 0, 1)) / n
    elif kind == "count":
        values = rng.poisson(n * rng.gamma(100, 0.5 / 100, n.shape)) / n
    else:
        values = rng.lognormal(4, 0.1, n.shape) * rng.gamma(n / 0.8, 0.8 / n)
    found = apart(*scale(KINDS[kind]).placed(values, n, 0.8))
    assert (found.p < 0.05).mean() == pytest.approx(0.05, abs=0.012)
    assert (found.p < 0.002).mean() < 0.006


def test_below_eight_agents_nobody_is_called_different():
    few = apart(np.r_[np.zeros(FEW - 2), 9.0], np.full(FEW - 1, 0.01))
    assert np.isnan(few.z).all() and not few.listed.any() and np.isnan(few.limits[0][0]).all()
    unseen = apart(np.r_[np.linspace(-0.1, 0.1, FEW - 1), np.nan, 9.0], np.full(FEW + 1, 0.01))
    assert np.isnan(unseen.z[-2]) and unseen.listed.tolist() == [False] * FEW + [True]


@pytest.mark.parametrize("kind", ["rate", "count", "time"])
def test_scales_lead_back(kind):
    value, n = np.array([0.1, 0.5, 0.97]), np.array([15.0, 200.0, 40.0])
    x, _variance = scale(KINDS[kind]).placed(value, n, 0.6)
    assert scale(KINDS[kind]).natural(x, n, 0.6) == pytest.approx(value)


# Months -----------------------------------------------------------------------------------------------------------


def test_one_month_ahead():
    """METHOD 4: false alarms .25-.4 %, a drop of five sd found in 59 / 76 / 91 % at 8 / 12 / 24 months."""
    rng, false, worlds = np.random.default_rng(6), [], 600
    for months, power in ((8, 0.59), (12, 0.76), (24, 0.91)):
        series = rng.standard_normal((worlds, months + 1))
        limits = np.array([next_month(own[:-1])[1:] for own in series])
        false.append(((series[:, -1] < limits[:, 0]) | (series[:, -1] > limits[:, 1])).mean())
        assert (series[:, -1] - 5 < limits[:, 0]).mean() == pytest.approx(power, abs=3 * np.sqrt(0.25 / worlds))
    assert np.mean(false) == pytest.approx(0.0027, abs=0.004)


def test_a_month_unlike_the_others_is_listed_and_a_steady_year_seldom():
    rng = np.random.default_rng(7)
    steady = [past_months(rng.standard_normal(12))[1].any() for _ in range(400)]
    assert np.mean(steady) == pytest.approx(0.05, abs=0.035)
    year = rng.standard_normal(12)
    year[4] -= 8
    assert np.flatnonzero(past_months(year)[1]).tolist() == [4]
    assert not past_months(year[:7])[1].any() and np.isnan(past_months(year[:7])[0]).all()


def test_season_is_no_signal():
    rng = np.random.default_rng(8)
    month = np.tile(np.arange(12), 3)
    series = np.where(month == 10, 6.0, 0.0) + 0.3 * rng.standard_normal(36)
    _centre, low, high = next_month(series[:-2], season=month[:-2], coming=10)
    assert low < series[-2] < high and not past_months(series, month)[1].any()
    assert not next_month(series[:10])[1] < series[10] < next_month(series[:10])[2]
    assert np.isnan(next_month(series[:9], season=month[:9], coming=10)).all()


def test_too_little_is_said_so():
    assert np.isnan(next_month([])).all()
    assert next_month([3.0])[0] == 3 and np.isnan(next_month([3.0])[1:]).all()
    assert not past_months([])[1].size


# Ranks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("months", [1, 6])
def test_rank_intervals_hold_the_true_rank(months):
    """METHOD 4: 90 % rank intervals cover 93-96 %; METHOD's world of 30 agents, nine of them part-time."""
    rng, worlds = np.random.default_rng(9), 60
    n = np.where(np.arange(30)[:, None] < 9, 40, 500) + np.zeros((worlds, 30, months), int)
    true = rng.normal(0.80, 0.05, (worlds, 30, 1))
    month = rng.normal(0, 0.015, (worlds, 1, months)) + rng.normal(0, 0.025, (worlds, 30, months))
    values = rng.binomial(n, np.clip(true + month, 0, 1)) / n
    noise = fit(*KINDS["rate"].observed(values, n, None), floor=0.01)
    held, wrong = [], []
    for world in range(worlds):
        found = ranks(noise.world(world), higher=True, rng=np.random.default_rng(1))
        rank = 30 - true[world, :, 0].argsort().argsort()
        held.append((found.low <= rank) & (rank <= found.high))
        wrong.append((found.band == 1) & (rank > 15) | (found.band == -1) & (rank <= 15))
    assert 0.90 <= np.mean(held) <= 0.98
    assert np.mean(wrong) < 0.02


def test_equals_are_not_ranked():
    rng = np.random.default_rng(10)
    n = np.full((20, 6), 300)
    noise = fit(*KINDS["rate"].observed(rng.binomial(n, 0.8) / n, n, None), floor=0.01)
    found = ranks(noise, higher=True, rng=np.random.default_rng(1))
    assert found.separated < 0.1 and not found.worth_ranking and not found.band.any()


def test_lower_is_better_turns_the_ranks_round():
    noise = fit(np.linspace(3, 4, 10)[:, None] + np.zeros(5), np.full((10, 5), 1e-4))
    found = ranks(noise, higher=False, rng=np.random.default_rng(1))
    assert found.low[0] == found.high[0] == 1 and found.band.tolist() == [1] * 5 + [-1] * 5
    assert found.worth_ranking


# The outlook ------------------------------------------------------------------------------------------------------


def shop(metric="reply_30s_msg", agents=12, months=10, n=300, seed=2, **how):
    """Agent-month values; `shift` moves agents, `month_shift` months, `level_shift` levels, on the logit or log."""
    rng, rows = np.random.default_rng(seed), []
    shift, month_shift, level_shift = (how.get(key, {}) for key in ("shift", "month_shift", "level_shift"))
    own = rng.normal(0, 0.10, agents)
    for month in range(months):
        for agent in range(agents):
            level = how.get("levels", [None])[agent % len(how.get("levels", [None]))]
            moved = own[agent] + shift.get(agent, 0) + month_shift.get(month, 0) + level_shift.get(level, 0)
            moved += rng.normal(0, 0.03)
            row = {"shop_id": "S", "agent_id": f"a{agent:02}", "role": "pre", "level": level, "metric": metric}
            row |= {"month": f"{2025 + month // 12}-{month % 12 + 1:02}", "definitions": "shop", "door": "chat"}
            if metric == "reply_30s_msg":
                met = rng.binomial(n, 1 / (1 + np.exp(-1.2 - moved)))
                row |= {"numerator": met, "denominator": n, "value": met / n, "n": n}
            else:
                waits = rng.gamma(2, 20 * np.exp(-moved), n)
                row |= {"numerator": waits.sum(), "denominator": n, "value": waits.mean(), "n": n}
                row |= {"sum_squares": (waits**2).sum()}
            rows.append(row)
    return pd.DataFrame(rows)


def models(values):
    return propose(values, settings=SETTINGS).models


def verdict_of(values, target, level=None):
    aims = pd.DataFrame({"metric": values["metric"].iloc[:1], "role": "pre", "level": level, "target": target})
    return next(outlook.verdicts(models(values), aims).itertuples())


def test_a_target_is_met_missed_or_down_to_luck():
    values = shop()
    assert [verdict_of(values, target).verdict for target in (0.60, 0.77, 0.98)] == [
        "will_meet",
        "hit_and_miss",
        "will_not_meet",
    ]
    slow = shop("mean_wait_turn_s")
    assert [verdict_of(slow, target).verdict for target in (80, 10)] == ["will_meet", "will_not_meet"]


def test_ninety_eight_percent_conversion_is_said_to_be_out_of_reach():
    """FIELD F1 and S0-05."""
    row = verdict_of(shop(), 0.98)
    assert row.met == 0 and row.months == 10
    assert outlook.spoken(row, "zh").startswith("照现在的做法达不到98.0%：近10个月有0个月达到")
    assert "will not meet 98.0%" in outlook.spoken(row, "en")


def test_two_months_give_no_verdict():
    row = verdict_of(shop(months=2), 0.5)
    assert row.verdict == "too_short" and np.isnan(row.low) and "2个月" in outlook.spoken(row, "zh")


def test_a_level_is_held_against_its_own_target():
    values = shop(agents=24, levels=["junior", "senior"], level_shift={"junior": -0.5, "senior": 0.8})
    assert verdict_of(values, 0.80, "junior").verdict == "will_not_meet"
    assert verdict_of(values, 0.80, "senior").verdict == "will_meet"
    unknown = pd.DataFrame({"metric": ["reply_30s_msg"] * 2, "role": ["pre", "after"], "level": ["trainee", None]})
    assert outlook.verdicts(models(values), unknown.assign(target=0.8)).empty


def test_somebody_clearly_behind_for_months_is_no_luck():
    people = outlook.people(models(shop(shift={3: -1.5}))).set_index("agent_id")
    row = people.loc["a03"]
    assert row["listed"] and row["band"] == "below" and row["months"] == 10 and row["rank_low"] == 12
    assert row["value"] < row["low998"] < row["low95"] < row["expected"] < row["high95"] < row["high998"]
    said = outlook.standing(next(people.loc[["a03"]].itertuples()), "小丁", "zh")
    assert said == "小丁明显低于团队，连续10个月如此，不是运气。"
    assert people["listed"].sum() == 1


def test_one_month_is_no_verdict():
    values = shop()
    bad = values["agent_id"].eq("a05") & values["month"].eq("2025-10")
    values.loc[bad, ["numerator", "value"]] = [150, 0.5]
    (row,) = outlook.people(models(values)).query("agent_id == 'a05'").itertuples()
    assert row.listed and row.band == "below" and row.months == 1
    assert outlook.standing(row, "小己", "zh") == "小己明显低于团队，再看一个月。"


def test_where_lower_is_better_the_words_cannot_be_misread():
    people = outlook.people(models(shop("mean_wait_turn_s", shift={1: 1.0, 2: -1.0})))
    said = {row.agent_id: outlook.standing(row, row.agent_id, "zh") for row in people.itertuples()}
    assert said["a01"].startswith("a01明显好于团队") and said["a02"].startswith("a02明显不如团队")


def test_juniors_are_compared_with_juniors():
    values = shop(agents=24, levels=["junior", "senior"], level_shift={"junior": -0.8, "senior": 0.8})
    people = outlook.people(models(values))
    assert not people["listed"].any()
    by_level = people.groupby("level")["band"].agg(lambda own: (own == "below").mean())
    assert abs(by_level["junior"] - by_level["senior"]) < 0.35
    assert people.groupby("level")["expected"].mean().diff().iloc[-1] > 0.2


def test_seven_people_get_no_bands():
    people = outlook.people(models(shop(agents=7, shift={3: -1.5})))
    assert set(people["band"]) == {"level"} and people["status"].str.contains("FUNNEL_FEW").all()
    assert people["low95"].isna().all() and people["adjusted"].notna().all()


def test_ranks_are_drawn_the_same_twice():
    one, two = (outlook.people(models(shop())) for _ in range(2))
    pd.testing.assert_frame_equal(one, two)


def test_unusual_months_are_found_and_do_not_hide_the_next():
    rows = outlook.months(models(shop(months=12, month_shift={4: -1.0, 11: -0.6})))
    assert rows.loc[rows["signal"] != "", ["month", "signal"]].to_numpy().tolist() == [
        ["2025-05", "past"],
        ["2025-12", "newest"],
    ]
    assert (rows["status"] == "NO_SEASON").all()
    short = outlook.months(models(shop(months=7, month_shift={4: -1.0})))
    assert (short["status"] == "CHART_SHORT").all() and short["low"].isna().all() and (short["signal"] == "").all()


def test_no_models_give_empty_frames():
    assert list(outlook.people({})) == outlook.PEOPLE_COLUMNS and outlook.people({}).empty
    assert list(outlook.months({})) == outlook.MONTH_COLUMNS and outlook.months({}).empty


# Pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", LANGUAGES)
def test_tables_speak_both_languages(lang):
    proposal = propose(shop(months=12, shift={3: -1.5}), settings=SETTINGS)
    people = outlook.people(proposal.models)
    shown = [
        tables.verdicts(outlook.verdicts(proposal.models, proposal.targets), lang=lang),
        tables.bands(people, lang=lang),
        tables.standings(people, lang=lang),
        tables.unusual_months(outlook.months(proposal.models), lang=lang),
    ]
    pages = [re.sub(r"<style.*?</style>", "", table.gt.as_raw_html(), flags=re.DOTALL) for table in shown]
    assert all(bool(CHINESE.search(page)) == (lang == "zh") for page in pages)
    assert [table.name for table in shown] == ["verdicts", "bands", "standings", "unusual_months"]


def test_only_the_supervisors_table_and_picture_name_people():
    people = outlook.people(models(shop(shift={3: -1.5})))
    assert "a03" not in tables.bands(people).gt.as_raw_html() and "agent_id" not in tables.bands(people).frame
    page = tables.standings(people, names={"a03": "小丁"}).gt.as_raw_html()
    assert "小丁明显低于团队" in page and page.index("明显不如团队") < page.index("小丁")
    labels = [text.get_text() for text in charts.funnel(people).figure.axes[0].get_xticklabels()]
    assert labels == ["300"] * 12
    named = charts.funnel(people, names={"a03": "小丁"}).figure.axes[0].get_xticklabels()
    assert "小丁\n300" in [text.get_text() for text in named]


def test_funnel_marks_who_is_listed():
    people = outlook.people(models(shop(shift={3: -1.5})))
    picture = charts.funnel(people)
    assert picture.alt == "30秒应答率：12人里，本月0人明显比大家好，1人明显比大家差"
    marked = {line.get_marker(): len(line.get_xdata()) for line in picture.figure.axes[0].lines}
    assert marked == {"^": 0, "o": 11, "v": 1}
    few = charts.funnel(outlook.people(models(shop(agents=6))), lang="en")
    assert few.alt == "Messages answered within 30 s: 6 people are too few for a normal range"
    assert charts.funnel(people[:0]).alt == "这个月没有人有这项数据"


def test_months_are_drawn_with_the_range_they_foretell():
    months = outlook.months(models(shop(months=12, month_shift={4: -1.0})))
    picture = charts.month_limits(months, lang="en")
    line, odd = picture.figure.axes[0].lines[:2]
    assert len(line.get_xdata()) == 12 and list(odd.get_xdata()) == [4]
    assert "much as before (earlier months unlike the others: 1)" in picture.alt
    short = charts.month_limits(outlook.months(models(shop(months=5))))
    assert "只有5个月" in short.alt and len(short.figure.axes[0].patches) == 0
    assert charts.month_limits(months[:0]).alt == "往月没有这项数据"
