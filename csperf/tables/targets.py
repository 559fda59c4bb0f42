"""What should the target be? The shop's own distribution, the proposal, and how many met it in each past month."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..targets import in_order
from ..text import say
from ..text.numbers import MISSING, number
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


def targets(targets: pd.DataFrame, *, lang: str = "zh") -> Table:
    """The proposal: base, target and stretch per metric, role and level, how many met it, and why this number."""
    shown = metric_rows(targets, ["base", "target", "stretch", "shop_value"], lang, before=("level",))
    shown[say("tables.attainment", lang)] = [number(a, "share") for a in targets["attainment"]]
    shown[say("tables.n_agents", lang)] = [number(n, "count") for n in targets["n_agents"]]
    shown[say("tables.n_agent_months", lang)] = [number(n, "count") for n in targets["n_agent_months"]]
    shown[say("tables.grade", lang)] = [say(f"tables.grade_{g}", lang) for g in targets["grade"]]
    shown[say("tables.reason", lang)] = [_status_words(row, lang) for row in targets.itertuples()]
    slots = {"metrics": targets["metric"].nunique(), "rows": len(targets)}
    title = say("tables.targets", lang, trial=int((targets["grade"] == "trial").sum()), **slots)
    notes = [say("tables.targets_note", lang)]
    gt = laid_out("targets", shown, title, lang, group="role", stub="metric", notes=notes, text=("reason",))
    return Table("targets", targets, gt)


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
