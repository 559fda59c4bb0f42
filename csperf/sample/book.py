"""truth.json: what every metric must come to, what every file holds, and what nobody outside can know."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from .truth import Totals
from .world import World

NOTES = {
    "values": "set -> key -> agent_id or 'shop' -> month -> [numerator, denominator] in the key's unit; "
    "the denominator is null where the key is a plain total; a month without anything is left out",
    "days": "of a backend's tables: as values, by day",
    "ranks": "set -> key -> agent_id or 'shop' -> month -> [value, n]",
    "left_out": {
        "handle_active_min": "needs every chat that each agent had open at each moment",
        "conversion_grouped_user": "Taobao's orders have no groups",
        "douyin": "counted like pdd, for its table only: its rules for hand-overs are not kept in the books",
        "jd": "its rules for hand-overs and closed chats are not kept in the books",
    },
}
PLAIN_TOTALS = (
    *("slow_users", "slow_users_allday", "asked_users", "asked_users_allday", "served_users", "served_users_allday"),
    *("inquiry_users", "lost_inquiries", "sales_yuan", "net_sales_yuan"),
)
Pair = list[float | None]


def truth_text(known: dict[str, Any], world: World, totals: Totals, files: dict[str, dict[str, int]]) -> str:
    """The file's text; no buyer and no word of a chat is in it."""
    silent = np.flatnonzero(~totals.covered)
    whole = known | {
        "first_day": f"{world.first}",
        "last_day": f"{world.date_of(world.days - 1)}",
        "missing_day": f"{world.date_of(world.missing)}",
        "days_without_messages": [f"{world.date_of(day)}" for day in silent.tolist()],
        "notes": NOTES,
        "files": files,
        "people": _people(world),
        "month_shock": dict(zip(world.months, np.round(world.shock, 6).tolist(), strict=True)),
        "values": {name: _cells(world, sums, _sums) for name, sums in totals.sums.items()},
        "ranks": {name: _cells(world, ranks, _rank) for name, ranks in totals.ranks.items()},
    }
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def day_values(world: World, totals: Totals) -> dict:
    """The same cells as in `values` for totals that are by day: set -> key -> agent_id or 'shop' -> day -> pair."""
    days = replace(world, months=tuple(f"{world.date_of(day)}" for day in range(world.days)))
    return {name: _cells(days, sums, _sums) for name, sums in totals.sums.items()}


def _sums(key: str, pair: list[float]) -> Pair | None:
    if key in PLAIN_TOTALS:
        return [pair[0], None] if pair[0] else None
    return [*pair] if any(pair) else None


def _rank(key: str, pair: list[float]) -> Pair | None:
    return [*pair] if pair[1] else None


def _cells(world: World, tables: dict[str, np.ndarray], shown: Callable[[str, list[float]], Pair | None]) -> dict:
    """key -> who -> month -> pair."""
    names = [*(agent.agent_id for agent in world.agents), "shop"]
    return {
        key: {
            who: {
                month: pair
                for month, cell in zip(world.months, whole[i], strict=True)
                if (pair := shown(key, cell)) is not None
            }
            for i, who in enumerate(names)
        }
        for key, cells in tables.items()
        if (whole := np.round(cells, 6).swapaxes(0, 1).tolist())
    }


def _people(world: World) -> list[dict]:
    """The roster with what nobody can see: skill, and the true 30-second rate of each month."""
    rows = []
    for i, agent in enumerate(world.agents):
        row = asdict(agent)
        for name in ("promoted", "started", "ended"):
            row[name] = None if row[name] is None else f"{world.date_of(row[name])}"
        row["skill"] = round(agent.skill, 6)
        row["rate"] = dict(zip(world.months, np.round(world.rate[:, i], 6).tolist(), strict=True))
        rows.append(row)
    return rows
