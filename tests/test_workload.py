"""Load against a cap, rest and load shared fairly, and whether everybody gets the same kinds of customers."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from csperf.staffing import StaffingSettings
from csperf.workload import cases, day_cap, evenness, fairness, gini, metric_of, mix, of_categories, over_cap

DAYS = [dt.date(2026, 10, day) for day in (5, 6, 7)]


def daily(chats: dict[str, list[int]]) -> pd.DataFrame:
    rows = [
        {"metric": "sessions_per_day", "agent_id": who, "day": day.isoformat(), "numerator": n}
        for who, counts in chats.items()
        for day, n in zip(DAYS, counts, strict=True)
    ]
    return pd.DataFrame(rows)


def shifts(*rows: tuple[str, str, str]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["agent_id", "start", "end"])
    return frame.assign(**{name: pd.to_datetime(frame[name], utc=True) for name in ("start", "end")})


def test_days_over_the_cap_name_the_worst_day():
    found = over_cap(daily({"a": [90, 120, 110], "b": [50, 0, 60]}), 100)
    assert found.values.tolist() == [
        ["a", 3, pytest.approx(320 / 3), 120, "2026-10-06", 2, pytest.approx(2 / 3)],
        ["b", 2, 55.0, 60, "2026-10-07", 0, 0.0],
    ]


def test_the_cap_is_the_shops_or_what_a_day_allows():
    assert day_cap(StaffingSettings(day_cap=80), 200, 8) == 80
    assert day_cap(StaffingSettings(chats_at_once=2, occupancy=0.8, shrinkage=0), 240, 8) == pytest.approx(192)


def test_gini_of_equal_one_sided_and_too_few():
    assert gini([5, 5, 5]) == pytest.approx(0)
    assert gini([0, 0, 9]) == pytest.approx(1)
    assert gini([1, 3]) == pytest.approx(0.5)
    assert pd.isna(gini([4]))


def test_load_and_rest_of_each_person():
    plan = shifts(
        ("a", "2026-10-05 08:00", "2026-10-05 16:00"),
        ("a", "2026-10-06 00:00", "2026-10-06 08:00"),
        ("b", "2026-10-05 01:00", "2026-10-05 05:00"),
        ("b", "2026-10-05 06:00", "2026-10-05 10:00"),
        ("d", "2026-10-05 01:00", "2026-10-05 02:00"),
        ("d", "2026-10-07 01:00", "2026-10-07 02:00"),
    )
    found = fairness(daily({"a": [40, 40, 0], "b": [20, 0, 0], "c": [7, 0, 0]}), plan, DAYS, "Asia/Shanghai")
    rows = found.set_index("agent_id")
    assert rows.loc[
        "a", ["hours", "per_hour", "days_on", "off_per_week", "shortest_rest_h", "short_rests"]
    ].tolist() == [*(16, 5, 2, 0, 8, 1)]
    assert rows.loc["b", ["hours", "per_hour", "days_on", "off_per_week"]].tolist() == [8, 2.5, 1, 0]
    assert rows.loc["b", ["shortest_rest_h", "short_rests"]].isna().all()  # the meal between two parts is no rest
    assert rows.loc["c", ["hours", "per_hour", "off_per_week"]].isna().all()
    assert rows.loc["d", "off_per_week"] == pytest.approx(7 / 3)
    even = evenness(found).set_index("what")
    assert even.loc["per_hour", ["people", "least", "most", "range"]].tolist() == [2, 2.5, 5, 2.5]


def test_who_gets_other_kinds_of_customers():
    rows = [(who, kind, n) for who in "abcefg" for kind, n in (("1.1.1", 100), ("2.2.1", 100), (None, 50))]
    rows += [("d", "1.1.1", 170), ("d", "2.2.1", 30), ("few", "2.2.1", 3)]
    found = mix(pd.DataFrame(rows, columns=["agent_id", "category", "n"])).set_index("agent_id")
    assert found["listed"].to_dict() == {who: who == "d" for who in ("a", "b", "c", "d", "e", "f", "few", "g")}
    assert found.loc["a", "kinds"] == pytest.approx(2)
    assert found.loc["d", ["n", "top", "top_share"]].tolist() == [200, "1.1.1", 0.85]
    assert found.loc["few", "top_share"] == 1
    assert pd.isna(found.loc["few", "p"])


def test_only_people_of_one_group_are_compared():
    rows = [("a", "1.1.1", 200), ("b", "1.1.1", 190), ("x", "2.2.1", 200), ("y", "2.2.1", 220)]
    roles = pd.Series({"a": "pre", "b": "pre", "x": "after", "y": "after"})
    frame = pd.DataFrame(rows, columns=["agent_id", "category", "n"])
    assert mix(frame)["listed"].all()
    assert not mix(frame, roles)["listed"].any()


def test_calls_are_counted_where_a_shop_has_no_chats():
    rows = pd.DataFrame({"metric": "aht_s", "agent_id": ["a"], "day": ["2026-10-05"], "numerator": [900.0]})
    assert cases(rows.assign(denominator=[12.0]))["n"].tolist() == [12.0]
    assert (metric_of({"calls"}), metric_of({"calls", "sessions"})) == ("aht_s", "sessions_per_day")


def test_values_by_category_count_their_numerator():
    values = pd.DataFrame(
        {"metric": ["sessions_per_day"], "agent_id": ["a"], "category_code": ["1.1.1"], "numerator": [7.0]}
    )
    (row,) = of_categories(values.assign(n=0)).to_dict("records")
    assert row == {"agent_id": "a", "category": "1.1.1", "n": 7.0}
