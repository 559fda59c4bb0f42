"""A shop's scores from its store: the month's values, the targets in force, the weights, and the month before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from .engine import EngineSettings, connect
from .errors import CsperfError, Problem
from .filled import filled_in
from .lists import passed_on, quick_openings, thin_credit
from .run import Run, days_off, exempt_days, facts, history, measure, month_days, propose
from .scorecard import Scorecard, ScoreSettings, beside_others, changes, gaming, scorecard
from .sheets import About
from .targets.register import later, published
from .targets.register_file import read_register
from .text import say, ui_language
from .text.numbers import day_words
from .tidy import read_tidy
from .weighing import in_use, published_weights, scorable
from .weights import Weighing

WINDOW = dt.timedelta(days=1)  # chats of the month's first and last day begin and end beyond it
WORKED = "sessions_per_day"  # its denominator is the days worked


@dataclass(frozen=True, eq=False)
class Scored:
    """card: all months up to `month`, scored by the targets and weights of the month. names: agent_id -> name.

    in_force: whether the targets were published for the month; else they are the proposal made from earlier months.
    said: of the weights, where nobody handed any over. values: what was scored.
    """

    card: Scorecard
    month: str
    values: pd.DataFrame
    targets: pd.DataFrame
    weights: pd.DataFrame
    names: dict[str, str]
    in_force: bool
    said: tuple[str, ...]

    @property
    def notices(self) -> tuple[str, ...]:
        """What to know of the scores, the basis first."""
        basis = [] if self.in_force else [say("scores.not_published", month=self.month)]
        return (*basis, *self.said, *self.card.notices)

    @property
    def before(self) -> str:
        """The month before."""
        return f"{later(month_days(self.month)[0], -1):%Y-%m}"

    def now(self) -> pd.DataFrame:
        """The scores of the month."""
        return self.card.scores[self.card.scores["month"] == self.month].reset_index(drop=True)

    def parts(self) -> pd.DataFrame:
        """The parts of the month's scores."""
        return self.card.parts[self.card.parts["month"] == self.month].reset_index(drop=True)

    def changes(self, by_shift: pd.DataFrame | None = None) -> pd.DataFrame:
        """What moved each score since the month before, by the same targets and weights (scorecard.changes)."""
        return changes(self.card, self.card, (self.before, self.month), by_shift=by_shift)


def score_run(
    run: Run,
    *,
    values: pd.DataFrame | None = None,
    targets: pd.DataFrame | None = None,
    weights: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    settings: ScoreSettings | None = None,
) -> Scored:
    """The scores of the run's month and the months before it.

    What is not handed over comes from the shop: values from its store; targets from its register, else as they would
    have been proposed from the months before; weights as published, else from the managers' form, else as one begins
    with them; events from their register.
    """
    in_force, aims = targets is not None, targets
    if aims is None:
        aims = published(read_register(run.params.folder / f"{run.params.shop}.register.csv"), run.month)
        in_force = len(aims) > 0
        aims = aims if in_force else propose(_month_before(run)).targets
    wanted = aimed(aims) if weights is None else weights.loc[weights["weight"] > 0, "metric"].unique().tolist()
    values = _with_days(run, history(run, wanted)) if values is None else values
    said: tuple[str, ...] = ()
    if weights is None:
        weights, said = usual_weights(run, values, aims)
    events = register_of_events(run) if events is None else events
    roster = run.table("roster")
    card = scorecard(values, aims, weights, roster=roster, events=events, settings=settings)
    return Scored(card, run.month, values, aims, weights, _names(roster), in_force, said)


def sheets_about(run: Run, scored: Scored) -> About:
    """What the sheets of the month say of themselves, with the days that scores leave out."""
    always, month = exempt_days(run), {day.date() for day in pd.date_range(run.first_day, run.last_day)}
    ever: set[dt.date] = set().union(*days_off(run, scored.parts()["metric"].unique()).values())
    exempt, speed = (tuple(sorted(off & month)) for off in (always, ever - always))
    few = scored.card.settings.anonymous
    return About(run.params.title(run.lang), scored.month, run.lang, few, days_off=exempt, speed_off=speed)


