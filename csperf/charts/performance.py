"""How did everyone do? The shop day by day, the agents side by side, volume against speed, groups as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.dates import num2date
from matplotlib.ticker import FuncFormatter

from ..catalogue import entry
from ..targets import ladder
from ..text import say, words
from ..text.numbers import labelled, number, quantity
from .labels import names_beside
from .picture import (
    BLUE,
    GREY,
    MISSING_GREY,
    ORANGE,
    Picture,
    canvas,
    clear_rows,
    group_word,
    house_style,
    name_of,
    names_of,
    nothing_to_show,
    panel_grid,
    unit_axis,
    who,
)


def days(values: pd.DataFrame, metrics: Sequence[str], first_day: date, last_day: date, *, lang: str = "zh") -> Picture:
    """The shop day by day, a small line chart per metric that has data; days without data are grey."""
    metrics = [m for m in metrics if values.loc[values["metric"] == m, _day_column(m)].notna().any()]
    if not metrics:
        return nothing_to_show("days", say("charts.no_chats", lang))
    with house_style():
        figure, panels = panel_grid(len(metrics), columns=2, height=1.9)
        for axes, metric in zip(panels, metrics, strict=False):
            _day_line(axes, values[values["metric"] == metric], metric, first_day, last_day, lang)
    return Picture("days", figure, say("charts.days", lang, metrics=names_of(metrics, lang)))


def agents(
    values: pd.DataFrame, team: pd.DataFrame, metric: str, *, lang: str = "zh", names: Mapping[str, str] | None = None
) -> Picture:
    """The agents of one period side by side, best on top, n beside each, the shop's value as a line.

    `values`: by agent; `team`: by shop. Whoever has too few cases stands at the bottom, without a dot.
    """
    rows = clear_rows(values, metric)
    rows = rows[_told(rows)]
    if rows.empty:
        return nothing_to_show(f"agents_{metric}", say("charts.nothing", lang, metric=name_of(metric, lang)))
    known, team = entry(metric), _team_value(team, metric)
    ordered = rows.sort_values("value", ascending=known.better == "higher", na_position="first").reset_index(drop=True)
    title = _agents_title(ordered, metric, lang, names)
    with house_style():
        figure, axes = canvas(0.3 * max(len(ordered), 3) + 1.2)
        axes.plot(ordered["value"], ordered.index, "o", color=BLUE, zorder=3)
        if np.isfinite(team):
            axes.axvline(team, color=ORANGE, linestyle="--", zorder=1)
            label = say("charts.team", lang, value=quantity(team, known.unit, lang))
            axes.annotate(
                label, (team, 1), (3, 2), xycoords=("data", "axes fraction"), textcoords="offset points", color=ORANGE
            )
        axes.set_yticks(ordered.index, [who(row.agent_id, names) for row in ordered.itertuples()])
        axes.set_ylim(-0.6, len(ordered) - 0.4)
        _n_beside(axes, ordered, lang)
        unit_axis(axes.xaxis, known.unit)
        axes.set_xlabel(labelled(name_of(metric, lang), known.unit, lang))
        axes.grid(axis="y", color="#ececec", zorder=0)
        axes.set_title(title, pad=18)
    return Picture(f"agents_{metric}", figure, title)


def volume_speed(
    values: pd.DataFrame,
    volume: str = "sessions_per_day",
    speed: str = "mean_wait_turn_s",
    *,
    lang: str = "zh",
    names: Mapping[str, str] | None = None,
) -> Picture:
    """Volume against speed, a dot per agent; the medians cut the field into four, each named in words."""
    rows = pd.concat([clear_rows(values, volume), clear_rows(values, speed)])
    wide = (
        rows.pivot_table(index="agent_id", columns="metric", values="value").reindex(columns=[volume, speed]).dropna()
    )
    if wide.empty:
        return nothing_to_show("volume_speed", say("charts.nothing", lang, metric=names_of([volume, speed], lang)))
    slow = wide[(wide[volume] >= wide[volume].median()) & (wide[speed] > wide[speed].median())]
    title = say("charts.volume_speed", lang, n=len(wide), slow=len(slow))
    with house_style():
        figure, axes = canvas(4.4)
        axes.plot(wide[volume], wide[speed], "o", color=BLUE)
        _quadrants(axes, wide[volume].median(), wide[speed].median(), lang)
        axes.margins(0.14)
        for axis, metric in ((axes.xaxis, volume), (axes.yaxis, speed)):
            unit_axis(axis, entry(metric).unit)
        axes.set_xlabel(labelled(name_of(volume, lang), entry(volume).unit, lang))
        axes.set_ylabel(labelled(name_of(speed, lang), entry(speed).unit, lang))
        axes.set_title(title)
        names_beside(axes, wide[volume], wide[speed], [who(agent, names) for agent in wide.index])
    return Picture("volume_speed", figure, title)


def bars(values: pd.DataFrame, metric: str, by: str, *, lang: str = "zh") -> Picture:
    """One bar per group of `by` (level, role, shift, week ...), value and n written on it."""
    known = entry(metric)
    rows = clear_rows(values, metric)
    rows = rows[rows[by].notna() & _told(rows)]
    place = {name: at for at, name in enumerate(ladder(rows[by]))}
    rows = rows.sort_values(by, key=lambda names_: names_.map(place), ignore_index=True)
    if rows.empty:
        return nothing_to_show(f"bars_{metric}_{by}", say("charts.nothing", lang, metric=name_of(metric, lang)))
    title = say("charts.bars", lang, metric=name_of(metric, lang), by=say(f"charts.by_{by}", lang))
    with house_style():
        figure, axes = canvas(0.42 * max(len(rows), 2) + 1.1)
        axes.barh(rows.index, rows["value"].fillna(0), color=BLUE, height=0.6)
        for row in rows.itertuples():
            text = say("charts.value_n", lang, value=quantity(row.value, known.unit, lang), n=number(row.n, "count"))
            axes.annotate(text, (np.nan_to_num(row.value), row.Index), (4, 0), textcoords="offset points", va="center")
        axes.set_yticks(rows.index, [group_word(name, by, lang) for name in rows[by]])
        axes.invert_yaxis()
        axes.margins(x=0.22)
        unit_axis(axes.xaxis, known.unit)
        axes.set_title(title)
    return Picture(f"bars_{metric}_{by}", figure, title)


def _told(rows: pd.DataFrame) -> pd.Series:
    """Rows with cases; a backend's own value may come without their number."""
    return (rows["n"].fillna(0) > 0) | (rows["n"].isna() & rows["value"].notna())


