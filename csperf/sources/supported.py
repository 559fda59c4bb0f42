"""The page of the exports that are known, made from what the loaders know of them."""

from __future__ import annotations

from collections.abc import Iterator

from ..text import say, words
from .recognise import About, Format, formats, written_about

PAGES = {"zh": "formats.zh-CN.md", "en": "formats.md"}


def page(lang: str) -> str:
    """The whole page as Markdown: how files are known, then each format by platform, and how to send in a header."""
    parts = [f"# {_say('title', lang)}", _say("intro", lang)]
    for section in ("sure", "dropped"):
        parts += [f"## {_say(f'{section}_title', lang)}", _say(section, lang)]
    for platform in platforms():
        parts.append(f"## {platform_name(platform, lang)}")
        parts += [article(key, one, lang) for key, one in formats().items() if one.platform == platform]
    parts.append(f"## {_say('written_title', lang)}")
    parts += [article(key, one, lang) for key, one in written_about().items()]
    parts += [f"## {_say('send_title', lang)}", _say("send", lang)]
    return "\n\n".join(parts) + "\n"


def article(key: str, known: About, lang: str) -> str:
    """What is said of one format, as Markdown."""
    lines = {"table": _table(known, lang), "": _say("grade", lang, grade=known.grade, seen=_seen(known, lang))}
    if isinstance(known, Format):
        lines |= dict(_columns(known, lang))
    lines["notes"] = known.notes.get(lang, "")
    told = [f"- {_say(label, lang) if label else ''}{text}" for label, text in lines.items() if text]
    return "\n".join([f"### `{key}` {known.name[lang]}", "", *told])


def platform_name(platform: str, lang: str) -> str:
    """What a platform is called; its own name where no other is known."""
    return words("formats", lang).get(f"platform_{platform}", platform)


def platforms() -> list[str]:
    """The platforms that there are formats of, in the order in which they are named, those without a name last."""
    named = [name.removeprefix("platform_") for name in words("formats", "en") if name.startswith("platform_")]
    known = {one.platform for one in formats().values()}
    return [name for name in named if name in known] + sorted(known - set(named))


def _columns(known: Format, lang: str) -> Iterator[tuple[str, str]]:
    """What is said of a table's columns, by label."""
    stop, other = _say("stop", lang), _say("or", lang)
    yield "versions", stop.join(known.versions)
    yield "requires", stop.join(other.join(map(_code, entry)) for entry in known.requires)
    yield (
        "aliases",
        "; ".join(f"{_code(name)} = {other.join(map(_code, same))}" for name, same in known.aliases.items()),
    )
    ways = [way for alternatives in known.columns.values() for way in alternatives]
    used = dict.fromkeys(name for way in ways for name in way.from_)
    used |= dict.fromkeys(known.measured.headings if known.measured else ())
    yield "used", stop.join(map(_code, used))
    hashed = dict.fromkeys(name for way in ways if way.hash for name in way.from_)
    yield "personal", _say("hashed", lang, columns=stop.join(map(_code, hashed))) if hashed else ""


def _table(known: About, lang: str) -> str:
    return _say(f"table_{known.table or 'none'}", lang)


def _seen(known: About, lang: str) -> str:
    return _say(f"seen_{known.seen}", lang)


def _code(name: str) -> str:
    return f"`{name}`"


def _say(name: str, lang: str, **slots: str) -> str:
    return say(f"formats.{name}", lang, **slots)
