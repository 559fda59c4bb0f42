"""How far a month's score lies from that of what the agent truly did: steps, straight lines, luck taken off.

The yardstick is one for all three: the points of the true month on the straight lines.
"""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pandas as pd

from bench.measures import Measured
from bench.stats import Claim, Study
from csperf.scorecard import Aims, ScoreSettings
from csperf.scorecard.adjusted import chance

METRIC = "reply_30s_msg"
AGENTS, MONTHS = 30, 6
MEAN, BETWEEN, WOBBLE, SHARED = 0.80, 0.05, 0.025, 0.015  # METHOD's world
LINES = (0.90, 0.65, 0.20)  # of the agent-months truly meet base, target, stretch
JUMP = 20  # points from one month to the next
RULES = {"step": "step", "linear": "linear", "shrunk": "linear"}


def scores(cases: int, rng: np.random.Generator) -> Measured:
    """Mean absolute error of the newest month's points and share of jumps, for each way of scoring; rank agreement."""
    truth = np.clip(_truth(rng), 0.01, 0.99)
    seen = rng.binomial(cases, truth) / cases
    adjusted = chance(_rows(seen, cases)).adjusted.reshape(truth.shape)
    lines = [np.full(truth.size, line) for line in np.quantile(truth, [1 - share for share in LINES])]
    aims = Aims(METRIC, *lines)
    right = aims.points(truth.ravel(), ScoreSettings()).reshape(truth.shape)
    found: Measured = {}
    for name, rule in RULES.items():
        settings = ScoreSettings(rule=rule)
        worth = aims.points((adjusted if name == "shrunk" else seen).ravel(), settings).reshape(truth.shape)
        found[name] = float(np.abs(worth - right).mean())
        found[f"{name}_jump"] = float((np.abs(np.diff(worth, axis=1)) >= JUMP).mean())
        found[f"{name}_rank"] = float(pd.Series(worth[:, -1]).corr(pd.Series(truth[:, -1]), method="spearman"))
    return found


def _truth(rng: np.random.Generator) -> np.ndarray:
    """What each agent truly did in each month."""
    agents, months = rng.normal(0, BETWEEN, (AGENTS, 1)), rng.normal(0, SHARED, (1, MONTHS))
    return MEAN + agents + months + rng.normal(0, WOBBLE, (AGENTS, MONTHS))


def _rows(seen: np.ndarray, cases: int) -> pd.DataFrame:
    """The agent-months as the scorecard reads them, agent by agent."""
    agents, months = np.meshgrid(np.arange(AGENTS), np.arange(MONTHS), indexing="ij")
    names = {"agent_id": [f"a{a:02}" for a in agents.ravel()], "month": [f"2026-{m + 1:02}" for m in months.ravel()]}
    rows = pd.DataFrame(names | {"value": seen.ravel(), "n": float(cases), "denominator": float(cases)})
    return rows.assign(metric=METRIC, role="pre", level=None, sum_squares=np.nan, by_day=False)


def studies() -> list[Study]:
    """METHOD 5's table: at 150 cases a month lines with luck taken off have less than half the steps' error."""
    half = Claim(
        "score: linear + luck off, error less half the steps'", lambda v: v["shrunk"] - v["step"] / 2, -math.inf, 0, 1
    )
    shown = [
        Claim(f"score, {name}: {what}", partial(_value, f"{name}{key}"), times=times, unit=unit)
        for name in RULES
        for what, key, times, unit in (
            ("error on the truth", "", 1, "points"),
            ("jumps of 20 points and more", "_jump", 100, "%"),
            ("rank agreement with the truth", "_rank", 1, ""),
        )
    ]
    return [
        Study(f"{AGENTS} x {MONTHS}, {n} cases", partial(scores, n), (*([half] if n == 150 else []), *shown))
        for n in (150, 40)
    ]


def _value(name: str, values: dict[str, np.ndarray]) -> np.ndarray:
    return values[name]
