"""Any export that is known, without a mapping: what a file is told by what stands in it."""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..definitions import SETS
from ..errors import CsperfError, Problem
from ..settings import TimeZone, did_you_mean, listed
from ..text import say, ui_language
from . import beside, decode, measured, supported, table
from .columns import NOTHING
from .loaded import Counts, Loaded, Notice, Recognised, Shop, file_name, sha256
from .recognise import FOLDER, Match, formats, further_sheets, nearest, recognise, skeleton

HEAD_BYTES = 1 << 16
SET_ASIDE = "not_measured"


class Settings(BaseModel):
    """Which files; what they are is found out.

    `format` forces one of the formats known. `definitions` is the set of counting rules of a backend's values where
    the format has none. `timezone` of times that name none: default, the platform's own. `period`: first and last day
    of a table that tells them nowhere. `accounts`: who of a chat's writers are agents, where nothing else tells.
    `shops`: how exports name this shop; rows of another are rejected. `currency`: rows of another are rejected;
    default, the one that most rows of the file name. `words`: by column of the table, words that the format does not
    list and what they mean.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Literal["export"] = "export"
    files: str = Field(examples=["exports/**/*"])
    format: str = ""
    definitions: str = ""
    timezone: TimeZone | None = None
    period: str = Field(default="", pattern=r"^(\d{4}-\d{2}-\d{2}\.\.\d{4}-\d{2}-\d{2})?$")
    accounts: tuple[str, ...] = ()
    shops: tuple[str, ...] = ()
    currency: str = ""
    words: dict[str, dict[str, str]] = {}

    @field_validator("format")
    @classmethod
    def _known(cls, value: str) -> str:
        if value and value not in formats():
            hint = did_you_mean(value, formats())
            raise ValueError(say("load.no_format", found=value, hint=hint, allowed=", ".join(formats())))
        return value

    @field_validator("definitions")
    @classmethod
    def _a_set(cls, value: str) -> str:
        if value and value not in SETS:
            raise ValueError(say("load.no_set", found=value, allowed=", ".join(SETS)))
        return value


Reader = Callable[[Path, Match, Settings, Shop], Loaded]


def load(path: Path, settings: Settings, shop: Shop) -> Loaded:
    """The rows of a file of a known format, and what it was taken for.

    CsperfError where it fits none: the nearest format, what is missing, and a mapping to fill in.
    """
    match = recognise(path, settings.format)
    if match:
        return replace(_reader(match)(path, match, settings, shop), more=tuple(_more(path, match, settings, shop)))
    for module in written():
        if key := module.recognises(_head(path), path.name):
            loaded = module.load(path, _settings_of(module, settings), shop)
            return loaded if loaded.recognised else replace(loaded, recognised=Recognised(key, ""))
    raise CsperfError(Problem(str(path), _unknown(path, settings.format)))


def _more(path: Path, match: Match, settings: Settings, shop: Shop) -> Iterator[Loaded]:
    """The further sheets of a workbook, unless the settings say what the file is."""
    for other in [] if settings.format or decode.file_kind(path) != "excel" else further_sheets(path, match):
        loaded = _reader(other)(path, other, settings, shop)
        yield replace(loaded, sheet=decode.sheet_name(path, other.header.sheet) or "")


@cache
def edition() -> str:
    """A hash of all that is known of the formats: where it changes, files are read anew."""
    content = b"".join(path.read_bytes() for path in sorted(FOLDER.glob("*.yaml")))
    return hashlib.sha256(content).hexdigest()


def content(path: Path) -> str:
    """The hash of a file; of one that takes columns from others beside it, of them all, so that they are read again."""
    head = _head(path)
    wider = [one for one in formats().values() if one.beside]
    near = any(all(any(name.encode() in head for name in names) for names in one.requires) for one in wider)
    match = recognise(path) if near else None
    return beside.content(path, match) if match and match.format.beside else sha256(path)


@cache
def written() -> tuple[ModuleType, ...]:
    """The modules of formats that are no tables: those with `recognises`."""
    package = importlib.import_module(__package__ or "")
    names = sorted(found.name for found in pkgutil.iter_modules(package.__path__))
    modules = (importlib.import_module(f"{__package__}.{name}") for name in names)
    return tuple(module for module in modules if hasattr(module, "recognises"))


def _head(path: Path) -> bytes:
    with decode.opened(path) as file:
        return file.read(HEAD_BYTES)


def _settings_of(module: ModuleType, settings: Settings) -> Any:
    """The settings of a module's own kind, as far as they stand in these."""
    fields = module.Settings.model_fields.keys() & Settings.model_fields.keys() - {"source"}
    return module.Settings.model_validate({name: getattr(settings, name) for name in fields})


