"""What `csperf people` is asked for: one question about the shop's people in a month, as a table with names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from .text import say, speaking

if TYPE_CHECKING:  # heavy: imported when asked for, so that --help is quick
    import pandas as pd

    from .personnel import Personnel

ASKED: dict[str, Callable[[Personnel], pd.DataFrame]] = {
    "growth": lambda staff: staff.growth(),
    "goals": lambda staff: staff.goals(),
    "quotas": lambda staff: staff.quotas(),
    "coaching": lambda staff: staff.coaching(),
    "suggestions": lambda staff: staff.suggestions(),
    "conduct": lambda staff: staff.conduct(),
    "rewards": lambda staff: staff.over_target(),
    "late": lambda staff: staff.late_replies(),
    "awards": lambda staff: staff.awards(),
    "promotion": lambda staff: staff.promotion(),
    "votes": lambda staff: staff.votes(),
    "pay": lambda staff: staff.paid,
    "cost": lambda staff: staff.cost(),
    "past_cost": lambda staff: staff.past_cost(),
    "handover": lambda staff: in_yuan(staff.handover()),
}
WHAT = tuple(ASKED)
ABOUT_MONEY = ("pay", "cost", "past_cost", "handover")


def worked_out(params_file: Path, what: str, month: str, lang: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table asked for, and what to know of it. CsperfError where the shop's files do not allow it."""
    from .personnel import personnel
    from .run import open_run

    with speaking(lang):
        run = open_run(params_file, month=month, lang=lang)
        staff = personnel(run)
        table = ASKED[what](staff)
        notices = staff.notices if what in ABOUT_MONEY else staff.scored.notices
    return _with_names(table, staff.names), notices


def in_yuan(paid: pd.DataFrame) -> pd.DataFrame:
    """The hand-over file as HR reads it: names for headings, yuan with fen behind the point."""
    money = [name for name in paid if name.endswith("_fen")]
    shown = paid.assign(**{name: paid[name].astype("Float64") / 100 for name in money})
    words = {name: say(f"tables.{name}") for name in paid if name != "name"} | {"name": say("forms.name")}
    return shown.rename(columns=words)


def _with_names(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    if "agent_id" not in table or "name" in table:
        return table
    named = table.copy()
    named.insert(table.columns.get_loc("agent_id") + 1, "name", [names.get(agent) for agent in table["agent_id"]])
    return named
