"""Any table (CSV, TSV, Excel, Parquet) whose columns are mapped in YAML."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa

from ..errors import CsperfError, Problem
from ..facts import INPUT
from ..settings import listed
from ..text import say
from . import decode
from .columns import FAULTS, Plan, plan_of
from .fold import fold
from .loaded import RAW, Loaded, Notice, Shop, account_name, judged, seal, workbench
from .mapping import Settings
from .thread import along_replies

__all__ = ["Settings", "load"]

ACCOUNTS = ("account_id", "to_account")
LONG_ID = 16  # digits; Excel keeps 15 and writes zeros behind them
ROUNDED_SHARE = 0.5  # of the long ids of a file: more than that ending in 000 is no chance
ROUNDED_END = "000"
IN_POWERS = r"^\d(\.\d+)?[eE]\+?\d+$"


def load(path: Path, settings: Settings, shop: Shop) -> Loaded:
    """The file's rows in the columns of `settings.table`.

    CsperfError where the file cannot be read, lacks mapped columns (all named at once), or holds times without
    zone while neither the source nor the shop names one.
    """
    plan = plan_of(settings, shop.timezone, shop.key)
    if not shop.key and any(how == "hash" for _name, how in plan.sources):
        raise decode.problem(path, "key_missing")
    with workbench() as con:
        with decode.open_sheet(path, settings.format, settings.sheet, settings.header_row) as sheet:
            _fill_rows(con, plan, sheet, _places(path, settings, sheet))
        _refuse_times_without_zone(con, path)
        if settings.thread:
            _follow_thread(con, plan)
        for column in set(ACCOUNTS) & set(settings.columns) | ({"account_id"} if settings.thread else set()):
            _unify_accounts(con, column)
        notices = [notice for c in settings.columns if c.endswith("_id") for notice in _rounded(con, c, settings)]
        read = con.sql("SELECT source_line FROM rows LIMIT 1").fetchall()
        notices += [] if read else [Notice("header_only")]
        folded = 0
        if settings.fold:
            folded, found = fold(con, settings.fold, settings.table)
            notices += found
        notices += [notice for column in sorted(settings.lenient) for notice in _unlisted(con, column, settings)]
        if settings.table == "roster":
            _refuse_twice(con)
        if settings.table == "tickets":
            _refuse_closed_twice(con)
        loaded = seal(con, settings.table, path, shop, tuple(notices), folded)
        return replace(loaded, cells=settings.cells, faults=_faults(con) if INPUT[settings.table].statement else ())


def _places(path: Path, settings: Settings, sheet: decode.Sheet) -> dict[str, str]:
    """What the mapping calls a column to what the file's header calls it; CsperfError naming all that are missing."""
    candidates = {wanted: sheet.named(wanted) for wanted in settings.mapped}
    missing = [wanted for wanted, names in candidates.items() if not names]
    unclear = [wanted for wanted, names in candidates.items() if len(names) > 1 or sheet.twice.intersection(names)]
    problems = []
    if missing:
        slots = {"missing": ", ".join(missing), "header": listed(sheet.header), "nearest": _nearest(missing, sheet)}
        problems.append(Problem(str(path), say("load.columns_missing", header_row=settings.header_row, **slots)))
    if unclear:
        problems.append(Problem(str(path), say("load.columns_twice", columns=", ".join(unclear))))
    if problems:
        raise CsperfError(problems)
    return {wanted: names[0] for wanted, names in candidates.items()}


def _nearest(missing: Iterable[str], sheet: decode.Sheet) -> str:
    """A sentence with the header's names like those missing; where there are none, that this is another table."""
    found = {name: get_close_matches(decode.normalised(name), sheet.header, n=3, cutoff=0.5) for name in missing}
    pairs = "; ".join(f"{name} ≈ {', '.join(names)}" for name, names in found.items() if names)
    return say("load.nearest", pairs=pairs) if pairs else say("load.another_table")


def _fill_rows(con: duckdb.DuckDBPyConnection, plan: Plan, sheet: decode.Sheet, places: dict[str, str]) -> None:
    """Fills the connection's table `rows`, a batch of the file at a time."""
    con.register("none", plan.no_rows)
    con.execute("CREATE TEMP TABLE rows AS FROM none")
    for batch in sheet.batches([places[name] for name, _how in plan.sources]):
        con.register("batch", plan.hidden(batch))
        con.execute(f"INSERT INTO rows {plan.sql}")
    con.unregister("batch")


