"""Orders and refunds as Taobao exports them, with the personal columns that must get no further; industry values."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from .exports import Written, clock, utc, write_csv, write_parquet, write_xlsx
from .orders import Orders
from .script import Script
from .world import DAY, SHOP, World

HEADER = tuple(
    (Path(__file__).parent / "templates" / "ExportOrderList.txt").read_text(encoding="utf-8").rstrip("\n").split(",")
)
STATUS_WORDS = {
    "unpaid": "等待买家付款",
    "paid": "买家已付款，等待卖家发货",
    "shipped": "卖家已发货，等待买家确认",
    "completed": "交易成功",
    "closed": "交易关闭",
}
PERSONAL = {  # canaries: none of them may be found in a store, a reject or a report
    "买家支付宝账号": "canary@example.com",
    "收货人姓名": "金丝雀",
    "收货地址 ": "示例省示例市金丝雀路1号",
    "联系手机": "'13000000002",
}
REFUND_HEADER = (
    *(
        "订单编号",
        "退款编号",
        "支付宝交易号",
        "订单付款时间",
        "退款完结时间",
        "买家会员名称",
        "买家实际支付金额",
        "宝贝标题",
    ),
    *("买家退款金额", "退款的申请时间", "退款状态", "客服介入状态", "卖家手机", "买家退款原因", "责任方", "售中或售后"),
)
FIRST_ORDER_ID, FIRST_REFUND_ID = 350_000_000_000_000_001, 7_000_000_000_000_001
STILL_UNPAID = 5  # orders of the first month's last days that its export shows before they were paid
OVERLAP_DAYS = 2


def write_orders(written: Written, world: World, script: Script, orders: Orders) -> None:
    """ExportOrderList, one a month: the second starts two days early, the first shows some orders before payment."""
    if written.bulk:
        path = written.note("exports/orders/orders.parquet", len(orders))
        write_parquet(path, _columns(world, script, orders))
        return
    rows = list(_order_rows(world, script, orders))
    day = orders.created // DAY
    month = world.month_of[day]
    turn = int(np.argmax(world.month_of == 1)) if len(world.months) > 1 else 0
    early = np.flatnonzero((day >= turn - OVERLAP_DAYS) & (day < turn))
    late_paid = early[orders.paid[early] >= 0][:STILL_UNPAID]
    for m in range(len(world.months)):
        wanted = np.concatenate([early[:0] if m != 1 else early, np.flatnonzero(month == m)]).tolist()
        before = set(late_paid.tolist()) if m == 0 else set()
        exported = world.date_of(int(np.flatnonzero(world.month_of == m)[-1]) + 1)
        dropped = {"duplicate": len(early) - len(late_paid) if m == 1 else 0, "replaced": len(before)}
        path = written.note(f"exports/orders/ExportOrderList{exported:%Y%m%d}0930.csv", len(wanted), **dropped)
        lines = [_line(rows[i] | _before_payment() if i in before else rows[i]) for i in wanted]
        write_csv(path, [f'"{name}"' for name in HEADER], lines)


def states(orders: Orders, now: int) -> list[str]:
    """The state of each order on the last day."""
    shipped = (orders.paid >= 0) & (orders.paid + DAY < now)
    conditions = [orders.closed >= 0, orders.paid < 0, orders.finished >= 0, shipped]
    return np.select(conditions, ["closed", "unpaid", "completed", "shipped"], "paid").tolist()


def _order_rows(world: World, script: Script, orders: Orders) -> Iterator[dict[str, str]]:
    """The filled columns of each order as of the last day."""
    created, paid, finished = (clock(world, t) for t in (orders.created, orders.paid, orders.finished))
    for i, state in enumerate(states(orders, world.days * DAY)):
        amount = f"{orders.amount[i] / 100:.2f}"
        why = "订单未关闭" if state != "closed" else "退款" if paid[i] else "买家未付款"
        yield PERSONAL | {
            "订单编号": f"{FIRST_ORDER_ID + i}",
            "买家会员名": script.buyers[orders.story[i]],
            "买家应付货款": amount,
            "总金额": amount,
            "买家实际支付金额": amount if paid[i] else "0.00",
            "订单状态": STATUS_WORDS[state],
            "订单创建时间": created[i],
            "订单付款时间 ": paid[i],
            "宝贝标题 ": "示例商品，红色",
            "宝贝总数量": f"{orders.quantity[i]}",
            "店铺名称": SHOP,
            "订单关闭原因": why,
            "退款金额": amount if orders.refunded[i] else "0.00",
            "确认收货时间": finished[i],
        }


def _before_payment() -> dict[str, str]:
    empty = dict.fromkeys(("订单付款时间 ", "确认收货时间"), "")
    return empty | {
        "买家实际支付金额": "0.00",
        "订单状态": STATUS_WORDS["unpaid"],
        "订单关闭原因": "订单未关闭",
        "退款金额": "0.00",
    }


def _line(row: dict[str, str]) -> list[str]:
    """Every cell in quotes, the id as a formula."""
    cells = dict.fromkeys(HEADER, "") | {"买家服务费": "0元", "联系电话 ": "'null", "是否手机订单": "手机订单"} | row
    return [f'="{cells["订单编号"]}"', *(f'"{cells[name]}"' for name in HEADER[1:])]


def _columns(world: World, script: Script, orders: Orders) -> pa.Table:
    """The columns of facts.INPUT's orders."""
    return pa.table(
        {
            "order_id": pa.array(np.arange(len(orders)) + FIRST_ORDER_ID).cast(pa.string()),
            "buyer_id": pa.array(script.buyers).take(pa.array(orders.story)),
            "created_at": utc(world, orders.created),
            "paid_at": utc(world, orders.paid),
            "closed_at": utc(world, orders.finished),
            "amount_fen": orders.amount,
            "paid_fen": pa.array(orders.amount, mask=orders.paid < 0),
            "quantity": orders.quantity,
            "status": states(orders, world.days * DAY),
        }
    )


