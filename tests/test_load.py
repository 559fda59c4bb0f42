"""A folder of exports becomes a store: every record accounted for, twice the same, all problems at once."""

import datetime as dt
from typing import Any

import ibis
import pytest

from csperf.errors import CsperfError
from csperf.facts import LEVELS, ROLES, SPOKEN
from csperf.load import LoadSettings, load, look, store_of
from csperf.params import load_params
from csperf.targets.register import COLUMNS

ROSTER = {
    "source": "table",
    "table": "roster",
    "files": "roster.csv",
    "columns": {
        "account_id": "账号",
        "agent_id": "工号",
        "name": "姓名",
        "role": {"from": "岗位", "values": {"售前": "pre"}},
        "started": "入职",
        "valid_from": "入职",
    },
}
CHATS = {"source": "wangwang", "files": "chats/*.txt"}
ORDERS: dict[str, Any] = {
    "source": "table",
    "table": "orders",
    "files": "orders/*.csv",
    "columns": {
        "order_id": "单号",
        "created_at": "下单",
        "amount_fen": {"from": "金额", "unit": "yuan"},
        "quantity": {"const": 1},
        "status": {"const": "unpaid"},
    },
    "filter": {"test": {"column": "单号", "not_in": ["0"]}},
}


def chat(day, *minutes, account="店:01"):
    lines = (f"甲(2025-03-{day:02} 10:{m:02}:00):问\n{account}(2025-03-{day:02} 10:{m:02}:09):答\n" for m in minutes)
    return "".join(lines)


@pytest.fixture
def folder(tmp_path):
    for name in ("chats", "orders"):
        (tmp_path / name).mkdir()
    (tmp_path / "chats" / "a.txt").write_bytes(chat(1, 1, 2).encode("gb18030"))
    (tmp_path / "chats" / "b.txt").write_text(chat(1, 2, 3) + "-----\n" + chat(2, 1, account="店:02"), encoding="utf-8")
    (tmp_path / "chats" / "~$b.txt").write_bytes(b"a lock")
    (tmp_path / "orders" / "o.csv").write_text(
        "单号,下单,金额\n1,2025-03-01 10:00:00,5\n0,x,5\n2,x,5\n", encoding="utf-8"
    )
    (tmp_path / "roster.csv").write_text("账号,工号,姓名,岗位,入职\n店：01,g1,小甲,售前,2024-01-01\n", encoding="utf-8")
    return tmp_path


def settings(folder, *sources, **changes):
    given = {"shop": "shop", "root": folder, "timezone": "Asia/Shanghai", "sources": sources or (CHATS, ORDERS, ROSTER)}
    return LoadSettings(**given | changes)


def bytes_of(store):
    return {path.relative_to(store.root): path.read_bytes() for path in store.root.rglob("*") if path.is_file()}


def test_every_record_of_every_file_is_accounted_for(folder):
    report = load(settings(folder))
    files = report.files.set_index("file")
    parts = files[["kept", "duplicate", "replaced", "filtered", "folded", "rejected"]]
    assert list(files.index) == ["chats/a.txt", "chats/b.txt", "orders/o.csv", "roster.csv"]
    assert (parts.sum(axis=1) == files["read"]).all()
    assert files.loc["chats/b.txt", ["read", "kept", "duplicate"]].tolist() == [6, 4, 2]
    assert files.loc["orders/o.csv", ["read", "kept", "filtered", "rejected"]].tolist() == [3, 1, 1, 1]
    assert report.reasons[["file", "part", "reason", "n"]].values.tolist() == [
        ["orders/o.csv", "filtered", "test", 1],
        ["orders/o.csv", "rejected", "time_unreadable:created_at", 1],
    ]
    assert str(report.reasons["line"].iloc[1]) == "4"


def test_loading_again_reads_nothing_and_changes_no_byte(folder):
    load(settings(folder))
    store = store_of(settings(folder))
    before = bytes_of(store)
    told = []
    again = load(settings(folder), progress=lambda *step: told.append(step))
    assert told == []
    assert again.files.skipped.all()
    assert bytes_of(store) == before


