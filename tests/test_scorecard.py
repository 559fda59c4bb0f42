"""Scores from values, targets and weights: points, what is missing, luck, caps, drivers, signs of gaming."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from csperf.errors import CsperfError
from csperf.scorecard import (
    OF_CHATS,
    Aims,
    ScoreSettings,
    beside_others,
    card,
    changes,
    gaming,
    preset,
    score,
    scorecard,
)
from csperf.scorecard.allocation import allocation
from csperf.scorecard.card import coefficient
from csperf.scorecard.gaming import near_target
from csperf.scorecard.presets import levels_met
from csperf.targets.consistency import check_consistency

MONTHS = [f"2026-{month:02}" for month in range(5, 11)]
SETTINGS = ScoreSettings()
KEYS = ("conversion_paid_user", "mean_wait_turn_s", "order_value_yuan")


def targets(**more):
    rows = [
        ("conversion_paid_user", "pre", None, 0.50, 0.55, 0.60),
        ("mean_wait_turn_s", "pre", None, 60, 45, 30),
        ("order_value_yuan", "pre", None, 78, 86, 96),
    ]
    frame = pd.DataFrame(rows, columns=["metric", "role", "level", "base", "target", "stretch"])
    return frame.assign(grade="publish", **more)


def weights(*points, keys=KEYS):
    return pd.DataFrame({"metric": keys[: len(points)], "weight": points})


def values(agents=12, months=MONTHS, seed=4, skill=0.02, n=300):
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(agents):
        for month in months:
            who = ("shop", f"a{i:02}", "pre", "mid", month)
            met = rng.binomial(n, 0.53 + skill * (i - agents / 2) / agents * 4)
            waits = rng.lognormal(np.log(48), 0.8, n)
            yuan = rng.lognormal(np.log(85), 0.3, n)
            rows += [(*who, KEYS[0], met, n, n, None)]
            rows += [(*who, key, x.sum(), n, n, (x**2).sum()) for key, x in zip(KEYS[1:], (waits, yuan), strict=True)]
    names = ["shop_id", "agent_id", "role", "level", "month", "metric", "numerator", "denominator", "n", "sum_squares"]
    return pd.DataFrame(rows, columns=names)


# Points -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "lines", "value", "points"),
    [
        ("conversion_paid_user", (0.50, 0.55, 0.60), [0.40, 0.45, 0.50, 0.525, 0.55, 0.575, 0.60, 0.9], None),
        ("mean_wait_turn_s", (60, 45, 30), [82.5, 71.25, 60, 52.5, 45, 37.5, 30, 1], None),
    ],
)
def test_points_lie_on_straight_lines_through_the_three_marks(metric, lines, value, points):
    aims = Aims(metric, *(np.array([float(line)]) for line in lines))
    found = [float(aims.points(np.array([v]), SETTINGS)[0]) for v in value]
    assert found == pytest.approx([0, 30, 60, 80, 100, 110, 120, 120])


@pytest.mark.parametrize("metric", [*KEYS, "reply_30s_msg", "unanswered_sessions_per_day"])
def test_a_better_value_never_has_fewer_points(metric):
    from csperf.catalogue import entry

    higher = entry(metric).better == "higher"
    base, target, stretch = (0.5, 0.6, 0.7) if higher else (0.7, 0.6, 0.5)
    aims = Aims(metric, np.array([base]), np.array([target]), np.array([stretch]))
    worth = aims.points(np.linspace(0, 1, 401)[:, None], SETTINGS)[:, 0]
    assert (np.diff(worth if higher else worth[::-1]) >= -1e-9).all()
    assert worth.min() >= 0 and worth.max() <= 120


def test_without_a_stretch_the_target_is_the_most():
    aims = Aims("conversion_paid_user", np.array([0.5]), np.array([0.55]), np.array([np.nan]))
    assert aims.points(np.array([0.7]), SETTINGS)[0] == 100


def test_a_target_counts_as_met_where_the_screen_shows_it_met():
    """PRACTICE 5: 54.96 % is shown as 55.0 %; ties go the agent's way on both sides."""
    rows = (
        values(1, ["2026-10"])
        .query("metric == 'conversion_paid_user'")
        .assign(numerator=5496, denominator=10000, n=10000)
    )
    found = scorecard(rows, targets(), weights(100))
    assert found.scores["score"][0] == 100 and found.scores["conversion_paid_user_value"][0] == 0.55
    rows = rows.assign(numerator=5494)
    assert scorecard(rows, targets(), weights(100)).scores["score"][0] < 100


