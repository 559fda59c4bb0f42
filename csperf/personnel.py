"""A shop's people from its store: growth, quotas, coaching, awards, promotion, conduct and pay of the run's month."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from .errors import CsperfError, Problem
from .filled import filled_in
from .people.awards import awards
from .people.coaching import coaching
from .people.conduct import consequences, late_replies, over_target
from .people.cost import cost, past_cost
from .people.growth import checklist, stages
from .people.improvement import suggestions
from .people.pay import SALES, employed, in_fen, notices, pay, worked
from .people.promotion import promotion, soft, steps
from .people.quotas import quotas
from .people.settings import SCORE, PeopleSettings
from .people.steps import Step, step_table
from .people.sure import Behind, behind
from .run import Run, history, measure
from .scoring import Scored, score_run
from .stages import register_of
from .targets.register import Register, later
from .text import say
from .weighing import points_form, published_weights

DAILY = ["agent", "role", "level", "day"]
HANDED_OVER = [
    "agent_id",
    "name",
    "score",
    "coefficient",
    "bonus_fen",
    "reward_fen",
    "commission_fen",
    "correction_fen",
]


def personnel(run: Run, scored: Scored | None = None) -> Personnel:
    """The people of the run's month; `scored` where the month was scored already."""
    return Personnel(run, score_run(run) if scored is None else scored)


