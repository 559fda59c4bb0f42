"""Telephone records as JSON: Amazon Connect, 阿里云云联络中心, 天润 clink and Twilio; a record is a call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..settings import TimeZone, listed
from . import records
from .loaded import RAW, Loaded, Notice, Shop
from .personal import Secret, account, as_text, masked
from .records import Row, lowered, moment, seal_rows

SHOWN = ("call_id", "direction", "outcome", "queued_at", "answered_at", "ended_at")
MILLISECOND = 0.001
LOOKS_LIKE_A_TIME = 100_000_000  # seconds no call lasts


class Settings(BaseModel):
    """What the caller's keys of the satisfaction survey mean: shops choose them themselves, so without it none is read.

    `satisfaction`: key pressed -> score, of at most `scale_max`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["call_json"] = "call_json"
    files: str = Field(examples=["exports/calls/*.json"])
    timezone: TimeZone | None = None
    satisfaction: dict[str, float] = Field(default={}, examples=[{"1": 5, "2": 3, "3": 1}])
    scale_max: float = 5


@dataclass(frozen=True)
class _Reader:
    """What a format's record is read with."""

    zone: str | None
    secret: Secret

    def time(self, row: Row, column: str, value: object, unit: float = 1) -> dt.datetime | None:
        """The time of a column; what is written there is kept for the case that it cannot be read."""
        found = moment(value, self.zone, unit)
        if value and found is None:
            row.setdefault("reason", f"time_unreadable:{column}")
        row[f"{RAW}{column}"] = masked(as_text(value))
        return found

    def meaning(self, row: Row, column: str, word: object, words: dict[str, str]) -> str | None:
        """What the word of a column means; a word not listed rejects the row by name."""
        text = as_text(word)
        row[f"{RAW}{column}"] = masked(text)
        if text is not None and text.lower() not in words:
            row.setdefault("reason", f"value_unmapped:{column}")
        return words.get(text.lower()) if text else None


@dataclass(frozen=True)
class _Format:
    """How a format is known and read. `known`: fields that only its records have; `personal`: what is never kept."""

    version: str
    signature: tuple[frozenset[str], ...]
    known: frozenset[str]
    personal: frozenset[str]
    row: Callable[[dict[str, Any], _Reader], Row]
    words: dict[str, tuple[str, str]]


def recognises(head: bytes, name: str) -> str | None:
    """The format of a file by the names of fields in its beginning, null where it is none of these."""
    return records.format_of(head, FORMATS)


def load(path: Path, settings: Settings, shop: Shop) -> Loaded:
    """The calls of a file, and the callers' scores where the settings say what they mean.

    Other channels, contacts that never queued, legs of another call and earlier deliveries of a contact are filtered by
    name. source_line is the record's number. CsperfError where the file is none of the formats, is cut short, or names
    customers while the shop has no key.
    """
    key, form, values = records.opened(path, FORMATS)
    reader = _Reader(settings.timezone or shop.timezone, Secret(path, shop.key))
    found = [record for record, _around in records.each(values, form.known)]
    rows = [_row(line, record, form, reader) for line, record in enumerate(found, 1)]
    _filter_repeats(rows)
    scores = list(_ratings(rows, settings))
    loaded = records.together(
        len(rows),
        seal_rows("calls", rows, SHOWN, path, shop),
        seal_rows("ratings", scores, (), path, shop),
    )
    fields = (name for record in found if isinstance(record, dict) for name in record)
    unscored = sum(row.get("score") is not None for row in rows) if not settings.satisfaction else 0
    notices = (Notice("satisfaction_unscaled", {"n": unscored}),) if unscored else ()
    return replace(
        loaded,
        cells=form.words,
        warnings=(*loaded.warnings, *notices),
        recognised=records.recognised(key, form.version, fields, form.known, form.personal),
    )


def _row(line: int, record: object, form: _Format, reader: _Reader) -> Row:
    """The record as a row of calls, or why it is none."""
    if not isinstance(record, dict):
        reason = "broken_line" if isinstance(record, records.Broken) else "record_unknown"
        return {"source_line": line, "reason": reason}
    row = form.row(lowered(record), reader)
    queued, answered, ended = (row.get(column) for column in ("queued_at", "answered_at", "ended_at"))
    if queued and answered and answered < queued:
        row.setdefault("reason", "answered_before_queued")
    if answered and ended and ended < answered:
        row.setdefault("reason", "ends_before_start")
    return row | {"source_line": line, f"{RAW}call_id": row.get("call_id")}


