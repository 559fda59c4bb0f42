"""Books -> the numerator and denominator of every metric, by month, for each agent and for the shop.

Arithmetic on what the script knows, in the units of the catalogue's keys. Nothing of csperf's counting is called.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .ledger import FOR_AGENT, FOR_SHOP, MANUAL, SETS, SHOP, TAOBAO, Entries, enter
from .messages import KIND, SENDER, Messages
from .orders import NOBODY, Orders
from .script import Script
from .stories import Kind
from .world import CLOSE_S, CLOSED_DAYS, DAY, OPEN_S, World

PLATFORM_HOURS = (8 * 3600, 23 * 3600)
FIRST_REPLY_LIMIT_S, ANY_FAIL_S, CAP_S, NET_DAYS, REPURCHASE_DAYS, SHIFT_H = 30, 3600, 600, 15, 30, 8
LIMITS = {"30s": 30, "3min": 180, "5min": 300}
CHATS_PER_DAY = ("sessions_per_day", "effective_sessions_per_day", "unanswered_sessions_per_day", "buyers_per_day")
PER_DAY = (
    *CHATS_PER_DAY,
    *(f"{key}_allday" for key in CHATS_PER_DAY),
    *("bought_per_day", "sales_yuan_per_day", "orders_per_day"),
)
PER_HOUR = ("sessions_per_hour", "sessions_per_hour_allday")
QUANTILES = {"wait_turn_p50_s": 0.5, "wait_turn_p90_s": 0.9, "wait_turn_max_s": 1.0}


@dataclass
class Totals:
    """set -> key -> months x (agents, then the shop) x (numerator, denominator); in `ranks` (value, n) instead.

    Days x accounts: who wrote, who answered a customer, whom an assistant answered for; and the days with messages.
    """

    months: int
    people: int
    wrote: np.ndarray
    replied: np.ndarray
    assisted: np.ndarray
    covered: np.ndarray
    sums: dict[str, dict[str, np.ndarray]]
    ranks: dict[str, dict[str, np.ndarray]]

    @classmethod
    def blank(cls, months: int, people: int, days: int) -> Totals:
        """Nothing counted yet; beside the people, the bot and the warehouse have accounts."""
        wrote, replied, assisted = np.zeros((3, days, people + 2), dtype=bool)
        covered = np.zeros(days, dtype=bool)
        none: tuple[dict, dict] = ({name: {} for name in SETS}, {name: {} for name in SETS})
        return cls(months, people, wrote, replied, assisted, covered, *none)

    def add(self, name: str, key: str, month, who, numerator, denominator) -> None:
        """Add rows up: each belongs to a month and to a row of people (the last is the shop)."""
        cells = self.sums[name].setdefault(key, np.zeros((self.months, self.people + 1, 2)))
        place = np.broadcast_to(month * (self.people + 1) + who, len(who))
        for side, value in enumerate((numerator, denominator)):
            weight = np.broadcast_to(np.asarray(value, dtype=float), len(who))
            cells[:, :, side] += np.bincount(place, weight, self.months * (self.people + 1)).reshape(self.months, -1)

    def put(self, name: str, key: str, month: int, who: np.ndarray, value: np.ndarray, n: np.ndarray) -> None:
        """Enter ranks, one row for each of `who`."""
        blank = np.zeros((self.months, self.people + 1, 2))
        self.ranks[name].setdefault(key, blank)[month, who] = np.column_stack([value, n])


@dataclass
class Desk:
    """What a month of one set in one scope is counted from."""

    name: str
    bit: int
    month: int
    turns: Entries
    questions: Entries
    who: np.ndarray
    asked_by: np.ndarray

    def add(self, totals: Totals, key: str, rows, numerator, denominator=1, by=None) -> None:
        who = (self.who if by is None else by)[rows]
        cut = [v[rows] if isinstance(v, np.ndarray) else v for v in (numerator, denominator)]
        totals.add(self.name, key, self.month, who, *cut)


def count_month(
    totals: Totals, world: World, script: Script, month: int, chats: np.ndarray, coded: np.ndarray, fates: dict
) -> None:
    """Add one month's chats (those marked in `chats`), under every set and in both scopes."""
    book = enter(script, chats)
    questions = book.take(np.flatnonzero(book.counts)).each_question()
    for desk in _desks(book, questions, month, len(world.agents)):
        served = in_hours(world, desk.bit, desk.turns.start)
        _count_turns(totals, desk, served)
        _count_sessions(totals, desk, script, served, coded)
        _count_questions(totals, desk, in_hours(world, desk.bit, desk.questions.start))
        _count_buyers(totals, desk, script, in_hours(world, desk.bit, desk.questions.start), fates)
    _count_unasked(totals, script, month, chats)


