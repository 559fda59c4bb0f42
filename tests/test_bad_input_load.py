"""Bad exports: each told where, what, what is allowed and what to do; all at once; nothing half-written or lost."""

import datetime as dt
import errno

import pyarrow.parquet as pq
import pytest
import xlsxwriter

from csperf.errors import CsperfError
from csperf.load import LoadSettings, load, look, store_of

COLUMNS = {
    "account_id": "账号",
    "buyer_id": "买家",
    "sent_at": "时间",
    "sender": {"from": "方向", "values": {"收": "buyer", "发": "human"}},
    "kind": {"const": "text"},
}
HEAD = "账号,买家,时间,方向\n"
GOOD = HEAD + "店:01,甲,2025-03-01 10:00:00,收\n"


CALLS = {
    "call_id": "编号",
    "account_id": "账号",
    "direction": {"const": "in"},
    "outcome": {"const": "answered"},
    "queued_at": "开始",
    "ended_at": "结束",
    "wait_us": {"from": "等待", "unit": "seconds"},
}
ROSTER = {
    "account_id": "账号",
    "agent_id": "工号",
    "name": "姓名",
    "role": "岗位",
    "started": "入职日期",
    "valid_from": "入职日期",
}


def bytes_below(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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


def refused(settings):
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
    found = refused(settings)
    assert list(found) == ["b_empty.csv", "c_encoding.csv", "d_columns.csv", "e_half.xlsx", "f_quote.csv"]
    assert "0 bytes" in found["b_empty.csv"]
    assert "UTF-16" in found["c_encoding.csv"] and "CSV UTF-8" in found["c_encoding.csv"]
    assert "买家, 时间, 方向" in found["d_columns.csv"]
    assert "half-written" in found["e_half.xlsx"]
    assert "line 3" in found["f_quote.csv"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == []


def test_what_was_stored_before_stays_when_a_later_file_is_bad(settings, tmp_path):
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    load(settings)
    store = store_of(settings)
    before = bytes_below(store.root)
    (tmp_path / "b.csv").write_text(GOOD, encoding="utf-8")
    (tmp_path / "c.csv").write_bytes(b"")
    refused(settings)
    assert bytes_below(store.root) == before
    (tmp_path / "c.csv").unlink()
    assert load(settings).files["read"].tolist() == [1, 1]


def test_times_without_zone_are_refused(settings, tmp_path):
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    found = refused(settings.model_copy(update={"timezone": None}))
    assert "line 2" in found["a.csv"] and "timezone:" in found["a.csv"]


def test_no_file_is_a_problem_that_names_the_pattern(settings, tmp_path):
    found = refused(settings)
    assert "*.*" in found["params.yaml"] and str(tmp_path) in found["params.yaml"]


@pytest.mark.parametrize("pattern", ["../*.csv", "/etc/*"])
def test_files_outside_the_shops_folder_are_refused(settings, pattern):
    (source,) = settings.sources
    outside = settings.model_copy(update={"sources": (source.model_copy(update={"files": pattern}),)})
    assert "out of the shop's folder" in refused(outside)["params.yaml"]


def test_a_file_is_read_in_one_way_only(settings, tmp_path):
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    twice = settings.model_copy(update={"sources": settings.sources * 2})
    assert "two sources (sources[0] and sources[1])" in refused(twice)["a.csv"]


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


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (GOOD.encode("utf-16"), ["UTF-16", "CSV UTF-8"]),
        (GOOD.encode("utf-16-le"), ["zero", "line 1", "UTF-16"]),
        (GOOD.encode("gb18030") + b"\0" * 600, ["zero", "line 3", "not written to its end"]),
        (b"\x80\x81\xff" + GOOD.encode(), ["UTF-8 fails at byte 0", "GB18030 at byte 0"]),
        (b"<!DOCTYPE html><html><body>login</body></html>", ["web page", "log in and export again"]),
    ],
)
def test_files_that_are_no_text_table_are_called_what_they_are(settings, tmp_path, content, words):
    (tmp_path / "a.csv").write_bytes(content)
    found = refused(settings)["a.csv"]
    assert [word for word in words if word not in found] == []