def register_of_events(run: Run) -> pd.DataFrame | None:
    """The shop's events: the form 奖惩登记, or <shop>.events.csv; null where there is neither, or only an example.

    CsperfError where both are there: there is one register.
    """
    path, form = run.params.folder / f"{run.params.shop}.events.csv", filled_in(run.params.folder, "events")
    if not path.is_file():
        return form
    if form is not None:
        raise CsperfError(Problem(str(path), say("scores.two_registers")))
    return read_tidy(path, "events")


def signs(run: Run, scored: Scored) -> pd.DataFrame:
    """What to look at before the scores are published (scorecard.gaming), from the chats too where there are any."""
    found = [gaming(scored.values, scored.targets, roster=run.table("roster"), month=scored.month)]
    found += [beside_others(check, seen, scored.month) for check, seen in _odd_chats(run)]
    return pd.concat([rows for rows in found if len(rows)] or found[:1], ignore_index=True)


def _odd_chats(run: Run) -> Iterator[tuple[str, pd.DataFrame]]:
    """What chats tell of each agent (lists.ODD), by check."""
    known, days = facts(run), (run.first_day, run.last_day)
    if "turns" not in known:
        return
    yield "hollow", quick_openings(known, *days)
    said = run.store.read(connect(EngineSettings()), "messages", run.first_day - WINDOW, run.last_day + WINDOW)
    yield "at_limit", passed_on(known, said, run.definition.first_reply_limit_s, *days)
    if "purchases" in known:
        yield "thin_credit", thin_credit(known, said, *days)


def aimed(targets: pd.DataFrame) -> list[str]:
    """The metrics that have a target which may be scored."""
    return scorable(targets)["metric"].unique().tolist()


def usual_weights(run: Run, values: pd.DataFrame, targets: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The shop's weights for what has targets, role by role, and what there is to say of them: the published ones."""
    fixed = published_weights(run)
    if fixed is not None:
        since = day_words(dt.date.fromisoformat(fixed["valid_from"].min()), ui_language())
        return fixed, (say("weights.held", since=since, who=fixed["set_by"].iloc[-1]),)
    weighed = in_use(run, targets, values)
    frame = pd.concat([one.weights for one in weighed], ignore_index=True)
    return frame, _said_of(weighed)


def _said_of(weighed: Sequence[Weighing]) -> tuple[str, ...]:
    """What there is to say of the weights: once where it is the same of every role, else of each."""
    said = [(one.role, one.said[0]) for one in weighed if one.said]
    if len({sentence for _role, sentence in said}) <= 1:
        return tuple(sentence for _role, sentence in said[:1])
    named = [(say(f"tables.role_{'both' if pd.isna(role) else role}"), sentence) for role, sentence in said]
    return tuple(say("weights.of_role", role=role, said=sentence) for role, sentence in named)


def _month_before(run: Run) -> Run:
    """The run of the month before; the run itself where there is none."""
    before = f"{later(run.first_day, -1):%Y-%m}"
    if before not in run.store.months():
        return run
    first, last = month_days(before)
    return replace(run, month=before, first_day=first, last_day=last)


def _with_days(run: Run, values: pd.DataFrame) -> pd.DataFrame:
    """The values with the days that each person worked in the month, where the store knows them."""
    past = replace(run, first_day=later(run.first_day, 1 - run.params.targets.history_months))
    worked = measure(past, ["agent", "month"], [WORKED])
    worked = worked[worked["agent_id"].notna()].rename(columns={"denominator": "days"})
    return values.merge(worked[["agent_id", "month", "days"]].drop_duplicates(), how="left", on=["agent_id", "month"])


def _names(roster: pd.DataFrame) -> dict[str, Any]:
    """agent_id -> name, the newest entry of the roster."""
    return roster.sort_values("valid_from").groupby("agent_id")["name"].last().to_dict() if len(roster) else {}
