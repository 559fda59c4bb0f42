"""What do the weights rest on? The outcome beside each metric, weights and their ranges, candidates by use and ease."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..catalogue import ENTRIES, entry
from ..stats.importance import correlation_interval
from ..text import say
from ..weights import Weighing
from ..weights.simple import correlations as simple
from .labels import names_beside
from .picture import BLUE, GREY, ORANGE, Picture, canvas, house_style, name_of, nothing_to_show, panel_grid, unit_axis

DECISIONS = {"score": BLUE, "guardrail": ORANGE, "pool": "#7fa6cc", "borderline": "#b98b2f", "out": GREY}
MARKS = {"score": "o", "guardrail": "D", "pool": "o", "borderline": "s", "out": "x"}


def outcome_scatter(weighing: Weighing, *, lang: str = "zh") -> Picture:
    """A scatter for each metric: an agent's month as a dot, the metric across, the outcome up, r with its range."""
    cells = weighing.cells
    name = f"outcome_scatter_{weighing.role}"
    if cells is None or not cells.metrics:
        return nothing_to_show(name, say("weights.no_outcome", lang))
    found = simple(cells, weighing.evidence).set_index("metric")
    people = int(cells.shown["agent_id"].nunique())
    title = say("weights.outcome_scatter", lang, outcome=_outcome(weighing, lang), dots=len(cells.shown), people=people)
    with house_style():
        figure, panels = panel_grid(len(cells.metrics), columns=3, height=2.0)
        for axes, metric in zip(panels, cells.metrics, strict=True):
            axes.plot(cells.shown[metric], cells.shown["outcome"], "o", color=BLUE, alpha=0.4, markersize=3, mew=0)
            row = found.loc[metric]
            axes.set_title(f"{name_of(metric, lang)}\n{_r(row['r'], row['low'], row['high'])}", fontsize=8)
            axes.tick_params(labelsize=7)
            unit_axis(axes.xaxis, entry(metric).unit)
            if weighing.outcome in ENTRIES:
                unit_axis(axes.yaxis, entry(weighing.outcome).unit)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
    return Picture(name, figure, title)


def correlations(weighing: Weighing, *, lang: str = "zh") -> Picture:
    """Each metric's correlation with the outcome and its range, once months, shifts and levels are taken out."""
    name = f"correlations_{weighing.role}"
    if weighing.cells is None or weighing.evidence is None:
        return nothing_to_show(name, say("weights.no_outcome", lang))
    found = simple(weighing.cells, weighing.evidence).sort_values("adjusted").reset_index(drop=True)
    clear = int(((found["adjusted_low"] > 0) | (found["adjusted_high"] < 0)).sum())
    slots = {"outcome": _outcome(weighing, lang), "clear": clear, "metrics": len(found)}
    title = say("weights.chart_correlations", lang, **slots)
    with house_style():
        figure, axes = canvas(0.3 * len(found) + 1.2)
        axes.axvline(0, color=GREY, linewidth=1)
        axes.hlines(found.index, found["adjusted_low"], found["adjusted_high"], color=BLUE, linewidth=1.6)
        for wrong, colour, mark in ((False, BLUE, "o"), (True, ORANGE, "X")):
            rows = found[found["wrong"] == wrong]
            axes.plot(rows["adjusted"], rows.index, mark, color=colour, markersize=6)
        axes.set_yticks(found.index, [name_of(metric, lang) for metric in found["metric"]])
        axes.set_xlim(-1, 1)
        axes.set_xlabel(say("weights.correlation", lang))
        axes.set_title(title)
    return Picture(name, figure, title)


