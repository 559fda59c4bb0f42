"""The three packs of a month: plan, progress, settle. Which pages each has, what month it is of, when it is refused."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from . import table_door
from .catalogue import entry
from .engine import EngineSettings, connect
from .errors import CsperfError, Problem
from .params import Params
from .run import Facts, Run, exempt_days, facts, history, month_days, open_run, propose, target_metrics
from .store import Store
from .targets.maturity import Immature, immature, settled_until
from .targets.progress import Month, progress
from .targets.register import Register, changed_inputs, days_of, later, published
from .targets.register_file import read_register
from .text import say, ui_language
from .text.numbers import day_words, month_words

STAGES = ("plan", "progress", "settle")
# The packs that a page belongs to. A page that is not named here belongs to plan and settle.
PAGES = {
    "01_data_quality": STAGES,
    "04_targets": ("plan",),
    "06_scorecard": ("settle",),  # scores look back
    "08_progress": ("progress",),
    "09_people": ("settle",),
    "11_staffing": ("plan",),  # people are planned before the month
}
FIRST_PAGE = ("plan",)  # the packs that begin with the first page: it is about the targets to come


@dataclass(frozen=True)
class Pack:
    """One pack: the run it shows, its stage, and the metrics whose values can still change although it was forced."""

    run: Run
    stage: str
    open: tuple[Immature, ...] = ()

    def has(self, page: str) -> bool:
        """Whether a page, by its name, belongs to it."""
        return self.stage in PAGES.get(page, ("plan", "settle"))

    def stamp(self, lang: str) -> str:
        """What every page and table of a provisional pack bears; empty where all is settled."""
        if not self.open:
            return ""
        last = max(one.from_day for one in self.open)
        return say("stages.stamp", lang, metrics=_listed(self.open, lang), day=day_words(last, lang))


def open_pack(
    params_file: str | Path,
    stage: str,
    *,
    month: str = "",
    lang: str = "",
    as_of: str = "",
    force: bool = False,
    now: dt.datetime | None = None,
) -> Pack:
    """The pack to make. `month` empty: planned from the running month, in progress now, the newest that is settled.

    `now`: the clock, which says what day is not over (default: this machine's). Such a day is in no pack unless forced.

    CsperfError where the stage is unknown or there are no rows, where a month is to be settled of which a scored metric
    can still change (unless `force`), and where it is frozen and its inputs are no longer those it was frozen with.
    """
    if stage not in STAGES:
        slots = {"found": stage, "allowed": ", ".join(STAGES)}
        raise CsperfError(Problem("--stage", say("report.stage_unknown", **slots)))
    try:
        run = open_run(params_file, month=month, lang=lang, as_of=as_of)
    except CsperfError as error:
        raise CsperfError([*error.problems, *_meant_to_plan(params_file, stage, month, as_of)]) from None
    if not run.params.month:
        run = _of_month(run, _usual_month(run, stage))
    if not force and (unfinished := not_over(run, now or dt.datetime.now().astimezone())):
        slots = {"day": f"{unfinished:%Y-%m-%d}"}
        raise CsperfError(Problem("--as-of", say("today.not_over", **slots)))
    if stage != "settle":
        return Pack(run, stage)
    still_open = immature(scored(run), run.definition, run.last_day, run.as_of)
    problems = [*_frozen_otherwise(run), *([] if force else _too_early(run, still_open))]
    if problems:
        raise CsperfError(problems)
    return Pack(run, stage, tuple(still_open))


def not_over(run: Run, now: dt.datetime) -> dt.date | None:
    """The shop's present day where the run would count what was loaded of it; else null."""
    if run.store.until is not None:
        return None
    newest = run.coverage().dropna(subset="n")["day"].max()
    today = now.astimezone(ZoneInfo(run.params.timezone)).date()
    return today if newest == today and run.first_day <= today <= run.last_day else None


def scored(run: Run) -> list[str]:
    """The metrics that a month is settled by: of its published targets, else those that get targets; that have data."""
    named = list(dict.fromkeys(published(register_of(run.params), run.month)["metric"]))
    if run.door == table_door.DOOR:
        return named or list(run.params.targets.metrics or run.params.metrics) or table_door.aims(run.measured)
    held = set(run.store.tables())
    needs = {key: _tables_behind(key) for key in named or target_metrics(run)}
    return [key for key, tables in needs.items() if tables <= held]


def _tables_behind(metric: str) -> set[str]:
    """The tables without which the metric has no values."""
    known = entry(metric)
    orders = any(part.fact == "purchases" or "orders_known" in part.among for part in known.sums.values())
    return {"calls"} if known.role == "call" else {"messages", "orders"} if orders else {"messages"}


def register_of(params: Params) -> Register:
    """The shop's register of targets; an empty one where there is none yet."""
    return read_register(params.folder / f"{params.shop}.register.csv")


def month_inputs(params: Params, month: str) -> dict[str, str]:
    """Hash of every file that a month's rows came from, by name, and of the counting rules; empty without rows."""
    first, last = days_of(month)
    store = Store(params.store, params.timezone)
    if month not in store.months():
        return {}
    con = connect(EngineSettings())
    found: set[str] = set()
    for table in store.tables():
        rows = store.read(con, table, first, last)
        found |= set(rows.select("source_file").distinct().to_pandas()["source_file"].dropna())
    con.disconnect()
    files = store.manifest()["files"]
    rules = json.dumps(params.counting_rules().model_dump(mode="json"), sort_keys=True, default=str)
    dated = {label: about["sha256"] for label, about in files.items() if label in found}
    return dated | {f"definitions {params.definitions}": hashlib.sha256(rules.encode()).hexdigest()}


# Which month ------------------------------------------------------------------------------------------------------


def _of_month(run: Run, month: str) -> Run:
    first, last = month_days(month)
    return replace(run, month=month, first_day=first, last_day=last)


def _usual_month(run: Run, stage: str) -> str:
    """The month a pack is of where none is named, of those with data."""
    months, known = run.store.months(), run.as_of - dt.timedelta(days=1)
    running = min(f"{known:%Y-%m}", months[-1])
    if stage == "progress":
        return running
    if stage == "plan":
        begun = running == f"{known:%Y-%m}" and known.day < run.params.targets.min_days
        before = f"{later(days_of(running)[0], -1):%Y-%m}"
        return before if begun and before in months else running
    settled = (month for month in reversed(months) if not _open_in(_of_month(run, month)))
    return next(settled, months[-1])


def _open_in(run: Run) -> list[Immature]:
    return immature(scored(run), run.definition, run.last_day, run.as_of)


def _meant_to_plan(params_file: str | Path, stage: str, month: str, as_of: str) -> Iterator[Problem]:
    """Says how to plan a month to whoever named the month to come, of which there can be no data."""
    if stage == "plan" and month:
        before = f"{later(days_of(month)[0], -1):%Y-%m}"
        try:
            open_run(params_file, month=before, as_of=as_of)
        except CsperfError:
            return
        yield Problem("--month", say("stages.plan_from", month=month, before=before))


# Midway -----------------------------------------------------------------------------------------------------------


def progress_so_far(source: Run | Facts) -> pd.DataFrame:
    """Where the run's month stands against its targets (targets.progress): the published ones, else those proposed.

    No rows where there are no targets: none published, and no month before this one to propose any from.
    """
    known = source if isinstance(source, Facts) else facts(source)
    run = known.run
    aims = _aims(known)
    whole = run.params.targets.model_copy(update={"history_months": 1, "min_days": 0, "metrics": ()})
    month = replace(run, params=run.params.model_copy(update={"targets": whole}))
    keys = list(dict.fromkeys(aims["metric"]))
    values = history(Facts(month, known), keys) if keys else pd.DataFrame(columns=["agent_id", "month", "metric"])
    roster = run.table("roster")
    return progress(values, aims, _calendar(run, keys), roster=roster, settings=run.params.targets)


def _aims(known: Facts) -> pd.DataFrame:
    """The targets of the run's month, with `source`."""
    run = known.run
    in_force = published(register_of(run.params), run.month)
    before = f"{later(run.first_day, -1):%Y-%m}"
    if len(in_force) or before not in run.store.months():
        return in_force.assign(source="published")
    past = Facts(_of_month(run, before), known)
    quick = run.params.targets.model_copy(update={"resamples": 0})  # how sure the targets are is the plan's to say
    return propose(past, quick, values=history(past)).targets.assign(source="proposed")


def _calendar(run: Run, metrics: list[str]) -> Month:
    """The days of the run's month: activity days are no part of it, days worked are those of the shifts."""
    settled = {key: settled_until(key, run.definition, run.as_of) for key in metrics}
    shifts = run.table("shifts")
    days = shifts.assign(day=pd.to_datetime(shifts["day"]).dt.date).groupby("agent_id")["day"].agg(frozenset).to_dict()
    return Month(run.first_day, run.last_day, settled, frozenset(exempt_days(run)), days)


# When it is refused -----------------------------------------------------------------------------------------------


def _too_early(run: Run, still_open: list[Immature]) -> Iterator[Problem]:
    """Which metrics settle when, and what to do until then."""
    lang = ui_language()
    for day in dict.fromkeys(one.from_day for one in still_open):
        names = _listed([one for one in still_open if one.from_day == day], lang)
        yield Problem(run.month, say("stages.settles_on", metrics=names, day=day_words(day, lang)))
    if still_open:
        eve, day = (one - dt.timedelta(days=1) for one in (run.as_of, still_open[-1].from_day)), still_open[-1].from_day
        slots = dict(zip(("known", "through"), (day_words(one, lang) for one in eve), strict=True))
        said = say("stages.too_early", month=month_words(run.month, lang), day=day, **slots)
        yield Problem("--stage settle", said)


def _frozen_otherwise(run: Run) -> Iterator[Problem]:
    """What of a frozen month is no longer as it was frozen."""
    register = register_of(run.params)
    if not register.frozen(run.month):
        return
    changed = changed_inputs(register, run.month, month_inputs(run.params, run.month))
    if changed:
        slots = {"month": run.month, "names": say("frontpage.and").join(changed), "params": run.params.file.name}
        yield Problem(run.month, say("stages.frozen_changed", **slots))


def _listed(some: list[Immature] | tuple[Immature, ...], lang: str) -> str:
    return say("frontpage.and", lang).join(entry(one.metric).name(lang) for one in some)
