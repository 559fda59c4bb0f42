"""A worker that is killed spoils its own page and nothing else; no more kernels work than were asked for."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from csperf import kernels as kernel_module
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


def test_workers_wait_for_as_many_kernels_as_were_asked_for(monkeypatch):
    started = [SimpleNamespace(is_alive=lambda: True) for _ in range(9)]
    waiting = iter(started)
    monkeypatch.setattr(kernel_module, "_kernel", lambda: nullcontext(next(waiting)))
    busy, seen, most = [], [], 2

    def work(_page: int) -> None:
        with kernels.one() as kernel:
            busy.append(kernel)
            seen.append(len(busy))
            time.sleep(0.02)
            busy.remove(kernel)

    with warm_kernels(most) as kernels, ThreadPoolExecutor(5) as pool:
        list(pool.map(work, range(10)))
    assert max(seen) == most
    assert len(list(waiting)) == len(started) - most, "free ones are used again"
