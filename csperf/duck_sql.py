"""Where DuckDB has a quicker word than the one Ibis spells: instants, and the row with the least or greatest key.

The rows are the same. Differences and sums of instants would go by calendars, of which microseconds since 1970 know
nothing; and a value beside an extreme would sort its group.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from ibis.backends.sql.compilers.duckdb import DuckDBCompiler
from ibis.expr import operations as ops

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


class QuickSQL(DuckDBCompiler):
    """Ibis' compiler for DuckDB, but for these four."""

    def visit_TimestampDelta(self, op: ops.TimestampDelta, *, part: Any, left: Any, right: Any) -> Any:
        """Microseconds between two instants; other units as ever."""
        if part.this != "microsecond":
            return super().visit_TimestampDelta(op, part=part, left=left, right=right)
        since = self.f.epoch_us(left)
        return since if _is_epoch(op.right) else since - self.f.epoch_us(right)

    def visit_TimestampAdd(self, op: ops.TimestampAdd, *, left: Any, right: Any) -> Any:
        """So many microseconds after 1970; other sums as ever."""
        if _is_epoch(op.left) and isinstance(op.right, ops.IntervalFromInteger) and op.right.unit.short == "us":
            return self.f.make_timestamptz(right.expressions[0])
        return super().visit_TimestampAdd(op, left=left, right=right)

    def visit_ArgMin(self, op: ops.ArgMin, *, arg: Any, key: Any, where: Any) -> Any:
        """The value where the key is least; rows without a key do not count."""
        return self.agg.arg_min_null(arg, key, where=where)

    def visit_ArgMax(self, op: ops.ArgMax, *, arg: Any, key: Any, where: Any) -> Any:
        """The value where the key is greatest; rows without a key do not count."""
        return self.agg.arg_max_null(arg, key, where=where)


def _is_epoch(node: ops.Node) -> bool:
    return isinstance(node, ops.Literal) and node.value == EPOCH
