"""Where the tables live: DuckDB in process by default, or another Ibis backend with the same answers."""

from __future__ import annotations

import atexit
import tempfile
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from functools import cache, lru_cache, wraps
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from threading import RLock, local
from typing import Any, Literal, TypeVar, cast
from uuid import uuid4

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends import BaseBackend
from ibis.backends.duckdb import Backend as Duck
from ibis.backends.duckdb.converter import DuckDBPyArrowData
from ibis.expr import operations as ops
from ibis.expr.datatypes import DataType
from pydantic import BaseModel, ConfigDict, Field

from .duck_sql import EPOCH, QuickSQL
from .errors import CsperfError, Problem
from .facts import FULL_POINTS, PPM
from .text import say

KEPT_EXPRESSIONS = 64  # of each function
KEPT_SQL = 2_000  # statements of a process: a pack of all pages has some hundreds
DAY_US = 86_400_000_000
# What is small stands on the right of our joins. DuckDB guesses that a filter keeps a fifth, and would turn them round.
JOINED_AS_WRITTEN = ("join_order", "build_side_probe_side")
ASKED_OF = "asked_of"  # stands for a table until it is known which
_names = count()  # of tables, in all connections of a process
_spelled: dict[ops.Node, str] = {}
_idle: list[DuckDB] = []
_one_at_a_time = RLock()  # threads ask for the same expressions: the second finds what the first has built


