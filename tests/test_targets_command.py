"""`csperf targets` from a table alone: what it writes, what it says of present targets, and of what cannot be read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from csperf.errors import CsperfError
from csperf.targets import COLUMNS
from csperf.targets.consistency import check_consistency
from csperf.tidy import read_tidy, read_values

MONTHS = [f"2026-{month:02}" for month in range(5, 11)]


@pytest.fixture(scope="module")
def handed_over():
    rng = np.random.default_rng(4)
    rows = [
        (
            f"a{i:02}",
            "pre",
            ("junior", "mid")[i % 2],
            month,
            "conversion_paid_user",
            rng.binomial(200, 0.5 + i / 100),
            200,
        )
        for i in range(12)
        for month in MONTHS
    ]
    return pd.DataFrame(rows, columns=["agent_id", "role", "level", "month", "metric", "numerator", "denominator"])


@pytest.mark.parametrize("ending", ["csv", "parquet", "xlsx"])
def test_a_table_alone_is_enough(run, tmp_path, handed_over, ending):
    write = {"csv": handed_over.to_csv, "parquet": handed_over.to_parquet, "xlsx": _as_excel(handed_over)}[ending]
    write(tmp_path / f"values.{ending}", index=False)
    code, _out, err = run("targets", "--values", tmp_path / f"values.{ending}", "-o", tmp_path / "targets.csv")
    assert code == 0, err
    targets = pd.read_csv(tmp_path / "targets.csv")
    assert list(targets.columns) == COLUMNS
    assert list(targets["level"].fillna("")) == ["", "junior", "mid"]
    assert (targets["base"] < targets["target"]).all() and (targets["target"] < targets["stretch"]).all()


def _as_excel(frame):
    from csperf.export import write_table

    return lambda path, index: write_table(frame, path)


def test_the_absurd_target_is_answered_with_the_reason(run, tmp_path, handed_over):
    """S0-05: a conversion above 98 %."""
    handed_over.to_csv(tmp_path / "values.csv", index=False)
    present = "岗位,级别,指标,目标值\n售前,初级,conversion_paid_user,98%\n售前,中级,conversion_paid_user,0.3\n"
    (tmp_path / "现行目标.csv").write_bytes(present.encode("gb18030"))
    code, _out, err = run(
        "targets",
        "--values",
        tmp_path / "values.csv",
        "--current",
        tmp_path / "现行目标.csv",
        "-o",
        tmp_path / "o.csv",
        lang="zh",
    )
    assert code == 0, err
    judged = pd.read_csv(tmp_path / "o.csv")
    assert list(judged["verdict"]) == ["too_high", "too_low"]
    assert list(judged["past_high"]) == [0, 1]
    assert "6人里几乎没人能达到" in judged["said"][0] and "起不到激励作用" in judged["said"][1]


def test_every_fault_of_every_file_is_said_at_once(run, tmp_path):
    bad = tmp_path / "bad.csv"
    bad.write_text("agent_id,month,metric,numerator,denominator\na,2026-1x,reply_30,5,4\nb,2026-10,,abc,4\n")
    code, out, err = run("targets", "--values", bad, "--benchmarks", tmp_path / "no.csv", "--planned-volume", "-1")
    assert code == 1 and out == ""
    for said in (
        "no month",
        "did you mean reply_30s_msg",
        "no number",
        "must not be empty",
        "no such file",
        "no factor",
    ):
        assert said in err
    assert "Traceback" not in err


def test_a_missing_column_is_named(tmp_path):
    path = tmp_path / "v.csv"
    path.write_text("agent_id,month\na,2026-10\n")
    with pytest.raises(CsperfError, match="metric"):
        read_values(path)


def test_shares_beyond_one_are_refused_with_their_row(tmp_path):
    path = tmp_path / "v.csv"
    path.write_text("agent_id,month,metric,value\na,2026-10,reply_30s_msg,0.9\nb,2026-10,reply_30s_msg,1.03\n")
    with pytest.raises(CsperfError, match=r"row 3|第3行"):
        read_values(path)


def test_columns_nobody_asked_for_are_named_and_left_out(tmp_path):
    path = tmp_path / "c.csv"
    path.write_text("role,metric,target,remark\npre,mean_wait_turn_s,46,hm\n")
    found = read_tidy(path, "current")
    assert found.attrs["ignored"] == ["remark"] and list(found.columns) == ["role", "metric", "target"]


def scorecard_2010():
    """FIELD A.0: the three levels of the 2010 manual."""
    rows = {"junior": (50, 0.20, 10), "mid": (80, 0.30, 25), "senior": (100, 0.35, 35)}
    keys = ("effective_sessions_per_day", "conversion_same_day", "bought_per_day")
    return pd.DataFrame(
        [("pre", level, key, value) for level, values in rows.items() for key, value in zip(keys, values, strict=True)],
        columns=["role", "level", "metric", "target"],
    )


def test_the_fault_of_the_2010_scorecard_is_found_by_itself():
    """FIELD A.0: 80 x 30 % = 24 < 25 in the middle column only; 10 = 10 and 35 = 35 hold."""
    found = check_consistency(scorecard_2010())
    contradictions = found[found["kind"] == "contradiction"]
    assert list(contradictions["level"]) == ["mid"]
    assert contradictions["implied"].iloc[0] == pytest.approx(24) and contradictions["target"].iloc[0] == 25
    assert set(found.loc[found["kind"] == "identity", "level"]) == {"junior", "mid", "senior"}


def test_targets_that_share_no_formula_are_no_identity():
    unrelated = scorecard_2010().query("metric != 'conversion_same_day'")
    assert check_consistency(unrelated).empty
