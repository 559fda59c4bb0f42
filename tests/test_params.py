"""Settings: every YAML of the repository loads, every bad sample gives exactly the message beside it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from csperf.definitions import SETS
from csperf.errors import CsperfError
from csperf.params import Params, load_params
from csperf.settings import read_yaml

ROOT = Path(__file__).resolve().parent.parent
BAD = ROOT / "tests" / "bad_params"
SMALLEST = "shop: demo\ntimezone: Asia/Shanghai\n"


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "店铺 params.yaml"
    path.write_text(text, encoding=encoding)
    return path


def refusal(path: Path, **overrides: str) -> str:
    with pytest.raises(CsperfError) as refused:
        load_params(path, **overrides)
    return str(refused.value)


@pytest.mark.parametrize("name", sorted(file.stem for file in BAD.glob("*.yaml")))
def test_bad_sample_gives_the_message_beside_it(name, monkeypatch):
    monkeypatch.chdir(BAD)
    assert refusal(Path(f"{name}.yaml")) + "\n" == (BAD / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(file.stem for file in BAD.glob("*.yaml")))
def test_bad_sample_has_as_many_problems_in_chinese(name, monkeypatch):
    english = refusal(BAD / f"{name}.yaml")
    monkeypatch.setenv("CSPERF_LANG", "zh")
    chinese = refusal(BAD / f"{name}.yaml")
    assert len(chinese.splitlines()) == len(english.splitlines())
    assert chinese != english


@pytest.mark.parametrize("file", sorted(ROOT.glob("params/*.yaml")) + sorted(ROOT.glob("params/examples/*.yaml")))
def test_every_params_file_of_the_repository_loads(file):
    assert load_params(file).file == file


def test_smallest_file_takes_every_default(tmp_path):
    params = load_params(written(tmp_path, SMALLEST))
    assert params.root == tmp_path.resolve()
    assert params.reports == tmp_path.resolve() / "reports"
    assert params.store == params.loading.store == tmp_path.resolve() / "store"
    assert (params.month, params.lang, params.min_n) == ("", "zh", 20)
    assert params.counting_rules() == SETS["shop"]


def test_root_is_relative_to_the_file_and_may_leave_its_folder(tmp_path):
    (tmp_path / "params").mkdir()
    path = written(tmp_path / "params", SMALLEST + "root: ../demo\nreports: ../reports\nstore: ../kept\n")
    params = load_params(path)
    assert params.root == (tmp_path / "demo").resolve()
    assert params.reports == (tmp_path / "reports").resolve()
    assert params.store == (tmp_path / "kept").resolve()
    assert params.folder == tmp_path / "params"


def test_overrides_replace_entries_and_are_checked(tmp_path):
    path = written(tmp_path, SMALLEST + "month: 2026-01\n")
    assert load_params(path, month="2026-02").month == "2026-02"
    assert load_params(path, month="").month == "2026-01"
    assert '"2026-2" is not a month' in refusal(path, month="2026-2")


def test_own_counting_rules_change_only_the_shops_own_set(tmp_path):
    path = written(tmp_path, SMALLEST + "definitions: pdd\ndefinition: {session_gap_s: 600}\n")
    params = load_params(path)
    assert params.counting_rules().session_gap_s == 600
    assert params.counting_rules().hours == SETS["pdd"].hours
    assert params.counting_rules("taobao") == SETS["taobao"]
    with pytest.raises(CsperfError, match="did you mean taobao"):
        params.counting_rules("taobo")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_file_saved_by_a_chinese_editor_is_read(tmp_path, encoding):
    params = load_params(written(tmp_path, SMALLEST + "name: {zh: 示例旗舰店, en: Demo}\n", encoding))
    assert params.title("zh") == "示例旗舰店"


def test_bytes_of_no_encoding_are_refused(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_bytes(b"shop: \xff\xff\n")
    assert "neither UTF-8 nor GB18030" in refusal(path)


def test_a_folder_is_told_from_a_file(tmp_path):
    assert f"is a folder; name the settings file inside, e.g. {tmp_path / 'params.yaml'}" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("zone", "hint"), [("Asia/Shangai", " (did you mean Asia/Shanghai?)"), ("Asia/Beijing", ""), ("Beijing", "")]
)
def test_a_wrong_zone_is_refused_for_the_shop_and_for_each_source(tmp_path, zone, hint):
    table = "columns: {code: a, name_zh: b, name_en: c}"
    sources = f"- {{source: wangwang, files: a.txt, timezone: {zone}}}"
    sources += f"\n- {{source: table, table: categories, files: a.csv, timezone: {zone}, {table}}}\n"
    found = refusal(written(tmp_path, f"shop: demo\ntimezone: {zone}\nsources:\n{sources}"))
    for place in ("timezone", "sources[0].timezone", "sources[1].timezone"):
        assert f'  {place}: "{zone}" is not a time zone{hint}; write an IANA name, e.g. Asia/Shanghai' in found


def test_a_misspelt_column_of_a_mapping_is_told_the_nearest(tmp_path):
    columns = "columns: {buyer: 买家, sent_at: 时间, sender: 方, kind: 类}"
    sources = f"sources:\n- {{source: table, table: messages, files: a.csv, {columns}}}\n"
    found = refusal(written(tmp_path, f"shop: demo\ntimezone: Asia/Shanghai\n{sources}"))
    assert "messages has no column buyer to fill (did you mean buyer_id?)" in found


def test_missing_file_names_the_folder_that_was_searched(tmp_path):
    assert str(tmp_path) in refusal(tmp_path / "nothing.yaml")


def test_what_somebody_does_to_settings_stays_theirs(tmp_path):
    path = written(tmp_path, "shops: [a]\n")
    read_yaml(path)["shops"].append("b")
    assert read_yaml(path) == {"shops": ["a"]}
    assert read_yaml(written(tmp_path, "shops: [c]\n")) == {"shops": ["c"]}


def test_times_dates_and_leading_zeros_stay_text(tmp_path):
    content = read_yaml(written(tmp_path, "a: 08:00\nb: 9:30\nc: 001\nd: 2026-02-30\ne: 20\nf: -1.5\ng: 0\n"))
    assert content == {"a": "08:00", "b": "9:30", "c": "001", "d": "2026-02-30", "e": 20, "f": -1.5, "g": 0}


def test_hours_are_dated(tmp_path):
    text = 'hours:\n  - {valid_from: 2025-01-01, week: {mon: [["08:00", "23:00"]]}, holidays: [2025-01-29, CN]}\n'
    (schedule,) = load_params(written(tmp_path, SMALLEST + text)).hours
    assert schedule.valid_from == date(2025, 1, 1)
    assert schedule.holidays == (date(2025, 1, 29), "CN")


def test_settings_cannot_be_changed_afterwards(tmp_path):
    params = load_params(written(tmp_path, SMALLEST))
    with pytest.raises(ValueError, match="frozen"):
        params.min_n = 1


@pytest.mark.parametrize("shop", ["示例旗舰店", "shop-1", "a_b"])
def test_a_shops_number_may_be_chinese(shop):
    assert Params(shop=shop, timezone="UTC").shop == shop


@pytest.mark.parametrize("shop", ["", "a/b", "..", "a b", "C:", "-x", "x" * 65, "a\n"])
def test_a_shops_number_is_safe_as_a_folder(shop):
    with pytest.raises(ValueError, match="cannot name a shop"):
        Params(shop=shop, timezone="UTC")
