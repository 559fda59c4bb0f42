"""Messages -> turns, sessions, buyer-days and agent-days, message by message, as CONTRACT section 2 says it.

One buyer's messages are walked twice: once as the shop sees them (sessions are fixed here), once for all
accounts side by side (transfers move open messages between them). Waits of single messages are looked up
afterwards. `READING Rn` marks a place where the contract leaves two readings; readings.md lists them all.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from .people import EPOCH, SECOND, Shop, microseconds

QUESTION_KINDS = ("text", "sticker", "recall")  # and a card, where the set says so
REPLY_KINDS = ("text", "card", "sticker")  # READING R3: an invitation to rate is no answer, like note, close and system
CODES = re.compile(r"咨询的内容为([\d.\s、,，;；/和:：]*)")  # FIELD S2-15
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]|/:[^\\s]{2}|\\[[\u4e00-\u9fff]{1,3}\\]")


@dataclass
class Ask:
    """A buyer's message as one scope sees it."""

    message: dict
    clock: datetime  # where its wait starts
    entered: int  # only replies after this place in the stream can answer it
    session: int
    transferred_in: bool = False
    passed_on: bool = False
    closing: bool = False  # a closing phrase that arrived while no turn was open
    turn: Turn | None = None


@dataclass
class Turn:
    """Buyer messages before a counted reply."""

    account: str | None
    session: int
    started_at: datetime
    asks: list[Ask]
    reply: int | None = None
    transferred_out: bool = False
    excused: bool = False  # passed on within the grace

    @property
    def transferred_in(self) -> bool:
        """READING R4: whether the message that opens the turn came by a transfer."""
        return self.asks[0].transferred_in

    @property
    def row_id(self) -> str:
        """The message that opens the turn; of several that came to the account at once, the one asked first."""
        at_once = [ask.message for ask in self.asks if ask.entered == self.asks[0].entered]
        return min(at_once, key=total_order)["row_id"]


@dataclass
class Session:
    started_at: datetime
    agent_started: bool


@dataclass
class Scope:
    """What one walk found: every ask, every turn, in order of the stream."""

    asks: list[tuple[str | None, Ask]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)


@dataclass
class Chat:
    """One buyer of one shop: the stream in total order, and the place (session) of each message."""

    shop_id: str
    buyer_id: str
    stream: list[dict]
    place: list[int | None] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    shop: Scope = field(default_factory=Scope)
    agents: Scope = field(default_factory=Scope)

    def session_id(self, session: int) -> str:
        started = microseconds(self.sessions[session].started_at - EPOCH)
        return f"{self.shop_id}/{self.buyer_id}/{started}"


# ---------------------------------------------------------------- what a message is


def chats(messages: Iterable[dict]) -> list[Chat]:
    """One chat for each buyer of each shop, its messages in total order.

    Order: sent_at, sequence, buyer before agent, account_id, file, line. READING R5: no account sorts first.
    Recalls are matched with the message they replace at loading; here a recall row is all that is left of it.
    """
    found: dict[tuple, list[dict]] = defaultdict(list)
    for message in messages:
        found[message["shop_id"], message["buyer_id"]].append(message)
    return [Chat(shop, buyer, sorted(found[shop, buyer], key=total_order)) for shop, buyer in sorted(found)]


def total_order(message: dict) -> tuple:
    return (
        message["sent_at"],
        message["sequence"],
        not from_buyer(message),
        message["account_id"] or "",
        message["source_file"],
        message["source_line"],
    )


def from_buyer(message: dict) -> bool:
    """READING R6: sender `colleague` is the colleague in the buyer's seat, so such a row asks (and is out)."""
    return message["sender"] in ("buyer", "colleague")


def is_question(message: dict, shop: Shop) -> bool:
    """A recalled message asked; a card asks where the set says so; notices and closes never."""
    if not from_buyer(message):
        return False
    return message["kind"] in QUESTION_KINDS or (message["kind"] == "card" and shop.definition.card_is_question)


def is_reply(message: dict, shop: Shop) -> bool:
    """Whether the message is a counted reply: it stops the clock. A recalled one does not."""
    counted = {"human"}
    if shop.definition.assist_counts:
        counted.add("assist")
    if shop.definition.auto_counts:
        counted.add("auto")
    return message["sender"] in counted and message["kind"] in REPLY_KINDS


def is_transfer(message: dict) -> bool:
    return message["kind"] == "transfer" and message["account_id"] != message["to_account"]


