"""Sheets that people get: one for each person with their own row and an anonymous team, one for the team in bands."""

from __future__ import annotations

from .page import html, write_all
from .personal import personal
from .sheet import About, Sheet
from .team import team

__all__ = ["About", "Sheet", "html", "personal", "team", "write_all"]
