"""A shop's register and the data behind its steps: what is proposed, tried, judged, published and frozen."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from .adoption import form_name, unpublished, write_form
from .errors import CsperfError, Problem
from .export import write_table
from .params import Params, load_params
from .run import Run, history, open_run
from .run import propose as propose_for
from .stages import month_inputs
from .store import Store
from .targets import Model, Proposal, agent_months, life
from .targets.publishing import Adoption, Predict
from .targets.register import Event, Register, days_of, later, published
from .targets.register_file import read_register
from .targets.trial import Plan, Verdict, plan_trial, plan_with, verdict
from .text import say
from .tidy import read_tidy
from .weighing import in_use, read_published, scorable, weights_path
from .weights.held import published as published_weights

ID_LENGTH = 12  # of a run's or a file's hash


@dataclass(frozen=True)
class Shop:
    """A shop whose targets are reviewed: its settings and its register."""

    params: Params
    register: Register

    @property
    def store(self) -> Store:
        """Where its rows are."""
        return Store(self.params.store, self.params.timezone)


def open_shop(params_file: str | Path) -> Shop:
    """The shop and its register, `<shop>.register.csv` beside the settings; an empty one where there is none yet."""
    params = load_params(params_file)
    return Shop(params, read_register(params.folder / f"{params.shop}.register.csv"))


def month_before(month: str) -> str:
    """The month before one written YYYY-MM."""
    return f"{later(days_of(month)[0], -1):%Y-%m}"


def month_after(day: dt.date) -> str:
    """The month after that of a day."""
    return f"{later(day, 1):%Y-%m}"


def derived(shop: Shop, month: str = "") -> tuple[Run, Proposal]:
    """The targets that the shop's data before `month` give, by its newest complete month."""
    run = open_run(shop.params.file)
    if month and run.month >= month:
        run = open_run(shop.params.file, month=month_before(month))
    return run, propose_for(run)


def publish_weights(shop: Shop, month: str, *, who: str, reason: str = "", handed: pd.DataFrame | None = None) -> Path:
    """The file with the shop's weights published from a month on. `handed`: metric, role, weight.

    Default: the weights as csperf works them out for what has targets in the month, published or proposed. CsperfError
    with everything refused: nobody's name, a month that is frozen, weights that do not hold (weights.held).
    """
    start, path = days_of(month)[0], weights_path(shop.params.folder, shop.params.shop)
    if problems := list(life.frozen_since(shop.register, start)):
        raise CsperfError(problems)
    weights = _weights(shop, month) if handed is None else handed
    rows = published_weights(read_published(path), weights, start=f"{start}", who=who, reason=reason)
    return write_table(rows, path, excel=True)


def _weights(shop: Shop, month: str) -> pd.DataFrame:
    run = open_run(shop.params.file)
    aims = published(shop.register, month)
    aims = propose_for(run).targets if aims.empty else aims
    weighed = in_use(run, aims, history(run, scorable(aims)["metric"].unique().tolist()))
    return pd.concat([one.weights for one in weighed], ignore_index=True)


# Proposals --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Proposed:
    """A register with new proposals, the month they are meant for, and the form that was written for them."""

    register: Register
    month: str
    form: Path
    left_on_trial: int

    def new(self, before: Register) -> tuple[Event, ...]:
        """The events that were added."""
        return self.register.events[len(before.events) :]


def propose(shop: Shop, targets: Path | None, *, month: str, on: dt.date, who: str, lang: str) -> Proposed:
    """Proposals from a table of targets, or from the shop's data where none is given; the register is not saved yet.

    CsperfError where the form still holds entries that nobody published, so that no work is lost.
    """
    if problems := list(life.unsigned(who)):  # before minutes of deriving
        raise CsperfError(problems)
    form = shop.params.folder / form_name(lang)
    if waiting := unpublished(form, shop.register):
        raise CsperfError(Problem(str(form), say("review.form_in_use", n=waiting)))
    if targets:
        frame, run_id = read_tidy(targets, "targets"), _hash(targets.read_bytes())
        definitions, month = shop.params.definitions, month or month_after(on)
    else:
        run, proposal = derived(shop, month)
        frame, run_id, definitions = proposal.targets, run.key[:ID_LENGTH], run.definition.name
        month = month or month_after(run.last_day)
    register = life.propose(shop.register, frame, month=month, on=on, who=who, definitions=definitions, run_id=run_id)
    named = {(row["metric"], row["role"]) for row in frame.to_dict("records")}
    left = [id for id in register.targets("trial") if register.latest(id).key[:2] in named]
    return Proposed(register, month, form, len(left))