def is_handover(message: dict, shop: Shop) -> bool:
    """A bot hands over: the transfer row is the bot's own, or its account is a bot on that day. READING R7."""
    if not is_transfer(message):
        return False
    return message["sender"] == "bot" or shop.is_bot(message["account_id"], shop.day(message["sent_at"]))


def may_be_closing(message: dict, shop: Shop) -> bool:
    """Nothing but a listed phrase (spaces, punctuation, case aside) or a sticker; only where the set lists phrases."""
    phrases = shop.definition.closing_phrases
    if not phrases:
        return False
    if message["kind"] == "sticker":
        return True
    return message["kind"] == "text" and bare(message["text"] or "") in {bare(phrase) for phrase in phrases}


def bare(text: str) -> str:
    """Letters and digits only, full-width ones narrowed, lower case."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).lower() if unicodedata.category(c)[0] in "LN")


# ---------------------------------------------------------------- first walk: the shop


def walk_shop(chat: Chat, shop: Shop) -> None:
    """Fill sessions, the place of every message, and the shop's asks and turns."""
    turn: Turn | None = None
    spoke: datetime | None = None  # the last thing that broke the silence
    waiting: int | None = None  # the session of the last question, while neither question nor counted reply came since
    closed: datetime | None = None
    for at, message in enumerate(chat.stream):
        now = message["sent_at"]
        if turn and not shop.in_time(turn.started_at, now):
            turn = None
        if is_question(message, shop):
            closing = turn is None and may_be_closing(message, shop)
            if turn is None and ends_session(chat, shop, now, spoke, closed):
                chat.sessions.append(Session(now, agent_started=False))
            ask = Ask(message, now, at, len(chat.sessions) - 1, closing=closing)
            chat.shop.asks.append((None, ask))
            if not closing:
                turn = join(chat.shop, turn, None, ask)
            # READING R8: a closing phrase is neither question nor reply: a reply after it may still be the first since.
            spoke, waiting = now, waiting if closing else len(chat.sessions) - 1
        elif is_reply(message, shop):
            if turn:
                turn.reply = at
            elif waiting is None and ends_session(chat, shop, now, spoke, closed):
                chat.sessions.append(Session(now, agent_started=True))
            chat.place.append(len(chat.sessions) - 1 if waiting is None else waiting)
            turn, spoke, waiting = None, now, None
            continue
        elif turn and shop.definition.bot_clock == "handover" and is_handover(message, shop):
            # READING R9: each hand-over sets the clocks of all messages still open.
            turn.started_at = now
            for ask in turn.asks:
                ask.clock, ask.entered = now, at
        going_on = turn or waiting is not None or is_question(message, shop) or not is_silent(shop, now, spoke, closed)
        chat.place.append(len(chat.sessions) - 1 if chat.sessions and going_on else None)
        if message["kind"] == "close":
            closed = now


def is_silent(shop: Shop, now: datetime, spoke: datetime | None, closed: datetime | None) -> bool:
    """Whether nobody asked, replied or (jd) closed within the gap.

    READING R33: then a row that neither asks nor replies, a transfer or a note, belongs to no session.
    """
    heard = [at for at in (spoke, closed if shop.definition.close_gap_s is not None else None) if at is not None]
    return not heard or now - max(heard) >= shop.definition.session_gap_s * SECOND


def ends_session(chat: Chat, shop: Shop, now: datetime, spoke: datetime | None, closed: datetime | None) -> bool:
    """Whether a message with no open turn begins a new session: gaps >=, the longest session inclusive.

    READING R10: where a set counts from a close too, both silences must be long enough, each by its own limit.
    """
    definition = shop.definition
    if spoke is None:
        return True
    if now - chat.sessions[-1].started_at > definition.session_max_s * SECOND:
        return True
    if definition.close_gap_s is not None and closed and now - closed < definition.close_gap_s * SECOND:
        return False
    return now - spoke >= definition.session_gap_s * SECOND


def join(scope: Scope, turn: Turn | None, account: str | None, ask: Ask) -> Turn:
    """The open turn with the message in it; a new one where none is open.

    READING R60: under agent_clock `message` a message that comes late may be older than the turn; then the turn starts
    with it.
    """
    if turn is None:
        turn = Turn(account, ask.session, ask.clock, [])
        scope.turns.append(turn)
    older = ask.clock < turn.started_at
    turn.asks.insert(0 if older else len(turn.asks), ask)
    turn.started_at = min(turn.started_at, ask.clock)
    ask.turn = turn
    return turn


# ---------------------------------------------------------------- second walk: all accounts


