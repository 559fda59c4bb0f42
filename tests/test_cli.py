"""The command line as a newcomer meets it: help, wrong files, wrong words, consoles that cannot show Chinese."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from csperf import cli
from csperf.catalogue import PRESETS
from csperf.errors import CsperfError
from csperf.export import write_table
from csperf.forms import shop_id
from csperf.params import load_params

ROOT = Path(__file__).resolve().parent.parent
COMMANDS = [command.name for command in cli.app.registered_commands]
PARAMS = "shop: demo\ntimezone: Asia/Shanghai\n"


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    monkeypatch.delenv("CSPERF_KEY", raising=False)


def outside(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Runs `python -m csperf` in a process of its own."""
    command = [sys.executable, "-m", "csperf", *map(str, arguments)]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUTF8"}
    return subprocess.run(command, cwd=ROOT, env=inherited | environment, capture_output=True, check=False)


# Help -------------------------------------------------------------------------------------------------------------


def test_help_lists_the_commands(run):
    code, said, _ = run("--help")
    assert code == 0
    assert set("new sample load check measure explain targets run metrics".split()) <= set(COMMANDS)
    assert all(f"  {name} " in said for name in [*COMMANDS, "review"])


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_shows_an_example(run, name):
    code, said, _ = run(name, "--help")
    assert code == 0
    assert f"Example: csperf {name}" in said


def test_help_does_not_import_the_heavy_libraries():
    heavy = "{'pandas', 'ibis', 'duckdb', 'rich', 'pydantic'}"
    asked = f"import sys; from csperf import cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("arguments", [["--help"], ["metrics"], ["check", "没有.yaml"]])
@pytest.mark.parametrize("encoding", ["gbk", "ascii"])
def test_a_console_of_another_encoding_does_not_stop_the_work(encoding, arguments):
    done = outside(*arguments, PYTHONIOENCODING=encoding, CSPERF_LANG="zh")
    assert b"Traceback" not in done.stderr
    assert done.returncode == (1 if "没有.yaml" in arguments else 0)
    if encoding == "gbk":
        assert re.search("[一-鿿]", (done.stdout + done.stderr).decode("gbk"))


# What was mistyped ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["measur"],
        ["measure", "x.yaml", "--by", "agents"],
        ["measure", "x.yaml", "--from", "2026-13-01"],
        ["measure", "x.yaml", "--month", "2026-13"],
        ["measure", "x.yaml", "--colour", "red"],
        ["run", "x.yaml", "--stage", "final"],
        ["sample", "demo", "--messages", "3"],
        ["explain", "x.yaml"],
    ],
)
def test_wrong_usage_exits_with_2(run, arguments):
    code, _, complaint = run(*arguments)
    assert code == 2
    assert "Usage:" in complaint


def test_wrong_grain_says_which_are_allowed(run):
    _, _, complaint = run("measure", "x.yaml", "--by", "agent,dya")
    assert "dya" in complaint
    assert "shop, agent, level, role, shift, day, week, month" in complaint


@pytest.mark.parametrize("command", ["check", "measure", "run", "load"])
def test_all_mistakes_of_a_params_file_are_listed_at_once(run, tmp_path, command):
    path = tmp_path / "params.yaml"
    path.write_text("shop: demo\ntimezone: Asia/Shanghia\nmonht: 2026-10\nmin_n: few\n", encoding="utf-8")
    code, _, complaint = run(command, path)
    assert code == 1
    assert complaint.count("\n  ") == 3
    assert "did you mean Asia/Shanghai?" in complaint
    assert "did you mean month?" in complaint
    assert "3 to mend" in complaint


@pytest.mark.parametrize("command", ["check", "measure", "run", "load"])
def test_a_missing_params_file_is_named(run, tmp_path, command):
    code, _, complaint = run(command, tmp_path / "没有.yaml")
    assert code == 1
    assert "没有.yaml" in complaint
    assert "there is no such file" in complaint


def test_check_names_every_source_without_files(run, tmp_path):
    path = tmp_path / "params.yaml"
    sources = "sources:\n  - {source: schedule, files: a/*.xlsx}\n  - {source: schedule, files: b.xlsx}\n"
    path.write_text(PARAMS + "platform: taobo\n" + sources, encoding="utf-8")
    code, _, complaint = run("check", path)
    assert code == 1
    assert "sources[0].files: no file matches “a/*.xlsx”" in complaint
    assert "sources[1].files: no file matches “b.xlsx”" in complaint
    assert "taobao" in complaint


