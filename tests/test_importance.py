"""Importance and agreement against published numbers, and what must hold of any table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.outliers_influence import variance_inflation_factor

from csperf.stats import experts, importance

ORACLES = Path(__file__).resolve().parent.parent.parent / "shared" / "oracles"


def oracle(name):
    if not (ORACLES / name).exists():
        pytest.skip(f"the published numbers of {name} are not beside the repository")
    return json.loads((ORACLES / name).read_text(encoding="utf-8"))["cases"]


@pytest.mark.parametrize(
    ("place", "method"), [(0, importance.lmg), (1, importance.johnson_weights)], ids=["lmg", "johnson"]
)
def test_relative_importance_of_swiss_fertility(place, method):
    """R relaimpo 2.2-7 and rwa, Swiss fertility 1888."""
    case = oracle("relative_importance.json")[place]
    swiss = pd.read_csv(ORACLES / "swiss.csv")
    found = method(swiss[case["predictors"]].to_numpy(), swiss[case["outcome"]].to_numpy())
    assert found == pytest.approx(case["expected"], abs=1e-8)
    assert found.sum() == pytest.approx(oracle("relative_importance.json")[0]["r_squared"], abs=1e-8)


def test_kendalls_w_is_corrected_for_ties():
    """R irr::kendall(correct=TRUE) as printed in "Scorecard Example" (Kemp 2016)."""
    (case,) = oracle("kendall_w.json")
    w, statistic, p = experts.kendall_w(np.array(case["ratings_items_by_raters"]))
    assert round(w, 3) == case["expected"]["W_corrected_3dp"]
    assert round(statistic, 1) == case["expected"]["chisq_df11_3sig"]
    assert p == pytest.approx(case["expected"]["p_value"], rel=0.01)


def test_ahp_of_saatys_drinks():
    """Saaty 2008, weights and consistency ratio."""
    (case,) = oracle("ahp.json")
    weights, ratio = experts.ahp(np.round(np.array(case["matrix"]), 12))
    assert np.round(weights, 4) == pytest.approx(list(case["expected_weights_4dp"].values()), abs=1.1e-4)
    assert ratio == pytest.approx(case["consistency_ratio_saaty_3dp"], abs=1e-3)


def test_critic_and_standard_deviation_weights():
    """Diakoulaki et al. 1995, as in scikit-criteria."""
    critic, spread = oracle("mcdm_weights.json")
    assert experts.critic(np.array(critic["matrix"])) == pytest.approx(critic["expected"], abs=1e-8)
    assert experts.spread_weights(np.array(spread["matrix"])) == pytest.approx(spread["expected"], abs=1e-6)


@given(st.integers(0, 10**6), st.integers(2, 6))
@hypothesis_settings(max_examples=20, deadline=None)
def test_shares_of_r_squared_sum_to_it(seed, p):
    x, y = table(seed, p)
    r_squared = OLS(y, np.column_stack([np.ones(len(y)), x])).fit().rsquared
    assert importance.lmg(x, y).sum() == pytest.approx(r_squared)
    assert importance.johnson_weights(x, y).sum() == pytest.approx(r_squared)


def table(seed, p=4, n=60):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, p)) @ rng.standard_normal((p, p))
    return x, x @ rng.standard_normal(p) + rng.standard_normal(n)


def test_too_many_metrics_for_all_subsets_is_said():
    with pytest.raises(ValueError, match="at most 16"):
        importance.lmg(np.random.default_rng(0).standard_normal((40, 17)), np.arange(40.0))


def test_variance_inflation_as_statsmodels_has_it():
    x, _y = table(3)
    centred = x - x.mean(0)
    expected = [variance_inflation_factor(np.column_stack([centred, np.ones(len(x))]), j) for j in range(4)]
    assert importance.vif(x) == pytest.approx(expected)


def test_effects_are_positive_and_near_least_squares_where_nothing_holds_them_back():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((20_000, 3))
    y = x @ [0.5, 0.25, -0.3] + rng.standard_normal(20_000)
    both = np.corrcoef(np.column_stack([x, y]), rowvar=False)
    effects = importance.positive_ridge(both[:3, :3], both[:3, 3], len(y))
    assert effects[2] == 0
    assert effects[0] / effects[1] == pytest.approx(2, rel=0.05)


def test_clusters_hold_what_says_the_same_either_way_round():
    within = np.array([[1, -0.8, 0.2, 0.1], [-0.8, 1, 0.1, 0.1], [0.2, 0.1, 1, 0.69], [0.1, 0.1, 0.69, 1]])
    assert list(importance.clusters(within)) in ([0, 0, 1, 2], [1, 1, 0, 2], [2, 2, 0, 1], [2, 2, 1, 0], [0, 0, 2, 1])


@pytest.mark.parametrize(("n", "low", "high"), [(6, -0.03, 0.98), (12, 0.42, 0.94), (24, 0.59, 0.91), (60, 0.69, 0.88)])
def test_a_correlation_of_eight_tenths_has_a_wide_interval(n, low, high):
    """FIELD F6: Fisher's interval of r = .8."""
    assert importance.correlation_interval(0.8, n) == pytest.approx((low, high), abs=0.005)
    assert np.isnan(importance.correlation_interval(0.8, 3)).all()


