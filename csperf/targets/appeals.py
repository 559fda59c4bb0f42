"""Objections to targets and results, and the freeze of a month, after which only a later 补差 (correction) is left."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping

from ..errors import CsperfError, Problem
from ..text import say
from .life import unsigned
from .register import IN_FORCE, Event, Register, days_of, later, month_id, targets_hash

OUTCOMES = ("upheld", "dismissed")


def object_to(
    register: Register, about: str, *, on: dt.date, who: str, reason: str, scorer: str = "", agents: str = ""
) -> Register:
    """The register with an objection of `who` to a target (its number) or to a month's results (YYYY-MM).

    `scorer`: who set the scores objected to; of a target it is whoever proposed or published it. CsperfError where
    there is nothing of that name, or nobody says who or why.
    """
    month = about.removeprefix("M")
    of_month = bool(re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month))
    problems = [*unsigned(who), *_no_reason(reason)]
    if not of_month and register.state(about) not in ("proposed", "trial", "published"):
        problems.append(Problem(about, say("review.nothing_to_object", id=about)))
    if of_month and not scorer.strip():
        problems.append(Problem("--scorer", say("review.no_scorer", month=month)))
    if problems:
        raise CsperfError(problems)
    scored = scorer if of_month else register.latest(about).who
    event = Event(
        date=on, act="object", id=register.next_id("objection"), about=month_id(month) if of_month else about,
        who=who, scorer=scored, agents=agents or who, reason=reason,
    )  # fmt: skip
    return register.with_events(event)


def answer(register: Register, id: str, *, on: dt.date, who: str, outcome: str, reason: str) -> Register:
    """The register with an objection answered, `outcome` one of OUTCOMES.

    An upheld one about a frozen month becomes a correction of the month after the answer. CsperfError where it is not
    open, or the one who answers is the one who scored or who objected.
    """
    problems = [*unsigned(who), *_no_reason(reason)]
    if outcome not in OUTCOMES:
        problems.append(Problem("--outcome", say("review.bad_outcome", found=outcome, allowed=", ".join(OUTCOMES))))
    open_ones = {event.id: event for event in register.open_objections()}
    asked = open_ones.get(id)
    if asked is None:
        problems.append(Problem(id, say("review.not_open", id=id, open=", ".join(open_ones) or say("review.nothing"))))
    elif _same_person(who, asked.scorer) or _same_person(who, asked.who):
        problems.append(Problem("--by", say("review.own_judge", who=who, scorer=asked.scorer, objector=asked.who)))
    if problems or asked is None:
        raise CsperfError(problems)
    event = Event(date=on, act="answer", id=id, about=asked.about, who=who, outcome=outcome, reason=reason)
    register = register.with_events(event)
    month = asked.about.removeprefix("M")
    if outcome == "upheld" and asked.about.startswith("M") and register.frozen(month):
        return register.with_events(_correction(register, asked.about, on, who, asked.agents, reason))
    return register


def freeze(register: Register, month: str, inputs: Mapping[str, str], *, on: dt.date, who: str) -> Register:
    """The register with a month frozen: a line for each input with its hash, and one for the month's targets.

    CsperfError where the month is not over, is frozen already, or there is nothing to freeze.
    """
    first, last = days_of(month)
    problems = list(unsigned(who))
    if on <= last:
        problems.append(Problem(month, say("review.not_over", month=month, last=last, today=on)))
    if register.frozen(month):
        done = next(event for event in register.events if event.id == month_id(month))
        problems.append(Problem(month, say("review.frozen_already", month=month, who=done.who, day=done.date)))
    if not inputs:
        problems.append(Problem(month, say("review.nothing_to_freeze", month=month)))
    if problems:
        raise CsperfError(problems)
    hashes = {**inputs, IN_FORCE: targets_hash(register, month)}
    return register.with_events(
        *(
            Event(
                date=on,
                act="freeze",
                id=month_id(month),
                who=who,
                file=file,
                sha256=sha256,
                valid_from=first,
                valid_to=last,
            )
            for file, sha256 in sorted(hashes.items())
        )
    )


def correct(register: Register, month: str, *, on: dt.date, who: str, agents: str, reason: str) -> Register:
    """The register with a correction of a frozen month, made good in the month after `on`.

    CsperfError where the month is not frozen: its inputs can then still be mended.
    """
    problems = [*unsigned(who), *_no_reason(reason)]
    if not register.frozen(month):
        problems.append(Problem(month, say("review.not_frozen", month=month)))
    if not agents.strip():
        problems.append(Problem("--agent", say("review.no_agent")))
    if problems:
        raise CsperfError(problems)
    return register.with_events(_correction(register, month_id(month), on, who, agents, reason))


def _correction(register: Register, about: str, on: dt.date, who: str, agents: str, reason: str) -> Event:
    due, id = later(on, 1), register.next_id("correction")
    return Event(
        date=on, act="correct", id=id, about=about, who=who, agents=agents, valid_from=due, reason=reason
    )  # fmt: skip


def _no_reason(reason: str) -> Iterator[Problem]:
    if not reason.strip():
        yield Problem("--reason", say("review.no_reason"))


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
