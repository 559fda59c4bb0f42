"""What `csperf score` is asked for: scores from a shop's store or from tables alone, and the sheets to hand out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from .errors import CsperfError, Problem
from .scorecard import PRESETS, Scorecard, ScoreSettings, preset, scorecard
from .settings import listed, quoted
from .text import say
from .tidy import read_tidy, read_values, until

if TYPE_CHECKING:  # heavy: imported where it is needed, so that tables alone are quick
    from .run import Run
    from .sheets import About

RULES = ("linear", "step", "attainment")


@dataclass(frozen=True)
class Asked:
    """The files and words of the command line."""

    params: Path | None = None
    values: Path | None = None
    targets: Path | None = None
    weights: Path | None = None
    events: Path | None = None
    preset: str = ""
    rule: str = ""
    month: str = ""
    lang: str = ""


@dataclass(frozen=True, eq=False)
class Found:
    """The scorecard, its month, names, the shop's name, what to say; of a store the run, `about` and `stamp`."""

    card: Scorecard
    month: str
    names: dict[str, str]
    shop: str
    notices: tuple[str, ...]
    run: Run | None = None
    about: About | None = None
    stamp: str = ""

    @property
    def scores(self) -> pd.DataFrame:
        """The scores of the month; of every month of the values where none was asked for."""
        rows = self.card.scores
        return rows[rows["month"] == self.month].reset_index(drop=True) if self.month else rows


def worked_out(asked: Asked) -> Found:
    """The scores asked for. CsperfError with the faults of all files at once, and with what is missing."""
    tables, problems = _read(asked)
    known = preset(asked.preset) if asked.preset else None
    if known:
        tables = {"targets": known.targets, "weights": known.weights} | tables
    if asked.params is None:
        lacking = [
            name
            for name in ("values", "targets", "weights")
            if getattr(asked, name) is None and not (known and name != "values")
        ]
        problems += [Problem(f"--{name}", say(f"scores.give_{name}")) for name in lacking]
    if problems:
        raise CsperfError(problems)
    settings = known.settings if known else ScoreSettings()
    settings = settings.model_copy(update={"rule": asked.rule}) if asked.rule else settings
    if asked.params is None:
        return _from_tables(asked, tables, settings)
    return _from_store(asked.params, asked, tables, settings)


def _read(asked: Asked) -> tuple[dict[str, pd.DataFrame], list[Problem]]:
    """The tables handed over by name, and the faults of all of them."""
    tables: dict[str, pd.DataFrame] = {}
    problems: list[Problem] = []
    for name in ("values", "targets", "weights", "events"):
        path = getattr(asked, name)
        if path is None:
            continue
        try:
            tables[name] = read_values(path) if name == "values" else read_tidy(path, name)
        except CsperfError as error:
            problems += error.problems
    for option, found, allowed in (("--preset", asked.preset, PRESETS), ("--rule", asked.rule, RULES)):
        if found and found not in allowed:
            problems.append(Problem(option, say("cli.not_one_of", found=quoted(found), allowed=listed(allowed))))
            raise CsperfError(problems)
    return tables, problems


def _from_tables(asked: Asked, tables: dict[str, pd.DataFrame], settings: ScoreSettings) -> Found:
    values = until(tables["values"], asked.month)
    aims = _with_columns(tables["targets"])
    card = scorecard(values, aims, tables["weights"], events=tables.get("events"), settings=settings)
    shops = values["shop_id"].dropna().unique()
    return Found(card, asked.month, {}, shops[0] if len(shops) == 1 else "", card.notices)


def _with_columns(targets: pd.DataFrame) -> pd.DataFrame:
    """Handed-over targets with the columns that may be left out."""
    lacking = [name for name in ("level", "base", "target", "stretch", "grade") if name not in targets]
    return targets.assign(**{name: None for name in lacking})


def _from_store(params_file: Path, asked: Asked, tables: dict[str, pd.DataFrame], settings: ScoreSettings) -> Found:
    from .handouts import limits
    from .run import open_run
    from .scoring import score_run, sheets_about

    run = open_run(params_file, month=asked.month, lang=asked.lang)
    if "targets" in tables:
        tables["targets"] = _with_columns(tables["targets"])
    scored = score_run(run, **tables, settings=settings)
    about = sheets_about(run, scored)
    return Found(scored.card, run.month, scored.names, about.shop, scored.notices, run, about, limits(run, scored))


def team_worked_out(
    path: Path, month: str, lang: str, folder: Path | None
) -> tuple[pd.DataFrame, tuple[str, ...], list[Path]]:
    """The scores of a team that serves several shops, what to know of them, and the sheets written."""
    from .sheets import write
    from .teams import score_team, team_sheets

    team = score_team(path, month=month, lang=lang)
    written = write(team_sheets(team, lang), _folder(folder), team.month) if folder else []
    return team.scores, team.notices, written


def write_sheets(found: Found, folder: Path, lang: str) -> list[Path]:
    """Writes everybody's sheet and the team's into the folder; the paths. A folder that is no folder is refused."""
    from .run import shift_values
    from .sheets import About, sheets, write

    month = found.month or found.card.scores["month"].max()
    about = found.about or About(found.shop, month, lang, found.card.settings.anonymous)
    by_shift = shift_values(found.run) if found.run else None
    pages = sheets(found.card, about, found.names, by_shift)
    return write({name: replace(page, stamp=found.stamp) for name, page in pages.items()}, _folder(folder), month)


def _folder(folder: Path) -> Path:
    if folder.is_file():
        raise CsperfError(Problem(str(folder), say("cli.not_a_folder")))
    return folder