def _read_measured(path: Path, match: Match, settings: Settings, shop: Shop) -> Loaded:
    """A wide table of a backend's own values."""
    return measured.read(path, match, shop, definitions=settings.definitions, period=settings.period)


READERS: dict[str, Reader] = {"measured": _read_measured}  # tables that are filled otherwise than row by row


def _reader(match: Match) -> Reader:
    return READERS.get(match.format.table, _read_rows if match.format.table else _set_aside)


def _read_rows(path: Path, match: Match, settings: Settings, shop: Shop) -> Loaded:
    """A file of which each row, or each order, is a row of the contract."""
    if not match.format.beside:
        return _read_table(path, match, settings, shop)
    with beside.joined(path, match) as wider:
        loaded = _read_table(wider.path, wider.match, settings, shop)
        return wider.told_of(loaded, path, shop)


def _read_table(path: Path, match: Match, settings: Settings, shop: Shop) -> Loaded:
    shops, currencies = (_named(path, match, column) for column in (match.format.shop, match.format.currency))
    strict = {match.format.shop: settings.shops} if shops and settings.shops else {}
    if currencies:
        strict[match.format.currency] = (settings.currency or next(iter(currencies)),)
    mapping = _with_words(match.settings(settings.files, settings.timezone, strict), settings.words)
    loaded = table.load(path, mapping, shop)
    notices = [
        Notice(f"no_{what}", {"platform": match.format.name[ui_language()]}) for what in _lacking(match, mapping)
    ]
    recognised = replace(match.recognised(mapping.mapped), shops=tuple(shops))
    return replace(loaded, recognised=recognised, warnings=(*loaded.warnings, *notices))


def _named(path: Path, match: Match, column: str) -> Counter[str]:
    """The words of a column of the file with how often they stand there, the most frequent first."""
    own = match.own(column) if column else None
    counts: Counter[str] = Counter()
    if own:
        with decode.open_sheet(path, sheet=match.header.sheet, header_row=match.header.line) as sheet:
            for batch in sheet.batches([own]):
                for cell in pc.value_counts(batch["cell:0"]).to_pylist():
                    counts[cell["values"] or ""] += cell["counts"]
    return Counter(dict((word, n) for word, n in counts.most_common() if word not in NOTHING))


def _with_words(mapping: table.Settings, words: Mapping[str, Mapping[str, str]]) -> table.Settings:
    """The mapping with more words in its lists."""
    columns = dict(mapping.columns)
    for target in words.keys() & columns.keys():
        ways = columns[target]
        more = [
            way.model_copy(update={"values": {**(way.values or {}), **words[target]}}) for way in ways if way.listed
        ]
        columns[target] = (*more, *(way for way in ways if not way.listed))
    return mapping.model_copy(update={"columns": columns})


def _lacking(match: Match, mapping: table.Settings) -> list[str]:
    """What can not be measured without columns that the file has not."""
    if mapping.table == "orders":
        return [what for what in ("buyer_id", "created_at") if what not in mapping.columns]
    if mapping.table == "refunds":
        return [what for what in ("platform_intervened", "merchant_liable") if what not in mapping.columns]
    return []


def _set_aside(path: Path, match: Match, settings: Settings, shop: Shop) -> Loaded:
    """A known file of which nothing is measured: every row is counted, none is kept."""
    with decode.open_sheet(path, sheet=match.header.sheet, header_row=match.header.line) as sheet:
        n = sum(len(batch) for batch in sheet.batches([]))
    counts = Counts(n, 0, {SET_ASIDE: n} if n else {})
    rejects = pa.table({"line": pa.array([], pa.int64()), "reason": pa.array([], pa.string())})
    name = match.format.name[ui_language()]
    return Loaded(
        file_name(path, shop),
        sha256(path),
        {},
        rejects,
        counts,
        (Notice("set_aside", {"format": name}),),
        recognised=match.recognised(()),
    )


def _unknown(path: Path, key: str) -> str:
    """What is said of a file that fits no format, or not the one that it is said to be of."""
    near = nearest(path, key)
    if near is None:
        lang = ui_language()
        known = ", ".join(supported.platform_name(platform, lang) for platform in supported.platforms())
        return say("load.unknown_file", platforms=known)
    slots = {"format": near.format.key, "name": near.format.name[ui_language()], "line": near.header.line}
    slots |= {"missing": ", ".join(near.missing), "header": listed(name for name in near.header.shown if name)}
    return say("load.nearly_known", **slots, skeleton=_indented(skeleton(path, near)))


def _indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())
