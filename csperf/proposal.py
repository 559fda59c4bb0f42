"""The first page of a shop's month: its tables and what is to be said of them, gathered for csperf.frontpage."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pandas as pd

from . import table_door
from .errors import CsperfError
from .filled import filled_in
from .frontpage import About, FrontPage, Material, content, html, pdf, png
from .frontpage.weak import LEAST_DAYS
from .lists import week_map
from .manning import Manning, manning
from .people.cost import cost
from .people.steps import step_table
from .run import Run, facts, keep_in_force, measure, past_review, propose
from .scorecard import scorecard
from .targets import Proposal
from .targets.industry import industry_values
from .targets.register import days_of, later
from .text import say, speaking
from .text.numbers import day_words
from .weighing import in_use, published_weights, scorable
from .weights import Weighing, templates

# What weak hours and days are read from: the first that the shop has.
WHERE = ["reply_30s_msg", "call_answered_20s_share", "mean_wait_msg_s", "mean_wait_turn_s", "first_reply_s"]
WHERE += ["reply_3min_user", "effective_reply_user", "conversion_paid_user", "conversion_grouped_user"]
DRAWN = "application/vnd.csperf.first-page+json"
RECENT_MONTHS = 3  # that the pictures show
MOST_DAYS = 3  # missing days that are named one by one


def first_page(run: Run) -> FrontPage | None:
    """The first page that follows the run's month, in its language; null where there is no target to speak of."""
    with speaking(run.lang):
        tables = material(run)
        return None if tables.targets.empty else content(tables, about(run), lang=run.lang)


@dataclass(frozen=True)
class Drawn:
    """The first page as files, handed from a kernel to the pack as base64; its title, empty without a page."""

    title: str = ""
    html: bytes = b""
    pdf: bytes = b""
    png: bytes = b""

    def _repr_mimebundle_(self, **_asked: object) -> dict[str, dict[str, str]]:
        files = {name: base64.b64encode(getattr(self, name)).decode() for name in ("html", "pdf", "png")}
        return {DRAWN: {"title": self.title, **files}}

    @classmethod
    def received(cls, data: Mapping[str, str]) -> Drawn:
        """What a kernel handed over."""
        return cls(data["title"], *(base64.b64decode(data[name]) for name in ("html", "pdf", "png")))


def drawn(run: Run) -> Drawn:
    """The first page of a run as HTML, PDF and PNG."""
    page = first_page(run)
    return Drawn(page.title, html(page, home="index.html").encode(), pdf(page), png(page)) if page else Drawn()


def material(run: Run) -> Material:
    """The tables behind the page. Metrics of the shop alone are no agent's target and stand with the red lines."""
    past, proposal = _past(run), keep_in_force(run, propose(run))
    targets, lines = proposal.targets, proposal.red_lines
    peers = industry_values(run.table("benchmarks"), proposal.definitions)
    weights = _weights(run, proposal)
    metric, days = _days(past)
    hours, need = _hours(past, metric), _needs(run)
    return Material(
        targets=targets[targets["role"] != "shop"],
        weights=weights,
        bonus=_bonus(run, proposal, weights),
        red_lines=lines[lines["n_days"] > 0],
        review=past_review(run),
        industry=peers[peers["usable"].astype(bool)],
        agents=recent(proposal.months, months_of(past)),
        hours=hours,
        days=days,
        needs=need.by_hour if need else None,
        staffing=need.settings if need else run.params.staffing,
        where_metric=metric,
    )


def about(run: Run) -> About:
    """What the page says of itself. It bears no day of printing: the same data give the same page on every day."""
    share, missing = completeness(run)
    return About(
        shop=run.params.title(run.lang),
        platform=run.params.platform or "",
        month=_month_after(run.first_day),
        recent=run.month,
        first_day=max(days_of(run.store.months()[0])[0], _history_begins(run)),
        last_day=run.last_day,
        counting_rules=say(f"report.set_{run.definition.name}", run.lang),
        completeness=share,
        missing=missing,
        newcomers=_newcomers(run),
        activities=_activities(run),
        objections_to=run.params.objections_to,
        number=_number(run),
    )


def _weights(run: Run, proposal: Proposal) -> pd.DataFrame | None:
    """The weights that the shop goes by, each with where they come from; null where nothing may be scored yet."""
    fixed = published_weights(run, _month_after(run.first_day))
    if fixed is not None:
        since = day_words(date.fromisoformat(fixed["valid_from"].min()), run.lang)
        return fixed.assign(said=say("frontpage.weights_held", since=since, who=fixed["set_by"].iloc[-1]))
    weighed = in_use(run, proposal.targets, _with_told_roles(run, proposal.months))
    frames = [one.weights.assign(said=_origin(one)) for one in weighed]
    return pd.concat(frames, ignore_index=True) if frames else None


def _origin(weighing: Weighing) -> str:
    """Where a role's weights come from: what was said first, unless that was why the data have no say."""
    if weighing.verdict == "REFUSED":
        return say("frontpage.weights_starter", since=templates().since)
    return weighing.said[0]


def _with_told_roles(run: Run, months: pd.DataFrame) -> pd.DataFrame:
    """The agent-months without the roles that nobody told: there these are what the metrics are meant for."""
    roster = run.table("roster")
    told = roster.loc[roster["role"].notna(), "agent_id"]
    return months.assign(role=months["role"].where(months["agent_id"].isin(told)))


