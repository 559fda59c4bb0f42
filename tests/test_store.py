"""The store: no row twice, nothing lost, the same bytes again, old or new but never half."""

import datetime as dt

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pandera.errors import SchemaErrors

from csperf.errors import CsperfError
from csperf.facts import INPUT
from csperf.sources import Shop
from csperf.sources import table as table_source
from csperf.store import Intake, Store

HEAD = "账号,买家,时间,方向,类型,内容"
MESSAGES = {
    "account_id": "账号",
    "buyer_id": "买家",
    "sent_at": "时间",
    "sender": {"from": "方向", "values": {"收": "buyer", "发": "human"}},
    "kind": {"from": "类型", "values": {"文": "text", "撤": "recall"}},
    "text": "内容",
}
ORDERS = {
    "order_id": "单号",
    "created_at": "下单",
    "paid_at": "付款",
    "amount_fen": {"from": "金额", "unit": "yuan"},
    "quantity": {"const": 1},
    "status": "状态",
}


def message(second, text="x", *, buyer="甲", side="收", kind="文", day=1):
    return f"店:01,{buyer},2025-03-{day:02} 10:00:{second:02},{side},{kind},{text}"


def chats(folder, name, *rows, ids=False, zone="Asia/Shanghai"):
    columns = MESSAGES | ({"message_id": "id"} if ids else {})
    head = f"{HEAD},id" if ids else HEAD
    return loaded(folder, name, "\n".join([head, *rows]), "messages", columns, zone)


def orders(folder, name, *rows):
    return loaded(folder, name, "\n".join(["单号,下单,付款,金额,状态", *rows]), "orders", ORDERS, "Asia/Shanghai")


def loaded(folder, name, text, table, columns, zone):
    path = folder / name
    path.write_text(text + "\n", encoding="utf-8")
    settings = table_source.Settings(table=table, files="*", columns=columns)
    return table_source.load(path, settings, Shop("shop", zone, folder))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store", "Asia/Shanghai")


def rows_of(store, table="messages", **days):
    return store.read(ibis.duckdb.connect(), table, **days).to_pandas()


def bytes_of(store):
    return {path.relative_to(store.root): path.read_bytes() for path in store.root.rglob("*") if path.is_file()}


def fates(counts):
    return tuple(counts[part] for part in ("read", "kept", "duplicate", "replaced"))


def test_an_empty_store_gives_empty_tables_of_the_right_types(store):
    for name, table in INPUT.items():
        read = store.read(ibis.duckdb.connect(), name)
        assert read.schema() == table.schema
        assert read.count().execute() == 0
    assert store.tables() == store.months() == []
    assert store.coverage().empty


def test_rows_come_back_as_they_went_in_by_month_of_the_local_day(store, tmp_path):
    one = chats(
        tmp_path, "a.csv", message(0), "店:01,甲,2025-03-31 23:59:59,发,文,y", "店:01,甲,2025-04-01 00:00:00,收,文,z"
    )
    store.add(one)
    assert store.months() == ["2025-03", "2025-04"]
    assert store.tables() == ["messages"]
    assert store.read(ibis.duckdb.connect(), "messages").schema() == INPUT["messages"].schema
    assert sorted(rows_of(store).row_id) == sorted(one.tables["messages"]["row_id"].to_pylist())
    assert pq.read_schema(store.root / "messages" / "2025-04.parquet").equals(INPUT["messages"].arrow)


def test_days_bound_what_is_read_both_included(store, tmp_path):
    store.add(chats(tmp_path, "a.csv", *(message(0, day=day) for day in (1, 2, 3, 4))))
    within = rows_of(store, first_day=dt.date(2025, 3, 2), last_day=dt.date(2025, 3, 3))
    assert sorted(within.day.dt.day) == [2, 3]
    assert len(rows_of(store, first_day=dt.date(2025, 4, 1))) == 0


def test_overlapping_downloads_vanish_and_true_repeats_stay(store, tmp_path):
    said = [message(0, "在吗"), message(0, "在吗"), message(1, "亲", side="发")]
    first = chats(tmp_path, "a.csv", *said, message(2, "甲说"))
    second = chats(tmp_path, "b.csv", *said, message(3, "新的"))
    counts = store.add(first, second)
    assert fates(counts["a.csv"]) == (4, 4, 0, 0)
    assert fates(counts["b.csv"]) == (4, 1, 3, 0)
    assert sorted(rows_of(store).text) == ["亲", "在吗", "在吗", "新的", "甲说"]