def write_refunds(
    written: Written, world: World, script: Script, orders: Orders, name: str = "exports/退款管理"
) -> None:
    """退款管理; every refund is in full, and the platform steps in now and then."""
    asked, done, paid = (clock(world, t) for t in (orders.refund_asked, orders.refund_done, orders.paid))
    rows = []
    for i in np.flatnonzero(orders.refund_asked >= 0).tolist():
        state = "退款处理中" if not done[i] else "退款成功" if orders.refund_paid[i] else "退款关闭"
        amount, stepped_in = f"{orders.amount[i] / 100:.2f}", i % 17 == 0
        side = "" if not stepped_in else "卖家" if i % 2 else "买家"
        buyer, help_ = script.buyers[orders.story[i]], "客服已介入" if stepped_in else "无客服介入"
        ids = (f"{FIRST_ORDER_ID + i}", f"{FIRST_REFUND_ID + i}", "")
        rows.append((*ids, paid[i], done[i], buyer, amount, "示例商品", amount, asked[i], state, help_,
                     PERSONAL["联系手机"], "不喜欢/不想要", side, "售后"))  # fmt: skip
    if written.bulk:
        columns = dict(zip(REFUND_HEADER, zip(*rows, strict=True), strict=True))
        write_parquet(written.note(f"{name}.parquet", len(rows)), pa.table(columns))
    else:
        write_xlsx(written.note(f"{name}.xlsx", len(rows)), REFUND_HEADER, rows)


BENCHMARK_HEADER = ("指标", "口径", "单元", "数值", "开始", "结束", "层级", "类目", "来源", "读取人")
BENCHMARK_CELLS = {"own": 0.0, "mean": -0.06, "top10_mean": 0.16, "tier_mean": 0.03, "tier_excellent": 0.12}
MOST_OF_THE_REST = 0.6  # a share can close at most this much of what it lacks to 1


def write_benchmarks(written: Written, world: World, own: dict[str, dict[str, float]]) -> None:
    """Values read off a backend's screen each month: the shop's own, the category's mean and best, the same tier's."""
    rows = []
    for key, months in own.items():
        for month, value in months.items():
            days = np.flatnonzero(world.month_of == world.months.index(month))
            period = [f"{world.date_of(day)}" for day in (days[0], days[-1])]
            for cell, better in BENCHMARK_CELLS.items():
                shown = f"{industry_value(key, value, better):.4f}"
                rows.append(
                    (key, "taobao", cell, shown, *period, "第四层级", "女装", "生意参谋 同行对比", "数据分析员")
                )
    write_csv(written.note("exports/行业基准.csv", len(rows)), BENCHMARK_HEADER, rows, "utf-8-sig")


def industry_value(key: str, own: float, better: float) -> float:
    """A value better than one's own by that share."""
    if key.endswith("_s"):
        return own * (1 - better)
    return min(own * (1 + better), own + (1 - own) * MOST_OF_THE_REST) if own <= 1 else own * (1 + better)
