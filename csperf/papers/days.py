"""Until when people may object: working days by the Chinese calendar."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from ..hours import working_day

PUBLISHED_ON = 6  # of the month after: PRACTICE, the month
OBJECTION_DAYS = 3  # working days after the announcement


@dataclass(frozen=True)
class Objections:
    """The day results are announced and the last day for objections."""

    published: dt.date
    until: dt.date


def objections(last_day: dt.date, as_of: dt.date) -> Objections:
    """When the results of the month that ends on `last_day` are announced, as known on `as_of`, and objected to.

    Announced on the 6th of the month after or, where that is past or no working day, on the next working day.
    """
    day = max(last_day + dt.timedelta(days=PUBLISHED_ON), as_of)
    published = working_day(day - dt.timedelta(days=1), 1)
    return Objections(published, working_day(published, OBJECTION_DAYS))
