"""The mapping language: every verb, and a named reason for every row that does not fit."""

import datetime as dt
import hmac
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from csperf.errors import CsperfError
from csperf.facts import INPUT
from csperf.load import reason_words
from csperf.sources import REGISTRY, Shop
from csperf.sources import loaded as loaded_rows
from csperf.sources.table import Settings, load
from csperf.store import Store

MESSAGES = {
    "account_id": "账号",
    "buyer_id": "买家",
    "sent_at": "时间",
    "sender": {"from": "方向", "values": {"收": "buyer", "发": "human"}},
    "kind": {"const": "text"},
    "text": "内容",
}
ORDERS = {
    "order_id": "订单号",
    "buyer_id": "买家",
    "created_at": "下单",
    "amount_fen": {"from": "金额(元)", "unit": "yuan"},
    "quantity": {"const": 1},
    "status": {"from": "状态", "values": {"等待买家付款": "unpaid", "买家已付款，等待卖家发货": "paid"}},
    "status_raw": "状态",
}
CALLS = {
    "call_id": "id",
    "direction": {"const": "in"},
    "queued_at": "t",
    "ended_at": "t",
    "outcome": {"const": "answered"},
}
ORDER_HEADER = "订单号,买家,下单,金额(元),状态"


def read(tmp_path, text, columns=MESSAGES, table="messages", *, zone="Asia/Shanghai", key=b"", **settings):
    path = tmp_path / "export.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    shop = Shop("shop", zone, tmp_path, key=key)
    return load(path, Settings(table=table, files="*.csv", columns=columns, **settings), shop)


def order_rows(tmp_path, *rows, **settings):
    return read(tmp_path, "\n".join([ORDER_HEADER, *rows]), ORDERS, "orders", **settings)


def records(loaded, table="messages"):
    return loaded.tables[table].to_pylist()


def reasons(loaded):
    return [(row["line"], row["reason"]) for row in loaded.rejects.to_pylist()]


def test_rows_come_in_the_contracts_columns_and_types(tmp_path):
    loaded = read(tmp_path, "账号,买家,时间,方向,内容\n店:01,甲,2025-03-01 07:30:00,收,在吗\n")
    table = loaded.tables["messages"]
    assert table.schema.equals(INPUT["messages"].arrow)
    (row,) = records(loaded)
    assert row["sent_at"] == dt.datetime(2025, 2, 28, 23, 30, tzinfo=dt.UTC)
    assert row["day"] == dt.date(2025, 3, 1)
    assert (row["shop_id"], row["source_file"], row["source_line"], row["sequence"]) == ("shop", "export.csv", 2, 1)
    INPUT["messages"].validator()


def test_every_row_read_is_kept_filtered_or_rejected_with_its_line_and_reason(tmp_path):
    text = (
        "账号,买家,时间,方向,内容\n"
        '店:01,甲,2025-03-01 10:00:00,收,"两\n行"\n'
        "店:01,,2025-03-01 10:00:01,收,x\n"
        "店:01,甲,2025-13-01 10:00:02,收,x\n"
        "店:01,甲,2025-03-01 10:00:03,怪,x\n"
        "店:01,甲,2025-03-01\n"
        "店:01,甲,2025-03-01 10:00:04,收,x,y\n"
        "店:01,广告,2025-03-01 10:00:05,怪,x\n"
    )
    loaded = read(tmp_path, text, filter={"advert": {"column": "买家", "not_in": ["广告"]}})
    assert reasons(loaded) == [
        (4, "empty:buyer_id"),
        (5, "time_unreadable:sent_at"),
        (6, "value_unmapped:sender"),
        (7, "wrong_cells"),
        (8, "wrong_cells"),
    ]
    assert loaded.counts.read == 7
    assert loaded.counts.kept == 1
    assert loaded.counts.filtered == {"advert": 1}
    assert loaded.rejects.to_pylist()[2]["sender"] == "怪"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_reason_has_words(lang):
    row_rules = [name for table in INPUT.values() for name in table.rules]
    codes = ["wrong_cells", "empty:x", "time_unreadable:x", "number_unreadable:x", "value_unreadable:x"]
    codes += ["value_unmapped:x", "thread_without_buyer", "agent_without_buyer", "id_collides:x", *row_rules]
    assert all(reason_words(code, lang) for code in codes)


def test_the_row_rules_of_the_contract_name_the_reason(tmp_path):
    loaded = order_rows(tmp_path, "1,甲,2025-03-01 10:00:00,-5.00,等待买家付款", "2,甲,,5.00,等待买家付款")
    assert reasons(loaded) == [(2, "amount_negative"), (3, "no_time")]