def blocks(seed, effect, agents=20, months=8):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((agents, 1, 3)) + rng.standard_normal((agents, months, 3))
    y = effect * x[..., 0] + rng.standard_normal((agents, 1)) + rng.standard_normal((agents, months))
    agent, month = (at.ravel() for at in np.indices((agents, months)))
    return importance.Blocks.of(x.reshape(-1, 3), y.ravel(), agent, month)


def test_the_spread_of_effects_is_the_cluster_robust_one_with_small_groups_allowed_for():
    """CR2 worked out plainly: the root of (I - H) of each agent, by its eigenvalues."""
    own = blocks(5, 0.5)
    x, y = own.x.reshape(-1, 3), own.y.ravel()
    bread = np.linalg.inv(x.T @ x)
    missed = y - x @ (bread @ x.T @ y)
    meat = np.zeros((3, 3))
    for agent in range(20):
        rows = slice(8 * agent, 8 * agent + 8)
        roots, axes = np.linalg.eigh(np.eye(8) - x[rows] @ bread @ x[rows].T)
        score = x[rows].T @ (axes / np.sqrt(roots)) @ axes.T @ missed[rows]
        meat += np.outer(score, score)
    wanted = bread @ meat @ bread
    draws = importance.effect_draws(own, np.random.default_rng(0), 200_000)
    assert draws.mean(0) == pytest.approx(bread @ x.T @ y, abs=0.005)
    assert np.cov(draws.T) * (19 - 2) / 19 == pytest.approx(wanted, rel=0.08, abs=2e-4)


def test_permuting_agents_sees_what_is_there_and_only_that():
    rng = np.random.default_rng(2)
    assert importance.permutation_p(blocks(1, 1.0), rng, 99) == 0.01
    chance = [importance.permutation_p(blocks(seed, 0.0), rng, 39) for seed in range(40)]
    assert 0.3 < np.mean(chance) < 0.7


def test_other_agents_give_other_weights():
    weights = importance.resampled_weights(blocks(1, 1.0), np.random.default_rng(0), 50)
    assert weights.shape == (50, 3)
    assert np.nansum(weights, axis=1) == pytest.approx(np.ones(50))
    assert weights[:, 0].mean() > 0.7


def test_months_an_agent_was_not_there_count_for_nothing():
    full = blocks(4, 0.5)
    agent, month = np.nonzero(np.indices(full.y.shape).sum(0) % 3 > 0)
    part = importance.Blocks.of(full.x[agent, month], full.y[agent, month], agent, month)
    assert part.cells == len(agent)
    assert np.isfinite(importance.effect_draws(part, np.random.default_rng(0), 10)).all()
    assert 0 < importance.permutation_p(part, np.random.default_rng(0), 9) <= 1


@pytest.mark.parametrize("wrong", [[[1, 2], [2, 1]], [[1, -2], [-0.5, 1]], [[1, 2, 3], [0.5, 1, 2]]])
def test_comparisons_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match="comparisons must be"):
        experts.ahp(np.array(wrong))


def test_raters_are_pooled_by_the_median_when_few_and_the_geometric_mean_when_many():
    few = np.array([[40, 50, 90], [60, 50, 10]])
    assert experts.pooled(few) == pytest.approx([0.5, 0.5])
    many = np.tile([[80, 20], [20, 80]], (1, 4))
    assert experts.pooled(many) == pytest.approx([0.5, 0.5])
    assert experts.pooled(np.tile([[100.0], [0]], (1, 8)))[1] > 0


def test_two_camps_are_found():
    one, other = [50, 30, 15, 5], [5, 15, 30, 50]
    assert list(experts.camps(np.array([one, other, one, one, other]).T)) == [0, 1, 0, 0, 1]


def test_entropy_and_critic_give_nothing_to_what_does_not_vary():
    matrix = np.array([[1.0, 5, 1], [2, 5, 3], [3, 5, 2]])
    assert experts.critic(matrix)[1] == 0
    assert experts.entropy(matrix)[1] == pytest.approx(0)
    assert experts.critic(matrix, [1, 1, -1]).sum() == pytest.approx(1)