def test_another_table_is_told_from_a_renamed_column(settings, tmp_path):
    (tmp_path / "a.csv").write_text("账号,买家名,时间,方向\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("x,y,z\n", encoding="utf-8")
    found = refused(settings)
    assert "Nearest: 买家 ≈ 买家名." in found["a.csv"]
    assert "this looks like another table" in found["b.csv"]


def test_the_name_of_a_file_does_not_decide_its_kind(settings, tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "a.csv")
    sheet = book.add_worksheet()
    for line, row in enumerate(GOOD.splitlines()):
        sheet.write_row(line, 0, row.split(","))
    book.close()
    (tmp_path / "b.xlsx").write_text(GOOD.replace("甲", "乙").replace(",", ";"), encoding="gb18030")
    assert load(settings).files[["read", "kept"]].values.tolist() == [[1, 1], [1, 1]]


def test_serial_dates_are_read_and_ids_that_excel_rounded_are_reported(settings, tmp_path):
    book = xlsxwriter.Workbook(tmp_path / "a.xlsx")
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["编号", *HEAD.strip().split(",")])
    serial = (dt.datetime(2025, 3, 1, 12) - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)
    for line, number in enumerate([4.41323000000001e17, 4.41323000000002e17, 4.41323000000003e17], 1):
        sheet.write_row(line, 0, [number, "店:01", "甲", serial, "收"])
    book.close()
    (source,) = settings.sources
    columns = source.model_dump(by_alias=True)["columns"] | {"message_id": "编号"}
    report = load(
        settings.model_copy(update={"sources": (type(source)(table="messages", files="*.*", columns=columns),)})
    )
    assert (
        "3 ids in 编号 were rounded by Excel (for example 441323000000001000 on line 2)"
        in report.files["warnings"].item()
    )
    (stored,) = (store_of(settings).root / "messages").glob("*.parquet")
    assert {str(day) for day in pq.read_table(stored)["day"].to_pylist()} == {"2025-03-01"}


def test_a_rejected_row_is_told_by_line_column_and_cell(settings, tmp_path):
    calls = "编号,账号,开始,结束,等待\n1,店:01,2025-03-01,2025-03-01,4\n2,店:01,2025-03-01,2025-03-01,-4\n"
    (tmp_path / "calls.csv").write_text(calls, encoding="utf-8")
    roster = "账号,工号,姓名,岗位,入职日期\n店:01,A1,美,pre,去年三月\n店:02,A2,丽,主播,2025-01-01\n"
    roster += "店:03,,文,pre,2025-01-01\n店:04,A4,武,售前,2025-01-01\n"
    (tmp_path / "roster.csv").write_text(roster, encoding="utf-8")
    source = type(settings.sources[0])
    sources = [source(table=name, files=f"{name}.csv", columns=c) for name, c in (("calls", CALLS), ("roster", ROSTER))]
    rows = load(settings.model_copy(update={"sources": tuple(sources)})).reasons
    assert rows[["reason", "line", "column", "found"]].values.tolist() == [
        ["duration_negative", 3, "等待", "-4"],
        ["time_unreadable:started", 2, "入职日期", "去年三月"],
        ["role_unknown", 3, "岗位", "主播"],
        ["empty:agent_id", 4, "工号", ""],
    ]
    assert rows["allowed"].tolist()[2] == "售前, 售后, 混合, 主管, 机器人, pre, after, mixed, manager, bot"


def test_what_was_wrong_with_a_file_is_not_said_once_it_is_mended(settings, tmp_path):
    (tmp_path / "a.csv").write_text(GOOD + "店:01,,2025-03-01 10:00:00,收\n", encoding="utf-8")
    assert len(load(settings).reasons) == 1
    (tmp_path / "a.csv").write_text(GOOD + "店:01,乙,2025-03-01 10:00:00,收\n", encoding="utf-8")
    report = load(settings)
    assert report.reasons.empty
    assert report.files[["read", "kept", "duplicate", "rejected"]].values.tolist() == [[2, 1, 0, 1], [2, 1, 1, 0]]


def test_looking_finds_what_loading_would_and_writes_nothing(settings, tmp_path):
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    (tmp_path / "b.csv").write_bytes(b"")
    before = bytes_below(tmp_path)
    (found,) = look(settings).problems
    assert found.where.endswith("b.csv")
    assert bytes_below(tmp_path) == before


def test_a_folder_that_is_not_there_is_one_problem_and_is_not_made(settings, tmp_path):
    found = refused(settings.model_copy(update={"root": tmp_path / "gone"}))
    assert found["params.yaml"].startswith(f"root: there is no folder {tmp_path / 'gone'}")
    assert list(tmp_path.iterdir()) == []


def test_a_source_without_a_pattern_is_named(settings):
    (source,) = settings.sources
    empty = settings.model_copy(update={"sources": (source.model_copy(update={"files": ""}),)})
    assert "sources[0].files: `files` is empty" in refused(empty)["params.yaml"]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EACCES])
def test_a_store_that_cannot_be_written_stays_as_it_was(settings, tmp_path, monkeypatch, code):
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    load(settings)
    before = bytes_below(tmp_path / "store")
    (tmp_path / "b.csv").write_text(GOOD.replace("甲", "乙"), encoding="utf-8")

    def full(*_file, **_how):
        raise OSError(code, "cannot")

    with monkeypatch.context() as patched:
        patched.setattr(pq, "write_table", full)
        assert "the store cannot be written (cannot) and is as it was" in refused(settings)["store"]
    assert bytes_below(tmp_path / "store") == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "b.csv", "store"]
    assert load(settings).files["kept"].sum() == 2


