"""Target values from the shop's own past months, beside what the industry and the platform say.

This is history, not a forecast: a target is the value that a stated share of past agent-months met.
Whatever replaces the method keeps `derive_targets` and its columns.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from ..catalogue import ENTRIES, entry
from ..errors import CsperfError, Problem
from ..metric import Entry
from ..rules import PlatformRule
from ..text import say, ui_language
from ..text.numbers import quantity

COLUMNS = [
    "metric",
    "role",
    "level",
    "better",
    "base",
    "target",
    "stretch",
    "grade",
    "status",
    "attainment",
    "attainment_low",
    "attainment_high",
    "expected_agents",
    "half_width",
    "bound_by",
    "shop_value",
    "tier_mean",
    "top10_mean",
    "platform_floor",
    "breach_yearly",
    "company_goal",
    "adopted",
    "reason",
    "n_agents",
    "n_agent_months",
    "left_out_new",
    "left_out_small",
    "shop_n",
]
WORST_FIRST = ("NO_DATA", "TOO_HARD", "TOO_EASY", "TARGET_THIN", "NO_N", "LEVEL_ORDER", "NOT_SEPARABLE", "HISTORY_ONLY")
SERVES = {"pre": ("pre", "mixed"), "after": ("after", "mixed"), "manager": ("manager",)}
# What the seeds name (S0-09 to S0-22) and a shop of calls has: few enough to read; any other entry can be asked for.
CORE = [
    *("reply_30s_msg", "first_reply_s", "mean_wait_turn_s", "effective_reply_user", "handle_min"),
    *("conversion_paid_user", "order_value_yuan", "items_per_buyer", "aht_s"),
]
GROUP_BUYING = ("pdd",)  # platforms on which an order counts once its group is complete (S0-12)
NO_TARGET_ROLES = ("shop",)
LEVELS = ("junior", "mid", "senior")  # as rosters store them; what people read stands in text/
ROLE_ORDER = ("pre", "after", "mixed", "both", "call", "manager", "shop")
NOT_AGENTS = ("bot",)
# A normal spread (FIELD F15): the mean of the best tenth lies 1.755 sd above the mean, its doorstep 1.2816 sd.
DOORSTEP_OF_TOP_TENTH = 1.2816 / 1.755
SNAPSHOT_DAYS = 7  # PRACTICE 23: industry values over fewer days are shown, never used


class TargetSettings(BaseModel):
    """How targets are set. The three shares are policy, not estimates: the share of agent-months that met the value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base: float = 0.90
    target: float = 0.65
    stretch: float = 0.20
    min_n: int | None = None  # default: each metric's own
    min_days: int = 10  # PRACTICE 19: part months, for what is counted per day worked
    protection_days: int = 30  # PRACTICE 19: newcomers
    split_agents: int = 8  # PRACTICE 1: fewer agents in a role are not split by level
    min_agents: int = 5
    min_agent_months: int = 15
    too_hard: float = 0.10  # S0-07: fewer met it: people give up
    too_easy: float = 0.90  # more met it: no incentive
    levels: tuple[str, ...] = LEVELS
    metrics: tuple[str, ...] = ()  # default: all in the values that have a direction


def derive_targets(
    values: pd.DataFrame,
    *,
    benchmarks: pd.DataFrame | None = None,
    rules: Iterable[PlatformRule] = (),
    roster: pd.DataFrame | None = None,
    settings: TargetSettings | None = None,
) -> pd.DataFrame:
    """Targets: one row per metric x role, and one per level where the role has `split_agents` people.

    `values`: agent x month (or day) values of one definition set; `benchmarks`: columns of facts.INPUT["benchmarks"];
    `roster`: gives role, level and the first day of those whose rows lack them. Values are in the key's unit.
    attainment is the share of the agent-months used here that met the target; what would be a forecast
    (attainment_low, attainment_high, expected_agents, half_width) is null. shop_value is the newest month's, over
    shop_n cases. `rules` never move an agent's target.
    """
    settings = settings or TargetSettings()
    months = agent_months(values, roster=roster, settings=settings)
    industry = industry_values(benchmarks)
    rows = [_target(group, level, industry, settings) for group, level in _groups(months, settings)]
    rows += _reference_rows(industry, {row["metric"] for row in rows}, settings)
    return in_order(_mark_level_order(pd.DataFrame(rows, columns=COLUMNS), settings.levels))


