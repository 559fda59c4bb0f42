"""A shop's weights from its store: the agents' months, the outcome its settings name, the managers' points."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from .catalogue import entry
from .errors import CsperfError, Problem
from .run import Facts, Run, history, measure
from .text import LANGUAGES, say
from .tidy import read_points, read_tidy
from .weights import Weighing, WeightSettings, weigh_roles
from .weights.held import COLUMNS as HELD
from .weights.held import held
from .weights.screening import CANDIDATES, screened

CASES = "asked_users"  # how much of an agent's month fell into which shift


def weigh(
    source: Run | Facts,
    *,
    outcome: str | pd.DataFrame | None = None,
    experts: pd.DataFrame | None = None,
    role: str | None = None,
    settings: WeightSettings | None = None,
    values: pd.DataFrame | None = None,
) -> list[Weighing]:
    """The weighing of each role of the shop up to the run's month.

    `settings`: default those of the shop's file, which also name the outcome; `experts`: default the points form that
    lies beside the file; `values`: default the agents' months of the candidates (screening.CANDIDATES); an
    outcome that they lack is taken from the shop's store.
    """
    run = source.run if isinstance(source, Facts) else source
    settings = settings or run.params.weights
    outcome = settings.outcome or None if outcome is None else outcome
    if isinstance(outcome, str):
        entry(outcome)  # an unknown one is said with the names that come near
    experts = points_form(run) if experts is None else experts
    named = [outcome] if isinstance(outcome, str) else []
    if values is None:
        values = history(source, list(dict.fromkeys([*(settings.metrics or CANDIDATES), *named])))
    elif named and outcome not in set(values["metric"]):
        values = pd.concat([values, history(source, named)], ignore_index=True)
    shifts = _shifts(source, run) if outcome is not None else None
    return weigh_roles(values, outcome, experts, role, settings, shifts)


def in_use(source: Run | Facts, targets: pd.DataFrame, values: pd.DataFrame) -> list[Weighing]:
    """The weighing of what has targets that may be scored, role by role: what scores and pages go by.

    `values`: agents' months of those metrics. Where none of them names a role, all have one weighing, of no role.
    """
    run, aims = source.run if isinstance(source, Facts) else source, scorable(targets)
    known = set(values["role"].dropna()) if "role" in values else set()
    own = {role: rows for role, rows in aims.groupby("role") if role in known} or ({None: aims} if len(aims) else {})
    weighed: list[Weighing] = []
    for role, rows in own.items():
        settings = run.params.weights.model_copy(update={"metrics": tuple(rows["metric"].unique())})
        weighed += weigh(source, role=role, settings=settings, values=values)
    return weighed


def published_weights(run: Run, month: str = "") -> pd.DataFrame | None:
    """The weights in force in `month` (default: the run's), of <shop>.weights.csv (weights.held); null where none are.

    CsperfError with every fault of the file, whatever month it is of.
    """
    path = weights_path(run.params.folder, run.params.shop)
    rows = held(read_published(path), month or run.month, path.name)
    return rows if len(rows) else None


def weights_path(folder: Path, shop: str) -> Path:
    """Where a shop keeps its published weights."""
    return folder / f"{shop}.weights.csv"


def read_published(path: Path) -> pd.DataFrame:
    """Everything that was ever published (weights.held.COLUMNS); no rows where there is no file."""
    return read_tidy(path, "published_weights") if path.is_file() else pd.DataFrame(columns=HELD)


def scorable(targets: pd.DataFrame) -> pd.DataFrame:
    """The targets that may be scored: of agents, with a value, not for reference only."""
    return targets[targets["target"].notna() & (targets["role"] != "shop") & (targets["grade"] != "reference")]


def screen(weighings: list[Weighing], run: Run) -> pd.DataFrame:
    """The candidates of every role: kept or not, and why; what the platform fines for is always kept."""
    guarded = {str(rule.metric) for rule in run.params.platform_rules() if rule.metric}
    return pd.concat([screened(one, guarded) for one in weighings], ignore_index=True)


def points_form(run: Run) -> pd.DataFrame | None:
    """The managers' points from the form beside the shop's file, 权重打分.xlsx; null where there is none."""
    names = [say("weights.form", lang) for lang in LANGUAGES]
    files: list[Path] = [run.params.folder / f"{name}{end}" for name in names for end in (".xlsx", ".csv")]
    found = [path for path in files if path.is_file()]
    if len(found) > 1:
        raise CsperfError(Problem(str(path), say("weights.two_forms")) for path in found)
    return read_points(found[0]) if found else None


def _shifts(source: Run | Facts, run: Run) -> pd.DataFrame | None:
    """Cases of each agent's month by shift; null where the shop knows no shifts."""
    months = run.params.targets.history_months - 1
    first = (pd.Period(run.first_day, "M") - months).start_time.date()
    past: Any = replace(run, first_day=first)
    past = Facts(past, source) if isinstance(source, Facts) else past
    rows = measure(past, ["agent", "shift", "month"], [CASES])
    rows = rows[rows["shift"].notna() & rows["agent_id"].notna()]
    if rows["shift"].nunique() < 2:
        return None
    return rows[["agent_id", "month", "shift", "n"]]
