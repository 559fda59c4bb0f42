"""Where do industry, shop and platform stand? The three sources beside each other, and where each comes from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

import pandas as pd

from ..catalogue import entry
from ..rules import PlatformRule, stale
from ..targets import SNAPSHOT_DAYS
from ..text import say
from ..text.numbers import MISSING, days_words, number, quantity
from .table import Table, cell, in_words, laid_out, metric_rows, value_n

CELLS = ("own", "mean", "top10_mean", "top10_doorstep", "top10_without_luck", "tier_mean", "tier_excellent")
ESTIMATES = ("top10_doorstep", "top10_without_luck")  # ours, not the backend's
ABOUT_VALUES = ("SNAPSHOT", "OTHER_DEFINITIONS")  # said once below the table where they hold for every value
ABOUT_TOP_TENTH = "STRICTER_THAN_TOP_TENTH"  # true of every such mean: said once
ORIGIN = ("period_start", "period_end", "days", "tier", "category", "source", "read_by")
RULE_COLUMNS = (
    *("name", "rule", "hours", "window", "consequence", "since"),
    *("source", "source_grade", "checked_on", "verified"),
)


def three_sources(
    sources: pd.DataFrame,
    targets: pd.DataFrame,
    rules: Iterable[PlatformRule] = (),
    *,
    on_day: date | None = None,
    lang: str = "zh",
) -> Table:
    """行业 / 本店 / 平台: per metric x role own value with n, the industry's cells, the platform's line, remarks.

    `sources`: targets.sources(...); `targets`: derive_targets(...), whose rows without level carry the shop's value.
    What holds for every industry value is said once below the table, the rest in its row.
    """
    industry = sources[sources["cell"] != "own"]
    everywhere = _everywhere(industry)
    frame, ruled = _values_beside(sources, targets), {rule.metric: rule for rule in rules}
    frame["platform_rule"] = [rule_words(ruled[m], on_day, lang) if m in ruled else None for m in frame["metric"]]
    frame["remark"] = [
        _remarks(industry[(industry["metric"] == row.metric) & (industry["role"] == row.role)], everywhere, lang)
        for row in frame.itertuples()
    ]
    shown = metric_rows(frame, ["shop_value", *CELLS], lang)
    own = say("tables.shop_value", lang)
    shown[own] = [value_n(figure, n) for figure, n in zip(shown[own], frame["shop_n"], strict=True)]
    text = ("platform_rule", "remark")
    for column in text:
        shown[say(f"tables.{column}", lang)] = [cell(value, lang) for value in frame[column]]
    slots = {"metrics": frame["metric"].nunique(), "industry": int(frame["mean"].notna().sum())}
    title = say("tables.three_sources", lang, **slots)
    notes = [say("tables.three_sources_note", lang), *(say(f"tables.all_{code}", lang) for code in everywhere)]
    gt = laid_out("three_sources", shown, title, lang, group="role", stub="metric", notes=notes, text=text)
    return Table("three_sources", frame, gt)


def _values_beside(sources: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """metric, role, shop_value, shop_n, n_agent_months, and a column for each of CELLS."""
    whole = targets.loc[targets["level"].isna(), ["metric", "role", "shop_value", "shop_n", "n_agent_months"]]
    cells = sources.pivot_table(index=["metric", "role"], columns="cell", values="value", aggfunc="first")
    return whole.merge(cells.reindex(columns=CELLS).reset_index(), how="left", on=["metric", "role"])


def _everywhere(industry: pd.DataFrame) -> list[str]:
    """The codes that need not be repeated in each row: those of every value, and what is true of top-10 % means."""
    codes = [set(filter(None, codes.split(";"))) for codes in industry["codes"]]
    if not codes:
        return []
    found = [code for code in ABOUT_VALUES if all(code in each for each in codes)]
    return found + [ABOUT_TOP_TENTH] * any(ABOUT_TOP_TENTH in each for each in codes)


def _remarks(rows: pd.DataFrame, everywhere: list[str], lang: str) -> str | None:
    """What the industry's values of one metric x role would mean here: a sentence per finding, naming the values."""
    found: dict[str, list[str]] = {}
    for row in rows.itertuples():
        for code in filter(None, row.codes.split(";")):
            found.setdefault(code, []).append(say(f"tables.{row.cell}", lang))
    said = {code: cells for code, cells in found.items() if code not in everywhere}
    join, whole = say("tables.and", lang).join, say("tables.all_cells", lang)
    return (
        " ".join(
            say(f"tables.code_{code}", lang, cells=whole if 1 < len(cells) == len(rows) else join(cells))
            for code, cells in said.items()
        )
        or None
    )


