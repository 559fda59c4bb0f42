"""Backends' tables of their own values: each format and version with its quirks comes to what its rows say."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
import xlsxwriter

from csperf.catalogue import ENTRIES
from csperf.errors import CsperfError
from csperf.load import LoadSettings, load, store_of
from csperf.sources import Shop, export
from csperf.sources.figures import scale_of
from csperf.sources.measured import named_period
from csperf.sources.recognise import formats

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT.parent / "shared" / "formats" / "samples"
SHOP = Shop("S", "Asia/Shanghai")
DAY, NAMED = dt.date(2025, 1, 2), "客服_20250102_20250108.xlsx"

PDD_2024 = (
    "日期,客服账号,咨询人数,询单人数,最终成团人数,询单流失人数,询单转化率,客服销售额（元）,人工接待人数,"
    "需要人工回复的咨询人数,3分钟未回复人数,3分钟人工回复率(8-23点),平均人工响应时长（分钟）,30秒应答率(8-23点),"
    "评分≤3订单数,评分数,评分≤3率,纠纷退款数,投诉数,3分钟人工回复率(全天),30秒应答率(全天)"
).split(",")
PDD_2026 = (
    "序号,客服账号,客服服务分,咨询人数,询单人数,最终成团人数,询单转化率,客服销售额（元）,去退销售额（元）,"
    "需要人工回复的咨询人数,人工接待人数,3分钟未回复人数,3分钟人工回复率,30秒应答率,平均人工响应时长,评分≤3订单数,"
    "纠纷退款数,投诉数"
).split(",")
PDD_SHOP = (
    "咨询人数,需要人工回复的咨询人数,人工接待人数,3分钟人工回复率(8-23点),30秒应答率(8-23点),平均响应时长(分),"
    "评分≤3订单数,纠纷退款数"
).split(",")
SYCM = (
    "旺旺昵称,询单最终付款人数,询单人数,询单最终付款转化率,首次响应时长（秒),平均响应时长（秒),客户满意率,旺旺回复率,"
    "询单最终付款金额,成功退款金额"
).split(",")
SYCM_OWN = "日期,旺旺昵称,旺旺分组,询单人数,询单流失人数,销售额,净销售额,客单价,答问比".split(",")
RECEPTION = (
    "旺旺昵称,咨询人数,接待人数,未回复人数,有效接待人数,平均响应时长（秒),3分钟人工响应率,旺旺回复率,首次响应时长（秒),"
    "慢响应人数,答问比,旺旺分组"
).split(",")
FEIGE_2024 = (
    "日期,客服昵称,账号名称,人工已接待人数,人工已接待会话量,CPD,不满意率,3分钟人工回复率 (会话),3分钟人工回复率,"
    "首次响应时长（秒）,平均响应时长（秒）,新平均响应时长（秒）,满意率,客服销售额（元）,询单人数,下单人数,支付人数,"
    "询单转化率,预警会话量,PC在线时长（时）,PC小休时长（时）,PC离线时长（时）"
).split(",")
FEIGE_2026 = (
    "客服账号,客服询单支付额,询单人数,下单人数,工作时间平响时长,接待会话量,工作时间3分钟回复率,有效好评数,有效评价数,"
    "已接待人数,全天首响时长,全天3分钟回复率,服务问题会话数,退款后销售额"
).split(",")
JD = (
    "客服,售前接待人数,促成下单人数,促成下单商品金额,接待量,平均响应时长（新）,30s应答率,客服3分钟人工回复率,好评量,评价量,"
    "首次平均响应时间,平均响应时间"
).split(",")
JD_WORKLOAD = "客服,登录时长,咨询量,接待量,应答率,回复率,30秒响应率,满意度,邀评率,超时回复次数".split(",")
CHITU = (
    "客服,接待人数,询单人数,询单->最终付款人数,询单->最终付款成功率,客件数,客单价,邮费总额,手工折扣率,客服回复率,"
    "平均响应时间,首次响应时间,平均接待时长,平均接待时长(秒),销售额,客服答问比,慢响应人数,询单->最终下单人数,退款率,"
    "静默下单本人落实付款-人数,协助跟进人数,协助下单人数"
).split(",")
KUAISHOU = (
    "客服昵称,3分钟回复率(按人),3分钟回复率(按会话),未接待率,咨询人数,咨询次数,人工会话数,平均回复时长(秒),好评率,"
    "差评率,IM不满意率(按人),询单人数,下单人数,支付人数,询单转化率,询单客单价,客服销售金额"
).split(",")
XHS = (
    "客服,会话数,已回复会话数,会话回复率,平均回复时长(分钟),询单支付会话率,首次45秒回复率,3分钟回复会话率,支付GMV"
).split(",")

CASES = {
    "pdd 2024-25": (
        PDD_2024,
        [
            *("2025-01-02", "店:甲", 120, 40, 22, 18, "55.00%", "1,234.50", 110, 100, 4, "96.00%", "1.25", "88.00%"),
            *(2, 30, "6.67%", 1, 0, "95.10%", "86.40%"),
        ],
        "pdd.agent_performance",
        "2024-25",
        {
            "conversion_grouped_user": (0.55, 40),
            "reply_3min_user": (0.96, 100),
            "reply_3min_user_allday": (0.951, None),
            "reply_30s_msg": (0.88, None),
            "reply_30s_msg_allday": (0.864, None),
            "mean_wait_msg_s": (75.0, None),
            "sales_yuan": (1234.5, None),
            "asked_users": (120, None),
            "served_users": (110, None),
            "inquiry_users": (40, None),
            "lost_inquiries": (18, None),
            "low_rating_share": (pytest.approx(2 / 30), 30),
        },
    ),
    "pdd 2026": (
        PDD_2026,
        [
            1,
            "店:甲",
            "4.8",
            120,
            40,
            22,
            "55.00%",
            "1,234.50",
            "1,000.00",
            100,
            110,
            4,
            "96.00%",
            "88%",
            "1.5",
            2,
            1,
            "-",
        ],
        "pdd.agent_performance",
        "2026",
        {
            "reply_3min_user": (0.96, 100),
            "reply_30s_msg": (0.88, None),
            "mean_wait_msg_s": (90.0, None),
            "net_sales_yuan": (1000.0, None),
            "service_points": (4.8, None),
        },
    ),
    "sycm": (
        SYCM,
        ["店:甲", "312", "1,040", "30.00%", "8.20", "24.35", "97.10%", "99.80%", "18,320.50", "1,020.00"],
        "taobao.agent_performance",
        "2025-26",
        {
            "conversion_paid_user": (0.3, 1040),
            "first_reply_s": (8.2, None),
            "mean_wait_turn_s": (24.35, None),
            "good_rating_share": (0.971, None),
            "sales_yuan": (18320.5, None),
        },
    ),
    "sycm own columns": (
        SYCM_OWN,
        ["2025/1/2", "店:甲", "售前组", "50", "20", "900.00", "-50.00", "30.00", "117%"],
        "taobao.agent_performance",
        "own columns",
        {
            "lost_inquiries": (20, None),
            "net_sales_yuan": (-50.0, None),
            "order_value_yuan": (30.0, None),
            "answer_ask_ratio": (1.17, None),
        },
    ),
    "sycm reception": (
        RECEPTION,
        ["店:甲", 80, 78, 2, 70, 31.5, 0.965, 0.99, 9.0, 3, 1.21, "售前"],
        "taobao.agent_reception",
        "",
        {
            "asked_users": (80, None),
            "served_users": (78, None),
            "reply_3min_user": (0.965, None),
            "slow_users": (3, None),
            "answer_ask_ratio": (1.21, None),
        },
    ),
    "feige 2024": (
        FEIGE_2024,
        [
            *("2025-01-02", "小甲", "kf01", 60, 70, "1.1", "2%", "97%", "96.5%", "10", "40", "35", "92%", "2,000.00"),
            *(50, 30, 25, "50%", 1, "7.5", "0.5", "0"),
        ],
        "douyin.agent_performance",
        "2024",
        {
            "reply_3min_session": (0.97, None),
            "reply_3min_user": (0.965, None),
            "mean_wait_turn_s": (35.0, None),
            "conversion_paid_user": (0.5, 50),
            "conversion_ordered_user": (0.6, 50),
            "online_h": (7.5, None),
            "rest_h": (0.5, None),
            "dissatisfied_share": (0.02, None),
            "good_rating_share": (0.92, None),
        },
    ),
    "feige 2026": (
        FEIGE_2026,
        ["kf01", "2,000.00", 50, 30, "35", 70, "96.5%", 46, 50, 60, "12", "95%", 1, "1,800.00"],
        "douyin.agent_performance",
        "2026",
        {
            "reply_3min_user": (0.965, None),
            "reply_3min_user_allday": (0.95, None),
            "first_reply_s_allday": (12.0, None),
            "good_rating_share": (0.92, 50),
            "net_sales_yuan": (1800.0, None),
        },
    ),
    "jd": (
        JD,
        ["甲", 50, 20, "3,000.00", 80, "25", "90%", "98%", 18, 20, "7", "28"],
        "jd.agent_performance",
        "",
        {
            "conversion_ordered_user": (0.4, 50),
            "mean_wait_turn_s": (25.0, None),
            "first_reply_s": (7.0, None),
            "good_rating_share": (0.9, 20),
            "reply_30s_msg": (0.9, None),
        },
    ),
    "jd workload": (
        JD_WORKLOAD,
        ["甲", "7小时30分", 60, 50, "99%", "98%", "91%", "95%", "60%", 5],
        "jd.agent_performance",
        "",
        {"online_h": (7.5, None), "reply_30s_msg": (0.91, None), "invite_share": (0.6, None)},
    ),
    "chitu": (
        CHITU,
        [
            *("甲", 100, 60, 33, "55%", "1.4", "52.0", "0", "5%", "99%", "31.2", "6", "3分20秒", "200", "2,000.00"),
            *("130%", 2, 40, "3%", 4, 9, 5),
        ],
        "chitu.pre_sale",
        "",
        {
            "conversion_paid_user": (0.55, 60),
            "conversion_ordered_user": (pytest.approx(2 / 3), 60),
            "handle_min": (pytest.approx(200 / 60), None),
            "items_per_buyer": (1.4, None),
            "agent_refund_share": (0.03, None),
            "assisted_orders": (5, None),
        },
    ),
    "kuaishou": (
        KUAISHOU,
        ["甲", "95%", "96%", "1%", 90, 100, 80, "22", "91%", "3%", "2%", 40, 22, 20, "50%", "45.0", "900"],
        "kuaishou.agent_performance",
        "",
        {
            "reply_3min_user": (0.95, None),
            "conversion_paid_user": (0.5, 40),
            "order_value_yuan": (45.0, None),
            "dissatisfied_share": (0.02, None),
        },
    ),
    "xhs": (
        XHS,
        ["甲", 80, 76, "95%", "0.5", "20%", "88%", "94%", "700"],
        "xhs.agent_performance",
        "",
        {"effective_session_share": (0.95, 80), "mean_wait_turn_s": (30.0, None), "reply_3min_session": (0.94, None)},
    ),
}


def workbook(path: Path, rows: Sequence[Sequence[object]], sheet: str = "Sheet0") -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        page = book.add_worksheet(sheet)
        for line, row in enumerate(rows):
            page.write_row(line, 0, row)
    return path


def read(path: Path, **settings):
    return export.load(path, export.Settings(files="*", **settings), SHOP)


def values(loaded, account: str | None = None) -> dict:
    rows = loaded.tables["measured"].to_pylist()
    return {r["metric"]: (r["value"], r["n"]) for r in rows if account in (None, r["agent_id"])}


def codes(loaded) -> set[str]:
    return {notice.code for notice in loaded.warnings}


# ----------------------------------------------------------------------------------------------- formats and versions


@pytest.mark.parametrize("name", CASES)
def test_a_documented_header_comes_to_its_values(name, tmp_path):
    header, row, key, version, expected = CASES[name]
    loaded = read(workbook(tmp_path / NAMED, [header, row]))
    assert (loaded.recognised.format, loaded.recognised.version) == (key, version)
    found = values(loaded)
    assert {metric: found.get(metric) for metric in expected} == {
        metric: (pytest.approx(value) if isinstance(value, float) else value, n)
        for metric, (value, n) in expected.items()
    }
    assert loaded.counts.read == loaded.counts.kept == 1


def test_every_key_is_the_catalogues():
    keys = {key for one in formats().values() if one.measured for key in one.measured.measures}
    assert keys <= set(ENTRIES)


def test_a_share_of_the_catalogue_is_a_share_here():
    for one in formats().values():
        for key, measure in one.measured.measures.items() if one.measured else ():
            if key in ENTRIES:
                assert (measure.kind == "share") == (ENTRIES[key].unit == "share"), (one.key, key)


# ------------------------------------------------------------------------------------------------------------ samples


@pytest.fixture
def sample():
    if not SAMPLES.is_dir():
        pytest.skip("the samples of the platforms' files are not here")
    return lambda name: export.load(SAMPLES / name, export.Settings(files="*"), SHOP)


def test_sample_of_pinduoduo(sample):
    loaded = sample("pdd_客服数据.xlsx")
    assert loaded.counts.kept == 3 and loaded.counts.filtered == {"summary_row": 2}
    found = values(loaded, "示例店:小乙")
    assert found["reply_3min_user"] == (0.9, 70) and found["mean_wait_msg_s"] == (pytest.approx(126), None)
    assert values(loaded, "示例店:小丙")["conversion_grouped_user"] == (None, 0)
    assert "reply_30s_msg" not in values(loaded, "示例店:小丙")
    row = next(r for r in loaded.tables["measured"].to_pylist() if r["metric"] == "reply_3min_user")
    assert (row["sheet"], row["cell"], row["source_line"], row["shown"]) == ("Sheet0", "L2", 2, 0.96)
    assert row["day"] == DAY and row["definitions"] == "pdd" and row["numerator"] == 96


def test_sample_of_sycm(sample):
    loaded = sample("自制报表-报表查看-客服绩效_20250101_20250107_全部.xlsx")
    assert loaded.counts.kept == 5 and loaded.counts.filtered == {"summary_row": 4}
    row = loaded.tables["measured"].to_pylist()[0]
    assert (row["day"], row["period_start"], row["period_end"]) == (None, dt.date(2025, 1, 1), dt.date(2025, 1, 7))
    assert values(loaded, "示例旗舰店:小甲")["conversion_paid_user"] == (0.6, 520)
    peers = {(r["metric"], r["cell"]): r["value"] for r in loaded.tables["benchmarks"].to_pylist()}
    assert peers["conversion_paid_user", "tier_excellent"] == 0.64
    assert peers["mean_wait_turn_s", "tier_mean"] == 30.1
    assert not any(metric in ("sales_yuan", "inquiry_users") for metric, _cell in peers)
    assert "period_only" in codes(loaded)
    assert set(loaded.recognised.ignored) == {"旺旺回复率", "成功退款金额"}


def test_sample_of_chatwoot(sample):
    loaded = sample("chatwoot_agents.csv")
    rows = loaded.tables["measured"].to_pylist()
    assert {(r["agent_id"], r["metric"]): r["value"] for r in rows} == {
        ("AgentOne", "first_reply_s"): 125,
        ("AgentOne", "mean_wait_turn_s"): 181,
        ("AgentTwo", "first_reply_s"): 45,
        ("AgentTwo", "mean_wait_turn_s"): 62,
    }
    assert {r["period_end"] for r in rows} == {dt.date(2025, 1, 7)}
    assert loaded.counts.filtered == {"no_values": 1} and "utc_period" in codes(loaded)


# -------------------------------------------------------------------------------------------------------------- quirks


def pdd(tmp_path: Path, *rows: Sequence[object], name: str = NAMED):
    """A table by agent with the headings 客服账号, 咨询人数, 询单人数, 最终成团人数, 询单转化率, 30秒应答率."""
    header = ["客服账号", "咨询人数", "询单人数", "最终成团人数", "询单转化率", "30秒应答率"]
    return read(workbook(tmp_path / name, [header, *rows]))


@pytest.mark.parametrize("cells", [["97.10%", "88%"], ["97.10", "88"], [0.971, 0.88]], ids=["text", "number", "share"])
def test_percent_is_decided_for_the_column(tmp_path, cells):
    loaded = pdd(tmp_path, *(["甲乙"[i], 10, 0, 0, "-", cell] for i, cell in enumerate(cells)))
    assert values(loaded, "甲")["reply_30s_msg"][0] == pytest.approx(0.971)
    assert values(loaded, "乙")["reply_30s_msg"][0] == pytest.approx(0.88)


def test_a_small_percentage_in_a_column_of_percentages_is_no_share(tmp_path):
    loaded = pdd(tmp_path, ["甲", 10, 0, 0, "-", "97.1"], ["乙", 10, 0, 0, "-", "1.0"])
    assert values(loaded, "乙")["reply_30s_msg"][0] == pytest.approx(0.01)


@pytest.mark.parametrize("cell", ["103%", "1.03", "-4%"])
def test_a_rate_that_cannot_be_rejects_the_cell_and_not_the_row(tmp_path, cell):
    loaded = pdd(tmp_path, ["甲", 10, 20, 10, "50%", cell], ["乙", 10, 20, 10, "50%", "90%" if "%" in cell else "0.9"])
    assert "reply_30s_msg" not in values(loaded, "甲") and values(loaded, "甲")["asked_users"] == (10, None)
    assert loaded.counts.kept == 2
    assert loaded.rejects.to_pylist()[0] | {"agent_id": None} == {
        **{"line": 2, "reason": "out_of_bounds:30秒应答率", "agent_id": None, "day": None},
        **{"heading": "30秒应答率", "found": cell},
    }
    assert next(n for n in loaded.warnings if n.code == "cells_out_of_bounds").slots["line"] == 2


def test_each_fault_of_a_column_is_told_once_with_what_is_allowed(tmp_path):
    """A rate that its counts cannot come to is one fault, whatever the cell says; words beside it are another."""
    rows = ["甲", 10, 8, 9, "112.5%", "103%"], ["乙", 10, 8, 9, "50%", "九成"], ["丙", 10, 8, 4, "50%", "90%"]
    told = {(n.code, n.slots["column"]): n for n in pdd(tmp_path, *rows).warnings if n.code.startswith("cells_")}
    assert {key: (n.slots["n"], n.slots["line"], n.slots["found"]) for key, n in told.items()} == {
        ("cells_out_of_bounds", "30秒应答率"): (1, 2, "103%"),
        ("cells_out_of_bounds", "询单转化率"): (2, 2, "112.5%"),
        ("cells_number_unreadable", "30秒应答率"): (1, 3, "九成"),
    }
    said = told["cells_out_of_bounds", "30秒应答率"]
    assert all("100" in said.say(lang) for lang in ("zh", "en")) and "重新导出" in said.say("zh")


def test_what_is_no_figure_is_named_with_its_line(tmp_path):
    loaded = pdd(tmp_path, ["甲", "很多", 20, 10, "50%", "90%"])
    notice = next(n for n in loaded.warnings if n.code == "cells_number_unreadable")
    assert notice.slots == {"column": "咨询人数", "n": 1, "line": 2, "found": "很多"}
    assert "很多" in notice.say("zh") and "line 2" in notice.say("en")


def test_a_summary_row_in_the_middle_is_no_agent(tmp_path):
    loaded = pdd(
        tmp_path, ["甲", 10, 20, 10, "50%", "90%"], ["总计", 30, 40, 20, "50%", "90%"], ["乙", 20, 20, 10, "50%", 0.9]
    )
    assert set(loaded.tables["measured"]["agent_id"].to_pylist()) == {"甲", "乙"}
    assert loaded.counts.filtered == {"summary_row": 1}


def test_a_row_without_account_is_rejected(tmp_path):
    loaded = pdd(tmp_path, ["甲", 10, 20, 10, "50%", "90%"], ["", 5, 5, 5, "100%", "90%"])
    assert loaded.counts.rejected == {"empty:agent_id": 1}


def test_what_is_still_being_worked_out_is_provisional(tmp_path):
    loaded = pdd(tmp_path, ["甲", 10, "延迟统计", "延迟统计", "延迟统计", "90%"])
    rows = {r["metric"]: r for r in loaded.tables["measured"].to_pylist()}
    assert rows["conversion_grouped_user"]["provisional"] and rows["conversion_grouped_user"]["value"] is None
    assert not rows["reply_30s_msg"]["provisional"] and "cells_pending" in codes(loaded)


def test_a_rate_unlike_its_counts_is_told_and_the_counts_are_used(tmp_path):
    rows = [[name, 10, 20, 10, "50%" if name != "甲" else "60%", "90%"] for name in "甲乙丙丁"]
    loaded = pdd(tmp_path, *rows)
    notice = next(n for n in loaded.warnings if n.code == "backend_mismatch")
    assert notice.slots == {"column": "询单转化率", "n": 1, "line": 2, "found": "60%"}
    assert values(loaded, "甲")["conversion_grouped_user"] == (0.5, 20)
    shown = next(r for r in loaded.tables["measured"].to_pylist() if r["metric"] == "conversion_grouped_user")
    assert shown["shown"] == 0.6


def test_a_rounded_rate_is_no_mismatch(tmp_path):
    assert "backend_mismatch" not in codes(
        pdd(tmp_path, ["甲", 10, 70, 50, "71.43%", "90%"], ["乙", 9, 3, 2, "67%", "9%"])
    )


def test_counts_that_a_rate_is_mostly_not_made_of_are_left_alone(tmp_path):
    loaded = pdd(tmp_path, *([name, 10, 20, 10, "62%", "90%"] for name in "甲乙丙丁"))
    assert values(loaded, "甲")["conversion_grouped_user"] == (0.62, None)
    assert "counts_not_used" in codes(loaded) and "backend_mismatch" not in codes(loaded)


def test_banner_rows_above_the_header_may_tell_the_period(tmp_path):
    header = ["客服账号", "咨询人数", "询单人数", "最终成团人数"]
    rows = [["客服数据"], ["统计时间：2025-01-01 至 2025-01-31"], [], header, ["甲", 10, 5, 2]]
    row = read(workbook(tmp_path / "客服数据.xlsx", rows)).tables["measured"].to_pylist()[0]
    assert (row["period_start"], row["period_end"]) == (dt.date(2025, 1, 1), dt.date(2025, 1, 31))
    assert row["source_line"] == 5


def test_without_any_period_the_file_is_refused_and_the_way_out_named(tmp_path):
    with pytest.raises(CsperfError, match="--period"):
        pdd(tmp_path, ["甲", 10, 20, 10, "50%", "90%"], name="客服数据.xlsx")


def test_a_period_may_be_given(tmp_path):
    path = workbook(tmp_path / "客服数据.xlsx", [["客服账号", "咨询人数", "最终成团人数"], ["甲", 10, 2]])
    row = read(path, period="2025-02-01..2025-02-28").tables["measured"].to_pylist()[0]
    assert (row["period_start"], row["period_end"]) == (dt.date(2025, 2, 1), dt.date(2025, 2, 28))


def test_dates_saved_by_excel_as_numbers(tmp_path):
    header = ["日期", "客服账号", "咨询人数", "最终成团人数"]
    loaded = read(workbook(tmp_path / "客服数据.xlsx", [header, [45659, "甲", 10, 2]]))
    assert set(loaded.tables["measured"]["day"].to_pylist()) == {DAY}


def test_a_date_cell_may_be_a_period(tmp_path):
    header = ["日期", "客服账号", "咨询人数", "最终成团人数"]
    loaded = read(workbook(tmp_path / "客服数据.xlsx", [header, ["2025-01-01~2025-01-07", "甲", 10, 2]]))
    assert loaded.tables["measured"].to_pylist()[0]["period_end"] == dt.date(2025, 1, 7)


def test_an_unreadable_date_rejects_the_row(tmp_path):
    header = ["日期", "客服账号", "咨询人数", "最终成团人数"]
    loaded = read(workbook(tmp_path / "客服数据.xlsx", [header, ["上周", "甲", 10, 2], ["2025-01-02", "乙", 10, 2]]))
    assert loaded.counts.rejected == {"time_unreadable:day": 1} and loaded.counts.kept == 1


def test_a_workbook_with_the_ending_of_a_csv_and_gb18030_in_one(tmp_path):
    header = ["客服账号", "咨询人数", "最终成团人数"]
    disguised = workbook(tmp_path / "客服_20250102.csv", [header, ["甲", 10, 2]])
    plain = tmp_path / "客服2_20250102.xlsx"
    plain.write_bytes('客服账号,咨询人数,最终成团人数\r\n"甲\t","1,000",2\r\n'.encode("gb18030"))
    assert values(read(disguised)) == {"asked_users": (10, None)}
    assert values(read(plain), "甲") == {"asked_users": (1000, None)}


def test_the_shops_own_values_are_benchmarks(tmp_path):
    row = [500, 450, 440, "95.1%", "88.0%", "1.2", 3, 1]
    loaded = read(workbook(tmp_path / "客服_20250102.xlsx", [PDD_SHOP, row]))
    found = {r["metric"]: (r["cell"], r["value"]) for r in loaded.tables["benchmarks"].to_pylist()}
    assert loaded.recognised.format == "pdd.shop_performance" and "measured" not in loaded.tables
    assert found["reply_3min_user"] == ("own", pytest.approx(0.951))
    assert found["mean_wait_msg_s"] == ("own", pytest.approx(72))


def test_a_table_with_a_line_for_each_metric(tmp_path):
    header = ["服务指标", "指标表现", "环比", "同行同层均值", "同行同层优秀"]
    rows = [
        ["平均响应时长（秒）", "24.35", "-2%", "30.10", "15.20"],
        ["3分钟人工响应率", "97.1%", "1%", "0.95%", "99%"],
    ]
    loaded = read(workbook(tmp_path / NAMED, [header, *rows, ["说不清的指标", "1", "-", "2", "3"]]))
    found = {(r["metric"], r["cell"]): r["value"] for r in loaded.tables["benchmarks"].to_pylist()}
    assert found["mean_wait_turn_s", "tier_mean"] == 30.1 and found["mean_wait_turn_s", "own"] == 24.35
    assert found["reply_3min_user", "tier_excellent"] == 0.99
    assert loaded.counts.filtered == {"no_key": 1} and loaded.counts.kept == 2


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        *(("2 minutes 5 seconds", 125), ("1 hour 12 minutes", 4320), ("1 day 2 hours", 93600), ("45 seconds", 45)),
        *(("3分20秒", 200), ("0:01:15", 75), ("75", 75), ("about a minute", None), ("--", None)),
    ],
)
def test_durations(text, seconds):
    assert scale_of([text], "time", "平均响应时长", "seconds").read(text) == seconds


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("自制报表-报表查看-客服绩效_20250101_20250107_全部.xlsx", "2025-01-01", "2025-01-07"),
        ("客服管家 2025-01-02.xlsx", "2025-01-02", "2025-01-02"),
        ("客服_2025年1月2日.xlsx", "2025-01-02", "2025-01-02"),
        ("report 2025.1.2-2025.1.9 20250110.xlsx", "2025-01-02", "2025-01-09"),
    ],
)
def test_the_period_of_a_name(name, first, last):
    assert named_period(name) == (dt.date.fromisoformat(first), dt.date.fromisoformat(last))


@pytest.mark.parametrize(
    "name", ["客服数据.xlsx", "ExportOrderList201707081200.csv", "导出20250102153000.xlsx", "20251345.csv"]
)
def test_what_is_no_period(name):
    assert named_period(name) is None


# --------------------------------------------------------------------------------------------------- two exports, shops


def loaded_shop(tmp_path: Path, frozen: str = "", **files: list) -> tuple:
    for name, rows in files.items():
        workbook(tmp_path / f"{name}.xlsx", [["日期", "客服账号", "咨询人数", "询单人数", "最终成团人数"], *rows])
    source = export.Settings(files="*.xlsx")
    months = frozenset(filter(None, [frozen]))
    settings = LoadSettings(shop="S", root=tmp_path, timezone="Asia/Shanghai", sources=(source,), frozen=months)
    return load(settings), store_of(settings)


def stored(store, month: str = "") -> dict:
    rows = store.read(_con(), "measured").to_pyarrow().to_pylist()
    rows = [r for r in rows if f"{r['day']}".startswith(month)]
    return {(r["agent_id"], r["metric"]): r["value"] for r in rows}


def test_two_exports_that_disagree(tmp_path):
    first = [["2025-01-02", "店:甲", 10, 8, 4], ["2025-01-02", "店:乙", 20, 10, 5]]
    second = [["2025-01-02", "店:甲", 10, 8, 6], ["2025-01-03", "店:甲", 7, 5, 1]]
    report, store = loaded_shop(tmp_path, a=first, b=second)
    assert stored(store)["店:甲", "conversion_grouped_user"] in (0.75, 0.2)
    said = report.files.set_index("file")["warnings"]["b.xlsx"]
    assert said.count("CONFLICT") == 1 and "0.5" in said and "0.75" in said and "a.xlsx" in said
    kept = report.files.set_index("file")[["read", "kept", "duplicate", "replaced"]].to_dict("index")
    assert kept["a.xlsx"] == {"read": 2, "kept": 2, "duplicate": 0, "replaced": 0}
    assert kept["b.xlsx"] == {"read": 2, "kept": 2, "duplicate": 0, "replaced": 0}
    again, _store = loaded_shop(tmp_path)
    assert "CONFLICT" not in "".join(again.files["warnings"])


def test_what_a_browser_numbered_came_later_and_the_heading_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "zh")
    row = ["2025-01-02", "店:甲", 10, 8, 4]
    report, store = loaded_shop(tmp_path, **{"a": [row], "a (1)": [[*row[:4], 6]]})
    assert stored(store)["店:甲", "conversion_grouped_user"] == 0.75
    (said,) = filter(None, report.files["warnings"])
    assert "店:甲 2025-01-02 的“最终成团人数”" in said and "采用本文件的" in said


def test_a_file_of_which_no_row_can_be_read_names_its_own_heading(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "zh")
    with pytest.raises(CsperfError, match=r"第 2 行：“日期”不是认得的时间.*昨天"):
        loaded_shop(tmp_path, a=[["昨天", "店:甲", 10, 8, 4]])


def test_a_frozen_month_keeps_its_values_and_names_what_it_refuses(tmp_path):
    """The file's other month is taken; what is refused is counted, told with both cells, and kept beside the store."""
    was, other = ["2025-01-02", "店:甲", 10, 8, 4], ["2025-01-02", "店:乙", 20, 10, 5]
    loaded_shop(tmp_path, a=[was, other])
    now = [["2025-01-02", "店:甲", 12, 8, 6], other, ["2025-02-02", "店:甲", 7, 5, 1]]
    report, store = loaded_shop(tmp_path, frozen="2025-01", b=now)
    assert stored(store, "2025-01")["店:甲", "asked_users"] == 10
    assert stored(store, "2025-01")["店:甲", "conversion_grouped_user"] == 0.5
    assert stored(store, "2025-02")["店:甲", "asked_users"] == 7
    counts = report.files.set_index("file").loc["b.xlsx", ["read", "kept", "duplicate", "replaced", "rejected"]]
    assert counts.tolist() == [3, 1, 1, 0, 1]
    said = report.files.set_index("file")["warnings"]["b.xlsx"]
    assert said.count("CONFLICT") == 2 and "12" in said and "10" in said and "0.75" in said and "a.xlsx" in said
    (reason,) = report.reasons.query("part == 'rejected'").to_dict("records")
    assert (reason["reason"], reason["n"], reason["line"], reason["column"]) == ("month_frozen", 1, 2, "咨询人数")
    beside = (store.root / "rejects" / "b.xlsx.csv").read_text(encoding="utf-8-sig")
    assert "month_frozen" in beside and "12" in beside and "0.75" in beside


