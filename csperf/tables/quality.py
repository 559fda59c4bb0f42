"""Is the data complete and usable? What became of every row, what is missing, who is on no roster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from ..text import say
from ..text.numbers import number
from .table import Table, days_in_words, in_words, laid_out

REJECTS_ON_PAGE = 20
FOUND_SHOWN = 3  # different cells named for one reason
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


def rejects(
    manifest: Mapping[str, Any], sources: Iterable[Any] = (), folder: Path | None = None, *, lang: str = "zh"
) -> Table:
    """Rows that could not be used, by file and reason, most frequent first; `manifest`: the store's.

    `sources`: those of the settings, which know what the file calls a column; `folder`: where the rejected rows lie.
    """
    rows = [
        (name, reason, n, *_named(reason, _source_of(name, sources)), _found(name, reason, folder))
        for name, about in manifest["files"].items()
        for reason, n in about["rejected"].items()
        if n
    ]
    frame = pd.DataFrame(rows, columns=["file", "reason", "rows", "column", "own_column", "found"])
    frame = frame.sort_values(["rows", "file", "reason"], ascending=[False, True, True], ignore_index=True)
    total = int(frame["rows"].sum())
    title = say("tables.rejects" if total else "tables.rejects_none", lang, n=number(total, "count"))
    page = frame.head(REJECTS_ON_PAGE)
    page = page.assign(reason=[_reason_words(row, lang) for row in page.itertuples()])
    shown = in_words(page[["file", "reason", "rows"]], lang, {"rows": "count"})
    notes = [say("tables.rejects_note", lang)]
    return Table("rejects", frame, laid_out("rejects", shown, title, lang, notes=notes, text=("reason",)))


def _source_of(file: str, sources: Iterable[Any]) -> Any:
    return next((source for source in sources if PurePosixPath(file).match(source.files)), None)


def _named(reason: str, source: Any) -> tuple[str, str]:
    """The contract's column that a reason is about, and what the file calls it; empty where there is none."""
    column = reason.partition(":")[2]
    cells = getattr(source, "columns", {}).get(column, ())
    return column, " + ".join(dict.fromkeys(name for cell in cells for name in cell.from_))


def _found(file: str, reason: str, folder: Path | None) -> str:
    """Some of the cells that were no good, joined by "; ", where they may be shown."""
    code, _, column = reason.partition(":")
    path = folder / f"{file}.csv" if folder else None
    if code not in SHOWS_FOUND or path is None or not path.is_file():
        return ""
    wanted = ("reason", column)
    rows = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig", usecols=lambda c: c in wanted)
    cells = rows.loc[rows["reason"] == reason].get(column, pd.Series(dtype=str))
    return "; ".join(cell for cell in cells.unique()[:FOUND_SHOWN] if cell)


def _reason_words(row: Any, lang: str) -> str:
    """“发送方”一列（谁说的）的取值不在对照表里：路人."""
    column = say(f"columns.{row.column}", lang) if row.column else ""
    if row.own_column:
        column = say("tables.own_column", lang, own=row.own_column, column=column)
    said = say(f"load.{row.reason.partition(':')[0]}", lang, column=column)
    return say("tables.reason_found", lang, reason=said, found=row.found) if row.found else said


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