def test_negative_durations_are_rejected(tmp_path):
    columns = CALLS | {"wait_us": {"from": "w", "unit": "seconds"}}
    loaded = read(tmp_path, "id,t,w\n1,2025-03-01 10:00:00,-4\n2,2025-03-01 10:00:00,1.5\n", columns, "calls")
    assert reasons(loaded) == [(2, "duration_negative")]
    assert records(loaded, "calls")[0]["wait_us"] == 1_500_000


@settings(deadline=None, max_examples=10)
@given(st.lists(st.decimals(0, 10**9, places=2), min_size=1, max_size=200))
def test_yuan_become_fen_without_rounding(tmp_path_factory, amounts):
    folder = tmp_path_factory.mktemp("orders")
    rows = [f'{i},甲,2025-03-01 10:00:00,"¥{amount:,}元",等待买家付款' for i, amount in enumerate(amounts)]
    read_back = [row["amount_fen"] for row in records(order_rows(folder, *rows), "orders")]
    assert read_back == [int(amount * Decimal(100)) for amount in amounts]


@pytest.mark.parametrize("amount", ["12.345", "1e3", "十元", "1.2.3"])
def test_an_amount_that_is_no_number_of_fen_is_rejected(tmp_path, amount):
    loaded = order_rows(tmp_path, f"1,甲,2025-03-01 10:00:00,{amount},等待买家付款")
    assert reasons(loaded) == [(2, "number_unreadable:amount_fen")]


@pytest.mark.parametrize(
    "unit,micros", [("milliseconds", 1_500), ("seconds", 1_500_000), ("minutes", 90_000_000), ("hours", 5_400_000_000)]
)
def test_durations_become_microseconds(tmp_path, unit, micros):
    columns = CALLS | {"talk_us": {"from": "w", "unit": unit}}
    (row,) = records(read(tmp_path, "id,t,w\n1,2025-03-01 10:00:00,1.5\n", columns, "calls"), "calls")
    assert row["talk_us"] == micros


@pytest.mark.parametrize(
    "cell", ['="35000000000000001"', "'35000000000000001", "\t35000000000000001\t", '"\t35000000000000001"']
)
def test_ids_lose_what_spreadsheets_put_around_them(tmp_path, cell):
    (row,) = records(order_rows(tmp_path, f"{cell},甲,2025-03-01 10:00:00,5.00,等待买家付款"), "orders")
    assert row["order_id"] == "35000000000000001"


@pytest.mark.parametrize("cell", ["", "\t", "-", "--", "null", '=""', " "])
def test_cells_that_mean_nothing_are_null(tmp_path, cell):
    (row,) = records(order_rows(tmp_path, f"1,{cell},2025-03-01 10:00:00,5.00,等待买家付款"), "orders")
    assert row["buyer_id"] is None


def test_what_people_wrote_stays_as_it_is(tmp_path):
    text = "账号,买家,时间,方向,内容\n店:01,甲,2025-03-01 10:00:00,收,-\n店:01,甲,2025-03-01 10:00:01,收,='x'\n"
    assert [row["text"] for row in records(read(tmp_path, text))] == ["-", "='x'"]


@pytest.mark.parametrize("spelling", ["店铺:01", "店铺：01", "店 铺:01", "cntaobao店铺:01", "店铺:０１"])
def test_an_account_has_one_spelling(tmp_path, spelling):
    (row,) = records(read(tmp_path, f"账号,买家,时间,方向,内容\n{spelling},甲,2025-03-01 10:00:00,收,x\n"))
    assert row["account_id"] == "店铺:01"


@pytest.mark.parametrize(
    ("cell", "utc"),
    [
        ("2025-03-01 10:00:00", "2025-03-01T02:00:00"),
        ("2025/3/1 10:00", "2025-03-01T02:00:00"),
        ("2025-3-1 9:03:05", "2025-03-01T01:03:05"),
        ("2025-03-01T10:00:00+01:00", "2025-03-01T09:00:00"),
        ("2025-03-01T10:00:00Z", "2025-03-01T10:00:00"),
        ("2025-01-01 11:13:25 -0500", "2025-01-01T16:13:25"),
        ("2025-03-01 10:00:00.250", "2025-03-01T02:00:00.250"),
        ("45717.4166666667", "2025-03-01T02:00:00"),
    ],
)
def test_times_are_read_in_the_shops_zone_unless_they_name_their_own(tmp_path, cell, utc):
    (row,) = records(read(tmp_path, f"账号,买家,时间,方向,内容\n店:01,甲,{cell},收,x\n"))
    assert row["sent_at"] == dt.datetime.fromisoformat(utc).replace(tzinfo=dt.UTC)


