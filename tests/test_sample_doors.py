"""The made-up shop as three platforms' backends show it: recognised without a mapping, and as the books say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from leftovers import found
from python_calamine import CalamineWorkbook

from csperf.cli import main
from csperf.load import load
from csperf.params import load_params
from csperf.run import measure, open_run
from csperf.sample import PLATFORMS, make
from csperf.sample.doors import BACKENDS
from csperf.store import Store

SHARES = ("reply_3min_user", "reply_3min_user_allday", "reply_30s_msg", "reply_30s_msg_allday", "reply_3min_session")
ROUNDING = {**dict.fromkeys(SHARES, 0.00005), "mean_wait_msg_s": 0.3}  # half the last digit that a cell shows
SIZE = {"months": 2, "agents": 6, "messages": 6000}
CANARIES = ("canary@example.com", "金丝雀", "13000000002")


@pytest.fixture(scope="module", params=PLATFORMS)
def door(request, tmp_path_factory) -> tuple[str, Path]:
    """A platform and the folder of its made-up shop, loaded."""
    folder = tmp_path_factory.mktemp(request.param)
    make(folder, door="table", platform=request.param, **SIZE)
    load(load_params(folder / "params.yaml").loading)
    return request.param, folder


def truth_of(folder: Path) -> dict:
    return json.loads((folder / "truth.json").read_text(encoding="utf-8"))


def test_every_export_is_known_without_a_mapping(door):
    platform, folder = door
    files = Store(folder / "store").manifest()["files"]
    formats = {entry["recognised"]["format"] for name, entry in files.items() if entry["source"] == "export"}
    assert formats == {f"{platform}.agent_performance", f"{platform}.orders", f"{platform}.refunds"}
    assert all(sum(entry["rejected"].values()) == 0 for entry in files.values())
    measured = [
        entry for entry in files.values() if (entry["recognised"] or {}).get("format", "").endswith("performance")
    ]
    assert len(measured) == SIZE["months"]
    assert all(sum(entry["filtered"].values()) == len(BACKENDS[platform].totals) for entry in measured)


def test_measured_values_are_those_of_the_books(door):
    """Counts to the digit, by month."""
    platform, folder = door
    backend, truth = BACKENDS[platform], truth_of(folder)["values"][BACKENDS[platform].figures]
    run = open_run(folder / "params.yaml", month="2026-10")
    days = measure(run, ["agent", "day"]).dropna(subset="value")
    assert set(days["metric"]) >= backend.keys
    for key in ("inquiry_users", "served_users", "sales_yuan"):
        told = days[days["metric"] == key].groupby("agent_id")["value"].sum()
        known = {
            who: months["2026-10"][0] for who, months in truth[key].items() if who != "shop" and "2026-10" in months
        }
        assert {who: round(n, 2) for who, n in told.items() if n} == pytest.approx(
            {w: n for w, n in known.items() if n}
        )
    share = "conversion_grouped_user" if platform == "pdd" else "conversion_paid_user"
    counted = measure(run, ["agent", "month"], [share]).set_index("agent_id")
    for who, months in truth[share].items():
        if who != "shop" and "2026-10" in months:
            row = counted.loc[who]
            assert [row["numerator"], row["denominator"]] == months["2026-10"], who


def test_each_day_s_cell_is_the_book_s_within_rounding(door):
    platform, folder = door
    backend = BACKENDS[platform]
    truth = truth_of(folder)["days"][backend.figures]
    days = measure(open_run(folder / "params.yaml", month="2026-10"), ["agent", "day"], sorted(backend.keys))
    compared = 0
    for row in days.dropna(subset="value").itertuples():
        above, below = truth[row.metric][row.agent_id].get(f"{row.day:%Y-%m-%d}", (0, None))
        known = above if below is None else above / below
        assert abs(row.value - known) <= ROUNDING.get(row.metric, 0.005) + 1e-9, (row.metric, row.agent_id, row.day)
        compared += 1
    assert compared > 500


def test_the_shop_is_the_one_whose_chats_are_written(door, tmp_path):
    """Its months, counted from days, are the months of the books of the chat door."""
    platform, folder = door
    make(tmp_path, **SIZE)
    backend, chats = BACKENDS[platform], truth_of(tmp_path)["values"][BACKENDS[platform].books]
    table = truth_of(folder)["values"][backend.figures]
    for key in backend.keys:
        assert table[key] == chats[backend.copies.get(key, key)], key


def test_the_platform_s_quirks_are_there(door):
    platform, folder = door
    backend = BACKENDS[platform]
    path = next((folder / "exports" / "backend").glob(f"{backend.name}_20261001_20261031.xlsx"))
    heads, *rows = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert any("%" in str(cell) for cell in rows[0] + rows[1])
    names = [row[1] for row in rows]
    assert [name for name in names if name in backend.totals] == list(backend.totals)
    assert [name for name in names if name in backend.peers] == list(backend.peers)
    if platform == "pdd":
        wait = heads.index("平均人工响应时长（分钟）")
        assert all(len(row[wait].partition(".")[2]) == 2 for row in rows if row[wait] != "-")
        text = next((folder / "exports" / "orders").glob("*.csv")).read_text(encoding="utf-8-sig")
        assert "\t," in text and "买家" not in text.splitlines()[0]


def test_peers_are_benchmarks(tmp_path):
    make(tmp_path, door="table", platform="taobao", **SIZE | {"months": 1})
    load(load_params(tmp_path / "params.yaml").loading)
    run = open_run(tmp_path / "params.yaml")
    peers = run.table("benchmarks")
    assert set(peers["cell"]) == {"tier_mean", "tier_excellent"}
    shares = peers[peers["metric"] == "conversion_paid_user"].set_index("cell")["value"]
    assert 0 < shares["tier_mean"] < shares["tier_excellent"] < 1


def test_orders_and_refunds_come_to_what_was_sold(door):
    platform, folder = door
    run = open_run(folder / "params.yaml")
    orders, refunds = run.table("orders"), run.table("refunds")
    truth = truth_of(folder)
    assert len(orders) == truth["orders"]
    assert orders["buyer_id"].isna().all() == (platform != "taobao")
    assert refunds["outcome"].isin(["open", "succeeded", "closed"]).all()
    assert set(refunds["order_id"]) <= set(orders["order_id"])
    paid = orders.dropna(subset="paid_at")
    assert (paid["paid_fen"] == paid["amount_fen"]).all() and len(paid) < len(orders)


def test_no_personal_cell_gets_any_further(door):
    _platform, folder = door
    assert found(CANARIES, folder / "exports")
    assert found(CANARIES, folder / "store") == []


def test_no_personal_cell_gets_into_a_pack(small_shop, packs, settled_pack):
    kept = [small_shop.parent / name for name in ("store", "store.derived")]
    assert all(folder.is_dir() for folder in (*kept, *packs.values(), settled_pack))
    assert found(CANARIES, *kept, *packs.values(), settled_pack) == []


def test_the_same_seed_gives_the_same_bytes(tmp_path):
    for name in "ab":
        make(tmp_path / name, door="table", platform="pdd", **SIZE | {"months": 1})
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert files
    assert all((tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes() for file in files)


def test_both_doors_of_one_shop(tmp_path):
    """The chats as ever, the backend's table of the same people, and in it the day whose chats are missing."""
    made = make(tmp_path, door="both", platform="pdd", months=2, agents=4, messages=3000)
    report = load(load_params(made.params).loading)
    assert set(report.files["format"].dropna()) == {"pdd.agent_performance", "pdd.orders", "pdd.refunds"}
    run = open_run(made.params)
    assert run.door == "chat" and {"messages", "measured"} <= set(run.store.tables())
    chats, told = run.store.coverage("messages"), run.store.coverage("measured")
    missing = set(chats.loc[chats["n"].isna(), "day"])
    assert missing and missing <= set(told.loc[told["n"] > 0, "day"])
    assert set(told["account_id"]) <= set(run.table("roster")["account_id"])


def test_the_command_writes_a_platform_s_door(tmp_path, capsys):
    for arguments, code in ((["--door", "table", "--platform", "douyin"], 0), (["--platform", "pdd"], 2)):
        folder = tmp_path / arguments[-1]
        with pytest.raises(SystemExit) as left:
            main(["sample", str(folder), "--months", "1", "--agents", "4", "--messages", "600", *arguments])
        assert (left.value.code or 0) == code
        assert (folder / "exports" / "backend").is_dir() == (code == 0)
    assert "add --door table" in capsys.readouterr().err.replace("\n", " ").replace("│", "")