def owners(chat: Chat, shop: Shop) -> dict[int, list[tuple[str, Ask]]]:
    """Place in the stream -> the (account, ask) that enter there.

    A question belongs to its account; without one to whoever closed its shop turn (nobody: no agent row).
    READING R11: where a bot handed over between such a question and that reply, it enters at the last hand-over.
    """
    entering: dict[int, list[tuple[str, Ask]]] = defaultdict(list)
    positions = {message["row_id"]: at for at, message in enumerate(chat.stream)}
    for _, seen in chat.shop.asks:
        message, at = seen.message, positions[seen.message["row_id"]]
        account, entry = message["account_id"], at
        if account is None:
            closer = seen.turn.reply if seen.turn else None
            if closer is None or chat.stream[closer]["account_id"] is None:
                continue
            account = chat.stream[closer]["account_id"]
            handovers = [n for n in range(at, closer) if is_handover(chat.stream[n], shop)]
            entry = max(handovers, default=at)
        clock = message["sent_at"] if shop.definition.agent_clock == "message" else chat.stream[entry]["sent_at"]
        entering[entry].append((account, Ask(message, clock, entry, seen.session, transferred_in=entry != at)))
    return entering


def walk_agents(chat: Chat, shop: Shop) -> None:
    """Fill the asks and turns of all accounts. A turn ends with its shop session too."""
    entering = owners(chat, shop)
    opened: dict[str, Turn] = {}
    session: int | None = None
    for at, message in enumerate(chat.stream):
        if chat.place[at] != session:
            opened, session = {}, chat.place[at]
        opened = {a: turn for a, turn in opened.items() if shop.in_time(turn.started_at, message["sent_at"])}
        for account, ask in entering[at]:
            chat.agents.asks.append((account, ask))
            ask.closing = account not in opened and may_be_closing(ask.message, shop)
            if not ask.closing:
                opened[account] = join(chat.agents, opened.get(account), account, ask)
        if is_reply(message, shop) and message["account_id"] in opened:
            opened.pop(message["account_id"]).reply = at
        if is_transfer(message):
            pass_on(chat, shop, opened, at)


def pass_on(chat: Chat, shop: Shop, opened: dict[str, Turn], at: int) -> None:
    """Carry out a transfer on the open turns. READING R12: a bot's hand-over is a split in every set."""
    message = chat.stream[at]
    turn = opened.pop(message["account_id"], None)
    if turn is None:
        return
    how = "split" if is_handover(message, shop) else shop.definition.transfer
    if how == "receiver":
        move(chat, opened, turn, message["to_account"], at)
        return
    turn.transferred_out = True
    age = message["sent_at"] - turn.started_at
    turn.excused = how == "split" and age < shop.definition.grace_s * SECOND
    for ask in turn.asks:
        ask.passed_on = True
    if how == "split" and message["to_account"] is not None:
        hand(chat, shop, opened, turn, message["to_account"], at)


def hand(chat: Chat, shop: Shop, opened: dict[str, Turn], turn: Turn, receiver: str, at: int) -> None:
    """The receiver gets the open messages, each clock from the transfer.

    READING R13: where the receiver already has an open turn they join it, and it keeps its own start.
    """
    own_clock = shop.definition.agent_clock == "message"
    for given in turn.asks:
        clock = given.message["sent_at"] if own_clock else chat.stream[at]["sent_at"]
        ask = Ask(given.message, clock, at, turn.session, transferred_in=True)
        chat.agents.asks.append((receiver, ask))
        opened[receiver] = join(chat.agents, opened.get(receiver), receiver, ask)


def move(chat: Chat, opened: dict[str, Turn], turn: Turn, receiver: str | None, at: int) -> None:
    """Under `receiver` the turn is the receiver's with its own start, and nothing of it stays with the giver."""
    if receiver is None:
        return
    chat.agents.asks = [(receiver if ask.turn is turn else account, ask) for account, ask in chat.agents.asks]
    for ask in turn.asks:
        ask.entered, ask.transferred_in = at, True
    own = opened.pop(receiver, None)
    if own is not None:
        turn.asks = sorted(turn.asks + own.asks, key=lambda ask: (ask.clock, total_order(ask.message)))
        turn.started_at = min(turn.started_at, own.started_at)
        chat.agents.turns.remove(own)
    for ask in turn.asks:
        ask.turn = turn
    turn.account = receiver
    opened[receiver] = turn


# ---------------------------------------------------------------- waits


