"""What came after the sale: figures, agents, refunds and complaints that wait, checks by item, who bought again."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..catalogue import entry
from ..metric import DEFAULT_MIN_N
from ..text import say, words
from ..text.numbers import MISSING, days_words, labelled, number
from .performance import figures
from .table import Table, as_day, in_words, laid_out, who

FIGURES = ("metric", "value", "n", "before", "change")


def after_figures(frame: pd.DataFrame, name: str, *, lang: str = "zh") -> Table:
    """The figures with n, beside the period before. `name`: after_month, or after_window for the last 30 days."""
    rows = frame.astype(dict.fromkeys(("value", "n", "before"), float))
    heads = [say(f"tables.{c}", lang) for c in FIGURES]
    heads[3:] = [say(f"tables.{name}_{c}", lang) for c in FIGURES[3:]]
    shown = pd.DataFrame(figures(rows, lang), columns=heads)
    title = say(f"tables.{name}" if len(rows) else "tables.after_none", lang, n=len(rows))
    gt = laid_out(name, shown, title, lang, stub="metric").cols_align("right", columns=heads[1:])
    return Table(name, rows, gt)


def after_agents(values: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """Each agent's values, n behind them. `values`: by agent."""
    frame = values[["agent_id", "metric", "value", "n"]].reset_index(drop=True)
    keys = list(dict.fromkeys(frame["metric"]))
    cells = {(row.agent_id, row.metric): _with_n(row, lang) for row in frame.itertuples()}
    agents = list(dict.fromkeys(frame["agent_id"]))
    shown = pd.DataFrame({say("tables.agent_id", lang): [who(agent, names) for agent in agents]})
    for key in keys:
        shown[labelled(entry(key).name(lang), entry(key).unit, lang)] = [
            cells.get((agent, key), MISSING) for agent in agents
        ]
    title = say("tables.after_agents" if agents else "tables.after_none", lang, n=len(agents))
    return Table("after_agents", frame, laid_out("after_agents", shown, title, lang, stub="agent_id"))


def _with_n(row: object, lang: str) -> str:
    known = entry(row.metric)  # type: ignore[attr-defined]
    figure = number(row.value, known.unit)  # type: ignore[attr-defined]
    if pd.isna(row.n):  # type: ignore[attr-defined]
        return figure
    return f"{figure} ({say('tables.n_cases', lang, n=number(row.n, 'count'))})"  # type: ignore[attr-defined]


def open_refunds(rows: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """Refunds that wait and about which nobody has written to the buyer since they were asked for."""
    shown = _listed(rows, "requested_at", lang, names)
    title = say("tables.open_refunds" if len(rows) else "tables.open_refunds_none", lang, n=len(rows))
    notes = [say("tables.open_refunds_note", lang)]
    return Table("open_refunds", rows, laid_out("open_refunds", shown, title, lang, notes=notes))


def overdue_complaints(rows: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """Complaints past a clock, the latest first."""
    waits = [say(f"tables.waits_for_{what}", lang) for what in rows["waits_for"]]
    late = [number(hours, "hours") for hours in rows["late_h"]]
    shown = _listed(rows.assign(waits_for=waits, late_h=late), "opened_at", lang, names)
    title = say("tables.overdue_complaints" if len(rows) else "tables.overdue_complaints_none", lang, n=len(rows))
    return Table("overdue_complaints", rows, laid_out("overdue_complaints", shown, title, lang))


def _listed(rows: pd.DataFrame, time: str, lang: str, names: Mapping[str, str] | None) -> pd.DataFrame:
    """The rows in words: days for times, names for agents."""
    days = days_words([as_day(at) for at in rows[time]], lang)
    people = [MISSING if pd.isna(agent) else who(agent, names) for agent in rows["agent_id"]]
    return in_words(rows.assign(**{time: days, "agent_id": people}), lang)


def checked_items(rows: pd.DataFrame, *, lang: str = "zh") -> Table:
    """Quality checks by item and by who checked; the items of the form by name, others as they were written."""
    spoken = words("quality", lang)
    items = [spoken.get(item, item) for item in rows["item"]]
    by = [spoken.get(f"source_{source}", source) for source in rows["source"]]
    figures_of = {"points": "points", "passed": "share", "n": "count"}
    shown = in_words(rows.assign(item=items, source=by), lang, figures_of)
    title = say("tables.checked_items", lang, n=int(rows["n"].sum()), items=rows["item"].nunique())
    return Table("checked_items", rows, laid_out("checked_items", shown, title, lang, stub="item"))


def came_back(rows: pd.DataFrame, *, lang: str = "zh") -> Table:
    """How many purchases were followed by another in so many days, of those old enough to tell."""
    frame = rows.assign(share=(rows["again"] / rows["n"].where(rows["n"] > 0)).astype(float))
    shown = in_words(frame, lang, {"within_days": "count", "again": "count", "n": "count", "share": "share"})
    told = frame[frame["n"] >= DEFAULT_MIN_N]
    longest = told.iloc[-1] if len(told) else None
    slots = {} if longest is None else {"days": int(longest.within_days), "share": number(longest.share, "share")}
    title = say("tables.came_back" if slots else "tables.came_back_none", lang, **slots)
    return Table(
        "came_back", frame, laid_out("came_back", shown, title, lang, notes=[say("tables.came_back_note", lang)])
    )