def _filter_repeats(rows: list[Row]) -> None:
    """Leaves of several deliveries of one call the one updated last; of equal ones the first."""
    newest: dict[str, Row] = {}
    for row in rows:
        call = row.get("call_id")
        if not call or "updated_at" not in row:
            continue
        other = newest.setdefault(call, row)
        if other is not row:
            old, new = sorted((other, row), key=lambda it: it["updated_at"] or dt.datetime.min.replace(tzinfo=dt.UTC))
            if old["updated_at"] == new["updated_at"]:
                old, new = row, other
            newest[call] = new
            old["filtered"] = "repeat_delivery"


def _ratings(rows: list[Row], settings: Settings) -> Iterator[Row]:
    """The callers' scores of calls that stay."""
    for row in rows:
        key = row.get("score")
        if key is None or not settings.satisfaction or row.get("filtered") or row.get("reason"):
            continue
        unknown = {} if key in settings.satisfaction else {"reason": "value_unmapped:score"}
        yield {
            "buyer_id": row["customer_id"],
            "account_id": row["account_id"],
            "rated_at": row["ended_at"],
            "score": settings.satisfaction.get(key),
            "scale_max": settings.scale_max,
            "source_line": row["source_line"],
        } | unknown


# --------------------------------------------------------------------------------------------------------- formats

CONNECT_IN = {word: "in" for word in ("inbound", "transfer", "queue_transfer", "webrtc_api", "flow", "disconnect")}
CONNECT_WAYS = CONNECT_IN | {word: "out" for word in ("outbound", "external_outbound", "callback", "api")}


def _connect(call: dict[str, Any], reader: _Reader) -> Row:
    agent, queue, customer = (lowered(call.get(part)) for part in ("agent", "queue", "customerendpoint"))
    row: Row = {"call_id": as_text(call.get("contactid"))}
    row["updated_at"] = moment(call.get("lastupdatetimestamp"), reader.zone)
    if as_text(call.get("channel")) not in ("VOICE", None):
        return row | {"filtered": "other_channel"}
    if call.get("initiationmethod") == "MONITOR":
        return row | {"filtered": "monitoring"}
    row["direction"] = reader.meaning(row, "direction", call.get("initiationmethod"), CONNECT_WAYS)
    queued = call.get("initiationtimestamp") if row["direction"] == "out" else queue.get("enqueuetimestamp")
    if row["direction"] == "in" and not queued:
        return row | {"filtered": "never_queued"}
    answered = reader.time(row, "answered_at", agent.get("connectedtoagenttimestamp"))
    return row | {
        "queued_at": reader.time(row, "queued_at", queued),
        "answered_at": answered,
        "ended_at": reader.time(row, "ended_at", call.get("disconnecttimestamp")),
        "outcome": "answered" if answered else "abandoned",
        "customer_id": _number(customer.get("address"), reader),
        "account_id": account(agent.get("username")) if answered else None,
        "hold_us": records.duration(agent.get("customerholdduration")),
        "wrap_us": records.duration(agent.get("aftercontactworkduration")),
        "talk_us": records.duration(agent.get("agentinteractionduration")) if answered else None,
        "transferred": bool(call.get("transfercompletedtimestamp")),
        **row,
    }


ALIYUN_WAYS = {"inbound": "in"} | {word: "out" for word in ("outbound", "back2back", "predictive", "privacydial")}
ALIYUN_OUTCOMES = (
    {word: "answered" for word in ("success", "forwardtooutsidenumber")}
    | {word: "abandoned" for word in ("abandonedinqueue", "abandonedinring", "noanswer", "queuingtimeout", "voicemail")}
    | {word: "blocked" for word in ("queuingfailed", "queuingoverflow", "reject", "ivrexception")}
    | {word: "never_queued" for word in ("abandonedinivr", "abandonedinvoicenavigator")}
)