def _refuse_times_without_zone(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    line, rows = con.execute("SELECT min(source_line), count(*) FROM rows WHERE naive").fetchall()[0]
    if rows:
        raise decode.problem(path, "time_without_zone", line=line, rows=rows)


def _follow_thread(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Fills account_id and buyer_id along the reply links, then judges the rows."""
    thread = plan.settings.thread
    assert thread
    columns = "source_line, thread_id, thread_parent, thread_agent, thread_account, buyer_id, sent_at"
    usable = "filtered IS NULL AND reason IS NULL"
    rows = con.execute(f"SELECT {columns} FROM rows WHERE {usable} ORDER BY source_line").to_arrow_table().to_pandas()
    con.register("linked", pa.Table.from_pandas(along_replies(rows, thread.reach), preserve_index=False))
    con.execute(
        """UPDATE rows SET account_id = linked.account_id, buyer_id = linked.buyer_id,
           reason = CASE WHEN linked.thread_agent AND linked.buyer_id IS NULL THEN 'thread_without_buyer' END
           FROM linked WHERE linked.source_line = rows.source_line"""
    )
    schema = plan.types | {"source_line": "int64", "filtered": "string", "reason": "string"}
    verdicts = judged(ibis.table(schema, name="rows"), INPUT[plan.settings.table]).select("source_line", "reason")
    sql = ibis.to_sql(verdicts, dialect="duckdb")
    con.execute(f"UPDATE rows SET reason = v.reason FROM ({sql}) v WHERE v.source_line = rows.source_line")


def _unify_accounts(con: duckdb.DuckDBPyConnection, column: str) -> None:
    found = [name for (name,) in con.execute(f"SELECT DISTINCT {column} FROM rows").fetchall() if name]
    changed = {name: account_name(name) for name in found if account_name(name) != name}
    if changed:
        con.register("spelling", pa.table({"found": list(changed), "plain": list(changed.values())}))
        con.execute(f"UPDATE rows SET {column} = plain FROM spelling WHERE {column} = found")


def _refuse_twice(con: duckdb.DuckDBPyConnection) -> None:
    """Rejects lines of a roster that say of an account and day otherwise than a line above: which is meant?"""
    said = "agent_id, name, role, level, team, started, ended, valid_to"
    con.execute(
        f"""UPDATE rows SET reason = 'twice:account_id', {FAULTS} = 'twice:account_id' FROM
        (SELECT source_line AS line, row({said}) AS said, first_value(row({said})) OVER same AS above FROM rows
         WHERE filtered IS NULL AND reason IS NULL
         WINDOW same AS (PARTITION BY account_id, valid_from ORDER BY source_line)) lines
        WHERE lines.line = rows.source_line AND lines.said IS DISTINCT FROM lines.above"""
    )


def _refuse_closed_twice(con: duckdb.DuckDBPyConnection) -> None:
    """Rejects events by which the same account closes a ticket that it has closed before and nobody opened since."""
    con.execute(
        """UPDATE rows SET reason = 'closed_twice' FROM
        (SELECT source_line AS line, event, account_id, "at" AS moment, lag(event) OVER same AS before,
         lag(account_id) OVER same AS closer, lag("at") OVER same AS earlier FROM rows
         WHERE filtered IS NULL AND reason IS NULL AND event <> 'replied'
         WINDOW same AS (PARTITION BY ticket_id ORDER BY "at", source_line)) log
        WHERE log.line = rows.source_line AND log.event = 'closed' AND log.before = 'closed'
        AND log.moment > log.earlier AND log.account_id IS NOT DISTINCT FROM log.closer"""
    )


def _faults(con: duckdb.DuckDBPyConnection) -> tuple[tuple[int, str], ...]:
    """Line and reason of everything wrong in the rejected rows, the first thing of each column."""
    rejected = con.execute(
        f"SELECT source_line, {FAULTS} FROM rows WHERE filtered IS NULL AND reason IS NOT NULL ORDER BY source_line"
    ).fetchall()
    return tuple((line, reason) for line, faults in rejected for reason in _by_column(faults.split()))


def _by_column(reasons: Iterable[str]) -> Iterable[str]:
    """A cell that does not read is also empty to the contract: that is not said twice."""
    found: dict[str, str] = {}
    for reason in reasons:
        found.setdefault(reason.partition(":")[2] or reason.removesuffix("_unknown"), reason)
    return found.values()


def _unlisted(con: duckdb.DuckDBPyConnection, column: str, settings: Settings) -> list[Notice]:
    """A notice with the words of a column that no list knows, and what they were taken for."""
    found = con.execute(
        f"""SELECT "{RAW}{column}", count(*) FROM rows WHERE filtered IS NULL AND reason IS NULL
        AND "{RAW}{column}" IS NOT NULL GROUP BY ALL ORDER BY 2 DESC, 1"""
    ).fetchall()
    ways = settings.columns[column]
    words = {word: n for word, n in found if not any(way.knows(word) for way in ways)}
    if not words:
        return []
    heading, allowed = settings.cells[column]
    meant = next((str(way.otherwise) for way in ways if way.otherwise is not None), "-")
    slots = {"column": heading, "words": listed(words), "n": sum(words.values()), "meant": meant, "allowed": allowed}
    return [Notice("words_unlisted", slots)]


def _rounded(con: duckdb.DuckDBPyConnection, column: str, settings: Settings) -> list[Notice]:
    """A notice where Excel has rounded ids of the column; rows of a key that rounding made alike are rejected."""
    powers = f"regexp_matches({column}, '{IN_POWERS}')"
    long = rf"(length({column}) >= {LONG_ID} AND regexp_matches({column}, '^\d+$'))"
    ends = f"({long} AND {column} LIKE '%{ROUNDED_END}')"
    counts = f"count(*) FILTER ({powers}), count(*) FILTER ({long}), count(*) FILTER ({ends})"
    in_powers, at_all, at_end = con.execute(f"SELECT {counts} FROM rows WHERE filtered IS NULL").fetchall()[0]
    mostly = at_end > 1 and at_end > ROUNDED_SHARE * at_all
    if not in_powers and not mostly:
        return []
    rounded = f"({powers} OR {ends})" if mostly else powers
    first = f"SELECT source_line, {column} FROM rows WHERE filtered IS NULL AND {rounded} ORDER BY ALL LIMIT 1"
    line, example = con.execute(first).fetchall()[0]
    if column in ("message_id", *INPUT[settings.table].key):
        con.execute(
            f"""UPDATE rows SET reason = 'id_collides:{column}' WHERE reason IS NULL AND {rounded} AND {column} IN
            (SELECT {column} FROM rows WHERE filtered IS NULL GROUP BY {column} HAVING count(*) > 1)"""
        )
    heading, _words = settings.cells[column]
    n = in_powers + (at_end if mostly else 0)
    return [Notice("id_rounded", {"column": heading, "n": n, "line": line, "example": example})]
