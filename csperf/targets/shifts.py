"""What the shift explains of a value: agents beside what their shifts lead to, a target in each shift.

The adjusted value stands beside the raw one, never in its place (METHOD 1.2).
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ..catalogue import entry
from ..stats.standardise import Standard, standardise
from .order import in_order, round_easier
from .settings import NOT_AGENTS, SERVES

AGENT_COLUMNS = ["metric", "role", "agent_id", "month", "value", "adjusted", "cases"]
SHIFT_COLUMNS = ["metric", "role", "shift", "cases", "value", "target", "target_here"]


def adjusted(values: pd.DataFrame) -> pd.DataFrame:
    """Agent-months adjusted to the role's usual mix of shifts: AGENT_COLUMNS, in the metric's unit.

    `values`: agent x month x shift values with numerator and denominator (CONTRACT 4). Metrics without both, and roles
    that work a single shift, have no rows: nothing is to be adjusted there.
    """
    parts = []
    for (metric, role), rows, standard in _standards(values):
        cells = rows.drop_duplicates("cell").sort_values("cell")[["agent_id", "month"]].reset_index(drop=True)
        figures = {"value": standard.raw, "adjusted": standard.adjusted, "cases": standard.cases}
        parts.append(cells.assign(metric=metric, role=role, **figures))
    return (
        in_order(pd.concat(parts, ignore_index=True)[AGENT_COLUMNS]) if parts else pd.DataFrame(columns=AGENT_COLUMNS)
    )


def by_shift(values: pd.DataFrame, targets: pd.DataFrame) -> pd.DataFrame:
    """Each shift's value, and how the role's target reads there for one and the same agent: SHIFT_COLUMNS.

    A shift of few cases is merged with its like and shares their value.
    """
    whole = targets[targets["level"].isna()].set_index(["metric", "role"])["target"]
    parts = []
    for (metric, role), rows, standard in _standards(values):
        aim = whole.get((metric, role))
        if aim is None or pd.isna(aim):
            continue
        known = entry(metric)
        here = [round_easier(t, known.step, known.better) for t in standard.at(float(aim))]
        shifts = rows.assign(stratum=standard.stratum).groupby("shift", as_index=False)
        found = shifts.agg(stratum=("stratum", "first"), above=("numerator", "sum"), cases=("denominator", "sum"))
        found = found.assign(metric=metric, role=role, value=found["above"] / found["cases"], target=float(aim))
        parts.append(found.assign(target_here=[here[stratum] for stratum in found["stratum"]]))
    return (
        in_order(pd.concat(parts, ignore_index=True)[SHIFT_COLUMNS]) if parts else pd.DataFrame(columns=SHIFT_COLUMNS)
    )


def _standards(values: pd.DataFrame) -> Iterator[tuple[tuple[str, str], pd.DataFrame, Standard]]:
    """Each metric and role that works several shifts: its rows with `cell` (the agent-month), and the standard."""
    rows = values[values["shift"].notna() & (values["denominator"] > 0) & values["numerator"].notna()]
    rows = rows[~rows["role"].isin(NOT_AGENTS)]
    for (metric, role), group in rows.groupby(["metric", "role"]):
        known = entry(metric)
        if group["shift"].nunique() < 2 or known.better == "neutral" or role not in SERVES.get(known.role, (role,)):
            continue
        group = group.assign(cell=group.groupby(["agent_id", "month"]).ngroup())
        yield (
            (metric, role),
            group,
            standardise(
                group["cell"].to_numpy(),
                pd.factorize(group["shift"], sort=True)[0],
                group["numerator"].to_numpy(float),
                group["denominator"].to_numpy(float),
                agent=pd.factorize(group["agent_id"])[0],
                ratio=known.kind != "rate",
            ),
        )
