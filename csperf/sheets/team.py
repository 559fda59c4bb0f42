"""团队单: a role's month in bands and means; no name, and no figure made of fewer people than may be shown."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from ..catalogue import entry
from ..scorecard import Scorecard
from ..text import say
from ..text.numbers import MISSING, month_words
from .sheet import About, Block, Sheet, mean_of_many, points

BANDS = ("above", "level", "below")
FULL = 100
NOISE = 1e-9


def team(card: Scorecard, about: About, before: str = "") -> Sheet:
    """The sheet of all roles in a month. `before`: the month that means are compared with; none where empty."""
    now = card.scores[card.scores["month"] == about.month]
    roles = [str(role) for role in now["role"].unique()]
    lang = about.lang
    blocks = [_bands(now, card, roles, about, before), *(_metrics(card, role, about) for role in roles)]
    return Sheet(
        lang,
        say("sheets.team", lang, month=month_words(about.month, lang)),
        (about.shop,),
        tuple(_sentences(now, roles, about)),
        tuple(block for block in blocks if block.rows),
        (say("sheets.basis", lang), say("sheets.no_names", lang, least=about.anonymous)),
    )


def _sentences(now: pd.DataFrame, roles: list[str], about: About) -> Iterator[str]:
    for role in roles:
        scores = now.loc[now["role"] == role, "score"].dropna()
        slots = {"role": say(f"tables.role_{role}", about.lang), "people": len(scores)}
        if len(scores) < about.anonymous:
            yield say("sheets.role_small", about.lang, **slots, least=about.anonymous)
            continue
        met = int((scores >= FULL - NOISE).sum())
        yield say("sheets.role_mean", about.lang, **slots, mean=points(scores.mean()), met=met)


def _bands(now: pd.DataFrame, card: Scorecard, roles: list[str], about: About, before: str) -> Block:
    """How many stand in each band, and the mean score beside that of the month before."""
    lang, past = about.lang, card.scores[card.scores["month"] == before]
    rows = []
    for role in roles:
        own = now[(now["role"] == role) & now["score"].notna()]
        if len(own) < about.anonymous:
            continue
        told = len(own) >= card.settings.few
        counts = [str(int((own["band"] == band).sum())) if told else MISSING for band in BANDS]
        last = mean_of_many(past.loc[past["role"] == role, "score"], about.anonymous)
        change = points(own["score"].mean() - last, "+")
        cells = (say(f"tables.role_{role}", lang), str(len(own)), *counts, points(own["score"].mean()), change)
        rows.append(cells)
    heads = ("role", "people", *(f"band_{band}" for band in BANDS), "mean", "since")
    return Block(
        say("sheets.bands", lang),
        tuple(say(f"sheets.head_{head}", lang) for head in heads),
        tuple(rows),
        say("sheets.bands_note", lang),
    )


def _metrics(card: Scorecard, role: str, about: About) -> Block:
    """A role's metrics: weight, people scored, mean points, how many reach the target's points."""
    lang = about.lang
    parts = card.parts[(card.parts["month"] == about.month) & (card.parts["role"] == role)]
    rows = []
    for metric, own in parts.groupby("metric", sort=False):
        known = own["points"].dropna()
        if len(known) >= about.anonymous:
            met = say("tables.met_of", lang, met=int((known >= FULL - NOISE).sum()), agents=len(known))
            weight = f"{own['weight'].iloc[0]:.3g}"
            rows.append((entry(str(metric)).name(lang), weight, points(known.mean()), met))
    heads = ("metric", "weight", "mean_points", "met")
    title = say("sheets.role_metrics", lang, role=say(f"tables.role_{role}", lang))
    return Block(title, tuple(say(f"sheets.head_{head}", lang) for head in heads), tuple(rows))
