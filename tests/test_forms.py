"""The Excel forms: what `csperf new` writes is read back, accounts found are added, mistakes are told cell by cell."""

from __future__ import annotations

import datetime as dt
import shutil
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
from made_backend import make_backend
from python_calamine import CalamineWorkbook

from csperf.cli import main
from csperf.errors import CsperfError
from csperf.filled import confirmed, read_objections, rule_names
from csperf.forms import new_shop
from csperf.load import load, rejection
from csperf.params import load_params
from csperf.rules import load_rules, stale
from csperf.sources import Shop, schedule
from csperf.targets.register import Register
from csperf.tidy import read_points
from csperf.workbook import append_rows

TODAY = dt.date(2026, 11, 5)
ROSTER = ["客服账号", "工号", "姓名", "岗位", "级别", "小组", "入职日期", "离职日期", "生效日期", "失效日期", "备注"]
GOOD = ["店:甲", "A1", "甲", "售前", "中级", "", "2026-03-01", "", "2026-03-01", "", ""]


def book(path: Path, *rows: list) -> Path:
    """A workbook of one sheet."""
    made = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"})
    sheet = made.add_worksheet()
    for line, cells in enumerate(rows):
        sheet.write_row(line, 0, cells)
    made.close()
    return path


def cells(path: Path, sheet: int = 0) -> list[list]:
    return CalamineWorkbook.from_path(path).get_sheet_by_index(sheet).to_python(skip_empty_area=False)


@pytest.fixture
def shop(tmp_path) -> Path:
    """The folder of a new shop that has a backend's table and orders."""
    new_shop(tmp_path, lang="zh", today=TODAY)
    return make_backend(tmp_path)


def run(capsys, *arguments) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main([str(argument) for argument in arguments])
    said = capsys.readouterr()
    return left.value.code or 0, said.out, said.err


# ----------------------------------------------------------------------------------------------------------- 花名册


@pytest.fixture(scope="module")
def loaded_shop(tmp_path_factory) -> tuple[Path, str]:
    """A new shop after its first load, and what was said."""
    folder = tmp_path_factory.mktemp("new")
    new_shop(folder, lang="zh", today=TODAY)
    make_backend(folder)
    from csperf.roster import fill_roster

    settings = load_params(folder / "params.yaml").loading
    load(settings)
    (said,) = fill_roster(settings)
    return folder, said


@pytest.fixture
def filled(loaded_shop, tmp_path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(loaded_shop[0], tmp_path / "shop"))


def test_the_first_load_adds_every_account_found(loaded_shop):
    folder, said = loaded_shop
    rows = cells(folder / "花名册.xlsx")
    assert rows[1][-1] == "示例"
    assert [row[0] for row in rows[2:]] == [f"示例店:小{name}" for name in sorted("甲乙丙丁戊己")]
    assert {row[3] for row in rows[2:]} == {"待定"}
    assert rows[2][1:3] == ["示例店:小丁", "小丁"]
    assert rows[2][8] == "2026-10-01"
    assert "6 accounts" in said and "rows 3–8" in said and "小丁" in said


def test_nothing_is_added_twice_and_what_people_wrote_stays(filled):
    from csperf.roster import fill_roster

    path = filled / "花名册.xlsx"
    rows = cells(path)
    book(
        path,
        [*ROSTER, "我的列"],
        ["示例店:小甲", "甲甲", "本名", "售前", "", "", "2026-01-01", "", "2026-01-01", "", "", "别动"],
    )
    settings = load_params(filled / "params.yaml").loading
    (said,) = fill_roster(settings)
    after = cells(path)
    assert len(after) == len(rows) - 1  # without the example
    assert after[1][:4] == ["示例店:小甲", "甲甲", "本名", "售前"] and after[1][-1] == "别动"
    assert "示例店:小甲" not in said
    assert fill_roster(settings) == []


