"""The register of a shop's targets: one file of text, a line for each event; git then shows who changed what when."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, field_validator

from ..catalogue import entry
from . import COLUMNS as TARGETS

Act = Literal["propose", "trial", "verdict", "publish", "retire", "object", "answer", "freeze", "correct"]
State = Literal["", "proposed", "trial", "published", "retired"]
# From which states an act of a target's life leads to which; a target that is not there yet has the state "".
STEPS: dict[str, tuple[tuple[State, ...], State]] = {
    "propose": (("",), "proposed"),
    "trial": (("proposed",), "trial"),
    "verdict": (("trial",), "trial"),
    "publish": (("proposed", "trial"), "published"),
    "retire": (("proposed", "trial", "published"), "retired"),
}
CAUSES = ("calendar", "volume", "rule", "definitions", "failure")  # that change a published target within its quarter
NUMBERS = {"target": "A", "objection": "B", "correction": "C"}  # letters of the running numbers
KEPT = ("id", "who", "definitions", "valid_from", "proposed")  # what published targets carry beside
IN_FORCE = "targets"  # the name under which a freeze keeps the hash of the month's targets


class Event(BaseModel):
    """One line of the register. Empty cells are null; which columns an act fills stands in targets/life.py.

    id: of the target, objection or month; about: what an objection or a correction is about. scorer: who set the
    scores objected to. before: the target in force until then. Shares are 0 to 1, other values in the key's unit.
    valid_from, valid_to: first and last day. file, sha256: of a frozen input.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: dt.date
    act: Act
    id: str
    about: str = ""
    who: str
    scorer: str = ""
    metric: str = ""
    role: str = ""
    level: str = ""
    target: float | None = None
    base: float | None = None
    stretch: float | None = None
    proposed: float | None = None
    before: float | None = None
    attainment: float | None = None
    attainment_low: float | None = None
    attainment_high: float | None = None
    team: int | None = None
    half_width: float | None = None
    grade: str = ""
    status: str = ""
    definitions: str = ""
    valid_from: dt.date | None = None
    valid_to: dt.date | None = None
    cause: str = ""
    outcome: str = ""
    agents: str = ""
    file: str = ""
    sha256: str = ""
    reason: str = ""
    run_id: str = ""

    @field_validator("who", "reason", "scorer", "about")
    @classmethod
    def _one_line(cls, text: str) -> str:
        return " ".join(text.split())

    @field_validator("date", "valid_from", "valid_to", mode="before")
    @classmethod
    def _as_excel_saves_it(cls, text: object) -> object:
        """2026/3/1, which Excel makes of 2026-03-01, is that day."""
        parts = text.split("/") if isinstance(text, str) else []
        return "-".join([parts[0], *(part.zfill(2) for part in parts[1:])]) if len(parts) == 3 else text

    @property
    def key(self) -> tuple[str, str, str]:
        """What the target is for: metric, role, level ("" = the whole role)."""
        return self.metric, self.role, self.level


COLUMNS = tuple(Event.model_fields)


