"""Who grows, does how much, needs help, is best, may rise, and what is paid? For the supervisor: with names."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from ..catalogue import entry
from ..people.awards import TIED, WINNER
from ..people.growth import goal_words
from ..people.pay import yuan
from ..people.settings import SCORE, ConductSettings
from ..text import say, words
from ..text.numbers import MISSING, aligned, labelled, month_words, number, quantity
from .table import Table, laid_out, who

Names = Mapping[str, str] | None


def growth(staged: pd.DataFrame, *, lang: str = "zh", names: Names = None) -> Table:
    """Everybody's stage with the months in the job and the day of the next one. `staged`: people.growth.stages."""
    frame = staged.sort_values(["role", "months"], na_position="first", ignore_index=True)
    cells = _people(frame, names, lang) | {
        "level": [_word("tables.level", level, lang) for level in frame["level"]],
        "started": [_day(day) for day in frame["started"]],
        "months_in_job": aligned(frame["months"].astype(float), "count"),
        "stage": [say(f"people.stage_{stage or 'unknown'}", lang) for stage in _or_none(frame["stage"])],
        "next_stage_on": [_day(day) for day in frame["next_stage_on"]],
    }
    new, unknown = int((frame["stage"] == "newcomer").sum()), int(frame["stage"].isna().sum())
    title = say("people.table_growth", lang, people=len(frame), new=new, unknown=unknown)
    return _table("growth", frame, cells, title, lang, notes=["growth"])


def goals(found: pd.DataFrame, *, lang: str = "zh", names: Names = None) -> Table:
    """The goals of everybody's stage (表9-1): reached and not yet with their figures, and what a person must tick."""
    listed = list(found.sort_values(["role", "agent_id"], kind="stable").groupby(["role", "agent_id"], sort=False))
    frame = pd.DataFrame([key for key, _own in listed], columns=["role", "agent_id"])
    cells = _people(frame, names, lang) | {
        "stage": [say(f"people.stage_{own['stage'].iloc[0]}", lang) for _key, own in listed],
        "goals_reached": [_goals(own, True, lang) for _key, own in listed],
        "goals_not_yet": [_goals(own, False, lang) for _key, own in listed],
        "goals_to_tick": [_goals(own, None, lang) for _key, own in listed],
    }
    title = say("people.table_goals", lang, goals=len(found), shown=int(found["value"].notna().sum()))
    text = ("goals_reached", "goals_not_yet", "goals_to_tick")
    return _table("growth_goals", found, cells, title, lang, notes=["goals"], text=text)


def quotas(found: pd.DataFrame, *, lang: str = "zh", names: Names = None) -> Table:
    """Everybody's usual day, metric by metric, with its range and the days it rests on. `found`: people.quotas."""
    cell = [f"{number(row.quota, 'count')} ({_range(row.low, row.high, 'count')})" for row in found.itertuples()]
    wide = found.assign(cell=cell).pivot(index=["role", "agent_id"], columns="metric", values="cell").reset_index()
    newest = found.groupby("agent_id").agg(n=("n", "max"), basis=("basis", "last"))
    cells = _people(wide, names, lang)
    for metric in dict.fromkeys(found["metric"]):
        cells[entry(metric).name(lang)] = wide[metric].fillna(MISSING).tolist()
    cells["days_n"] = [number(float(newest["n"][agent]), "count") for agent in wide["agent_id"]]
    cells["remark"] = [say(f"people.basis_{newest['basis'][agent]}", lang) for agent in wide["agent_id"]]
    own = found[found["basis"] == "own"]
    key = "people.table_quotas" if len(found) else "people.table_quotas_none"
    title = say(key, lang, people=found["agent_id"].nunique(), own=own["agent_id"].nunique())
    return _table("quotas", found, cells, title, lang, notes=["quotas"])


def coaching(found: pd.DataFrame, *, lang: str = "zh", names: Names = None) -> Table:
    """Who is clearly below at what, with the figures that say so. `found`: people.coaching."""
    cells = _people(found, names, lang) | {
        "metric": [_metric(metric, lang) for metric in found["metric"]],
        "value_n": [_figure(row, "value", lang) for row in found.itertuples()],
        "aim": [_figure(row, "target", lang) for row in found.itertuples()],
        "clearly_below": [say(f"people.below_{below}", lang) for below in found["below"]],
        "months_below": [number(value, "count") for value in found["months"].astype(float)],
        "remark": [say(f"people.reading_{reading}", lang) for reading in _or_none(found["reading"])],
    }
    alone = found[found["below"] != "everyone"]
    title = say("people.table_coaching", lang, people=alone["agent_id"].nunique(), rows=len(found))
    return _table("coaching", found, cells, title, lang, notes=["coaching"])


