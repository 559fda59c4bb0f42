"""Which file holds what: halves that overlap, a month as copied text, broken rows; everything noted for the truth."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq

from . import exports
from .exports import Written
from .messages import Messages
from .orders import Orders
from .script import Script
from .stories import text_month
from .words import CATEGORIES, Words
from .world import DAY, World

OVERLAP_DAY = 14  # of the months exported in two halves: the 15th is in both
TEXT_ENCODINGS = ("gb18030", "utf-8")
HALVED_MONTHS = 2
UNPAID_BEFORE = 5  # orders that an earlier export still shows as unpaid


def write_chats(written: Written, world: World, script: Script, words: Words, month: int, rows: Messages, first_id: int) -> None:
    """One month of messages: CSV, or copied text in every fourth month; the first two months in overlapping halves."""
    first = int(np.argmax(world.month_of == month))
    last = int(np.flatnonzero(world.month_of == month)[-1])
    spans = [(first, last)]
    if month < HALVED_MONTHS:
        spans = [(first, first + OVERLAP_DAY), (first + OVERLAP_DAY, last)]
    ids = first_id + np.arange(len(rows))
    for n, (a, b) in enumerate(spans):
        inside = np.flatnonzero((rows.time >= a * DAY) & (rows.time < (b + 1) * DAY))
        again = int(((rows.time[inside] // DAY) == a).sum()) if n else 0
        name = f"{world.date_of(a)}_{world.date_of(b)}"
        part = rows.take(inside)
        if text_month(np.array(month)):
            _write_text(written, world, script, words, month, name, part, again)
        else:
            _write_csv(written, world, script, words, name, part, again, int(ids[inside[0]]), broken=month == n == 0)


def _write_csv(written, world, script, words, name, part, again, first_id, *, broken: bool) -> None:
    rows = exports.chat_rows(world, script, words, part, first_id)
    bad = exports.broken_rows() if broken else []
    middle = len(rows) // 2
    path = written.note(f"exports/chats/聊天明细_{name}.csv", len(rows) + len(bad), duplicate=again, rejected=len(bad))
    exports.write_csv(path, exports.CHAT_HEADER, [*rows[:middle], *bad, *rows[middle:]])


def _write_text(written, world, script, words, month, name, part, again) -> None:
    part = part.take(np.lexsort((np.arange(len(part)), part.chat, part.time // DAY)))
    path = written.note(f"exports/chats/旺旺聊天记录_{name}.txt", len(part), duplicate=again)
    encoding = TEXT_ENCODINGS[month // 4 % 2]
    path.write_bytes(exports.chat_text(world, script, words, part).encode(encoding))


def write_orders(written: Written, world: World, script: Script, orders: Orders) -> None:
    """ExportOrderList, one a month; the second starts two days early, and the first shows some orders as still unpaid."""
    rows = exports.order_rows(world, script, orders, exports.FIRST_ORDER_ID)
    month = world.month_of[orders.created // DAY]
    for m in range(len(world.months)):
        mine = np.flatnonzero(month == m)
        early = np.flatnonzero((month == 0) & (orders.created // DAY >= np.argmax(world.month_of == 1) - 2)) if m == 1 else mine[:0]
        states = [rows[i] for i in [*early, *mine]]
        changed = _still_unpaid(orders, states, mine, world) if m == 0 and len(world.months) > 1 else 0
        exported = world.date_of(np.flatnonzero(world.month_of == m)[-1] + 1)
        file = f"exports/orders/ExportOrderList{exported:%Y%m%d}0930.csv"
        was_unpaid = _count_unpaid(orders, world, early) if m == 1 else 0
        path = written.note(file, len(states), duplicate=len(early) - was_unpaid, replaced=changed)
        exports.write_csv(path, [f'"{h}"' for h in exports.ORDER_HEADER], states)


def _late_orders(orders: Orders, world: World) -> np.ndarray:
    """Orders of the first month's last two days that were paid: the first of them were unpaid when first exported."""
    turn = np.argmax(world.month_of == 1)
    day = orders.created // DAY
    return np.flatnonzero((day >= turn - 2) & (day < turn) & (orders.paid >= 0))[:UNPAID_BEFORE]


def _count_unpaid(orders: Orders, world: World, early: np.ndarray) -> int:
    return int(np.isin(_late_orders(orders, world), early).sum())


