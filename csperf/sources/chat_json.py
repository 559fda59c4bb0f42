"""Chats as help desks give them in JSON: Chatwoot, Zendesk, Intercom and Freshdesk; a record is a message or event."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..settings import TimeZone
from . import decode, records, wangwang
from .loaded import RAW, Loaded, Shop
from .personal import Secret, account, as_text, masked
from .records import Row, lowered, moment, seal_rows

SHOWN = ("kind", "sent_at", "message_id")
TAG, BREAK = re.compile(r"<[^>]*>"), re.compile(r"<(?:br|/p|/div|/li)\b[^>]*>", re.IGNORECASE)


class Settings(BaseModel):
    """`accounts`: ids of agents, for Zendesk's comments that come without `users` and without the requester."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["chat_json"] = "chat_json"
    files: str = Field(examples=["exports/chats/*.json"])
    accounts: tuple[str, ...] = ()
    timezone: TimeZone | None = None


@dataclass
class _File:
    """What a file's records are read with, and the rows that they have become, by table."""

    path: Path
    zone: str | None
    secret: Secret
    agents: frozenset[str]
    roles: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[Row]] = field(default_factory=lambda: defaultdict(list))
    fields: set[str] = field(default_factory=set)
    read: int = 0

    def next_line(self, record: object) -> int:
        """The number of a record; its fields are noted."""
        self.fields |= set(record) if isinstance(record, dict) else set()
        self.read += 1
        return self.read

    def say(self, record: object, conversation: object, **row: Any) -> Row:
        """Adds a message; `at` is the time as written, `written` the kind as the file has it."""
        at, kind = row.pop("at", None), row.pop("written", None)
        row |= {"source_line": self.next_line(record), "conversation_id": as_text(conversation)}
        row |= {
            "sent_at": moment(at, self.zone),
            f"{RAW}sent_at": masked(as_text(at)),
            f"{RAW}kind": masked(as_text(kind)),
        }
        row[f"{RAW}message_id"] = row.get("message_id")
        row["text"] = masked(row.get("text") or None)
        if at and not row["sent_at"]:
            row.setdefault("reason", "time_unreadable:sent_at")
        self.rows["messages"].append(row)
        return row

    def reject(self, record: object) -> None:
        """Adds what is no record, with the reason."""
        reason = "broken_line" if isinstance(record, records.Broken) else "record_unknown"
        self.rows["messages"].append({"source_line": self.next_line(record), "reason": reason})


@dataclass(frozen=True)
class _Format:
    """How a format is known and read. `known`: fields that only its records, or their covers, have."""

    signature: tuple[frozenset[str], ...]
    known: frozenset[str]
    used: frozenset[str]
    read: Callable[[Any, tuple[dict, ...], _File], None]
    kinds: tuple[str, str]


def recognises(head: bytes, name: str) -> str | None:
    """The format of a file by the names of fields in its beginning, null where it is none of these."""
    return records.format_of(head, FORMATS)


def load(path: Path, settings: Settings, shop: Shop) -> Loaded:
    """The messages of a file; of Zendesk's audits also the tickets' events, of Intercom the conversations' ratings.

    Who a conversation is with, and which agent a customer's message waits for, is filled in from the conversation.
    source_line is the record's number. CsperfError where the file is none of the formats, is cut short, does not tell
    agents from customers, or knows customers only by e-mail while the shop has no key.
    """
    key, form, values = records.opened(path, FORMATS)
    told = _File(path, settings.timezone or shop.timezone, Secret(path, shop.key), frozenset(settings.accounts))
    told.roles.update(_roles(values))
    for record, around in records.each(values, form.known):
        if isinstance(record, dict):
            form.read(record, around, told)
        else:
            told.reject(record)
    _fill_both_sides(told)
    beside = [seal_rows(name, told.rows[name], (), path, shop) for name in ("tickets", "ratings")]
    loaded = records.together(told.read, seal_rows("messages", told.rows["messages"], SHOWN, path, shop), *beside)
    found = records.recognised(key, "", told.fields, form.used, PERSONAL)
    return replace(loaded, cells={"kind": form.kinds}, recognised=found)