def test_check_of_an_empty_shop_says_what_comes_next(run, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS, encoding="utf-8")
    code, said, _ = run("check", path)
    assert code == 0
    assert "run csperf load" in said


def test_measuring_before_loading_says_so(run, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS, encoding="utf-8")
    code, _, complaint = run("measure", path)
    assert code == 1
    assert "csperf load" in complaint


# A new shop -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_new_shop_has_settings_that_load(run, tmp_path, lang):
    folder = tmp_path / "我的 店铺"
    code, said, _ = run("new", folder, "--lang", lang)
    assert code == 0
    params = load_params(folder / "params.yaml")
    assert (params.shop, params.lang) == ("我的-店铺", lang)
    assert re.fullmatch("[0-9a-f]{64}", (folder / ".key").read_text(encoding="ascii"))
    assert all(str(path) in said for path in [folder / "params.yaml", folder / ".key"])
    if os.name == "posix":
        assert (folder / ".key").stat().st_mode & 0o777 == 0o600


def test_forms_of_a_new_shop_are_read_back(run, tmp_path):
    from csperf.sources import REGISTRY, Shop

    run("new", tmp_path, "--lang", "zh")
    params = load_params(tmp_path / "params.yaml")
    forms = [(source, path) for source in params.sources for path in tmp_path.glob(source.files) if path.is_file()]
    assert len(forms) == 7
    for settings, path in forms:
        shop = Shop(params.shop, params.timezone, root=tmp_path)
        loaded = REGISTRY[settings.source].load(path, settings, shop)
        assert loaded.counts.kept == 0
        assert loaded.counts.rejected == {}
        assert loaded.counts.filtered == ({} if settings.source == "schedule" else {"example": 1})


def test_example_row_becomes_data_once_its_remark_is_gone(tmp_path):
    from csperf.forms import FORMS, _source, _write_form
    from csperf.sources import Shop, table

    for name, fields in FORMS.items():
        _write_form(tmp_path / "form.xlsx", name, fields, "zh")
        settings = table.Settings.model_validate(_source(name, fields, "zh") | {"filter": {}})
        loaded = table.load(tmp_path / "form.xlsx", settings, Shop("demo", "Asia/Shanghai", root=tmp_path))
        assert (loaded.counts.kept, loaded.counts.rejected) == (1, {}), name


def test_new_never_overwrites(run, tmp_path):
    run("new", tmp_path)
    (tmp_path / "params.yaml").write_text("mine", encoding="utf-8")
    key = (tmp_path / ".key").read_text(encoding="utf-8")
    code, said, _ = run("new", tmp_path)
    assert code == 0
    assert said.count("left alone") == sum(path.is_file() for path in tmp_path.iterdir())
    assert (tmp_path / "params.yaml").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / ".key").read_text(encoding="utf-8") == key


def test_forms_offer_drop_downs(run, tmp_path):
    run("new", tmp_path, "--lang", "zh")
    book = CalamineWorkbook.from_path(tmp_path / "花名册.xlsx")
    assert book.sheet_names == ["花名册", "选项"]
    options = book.get_sheet_by_name("选项").to_python()
    assert [row[0] for row in options] == ["售前", "售后", "混合", "主管", "机器人"]


@pytest.mark.parametrize(
    ("folder", "number"), [("我的 店", "我的-店"), ("a.b", "a-b"), ("..", "shop"), ("x" * 99, "x" * 64)]
)
def test_shop_number_comes_from_the_folder(folder, number):
    assert shop_id(folder) == number


