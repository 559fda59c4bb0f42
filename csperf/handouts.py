"""What a pack holds for people: papers to sign with the plan, results and sheets with the settled month; as files."""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pandas as pd

from . import table_door
from .catalogue import ENTRIES
from .papers import Terms, confirmation, credit_rule, notice, objections, result
from .personnel import personnel
from .run import Run, history, propose
from .scorecard import ScoreSettings
from .scorecard.aims import aims as scored_by
from .scorecard.aims import weights_of
from .scoring import Scored, aimed, sheets_about, usual_weights
from .sheets import About, Sheet, file_names, pdf, persons, sheets
from .stages import Pack
from .targets.maturity import immature
from .targets.order import in_order
from .targets.register import days_of, later, published
from .targets.register_file import read_register
from .text import say, speaking
from .text.numbers import month_words
from .turns.people import people
from .weighing import points_form, published_weights

MIME = "application/vnd.csperf.files+json"
NO_AGENTS = ("manager", "bot")


@dataclass(frozen=True)
class Handouts:
    """Files by their path in the pack. A kernel hands them over as base64, which no page shows."""

    files: Mapping[str, bytes] = field(default_factory=dict)

    def _repr_mimebundle_(self, **_asked: object) -> dict[str, dict[str, str]]:
        return {MIME: {path: base64.b64encode(content).decode() for path, content in self.files.items()}}

    @classmethod
    def received(cls, data: Mapping[str, str]) -> Handouts:
        """What a kernel handed over."""
        return cls({path: base64.b64decode(content) for path, content in data.items()})


# With the plan ----------------------------------------------------------------------------------------------------


def planned(run: Run) -> Handouts:
    """确认单 of everybody and 公示 of every role for the month after the run's, in the run's language.

    By the published targets and weights; where there are none by those proposed, as drafts that nobody signs. Nothing
    where no metric has a target that may be scored.
    """
    with speaking(run.lang):
        month = _month_after(run)
        targets = published(read_register(run.params.folder / f"{run.params.shop}.register.csv"), month)
        coming = replace(run, month=month)
        draft = targets.empty or (published_weights(coming) is None and points_form(run) is None)
        targets = (propose(run).targets.assign(id="") if targets.empty else targets).reset_index(drop=True)
        who = on_roster(run, days_of(month)[0])
        if not aimed(targets) or who.empty:
            return Handouts()
        weights = weights_of(usual_weights(coming, history(run, aimed(targets)), targets)[0])
        who = who[who["role"].isin(weights["role"])]
        aims = _with_ids(scored_by(targets, weights, who, ScoreSettings()), targets)
        pages = _planned(run, who, aims, targets, draft)
        return Handouts({path: pdf(*some, on=run.last_day) for path, some in pages})


def _planned(
    run: Run, who: pd.DataFrame, aims: pd.DataFrame, targets: pd.DataFrame, draft: bool
) -> Iterator[tuple[str, Sequence[Sheet]]]:
    """The pages of each file."""
    lang = run.lang
    terms = {role: _terms(run, aims[aims["role"] == role], draft) for role in aims["role"].unique()}
    watched = {role: _watched(targets, aims, str(role)) for role in terms}
    yield (
        f"{say('papers.file_notice', lang)}.pdf",
        [notice(aims[aims["role"] == role], terms[role], str(role), watched[role]) for role in terms],
    )
    files = file_names({(row.agent_id, row.role): row.name for row in who.itertuples(index=False)})
    for row in who.itertuples(index=False):
        level = None if pd.isna(row.level) else row.level
        own = aims[(aims["role"] == row.role) & (aims["level"].isna() if level is None else aims["level"] == level)]
        page = confirmation(own, terms[row.role], name=row.name, role=row.role, level=level, watched=watched[row.role])
        yield f"{say('papers.folder_confirm', lang)}/{files[row.agent_id, row.role]}.pdf", [page]


def _terms(run: Run, aims: pd.DataFrame, draft: bool) -> Terms:
    """What the papers of a role say alike."""
    backend = run.door == table_door.DOOR
    platform = run.params.platform or "" if backend else None
    return Terms(
        shop=run.params.title(run.lang),
        starts=days_of(_month_after(run))[0],
        counting=say(f"report.set_{run.definition.name}", run.lang),
        credit=credit_rule(aims["metric"].unique(), run.definition, run.lang, platform),
        backend=backend,
        draft=draft,
        objections_to=run.params.objections_to,
        lang=run.lang,
    )


