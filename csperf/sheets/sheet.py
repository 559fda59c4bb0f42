"""What a sheet says, and the figures of a team that nobody can be read from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from ..charts import Picture
from ..text import say
from ..text.numbers import MISSING


@dataclass(frozen=True)
class About:
    """The shop and month a sheet is about, its language, and of how many people a team's figure must be made.

    days_off: the month's days that no metric counts; speed_off: those that only speed leaves out.
    """

    shop: str
    month: str
    lang: str = "zh"
    anonymous: int = 5
    days_off: tuple[date, ...] = ()
    speed_off: tuple[date, ...] = ()


@dataclass(frozen=True)
class Block:
    """A table of a sheet: its title, heads and rows of words, and what to know of it."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True, eq=False)
class Sheet:
    """One page: ** marks bold. picture: null where nothing can be drawn. stamp: what limits the use of the whole page.

    For paper that is filled in: boxes to tick, what is to be written on empty lines, who signs.
    """

    lang: str
    title: str
    about: tuple[str, ...]
    sentences: tuple[str, ...]
    blocks: tuple[Block, ...]
    footer: tuple[str, ...]
    picture: Picture | None = None
    stamp: str = ""
    ticks: tuple[str, ...] = ()
    room: str = ""
    signatures: tuple[str, ...] = ()


def pieces(text: str) -> list[tuple[str, bool]]:
    """A text cut at its ** marks: each piece with whether it is bold."""
    return [(piece, bool(place % 2)) for place, piece in enumerate(text.split("**")) if piece]


def place(role: str, level: object, lang: str) -> tuple[str, ...]:
    """Role and level in words; a level of the shop's own as it is, none where it is null."""
    known = {"junior", "mid", "senior"}
    said = () if pd.isna(level) else (say(f"tables.level_{level}", lang) if level in known else str(level),)
    return (say(f"tables.role_{role}", lang), *said)


def points(value: float | None, sign: str = "") -> str:
    """Points as people read them: 84.9."""
    if value is None or pd.isna(value):
        return MISSING
    return "0" if sign and abs(value) < 0.05 else f"{abs(value) if abs(value) < 0.05 else value:{sign}.1f}"


def mean_of_many(values: pd.Series, least: int) -> float:
    """The mean of at least so many people's figures; NaN of fewer, from which one person's could be read."""
    known = values.dropna()
    return float(known.mean()) if len(known) >= least else float("nan")
