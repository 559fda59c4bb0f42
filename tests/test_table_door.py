"""Values from a backend's own tables: at the grain exported, never more than they say; and beside those from chats."""

from __future__ import annotations

import datetime as dt
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import yaml
from made_backend import SETTINGS, make_backend
from test_formats_measured import PDD_2024, SYCM, workbook

import csperf as cs
from csperf import table_door
from csperf.definitions import SETS
from csperf.errors import CsperfError
from csperf.kernels import warm_kernels
from csperf.load import load
from csperf.params import load_params
from csperf.reconcile import CAUSES, ladder
from csperf.report import run_pack
from csperf.run import explain, history, measure, open_run, propose, reconcile
from csperf.sample import make

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "params" / "table_door.yaml"
PAGES = ("01_data_quality", "03_performance", "04_targets")
NAMED = {"01_data_quality": "示例旗舰店:01", "03_performance": "小甲", "04_targets": ""}
ANNA, BO = "店:甲", "店:乙"


def shop(folder: Path, **files: list) -> Path:
    """The params file of a shop whose exports are these workbooks, loaded."""
    (folder / "exports").mkdir(parents=True)
    for name, rows in files.items():
        workbook(folder / "exports" / f"{name}.xlsx", rows)
    params = {"shop": "S", "timezone": "Asia/Shanghai", "platform": "pdd", "definitions": "pdd"}
    params |= {"sources": [{"source": "export", "files": "exports/*"}]}
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    load(load_params(path).loading)
    return path


def day_row(day: str, account: str, served: int, inquiries: int, grouped: int, minutes: str, quick: str) -> list:
    """A line of Pinduoduo's table of 2024."""
    cells = {"日期": day, "客服账号": account, "咨询人数": served, "询单人数": inquiries, "最终成团人数": grouped}
    cells |= {
        "询单转化率": f"{grouped / inquiries:.2%}" if inquiries else "-",
        "客服销售额（元）": f"{grouped * 10}.00",
    }
    cells |= {"人工接待人数": served, "平均人工响应时长（分钟）": minutes, "30秒应答率(8-23点)": quick}
    return [cells.get(name, "") for name in PDD_2024]


DAYS = [
    day_row("2025-01-06", ANNA, 100, 50, 30, "1.00", "80%"),
    day_row("2025-01-07", ANNA, 50, 10, 2, "2.50", "50%"),
    day_row("2025-01-13", ANNA, 50, 40, 20, "1.00", "90%"),
    day_row("2025-01-06", BO, 40, 20, 10, "2.00", "70%"),
]


@pytest.fixture(scope="module")
def by_day(tmp_path_factory) -> Path:
    return shop(tmp_path_factory.mktemp("days"), 客服数据=[PDD_2024, *DAYS])


def cell(values: pd.DataFrame, metric: str, **who) -> pd.Series:
    rows = values[(values["metric"] == metric)]
    for column, value in who.items():
        rows = rows[rows[column].astype(str) == value]
    assert len(rows) == 1
    return rows.iloc[0]


# ---------------------------------------------------------------------------------------------------------- registers

PLANS = """kind,period,item,planned,done
plan,2025-01,training,4,3
budget,2025-01,gifts,100,80
"""


def test_a_shops_own_records_are_measured_beside_the_backends_tables(tmp_path):
    path = shop(tmp_path, 客服数据=[PDD_2024, *DAYS])
    (tmp_path / "plans.csv").write_text(PLANS, encoding="utf-8")
    params = yaml.safe_load(path.read_text(encoding="utf-8"))
    columns = {name: name for name in ("kind", "period", "item", "planned", "done")}
    params["sources"].append({"source": "table", "table": "plans", "files": "plans.csv", "columns": columns})
    path.write_text(yaml.safe_dump(params, allow_unicode=True), encoding="utf-8")
    load(load_params(path).loading)
    values = measure(open_run(path), ["shop", "month"])
    assert (cell(values, "plan_done_share").value, cell(values, "budget_used_share").value) == (0.75, 0.8)
    assert cell(values, "plan_done_share").door == "table" and cell(values, "sales_yuan").value == 620
    assert values.attrs["unavailable"]["qa_score"] == "NO_FACT" and "plan_done_share" not in values.attrs["unavailable"]
    rows = explain(open_run(path), "plan_done_share")
    assert rows[rows["counted"]].groupby("side")["value"].sum().to_dict() == {"denominator": 4, "numerator": 3}