def test_one_after_the_other_or_together_makes_no_difference(tmp_path):
    files = [
        chats(tmp_path, "a.csv", message(0), message(1)),
        chats(tmp_path, "b.csv", message(1), message(2), message(0, day=2)),
        orders(tmp_path, "o.csv", "1,2025-03-01 10:00:00,,5.00,unpaid"),
        orders(tmp_path, "p.csv", "1,2025-03-01 10:00:00,2025-03-01 10:05:00,5.00,paid"),
    ]
    together, apart = Store(tmp_path / "x", "Asia/Shanghai"), Store(tmp_path / "y", "Asia/Shanghai")
    together.add(*files)
    for one in files:
        apart.add(one)
    assert bytes_of(together) == bytes_of(apart)


def test_a_later_state_replaces_the_earlier_and_is_counted_in_the_earlier_file(store, tmp_path):
    store.add(orders(tmp_path, "a.csv", "1,2025-03-01 10:00:00,,5.00,unpaid", "2,2025-03-01 10:00:00,,5.00,unpaid"))
    counts = store.add(
        orders(
            tmp_path,
            "b.csv",
            "1,2025-03-01 10:00:00,2025-03-01 10:05:00,5.00,paid",
            "2,2025-03-01 10:00:00,,5.00,unpaid",
        )
    )
    assert fates(counts["b.csv"]) == (2, 1, 1, 0)
    assert fates(store.manifest()["files"]["a.csv"]) == (2, 1, 0, 1)
    assert sorted(rows_of(store, "orders").status) == ["paid", "unpaid"]


@pytest.mark.parametrize("ids", [False, True])
@pytest.mark.parametrize("recall_first", [False, True])
def test_a_recall_always_wins_over_the_message_it_recalls(store, tmp_path, ids, recall_first):
    end = (",1", ",2") if ids else ("", "")
    said = chats(tmp_path, "a.csv", message(0, "价格错了", side="发") + end[0], message(1) + end[1], ids=ids)
    gone = chats(tmp_path, "b.csv", message(0, "", side="发", kind="撤") + end[0], message(1) + end[1], ids=ids)
    counts = store.add(*((gone, said) if recall_first else (said, gone)))
    rows = rows_of(store)
    assert sorted(rows.kind) == ["recall", "text"]
    assert "价格错了" not in set(rows.text)
    assert sum(fates(counts["a.csv"])[1:]) == 2
    assert counts["a.csv"]["replaced"] == 1


def test_loading_the_same_again_changes_no_row(store, tmp_path):
    one = chats(tmp_path, "a.csv", message(0), message(0), message(1))
    store.add(one)
    before = rows_of(store)
    counts = store.add(one)
    assert rows_of(store).equals(before)
    assert [fates(count) for count in counts.values()] == [(3, 0, 3, 0)]


def test_a_file_that_comes_again_changed_is_another_delivery(store, tmp_path):
    store.add(chats(tmp_path, "a.csv", message(0)))
    (label,) = store.add(chats(tmp_path, "a.csv", message(0), message(1)))
    assert label.startswith("a.csv@")
    assert set(rows_of(store).source_file) == {"a.csv", label}


def test_rejects_stand_beside_the_store_and_cannot_become_formulas(store, tmp_path):
    store.add(chats(tmp_path, "a.csv", message(0), "店:01,甲,=HYPERLINK(1),收,文,x"))
    text = (store.root / "rejects" / "a.csv.csv").read_text(encoding="utf-8-sig")
    assert "time_unreadable:sent_at" in text
    assert '"\'=HYPERLINK(1)"' in text
    assert list((store.root / "rejects").iterdir()) == [store.root / "rejects" / "a.csv.csv"]


