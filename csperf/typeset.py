"""What is printed: a template of templates/ and its words, set by Typst into a PDF or a picture."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import typst

TEMPLATES = Path(__file__).resolve().parent / "templates"


def typeset(template: str, content: Mapping[str, Any], form: Literal["pdf", "png"], day: date, **more: Any) -> bytes:
    """The template, a path below templates/, with its content; the same bytes for the same content and day.

    The template reads `content` as JSON from sys.inputs.content: what comes from data stays text and is never markup.
    `day` is the document's date. `more`: texts become inputs of their own, numbers go to Typst's compiler.
    """
    source = (TEMPLATES / template).read_bytes()
    texts = {name: text for name, text in more.items() if isinstance(text, str)}
    inputs = {"content": json.dumps(content, ensure_ascii=False), "form": form, **texts}
    compiler = typst.Compiler(source, font_paths=_fonts(), sys_inputs=inputs)
    how = {name: value for name, value in more.items() if name not in texts}
    stamped = datetime(day.year, day.month, day.day, tzinfo=UTC)
    made = compiler.compile(source, format=form, timestamp=stamped, **how)
    assert isinstance(made, bytes)  # a list would be several pictures, and no template makes them
    return made


@cache
def _fonts() -> typst.Fonts:
    """Noto Sans SC, which zhplot ships; no fonts of the machine, so that every machine prints the same."""
    spec = importlib.util.find_spec("zhplot")
    assert spec and spec.origin
    folder = Path(spec.origin).parent / "fonts"
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder)])
