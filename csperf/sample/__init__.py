"""A made-up shop with known truth, in the platforms' own messy export formats.

`make` writes a folder that csperf loads like a real shop's, and truth.json with what every metric must come to.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import numpy as np

from . import files, orders, script, stories, truth, world
from .exports import Written
from .messages import KIND, Messages, lines
from .settings import params_text
from .words import Words

__all__ = ["SampleReport", "make"]

MESSY_UP_TO = 200_000  # messages; above it the files are Parquet
MESSAGES_PER_CHAT = 7.15
UNTIL = date(2026, 11, 1)
BENCHMARKED = ("reply_3min_turn", "mean_wait_turn_s", "conversion_paid_user", "order_value_yuan", "items_per_buyer", "first_reply_s")


@dataclass(frozen=True)
class SampleReport:
    """What was written: the folder, its params file, and how much of everything."""

    folder: Path
    params: Path
    truth: Path
    first_day: date
    last_day: date
    agents: int
    messages: int
    chats: int
    orders: int
    files: dict[str, int]


def make(
    folder: str | Path, *, months: int = 12, agents: int = 16, messages: int = MESSY_UP_TO, seed: int = 1, until: date | None = None
) -> SampleReport:
    """Write the exports of a made-up shop, params.yaml and truth.json into `folder`; returns what was written.

    `months` whole months that end before `until` (default 2026-11-01, so that the same seed gives the same bytes),
    about `messages` messages: up to 200,000 in messy files, above as Parquet. ValueError for a shop too small to be one.
    """
    _checked(months, agents, messages)
    rng = np.random.default_rng(seed)
    shop = world.build(rng, months, agents, until or UNTIL)
    plot, chats = stories.tell(rng, shop, int(messages / MESSAGES_PER_CHAT))
    play = script.write(rng, shop, chats)
    play.buyers, play.strangers = stories.names(plot), len(plot.outcome)
    words = Words(rng, shop, chats.presale)
    sold = orders.order(rng, shop, plot, play)
    written = Written(Path(folder))
    written.folder.mkdir(parents=True, exist_ok=True)
    bulk = messages > MESSY_UP_TO
    totals, at_work, count, invited = _chats(rng, shop, play, words, sold, written, bulk)
    truth.count_orders(totals, shop, sold)
    truth.count_days(totals, shop, at_work)
    (files.bulk_orders if bulk else files.write_orders)(written, shop, play, sold)
    files.write_people(written, shop)
    files.write_service(written, rng, shop, play, words, sold, invited)
    files.write_benchmarks(written, shop, _own(totals, shop))
    params = written.folder / "params.yaml"
    params.write_text(params_text(".", bulk), encoding="utf-8")
    book = written.folder / "truth.json"
    known = {"seed": seed, "messages": count, "chats": int(play.seen.sum()), "orders": len(sold)}
    book.write_text(_dump(known, shop, totals, at_work, written), encoding="utf-8")
    sizes = {name: counts["rows"] for name, counts in written.files.items()}
    last = shop.date_of(shop.days - 1)
    return SampleReport(written.folder, params, book, shop.first, last, agents, count, known["chats"], len(sold), sizes)


def _checked(months: int, agents: int, messages: int) -> None:
    if months < 1 or agents < 4 or messages < 500:
        raise ValueError(f"months={months}, agents={agents}, messages={messages}: at least 1 month, 4 agents, 500 messages")


def _chats(rng, shop, play, words, sold, written, bulk: bool):
    """Write and count the chats, month by month, so that memory stays small."""
    people = len(shop.agents)
    totals = truth.Totals(len(shop.months), people)
    at_work = truth.AtWork.nobody(shop.days, people + 2)
    fates, coded = truth.fates_of(play, sold), _coded(play, words)
    month_of_chat, next_id, invited = shop.month_of[play.chats.day], 1, []
    for month in range(len(shop.months)):
        chats = (month_of_chat == month) & play.seen
        rows = lines(rng, shop, words, play, chats, bool(stories.text_month(np.array(month))) and not bulk)
        (files.bulk_chats if bulk else files.write_chats)(written, shop, play, words, month, rows, next_id)
        truth.count_month(totals, shop, play, month, chats, coded, fates)
        truth.count_words(totals, shop, play, words, rows, month, at_work)
        asked = np.flatnonzero(rows.kind == KIND["rating_invite"])
        invited.append((rows.chat[asked], rows.time[asked]))
        next_id += len(rows)
    both = tuple(np.concatenate(c) for c in zip(*invited, strict=True))
    return totals, at_work, next_id - 1, both


def _coded(play: script.Script, words: Words) -> np.ndarray:
    """By chat: whether it closes with a code that is a leaf of the category tree."""
    closes = np.zeros(len(play.chats), dtype=bool)
    closes[play.turns.chat[play.turns.code >= 0]] = True
    return closes & words.coded


def _own(totals: truth.Totals, shop: world.World) -> dict[str, dict[str, float]]:
    """What the shop's own backend would show, by key and month, where there is anything to show."""
    own: dict[str, dict[str, float]] = {}
    for key in BENCHMARKED:
        cells = totals.sums["taobao"][key][:, -1]
        own[key] = {m: n / d for m, (n, d) in zip(shop.months, cells.tolist(), strict=True) if d}
    return own


