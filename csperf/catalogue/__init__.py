"""Every metric csperf knows, by key. An entry stands in the file of the question it answers, and nowhere else."""

from __future__ import annotations

from difflib import get_close_matches

from ..errors import CsperfError, Problem
from ..metric import Entry, Metric, Told
from ..text import say
from . import aftersale, backend, calls, plans, quality, sales, service, speed

FILES = (speed, service, sales, aftersale, quality, calls, plans, backend)  # in the order in which values are shown
ENTRIES: dict[str, Entry] = {entry.key: entry for question in FILES for entry in question.ENTRIES}
QUESTIONS = {entry.key: question.__name__.rpartition(".")[2] for question in FILES for entry in question.ENTRIES}
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


def _unknown(key: str) -> str:
    close = get_close_matches(key, ENTRIES, n=3)
    if not close:
        return say("catalogue.unknown_metric", key=key)
    return say("catalogue.did_you_mean", key=key, close=", ".join(close))
