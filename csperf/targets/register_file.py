"""The register as a file: read with every fault named by line and column, written whole, refused where others write."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from ..errors import CsperfError, Problem
from ..text import say
from .register import COLUMNS, STEPS, Act, Event, Register, State

CONFLICT = ("<<<<<<<", "=======", ">>>>>>>")
FORMULA = ("=", "+", "-", "@", "'")  # text that begins so is written with a ' before it, or Excel would run it


def read_register(path: str | Path) -> Register:
    """The register in a file, empty where there is none; CsperfError naming line and column of whatever is wrong."""
    path = Path(path)
    if not path.exists():
        return Register(path)
    raw = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):  # Excel may have saved it in either
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise CsperfError(Problem(str(path), say("params.encoding")))
    found = list(_parsed(text, path))
    if problems := [event for event in found if isinstance(event, Problem)]:
        raise CsperfError(problems)
    events = tuple(event for event in found if isinstance(event, Event))
    if problems := list(_impossible(events, path)):
        raise CsperfError(problems)
    return Register(path, events, hashlib.sha256(raw).hexdigest())


def _parsed(text: str, path: Path) -> Iterator[Event | Problem]:
    reader = csv.reader(io.StringIO(text, newline=""))
    header = next(reader, [])
    if tuple(header) != COLUMNS:
        yield Problem(str(path), say("review.bad_header", allowed=",".join(COLUMNS), found=",".join(header)))
        return
    for cells in reader:
        where = str(path)
        if any(cell.startswith(CONFLICT) for cell in cells[:1]):
            yield Problem(where, say("review.merge_conflict", line=reader.line_num))
        elif len(cells) != len(COLUMNS):
            yield Problem(where, say("review.bad_line", line=reader.line_num, found=len(cells), n=len(COLUMNS)))
        else:
            yield from _event(cells, where, reader.line_num)


def _event(cells: list[str], where: str, line: int) -> Iterator[Event | Problem]:
    given = {name: _plain(cell) for name, cell in zip(COLUMNS, cells, strict=True) if cell}
    try:
        yield Event.model_validate(given)
    except ValidationError as error:
        for finding in error.errors(include_url=False):
            column = str(finding["loc"][0])
            slots = {"line": line, "column": column, "found": given.get(column, "")}
            yield Problem(where, say("review.bad_cell", **slots, allowed=_allowed(column)))


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:2] in FORMULA else cell


def _allowed(column: str) -> str:
    """What may stand in a column, for the message about a cell."""
    if column == "act":
        return ", ".join(get_args(Act))
    if "date" in str(Event.model_fields[column].annotation):
        return say("review.allowed_date")
    return say("review.allowed_text" if column in ("id", "who") else "review.allowed_number")


def _impossible(events: tuple[Event, ...], path: Path) -> Iterator[Problem]:
    """Events that no command writes: a hand or a merge broke the order of a target's life."""
    state: dict[str, State] = {}
    for line, event in enumerate(events, 2):
        if event.act in STEPS:
            allowed, after = STEPS[event.act]
            if state.get(event.id, "") not in allowed:
                slots = {"line": line, "id": event.id, "act": event.act, "state": _state_word(state.get(event.id, ""))}
                yield Problem(str(path), say("review.bad_history", **slots))
            state[event.id] = after


def _state_word(state: State) -> str:
    return say(f"review.state_{state or 'none'}")


def save(register: Register) -> Path:
    """The path written, whole or not at all.

    CsperfError where the file is not what was read (somebody else changed it meanwhile) or is being written right now.
    """
    path = register.path
    beside = path.with_name(f".{path.name}.partial")
    try:
        file = beside.open("x", encoding="utf-8-sig", newline="")  # its being there keeps others out
    except FileExistsError:
        raise CsperfError(Problem(str(path), say("review.being_written", beside=beside))) from None
    try:
        with file:
            _refuse_changed(register)
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *map(_cells, register.events)])
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _refuse_changed(register: Register) -> None:
    path = register.path
    now = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""
    if now != register.read_as:
        raise CsperfError(Problem(str(path), say("review.changed_meanwhile")))


def _cells(event: Event) -> Iterable[str]:
    for name in COLUMNS:
        value = getattr(event, name)
        if isinstance(value, str):
            yield f"'{value}" if value.startswith(FORMULA) else value
        elif isinstance(value, float):
            yield repr(round(value, 10))
        else:
            yield "" if value is None else str(value)
