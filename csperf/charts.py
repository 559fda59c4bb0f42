"""One picture per function, returned and never shown or saved. Labels come from the catalogue and text/charts.yaml.

Every function takes frames with the columns of the values table (csperf.run.measure) and `lang`. Days without data
are grey, n stands beside the value, and no meaning rests on colour alone.
"""

from __future__ import annotations

import base64
import importlib.util
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.dates import num2date
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter

from .catalogue import entry
from .mart import N_SMALL
from .targets import ladder
from .text import say, words
from .text.numbers import day_words, labelled, month_words, number, quantity

BLUE, ORANGE, GREY, MISSING_GREY = "#1f5f99", "#c8641b", "#8a8f98", "#d5d7db"
WIDTH = 8.0  # inches; the page scales pictures down to its width
PANELS_PER_ROW = 4
LABEL_SIZE, LABEL_GAP = 7.5, 4  # points
ACROSS, UP = 400.0, 200.0  # points that the dots of a chart of names spread over, roughly
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (-1, 1), (1, -1))  # of a dot, where its name may stand
MOST_SLICES = 5  # a pie with more slices cannot be read: the smallest become one
LOOK = {
    "svg.hashsalt": "csperf",  # the same ids in every run
    "svg.fonttype": "path",  # the page needs no font of the reader's machine
    "axes.unicode_minus": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titlelocation": "left",
    "font.size": 9,
    "figure.dpi": 100,
}


@dataclass(frozen=True, eq=False, repr=False)
class Picture:
    """A drawn figure with its name and what it shows in words; notebooks display it as SVG."""

    name: str
    figure: Figure
    alt: str

    def __repr__(self) -> str:
        return f"<Picture {self.name}: {self.alt}>"

    @cached_property
    def svg(self) -> bytes:
        """The picture as SVG. Kept, because matplotlib's layout moves by a hair each time a figure is drawn again."""
        buffer = BytesIO()
        with rc_context(LOOK):
            self.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        # As an image of its own: ids inside one SVG cannot meet those of another on the page.
        data = base64.b64encode(self.svg).decode("ascii")
        alt = self.alt.translate({ord('"'): "&quot;", ord("<"): "&lt;", ord("&"): "&amp;"})
        return f'<img class="picture" alt="{alt}" src="data:image/svg+xml;base64,{data}">'


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
        return _nothing("coverage", say("charts.no_chats", lang))
    with _look():
        figure, axes = _canvas(0.24 * max(len(grid), 3) + 1.1)
        shown = np.log10(grid.to_numpy() + 1)
        _heat(axes, np.where(grid == 0, np.nan, shown), cmap="Blues", vmin=0, vmax=max(np.nanmax(shown), 1))
        for row, column in np.argwhere(grid.to_numpy() == 0):
            axes.add_patch(
                Rectangle((column - 0.5, row - 0.5), 1, 1, facecolor="white", edgecolor="white", linewidth=0.8)
            )
        axes.set_yticks(range(len(grid)), [str(name) for name in grid.index])
        _day_ticks(axes, grid.columns, lang)
        axes.set_title(title)
        _note(axes, say("charts.coverage_note", lang))
    return Picture("coverage", figure, title)


def days(values: pd.DataFrame, metrics: Sequence[str], first_day: date, last_day: date, *, lang: str = "zh") -> Picture:
    """The shop day by day, a small line chart per metric that has data; days without data are grey."""
    metrics = [m for m in metrics if values.loc[values["metric"] == m, _day_column(m)].notna().any()]
    if not metrics:
        return _nothing("days", say("charts.no_chats", lang))
    with _look():
        figure, panels = _panels(len(metrics), lang=lang, columns=2, height=1.9)
        for axes, metric in zip(panels, metrics, strict=False):
            _day_line(axes, values[values["metric"] == metric], metric, first_day, last_day, lang)
    return Picture("days", figure, say("charts.days", lang, metrics=_names(metrics, lang)))


