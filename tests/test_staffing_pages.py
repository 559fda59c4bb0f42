"""What the pages show of staffing, fair work and categories, from small tables; and the calculator."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from csperf import charts, tables
from csperf.categories import counts, places, spikes
from csperf.cli import main
from csperf.staffing import StaffingSettings, hourly, on_duty, peaks, staffed
from csperf.tables.performance import SHOP_DAY
from csperf.workload import fairness, mix, over_cap

MONDAY = dt.date(2026, 10, 5)
SETTINGS = StaffingSettings(chats_at_once=1, shrinkage=0)


@pytest.fixture(scope="module")
def seen():
    rows = [(MONDAY, 0, 20, 45, 40, 12000.0), (MONDAY, 0, 9, 2, 2, 300.0)]
    return pd.DataFrame(rows, columns=["day", "weekday", "hour", "arrivals", "served", "busy_s"])


@pytest.fixture(scope="module")
def plan():
    at = pd.to_datetime(["2026-10-05 01:00", "2026-10-05 12:00"], utc=True)  # 9:00 and 20:00
    return pd.DataFrame({"agent_id": ["a", "b"], "start": at, "end": at + pd.Timedelta(hours=1)})


def by_hour(seen, plan=None):
    duty = None if plan is None else on_duty(plan, [MONDAY], "Asia/Shanghai", ["hour"])
    return staffed(hourly(seen, [MONDAY], ["hour"]), SETTINGS, duty)


def heads(table):
    return list(table.gt._tbl_data.columns)


def title(table):
    return table.gt._heading.title


def test_hours_with_their_need_and_what_is_missing(seen, plan):
    table = tables.staffing_hours(by_hour(seen, plan), SETTINGS, ["先补人"])
    assert title(table) == "30秒内回复80%要几个人：1个钟点差人"
    assert table.frame["hour"].tolist() == [9, 20]
    assert [row[-2] for row in table.gt._tbl_data.values.tolist()] == ["0", "5"]
    assert "先补人" in table.gt.as_raw_html()
    unknown = tables.staffing_hours(by_hour(seen), SETTINGS)
    assert title(unknown).endswith("没有排班，算不出差几个）")
    assert [row[-2:] for row in unknown.gt._tbl_data.values.tolist()] == [["–", "–"]] * 2


def test_each_queue_has_a_line_and_the_one_that_lacks_people_most_is_named():
    rows = pd.DataFrame({"queue": ["chats", "after", "calls"], "hour": [20, 21, 9], "short_hours": [1, 3, None]})
    amounts = {"arrivals": 90, "service_s": 218.5, "per_hour": 4.5, "needed": 2, "rostered": 3, "scheduled": 1.2}
    table = tables.staffing_queues(rows.assign(**amounts), SETTINGS)
    assert title(table) == "30秒内回复80%：售后聊天最缺人，有3个钟点不够"
    assert table.gt._tbl_data["队列"].tolist() == ["全部聊天", "售后聊天", "电话"]
    assert table.gt._tbl_data["差人的钟点数"].tolist() == ["1", "3", "–"]
    unknown = tables.staffing_queues(rows.assign(**amounts, short_hours=None), SETTINGS)
    assert title(unknown).endswith("（没有排班，算不出差几个）")


def test_pictures_say_where_it_is_busiest_and_where_people_are_missing(seen, plan):
    week = staffed(hourly(seen, [MONDAY]), SETTINGS)
    assert charts.week_hours(week, "per_hour").alt == "最忙的是周一20–21点，每小时45个咨询（共47个）"
    assert charts.week_hours(week, "rostered").alt == "周一20–21点最要人：要排6个"
    assert charts.needed_scheduled(by_hour(seen, plan)).alt == "1个钟点排的人不够"
    assert charts.needed_scheduled(by_hour(seen)).alt.endswith("不知道现在排了几个）")
    empty = staffed(hourly(seen.iloc[:0], [MONDAY]), SETTINGS)
    assert charts.week_hours(empty, "per_hour").alt == "这段时间没有咨询，也没有来电"


def test_a_share_of_few_cases_has_no_cell():
    served = pd.DataFrame({"weekday": [0, 0], "hour": [9, 20], "value": [0.0, 0.75], "n": [1, 40]})
    assert charts.week_hours(served, "first_reply_in_time").alt.startswith("周一20–21点最跟不上：首次响应达标率75%")
    few = charts.week_hours(served.iloc[:1], "call_answered_20s_share")
    assert few.alt == "这段时间没有咨询，也没有来电"


def test_work_and_rest_side_by_side(seen, plan):
    days = pd.DataFrame({"metric": "sessions_per_day", "agent_id": ["a", "b"], "day": f"{MONDAY}", "numerator": [9, 3]})
    load = tables.fair_load(fairness(days, plan, [MONDAY], "Asia/Shanghai"), names={"a": "小甲"})
    assert title(load).startswith("每班时接待最多的是最少的3.0倍")
    assert load.gt._tbl_data.iloc[0, 0] == "小甲"
    assert title(tables.over_cap(over_cap(days, 5), 5)) == "一天接多少算超？5个：1人共1天超了"
    assert title(tables.over_cap(over_cap(days, 50), 50)) == "一天50个的上限，没有人超过"
    assert title(tables.supervision(peaks(hourly(seen, [MONDAY])))) == "每周抽1次，先看最忙的时候"
    none = fairness(days, plan.iloc[:0], [MONDAY], "Asia/Shanghai")
    assert title(tables.fair_load(none)).startswith("没有排班表")


@pytest.fixture(scope="module")
def tree():
    rows = [("1", None, "售前咨询"), ("1.1", "1", "商品咨询"), ("1.1.1", "1.1", "商品尺寸")]
    rows += [("2", None, "售后"), ("2.2", "2", "退换货"), ("2.2.1", "2.2", "换货")]
    frame = pd.DataFrame(rows, columns=["code", "parent", "name_zh"])
    return frame.assign(name_en=frame["name_zh"])


def chats(rows, by):
    return pd.DataFrame(rows, columns=["category_code", by, "numerator"]).assign(metric="sessions_per_day")


def test_the_manuals_third_report_by_day_and_by_agent(tree):
    days = [f"2026-10-{n:02d}" for n in range(1, 10)]
    rows = [(code, day, n) for day in days for code, n in (("1.1.1", 6), ("2.2.1", 2), (None, 2))]
    table = tables.category_days(counts(chats(rows, "day"), tree))
    assert title(table) == "90个咨询里18未分类；问得最多的是“商品尺寸”（60.0%）"
    assert heads(table)[:6] == ["顶级", "三级", "二级", "代码", "合计", "占比"]
    assert len(heads(table)) == 6 + 7
    assert [c for c in table.frame.columns if c.startswith("2026")] == days
    assert table.gt._tbl_data["顶级"].tolist() == [
        "售前咨询（54个，60.0%）",
        "售后（18个，20.0%）",
        "未分类（18个，20.0%）",
    ]
    wrong = pd.DataFrame([("店:01", "2.2", "middle", 3)], columns=["account_id", "code", "why", "n"])
    agents = counts(chats([("1.1.1", "a", 9), (None, "a", 1), (None, "b", 4)], "agent_id"), tree, "agent_id")
    by_agent = tables.category_agents(agents, wrong, names={"b": "小乙"})
    assert title(by_agent) == "贴了代码的占64.3%；贴得最少的是小乙（0.0%）"
    assert "2.2是上一级的代码（3次）" in by_agent.gt.as_raw_html()
    none = tables.category_agents(agents[agents["agent_id"] == "b"], wrong.iloc[:0])
    assert title(none) == "没有人贴过分类代码"


def test_days_that_stand_out_are_told_in_words(tree):
    days = [dt.date(2026, 10, n) for n in range(1, 21)]
    rows = [("2.2.1", f"{day}", 200 if day.day == 6 else 50 + day.day % 5) for day in days]
    found = spikes(counts(chats(rows, "day"), tree), days)
    table = tables.category_spikes(found, len(days))
    assert title(table) == "1个日子有一类突然多出来"
    assert table.gt._tbl_data.iloc[0, 0].startswith("10月6日“退换货”有200个")
    assert title(tables.category_spikes(found.iloc[:0], 20)) == "没有哪一类在哪一天突然多出来（看了20天）。"


def test_specialists_stand_below_their_role(tree):
    rows = [(who, kind, 100) for who in "abcd" for kind in ("1.1.1", "2.2.1")] + [("e", "2.2.1", 200)]
    frame = pd.DataFrame(rows, columns=["agent_id", "category", "n"])
    table = tables.mixes(mix(frame, pd.Series(dict.fromkeys("abcde", "pre"))), places(tree), names={"e": "小戊"})
    shown = table.gt._tbl_data.set_index("客服")
    assert shown.loc["小戊", ["最多的一类", "占比", "怎么看"]].tolist() == ["换货", "100.0%", "和别人不一样"]
    assert set(shown["岗位"]) == {"售前"}
    assert title(tables.mixes(mix(frame.iloc[:0]), places(tree))).startswith("没有咨询分类")


def test_the_daily_reports_bear_the_manuals_names():
    values = pd.DataFrame(
        {"metric": SHOP_DAY, "day": f"{MONDAY}", "value": 30.0, "numerator": 30.0, "n": 30, "note": ""}
    )
    assert heads(tables.shop_days(values)) == [
        *("日期", "咨询总量", "有效咨询", "咨询客户", "上线客服数", "平均响应（秒）", "平均接待（分钟）")
    ]


def test_the_calculator_needs_no_shop(capsys, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "zh")
    with pytest.raises(SystemExit) as ended:
        main(["staffing", "--per-hour", "25", "--handle", "300", "--chats", "1"])
    assert ended.value.code == 0
    assert "要4个人在线，排班要5个" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["staffing", "--per-hour", "25"])
    assert ended.value.code == 2
