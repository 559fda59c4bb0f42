"""Words people read, in Chinese and English: `<area>.yaml` holds `key: {zh: ..., en: ...}`."""

from __future__ import annotations

import locale
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

import yaml

LANGUAGES = ("zh", "en")
_spoken: ContextVar[str] = ContextVar("spoken", default="")


def ui_language() -> str:
    """The language of messages: that of `speaking`, else CSPERF_LANG, else the locale's: Chinese or English."""
    chosen = _spoken.get() or os.environ.get("CSPERF_LANG", "")
    if chosen in LANGUAGES:
        return chosen
    spoken = os.environ.get("LC_ALL") or os.environ.get("LANG") or locale.getlocale()[0] or ""
    return "zh" if spoken.lower().startswith(("zh", "chinese")) else "en"


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Within the block messages are in `lang`: a report in one language, made by someone who reads another."""
    before = _spoken.set(lang)
    try:
        yield
    finally:
        _spoken.reset(before)


def say(key: str, lang: str | None = None, /, **slots: object) -> str:
    """The sentence `area.name` in `lang` (default: the language of messages), slots filled.

    KeyError where the key or one of its languages is missing: a gap in the words is a defect.
    """
    area, _, name = key.partition(".")
    return _area(area)[name][lang or ui_language()].format(**slots)


def words(area: str, lang: str) -> dict[str, str]:
    """All words of one area in one language, unfilled."""
    return {name: entry[lang] for name, entry in _area(area).items()}


@cache
def _area(area: str) -> dict[str, dict[str, str]]:
    path = Path(__file__).with_name(f"{area}.yaml")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as quick where PyYAML has it
    return yaml.load(path.read_text(encoding="utf-8"), loader)
