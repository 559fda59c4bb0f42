"""Which days do the targets rest on, and what of the activity days they leave out?"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import pandas as pd

from ..catalogue import entry
from ..text import say
from ..text.numbers import number
from .table import Table, days_in_words, laid_out, metric_rows


def days_used(
    last: Mapping[str, dt.date], left_out: Sequence[dt.date], *, month_end: dt.date, lang: str = "zh"
) -> Table:
    """Until which day each metric's targets rest on data, and which activity days are left out.

    `last`: run.days_used, by metric; `left_out`: the activity days among them.
    """
    by_day = pd.Series(dict(last), dtype=object).sort_values(kind="stable")
    rows = [(day, list(keys.index), day < month_end) for day, keys in by_day.groupby(by_day)]
    frame = pd.DataFrame(
        [(day, " ".join(keys), cut) for day, keys, cut in rows], columns=["last_day", "metrics", "cut"]
    )
    shown = pd.DataFrame(
        {
            say("tables.used_until", lang): [days_in_words([day], lang) for day, _keys, _cut in rows],
            say("tables.metrics", lang): [
                say("tables.and", lang).join(entry(key).name(lang) for key in keys) for _day, keys, _cut in rows
            ],
            say("tables.remark", lang): [say(f"tables.days_{'cut' if cut else 'whole'}", lang) for *_, cut in rows],
        }
    )
    off = days_in_words(left_out, lang)
    notes = [say("tables.days_off", lang, days=off) if left_out else say("tables.days_none_off", lang)]
    title = say("tables.days_used", lang, cut=sum(len(keys) for _day, keys, cut in rows if cut), metrics=len(last))
    gt = laid_out("days_used", shown, title, lang, stub="used_until", notes=notes, text=("metrics", "remark"))
    return Table("days_used", frame, gt)


def activity_targets(rows: pd.DataFrame, *, lang: str = "zh") -> Table:
    """The targets of activity days, on trial. `rows`: targets.activity.activity_targets."""
    shown = metric_rows(rows, ["target", "usual", "value", "target_then", "by_peak"], lang)
    shown = shown.rename(columns={say("tables.value", lang): say("tables.on_activity", lang)})
    shown.insert(5, say("tables.factor", lang), [f"×{factor:.2f}" for factor in rows["factor"]])
    for column in ("n", "planned"):
        shown[say(f"tables.{'planned_a_day' if column == 'planned' else column}", lang)] = [
            number(round(n), "count") for n in rows[column]
        ]
    slots = {"activity": rows["activity"].iloc[0], "days": rows["days"].iloc[0]} if len(rows) else {}
    title = say("tables.activity_targets", lang, **slots) if len(rows) else say("tables.activity_none", lang)
    notes = [say("tables.activity_note", lang)]
    gt = laid_out("activity_targets", shown, title, lang, group="role", stub="metric", notes=notes)
    return Table("activity_targets", rows, gt)