def suggestions(found: pd.DataFrame, *, lang: str = "zh", names: Names = None) -> Table:
    """What may be behind each finding, where to look and what helps. `found`: people.improvement.suggestions."""
    whole = say("people.whole_role", lang)
    frame = found.assign(agent_id=found["agent_id"].where(found["agent_id"].notna(), whole))
    cells = _people(frame, names, lang) | {
        "metric": [_metric(metric, lang) for metric in frame["metric"]],
        "value_n": [_figure(row, "value", lang) for row in frame.itertuples()],
        "aim": [_figure(row, "target", lang) for row in frame.itertuples()],
        **{name: frame[name].tolist() for name in ("cause", "look_at", "measure")},
    }
    title = say("people.table_suggestions", lang, findings=len(frame.drop_duplicates(["agent_id", "metric"])))
    return _table("suggestions", found, cells, title, lang, notes=["suggestions"], text=("cause", "look_at", "measure"))


def conduct(
    found: pd.DataFrame, *, settings: ConductSettings | None = None, lang: str = "zh", names: Names = None
) -> Table:
    """What follows from each event of the register, and why nothing does. `found`: people.conduct.consequences."""
    rungs = {rung.key: getattr(rung, lang) for rung in (settings or ConductSettings()).ladder}
    rewards = {one.kind: getattr(one, lang) for one in (settings or ConductSettings()).rewards}
    frame = found.sort_values(["date", "agent_id"], ascending=False, kind="stable", ignore_index=True)
    cells = {
        "agent_id": [who(agent, names) for agent in frame["agent_id"]],
        "event_date": [_day(day) for day in frame["date"]],
        "event_kind": [say(f"scores.kind_{kind}", lang) for kind in frame["kind"]],
        "events_count": [number(value, "count") for value in frame["count"].astype(float)],
        "follows": [_follows(row, rungs, rewards, lang) for row in frame.itertuples()],
        "remark": [_conduct_remark(row, lang) for row in frame.itertuples()],
    }
    title = say("people.table_conduct", lang, events=len(frame), open=int(frame["why"].notna().sum()))
    return _table("conduct", frame, cells, title, lang, notes=["conduct"])


def awards(found: pd.DataFrame, *, lang: str = "zh", names: Names = None) -> Table:
    """The candidates of every award: who wins, who cannot be told apart, who may not win and why."""
    cells = {
        "award": found[lang].tolist(),
        "agent_id": [who(agent, names) for agent in found["agent_id"]],
        "result": [say(f"people.result_{result}", lang) for result in found["result"]],
        "value_n": [_award_figure(row, "value", lang) for row in found.itertuples()],
        "without_luck": [_award_figure(row, "adjusted", lang) for row in found.itertuples()],
        "truth": [_range(row.low, row.high, _unit(row.metric)) for row in found.itertuples()],
        "remark": [say(f"people.out_{why}", lang) if why else MISSING for why in _or_none(found["why"])],
    }
    said = say("tables.and", lang).join(_award_lines(found, names, lang)) or MISSING
    title = say("people.table_awards", lang, said=said)
    return _table("awards", found, cells, title, lang, group="award", notes=["awards"])


def promotion(found: pd.DataFrame, *, lang: str = "zh", names: Names = None) -> Table:
    """Who may be promoted, and what the others lack. `found`: people.promotion.promotion."""
    cells = _people(found, names, lang) | {
        "level": [_word("tables.level", level, lang) for level in found["level"]],
        "next_level": [_word("people.next", level, lang) for level in found["next_level"]],
        "quarters": [f"{row.quarters} / {row.needed}" for row in found.itertuples()],
        "latest": [number(value, "points") for value in found["latest"].astype(float)],
        "tenure": [number(value, "count") for value in found["tenure_months"].astype(float)],
        "remark": [_lacks(lacks, lang) for lacks in found["lacks"]],
    }
    title = say("people.table_promotion", lang, eligible=int(found["eligible"].sum()), people=len(found))
    return _table("promotion", found, cells, title, lang, notes=["promotion"])


