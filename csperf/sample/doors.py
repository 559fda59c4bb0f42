"""The other door: the same made-up shop as its backend shows it, a table by agent and day and no chats.

Figures are those of the books (truth.py), written as each platform writes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from . import export_platforms, truth
from .export_sales import BENCHMARK_CELLS, industry_value
from .exports import Written, write_xlsx
from .orders import Orders
from .script import Script
from .truth import Totals
from .world import World

MINUTE = 60
NOTHING = "-"


@dataclass(frozen=True)
class Figures:
    """What the books hold of one line: by key, numerator and denominator."""

    pairs: Mapping[str, tuple[float, float]]

    def above(self, key: str) -> float:
        return self.pairs[key][0]

    def below(self, key: str) -> float:
        return self.pairs[key][1]

    def value(self, key: str) -> float | None:
        """The mean or share; null where nothing was counted."""
        above, below = self.pairs[key]
        return above / below if below else None


@dataclass(frozen=True)
class Column:
    """A column of figures: the key it shows, its text, and the same for a mean of peers, where peers have one."""

    key: str
    text: Callable[[Figures], str]
    shown: Callable[[float], str] | None = None


def _number(key: str) -> Column:
    return Column(key, lambda f: f"{f.above(key):,.0f}")


def _cases(key: str) -> Column:
    return Column(key, lambda f: f"{f.below(key):,.0f}")


def _money(key: str) -> Column:
    return Column(key, lambda f: f"{f.above(key):,.2f}")


def _failed(key: str) -> Column:
    return Column(key, lambda f: f"{f.below(key) - f.above(key):,.0f}")


def _valued(key: str, shown: Callable[[float], str]) -> Column:
    return Column(key, lambda f: NOTHING if (value := f.value(key)) is None else shown(value), shown)


def _share(key: str) -> Column:
    return _valued(key, lambda value: f"{value:.2%}")


def _mean(key: str, unit: float = 1) -> Column:
    return _valued(key, lambda value: f"{value / unit:.2f}")


@dataclass(frozen=True)
class Backend:
    """A platform's table by agent: what its file is called, whose books it follows, headings and columns.

    `figures` are the counting rules under which csperf keeps what it shows; `copies`: keys of the books under the
    names that the platform gives them. `totals`: what stands in place of an account in lines that are nobody's.
    """

    name: str
    books: str
    figures: str
    account: str
    columns: Mapping[str, Column]
    totals: tuple[str, ...]
    peers: Mapping[str, str] = field(default_factory=dict)
    copies: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> set[str]:
        """The keys that its columns show."""
        return {column.key for column in self.columns.values()}


BACKENDS = {
    "taobao": Backend(
        name="生意参谋_客服绩效",
        books="taobao",
        figures="taobao",
        account="旺旺昵称",
        columns={
            "咨询人数": _number("asked_users"),
            "接待人数": _number("served_users"),
            "询单人数": _number("inquiry_users"),
            "询单流失人数": _number("lost_inquiries"),
            "慢响应人数": _number("slow_users"),
            "询单最终付款人数": _number("conversion_paid_user"),
            "询单最终付款转化率": _share("conversion_paid_user"),
            "首次响应时长（秒)": _mean("first_reply_s"),
            "平均响应时长（秒)": _mean("mean_wait_turn_s"),
            "3分钟人工响应率": _share("reply_3min_user"),
            "询单最终付款金额": _money("sales_yuan"),
            "客单价": _mean("order_value_yuan"),
        },
        totals=("汇总值", "平均值"),
        peers={"同行同层均值": "tier_mean", "同行同层优秀": "tier_excellent"},
    ),
    "pdd": Backend(
        name="客服数据",
        books="pdd",
        figures="pdd",
        account="客服账号",
        columns={
            "咨询人数": _number("asked_users"),
            "询单人数": _number("inquiry_users"),
            "最终成团人数": _number("conversion_grouped_user"),
            "询单流失人数": _number("lost_inquiries"),
            "询单转化率": _share("conversion_grouped_user"),
            "客服销售额（元）": _money("sales_yuan"),
            "人工接待人数": _number("served_users"),
            "需要人工回复的咨询人数": _cases("reply_3min_user"),
            "3分钟未回复人数": _failed("reply_3min_user"),
            "3分钟人工回复率(8-23点)": _share("reply_3min_user"),
            "平均人工响应时长（分钟）": _mean("mean_wait_msg_s", MINUTE),
            "30秒应答率(8-23点)": _share("reply_30s_msg"),
            "3分钟人工回复率(全天)": _share("reply_3min_user_allday"),
            "30秒应答率(全天)": _share("reply_30s_msg_allday"),
        },
        totals=("总计", "平均"),
        copies={"conversion_grouped_user": "conversion_paid_user"},  # a group is complete once it is paid
    ),
    "douyin": Backend(
        name="飞鸽_客服数据",
        books="pdd",  # no books are kept by its rules for hand-overs; its hours are the same
        figures="douyin",
        account="账号名称",
        columns={
            "人工已接待人数": _number("served_users"),
            "人工已接待会话量": _cases("reply_3min_session"),
            "3分钟人工回复率 (会话)": _share("reply_3min_session"),
            "3分钟人工回复率": _share("reply_3min_user"),
            "首次响应时长（秒）": _mean("first_reply_s"),
            "新平均响应时长（秒）": _mean("mean_wait_turn_s"),
            "客服销售额（元）": _money("sales_yuan"),
            "询单人数": _number("inquiry_users"),
            "下单人数": _number("conversion_ordered_user"),
            "支付人数": _number("conversion_paid_user"),
            "询单转化率": _share("conversion_paid_user"),
        },
        totals=("汇总",),
    ),
}


def count(world: World, script: Script, orders: Orders, backend: Backend, known: np.ndarray) -> Totals:
    """What the backend shows of the chats that it knows (a flag for each), by day in place of months."""
    days = replace(
        world, months=tuple(f"{world.date_of(d)}" for d in range(world.days)), month_of=np.arange(world.days)
    )
    totals = Totals.blank(world.days, len(world.agents), world.days)
    fates, nothing = truth.fates_of(script, orders), np.zeros(len(script.chats), dtype=bool)
    for day in range(world.days):
        chats = (script.chats.day == day) & known
        totals.covered[day] = chats.any()
        truth.count_month(totals, days, script, day, chats, nothing, fates)
    truth.count_orders(totals, days, orders)
    books = totals.sums[backend.books]
    books |= {key: books[like] for key, like in backend.copies.items()}
    return replace(totals, sums={backend.figures: {key: books[key] for key in sorted(backend.keys)}}, ranks={})


def by_month(totals: Totals, world: World) -> Totals:
    """The days added up."""

    def added(cells: np.ndarray) -> np.ndarray:
        return np.stack([cells[world.month_of == month].sum(axis=0) for month in range(len(world.months))])

    sums = {name: {key: added(cells) for key, cells in keys.items()} for name, keys in totals.sums.items()}
    return replace(totals, months=len(world.months), sums=sums)


def write(written: Written, world: World, script: Script, orders: Orders, totals: Totals, platform: str) -> None:
    """The backend's table of each month and the platform's exports of orders and refunds."""
    backend = BACKENDS[platform]
    for month in range(len(world.months)):
        days = np.flatnonzero(world.month_of == month)
        rows = [*_agents(world, totals, backend, days), *_nobodys(totals, backend, days)]
        span = "_".join(f"{world.date_of(day):%Y%m%d}" for day in (days[0], days[-1]))
        path = written.note(f"exports/backend/{backend.name}_{span}.xlsx", len(rows))
        write_xlsx(path, ("日期", backend.account, *backend.columns), rows)
    export_platforms.WRITERS[platform](written, world, script, orders)


def _figures(totals: Totals, backend: Backend, days: np.ndarray, who: int) -> Figures:
    cells = totals.sums[backend.figures]
    return Figures({key: tuple(cells[key][days, who].sum(axis=0).tolist()) for key in cells})


def _agents(world: World, totals: Totals, backend: Backend, days: Iterable[int]) -> Iterator[list[str]]:
    """A line for each day and each account that had anything to do."""
    for day in days:
        for who, agent in enumerate(world.agents):
            figures = _figures(totals, backend, np.array([day]), who)
            if any(any(pair) for pair in figures.pairs.values()):
                cells = [column.text(figures) for column in backend.columns.values()]
                yield [f"{world.date_of(day)}", agent.account, *cells]


def _nobodys(totals: Totals, backend: Backend, days: np.ndarray) -> Iterator[list[str]]:
    """The lines of totals, and of peers where the platform has them."""
    whole = _figures(totals, backend, days, totals.people)
    for name in backend.totals:
        yield [NOTHING, name, *(column.text(whole) for column in backend.columns.values())]
    for name, cell in backend.peers.items():
        better = BENCHMARK_CELLS[cell]
        yield [NOTHING, name, *(_of_peers(column, whole, better) for column in backend.columns.values())]


def _of_peers(column: Column, whole: Figures, better: float) -> str:
    own = whole.value(column.key)
    return NOTHING if column.shown is None or own is None else column.shown(industry_value(column.key, own, better))