# ------------------------------------------------------------------------------------------------------------- grains


def test_a_day_is_what_the_row_says(by_day):
    values = measure(open_run(by_day), ["agent", "day"])
    row = cell(values, "conversion_grouped_user", agent_id=ANNA, day="2025-01-06")
    assert (row.value, row.numerator, row.denominator, row.n, row.door, row.definitions) == (
        0.6,
        30,
        50,
        50,
        "table",
        "pdd",
    )
    assert cell(values, "mean_wait_msg_s", agent_id=ANNA, day="2025-01-07").value == 150
    assert cell(values, "mean_wait_msg_s", agent_id=ANNA, day="2025-01-07").note == "NO_N"


def test_sums_first_one_division_last(by_day):
    row = cell(measure(open_run(by_day), ["agent", "month"]), "conversion_grouped_user", agent_id=ANNA)
    assert (row.numerator, row.denominator, row.n) == (52, 100, 100) and row.value == 0.52


def test_weeks(by_day):
    values = measure(open_run(by_day), ["agent", "week"])
    assert cell(values, "inquiry_users", agent_id=ANNA, week="2025-W02").value == 60


def test_a_mean_without_n_is_estimated_by_the_people_served_and_marked(by_day):
    row = cell(measure(open_run(by_day), ["agent", "month"]), "mean_wait_msg_s", agent_id=ANNA)
    assert row.value == pytest.approx((100 * 60 + 50 * 150 + 50 * 60) / 200)
    assert row.note == "ESTIMATED" and pd.isna(row.n) and pd.isna(row.numerator)


def test_without_anybody_to_weigh_by_it_is_null_and_named(tmp_path):
    header = ["旺旺昵称", "日期", "询单人数", "询单最终付款人数", "平均响应时长（秒)"]
    rows = [[ANNA, f"2025-01-0{day}", 10, 5, seconds] for day, seconds in ((2, 30), (3, 50))]
    path = shop(tmp_path, 客服绩效=[header, *rows])
    row = cell(measure(open_run(path), ["agent", "month"]), "mean_wait_turn_s", agent_id=ANNA)
    assert pd.isna(row.value) and row.note == "NO_N"
    assert cell(measure(open_run(path), ["agent", "day"]), "mean_wait_turn_s", day="2025-01-02").value == 30


def test_the_shop_is_its_accounts_added_up(by_day):
    values = measure(open_run(by_day), ["shop", "month"])
    assert cell(values, "conversion_grouped_user").value == pytest.approx(62 / 120)
    assert cell(values, "sales_yuan").value == 620
    per_day = cell(values, "sales_yuan_per_day")
    assert (per_day.value, per_day.n) == (155, 4)


def paid(**days: float) -> pd.DataFrame:
    """Yuan paid in the shop's orders on days of January 2025, as `run` sums them up."""
    rows = [(dt.date(2025, 1, int(day[1:])), yuan, 10) for day, yuan in days.items()]
    return pd.DataFrame(rows, columns=["day", "paid", "n"])


