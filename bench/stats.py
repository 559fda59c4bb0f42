"""Measures the statistics against made-up teams whose truth is known: `make bench-stats`.

Every row names its world and its bound. A bound is met when it is missed by no more than two Monte-Carlo standard
errors; the exit code is 1 where one is missed. Rows without a bound report what the method's paper did not simulate.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from multiprocessing import Pool

import numpy as np

from bench.measures import Measured

WORLDS = 300
CORES = 2
CHUNK = 25
SEED = 20251111
ERRORS = 2  # Monte-Carlo standard errors by which a bound may be missed
Values = dict[str, np.ndarray]


@dataclass(frozen=True)
class Claim:
    """What is claimed of a world: `of` gives a number per made-up team, whose mean should lie from low to high."""

    name: str
    of: Callable[[Values], np.ndarray]
    low: float = -math.inf
    high: float = math.inf
    times: float = 100.0
    unit: str = "points"


@dataclass(frozen=True)
class Study:
    """One world: how a team of it is measured, how many teams, and the claims about it."""

    world: str
    measure: Callable[[np.random.Generator], Measured]
    claims: tuple[Claim, ...]
    worlds: int = WORLDS


@dataclass(frozen=True)
class Row:
    """A claim as it came out: mean over teams and its Monte-Carlo standard error."""

    claim: Claim
    world: str
    worlds: int
    result: float
    error: float

    @property
    def met(self) -> bool | None:
        """Whether no bound is missed by more than two standard errors; null without a bound."""
        if math.isinf(self.claim.low) and math.isinf(self.claim.high):
            return None
        slack = ERRORS * self.error
        return self.claim.low - slack <= self.result <= self.claim.high + slack


def run(studies: Iterable[Study], *, worlds: int | None = None, cores: int = CORES) -> Iterator[Row]:
    """The rows of the studies, as they are done; `worlds`: fewer teams than a study asks for."""
    with Pool(cores) as pool:
        for number, study in enumerate(studies):
            count = worlds or study.worlds
            chunks = [(study.measure, number, start, min(CHUNK, count - start)) for start in range(0, count, CHUNK)]
            teams = [team for chunk in pool.starmap(_measured, chunks, chunksize=1) for team in chunk]
            values = {key: np.array([team[key] for team in teams], float) for key in teams[0]}
            for claim in study.claims:
                found = claim.times * claim.of(values)
                yield Row(claim, study.world, count, found.mean(), found.std(ddof=1) / math.sqrt(len(found)))


def _measured(measure: Callable, number: int, start: int, count: int) -> list[Measured]:
    """Teams `start` and on of a study: each has a seed of its own, whatever the number of cores."""
    return [measure(np.random.default_rng([SEED, number, start + team])) for team in range(count)]


def printed(row: Row) -> str:
    """The row as a line of a Markdown table."""
    claim = row.claim
    bounds = [
        f"≥ {claim.low:g}" if math.isfinite(claim.low) else "",
        f"≤ {claim.high:g}" if math.isfinite(claim.high) else "",
    ]
    met = {True: "met", False: "MISSED", None: ""}[row.met]
    cells = (
        claim.name,
        row.world,
        f"{row.result:.2f} {claim.unit}",
        f"{row.error:.2f}",
        " ".join(filter(None, bounds)),
        met,
    )
    return "| " + " | ".join(cells) + " |"


def main() -> int:
    """1 where a bound is missed, else 0."""
    from bench import scores, weights
    from bench.claims import speed, studies

    began = time.monotonic()
    print("| claim | world | result | standard error | bound | |\n|---|---|---|---|---|---|")
    rows = []
    for row in chain(*map(run, (studies(), weights.studies(), scores.studies()))):  # seeds by place in their own list
        print(printed(row), flush=True)
        rows.append(row)
    rows.append(speed())
    print(printed(rows[-1]))
    missed = sum(row.met is False for row in rows)
    print(f"\n{len(rows)} rows, {missed} missed; {time.monotonic() - began:.0f} s on {CORES} cores, seed {SEED}")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
