"""The params file that reads what `make` writes."""

from __future__ import annotations

import re
from collections.abc import Collection
from fnmatch import filter as matching
from pathlib import Path

import yaml

from .stories import LISTED
from .words import POOLS
from .world import BOT_ACCOUNT, CLOSED_DAYS, WAREHOUSE

TEMPLATE = Path(__file__).parent / "templates"
ENTRY = re.compile(r"^(?:  #.*\n)*  - source:.*\n(?:    .*\n)*", re.MULTILINE)  # with the comment above it


def params_text(root: str, bulk: bool, files: Collection[str], reports: str = "reports", platform: str = "") -> str:
    """The params file of a sample whose folder is `root` and whose reports go to `reports`, as seen from the file.

    With `platform` its exports are that platform's tables and orders, and its rules count. Of the sources only those
    stay that `files`, the names written, fit: a short history has no copied chats.
    """
    sources = "door" if platform else "bulk" if bulk else "messy"
    head, chats, rest = (_template(name) for name in ("head", sources, "rest"))
    slots = {
        "root": root,
        "platform": (platform or "taobao").ljust(34),
        "definitions": (platform or "shop").ljust(31),
        "own": platform or "taobao",
        "reports": reports,
        "holidays": ", ".join(f"{day}" for day in CLOSED_DAYS),
        "internal": yaml.safe_dump([WAREHOUSE], allow_unicode=True, default_flow_style=True).strip(),
        "listed": "[" + ", ".join(LISTED) + "]",
        "auto": POOLS["auto"][0],
        "bot": BOT_ACCOUNT,
        "table": "csv" if bulk else "xlsx",
        "large": "parquet" if bulk else "xlsx",
    }
    text = head + chats + rest
    for name, value in slots.items():
        text = text.replace(f"<{name}>", value)
    return ENTRY.sub(lambda entry: entry[0] if matching(files, _pattern(entry[0])) else "", text)


def _pattern(entry: str) -> str:
    (found,) = re.findall(r"^    files: (\S+)", entry, re.MULTILINE)
    return found


def _template(name: str) -> str:
    return (TEMPLATE / f"{name}.yaml").read_text(encoding="utf-8")