def measure_wait(start: datetime, end: datetime | None, shop: Shop) -> dict[str, int | None]:
    """The raw wait, the one that counts in means (null = dropped), and the one in service time.

    READING R14: spill `clip` makes the raw wait the service time, so that limits and means agree.
    READING R15: a cap shortens answered waits wherever the set has one.
    """
    definition = shop.definition
    cap = None if definition.cap_s is None else definition.cap_s * 1_000_000
    if end is None:
        return {
            "wait_us": None,
            "wait_counted_us": cap if definition.unanswered == "cap" else None,
            "wait_work_us": None,
        }
    work = shop.service_us(start, end)
    wait = work if definition.spill == "clip" else microseconds(end - start)
    return {"wait_us": wait, "wait_counted_us": wait if cap is None else min(wait, cap), "wait_work_us": work}


def answer(chat: Chat, shop: Shop, account: str | None, ask: Ask) -> datetime | None:
    """When a message got its reply: the next counted one of that scope within the message's own horizon.

    None as well for a message passed on, and for a closing phrase (which waits for nothing).
    """
    if ask.passed_on or ask.closing:
        return None
    for message in chat.stream[ask.entered + 1 :]:
        if is_reply(message, shop) and (account is None or message["account_id"] == account):
            return message["sent_at"] if shop.in_time(ask.clock, message["sent_at"]) else None
    return None


def turn_wait(chat: Chat, shop: Shop, turn: Turn) -> dict:
    """The waits of a turn: from its first message, or from its last one where the set says so (C4)."""
    start = turn.started_at
    if shop.definition.clock_start == "last":
        start = max(ask.clock for ask in turn.asks)
    replied_at = None if turn.reply is None else chat.stream[turn.reply]["sent_at"]
    return {"replied_at": replied_at, **measure_wait(start, replied_at, shop)}


def is_zero(wait_us: int | None) -> bool:
    """Within the same second. READING R16: a raw wait below one second."""
    return wait_us is not None and wait_us < 1_000_000


# ---------------------------------------------------------------- verdicts


def chat_reason(chat: Chat, shop: Shop) -> str | None:
    """Why a whole chat is out. READING R17: one row of sender `colleague` makes the chat a colleague's."""
    if chat.buyer_id in shop.internal_accounts or any(m["sender"] == "colleague" for m in chat.stream):
        return "colleague"
    if chat.buyer_id in shop.listed_buyers and shop.definition.adverts == "out":
        return "listed_buyer"
    return None


def session_reason(chat: Chat, shop: Shop, session: int | None) -> str | None:
    """Why a session is out: its chat is, or only a bot spoke (no human row of any kind, no assist, no transfer)."""
    reason = chat_reason(chat, shop)
    if reason or session is None:
        return reason
    inside = [m for m, place in zip(chat.stream, chat.place, strict=True) if place == session]
    senders = {m["sender"] for m in inside}
    bot_only = (
        "bot" in senders and not senders & {"human", "assist"} and not any(m["kind"] == "transfer" for m in inside)
    )
    return "bot_only" if bot_only and shop.definition.bot_only == "exclude" else None


def ask_reason(ask: Ask, wait_us: int | None, whole: str | None, shop: Shop) -> str | None:
    """READING R18: of several reasons the widest is named: chat, session, closing phrase, passed on, zero second."""
    if whole:
        return whole
    if ask.closing:
        return "closing_phrase"
    if ask.turn and ask.turn.excused and ask.passed_on:
        return "passed_on"
    return "zero_second" if shop.definition.zero_s == "exclude" and is_zero(wait_us) else None


def turn_reason(turn: Turn, wait_us: int | None, whole: str | None, shop: Shop) -> str | None:
    if whole or turn.excused:
        return whole or "passed_on"
    return "zero_second" if shop.definition.zero_s == "exclude" and is_zero(wait_us) else None


def verdict(in_hours: bool, reason: str | None) -> dict:
    return {"in_hours": in_hours, "excluded": reason is not None, "reason": reason}


# ---------------------------------------------------------------- rows


def message_rows(chat: Chat, shop: Shop, scope: str) -> list[dict]:
    """buyer_messages of one scope; day and hours go by where the message's clock starts."""
    rows = []
    for account, ask in (chat.shop if scope == "shop" else chat.agents).asks:
        if scope == "agent" and shop.is_bot(account, shop.day(ask.clock)):
            continue
        wait = measure_wait(ask.clock, answer(chat, shop, account, ask), shop)
        reason = ask_reason(ask, wait["wait_us"], session_reason(chat, shop, ask.session), shop)
        if ask.closing:
            wait = dict.fromkeys(wait)
        rows.append(
            shop.who(chat.shop_id, scope, account, shop.day(ask.clock))
            | {
                "row_id": ask.message["row_id"],
                "buyer_id": chat.buyer_id,
                "session_id": chat.session_id(ask.session),
                "sent_at": ask.message["sent_at"],
                "clock_at": ask.clock,
                "transferred_in": ask.transferred_in,
            }
            | wait
            | verdict(shop.in_hours(ask.clock), reason)
        )
    return rows