@dataclass(frozen=True)
class Register:
    """Events in the order of the file, the file, and the hash of what was read from it ("" where there was none)."""

    path: Path
    events: tuple[Event, ...] = ()
    read_as: str = ""

    def with_events(self, *events: Event) -> Register:
        """The register with more events at its end; nothing is written yet."""
        return replace(self, events=(*self.events, *events))

    @cached_property
    def _lives(self) -> dict[str, list[Event]]:
        """Events by what they are about; read once, for a register of years has thousands."""
        lives: dict[str, list[Event]] = {}
        for event in self.events:
            lives.setdefault(event.id, []).append(event)
        return lives

    def life(self, id: str) -> list[Event]:
        """The events of one target, objection or month, oldest first."""
        return self._lives.get(id, [])

    def state(self, id: str) -> State:
        """How far a target has come; "" where there is none of that number."""
        return next((STEPS[event.act][1] for event in reversed(self.life(id)) if event.act in STEPS), "")

    def latest(self, id: str) -> Event:
        """The newest event of a target that carries its values."""
        return next(event for event in reversed(self.life(id)) if event.act in ("propose", "publish"))

    def targets(self, *states: str) -> list[str]:
        """Numbers of the targets in these states, in the order of the file."""
        return [id for id, life in self._lives.items() if life[0].act == "propose" and self.state(id) in states]

    def next_id(self, kind: str) -> str:
        """The next free number: A0012 for a target, B for an objection, C for a correction."""
        letter = NUMBERS[kind]
        taken = [int(id[1:]) for id in self._lives if re.fullmatch(rf"{letter}\d+", id)]
        return f"{letter}{max(taken, default=0) + 1:04d}"

    def frozen_inputs(self, month: str) -> dict[str, str]:
        """Hashes of a month's inputs by name, as they were when it was frozen; empty where it is not."""
        return {event.file: event.sha256 for event in self.life(month_id(month)) if event.act == "freeze"}

    def frozen(self, month: str) -> bool:
        """Whether the month is frozen: nothing of it changes any more."""
        return bool(self.frozen_inputs(month))

    @property
    def frozen_months(self) -> frozenset[str]:
        """The months (YYYY-MM) that are frozen."""
        return frozenset(event.id.removeprefix("M") for event in self.events if event.act == "freeze")

    def open_objections(self) -> list[Event]:
        """Objections that nobody has answered."""
        answered = {event.id for event in self.events if event.act == "answer"}
        return [event for event in self.events if event.act == "object" and event.id not in answered]


def published(register: Register, month: str) -> pd.DataFrame:
    """The targets in force in a month: the columns of CONTRACT 4, and id, who, definitions, valid_from, proposed.

    In force is what holds until the month's last day; of two it is the later one (a change within a month is in the
    agents' favour). Columns that the register does not keep are null.
    """
    _, last = days_of(month)
    ends = {e.id: e.valid_to for e in register.events if e.act == "retire" and e.valid_to}
    starts = [e for e in register.events if e.act == "publish" and e.valid_from and e.valid_from <= last]
    held = {e.key: e for e in sorted(starts, key=_since) if ends.get(e.id, last) >= last}
    rows = [_row(event) for event in held.values()]
    return pd.DataFrame(rows, columns=[*TARGETS, *KEPT])


def _since(event: Event) -> dt.date:
    return event.valid_from or dt.date.min


def _row(event: Event) -> dict[str, object]:
    row = event.model_dump() | {"better": entry(event.metric).better, "adopted": event.target}
    row["level"] = event.level or None
    if event.attainment is not None and event.team:
        row["expected_agents"] = round(event.attainment * event.team)
    return row


def month_id(month: str) -> str:
    """What a month is called in the register; the letter keeps Excel from reading 2026-10 as a date."""
    return f"M{month}"


def days_of(month: str) -> tuple[dt.date, dt.date]:
    """First and last day of a month written YYYY-MM."""
    first = dt.date.fromisoformat(f"{month}-01")
    return first, later(first, 1) - dt.timedelta(days=1)


def later(first: dt.date, months: int) -> dt.date:
    """The first day of the month that many months later (earlier where negative)."""
    count = first.year * 12 + first.month - 1 + months
    return dt.date(count // 12, count % 12 + 1, 1)


def changed_inputs(register: Register, month: str, inputs: Mapping[str, str]) -> list[str]:
    """Names of the frozen month's inputs that are not as they were, are gone, or have come since.

    `inputs`: hashes by name as of now; the month's targets are compared as well.
    """
    now = dict(inputs) | {IN_FORCE: targets_hash(register, month)}
    then = register.frozen_inputs(month)
    return sorted(name for name in {*now, *then} if now.get(name) != then.get(name))


def targets_hash(register: Register, month: str) -> str:
    """One hash of the targets in force in a month."""
    lines = published(register, month).sort_values("id")[["id", "target", "base", "stretch"]].to_csv(index=False)
    return hashlib.sha256(lines.encode()).hexdigest()
