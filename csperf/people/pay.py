"""What a score is worth: 得分 → 绩效系数 → 奖金 within the budget, 提成 apart, 补差 of settled months; money in fen.

The coefficient is that of the scores (continuous, PRACTICE 13), or a shop's own step table. Above the budget every
bonus is paid at the same share, whole fen downwards; commission, rewards and corrections are not part of the budget.
"""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
import pandas as pd

from ..errors import CsperfError, Problem
from ..text import say
from .settings import Bonus, PaySettings
from .steps import Step, near_a_step, step_of

WHO = ["agent_id", "name", "role", "level", "month"]
FEN = ["uncapped_fen", "bonus_fen", "reward_fen", "commission_fen", "correction_fen", "total_fen"]
COLUMNS = [*WHO, "score", "grade", "coefficient", "days", "of_days", *FEN, "why"]
SCORED = ["agent_id", "role", "level", "month", "score", "pay_score", "coefficient", "status"]
SALES = "net_sales_yuan"  # 去退销售额
TEN_THOUSAND = 10_000


def pay(
    scores: pd.DataFrame,
    settings: PaySettings,
    *,
    names: Mapping[str, str] | None = None,
    part: pd.DataFrame | None = None,
    values: pd.DataFrame | None = None,
    consequences: pd.DataFrame | None = None,
    corrections: pd.DataFrame | None = None,
    steps: Sequence[Step] = (),
) -> pd.DataFrame:
    """COLUMNS, one row per person of one month. Money is whole fen, null where the shop has set none.

    `scores`: of one month (scorecard); who has several roles has a row for each, counting by its `share` (alike where
    no such column is), and keeps that of the largest. `part`: agent_id, days, of_days of whoever was there for a part
    of it; `values`: for the commission, rows of net_sales_yuan; `consequences`: agent_id, bonus_cut (a share),
    reward_yuan; `corrections`: agent_id, correction_fen. why: null, or why the coefficient is not the score's: NEW,
    PART_MONTH, THIN, TRIAL. CsperfError with everybody for whom the bonus is not clear.
    """
    month = _one_month(scores)
    rows = scores.reindex(columns=SCORED).assign(share=_shares(scores)).reset_index(drop=True)
    rows = _with_days(_with_coefficient(rows, settings, steps), part, month)
    rows = _one_row_each(rows.assign(uncapped_fen=_bonuses(rows, settings)))
    rows = _with_conduct(rows, consequences)
    rows["commission_fen"] = _commissions(rows, values, settings)
    rows = _with_corrections(rows, corrections, month)
    rows["bonus_fen"] = within_budget(rows["uncapped_fen"], settings.budget_yuan)
    rows["name"] = [(names or {}).get(agent, agent) for agent in rows["agent_id"]]
    rows["grade"] = pd.Series([grade(score, settings) for score in rows["score"]], rows.index, dtype=object)
    summed = [name for name in FEN if name not in ("uncapped_fen", "total_fen")]
    rows["total_fen"] = rows[summed].sum(axis=1, skipna=False).astype("Int64")
    return rows.assign(month=month)[COLUMNS]


def within_budget(fen: pd.Series, budget_yuan: float | None) -> pd.Series:
    """The bonuses as they are paid: above the budget all at the same share, so that equals stay equal."""
    whole = int(fen.sum())
    budget = None if budget_yuan is None else in_fen(budget_yuan)
    if budget is None or whole <= budget:
        return fen
    return (fen * budget) // whole


def in_fen(yuan: float | Decimal) -> int:
    """Yuan as whole fen, halves up."""
    return int((Decimal(str(yuan)) * 100).quantize(Decimal(1), ROUND_HALF_UP))


def grade(score: float, settings: PaySettings) -> str | None:
    """The name of a score; null without one, or below the lowest."""
    fitting = {name: low for name, low in settings.grades.items() if score >= low}
    return max(fitting, key=lambda name: fitting[name], default=None)


def employed(roster: pd.DataFrame, month: str) -> pd.DataFrame:
    """agent_id, days, of_days: how much of the month each person of the roster was employed."""
    first, last = _days_of(month)
    own = roster.assign(**{name: pd.to_datetime(roster[name]) for name in ("started", "ended")})
    own = own.groupby("agent_id").agg(started=("started", "min"), ended=("ended", _last)).reset_index()
    begins = own["started"].fillna(pd.Timestamp(first)).clip(lower=pd.Timestamp(first))
    ends = own["ended"].fillna(pd.Timestamp(last)).clip(upper=pd.Timestamp(last))
    days = ((ends - begins).dt.days + 1).clip(lower=0)
    return pd.DataFrame({"agent_id": own["agent_id"], "days": days.astype(int), "of_days": last.day})