def test_rows_without_a_role_wait_and_are_read_once_it_is_chosen(filled):
    path, settings = filled / "花名册.xlsx", load_params(filled / "params.yaml").loading
    report = load(settings).files.set_index("file")
    waiting = report[report.index.str.startswith("花名册.xlsx@")].iloc[0]
    assert (waiting.read, waiting.kept, waiting.filtered, waiting.rejected) == (7, 0, 7, 0)
    rows = cells(path)
    book(path, ROSTER, *([*row[:3], "售前", *row[4:]] for row in rows[2:]))
    report = load(settings).files
    assert report[report["file"].str.startswith("花名册.xlsx")]["kept"].max() == 6


def test_a_form_that_excel_has_open_is_named_and_left_whole(filled):
    from csperf.roster import fill_roster

    path = book(filled / "花名册.xlsx", ROSTER, GOOD)
    (filled / "~$花名册.xlsx").write_bytes(b"")
    before = path.read_bytes()
    (said,) = fill_roster(load_params(filled / "params.yaml").loading)
    assert "close it" in said and "小甲" in said
    assert path.read_bytes() == before
    assert not list(filled.glob(".花名册*"))


def test_a_form_that_cannot_be_written_stays_whole(filled, monkeypatch):
    from csperf.roster import fill_roster

    path = book(filled / "花名册.xlsx", ROSTER, GOOD)
    before = path.read_bytes()

    def locked(*_args):
        raise PermissionError(13, "used by another process", str(path))

    monkeypatch.setattr(Path, "replace", locked)
    (said,) = fill_roster(load_params(filled / "params.yaml").loading)
    assert "close it" in said
    assert path.read_bytes() == before
    assert not list(filled.glob(".花名册*"))


def test_rows_are_added_below_what_is_written_and_all_else_stays(tmp_path):
    path = tmp_path / "a.xlsx"
    made = xlsxwriter.Workbook(path)
    sheet = made.add_worksheet("一")
    sheet.write_row(0, 0, ["账号", "姓名"])
    sheet.write(1, 0, "店:<甲> & 乙")
    for line in range(2, 6):
        sheet.write_blank(line, 0, None, made.add_format({"bold": True}))
    sheet.data_validation(1, 1, 50, 1, {"validate": "list", "source": ["是", "否"]})
    made.add_worksheet("二").write(0, 0, "别处")
    made.close()
    before = parts(path)
    assert append_rows(path, 0, [{0: "店:丙 <&>", 1: "丙"}, {1: "丁"}]) == 3
    assert cells(path)[:4] == [["账号", "姓名"], ["店:<甲> & 乙", ""], ["店:丙 <&>", "丙"], ["", "丁"]]
    assert cells(path, 1) == [["别处"]]
    after = parts(path)
    assert after.keys() == before.keys()
    assert [name for name in before if after[name] != before[name]] == ["xl/worksheets/sheet1.xml"]
    assert b"dataValidation " in after["xl/worksheets/sheet1.xml"]


def parts(path: Path) -> dict[str, bytes]:
    """What is inside a workbook, part by part."""
    with zipfile.ZipFile(path) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


