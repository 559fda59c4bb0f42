"""A made-up shop of any size, written straight into a store's layout: seeded, fast, day by day.

It holds what most chats are made of: questions in bursts, waits from seconds to hours, automatic greetings, silences,
agents who write first, buyers who come again, a second agent who joins, chats over midnight and outside service hours,
orders that follow a chat or none, refunds. It holds none of what plain SQL cannot say in reasonable length: transfers,
bots, recalled messages, colleagues' chats, and buyers who write again after an answer that never came.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from csperf.facts import INPUT
from csperf.store import PARQUET

SHOP, SEED = "bench", 20260301
START = dt.datetime(2026, 3, 1, tzinfo=dt.timezone(dt.timedelta(hours=8)))
SECOND, DAY_S = 1_000_000, 86_400
PER_SESSION = 6.9  # messages of a chat, on average
COMES_AGAIN = 0.4  # share of chats whose buyer comes every RETURNS days
RETURNS = 10
TEXTS = [
    "这款有中码吗",
    "什么时候发货呀",
    "可以便宜一点吗",
    "亲,有的,今天就能发",
    "好的",
    "您好,这边帮您看一下",
    "退货怎么退",
    "嗯嗯",
]
GREETING = "您好,欢迎光临,客服正在赶来"
BUYER, HUMAN, AUTO = 0, 1, 2
SENDERS = pa.array(["buyer", "human", "auto"])
Columns = dict[str, Any]


def make(folder: Path, messages: int, days: int, agents: int) -> None:
    """Writes about so many messages over so many days, their orders, refunds and roster below `folder`."""
    shop = Shop(messages, days, agents)
    writers: dict[tuple[str, str], pq.ParquetWriter] = {}
    for day in range(days):
        for table, columns in shop.day(day):
            first = "created_day" if table == "orders" else "day"
            for month, rows in _by_month(_conform(table, columns), first):
                path = folder / table / f"{month}.parquet"
                path.parent.mkdir(parents=True, exist_ok=True)
                if (table, month) not in writers:
                    writers[table, month] = pq.ParquetWriter(path, rows.schema, **PARQUET)
                writers[table, month].write_table(rows)
    for writer in writers.values():
        writer.close()
    (folder / "roster").mkdir()
    pq.write_table(_conform("roster", shop.roster()), folder / "roster" / "all.parquet")


class Shop:
    """Draws the days one after the other."""

    def __init__(self, messages: int, days: int, agents: int) -> None:
        self.random = np.random.default_rng(SEED)
        self.agents = agents
        self.per_day = max(int(messages / days / PER_SESSION), 1)
        self.buyers = self.orders = self.rows = 0  # given out so far

    def day(self, day: int) -> Iterator[tuple[str, Columns]]:
        """The tables of the chats that begin on a day, which may go on into the next."""
        chats = self._chats(day)
        messages, ends = self._messages(chats)
        yield "messages", messages
        orders = self._orders(chats, ends)
        yield "orders", orders
        yield "refunds", self._refunds(orders)

    def roster(self) -> Columns:
        accounts = _names("客服", np.arange(self.agents))
        roles = np.where(np.arange(self.agents) % 12 == 0, "after", "pre")
        return {
            **dict.fromkeys(("account_id", "agent_id", "name"), accounts),
            **{"role": pa.array(roles), "level": pa.array(np.where(np.arange(self.agents) % 3, "mid", "senior"))},
            **dict.fromkeys(("started", "valid_from"), pa.repeat(dt.date(2020, 1, 1), self.agents)),
        }

    def _chats(self, day: int) -> Columns:
        draw, n = self.random, self.per_day
        night = draw.random(n) < 0.15
        start = np.where(night, draw.integers(0, DAY_S, n), draw.integers(8 * 3600, 23 * 3600, n))
        rounds = np.minimum(draw.geometric(0.42, n), 9)
        unanswered = draw.random(n) < 0.03
        again = (np.arange(n) < n * COMES_AGAIN) & ~unanswered
        buyer = np.where(again, -1 - (np.arange(n) + (day % RETURNS) * n), self.buyers + np.arange(n))
        self.buyers += n
        account = draw.integers(0, self.agents, n)
        return {
            "us": (int(START.timestamp()) + day * DAY_S + start) * SECOND,
            "rounds": rounds,
            "unanswered": unanswered,
            "agent_first": (draw.random(n) < 0.02) & ~unanswered,
            "buyer": buyer,
            "account": account,
            "second": np.where(draw.random(n) < 0.05, draw.integers(0, self.agents, n), account),
        }

    def _messages(self, chats: Columns) -> tuple[Columns, np.ndarray]:
        """The rows of the chats in order of time, and when each chat ended."""
        draw = self.random
        chat = np.repeat(np.arange(len(chats["us"])), chats["rounds"])
        number = _places(chats["rounds"])
        last = number == chats["rounds"][chat] - 1
        asked = np.where((number == 0) & chats["agent_first"][chat], 0, 1 + draw.binomial(2, 0.25, len(chat)))
        told = np.where(last & chats["unanswered"][chat], 0, 1 + draw.binomial(2, 0.15, len(chat)))
        greeted = ((number == 0) & (asked > 0) & (draw.random(len(chat)) < 0.6)).astype(int)
        size = asked + greeted + told
        turn, place = np.repeat(np.arange(len(chat)), size), _places(size)
        first_reply = asked + greeted
        sender = np.select([place < asked[turn], place < first_reply[turn]], [BUYER, AUTO], HUMAN)
        gap = draw.integers(2, 40, len(turn))
        wait = np.minimum(draw.lognormal(np.log(25), 1.2, len(turn)), 20 * 3600).astype(int) + 1
        slow = draw.random(len(turn)) < 0.003
        wait = np.where(slow, draw.integers(1800, 9000, len(turn)), wait)
        pause = np.where(
            draw.random(len(turn)) < 0.02, draw.integers(1800, 7200, len(turn)), draw.integers(3, 600, len(turn))
        )
        gap = np.where(place == first_reply[turn], wait, np.where(sender == AUTO, 1, gap))
        gap = np.where(place == 0, np.where(number[turn] > 0, pause, 0), gap)
        of = chat[turn]
        begins = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
        passed = np.cumsum(gap)
        passed -= np.repeat(passed[begins], np.diff(np.r_[begins, len(of)]))
        us = chats["us"][of] + passed * SECOND
        ends = us[np.r_[begins[1:] - 1, len(of) - 1]]
        joined = number[turn] * 2 >= chats["rounds"][of]
        account = np.where(joined, chats["second"][of], chats["account"][of])
        return self._rows(us, of, sender, account, chats), ends

    def _rows(self, us: np.ndarray, of: np.ndarray, sender: np.ndarray, account: np.ndarray, chats: Columns) -> Columns:
        order = np.argsort(us, kind="stable")
        us, of, sender, account = us[order], of[order], sender[order], account[order]
        number = self.rows + np.arange(len(us), dtype=np.uint64)
        self.rows += len(us)
        said = pa.array(TEXTS).take(pa.array(self.random.integers(0, len(TEXTS), len(us))))
        detail = pc.cast(pa.array(self.random.integers(0, 10**6, len(us))), pa.string())
        face = pa.array(np.where(self.random.random(len(us)) < 0.05, "😊", ""))
        text = pc.binary_join_element_wise(said, detail, face, "")
        return {
            "row_id": pc.cast(pa.array(number * np.uint64(0x9E3779B97F4A7C15)), pa.string()),
            "account_id": _names("客服", account),
            "buyer_id": _names("买家", chats["buyer"][of]),
            "sent_at": us,
            "sequence": np.zeros(len(us), dtype=np.int64),
            "sender": SENDERS.take(pa.array(sender)),
            "kind": pa.repeat("text", len(us)),
            "text": pc.if_else(pa.array(sender == AUTO), GREETING, text),
            "day": us,
            "source_line": number.astype(np.int64),
        }

    def _orders(self, chats: Columns, ends: np.ndarray) -> Columns:
        draw = self.random
        bought = np.flatnonzero(draw.random(len(ends)) < 0.15)
        silent = len(bought) // 3
        n = len(bought) + silent
        delay = np.minimum(draw.lognormal(np.log(1800), 1.5, n), 3 * DAY_S).astype(np.int64) * SECOND
        created = np.r_[ends[bought], chats["us"][:silent]] + delay
        buyer = np.r_[chats["buyer"][bought], self.buyers + np.arange(silent)]
        self.buyers += silent
        paid = draw.random(n) < 0.87
        paid_us = created + draw.integers(5, 1800, n) * SECOND
        amount = draw.integers(900, 90_000, n)
        number = self.orders + np.arange(n)
        self.orders += n
        return {
            "order_id": _names("", 10**12 + number),
            "buyer_id": _names("买家", buyer),
            "created_at": created,
            "paid_at": pa.array(paid_us, mask=~paid),
            "amount_fen": amount,
            "paid_fen": pa.array(amount - amount // 20, mask=~paid),
            "quantity": draw.integers(1, 4, n),
            "status": pa.array(np.where(paid, "completed", "closed")),
            "created_day": created,
            "paid_day": pa.array(paid_us, mask=~paid),
            "source_line": number,
        }

    def _refunds(self, orders: Columns) -> Columns:
        draw = self.random
        paid = np.flatnonzero(orders["paid_at"].is_valid().to_numpy(zero_copy_only=False))
        chosen = paid[draw.random(len(paid)) < 0.08]
        asked = orders["created_at"][chosen] + draw.integers(1, 20 * DAY_S, len(chosen)) * SECOND
        done = asked + draw.integers(3600, 5 * DAY_S, len(chosen)) * SECOND
        return {
            "refund_id": orders["order_id"].take(pa.array(chosen)),
            "order_id": orders["order_id"].take(pa.array(chosen)),
            "requested_at": asked,
            "finished_at": done,
            "amount_fen": orders["amount_fen"][chosen] // 2,
            "outcome": pa.array(np.where(draw.random(len(chosen)) < 0.9, "succeeded", "closed")),
            "day": asked,
            "finished_day": done,
            "source_line": chosen,
        }


def _places(sizes: np.ndarray) -> np.ndarray:
    """0, 1, ... within each group of these sizes."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


