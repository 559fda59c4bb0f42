"""The backend's numbers beside those from the chats, and where they part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..catalogue import entry
from ..reconcile import CAUSES
from ..text import say
from ..text.numbers import MISSING, day_words, difference, labelled, number
from .table import Table, laid_out, who


def reconciled(rows: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """Per metric and agent the backend's value, ours, the gap and its causes; `rows`: run.reconcile by month.

    Rows of which either side has no value are in the file only. The title says whose numbers the targets use.
    """
    both = rows[rows["difference"].notna()]
    cells = [[*_words(row, lang, names), _count(row["days_missing"])] for row in both.to_dict("records")]
    shown = pd.DataFrame(cells, columns=_heads(lang, "days_missing"))
    apart = {row.metric for row in both.itertuples() if abs(row.difference) >= entry(row.metric).step}
    used = say(f"tables.door_{rows.attrs.get('used', 'chat')}", lang)
    slots = {"n": both["metric"].nunique(), "apart": len(apart), "used": used}
    title = say("tables.reconciled" if len(both) else "tables.reconciled_none", lang, **slots)
    notes = [say("tables.reconciled_note", lang)]
    gt = laid_out("reconciled", shown, title, lang, group="metric", stub="agent_id", notes=notes)
    return Table("reconciled", rows, gt)


def reconciled_days(rows: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """Per metric and agent the day on which the backend and the chats are farthest apart; all days are in the file.

    `rows`: run.reconcile by day.
    """
    gap = rows["difference"].abs().dropna()
    farthest = rows.loc[gap[gap > 0].groupby([rows["metric"], rows["agent_id"]]).idxmax()]
    cells = [[*_words(row, lang, names), day_words(row["period"], lang)] for row in farthest.to_dict("records")]
    shown = pd.DataFrame(cells, columns=_heads(lang, "day"))
    title = say("tables.reconciled_days" if len(farthest) else "tables.reconciled_days_none", lang, n=len(gap))
    notes = [say("tables.reconciled_days_note", lang)]
    gt = laid_out("reconciled_days", shown, title, lang, group="metric", stub="agent_id", notes=notes)
    return Table("reconciled_days", rows, gt)


def _heads(lang: str, last: str) -> list[str]:
    names = (
        "metric",
        "agent_id",
        "backend",
        "from_chats",
        "gap",
        *(f"cause_{cause}" for cause in CAUSES),
        last,
    )
    return [say(f"tables.{name}", lang) for name in names]


def _words(row: Mapping, lang: str, names: Mapping[str, str] | None) -> list[str]:
    known = entry(row["metric"])
    figures = [number(row[side], known.unit) for side in ("backend", "ours")]
    gaps = [
        difference(row[name], known.unit, lang) if _seen(row[name], known.step) else MISSING
        for name in ("difference", *CAUSES)
    ]
    label = labelled(getattr(known, lang), known.unit, lang)
    return [label, who(row["agent_id"], names), *figures, *gaps]


def _count(days: Any) -> str:
    return MISSING if pd.isna(days) else number(int(days), "count")


def _seen(gap: float, step: float) -> bool:
    """Whether a gap is large enough to be shown: a tenth of the smallest difference worth speaking of."""
    return bool(pd.notna(gap)) and abs(gap) >= step / 10
