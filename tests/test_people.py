"""Growth, quotas, coaching, awards, promotion, conduct, improvement: who, why, and what cannot be told."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from csperf import tables
from csperf.catalogue import ENTRIES
from csperf.people.awards import awards, quarter_of
from csperf.people.coaching import coaching
from csperf.people.conduct import consequences, late_replies, over_target
from csperf.people.growth import checklist, goals, stages
from csperf.people.improvement import causes, suggestions
from csperf.people.promotion import promotion, soft, steps
from csperf.people.quotas import quotas
from csperf.people.settings import (
    Award,
    CoachingSettings,
    ConductSettings,
    GrowthSettings,
    PeopleSettings,
    PromotionSettings,
    QuotaSettings,
)
from csperf.people.sure import behind
from csperf.scorecard import ScoreSettings, scorecard
from csperf.text import words

MONTHS = [f"2026-{month:02}" for month in range(1, 7)]
CONVERSION, WAIT = "conversion_paid_user", "mean_wait_turn_s"


def roster(*rows):
    columns = ["agent_id", "role", "level", "started", "ended"]
    return pd.DataFrame(rows, columns=columns).assign(valid_from="2025-01-01", name=lambda f: f["agent_id"])


# Growth -----------------------------------------------------------------------------------------------------------


def stage_of(started, on, **settings):
    rows = stages(roster(("a", "pre", None, started, None)), on, GrowthSettings(**settings))
    return rows["stage"].iloc[0], rows["months"].iloc[0]


@pytest.mark.parametrize(
    ("on", "stage", "months"),
    [
        (dt.date(2026, 2, 27), "newcomer", 0),
        (dt.date(2026, 2, 28), "growing", 1),  # a month from 31 January is full on the last day of February
        (dt.date(2026, 4, 29), "growing", 2),
        (dt.date(2026, 4, 30), "mature", 3),
        (dt.date(2028, 1, 31), "mature", 24),
    ],
)
def test_a_stage_ends_on_the_day_its_months_are_full(on, stage, months):
    assert stage_of("2026-01-31", on) == (stage, months)


def test_the_boundary_and_what_comes_after_a_year_can_be_set():
    assert stage_of("2026-01-01", dt.date(2026, 2, 1), on_the_day=False)[0] == "newcomer"
    assert stage_of("2026-01-01", dt.date(2026, 2, 2), on_the_day=False)[0] == "growing"
    assert stage_of("2026-01-01", dt.date(2027, 1, 1), after="senior")[0] == "senior"
    with pytest.raises(ValidationError, match="3 / 3 / 12"):
        GrowthSettings(newcomer=3)


def test_without_a_start_date_there_is_no_stage_and_leavers_are_left_out():
    rows = roster(("a", "pre", None, None, None), ("b", "pre", None, "2026-01-01", "2026-03-01"))
    found = stages(rows, dt.date(2026, 5, 1), GrowthSettings())
    assert found["agent_id"].tolist() == ["a"] and found["stage"].isna().all()


def test_the_checklist_shows_the_value_behind_a_goal():
    staged = stages(roster(("a", "pre", "mid", "2025-01-01", None)), dt.date(2026, 5, 1), GrowthSettings())
    values = pd.DataFrame(
        {"agent_id": ["a", "a"], "metric": [CONVERSION, "repurchase_share"], "value": [0.5, 0.1], "n": 90}
    )
    targets = pd.DataFrame({"metric": [CONVERSION], "role": "pre", "level": [None], "target": [0.55]})
    found = checklist(staged, values, targets).set_index("goal")
    assert found.loc["conversion", ["value", "n", "target", "met"]].tolist() == [0.5, 90, 0.55, False]
    assert found.loc["repurchase", "value"] == 0.1 and found.loc["repurchase", "met"] is None
    assert found.loc["expert", "target"] == 0.90 and found.loc["relations", "met"] is None


def test_goals_name_metrics_of_the_catalogue():
    assert {goal["metric"] for rows in goals().values() for goal in rows if "metric" in goal} <= set(ENTRIES)


# Quotas -----------------------------------------------------------------------------------------------------------


def days(agent, counts):
    who = {"agent_id": agent, "role": "pre", "level": "mid", "metric": "sessions_per_day"}
    return pd.DataFrame([who | {"day": f"2026-05-{i + 1:02}", "value": float(v)} for i, v in enumerate(counts)])


def test_a_quota_is_the_persons_own_middle_day_with_a_range():
    found = quotas(pd.concat([days("a", range(10, 31)), days("new", [99, 99])]), QuotaSettings()).set_index("agent_id")
    assert found.loc["a", ["quota", "low", "high", "n", "basis"]].tolist() == [20, 16, 24, 21, "own"]
    assert found.loc["new", ["quota", "n", "basis"]].tolist() == [20, 2, "role"]


def test_nobody_after_the_sale_has_a_quota_of_orders():
    rows = days("a", range(10, 31)).assign(role="after", metric="orders_per_day")
    assert quotas(rows, QuotaSettings()).empty
    none = quotas(rows.iloc[:0], QuotaSettings())  # a backend's table counts no sessions
    assert none.empty and "定不出任务量" in tables.quotas(none, lang="zh").gt.as_raw_html()


def test_only_newcomers_give_no_quota():
    found = quotas(days("new", [99, 99]), QuotaSettings())
    assert found["quota"].isna().all() and found["n"].tolist() == [2]


# A team -----------------------------------------------------------------------------------------------------------


def targets(conversion=(0.50, 0.55, 0.60)):
    rows = [(CONVERSION, "pre", None, *conversion), (WAIT, "pre", None, 60, 45, 30)]
    return pd.DataFrame(rows, columns=["metric", "role", "level", "base", "target", "stretch"]).assign(grade="publish")


def values(share, months=MONTHS, n=400):
    """Everybody's conversion as asked for, everybody equally quick."""
    rows = []
    for agent, one in share.items():
        for month in months:
            who = ("shop", agent, "pre", "mid", month)
            rows.append((*who, CONVERSION, round(one * n), n, n, None))
            rows.append((*who, WAIT, 45.0 * n, n, n, 45.0**2 * n * 1.5))
    names = ["shop_id", "agent_id", "role", "level", "month", "metric", "numerator", "denominator", "n", "sum_squares"]
    frame = pd.DataFrame(rows, columns=names)
    return frame.assign(value=frame["numerator"] / frame["denominator"])