def _still_unpaid(orders: Orders, states: list, mine: np.ndarray, world: World) -> int:
    """Put the earlier state of the late orders into the rows; returns how many."""
    place = {int(row): n for n, row in enumerate(mine)}
    late = _late_orders(orders, world)
    for i in late:
        old = dict(zip(exports.ORDER_HEADER, states[place[int(i)]], strict=True))
        old |= {"买家实际支付金额": '"0.00"', "订单状态": f'"{exports.STATUS_WORDS["unpaid"]}"', "订单付款时间 ": '""',
                "订单关闭原因": '"订单未关闭"', "退款金额": '"0.00"', "确认收货时间": '""'}  # fmt: skip
        states[place[int(i)]] = tuple(old.values())
    return len(late)


def write_people(written: Written, world: World) -> None:
    """Roster, shifts, campaigns and categories."""
    for name, header, rows in (
        ("花名册", exports.ROSTER_HEADER, exports.roster_rows(world)),
        ("排班表", ("工号", "日期", "班次", "上班", "下班"), exports.shift_rows(world)),
        ("活动日历", ("活动", "开始", "结束", "阶段", "豁免"), exports.calendar_rows(world)),
    ):
        exports.write_xlsx(written.note(f"exports/{name}.xlsx", len(rows)), header, rows)
    path = written.note("exports/咨询类目.csv", len(CATEGORIES))
    exports.write_csv(path, ("代码", "上级代码", "名称", "英文名称"), CATEGORIES, "utf-8-sig")


def write_service(written: Written, rng: np.random.Generator, world: World, script: Script, words: Words, orders: Orders, invited) -> None:
    """Refunds, complaints and ratings."""
    refunds = exports.refund_rows(world, script, orders)
    exports.write_xlsx(written.note("exports/退款管理.xlsx", len(refunds)), exports.REFUND_HEADER, refunds)
    complaints = exports.complaint_rows(rng, world, script, words)
    header = ("投诉编号", "买家", "客服账号", "投诉时间", "查因时间", "解决时间", "是否满意", "类型")
    exports.write_csv(written.note("exports/投诉登记.csv", len(complaints)), header, complaints)
    ratings = exports.rating_rows(rng, world, script, words, invited)
    header = ("日期", "店铺", "客服姓名", "客服子账号", "子账号分组", "顾客名称", "邀评时间", "最新评价时间", "最新评价结果", "评价来源")
    exports.write_csv(written.note("exports/评价明细.csv", len(ratings)), header, ratings)


def write_benchmarks(written: Written, world: World, own: dict[str, dict[str, float]]) -> None:
    """Industry values read off a backend's screen each month: the shop's own, the mean, the best and the same tier."""
    rows = []
    for key, months in own.items():
        for month, value in months.items():
            first = int(np.argmax(world.month_of == world.months.index(month)))
            last = int(np.flatnonzero(world.month_of == world.months.index(month))[-1])
            for cell, factor in BENCHMARK_CELLS.items():
                shown = _industry(key, value, factor)
                rows.append((key, "taobao", cell, f"{shown:.4f}", f"{world.date_of(first)}", f"{world.date_of(last)}", "第四层级",
                             "女装", "生意参谋 同行对比", "数据分析员"))  # fmt: skip
    header = ("指标", "口径", "单元", "数值", "开始", "结束", "层级", "类目", "来源", "读取人")
    exports.write_csv(written.note("exports/行业基准.csv", len(rows)), header, rows, "utf-8-sig")


BENCHMARK_CELLS = {"own": 0.0, "mean": -0.06, "top10_mean": 0.16, "tier_mean": 0.03, "tier_excellent": 0.12}


def _industry(key: str, own: float, better: float) -> float:
    """A value better than one's own by that share; of a share, by that share of what is missing where it is better."""
    if key.endswith("_s"):
        return own * (1 - better)
    return min(own * (1 + better), own + (1 - own) * 0.6) if own <= 1 else own * (1 + better)


def bulk_chats(written: Written, world: World, script: Script, words: Words, month: int, rows: Messages, first_id: int) -> None:
    """One month of messages as Parquet."""
    path = written.note(f"exports/chats/{world.months[month]}.parquet", len(rows))
    pq.write_table(exports.bulk_chats(world, script, words, rows, first_id), path, compression="zstd", compression_level=1)


def bulk_orders(written: Written, world: World, script: Script, orders: Orders) -> None:
    """All orders as Parquet."""
    path = written.note("exports/orders/orders.parquet", len(orders))
    pq.write_table(exports.bulk_orders(world, script, orders), path, compression="zstd")


