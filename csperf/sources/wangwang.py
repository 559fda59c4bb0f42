"""The text chat log of Wangwang and 千牛: a head with nick and time, then what was written, on one line or several."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Literal

import ibis
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field

from ..facts import INPUT
from ..settings import TimeZone
from . import decode
from .columns import in_zone
from .loaded import API_PREFIX, RAW, Loaded, Notice, Shop, account_name, filled_by_source, judged, seal, workbench
from .personal import masked

TIME = r"(?P<time>(\d{4})[-/](\d{1,2})[-/](\d{1,2})\s*(\d{1,2}):(\d{2}):(\d{2}))"
IN_BRACKETS = re.compile(rf"^(?P<nick>[^\s(（][^(（]*?)\s*[(（]{TIME}[)）]\s*[:：]?\s*(?P<text>.*)$")
TO_SOMEBODY = re.compile(rf"^(?P<nick>.+?)\s*-->\s*(?P<to>.+?)\s*{TIME}$")
PLAIN = re.compile(rf"^\[?(?P<nick>.+?)\]?\s*{TIME}$")
CLOCK = re.compile(rf"^{TIME}$")
HEADS = (IN_BRACKETS, TO_SOMEBODY, PLAIN)
COLONS_OF_A_TIME = 2
MID_LINE = r"(?<!^)(?={nick}(?:[:：]\w+)?\s*[(（]\d{{4}}-\d{{1,2}}-\d{{1,2}}\s*\d{{1,2}}:\d{{2}}:\d{{2}}[)）])"
TIME_INSIDE = re.compile(r"\d{1,2}:\d{2}:\d{2}[)）]")
DIVIDER = re.compile(r"^[-=—＝*]{5,}$")
READ_MARKS = frozenset({"已读", "未读", "发送中"})
RECALL = re.compile(r"^(?P<nick>.*?)\s*撤回了一条消息$")
TRANSFER = re.compile(r"^由\s*(?P<giver>.+?)\s*转交给\s*(?P<receiver>\S+)")
SYSTEM = re.compile(r"^(当前用户来自|商品推荐$|原因：【|由\s*.+?\s*转交给)")
LINK = re.compile(r"^https?://\S+$")
PRICE = re.compile(r"^[¥￥]\s*\d")
_MESSAGES = {field.name: field.type for field in INPUT["messages"].arrow}
_ROW = pa.schema(
    [(name, _MESSAGES[name]) for name in filled_by_source(INPUT["messages"]) if name != "sent_at"]
    + [("sent_at", pa.timestamp("us")), ("source_line", pa.int64()), ("filtered", pa.string()), ("reason", pa.string())]
    + [(f"{RAW}{name}", pa.string()) for name in ("account_id", "buyer_id", "sent_at")]
)


class Settings(BaseModel):
    """Which accounts are the shop's. Without any, nicks with a colon are, and the shops named before their colons."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["wangwang"] = "wangwang"
    files: str = Field(examples=["exports/chats/*.txt"])
    shop_names: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    auto_texts: tuple[str, ...] = ()
    bots: tuple[str, ...] = ()
    timezone: TimeZone | None = None


@dataclass
class Message:
    """A message as it stands in the log."""

    line: int
    nick: str
    clock: str
    to: str = ""
    body: list[str] = field(default_factory=list)


def load(path: Path, settings: Settings, shop: Shop) -> Loaded:
    """The messages of a log; a record read is a message.

    CsperfError where the file cannot be read, holds no message, does not show who the agents are, or where neither
    the source nor the shop names the zone of its times.
    """
    lines = decode.read_text(path).split("\n")
    return loaded_from(path, lines, chats_of(lines, settings), settings, shop)


def chats_of(lines: list[str], settings: Settings) -> list[list[Message]]:
    """The messages of the lines, a list for each chat between dividing lines."""
    return list(_chats(_parted(lines, settings)))


def loaded_from(path: Path, lines: list[str], chats: list[list[Message]], settings: Settings, shop: Shop) -> Loaded:
    """The messages of a log, once its `lines` are cut into chats; CsperfError as `load`."""
    messages = [message for chat in chats for message in chat]
    if not messages:
        raise decode.problem(path, "no_heads")
    zone = settings.timezone or shop.timezone
    if not zone:
        raise decode.problem(path, "time_without_zone", line=messages[0].line, rows=len(messages))
    sides = _Sides.of(messages, settings, shop)
    if not any(sides.is_agent(message.nick) for message in messages):
        raise decode.problem(path, "no_agents")
    rows = [row for chat in chats for row in _rows(chat, sides, settings)]
    with workbench() as con:
        con.register("messages", pa.Table.from_pylist(rows, _ROW))
        con.execute(f"CREATE TEMP TABLE rows AS {_judged_sql(zone)}")
        return seal(con, "messages", path, shop, _not_read(lines, messages[0].line))