# -------------------------------------------------------------------------------------------------- mistakes, told


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_mistake_of_a_roster_is_told_at_once(shop, monkeypatch, lang):
    monkeypatch.setenv("CSPERF_LANG", lang)
    book(
        shop / "花名册.xlsx",
        ROSTER,
        GOOD,
        ["店:乙", "A2", "乙", "售前", "高手", "", "去年三月", "", "2026-03-01", "", ""],
        ["店:丙", "", "丙", "售前台", "", "", "2026-13-01", "", "2026-03-01", "", ""],
        ["店:甲", "A1", "甲", "售后", "", "", "2026-03-01", "", "2026-03-01", "", ""],
    )
    report = load(load_params(shop / "params.yaml").loading)
    rows = report.reasons[(report.reasons["part"] == "rejected") & (report.reasons["file"] == "花名册.xlsx")]
    assert rows[["line", "column", "found"]].values.tolist() == [
        [3, "级别", "高手"],
        [3, "入职日期", "去年三月"],
        [4, "岗位", "售前台"],
        [4, "入职日期", "2026-13-01"],
        [4, "工号", ""],
        [5, "客服账号", "店:甲"],
    ]
    said = [rejection(row.reason, row.n, row._asdict()) for row in rows.itertuples()]
    assert ("第 3 行" if lang == "zh" else "line 3") in said[0]
    assert "初级" in said[0] and "2026-10-01" in said[1] and "售前, 售后" in said[2]
    assert ("必填" if lang == "zh" else "must be filled") in said[4]
    assert ("生效日期相同" if lang == "zh" else "same first day") in said[5]
    counts = report.files.set_index("file").loc["花名册.xlsx"]
    assert (counts.read, counts.kept, counts.rejected) == (4, 1, 3)


def test_a_new_level_of_an_account_is_no_mistake(shop):
    again = ["店:甲", "A1", "甲", "售前", "资深", "", "2026-03-01", "", "2026-09-01", "", ""]
    book(shop / "花名册.xlsx", ROSTER, GOOD, again, GOOD)
    report = load(load_params(shop / "params.yaml").loading).files.set_index("file").loc["花名册.xlsx"]
    assert (report.kept, report.duplicate, report.rejected) == (2, 1, 0)


def test_metrics_of_benchmarks_are_written_by_name_or_key(shop):
    heads = [
        "指标",
        "口径",
        "哪一种均值",
        "数值",
        "样本数",
        "统计开始",
        "统计结束",
        "层级",
        "类目",
        "来源",
        "录入人",
        "备注",
    ]
    rest = ["taobao", "同行同层均值", 0.5, "", "2026-10-01", "2026-10-31", "", "", "生意参谋", "美", ""]
    named = load_params(shop / "params.yaml").sources[3].columns["metric"][0].values
    name = next(word for word, key in named.items() if key == "conversion_paid_user" and word != key)
    book(shop / "行业基准录入.xlsx", heads, [name, *rest], ["reply_30s_msg", *rest], ["询单成功率", *rest])
    report = load(load_params(shop / "params.yaml").loading)
    (row,) = report.reasons[report.reasons["part"] == "rejected"].to_dict("records")
    assert (row["line"], row["column"], row["found"]) == (4, "指标", "询单成功率")


# -------------------------------------------------------------------------------------------------------- 权重打分


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_votes_are_read_back_without_the_example(tmp_path, lang):
    new_shop(tmp_path, lang=lang, today=TODAY)
    path = tmp_path / {"zh": "权重打分.xlsx", "en": "Weight votes.xlsx"}[lang]
    with pytest.raises(CsperfError, match="no row but the example"):
        read_points(path)
    heads, example = cells(path)[:2]
    book(path, heads, example, ["甲", 1, example[2], example[3], 60, ""], ["甲", 1, "pre", "reply_30s_msg", 40, ""])
    votes = read_points(path)
    assert votes[["expert", "role", "metric", "points"]].values.tolist() == [
        ["甲", "pre", "conversion_paid_user", 60],
        ["甲", "pre", "reply_30s_msg", 40],
    ]


def test_a_vote_that_does_not_read_is_named_by_row_and_column(tmp_path):
    path = book(
        tmp_path / "权重打分.xlsx",
        ["打分人", "轮次", "指标", "分数"],
        ["甲", 1, "成交率高", "六十"],
        ["", 1, "reply_30s_msg", 40],
    )
    with pytest.raises(CsperfError) as refused:
        read_points(path)
    said = str(refused.value)
    assert all(word in said for word in ('row 2 "指标"', "成交率高", 'row 2 "分数"', "六十", 'row 3 "打分人"'))