def turn_rows(chat: Chat, shop: Shop, scope: str) -> list[dict]:
    """turns of one scope; in_hours and opening are settled with their session."""
    rows = []
    for turn in (chat.shop if scope == "shop" else chat.agents).turns:
        if scope == "agent" and shop.is_bot(turn.account, shop.day(turn.started_at)):
            continue
        wait = turn_wait(chat, shop, turn)
        reason = turn_reason(turn, wait["wait_us"], session_reason(chat, shop, turn.session), shop)
        rows.append(
            shop.who(chat.shop_id, scope, turn.account, shop.day(turn.started_at))
            | {
                "row_id": turn.row_id,
                "buyer_id": chat.buyer_id,
                "session_id": chat.session_id(turn.session),
                "started_at": turn.started_at,
                "messages": len(turn.asks),
                "answered": wait["replied_at"] is not None,
                "opening": False,
                "zero_s": is_zero(wait["wait_us"]),
                "transferred_in": turn.transferred_in,
                "transferred_out": turn.transferred_out,
            }
            | wait
            | verdict(shop.in_hours(turn.started_at), reason)
        )
    return rows


@dataclass
class Part:
    """One account's part in a session, or the whole of it: (when, what) with what one of
    question, reply, phrase, given, received."""

    events: list[tuple[datetime, str]] = field(default_factory=list)

    def times(self, *kinds: str) -> list[datetime]:
        return [when for when, kind in self.events if kind in kinds]


def parts(chat: Chat, shop: Shop, scope: str) -> dict[tuple[int, str | None], Part]:
    """(session, account) -> what the account had in it. One entry for each account assigned or replying.

    READING R19: assigned = a buyer's message came to it (a closing phrase too), or a transfer did, or it gave one away
    (one cannot pass on what one does not have). Under `sender` a transfer brings nothing.
    """
    found: dict[tuple[int, str | None], Part] = defaultdict(Part)
    for account, ask in (chat.shop if scope == "shop" else chat.agents).asks:
        found[ask.session, account].events.append((ask.clock, "phrase" if ask.closing else "question"))
    for message, place in zip(chat.stream, chat.place, strict=True):
        if place is None:
            continue
        now, account = message["sent_at"], message["account_id"] if scope == "agent" else None
        if scope == "agent" and account is None and message["kind"] != "transfer":
            continue
        if is_reply(message, shop):
            found[place, account].events.append((now, "reply"))
        if is_transfer(message) and scope == "agent":
            if account is not None:
                found[place, account].events.append((now, "given"))
            brings = shop.definition.transfer != "sender" or is_handover(message, shop)
            if message["to_account"] is not None and brings:
                found[place, message["to_account"]].events.append((now, "received"))
    return found


def session_rows(chat: Chat, shop: Shop, scope: str, turns: list[dict]) -> list[dict]:
    """sessions of one scope. Settles `opening` and, where the session decides (jd), `in_hours` of their turns."""
    rows = []
    for (session, account), part in sorted(parts(chat, shop, scope).items(), key=lambda kv: (kv[0][0], kv[0][1] or "")):
        started_at = min(when for when, _ in part.events)
        if scope == "agent" and shop.is_bot(account, shop.day(started_at)):
            continue
        own = [t for t in turns if t["session_id"] == chat.session_id(session) and t["account_id"] == account]
        own.sort(key=lambda turn: turn["started_at"])
        rows.append(session_row(chat, shop, scope, session, account, part, own))
    return rows


