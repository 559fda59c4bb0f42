"""Pictures and tables: what they show, in both languages, the same bytes twice, nothing made up for missing data."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import ibis
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from csperf import charts, tables
from csperf.catalogue import ENTRIES
from csperf.charts.frontpage import ladders
from csperf.charts.labels import names_beside
from csperf.charts.picture import UnitTicks, house_style
from csperf.definitions import SETS
from csperf.facts import INPUT
from csperf.patience import bought_by_wait
from csperf.rules import PlatformRule, Words
from csperf.sources.mapping import filled_by_source
from csperf.text import LANGUAGES, words
from csperf.text.numbers import difference, labelled, number, quantities, quantity

FIRST, LAST = dt.date(2026, 10, 1), dt.date(2026, 10, 5)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def values(rows, **about):
    """Values rows from (agent_id, metric, value, n) tuples."""
    frame = pd.DataFrame(rows, columns=["agent_id", "metric", "value", "n"])
    note = [
        "NO_DATA" if pd.isna(v) else "N_SMALL" if n < 20 else ""
        for v, n in zip(frame["value"], frame["n"], strict=True)
    ]
    return frame.assign(shop_id="S", numerator=frame["value"] * frame["n"], denominator=frame["n"], note=note, **about)


def coverage():
    """S:01 every day but the third; nothing at all on the fifth."""
    rows = [
        (a, FIRST + dt.timedelta(days=i), n)
        for a, ns in (("S:01", (5, 7, 0, 9)), ("S:02", (4, 4, 4, 4)))
        for i, n in enumerate(ns)
    ]
    return pd.DataFrame(rows, columns=["account_id", "day", "n"]).astype({"n": "Int64"})


def cells(table):
    """The text of the page's cells, row by row."""
    rows = re.findall(r"<tr>(.*?)</tr>", table.gt.as_raw_html(), re.DOTALL)
    return [[re.sub(r"<.*?>", "", c) for c in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row, re.DOTALL)] for row in rows]


@pytest.mark.parametrize(
    ("value", "unit", "zh", "en"),
    [
        (0.81234, "share", "81.2%", "81.2%"),
        (46.24, "seconds", "46.2秒", "46.2 s"),
        (86.9, "yuan", "86.9元", "86.9 yuan"),
        (12345.6, "yuan", "12,346元", "12,346 yuan"),
        (374, "count", "374", "374"),
        (float("nan"), "seconds", "–", "–"),
        (None, "share", "–", "–"),
    ],
)
def test_numbers_by_unit(value, unit, zh, en):
    assert (quantity(value, unit, "zh"), quantity(value, unit, "en")) == (zh, en)


@pytest.mark.parametrize(
    ("values", "unit", "figures"),
    [
        ([0, 50, 100], "seconds", ["0", "50", "100"]),
        ([0, 2.5, 5], "seconds", ["0.0", "2.5", "5.0"]),
        ([0.7, 0.8], "share", ["70%", "80%"]),
        ([0.75, 0.8], "share", ["75%", "80%"]),
        ([0.755, 0.8], "share", ["75.5%", "80.0%"]),
        ([800, 1000], "yuan", ["800", "1,000"]),
    ],
)
def test_an_axis_has_decimals_where_one_of_its_figures_needs_them(values, unit, figures):
    assert UnitTicks(unit).format_ticks(values) == figures


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_picture_tells_of_diamonds_only_where_it_has_some(lang):
    dots = pd.DataFrame({"line": ["one"], "place": [0.5], "n": [30]})
    without, with_one = (ladders(dots, peers, ["one"], lang=lang).alt for peers in ({}, {"one": 0.4}))
    assert with_one == without + words("frontpage", lang)["chart_spread_peers"]


def test_differences_of_shares_are_points():
    assert difference(-0.024, "share", "zh") == "-2.4个点"
    assert difference(0.024, "share", "en") == "+2.4 pp"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_unit_of_the_catalogue_can_be_written(lang):
    for entry in ENTRIES.values():
        assert number(1.5, entry.unit) and labelled(entry.name(lang), entry.unit, lang)


@pytest.mark.parametrize("area", ["charts", "tables", "report", "targets"])
def test_words_stand_in_both_languages(area):
    zh, en = words(area, "zh"), words(area, "en")
    assert set(zh) == set(en)
    assert [key for key, text in en.items() if CHINESE.search(text)] == []
    slots = {key: re.findall(r"\{(\w+)\}", text) for key, text in zh.items()}
    # Chinese writes months as numbers, English by name; the slots of all other sentences are the same.
    dated = {"day", "month"} if area == "report" else set()
    assert [k for k in zh if k not in dated and sorted(slots[k]) != sorted(re.findall(r"\{(\w+)\}", en[k]))] == []


