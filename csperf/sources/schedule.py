"""A wide 排班表: one row for each person, one column for each date, in the cells the name of a shift or a day off.

When a shift begins and ends stands on a second sheet of the same workbook. A record is a cell that is filled.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from ..engine import connect
from ..errors import CsperfError, Problem
from ..settings import listed
from ..text import say
from . import decode
from .loaded import RAW, Loaded, Shop, seal

DAYS_OFF = ("休", "休息", "请假", "Off", "Leave")
NO_SHIFT = ("不上班", "No shift")  # in place of the times: the word means a day off
STANDS_IN = ("替", "for ")  # before the name of somebody else, whose shift follows: 替小美早
RECORD = pa.schema(
    [
        ("agent_id", pa.string()),
        ("start", pa.timestamp("us", "UTC")),
        ("end", pa.timestamp("us", "UTC")),
        ("shift", pa.string()),
        ("source_line", pa.int64()),
        ("filtered", pa.string()),
        ("reason", pa.string()),
        (f"{RAW}shift", pa.string()),
    ]
)
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
MIDNIGHT = {"24:00": "00:00"}


class Settings(BaseModel):
    """Which sheet holds the plan, which the times of the shifts, and how the people's column is called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["schedule"] = "schedule"
    files: str
    sheet: int | str = 0
    times: int | str = 1
    agent: str = "工号"
    off: tuple[str, ...] = DAYS_OFF


@dataclass(frozen=True)
class _Plan:
    """What a cell means: the times of each shift, the words for a day off, the zone of the clocks."""

    times: dict[str, tuple[dt.time, dt.time]]
    off: tuple[str, ...]
    zone: ZoneInfo

    def shift(self, cell: str) -> str:
        """The shift that a cell names, also where somebody stands in for another."""
        if not cell.startswith(STANDS_IN):
            return cell
        named = [name for name in self.times if cell.casefold().endswith(name.casefold())]
        return max(named, key=len, default=cell)

    def record(self, line: int, agent: str, day: dt.date, cell: str) -> dict[str, object]:
        """The cell as a row: a shift with its times, or why it is none."""
        record: dict[str, object] = {"agent_id": agent or None, "source_line": line, f"{RAW}shift": f"{day} {cell}"}
        cell = self.shift(cell)
        if cell in self.off:
            return record | {"filtered": "day_off"}
        if not agent or cell not in self.times:
            return record | {"reason": "value_unmapped:shift" if agent else "empty:agent_id"}
        begins, ends = self.times[cell]
        last = day + dt.timedelta(days=ends <= begins)
        start, end = (dt.datetime.combine(*at, self.zone).astimezone(dt.UTC) for at in ((day, begins), (last, ends)))
        return record | {"start": start, "end": end, "shift": cell}


def load(path: Path, settings: Settings, shop: Shop) -> Loaded:
    """The shifts of the plan; days off are filtered by name, a word that names no shift is rejected with its line.

    A shift that ends at or before its beginning ends on the next day. CsperfError for a plan without people, dates
    or times, and for a shop without zone.
    """
    if not shop.timezone:
        raise _problem(path, "no_zone")
    words = _times(path, settings)
    times = {name: clocks for name, clocks in words.items() if clocks}
    plan = _Plan(times, (*settings.off, *(words.keys() - times.keys())), ZoneInfo(shop.timezone))
    records, days = _records(path, settings, plan)
    con = connect().con
    con.register("plan", pa.Table.from_pylist(records, schema=RECORD))
    con.execute("CREATE TABLE rows AS SELECT * FROM plan")
    try:
        cells = {"agent_id": (settings.agent, ""), "shift": (say("forms.shift"), listed([*plan.times, *plan.off]))}
        return replace(seal(con, "shifts", path, shop, ()), cells=cells, days=(min(days), max(days)))
    finally:
        con.close()


def _records(path: Path, settings: Settings, plan: _Plan) -> tuple[list[dict[str, object]], list[dt.date]]:
    """The filled cells of the plan, and the days that it speaks of."""
    with decode.open_sheet(path, sheet=settings.sheet) as sheet:
        who = sheet.header.get(decode.normalised(settings.agent))
        days = {place: dt.date.fromisoformat(name) for name, place in sheet.header.items() if DATE.fullmatch(name)}
        if who is None or not days:
            raise _problem(path, "no_plan", agent=settings.agent, header=", ".join(sheet.header))
        records = []
        for line, row in sheet.records:
            cells = dict(enumerate((cell or "").strip() for cell in row))
            filled = ((day, cells[place]) for place, day in days.items() if cells.get(place))
            records += [plan.record(line, cells.get(who, ""), day, cell) for day, cell in filled]
        return records, list(days.values())


Clocks = tuple[dt.time, dt.time]


def _times(path: Path, settings: Settings) -> dict[str, Clocks | None]:
    """Beginning and end of each shift, from the first three columns of its sheet; null for a word of a day off."""
    with decode.open_sheet(path, sheet=settings.times) as sheet:
        return dict(_shift(path, line, cells) for line, cells in sheet.records)


def _shift(path: Path, line: int, cells: Sequence[str | None]) -> tuple[str, Clocks | None]:
    name, *clocks = [(cell or "").strip() for cell in cells[:3]]
    if clocks and clocks[0] in NO_SHIFT:
        return name, None
    try:
        begins, ends = (dt.time.fromisoformat(MIDNIGHT.get(clock, clock.zfill(5))) for clock in clocks)
    except ValueError:
        raise _problem(path, "no_times", line=line, found=" ".join(clocks)) from None
    return name, (begins, ends)


def _problem(path: Path, key: str, **slots: object) -> CsperfError:
    return CsperfError(Problem(str(path), say(f"schedule.{key}", **slots)))