def test_sample_does_not_mix_with_other_files(run, tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    code, _, complaint = run("sample", tmp_path)
    assert code == 1
    assert "empty folder" in complaint
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# The dictionary ---------------------------------------------------------------------------------------------------


def test_metrics_lists_every_key(run):
    from csperf.catalogue import ENTRIES

    code, said, _ = run("metrics")
    assert code == 0
    assert all(key in said for key in ENTRIES)


def test_metric_is_explained_in_both_languages(run):
    code, said, _ = run("metrics", "reply_30s_msg")
    assert code == 0
    assert "30秒应答率" in said
    assert "Messages answered within 30 s" in said
    assert "买家消息数（在服务时间内，30秒内回复） ÷ 买家消息数（在服务时间内）" in said
    assert "buyer messages (in service hours, answered within 30 s) ÷ buyer messages (in service hours)" in said
    assert "来源：" in said
    assert "Source: " in said


def test_unknown_metric_gets_a_suggestion(run):
    code, _, complaint = run("metrics", "reply_30_msg")
    assert code == 1
    assert "reply_30s_msg" in complaint


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_dictionary_is_written_whole(run, tmp_path, lang):
    from csperf.dictionary import page

    code, _, _ = run("metrics", "--all", "--lang", lang, "-o", tmp_path / "metrics.md")
    assert code == 0
    assert (tmp_path / "metrics.md").read_text(encoding="utf-8") == page(lang)


# Tables to files --------------------------------------------------------------------------------------------------

FRAME = pd.DataFrame({"who": ["=1+1", "小美", None, "-x"], "value": [-0.5, None, 2.0, 1.0], "n": [1, 2, 3, 4]})


def test_csv_holds_no_formula_and_no_bom_unless_asked(tmp_path):
    plain = write_table(FRAME, tmp_path / "a.csv").read_bytes()
    assert plain.decode("utf-8") == "who,value,n\n'=1+1,-0.5,1\n小美,,2\n,2.0,3\n'-x,1.0,4\n"
    assert write_table(FRAME, tmp_path / "b.csv", excel=True).read_bytes() == b"\xef\xbb\xbf" + plain


def test_xlsx_holds_text_as_text_and_is_the_same_every_time(tmp_path):
    first = write_table(FRAME, tmp_path / "a.xlsx").read_bytes()
    assert write_table(FRAME, tmp_path / "b.xlsx").read_bytes() == first
    rows = CalamineWorkbook.from_path(tmp_path / "a.xlsx").get_sheet_by_index(0).to_python()
    assert rows[1:] == [["=1+1", -0.5, 1.0], ["小美", "", 2.0], ["", 2.0, 3.0], ["-x", 1.0, 4.0]]


def test_parquet_keeps_every_value(tmp_path):
    pd.testing.assert_frame_equal(pd.read_parquet(write_table(FRAME, tmp_path / "a.parquet")), FRAME)


@pytest.mark.parametrize(
    ("name", "message"), [("a.txt", "allowed: .csv, .parquet, .xlsx"), ("no/a.csv", "cannot be written")]
)
def test_a_table_that_cannot_be_written_is_refused(tmp_path, name, message):
    from csperf.errors import CsperfError

    with pytest.raises(CsperfError, match=re.escape(message)):
        write_table(FRAME, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_an_unfinished_file_leaves_the_old_one(tmp_path, monkeypatch):
    path = write_table(FRAME, tmp_path / "a.csv")
    before = path.read_bytes()

    def disk_full(self, target, **_options):
        Path(target).write_text("who,val", encoding="utf-8")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", disk_full)
    with pytest.raises(CsperfError, match="No space left"):
        write_table(FRAME.head(1), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


# A shop from its exports to its numbers ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Path:
    """The params file of a small made-up shop, loaded."""
    from csperf.load import load
    from csperf.sample import make

    params = make(tmp_path_factory.mktemp("made up 店"), months=2, agents=4, messages=900).params
    load(load_params(params).loading)
    return params


def test_loading_accounts_for_every_row_and_again_changes_nothing(run, shop):
    code, said, _ = run("load", shop)
    assert code == 0
    rows = [line.split() for line in said.splitlines() if re.search(r"(\s+\d+){7}\s*$", line)]
    assert len(rows) > 10
    for row in rows:
        read, *fates = map(int, row[-7:])
        assert read == sum(fates), row
    assert run("load", shop)[1] == said


def test_measure_stacks_definition_sets_and_writes_what_the_contract_says(run, shop, tmp_path):
    wanted = ["--by", "agent,day", "--metrics", "reply_30s_msg,sessions_per_day", "--definitions", "pdd,taobao"]
    code, _, _ = run("measure", shop, *wanted, "-o", tmp_path / "values.csv")
    assert code == 0
    values = pd.read_csv(tmp_path / "values.csv")
    columns = "shop_id agent_id day metric definitions door numerator denominator value n note".split()
    assert list(values.columns) == columns
    assert set(values["definitions"]) == {"pdd", "taobao"}
    assert values.duplicated(["agent_id", "day", "metric", "definitions"]).sum() == 0
    run("measure", shop, *wanted, "-o", tmp_path / "again.xlsx")
    assert len(pd.read_excel(tmp_path / "again.xlsx", engine="calamine")) == len(values)


def test_a_kind_of_file_that_cannot_be_written_is_refused_before_the_work(run, tmp_path):
    code, _, complaint = run("measure", tmp_path / "no.yaml", "-o", tmp_path / "values.txt")
    assert code == 1
    assert "allowed: .csv, .parquet, .xlsx" in complaint and "no.yaml" not in complaint


def test_a_metric_that_was_asked_for_and_has_no_data_is_named(run, shop):
    code, said, told = run("measure", shop, "--metrics", "calls_per_day,reply_30s_msg")
    assert code == 0
    assert "calls_per_day is not measured: the data for it were not loaded" in told
    assert "reply_30s_msg" in said and "calls_per_day" not in said


def test_days_narrow_what_is_measured(run, shop, tmp_path):
    days = ["--from", "2026-10-03", "--to", "2026-10-04"]
    run("measure", shop, "--by", "day", "--metrics", "new_product", *days, "-o", tmp_path / "v.csv")
    values = pd.read_csv(tmp_path / "v.csv")
    assert set(values["day"]) == {"2026-10-03", "2026-10-04"}
    assert {"asked_users", "conversion_paid_user"} <= set(values["metric"]) <= set(PRESETS["new_product"])


def test_explain_opens_the_number_that_measure_shows(run, shop, tmp_path):
    run("measure", shop, "--by", "shop", "--metrics", "reply_30s_msg", "-o", tmp_path / "v.csv")
    code, _, _ = run("explain", shop, "reply_30s_msg", "-o", tmp_path / "rows.csv")
    assert code == 0
    (value,) = pd.read_csv(tmp_path / "v.csv").to_dict("records")
    rows = pd.read_csv(tmp_path / "rows.csv")
    counted = rows[rows["counted"]].groupby("side")["value"].sum()
    assert counted["numerator"] == value["numerator"]
    assert counted["denominator"] == value["denominator"]
    assert rows["reason"].notna().all()
    assert "buyer_id" not in rows


def test_month_without_data_lists_the_months_that_have_some(run, shop):
    for command in (["measure"], ["explain"], ["run"]):
        metric = ["reply_30s_msg"] if command == ["explain"] else []
        code, _, complaint = run(*command, shop, *metric, "--month", "2024-01")
        assert code == 1
        assert "2024-01" in complaint
        assert "2026-10" in complaint


def test_days_the_wrong_way_round_are_refused(run, shop):
    code, _, complaint = run("measure", shop, "--from", "2026-10-20", "--to", "2026-10-10")
    assert code == 1
    assert "the first day 2026-10-20 is after the last day 2026-10-10" in complaint


def test_every_unknown_definition_set_is_named_at_once(run, shop):
    code, _, complaint = run("measure", shop, "--definitions", "taobo,pdd,xx")
    assert code == 1
    assert '"taobo" (did you mean taobao?)' in complaint
    assert '"xx"' in complaint


@pytest.mark.parametrize("command", [["measure"], ["explain", "reply_30s_msg"], ["run"], ["check"]])
def test_a_platform_without_rules_is_said_at_once(run, shop, tmp_path, command):
    path = shop.with_name("other.yaml")
    path.write_text(shop.read_text(encoding="utf-8").replace("platform: taobao", "platform: taobo"), encoding="utf-8")
    code, _, complaint = run(command[0], path, *command[1:])
    assert code == 1
    assert f'{path}\n  platform: no rules for "taobo"' in complaint
    path.unlink()


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("zh", 'exports/花名册.xlsx 第 3 行：“岗位”的取值不在对照表里，写的是 "主播"；可写：售前, 售后'),
        (
            "en",
            'exports/花名册.xlsx, line 3: 岗位 has a value that the mapping does not list, found "主播"; allowed: 售前',
        ),
    ],
)
def test_a_bad_cell_of_a_form_is_told_by_line_and_heading(run, shop, tmp_path, lang, words):
    folder = tmp_path / "shop"
    shutil.copytree(shop.parent, folder)
    rows = CalamineWorkbook.from_path(folder / "exports" / "花名册.xlsx").get_sheet_by_index(0).to_python()
    rows[2][rows[0].index("岗位")] = "主播"
    with Workbook(folder / "exports" / "花名册.xlsx", {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate(rows):
            sheet.write_row(line, 0, row)
    code, said, _ = run("load", folder / "params.yaml", lang=lang)
    assert code == 0
    assert words in said


def test_a_file_of_bad_rows_only_is_refused_and_check_lists_all_there_is_to_mend(run, shop, tmp_path):
    folder = tmp_path / "shop"
    shutil.copytree(shop.parent, folder)
    calls = "编号,坐席,开始,结束,等待\n"
    row = "{},示例旗舰店:{},2026-10-01 10:00:00,2026-10-01 10:05:00,{}\n".format
    (folder / "exports" / "来电1.csv").write_text(calls + row(1, "陌生", 4) + row(2, "陌生", -4), encoding="utf-8")
    (folder / "exports" / "来电2.csv").write_text(calls + row(3, "陌生", -4) + row(4, "陌生", "x"), encoding="utf-8")
    path = folder / "params.yaml"
    columns = "call_id: 编号, account_id: 坐席, direction: {const: in}, outcome: {const: answered}, queued_at: 开始, "
    columns += "ended_at: 结束, wait_us: {from: 等待, unit: seconds}"
    source = f"  - {{source: table, table: calls, files: exports/来电*.csv, columns: {{{columns}}}}}\n"
    path.write_text(path.read_text(encoding="utf-8") + source, encoding="utf-8")
    before = {file: file.read_bytes() for file in (folder / "store").rglob("*") if file.is_file()}
    code, _, complaint = run("load", path)
    assert code == 1
    assert "Nothing was loaded, the store is as it was" in complaint
    assert "all 2 rows are rejected" in complaint and "来电1.csv" not in complaint
    assert 'line 2: 等待: a duration is negative, it must be 0 or more, found "-4"' in complaint
    assert before == {file: file.read_bytes() for file in (folder / "store").rglob("*") if file.is_file()}
    code, notes, complaint = run("check", path, "--month", "2024-01")
    assert code == 1
    assert "days without any chat" in notes
    assert f"{folder / 'exports' / '来电1.csv'}\n  line 3: 等待: a duration is negative" in complaint
    assert "all 2 rows are rejected" in complaint
    assert 'found "路人"' in complaint  # of a file that is in the store
    assert "accounts not on the roster, kept all the same: 示例旗舰店:陌生;" in complaint
    assert "no chats or calls of 2024-01; there are of 2026-09, 2026-10" in complaint


def test_check_finds_nothing_once_all_is_mended(run, shop, tmp_path):
    folder = tmp_path / "shop"
    shutil.copytree(shop.parent, folder)
    for path in (folder / "exports" / "chats").glob("*.csv"):
        lines = path.read_bytes().decode("gb18030").splitlines(keepends=True)
        good = [line for line in lines if "坏行" not in line]
        path.write_bytes("".join(good).encode("gb18030"))
    code, notes, complaint = run("check", folder / "params.yaml")
    assert (code, complaint) == (0, ""), complaint
    assert "Nothing to mend was found" in notes
    assert "files are not loaded yet; run csperf load" in notes


def test_a_full_disk_leaves_no_half_form(run, tmp_path, monkeypatch):
    def full(path, *_how):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("csperf.forms._write_form", full)
    code, _, complaint = run("new", tmp_path / "shop")
    assert code == 1
    assert "No space left on device" in complaint
    assert list((tmp_path / "shop").glob("*.xlsx")) == []


def test_unknown_agent_is_named_beside_those_that_exist(run, shop):
    code, _, complaint = run("explain", shop, "reply_30s_msg", "--agent", "A1")
    assert code == 1
    assert "A01" in complaint


def test_every_unknown_metric_is_named_at_once(run, shop):
    code, _, complaint = run("measure", shop, "--metrics", "reply_30_msg,handel_min")
    assert code == 1
    assert "reply_30s_msg" in complaint
    assert "handle_min" in complaint


def test_broken_exports_are_all_named_and_nothing_is_lost(run, shop, tmp_path):
    folder = tmp_path / "shop"
    shutil.copytree(shop.parent, folder)
    roster, complaints = folder / "exports" / "花名册.xlsx", folder / "exports" / "投诉登记.csv"
    roster.write_bytes(roster.read_bytes()[:2000])
    complaints.write_bytes(b"")
    before = {path: path.read_bytes() for path in (folder / "store").rglob("*") if path.is_file()}
    code, _, complaint = run("load", folder / "params.yaml")
    assert code == 1
    assert "花名册.xlsx" in complaint
    assert "投诉登记.csv" in complaint
    assert {path: path.read_bytes() for path in (folder / "store").rglob("*") if path.is_file()} == before
