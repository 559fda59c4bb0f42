"""Cutting ordered rows into runs: the one piece of arithmetic behind turns, sessions and hand-overs."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from ..engine import Scratch, any_row, expression


def only(condition: ir.Value, value: ir.Value) -> ir.Value:
    """`value` where the condition holds, else null, so that aggregates pass over it."""
    return ibis.ifelse(condition, value, None)


def before(table: ir.Table, flag: str, group: list[str]) -> ir.IntegerValue:
    """How many flagged rows of the group come before this one in `ord`."""
    number = table[flag].cast("int64")
    return number.sum().over(ibis.cumulative_window(group_by=group, order_by="ord")) - number


@expression
def beside(rows: ir.Table, known: ir.Table, key: list[str]) -> ir.Table:
    """The rows with what is known of their key; nothing where there is none of it, or a key is null."""
    return rows.left_join(known, key).drop(*(f"{name}_right" for name in key))


def with_totals(rows: ir.Table, group: list[str], **totals: ir.Value) -> ir.Table:
    """The rows with what their group adds up to; nothing where a key is null.

    A join with the small table of groups moves the rows once, a window would sort them. `rows` are looked at twice.
    """
    return beside(rows, rows.group_by(group).agg(**totals), group)


def runs(
    keep: Scratch, table: ir.Table, group: list[str], opener: str, limit_us: int | None, clock: str = "us"
) -> ir.Table:
    """`table` with run_ord and run_us: the place and time of the opener that starts each row's run.

    A run starts at a flagged row and lasts until the first flagged row more than `limit_us` after that start (None: to
    the end of the group). Rows before the first opener of their group have nulls. `table` is looked at twice.
    """
    starts = keep(_openers(table, group, opener, clock))
    first = starts.drop("last_us")
    cut = beside(table, first, group)
    if limit_us is not None:
        late = starts.filter(starts.last_us > starts.run_us + limit_us)
        if any_row(late):  # hardly ever: somebody who was left waiting for days
            table = keep(table)
            several = _several_runs(keep, table.semi_join(late, group), group, opener, limit_us, clock)
            cut = beside(table.anti_join(late, group), first, group).union(several)
    return _from_start(cut)


@expression
def _openers(table: ir.Table, group: list[str], opener: str, clock: str) -> ir.Table:
    opens = table.filter(table[opener]).group_by(group)
    return opens.agg(run_ord=_.ord.min(), run_us=_[clock].min(), last_us=_[clock].max())


@expression
def _from_start(cut: ir.Table) -> ir.Table:
    inside = cut.ord >= cut.run_ord
    return cut.mutate(run_ord=only(inside, cut.run_ord), run_us=only(inside, cut.run_us))


def _several_runs(keep: Scratch, rows: ir.Table, group: list[str], opener: str, limit_us: int, clock: str) -> ir.Table:
    starts = _starts(keep, keep(rows.filter(rows[opener]).select(*group, "ord", clock)), group, limit_us, clock)
    flagged = beside(rows, starts.mutate(starts=True), [*group, "ord"])
    so_far = ibis.cumulative_window(group_by=group, order_by="ord")
    return flagged.mutate(
        run_ord=only(flagged.starts, flagged.ord).max().over(so_far),
        run_us=only(flagged.starts, flagged[clock]).max().over(so_far),
    ).drop("starts")


def _starts(keep: Scratch, openers: ir.Table, group: list[str], limit_us: int, clock: str) -> ir.Table:
    """The openers that start a run: the first, then always the first beyond the limit.

    Greedy, so one follows from the other; jumps of doubling length find a chain of n in log2(n) rounds.
    """
    beyond = ibis.range_window(group_by=group, order_by=clock, following=(limit_us + 1, None))
    jump = keep(openers.select(*group, "ord", to=openers.ord.min().over(beyond)).filter(_.to.notnull()))
    reached = keep(openers.group_by(*group).agg(ord=_.ord.min()))
    place = [*group, "ord"]
    while True:
        onward = reached.inner_join(jump, place).select(*group, ord=_.to)
        onward = keep(onward.anti_join(reached, place).distinct())
        if not any_row(onward):
            return reached
        reached = keep(reached.union(onward))
        twice = jump.select(*group, mid=jump.ord, to=jump.to)
        jump = keep(jump.select(*group, "ord", mid=jump.to).inner_join(twice, [*group, "mid"]).select(*place, "to"))
