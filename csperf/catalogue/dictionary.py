"""The metrics dictionary, made from the catalogue: `python -m csperf.catalogue.dictionary docs` writes it."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

from ..metric import Distinct, Entry, FromRows, Metric, Quantile, Sum
from ..text import say
from . import ENTRIES, calls, sales, service, speed

QUESTIONS = {"speed": speed, "service": service, "sales": sales, "calls": calls}
PAGES = {"zh": "metrics.zh-CN.md", "en": "metrics.md"}
# Sums over these facts are counts of something else than their rows.
NAMED_BY_AMOUNT = {"worked", "replied", "buyer_id"}


def page(lang: str) -> str:
    """The dictionary as Markdown."""
    parts = [f"# {say('catalogue.title', lang)}", say("catalogue.intro", lang)]
    for name, question in QUESTIONS.items():
        parts += [f"## {say(f'catalogue.question_{name}', lang)}", *_question(question, lang)]
    return "\n\n".join(parts) + "\n"


def write(folder: Path) -> None:
    """Writes the dictionary's pages into the folder."""
    for lang, name in PAGES.items():
        (folder / name).write_text(page(lang), encoding="utf-8", newline="\n")


def formula(entry: Entry, lang: str) -> str:
    """What the value is, in words made from the names of its conditions."""
    if isinstance(entry, Metric):
        return " ÷ ".join(_sum(part, lang) for part in entry.sums.values())
    assert isinstance(entry, FromRows)
    rows, what = _rows(entry.of, lang), _amount(entry.of, lang)
    if isinstance(entry, Distinct):
        return _sum(entry.of, lang)
    if isinstance(entry, Quantile):
        return say("catalogue.of_quantile", lang, rows=rows, what=what, percent=round(100 * entry.q))
    return say("catalogue.of_extreme", lang, rows=rows, what=what)


def _question(question: ModuleType, lang: str) -> list[str]:
    return [_section(entry, lang) for entry in question.ENTRIES if not entry.key.endswith("_allday")]


def _section(entry: Entry, lang: str) -> str:
    facts = [say(f"catalogue.unit_{entry.unit}", lang), say(f"catalogue.better_{entry.better}", lang)]
    facts += [say(f"catalogue.role_{entry.role}", lang), say("catalogue.label_matures", lang, days=entry.maturity_days)]
    if entry.min_n > 1 and ("denominator" in entry.sums or isinstance(entry, Quantile)):
        facts.append(say("catalogue.label_min_n", lang, n=entry.min_n))
    lines = {"formula": formula(entry, lang), "source": entry.source, "note": entry.note.get(lang, "")}
    lines["allday"] = f"`{entry.key}_allday`" if f"{entry.key}_allday" in ENTRIES else ""
    listed = [f"- {say(f'catalogue.label_{name}', lang)}: {text}" for name, text in lines.items() if text]
    return "\n".join([f"### `{entry.key}` {entry.name(lang)}", "", " · ".join(facts), "", *listed])


def _sum(part: Sum, lang: str) -> str:
    column = _column(part)
    if column is None:
        return _rows(part, lang)
    if column in NAMED_BY_AMOUNT:
        return _with_conditions(_amount(part, lang), part, lang)
    return say("catalogue.sum_of", lang, rows=_rows(part, lang), what=_amount(part, lang))


def _rows(part: Sum, lang: str) -> str:
    return _with_conditions(say(f"catalogue.fact_{part.fact}", lang), part, lang)


def _with_conditions(rows: str, part: Sum, lang: str) -> str:
    named = [say(f"catalogue.{name}", lang) for name in part.among if name not in ("has_value", "worked")]
    if not named:
        return rows
    return say("catalogue.where", lang, rows=rows, conditions=say("catalogue.and", lang).join(named))


def _amount(part: Sum, lang: str) -> str:
    return say(f"catalogue.amount_{_column(part)}", lang)


def _column(part: Sum) -> str | None:
    """The first column of what is added up; None where rows are counted."""
    found = re.search(r"_\.(\w+)", repr(part.value))
    return found[1] if found else None


if __name__ == "__main__":
    write(Path(sys.argv[1]))