class EngineSettings(BaseModel):
    """Which engine, and how much of the machine it may use. Memory is bounded by the messages that are looked at once:
    those of `chunk_days`, else of as many days as csperf.chunks thinks right. `master` and `spark` (its own options)
    are of Spark alone, memory_limit and threads of DuckDB.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: Literal["duckdb", "spark"] = "duckdb"
    memory_limit: str = "2GB"
    threads: int | None = Field(default=None, ge=1)
    chunk_days: int | None = Field(default=None, ge=1)
    master: str = "local[*]"
    spark: dict[str, str] = {}


# Rows come in small lots, over which more threads spend more than they save; what memory cannot hold goes to disk.
LOADING = EngineSettings(threads=1, memory_limit="500MB")


def connect(settings: EngineSettings | None = None) -> BaseBackend:
    """A fresh connection; its tables are gone when it is closed."""
    settings = settings or EngineSettings()
    if settings.backend == "spark":
        return _spark(settings)
    return DuckDB().onto(_database(settings), _names)


@contextmanager
def apart(settings: EngineSettings | None = None) -> Iterator[BaseBackend]:
    """A connection that is closed at the end, for temporary tables which nothing else is to meet.

    They are numbered from 0 and belong to the same backend as those of earlier work, so that the same expressions and
    the same SQL serve for other rows; the database is opened once.
    """
    settings = settings or EngineSettings()
    if settings.backend == "spark":
        yield _spark(settings)
        return
    con = _idle.pop() if _idle else DuckDB()
    con.onto(_kept_open(settings.memory_limit, settings.threads).cursor(), count())
    try:
        yield con
    finally:
        con.disconnect()
        _idle.append(con)


def _database(settings: EngineSettings) -> duckdb.DuckDBPyConnection:
    spill = Path(tempfile.gettempdir(), f"csperf-{uuid4().hex}")  # made when needed and taken away by DuckDB
    limits = {"memory_limit": settings.memory_limit, "temp_directory": str(spill)}
    threads = {"threads": settings.threads} if settings.threads else {}
    as_written = {"disabled_optimizers": ",".join(JOINED_AS_WRITTEN)}
    return duckdb.connect(config={**limits, **threads, **as_written, "preserve_insertion_order": False})


def _kept_open(memory_limit: str, threads: int | None) -> duckdb.DuckDBPyConnection:
    with _one_at_a_time:
        return _opened(memory_limit, threads)


@cache
def _opened(memory_limit: str, threads: int | None) -> duckdb.DuckDBPyConnection:
    found = _database(EngineSettings(memory_limit=memory_limit, threads=threads))
    atexit.register(found.close)
    return found


def _spark(settings: EngineSettings) -> BaseBackend:
    if not find_spec("pyspark"):
        raise CsperfError(Problem("engine.backend", say("engine.no_pyspark")))
    from .spark import connect as to_spark

    return to_spark(settings.master, settings.spark)


def micros(time: ir.TimestampValue) -> ir.IntegerValue:
    """Microseconds since 1970 (UTC): whole numbers behave alike on every backend."""
    return time.delta(ibis.literal(EPOCH).cast("timestamp('UTC')"), unit="microsecond")


def instant(us: ir.IntegerValue) -> ir.TimestampValue:
    """The time (UTC) of so many microseconds since 1970."""
    return (us.as_interval("us") + ibis.literal(EPOCH).cast("timestamp('UTC')")).cast("timestamp('UTC', 6)")


def points_ppm(score: ir.FloatingValue, full: ir.FloatingValue | float) -> ir.IntegerValue:
    """A score as points of 100, in millionths: whole numbers add up to the same in any order."""
    return (score / full * (FULL_POINTS * PPM)).round().cast("int64")


class DuckDB(Duck):
    """Ibis on DuckDB that puts an expression into SQL once in a process, however many chunks, shops and pages ask.

    Tables are what their names say, in whatever connection, so that SQL depends on names and columns alone. Columns get
    the types that the expression promises: a sum of whole numbers is as wide as these. Threads that work
    side by side have connections of their own (in_this_thread), so that one backend, and what is built on its tables,
    serves them all.
    """

    compiler = QuickSQL()

    def __init__(self) -> None:
        self._own = local()
        super().__init__()

    @property
    def con(self) -> duckdb.DuckDBPyConnection:
        """The connection: this thread's own where it has one."""
        return getattr(self._own, "con", None) or self._con

    @property
    def names(self) -> Iterator[int]:
        """The numbers that the connection's tables get."""
        return getattr(self._own, "names", None) or self._names

    @property
    def threads(self) -> int:
        """How many threads the database may use."""
        return int(self.raw_sql("SELECT current_setting('threads')").fetchone()[0])

    def onto(self, database: duckdb.DuckDBPyConnection, names: Iterator[int]) -> DuckDB:
        """This backend on another database, with the numbers that its tables get."""
        self._con, self._names = database, names
        self._memtables.clear()
        self._post_connect()
        return self

    @contextmanager
    def in_this_thread(self, settings: EngineSettings) -> Iterator[DuckDB]:
        """This backend on a connection that is the thread's own, and closed at the end."""
        self._own.con, self._own.names = _kept_open(settings.memory_limit, settings.threads).cursor(), count()
        try:
            self._post_connect()
            yield self
        finally:
            self.disconnect()
            del self._own.con, self._own.names

    def compile(self, expr: ir.Expr, /, *, limit: Any = None, params: Any = None, pretty: bool = False) -> str:
        """The SQL, spelled anew only for rows of Python's own: these are another table each time."""
        if limit is not None or params or pretty:
            return super().compile(expr, limit=limit, params=params, pretty=pretty)
        node = expr.op()
        with _one_at_a_time:
            if node in _spelled:
                return _spelled[node]
            sql = super().compile(expr)
            if not node.find(ops.InMemoryTable):
                while len(_spelled) >= KEPT_SQL:
                    _spelled.pop(next(iter(_spelled)))
                _spelled[node] = sql
            return sql

    def read_parquet(self, paths: Any, /, *, table_name: str | None = None, **options: Any) -> ir.Table:
        """The rows of the files as a view."""
        return super().read_parquet(paths, table_name=table_name or f"read_{next(self.names)}", **options)

    def create_table(self, name: str, /, obj: Any = None, *, temp: bool = False, **more: Any) -> ir.Table:
        """The table; a temporary one is worked out from its expression in one go."""
        if not (temp and isinstance(obj, ir.Table)):
            return super().create_table(name, obj, temp=temp, **more)
        self._execute(f'CREATE TEMPORARY TABLE "{name}" AS {{}}', obj)
        return self._temporary(name, obj)

    def view(self, name: str, expr: ir.Table) -> ir.Table:
        """The expression by a name, under which the next one like it needs no new SQL."""
        self._execute(f'CREATE OR REPLACE TEMPORARY VIEW "{name}" AS {{}}', expr)
        return self._temporary(name, expr)

    def _temporary(self, name: str, expr: ir.Table) -> ir.Table:
        schema = ibis.schema({column: kind.copy(nullable=True) for column, kind in expr.schema().items()})
        place = ops.Namespace(catalog="temp", database="main")
        return ops.DatabaseTable(name, schema=schema, source=self, namespace=place).to_expr()

    def any_row(self, expr: ir.Table) -> bool:
        """Whether the expression has a row."""
        self._run_pre_execute_hooks(expr)
        return bool(self.raw_sql(f"SELECT EXISTS (FROM ({self.compile(expr)}))").fetchone()[0])

    def number_words(self, table: ir.Table) -> None:
        """Keeps the strings of a table as places in a sorted list (ENUM), which joins and files take faster."""
        name = table.op().name
        columns = [column for column, kind in table.schema().items() if kind.is_string()]
        counts = ", ".join(f'count("{column}")' for column in columns)
        filled = self.raw_sql(f'SELECT {counts} FROM "{name}"').fetchone()  # a list without words is none
        for column in (column for column, n in zip(columns, filled, strict=True) if n):
            words = f'SELECT DISTINCT "{column}" FROM "{name}" WHERE "{column}" IS NOT NULL ORDER BY 1'
            self.raw_sql(f'CREATE OR REPLACE TEMPORARY TYPE "{name}.{column}" AS ENUM ({words})')
            self.raw_sql(f'ALTER TABLE "{name}" ALTER "{column}" TYPE "{name}.{column}"')

    def to_parquet(self, expr: ir.Table, /, path: str | Path, *, params: Any = None, **options: Any) -> None:
        """Writes the rows to a file; there are no parameters."""
        told = "".join(f", {name} {value}" for name, value in options.items())
        quoted = str(path).replace("'", "''")
        self._execute(f"COPY ({{}}) TO '{quoted}' (FORMAT parquet{told})", expr)

    def rows_of(self, expr: ir.Table, table: ir.Table) -> pa.Table:
        """The rows of an expression on ASKED_OF, asked of a table with these columns."""
        self._run_pre_execute_hooks(table)
        given = f'WITH "{ASKED_OF}" AS NOT MATERIALIZED ({self.compile(table)})'
        rows = self.con.sql(f"{given} SELECT * FROM ({self.compile(expr)})").to_arrow_table()
        return expr.__pyarrow_result__(rows, data_mapper=DuckDBPyArrowData)

    def _execute(self, statement: str, expr: ir.Table) -> None:
        self._run_pre_execute_hooks(expr)
        columns = ", ".join(_typed(column, kind) for column, kind in expr.schema().items())
        self.raw_sql(statement.replace("{}", f"SELECT {columns} FROM ({self.compile(expr)})", 1))

    def _run_pre_execute_hooks(self, expr: ir.Expr) -> None:
        """What an expression that was spelled before needs no more: it has no rows of Python's own to bring along."""
        if expr.op() not in _spelled:
            super()._run_pre_execute_hooks(expr)


