"""What `csperf targets` is asked for: targets from a shop's store or from a table alone, or a look at present ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from .errors import CsperfError, Problem
from .rules import PlatformRule, load_rules
from .settings import quoted
from .targets import Proposal, TargetSettings, agent_months, propose
from .targets.consistency import check_consistency
from .targets.current import judge
from .text import say
from .tidy import read_tidy, read_values, until


def worked_out(
    params_file: Path | None,
    values_file: Path | None,
    benchmarks: Path | None,
    rules: str,
    current: Path | None,
    month: str,
    planned_volume: str,
    lang: str,
) -> tuple[pd.DataFrame, list[str]]:
    """The table asked for, and what there is to say about it.

    Targets (CONTRACT 4); with `current` the present targets, each judged, and where they contradict one another.
    CsperfError with the faults of all files at once.
    """
    given = _Given()
    frames = {
        "values": given.read(values_file, read_values),
        "benchmarks": given.read(benchmarks, lambda path: read_tidy(path, "benchmarks")),
        "current": given.read(current, lambda path: read_tidy(path, "current")),
    }
    factor, planned = given.volume(planned_volume)
    in_force = given.rules(rules)
    given.refuse()
    settings, values, proposal = _proposal(params_file, frames, in_force, month, factor, planned)
    if frames["current"] is None:
        return proposal.targets, _contradictions(proposal.targets)
    months = agent_months(values, settings=settings)
    return judge(frames["current"], months, proposal, settings, lang), _contradictions(frames["current"])


def _proposal(
    params_file: Path | None,
    frames: dict[str, pd.DataFrame | None],
    rules: tuple[PlatformRule, ...],
    month: str,
    factor: float,
    planned: pd.DataFrame | None,
) -> tuple[TargetSettings, pd.DataFrame, Proposal]:
    """The settings, the agents' values behind the targets, and the targets."""
    more: dict[str, Any] = {"planned": planned} | ({"rules": rules} if rules else {})
    more |= {"benchmarks": frames["benchmarks"]} if frames["benchmarks"] is not None else {}
    values = frames["values"]
    if params_file is None:
        settings = TargetSettings(volume=factor)
        values = until(values, month)
        return settings, values, propose(values, settings=settings, **more)
    from .run import history, keep_in_force, open_run, red_lines
    from .run import propose as propose_for

    run = open_run(params_file, month=month)
    settings = run.params.targets.model_copy(update={"volume": factor})
    if values is None:
        values, more = history(run), {"red_lines": red_lines(run)} | more
    return settings, values, keep_in_force(run, propose_for(run, settings, values=values, **more))


def _contradictions(targets: pd.DataFrame) -> list[str]:
    rows = targets.assign(level=targets.get("level"))
    return list(dict.fromkeys(check_consistency(rows)["said"]))


class _Given:
    """Reads what was handed over and keeps every fault, so that all are said at once."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def read(self, path: Path | None, reader):
        """What the reader makes of the file; null without one, or where it has faults."""
        if path is None:
            return None
        try:
            return reader(path)
        except CsperfError as error:
            self.problems += error.problems
            return None

    def volume(self, given: str) -> tuple[float, pd.DataFrame | None]:
        """The planned volume: a factor on late months, or a table of cases per agent."""
        if not given:
            return 1.0, None
        try:
            factor = float(given)
        except ValueError:
            return 1.0, self.read(Path(given), lambda path: read_tidy(path, "planned"))
        if factor <= 0:
            self.problems.append(Problem("--planned-volume", say("tidy.not_positive", found=quoted(given))))
        return factor, None

    def rules(self, given: str) -> tuple[PlatformRule, ...]:
        """The platform's rules of that name or file."""
        return (self.read(Path(given), lambda path: load_rules(given)) or ()) if given else ()

    def refuse(self) -> None:
        """Raises CsperfError where anything was wrong."""
        if self.problems:
            raise CsperfError(self.problems)
