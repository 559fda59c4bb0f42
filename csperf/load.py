"""From a shop's folder of exports to its store: every file read, every row accounted for, all problems at once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import BaseModel, ConfigDict

from .engine import connect
from .errors import CsperfError, Problem
from .sources import REGISTRY, Notice, Shop, SourceSettings, sha256
from .store import FIRST, FORMAT, Store
from .text import say

READERS = 1  # raised when a reader gives other rows for the same file, so that stores are read anew
TEMPORARY = ("~$", ".")  # Excel's lock files, hidden files
KEY_FILE, KEY_VARIABLE = ".key", "CSPERF_KEY"
WITH_ACCOUNTS = ("messages", "calls", "tickets")
COLUMNS = ("file", "source", "read", "kept", "duplicate", "replaced", "filtered", "folded", "rejected")

Progress = Callable[[int, int, str], None]


class LoadSettings(BaseModel):
    """What loading needs of a shop's settings. `store` defaults to the folder `store` below `root`.

    `folder` is the shop's own folder, where the key of its hashes lies (default: `root`); `file` the settings' own
    file, named in what is said about them.
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


@dataclass(frozen=True)
class LoadReport:
    """What became of every row, and what to know.

    `files`: a row per file with file, source, read, kept, duplicate, replaced, filtered, folded, rejected (counts of
    records), skipped (it was loaded before, unchanged), and warnings. `reasons`: file, part (filtered or rejected),
    reason, n, and of the first row rejected: line, column (the file's own name of it), found, allowed. What is said of
    a file's earlier content is left out: nobody can mend that any more.
    """

    files: pd.DataFrame
    reasons: pd.DataFrame
    warnings: tuple[Notice, ...]


def store_of(settings: LoadSettings) -> Store:
    """The shop's store."""
    return Store(settings.store or settings.root / "store", settings.timezone or "UTC")


def load(settings: LoadSettings, progress: Progress | None = None) -> LoadReport:
    """What became of every row of the exports named in the settings; the store then holds those that stay.

    Files loaded before are skipped. Where a mapping has changed, all are read anew. `progress` is told
    (files done, files to read, name of the next). CsperfError with the problems of all files; the store is then as it
    was.
    """
    problems: list[Problem] = []
    store = store_of(settings)
    store.recover()
    jobs = list(_jobs(settings, problems))
    todo, anew = _to_read(jobs, store, problems)
    if todo:
        with store.intake(anew=anew) as intake:
            for job, loaded in _read(todo, settings, problems, progress):
                intake.stage(loaded, source=job.source.source, settings=job.settings)
            if not problems:
                intake.commit()
    if problems:
        raise CsperfError(problems)
    return _report(store, jobs, {job.file for job in todo})


def problems_of(settings: LoadSettings, progress: Progress | None = None) -> list[Problem]:
    """All that would stop a load: every file not loaded yet is read, nothing is written."""
    problems: list[Problem] = []
    todo, _ = _to_read(list(_jobs(settings, problems)), store_of(settings), problems)
    for _job, _loaded in _read(todo, settings, problems, progress):
        pass
    return problems


@dataclass(frozen=True)
class _Job:
    """A file to read, how, and by which settings (a hash of all that decides what rows come of it)."""

    path: Path
    file: str
    sha256: str
    source: Any
    settings: str

    def stored_in(self, entries: dict[str, Any]) -> bool:
        """Whether this very file was loaded before."""
        mine = (self.file, self.sha256)
        return any((e["file"], e["sha256"]) == mine and not e["superseded"] for e in entries.values())

    def changed_since(self, entries: dict[str, Any]) -> bool:
        """Whether a file of this name was loaded by other settings."""
        return any(e["file"] == self.file and e["settings"] != self.settings for e in entries.values())


def _jobs(settings: LoadSettings, problems: list[Problem]) -> Iterator[_Job]:
    """The files that the sources name, in load order; problems of the patterns are added to `problems`."""
    if not settings.root.is_dir():
        problems.append(Problem(str(settings.file), f"root: {say('params.no_root', found=settings.root)}"))
        return
    taken: dict[Path, int] = {}
    for number, source in enumerate(settings.sources):
        for path in _matching(settings, number, problems):
            if taken.setdefault(path, number) != number:
                said = say("load.file_twice", first=f"sources[{taken[path]}]", second=f"sources[{number}]")
                problems.append(Problem(str(path), said))
                continue
            try:
                content = sha256(path)
            except OSError as error:
                problems.append(Problem(str(path), say("load.unreadable", reason=error.strerror)))
                continue
            file = path.relative_to(settings.root).as_posix()
            yield _Job(path, file, content, source, _fingerprint(settings, source))


def _matching(settings: LoadSettings, number: int, problems: list[Problem]) -> list[Path]:
    """The files of the source of this number, by name."""
    root, pattern = settings.root, settings.sources[number].files
    slots = {"files": pattern, "folder": root}
    if not pattern or Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        said = say("load.outside_root" if pattern else "load.no_pattern", **slots)
        problems.append(Problem(str(settings.file), f"sources[{number}].files: {said}"))
        return []
    paths = [p for p in sorted(root.glob(pattern)) if p.is_file() and not p.name.startswith(TEMPORARY)]
    if not paths:
        problems.append(Problem(str(settings.file), f"sources[{number}].files: {say('load.no_files', **slots)}"))
    return paths