@cache
def _typed(column: str, kind: DataType) -> str:
    """The column as the type that the expression promises; words may stay numbered."""
    name = f'"{column}"'
    return name if kind.is_string() else f"CAST({name} AS {DuckDB.compiler.type_mapper.to_string(kind)}) AS {name}"


Build = TypeVar("Build", bound=Callable[..., Any])


def expression(build: Build) -> Build:
    """`build`, which makes expressions of tables, once for the same ones: chunks differ in their rows alone."""
    held: dict[Any, Any] = {}

    @wraps(build)
    def built(*given: Any) -> Any:
        with _one_at_a_time:
            key = _same(given)
            if key not in held:
                while len(held) >= KEPT_EXPRESSIONS:
                    held.pop(next(iter(held)))
                held[key] = build(*given)
            return held[key]

    return cast(Build, built)


def _same(given: Any) -> Any:
    """What is equal for equal tables, which Ibis takes for different ones; also within tuples and dataclasses."""
    if isinstance(given, (tuple, list)):
        return tuple(map(_same, given))
    if is_dataclass(given):
        return tuple(_same(getattr(given, field.name)) for field in fields(given))
    if not isinstance(given, ir.Table):
        return given
    node = given.op()  # equal for tables of one name in different connections
    return node, frozenset(id(table.source) for table in node.find(ops.DatabaseTable))