def worked(days: pd.DataFrame, full_days: int) -> pd.DataFrame:
    """agent_id, days, of_days by the days worked (agent_id, days): a month is whole from `full_days` on."""
    counted = days.dropna(subset=["days"]).groupby("agent_id")["days"].max().clip(upper=full_days)
    return counted.astype(int).reset_index().assign(of_days=full_days)


def owed(before: pd.DataFrame, now: pd.DataFrame) -> pd.DataFrame:
    """agent_id, correction_fen: what people get (or owe, below 0) beside what was paid, where the two differ.

    `before`, `now`: pay tables of one month, as it was handed over and as it is known to be.
    """
    own = ["bonus_fen", "commission_fen"]
    paid, due = (table.set_index("agent_id")[own].fillna(0).sum(axis=1) for table in (before, now))
    gap = due.sub(paid, fill_value=0).astype("int64")
    return gap[gap != 0].rename("correction_fen").rename_axis("agent_id").reset_index()


def notices(paid: pd.DataFrame, settings: PaySettings, steps: Sequence[Step] = ()) -> Iterator[str]:
    """What to know of a pay table before it is handed over."""
    if not settings.bonuses:
        yield say("people.no_bonuses")
    uncapped, bonus = int(paid["uncapped_fen"].sum()), int(paid["bonus_fen"].sum())
    if uncapped > bonus:
        slots = {"wanted": yuan(uncapped), "budget": yuan(in_fen(settings.budget_yuan or 0))}
        yield say("people.over_budget", **slots, share=f"{100 * bonus / uncapped:.1f}")
    for why, rows in paid.dropna(subset=["why"]).groupby("why"):
        who = say("scores.and").join(rows["name"])
        yield say(f"people.why_{why}", who=who, coefficient=f"{settings.unscored:g}")
    for one in settings.commissions:
        if jump := one.jump():
            yield say("people.tier_jump", role=say(f"tables.role_{one.role}"), yuan=yuan(in_fen(jump)))
    if steps and (near := near_a_step(paid["score"], steps)):
        yield say("people.near_a_step", n=near, people=int(paid["score"].notna().sum()))


def yuan(fen: Any) -> str:
    """Fen as people read money: 1,234.50."""
    return "–" if pd.isna(fen) else f"{Decimal(int(fen)) / 100:,.2f}"


# Parts ------------------------------------------------------------------------------------------------------------


def _one_month(scores: pd.DataFrame) -> str:
    months = sorted(scores["month"].unique())
    if len(months) != 1:
        raise CsperfError(Problem(say("people.scores"), say("people.one_month", found=", ".join(months) or "–")))
    return str(months[0])


def _shares(scores: pd.DataFrame) -> pd.Series:
    """Each role's part in a person's month, 1 together."""
    given = scores["share"] if "share" in scores else pd.Series(1.0, scores.index)
    return given / given.groupby(scores["agent_id"]).transform("sum")