def test_coverage_tells_a_day_not_downloaded_from_a_day_without_messages(store, tmp_path):
    other = "店:02,乙,2025-03-02 10:00:00,收,文,x"
    store.add(chats(tmp_path, "a.csv", message(0), message(1), other, message(0, day=4)))
    coverage = store.coverage().set_index(["account_id", "day"]).n
    assert coverage["店:01", dt.date(2025, 3, 1)] == 2
    assert coverage["店:01", dt.date(2025, 3, 2)] == 0
    assert coverage.isna().to_dict()["店:01", dt.date(2025, 3, 3)]
    assert store.manifest()["files"]["a.csv"]["covered"] == {
        "店:01": ["2025-03-01", "2025-03-04"],
        "店:02": ["2025-03-02"],
    }


def test_a_run_cut_off_leaves_the_old_files(store, tmp_path, monkeypatch):
    store.add(chats(tmp_path, "a.csv", message(0)))
    before = bytes_of(store)

    class Killed(BaseException):
        pass

    def killed(*_args):
        raise Killed

    for step in ("_merge", "_count", "_swap"):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Intake, step, killed)
            store.add(chats(tmp_path, "b.csv", message(5)))
        assert bytes_of(store) == before
        assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["store"]


def test_a_replacement_cut_off_between_its_renames_is_undone(store, tmp_path):
    store.add(chats(tmp_path, "a.csv", message(0)))
    before = bytes_of(store)
    store.root.rename(tmp_path / "store.old")
    store.recover()
    assert bytes_of(store) == before