EQUALS = {f"a{i}": 0.55 for i in range(9)}
WEIGHTS = pd.DataFrame({"metric": [CONVERSION, WAIT], "weight": [60, 40]})


def team(share, aims=None, **more):
    rows = values(share, **more)
    card = scorecard(rows, targets() if aims is None else aims, WEIGHTS, settings=ScoreSettings(draws=200))
    return card, list(behind(rows, [CONVERSION, WAIT], settings=ScoreSettings(draws=200)))


@pytest.fixture(scope="module")
def uneven():
    return team(EQUALS | {"best": 0.72, "worst": 0.38})


BEST = (Award(zh="高转化客服", en="Best conversion", metric=CONVERSION),)


def test_who_is_clearly_best_wins(uneven):
    card, pool = uneven
    found = awards((*BEST, Award(zh="月度服务之星", en="Star")), "2026-06", card, pool)
    won = found[found["result"] == "winner"]
    assert won["agent_id"].tolist() == ["best", "best"] and set(won["metric"]) == {CONVERSION, "score"}
    first = won.iloc[0]
    assert first["low"] < first["adjusted"] < first["high"] and first["n"] == 400


def test_equals_cannot_be_ranked():
    card, pool = team(EQUALS)
    found = awards(BEST, "2026-06", card, pool)
    assert set(found["result"]) == {"tied"} and len(found) == len(EQUALS)


def test_top_three_takes_in_who_shares_the_third_place(uneven):
    card, pool = uneven
    found = awards((Award(zh="前三", en="Top 3", metric=CONVERSION, top=3),), "2026-06", card, pool)
    assert (found["place"] <= 3).sum() == 10  # nine share the second place
    assert found.set_index("agent_id")["result"].value_counts().to_dict() == {"tied": 9, "winner": 1, "behind": 1}


