"""Sheets on paper: each on one A4 page, as large as it fits."""

from __future__ import annotations

from datetime import date
from typing import Any

from ..typeset import typeset
from .sheet import Block, Sheet, pieces

TEMPLATE = "sheets/sheet.typ"
LINES = 3  # that are left to write on
LONG = 12  # characters of a cell, from which on its column is words and gets the room that is left


def pdf(*sheets: Sheet, on: date) -> bytes:
    """The sheets as one PDF, a page each; the same bytes for the same sheets. `on`: the day the document bears."""
    return typeset(TEMPLATE, {"sheets": [_said(sheet) for sheet in sheets]}, "pdf", on)


def _said(sheet: Sheet) -> dict[str, Any]:
    """The sheet as the template reads it: sentences cut at their bold marks, the picture as SVG."""
    texts = ("lang", "title", "stamp", "ticks", "room", "signatures", "footer")
    return {name: getattr(sheet, name) for name in texts} | {
        "about": [each for each in sheet.about if each],
        "sentences": [pieces(sentence) for sentence in sheet.sentences],
        "blocks": [_block(block) for block in sheet.blocks],
        "lines": LINES,
        "svg": sheet.picture.svg.decode() if sheet.picture else "",
        "alt": sheet.picture.alt if sheet.picture else "",
    }


def _block(block: Block) -> dict[str, Any]:
    """A table, with which of its columns are words; columns that are empty from top to bottom are left out."""
    columns = list(zip(block.heads, *block.rows, strict=True))
    kept = [column for place, column in enumerate(columns) if place == 0 or any(column[1:])]
    words = [place == 0 or any(_is_words(cell) for cell in column[1:]) for place, column in enumerate(kept)]
    heads, *rows = (list(row) for row in zip(*kept, strict=True))
    return {"title": block.title, "note": block.note, "heads": heads, "rows": rows, "wide": words}


def _is_words(cell: str) -> bool:
    return len(cell) > LONG and " / " not in cell