def agents(
    values: pd.DataFrame, team: pd.DataFrame, metric: str, *, lang: str = "zh", names: Mapping[str, str] | None = None
) -> Picture:
    """The agents of one period side by side, best on top, n beside each, the shop's value as a line.

    `values`: by agent; `team`: by shop. Whoever has too few cases stands at the bottom, without a dot.
    """
    rows = _clear(values, metric)
    if rows["n"].fillna(0).eq(0).all():
        return _nothing(f"agents_{metric}", say("charts.nothing", lang, metric=_name(metric, lang)))
    known, team = entry(metric), _team_value(team, metric)
    rows = rows[rows["n"].fillna(0) > 0]
    ordered = rows.sort_values("value", ascending=known.better == "higher", na_position="first").reset_index(drop=True)
    title = _agents_title(ordered, metric, lang, names)
    with _look():
        figure, axes = _canvas(0.3 * max(len(ordered), 3) + 1.2)
        axes.plot(ordered["value"], ordered.index, "o", color=BLUE, zorder=3)
        if np.isfinite(team):
            axes.axvline(team, color=ORANGE, linestyle="--", zorder=1)
            label = say("charts.team", lang, value=quantity(team, known.unit, lang))
            axes.annotate(
                label, (team, 1), (3, 2), xycoords=("data", "axes fraction"), textcoords="offset points", color=ORANGE
            )
        axes.set_yticks(ordered.index, [_who(row.agent_id, names) for row in ordered.itertuples()])
        axes.set_ylim(-0.6, len(ordered) - 0.4)
        _n_beside(axes, ordered, lang)
        _unit_axis(axes.xaxis, known.unit)
        axes.set_xlabel(labelled(_name(metric, lang), known.unit, lang))
        axes.grid(axis="y", color="#ececec", zorder=0)
        axes.set_title(title, pad=18)
    return Picture(f"agents_{metric}", figure, title)