def test_who_may_not_win_is_named_with_the_reason(uneven):
    card, pool = uneven
    held = consequences(pd.DataFrame([event(agent_id="best", date="2026-06-03")]), ConductSettings())
    worked = values(EQUALS, ["2026-06"]).assign(
        days=[5 if agent == "a1" else 20 for agent in np.repeat(list(EQUALS), 2)]
    )
    found = awards(BEST, "2026-06", card, pool, values=worked, consequences=held).set_index("agent_id")
    assert found["why"].dropna().to_dict() == {"best": "event", "a1": "part_month"}
    many = (Award(zh="x", en="x", metric=CONVERSION, min_n=500),)
    assert set(awards(many, "2026-06", card, pool)["why"]) == {"small"}


def test_a_quarter_pools_its_months(uneven):
    card, pool = uneven
    found = awards((Award(zh="金牌", en="Gold", metric=CONVERSION, period="quarter"),), "2026-06", card, pool)
    assert quarter_of("2026-06") == ["2026-04", "2026-05", "2026-06"] and quarter_of("2026-04") == ["2026-04"]
    assert found.loc[found["agent_id"] == "best", "n"].iloc[0] == 1200


def test_coaching_names_who_is_clearly_below_and_for_how_long(uneven):
    card, pool = uneven
    found = coaching(card.parts, "2026-06", pool, CoachingSettings())
    assert found["agent_id"].tolist() == ["worst"] and found["metric"].tolist() == [CONVERSION]
    row = found.iloc[0]
    assert (row["below"], row["months"], row["n"], row["target"]) == ("team", 6, 400, 0.55) and row["sure"] > 0.99


def test_where_everybody_is_below_it_is_the_target():
    card, pool = team(EQUALS, targets((0.80, 0.90, 0.95)))
    found = coaching(card.parts, "2026-06", pool, CoachingSettings())
    assert set(found["below"]) == {"everyone"} and len(found) == len(EQUALS)
    advice = suggestions(found, "zh")
    assert advice["agent_id"].isna().all() and (advice["target"] == 0.9).all() and (advice["n"] == 9 * 400).all()


def test_whoever_met_the_target_this_month_is_not_said_to_be_below_it():
    card, pool = team(EQUALS, targets((0.80, 0.90, 0.95)))
    rows = [one.rows.assign(value=one.rows["value"].mask(one.rows["agent_id"] == "a0", 0.93)) for one in pool]
    met = [replace(one, rows=own) for one, own in zip(pool, rows, strict=True)]
    found = coaching(card.parts, "2026-06", met, CoachingSettings())
    assert set(found["agent_id"]) == set(EQUALS) - {"a0"}


def test_eight_agents_and_two_months_still_get_an_answer():
    card, pool = team({f"a{i}": 0.55 for i in range(7)} | {"worst": 0.35}, months=MONTHS[:2])
    found = coaching(card.parts, "2026-02", pool, CoachingSettings())
    assert found["agent_id"].tolist() == ["worst"] and found["months"].tolist() == [2]
    who = promotion(card.scores, staged("a0", "worst"), PromotionSettings(), month="2026-02")
    assert all("too_few_quarters" in lacks for lacks in who["lacks"]) and not who["eligible"].any()


def test_volume_is_read_with_speed(uneven):
    card, _pool = uneven
    more = values(EQUALS)
    more = more.assign(metric=more["metric"].replace(CONVERSION, "sessions_per_day"))
    more.loc[more["agent_id"] == "a3", ["numerator", "value"]] *= 0.5
    pool = list(behind(more, ["sessions_per_day", WAIT], settings=ScoreSettings(draws=50)))
    aims = card.parts.assign(target=lambda f: f["target"].where(f["metric"] != WAIT, 10.0))
    found = coaching(aims, "2026-06", pool, CoachingSettings()).set_index("agent_id")
    assert found.loc["a4", "reading"] == "many_fast" and found.loc["a3", "reading"].startswith("few")


