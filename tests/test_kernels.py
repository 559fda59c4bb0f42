"""A worker that is killed spoils its own page and nothing else."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from csperf import report
from csperf.errors import CsperfError
from csperf.kernels import warm_kernels

KILLED = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"


def page(path: Path, *cells: str) -> Path:
    """A notebook of these cells."""
    given = nbformat.v4.new_code_cell("", metadata={"tags": ["parameters"]})
    made = nbformat.v4.new_notebook(cells=[given, *map(nbformat.v4.new_code_cell, cells)])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(made, path)
    return path


def test_a_killed_worker_is_said_and_replaced(tmp_path):
    store = SimpleNamespace(tables=list, until=None)
    run = SimpleNamespace(month="2026-10", lang="zh", store=store)
    told = (tmp_path / "shop.yaml", run)
    with warm_kernels() as kernels:
        with kernels.one() as first, pytest.raises(CsperfError, match=r"bad\.ipynb"):
            report._run_one(page(tmp_path / "bad.ipynb", KILLED), *told, first, {}, print)
        with kernels.one() as second:
            assert second is not first
            done = report._run_one(page(tmp_path / "good.ipynb", "1 + 1"), *told, second, {}, print)
    assert done.cells[-1].outputs[0].data["text/plain"] == "2"
