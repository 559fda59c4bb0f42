"""The three pictures with their conclusions: do the targets fit, how many will meet them, where does it hurt."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from typing import Any

import pandas as pd

from ..catalogue import entry
from ..charts import frontpage
from ..text import say
from ..text.numbers import quantity
from .aims import Aim
from .findings import hours
from .page import About, Chart, Material
from .table import metric_name, role_word
from .weak import weakest_day, weakest_hours

FITTING = (0.45, 0.85)  # the share of people for whom a target is neither tight nor loose
LEAST_PEOPLE = 2


def charts(shown: Sequence[Aim], material: Material, about: About, lang: str) -> tuple[Chart, ...]:
    """The pictures in their order, numbered."""
    drawn = (_targets(shown, material, lang), _people(shown, material, lang), _where(material, about, lang))
    return tuple(
        Chart(say("frontpage.chart", lang, number=number, title=chart.title), chart.note, chart.picture)
        for number, chart in enumerate(drawn, start=1)
    )


def _targets(shown: Sequence[Aim], material: Material, lang: str) -> Chart:
    own = [aim for aim in shown if aim.share is not None]
    fit = [aim for aim in own if FITTING[0] <= (aim.share or 0) <= FITTING[1]]
    slots = {"rows": len(own), "fit": len(fit)}
    tight = min(own, key=lambda aim: aim.share or 0, default=None)
    loose = max(own, key=lambda aim: aim.share or 0, default=None)
    title = say("frontpage.chart_spread", lang, **slots)
    if tight and (tight.share or 0) < FITTING[0]:
        title = say("frontpage.chart_spread_tight", lang, **slots, metric=metric_name(tight.known, lang))
    elif loose and (loose.share or 0) > FITTING[1]:
        title = say("frontpage.chart_spread_loose", lang, **slots, metric=metric_name(loose.known, lang))
    dots = pd.concat(
        [_dots(aim, material.agents, _line(aim, own, lang)) for aim in own] or [pd.DataFrame()], ignore_index=True
    )
    if dots.empty:
        title = say("frontpage.chart_spread_none", lang, people=LEAST_PEOPLE)
        return Chart(title)
    drawn = set(dots["line"])
    lines = [line for aim in own if (line := _line(aim, own, lang)) in drawn]
    peers = {_line(aim, own, lang): _place(aim.shown, aim.peers) for aim in own if isfinite(aim.peers)}
    picture = frontpage.ladders(dots, peers, lines, lang=lang)
    return Chart(title, picture.alt, picture)


def _dots(aim: Aim, agents: pd.DataFrame | None, line: str) -> pd.DataFrame:
    """Each person's place between base, target and stretch of the own level."""
    if agents is None:
        return pd.DataFrame()
    rows = agents[(agents["metric"] == aim.whole.metric) & (agents["role"] == aim.whole.role) & agents["value"].notna()]
    own = {row.level: row for row in aim.levels}
    places = [_place(own.get(row.level, aim.whole), row.value) for row in rows.itertuples()]
    return pd.DataFrame({"line": line, "place": places, "n": rows["n"].to_numpy()}).dropna(subset="place")


def _place(row: Any, value: float) -> float:
    return float(frontpage.ladder_places(pd.Series([float(value)]), row.base, row.target, row.stretch).iloc[0])


def _line(aim: Aim, among: Sequence[Aim], lang: str) -> str:
    """The aim's name in a picture, with its role where the picture has several."""
    if len({other.whole.role for other in among}) == 1:
        return metric_name(aim.known, lang)
    names = {"role": role_word(aim.whole.role, lang), "metric": metric_name(aim.known, lang)}
    return say("frontpage.role_metric", lang, **names)


def _people(shown: Sequence[Aim], material: Material, lang: str) -> Chart:
    own = [aim for aim in shown if aim.met is not None and aim.people]
    if not own:
        title = say("frontpage.chart_people_none", lang, rows=len(shown))
        return Chart(title)
    review = material.review if material.review is not None and len(material.review) else None
    rows = [(_line(a, own, lang), a.people, a.met, a.low, a.high, _before(a, review)) for a in own]
    frame = pd.DataFrame(rows, columns=["line", "people", "met", "low", "high", "before"])
    note = "chart_people_note" if review is None else "chart_people_note_review"
    return Chart(_people_title(own, review, lang), say(f"frontpage.{note}", lang), frontpage.people(frame, lang=lang))


def _people_title(own: Sequence[Aim], review: pd.DataFrame | None, lang: str) -> str:
    if review is None:
        firm = [aim for aim in own if aim.grade == "publish"] or own
        fewest = min(firm, key=lambda aim: (aim.share or 0, -aim.people))
        slots = {"agents": fewest.people, "met": fewest.met}
        return say("frontpage.chart_people", lang, metric=_line(fewest, own, lang), **slots)
    if len(review) == 1:
        one = {name: int(review[name].iloc[0]) for name in ("low", "high", "met")}
        return say("frontpage.chart_people_review_one", lang, **one)
    inside = int(review["met"].between(review["low"], review["high"]).sum())
    return say("frontpage.chart_people_review", lang, n=len(review), inside=inside)


def _before(aim: Aim, review: pd.DataFrame | None) -> float:
    """How many met the target of the month before; NaN where that is not known."""
    if review is None:
        return float("nan")
    rows = review[(review["metric"] == aim.whole.metric) & (review["role"] == aim.whole.role)]
    return float(rows["met"].iloc[0]) if len(rows) else float("nan")


def _where(material: Material, about: About, lang: str) -> Chart:
    """Hours where chats are known, else days, else what it takes to see them."""
    metric = material.where_metric
    slots = {"metric": metric_name(entry(metric), lang)}
    weak = weakest_hours(material.hours, metric)
    if weak and material.hours is not None:
        inside = quantity(weak.inside, entry(metric).unit, lang)
        title = say("frontpage.chart_hours_even", lang, inside=inside)
        if weak.clear:
            title = say("frontpage.chart_hours", lang, hours=hours(weak, lang), inside=inside, **slots)
        picture = frontpage.hour_map(material.hours, metric, lang=lang)
        return Chart(title, say("frontpage.chart_hours_note", lang, **slots), picture)
    weak = weakest_day(material.days, metric)
    if weak and material.days is not None:
        inside, day = quantity(weak.inside, entry(metric).unit, lang), say(f"frontpage.weekday_{weak.first}", lang)
        title = say("frontpage.chart_days", lang, weekday=day, inside=inside, **slots)
        picture = frontpage.day_line(material.days, metric, lang=lang)
        return Chart(title, say("frontpage.chart_days_note", lang, **slots), picture)
    return Chart(say("frontpage.chart_where_none", lang, days=(about.last_day - about.first_day).days + 1))
