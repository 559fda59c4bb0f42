"""Weights for day one: dated templates by role, until the managers have given points."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from ..errors import CsperfError, Problem
from ..text import say

FILE = Path(__file__).with_name("starter.yaml")


class Part(BaseModel):
    """One side of the work, its points, and the metrics that may stand for it, best first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: int
    metrics: tuple[str, ...]


class Starter(BaseModel):
    """The templates, from when they stand, when they were last looked at, and where they come from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    since: dt.date
    checked: dt.date
    source: dict[str, str]
    templates: dict[str, dict[str, Part]]


@cache
def templates() -> Starter:
    """The templates that csperf ships."""
    return Starter.model_validate(yaml.safe_load(FILE.read_text(encoding="utf-8")))


def starting(name: str, metrics: Iterable[str]) -> tuple[dict[str, float], list[str]]:
    """Shares of 1 by metric for those of the template that are among `metrics`, and its parts that none can stand for.

    The points of missing parts go to the others in proportion. CsperfError where there is no such template.
    """
    known = templates().templates
    if name not in known:
        raise CsperfError(Problem("template", say("weights.no_template", found=name, allowed=", ".join(known))))
    held, given, missing = set(metrics), {}, []
    for part, wanted in known[name].items():
        stands = next((metric for metric in wanted.metrics if metric in held and metric not in given), None)
        if stands is None:
            missing.append(part)
        else:
            given[stands] = float(wanted.points)
    total = sum(given.values())
    return {metric: points / total for metric, points in given.items()}, missing
