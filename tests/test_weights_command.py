"""`csperf weights` from tables alone: what it writes, what it says, and what it says of tables that cannot be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from csperf.weights import COLUMNS

METRICS = ("conversion_paid_user", "order_value_yuan", "reply_30s_msg")


@pytest.fixture(scope="module")
def handed_over():
    """Values of three metrics for 32 agents and 12 months; the outcome rests on the first."""
    rng = np.random.default_rng(2)
    z = 0.7 * rng.standard_normal((32, 1, 3)) + 0.7 * rng.standard_normal((32, 12, 3))
    y = 0.08 + 0.01 * z @ [0.8, 0.3, 0.0] + 0.006 * rng.standard_normal((32, 12))
    values = [0.5 + 0.05 * z[..., 0], 90 + 10 * z[..., 1], 0.8 + 0.03 * z[..., 2], y]
    agent, month = (at.ravel() for at in np.indices(y.shape))
    names = {"agent_id": [f"a{a:02}" for a in agent], "month": [f"2025-{m + 1:02}" for m in month], "role": "pre"}
    return pd.concat(
        pd.DataFrame({**names, "metric": metric, "value": value.ravel()})
        for metric, value in zip((*METRICS, "repurchase_share"), values, strict=True)
    )


@pytest.fixture
def values(tmp_path, handed_over):
    handed_over.to_csv(tmp_path / "values.csv", index=False)
    return tmp_path / "values.csv"


def test_a_table_and_an_outcome_are_enough(run, values, tmp_path):
    code, out, err = run("weights", "--values", values, "--outcome", "repurchase_share", "-o", tmp_path / "w.csv")
    assert code == 0, err
    weights = pd.read_csv(tmp_path / "w.csv")
    assert list(weights.columns) == COLUMNS
    assert set(weights["verdict"]) == {"DATA"} and weights["weight"].sum() == 100
    assert "does not prove a cause" in out


def test_an_outcome_and_points_may_be_files_with_chinese_headings(run, values, handed_over, tmp_path):
    own = handed_over[handed_over["metric"] == "repurchase_share"]
    own = own.rename(columns={"agent_id": "客服", "month": "月份", "value": "数值"})[["客服", "月份", "数值"]]
    own.to_csv(tmp_path / "复购.csv", index=False)
    handed_over[handed_over["metric"] != "repurchase_share"].to_csv(values, index=False)
    rows = [
        (f"主管{i}", metric, points) for i in range(3) for metric, points in zip(METRICS, (50, 30, 20), strict=True)
    ]
    pd.DataFrame(rows, columns=["打分人", "指标", "分数"]).to_excel(
        tmp_path / "打分.xlsx", index=False, engine="xlsxwriter"
    )
    files = ("--outcome", tmp_path / "复购.csv", "--experts", tmp_path / "打分.xlsx", "-o", tmp_path / "w.csv")
    code, out, err = run("weights", "--values", values, *files, lang="zh")
    assert code == 0, err
    weights = pd.read_csv(tmp_path / "w.csv").set_index("metric")
    assert weights.loc["order_value_yuan", "expert_weight"] == 30
    assert "不等于因果" in out and "3人打分" in out and "复购也更好" in out


def test_points_alone_are_enough_and_so_are_comparisons(run, tmp_path):
    pairs = [("m", METRICS[0], METRICS[1], 2), ("m", METRICS[0], METRICS[2], 4), ("m", METRICS[1], METRICS[2], 2)]
    pd.DataFrame(pairs, columns=["expert", "a", "b", "ratio"]).to_csv(tmp_path / "pairs.csv", index=False)
    code, _out, err = run("weights", "--experts", tmp_path / "pairs.csv", "-o", tmp_path / "w.csv")
    assert code == 0, err
    weights = pd.read_csv(tmp_path / "w.csv")
    assert set(weights["verdict"]) == {"EXPERTS"} and weights["weight"].tolist() == [
        40,
        40,
        20,
    ]  # 57, 29, 14, at most 40


def test_thin_data_are_said_in_numbers(run, values, handed_over):
    few = handed_over[(handed_over["agent_id"] < "a08") & (handed_over["month"] < "2025-03")]
    few.to_csv(values, index=False)
    code, out, _err = run("weights", "--values", values, "--outcome", "repurchase_share")
    assert code == 0 and "8 people and 2 months" in out and "REFUSED" in out


def test_every_fault_of_the_files_is_said_at_once(run, values, tmp_path):
    (tmp_path / "points.csv").write_text(
        "expert,metric,points\na,reply_30s_msg,sixty\nb,replies,40\n", encoding="utf-8"
    )
    files = ("--outcome", "repurchase", "--experts", tmp_path / "points.csv")
    code, _out, err = run("weights", "--values", values, *files)
    assert code == 1
    assert "repurchase_share" in err and "sixty" in err and "replies" in err


def test_blank_points_name_the_rater(run, tmp_path):
    (tmp_path / "points.csv").write_text(
        "expert,metric,points\n小王,reply_30s_msg,100\n小王,order_value_yuan,\n", encoding="utf-8"
    )
    code, _out, err = run("weights", "--experts", tmp_path / "points.csv", lang="zh")
    assert code == 1 and "小王" in err and "order_value_yuan" in err


def test_without_anything_it_says_what_it_takes(run):
    code, _out, err = run("weights", "--month", "2025-03")
    assert code == 2 and "--experts" in err
