"""What a picture is, and the look, places and words that all pictures share."""

from __future__ import annotations

import base64
import importlib.util
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from io import BytesIO
from pathlib import Path

import pandas as pd
from matplotlib import font_manager, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import Formatter

from ..catalogue import entry
from ..mart import N_SMALL
from ..text import say, words
from ..text.numbers import month_words, number

BLUE, ORANGE, GREY, MISSING_GREY = "#1f5f99", "#c8641b", "#8a8f98", "#d5d7db"
WIDTH = 8.0  # inches; the page scales pictures down to its width
PANELS_PER_ROW = 4
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
            _lay_out(self.figure)
            self.figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
        return buffer.getvalue()

    def _repr_html_(self) -> str:
        # As an image of its own: ids inside one SVG cannot meet those of another on the page.
        data = base64.b64encode(self.svg).decode("ascii")
        alt = self.alt.translate({ord('"'): "&quot;", ord("<"): "&lt;", ord("&"): "&amp;"})
        return f'<img class="picture" alt="{alt}" src="data:image/svg+xml;base64,{data}">'


def _lay_out(figure: Figure) -> None:
    """Puts everything in its place for good: saving a figure that has yet to be laid out draws all of it twice."""
    engine = figure.get_layout_engine()
    if engine is None:
        return
    FigureCanvasSVG(figure)  # what is measured is what will be written
    dpi, figure.dpi = figure.dpi, FigureCanvasSVG.fixed_dpi
    engine.execute(figure)
    figure.dpi = dpi
    figure.set_layout_engine(None)


def house_style():
    return rc_context(LOOK | {"font.family": _font()})


@cache
def _font() -> str:
    """The family name of the Chinese font that zhplot ships (Noto Sans SC, OFL), registered once."""
    spec = importlib.util.find_spec("zhplot")
    assert spec and spec.origin
    path = Path(spec.origin).parent / "fonts" / "NotoSansSC-Regular.ttf"
    font_manager.fontManager.addfont(path)
    return font_manager.FontProperties(fname=path).get_name()


def canvas(height: float, width: float = WIDTH) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def panel_grid(count: int, *, columns: int = PANELS_PER_ROW, height: float = 1.7) -> tuple[Figure, list[Axes]]:
    """A grid of small charts with the same axes size; places left over are empty."""
    columns = min(columns, max(count, 1))
    lines = -(-max(count, 1) // columns)
    figure = Figure(figsize=(WIDTH, height * lines + 0.5), layout="constrained")
    grid = figure.subplots(lines, columns, squeeze=False).ravel()
    for axes in grid[count:]:
        axes.set_axis_off()
    return figure, list(grid[:count])


def nothing_to_show(name: str, text: str) -> Picture:
    """A strip that says there is nothing to show: a gap in the page would look like a fault."""
    with house_style():
        figure, axes = canvas(0.7)
        axes.set_axis_off()
        axes.text(0.0, 0.5, text, transform=axes.transAxes, va="center", color="#555b66", fontsize=11)
    return Picture(name, figure, text)


def clear_rows(values: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The metric's rows; where n is too small for a rate or mean to mean anything the value is null."""
    rows = values[values["metric"] == metric]
    few = (rows["note"] == N_SMALL) & (entry(metric).kind != "count")
    return rows.assign(value=rows["value"].mask(few).astype(float), n=rows["n"].astype(float))


class UnitTicks(Formatter):
    """Figures in a unit, all of an axis with a decimal or, where none needs one, all without."""

    def __init__(self, unit: str) -> None:
        self.unit = unit

    def __call__(self, value: float, _place: int | None = None) -> str:
        return number(round(value, 10), self.unit)

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        figures = [self(value) for value in values]
        bare = [re.sub(r"\.0(?=%?$)", "", figure) for figure in figures]
        return figures if any("." in figure for figure in bare) else bare


def unit_axis(axis, unit: str) -> None:
    axis.set_major_formatter(UnitTicks(unit))


def note_below(axes: Axes, text: str) -> None:
    axes.set_xlabel(text, loc="left", fontsize=8, color="#555b66")


def name_of(metric: str, lang: str) -> str:
    return getattr(entry(metric), lang)


def names_of(metrics: Sequence[str], lang: str) -> str:
    return say("charts.and", lang).join(name_of(metric, lang) for metric in metrics)


def who(agent_id: str, names: Mapping[str, str] | None) -> str:
    return (names or {}).get(agent_id, agent_id)


def group_word(name: str, by: str, lang: str) -> str:
    if by == "month":
        return month_words(name, lang)
    return words("charts", lang).get(f"{by}_{name}", str(name))
