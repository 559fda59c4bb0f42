"""Screening of candidates, the simple correlation, and the pictures and tables of the weights in both languages."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from csperf import charts, tables
from csperf.errors import CsperfError
from csperf.scoring import _said_of
from csperf.text import speaking, words
from csperf.weights import WeightSettings, weigh
from csperf.weights.screening import COLUMNS, screened
from csperf.weights.settings import POOL
from csperf.weights.simple import correlations, how_sure

CANDIDATES = """conversion_paid_user order_value_yuan items_per_buyer payment_share order_loss_share sales_yuan_per_day
    reply_30s_msg reply_3min_turn first_reply_s mean_wait_turn_s effective_reply_user effective_session_share handle_min
    transfer_share coded_share emoji_share agent_refund_share conversion_net_user""".split()
QUICK = WeightSettings(permutations=39, resamples=60, draws=200)


@pytest.fixture(scope="module")
def weighing():
    """32 agents, 12 months, 18 candidates, the outcome resting on the first; two say the same."""
    rng = np.random.default_rng(5)
    z = 0.7 * rng.standard_normal((32, 1, 18)) + 0.7 * rng.standard_normal((32, 12, 18))
    z[..., 11] = z[..., 10] + 0.05 * z[..., 11]
    y = 0.5 + 0.02 * (z[..., 0] + 0.6 * rng.standard_normal((32, 12)))
    agent, month = (at.ravel() for at in np.indices(y.shape))
    who = {"agent_id": [f"a{a:02}" for a in agent], "month": [f"2025-{m + 1:02}" for m in month], "role": "pre"}
    columns = [*(0.5 + 0.03 * z[..., i] for i in range(18)), y]
    parts = [
        pd.DataFrame({**who, "metric": metric, "value": value.ravel()})
        for metric, value in zip((*CANDIDATES, "repurchase_share"), columns, strict=True)
    ]
    raters = [(f"r{i}", 1, m, p) for i in range(4) for m, p in zip(CANDIDATES[:3], (50, 30, 20), strict=True)]
    points = pd.DataFrame(raters, columns=["expert", "round", "metric", "points"])
    return weigh(pd.concat(parts), "repurchase_share", points, role="pre", settings=QUICK)


@pytest.fixture(scope="module")
def nothing():
    rows = [("a1", "2025-01", metric, 0.5, "pre") for metric in CANDIDATES[:4]]
    return weigh(pd.DataFrame(rows, columns=["agent_id", "month", "metric", "value", "role"]), role="pre")


def decided(frame, metric):
    return frame.set_index("metric").loc[metric]


def test_of_twenty_candidates_eight_to_twelve_are_kept_and_a_few_scored(weighing):
    frame = screened(weighing)
    assert list(frame.columns) == COLUMNS and len(frame) == 18
    assert POOL[0] <= (frame["decision"].isin(["score", "pool", "borderline"])).sum() <= POOL[1] + 3
    assert 1 <= (frame["decision"] == "score").sum() <= 6
    assert frame[["importance", "feasibility"]].stack().between(0, 1).all()


def test_what_matters_to_people_and_data_is_important(weighing):
    frame = screened(weighing)
    assert frame.loc[frame["importance"].idxmax(), "metric"] == CANDIDATES[0]
    assert decided(frame, CANDIDATES[0])["decision"] == "score"


def test_what_the_platform_fines_for_is_always_kept(weighing):
    before = decided(screened(weighing), "emoji_share")
    after = decided(screened(weighing, guardrails=["emoji_share"]), "emoji_share")
    assert before["decision"] == "out"
    assert (after["decision"], after["reason"], after["kept_share"]) == ("guardrail", "GUARDRAIL", 1.0)


def test_of_two_that_say_the_same_one_is_kept(weighing):
    pair = screened(weighing).set_index("metric").loc[["effective_reply_user", "effective_session_share"]]
    assert (pair["reason"] == "REDUNDANT").sum() == 1


def test_what_agents_hardly_control_is_not_kept(weighing):
    ratings = pd.DataFrame({"metric": ["reply_30s_msg"], "control": [1]})
    row = decided(screened(weighing, ratings=ratings), "reply_30s_msg")
    assert (row["decision"], row["reason"], row["feasibility"]) == ("out", "NO_CONTROL", 0)
    with pytest.raises(CsperfError, match="reply_30s_msg"):
        screened(weighing, ratings=ratings.assign(control=7))


def test_own_ratings_count_before_the_template(weighing):
    ratings = pd.DataFrame({"metric": ["emoji_share"] * 2, "importance": [5, 4]})
    assert decided(screened(weighing, ratings=ratings), "emoji_share")["expert"] == 4.5


def test_the_simple_correlation_comes_with_its_range(weighing):
    found = correlations(weighing.cells, weighing.evidence).set_index("metric")
    first = found.loc[CANDIDATES[0]]
    assert first["n"] == 32 and first["low"] < first["r"] < first["high"]
    assert first["adjusted_low"] > 0.5 and first["low"] < first["adjusted_low"]
    assert how_sure().set_index("n").loc[12, ["low", "high"]].round(2).tolist() == [0.42, 0.94]


def test_remarks_have_a_column_where_there_are_any(weighing, monkeypatch):
    head = words("tables", "zh")["remark"]
    found = correlations(weighing.cells, weighing.evidence)
    for wrong in (False, True):
        judged = found.assign(wrong=wrong)
        monkeypatch.setattr(sys.modules["csperf.tables.weights"], "simple", lambda *_, judged=judged: judged)
        assert (head in tables.correlations(weighing, lang="zh").gt.as_raw_html()) == wrong


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_pictures_and_tables_say_what_they_show(weighing, nothing, lang):
    for one in (weighing, nothing):
        frame = screened(one)
        drawn = [
            charts.how_sure(lang=lang),
            charts.outcome_scatter(one, lang=lang),
            charts.correlations(one, lang=lang),
            charts.weights(one, lang=lang),
            charts.screening(frame, "pre", lang=lang),
        ]
        assert all(picture.svg.startswith(b"<?xml") and re.search(r"\d|weights", picture.alt) for picture in drawn)
        laid = [
            tables.weights([one], lang=lang),
            tables.correlations(one, lang=lang),
            tables.how_sure(lang=lang),
            tables.cross_checks(one, lang=lang),
            tables.raters(one, lang=lang),
            tables.screening(frame, lang=lang),
        ]
        assert all(re.fullmatch(r"[\w]+", table.name) and table.gt.as_raw_html() for table in laid)


def test_nobody_is_named_among_the_raters(weighing):
    html = tables.raters(weighing).gt.as_raw_html()
    assert "r0" not in re.sub(r"<[^>]*>", "", html) and "4人打分" in html


def test_the_same_picture_twice(weighing):
    assert charts.weights(weighing).svg == charts.weights(weighing).svg


def test_what_is_said_of_weights_names_the_role_where_roles_differ():
    weighed = [SimpleNamespace(role="pre", said=("甲", "乙")), SimpleNamespace(role="after", said=("丙",))]
    with speaking("zh"):
        assert _said_of(weighed) == ("售前：甲", "售后：丙") and _said_of(weighed[:1]) == ("甲",)
