"""What the past months say of the next: will a group meet its target, who stands apart, which month was unusual.

Frames in the metric's unit, keys instead of words; `spoken` and `standing` say them. One place decides each: the
funnel of the newest month whom to look at, all months together who is clearly above or below.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import scipy

from ..catalogue import entry
from ..stats.ranks import ABOVE, BELOW, LEVEL_WITH, Ranks, ranks
from ..stats.scales import scale
from ..stats.signals import FEW, Apart, apart, next_month, past_months
from ..text import say
from ..text.numbers import quantity
from .model import Model, Panel
from .order import in_order, meets

LIKELY = 0.95  # of the months to come lie inside the limits a target is held against
LEAST_MONTHS = 3  # fewer show no ups and downs
ENDLESS = 1e9  # cases: what is expected of a level, without chance
SEED = 1
VERDICTS = ("will_meet", "hit_and_miss", "will_not_meet", "too_short")
BANDS = {ABOVE: "above", LEVEL_WITH: "level", BELOW: "below"}
VERDICT_COLUMNS = ["metric", "role", "level", "target", "months", "met", "value", "low", "high", "verdict"]
PEOPLE_COLUMNS = [
    *("metric", "role", "level", "agent_id", "month", "value", "n", "adjusted", "adjusted_low", "adjusted_high"),
    *("expected", "low95", "high95", "low998", "high998", "p", "listed", "rank_low", "rank_high", "people"),
    *("separated", "band", "months", "status"),
]
MONTH_COLUMNS = ["metric", "role", "month", "value", "n", "centre", "low", "high", "signal", "status"]

Models = Mapping[tuple[str, str], Model]


def verdicts(models: Models, targets: pd.DataFrame) -> pd.DataFrame:
    """Whether each group will meet its target as it works now: one row per target with past months.

    value is the newest month's over the group; low and high hold the next one in 19 of 20 cases as things are. On the
    good side of the target with both: will_meet; with neither: will_not_meet; else hit_and_miss (the assurance of
    NHS improvement charts). too_short: fewer than LEAST_MONTHS. met counts the past months that met it. Months unlike
    all the others foretell nothing and are left out of low and high; a trend is not looked for.
    """
    rows = []
    for aim in targets[targets["target"].notna()].itertuples():
        model = models.get((aim.metric, aim.role))
        places = None if model is None else _of_level(model.panel, aim.level)
        if model is not None and places is not None:
            rows.append((aim.metric, aim.role, aim.level, aim.target, *_verdict(model.panel, places, aim.target)))
    return pd.DataFrame(rows, columns=VERDICT_COLUMNS)


def people(models: Models) -> pd.DataFrame:
    """Every agent of the team beside the others of the role, compared with what their level is expected to do.

    value, n: the newest month; expected, low95 ... high998: where the others put it (leave-one-out), p and listed: how
    far off it is and whether that is more than chance. adjusted with its 90 % range: what the agent sustains, small
    numbers corrected; rank_low and rank_high: where that ranks, 1 = best, among `people`; separated: share of pairs
    that can be told apart. band: above, level or below, better being above; months: how many of the newest months in a
    row lay on that side. Below FEW people nobody is called different (FUNNEL_FEW).
    """
    frames = [_people(model) for model in models.values()]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=PEOPLE_COLUMNS)
    return in_order(found)


def months(models: Models) -> pd.DataFrame:
    """Each month of a role: signal "past" (unlike all the others), "newest" (outside what the months before foretold).

    centre, low, high: what the months before the newest foretell for it (one false alarm in 370), those of signal
    "past" left out; the same in every row. Calendar months are compared with their like where each is there twice,
    else status NO_SEASON. CHART_SHORT: fewer than FEW months, no limits and no signals.
    """
    frames = [_months(model.panel) for model in models.values()]
    found = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=MONTH_COLUMNS)
    return in_order(found)


def first_of(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of the metric and role that stand first, for a picture of one of them."""
    if rows.empty:
        return rows
    same = (rows["metric"] == rows["metric"].iloc[0]) & (rows["role"] == rows["role"].iloc[0])
    return rows[same].reset_index(drop=True)


def spoken(row: Any, lang: str = "zh") -> str:
    """The sentence of a row of `verdicts`."""
    unit = entry(row.metric).unit
    slots = {"target": quantity(row.target, unit, lang), "months": row.months, "met": row.met}
    slots |= {"low": quantity(row.low, unit, lang), "high": quantity(row.high, unit, lang)}
    return say(f"sentences.{row.verdict}", lang, **slots)


