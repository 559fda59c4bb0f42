"""Sheets that people get: one for each person with their own row and an anonymous team, one for the team in bands."""

from __future__ import annotations

from .page import file_names, html, persons, sheets, write
from .paper import pdf
from .personal import days, own_metrics, personal, standing
from .sheet import About, Block, Sheet, place
from .team import team

__all__ = [
    "About",
    "Block",
    "Sheet",
    "days",
    "file_names",
    "html",
    "own_metrics",
    "pdf",
    "personal",
    "persons",
    "place",
    "sheets",
    "standing",
    "team",
    "write",
]
