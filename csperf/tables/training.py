"""One metric by hand: the turns of a day, the sum and the division, the records behind the number."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from ..catalogue import entry
from ..explain import in_words as reasons_in_words
from ..text import say
from ..text.numbers import MISSING, day_words, labelled, number, quantity
from .table import Table, as_day, in_words, laid_out, who

CLOCKS = ("started_at", "replied_at")
ID_SHOWN = 8  # characters of a row's id that tell it apart on a page; the file has all


def turns_of_day(
    turns: pd.DataFrame, timezone: str, *, lang: str = "zh", names: Mapping[str, str] | None = None
) -> Table:
    """The turns behind one agent's mean of one day. `turns`: rows of the fact, in order; times are told in `timezone`.

    The file has started_at, replied_at (local clock), wait_s (null: no answer), counted.
    """
    clock = {column: _clock(turns[column], timezone) for column in CLOCKS}
    frame = pd.DataFrame(clock).assign(wait_s=turns["wait_us"] / 1e6, counted=counted_turns(turns))
    shown = frame.assign(counted=_yes_no(frame["counted"], lang))
    first = turns.iloc[0]
    slots = {"who": who(first["agent_id"], names), "day": day_words(as_day(first["day"]), lang)}
    title = say("tables.turns", lang, n=len(frame), counted=int(frame["counted"].sum()), **slots)
    shown = in_words(shown, lang, {"wait_s": "count"})
    notes = [say("tables.turns_note", lang)]
    return Table("turns_of_day", frame, laid_out("turns_of_day", shown, title, lang, notes=notes))


def counted_turns(turns: pd.DataFrame) -> pd.Series:
    """Which turns enter the mean reply time: in service hours, not excluded, with a wait to count."""
    return turns["in_hours"] & ~turns["excluded"] & turns["wait_counted_us"].notna()


def by_hand(waits: pd.Series, csperf: float, metric: str, *, lang: str = "zh") -> Table:
    """The same number twice: the sum of `waits` (seconds) over how many there are, and csperf's; whether they agree."""
    known, hand = entry(metric), float(waits.sum() / len(waits)) if len(waits) else math.nan
    same = math.isclose(hand, csperf, rel_tol=1e-9, abs_tol=1e-9)
    frame = pd.DataFrame({"way": ["by_hand", "csperf"], metric: [hand, csperf]})
    division = say("tables.division", lang, total=number(waits.sum(), "count"), n=len(waits))
    shown = pd.DataFrame(
        {
            say("tables.way", lang): [say("tables.way_by_hand", lang), say("tables.way_csperf", lang)],
            say("tables.how", lang): [division, MISSING],
            labelled(getattr(known, lang), known.unit, lang): [number(hand, known.unit), number(csperf, known.unit)],
        }
    )
    title = say("tables.same" if same else "tables.not_same", lang, value=quantity(csperf, known.unit, lang))
    return Table("by_hand", frame, laid_out("by_hand", shown, title, lang))


def explained(
    rows: pd.DataFrame, turns: pd.DataFrame | None = None, timezone: str = "UTC", *, lang: str = "zh", top: int = 15
) -> Table:
    """The rows behind a number, counted and left out, as cs.explain gives them; the page shows the first `top`.

    With `turns` (the fact's rows) each is told by its clock time in `timezone` and they stand in the day's order.
    """
    # Numerator and denominator list the same rows twice; one side is enough to see which count.
    one_side = rows[rows["side"] == rows["side"].iloc[0]] if len(rows) else rows
    page = one_side[["row_id", "day", "value", "counted", "reason"]]
    if turns is not None:
        began = page["row_id"].map(turns.set_index("row_id")["started_at"])
        page.insert(0, "started_at", _clock(began, timezone))
        page = page.loc[began.sort_values(kind="stable").index].drop(columns="day")
    page = page.head(top)
    said = {"counted": _yes_no(page["counted"], lang), "reason": reasons_in_words(page["reason"], lang)}
    shown = in_words(page.assign(**said, row_id=page["row_id"].str[:ID_SHOWN]), lang, {"value": "count"})
    slots = {"n": number(len(one_side), "count"), "counted": number(one_side["counted"].sum(), "count")}
    title, notes = say("tables.explained", lang, **slots), [say("tables.explained_note", lang)]
    return Table("explained", rows, laid_out("explained", shown, title, lang, notes=notes))


def _clock(times: pd.Series, timezone: str) -> pd.Series:
    return pd.to_datetime(times, utc=True).dt.tz_convert(timezone).dt.strftime("%H:%M:%S")


def _yes_no(counted: pd.Series, lang: str) -> list[str]:
    return [say(f"tables.{'yes' if yes else 'no'}", lang) for yes in counted]
