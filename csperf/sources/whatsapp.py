"""WhatsApp's “export chat” text, from Android or iOS, in English, Chinese and other languages' forms of date."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from ..settings import TimeZone, listed
from . import decode, wangwang
from .loaded import RAW, Loaded, Notice, Recognised, Shop, account_name
from .personal import Secret, masked
from .records import Row, seal_rows

LOOKED_AT = 20  # lines
INVISIBLE = re.compile("[\u200e\u200f\u202a-\u202e\ufeff]")
NARROW_BLANK = re.compile("[\u202f\u00a0]")
HALF_OF_DAY = r"上午|下午|凌晨|清晨|早上|中午|傍晚|晚上"
HEAD = re.compile(
    r"^(?P<ios>\[)?(?P<a>\d{1,4})(?P<sign>[/.-])(?P<b>\d{1,2})(?P=sign)(?P<c>\d{2,4}),?\s+(?:klo|um|kl\.?|à|alle)?\s*"
    rf"(?P<half>{HALF_OF_DAY})?\s*(?P<hour>\d{{1,2}})[:.](?P<minute>\d{{2}})(?:[:.](?P<second>\d{{2}}))?"
    r"\s*(?P<noon>[AaPp]\.?\s?[Mm]\.?)?(?(ios)\]\s?|\s+-\s)(?P<rest>.*)$"
)
SAID_BY = re.compile(r"^(?P<name>[^:]{1,100}?):(?:\s(?P<text>.*)|)$")
AFTERNOON = ("下午", "傍晚", "晚上", "中午")
CENTURY = 2000
YEAR_DIGITS = 4
MONTHS = 12
EDITED = re.compile(r"\s*<(?:This message was edited|此消息已编辑|已编辑)>$")
STICKER = re.compile(r"^<?(?:sticker omitted|省略贴图|忽略贴图)>?$|^STK-\S+\.webp \(", re.IGNORECASE)
MEDIA = re.compile(
    r"^<?(?:media|image|video|audio|document|GIF|contact card) omitted>?$|^<(?:省略|忽略)[^>]*>$|^<attached: .*>$"
    r"|^\S+\.\w{2,4} \((?:file attached|文件附件|附件)\)$",
    re.IGNORECASE,
)
DELETED = re.compile(
    r"^(?:This message was deleted|You deleted this message|(?:此|这条)消息已(?:被)?删除|[您你]已?删除了?[此这]条?消息)"
    r"[.。]?$"
)


class Settings(BaseModel):
    """`accounts`: the shop's own names as the chat shows them, required, since the file does not say who is who.

    `date_order`: the order of day, month and year, where the file's own dates leave it open.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["whatsapp"] = "whatsapp"
    files: str = Field(examples=["exports/chats/WhatsApp*.txt"])
    accounts: tuple[str, ...] = Field(default=(), examples=[["Example Store"]])
    bots: tuple[str, ...] = ()
    auto_texts: tuple[str, ...] = ()
    date_order: Literal["", "dmy", "mdy", "ymd"] = ""
    timezone: TimeZone | None = None


@dataclass
class _Message:
    """A message as it stands in the chat; `name` is null on the system's lines."""

    line: int
    head: re.Match[str]
    name: str | None
    body: list[str] = field(default_factory=list)


def recognises(head: bytes, name: str) -> str | None:
    """whatsapp.chat where the first line that is filled begins like an exported message, else null."""
    lines = head.decode("utf-8", errors="ignore").splitlines()[:LOOKED_AT]
    first = next((line for line in map(_plain, lines) if line.strip()), "")
    return "whatsapp.chat" if HEAD.match(first) else None


def load(path: Path, settings: Settings, shop: Shop) -> Loaded:
    """The messages of a chat; a record read is a message or a line of the system. Customers' names become keyed hashes.

    CsperfError where the settings do not say which names are the shop's, none of them stands in the chat, the order of
    day and month cannot be told, no zone is known, or the shop has no key.
    """
    lines = [_plain(line) for line in decode.read_text(path).split("\n")]
    messages = list(_messages(lines))
    if not messages:
        raise decode.problem(path, "no_heads")
    zone = settings.timezone or shop.timezone
    if not zone:
        raise decode.problem(path, "time_without_zone", line=messages[0].line, rows=len(messages))
    own = frozenset(map(account_name, (*settings.accounts, *settings.bots)))
    if not own:
        raise decode.problem(path, "accounts_needed")
    if not any(message.name and account_name(message.name) in own for message in messages):
        raise decode.problem(path, "accounts_absent", accounts=listed(settings.accounts))
    order = settings.date_order or _date_order(path, messages)
    rows = _rows(messages, own, partial(_time, order=order, zone=ZoneInfo(zone)), settings, Secret(path, shop.key))
    version = "iOS" if messages[0].head["ios"] else "Android"
    loaded = seal_rows("messages", rows, ("sent_at",), path, shop)
    return replace(loaded, warnings=_not_read(lines, messages[0].line), recognised=Recognised("whatsapp.chat", version))


def _plain(line: str) -> str:
    """The line without marks of direction, narrow blanks made plain."""
    return NARROW_BLANK.sub(" ", INVISIBLE.sub("", line))


