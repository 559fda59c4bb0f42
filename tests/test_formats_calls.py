"""Telephone records: each system's own fields to the calls of the contract, every record accounted for."""

import datetime as dt
import json
from pathlib import Path

import pytest

from csperf.errors import CsperfError
from csperf.load import LoadSettings, store_of
from csperf.load import load as load_all
from csperf.params import load_params
from csperf.run import measure, open_run
from csperf.sources import Shop
from csperf.sources.call_json import FORMATS, Settings, load, recognises

ROOT = Path(__file__).parents[1]
SAMPLE = ROOT.parent / "shared/formats/samples/connect_ctr.jsonl"
NUMBERS = ("+10000000077", "13800138077", "13900139077")
NAMES = ("Canary Byrd", "金丝雀")
START = dt.datetime(2025, 1, 2, 1, 0, tzinfo=dt.UTC)


def at(seconds):
    return START + dt.timedelta(seconds=seconds)


def epoch(seconds, unit=1):
    return int(at(seconds).timestamp() * unit)


def iso(seconds):
    return at(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")


def rfc(seconds):
    return at(seconds).strftime("%a, %d %b %Y %H:%M:%S +0000")


def connect(number=1, **fields):
    return {
        "ContactId": f"contact-{number}",
        "Channel": "VOICE",
        "InitiationMethod": "INBOUND",
        "InitiationTimestamp": iso(0),
        "ConnectedToSystemTimestamp": iso(0),
        "DisconnectTimestamp": iso(360),
        "LastUpdateTimestamp": iso(391),
        "AgentConnectionAttempts": 1,
        "Agent": {
            "Username": "agent.one",
            "ConnectedToAgentTimestamp": iso(60),
            "AgentInteractionDuration": 280,
            "AfterContactWorkDuration": 30,
            "CustomerHoldDuration": 20,
        },
        "Queue": {"EnqueueTimestamp": iso(20), "DequeueTimestamp": iso(60), "Duration": 40},
        "CustomerEndpoint": {"Address": NUMBERS[0], "Type": "TELEPHONE_NUMBER"},
        "Attributes": {"customerName": NAMES[0]},
        "TransferCompletedTimestamp": None,
    } | fields


def aliyun(number=1, **fields):
    return {
        "ContactId": f"job-{number}",
        "ContactType": "INBOUND",
        "CallingNumber": NUMBERS[1],
        "CalledNumber": "05710000000",
        "StartTime": epoch(0, 1000),
        "IvrTime": 8,
        "QueueTime": 10,
        "RingTime": 5,
        "WaitTime": 15,
        "EstablishedTime": epoch(23, 1000),
        "ReleaseTime": epoch(123, 1000),
        "CallDuration": 123,
        "AgentIds": "agent1@ccc-test",
        "AgentNames": NAMES[1],
        "ContactDisposition": "Success",
        "SatisfactionIndex": 1,
        "InstanceId": "ccc-test",
    } | fields


def tianrun(number=1, **fields):
    return {
        "MainUniqueId": f"medias_1-{number}",
        "CustomerNumber": NUMBERS[2],
        "StartTime": epoch(0),
        "FirstJoinQueueTime": epoch(10),
        "FirstLeaveQueueTime": epoch(25),
        "FirstQueueDuration": 15,
        "BridgeTime": epoch(30),
        "BridgeDuration": 90,
        "EndTime": epoch(120),
        "TotalDuration": 120,
        "FirstCallCno": "2001",
        "FirstCallCname": NAMES[1],
        "Status": 1,
    } | fields


def twilio(number=1, **fields):
    return {
        "sid": f"CA{number:032x}",
        "account_sid": "AC" + "0" * 32,
        "parent_call_sid": None,
        "from": NUMBERS[0],
        "to": "+10000000009",
        "caller_name": NAMES[0],
        "phone_number_sid": "PN1",
        "status": "completed",
        "start_time": rfc(0),
        "end_time": rfc(90),
        "duration": "90",
        "direction": "inbound",
        "queue_time": "0",
    } | fields


EACH = {"connect.ctr": connect, "aliyun_ccc.cdr": aliyun, "tianrun.cdr": tianrun, "twilio.calls": twilio}


def written(tmp_path, content):
    path = tmp_path / "calls.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path


def read(path, key=b"secret", **settings):
    return load(path, Settings(files="*.json", **settings), Shop("shop", "Asia/Shanghai", path.parent, key=key))


def calls(loaded):
    return loaded.tables["calls"].to_pylist()


def parts(loaded):
    return loaded.counts.read, loaded.counts.kept, loaded.counts.filtered, loaded.counts.rejected


# The sample -------------------------------------------------------------------------------------------------------


def test_the_connect_sample_keeps_the_last_delivery_of_each_contact():
    if not SAMPLE.exists():
        pytest.skip(f"{SAMPLE} is not here")
    loaded = read(SAMPLE)
    assert recognises(SAMPLE.read_bytes()[:4096], SAMPLE.name) == "connect.ctr"
    assert parts(loaded) == (3, 2, {"repeat_delivery": 1}, {})
    answered, abandoned = calls(loaded)
    assert (answered["account_id"], answered["outcome"], answered["source_line"]) == ("agent.one", "answered", 2)
    assert [answered[name] for name in ("queued_at", "answered_at", "ended_at")] == [at(20), at(60), at(360)]
    assert (answered["hold_us"], answered["wrap_us"], answered["talk_us"]) == (0, 35_000_000, 300_000_000)
    assert answered["transferred"] is False
    assert (abandoned["account_id"], abandoned["answered_at"], abandoned["outcome"]) == (None, None, "abandoned")
    assert abandoned["customer_id"] == answered["customer_id"] != "+10000000001"


# Every system -----------------------------------------------------------------------------------------------------


def test_amazon_connect(tmp_path):
    moved = connect(2, TransferCompletedTimestamp=iso(300))
    (row, other) = calls(read(written(tmp_path, [connect(), moved])))
    assert (row["call_id"], row["direction"], row["outcome"]) == ("contact-1", "in", "answered")
    assert [row[name] for name in ("queued_at", "answered_at", "ended_at")] == [at(20), at(60), at(360)]
    assert (row["hold_us"], row["wrap_us"], row["talk_us"]) == (20_000_000, 30_000_000, 280_000_000)
    assert [row["transferred"], other["transferred"]] == [False, True]


def test_connect_outward_calls_count_from_their_start_and_other_contacts_are_left_out_by_name(tmp_path):
    content = [
        connect(1, InitiationMethod="OUTBOUND", Queue=None),
        connect(2, Channel="CHAT"),
        connect(3, Queue=None),
        connect(4, InitiationMethod="MONITOR"),
        connect(5, Agent=None),
    ]
    loaded = read(written(tmp_path, content))
    assert parts(loaded) == (5, 2, {"monitoring": 1, "never_queued": 1, "other_channel": 1}, {})
    out, left = calls(loaded)
    assert (out["direction"], out["queued_at"]) == ("out", at(0))
    assert (left["outcome"], left["account_id"]) == ("abandoned", None)


@pytest.mark.parametrize("newest", [0, 1, 2])
def test_the_largest_last_update_wins_wherever_it_stands(tmp_path, newest):
    agent = connect()["Agent"]
    content = [
        connect(
            1, LastUpdateTimestamp=iso(900 if n == newest else 400 + n), Agent=agent | {"AfterContactWorkDuration": n}
        )
        for n in range(3)
    ]
    loaded = read(written(tmp_path, content))
    assert parts(loaded) == (3, 1, {"repeat_delivery": 2}, {})
    assert [(row["wrap_us"], row["source_line"]) for row in calls(loaded)] == [(newest * 1_000_000, newest + 1)]


def test_aliyun_times_are_milliseconds_and_the_menu_is_not_the_queue(tmp_path):
    (row,) = calls(read(written(tmp_path, {"Code": "OK", "CallDetailRecords": {"TotalCount": 1, "List": [aliyun()]}})))
    assert (row["call_id"], row["account_id"]) == ("job-1", "agent1@ccc-test")
    assert [row[name] for name in ("queued_at", "answered_at", "ended_at")] == [at(8), at(23), at(123)]
    assert row["transferred"] is False


def test_aliyun_calls_established_by_the_menu_are_answered_after_the_wait(tmp_path):
    (row,) = calls(read(written(tmp_path, [aliyun(EstablishedTime=epoch(0, 1000))])))
    assert row["answered_at"] == at(23)


@pytest.mark.parametrize(
    ("disposition", "outcome"),
    [
        ("AbandonedInQueue", "abandoned"),
        ("AbandonedInRing", "abandoned"),
        ("NoAnswer", "abandoned"),
        ("QueuingTimeout", "abandoned"),
        ("Voicemail", "abandoned"),
        ("QueuingFailed", "blocked"),
        ("QueuingOverflow", "blocked"),
        ("Reject", "blocked"),
        ("IVRException", "blocked"),
        ("Success", "answered"),
    ],
)
def test_aliyun_dispositions(tmp_path, disposition, outcome):
    (row,) = calls(read(written(tmp_path, [aliyun(ContactDisposition=disposition)])))
    assert row["outcome"] == outcome
    assert (row["answered_at"] is None) == (outcome != "answered")


def test_aliyun_transfers_other_kinds_and_words_that_nobody_knows(tmp_path):
    content = [
        aliyun(1, AgentIds="agent1@ccc-test,agent2@ccc-test"),
        aliyun(2, ContactDisposition="AbandonedInIVR"),
        aliyun(3, AgentIds=""),
        aliyun(4, ContactType="Internal"),
        aliyun(5, ContactType="OUTBOUND", CallingNumber="05710000000", CalledNumber=NUMBERS[1]),
        aliyun(6, ContactDisposition="Teleported"),
    ]
    loaded = read(written(tmp_path, content))
    assert parts(loaded) == (6, 2, {"never_queued": 2, "other_channel": 1}, {"value_unmapped:outcome": 1})
    inward, out = calls(loaded)
    assert (inward["transferred"], inward["account_id"]) == (True, "agent1@ccc-test")
    assert (out["direction"], out["queued_at"]) == ("out", at(0))
    assert inward["customer_id"] == out["customer_id"]
    assert loaded.rejects.to_pylist()[0]["outcome"] == "Teleported"


def test_keys_of_the_survey_are_read_only_once_the_shop_says_what_they_mean(tmp_path):
    path = written(tmp_path, [aliyun(), aliyun(2, SatisfactionIndex=9), aliyun(3, SatisfactionIndex=None)])
    loaded = read(path)
    assert "ratings" not in loaded.tables
    assert [(notice.code, notice.slots) for notice in loaded.warnings] == [("satisfaction_unscaled", {"n": 2})]
    loaded = read(path, satisfaction={"1": 5, "2": 3, "3": 1})
    (rating,) = loaded.tables["ratings"].to_pylist()
    assert (rating["score"], rating["scale_max"], rating["account_id"]) == (5, 5, "agent1@ccc-test")
    assert parts(loaded) == (3, 3, {}, {})
    assert [(notice.code, notice.slots) for notice in loaded.warnings] == [("beside_rejected", {"n": 1})]


def test_tianrun_in_both_spellings(tmp_path):
    camel = {name[0].lower() + name[1:]: value for name, value in tianrun(2).items()}
    loaded = read(written(tmp_path, [tianrun(), camel, tianrun(3, FirstJoinQueueTime=0)]))
    assert parts(loaded) == (3, 2, {"never_queued": 1}, {})
    one, other = calls(loaded)
    assert [one[name] for name in ("queued_at", "answered_at", "ended_at")] == [at(10), at(30), at(120)]
    assert (one["account_id"], one["talk_us"]) == ("2001", 90_000_000)
    assert {**one, "call_id": "", "source_line": 0} == {**other, "call_id": "", "source_line": 0}


@pytest.mark.parametrize(
    ("code", "outcome"), [(None, "abandoned"), (2, "abandoned"), (3, "abandoned"), (4, "blocked"), (-1, "abandoned")]
)
def test_tianrun_calls_that_nobody_took(tmp_path, code, outcome):
    (row,) = calls(read(written(tmp_path, [tianrun(BridgeTime=None, LeaveQueueCode=code)])))
    assert (row["outcome"], row["account_id"]) == (outcome, None)


def test_twilio_knows_neither_agent_nor_wait(tmp_path):
    content = [
        twilio(1),
        twilio(2, status="busy"),
        twilio(3, status="no-answer", direction="outbound-api"),
        twilio(4, parent_call_sid="CA" + "0" * 31 + "1", direction="outbound-dial"),
        twilio(5, status="in-progress", end_time=None),
    ]
    loaded = read(written(tmp_path, {"page": 0, "calls": content}))
    assert parts(loaded) == (5, 3, {"leg_of_a_call": 1, "unfinished": 1}, {})
    rows = calls(loaded)
    assert [row["outcome"] for row in rows] == ["answered", "blocked", "abandoned"]
    assert [row["direction"] for row in rows] == ["in", "in", "out"]
    assert (rows[0]["queued_at"], rows[0]["ended_at"], rows[0]["talk_us"]) == (at(0), at(90), 90_000_000)
    assert (rows[0]["account_id"], rows[0]["answered_at"]) == (None, None)


# What all share ---------------------------------------------------------------------------------------------------


def as_list(records):
    return json.dumps(records)


def as_lines(records):
    return "\n".join(map(json.dumps, records))


def as_one_behind_another(records):
    return "".join(json.dumps(record, indent=1) for record in records)


@pytest.mark.parametrize("shape", [as_list, as_lines, as_one_behind_another])
@pytest.mark.parametrize("key", EACH)
def test_lists_lines_and_objects_without_separators_say_the_same(tmp_path, key, shape):
    path = written(tmp_path, shape([EACH[key](n) for n in (1, 2)]))
    loaded = read(path)
    assert recognises(path.read_bytes()[:65536], path.name) == loaded.recognised.format == key
    assert parts(loaded) == (2, 2, {}, {})
    assert [row["source_line"] for row in calls(loaded)] == [1, 2]


def test_a_call_that_ends_before_it_starts_and_a_broken_line_are_rejected_by_number(tmp_path):
    lines = [
        json.dumps(connect(1)),
        json.dumps(connect(2, DisconnectTimestamp=iso(10), Agent=None)),
        json.dumps(connect(3, DisconnectTimestamp=iso(30))),
        json.dumps(connect(4))[:150],
        json.dumps(connect(5, Queue={"EnqueueTimestamp": iso(90)})),
        json.dumps(connect(6, DisconnectTimestamp="yesterday")),
        json.dumps(connect(7, InitiationMethod="TELEPATHY")),
        "17",
    ]
    loaded = read(written(tmp_path, "\n".join(lines)))
    assert (loaded.counts.read, loaded.counts.kept) == (8, 1)
    assert [(row["line"], row["reason"]) for row in loaded.rejects.to_pylist()] == [
        (2, "ends_before_start"),
        (3, "ends_before_start"),
        (4, "broken_line"),
        (5, "answered_before_queued"),
        (6, "time_unreadable:ended_at"),
        (7, "value_unmapped:direction"),
        (8, "record_unknown"),
    ]
    assert loaded.rejects.to_pylist()[5]["direction"] == "TELEPATHY"


@pytest.mark.parametrize("key", EACH)
def test_nothing_personal_reaches_tables_rejects_or_messages(tmp_path, key):
    time = {"connect.ctr": "DisconnectTimestamp", "aliyun_ccc.cdr": "ReleaseTime", "tianrun.cdr": "EndTime"}
    bad = EACH[key](2, **{time.get(key, "end_time"): NUMBERS[1]})
    loaded = read(written(tmp_path, [EACH[key](1), bad]), satisfaction={"1": 5})
    kept = [row for rows in loaded.tables.values() for row in rows.to_pylist()]
    said = repr((kept, loaded.rejects.to_pylist(), loaded.warnings, loaded.recognised))
    assert loaded.counts.kept == 1 == sum(loaded.counts.rejected.values())
    assert [found for found in (*NUMBERS, *NAMES) if found in said] == []


def test_the_agents_address_is_cut_to_the_login(tmp_path):
    agent = connect()["Agent"] | {"Username": "canary.byrd@example.com"}
    (row,) = calls(read(written(tmp_path, [connect(Agent=agent)])))
    assert row["account_id"] == "canary.byrd"


@pytest.mark.parametrize(
    ("content", "key", "said"),
    [
        ("[]", b"secret", "fit no known format"),
        ('{"a": 1, "b": 2}', b"secret", "connect.ctr"),
        ('{\n "ContactId": "1",\n "LastUpdateTimestamp": "20', b"secret", "damaged on line 3"),
        (json.dumps([connect()]), b"", "no key"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_to_do(tmp_path, monkeypatch, content, key, said):
    monkeypatch.setenv("CSPERF_LANG", "en")
    with pytest.raises(CsperfError, match=said) as raised:
        read(written(tmp_path, content), key=key)
    assert NUMBERS[0] not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"a,b\n1,2\n", b'{"id": 1}', "订单编号\n1".encode("gb18030")])
def test_other_files_are_not_taken_for_calls(content):
    assert recognises(content, "any") is None


def test_overlapping_exports_end_in_the_store_once(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_KEY", "secret")
    for name, numbers in (("a.json", (1, 2)), ("b.json", (2, 3))):
        (tmp_path / name).write_text(json.dumps([aliyun(n) for n in numbers]), encoding="utf-8")
    settings = LoadSettings(
        shop="shop",
        root=tmp_path,
        timezone="Asia/Shanghai",
        sources=({"source": "call_json", "files": "*.json", "satisfaction": {"1": 5}},),
    )
    files = load_all(settings).files
    assert files[["read", "kept", "duplicate"]].values.tolist() == [[2, 2, 0], [2, 1, 1]]
    assert store_of(settings).months("ratings") == store_of(settings).months("calls") == ["2025-01"]


def test_every_format_has_a_test():
    assert set(EACH) == set(FORMATS)


PARAMS = """
shop: shop
name: {zh: 店, en: Shop}
timezone: UTC
definitions: shop
min_n: 1
hours:
  - {valid_from: 2025-01-01, week: {mon: [["00:00","24:00"]], tue: [["00:00","24:00"]], wed: [["00:00","24:00"]],
     thu: [["00:00","24:00"]], fri: [["00:00","24:00"]], sat: [["00:00","24:00"]], sun: [["00:00","24:00"]]}}
sources:
  - {source: export, files: calls.json}
"""


def test_calls_taken_nobody_knows_when_have_no_wait_rather_than_a_bad_one(tmp_path, monkeypatch):
    monkeypatch.setenv("CSPERF_KEY", "secret")
    written(tmp_path, [twilio(1), twilio(2), twilio(3, status="no-answer")])
    (tmp_path / "params.yaml").write_text(PARAMS, encoding="utf-8")
    load_all(load_params(tmp_path / "params.yaml").loading)
    keys = ["calls_per_day", "call_wait_s", "call_answered_20s_share", "abandon_share", "aht_s"]
    values = measure(open_run(tmp_path / "params.yaml", month="2025-01"), by=["shop"], metrics=keys).set_index("metric")
    assert values.loc["call_wait_s", ["value", "n"]].tolist() == [90, 1]
    assert values.loc["call_answered_20s_share", ["value", "n"]].tolist() == [0, 1]
    assert values.loc["abandon_share", ["numerator", "denominator"]].tolist() == [1, 3]
    assert values.loc["aht_s", ["value", "n"]].tolist() == [90, 2]
