"""What `csperf weights` is asked for: weights of a shop's store or of a table alone, with an outcome and raters."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from .catalogue import ENTRIES, entry
from .errors import CsperfError, Problem
from .text import say
from .tidy import read_points, read_tidy, read_values, until
from .weights import Weighing, WeightSettings, weigh_roles

FILES = (".csv", ".tsv", ".xlsx", ".xls", ".parquet")


def worked_out(
    params_file: Path | None,
    values_file: Path | None,
    outcome: str,
    experts: Path | None,
    role: str,
    month: str,
) -> tuple[pd.DataFrame, list[str]]:
    """The weights (weights.COLUMNS) and what there is to say of them; CsperfError with the faults of all files."""
    problems: list[Problem] = []
    values = _read(values_file, read_values, problems)
    wanted = _outcome(outcome, problems)
    points = _read(experts, read_points, problems)
    if problems:
        raise CsperfError(problems)
    weighings = _weighings(params_file, values, wanted, points, role, month)
    return pd.concat([one.weights for one in weighings], ignore_index=True), list(_said(weighings))


def _weighings(
    params_file: Path | None,
    values: pd.DataFrame | None,
    outcome: str | pd.DataFrame | None,
    points: pd.DataFrame | None,
    role: str,
    month: str,
) -> list[Weighing]:
    values = values if values is None else until(values, month)
    if params_file is None:
        return weigh_roles(values, outcome, points, role or None, WeightSettings())
    from .run import open_run
    from .weighing import weigh

    run = open_run(params_file, month=month)
    return weigh(run, outcome=outcome, experts=points, role=role or None, values=values)


def _read(path: Path | None, reader: Callable[[Path], pd.DataFrame], problems: list[Problem]) -> Any:
    """What the reader makes of the file; null without one, or where it has faults, which are kept."""
    if path is None:
        return None
    try:
        return reader(path)
    except CsperfError as error:
        problems += error.problems
        return None


def _outcome(given: str, problems: list[Problem]) -> str | pd.DataFrame | None:
    """The outcome as a key of the catalogue, or as the table that the file holds."""
    if not given:
        return None
    if given in ENTRIES or not given.lower().endswith(FILES):
        try:
            return entry(given).key
        except CsperfError as error:
            problems += error.problems
            return None
    found = _read(Path(given), lambda path: read_tidy(path, "outcome"), problems)
    if found is not None:
        found.attrs["name"] = Path(given).stem
    return found


def _said(weighings: list[Weighing]) -> Iterable[str]:
    """What there is to say of each role's weights, the role named where there are several."""
    for one in weighings:
        for said in one.said:
            yield (
                say("weights.of_role", role=say(f"weights.role_{one.role}"), said=said) if len(weighings) > 1 else said
            )
