"""Records of a JSON file: one object, a list, a line each, or objects one behind another; each accounted for once."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from ..facts import INPUT
from ..settings import listed
from . import decode
from .loaded import RAW, Counts, Loaded, Notice, Recognised, Shop, filled_by_source, judged, seal, workbench

Row = dict[str, Any]
HEAD = 100_000
BETWEEN = re.compile(r"[\s,\x1e]*")
LINE_OF_ITS_OWN = re.compile(r'\{\s*"')
KEY = re.compile(rb'"(\w+)"\s*:')
ALIKE = 2  # fields by which a record is told from what is around it
EARLIEST, LATEST = dt.datetime(2000, 1, 1, tzinfo=dt.UTC), dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
SECONDS = 1_000_000


class Broken:
    """Stands for a line that is no JSON."""


def keys_in(head: bytes) -> frozenset[str]:
    """The names of fields in the beginning of a JSON file, in lower case; none where it is something else."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return frozenset(name.decode().lower() for name in KEY.findall(text)) if text[:1] in (b"{", b"[") else frozenset()


def lowered(value: object) -> dict[str, Any]:
    """An object's fields by their names in lower case; no fields where it is no object."""
    return {str(name).lower(): inner for name, inner in value.items()} if isinstance(value, dict) else {}


def read_values(path: Path) -> list[object]:
    """The values that a file holds, lists taken apart; `Broken` for a line that cannot be read.

    CsperfError where the file is no text, or breaks off inside a value that spans several lines.
    """
    text = decode.read_text(path)
    place, found = 0, []
    while (start := BETWEEN.match(text, place).end()) < len(text):  # type: ignore[union-attr]
        try:
            value, place = json.JSONDecoder().raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            place = text.find("\n", start) % (len(text) + 1)
            if not LINE_OF_ITS_OWN.match(text[start:place]):
                at = getattr(error, "pos", start)
                raise decode.problem(path, "broken_json", line=text.count("\n", 0, at) + 1) from error
            value = Broken()
        found += value if isinstance(value, list) else [value]
    return found


class Signed(Protocol):
    """A format told by names of fields: a file is of it that has all of any one of these sets."""

    @property
    def signature(self) -> tuple[frozenset[str], ...]: ...


Format = TypeVar("Format", bound=Signed)


def format_of(head: bytes, formats: Mapping[str, Signed]) -> str | None:
    """The key of the format that the beginning of a file shows, null where it is none of these."""
    keys = keys_in(head)
    return next((key for key, form in formats.items() if any(every <= keys for every in form.signature)), None)


def opened(path: Path, formats: Mapping[str, Format]) -> tuple[str, Format, list[object]]:
    """The key of a file's format, the format, and the values in the file (see read_values).

    CsperfError where it is none of these, too.
    """
    values = read_values(path)
    with decode.opened(path) as file:
        key = format_of(file.read(HEAD), formats)
    if not key:
        raise decode.problem(path, "json_unknown", known=listed(formats))
    return key, formats[key], values


def each(values: Sequence[object], known: frozenset[str]) -> Iterator[tuple[object, tuple[dict, ...]]]:
    """Each record with the objects around it, outermost first.

    A record is an object with two of the `known` fields; whatever plain stands in one list with records is one too,
    so that it is rejected, not lost.
    """
    told = [list(_inside(value, known, ())) for value in values]
    yield from _listed(values, told, ())


def _inside(value: object, known: frozenset[str], around: tuple[dict, ...]) -> Iterator[tuple[object, tuple]]:
    if isinstance(value, dict):
        if len(known & lowered(value).keys()) >= ALIKE:
            yield value, around
        else:
            for inner in value.values():
                yield from _inside(inner, known, (*around, value))
    elif isinstance(value, list):
        yield from _listed(value, [list(_inside(inner, known, around)) for inner in value], around)


def _listed(values: Sequence[object], told: Sequence[list], around: tuple[dict, ...]) -> Iterator[tuple[object, tuple]]:
    for value, inner in zip(values, told, strict=True):
        if inner:
            yield from inner
        elif isinstance(value, Broken) or (any(told) and not _holds_more(value)):
            yield value, around


def _holds_more(value: object) -> bool:
    """Whether a value may be the cover of records, of which there happen to be none."""
    return isinstance(value, dict) and any(isinstance(inner, dict | list) for inner in value.values())


# ---------------------------------------------------------------------------------------------------------- values


def moment(value: object, zone: str | None, unit: float = 1) -> dt.datetime | None:
    """A time in UTC: ISO 8601, RFC 2822 or `unit` seconds since 1970; null where it is none of these.

    A time that names no zone is in `zone`; without one it is no time.
    """
    if isinstance(value, str) and re.fullmatch(r"\s*\d{9,13}(\.\d+)?\s*", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not value:
        return None
    found = _written(value) if isinstance(value, str) else _since_1970(float(value) * unit)
    if found and not found.tzinfo:
        found = found.replace(tzinfo=ZoneInfo(zone)) if zone else None
    return found.astimezone(dt.UTC) if found and EARLIEST <= found.astimezone(dt.UTC) < LATEST else None


def _since_1970(seconds: float) -> dt.datetime | None:
    inside = math.isfinite(seconds) and 0 < seconds < LATEST.timestamp()
    return dt.datetime.fromtimestamp(seconds, dt.UTC) if inside else None


def _written(text: str) -> dt.datetime | None:
    for read in (dt.datetime.fromisoformat, parsedate_to_datetime):
        try:
            return read(text.strip())
        except (ValueError, IndexError):
            continue
    return None


def duration(value: object) -> int | None:
    """Seconds as microseconds, null where there are none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        seconds = float(value)
    except ValueError:
        return None
    return round(seconds * SECONDS) if math.isfinite(seconds) else None


# --------------------------------------------------------------------------------------------------------- sealing


def seal_rows(name: str, rows: Sequence[Row], raw: Iterable[str], path: Path, shop: Shop) -> Loaded:
    """A table's rows as loaded; `raw`: columns of which a rejected row shows what the file says (`raw_<column>`)."""
    schema = _schema(name, tuple(raw))
    with workbench() as con:
        con.register("told", pa.Table.from_pylist(list(rows), schema))
        con.execute(f"CREATE TEMP TABLE rows AS {_judged_sql(name, schema)}")
        return seal(con, name, path, shop, ())


@cache
def _schema(name: str, raw: tuple[str, ...]) -> pa.Schema:
    types = {field.name: field.type for field in INPUT[name].arrow}
    own = [(column, types[column]) for column in filled_by_source(INPUT[name])]
    texts = [(column, pa.string()) for column in ("filtered", "reason", *(f"{RAW}{column}" for column in raw))]
    return pa.schema([*own, ("source_line", pa.int64()), *texts])


@cache
def _judged_sql(name: str, schema: pa.Schema) -> str:
    rows = ibis.table(ibis.Schema.from_pyarrow(schema), name="told")
    return ibis.to_sql(judged(rows, INPUT[name]), dialect="duckdb")


def together(read: int, main: Loaded, *beside: Loaded) -> Loaded:
    """One file out of its tables: a record is kept if any of them took it.

    `read` records in all. Only rows of `main` are filtered. Rows beside a kept record that cannot be used are told.
    """
    tables = main.tables | {name: rows for part in beside for name, rows in part.tables.items() if len(rows)}
    kept = {
        line for rows in tables.values() for batch in rows.to_batches() for line in batch["source_line"].to_pylist()
    }
    rejects = pa.concat_tables([part.rejects for part in (main, *beside)], promote_options="default")
    outside = pc.invert(pc.is_in(rejects["line"], pa.array(kept, pa.int64())))
    lost, beside_kept = rejects.filter(outside), len(rejects) - (pc.sum(outside).as_py() or 0)
    reasons = dict(sorted(Counter(lost["reason"].to_pylist()).items()))
    notices = (Notice("beside_rejected", {"n": beside_kept}),) if beside_kept else ()
    empty = (Notice("no_records"),) if not read else ()
    counts = Counts(read, len(kept), main.counts.filtered, 0, reasons)
    return replace(main, tables=tables, rejects=lost, counts=counts, warnings=(*notices, *empty))


def recognised(format: str, version: str, fields: Iterable[str], used: frozenset[str], personal: frozenset[str]):
    """What a file was taken for, its `fields` told apart by what is done with them."""
    names = sorted(set(fields))
    kinds: Mapping[str, tuple[str, ...]] = {
        "used": tuple(name for name in names if name.lower() in used),
        "dropped": tuple(name for name in names if name.lower() in personal - used),
        "ignored": tuple(name for name in names if name.lower() not in used | personal),
    }
    return Recognised(format, version, **kinds)
