"""How weights are set: what is policy, said in one place and printed in the report."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..text import say

ROLES = ("pre", "after", "mixed", "call")  # who is scored; 混合岗 by weights of its own
SERVES = {"pre": ("pre", "both"), "after": ("after", "both"), "mixed": ("pre", "after", "both"), "call": ("call",)}
COMFORTABLE = 6  # PRACTICE 24: scored metrics of a role; more are warned of
TOO_MANY = 8  # and beyond these refused unless asked for
POOL = (8, 12)  # S1-55: from twenty to so many


class WeightSettings(BaseModel):
    """How weights come about. Shares are of 1, weights and steps are points of 100 (METHOD 2, PRACTICE 12, 24)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metrics: tuple[str, ...] = ()  # default: all in the values that have a direction and are of the role
    outcome: str = ""  # the metric that the data are asked about; default: none
    outcome_better: Literal["higher", "lower"] = "higher"  # of an outcome that is no metric of the catalogue
    lag_months: int = Field(default=0, ge=0)  # the outcome shows so many months later
    template: str = ""  # of starter weights; default: the role's
    max_weight: int = Field(default=40, ge=5, le=100)
    min_weight: int = Field(default=5, ge=0)
    step: int = Field(default=5, ge=1)
    most_scored: int = Field(default=COMFORTABLE, ge=1)
    force_many: bool = False  # more than eight scored metrics
    one_speed: bool = True  # PRACTICE 24: never two speed metrics together

    min_coverage: float = 0.60
    min_reliability: float = 0.30
    alike: float = 0.70
    min_agents: int = 10
    min_months: int = 3
    cells_per_metric: int = 10
    full_agents: int = 30
    full_cells: int = 360
    alpha: float = 0.05
    unsteady: float = 0.15  # weights that would move further with other agents are indicative,
    too_unsteady: float = 0.20  # and further still refused
    most_indicative: float = 0.50  # of the weight that data may make up
    most_full: float = 0.75
    permutations: int = 199
    resamples: int = 200
    draws: int = 1000

    full_procedure: int = 7  # raters from whom on the geometric mean stands; the median of fewer
    few_raters: int = 3
    agreed: float = 0.70  # Kendall's W at which rounds stop
    settled: float = 0.05  # or its change from round to round
    split: float = 0.30  # below it the raters are not averaged
    consistent: float = 0.10  # AHP's CR
    seed: int = 1

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        if self.most_scored > TOO_MANY and not self.force_many:
            raise ValueError(say("weights.too_many_scored", found=self.most_scored, most=TOO_MANY))
        if 100 % self.step or self.min_weight % self.step or self.max_weight % self.step:
            raise ValueError(say("weights.bad_step", step=self.step))
        if self.min_weight > self.max_weight or self.min_weight * self.most_scored > 100:
            raise ValueError(say("weights.bad_limits", low=self.min_weight, high=self.max_weight))
        return self
