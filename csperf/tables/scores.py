"""What did the month give, what moved it, and is it fair? Scores by band, points by metric, changes, what to check."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..catalogue import entry
from ..scorecard import OF_CHATS
from ..targets import in_order
from ..text import say, words
from ..text.numbers import MISSING, aligned, month_words, number
from .table import Table, laid_out, who

BANDS = {"above": 0, "level": 1, "below": 2}
MOVED = ("own", "mix", "target", "weight", "cap")


def scores(scores: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """Everybody's score of a month with range, coefficient and band, for the supervisor; within a band by name."""
    frame = scores.assign(place=scores["band"].map(BANDS).fillna(len(BANDS)))
    frame = frame.sort_values(["role", "place", "agent_id"], kind="stable").drop(columns="place").reset_index(drop=True)
    cells = {"role": [say(f"tables.role_{role}", lang) for role in frame["role"]]}
    cells |= {"agent_id": [who(agent, names) for agent in frame["agent_id"]]}
    cells |= {"score": [_points(value) for value in frame["score"]]}
    cells |= {"score_range": [_range(row) for row in frame.itertuples()]}
    cells |= {"coefficient": [MISSING if pd.isna(c) else f"{c:.3f}" for c in frame["coefficient"]]}
    cells |= {"score_adjusted": [_points(value) for value in frame["score_adjusted"]]}
    cells |= {"score_band": [_band(band, lang) for band in frame["band"]]}
    cells |= {"remark": [_remark(row, lang) for row in frame.itertuples()]}
    shown = pd.DataFrame({say(f"tables.{key}", lang): column for key, column in cells.items()})
    scored = frame["score"].notna()
    slots = {"month": month_words(frame["month"].max(), lang), "people": int(scored.sum())}
    slots |= {"unscored": int((~scored).sum()), "apart": int(frame["band"].isin(["above", "below"]).sum())}
    title, notes = say("tables.scores", lang, **slots), [say("tables.scores_note", lang)]
    gt = laid_out("scores", shown, title, lang, group="role", stub="agent_id", notes=notes, text=("remark",))
    return Table("scores", frame, gt)


