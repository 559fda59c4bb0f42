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
OF_BACKEND = re.compile("^    table: (orders|refunds)$", re.MULTILINE)
ENTRY = re.compile(r"^(?:  #.*\n)*  - source:.*\n(?:    .*\n)*", re.MULTILINE)  # with the comment above it


def params_text(
    root: str,
    bulk: bool,
    files: Collection[str],
    reports: str = "reports",
    door: str = "chat",
    platform: str = "taobao",
) -> str:
    """The params file of a sample whose folder is `root` and whose reports go to `reports`, as seen from the file.

    Without chats the platform's counting rules are the shop's; with the backend's exports these are read without a
    mapping. Of the sources only those stay that `files`, the names written, fit: a short history has no copied chats.
    """
    head, rest = _template("head"), _template("rest")
    chats = "" if door == "table" else _template("bulk" if bulk else "messy")
    if door != "chat":
        mapped = ENTRY.sub(lambda entry: "" if OF_BACKEND.search(entry[0]) else entry[0], chats + rest)
        chats, rest = mapped, _template("door")
    slots = {
        "root": root,
        "shop": {"chat": "demo", "table": "demo-table", "both": "demo-both"}[door].ljust(38),
        "platform": platform.ljust(34),
        "definitions": (platform if door == "table" else "shop").ljust(31),
        "own": platform,
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
