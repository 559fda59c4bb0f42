"""Facts of a store: each is worked out when it is first asked for, and only then."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from shops import SHOP, TZ, MadeShop, made_shop

from csperf.errors import CsperfError
from csperf.run import Facts, facts, measure, open_run
from csperf.store import months_of

SETTINGS = {"shop": SHOP, "root": ".", "timezone": TZ, "definitions": "pdd"}
SPEED = ["first_reply_s", "mean_wait_turn_s"]
LATER = {"issues", "purchases", "refunds"}  # of which speed knows nothing
MONTH = "2026-03"


def stored(folder: Path, shop: MadeShop) -> Path:
    """The params file of a shop whose store holds these rows."""
    for name in ("messages", "orders", "refunds", "roster", "shifts"):
        rows = shop.arrow(name)
        months = months_of(name, rows)
        for month in set(months.to_pylist()):
            path = folder / "store" / name / f"{month}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(rows.filter(pa.compute.equal(months, month)), path)
    params = folder / "params.yaml"
    params.write_text(yaml.safe_dump(SETTINGS), encoding="utf-8")
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
