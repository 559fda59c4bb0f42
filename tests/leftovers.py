"""What is left of a shop in its files, as text: for looking up what must not be there."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd


def texts(*folders: Path) -> Iterator[tuple[Path, str]]:
    """Each file below the folders as text: tables row by row, workbooks part by part, others as they are.

    Not so PDFs and pictures, which say what the pages beside them say.
    """
    for path in (path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()):
        if path.suffix == ".parquet":
            yield path, pd.read_parquet(path).to_csv()
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as parts:
                yield path, "".join(parts.read(name).decode("utf-8", "ignore") for name in parts.namelist())
        else:
            yield path, path.read_bytes().decode("utf-8", "ignore")


def found(words: tuple[str, ...], *folders: Path) -> list[tuple[str, str]]:
    """Which of the words stand in which file."""
    return [(path.name, word) for path, text in texts(*folders) for word in words if word in text]
