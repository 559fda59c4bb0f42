"""What drove a score: points per metric, and what each part of a change from one month to the next came from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..catalogue import entry
from ..targets.shifts import adjusted
from .aims import LINES
from .card import Scorecard
from .points import Aims, as_shown
from .settings import ScoreSettings

WHO = ["agent_id", "role"]
FROM = ("own", "mix", "target", "weight", "cap")
CHANGES = [*WHO, "metric", "before", "after", "change", *FROM]


def changes(
    before: Scorecard, after: Scorecard, months: tuple[str, str], *, by_shift: pd.DataFrame | None = None
) -> pd.DataFrame:
    """CHANGES: the score of months[1] in `after` less that of months[0] in `before`, metric by metric, in points.

    own: the person's own value at the shifts of the month before; mix: other shifts; target: other targets; weight:
    other weights, or a weight that moved because a metric has no value; cap: the row without metric. A row's parts sum
    to its change and the rows of a person to the change of the score, exactly. `by_shift`: values by agent, month and
    shift with role, numerator and denominator; without it mix is 0. Only people scored in both months.
    """
    sides = [_side(card, month) for card, month in zip((before, after), months, strict=True)]
    both = sides[0].merge(sides[1], how="outer", on=[*WHO, "metric"], suffixes=("_0", "_1"))
    scored = [_scored(card, month) for card, month in zip((before, after), months, strict=True)]
    keep = scored[0].index.intersection(scored[1].index)
    both = both[pd.MultiIndex.from_frame(both[WHO]).isin(keep)].reset_index(drop=True)
    both["same_mix"] = _same_mix(both, months, by_shift)
    parts = [_split(str(metric), rows, after.settings) for metric, rows in both.groupby("metric", sort=False)]
    found = (
        pd.concat([*parts, _caps(scored, parts, keep)], ignore_index=True) if parts else both.reindex(columns=CHANGES)
    )
    return found[CHANGES].sort_values(WHO, kind="stable", ignore_index=True)


def _side(card: Scorecard, month: str) -> pd.DataFrame:
    """A month's parts that count, without the levels, which may change."""
    rows = card.parts[(card.parts["month"] == month) & card.parts["left_out"].isna()]
    return rows[[*WHO, "metric", "value", *LINES, "weight_used", "points"]]


def _scored(card: Scorecard, month: str) -> pd.Series:
    rows = card.scores[(card.scores["month"] == month) & card.scores["score"].notna()]
    return rows.set_index(WHO)["score"]


def _split(metric: str, rows: pd.DataFrame, settings: ScoreSettings) -> pd.DataFrame:
    """One metric's part of the change of every person."""
    old = Aims.shown(metric, *(rows[f"{line}_0"].to_numpy(float) for line in LINES))
    weight = [rows[f"weight_used_{side}"].fillna(0).to_numpy(float) / 100 for side in (0, 1)]
    first, last = (rows[f"points_{side}"].to_numpy(float) for side in (0, 1))
    same_mix = old.points(as_shown(metric, rows["same_mix"].to_numpy(float)), settings)
    same_aims = old.points(rows["value_1"].to_numpy(float), settings)
    both = np.isfinite(first) & np.isfinite(last)
    before, now = weight[0] * np.nan_to_num(first), weight[1] * np.nan_to_num(last)
    steps = {"own": same_mix - first, "mix": same_aims - same_mix, "target": last - same_aims}
    found = {name: np.where(both, weight[0] * step, 0.0) for name, step in steps.items()}
    found["weight"] = np.where(both, (weight[1] - weight[0]) * np.nan_to_num(last), now - before)
    totals = {"before": before, "after": now, "change": now - before, "cap": 0.0}
    return rows[[*WHO, "metric"]].assign(**totals, **found)


def _same_mix(rows: pd.DataFrame, months: tuple[str, str], by_shift: pd.DataFrame | None) -> pd.Series:
    """The later value at the earlier month's mix of shifts; as it is where the shifts are not known.

    By what the role's shifts lead one to expect (METHOD 1.2), so that it can be told of somebody who changed shifts
    altogether, and a quiet shift's few cases do not decide.
    """
    value = rows["value_1"].astype(float)
    if by_shift is None or by_shift.empty:
        return value
    cells = adjusted(by_shift[by_shift["agent_id"].notna()])
    keys = [*WHO, "metric"]
    old, new = (cells[cells["month"] == month].set_index(keys)[["value", "adjusted"]] for month in months)
    asked = pd.MultiIndex.from_frame(rows[keys])
    old, new = (one.reindex(asked).set_index(rows.index) for one in (old, new))
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = (old["value"] / old["adjusted"]) / (new["value"] / new["adjusted"])
    step = (old["value"] - old["adjusted"]) - (new["value"] - new["adjusted"])
    rates = rows["metric"].map(lambda key: entry(key).kind == "rate")
    low = rows["metric"].map(lambda key: entry(key).bounds[0]).astype(float)
    high = rows["metric"].map(lambda key: entry(key).bounds[1]).astype(float).fillna(np.inf)
    same = (value + step).where(rates, value * factor)
    return same.where(np.isfinite(same), value).clip(low, high)


def _caps(scored: list[pd.Series], parts: list[pd.DataFrame], keep: pd.Index) -> pd.DataFrame:
    """What a cap took or gave back: a row for each person whose score is not the sum of its parts."""
    sums = pd.concat(parts).groupby(WHO)[["before", "after"]].sum().loc[keep]
    gaps = [scored[side].loc[keep] - sums[name] for side, name in enumerate(("before", "after"))]
    moved = (gaps[0].abs() > 1e-6) | (gaps[1].abs() > 1e-6)
    rows = pd.DataFrame({"before": gaps[0], "after": gaps[1], "cap": gaps[1] - gaps[0]})[moved].reset_index()
    return rows.assign(metric=None, change=rows["cap"], own=0.0, mix=0.0, target=0.0, weight=0.0)