def industry_origin(sources: pd.DataFrame, *, lang: str = "zh") -> Table:
    """Where the industry's values were read: the file has every value, the page a row for each reading."""
    columns = ["metric", "cell", "value", *ORIGIN]
    frame = sources[~sources["cell"].isin(ESTIMATES)][columns].drop_duplicates(["metric", "cell"], ignore_index=True)
    title = say("tables.industry_origin" if len(frame) else "tables.industry_origin_none", lang, days=SNAPSHOT_DAYS)
    groups = frame.groupby(list(ORIGIN), dropna=False)
    readings = [_reading(dict(zip(ORIGIN, about, strict=True)), rows, lang) for about, rows in groups]
    heads = ("period", "period_days", "tier", "category", "source", "read_by", "values_read", "metrics")
    shown = pd.DataFrame(readings, columns=[say(f"tables.{head}", lang) for head in heads])
    notes = [say("tables.origin_note", lang)]
    gt = laid_out("industry_origin", shown, title, lang, notes=notes, text=("source", "metrics"))
    return Table("industry_origin", frame, gt)


def _reading(about: dict[str, Any], rows: pd.DataFrame, lang: str) -> tuple[str, ...]:
    """The words of one row of the page: when, over how long, of whom, by whom, which metrics."""
    period = " – ".join(days_words([about["period_start"], about["period_end"]], lang))
    names = say("tables.and", lang).join(getattr(entry(metric), lang) for metric in rows["metric"].unique())
    said = [cell(about[name], lang) for name in ("tier", "category", "source", "read_by")]
    return (period, number(about["days"], "count"), *said, number(len(rows), "count"), names)


def platform_rules(rules: Iterable[PlatformRule], on_day: date, *, lang: str = "zh") -> Table:
    """The platform's rules in force on a day, each with its grade and when it was last checked."""
    frame = pd.DataFrame([_rule_row(rule, on_day, lang) for rule in rules], columns=list(RULE_COLUMNS), dtype=object)
    waiting = int((frame["verified"] == say("tables.no", lang)).sum()) if len(frame) else 0
    title = say("tables.rules" if len(frame) else "tables.rules_none", lang, n=len(frame), waiting=waiting)
    page = frame[["name", "rule", "consequence", "since"]].assign(
        hours=[_joined(row.hours, row.window) for row in frame.itertuples()],
        source=[_joined(row.source, row.source_grade) for row in frame.itertuples()],
        checked_on=[row.checked_on or say("tables.never", lang) for row in frame.itertuples()],
    )
    order = ["name", "rule", "hours", "consequence", "since", "source", "checked_on"]
    notes, text = [say("tables.rules_note", lang)], ("name", "rule", "consequence", "source")
    gt = laid_out("platform_rules", in_words(page[order], lang), title, lang, notes=notes, text=text)
    return Table("platform_rules", frame, gt)


def _joined(*parts: str | None) -> str | None:
    return " · ".join(part for part in parts if part and part != MISSING) or None


def rule_words(rule: PlatformRule, on_day: date | None, lang: str) -> str:
    """The rule's line in a sentence, with what is open about it; an unverified rule names no fine."""
    unit = entry(rule.metric).unit if rule.metric else "count"
    if rule.threshold is not None:
        slots = {"comparison": say(f"tables.{rule.comparison}", lang), "value": quantity(rule.threshold, unit, lang)}
        line = say("tables.rule_line", lang, **slots)
    else:
        line = say(f"tables.rule_{rule.relative_to or 'open'}", lang)
    volume = say("tables.rule_volume", lang, n=rule.min_volume) if rule.min_volume else ""
    return line + volume + _rule_doubt(rule, on_day, lang)


def _rule_doubt(rule: PlatformRule, on_day: date | None, lang: str) -> str:
    if rule.checked_on is None:
        return "" if rule.usable else say("tables.rule_unverified", lang)
    if on_day and stale([rule], on_day):
        return say("tables.rule_stale", lang, days=(on_day - rule.checked_on).days)
    return ""


def _rule_row(rule: PlatformRule, on_day: date, lang: str) -> tuple:
    """One row of the file: RULE_COLUMNS."""
    hours = "–".join(str(part)[:5] for part in rule.hours) if isinstance(rule.hours, tuple) else None
    consequence = getattr(rule.consequence, lang) if rule.consequence and rule.usable else None
    said = consequence or say("tables.no_fine" if not rule.usable else "tables.unknown_consequence", lang)
    verified = say(f"tables.{'yes' if rule.usable and not stale([rule], on_day) else 'no'}", lang)
    return (
        rule.name_zh if lang == "zh" else rule.name_en,
        rule_words(rule, on_day, lang),
        hours,
        _window(rule.window, lang),
        said,
        _iso(rule.since),
        rule.source,
        say(f"tables.rule_grade_{rule.grade}", lang),
        _iso(rule.checked_on),
        verified,
    )


def _window(window: str | None, lang: str) -> str:
    if window is None:
        return MISSING
    if window[:-1].isdigit():
        return say("tables.window_days", lang, days=window[:-1])
    return say(f"tables.window_{window}", lang)


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