def _fill_both_sides(told: _File) -> None:
    """Each message's buyer and account, where its conversation tells them: the last before it, else the next.

    The buyer of a conversation in which only agents wrote is the one it was addressed to.
    """
    rows = told.rows["messages"]
    chats: dict[object, list[Row]] = defaultdict(list)
    for row in rows:
        if row.get("sent_at"):
            chats[row.get("conversation_id") or row.get("cover")].append(row)
    for chat in chats.values():
        chat.sort(key=lambda row: (row["sent_at"], row["source_line"]))
        addressed = next((row["addressed"] for row in chat if row.get("addressed")), None)
        if addressed and not any(row.get("buyer_id") for row in chat):
            chat[0]["buyer_id"] = told.secret.customer(None, addressed)
        for column, after in (("buyer_id", chat), ("account_id", [row | _taken_over(row) for row in chat])):
            before = wangwang.forward([None, *(row.get(column) for row in after)])
            own = [row.get(column) or last for row, last in zip(chat, before, strict=False)]
            for row, name in zip(chat, wangwang.forward(own[::-1])[::-1], strict=True):
                row[column] = name
    for row in rows:
        if row.get("sent_at") and not row.get("buyer_id"):
            row.setdefault("reason", "agent_without_buyer")


def _taken_over(row: Row) -> Row:
    """Who answers for the conversation after this message."""
    return {"account_id": row["to_account"]} if row.get("to_account") else {}


def _plain(body: object) -> str | None:
    """A message without its HTML, null where nothing is left."""
    text = html.unescape(TAG.sub("", BREAK.sub("\n", str(body)))).strip() if body else ""
    return text or None


def _roles(values: Iterable[object]) -> Iterator[tuple[str, str]]:
    """Id and role of each of Zendesk's users in the file."""
    for value in values:
        for user in lowered(value).get("users") or []:
            if isinstance(user, dict) and as_text(user.get("id")):
                yield as_text(user["id"]) or "", as_text(user.get("role")) or ""


# -------------------------------------------------------------------------------------------------------- Chatwoot

CHATWOOT_TYPES = dict(zip("0123", ("incoming", "outgoing", "activity", "template"), strict=True))
CARDS = ("cards", "article", "form", "input_select", "input_text", "input_email", "integrations")


def _chatwoot(message: dict, around: tuple[dict, ...], told: _File) -> None:
    written = as_text(message.get("message_type")) or ""
    way = CHATWOOT_TYPES.get(written, written)
    sender = lowered(message.get("sender"))
    row: Row = {"message_id": as_text(message.get("id")), "at": message.get("created_at"), "written": written}
    row |= _chatwoot_said(way, message, sender) if way in CHATWOOT_TYPES.values() else _unknown_kind()
    who = (as_text(sender.get("type") or message.get("sender_type")) or "").lower()
    if way == "incoming":
        row["buyer_id"] = told.secret.customer(
            sender.get("id") or message.get("sender_id"), sender.get("email"), sender.get("phone_number")
        )
    elif row.get("sender") == "human" or who == "user":
        row["account_id"] = account(sender.get("id") or message.get("sender_id"))
    row["buyer_id"] = row.get("buyer_id") or _chatwoot_contact(around, told)
    conversation = message.get("conversation_id") or (around and around[-1].get("id")) or None
    told.say(message, conversation, **row)


def _chatwoot_said(way: str, message: dict, sender: dict) -> Row:
    """Sender, kind and text of a message of a known type."""
    form = message.get("content_type")
    if way == "activity":
        return {"sender": "system", "kind": "system"}  # its words name people
    bot = (as_text(sender.get("type")) or "").lower() in ("agent_bot", "agentbot")
    told = bool(sender) or message.get("sender_id")
    person = "buyer" if way == "incoming" else "bot" if bot else "auto" if way == "template" or not told else "human"
    kind = "rating_invite" if form == "input_csat" else "sticker" if form == "sticker" else "text"
    if (message.get("content_attributes") or {}).get("deleted"):
        return {"sender": person, "kind": "recall"}
    if message.get("private"):
        return {"sender": person, "kind": "note", "text": _plain(message.get("content"))}
    return {"sender": person, "kind": "card" if form in CARDS else kind, "text": _plain(message.get("content"))}


