"""Target values from three sources: the shop's own months, its industry, and its platform.

A target is what a stated share of the agents is expected to meet in the coming month at the planned volume; the
industry may pull it, never past what half of them can meet. The platform's red line stays a row of the shop.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..catalogue import entry
from ..rules import PlatformRule
from ..text import say
from .history import level_spread, past_attainment, value_met_by
from .industry import SNAPSHOT_DAYS, cells, cells_of, industry_values, sources, without_luck
from .model import Model, fitted, panel
from .months import agent_months, counted, too_bare
from .order import in_order, ladder, round_easier
from .platform import red_lines as platform_red_lines
from .platform_words import shop_rows
from .rule import Decision, decide
from .settings import LEVELS, TargetSettings, core_metrics
from .why import aside, sentence

__all__ = [
    "COLUMNS",
    "LEVELS",
    "SNAPSHOT_DAYS",
    "Model",
    "Proposal",
    "TargetSettings",
    "agent_months",
    "core_metrics",
    "derive_targets",
    "headline",
    "in_order",
    "ladder",
    "level_spread",
    "past_attainment",
    "propose",
    "round_easier",
    "sources",
    "value_met_by",
    "without_luck",
]

COLUMNS = [
    *("metric", "role", "level", "better", "base", "target", "stretch", "grade", "status"),
    *("attainment", "attainment_low", "attainment_high", "expected_agents", "half_width", "bound_by", "shop_value"),
    *("tier_mean", "top10_mean", "platform_floor", "breach_yearly", "company_goal", "adopted", "reason"),
    *("company_share", "n_agents", "n_agent_months", "team", "shop_n", "left_out_new", "left_out_small"),
]
STEPS = ["metric", "role", "level", "step", "value"]
WORST_FIRST = (
    *("NO_DATA", "NO_N", "TARGET_THIN", "FEW_MONTHS", "TOO_HARD", "TOO_EASY", "NOT_SEPARABLE"),
    *("SPREAD_ESTIMATED", "OK"),
)
LOWER_THE_GRADE = ("NO_N", "TARGET_THIN", "FEW_MONTHS", "NOT_SEPARABLE")


@dataclass(frozen=True)
class Proposal:
    """Targets (COLUMNS), the steps behind each (STEPS), the model of each metric x role, the shop's red lines.

    months: the agent-months they come from (months.agent_months); definitions: the counting rules of the values.
    """

    targets: pd.DataFrame
    steps: pd.DataFrame
    models: dict[tuple[str, str], Model]
    red_lines: pd.DataFrame
    months: pd.DataFrame
    definitions: str


def derive_targets(values: pd.DataFrame, **how: Any) -> pd.DataFrame:
    """The targets of `propose`: one row per metric x role, and one per level where the role is split."""
    return propose(values, **how).targets


def propose(
    values: pd.DataFrame,
    *,
    benchmarks: pd.DataFrame | None = None,
    rules: Iterable[PlatformRule] = (),
    roster: pd.DataFrame | None = None,
    planned: pd.DataFrame | None = None,
    red_lines: pd.DataFrame | None = None,
    settings: TargetSettings | None = None,
) -> Proposal:
    """Targets for the month after the last one in `values`, in the key's unit.

    `values`: agent x month (or day) values of one definition set (CONTRACT 4); `benchmarks`: columns of
    facts.INPUT["benchmarks"]; `roster` gives role, level and first day where the rows lack them; `planned`: agent_id,
    metric, n. attainment is the expected share of the team that meets the target, attainment_low and attainment_high
    its range in four of five months, expected_agents the same in people. half_width: how far the target itself might
    move had other agents and months been seen (about 85 %). shop_value is the newest month's, over shop_n cases.
    Null: not known. `red_lines` (platform.red_lines; worked out from `rules` and the values' own rows of the shop by
    day where it is not given) make rows of the shop, role "shop", and never move an agent's target.
    """
    settings = settings or TargetSettings()
    months = agent_months(values, roster=roster, settings=settings)
    sets = values["definitions"].dropna().unique() if "definitions" in values else []
    definitions = str(sets[0]) if len(sets) else ""
    industry = industry_values(benchmarks, definitions)
    models: dict[tuple[str, str], Model] = {}
    rows, steps = _rows_and_steps(months, industry, planned, settings, models)
    rows += _reference_rows(industry, {row["metric"] for row in rows}, settings)
    targets = in_order(pd.DataFrame(rows, columns=COLUMNS))
    lines = _red_lines(values, rules, benchmarks) if red_lines is None else red_lines
    shop = pd.DataFrame(list(shop_rows(lines, targets)), columns=COLUMNS)
    targets = pd.concat([part for part in (targets, shop) if len(part)] or [targets], ignore_index=True)
    return Proposal(targets, pd.DataFrame(steps, columns=STEPS), models, lines, months, definitions)


def _rows_and_steps(
    months: pd.DataFrame,
    industry: pd.DataFrame,
    planned: pd.DataFrame | None,
    settings: TargetSettings,
    models: dict[tuple[str, str], Model],
) -> tuple[list[dict], list[tuple]]:
    """The target rows of agents and the steps behind them; `models` is filled with what they were read from."""
    rows: list[dict] = []
    steps: list[tuple] = []
    for (metric, role), group in months.groupby(["metric", "role"]):
        group = counted(group)
        kept = group[group["left_out"].isna()]
        if kept.empty:
            rows += [_no_data(group, industry)] if (group["left_out"] != "empty").any() else []
            continue
        if too_bare(kept, settings):
            rows.append(_no_n(group, kept, industry))
            continue
        model = models[metric, role] = fitted(panel(kept, settings), settings, _planned(planned, kept))
        widths = model.half_widths(settings)
        for place, level, decision in _decisions(model, industry, settings):
            row = _row(group, model, place, level, decision, industry, settings)
            rows.append(graded(row | {"half_width": widths[place]}, model, settings))
            steps += [(metric, role, level, step.name, step.value) for step in decision.steps]
    return rows, steps


def _red_lines(values: pd.DataFrame, rules: Iterable[PlatformRule], benchmarks: pd.DataFrame | None) -> pd.DataFrame:
    """Red lines from the values' rows of the shop by day, as of the day after the last of them."""
    rules = tuple(rules)
    daily = pd.DataFrame(columns=["metric", "day", "numerator", "denominator"])
    if rules and "day" in values:
        daily = values[values["agent_id"].isna() & values["day"].notna()]
    newest = pd.to_datetime(daily["day"]).max() if len(daily) else pd.Timestamp.today()
    on_day = (newest + pd.Timedelta(days=1)).date()
    return platform_red_lines(daily, rules, on_day=on_day, industry=cells_of(benchmarks, "mean"))