NOTES = {
    "values": "set -> key -> agent_id or 'shop' -> month -> [numerator, denominator] in the key's unit; null where it is a plain total",
    "ranks": "set -> key -> agent_id or 'shop' -> month -> [value, n]",
    "left_out": {
        "handle_active_min": "needs every agent's open chats at each moment",
        "douyin, jd": "not kept",
        "buyers_period": "not kept",
        "conversion_grouped_user": "Taobao orders have no groups",
    },
}
PLAIN_TOTALS = (
    "slow_users", "slow_users_allday", "asked_users", "asked_users_allday", "served_users", "served_users_allday",
    "inquiry_users", "lost_inquiries", "sales_yuan", "net_sales_yuan",
)  # fmt: skip


def _dump(known: dict, shop: world.World, totals: truth.Totals, at_work: truth.AtWork, written: Written) -> str:
    covered = [f"{shop.date_of(d)}" for d in np.flatnonzero(~at_work.covered)]
    whole = known | {
        "first_day": f"{shop.first}", "last_day": f"{shop.date_of(shop.days - 1)}", "missing_day": f"{shop.date_of(shop.missing)}",
        "days_without_messages": covered, "notes": NOTES, "files": written.files, "people": _people(shop),
        "month_shock": {m: round(float(s), 6) for m, s in zip(shop.months, shop.shock, strict=True)},
        "values": {name: _cells(shop, sums, _pair) for name, sums in totals.sums.items()},
        "ranks": {name: _cells(shop, ranks, lambda key, pair: pair) for name, ranks in totals.ranks.items()},
    }  # fmt: skip
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _pair(key: str, pair: list[float]) -> list[float | None] | None:
    if key in PLAIN_TOTALS:
        return [pair[0], None] if pair[0] else None
    return list(pair) if any(pair) else None


def _cells(shop: world.World, tables: dict[str, np.ndarray], shown) -> dict:
    names = [*(a.agent_id for a in shop.agents), "shop"]
    whole: dict = {}
    for key, cells in tables.items():
        rounded = np.round(cells, 6).tolist()
        for i, who in enumerate(names):
            months = {m: shown(key, rounded[k][i]) for k, m in enumerate(shop.months) if rounded[k][i][1] == rounded[k][i][1]}
            whole.setdefault(key, {})[who] = {m: pair for m, pair in months.items() if pair is not None}
    return whole


def _people(shop: world.World) -> list[dict]:
    """The roster with what nobody can see: skill, and the true 30-second rate of each month."""
    rows = []
    for i, agent in enumerate(shop.agents):
        days = {k: f"{shop.date_of(v)}" if v is not None else None for k, v in asdict(agent).items() if k in ("promoted", "started", "ended")}
        hidden = {"skill": round(agent.skill, 6), "rate": dict(zip(shop.months, np.round(shop.rate[:, i], 6).tolist(), strict=True))}
        rows.append(asdict(agent) | days | hidden)
    return rows
