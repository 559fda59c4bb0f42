"""The first page of the month: what the targets are, how many will meet them, what to do on Monday.

`content` says it once, as a FrontPage; `html`, `pdf` and `png` draw that one object on screen and on paper.
"""

from __future__ import annotations

from .content import content
from .page import About, FrontPage, Material
from .paper import pdf, png
from .screen import html

__all__ = ["About", "FrontPage", "Material", "content", "html", "pdf", "png"]