def test_the_sources_zone_wins_over_the_shops_but_days_are_the_shops(tmp_path):
    (row,) = records(read(tmp_path, "账号,买家,时间,方向,内容\n店:01,甲,2025-03-01 20:00:00,收,x\n", timezone="UTC"))
    assert row["sent_at"].hour == 20
    assert row["day"] == dt.date(2025, 3, 2)


def test_times_without_zone_are_refused_with_the_line(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    text = "账号,买家,时间,方向,内容\n店:01,甲,2025-03-01T10:00:00Z,收,x\n店:01,甲,2025-03-01 10:00:00,收,x\n"
    with pytest.raises(CsperfError, match=r"first on line 3.*timezone"):
        read(tmp_path, text, zone=None)


def test_a_format_of_ones_own_and_several(tmp_path):
    columns = MESSAGES | {"sent_at": {"from": ["日", "时"], "format": ["%y%m%d %H:%M", "%d.%m.%Y %H:%M"]}}
    text = (
        "账号,买家,日,时,方向,内容\n店:01,甲,250301,10:00,收,x\n店:01,甲,01.03.2025,10:00,收,x\n店:01,甲,,10:00,收,x\n"
    )
    loaded = read(tmp_path, text, columns)
    assert {row["sent_at"] for row in records(loaded)} == {dt.datetime(2025, 3, 1, 2, tzinfo=dt.UTC)}
    assert reasons(loaded) == [(4, "empty:sent_at")]


def test_the_first_filled_of_several_alternatives_counts(tmp_path):
    columns = MESSAGES | {"account_id": ["客服", {"from": "账号", "empty": ["无"]}]}
    both = ("-,b", "a,b", ",无")
    text = "客服,账号,买家,时间,方向,内容\n" + "".join(f"{two},甲,2025-03-01 10:00:00,收,x\n" for two in both)
    assert [row["account_id"] for row in records(read(tmp_path, text, columns))] == ["b", "a", None]


def test_a_clock_past_midnight_belongs_to_the_next_day(tmp_path):
    columns = {
        "call_id": "id",
        "direction": {"const": "in"},
        "queued_at": {"from": ["d", "a"]},
        "answered_at": {"from": ["d", "b"], "past_midnight": "queued_at"},
        "ended_at": {"from": ["d", "c"], "past_midnight": "queued_at"},
        "outcome": {"const": "answered"},
    }
    text = "id,d,a,b,c\n1,2025-03-01,23:59:50,23:59:48,00:01:00\n"
    (row,) = records(read(tmp_path, text, columns, "calls", zone="UTC"), "calls")
    assert row["answered_at"] == dt.datetime(2025, 3, 1, 23, 59, 48, tzinfo=dt.UTC)
    assert row["ended_at"] == dt.datetime(2025, 3, 2, 0, 1, tzinfo=dt.UTC)


def test_value_maps_do_not_mind_the_width_of_commas(tmp_path):
    rows = (
        "1,甲,2025-03-01 10:00:00,5,买家已付款，等待卖家发货",
        '2,甲,2025-03-01 10:00:00,5,"买家已付款,等待卖家发货"',
    )
    assert [row["status"] for row in records(order_rows(tmp_path, *rows), "orders")] == ["paid", "paid"]


@pytest.mark.parametrize("condition", [{"in": ["甲"]}, {"not_in": ["乙", "丙"]}, {"matches": "^甲"}])
def test_filters_keep_the_rows_for_which_they_hold(tmp_path, condition):
    rows = [f"{i},{buyer},2025-03-01 10:00:00,5,等待买家付款" for i, buyer in enumerate("甲乙丙")]
    loaded = order_rows(tmp_path, *rows, filter={"only": {"column": "买家", **condition}})
    assert [row["buyer_id"] for row in records(loaded, "orders")] == ["甲"]
    assert loaded.counts.filtered == {"only": 2}


def test_personal_ids_are_stored_as_keyed_hashes_rejects_included(tmp_path):
    columns = ORDERS | {"buyer_id": {"from": "买家", "hash": True}}
    text = f"{ORDER_HEADER}\n1,a@b.cn,2025-03-01 10:00:00,5,等待买家付款\n2,a@b.cn,2025-03-01 10:00:00,5,怪\n"
    loaded = read(tmp_path, text, columns, "orders", key=b"secret")
    (row,) = records(loaded, "orders")
    assert row["buyer_id"] == hmac.digest(b"secret", b"a@b.cn", "sha256").hex()[:32]
    assert loaded.rejects.to_pylist()[0]["buyer_id"] == row["buyer_id"]
    with pytest.raises(CsperfError, match="CSPERF_KEY"):
        read(tmp_path, text, columns, "orders")


def test_ids_rounded_by_excel_are_told_and_colliding_ones_rejected(tmp_path):
    rows = [f"{n},甲,2025-03-01 10:00:00,{n[0]},等待买家付款" for n in ("1.23E+18", "1.23E+18", "4.56E+18")]
    loaded = order_rows(tmp_path, *rows)
    assert [notice.code for notice in loaded.warnings] == ["id_rounded"]
    assert reasons(loaded) == [(2, "id_collides:order_id"), (3, "id_collides:order_id")]
    assert [row["order_id"] for row in records(loaded, "orders")] == ["4.56E+18"]


def test_many_ids_that_end_in_zeros_are_told(tmp_path):
    rows = [f"{35000000000000000 + 1000 * i},甲,2025-03-01 10:00:00,5,等待买家付款" for i in range(4)]
    loaded = order_rows(tmp_path, *rows)
    assert loaded.warnings[0].slots["n"] == 4
    assert "ID_ROUNDED" in loaded.warnings[0].say("en")
    assert loaded.counts.kept == 4


def test_missing_columns_are_named_at_once_with_what_is_there_and_what_is_near(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    with pytest.raises(CsperfError) as raised:
        read(tmp_path, "账号,买家名,发送时间,方向\n")
    (problem,) = raised.value.problems
    assert "columns missing: 买家, 时间, 内容" in problem.message
    assert "账号, 买家名, 发送时间, 方向" in problem.message
    assert "买家 ≈ 买家名" in problem.message


def test_a_column_that_stands_twice_is_unclear(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    with pytest.raises(CsperfError, match=r"more than once.*买家"):
        read(tmp_path, "账号,买家,买家,时间,方向,内容\n")


def test_only_a_header_is_no_error_but_told(tmp_path):
    loaded = read(tmp_path, "账号,买家,时间,方向,内容\n")
    assert loaded.counts.read == 0
    assert [notice.code for notice in loaded.warnings] == ["header_only"]


def test_row_ids_tell_true_repeats_apart_and_do_not_depend_on_the_file(tmp_path):
    said = "店:01,甲,2025-03-01 10:00:00,收,在吗\n"
    head = "账号,买家,时间,方向,内容\n"
    twice = [row["row_id"] for row in records(read(tmp_path, head + said + said))]
    moved = [row["row_id"] for row in records(read(tmp_path, head + "店:02,乙,2025-03-01 09:00:00,收,y\n" + said))]
    assert len(set(twice)) == 2
    assert moved[1] == twice[0]


def test_sequence_is_the_rank_within_account_buyer_and_second(tmp_path):
    rows = [("甲", 0, "收"), ("甲", 0, "发"), ("乙", 0, "收"), ("甲", 1, "收"), ("甲", 0, "收")]
    text = "账号,买家,时间,方向,内容\n" + "".join(f"店:01,{b},2025-03-01 10:00:0{s},{d},x\n" for b, s, d in rows)
    assert [row["sequence"] for row in records(read(tmp_path, text))] == [1, 2, 1, 1, 3]


def test_rounded_floats_from_tables_with_gaps_are_ids_again(tmp_path):
    columns = MESSAGES | {"message_id": "id", "reply_to": "to"}
    text = "账号,买家,时间,方向,内容,id,to\n店:01,甲,2025-03-01 10:00:00,收,x,3.0,1.0\n"
    (row,) = records(read(tmp_path, text, columns))
    assert (row["message_id"], row["reply_to"]) == ("3", "1")


TWEETS = {
    "message_id": "id",
    "reply_to": "to",
    "buyer_id": "who",
    "sent_at": {"from": "at", "format": "%a %b %d %H:%M:%S %z %Y"},
    "sender": {"from": "inbound", "values": {"True": "buyer", "False": "human"}},
    "kind": {"const": "text"},
}
THREAD = {"id": "id", "parent": "to", "account_where": {"inbound": False}, "account": "who"}


def tweets(tmp_path, *rows, **thread):
    text = "id,who,inbound,at,to\n" + "".join(
        f"{i},{who},{inbound},Tue Oct 31 22:{i:02}:00 +0000 2017,{to}\n" for i, who, inbound, to in rows
    )
    return read(tmp_path, text, TWEETS, thread=THREAD | thread, zone=None)


def test_a_thread_fills_accounts_and_buyers_along_the_links(tmp_path):
    loaded = tweets(
        tmp_path,
        (1, "b1", True, ""),  # answered by 2
        (2, "brand", False, "1.0"),
        (3, "b1", True, "2.0"),  # answers 2
        (4, "b1", True, "3.0"),  # two links away from 2, nobody answers it
        (5, "brand", False, "2.0"),  # the brand goes on: its buyer is two links away
        (6, "b2", True, "99.0"),  # its parent is not in the file
    )
    sides = {row["message_id"]: (row["account_id"], row["buyer_id"]) for row in records(loaded)}
    assert sides["1"] == sides["2"] == sides["3"] == sides["5"] == ("brand", "b1")
    assert sides["4"] == (None, "b1")
    assert sides["6"] == (None, "b2")


def test_a_longer_reach_follows_more_links(tmp_path):
    rows = [(1, "brand", False, "2"), (2, "b1", True, "3"), (3, "b1", True, "")]
    assert records(tweets(tmp_path, *rows))[2]["account_id"] is None
    assert records(tweets(tmp_path, *rows, reach=2))[2]["account_id"] == "brand"


def test_an_agents_message_to_nobody_is_rejected_by_name(tmp_path):
    loaded = tweets(tmp_path, (1, "brand", False, ""), (2, "b1", True, ""))
    assert reasons(loaded) == [(2, "thread_without_buyer")]
    assert loaded.counts.kept == 1


def test_a_row_cut_short_is_rejected_by_its_line(tmp_path):
    text = "id,who,inbound,at,to\n1,b1,True,Tue Oct 31 22:10:47 +0000 2017,\n3398,b2\n"
    assert reasons(read(tmp_path, text, TWEETS, thread=THREAD)) == [(3, "wrong_cells")]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"table": "order"}, "nearest: orders"),
        ({"columns": {"order_id": "x"}}, "buyer_id, sent_at, sender, kind"),
        ({"columns": MESSAGES | {"buyer": "x"}}, "no column buyer"),
        ({"columns": MESSAGES | {"text": {"from": "x", "const": "y"}}}, "not both"),
        ({"columns": MESSAGES | {"row_id": "x"}}, "no column row_id"),
        ({"filter": {"f": {"column": "x", "in": ["a"], "not_in": ["b"]}}}, "exactly one"),
        ({"filter": {"f": {"column": "x", "matches": "("}}}, "pattern"),
        ({"columns": MESSAGES | {"sent_at": {"from": "x", "past_midnight": "y"}}}, "past_midnight"),
        ({"table": "orders", "columns": ORDERS, "thread": THREAD}, "only for the messages"),
        ({"table": "orders", "columns": ORDERS | {"amount_fen": "金额"}}, "unit"),
    ],
)
def test_a_wrong_mapping_is_told_before_anything_is_read(monkeypatch, change, said):
    monkeypatch.setenv("CSPERF_LANG", "en")
    with pytest.raises(ValidationError, match=said):
        Settings.model_validate({"table": "messages", "files": "x", "columns": MESSAGES} | change)


