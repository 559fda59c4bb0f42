"""From a shop's folder of exports to its store: every file read, every row accounted for, all problems at once."""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _
from pydantic import BaseModel, ConfigDict

from .aftersale import with_orders
from .engine import connect
from .errors import CsperfError, Problem
from .facts import INPUT
from .settings import listed, quoted
from .sources import REGISTRY, Notice, Shop, SourceSettings, sha256
from .sources.recognise import name_of, nearest, recognise, skeleton
from .store import FIRST, FORMAT, Store, faults_of, first_rejected, months_of
from .text import say, ui_language, words

READERS = 1  # raised when a reader gives other rows for the same file, so that stores are read anew
TEMPORARY = ("~$", ".")  # Excel's lock files, hidden files
MAPPING = ".mapping.yaml"  # beside an export that is not known
KEY_FILE, KEY_VARIABLE = ".key", "CSPERF_KEY"
WITH_ACCOUNTS = ("messages", "calls", "tickets")
ACCOUNTS = dict.fromkeys(WITH_ACCOUNTS, "account_id") | {"measured": "agent_id"}  # where each names its accounts
WROTE = ("human", "auto", "assist", "bot")
CONFLICTS_TOLD = 10
REASONS_TOLD = 3  # of a file that is refused because all of its rows are rejected
COLUMNS = ("file", "source", "read", "kept", "duplicate", "replaced", "filtered", "folded", "rejected")
RECOGNISED = ("format", "version", "used", "ignored", "dropped")

Progress = Callable[[int, int, str], None]