def standing(row: Any, name: str, lang: str = "zh") -> str:
    """The sentence of a row of `people`; empty for who cannot be told from the team."""
    if row.band == BANDS[LEVEL_WITH]:
        return ""
    plain = entry(row.metric).better == "higher"
    key = row.band if plain else {"above": "ahead", "below": "behind"}[row.band]
    return say(f"sentences.{key}{'' if row.months > 1 else '_one_month'}", lang, name=name, months=int(row.months))


def not_told_apart(rows: pd.DataFrame, lang: str = "zh") -> str:
    """The sentence for those of one metric and role in the middle band; empty for fewer than two."""
    level = int((rows["band"] == BANDS[LEVEL_WITH]).sum())
    return say("sentences.not_distinguishable", lang, agents=level) if level > 1 else ""


def _of_level(panel: Panel, level: Any) -> np.ndarray | None:
    """Which agents a row of targets is about; null where the panel does not know the level."""
    if pd.isna(level):
        return np.ones(len(panel.agents), bool)
    return panel.level == panel.levels.index(level) if level in panel.levels else None


def _group_months(panel: Panel, agents: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The group's value and cases month by month, sums first; NaN where nobody was seen."""
    value, n = panel.value[agents], np.where(np.isfinite(panel.value[agents]), panel.n[agents], 0.0)
    cases = n.sum(axis=0)
    return np.where(cases > 0, (np.nan_to_num(value) * n).sum(axis=0) / np.where(cases > 0, cases, 1), np.nan), cases


def _verdict(panel: Panel, agents: np.ndarray, target: float) -> tuple:
    """months, met, value, low, high, verdict of one group."""
    value, cases = _group_months(panel, agents)
    seen = np.isfinite(value)
    value, cases, better = value[seen], cases[seen], panel.entry.better
    met = int(meets(pd.Series(value), target, better).sum())
    last = value[-1] if len(value) else np.nan
    if len(value) < LEAST_MONTHS:
        return len(value), met, last, np.nan, np.nan, "too_short"
    x, _variance = scale(panel.kind).placed(value, cases, panel.case_cv2)
    _residual, odd = past_months(x)
    _centre, *limits = next_month(np.where(odd, np.nan, x), LIKELY)
    low, high = scale(panel.kind).natural(np.array(limits), np.full(2, cases[-1]), panel.case_cv2)
    reached = int(meets(pd.Series([low, high]), target, better).sum())
    return len(value), met, last, low, high, ("will_not_meet", "hit_and_miss", "will_meet")[reached]


def _people(model: Model) -> pd.DataFrame:
    panel, team = model.panel, model.panel.team
    standard, few = model.noise.level_means[panel.ranked()], team.sum() < FEW
    beside, rng = _beside_others(panel, team, standard), np.random.default_rng(SEED)
    place = ranks(model.noise.of(team), higher=panel.higher, rng=rng, standard=standard[team])
    band, in_a_row = _bands(model, beside, place, standard, few)
    value = panel.value[team, -1]
    rows = {"metric": panel.metric, "role": panel.role, "agent_id": np.array(panel.agents, object)[team]}
    rows |= {"level": [panel.levels[at] for at in panel.level[team]], "month": panel.months[-1]}
    rows |= {"value": value, "n": np.where(np.isfinite(value), panel.n[team, -1], 0.0)}
    rows |= _sustained(model, team) | _limits(panel, team, standard, beside)
    rows |= {"p": beside.p, "listed": beside.listed, "rank_low": place.low, "rank_high": place.high}
    rows |= {"people": int(team.sum()), "separated": place.separated, "band": band, "months": in_a_row}
    codes = {"FUNNEL_FEW": few, "RANK_NOT_DISTINGUISHABLE": not place.worth_ranking}
    return pd.DataFrame(rows | {"status": ";".join(code for code, holds in codes.items() if holds)})[PEOPLE_COLUMNS]


def _sustained(model: Model, team: np.ndarray) -> dict[str, np.ndarray]:
    """What each agent sustains and the range that holds it in nine of ten cases, in the metric's unit."""
    centre, reach = model.noise.agents[team], scipy.stats.norm.ppf(0.95) * np.sqrt(model.noise.errors[team])
    edges = {"adjusted": centre, "adjusted_low": centre - reach, "adjusted_high": centre + reach}
    return {name: model.panel.kind.natural(edge) for name, edge in edges.items()}


def _level_offset(panel: Panel, standard: np.ndarray) -> np.ndarray:
    """What is expected of each agent's level, on the scale of comparison."""
    natural = np.asarray(panel.kind.natural(standard), float)
    return scale(panel.kind).placed(natural, np.full(natural.shape, ENDLESS), 0.0)[0]


def _beside_others(panel: Panel, team: np.ndarray, standard: np.ndarray) -> Apart:
    """The newest month's leave-one-out comparison, levels taken out; whoever was not seen in it has NaN."""
    newest = scale(panel.kind).placed(panel.value[team, -1], panel.n[team, -1], panel.case_cv2)
    return apart(newest[0] - _level_offset(panel, standard)[team], newest[1])


def _limits(panel: Panel, team: np.ndarray, standard: np.ndarray, beside: Apart) -> dict[str, np.ndarray]:
    """expected and the limits in the metric's unit, at each agent's own cases."""
    offset, n = _level_offset(panel, standard)[team], panel.n[team, -1]
    (low95, high95), (low998, high998) = beside.limits
    edges = {"expected": beside.expected, "low95": low95, "high95": high95, "low998": low998, "high998": high998}
    return {name: scale(panel.kind).natural(edge + offset, n, panel.case_cv2) for name, edge in edges.items()}


def _bands(model: Model, beside: Apart, place: Ranks, standard: np.ndarray, few: bool) -> tuple[list[str], np.ndarray]:
    """Each agent's band, and for how many of the newest months in a row the agent was on that side.

    Whom only the newest month calls different is put there for that one month.
    """
    panel, team = model.panel, model.panel.team
    if few:
        return [BANDS[LEVEL_WITH]] * int(team.sum()), np.zeros(int(team.sum()), int)
    sign = 1 if panel.higher else -1
    scaled, _variance = panel.kind.observed(panel.value, panel.n, np.asarray(panel.case_cv2))
    side = sign * np.sign(scaled - model.noise.months - standard[:, None])[team]
    lately = np.where(beside.listed, sign * np.sign(np.nan_to_num(beside.z)), LEVEL_WITH).astype(int)
    long_run = np.where(_worth_saying(model, standard), place.band, LEVEL_WITH)
    only_lately = (lately != LEVEL_WITH) & (long_run != lately)
    band = np.where(only_lately, lately, long_run)
    in_a_row = [max(_in_a_row(own, one), 1) for own, one in zip(side, band, strict=True)]
    return [BANDS[int(one)] for one in band], np.where(only_lately, 1, np.where(band == LEVEL_WITH, 0, in_a_row))


def _worth_saying(model: Model, standard: np.ndarray) -> np.ndarray:
    """Whose distance from what is expected of them is at least the catalogue's smallest step worth speaking of."""
    panel, team = model.panel, model.panel.team
    sustained, expected = (np.asarray(panel.kind.natural(x[team])) for x in (model.noise.agents, standard))
    return np.abs(sustained - expected) >= panel.entry.step


def _in_a_row(side: np.ndarray, band: int) -> int:
    """How many of the newest months that were seen lay on the band's side, without a break."""
    newest_first = side[np.isfinite(side)][::-1]
    other = np.flatnonzero(newest_first != band)
    return int(other[0]) if len(other) else len(newest_first)


def _months(panel: Panel) -> pd.DataFrame:
    value, cases = _group_months(panel, np.ones(len(panel.agents), bool))
    x, _variance = scale(panel.kind).placed(value, cases, panel.case_cv2)
    season, short = _calendar(panel.months), len(x) < FEW
    labels = np.zeros(len(x), int) if season is None else season
    _residual, listed = past_months(x[:-1], labels[:-1])
    usual = np.where(listed, np.nan, x[:-1])
    foretold = np.array(next_month(usual, season=labels[:-1], coming=labels[-1]))
    outside = not short and bool(x[-1] < foretold[1] or x[-1] > foretold[2])
    shown = np.full(3, np.nan)
    if not short:
        shown = scale(panel.kind).natural(foretold, np.full(3, cases[-1]), panel.case_cv2)
    rows = {"metric": panel.metric, "role": panel.role, "month": panel.months, "value": value, "n": cases}
    rows |= dict(zip(("centre", "low", "high"), shown, strict=True))
    rows |= {"signal": [*np.where(listed, "past", ""), "newest" if outside else ""]}
    rows |= {"status": "CHART_SHORT" if short else "NO_SEASON" if season is None else ""}
    return pd.DataFrame(rows)[MONTH_COLUMNS]


def _calendar(months: Iterable[str]) -> np.ndarray | None:
    """The calendar month of each month, where each of the twelve was seen twice before the newest; else null."""
    labels = np.array([int(month[5:]) for month in months])
    return labels if (np.bincount(labels[:-1], minlength=13)[1:] >= 2).all() else None