def test_a_manifest_that_cannot_be_read_is_told(store, tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    store.add(chats(tmp_path, "a.csv", message(0)))
    (store.root / "manifest.json").write_text("{", encoding="utf-8")
    with pytest.raises(CsperfError, match="load again"):
        store.manifest()


def test_a_bad_row_that_a_source_lets_through_is_not_stored(store, tmp_path):
    one = chats(tmp_path, "a.csv", message(0))
    rows = one.tables["messages"]
    place = rows.schema.get_field_index("sender")
    one.tables["messages"] = rows.set_column(place, rows.schema.field(place), pa.nulls(1, pa.string()))
    with pytest.raises(SchemaErrors, match="sender"):
        store.add(one)
    assert not store.root.exists()


# Forms that come again --------------------------------------------------------------------------------------------

ROSTER = {
    "account_id": "账号",
    "agent_id": "工号",
    "name": "姓名",
    "role": "岗位",
    "started": "入职",
    "valid_from": "生效",
}
SHIFTS = {"agent_id": "工号", "start": "上班", "end": "下班", "shift": "班次"}
AMY, BEN, CAT = (f"店:0{n},A{n},{name},售前,2025-01-01,2025-01-01" for n, name in enumerate(("美", "本", "猫"), 1))


def roster(folder, name, *rows):
    return loaded(folder, name, "\n".join(["账号,工号,姓名,岗位,入职,生效", *rows]), "roster", ROSTER, "Asia/Shanghai")


def shifts(folder, name, *days):
    rows = (f"A1,2025-{day} 08:00:00,2025-{day} 16:00:00,早" for day in days)
    return loaded(folder, name, "\n".join(["工号,上班,下班,班次", *rows]), "shifts", SHIFTS, "Asia/Shanghai")


def names(store):
    return sorted(rows_of(store, "roster").name) if "roster" in store.tables() else []


def all_accounted(store):
    entries = store.manifest()["files"].values()
    return all(sum(fates(e)[1:]) + sum(e["rejected"].values()) == e["read"] for e in entries)


def test_a_mended_form_takes_the_place_of_what_it_said_before(store, tmp_path):
    store.add(roster(tmp_path, "r.csv", AMY, BEN))
    later = AMY.replace("2025-01-01,2025-01-01", "2025-01-01,2025-02-01")  # the key itself is mended, a row is gone
    (label,) = store.add(roster(tmp_path, "r.csv", later, CAT))
    assert names(store) == ["猫", "美"]
    assert set(rows_of(store, "roster").valid_from.astype(str)) == {"2025-02-01", "2025-01-01"}
    files = store.manifest()["files"]
    assert fates(files["r.csv"]) == (2, 0, 0, 2)
    assert fates(files[label]) == (2, 2, 0, 0)


def test_what_was_a_duplicate_of_a_mended_row_comes_back(store, tmp_path):
    store.add(roster(tmp_path, "a.csv", AMY), roster(tmp_path, "b.csv", AMY, BEN))
    assert fates(store.manifest()["files"]["b.csv"]) == (2, 1, 1, 0)
    store.add(roster(tmp_path, "a.csv", CAT))
    assert names(store) == ["本", "猫", "美"]
    assert fates(store.manifest()["files"]["a.csv"]) == (1, 0, 0, 1)
    assert fates(store.manifest()["files"]["b.csv"]) == (2, 2, 0, 0)
    assert all_accounted(store)


def test_what_another_form_had_replaced_comes_back(store, tmp_path):
    store.add(roster(tmp_path, "a.csv", AMY), roster(tmp_path, "b.csv", AMY.replace("售前", "售后")))
    assert fates(store.manifest()["files"]["a.csv"]) == (1, 0, 0, 1)
    store.add(roster(tmp_path, "b.csv", BEN))
    assert names(store) == ["本", "美"]
    assert fates(store.manifest()["files"]["a.csv"]) == (1, 1, 0, 0)


def test_a_mended_form_does_not_outrank_one_that_came_after_it(store, tmp_path):
    store.add(roster(tmp_path, "01.csv", AMY), roster(tmp_path, "02.csv", AMY.replace("售前", "售后")))
    store.add(roster(tmp_path, "01.csv", AMY, BEN))
    assert rows_of(store, "roster").set_index("name").role.to_dict() == {"美": "after", "本": "pre"}
    assert all_accounted(store)


def test_a_form_may_go_back_to_what_it_said_and_may_say_nothing(store, tmp_path):
    first, second, nobody = ([AMY], [AMY, BEN], [])
    for rows in (first, second, first, nobody, second):
        store.add(roster(tmp_path, "r.csv", *rows), roster(tmp_path, "other.csv", CAT))
        assert len(names(store)) == len(rows) + 1
        assert all_accounted(store)
    assert list(store.manifest()["files"])[:1] == ["other.csv"]


def test_forms_that_say_nothing_make_an_empty_table(store, tmp_path):
    store.add(roster(tmp_path, "r.csv"), shifts(tmp_path, "s.csv"))
    assert store.tables() == []
    store.add(roster(tmp_path, "r.csv", AMY), shifts(tmp_path, "s.csv", "03-01"))
    assert store.tables() == ["roster", "shifts"]
    store.add(roster(tmp_path, "r.csv"), shifts(tmp_path, "s.csv"))
    assert store.tables() == ["shifts"]  # a plan without days speaks of none
    assert all_accounted(store)


def test_a_mended_plan_replaces_its_own_days_only(store, tmp_path):
    store.add(shifts(tmp_path, "s.csv", "03-01", "03-02", "03-03"))
    store.add(shifts(tmp_path, "s.csv", "03-02", "04-01"))
    assert [f"{day:%m-%d}" for day in rows_of(store, "shifts").sort_values("start").day] == ["03-01", "03-02", "04-01"]
    assert fates(store.manifest()["files"]["s.csv"]) == (3, 1, 0, 2)
    store.add(shifts(tmp_path, "s.csv", "03-01", "05-01"))
    assert store.months("shifts") == ["2025-03", "2025-05"]
    assert all_accounted(store)


def test_forms_one_after_the_other_or_together_make_no_difference(tmp_path):
    files = [roster(tmp_path, "a.csv", AMY), roster(tmp_path, "b.csv", AMY, BEN), shifts(tmp_path, "s.csv", "03-01")]
    together, apart = Store(tmp_path / "x", "Asia/Shanghai"), Store(tmp_path / "y", "Asia/Shanghai")
    together.add(*files)
    for one in files:
        apart.add(one)
    assert bytes_of(together) == bytes_of(apart)


def test_what_was_wrong_with_a_form_before_is_no_longer_beside_the_store(store, tmp_path):
    store.add(roster(tmp_path, "r.csv", AMY, "店:02,,本,售前,2025-01-01,2025-01-01"))
    assert (store.root / "rejects" / "r.csv.csv").exists()
    store.add(roster(tmp_path, "r.csv", AMY, BEN))
    assert list(store.root.glob("rejects/*")) == []
    assert all_accounted(store)
