"""A metric's agents and months as the statistics see them: the noise model fitted, the coming month drawn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import scipy

from ..catalogue import entry
from ..metric import Entry
from ..stats.forecast import Forecast, forecast
from ..stats.kinds import KINDS, Count, Kind, Positive
from ..stats.noise import Noise, fit
from ..stats.resample import half_widths, resampled
from .order import ladder
from .settings import TargetSettings

LATE_MONTHS = 3  # planned cases are as in these, where nobody says otherwise
MISSED_MONTHS = 2  # who was not seen in the newest of the months is not expected back


@dataclass(frozen=True)
class Panel:
    """One metric of one role: values, cases and spread as agents x months (NaN: not seen).

    `level` holds places in `levels` (one null level where the role is not split). flags: SPREAD_ESTIMATED (the spread
    of single cases was not in the values), NO_N (means without n).
    """

    metric: str
    role: str
    kind: Kind
    agents: tuple[str, ...]
    months: tuple[str, ...]
    levels: tuple[str | None, ...]
    level: np.ndarray
    value: np.ndarray
    n: np.ndarray
    case_cv2: float
    flags: frozenset[str]

    @property
    def entry(self) -> Entry:
        """What the catalogue says of the metric."""
        return entry(self.metric)

    @property
    def higher(self) -> bool:
        """Whether more is better."""
        return self.entry.better == "higher"

    @property
    def team(self) -> np.ndarray:
        """Who is expected in the coming month: those seen in one of the newest months."""
        return np.isfinite(self.value[:, -MISSED_MONTHS:]).any(axis=1)

    def place(self, level: str | None) -> int | None:
        """Where a level stands among the panel's; null for the whole role, and for a level that is not told apart."""
        return self.levels.index(level) if isinstance(level, str) and level in self.levels else None

    def ranked(self) -> np.ndarray:
        """The levels numbered so that a higher number is never expected to have the lower scaled mean."""
        return self.level if self.higher else len(self.levels) - 1 - self.level


@dataclass(frozen=True)
class Model:
    """A panel, its noise, and the forecast of the coming month for the agents of `team`."""

    panel: Panel
    noise: Noise
    planned: np.ndarray
    floor: float
    forecast: Forecast

    def level_forecast(self, place: int | None) -> Forecast:
        """The forecast of the team's agents of one level; of all where `place` is null."""
        if place is None:
            return self.forecast
        return self.forecast.of(self.panel.level[self.panel.team] == place)

    def expected(self, place: int | None, value: float) -> dict[str, float]:
        """How many of a level (null: the whole role) are expected to meet a value, as columns of CONTRACT 4."""
        coming = self.level_forecast(place)
        team, share, (low, high) = coming.draws.shape[1], coming.attainment(value), coming.range(value)
        shares = {"attainment": share, "attainment_low": low / team, "attainment_high": high / team}
        return shares | {"expected_agents": round(share * team), "team": team}

    def half_widths(self, settings: TargetSettings) -> dict[int | None, float]:
        """How far the value that the goal's share meets might lie elsewhere, by level (null: the whole role).

        About 85 % of what other agents and months would have given lies within; NaN where they are too few to tell.
        """
        panel, places = self.panel, self.panel.ranked()
        names = [None, *(int(panel.level[places == place][0]) for place in range(len(panel.levels)))]
        if not settings.resamples:
            return dict.fromkeys(names, math.nan)
        met = resampled(
            panel.kind,
            panel.value,
            panel.n,
            self.planned,
            np.array([settings.goal]),
            higher=panel.higher,
            rng=np.random.default_rng([settings.seed, *panel.role.encode(), *panel.metric.encode()]),
            spread=panel.case_cv2,
            level=places,
            floor=self.floor,
            team=panel.team,
            resamples=settings.resamples,
        )
        widths = zip(names, half_widths(met)[:, 0].tolist(), strict=True)
        return {name: width if self._several(name) else math.nan for name, width in widths}

    def _several(self, place: int | None) -> bool:
        """Whether there are several agents of a level: one alone says nothing of others."""
        return int((self.panel.level == place).sum() if place is not None else len(self.panel.agents)) > 1

    def level_mean(self, place: int | None) -> float:
        """The fitted mean of a level, or of the team, in the metric's unit."""
        agents = self.noise.agents if place is None else self.noise.agents[self.panel.level == place]
        return float(self.panel.kind.natural(agents.mean()))


