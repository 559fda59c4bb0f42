"""The targets as the page needs them: one aim per metric and role with its levels, its people and its weight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

import pandas as pd

from ..catalogue import QUESTIONS, entry
from ..metric import Entry
from ..targets import ladder
from .page import Material

PEERS = ("tier_mean", "mean")  # as the rule looks at them
PRINTED_PER_ROLE = 6  # PRACTICE 24: a role has four to six scored metrics
PRINTED = 13
GRADES = ("publish", "trial", "reference")


@dataclass(frozen=True, eq=False)
class Aim:
    """One metric of one role: the whole role's row, its levels' rows from junior to senior, the peers' value.

    people, met, low, high: how many there are, are expected to meet their own target, and the likely range; met is
    null where nothing can be expected. weight is null without weights, 0 where the metric is only watched.
    """

    whole: Any
    levels: tuple[Any, ...]
    people: int
    met: int | None
    low: int | None
    high: int | None
    peers: float
    same_tier: bool
    weight: float | None

    @property
    def known(self) -> Entry:
        return entry(self.whole.metric)

    @property
    def codes(self) -> set[str]:
        """The status codes of all its rows."""
        return {code for row in (self.whole, *self.levels) for code in str(row.status).split(";")}

    @property
    def grade(self) -> str:
        """The grade of what it asks for: the lowest of its levels', else the whole role's."""
        return max((row.grade for row in self.levels or [self.whole]), key=GRADES.index)

    @property
    def shown(self) -> Any:
        """The row whose base and stretch stand in the table: the middle level's, else the whole role's."""
        return self.levels[len(self.levels) // 2] if self.levels else self.whole

    @property
    def share(self) -> float | None:
        """The share of people expected to meet it."""
        return None if self.met is None or not self.people else self.met / self.people

    @property
    def behind(self) -> float:
        """How far the shop lies behind its peers, in lengths from base to stretch; NaN where either is not known."""
        sign = 1 if self.known.better == "higher" else -1
        return sign * (self.peers - self.whole.shop_value) / abs(self.shown.stretch - self.shown.base)


def aims(material: Material) -> list[Aim]:
    """All aims in the table's order."""
    rows = list(material.targets.itertuples(index=False))
    whole = [row for row in rows if pd.isna(row.level)]
    return [_aim(row, [r for r in rows if _same(r, row) and pd.notna(r.level)], material) for row in whole]


def alone(row: Any) -> Aim:
    """A row of one level as an aim of its own."""
    return Aim(row, (), *_expected(row, ()), nan, False, None)


