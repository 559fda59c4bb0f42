"""The table of the first page: heads and rows of words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite
from typing import Any

from ..metric import Entry
from ..text import say, words
from ..text.numbers import MISSING, month_words, number, quantity
from .aims import Aim, alone
from .page import About, Row


def heads(every: Sequence[Aim], about: About, lang: str) -> tuple[str, ...]:
    """The columns' heads; the weights' only where there are weights."""
    levels = _levels(every)
    month, recent = short_month(about.month, lang), short_month(about.recent, lang)
    key = "frontpage.head_target_levels" if levels else "frontpage.head_target"
    steps = say("frontpage.slash", lang).join(level_word(level, lang) for level in levels)
    target = say(key, lang, month=month, **({"levels": steps} if levels else {}))
    names = ["metric", "recent", "peers", "base", target, "stretch", "weight", "expected", "why", "grade"]
    if all(aim.weight is None for aim in every):
        names.remove("weight")
    slots = {"recent": {"month": recent}}
    return tuple(
        name if name == target else say(f"frontpage.head_{name}", lang, **slots.get(name, {}))
        for name in ["role", *names]
    )


def rows(shown: Sequence[Aim], every: Sequence[Aim], lang: str) -> tuple[Row, ...]:
    """A row for each aim of `shown`; whether weights stand in it depends on `every`."""
    weighted = any(aim.weight is not None for aim in every)
    sizes: dict[str, int] = {}
    for aim in every:
        sizes[aim.whole.role] = max(sizes.get(aim.whole.role, 0), aim.people)
    return tuple(_row(aim, weighted, sizes[aim.whole.role], lang) for aim in shown)


def level_heads(lang: str) -> tuple[str, ...]:
    """The heads of the levels' table on page 2."""
    names = ("role", "metric", "level", "base", "target", "stretch", "expected", "why")
    said = {"target": say("tables.target", lang)}
    return tuple(said.get(name) or say(f"frontpage.head_{name}", lang) for name in names)


def level_rows(every: Sequence[Aim], lang: str) -> tuple[Row, ...]:
    """Base, target and stretch of every level, and why."""
    found = []
    for aim in every:
        for row in aim.levels:
            values = [_value(v, aim.known, lang) for v in (row.base, row.target, _stretch(row))]
            met = expected(alone(row), lang)
            names = metric_name(aim.known, lang), level_word(row.level, lang, long=True)
            cells = (*names, *values, met, str(row.reason))
            found.append(Row(role_word(aim.whole.role, lang), cells, row.grade))
    return tuple(found)


def _row(aim: Aim, weighted: bool, size: int, lang: str) -> Row:
    known, shown = aim.known, aim.shown
    cells = [
        metric_label(known, lang),
        quantity(aim.whole.shop_value, known.unit, lang),
        _peers(aim, lang),
        _value(shown.base, known, lang),
        _target(aim, lang),
        _value(_stretch(shown), known, lang),
        *([_weight(aim, lang)] if weighted else []),
        expected(aim, lang),
        _why(aim, lang),
        say(f"frontpage.grade_{aim.grade}", lang),
    ]
    role = role_word(aim.whole.role, lang)
    people = say("frontpage.role_people", lang, role=role, n=size) if size else role
    return Row(people, tuple(cells), aim.grade)


def _why(aim: Aim, lang: str) -> str:
    """Why the row has its values: those of the level whose base and stretch it shows, where the role is split."""
    reason = str(aim.shown.reason or MISSING)
    if not aim.levels:
        return reason
    return say("frontpage.why_level", lang, level=level_word(aim.shown.level, lang, long=True), reason=reason)


def _weight(aim: Aim, lang: str) -> str:
    return number(aim.weight, "count") if aim.weight else say("frontpage.watched", lang)


def metric_label(known: Entry, lang: str) -> str:
    """The metric's name, with what is better where less is."""
    name = metric_name(known, lang)
    if known.better != "lower":
        return name
    return say("frontpage.shorter_better" if known.kind == "time" else "frontpage.lower_better", lang, metric=name)


def metric_name(known: Entry, lang: str) -> str:
    """The metric's name on the page."""
    return getattr(known, lang)


def expected(aim: Aim, lang: str) -> str:
    """约7人（5–9）, or a dash where nothing can be expected."""
    if aim.met is None or not aim.people:
        return MISSING
    slots = {"met": aim.met}
    if aim.low is None or aim.high is None:
        return say("frontpage.about_people_no_range", lang, **slots)
    return say("frontpage.about_people", lang, **slots, low=aim.low, high=aim.high)


def role_word(role: str, lang: str) -> str:
    """A role's name."""
    return words("frontpage", lang).get(f"role_{role}", role)


def level_word(level: str, lang: str, *, long: bool = False) -> str:
    """A level's name; the short one for heads of columns."""
    return words("frontpage", lang).get(f"{'long_' if long else ''}level_{level}", level)


def short_month(month: str, lang: str) -> str:
    """9月, or Sep, from 2026-09."""
    return month_words(month, lang).rpartition("年")[2].split()[0]


def _levels(every: Iterable[Aim]) -> list[str]:
    """The levels of the aim that is split most."""
    return max(([row.level for row in aim.levels] for aim in every), key=len, default=[])


def _target(aim: Aim, lang: str) -> str:
    """The target, or the levels' targets from junior to senior with the unit written once."""
    targets = [row.target for row in aim.levels] or [aim.whole.target]
    if len(set(targets)) == 1:
        return _value(targets[0], aim.known, lang)
    figures = [_value(target, aim.known, lang) for target in targets]
    unit = _ending(figures)
    bare = [figure.removesuffix(unit) for figure in figures]
    return "/".join(bare) + unit


def _ending(figures: Sequence[str]) -> str:
    """What all figures end in that is no digit: their unit."""
    last = figures[-1]
    unit = last.lstrip("0123456789.,-–")
    return unit if all(figure.endswith(unit) for figure in figures) else ""


def _stretch(row: Any) -> float:
    """The stretch, unless the data cannot tell it from the target."""
    return float("nan") if "NOT_SEPARABLE" in str(row.status).split(";") else row.stretch


def _peers(aim: Aim, lang: str) -> str:
    if not isfinite(aim.peers):
        return MISSING
    value = quantity(aim.peers, aim.known.unit, lang)
    return say("frontpage.same_tier", lang, value=value) if aim.same_tier else value


def _value(value: float, known: Entry, lang: str) -> str:
    """A value that was set: without a decimal where its steps have none."""
    said = quantity(value, known.unit, lang)
    whole = known.step >= (0.01 if known.unit in ("share", "ratio") else 1)
    return said.replace(".0", "", 1) if whole and ".0" in said else said
