"""A look over a shop before its numbers are trusted: settings, files, platform rules, how complete the data is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import CsperfError, Problem
from .load import problems_of
from .params import Params, load_params
from .rules import STALE_DAYS, stale
from .settings import listed
from .store import Store
from .text import say, ui_language


@dataclass(frozen=True)
class Checkup:
    """What must be mended before a month is measured, and what is good to know."""

    problems: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def checkup(params_file: str | Path, *, on_day: dt.date) -> Checkup:
    """Everything found at once about the shop of `params_file`, with rules looked at as of `on_day`.

    Exports that are not loaded yet are read as a load would read them.

    CsperfError where the settings themselves cannot be read: nothing else can be looked at then.
    """
    params = load_params(params_file)
    problems = [*problems_of(params.loading), *_broken_rules(params)]
    notes = [*_unconfirmed_rules(params, on_day), *_gaps(params, str(params_file))] if not problems else []
    return Checkup(tuple(problems), tuple(notes))


def _broken_rules(params: Params) -> Iterable[Problem]:
    try:
        params.platform_rules()
    except CsperfError as error:
        return error.problems
    return ()


def _unconfirmed_rules(params: Params, on_day: dt.date) -> Iterator[Problem]:
    rules = stale(params.platform_rules(), on_day)
    if rules:
        names = listed(rule.name_zh if ui_language() == "zh" else rule.name_en for rule in rules)
        yield Problem(str(params.platform), say("cli.stale_rules", n=len(rules), days=STALE_DAYS, names=names))


def _gaps(params: Params, where: str) -> Iterator[Problem]:
    """Days of which nothing was downloaded."""
    store = Store(params.store, params.timezone)
    if not store.months():
        yield Problem(where, say("cli.nothing_loaded"))
        return
    coverage = store.coverage("messages")
    missing = sorted(set(coverage.loc[coverage["n"].isna(), "day"]))
    if missing:
        yield Problem(where, say("cli.days_missing", n=len(missing), days=listed(map(str, missing))))
