"""绩效目标确认单: what one person is scored by from a day on, to sign or to object to."""

from __future__ import annotations

import pandas as pd

from ..sheets import Block, Sheet, place
from ..text import say
from .terms import Terms, lines, named, use


def confirmation(
    aims: pd.DataFrame, terms: Terms, *, name: str, role: str, level: str | None = None, watched: tuple[str, ...] = ()
) -> Sheet:
    """The page of one person. `aims`: metric, weight, base, target, stretch, grade, id (of a published target)."""
    lang = terms.lang
    rows = aims.sort_values("weight", ascending=False, kind="stable")
    heads = [say("sheets.head_metric", lang), say("sheets.head_weight", lang)]
    heads += [say(f"papers.head_{head}", lang) for head in ("base", "target", "stretch", "use", "id")]
    cells = tuple(
        (named(row["metric"], lang), f"{row['weight']:.3g}", *lines(row, lang), use(row, lang), row["id"])
        for _at, row in rows.iterrows()
    )
    signed = not terms.draft
    return Sheet(
        lang,
        say("papers.confirm_title", lang, name=name),
        (terms.shop, *place(role, level, lang)),
        tuple(terms.rules(rows, watched)),
        (Block(say("papers.targets", lang), tuple(heads), cells),),
        (terms.objection(),),
        stamp=terms.stamp,
        ticks=(say("papers.agree", lang), say("papers.disagree", lang)) if signed else (),
        room=say("papers.disagree_room", lang) if signed else "",
        signatures=signatures("own", "supervisor", lang=lang) if signed else (),
    )


def signatures(*who: str, lang: str) -> tuple[str, ...]:
    """A line to sign on and one for the date, for everybody who signs."""
    return tuple(say(f"papers.sign_{word}", lang) for one in who for word in (one, "date"))
