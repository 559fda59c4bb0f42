"""个人单: a person's own row, what it is made of, what moved it, and the team as figures nobody can be read from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pandas as pd

from ..catalogue import entry
from ..charts import points_of_person
from ..scorecard import Scorecard
from ..tables.table import days_in_words
from ..text import say
from ..text.numbers import MISSING, month_words, number, quantity
from .sheet import About, Block, Sheet, mean_of_many, place, points

FULL = 100
MOVED = ("own", "mix", "target", "weight", "cap")


def personal(
    card: Scorecard, agent: str, role: str, about: About, *, name: str, moved: pd.DataFrame | None = None
) -> Sheet:
    """The sheet of one person in one role. `moved`: scorecard.changes since the month before."""
    month = card.scores["month"] == about.month
    row = card.scores[month & (card.scores["agent_id"] == agent) & (card.scores["role"] == role)].iloc[0]
    parts = card.parts[(card.parts["month"] == about.month) & (card.parts["role"] == role)]
    own = parts[parts["agent_id"] == agent]
    others = card.scores[month & (card.scores["role"] == role) & (card.scores["agent_id"] != agent)]
    lang = about.lang
    slots = {"name": name, "month": month_words(about.month, lang)}
    changed = None if moved is None else moved[(moved["agent_id"] == agent) & (moved["role"] == role)]
    sentences = [*standing(row, lang), *_outlook(row, own, lang), *_moved(changed, lang), *_team(row, others, about)]
    sentences += [*_too_few(own, name, card.settings.min_n, lang), *days(card, agent, about)]
    blocks = [own_metrics(own, lang, _team_points(own, parts, about)), *_changes(changed, lang)]
    scored = own[own["points"].notna()]
    return Sheet(
        lang,
        say("sheets.personal", lang, **slots),
        (about.shop, *place(role, row["level"], lang)),
        tuple(sentences),
        tuple(blocks),
        (say("sheets.basis", lang), say("sheets.objection", lang)),
        points_of_person(scored, lang=lang) if len(scored) else None,
    )


def standing(row: pd.Series, lang: str) -> Iterator[str]:
    """The score with what pay makes of it and what caps it; why there is none. `row`: of Scorecard.scores."""
    if pd.isna(row["score"]):
        yield say(f"scores.status_{row['status']}", lang)
        return
    yield from _pay(row, lang)
    if row["capped"]:
        yield say("sheets.capped", lang)


def days(card: Scorecard, agent: str, about: About) -> Iterator[str]:
    """Which days count: how many were worked, and which of the month are left out."""
    worked = card.days.get((agent, about.month))
    if worked is not None:
        yield say("sheets.days_worked", about.lang, days=number(worked, "count"))
    for key, off in (("days_off", about.days_off), ("speed_off", about.speed_off)):
        if off:
            yield say(f"sheets.{key}", about.lang, days=days_in_words(off, about.lang))


def _too_few(own: pd.DataFrame, name: str, min_n: int | None, lang: str) -> Iterator[str]:
    """Which metrics have too few cases to score. `min_n`: the shop's; null: each metric's own."""
    for part in own[own["left_out"] == "small"].itertuples():
        known = entry(part.metric)
        slots = {"metric": known.name(lang), "n": number(part.n, "count"), "min_n": min_n or known.min_n}
        yield say("sentences.small_n", lang, name=name, **slots)


def _outlook(row: pd.Series, own: pd.DataFrame, lang: str) -> Iterator[str]:
    """How far chance moves the score, and where points are left."""
    if pd.notna(row["score_low"]):
        yield say("sheets.range", lang, low=points(row["score_low"]), high=points(row["score_high"]))
    gaps = (FULL - own["points"]) * own["weight_used"] / 100
    if gaps.max() > 0:
        most = own.loc[gaps.idxmax()]
        slots = {"metric": entry(most["metric"]).name(lang), "gap": points(gaps.max())}
        yield say("sheets.most_to_gain", lang, **slots)


def _pay(row: pd.Series, lang: str) -> Iterator[str]:
    """The score with its pay coefficient, and what targets on trial have to do with it."""
    score, paid = points(row["score"]), row["pay_score"]
    if pd.isna(paid):
        yield say("sheets.score_unpaid", lang, score=score)
        return
    yield say("sheets.score", lang, score=score, coefficient=f"{row['coefficient']:.3f}")
    if points(paid) != score:
        yield say("sheets.pay_score", lang, score=points(paid))


def _moved(changed: pd.DataFrame | None, lang: str) -> Iterator[str]:
    if changed is None or changed.empty:
        return
    sums = changed[["change", *MOVED]].sum()
    parts = [
        say(f"sheets.by_{name}", lang, points=points(sums[name], "+")) for name in MOVED if abs(sums[name]) >= 0.05
    ]
    joined = say("sheets.comma", lang).join(parts)
    yield say("sheets.moved" if parts else "sheets.not_moved", lang, change=points(sums["change"], "+"), parts=joined)


def _team(row: pd.Series, others: pd.DataFrame, about: About) -> Iterator[str]:
    """The team without this person, as a mean of enough others; the band."""
    mean = mean_of_many(others["score"], about.anonymous)
    if pd.isna(mean):
        yield say("sheets.team_small", about.lang, least=about.anonymous)
        return
    yield say("sheets.team_mean", about.lang, people=int(others["score"].notna().sum()), mean=points(mean))
    if row["band"]:
        yield say(f"sheets.band_{row['band']}", about.lang)


def own_metrics(own: pd.DataFrame, lang: str, team: Mapping[str, float] | None = None) -> Block:
    """Every metric: weight, own value, the three lines, points, what they add. `team`: the others' mean points."""
    heads = ["metric", "weight", "value", "cases", "lines", "points", "contribution", "remark"]
    if team is not None:
        heads.insert(-1, "team_points")
    rows = []
    for part in own.itertuples():
        unit = entry(part.metric).unit
        lines = " / ".join(number(getattr(part, line), unit) for line in ("base", "target", "stretch"))
        remark = "" if pd.isna(part.left_out) else say(f"scores.left_out_{part.left_out}", lang)
        shown = (quantity(part.value, unit, lang), number(part.n, "count"), lines)
        worth = (points(part.points), points(part.contribution))
        others = () if team is None else (points(team[part.metric]),)
        rows.append((entry(part.metric).name(lang), _weight(part), *shown, *worth, *others, remark))
    return Block(
        say("sheets.metrics", lang),
        tuple(say(f"sheets.head_{head}", lang) for head in heads),
        tuple(rows),
        say("sheets.metrics_note", lang),
    )


