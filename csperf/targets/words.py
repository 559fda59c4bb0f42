"""Which sentence says a number: text/sentences.yaml holds the words, here stands when each is said.

Counts of people are whole numbers, differences of shares percentage points. Nothing here computes a statistic.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, nan

from ..text import say
from ..text.numbers import difference, quantity

HARDLY_ANYONE, NEARLY_EVERYONE = 0.10, 0.90  # S0-07: beyond these a target puts people off, or asks nothing
TINY, SURE, LIKELY = 0.01, 0.95, 0.50
FEW_DAYS = 60  # of daily data, below which no chance is told


def attainability(
    target: float,
    unit: str,
    people: int,
    share: float,
    *,
    months: int = 0,
    best: float | None = None,
    better: float | None = None,
    lang: str = "zh",
) -> str:
    """How many of `people` will meet `target` when a `share` of them is expected to.

    `best` is the best value of the last `months` months, `better` the target to try instead; both are told only
    where almost nobody or almost everybody is expected to meet it.
    """
    slots = {"agents": people, "target": quantity(target, unit, lang)}
    if share < HARDLY_ANYONE and better is not None:
        slots |= {"months": months, "best": quantity(best, unit, lang), "better": quantity(better, unit, lang)}
        return say("sentences.attainability_too_high" + "_no_history" * (best is None), lang, **slots)
    if share > NEARLY_EVERYONE and better is not None:
        return say("sentences.attainability_too_low", lang, **slots, better=quantity(better, unit, lang))
    return say("sentences.attainability", lang, **slots, met=round(share * people))


def company_goal(
    goal: float,
    value: float,
    unit: str,
    people: int,
    share: float,
    *,
    higher: bool = True,
    others: str = "all",
    lang: str = "zh",
) -> str:
    """What a goal of the company means here; `others`: what agents cannot do alone (staff, campaign, goods, all).

    `value`: the shop's; `higher`: whether more is better.
    """
    met = round(share * people)
    slots = {"goal": quantity(goal, unit, lang), "agents": people, "met": met}
    if met == people:
        return say("sentences.company_goal_within_reach", lang, **slots)
    if not isfinite(value):
        return say("sentences.company_goal_no_value", lang, **slots)
    if (value - goal) * (1 if higher else -1) >= 0:
        return say("sentences.company_goal_on_average", lang, **slots, rest=people - met)
    gap = apart(goal, value, unit, lang)
    return say("sentences.company_goal", lang, **slots, gap=gap, others=say(f"sentences.others_{others}", lang))


def last_month(low: int, high: int, met: int, *, causes: str = "", lang: str = "zh") -> str:
    """How many met a target against how many were expected; `causes`: what to look at first where it missed."""
    slots = {"low": low, "high": high, "met": met}
    if low <= met <= high:
        return say("sentences.range_over_inside", lang, **slots)
    direction = say(f"sentences.direction_{'more' if met > high else 'fewer'}", lang)
    causes = causes or say("sentences.causes_all", lang)
    return say("sentences.range_over_outside", lang, **slots, direction=direction, causes=causes)


def chance(probability: float, lang: str = "zh") -> str:
    """A probability as people say it: 不到1%, 几乎肯定, else whole percents."""
    if probability < TINY:
        return say("sentences.chance_tiny", lang)
    if probability > SURE:
        return say("sentences.chance_sure", lang)
    return f"{100 * probability:.0f}%"


@dataclass(frozen=True)
class RedLine:
    """A platform's rule and what the shop's days say of it, in the metric's unit.

    threshold: NaN where the platform names no figure. breach: the chance of at least one day beyond the line within
    a year; floor: what keeps that chance under `wanted`; NaN where days are too few. mean, worst: the shop's usual
    and worst day. gap_to_mean: signed distance from the category's mean. below: a day breaks the rule by being below
    the line.
    """

    rule: str
    unit: str
    threshold: float = nan
    mean: float = nan
    worst: float = nan
    breach: float = nan
    floor: float = nan
    days: int = 0
    gap_to_mean: float = nan
    wanted: float = 0.05
    below: bool = True


def red_line(line: RedLine, lang: str = "zh") -> str:
    """What the rule means for the shop within a year."""
    if not isfinite(line.threshold):
        return say("sentences.red_line_relative", lang, gap=difference(line.gap_to_mean, line.unit, lang))
    threshold = quantity(line.threshold, line.unit, lang)
    if not isfinite(line.breach) or line.days < FEW_DAYS:
        slots = {
            "worst": quantity(line.worst, line.unit, lang),
            "gap": apart(line.worst, line.threshold, line.unit, lang),
        }
        few = {"days": line.days} if line.days < FEW_DAYS else {}
        return say(f"sentences.red_line_{'few_days' if few else 'distance'}", lang, **slots, **few)
    slots = {"rule": line.rule, "threshold": threshold}
    key = f"sentences.red_line{_how_likely(line)}{'' if line.below else '_above'}"
    slots |= {name: quantity(getattr(line, name), line.unit, lang) for name in ("mean", "worst", "floor")}
    return say(key, lang, **slots, chance=chance(line.breach, lang), wanted=f"{100 * line.wanted:.0f}%")


def _how_likely(line: RedLine) -> str:
    """The end of the key whose words fit the chance; none for the ordinary sentence, which names the floor."""
    for way, edge in (("_sure", SURE), ("_likely", LIKELY)):
        if line.breach > edge:
            return way
    if not isfinite(line.floor):
        return "_no_floor"
    return "_tiny" if line.breach < TINY else ""


def standing(name: str, above: bool, months: int, lang: str = "zh") -> str:
    """That somebody stands clearly apart from the team; one month alone is no verdict."""
    key = f"sentences.{'above' if above else 'below'}"
    return say(key, lang, name=name, months=months) if months > 1 else say(f"{key}_one_month", lang, name=name)


def top_tenth(mean: float, without_luck: float | None, unit: str, lang: str = "zh") -> str:
    """What a category's top-10 % mean is worth; always said beside it."""
    slots = {"mean": quantity(mean, unit, lang)}
    if without_luck is None or not isfinite(without_luck):
        return say("sentences.top_tenth_no_mean", lang, **slots)
    return say("sentences.top_tenth", lang, **slots, without_luck=quantity(without_luck, unit, lang))


def capacity(floor: float, unit: str, *, where: str = "", people: int | None = None, lang: str = "zh") -> str:
    """That today's staff or way of working cannot reach the floor; `people`: how many more it takes, where known."""
    value = quantity(floor, unit, lang)
    if people is None:
        return say("sentences.capacity_no_staffing", lang, floor=value)
    return say("sentences.capacity", lang, floor=value, where=where or say("sentences.where_shop", lang), people=people)


def apart(one: float, other: float, unit: str, lang: str = "zh") -> str:
    """How far two values are apart, without a sign: 2.4个点, 6秒."""
    return difference(abs(one - other), unit, lang).removeprefix("+")
