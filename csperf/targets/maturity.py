"""When a value no longer changes: replies are counted on the day after, payments, ratings and refunds come later."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass

from ..catalogue import entry
from ..definitions import Definition

HOURS = 24  # of a day; the catalogue's days of orders are meant for an inquiry that is valid that long (PRACTICE 3)


@dataclass(frozen=True)
class Immature:
    """A metric whose value of a month can still change, and the first day on which it cannot."""

    metric: str
    from_day: dt.date


def maturity_days(metric: str, rules: Definition) -> int:
    """Days after a day until its value is settled, under the shop's rules: 1 is the day after (T+1).

    Where orders are credited to inquiries, as many days more as the rules let an inquiry be valid beyond one.
    """
    known, rule = entry(metric), entry(metric).matures_with
    days = known.maturity_days + (getattr(rules, rule) - getattr(Definition(), rule) if rule else 0)
    credits = any("orders_known" in part.among or part.fact == "purchases" for part in known.sums.values())
    return days + (-(-rules.window_h // HOURS) - 1 if credits else 0)


def settled_until(metric: str, rules: Definition, as_of: dt.date) -> dt.date:
    """The last day whose value is settled on the day `as_of`."""
    return as_of - dt.timedelta(days=maturity_days(metric, rules))


def immature(metrics: Iterable[str], rules: Definition, last_day: dt.date, as_of: dt.date) -> list[Immature]:
    """Those of the metrics whose value of a period that ends on `last_day` can still change, soonest settled first."""
    when = {key: last_day + dt.timedelta(days=maturity_days(key, rules)) for key in metrics}
    return [Immature(key, day) for key, day in sorted(when.items(), key=lambda item: item[1]) if day > as_of]