def session_row(
    chat: Chat, shop: Shop, scope: str, session: int, account: str | None, part: Part, turns: list[dict]
) -> dict:
    """One row of sessions.

    READING R20: a turn that is itself out (passed on within the grace, zero second) is not seen by its session:
    it neither asks, opens nor fails it. In a session that is out as a whole all its turns are seen.
    READING R21: started_at of an agent's row is its own first event; session_id keeps the shop's start.
    """
    whole = session_reason(chat, shop, session)
    seen = [t for t in turns if t["reason"] in (None, whole)]
    started_at = min(when for when, _ in part.events)
    asked_at = seen[0]["started_at"] if seen else None
    in_hours = shop.in_hours(asked_at or started_at)
    if shop.definition.anchor == "session":
        for turn in turns:
            turn["in_hours"] = in_hours
    agent_started = chat.sessions[session].agent_started
    opens = bool(seen) and not (agent_started and shop.definition.agent_started == "exclude")
    if opens:
        seen[0]["opening"] = True
    return (
        shop.who(chat.shop_id, scope, account, shop.day(asked_at or started_at))
        | {
            "row_id": f"{chat.session_id(session)}/{account or ''}",
            "buyer_id": chat.buyer_id,
            "session_id": chat.session_id(session),
            "category_code": category(chat, shop, session),
            "started_at": started_at,
            "asked_at": asked_at,
            "first_wait_us": seen[0]["wait_us"] if opens else None,
            "first_reply_limit_us": shop.definition.first_reply_limit_s * 1_000_000,
            "agent_started": agent_started,
            "replier": replier(chat, shop, session) if scope == "shop" else None,
        }
        | of_turns(seen)
        | of_words(part.times("question", "reply"), started_at, any(t["answered"] for t in seen))
        | transfer_flags(chat, shop, session, scope, account)
        | verdict(in_hours, whole)
    )


def of_turns(seen: list[dict]) -> dict:
    """What a session knows from its turns. READING R22: abandoned = asked and never answered."""
    inside = [t for t in seen if t["in_hours"]]
    return {
        "asked": bool(seen),
        "answered": any(t["answered"] for t in seen),
        "abandoned": bool(seen) and not any(t["answered"] for t in seen),
        "turns": len(seen),
        "answered_turns": sum(t["answered"] for t in seen),
        "turns_in_hours": len(inside),
        "wait_sum_us": sum(counted_waits(inside)),
        "wait_n": len(counted_waits(inside)),
        "any_unanswered": any(not t["answered"] for t in inside),
        "wait_sum_allday_us": sum(counted_waits(seen)),
        "wait_n_allday": len(counted_waits(seen)),
        "any_unanswered_allday": any(not t["answered"] for t in seen),
    }


def of_words(spoken: list[datetime], started_at: datetime, answered: bool) -> dict:
    """Its end and length: first to last question or counted reply; the length only where it was answered."""
    return {
        "ended_at": max(spoken, default=started_at),
        "handle_us": microseconds(max(spoken) - min(spoken)) if answered else None,
    }


def counted_waits(turns: list[dict]) -> list[int]:
    return [t["wait_counted_us"] for t in turns if t["wait_counted_us"] is not None]


def transfer_flags(chat: Chat, shop: Shop, session: int, scope: str, account: str | None) -> dict[str, bool]:
    """READING R23: a shop row is `transferred_out` when a person passed the buyer on in it; never `transferred_in`."""
    inside = [m for m, place in zip(chat.stream, chat.place, strict=True) if place == session and is_transfer(m)]
    if scope == "shop":
        return {"transferred_in": False, "transferred_out": any(not is_handover(m, shop) for m in inside)}
    return {
        "transferred_in": any(m["to_account"] == account for m in inside),
        "transferred_out": any(m["account_id"] == account for m in inside),
    }


def replier(chat: Chat, shop: Shop, session: int) -> str | None:
    """READING R24: the agent of the session's last counted reply that names an account (C43: the last human agent)."""
    found = None
    for message, place in zip(chat.stream, chat.place, strict=True):
        if place == session and is_reply(message, shop) and message["account_id"] is not None:
            found = shop.agent(message["account_id"], shop.day(message["sent_at"]))
    return found


def category(chat: Chat, shop: Shop, session: int) -> str | None:
    """The last valid code an agent's message of the session carries (S2-15); any code where no tree is given."""
    found = None
    for message, place in zip(chat.stream, chat.place, strict=True):
        if place == session and not from_buyer(message):
            for line in CODES.findall(message["text"] or ""):
                for code in re.findall(r"[\d.]*\d", line):
                    if not shop.categories or code in shop.categories:
                        found = code
    return found


def agent_message_rows(chat: Chat, shop: Shop) -> list[dict]:
    """agent_messages, both scopes: every row of sender human, whatever its kind."""
    rows = []
    for message, place in zip(chat.stream, chat.place, strict=True):
        if message["sender"] != "human":
            continue
        day, account = shop.day(message["sent_at"]), message["account_id"]
        row = {
            "row_id": message["row_id"],
            "buyer_id": chat.buyer_id,
            "session_id": None if place is None else chat.session_id(place),
            "sent_at": message["sent_at"],
            "kind": message["kind"],
            "has_emoji": message["kind"] == "sticker" or bool(EMOJI.search(message["text"] or "")),
        } | verdict(shop.in_hours(message["sent_at"]), session_reason(chat, shop, place))
        rows.append(shop.who(chat.shop_id, "shop", None, day) | row)
        if account is not None and not shop.is_bot(account, day):
            rows.append(shop.who(chat.shop_id, "agent", account, day) | row)
    return rows


