"""Service hours: how long the shop was open between two moments, and when a promise falls due.

Windows are what the clock on the wall shows in an IANA zone; all arithmetic is on integer UTC microseconds,
so that daylight saving costs or gives the hour it really does. A time the clocks jump over is the moment of the
jump; a time they show twice is the first of the two.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from bisect import bisect_left, bisect_right
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from itertools import accumulate, chain, pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays as library
import pandas as pd
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

Interval = tuple[int, int]  # half-open
Moments = Iterable[tuple[datetime, datetime]]
Week = Mapping[str, Iterable[tuple[str, str]]]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ROUND_THE_CLOCK = (("00:00", "24:00"),)
CHINA = "CN"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
DAY_S = 86_400
LAST_HOUR = 24
SECOND_US = 1_000_000
SEARCH_DAYS = 3_660  # a deadline further off than ten years is a mistake in the hours

FAULTS = {  # the English of text/hours.yaml, which lies too far up to be imported; a test keeps the two equal
    "zone": '"{found}" is no time zone; write an IANA name, e.g. Asia/Shanghai',
    "naive": "{found} has no time zone; give an aware datetime, or a wait could be hours off",
    "backwards": "{end} is before {start}; the start comes first",
    "negative": "{found} seconds cannot be added; a deadline lies ahead",
    "never": "no open second in the ten years after {start}; look at the weekly hours and the holidays",
    "weekday": '"{found}" is no weekday{hint}; write mon, tue, wed, thu, fri, sat or sun',
    "clock": '"{found}" is no time of day; write "HH:MM" from "00:00" to "24:00"',
    "unquoted": '{found} is a number, no time of day; write hours and minutes in quotes, e.g. "{clock}"',
    "late_opening": '"{found}" can only close a day; an opening at midnight is "00:00" of the next day',
    "empty_window": 'opens and closes at {found}; round the clock is ["00:00", "24:00"]',
    "order": "{later} stands before {earlier}; write the windows of a day in order",
    "overlap": "{first} and {second} overlap; make one window of them",
    "closed": "every day is closed; leave `week` out for round the clock, or write when the shop is open",
    "holiday": '"{found}" is no holiday; write dates as YYYY-MM-DD, or CN for the Chinese public holidays',
    "no_schedule": "no schedule at all; give one, or leave the hours out for round the clock",
    "zones": "schedules of one plan lie in different zones ({found}); a shop has one",
    "twice": "two schedules start on {found}; keep one, or give the other its own valid_from",
}


def _fault(name: str, **slots: object) -> PydanticCustomError:
    """A ValueError whose type `hours.<name>` and context fill the sentence of text/hours.yaml in any language."""
    return PydanticCustomError(f"hours.{name}", FAULTS[name], {k: str(v) for k, v in slots.items()})


class Hours(ABC):
    """Working-time arithmetic; when the doors open is said by ServiceHours and HoursPlan."""

    def __init__(self, zone: ZoneInfo) -> None:
        self.zone = zone

    @abstractmethod
    def shifts(self, day: date) -> Sequence[Interval]:
        """Windows that open on the local day: seconds on the wall after its midnight, over 86,400 = the next day."""

    def on(self, day: date) -> list[Interval]:
        """Open windows of a local day in UTC microseconds, merged, cut at its midnights.

        What is left after midnight of a window of the day before belongs to this day.
        """
        start, stop = self.midnight(day), self.midnight(day + ONE_DAY)
        opened = ((begun, *shift) for begun in (day - ONE_DAY, day) for shift in self.shifts(begun))
        instants = ((self._instant(begun, o), self._instant(begun, c)) for begun, o, c in opened)
        return _merged((max(o, start), min(c, stop)) for o, c in instants)

    def seconds(self, start: datetime, end: datetime, pauses: Moments = ()) -> int:
        """Working seconds from start to end, pauses left out; overlapping pauses count once.

        Parts of a second in any of the times are ignored, so that seconds add up over a split.
        ValueError for a time without zone and for an end before its start.
        """
        lo, hi = _span(start, end)
        windows = chain.from_iterable(map(self.on, self._days(lo, hi)))
        pieces = _without(((max(o, lo), min(c, hi)) for o, c in windows), _merged(_span(*p) for p in pauses))
        return sum(c - o for o, c in pieces) // SECOND_US

    def add(self, start: datetime, seconds: float, pauses: Moments = ()) -> datetime:
        """The moment by which so many working seconds have passed, in the zone of `start`: the deadline.

        A deadline at closing time is closing time, not the next opening. ValueError for a time without zone,
        negative seconds, or hours that never open.
        """
        if seconds < 0:
            raise _fault("negative", found=seconds)
        due, left = _us(start), round(seconds * SECOND_US)
        for o, c in self._pieces_after(due, pauses) if left else ():
            if c - o >= left:
                due = o + left
                break
            left -= c - o
        else:
            if left:
                raise _fault("never", start=start)
        return (EPOCH + timedelta(microseconds=due)).astimezone(start.tzinfo)

    def calendar(self, first_day: date, last_day: date) -> pd.DataFrame:
        """One row per local day, both ends included, for engines that know no time zones.

        `day`; `midnight_us`, the next local midnight; `cum_us`, open microseconds of the frame's days before it;
        `open_1_us, close_1_us, open_2_us, ...`, the windows of `on`, null where a day has fewer.
        """
        days = [first_day + timedelta(days=n) for n in range((last_day - first_day).days + 1)]
        windows = [self.on(day) for day in days]
        before = accumulate((sum(c - o for o, c in day) for day in windows), initial=0)
        columns: dict[str, object] = {
            "day": days,
            "midnight_us": pd.array([self.midnight(day + ONE_DAY) for day in days], dtype="int64"),
            "cum_us": pd.array([cum for cum, _ in zip(before, days, strict=False)], dtype="int64"),
        }
        for k in range(max(map(len, windows), default=0) or 1):
            for end, name in enumerate(("open", "close")):
                cells = [day[k][end] if k < len(day) else None for day in windows]
                columns[f"{name}_{k + 1}_us"] = pd.array(cells, dtype="Int64")
        return pd.DataFrame(columns)

    def midnight(self, day: date) -> int:
        """UTC microseconds at which the local day begins."""
        return self._instant(day, 0)

    def _instant(self, day: date, wall_s: int) -> int:
        wall = datetime.combine(day, datetime.min.time()) + timedelta(seconds=wall_s)
        first, second = (_us(wall.replace(tzinfo=self.zone, fold=fold)) for fold in (0, 1))
        if first <= second:
            return first
        # The clocks jump over this time: find the jump, where the later of the two offsets begins.
        offset = wall.replace(tzinfo=self.zone, fold=1).utcoffset()
        steps = range(second, first, SECOND_US)
        return second + bisect_left(steps, True, key=lambda us: self._local(us).utcoffset() == offset) * SECOND_US

    def _local(self, us: int) -> datetime:
        return (EPOCH + timedelta(microseconds=us)).astimezone(self.zone)

    def _days(self, lo: int, hi: int) -> Iterator[date]:
        first, last = self._local(lo).date(), self._local(hi).date()
        return (first + timedelta(days=n) for n in range((last - first).days + 1))

    def _pieces_after(self, lo: int, pauses: Moments) -> Iterator[Interval]:
        windows = chain.from_iterable(map(self.on, self._days(lo, lo + SEARCH_DAYS * DAY_S * SECOND_US)))
        return _without(((max(o, lo), c) for o, c in windows), _merged(_span(*p) for p in pauses))


class ServiceHours(Hours):
    """Weekly windows of wall-clock times in one zone; no week at all is round the clock, never zero.

    `week` maps mon..sun to (open, close) pairs; a close at or before its open lies on the next day; a weekday
    left out is closed. A holiday shuts the windows that open on it, not what is left of the night before; make-up
    working days at weekends (调休) keep the weekend's hours. `holidays` are dates, "CN", or a python-holidays
    object. `valid_from` only matters in a HoursPlan. ValueError for hours that cannot be.
    """

    def __init__(
        self,
        tz: str | ZoneInfo,
        week: Week | None = None,
        holidays: Iterable[date | str] | Mapping[date, str] = (),
        valid_from: date | None = None,
    ) -> None:
        super().__init__(_zone(tz))
        self.valid_from = valid_from
        self._closed = _calendars(holidays)
        given = week or dict.fromkeys(WEEKDAYS, ROUND_THE_CLOCK)
        self._week = {_weekday(name): tuple(_window_s(*pair) for pair in pairs) for name, pairs in given.items()}
        if not any(self._week.values()):
            raise _fault("closed")

    def shifts(self, day: date) -> Sequence[Interval]:
        """Windows of the weekday; none on a holiday."""
        if any(day in calendar for calendar in self._closed):
            return ()
        return self._week.get(WEEKDAYS[day.weekday()], ())


class HoursPlan(Hours):
    """Several ServiceHours of one zone, each from its `valid_from` (a local day) until the next one's.

    A window belongs to the day it opens on, so the last night of a schedule runs to its end. Days before the
    first schedule have the first one's hours.
    """

    def __init__(self, schedules: Iterable[ServiceHours]) -> None:
        self.schedules = sorted(schedules, key=_begins)
        if not self.schedules:
            raise _fault("no_schedule")
        zones = dict.fromkeys(s.zone.key for s in self.schedules)
        if len(zones) > 1:
            raise _fault("zones", found=", ".join(zones))
        self._starts = [_begins(s) for s in self.schedules]
        for earlier, later in pairwise(self._starts):
            if earlier == later:
                raise _fault("twice", found=later)
        super().__init__(self.schedules[0].zone)

    def shifts(self, day: date) -> Sequence[Interval]:
        """Windows of the schedule in force on the day."""
        return self.schedules[max(bisect_right(self._starts, day) - 1, 0)].shifts(day)


def daily(tz: str | ZoneInfo, opens: str, closes: str) -> ServiceHours:
    """The same window every day of the year: a platform's hours."""
    return ServiceHours(tz, dict.fromkeys(WEEKDAYS, ((opens, closes),)))


