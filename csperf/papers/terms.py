"""What all papers of a month say alike: what is scored, by which rules, from when on, how one objects."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

from ..catalogue import entry
from ..scorecard import ScoreSettings
from ..text import say
from ..text.numbers import day_words, quantity
from .days import OBJECTION_DAYS

LINES = ("base", "target", "stretch")


@dataclass(frozen=True)
class Terms:
    """The month's rules in words. starts: first day in force; counting: the 口径; credit: papers.credit_rule.

    draft: nothing is published yet. backend: whether values are those of a backend. objections_to: who is asked; empty:
    the supervisor.
    """

    shop: str
    starts: dt.date
    counting: str
    credit: str = ""
    backend: bool = False
    draft: bool = False
    objections_to: str = ""
    lang: str = "zh"
    settings: ScoreSettings = field(default_factory=ScoreSettings)

    @property
    def who(self) -> str:
        """Who is asked."""
        return self.objections_to or say("papers.supervisor", self.lang)

    @property
    def stamp(self) -> str:
        """What a draft bears."""
        return say("papers.draft", self.lang) if self.draft else ""

    def rules(self, aims: pd.DataFrame, watched: tuple[str, ...]) -> Iterator[str]:
        """The sentences of a page about these targets: metric, grade, lines. `watched`: metrics without weight."""
        lang = self.lang
        yield say("papers.starts", lang, day=day_words(self.starts, lang))
        source = say("papers.source_table" if self.backend else "papers.source_chat", lang)
        yield say("papers.counting", lang, counting=self.counting, source=source)
        if self.credit:
            yield say("papers.credit", lang, rule=self.credit)
        yield say("papers.scoring", lang)
        slots = {"days": self.settings.min_days, "newcomer": self.settings.protection_days}
        yield say("papers.missing", lang, **slots)
        yield say("papers.cap", lang, cap=f"{self.settings.cap:g}")
        if (aims["grade"] == "trial").any():
            yield say("papers.trial", lang)
        if watched:
            yield say(
                "papers.watched", lang, metrics=say("papers.and", lang).join(entry(k).name(lang) for k in watched)
            )

    def objection(self) -> str:
        """How and until when one objects to targets."""
        return say("papers.objection", self.lang, days=OBJECTION_DAYS, who=self.who)


def named(metric: str, lang: str) -> str:
    """The metric with which side is better."""
    known = entry(metric)
    return say(f"papers.{known.better}", lang, metric=known.name(lang))


def lines(row: pd.Series, lang: str) -> tuple[str, ...]:
    """base, target and stretch as they are shown."""
    unit = entry(row["metric"]).unit
    return tuple(quantity(row[name], unit, lang) for name in LINES)


def use(row: pd.Series, lang: str) -> str:
    """Whether the metric counts or is on trial."""
    return say("papers.use_trial" if row["grade"] == "trial" else "papers.use_publish", lang)
