"""How many people does each hour need, when to look, and is work shared out fairly?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from ..staffing import StaffingSettings, lacking
from ..staffing.advice import goal_words
from ..text import say
from ..text.numbers import MISSING, aligned, number
from ..workload import evenness
from .table import Table, as_day, cell, laid_out, who


def staffing_hours(
    by_hour: pd.DataFrame, settings: StaffingSettings, said: Sequence[str] = (), *, lang: str = "zh"
) -> Table:
    """The hours of the day with what comes, how many that needs and how many are there. `by_hour`: staffing.staffed.

    `said`: sentences that stand below it.
    """
    rows = by_hour[(by_hour["arrivals"] > 0) | (by_hour["scheduled"].fillna(0) > 0)].reset_index(drop=True)
    shown = pd.DataFrame({say("tables.hour", lang): [_hour(hour, lang) for hour in rows["hour"]]})
    for column in ("arrivals", "per_hour"):
        shown[say(f"tables.{column}", lang)] = aligned(rows[column], "count")
    for column in ("needed", "rostered", "scheduled", "short"):
        shown[say(f"tables.people_{column}", lang)] = aligned(rows[column].astype(float).clip(lower=0), "count")
    shown[say("tables.expected_answered", lang)] = [number(value, "share") for value in rows["answered"]]
    known = rows["scheduled"].notna().any()
    slots = {"goal": goal_words(settings, lang), "short": int(lacking(rows).sum())}
    ending = "_unknown" if not known else "" if slots["short"] else "_enough"
    title = say(f"tables.staffing_hours{ending}", lang, **slots)
    notes = [*said, say("tables.staffing_hours_note", lang)]
    return Table("staffing_hours", rows, laid_out("staffing_hours", shown, title, lang, stub="hour", notes=notes))


def staffing_queues(rows: pd.DataFrame, settings: StaffingSettings, *, lang: str = "zh") -> Table:
    """Each queue in its hour that needs most people. `rows`: manning.by_queue."""
    shown = pd.DataFrame({say("tables.queue", lang): [say(f"staffing.queue_{queue}", lang) for queue in rows["queue"]]})
    shown[say("tables.worst_hour", lang)] = [_hour(hour, lang) for hour in rows["hour"]]
    words = {name: name for name in ("arrivals", "service_s", "per_hour")}
    words |= {f"people_{name}": name for name in ("needed", "rostered", "scheduled")} | {"short_hours": "short_hours"}
    for word, column in words.items():
        shown[say(f"tables.{word}", lang)] = aligned(rows[column].astype(float), "count")
    hours = rows["short_hours"].astype(float)
    ending = "_unknown" if hours.isna().all() else "" if hours.max() > 0 else "_enough"
    worst = shown.iloc[hours.fillna(0).argmax(), 0]
    slots = {"goal": goal_words(settings, lang), "queue": worst, "hours": number(hours.max(), "count")}
    title = say(f"tables.staffing_queues{ending}", lang, **slots)
    notes = [say("tables.staffing_queues_note", lang)]
    return Table("staffing_queues", rows, laid_out("staffing_queues", shown, title, lang, stub="queue", notes=notes))


def _hour(hour: int, lang: str) -> str:
    return say("tables.hour_of", lang, hour=hour, next=hour + 1)


def supervision(hours: pd.DataFrame, *, lang: str = "zh") -> Table:
    """When to look over people's shoulders, to be ticked. `hours`: staffing.peaks."""
    rows = hours[["weekday", "hour", "per_hour", "arrivals", "days"]]
    shown = pd.DataFrame({say("tables.weekday", lang): [say(f"tables.weekday_{day}", lang) for day in rows["weekday"]]})
    shown[say("tables.hour", lang)] = [_hour(hour, lang) for hour in rows["hour"]]
    for column in ("per_hour", "arrivals"):
        shown[say(f"tables.{column}", lang)] = aligned(rows[column], "count")
    shown[say("tables.looked", lang)] = "☐"
    key = "supervision" if len(rows) else "supervision_none"
    title, notes = say(f"tables.{key}", lang, times=len(rows)), [say("tables.supervision_note", lang)]
    return Table("supervision", rows, laid_out("supervision", shown, title, lang, stub="weekday", notes=notes))