def test_missing_days_are_grey_and_own_gaps_are_not():
    picture = charts.coverage(coverage(), FIRST, LAST, lang="zh")
    mesh: np.ma.MaskedArray = np.ma.asarray(picture.figure.axes[0].collections[0].get_array())
    assert np.ma.getmaskarray(mesh)[:, 4].all()  # the fifth was not downloaded
    assert picture.alt == "数据完整度80.0%：5天里有1天没有下载到"
    white = [patch for patch in picture.figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert [(patch.get_x(), patch.get_y()) for patch in white] == [(1.5, -0.5)]  # S:01 on the third


def test_gaps_name_the_days_on_duty_without_chats():
    shifts = pd.DataFrame({"agent_id": ["A", "A"], "day": [FIRST, FIRST + dt.timedelta(days=2)]})
    roster = pd.DataFrame({"agent_id": ["A"], "account_id": ["S:01"], "valid_from": [FIRST], "valid_to": [None]})
    frame = tables.gaps(coverage(), FIRST, LAST, shifts=shifts, roster=roster, lang="zh").frame.set_index("account_id")
    assert frame.loc["S:01", ["days_with_data", "days", "absent", "absent_days"]].tolist() == [3, 4, 1, "10月3日"]
    assert frame.loc["S:02", "absent"] == 0
    assert "absent" not in tables.gaps(coverage(), FIRST, LAST, lang="zh").frame


def test_accounts_off_the_roster_are_named():
    table = tables.unknown_accounts(coverage(), pd.DataFrame({"account_id": ["S:01"]}), lang="en")
    assert table.frame["account_id"].tolist() == ["S:02"] and table.frame["rows"].tolist() == [16]


REJECTED = {
    "files": {
        "a.csv": {
            "rejected": {"empty:buyer_id": 2, "value_unmapped:sender": 3, "amount_negative": 1},
            "first": {
                "empty:buyer_id": {"line": 8, "column": "买家昵称", "found": "x", "allowed": ""},
                "value_unmapped:sender": {"line": 5, "column": "发送方", "found": "路人", "allowed": ""},
            },
        },
        "b.txt": {"rejected": {"time_unreadable:sent_at": 1}},
    }
}


def test_rejected_rows_name_the_column_as_the_shop_does_and_what_stood_there():
    said = {row[0] + row[1]: row[2] for row in cells(tables.rejects(REJECTED, lang="zh")) if len(row) == 4}
    assert said["a.csv5"].startswith("“发送方”") and said["a.csv5"].endswith("（实际是“路人”）")
    assert "买家昵称（买家）" in said["a.csv8"] and "x" not in said["a.csv8"]  # who somebody is stays in the file
    assert said["a.csv–"].startswith("金额是负数") and "发送时间" in said["b.txt–"]
    english = tables.rejects(REJECTED, lang="en").gt.as_raw_html()
    assert "time sent" in english and "sent_at" not in english


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_column_that_a_source_fills_has_a_word(lang):
    wanted = {name for table in INPUT.values() for name in filled_by_source(table)}
    assert wanted - set(words("columns", lang)) == set()


def test_every_set_of_counting_rules_has_a_name():
    assert {f"set_{name}" for name in SETS} <= set(words("report", "zh"))


def test_the_month_in_figures_stands_beside_the_month_before():
    rows = [
        ("2026-10", "sessions_per_day", 20.0, 3),
        ("2026-10", "reply_30s_msg", 0.80, 500),
        ("2026-10", "mean_wait_turn_s", 30.0, 7),
        ("2026-09", "sessions_per_day", 10.0, 3),
        ("2026-09", "reply_30s_msg", 0.85, 400),
    ]
    each = [values([(None, metric, value, n)], month=month) for month, metric, value, n in rows]
    table = tables.key_figures(pd.concat(each), coverage(), FIRST, LAST, lang="zh")
    assert [row for row in cells(table) if len(row) == 5] == [
        ["咨询总量", "60", "4天的数据", "30", "+30"],  # 20 conversations on each of 3 agent-days
        ["30秒应答率", "80.0%", "n=500", "85.0%", "-5.0个点"],
        ["数据完整度", "80.0%", "4天的数据", "–", "–"],  # 7 waits are too few for a mean: no row
    ]
    assert table.frame["before"].tolist()[:2] == [30, 0.85]


def test_the_best_agent_stands_on_top_whatever_the_direction():
    rows = [
        ("a", "mean_wait_turn_s", 30.0, 50),
        ("b", "mean_wait_turn_s", 20.0, 50),
        ("c", "mean_wait_turn_s", 40.0, 50),
    ]
    picture = charts.agents(values(rows), values([(None, "mean_wait_turn_s", 30.0, 150)]), "mean_wait_turn_s")
    assert [label.get_text() for label in picture.figure.axes[0].get_yticklabels()] == ["c", "a", "b"]  # upwards
    up = [(a, "reply_30s_msg", v / 100, n) for a, _, v, n in rows]
    picture = charts.agents(values(up), values([(None, "reply_30s_msg", 0.3, 150)]), "reply_30s_msg")
    assert [label.get_text() for label in picture.figure.axes[0].get_yticklabels()] == ["b", "a", "c"]


def test_a_small_sample_gets_no_dot_and_no_number():
    rows = values([("a", "reply_30s_msg", 0.8, 50), ("b", "reply_30s_msg", 1.0, 7)])
    team = values([(None, "reply_30s_msg", 0.82, 57)])
    line = charts.agents(rows, team, "reply_30s_msg").figure.axes[0].lines[0]
    assert [x for x in np.asarray(line.get_xdata(), dtype=float) if x == x] == [0.8]
    assert cells(tables.agents(rows, team, ["reply_30s_msg"], lang="zh"))[-2:] == [
        ["b", "样本少（7）"],
        ["全店", "82.0% (57)"],
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pictures_without_data_say_so(lang):
    nothing = values([]).assign(shift=[], month=[], level=[], category_code=[], day=[])
    for picture in (
        charts.agents(nothing, nothing, "aht_s", lang=lang),
        charts.shifts(nothing, "aht_s", lang=lang),
        charts.months(nothing, "aht_s", lang=lang),
        charts.volume_speed(nothing, lang=lang),
        charts.bars(nothing, "aht_s", "level", lang=lang),
        charts.days(nothing, ["aht_s"], FIRST, LAST, lang=lang),
        charts.categories(nothing, pd.DataFrame({"code": [], "name_zh": [], "name_en": []}), lang=lang),
    ):
        assert picture.alt and picture.svg.startswith(b"<?xml")


def test_there_are_bars_lines_a_pie_and_a_scatter():
    """The four kinds of S3-13, each with its figures in it."""
    people = [(f"S:0{n}", metric, 10.0 * n, 90) for n in (1, 2) for metric in ("sessions_per_day", "mean_wait_turn_s")]
    by_level = values([("", "aht_s", 60.0, 90), ("", "aht_s", 90.0, 90)]).assign(level=["junior", "senior"])
    days = pd.concat([values([("", "aht_s", 60.0 + n, 90)], day=FIRST + dt.timedelta(days=n)) for n in range(3)])
    codes = values([("", "sessions_per_day", 3.0, 3), ("", "sessions_per_day", 1.0, 1)])
    codes = codes.assign(category_code=["1.1.1", None], numerator=[3, 1])
    tree = pd.DataFrame({"code": ["1.1.1"], "name_zh": ["尺寸"]})
    bars = charts.bars(by_level, "aht_s", "level").figure.axes[0]
    pie = charts.categories(codes, tree).figure.axes[0]
    line = charts.days(days, ["aht_s"], FIRST, FIRST + dt.timedelta(days=2)).figure.axes[0].lines[0]
    dots = charts.volume_speed(values(people)).figure.axes[0].lines
    assert [type(patch).__name__ for patch in pie.patches] == ["Wedge", "Wedge"]
    assert sorted(patch.get_width() for patch in bars.patches) == [60.0, 90.0]
    assert (line.get_linestyle(), line.get_ydata().tolist()) == ("-", [60.0, 61.0, 62.0])
    assert [(x, y) for dot in dots if dot.get_linestyle() == "None" for x, y in dot.get_xydata()] == [
        (10, 10),
        (20, 20),
    ]


def test_buyers_who_waited_longer_stand_beside_those_answered_quickly():
    rows = [(5, True, 30, 12), (20, True, 40, 12), (400, True, 60, 6), (None, False, 25, 0), (90, True, 3, 3)]
    days = [
        {"max_wait_us": wait and wait * 1_000_000, "unanswered": not answered, "paid": place < paid}
        for wait, answered, n, paid in rows
        for place in range(n)
    ]
    plain = {"scope": "shop", "day": FIRST, "in_hours": True, "excluded": False, "inquiry": True}
    facts = {"buyer_days": ibis.memtable(pd.DataFrame(days).assign(**plain).astype({"max_wait_us": "Int64"}))}
    found = bought_by_wait(facts, FIRST, FIRST)
    assert found[["n", "bought"]].values.tolist() == [[30, 12], [40, 12], [0, 0], [3, 3], [60, 6], [0, 0], [25, 0]]
    assert found["share"].round(2).tolist()[:2] == [0.4, 0.3] and pd.isna(found["share"][2])
    assert charts.bought_by_wait(found).alt == "等得久的买得少：0–10秒40.0%，180–600秒10.0%"
    assert charts.bought_by_wait(found[found["band"] < 2]).alt.startswith("等得久的和等得短的，买的比例分不出高低")
    assert charts.bought_by_wait(found[found["band"] == 3]).alt.startswith("没有足够的询单和订单")


def test_the_daily_report_puts_the_main_account_apart():
    days = [FIRST, FIRST + dt.timedelta(days=1)]
    rows = [
        values([(a, m, 10.0, 30) for a in ("S", "S:01", "S:02") for m in tables.AGENT_DAY], day=day) for day in days
    ]
    table = tables.agent_days(pd.concat(rows), lang="zh")
    assert table.frame.groupby("agent_id")["main_account"].first().to_dict() == {
        "S": True,
        "S:01": False,
        "S:02": False,
    }
    assert list(table.frame.columns[3:]) == tables.AGENT_DAY
    html = table.gt.as_raw_html()
    assert html.index("主账号") > html.rindex("S:02")


def test_the_summary_shows_the_days_total_not_the_mean_per_agent():
    rows = values([(None, "sessions_per_day", 20.0, 3)], day=FIRST)  # 3 agents, 20 each
    table = tables.shop_days(rows, lang="zh")
    assert table.frame["sessions_per_day"].tolist() == [60]
    assert ["10月1日", "60"] in cells(table)


def test_text_from_data_cannot_become_html():
    rows = values([("<script>x</script>", "reply_30s_msg", 0.8, 50)])
    team = values([(None, "reply_30s_msg", 0.8, 50)])
    assert "<script" not in tables.agents(rows, team, ["reply_30s_msg"]).gt.as_raw_html()
    alt = charts.agents(rows, team, "reply_30s_msg")._repr_html_()
    assert "<script" not in alt and "&lt;script>" in alt


def test_an_unverified_rule_names_no_fine():
    rule = PlatformRule(
        platform="pdd",
        metric="effective_reply_user",
        name_zh="有效回复率",
        name_en="Effective reply rate",
        unit="user",
        formula="any_fail_1h",
        threshold=0.5,
        comparison="below",
        min_volume=100,
        consequence=Words(zh="罚款1000元", en="a fine of 1000 yuan"),
        fine_yuan=1000,
        source="S0-33",
        grade="seed",
    )
    open_ = tables.platform_rules([rule], LAST, lang="zh").gt.as_raw_html()
    assert "1000" not in open_ and "待核实" in open_ and "低于50.0%算违规（当日咨询≥100人）" in open_
    checked = rule.model_copy(update={"checked_on": LAST - dt.timedelta(days=10), "checked_by": "王"})
    assert "罚款1000元" in tables.platform_rules([checked], LAST, lang="zh").gt.as_raw_html()
    old = rule.model_copy(update={"checked_on": LAST - dt.timedelta(days=212), "checked_by": "王"})
    assert "212天没核实了" in tables.platform_rules([old], LAST, lang="zh").gt.as_raw_html()


def sources(metric="reply_30s_msg", role="pre", **codes):
    """Industry values, their cell -> codes."""
    about = {"period_start": FIRST, "period_end": LAST, "days": 5, "tier": "3", "category": "女装", "source": "s"}
    rows = [about | {"metric": metric, "role": role, "cell": c, "value": 0.8, "codes": k} for c, k in codes.items()]
    return pd.DataFrame(rows).assign(read_by="王")


def proposal(*roles):
    return pd.DataFrame(
        [("reply_30s_msg", role, None, 0.804, 4775, 94) for role in roles],
        columns=["metric", "role", "level", "shop_value", "shop_n", "n_agent_months"],
    )


def test_what_holds_for_all_industry_values_is_said_once_and_below():
    both = "SNAPSHOT;OTHER_DEFINITIONS"
    found = pd.concat(
        [
            sources(own="", mean=f"TOO_EASY;{both}", top10_mean=f"TOO_HARD;STRICTER_THAN_TOP_TENTH;{both}"),
            sources(role="after", mean=f"TOO_EASY;{both}", tier_mean="TOO_EASY;SNAPSHOT"),
        ]
    )
    table = tables.three_sources(found, proposal("pre", "after"), lang="zh")
    pre, after = table.frame["remark"]
    assert pre == "同类目均值：几乎人人做到。 同行各数：统计口径不同。 同类目前10%均值：几乎没人做到过。"
    assert after == "同行各数：几乎人人做到。 同类目均值：统计口径不同。"
    html = table.gt.as_raw_html()
    assert html.count("不足7天") == html.count("比挤进前10%还难") == 1
    assert "80.4% (4,775)" in html


def test_industry_values_of_one_reading_share_a_row_on_the_page_and_not_in_the_file():
    found = pd.concat([sources(mean="", own=""), sources("order_value_yuan", mean="")])
    table = tables.industry_origin(found, lang="zh")
    assert len(table.frame) == 3
    assert [row for row in cells(table) if "10月1日 – 10月5日" in row] == [
        ["10月1日 – 10月5日", "5", "3", "女装", "s", "王", "3", "30秒应答率、客单价"]
    ]


def test_explained_rows_stand_in_the_order_of_the_day():
    rows = pd.DataFrame({"row_id": ["aaaaaaaaa", "bbbbbbbbb"], "value": [5.0, None], "counted": [True, False]})
    rows = rows.assign(side="numerator", day=FIRST, reason=["counted", "excluded"])
    turns = pd.DataFrame(
        {"row_id": rows["row_id"], "started_at": pd.to_datetime(["2026-10-01 09:00", "2026-10-01 01:00"], utc=True)}
    )
    page = cells(tables.explained(rows, turns, "Asia/Shanghai", lang="en"))
    assert [row[:3] for row in page if len(row) == 5] == [
        ["09:00:00", "bbbbbbbb", "–"],
        ["17:00:00", "aaaaaaaa", "5"],
    ]


def test_names_beside_crowded_dots_do_not_meet():
    crowd = [(f"人{i}", 8.0 + i / 100, 60.0 + i) for i in range(4)] + [("远", 2.0, 10.0)]
    rows = values(
        [(a, "sessions_per_day", v, 30) for a, v, _ in crowd] + [(a, "mean_wait_turn_s", s, 30) for a, _, s in crowd]
    )
    figure = charts.volume_speed(rows).figure
    figure.canvas.draw()
    drawn = [t.get_window_extent() for t in figure.axes[0].texts if t.get_text() in {a for a, _, _ in crowd}]
    assert len(drawn) == 5
    assert not any(one.overlaps(other) for i, one in enumerate(drawn) for other in drawn[:i])


def test_by_hand_says_when_the_ways_differ():
    waits = pd.Series([20.0, 25.0, 45.0])
    same = tables.by_hand(waits, 30.0, "mean_wait_turn_s", lang="en").gt.as_raw_html()
    assert "Both ways" in same and "90 s ÷ 3 turns" in same
    assert "differ" in tables.by_hand(waits, 31.0, "mean_wait_turn_s", lang="en").gt.as_raw_html()


def test_a_picture_is_the_same_in_another_process():
    script = (
        "import sys, pandas as pd, datetime as dt, hashlib; sys.path.insert(0, sys.argv[1]);"
        "from test_charts_tables import coverage, FIRST, LAST; from csperf import charts;"
        "print(hashlib.sha256(charts.coverage(coverage(), FIRST, LAST).svg).hexdigest())"
    )
    command = [sys.executable, "-c", script, str(Path(__file__).parent)]
    there = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert there.strip() == hashlib.sha256(charts.coverage(coverage(), FIRST, LAST).svg).hexdigest()


def test_names_of_dots_at_one_place_meet_nowhere():
    x, y = pd.Series([0.3, 0.3, 0.3, 0.3, 0.8]), pd.Series([0.5, 0.5, 0.5, 0.5, 1.0])
    with house_style():
        figure, axes = plt.subplots(figsize=(7, 5))
        axes.plot(x, y, "o")
        names_beside(axes, x, y, ["首次响应时长", "平均响应时长", "有效回复率", "30秒应答率", "客单价"])
        figure.canvas.draw()
        boxes = [Text.get_window_extent(name) for name in axes.texts]
    plt.close(figure)
    assert [pair for pair in combinations(range(5), 2) if boxes[pair[0]].overlaps(boxes[pair[1]])] == []


def test_figures_side_by_side_have_as_many_decimals():
    assert quantities([1, 0.9], "count", "zh") == ["1.0", "0.9"] and quantities([10, 12], "count", "zh") == ["10", "12"]
    assert quantities([0.5, None], "share", "zh") == ["50.0%", "–"]
