"""Every metric csperf knows, by key. An entry stands in the file of the question it answers, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from ..errors import CsperfError, Problem
from ..metric import Entry, Metric, Told
from ..text import say, ui_language
from . import aftersale, backend, calls, plans, quality, sales, service, speed

FILES = (speed, service, sales, aftersale, quality, calls, plans, backend)  # in the order in which values are shown
ENTRIES: dict[str, Entry] = {entry.key: entry for question in FILES for entry in question.ENTRIES}
QUESTIONS = {entry.key: question.__name__.rpartition(".")[2] for question in FILES for entry in question.ENTRIES}
PRESETS = {
    # S1-62: the six simple metrics of the textbook for small shops.
    "small_shop": (
        *("sales_yuan", "orders_per_day", "conversion_ordered_user", "order_loss_share", "mean_wait_turn_s"),
        "unanswered_sessions_per_day",
    ),
    # S1-26: what to look at while a product is new, over its days or in its own category.
    "new_product": ("asked_users", "sessions_per_day", "resolved_share", "conversion_paid_user"),
}
TOTALS = tuple(
    key
    for key, e in ENTRIES.items()
    if (isinstance(e, Metric) and e.denominator is None) or (isinstance(e, Told) and e.kind == "count")
)


def entry(key: str) -> Entry:
    """The entry with this key; CsperfError names the nearest keys where there is none."""
    return entries([key])[0]


def entries(keys: list[str] | tuple[str, ...]) -> list[Entry]:
    """The entries with these keys, in this order; CsperfError names every key that does not exist."""
    if problems := [Problem(key, _unknown(key)) for key in keys if key not in ENTRIES]:
        raise CsperfError(problems)
    return [ENTRIES[key] for key in keys]


def keys_of(names: Iterable[str]) -> list[str]:
    """The keys that are meant: a preset's name stands for its keys."""
    return list(dict.fromkeys(key for name in names for key in PRESETS.get(name, (name,))))


def called(key: str) -> str:
    """The metric's name in the language of messages with its key, for those whose file has either; else the word."""
    return f"{ENTRIES[key].name(ui_language())} ({key})" if key in ENTRIES else key


def _unknown(key: str) -> str:
    close = get_close_matches(key, ENTRIES, n=3)
    if not close:
        return say("catalogue.unknown_metric", key=key)
    return say("catalogue.did_you_mean", key=key, close=", ".join(close))
