"""A target on trial: what a trial can show, who tries it, the effect, and the verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as smf
from scipy import stats

from csperf.stats import trial as arrays

# METHOD 6: pilots, agents, months before, months after -> smallest effect found with 80 % power, in points.
DETECTABLE = {
    (3, 8, 1, 1): 11.0,
    (4, 12, 3, 1): 6.8,
    (4, 12, 3, 2): 5.5,
    (8, 20, 3, 2): 3.7,
    (10, 30, 3, 2): 3.1,
    (20, 60, 3, 2): 2.2,
}
WORLD = 12.35  # points²: the one variance of an agent's month under which the table's six cells agree best
RNG = 20261001


@pytest.fixture
def rng():
    return np.random.default_rng(RNG)


# What a trial can show ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cell", "points"), DETECTABLE.items())
def test_detectable_effects_are_those_of_the_method(cell, points):
    pilots, agents, before, after = cell
    found = arrays.detectable(WORLD, pilots, agents, before, after)
    assert found == pytest.approx(points, rel=0.035)  # no single variance comes nearer to all six


def test_detectable_effect_is_found_in_four_of_five_trials(rng):
    """A world without a shared month: 10 pilots of 30, the effect as large as promised, months 3 before and 2 after."""
    effect, sd, found, worlds = arrays.detectable(4.0, 10, 30, 3, 2), 2.0, 0, 400
    for _world in range(worlds):
        skill = rng.normal(0, 5, 30)
        pilot = arrays.assign(["all"] * 30, 10, rng)
        before = skill + rng.normal(0, sd / np.sqrt(3), 30)
        after = skill + rng.normal(0, sd / np.sqrt(2), 30) + effect * pilot
        found += arrays.ancova(before, after, pilot).p < arrays.LEVEL
    assert 0.80 - 3 * 0.02 < found / worlds < 0.90


@pytest.mark.parametrize("cell", [(0, 8, 1, 1), (8, 8, 1, 1), (1, 3, 1, 1), (3, 8, 0, 1)])
def test_what_cannot_be_compared_has_no_detectable_effect(cell):
    with pytest.raises(ValueError, match="needs pilots, others"):
        arrays.detectable(1.0, *cell)


# Who tries it ------------------------------------------------------------------------------------------------------


def test_pilots_are_spread_over_levels_by_their_sizes(rng):
    levels = ["junior"] * 6 + ["mid"] * 9 + ["senior"] * 3
    for pilots, wanted in {6: (2, 3, 1), 12: (4, 6, 2)}.items():
        chosen = arrays.assign(levels, pilots, rng)
        assert (
            tuple(chosen[[level == name for level in levels]].sum() for name in ("junior", "mid", "senior")) == wanted
        )


@pytest.mark.parametrize("pilots", range(1, 12))
def test_as_many_pilots_as_asked_and_none_twice(pilots, rng):
    chosen = arrays.assign(["a"] * 4 + ["b"] * 5 + ["c"] * 2, pilots, rng)
    assert chosen.sum() == pilots


def test_the_same_seed_draws_the_same_pilots_and_chance_the_others():
    drawn = [arrays.assign(["a"] * 10, 4, np.random.default_rng(seed)) for seed in range(200)]
    again = arrays.assign(["a"] * 10, 4, np.random.default_rng(7))
    assert (drawn[7] == again).all()
    assert np.sum(drawn, axis=0).min() > 50  # each expected 80 times of 200: nobody is left out by construction


def test_more_pilots_than_agents_are_refused(rng):
    with pytest.raises(ValueError, match="5 pilots cannot be drawn from 4"):
        arrays.assign(["a"] * 4, 5, rng)


# The effect --------------------------------------------------------------------------------------------------------


def test_effect_is_the_regression_on_pilot_and_before(rng):
    before = rng.normal(80, 5, 20)
    pilot = np.arange(20) % 3 == 0
    after = 0.7 * before + 2 * pilot + rng.normal(0, 2, 20)
    found = arrays.ancova(before, after, pilot)
    frame = pd.DataFrame({"after": after, "pilot": pilot.astype(float), "before": before})
    wanted = smf.ols("after ~ pilot + before", frame).fit()
    assert found.value == pytest.approx(wanted.params["pilot"])
    assert (found.df, found.p) == (17, pytest.approx(wanted.pvalues["pilot"]))
    half = stats.t.ppf(0.95, 17) * wanted.bse["pilot"]
    assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))
    assert found.did == pytest.approx((after - before)[pilot].mean() - (after - before)[~pilot].mean())
    assert found.permuted is None


def test_the_worst_do_not_seem_to_improve(rng):
    """Last month's worst as pilots and no effect at all: the plain gain is positive, the adjusted one is not."""
    gains, adjusted = [], []
    for _world in range(400):
        skill = rng.normal(80, 5, 24)
        before, after = skill + rng.normal(0, 3, 24), skill + rng.normal(0, 3, 24)
        pilot = before <= np.sort(before)[7]
        gains.append((after - before)[pilot].mean())
        adjusted.append(arrays.ancova(before, after, pilot).value)
    assert np.mean(gains) > 1.0
    assert abs(np.mean(adjusted)) < 3 * np.std(adjusted) / 20


@pytest.mark.parametrize(("pilots", "agents", "smallest"), [(2, 6, 0.133), (3, 8, 0.036), (4, 12, 0.004)])
def test_smallest_possible_p_of_a_small_team(pilots, agents, smallest):
    """METHOD 6: two of all the choices."""
    before = np.linspace(70, 90, agents) + np.tile([0.5, -0.5], agents // 2)
    pilot = np.isin(np.arange(agents), np.linspace(0, agents - 1, pilots).round())
    after = before + 30 * pilot
    assert arrays.ancova(before, after, pilot).permuted == pytest.approx(smallest, abs=0.0005)


def test_permutations_keep_to_the_levels():
    pilot = np.array([1, 0, 0, 1, 1, 0, 0], bool)
    level = ["a", "a", "a", "b", "b", "b", "b"]
    every = arrays.choices(pilot, level)
    assert len(every) == 3 * 6
    assert (every[:, :3].sum(axis=1) == 1).all()
    assert len({row.tobytes() for row in every}) == 18


def test_p_is_uniform_where_nothing_happens(rng):
    seen = []
    for _world in range(300):
        before, after = rng.normal(0, 1, 8), rng.normal(0, 1, 8)
        seen.append(arrays.ancova(before, after, arrays.assign("aaaabbbb", 4, rng), "aaaabbbb").permuted)
    assert np.mean(np.array(seen) <= 0.10) < 0.10 + 3 * np.sqrt(0.09 / 300)
    assert 0.45 < np.mean(seen) < 0.65


@pytest.mark.parametrize("pilot", [[1, 0, 1], [0, 0, 0, 0], [1, 1, 1, 1]])
def test_without_others_there_is_no_effect(pilot):
    with pytest.raises(ValueError, match="at least 4 agents"):
        arrays.ancova(np.arange(len(pilot)), np.arange(len(pilot)), np.array(pilot))
