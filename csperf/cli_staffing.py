"""What `csperf staffing` is asked for: the need of a shop by hour, weekday or queue, or a sum without any data."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from .staffing import StaffingSettings, assumptions, capacity_words, needed_words

HOUR = ["hour", "days", "arrivals", "per_hour", "load", "needed", "rostered", "scheduled", "short", "answered"]


def worked_out(
    params_file: Path, month: str, by: str, queue: str, lang: str, **changes: float
) -> tuple[pd.DataFrame, list[str]]:
    """The hours in which customers come, or somebody is there, with what they need; and what there is to say.

    `by`: hour, week, or queue (each queue's busiest hour); `queue`: which one, empty = the first (manning.manning);
    `changes`: fields of StaffingSettings in place of the shop's. CsperfError where nobody came.
    """
    from .manning import by_queue, manning
    from .run import facts, open_run, red_lines

    run = open_run(params_file, month=month)
    settings = run.params.staffing.model_copy(update=changes)
    found = manning(facts(run), settings, queue)
    if by == "queue":
        return by_queue(facts(run), settings), found.words(lang)
    rows = found.by_hour if by == "hour" else found.week
    rows = rows[(rows["arrivals"] > 0) | (rows["scheduled"].fillna(0) > 0)]
    said = [*found.words(lang), *capacity_words(red_lines(run), found.short, lang)]
    return rows[[*(["weekday"] if by == "week" else []), *HOUR]].reset_index(drop=True), said


def reckoned(per_hour: float, lang: str, *, handle_s: float, **changes: float) -> list[str]:
    """What so many customers an hour need, without any data."""
    settings = StaffingSettings().model_copy(update=changes)
    return [needed_words(per_hour, handle_s, settings, lang), assumptions(settings, lang)]