# ---------------------------------------------------------------------------------------------------- 平台规则核实


def checks(folder: Path, *rows: list) -> Path:
    return book(
        folder / "平台规则核实.xlsx", ["规则", "起始日", "现用的线", "后台看到的线", "核实日期", "核实人"], *rows
    )


def rule_of(platform: str, **wanted):
    return next(
        rule for rule in load_rules(platform) if all(getattr(rule, name) == value for name, value in wanted.items())
    )


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_rule_of_the_form_is_known_again(tmp_path, lang):
    new_shop(tmp_path, lang=lang, today=TODAY)
    (path,) = (p for p in tmp_path.glob("*.xlsx") if p.stem in ("平台规则核实", "Platform rules"))
    heads, *rows = cells(path)
    assert confirmed(load_rules("pdd"), tmp_path) == load_rules("pdd")
    filled = [[*row[:-2], "2026-11-01", "美"] for row in rows]
    book(path, heads, *filled)
    for platform in ("pdd", "taobao", "douyin", "jd"):
        found = confirmed(load_rules(platform), tmp_path)
        assert {rule.checked_on for rule in found} == {dt.date(2026, 11, 1)}
        assert not stale(found, TODAY)
        assert [rule.threshold for rule in found] == [rule.threshold for rule in load_rules(platform)]


def test_a_confirmed_rule_may_carry_money_and_the_limit_seen_holds(tmp_path):
    rule = next(r for r in load_rules("pdd") if r.threshold == 0.5 and not r.usable and r.do_not_use is None)
    checks(tmp_path, [rule_names(rule)[0], f"{rule.since}", 0.5, "60%", "2026-11-01", "美"])
    (found,) = [r for r in confirmed(load_rules("pdd"), tmp_path) if r.name_zh == rule.name_zh]
    assert found.usable
    assert (found.threshold, found.grade, found.checked_by) == (0.6, "own", "美")


def test_the_shop_s_rules_are_those_confirmed(tmp_path):
    new_shop(tmp_path, lang="zh", today=TODAY)
    settings = tmp_path / "params.yaml"
    settings.write_text(
        settings.read_text(encoding="utf-8").replace("# platform: taobao", "platform: pdd"), encoding="utf-8"
    )
    rule = load_rules("pdd")[0]
    checks(tmp_path, [rule_names(rule)[0], f"{rule.since or ''}", "", "", "2026-11-01", "美"])
    assert load_params(settings).platform_rules()[0].checked_by == "美"


def test_mistakes_in_checks_are_all_named(tmp_path):
    fixed = next(r for r in load_rules("pdd") if r.threshold == 0.5 and r.metric == "reply_3min_user")
    ranked = rule_of("pdd", relative_to="rank")
    checks(
        tmp_path,
        [rule_names(fixed)[0], f"{fixed.since}", 0.5, 60, "2026-11-01", ""],
        [rule_names(ranked)[0], f"{ranked.since}", "", 0.4, "", "美"],
        ["pdd 没有这条", "", "", "", "2026-11-01", "美"],
        ["taobao 别家的", "", "", "", "2026-11-01", "美"],
    )
    with pytest.raises(CsperfError) as refused:
        confirmed(load_rules("pdd"), tmp_path)
    places = [problem.where.partition("xlsx ")[2] for problem in refused.value.problems]
    columns = ['row 2 "核实人"', 'row 2 "后台看到的线"', 'row 3 "核实日期"', 'row 3 "后台看到的线"', 'row 4 "规则"']
    assert places == columns


# -------------------------------------------------------------------------------------------------------- 异议登记

OBJECTIONS = ["提出日期", "对什么有异议", "提出人", "客服", "原打分人", "异议和理由", "备注"]


