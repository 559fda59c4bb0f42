"""A look over a shop before its numbers are trusted: settings, files, platform rules, how complete the data is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .categories import tree_problems
from .engine import connect
from .errors import CsperfError, Problem
from .load import Seen, look
from .params import Params, load_params
from .rules import STALE_DAYS, stale
from .settings import listed
from .store import Store, runs_of
from .text import say, ui_language


@dataclass(frozen=True)
class Checkup:
    """What must be mended before a month is measured, and what is good to know."""

    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def checkup(params_file: str | Path, *, on_day: dt.date, month: str = "") -> Checkup:
    """Everything found at once about the shop of `params_file`, with rules looked at as of `on_day`.

    Exports that are not loaded yet are read as a load would read them. To be mended: files that would be refused,
    rejected rows (of files not loaded yet and of those in the store), accounts that wrote and are on no roster, a
    `month` (YYYY-MM, default: the settings', else the newest) without data, and faults of the loaded tree of
    categories. Gaps, stale rules and an empty roster are notes.

    CsperfError where the settings themselves cannot be read: nothing else can be looked at then.
    """
    params = load_params(params_file, month=month)
    here = str(params_file)
    seen = look(params.loading)
    broken = list(_broken_rules(params))
    problems = [*seen.problems, *_strangers(seen, here), *_month_without_data(params.month, seen, here), *broken]
    problems += _broken_tree(params, here)
    notes = [*([] if broken else _unconfirmed_rules(params, on_day)), *_gaps(params, seen, here)]
    notes += [Problem(here, say("load.no_roster", n=len(seen.wrote)))] if seen.wrote and not seen.roster else []
    return Checkup(tuple(problems), tuple(notes))


def _strangers(seen: Seen, where: str) -> Iterator[Problem]:
    if seen.strangers:
        yield Problem(where, say("load.not_on_roster", accounts=listed(seen.strangers)))


def _month_without_data(month: str, seen: Seen, where: str) -> Iterator[Problem]:
    if month and month not in seen.measurable:
        months = listed(seen.measurable) or say("cli.no_month")
        yield Problem(where, say("cli.month_empty", month=month, months=months))


def _broken_rules(params: Params) -> Iterable[Problem]:
    try:
        params.platform_rules()
    except CsperfError as error:
        return error.problems
    return ()


def _broken_tree(params: Params, where: str) -> list[Problem]:
    """What is wrong with the loaded tree of categories."""
    store = Store(params.store, params.timezone)
    if "categories" not in store.tables():
        return []
    tree = store.read(connect(), "categories").to_pandas()
    return tree_problems(tree, ", ".join(sorted(set(tree["source_file"]))) or where)


def _unconfirmed_rules(params: Params, on_day: dt.date) -> Iterator[Problem]:
    rules = stale(params.platform_rules(), on_day)
    if rules:
        names = listed(rule.name_zh if ui_language() == "zh" else rule.name_en for rule in rules)
        yield Problem(str(params.platform), say("cli.stale_rules", n=len(rules), days=STALE_DAYS, names=names))


def _gaps(params: Params, seen: Seen, where: str) -> Iterator[Problem]:
    """What is not loaded yet, and days of which nothing was downloaded."""
    store = Store(params.store, params.timezone)
    if not store.months():
        yield Problem(where, say("cli.nothing_loaded"))
        return
    if seen.unread:
        yield Problem(where, say("cli.unread", n=seen.unread))
    coverage = store.coverage("messages")
    missing = sorted(set(coverage.loc[coverage["n"].isna(), "day"]))
    if missing:
        yield Problem(where, say("cli.days_missing", n=len(missing), days=listed(runs_of(missing))))
