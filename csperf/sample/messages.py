"""Script -> messages: every line that is written, in the order in which it appears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..facts import KINDS, SENDERS
from .script import Script, Turns
from .stories import Kind
from .words import Words
from .world import World

SENDER = {name: code for code, name in enumerate(SENDERS)}
KIND = {name: code for code, name in enumerate(KINDS)}
NOBODY = -1


@dataclass
class Messages:
    """One row per line; accounts are rows of the people, then bot and warehouse; texts are rows of the words."""

    time: np.ndarray
    chat: np.ndarray
    rank: np.ndarray  # order within a second
    account: np.ndarray
    sender: np.ndarray
    kind: np.ndarray
    text: np.ndarray
    to: np.ndarray
    emoji: np.ndarray

    def __len__(self) -> int:
        return len(self.time)

    def take(self, rows: np.ndarray) -> Messages:
        return Messages(**{name: column[rows] for name, column in vars(self).items()})


def lines(
    rng: np.random.Generator, world: World, words: Words, script: Script, chats: np.ndarray, plain: bool
) -> Messages:
    """The lines of the chats marked in `chats`, by time. `plain`: only what copied chat text can say."""
    turns = script.turns.take(np.flatnonzero(chats[script.turns.chat]))
    blocks = [_questions(rng, world, words, script, turns, plain), _answers(rng, words, script, turns, plain)]
    blocks += [_closing(rng, words, turns), _passes(world, words, script, turns), _recalled(words, turns)]
    blocks.append(_outreach(rng, words, script, np.flatnonzero(chats)))
    blocks += [_bots(rng, world, words, script, turns), _greetings(rng, words, script, turns)]
    if not plain:
        blocks += [_assists(words, turns), *_notices(rng, words, script, np.flatnonzero(chats))]
    rows = Messages(*(np.concatenate([getattr(b, n) for b in blocks]) for n in Messages.__dataclass_fields__))
    return rows.take(np.lexsort((rows.rank, rows.chat, rows.time)))


def _block(time, chat, account, sender: str, text, *, rank=3, kind="text", to=NOBODY, emoji=False) -> Messages:
    n = len(time)
    kinds = np.full(n, KIND[kind], dtype=np.int8) if isinstance(kind, str) else kind
    senders = np.full(n, SENDER[sender], dtype=np.int8)
    whole = [np.broadcast_to(np.asarray(c), n) for c in (rank, account, text, to, emoji)]
    return Messages(time, chat, whole[0], whole[1], senders, kinds, whole[2], whole[3], whole[4])


def _asked_of(world: World, script: Script, turns: Turns) -> np.ndarray:
    """Whose login a turn's questions arrive at: the bot's, the giver's, else the agent's."""
    kind, bot = script.chats.kind[turns.chat], len(world.agents)
    first_giver = script.chats.agent[turns.chat]
    account = np.where((turns.passed >= 0) & (kind == Kind.TRANSFER), first_giver, turns.agent)
    return np.where(((turns.passed >= 0) & (kind == Kind.HANDOVER)) | (kind == Kind.BOT_ONLY), bot, account)


def _questions(rng, world: World, words: Words, script: Script, turns: Turns, plain: bool) -> Messages:
    row = np.repeat(np.arange(len(turns.chat)), turns.questions)
    place = np.arange(len(row)) - np.repeat(np.cumsum(turns.questions) - turns.questions, turns.questions)
    offset = np.where(place > 0, turns.step1[row], 0) + np.where(place > 1, turns.step2[row], 0)
    chat, chats = turns.chat[row], script.chats
    text = np.where(chats.presale[chat], words.draw(rng, "ask", len(row)), words.draw(rng, "serve", len(row)))
    twice = np.flatnonzero((place == 1) & (offset == 0))
    text[twice] = text[twice - 1]
    u = rng.random(len(row))
    kind = np.select([u < 0.02, u < 0.024], [KIND["card"], KIND["recall"]], KIND["text"]) if not plain else np.where(
        u < 0.02, KIND["card"], KIND["text"])  # fmt: skip
    kind[twice], kind[twice - 1] = KIND["text"], KIND["text"]
    phrase = turns.phrase[row]
    text = np.where(phrase, words.draw(rng, "thanks", len(row)), text)
    kind = np.where(phrase, np.where((u > 0.8) & (not plain), KIND["sticker"], KIND["text"]), kind)
    advert = chats.kind[chat] == Kind.ADVERT
    text = np.where(advert, words.draw(rng, "advert", len(row)), text)
    kind = np.where(advert, KIND["text"], kind).astype(np.int8)
    text = np.select([kind == KIND["card"], kind == KIND["recall"], kind == KIND["sticker"]],
                     [words.first("card"), words.first("recall"), words.first("sticker")], text)  # fmt: skip
    block = _block(
        turns.start[row] + offset, chat, _asked_of(world, script, turns)[row], "buyer", text, rank=1, kind=kind
    )
    block.sender = np.where(chats.kind[chat] == Kind.COLLEAGUE, SENDER["colleague"], block.sender)
    return block


def _answers(rng, words: Words, script: Script, turns: Turns, plain: bool) -> Messages:
    count = np.where(turns.wait >= 0, turns.replies, 0)
    row = np.repeat(np.arange(len(turns.chat)), count)
    second = np.arange(len(row)) - np.repeat(np.cumsum(count) - count, count) > 0
    time = turns.start[row] + turns.wait[row] + np.where(second, turns.step_reply[row], 0)
    smiles = rng.random(len(row)) < words.cheer[turns.agent[row]]
    text = np.where(smiles, words.draw(rng, "smile", len(row)), words.draw(rng, "answer", len(row)))
    text = np.where(turns.phrase[row], words.draw(rng, "welcome", len(row)), text)
    u = rng.random(len(row)) + plain
    card, sticker = (u < 0.03) & ~turns.phrase[row], (u >= 0.03) & (u < 0.045)
    kind = np.select([card, sticker], [KIND["card"], KIND["sticker"]], KIND["text"]).astype(np.int8)
    text = np.select([card, sticker], [words.first("card"), words.first("sticker")], text)
    emoji = sticker | (words.cheers[text] & ~card)
    return _block(time, turns.chat[row], turns.agent[row], "human", text, kind=kind, emoji=emoji)


def _closing(rng, words: Words, turns: Turns) -> Messages:
    """The last line with the category code; one in twenty gives a code that is no leaf."""
    row = np.flatnonzero(turns.code >= 0)
    time = turns.start[row] + turns.end[row]
    return _block(time, turns.chat[row], turns.agent[row], "human", words.code_of(turns.chat[row]))


def _passes(world: World, words: Words, script: Script, turns: Turns) -> Messages:
    """The transfer rows: of an open turn, at a bot's hand-over, or between two turns."""
    chats, bot = script.chats, len(world.agents)
    between = between_turns(script, turns)
    row = np.flatnonzero((turns.passed >= 0) | between)
    chat = turns.chat[row]
    time = turns.start[row] + np.where(between[row], -4, turns.passed[row])
    robot = chats.kind[chat] == Kind.HANDOVER
    giver, to = np.where(robot, bot, chats.agent[chat]), turns.agent[row]
    block = _block(time, chat, giver, "human", words.pass_to(giver, to), kind="transfer", to=to)
    block.sender = np.where(robot, SENDER["bot"], block.sender)
    return block


