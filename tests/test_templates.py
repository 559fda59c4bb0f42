"""The forms of management: written in both languages, read back, every cell at fault named by its row and heading."""

from __future__ import annotations

import re

import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook
from typer.testing import CliRunner

from csperf.cli import app
from csperf.documents import CHECKS, check_documents, documents, read_document, write_documents
from csperf.errors import CsperfError

ROLES_OF_PEOPLE = {"in_order", "within_hours", "working_days", "filled_when", "all_yes", "times_a_week"}


@pytest.fixture(autouse=True)
def chinese(monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "zh")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("表格")
    return {lang: write_documents(folder / lang, lang)[0] for lang in ("zh", "en")}


def filled(folder, name, *rows, lang="zh"):
    """What is read of a form into which these rows were written below its headings, and what is wrong with them."""
    folder.mkdir(parents=True, exist_ok=True)
    document = documents()[name]
    path = folder / document.file(lang)
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [column.said(lang) for column in document.columns])
        for line, row in enumerate(rows, 1):
            sheet.write_row(line, 0, [row.get(column.key) for column in document.columns])
    return read_document(path, document)


def said(problems):
    return [(re.sub(r"^.*\.xlsx ", "", problem.where), problem.message) for problem in problems]


def test_each_form_is_written_in_both_languages(written):
    for lang, other in (("zh", "en"), ("en", "zh")):
        assert len(written[lang]) == len(documents()) == len({path.name for path in written[lang]})
        for path, document in zip(written[lang], documents().values(), strict=True):
            form, about = (CalamineWorkbook.from_path(path).get_sheet_by_index(at).to_python() for at in (0, 1))
            headings = form[0]
            assert headings[:-1] == [column.said(lang) for column in document.columns]
            assert document.about.said(lang) in [cell for row in about for cell in row]
            assert not {column.said(other) for column in document.columns} & set(headings)


def test_forms_name_columns_that_exist_and_words_that_may_be_chosen():
    for name, document in documents().items():
        keys = [column.key for column in document.columns]
        assert len(set(keys)) == len(keys), name
        named = {key for check in document.checks for key in (*check.columns, check.column, check.when) if key}
        named |= {key for row in (*document.rows, document.example) for key in row}
        assert named <= set(keys), name
        assert bool(document.rows) != bool(document.example), name
        for column in document.columns:
            values = [row[column.key] for row in (*document.rows, document.example) if column.key in row]
            if column.words:
                assert all(value in [w.model_dump() for w in column.words] for value in values), (name, column.key)


def test_an_example_breaks_no_check_of_its_form(tmp_path):
    for name, document in documents().items():
        if document.example:
            row = {key: value["zh"] if isinstance(value, dict) else value for key, value in document.example.items()}
            row |= {key: "是" if value else "否" for key, value in row.items() if isinstance(value, bool)}
            complete = {c.key: "x" for c in document.columns if c.required and c.key not in row}
            _rows, problems = filled(tmp_path / name, name, {k: str(v) for k, v in row.items()} | complete)
            excused = {"批准人"} if name == "promotion" else set()
            assert [p for p in said(problems) if not any(word in p[0] for word in excused)] == [], name


def test_forms_as_they_came_are_not_filled_in(written):
    for lang in ("zh", "en"):
        assert check_documents(written[lang][0].parent) == ([], [])


def test_forms_that_are_there_are_left_alone(tmp_path):
    first, _ = write_documents(tmp_path, "zh")
    again, kept = write_documents(tmp_path, "zh")
    assert (again, kept) == ([], first)


def test_a_complaint_is_held_to_two_hours_and_a_day(tmp_path):
    late = {
        "complaint_id": "C1",
        "opened_at": "2026-10-12 09:00",
        "kind": "物流",
        "cause_at": "2026-10-12 11:30",
        "resolved_at": "2026-10-13 09:00",
        "cause": "漏发",
        "result": "补发",
        "owner": "李",
    }
    early = late | {"cause_at": "2026-10-12 08:00", "resolved_at": None, "result": None, "kind": "吵架", "owner": None}
    rows, problems = filled(tmp_path, "complaint_register", late, early)
    assert len(rows) == 2
    assert [where for where, _message in said(problems)] == [
        "第3行 “投诉类型”",
        "第3行 “责任人”",
        "第3行 “找到原因时间”",
        "第2行 “找到原因时间”",
        "第2行 “告知客户时间”",
    ]
    assert "2.5小时，超过2小时" in problems[3].message  # the result came after 24 hours to the minute: in time
    assert "吵架" in problems[0].message and "物流" in problems[0].message


