"""The first page on paper: one A4 sheet as PDF, and the same as a picture 1,080 pixels wide."""

from __future__ import annotations

import importlib.util
import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import typst

from .page import FrontPage, Row, pieces

TEMPLATE = Path(__file__).resolve().parent.parent / "templates" / "frontpage" / "page.typ"
PIXELS = 1080
PICTURE_MM = 180  # width of the page that the picture shows: narrower than A4, so that a phone can read it
MM_PER_INCH = 25.4


def pdf(page: FrontPage) -> bytes:
    """The page as PDF, exactly one A4 sheet upright; the same bytes for the same page."""
    return _compile(page, "pdf")


def png(page: FrontPage) -> bytes:
    """The page as a picture, PIXELS wide and as long as it takes."""
    return _compile(page, "png", ppi=PIXELS / (PICTURE_MM / MM_PER_INCH))


def _compile(page: FrontPage, form: Literal["pdf", "png"], **how: Any) -> bytes:
    inputs = {"page": json.dumps(_said(page), ensure_ascii=False), "form": form, "picture_mm": str(PICTURE_MM)}
    compiler = typst.Compiler(TEMPLATE.read_bytes(), font_paths=_fonts(), sys_inputs=inputs)
    day = page.made_on
    made = compiler.compile(
        TEMPLATE.read_bytes(), format=form, timestamp=datetime(day.year, day.month, day.day, tzinfo=UTC), **how
    )
    assert isinstance(made, bytes)  # a list would be several pages, and the template makes one
    return made


@cache
def _fonts() -> typst.Fonts:
    """Noto Sans SC, which zhplot ships; no fonts of the machine, so that every machine prints the same."""
    spec = importlib.util.find_spec("zhplot")
    assert spec and spec.origin
    folder = Path(spec.origin).parent / "fonts"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])


def _said(page: FrontPage) -> dict[str, Any]:
    """The page as the template reads it: texts cut at their bold marks, pictures as SVG."""
    texts = {name: [pieces(t) for t in getattr(page, name)] for name in ("sentences", "numbers", "red_lines", "to_do")}
    charts = [
        {"title": chart.title, "note": chart.note, "svg": chart.picture.svg.decode() if chart.picture else ""}
        for chart in page.charts
    ]
    return texts | {
        "lang": page.lang,
        "date": [page.made_on.year, page.made_on.month, page.made_on.day],
        "title": page.title,
        "about": page.about,
        "heads": page.heads,
        "table_title": page.table_title,
        "rows": [_row(row) for row in page.rows],
        "more": len(page.more),
        "notes": page.notes,
        "charts": charts,
        "monday": page.monday,
        "footer": page.footer,
        "words": page.words,
    }


def _row(row: Row) -> dict[str, Any]:
    return {"role": row.role, "cells": row.cells, "grade": row.grade}
