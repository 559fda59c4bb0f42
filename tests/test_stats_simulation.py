"""The bounds of `make bench-stats` on few made-up teams: enough to see a method that broke, not to measure it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench import claims, measures
from bench.stats import Claim, Row, run
from bench.worlds import World, draw
from csperf.stats.standardise import merged, season, standardise
from csperf.tables import ratchets as ratchets_table
from csperf.targets.backtest import backtest, ratchet, verdict_said
from csperf.targets.model import fitted
from csperf.targets.settings import TargetSettings

TEAMS = 20
SETTINGS = TargetSettings(resamples=0)


@pytest.mark.parametrize(
    "made", [claims.of_method, claims.teams, claims.mixes, claims.platform], ids=lambda f: f.__name__
)
def test_bounds_hold_on_few_teams(made):
    rows = list(run(made(), worlds=TEAMS))
    missed = [(row.world, row.claim.name, row.result) for row in rows if row.met is False]
    # of some ninety bounds a few may lie two errors off by chance; a method that broke misses many
    assert len(missed) <= 2, missed


def test_a_broken_method_misses_its_bound():
    off = Row(Claim("bias", lambda v: v, -1, 1), "any", TEAMS, 2.0, 0.4)
    assert not off.met
    assert replace(off, error=0.6).met
    assert replace(off, claim=Claim("bias", lambda v: v)).met is None


def test_half_width_covers_other_agents_and_months():
    world = World("", 30, 6)
    value = measures.value_of_all(world, np.random.default_rng(1))
    found = [measures.half_width(world, np.random.default_rng(seed), value) for seed in range(TEAMS)]
    assert np.mean([one["covered"] for one in found]) > 0.75
    assert 0.012 < np.mean([one["half_width"] for one in found]) < 0.03


def test_backtest_is_short_with_few_months():
    frame = backtest(draw(World("", 12, 8), np.random.default_rng(1)).panel, SETTINGS)
    model = frame[frame["method"] == "model"]
    assert set(model["verdict"]) == {"BACKTEST_SHORT"}
    assert list(model["origins"]) == [2, 0]
    assert model["bias"].isna().tolist() == [False, True]
    assert verdict_said(model.iloc[0], "en") == "Too few months to check the method against past ones yet."


def test_backtest_fails_a_method_whose_past_is_not_the_future():
    team = draw(World("", 30, 16), np.random.default_rng(2))
    past = team.value[:, :16]
    past[:, 8:] -= 0.02 * np.arange(1, 9)  # the team gets worse month by month
    frame = backtest(replace(team.panel, value=np.clip(past, 0, 1)), SETTINGS)
    row = frame[(frame["horizon"] == 1) & (frame["method"] == "model")].iloc[0]
    assert row["verdict"] == "FAIL"
    assert row["bias"] < -0.05
    assert verdict_said(row, "zh").startswith("拿往月试算过8次") and "先试行" in verdict_said(row, "zh")


def test_backtest_has_rows_for_the_role_and_each_level():
    team = draw(World("", 18, 14, levels=(6, 6, 6), step=0.03), np.random.default_rng(3))
    frame = backtest(team.panel, SETTINGS)
    assert frame["level"].isna().sum() == 6
    assert list(frame["level"].dropna().unique()) == ["junior", "mid", "senior"]
    assert frame.loc[frame["method"] != "model", ["verdict", "coverage"]].isna().all(axis=None)


@pytest.mark.parametrize(("kind", "mean"), [("rate", 0.8), ("time", 30.0)])
def test_a_ratchet_makes_targets_harder_than_holding_them(kind, mean):
    world = World("", 20, 8, kind, mean, cv2=0.0 if kind == "rate" else 1.0)
    model = fitted(draw(world, np.random.default_rng(4)).panel, SETTINGS)
    frame = ratchet(model, SETTINGS, half_width=0.02 * mean)
    last = frame[frame["period"] == 6].set_index("rule")
    assert (last.loc["ratchet", "target"] > last.loc["held", "target"]) == world.higher
    assert last.loc["ratchet", "attained"] < last.loc["held", "attained"]
    shown = ratchets_table(frame.assign(metric="reply_30s_msg", role="pre"), lang="zh")
    assert f"{last.loc['held', 'attained']:.1%}" in shown.gt.as_raw_html()


def test_standard_is_the_raw_value_where_everybody_has_the_same_mix():
    cell = np.repeat(np.arange(4), 2)
    stratum = np.tile([[0], [1]], (4, 1))
    met, cases = np.array([80, 60, 90, 70, 85, 65, 75, 55.0]), np.full(8, 100.0)
    standard = standardise(cell, stratum, met, cases)
    assert standard.adjusted == pytest.approx(standard.raw)
    assert standard.rates == pytest.approx([0.825, 0.625])
    assert standard.at(0.7) == pytest.approx([0.8, 0.6])


def test_a_ratio_multiplies_what_a_mix_explains():
    cell, stratum = np.array([0, 0, 1, 1]), np.array([[0], [1], [0], [1]])
    cases = np.array([900.0, 300.0, 300.0, 900.0])
    seconds = cases * np.array([10.0, 30.0, 10.0, 30.0])
    standard = standardise(cell, stratum, seconds, cases, ratio=True)
    assert standard.raw == pytest.approx([15.0, 25.0])
    assert standard.adjusted == pytest.approx([20.0, 20.0])


def test_small_strata_give_up_their_last_dimension_first():
    dimensions = np.array([[0, 0], [0, 1], [0, 2], [1, 0], [1, 1]])
    assert merged(dimensions, np.array([500, 120, 150, 300, 250])).tolist() == [1, 0, 0, 2, 3]
    assert len(set(merged(dimensions, np.array([50, 12, 15, 30, 25])).tolist())) == 1


@pytest.mark.parametrize(("peaks", "status"), [([0, 0, 0], None), ([0, 1, 1, 0], "NO_SEASON"), ([1, 0, 0, 1], None)])
def test_one_busy_month_is_no_season(peaks, status):
    assert season(np.array(peaks)) == status
