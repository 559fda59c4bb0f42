"""The first page as one HTML file that needs no network, for a desk and for a phone."""

from __future__ import annotations

import base64
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from .page import FrontPage, pieces

TEMPLATES = Path(__file__).resolve().parent.parent / "templates" / "frontpage"


def html(page: FrontPage, *, home: str = "") -> str:
    """The page as HTML; `home`: where a link back to the other pages leads, none where empty."""
    env = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    env.filters |= {"strong": _strong, "inline": _inline}
    return env.get_template("page.html.j2").render(page=page, words=page.words, home=home)


def _strong(text: str) -> Markup:
    """** as bold, everything else as it is."""
    return Markup("").join(Markup("<b>{}</b>").format(piece) if bold else escape(piece) for piece, bold in pieces(text))


def _inline(svg: bytes) -> str:
    """A picture as the address of an image, so that the page is one file."""
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode("ascii")
