"""The metrics dictionary: what a key means, worked out from its entry of the catalogue and said in words.

`python -m csperf.dictionary docs` writes its pages.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from .catalogue import ENTRIES, FILES
from .metric import NONE_BUT_WORKED, Distinct, Entry, FromRows, Metric, Quantile, Sum, Told
from .sources import supported
from .text import LANGUAGES, say
from .text.numbers import quantity

PAGES = {"zh": "metrics.zh-CN.md", "en": "metrics.md"}
# Sums over these columns are of something else than what a row of their fact is.
NAMED_BY_AMOUNT = {"worked", "replied", "shift_us", "online_us", "buyer_id"}
COUNTED_IN_PARTS = {"share_ppm"}  # rows, some of which are only part of a thing


def page(lang: str) -> str:
    """The whole dictionary as Markdown, by question; the page of a metric names its all-day twin."""
    parts = [f"# {say('dictionary.title', lang)}", say("dictionary.intro", lang)]
    for question in FILES:
        name = question.__name__.rpartition(".")[2]
        parts += [f"## {say(f'dictionary.question_{name}', lang)}", *_articles(question, lang)]
    return "\n\n".join(parts) + "\n"


def write(folder: Path) -> None:
    """Writes the dictionary's pages into the folder, and those of the exports that are known."""
    folder.mkdir(parents=True, exist_ok=True)
    for lang in LANGUAGES:
        (folder / PAGES[lang]).write_text(page(lang), encoding="utf-8", newline="\n")
        (folder / supported.PAGES[lang]).write_text(supported.page(lang), encoding="utf-8", newline="\n")


def article(entry: Entry, lang: str) -> str:
    """What is said of one metric, as Markdown: a heading, what sort of number it is, and line by line the rest."""
    kind = [_word("unit", entry.unit, lang), _word("better", entry.better, lang), _word("role", entry.role, lang)]
    lines = {"formula": formula(entry, lang), "null": null_means(entry, lang), **_limits(entry, lang)}
    lines |= {"source": entry.source, "note": entry.note.get(lang, "")}
    lines["allday"] = f"`{entry.key}_allday`" if f"{entry.key}_allday" in ENTRIES else ""
    listed = [f"- {_word('label', name, lang)}{text}" for name, text in lines.items() if text]
    return "\n".join([f"### `{entry.key}` {entry.name(lang)}", "", " · ".join(kind), "", *listed])


def formula(entry: Entry, lang: str) -> str:
    """What the value is, in words made from the names of its conditions."""
    if isinstance(entry, Told):
        return entry.made_of[lang]
    if isinstance(entry, Metric):
        return " ÷ ".join(_sum(part, lang) for part in entry.sums.values())
    assert isinstance(entry, FromRows)
    rows, what = _rows(entry.of, lang), _amount(entry.of, lang)
    if isinstance(entry, Distinct):
        return _sum(entry.of, lang)
    if isinstance(entry, Quantile):
        return say("dictionary.of_quantile", lang, rows=rows, what=what, percent=round(100 * entry.q))
    return say("dictionary.of_extreme", lang, rows=rows, what=what)


def null_means(entry: Entry, lang: str) -> str:
    """When the metric has no value, and when it is 0 although no row counts."""
    return say("dictionary.stop", lang).join(say(f"dictionary.null_{why}", lang) for why in _reasons(entry))


def _reasons(entry: Entry) -> Iterator[str]:
    if isinstance(entry, Told | FromRows):
        yield "told" if isinstance(entry, Told) else "rows"
        return
    above, below = entry.sums["numerator"], entry.sums.get("denominator", NONE_BUT_WORKED)
    yield "ratio" if "denominator" in entry.sums else "total"
    if above.known is not None:
        yield "unknown"
    if above.fact != below.fact:
        yield "worked"


def _limits(entry: Entry, lang: str) -> dict[str, str]:
    """From how many cases on, how many days later and in what steps the value speaks."""
    limits = {"matures": say("dictionary.days", lang, n=entry.maturity_days)}
    if entry.min_n > 1 and ("denominator" in entry.sums or isinstance(entry, Quantile)):
        limits["min_n"] = say("dictionary.cases", lang, n=entry.min_n)
    return limits | {"step": quantity(entry.step, entry.unit, lang)}


def _articles(question: ModuleType, lang: str) -> list[str]:
    return [article(entry, lang) for entry in question.ENTRIES if not entry.key.endswith("_allday")]


def _word(kind: str, value: str, lang: str) -> str:
    return say(f"dictionary.{kind}_{value}", lang)


def _sum(part: Sum, lang: str) -> str:
    column = _column(part)
    if column is None or column in COUNTED_IN_PARTS:
        return _rows(part, lang)
    if column in NAMED_BY_AMOUNT:
        return _with_conditions(_amount(part, lang), part, lang)
    return say("dictionary.sum_of", lang, rows=_rows(part, lang), what=_amount(part, lang))


def _rows(part: Sum, lang: str) -> str:
    return _with_conditions(_word("fact", part.fact, lang), part, lang)


def _with_conditions(rows: str, part: Sum, lang: str) -> str:
    named = [say("dictionary.all_day", lang)] if part.allday else []
    named += [say(f"catalogue.{name}", lang) for name in part.among if name not in ("has_value", "worked")]
    if not named:
        return rows
    return say("dictionary.where", lang, rows=rows, conditions=say("dictionary.and", lang).join(named))


def _amount(part: Sum, lang: str) -> str:
    return _word("amount", str(_column(part)), lang)


def _column(part: Sum) -> str | None:
    """The first column of what is added up; None where rows are counted."""
    found = re.search(r"_\.(\w+)", repr(part.value))
    return found[1] if found else None


if __name__ == "__main__":
    write(Path(sys.argv[1]))