def test_a_frozen_month_stays_when_all_files_are_read_anew(tmp_path, monkeypatch):
    """What was replaced before the freeze does not come back, and what came after it is refused again."""
    for name, asked in {"a": 10, "b": 11}.items():
        _report, store = loaded_shop(tmp_path, **{name: [["2025-01-02", "店:甲", asked, 8, 4]]})
    loaded_shop(tmp_path, frozen="2025-01", c=[["2025-01-02", "店:甲", 12, 8, 4]])
    before = store.manifest()["files"]
    monkeypatch.setattr(sys.modules["csperf.load"], "FORMAT", "of another release")
    report, store = loaded_shop(tmp_path, frozen="2025-01")
    assert stored(store)["店:甲", "asked_users"] == 11
    assert not report.files["skipped"].any()
    assert store.manifest()["files"] == before


def test_a_line_of_which_every_cell_came_again_is_a_duplicate(tmp_path):
    row = ["2025-01-02", "店:甲", 10, 8, 4]
    report, _store = loaded_shop(tmp_path, a=[row], b=[row, ["2025-01-03", "店:甲", 9, 8, 4]])
    assert report.files.set_index("file").loc["b.xlsx", ["kept", "duplicate"]].tolist() == [1, 1]


def test_two_sheets_of_a_report_are_both_read_and_accounted_for_apart(tmp_path):
    """千牛 serverReport: reply times on one sheet, ratings of the same accounts on the next."""
    sheets = {
        "按客服查看": [
            ["旺旺账号名称", "平均响应时长", "人工接待会话量", "3分钟人工响应率"],
            ["店:甲", "30", 80, "96%"],
            ["店:乙", "40", 60, "90%"],
        ],
        "旺旺账号咨询接待能力明细": [
            ["旺旺账号名称", "满意评价量", "旺旺评价量"],
            ["店:甲", 46, 50],
            ["汇总值", 46, 50],
        ],
        "说明": [["本表每天更新"]],
    }
    with xlsxwriter.Workbook(str(tmp_path / "serverReport_20250102.xlsx")) as book:
        for name, rows in sheets.items():
            page = book.add_worksheet(name)
            for line, row in enumerate(rows):
                page.write_row(line, 0, row)
    report, store = loaded_shop(tmp_path)
    counts = report.files.set_index("file")[["read", "kept", "filtered"]]
    assert counts.to_dict("index") == {
        "serverReport_20250102.xlsx": {"read": 2, "kept": 2, "filtered": 0},
        "serverReport_20250102.xlsx#旺旺账号咨询接待能力明细": {"read": 2, "kept": 1, "filtered": 1},
    }
    assert stored(store) == {
        ("店:甲", "mean_wait_turn_s"): 30,
        ("店:甲", "reply_3min_user"): 0.96,
        ("店:乙", "mean_wait_turn_s"): 40,
        ("店:乙", "reply_3min_user"): 0.9,
        ("店:甲", "good_rating_share"): 0.92,
    }
    again, _store = loaded_shop(tmp_path)
    assert again.files["skipped"].all()


