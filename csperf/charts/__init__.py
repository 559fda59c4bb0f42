"""One picture per function, returned and never shown or saved. Labels come from the catalogue and text/charts.yaml.

Every function takes frames with the columns of the values table (csperf.run.measure) and `lang`. Days without data
are grey, n stands beside the value, and no meaning rests on colour alone.
"""

from __future__ import annotations

from .demand import categories
from .patience import bought_by_wait
from .performance import agents, bars, days, volume_speed
from .picture import Picture
from .quality import coverage
from .same_agent import months, shifts
from .scores import points_of_person, scores
from .signals import funnel, month_limits
from .staffing import needed_scheduled, week_hours
from .targets import spread
from .weights import correlations, how_sure, outcome_scatter, screening, weights

__all__ = [
    "Picture",
    "agents",
    "bars",
    "bought_by_wait",
    "categories",
    "correlations",
    "coverage",
    "days",
    "funnel",
    "how_sure",
    "month_limits",
    "months",
    "needed_scheduled",
    "outcome_scatter",
    "points_of_person",
    "scores",
    "screening",
    "shifts",
    "spread",
    "volume_speed",
    "week_hours",
    "weights",
]