def how_sure(*, lang: str = "zh", r: float = 0.8) -> Picture:
    """Where a correlation may truly lie, by how many months it comes from."""
    counts = np.arange(5, 61)
    low, high = np.array([correlation_interval(r, int(n)) for n in counts]).T
    twelve = correlation_interval(r, 12)
    title = say("weights.chart_how_sure", lang, r=f"{r:g}", low=f"{twelve[0]:.2f}", high=f"{twelve[1]:.2f}")
    with house_style():
        figure, axes = canvas(2.6)
        axes.fill_between(counts, low, high, color=BLUE, alpha=0.18, linewidth=0)
        axes.axhline(r, color=BLUE, linewidth=1.3)
        axes.errorbar([12], [r], [[r - twelve[0]], [twelve[1] - r]], color=ORANGE, marker="o", capsize=4, linewidth=1.5)
        axes.set_xlabel(say("weights.months_behind", lang))
        axes.set_ylabel(say("weights.correlation", lang))
        axes.set_ylim(-0.3, 1)
        axes.set_title(title)
    return Picture("how_sure", figure, title)


def weights(weighing: Weighing, *, lang: str = "zh") -> Picture:
    """The weights as bars; what data (with their range), raters or the template say as marks."""
    rows = weighing.weights[(weighing.weights["weight"] > 0) | (weighing.weights["data_weight"] > 0)]
    rows = rows.iloc[::-1].reset_index(drop=True)
    top = rows.iloc[-1]
    slots = {
        "metric": name_of(top["metric"], lang),
        "points": f"{top['weight']:g}",
        "n": int((rows["weight"] > 0).sum()),
    }
    title = say("weights.chart_weights", lang, role=say(f"charts.role_{weighing.role or 'both'}", lang), **slots)
    with house_style():
        figure, axes = canvas(0.34 * len(rows) + 1.3)
        axes.barh(rows.index, rows["weight"], color=BLUE, alpha=0.35, height=0.6)
        if rows["low"].notna().any():
            axes.hlines(rows.index, rows["low"], rows["high"], color="#2d2f33", linewidth=1)
        for side, mark, colour in (("data", "o", BLUE), ("expert", "D", ORANGE), ("starter", "^", GREY)):
            if rows[f"{side}_weight"].notna().any():
                axes.plot(
                    rows[f"{side}_weight"], rows.index, mark, color=colour, label=say(f"weights.side_{side}", lang)
                )
        axes.set_yticks(rows.index, [name_of(metric, lang) for metric in rows["metric"]])
        axes.set_xlabel(say("weights.points", lang))
        axes.legend(loc="lower right", frameon=False, fontsize=8)
        axes.set_title(title)
    return Picture(f"weights_{weighing.role}", figure, title)


def screening(frame: pd.DataFrame, role: str | None, *, lang: str = "zh") -> Picture:
    """The importance-feasibility matrix of a role's candidates; `frame`: weights.screening.screened."""
    rows = frame[frame["role"].isna() if role is None else frame["role"] == role].reset_index(drop=True)
    kept = int((rows["decision"] != "out").sum())
    title = say(
        "weights.chart_screening", lang, n=len(rows), kept=kept, scored=int((rows["decision"] == "score").sum())
    )
    with house_style():
        figure, axes = canvas(5.0)
        axes.axvline(rows["feasibility"].median(), color=GREY, linestyle=":", linewidth=1)
        axes.axhline(rows["importance"].median(), color=GREY, linestyle=":", linewidth=1)
        for decision, colour in DECISIONS.items():
            own = rows[rows["decision"] == decision]
            if len(own):
                label = say(f"weights.decision_{decision}", lang)
                axes.plot(
                    own["feasibility"], own["importance"], MARKS[decision], color=colour, label=label, markersize=7
                )
        axes.margins(x=0.3, y=0.18)  # room for names on the left
        axes.set_xlabel(say("weights.feasibility", lang))
        axes.set_ylabel(say("weights.importance", lang))
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False, fontsize=8)
        axes.set_title(title)
        names_beside(axes, rows["feasibility"], rows["importance"], [name_of(m, lang) for m in rows["metric"]])
    return Picture(f"screening_{role}", figure, title)


def _outcome(weighing: Weighing, lang: str) -> str:
    """What the outcome is called."""
    if weighing.outcome in ENTRIES:
        return name_of(weighing.outcome, lang)
    return weighing.outcome or say("weights.outcome", lang)


def _r(r: float, low: float, high: float) -> str:
    return f"r = {r:.2f} [{low:.2f}, {high:.2f}]" if np.isfinite(low) else "r –"
