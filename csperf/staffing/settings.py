"""What good staffing means to a shop, and what its agents can do at once."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class StaffingSettings(BaseModel):
    """Of the customers who come in an hour at least `level` are answered within `reply_s` seconds.

    occupancy: the share of their time that agents may be busy. most_waiting: the share of customers who may have to
    wait at all. shrinkage: the part of a shift that goes to meals, breaks and training. chats_at_once: how many chats
    an agent carries side by side; calls are one at a time. handle_s: how long one takes, default as measured.
    patience_s: how long callers wait before they hang up; default as measured of calls; chats wait. day_cap: how many
    chats a day are too many for one agent; default: what `chats_at_once` and `occupancy` allow in the hours worked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reply_s: float = Field(default=30, ge=0)
    level: float = Field(default=0.8, ge=0, lt=1)
    occupancy: float = Field(default=0.85, gt=0, lt=1)  # the example of pyworkforce's README; own choice
    most_waiting: float = Field(default=1, gt=0, le=1)
    shrinkage: float = Field(default=0.1, ge=0, lt=1)  # own: a meal and two breaks of a nine-hour shift
    chats_at_once: float = Field(default=3, ge=1)  # own: to be set by the shop; what was measured stands beside it
    handle_s: float | None = Field(default=None, gt=0)
    patience_s: float | None = Field(default=None, gt=0)
    day_cap: int | None = Field(default=None, gt=0)
