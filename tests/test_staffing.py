"""How many agents: published Erlang cases, a bank's real log, and the words of the advice."""

from __future__ import annotations

import datetime as dt
import json
from math import inf
from pathlib import Path

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csperf.arrivals import arrivals, callers_patience_s, queues, spans_of_replies
from csperf.staffing import (
    Queue,
    StaffingSettings,
    agents_needed,
    capacity_words,
    hourly,
    needed_words,
    on_duty,
    peaks,
    rostered,
    staffed,
    stretch_words,
    stretches,
)

SHARED = Path(__file__).resolve().parents[2] / "shared"
MONDAY = dt.date(2026, 10, 5)
ONE_GOAL = {"level": 0, "occupancy": 0.999999, "chats_at_once": 1, "shrinkage": 0}


@pytest.fixture(scope="module")
def oracle():
    path = SHARED / "oracles" / "erlang_c.json"
    if not path.exists():
        pytest.skip(f"the published Erlang cases are not there: {path}")
    return json.loads(path.read_text(encoding="utf-8"))["cases"]


def test_positions_of_the_published_case(oracle):
    case = oracle[0]
    goal = StaffingSettings(
        reply_s=case["target_answer_min"] * 60,
        level=case["service_level"],
        occupancy=case["max_occupancy"],
        shrinkage=case["shrinkage"],
        chats_at_once=1,
    )
    queue = Queue(case["transactions"] * 60 / case["interval_min"], case["aht_min"] * 60)
    people = agents_needed(queue, goal)
    assert (people, rostered(people, goal)) == (case["raw_positions"], case["positions"])
    assert round(queue.answered_within(goal.reply_s, people), 3) == case["achieved_service_level_3dp"]
    assert round(queue.occupancy(people), 3) == case["occupancy_3dp"]
    assert round(queue.waiting(people), 3) == case["waiting_probability_3dp"]


def test_servers_of_a_bank_by_hour(oracle):
    case = oracle[1]
    goal = StaffingSettings(most_waiting=case["probability_of_waiting_goal"], **ONE_GOAL)
    service = 3600 / case["service_rate_per_hour"]
    found = [agents_needed(Queue(rate, service), goal) for rate in case["hourly_arrival_rate"]]
    assert found == case["servers_needed"]


@pytest.fixture(scope="module")
def bank():
    """The calls of February 1999 as the published program reads them: facts, and what it found."""
    path, oracle = (
        SHARED / "data" / "anonymous_bank" / "february_1999.txt.gz",
        SHARED / "oracles" / "anonymous_bank_february_1999.json",
    )
    if not (path.exists() and oracle.exists()):
        pytest.skip(f"the bank's log is not there: {path}")
    log = pd.read_csv(path, sep="\t", dtype=str)
    log = log[(log["outcome"] != "PHANTOM") & (log["vru_time"].astype(int) >= 0)]
    times = pd.to_datetime(log["date"] + " " + log["vru_entry"], format="%y%m%d %H:%M:%S").dt.tz_localize(
        "Asia/Jerusalem"
    )
    calls = pd.DataFrame(
        {
            "scope": "shop",
            "direction": "in",
            "queued_at": times.dt.tz_convert("UTC"),
            "day": times.dt.date,
            "outcome": log["server"].eq("NO_SERVER").map({True: "abandoned", False: "answered"}),
            "talk_us": log["ser_time"].astype("int64") * 1_000_000,
            "hold_us": 0,
            "wrap_us": 60_000_000,
        }
    )
    return {"calls": ibis.memtable(calls)}, json.loads(oracle.read_text(encoding="utf-8"))["published"]


def test_the_banks_arrivals_service_and_staff_are_the_published_ones(bank):
    facts, published = bank
    february = dt.date(1999, 2, 1), dt.date(1999, 2, 28)
    wednesdays = [dt.date(1999, 2, day) for day in (3, 10, 17, 24)]
    hours = hourly(arrivals(facts, "Asia/Jerusalem", *february, queue="calls"), wednesdays, ["hour"])
    assert hours["per_hour"].tolist() == published["hourly_arrival_rate_0_23"]
    assert round((3600 / hours["service_s"]).mean(), 5) == published["mean_hourly_service_rate"]
    goal = StaffingSettings(most_waiting=0.5, handle_s=3600 / 15, **ONE_GOAL)
    assert staffed(hours, goal)["needed"].tolist() == published["servers_needed_P_wait_le_0_5"]


def test_abandonment_shortens_the_wait_as_published():
    """Gans, Koole and Mandelbaum, "Telephone call centers" (2003), 4.2: 48 calls a minute of 1 minute, 50 agents."""
    endless, patient = Queue(48 * 60, 60), Queue(48 * 60, 60, 120)
    assert round(endless.mean_wait_s(50), 1) == 20.8
    assert round(patient.mean_wait_s(50), 1) == 3.7
    assert round(patient.abandoned(50), 3) == 0.031
    assert round(patient.occupancy(50), 2) == 0.93