def printed(every: Sequence[Aim]) -> list[Aim]:
    """The aims of the one printed page: of each role as many as of the others, no more than can be read.

    Scored ones first, firm ones before those on trial, and of each question (speed, sales ...) the first before any
    second: two metrics of speed say much the same (PRACTICE 24).
    """
    roles = list(dict.fromkeys(aim.whole.role for aim in every))
    most = min(PRINTED_PER_ROLE, PRINTED // max(len(people_by_role(every)), 1))
    kept = [aim for role in roles for aim in _first([a for a in every if a.whole.role == role])[:most]][:PRINTED]
    return [aim for aim in every if aim in kept]


def _first(of_role: Sequence[Aim]) -> list[Aim]:
    """One role's aims, the ones to print first in front."""
    asked: dict[str, int] = {}
    ranks = []
    for aim in of_role:
        question = QUESTIONS[aim.whole.metric]
        asked[question] = asked.get(question, 0) + 1
        scored = 1 if aim.weight == 0 else 0
        ranks.append((scored, GRADES.index(aim.grade), asked[question]))
    return [of_role[place] for place in sorted(range(len(of_role)), key=ranks.__getitem__)]


def by_metric(review: pd.DataFrame | None) -> pd.DataFrame:
    """One row per metric and role of last month's targets: low, high and met, the levels' people added up.

    Rows for which nothing was predicted are left out; the whole role's row gives way to those of its levels.
    """
    names = ["metric", "role", "low", "high", "met"]
    if review is None:
        return pd.DataFrame(columns=names)
    rows = review.dropna(subset=["low", "high", "met"])
    if "level" in rows:
        split = rows["level"].notna() & (rows["level"] != "")
        has_levels = split.groupby([rows["metric"], rows["role"]]).transform("any")
        rows = rows[split | ~has_levels]
    return rows.astype(dict.fromkeys(names[2:], int)).groupby(names[:2], as_index=False, sort=False)[names[2:]].sum()


def assessed(every: Sequence[Aim], agents: pd.DataFrame | None) -> tuple[int, dict[str, int]]:
    """How many people there are, and how many of each role; no roles where one person stands in several."""
    roles = people_by_role(every)
    if agents is None or agents.empty:
        return sum(roles.values()), roles
    known = {role: set(rows["agent_id"]) for role, rows in agents.groupby("role") if role in roles}
    people = set().union(*known.values())
    if len(people) < sum(map(len, known.values())):
        return len(people), {}
    return sum(roles.values()), roles


def people_by_role(every: Sequence[Aim]) -> dict[str, int]:
    """How many people each role has, over all its metrics."""
    found: dict[str, int] = {}
    for aim in every:
        found[aim.whole.role] = max(found.get(aim.whole.role, 0), aim.people)
    return {role: n for role, n in found.items() if n}


def _aim(whole: Any, levels: Sequence[Any], material: Material) -> Aim:
    steps = ladder({row.level for row in levels})
    ordered = tuple(sorted(levels, key=lambda row: steps.index(row.level)))
    peers, same_tier = _peers(whole, material.industry)
    return Aim(whole, ordered, *_expected(whole, ordered), peers, same_tier, _weight(whole, material.weights))


def _expected(whole: Any, levels: Sequence[Any]) -> tuple[int, int | None, int | None, int | None]:
    """People, those expected to meet their own target, and the likely range.

    The levels' people add up. Their ranges do not, for not every level has its bad month at once: the range around the
    sum is as wide as that of the whole role around its own, and never wider than the levels' ranges end to end.
    """
    rows = [row for row in levels or [whole] if _is(row.attainment)]
    if not rows:
        return _team(whole), None, None, None
    people, met = sum(map(_team, rows)), sum(map(_met, rows))
    if not all(_is(row.attainment_low) and _is(row.attainment_high) for row in rows):
        return people, met, None, None
    low, high = (sum(_end(row, end) for row in rows) for end in ("low", "high"))
    if levels and _is(whole.attainment_low) and _is(whole.attainment_high):
        low = max(low, met - (_met(whole) - _end(whole, "low")))
        high = min(high, met + (_end(whole, "high") - _met(whole)))
    return people, met, min(low, met), max(high, met)


def _met(row: Any) -> int:
    return int(row.expected_agents) if _is(row.expected_agents) else round(row.attainment * _team(row))


def _end(row: Any, end: str) -> int:
    """The fewest or the most people of a row's range."""
    return round(getattr(row, f"attainment_{end}") * _team(row))


def _team(row: Any) -> int:
    """The people a target is meant for; where the frame does not say, those who were seen."""
    return next((int(n) for n in (getattr(row, "team", nan), row.n_agents) if _is(n)), 0)


def _peers(whole: Any, industry: pd.DataFrame | None) -> tuple[float, bool]:
    """The same tier's mean, else the category's, and whether it is the tier's; the target's own without `industry`."""
    if industry is None:
        return (float(whole.tier_mean), True) if _is(whole.tier_mean) else (nan, False)
    for cell in PEERS:
        found = industry.loc[(industry["metric"] == whole.metric) & (industry["cell"] == cell), "value"].dropna()
        if len(found):
            return float(found.iloc[0]), cell == "tier_mean"
    return nan, False


def _weight(whole: Any, weights: pd.DataFrame | None) -> float | None:
    if weights is None:
        return None
    rows = weights[weights["metric"] == whole.metric]
    rows = rows[rows["role"].isna() | (rows["role"] == whole.role)]
    return float(rows["weight"].iloc[0]) if len(rows) else 0.0


def _same(one: Any, other: Any) -> bool:
    return one.metric == other.metric and one.role == other.role


def _is(value: Any) -> bool:
    return value is not None and pd.notna(value) and isfinite(float(value))