def test_agents_share_of_the_shops_sales_is_their_sum_over_the_orders(by_day):
    """300 + 100 yuan of 800 on the 6th, 20 of 100 on the 7th; the 13th lies behind the last payment."""
    rows = table_door.with_shares_of_sales(open_run(by_day).measured, paid(d5=9, d6=800, d7=100))
    keys = ["agent_sales_share", "silent_share", "sales_yuan"]
    shop = table_door.measure(rows, keys, ["month"])
    share = cell(shop, "agent_sales_share")
    assert (share["numerator"], share["denominator"], share["n"]) == (420, 900, 20)
    assert share["value"] == pytest.approx(420 / 900)
    assert cell(shop, "silent_share")["value"] == pytest.approx(480 / 900)
    agents = table_door.measure(rows, keys, ["agent"])
    assert set(agents["metric"]) == {"sales_yuan"} and agents["agent_id"].notna().all()
    assert agents.attrs["unavailable"] == dict.fromkeys(keys[:2], "SHOP_ONLY")
    for key in keys[:2]:
        told = table_door.explain(rows, key).groupby("side")["value"].sum()
        assert told["numerator"] / told["denominator"] == pytest.approx(cell(shop, key)["value"])
    assert "agent_sales_share" not in table_door.aims(rows)


def test_a_share_of_sales_above_one_is_no_value(by_day):
    rows = table_door.with_shares_of_sales(open_run(by_day).measured, paid(d6=300, d7=100))
    found = cell(table_door.measure(rows, ["agent_sales_share"], ["day"]), "agent_sales_share", day="2025-01-06")
    assert pd.isna(found["value"]) and found["note"] == "OUT_OF_BOUNDS" and found["numerator"] == 400


def test_what_the_tables_do_not_tell_is_named(by_day):
    run = open_run(by_day)
    assert measure(run, ["agent", "month"], ["first_reply_s"]).attrs["unavailable"] == {"first_reply_s": "NO_FACT"}
    assert measure(run, ["agent", "shift"], ["reply_30s_msg"]).attrs["unavailable"] == {"reply_30s_msg": "NO_SHIFT"}
    with pytest.raises(CsperfError, match="reply_30s_msg"):
        measure(run, ["agent"], ["reply_30s_mgs"])


def test_a_day_without_anybody_has_a_row_and_no_value(tmp_path):
    path = shop(tmp_path, 客服数据=[PDD_2024, *DAYS, day_row("2025-01-14", ANNA, 0, 0, 0, "-", "-")])
    row = cell(measure(open_run(path), ["agent", "day"]), "conversion_grouped_user", agent_id=ANNA, day="2025-01-14")
    assert pd.isna(row.value) and row.n == 0 and row.note == "NO_DATA"
    days = open_run(path).coverage()
    assert days[(days["account_id"] == ANNA) & (days["day"] == dt.date(2025, 1, 14))]["n"].tolist() == [0]


# ------------------------------------------------------------------------------------------------------------ periods


def sycm(*rows: list) -> list:
    return [SYCM, *([*row, "99%", "100.00", "0"] for row in rows)]


@pytest.fixture(scope="module")
def by_week(tmp_path_factory) -> Path:
    first = sycm([ANNA, 10, 40, "25.00%", "8", "30", "95%"], ["同行同层均值", 400, 760, "52.63%", "11", "30.1", "96%"])
    second = sycm([ANNA, 30, 60, "50.00%", "6", "40", "97%"])
    folder = tmp_path_factory.mktemp("weeks")
    return shop(folder, 客服绩效_20250106_20250112=first, 客服绩效_20250113_20250119=second)


def test_a_period_is_never_made_into_days(by_week):
    values = measure(open_run(by_week), ["agent", "day"], ["conversion_paid_user"])
    assert values.empty and values.attrs["unavailable"] == {"conversion_paid_user": "PERIOD_ONLY"}


def test_periods_add_up_where_they_have_counts(by_week):
    values = measure(open_run(by_week), ["agent", "month"])
    assert cell(values, "conversion_paid_user").value == 0.4
    row = cell(values, "mean_wait_turn_s")
    assert pd.isna(row.value) and row.note == "NO_N"
    assert cell(measure(open_run(by_week), ["agent", "week"]), "mean_wait_turn_s", week="2025-W03").value == 40


def test_a_period_across_the_edge_of_a_month_belongs_to_neither(tmp_path):
    path = shop(tmp_path, 客服绩效_20250127_20250202=sycm([ANNA, 10, 40, "25.00%", "8", "30", "95%"]))
    values = measure(open_run(path), ["agent", "month"], ["conversion_paid_user"])
    assert values.empty and values.attrs["unavailable"] == {"conversion_paid_user": "PERIOD_ONLY"}


