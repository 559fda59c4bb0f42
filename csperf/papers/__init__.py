"""What people sign or hang up: 绩效目标确认单, 考核标准公示, 绩效结果确认单 / 申诉单, and who has signed."""

from __future__ import annotations

from .confirmation import confirmation
from .credit import credit_rule
from .days import Objections, objections
from .notice import notice
from .result import result
from .signed import STATES, Signed, read_signed, signed_path
from .terms import Terms

__all__ = [
    "STATES",
    "Objections",
    "Signed",
    "Terms",
    "confirmation",
    "credit_rule",
    "notice",
    "objections",
    "read_signed",
    "result",
    "signed_path",
]
