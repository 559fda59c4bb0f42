"""A shop's chats to check and the checks that were made, of a run; how exact a sample of them is, in words."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pandas as pd

from .run import Run, facts
from .sampling import check_number, margin_of
from .text import say
from .text.numbers import number

CHAT = ["agent_id", "account_id", "buyer_id", "session_id", "started_at"]


def chats_to_check(run: Run) -> pd.DataFrame:
    """CHAT of the run's days: chats that somebody answered, once for each agent who did."""
    sessions = facts(run, run.first_day)["sessions"]
    asked = sessions.filter(sessions.scope == "agent", sessions.answered, ~sessions.excluded)
    return asked.filter(asked.day.between(run.first_day, run.last_day)).select(CHAT).to_pandas()


def checks_of(run: Run) -> pd.DataFrame:
    """The quality checks of the run's days."""
    rows = run.table("quality_checks")
    days = pd.to_datetime(rows["day"]).dt.date
    return rows[(days >= run.first_day) & (days <= run.last_day)]


def checked_before(run: Run) -> set[str]:
    """The numbers of all chats that were checked before, by anybody."""
    return set(run.table("quality_checks")["check_id"].str.split("/").str[0])


def sample_words(found: pd.DataFrame, chats: pd.DataFrame, checked: Collection[str], seed: int) -> Iterator[str]:
    """How many were drawn of how many, and how exactly they tell the shop's rate and an agent's."""
    population, own = found.attrs["population"], found["agent_id"].value_counts()
    n, every = len(found), sum(population.values())
    slots = {"n": n, "population": number(every, "count"), "agents": len(own), "seed": seed}
    yield say("quality.sampled", **slots, margin=number(margin_of(n, every), "share"))
    widest = max(margin_of(int(own[who]), population[who]) for who in own.index)
    slots = {"least": own.min(), "most": own.max(), "margin": number(min(widest, 1.0), "share")}
    yield say("quality.sampled_agent", **slots)
    again = {check_number(one) for one in chats["session_id"]} & set(checked)
    if again:
        yield say("quality.left_out_checked", n=len(again))