def test_days_told_twice_count_once(tmp_path):
    week = sycm([ANNA, 10, 40, "25.00%", "8", "30", "95%"])
    month = sycm([ANNA, 50, 100, "50.00%", "8", "35", "95%"])
    path = shop(tmp_path, 客服绩效_20250106_20250112=week, 客服绩效_20250101_20250131=month)
    values = measure(open_run(path), ["agent", "month"])
    assert cell(values, "conversion_paid_user").denominator == 100
    assert cell(values, "mean_wait_turn_s").value == 35
    told = explain(open_run(path), "conversion_paid_user")
    assert set(told.loc[~told["counted"], "reason"]) == {"told_by_period"}


def test_peers_become_benchmarks_of_the_page(by_week):
    run = open_run(by_week)
    found = run.table("benchmarks").set_index(["metric", "cell"])["value"]
    assert found["mean_wait_turn_s", "tier_mean"] == 30.1 and run.store.months() == ["2025-01"]


def test_a_lone_period_stands_in_for_a_month_in_the_history(tmp_path):
    month = sycm(*([f"店:{name}", 50, 100, "50.00%", "8", "35", "95%"] for name in "甲乙丙丁戊己"))
    values = history(open_run(shop(tmp_path, 客服绩效_20250101_20250131=month)))
    row = cell(values, "mean_wait_turn_s", agent_id=ANNA)
    assert (row.month, row.value) == ("2025-01", 35) and pd.isna(row.n)


# ------------------------------------------------------------------------------------------------- people, explanation


def test_accounts_are_people_where_the_roster_says_so(by_day):
    run = open_run(by_day)
    roster = {"account_id": [ANNA, BO], "agent_id": ["A01", "A01"], "role": ["pre", "pre"], "level": ["mid", "mid"]}
    people = (
        pd.DataFrame(roster)
        .assign(employed=True)
        .merge(pd.DataFrame({"day": [dt.date(2025, 1, 6), dt.date(2025, 1, 7)]}), how="cross")
    )
    rows = table_door.prepared(run.table("measured"), people, ["pdd"])
    values = table_door.measure(rows, ["inquiry_users"], ["agent", "level", "month"])
    assert values.set_index("agent_id")["value"].to_dict() == {"A01": 80, ANNA: 40}
    bots = people.assign(employed=False)
    assert "A01" not in set(table_door.prepared(run.table("measured"), bots, ["pdd"])["agent_id"])


def test_explain_names_file_sheet_row_and_cell(by_day):
    rows = explain(open_run(by_day), "conversion_grouped_user", agent=ANNA, day=dt.date(2025, 1, 6))
    assert rows[["side", "value"]].to_numpy().tolist() == [["numerator", 30], ["denominator", 50]]
    place = rows.iloc[0]
    assert (place.file, place.sheet, place.row, place.cell) == ("exports/客服数据.xlsx", "Sheet0", 2, "G2")
    with pytest.raises(CsperfError, match=ANNA):
        explain(open_run(by_day), "conversion_grouped_user", agent="店:丙")


@pytest.mark.parametrize("metric", ["conversion_grouped_user", "sales_yuan"])
def test_what_explain_counts_adds_up_to_the_value(by_day, metric):
    value = cell(measure(open_run(by_day), ["agent", "month"]), metric, agent_id=ANNA)
    rows = explain(open_run(by_day), metric, agent=ANNA)
    sides = rows[rows["counted"]].groupby("side")["value"].sum()
    assert sides["numerator"] == value.numerator
    assert sides.get("denominator", float("nan")) == pytest.approx(value.denominator, nan_ok=True)


def test_a_door_without_anything_behind_it_is_refused(by_day, tmp_path):
    path = tmp_path / "params.yaml"
    content = yaml.safe_load(by_day.read_text(encoding="utf-8")) | {"root": str(by_day.parent), "door": "chat"}
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    with pytest.raises(CsperfError, match="door"):
        open_run(path)


