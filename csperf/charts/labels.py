"""Names beside dots, each where it meets no dot and no other name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .picture import GREY

LABEL_SIZE, LABEL_GAP = 7.5, 4  # points
BESIDE = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1), (-1, 1), (1, -1))  # of a dot, where its name may stand
FURTHER = tuple((across, up * rows) for rows in (2, 3, 4, 5) for up in (1, -1) for across in (0, 1, -1))
SIDES = (*BESIDE, *FURTHER)


def names_beside(axes: Axes, x: pd.Series, y: pd.Series, labels: Sequence[str]) -> None:
    """Names beside dots, each at the first place where it meets no dot, no name written before and not the left axis.

    One that stands some rows off is tied to its dot by a line. To be called last: what else the figure holds decides
    where the dots lie.
    """
    figure = axes.figure.canvas.figure
    figure.draw_without_rendering()
    points = 72 / figure.dpi
    dots = [tuple(dot) for dot in axes.transData.transform(np.column_stack([x, y])) * points]
    taken = [_box(dot, (0, 0), (6, 6)) for dot in dots]
    for dot, label, place in zip(dots, labels, zip(x, y, strict=True), strict=True):
        size = (LABEL_SIZE * sum(1 if ord(sign) > 255 else 0.52 for sign in label), LABEL_SIZE * 1.3)
        boxes = {side: _box(dot, side, size) for side in SIDES if _box(dot, side, size)[0] > axes.bbox.x0 * points}
        side = next((side for side, box in boxes.items() if not any(_meet(box, other) for other in taken)), SIDES[0])
        taken.append(_box(dot, side, size))
        shift = (side[0] * (size[0] / 2 + LABEL_GAP), side[1] * (size[1] / 2 + LABEL_GAP))
        look: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "va": "center", "fontsize": LABEL_SIZE}
        if side in FURTHER:
            look["arrowprops"] = {"arrowstyle": "-", "linewidth": 0.5, "color": GREY, "shrinkB": 3}
        axes.annotate(label, place, shift, **look).set_in_layout(False)


def _box(dot: tuple[float, float], side: tuple[float, float], size: tuple[float, float]) -> tuple[float, ...]:
    """left, bottom, right, top of a label of that size on that side of a dot, in points."""
    x, y = (at + way * (part / 2 + LABEL_GAP) for at, way, part in zip(dot, side, size, strict=True))
    return (x - size[0] / 2, y - size[1] / 2, x + size[0] / 2, y + size[1] / 2)


def _meet(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
