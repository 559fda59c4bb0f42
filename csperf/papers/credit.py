"""判定规则: whose sale an order is, as the counting rules have it, in words to sign under."""

from __future__ import annotations

from collections.abc import Iterable

from ..catalogue import entry
from ..definitions import Definition
from ..metric import Metric
from ..text import say, words


def credit_rule(metrics: Iterable[str], definition: Definition, lang: str, backend: str | None = None) -> str:
    """Who a sale is credited to; empty where none of the metrics asks it.

    `backend`: of which platform's backend the values come ("" where nobody said), null where they come from chats.
    """
    if not any(_credited(key) for key in metrics):
        return ""
    if backend is not None:
        known = f"backend_{backend}" in words("papers", lang)
        named = say(f"papers.backend_{backend}" if known else "papers.backend", lang)
        return say("papers.credit_table", lang, backend=named)
    rule = say(f"papers.credit_{definition.attribution}", lang, hours=definition.window_h)
    needs = say("papers.credit_substantive", lang) if definition.credit_needs == "substantive" else ""
    return rule + needs + say("papers.credit_after", lang)


def _credited(key: str) -> bool:
    """Whether the metric counts orders or buyers who ordered."""
    known = entry(key)
    if not isinstance(known, Metric):
        return False
    return any(part.fact == "purchases" or "orders_known" in part.among for part in known.sums.values())
