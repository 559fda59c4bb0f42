"""Targets that say the same thing twice, and targets that cannot all be met exactly: found from the metrics' formulas.

a / b times c / a is c / b: where the catalogue's sums show such a product, hitting two of the values fixes the third.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ..catalogue import ENTRIES
from ..identities import Product, products
from ..text import say, ui_language
from ..text.numbers import quantity

COLUMNS = ["role", "level", "kind", "metrics", "implied", "target", "said"]
EXACT = 1e-9


def check_consistency(targets: pd.DataFrame) -> pd.DataFrame:
    """What is wrong with a set of targets (columns metric, role, level, target): COLUMNS, a row for each finding.

    kind: identity (the three are two, scoring all counts one twice) or contradiction (who exactly meets two of them
    misses the third; `implied` is what they then have).
    """
    rows: list[tuple] = []
    for (role, level), group in targets.dropna(subset="target").groupby(["role", "level"], dropna=False):
        values = group.set_index("metric")["target"].to_dict()
        for product in products(values):
            rows += _findings(role, level, product, values)
    return pd.DataFrame(rows, columns=COLUMNS)


def _findings(role: object, level: object, product: Product, values: dict[str, float]) -> Iterator[tuple]:
    implied, wanted = values[product.first] * values[product.second], values[product.result]
    keys = ";".join(product)
    yield role, level, "identity", keys, implied, wanted, _said("identity", product, values, implied)
    sign = 1 if ENTRIES[product.result].better != "lower" else -1
    if sign * implied < sign * wanted - EXACT * max(abs(wanted), 1):
        yield role, level, "contradiction", keys, implied, wanted, _said("contradiction", product, values, implied)


def _said(kind: str, product: Product, values: dict[str, float], implied: float) -> str:
    lang = ui_language()
    names = {part: ENTRIES[key].name(lang) for part, key in product._asdict().items()}
    shown = {f"{part}_value": quantity(values[key], ENTRIES[key].unit, lang) for part, key in product._asdict().items()}
    shown["implied"] = quantity(implied, ENTRIES[product.result].unit, lang)
    return say(f"targets.{kind}", lang, **names, **shown)
