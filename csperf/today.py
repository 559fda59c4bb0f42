"""A day that is not over: how far from a platform's daily lines, who replies slowly, and that no report has it.

What is shown is what was loaded so far; platforms' own figures of a day are complete on the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from math import ceil, floor
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import pandas as pd

from .catalogue import ENTRIES
from .metric import Metric
from .rules import PlatformRule

SLOW_S, SLOW_TIMES, LEAST_SLOW_S = 120, 3, 30  # as 快麦绩效 sets them (FIELD B)
SECOND = 1_000_000  # microseconds
DAILY = "1d"


@dataclass(frozen=True)
class Watch:
    """Where the day stands before one rule. good and n: cases so far that keep it, and all.

    broken: the rule would be broken if the day ended now. to_volume: how many cases are missing until the rule is
    applied at all. needed: so many more good cases until the line is safe, at the rule's volume too if all others up to
    it fail; null where no number will do. answering: so many of today's failures would have to turn good instead; null
    where there are not so many. spare: so many of the next cases may fail one after another; null where all may.
    """

    rule: PlatformRule
    good: int
    n: int
    broken: bool
    to_volume: int
    needed: int | None
    answering: int | None
    spare: int | None


@dataclass(frozen=True)
class _Line:
    """The least share of good cases, as an exact fraction; `strict`: the line itself breaks the rule already."""

    share: Fraction
    strict: bool

    def least_good(self, n: int) -> int:
        """How many of n must be good."""
        return floor(self.share * n) + 1 if self.strict else ceil(self.share * n)

    def kept(self, good: int, n: int) -> bool:
        """Whether so many of n are enough."""
        return good >= self.least_good(n)

    def needed(self, good: int, n: int) -> int | None:
        """The fewest good cases to come after which the line is kept; null where none suffice."""
        if self.kept(good, n):
            return 0
        if self.share == 1:
            return None
        short = (self.share * n - good) / (1 - self.share)
        return floor(short) + 1 if self.strict else ceil(short)

    def spare(self, good: int, n: int) -> int | None:
        """How many cases to come may fail before the line is broken; null where all may."""
        if self.share == 0:
            return 0 if self.strict and not good else None
        most = good / self.share
        return max((ceil(most) - 1 if self.strict else floor(most)) - n, 0)


def watched(rules: Iterable[PlatformRule]) -> list[PlatformRule]:
    """Of the rules those of a single day with a number, on shares of cases that the catalogue counts."""
    return [rule for rule in rules if rule.window == DAILY and rule.threshold is not None and _share(rule.metric)]


def _share(metric: str | None) -> bool:
    known = ENTRIES.get(metric or "")
    return isinstance(known, Metric) and known.unit == "share"


def watch(rule: PlatformRule, hits: int, n: int) -> Watch:
    """Where `hits` of `n` cases stand before the rule, in whole cases: exact, no rounding of rates.

    hits are what the metric counts above its line: good cases where the rule is broken from below, else bad ones.
    """
    low = str(rule.comparison).endswith("below")
    share = Fraction(str(rule.threshold))
    line = _Line(share if low else 1 - share, str(rule.comparison).startswith("at_"))
    good = hits if low else n - hits
    volume = rule.min_volume or 1
    at_volume = max(n, volume)
    now, then = line.needed(good, n), line.least_good(at_volume) - good
    spare = line.spare(good, n)
    return Watch(
        rule=rule,
        good=good,
        n=n,
        broken=n >= volume and not line.kept(good, n),
        to_volume=max(volume - n, 0),
        needed=None if now is None else max(now, then if n < volume else 0),
        answering=max(then, 0) if then <= n - good else None,
        spare=None if spare is None else max(spare, volume - 1 - n),
    )


# Slow replies -----------------------------------------------------------------------------------------------------


def slow_replies(
    facts: Mapping[str, ir.Table], day: date, slow_s: int = SLOW_S, times: int = SLOW_TIMES
) -> pd.DataFrame:
    """agent_id, slow, waiting, n, longest_s, at: agents with `times` or more turns of the day slower than `slow_s`.

    slow: turns answered later than that; waiting: those nobody answered yet; n: all turns in service hours. at: when
    the slowest began (UTC). The most first.
    """
    turns = facts["turns"]
    turns = turns.filter(
        turns.scope == "agent", turns.day == day, turns.agent_id.notnull(), ~turns.excluded, turns.in_hours
    )
    late = (turns.answered & (turns.wait_us > slow_s * SECOND)).fill_null(False)
    found = turns.group_by("agent_id").agg(
        slow=late.sum(),
        waiting=(~turns.answered).sum(),
        n=turns.count(),
        longest_s=turns.wait_us.max() / SECOND,
        at=turns.started_at.argmax(turns.wait_us),
    )
    rows = found.filter(found.slow >= times).to_pandas()
    return rows.sort_values(["slow", "agent_id"], ascending=[False, True], ignore_index=True)


def is_over(day: date, timezone: str, now: datetime) -> bool:
    """Whether a day has passed where the shop is."""
    return day < now.astimezone(ZoneInfo(timezone)).date()
