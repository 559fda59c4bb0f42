"""The slow, plain reading of CONTRACT sections 2 and 3 that the engine is held against. Shares nothing with csperf."""

from .sessions import derive

__all__ = ["derive"]