def test_suggestions_carry_the_number_that_brought_them_up(uneven):
    card, pool = uneven
    found = suggestions(coaching(card.parts, "2026-06", pool, CoachingSettings()), "en")
    assert set(found["agent_id"]) == {"worst"} and set(found["finding"]) == {"low_conversion"}
    assert found["value"].between(0.37, 0.39).all() and len(found) == 4 and found["measure"].str.len().min() > 10


def test_causes_speak_both_languages():
    assert {metric for finding in causes() for metric in finding["metrics"]} <= set(ENTRIES)
    for finding in causes():
        for cause in finding["causes"]:
            assert all(set(cause[part]) == {"zh", "en"} for part in ("cause", "look_at", "measure"))


# Targets on trial -------------------------------------------------------------------------------------------------


def test_a_metric_on_trial_has_no_effect_on_the_coefficient():
    trial = targets().assign(grade=["publish", "trial"])
    rows = values({"a1": 0.55, "a2": 0.50})
    rows.loc[rows["metric"] == WAIT, ["numerator", "value"]] *= 2  # far too slow
    slow = scorecard(rows, trial, WEIGHTS, month="2026-06").scores
    assert slow["score"].tolist() == [60, 36] and slow["pay_score"].tolist() == [100, 60]
    assert slow["coefficient"].tolist() == [1.0, 0.6]
    for grade in ("trial", "reference"):
        mostly = scorecard(rows, targets().assign(grade=[grade, "publish"]), WEIGHTS, month="2026-06").scores
        assert mostly["pay_score"].isna().all() and mostly["coefficient"].isna().all()


# Promotion --------------------------------------------------------------------------------------------------------


def staged(*agents, level="mid", started="2025-01-01"):
    rows = roster(*((agent, "pre", level, started, None) for agent in agents))
    return stages(rows, dt.date(2026, 6, 30), GrowthSettings())


def test_two_excellent_quarters_in_a_row_and_nothing_missing(uneven):
    card, _pool = uneven
    found = promotion(card.scores, staged("best", "worst"), PromotionSettings(), month="2026-06").set_index("agent_id")
    assert found.loc["best", ["quarters", "next_level", "eligible"]].tolist() == [2, "senior", True]
    assert found.loc["worst", "lacks"] == ["not_excellent"]
    later = promotion(card.scores, staged("best"), PromotionSettings(), month="2026-05")
    assert later["quarters"].tolist() == [1]  # the running quarter does not count yet


def test_what_is_missing_is_named(uneven):
    card, pool = uneven
    held = consequences(pd.DataFrame([event(agent_id="best", date="2026-03-03")]), ConductSettings())
    settings = PromotionSettings(tenure_months=24, thresholds=[{"metric": WAIT, "value": 30}])
    found = promotion(
        card.scores, staged("best", level=None), settings, month="2026-06", behind=pool, consequences=held
    )
    assert found["lacks"].iloc[0] == ["tenure", "no_level", "event", WAIT]


def test_publicity_lasts_three_working_days_over_the_holidays():
    found = steps(dt.date(2026, 9, 18), PromotionSettings()).set_index("step")
    shown = found.loc["publicise"]
    assert shown["from_day"] == dt.date(2026, 10, 8)
    assert shown["to_day"] == dt.date(2026, 10, 10)  # a Saturday worked for the holiday
    with pytest.raises(ValidationError, match="publicity_days"):
        PromotionSettings(publicity_days=2)


def test_nobody_votes_for_themselves():
    votes = pd.DataFrame(
        {"agent_id": "a", "criterion": "service", "points": [5, 3, 4], "rater": ["a", "b", "c"]},
    )
    assert soft(votes).to_numpy().tolist() == [["a", "service", 3.5, 2]]


# Conduct ----------------------------------------------------------------------------------------------------------


def event(**more):
    given = {"agent_id": "a", "date": "2026-06-01", "kind": "complaint", "evidence": "chat 17", "reported_by": "x"}
    return given | {"confirmed_by": "y", "appeal": None} | more


