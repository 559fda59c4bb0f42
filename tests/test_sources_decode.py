"""Bytes to rows: encodings, packing, kinds of file, and the line on which each row starts."""

import csv
import datetime as dt
import gzip
import io
import itertools

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from csperf.errors import CsperfError
from csperf.sources import decode


def rows_of(path, **options):
    with decode.open_sheet(path, **options) as sheet:
        return [row for batch in sheet.batches(list(sheet.header)) for row in batch.to_pylist()]


def values(row):
    return [value for name, value in row.items() if name.startswith("cell:")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("packed", [False, True])
def test_three_encodings_packed_or_not_give_the_same_rows(tmp_path, encoding, packed):
    data = "买家,内容\n甲,在吗\n".encode(encoding)
    path = tmp_path / "chats.dat"
    path.write_bytes(gzip.compress(data) if packed else data)
    assert [values(row) for row in rows_of(path)] == [["甲", "在吗"]]


def test_a_row_is_numbered_by_the_line_on_which_it_starts(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'a,b\r\n1,"x\r\ny"\r\n\r\n2,z\r\n,\r\n3,w\r\n')
    assert [(row["source_line"], *values(row)) for row in rows_of(path)] == [
        (2, "1", "x\r\ny"),
        (5, "2", "z"),
        (7, "3", "w"),
    ]


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\x00\ufeff"), max_size=8)


@settings(deadline=None)
@given(st.lists(st.tuples(texts, texts, texts), max_size=20), st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]))
def test_what_the_csv_writer_quotes_comes_back(tmp_path_factory, rows, encoding):
    rows = [row for row in rows if any(row)]
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("a", "b", "c"), *rows])
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes(out.getvalue().encode(encoding))
    with decode.open_sheet(path, format="csv") as sheet:
        records = list(sheet.records)
    assert [tuple(cells) for _line, cells in records] == rows
    assert all(a < b for a, b in itertools.pairwise(line for line, _cells in records))


def _batched(sheet):
    return [
        (row["source_line"], *values(row)) for batch in sheet.batches(list(sheet.header)) for row in batch.to_pylist()
    ]


def _recorded(sheet):
    places = sheet.header.values()
    cells = ((line, dict(enumerate(row))) for line, row in sheet.records)
    return [(line, *(row[p].strip() if p in row else None for p in places)) for line, row in cells]


def _read(path, rows_of_sheet):
    try:
        with decode.open_sheet(path, format="csv") as sheet:
            return rows_of_sheet(sheet)
    except CsperfError as error:
        return str(error)


cells = st.text("a甲 =\r\n", max_size=4) | st.text('a"', max_size=3)
quoted = cells.map(lambda text: f'"{text}"')
csv_rows = st.lists(st.lists(cells | quoted, min_size=1, max_size=3).map(",".join), max_size=8)