def agent_months(
    values: pd.DataFrame, *, roster: pd.DataFrame | None = None, settings: TargetSettings | None = None
) -> pd.DataFrame:
    """One row per agent x month x metric: shop_id, agent_id, role, level, month, metric, value, n, left_out.

    left_out is null, "new" (a month that begins within the newcomer's protection), "small" (n below the minimum) or
    "empty". Metrics without a direction, rows of the shop and of bots are not agents' and are dropped.
    """
    settings = settings or TargetSettings()
    rows = _monthly(values[values["agent_id"].notna()])
    rows = _with_roster(rows, roster)
    known = {key: entry(key) for key in rows["metric"].unique()}
    aimed = [k for k, e in known.items() if e.better != "neutral" and e.role not in NO_TARGET_ROLES]
    rows = rows[rows["metric"].isin(settings.metrics or aimed)].copy()
    meant_for = rows["metric"].map({key: e.role for key, e in known.items()})
    rows["role"] = rows["role"].where(rows["role"].notna(), meant_for)
    serves = [role in SERVES.get(wanted, (role,)) for role, wanted in zip(rows["role"], meant_for, strict=True)]
    rows = rows[np.array(serves, dtype=bool) & ~rows["role"].isin(NOT_AGENTS)]
    rows["left_out"] = _left_out(rows, {k: _least(e, settings) for k, e in known.items()}, settings)
    return rows.drop(columns="started").reset_index(drop=True)