def test_a_complaint_begins_with_a_word_and_climbs_within_the_window():
    dates = ["2025-01-01", "2026-01-10", "2026-03-01", "2026-06-01"]
    found = consequences(pd.DataFrame([event(date=day) for day in dates]), ConductSettings())
    assert found["rung"].tolist() == ["oral", "oral", "written", "bonus"]
    assert found["count"].tolist() == [1, 1, 2, 3] and found["bonus_cut"].tolist() == [0, 0, 0, 0.1]
    assert set(found["also"]) == {"training"} and not found["decided"].any()


def test_a_kind_never_climbs_above_its_highest_rung():
    found = consequences(pd.DataFrame([event(kind="late_reply")] * 5), ConductSettings())
    assert found["rung"].tolist() == ["oral", "written", "written", "written", "written"]


def test_an_event_without_reviewer_has_no_consequence_and_says_so():
    rows = [event(confirmed_by=None), event(confirmed_by="x"), event(evidence=None), event(appeal="won"), event()]
    found = consequences(pd.DataFrame(rows), ConductSettings())
    assert found["why"].tolist() == ["unconfirmed", "own_reviewer", "no_evidence", "appeal_won", None]
    assert found["rung"].notna().tolist() == [False] * 4 + [True] and found["count"].iloc[-1] == 1


def test_the_grave_steps_are_left_to_people():
    found = consequences(pd.DataFrame([event(kind="abuse")] * 3), ConductSettings())
    assert found["decided"].tolist() == [False, True, True] and found["rung"].iloc[1] == "suspension"


def test_rewards_stand_beside_penalties():
    settings = ConductSettings(rewards=[{"kind": "praised", "yuan": 200}])
    found = consequences(pd.DataFrame([event(kind="praised"), event(kind="suggestion")]), settings)
    assert found["reward_yuan"].tolist() == [200, 0] and found["why"].tolist() == [None, "no_rule"]


def test_rules_off_the_ladder_are_refused():
    with pytest.raises(ValidationError, match="shout"):
        ConductSettings(penalties=[{"kind": "complaint", "begins": "shout", "most": "oral"}])
    with pytest.raises(ValidationError, match="written"):
        ConductSettings(penalties=[{"kind": "complaint", "begins": "written", "most": "oral"}])


def parts(**more):
    row = {"agent_id": "a", "role": "pre", "month": "2026-06", "metric": CONVERSION, "value": 0.61, "target": 0.55}
    row |= {"base": 0.5, "n": 300, "weight": 60, "grade": "publish", "left_out": None}
    return pd.DataFrame([row | more])


def test_over_target_is_relative_or_in_points():
    assert over_target(parts(), ConductSettings())["over"].iloc[0] == pytest.approx(0.06 / 0.55)
    assert over_target(parts(), ConductSettings(over_by="points")).empty
    assert len(over_target(parts(value=0.65), ConductSettings(over_by="points"))) == 1
    assert len(over_target(parts(metric=WAIT, value=40, target=45), ConductSettings())) == 1
    assert over_target(parts(grade="trial"), ConductSettings()).empty  # a target on trial rewards nobody


def test_late_replies_are_proposed_from_speed_metrics_only():
    assert late_replies(parts(value=0.1)).empty
    found = late_replies(parts(metric=WAIT, value=70, base=60))
    assert found[["kind", "value", "base", "n"]].to_numpy().tolist() == [["late_reply", 70, 60, 300]]


# Settings ---------------------------------------------------------------------------------------------------------


def test_a_metric_that_nobody_knows_is_refused_with_the_nearest():
    with pytest.raises(ValidationError, match="conversion_paid_user"):
        PeopleSettings(awards=[{"zh": "x", "en": "x", "metric": "conversion_paid_usr"}])


def test_every_kind_with_a_rule_has_its_words():
    settings, said = ConductSettings(), words("scores", "zh")
    assert {f"kind_{one.kind}" for one in (*settings.penalties, *settings.rewards)} <= set(said)