def test_objections_are_recorded_once(tmp_path):
    path = book(
        tmp_path / "异议登记.xlsx",
        OBJECTIONS,
        ["2026-11-07", "2026-10", "例", "", "例", "例", "示例"],
        ["2026-11-07", "2026-10", "小美", "A1", "李主管", "系统故障", ""],
    )
    register = read_objections(path, Register(tmp_path / "r.csv"))
    (event,) = register.events
    assert (event.about, event.who, event.agents, event.scorer, f"{event.date}") == (
        *("M2026-10", "小美", "A1", "李主管"),
        "2026-11-07",
    )
    assert read_objections(path, register) is register


def test_mistakes_in_objections_are_all_named(tmp_path):
    path = book(
        tmp_path / "异议登记.xlsx",
        OBJECTIONS,
        ["2026-11-07", "A9999", "小美", "", "", "太高", ""],
        ["2026-11-07", "2026-10", "小美", "", "", "系统故障", ""],
    )
    with pytest.raises(CsperfError) as refused:
        read_objections(path, Register(tmp_path / "r.csv"))
    places = [problem.where.partition("xlsx ")[2] for problem in refused.value.problems]
    assert places == ['row 2 "对什么有异议"', 'row 3 "原打分人"']
    book(path, OBJECTIONS, ["哪天", "2026-10", "小美", "", "王", "", ""])
    with pytest.raises(CsperfError) as refused:
        read_objections(path, Register(tmp_path / "r.csv"))
    assert len(refused.value.problems) == 2


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_command_reads_the_form_that_new_wrote(capsys, tmp_path, lang):
    new_shop(tmp_path, lang=lang, today=TODAY)
    name = {"zh": "异议登记.xlsx", "en": "Objections.xlsx"}[lang]
    code, _, complaint = run(capsys, "review", tmp_path / "params.yaml", "object", "--from", name)
    assert code == 1 and "no row but the example" in complaint
    heads, example = cells(tmp_path / name)[:2]
    book(tmp_path / name, heads, [*example[:-1], ""])
    code, said, _ = run(capsys, "review", tmp_path / "params.yaml", "object", "--from", name)
    assert code == 0 and "1 new objections" in said and "M2026-10" in said
    code, said, _ = run(capsys, "review", tmp_path / "params.yaml", "object", "--from", name)
    assert code == 0 and "0 new objections" in said


# ----------------------------------------------------------------------------------------------------------- 排班表


def test_the_plan_of_a_new_shop_has_a_dictionary_of_its_words(tmp_path):
    new_shop(tmp_path, lang="zh", today=TODAY)
    path = tmp_path / "排班表.xlsx"
    words = {row[0]: row[1:] for row in cells(path, 1)[1:]}
    assert words == {
        "早": ["08:00", "16:00"],
        "中": ["12:00", "20:00"],
        "晚": ["16:00", "00:30"],
        "休": ["不上班", ""],
        "请假": ["不上班", ""],
    }


def test_words_without_times_are_days_off_and_a_stand_in_works_the_shift_named(tmp_path):
    made = xlsxwriter.Workbook(tmp_path / "排班表.xlsx")
    rows = [["工号", "姓名", "2026-11-01", "2026-11-02", "2026-11-03"], ["A1", "甲", "调休", "替小美早", "替小美"]]
    times = [["班次", "上班", "下班"], ["早", "08:00", "16:00"], ["调休", "不上班", ""]]
    for content in (rows, times):
        sheet = made.add_worksheet()
        for line, row in enumerate(content):
            sheet.write_row(line, 0, row)
    made.close()
    loaded = schedule.load(
        tmp_path / "排班表.xlsx", schedule.Settings(files="*"), Shop("demo", "Asia/Shanghai", root=tmp_path)
    )
    assert loaded.counts.filtered == {"day_off": 1}
    assert [(r["shift"], f"{r['day']}") for r in loaded.tables["shifts"].to_pylist()] == [("早", "2026-11-02")]
    assert loaded.rejects["shift"].to_pylist() == ["2026-11-03 替小美"]
