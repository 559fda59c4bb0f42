"""Days, hours and people of one shop, in plain Python. Shares nothing with the engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from csperf.definitions import Definition

SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Window = tuple[datetime, datetime]


def microseconds(length: timedelta) -> int:
    """A length of time as whole microseconds."""
    return length // MICROSECOND


@dataclass(frozen=True)
class Shop:
    """What a shop is beside its messages. `hours`: a daily window, a list of aware intervals, or None = always open."""

    definition: Definition
    hours: tuple[str, str] | list[Window] | None = None
    roster: tuple[dict, ...] = ()
    shifts: tuple[dict, ...] = ()
    internal_accounts: frozenset[str] = frozenset()
    listed_buyers: frozenset[str] = frozenset()
    tz: str = "Asia/Shanghai"
    covered_days: frozenset[date] = frozenset()
    categories: frozenset[str] = frozenset()

    def day(self, at: datetime) -> date:
        """The local day of a moment."""
        return at.astimezone(ZoneInfo(self.tz)).date()

    def moment(self, day: date, clock: str) -> datetime:
        """The moment a local clock shows `clock` on `day`; "24:00" is the next midnight."""
        if clock == "24:00":
            return self.moment(day + timedelta(days=1), "00:00")
        return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(self.tz)).astimezone(UTC)

    def midnight_after(self, at: datetime) -> datetime:
        """The first local midnight after `at`; at midnight sharp the next one."""
        return self.moment(self.day(at), "24:00")

    def windows(self, first: date, last: date) -> Iterable[Window]:
        """The service windows of some local days. A set with hours of its own uses those."""
        hours = self.hours if self.definition.hours == "shop" else self.definition.hours
        if isinstance(hours, list):
            yield from hours
            return
        opens, closes = hours or ("00:00", "24:00")
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            yield self.moment(day, opens), self.moment(day, closes)

    def in_hours(self, at: datetime) -> bool:
        """Whether the shop serves at that moment; windows are half-open."""
        return any(opens <= at < closes for opens, closes in self.windows(self.day(at), self.day(at)))

    def service_us(self, start: datetime, end: datetime) -> int:
        """Service time between two moments, in microseconds."""
        total = timedelta()
        for opens, closes in self.windows(self.day(start), self.day(end)):
            total += max(timedelta(), min(end, closes) - max(start, opens))
        return microseconds(total)

    def in_time(self, start: datetime, at: datetime) -> bool:
        """Whether a wait that began at `start` may still be answered at `at`: limits inclusive, midnight exclusive."""
        if self.definition.horizon == "midnight":
            return at < self.midnight_after(start)
        return at - start <= self.definition.reply_horizon_s * SECOND

    def entry(self, account: str | None, day: date) -> dict | None:
        """The roster's line for an account on a day; the latest where several hold.

        valid_to is exclusive, ended inclusive. READING R1: `started` and `ended` bound the line as well as
        valid_from and valid_to; outside of them the account stands for itself.
        """
        lines = [
            line
            for line in self.roster
            if line["account_id"] == account
            and max(line["valid_from"], line["started"]) <= day
            and (line["valid_to"] is None or day < line["valid_to"])
            and (line["ended"] is None or day <= line["ended"])
        ]
        return max(lines, key=lambda line: line["valid_from"], default=None)

    def agent(self, account: str | None, day: date) -> str | None:
        """The person behind an account on a day; an account not on the roster stands for itself."""
        line = self.entry(account, day)
        return line["agent_id"] if line else account

    def is_bot(self, account: str | None, day: date) -> bool:
        """Whether the roster names the account as a bot on that day."""
        line = self.entry(account, day)
        return line is not None and line["role"] == "bot"

    def shift(self, agent: str | None, day: date) -> str | None:
        """The name of the agent's first shift that starts that day. READING R2: by day, not by the row's own hour."""
        starts = [s for s in self.shifts if s["agent_id"] == agent and self.day(s["start"]) == day]
        return min(starts, key=lambda s: s["start"])["shift"] if starts else None

    def who(self, shop_id: str, scope: str, account: str | None, day: date) -> dict:
        """The columns every derived row begins with."""
        line = self.entry(account, day) if scope == "agent" else None
        agent = self.agent(account, day) if scope == "agent" else None
        return {
            "shop_id": shop_id,
            "scope": scope,
            "agent_id": agent,
            "account_id": account if scope == "agent" else None,
            "role": line["role"] if line else None,
            "level": line["level"] if line else None,
            "shift": self.shift(agent, day) if scope == "agent" else None,
            "category_code": None,
            "day": day,
        }
