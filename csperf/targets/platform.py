"""What a platform's rules mean for the whole shop: how far its days are from the line, how often they would cross it.

A red line is the shop's: it never becomes an agent's target nor caps anybody's score (PRACTICE 6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite, nan
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

from ..catalogue import ENTRIES, entry
from ..errors import CsperfError, Problem
from ..rules import STALE_DAYS, PlatformRule, stale
from ..stats.redline import CONFIDENCE, RESAMPLES, day_spread, period_breach, platform_floor, upper_day_spread
from ..text import say

COLUMNS = [
    *("rule_zh", "rule_en", "platform", "metric", "role", "threshold", "comparison", "relative_to", "window"),
    *("min_volume", "first_day", "last_day", "n_days", "n_days_assessed", "n_days_exempt", "n_breaches"),
    *("mean", "recent", "worst", "worst_day", "worst_n", "rho", "rho_upper", "breach_daily", "breach_yearly"),
    *("alpha", "floor", "floor_half_rho", "floor_rho", "floor_double_rho", "held", "expected_fines_yuan"),
    *("industry_mean", "distance", "usable", "status"),
]
WORST_FIRST = [
    *("NO_DATA", "CAPACITY", "FLOOR_NO_DAILY", "NO_N", "NOT_A_SHARE", "RELATIVE", "NO_LINE", "NO_WINDOW"),
    *("NEVER_ASSESSED", "UNVERIFIED", "STALE"),
]
YEAR = 365  # days
MONTH = 30  # days: a rule that is assessed by calendar month, twelve times a year


class RedLineSettings(BaseModel):
    """How much history a red line is read from, and the yearly risk that is accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = 0.05  # METHOD 1.4: chance of at least one breach in a year
    min_days: int = 60  # METHOD 1.4: fewer show no day-to-day spread
    history_days: int = 180
    recent_days: int = 30
    held_share: float = 0.90  # of the stretches of recent_days that were at `held` or better
    stale_days: int = STALE_DAYS
    confidence: float = CONFIDENCE
    resamples: int = RESAMPLES
    seed: int = 1


@dataclass(frozen=True)
class _History:
    """The days of one metric that count for one rule, by day: value, hits, n; n null where a source gave none.

    low: a day breaches by being low. hits are what a low rate lacks: successes, or failures where low is False.
    """

    days: pd.DataFrame
    exempt: int
    low: bool

    @property
    def counted(self) -> bool:
        return bool(self.days["n"].notna().all())

    @property
    def bounded(self) -> bool:
        """Whether every numerator lies within its denominator, as chance within a day assumes."""
        return bool(((self.days["hits"] >= 0) & (self.days["hits"] <= self.days["n"])).all())


def red_lines(
    daily: pd.DataFrame,
    rules: Iterable[PlatformRule],
    *,
    on_day: date,
    industry: Mapping[str, float] | None = None,
    settings: RedLineSettings | None = None,
) -> pd.DataFrame:
    """One row per rule in force on `on_day` that a metric of the catalogue measures: COLUMNS, values in the key's unit.

    `daily`: the shop's values by day (metric, day, numerator, denominator; value for means without counts); days from
    `on_day` on, older than `history_days` or exempt are left out. `industry`: the category's mean by metric.

    mean is pooled over those days, recent over the last `recent_days`, worst the day nearest to or furthest beyond the
    line among those with the rule's volume. breach_daily (of an assessed day), breach_yearly (at least one in 365 days)
    and expected_fines_yuan (a year; null unless the rule is usable) take the days' spread at its upper bound rho_upper,
    as floor does: the mean that keeps breach_yearly at `alpha`, a ceiling where high values breach. floor_half_rho,
    floor_rho and floor_double_rho show how it moves with the estimate rho. held: what nine in ten stretches of
    `recent_days` kept. distance: mean less industry_mean, for rules without a number. Null where it cannot be told.

    status: OK or codes joined by ";", worst first. CAPACITY: the floor is harder than `held`. CsperfError where `daily`
    mixes counting rules or has a day twice.
    """
    settings, industry = settings or RedLineSettings(), industry or {}
    days = _shop_days(daily)
    asked = [r for r in rules if r.metric in ENTRIES and r.covers(on_day) and r.do_not_use is None]
    rows = [_row(rule, _history(days, rule, on_day, settings), industry, on_day, settings) for rule in asked]
    return pd.DataFrame(rows, columns=COLUMNS)