def _team_points(own: pd.DataFrame, parts: pd.DataFrame, about: About) -> dict[str, float]:
    """The mean points of the others of the role by metric; NaN where they are too few."""
    others = parts[parts["agent_id"] != own["agent_id"].iloc[0]]
    return {m: mean_of_many(others.loc[others["metric"] == m, "points"], about.anonymous) for m in own["metric"]}


def _weight(part) -> str:
    """The weight, and what became of it where others had no value."""
    used = MISSING if pd.isna(part.weight_used) else f"{part.weight_used:.3g}"
    plain = f"{part.weight:.3g}"
    return plain if used == plain else f"{plain} → {used}"


def _changes(changed: pd.DataFrame | None, lang: str) -> Iterator[Block]:
    if changed is None or changed.empty:
        return
    moved = [name for name in MOVED if name == "own" or (changed[name].abs() >= 0.05).any()]
    heads = ("metric", "change", *moved)
    rows = [
        (
            say("sheets.cap", lang) if pd.isna(row.metric) else entry(row.metric).name(lang),
            *(points(getattr(row, name), "+") for name in ("change", *moved)),
        )
        for row in changed.itertuples()
    ]
    yield Block(
        say("sheets.changes", lang),
        tuple(say(f"sheets.head_{head}", lang) for head in heads),
        tuple(rows),
        say("sheets.changes_note", lang),
    )