def _not_read(lines: list[str], first: int) -> tuple[Notice, ...]:
    before = [number for number, line in enumerate(lines[: first - 1], 1) if line.strip() and not DIVIDER.match(line)]
    return (Notice("unread_lines", {"n": len(before), "line": before[0]}),) if before else ()


@cache
def _judged_sql(zone: str) -> str:
    rows = ibis.table(ibis.Schema.from_pyarrow(_ROW), name="messages")
    rows = rows.mutate(sent_at=in_zone(zone, rows.sent_at))
    return ibis.to_sql(judged(rows, INPUT["messages"]), dialect="duckdb")


# --------------------------------------------------------------------------------------------------------- the log


def _parted(lines: list[str], settings: Settings) -> Iterator[tuple[int, str]]:
    """Lines with their numbers; where a paste lost the line ends, a known nick with a time starts a line again."""
    heads = (IN_BRACKETS.match(line) for line in lines)
    nicks = {re.split("[:：]", head["nick"])[0].strip() for head in heads if head} | set(settings.shop_names)
    inside = re.compile("|".join(MID_LINE.format(nick=re.escape(nick)) for nick in sorted(nicks)) or "(?!)")
    for number, line in enumerate(lines, 1):
        for part in inside.split(line) if len(TIME_INSIDE.findall(line)) > 1 else [line]:
            yield number, part.strip("\ufeff\u200e")


def _chats(lines: Iterable[tuple[int, str]]) -> Iterator[list[Message]]:
    """The messages between dividing lines."""
    chat: list[Message] = []
    for number, line in lines:
        head = head_of(number, line)
        if DIVIDER.match(line.strip()):
            yield chat
            chat = []
        elif head:
            chat.append(head)
        elif (alone := CLOCK.match(line.strip())) and chat and chat[-1].body:
            chat.append(Message(number - 1, chat[-1].body.pop().strip(), alone["time"]))
        elif chat and line.strip() not in READ_MARKS:
            chat[-1].body.append(line)
    yield chat


def head_of(number: int, line: str) -> Message | None:
    """The message that begins on a line, null where none does."""
    if line.count(":") < COLONS_OF_A_TIME:
        return None  # most lines: seen faster than by three patterns
    for pattern in HEADS:
        found = pattern.match(line.strip())
        if found:
            parts = found.groupdict()
            text = parts.get("text")
            return Message(number, parts["nick"], parts["time"], parts.get("to") or "", [text] if text else [])
    return None


# --------------------------------------------------------------------------------------------------------- two sides


@dataclass(frozen=True)
class _Sides:
    """Who is who: names of shops (main accounts), single accounts, and colleagues."""

    shops: frozenset[str]
    accounts: frozenset[str]
    colleagues: frozenset[str]

    @classmethod
    def of(cls, messages: Iterable[Message], settings: Settings, shop: Shop) -> _Sides:
        """The sides by the settings; where these name nobody who wrote here, by the nicks that carry a colon."""
        shops = {account_name(name) for name in settings.shop_names}
        people, bots = ({account_name(name) for name in names} for names in (settings.accounts, settings.bots))
        wrote = {account_name(message.nick) for message in messages}
        if not shops and not people & wrote:  # bots alone do not say who else is the shop's
            shops = {_main(name) for name in wrote} - {""}
        return cls(frozenset(shops), frozenset(people | bots), frozenset(map(account_name, shop.internal_accounts)))

    def is_agent(self, nick: str) -> bool:
        """Whether the nick is an account of the shop: listed, a shop's main account, or a sub-account of one."""
        name = account_name(nick)
        return name in self.accounts or name in self.shops or _main(name) in self.shops

    def colleague(self, chat: list[Message]) -> str | None:
        """The nick on the buyer's side of a chat among the shop's own accounts, null where a buyer is there."""
        nicks = list(dict.fromkeys(message.nick for message in chat))
        if len(nicks) < 2 or not all(self.is_agent(nick) or account_name(nick) in self.colleagues for nick in nicks):
            return None
        return next((nick for nick in nicks if account_name(nick) in self.colleagues), nicks[0])


