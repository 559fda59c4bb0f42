"""Is that more than chance? The agents beside what the others would lead one to expect, the months one by one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ..catalogue import entry
from ..text import say
from ..text.numbers import labelled, month_words, number, quantity
from .picture import (
    BLUE,
    GREY,
    ORANGE,
    Picture,
    canvas,
    house_style,
    name_of,
    note_below,
    nothing_to_show,
    unit_axis,
    who,
)

WIDE, NARROW = "#e9ebee", "#cfd4da"  # what 998 of a thousand and 95 of a hundred agents would show
MARKS = {"better": ("^", BLUE), "usual": ("o", "#5b616b"), "worse": ("v", ORANGE)}
BAR = 0.72  # of the place of an agent
CROWDED = 14  # more names than that stand upright


def funnel(people: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Picture:
    """The newest month's agents of one metric and role, from few cases to many, each on what all the others foretell.

    `people`: the rows of one metric and role of targets.outlook.people. `names`: for the supervisor's page only;
    without it nobody is named. Triangles: clearly unlike the others, up for better, down for worse.
    """
    rows = people[people["value"].notna()].sort_values(["n", "agent_id"], ignore_index=True)
    if rows.empty:
        return nothing_to_show("funnel", say("charts.funnel_none", lang))
    metric, role, unit = rows["metric"][0], rows["role"][0], entry(rows["metric"][0]).unit
    rows = rows.assign(mark=_marks(rows))
    title = _funnel_title(rows, lang)
    with house_style():
        figure, axes = canvas(3.6)
        for low, high, shade in (("low998", "high998", WIDE), ("low95", "high95", NARROW)):
            axes.bar(rows.index, rows[high] - rows[low], bottom=rows[low], width=BAR, color=shade, zorder=1)
        axes.hlines(
            rows["expected"], rows.index - BAR / 2, rows.index + BAR / 2, color="white", linewidth=1.5, zorder=2
        )
        for mark, (shape, colour) in MARKS.items():
            part = rows[rows["mark"] == mark]
            axes.plot(part.index, part["value"], shape, color=colour, markersize=6, zorder=3)
        _people_ticks(axes, rows, lang, names)
        unit_axis(axes.yaxis, unit)
        axes.set_ylabel(labelled(name_of(metric, lang), unit, lang))
        axes.set_title(title)
        if rows["low95"].notna().any():
            figure.legend(handles=_legend(rows, lang), loc="outside lower center", ncols=5, frameon=False, fontsize=8)
    return Picture(f"funnel_{metric}_{role}", figure, title)


def month_limits(months: pd.DataFrame, *, lang: str = "zh") -> Picture:
    """The months of one metric and role, those unlike the others marked, and what they foretold for the newest.

    `months`: the rows of one metric and role of targets.outlook.months. Too few months: the line alone.
    """
    rows = months.sort_values("month", ignore_index=True)
    if not rows["value"].notna().any():
        return nothing_to_show("month_limits", say("charts.months_none", lang))
    metric, role, unit = rows["metric"][0], rows["role"][0], entry(rows["metric"][0]).unit
    title, short = _months_title(rows, lang), rows["centre"].isna().all()
    with house_style():
        figure, axes = canvas(2.9)
        axes.plot(rows.index, rows["value"], color=BLUE, marker="o", markersize=4, linewidth=1.3, zorder=3)
        odd = rows[rows["signal"] != ""]
        axes.plot(odd.index, odd["value"], "D", color=ORANGE, markersize=8, zorder=4)
        if not short:
            _foretold(axes, rows, unit, lang)
        every = -(-len(rows) // 12)
        axes.set_xticks(rows.index[::every], [f"{month[2:4]}/{month[5:]}" for month in rows["month"][::every]])
        unit_axis(axes.yaxis, unit)
        axes.set_ylabel(labelled(name_of(metric, lang), unit, lang))
        axes.set_title(title)
        note_below(axes, say("charts.months_short" if short else "charts.months_note", lang))
    return Picture(f"month_limits_{metric}_{role}", figure, title)


def _marks(rows: pd.DataFrame) -> np.ndarray:
    """better, usual or worse: whether the others would lead one to expect the newest month."""
    better = (rows["value"] > rows["expected"]) == (entry(rows["metric"].iloc[0]).better == "higher")
    return np.where(rows["listed"].astype(bool), np.where(better, "better", "worse"), "usual")


def _funnel_title(rows: pd.DataFrame, lang: str) -> str:
    slots = {"metric": name_of(rows["metric"][0], lang), "agents": len(rows)}
    if rows["low95"].isna().all():
        return say("charts.funnel_few", lang, **slots)
    counts = {mark: int((rows["mark"] == mark).sum()) for mark in ("better", "worse")}
    return say("charts.funnel" if any(counts.values()) else "charts.funnel_usual", lang, **slots, **counts)


def _legend(rows: pd.DataFrame, lang: str) -> list[Artist]:
    """What the shapes and bars mean, for those there are."""
    marks: list[Artist] = [
        Line2D([], [], linestyle="", marker=shape, color=colour, label=say(f"charts.mark_{mark}", lang))
        for mark, (shape, colour) in MARKS.items()
        if (rows["mark"] == mark).any()
    ]
    return [
        *marks,
        Patch(color=NARROW, label=say("charts.range95", lang)),
        Patch(color=WIDE, label=say("charts.range998", lang)),
    ]


def _people_ticks(axes: Axes, rows: pd.DataFrame, lang: str, names: Mapping[str, str] | None) -> None:
    """n below each agent, and the name where names are given."""
    cases = [number(n, "count") for n in rows["n"]]
    labels = cases if names is None else [f"{who(a, names)}\n{n}" for a, n in zip(rows["agent_id"], cases, strict=True)]
    axes.set_xticks(rows.index, labels, fontsize=7.5, rotation=90 if len(rows) > CROWDED else 0)
    axes.set_xlim(-0.6, len(rows) - 0.4)
    axes.tick_params(axis="x", length=0)
    across = "charts.funnel_across" if rows["low95"].notna().any() else "charts.funnel_across_few"
    axes.set_xlabel(say(across, lang), fontsize=8, color="#555b66")


def _months_title(rows: pd.DataFrame, lang: str) -> str:
    """The newest month against what was to be expected, and how many earlier ones were unusual."""
    newest = rows.iloc[-1]
    unit = entry(newest["metric"]).unit
    slots: dict[str, object] = {"metric": name_of(newest["metric"], lang), "month": month_words(newest["month"], lang)}
    slots |= {"value": quantity(newest["value"], unit, lang), "odd": int((rows["signal"] == "past").sum())}
    if rows["centre"].isna().all():
        return say("charts.months_few", lang, **slots, months=len(rows))
    return say("charts.months_outside" if newest["signal"] else "charts.months_inside", lang, **slots)


def _foretold(axes: Axes, rows: pd.DataFrame, unit: str, lang: str) -> None:
    """The range that the months before foretell for the newest, behind the whole line, its edges written beside it."""
    last, span = rows.iloc[-1], (-0.5, len(rows) - 0.5)
    axes.axhspan(last["low"], last["high"], color=WIDE, zorder=0)
    axes.axhline(last["centre"], color=GREY, linestyle="--", linewidth=1, zorder=1)
    look: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "va": "center", "fontsize": 8, "color": "#555b66"}
    for edge in ("low", "centre", "high"):
        axes.annotate(quantity(last[edge], unit, lang), (1.01, last[edge]), **look, annotation_clip=False)
    held = np.array([*rows["value"].dropna(), last["low"], last["high"]])
    margin = 0.06 * (np.ptp(held) or 1)
    axes.set_ylim(held.min() - margin, held.max() + margin)
    axes.set_xlim(*span)
