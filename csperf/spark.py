"""The same expressions on Spark: a session by its master or Spark Connect address, and what Ibis' backend lacks there.

Imported only where a shop's settings name this engine: pyspark and Java are an extra that most shops never need.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import Schema
from ibis.backends.pyspark import Backend
from ibis.backends.pyspark.datatypes import PySparkSchema
from ibis.expr.datatypes import Timestamp
from ibis.formats.pyarrow import PyArrowData
from ibis.util import gen_name
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from .errors import CsperfError, Problem
from .text import say

# Times are UTC inside whatever the session's zone is. Spark 4.3 loses columns of checkpointed unions when it propagates
# constraints ("key not found"), so that rule is off.
# A chunk's messages are moved once, to their buyers: whoever joins or groups by buyer and more finds them there. For
# that Spark must know how the rows of a kept table lie, which adaptive plans do not say, and which is lost where the
# aliases of a plan's columns are taken away as redundant.
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.constraintPropagation.enabled": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.requireAllClusterKeysForCoPartition": "false",
    "spark.sql.optimizer.excludedRules": "org.apache.spark.sql.catalyst.optimizer.RemoveRedundantAliases",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
PARTS, PARTS_PER_CORE = "spark.sql.shuffle.partitions", 2
SMALL_ROWS = 100_000  # go whole to whoever joins them: of kept tables Spark guesses sizes that are far too large
CONNECT_PORT, PATIENCE_S = 15002, 10
UTC = Timestamp("UTC", 6)


class Spark(Backend):
    """Ibis on Spark with temporary tables, several files at once, and Arrow both ways.

    Ibis goes by pandas there, in which whole numbers with gaps become floats and lose their last digits.
    """

    names = count()  # of tables: they are the session's, whatever connection made them

    def disconnect(self) -> None:
        """Leaves the session to the other connections: a process has one, and facts that are read later lie in it."""

    def create_table(self, name: str, /, obj: Any = None, *, temp: bool | None = None, **more: Any) -> ir.Table:
        """The table; a temporary one is worked out once and cut from its lineage, so that plans do not grow."""
        if not temp:
            return super().create_table(name, obj, temp=temp, **more)
        wanted = obj if isinstance(obj, ir.Table) else ibis.memtable(obj)
        rows = self._worked_out(wanted)
        types = {field.name: field.dataType for field in PySparkSchema.from_ibis(wanted.schema())}
        typed = rows.select(
            [rows[column].cast(types[column]) for column in rows.columns]
        )  # row numbers are 32 bits there
        with told():
            kept = typed.localCheckpoint(eager=True)
            (kept.hint("broadcast") if kept.count() <= SMALL_ROWS else kept).createOrReplaceTempView(name)
        return self.table(name)

    def drop_table(self, name: str, /, **more: Any) -> None:
        """Forgets a temporary table, or drops a stored one."""
        if not self._session.catalog.dropTempView(name):
            super().drop_table(name, **more)

    def read_parquet(
        self, source: str | Sequence[str], /, *, table_name: str | None = None, **options: Any
    ) -> ir.Table:
        """The rows of one file or of several with the same columns."""
        files = [source] if isinstance(source, str) else list(source)
        name = table_name or gen_name("read")
        with told():
            self._session.read.options(**options).parquet(*files).createOrReplaceTempView(name)
        return self.table(name)

    def to_parquet(self, expr: ir.Table, /, path: str | Path, **options: Any) -> None:
        """Writes the rows to a folder, every worker its own file."""
        with told():
            super().to_parquet(expr, path, **options)

    def get_schema(self, table_name: str, **more: Any) -> Schema:
        """The columns, times with their zone: Spark's are instants, which Ibis takes for local ones."""
        found = super().get_schema(table_name, **more)
        return Schema({name: UTC if kind.is_timestamp() else kind for name, kind in found.items()})

    def to_pyarrow(self, expr: ir.Expr, /, *, limit: int | str | None = None, **more: Any) -> Any:
        """The rows by way of Arrow alone."""
        table = expr.as_table()
        with told():
            rows = self._worked_out(table if limit is None else table.limit(int(limit))).toArrow()
        return expr.__pyarrow_result__(PyArrowData.convert_table(rows, table.schema()))

    def _worked_out(self, expr: ir.Table) -> DataFrame:
        self._run_pre_execute_hooks(expr)
        return self._session.sql(self.compile(expr))

    def _register_in_memory_table(self, op: Any) -> None:
        rows: pa.Table = op.data.to_pyarrow(op.schema)
        self._session.createDataFrame(rows).createOrReplaceTempView(op.name)


def connect(master: str, options: Mapping[str, str] | None = None) -> Spark:
    """A connection to `master`: local[N], a cluster's URL, or sc://host:port (Spark Connect).

    `options`: Spark's own; they win over SETTINGS, and over a local master's number of parts, which goes by its cores.
    Raises CsperfError where the session cannot be had, with what Spark says.
    """
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    wanted: dict[str, Any] = {**SETTINGS, **(options or {})}
    far = master.startswith("sc://")
    if far:
        _knock(master)
    elif not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise CsperfError(Problem("engine.master", say("engine.no_java", master=master)))
    ibis.pyspark  # noqa: B018 - Ibis sets the backend's options up when it is first named
    builder = SparkSession.builder.remote(master) if far else SparkSession.builder.master(master)
    with told():
        session = builder.config(map=wanted).getOrCreate()
        if master.startswith("local") and PARTS not in wanted:
            session.conf.set(PARTS, PARTS_PER_CORE * session.sparkContext.defaultParallelism)
        return Spark().connect(session)


def _knock(master: str) -> None:
    """CsperfError where nobody answers at a Spark Connect address: its client would go on trying for many minutes."""
    address = urlsplit(master)
    try:
        socket.create_connection((address.hostname or "", address.port or CONNECT_PORT), PATIENCE_S).close()
    except OSError as error:
        reason = f"{master}: {error.strerror or error}"
        raise CsperfError(Problem("engine.master", say("engine.spark_failed", reason=reason))) from error


@contextmanager
def told() -> Iterator[None]:
    """What Spark raises, as a message: which job failed is in its own log, why is in the first line."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        said = str(getattr(error, "java_exception", error))  # Py4J itself says no more than what was called
        reason = next((line for line in said.splitlines() if line.strip()), type(error).__name__)
        raise CsperfError(Problem("engine", say("engine.spark_failed", reason=reason))) from error
