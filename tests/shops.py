"""Small messy shops for tests: few buyers, dense chats, times that sit exactly on every limit.

A chat is a list of `Step`s; `made_shop(seed)` draws them by a seeded generator, `shops()` is the Hypothesis strategy
(steps shrink one by one). Rows are dicts with the columns of facts.INPUT; `arrow` and `frame` give them as tables.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
from hypothesis import strategies as st

from csperf.facts import INPUT

SHOP = "S"
TZ = "Asia/Shanghai"
START = datetime(2026, 3, 2, 7, 59, 50, tzinfo=ZoneInfo(TZ))
FIRST_DAY = START.date()
ACCOUNTS = ("S:01", "S:02", "S:03", "S:09", "S:bot")  # S:03 is shared by two people, S:09 stands on no roster
BOT = "S:bot"

# Seconds since the last message, or the next time the wall clock shows this.
GAPS: tuple[int | str, ...] = (
    *(0, 0, 0, 1, 5, 29, 30, 31, 90, 179, 180, 181, 300, 301, 599, 600, 601, 1799, 1800, 1801, 3600, 3601),
    *(7200, 86399, 86400, 86401, 259199, 259200, 259201),
    *("07:59:59", "08:00:00", "22:59:59", "23:00:00", "23:59:59", "00:00:00"),
)
GAP_WEIGHTS = (
    *(2, 2, 2, 3, 8, 5, 5, 5, 6, 3, 3, 3, 3, 2, 3, 3, 3, 3, 4, 3, 2, 2),
    *(2, 1, 1, 1, 1, 1, 1),
    *(1, 1, 1, 1, 1, 2),
)
# what -> (sender, kind, text)
EVENTS: dict[str, tuple[str, str, str | None]] = {
    "ask": ("buyer", "text", "有中码不?"),
    "ask nobody": ("buyer", "text", "老板,在吗?"),
    "ask by card": ("buyer", "card", None),
    "sticker": ("buyer", "sticker", None),
    "thanks": ("buyer", "text", "谢谢!"),
    "ok": ("buyer", "text", "好的"),
    "ask, recalled": ("buyer", "recall", None),
    "buyer closes": ("buyer", "close", None),
    "reply": ("human", "text", "亲,有的,今天就发货"),
    "short reply": ("human", "text", "亲"),
    "reply by card": ("human", "card", None),
    "reply with emoji": ("human", "text", "好的😊"),
    "reply, recalled": ("human", "recall", None),
    "code": ("human", "text", "您当前咨询的内容为1.1.1(此信息无需回复)"),
    "note": ("human", "note", "老客户"),
    "invite": ("human", "rating_invite", None),
    "close": ("human", "close", None),
    "auto": ("auto", "text", "您好,欢迎光临"),
    "assist": ("assist", "text", "亲,这款有中码"),
    "bot": ("bot", "text", "我是机器人"),
    "system": ("system", "system", "当前用户来自 商品详情页"),
    "transfer": ("human", "transfer", None),
    "transfer to nobody": ("human", "transfer", None),
    "hand-over": ("bot", "transfer", None),
}
EVENT_WEIGHTS = (20, 4, 2, 3, 4, 2, 2, 1, 20, 2, 1, 2, 2, 1, 1, 1, 2, 3, 4, 4, 1, 7, 1, 3)


@dataclass(frozen=True)
class Step:
    """One message: how long after the last, what, and by or to which account (None: the one that has the chat)."""

    gap: int | str
    event: str
    account: int | None = None


@dataclass(frozen=True)
class OrderPlan:
    """An order `after` seconds from the buyer's message number `anchor`; `paid` and `grouped` seconds after that."""

    anchor: int
    after: int
    paid: int | None = 60
    grouped: int | None = None
    refund: int | None = None
    amount: int = 9900
    created: bool = True


@dataclass
class MadeShop:
    """The rows of one shop, and the settings its measurement needs."""

    messages: list[dict]
    orders: list[dict] = field(default_factory=list)
    refunds: list[dict] = field(default_factory=list)
    roster: list[dict] = field(default_factory=list)
    shifts: list[dict] = field(default_factory=list)
    internal_accounts: tuple[str, ...] = ()
    listed_buyers: tuple[str, ...] = ()
    records: dict[str, list[dict]] = field(default_factory=dict)  # complaints, ratings, calls, tickets, registers
    covered_days: tuple[date, ...] | None = None
    hours: tuple[str, str] = ("08:30", "22:30")
    tz: str = TZ

    @property
    def settings(self) -> dict:
        """What `derive` takes beside messages and definition."""
        names = ("hours", "roster", "shifts", "internal_accounts", "listed_buyers", "tz", "covered_days")
        return {name: getattr(self, name) for name in names}

    @property
    def sold(self) -> dict[str, list[dict]]:
        """Orders and refunds, by table."""
        return {"orders": self.orders, "refunds": self.refunds}

    def arrow(self, table: str) -> pa.Table:
        """One of messages, orders, refunds, roster, shifts, or of the records, in the schema of facts.INPUT."""
        rows = self.records[table] if table in self.records else getattr(self, table)
        return pa.Table.from_pylist(rows, schema=INPUT[table].arrow)

    def frame(self, table: str) -> pd.DataFrame:
        """The same as a pandas frame."""
        return self.arrow(table).to_pandas()


