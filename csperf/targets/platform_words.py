"""Which sentence says what a platform's rule means for the shop: a row of `platform.red_lines` in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

import pandas as pd

from ..catalogue import entry
from ..text import say, ui_language
from ..text.numbers import difference, quantity
from .platform import is_broken_low, would_clear
from .words import RedLine, apart, capacity, red_line


def red_line_words(row: Mapping[str, Any], lang: str = "zh") -> str:
    """What one row of `red_lines` says to a supervisor (SENTENCES section 2)."""
    sentence = _sentence(row, entry(row["metric"]).unit, lang)
    if row["usable"]:
        return sentence
    return sentence + ("" if lang == "zh" else " ") + say("sentences.red_line_unverified", lang)


def shop_rows(lines: pd.DataFrame, targets: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A row of the target table for each red line: the shop's level, its floor and yearly risk, and no target.

    The reason says what the rule means, and whether the shop would clear the floor if everyone met the target.
    """
    lang = ui_language()
    for line in lines.to_dict("records"):
        cleared = would_clear(targets, line)
        ending = (
            "" if "CAPACITY" not in line["status"] else capacity(line["floor"], entry(line["metric"]).unit, lang=lang)
        )
        ending += "" if cleared is None else say(f"redline.{'would' if cleared else 'would_not'}_clear", lang)
        yield {
            **{name: line[name] for name in ("metric", "role", "status")},
            **{"better": entry(line["metric"]).better, "grade": "publish" if line["usable"] else "reference"},
            **{"shop_value": line["mean"], "platform_floor": line["floor"], "breach_yearly": line["breach_yearly"]},
            "reason": red_line_words(line, lang) + ending,
        }


def _sentence(row: Mapping[str, Any], unit: str, lang: str) -> str:
    """The one sentence that fits, before what is said of an unverified rule."""
    codes, low = row["status"].split(";"), is_broken_low(row["comparison"], row["metric"])
    slots = {name: quantity(row[name], unit, lang) for name in ("mean", "worst", "threshold")}
    slots |= {"rule": row[f"rule_{lang}"], "days": row["n_days"], "volume": quantity(row["min_volume"], "count", lang)}
    side = "below" if low else "above"
    if "NO_DATA" in codes:
        return say("redline.no_data", lang, **slots)
    if not isfinite(row["threshold"]):
        return _without_line(row, unit, slots, lang)
    if "NEVER_ASSESSED" in codes:
        return say("redline.never_assessed", lang, **slots)
    if (row["mean"] - row["threshold"]) * (1 if low else -1) < 0:
        return say(f"redline.beyond_{side}", lang, **slots)
    if {"NOT_A_SHARE", "NO_N", "NO_WINDOW"} & set(codes):
        return say(f"redline.no_chance_{side}", lang, **slots, gap=apart(row["worst"], row["threshold"], unit, lang))
    if "FLOOR_NO_DAILY" in codes and row["n_breaches"] > 0:
        return say(f"redline.few_days_crossed_{side}", lang, **slots, times=int(row["n_breaches"]))
    return red_line(_as_line(row, unit, low, lang), lang)


def _without_line(row: Mapping[str, Any], unit: str, slots: dict[str, Any], lang: str) -> str:
    if isfinite(row["distance"]):
        return say("sentences.red_line_relative", lang, gap=difference(row["distance"], unit, lang))
    return say("redline.no_line", lang, **slots)


def _as_line(row: Mapping[str, Any], unit: str, low: bool, lang: str) -> RedLine:
    return RedLine(
        rule=row[f"rule_{lang}"],
        unit=unit,
        threshold=row["threshold"],
        mean=row["mean"],
        worst=row["worst"],
        breach=row["breach_yearly"],
        floor=row["floor"],
        days=row["n_days"],
        wanted=row["alpha"],
        below=low,
    )