def would_clear(targets: pd.DataFrame, line: Mapping[str, Any]) -> bool | None:
    """Whether the shop would stand beyond the floor if every agent were at the target, no better and no worse.

    `targets`: the target table; `line`: a row of `red_lines`. Targets count by the cases behind them (`shop_n`), by
    people where a row has none. Null where the floor or every target is.
    """
    rows = targets[(targets["metric"] == line["metric"]) & targets["target"].notna() & (targets["role"] != "shop")]
    if rows.empty or not isfinite(line["floor"]):
        return None
    split = rows.loc[rows["level"].notna(), "role"]
    rows = rows[rows["level"].notna() | ~rows["role"].isin(split)]
    cases = pd.to_numeric(rows["shop_n"]) if "shop_n" in rows else pd.Series(nan, index=rows.index)
    weight = cases if cases.notna().all() and cases.sum() > 0 else rows["n_agents"].astype(float)
    reached = float(np.average(rows["target"].astype(float), weights=weight))
    margin = (reached - line["floor"]) * (1 if is_broken_low(line["comparison"], line["metric"]) else -1)
    return bool(margin >= -1e-9)


def _shop_days(daily: pd.DataFrame) -> pd.DataFrame:
    """Rows of the shop with `day` as timestamps, checked."""
    rows = daily[daily["agent_id"].isna()] if "agent_id" in daily else daily
    rows = rows.assign(day=pd.to_datetime(rows["day"]))
    sets = sorted(rows["definitions"].dropna().unique()) if "definitions" in rows else []
    problems = [say("targets.several_definitions", found=", ".join(sets))] if len(sets) > 1 else []
    again = rows.loc[rows.duplicated(["metric", "day"]), ["metric", "day"]].drop_duplicates()
    if not problems:
        problems = [say("redline.twice", metric=m, day=d.date()) for m, d in again.itertuples(index=False)]
    if problems:
        raise CsperfError([Problem("daily", message) for message in problems])
    return rows


def is_broken_low(comparison: str | None, metric: str) -> bool:
    """Whether the rule is broken by being low."""
    return comparison.endswith("below") if isinstance(comparison, str) else entry(metric).better != "lower"


def _history(days: pd.DataFrame, rule: PlatformRule, on_day: date, settings: RedLineSettings) -> _History:
    end = pd.Timestamp(on_day)
    rows = days[(days["metric"] == rule.metric) & (days["day"] < end)]
    rows = rows[rows["day"] >= end - timedelta(days=settings.history_days)].set_index("day").sort_index()
    low = is_broken_low(rule.comparison, rule.metric or "")
    n, met = pd.to_numeric(rows["denominator"]).astype(float), pd.to_numeric(rows["numerator"]).astype(float)
    value = met / n.where(n > 0)
    if "value" in rows:
        value = value.fillna(pd.to_numeric(rows["value"]).astype(float).where(n.isna()))
    table = pd.DataFrame({"value": value, "numerator": met, "hits": met if low else n - met, "n": n})
    table = table[table["value"].notna()]
    exempt = np.array([rule.exempt_on(day.date()) for day in table.index], dtype=bool)
    return _History(table[~exempt], int(exempt.sum()), low)


def _row(
    rule: PlatformRule, history: _History, industry: Mapping[str, float], on_day: date, settings: RedLineSettings
) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(COLUMNS, nan)
    row |= {name: getattr(rule, name) for name in ("platform", "metric", "comparison", "relative_to", "window")}
    row |= {"rule_zh": rule.name_zh, "rule_en": rule.name_en, "role": "shop", "usable": rule.usable}
    row |= {"threshold": nan if rule.threshold is None else rule.threshold, "alpha": settings.alpha}
    row |= {"min_volume": nan if rule.min_volume is None else rule.min_volume}
    row |= _level(rule, history, settings)
    if rule.threshold is None:
        row["industry_mean"] = industry.get(rule.metric or "", nan)
        row["distance"] = row["mean"] - row["industry_mean"]
    cause = _why_no_risk(rule, history, settings)
    if not cause:
        row |= _risk(rule, history, settings)
        row["held"] = _held(history, settings)
    codes = {*cause, *_codes(rule, row, on_day, history.low, settings)}
    return row | {"status": ";".join(code for code in WORST_FIRST if code in codes) or "OK"}


def _level(rule: PlatformRule, history: _History, settings: RedLineSettings) -> dict[str, Any]:
    """Where the shop's days stand."""
    days = history.days
    row: dict[str, Any] = {"n_days": len(days), "n_days_exempt": history.exempt, "first_day": None, "last_day": None}
    row |= {"n_days_assessed": 0, "n_breaches": nan, "worst_day": None}
    if days.empty:
        return row
    assessed = days[days["n"].fillna(np.inf) >= (rule.min_volume or 0)]
    among = assessed if len(assessed) else days
    at = among["value"].idxmin() if history.low else among["value"].idxmax()
    newest = days[days.index > days.index.max() - timedelta(days=settings.recent_days)]
    row |= {"first_day": days.index.min().date(), "last_day": days.index.max().date()}
    row |= {"n_days_assessed": len(assessed), "mean": _pooled(days), "recent": _pooled(newest)}
    row |= {"worst": float(among.at[at, "value"]), "worst_day": at.date(), "worst_n": float(among.at[at, "n"])}
    if rule.threshold is not None and rule.window in ("1d", None):
        row["n_breaches"] = sum(bool(rule.breached(v, rule.min_volume or 0)) for v in assessed["value"])
    return row