def _fingerprint(settings: LoadSettings, source: Any) -> str:
    """A hash of everything but the file that decides which rows come of it."""
    how = source.model_dump(mode="json", exclude={"files"})
    shop = [settings.shop, settings.timezone, sorted(settings.internal_accounts)]
    return hashlib.sha256(json.dumps([READERS, shop, how], sort_keys=True).encode()).hexdigest()


def _to_read(jobs: Sequence[_Job], store: Store, problems: list[Problem]) -> tuple[list[_Job], bool]:
    """The files that are not stored yet; all of them, and true, where a store of other settings must be made anew."""
    known = store.manifest()
    anew = known["format"] != FORMAT or any(job.changed_since(known["files"]) for job in jobs)
    if anew:
        problems += _gone(jobs, known["files"], store)
    return [job for job in jobs if anew or not job.stored_in(known["files"])], anew


def _gone(jobs: Sequence[_Job], entries: dict[str, Any], store: Store) -> list[Problem]:
    """A problem where rows are stored of which the file is no longer there: reading all anew would lose them."""
    present = {(job.file, job.sha256) for job in jobs}
    standing = {label: e for label, e in entries.items() if e["kept"] or not e.get("superseded")}
    gone = [label for label, e in standing.items() if (e["file"], e["sha256"]) not in present]
    if not gone:
        return []
    return [Problem(str(store.root), say("load.files_gone", files=", ".join(gone), folder=store.root))]


def _read(
    jobs: Sequence[_Job], settings: LoadSettings, problems: list[Problem], progress: Progress | None
) -> Iterator[tuple[_Job, Any]]:
    """Each file with what is in it; problems of files that cannot be read are added to `problems`."""
    shop = Shop(settings.shop, settings.timezone, settings.root, settings.internal_accounts, _key(settings))
    for done, job in enumerate(jobs):
        if progress:
            progress(done, len(jobs), job.file)
        try:
            loaded = REGISTRY[job.source.source].load(job.path, job.source, shop)
        except CsperfError as error:
            problems += error.problems
        else:
            yield job, loaded


def _key(settings: LoadSettings) -> bytes:
    """The secret of the shop's hashes, empty where there is none."""
    path = (settings.folder or settings.root) / KEY_FILE
    given = os.environ.get(KEY_VARIABLE, "").encode()
    return given or (path.read_bytes().strip() if path.is_file() else b"")


# ------------------------------------------------------------------------------------------------------ the report


def _report(store: Store, jobs: Sequence[_Job], read_now: set[str]) -> LoadReport:
    files: list[dict[str, Any]] = []
    reasons: list[dict[str, Any]] = []
    present = {(job.file, job.sha256) for job in jobs}
    for label, entry in store.manifest()["files"].items():
        parts = {part: sum(entry[part].values()) for part in ("filtered", "rejected")}
        now = (entry["file"], entry["sha256"]) in present
        notices = [Notice(**warning).say() for warning in entry["warnings"]] if now else []
        skipped = entry["file"] not in read_now
        files.append({**entry, **parts, "file": label, "skipped": skipped, "warnings": "\n".join(notices)})
        reasons += _reasons(entry) if now else []
    return LoadReport(
        pd.DataFrame(files, columns=[*COLUMNS, "skipped", "warnings"]),
        pd.DataFrame(reasons, columns=["file", "part", "reason", "n", *FIRST]),
        _strangers(store),
    )


def _reasons(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row of the report's `reasons` for each reason of the file."""
    for part in ("filtered", "rejected"):
        for reason, n in entry[part].items():
            first = entry["first"].get(reason, {}) if part == "rejected" else {}
            yield {"file": entry["file"], "part": part, "reason": reason, "n": n} | {
                key: first.get(key) for key in FIRST
            }


def _strangers(store: Store) -> tuple[Notice, ...]:
    """A notice naming the accounts that are on no roster, where there is a roster."""
    if "roster" not in store.tables():
        return ()
    con = connect()
    on_roster = set(store.read(con, "roster").account_id.to_pandas())
    seen: set[str] = set()
    for table in WITH_ACCOUNTS:
        seen |= set(store.read(con, table).select("account_id").distinct().account_id.to_pandas().dropna())
    con.disconnect()
    strangers = sorted(seen - on_roster)
    slots: dict[str, str | int] = {"accounts": ", ".join(strangers), "n": len(strangers)}
    return (Notice("not_on_roster", slots),) if strangers else ()


def reason_words(reason: str, lang: str | None = None, column: str = "") -> str:
    """A rejected row's reason (`code` or `code:column`) as a sentence; `column`: what the file calls the column."""
    code, _, name = reason.partition(":")
    return say(f"load.{code}", lang, column=column or name)
