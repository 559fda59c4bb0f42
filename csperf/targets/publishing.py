"""Publishing a target: who takes it up at which value, what needs a written reason, what is refused (PRACTICE 8)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from ..catalogue import entry
from ..errors import CsperfError, Problem
from ..text import say, ui_language
from ..text.numbers import quantity
from .life import FORECAST, frozen_since, in_force, wrong_state
from .register import CAUSES, Event, Register, later

QUARTER = 3  # months for which a published target holds
MIDWAY = ("rule", "failure")  # causes for which a target may change within a month, in the agents' favour
Predict = Callable[[Event, float], dict[str, float]]  # FORECAST of another value for the target of an event


@dataclass(frozen=True)
class Adoption:
    """A target taken up: its number, the value (null: as proposed), why it is another one or moves, and who took it.

    cause: one of CAUSES, for a change before the quarter is over. where: the file's cell or the option it came from.
    """

    id: str
    value: float | None = None
    reason: str = ""
    who: str = ""
    cause: str = ""
    where: str = ""


def publish(
    register: Register,
    adoptions: Iterable[Adoption],
    *,
    on: dt.date,
    valid_from: dt.date,
    reason: str,
    who: str = "",
    predict: Predict | None = None,
) -> Register:
    """The register with these targets published from `valid_from` on; what they replace is retired the day before.

    `reason`: why as a whole (an adoption's own reason says why this target moves); `who`: for adoptions without name;
    `predict`: how many would meet an adopted value that is not the proposed one, else that stays null. CsperfError with
    everything that is refused: nothing is published then.
    """
    adoptions = list(adoptions)
    problems = [
        *_twice(register, adoptions),
        *([] if reason.strip() else [Problem("--reason", say("review.no_reason"))]),
    ]
    current_ones = in_force(register, f"{valid_from:%Y-%m}")
    events: list[Event] = []
    for adoption in adoptions:
        where = adoption.where or adoption.id
        if state := list(wrong_state(register, adoption.id, "publish", where)):
            problems += state
            continue
        current = current_ones.get(register.latest(adoption.id).key)
        event = _published(register, adoption, current, on, valid_from, reason, who, predict)
        problems += [Problem(where, said) for said in _refusals(register, event, current, adoption)]
        events += [_superseded(current, event), event] if current else [event]
    if problems:
        raise CsperfError(problems)
    return register.with_events(*events)


def _twice(register: Register, adoptions: list[Adoption]) -> Iterator[Problem]:
    """Two adoptions for the same metric, role and level."""
    seen: dict[tuple[str, str, str], str] = {}
    for adoption in adoptions:
        if not register.state(adoption.id):
            continue
        key = register.latest(adoption.id).key
        if key in seen:
            yield Problem(adoption.where or adoption.id, say("review.twice", one=seen[key], other=adoption.id))
        seen.setdefault(key, adoption.id)


def _published(
    register: Register,
    adoption: Adoption,
    current: Event | None,
    on: dt.date,
    valid_from: dt.date,
    reason: str,
    who: str,
    predict: Predict | None,
) -> Event:
    """The event that publishes an adoption; base and stretch stay a step away from the adopted value (CONTRACT 4)."""
    known = register.life(adoption.id)[0]
    value = known.target if adoption.value is None else adoption.value
    values: dict[str, Any] = {"target": value, **_apart(known, float(value or 0.0))}
    if not _same(value, known.target):
        values |= dict.fromkeys(FORECAST) | (predict(known, float(value or 0.0)) if predict else {})
    about = {"before": current.target if current else None, "cause": adoption.cause, "valid_from": valid_from}
    why = say("review.semicolon").join(part for part in (reason.strip(), adoption.reason.strip()) if part)
    signed = {"date": on, "act": "publish", "who": adoption.who.strip() or who.strip(), "reason": why}
    return known.model_copy(update=signed | about | values)


def _apart(known: Event, value: float) -> dict[str, float]:
    """base at least one step easier and stretch one step harder than the value, where there are any."""
    step, sign = entry(known.metric).step, _sign(known.metric)
    found = {}
    if known.base is not None:
        found["base"] = round(sign * min(sign * known.base, sign * value - step), 10)
    if known.stretch is not None:
        found["stretch"] = round(sign * max(sign * known.stretch, sign * value + step), 10)
    return found


def _superseded(current: Event, event: Event) -> Event:
    """The end of what a newly published target replaces."""
    until = (event.valid_from or event.date) - dt.timedelta(days=1)
    reason = say("review.superseded", id=event.id)
    return Event(date=event.date, act="retire", id=current.id, who=event.who, valid_to=until, reason=reason)


def _refusals(register: Register, event: Event, current: Event | None, adoption: Adoption) -> Iterator[str]:
    """Why this may not be published, one sentence each."""
    yield from _not_ready(register, event)
    if not event.who:
        yield say("review.no_who")
    if adoption.cause and adoption.cause not in CAUSES:
        yield say("review.bad_cause", found=adoption.cause, allowed=", ".join(CAUSES))
    low, high = entry(event.metric).bounds or (None, None)
    value, lang, unit = float(event.target or 0.0), ui_language(), entry(event.metric).unit
    if (low is not None and value < low) or (high is not None and value > high):
        limits = {"low": quantity(low, unit, lang), "high": quantity(high, unit, lang)}
        yield say("review.out_of_bounds", found=quantity(value, unit, lang), **limits)
    yield from (problem.message for problem in frozen_since(register, event.valid_from or event.date))
    yield from _too_sudden(event, current, adoption)
    if not adoption.reason.strip():
        yield from _unexplained(register, event, current)


def _not_ready(register: Register, event: Event) -> Iterator[str]:
    """A thin target is tried before it is published, and what a trial found too high is not published as it was."""
    verdicts = [e for e in register.life(event.id) if e.act == "verdict"]
    state, known = register.state(event.id), register.life(event.id)[0]
    if state == "trial" and not verdicts:
        yield say("review.no_verdict", id=event.id)
    elif state == "proposed" and known.grade in ("trial", "reference"):
        yield say("review.needs_trial", grade=say(f"review.grade_{known.grade}"), id=event.id)
    elif verdicts and verdicts[-1].outcome == "too_high" and not _harder(known.target, event.target, event.metric):
        yield say("review.found_too_high", said=verdicts[-1].reason)


def _too_sudden(event: Event, current: Event | None, adoption: Adoption) -> Iterator[str]:
    """A target begins on the 1st and holds for a quarter; earlier only for a cause, midway only to be easier."""
    starts = event.valid_from or event.date
    eased = current is not None and adoption.cause in MIDWAY and not _harder(event.target, current.target, event.metric)
    if (starts.day != 1 or (current and starts < event.date)) and not eased:
        yield say("review.midway", day=starts, causes=", ".join(MIDWAY))
    if current is None or current.valid_from is None or adoption.cause:
        return
    until = later(current.valid_from, QUARTER)
    if starts < until:
        slots = {"id": current.id, "since": current.valid_from, "until": until - dt.timedelta(days=1)}
        yield say("review.within_quarter", **slots, causes=", ".join(CAUSES))


def _unexplained(register: Register, event: Event, current: Event | None) -> Iterator[str]:
    """What needs a written reason of its own and has none."""
    lang, known = ui_language(), entry(event.metric)
    proposed = register.life(event.id)[0].target
    said = {"adopted": quantity(event.target, known.unit, lang), "proposed": quantity(proposed, known.unit, lang)}
    if not _same(event.target, proposed):
        yield say("review.reason_adopted", **said)
    if current is None:
        return
    if not _same(event.base, current.base):
        slots = {"new": quantity(event.base, known.unit, lang), "old": quantity(current.base, known.unit, lang)}
        yield say("review.reason_base", **slots)
    easiest = _easiest_of_quarter(register, event)
    up = 0.0 if easiest is None or event.target is None else _sign(event.metric) * (event.target - easiest)
    if up > known.step * 1.001:
        slots = {"new": said["adopted"], "old": quantity(easiest, known.unit, lang)}
        yield say("review.reason_steps", **slots, step=quantity(known.step, known.unit, lang))
    if event.cause:
        yield say("review.reason_cause")


def _easiest_of_quarter(register: Register, event: Event) -> float | None:
    """The easiest value in force for the same agents in the quarter before; null where there was none."""
    starts = event.valid_from or event.date
    ends = {e.id: e.valid_to for e in register.events if e.act == "retire" and e.valid_to}
    values = [
        e.target
        for e in register.events
        if e.act == "publish" and e.key == event.key and e.target is not None and e.valid_from is not None
        if e.valid_from < starts and ends.get(e.id, dt.date.max) >= later(starts, -QUARTER)
    ]
    return min(values, key=lambda value: _sign(event.metric) * value, default=None)


def _harder(value: float | None, other: float | None, metric: str) -> bool:
    return value is not None and other is not None and _sign(metric) * (value - other) > 1e-9


def _same(one: float | None, other: float | None) -> bool:
    return one == other or (one is not None and other is not None and abs(one - other) <= 1e-9)


def _sign(metric: str) -> int:
    return 1 if entry(metric).better == "higher" else -1