def test_patience_without_end_is_erlang_c_and_impatience_survives_overload():
    queue, patient = Queue(200, 180), Queue(200, 180, 1e8)
    assert patient.waiting(14) == pytest.approx(queue.waiting(14), rel=1e-4)
    assert patient.answered_within(20, 14) == pytest.approx(queue.answered_within(20, 14), rel=1e-4)
    assert Queue(4800, 60, 1200).abandoned(50) == pytest.approx(1 - 50 / 80)
    assert (queue.answered_within(30, 10), queue.waiting(10), queue.mean_wait_s(10)) == (0.0, 1.0, inf)


@given(rate=st.floats(0.1, 500), service=st.floats(10, 900), at_once=st.floats(1, 8))
def test_one_agent_fewer_misses_the_goal(rate, service, at_once):
    goal, queue = StaffingSettings(chats_at_once=at_once), Queue(rate, service)
    people = agents_needed(queue, goal)
    assert queue.answered_within(30, people * at_once) >= 0.8
    assert queue.occupancy(people * at_once) <= 0.85
    fewer = (people - 1) * at_once
    assert people == 1 or queue.answered_within(30, fewer) < 0.8 or queue.occupancy(fewer) > 0.85


def seen(day=MONDAY, hour=20, arrivals=45, served=40, busy_s=40 * 300.0):
    return {
        "day": day,
        "weekday": day.weekday(),
        "hour": hour,
        "arrivals": arrivals,
        "served": served,
        "busy_s": busy_s,
    }


def test_an_hour_is_averaged_over_the_days_that_data_is_there_of():
    rows = pd.DataFrame([seen(), seen(MONDAY + dt.timedelta(days=7), arrivals=15)])
    days = [MONDAY + dt.timedelta(days=n) for n in range(14)]
    week = hourly(rows, days).set_index(["weekday", "hour"])
    assert week.loc[(0, 20), ["days", "arrivals", "per_hour"]].tolist() == [2, 60, 30]
    assert week.loc[(1, 20), ["days", "arrivals", "per_hour"]].tolist() == [2, 0, 0]
    assert hourly(rows, days, ["hour"]).set_index("hour").loc[20, "per_hour"] == pytest.approx(60 / 14)
    unknown = hourly(rows, days[:1]).set_index(["weekday", "hour"])
    assert pd.isna(unknown.loc[(1, 20), "per_hour"])
    assert pd.isna(staffed(unknown.reset_index(), StaffingSettings())["needed"].iloc[24 + 20])


def test_people_on_duty_count_by_the_part_of_the_hour_and_by_who_serves():
    shifts = pd.DataFrame(
        {
            "agent_id": ["a", "b", "boss"],
            "start": pd.to_datetime(["2026-10-05 12:00", "2026-10-05 11:30", "2026-10-05 00:00"], utc=True),
            "end": pd.to_datetime(["2026-10-05 16:30", "2026-10-05 13:00", "2026-10-05 12:00"], utc=True),
        }
    )
    there = on_duty(shifts, [MONDAY], "Asia/Shanghai", ["hour"], who=["a", "b"]).set_index("hour")["scheduled"]
    assert there[[19, 20, 23, 8]].tolist() == [0.5, 2.0, 1.0, 0.0]  # 00:00-00:30 belongs to Tuesday


def test_the_shortage_of_an_evening_in_words():
    rows = pd.DataFrame([seen(hour=20, busy_s=40 * 600.0), seen(hour=21, busy_s=40 * 600.0), seen(hour=9, arrivals=2)])
    duty = pd.DataFrame({"hour": range(24), "scheduled": 2.0})
    goal = StaffingSettings(chats_at_once=4, shrinkage=0.2)
    table = staffed(hourly(rows, [MONDAY], ["hour"]), goal, duty)
    (evening,) = stretches(table)
    assert (evening.first, evening.last, evening.needed, evening.rostered, evening.short) == (20, 22, 3, 4, 2)
    said = stretch_words(evening, goal)
    assert (
        said == "30秒内回复80%，这个量20–22点要3个人（每小时约45个咨询）：算上吃饭休息要排4个，现在平均排2.0个，差2个。"
    )
    assert table.set_index("hour").loc[9, "short"] == 0


def test_hours_that_need_more_than_their_neighbours_are_told_apart():
    hours = pd.DataFrame({"hour": [8, 9, 10, 11], "per_hour": [5.0, 9, 40, 41], "needed": [1, 1, 4, 4]})
    table = hours.assign(rostered=[2, 2, 5, 5], scheduled=[1.0, 0.5, 3.0, 5.0], short=[1.0, 1.5, 2.0, 0.0])
    first, second = stretches(table)
    assert (first.first, first.last, first.needed, first.scheduled, first.short) == (8, 10, 1, 0.5, 2)
    assert (second.first, second.last, second.needed, second.rostered, second.short) == (10, 11, 4, 5, 2)


def test_one_agent_for_374_consultations():
    """The manual's 才1个客服人员: 374 consultations in a day of 15 hours, five minutes each."""
    said = needed_words(374 / 15, 300, StaffingSettings(chats_at_once=1))
    assert "要4个人在线，排班要5个" in said
    assert "30秒内大约只能回复0.0%" in said


