"""The slow, plain reading of CONTRACT sections 2 and 3 that the engine is held against. Shares nothing with csperf."""

from .metrics import KEYS, buyers_of_period, metrics, quantile, waits
from .orders import purchases
from .records import RECORD_METRICS, record_metrics, records
from .sessions import derive

__all__ = [
    "KEYS",
    "RECORD_METRICS",
    "buyers_of_period",
    "derive",
    "metrics",
    "purchases",
    "quantile",
    "record_metrics",
    "records",
    "waits",
]
