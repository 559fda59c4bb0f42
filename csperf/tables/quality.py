"""Is the data complete and usable? What became of every row, what is missing, who is on no roster."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from ..text import say
from ..text.numbers import number
from .table import Table, days_in_words, in_words, laid_out

REJECTS_ON_PAGE = 20
# What was found is shown where it is a word of a list, a time or a number, never where it may say who somebody is.
SHOWS_FOUND = ("value_unmapped", "time_unreadable", "number_unreadable", "value_unreadable")


def loading(manifest: Mapping[str, Any], *, lang: str = "zh") -> Table:
    """What became of every row of every file; `manifest`: the store's."""
    fates = ["read", "kept", "duplicate", "replaced", "filtered", "folded", "rejected"]
    rows = [(name, *(_count(about[fate]) for fate in fates)) for name, about in manifest["files"].items()]
    files = pd.DataFrame(rows, columns=["file", *fates])
    total = {fate: number(files[fate].sum(), "count") for fate in fates}
    title = say("tables.loading", lang, files=len(files), **total)
    shown = in_words(files, lang, dict.fromkeys(fates, "count"))
    notes = [say("tables.loading_note", lang)]
    return Table("loading", files, laid_out("loading", shown, title, lang, stub="file", notes=notes))


def _count(fate: int | Mapping[str, int]) -> int:
    """A number of rows, or the sum of the numbers by reason."""
    return sum(fate.values()) if isinstance(fate, Mapping) else fate


def rejects(manifest: Mapping[str, Any], *, lang: str = "zh") -> Table:
    """Rows that could not be used, by file and reason, most frequent first; `manifest`: the store's.

    Of the first such row the line, what the file calls the column, and what stood there; null where that is not known.
    """
    found = [
        {"file": name, "reason": reason, "rows": n, **_first(about, reason)}
        for name, about in manifest["files"].items()
        for reason, n in about["rejected"].items()
        if n
    ]
    frame = pd.DataFrame(found, columns=["file", "reason", "rows", "line", "heading", "found"])
    frame = frame.sort_values(["rows", "file", "reason"], ascending=[False, True, True], ignore_index=True)
    total = int(frame["rows"].sum())
    title = say("tables.rejects" if total else "tables.rejects_none", lang, n=number(total, "count"))
    page = frame.head(REJECTS_ON_PAGE)
    page = page.assign(reason=[_reason_words(row, lang) for row in page.itertuples()])
    shown = in_words(page[["file", "line", "reason", "rows"]], lang, dict.fromkeys(("line", "rows"), "count"))
    notes = [say("tables.rejects_note", lang)]
    return Table("rejects", frame, laid_out("rejects", shown, title, lang, notes=notes, text=("reason",)))


def _first(about: Mapping[str, Any], reason: str) -> dict[str, Any]:
    """line, heading and found of the first row rejected for a reason; what was found only where it may be shown."""
    code, _, column = reason.partition(":")
    first = about.get("first", {}).get(reason, {})
    heading = first.get("column") if first.get("column") != column else None
    return {"line": first.get("line"), "heading": heading, "found": first.get("found") if code in SHOWS_FOUND else None}


def _reason_words(row: Any, lang: str) -> str:
    """“发送时间”不是认得的时间（实际是“2025-13-45”）; the column as the file calls it, and our word for it."""
    code, _, column = row.reason.partition(":")
    ours = say(f"columns.{column}", lang) if column else ""
    theirs = row.heading if isinstance(row.heading, str) else ours
    said = ours if theirs == ours else say("tables.own_column", lang, own=theirs, column=ours)
    reason = say(f"load.{code}", lang, column=said)
    return say("tables.reason_found", lang, reason=reason, found=row.found) if isinstance(row.found, str) else reason


def gaps(
    days: pd.DataFrame,
    first_day: date,
    last_day: date,
    *,
    shifts: pd.DataFrame | None = None,
    roster: pd.DataFrame | None = None,
    lang: str = "zh",
) -> Table:
    """Days with rows per account and, where shifts are known, the days on duty without any.

    `days`: store.coverage(), n null where the whole shop has nothing, 0 where only this account has nothing.
    """
    span = pd.date_range(first_day, last_day, freq="D")
    grid = days.assign(day=pd.to_datetime(days["day"])).pivot(index="account_id", columns="day", values="n")
    grid = grid.reindex(columns=span).astype(float).sort_index()
    duty = _on_duty(shifts, roster)
    rows = []
    for account, counts in grid.iterrows():
        absent = [day.date() for day, n in counts.items() if n == 0 and (account, day.date()) in duty]
        have = int((counts > 0).sum()), int(counts.notna().sum())
        rows.append((account, *have, len(absent), days_in_words(absent, lang)))
    frame = pd.DataFrame(rows, columns=["account_id", "days_with_data", "days", "absent", "absent_days"])
    title = _gaps_title(len(span), [day.date() for day in span if grid[day].isna().all()], lang)
    frame = frame if duty else frame.drop(columns=["absent", "absent_days"])
    shown = in_words(frame, lang, dict.fromkeys(("days_with_data", "days", "absent"), "count"))
    text, notes = ("absent_days",) if duty else (), [say(f"tables.gaps_note{'' if duty else '_no_shifts'}", lang)]
    gt = laid_out("coverage_gaps", shown, title, lang, stub="account_id", notes=notes, text=text)
    return Table("coverage_gaps", frame, gt)


def _on_duty(shifts: pd.DataFrame | None, roster: pd.DataFrame | None) -> set[tuple[str, date]]:
    """(account, day) on which somebody behind the account had a shift."""
    if shifts is None or roster is None or shifts.empty or roster.empty:
        return set()
    held = roster[["agent_id", "account_id", "valid_from", "valid_to"]]
    both = shifts[["agent_id", "day"]].merge(held, on="agent_id")
    both = both.assign(**{c: pd.to_datetime(both[c]) for c in ("day", "valid_from", "valid_to")})
    both = both[(both["valid_from"] <= both["day"]) & ~(both["valid_to"] <= both["day"])]
    return {(account, day.date()) for account, day in zip(both["account_id"], both["day"], strict=True)}


def _gaps_title(days: int, missing: list[date], lang: str) -> str:
    """The conclusion: all days of the period are there, or which are not."""
    if len(missing) == days:
        return say("tables.gaps_empty", lang)
    slots = {"share": number(1 - len(missing) / days, "share"), "days": days, "n": len(missing)}
    said = days_in_words(missing, lang)
    return say("tables.gaps_shop" if missing else "tables.gaps", lang, missing=said, **slots)


def unknown_accounts(days: pd.DataFrame, roster: pd.DataFrame, *, lang: str = "zh") -> Table:
    """Accounts that chat but stand on no roster: they count as a person of their own. `days`: store.coverage()."""
    listed = set(roster["account_id"]) if len(roster) else set()
    found = days[days["account_id"].notna() & ~days["account_id"].isin(listed) & (days["n"] > 0)]
    frame = found.groupby("account_id", as_index=False).agg(
        rows=("n", "sum"), first_day=("day", "min"), last_day=("day", "max")
    )
    title = say("tables.unknown" if len(frame) else "tables.unknown_none", lang, n=len(frame), listed=len(listed))
    shown = in_words(frame, lang, {"rows": "count"})
    return Table("unknown_accounts", frame, laid_out("unknown_accounts", shown, title, lang, stub="account_id"))
