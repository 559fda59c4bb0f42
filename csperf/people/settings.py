"""How people are led by their figures: what is policy, said in one place, typed under `people:` in a shop's file."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..text import say

STRICT = ConfigDict(frozen=True, extra="forbid")
Role = Literal["pre", "after", "mixed", "call"]
CRITERIA = ("service", "product", "teamwork", "initiative", "coaching")  # soft ones of a promotion (S1-36)
Share = Annotated[float, Field(ge=0, le=1)]


class Bonus(BaseModel):
    """What a coefficient of 1 is worth a whole month; no role or no level: every one without a row of its own."""

    model_config = STRICT

    role: Literal["", "pre", "after", "mixed", "call"] = ""
    level: str = ""
    yuan: float = Field(ge=0, examples=[800])


class Commission(BaseModel):
    """提成: a share of the role's net sales (去退销售额)."""

    model_config = STRICT

    role: Role
    rate: Share = Field(examples=[0.005])


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


class PeopleSettings(BaseModel):
    """The part `people:` of a shop's file."""

    model_config = STRICT

    pay: PaySettings = PaySettings()
    growth: GrowthSettings = GrowthSettings()
