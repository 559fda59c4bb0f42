"""How many agents a shop needs, hour by hour, from when its customers come and how long each takes."""

from __future__ import annotations

from .advice import assumptions, capacity_words, needed_words, stretch_words
from .erlang import Queue, erlang_b
from .needs import (
    Stretch,
    agents_needed,
    hourly,
    lacking,
    mean_service_s,
    on_duty,
    peaks,
    rostered,
    staffed,
    stretch_of,
    stretches,
)
from .settings import StaffingSettings

__all__ = [
    "Queue",
    "StaffingSettings",
    "Stretch",
    "agents_needed",
    "assumptions",
    "capacity_words",
    "erlang_b",
    "hourly",
    "lacking",
    "mean_service_s",
    "needed_words",
    "on_duty",
    "peaks",
    "rostered",
    "staffed",
    "stretch_of",
    "stretch_words",
    "stretches",
]
