"""千牛 chats as people paste them: from the client's message manager, or from the pages of its web version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from . import decode, wangwang, whatsapp
from .loaded import Loaded, Recognised, Shop
from .wangwang import Message

LOOKED_AT = 200  # lines
CLOCK = re.compile(r"^\d{1,2}:\d{2}:\d{2}$")
DATE = re.compile(r"^\d{4}-\d{1,2}-\d{1,2}$")
NO_NICK = re.compile(r"[,\t;|\"{}<>]")
NOT_SHOWN = "请在客户端查看原始聊天记录，网页版无法展示"


class Settings(wangwang.Settings):
    """Which accounts are the shop's, as for Wangwang's logs."""

    source: Literal["qianniu"] = "qianniu"  # type: ignore[assignment]


def recognises(head: bytes, name: str) -> str | None:
    """qianniu.chat where the beginning of a file holds heads of messages in one of the pasted forms, else null.

    wangwang.chat where the times stand in brackets behind the nicks.
    """
    if b"\0" in head or head.lstrip()[:1] == b"{" or whatsapp.recognises(head, name):
        return None
    lines = _text(head).splitlines()[:LOOKED_AT]
    if _is_web_copy(lines):
        return "qianniu.chat"
    if any(wangwang.IN_BRACKETS.match(line.strip()) for line in lines):
        return "wangwang.chat"
    heads = (wangwang.head_of(0, line) for line in lines)
    below_nick = (wangwang.CLOCK.match(line.strip()) for line in lines[1:])
    pasted = any(below_nick) or any(head and not NO_NICK.search(head.nick) for head in heads)
    return "qianniu.chat" if pasted else None


def _text(head: bytes) -> str:
    """The beginning of a file in the encoding that reads it, a character cut in two left out."""
    for encoding in decode.ENCODINGS:
        try:
            return head[:-4].decode(encoding)
        except UnicodeDecodeError as error:
            if len(head) - error.start < 2 * 4:
                return head[: error.start].decode(encoding)
    return ""


def load(path: Path, settings: Settings, shop: Shop) -> Loaded:
    """The messages of a pasted chat; a record read is a message. Read marks (已读, 未读) are not read.

    CsperfError where the file cannot be read, holds no message, does not show who the agents are, or where neither
    the source nor the shop names the zone of its times.
    """
    lines = decode.read_text(path).split("\n")
    web = _is_web_copy(lines[:LOOKED_AT])
    chats = [list(_web_messages(lines))] if web else wangwang.chats_of(lines, settings)
    loaded = wangwang.loaded_from(path, lines, chats, settings, shop)
    return replace(loaded, recognised=Recognised("qianniu.chat", "web page" if web else "client"))


def _is_web_copy(lines: list[str]) -> bool:
    """Whether times stand alone and the sender below what was said."""
    filled = [line.strip() for line in lines if line.strip()]
    return sum(bool(DATE.match(line) or CLOCK.match(line)) for line in filled[:2]) == len(filled[:2]) == 2


def _web_messages(lines: list[str]) -> Iterator[Message]:
    """Messages of a web page: the date now and then, the time, what was said, and last the sender's nick."""
    day, clock, began, said = "", "", 0, list[str]()
    for number, line in enumerate([*lines, "0:00:00"], 1):
        text = line.strip("\ufeff\u200e \t")
        if not (DATE.match(text) or CLOCK.match(text)):
            said += [text] if text and text not in wangwang.READ_MARKS else []
            continue
        if clock and said:
            body = [words for words in said[:-1] if words != NOT_SHOWN]
            yield Message(began, said[-1], f"{day} {clock}", "", body)
        day, clock, began, said = (text, "", 0, []) if DATE.match(text) else (day, text, number, [])
