"""The most memory a process held, told by itself: what its parent is told counts the parent's own start as well."""

from __future__ import annotations

import re
import resource
from pathlib import Path

FILE = "peak_mib"
KIB_A_MIB = 1024


def note(out: Path) -> None:
    """Writes the peak of this process so far, in MiB, to a file of the folder."""
    status = Path("/proc/self/status")
    held = re.search(r"VmHWM:\s*(\d+) kB", status.read_text(encoding="utf-8")) if status.exists() else None
    kib = int(held[1]) if held else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (out / FILE).write_text(str(kib / KIB_A_MIB), encoding="utf-8")


def noted(out: Path) -> float:
    """What `note` wrote there."""
    return float((out / FILE).read_text(encoding="utf-8"))
