"""Where exports come in: one file per format, found by its name in the params' `source:`."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Union

from pydantic import Field

from .loaded import Counts, Loaded, Notice, Shop, sha256

__all__ = ["REGISTRY", "Counts", "Loaded", "Notice", "Shop", "SourceSettings", "sha256"]


def _discovered() -> dict[str, ModuleType]:
    """Name of a source to its module: every file of this folder that has `load` and `Settings`."""
    names = sorted(found.name for found in pkgutil.iter_modules(__path__))
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in names}
    return {name: module for name, module in modules.items() if hasattr(module, "load")}


REGISTRY = _discovered()

if TYPE_CHECKING:
    SourceSettings = Any
else:
    # What may stand under `sources:`; the entry's `source` says which module's settings it must meet.
    SourceSettings = Annotated[
        Union[tuple(module.Settings for module in REGISTRY.values())],  # noqa: UP007
        Field(discriminator="source"),
    ]
