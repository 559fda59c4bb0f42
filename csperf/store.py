"""A shop's Parquet store: a file per table and month, no row twice, nothing lost, written whole or not at all."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import duckdb
import ibis
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from ibis.backends import BaseBackend

from .engine import LOADING, apart, connect
from .errors import CsperfError, Problem
from .facts import INPUT
from .kept import Kept, digest
from .text import say

FORMAT = 5  # of the folder; a store of another format is read anew from the exports
MANIFEST = "manifest.json"
STAGING = ".staging"
CONTENT = "content.json"
UNDATED = "all"
STATEMENTS = "statements"  # every row of every form as it is now: where one goes, what equalled it comes back
FIRST = ("line", "column", "found", "allowed")  # what the manifest keeps of the first row rejected for each reason
CONFLICT = (
    *("agent_id", "first", "last", "metric", "value", "line", "cell", "earlier", "file", "file_line", "file_cell"),
    *("refused", "heading"),
)
FATES = ("kept", "refused", "replaced", "duplicate")  # a line of which any row stays is kept
FROZEN = "month_frozen"  # why a row is refused
SAME_CELL = " AND ".join(
    f"old.{name} IS NOT DISTINCT FROM new.{name}"
    for name in ("shop_id", "agent_id", "day", "period_start", "period_end", "metric", "definitions")
)
# The value that stays beside the one it replaces; in a frozen month the one that is refused beside the one that stays.
# A value that was provisional was expected to change.
CONFLICTS = f"""
    SELECT new.source_file, new.agent_id, CAST(coalesce(new.day, new.period_start) AS VARCHAR),
           CAST(coalesce(new.day, new.period_end) AS VARCHAR), new.metric, new.value, new.source_line, new.cell,
           old.value, old.source_file, old.source_line, old.cell, new.fate = 1, new.heading
    FROM judged new JOIN judged old ON {SAME_CELL}
    WHERE new.file_no >= 0 AND ((new.fate = 1 AND old.fate = 0) OR (new.fate = 0 AND old.fate = 2
      AND old.state = new.state - 1 AND NOT old.provisional AND old.value IS DISTINCT FROM new.value))
    ORDER BY new.source_file, new.source_line, new.metric"""
# What stood when the month was frozen stays, whatever is loaded later; files of before are as they were.
STANDS = f"""
    UPDATE judged new
    SET fate = CASE WHEN new.source_file = old.source_file AND new.source_line = old.source_line THEN 0
                    WHEN new.content = old.content THEN 3 WHEN new.file_no < old.file_no THEN 2 ELSE 1 END
    FROM (SELECT judged.* FROM judged JOIN read_parquet($stored) AS stood
          USING (shop_id, agent_id, metric, definitions, source_file, source_line)) old
    WHERE {SAME_CELL}"""
PARQUET = {"compression": "zstd", "use_dictionary": True}


class Loaded(Protocol):
    """One file as a source hands it on; see csperf.sources.Loaded."""

    file: str
    sha256: str
    tables: dict[str, Any]  # pa.Table, or rows kept on disk that also have `len` and `to_batches`
    rejects: pa.Table
    counts: Any
    warnings: Sequence[Any]
    cells: Mapping[str, tuple[str, str]]
    days: tuple[dt.date, dt.date] | None
    recognised: Any
    faults: Sequence[tuple[int, str]]
    sheet: str


class Store:
    """The tables of one shop below a folder; `tz` is the zone of its days.

    `until`: the last day that is known; what happened later is not read. Rosters, shifts and other statements of what
    is or is planned stay whole.
    """

    def __init__(self, root: str | Path, tz: str = "UTC", until: dt.date | None = None) -> None:
        self.root = Path(root)
        self.tz = tz
        self.until = until

    # ------------------------------------------------------------------------------------------------------ reading

    def read(
        self, con: BaseBackend, table: str, first_day: dt.date | None = None, last_day: dt.date | None = None
    ) -> ibis.Table:
        """The table in the columns of facts.INPUT, as a view of `con`: no file gives a table without rows.

        With days, the rows whose local day (the first of the table's day columns that is filled) lies between them,
        both included; tables without days are always whole.
        """
        schema = INPUT[table].schema
        files = [str(path) for path in self._files(table, first_day, last_day)]
        if not files:
            return ibis.memtable(INPUT[table].arrow.empty_table(), schema=schema)
        _refuse_broken(files, self.root)
        rows = self._known(con.read_parquet(files).cast(schema), table)
        if INPUT[table].day_columns:
            day = ibis.coalesce(*(rows[name] for name in INPUT[table].day_columns))
            within = ([day >= first_day] if first_day else []) + ([day <= last_day] if last_day else [])
            rows = rows.filter(*within) if within else rows
        return rows

    def _known(self, rows: ibis.Table, table: str) -> ibis.Table:
        """The rows as known at the end of the day `until`: none of later days, no later time nor what it brought."""
        if not self.until:
            return rows
        if "period_end" in rows.columns:
            rows = rows.filter(rows.period_end.isnull() | (rows.period_end <= self.until))
        if INPUT[table].statement:
            return rows
        tomorrow = self.until + dt.timedelta(days=1)
        midnight = dt.datetime.combine(tomorrow, dt.time(), ZoneInfo(self.tz)).astimezone(dt.UTC)
        day = ibis.coalesce(*(rows[name] for name in INPUT[table].day_columns))
        rows = rows.filter(day.isnull() | (day < tomorrow))
        for time, earlier in INPUT[table].before.items():
            yet_to_come = (rows[time] >= midnight).fill_null(False)
            rows = rows.mutate(**{name: ibis.ifelse(yet_to_come, value, rows[name]) for name, value in earlier.items()})
        later = {
            name: rows[name] >= (midnight if kind.is_timestamp() else tomorrow)
            for name, kind in rows.schema().items()
            if kind.is_temporal() and kind.nullable
        }
        return rows.mutate(**{name: ibis.ifelse(late, None, rows[name]) for name, late in later.items()})

    def tables(self) -> list[str]:
        """Names of the tables that hold rows."""
        return [name for name in INPUT if self._files(name)]

    def months(self, table: str = "") -> list[str]:
        """Months (YYYY-MM) of which there are rows, in order; of one table, or of any that say what happened."""
        names = [table] if table else [name for name in INPUT if not INPUT[name].statement]
        return sorted({path.stem for name in names for path in self._files(name)} - {UNDATED})

    def newest_day(self) -> dt.date | None:
        """The last day of which any table that says what happened has a row; null where there is none."""
        return _newest_day(self.root, self.tz, self.until, tuple(self.fingerprint()))

    def _last_of(self, table: str, since: dt.date) -> dt.date | None:
        with apart() as con:
            rows = self.read(con, table, since)
            ends = [rows[column] for column in ("period_end", *INPUT[table].day_columns) if column in rows.columns]
            return rows.agg(day=ibis.coalesce(*ends).max()).to_pandas()["day"].iloc[0]

    def _files(self, table: str, first_day: dt.date | None = None, last_day: dt.date | None = None) -> list[Path]:
        known = None if INPUT[table].statement else self.until
        ends = [day for day in (last_day, known) if day]
        first, last = (f"{day:%Y-%m}" if day else None for day in (first_day, min(ends, default=None)))
        return [
            path
            for path in sorted((self.root / table).glob("*.parquet"))
            if path.stem == UNDATED or ((not first or path.stem >= first) and (not last or path.stem <= last))
        ]

    def coverage(self, table: str = "messages") -> pd.DataFrame:
        """Rows of each account on each day from the first to the last: account_id, day, n.

        n is null on a day without any row of the shop (not downloaded), 0 where only this account has none. Of measured
        values a row of a period covers each of its days. Where no row names an account, all stand under the name "".
        """
        empty = pd.DataFrame({"account_id": pd.Series(dtype=str), "day": [], "n": pd.Series(dtype="Int64")})
        if not self._files(table):
            return empty
        with apart() as con:
            rows = self.read(con, table)
            counted = _measured_days(rows) if table == "measured" else _days(rows, table)
        if counted["account_id"].isna().all():  # a telephone log that does not say who took the calls
            counted = counted.assign(account_id="")
        wide = counted.pivot_table(index="day", columns="account_id", values="n", aggfunc="sum")
        days = pd.date_range(counted["day"].min(), counted["day"].max())
        downloaded = pd.to_datetime(counted["day"]).unique()
        wide.index = pd.to_datetime(wide.index)
        wide = wide.reindex(days)
        wide[wide.index.isin(downloaded)] = wide[wide.index.isin(downloaded)].fillna(0)
        long = wide.rename_axis("day").reset_index().melt(id_vars="day", var_name="account_id", value_name="n")
        long["day"] = long["day"].dt.date
        long["n"] = long["n"].astype("Int64")
        return long.sort_values(["account_id", "day"], ignore_index=True)[["account_id", "day", "n"]]

    def manifest(self) -> dict[str, Any]:
        """What was loaded: {format, files: {name: {sha256, source, read, kept, ...}}}; no files where nothing was.

        CsperfError where the file cannot be read.
        """
        path = self.root / MANIFEST
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"format": FORMAT, "files": {}}
        except (ValueError, OSError) as error:
            said = say("load.broken_store", reason=error, folder=self.root)
            raise CsperfError(Problem(str(path), said)) from error

    def fingerprint(self) -> list[tuple[str, int, int]]:
        """Name, size and time of every file of rows: what is the same reads the same."""
        files = [(path.relative_to(self.root).as_posix(), path.stat()) for path in self.root.glob("*/*.parquet")]
        return sorted((name, stat.st_size, stat.st_mtime_ns) for name, stat in files)

    def content(self, kept: Kept, table: str) -> dict[dt.date, str]:
        """A hash of each day's rows, worked out once for each file: what is the same is not read again."""
        days: dict[dt.date, str] = {}
        for path in self._files(table):
            stat = path.stat()
            entry = kept.entry(digest("content", path.name, stat.st_size, stat.st_mtime_ns), partial(_hash_days, path))
            hashes = json.loads((entry / CONTENT).read_text(encoding="utf-8"))
            days |= {dt.date.fromisoformat(day): said for day, said in hashes.items()}
        return days

    # ------------------------------------------------------------------------------------------------------ writing

    def add(self, *loaded: Loaded) -> dict[str, dict[str, Any]]:
        """What became of the rows of these files, by file. The store then holds them, or is as it was."""
        with self.intake() as intake:
            for one in loaded:
                intake.stage(one)
            return intake.commit()

    def intake(self, *, anew: bool = False, frozen: frozenset[str] = frozenset()) -> Intake:
        """A way to add many files at once; `anew` forgets what the store held.

        `frozen`: months (YYYY-MM) of which no measured value changes any more: a row that says otherwise is refused.
        """
        return Intake(self, anew=anew, frozen=frozen)

    def recover(self) -> None:
        """Undoes a replacement of the folder that was cut off between its two renames."""
        old = _sibling(self.root, "old")
        if old.exists() and not self.root.exists():
            old.rename(self.root)


@lru_cache
def _newest_day(root: Path, tz: str, until: dt.date | None, _files: tuple[Any, ...]) -> dt.date | None:
    """The newest day of files that are still the same: every page of a pack asks."""
    store = Store(root, tz, until)
    months = {name: store.months(name) for name in INPUT if not INPUT[name].statement}
    days = [store._last_of(name, dt.date.fromisoformat(f"{of[-1]}-01")) for name, of in months.items() if of]
    return max((pd.Timestamp(day).date() for day in days if pd.notna(day)), default=None)


def _days(rows: ibis.Table, table: str) -> pd.DataFrame:
    """Rows of each account and day."""
    return rows.group_by("account_id", day=rows[INPUT[table].day_columns[0]]).agg(n=lambda t: t.count()).to_pandas()


def _measured_days(rows: ibis.Table) -> pd.DataFrame:
    """The same of measured values other than 0, each of which stands for the days from its first to its last."""
    spans = {"first": ibis.coalesce(rows.day, rows.period_start), "last": ibis.coalesce(rows.day, rows.period_end)}
    something = (rows.value != 0).sum().fill_null(0)
    found = rows.group_by(account_id=rows.agent_id, **spans).agg(n=something).to_pandas()
    days = [pd.date_range(first, last).date for first, last in zip(found["first"], found["last"], strict=True)]
    spread = found.assign(day=days).explode("day")
    return spread.groupby(["account_id", "day"], as_index=False)["n"].sum()


def _hash_days(path: Path, folder: Path) -> None:
    """Writes a hash of the rows of each day of a file of the store, in whatever order they are."""
    day = _listed(INPUT[path.parent.name].day_columns[:1])
    columns = _listed(INPUT[path.parent.name].arrow.names)
    with duckdb.connect() as con:
        said = con.execute(
            f"""SELECT CAST({day} AS VARCHAR), count(*), bit_xor(hash), sum(hash)
                FROM (SELECT {day}, hash({columns}) AS hash FROM read_parquet(?)) GROUP BY ALL""",
            [str(path)],
        ).fetchall()
    (folder / CONTENT).write_text(json.dumps({name: digest(*parts) for name, *parts in said}), encoding="utf-8")


def _refuse_broken(files: Iterable[str | Path], root: Path) -> None:
    """CsperfError naming every file of the store that is cut short."""
    broken = []
    for file in files:
        try:
            pq.read_metadata(file)
        except (pa.ArrowException, OSError) as error:
            reason = str(error).splitlines()[0]
            broken.append(Problem(str(file), say("load.broken_stored", reason=reason, folder=root)))
    if broken:
        raise CsperfError(broken)


def _sibling(root: Path, suffix: str) -> Path:
    return root.with_name(f"{root.name}.{suffix}")


class Intake:
    """Files on their way into a store. `stage` puts each beside the store, `commit` replaces the store whole."""

    def __init__(self, store: Store, *, anew: bool, frozen: frozenset[str]) -> None:
        store.recover()
        self.store = store
        self.folder = _sibling(store.root, "new")
        self.staging = self.folder / STAGING
        self.anew = anew
        self.frozen = frozen
        self.entries: dict[str, dict[str, Any]] = {} if anew else store.manifest()["files"]
        self.staged: list[str] = []
        self.rejects: dict[str, pa.Table] = {}  # of backends' tables, which may get more
        self.statements: dict[str, pa.Table] = {}  # table -> what its files say, one below the other

    def __enter__(self) -> Intake:
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            self.staging.mkdir(parents=True)
        except OSError as error:
            raise self._unwritable(error) from error
        return self

    def __exit__(self, _kind: object, failure: BaseException | None, _trace: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.store.recover()
        if isinstance(failure, (OSError, duckdb.IOException, duckdb.OutOfMemoryException)):
            raise self._unwritable(failure) from failure

    def _unwritable(self, failure: Exception) -> CsperfError:
        """The disk is full, or may not be written."""
        reason = getattr(failure, "strerror", None) or str(failure).splitlines()[0]
        return CsperfError(Problem(str(self.store.root), say("load.cannot_store", reason=reason)))

    def stage(self, loaded: Loaded, **about: str) -> None:
        """Writes one file's rows aside. `about` is kept in the manifest with its counts.

        A file that comes again under its name with other content is another delivery: it is told apart by its hash.
        In a table of statements it takes the place of what it said before.
        """
        label, entry = self._label(loaded), _entry(loaded) | about | {"place": len(self.entries)}
        if entry["statement"]:
            self._state(loaded, label, entry)
        self.entries[label] = entry
        for name in loaded.tables.keys() - {entry["statement"]}:
            if INPUT[name].statement:
                rows = _labelled(loaded.tables[name], label)
                self.statements[name] = pa.concat_tables([self._said(name), rows])
                continue
            for part, batch in enumerate(loaded.tables[name].to_batches()):
                self._stage_months(name, _labelled(pa.table(batch), label), part)
        if len(loaded.rejects):
            _write_rejects(loaded.rejects, self._aside(label))
        if "measured" in loaded.tables and self.frozen:
            self.rejects[label] = loaded.rejects
        self.staged.append(label)

    def _label(self, loaded: Loaded) -> str:
        """What this delivery of the file is called; one that says again what it once said, as then."""
        for label, entry in self.entries.items():
            if entry["superseded"] and (entry["file"], entry["sha256"]) == (loaded.file, loaded.sha256):
                return label
        name = f"{loaded.file}#{loaded.sheet}" if loaded.sheet else loaded.file
        return name if name not in self.entries else f"{name}@{loaded.sha256[:8]}"

    def _state(self, loaded: Loaded, label: str, entry: dict[str, Any]) -> None:
        """Takes back what the file said before, of the days that it speaks of now; a table without days whole."""
        table = entry["statement"]
        said, rows = self._said(table), _labelled(loaded.tables[table], label)
        before = [name for name, old in self.entries.items() if old["file"] == loaded.file]
        gone = pc.and_(pc.is_in(said["source_file"], pa.array(before, pa.string())), _spoken_of(table, said, loaded))
        for name in before:
            withdrawn = pc.sum(pc.equal(said.filter(gone)["source_file"], name)).as_py() or 0
            self.entries[name]["withdrawn"] += withdrawn
            self.entries[name]["superseded"] = True
            entry["place"] = self.entries[name]["place"]  # a mended form does not outrank one that came after it
        self.statements[table] = pa.concat_tables([said.filter(pc.invert(gone)), rows])

    def _said(self, table: str) -> pa.Table:
        """All that the files of a table of statements say, equal rows of several files included."""
        path = self.store.root / STATEMENTS / f"{table}.parquet"
        if table in self.statements:
            return self.statements[table]
        if self.anew or not path.exists():
            return INPUT[table].arrow.empty_table()
        _refuse_broken([path], self.store.root)
        return pq.read_table(path)

    def _stage_months(self, name: str, rows: pa.Table, number: int) -> None:
        month = months_of(name, rows)
        for value in pc.unique(month).to_pylist():
            part = rows.filter(pc.equal(month, value))
            path = self.staging / name / value / f"{len(self.staged):06}-{number:04}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(part.append_column("file_no", pa.repeat(len(self.staged), len(part))), path)

    def commit(self) -> dict[str, dict[str, Any]]:
        """What became of the rows of the staged files, by file. The store is replaced whole, the manifest with it."""
        con = connect(LOADING).con
        con.execute("CREATE TABLE fates (file VARCHAR, line BIGINT, fate TINYINT)")
        for table in sorted(path.name for path in self.staging.iterdir()):
            _validate(table, sorted((self.staging / table).glob("*/*.parquet")))
            for month in sorted(path.name for path in (self.staging / table).iterdir()):
                self._merge(con, table, month)
        for table, rows in self.statements.items():
            self._restate(con, table, rows)
        self._count(con)
        self._tell_refused()
        con.close()
        self._link_unchanged()
        content = {"format": FORMAT, "files": self.entries}
        text = json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)
        (self.folder / MANIFEST).write_text(text, encoding="utf-8", newline="\n")
        shutil.rmtree(self.staging)
        self._swap()
        return {label: self.entries[label] for label in self.staged}

    def _merge(self, con: duckdb.DuckDBPyConnection, table: str, month: str) -> None:
        """Writes the month's file out of the rows stored and the rows staged, and notes the fate of every row."""
        stored = self.store.root / table / f"{month}.parquet"
        files = f"SELECT * FROM read_parquet('{_quoted(self.staging / table / month)}/*.parquet')"
        if stored.exists() and not self.anew:
            _refuse_broken([stored], self.store.root)
            files += f" UNION ALL BY NAME SELECT *, -1 AS file_no FROM read_parquet('{_quoted(stored)}')"
        _judge(con, table, files)
        if table == "measured" and month in self.frozen and stored.exists():
            con.execute(STANDS, {"stored": str(stored)})
        # Of a wide table's line all cells are noted, so that it stays kept while one of them does.
        noted = "true" if table == "measured" else f"file_no >= 0 OR fate <> {FATES.index('kept')}"
        con.execute(f"INSERT INTO fates SELECT source_file, source_line, fate FROM judged WHERE {noted}")
        if table == "measured":
            self._note_conflicts(con)
        _write_rows(_kept(con, table), self.folder / table / f"{month}.parquet")

    def _note_conflicts(self, con: duckdb.DuckDBPyConnection) -> None:
        """Keeps with the later file each value of which an earlier export of the same period says otherwise."""
        con.execute(CONFLICTS)
        for label, *cells in con.fetchall():
            self.entries[label]["conflicts"].append(dict(zip(CONFLICT, cells, strict=True)))

    def _restate(self, con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
        """Writes a table of statements anew out of what its files say now, and notes the fate of every row."""
        _write_rows(rows, self.folder / STATEMENTS / f"{table}.parquet")
        if len(rows):
            _validate(table, [self.folder / STATEMENTS / f"{table}.parquet"])
        place = [self.entries[label]["place"] for label in rows["source_file"].to_pylist()]
        con.register("said", rows.append_column("file_no", pa.array(place, pa.int64())))
        _judge(con, table, "SELECT * FROM said")
        own = [label for label, entry in self.entries.items() if entry["statement"] == table]
        con.execute("INSERT INTO fates SELECT source_file, source_line, fate FROM judged WHERE source_file IN ?", [own])
        for entry in self.entries.values():
            if entry["statement"] == table:
                entry |= {"kept": 0, "duplicate": 0, "replaced": entry["withdrawn"]}
        kept = _kept(con, table)
        month = months_of(table, kept)
        for value in pc.unique(month).to_pylist():
            _write_rows(kept.filter(pc.equal(month, value)), self.folder / table / f"{value}.parquet")

    def _count(self, con: duckdb.DuckDBPyConnection) -> None:
        """Fills in the entries' counts: a record by the best fate of its rows; every record accounted for."""
        con.register(
            "labels", pa.table({"file": list(self.entries), "unit": [e["record"] for e in self.entries.values()]})
        )
        records = """SELECT file, CASE unit WHEN 'row' THEN row_no ELSE line END AS record, min(fate) AS fate
                     FROM (SELECT *, row_number() OVER () AS row_no FROM fates) JOIN labels USING (file) GROUP BY ALL"""
        for file, fate, n in con.execute(f"SELECT file, fate, count(*) FROM ({records}) GROUP BY ALL").fetchall():
            if FATES[fate] == "refused":
                self.entries[file]["rejected"][FROZEN] = n
            else:
                self.entries[file][FATES[fate]] += n
            if file not in self.staged and not self.entries[file]["statement"]:
                self.entries[file]["kept"] -= n
        for label, entry in self.entries.items():
            parts = entry["kept"] + entry["duplicate"] + entry["replaced"] + entry["folded"]
            parts += sum(entry["filtered"].values()) + sum(entry["rejected"].values())
            if parts != entry["read"]:
                raise AssertionError(f"{label}: {entry['read']} rows read, {parts} accounted for")

    def _tell_refused(self) -> None:
        """Puts the cells that a frozen month refuses beside the store, with the files' other rejected rows."""
        for label in self.staged:
            refused = [conflict for conflict in self.entries[label]["conflicts"] if conflict["refused"]]
            if not refused:
                continue
            rows = [{"line": c["line"], "reason": FROZEN, "found": str(c["value"])} | c for c in refused]
            schema = [("line", pa.int64())] + [(c, pa.string()) for c in ("reason", "agent_id", "heading", "found")]
            cells = pa.Table.from_pylist(rows, schema=pa.schema(schema))
            _write_rejects(
                pa.concat_tables([self.rejects[label], cells], promote_options="default"), self._aside(label)
            )
            if FROZEN in self.entries[label]["rejected"]:
                first = refused[0]
                told = (first["line"], first["heading"], str(first["value"]), str(first["earlier"]))
                self.entries[label]["first"][FROZEN] = dict(zip(FIRST, told, strict=True))

    def _aside(self, label: str) -> Path:
        """Where the rejected rows of a file go."""
        path = self.folder / "rejects" / f"{label}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _link_unchanged(self) -> None:
        """Brings the store's other files over, without copying where the disk can link."""
        mended = {Path("rejects", f"{label}.csv") for label, entry in self.entries.items() if entry["superseded"]}
        for path in self.store.root.rglob("*") if self.store.root.exists() and not self.anew else ():
            inside = path.relative_to(self.store.root)
            target = self.folder / inside
            restated = inside.parts[0] in self.statements or inside in mended
            if path.is_file() and path.name != MANIFEST and not target.exists() and not restated:
                target.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(path, target)
                except OSError:  # a disk without links
                    shutil.copy2(path, target)

    def _swap(self) -> None:
        old = _sibling(self.store.root, "old")
        shutil.rmtree(old, ignore_errors=True)
        if self.store.root.exists():
            self.store.root.rename(old)
        self.folder.rename(self.store.root)
        shutil.rmtree(old, ignore_errors=True)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")


def _entry(loaded: Loaded) -> dict[str, Any]:
    """What the manifest says of a file before its rows are compared with others'."""
    counts = {"read": loaded.counts.read, "kept": 0, "duplicate": 0, "replaced": 0, "withdrawn": 0}
    counts |= {part: getattr(loaded.counts, part) for part in ("filtered", "folded", "rejected")}
    per_row = sum(map(len, loaded.tables.values())) == loaded.counts.kept  # else several rows came from one record
    statements = [name for name in loaded.tables if INPUT[name].statement and len(loaded.tables) == 1]
    if statements and not per_row:
        raise AssertionError(f"{loaded.file}: a form fills one table, a row for each of its records")
    counts["kept"] = 0 if statements else _told_aside(loaded.tables)
    return {
        "file": loaded.file,
        "sha256": loaded.sha256,
        **counts,
        "record": "row" if per_row else "line",
        "statement": "".join(statements),
        "superseded": False,
        "warnings": [asdict(warning) for warning in loaded.warnings],
        "covered": _covered(loaded.tables),
        "first": first_rejected(loaded),
        "faults": faults_of(loaded),
        "conflicts": [],
        "recognised": asdict(loaded.recognised) if loaded.recognised else None,
    }


def _told_aside(tables: Mapping[str, Any]) -> int:
    """How many records told nothing but statements (peers' values below a backend's table): they are always kept."""
    told = {line for name, rows in tables.items() if INPUT[name].statement for line in rows["source_line"].to_pylist()}
    for name, rows in tables.items() if told else ():
        for batch in () if INPUT[name].statement else rows.to_batches():
            told.difference_update(batch["source_line"].to_pylist())
    return len(told)


def _spoken_of(table: str, rows: pa.Table, loaded: Loaded) -> pa.Array:
    """Whether a file speaks of the day of each row: from its first to its last; without days it speaks of all."""
    if not INPUT[table].day_columns:
        return pa.repeat(True, len(rows))
    day = INPUT[table].day_columns[0]
    own = pc.min_max(loaded.tables[table][day]).as_py()
    first, last = loaded.days or (own["min"], own["max"])
    return pc.and_(pc.greater_equal(rows[day], first), pc.less_equal(rows[day], last)).fill_null(False)


def _judge(con: duckdb.DuckDBPyConnection, table: str, files: str) -> None:
    """Fills `judged` with the rows that the SQL `files` gives, each with its fate."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE judged AS {_fates_sql(table, files)}")


def _kept(con: duckdb.DuckDBPyConnection, table: str) -> pa.Table:
    """The rows judged that stay, in the contract's columns and in order."""
    names = INPUT[table].arrow.names
    rank = ["sequence"] if table == "messages" else []
    order = _listed([*INPUT[table].days.values(), *rank, *INPUT[table].key])
    kept = con.execute(f"SELECT {_listed(names)} FROM judged WHERE fate = 0 ORDER BY {order}").to_arrow_table()
    return kept.cast(INPUT[table].arrow)


def _write_rows(rows: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(rows.combine_chunks(), path, **PARQUET)


def _validate(table: str, files: Iterable[Path]) -> None:
    """Holds the new rows against the contract; pandera raises where a source let a bad row through."""
    con = connect(LOADING)
    rows = con.read_parquet([str(file) for file in files])
    rows = rows.drop(*{"file_no"}.intersection(rows.columns)).cast(INPUT[table].schema)
    INPUT[table].validator().validate(rows, lazy=True)
    con.disconnect()


@cache
def _fates_sql(table: str, files: str) -> str:
    """SQL for all rows with their fate (a place in FATES): 0 kept, 2 replaced by a later state, 3 the same again.

    Rows of one key in the order loaded: one equal to the state before it is a duplicate, the last other one stays.
    What an earlier row tells of `once_told` columns holds where a later one tells nothing of them.
    A recall counts as last; it also replaces the message in its place where messages carry no id.
    """
    spec, key = INPUT[table], _listed(INPUT[table].key)
    aside = ("source_file", "source_line", "sequence", *spec.provenance, *spec.key)
    content = [c for c in spec.arrow.names if c not in aside]
    recall = "kind = 'recall'" if table == "messages" else "false"
    so_far = f"OVER (PARTITION BY {key} ORDER BY file_no, source_line)"
    told = ", ".join(f"last_value({name} IGNORE NULLS) {so_far} AS {name}" for name in spec.once_told)
    known = f"SELECT * REPLACE ({told}) FROM ({files})" if told else files
    rows = f"SELECT *, hash({_listed(content)}) AS content, {recall} AS recall FROM ({known})"
    by_key = f"(PARTITION BY {key} ORDER BY recall, file_no, source_line)"
    runs = (
        f"SELECT *, coalesce(content = lag(content) OVER {by_key}, false) AS same, row_number() OVER {by_key} AS state"
    )
    last = f"max(state) FILTER (NOT same) OVER (PARTITION BY {key})"
    fate = f"CASE WHEN same THEN 3 WHEN state < {last} THEN 2 {_recalled(table)} ELSE 0 END"
    return f"SELECT *, CAST({fate} AS TINYINT) AS fate FROM ({runs} FROM ({rows}))"


def _listed(names: Iterable[str]) -> str:
    """Column names as SQL: quoted, since a shift has an `end`."""
    return ", ".join(f'"{name}"' for name in names)


def _recalled(table: str) -> str:
    if table != "messages":
        return ""
    place = "shop_id, account_id, buyer_id, date_trunc('second', sent_at), sender = 'buyer', sequence"
    return f"WHEN NOT recall AND message_id IS NULL AND bool_or(recall) OVER (PARTITION BY {place}) THEN 2"


def _labelled(rows: pa.Table, label: str) -> pa.Table:
    place = rows.schema.get_field_index("source_file")
    return rows.set_column(place, "source_file", pa.repeat(label, len(rows)))


def months_of(name: str, rows: pa.Table) -> pa.Array:
    """The month (YYYY-MM) of each row, by the first of the table's days that is filled; `all` without days."""
    days = INPUT[name].day_columns
    if not days:
        return pa.repeat(UNDATED, len(rows))
    return pc.strftime(pc.coalesce(*(rows[day] for day in days)), format="%Y-%m").fill_null(UNDATED)


def _covered(tables: Mapping[str, pa.Table]) -> dict[str, list[str]]:
    """Days with messages by account, runs of days as `first..last`."""
    if "messages" not in tables:
        return {}
    days: dict[str, set[dt.date]] = {}
    for batch in tables["messages"].to_batches():
        for pair in pa.table(batch).group_by(["account_id", "day"]).aggregate([]).to_pylist():
            days.setdefault(pair["account_id"] or "", set()).add(pair["day"])
    return {account: runs_of(sorted(of_account)) for account, of_account in sorted(days.items())}


def first_rejected(loaded: Loaded) -> dict[str, dict[str, Any]]:
    """By reason: line, column, what was found and what is allowed, of the first row rejected for it."""
    first: dict[str, dict[str, Any]] = {}
    for row in loaded.rejects.to_pylist():
        if row["reason"] not in first:
            first[row["reason"]] = _cell(loaded, row)
    return first


def faults_of(loaded: Loaded) -> list[dict[str, Any]]:
    """Of a form, everything that is wrong in it: reason, line, column, what was found and what is allowed."""
    if not any(INPUT[name].statement for name in loaded.tables):
        return []
    rows = {row["line"]: row for row in loaded.rejects.to_pylist()}
    faults = loaded.faults or [(row["line"], row["reason"]) for row in loaded.rejects.to_pylist()]
    once: dict[tuple, dict[str, Any]] = {}  # two columns may read one cell
    for line, reason in faults:
        cell = _cell(loaded, rows[line] | {"reason": reason})
        once.setdefault(tuple(cell.values()), {"reason": reason} | cell)
    return list(once.values())


def _cell(loaded: Loaded, row: Mapping[str, Any]) -> dict[str, Any]:
    """Where a rejected row is at fault: line, column, what was found and what is allowed."""
    name = _column_at_fault(row)
    heading, allowed = loaded.cells.get(name, (name, ""))
    return dict(zip(FIRST, (row["line"], heading, row.get(name) or "", allowed), strict=True))


def _column_at_fault(row: Mapping[str, Any]) -> str:
    """The column that a reason names (`empty:buyer_id`, `role_unknown`) or that holds a negative number, else ""."""
    rule, _, name = row["reason"].partition(":")
    if rule.endswith("_negative"):
        return next((column for column, cell in row.items() if str(cell).startswith("-")), "")
    return name or next((column for column in row if rule == f"{column}_unknown"), "")


def runs_of(days: list[dt.date]) -> list[str]:
    """Days in order as text, those that follow one another as `first..last`."""
    starts = [day for before, day in zip([None, *days], days, strict=False) if not before or (day - before).days > 1]
    ends = [day for day, after in zip(days, [*days[1:], None], strict=True) if not after or (after - day).days > 1]
    return [f"{first}..{last}" if first != last else f"{first}" for first, last in zip(starts, ends, strict=True)]


def _write_rejects(rejects: pa.Table, path: Path) -> None:
    """The rejected rows as CSV that Excel opens as text: with BOM, and no cell that begins like a formula."""
    for place, field in enumerate(rejects.schema):
        if pa.types.is_string(field.type):
            plain = pc.replace_substring_regex(rejects[field.name], r"^([=+@\t\r]|-[^0-9])", r"'\1")
            rejects = rejects.set_column(place, field.name, plain)
    with path.open("wb") as file:
        file.write(b"\xef\xbb\xbf")
        pacsv.write_csv(rejects, file)