def test_a_table_of_another_shop_is_named(tmp_path):
    own = [["2025-01-02", f"本店:{name}", 10, 8, 4] for name in "甲乙丙"]
    report, _store = loaded_shop(tmp_path, a=own, b=[["2025-01-02", "别家:丁", 10, 8, 4]])
    said = [notice.say("zh") for notice in report.warnings if notice.code == "other_shop"]
    assert len(said) == 1 and "b.xlsx" in said[0] and "别家" in said[0]


def test_an_empty_roster_is_said(tmp_path):
    report, _store = loaded_shop(tmp_path, a=[["2025-01-02", f"店:{name}", 10, 8, 4] for name in "甲乙"])
    (said,) = [notice.say("zh") for notice in report.warnings if notice.code == "no_roster"]
    assert "2 个账号" in said


def test_peers_stay_beside_the_values_through_later_loads(tmp_path):
    rows = [SYCM, *([name, "4", "8", "50%", "1", "2", "90%", "99%", "5", "1"] for name in ("甲", "同行同层均值"))]
    workbook(tmp_path / "x_20250101_20250107.xlsx", rows)
    _report, store = loaded_shop(tmp_path, a=[["2025-01-02", "店:甲", 10, 8, 4]])
    before = store.read(_con(), "benchmarks").count().to_pyarrow().as_py()
    report, store = loaded_shop(tmp_path, b=[["2025-01-03", "店:甲", 10, 8, 4]])
    assert before == 4 == store.read(_con(), "benchmarks").count().to_pyarrow().as_py()
    assert report.files.set_index("file").loc["x_20250101_20250107.xlsx", ["read", "kept"]].tolist() == [2, 2]


def _con():
    from csperf.engine import connect

    return connect()


def test_a_period_given_on_loading_holds_for_good(tmp_path):
    path = workbook(tmp_path / "客服数据.xlsx", [["客服账号", "咨询人数", "最终成团人数"], ["店:甲", 10, 2]])
    settings = LoadSettings(
        shop="S", root=tmp_path, timezone="Asia/Shanghai", sources=(export.Settings(files="*.xlsx"),)
    )
    with pytest.raises(CsperfError, match=path.name):
        load(settings)
    load(settings, period="2025-01-01..2025-01-31")
    again = load(settings)
    assert again.files[["kept", "skipped"]].to_numpy().tolist() == [[1, True]]
    assert store_of(settings).months("measured") == ["2025-01"]


@pytest.mark.parametrize("period", ["2025-01", "2025-01-31..2025-01-01", "2025-01-01..2025-02-30"])
def test_what_is_no_period_is_mistyped(tmp_path, period):
    from typer.testing import CliRunner

    from csperf.cli import app

    said = CliRunner().invoke(app, ["load", str(tmp_path / "params.yaml"), "--period", period])
    assert said.exit_code == 2
