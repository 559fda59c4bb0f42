"""Cells of a backend's table as figures: what a column's percent signs, units and words of time come to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .columns import NOTHING
from .decode import normalised

PENDING = ("延迟统计",)  # the backend has not worked it out yet
PERCENT_ABOVE = 1.5  # the largest share a column may hold that is not in percent: rates of 103 % do occur
SECONDS = {"seconds": 1.0, "minutes": 60.0, "hours": 3600.0}
UNIT_IN_BRACKETS = {
    **dict.fromkeys(("秒", "s", "seconds"), "seconds"),
    **dict.fromkeys(("分钟", "分", "min", "minutes"), "minutes"),
    **dict.fromkeys(("时", "小时", "h", "hours"), "hours"),
}
SPOKEN_UNITS = {
    **dict.fromkeys(("d", "day", "days", "天", "日"), 86400.0),
    **dict.fromkeys(("h", "hr", "hour", "hours", "小时", "时"), 3600.0),
    **dict.fromkeys(("m", "min", "mins", "minute", "minutes", "分钟", "分"), 60.0),
    **dict.fromkeys(("s", "sec", "secs", "second", "seconds", "秒"), 1.0),
}
BRACKETS = re.compile(r"\(([^()]+)\)$")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
DECORATION = re.compile(r"[,，\s元¥￥%]")
PART_OF_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+|[\u4e00-\u9fff]+)")
CLOCK = re.compile(r"(\d+):([0-5]?\d):([0-5]?\d(?:\.\d+)?)")


@dataclass(frozen=True)
class Scale:
    """How the figures of one column are to be read: divided by 100 where it is in percent, and the unit of times."""

    kind: str
    percent: bool = False
    unit: str = "seconds"

    def read(self, text: str) -> float | None:
        """The figure of a cell, seconds where it is a time; null where it tells none."""
        if self.kind == "time":
            return _duration(text, SECONDS[self.unit])
        figure = number(text)
        return figure / 100 if self.percent and figure is not None else figure

    def half_a_digit(self, text: str) -> float:
        """Half the last digit that the cell shows: how far its value may be rounded."""
        decimals = len(DECORATION.sub("", text).partition(".")[2])
        return 0.5 * 10.0**-decimals / (100 if self.percent else 1)


def scale_of(texts: Iterable[str], kind: str, heading: str, unit: str) -> Scale:
    """How a column is to be read, decided once for all of its cells: a % sign in any of them means percent.

    Without one the largest value of a share decides; of anything else the cells are what they say. The unit of times
    stands in the heading's brackets, else it is `unit`.
    """
    filled = [text for text in texts if said(text)]
    percent = any("%" in text for text in filled)
    if kind == "share" and not percent:
        percent = max((figure for text in filled if (figure := number(text)) is not None), default=0) > PERCENT_ABOVE
    named = BRACKETS.search(normalised(heading))
    return Scale(kind, percent, UNIT_IN_BRACKETS.get(named[1].casefold() if named else "", unit or "seconds"))


def said(text: str) -> bool:
    """Whether a cell says anything: `-`, blanks and what is still being worked out do not."""
    return text.casefold() not in NOTHING and text not in PENDING


def number(text: str) -> float | None:
    """The number in a cell with thousands commas, currency and percent signs; null where it is none."""
    plain = DECORATION.sub("", text)
    return float(plain) if NUMBER.fullmatch(plain) else None


def _duration(text: str, unit: float) -> float | None:
    """Seconds: a bare number in the column's unit, 1:02:03, or words such as `2 minutes 5 seconds` and 1分20秒."""
    figure = number(text)
    if figure is not None:
        return figure * unit
    if clock := CLOCK.fullmatch(text.strip()):
        hours, minutes, seconds = map(float, clock.groups())
        return hours * 3600 + minutes * 60 + seconds
    return _in_words(PART_OF_TIME.findall(text.casefold()), PART_OF_TIME.sub("", text.casefold()))


def _in_words(parts: Sequence[tuple[str, str]], rest: str) -> float | None:
    if not parts or rest.strip(" ,") or any(unit not in SPOKEN_UNITS for _n, unit in parts):
        return None
    return sum(float(n) * SPOKEN_UNITS[unit] for n, unit in parts)