def test_two_stores_of_the_same_exports_are_the_same_bytes(folder, tmp_path_factory):
    elsewhere = settings(folder, store=tmp_path_factory.mktemp("other") / "store")
    load(settings(folder))
    load(elsewhere)
    assert bytes_of(store_of(settings(folder))) == bytes_of(store_of(elsewhere))


def test_a_new_file_is_read_alone(folder):
    load(settings(folder))
    (folder / "chats" / "c.txt").write_text(chat(2, 1, account="店:02") + "-----\n" + chat(3, 1), encoding="utf-8")
    told = []
    report = load(settings(folder), progress=lambda *step: told.append(step))
    assert told == [(0, 1, "chats/c.txt")]
    assert report.files.set_index("file").loc["chats/c.txt", ["read", "kept", "duplicate"]].tolist() == [4, 2, 2]


def test_a_changed_mapping_reads_everything_anew(folder):
    load(settings(folder))
    doubled = ORDERS | {"columns": ORDERS["columns"] | {"quantity": {"const": 2}}}
    load(settings(folder, CHATS, doubled, ROSTER))
    orders = store_of(settings(folder)).read(ibis.duckdb.connect(), "orders").to_pandas()
    assert orders.quantity.tolist() == [2]
    fresh = settings(folder, CHATS, doubled, ROSTER, store=folder / "fresh")
    load(fresh)
    assert bytes_of(store_of(fresh)) == bytes_of(store_of(settings(folder)))


