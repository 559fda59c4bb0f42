"""Who has signed which paper: a file of text beside the settings, a line for each step, the newest one holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ..errors import CsperfError, Problem
from ..export import write_table
from ..settings import listed, quoted
from ..text import say
from ..tidy import PAPERS, SIGNATURES, TABLES, read_tidy

COLUMNS = [column.name for column in TABLES["signed"]]
STATES = SIGNATURES  # 待确认, 已签, 拒签有异议


@dataclass(frozen=True, eq=False)
class Signed:
    """The lines of a shop's file, oldest first: COLUMNS."""

    path: Path
    lines: pd.DataFrame

    def now(self, month: str, paper: str = "") -> pd.DataFrame:
        """The newest line of everybody's papers of a month."""
        rows = self.lines[(self.lines["month"] == month) & ((self.lines["paper"] == paper) | (paper == ""))]
        return rows.drop_duplicates(["paper", "agent_id"], keep="last").reset_index(drop=True)

    def with_state(
        self, agents: Sequence[str], state: str, *, month: str, paper: str, on: dt.date, who: str, reason: str = ""
    ) -> Signed:
        """The file with a line more for each of the agents; nothing is written yet.

        CsperfError where the paper or state is unknown, nobody is named, or a refusal has no reason.
        """
        if problems := _faults(agents, state, paper, who, reason):
            raise CsperfError(problems)
        common = {"date": f"{on}", "month": month, "paper": paper, "state": state, "who": who, "reason": reason or None}
        fresh = pd.DataFrame([common | {"agent_id": agent} for agent in agents], columns=COLUMNS)
        return Signed(self.path, pd.concat([self.lines, fresh], ignore_index=True) if len(self.lines) else fresh)

    def save(self) -> Path:
        """The path written, whole or not at all."""
        return write_table(self.lines, self.path, excel=True)


def signed_path(folder: Path, shop: str) -> Path:
    """Where a shop keeps who has signed."""
    return folder / f"{shop}.signed.csv"


def read_signed(path: Path) -> Signed:
    """What the file says; nobody has signed where there is none. CsperfError with every cell at fault."""
    lines = read_tidy(path, "signed").reindex(columns=COLUMNS) if path.is_file() else pd.DataFrame(columns=COLUMNS)
    lines = lines.astype(object)
    return Signed(path, lines.where(lines.notna(), None))


def _faults(agents: Sequence[str], state: str, paper: str, who: str, reason: str) -> list[Problem]:
    problems = []
    for option, found, allowed in (("--paper", paper, PAPERS), ("--state", state, STATES)):
        if found not in allowed:
            problems.append(Problem(option, say("cli.not_one_of", found=quoted(found), allowed=listed(allowed))))
    if not agents:
        problems.append(Problem("AGENT", say("papers.no_agent")))
    if not who.strip():
        problems.append(Problem("--by", say("papers.no_name")))
    if state == "refused" and not reason.strip():
        problems.append(Problem("--reason", say("papers.no_reason")))
    return problems
