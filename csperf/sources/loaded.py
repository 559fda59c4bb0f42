"""What a source hands on: the rows of one file in the contract's columns, and what became of every other row."""

from __future__ import annotations

import datetime
import hashlib
import re
import tempfile
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path

import duckdb
import ibis
import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _
from ibis.backends import BaseBackend

from ..engine import LOADING, connect
from ..facts import INPUT, SPOKEN, Table
from ..text import say

ROW_ID_DIGITS = 20  # hexadecimal: 80 bits, so that 50 million messages collide with a chance of one in a billion
SEPARATOR = "\x1f"
RAW = "raw_"
BATCH_ROWS = 200_000
PLACE = ["source_line", "rowid"]  # rowid: several records may start on one line
API_PREFIX = "cntaobao"  # before every nick in what Taobao's interfaces return
HASH_DIGITS = 32


@dataclass(frozen=True)
class Shop:
    """What a source needs to know of the shop.

    `timezone` is the zone of times that name none; without it such times are refused. `key` is the secret of the
    hashes that stand for personal ids; `root` the folder that file names are given from.
    """

    shop_id: str
    timezone: str | None = None
    root: Path = Path()
    internal_accounts: frozenset[str] = frozenset()
    key: bytes = b""


@dataclass(frozen=True)
class Notice:
    """Something to know about a file that stops nothing: a code with words in text/load.yaml, and their slots."""

    code: str
    slots: dict[str, str | int] = field(default_factory=dict)

    def say(self, lang: str | None = None) -> str:
        """The sentence in `lang` (default: the language of messages)."""
        return say(f"load.{self.code}", lang, **self.slots)


@dataclass(frozen=True)
class Counts:
    """What became of the rows read from one file, before the store compares them with other files' rows."""

    read: int
    kept: int
    filtered: dict[str, int] = field(default_factory=dict)
    folded: int = 0
    rejected: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = self.kept + sum(self.filtered.values()) + self.folded + sum(self.rejected.values())
        if parts != self.read:
            raise AssertionError(f"{self.read} rows read, {parts} accounted for: {self}")