def panel(rows: pd.DataFrame, settings: TargetSettings) -> Panel:
    """The panel of the agent-months of one metric and role that may be used (months.agent_months)."""
    metric, role = rows["metric"].iloc[0], rows["role"].iloc[0]
    kind = _kind(entry(metric), rows)
    rows = rows.assign(cases=_cases(rows, kind)).sort_values(["agent_id", "month"])
    value, cases, squares = (
        rows.pivot(index="agent_id", columns="month", values=c) for c in ("value", "cases", "sum_squares")
    )
    newest = rows.groupby("agent_id")["level"].last().reindex(value.index)
    levels, level = _levels(newest, settings)
    arrays = value.to_numpy(float), cases.fillna(0).to_numpy(float)
    case_cv2, flags = _spread(*arrays, squares.to_numpy(float), kind)
    flags |= {"NO_N"} if rows["by_day"].any() or (rows["n"].isna().all() and not isinstance(kind, Count)) else set()
    names = tuple(value.index), tuple(value.columns)
    return Panel(metric, role, kind, *names, levels, level, *arrays, case_cv2, frozenset(flags))


def _kind(known: Entry, rows: pd.DataFrame) -> Kind:
    """The catalogue's kind, but for what it cannot be: a ratio may exceed 1, means of days or bare ones have no n."""
    if rows["by_day"].any() or (known.kind == "rate" and rows["n"].isna().all()):
        return KINDS["value"]
    return KINDS["count"] if known.unit == "ratio" else KINDS[known.kind]


def _cases(rows: pd.DataFrame, kind: Kind) -> pd.Series:
    """What the sampling variance falls with: denominators of rates, days of counts, cases of means; 1 if unknown."""
    counted = rows["n"] if isinstance(kind, Positive) else rows["denominator"].where(rows["denominator"] > 0)
    return counted.fillna(rows["n"] if not isinstance(kind, Count) else np.nan).fillna(1.0).astype(float)


def _levels(level: pd.Series, settings: TargetSettings) -> tuple[tuple[str | None, ...], np.ndarray]:
    """The levels that get targets of their own, from junior to senior, and each agent's place among them."""
    names = ladder(level.dropna().unique(), settings.levels)
    if len(names) < 2 or len(level) < settings.split_agents or level.isna().any():
        return (None,), np.zeros(len(level), int)
    return tuple(names), level.map({name: place for place, name in enumerate(names)}).to_numpy(int)


def _spread(value: np.ndarray, cases: np.ndarray, squares: np.ndarray, kind: Kind) -> tuple[float, set[str]]:
    """CV² of a single case (0 where the kind knows its own spread), and SPREAD_ESTIMATED where it had to be guessed."""
    if not isinstance(kind, Positive):
        return 0.0, set()
    known = np.isfinite(squares) & (value > 0) & (cases > 1)
    if known.any():
        apart = (squares - cases * value**2)[known] / value[known] ** 2
        return float(max(apart.sum(), 0.0) / (cases[known] - 1).sum()), set()
    seen = np.isfinite(value) & (value > 0) & (cases > 0)
    logs = np.where(seen, np.log(np.where(seen, value, 1)), np.nan)
    centre = np.nanmean(logs, axis=1, keepdims=True) if seen.sum(1).max(initial=0) > 1 else np.nanmean(logs)
    residual = (logs - centre)[seen]
    parts = np.column_stack([np.ones(len(residual)), 1 / cases[seen]])
    (_wobble, case_cv2), _rest = scipy.optimize.nnls(parts, residual**2)
    return float(case_cv2), {"SPREAD_ESTIMATED"}


def fitted(panel: Panel, settings: TargetSettings, planned: np.ndarray | None = None) -> Model:
    """The panel's noise model, and the coming month at the planned cases of each agent (default: as lately)."""
    scaled, variance = panel.kind.observed(panel.value, panel.n, np.asarray(panel.case_cv2))
    floor = panel.kind.least_shock(scaled)
    noise = fit(scaled, variance, level=panel.ranked(), floor=floor)
    planned = as_lately(panel) * settings.volume if planned is None else planned
    rng = np.random.default_rng([settings.seed, *panel.metric.encode()])
    team = panel.team
    expected = replace(noise, agents=noise.agents[team], errors=noise.errors[team])
    coming = forecast(expected, panel.kind, planned[team], higher=panel.higher, rng=rng, case_cv2=panel.case_cv2)
    return Model(panel, noise, planned, floor, coming)


def as_lately(panel: Panel) -> np.ndarray:
    """Each agent's mean cases in the newest of the months in which they were seen."""
    seen = np.isfinite(panel.value)
    newest_first = seen[:, ::-1].cumsum(axis=1)[:, ::-1]
    late = seen & (newest_first <= LATE_MONTHS)
    return (panel.n * late).sum(axis=1) / np.maximum(late.sum(axis=1), 1)