# ---------------------------------------------------------------- rows


def message(
    at: datetime,
    sender: str,
    kind: str = "text",
    *,
    buyer: str = "b1",
    account: str | None = "S:01",
    text: str | None = None,
    to: str | None = None,
    shop: str = SHOP,
    tz: str = TZ,
) -> dict:
    """A row of messages; row_id, sequence and source_line are given by `numbered`."""
    blank = dict.fromkeys(column.name for column in INPUT["messages"].columns)
    return blank | {
        "shop_id": shop,
        "account_id": account,
        "buyer_id": buyer,
        "sent_at": at.astimezone(UTC),
        "sender": sender,
        "kind": kind,
        "text": text,
        "to_account": to,
        "day": at.astimezone(ZoneInfo(tz)).date(),
        "source_file": "chat.txt",
    }


def numbered(rows: Iterable[dict]) -> list[dict]:
    """The rows with row_id, source_line and sequence (rank within account, buyer, second) in the order given."""
    seen: Counter = Counter()
    done = []
    for line, row in enumerate(rows, start=1):
        place = (row["shop_id"], row["account_id"], row["buyer_id"], row["sent_at"].replace(microsecond=0))
        done.append(row | {"row_id": f"m{line:04}", "source_line": line, "sequence": seen[place]})
        seen[place] += 1
    return done


def person(account: str, agent: str, role: str = "pre", level: str | None = "junior", **dates) -> dict:
    """A row of roster, in force from 2020 on unless dates say otherwise."""
    return {
        "shop_id": SHOP,
        "account_id": account,
        "agent_id": agent,
        "name": agent,
        "role": role,
        "level": level,
        "team": None,
        "started": date(2020, 1, 1),
        "ended": None,
        "valid_from": date(2020, 1, 1),
        "valid_to": None,
        "source_file": "roster.csv",
        "source_line": 1,
    } | dates


def shift(agent: str, start: datetime, hours: float, name: str, tz: str = TZ) -> dict:
    """A row of shifts."""
    return {
        "shop_id": SHOP,
        "agent_id": agent,
        "start": start.astimezone(UTC),
        "end": (start + timedelta(hours=hours)).astimezone(UTC),
        "shift": name,
        "day": start.astimezone(ZoneInfo(tz)).date(),
        "source_file": "shifts.csv",
        "source_line": 1,
    }


def order(number: int, buyer: str | None, created_at: datetime | None, paid_at: datetime | None, **cells) -> dict:
    """A row of orders; `cells` sets any column."""
    day = ZoneInfo(TZ)
    closed = cells.get("closed_at")
    return {
        "shop_id": SHOP,
        "order_id": f"o{number:03}",
        "buyer_id": buyer,
        "created_at": created_at and created_at.astimezone(UTC),
        "paid_at": paid_at and paid_at.astimezone(UTC),
        "grouped_at": None,
        "closed_at": None,
        "amount_fen": 9900,
        "paid_fen": 9900 if paid_at else None,
        "quantity": 1,
        "status": "paid" if paid_at else "closed" if closed else "unpaid",
        "status_raw": None,
        "account_id": None,
        "created_day": created_at and created_at.astimezone(day).date(),
        "paid_day": paid_at and paid_at.astimezone(day).date(),
        "source_file": "orders.csv",
        "source_line": number,
    } | cells


def refund(
    number: int, order_id: str, at: datetime, finished_at: datetime | None, amount_fen: int, outcome: str
) -> dict:
    """A row of refunds."""
    return {
        "shop_id": SHOP,
        "refund_id": f"r{number:03}",
        "order_id": order_id,
        "requested_at": at.astimezone(UTC),
        "finished_at": finished_at and finished_at.astimezone(UTC),
        "amount_fen": amount_fen,
        "outcome": outcome,
        "platform_intervened": None,
        "merchant_liable": None,
        "day": at.astimezone(ZoneInfo(TZ)).date(),
        "finished_day": finished_at and finished_at.astimezone(ZoneInfo(TZ)).date(),
        "source_file": "refunds.csv",
        "source_line": number,
    }


# ---------------------------------------------------------------- from steps to rows