class Spilled:
    """Rows kept on disk, since there may be more than memory holds: given a batch at a time, as often as asked for."""

    def __init__(self, batches: Iterator[pa.RecordBatch], schema: pa.Schema) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 - gone with the last mention of these rows
        self._rows = 0
        with pa.ipc.new_file(self._file, schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as out:
            for batch in batches:
                out.write_batch(batch)
                self._rows += len(batch)

    def __len__(self) -> int:
        return self._rows

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """The rows in their order."""
        file = pa.ipc.open_file(self._file)
        return map(file.get_batch, range(file.num_record_batches))


@dataclass(frozen=True)
class Recognised:
    """What a file was taken for: a key of the formats known, the version of the export, and the file's columns.

    `used` are the columns that the values come from, `dropped` those with personal data, `ignored` all others. `shops`:
    the shops that the rows name, where they name any.
    """

    format: str
    version: str
    used: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    shops: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loaded:
    """One file read: `tables` in the columns of facts.INPUT; `rejects`: line, reason, the mapped cells as text.

    `cells`: of columns that the file names otherwise, its name for them and the words allowed in them, if listed.
    `days`: the first and last that a plan speaks of, where it says so apart from its rows.
    `recognised`: what the file was taken for where no mapping says what it is.
    `faults`: of a form, everything that is wrong in its rejected rows: line and reason.
    `more`: further sheets of the workbook that hold rows of their own, each with the name of its `sheet`.
    """

    file: str
    sha256: str
    tables: dict[str, pa.Table | Spilled]
    rejects: pa.Table
    counts: Counts
    warnings: tuple[Notice, ...] = ()
    cells: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    days: tuple[datetime.date, datetime.date] | None = None
    recognised: Recognised | None = None
    faults: tuple[tuple[int, str], ...] = ()
    sheet: str = ""
    more: tuple[Loaded, ...] = ()


def sha256(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_name(path: Path, shop: Shop) -> str:
    """How the file is called in the store: from the shop's folder, with forward slashes."""
    return path.relative_to(shop.root).as_posix() if path.is_relative_to(shop.root) else path.name


@contextmanager
def workbench() -> Iterator[duckdb.DuckDBPyConnection]:
    """A place for the rows of one file: a DuckDB session whose temporary tables go when it ends."""
    with closing(_database().con.cursor()) as con:
        con.execute("SET TimeZone = 'UTC'")
        yield con


@cache
def _database() -> BaseBackend:
    return connect(LOADING)  # opened once: hundreds of small files need no database each


@lru_cache(10_000)  # the same few names on every line of a log
def account_name(account: str) -> str:
    """One spelling of an account: full-width signs made plain, Taobao's API prefix and blanks taken off."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", account)).removeprefix(API_PREFIX)


# ------------------------------------------------------------------------------------------------------- row rules


def filled_by_source(table: Table) -> tuple[str, ...]:
    """The columns that a source fills; the others are worked out here."""
    derived = {"row_id", "sequence", "shop_id", "source_file", "source_line", *table.days} - set(table.told_days)
    return tuple(column.name for column in table.columns if column.name not in derived)


def judged(rows: ir.Table, table: Table) -> ir.Table:
    """The rows, `reason` filled where a required cell is empty or a row rule of the contract holds."""
    return rows.mutate(reason=ibis.coalesce(rows.reason, ibis.cases(*findings(rows, table), else_=None)))


def findings(rows: ir.Table, table: Table) -> list[tuple[ir.BooleanValue, str]]:
    """What may be wrong with a row by the contract: the condition and the reason's code."""
    required = [name for name in filled_by_source(table) if name in table.required]
    found = [(rows[name].isnull(), f"empty:{name}") for name in required]
    return found + [(rows.bind(rule)[0].fill_null(False), name) for name, rule in table.rules.items()]


@cache
def words_allowed(name: str, column: str) -> tuple[str, ...]:
    """The words that may stand in a column of a table, one spoken for each meaning, then the contract's own.

    None where the column holds any text.
    """
    table = INPUT[name]
    if f"{column}_unknown" not in table.rules:
        return ()
    rule = ibis.table(table.schema, name="rows").bind(table.rules[f"{column}_unknown"])[0]
    allowed = tuple(word.value for words in rule.op().find(ops.InValues) for word in words.options)
    spoken = {meant: word for word, meant in reversed(SPOKEN.get(column, {}).items())}  # the first word for each
    return (*(spoken[word] for word in allowed if word in spoken), *allowed)


# --------------------------------------------------------------------------------------------------------- sealing


@ibis.udf.scalar.builtin(name="timezone", signature=((dt.string, dt.Timestamp("UTC")), dt.Timestamp()))
def local_time(zone, time):
    """The wall clock of a zone at a time."""


def seal(
    con: duckdb.DuckDBPyConnection, name: str, path: Path, shop: Shop, warnings: tuple[Notice, ...], folded: int = 0
) -> Loaded:
    """The file as loaded, from the connection's table `rows`; `folded` rows have gone into others of it.

    `rows` has the columns that a source fills, source_line, filtered (name of the filter that left the row out),
    reason (why it is rejected), and the cells as text under `raw_<column>`.
    """
    raw = tuple(row[0] for row in con.execute("DESCRIBE rows").fetchall() if row[0].startswith(RAW))
    file = file_name(path, shop)
    sealed = _sealed(con, name, file, shop)
    rejects = con.execute(_rejects_sql(raw)).to_arrow_table()
    left_out = dict(con.execute("SELECT filtered, count(*) FROM rows GROUP BY filtered ORDER BY filtered").fetchall())
    read = sum(left_out.values()) + folded
    left_out.pop(None, None)
    reasons = dict(sorted(Counter(rejects["reason"].to_pylist()).items()))
    counts = Counts(read, len(sealed), left_out, folded, reasons)
    return Loaded(file, sha256(path), {name: sealed}, rejects, counts, warnings)


def _sealed(con: duckdb.DuckDBPyConnection, name: str, file: str, shop: Shop) -> pa.Table | Spilled:
    """The rows that stay: on disk where they are more than a batch and no form that must be at hand whole."""
    schema = INPUT[name].arrow
    rows = con.execute(_sealed_sql(name, shop.shop_id, shop.timezone or "UTC")).to_arrow_reader(BATCH_ROWS)
    batches = (_completed(batch, file, schema) for batch in rows)
    first = next(batches, None)
    second = None if INPUT[name].statement else next(batches, None)
    if second:
        return Spilled(chain((first, second), batches), schema)
    return pa.Table.from_batches([first, *batches] if first else [], schema)


def _completed(batch: pa.RecordBatch, file: str, schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.repeat(file, len(batch)) if c == "source_file" else batch[c] for c in schema.names]
    return pa.record_batch(columns, names=schema.names).cast(schema)


def _rejects_sql(raw: tuple[str, ...]) -> str:
    cells = "".join(
        f', coalesce("{c}", CAST("{c.removeprefix(RAW)}" AS VARCHAR)) AS "{c.removeprefix(RAW)}"' for c in raw
    )
    return (
        f"SELECT source_line AS line, reason{cells} FROM rows WHERE filtered IS NULL AND reason IS NOT NULL "
        "ORDER BY source_line"
    )


@cache
def _sealed_sql(name: str, shop_id: str, zone: str) -> str:
    """SQL for the rows that stay, in the contract's columns but for source_file, in the file's order."""
    table = INPUT[name]
    types = {column.name: column.type for column in table.columns}
    schema = {c: types[c] for c in filled_by_source(table)}
    rows = ibis.table(
        {**schema, **dict.fromkeys(PLACE, "int64"), "filtered": "string", "reason": "string"}, name="rows"
    )
    kept = rows.filter(_.filtered.isnull() & _.reason.isnull()).mutate(shop_id=ibis.literal(shop_id))
    kept = _numbered(kept) if name == "messages" else kept
    days = {day: local_time(zone, kept[time]).date() for day, time in table.days.items()}
    kept = kept.mutate(**days | {day: days[day].fill_null(kept[day]) for day in table.told_days})
    kept = kept.order_by(PLACE).select([c for c in table.arrow.names if c != "source_file"])
    return ibis.to_sql(kept, dialect="duckdb")


def _numbered(messages: ir.Table) -> ir.Table:
    """Messages with their rank within account, buyer and second, and a row_id that does not depend on the file.

    The id hashes the message's own id where it has one. Else it hashes what the message says, to whom and when;
    the second, third... message alike in one file gets its number behind it, so that true repeats stay and the
    same message in an overlapping file is still the same.
    """
    second = messages.sent_at.truncate("s")
    direction = ibis.ifelse(messages.sender == "buyer", "in", "out")
    text = {c: messages[c].fill_null("") for c in ("shop_id", "account_id", "buyer_id", "text", "message_id")}
    who = [text["shop_id"], text["account_id"], text["buyer_id"]]
    said = ibis.literal(SEPARATOR).join([*who, second.epoch_seconds().cast("string"), direction, text["text"]])
    own = ibis.literal(SEPARATOR).join(["id", text["shop_id"], text["message_id"]])
    has_id = messages.message_id.notnull()
    place = ibis.window(group_by=[messages.account_id, messages.buyer_id, second], order_by=PLACE)
    messages = messages.mutate(
        sequence=ibis.row_number().over(place) + 1,
        alike=ibis.ifelse(has_id, own, said).hexdigest("md5").left(ROW_ID_DIGITS),
    )
    repeat = ibis.row_number().over(group_by="alike", order_by=PLACE)
    messages = messages.mutate(repeat=ibis.ifelse(has_id, 0, repeat))
    again = _.alike.concat("-", _.repeat.cast("string"))
    return messages.mutate(row_id=ibis.ifelse(_.repeat == 0, _.alike, again)).drop("alike", "repeat")
