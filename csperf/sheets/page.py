"""Sheets as HTML files that need no network, one for each person and one for the team."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ..scorecard import Scorecard, changes
from ..text import say
from .personal import personal
from .sheet import About, Sheet
from .team import team

TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "sheets"
BOLD = re.compile(r"\*\*(.+?)\*\*")


def html(sheet: Sheet) -> str:
    """The sheet as one HTML file; what comes from data is escaped."""
    env = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    env.filters |= {"strong": _strong, "inline": _inline}
    return env.get_template("sheet.html.j2").render(sheet=sheet)


def write_all(
    card: Scorecard, folder: Path, about: About, names: Mapping[str, str], by_shift: pd.DataFrame | None = None
) -> list[Path]:
    """Writes the team's sheet and everybody's own into an empty or new folder; the paths in that order."""
    folder.mkdir(parents=True, exist_ok=True)
    months = sorted(card.scores["month"].unique())
    past = [month for month in months if month < about.month]
    before = past[-1] if past else ""
    moved = changes(card, card, (before, about.month), by_shift=by_shift) if before else None
    pages = {say("sheets.team_file", about.lang): team(card, about, before)}
    pages |= dict(_persons(card, about, names, moved))
    written = []
    for name, sheet in pages.items():
        path = folder / f"{name}.html"
        path.write_text(html(sheet), encoding="utf-8", newline="\n")
        written.append(path)
    return written


def _persons(
    card: Scorecard, about: About, names: Mapping[str, str], moved: pd.DataFrame | None
) -> Iterator[tuple[str, Sheet]]:
    """File name and sheet of everybody in the month; a name that two people share gets the id added."""
    rows = card.scores[card.scores["month"] == about.month]
    called = {(row.agent_id, row.role): str(names.get(row.agent_id, row.agent_id)) for row in rows.itertuples()}
    taken: set[str] = {say("sheets.team_file", about.lang)}
    for (agent, role), name in called.items():
        file = file_name(name)
        shared = sum(other == name for other in called.values()) > 1 or file.casefold() in taken
        file = f"{file}_{file_name(f'{agent}_{role}')}" if shared else file
        taken.add(file.casefold())
        yield file, personal(card, agent, role, about, name=name, moved=moved)


def file_name(name: str) -> str:
    """A name as a file may be called: letters, digits, - and _ of any language."""
    return re.sub(r"[^\w-]+", "_", name).strip("_") or "_"


def _strong(text: str) -> Markup:
    """** as bold, everything else as it is."""
    pieces = BOLD.split(text)
    marked = (Markup("<b>{}</b>").format(piece) if place % 2 else escape(piece) for place, piece in enumerate(pieces))
    return Markup("").join(marked)


def _inline(svg: bytes) -> str:
    """A picture as the address of an image, so that the page is one file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