def _chatwoot_contact(around: tuple[dict, ...], told: _File) -> str | None:
    """The customer that the objects around a message name."""
    for cover in reversed(around):
        meta = lowered(cover.get("meta"))
        contact = lowered(meta.get("contact") or meta.get("sender"))
        if contact:
            return told.secret.customer(contact.get("id"), contact.get("email"), contact.get("phone_number"))
    return None


def _unknown_kind() -> Row:
    return {"reason": "value_unmapped:kind"}


# --------------------------------------------------------------------------------------------------------- Zendesk

STATES = {"solved": "resolved", "closed": "closed", "pending": "waiting", "hold": "waiting"}
AT_REST, WAITING = ("solved", "closed"), ("pending", "hold")


def _zendesk(ticket: dict, around: tuple[dict, ...], told: _File) -> None:
    """A ticket with its comments, a list of comments, or an audit with its events."""
    requester = as_text(ticket.get("requester_id") or lowered(ticket.get("requester")).get("id"))
    number = as_text(ticket.get("ticket_id") or (ticket.get("id") if "requester_id" in ticket else None))
    number = number or as_text(ticket.get("id")) if requester else number
    for comment in _objects(ticket.get("comments"), told):
        _comment(comment, number, requester, told)
    for event in _objects(ticket.get("events"), told):
        _event({**event, "created_at": ticket.get("created_at")}, ticket, told)
    if "comments" not in ticket and "events" not in ticket:
        _comment(ticket, None, None, told)["cover"] = id(around[-1]) if around else None


def _objects(value: object, told: _File) -> Iterator[dict]:
    """The objects of a list; anything else in it is rejected."""
    for inner in value if isinstance(value, list) else []:
        if isinstance(inner, dict):
            yield inner
        else:
            told.reject(inner)


def _comment(comment: dict, ticket: str | None, requester: str | None, told: _File) -> Row:
    author = as_text(comment.get("author_id"))
    written = as_text(comment.get("type")) or "Comment"
    channel = lowered(comment.get("via")).get("channel")
    side = _side(author, requester, channel, told)
    row: Row = {"sender": side, "kind": "text" if comment.get("public", True) else "note"}
    if written not in ("Comment", "VoiceComment"):
        row |= _unknown_kind()
    if written == "VoiceComment":
        row["kind"] = "note"  # a telephone call, told in words
    row |= {"buyer_id": requester or (author if side == "buyer" else None), "written": written}
    row |= {"account_id": account(author) if side == "human" else None, "at": comment.get("created_at")}
    body = comment.get("plain_body") or comment.get("body") or comment.get("html_body")
    row |= {"text": _plain(body), "message_id": as_text(comment.get("id"))}
    return told.say(comment, ticket, **row)


def _side(author: str | None, requester: str | None, channel: object, told: _File) -> str:
    """buyer, human or auto; CsperfError where nothing in the file tells agents from customers."""
    if author == "-1" or channel in ("rule", "system"):
        return "auto"
    if author in told.roles:
        return "buyer" if told.roles[author] == "end-user" else "human"
    if author in told.agents:
        return "human"
    if requester or told.agents:
        return "buyer" if told.agents or author == requester else "human"
    raise decode.problem(told.path, "agents_unknown")


def _event(event: dict, audit: dict, told: _File) -> None:
    """An event of an audit: a comment is a message, a change of state or agent an event of the ticket."""
    author = as_text(event.get("author_id") or audit.get("author_id"))
    ticket, kind = as_text(audit.get("ticket_id")), event.get("type")
    if kind in ("Comment", "VoiceComment"):
        said = _comment({**event, "author_id": author, "via": event.get("via") or audit.get("via")}, ticket, None, told)
        if said["sender"] == "human" and said["kind"] == "text":
            _step(said["source_line"], "replied", audit, author, None, told)
        return
    step = _step_of(event) if kind in ("Create", "Change") else None
    line = told.next_line(event)
    if not step:
        told.rows["messages"].append({"source_line": line, "filtered": "other_event"})
        return
    name, value = event.get("field_name"), as_text(event.get("value"))
    agent = author in told.agents or told.roles.get(author or "", "end-user") != "end-user"
    who = value if name == "assignee_id" else author if agent else None
    _step(line, step, audit, who, value if name == "group_id" else None, told)


