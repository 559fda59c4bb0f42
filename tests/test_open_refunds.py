"""The worklist of refunds that wait: who has not been written to since they asked for their money."""

from __future__ import annotations

import datetime as dt

import pytest

from csperf.cli_today import said
from csperf.lists import open_refunds
from csperf.load import load
from csperf.params import load_params
from csperf.run import facts, open_run

PARAMS = """
shop: shop
root: .
timezone: Asia/Shanghai
sources:
  - source: table
    table: messages
    files: chats.csv
    columns: {account_id: who, buyer_id: buyer, sent_at: at, sender: by, kind: {const: text}, text: text}
  - source: table
    table: orders
    files: orders.csv
    columns: {order_id: id, buyer_id: buyer, created_at: at, amount_fen: {from: yuan, unit: yuan},
              quantity: {const: 1}, status: {const: paid}, status_raw: {const: paid}}
  - source: table
    table: refunds
    files: refunds.csv
    columns: {refund_id: id, order_id: order, requested_at: at, amount_fen: {from: yuan, unit: yuan}, outcome: state}
"""
CHATS = """who,buyer,by,at,text
shop:01,ann,buyer,2026-08-10 09:00:00,is it blue
shop:01,ann,human,2026-08-10 09:00:10,yes it is
shop:01,bob,buyer,2026-08-10 09:10:00,too small
shop:02,bob,human,2026-08-10 12:00:00,we send another
shop:01,cat,buyer,2026-08-10 13:00:00,hello
shop:01,cat,human,2026-08-10 13:00:05,hello
"""
ORDERS = """id,buyer,at,yuan
O1,ann,2026-08-09 10:00:00,10
O2,bob,2026-08-09 10:00:00,10
O3,cat,2026-08-09 10:00:00,10
O4,dan,2026-08-09 10:00:00,10
"""
REFUNDS = """id,order,at,yuan,state
R1,O1,2026-08-10 11:00:00,10,open
R2,O2,2026-08-10 11:00:00,10,open
R3,O3,2026-08-10 14:00:00,10,closed
R4,O4,2026-08-10 08:00:00,10,open
R5,O3,2026-08-11 09:00:00,10,open
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    for name, text in (("params.yaml", PARAMS), ("chats.csv", CHATS), ("orders.csv", ORDERS), ("refunds.csv", REFUNDS)):
        (folder / name).write_text(text, encoding="utf-8")
    load(load_params(folder / "params.yaml").loading)
    return folder / "params.yaml"


def test_waiting_refunds_after_which_nobody_wrote(shop):
    known = facts(open_run(shop, month="2026-08"))["refunds"]
    rows = open_refunds(known, dt.date(2026, 8, 10), "Asia/Shanghai")
    assert list(rows.columns) == ["refund_id", "order_id", "agent_id", "requested_at"]  # no buyer leaves the store
    assert rows["refund_id"].tolist() == ["R4", "R1"]  # R2 was answered, R3 is over, R5 comes tomorrow
    assert rows["order_id"].tolist() == ["O4", "O1"]
    assert f"{rows['requested_at'][0]:%m-%d %H:%M}" == "08-10 08:00"
    assert rows["agent_id"].fillna("nobody").tolist() == ["nobody", "shop:01"]


def test_today_lists_them(shop, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "zh")
    lines = said(shop, dt.date(2026, 8, 10), 120, 3, "zh", dt.datetime(2026, 8, 11, tzinfo=dt.UTC))
    listed = [line for line in lines if line.startswith("退款")]
    assert [line[:5] for line in listed] == ["退款 R4", "退款 R1"]
    assert "08-10 08:00" in listed[0] and "没有人" in listed[0]
    assert "shop:01" in listed[1]
