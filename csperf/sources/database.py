"""Any table or query of PostgreSQL, DuckDB or SQLite whose columns are mapped in YAML.

The address, with its password, comes from the environment only: settings name the variable. What the database answers
is copied to a Parquet file that lives as long as the reading; from there on it is a file like any other, known by the
hash of its content.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from ibis.backends import BaseBackend
from ibis.common.exceptions import IbisError, TableNotFound
from pydantic import Field, field_validator, model_validator

from ..errors import CsperfError, Problem
from ..settings import listed
from ..text import say
from . import table
from .decode import normalised, without_unit
from .loaded import Loaded, Shop
from .mapping import Columns
from .mapping import Settings as OfFile

__all__ = ["Settings", "fetch", "load"]

ENDING = ".database"  # behind the name under which the store keeps what was answered
VARIABLE = r"[A-Z][A-Z0-9_]*"
SECRETS = ("password", "passwd", "pwd", "url", "dsn", "user", "token", "密码")
WITH_PASSWORD = re.compile(r"://[^/\s]*@|\b(password|passwd|pwd)\s*=", re.IGNORECASE)
DRIVERS = {"postgresql": "psycopg", "postgres": "psycopg", "duckdb": "duckdb", "sqlite": "sqlite3"}
IN_FILES = ("duckdb", "sqlite")
HIDDEN = "***"


class Settings(Columns):
    """Where a table of facts.INPUT comes from in a database.

    `url_env`: the variable of the environment that holds the address. `from`: a table or view, `schema.table` where it
    is not in the default schema; or `query`: a SELECT. `order_by`: columns that say which row comes first, for rows of
    which the time alone does not; all mapped columns follow. `name`: what the store calls it (default: `table`).
    """

    source: Literal["database"]
    url_env: str = Field(examples=["CSPERF_DB_URL"])
    from_: str = Field(default="", alias="from", examples=["public.orders"])
    query: str = ""
    order_by: tuple[str, ...] = ()
    name: str = Field(default="", pattern=r"^[\w.-]*$")

    @model_validator(mode="before")
    @classmethod
    def _no_secrets(cls, given: Any) -> Any:
        """Refuses what looks like a password before anything could say it back."""
        if isinstance(given, Mapping):
            found = [str(key) for key, value in given.items() if str(key).lower() in SECRETS or _tells_password(value)]
            if found:
                raise ValueError(say("database.secret_in_params", entries=", ".join(found)))
        return given

    @field_validator("url_env")
    @classmethod
    def _a_variable(cls, value: str) -> str:
        if not re.fullmatch(VARIABLE, value):
            raise ValueError(say("database.not_a_variable"))
        return value

    @model_validator(mode="after")
    def _one_question(self) -> Self:
        if bool(self.from_) == bool(self.query):
            raise ValueError(say("database.from_or_query"))
        return self

    @property
    def file(self) -> str:
        """What the store calls the rows' origin."""
        return f"{self.name or self.table}{ENDING}"


def _tells_password(value: Any) -> bool:
    return isinstance(value, str) and WITH_PASSWORD.search(value) is not None


def fetch(settings: Settings, folder: Path) -> Path:
    """The file in `folder` with the rows that the database answers, in one order whatever the database's own is.

    CsperfError, in which the address and its password are masked, where there is no answer.
    """
    path = folder / settings.file
    with _connected(settings) as con:
        rows = _ordered(_asked(con, settings), settings, con.name)
        with pq.ParquetWriter(path, rows.schema().to_pyarrow()) as out:
            for batch in rows.to_pyarrow_batches():
                out.write_batch(batch)
    return path


def load(path: Path, settings: Settings, shop: Shop) -> Loaded:
    """The fetched rows in the columns of `settings.table`; source_line is a row's place in the order of `fetch`.

    CsperfError as of the source `table`.
    """
    mapping = settings.model_dump(include=set(Columns.model_fields), by_alias=True)
    try:
        return table.load(path, OfFile(files=path.name, **mapping), shop)
    except CsperfError as error:
        raise CsperfError([Problem(settings.file, problem.message) for problem in error.problems]) from error