def _pooled(days: pd.DataFrame) -> float:
    """Sums first, one division; the plain mean of the days where a source gave no counts."""
    if days["n"].isna().any():
        return float(days["value"].mean())
    return float(days["numerator"].sum() / days["n"].sum())


def _why_no_risk(rule: PlatformRule, history: _History, settings: RedLineSettings) -> list[str]:
    """Why no chance can be told, worst first; nothing where it can."""
    causes = {
        "NO_DATA": history.days.empty,
        "RELATIVE": rule.threshold is None and rule.relative_to is not None,
        "NO_LINE": rule.threshold is None and rule.relative_to is None,
        "NOT_A_SHARE": entry(rule.metric or "").unit != "share" or (history.counted and not history.bounded),
        "NO_N": not history.counted,
        "NO_WINDOW": _assessed_at_once(rule) is None,
        "FLOOR_NO_DAILY": len(history.days) < settings.min_days,
    }
    return [code for code, holds in causes.items() if holds]


def _assessed_at_once(rule: PlatformRule) -> tuple[int, float] | None:
    """How many days a rule looks at together and how often a year it does; null where no source says so."""
    if rule.window == "month":
        return MONTH, 12.0
    if rule.window and rule.window.endswith("d"):
        return int(rule.window[:-1]), float(YEAR)
    return None


def _risk(rule: PlatformRule, history: _History, settings: RedLineSettings) -> dict[str, float]:
    """What a rule with a line in numbers threatens, from enough days with counts.

    Overlapping windows are taken as independent, which overstates the risk.
    """
    length, times = _assessed_at_once(rule) or (1, float(YEAR))
    hits, n = history.days["hits"].to_numpy(), history.days["n"].to_numpy()
    volumes, thinned = _windows(history.days["n"], length)
    line = rule.threshold or 0.0
    about: dict[str, Any] = {"limit": line if history.low else 1 - line, "min_n": rule.min_volume or 0, "days": times}
    about |= {"n_by_day": volumes, "at_limit": rule.comparison in ("at_or_below", "at_or_above")}
    rho = day_spread(hits, n)
    upper = upper_day_spread(hits, n, confidence=settings.confidence, resamples=settings.resamples, seed=settings.seed)
    once, yearly = period_breach(hits.sum() / n.sum(), rho=upper * thinned, **about)
    assessed = (volumes >= max(rule.min_volume or 0, 1)).mean()
    row = {
        "rho": rho,
        "rho_upper": upper,
        "breach_yearly": yearly,
        "breach_daily": once / assessed if assessed else 0.0,
    }
    spreads = {"floor": upper, "floor_half_rho": rho / 2, "floor_rho": rho, "floor_double_rho": min(2 * rho, 0.95)}
    for name, spread in spreads.items():
        bound = platform_floor(rho=spread * thinned, alpha=settings.alpha, **about) if assessed else nan
        row[name] = bound if history.low else 1 - bound
    if rule.usable and rule.fine_yuan is not None:
        row["expected_fines_yuan"] = rule.fine_yuan * once * times
    return row


def _windows(n: pd.Series, length: int) -> tuple[np.ndarray, float]:
    """The cases of each stretch of `length` days, and what is left of rho in a stretch, where good and bad days mix."""
    if length == 1:
        return n.to_numpy(), 1.0
    whole = n.reindex(pd.date_range(n.index.min(), n.index.max()), fill_value=0.0)
    cases = whole.rolling(length, min_periods=min(length, len(whole))).sum().dropna()
    alike = (whole * (whole - 1)).rolling(length, min_periods=min(length, len(whole))).sum().dropna()
    return cases.to_numpy(), float((alike / (cases * (cases - 1)).clip(lower=1)).mean())


def _held(history: _History, settings: RedLineSettings) -> float:
    """The level that `held_share` of the shop's own stretches of `recent_days` kept."""
    sums = history.days[["hits", "n"]].rolling(f"{settings.recent_days}D").sum()
    full = sums[sums.index >= sums.index.min() + timedelta(days=settings.recent_days - 1)]
    held = float((full["hits"] / full["n"]).quantile(1 - settings.held_share))
    return held if history.low else 1 - held


def _codes(
    rule: PlatformRule, row: Mapping[str, Any], on_day: date, low: bool, settings: RedLineSettings
) -> Iterator[str]:
    """What a supervisor has to know before relying on the row."""
    if (row["floor"] > row["held"]) if low else (row["floor"] < row["held"]):
        yield "CAPACITY"
    if row["n_days"] and not row["n_days_assessed"]:
        yield "NEVER_ASSESSED"
    if not rule.usable:
        yield "UNVERIFIED"
    elif stale([rule], on_day, settings.stale_days):
        yield "STALE"
