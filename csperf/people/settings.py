"""How people are led by their figures: what is policy, said in one place, typed under `people:` in a shop's file."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ..settings import did_you_mean, quoted
from ..text import say

STRICT = ConfigDict(frozen=True, extra="forbid")
Role = Literal["pre", "after", "mixed", "call"]
CRITERIA = ("service", "product", "teamwork", "initiative", "coaching")  # soft ones of a promotion (S1-36)
SCORE = "score"  # what an award may go by beside the metrics


def _metric(value: str) -> str:
    from ..catalogue import ENTRIES  # only a file that names metrics pays for the catalogue

    if value not in ENTRIES and value != SCORE:
        raise ValueError(say("params.no_metric", found=quoted(value), hint=did_you_mean(value, ENTRIES)))
    return value


MetricKey = Annotated[str, AfterValidator(_metric)]
Share = Annotated[float, Field(ge=0, le=1)]


class Bonus(BaseModel):
    """What a coefficient of 1 is worth a whole month; no role or no level: every one without a row of its own."""

    model_config = STRICT

    role: Literal["", "pre", "after", "mixed", "call"] = ""
    level: str = ""
    yuan: float = Field(ge=0, examples=[800])


class Tier(BaseModel):
    """The rate from so many yuan of net sales on."""

    model_config = STRICT

    above_yuan: float = Field(ge=0, examples=[50000])
    rate: Share = Field(examples=[0.006])


class Commission(BaseModel):
    """提成: a share of the role's net sales (去退销售额) of a month, one rate or tiers (阶梯提成).

    whole: the tier reached holds for all sales, as some shops have it; else for what lies above its line, so that no
    single order is worth a jump.
    """

    model_config = STRICT

    role: Role
    rate: Share | None = Field(default=None, examples=[0.005])
    tiers: tuple[Tier, ...] = ()
    whole: bool = False

    @model_validator(mode="after")
    def _rate_or_tiers(self) -> Self:
        lines = [tier.above_yuan for tier in self.tiers]
        if (self.rate is None) == (not lines):
            raise ValueError(say("people.rate_or_tiers"))
        if lines and (lines[0] != 0 or any(low >= high for low, high in pairwise(lines))):
            raise ValueError(say("people.tiers_order", found=" / ".join(f"{line:g}" for line in lines)))
        return self

    def of(self, sold: Decimal) -> Decimal:
        """The commission on so many yuan."""
        rates = self._rates()
        if self.whole:
            return sold * next((rate for above, rate in reversed(rates) if sold >= above), Decimal(0))
        ends = [*(above for above, _rate in rates[1:]), max(sold, rates[-1][0])]
        parts = zip(rates, ends, strict=True)
        return sum((rate * max(min(sold, end) - above, Decimal(0)) for (above, rate), end in parts), Decimal(0))

    def jump(self) -> Decimal:
        """What the one order is worth, at most, that passes a line; 0 where nothing jumps."""
        steps = [above * (rate - before) for (_, before), (above, rate) in pairwise(self._rates())]
        return max(steps, default=Decimal(0)) if self.whole else Decimal(0)

    def _rates(self) -> list[tuple[Decimal, Decimal]]:
        """(from so many yuan, rate), lowest first."""
        tiers = self.tiers or (Tier(above_yuan=0, rate=self.rate or 0),)
        return [(Decimal(str(tier.above_yuan)), Decimal(str(tier.rate))) for tier in tiers]


class PaySettings(BaseModel):
    """From score to pay (PRACTICE 13). Bounds of the coefficient are those of the scores.

    unscored: the coefficient of whoever has none - newcomers, part months, targets on trial: neither docked nor
    rewarded. full_days: days worked from which a month is whole; default: the calendar days of the employment.
    grades: names for scores from there on, without any effect on money.
    """

    model_config = STRICT

    bonuses: tuple[Bonus, ...] = ()
    budget_yuan: float | None = Field(default=None, ge=0)
    commissions: tuple[Commission, ...] = ()
    unscored: float = Field(default=1.0, ge=0, le=1.2)
    full_days: int | None = Field(default=None, ge=1, le=31)
    grades: dict[str, float] = {"S": 110, "A": 100, "B": 80, "C": 0}

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        said = {
            "bonuses": [f"{one.role} {one.level}".strip() or "*" for one in self.bonuses],
            "commissions": [str(one.role) for one in self.commissions],
        }
        for name, keys in said.items():
            twice = [key for key in dict.fromkeys(keys) if keys.count(key) > 1]
            if twice:
                raise ValueError(say("people.twice", part=name, found=", ".join(twice)))
        return self


class GrowthSettings(BaseModel):
    """Months in the job at which a stage ends (S1-17): 新人保护期, 成长期, 成熟期.

    on_the_day: whether the day on which such a month is full belongs to the next stage. after: what people beyond the
    last are called (the textbook leaves it open).
    """

    model_config = STRICT

    newcomer: int = Field(default=1, ge=0)
    growing: int = Field(default=3, ge=1)
    mature: int = Field(default=12, ge=1)
    on_the_day: bool = True
    after: Literal["mature", "senior"] = "mature"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not all(low < high for low, high in pairwise((self.newcomer, self.growing, self.mature))):
            found = f"{self.newcomer} / {self.growing} / {self.mature}"
            raise ValueError(say("people.stages_order", found=found))
        return self


class QuotaSettings(BaseModel):
    """The daily quota: of which counts, from how many of the newest days worked, at least how many (PRACTICE 19)."""

    model_config = STRICT

    metrics: tuple[MetricKey, ...] = ("sessions_per_day", "effective_sessions_per_day", "orders_per_day")
    days: int = Field(default=60, ge=5)
    min_days: int = Field(default=10, ge=3)
    low: float = Field(default=0.3, gt=0, lt=0.5)
    high: float = Field(default=0.7, gt=0.5, lt=1)


class CoachingSettings(BaseModel):
    """Who is clearly below. sure: of what may lie behind a value, how much is worse than the target.

    team_share: above this share of a role clearly below the target it is the target or the work, not the person.
    """

    model_config = STRICT

    sure: float = Field(default=0.90, gt=0.5, lt=1)
    team_share: float = Field(default=0.5, gt=0, le=1)
    volume: MetricKey = "sessions_per_day"
    speed: MetricKey = "mean_wait_turn_s"


class Award(BaseModel):
    """An award: who is best at a metric, or at the score. top: how many places (TOP3); equals share them.

    min_n: cases in the period; default the metric's own.
    """

    model_config = STRICT

    zh: str
    en: str
    metric: MetricKey = SCORE
    roles: tuple[Role, ...] = ("pre", "after", "mixed", "call")
    period: Literal["month", "quarter"] = "month"
    top: int = Field(default=1, ge=1)
    min_n: int | None = Field(default=None, ge=1)
    min_days: int = Field(default=10, ge=1)


class Threshold(BaseModel):
    """What a metric must be over a quarter for a promotion, as good or better."""

    model_config = STRICT

    metric: MetricKey
    value: float


class PromotionSettings(BaseModel):
    """Hard criteria of a promotion (S1-36) and the days of its steps (S1-37: publicity of 3 working days or more)."""

    model_config = STRICT

    quarters: int = Field(default=2, ge=1)
    excellent: float = Field(default=100, ge=60, le=120)
    least_months: int = Field(default=3, ge=1, le=3)
    tenure_months: int = Field(default=6, ge=0)
    thresholds: tuple[Threshold, ...] = ()
    check_days: int = Field(default=3, ge=1)
    assess_days: int = Field(default=5, ge=1)
    publicity_days: int = Field(default=3, ge=3)


class Rung(BaseModel):
    """A measure of the ladder, mildest first. decided: only ever by people, after the person was heard."""

    model_config = STRICT

    key: str
    zh: str
    en: str
    bonus_cut: Share = 0.0
    decided: bool = False


class Penalty(BaseModel):
    """Where an event of this kind begins on the ladder and how far it may climb."""

    model_config = STRICT

    kind: str
    begins: str
    most: str
    also: Literal["", "training", "coaching"] = ""


class Reward(BaseModel):
    """What an event of this kind is rewarded with."""

    model_config = STRICT

    kind: str
    yuan: float = Field(default=0, ge=0)
    zh: str = ""
    en: str = ""


@cache
def _packaged(name: str) -> Any:
    """What a file of this package says, which every model checks anew and none changes."""
    return yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))


class ConductSettings(BaseModel):
    """Rewards and penalties as data (conduct.yaml unless the shop's file has its own).

    over_target: how far beyond the target is rewarded (S1-40), relative to it, or in points of the share. window_days:
    standing events of the same kind within them climb the ladder together.
    """

    model_config = STRICT

    over_target: float = Field(default=0.10, gt=0)
    over_by: Literal["relative", "points"] = "relative"
    over_target_yuan: float = Field(default=0, ge=0)
    window_days: int = Field(default=180, ge=1)
    ladder: tuple[Rung, ...] = Field(default_factory=lambda: _packaged("conduct.yaml")["ladder"], validate_default=True)
    penalties: tuple[Penalty, ...] = Field(
        default_factory=lambda: _packaged("conduct.yaml")["penalties"], validate_default=True
    )
    rewards: tuple[Reward, ...] = Field(
        default_factory=lambda: _packaged("conduct.yaml")["rewards"], validate_default=True
    )

    @model_validator(mode="after")
    def _on_the_ladder(self) -> Self:
        rungs = [rung.key for rung in self.ladder]
        for one in self.penalties:
            missing = [key for key in (one.begins, one.most) if key not in rungs]
            if missing:
                raise ValueError(say("people.no_rung", kind=one.kind, found=", ".join(missing), rungs=", ".join(rungs)))
            if rungs.index(one.begins) > rungs.index(one.most):
                raise ValueError(say("people.rungs_backwards", kind=one.kind, begins=one.begins, most=one.most))
        return self


class PeopleSettings(BaseModel):
    """The part `people:` of a shop's file."""

    model_config = STRICT

    growth: GrowthSettings = GrowthSettings()
    quotas: QuotaSettings = QuotaSettings()
    coaching: CoachingSettings = CoachingSettings()
    awards: tuple[Award, ...] = Field(default_factory=lambda: _packaged("awards.yaml"), validate_default=True)
    promotion: PromotionSettings = PromotionSettings()
    conduct: ConductSettings = Field(default_factory=ConductSettings)
    pay: PaySettings = PaySettings()
