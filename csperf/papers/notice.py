"""考核标准公示: what a role is scored by, to hang up; no names."""

from __future__ import annotations

import pandas as pd

from ..sheets import Block, Sheet, place
from ..targets.order import ladder
from ..text import say
from .terms import LINES, Terms, lines, named, use


def notice(aims: pd.DataFrame, terms: Terms, role: str, watched: tuple[str, ...] = ()) -> Sheet:
    """The page of one role. `aims`: level (null: the whole role), metric, weight, base, target, stretch, grade."""
    lang = terms.lang
    rows = aims.sort_values("weight", ascending=False, kind="stable")
    heads = [say("sheets.head_metric", lang), say("sheets.head_weight", lang)]
    heads += [say(f"papers.head_{head}", lang) for head in ("level", *LINES, "use")]
    cells = tuple(cell for metric in rows["metric"].unique() for cell in _metric(rows[rows["metric"] == metric], lang))
    return Sheet(
        lang,
        say("papers.notice_title", lang, role=say(f"tables.role_{role}", lang)),
        (terms.shop,),
        tuple(terms.rules(rows, watched)),
        (Block(say("papers.targets", lang), tuple(heads), cells),),
        (terms.objection(),),
        stamp=terms.stamp,
    )


def _metric(rows: pd.DataFrame, lang: str) -> list[tuple[str, ...]]:
    """A line for each different target of a metric, with the levels it holds for; the metric stands once."""
    order = ladder([str(level) for level in rows["level"].dropna()])
    rows = rows.assign(place=[order.index(level) if pd.notna(level) else -1 for level in rows["level"]])
    found: dict[tuple[str, ...], list[str]] = {}
    for _at, row in rows.sort_values("place", kind="stable").iterrows():
        level = place(str(row["role"]), row["level"], lang)[1:]
        found.setdefault((*lines(row, lang), use(row, lang)), []).extend(level)
    first = rows.iloc[0]
    heads = [(named(first["metric"], lang), f"{first['weight']:.3g}"), *[("", "")] * (len(found) - 1)]
    return [
        (*head, say("papers.and", lang).join(levels), *cells)
        for head, (cells, levels) in zip(heads, found.items(), strict=True)
    ]
