"""What follows from what people did: rewards and penalties by rule, in proportion, from the one register of events.

Nothing follows from an event without evidence, without a named reviewer, or once the appeal was won. Computed triggers
(late replies, results far over target) are proposals: they count when somebody has put them into the register.
"""

from __future__ import annotations

import pandas as pd

from ..catalogue import QUESTIONS, entry
from ..scorecard.events import judged
from ..text.numbers import PERCENT
from .settings import ConductSettings

COLUMNS = ["agent_id", "date", "month", "kind", "count", "rung", "also", "bonus_cut", "reward_yuan", "decided", "why"]
OVER = ["agent_id", "role", "month", "metric", "value", "target", "n", "over", "reward_yuan"]
LATE = ["agent_id", "role", "month", "kind", "metric", "value", "base", "n"]


def consequences(events: pd.DataFrame | None, settings: ConductSettings) -> pd.DataFrame:
    """COLUMNS, one row per event. why: null, or what it lacks to have any consequence (scorecard.judged).

    count: standing events of this kind of the person within the window, this one included. rung: key of the ladder,
    one higher for each earlier event and never above the kind's highest; null for rewards and what does not stand.
    also: what goes with it (training, coaching). decided: whether
    people must decide on the measure. bonus_cut, reward_yuan: what pay takes or adds.
    """
    rows = judged(events).sort_values(["date", "agent_id"], kind="stable", ignore_index=True)
    days = pd.to_datetime(rows["date"])
    stands = rows["why"].isna()
    found = []
    for at, row in rows.iterrows():
        since = days[at] - pd.Timedelta(days=settings.window_days)
        alike = stands & (rows["agent_id"] == row["agent_id"]) & (rows["kind"] == row["kind"])
        count = int((alike & (days > since) & (rows.index <= at)).sum())
        found.append(_consequence(row, count, settings))
    frame = pd.DataFrame(found, columns=COLUMNS)
    return frame.assign(
        **{name: frame[name].astype(object).where(frame[name].notna(), None) for name in ("rung", "why")}
    )


def over_target(parts: pd.DataFrame, settings: ConductSettings) -> pd.DataFrame:
    """OVER: who was so far beyond a target that the rules reward it (S1-40), by the value as shown.

    `parts`: Scorecard.parts. over: relative to the target, or in points of a share; other units have no points.
    Targets on trial reward nobody, and neither does what was not scored.
    """
    rows = parts[parts["left_out"].isna() & (parts["weight"] > 0) & ~parts["grade"].isin(["trial", "reference"])]
    rows = rows[rows["target"].notna() & (rows["target"] != 0)]
    found = rows.assign(over=[_over(row, settings) for row in rows.itertuples()], reward_yuan=settings.over_target_yuan)
    return found.loc[found["over"] >= settings.over_target - 1e-9, OVER].reset_index(drop=True)


def late_replies(parts: pd.DataFrame) -> pd.DataFrame:
    """LATE: who missed the base of a speed metric, to be looked into and, if it is so, put into the register."""
    speed = [QUESTIONS[metric] == "speed" for metric in parts["metric"]]
    rows = parts[pd.Series(speed, parts.index, dtype=bool) & parts["left_out"].isna() & parts["base"].notna()]
    sign = [1 if entry(metric).better == "higher" else -1 for metric in rows["metric"]]
    missed = (rows["value"] - rows["base"]) * sign < 0
    return rows[missed.astype(bool)].assign(kind="late_reply")[LATE].reset_index(drop=True)


def _consequence(row: pd.Series, count: int, settings: ConductSettings) -> dict[str, object]:
    known = {name: row[name] for name in ("agent_id", "date", "month", "kind", "why")}
    nothing = {"rung": None, "also": "", "bonus_cut": 0.0, "reward_yuan": 0.0, "decided": False}
    if pd.notna(row["why"]):
        return known | nothing | {"count": count}
    reward = next((one for one in settings.rewards if one.kind == row["kind"]), None)
    if reward:
        return known | nothing | {"count": count, "reward_yuan": reward.yuan}
    penalty = next((one for one in settings.penalties if one.kind == row["kind"]), None)
    if penalty is None:
        return known | nothing | {"count": count, "why": "no_rule"}
    keys = [rung.key for rung in settings.ladder]
    rung = settings.ladder[min(keys.index(penalty.begins) + count - 1, keys.index(penalty.most))]
    measure = {"rung": rung.key, "also": penalty.also, "bonus_cut": rung.bonus_cut, "decided": rung.decided}
    return known | nothing | measure | {"count": count}


def _over(row, settings: ConductSettings) -> float:
    known = entry(row.metric)
    gap = (row.value - row.target) * (1 if known.better == "higher" else -1)
    if settings.over_by == "points":
        return gap if known.unit in PERCENT else float("nan")
    return gap / abs(row.target)
