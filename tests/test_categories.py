"""The tree of categories, what is counted by it, codes given wrongly, and days on which a category stands out."""

from __future__ import annotations

import datetime as dt

import ibis
import numpy as np
import pandas as pd
import pytest
import worked
from adapters import engine_derive
from oracle import derive as loops

from csperf.categories import counts, leaves, places, spike_words, spikes, tree_problems, wrong_codes
from csperf.definitions import SETS
from csperf.text import speaking
from csperf.turns.events import closing_code

DAYS = [dt.date(2010, 5, 20) + dt.timedelta(days=n) for n in range(20)]
CHILDRENS_DAY = dt.date(2010, 6, 1)


def tree(*rows: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["code", "parent", "name_zh"]).replace({"parent": {"": None}})
    return frame.assign(name_en=frame["name_zh"])


CLOTHES = tree(
    ("1", "", "售前咨询"),
    ("1.1", "1", "商品咨询"),
    ("1.1.1", "1.1", "商品尺寸"),
    ("2", "", "售后"),
    ("2.2", "2", "退换货"),
    ("2.2.1", "2.2", "退款进度"),
    ("2.2.2", "2.2", "换货"),
    ("9", "", "其它"),
    ("9.1", "9", "其它"),
    ("9.1.1", "9.1", "其它"),
)


def test_a_good_tree_has_no_problems_and_only_leaves_are_codes():
    assert tree_problems(CLOTHES, "x") == []
    assert leaves(CLOTHES) == ["1.1.1", "2.2.1", "2.2.2", "9.1.1"]
    assert places(CLOTHES).loc["1.1.1"].tolist() == ["售前咨询", "商品咨询", "商品尺寸"]
    assert places(CLOTHES).loc["2.2"].tolist() == ["售后", "退换货", ""]


def test_all_faults_of_a_tree_at_once():
    broken = tree(
        ("1", "", "售前咨询"),
        ("1.1", "1", "尺寸"),
        ("1.2", "1", "尺寸"),
        ("1.2.1", "1.2", "大小"),
        ("1.2.1", "1.2", "大小"),
        ("1.2.1.1", "1.2.1", "胸围"),
        ("3.1.1", "3.1", "物流"),
        ("5", "1.2.1", "  "),
        ("6.1", "", "没有上级"),
        ("7.1", "7.2", "圈"),
        ("7.2", "7.1", "圈"),
    )
    with speaking("zh"):
        said = [problem.message.removeprefix("咨询类目：") for problem in tree_problems(broken, "咨询类目.xlsx")]
    for start in (
        '代码 "1.2.1" 出现了 2 次',
        '代码 "5" 没有名称（name_zh）',
        '同一个上级下面有几个 "尺寸"（1.1, 1.2）',
        '代码 "3.1.1" 的上级 "3.1" 不存在',
        '代码 "5" 应当以上级 "1.2.1" 加点开头',
        '代码 "6.1" 没有写上级',
        '代码 "7.1" 的上级绕了一圈',
        '代码 "1.2.1.1" 在第 4 级，最多 3 级',
        '代码 "1.1" 在第 2 级就没有下级了',
    ):
        assert any(one.startswith(start) for one in said), (start, said)


@pytest.mark.parametrize(
    ("said", "valid", "any_code"),
    [
        ("1.1.1(此信息无需回复)", "1.1.1", "1.1.1"),
        ("1.1.1、2.2(此信息无需回复)", "1.1.1", "2.2"),
        ("2.2,1.1.1。", "1.1.1", "1.1.1"),
        (" 1.1.1 和 2.2.1", "2.2.1", "2.2.1"),
        ("：2.2.1/1.1.1/8.8，请打10.1.1.1", "1.1.1", "8.8"),
        ("2.2.1(此信息无需回复)\n您当前咨询的内容为1.1.1", "1.1.1", "1.1.1"),
        ("2.2.1(此信息无需回复)\n您当前咨询的内容为2.2", "2.2.1", "2.2"),
        ("1.1.10", "", "1.1.10"),
        ("1.1.1.1", "", "1.1.1.1"),
        ("退换货，订单1.1.1", "", ""),
    ],
)
def test_of_several_codes_in_a_closing_line_the_last_valid_one_counts(said, valid, any_code):
    text = ibis.memtable({"text": [f"亲，您当前咨询的内容为{said}"]}).text
    found = [text.re_extract(closing_code(codes), 1).as_scalar() for codes in (leaves(CLOTHES), ())]
    assert [ibis.duckdb.connect().to_pyarrow(one).as_py() for one in found] == [valid, any_code]


