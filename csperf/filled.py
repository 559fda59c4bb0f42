"""Forms that are no source: rules looked up in the backend, objections; faults by row and column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from .catalogue import ENTRIES
from .errors import CsperfError, Problem
from .rules import PLATFORMS, PlatformRule
from .settings import did_you_mean, quoted
from .targets.appeals import object_to
from .targets.register import Register
from .text import LANGUAGES, say
from .text.numbers import PERCENT
from .tidy import read_tidy, without_examples

LEAST_PERCENT = 1.5  # a share above it was meant as percent


def form_path(folder: Path, name: str) -> Path | None:
    """The form of this name in a shop's folder, in whichever language it was written; null where there is none."""
    paths = (folder / f"{say(f'forms.{name}', lang)}.xlsx" for lang in LANGUAGES)
    return next((path for path in paths if path.exists()), None)


def filled_in(folder: Path, name: str) -> pd.DataFrame | None:
    """The rows that people wrote into a form of the shop's folder; null where there is none or only its example.

    CsperfError with every cell that does not read.
    """
    path = form_path(folder, name)
    if path is None:
        return None
    rows = without_examples(read_tidy(path, name, may_be_empty=True), path, may_be_empty=True)
    return rows if len(rows) else None


@dataclass(frozen=True)
class Place:
    """A row of a form, for what is said about its cells."""

    path: str | Path
    line: int
    headings: Mapping[str, str]

    def problem(self, column: str, said: str) -> Problem:
        """The problem of a cell: file, row, the column as the file calls it."""
        heading = self.headings.get(column) or say(f"tidy.{column}")
        return Problem(say("tidy.where", path=self.path, line=self.line, column=heading), said)


# Platform rules ---------------------------------------------------------------------------------------------------


def confirmed(rules: Sequence[PlatformRule], folder: Path) -> tuple[PlatformRule, ...]:
    """The rules as the shop's 平台规则核实 confirms them: checked by whom and when, with the limit seen there.

    As they are where the folder has no such form, or nobody has filled it in. CsperfError with every cell at fault: a
    rule that nobody knows, a day without a name and the reverse, a limit where the rule has none.
    """
    path = form_path(folder, "rules")
    if path is None:
        return tuple(rules)
    known = {(name, f"{rule.since or ''}"): i for i, rule in enumerate(rules) for name in rule_names(rule)}
    found, problems = list(rules), []
    rows = read_tidy(path, "checks")
    lines, headings = rows.attrs["lines"], rows.attrs["headings"]
    rows = rows.reindex(columns=["rule", "since", "seen", "checked_on", "checked_by"]).astype(object)
    for line, row in zip(lines, rows.where(rows.notna(), None).to_dict("records"), strict=True):
        place = known.get((row["rule"], row["since"] or ""))
        faults = list(_wrong_check(Place(path, line, headings), row, rules, None if place is None else rules[place]))
        problems += faults
        if place is not None and row["checked_on"] and not faults:
            found[place] = _checked(rules[place], row)
    if problems:
        raise CsperfError(problems)
    return tuple(found)


def rule_names(rule: PlatformRule) -> tuple[str, str]:
    """What the form calls a rule, in either language."""
    return f"{rule.platform} {rule.name_zh}", f"{rule.platform} {rule.name_en}"


def _wrong_check(
    place: Place, row: Mapping[str, Any], rules: Sequence[PlatformRule], rule: PlatformRule | None
) -> Iterator[Problem]:
    """What is wrong with a row that somebody has filled in."""
    if row["seen"] is None and not row["checked_on"] and not row["checked_by"]:
        return
    if rule is None:
        if not _of_another_platform(row["rule"], rules):
            hint = did_you_mean(row["rule"], [name for one in rules for name in rule_names(one)])
            said = say("rules.check_unknown", found=quoted(row["rule"]), since=row["since"] or "-", hint=hint)
            yield place.problem("rule", said)
        return
    for column in ("checked_on", "checked_by"):
        if not row[column]:
            yield place.problem(column, say("rules.check_incomplete"))
    if row["seen"] is not None and (rule.relative_to or rule.comparison is None):
        yield place.problem("seen", say("rules.check_no_line", found=f"{row['seen']:g}"))
    elif row["seen"] is not None and _in_percent(rule) and row["seen"] > LEAST_PERCENT:
        slots = {"found": f"{row['seen']:g}", "share": f"{row['seen'] / 100:g}"}
        yield place.problem("seen", say("review.cell_percent", **slots))


def _of_another_platform(name: str, rules: Iterable[PlatformRule]) -> bool:
    others = {file.stem for file in PLATFORMS.glob("*.yaml")} - {rule.platform for rule in rules}
    return name.partition(" ")[0] in others


def _in_percent(rule: PlatformRule) -> bool:
    return rule.metric in ENTRIES and ENTRIES[rule.metric].unit in PERCENT


def _checked(rule: PlatformRule, row: Mapping[str, Any]) -> PlatformRule:
    """The rule as somebody has seen it; where the backend shows another limit, that one holds."""
    update: dict[str, Any] = {"checked_on": dt.date.fromisoformat(row["checked_on"]), "checked_by": row["checked_by"]}
    if row["seen"] is not None and row["seen"] != rule.threshold:
        slots = {"who": row["checked_by"], "day": row["checked_on"]}
        update |= {"threshold": float(row["seen"]), "grade": "own", "source": say("rules.seen_by_shop", **slots)}
    return rule.model_copy(update=update)


# Objections -------------------------------------------------------------------------------------------------------


def read_objections(path: str | Path, register: Register) -> Register:
    """The register with the objections of 异议登记 that are not in it yet.

    CsperfError with every cell at fault, and where the form holds none at all.
    """
    rows = without_examples(read_tidy(path, "objections"), path)
    before, problems = {_said(e) for e in register.events if e.act == "object"}, []
    cells = rows.astype(object).where(rows.notna(), None).to_dict("records")
    for line, row in zip(rows.attrs["lines"], cells, strict=True):
        try:
            with_it = object_to(
                register,
                row["about"].strip(),
                on=dt.date.fromisoformat(row["objected_on"]),
                who=row["objector"],
                reason=row["objection"],
                scorer=row.get("scorer") or "",
                agents=row.get("agent_id") or "",
            )
        except CsperfError as error:
            place = Place(path, line, rows.attrs["headings"])
            problems += [place.problem(_column_of(problem), problem.message) for problem in error.problems]
            continue
        if _said(with_it.events[-1]) not in before:
            register = with_it
    if problems:
        raise CsperfError(problems)
    return register


def _said(event: Any) -> tuple[Any, ...]:
    """What makes two lines the same objection."""
    return event.date, event.about, event.who, event.reason


def _column_of(problem: Problem) -> str:
    return {"--scorer": "scorer", "--reason": "objection", "--by": "objector"}.get(problem.where, "about")