# The score --------------------------------------------------------------------------------------------------------


def test_the_range_is_where_four_of_five_months_fall(monkeypatch):
    class Even(card._Spread):
        def __init__(self, parts, luck, settings):
            super().__init__(parts, luck, settings)
            self.repeats = np.tile(np.linspace(0, 200, 201)[:, None], len(self.groups))

    monkeypatch.setattr(card, "_Spread", Even)
    found = score(values(), targets(), weights(50, 30, 20), month="2026-10")
    assert found["score"].between(20, 180).all()
    assert np.allclose(found["score_low"], 20) and np.allclose(found["score_high"], 180)


def test_the_columns_are_those_promised():
    found = score(values(), targets(), weights(50, 30, 20), month="2026-10")
    first = "agent_id role level month score score_low score_high band capped coefficient".split()
    assert list(found.columns[:10]) == first
    assert {f"{key}_{part}" for key in KEYS for part in ("value", "score")} <= set(found.columns)
    assert len(found) == 12 and (found["month"] == "2026-10").all()
    assert ((found["score_low"] <= found["score"]) & (found["score"] <= found["score_high"])).all()
    assert set(found["band"]) <= {"above", "level", "below"}


def test_contributions_sum_to_the_score():
    card = scorecard(values(), targets(), weights(50, 30, 20))
    sums = card.parts.groupby(["agent_id", "month"])["contribution"].sum()
    assert sums.to_numpy() == pytest.approx(
        card.scores.set_index(["agent_id", "month"])["score"].loc[sums.index].to_numpy()
    )


def test_what_is_missing_gives_its_weight_to_the_rest_and_is_never_zero():
    rows = values(12, ["2026-10"])
    gone = (rows["agent_id"] == "a03") & (rows["metric"] == "order_value_yuan")
    full, less = (score(frame, targets(), weights(50, 30, 20)).set_index("agent_id") for frame in (rows, rows[~gone]))
    parts = full.loc["a03", [f"{key}_score" for key in KEYS[:2]]].to_numpy(float)
    assert less.loc["a03", "score"] == pytest.approx((parts * [50, 30]).sum() / 80)
    assert less.loc["a04", "score"] == pytest.approx(full.loc["a04", "score"])
    assert np.isnan(less.loc["a03", "order_value_yuan_score"])


def test_below_six_tenths_of_the_weight_nobody_is_scored():
    rows = values(12, ["2026-10"])
    rows = rows[(rows["agent_id"] != "a03") | (rows["metric"] == "conversion_paid_user")]
    found = score(rows, targets(), weights(50, 30, 20)).set_index("agent_id")
    assert np.isnan(found.loc["a03", "score"]) and np.isnan(found.loc["a03", "coefficient"])
    assert found.loc["a03", "status"] == "THIN" and found.loc["a03", "band"] is None
    sixty = score(rows, targets(), weights(60, 20, 20)).set_index("agent_id")
    assert sixty.loc["a03", "score"] == pytest.approx(sixty.loc["a03", "conversion_paid_user_score"])


def test_few_cases_and_part_months_are_not_scored():
    rows = values(12, ["2026-10"]).assign(days=22)
    few = (rows["agent_id"] == "a01") & (rows["metric"] == "conversion_paid_user")
    rows.loc[few, ["numerator", "denominator", "n"]] = [3, 5, 5]
    rows.loc[rows["agent_id"] == "a02", "days"] = 9
    card = scorecard(rows, targets(), weights(50, 30, 20))
    parts = card.parts.set_index(["agent_id", "metric"])["left_out"]
    assert parts["a01", "conversion_paid_user"] == "small"
    scores = card.scores.set_index("agent_id")
    assert scores.loc["a01", "status"] == "THIN" and scores.loc["a02", "status"] == "PART_MONTH"
    assert scores["score"].notna().sum() == 10


def test_newcomers_are_not_scored():
    roster = pd.DataFrame([("a05", "pre", "mid", "2026-09-20")], columns=["agent_id", "role", "level", "started"])
    card = scorecard(
        values(12, ["2026-10"]), targets(), weights(50, 30, 20), roster=roster.assign(valid_from="2026-09-20")
    )
    assert card.scores.set_index("agent_id").loc["a05", "status"] == "NEW"


def test_luck_is_taken_off_for_ranking_and_left_in_for_pay():
    rows = values(12, n=60)
    found = score(rows, targets(), weights(100))
    raw, adjusted = found["conversion_paid_user_value"], found["conversion_paid_user_adjusted"]
    assert adjusted.std() < raw.std() and found["score_adjusted"].std() < found["score"].std()
    assert (found["coefficient"] == [coefficient(s, SETTINGS) for s in found["score"]]).all()


