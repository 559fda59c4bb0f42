"""The command line as a newcomer meets it: help, wrong files, wrong words, consoles that cannot show Chinese."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from csperf import cli
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


@pytest.fixture
def run(capsys):
    """Runs csperf in this process: exit code, what it said, what it complained of."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return int(left.value.code or 0), said.out, said.err

    return run


def outside(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Runs `python -m csperf` in a process of its own."""
    command = [sys.executable, "-m", "csperf", *map(str, arguments)]
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONUTF8"}
    return subprocess.run(command, cwd=ROOT, env=inherited | environment, capture_output=True, check=False)


# Help -------------------------------------------------------------------------------------------------------------


def test_help_lists_the_commands(run):
    code, said, _ = run("--help")
    assert code == 0
    assert {"new", "sample", "load", "check", "measure", "explain", "run", "metrics"} == set(COMMANDS)
    assert all(f"  {name} " in said for name in COMMANDS)


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


@pytest.mark.parametrize("arguments", [["--help"], ["metrics"], ["measure", "没有.yaml"], ["metrics", "reply_30s_msg"]])
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
    assert "sources[0].files: no file matches a/*.xlsx" in complaint
    assert "sources[1].files: no file matches b.xlsx" in complaint
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
    forms = [source for source in params.sources if (tmp_path / source.files).exists()]  # type: ignore[attr-defined]
    assert len(forms) == 4
    for settings in forms:
        shop = Shop(params.shop, params.timezone, root=tmp_path)
        loaded = REGISTRY[settings.source].load(tmp_path / settings.files, settings, shop)
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
    assert said.count("left alone") == 7
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
    assert "分母" in said
    assert "Denominator" in said


def test_unknown_metric_gets_a_suggestion(run):
    code, _, complaint = run("metrics", "reply_30_msg")
    assert code == 1
    assert "reply_30s_msg" in complaint


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_dictionary_has_a_section_for_every_metric(run, tmp_path, lang):
    from csperf.catalogue import ENTRIES

    code, _, _ = run("metrics", "--all", "--lang", lang, "-o", tmp_path / "metrics.md")
    assert code == 0
    page = (tmp_path / "metrics.md").read_text(encoding="utf-8")
    assert page.count("\n## ") == len(ENTRIES)
    assert all(entry.name(lang) in page for entry in ENTRIES.values())


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