def promotion_steps(found: pd.DataFrame, *, lang: str = "zh") -> Table:
    """The steps of a promotion with their days, to be ticked off. `found`: people.promotion.steps."""
    cells = {
        "step": [say(f"people.step_{step}", lang) for step in found["step"]],
        "from_day": [_day(day) for day in found["from_day"]],
        "to_day": [_day(day) for day in found["to_day"]],
        "ticked": ["☐"] * len(found),
    }
    title = say("people.table_promotion_steps", lang, day=_day(found["to_day"].iloc[-1]))
    return _table("promotion_steps", found, cells, title, lang, notes=["promotion_steps"])


def pay(paid: pd.DataFrame, *, lang: str = "zh", names: Names = None) -> Table:
    """Everybody's score, coefficient, bonus, commission and back pay in yuan. `paid`: people.pay."""
    frame = paid.sort_values(["role", "agent_id"], kind="stable", ignore_index=True)
    money = ("bonus_fen", "reward_fen", "commission_fen", "correction_fen", "total_fen")
    cells = _people(frame, names, lang) | {
        "score": [number(value, "points") for value in frame["score"]],
        "pay_grade": [grade or MISSING for grade in _or_none(frame["grade"])],
        "coefficient": [MISSING if pd.isna(value) else f"{value:.3f}" for value in frame["coefficient"]],
        "days_of": [f"{int(r.days)}/{int(r.of_days)}" if pd.notna(r.days) else MISSING for r in frame.itertuples()],
        **{name: [yuan(fen) for fen in frame[name]] for name in money},
        "remark": [say(f"people.paid_{why}", lang) if why else MISSING for why in _or_none(frame["why"])],
    }
    title = say("people.table_pay", lang, total=yuan(frame["bonus_fen"].sum(min_count=1)), people=len(frame))
    return _table("pay", paid, cells, title, lang, notes=["pay"])


def pay_cost(found: pd.DataFrame, past: pd.DataFrame, *, lang: str = "zh") -> Table:
    """What the bonuses cost: expected, at worst and best, at the most; then what past months would have cost."""
    months = past.assign(case=past["month"], budget_fen=None)
    frame = pd.concat([found, months.drop(columns=["month", "over"])], ignore_index=True)
    cells = {
        "pay_case": [month_words(c, lang) if c[:4].isdigit() else say(f"people.case_{c}", lang) for c in frame["case"]],
        "people_n": [number(value, "count") for value in frame["people"].astype(float)],
        "uncapped_fen": [yuan(fen) for fen in frame["uncapped_fen"]],
        "bonus_fen": [yuan(fen) for fen in frame["bonus_fen"]],
        "commission_fen": [yuan(fen) for fen in frame["commission_fen"]],
    }
    expected = found.set_index("case")
    slots = {
        "expected": yuan(expected.loc["expected", "uncapped_fen"]),
        "most": yuan(expected.loc["most", "uncapped_fen"]),
    }
    budget = expected.loc["expected", "budget_fen"]
    limit = say("people.budget", lang, budget=yuan(budget)) if pd.notna(budget) else say("people.no_budget", lang)
    title = say("people.table_pay_cost", lang, **slots, budget=limit)
    return _table("pay_cost", frame, cells, title, lang, stub="pay_case", notes=["pay_cost"])


# Cells ------------------------------------------------------------------------------------------------------------


def _table(
    name: str,
    frame: pd.DataFrame,
    cells: Mapping[str, Sequence[str]],
    title: str,
    lang: str,
    *,
    group: str = "role",
    stub: str = "agent_id",
    notes: Iterable[str] = (),
    text: Sequence[str] = (),
) -> Table:
    """The table of these cells; `text`: columns that may break into lines, beside the remark."""
    shown = pd.DataFrame(
        {words("tables", lang).get(key, key): pd.Series(list(column), dtype=object) for key, column in cells.items()}
    )
    said = [say(f"people.note_{note}", lang) for note in notes]
    group, stub = (key if key in cells else "" for key in (group, stub))
    long = [key for key in (*text, "remark") if key in cells]
    gt = laid_out(name, shown, title, lang, group=group, stub=stub, notes=said, text=long)
    return Table(name, frame, gt)


