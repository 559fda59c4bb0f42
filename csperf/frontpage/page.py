"""What the first page says, as one object that screen and paper are drawn from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from ..charts import Picture
from ..staffing import StaffingSettings


@dataclass(frozen=True)
class About:
    """What the page is about: the shop, the month the targets are for, and where the numbers come from.

    month: YYYY-MM of the targets; recent: YYYY-MM of the newest actual values. made_on: null = the page bears no date
    but that of its data. completeness: a share, null = not
    known; missing: which days or shifts, in words. maturing: days left for conversions to mature. newcomers: people
    under protection, null = not known. activities: how many exempt activities lie in the months behind the targets.
    """

    shop: str
    month: str
    recent: str
    first_day: date
    last_day: date
    counting_rules: str
    made_on: date | None = None
    platform: str = ""
    completeness: float | None = None
    missing: str = ""
    maturing: int = 0
    newcomers: int | None = None
    activities: int = 0
    objections_to: str = ""
    number: str = ""

    @property
    def dated(self) -> date:
        """The day the page counts from."""
        return self.made_on or self.last_day


@dataclass(frozen=True, eq=False)
class Material:
    """The tables the page is drawn from; null where a shop has not got one.

    targets: targets.COLUMNS. weights: metric, role (null: any), weight, said (where they come from). red_lines:
    targets.platform.COLUMNS. review: metric, role, level, low, high, met (people) of the month before, as
    targets.past.COLUMNS has them. industry: metric, cell, value. agents: metric, role, level, agent_id, value, n.
    bonus: people.cost of a month as the newest. needs: staffing.staffed of the month by hour, under the settings
    `staffing`. hours: weekday (0 = Monday), hour, value, n; days: day, value, n; both
    of `where_metric`.
    """

    targets: pd.DataFrame
    weights: pd.DataFrame | None = None
    bonus: pd.DataFrame | None = None
    red_lines: pd.DataFrame | None = None
    review: pd.DataFrame | None = None
    industry: pd.DataFrame | None = None
    agents: pd.DataFrame | None = None
    hours: pd.DataFrame | None = None
    days: pd.DataFrame | None = None
    needs: pd.DataFrame | None = None
    staffing: StaffingSettings = field(default_factory=StaffingSettings)
    where_metric: str = "reply_30s_msg"


@dataclass(frozen=True)
class Row:
    """A line of the table: the role, its cells under FrontPage.heads, and the grade behind the last one."""

    role: str
    cells: tuple[str, ...]
    grade: str


@dataclass(frozen=True)
class Chart:
    """A picture with its number and conclusion in words, and how to read it; no picture where nothing can be drawn."""

    title: str
    note: str = ""
    picture: Picture | None = None


@dataclass(frozen=True, eq=False)
class FrontPage:
    """Everything the first page says, in the order in which it says it. ** marks bold."""

    lang: str
    made_on: date
    title: str
    about: tuple[str, ...]
    sentences: tuple[str, ...]
    numbers: tuple[str, ...]
    table_title: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    more: tuple[Row, ...]
    level_heads: tuple[str, ...]
    level_rows: tuple[Row, ...]
    notes: tuple[str, ...]
    red_lines: tuple[str, ...]
    charts: tuple[Chart, ...]
    monday: str
    to_do: tuple[str, ...]
    footer: tuple[str, ...]
    words: dict[str, str] = field(repr=False)

    def texts(self) -> Iterator[str]:
        """Every text of the page."""
        yield from (self.title, *self.about, *self.sentences, *self.numbers, self.table_title, *self.heads)
        for row in (*self.rows, *self.more, *self.level_rows):
            yield from (row.role, *row.cells)
        yield from (*self.notes, *self.red_lines, *(text for c in self.charts for text in (c.title, c.note)))
        yield from (self.monday, *self.to_do, *self.footer)


def pieces(text: str) -> list[tuple[str, bool]]:
    """A text cut at its ** marks: each piece with whether it is bold."""
    return [(piece, bool(place % 2)) for place, piece in enumerate(re.split(r"\*\*", text)) if piece]