def _main(account: str) -> str:
    """The shop's name in an account: what stands before the last colon."""
    return account.rpartition(":")[0]


def _rows(chat: list[Message], sides: _Sides, settings: Settings) -> Iterator[dict[str, object]]:
    """The chat's messages as rows, both sides filled where anything in the chat tells them."""
    colleague = sides.colleague(chat)
    mine = [sides.is_agent(message.nick) and message.nick != colleague for message in chat]
    buyers = _buyers(chat, mine)
    accounts = _accounts(chat, mine, buyers)
    for message, agent, buyer, account in zip(chat, mine, buyers, accounts, strict=True):
        kind, text, to_account = _said(message)
        sender = _sender(kind, text, message.nick, agent, settings)
        buyer_id = buyer and (account_name(buyer) if buyer == colleague else buyer.removeprefix(API_PREFIX))
        if sender == "buyer" and (buyer == colleague or account_name(message.nick) in sides.colleagues):
            sender = "colleague"
        yield {
            "account_id": account and account_name(account),
            "buyer_id": buyer_id,
            "sent_at": _clock(message.clock),
            "sender": sender,
            "kind": kind,
            "text": masked(text),
            "to_account": to_account,
            "source_line": message.line,
            "reason": _unusable(message, buyer),
            f"{RAW}account_id": account,
            f"{RAW}buyer_id": buyer_id,
            f"{RAW}sent_at": message.clock,
        }


def _buyers(chat: list[Message], mine: list[bool]) -> list[str | None]:
    """The buyer of each message: its nick, else the addressee, else the last buyer who wrote, else the next."""
    own = [(m.to or None) if agent else m.nick for m, agent in zip(chat, mine, strict=True)]
    return forward(forward(own)[::-1])[::-1]


def _accounts(chat: list[Message], mine: list[bool], buyers: list[str | None]) -> list[str | None]:
    """The account of each message: its nick, else the last that wrote to this buyer or took over, else the next."""
    accounts: list[str | None] = [None] * len(chat)
    for buyer in set(buyers):
        places = [i for i, name in enumerate(buyers) if name == buyer]
        own = [chat[i].nick if mine[i] else chat[i].to or None for i in places]
        after = [_said(chat[i])[2] or account for i, account in zip(places, own, strict=True)]
        held = [account or before for account, before in zip(own, [None, *forward(after)], strict=False)]
        for i, account in zip(places, forward(held[::-1])[::-1], strict=True):
            accounts[i] = account
    return accounts


def forward(names: Sequence[str | None]) -> list[str | None]:
    """Gaps filled with the last name before them."""
    return list(accumulate(names, _last))


def _last(before: str | None, name: str | None) -> str | None:
    return name or before


def _said(message: Message) -> tuple[str, str | None, str | None]:
    """Kind of message, its text, and the account that takes over."""
    lines = [line.strip() for line in message.body if line.strip()]
    text = "\n".join(message.body).strip() or None
    if len(lines) == 1 and RECALL.match(lines[0]):
        return "recall", None, None
    if (transfer := TRANSFER.match(lines[0]) if lines else None) is not None:
        return "transfer", text, account_name(transfer["receiver"])
    if len(lines) == 1 and SYSTEM.match(lines[0]):
        return "system", text, None
    card = any(LINK.match(link) and PRICE.match(price) for link, price in pairwise(lines))
    return "card" if card else "text", text, None


def _sender(kind: str, text: str | None, nick: str, agent: bool, settings: Settings) -> str:
    if kind in ("transfer", "system"):
        return "system"
    if not agent:
        return "buyer"
    if account_name(nick) in map(account_name, settings.bots):
        return "bot"
    return "auto" if text in settings.auto_texts else "human"


def _clock(text: str) -> dt.datetime | None:
    """The wall clock of a head, null where the calendar has no such moment."""
    found = CLOCK.match(text)
    try:
        return dt.datetime(*map(int, found.groups()[1:])) if found else None  # type: ignore[arg-type]
    except ValueError:
        return None


def _unusable(message: Message, buyer: str | None) -> str | None:
    if not _clock(message.clock):
        return "time_unreadable:sent_at"
    return None if buyer else "agent_without_buyer"
