"""The registers' Excel forms are read back, bad rows are rejected with the reason, and their metrics come out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import ibis
import pandas as pd
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from csperf import registers, run
from csperf.documents import documents, write_documents
from csperf.engine import connect
from csperf.forms import new_shop
from csperf.load import load
from csperf.params import load_params
from csperf.sources.quality import heading
from csperf.surveys import write_survey
from csperf.text import say

REVIEW = """review_id,order_id,review_score,review_creation_date,review_answer_timestamp
r1,o1,4,2026-10-31 10:00:00,2026-10-31 11:00:00
"""
FORMS = {
    "计划与预算.xlsx": [
        ["种类", "期间", "项目", "计划数", "实际数", "备注"],
        ["工作计划", "2026-10", "培训", 4, 3, ""],
        ["工作计划", dt.date(2026, 10, 1), "月报", 1, 1, ""],  # what Excel makes of 2026-10
        ["费用预算", "2026-10", "软件", 1000, 1200, ""],
        ["工作计划", "十月", "看不懂的期间", 1, 1, ""],
        ["工作计划", "2026-10", "负数", -1, 1, ""],
        ["不认得", "2026-10", "种类", 1, 1, ""],
        ["工作计划", "2026-10", "示例行", 9, 9, "示例"],
    ],
    "回访登记.xlsx": [
        ["方式", "工号", "买家", "大客户", "应完成时间", "实际完成时间", "备注"],
        ["电话", "A001", "甲", "是", dt.date(2026, 10, 5), dt.date(2026, 10, 4), ""],
        ["上门", "A001", "乙", "否", dt.date(2026, 10, 6), "", ""],
        ["上门", "A001", "丙", "否", dt.date(2026, 12, 6), "", ""],  # a date to come
    ],
    "反馈与传递登记.xlsx": [
        ["类型", "工号", "买家", "大客户", "应完成时间", "实际完成时间", "备注"],
        ["意见反馈", "A001", "甲", "否", "2026-10-05 12:00", "2026-10-05 12:00", ""],
        ["意见反馈", "A001", "乙", "否", "2026-10-05 12:00", "2026-10-05 12:01", ""],
        ["信息传递", "A001", "", "否", "2026-10-05 12:00", "", ""],
    ],
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """A new shop whose registers are filled; it has a rating, and neither chats nor calls."""
    folder = tmp_path_factory.mktemp("shop")
    new_shop(folder, lang="zh", today=dt.date(2026, 11, 5))
    for name, rows in FORMS.items():
        book = xlsxwriter.Workbook(folder / name, {"default_date_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet()
        for line, cells in enumerate(rows):
            sheet.write_row(line, 0, cells)
        book.close()
    (folder / "exports" / "reviews.csv").write_text(REVIEW, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def report(shop):
    return load(load_params(shop / "params.yaml").loading)


def test_forms_are_read_back_and_bad_rows_are_counted(report):
    files = report.files.set_index("file")
    counts = files.loc[list(FORMS), ["read", "kept", "filtered", "rejected"]].to_numpy().tolist()
    assert counts == [[7, 3, 1, 3], [3, 3, 0, 0], [3, 3, 0, 0]]
    reasons = report.reasons[report.reasons["part"] == "rejected"]
    assert sorted(reason.split(":")[0] for reason in reasons["reason"]) == [
        "amount_negative",
        "empty",
        "value_unmapped",
    ]


def test_registers_alone_are_measured(shop, report):
    opened = run.open_run(shop / "params.yaml", month="2026-10")
    keys = ["plan_done_share", "budget_used_share", "budget_saved_share", "visit_share", "key_visits"]
    keys += ["feedback_timely_share", "info_timely_share", "csat"]
    values = run.measure(opened, by=["shop", "month"], metrics=keys, min_n=1).set_index("metric")
    assert values["value"].to_dict() == pytest.approx(
        {
            "plan_done_share": 0.8,
            "budget_used_share": 1.2,
            "budget_saved_share": -0.2,
            "visit_share": 0.5,
            "key_visits": 1,
            "feedback_timely_share": 0.5,
            "info_timely_share": 0,
            "csat": 80,
        }
    )
    assert values.loc["plan_done_share", "n"] == 2


@pytest.mark.parametrize(
    ("period", "day"),
    [("2026-02", (2026, 2, 28)), ("2026-12", (2026, 12, 31)), ("2026-Q2", (2026, 6, 30)), ("2028", (2028, 12, 31))],
)
def test_a_plan_counts_on_the_last_day_of_its_period(period, day):
    found = connect().execute(registers.last_day(ibis.literal(period)))
    assert pd.Timestamp(found).date() == dt.date(*day)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_forms_that_commands_write_later_are_read_without_a_change_of_settings(tmp_path, lang):
    """A questionnaire, checks of chats and the register of complaints, of which a new shop has none yet."""
    new_shop(tmp_path, lang=lang, today=dt.date(2026, 11, 5))
    (tmp_path / "exports" / "reviews.csv").write_text(REVIEW, encoding="utf-8")
    settings = load_params(tmp_path / "params.yaml").loading
    assert load(settings).files["kept"].sum() == 1
    register = documents()["complaint_register"]
    survey, told = write_survey(tmp_path / f"{say('quality.survey', lang)}.xlsx", lang), tmp_path / register.file(lang)
    write_documents(tmp_path, lang)
    checks = tmp_path / f"{say('quality.form', lang)}_2026-10.xlsx"
    judged = ("check_id", "account_id", "at", "source", "checker", "attitude")
    at, by = "2026-10-03 10:00", say("quality.source_qa", lang)
    filled(survey, header(survey), ["W1", at, "2026-10-03 12:00", 4, 5, "总体"])
    filled(told, header(told), ["T1", at, "店:小美", "物流", "2026-10-03 11:00", "漏发", "2026-10-03 20:00"])
    filled(checks, [heading(name, lang) for name in judged], ["Z1", "店:小美", at, by, "李质检", 90])
    files = load(settings).files.set_index("file")
    assert files.loc[[survey.name, told.name, checks.name], ["kept", "rejected"]].to_numpy().tolist() == [[1, 0]] * 3


def header(path: Path) -> list[str]:
    return CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()[0]


def filled(path: Path, *rows: list) -> None:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet()
    for line, cells in enumerate(rows):
        sheet.write_row(line, 0, cells)
    book.close()