# ------------------------------------------------------------------------------------------------------- connecting


@dataclass(frozen=True)
class _Address:
    """Where a database is; never shown."""

    url: str

    @property
    def kind(self) -> str:
        """The scheme of the address."""
        return self.url.partition("://")[0].lower()

    def masked(self, text: object) -> str:
        """The text without the address and its password."""
        password = urlsplit(self.url).password or ""
        for secret in filter(None, (self.url, password, unquote(password))):
            text = str(text).replace(secret, HIDDEN)
        return str(text)


@contextmanager
def _connected(settings: Settings) -> Iterator[BaseBackend]:
    """A connection of the settings' database; what goes wrong inside is a problem of it."""
    address = _address(settings)
    failures = _failures(address, settings)
    con = None
    try:
        con = ibis.connect(address.url, **({"read_only": True} if address.kind == "duckdb" else {}))
        yield con
    except TableNotFound:
        raise _problem(settings, "no_table", found=settings.from_) from None
    except failures as error:
        raise _problem(settings, "failed", reason=" ".join(address.masked(error).split())) from None
    finally:
        if con:
            con.disconnect()


def _address(settings: Settings) -> _Address:
    """The address that the environment holds; CsperfError where there is none, or none of a database known here."""
    address = _Address(os.environ.get(settings.url_env, ""))
    if not address.url:
        raise _problem(settings, "no_address")
    if address.kind not in DRIVERS:
        raise _problem(settings, "kind_unknown", found=address.kind if "://" in address.url else "-")
    file = Path(address.url.partition("://")[2].partition("?")[0])
    if address.kind in IN_FILES and not file.is_file():  # connecting would make an empty one
        raise _problem(settings, "no_file")
    return address


def _failures(address: _Address, settings: Settings) -> tuple[type[Exception], ...]:
    """What asking may raise; CsperfError where the driver is not installed."""
    try:
        driver = import_module(DRIVERS[address.kind])
    except ImportError:
        raise _problem(settings, "no_driver") from None
    return (driver.Error, duckdb.Error, sqlite3.Error, pa.ArrowException, IbisError, UnicodeError)


def _problem(settings: Settings, key: str, **slots: object) -> CsperfError:
    return CsperfError(Problem(settings.file, say(f"database.{key}", variable=settings.url_env, **slots)))


# ----------------------------------------------------------------------------------------------------------- asking


def _asked(con: BaseBackend, settings: Settings) -> ir.Table:
    """The columns that the mapping names; where some are missing none of the rows, so that reading can say which."""
    schema, _, name = settings.from_.rpartition(".")
    rows = con.sql(settings.query) if settings.query else con.table(name, database=schema or None)
    if missing := [name for name in settings.order_by if name not in rows.columns]:
        raise _problem(settings, "no_order", found=listed(missing), allowed=listed(rows.columns))
    wanted = {_plain_name(name) for name in settings.mapped}
    found = [name for name in rows.columns if _plain_name(name) in wanted]
    complete = len({_plain_name(name) for name in found}) == len(wanted)
    return rows.select([*dict.fromkeys([*found, *settings.order_by])]) if complete else rows.limit(0)


def _plain_name(name: str) -> str:
    """What names are compared by, as those of a file's header are."""
    return without_unit(normalised(name))


def _ordered(rows: ir.Table, settings: Settings, kind: str) -> ir.Table:
    """The rows in an order that they themselves tell: a database gives equal tables in any."""
    plain = {name: _plain(rows[name], kind) for name in rows.columns}
    first = [rows[name] for name in settings.order_by if name in plain]
    rest = [column for name, column in plain.items() if name not in settings.order_by]
    return rows.order_by([*first, *rest]).select(**plain)


def _plain(column: ir.Value, kind: str) -> ir.Value:
    """The column, as text where its type is none that every database sorts and hands over.

    Of SQLite all is text: a column's type there says nothing of what its cells hold.
    """
    found = column.type()
    simple = found.is_string() or found.is_numeric() or found.is_boolean() or found.is_timestamp() or found.is_date()
    return column if simple and kind != "sqlite" else column.cast("string")