def over_cap(found: pd.DataFrame, cap: float, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """Who had more chats on a day than anybody should. `found`: workload.over_cap."""
    shown = pd.DataFrame({say("tables.agent_id", lang): [who(agent, names) for agent in found["agent_id"]]})
    columns = {"days_with_chats": "days", "cases_per_day": "mean", "most_in_day": "most", "days_over": "over"}
    for word, column in columns.items():
        shown[say(f"tables.{word}", lang)] = aligned(found[column], "count")
    shown.insert(4, say("tables.busiest", lang), [cell(as_day(day), lang) for day in found["busiest"]])
    slots = {
        "cap": number(int(cap), "count"),
        "people": int((found["over"] > 0).sum()),
        "days": int(found["over"].sum()),
    }
    title = say(f"tables.over_cap{'' if slots['days'] else '_none'}", lang, **slots)
    notes = [say("tables.over_cap_note", lang)]
    return Table("over_cap", found, laid_out("over_cap", shown, title, lang, stub="agent_id", notes=notes))


def fair_load(people: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """Everybody's chats by hour on shift, and their rest. `people`: workload.fairness."""
    rows = people[people["hours"].notna()].sort_values("per_hour", ascending=False, ignore_index=True)
    shown = pd.DataFrame({say("tables.agent_id", lang): [who(agent, names) for agent in rows["agent_id"]]})
    words = {"chats_total": "chats", "shift_hours": "hours", "chats_per_hour": "per_hour", "days_worked": "days_on"}
    for word, column in (words | {name: name for name in ("off_per_week", "shortest_rest_h", "short_rests")}).items():
        shown[say(f"tables.{word}", lang)] = aligned(rows[column].astype(float), "count")
    even = evenness(rows).set_index("what")
    load, off = even.loc["per_hour"], even.loc["off_per_week"]
    times = MISSING if not load["least"] > 0 else f"{load['most'] / load['least']:.1f}"
    title = say("tables.fair_load", lang, times=times, gini=_gini(load["gini"]))
    slots = {"off": number(off["range"], "count"), "gini_off": _gini(off["gini"])}
    known = len(rows) > 0
    title = title if known else say("tables.fair_load_unknown", lang)
    notes = [say("tables.fair_load_note", lang, **slots)] if known else []
    return Table("fair_load", people, laid_out("fair_load", shown, title, lang, stub="agent_id", notes=notes))


def _gini(value: float) -> str:
    return MISSING if pd.isna(value) else f"{value:.2f}"


def mixes(
    found: pd.DataFrame, places: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None
) -> Table:
    """What kinds of questions everybody gets. `found`: workload.mix by role; `places`: categories.places."""
    called = (
        places["third"].where(places["third"] != "", places.index.to_series()) if len(places) else pd.Series(dtype=str)
    )
    shown = pd.DataFrame({say("tables.agent_id", lang): [who(agent, names) for agent in found["agent_id"]]})
    shown[say("tables.role", lang)] = [_role(role, lang) for role in found["group"]]
    shown[say("tables.n", lang)] = [number(n, "count") for n in found["n"]]
    shown[say("tables.top_category", lang)] = [called.get(code, code) for code in found["top"]]
    shown[say("tables.top_share", lang)] = [number(value, "share") for value in found["top_share"]]
    shown[say("tables.kinds", lang)] = [number(value, "count") for value in found["kinds"]]
    shown[say("tables.differs", lang)] = [number(value, "share") for value in found["differs"]]
    shown[say("tables.remark", lang)] = [
        say(f"tables.mix_{'other' if row.listed else 'few' if pd.isna(row.p) else 'alike'}", lang)
        for row in found.itertuples()
    ]
    slots = {"listed": int(found["listed"].sum()), "people": len(found)}
    ending = "_none" if found.empty else "" if slots["listed"] else "_even"
    title, notes = say(f"tables.mixes{ending}", lang, **slots), [say("tables.mixes_note", lang)]
    gt = laid_out("mixes", shown, title, lang, group="role", stub="agent_id", notes=notes)
    return Table("mixes", found, gt)


def _role(role: object, lang: str) -> str:
    return say(f"tables.role_{role}", lang) if isinstance(role, str) and role else MISSING