# ----------------------------------------------------------------------------------------------- a month, start to end


@pytest.fixture(scope="module")
def example(tmp_path_factory) -> Path:
    """params/table_door.yaml beside the shop that it describes, loaded."""
    folder = tmp_path_factory.mktemp("例 店")
    params = folder / "params" / EXAMPLE.name
    params.parent.mkdir()
    shutil.copy(EXAMPLE, params)
    make(folder / "demo-table", door="table", platform="pdd", months=1, agents=6, messages=6000)
    report = load(load_params(params).loading)
    assert report.files["rejected"].sum() == 0
    return params


def test_the_example_s_settings_are_those_of_the_made_up_shop(example):
    """The checked-in file and the one in the sample's folder differ only in where exports and reports are."""
    own = (example.parent.parent / "demo-table" / "params.yaml").read_text(encoding="utf-8")
    here = example.read_text(encoding="utf-8").replace("root: ../demo-table ", "root: . ")
    assert here.replace("reports: ../reports ", "reports: reports ") == own


def test_six_agents_and_31_days_get_a_target_in_every_row(tmp_path):
    """One table and the orders, no roster."""
    path = make_backend(tmp_path) / "params.yaml"
    path.write_text(SETTINGS, encoding="utf-8")
    load(load_params(path).loading)
    run = open_run(path)
    files = run.store.manifest()["files"].values()
    assert sorted(entry["recognised"]["format"] for entry in files) == ["pdd.agent_performance", "pdd.orders"]
    targets = propose(run).targets
    agents = targets[targets["role"] != "shop"]
    assert agents[["base", "target", "stretch", "attainment"]].notna().all().all()
    assert (agents["grade"] == "trial").sum() >= 3
    assert set(agents["metric"]) == {
        *("conversion_grouped_user", "reply_30s_msg", "reply_3min_user", "mean_wait_msg_s"),
    }
    bare = agents.set_index("metric")["status"]
    assert "NO_N" in bare["mean_wait_msg_s"] and "NO_N" not in bare["conversion_grouped_user"]


@pytest.fixture(scope="module")
def pages(example) -> dict[str, Path]:
    with warm_kernels() as kernels:
        return {lang: run_pack(example, lang=lang, only=",".join(PAGES), kernels=kernels) for lang in ("zh", "en")}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_pages_are_made(pages, lang):
    for name in PAGES:
        page = (pages[lang] / f"{name}.html").read_text(encoding="utf-8")
        assert NAMED[name] in page
        assert "Traceback" not in page
    tables = {path.stem for path in (pages[lang] / "tables").glob("*.csv")}
    assert {"agent_day", "shop_day", "agents", "targets"} <= tables and "reconciled" not in tables


def test_figures_without_n_are_marked(pages):
    page = (pages["zh"] / "03_performance.html").read_text(encoding="utf-8")
    assert "带*的数后台没有给样本量" in page and "%*" in page


# ---------------------------------------------------------------------------------------------------------- both doors


def test_the_ladder_takes_one_cause_at_a_time():
    rungs = ladder(SETS["shop"], SETS["taobao"])
    assert [cause for cause, _rules in rungs] == ["ours", "hours", "definition"]  # both leave adverts out
    assert rungs[1][1].hours == SETS["taobao"].hours and rungs[1][1].transfer == SETS["shop"].transfer
    assert [cause for cause, _rules in ladder(SETS["shop"], SETS["shop"])] == ["ours"]
    assert [cause for cause, _rules in ladder(SETS["shop"], SETS["pdd"])] == ["ours", "adverts", "hours", "definition"]