def chinese_holidays(years: Iterable[int]) -> frozenset[date]:
    """Days off work in China: public holidays, days off in exchange, and the weekends that adjoin them.

    These are the ranges the State Council announces; a year not announced yet has its statutory days only.
    """
    return frozenset(chain.from_iterable(map(_chinese_year, years)))


@cache
def _chinese_year(year: int) -> frozenset[date]:
    calendar = library.country_holidays(CHINA, years=range(year - 1, year + 2))
    off = set(calendar)
    for _ in range(2):  # twice: from a Friday to the Sunday
        neighbours = {day + step for day in off for step in (ONE_DAY, -ONE_DAY)}
        off |= {d for d in neighbours if d.weekday() >= 5 and d not in calendar.weekend_workdays}
    return frozenset(day for day in off if day.year == year)


def working_day(after: date, days: int) -> date:
    """The day on which so many Chinese working days have passed since `after`, which is not counted itself.

    Weekends worked in exchange for a holiday (调休) are working days.
    """
    calendar = library.country_holidays(CHINA, years=range(after.year, after.year + 2))
    return calendar.get_nth_working_day(after, days)


class _ChineseCalendar:
    """Every year's days off, worked out when first asked for."""

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and day in _chinese_year(day.year)


# What people type -------------------------------------------------------------------------------------------------