def step_time(now: datetime, gap: int | str, tz: str) -> datetime:
    """The moment `gap` seconds later, or when the wall clock next shows `gap`."""
    if isinstance(gap, int):
        return now + timedelta(seconds=gap)
    local = now.astimezone(ZoneInfo(tz))
    at = datetime.combine(local.date(), time.fromisoformat(gap), ZoneInfo(tz)).astimezone(UTC)
    return at if at >= now else at + timedelta(days=1)


def chat(
    buyer: str, steps: Sequence[Step], *, start: datetime = START, colleague: bool = False, tz: str = TZ
) -> list[dict]:
    """The messages of one buyer, step by step. Transfers and hand-overs change the account that has the chat."""
    now, holder = start.astimezone(UTC), ACCOUNTS[0]
    rows = []
    for step in steps:
        now = step_time(now, step.gap, tz)
        sender, kind, text = EVENTS[step.event]
        named = holder if step.account is None else ACCOUNTS[step.account % len(ACCOUNTS)]
        account: str | None = named
        to = None
        if kind == "transfer":
            account = BOT if step.event == "hand-over" else holder
            to = None if step.event == "transfer to nobody" else named
            holder = to or holder
        elif step.event == "ask nobody":
            account = None
        elif sender == "bot":
            account = BOT
        elif sender == "human" and named == BOT:
            account = ACCOUNTS[0]
        if sender == "buyer" and colleague:
            sender = "colleague"
        rows.append(message(now, sender, kind, buyer=buyer, account=account, text=text, to=to, tz=tz))
    return rows