def write_proposals(register: Register, form: Path, lang: str) -> None:
    """Writes the form with every target that may be taken up now."""
    write_form(form, [register.life(id)[0] for id in register.targets("proposed", "trial")], lang)


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:ID_LENGTH]


def prediction(shop: Shop, adoptions: Iterable[Adoption], month: str) -> Predict | None:
    """How many would meet another value than the proposed one; null where nothing differs or no data are loaded."""
    proposed = {a.id: shop.register.life(a.id)[0].target for a in adoptions if shop.register.state(a.id)}
    if all(a.value is None or a.value == proposed.get(a.id) for a in adoptions) or not shop.store.months():
        return None
    _, proposal = derived(shop, month)

    def predict(event: Event, value: float) -> dict[str, float]:
        model = proposal.models.get((event.metric, event.role))
        if model is None:
            return {}
        found = model.expected(model.panel.place(event.level), value)
        return {name: found[name] for name in life.FORECAST}

    return predict


# Trials -----------------------------------------------------------------------------------------------------------


def plan(shop: Shop, id: str, *, month: str, pilots: int, months: int, seed: int) -> Plan:
    """The plan of a proposed target's trial from `month` on; CsperfError where the shop has no data for it."""
    event = _known(shop, id)
    return plan_trial(
        _model(shop, event, month),
        float(event.target or 0.0),
        _stretch(event),
        level=event.level or None,
        pilots=pilots,
        months=months,
        seed=seed,
    )


def judge(shop: Shop, id: str) -> Verdict:
    """What a trial showed; CsperfError where there is none, or its last month is not loaded."""
    event = _known(shop, id)
    trial = next((e for e in shop.register.life(id) if e.act == "trial"), None)
    if trial is None or trial.valid_from is None or trial.valid_to is None:
        raise CsperfError(life.wrong_state(shop.register, id, "verdict"))
    first, last = f"{trial.valid_from:%Y-%m}", f"{trial.valid_to:%Y-%m}"
    covered = open_run(shop.params.file)
    if covered.month < last:
        slots = {"id": id, "last": trial.valid_to, "loaded": covered.last_day}
        raise CsperfError(Problem(id, say("review.trial_not_over", **slots)))
    model = _model(shop, event, first)
    span = months_between(first, last)
    tried = plan_with(
        model, float(trial.target or 0.0), _stretch(event), trial.agents.split(), level=event.level or None,
        months=len(span),
    )  # fmt: skip
    run = covered if covered.month == last else open_run(shop.params.file, month=last)
    rows = agent_months(history(run, [event.metric]), roster=run.table("roster"), settings=run.params.targets)
    return verdict(tried, rows[rows["month"].isin(span)], run.params.targets)


def months_between(first: str, last: str) -> list[str]:
    """Every month from the first to the last."""
    found = [first]
    while found[-1] < last:
        found.append(month_after(days_of(found[-1])[0]))
    return found


def _known(shop: Shop, id: str) -> Event:
    if not shop.register.state(id):
        raise CsperfError(Problem(id, say("review.no_such_target", id=id)))
    return shop.register.life(id)[0]


def _model(shop: Shop, event: Event, month: str) -> Model:
    _, proposal = derived(shop, month)
    model = proposal.models.get((event.metric, event.role))
    if model is None:
        raise CsperfError(Problem(event.id, say("review.no_model", id=event.id, metric=event.metric, role=event.role)))
    return model


def _stretch(event: Event) -> float:
    return float(event.target or 0.0) if event.stretch is None else event.stretch


# The freeze -------------------------------------------------------------------------------------------------------


def inputs(shop: Shop, month: str) -> dict[str, str]:
    """Hash of every file that a month's rows came from, by name, and of the counting rules; empty without rows."""
    return month_inputs(shop.params, month)
