"""The made-up shop: one seed, the same bytes, in the encodings of real exports; and the truth adds up."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from python_calamine import CalamineWorkbook

from csperf import sample
from csperf.definitions import CLOSING_PHRASES
from csperf.errors import CsperfError
from csperf.load import load
from csperf.params import load_params
from csperf.sample.export_sales import PERSONAL
from csperf.sample.words import POOLS

ROOT = Path(__file__).parents[1]
SMALL = {"months": 3, "agents": 8, "messages": 6_000, "seed": 5}


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return sample.make(tmp_path_factory.mktemp("shop"), **SMALL)


@pytest.fixture(scope="module")
def truth(small):
    return json.loads(small.truth.read_text(encoding="utf-8"))


def hashes(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def export(small, pattern: str) -> list[Path]:
    found = sorted((small.folder / "exports").glob(pattern))
    assert found, pattern
    return found


def test_same_seed_same_bytes_and_another_seed_other_bytes(small, tmp_path):
    again = sample.make(tmp_path / "again", **SMALL)
    other = sample.make(tmp_path / "other", **SMALL | {"seed": 6})
    assert hashes(again.folder) == hashes(small.folder)
    assert again.truth.read_bytes() != other.truth.read_bytes()


def test_making_it_again_leaves_nothing_of_a_longer_sample(small, tmp_path):
    sample.make(tmp_path, months=2, agents=8, messages=2_000)
    report = sample.make(tmp_path, months=1, agents=8, messages=2_000)
    on_disk = {
        str(p.relative_to(tmp_path)).replace("\\", "/") for p in (tmp_path / "exports").rglob("*") if p.is_file()
    }
    assert on_disk == set(report.files)


@pytest.mark.parametrize("months", [1, 2])
def test_the_params_name_only_what_was_written(tmp_path, months):
    report = sample.make(tmp_path, months=months, agents=4, messages=600)
    sources = yaml.safe_load(report.params.read_text(encoding="utf-8"))["sources"]
    assert [s["files"] for s in sources if not list(tmp_path.glob(s["files"]))] == []
    found = {path for s in sources for path in tmp_path.glob(s["files"])}
    assert found == {tmp_path / name for name in report.files}


def test_making_it_again_forgets_what_was_loaded_before(tmp_path):
    load(load_params(sample.make(tmp_path, months=1, agents=4, messages=600).params).loading)
    sample.make(tmp_path, months=1, agents=4, messages=600, seed=2)
    assert not (tmp_path / "store").exists()


def test_a_real_shops_exports_are_not_overwritten(tmp_path):
    kept = tmp_path / "exports" / "orders.csv"
    kept.parent.mkdir()
    kept.write_text("real")
    with pytest.raises(CsperfError, match=r"truth\.json"):
        sample.make(tmp_path, **SMALL)
    assert kept.read_text() == "real"


def test_too_small_a_shop_names_every_number_that_is(tmp_path):
    with pytest.raises(CsperfError) as refused:
        sample.make(tmp_path / "none", months=0, agents=3, messages=10)
    assert [problem.where for problem in refused.value.problems] == ["months", "agents", "messages"]
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("messages", [2_000, 20_000])
def test_about_as_many_messages_as_asked_for(tmp_path, messages):
    report = sample.make(tmp_path, months=2, agents=8, messages=messages)
    assert report.messages == pytest.approx(messages, rel=0.12)


def test_the_last_month_is_the_one_before_until(small, tmp_path):
    assert (small.first_day, small.last_day) == (date(2026, 8, 1), date(2026, 10, 31))
    report = sample.make(tmp_path, months=1, agents=4, messages=600, until=date(2026, 3, 15))
    assert (report.first_day, report.last_day) == (date(2026, 2, 1), date(2026, 2, 28))


def test_chats_come_in_the_encodings_of_real_exports(small):
    table = export(small, "chats/*.csv")[0].read_bytes()
    assert table.decode("gb18030").startswith("消息ID,店铺,客服账号")
    with pytest.raises(UnicodeDecodeError):
        table.decode("utf-8")
    text = export(small, "chats/*.txt")[0].read_bytes().decode("gb18030")
    assert "示例旗舰店:01 --> " in text and "已读" in text


def test_order_export_has_the_platforms_quirks(small):
    text = export(small, "orders/ExportOrderList*.csv")[0].read_bytes().decode("gb18030")
    header, first = text.splitlines()[:2]
    assert '"收货地址 "' in header and '"订单付款时间 "' in header
    assert first.startswith('="35000000000')
    row = next(csv.DictReader(io.StringIO(text)))
    assert row["联系手机"] == PERSONAL["联系手机"]


def test_numbers_of_rows_are_what_the_files_hold(small):
    by_line = {name: rows for name, rows in small.files.items() if "质检表" not in name}  # there a record is a cell
    for name, rows in by_line.items():
        path = small.folder / name
        if path.suffix == ".csv":
            encoding = "utf-8-sig" if path.read_bytes().startswith(b"\xef\xbb\xbf") else "gb18030"
            assert len(list(csv.reader(io.StringIO(path.read_bytes().decode(encoding), newline="")))) == rows + 1, name
        elif path.suffix == ".xlsx":
            assert len(CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()) == rows + 1, name


def test_the_same_day_is_exported_twice_with_the_same_rows(small, truth):
    halves = export(small, "chats/聊天明细_2026-08*.csv")
    texts = [half.read_bytes().decode("gb18030") for half in halves]
    rows = [{tuple(row) for row in csv.reader(io.StringIO(text, newline=""))} for text in texts]
    header = 1
    assert len(rows[0] & rows[1]) - header == truth["files"][f"exports/chats/{halves[1].name}"]["duplicate"] > 0


def test_the_missing_day_is_in_no_chat_file(small, truth):
    missing = date.fromisoformat(truth["missing_day"])
    spoken = f"{missing.year}-{missing.month}-{missing.day} "
    for path in export(small, "chats/*"):
        data = path.read_bytes()
        text = data.decode("utf-8" if path.suffix == ".txt" and _is_utf8(data) else "gb18030")
        assert f",{missing} " not in text and f" {spoken}" not in text, path.name
    assert truth["missing_day"] in truth["days_without_messages"]


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def test_no_person_outside_the_shop_is_in_the_truth(small, truth):
    text = small.truth.read_text(encoding="utf-8")
    orders = export(small, "orders/*.csv")[0].read_bytes().decode("gb18030")
    buyers = {row["买家会员名"] for row in csv.DictReader(io.StringIO(orders))}
    assert buyers
    for secret in [*buyers, *PERSONAL.values(), "13000000001", *POOLS["ask"]]:
        assert secret not in text


def test_every_numerator_of_a_share_is_within_its_denominator(truth):
    shares = (
        *("reply_30s_msg", "reply_3min_turn", "reply_3min_session", "reply_3min_user", "first_reply_in_time"),
        *("effective_session_share", "conversion_paid_user", "payment_share", "emoji_share", "silent_share"),
    )
    for name, keys in truth["values"].items():
        for key in shares:
            cells = [pair for months in keys[key].values() for pair in months.values()]
            assert cells, (name, key)
            assert all(0 <= part <= whole for part, whole in cells), (name, key)


def test_agents_add_up_to_the_shop_where_no_chat_has_two(truth):
    """Orders have one seller; turns under the sets without sender are cut at a hand-over and do not add up."""
    for keys in truth["values"].values():
        for key in ("sales_yuan", "orders_per_day", "order_value_yuan"):
            agents = [months for who, months in keys[key].items() if who != "shop"]
            for month, (total, *_) in keys[key]["shop"].items():
                assert sum(months.get(month, [0])[0] for months in agents) == pytest.approx(total, abs=0.01)


def test_agents_differ_and_the_sets_disagree(truth):
    people = truth["people"]
    assert len({person["skill"] for person in people}) == len(people)
    assert {person["level"] for person in people} == {"junior", "mid", "senior"}
    shop = {name: keys["mean_wait_turn_s"]["shop"]["2026-10"] for name, keys in truth["values"].items()}
    assert len({tuple(pair) for pair in shop.values()}) == len(shop)


def test_thanks_are_phrases_that_open_no_turn():
    for text in POOLS["thanks"]:
        assert text.strip("!~") in CLOSING_PHRASES


def test_demo_params_read_what_make_writes(small):
    """The checked-in file and the one in the sample's folder differ only in where exports and reports are."""
    demo = (ROOT / "params" / "demo.yaml").read_text(encoding="utf-8")
    own = small.params.read_text(encoding="utf-8")
    assert demo.replace("root: ../demo ", "root: . ").replace("reports: ../reports ", "reports: reports ") == own
    params = load_params(ROOT / "params" / "demo.yaml")
    assert params.reports == ROOT / "reports" and load_params(small.params).reports == small.folder / "reports"
    assert params.shop == "demo" and len(params.sources) == 17
    for source in load_params(small.params).sources:
        assert list(small.folder.glob(source["files"] if isinstance(source, dict) else source.files)), source


def test_large_samples_are_parquet_and_csv(tmp_path, monkeypatch):
    monkeypatch.setattr(sample, "MESSY_UP_TO", 1_000)
    report = sample.make(tmp_path, months=2, agents=8, messages=3_000)
    assert {Path(name).suffix for name in report.files} == {".parquet", ".csv"}
    rows = [pq.read_metadata(tmp_path / name).num_rows for name in report.files if "/chats/" in name]
    assert sum(rows) == report.messages