def _people(frame: pd.DataFrame, names: Names, lang: str) -> dict[str, list[str]]:
    cells = {"role": [_word("tables.role", role, lang) for role in frame["role"]]}
    return cells | {"agent_id": [who(agent, names) for agent in frame["agent_id"]]}


def _word(area: str, value: object, lang: str) -> str:
    """The word of a value, the value itself where a shop has its own; a dash for none."""
    file, _, prefix = area.partition(".")
    return words(file, lang).get(f"{prefix}_{value}", value) if isinstance(value, str) else MISSING


def _or_none(column: pd.Series) -> list:
    return [None if pd.isna(value) else value for value in column]


def _metric(metric: object, lang: str) -> str:
    known = entry(str(metric))
    return labelled(known.name(lang), known.unit, lang)


def _day(value: object) -> str:
    return MISSING if pd.isna(value) else f"{pd.Timestamp(value):%Y-%m-%d}"


def _figure(row, column: str, lang: str) -> str:
    """A value with its n, or the target, in the metric's unit."""
    value = getattr(row, column)
    if pd.isna(value):
        return MISSING
    unit = entry(row.metric).unit if isinstance(row.metric, str) else "share"
    return _with_n(quantity(value, unit, lang), row.n) if column == "value" else quantity(value, unit, lang)


def _goals(own: pd.DataFrame, met: bool | None, lang: str) -> str:
    """The goals that are met, are not, or that a person must say, each with its figure."""
    rows = own[own["met"].isna()] if met is None else own[own["met"].notna() & (own["met"] == met)]
    said = (_goal(row, lang) for row in rows.itertuples())
    return say("people.goals_and", lang).join(said) or MISSING


def _goal(row, lang: str) -> str:
    value, aim = _figure(row, "value", lang), _figure(row, "target", lang)
    key = "people.goal_figure" if aim == MISSING else "people.goal_figures"
    figures = say(key, lang, value=value, aim=aim) if value != MISSING else ""
    return f"{'☐ ' if row.met is None else ''}{goal_words(row.goal, lang)}{figures}"


def _with_n(figure: str, n: float) -> str:
    return figure if pd.isna(n) else f"{figure} ({number(n, 'count')})"


def _unit(metric: str) -> str:
    return "points" if metric == SCORE else entry(metric).unit


def _award_figure(row, column: str, lang: str) -> str:
    figure = quantity(getattr(row, column), _unit(row.metric), lang)
    cases = column == "value" and figure != MISSING and row.metric != SCORE
    return _with_n(figure, row.n) if cases else figure


def _award_lines(found: pd.DataFrame, names: Names, lang: str) -> Iterable[str]:
    """Who won each award, or how many cannot be told apart."""
    for _number, rows in found.groupby("award"):
        won, level = rows[rows["result"] == WINNER], rows[rows["result"] == TIED]
        slots = {"award": rows[lang].iloc[0], "n": len(level)}
        slots["who"] = say("tables.and", lang).join(who(agent, names) for agent in won["agent_id"])
        key = "both" if len(won) and len(level) else "won" if len(won) else "level" if len(level) else "nobody"
        yield say(f"people.award_{key}", lang, **slots)


def _range(low: float, high: float, unit: str) -> str:
    return MISSING if pd.isna(low) else f"{number(low, unit)}–{number(high, unit)}"


def _follows(row, rungs: Mapping[str, str], rewards: Mapping[str, str], lang: str) -> str:
    if row.rung:
        extra = say(f"people.also_{row.also}", lang) if row.also else ""
        return f"{rungs[row.rung]}{extra}"
    if pd.notna(row.why):
        return MISSING
    money = say("people.reward", lang, yuan=number(row.reward_yuan, "yuan")) if row.reward_yuan else ""
    return f"{rewards.get(row.kind, '')}{money}" or MISSING


def _conduct_remark(row, lang: str) -> str:
    if pd.notna(row.why):
        return say(f"people.event_{row.why}", lang)
    return say("people.decided", lang) if row.decided else MISSING


def _lacks(lacks: Sequence[str], lang: str) -> str:
    if not lacks:
        return say("people.eligible", lang)
    said: Callable[[str], str | None] = words("people", lang).get
    parts = (said(f"lacks_{one}") or say("people.lacks_metric", lang, metric=entry(one).name(lang)) for one in lacks)
    return say("tables.and", lang).join(parts)
