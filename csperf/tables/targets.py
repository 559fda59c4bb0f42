"""What should the target be? The shop's own distribution, the proposal, and how many met it in each past month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ..catalogue import entry
from ..targets import TargetSettings, in_order
from ..text import say
from ..text.numbers import MISSING, difference, month_words, number
from .table import Table, laid_out, metric_rows

SPREAD = ("easy90", "easy75", "middle", "hard25", "hard10")


def level_spread(spread: pd.DataFrame, *, lang: str = "zh") -> Table:
    """The shop's own distribution by level: the value that 90, 75, 50, 25 and 10 % of the agent-months met."""
    said = spread.rename(columns={"agents": "agents_count"})
    shown = metric_rows(said, SPREAD, lang, before=("level", "agents_count", "agent_months"))
    most = number(spread["agent_months"].max(), "count")
    title = say("tables.level_spread", lang, metrics=spread["metric"].nunique(), n=most)
    notes = [say("tables.spread_note", lang)]
    gt = laid_out("level_spread", shown, title, lang, group="role", stub="metric", notes=notes)
    return Table("level_spread", spread, gt)


def targets(targets: pd.DataFrame, *, settings: TargetSettings | None = None, lang: str = "zh") -> Table:
    """The proposal: base, target and stretch per metric, role and level, how sure it is, who will meet it, and why.

    `settings`: those the targets were set by, whose shares the note names.
    """
    policy = settings or TargetSettings()
    rows = targets[targets["role"] != "shop"]
    shown = metric_rows(rows, ["base", "target", "stretch", "shop_value", "tier_mean"], lang, before=("level",))
    widths = [_width(row, lang) for row in rows.itertuples()]
    shown.insert(list(shown.columns).index(say("tables.stretch", lang)), say("tables.half_width", lang), widths)
    shown[say("tables.expected", lang)] = [_expected(row, lang) for row in rows.itertuples()]
    shown[say("tables.n_agent_months", lang)] = [number(n, "count") for n in rows["n_agent_months"]]
    shown[say("tables.grade", lang)] = [say(f"tables.grade_{g}", lang) for g in rows["grade"]]
    shown[say("tables.reason", lang)] = [_status_words(row, lang) for row in rows.itertuples()]
    grades = {grade: int((rows["grade"] == grade).sum()) for grade in ("publish", "trial")}
    title = say("tables.targets", lang, metrics=rows["metric"].nunique(), rows=len(rows), **grades)
    shares = {"goal": policy.goal, "base": policy.base, "stretch": policy.stretch, "pull": policy.kappa}
    notes = [say("tables.targets_note", lang, **{name: f"{100 * share:.0f}%" for name, share in shares.items()})]
    gt = laid_out("targets", shown, title, lang, group="role", stub="metric", notes=notes, text=("reason",))
    return Table("targets", rows, gt)


def _width(row: Any, lang: str) -> str:
    """How far the target itself may lie elsewhere: ±1.2个点; a dash where nobody can tell."""
    said = difference(row.half_width, entry(row.metric).unit, lang)
    return said if said == MISSING else "±" + said.lstrip("+")


def _expected(row: Any, lang: str) -> str:
    """About 7 of 12 (5-9)."""
    if not row.team:
        return MISSING
    people = {"met": row.expected_agents, "team": row.team}
    people |= {"low": row.attainment_low * row.team, "high": row.attainment_high * row.team}
    return say("tables.expected_of", lang, **{name: f"{value:.0f}" for name, value in people.items()})


def contradictions(found: pd.DataFrame, *, lang: str = "zh") -> Table:
    """Targets that do not fit one another, or say the same twice. `found`: targets.consistency.check_consistency."""
    shown = pd.DataFrame({say("tables.remark", lang): list(dict.fromkeys(found["said"]))})
    title = say("tables.contradictions" if len(found) else "tables.no_contradictions", lang, n=len(shown))
    return Table("contradictions", found, laid_out("contradictions", shown, title, lang, text=("remark",)))


def by_shift(shifts: pd.DataFrame, *, lang: str = "zh") -> Table:
    """The role's target as it reads in each shift. `shifts`: targets.shifts.by_shift."""
    shown = metric_rows(shifts, ["value", "target", "target_here"], lang, before=("shift",))
    shown.insert(3, say("tables.cases", lang), [number(n, "count") for n in shifts["cases"]])
    title = say("tables.by_shift", lang, metrics=shifts["metric"].nunique())
    notes = [say("tables.by_shift_note", lang)]
    return Table("by_shift", shifts, laid_out("by_shift", shown, title, lang, group="role", stub="metric", notes=notes))


def adjusted_agents(rows: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None) -> Table:
    """One metric's people in the newest month, as shown and adjusted for shifts. `rows`: targets.shifts.adjusted."""
    newest = rows[rows["month"] == rows["month"].max()].sort_values("agent_id").reset_index(drop=True)
    known = entry(newest["metric"].iloc[0]) if len(newest) else None
    shown = pd.DataFrame({say("tables.agent_id", lang): [(names or {}).get(a, a) for a in newest["agent_id"]]})
    for column, head in (("value", "value"), ("adjusted", "adjusted_for_shift")):
        shown[say(f"tables.{head}", lang)] = [number(v, known.unit) for v in newest[column]] if known else []
    shown[say("tables.cases", lang)] = [number(n, "count") for n in newest["cases"]]
    about = {"metric": known.name(lang) if known else MISSING, "people": len(newest)}
    month = month_words(newest["month"].iloc[0], lang) if len(newest) else MISSING
    title, notes = say("tables.adjusted_agents", lang, month=month, **about), [say("tables.adjusted_note", lang)]
    return Table(
        "adjusted_agents", newest, laid_out("adjusted_agents", shown, title, lang, stub="agent_id", notes=notes)
    )


def past_attainment(past: pd.DataFrame, *, lang: str = "zh") -> Table:
    """How many met the target in each past month: "7/12" per month, metric by metric."""
    rows = past[past["level"].isna()]
    cells = [say("tables.met_of", lang, met=m, agents=a) for m, a in zip(rows["met"], rows["agents"], strict=True)]
    wide = rows.assign(cell=cells).pivot(index=["metric", "role", "target"], columns="month", values="cell")
    wide = in_order(wide.reset_index())
    shown = metric_rows(wide, ["target"], lang)
    for month in sorted(rows["month"].unique()):
        shown[month[2:4] + "/" + month[5:]] = wide[month].fillna(MISSING)
    slots = {"low": int((rows["share"] < 0.10).sum()), "high": int((rows["share"] > 0.90).sum())}
    title = say("tables.past", lang, months=rows["month"].nunique(), **slots)
    notes = [say("tables.past_note", lang)]
    gt = laid_out("past_attainment", shown, title, lang, group="role", stub="metric", notes=notes)
    return Table("past_attainment", past, gt)


def _status_words(row: Any, lang: str) -> str:
    codes = [say(f"tables.status_{code}", lang) for code in row.status.split(";") if code]
    return " ".join([row.reason, *codes])
