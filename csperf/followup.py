"""What came after the sale in a run's days: figures, the last 30 days, what waits for somebody, who bought again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from .catalogue import aftersale, plans, quality
from .lists import checked_items, open_refunds, overdue_complaints
from .mart import measure
from .run import Facts, Run, facts
from .stats.repeat import came_back

WINDOW_DAYS = 30  # what platforms show: refunds and disputes of the last 30 days
AGAIN_DAYS = (7, 30, 60, 90)
KEYS = tuple(entry.key for file in (aftersale, quality, plans) for entry in file.ENTRIES)
BY_WINDOW = tuple(entry.key for entry in aftersale.REFUNDS + aftersale.COMPLAINTS)
OF_AGENTS = ("refund_h", "csat", "complaint_share", "first_contact_share", "resolved_share", "qa_score", "visit_share")


@dataclass(frozen=True, eq=False)
class Aftercare:
    """The records of a run beside its chats and calls."""

    known: Facts

    @property
    def run(self) -> Run:
        """The run they are of."""
        return self.known.run

    @property
    def last_day(self) -> dt.date:
        """The last day of the run of which anything is known."""
        return min(self.run.last_day, self.run.as_of - dt.timedelta(days=1))

    def figures(self) -> pd.DataFrame:
        """metric, value, n, before: the run's days beside the month before; metrics with data only."""
        first = (self.run.first_day - dt.timedelta(days=1)).replace(day=1)
        last = self.run.first_day - dt.timedelta(days=1)
        return self._beside(KEYS, (self.run.first_day, self.run.last_day), (first, last))

    def windows(self) -> pd.DataFrame:
        """The same of refunds, disputes and complaints in the last 30 days, and in the 30 before."""
        span, last = dt.timedelta(days=WINDOW_DAYS), self.last_day
        day = dt.timedelta(days=1)
        return self._beside(BY_WINDOW, (last - span + day, last), (last - 2 * span + day, last - span))

    def _beside(
        self, keys: Sequence[str], now: tuple[dt.date, dt.date], before: tuple[dt.date, dt.date]
    ) -> pd.DataFrame:
        both = [self._measured(keys, "shop", *days).set_index("metric") for days in (now, before)]
        rows = both[0].assign(before=both[1]["value"]).reset_index()
        return rows[rows["value"].notna()][["metric", "value", "n", "before"]].reset_index(drop=True)

    def _measured(self, keys: Sequence[str], by: str, first: dt.date, last: dt.date) -> pd.DataFrame:
        """Values from the records, whichever door the shop's other values come from."""
        rules = self.run.definition.name
        return measure(self.known, keys, [by], definitions=rules, min_n=1, first_day=first, last_day=last)

    def agents(self) -> pd.DataFrame:
        """Values by agent of the metrics that agents are looked at by."""
        values = self._measured(OF_AGENTS, "agent", self.run.first_day, self.run.last_day)
        return values[values["value"].notna()]

    def open_refunds(self) -> pd.DataFrame:
        """Refunds that wait and about which nobody has written (lists.open_refunds)."""
        return open_refunds(self.known["refunds"], self.last_day, self.run.params.timezone)

    def overdue(self) -> pd.DataFrame:
        """Complaints past their clocks (lists.overdue_complaints)."""
        return overdue_complaints(self.known["complaints"], self.last_day, self.run.params.timezone)

    def checks(self) -> pd.DataFrame:
        """Quality checks by item and source (lists.checked_items)."""
        return checked_items(self.known["quality_checks"], self.run.first_day, self.run.last_day)

    def came_back(self, within: Sequence[int] = AGAIN_DAYS) -> pd.DataFrame:
        """Of purchases old enough, how many were followed by another in so many days (stats.repeat.came_back)."""
        orders = self.run.table("orders")
        days = pd.to_datetime(orders["created_day"]).fillna(pd.to_datetime(orders["paid_day"]))
        paid = orders.assign(day=orders["paid_day"])[["buyer_id", "day"]]
        return came_back(paid, days.max().date(), within)


def aftercare(source: Run | Facts) -> Aftercare:
    """What came after the sale in the days of a run."""
    return Aftercare(source if isinstance(source, Facts) else facts(source))