def answer(build: Callable[..., ir.Table], table: ir.Table, *how: Hashable) -> pa.Table:
    """The rows of `build(table, *how)`: of tables with the same columns it is built, and put into SQL, once."""
    backends = _backends(table)
    if not backends:  # rows of Python's own
        with apart() as con:
            return _answer(con, build, table, *how)
    con, *others = backends
    known = isinstance(con, DuckDB) and not others
    return _answer(con, build, table, *how) if known else build(table, *how).to_pyarrow()


def any_row(table: ir.Table) -> bool:
    """Whether a table of a connection has a row."""
    con, *_others = _backends(table)
    return con.any_row(table) if isinstance(con, DuckDB) else bool(table.count().execute())


def _backends(table: ir.Table) -> list[BaseBackend]:
    return list({id(node.source): node.source for node in table.op().find(ops.DatabaseTable)}.values())


def _answer(con: DuckDB, build: Callable[..., ir.Table], table: ir.Table, *how: Hashable) -> pa.Table:
    return con.rows_of(_asked(build, table.schema(), *how), table)


@lru_cache(KEPT_SQL)
def _asked(build: Callable[..., ir.Table], columns: ibis.Schema, *how: Hashable) -> ir.Table:
    return build(ibis.table(columns, name=ASKED_OF), *how)


def materialise(con: BaseBackend, expr: ir.Table) -> ir.Table:
    """The expression worked out once and kept in the connection."""
    return con.create_table(f"kept_{next(con.names)}", expr, temp=True)


def drop(con: BaseBackend, table: ir.Table) -> None:
    """Frees a materialised table."""
    con.drop_table(table.op().name)


class Scratch:
    """Keeps intermediate tables of one chunk: `keep(expr)` works an expression out once.

    Tables are named by their expressions, so that in the next chunk the same expressions stand on the same tables and
    need no new SQL; `name` is for what a chunk begins with.
    """

    def __init__(self, con: BaseBackend) -> None:
        self.con = con
        self._kept: dict[ops.Node, ir.Table] = {}

    def __call__(self, expr: ir.Table, name: str = "") -> ir.Table:
        node = expr.op()
        if node not in self._kept:
            name = f"scratch_{name or f'{hash(node):x}'.replace('-', '_')}"
            self._kept[node] = self.con.create_table(name, expr, temp=True)
        return self._kept[node]

    def view(self, expr: ir.Table, name: str) -> ir.Table:
        """The expression under a name, of which the next chunk's has other rows; not worked out."""
        return self.con.view(f"scratch_{name}", expr) if isinstance(self.con, DuckDB) else expr

    def names(self, expr: ir.Table) -> ir.Table:
        """Keeps a table that others get their names from."""
        table = self(expr)
        if isinstance(self.con, DuckDB):
            self.con.number_words(table)
        return table

    def drop(self) -> None:
        """Frees everything kept so far."""
        for table in self._kept.values():
            drop(self.con, table)
        self._kept.clear()


@contextmanager
def scratch(con: BaseBackend) -> Iterator[Scratch]:
    """A Scratch whose tables are dropped at the end."""
    keep = Scratch(con)
    try:
        yield keep
    finally:
        keep.drop()