def _names(stem: str, numbers: np.ndarray) -> pa.Array:
    return pc.binary_join_element_wise(pa.scalar(stem), pc.cast(pa.array(numbers), pa.string()), "")


def _conform(table: str, columns: Columns) -> pa.Table:
    """The columns in the contract's order and types: times from microseconds, days from times, the rest null."""
    n = len(next(iter(columns.values())))
    columns = columns | {"shop_id": pa.repeat(SHOP, n), "source_file": pa.repeat("bench", n)}
    columns.setdefault("source_line", np.arange(n))
    arrays = [_typed(columns.get(field.name), field.type, n) for field in INPUT[table].arrow]
    return pa.table(arrays, schema=INPUT[table].arrow)


def _typed(values: Any, kind: pa.DataType, n: int) -> pa.Array:
    if values is None:
        return pa.nulls(n, kind)
    array = values if isinstance(values, pa.Array) else pa.array(values)
    if pa.types.is_date(kind) and pa.types.is_integer(array.type):
        local = pc.add(array, int(START.utcoffset().total_seconds()) * SECOND)
        return pc.cast(pc.cast(local, pa.timestamp("us")), pa.date32(), safe=False)
    return pc.cast(array, kind)


def _by_month(rows: pa.Table, day: str) -> Iterator[tuple[str, pa.Table]]:
    month = pc.strftime(rows[day], format="%Y-%m")
    for value in pc.unique(month).to_pylist():
        yield value, rows.filter(pc.equal(month, value))


if __name__ == "__main__":
    ask = argparse.ArgumentParser(description=__doc__)
    ask.add_argument("folder", type=Path)
    ask.add_argument("messages", type=int)
    ask.add_argument("--days", type=int, default=30)
    ask.add_argument("--agents", type=int, default=300)
    asked = ask.parse_args()
    make(asked.folder, asked.messages, asked.days, asked.agents)