def _aliyun(call: dict[str, Any], reader: _Reader) -> Row:
    row: Row = {"call_id": as_text(call.get("contactid"))}
    kind = (as_text(call.get("contacttype")) or "").replace("_", "")
    if (as_text(call.get("mediatype")) or "AUDIO") != "AUDIO" or kind.lower() in ("internal", "conference"):
        return row | {"filtered": "other_channel"}
    row["direction"] = reader.meaning(row, "direction", kind, ALIYUN_WAYS)
    outcome = reader.meaning(row, "outcome", call.get("contactdisposition"), ALIYUN_OUTCOMES)
    agents = [name.strip() for name in (as_text(call.get("agentids")) or "").split(",") if name.strip()]
    if row["direction"] == "in" and (outcome == "never_queued" or (outcome == "answered" and not agents)):
        return row | {"filtered": "never_queued"}  # left in the menu, served by it, or sent on to another line
    outward = row["direction"] == "out"
    begun = reader.time(row, "queued_at", call.get("starttime"), MILLISECOND)
    queued = begun if outward else _joined_queue(begun, call, reader)
    taken = outcome == "answered"
    return row | {
        "outcome": "abandoned" if outcome == "never_queued" else outcome,
        "queued_at": queued,
        "answered_at": _taken(queued, call, row, reader) if taken else None,
        "ended_at": reader.time(row, "ended_at", call.get("releasetime"), MILLISECOND),
        "customer_id": _number(call.get("callednumber" if outward else "callingnumber"), reader),
        "account_id": account(agents[0]) if taken and agents else None,
        "hold_us": records.duration(call.get("heldtime")),
        "talk_us": records.duration(call.get("talktime")) if taken else None,
        "transferred": len(agents) > 1 or call.get("contactdisposition") == "ForwardToOutsideNumber",
        "score": as_text(call.get("satisfactionindex")) if call.get("satisfactionindex") else None,
        **row,
    }


def _joined_queue(begun: dt.datetime | None, call: dict[str, Any], reader: _Reader) -> dt.datetime | None:
    """When the menu was left for the queue: QueueTime if it is a time, else the start and the seconds in the menu."""
    waited = call.get("queuetime")
    if isinstance(waited, int | float) and waited > LOOKS_LIKE_A_TIME:
        return moment(waited, reader.zone, MILLISECOND)
    return begun and begun + dt.timedelta(microseconds=records.duration(call.get("ivrtime")) or 0)


def _taken(queued: dt.datetime | None, call: dict[str, Any], row: Row, reader: _Reader) -> dt.datetime | None:
    """When the agent took the call; where EstablishedTime is that of the menu, the queue's start and the wait."""
    established = reader.time(row, "answered_at", call.get("establishedtime"), MILLISECOND)
    waited = records.duration(call.get("waittime"))
    if queued and established and established < queued and waited is not None:
        return queued + dt.timedelta(microseconds=waited)
    return established


LEFT_QUEUE = {"-1": "abandoned", "2": "abandoned", "3": "abandoned", "4": "blocked"}  # 4: no agent logged in


def _tianrun(call: dict[str, Any], reader: _Reader) -> Row:
    row: Row = {"call_id": as_text(call.get("mainuniqueid"))}
    outward = "外呼" in (as_text(call.get("calltype")) or "")
    queued = call.get("starttime") if outward else call.get("firstjoinqueuetime")
    if not queued:
        return row | {"filtered": "never_queued"} if not outward else row | {"direction": "out"}
    answered = reader.time(row, "answered_at", call.get("bridgetime"))
    left = reader.meaning(row, "outcome", call.get("leavequeuecode"), LEFT_QUEUE | {"1": "abandoned"})
    return row | {
        "direction": "out" if outward else "in",
        "outcome": "answered" if answered else left or "abandoned",
        "queued_at": reader.time(row, "queued_at", queued),
        "answered_at": answered,
        "ended_at": reader.time(row, "ended_at", call.get("endtime")),
        "customer_id": _number(call.get("customernumber"), reader),
        "account_id": account(call.get("cno") if outward else call.get("firstcallcno")) if answered else None,
        "talk_us": records.duration(call.get("bridgeduration")) if answered else None,
        "score": as_text(call.get("investigationkeys")) if call.get("investigationkeys") else None,
        **row,
    }


