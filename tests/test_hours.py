"""Service hours against published cases, against brute force, and against what people type."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays
import ibis
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from csperf import text
from csperf.hours import (
    FAULTS,
    WEEKDAYS,
    HoursPlan,
    HoursSettings,
    ServiceHours,
    chinese_holidays,
    daily,
    plan,
)

ROOT = Path(__file__).resolve().parents[1]
CASES = ROOT.parent / "shared" / "oracles" / "business_hours_cases.csv"


def every_day(*windows: tuple[str, str]) -> dict[str, list[tuple[str, str]]]:
    return {day: list(windows) for day in WEEKDAYS}


OFFICE = {day: [("09:00", "17:00")] for day in WEEKDAYS[:5]}
ZONES = ("Europe/Berlin", "America/Santiago", "Asia/Shanghai", "America/Havana")
WEEKS = (
    None,
    OFFICE,
    every_day(("08:00", "12:00"), ("13:00", "24:00")),
    every_day(("01:30", "02:15"), ("02:45", "04:00"), ("22:00", "01:00")),
    {"sat": [("20:00", "19:00")], "sun": [("21:00", "23:30")]},
)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Published cases ---------------------------------------------------------------------------------------------------


def published() -> list[dict[str, str]]:
    if not CASES.exists():
        return []
    with CASES.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def moment(text: str, zone: str) -> datetime:
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=ZoneInfo(zone))


def schedule(case: dict[str, str]) -> ServiceHours:
    closed = [date.fromisoformat(day) for day in case["holidays"].split(";") if day]
    return ServiceHours(case["schedule_tz"], json.loads(case["weekly_schedule_json"]), closed)


def pauses(case: dict[str, str]) -> list[tuple[datetime, datetime]]:
    zone = case["input_tz"]
    return [(moment(a, zone), moment(b, zone)) for a, b in json.loads(case["pauses_json"] or "[]")]


def test_the_published_cases_are_all_there():
    if not CASES.exists():
        pytest.skip(f"no published cases at {CASES}")
    assert len(published()) == 68


@pytest.mark.parametrize("case", [c for c in published() if c["kind"] == "duration"], ids=lambda c: c["case_id"])
def test_published_duration(case):
    start, end = (moment(case[column], case["input_tz"]) for column in ("start", "end"))
    assert schedule(case).seconds(start, end, pauses(case)) == int(case["expected_seconds"])


@pytest.mark.parametrize("case", [c for c in published() if c["kind"] == "deadline"], ids=lambda c: c["case_id"])
def test_published_deadline(case):
    start, expected = (moment(case[column], case["input_tz"]) for column in ("start", "expected_end"))
    due = schedule(case).add(start, int(case["add_minutes"]) * 60, pauses(case))
    assert due == expected
    assert due.tzinfo is start.tzinfo


# Against brute force -----------------------------------------------------------------------------------------------


def wall_clock_minutes(zone: str, week: dict, start: datetime, end: datetime) -> int:
    """Open minutes by looking at the clock on the wall once a minute; windows of whole minutes only."""
    minutes = (start + timedelta(minutes=n) for n in range(int((end - start).total_seconds() // 60)))
    return sum(is_open(minute.astimezone(ZoneInfo(zone)), week) for minute in minutes)


def is_open(local: datetime, week: dict) -> bool:
    today, yesterday = WEEKDAYS[local.weekday()], WEEKDAYS[local.weekday() - 1]
    clock = local.strftime("%H:%M")
    same_day = any(o <= clock < c or (c <= o <= clock) for o, c in week.get(today, ()))
    return same_day or any(c <= o and clock < c for o, c in week.get(yesterday, ()))


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", "2026-03-28"),  # forward on the 29th, 02:00 to 03:00
        ("America/Santiago", "2026-09-05"),  # forward on the 6th, midnight to 01:00
        ("Australia/Lord_Howe", "2026-10-03"),  # forward by half an hour
        ("Asia/Shanghai", "2026-03-28"),
    ],
)
@pytest.mark.parametrize("week", WEEKS[1:])
def test_open_is_what_the_clock_on_the_wall_says(zone, day, week):
    start = datetime.fromisoformat(day).replace(tzinfo=UTC)
    end = start + timedelta(days=3)
    assert ServiceHours(zone, week).seconds(start, end) == 60 * wall_clock_minutes(zone, week, start, end)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("America/Santiago", date(2026, 9, 6), 23),
        ("America/Santiago", date(2026, 4, 4), 25),
        ("Asia/Shanghai", date(2026, 3, 29), 24),
    ],
)
def test_a_day_round_the_clock_has_the_hours_it_really_has(zone, day, hours):
    start, end = (datetime.combine(d, time(), ZoneInfo(zone)) for d in (day, day + timedelta(days=1)))
    assert ServiceHours(zone).seconds(start, end) == hours * 3600


def test_a_time_shown_twice_is_the_first_of_the_two():
    shop = daily("Europe/Berlin", "00:00", "02:30")
    start = utc("2026-10-24T22:00")  # local midnight; 02:30 first comes at 00:30 UTC
    assert shop.seconds(start, start + timedelta(hours=6)) == 2.5 * 3600


# Properties --------------------------------------------------------------------------------------------------------

plans = st.builds(
    lambda zone, first, second: HoursPlan(
        [ServiceHours(zone, first, [date(2026, 3, 30)]), ServiceHours(zone, second, "CN", date(2026, 9, 6))]
    ),
    st.sampled_from(ZONES),
    st.sampled_from(WEEKS),
    st.sampled_from(WEEKS),
)
springs_and_autumns = st.sampled_from([utc("2026-03-25"), utc("2026-04-02"), utc("2026-09-03"), utc("2026-10-22")])
offsets = st.integers(0, 9 * 86_400)


@given(plans, springs_and_autumns, st.lists(offsets, min_size=3, max_size=3).map(sorted))
@settings(max_examples=150, deadline=None)
def test_seconds_add_up_over_a_split(shop, base, at):
    start, middle, end = (base + timedelta(seconds=s, milliseconds=s % 1000) for s in at)
    assert shop.seconds(start, middle) + shop.seconds(middle, end) == shop.seconds(start, end)


@given(plans, springs_and_autumns, offsets, st.integers(1, 60 * 3600))
@settings(max_examples=150, deadline=None)
def test_add_is_the_inverse_of_seconds(shop, base, offset, work):
    start = base + timedelta(seconds=offset)
    due = shop.add(start, work)
    assert shop.seconds(start, due) == work
    assert shop.seconds(start, due - timedelta(seconds=1)) == work - 1  # the first such moment


@given(plans, springs_and_autumns, st.lists(offsets, min_size=2, max_size=2).map(sorted))
@settings(max_examples=150, deadline=None)
def test_the_calendar_counts_as_seconds_does(shop, base, at):
    start, end = (base + timedelta(seconds=s) for s in at)
    frame = shop.calendar(base.date() - timedelta(days=2), base.date() + timedelta(days=11))
    assert open_until(frame, end) - open_until(frame, start) == shop.seconds(start, end) * 1_000_000


def open_until(frame, moment: datetime) -> int:
    """Open microseconds of the frame before the moment, read off the calendar alone, as an engine does."""
    us = int(moment.timestamp()) * 1_000_000
    row = frame[frame.midnight_us > us].iloc[0]
    pairs = [(row[f"open_{k}_us"], row[f"close_{k}_us"]) for k in range(1, (len(frame.columns) - 3) // 2 + 1)]
    return int(row.cum_us + sum(max(0, min(c, us) - o) for o, c in pairs if pd.notna(o) and us > o))


@given(st.lists(st.tuples(offsets, offsets).map(sorted), max_size=5), offsets)
@settings(max_examples=150, deadline=None)
def test_overlapping_pauses_count_once(spans, length):
    shop, start = daily("Asia/Shanghai", "08:00", "23:00"), utc("2026-03-02T00:00")
    gaps = [(start + timedelta(seconds=a), start + timedelta(seconds=b)) for a, b in spans]
    end = start + timedelta(seconds=length)
    paused = shop.seconds(start, end) - shop.seconds(start, end, gaps)
    assert 0 <= paused <= sum(shop.seconds(a, min(b, end)) for a, b in gaps if a < end)
    assert shop.seconds(start, end, gaps) == shop.seconds(start, end, gaps[::-1] + gaps)
    assert shop.seconds(start, end, [(start, end)]) == 0


# Windows, holidays, schedules --------------------------------------------------------------------------------------


def test_no_hours_configured_is_round_the_clock():
    start, end = utc("2026-02-17T00:00"), utc("2026-02-18T00:00")
    for shop in (ServiceHours("Asia/Shanghai"), ServiceHours("Asia/Shanghai", {}), plan("Asia/Shanghai", [])):
        assert shop.seconds(start, end) == 86_400


def test_half_open_windows_and_sub_seconds():
    shop = daily("UTC", "08:00", "23:00")
    assert shop.seconds(utc("2026-01-01T22:59:59"), utc("2026-01-01T23:00:30")) == 1
    assert shop.seconds(utc("2026-01-01T07:59:59"), utc("2026-01-01T08:00:01.900")) == 1


def test_a_deadline_at_closing_time_is_closing_time_and_zero_seconds_are_now():
    shop = daily("UTC", "08:00", "23:00")
    assert shop.add(utc("2026-01-01T22:00"), 3600) == utc("2026-01-01T23:00")
    assert shop.add(utc("2026-01-01T23:30"), 0) == utc("2026-01-01T23:30")


def test_a_deadline_comes_back_in_the_zone_it_was_asked_in():
    start = datetime(2026, 1, 1, 9, tzinfo=ZoneInfo("America/Santiago"))
    assert daily("Asia/Shanghai", "08:00", "23:00").add(start, 60).tzinfo is start.tzinfo


def test_a_holiday_shuts_the_windows_that_open_on_it_not_the_night_before():
    shop = ServiceHours("UTC", every_day(("22:00", "02:00")), [date(2026, 10, 1)])
    assert shop.seconds(utc("2026-10-01T00:00"), utc("2026-10-02T00:00")) == 2 * 3600
    assert shop.seconds(utc("2026-10-02T00:00"), utc("2026-10-02T12:00")) == 0


def test_holidays_may_be_dates_text_cn_or_a_library_calendar():
    given = ([date(2026, 10, 1)], ["2026-10-01"], "CN", ["CN"], holidays.country_holidays("CN"))
    for closed in given:
        shop = ServiceHours("Asia/Shanghai", OFFICE, closed)
        assert shop.seconds(utc("2026-09-30T16:00"), utc("2026-10-01T16:00")) == 0


def test_chinese_holidays_are_the_announced_ranges():
    """State Council notices of 2024-11-12 (28 days off in 2025) and 2025-11-04 (33 days off in 2026)."""
    announced = {
        2025: ["01-01 01-01", "01-28 02-04", "04-04 04-06", "05-01 05-05", "05-31 06-02", "10-01 10-08"],
        2026: ["01-01 01-03", "02-15 02-23", "04-04 04-06", "05-01 05-05", "06-19 06-21", "09-25 09-27", "10-01 10-07"],
    }
    for year, ranges in announced.items():
        days = set()
        for first, last in (r.split() for r in ranges):
            begin, end = (date.fromisoformat(f"{year}-{d}") for d in (first, last))
            days |= {begin + timedelta(days=n) for n in range((end - begin).days + 1)}
        assert chinese_holidays([year]) == days


def test_each_day_has_the_schedule_in_force_on_it():
    shop = HoursPlan(
        [
            ServiceHours("UTC", every_day(("09:00", "11:00")), valid_from=date(2026, 2, 1)),
            ServiceHours("UTC", every_day(("09:00", "10:00"), ("22:00", "02:00"))),
        ]
    )
    hours = [round(shop.seconds(utc(f"2026-{d}T00:00"), utc(f"2026-{d}T23:59:59")) / 3600) for d in ("01-31", "02-01")]
    assert hours == [1 + 2 + 2, 2 + 2]  # the night of 31 January runs to its end under the old hours


def test_days_before_the_first_schedule_have_its_hours():
    shop = plan("UTC", [HoursSettings(valid_from=date(2026, 1, 1), week={"mon": (("09:00", "10:00"),)})])
    assert shop.seconds(utc("2025-12-01T00:00"), utc("2025-12-08T00:00")) == 3600


def test_the_calendar_cuts_nights_at_midnight_and_is_null_where_there_are_fewer_windows():
    shop = ServiceHours("Asia/Shanghai", {"mon": [("09:00", "12:00"), ("22:00", "01:00")]})
    frame = shop.calendar(date(2026, 3, 2), date(2026, 3, 4))  # Monday to Wednesday
    opens, closes = frame.filter(like="open_"), frame.filter(like="close_")
    assert list(frame.columns) == ["day", "midnight_us", "cum_us", "open_1_us", "close_1_us", "open_2_us", "close_2_us"]
    assert opens.notna().sum(axis=1).tolist() == [2, 1, 0]
    assert frame.cum_us.tolist() == [0, 5 * 3600 * 10**6, 6 * 3600 * 10**6]
    assert closes.close_2_us[0] == opens.open_1_us[1] == frame.midnight_us[0]
    assert frame.midnight_us[0] == utc("2026-03-02T16:00").timestamp() * 10**6


def test_the_calendar_begins_with_what_is_left_of_the_night_before():
    frame = ServiceHours("UTC", {"sun": [("23:00", "01:00")]}).calendar(date(2026, 3, 2), date(2026, 3, 2))
    assert (frame.close_1_us - frame.open_1_us).tolist() == [3600 * 10**6]


def test_the_calendar_of_closed_days_still_has_a_window_column():
    frame = ServiceHours("UTC", {"mon": [("09:00", "10:00")]}).calendar(date(2026, 3, 3), date(2026, 3, 3))
    assert frame.open_1_us.isna().all()


def test_an_engine_takes_the_calendar_as_it_is():
    frame = daily("Asia/Shanghai", "08:00", "23:00").calendar(date(2026, 3, 2), date(2026, 3, 4))
    schema = ibis.memtable(frame).schema()
    assert {name: str(kind) for name, kind in schema.items()} == {"day": "date"} | dict.fromkeys(
        ["midnight_us", "cum_us", "open_1_us", "close_1_us"], "int64"
    )


# What cannot be ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda s: s.seconds(datetime(2026, 1, 1), utc("2026-01-02")), "no time zone"),
        (lambda s: s.add(datetime(2026, 1, 1), 60), "no time zone"),
        (lambda s: s.seconds(utc("2026-01-02"), utc("2026-01-01")), "is before"),
        (lambda s: s.seconds(utc("2026-01-01"), utc("2026-01-02"), [(utc("2026-01-02"), utc("2026-01-01"))]), "before"),
        (lambda s: s.add(utc("2026-01-02"), -1), "cannot be added"),
        (lambda s: ServiceHours("Mars/Base"), "no time zone"),
        (lambda s: ServiceHours("UTC", {"mon": []}), "every day is closed"),
        (lambda s: ServiceHours("UTC", {"mon": [("09:00", "09:00")]}), "round the clock is"),
        (lambda s: ServiceHours("UTC", {"mon": [("24:00", "08:00")]}), "can only close"),
        (lambda s: ServiceHours("UTC", holidays=["1 May"]), "no holiday"),
        (lambda s: ServiceHours("UTC", OFFICE, AlwaysClosed()).add(utc("2026-01-01"), 1), "ten years"),
        (lambda s: HoursPlan([]), "no schedule"),
        (lambda s: HoursPlan([s, ServiceHours("Asia/Tokyo", valid_from=date(2026, 1, 1))]), "different zones"),
        (lambda s: HoursPlan([s, s]), "two schedules start"),
    ],
)
def test_what_cannot_be_is_a_value_error(call, words):
    with pytest.raises(ValueError, match=words):
        call(daily("UTC", "08:00", "23:00"))


def test_an_end_before_its_start_is_seen_though_the_clocks_went_back():
    berlin = ZoneInfo("Europe/Berlin")
    second, first = datetime(2026, 10, 25, 2, 10, tzinfo=berlin, fold=1), datetime(2026, 10, 25, 2, 50, tzinfo=berlin)
    with pytest.raises(ValueError, match="is before"):
        ServiceHours("Europe/Berlin").seconds(second, first)
    assert ServiceHours("Europe/Berlin").seconds(first, second) == 20 * 60


class AlwaysClosed(dict):
    def __contains__(self, day: object) -> bool:
        return True


def faults(**typed: object) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        HoursSettings.model_validate(typed)
    return [(".".join(map(str, e["loc"])), e["type"]) for e in caught.value.errors()]


def test_every_mistake_in_the_hours_is_named_at_once():
    week = {
        "monday": [["09:00", "18:00"]],
        "tue": [["25:00", "18:00"], [1380, "24:00"]],
        "wed": [["13:00", "18:00"], ["09:00", "12:00"]],
        "thu": [["09:00", "18:00"], ["17:00", "20:00"]],
        "fri": [["09:00", "09:00"]],
    }
    found = faults(valid_from="soon", week=week, holidays=["CN", "2026-13-01"])
    assert [kind for _, kind in found] == [
        "date_from_datetime_parsing", "hours.weekday", "hours.clock", "hours.unquoted", "hours.order",
        "hours.overlap", "hours.empty_window", "hours.holiday",
    ]  # fmt: skip
    assert found[2][0] == "week.tue.0.0"


def test_a_night_that_runs_into_the_morning_windows_is_an_overlap():
    assert faults(week={"sun": [["22:00", "02:00"]], "mon": [["01:00", "09:00"]]}) == [("week", "hours.overlap")]
    assert faults(week={"mon": []}) == [("week", "hours.closed")]


@pytest.mark.parametrize(("typed", "meant"), [(23 * 60, "23:00"), (9, "09:00"), (24, "24:00"), (930, "09:30")])
def test_a_time_typed_as_a_number_is_told_how_to_be_written(typed, meant):
    with pytest.raises(ValidationError, match=f'in quotes, e.g. "{meant}"'):
        HoursSettings.model_validate({"week": {"mon": [[typed, "24:00"]]}})


def test_settings_are_written_back_as_they_were_typed(recwarn):
    settings = HoursSettings.model_validate({"valid_from": "2026-01-01", "holidays": ["CN", "2026-06-18"]})
    assert settings.model_dump(mode="json")["holidays"] == ["CN", "2026-06-18"]
    assert HoursSettings.model_validate_json(settings.model_dump_json()) == settings
    assert list(recwarn) == []


def test_settings_take_one_holiday_calendar_or_a_list():
    assert HoursSettings.model_validate({"holidays": "CN"}).holidays == ("CN",)
    assert HoursSettings.model_validate({"holidays": ["CN", "2026-06-18"]}).holidays == ("CN", date(2026, 6, 18))


def test_faults_have_words_in_both_languages():
    assert text.words("hours", "en") == FAULTS
    for name, english in FAULTS.items():
        slots = {part.partition("}")[0] for part in english.split("{")[1:]}
        assert all("{" + slot + "}" in text.words("hours", "zh")[name] for slot in slots)