def shifts(values: pd.DataFrame, metric: str, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Picture:
    """The same agent over the shifts: one panel per agent, the team's median in grey. `values`: by agent and shift."""
    return _same_agent(values, metric, "shift", "shifts", lang, names)


def months(values: pd.DataFrame, metric: str, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Picture:
    """The same agent over the months (seasons): one panel per agent, the team's median in grey."""
    return _same_agent(values, metric, "month", "months", lang, names)


def volume_speed(
    values: pd.DataFrame,
    volume: str = "sessions_per_day",
    speed: str = "mean_wait_turn_s",
    *,
    lang: str = "zh",
    names: Mapping[str, str] | None = None,
) -> Picture:
    """Volume against speed, a dot per agent; the medians cut the field into four, each named in words."""
    rows = pd.concat([_clear(values, volume), _clear(values, speed)])
    wide = (
        rows.pivot_table(index="agent_id", columns="metric", values="value").reindex(columns=[volume, speed]).dropna()
    )
    if wide.empty:
        return _nothing("volume_speed", say("charts.nothing", lang, metric=_names([volume, speed], lang)))
    slow = wide[(wide[volume] >= wide[volume].median()) & (wide[speed] > wide[speed].median())]
    title = say("charts.volume_speed", lang, n=len(wide), slow=len(slow))
    with _look():
        figure, axes = _canvas(4.4)
        axes.plot(wide[volume], wide[speed], "o", color=BLUE)
        _spread_labels(axes, wide[volume], wide[speed], [_who(agent, names) for agent in wide.index])
        _quadrants(axes, wide[volume].median(), wide[speed].median(), lang)
        axes.margins(0.14)
        for axis, metric in ((axes.xaxis, volume), (axes.yaxis, speed)):
            _unit_axis(axis, entry(metric).unit)
        axes.set_xlabel(labelled(_name(volume, lang), entry(volume).unit, lang))
        axes.set_ylabel(labelled(_name(speed, lang), entry(speed).unit, lang))
        axes.set_title(title)
    return Picture("volume_speed", figure, title)


def bars(values: pd.DataFrame, metric: str, by: str, *, lang: str = "zh") -> Picture:
    """One bar per group of `by` (level, role, shift, week ...), value and n written on it."""
    known = entry(metric)
    rows = _clear(values, metric)
    rows = rows[rows[by].notna() & (rows["n"].fillna(0) > 0)]
    place = {name: at for at, name in enumerate(ladder(rows[by]))}
    rows = rows.sort_values(by, key=lambda names_: names_.map(place), ignore_index=True)
    if rows.empty:
        return _nothing(f"bars_{metric}_{by}", say("charts.nothing", lang, metric=_name(metric, lang)))
    title = say("charts.bars", lang, metric=_name(metric, lang), by=say(f"charts.by_{by}", lang))
    with _look():
        figure, axes = _canvas(0.42 * max(len(rows), 2) + 1.1)
        axes.barh(rows.index, rows["value"].fillna(0), color=BLUE, height=0.6)
        for row in rows.itertuples():
            text = say("charts.value_n", lang, value=quantity(row.value, known.unit, lang), n=number(row.n, "count"))
            axes.annotate(text, (np.nan_to_num(row.value), row.Index), (4, 0), textcoords="offset points", va="center")
        axes.set_yticks(rows.index, [_group(name, by, lang) for name in rows[by]])
        axes.invert_yaxis()
        axes.margins(x=0.22)
        _unit_axis(axes.xaxis, known.unit)
        axes.set_title(title)
    return Picture(f"bars_{metric}_{by}", figure, title)


def categories(values: pd.DataFrame, tree: pd.DataFrame, *, lang: str = "zh") -> Picture:
    """What buyers ask about, as a pie of at most five slices and the rest.

    `values`: sessions_per_day by shop and category, whose numerator counts sessions; `tree`: the categories table.
    """
    words_of = tree.set_index("code")[f"name_{lang}"] if len(tree) else pd.Series(dtype=str)
    rows = values[(values["metric"] == "sessions_per_day") & (values["numerator"] > 0)]
    named = rows["category_code"].map(words_of).fillna(rows["category_code"]).fillna(say("charts.uncoded", lang))
    counts = rows["numerator"].groupby(named).sum().sort_values(ascending=False, kind="stable")
    if rows["category_code"].notna().sum() == 0:
        return _nothing("categories", say("charts.no_categories", lang))
    shown = counts.head(MOST_SLICES)
    if len(counts) > MOST_SLICES:
        shown = pd.concat([shown, pd.Series({say("charts.rest", lang): counts.iloc[MOST_SLICES:].sum()})])
    shares = [number(count / counts.sum(), "share") for count in shown]
    top = counts.drop(say("charts.uncoded", lang), errors="ignore").idxmax()
    slots = {"top": top, "share": number(counts[top] / counts.sum(), "share")}
    title = say("charts.categories", lang, **slots, n=number(counts.sum(), "count"))
    with _look():
        figure, axes = _canvas(3.2)
        colours = sns.color_palette("Blues_r", len(shown) + 2)[: len(shown)]
        look: dict[str, Any] = {"startangle": 90, "counterclock": False, "wedgeprops": {"edgecolor": "white"}}
        slices = axes.pie(shown, colors=colours, **look)[0]
        labels = [say("charts.slice", lang, name=n, share=s) for n, s in zip(shown.index, shares, strict=True)]
        axes.legend(slices, labels, loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=10)
        axes.set_title(title)
    return Picture("categories", figure, title)


def spread(months: pd.DataFrame, sources: pd.DataFrame, target: pd.Series | None, *, lang: str = "zh") -> Picture:
    """Where a target lies: agent-months as dots by level, base, target and stretch as lines, the industry as diamonds.

    `months`: targets.agent_months(...); `sources`: targets.sources(...); `target`: a row of derive_targets.
    """
    if target is None:
        return _nothing("spread", say("charts.no_targets", lang))
    metric, role, known = target["metric"], target["role"], entry(target["metric"])
    rows = months[(months["metric"] == metric) & (months["role"] == role) & months["left_out"].isna()]
    marks = sources[(sources["metric"] == metric) & (sources["role"] == role) & (sources["cell"] != "own")]
    slots = {"target": quantity(target["target"], known.unit, lang), "share": number(target["attainment"], "share")}
    title = say("charts.spread", lang, metric=_name(metric, lang), role=say(f"charts.role_{role}", lang), **slots)
    lines: list[str | None] = [*ladder(rows["level"].dropna().unique())] or [None]
    with _look():
        figure, axes = _canvas(0.55 * len(lines) + 1.9)
        _dots(axes, rows, lines)
        _target_lines(axes, target, lang)
        for mark in marks.itertuples():
            axes.plot([mark.value], [len(lines) - 0.35], "D", color=ORANGE, markersize=6, clip_on=False)
        _cell_labels(axes, marks, len(lines) - 0.35, lang)
        axes.set_yticks(range(len(lines)), [_level(level, lang) for level in lines])
        axes.set_ylim(len(lines) + 0.35, -0.6)
        _unit_axis(axes.xaxis, known.unit)
        axes.set_xlabel(labelled(_name(metric, lang), known.unit, lang))
        axes.set_title(title, pad=26)
    return Picture(f"spread_{metric}_{role}", figure, title)


def _nothing(name: str, text: str) -> Picture:
    """A strip that says there is nothing to show: a gap in the page would look like a fault."""
    with _look():
        figure, axes = _canvas(0.7)
        axes.set_axis_off()
        axes.text(0.0, 0.5, text, transform=axes.transAxes, va="center", color="#555b66", fontsize=11)
    return Picture(name, figure, text)


def _clear(values: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The metric's rows; where n is too small for a rate or mean to mean anything the value is null."""
    rows = values[values["metric"] == metric]
    few = (rows["note"] == N_SMALL) & (entry(metric).kind != "count")
    return rows.assign(value=rows["value"].mask(few).astype(float), n=rows["n"].astype(float))


def _team_value(team: pd.DataFrame, metric: str) -> float:
    found = team.loc[team["metric"] == metric, "value"].dropna()
    return float(found.iloc[0]) if len(found) else np.nan


@cache
def _font() -> str:
    """The family name of the Chinese font that zhplot ships (Noto Sans SC, OFL), registered once."""
    spec = importlib.util.find_spec("zhplot")
    assert spec and spec.origin
    path = Path(spec.origin).parent / "fonts" / "NotoSansSC-Regular.ttf"
    font_manager.fontManager.addfont(path)
    return font_manager.FontProperties(fname=path).get_name()


def _look():
    return rc_context(LOOK | {"font.family": _font()})


def _canvas(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _panels(count: int, *, lang: str, columns: int = PANELS_PER_ROW, height: float = 1.7) -> tuple[Figure, list[Axes]]:
    """A grid of small charts with the same axes size; places left over are empty."""
    columns = min(columns, max(count, 1))
    lines = -(-max(count, 1) // columns)
    figure = Figure(figsize=(WIDTH, height * lines + 0.5), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_axis_off()
    return figure, list(grid[:count])


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
    _unit_axis(axes.yaxis, entry(metric).unit)
    axes.set_title(total or labelled(_name(metric, lang), entry(metric).unit, lang), fontsize=9)


def _day_column(metric: str) -> str:
    """What a day of the shop shows: how many there were, not how many per agent."""
    return "numerator" if f"total_{metric}" in words("report", "en") else "value"


def _same_agent(
    values: pd.DataFrame, metric: str, along: str, name: str, lang: str, names: Mapping[str, str] | None
) -> Picture:
    """Small multiples: one agent each, along shifts or months."""
    rows = _clear(values, metric)
    rows = rows[rows[along].notna() & rows["value"].notna()]
    if rows.empty:
        return _nothing(f"{name}_{metric}", say("charts.nothing", lang, metric=_name(metric, lang)))
    wide = rows.pivot_table(index=along, columns="agent_id", values="value", aggfunc="first").sort_index()
    team = wide.median(axis=1)
    title = say(f"charts.{name}", lang, metric=labelled(_name(metric, lang), entry(metric).unit, lang))
    low, high = np.nanmin(wide.to_numpy(dtype=float)), np.nanmax(wide.to_numpy(dtype=float))
    with _look():
        figure, panels = _panels(wide.shape[1], lang=lang)
        for axes, agent in zip(panels, wide.columns, strict=True):
            axes.plot(range(len(wide)), team, color=GREY, linestyle="--", linewidth=1)
            axes.plot(range(len(wide)), wide[agent], color=BLUE, marker="o", markersize=3, linewidth=1.3)
            axes.set_ylim(low - 0.08 * (high - low or 1), high + 0.08 * (high - low or 1))
            _along_ticks(axes, wide.index, along, lang)
            _unit_axis(axes.yaxis, entry(metric).unit)
            axes.set_title(_who(agent, names), fontsize=9)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return Picture(f"{name}_{metric}", figure, title)


def _along_ticks(axes: Axes, index: pd.Index, along: str, lang: str) -> None:
    """Months as their number, the year under the first and under January; shifts by name."""
    if along != "month":
        axes.set_xticks(range(len(index)), [_group(name, along, lang) for name in index])
        axes.margins(x=0.2)
        return
    every = -(-len(index) // 3)
    places = range(0, len(index), every)
    axes.set_xticks(list(places), [f"{index[i][2:4]}/{index[i][5:]}" for i in places], fontsize=7)


def _agents_title(ordered: pd.DataFrame, metric: str, lang: str, names: Mapping[str, str] | None) -> str:
    """The conclusion: the gap between best and last, or that nobody has a value."""
    known, valid = entry(metric), ordered[ordered["value"].notna()]
    if valid.empty:
        return say("charts.agents_empty", lang, metric=_name(metric, lang))
    last, best = valid.iloc[0], valid.iloc[-1]
    slots = {
        "best": _who(best["agent_id"], names),
        "last": _who(last["agent_id"], names),
        "metric": _name(metric, lang),
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


def _spread_labels(axes: Axes, x: pd.Series, y: pd.Series, labels: Sequence[str]) -> None:
    """Names beside dots, each on the first of eight sides where it meets no dot and no name written before."""
    wide, high = (np.ptp(values.to_numpy()) or 1.0 for values in (x, y))
    dots = [(ACROSS * at / wide, UP * up / high) for at, up in zip(x, y, strict=True)]
    taken = [_box(dot, (0, 0), (6, 6)) for dot in dots]
    for dot, label, place in zip(dots, labels, zip(x, y, strict=True), strict=True):
        size = (LABEL_SIZE * 0.9 * sum(1 if ord(sign) > 255 else 0.6 for sign in label), LABEL_SIZE * 1.3)
        boxes = {side: _box(dot, side, size) for side in SIDES}
        side = next((side for side, box in boxes.items() if not any(_meet(box, other) for other in taken)), SIDES[0])
        taken.append(boxes[side])
        shift = (side[0] * (size[0] / 2 + LABEL_GAP), side[1] * (size[1] / 2 + LABEL_GAP))
        look: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "center", "fontsize": LABEL_SIZE}
        axes.annotate(label, place, shift, **look)


def _box(dot: tuple[float, float], side: tuple[float, float], size: tuple[float, float]) -> tuple[float, ...]:
    """left, bottom, right, top of a label of that size on that side of a dot, in points."""
    x, y = (at + way * (part / 2 + LABEL_GAP) for at, way, part in zip(dot, side, size, strict=True))
    return (x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2)


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _dots(axes: Axes, rows: pd.DataFrame, lines: Sequence[str | None]) -> None:
    """A dot per agent-month on its level's line, moved up or down by its row number: the same place in every run."""
    place = rows["level"].map({level: i for i, level in enumerate(lines)}).fillna(0)
    jitter = (np.arange(len(rows)) * 0.618 % 1 - 0.5) * 0.5
    axes.plot(rows["value"], place + jitter, "o", color=BLUE, alpha=0.45, markersize=4, markeredgewidth=0)


def _cell_labels(axes: Axes, marks: pd.DataFrame, height: float, lang: str) -> None:
    """Names under the diamonds, in two rows by turns where they would run into each other."""
    for turn, mark in enumerate(marks.sort_values("value").itertuples()):
        text, drop = say(f"charts.cell_{mark.cell}", lang), -14 - 9 * (turn % 2)
        axes.annotate(text, (mark.value, height), (0, drop), textcoords="offset points", ha="center", fontsize=7)


def _level(level: str | None, lang: str) -> str:
    return say("charts.all_levels", lang) if level is None else words("charts", lang).get(f"level_{level}", level)


def _target_lines(axes: Axes, target: pd.Series, lang: str) -> None:
    styles = {"base": ":", "target": "-", "stretch": "--"}
    for (name, style), lift in zip(styles.items(), (2, 11, 2), strict=True):
        if pd.notna(target[name]):
            axes.axvline(target[name], color="#2d2f33", linestyle=style, linewidth=1.2)
            label = say(f"charts.{name}", lang)
            axes.annotate(
                label,
                (target[name], 1),
                (0, lift),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )


def _unit_axis(axis, unit: str) -> None:
    axis.set_major_formatter(FuncFormatter(lambda value, _: number(round(value, 10), unit)))


def _note(axes: Axes, text: str) -> None:
    axes.set_xlabel(text, loc="left", fontsize=8, color="#555b66")


def _name(metric: str, lang: str) -> str:
    return getattr(entry(metric), lang)


def _names(metrics: Sequence[str], lang: str) -> str:
    return say("charts.and", lang).join(_name(metric, lang) for metric in metrics)


def _who(agent_id: str, names: Mapping[str, str] | None) -> str:
    return (names or {}).get(agent_id, agent_id)


def _group(name: str, by: str, lang: str) -> str:
    if by == "month":
        return month_words(name, lang)
    return words("charts", lang).get(f"{by}_{name}", str(name))