def test_a_value_without_n_is_taken_as_it_is():
    rows = values(12, ["2026-10"]).query("metric == 'conversion_paid_user'")
    rows = rows.assign(value=rows["numerator"] / rows["denominator"]).drop(columns=["numerator", "denominator", "n"])
    found = score(rows, targets(), weights(100))
    assert found["score"].notna().all() and found["score_low"].isna().all()
    assert (found["conversion_paid_user_adjusted"] == rows["value"].to_numpy()).all()


def test_bands_call_equals_equal_and_tell_the_best_from_the_worst():
    apart = score(values(16, n=3000), targets(), weights(100), month="2026-10").set_index("agent_id")["band"]
    assert apart["a15"] == "above" and apart["a00"] == "below"
    told = [
        (score(values(16, skill=0, seed=s), targets(), weights(100), month="2026-10")["band"] != "level").mean()
        for s in range(5)
    ]
    assert np.mean(told) < 0.15
    assert set(score(values(6, skill=0.1), targets(), weights(100))["band"]) == {"level"}


@pytest.mark.parametrize(
    ("points", "wanted"),
    [(130, 1.2), (100, 1.0), (84.87, 0.849), (55, 0.6), (40, 0.6), (39.96, 0.6), (39.94, 0), (0, 0)],
)
def test_the_coefficient_is_continuous_above_forty(points, wanted):
    assert coefficient(points, SETTINGS) == pytest.approx(wanted)


# 红线封顶 ---------------------------------------------------------------------------------------------------------


def event(agent, **more):
    given = {"agent_id": agent, "date": "2026-10-08", "kind": "abuse", "evidence": "chat 17", "reported_by": "x"}
    return given | {"confirmed_by": "y", "appeal": None} | more


def test_only_a_confirmed_event_with_evidence_caps():
    events = pd.DataFrame(
        [
            event("a11"),
            event("a10", evidence=None),
            event("a09", confirmed_by=None),
            event("a08", confirmed_by="x"),
            event("a07", appeal="won"),
            event("a06", date="2026-09-30"),
        ]
    )
    rows = values(12, ["2026-10"]).assign(
        numerator=lambda f: np.where(f["metric"] == KEYS[0], 0.59 * f["n"], f["numerator"])
    )
    card = scorecard(rows, targets(), weights(100), events=events)
    scores = card.scores.set_index("agent_id")
    assert scores["capped"].sum() == 1 and scores.loc["a11", "score"] == 60 and scores.loc["a11", "score_high"] == 60
    assert (scores.drop("a11")["score"] > 100).all()
    assert list(card.events["why"].dropna()) == ["no_evidence", "unconfirmed", "own_reviewer", "appeal_won"]
    assert len(card.notices) == 4


# Bad input --------------------------------------------------------------------------------------------------------


def refused(*tables, **more):
    with pytest.raises(CsperfError) as error:
        scorecard(*tables, **more)
    return str(error.value)


