"""How scores are made: what is policy, said in one place and printed beside them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Rule = Literal["linear", "step", "attainment"]


class ScoreSettings(BaseModel):
    """How values become points, points a score, and a score a pay coefficient.

    rule: linear (through base, target and stretch; METHOD 5), step (the same three points as steps: one case can be
    worth 40 points), attainment (the share of the target reached, 100 at most). margin: how far below base a share has
    no points left. least_weight: of the weights that must have a value. likely: of the months as large as this one,
    how many give a score within score_low and score_high.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Rule = "linear"
    base_points: float = 60
    target_points: float = 100
    stretch_points: float = 120
    margin: float = Field(default=0.10, gt=0)
    least_weight: float = Field(default=0.60, ge=0, le=1)
    min_n: int | None = None  # default: each metric's own
    min_days: int = 10  # PRACTICE 19: part months
    protection_days: int = 30  # PRACTICE 19: newcomers
    cap: float = 60  # PRACTICE 6: of a person's own, evidenced event
    coefficient_low: float = 0.6  # PRACTICE 13
    coefficient_high: float = 1.2
    no_coefficient_below: float = 40
    likely: float = 0.80
    draws: int = 400
    few: int = 8  # people of a role, below whom nobody is called above or below the others
    anonymous: int = 5  # people that a team's figures must be made of
    seed: int = 1
