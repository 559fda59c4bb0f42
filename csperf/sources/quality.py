"""A filled 质检表: one row for each chat that somebody checked, one column for each item. A record is a filled item.

Its columns are those that `csperf quality sample` writes, in either language.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from ..engine import connect
from ..errors import CsperfError, Problem
from ..settings import listed
from ..text import LANGUAGES, say
from . import decode
from .loaded import RAW, Loaded, Shop, seal

SCORED = ("attitude", "solving", "accuracy")  # S1-45, 0 to 100
CHECKED = (  # S1-71, S1-53: yes or no
    *("wording", "noting", "procedure"),
    *("prompt", "correct", "returns"),
    "promo_answer",
)
ITEMS = (*SCORED, *CHECKED)
BODIES = ("superior", "qa", "customer", "peer")  # S1-44
MOST = 100.0
ABOUT = ("check_id", "account_id", "at", "source", "checker")
TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
RECORD = pa.schema(
    [
        *((name, pa.string()) for name in ("check_id", "account_id", "source", "item", "checker")),
        ("at", pa.timestamp("us", "UTC")),
        ("score", pa.float64()),
        ("passed", pa.bool_()),
        ("source_line", pa.int64()),
        ("filtered", pa.string()),
        ("reason", pa.string()),
        *((f"{RAW}{name}", pa.string()) for name in ("at", "source", "score", "passed")),
    ]
)


class Settings(BaseModel):
    """Which sheet holds the checks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["quality"] = "quality"
    files: str
    optional: bool = False  # no file yet is no fault
    sheet: int | str = 0


def load(path: Path, settings: Settings, shop: Shop) -> Loaded:
    """The items that were judged; chats of the sample that nobody checked yet are filtered by name (not_checked).

    A score outside 0 to 100, another word than yes or no, an unknown source of the judgement, a time that is none and a
    check without a checker are rejected with their line. CsperfError for a file without the form's columns.
    """
    if not shop.timezone:
        raise CsperfError(Problem(str(path), say("quality.no_zone")))
    records = list(_records(path, settings, ZoneInfo(shop.timezone)))
    con = connect().con
    con.register("checks", pa.Table.from_pylist(records, schema=RECORD))
    con.execute("CREATE TABLE rows AS SELECT * FROM checks")
    try:
        words = {name: (heading(name, "zh"), listed(_meanings(name))) for name in ("source", "passed")}
        about = {name: (heading(name, "zh"), "") for name in ("account_id", "at", "checker")}
        return replace(seal(con, "quality_checks", path, shop, ()), cells=words | about)
    finally:
        con.close()


def heading(name: str, lang: str) -> str:
    """What the form calls a column or an item."""
    return say(f"quality.{name}", lang)


def _meanings(name: str) -> dict[str, object]:
    """What may stand in the cells of a column, in either language -> what it means."""
    meant: dict[str, object] = {"source": BODIES, "passed": (True, False)}
    values = meant[name]
    assert isinstance(values, tuple)
    return {say(f"quality.{name}_{str(v).lower()}", lang): v for v in values for lang in LANGUAGES}


def _records(path: Path, settings: Settings, zone: ZoneInfo) -> Iterator[dict[str, object]]:
    with decode.open_sheet(path, sheet=settings.sheet) as sheet:
        places = {name: _place(sheet.header, name) for name in (*ABOUT, *ITEMS)}
        lacking = [heading(name, "zh") for name in ABOUT if places[name] is None]
        if lacking or all(places[name] is None for name in ITEMS):
            raise CsperfError(
                Problem(str(path), say("quality.no_form", lacking=listed(lacking), header=listed(sheet.header)))
            )
        for line, row in sheet.records:
            cells = {
                name: (row[p] or "").strip() if p is not None and p < len(row) else "" for name, p in places.items()
            }
            yield from _of_row(cells, line, zone)


def _place(header: Mapping[str, int], name: str) -> int | None:
    """Where a column of the form stands, in whichever language it is; null where it is not there."""
    headings = [decode.normalised(heading(name, lang)) for lang in LANGUAGES]
    return next((header[one] for one in headings if one in header), None)


def _of_row(cells: Mapping[str, str], line: int, zone: ZoneInfo) -> Iterator[dict[str, object]]:
    """A record for each judged item of a chat; one that is filtered where none is."""
    judged = [name for name in ITEMS if cells[name]]
    about = _about(cells, zone) | {"source_line": line}
    if not judged:
        yield about | {"filtered": "not_checked", "reason": None}
    for item in judged:
        found = _judgement(item, cells[item])
        yield about | found | {"item": item, "reason": about["reason"] or found.get("reason")}


def _about(cells: Mapping[str, str], zone: ZoneInfo) -> dict[str, object]:
    """What all records of a row share, and why they are rejected."""
    at, source = _time(cells["at"], zone), _meanings("source").get(cells["source"])
    empty = next((f"empty:{name}" for name in ABOUT if not cells[name]), None)
    reason = empty or ("time_unreadable:at" if at is None else None if source else "value_unmapped:source")
    return {
        "check_id": f"{cells['check_id']}/{source}/{cells['checker']}",
        **{name: cells[name] or None for name in ("account_id", "checker")},
        **{"at": at, "source": source, f"{RAW}at": cells["at"], f"{RAW}source": cells["source"], "reason": reason},
    }


def _time(cell: str, zone: ZoneInfo) -> dt.datetime | None:
    for form in TIMES:
        try:
            return dt.datetime.strptime(cell, form).replace(tzinfo=zone).astimezone(dt.UTC)
        except ValueError:
            continue
    return None


def _judgement(item: str, cell: str) -> dict[str, object]:
    """The score or the verdict of one cell, or why it is none."""
    if item in CHECKED:
        passed = _meanings("passed").get(cell)
        return {
            "passed": passed,
            f"{RAW}passed": cell,
            "reason": None if passed is not None else "value_unmapped:passed",
        }
    try:
        score = float(cell)
    except ValueError:
        return {f"{RAW}score": cell, "reason": "number_unreadable:score"}
    return {"score": score, f"{RAW}score": cell, "reason": None if 0 <= score <= MOST else "score_off_scale"}
