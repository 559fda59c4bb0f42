"""绩效结果确认单 / 申诉单: a person's month as it is paid by, to sign or to object to until a day."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ..scorecard import Scorecard
from ..sheets import About, Sheet, days, own_metrics, place, standing
from ..text import say
from ..text.numbers import day_words, month_words
from .confirmation import signatures
from .days import OBJECTION_DAYS, Objections

FEN = 100
MONEY = ("bonus", "reward", "commission", "correction", "total")


def result(
    card: Scorecard,
    agent: str,
    role: str,
    about: About,
    until: Objections,
    *,
    name: str,
    objections_to: str = "",
    pay: pd.Series | None = None,
    stamp: str = "",
) -> Sheet:
    """The page of one person in one role: figures as they are shown, points, what each adds, and how to object.

    `pay`: the person's row of people.pay: coefficient and FEN, null where a part is not known.
    """
    lang = about.lang
    mine = (card.scores["month"] == about.month) & (card.scores["agent_id"] == agent) & (card.scores["role"] == role)
    row = card.scores[mine].iloc[0]
    if pay is not None and pd.notna(pay.get("coefficient")):  # by the shop's own steps, where it has some
        row = pd.concat([row.drop("coefficient"), pay[["coefficient"]]])
    own = card.parts[
        (card.parts["month"] == about.month) & (card.parts["agent_id"] == agent) & (card.parts["role"] == role)
    ]
    who = objections_to or say("papers.supervisor", lang)
    return Sheet(
        lang,
        say("papers.result_title", lang, name=name, month=month_words(about.month, lang)),
        (about.shop, *place(role, row["level"], lang)),
        (*standing(row, lang), *_money(pay, lang), *days(card, agent, about), *_objecting(about, until, who)),
        (own_metrics(own, lang),),
        (say("sheets.basis", lang),),
        stamp=stamp,
        ticks=(say("papers.accept", lang), say("papers.appeal", lang)),
        room=say("papers.appeal_room", lang),
        signatures=_signatures(lang),
    )


def _signatures(lang: str) -> tuple[str, ...]:
    """The person, then what came of an objection and who reviewed it."""
    own, day, *_rest = signatures("own", lang=lang)
    return (own, day, say("papers.sign_outcome", lang), *signatures("reviewer", lang=lang)[:1])


def _objecting(about: About, dates: Objections, who: str) -> Iterator[str]:
    lang = about.lang
    published, until = day_words(dates.published, lang), day_words(dates.until, lang)
    yield say("papers.result_days", lang, published=published, until=until, days=OBJECTION_DAYS, who=who)
    yield say("papers.result_answer", lang)
    yield say("papers.result_frozen", lang, month=month_words(about.month, lang))


def _money(pay: pd.Series | None, lang: str) -> Iterator[str]:
    """What is paid, to the fen; parts that nobody knows are left out."""
    fen = {} if pay is None else {part: pay.get(f"{part}_fen") for part in MONEY}
    known = {part: amount / FEN for part, amount in fen.items() if amount is not None and pd.notna(amount)}
    parts = [
        say(f"papers.money_{part}", lang, yuan=say("papers.yuan", lang, yuan=f"{y:,.2f}")) for part, y in known.items()
    ]
    if parts:
        yield say("papers.money", lang, parts=say("sheets.comma", lang).join(parts))
