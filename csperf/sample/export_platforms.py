"""Orders and refunds as Taobao, Pinduoduo and Douyin export them; personal columns are filled with canaries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from . import export_sales
from .export_sales import FIRST_ORDER_ID, FIRST_REFUND_ID, states
from .exports import Written, clock, write_csv, write_xlsx
from .orders import Orders
from .script import Script
from .world import DAY, World

TAB = "\t"  # behind every text of Pinduoduo's exports, so that no spreadsheet takes them for numbers
CANARY = {"name": "金丝雀", "phone": "13000000002", "address": "示例省示例市金丝雀路1号"}
PDD_ORDERS = (
    *("商品", "订单号", "订单状态", "商品总价(元)", "邮费(元)", "用户实付金额(元)", "商家实收金额(元)", "商品数量(件)"),
    *("收货人", "手机", "详细地址", "商品id", "商家备注", "售后状态", "订单成交时间"),
)
PDD_STATES = {
    "unpaid": "待支付",
    "paid": "待发货",
    "shipped": "已发货，待签收",
    "completed": "已收货",
    "closed": "已取消",
}
PDD_REFUNDS = ("售后编号", "订单编号", "售后状态", "售后类型", "申请时间", "同意退款时间", "退款金额(元)", "退款原因")
DOUYIN_ORDERS = (
    *("主订单编号", "子订单编号", "选购商品", "商品数量", "收件人", "收件人手机号", "详细地址", "订单应付金额"),
    *("订单提交时间", "支付完成时间", "订单完成时间", "订单状态", "鲁班落地页ID"),
)
DOUYIN_STATES = {"unpaid": "待支付", "paid": "备货中", "shipped": "已发货", "completed": "已完成", "closed": "已关闭"}
DOUYIN_REFUNDS = (
    *("售后单号", "订单号", "商品单号", "退商品金额（元）", "退运费金额（元）", "售后状态", "售后申请时间", "仲裁状态"),
    *("纠纷责任方", "售后完结时间", "商家退货联系人姓名"),
)


def write_taobao(written: Written, world: World, script: Script, orders: Orders) -> None:
    """ExportOrderList of each month and 退款管理."""
    export_sales.write_orders(written, world, script, orders)
    export_sales.write_refunds(written, world, script, orders, "exports/backend/退款管理")


def write_pdd(written: Written, world: World, script: Script, orders: Orders) -> None:
    """orders_export of each month (no buyers, no time of ordering) and the after-sale list."""
    numbers = [f"{world.date_of(int(made) // DAY):%y%m%d}-{i:015}" for i, made in enumerate(orders.created, 1)]
    rows = list(_pdd_orders(world, orders, numbers))
    for span, wanted in _months(world, orders):
        path = written.note(f"exports/orders/orders_export_{span}.csv", len(wanted))
        write_csv(path, PDD_ORDERS, [rows[i] for i in wanted], "utf-8-sig")
    refunds = []
    for i, amount, state, asked, done in _refunds(world, orders):
        told = {"open": "待商家处理", "succeeded": "退款成功", "closed": "已撤销"}[state]
        cells = (f"{FIRST_REFUND_ID + i}", numbers[i], told, "仅退款", asked, done, amount, "不喜欢")
        refunds.append([f"{cell}{TAB}" if place < 2 else cell for place, cell in enumerate(cells)])
    write_csv(written.note("exports/backend/售后列表.csv", len(refunds)), PDD_REFUNDS, refunds, "utf-8-sig")


def _pdd_orders(world: World, orders: Orders, numbers: Sequence[str]) -> Iterator[list[str]]:
    paid = clock(world, orders.paid)
    for i, state in enumerate(states(orders, world.days * DAY)):
        price = f"{orders.amount[i] / 100:.2f}"
        refunded = bool(orders.refunded[i])
        told = "未发货，退款成功" if refunded else PDD_STATES[state]
        yield [
            *(f"示例商品{TAB}", f"{numbers[i]}{TAB}", f"{told}{TAB}", price, "0.00", price, price),
            *(f"{orders.quantity[i]}", *(f"{CANARY[k]}{TAB}" for k in ("name", "phone", "address"))),
            *(f"600000000001{TAB}", TAB, f"{'退款成功' if refunded else '无售后或售后取消'}{TAB}", f"{paid[i]}{TAB}"),
        ]


def write_douyin(written: Written, world: World, script: Script, orders: Orders) -> None:
    """Orders of each month, a row for each child order (here one), and the after-sale list."""
    rows = list(_douyin_orders(world, orders))
    for span, wanted in _months(world, orders):
        path = written.note(f"exports/orders/订单_{span}.csv", len(wanted))
        write_csv(path, DOUYIN_ORDERS, [rows[i] for i in wanted], "utf-8-sig")
    refunds = []
    for i, amount, state, asked, done in _refunds(world, orders):
        told = {"open": "待商家处理", "succeeded": "退款成功", "closed": "售后关闭"}[state]
        number, stepped_in = f"{FIRST_ORDER_ID + i}", i % 17 == 0
        judged = ("仲裁完结", "商家" if i % 2 else "买家") if stepped_in else ("", "")
        side = (f"{FIRST_REFUND_ID + i}", number, number, amount, "0.00", told, asked)
        refunds.append((*side, *judged, done, CANARY["name"]))
    write_xlsx(written.note("exports/backend/售后单.xlsx", len(refunds)), DOUYIN_REFUNDS, refunds)


def _douyin_orders(world: World, orders: Orders) -> Iterator[list[str]]:
    created, paid, finished = (clock(world, t) for t in (orders.created, orders.paid, orders.finished))
    for i, state in enumerate(states(orders, world.days * DAY)):
        number, quantity = f"{FIRST_ORDER_ID + i}{TAB}", f"{orders.quantity[i]}"
        person = (CANARY["name"], CANARY["phone"], CANARY["address"])
        money = f"{orders.amount[i] / 100:.2f}"
        yield [
            *(number, number, "示例商品", quantity, *person, money, created[i], paid[i], finished[i]),
            *(DOUYIN_STATES[state], ""),
        ]


def _months(world: World, orders: Orders) -> Iterator[tuple[str, list[int]]]:
    """The first and last day of each month, as file names tell them, and the orders made in it."""
    made = world.month_of[orders.created // DAY]
    for month in range(len(world.months)):
        days = np.flatnonzero(world.month_of == month)
        span = "_".join(f"{world.date_of(day):%Y%m%d}" for day in (days[0], days[-1]))
        yield span, np.flatnonzero(made == month).tolist()


def _refunds(world: World, orders: Orders) -> Iterator[tuple[int, str, str, str, str]]:
    """Row of the order, amount, outcome, when asked for and when settled (empty: not yet)."""
    asked, done = (clock(world, t) for t in (orders.refund_asked, orders.refund_done))
    for i in np.flatnonzero(orders.refund_asked >= 0).tolist():
        state = "open" if not done[i] else "succeeded" if orders.refund_paid[i] else "closed"
        yield i, f"{orders.amount[i] / 100:.2f}", state, asked[i], done[i]


WRITERS: dict[str, Callable[[Written, World, Script, Orders], None]] = {
    "taobao": write_taobao,
    "pdd": write_pdd,
    "douyin": write_douyin,
}
