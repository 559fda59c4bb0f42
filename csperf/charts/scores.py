"""Where do the points come from, and how far do chance's ups and downs move a score?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ..text import say
from ..text.numbers import month_words
from .picture import BLUE, GREY, ORANGE, Picture, canvas, house_style, name_of, note_below, nothing_to_show, who

MARKS = ((60, ":"), (100, "-"), (120, "--"))
MOST = 132  # points that the axis reaches to
BAND_LOOK = {"above": (BLUE, "^"), "level": (GREY, "o"), "below": (ORANGE, "v")}


def points_of_person(parts: pd.DataFrame, *, lang: str = "zh") -> Picture:
    """One person's points, a bar for each metric, with base, target and stretch as lines. `parts`: scorecard.PARTS."""
    rows = parts.sort_values("weight_used", ascending=False, kind="stable").reset_index(drop=True)
    best, worst = rows["points"].idxmax(), rows["points"].idxmin()
    slots = {"best": name_of(rows["metric"][best], lang), "worst": name_of(rows["metric"][worst], lang)}
    title = say("charts.points_of_person" if best != worst else "charts.points_of_one", lang, **slots)
    with house_style():
        figure, axes = canvas(0.38 * len(rows) + 1.3)
        axes.barh(range(len(rows)), rows["points"], height=0.55, color=np.where(rows["points"] < 60, ORANGE, BLUE))
        for at, worth in enumerate(rows["points"]):
            axes.text(worth + 1, at, f"{worth:.0f}", va="center", fontsize=8)
        for place, style in MARKS:
            axes.axvline(place, color="#2d2f33", linestyle=style, linewidth=1)
        axes.set_yticks(range(len(rows)), [name_of(metric, lang) for metric in rows["metric"]])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(0, MOST)
        note_below(axes, say("charts.points_lines", lang))
        axes.set_title(title)
    return Picture("points_of_person", figure, title)


def scores(scores: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Picture:
    """Everybody's score of a month with its range, by role and band; within a band by name. `scores`: CONTRACT 4."""
    rows = scores[scores["score"].notna()]
    if rows.empty:
        return nothing_to_show("scores", say("charts.no_scores", lang))
    order = {band: place for place, band in enumerate(BAND_LOOK)}
    rows = rows.sort_values(["role", "band", "agent_id"], key=lambda c: c.map(order) if c.name == "band" else c)
    rows = rows.reset_index(drop=True)
    apart = int((rows["band"] != "level").sum())
    slots = {"month": month_words(rows["month"].max(), lang), "people": len(rows), "apart": apart}
    title = say("charts.scores", lang, **slots)
    with house_style():
        figure, axes = canvas(0.24 * len(rows) + 1.4)
        for band, (colour, mark) in BAND_LOOK.items():
            own = rows[rows["band"] == band]
            axes.hlines(own.index, own["score_low"], own["score_high"], color=colour, linewidth=1.5, alpha=0.6)
            axes.plot(own["score"], own.index, mark, color=colour, markersize=6)
        for place, style in MARKS:
            axes.axvline(place, color="#2d2f33", linestyle=style, linewidth=0.8)
        axes.set_yticks(range(len(rows)), [who(agent, names) for agent in rows["agent_id"]])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        note_below(axes, say("charts.scores_note", lang))
        axes.set_title(title)
    return Picture("scores", figure, title)