def test_weights_that_do_not_sum_are_refused(monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    assert "sum to 95" in refused(values(), targets(), weights(50, 30, 15))
    twice = pd.concat([weights(50, 30, 20), weights(10)])
    said = refused(values(), targets(), twice)
    assert "twice" in said and "110" in said
    assert "no better side" in refused(values(), targets(), weights(100, keys=("sessions_per_day",)))


def test_a_weighted_metric_without_target_is_named(monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    said = refused(values(), targets().iloc[:1], weights(50, 30, 20))
    assert "mean_wait_turn_s" in said and "order_value_yuan" in said


def test_somebody_without_level_is_named_where_targets_differ_by_level(monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    rows = values()
    rows.loc[rows["agent_id"] == "a02", "level"] = None
    said = refused(rows, targets().assign(level="mid"), weights(50, 30, 20))
    assert "a02" in said and "level" in said and "a03" not in said
    whole = scorecard(rows, pd.concat([targets(), targets().assign(level="mid")]), weights(50, 30, 20))
    assert whole.scores["score"].notna().all() and "a02" in whole.notices[-1]


def test_lines_that_do_not_rise_and_bases_that_lack_are_named(monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    wrong = targets()
    wrong.loc[1, ["base", "stretch"]] = [30, 60]
    wrong.loc[0, "base"] = None
    said = refused(values(), wrong, weights(50, 30, 20))
    assert "mean_wait_turn_s" in said and "--rule attainment" in said


# The manual of 2010 -----------------------------------------------------------------------------------------------


def the_day(level="senior"):
    """O12: 374 consultations, 259 answered, 91 bought, 1.74 minutes."""
    rows = [
        ("effective_sessions_per_day", 259, 1, 1),
        ("effective_session_share", 259, 374, 374),
        ("bought_per_day", 91, 1, 1),
        ("conversion_same_day", 91, 259, 259),
        ("mean_wait_turn_s", 1.74 * 60 * 374, 374, 374),
    ]
    frame = pd.DataFrame(rows, columns=["metric", "numerator", "denominator", "n"])
    return frame.assign(agent_id="09", level=level, month="2010-06")


def test_the_manual_of_2010_as_printed():
    printed = preset("manual2010")
    assert list(printed.weights["weight"]) == [15, 10, 25, 25, 15, 10]
    wide = printed.targets.pivot(index="metric", columns="level", values="target")[["junior", "mid", "senior"]]
    assert wide.loc[printed.weights["metric"]].to_numpy().tolist() == [
        [50, 80, 100], [0.85, 0.95, 0.98], [10, 25, 35], [0.20, 0.30, 0.35], [60, 45, 30], [120, 80, 60],
    ]  # fmt: skip
    found = check_consistency(printed.targets)
    contradictions = found[found["kind"] == "contradiction"]
    assert list(contradictions["level"]) == ["mid"]
    assert contradictions["implied"].iloc[0] == pytest.approx(24) and contradictions["target"].iloc[0] == 25


def test_o12_row_by_row():
    printed = preset("manual2010")
    card = scorecard(the_day(), printed.targets, printed.weights, settings=printed.settings)
    parts = card.parts.set_index("metric")
    assert list(parts["points"].round(2).iloc[:5]) == [100, 70.71, 100, 100, 28.74]
    assert parts.loc["handle_min", "left_out"] == "missing" and card.scores["weight_present"][0] == 0.9
    assert card.scores["score"][0] == pytest.approx((65 * 100 + 10 * 69.3 / 0.98 + 15 * 3000 / 104.4) / 90)
    met = levels_met(card.parts, printed.targets).set_index("metric")["met"]
    assert met.to_dict() == {
        "effective_sessions_per_day": "senior", "effective_session_share": None, "bought_per_day": "senior",
        "conversion_same_day": "senior", "mean_wait_turn_s": None, "handle_min": None,
    }  # fmt: skip


# What drove it ----------------------------------------------------------------------------------------------------


def shifts(rows):
    """The same values in two shifts, the night's worse, the mix changing from month to month."""
    out = []
    for month, night in (("2026-09", 0.2), ("2026-10", 0.6)):
        own = rows[rows["month"] == month]
        for shift, share, factor in (("day", 1 - night, 1.1), ("night", night, 0.8)):
            out.append(
                own.assign(
                    shift=shift, numerator=own["numerator"] * share * factor, denominator=own["denominator"] * share
                )
            )
    return pd.concat(out)


@pytest.mark.parametrize("with_shifts", [False, True])
def test_the_parts_of_a_change_sum_exactly(with_shifts):
    by_shift = shifts(values(12, MONTHS[-2:]))
    sums = by_shift.groupby(["shop_id", "agent_id", "role", "level", "month", "metric"], as_index=False)[
        ["numerator", "denominator"]
    ].sum()
    sums = sums.assign(n=sums["denominator"])
    less = sums[~((sums["agent_id"] == "a04") & (sums["metric"] == KEYS[2]) & (sums["month"] == "2026-10"))]
    before = scorecard(less, targets(), weights(50, 30, 20))
    harder = targets()
    harder.loc[0, ["base", "target", "stretch"]] = [0.51, 0.56, 0.61]
    after = scorecard(less, harder, weights(40, 30, 30), events=pd.DataFrame([event("a09")]))
    found = changes(before, after, ("2026-09", "2026-10"), by_shift=by_shift if with_shifts else None)
    total = found.groupby("agent_id")["change"].sum()
    old, new = (c.scores.set_index(["month", "agent_id"])["score"] for c in (before, after))
    wanted = new["2026-10"] - old["2026-09"]
    assert total.to_numpy() == pytest.approx(wanted.loc[total.index].to_numpy(), abs=1e-9)
    assert found[["own", "mix", "target", "weight", "cap"]].sum(axis=1).to_numpy() == pytest.approx(
        found["change"].to_numpy(), abs=1e-9
    )
    assert (found["mix"].abs().sum() > 0) == with_shifts
    assert found.loc[found["agent_id"] == "a09", "metric"].isna().any()
    if with_shifts:
        assert found.loc[found["metric"] == KEYS[0], "mix"].sum() < 0  # more nights, where less is sold


# Gaming -----------------------------------------------------------------------------------------------------------


def test_near_a_target_what_equals_it_is_above():
    assert near_target(np.array([0.54, 0.545, 0.55, 0.56, 0.57]), 0.55, 0.01, "higher") == (2, 4)
    assert near_target(np.array([44, 45, 46, 47]), 45, 1, "lower") == (2, 3)


def test_bunching_is_listed_and_an_even_spread_is_not():
    rows = values(12)
    rows = rows[rows["metric"] == KEYS[0]]
    even = gaming(rows.assign(numerator=np.linspace(0.54, 0.56, len(rows)) * 300), targets())
    assert not even.loc[even["check"] == "bunching", "listed"].any()
    steered = gaming(rows.assign(numerator=0.553 * 300), targets())
    listed = steered[(steered["check"] == "bunching") & steered["listed"]]
    assert list(listed["metric"]) == [KEYS[0]] and listed["value"].iloc[0] == 72


def test_who_drops_cases_or_trades_one_metric_for_its_pair_is_listed():
    rows = values(12, n=400).astype(dict.fromkeys(["numerator", "denominator", "n"], float))
    last = rows["month"] == MONTHS[-1]
    dropped = last & (rows["agent_id"] == "a02")
    rows.loc[dropped, ["numerator", "denominator", "n", "sum_squares"]] /= 3
    wobble = np.random.default_rng(1).integers(-12, 13, len(rows))
    rows[["denominator", "n"]] = rows[["denominator", "n"]].add(wobble, axis=0)
    traded = last & (rows["agent_id"] == "a05")
    rows.loc[traded & (rows["metric"] == "mean_wait_turn_s"), "numerator"] *= 0.3
    rows.loc[traded & (rows["metric"] == KEYS[0]), "numerator"] *= 0.5
    found = gaming(rows, targets())
    listed = found[found["listed"]]
    assert set(listed.loc[listed["check"] == "cases_fall", "agent_id"]) == {"a02"}
    pairs = listed[listed["check"] == "pair"]
    assert set(zip(pairs["agent_id"], pairs["metric"], pairs["other"], strict=True)) >= {
        ("a05", "mean_wait_turn_s", KEYS[0])
    }
    assert set(pairs["agent_id"]) == {"a05"}


def test_who_does_odd_things_more_often_than_the_others_is_listed():
    openings = pd.DataFrame({"agent_id": [f"a{i}" for i in range(10)], "n": 60, "odd": [6, 8, 5, 7, 6, 9, 7, 6, 5, 40]})
    for check in OF_CHATS:
        found = beside_others(check, openings, "2026-10")
        assert list(found.loc[found["listed"], "agent_id"]) == ["a9"] and set(found["check"]) == {check}
        assert not beside_others(check, openings.assign(odd=6), "2026-10")["listed"].any()
        assert not beside_others(check, openings.assign(n=5, odd=[0] * 9 + [5]), "2026-10")["listed"].any()


def test_quick_openings_count_only_those_with_another_question():
    import datetime as dt

    import ibis

    from csperf.lists import quick_openings

    names = ["row_id", "agent_id", "session_id", "started_at", "opening", "answered", "wait_us"]
    at = [pd.Timestamp(f"2026-10-01 09:{minute:02}", tz="UTC") for minute in range(10)]
    rows = [
        ("1", "a", "s1", at[0], True, True, 3e6), ("2", "a", "s1", at[1], False, False, None),  # quick, then silence
        ("3", "a", "s2", at[2], True, True, 3e6), ("4", "a", "s2", at[3], False, True, 60e6),  # quick, then an answer
        ("5", "a", "s3", at[4], True, True, 3e6),  # quick, and no more was asked
        ("6", "a", "s4", at[5], True, True, 60e6), ("7", "a", "s4", at[6], False, False, None),  # not quick
        ("8", "b", "s5", at[7], True, True, 3e6), ("9", "b", "s5", at[8], False, True, 600e6),  # an answer too late
    ]  # fmt: skip
    turns = pd.DataFrame(rows, columns=names).assign(
        scope="agent", excluded=False, in_hours=True, day=dt.date(2026, 10, 1)
    )
    found = quick_openings({"turns": ibis.memtable(turns)}, dt.date(2026, 10, 1), dt.date(2026, 10, 31))
    assert found.to_numpy().tolist() == [["a", 2, 1], ["b", 1, 1]]


def test_only_what_is_passed_on_shortly_before_the_limit_is_odd():
    import datetime as dt

    import ibis

    from csperf.lists import passed_on

    asked, day = pd.Timestamp("2026-10-01 09:00", tz="UTC"), dt.date(2026, 10, 1)
    names = ["agent_id", "row_id", "held", "answered"]
    held = [
        ("a", "1", 29, False),
        ("a", "2", 31, False),
        ("a", "3", 5, False),
        ("b", "4", 25, False),
        ("b", "5", 25, True),
    ]
    rows = pd.DataFrame(held, columns=names).assign(buyer_id=lambda rows: "k" + rows["row_id"], kind="transfer")
    forgiven = rows["held"] < 30
    turns = rows.assign(
        scope="agent", started_at=asked, transferred_out=True, in_hours=True, day=day, excluded=forgiven
    )
    turns = turns.assign(reason=["passed_on" if held else None for held in forgiven])
    sent = rows.assign(sent_at=asked + pd.to_timedelta(rows["held"], unit="s"))[["buyer_id", "kind", "sent_at"]]
    again = sent.assign(sent_at=sent["sent_at"] + pd.Timedelta(hours=1))
    messages = ibis.memtable(pd.concat([again, sent, sent.assign(kind="text", sent_at=asked)]))
    found = passed_on({"turns": ibis.memtable(turns)}, messages, 30, day, dt.date(2026, 10, 31))
    assert found.to_numpy().tolist() == [["a", 3, 1], ["b", 1, 1]]


def test_an_order_earned_with_hardly_a_word_is_odd():
    import datetime as dt

    import ibis

    from csperf.lists import thin_credit

    bought = pd.Timestamp("2026-10-01 09:00", tz="UTC")
    said = [
        ("a", "1", "m1", 5, "text", "在"), ("a", "2", "m2", 5, "text", "好的"),
        ("a", "2", "m3", 50, "text", "这款有现货的"),
        ("a", "3", "m4", 70, "text", "在"), ("b", "4", "m5", 1, "card", None), ("b", "5", "m6", 1, "sticker", None),
    ]  # fmt: skip
    rows = pd.DataFrame(said, columns=["agent_id", "order_id", "row_id", "ago", "kind", "text"]).assign(scope="agent")
    rows = rows.assign(buyer_id="k" + rows["order_id"], sent_at=bought - pd.to_timedelta(rows["ago"], unit="min"))
    orders = rows.drop_duplicates("order_id").assign(created_at=bought, day=dt.date(2026, 10, 1))
    facts = {"purchases": ibis.memtable(orders), "agent_messages": ibis.memtable(rows)}
    found = thin_credit(
        facts, ibis.memtable(rows[["row_id", "kind", "text"]]), dt.date(2026, 10, 1), dt.date(2026, 10, 31)
    )
    assert found.to_numpy().tolist() == [["a", 2, 1], ["b", 2, 1]]  # a wrote nothing in the hour before order 3


def test_customers_shared_out_by_lot_are_even_and_favourites_are_named():
    rng = np.random.default_rng(2)
    rows = pd.DataFrame(
        {"agent_id": [f"a{i}" for i in range(10)], "metric": "sessions_per_day", "role": "pre", "shift": "day"}
    )
    rows = rows.assign(denominator=22, numerator=rng.poisson(22 * 40, 10))
    assert not allocation(rows)["listed"].any()
    rows.loc[3, "numerator"] *= 1.5
    found = allocation(rows)
    assert "a3" in set(found.loc[found["listed"], "agent_id"]) and found["chance"].iloc[0] < 0.001


# Steps and lines --------------------------------------------------------------------------------------------------


def test_lines_with_luck_taken_off_have_less_than_half_the_error_of_steps():
    """METHOD 5, on few made-up teams; `make bench-stats` measures it."""
    from bench.scores import scores as measured

    teams = [measured(150, np.random.default_rng([5, team])) for team in range(20)]
    error = {name: np.mean([team[name] for team in teams]) for name in ("step", "linear", "shrunk")}
    assert error["shrunk"] < error["linear"] < error["step"]
    assert error["shrunk"] < error["step"] / 2
    assert np.mean([team["shrunk_jump"] for team in teams]) < np.mean([team["step_jump"] for team in teams]) - 0.2
