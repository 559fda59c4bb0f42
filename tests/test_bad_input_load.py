"""Bad exports: each told where, what, what is allowed and what to do; all at once; nothing half-written or lost."""

import pytest
import xlsxwriter

from csperf.errors import CsperfError
from csperf.load import LoadSettings, load, store_of

COLUMNS = {
    "account_id": "账号",
    "buyer_id": "买家",
    "sent_at": "时间",
    "sender": {"from": "方向", "values": {"收": "buyer", "发": "human"}},
    "kind": {"const": "text"},
}
HEAD = "账号,买家,时间,方向\n"
GOOD = HEAD + "店:01,甲,2025-03-01 10:00:00,收\n"


def half_a_workbook(path):
    book = xlsxwriter.Workbook(path)
    book.add_worksheet().write_row(0, 0, ["账号", "买家", "时间", "方向"])
    book.close()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    source = {"source": "table", "table": "messages", "files": "*.*", "columns": COLUMNS}
    return LoadSettings(shop="shop", root=tmp_path, timezone="Asia/Shanghai", sources=(source,))


def problems_of(settings):
    with pytest.raises(CsperfError) as raised:
        load(settings)
    return {problem.where.rsplit("/", 1)[-1]: problem.message for problem in raised.value.problems}


def test_the_problems_of_all_files_are_told_at_once_and_nothing_is_written(settings, tmp_path):
    (tmp_path / "a_good.csv").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b_empty.csv").write_bytes(b"")
    (tmp_path / "c_encoding.csv").write_bytes(HEAD.encode("utf-16"))
    (tmp_path / "d_columns.csv").write_text("账号,买家名\n", encoding="utf-8")
    half_a_workbook(tmp_path / "e_half.xlsx")
    (tmp_path / "f_quote.csv").write_text(GOOD + '店:01,"甲,2025-03-01 10:00:00,收\n', encoding="utf-8")
    found = problems_of(settings)
    assert list(found) == ["b_empty.csv", "c_encoding.csv", "d_columns.csv", "e_half.xlsx", "f_quote.csv"]
    assert "0 bytes" in found["b_empty.csv"]
    assert "byte 0" in found["c_encoding.csv"] and "CSV UTF-8" in found["c_encoding.csv"]
    assert "买家, 时间, 方向" in found["d_columns.csv"]
    assert "half-written" in found["e_half.xlsx"]
    assert "line 3" in found["f_quote.csv"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == []


def test_what_was_stored_before_stays_when_a_later_file_is_bad(settings, tmp_path):
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    load(settings)
    store = store_of(settings)
    before = {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()}
    (tmp_path / "b.csv").write_text(GOOD, encoding="utf-8")
    (tmp_path / "c.csv").write_bytes(b"")
    problems_of(settings)
    assert {path: path.read_bytes() for path in store.root.rglob("*") if path.is_file()} == before
    (tmp_path / "c.csv").unlink()
    assert load(settings).files["read"].tolist() == [1, 1]


def test_times_without_zone_are_refused(settings, tmp_path):
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    found = problems_of(settings.model_copy(update={"timezone": None}))
    assert "line 2" in found["a.csv"] and "timezone:" in found["a.csv"]


def test_no_file_is_a_problem_that_names_the_pattern(settings, tmp_path):
    found = problems_of(settings)
    assert "*.*" in found["sources[1]"] and str(tmp_path) in found["sources[1]"]


@pytest.mark.parametrize("pattern", ["../*.csv", "/etc/*"])
def test_files_outside_the_shops_folder_are_refused(settings, pattern):
    (source,) = settings.sources
    outside = settings.model_copy(update={"sources": (source.model_copy(update={"files": pattern}),)})
    assert "out of the shop's folder" in problems_of(outside)["sources[1]"]


def test_a_file_is_read_in_one_way_only(settings, tmp_path):
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    twice = settings.model_copy(update={"sources": settings.sources * 2})
    assert "two sources (entries 1 and 2)" in problems_of(twice)["a.csv"]


def test_only_a_header_is_a_warning(settings, tmp_path):
    (tmp_path / "a.csv").write_text(HEAD, encoding="utf-8")
    report = load(settings)
    assert report.files["read"].tolist() == [0]
    assert "only a header" in report.files["warnings"].item()


def test_bad_rows_do_not_stop_the_good_ones(settings, tmp_path):
    (tmp_path / "a.csv").write_text(GOOD + "店:01,甲,gestern,收\n店:01,,2025-03-01 10:00:00,收\n", encoding="utf-8")
    report = load(settings)
    assert report.files[["read", "kept", "rejected"]].values.tolist() == [[3, 1, 2]]
    rejects = (store_of(settings).root / "rejects" / "a.csv.csv").read_text(encoding="utf-8-sig").splitlines()
    assert [line.split(",")[:2] for line in rejects[1:]] == [
        ["3", '"time_unreadable:sent_at"'],
        ["4", '"empty:buyer_id"'],
    ]