def purchases_of(buyer: str | None, plans: Sequence[OrderPlan], rows: Sequence[dict], first: int) -> tuple[list, list]:
    """Orders and refunds of one buyer, anchored to that buyer's messages."""
    orders, refunds = [], []
    for number, plan in enumerate(plans, start=first):
        at = rows[plan.anchor % len(rows)]["sent_at"] + timedelta(seconds=plan.after)
        paid_at = None if plan.paid is None else at + timedelta(seconds=plan.paid)
        keeps_created = plan.created or paid_at is None
        cells = {
            "amount_fen": plan.amount,
            "paid_fen": plan.amount if paid_at else None,
            "quantity": 1 + number % 3,
            "grouped_at": paid_at + timedelta(seconds=plan.grouped) if paid_at and plan.grouped is not None else None,
            "closed_at": at + timedelta(days=1) if paid_at is None and number % 2 else None,
        }
        orders.append(order(number, buyer, at if keeps_created else None, paid_at, **cells))
        if plan.refund is not None and paid_at:
            asked, done = paid_at + timedelta(seconds=plan.refund // 2), paid_at + timedelta(seconds=plan.refund)
            outcome = ("succeeded", "succeeded", "closed", "open")[number % 4]
            finished = None if outcome == "open" else done
            refunds.append(
                refund(number, orders[-1]["order_id"], asked, finished, plan.amount // (1 + number % 2), outcome)
            )
    return orders, refunds


def roster_of(day: date = FIRST_DAY) -> list[dict]:
    """Two logins with a person each, one shared across a midnight, a bot; S:09 is missing on purpose."""
    change = day + timedelta(days=2)
    return [
        person("S:01", "Li", "pre", "junior"),
        person("S:02", "Wang", "mixed", "senior", ended=day + timedelta(days=5)),
        person("S:03", "Wang", "mixed", "senior", valid_to=change),
        person("S:03", "Zhao", "after", None, valid_from=change, started=change),
        person(BOT, "bot", "bot", None),
    ]


def shifts_of(day: date = FIRST_DAY) -> list[dict]:
    """Li has early and late shifts, Zhao one that runs over midnight."""
    morning = datetime.combine(day, time(8), ZoneInfo(TZ))
    return [
        shift("Li", morning, 8, "早"),
        shift("Li", morning + timedelta(days=1, hours=7), 8, "晚"),
        shift("Zhao", morning + timedelta(days=2, hours=14), 6, "晚"),
    ]


def assemble(
    plans: Sequence[Sequence[Step]],
    orders: Sequence[Sequence[OrderPlan]] = (),
    *,
    colleague: Sequence[Step] = (),
    advert: Sequence[Step] = (),
    anonymous_order: bool = True,
) -> MadeShop:
    """A shop from plans: one chat and one list of orders for each buyer, a colleague's chat and an advert's."""
    rows: list[dict] = []
    bought: list[dict] = []
    returned: list[dict] = []
    for number, steps in enumerate(plans):
        own = chat(f"b{number + 1}", steps)
        rows += own
        if own and number < len(orders):
            more, back = purchases_of(f"b{number + 1}", orders[number], own, len(bought) + 1)
            bought, returned = bought + more, returned + back
    rows += chat("S:88", colleague, colleague=True) + chat("advert", advert)
    if bought and anonymous_order:
        bought.append(order(len(bought) + 1, None, START, START + timedelta(minutes=1)))
    return MadeShop(
        numbered(rows),
        bought,
        returned,
        roster_of(),
        shifts_of(),
        internal_accounts=("S:88",),
        listed_buyers=("advert",),
        covered_days=(START.date() - timedelta(days=1),),
    )


# ---------------------------------------------------------------- drawing


ORDER_OFFSETS = (
    0,
    1,
    -1,
    60,
    3600,
    86399,
    86400,
    86401,
    -3600,
    -86400,
    -21 * 86400,
    -21 * 86400 - 61,
    -21 * 86400 - 60,
)
PAID_OFFSETS = (None, 0, 60, 3600, 86400, 5 * 86400)
REFUND_OFFSETS = (None, None, 3600, 15 * 86400, 15 * 86400 + 1)


# What a chat is mostly made of; "all" uses EVENT_WEIGHTS.
MOODS: dict[str, tuple[str, ...]] = {
    "bot": ("ask", "ask", "ask nobody", "bot", "bot", "thanks", "hand-over", "reply"),
    "passing": ("ask", "ask", "ask", "ask nobody", "reply", "reply", "transfer", "transfer", "hand-over", "sticker"),
    "plain": ("ask", "ask", "ask", "reply", "reply", "thanks", "code"),
}


def random_steps(rng: random.Random, length: int) -> list[Step]:
    """Steps of one chat in a mood of its own: what happens mostly, and whether it stays within the hour."""
    mood = rng.choice(("all", "all", "bot", "passing", "plain"))
    quick = rng.random() < 0.5
    chosen = []
    for _ in range(length):
        reach = 9 if mood == "passing" and rng.random() < 0.7 else 16 if quick else len(GAPS)
        gap = rng.choices(GAPS[:reach], GAP_WEIGHTS[:reach])[0]
        event = rng.choice(MOODS[mood]) if mood in MOODS else rng.choices(list(EVENTS), EVENT_WEIGHTS)[0]
        account = rng.choice((None, None, None, None, *range(len(ACCOUNTS))))
        if event in ("transfer", "hand-over"):
            account = rng.randrange(len(ACCOUNTS))
        if mood == "bot" and event == "ask" and account is None:
            account = rng.choice((None, None, ACCOUNTS.index(BOT)))
        chosen.append(Step(gap, event, account))
    return chosen


def random_orders(rng: random.Random, length: int) -> list[OrderPlan]:
    """Orders of one buyer around the chat's messages."""
    return [
        OrderPlan(
            rng.randrange(50),
            rng.choice(ORDER_OFFSETS),
            rng.choice(PAID_OFFSETS),
            rng.choice((None, 0, 7200)),
            rng.choice(REFUND_OFFSETS),
            rng.choice((1, 990, 9900, 123_456)),
            rng.random() > 0.2,
        )
        for _ in range(length)
    ]


def made_shop(seed: int, *, buyers: int = 4, length: int = 25, orders: int = 3) -> MadeShop:
    """A messy shop drawn by `seed`: the same seed gives the same rows."""
    rng = random.Random(seed)
    return assemble(
        [random_steps(rng, rng.randint(1, length)) for _ in range(buyers)],
        [random_orders(rng, rng.randint(0, orders)) for _ in range(buyers)] if orders else (),
        colleague=random_steps(rng, 4),
        advert=random_steps(rng, 4),
    )


steps = st.builds(
    Step,
    st.sampled_from(GAPS),
    st.sampled_from(list(EVENTS)),
    st.none() | st.integers(0, len(ACCOUNTS) - 1),
)
order_plans = st.builds(
    OrderPlan,
    st.integers(0, 50),
    st.sampled_from(ORDER_OFFSETS),
    st.sampled_from(PAID_OFFSETS),
    st.none() | st.sampled_from((0, 7200)),
    st.sampled_from(REFUND_OFFSETS),
    st.sampled_from((1, 990, 9900, 123_456)),
    st.booleans(),
)


def shops(*, buyers: int = 3, length: int = 12, orders: int = 2) -> st.SearchStrategy[MadeShop]:
    """The Hypothesis strategy: shrinks to fewer buyers, fewer steps, simpler gaps."""
    return st.builds(
        assemble,
        st.lists(st.lists(steps, min_size=1, max_size=length), min_size=1, max_size=buyers),
        st.lists(st.lists(order_plans, max_size=orders), max_size=buyers),
        colleague=st.lists(steps, max_size=3),
        advert=st.lists(steps, max_size=3),
    )


def mixed_shops(*, buyers: int = 4, length: int = 25) -> st.SearchStrategy[MadeShop]:
    """Shops by seed (dense, realistic mixes) or by steps (shrinkable)."""
    seeded = st.builds(made_shop, st.integers(0, 1 << 30), buyers=st.just(buyers), length=st.just(length))
    return st.one_of(shops(), seeded)
