"""Sheets as files, one for each person and one for the team: HTML that needs no network, and PDF for paper."""

from __future__ import annotations

import base64
import calendar
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from ..scorecard import Scorecard, changes
from ..text import say
from .paper import pdf
from .personal import personal
from .sheet import About, Sheet, pieces
from .team import team

TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "sheets"


def html(sheet: Sheet) -> str:
    """The sheet as one HTML file; what comes from data is escaped."""
    env = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    env.filters |= {"strong": _strong, "inline": _inline}
    return env.get_template("sheet.html.j2").render(sheet=sheet)


def write(pages: Mapping[str, Sheet], folder: Path, month: str) -> list[Path]:
    """Writes each sheet as HTML and PDF, which bears the month's last day, into an empty or new folder; the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    year, number = map(int, month.split("-"))
    on = date(year, number, calendar.monthrange(year, number)[1])
    written = []
    for name, sheet in pages.items():
        for ending, content in ((".html", html(sheet).encode()), (".pdf", pdf(sheet, on=on))):
            path = folder / f"{name}{ending}"
            path.write_bytes(content)
            written.append(path)
    return written


def sheets(
    card: Scorecard, about: About, names: Mapping[str, str], by_shift: pd.DataFrame | None = None
) -> dict[str, Sheet]:
    """The team's sheet and everybody's own, by the name of their file. `by_shift`: see scorecard.changes."""
    months = sorted(month for month in card.scores["month"].unique() if month < about.month)
    before = months[-1] if months else ""
    moved = changes(card, card, (before, about.month), by_shift=by_shift) if before else None
    found = {say("sheets.team_file", about.lang): team(card, about, before)}
    for (agent, role), (name, file) in persons(card, about, names).items():
        found[file] = personal(card, agent, role, about, name=name, moved=moved)
    return found


def persons(card: Scorecard, about: About, names: Mapping[str, str]) -> dict[tuple[str, str], tuple[str, str]]:
    """(agent, role) -> name and name of the file, of everybody in the month."""
    rows = card.scores[card.scores["month"] == about.month]
    called = {(row.agent_id, row.role): str(names.get(row.agent_id, row.agent_id)) for row in rows.itertuples()}
    files = file_names(called, say("sheets.team_file", about.lang))
    return {who: (name, files[who]) for who, name in called.items()}


def file_names(called: Mapping[tuple[str, str], str], *taken: str) -> dict[tuple[str, str], str]:
    """The name of everybody's file, (agent, role) -> name; one that two share, or that is taken, gets the id added."""
    used, found = {name.casefold() for name in taken}, {}
    for who, name in called.items():
        file = file_name(name)
        shared = sum(other == name for other in called.values()) > 1 or file.casefold() in used
        found[who] = f"{file}_{file_name('_'.join(who))}" if shared else file
        used.add(found[who].casefold())
    return found


def file_name(name: str) -> str:
    """A name as a file may be called: letters, digits, - and _ of any language."""
    return re.sub(r"[^\w-]+", "_", name).strip("_") or "_"


def _strong(text: str) -> Markup:
    """** as bold, everything else as it is."""
    marked = (Markup("<b>{}</b>").format(piece) if bold else escape(piece) for piece, bold in pieces(text))
    return Markup("").join(marked)


def _inline(svg: bytes) -> str:
    """A picture as the address of an image, so that the page is one file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
