"""A tiny shop that has nothing but its backend's table and its orders, as Pinduoduo exports them; no roster."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from csperf.sample.exports import write_csv, write_xlsx

FIRST, DAYS, AGENTS = dt.date(2026, 10, 1), 31, "甲乙丙丁戊己"
HEADINGS = (
    *("日期", "客服账号", "咨询人数", "询单人数", "最终成团人数", "询单流失人数", "询单转化率", "客服销售额（元）"),
    *(
        "人工接待人数",
        "需要人工回复的咨询人数",
        "3分钟未回复人数",
        "3分钟人工回复率(8-23点)",
        "平均人工响应时长（分钟）",
    ),
    *("30秒应答率(8-23点)", "评分≤3订单数", "纠纷退款数", "3分钟人工回复率(全天)", "30秒应答率(全天)"),
)
ORDER_HEADINGS = (
    *("商品", "订单号", "订单状态", "商品总价(元)", "邮费(元)", "用户实付金额(元)", "商家实收金额(元)", "商品数量(件)"),
    *("商品id", "商家备注", "售后状态", "订单成交时间"),
)
SETTINGS = """shop: table-door
timezone: Asia/Shanghai
platform: pdd
definitions: pdd
sources:
  - {source: export, files: "exports/**/*"}
"""
STATES = ("待发货", "已发货，待签收", "已收货", "未发货，退款成功")
SHARE_OF_AGENTS = 0.6  # of the shop's orders; the others bought without asking


def make_backend(folder: str | Path, *, seed: int = 1) -> Path:
    """The folder, with `exports` of 6 agents over October 2026: one table by agent and day, one of orders."""
    rng = np.random.default_rng(seed)
    exports = Path(folder) / "exports"
    exports.mkdir(parents=True, exist_ok=True)
    days = [FIRST + dt.timedelta(days=i) for i in range(DAYS)]
    counts = _counts(rng)
    span = f"{days[0]:%Y%m%d}_{days[-1]:%Y%m%d}"
    write_xlsx(exports / f"客服数据_{span}.xlsx", HEADINGS, [*_rows(rng, days, counts), *_totals(counts)])
    write_csv(exports / f"orders_export_{span}.csv", ORDER_HEADINGS, _orders(rng, days, counts), "utf-8-sig")
    return Path(folder)


def _counts(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """What is counted, agents by days; an agent is off one day in seven, and then nobody asked."""
    skill = rng.normal(0, 1, len(AGENTS))[:, None]
    rested = (np.arange(DAYS)[None, :] + np.arange(len(AGENTS))[:, None]) % 7 == 0
    asked = np.where(rested, 0, rng.poisson(95 + 10 * skill, (len(AGENTS), DAYS)))
    inquiries = rng.binomial(asked, 0.4)
    grouped = rng.binomial(inquiries, np.clip(0.48 + 0.03 * skill, 0, 1))
    waiting = rng.binomial(asked, 0.9)
    late = rng.binomial(waiting, np.clip(0.06 - 0.015 * skill, 0.005, 1))
    sales = np.round(grouped * rng.normal(45, 3, grouped.shape), 2)
    minutes = np.round(np.clip(rng.normal(1.4 - 0.15 * skill, 0.2, asked.shape), 0.2, None), 2)
    quick = np.clip(rng.normal(0.78 + 0.03 * skill, 0.03, asked.shape), 0, 1)
    return {
        "asked": asked,
        "inquiries": inquiries,
        "grouped": grouped,
        "waiting": waiting,
        "late": late,
        "sales": sales,
        "minutes": minutes,
        "quick": quick,
    }


def _rows(rng: np.random.Generator, days: list[dt.date], counts: dict[str, np.ndarray]) -> Iterator[list[object]]:
    """A line for each agent and day, figures as the backend writes them: text with % and commas, `-` for none."""
    for d, day in enumerate(days):
        for a, name in enumerate(AGENTS):
            here = {key: value[a, d].item() for key, value in counts.items()}
            few = int(rng.binomial(here["grouped"], 0.03))
            yield [f"{day}", f"示例店:小{name}", *_figures(here), few, int(rng.binomial(few, 0.3)), *_all_day(here)]


def _figures(here: dict[str, float]) -> list[object]:
    lost, replied = here["inquiries"] - here["grouped"], here["waiting"] - here["late"]
    return [
        *(here["asked"], here["inquiries"], here["grouped"], lost, _percent(here["grouped"], here["inquiries"])),
        *(f"{here['sales']:,.2f}", here["waiting"], here["waiting"], here["late"], _percent(replied, here["waiting"])),
        *((f"{here['minutes']:.2f}", f"{here['quick']:.2%}") if here["asked"] else ("-", "-")),
    ]


def _all_day(here: dict[str, float]) -> list[str]:
    """The rates of the whole day: a little lower than those of 8:00 to 23:00."""
    if not here["asked"]:
        return ["-", "-"]
    return [f"{(1 - here['late'] / here['waiting']) * 0.98:.2%}", f"{here['quick'] * 0.97:.2%}"]


def _percent(part: float, whole: float) -> str:
    return f"{part / whole:.2%}" if whole else "-"


def _totals(counts: dict[str, np.ndarray]) -> list[list[object]]:
    """The two lines at the end that are nobody's."""
    whole = {key: value.sum().item() for key, value in counts.items()}
    whole |= {"minutes": counts["minutes"].mean().item(), "quick": counts["quick"].mean().item()}
    return [["-", name, *_figures(whole), "-", "-", "-", "-"] for name in ("总计", "平均")]


def _orders(rng: np.random.Generator, days: list[dt.date], counts: dict[str, np.ndarray]) -> Iterator[list[str]]:
    """The shop's orders, each text cell with the TAB that the platform puts behind it, empty cells a TAB."""
    number = 0
    for d, day in enumerate(days):
        for _order in range(int(counts["grouped"][:, d].sum() / SHARE_OF_AGENTS)):
            number += 1
            paid = dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=int(rng.integers(0, 86_399)))
            price, state = f"{rng.normal(45, 9):.2f}", STATES[int(rng.choice(4, p=(0.1, 0.2, 0.66, 0.04)))]
            refund = "退款成功" if state.endswith("退款成功") else "无售后或售后取消"
            made = f"{day:%y%m%d}-{number:015}"
            yield [
                *("示例商品\t", f"{made}\t", f"{state}\t", price, "0.00", price, price, f"{rng.integers(1, 3)}"),
                *("600000000001\t", "\t", f"{refund}\t", f"{paid}\t"),
            ]
