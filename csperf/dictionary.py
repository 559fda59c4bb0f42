"""The metrics dictionary: what a key means, worked out from its entry of the catalogue and said in words."""

from __future__ import annotations

from collections.abc import Iterable

from .metric import Entry, Quantile, Sum
from .text import say
from .text.numbers import number


def article(entry: Entry, lang: str) -> dict[str, str]:
    """What is said of one metric, heading by heading, in Chinese or English."""
    said = {"key": entry.key, "unit": _word("unit", entry.unit, lang), "better": _word("better", entry.better, lang)}
    said |= {side: _sum(part, lang) for side, part in entry.sums.items()}
    if isinstance(entry, Quantile):
        said["quantile"] = say("dictionary.quantile_of", lang, q=number(entry.q, "share"))
    said |= {"role": _word("role", entry.role, lang), "step": number(entry.step, entry.unit)}
    said |= {"min_n": str(entry.min_n), "maturity_days": say("dictionary.days", lang, n=entry.maturity_days)}
    said |= {"note": entry.note.get(lang, ""), "source": entry.source}
    return {say(f"dictionary.{heading}", lang): text for heading, text in said.items() if text}


def _word(kind: str, value: str, lang: str) -> str:
    return say(f"dictionary.{kind}_{value}", lang)


def _sum(part: Sum, lang: str) -> str:
    """What is added up over which rows: `buyers' messages: in hours, answered within 30 s`."""
    conditions = [say("dictionary.all_day", lang)] if part.allday else []
    conditions += [say(f"catalogue.{name}", lang) for name in part.among]
    slots = {"fact": _word("fact", part.fact, lang), "what": _word("measured_in", part.unit, lang)}
    where = say("dictionary.where", lang) if conditions else ""
    return say("dictionary.sum", lang, **slots) + where + say("dictionary.and", lang).join(conditions)


def page(entries: Iterable[Entry], lang: str) -> str:
    """The dictionary as Markdown, one section for each metric."""
    sections = [f"# {say('dictionary.title', lang)}", say("dictionary.about", lang)]
    for entry in entries:
        sections.append(f"## {entry.name(lang)}")
        sections.append("\n".join(f"- {heading}: {text}" for heading, text in article(entry, lang).items()))
    return "\n\n".join(sections) + "\n"
