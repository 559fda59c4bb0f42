"""All that the first page says, put together from its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

import pandas as pd

from ..catalogue import entry
from ..metric import FEN_PER_YUAN
from ..staffing import capacity_words, stretches
from ..targets.platform_words import red_line_words
from ..targets.words import chance, company_goal
from ..text import say, words
from ..text.numbers import day_words, days_words, month_words, number, quantity
from . import findings, table
from .aims import Aim, aims, assessed, by_metric, printed
from .page import About, FrontPage, Material
from .pictures import charts
from .weak import weakest_day, weakest_hours

MOST_RED_LINES = 2
PEAKS = 2  # METHOD 1.2: fewer show no season


def content(material: Material, about: About, *, lang: str = "zh") -> FrontPage:
    """The first page in one language: every number from its table, every sentence chosen by its number."""
    material = replace(material, review=by_metric(material.review))
    every = aims(material)
    first = printed(every)
    rest = [aim for aim in every if aim not in first]
    monday = about.dated + timedelta(days=7 - about.dated.weekday())
    return FrontPage(
        lang=lang,
        made_on=about.dated,
        title=_title(about, lang),
        about=tuple(_about(about, lang)),
        sentences=findings.three(every, material, about, lang),
        numbers=tuple(_numbers(every, material, about, lang)),
        table_title=say("frontpage.heading_table", lang, month=table.short_month(about.month, lang)),
        heads=table.heads(every, about, lang),
        rows=table.rows(first, every, lang),
        more=table.rows(rest, every, lang),
        level_heads=table.level_heads(lang),
        level_rows=table.level_rows(every, lang),
        notes=tuple(_notes(every, material, about, lang)),
        red_lines=tuple(_red_lines(material, lang)),
        charts=charts(first, material, about, lang),
        monday=say("frontpage.monday", lang, day=day_words(monday, lang)),
        to_do=tuple(_to_do(every, material, about, monday, lang)),
        footer=tuple(_footer(about, lang)),
        words=words("frontpage", lang),
    )


def _title(about: About, lang: str) -> str:
    slots = {"shop": about.shop, "month": month_words(about.month, lang)}
    platform = words("frontpage", lang).get(f"platform_{about.platform}", about.platform)
    if not platform:
        return say("frontpage.title_no_platform", lang, **slots)
    return say("frontpage.title", lang, **slots, platform=platform)


def _about(about: About, lang: str) -> Iterator[str]:
    """When it was made, from which days, how complete they are, by whose counting rules."""
    if about.made_on:
        weekday = say(f"frontpage.weekday_{about.made_on.weekday()}", lang)
        yield say("frontpage.made_on", lang, day=day_words(about.made_on, lang), weekday=weekday)
    days = dict(zip(("first", "last"), days_words((about.first_day, about.last_day), lang), strict=True))
    if about.maturing:
        yield say("frontpage.data_days_maturing", lang, **days, days=about.maturing)
    else:
        yield say("frontpage.data_days", lang, **days)
    if about.completeness is not None:
        key = "frontpage.complete_missing" if about.missing else "frontpage.complete"
        slots = {"missing": about.missing} if about.missing else {}
        yield say(key, lang, share=number(about.completeness, "share").replace(".0%", "%"), **slots)
    yield say("frontpage.counted_by", lang, rules=about.counting_rules)


def _numbers(every: Sequence[Aim], material: Material, about: About, lang: str) -> Iterator[str]:
    """The line of key numbers."""
    people, roles = assessed(every, material.agents)
    parts = [say("frontpage.people_role", lang, role=table.role_word(r, lang), n=n) for r, n in roles.items()]
    if parts:
        yield say("frontpage.people", lang, n=people, roles=say("frontpage.and", lang).join(parts))
    elif people:
        yield say("frontpage.people_alone", lang, n=people)
    if about.newcomers:
        yield say("frontpage.newcomers", lang, n=about.newcomers)
    yield _review(material.review, about, lang)
    if costs := _costs(material):
        yield say("frontpage.bonus", lang, month=table.short_month(about.month, lang), **costs)
    if material.red_lines is not None and len(material.red_lines):
        yield from _line_number(material.red_lines, lang)


def _costs(material: Material) -> dict[str, str]:
    """What the bonuses cost in yuan by case, within the budget but for `full`; empty where no bonus is set."""
    if material.bonus is None or material.bonus["bonus_fen"].isna().any():
        return {}
    cases = material.bonus.set_index("case")
    fen = cases["bonus_fen"].to_dict() | {"full": cases.loc["most", "uncapped_fen"]}
    return {case: number(value / FEN_PER_YUAN, "yuan") for case, value in fen.items()}


def _review(review: pd.DataFrame | None, about: About, lang: str) -> str:
    """How last month's targets fared; in the first month that there is nothing yet."""
    if review is None or review.empty:
        return say("frontpage.review_none", lang)
    month = table.short_month(about.recent, lang)
    inside = review["met"].between(review["low"], review["high"])
    if len(review) > 1:
        return say("frontpage.review", lang, month=month, n=len(review), inside=int(inside.sum()))
    one = review.iloc[0]
    verdict = "inside" if inside.iloc[0] else "more" if one["met"] > one["high"] else "fewer"
    slots = {"low": int(one["low"]), "high": int(one["high"]), "met": int(one["met"])}
    return say("frontpage.review_one", lang, month=month, verdict=say(f"frontpage.verdict_{verdict}", lang), **slots)