def _step(line: int, step: str, audit: dict, who: str | None, team: str | None, told: _File) -> None:
    row = {"ticket_id": as_text(audit.get("ticket_id")), "at": moment(audit.get("created_at"), told.zone)}
    told.rows["tickets"].append(
        row | {"event": step, "account_id": account(who), "team": team, "source_line": line, "filtered": None}
    )


def _step_of(event: dict) -> str | None:
    """What a change of a field means for the ticket; null where it is none of the contract's events."""
    name, value, before = event.get("field_name"), event.get("value"), event.get("previous_value")
    if name in ("assignee_id", "group_id"):
        return "assigned" if value else None
    if name != "status":
        return None
    if event.get("type") == "Create":
        return "created"
    if value == "open":
        return "reopened" if before in AT_REST else "resumed" if before in WAITING else None
    return STATES.get(str(value))


# -------------------------------------------------------------------------------------------------------- Intercom

SAID = ("comment", "quick_reply", "note", "note_and_reopen", "assign_and_reopen", "assign_and_unsnooze")
EVENTS = re.compile(
    r"^(?:open|snoozed|unsnoozed|timer_unsnooze|.*assignment|(?:participant|conversation|operator|custom|ticket|fin)_\w+"
    r"|language_detection_details|channel_and_reply_time_expectation|title_changed)$"
)


def _intercom(conversation: dict, around: tuple[dict, ...], told: _File) -> None:
    number = conversation.get("id")
    customers = lowered(conversation.get("contacts")).get("contacts") or conversation.get("customers") or []
    known = [told.secret.customer(lowered(one).get("id"), lowered(one).get("email")) for one in customers]
    buyer = next(filter(None, known), None)
    first = conversation.get("source") or conversation.get("conversation_message")
    line = told.read + 1
    if isinstance(first, dict):
        automatic = first.get("delivered_as") in ("automated", "campaign_initiated", "operator_initiated")
        part = {"part_type": "comment", "created_at": conversation.get("created_at"), **first}
        _part(part, number, buyer, told, automatic=automatic)
    parts = conversation.get("conversation_parts")
    for part in _objects(parts.get("conversation_parts") if isinstance(parts, dict) else parts, told):
        _part(part, number, buyer, told)
    rating = lowered(conversation.get("conversation_rating"))
    if rating.get("rating") is not None and told.read >= line:
        told.rows["ratings"].append(_rating(rating, buyer, line, told))


def _part(part: dict, number: object, buyer: str | None, told: _File, *, automatic: bool = False) -> None:
    author, written = lowered(part.get("author")), as_text(part.get("part_type")) or ""
    kind = as_text(author.get("type")) or ""
    text = _plain(part.get("body"))
    side = (
        "buyer"
        if kind in ("user", "lead", "contact")
        else "bot"
        if kind == "bot" or author.get("from_ai_agent")
        else ""
    )
    side = side or ("auto" if automatic or kind == "team" else "human")
    row: Row = {"sender": side, "kind": "note" if written.startswith("note") else "text", "text": text}
    to = lowered(part.get("assigned_to"))
    if to.get("type") == "admin" and not text:
        row |= {"sender": "system", "kind": "transfer", "to_account": account(to.get("id"))}
    elif written == "close" and not text:
        row |= {"sender": "system", "kind": "close"}
    elif written not in (*SAID, "close", "open", "assignment") and not EVENTS.match(written):
        row |= _unknown_kind()
    elif not text and written not in SAID:
        row |= {"sender": "system", "kind": "system"}
    if part.get("redacted"):
        row |= {"kind": "recall", "text": None}
    row["account_id"] = account(author.get("id")) if side == "human" and row["sender"] == "human" else None
    row["buyer_id"] = told.secret.customer(author.get("id"), author.get("email")) if side == "buyer" else buyer
    told.say(part, number, message_id=as_text(part.get("id")), at=part.get("created_at"), written=written, **row)