@dataclass(frozen=True, eq=False)
class Personnel:
    """What a shop's tables say of its people in one month; every table is worked out when it is asked for."""

    run: Run
    scored: Scored

    @property
    def settings(self) -> PeopleSettings:
        """The shop's rules for people."""
        return self.run.params.people

    @property
    def names(self) -> dict[str, str]:
        """agent_id -> name, for those who may see it."""
        return self.scored.names

    @cached_property
    def register(self) -> Register:
        """The shop's register of targets, objections, freezes and corrections."""
        return register_of(self.run.params)

    @cached_property
    def roster(self) -> pd.DataFrame:
        """The roster as it is stored."""
        return self.run.table("roster")

    @cached_property
    def values(self) -> pd.DataFrame:
        """Agents' months of what is scored and what else awards, coaching and promotion look at."""
        own = self.settings
        asked = [award.metric for award in own.awards] + [own.coaching.volume, own.coaching.speed]
        asked += [one.metric for one in own.promotion.thresholds]
        known = set(self.scored.values["metric"]) | {SCORE}
        more = [metric for metric in dict.fromkeys(asked) if metric not in known]
        return (
            pd.concat([self.scored.values, history(self.run, more)], ignore_index=True) if more else self.scored.values
        )

    @cached_property
    def behind(self) -> list[Behind]:
        """What may lie behind each of the values."""
        metrics = self.values["metric"].unique().tolist()
        return list(behind(self.values, metrics, roster=self.roster, settings=self.scored.card.settings))

    def growth(self) -> pd.DataFrame:
        """Everybody's stage on the last day of the month (growth.stages)."""
        return stages(self.roster, self.run.last_day, self.settings.growth)

    def goals(self) -> pd.DataFrame:
        """Everybody's goals of 表9-1 with what shows them (growth.checklist)."""
        metrics = [metric for metric in checklist(self.growth())["metric"].dropna().unique()]
        now = measure(self.run, ["agent", "month"], metrics)
        return checklist(self.growth(), now, self.scored.targets)

    def quotas(self) -> pd.DataFrame:
        """Everybody's usual day (quotas.quotas), from the days up to the end of the month."""
        months = -(-self.settings.quotas.days // 20)
        past = replace(self.run, first_day=later(self.run.first_day, -months))
        days = measure(past, DAILY, self.settings.quotas.metrics)
        return quotas(days[days["agent_id"].isin(self.growth()["agent_id"])], self.settings.quotas)

    def coaching(self) -> pd.DataFrame:
        """Who is clearly below, and at what (coaching.coaching)."""
        scored = self.scored.card
        return coaching(scored.parts, self.run.month, self.behind, self.settings.coaching, scored.settings)

    def suggestions(self, lang: str = "") -> pd.DataFrame:
        """What may help, tied to the number that brought it up (improvement.suggestions)."""
        return suggestions(self.coaching(), lang or self.run.lang)

    def conduct(self) -> pd.DataFrame:
        """What follows from the events of the register (conduct.consequences)."""
        return consequences(self.scored.card.events, self.settings.conduct)

    def over_target(self) -> pd.DataFrame:
        """Who was so far beyond a target that it is rewarded (conduct.over_target)."""
        return over_target(self.scored.parts(), self.settings.conduct)

    def late_replies(self) -> pd.DataFrame:
        """Whose replies missed the base, to be looked into (conduct.late_replies)."""
        return late_replies(self.scored.parts())

    def awards(self) -> pd.DataFrame:
        """The candidates of every award (awards.awards)."""
        how = {"values": self.scored.values, "consequences": self.conduct()}
        return awards(self.settings.awards, self.run.month, self.scored.card, self.behind, **how)

    def promotion(self) -> pd.DataFrame:
        """Who may be promoted, and what is missing (promotion.promotion)."""
        how = {"month": self.run.month, "behind": self.behind, "consequences": self.conduct()}
        return promotion(self.scored.card.scores, self.growth(), self.settings.promotion, **how)

    def promotion_steps(self, begins: dt.date | None = None) -> pd.DataFrame:
        """The steps to a promotion with their days, from the day after the month unless told (promotion.steps)."""
        return steps(begins or self.run.last_day + dt.timedelta(days=1), self.settings.promotion)

    def votes(self) -> pd.DataFrame:
        """What colleagues say of candidates, from the form 晋升评议 (promotion.soft); no rows while it is empty."""
        filled = filled_in(self.run.params.folder, "votes")
        return soft(pd.DataFrame(columns=["agent_id", "criterion", "points", "rater"]) if filled is None else filled)

    # Pay ----------------------------------------------------------------------------------------------------------

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The shop's own step table, from the form 绩效系数表; none: coefficients are continuous."""
        filled = filled_in(self.run.params.folder, "steps")
        return () if filled is None else step_table(filled)

    @cached_property
    def paid(self) -> pd.DataFrame:
        """The pay of the month (pay.pay): an estimate until it may be handed over."""
        sold = measure(self.run, ["agent", "month"], [SALES]) if self.settings.pay.commissions else None
        conduct = self.conduct()
        return pay(
            self._scores(),
            self.settings.pay,
            names=self.names,
            part=self._part(),
            values=sold,
            consequences=conduct[conduct["month"] == self.run.month],
            corrections=self.corrections(),
            steps=self.steps,
        )

    def cost(self) -> pd.DataFrame:
        """What the month's bonuses cost at the expected, the worst and the best (cost.cost)."""
        return cost(self._scores(), self.settings.pay, self.scored.card.settings, steps=self.steps)

    def past_cost(self) -> pd.DataFrame:
        """What past months would have cost by today's targets, weights and bonuses (cost.past_cost)."""
        sold = history(self.run, [SALES]) if self.settings.pay.commissions else None
        return past_cost(self.scored.card.scores, self.settings.pay, values=sold, steps=self.steps)

    def corrections(self) -> pd.DataFrame:
        """agent_id, correction_fen due this month: of the register's corrections, amounts from the form 补差登记.

        CsperfError where an amount names no correction of the register.
        """
        filled, due = self._amounts(), self._due()
        rows = filled[filled["id"].isin(due)]
        return pd.DataFrame({"agent_id": rows["agent_id"], "correction_fen": rows["yuan"].map(in_fen).astype("Int64")})

    @property
    def notices(self) -> tuple[str, ...]:
        """What to know before anybody is paid: the basis of the scores, then what pay made of them."""
        missing = [say("people.no_amount", id=id) for id in sorted(self._due() - set(self._amounts()["id"]))]
        return (*self.scored.notices, *notices(self.paid, self.settings.pay, self.steps), *missing)

    def handover(self) -> pd.DataFrame:
        """HANDED_OVER of everybody, for HR. CsperfError with everything that is still open: this is what is paid."""
        if problems := list(self._open()):
            raise CsperfError(problems)
        return self.paid[HANDED_OVER]

    def _open(self) -> Iterator[Problem]:
        month = self.run.month
        if not self.scored.in_force:
            yield Problem(month, say("people.open_targets"))
        if published_weights(self.run) is None and points_form(self.run) is None:
            yield Problem(month, say("people.open_weights"))
        if not self.register.frozen(month):
            yield Problem(month, say("people.open_freeze", month=month))
        if not self.settings.pay.bonuses and not self.steps:
            yield Problem(str(self.run.params.file), say("people.no_bonuses"))
        for id in sorted(self._due() - set(self._amounts()["id"])):
            yield Problem(id, say("people.no_amount", id=id))
        for row in self.paid[self.paid["commission_fen"].isna() & self.paid["score"].notna()].itertuples():
            yield Problem(row.name, say("people.open_sales"))

    def _scores(self) -> pd.DataFrame:
        """The month's scores with each role's `share` in a person's month, by its cases."""
        cases = self.scored.parts().groupby(["agent_id", "role"])["n"].max().fillna(0) + 1
        scores = self.scored.now()
        return scores.assign(share=[cases.get((row.agent_id, row.role), 1) for row in scores.itertuples()])

    def _part(self) -> pd.DataFrame:
        """How much of the month everybody was there."""
        whole = self.settings.pay.full_days
        if whole is None:
            return employed(self.roster, self.run.month)
        now = self.scored.values[self.scored.values["month"] == self.run.month]
        return worked(now[["agent_id", "days"]], whole)

    def _due(self) -> set[str]:
        """The register's corrections that are made good in the month."""
        corrections = [e for e in self.register.events if e.act == "correct" and e.valid_from]
        return {e.id for e in corrections if f"{e.valid_from:%Y-%m}" == self.run.month}

    def _amounts(self) -> pd.DataFrame:
        filled = filled_in(self.run.params.folder, "corrections")
        rows = pd.DataFrame(columns=["id", "agent_id", "yuan"]) if filled is None else filled
        known = {e.id for e in self.register.events if e.act == "correct"}
        unknown = [id for id in rows["id"].unique() if id not in known]
        if unknown:
            raise CsperfError(Problem(id, say("people.no_correction", id=id)) for id in unknown)
        return rows