def buyer_day_rows(messages: list[dict], turns: list[dict], shop: Shop) -> list[dict]:
    """buyer_days: a buyer on a local day with a counted message, for the shop and for each person.

    READING R25: first_question_at is where the first message's clock starts (for a passed-on one the transfer).
    READING R26: account_id is the person's first account of that day in alphabetical order.
    """
    found: dict[tuple, list[dict]] = defaultdict(list)
    for row in messages:
        if not row["excluded"]:
            found[day_key(row)].append(row)
    begun: Counter = Counter(day_key(t) for t in turns if not t["excluded"])
    return [buyer_day_row(own, begun[key], shop) for key, own in sorted(found.items())]


def day_key(row: dict) -> tuple:
    return row["shop_id"], row["scope"], row["agent_id"] or "", row["buyer_id"], row["day"]


def buyer_day_row(own: list[dict], turns: int, shop: Shop) -> dict:
    """READING R27: answered = any counted message of the day got an answer, in hours or not."""
    shop_id, scope, agent, buyer, day = day_key(own[0])
    inside = [m for m in own if m["in_hours"]]
    account = min((m["account_id"] for m in own if m["account_id"]), default=None)
    return (
        shop.who(shop_id, scope, account, day)
        | {
            "row_id": f"{shop_id}/{buyer}/{day}/{agent}",
            "buyer_id": buyer,
            "first_question_at": min(m["clock_at"] for m in own),
            "turns": turns,
            "messages": len(own),
            "messages_in_hours": len(inside),
            "max_wait_us": longest_wait(inside),
            "unanswered": any(m["wait_us"] is None for m in inside),
            "max_wait_allday_us": longest_wait(own),
            "unanswered_allday": any(m["wait_us"] is None for m in own),
            "answered": any(m["wait_us"] is not None for m in own),
            "any_fail_us": shop.definition.any_fail_s * 1_000_000,
        }
        | dict.fromkeys(("inquiry", "ordered", "paid", "grouped", "net_paid", "same_day_paid"))
        | verdict(bool(inside), None)
    )


def longest_wait(messages: list[dict]) -> int | None:
    return max((m["wait_us"] for m in messages if m["wait_us"] is not None), default=None)


def agent_day_rows(chat_list: list[Chat], shop: Shop, shop_id: str) -> list[dict]:
    """agent_days of one shop: a row for each roster agent and covered day, and their sums for the shop.

    worked: a shift starts that day, or any row of sender human (colleagues' chats too). replied: a counted reply in a
    chat that is not out. READING R28: an account that is on no roster has rows only for days it wrote on.
    """
    wrote, replied, seen_days = set(), set(), set(shop.covered_days)
    for chat in chat_list:
        for message, place in zip(chat.stream, chat.place, strict=True):
            day, account = shop.day(message["sent_at"]), message["account_id"]
            seen_days.add(day)
            if account is None or shop.is_bot(account, day):
                continue
            if message["sender"] == "human":
                wrote.add((account, day))
            if is_reply(message, shop) and session_reason(chat, shop, place) is None:
                replied.add((account, day))
    lines = {
        (line["account_id"], day) for line in shop.roster for day in seen_days if shop.entry(line["account_id"], day)
    }
    accounts = {(a, d) for a, d in lines | wrote | replied if not shop.is_bot(a, d)}
    rows = []
    for agent, day in sorted({(shop.agent(a, d) or "", d) for a, d in accounts}):
        own = sorted(a for a, d in accounts if d == day and shop.agent(a, d) == agent)
        shifts = [s for s in shop.shifts if s["agent_id"] == agent and shop.day(s["start"]) == day]
        rows.append(
            shop.who(shop_id, "agent", own[0], day)
            | {
                "row_id": f"{shop_id}/{agent}/{day}",
                "scheduled": int(bool(shifts)),
                "worked": int(bool(shifts) or any((a, day) in wrote for a in own)),
                "replied": int(any((a, day) in replied for a in own)),
                "shift_us": sum(microseconds(s["end"] - s["start"]) for s in shifts) if shifts else None,
                "online_us": None,
            }
        )
    return rows + [shop_day(rows, shop, shop_id, day) for day in sorted(seen_days)]