def test_a_floor_out_of_reach_asks_for_people_and_not_for_effort():
    lines = pd.DataFrame(
        {
            "metric": ["reply_30s_msg", "conversion_paid_user", "reply_3min_user"],
            "floor": [0.9, 0.5, 0.6],
            "status": ["CAPACITY", "CAPACITY", "OK"],
            "rule_zh": ["30秒应答率", "转化率", "3分钟回复率"],
        }
    )
    rows = pd.DataFrame([seen(busy_s=40 * 600.0)])
    short = stretches(
        staffed(
            hourly(rows, [MONDAY], ["hour"]),
            StaffingSettings(),
            pd.DataFrame({"hour": range(24), "scheduled": 1.0}),
        )
    )
    (said,) = capacity_words(lines, short)
    missing = f"先补{short[0].short}人（或调班），这一项首月不计分。"
    assert said == f"平台“30秒应答率”：靠现在的人手，20–21点到不了90.0%：不是个人的问题。{missing}"
    assert next(capacity_words(lines, [])).startswith("平台“30秒应答率”：靠现在的做法，大多数人到不了90.0%")


def test_supervision_goes_to_the_busiest_hours_of_different_days():
    rows = pd.DataFrame(
        [seen(hour=20, arrivals=50), seen(hour=21, arrivals=49), seen(MONDAY + dt.timedelta(days=3), arrivals=9)]
    )
    days = [MONDAY + dt.timedelta(days=n) for n in range(7)]
    chosen = peaks(hourly(rows, days))
    assert chosen[["weekday", "hour", "arrivals"]].values.tolist() == [[0, 20, 50], [3, 20, 9]]


def chats(**columns):
    plain = {"scope": "shop", "asked": True, "in_hours": True, "excluded": False, "day": MONDAY}
    return {"sessions": ibis.memtable(pd.DataFrame(columns).assign(**plain))}


def test_nobody_works_on_a_chat_while_it_waits_overnight():
    facts = chats(
        started_at=pd.to_datetime(["2026-10-05 12:10", "2026-10-05 12:50"], utc=True),
        first_wait_us=pd.array([36_000_000_000, None], dtype="Int64"),
        handle_us=pd.array([36_060_000_000, None], dtype="Int64"),
    )
    (row,) = arrivals(facts, "Asia/Shanghai", MONDAY, MONDAY).itertuples()
    assert (row.day, row.weekday, row.hour, row.arrivals, row.served, row.busy_s) == (MONDAY, 0, 20, 2, 1, 90.0)


def test_a_role_is_a_queue_where_several_had_chats():
    rows = {
        "scope": ["shop", "agent", "agent", "agent", "shop"],
        "role": [None, "pre", "after", "bot", None],
        "started_at": pd.to_datetime(["2026-10-05 12:10"] * 3 + ["2026-10-05 12:50"] * 2, utc=True),
        "first_wait_us": pd.array([0, 0, 0, None, None], dtype="Int64"),
        "handle_us": pd.array([90_000_000, 60_000_000, 20_000_000, None, None], dtype="Int64"),
    }
    plain = {"asked": True, "in_hours": True, "excluded": False, "day": MONDAY}
    facts = {"sessions": ibis.memtable(pd.DataFrame(rows).assign(**plain)), "calls": None}
    assert queues(facts, MONDAY, MONDAY) == ["chats", "pre", "after", "calls"]
    for queue, came, busy_s in (("chats", 2, 90.0), ("after", 1, 20.0)):
        (row,) = arrivals(facts, "Asia/Shanghai", MONDAY, MONDAY, queue=queue).itertuples()
        assert (row.hour, row.arrivals, row.served, row.busy_s) == (20, came, 1, busy_s)
    one_role = {"sessions": facts["sessions"].filter(facts["sessions"].role != "pre")}
    assert queues(one_role, MONDAY, MONDAY) == ["chats"]


def test_callers_patience_counts_the_waiting_of_all():
    calls = pd.DataFrame(
        {
            "scope": "shop",
            "direction": "in",
            "day": MONDAY,
            "wait_us": [30_000_000, 60_000_000, 30_000_000],
            "outcome": ["answered", "abandoned", "answered"],
        }
    )
    assert callers_patience_s({"calls": ibis.memtable(calls)}, MONDAY, MONDAY) == 120.0
    answered = {"calls": ibis.memtable(calls[calls["outcome"] == "answered"])}
    assert callers_patience_s(answered, MONDAY, MONDAY) is None


def test_without_a_plan_the_first_and_last_reply_stand_for_the_shift():
    said = pd.DataFrame(
        {
            "scope": "agent",
            "agent_id": ["a", "a", "b"],
            "day": MONDAY,
            "sent_at": pd.to_datetime(["2026-10-05 01:00", "2026-10-05 09:00", "2026-10-05 03:00"], utc=True),
        }
    )
    spans = spans_of_replies({"agent_messages": ibis.memtable(said)}, MONDAY, MONDAY)
    hours = on_duty(spans, [MONDAY], "Asia/Shanghai", ["hour"]).set_index("hour")["scheduled"]
    assert hours[[8, 9, 16, 17]].tolist() == [0.0, 1.0, 1.0, 0.0]
