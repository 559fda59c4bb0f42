"""The three pictures of the first page, drawn at the size of half a printed page; their titles stand beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import fill

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import MaxNLocator

from ..catalogue import entry
from ..text import say
from ..text.numbers import number
from .picture import BLUE, GREY, MISSING_GREY, ORANGE, Picture, house_style, unit_axis

WIDTH = 3.75  # inches: half of an A4 page between its margins
ROW, FRAME = 0.215, 0.42  # height of a line of a chart, and of what is around the lines
SMALL, TINY = 6.5, 5.0  # points
INK = "#2d2f33"
LADDER = {"base": (0.0, ":"), "target": (1.0, "-"), "stretch": (1.6, "--")}  # places and lines of the three values
SEEN = (-1.3, 2.4)  # of the ladder; what lies beyond is drawn at the edge
DOT = (6.0, 40.0)  # square points of the smallest and the largest dot
WRAP = {"zh": 18, "en": 28}


def ladder_places(values: pd.Series, base: float, target: float, stretch: float) -> pd.Series:
    """Where values stand on the ladder base - target - stretch, in proportion between and beyond, better to the right.

    Targets of any unit and direction meet on it, as they do in points.
    """
    rungs = [place for place, _ in LADDER.values()]
    lower = rungs[0] + (values - base) / (target - base) * (rungs[1] - rungs[0])
    upper = rungs[1] + (values - target) / (stretch - target) * (rungs[2] - rungs[1])
    return lower.where(lower <= rungs[1], upper)


def ladders(dots: pd.DataFrame, peers: Mapping[str, float], lines: Sequence[str], *, lang: str = "zh") -> Picture:
    """A line for each metric with a dot for each person and a diamond for the peers' mean.

    `dots`: line, place (ladder_places), n; `peers`: the place on each line, where known; `lines`: from top to bottom.
    """
    with house_style():
        figure, axes = _canvas(len(lines) + 0.6)
        for _, (place, style) in LADDER.items():
            axes.axvline(place, color=INK, linestyle=style, linewidth=0.9, zorder=1)
        _draw_dots(axes, dots, lines)
        known = [(peers[line], row) for row, line in enumerate(lines) if line in peers]
        if known:
            x, y = np.array(known).T
            axes.plot(np.clip(x, *SEEN), y, "D", color=ORANGE, markersize=3.6, markeredgecolor="white", mew=0.4)
        _named_lines(axes, lines, lang)
        axes.set_xlim(SEEN[0] - 0.1, SEEN[1] + 0.1)
        axes.set_xticks([p for p, _ in LADDER.values()], [say(f"charts.{name}", lang) for name in LADDER])
        axes.tick_params(axis="x", labelsize=SMALL, length=0, labeltop=True, labelbottom=False)
        axes.spines["bottom"].set_visible(False)
    told = say("frontpage.chart_spread_peers", lang) if known else ""
    return Picture("front_targets", figure, say("frontpage.chart_spread_note", lang) + told)


def people(rows: pd.DataFrame, *, lang: str = "zh") -> Picture:
    """A bar for each metric: people expected to meet the target, the likely range, the month before as hollow dot.

    `rows`: line, people, met, low, high, before (null where there is none).
    """
    lines = list(rows["line"])
    with house_style():
        figure, axes = _canvas(len(lines) + 0.6)
        places = range(len(rows))
        axes.barh(places, rows["met"].astype(float), height=0.62, color=BLUE, alpha=0.75)
        axes.hlines(places, rows["low"].astype(float), rows["high"].astype(float), color=INK, linewidth=1.1)
        axes.plot(rows["people"].astype(float), places, "|", color=GREY, markersize=9, mew=1.4)
        axes.plot(rows["before"].astype(float), places, "o", mfc="white", mec=ORANGE, markersize=4, mew=1.1)
        for place, row in zip(places, rows.itertuples(), strict=True):
            if pd.notna(row.met):
                said = say("frontpage.about_people_no_range", lang, met=int(row.met))
                axes.text(1.02, place, said, transform=axes.get_yaxis_transform(), va="center", fontsize=SMALL)
        _named_lines(axes, lines, lang)
        axes.set_xlim(0, rows["people"].astype(float).max() * 1.04)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
        axes.tick_params(axis="x", labelsize=SMALL, length=2)
    return Picture("front_people", figure, say("frontpage.chart_people_note", lang))


def hour_map(hours: pd.DataFrame, metric: str, *, lang: str = "zh") -> Picture:
    """Weekday x hour: darker is worse, cases in the cells, grey where there are none or too few for a value.

    `hours`: weekday (0 = Monday), hour, value, n.
    """
    seen = hours[hours["n"] > 0]
    seen = seen.assign(value=seen["value"].where(seen["n"] >= entry(metric).min_n))
    shown = range(int(seen["hour"].min()), int(seen["hour"].max()) + 1)
    wide = seen.pivot(index="weekday", columns="hour", values=["value", "n"])
    value, n = (wide[part].reindex(range(7), columns=shown) for part in ("value", "n"))
    cells = value.to_numpy(float)
    with house_style():
        figure, axes = _canvas(7.4)
        _shade(axes, cells, "Blues_r" if entry(metric).better == "higher" else "Blues")
        low, high = np.nanmin(cells), np.nanmax(cells)
        dark = (cells - low) / (high - low or 1)
        dark = 1 - dark if entry(metric).better == "higher" else dark
        for (row, column), cases in np.ndenumerate(n.to_numpy(float)):
            if np.isfinite(cases):
                ink = "white" if dark[row, column] > 0.6 else INK
                axes.text(column, row, _short(cases), ha="center", va="center", fontsize=TINY, color=ink)
        axes.set_yticks(range(7), [say(f"frontpage.weekday_{day}", lang) for day in range(7)], fontsize=SMALL)
        axes.set_xticks(range(len(shown)), [str(hour) for hour in shown], fontsize=SMALL)
        axes.tick_params(length=0)
    return Picture("front_hours", figure, say("frontpage.chart_hours_note", lang, metric=getattr(entry(metric), lang)))


def day_line(days: pd.DataFrame, metric: str, *, lang: str = "zh") -> Picture:
    """A metric day by day with its usual level dashed; days without data are grey. `days`: day, value, n."""
    series = days.assign(day=pd.to_datetime(days["day"])).set_index("day")["value"].astype(float)
    span = pd.date_range(series.index.min(), series.index.max(), freq="D")
    series = series.reindex(span)
    with house_style():
        figure, axes = _canvas(7.4)
        axes.plot(span, series, color=BLUE, linewidth=0.9, marker=".", markersize=2.5)
        axes.axhline(series.median(), color=GREY, linestyle="--", linewidth=0.8)
        for day in span[series.isna()]:
            axes.axvspan(day - pd.Timedelta(hours=12), day + pd.Timedelta(hours=12), color=MISSING_GREY, linewidth=0)
        ticks = span[:: max(len(span) // 6, 1)]
        axes.set_xticks(ticks, [f"{day.month}/{day.day}" for day in ticks])
        axes.tick_params(labelsize=SMALL, length=2)
        unit_axis(axes.yaxis, entry(metric).unit)
    return Picture("front_days", figure, say("frontpage.chart_days_note", lang, metric=getattr(entry(metric), lang)))


def _canvas(rows: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, ROW * rows + FRAME), layout=ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02))
    return figure, figure.add_subplot()


def _named_lines(axes: Axes, lines: Sequence[str], lang: str) -> None:
    """The metrics' names at the left, the first at the top."""
    axes.set_yticks(range(len(lines)), [fill(line, WRAP[lang]) for line in lines], fontsize=SMALL, linespacing=0.95)
    axes.set_ylim(len(lines) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _draw_dots(axes: Axes, dots: pd.DataFrame, lines: Sequence[str]) -> None:
    """A dot for each person, larger with more cases, moved a little up or down so that equal ones stay apart."""
    row = dots["line"].map({line: place for place, line in enumerate(lines)}).astype(float)
    most = dots.groupby("line")["n"].transform("max").astype(float)
    size = DOT[0] + (DOT[1] - DOT[0]) * (dots["n"].astype(float) / most).fillna(0)
    jitter = (np.arange(len(dots)) * 0.618 % 1 - 0.5) * 0.44
    x = dots["place"].clip(*SEEN).astype(float)
    axes.scatter(x, row + jitter, s=size, color=BLUE, alpha=0.5, linewidths=0, zorder=2)


def _shade(axes: Axes, cells: np.ndarray, cmap: str) -> None:
    shades = ListedColormap(sns.color_palette(cmap, as_cmap=True)(np.linspace(0.12, 0.88, 64))).with_extremes(
        bad=MISSING_GREY
    )
    lines, columns = (np.arange(size + 1) - 0.5 for size in cells.shape)
    axes.pcolormesh(columns, lines, np.ma.masked_invalid(cells), cmap=shades, edgecolors="white", linewidth=0.6)
    axes.invert_yaxis()
    for side in ("left", "bottom"):
        axes.spines[side].set_visible(False)


def _short(cases: float) -> str:
    """A count that fits a cell: 1.2k from 1,000 on."""
    return number(cases, "count") if cases < 1000 else f"{cases / 1000:.1f}k"
