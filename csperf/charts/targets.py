"""Where does a target lie among what the shop did and what the industry says?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..catalogue import entry
from ..targets import ladder
from ..text import say, words
from ..text.numbers import labelled, number, quantity
from .picture import BLUE, ORANGE, Picture, canvas, house_style, name_of, nothing_to_show, unit_axis


def spread(months: pd.DataFrame, sources: pd.DataFrame, target: pd.Series | None, *, lang: str = "zh") -> Picture:
    """Where a target lies: agent-months as dots by level, base, target and stretch as lines, the industry as diamonds.

    `months`: targets.agent_months(...); `sources`: targets.sources(...); `target`: a row of derive_targets.
    """
    if target is None:
        return nothing_to_show("spread", say("charts.no_targets", lang))
    metric, role, known = target["metric"], target["role"], entry(target["metric"])
    rows = months[(months["metric"] == metric) & (months["role"] == role) & months["left_out"].isna()]
    marks = sources[(sources["metric"] == metric) & (sources["role"] == role) & (sources["cell"] != "own")]
    slots = {"target": quantity(target["target"], known.unit, lang), "share": number(target["attainment"], "share")}
    title = say("charts.spread", lang, metric=name_of(metric, lang), role=say(f"charts.role_{role}", lang), **slots)
    lines: list[str | None] = [*ladder(rows["level"].dropna().unique())] or [None]
    with house_style():
        figure, axes = canvas(0.55 * len(lines) + 1.9)
        _dots(axes, rows, lines)
        _target_lines(axes, target, lang)
        for mark in marks.itertuples():
            axes.plot([mark.value], [len(lines) - 0.35], "D", color=ORANGE, markersize=6, clip_on=False)
        _cell_labels(axes, marks, len(lines) - 0.35, lang)
        axes.set_yticks(range(len(lines)), [_level(level, lang) for level in lines])
        axes.set_ylim(len(lines) + 0.35, -0.6)
        unit_axis(axes.xaxis, known.unit)
        axes.set_xlabel(labelled(name_of(metric, lang), known.unit, lang))
        axes.set_title(title, pad=26)
    return Picture(f"spread_{metric}_{role}", figure, title)


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