def _line_number(lines: pd.DataFrame, lang: str) -> Iterator[str]:
    """The likeliest breach of a rule that may stand in a headline; else how many rules wait to be checked."""
    usable = lines[lines["usable"].astype(bool)]
    chances = usable["breach_yearly"].astype(float).dropna()
    if len(chances):
        said = chance(chances.max(), lang)
        yield say(f"frontpage.line_chance{'' if said[0].isdigit() else '_word'}", lang, chance=said)
    elif len(usable) < len(lines):
        yield say("frontpage.line_unverified", lang, n=len(lines) - len(usable))


def _notes(every: Sequence[Aim], material: Material, about: About, lang: str) -> Iterator[str]:
    """What the table does not say by itself."""
    split = next((aim for aim in every if aim.levels), None)
    if split:
        yield say("frontpage.note_levels", lang, level=table.level_word(split.shown.level, lang, long=True))
    for code in ("TOO_HARD", "TOO_EASY", "NOT_SEPARABLE"):
        names = [table.metric_name(a.known, lang) for a in every if code in a.codes]
        if names:
            metrics = say("frontpage.and", lang).join(dict.fromkeys(names))
            yield say(f"frontpage.note_{code.lower()}", lang, metrics=metrics)
    if 0 < about.activities < PEAKS:
        yield say("sentences.no_season", lang)
    yield say("frontpage.note_scores", lang)
    yield from _weights(material.weights, lang)
    yield from _bonus(material, about, lang)
    yield from (said for aim in every if aim.weight != 0 and (said := _company_goal(aim, lang)))


def _weights(weights: pd.DataFrame | None, lang: str) -> Iterator[str]:
    """Where the weights come from: once where it is the same for all, else role by role."""
    if weights is None or weights.empty:
        return
    of_role = weights.drop_duplicates("role").set_index("role")["said"]
    if of_role.nunique() == 1:
        yield of_role.iloc[0]
    else:
        yield from (
            say("frontpage.note_weights", lang, role=table.role_word(r, lang), said=s) for r, s in of_role.items()
        )


def _bonus(material: Material, about: About, lang: str) -> Iterator[str]:
    """What the bonuses cost in a bad month and in a good one (PRACTICE 13)."""
    costs = _costs(material)
    if material.bonus is None or not costs:
        return
    budget = material.bonus["budget_fen"].iloc[0]
    cut = "" if pd.isna(budget) else say("frontpage.bonus_budget", lang, budget=number(budget / FEN_PER_YUAN, "yuan"))
    yield say("frontpage.note_bonus", lang, recent=table.short_month(about.recent, lang), **costs | {"budget": cut})


