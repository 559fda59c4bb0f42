"""Platform rules as dated data: what a platform asks of a shop, since when, and how far to trust the source.

Nothing is judged by a number in code: `params/platforms/<platform>.yaml` says it, March by March's rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .errors import CsperfError, Problem
from .hours import Window
from .settings import did_you_mean, explain, quoted, read_yaml
from .text import say

PLATFORMS = Path(__file__).resolve().parent.parent / "params" / "platforms"
STALE_DAYS = 180  # FIELD D 4: a rule not looked up again within this many days says so in the report
TRUSTED = ("A", "B")  # PRACTICE 22: anything lower is 待核实 until the shop has confirmed it
STRICT = ConfigDict(frozen=True, extra="forbid")

Text = Annotated[str, Field(min_length=1)]


class Words(BaseModel):
    """A sentence in both languages."""

    model_config = STRICT

    zh: Text
    en: Text


class _Dated(BaseModel):
    model_config = STRICT

    since: date | None = None
    until: date | None = None

    @model_validator(mode="after")
    def _forwards(self) -> Self:
        if self.since and self.until and self.until <= self.since:
            raise ValueError(say("rules.backwards", since=self.since, until=self.until))
        return self

    def covers(self, day: date) -> bool:
        """True on the days since <= day < until; an end that is null is open."""
        return self.begins <= day and (self.until is None or day < self.until)

    @property
    def begins(self) -> date:
        """`since`; the first of all days where no source gives it."""
        return self.since or date.min


class Exemption(_Dated):
    """Days on which a platform does not assess, such as a Spring Festival; half-open."""

    reason: Words
    source: Text
    grade: Literal["A", "B", "C", "own", "seed"]


class PlatformRule(_Dated):
    """One thing a platform asks, while it asks it: half-open `since`-`until`, null where no source gives the date.

    `metric` is a catalogue key, null where no entry measures it. `threshold` is in the key's unit (shares 0-1) and
    null where the line is relative (`relative_to`) or no source gives it. A breach is `value <comparison> threshold`
    at `min_volume` cases or more. `window` is what is assessed at once: 1d, 30d, month, event. `checked_on` is the
    day somebody of the shop last saw the rule in the merchant's backend, null = never.
    """

    platform: str
    metric: str | None
    name_zh: Text
    name_en: Text
    unit: Literal["user", "turn", "message", "session", "rating", "ticket", "event"] | None
    formula: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    hours: Window | None = None
    window: Annotated[str, Field(pattern=r"^([1-9][0-9]*d|month|event)$")] | None = None
    threshold: float | None = None
    comparison: Literal["below", "at_or_below", "above", "at_or_above"] | None = None
    relative_to: Literal["industry", "rank"] | None = None
    min_volume: Annotated[int, Field(ge=1)] | None = None
    consequence: Words | None = None
    fine_yuan: Annotated[int, Field(ge=0)] | None = None
    source: Text
    grade: Literal["A", "B", "C", "own", "seed"]
    checked_on: date | None = None
    checked_by: Text | None = None
    do_not_use: Words | None = None  # why not
    exempt: tuple[Exemption, ...] = ()
    note: Text | None = None

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.threshold is not None and (self.comparison is None or self.relative_to):
            raise ValueError(say("rules.threshold"))
        if (self.checked_on is None) != (self.checked_by is None):
            raise ValueError(say("rules.checked"))
        return self

    @property
    def usable(self) -> bool:
        """True if the rule may carry money and headlines: a good source, or confirmed by the shop (PRACTICE 22)."""
        return self.do_not_use is None and (self.grade in TRUSTED or self.checked_on is not None)

    def breached(self, value: float | None, n: int) -> bool | None:
        """Whether `value` over `n` cases breaks the rule; null without a value, or where the line has no number."""
        if value is None or self.threshold is None:
            return None
        beyond = {
            "below": value < self.threshold,
            "at_or_below": value <= self.threshold,
            "above": value > self.threshold,
            "at_or_above": value >= self.threshold,
        }
        return n >= (self.min_volume or 0) and beyond[self.comparison or "below"]

    def exempt_on(self, day: date) -> bool:
        """Whether the platform does not assess this day."""
        return any(exemption.covers(day) for exemption in self.exempt)


class _RuleFile(BaseModel):
    """A platform's file: its own exemptions hold for each of its rules."""

    model_config = STRICT

    platform: Text
    name: Words
    exempt: tuple[Exemption, ...] = ()
    rules: tuple[PlatformRule, ...]

    @model_validator(mode="before")
    @classmethod
    def _hand_down(cls, content: Any) -> Any:
        rules = content.get("rules")
        if not isinstance(rules, list):
            return content
        platform = str(content.get("platform"))
        return content | {"rules": [r | {"platform": platform} if isinstance(r, dict) else r for r in rules]}


