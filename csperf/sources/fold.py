"""Item rows: several rows of a file that tell of one order, folded into one row of the contract."""

from __future__ import annotations

import duckdb
import ibis
from pydantic import BaseModel, ConfigDict, Field

from ..facts import INPUT, ORDER_STATES
from .loaded import RAW, Notice, filled_by_source, judged

EQUAL_ORDERS = 3  # so many orders of several rows, all with one amount on each row, are no chance


class Fold(BaseModel):
    """How the rows of one order become one: `by` is the column that they share.

    `add`: columns of which the rows' values are added up, as each row has its own part. All others are taken from the
    first row in which they are filled: they speak of the order, on every row of it or on the first only. `down`: below
    an order's first row its id is blank, as in merged cells.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    by: str = Field(examples=["order_id"])
    add: tuple[str, ...] = ()
    down: bool = False


def fold(con: duckdb.DuckDBPyConnection, how: Fold, name: str) -> tuple[int, list[Notice]]:
    """How many rows of the connection's table `rows` went into others, and what is to be known of it.

    A folded row stands on the line of the first, with the status of the least advanced row that is not closed and the
    last of the times of closing. Where one row of an order cannot be read, none of it is taken: its sum would be wrong.
    """
    if how.down:
        _fill_down(con, how.by)
    usable = f"filtered IS NULL AND {how.by} IS NOT NULL"
    con.execute(
        f"""UPDATE rows SET reason = 'order_incomplete' WHERE reason IS NULL AND {usable}
        AND {how.by} IN (SELECT {how.by} FROM rows WHERE reason IS NOT NULL AND {usable})"""
    )
    notices = _levels(con, how, name)
    folding = f"{usable} AND reason IS NULL"
    before, after = con.execute(f"SELECT count(*), count(DISTINCT {how.by}) FROM rows WHERE {folding}").fetchall()[0]
    columns = ", ".join(_folded(con, how))
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE rows AS
        SELECT * FROM (FROM rows WHERE NOT ({folding}))
        UNION ALL BY NAME SELECT {columns} FROM rows WHERE {folding} GROUP BY {how.by} ORDER BY source_line"""
    )
    _judge(con, name)
    return before - after, notices


def _fill_down(con: duckdb.DuckDBPyConnection, column: str) -> None:
    above = f"last_value({column} IGNORE NULLS) OVER (ORDER BY source_line ROWS UNBOUNDED PRECEDING)"
    con.execute(f"CREATE OR REPLACE TEMP TABLE rows AS SELECT * REPLACE ({above} AS {column}) FROM rows")


def _folded(con: duckdb.DuckDBPyConnection, how: Fold) -> list[str]:
    """The columns of a folded row, as SQL."""
    states = ", ".join(f"'{state}'" for state in ORDER_STATES)
    rank = f"list_position([{states}], status)"  # closed is the last of the states
    least = f"min_by({{0}}, {rank}) FILTER (status IS NOT NULL)"
    made = {"source_line": "min(source_line)", "closed_at": "max(closed_at)", how.by: how.by}
    made |= {column: least.format(column) for column in ("status", "status_raw")}
    made |= {column: f"CAST(sum({column}) AS BIGINT)" for column in how.add}
    names = [row[0] for row in con.execute("DESCRIBE rows").fetchall()]
    return [f'{made.get(name, f"""any_value("{name}" ORDER BY source_line)""")} AS "{name}"' for name in names]


def _levels(con: duckdb.DuckDBPyConnection, how: Fold, name: str) -> list[Notice]:
    """Notices where the amounts look as if they were of another level than the format says.

    Amounts of an order that differ from row to row are its parts; parts that are all equal may be the whole, repeated.
    """
    notices = []
    for column in ("amount_fen", "quantity"):
        orders, equal, example = con.execute(
            f"""SELECT count(*), count(*) FILTER (low = high), min(key) FILTER (low <> high) FROM (
            SELECT {how.by} AS key, min({column}) AS low, max({column}) AS high FROM rows
            WHERE filtered IS NULL AND reason IS NULL GROUP BY 1 HAVING count({column}) > 1)"""
        ).fetchall()[0]
        if column in how.add and column != "quantity" and orders == equal >= EQUAL_ORDERS:
            notices.append(Notice("amounts_repeat", {"n": orders}))
        if column not in how.add and equal < orders:
            notices.append(Notice("amounts_differ", {"n": orders - equal, "example": example, "column": column}))
    return notices


def _judge(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Fills `reason` of the folded rows, and leaves the cells as text to the rejected ones."""
    kinds = {column.name: column.type for column in INPUT[name].columns}
    known = {column: kinds[column] for column in filled_by_source(INPUT[name])}
    raw = [row[0] for row in con.execute("DESCRIBE rows").fetchall() if row[0].startswith(RAW)]
    schema = known | dict.fromkeys([*raw, "filtered", "reason"], "string") | {"source_line": "int64"}
    verdicts = judged(ibis.table(schema, name="rows"), INPUT[name])
    sql = ibis.to_sql(verdicts, dialect="duckdb")
    con.execute(f"CREATE OR REPLACE TEMP TABLE rows AS FROM ({sql}) ORDER BY source_line")
