"""Scorecards that come ready-made: targets, weights and the rule of scoring, read from a file beside this one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd
import yaml

from ..catalogue import entry
from ..targets.settings import LEVELS
from .settings import ScoreSettings

PRESETS = ("manual2010",)


@dataclass(frozen=True)
class Preset:
    """targets (metric, role, level, target), weights (metric, weight, name), the settings, and where it comes from."""

    targets: pd.DataFrame
    weights: pd.DataFrame
    settings: ScoreSettings
    source: str


@cache
def preset(name: str) -> Preset:
    """One of PRESETS."""
    said = yaml.safe_load(Path(__file__).with_name(f"{name}.yaml").read_text(encoding="utf-8"))
    rows = pd.DataFrame(said["rows"])
    levels = rows.melt(["metric"], list(LEVELS), "level", "target").assign(role="both")
    levels = levels.assign(base=float("nan"), stretch=float("nan"))
    settings = ScoreSettings(**said["settings"])
    return Preset(levels, rows[["metric", "weight", "name"]], settings, said["source"])


def levels_met(parts: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """agent_id, month, metric, met: the highest level whose target each value meets; null below the lowest."""
    own = parts[["agent_id", "month", "metric", "value"]]
    rows = own.merge(targets[["metric", "level", "target"]], on="metric")
    signs = rows["metric"].map({key: 1 if entry(key).better == "higher" else -1 for key in rows["metric"].unique()})
    rows = rows[signs * (rows["value"] - rows["target"]) >= -1e-9]
    rank = {level: place for place, level in enumerate(LEVELS)}
    best = rows.sort_values("level", key=lambda level: level.map(rank)).drop_duplicates(
        ["agent_id", "month", "metric"], keep="last"
    )
    found = own.merge(
        best[["agent_id", "month", "metric", "level"]], how="left", on=["agent_id", "month", "metric"]
    ).rename(columns={"level": "met"})
    return found.drop(columns="value").assign(met=found["met"].astype(object).where(found["met"].notna(), None))