def between_turns(script: Script, turns: Turns) -> np.ndarray:
    """True for the turn before which a chat changed hands with no question open."""
    changed = np.zeros(len(turns.chat), dtype=bool)
    same = (turns.chat[1:] == turns.chat[:-1]) & (script.chats.kind[turns.chat[1:]] == Kind.TRANSFER)
    changed[1:] = same & (turns.agent[1:] != turns.agent[:-1])
    return changed & (turns.passed < 0)


def _recalled(words: Words, turns: Turns) -> Messages:
    row = np.flatnonzero(turns.recalled >= 0)
    text = words.first("recall")
    return _block(
        turns.start[row] + turns.recalled[row], turns.chat[row], turns.agent[row], "human", text, kind="recall"
    )


def _outreach(rng, words: Words, script: Script, chat: np.ndarray) -> Messages:
    chat = chat[np.isin(script.chats.kind[chat], (Kind.AGENT_STARTED, Kind.OUTREACH))]
    text = words.draw(rng, "outreach", len(chat))
    return _block(script.began[chat], chat, script.chats.agent[chat], "human", text)


def _assists(words: Words, turns: Turns) -> Messages:
    row = np.flatnonzero(turns.assist >= 0)
    time = turns.start[row] + turns.assist[row]
    return _block(time, turns.chat[row], turns.agent[row], "assist", words.first("assist"), rank=2)


def _bots(rng, world: World, words: Words, script: Script, turns: Turns) -> Messages:
    kind = script.chats.kind[turns.chat]
    row = np.flatnonzero((kind == Kind.BOT_ONLY) | ((kind == Kind.HANDOVER) & (turns.number == 0)))
    text = words.draw(rng, "bot", len(row))
    return _block(turns.start[row] + 1, turns.chat[row], len(world.agents), "bot", text, rank=2)


def _greetings(rng, words: Words, script: Script, turns: Turns) -> Messages:
    """The automatic welcome a second after the first question."""
    greeted = np.isin(
        script.chats.kind[turns.chat], (Kind.NORMAL, Kind.UNANSWERED, Kind.NIGHT, Kind.ADVERT, Kind.NUDGE)
    )
    row = np.flatnonzero(greeted & (turns.number == 0) & (rng.random(len(greeted)) < 0.6))
    return _block(turns.start[row] + 1, turns.chat[row], turns.agent[row], "auto", words.first("auto"), rank=2)


def _notices(rng, words: Words, script: Script, chat: np.ndarray) -> list[Messages]:
    """System lines: where the buyer came from, the invitation to rate, the close."""
    kind, agent = script.chats.kind[chat], script.chats.agent[chat]
    came = np.flatnonzero(
        (rng.random(len(chat)) < 0.1) & ~np.isin(kind, (Kind.OUTREACH, Kind.AGENT_STARTED, Kind.COLLEAGUE))
    )
    source = _block(
        script.began[chat[came]], chat[came], agent[came], "system", words.first("source"), rank=0, kind="system"
    )
    done = np.isin(kind, (Kind.NORMAL, Kind.ASSIST))
    invited = np.flatnonzero(done & script.invited[chat])
    ask = _block(
        script.end[chat[invited]] + 5,
        chat[invited],
        agent[invited],
        "system",
        words.first("invite"),
        kind="rating_invite",
    )
    closed = np.flatnonzero(done & (rng.random(len(chat)) < 0.3))
    close = _block(
        script.end[chat[closed]] + 200, chat[closed], agent[closed], "system", words.first("close"), kind="close"
    )
    return [source, ask, close]