@pytest.fixture(scope="module")
def both(small_shop, tmp_path_factory) -> Path:
    """The small shop and, of its newest month, the table that its backend would show, one day of it without chats."""
    folder = tmp_path_factory.mktemp("both") / "shop"
    shutil.copytree(small_shop.parent, folder, ignore=shutil.ignore_patterns("reports"))
    path = folder / small_shop.name
    theirs = open_run(path, definitions="taobao")
    values = measure(theirs, ["account", "day"], ["mean_wait_turn_s", "reply_3min_user", "asked_users", "served_users"])
    wide = values.pivot(index=["account_id", "day"], columns="metric", values="value").dropna().reset_index()
    rows = [
        [
            *(str(row.day), row.account_id, int(row.asked_users), int(row.served_users)),
            *(f"{row.mean_wait_turn_s:.6f}", f"{row.reply_3min_user:.6%}"),
        ]
        for row in wide.itertuples()
    ]
    gap = sorted(set(pd.date_range(theirs.first_day, theirs.last_day).date) - set(wide["day"]))
    alone = [str(gap[0]), rows[0][1], 40, 40, "90.0", "50%"] if gap else []
    header = ["日期", "旺旺昵称", "咨询人数", "接待人数", "平均响应时长（秒)", "3分钟人工响应率"]
    workbook(folder / "exports" / "接待分析.xlsx", [header, *rows, *([alone] if alone else [])])
    text = path.read_text(encoding="utf-8") + "  - {source: export, files: exports/接待分析.xlsx}\n"
    path.write_text(text, encoding="utf-8")
    load(load_params(path).loading)
    return path


def test_chats_come_first_and_the_backend_where_asked(both):
    run = open_run(both)
    assert run.door == "chat" and set(measure(run, metrics=["served_users"])["door"]) == {"chat"}
    asked = replace(run, params=run.params.model_copy(update={"door": "table"}))
    assert set(measure(asked, metrics=["served_users"])["door"]) == {"table"}


def test_the_difference_is_the_sum_of_its_causes(both):
    rows = reconcile(open_run(both), by="day")
    told = rows[rows["difference"].notna()]
    assert len(told) > 50
    assert (told["difference"] - told[list(CAUSES)].sum(axis=1)).abs().max() < 1e-9
    assert told["unexplained"].abs().max() < 1e-5  # the table was worked out under the backend's own rules
    assert told.loc[told["metric"] == "mean_wait_turn_s", ["hours", "definition"]].abs().to_numpy().max() > 0
    assert rows.attrs == {"used": "chat", "definitions": "taobao"}


def test_days_that_only_the_backend_tells_are_a_cause_of_their_own(both):
    run = open_run(both)
    months = reconcile(run)
    days = reconcile(run, by="day")
    alone = days[(days["metric"] == "served_users") & days["ours"].isna()]
    counted = months[months["metric"] == "served_users"].set_index("agent_id")
    assert counted["days_missing"].sum() == len(alone)
    assert counted["missing_days"].sum() == pytest.approx(alone["backend"].sum())


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_sets_both_beside_each_other(both, lang):
    table = cs.tables.reconciled(reconcile(open_run(both)), lang=lang)
    page = table.gt.as_raw_html()
    assert ("聊天记录" if lang == "zh" else "Chats") in page and len(table.frame)


def test_the_page_names_the_day_on_which_each_is_farthest_apart():
    told = [("甲", 3, 0.1), ("甲", 4, -0.3), ("乙", 5, 0.2), ("乙", 6, None)]
    rows = pd.DataFrame(
        [
            {"agent_id": who, "period": dt.date(2026, 10, day), "metric": "reply_3min_user", "difference": gap}
            | {"backend": 0.5, "ours": 0.5, **dict.fromkeys(CAUSES, 0.0), "definition": gap, "days_missing": None}
            for who, day, gap in told
        ]
    )
    page = cs.tables.reconciled_days(rows, lang="zh").gt.as_raw_html()
    assert [day in page for day in ("10月3日", "10月4日", "10月5日", "10月6日")] == [False, True, True, False]
    assert not re.search(r'gt_left"[^>]*>[+-]\d', page)  # figures of gaps stand right, below one another
    assert "没有哪一天对不上" in cs.tables.reconciled_days(rows.assign(difference=0.0), lang="zh").gt.as_raw_html()


def test_with_one_door_there_is_nothing_to_reconcile(example):
    rows = reconcile(open_run(example))
    assert rows.empty and cs.tables.reconciled(rows, lang="zh").frame.empty