def _team_value(team: pd.DataFrame, metric: str) -> float:
    found = team.loc[team["metric"] == metric, "value"].dropna()
    return float(found.iloc[0]) if len(found) else np.nan


def _day_line(axes: Axes, rows: pd.DataFrame, metric: str, first_day: date, last_day: date, lang: str) -> None:
    """One shop metric over the days of the span."""
    span = pd.date_range(first_day, last_day, freq="D")
    total = words("report", lang).get(f"total_{metric}")
    series = (
        rows.assign(day=pd.to_datetime(rows["day"])).set_index("day")[_day_column(metric)].reindex(span).astype(float)
    )
    axes.plot(span, series, color=BLUE, marker=".", markersize=3, linewidth=1)
    for day in span[series.isna()]:
        axes.axvspan(day - pd.Timedelta(hours=12), day + pd.Timedelta(hours=12), color=MISSING_GREY, linewidth=0)
    axes.set_xlim(span[0] - pd.Timedelta(hours=12), span[-1] + pd.Timedelta(hours=12))
    axes.set_xticks(span[:: max(len(span) // 5, 1)])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda place, _: f"{num2date(place).month}/{num2date(place).day}"))
    unit_axis(axes.yaxis, entry(metric).unit)
    axes.set_title(total or labelled(name_of(metric, lang), entry(metric).unit, lang), fontsize=9)


def _day_column(metric: str) -> str:
    """What a day of the shop shows: how many there were, not how many per agent."""
    return "numerator" if f"total_{metric}" in words("report", "en") else "value"


def _agents_title(ordered: pd.DataFrame, metric: str, lang: str, names: Mapping[str, str] | None) -> str:
    """The conclusion: the gap between best and last, or that nobody has a value."""
    known, valid = entry(metric), ordered[ordered["value"].notna()]
    if valid.empty:
        return say("charts.agents_empty", lang, metric=name_of(metric, lang))
    last, best = valid.iloc[0], valid.iloc[-1]
    slots = {
        "best": who(best["agent_id"], names),
        "last": who(last["agent_id"], names),
        "metric": name_of(metric, lang),
    }
    slots |= {f"{k}_value": quantity(row["value"], known.unit, lang) for k, row in (("best", best), ("last", last))}
    return say("charts.agents" if len(valid) > 1 else "charts.agents_one", lang, **slots)


def _n_beside(axes: Axes, ordered: pd.DataFrame, lang: str) -> None:
    """n at the right edge of each row, and the note where there is no value."""
    for row in ordered.itertuples():
        text = say("charts.n", lang, n=number(row.n, "count")) if pd.notna(row.n) else ""
        if pd.isna(row.value):
            text = say("charts.few", lang, n=number(row.n, "count"))
        place = axes.get_yaxis_transform()
        axes.annotate(
            text, (1.01, row.Index), xycoords=place, va="center", fontsize=7.5, color="#555b66", annotation_clip=False
        )


def _quadrants(axes: Axes, x: float, y: float, lang: str) -> None:
    axes.axvline(x, color=GREY, linestyle="--", linewidth=0.8)
    axes.axhline(y, color=GREY, linestyle="--", linewidth=0.8)
    corners = {"few_slow": (0.01, 0.98, "left", "top"), "many_slow": (0.99, 0.98, "right", "top")}
    corners |= {"few_fast": (0.01, 0.02, "left", "bottom"), "many_fast": (0.99, 0.02, "right", "bottom")}
    for key, (left, up, ha, va) in corners.items():
        axes.text(left, up, say(f"charts.{key}", lang), transform=axes.transAxes, ha=ha, va=va, color=GREY, fontsize=8)
