"""The first page on paper: one A4 sheet as PDF, and the same as a picture 1,080 pixels wide."""

from __future__ import annotations

from typing import Any

from ..typeset import typeset
from .page import FrontPage, Row, pieces

TEMPLATE = "frontpage/page.typ"
PIXELS = 1080
PICTURE_MM = 180  # width of the page that the picture shows: narrower than A4, so that a phone can read it
MM_PER_INCH = 25.4


def pdf(page: FrontPage) -> bytes:
    """The page as PDF, exactly one A4 sheet upright; the same bytes for the same page."""
    return typeset(TEMPLATE, _said(page), "pdf", page.made_on, picture_mm=str(PICTURE_MM))


def png(page: FrontPage) -> bytes:
    """The page as a picture, PIXELS wide and as long as it takes."""
    ppi = PIXELS / (PICTURE_MM / MM_PER_INCH)
    return typeset(TEMPLATE, _said(page), "png", page.made_on, picture_mm=str(PICTURE_MM), ppi=ppi)


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
