"""绩效结果确认单 / 申诉单: a person's month as it is paid by, to sign or to object to until a day."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ..scorecard import Scorecard
from ..sheets import About, Sheet, own_metrics, place, standing
from ..text import say
from ..text.numbers import MISSING, day_words, month_words, quantity
from .confirmation import signatures
from .days import OBJECTION_DAYS, Objections

FEN = 100


def result(
    card: Scorecard,
    agent: str,
    role: str,
    about: About,
    days: Objections,
    *,
    name: str,
    objections_to: str = "",
    pay: pd.Series | None = None,
    stamp: str = "",
) -> Sheet:
    """The page of one person in one role: figures as they are shown, points, what each adds, and how to object.

    `pay`: bonus_fen, commission_fen, correction_fen of the person, null where a part is not known.
    """
    lang = about.lang
    mine = (card.scores["month"] == about.month) & (card.scores["agent_id"] == agent) & (card.scores["role"] == role)
    row = card.scores[mine].iloc[0]
    own = card.parts[
        (card.parts["month"] == about.month) & (card.parts["agent_id"] == agent) & (card.parts["role"] == role)
    ]
    who = objections_to or say("papers.supervisor", lang)
    return Sheet(
        lang,
        say("papers.result_title", lang, name=name, month=month_words(about.month, lang)),
        (about.shop, *place(role, row["level"], lang)),
        (*standing(row, lang), *_money(pay, lang), *_objecting(about, days, who)),
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


def _objecting(about: About, days: Objections, who: str) -> Iterator[str]:
    lang = about.lang
    published, until = day_words(days.published, lang), day_words(days.until, lang)
    yield say("papers.result_days", lang, published=published, until=until, days=OBJECTION_DAYS, who=who)
    yield say("papers.result_answer", lang)
    yield say("papers.result_frozen", lang, month=month_words(about.month, lang))


def _money(pay: pd.Series | None, lang: str) -> Iterator[str]:
    if pay is not None:
        parts = {name: _yuan(pay.get(f"{name}_fen"), lang) for name in ("bonus", "commission", "correction")}
        yield say("papers.money", lang, **parts)


def _yuan(fen: float | None, lang: str) -> str:
    """Money to the fen: pay is not rounded."""
    if fen is None or pd.isna(fen):
        return MISSING
    whole = quantity(0.0, "yuan", lang).replace("0.0", "{}")
    return whole.format(f"{fen / FEN:,.2f}")
