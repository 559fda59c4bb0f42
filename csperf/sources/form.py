"""What a backend's table of its own values holds, as data: the measures that stand in its columns, by key."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

STRICT = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Measure(BaseModel):
    """One key of the catalogue: the headings of its cell, best first, and the counts it is made of.

    kind: share (0 to 1), ratio, time, mean (of money or things), count, sum (of money). `unit` of times where the
    heading names none. `numerator` and `denominator`: a heading, or two with ` - ` between them.
    """

    model_config = STRICT

    from_: tuple[str, ...] = Field(default=(), alias="from")
    kind: Literal["share", "ratio", "time", "mean", "count", "sum"] = "share"
    unit: Literal["seconds", "minutes", "hours"] = "seconds"
    numerator: str = ""
    denominator: str = ""

    @field_validator("from_", mode="before")
    @classmethod
    def _several(cls, value: object) -> object:
        return (value,) if isinstance(value, str) else value

    @property
    def counts(self) -> tuple[str, ...]:
        """The headings of the counts."""
        parts = (part.strip() for side in (self.numerator, self.denominator) for part in side.split(" - "))
        return tuple(dict.fromkeys(part for part in parts if part))


class Form(BaseModel):
    """What one kind of table holds: the headings of the account and of the day, and the measures by key.

    Without `agent` the table speaks of the whole shop. `metric`: the heading of a table with a line for each metric,
    whose figures stand in the columns `cells` (cell of benchmarks -> heading). `utc`: its days are those of UTC.
    """

    model_config = STRICT

    definitions: str
    agent: tuple[str, ...] = ()
    day: tuple[str, ...] = ()
    metric: tuple[str, ...] = ()
    cells: dict[str, str] = {}
    utc: bool = False
    measures: dict[str, Measure]

    @property
    def headings(self) -> tuple[str, ...]:
        """All headings of columns that it speaks of."""
        of_measures = [name for m in self.measures.values() for name in (*m.from_, *m.counts)]
        return (*self.agent, *self.day, *self.metric, *self.cells.values(), *([] if self.metric else of_measures))
