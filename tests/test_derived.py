"""Facts of a store: each is worked out when it is first asked for, and what earlier days say is not written again."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from copy import copy
from pathlib import Path
from threading import get_ident

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from shops import SHOP, START, TZ, MadeShop, assemble, made_shop, message, numbered, order, refund
from test_chunks import slow_chats

from csperf.chunks import LANE_ROWS
from csperf.engine import apart, scratch
from csperf.errors import CsperfError
from csperf.facts import conform
from csperf.run import Facts, facts, measure, open_run
from csperf.store import months_of
from csperf.turns import entries
from csperf.turns.days import active_time, with_active_time

SETTINGS = {"shop": SHOP, "root": ".", "timezone": TZ, "definitions": "pdd"}
SPEED = ["first_reply_s", "mean_wait_turn_s"]
LATER = {"issues", "purchases", "refunds"}  # of which speed knows nothing
MONTH = "2026-03"
LATE = "late"  # a buyer's name


def stored(folder: Path, shop: MadeShop, **engine: object) -> Path:
    """The params file of a shop whose store holds these rows."""
    for name in ("messages", "orders", "refunds", "roster", "shifts"):
        rows = shop.arrow(name)
        months = months_of(name, rows)
        for month in set(months.to_pylist()):
            path = folder / "store" / name / f"{month}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(rows.filter(pa.compute.equal(months, month)), path)
    params = folder / "params.yaml"
    params.write_text(yaml.safe_dump(SETTINGS | {"engine": engine}), encoding="utf-8")
    return params


def worked_out(folder: Path) -> set[str]:
    """The tables below the folder of kept facts."""
    return {path.name.partition(".")[0] for path in (folder / "store.derived").rglob("*.parquet")}


@pytest.fixture
def params(tmp_path) -> Path:
    return stored(tmp_path, made_shop(103, buyers=8, length=20))


def test_only_what_is_asked_for_is_worked_out(params):
    known = facts(open_run(params, MONTH))
    assert LATER | {"turns"} <= known.keys()
    assert "calls" not in known
    assert known.get("calls") is None
    assert not worked_out(params.parent), "names cost nothing"
    assert measure(known, ["agent", "day"], SPEED)["value"].notna().any()
    assert "turns" in worked_out(params.parent)
    assert not LATER & worked_out(params.parent)
    assert dict(Facts(known.run, known)).keys() == known.keys()
    assert {*known} <= worked_out(params.parent)


def test_facts_of_a_store_that_was_loaded_since_are_refused(params):
    known = facts(open_run(params, MONTH))
    path = params.parent / "store" / "orders" / f"{MONTH}.parquet"
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(CsperfError, match="open_run"):
        known["turns"]
    assert len(facts(open_run(params, MONTH))["purchases"].to_pyarrow())


def test_a_form_is_read_anew_when_its_file_has_changed(params):
    before = open_run(params, MONTH).table("roster")
    (path,) = (params.parent / "store" / "roster").glob("*.parquet")
    pq.write_table(pq.read_table(path).slice(1), path)
    assert len(open_run(params, MONTH).table("roster")) == len(before) - 1


def until(shop: MadeShop, day: dt.date) -> MadeShop:
    """The shop as its exports told of it at the end of a day."""
    known = copy(shop)
    known.messages = [row for row in shop.messages if row["day"] <= day]
    known.orders = [row for row in shop.orders if (row["created_day"] or row["paid_day"]) <= day]
    known.refunds = [row for row in shop.refunds if row["day"] <= day]
    return known


def over_midnight(shop: MadeShop, midnight: dt.datetime) -> None:
    """Adds a buyer who asks ten seconds before a midnight and is answered ten after it."""
    ten = dt.timedelta(seconds=10)
    asked, answered = message(midnight - ten, "buyer", buyer=LATE), message(midnight + ten, "human", buyer=LATE)
    shop.messages = numbered([*shop.messages, asked, answered])


def rows_of(params: Path) -> dict[str, Counter]:
    return {
        name: Counter(map(str, table.to_pyarrow().to_pylist()))
        for name, table in facts(open_run(params, MONTH)).items()
    }


def written(folder: Path, name: str) -> set[int]:
    """The files of a fact, each once however many entries share it."""
    return {path.stat().st_ino for path in (folder / "store.derived").rglob(f"{name}*.parquet")}


def test_lanes_side_by_side_give_the_same_rows(tmp_path, monkeypatch):
    """Days with more messages than a lane takes, and more that sleeps in the end than goes with the last days."""
    shop = made_shop(103, buyers=12, length=20)
    whole = rows_of(stored(tmp_path / "whole", shop, threads=2))
    threads, fill = set(), entries._fill

    def noted(source, part, folder):
        threads.add(get_ident())
        fill(source, part, folder)

    monkeypatch.setattr(entries, "_fill", noted)
    monkeypatch.setattr(entries, "AT_THE_END", 5)
    monkeypatch.setitem(LANE_ROWS, "duckdb", 30)
    assert rows_of(stored(tmp_path / "lanes", shop, threads=2)) == whole
    assert len(threads) == 2


def test_what_slept_when_the_data_ended_is_woken_by_days_that_are_added(tmp_path, monkeypatch):
    """Each file of sleeping chats by itself, so that nothing but who was woken tells that a kept one is out of date."""
    monkeypatch.setattr(entries, "AT_THE_END", 0)
    shop = assemble(slow_chats(7))
    days = sorted({row["day"] for row in shop.messages})
    rows_of(stored(tmp_path / "grown", until(shop, days[len(days) // 2]), chunk_days=4))
    grown = rows_of(stored(tmp_path / "grown", shop, chunk_days=4))
    assert grown == rows_of(stored(tmp_path / "fresh", shop, chunk_days=4))


def test_days_that_are_added_leave_what_is_said_of_earlier_ones(tmp_path):
    """On the last day an old buyer orders again, an old order is refunded; a chat goes on over its midnight."""
    shop = made_shop(103, buyers=8, length=20)
    days = sorted({row["day"] for row in shop.messages})[:6]
    shop = until(shop, days[-1])
    eve, last = days[-2], START + (days[-1] - START.date())
    old = next(row for row in shop.orders if row["paid_at"] and row["buyer_id"] and row["paid_day"] < eve)
    shop.orders.append(order(900, old["buyer_id"], last, last + dt.timedelta(minutes=1)))
    shop.refunds.append(refund(900, old["order_id"], last, last + dt.timedelta(hours=1), 1, "succeeded"))
    over_midnight(shop, dt.datetime.combine(last, dt.time(), last.tzinfo))

    params = stored(tmp_path / "grown", until(shop, eve), chunk_days=1)
    before = rows_of(params)
    files = {name: written(params.parent, name) for name in ("sessions", "buyer_days")}
    grown = rows_of(stored(tmp_path / "grown", shop, chunk_days=1))
    fresh = rows_of(stored(tmp_path / "fresh", shop, chunk_days=1))
    assert grown == fresh
    assert fresh == rows_of(stored(tmp_path / "whole", shop, chunk_days=99)), "what is said of all days finds its chunk"
    for rows, answered in ((before, False), (grown, True)):
        turns = [row for row in rows["turns"] if f"'buyer_id': '{LATE}'" in row and "'scope': 'shop'" in row]
        assert len(turns) == 1
        assert f"'answered': {answered}" in turns[0]
    assert grown["sessions"] != before["sessions"]
    assert grown["purchases"] != before["purchases"]
    for name, known in files.items():
        more, all_of_them = written(params.parent, name) - known, written(tmp_path / "fresh", name)
        assert 0 < len(more) < len(all_of_them) / 2, name


def test_of_chats_of_the_same_moments_each_has_its_own_active_time():
    """Two are open for a minute, one of them out; a third begins half a minute later. Seconds by hand."""
    minute = 60_000_000
    chats = [("counts", 0, minute, False), ("out", 0, minute, True), ("later", minute // 2, 3 * minute // 2, False)]
    told = [
        {"scope": "agent", "account_id": "a", "session_id": name, "first_us": first, "last_us": last}
        | {"handle_us": last - first, "excluded": out}
        for name, first, last, out in chats
    ]
    with apart() as con, scratch(con) as keep:
        rows = keep(conform(ibis.memtable(pa.Table.from_pylist(told)), "sessions", "first_us", "last_us"))
        timed = with_active_time(rows, keep(active_time(keep, rows)))
        found = {row["session_id"]: row["active_us"] for row in timed.to_pyarrow().to_pylist()}
    assert found == {"counts": 45_000_000, "out": None, "later": 45_000_000}