@pytest.mark.parametrize(("codes", "expected"), [((), "8.8.8"), (("1.1.1", "2.2.1"), "1.1.1")])
def test_of_several_closing_lines_in_a_chat_the_last_valid_one_counts(codes, expected):
    said = ("2.2.1", "2.2.1、1.1.1、2.2", "8.8.8")
    lines = [("09:00:00", "buyer", "在吗"), ("09:00:05", "human", "在的")]
    lines += [(f"09:00:1{n}", "human", f"您当前咨询的内容为{code}") for n, code in enumerate(said)]
    chat = [dict(zip(("time", "who", "text"), line, strict=True)) for line in lines]
    shop = worked.made({"chat": chat}, {}, CHILDRENS_DAY)
    plain = loops(shop.messages, SETS["shop"], **shop.settings, categories=codes)
    for found in (engine_derive(shop, SETS["shop"], categories=codes), plain):
        assert {row["category_code"] for row in found["sessions"]} == {expected}


def values(rows: list[tuple[str | None, object, int]], by: str = "day") -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["category_code", by, "numerator"])
    return frame.assign(metric="sessions_per_day")


def test_every_leaf_is_counted_and_the_rest_is_uncategorised():
    found = counts(values([("1.1.1", "2010-06-01", 3), ("2.2.1", "2010-06-01", 2), (None, "2010-06-01", 7)]), CLOTHES)
    assert found[["top", "third", "n"]].values.tolist() == [
        ["售前咨询", "商品尺寸", 3],
        ["售后", "退款进度", 2],
        ["售后", "换货", 0],
        ["其它", "其它", 0],
        ["未分类", "", 7],
    ]


def test_the_manuals_day_with_192_returns_is_named_and_a_busy_day_is_none():
    rng = np.random.default_rng(1)
    rows = [("1.1.1", f"{day}", int(n)) for day, n in zip(DAYS, rng.poisson(200, len(DAYS)), strict=True)]
    rows += [
        (code, f"{day}", int(n))
        for code in ("2.2.1", "2.2.2")
        for day, n in zip(DAYS, rng.poisson(29, 20), strict=True)
    ]
    rows = [(c, d, 96 if c.startswith("2.2") and d == f"{CHILDRENS_DAY}" else n) for c, d, n in rows]
    (row,) = spikes(counts(values(rows), CLOTHES), DAYS).to_dict("records")
    assert (row["top"], row["name"], row["day"], row["n"], row["days"]) == ("售后", "退换货", CHILDRENS_DAY, 192, 20)
    assert 50 < row["usual"] < 66
    assert spike_words(pd.Series(row)).startswith("6月1日“退换货”有192个，平常一天约")
    assert spikes(counts(values(rows), CLOTHES), DAYS[:7]).empty  # a week cannot say what is usual


def test_chance_makes_no_spike():
    rng = np.random.default_rng(2)
    days = [dt.date(2010, 1, 1) + dt.timedelta(days=n) for n in range(31)]
    rows = [(code, f"{day}", int(rng.poisson(30))) for code in leaves(CLOTHES) for day in days]
    assert spikes(counts(values(rows), CLOTHES), days).empty


def test_codes_of_a_middle_level_and_unknown_ones_are_counted_with_their_reason():
    said = "您当前咨询的内容为{}(此信息无需回复)"
    rows = [("店:01", "human", said.format(code)) for code in ("1.1.1", "2.2", "2.2", "8.8.8")]
    rows += [("店:01", "human", "好的"), ("店:01", "buyer", said.format("2.2")), ("店:01", "human", None)]
    frame = pd.DataFrame(rows, columns=["account_id", "sender", "text"]).assign(day=CHILDRENS_DAY)
    found = wrong_codes(ibis.memtable(frame), CLOTHES, CHILDRENS_DAY, CHILDRENS_DAY)
    assert found.values.tolist() == [["店:01", "2.2", "middle", 2], ["店:01", "8.8.8", "unknown", 1]]
    assert wrong_codes(ibis.memtable(frame), CLOTHES.iloc[:0], CHILDRENS_DAY, CHILDRENS_DAY).empty
