"""Do buyers who wait longer buy less?"""

from __future__ import annotations

import pandas as pd

from ..patience import LIMITS_S
from ..text import say
from ..text.numbers import number
from .picture import BLUE, Picture, canvas, house_style, note_below, nothing_to_show, unit_axis

FEWEST = 20  # buyers of a band: of fewer it says nothing


def bought_by_wait(found: pd.DataFrame, *, lang: str = "zh") -> Picture:
    """The share of buyers who paid, with its interval, by how long they waited. `found`: patience.bought_by_wait."""
    rows = found[found["n"] >= FEWEST]
    answered = rows[rows["band"] <= len(LIMITS_S)]
    if answered.empty:
        return nothing_to_show("bought_by_wait", say("charts.wait_nothing", lang))
    first, last = answered.iloc[0], answered.iloc[-1]
    apart = "_less" if last["high"] < first["low"] else "_more" if last["low"] > first["high"] else ""
    slots = {"first": _band(first["band"], lang), "last": _band(last["band"], lang)}
    slots |= {"first_share": number(first["share"], "share"), "last_share": number(last["share"], "share")}
    title = say(f"charts.wait{apart}", lang, **slots)
    with house_style():
        figure, axes = canvas(2.8)
        places = range(len(rows))
        reach = [rows["share"] - rows["low"], rows["high"] - rows["share"]]
        axes.errorbar(places, rows["share"], reach, color=BLUE, marker="o", capsize=4, linewidth=1.5)
        labels = [f"{_band(row.band, lang)}\nn={number(row.n, 'count')}" for row in rows.itertuples()]
        axes.set_xticks(places, labels, fontsize=8)
        axes.set_ylim(bottom=0)
        unit_axis(axes.yaxis, "share")
        axes.set_title(title)
        note_below(axes, say("charts.wait_note", lang))
    return Picture("bought_by_wait", figure, title)


def _band(band: int, lang: str) -> str:
    """10–30秒."""
    if band > len(LIMITS_S):
        return say("charts.wait_never", lang)
    low, high = (0, *LIMITS_S)[int(band)], (*LIMITS_S, None)[int(band)]
    return say("charts.wait_over" if high is None else "charts.wait_band", lang, low=low, high=high)