def headline(targets: pd.DataFrame) -> pd.Series | None:
    """The row to draw first: the whole role's target with most agent-months behind it; null where there is none."""
    whole = targets[targets["level"].isna() & (targets["n_agent_months"] > 0)]
    return None if whole.empty else whole.loc[whole["n_agent_months"].idxmax()]


def _decisions(
    model: Model, industry: pd.DataFrame, settings: TargetSettings
) -> Iterator[tuple[int | None, str | None, Decision]]:
    """The whole role's decision, then those of its levels, none easier than that of the level below."""
    peers = cells(industry, model.panel.metric, usable=True)
    yield None, None, decide(model, None, peers, settings)
    if len(model.panel.levels) > 1:
        held = [place for place in range(len(model.panel.levels)) if model.level_forecast(place).draws.shape[1]]
        yield from zip(held, [model.panel.levels[p] for p in held], rising(model, held, peers, settings), strict=True)


def rising(model: Model, places: list[int], peers: dict[str, float], settings: TargetSettings) -> list[Decision]:
    """The levels' decisions; where a lower level would have the harder value it gets the higher level's."""
    sign = 1 if model.panel.higher else -1
    decisions = [decide(model, place, peers, settings) for place in places]
    for below in range(len(decisions) - 2, -1, -1):
        decisions[below] = decisions[below].no_harder_than(decisions[below + 1], sign)
    return decisions


def _row(
    group: pd.DataFrame,
    model: Model,
    place: int | None,
    level: str | None,
    decision: Decision,
    industry: pd.DataFrame,
    settings: TargetSettings,
) -> dict:
    """One row of the target table."""
    known, coming = model.panel.entry, model.level_forecast(place)
    part = group if level is None else group[group["level"] == level]
    kept = part[part["left_out"].isna()]
    newest = part[part["left_out"].isna() | (part["left_out"] == "small")]
    goal = settings.company_goals.get(model.panel.metric)
    row: dict[str, Any] = {
        "metric": model.panel.metric,
        "role": model.panel.role,
        "level": level,
        "better": known.better,
    }
    row |= {"base": decision.base, "target": decision.target, "stretch": decision.stretch}
    row |= model.expected(place, decision.target) | {"bound_by": decision.bound_by}
    row |= {"n_agents": kept["agent_id"].nunique(), "n_agent_months": len(kept), **_newest(newest)}
    row |= {f"left_out_{why}": int((part["left_out"] == why).sum()) for why in ("new", "small")}
    row |= {
        "company_goal": math.nan if goal is None else goal,
        "company_share": math.nan if goal is None else coming.attainment(goal),
        **_shown_cells(industry, row["metric"]),
    }
    return row | {"reason": sentence(decision, model.panel, kept, aside=aside(industry, row["metric"]))}


def graded(row: dict, model: Model, settings: TargetSettings) -> dict:
    """The row of a target with what lowers the trust in it, worst first, and the grade that follows."""
    codes = set(_codes(row, model, settings))
    status = ";".join(code for code in WORST_FIRST if code in codes)
    return row | {"status": status, "grade": "trial" if codes.intersection(LOWER_THE_GRADE) else "publish"}