def _weekday(name: str) -> str:
    if name in WEEKDAYS:
        return name
    near = get_close_matches(str(name).lower()[:3], WEEKDAYS, n=1)
    raise _fault("weekday", found=name, hint=f" ({near[0]}?)" if near else "")


def _clock(clock: object) -> object:
    if isinstance(clock, int):
        raise _fault("unquoted", found=clock, clock=_meant(clock))
    _clock_s(str(clock))
    return clock


def _meant(number: int) -> str:
    """The time of day of a number: 9 is an hour, 930 a clock without its colon, 1380 what YAML makes of 23:00."""
    hour, minute = divmod(number if number > LAST_HOUR else number * 100, 100)
    if hour > LAST_HOUR or minute >= 60:
        hour, minute = divmod(number, 60)
    return f"{hour % 25:02}:{minute:02}"


def _clock_s(clock: str) -> int:
    match = re.fullmatch(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?", clock, re.ASCII)
    hour, minute, second = (int(part or 0) for part in match.groups()) if match else (99, 0, 0)
    if (seconds := hour * 3600 + minute * 60 + second) > DAY_S:
        raise _fault("clock", found=clock)
    return seconds


def _window_s(opens: str, closes: str) -> Interval:
    opening, closing = _clock_s(opens), _clock_s(closes)
    if opening == DAY_S:
        raise _fault("late_opening", found=opens)
    if opening == closing:
        raise _fault("empty_window", found=opens)
    return opening, closing if closing > opening else closing + DAY_S


def _window(pair: tuple[str, str]) -> tuple[str, str]:
    _window_s(*pair)
    return pair


def _in_order(pairs: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    for first, second in pairwise(pairs):
        (opens, closes), (next_opens, _) = _window_s(*first), _window_s(*second)
        if next_opens < opens:
            raise _fault("order", earlier=_span_of(second), later=_span_of(first))
        if next_opens < closes:
            raise _fault("overlap", first=_span_of(first), second=_span_of(second))
    return pairs


def _whole_week(week: dict[str, tuple[tuple[str, str], ...]]) -> dict[str, tuple[tuple[str, str], ...]]:
    if week and not any(week.values()):
        raise _fault("closed")
    for today, tomorrow in zip(WEEKDAYS, WEEKDAYS[1:] + WEEKDAYS[:1], strict=True):
        if not week.get(today) or not week.get(tomorrow):
            continue
        last, first = week[today][-1], week[tomorrow][0]
        if _window_s(*last)[1] - DAY_S > _window_s(*first)[0]:
            raise _fault("overlap", first=f"{today} {_span_of(last)}", second=f"{tomorrow} {_span_of(first)}")
    return week


def _span_of(pair: tuple[str, str]) -> str:
    return "-".join(pair)


def _holiday(day: object) -> date | str:
    if day == CHINA or (isinstance(day, date) and not isinstance(day, datetime)):
        return day
    try:
        return date.fromisoformat(str(day))
    except ValueError:
        raise _fault("holiday", found=day) from None


def _listed(days: object) -> object:
    return (days,) if isinstance(days, str | date) else days


Pair = tuple[Annotated[str, BeforeValidator(_clock)], Annotated[str, BeforeValidator(_clock)]]
Window = Annotated[Pair, AfterValidator(_window)]
Windows = Annotated[tuple[Window, ...], AfterValidator(_in_order)]
Weekday = Annotated[str, AfterValidator(_weekday)]
Holiday = Annotated[date | Literal["CN"], BeforeValidator(_holiday)]


class HoursSettings(BaseModel):
    """Service hours as typed in a shop's YAML; no week is round the clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    valid_from: date | None = None
    week: Annotated[dict[Weekday, Windows], AfterValidator(_whole_week)] = {}
    holidays: Annotated[tuple[Holiday, ...], BeforeValidator(_listed)] = ()


def plan(tz: str | ZoneInfo, settings: Iterable[HoursSettings]) -> HoursPlan:
    """The shop's dated hours; no settings at all is round the clock."""
    typed = [ServiceHours(tz, s.week, s.holidays, s.valid_from) for s in settings]
    return HoursPlan(typed or [ServiceHours(tz)])


# Intervals --------------------------------------------------------------------------------------------------------


def _zone(tz: str | ZoneInfo) -> ZoneInfo:
    if isinstance(tz, ZoneInfo):
        return tz
    try:
        return ZoneInfo(tz)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder's or an odd file's name is no zone either
        raise _fault("zone", found=tz) from None


def _calendars(days: Iterable[date | str] | Mapping[date, str]) -> tuple[Container[date], ...]:
    if isinstance(days, Mapping):  # python-holidays fills in a year when asked for it
        return (days,)
    listed = {_holiday(day) for day in _listed(days)}  # type: ignore[attr-defined]
    dates = frozenset(day for day in listed if isinstance(day, date))
    return (dates, _ChineseCalendar()) if CHINA in listed else (dates,)


def _begins(schedule: ServiceHours) -> date:
    return schedule.valid_from or date.min


def _us(moment: datetime) -> int:
    """UTC microseconds of the whole second; ValueError without a zone."""
    if moment.utcoffset() is None:
        raise _fault("naive", found=moment)
    return (moment - EPOCH) // timedelta(seconds=1) * SECOND_US


def _span(start: datetime, end: datetime) -> Interval:
    span = _us(start), _us(end)
    if end - EPOCH < start - EPOCH:  # two times of one zone compare by their clocks, which go back in autumn
        raise _fault("backwards", start=start, end=end)
    return span


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for lo, hi in sorted((lo, hi) for lo, hi in intervals if lo < hi):
        if merged and lo <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(hi, merged[-1][1])
        else:
            merged.append((lo, hi))
    return merged


def _without(intervals: Iterable[Interval], holes: Sequence[Interval]) -> Iterator[Interval]:
    for lo, hi in intervals:
        for hole_lo, hole_hi in holes:
            if lo < min(hole_lo, hi):
                yield lo, min(hole_lo, hi)
            lo = max(lo, hole_hi)
        if lo < hi:
            yield lo, hi
