"""How far is the running month? The value so far, what the rest of it still has to bring, and for whom that is hard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..catalogue import entry
from ..targets.progress import STATES
from ..text import say
from ..text.numbers import MISSING, day_words, labelled, number, quantity
from .table import Table, laid_out, metric_rows, value_n, who

OPEN = ("on_track", "behind", "hardly")  # what the rest of the month must bring can be said


def progress(rows: pd.DataFrame, *, lang: str = "zh") -> Table:
    """Each target, the team's value so far, and how its people stand. `rows`: targets.progress.progress."""
    teams = rows[rows["agent_id"].isna()].reset_index(drop=True)
    shown = metric_rows(teams, ["target"], lang, before=("level",))
    shown[say("tables.so_far", lang)] = [_so_far(row) for row in teams.itertuples()]
    shown[say("tables.to_come", lang)] = [_to_come(row) for row in teams.itertuples()]
    shown[say("tables.needed", lang)] = [_needed(row) for row in teams.itertuples()]
    shown[say("tables.people_stand", lang)] = [_people(rows, row, lang) for row in teams.itertuples()]
    shown[say("tables.remark", lang)] = [said(row, lang) for row in teams.itertuples()]
    behind = int(teams["state"].isin(("behind", "hardly", "out_of_reach", "missed")).sum())
    title = say("tables.progress" if len(teams) else "tables.progress_none", lang, rows=len(teams), behind=behind)
    notes = [say("tables.progress_note", lang), *_sources(teams, lang)]
    gt = laid_out("progress", shown, title, lang, group="role", stub="metric", notes=notes, text=("remark",))
    return Table("progress", teams, gt)


def progress_people(rows: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """Each person beside the target: the value so far, and what the cases to come must have. No scores."""
    people = rows[rows["agent_id"].notna()].reset_index(drop=True)
    cells = {
        "metric": [labelled(entry(key).name(lang), entry(key).unit, lang) for key in people["metric"]],
        "agent_id": [who(agent, names) for agent in people["agent_id"]],
        "standing": [say(f"tables.state_{state}", lang) for state in people["state"]],
        "so_far": [_so_far(row) for row in people.itertuples()],
        "needed": [_needed(row) for row in people.itertuples()],
        "target": [number(row.target, entry(row.metric).unit) for row in people.itertuples()],
        "to_come": [_to_come(row) for row in people.itertuples()],
    }
    shown = pd.DataFrame({say(f"tables.{name}", lang): column for name, column in cells.items()})
    lost = people[people["state"].isin(("out_of_reach", "missed"))]["agent_id"].nunique()
    title = say("tables.progress_people", lang, people=people["agent_id"].nunique(), lost=lost)
    notes = [say("tables.progress_people_note", lang)]
    gt = laid_out("progress_people", shown, title, lang, group="metric", stub="agent_id", notes=notes)
    return Table("progress_people", people, gt)


def said(row: Any, lang: str = "zh") -> str:
    """The sentence of a row of targets.progress."""
    unit = entry(row.metric).unit
    slots = {"value": quantity(row.value, unit, lang), "target": quantity(row.target, unit, lang)}
    slots |= {"needed": quantity(row.needed, unit, lang), "days": row.days_left}
    plain = row.state in OPEN and pd.isna(row.needed)
    return say(f"tables.said_{row.state}{'_plain' if plain else ''}{_way(row)}", lang, **slots)


def _way(row: Any) -> str:
    """The end of the key whose words fit: at least where higher is better, at most where lower is."""
    worded = row.state in OPEN and not pd.isna(row.needed)
    return "_below" if worded and row.better == "lower" else ""


def _so_far(row: Any) -> str:
    return value_n(number(row.value, entry(row.metric).unit), row.n)


def _needed(row: Any) -> str:
    """What the rest must reach; a dash where it no longer matters, or no value can be enough."""
    return number(row.needed, entry(row.metric).unit) if row.state in OPEN else MISSING


def _to_come(row: Any) -> str:
    return MISSING if pd.isna(row.planned) else number(round(row.planned), "count")


def _people(rows: pd.DataFrame, team: Any, lang: str) -> str:
    """2 behind, 1 out of reach: only the states that somebody is in."""
    same = rows["agent_id"].notna() & (rows["metric"] == team.metric) & (rows["role"] == team.role)
    level = rows["level"].isna() if pd.isna(team.level) else rows["level"] == team.level
    counts = rows.loc[same & level, "state"].value_counts()
    parts = [
        say("tables.people_in", lang, n=counts[state], state=say(f"tables.state_{state}", lang))
        for state in STATES
        if state in counts
    ]
    return say("tables.and", lang).join(parts) or MISSING


def _sources(teams: pd.DataFrame, lang: str) -> list[str]:
    """Whose targets these are, and until when each metric's value counts."""
    found = [say(f"tables.progress_{source}", lang) for source in teams["source"].unique()]
    for day, metrics in teams.drop_duplicates("metric").groupby("until")["metric"]:
        named = say("tables.and", lang).join(entry(key).name(lang) for key in metrics)
        found.append(say("tables.counted_until", lang, metrics=named, day=day_words(day, lang)))
    return found
