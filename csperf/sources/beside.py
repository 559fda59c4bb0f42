"""Orders told in several files: columns that stand in other files of the same folder are brought over first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pyarrow as pa

from ..errors import CsperfError, Problem
from ..text import say, ui_language
from . import decode
from .loaded import Loaded, Shop, file_name, sha256
from .recognise import Beside, Header, Match, name_of, recognise


@dataclass(frozen=True)
class Joined:
    """A copy of a file with the columns of others, the header it then has, and the lines on which its rows stood."""

    path: Path
    match: Match
    lines: tuple[int, ...]

    def told_of(self, loaded: Loaded, path: Path, shop: Shop) -> Loaded:
        """What was loaded from the copy, said of the file itself: its name, its hash, its lines."""
        file = file_name(path, shop)
        tables = {name: self._placed(rows, "source_line", file) for name, rows in loaded.tables.items()}
        return replace(
            loaded,
            file=file,
            sha256=content(path, self.match),
            tables=tables,
            rejects=self._placed(loaded.rejects, "line", file),
        )

    def _placed(self, rows: pa.Table, column: str, file: str) -> pa.Table:
        lines = pa.array([self.lines[line - 2] for line in rows[column].to_pylist()], pa.int64())
        rows = rows.set_column(rows.schema.get_field_index(column), column, lines)
        if "source_file" in rows.column_names:
            rows = rows.set_column(
                rows.schema.get_field_index("source_file"), "source_file", pa.repeat(file, len(rows))
            )
        return rows


@contextmanager
def joined(path: Path, match: Match) -> Iterator[Joined]:
    """The file with the columns that its format takes from others beside it; CsperfError naming those not there."""
    found = _files(path, match)
    rows = _rows(match, path)
    for name, beside in match.format.beside.items():
        rows[name] = rows[beside.key].map(_taken(_rows(found[beside.format][1], found[beside.format][0]), beside))
        rows[name] = rows[name].fillna("0" if beside.take == "count" else "")
    lines = tuple(rows.pop("source_line"))
    with TemporaryDirectory() as folder:
        copy = Path(folder) / "joined.csv"
        rows.replace(r"[\r\n]+", " ", regex=True).to_csv(copy, index=False)
        names = tuple(rows.columns)
        yield Joined(copy, replace(match, header=Header(0, 1, names, names)), lines)


def content(path: Path, match: Match) -> str:
    """The hash of a file and of those from which it takes columns, CsperfError naming those that are not there."""
    hashes = [sha256(path), *(sha256(other) for _key, (other, _match) in sorted(_files(path, match).items()))]
    return hashlib.sha256(" ".join(hashes).encode()).hexdigest()


def _taken(rows: pd.DataFrame, beside: Beside) -> pd.Series:
    """What the rows of another file say of each key, as text."""
    cells = rows.groupby(beside.key)[beside.column or "source_line"]
    if beside.take == "count":
        return cells.count().astype(str)
    if beside.take == "sum":
        return cells.agg(lambda column: str(sum(map(Decimal, column))))
    return cells.first()


def _files(path: Path, match: Match) -> dict[str, tuple[Path, Match]]:
    """The files of the folder that the format needs, by the keys of their formats."""
    wanted = {beside.format for beside in match.format.beside.values()}
    found: dict[str, tuple[Path, Match]] = {}
    for other in sorted(path.parent.iterdir()):
        known = recognise(other) if other.is_file() and not other.name.startswith(".") else None
        if known and known.format.key in wanted:
            found[known.format.key] = (other, known)
    if missing := sorted(wanted - set(found)):
        names = "; ".join(f"{name_of(key, ui_language())} ({key})" for key in missing)
        raise CsperfError(Problem(str(path), say("load.beside_missing", formats=names, folder=path.parent)))
    return found


def _rows(match: Match, path: Path) -> pd.DataFrame:
    """The file's cells as text, by the header's names, and source_line."""
    names = [name for name in match.header.names if name]
    with decode.open_sheet(path, sheet=match.header.sheet, header_row=match.header.line) as sheet:
        batches = [batch.to_pandas() for batch in sheet.batches(names)]
    rows = pd.concat(batches, ignore_index=True) if batches else pd.DataFrame()
    columns = {f"cell:{place}": name for place, name in enumerate(names)}
    return rows.rename(columns=columns).reindex(columns=["source_line", *names])
