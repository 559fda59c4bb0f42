"""Did it work? Findings of earlier months with their number then and now."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..catalogue import entry
from ..text import say
from ..text.numbers import MISSING, month_words, number, quantity
from .table import Table, laid_out, who


def findings(found: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """One row for each finding: what was done, by whom until when, the number before and now. `found`: findings."""
    rows = list(found.itertuples())
    cells = {"finding": [row.finding for row in rows]}
    cells |= {"found_in": [month_words(row.month, lang) for row in rows]}
    cells |= {
        "who": [_whom(row, lang, names) for row in rows],
        "metric": [entry(row.metric).name(lang) for row in rows],
    }
    cells |= {"measure": [row.measure for row in rows], "owner": [row.owner for row in rows]}
    cells |= {"due": [row.due or MISSING for row in rows]}
    for side in ("before", "after"):
        cells |= {f"number_{side}": [_number(row, side, lang) for row in rows]}
    cells |= {
        "worked": [
            say(f"tables.moved_{row.moved}" if pd.notna(row.moved) else "tables.moved_none", lang) for row in rows
        ]
    }
    shown = pd.DataFrame({say(f"tables.{key}", lang): pd.Series(column, dtype=object) for key, column in cells.items()})
    better = int((found["moved"] == "better").sum())
    title = say("tables.findings", lang, n=len(rows), better=better) if rows else say("tables.no_findings", lang)
    notes = [say("tables.findings_note", lang)]
    return Table("findings", found, laid_out("findings", shown, title, lang, notes=notes, text=("finding", "measure")))


def _whom(row, lang: str, names: Mapping[str, str] | None) -> str:
    return say(f"tables.role_{row.role}", lang) if pd.isna(row.agent_id) else who(row.agent_id, names)


def _number(row, side: str, lang: str) -> str:
    value, n = getattr(row, side), getattr(row, f"n_{side}")
    return f"{quantity(value, entry(row.metric).unit, lang)} ({number(n, 'count')})" if n else MISSING
