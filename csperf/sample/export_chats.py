"""Messages as files: a quality-check tool's CSV, text copied from the chat client, or Parquet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from ..facts import KINDS, SENDERS
from .exports import Written, clock, moments, quoted, utc, write_csv, write_parquet
from .messages import Messages
from .script import Script
from .stories import text_month
from .words import Words
from .world import DAY, SHOP, World

HEADER = ("消息ID", "店铺", "客服账号", "买家昵称", "发送方", "消息类型", "消息内容", "发送时间", "转接至")
SENDER_WORDS = dict(zip(SENDERS, ("买家", "客服", "自动回复", "智能辅助", "机器人", "系统", "同事"), strict=True))
KIND_WORDS = dict(zip(KINDS, ("文本", "卡片", "表情", "撤回", "转接", "会话结束", "备注", "邀评", "系统"), strict=True))
TEXT_ENCODINGS = ("gb18030", "utf-8")
DIVIDER, READ_MARK = "-" * 32, "已读"
HALVED_MONTHS, OVERLAP_DAY = 2, 14  # the first months come in two halves, and the 15th is in both
BROKEN = (  # time, sender, buyer: each is a way in which a row cannot be used
    ("2025-13-45 10:00:00", "买家", "坏行买家一"),
    ("2025-11-05 10:00:00", "路人", "坏行买家二"),
    ("2025-11-05 10:00:01", "买家", ""),
)


def write_month(
    written: Written, world: World, script: Script, words: Words, month: int, rows: Messages, first_id: int
) -> None:
    """One month of messages; `first_id` is the number of its first."""
    if written.bulk:
        path = written.note(f"exports/chats/{world.months[month]}.parquet", len(rows))
        write_parquet(path, _columns(world, script, words, rows, first_id))
        return
    for n, (a, b) in enumerate(_spans(world, month)):
        inside = np.flatnonzero((rows.time >= a * DAY) & (rows.time < (b + 1) * DAY))
        part, name = rows.take(inside), f"{world.date_of(a)}_{world.date_of(b)}"
        again = int((part.time // DAY == a).sum()) if n else 0
        if text_month(np.array(month)):
            path = written.note(f"exports/chats/旺旺聊天记录_{name}.txt", len(part), duplicate=again)
            path.write_bytes(_copied(world, script, words, part).encode(TEXT_ENCODINGS[month // 4 % 2]))
        else:
            broken = _broken() if month == n == 0 else []
            cells = _cells(world, script, words, part, first_id + inside)
            middle = len(cells) // 2
            counts = {"duplicate": again, "rejected": len(broken)}
            path = written.note(f"exports/chats/聊天明细_{name}.csv", len(cells) + len(broken), **counts)
            write_csv(path, HEADER, [*cells[:middle], *broken, *cells[middle:]])


def _spans(world: World, month: int) -> list[tuple[int, int]]:
    """First and last day of each of the month's files."""
    days = np.flatnonzero(world.month_of == month)
    first, last = int(days[0]), int(days[-1])
    if month < HALVED_MONTHS:
        return [(first, first + OVERLAP_DAY), (first + OVERLAP_DAY, last)]
    return [(first, last)]


def _buyers(script: Script, rows: Messages) -> list[str]:
    return [script.buyers[story] for story in script.chats.story[rows.chat].tolist()]


def _cells(world: World, script: Script, words: Words, rows: Messages, ids: np.ndarray) -> list[tuple[str, ...]]:
    """The rows of the CSV, ids written so that Excel does not round them."""
    account = [*words.accounts, ""]
    return list(
        zip(
            [f'="{n:012d}"' for n in ids.tolist()],
            [SHOP] * len(rows),
            [account[a] for a in rows.account.tolist()],
            _buyers(script, rows),
            [SENDER_WORDS[SENDERS[s]] for s in rows.sender.tolist()],
            [KIND_WORDS[KINDS[k]] for k in rows.kind.tolist()],
            [quoted(words.texts[t]) for t in rows.text.tolist()],
            clock(world, rows.time),
            [account[a] for a in rows.to.tolist()],
            strict=True,
        )
    )


def _broken() -> list[tuple[str, ...]]:
    return [
        (f'="9{n:011d}"', SHOP, f"{SHOP}:01", buyer, sender, "文本", "坏行", time, "")
        for n, (time, sender, buyer) in enumerate(BROKEN, 1)
    ]


def _copied(world: World, script: Script, words: Words, rows: Messages) -> str:
    """Chat by chat: a head with names and time, unpadded, then what was said; a rule between chats."""
    rows = rows.take(np.lexsort((np.arange(len(rows)), rows.chat, rows.time // DAY)))
    said: list[str] = []
    names, times = _buyers(script, rows), moments(world, rows.time).tolist()
    new = np.diff(rows.chat, prepend=rows.chat[:1]) != 0
    columns = (new, rows.account, rows.sender, rows.kind, rows.text)
    for begins, who, sender, kind, text, buyer, at in zip(*(c.tolist() for c in columns), names, times, strict=True):
        asks, account = SENDERS[sender] == "buyer", words.accounts[who]
        a, b = (buyer, account) if asks else (account, buyer)
        said += [DIVIDER] if begins else []
        said.append(f"{a} --> {b} {at.year}-{at.month}-{at.day} {at.hour}:{at.minute:02d}:{at.second:02d}")
        said += [f"{a} 撤回了一条消息"] if KINDS[kind] == "recall" else words.texts[text].split("\n")
        said += [] if asks else [READ_MARK]
    return "\r\n".join(said) + "\r\n"


def _columns(world: World, script: Script, words: Words, rows: Messages, first_id: int) -> pa.Table:
    """The columns of facts.INPUT's messages, texts as numbers into dictionaries."""

    def coded(codes: np.ndarray, values: Sequence[str]) -> pa.Array:
        places = pa.array(np.maximum(codes, 0).astype(np.int32), mask=codes < 0)
        return pa.DictionaryArray.from_arrays(places, values)

    return pa.table(
        {
            "message_id": pa.array(np.arange(first_id, first_id + len(rows))).cast(pa.string()),
            "account_id": coded(rows.account, words.accounts),
            "buyer_id": coded(script.chats.story[rows.chat], script.buyers),
            "sent_at": utc(world, rows.time),
            "sender": coded(rows.sender, SENDERS),
            "kind": coded(rows.kind, KINDS),
            "text": coded(rows.text, words.texts),
            "to_account": coded(rows.to, words.accounts),
        }
    )
