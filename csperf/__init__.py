"""Customer-service targets that are reasonable, measurable and attainable: `import csperf as cs` shows these names."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from types import ModuleType
from typing import Any
from warnings import filterwarnings

__version__ = "0.1.0"

# Importing pandera sets this to 1 where it is missing, and then Arrow drops the offset of every aware time it is given.
os.environ.setdefault("PYARROW_IGNORE_TIMEZONE", "")
# It also imports pyspark's pandas where there is a pyspark, which warns of pandas 3; nothing here goes by that way.
filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)

# Where each name lives: imported when first used, so that `import csperf` costs nothing.
NAMES = {
    "open_run": "run",
    "facts": "run",
    "measure": "run",
    "load": "run",
    "explain": "run",
    "propose": "run",
    "reconcile": "run",
    "derive_targets": "targets",
    "score": "scorecard",
    "score_run": "scoring",
    "personnel": "personnel",
    "aftercare": "followup",
    "derive_weights": "weights",
    "weigh": "weighing",
    "load_rules": "rules",
    "entry": "catalogue",
    "charts": "charts",
    "tables": "tables",
    "CsperfError": "errors",
}
MODULES = ("charts", "tables")  # shown whole; of the others, the function of that name
__all__ = ["__version__", *NAMES]


def __getattr__(name: str) -> Any:
    if name not in NAMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f".{NAMES[name]}", __name__)
    return module if name in MODULES else getattr(module, name)


class _Facade(ModuleType):
    """Keeps `cs.facts`, `cs.load` and others the functions: importing the modules of that name would hide them."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and name in NAMES and name not in MODULES):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Facade


def __dir__() -> list[str]:
    return list(__all__)