def test_a_store_that_was_cut_short_is_named_before_it_is_read_or_changed(settings, tmp_path):
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    load(settings)
    (stored,) = (tmp_path / "store" / "messages").glob("*.parquet")
    stored.write_bytes(stored.read_bytes()[:300])
    (tmp_path / "b.csv").write_text(GOOD.replace("甲", "乙"), encoding="utf-8")
    assert f"delete {tmp_path / 'store'} and run csperf load" in refused(settings)[stored.name]
    with pytest.raises(CsperfError, match="cut short"):
        store_of(settings).coverage()


def test_a_file_of_which_all_rows_are_rejected_is_refused_with_its_reasons(settings, tmp_path):
    (tmp_path / "a.csv").write_text(GOOD, encoding="utf-8")
    load(settings)
    before = bytes_below(tmp_path / "store")
    bad = "店:01,甲,gestern,收\n" * 3 + "店:01,,2025-03-01 10:00:00,收\n" + "店:01,甲,2025-03-01 10:00:00,x\n" * 2
    (tmp_path / "b.csv").write_text(HEAD + bad, encoding="utf-8")
    (tmp_path / "c.csv").write_bytes(b"")
    found = refused(settings)
    assert list(found) == ["b.csv", "c.csv"]
    told = found["b.csv"].splitlines()
    assert told[0].startswith("all 6 rows are rejected, so the file is not loaded")
    assert [line.strip().partition(":")[0] for line in told[1:4]] == ["line 2", "line 6", "line 5"]
    assert '"gestern" (rejected like this: 3)' in told[1]
    assert bytes_below(tmp_path / "store") == before
    assert [problem.where.rsplit("/", 1)[-1] for problem in look(settings).problems] == ["b.csv", "c.csv"]


def test_rows_left_out_on_purpose_do_not_save_a_file_of_bad_rows(settings, tmp_path):
    (tmp_path / "a.csv").write_text(HEAD + "店:01,示例,,收\n店:01,甲,gestern,收\n", encoding="utf-8")
    (source,) = settings.sources
    example = type(source)(
        table="messages", files="*.*", columns=COLUMNS, filter={"example": {"column": "买家", "not_in": ["示例"]}}
    )
    assert "all 1 rows" in refused(settings.model_copy(update={"sources": (example,)}))["a.csv"]
    (tmp_path / "a.csv").write_text(HEAD + "店:01,示例,,收\n", encoding="utf-8")
    assert load(settings.model_copy(update={"sources": (example,)})).files["filtered"].tolist() == [1]


REFUNDS = {
    "refund_id": "退款",
    "order_id": "订单",
    "requested_at": "申请",
    "amount_fen": {"from": "金额", "unit": "yuan"},
    "outcome": {"const": "open"},
}
ORDERS = {
    "order_id": "订单",
    "created_at": "下单",
    "amount_fen": {"from": "金额", "unit": "yuan"},
    "quantity": {"const": 1},
    "status": {"const": "paid"},
}
TREE = {"code": "代码", "parent": "上级", "name_zh": "名称", "name_en": "名称"}


def records(settings, folder, tables):
    """The settings of a shop with one CSV of a few records for each table: name -> columns, lines."""
    sources = []
    for name, (columns, lines) in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(lines), encoding="utf-8")
        sources.append({"source": "table", "table": name, "files": f"{name}.csv", "columns": columns})
    return LoadSettings.model_validate(settings.model_dump() | {"sources": sources})


def test_lines_that_do_not_fit_into_the_tree_are_rejected_each_with_its_reason(settings, tmp_path):
    tree = [
        "代码,上级,名称",
        "1,,售前",
        "1.1,1,商品",
        "1.1.1,1.1,尺寸",
        "1.2,1,活动",
        "1.1.1.1,1.1.1,胸围",
        "2.1.1,2.1,物流",
        "3.1,,x",
    ]
    report = load(records(settings, tmp_path, {"categories": (TREE, tree)}))
    assert report.files[["read", "kept", "rejected"]].values.tolist() == [[7, 3, 4]]
    assert report.reasons[["reason", "line", "found"]].values.tolist() == [
        ["too_high:code", 5, "1.2"],
        ["too_deep:code", 6, "1.1.1.1"],
        ["no_parent:parent", 7, "2.1"],
        ["not_below:code", 8, "3.1"],
    ]


def test_a_refund_before_its_order_is_kept_and_told_by_its_line(settings, tmp_path):
    bought = ["订单,下单,金额", "A,2025-03-02 10:00:00,9", "B,2025-03-01 10:00:00,9"]
    asked = ["退款,订单,申请,金额", *(f"{n},{order},2025-03-01 11:00:00,9" for n, order in enumerate("ABC"))]
    report = load(records(settings, tmp_path, {"refunds": (REFUNDS, asked), "orders": (ORDERS, bought)}))
    assert report.files.set_index("file")["kept"].to_dict() == {"refunds.csv": 3, "orders.csv": 2}
    (told,) = [notice for notice in report.warnings if notice.code == "refund_before_order"]
    assert told.slots == {"file": "refunds.csv", "n": 1, "line": 2, "refund_id": "0", "order_id": "A"}
    assert "line 2, refund 0 of order A" in told.say("en")