class LoadSettings(BaseModel):
    """What loading needs of a shop's settings. `store` defaults to the folder `store` below `root`.

    `folder` is the shop's own folder, where the key of its hashes lies (default: `root`); `file` the settings' own
    file, named in what is said about them. `frozen`: months of which no value of a backend changes any more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    shop: str
    root: Path
    timezone: str | None = None
    internal_accounts: frozenset[str] = frozenset()
    sources: tuple[SourceSettings, ...] = ()
    store: Path | None = None
    folder: Path | None = None
    file: Path = Path("params.yaml")
    frozen: frozenset[str] = frozenset()


@dataclass(frozen=True)
class LoadReport:
    """What became of every row, and what to know.

    `files`: a row per file with file, source, read, kept, duplicate, replaced, filtered, folded, rejected (counts of
    records), skipped (it was loaded before, unchanged), and warnings; of exports that were recognised also format,
    version, and the names of columns used, ignored and dropped. `reasons`: file, part (filtered or rejected),
    reason, n, and of the first row rejected: line, column (the file's own name of it), found, allowed. What is said of
    a file's earlier content is left out: nobody can mend that any more.
    """

    files: pd.DataFrame
    reasons: pd.DataFrame
    warnings: tuple[Notice, ...]


def store_of(settings: LoadSettings) -> Store:
    """The shop's store."""
    return Store(settings.store or settings.root / "store", settings.timezone or "UTC")


def load(settings: LoadSettings, progress: Progress | None = None, *, period: str = "") -> LoadReport:
    """What became of every row of the exports named in the settings; the store then holds those that stay.

    `period` (first..last) is that of tables which tell none.

    Files loaded before are skipped. Where a mapping has changed, all are read anew. `progress` is told
    (files done, files to read, name of the next). Rejected rows do not keep good ones out; a file of which all rows
    are rejected is refused like one that cannot be read. CsperfError with the problems of all files; the store is then
    as it was.
    """
    problems: list[Problem] = []
    store = store_of(settings)
    store.recover()
    with TemporaryDirectory() as copies:
        jobs = list(_jobs(settings, Path(copies), problems))
        todo, anew = _to_read(jobs, store, problems)
        if todo:
            with store.intake(anew=anew, frozen=settings.frozen) as intake:
                for job, loaded in _read(todo, settings, problems, progress, period):
                    intake.stage(loaded, source=job.source.source, settings=job.settings)
                if not problems:
                    intake.commit()
    if problems:
        raise CsperfError(problems)
    return _report(store, jobs, {job.file for job in todo}, settings.internal_accounts)


@dataclass
class Seen:
    """What a look over the exports and the store has found, nothing written.

    `problems`: what would stop a load, and every reason for which rows are rejected. `roster`: accounts on it.
    `wrote`: accounts that wrote, took calls or were measured by a backend. `months`: by table, the months (YYYY-MM) of
    which there are rows. `unread`: how many files are not loaded yet.
    """

    problems: list[Problem] = field(default_factory=list)
    roster: set[str] = field(default_factory=set)
    wrote: set[str] = field(default_factory=set)
    months: dict[str, set[str]] = field(default_factory=dict)
    unread: int = 0

    @property
    def strangers(self) -> list[str]:
        """Accounts of people at work that are on no roster; none where there is no roster."""
        return sorted(self.wrote - self.roster) if self.roster else []

    @property
    def measurable(self) -> list[str]:
        """Months of which there are chats, calls or tickets; where there are none of these, any dated records."""
        logs = {name: months for name, months in self.months.items() if months and not INPUT[name].statement}
        spoken = {name: months for name, months in logs.items() if name in WITH_ACCOUNTS}
        return sorted(set().union(*(spoken or logs).values()))

    def add(self, name: str, rows: pa.Table) -> None:
        """Takes in rows of a table, of which the columns of accounts and senders are looked at."""
        if name == "roster":
            self.roster |= set(rows["account_id"].to_pylist())
        if name in ACCOUNTS:
            wrote = rows.filter(pc.is_in(rows["sender"], pa.array(WROTE))) if name == "messages" else rows
            self.wrote |= set(wrote[ACCOUNTS[name]].unique().to_pylist()) - {None}


def look(settings: LoadSettings, progress: Progress | None = None) -> Seen:
    """What a load would find: files not loaded yet are read, the others' rows are in the store; nothing is written."""
    with TemporaryDirectory() as copies:
        return _look(settings, Path(copies), progress)


def _look(settings: LoadSettings, copies: Path, progress: Progress | None) -> Seen:
    seen = Seen()
    store = store_of(settings)
    jobs = list(_jobs(settings, copies, seen.problems))
    todo, anew = _to_read(jobs, store, seen.problems)
    seen.unread = len(todo)
    if not anew:
        _look_into(store, seen, {job.file for job in todo})
        seen.problems += _rejected_before(store, [job for job in jobs if job not in todo])
    for job, loaded in _read(todo, settings, seen.problems, progress):
        told = _told(loaded.counts.rejected, first_rejected(loaded), faults_of(loaded))
        seen.problems += _rejections(job.place, told)
        for name, rows in loaded.tables.items():
            seen.add(name, rows)
            seen.months.setdefault(name, set()).update(months_of(name, rows).unique().to_pylist())
    seen.wrote -= settings.internal_accounts
    return seen


def _look_into(store: Store, seen: Seen, unread: set[str]) -> None:
    """Adds what the store holds; of forms that have come again it is no longer true."""
    entries = store.manifest()["files"]
    stale = [label for label, e in entries.items() if e["file"] in unread and e["statement"]]
    con = connect()
    for name in store.tables():
        seen.months.setdefault(name, set()).update(store.months(name))
        if name in ("roster", *ACCOUNTS):
            rows = store.read(con, name)
            rows = rows.filter(rows.source_file.notin(stale)) if stale else rows
            columns = [column for column in ("account_id", "agent_id", "sender") if column in rows.columns]
            seen.add(name, rows.select(columns).distinct().to_pyarrow())
    con.disconnect()


def _rejected_before(store: Store, jobs: Sequence[_Job]) -> Iterator[Problem]:
    """What the store says of rejected rows of files that are as they were when they were loaded."""
    places = {(job.file, job.sha256): job.place for job in jobs}
    for entry in store.manifest()["files"].values():
        place = places.get((entry["file"], entry["sha256"]))
        if place and not entry["superseded"]:
            yield from _rejections(place, _told(entry["rejected"], entry["first"], entry.get("faults", ())))


Told = tuple[str, int, Mapping[str, Any]]  # a reason, how many rows it rejects, and where


def _told(rejected: Mapping[str, int], firsts: Mapping[str, Any], faults: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Every fault of a form; else the reasons with the first row of each, in the order of these rows."""
    if faults:
        return [(fault["reason"], 1, fault) for fault in faults]
    reasons = sorted(rejected, key=lambda reason: firsts.get(reason, {}).get("line", 0))
    return [(reason, rejected[reason], firsts.get(reason, {})) for reason in reasons]


def _rejections(place: str, told: Iterable[Told]) -> list[Problem]:
    return [Problem(place, rejection(reason, n, first)) for reason, n, first in told]


@dataclass(frozen=True)
class _Job:
    """A file to read, how, and by which settings (a hash of all that decides what rows come of it).

    What a database answered is read as a file as well: a copy that lasts as long as the reading.
    """

    path: Path
    file: str
    sha256: str
    source: Any
    settings: str

    @property
    def asked(self) -> bool:
        """Whether a database was asked; the answer is then all there is, and earlier answers need not be there."""
        return _fetch(self.source) is not None

    @property
    def place(self) -> str:
        """Where people find it."""
        return self.file if self.asked else str(self.path)

    def stored_in(self, entries: dict[str, Any]) -> bool:
        """Whether this very file was loaded before."""
        mine = (self.file, self.sha256)
        return any((e["file"], e["sha256"]) == mine and not e["superseded"] for e in entries.values())

    def changed_since(self, entries: dict[str, Any]) -> bool:
        """Whether a file of this name was loaded by other settings."""
        return any(e["file"] == self.file and e["settings"] != self.settings for e in entries.values())


def _jobs(settings: LoadSettings, copies: Path, problems: list[Problem]) -> Iterator[_Job]:
    """The files that the sources name, in load order; problems of the patterns are added to `problems`.

    What databases answer is copied into the folder `copies`.
    """
    if not settings.root.is_dir():
        problems.append(Problem(str(settings.file), f"root: {say('params.no_root', found=settings.root)}"))
        return
    taken: dict[Path, int] = {}
    for number, source in enumerate(settings.sources):
        for path in _found(settings, number, copies, problems):
            if taken.setdefault(path, number) != number:
                said = say("load.file_twice", first=f"sources[{taken[path]}]", second=f"sources[{number}]")
                problems.append(Problem(str(path), said))
                continue
            try:
                content = getattr(REGISTRY[source.source], "content", sha256)(path)
            except CsperfError as error:
                problems += error.problems
                continue
            except OSError as error:
                problems.append(Problem(str(path), say("load.unreadable", reason=error.strerror)))
                continue
            file = path.relative_to(copies if _fetch(source) else settings.root).as_posix()
            yield _Job(path, file, content, source, _fingerprint(settings, source))


def _fetch(source: Any) -> Callable[[Any, Path], Path] | None:
    """What copies the rows of a source into a folder, where these do not lie in files."""
    return getattr(REGISTRY[source.source], "fetch", None)


def _found(settings: LoadSettings, number: int, copies: Path, problems: list[Problem]) -> list[Path]:
    """The files of the source of this number, by name; of a database, the copy of its answer."""
    source = settings.sources[number]
    fetch = _fetch(source)
    if not fetch:
        return _matching(settings, number, problems)
    try:
        return [fetch(source, copies)]
    except CsperfError as error:
        problems += error.problems
        return []


def _matching(settings: LoadSettings, number: int, problems: list[Problem]) -> list[Path]:
    """The files of the source of this number, by name: what browsers call `a (1).csv` came after `a.csv`."""
    root, pattern = settings.root, settings.sources[number].files
    slots = {"files": pattern, "folder": root}
    if not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        said = say("load.outside_root" if pattern else "load.no_pattern", **slots)
        problems.append(Problem(str(settings.file), f"sources[{number}].files: {said}"))
        return []
    found = sorted(root.glob(pattern), key=lambda path: (path.parent, path.stem, path.suffix))
    paths = [p for p in found if p.is_file() and not p.name.startswith(TEMPORARY) and not p.name.endswith(MAPPING)]
    if not paths and not getattr(settings.sources[number], "optional", False):
        problems.append(Problem(str(settings.file), f"sources[{number}].files: {say('load.no_files', **slots)}"))
    return paths


def _fingerprint(settings: LoadSettings, source: Any) -> str:
    """A hash of everything but the file that decides which rows come of it."""
    how = source.model_dump(mode="json", exclude={"files", "optional"})
    shop = [settings.shop, settings.timezone, sorted(settings.internal_accounts)]
    edition = getattr(REGISTRY[source.source], "edition", None)
    known = [edition()] if edition else []
    return hashlib.sha256(json.dumps([READERS, shop, how, *known], sort_keys=True).encode()).hexdigest()


def _to_read(jobs: Sequence[_Job], store: Store, problems: list[Problem]) -> tuple[list[_Job], bool]:
    """The files that are not stored yet; all of them, and true, where a store of other settings must be made anew."""
    known = store.manifest()
    anew = known["format"] != FORMAT or any(job.changed_since(known["files"]) for job in jobs)
    if anew:
        problems += _gone(jobs, known["files"], store)
    return [job for job in jobs if anew or not job.stored_in(known["files"])], anew


def _gone(jobs: Sequence[_Job], entries: dict[str, Any], store: Store) -> list[Problem]:
    """A problem where rows are stored of which the file is no longer there: reading all anew would lose them."""
    present, asked = {(job.file, job.sha256) for job in jobs}, {job.file for job in jobs if job.asked}
    standing = {label: e for label, e in entries.items() if e["kept"] or not e.get("superseded")}
    gone = [
        label for label, e in standing.items() if (e["file"], e["sha256"]) not in present and e["file"] not in asked
    ]
    if not gone:
        return []
    return [Problem(str(store.root), say("load.files_gone", files=", ".join(gone), folder=store.root))]


def _read(
    jobs: Sequence[_Job], settings: LoadSettings, problems: list[Problem], progress: Progress | None, period: str = ""
) -> Iterator[tuple[_Job, Any]]:
    """Each file with what is in it; problems of files that cannot be read are added to `problems`."""
    shop = Shop(settings.shop, settings.timezone, settings.root, settings.internal_accounts, _key(settings))
    for done, job in enumerate(jobs):
        if progress:
            progress(done, len(jobs), job.file)
        try:
            told = {"period": period} if period and getattr(job.source, "period", None) == "" else {}
            loaded = REGISTRY[job.source.source].load(job.path, job.source.model_copy(update=told), shop)
        except CsperfError as error:
            problems += error.problems
            continue
        for part in (loaded, *loaded.more):
            if refused := _all_rejected(job, part):
                problems.append(refused)
            else:
                yield job, part


def _all_rejected(job: _Job, loaded: Any) -> Problem | None:
    """The problem of a file of which no row is of use: it is another file, or its columns are mapped wrong."""
    counts = loaded.counts
    n = sum(counts.rejected.values())
    if not n or counts.kept or counts.folded:
        return None
    firsts = first_rejected(loaded)
    most = sorted(counts.rejected, key=lambda reason: (-counts.rejected[reason], firsts[reason]["line"]))
    told = [rejection(reason, counts.rejected[reason], firsts[reason]) for reason in most[:REASONS_TOLD]]
    return Problem(job.place, say("load.all_rejected", n=n, reasons="\n    ".join(told)))


def _key(settings: LoadSettings) -> bytes:
    """The secret of the shop's hashes, empty where there is none."""
    path = (settings.folder or settings.root) / KEY_FILE
    given = os.environ.get(KEY_VARIABLE, "").encode()
    return given or (path.read_bytes().strip() if path.is_file() else b"")


# ------------------------------------------------------------------------------------------------------ the report


def _report(store: Store, jobs: Sequence[_Job], read_now: set[str], internal: frozenset[str]) -> LoadReport:
    files: list[dict[str, Any]] = []
    reasons: list[dict[str, Any]] = []
    present = {(job.file, job.sha256) for job in jobs}
    entries = store.manifest()["files"]
    for label, entry in entries.items():
        parts = {part: sum(entry[part].values()) for part in ("filtered", "rejected")}
        now = (entry["file"], entry["sha256"]) in present and not entry["superseded"]
        skipped = entry["file"] not in read_now
        notices = [Notice(**warning).say() for warning in entry["warnings"]] if now else []
        notices += [] if skipped else [notice.say() for notice in _conflicts(entry["conflicts"])]
        said = {"file": label, "skipped": skipped, "warnings": "\n".join(notices)}
        files.append((entry.get("recognised") or {}) | entry | parts | said)
        reasons += _reasons(entry) if now else []
    return LoadReport(
        pd.DataFrame(files, columns=[*COLUMNS, "skipped", "warnings", *RECOGNISED]),
        pd.DataFrame(reasons, columns=["file", "part", "reason", "n", *FIRST]).astype({"line": "Int64"}),
        (
            *_absent(entries, {job.file for job in jobs}, store),
            *_strangers(store, internal),
            *_other_shops(store),
            *_several_shops(entries, store),
            *_too_early(store),
        ),
    )


def _reasons(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row of the report's `reasons` for each reason of the file."""
    filtered: list[Told] = [(reason, n, {}) for reason, n in entry["filtered"].items()]
    rejected = _told(entry["rejected"], entry["first"], entry.get("faults", ()))
    for part, told in (("filtered", filtered), ("rejected", rejected)):
        for reason, n, first in told:
            row = {"file": entry["file"], "part": part, "reason": reason, "n": n}
            yield row | {key: first.get(key) for key in FIRST}


def _conflicts(conflicts: Sequence[dict[str, Any]]) -> Iterator[Notice]:
    """A notice for each of the first values that an earlier export says otherwise, and how many more there are."""
    for conflict in conflicts[:CONFLICTS_TOLD]:
        plain = {name: "-" if value is None else value for name, value in conflict.items()}
        days = dict.fromkeys((conflict["first"], conflict["last"]))
        plain |= {"period": "..".join(days), "heading": conflict["heading"] or conflict["metric"]}
        yield Notice("conflict_refused" if conflict.get("refused") else "conflict", plain)
    if len(conflicts) > CONFLICTS_TOLD:
        yield Notice("conflicts_more", {"n": len(conflicts) - CONFLICTS_TOLD})


def _other_shops(store: Store) -> Iterator[Notice]:
    """A notice for each backend table whose accounts all bear another shop's name than the roster's, or than most."""
    con = connect()
    listed_, told = store.read(con, "roster"), store.read(con, "measured")
    own = {shop for account in listed_.account_id.to_pyarrow().to_pylist() if (shop := _shop_of(account))}
    files: dict[str, set[str]] = {}
    accounts = told.select("source_file", "agent_id").distinct().to_pyarrow().to_pylist()
    for row in accounts:
        files.setdefault(row["source_file"], set()).add(_shop_of(row["agent_id"]))
    con.disconnect()
    shops = Counter(_shop_of(account) for account in {row["agent_id"] for row in accounts} if ":" in account)
    own = own or {shop for shop, n in shops.items() if n == max(shops.values())}
    for file, found in sorted(files.items()):
        if found - {""} and not found & (own | {""}):
            slots = {"found": listed(sorted(found)), "own": listed(sorted(own))}
            yield Notice("other_shop", {"file": file, **slots, "folder": str(store.root)})


def _too_early(store: Store) -> Iterator[Notice]:
    """A notice for each file with refunds that are older than their orders: no figure counts these."""
    if not {"refunds", "orders"} <= set(store.tables()):
        return
    con = connect()
    found = with_orders(store.read(con, "refunds"), store.read(con, "orders")).filter(_.before_order)
    first = {name: found[name].argmin(found.source_line) for name in ("refund_id", "order_id")}
    files = found.group_by("source_file").agg(n=found.count(), line=found.source_line.min(), **first)
    told = files.order_by("source_file").to_pyarrow().to_pylist()
    con.disconnect()
    for row in told:
        yield Notice("refund_before_order", {"file": row.pop("source_file")} | row)


def _shop_of(account: str) -> str:
    """What stands before the colon of an account: the name of its shop; empty where there is none."""
    return account.partition(":")[0] if ":" in account else ""


def _absent(entries: dict[str, Any], present: set[str], store: Store) -> Iterator[Notice]:
    """A notice naming the files whose rows are stored though they are no longer in the folder."""
    absent = dict.fromkeys(e["file"] for e in entries.values() if e["kept"] and e["file"] not in present)
    if absent:
        yield Notice("files_absent", {"files": listed(absent), "folder": str(store.root)})


def _several_shops(entries: dict[str, Any], store: Store) -> Iterator[Notice]:
    """A notice naming the shops of the exports and a file of each, where these are several."""
    named: dict[str, str] = {}
    for label, entry in entries.items():
        for shop in (entry.get("recognised") or {}).get("shops", ()):
            named.setdefault(shop, label)
    if len(named) > 1:
        shops = listed(f"{shop} ({label})" for shop, label in named.items())
        yield Notice("several_shops", {"shops": shops, "folder": str(store.root)})


def _strangers(store: Store, internal: frozenset[str]) -> Iterator[Notice]:
    """A notice naming the accounts that wrote and are on no roster, or how many there are where there is none."""
    seen = Seen()
    _look_into(store, seen, set())
    seen.wrote -= internal
    if seen.wrote and not seen.roster:
        yield Notice("no_roster", {"n": len(seen.wrote)})
    if seen.strangers:
        yield Notice("not_on_roster", {"accounts": ", ".join(seen.strangers), "n": len(seen.strangers)})


def rejection(reason: str, n: int, first: Mapping[str, Any]) -> str:
    """Why n rows are kept out: where the first of them stands, what is written there, what is allowed.

    `first`: its line, column, found and allowed.
    """
    said = reason_words(reason, column=first["column"])
    if first["column"] and ":" not in reason:  # the sentence does not name the column
        said = say("load.of_column", column=first["column"], reason=said)
    found = say("load.found", found=quoted(first["found"])) if first["found"] else ""
    by_words = reason.startswith("value_unmapped") or reason.endswith("_unknown")
    allowed = say("load.allowed", allowed=first["allowed"]) if by_words and first["allowed"] else ""
    key = "rejection" if n > 1 else "rejection_of_one"
    return say(f"load.{key}", line=first["line"], n=n, reason=f"{said}{found}{allowed}")


def write_mappings(problems: Iterable[Problem]) -> list[Path]:
    """The files written: beside each export that is not known, the mapping to fill in that its problem tells."""
    written = []
    for path in dict.fromkeys(Path(problem.where) for problem in problems):
        near = None if not path.is_file() or recognise(path) else nearest(path)
        if near:
            mapping = path.with_name(path.name + MAPPING)
            mapping.write_text(skeleton(path, near), encoding="utf-8", newline="\n")
            written.append(mapping)
    return written


def format_name(key: str, lang: str | None = None) -> str:
    """What people call an export of this format."""
    return name_of(key, lang or ui_language())


def left_out(name: str, lang: str | None = None) -> str:
    """What is said of rows that a filter of this name leaves out; of a filter that a mapping names, its name."""
    return words("load", lang or ui_language()).get(f"left_out_{name}", name)


def reason_words(reason: str, lang: str | None = None, column: str = "") -> str:
    """A rejected row's reason (`code` or `code:column`) as a sentence; `column`: what the file calls the column."""
    code, _, name = reason.partition(":")
    return say(f"load.{code}", lang, column=column or name)