def _bonus(run: Run, proposal: Proposal, weights: pd.DataFrame | None) -> pd.DataFrame | None:
    """What a month as the newest would cost by these targets and weights (people.cost); null without a bonus scheme."""
    pay, filled = run.params.people.pay, filled_in(run.params.folder, "steps")
    steps = () if filled is None else step_table(filled)
    if weights is None or not (pay.bonuses or steps):
        return None
    values, aims = _with_told_roles(run, proposal.months).assign(shop_id=run.params.shop), scorable(proposal.targets)
    by = ["metric"] if weights["role"].isna().all() else ["metric", "role"]
    aimed = weights.merge(aims[by].drop_duplicates())  # what has no target gives its weight to the rest
    aimed["weight"] *= 100 / aimed.groupby("role", dropna=False)["weight"].transform("sum")
    card = scorecard(values, aims, aimed[aimed["weight"] > 0], roster=run.table("roster"), month=run.month)
    return cost(card.scores, pay, card.settings, steps=steps)


def recent(months: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Each agent's value over the months of those names: metric, role, level (the newest), agent_id, value, n.

    Sums first, one division; where there are no sums, the mean of the months weighted by their cases.
    """
    rows = months[months["left_out"].isna() & months["month"].isin(names)].sort_values("month", kind="stable")
    rows = rows.assign(weighted=rows["value"] * rows["n"])
    by = rows.groupby(["metric", "role", "agent_id"], as_index=False)
    sums = by[["numerator", "denominator", "n", "weighted"]].sum(min_count=1)
    divided = sums["numerator"] / sums["denominator"].where(sums["denominator"] > 0)
    value = divided.where(divided.notna(), sums["weighted"] / sums["n"].where(sums["n"] > 0))
    levels = by["level"].last()["level"]
    return sums.assign(value=value, level=levels)[["metric", "role", "level", "agent_id", "value", "n"]]


def months_of(run: Run) -> list[str]:
    """The months that the run's days touch."""
    return [f"{month:%Y-%m}" for month in pd.period_range(run.first_day, run.last_day, freq="M")]


def completeness(run: Run) -> tuple[float, str]:
    """The share of the month's days with any row of the shop, and the missing days in words."""
    covered = set(run.coverage().dropna(subset="n")["day"])
    span = [run.first_day + timedelta(days=i) for i in range((run.last_day - run.first_day).days + 1)]
    missing = [day for day in span if day not in covered]
    named = say("frontpage.and", run.lang).join(day_words(day, run.lang) for day in missing)
    some = named if len(missing) <= MOST_DAYS else say("frontpage.days_count", run.lang, n=len(missing))
    return 1 - len(missing) / len(span), some


def _past(run: Run) -> Run:
    """The run over the last months."""
    return replace(run, first_day=later(run.first_day, 1 - RECENT_MONTHS))


def _newcomers(run: Run) -> int:
    """People of the roster whose protection has not ended when the run's month does."""
    roster = run.table("roster")
    started = pd.to_datetime(roster.groupby("agent_id")["started"].min())
    protected = started > pd.Timestamp(run.last_day - timedelta(days=run.params.targets.protection_days))
    return int((protected & (started <= pd.Timestamp(run.last_day))).sum())


def _activities(run: Run) -> int:
    """How many exempt activities of the calendar are over and lie in the months behind the targets."""
    calendar = run.table("calendar")
    exempt = calendar[calendar["exempt"].fillna(False).astype(bool)]
    ends = pd.to_datetime(exempt["end"])
    over = ends.between(pd.Timestamp(_history_begins(run)), pd.Timestamp(run.last_day))
    return len(exempt.assign(year=ends.dt.year)[over].drop_duplicates(["name", "year"]))  # its phases are one


def _history_begins(run: Run) -> date:
    """The first day of the months behind the targets."""
    return later(run.first_day, 1 - run.params.targets.history_months)


def _number(run: Run) -> str:
    """A number that is the same for the same inputs, rules and month."""
    files = {name: about["sha256"] for name, about in sorted(run.store.manifest()["files"].items())}
    stand = [files, run.month, run.definition.model_dump(mode="json")]
    digest = hashlib.sha256(json.dumps(stand, sort_keys=True).encode()).hexdigest()
    return f"{run.params.shop}-{_month_after(run.first_day)}-{digest[:6]}"


def _days(past: Run) -> tuple[str, pd.DataFrame | None]:
    """The first of WHERE whose days the shop knows with their cases, and those days; null where there is none."""
    days = measure(past, ["shop", "day"], WHERE)
    counted = days[days["value"].notna() & (days["n"] > 0)].groupby("metric").size()
    metric = next((key for key in WHERE if counted.get(key, 0) >= LEAST_DAYS), None)
    return metric or WHERE[0], None if metric is None else days[days["metric"] == metric]


def _hours(past: Run, metric: str) -> pd.DataFrame | None:
    """The week's map of a metric where the rows behind it have a clock."""
    if past.door == table_door.DOOR:
        return None
    cells = week_map(facts(past), metric, past.params.timezone, past.first_day, past.last_day)
    return cells if cells["value"].notna().any() else None


def _needs(run: Run) -> Manning | None:
    """How many people the month's hours need; null where neither chats nor calls say when anybody came."""
    if run.door == table_door.DOOR:
        return None
    with suppress(CsperfError):  # nobody came in the month, or nobody was answered
        return manning(run)
    return None


def _month_after(day: date) -> str:
    return f"{later(day, 1):%Y-%m}"