def _messages(lines: Iterable[str]) -> Iterator[_Message]:
    """Messages with all the lines they run over."""
    message = None
    for number, line in enumerate(lines, 1):
        head = HEAD.match(line)
        if head:
            if message:
                yield message
            said = SAID_BY.match(head["rest"])
            message = _Message(number, head, said["name"].strip(), [said["text"] or ""]) if said else None
            message = message or _Message(number, head, None)
        elif message:
            message.body.append(line)
    if message:
        yield message


def _not_read(lines: Sequence[str], first: int) -> tuple[Notice, ...]:
    before = [number for number, line in enumerate(lines[: first - 1], 1) if line.strip()]
    return (Notice("unread_lines", {"n": len(before), "line": before[0]}),) if before else ()


# ----------------------------------------------------------------------------------------------------------- times


def _date_order(path: Path, messages: Sequence[_Message]) -> str:
    """dmy, mdy or ymd: by what only one order allows, else by the order in which the messages stand."""
    if len(messages[0].head["a"]) == YEAR_DIGITS:
        return "ymd"
    if messages[0].head["sign"] == ".":
        return "dmy"  # no country writes the month first with points
    day_first = next((message for message in messages if int(message.head["a"]) > MONTHS), None)
    month_first = next((message for message in messages if int(message.head["b"]) > MONTHS), None)
    if day_first and month_first:
        raise decode.problem(path, "date_order_mixed", day_first=day_first.line, month_first=month_first.line)
    if day_first or month_first:
        return "dmy" if day_first else "mdy"
    rising = [order for order in ("dmy", "mdy") if _rises([_day(message.head, order) for message in messages])]
    unclear = next((message.head for message in messages if message.head["a"] != message.head["b"]), None)
    if unclear and len(rising) != 1:
        raise decode.problem(path, "date_order_unclear", found=unclear["sign"].join(unclear[part] for part in "abc"))
    return rising[0] if unclear else "dmy"


def _rises(days: Sequence[tuple[int, int, int]]) -> bool:
    return all(one <= other for one, other in pairwise(days))


def _day(head: re.Match[str], order: str) -> tuple[int, int, int]:
    """Year, month, day."""
    parts = dict(zip(order, (int(head[part]) for part in "abc"), strict=True))
    return parts["y"] + CENTURY * (parts["y"] < CENTURY), parts["m"], parts["d"]


def _time(head: re.Match[str], *, order: str, zone: ZoneInfo) -> dt.datetime | None:
    """The time of a message, null where the calendar has no such moment."""
    hour, half = int(head["hour"]), head["half"]
    late = half in AFTERNOON or (head["noon"] or "").lower().startswith("p")
    if half or head["noon"]:
        hour = hour % MONTHS + MONTHS * late if not (half == "中午" and hour == MONTHS - 1) else hour
    try:
        return dt.datetime(*_day(head, order), hour, int(head["minute"]), int(head["second"] or 0), tzinfo=zone)
    except ValueError:
        return None


# ------------------------------------------------------------------------------------------------------------ rows


def _rows(messages: Sequence[_Message], own: frozenset[str], time, settings: Settings, secret: Secret) -> list[Row]:
    """The messages as rows: the account of a buyer's message is the last that wrote, else the next; and the reverse."""
    agents = [message.name if message.name and account_name(message.name) in own else None for message in messages]
    buyers = [None if agent else message.name for message, agent in zip(messages, agents, strict=True)]
    accounts = _both_ways(agents)
    customers = _both_ways(buyers)
    rows = []
    for message, agent, account, customer in zip(messages, agents, accounts, customers, strict=True):
        kind, text = _said(message)
        at = time(message.head)
        sender = _sender(agent, text, settings) if message.name else "system"
        written = message.head.group(0)[: message.head.start("rest")].strip()
        unusable = None if customer else "agent_without_buyer"
        rows.append(
            {
                "account_id": account and account_name(account),
                "buyer_id": customer and secret.hashed(customer),
                "sent_at": at,
                "sender": sender,
                "kind": kind,
                "text": masked(text),
                "source_line": message.line,
                "reason": unusable if at else "time_unreadable:sent_at",
                f"{RAW}sent_at": written,
            }
        )
    return rows


def _both_ways(names: Sequence[str | None]) -> list[str | None]:
    """Gaps filled with the last name before them, else with the next."""
    forward = wangwang.forward(names)
    return wangwang.forward(forward[::-1])[::-1]


def _sender(agent: str | None, text: str | None, settings: Settings) -> str:
    if not agent:
        return "buyer"
    if account_name(agent) in map(account_name, settings.bots):
        return "bot"
    return "auto" if text in settings.auto_texts else "human"


def _said(message: _Message) -> tuple[str, str | None]:
    """Kind and text; the system's lines name people, so that nothing of them is kept."""
    text = EDITED.sub("", "\n".join(message.body).strip())
    if message.name is None:
        return "system", None
    if DELETED.match(text):
        return "recall", None
    if STICKER.match(text):
        return "sticker", None
    return "text", None if MEDIA.match(text) or not text else text