def _count_unasked(totals: Totals, script: Script, month: int, chats: np.ndarray) -> None:
    """Sessions in which nobody asked: an agent wrote, or (thanks being no question) there was nothing but thanks."""
    kind = script.chats.kind
    for name, bit in SETS.items():
        silent = np.flatnonzero(chats & ((kind == Kind.OUTREACH) | ((kind == Kind.PHRASE_ONLY) & (bit == SHOP))))
        for who in (script.chats.agent[silent], np.full(len(silent), totals.people)):
            totals.add(name, "transfer_share", month, who, 0, 1)


def _desks(book: Entries, questions: Entries, month: int, people: int) -> Iterator[Desk]:
    for name, bit in SETS.items():
        for scope in (FOR_SHOP, FOR_AGENT):
            t, q = (b.take(np.flatnonzero((b.sets & bit > 0) & (b.scope & scope > 0))) for b in (book, questions))
            who, by = ((x.agent if scope == FOR_AGENT else np.full(len(x.chat), people)) for x in (t, q))
            yield Desk(name, bit, month, t, q, who, by)


def in_hours(world: World, bit: int, time: np.ndarray) -> np.ndarray:
    """Whether a moment is in the set's service hours: the shop's own, or a platform's 8 to 23."""
    own = bit in (SHOP, MANUAL)
    opens, closes = (OPEN_S, CLOSE_S) if own else PLATFORM_HOURS
    holidays = [(d - world.first).days for d in CLOSED_DAYS] if own else []
    return (time % DAY >= opens) & (time % DAY < closes) & ~np.isin(time // DAY, holidays)


def counted(bit: int, wait: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The waits as a mean sees them, and which of them it sees."""
    if bit == TAOBAO:
        return np.where(wait < 0, CAP_S, np.minimum(wait, CAP_S)), np.ones(len(wait), dtype=bool)
    return wait, wait >= 0


def _both(served: np.ndarray, counts: np.ndarray | bool = True) -> Iterator[tuple[str, np.ndarray]]:
    yield "", np.flatnonzero(served & counts)
    yield "_allday", np.flatnonzero(np.ones(len(served), dtype=bool) & counts)


def _within(wait: np.ndarray, limit: int) -> np.ndarray:
    return (wait >= 0) & (wait <= limit)


def _count_turns(totals: Totals, desk: Desk, served: np.ndarray) -> None:
    wait, (mean, seen) = desk.turns.wait, counted(desk.bit, desk.turns.wait)
    for suffix, rows in _both(served, desk.turns.counts):
        for limit in ("3min", "5min"):
            desk.add(totals, f"reply_{limit}_turn{suffix}", rows, _within(wait, LIMITS[limit]))
        desk.add(totals, f"mean_wait_turn_s{suffix}", rows[seen[rows]], mean)
        _rank(totals, desk, suffix, rows[wait[rows] >= 0])


def _rank(totals: Totals, desk: Desk, suffix: str, rows: np.ndarray) -> None:
    """Quantiles of raw waits: the sorted row at share x (n - 1), between two rows the straight line."""
    order = rows[np.lexsort((desk.turns.wait[rows], desk.who[rows]))]
    wait = desk.turns.wait[order]
    who, first, n = np.unique(desk.who[order], return_index=True, return_counts=True)
    for key, share in QUANTILES.items():
        place = share * (n - 1)
        below, above = wait[first + np.floor(place).astype(int)], wait[first + np.ceil(place).astype(int)]
        totals.put(desk.name, key + suffix, desk.month, who, below + (above - below) * (place % 1), n)


def _count_sessions(totals: Totals, desk: Desk, script: Script, served: np.ndarray, coded: np.ndarray) -> None:
    """Sessions: the turns of a chat that one scope sees; the first question decides whether it is in hours."""
    t = desk.turns
    key = t.chat * (totals.people + 1) + desk.who
    order = np.lexsort((t.start, key))
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    firsts = _first_counted(order, starts, t.counts)
    chat, who, opens = t.chat[firsts], desk.who[firsts], served[firsts]
    counts = t.counts[order]
    wait, (mean, seen) = t.wait[order], counted(desk.bit, t.wait[order])
    answered = np.maximum.reduceat((wait >= 0) & counts, starts)
    began, end = np.minimum.reduceat(t.began[order], starts), np.maximum.reduceat(t.end[order], starts)
    passes = (script.chats.kind[chat] == Kind.TRANSFER) & ((who == script.chats.agent[chat]) | (who == totals.people))
    everything = np.arange(len(starts))
    desk.add(totals, "transfer_share", everything, passes, by=who)
    started = script.chats.kind[chat] == Kind.AGENT_STARTED
    for suffix, rows in _both(opens):
        for name, value in {"sessions": 1, "effective_sessions": answered, "unanswered_sessions": ~answered}.items():
            desk.add(totals, f"{name}_per_day{suffix}", rows, value, 0, by=who)
        desk.add(totals, f"sessions_per_hour{suffix}", rows, 1, 0, by=who)
        desk.add(totals, f"effective_session_share{suffix}", rows, answered, by=who)
        desk.add(totals, f"handle_min{suffix}", rows[answered[rows]], (end - began) / 60, by=who)
        first, buyer_opened = t.wait[firsts], rows[~started[rows]]
        desk.add(totals, f"first_reply_in_time{suffix}", buyer_opened, _within(first, FIRST_REPLY_LIMIT_S), by=who)
        desk.add(totals, f"first_reply_s{suffix}", buyer_opened[first[buyer_opened] >= 0], first, by=who)
        weighs = counts & (served[order] | (suffix != ""))
        total = np.add.reduceat(np.where(weighs & seen, mean, 0), starts)
        n = np.add.reduceat((weighs & seen).astype(int), starts)
        failed = np.maximum.reduceat(weighs & (wait < 0), starts)
        desk.add(totals, f"reply_3min_session{suffix}", rows, ~failed & (n > 0) & (total <= 180 * n), by=who)
    desk.add(totals, "coded_share", everything, coded[chat], by=who)
    desk.add(totals, "conversion_same_day", everything, 0, answered, by=who)


def _first_counted(order: np.ndarray, starts: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The row of each session's first turn that counts."""
    place = np.where(counts[order], np.arange(len(order)), len(order))
    return order[np.minimum.reduceat(place, starts)]


def _count_questions(totals: Totals, desk: Desk, served: np.ndarray) -> None:
    wait, (mean, seen) = desk.questions.wait, counted(desk.bit, desk.questions.wait)
    for suffix, rows in _both(served):
        for name, limit in LIMITS.items():
            desk.add(totals, f"reply_{name}_msg{suffix}", rows, _within(wait, limit), by=desk.asked_by)
        desk.add(totals, f"mean_wait_msg_s{suffix}", rows[seen[rows]], mean, by=desk.asked_by)
    desk.add(totals, "answer_ask_ratio", np.arange(len(wait)), 0, 1, by=desk.asked_by)


def _count_buyers(totals: Totals, desk: Desk, script: Script, served: np.ndarray, fates: dict[str, np.ndarray]) -> None:
    """A buyer on a day, once for each agent asked and once for the shop."""
    q = desk.questions
    key = script.chats.first[q.chat] * (totals.people + 1) + desk.asked_by
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    if not len(starts):
        return
    day_chat, who = script.chats.first[q.chat[order[starts]]], desk.asked_by[order[starts]]
    answered = np.maximum.reduceat(q.wait[order] >= 0, starts)
    for suffix, weighs in (("", served[order]), ("_allday", np.ones(len(order), dtype=bool))):
        longest = np.maximum.reduceat(np.where(weighs, q.wait[order], -1), starts)
        failed = np.maximum.reduceat(weighs & (q.wait[order] < 0), starts)
        rows = np.flatnonzero(np.maximum.reduceat(weighs, starts))
        for name in ("3min", "5min"):
            desk.add(totals, f"reply_{name}_user{suffix}", rows, ~failed & (longest <= LIMITS[name]), by=who)
        desk.add(totals, f"effective_reply_user{suffix}", rows, ~failed & (longest <= ANY_FAIL_S), by=who)
        desk.add(totals, f"slow_users{suffix}", rows, failed | (longest > 180), 0, by=who)
        desk.add(totals, f"asked_users{suffix}", rows, 1, 0, by=who)
        desk.add(totals, f"served_users{suffix}", rows, answered, 0, by=who)
        desk.add(totals, f"buyers_per_day{suffix}", rows, 1, 0, by=who)
        _different(totals, desk, f"buyers_period{suffix}", script.chats.story[day_chat[rows]], who[rows])
    _count_conversions(totals, desk, script, day_chat, who, fates)


def _different(totals: Totals, desk: Desk, key: str, story: np.ndarray, who: np.ndarray) -> None:
    """How many different buyers each had, and on how many buyer-days."""
    person, days = np.unique(who, return_counts=True)
    pairs = np.unique(np.column_stack([who, story]), axis=0)
    totals.put(desk.name, key, desk.month, person, np.unique(pairs[:, 0], return_counts=True)[1], days)


def _count_conversions(
    totals: Totals, desk: Desk, script: Script, day_chat: np.ndarray, who: np.ndarray, fates: dict[str, np.ndarray]
) -> None:
    """What buyers did after asking; `day_chat` is each buyer-day's first chat."""
    everything = np.arange(len(day_chat))
    same_day = fates["same_day"] | (fates["before"] if desk.bit == MANUAL else False)
    for key in ("bought_per_day", "conversion_same_day"):
        desk.add(totals, key, everything, same_day[day_chat], 0, by=who)
    desk.add(totals, "conversion_asked_same_day_user", everything, same_day[day_chat], by=who)
    rows = np.flatnonzero(script.chats.inquiry[day_chat])
    desk.add(totals, "inquiry_users", rows, 1, 0, by=who)
    desk.add(totals, "lost_inquiries", rows, ~fates["paid"][day_chat], 0, by=who)
    for name in ("ordered", "paid", "net"):
        desk.add(totals, f"conversion_{name}_user", rows, fates[name][day_chat], by=who)
        desk.add(totals, f"conversion_asked_{name}_user", everything, fates[name][day_chat], by=who)


def fates_of(script: Script, orders: Orders) -> dict[str, np.ndarray]:
    """For each chat that is a buyer's first of the day: what the buyer did after it."""
    fates = {name: np.zeros(len(script.chats), dtype=bool) for name in ("ordered", "paid", "net", "same_day", "before")}
    kept = ~_sent_back(orders)
    credited, paid = orders.seller != NOBODY, orders.paid >= 0
    today = paid & (orders.paid // DAY == script.chats.day[orders.chat]) & (orders.chat >= 0)
    for name, rows in {
        "ordered": credited, "paid": credited & paid, "net": credited & paid & kept,
        "same_day": today & ~orders.before, "before": today & orders.before,
    }.items():  # fmt: skip
        fates[name][orders.chat[rows]] = True
    return fates


def _sent_back(orders: Orders) -> np.ndarray:
    """Refunded within the days after which a sale is settled; what comes back later stays sold."""
    return orders.refunded & (orders.refund_done - orders.paid <= NET_DAYS * DAY)


def count_orders(totals: Totals, world: World, orders: Orders) -> None:
    """Add the orders: once for who sold them and once for the shop, the same under every set."""
    shop, months = totals.people, world.month_of
    paid_day = np.where(orders.paid >= 0, orders.paid, orders.created) // DAY
    made, day = months[orders.created // DAY], months[paid_day]
    paid, credited, yuan = orders.paid >= 0, orders.seller != NOBODY, orders.amount / 100
    first_paid = _first(orders.story, paid_day, paid & credited)
    first_made = _first(orders.story, orders.created // DAY, credited, paid)
    unpaid_closed = (orders.closed >= 0) & ~paid
    returned = _sent_back(orders)
    kept = np.where(returned, 0, yuan)
    sold = credited & paid
    whole = np.full(len(orders), shop)
    for name in SETS:
        for who in (orders.seller, whole):
            for key, month, rows, numerator, denominator in (
                ("order_value_yuan", day, sold, yuan, first_paid),
                ("items_per_buyer", day, sold, orders.quantity, first_paid),
                ("sales_yuan_per_day", day, sold, yuan, 0),
                ("sales_yuan", day, sold, yuan, 0),
                ("net_sales_yuan", day, sold, kept, 0),
                ("agent_refund_share", day, sold, returned, 1),
                ("orders_per_day", day, sold, 1, 0),
                ("order_loss_share", made, credited, unpaid_closed, 1),
                ("payment_share", made, credited & first_made, paid, 1),
            ):
                cut = [v[rows] if isinstance(v, np.ndarray) else v for v in (numerator, denominator)]
                totals.add(name, key, month[rows], who[rows], *cut)
        for key, which in (("silent_share", ~credited), ("agent_sales_share", credited)):
            totals.add(name, key, day[paid], whole[paid], np.where(which, yuan, 0)[paid], yuan[paid])
    _count_repurchases(totals, world, orders, paid_day)


def _count_repurchases(totals: Totals, world: World, orders: Orders, day: np.ndarray) -> None:
    """Buyers who bought again on a later day: for the shop all who paid, for an agent those whose order they earned."""
    paid = orders.paid >= 0
    told = paid & (day + REPURCHASE_DAYS <= orders.created.max() // DAY)
    purchases = np.unique(np.column_stack([orders.story, day])[paid], axis=0)
    buyer, next_buyer = purchases[:-1, 0], purchases[1:, 0]
    soon = (buyer == next_buyer) & (np.diff(purchases[:, 1]) <= REPURCHASE_DAYS)
    again = {(story, on) for story, on in purchases[:-1][soon].tolist()}
    came_back = np.array([pair in again for pair in zip(orders.story.tolist(), day.tolist(), strict=True)], dtype=bool)
    shop = np.full(len(orders), totals.people)
    for who, buys in ((shop, told), (orders.seller, told & (orders.seller != NOBODY))):
        rows = np.flatnonzero(_first(orders.story, day, buys))
        for name in SETS:
            totals.add(name, "repurchase_share", world.month_of[day[rows]], who[rows], came_back[rows], 1)


def _first(story: np.ndarray, day: np.ndarray, among: np.ndarray, best: np.ndarray | None = None) -> np.ndarray:
    """True on one row of each buyer and day, of those in `among`; one of `best` if there is any."""
    rows = np.flatnonzero(among)
    preferred = np.zeros(len(rows)) if best is None else ~best[rows]
    rows = rows[np.lexsort((preferred, day[rows], story[rows]))]
    key = story[rows] * 100_000 + day[rows]
    flag = np.zeros(len(story), dtype=bool)
    flag[rows[np.flatnonzero(np.diff(key, prepend=-1))]] = True
    return flag


def count_words(totals: Totals, script: Script, rows: Messages, month: int) -> None:
    """Add what people wrote: smiles, replies; and note who was at work on which day."""
    human = rows.take(np.flatnonzero((rows.sender == SENDER["human"]) & (rows.kind != KIND["transfer"])))
    day, assisted = human.time // DAY, rows.sender == SENDER["assist"]
    own = script.chats.kind[human.chat] != Kind.COLLEAGUE
    spoken = np.isin(human.kind, [KIND["text"], KIND["card"], KIND["sticker"]]) & own
    totals.wrote[day, human.account] = True
    totals.replied[day[spoken], human.account[spoken]] = True
    totals.assisted[rows.time[assisted] // DAY, rows.account[assisted]] = True
    totals.covered[rows.time // DAY] = True
    for name in SETS:
        for who in (human.account[spoken], np.full(spoken.sum(), totals.people)):
            totals.add(name, "emoji_share", month, who, human.emoji[spoken], 1)
            totals.add(name, "answer_ask_ratio", month, who, 1, 0)


def count_days(totals: Totals, world: World) -> None:
    """Add the denominators in days worked and hours on shift, and how many people were online."""
    people, covered = slice(totals.people), totals.covered[:, None]
    on_shift = (world.duty > 0) & covered
    worked = on_shift | (totals.wrote[:, people] & covered)
    day, person = (axis.ravel() for axis in np.indices(worked.shape))
    shop = np.full(len(person), totals.people)
    for name, bit in SETS.items():
        for who in (person, shop):
            for key in PER_DAY:
                totals.add(name, key, world.month_of[day], who, 0, worked.ravel())
            for key in PER_HOUR:
                totals.add(name, key, world.month_of[day], who, 0, on_shift.ravel() * SHIFT_H)
        answered = totals.replied | (totals.assisted if bit == TAOBAO else False)
        online = answered[:, people].sum(1)
        totals.add(name, "agents_online", world.month_of, shop[: world.days], online, totals.covered)
