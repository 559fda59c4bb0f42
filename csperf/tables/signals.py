"""Is that more than chance? Groups against their targets, who stands apart from the team, months unlike the others."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..catalogue import entry
from ..targets import in_order, outlook
from ..text import say
from ..text.numbers import MISSING, month_words, number
from .table import Table, laid_out, metric_rows, value_n, who

BANDS = ("above", "level", "below")


def verdicts(found: pd.DataFrame, *, lang: str = "zh") -> Table:
    """Will each group meet its target as it works now? `found`: targets.outlook.verdicts."""
    shown = metric_rows(found, ["target", "value"], lang, before=("level",))
    shown[say("tables.months_met", lang)] = [
        say("tables.met_of", lang, met=m, agents=a) for m, a in zip(found["met"], found["months"], strict=True)
    ]
    shown[say("tables.verdict", lang)] = [say(f"tables.verdict_{v}", lang) for v in found["verdict"]]
    shown[say("tables.remark", lang)] = [outlook.spoken(row, lang) for row in found.itertuples()]
    counts = {verdict: int((found["verdict"] == verdict).sum()) for verdict in outlook.VERDICTS}
    title = say("tables.verdicts", lang, rows=len(found), **counts)
    notes = [say("tables.verdicts_note", lang)]
    gt = laid_out("verdicts", shown, title, lang, group="role", stub="metric", notes=notes, text=("remark",))
    return Table("verdicts", found, gt)


def bands(people: pd.DataFrame, *, lang: str = "zh") -> Table:
    """How many stand above, level with and below the team, metric by metric; names nobody.

    `people`: targets.outlook.people. `frame`: metric, role, people, above, level, below, separated, status.
    """
    groups = people.groupby(["metric", "role"], sort=False)
    frame = groups.agg(people=("people", "first"), separated=("separated", "first"), status=("status", "first"))
    for band in BANDS:
        frame[band] = groups["band"].agg(lambda own, band=band: int((own == band).sum()))
    frame = in_order(frame.reset_index())
    few = frame["status"].str.contains("FUNNEL_FEW")
    shown = metric_rows(frame, [], lang)
    shown[say("tables.agents_count", lang)] = [number(n, "count") for n in frame["people"]]
    for band in BANDS:
        cells = [MISSING if too_few else number(n, "count") for n, too_few in zip(frame[band], few, strict=True)]
        shown[say(f"tables.band_{band}", lang)] = cells
    shown[say("tables.separated", lang)] = [number(share, "share") for share in frame["separated"]]
    shown[say("tables.ranking", lang)] = [say(f"tables.ranking_{_ranking(row)}", lang) for row in frame.itertuples()]
    title = say(
        "tables.bands", lang, metrics=frame["metric"].nunique(), apart=int(frame[["above", "below"]].sum().sum())
    )
    notes = [say("tables.bands_note", lang)]
    gt = laid_out("bands", shown, title, lang, group="role", stub="metric", notes=notes, text=("ranking",))
    return Table("bands", frame, gt)


def standings(people: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """The people of one metric and role by band, for the supervisor: newest value, what they sustain, the place range.

    `people`: the rows of one metric and role of targets.outlook.people. Within a band people stand by name, because
    no order within it would mean anything.
    """
    order = {band: place for place, band in enumerate(BANDS)}
    frame = people.sort_values(["band", "agent_id"], key=lambda c: c.map(order) if c.name == "band" else c)
    frame = frame.reset_index(drop=True)
    rows = list(frame.itertuples())
    unit = entry(frame["metric"][0]).unit
    few = frame["status"].str.contains("FUNNEL_FEW").all()
    cells = {"band": [say("tables.band_none" if few else f"tables.band_{row.band}", lang) for row in rows]}
    cells |= {"agent_id": [who(row.agent_id, names) for row in rows]}
    cells |= {"newest": [value_n(number(row.value, unit), row.n) for row in rows]}
    cells |= {"adjusted": [number(row.adjusted, unit) for row in rows]}
    cells |= {"sustained_range": [f"{number(r.adjusted_low, unit)}–{number(r.adjusted_high, unit)}" for r in rows]}
    cells |= {"place": [_place(row, lang) for row in rows]}
    cells |= {"remark": [outlook.standing(row, who(row.agent_id, names), lang) or MISSING for row in rows]}
    shown = pd.DataFrame({say(f"tables.{key}", lang): column for key, column in cells.items()})
    slots = {"metric": getattr(entry(frame["metric"][0]), lang), "month": month_words(frame["month"][0], lang)}
    title = say("tables.standings", lang, **slots, agents=len(rows))
    notes = [say("tables.standings_few" if few else "tables.standings_note", lang)]
    notes += [sentence] if (sentence := "" if few else outlook.not_told_apart(frame, lang)) else []
    gt = laid_out("standings", shown, title, lang, group="band", stub="agent_id", notes=notes, text=("remark",))
    return Table("standings", frame, gt)


def unusual_months(months: pd.DataFrame, *, lang: str = "zh") -> Table:
    """Which months were unlike the others, and whether the newest is. `months`: targets.outlook.months."""
    newest = months.groupby(["metric", "role"], sort=False).tail(1).reset_index(drop=True)
    past = months[months["signal"] == "past"].groupby(["metric", "role"])["month"].agg(list)
    odd = [past.get((row.metric, row.role), []) for row in newest.itertuples()]
    shown = metric_rows(newest, ["value", "low", "high"], lang)
    shown[say("tables.newest_month", lang)] = [say(f"tables.month_{_unlike(row)}", lang) for row in newest.itertuples()]
    joined = say("tables.and", lang)
    shown[say("tables.odd_months", lang)] = [joined.join(month_words(m, lang) for m in own) or MISSING for own in odd]
    slots = {"rows": len(newest), "outside": int((newest["signal"] == "newest").sum())}
    title, notes = say("tables.unusual_months", lang, **slots), [say("tables.unusual_months_note", lang)]
    gt = laid_out("unusual_months", shown, title, lang, group="role", stub="metric", notes=notes, text=("odd_months",))
    return Table("unusual_months", months, gt)


def _ranking(row) -> str:
    """Whether ranks would mean anything here."""
    if "FUNNEL_FEW" in row.status:
        return "few"
    return "bands" if "RANK_NOT_DISTINGUISHABLE" in row.status else "possible"


def _place(row, lang: str) -> str:
    if row.rank_low == row.rank_high:
        return say("tables.place_one", lang, low=row.rank_low, people=row.people)
    return say("tables.place_range", lang, low=row.rank_low, high=row.rank_high, people=row.people)


def _unlike(row) -> str:
    if "CHART_SHORT" in row.status:
        return "short"
    return "outside" if row.signal else "inside"
