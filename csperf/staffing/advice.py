"""What staffing comes to in words: whom to add when, and where no target can repair what people are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from ..catalogue import QUESTIONS, entry
from ..targets.words import capacity
from ..text import say
from ..text.numbers import number
from .erlang import Queue
from .needs import Stretch, agents_needed, rostered
from .settings import StaffingSettings


def stretch_words(stretch: Stretch, settings: StaffingSettings, lang: str = "zh") -> str:
    """30秒内回复80%，20–22点这个量要4个人，排班要5个，现在平均3.2个，差2个（或：人手是够的）。"""
    slots = {name: number(getattr(stretch, name), "count") for name in ("per_hour", "needed", "rostered", "short")}
    slots |= {"hours": hours_words(stretch, lang), "scheduled": f"{stretch.scheduled:.1f}"}
    return say(f"staffing.stretch{'' if stretch.short else '_enough'}", lang, **slots, goal=goal_words(settings, lang))


def needed_words(per_hour: float, service_s: float, settings: StaffingSettings, lang: str = "zh") -> str:
    """How many people so many customers an hour need, and how far a single one would get (O10)."""
    queue = Queue(per_hour, service_s, settings.patience_s or float("inf"))
    people = agents_needed(queue, settings)
    alone = queue.answered_within(settings.reply_s, settings.chats_at_once * (1 - settings.shrinkage))
    slots = {"per_hour": number(per_hour, "count"), "handle": number(service_s, "count"), "people": people}
    slots |= {"rostered": rostered(people, settings), "alone": number(alone, "share")}
    slots |= {"reply": number(settings.reply_s, "count"), "at_once": number(settings.chats_at_once, "count")}
    return say("staffing.needed", lang, **slots, goal=goal_words(settings, lang))


def goal_words(settings: StaffingSettings, lang: str) -> str:
    """30秒内回复80%."""
    slots = {"reply": number(settings.reply_s, "count"), "level": number(settings.level, "share").replace(".0%", "%")}
    return say("staffing.goal", lang, **slots)


def hours_words(stretch: Stretch, lang: str) -> str:
    """20–22点."""
    return say("staffing.hours", lang, first=stretch.first, last=stretch.last)


def capacity_words(lines: pd.DataFrame, found: Sequence[Stretch], lang: str = "zh") -> Iterator[str]:
    """For each platform floor of speed that the shop has not held: that it is people who lack, where, and how many.

    `lines`: targets.platform.red_lines; `found`: stretches, the worst first. Without any the sentence says to look at
    people, shifts and procedure.
    """
    speed = lines["metric"].map(lambda key: QUESTIONS[key] == "speed").astype(bool)
    for line in lines[speed & lines["status"].str.contains("CAPACITY")].itertuples():
        known: dict[str, Any] = {"where": hours_words(found[0], lang), "people": found[0].short} if found else {}
        said = capacity(line.floor, entry(line.metric).unit, **known, lang=lang)
        yield say("staffing.floor", lang, rule=getattr(line, f"rule_{lang}"), said=said)


def assumptions(settings: StaffingSettings, lang: str = "zh") -> str:
    """What the numbers of people rest on."""
    at_once = number(settings.chats_at_once, "count")
    several = say("staffing.several", lang, at_once=at_once) if settings.chats_at_once > 1 else ""
    shares = {name: number(getattr(settings, name), "share") for name in ("occupancy", "shrinkage")}
    return say("staffing.assumptions", lang, several=several, **shares)
