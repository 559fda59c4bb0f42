"""What shift, season and the mix of inquiries explain of a value (indirect standardisation, METHOD 1.2).

The adjusted value stands beside the raw one, never in its place.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray
LEAST_CASES = 200  # of a stratum; smaller ones are merged
LEAST_PEAKS = 2  # before a season can be told from one busy month
ROUNDS = 50
SETTLED = 1e-9


@dataclass(frozen=True)
class Standard:
    """Cells (agent-months) beside what their strata let one expect.

    raw, expected, adjusted, cases: [cells]; values in the unit of numerator / denominator, NaN without cases. stratum:
    of each row, after merging; rates, stratum_cases: [strata]; overall: the pooled value, which is the reference.
    ratio: whether strata multiply (counts, times, values) or add (rates).
    """

    raw: Array
    expected: Array
    adjusted: Array
    cases: Array
    stratum: Array
    rates: Array
    stratum_cases: Array
    overall: float
    ratio: bool

    def at(self, reference: float | Array) -> Array:
        """A target set for the reference mix, as it reads in each stratum: [strata]."""
        return reference * self.rates / self.overall if self.ratio else reference + (self.rates - self.overall)


def standardise(
    cell: Array,
    dimensions: Array,
    numerator: Array,
    denominator: Array,
    *,
    agent: Array | None = None,
    ratio: bool = False,
    least: float = LEAST_CASES,
) -> Standard:
    """Cells adjusted to the pooled mix of strata. One row per cell x stratum, all arrays [rows].

    `cell`, `agent`: numbers from 0; `dimensions` [rows, d]: codes of what makes a stratum, the weightiest first (shift,
    month type, inquiry type): small strata give up the last one first. `agent`: given, the strata's values are those
    of one and the same agent where agents change strata, so that a shift is not praised for who works it; where
    nobody changes, nothing can tell the two apart and the pooled value stands.
    """
    stratum = merged(dimensions, denominator, least)
    cases, events = np.bincount(stratum, denominator), np.bincount(stratum, numerator)
    overall = float(events.sum() / cases.sum())
    rates = events / cases if agent is None else _within_agents(stratum, agent, numerator, denominator, overall, ratio)
    of_cell = np.bincount(cell, denominator)
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = np.bincount(cell, numerator) / of_cell
        expected = np.bincount(cell, denominator * rates[stratum]) / of_cell
        adjusted = raw * overall / expected if ratio else raw - (expected - overall)
    return Standard(raw, expected, adjusted, of_cell, stratum, rates, cases, overall, ratio)


def merged(dimensions: Array, cases: Array, least: float = LEAST_CASES) -> Array:
    """The stratum of each row, from 0; those with fewer than `least` cases are merged, last dimension first."""
    codes = np.array(dimensions, dtype=int).reshape(len(cases), -1) + 1  # 0: merged
    for last in range(codes.shape[1] - 1, -1, -1):
        stratum = _numbered(codes)
        small = np.bincount(stratum, cases)[stratum] < least
        codes[small, last] = 0
    return _absorbed(_numbered(codes), cases, least)


def season(peak: Array) -> str | None:
    """NO_SEASON where months hold one peak only: one busy month is no season. `peak`: [months], in order."""
    starts = np.diff(np.concatenate([[0], np.asarray(peak, int)])) == 1
    return "NO_SEASON" if 0 < starts.sum() < LEAST_PEAKS else None


def _numbered(codes: Array) -> Array:
    return np.unique(codes, axis=0, return_inverse=True)[1].reshape(-1)


def _absorbed(stratum: Array, cases: Array, least: float) -> Array:
    """What is still too small when nothing is left to give up joins the largest stratum."""
    held = np.bincount(stratum, cases)
    return _numbered(np.where(held[stratum] < least, held.argmax(), stratum)[:, None])


def _within_agents(
    stratum: Array, agent: Array, numerator: Array, denominator: Array, overall: float, ratio: bool
) -> Array:
    """Values of strata with the agents' own part taken out, by turns, from the pooled values on.

    The strata are set so that the pooled data come out at the pooled value.
    """
    cases = np.bincount(stratum, denominator)
    rates = np.bincount(stratum, numerator) / cases
    for _round in range(ROUNDS):
        before, expected = rates, np.bincount(agent, denominator * rates[stratum])
        if ratio:
            own = np.bincount(agent, numerator) / np.where(expected > 0, expected, 1)
            of_agents = np.bincount(stratum, denominator * own[agent])
            rates = np.bincount(stratum, numerator) / np.where(of_agents > 0, of_agents, 1)
        else:
            own = (np.bincount(agent, numerator) - expected) / np.maximum(np.bincount(agent, denominator), 1e-300)
            rates = np.bincount(stratum, numerator - denominator * own[agent]) / cases
        if np.abs(rates - before).max() < SETTLED * max(abs(overall), 1e-12):
            break
    pooled = (rates * cases).sum() / cases.sum()
    return rates * overall / pooled if ratio else rates + (overall - pooled)