def score_parts(parts: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """Points of everybody at every metric of one month, with the weight that counted: "84 (30)"."""
    cell = [
        MISSING if pd.isna(p) else f"{p:.0f} ({w:.3g})"
        for p, w in zip(parts["points"], parts["weight_used"], strict=True)
    ]
    wide = parts.assign(cell=cell).pivot(index=["role", "agent_id"], columns="metric", values="cell").reset_index()
    shown = pd.DataFrame({say("tables.role", lang): [say(f"tables.role_{role}", lang) for role in wide["role"]]})
    shown[say("tables.agent_id", lang)] = [who(agent, names) for agent in wide["agent_id"]]
    for metric in in_order(parts[["role", "metric"]].drop_duplicates())["metric"].unique():
        shown[entry(metric).name(lang)] = wide[metric].fillna(MISSING)
    lowest = parts.groupby("metric")["points"].mean()
    slots = {"metric": entry(lowest.idxmin()).name(lang), "points": _points(lowest.min())}
    title, notes = say("tables.score_parts", lang, **slots), [say("tables.score_parts_note", lang)]
    gt = laid_out("score_parts", shown, title, lang, group="role", stub="agent_id", notes=notes)
    return Table("score_parts", parts, gt)


def score_changes(changes: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """What moved everybody's score since the month before, in points. `changes`: scorecard.changes."""
    frame = changes.groupby(["role", "agent_id"], as_index=False)[["before", "after", "change", *MOVED]].sum()
    shown = pd.DataFrame({say("tables.role", lang): [say(f"tables.role_{role}", lang) for role in frame["role"]]})
    shown[say("tables.agent_id", lang)] = [who(agent, names) for agent in frame["agent_id"]]
    for column in ("before", "after"):
        shown[say(f"tables.score_{column}", lang)] = [_points(value) for value in frame[column]]
    for column in ("change", *MOVED):
        shown[say(f"tables.moved_{column}", lang)] = [_points(value, "+") for value in frame[column]]
    up, down = int((frame["change"] > 0.05).sum()), int((frame["change"] < -0.05).sum())
    title, notes = say("tables.score_changes", lang, up=up, down=down), [say("tables.score_changes_note", lang)]
    gt = laid_out("score_changes", shown, title, lang, group="role", stub="agent_id", notes=notes)
    return Table("score_changes", changes, gt)


def gaming(found: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """What to look at before the scores are published: one row per sign that chance does not explain."""
    listed = found[found["listed"]].reset_index(drop=True)
    cells: dict[str, list[str]] = {"check": [say(f"tables.check_{row.check}", lang) for row in listed.itertuples()]}
    cells |= {"metric": [_metrics(row, lang) for row in listed.itertuples()]}
    cells |= {"who": [_whom(row, lang, names) for row in listed.itertuples()]}
    cells |= {"what_was_seen": [_seen(row, lang) for row in listed.itertuples()]}
    shown = pd.DataFrame({say(f"tables.{key}", lang): pd.Series(column, dtype=object) for key, column in cells.items()})
    title = say("tables.gaming", lang, checked=int(found["p"].notna().sum()), listed=len(listed))
    notes = [say("tables.gaming_note", lang)]
    return Table("gaming", found, laid_out("gaming", shown, title, lang, notes=notes, text=("what_was_seen",)))


def allocation(found: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """Who had more or fewer customers a day than an even share. `found`: scorecard.allocation.allocation."""
    shown = pd.DataFrame({say("tables.role", lang): [_word("role", role, lang) for role in found["role"]]})
    shown[say("tables.agent_id", lang)] = [who(agent, names) for agent in found["agent_id"]]
    shown[say("tables.shift", lang)] = [_word("shift", shift, lang) for shift in found["shift"]]
    shown[say("tables.days_worked", lang)] = [number(days, "count") for days in found["days"]]
    shown[say("tables.cases_per_day", lang)] = aligned(found["per_day"], "count")
    even = found["expected"] / found["days"]
    shown[say("tables.even_share", lang)] = aligned(even, "count")
    shown[say("tables.remark", lang)] = [
        say(f"tables.share_{'more' if row.cases > row.expected else 'fewer'}", lang) if row.listed else MISSING
        for row in found.itertuples()
    ]
    title, notes = (
        say("tables.allocation", lang, listed=int(found["listed"].sum())),
        [say("tables.allocation_note", lang)],
    )
    gt = laid_out("allocation", shown, title, lang, group="role", stub="agent_id", notes=notes)
    return Table("allocation", found, gt)


def _points(value: float, sign: str = "") -> str:
    if pd.isna(value):
        return MISSING
    return "0" if sign and abs(value) < 0.05 else f"{value:{sign}.1f}"


def _range(row) -> str:
    return MISSING if pd.isna(row.score_low) else f"{row.score_low:.0f}–{row.score_high:.0f}"


def _band(band: object, lang: str) -> str:
    return say(f"scores.band_{band}", lang) if isinstance(band, str) else MISSING


def _remark(row, lang: str) -> str:
    if row.capped:
        return say("tables.score_capped", lang)
    return say(f"scores.status_{row.status}", lang) if row.status else MISSING


def _word(area: str, value: object, lang: str) -> str:
    return MISSING if not isinstance(value, str) else words("tables", lang).get(f"{area}_{value}", value)


def _metrics(row, lang: str) -> str:
    name = entry(row.metric).name(lang)
    return f"{name} ↔ {entry(row.other).name(lang)}" if isinstance(row.other, str) else name


def _whom(row, lang: str, names: Mapping[str, str] | None) -> str:
    if row.check == "bunching":
        level = "" if pd.isna(row.agent_id) else _word("level", row.agent_id, lang)
        return f"{_word('role', row.role, lang)} {level}".strip()
    return who(row.agent_id, names)


def _seen(row, lang: str) -> str:
    unit = "share" if row.check in ("cases_fall", *OF_CHATS) else entry(row.metric).unit
    if row.check == "bunching":
        return say("tables.seen_bunching", lang, above=int(row.value), n=int(row.n))
    slots = {"value": number(row.value, unit), "expected": number(row.expected, unit), "months": int(row.n)}
    return say(f"tables.seen_{row.check}", lang, **slots)