def _rating(rating: dict, buyer: str | None, line: int, told: _File) -> Row:
    by = lowered(rating.get("contact") or rating.get("customer"))
    score = rating.get("rating")
    return {
        "buyer_id": told.secret.customer(by.get("id")) or buyer,
        "account_id": account(lowered(rating.get("teammate")).get("id")),
        "rated_at": moment(rating.get("created_at"), told.zone),
        "score": float(score) if isinstance(score, int | float) else None,
        "scale_max": 5.0,
        "source_line": line,
    }


# ------------------------------------------------------------------------------------------------------- Freshdesk

FRESHDESK_SOURCES = {"0": "text", "2": "note", "5": "text", "6": "system", "7": "text", "8": "note"} | {
    number: "text" for number in ("9", "10", "11")
}


def _freshdesk(record: dict, around: tuple[dict, ...], told: _File) -> None:
    """A message of a ticket, or a ticket with its messages, whose description is the customer's first."""
    if "conversations" in record:
        buyer = told.secret.customer(record.get("requester_id"), lowered(record.get("requester")).get("email"))
        if record.get("description_text") or record.get("description"):
            text = record.get("description_text") or _plain(record.get("description"))
            first = {"sender": "buyer", "kind": "text", "text": text, "at": record.get("created_at"), "buyer_id": buyer}
            told.say(record, record.get("id"), message_id=f"ticket-{as_text(record.get('id'))}", **first)
        for inner in _objects(record.get("conversations"), told):
            _freshdesk_said(inner, record.get("id"), buyer, told)
    else:
        _freshdesk_said(record, record.get("ticket_id"), None, told)


def _freshdesk_said(message: dict, ticket: object, buyer: str | None, told: _File) -> None:
    written = as_text(message.get("source")) or "0"
    incoming = bool(message.get("incoming"))
    text = message.get("body_text") or _plain(message.get("body"))
    row: Row = {"sender": "buyer" if incoming else "human", "kind": FRESHDESK_SOURCES.get(written), "text": text}
    row |= {} if row["kind"] else _unknown_kind()
    row |= {"kind": "note"} if message.get("private") else {}
    row |= {"sender": "system", "text": None} if row["kind"] == "system" else {}
    addressed = next(iter(message.get("to_emails") or []), None) if row["kind"] == "text" else None
    customer = told.secret.customer
    if incoming:
        row["buyer_id"] = buyer or customer(message.get("user_id"), message.get("from_email"))
    else:
        row |= {"buyer_id": buyer, "account_id": account(message.get("user_id"))}
        row["addressed"] = addressed
    row |= {"message_id": as_text(message.get("id")), "at": message.get("created_at"), "written": written}
    told.say(message, ticket or message.get("ticket_id"), **row)


# --------------------------------------------------------------------------------------------------------- formats


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


PERSONAL = _names(
    "name email phone phone_number sender requester submitter author from_email to_emails cc_emails bcc_emails "
    "support_email user customer customers contacts attachments metadata subject title description description_text "
    "via html_body body_text"
)
FORMATS = {
    "chatwoot.messages": _Format(
        (_names("message_type content conversation_id"), _names("message_type content_type private")),
        _names("message_type content content_type private"),
        _names("id content message_type content_type content_attributes private created_at conversation_id sender"),
        _chatwoot,
        ("message_type", "0, 1, 2, 3"),
    ),
    "intercom.conversations": _Format(
        (_names("conversation_parts"),),
        _names("conversation_parts source conversation_message contacts conversation_rating statistics"),
        _names("id part_type body created_at author assigned_to redacted delivered_as"),
        _intercom,
        ("part_type", ", ".join((*SAID, "close"))),
    ),
    "freshdesk.conversations": _Format(
        (_names("incoming private body_text"), _names("conversations incoming body")),
        _names("incoming private body_text conversations requester_id description_text"),
        _names("id body body_text ticket_id user_id incoming private source created_at from_email requester_id"),
        _freshdesk,
        ("source", ", ".join(FRESHDESK_SOURCES)),
    ),
    "zendesk.tickets": _Format(
        (
            _names("author_id public body created_at"),
            _names("author_id html_body created_at"),
            _names("ticket_id events author_id"),
        ),
        _names("comments events requester_id requester author_id public body html_body ticket_id"),
        _names("id type author_id body plain_body html_body public via created_at requester_id field_name value"),
        _zendesk,
        ("type", "Comment, VoiceComment"),
    ),
}
