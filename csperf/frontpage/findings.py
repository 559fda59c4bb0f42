"""The three sentences: is the work done, what matters most, where does it hurt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from ..catalogue import entry
from ..staffing import Stretch, stretch_of, stretch_words
from ..targets.words import apart
from ..text import say
from ..text.numbers import number, quantity
from .aims import Aim
from .page import About, Material
from .table import level_word, metric_name, role_word, short_month
from .weak import BUSY, Weak, weakest_day, weakest_hours

REASONS = ("TARGET_THIN", "FEW_MONTHS", "NO_N", "NOT_SEPARABLE")
MOST_REASONS = 2


def three(every: Sequence[Aim], material: Material, about: About, lang: str) -> tuple[str, ...]:
    """The three sentences of the page."""
    return ready(every, about, lang), matters(every, about, lang), where(material, about, lang)


def ready(every: Sequence[Aim], about: About, lang: str) -> str:
    """How many targets there are and how far each may be used."""
    roles = dict.fromkeys(aim.whole.role for aim in every)
    items = say("frontpage.and", lang).join(
        say("frontpage.ready_item", lang, role=role_word(role, lang), n=sum(a.whole.role == role for a in every))
        for role in roles
    )
    verdicts = say("frontpage.comma", lang).join(_verdicts(every, lang))
    reasons = list(dict.fromkeys(_reasons(every, lang)))[:MOST_REASONS]
    inside = say("frontpage.semicolon", lang).join(reasons)
    why = say("frontpage.bracket", lang, inside=inside) if inside else ""
    return say("frontpage.ready", lang, month=short_month(about.month, lang), items=items, verdicts=verdicts, why=why)


def _verdicts(every: Sequence[Aim], lang: str) -> Iterator[str]:
    """How many of each grade; the first of them is printed bold."""
    counts = {grade: sum(aim.grade == grade for aim in every) for grade in ("publish", "trial", "reference")}
    for grade, n in counts.items():
        if n == len(every):
            yield say(f"frontpage.ready_{grade}_all", lang, n=n)
        elif n:
            first = grade == "trial" and not counts["publish"]
            yield say(f"frontpage.ready_{grade}{'_first' * first}", lang, n=n)


def _reasons(every: Sequence[Aim], lang: str) -> Iterator[str]:
    """Why some are on trial only, the worst first."""
    trial = [aim for aim in every if aim.grade == "trial"]
    for aim in trial:
        thin = [row.n_agents for row in aim.levels if "TARGET_THIN" in str(row.status).split(";")]
        if thin and "TARGET_THIN" not in str(aim.whole.status).split(";"):
            yield say("frontpage.because_level", lang, role=role_word(aim.whole.role, lang), agents=int(min(thin)))
    for code in REASONS:
        for aim in (aim for aim in trial if code in str(aim.whole.status).split(";")):
            same = [a.whole for a in trial if a.whole.role == aim.whole.role and code in a.whole.status]
            most = max(same, key=lambda row: row.n_agent_months)
            slots: dict[str, object] = {"agents": int(most.n_agents), "agent_months": int(most.n_agent_months)}
            slots |= {"role": role_word(aim.whole.role, lang), "metric": metric_name(aim.known, lang)}
            yield say(f"frontpage.because_{code}", lang, **slots)


def matters(every: Sequence[Aim], about: About, lang: str) -> str:
    """The metric that lies furthest behind its peers; without any, the one that fewest are expected to meet."""
    aim = most_urgent(every)
    names = {"role": role_word(aim.whole.role, lang), "metric": metric_name(aim.known, lang)}
    what = say("frontpage.role_metric", lang, **names)
    unit = aim.known.unit
    if aim.met is None:
        target = quantity(aim.whole.target, unit, lang)
        return say("frontpage.matters_reference", lang, what=what, target=target)
    slots = {"what": what, "goal": _goal(aim, lang), "reach": _reach(aim, lang)}
    if not isfinite(aim.whole.shop_value):
        return say("frontpage.matters_no_value", lang, **slots)
    slots |= {"recent": short_month(about.recent, lang), "value": quantity(aim.whole.shop_value, unit, lang)}
    if not aim.behind > 0:
        return say("frontpage.matters", lang, **slots)
    slots["gap"] = apart(aim.peers, aim.whole.shop_value, unit, lang)
    slots["peers"] = say(f"frontpage.{'tier' if aim.same_tier else 'category'}_mean", lang)
    slots["worse"] = say(f"frontpage.worse_{'lower' if aim.known.better == 'higher' else 'higher'}", lang)
    return say("frontpage.matters_behind", lang, **slots)


def most_urgent(every: Sequence[Aim]) -> Aim:
    """The aim of the second sentence: scored ones with own data before others."""
    own = [aim for aim in every if aim.met is not None and aim.people] or list(every)
    scored = [aim for aim in own if aim.weight is None or aim.weight > 0] or own
    behind = [aim for aim in scored if aim.behind > 0]
    if behind:
        return max(behind, key=lambda aim: aim.behind)
    firm = [aim for aim in scored if aim.grade == "publish"] or scored
    return min(firm, key=lambda aim: (1.0 if aim.share is None else aim.share, -aim.people))


def _goal(aim: Aim, lang: str) -> str:
    if not aim.levels:
        return say("frontpage.goal", lang, target=quantity(aim.whole.target, aim.known.unit, lang))
    target = quantity(aim.shown.target, aim.known.unit, lang)
    return say("frontpage.goal_level", lang, level=level_word(aim.shown.level, lang, long=True), target=target)


def _reach(aim: Aim, lang: str) -> str:
    slots = {"role": role_word(aim.whole.role, lang), "agents": aim.people, "met": aim.met}
    return say("frontpage.reach_own" if aim.levels else "frontpage.reach", lang, **slots, low=aim.low, high=aim.high)


def where(material: Material, about: About, lang: str) -> str:
    """The weak hours where chats are known, else the weak day; what data it takes where neither is."""
    weak = weakest_hours(material.hours, material.where_metric)
    if weak:
        need = needed(weak, material)
        slots = _where_slots(weak, material.where_metric, lang) | {"hours": hours(weak, lang)}
        said = stretch_words(need, material.staffing, lang) if need else ""
        return say(f"frontpage.{_where_key(weak, need)}", lang, **slots, need=said)
    weak = weakest_day(material.days, material.where_metric)
    if weak:
        key, weekday = "where_days" if weak.clear else "where_days_even", say(f"frontpage.weekday_{weak.first}", lang)
        return say(f"frontpage.{key}", lang, **_where_slots(weak, material.where_metric, lang), weekday=weekday)
    return say("frontpage.where_unknown", lang, days=(about.last_day - about.first_day).days + 1)


def _where_key(weak: Weak, need: Stretch | None) -> str:
    if not weak.clear:
        return "where_hours_even"
    if need:
        return "where_hours_short" if need.short else "where_hours_staffed"
    return "where_hours_busy" if weak.busier >= BUSY else "where_hours"


def needed(weak: Weak, material: Material) -> Stretch | None:
    """What the weak hours need and have; null where that is not known."""
    return None if material.needs is None else stretch_of(material.needs, weak.first, weak.last)


def hours(weak: Weak, lang: str) -> str:
    """20–22点, or 20:00–22:00."""
    return say("frontpage.hours", lang, first=weak.first, last=weak.last)


def _where_slots(weak: Weak, metric: str, lang: str) -> dict[str, str]:
    known = entry(metric)
    values = {name: quantity(getattr(weak, name), known.unit, lang) for name in ("inside", "outside")}
    return {"metric": metric_name(known, lang), "ratio": number(weak.busier, "count"), **values}
