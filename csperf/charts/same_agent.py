"""How does the same agent do in another shift or month?"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..catalogue import entry
from ..text import say
from ..text.numbers import labelled
from .picture import (
    BLUE,
    GREY,
    Picture,
    clear_rows,
    group_word,
    house_style,
    name_of,
    nothing_to_show,
    panel_grid,
    unit_axis,
    who,
)


def shifts(values: pd.DataFrame, metric: str, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Picture:
    """The same agent over the shifts: one panel per agent, the team's median in grey. `values`: by agent and shift."""
    return _same_agent(values, metric, "shift", "shifts", lang, names)


def months(values: pd.DataFrame, metric: str, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Picture:
    """The same agent over the months (seasons): one panel per agent, the team's median in grey."""
    return _same_agent(values, metric, "month", "months", lang, names)


def _same_agent(
    values: pd.DataFrame, metric: str, along: str, name: str, lang: str, names: Mapping[str, str] | None
) -> Picture:
    """Small multiples: one agent each, along shifts or months."""
    rows = clear_rows(values, metric)
    rows = rows[rows[along].notna() & rows["value"].notna()]
    if rows.empty:
        return nothing_to_show(f"{name}_{metric}", say("charts.nothing", lang, metric=name_of(metric, lang)))
    wide = rows.pivot_table(index=along, columns="agent_id", values="value", aggfunc="first").sort_index()
    team = wide.median(axis=1)
    title = say(f"charts.{name}", lang, metric=labelled(name_of(metric, lang), entry(metric).unit, lang))
    low, high = np.nanmin(wide.to_numpy(dtype=float)), np.nanmax(wide.to_numpy(dtype=float))
    with house_style():
        figure, panels = panel_grid(wide.shape[1])
        for axes, agent in zip(panels, wide.columns, strict=True):
            axes.plot(range(len(wide)), team, color=GREY, linestyle="--", linewidth=1)
            axes.plot(range(len(wide)), wide[agent], color=BLUE, marker="o", markersize=3, linewidth=1.3)
            axes.set_ylim(low - 0.08 * (high - low or 1), high + 0.08 * (high - low or 1))
            _along_ticks(axes, wide.index, along, lang)
            unit_axis(axes.yaxis, entry(metric).unit)
            axes.set_title(who(agent, names), fontsize=9)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return Picture(f"{name}_{metric}", figure, title)


def _along_ticks(axes: Axes, index: pd.Index, along: str, lang: str) -> None:
    """Months as their number, the year under the first and under January; shifts by name."""
    if along != "month":
        axes.set_xticks(range(len(index)), [group_word(name, along, lang) for name in index])
        axes.margins(x=0.2)
        return
    every = -(-len(index) // 3)
    places = range(0, len(index), every)
    axes.set_xticks(list(places), [f"{index[i][2:4]}/{index[i][5:]}" for i in places], fontsize=7)