def _codes(row: dict, model: Model, settings: TargetSettings) -> Iterator[str]:
    """What lowers the trust in a row (METHOD 7); OK where nothing does."""
    found = {
        "TARGET_THIN": row["n_agents"] < settings.min_agents or row["n_agent_months"] < settings.min_agent_months,
        "FEW_MONTHS": len(model.panel.months) < settings.min_months,
        "TOO_HARD": row["attainment"] < settings.too_hard,
        "TOO_EASY": row["attainment"] > settings.too_easy,
        "NOT_SEPARABLE": row["half_width"] > abs(row["stretch"] - row["target"]) + 1e-9,
        **dict.fromkeys(model.panel.flags, True),
    }
    yield from (code for code, holds in found.items() if holds)
    if not any(found.values()):
        yield "OK"


def _no_data(group: pd.DataFrame, industry: pd.DataFrame) -> dict:
    """The row of a role that has numbers, none of which carries a target: beside the industry's value."""
    metric, role = group["metric"].iloc[0], group["role"].iloc[0]
    counts = {"n_agents": 0, "n_agent_months": 0, "team": 0}
    counts |= {f"left_out_{why}": int((group["left_out"] == why).sum()) for why in ("new", "small")}
    row = _reference(metric, role, industry) | counts | _newest(group[group["left_out"] == "small"])
    return row if math.isnan(row["target"]) else row | {"reason": say("targets.reason_few")}


def _no_n(group: pd.DataFrame, kept: pd.DataFrame, industry: pd.DataFrame) -> dict:
    """The row of means without counts that do not show how they vary: beside the industry's value only (PRACTICE 2)."""
    seen = {"n_agents": kept["agent_id"].nunique(), "n_agent_months": len(kept), "status": "NO_N"}
    return _no_data(group, industry) | seen | {"reason": say("targets.reason_no_n")}


def _reference_rows(industry: pd.DataFrame, done: set[str], settings: TargetSettings) -> list[dict]:
    """Rows for metrics that only the industry has numbers for: shown for reference."""
    keys = [k for k in industry.loc[~industry["metric"].isin(done), "metric"].unique() if entry(k).better != "neutral"]
    wanted = [key for key in keys if not settings.metrics or key in settings.metrics]
    counts = dict.fromkeys(("n_agents", "n_agent_months", "team", "left_out_new", "left_out_small"), 0)
    return [_reference(key, entry(key).role, industry) | counts for key in wanted]


def _reference(metric: str, role: str, industry: pd.DataFrame) -> dict:
    """A row without own data: the peers' mean as a value to look at."""
    shown = _shown_cells(industry, metric)
    every = cells(industry, metric)
    aim = every["tier_mean"] if not math.isnan(every["tier_mean"]) else every["mean"]
    row: dict[str, Any] = {
        "metric": metric,
        "role": role,
        "better": entry(metric).better,
        "grade": "reference",
        "status": "NO_DATA",
    }
    return row | shown | {"target": aim, "bound_by": "industry", "reason": sentence(None, None, None, aim=aim)}


def _shown_cells(industry: pd.DataFrame, metric: str) -> dict[str, float]:
    every = cells(industry, metric)
    return {cell: every[cell] for cell in ("tier_mean", "top10_mean")}


def _newest(own: pd.DataFrame) -> dict[str, float]:
    """Value and n of the newest month over all agents; null where they do not add up (medians, bare means of months).

    `own`: agent-months of few cases too, which carry no target but are part of what the role did.

    Of means told by the day it is the mean over the agents' days, as their targets are read from these; n is days.
    """
    rows = own[own["month"] == own["month"].max()]
    if len(rows) and rows["by_day"].all() and rows["n"].notna().all():
        return {
            "shop_value": float((rows["value"] * rows["n"]).sum() / rows["n"].sum()),
            "shop_n": float(rows["n"].sum()),
        }
    if rows.empty or rows["numerator"].isna().any() or not rows["denominator"].sum():
        return {"shop_value": math.nan, "shop_n": math.nan}
    value = float(rows["numerator"].sum() / rows["denominator"].sum())
    return {"shop_value": value, "shop_n": float(rows["n"].sum(min_count=1))}


def _planned(planned: pd.DataFrame | None, kept: pd.DataFrame) -> np.ndarray | None:
    """The planned cases of each agent of `kept`, in the order of their names; null where nothing is planned."""
    if planned is None:
        return None
    rows = planned[planned["metric"].isna() | (planned["metric"] == kept["metric"].iloc[0])]
    agents = sorted(kept["agent_id"].unique())
    late = kept.sort_values("month").groupby("agent_id")["n"].last()
    return pd.Series(agents).map(rows.set_index("agent_id")["n"]).fillna(pd.Series(agents).map(late)).to_numpy(float)
