"""How targets are set: what is policy, said in one place and printed in the report."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict

LEVELS = ("junior", "mid", "senior")  # as rosters store them; what people read stands in text/
ROLE_ORDER = ("pre", "after", "mixed", "both", "call", "manager", "shop")
SERVES = {"pre": ("pre", "mixed"), "after": ("after", "mixed"), "manager": ("manager",)}
NO_TARGET_ROLES = ("shop",)
NOT_AGENTS = ("bot",)
# What the seeds name (S0-09 to S0-22) and a shop of calls has: few enough to read; any other entry can be asked for.
CORE = [
    *("reply_30s_msg", "first_reply_s", "mean_wait_turn_s", "effective_reply_user", "handle_min"),
    *("conversion_paid_user", "order_value_yuan", "items_per_buyer", "aht_s"),
]
GROUP_BUYING = ("pdd",)  # platforms on which an order counts once its group is complete (S0-12)
# METHOD 1.3 and 1.6: what a shop of each stage asks, and how far its category pulls it.
STAGE_TARGET = {"launch": 0.75, "steady": 0.65, "leader": 0.55}
STAGE_PULL = {"launch": 0.20, "steady": 0.33, "leader": 0.50}


class TargetSettings(BaseModel):
    """How targets are set. Shares are policy, not estimates: the share of agents expected to meet the value."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shop_stage: Literal["launch", "steady", "leader"] = "steady"
    history_months: int = 12
    base: float = 0.90
    target: float | None = None  # default: the stage's
    stretch: float = 0.20
    pull: float | None = None  # of the way to the category's same-tier mean; default: the stage's
    hardest_target: float = 0.50  # no target that fewer are expected to meet
    hardest_stretch: float = 0.05
    min_n: int | None = None  # default: each metric's own
    min_days: int = 10  # PRACTICE 19: part months, for what is counted per day worked
    protection_days: int = 30  # PRACTICE 19: newcomers
    split_agents: int = 8  # PRACTICE 1: fewer agents in a role are not split by level
    min_agents: int = 5
    min_agent_months: int = 15
    min_months: int = 3
    too_hard: float = 0.10  # S0-07: fewer met it: people give up
    too_easy: float = 0.90  # more met it: no incentive
    levels: tuple[str, ...] = LEVELS
    metrics: tuple[str, ...] = ()  # default: all in the values that have a direction
    company_goals: dict[str, float] = {}  # PRACTICE 10: beside the three sources, never mixed in
    volume: float = 1.0  # planned cases as a multiple of late months
    activity_volume: float = 1.0  # and of activity days as a multiple of the last activity's
    resamples: int = 400  # of agents and months, for the half-width of a target; 0: none
    seed: int = 1

    @property
    def goal(self) -> float:
        """The share of agents expected to meet the target."""
        return STAGE_TARGET[self.shop_stage] if self.target is None else self.target

    @property
    def kappa(self) -> float:
        """How far towards the category's mean the target is pulled."""
        return STAGE_PULL[self.shop_stage] if self.pull is None else self.pull


def core_metrics(platform: str | None) -> list[str]:
    """The metrics that get targets unless the shop names its own, with the conversion its platform shows."""
    grouped = {"conversion_paid_user": "conversion_grouped_user"} if platform in GROUP_BUYING else {}
    return [grouped.get(metric, metric) for metric in CORE]