def test_sources_are_found_from_their_files():
    assert {"table", "wangwang"} <= set(REGISTRY)
    assert all(hasattr(module, "Settings") for module in REGISTRY.values())


def test_rows_kept_on_disk_are_stored_like_rows_at_hand(tmp_path, monkeypatch):
    lines = [
        f"店:01,甲{i % 7},2025-0{3 + i // 2500}-01 08:{i // 60 % 60:02}:{i % 60:02},收,{i % 11}" for i in range(5000)
    ]
    text = "\n".join(["账号,买家,时间,方向,内容", *lines])
    at_hand = read(tmp_path, text)
    monkeypatch.setattr(loaded_rows, "BATCH_ROWS", 2000)
    on_disk = read(tmp_path, text)
    rows = on_disk.tables["messages"]
    assert isinstance(rows, loaded_rows.Spilled)
    assert pa.Table.from_batches(rows.to_batches()).equals(at_hand.tables["messages"])
    stores = [Store(tmp_path / name, "Asia/Shanghai") for name in ("a", "b")]
    for store, one in zip(stores, (at_hand, on_disk), strict=True):
        store.add(one)
    a, b = ({p.relative_to(s.root): p.read_bytes() for p in s.root.rglob("*.*") if p.is_file()} for s in stores)
    assert a == b
    assert len(a) == 3  # two months and the manifest