def test_reading_anew_never_loses_a_file_that_is_gone(folder, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")
    load(settings(folder))
    before = bytes_of(store_of(settings(folder)))
    (folder / "chats" / "a.txt").unlink()
    load(settings(folder))
    assert bytes_of(store_of(settings(folder))) == before
    with pytest.raises(CsperfError, match=r"are gone: chats/a\.txt"):
        load(settings(folder, timezone="UTC"))
    assert bytes_of(store_of(settings(folder))) == before


def test_accounts_not_on_the_roster_are_kept_and_told(folder):
    report = load(settings(folder))
    (notice,) = report.warnings
    assert (notice.code, notice.slots["accounts"]) == ("not_on_roster", "店:02")
    messages = store_of(settings(folder)).read(ibis.duckdb.connect(), "messages").to_pandas()
    assert "店:02" in set(messages.account_id)


def test_a_mended_roster_leaves_no_old_row_beside_the_new(folder):
    load(settings(folder))
    path = folder / "roster.csv"
    first = path.read_text(encoding="utf-8")
    for content, started in ((first.replace("2024-01-01", "2024-02-01"), "2024-02-01"), (first, "2024-01-01")):
        path.write_text(content, encoding="utf-8")
        report = load(settings(folder))
        roster = store_of(settings(folder)).read(ibis.duckdb.connect(), "roster").to_pandas()
        assert roster["valid_from"].astype(str).tolist() == [started]
        assert report.files.query("source == 'table' and file.str.startswith('roster')")["kept"].sum() == 1
    assert load(settings(folder)).files.skipped.all()
    doubled = ORDERS | {"columns": ORDERS["columns"] | {"quantity": {"const": 2}}}
    load(settings(folder, CHATS, doubled, ROSTER))  # reading anew does not ask for what a mended form said before
    assert [file for file in store_of(settings(folder)).manifest()["files"] if "roster" in file] == ["roster.csv"]


def test_a_file_taken_out_of_the_folder_keeps_its_rows_and_is_named(folder):
    rosters = ROSTER | {"files": "roster*.csv"}
    (folder / "roster2.csv").write_text("账号,工号,姓名,岗位,入职\n店:02,g2,小乙,售前,2024-01-01\n", encoding="utf-8")
    load(settings(folder, CHATS, ORDERS, rosters))
    (folder / "roster2.csv").unlink()
    report = load(settings(folder, CHATS, ORDERS, rosters))
    assert [(notice.code, notice.slots["files"]) for notice in report.warnings] == [("files_absent", "roster2.csv")]
    assert len(store_of(settings(folder)).read(ibis.duckdb.connect(), "roster").to_pandas()) == 2


def test_looking_knows_strangers_and_months_before_and_after_loading(folder):
    before = look(settings(folder))
    assert (before.strangers, before.measurable, before.unread) == (["店:02"], ["2025-03"], 4)
    load(settings(folder))
    after = look(settings(folder))
    assert (after.strangers, after.measurable, after.unread) == (["店:02"], ["2025-03"], 0)
    assert [problem.message for problem in after.problems] == [problem.message for problem in before.problems]
    assert len(after.problems) == 1
    mended = (folder / "roster.csv").read_text(encoding="utf-8").replace("店：01", "店:02")
    (folder / "roster.csv").write_text(mended, encoding="utf-8")
    assert look(settings(folder)).strangers == ["店:01"]  # what the store knows of a mended form is no longer true
    assert look(settings(folder, internal_accounts=frozenset(["店:01"]))).strangers == []


def test_days_are_those_of_the_shops_zone(folder):
    load(settings(folder, timezone="Pacific/Auckland"))
    messages = store_of(settings(folder)).read(ibis.duckdb.connect(), "messages").to_pandas()
    assert {day.date() for day in messages.day} == {dt.date(2025, 3, 1), dt.date(2025, 3, 2)}
    assert messages.sent_at.min().tz_convert("Pacific/Auckland").hour == 10


def test_the_store_may_stand_elsewhere(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "store"
    load(settings(folder, store=elsewhere))
    assert elsewhere.is_dir()
    assert not (folder / "store").exists()


def test_rosters_may_say_roles_and_levels_in_chinese_without_a_value_map(folder):
    columns = ROSTER["columns"] | {"role": "岗位", "level": "级别"}
    said = ["售前,初级", "售后,中级", "混合,高级", "主管,资深", "店长,Junior", "机器人,", "PRE,新手"]
    rows = (f"店:{n},g{n},甲,{words},2024-01-01" for n, words in enumerate(said))
    (folder / "roster.csv").write_text("\n".join(["账号,工号,姓名,岗位,级别,入职", *rows]), encoding="utf-8")
    load(settings(folder, ROSTER | {"columns": columns}))
    roster = store_of(settings(folder)).read(ibis.duckdb.connect(), "roster").to_pandas().sort_values("source_line")
    assert roster["role"].tolist() == ["pre", "after", "mixed", "manager", "manager", "bot", "pre"]
    assert [level or "" for level in roster["level"].where(roster["level"].notna(), "")] == [
        *("junior", "mid", "senior", "senior", "junior", "", "新手")
    ]


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_words_of_the_forms_are_among_those_understood(lang):
    from csperf.forms import FORMS

    choices = {field.column: field.choices for field in FORMS["roster"] if field.choices}
    assert set(choices) == set(SPOKEN)
    for column, known in SPOKEN.items():
        assert set(known.values()) == set(ROLES if column == "role" else LEVELS)
        assert {known[word.lower()] for word in choices[column](lang)} == set(known.values())


def test_loading_knows_which_months_are_frozen(tmp_path):
    """By the register beside the settings."""
    settings = tmp_path / "shop.yaml"
    settings.write_text("shop: S\ntimezone: Asia/Shanghai\n", encoding="utf-8")
    assert load_params(settings).loading.frozen == frozenset()
    cells = {"date": "2025-02-11", "act": "freeze", "id": "M2025-01", "who": "王", "file": "targets", "sha256": "0"}
    lines = [",".join(COLUMNS), ",".join(cells.get(name, "") for name in COLUMNS)]
    (tmp_path / "S.register.csv").write_text("\n".join(lines), encoding="utf-8")
    assert load_params(settings).loading.frozen == {"2025-01"}