def shop_day(agent_rows: list[dict], shop: Shop, shop_id: str, day: date) -> dict:
    own = [r for r in agent_rows if r["day"] == day]
    shifts = [r["shift_us"] for r in own if r["shift_us"] is not None]
    return shop.who(shop_id, "shop", None, day) | {
        "row_id": f"{shop_id}//{day}",
        "scheduled": sum(r["scheduled"] for r in own),
        "worked": sum(r["worked"] for r in own),
        "replied": sum(r["replied"] for r in own),
        "shift_us": sum(shifts) if shifts else None,
        "online_us": None,
    }


def active_times(rows: list[dict]) -> None:
    """Fill sessions.active_us: each stretch of handling divided by the chats the agent has open in it (C44).

    READING R29: open = from first to last question or reply of an answered, counted session; the shop's row has none.
    """
    for row in rows:
        row["active_us"] = None
        if row["scope"] != "agent" or row["handle_us"] is None or row["excluded"]:
            continue
        same = [
            (r["ended_at"] - timedelta(microseconds=r["handle_us"]), r["ended_at"])
            for r in rows
            if r["handle_us"] is not None
            and not r["excluded"]
            and (r["shop_id"], r["scope"], r["account_id"]) == (row["shop_id"], "agent", row["account_id"])
        ]
        end = row["ended_at"]
        start = end - timedelta(microseconds=row["handle_us"])
        cuts = sorted({t for span in same for t in span if start <= t <= end})
        row["active_us"] = sum(microseconds(b - a) / sum(s <= a and b <= e for s, e in same) for a, b in pairwise(cuts))


def derive(messages, definition, **settings) -> dict[str, list[dict]]:
    """buyer_messages, agent_messages, turns, sessions, buyer_days, agent_days: rows with the columns of facts.DERIVED.

    `messages` are rows of facts.INPUT["messages"] with aware times; settings are those of `shop_of`. Rows that do not
    count stay, with their reason.
    """
    shop = shop_of(definition, **settings)
    names = ("buyer_messages", "agent_messages", "turns", "sessions", "buyer_days", "agent_days")
    tables: dict[str, list[dict]] = {name: [] for name in names}
    every = chats(_in_utc(message, "sent_at") for message in messages)
    for chat in every:
        walk_shop(chat, shop)
        walk_agents(chat, shop)
        for scope in ("shop", "agent"):
            turns = turn_rows(chat, shop, scope)
            tables["turns"] += turns
            tables["sessions"] += session_rows(chat, shop, scope, turns)
            tables["buyer_messages"] += message_rows(chat, shop, scope)
        tables["agent_messages"] += agent_message_rows(chat, shop)
    name_categories(tables)
    active_times(tables["sessions"])
    count_agents(tables["sessions"])
    tables["buyer_days"] = buyer_day_rows(tables["buyer_messages"], tables["turns"], shop)
    for shop_id in sorted({chat.shop_id for chat in every}):
        own = [chat for chat in every if chat.shop_id == shop_id]
        tables["agent_days"] += agent_day_rows(own, shop, shop_id)
    return tables


def name_categories(tables: dict[str, list[dict]]) -> None:
    """Give messages and turns the category of their session. READING R55: buyer-days and orders have none."""
    codes = {row["session_id"]: row["category_code"] for row in tables["sessions"]}
    for name in ("buyer_messages", "agent_messages", "turns"):
        for row in tables[name]:
            row["category_code"] = codes.get(row["session_id"])


def count_agents(rows: list[dict]) -> None:
    """Fill sessions.agents: how many people have an agent row of that session. READING R51."""
    people: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row["scope"] == "agent":
            people[row["session_id"]].add(row["agent_id"])
    for row in rows:
        row["agents"] = len(people[row["session_id"]])


def shop_of(definition, *, shifts=(), roster=(), hours=None, tz="Asia/Shanghai", **sets) -> Shop:
    """The settings of `derive` gathered.

    hours: ("08:00", "23:00"), a list of aware (start, end), or None = always open; a set with fixed hours uses its own.
    sets: internal_accounts, listed_buyers, covered_days, categories (valid leaf codes; none given = any code is valid).
    """
    return Shop(
        definition,
        hours,
        tuple(roster),
        tuple(_in_utc(s, "start", "end") for s in shifts),
        tz=tz,
        **{name: frozenset(members or ()) for name, members in sets.items()},
    )


def _in_utc(row: dict, *columns: str) -> dict:
    # Two aware times of one zone are compared by their wall clocks; in UTC that cannot mislead.
    return row | {column: row[column].astimezone(UTC) for column in columns}
