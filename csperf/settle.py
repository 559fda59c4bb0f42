"""What a kernel does once, before its first notebook: what is imported stays, and nobody looks for garbage among it."""

from __future__ import annotations

import gc
from functools import cache
from importlib import import_module

PAGES_NEED = ("run", "charts", "tables")  # two thirds of all that a kernel ever holds
NEW_OBJECTS = 20_000  # between two searches among the newest: tables and figures are many small objects that stay


@cache
def settle() -> None:
    """Imports what pages need and leaves it out of every search for garbage."""
    for name in PAGES_NEED:
        import_module(f".{name}", __package__)
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
