"""When do customers come, and are there enough people for them?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.colors import ListedColormap
from matplotlib.ticker import MaxNLocator

from ..catalogue import entry
from ..staffing import lacking
from ..text import say
from ..text.numbers import number
from .picture import BLUE, MISSING_GREY, ORANGE, WIDTH, Picture, canvas, house_style, note_below, nothing_to_show

FEWEST = 10  # cases of a share: of fewer a cell says nothing
TURNING = 0.55  # of the way to the darkest: from there on figures are white


def week_hours(hours: pd.DataFrame, what: str, *, lang: str = "zh") -> Picture:
    """Weekday x hour with the value in each cell; darker is busier, or worse; grey where nothing is known.

    `hours`: staffing.staffed by weekday and hour, `what` its column per_hour (customers) or rostered (agents on the
    plan); or lists.week_map, and `what` is its metric, a share of cases.
    """
    share = what not in hours
    better = entry(what).better if share else "lower"
    hours = hours[hours["n"] >= FEWEST] if share else hours.assign(value=hours[what].astype(float), n=hours["arrivals"])
    name = f"week_{'share' if share else what}"
    known, came = hours[hours["value"].notna()], hours.loc[hours["n"] > 0, "hour"]
    if known.empty or came.empty:
        return nothing_to_show(name, say("charts.week_nothing", lang))
    shown = range(int(came.min()), int(came.max()) + 1)
    known = known[known["hour"].isin(shown)]
    wide = known.pivot(index="weekday", columns="hour", values="value").reindex(index=range(7), columns=shown)
    cells = wide.to_numpy(float)
    title = _week_title(known, what, name, better, lang)
    with house_style():
        figure, axes = canvas(3.1)
        shades = sns.color_palette("Blues_r" if better == "higher" else "Blues", as_cmap=True)(
            np.linspace(0.12, 0.88, 64)
        )
        look: dict[str, Any] = {"cmap": ListedColormap(shades).with_extremes(bad=MISSING_GREY), "linewidth": 0.6}
        edges = [np.arange(size + 1) - 0.5 for size in reversed(cells.shape)]
        axes.pcolormesh(*edges, np.ma.masked_invalid(cells), edgecolors="white", **look)
        _figures(axes, cells, partial(_cell, what=what, share=share), better)
        axes.set_yticks(range(7), [say(f"tables.weekday_{day}", lang) for day in range(7)])
        axes.set_xticks(range(len(shown)), [str(hour) for hour in shown])
        axes.invert_yaxis()
        axes.tick_params(length=0)
        for side in ("left", "bottom"):
            axes.spines[side].set_visible(False)
        axes.set_title(title)
        note_below(axes, say("charts.week_note", lang))
    return Picture(name, figure, title)


def _week_title(known: pd.DataFrame, what: str, name: str, better: str, lang: str) -> str:
    """The weekday and hour with the most, or worst; that all need as many people alike, where it is so."""
    at = known.loc[(known["value"].idxmin if better == "higher" else known["value"].idxmax)()]
    share = name == "week_share"
    slots = {"weekday": say(f"tables.weekday_{int(at['weekday'])}", lang), "hour": int(at["hour"])}
    value = _cell(at["value"], what, share).removesuffix(".0")
    slots |= {"next": int(at["hour"]) + 1, "value": value, "n": number(known["n"].sum(), "count")}
    even = "_even" if what == "rostered" and known.loc[known["value"] > 0, "value"].nunique() == 1 else ""
    return say(f"charts.{name}{even}", lang, **slots, metric=entry(what).name(lang) if share else "")


def _figures(axes, cells: np.ndarray, said: Callable[[float], str], better: str) -> None:
    """The value in each cell, white on dark ones."""
    low, high = np.nanmin(cells), np.nanmax(cells)
    for (row, column), value in np.ndenumerate(cells):
        if np.isfinite(value):
            dark = (value - low) / (high - low or 1)
            ink = "white" if (1 - dark if better == "higher" else dark) > TURNING else "#1c2530"
            axes.text(column, row, said(value), ha="center", va="center", fontsize=7, color=ink)


def _cell(value: float, what: str, share: bool) -> str:
    if share:
        return f"{100 * value:.0f}%"
    return f"{value:.0f}" if what == "rostered" else f"{value:.1f}"


def needed_scheduled(by_hour: pd.DataFrame, *, lang: str = "zh") -> Picture:
    """How many people each hour of the day must have on the plan (bars), and how many it has (line).

    `by_hour`: staffing.staffed by hour; bars of hours that lack half a person or more are orange and hatched.
    """
    rows = by_hour[(by_hour["rostered"].fillna(0) > 0) | (by_hour["scheduled"].fillna(0) > 0)]
    if rows.empty:
        return nothing_to_show("needed_scheduled", say("charts.week_nothing", lang))
    short = lacking(rows).to_numpy(bool)
    known = rows["scheduled"].notna().any()
    ending = "_unknown" if not known else "" if short.any() else "_enough"
    title = say(f"charts.needed_scheduled{ending}", lang, hours=int(short.sum()))
    with house_style():
        figure, axes = canvas(2.8, WIDTH)
        bars = axes.bar(rows["hour"], rows["rostered"].astype(float), width=0.8, color=BLUE, alpha=0.75)
        for bar, too_few in zip(bars, short, strict=True):
            if too_few:
                bar.set(color=ORANGE, hatch="//", edgecolor="white")
        bars.set_label(say("charts.rostered", lang))
        if known:
            look: dict[str, Any] = {"where": "mid", "color": "#1c2530", "linewidth": 1.6}
            axes.step(rows["hour"], rows["scheduled"], label=say("charts.scheduled", lang), **look)
        axes.set_xticks(rows["hour"], [str(hour) for hour in rows["hour"]])
        axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=2)
        axes.margins(y=0.25)
        axes.set_title(title)
        note_below(axes, say("charts.needed_note", lang))
    return Picture("needed_scheduled", figure, title)
