"""Scores that are fair and can be explained: values, targets and weights in, a score with its range and reasons out.

Pay and personal sheets go by the value as people read it; ranking and awards by the one with luck taken off. Bands
instead of ranks. What is missing gives its weight to the rest and is never 0.
"""

from __future__ import annotations

from .card import PARTS, Scorecard, score, scorecard
from .changes import CHANGES, changes
from .events import KINDS
from .gaming import CHECKS, OF_CHATS, beside_others, gaming
from .points import Aims, as_shown
from .presets import PRESETS, Preset, preset
from .settings import ScoreSettings

__all__ = [
    "CHANGES",
    "CHECKS",
    "KINDS",
    "OF_CHATS",
    "PARTS",
    "PRESETS",
    "Aims",
    "Preset",
    "ScoreSettings",
    "Scorecard",
    "as_shown",
    "beside_others",
    "changes",
    "gaming",
    "preset",
    "score",
    "scorecard",
]
