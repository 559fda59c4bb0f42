"""Can the data be trusted? Which days and accounts have rows."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from ..text import say
from ..text.numbers import day_words, number
from .picture import MISSING_GREY, Picture, canvas, house_style, note_below, nothing_to_show


def coverage(days: pd.DataFrame, first_day: date, last_day: date, *, lang: str = "zh") -> Picture:
    """How many rows each account has on each day; grey: the shop has none, white: only this account has none.

    `days`: store.coverage(): account_id, day, n (null = the shop has nothing that day, 0 = this account has nothing).
    """
    span = pd.date_range(first_day, last_day, freq="D")
    grid = days.assign(day=pd.to_datetime(days["day"])).pivot(index="account_id", columns="day", values="n")
    grid = grid.reindex(columns=span).astype(float)
    grid = grid[(grid > 0).any(axis=1)]
    missing = int(grid.isna().all().sum())
    slots = {"share": number(1 - missing / len(span), "share"), "missing": missing, "days": len(span)}
    title = say("charts.coverage" if missing else "charts.coverage_all", lang, **slots)
    if grid.empty:
        return nothing_to_show("coverage", say("charts.no_chats", lang))
    with house_style():
        figure, axes = canvas(0.24 * max(len(grid), 3) + 1.1)
        shown = np.log10(grid.to_numpy() + 1)
        _heat(axes, np.where(grid == 0, np.nan, shown), cmap="Blues", vmin=0, vmax=max(np.nanmax(shown), 1))
        for row, column in np.argwhere(grid.to_numpy() == 0):
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor="white", edgecolor="white", linewidth=0.8)
            )
        axes.set_yticks(range(len(grid)), [str(name) for name in grid.index])
        _day_ticks(axes, grid.columns, lang)
        axes.set_title(title)
        note_below(axes, say("charts.coverage_note", lang))
    return Picture("coverage", figure, title)


def _heat(axes: Axes, cells: np.ndarray, cmap: str, **limits: Any) -> None:
    """Shaded cells with white gaps; null cells grey."""
    colours = sns.color_palette(cmap, as_cmap=True)(np.linspace(0.18, 0.75, 64))
    shades = ListedColormap(colours)
    shades.set_bad(MISSING_GREY)
    lines, columns = (np.arange(size + 1) - 0.5 for size in cells.shape)  # cell centres on the integers
    axes.pcolormesh(
        columns, lines, np.ma.masked_invalid(cells), cmap=shades, edgecolors="white", linewidth=0.8, **limits
    )
    axes.invert_yaxis()
    axes.tick_params(length=0)


def _day_ticks(axes: Axes, columns: pd.DatetimeIndex, lang: str) -> None:
    every = max(len(columns) // 8, 1)
    places = list(range(0, len(columns), every))
    axes.set_xticks(places, [day_words(columns[i].date(), lang) for i in places])
