"""A made-up shop with known truth, in the platforms' own messy export formats.

`make` writes a folder that csperf loads like a real shop's, and truth.json with what every metric must come to.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import CsperfError, Problem
from ..text import say
from . import doors, export_chats, export_people, export_registers, export_sales, orders, script, stories, truth, world
from .book import day_values, truth_text
from .exports import Written
from .messages import KIND, lines
from .settings import params_text
from .words import Words

__all__ = ["DOORS", "PLATFORMS", "SampleReport", "make"]

DOORS = ("chat", "table", "both")
PLATFORMS = tuple(doors.BACKENDS)

MESSY_UP_TO = 200_000  # messages; above it the files are Parquet
LEAST = {"months": 1, "agents": 4, "messages": 500}
MESSAGES_PER_CHAT = 7.45
UNTIL = date(2026, 11, 1)
BENCHMARKED = (
    "reply_3min_turn",
    "mean_wait_turn_s",
    "conversion_paid_user",
    "order_value_yuan",
    "items_per_buyer",
    "first_reply_s",
)


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
    folder: str | Path,
    *,
    months: int = 12,
    agents: int = 16,
    messages: int = MESSY_UP_TO,
    seed: int = 1,
    until: date | None = None,
    door: str = "chat",
    platform: str = PLATFORMS[0],
) -> SampleReport:
    """Write the exports of a made-up shop, params.yaml and truth.json into `folder`; returns what was written.

    `door`, one of DOORS: chats; the table by agent and day and the orders and refunds that the backend of `platform`
    (one of PLATFORMS) exports; or both of the same shop, where the table also tells of the day whose chats are missing.

    `months` whole months that end before `until` (default 2026-11-01, so that the same seed gives the same bytes),
    about `messages` messages: up to 200,000 in messy files, above as Parquet and CSV. What the folder held under
    exports and store is replaced if it was a sample. CsperfError if it was not, and for a shop too small to be one.
    """
    _checked(months, agents, messages)
    rng = np.random.default_rng(seed)
    shop = world.build(rng, months, agents, until or UNTIL)
    play, words, sold = _story(rng, shop, messages)
    written = _emptied(Path(folder), messages > MESSY_UP_TO and door != "table")
    known: dict[str, Any] = {"seed": seed, "messages": 0, "chats": 0, "orders": len(sold)}
    if door != "chat":
        days = doors.count(shop, play, sold, doors.BACKENDS[platform], play.alive if door == "both" else play.seen)
        doors.write(replace(written, bulk=False), shop, play, sold, days, platform)
        known["days"] = day_values(shop, days)
    if door == "table":
        export_people.write_people(written, shop)
        export_registers.write_registers(written, rng, shop, play, sold)
        return _report(written, shop, doors.by_month(days, shop), known, door, platform)
    if door == "chat":
        export_sales.write_orders(written, shop, play, sold)
        export_sales.write_refunds(written, shop, play, sold)
    totals, known["messages"] = _chats(rng, shop, play, words, sold, written)
    return _report(written, shop, totals, known | {"chats": int(play.seen.sum())}, door, platform)


def _story(rng: np.random.Generator, shop: world.World, messages: int) -> tuple[script.Script, Words, orders.Orders]:
    """Who talks to whom and when, in which words, and what is bought."""
    plot, chats = stories.tell(rng, shop, int(messages / MESSAGES_PER_CHAT))
    play = script.write(rng, shop, chats)
    play.buyers, play.strangers = stories.names(plot), len(plot.outcome)
    return play, Words(rng, shop, chats.presale), orders.order(rng, shop, plot, play)


def _checked(months: int, agents: int, messages: int) -> None:
    found = {"months": months, "agents": agents, "messages": messages}
    small = [name for name, least in LEAST.items() if found[name] < least]
    if small:
        problems = [Problem(name, say("sample.too_small", found=found[name], least=LEAST[name])) for name in small]
        raise CsperfError(problems)


def _emptied(folder: Path, bulk: bool) -> Written:
    """The folder without the files of an earlier sample; CsperfError where its exports are no sample."""
    exports = folder / "exports"
    if exports.exists() and any(exports.iterdir()) and not (folder / "truth.json").exists():
        raise CsperfError(Problem(str(folder), say("sample.not_a_sample")))
    for old in (exports, folder / "store"):  # a store of the sample before would mix two shops
        shutil.rmtree(old, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    return Written(folder, bulk)


def _chats(rng, shop, play, words, sold, written) -> tuple[truth.Totals, int]:
    """Write the chats and what goes with them: what they come to, and how many messages there are."""
    totals = truth.Totals.blank(len(shop.months), len(shop.agents), shop.days)
    count, invited = _months_of_chats(rng, shop, play, words, sold, written, totals)
    truth.count_orders(totals, shop, sold)
    truth.count_days(totals, shop)
    export_people.write_people(written, shop)
    complaints = export_people.write_complaints(written, rng, shop, play, words)
    export_people.write_ratings(written, rng, shop, play, words, invited)
    export_registers.write_registers(written, rng, shop, play, sold, complaints)
    export_sales.write_benchmarks(written, shop, _own(totals, shop))
    return totals, count


def _months_of_chats(rng, shop, play, words, sold, written, totals) -> tuple[int, tuple]:
    """Write and count the chats, month by month so that memory stays small; how many messages, and who was invited."""
    fates, coded = truth.fates_of(play, sold), _coded(play, words)
    month_of_chat, next_id, invited = shop.month_of[play.chats.day], 1, []
    for month in range(len(shop.months)):
        chats = (month_of_chat == month) & play.seen
        plain = bool(stories.text_month(np.array(month))) and not written.bulk
        rows = lines(rng, shop, words, play, chats, plain)
        export_chats.write_month(written, shop, play, words, month, rows, next_id)
        truth.count_month(totals, shop, play, month, chats, coded, fates)
        truth.count_words(totals, play, rows, month)
        asked = np.flatnonzero(rows.kind == KIND["rating_invite"])
        invited.append((rows.chat[asked], rows.time[asked]))
        next_id += len(rows)
    return next_id - 1, tuple(np.concatenate(column) for column in zip(*invited, strict=True))


def _report(
    written: Written, shop: world.World, totals: truth.Totals, known: dict[str, Any], door: str, platform: str
) -> SampleReport:
    params, book = written.folder / "params.yaml", written.folder / "truth.json"
    settings = params_text(".", written.bulk, written.files, door=door, platform=platform)
    params.write_text(settings, encoding="utf-8", newline="\n")
    book.write_text(truth_text(known, shop, totals, written.files), encoding="utf-8", newline="\n")
    sizes = {name: counts["rows"] for name, counts in written.files.items()}
    counts = {name: known[name] for name in ("messages", "chats", "orders")}
    return SampleReport(
        written.folder, params, book, shop.first, shop.date_of(shop.days - 1), len(shop.agents), **counts, files=sizes
    )


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