def _watched(targets: pd.DataFrame, aims: pd.DataFrame, role: str) -> tuple[str, ...]:
    """Metrics of the role that have a target and no weight."""
    rows = in_order(targets[(targets["role"] == role) & targets["target"].notna()])
    scored = set(aims.loc[aims["role"] == role, "metric"])
    return tuple(metric for metric in rows["metric"].unique() if metric not in scored)


def _with_ids(aims: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """The aims with the number that their target was published under; empty for a proposed one."""
    known = {(row.metric, row.role, None if pd.isna(row.level) else row.level): row.id for row in targets.itertuples()}
    keys = [(row.metric, row.role, None if pd.isna(row.level) else row.level) for row in aims.itertuples()]
    found = [
        known.get((m, r, level), known.get((m, r, None), known.get((m, "both", None), ""))) for m, r, level in keys
    ]
    return aims.assign(id=found)


def _month_after(run: Run) -> str:
    return f"{later(run.first_day, 1):%Y-%m}"


def on_roster(run: Run, day: dt.date) -> pd.DataFrame:
    """The agents of the roster on a day: agent_id, name, role, level; the name is the newest."""
    roster = run.table("roster")
    dated = roster.assign(
        **{name: pd.to_datetime(roster[name]).dt.date for name in ("valid_from", "valid_to", "started", "ended")}
    )
    dated = dated.astype(object).where(dated.notna(), None)
    held = people(dated, run.table("shifts").iloc[:0], [day])
    held = held[~held["role"].isin(NO_AGENTS)].drop_duplicates(["agent_id", "role"])
    names = roster.sort_values("valid_from").groupby("agent_id")["name"].last()
    rows = held.assign(name=held["agent_id"].map(names))[["agent_id", "name", "role", "level"]]
    return rows.sort_values("agent_id", ignore_index=True)


# With the settled month -------------------------------------------------------------------------------------------


def settled(run: Run, scored: Scored, *, by_shift: pd.DataFrame | None = None) -> Handouts:
    """个人单 and 结果单 of everybody scored in the month and the team's sheet, in the run's language.

    `by_shift`: run.shift_values. Results show the pay where the shop has set bonuses and targets were published. Every
    page says where they were not, and which metrics can still change.
    """
    with speaking(run.lang):
        stamp = limits(run, scored)
        pages = _settled(run, scored, sheets_about(run, scored), by_shift)
        return Handouts({path: pdf(replace(page, stamp=stamp), on=run.last_day) for path, page in pages})


def limits(run: Run, scored: Scored) -> str:
    """What limits the use of the scores; empty where nothing does."""
    trial = "" if scored.in_force else say("papers.trial_only", run.lang, month=month_words(scored.month, run.lang))
    metrics = [key for key in scored.parts()["metric"].unique() if key in ENTRIES]
    still_open = immature(metrics, run.definition, run.last_day, run.as_of)
    return " ".join(filter(None, [trial, Pack(run, "settle", tuple(still_open)).stamp(run.lang)]))


def _paid(run: Run, scored: Scored) -> dict[tuple[str, str], pd.Series]:
    """The pay of everybody by agent and role; nothing where no money is set or no targets were published."""
    if not scored.in_force or not run.params.people.pay.bonuses:
        return {}
    return {(row["agent_id"], row["role"]): row for _at, row in personnel(run, scored).paid.iterrows()}


def _settled(run: Run, scored: Scored, about: About, by_shift: pd.DataFrame | None) -> Iterator[tuple[str, Sheet]]:
    """The page of each file."""
    lang, team = run.lang, say("sheets.team_file", run.lang)
    for file, page in sheets(scored.card, about, scored.names, by_shift).items():
        yield (f"{file}.pdf" if file == team else f"{say('papers.folder_personal', lang)}/{file}.pdf"), page
    dates = objections(run.last_day, run.as_of)
    paid = _paid(run, scored)
    for (agent, role), (name, file) in persons(scored.card, about, scored.names).items():
        own = paid.get((agent, role))
        who = run.params.objections_to
        page = result(scored.card, agent, role, about, dates, name=name, objections_to=who, pay=own)
        yield f"{say('papers.folder_result', lang)}/{file}.pdf", page
