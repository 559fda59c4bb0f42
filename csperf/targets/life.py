"""A target's life, proposed, on trial, published, retired: what each act needs, and what is refused with its reason."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from typing import Any

import pandas as pd

from ..catalogue import entry
from ..errors import CsperfError, Problem
from ..text import say
from .register import STEPS, Event, Register, days_of, later, published
from .trial import Plan, Verdict
from .unchanged import within
from .unchanged import words as unchanged_words

DIGITS = 10  # 0.55 - 0.05 is not 0.5: noise of binary fractions is not what was decided
NEEDED = ("metric", "role", "target")
TEXTS = ("role", "level", "grade", "status", "reason")
VALUES = ("base", "stretch", "half_width")
FORECAST = ("attainment", "attainment_low", "attainment_high", "team")


def propose(
    register: Register,
    targets: pd.DataFrame,
    *,
    month: str,
    on: dt.date,
    who: str,
    definitions: str = "",
    run_id: str = "",
) -> Register:
    """The register with one proposal for each target that has a value, meant for `month`.

    `targets`: columns of CONTRACT 4. A proposal within its own half-width of what is in force is answered "unchanged"
    at once; one that nobody took up gives way to the newer; a target on trial is left to its trial. CsperfError where
    columns or metrics are unknown, the month is frozen, or nobody is named.
    """
    rows = _proposable(targets)
    if problems := [*unsigned(who), *frozen_since(register, days_of(month)[0])]:
        raise CsperfError(problems)
    in_force_then = in_force(register, month)
    meant: dict[str, Any] = {"valid_from": days_of(month)[0], "definitions": definitions, "run_id": run_id}
    for row in rows:
        current = in_force_then.get((row["metric"], row["role"], row["level"]))
        before = current.target if current else None
        event = Event(
            date=on, act="propose", id=register.next_id("target"), who=who, before=before, proposed=row["target"],
            **row, **meant,
        )  # fmt: skip
        register = _with_proposal(register, event, current)
    return register


def _with_proposal(register: Register, event: Event, current: Event | None) -> Register:
    """The register with a proposal, its older rival gone; as it was where that rival is on trial."""
    rivals = [id for id in register.targets("proposed", "trial") if register.latest(id).key == event.key]
    if any(register.state(id) == "trial" for id in rivals):
        return register
    gone = [_ended(event, id, say("review.newer_proposal")) for id in rivals]
    kept = []
    if current and _unchanged(event, current):
        kept.append(_ended(event, event.id, unchanged_words(event.metric, event.target, event.before)))
    return register.with_events(*gone, event, *kept)


def _ended(event: Event, id: str, reason: str) -> Event:
    """The end of a proposal, by who proposed `event` and on its day."""
    return Event(date=event.date, act="retire", id=id, who=event.who, reason=reason)


def _proposable(targets: pd.DataFrame) -> list[dict[str, Any]]:
    """The targets' columns that the register keeps; rows without value, and the shop's own, are no proposals."""
    if missing := [name for name in NEEDED if name not in targets]:
        said = say("review.columns_missing", missing=", ".join(missing))
        raise CsperfError(Problem("targets", said))
    frame = targets.reindex(columns=["metric", "target", *TEXTS, *VALUES, *FORECAST])
    frame = frame[pd.to_numeric(frame["target"], errors="coerce").notna() & (frame["role"] != "shop")]
    problems: list[Problem] = []
    rows: list[dict[str, Any]] = []
    for row in frame.to_dict("records"):
        try:
            entry(str(row["metric"]))
        except CsperfError as error:
            problems += error.problems
        text = {name: "" if pd.isna(row[name]) else str(row[name]) for name in ("metric", *TEXTS)}
        numbers: dict[str, Any] = {name: _number(row[name]) for name in ("target", *VALUES, *FORECAST)}
        if numbers["team"] is not None:
            numbers["team"] = int(numbers["team"])
        rows.append(text | numbers)
    if problems:
        raise CsperfError(dict.fromkeys(problems))
    return rows


def _number(cell: Any) -> float | None:
    value = float(pd.to_numeric(cell, errors="coerce"))
    return round(value, DIGITS) if math.isfinite(value) else None


def in_force(register: Register, month: str) -> dict[tuple[str, str, str], Event]:
    """The events that published the targets in force in a month, by what they are for."""
    ids = set(published(register, month)["id"])
    return {event.key: event for event in register.events if event.act == "publish" and event.id in ids}


def _unchanged(new: Event, current: Event) -> bool:
    """Whether a proposal differs from what is in force by no more than its own half-width, under the same rules."""
    if new.definitions != current.definitions:
        return False
    return within(new.target, current.target, new.half_width)


# Trial ------------------------------------------------------------------------------------------------------------


def start_trial(register: Register, id: str, plan: Plan, *, month: str, on: dt.date, who: str) -> Register:
    """The register with a trial of a proposed target from `month` on; the plan's own words are kept as the reason."""
    if problems := [*unsigned(who), *wrong_state(register, id, "trial"), *frozen_since(register, days_of(month)[0])]:
        raise CsperfError(problems)
    first, known = days_of(month)[0], register.latest(id)
    event = Event(
        date=on, act="trial", id=id, who=who, metric=known.metric, role=known.role, level=known.level,
        target=known.target, agents=" ".join(plan.pilots), reason=plan.said(),
        valid_from=first, valid_to=later(first, plan.months) - dt.timedelta(days=1),
    )  # fmt: skip
    return register.with_events(event)


