"""Warm kernels: Python starts and imports once for many notebooks, and yet each finds an empty namespace."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Semaphore

from jupyter_client.manager import KernelManager

PACKAGES = Path(__file__).resolve().parent.parent
# The client that looks after its kernel while it waits; one that blocks waits for ever for a kernel that was killed.
LISTENING = "jupyter_client.asynchronous.AsyncKernelClient"


def clean_start(folder: Path, variables: Mapping[str, str]) -> str:
    """The cell to run before a notebook: no names of the one before, its own folder, its own environment."""
    return "\n".join(
        [
            "get_ipython().reset(new_session=False)",  # as %reset -f, which looks for garbage twice
            "import os",
            "from csperf.settle import settle",
            "settle()",
            f"os.chdir({str(folder)!r})",
            f"os.environ.update({dict(variables)!r})",
            "del os, settle",
        ]
    )


class Kernels:
    """Kernels that were started and are free; one more is started where none is and fewer than `most` are in use."""

    def __init__(self, started: ExitStack, most: int) -> None:
        self._free: SimpleQueue[KernelManager] = SimpleQueue()
        self._started = started
        self._starting = Lock()
        self._in_use = Semaphore(most)

    @contextmanager
    def one(self) -> Iterator[KernelManager]:
        """A kernel for one worker, who waits for it; given back at the end if it still lives."""
        with self._in_use:
            try:
                kernel = self._free.get_nowait()
            except Empty:
                with self._starting:
                    kernel = self._started.enter_context(_kernel())
            try:
                yield kernel
            finally:
                if kernel.is_alive():
                    self._free.put(kernel)


@contextmanager
def warm_kernels(most: int = 1) -> Iterator[Kernels]:
    """Kernels, at most so many in use at once, that are shut down at the end."""
    with ExitStack() as started:
        yield Kernels(started, most)


@contextmanager
def _kernel() -> Iterator[KernelManager]:
    place = tempfile.mkdtemp(prefix="csperf-")
    # Where sockets can be files nobody else on the machine can listen in; Windows has none.
    private = {"transport": "ipc", "ip": f"{place}/kernel"} if os.name == "posix" else {}
    kernel = KernelManager(
        kernel_name="python3",
        connection_file=f"{place}/kernel.json",
        client_class=LISTENING,
        **private,
    )
    # The kernel imports this csperf, wherever it lies; hash seed and backend are part of the page's bytes.
    places = [str(PACKAGES), os.environ.get("PYTHONPATH", "")]
    fixed = {"PYTHONHASHSEED": "0", "MPLBACKEND": "agg", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    kernel.start_kernel(env=os.environ | fixed | {"PYTHONPATH": os.pathsep.join(filter(None, places))})
    try:
        yield kernel
    finally:
        kernel.shutdown_kernel(now=True)
        shutil.rmtree(place, ignore_errors=True)
