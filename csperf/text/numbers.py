"""How a number is written: one place that knows what each unit looks like in both languages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import date

from . import say

MISSING = "–"
DECIMALS = {"share": 1, "ratio": 1, "seconds": 1, "minutes": 1, "hours": 1, "yuan": 1, "points": 1, "count": 1}
PERCENT = ("share", "ratio")


def number(value: float | None, unit: str) -> str:
    """The figure alone: 0.812 as 81.2% for shares, thousands separated, at most one decimal; "–" for null.

    Counts and yuan from 1,000 on lose the decimal, whole counts never have one.
    """
    if value is None or not math.isfinite(value):
        return MISSING
    if unit in PERCENT:
        return f"{100 * value:,.{DECIMALS[unit]}f}%"
    whole = unit == "count" and float(value).is_integer()
    return f"{value:,.{0 if whole or abs(value) >= 1000 else DECIMALS[unit]}f}"


def aligned(values: Iterable[float | None], unit: str) -> list[str]:
    """The figures of one column: where one of its counts has a decimal, all below 1,000 have."""
    every = [math.nan if value is None else float(value) for value in values]
    figures = [number(value, unit) for value in every]
    if unit != "count" or not any("." in figure for figure in figures):
        return figures
    return [f"{value:.1f}" if abs(value) < 1000 else said for value, said in zip(every, figures, strict=True)]


def quantity(value: float | None, unit: str, lang: str) -> str:
    """The figure with its unit's word, as a sentence says it: 46.2秒, 81.2%, 86.9元, 46.2 s."""
    return quantities([value], unit, lang)[0]


def quantities(values: Iterable[float | None], unit: str, lang: str) -> list[str]:
    """The figures side by side, each with its unit's word and as many decimals as the others."""
    word = say(f"report.unit_{unit}", lang)
    return [figure if figure == MISSING else figure + word for figure in aligned(values, unit)]


def difference(value: float | None, unit: str, lang: str) -> str:
    """A signed gap between two values, no sign where it rounds to 0; between shares in percentage points (个点)."""
    if value is None or not math.isfinite(value):
        return MISSING
    if unit in PERCENT:
        said = f"{100 * abs(value):.1f}{say('report.unit_percentage_points', lang)}"
    else:
        said = quantity(abs(value), unit, lang)
    rounds_to_0 = not any(digit in said for digit in "123456789")
    return said if rounds_to_0 else ("-" if value < 0 else "+") + said


def labelled(label: str, unit: str, lang: str) -> str:
    """A column's or axis' heading: the label, with the unit in brackets where the figures do not show it."""
    word = say(f"report.heading_{unit}", lang)
    key = "report.heading_after_bracket" if label.endswith((")", "）")) else "report.heading"
    return say(key, lang, label=label, unit=word) if word else label


def day_words(day: date, lang: str) -> str:
    """10月3日, or 3 Oct."""
    return say("report.day", lang, month=day.month, day=day.day, name=_month_name(day.month))


def days_words(days: Sequence[date], lang: str) -> list[str]:
    """Each day as day_words has it; with its year, 2026年10月3日 or 3 Oct 2026, where they are of several."""
    said = [day_words(day, lang) for day in days]
    if len({day.year for day in days}) <= 1:
        return said
    return [say("report.day_of_year", lang, year=d.year, day=words) for d, words in zip(days, said, strict=True)]


def month_words(month: str, lang: str) -> str:
    """2026年10月, or Oct 2026, from 2026-10."""
    year, number_ = month.split("-")
    return say("report.month", lang, year=year, month=int(number_), name=_month_name(int(number_)))


def _month_name(month: int) -> str:
    return ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[month - 1]
