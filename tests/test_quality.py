"""The sample of chats to check, the form that is filled in and read back, agreement, and surveys."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from csperf.errors import CsperfError
from csperf.sampling import agreement, agreement_words, check_number, drawn, margin_of, sample_size, write_form
from csperf.sources import Shop
from csperf.sources.quality import Settings, load
from csperf.surveys import response, response_words, write_survey

SHOP = Shop("s1", "Asia/Shanghai")


@pytest.fixture(scope="module")
def chats():
    rows = [("a", n) for n in range(300)] + [("b", n) for n in range(80)] + [("c", 1)]
    frame = pd.DataFrame(rows, columns=["agent_id", "n"])
    ids = frame["agent_id"] + "/" + frame["n"].astype(str)
    times = pd.Timestamp("2026-10-01 02:00", tz="UTC") + pd.to_timedelta(frame["n"], unit="min")
    return frame.assign(account_id="店:" + frame["agent_id"], buyer_id="买家", session_id=ids, started_at=times)


def test_size_of_a_sample_for_a_margin():
    assert sample_size(0.1, 10**9) == 97  # 1.96² / 4 / 0.1² = 96.04
    assert sample_size(0.05, 1000) == 278  # 384.1 / (1 + 383.1 / 1000)
    assert sample_size(0.1, 30) == 24
    assert sample_size(0.01, 30) == 30
    assert margin_of(97, 10**9) == pytest.approx(0.0995, abs=1e-4)
    assert (margin_of(30, 30), margin_of(1, 1)) == (0.0, 0.0)


@pytest.mark.parametrize("share", [0.5, 0.8])
def test_the_margin_holds_in_19_of_20_samples(share):
    rng = np.random.default_rng(3)
    n = sample_size(0.1, 500, share)
    hits = rng.hypergeometric(int(500 * share), 500 - int(500 * share), n, 4000)
    assert 0.94 < np.mean(np.abs(hits / n - share) <= 0.1) < 0.98


def test_the_same_seed_draws_the_same_chats_by_agent_in_proportion(chats):
    found = drawn(chats, margin=0.1, seed=7)
    assert found["agent_id"].value_counts().to_dict() == {"a": 61, "b": 17, "c": 1}  # 77 of 381, parts rounded up
    again = drawn(chats.sample(frac=1, random_state=1), margin=0.1, seed=7)
    pd.testing.assert_frame_equal(found, again)
    assert set(drawn(chats, margin=0.1, seed=8)["check_id"]) != set(found["check_id"])
    assert drawn(chats, each=20)["agent_id"].value_counts().to_dict() == {"a": 20, "b": 20, "c": 1}


def test_no_chat_is_drawn_twice(chats):
    shared = pd.concat([chats, chats.assign(agent_id="z")])
    found = drawn(shared, each=200)
    assert found["session_id"].is_unique
    before = drawn(chats, each=40)
    rest = drawn(chats, each=1000, checked=set(before["check_id"]))
    assert not set(rest["check_id"]) & set(before["check_id"])
    assert len(rest) + len(before) == len(chats)


def sheets(path):
    """The rows of each sheet by its name."""
    book = CalamineWorkbook.from_path(path)
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def fill_in(path, cells):
    """Writes the form anew with more cells filled: row -> heading -> value."""
    rows = next(iter(sheets(path).values()))
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
            for heading, value in cells.get(place, {}).items():
                sheet.write(place, rows[0].index(heading), value)


def test_the_filled_form_is_read_back_item_by_item(tmp_path, chats):
    path = write_form(tmp_path / "质检.xlsx", drawn(chats, each=2), "zh", SHOP.timezone, {"a": "小美"})
    with pytest.raises(CsperfError):
        write_form(path, drawn(chats, each=2), "zh", SHOP.timezone, {})
    fill = {
        1: {"检查人": "李主管", "沟通态度": 85, "标准话术": "是", "促销规则解答": "否"},
        2: {"检查人": "李主管", "沟通态度": 101, "准确解答": "差不多"},
        3: {"检查人": "", "沟通态度": 90},
        4: {"谁来评": "老板", "检查人": "李主管", "沟通态度": 90},
    }
    fill_in(path, fill)
    found = load(path, Settings(files="x"), SHOP)
    rows = found.tables["quality_checks"].to_pandas()
    assert rows[["item", "score", "passed", "source", "checker"]].astype(object).where(rows.notna(), None)[
        ["item", "score", "passed"]
    ].values.tolist() == [["attitude", 85.0, None], ["wording", None, True], ["promo_answer", None, False]]
    assert set(rows["source"]) == {"qa"}
    first = drawn(chats, each=2).iloc[0]
    assert rows["check_id"].unique().tolist() == [f"{first['check_id']}/qa/李主管"]
    assert rows["at"].iloc[0] == first["started_at"]
    assert rows["day"].iloc[0] == dt.date(2026, 10, 1)
    assert found.counts.rejected == {
        "score_off_scale": 1,
        "value_unmapped:passed": 1,
        "empty:checker": 1,
        "value_unmapped:source": 1,
    }
    assert (found.counts.read, found.counts.kept) == (8, 3)


def test_chats_that_nobody_checked_yet_are_left_out_and_counted(tmp_path, chats):
    path = write_form(tmp_path / "checks.xlsx", drawn(chats, each=2), "en", SHOP.timezone, {})
    found = load(path, Settings(files="x"), SHOP)
    assert found.counts.filtered == {"not_checked": 5}
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(CsperfError, match=r"other\.csv"):
        load(other, Settings(files="x"), SHOP)


def checks(verdicts: dict[str, list[object]], item: str = "wording") -> pd.DataFrame:
    scored = item == "attitude"
    rows = [
        {"account_id": "店:a", "at": dt.datetime(2026, 10, 1, 9, n, tzinfo=ZoneInfo("UTC")), "checker": who, "v": v}
        for who, given in verdicts.items()
        for n, v in enumerate(given)
    ]
    frame = pd.DataFrame(rows).assign(item=item, check_id="x")
    none = pd.Series([None] * len(frame), dtype=object)
    return frame.assign(score=frame["v"] if scored else none, passed=none if scored else frame["v"])


def test_agreement_of_two_takes_chance_off():
    """Cohen (1960): both yes 20, both no 15, of 50: 70 % alike, of which 50 % by chance, kappa 0.4."""
    first = [True] * 25 + [False] * 25
    second = [True] * 20 + [False] * 5 + [True] * 10 + [False] * 15
    (row,) = agreement(checks({"李": first, "王": second})).to_dict("records")
    assert (row["raters"], row["n"], row["same"]) == ("李、王", 50, 0.7)
    assert row["kappa"] == pytest.approx(0.4)
    assert row["low"] < 0.4 < row["high"]
    assert "70.0%判得一样，扣掉碰巧一样的部分还有0.40" in agreement_words(pd.Series(row))


def test_agreement_needs_shared_chats_and_different_verdicts():
    apart = checks({"李": [True, False]})
    assert agreement(apart).empty
    (row,) = agreement(checks({"李": [True] * 5, "王": [True] * 5})).to_dict("records")
    assert pd.isna(row["kappa"])
    assert "看不出一致不一致" in agreement_words(pd.Series(row))


def test_scores_agree_by_grades_and_three_people_by_fleiss():
    given = [95, 85, 70, 50, 95, 62]
    near = [value + 1 for value in given]
    (row,) = agreement(checks({"李": given, "王": near}, "attitude")).to_dict("records")
    assert row["kappa"] == pytest.approx(1)
    three = agreement(checks({"李": [True, False] * 4, "王": [True, False] * 4, "赵": [True] * 8}))
    assert set(three["raters"]) == {"李、王", "李、赵", "王、赵", "李、王、赵"}
    assert three.set_index("raters").loc["李、王", "kappa"] == pytest.approx(1)
    assert three.set_index("raters").loc["李、王、赵", "kappa"] == pytest.approx(1 / 4)


def test_silence_is_counted_and_bounded():
    answered = pd.Timestamp("2026-10-02", tz="UTC")
    frame = pd.DataFrame(
        {
            "subject": ["总体"] * 10 + ["速度"] * 2,
            "score": [5, 4, 5, 4] + [None] * 6 + [None, None],
            "scale_max": 5.0,
            "answered_at": [answered] * 4 + [None] * 8,
        }
    )
    overall, speed = response(frame).to_dict("records")
    assert (overall["asked"], overall["answered"], overall["share"], overall["mean"]) == (10, 4, 0.4, 4.5)
    assert (overall["worst"], overall["best"]) == (2.4, 4.8)
    assert overall["low"] < 4.5 < overall["high"] <= 5
    assert pd.isna(speed["mean"]) and pd.isna(speed["worst"])
    said = response_words(pd.Series(overall))
    assert said.startswith("“总体”：发出10份，收回4份（40.0%），平均4.5分")
    assert said.endswith("就算没回的全给最低分或最高分，平均也在2.4–4.8之间。")


def test_the_survey_has_its_form_and_its_questions(tmp_path):
    path = write_survey(tmp_path / "问卷.xlsx", "zh")
    found = sheets(path)
    assert list(found)[:2] == ["回收登记", "问卷"]
    assert found["回收登记"][0] == ["问卷编号", "发出时间", "回收时间", "得分", "满分", "问的是什么"]
    assert [row[0] for row in found["问卷"]] == ["问的是什么", "总体", "态度", "解决", "速度"]


def test_a_number_is_nobodys_name():
    assert check_number("店/买家小王/1") == check_number("店/买家小王/1")
    assert "小王" not in check_number("店/买家小王/1")
