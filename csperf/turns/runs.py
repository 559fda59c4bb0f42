"""Cutting ordered rows into runs: the one piece of arithmetic behind turns, sessions and hand-overs."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from ..engine import Scratch


def only(condition: ir.Value, value: ir.Value) -> ir.Value:
    """`value` where the condition holds, else null, so that aggregates pass over it."""
    return ibis.ifelse(condition, value, None)


def before(table: ir.Table, flag: str, group: list[str]) -> ir.IntegerValue:
    """How many flagged rows of the group come before this one in `ord`."""
    number = table[flag].cast("int64")
    return number.sum().over(ibis.cumulative_window(group_by=group, order_by="ord")) - number


def runs(
    keep: Scratch, table: ir.Table, group: list[str], opener: str, limit_us: int | None, clock: str = "us"
) -> ir.Table:
    """`table` with run_ord and run_us: the place and time of the opener that starts each row's run.

    A run starts at a flagged row and lasts until the first flagged row more than `limit_us` after that start (None: to
    the end of the group). Rows before the first opener of their group have nulls. Greedy, so it needs a round for each
    run of the longest group; nearly always the first round is the last.
    """
    whole = ibis.window(group_by=group)

    def started(rows: ir.Table) -> ir.Table:
        opens = rows[opener]
        return rows.mutate(
            run_ord=only(opens, rows.ord).min().over(whole), run_us=only(opens, rows[clock]).min().over(whole)
        )

    parts, rest = [], started(table)
    while limit_us is not None:
        late = rest[opener] & (rest[clock] > rest.run_us + limit_us)
        rest = keep(rest.mutate(next_ord=only(late, rest.ord).min().over(whole)))
        if rest.next_ord.count().execute() == 0:
            rest = rest.drop("next_ord")
            break
        parts.append(rest.filter(rest.next_ord.isnull() | (rest.ord < rest.next_ord)).drop("next_ord"))
        rest = started(rest.filter(rest.ord >= rest.next_ord).drop("next_ord", "run_ord", "run_us"))
    joined = ibis.union(rest, *parts) if parts else rest
    inside = joined.ord >= joined.run_ord
    return joined.mutate(run_ord=only(inside, joined.run_ord), run_us=only(inside, joined.run_us))
