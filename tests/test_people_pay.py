"""Scores become money: bonuses by the fen, the budget, steps with gaps, newcomers, corrections, what it costs."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest
from pydantic import ValidationError

from csperf.errors import CsperfError
from csperf.people.cost import cost, past_cost
from csperf.people.pay import SALES, employed, notices, owed, pay, worked
from csperf.people.settings import Commission, PaySettings
from csperf.people.steps import step_of, step_table
from csperf.scorecard import ScoreSettings

BONUS = {"bonuses": [{"role": "pre", "yuan": 800}, {"role": "after", "yuan": 700}]}


def scores(**changes):
    frame = pd.DataFrame(
        {
            "agent_id": ["a1", "a2", "a3", "a4"],
            "role": ["pre", "pre", "after", "pre"],
            "level": ["mid", "senior", "mid", None],
            "month": "2026-10",
            "score": [95.0, 120.0, 80.0, float("nan")],
            "pay_score": [95.0, 120.0, 80.0, float("nan")],
            "score_low": [85.0, 110.0, 60.0, float("nan")],
            "score_high": [105.0, 120.0, 95.0, float("nan")],
            "coefficient": [0.95, 1.2, 0.8, float("nan")],
            "status": ["", "", "", "NEW"],
        }
    )
    return frame.assign(**changes)


def said(error):
    return "\n".join(f"{p.where}: {p.message}" for p in error.value.problems)


def test_a_bonus_is_its_base_times_the_coefficient_and_newcomers_are_not_docked():
    found = pay(scores(), PaySettings(**BONUS), names={"a1": "小美"}).set_index("agent_id")
    assert found["bonus_fen"].to_dict() == {"a1": 76000, "a2": 96000, "a3": 56000, "a4": 80000}
    assert found.loc["a4", "why"] == "NEW" and pd.isna(found.loc["a1", "why"])
    assert found["name"].tolist() == ["小美", "a2", "a3", "a4"] and found["grade"].tolist() == ["B", "S", "B", None]


def test_a_score_on_trial_has_no_effect_on_pay():
    found = pay(scores(pay_score=float("nan"), coefficient=float("nan")), PaySettings(**BONUS))
    assert found["why"].tolist() == ["TRIAL", "TRIAL", "TRIAL", "NEW"]
    assert found["bonus_fen"].tolist() == [80000, 80000, 70000, 80000]


def test_above_the_budget_all_get_the_same_share_and_equals_stay_equal():
    settings = PaySettings(**BONUS, budget_yuan=2000.01)
    equal = pay(scores(coefficient=[1.0, 1.0, 1.0, float("nan")]), settings)
    assert equal["bonus_fen"].sum() <= 200001 < equal["uncapped_fen"].sum()
    assert equal["bonus_fen"][0] == equal["bonus_fen"][1] == 80000 * 200001 // 310000
    assert "2,000.01" in "".join(notices(equal, settings))


def test_a_negative_budget_is_refused():
    with pytest.raises(ValidationError, match="budget_yuan"):
        PaySettings(budget_yuan=-1)


def test_the_same_bonus_twice_is_refused():
    with pytest.raises(ValidationError, match="pre"):
        PaySettings(bonuses=[{"role": "pre", "yuan": 1}, {"role": "pre", "yuan": 2}])


def test_an_agent_without_level_is_named_where_bonuses_go_by_level():
    settings = PaySettings(bonuses=[{"role": "pre", "level": level, "yuan": 1} for level in ("mid", "senior")])
    with pytest.raises(CsperfError) as error:
        pay(scores(), settings)
    assert "a4" in said(error) and "mid, senior" in said(error)
    assert "a3" in said(error) and len(error.value.problems) == 2  # nobody said what after-sale gets


def test_without_any_bonus_money_is_missing_and_not_nought():
    found = pay(scores(), PaySettings())
    assert found[["bonus_fen", "total_fen"]].isna().all(axis=None) and found["coefficient"].notna().all()
    assert past_cost(scores(), PaySettings())["over"].tolist() == [False]


def test_part_months_by_days_employed_or_worked():
    roster = pd.DataFrame(
        {"agent_id": ["a1", "a2", "a2"], "started": ["2026-10-11", "2025-01-01", "2025-01-01"]}
        | {"ended": [None, "2026-05-01", "2026-10-10"]}
    )
    part = employed(roster, "2026-10")
    assert part[["days", "of_days"]].to_numpy().tolist() == [[21, 31], [10, 31]]
    found = pay(scores(), PaySettings(**BONUS), part=part).set_index("agent_id")["bonus_fen"]
    assert found["a1"] == round(76000 * 21 / 31) and found["a2"] == round(96000 * 10 / 31)
    by_days = worked(pd.DataFrame({"agent_id": ["a1", "a2"], "days": [13.0, 30.0]}), 26)
    found = pay(scores(), PaySettings(**BONUS), part=by_days).set_index("agent_id")["bonus_fen"]
    assert found["a1"] == 38000 and found["a2"] == 96000


def test_commission_goes_by_net_sales_and_is_apart_from_the_budget():
    sales = pd.DataFrame(
        {"agent_id": ["a1", "a2"], "month": "2026-10", "metric": "net_sales_yuan", "value": [1e5, 33.3]}
    )
    settings = PaySettings(**BONUS, budget_yuan=0, commissions=[{"role": "pre", "rate": 0.005}])
    found = pay(scores(), settings, values=sales).set_index("agent_id")
    assert found["commission_fen"].fillna(-1).tolist() == [50000, 17, 0, -1]  # a4's sales are not known
    assert found.loc["a1", "total_fen"] == 50000 and found["bonus_fen"].sum() == 0


TIERS = [{"above_yuan": 0, "rate": 0.003}, {"above_yuan": 50_000, "rate": 0.005}, {"above_yuan": 80_000, "rate": 0.008}]


def test_tiers_pay_what_lies_above_a_line_or_all_of_it_and_say_what_a_line_is_worth():
    parts, whole = (Commission(role="pre", tiers=TIERS, whole=whole) for whole in (False, True))
    sold = [Decimal(yuan) for yuan in ("0", "49999.99", "50000", "80000", "100000")]
    assert [float(parts.of(yuan)) for yuan in sold] == [0, 149.99997, 150, 300, 460]
    assert [float(whole.of(yuan)) for yuan in sold] == [0, 149.99997, 250, 640, 800]
    assert (parts.jump(), whole.jump()) == (0, 240)
    settings = PaySettings(**BONUS, commissions=[whole])
    assert "240.00" in "\n".join(notices(pay(scores(), settings), settings))


@pytest.mark.parametrize("wrong", [{}, {"rate": 0.1, "tiers": TIERS}, {"tiers": TIERS[1:]}, {"tiers": TIERS[:1] * 2}])
def test_a_commission_of_two_minds_is_refused(wrong):
    with pytest.raises(ValidationError):
        Commission(role="pre", **wrong)


def test_corrections_reach_people_who_have_nothing_else():
    due = pd.DataFrame({"agent_id": ["a1", "left"], "correction_fen": [-500, 1234]})
    found = pay(scores(), PaySettings(**BONUS), corrections=due).set_index("agent_id")
    assert found.loc["left", "total_fen"] == 1234 and found.loc["left", "bonus_fen"] == 0
    assert found.loc["a1", "total_fen"] == 75500


def test_what_is_owed_is_the_difference_of_two_pay_tables():
    before = pay(scores(), PaySettings(**BONUS))
    now = pay(scores(coefficient=[1.0, 1.2, 0.7, float("nan")]), PaySettings(**BONUS))
    assert owed(before, now).to_numpy().tolist() == [["a1", 4000], ["a3", -7000]]


def test_confirmed_events_cut_the_bonus_and_rewards_stand_beside_it():
    found = pay(
        scores(),
        PaySettings(**BONUS),
        consequences=pd.DataFrame({"agent_id": ["a1", "a1"], "bonus_cut": [0.1, 0.0], "reward_yuan": [0.0, 200.0]}),
    ).set_index("agent_id")
    assert found.loc["a1", "bonus_fen"] == 68400 and found.loc["a1", "reward_fen"] == 20000


def test_who_has_two_roles_has_one_bonus_made_of_both():
    two = scores(agent_id=["a1", "a2", "a1", "a4"]).assign(share=[3, 1, 1, 1])
    due = pd.DataFrame({"agent_id": ["a1"], "correction_fen": [100]})
    found = pay(two, PaySettings(**BONUS), corrections=due).set_index("agent_id")
    assert len(found) == 3 and found.loc["a1", "role"] == "pre" and found.loc["a1", "correction_fen"] == 100
    assert found.loc["a1", "bonus_fen"] == round(0.75 * 76000 + 0.25 * 56000)
    alike = pay(two.drop(columns="share"), PaySettings(**BONUS)).set_index("agent_id")
    assert alike.loc["a1", "bonus_fen"] == round(0.5 * 76000 + 0.5 * 56000)


def test_one_month_at_a_time():
    with pytest.raises(CsperfError) as error:
        pay(scores(month=["2026-09", "2026-10", "2026-10", "2026-10"]), PaySettings())
    assert "2026-09, 2026-10" in said(error)


# Step tables ------------------------------------------------------------------------------------------------------


def table(*rows):
    return pd.DataFrame(rows, columns=["score_from", "score_to", "coefficient", "yuan"])


def test_a_step_table_loads_as_it_is():
    steps = step_table(table((90, None, 1.2, None), (0, 59.9, 0.0, None), (60, 89.9, None, 500)))
    assert [step_of(s, steps).low for s in (59.94, 59.95, 89.9, 120)] == [0, 60, 60, 90]
    found = pay(scores(), PaySettings(**BONUS), steps=steps)["bonus_fen"]
    assert found.tolist() == [96000, 96000, 50000, 80000]
    assert "1" in "".join(notices(pay(scores(score=[90.5, 120, 80, None]), PaySettings(**BONUS)), PaySettings(), steps))


def test_steps_with_gaps_overlaps_and_empty_cells_are_all_named():
    with pytest.raises(CsperfError) as error:
        step_table(table((10, 59, 0.5, None), (60, 89, 0.8, 100), (85, None, 1.0, None)))
    found = said(error)
    assert "0–9.9" in found and "59.1–59.9" in found and "60–89" in found and len(error.value.problems) == 4


# What it costs ----------------------------------------------------------------------------------------------------


def test_cost_before_publishing_rises_from_the_worst_month_to_the_most():
    found = cost(scores(), PaySettings(**BONUS, budget_yuan=3000), ScoreSettings()).set_index("case")
    whole = found["uncapped_fen"]
    assert whole["low"] < whole["expected"] < whole["high"] < whole["most"]
    assert whole["most"] == round(1.2 * (80000 + 80000 + 70000)) + 80000 and found.loc["most", "bonus_fen"] <= 300000


def test_past_months_say_what_they_would_have_cost():
    two = pd.concat([scores(), scores(month="2026-09", coefficient=[0.6, 0.6, 0.6, float("nan")])])
    found = past_cost(two, PaySettings(**BONUS, budget_yuan=2500)).set_index("month")
    assert found["over"].to_dict() == {"2026-09": False, "2026-10": True}
    assert found.loc["2026-09", "bonus_fen"] == 48000 + 48000 + 42000 + 80000
    assert found["commission_fen"].tolist() == [0, 0]
    sales = pd.DataFrame({"agent_id": "a1", "month": ["2026-09", "2026-10"], "metric": SALES, "value": [6e4, 1e5]})
    tiered = PaySettings(**BONUS, commissions=[{"role": "pre", "tiers": TIERS}])
    assert past_cost(two, tiered, values=sales)["commission_fen"].tolist() == [20000, 46000]