TWILIO_WAYS = {"inbound": "in", "outbound-api": "out", "outbound-dial": "out"}
TWILIO_OUTCOMES = {"completed": "answered", "busy": "blocked", "failed": "blocked"} | {
    word: "abandoned" for word in ("no-answer", "canceled")
}


def _twilio(call: dict[str, Any], reader: _Reader) -> Row:
    """A call; Twilio knows neither the agent nor when it was taken, so its wait is null."""
    row: Row = {"call_id": as_text(call.get("sid"))}
    if call.get("parent_call_sid"):
        return row | {"filtered": "leg_of_a_call"}
    if call.get("status") in ("queued", "ringing", "in-progress"):
        return row | {"filtered": "unfinished"}
    row["direction"] = reader.meaning(row, "direction", call.get("direction"), TWILIO_WAYS)
    row["outcome"] = reader.meaning(row, "outcome", call.get("status"), TWILIO_OUTCOMES)
    begun = call.get("start_time") or call.get("date_created")
    return row | {
        "queued_at": reader.time(row, "queued_at", begun),
        "ended_at": reader.time(row, "ended_at", call.get("end_time") or begun),
        "customer_id": _number(call.get("to" if row["direction"] == "out" else "from"), reader),
        "account_id": None,
        "talk_us": records.duration(call.get("duration")) if row["outcome"] == "answered" else None,
        **row,
    }


def _number(address: object, reader: _Reader) -> str | None:
    """The hash that stands for the customer's number; null where it is withheld."""
    text = as_text(address)
    return text and reader.secret.hashed(text)


def _words(**columns: tuple[str, dict[str, str]]) -> dict[str, tuple[str, str]]:
    return {column: (heading, listed(words)) for column, (heading, words) in columns.items()}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.lower().split())


FORMATS = {
    "connect.ctr": _Format(
        "contact record",
        (_names("ContactId InitiationTimestamp"), _names("ContactId LastUpdateTimestamp")),
        _names(
            "ContactId Channel InitiationMethod InitiationTimestamp DisconnectTimestamp LastUpdateTimestamp Agent "
            "Queue CustomerEndpoint TransferCompletedTimestamp"
        ),
        _names("CustomerEndpoint SystemEndpoint TransferredToEndpoint Attributes Recording Recordings"),
        _connect,
        _words(direction=("InitiationMethod", CONNECT_WAYS)),
    ),
    "aliyun_ccc.cdr": _Format(
        "ListCallDetailRecords",
        (_names("ContactId ContactDisposition"), _names("ContactId ReleaseTime CallingNumber")),
        _names(
            "ContactId ContactType ContactDisposition CallingNumber CalledNumber StartTime IvrTime QueueTime WaitTime "
            "EstablishedTime ReleaseTime AgentIds HeldTime TalkTime SatisfactionIndex MediaType"
        ),
        _names("CallingNumber CalledNumber AgentNames CalleeLocation CallerLocation AdditionalBroker Broker"),
        _aliyun,
        _words(direction=("ContactType", ALIYUN_WAYS), outcome=("ContactDisposition", ALIYUN_OUTCOMES)),
    ),
    "tianrun.cdr": _Format(
        "clink",
        (_names("MainUniqueId StartTime"), _names("MainUniqueId BridgeTime"), _names("MainUniqueId CustomerNumber")),
        _names(
            "MainUniqueId CustomerNumber CallType StartTime FirstJoinQueueTime BridgeTime BridgeDuration EndTime "
            "FirstCallCno Cno LeaveQueueCode InvestigationKeys"
        ),
        _names("CustomerNumber FirstCallCname FirstCallNumber ClientName ClientNumber CustomerName RecordFile"),
        _tianrun,
        _words(outcome=("LeaveQueueCode", LEFT_QUEUE)),
    ),
    "twilio.calls": _Format(
        "2010-04-01",
        (_names("sid account_sid parent_call_sid"), _names("sid phone_number_sid direction")),
        _names("sid parent_call_sid from to status start_time end_time duration direction date_created"),
        _names("from to from_formatted to_formatted caller_name forwarded_from"),
        _twilio,
        _words(direction=("direction", TWILIO_WAYS), outcome=("status", TWILIO_OUTCOMES)),
    ),
}