def _one_row_each(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per person: that of the largest share, with the bonuses of all of their roles."""
    whole = rows.groupby("agent_id")["uncapped_fen"].sum(min_count=1)
    main = rows.loc[rows.groupby("agent_id", sort=False)["share"].idxmax()].reset_index(drop=True)
    return main.assign(uncapped_fen=main["agent_id"].map(whole).astype("Int64"))


def _with_coefficient(rows: pd.DataFrame, settings: PaySettings, steps: Sequence[Step]) -> pd.DataFrame:
    """The coefficient that counts, `fixed` yuan of a step table, and why it is not the score's."""
    none = rows["pay_score"].isna()
    why = rows["status"].replace("", "TRIAL").where(none)
    fixed = pd.Series(np.nan, rows.index)
    if steps:
        on = {at: step_of(rows["pay_score"][at], steps) for at in rows.index[~none]}
        rows = rows.assign(coefficient=pd.Series({at: step.coefficient for at, step in on.items()}, dtype=float))
        fixed = fixed.fillna(pd.Series({at: step.yuan for at, step in on.items()}, dtype=float))
    known = rows["coefficient"].where(~none, settings.unscored)
    return rows.assign(coefficient=known, fixed=fixed, why=why.astype(object).where(none, None))


def _with_days(rows: pd.DataFrame, part: pd.DataFrame | None, month: str) -> pd.DataFrame:
    whole = _days_of(month)[1].day
    known = pd.DataFrame(columns=["agent_id", "days", "of_days"]) if part is None else part
    rows = rows.merge(known[["agent_id", "days", "of_days"]], how="left", on="agent_id")
    gone = rows["days"].isna()
    return rows.assign(
        days=pd.to_numeric(rows["days"]).where(~gone, whole).astype(int),
        of_days=pd.to_numeric(rows["of_days"]).where(~gone, whole).astype(int),
    )


def _bonuses(rows: pd.DataFrame, settings: PaySettings) -> pd.Series:
    """The bonus of each person for the part of the month they were there; null where no bonus is set at all."""
    if not settings.bonuses and rows["fixed"].isna().all():
        return pd.Series(pd.NA, rows.index, dtype="Int64")
    bases, problems = [], []
    for row in rows.itertuples():
        base = _base(row, settings.bonuses) if np.isnan(row.fixed) else row.fixed
        bases.append(0 if base is None else in_fen(base))
        problems += [_no_base(row, settings.bonuses)] if base is None else []
    if problems:
        raise CsperfError(dict.fromkeys(problems))
    worth = rows["coefficient"].where(rows["fixed"].isna(), 1.0) * rows["share"]
    shares = [round(c * TEN_THOUSAND) for c in worth]
    paid = [
        (2 * base * share * row.days + TEN_THOUSAND * row.of_days) // (2 * TEN_THOUSAND * row.of_days)
        for base, share, row in zip(bases, shares, rows.itertuples(), strict=True)
    ]
    return pd.Series(paid, rows.index, dtype="Int64")


def _base(row, bonuses: Sequence[Bonus]) -> float | None:
    """The bonus of the row that fits best: role and level, role, level, everybody."""
    level = "" if pd.isna(row.level) else row.level
    fitting = {(one.role, one.level): one.yuan for one in bonuses}
    asked = ((row.role, level), (row.role, ""), ("", level), ("", ""))
    return next((fitting[key] for key in asked if key in fitting), None)


def _no_base(row, bonuses: Sequence[Bonus]) -> Problem:
    where = say("scores.agent", agent=row.agent_id)
    levels = [one.level for one in bonuses if one.level and one.role in ("", row.role)]
    if levels and pd.isna(row.level):
        return Problem(where, say("people.no_level", levels=", ".join(levels)))
    role = say(f"tables.role_{row.role}")
    return Problem(where, say("people.no_base", role=role, level="" if pd.isna(row.level) else row.level))


def _with_conduct(rows: pd.DataFrame, consequences: pd.DataFrame | None) -> pd.DataFrame:
    """The bonuses less what confirmed events take of them, and rewards."""
    if consequences is None or consequences.empty:
        return rows.assign(reward_fen=pd.array([0] * len(rows), dtype="Int64"))
    by = consequences.groupby("agent_id").agg(cut=("bonus_cut", "max"), reward=("reward_yuan", "sum"))
    cut = rows["agent_id"].map(by["cut"]).fillna(0).clip(0, 1)
    left = ((1 - cut) * TEN_THOUSAND).round().astype("Int64")
    rewards = rows["agent_id"].map(by["reward"]).fillna(0).map(in_fen)
    kept = (rows["uncapped_fen"] * left) // TEN_THOUSAND
    return rows.assign(uncapped_fen=kept, reward_fen=rewards.astype("Int64"))


def _commissions(rows: pd.DataFrame, values: pd.DataFrame | None, settings: PaySettings) -> pd.Series:
    """提成 of each person's net sales of the month; null where their role has one and their sales are not known."""
    own_rule = {one.role: one for one in settings.commissions}
    sales: dict[str, float] = {}
    if values is not None:
        own = values[(values["metric"] == SALES) & values["value"].notna()]
        own = own[own["month"] == rows["month"].iloc[0]] if len(rows) else own
        sales = own.groupby("agent_id")["value"].sum().to_dict()
    found: list[int | None] = []
    for row in rows.itertuples():
        rule, sold = own_rule.get(row.role), sales.get(row.agent_id)
        known = Decimal(0) if rule is None else None if sold is None else rule.of(Decimal(str(sold)))
        found.append(None if known is None else in_fen(known))
    return pd.Series(found, rows.index, dtype="Int64")


def _with_corrections(rows: pd.DataFrame, corrections: pd.DataFrame | None, month: str) -> pd.DataFrame:
    """Corrections beside the month's pay; people who have nothing else this month get a row of their own."""
    none = pd.DataFrame({"agent_id": pd.Series(dtype=object), "correction_fen": pd.Series(dtype="Int64")})
    due = none if corrections is None else corrections.groupby("agent_id", as_index=False)["correction_fen"].sum()
    rows = rows.merge(due.astype({"correction_fen": "Int64"}), how="outer", on="agent_id")
    else_nothing = rows["status"].isna()  # who is in no score of the month
    for name in ("uncapped_fen", "reward_fen", "commission_fen"):
        rows[name] = rows[name].mask(else_nothing, 0)
    return rows.fillna({"correction_fen": 0}).assign(month=month)


def _days_of(month: str) -> tuple[dt.date, dt.date]:
    year, number = map(int, month.split("-"))
    return dt.date(year, number, 1), dt.date(year, number, calendar.monthrange(year, number)[1])


def _last(ended: pd.Series) -> object:
    """The last day of somebody's employment; null while one of their entries is open."""
    return pd.NaT if ended.isna().any() else ended.max()