def load_rules(path_or_name: str | Path) -> tuple[PlatformRule, ...]:
    """The rules of a YAML file, or of a platform named like a file of params/platforms, in the file's order.

    CsperfError with everything that is wrong in the file at once, overlaps and gaps in time included.
    """
    path = _file(path_or_name)
    content = read_yaml(path)
    try:
        file = _RuleFile.model_validate(content)
    except ValidationError as error:
        overlaps, _gaps = _out_of_step(_sound(content), ())  # a rule with a mistake may be what fills a gap
        wrong = explain(error, str(path), _RuleFile, content)
        raise CsperfError([*wrong, *(Problem(str(path), message) for message in overlaps)]) from None
    overlaps, gaps = _out_of_step(dict(enumerate(file.rules)), file.exempt)
    if overlaps or gaps:
        raise CsperfError([Problem(str(path), message) for message in overlaps + gaps])
    return tuple(rule.model_copy(update={"exempt": file.exempt + rule.exempt}) for rule in file.rules)


def in_force(rules: Iterable[PlatformRule], day: date) -> tuple[PlatformRule, ...]:
    """The rules that judge this day: valid, not exempted, not marked do_not_use."""
    return tuple(r for r in rules if r.covers(day) and not r.exempt_on(day) and r.do_not_use is None)


def stale(rules: Iterable[PlatformRule], on_day: date, days: int = STALE_DAYS) -> tuple[PlatformRule, ...]:
    """The rules never confirmed in the merchant's backend, or last more than `days` days before `on_day`."""
    limit = on_day - timedelta(days=days)
    return tuple(r for r in rules if r.checked_on is None or r.checked_on < limit)


def _file(path_or_name: str | Path) -> Path:
    path = Path(path_or_name)
    if path.suffix in (".yaml", ".yml"):
        return path
    known = {file.stem: file for file in sorted(PLATFORMS.glob("*.yaml"))}
    if (name := str(path_or_name)) not in known:
        slots = {"found": quoted(name), "hint": did_you_mean(name, known), "allowed": ", ".join(known)}
        raise CsperfError(Problem("platform", say("rules.no_platform", **slots)))
    return known[name]


def _sound(content: Any) -> dict[int, PlatformRule]:
    """The rules of a file with mistakes that hold none themselves, by place in the file."""
    listed = content.get("rules") if isinstance(content, dict) else None
    sound = {}
    for at, rule in enumerate(listed if isinstance(listed, list) else []):
        with suppress(ValidationError):
            named = rule | {"platform": str(content.get("platform"))} if isinstance(rule, dict) else rule
            sound[at] = PlatformRule.model_validate(named)
    return sound


def _out_of_step(rules: Mapping[int, PlatformRule], exempt: Iterable[Exemption]) -> tuple[list[str], list[str]]:
    """Sentences for the overlaps and for the gaps between rules (by place in the file) that succeed one another.

    Days on which the platform does not assess need no rule.
    """
    placed = [(_subject(rule), rule.begins, at) for at, rule in rules.items() if rule.do_not_use is None]
    overlaps, gaps = [], []
    for subject, same in groupby(sorted(placed), key=lambda p: p[0]):
        (_, _, longest), *later = same
        for _, begins, at in later:
            end = rules[longest].until
            slots = {"first": f"rules[{longest}]", "second": f"rules[{at}]", "subject": ", ".join(subject)}
            if end is None or end > begins:
                overlaps.append(say("rules.overlap", begins=begins, **slots))
            elif not _all_exempt(end, begins, [*exempt, *rules[longest].exempt, *rules[at].exempt]):
                gaps.append(say("rules.gap", until=end, begins=begins, **slots))
            if end is not None and (rules[at].until or date.max) > end:
                longest = at
    return overlaps, gaps


def _all_exempt(first: date, end: date, exempt: Iterable[Exemption]) -> bool:
    """Whether the days from `first` up to `end` are all exempt."""
    for exemption in sorted(exempt, key=lambda e: e.begins):
        if exemption.begins <= first:
            first = max(first, exemption.until or date.max)
    return first >= end


def _subject(rule: PlatformRule) -> tuple[str, str, str]:
    return rule.platform, rule.metric or rule.name_en, rule.formula