def past_attainment(months: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """How many met each target in each past month: metric, role, level, month, target, met, agents, share, best."""
    rows = []
    for aim in targets[targets["target"].notna()].itertuples():
        better = entry(aim.metric).better
        for month, group in _used(months, aim.metric, aim.role, aim.level).groupby("month"):
            met = int(_meets(group["value"], aim.target, better).sum())
            best = group["value"].max() if better == "higher" else group["value"].min()
            rows.append((aim.metric, aim.role, aim.level, month, aim.target, met, len(group), met / len(group), best))
    columns = ["metric", "role", "level", "month", "target", "met", "agents", "share", "best"]
    return pd.DataFrame(rows, columns=columns)


def level_spread(months: pd.DataFrame) -> pd.DataFrame:
    """The shop's own distribution, metric x role x level (null: all): agents, agent_months, five cuts of the values.

    easy90, easy75, middle, hard25, hard10: the value that 90, 75, 50, 25, 10 % of the agent-months met.
    """
    shares = {"easy90": 0.90, "easy75": 0.75, "middle": 0.50, "hard25": 0.25, "hard10": 0.10}
    rows = []
    for (metric, role), group in months[months["left_out"].isna()].groupby(["metric", "role"]):
        better = entry(metric).better
        for level in [None, *ladder(group["level"].dropna().unique())]:
            part = group if level is None else group[group["level"] == level]
            cuts = [value_met_by(part["value"], share, better) for share in shares.values()]
            rows.append((metric, role, level, part["agent_id"].nunique(), len(part), *cuts))
    return in_order(pd.DataFrame(rows, columns=["metric", "role", "level", "agents", "agent_months", *shares]))


def industry_values(benchmarks: pd.DataFrame | None) -> pd.DataFrame:
    """The newest industry value of each metric x cell, with `days` it covers and `usable` (at least seven days)."""
    if benchmarks is None or benchmarks.empty:
        return pd.DataFrame(columns=["metric", "cell", "value", "days", "usable"])
    start, end = pd.to_datetime(benchmarks["period_start"]), pd.to_datetime(benchmarks["period_end"])
    dated = benchmarks.assign(days=(end - start).dt.days + 1)
    newest = dated.sort_values(["period_end", "days"]).groupby(["metric", "cell"], as_index=False).last()
    return newest.assign(usable=newest["days"] >= SNAPSHOT_DAYS)


def sources(
    months: pd.DataFrame,
    *,
    benchmarks: pd.DataFrame | None = None,
    definitions: str = "",
    settings: TargetSettings | None = None,
) -> pd.DataFrame:
    """What the industry's values would mean here: metric, role, cell, value, met (share of own agent-months), codes.

    Besides the backend's cells there is `top10_doorstep`: what it roughly takes to be in the best tenth, estimated
    from the category's mean and its top-10 % mean; the latter is stricter than being in the best tenth.
    codes: TOO_HARD, TOO_EASY, STRICTER_THAN_TOP_TENTH, SNAPSHOT, OTHER_DEFINITIONS joined by ";".
    """
    settings = settings or TargetSettings()
    industry = _with_doorstep(industry_values(benchmarks))
    rows = []
    for (metric, role), group in months[months["left_out"].isna()].groupby(["metric", "role"]):
        for cell in industry[industry["metric"] == metric].to_dict("records"):
            met = float(_meets(group["value"], cell["value"], entry(metric).better).mean())
            codes = ";".join(_source_codes(cell, met, definitions, settings))
            rows.append(cell | {"metric": metric, "role": role, "met": met, "agent_months": len(group), "codes": codes})
    columns = ["metric", "role", "cell", "value", "met", "agent_months", "codes"]
    origin = ["period_start", "period_end", "n", "tier", "category", "source", "read_by", "days", "usable"]
    return pd.DataFrame(rows, columns=columns + origin)


def core_metrics(platform: str | None) -> list[str]:
    """The metrics that get targets unless the shop names its own, with the conversion its platform shows."""
    grouped = {"conversion_paid_user": "conversion_grouped_user"} if platform in GROUP_BUYING else {}
    return [grouped.get(metric, metric) for metric in CORE]


def headline(targets: pd.DataFrame) -> pd.Series | None:
    """The row to draw first: the whole role's target with most agent-months behind it; null where there is none."""
    whole = targets[targets["level"].isna() & (targets["n_agent_months"] > 0)]
    return None if whole.empty else whole.loc[whole["n_agent_months"].idxmax()]


def value_met_by(values: pd.Series, share: float, better: str) -> float:
    """The strictest value that at least `share` of `values` meet: an order statistic, NaN without values."""
    ordered = np.sort(values.to_numpy(dtype=float))
    if not len(ordered):
        return math.nan
    rank = max(math.ceil(round(share * len(ordered), 9)), 1) - 1
    return float(ordered[::-1][rank] if better == "higher" else ordered[rank])


def round_easier(value: float, step: float, better: str) -> float:
    """`value` rounded to a multiple of `step`, towards what is easier to reach."""
    steps = round(value / step, 6)  # 0.55 / 0.005 is 110.00000000000001: noise must not cost a step
    return round((math.floor(steps) if better == "higher" else math.ceil(steps)) * step, 10)


def in_order(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of metric x role by role, then in the catalogue's order; their order within stays."""
    roles = {role: place for place, role in enumerate(ROLE_ORDER)}
    keys = {key: place for place, key in enumerate(ENTRIES)}
    places = pd.DataFrame({"role": rows["role"].map(roles), "metric": rows["metric"].map(keys)}, index=rows.index)
    return rows.loc[places.sort_values(["role", "metric"], kind="stable").index].reset_index(drop=True)


def ladder(levels: Iterable[str], steps: tuple[str, ...] = LEVELS) -> list[str]:
    """`levels` from junior to senior; names that `steps` lacks follow in the order of their letters."""
    return sorted(levels, key=lambda name: (steps.index(name) if name in steps else len(steps), name))


def _monthly(values: pd.DataFrame) -> pd.DataFrame:
    """Agent x month rows; daily rows are added up, numerators and denominators first."""
    sets = values["definitions"].dropna().unique() if "definitions" in values else []
    if len(sets) > 1:
        raise CsperfError(Problem("values", say("targets.several_definitions", found=", ".join(sorted(sets)))))
    rows = values.assign(**{c: None for c in ("role", "level", "n") if c not in values})
    if "month" in rows:
        return rows
    rows["month"] = pd.to_datetime(rows["day"]).dt.strftime("%Y-%m")
    who = ["shop_id", "agent_id", "role", "level", "month", "metric"]
    sums = rows.groupby(who, as_index=False, dropna=False)[["numerator", "denominator", "n"]].sum(min_count=1)
    return sums.assign(value=sums["numerator"] / sums["denominator"].where(sums["denominator"] != 0))


def _with_roster(rows: pd.DataFrame, roster: pd.DataFrame | None) -> pd.DataFrame:
    """Rows with `started`, and role and level filled from the newest roster entry where they are null."""
    if roster is None or roster.empty:
        return rows.assign(started=pd.NaT)
    newest = roster.sort_values("valid_from").groupby("agent_id").last()
    filled = {c: rows[c].where(rows[c].notna(), rows["agent_id"].map(newest[c])) for c in ("role", "level")}
    first = pd.to_datetime(roster.groupby("agent_id")["started"].min())
    return rows.assign(**filled, started=rows["agent_id"].map(first))


def _least(known: Entry, settings: TargetSettings) -> int:
    """The n below which an agent-month is left out: cases, or days worked where the value is per day."""
    return settings.min_days if known.kind == "count" else settings.min_n or known.min_n


def _left_out(rows: pd.DataFrame, min_n: dict[str, int], settings: TargetSettings) -> pd.Series:
    """The reason a row is not used, null where it is."""
    begins = pd.to_datetime(rows["month"] + "-01")
    reason = pd.Series(None, index=rows.index, dtype=object)
    reason[pd.to_numeric(rows["n"]) < rows["metric"].map(min_n).astype(float)] = "small"
    reason[begins < pd.to_datetime(rows["started"]) + pd.Timedelta(days=settings.protection_days)] = "new"
    reason[rows["value"].isna()] = "empty"
    return reason


def _groups(months: pd.DataFrame, settings: TargetSettings) -> Iterator[tuple[pd.DataFrame, str | None]]:
    """Each metric x role whole, then by level where enough people share the role."""
    for _, group in months.groupby(["metric", "role"]):
        if (group["left_out"] == "empty").all():
            continue  # a role that never does this, such as managers and chats
        yield group, None
        levels = group["level"].dropna().unique()
        if len(levels) > 1 and group["agent_id"].nunique() >= settings.split_agents:
            for level in ladder(levels, settings.levels):
                yield group[group["level"] == level], level


def _target(group: pd.DataFrame, level: str | None, industry: pd.DataFrame, settings: TargetSettings) -> dict:
    """One row of the target table."""
    metric, role = group["metric"].iloc[0], group["role"].iloc[0]
    known, used = entry(metric), group[group["left_out"].isna()]
    row = {"metric": metric, "role": role, "level": level, "better": known.better, **_cells(industry, metric)}
    row |= {"n_agents": used["agent_id"].nunique(), "n_agent_months": len(used), **_newest(used)}
    row |= {f"left_out_{why}": int((group["left_out"] == why).sum()) for why in ("new", "small")}
    if used.empty:
        return row | {"grade": "reference", "status": "NO_DATA", "reason": say("targets.reason_no_data")}
    row |= _values_met(used["value"], known, settings)
    row |= {"grade": "trial", "bound_by": "history"}
    row["attainment"] = _met_share(used["value"], row["target"], known.better)
    row["status"] = _status(row, used, known, settings)
    return row | {"reason": _reason(row, used, known)}


def _values_met(values: pd.Series, known: Entry, settings: TargetSettings) -> dict[str, float]:
    """base, target and stretch: rounded towards easier, at least one step apart, within the metric's bounds."""
    sign = 1 if known.better == "higher" else -1
    raw = {name: value_met_by(values, getattr(settings, name), known.better) for name in ("base", "target", "stretch")}
    cut = {name: round_easier(value, known.step, known.better) for name, value in raw.items()}
    cut["base"] = sign * min(sign * cut["base"], sign * (cut["target"] - sign * known.step))
    cut["stretch"] = sign * max(sign * cut["stretch"], sign * (cut["target"] + sign * known.step))
    low, high = known.bounds or (None, None)
    return {name: float(np.round(np.clip(value, low, high), 10)) for name, value in cut.items()}


def _status(row: dict, used: pd.DataFrame, known: Entry, settings: TargetSettings) -> str:
    """Codes joined by ";", worst first."""
    thin = row["n_agents"] < settings.min_agents or row["n_agent_months"] < settings.min_agent_months
    codes = {
        "TOO_HARD": row["attainment"] < settings.too_hard,
        "TOO_EASY": row["attainment"] > settings.too_easy,
        "TARGET_THIN": thin,
        "NO_N": used["n"].isna().all() and known.kind != "count",
        "NOT_SEPARABLE": abs(row["stretch"] - row["target"]) <= known.step * 1.001,
        "HISTORY_ONLY": True,
    }
    return ";".join(code for code in WORST_FIRST if codes.get(code))


def _reason(row: dict, used: pd.DataFrame, known: Entry) -> str:
    lang = ui_language()
    return say(
        "targets.reason_history",
        lang,
        months=used["month"].nunique(),
        agents=row["n_agents"],
        agent_months=row["n_agent_months"],
        share=f"{100 * row['attainment']:.0f}%",
        target=quantity(row["target"], known.unit, lang),
    )


def _reference_rows(industry: pd.DataFrame, done: set[str], settings: TargetSettings) -> list[dict]:
    """Rows for metrics that only the industry has numbers for: shown for reference."""
    rows = []
    for metric in industry.loc[~industry["metric"].isin(done), "metric"].unique():
        known, cells = entry(metric), _cells(industry, metric)
        if known.better == "neutral" or (settings.metrics and metric not in settings.metrics):
            continue
        row = {"metric": metric, "role": known.role, "better": known.better, "grade": "reference", "status": "NO_DATA"}
        aim = cells["tier_mean"] if pd.notna(cells["tier_mean"]) else cells["mean"]
        counts = dict.fromkeys(("n_agents", "n_agent_months", "left_out_new", "left_out_small"), 0)
        reason = say("targets.reason_reference")
        rows.append(row | cells | counts | {"target": aim, "bound_by": "industry", "reason": reason})
    return rows


def _mark_level_order(targets: pd.DataFrame, steps: tuple[str, ...]) -> pd.DataFrame:
    """Targets with LEVEL_ORDER where a higher level would have the easier target; rows come in the ladder's order.

    Levels that are no step of the ladder are neither above nor below another.
    """
    for _, group in targets[targets["level"].isin(steps)].groupby(["metric", "role"]):
        sign = 1 if group["better"].iloc[0] == "higher" else -1
        falls = group.index[(sign * group["target"]).diff() < 0]
        targets.loc[falls, "status"] = [_add_code(status, "LEVEL_ORDER") for status in targets.loc[falls, "status"]]
    return targets


def _add_code(status: str, code: str) -> str:
    codes = {*status.split(";"), code}
    return ";".join(c for c in WORST_FIRST if c in codes)


def _used(months: pd.DataFrame, metric: str, role: str, level: str | None) -> pd.DataFrame:
    rows = months[months["left_out"].isna() & (months["metric"] == metric) & (months["role"] == role)]
    return rows if pd.isna(level) else rows[rows["level"] == level]


def _cells(industry: pd.DataFrame, metric: str) -> dict[str, float]:
    found = industry[industry["metric"] == metric].set_index("cell")["value"]
    return {cell: float(found.get(cell, math.nan)) for cell in ("mean", "tier_mean", "top10_mean")}


def _newest(used: pd.DataFrame) -> dict[str, float]:
    """Value and n of the newest month over all agents; null where they do not add up (medians, bare means)."""
    rows = used[used["month"] == used["month"].max()]
    if rows.empty or rows["numerator"].isna().any() or not rows["denominator"].sum():
        return {"shop_value": math.nan, "shop_n": math.nan}
    value = float(rows["numerator"].sum() / rows["denominator"].sum())
    return {"shop_value": value, "shop_n": float(rows["n"].sum(min_count=1))}


def _with_doorstep(industry: pd.DataFrame) -> pd.DataFrame:
    """Industry values with the estimated doorstep of the best tenth, where mean and top-10 % mean are both there."""
    top = industry[industry["cell"] == "top10_mean"]
    mean = industry[industry["cell"] == "mean"].set_index("metric")["value"].to_dict()
    at = top["metric"].map(mean).astype(float)
    doorstep = top.assign(cell="top10_doorstep", value=at + DOORSTEP_OF_TOP_TENTH * (top["value"] - at))
    return pd.concat([industry, doorstep[doorstep["value"].notna()]], ignore_index=True)


def _source_codes(cell: dict, met: float, definitions: str, settings: TargetSettings) -> Iterator[str]:
    if met < settings.too_hard:
        yield "TOO_HARD"
    if met > settings.too_easy:
        yield "TOO_EASY"
    if cell["cell"] == "top10_mean":
        yield "STRICTER_THAN_TOP_TENTH"
    if not cell["usable"]:
        yield "SNAPSHOT"
    if definitions and cell["definitions"] != definitions:
        yield "OTHER_DEFINITIONS"


def _meets(values: pd.Series, target: float, better: str) -> pd.Series:
    """Whether each value meets the target; what equals it up to float noise does."""
    slack = 1e-9 * max(abs(target), 1)
    return values >= target - slack if better == "higher" else values <= target + slack


def _met_share(values: pd.Series, target: float, better: str) -> float:
    return float(_meets(values, target, better).mean())