def _company_goal(aim: Aim, lang: str) -> str:
    """What the company's goal means for an aim (PRACTICE 10); empty where there is none, or nobody to reach it."""
    whole, known = aim.whole, aim.known
    if pd.isna(whole.company_goal) or pd.isna(whole.company_share) or not whole.team:
        return ""
    higher = known.better == "higher"
    figures = whole.company_goal, whole.shop_value, known.unit, int(whole.team), whole.company_share
    names = {"role": table.role_word(whole.role, lang), "metric": table.metric_name(known, lang)}
    what = say("frontpage.role_metric", lang, **names)
    return say("frontpage.note_company_goal", lang, what=what, said=company_goal(*figures, higher=higher, lang=lang))


def _red_lines(material: Material, lang: str) -> Iterator[str]:
    """The platform's rules, verified ones first; an unverified one says so and names no fine.

    Where the shop cannot keep a floor of speed with the people it has, how many are missing.
    """
    lines = material.red_lines
    if lines is None:
        return
    ordered = lines.assign(usable=lines["usable"].astype(bool)).sort_values("usable", ascending=False, kind="stable")
    for row in ordered.head(MOST_RED_LINES).to_dict("records"):
        unit, rule, sentence = entry(row["metric"]).unit, row[f"rule_{lang}"], red_line_words(row, lang)
        if pd.notna(row["breach_yearly"]):
            slots = {name: quantity(row[name], unit, lang) for name in ("mean", "worst", "threshold")}
            yield say("frontpage.red_line", lang, rule=rule, days=int(row["n_days"]), sentence=sentence, **slots)
        else:
            named = sentence if rule in sentence else say("frontpage.red_line_open", lang, rule=rule, sentence=sentence)
            yield named
    short = [] if material.needs is None else stretches(material.needs)
    yield from capacity_words(ordered.head(MOST_RED_LINES), short, lang)


def _to_do(every: Sequence[Aim], material: Material, about: About, monday: date, lang: str) -> Iterator[str]:
    """Who does what in the week that follows, only what the page gives cause for."""
    yield say("frontpage.to_do_adopt", lang)
    weak = weakest_hours(material.hours, material.where_metric)
    day = None if weak else weakest_day(material.days, material.where_metric)
    trial = sum(aim.grade == "trial" for aim in every)
    if weak and weak.clear:
        need, hours = findings.needed(weak, material), findings.hours(weak, lang)
        key = "to_do_shifts" if need is None else "to_do_people" if need.short else "to_do_ways"
        yield say(f"frontpage.{key}", lang, where=hours, people=need.short if need else 0)
    elif day and day.clear:
        yield say("frontpage.to_do_shifts", lang, where=say(f"frontpage.weekday_{day.first}", lang))
    elif trial:
        yield say("frontpage.to_do_trial", lang, n=trial)
    if costs := _costs(material):
        yield say("frontpage.to_do_bonus", lang, month=table.short_month(about.month, lang), **costs)
    levels = list(dict.fromkeys(row.level for aim in every for row in aim.levels))[:2]
    names = say("frontpage.and", lang).join(table.level_word(level, lang, long=True) for level in levels)
    yield say("frontpage.to_do_listen", lang, who=names) if levels else say("frontpage.to_do_listen_two", lang)
    lines = material.red_lines
    waiting = [] if lines is None else list(lines.loc[~lines["usable"].astype(bool), f"rule_{lang}"])
    if waiting:
        some = say("frontpage.and", lang).join(dict.fromkeys(waiting[:MOST_RED_LINES]))
        yield say("frontpage.to_do_verify", lang, rules=some)
    unknown = sum(aim.peers != aim.peers for aim in every)
    if unknown == len(every):
        yield say("frontpage.to_do_benchmark", lang, n=unknown)
    signed = monday + timedelta(days=4)
    in_force = day_words(max(date.fromisoformat(f"{about.month}-01"), signed + timedelta(days=1)), lang)
    people, _ = assessed(every, material.agents)
    if people:
        yield say("frontpage.to_do_publish", lang, n=people, day=in_force)


def _footer(about: About, lang: str) -> Iterator[str]:
    yield say("frontpage.footer_annex", lang)
    who = about.objections_to or say("frontpage.objection_default", lang)
    yield say("frontpage.footer_objection", lang, who=who)
    if about.number:
        yield say("frontpage.footer_number", lang, id=about.number)
