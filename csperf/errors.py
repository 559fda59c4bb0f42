"""What goes wrong because of a person's file or parameters, said so that the person can mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One finding: where it is, and a sentence with what was found, what is allowed, what to do."""

    where: str
    message: str


class CsperfError(Exception):
    """All problems found at once; the command line prints them and exits with 1."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__(self.render())

    def render(self) -> str:
        """The problems grouped by place, one indented line each."""
        places = dict.fromkeys(problem.where for problem in self.problems)
        return "\n".join(
            "\n".join([place, *(f"  {p.message}" for p in self.problems if p.where == place)]) for place in places
        )