@pytest.mark.parametrize(
    ("published_to", "wrong"),
    [("2026-10-09", 1), ("2026-10-10", 1), ("2026-10-12", 0)],  # 10 October is worked for the holiday
)
def test_a_promotion_is_published_for_three_working_days(published_to, wrong, tmp_path):
    row = {"candidate": "王", "path": "纵向", "from": "中级", "to": "高级", "applied_on": "2026-09-30"}
    row |= {"published_from": "2026-10-08", "published_to": published_to}
    _rows, problems = filled(tmp_path, "promotion", row)
    assert len(problems) == wrong
    if wrong:
        assert "3个工作日" in problems[0].message and "公示结束" in problems[0].where


def test_steps_of_a_promotion_come_in_their_order(tmp_path):
    row = {"candidate": "王", "path": "横向", "from": "中级", "to": "质控专员", "applied_on": "2026-10-09"}
    _rows, problems = filled(tmp_path, "promotion", row | {"assessed_on": "2026-10-08", "appointed_on": "2026-10-20"})
    assert [where for where, _ in said(problems)] == ["第2行 “评议日期”", "第2行 “批准人”"]


def test_supervision_is_due_three_times_a_week(tmp_path):
    look = {"hours": "20–22", "watched": "王", "metric": "应答率", "by": "李"}
    days = ["2026-10-12", "2026-10-12", "2026-10-14", "2026-10-19"]  # the newest week may still run
    _rows, problems = filled(tmp_path, "supervision_calendar", *(look | {"date": day} for day in days))
    assert said(problems) == [("第4行 “日期”", "2026年第42周只看了2次，一周至少3次")]


def test_nothing_is_published_with_a_principle_not_ticked(tmp_path):
    line = {"principle": "1 公平", "look_at": "班次", "ok": "否", "by": "李", "date": "2026-10-12"}
    _rows, problems = filled(tmp_path, "publish_checklist", line, line | {"ok": None})
    assert [where for where, _ in said(problems)] == ["第3行 “是否做到”", "第2行 “是否做到”"]


def test_what_was_not_done_needs_its_reason_and_points_stay_within_the_scale(tmp_path):
    task = {"date": "2026-10-12", "task": "回复", "standard": "80人", "due": "18:00", "owner": "王", "done": "否"}
    _rows, problems = filled(tmp_path / "a", "daily_tasks", task, task | {"done": "是"}, task | {"date": "昨天"})
    assert [where for where, _ in said(problems)] == ["第4行 “日期”", "第2行 “没完成的原因”", "第4行 “没完成的原因”"]
    asked = {"department": "运营", "who": "张", "problem": "x", "metric": "y", "source": "z", "importance": 6}
    _rows, problems = filled(tmp_path / "b", "internal_survey", asked | {"feasibility": 5})
    assert said(problems) == [("第2行 “重要性(1–5)”", "6不在1到5之间")]


def test_english_forms_read_as_well(tmp_path):
    row = {"metric": "x", "met": "8", "verdict": "Keep", "reason": "y", "by": "Lee"}
    rows, problems = filled(tmp_path, "standard_review", row, lang="en")
    assert problems == [] and rows[0].cells["verdict"] == "留"


def test_changed_headings_are_said(tmp_path):
    write_documents(tmp_path, "zh")
    path = tmp_path / "改进计划.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet().write_row(0, 0, ["别的", *(c.zh for c in documents()["improvement_plan"].columns[1:])])
    _read, problems = check_documents(tmp_path)
    assert [problem.where for problem in problems] == [str(path)]
    assert "发现的问题" in problems[0].message


def test_the_command_writes_and_checks(tmp_path):
    run = CliRunner().invoke(app, ["templates", str(tmp_path), "--lang", "zh"])
    assert run.exit_code == 0 and "公布前检查表.xlsx" in run.output
    assert CliRunner().invoke(app, ["templates", str(tmp_path), "--check"]).exit_code == 0
    line = {"principle": "1", "look_at": "x", "ok": "否", "by": "李", "date": "2026-10-12"}
    filled(tmp_path, "publish_checklist", line)
    wrong = CliRunner().invoke(app, ["templates", str(tmp_path), "--check"])
    assert isinstance(wrong.exception, CsperfError)


def test_every_kind_of_check_is_known():
    assert set(CHECKS) == ROLES_OF_PEOPLE
