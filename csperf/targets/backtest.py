"""Whether the method would have been right in past months (METHOD 1.8), and what a ratchet would do to a team.

Walk-forward: a target is set on the months up to an origin, then held against the months that came after it, beside
two baselines that need no model.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ..stats.forecast import Forecast, forecast
from ..stats.ratchet import PERIODS, Run, ratchet_runs
from ..text import say, ui_language
from ..text.numbers import difference
from . import Proposal
from .model import Model, Panel, fitted
from .settings import TargetSettings

FIRST_ORIGIN = 6  # months a target is set on, at least; half of all months where that is more
ENOUGH_ORIGINS = 4
HORIZONS = (1, 3)  # months
DRAWS = 600  # METHOD 1.3
MOST_BIAS = 0.05
COVERED = (0.65, 0.95)
WORSE_THAN_POOLED = 0.01
METHODS = ("model", "pooled", "last_month")
TRIED = "level horizon method attained covered".split()


def backtest(panel: Panel, settings: TargetSettings, *, share: float | None = None) -> pd.DataFrame:
    """How targets for `share` of the agents (default: the goal) would have fared, in shares of agents.

    A row per level (null: the whole role), horizon in months, and method: "model", "pooled" (raw quantile of all
    agent-months), "last_month" (raw quantile of the newest). attained: mean share that met the target; bias, mae: of
    attained less `share`; within_5, within_10: share of origins within 5 and 10 points; coverage: of the range of four
    months in five (model only). verdict (model only): PASS, FAIL, BACKTEST_SHORT. Without origins all is null but that.
    """
    share = settings.goal if share is None else share
    tried = pd.DataFrame(_tried(panel, settings, share), columns=TRIED)
    places = [None, *range(len(panel.levels))] if len(panel.levels) > 1 else [None]
    rows = []
    for place in places:
        of_place = tried[tried["level"].isna() if place is None else tried["level"] == place]
        level = None if place is None else panel.levels[place]
        rows += [
            {"level": level, **row} for h in HORIZONS for row in _judged(of_place[of_place["horizon"] == h], h, share)
        ]
    return pd.DataFrame(rows)


def _tried(panel: Panel, settings: TargetSettings, share: float) -> Iterator[tuple]:
    """TRIED of every origin, horizon, level and method."""
    months = panel.value.shape[1]
    for origin in range(max(FIRST_ORIGIN, months // 2), months):
        model = fitted(_up_to(panel, origin), settings)
        for horizon in HORIZONS:
            if origin + horizon <= months:
                yield from _held_against(panel, model, origin, horizon, settings, share)


def _up_to(panel: Panel, origin: int) -> Panel:
    """What was known of the panel at the origin: its first months, and who was seen in them."""
    known = np.isfinite(panel.value[:, :origin]).any(axis=1)
    value = np.where(known[:, None], panel.value[:, :origin], np.nan)
    return replace(panel, months=panel.months[:origin], value=value, n=panel.n[:, :origin])


def _held_against(
    panel: Panel, model: Model, origin: int, horizon: int, settings: TargetSettings, share: float
) -> Iterator[tuple]:
    """TRIED of one origin and horizon. Who was expected and did not come, or came unexpected, does not count."""
    team = model.panel.team
    came = panel.value[team, origin : origin + horizon].T.ravel()
    coming = _coming(model, horizon, settings)
    places = [None, *range(len(panel.levels))] if len(panel.levels) > 1 else [None]
    for place in places:
        mates = np.ones(len(team), bool) if place is None else panel.level == place
        counted = np.tile(mates[team], horizon) & np.isfinite(came)
        if not counted.any():
            continue
        targets = _targets(model, place, share)
        actual = Forecast(came[counted][None, :], panel.higher)
        low, high = coming.of(counted).range(targets["model"])
        covered = {"model": float(low <= actual.met(targets["model"])[0] <= high)}
        for method, target in targets.items():
            yield place, horizon, method, actual.attainment(target), covered.get(method, np.nan)


def _coming(model: Model, horizon: int, settings: TargetSettings) -> Forecast:
    """The months after the origin, for the team."""
    team, panel = model.panel.team, model.panel
    return forecast(
        model.noise.of(team),
        panel.kind,
        model.planned[team],
        higher=panel.higher,
        rng=np.random.default_rng([settings.seed, len(panel.months)]),
        case_cv2=panel.case_cv2,
        months=horizon,
        draws=DRAWS,
    )


def _targets(model: Model, place: int | None, share: float) -> dict[str, float]:
    """The target of each method, from what was known at the origin."""
    panel = model.panel
    mates = panel.team if place is None else panel.team & (panel.level == place)
    seen = panel.value[mates]
    at = 1 - share if panel.higher else share
    return {
        "model": model.level_forecast(place).value_met_by(share),
        "pooled": float(np.nanquantile(seen, at)),
        "last_month": float(np.nanquantile(seen[:, -1] if np.isfinite(seen[:, -1]).any() else seen, at)),
    }


def _judged(tried: pd.DataFrame, horizon: int, share: float) -> list[dict]:
    """A row per method of one level and horizon."""
    rows = [{"horizon": horizon, "method": m, **_measured(tried[tried["method"] == m], share)} for m in METHODS]
    verdict = _verdict(rows[0], rows[1])
    return [{**row, "verdict": verdict if row["method"] == "model" else None} for row in rows]


def _measured(tried: pd.DataFrame, share: float) -> dict[str, float]:
    off = tried["attained"] - share
    return {
        "origins": len(tried),
        "attained": tried["attained"].mean(),
        "bias": off.mean(),
        "mae": off.abs().mean(),
        "within_5": (off.abs() <= 0.05).mean() if len(tried) else np.nan,
        "within_10": (off.abs() <= 0.10).mean() if len(tried) else np.nan,
        "coverage": tried["covered"].mean(),
    }


def _verdict(model: dict, pooled: dict) -> str:
    """PASS, FAIL or BACKTEST_SHORT; coverage is judged in whole origins, so that four of four may be right."""
    origins = model["origins"]
    if origins < ENOUGH_ORIGINS:
        return "BACKTEST_SHORT"
    inside = round(model["coverage"] * origins)
    right = (
        abs(model["bias"]) <= MOST_BIAS
        and math.floor(COVERED[0] * origins) <= inside <= math.ceil(COVERED[1] * origins)
        and model["mae"] <= pooled["mae"] + WORSE_THAN_POOLED
    )
    return "PASS" if right else "FAIL"


def ratchet(model: Model, settings: TargetSettings, half_width: float) -> pd.DataFrame:
    """A row per rule ("ratchet": targets chase the newest months; "held": PRACTICE 8) and period of a responding team.

    target in the metric's unit; attained and gave_up as shares of agents. How people respond is assumed
    (stats.ratchet): the run shows what the rules do to one and the same team, not what this team will do.
    """
    panel, team = model.panel, model.panel.team
    runs = ratchet_runs(
        model.noise.of(team),
        panel.kind,
        model.planned[team],
        share=settings.goal,
        higher=panel.higher,
        half_width=half_width,
        rng=np.random.default_rng(settings.seed),
        case_cv2=panel.case_cv2,
        floor=model.floor,
    )
    return pd.concat([_periods(rule, run) for rule, run in runs.items()], ignore_index=True)


def _periods(rule: str, run: Run) -> pd.DataFrame:
    columns = {"target": run.targets, "attained": run.attained, "gave_up": run.gave_up}
    return pd.DataFrame({"rule": rule, "period": np.arange(1, PERIODS + 1), **columns})


def verdict_said(outcome: pd.Series, lang: str | None = None) -> str:
    """The verdict of a model's row of `backtest` as one sentence."""
    if outcome["verdict"] == "BACKTEST_SHORT":
        return say("sentences.backtest_short", lang)
    off = difference(outcome["mae"], "share", lang or ui_language()).lstrip("+")
    return say(f"sentences.backtest_{outcome['verdict'].lower()}", lang, times=outcome["origins"], off=off)


def ratchets(proposal: Proposal, settings: TargetSettings) -> pd.DataFrame:
    """`ratchet` for every metric and role of a proposal: metric, role, and its columns.

    The half-width that a new value must exceed is the mean of its levels'; 0 where none is known.
    """
    widths = proposal.targets.groupby(["metric", "role"])["half_width"].mean().fillna(0.0)
    runs = [
        ratchet(model, settings, widths[metric, role]).assign(metric=metric, role=role)
        for (metric, role), model in proposal.models.items()
    ]
    empty = pd.DataFrame(columns=["rule", "period", "target", "attained", "gave_up", "metric", "role"])
    return pd.concat(runs, ignore_index=True) if runs else empty


def backtests(models: Mapping[tuple[str, str], Model], settings: TargetSettings) -> pd.DataFrame:
    """The back-test of every model, with its metric and role (columns: see `backtest`)."""
    parts = [
        backtest(model.panel, settings).assign(metric=metric, role=role) for (metric, role), model in models.items()
    ]
    return (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["metric", "role", "level", "verdict"])
    )