@settings(deadline=None)
@given(csv_rows, st.sampled_from(["\n", "\r\n"]), st.sampled_from(["", "\n"]), st.sampled_from([1, 20, 1000]))
def test_blocks_read_whole_give_the_rows_that_pythons_csv_gives(tmp_path_factory, lines, ends, last, size):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    path.write_bytes((ends.join(["x,y", *lines]) + last).encode("gb18030"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decode, "BLOCK_BYTES", size)
        assert _read(path, _batched) == _read(path, _recorded)


def test_what_exports_hold_is_read_whole(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    path.write_bytes('id,t\r\n="01","a\r\nb"\r\n,\r\n="02",c\r\n="03",5" d'.encode("gb18030"))
    with decode.open_sheet(path, format="csv") as sheet:
        monkeypatch.setattr(decode, "_block_records", None)  # the way through rows of Python is closed
        assert _batched(sheet) == [(2, '="01"', "a\r\nb"), (5, '="02"', "c"), (6, '="03"', '5" d')]


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_the_delimiter_is_told_from_the_header(tmp_path, delimiter):
    path = tmp_path / "a.txt"
    path.write_text(f"a{delimiter}b\n1{delimiter}2\n", encoding="utf-8")
    assert [values(row) for row in rows_of(path)] == [["1", "2"]]


def workbook(path, rows, *, sheets=("S",)):
    book = xlsxwriter.Workbook(path)
    formats = {
        dt.datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        dt.date: book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    for name in sheets:
        sheet = book.add_worksheet(name)
        for r, row in enumerate(rows):
            for c, cell in enumerate(row):
                sheet.write(r, c, cell, formats.get(type(cell)))
    book.close()
    return path


def test_excel_cells_become_the_text_a_csv_would_hold(tmp_path):
    moment = dt.datetime(2025, 3, 1, 10, 2, 3)
    path = workbook(
        tmp_path / "a.csv",
        [["注", ""], ["", ""], ["编号", "时间", "日", "额", "是"], [12, moment, dt.date(2025, 3, 1), 59.9, True]],
    )
    (row,) = rows_of(path, header_row=3)
    assert row["source_line"] == 4
    assert values(row) == ["12", "2025-03-01 10:02:03", "2025-03-01", "59.9", "True"]


@settings(deadline=None)
@given(st.datetimes(dt.datetime(2000, 1, 1), dt.datetime(2040, 1, 1)).map(lambda t: t.replace(microsecond=0)))
def test_excel_times_survive_being_fractions_of_a_day(moment):
    noise = dt.timedelta(microseconds=400)
    assert decode._cell_text(moment - noise) == decode._cell_text(moment + noise) == moment.isoformat(" ")


def test_a_sum_in_excel_keeps_fifteen_digits():
    assert decode._cell_text(0.1 + 0.2) == "0.3"


def test_a_sheet_is_found_by_name_or_number(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["a"], ["1"]], sheets=("x", "y"))
    assert rows_of(path, sheet="y") == rows_of(path, sheet=1)
    with pytest.raises(CsperfError, match="x, y"):
        rows_of(path, sheet="z")


def test_parquet_times_carry_their_offset(tmp_path):
    wall_clock = pa.array([dt.datetime(2025, 1, 1, 10)], pa.timestamp("us"))
    moment = pc.assume_timezone(wall_clock, "Asia/Shanghai")
    table = pa.table({"t": moment, "name": pa.array(["x"]).dictionary_encode()})
    pq.write_table(table, tmp_path / "a.dat")
    (row,) = rows_of(tmp_path / "a.dat")
    assert row == {"source_line": 1, "whole": True, "cell:0": "2025-01-01 10:00:00.000000+0800", "cell:1": "x"}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "0 bytes"),
        (b"\n\n", "no header"),
        (b"a,b\n\xff\xfe\xfa,1\n", "byte 4 "),
        ("买家昵称消息内容,b\n".encode() + b"\xe4\xb8,1\n", "damaged at byte 27 "),
        (b'a,b\n1,2\n3,"4\n5,6\n', "line 3"),
        (gzip.compress(b"a,b\n" * 5000, mtime=0)[:40], "gzip"),
        (b"PK\x03\x04 and then nothing", "half-written"),
        (b"PAR1 and then nothing", "Parquet"),
    ],
)
def test_a_broken_file_is_told_where_and_what(tmp_path, monkeypatch, data, said):
    monkeypatch.setenv("CSPERF_LANG", "en")
    path = tmp_path / "broken"
    path.write_bytes(data)
    with pytest.raises(CsperfError, match=said) as raised:
        rows_of(path)
    assert [problem.where for problem in raised.value.problems] == [str(path)]


def test_half_an_excel_file_is_no_traceback(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    whole = workbook(tmp_path / "a.xlsx", [["a"], ["1"]]).read_bytes()
    for size in range(4, len(whole) - 4, 997):
        (tmp_path / "half.xlsx").write_bytes(whole[:size])
        with pytest.raises(CsperfError, match="half-written"):
            rows_of(tmp_path / "half.xlsx")


@pytest.mark.parametrize(
    ("found", "plain"),
    [
        ("收货地址 ", "收货地址"),
        ("\ufeff订单号", "订单号"),
        ("首次响应时长（秒)", "首次响应时长(秒)"),
        ("下单\n时间", "下单时间"),
        (None, ""),
    ],
)
def test_headers_are_compared_without_blanks_and_width(found, plain):
    assert decode.normalised(found) == plain


def test_units_and_case_are_forgiven_only_where_nothing_fits_exactly(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("总价(元),总价(分),ID\n1,2,3\n", encoding="utf-8")
    with decode.open_sheet(path) as sheet:
        assert sheet.named("总价（元）") == ["总价(元)"]
        assert sheet.named("id") == ["ID"]
        assert sheet.named("总价") == ["总价(元)", "总价(分)"]
        assert sheet.named("数量") == []


@pytest.mark.parametrize("cell", ["{}\t", '"{}\t"', "\t{}", '"\t{}"'])
def test_a_table_whose_cells_all_carry_a_tab_is_cut_at_its_commas(tmp_path, cell):
    """Platforms put it there so that no spreadsheet takes an id for a number."""
    rows = [["订单号", "订单状态", "备注"], ["1", "已签收", ""]]
    path = tmp_path / "orders.csv"
    path.write_text("".join(",".join(map(cell.format, row)) + "\r\n" for row in rows), encoding="utf-8", newline="")
    with decode.open_sheet(path) as sheet:
        assert list(sheet.header) == rows[0]
    ((_place, records),) = decode.first_records(path, 5)
    assert [len(cells) for _line, cells in records] == [3, 3]


def test_tabs_between_cells_cut_them_also_where_the_last_are_empty(tmp_path):
    path = tmp_path / "orders.tsv.txt"
    path.write_text("a\tb, c\td\n1\t\t\n", encoding="utf-8")
    with decode.open_sheet(path) as sheet:
        assert list(sheet.header) == ["a", "b,c", "d"]
