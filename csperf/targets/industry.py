"""What the industry's published values are worth: how old, how far, and how much luck is in them."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from ..catalogue import entry
from .order import meets
from .settings import TargetSettings

# A normal spread (FIELD F15): the mean of the best tenth lies 1.755 sd above the mean, its doorstep 1.2816 sd.
DOORSTEP_OF_TOP_TENTH = 1.2816 / 1.755
SNAPSHOT_DAYS = 7  # PRACTICE 23: industry values over fewer days are shown, never used
ROOT_RELIABILITY = 0.7  # METHOD 1.5: of another shop's monthly mean where its n is not known
CELLS = ("mean", "tier_mean", "top10_mean", "tier_excellent")


def industry_values(benchmarks: pd.DataFrame | None, definitions: str | None = None) -> pd.DataFrame:
    """The newest industry value of each metric x cell, the `days` it covers, and whether it is `usable`.

    Usable: over seven days at least, and under the counting rules `definitions`; "": values and benchmarks both say
    nothing of theirs, for what names its rules cannot be held against what does not; null: whatever the rules.
    """
    if benchmarks is None or benchmarks.empty:
        return pd.DataFrame(columns=["metric", "cell", "value", "days", "usable", "definitions"])
    start, end = pd.to_datetime(benchmarks["period_start"]), pd.to_datetime(benchmarks["period_end"])
    dated = benchmarks.assign(days=(end - start).dt.days + 1)
    newest = dated.sort_values(["period_end", "days"]).groupby(["metric", "cell"], as_index=False).last()
    newest = newest.assign(definitions=newest["definitions"].fillna("") if "definitions" in newest else "")
    same = newest["definitions"].eq(definitions) if definitions is not None else True
    return newest.assign(usable=(newest["days"] >= SNAPSHOT_DAYS) & same)


def cells(industry: pd.DataFrame, metric: str, *, usable: bool = False) -> dict[str, float]:
    """The metric's industry values by cell, NaN where there is none; only the usable ones where that is asked."""
    rows = industry[industry["metric"] == metric]
    rows = rows[rows["usable"].astype(bool)] if usable else rows
    found = rows.set_index("cell")["value"]
    return {cell: float(found.get(cell, math.nan)) for cell in CELLS}


def cells_of(benchmarks: pd.DataFrame | None, cell: str) -> dict[str, float]:
    """The newest value of one cell by metric."""
    rows = industry_values(benchmarks)
    return rows[rows["cell"] == cell].set_index("metric")["value"].astype(float).to_dict()


def not_used(industry: pd.DataFrame, metric: str) -> tuple[float, str]:
    """The mean of the metric's peers (the same tier's, else the category's) that has no say, and why.

    Why: days (too few), definitions (other counting rules), or empty where there is none or it has its say.
    """
    rows = industry[industry["metric"] == metric].set_index("cell")
    cell = next((name for name in ("tier_mean", "mean") if name in rows.index), None)
    if cell is None or rows.loc[cell, "usable"]:
        return math.nan, ""
    return float(rows.loc[cell, "value"]), "days" if rows.loc[cell, "days"] < SNAPSHOT_DAYS else "definitions"


def without_luck(mean: float, top10_mean: float, root_reliability: float = ROOT_RELIABILITY) -> float:
    """What the best tenth's mean would be without the luck that brought them there (METHOD 1.5); NaN without a mean."""
    return mean + root_reliability * (top10_mean - mean)


def sources(
    months: pd.DataFrame,
    *,
    benchmarks: pd.DataFrame | None = None,
    definitions: str = "",
    settings: TargetSettings | None = None,
) -> pd.DataFrame:
    """What the industry's values would mean here: metric, role, cell, value, met (share of own agent-months), codes.

    Besides the backend's cells there are two estimates from the category's mean and its top-10 % mean, which is
    stricter than being in the best tenth: `top10_doorstep`, what it roughly takes to be in the best tenth, and
    `top10_without_luck`, what the best tenth would show without the luck that brought them there.
    codes: TOO_HARD, TOO_EASY, STRICTER_THAN_TOP_TENTH, SNAPSHOT, OTHER_DEFINITIONS joined by ";".
    """
    settings = settings or TargetSettings()
    industry = _with_estimates(industry_values(benchmarks))
    rows = []
    for (metric, role), group in months[months["left_out"].isna()].groupby(["metric", "role"]):
        for cell in industry[industry["metric"] == metric].to_dict("records"):
            met = float(meets(group["value"], cell["value"], entry(metric).better).mean())
            codes = ";".join(_source_codes(cell, met, definitions, settings))
            rows.append(cell | {"metric": metric, "role": role, "met": met, "agent_months": len(group), "codes": codes})
    columns = ["metric", "role", "cell", "value", "met", "agent_months", "codes"]
    origin = ["period_start", "period_end", "n", "tier", "category", "source", "read_by", "days", "usable"]
    return pd.DataFrame(rows, columns=columns + origin)


def _with_estimates(industry: pd.DataFrame) -> pd.DataFrame:
    """Industry values with what is estimated from mean and top-10 % mean, where both are there."""
    top = industry[industry["cell"] == "top10_mean"]
    mean = industry[industry["cell"] == "mean"].set_index("metric")["value"].to_dict()
    at = top["metric"].map(mean).astype(float)
    shares = {"top10_doorstep": DOORSTEP_OF_TOP_TENTH, "top10_without_luck": ROOT_RELIABILITY}
    more = [top.assign(cell=cell, value=at + share * (top["value"] - at)) for cell, share in shares.items()]
    return pd.concat([industry, *(part[part["value"].notna()] for part in more)], ignore_index=True)


def _source_codes(cell: dict, met: float, definitions: str, settings: TargetSettings) -> Iterator[str]:
    if met < settings.too_hard:
        yield "TOO_HARD"
    if met > settings.too_easy:
        yield "TOO_EASY"
    if cell["cell"] == "top10_mean":
        yield "STRICTER_THAN_TOP_TENTH"
    if not cell["usable"]:
        yield "SNAPSHOT"
    if definitions and cell["definitions"] != definitions:
        yield "OTHER_DEFINITIONS"