def conclude_trial(register: Register, id: str, found: Verdict, *, on: dt.date, who: str) -> Register:
    """The register with what a trial showed; outcome is the verdict's code, target what to try next, if anything."""
    if problems := [*unsigned(who), *wrong_state(register, id, "verdict")]:
        raise CsperfError(problems)
    known = register.latest(id)
    event = Event(
        date=on, act="verdict", id=id, who=who, metric=known.metric, role=known.role, level=known.level,
        target=found.better, team=found.pilots, outcome=found.code, reason=found.said(),
    )  # fmt: skip
    return register.with_events(event)


# Retiring, and what every act needs -------------------------------------------------------------------------------


def retire(register: Register, id: str, *, until: dt.date, on: dt.date, who: str, reason: str) -> Register:
    """The register with a target that no longer holds after `until`, or a proposal taken back."""
    problems = [
        *unsigned(who),
        *wrong_state(register, id, "retire"),
        *frozen_since(register, until + dt.timedelta(days=1), id),
    ]
    if not reason.strip():
        problems.append(Problem("--reason", say("review.no_reason")))
    if problems:
        raise CsperfError(problems)
    ends = until if register.state(id) == "published" else None
    return register.with_events(Event(date=on, act="retire", id=id, who=who, valid_to=ends, reason=reason))


def unsigned(who: str) -> Iterator[Problem]:
    if not who.strip():
        yield Problem("--by", say("review.no_who"))


def wrong_state(register: Register, id: str, act: str, where: str = "") -> Iterator[Problem]:
    """Why a target cannot take this step now."""
    state, (allowed, _) = register.state(id), STEPS[act]
    if state in allowed:
        return
    if not state:
        yield Problem(where or id, say("review.no_such_target", id=id))
        return
    possible = [say(f"review.act_{name}") for name, (froms, _) in STEPS.items() if state in froms]
    slots = {"id": id, "act": say(f"review.act_{act}"), "state": say(f"review.state_{state}")}
    said = say("review.comma").join(possible) or say("review.nothing")
    last = register.life(id)[-1]
    yield Problem(where or id, say("review.wrong_state", **slots, possible=said, day=last.date))


def frozen_since(register: Register, first: dt.date, where: str = "") -> Iterator[Problem]:
    """Why nothing may change from a day on: a frozen month reaches to it."""
    for event in {e.id: e for e in register.events if e.act == "freeze"}.values():
        if event.valid_to and event.valid_to >= first:
            yield Problem(where or event.id, say("review.month_frozen", month=event.id.removeprefix("M")))
