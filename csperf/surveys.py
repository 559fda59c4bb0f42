"""A questionnaire with the form for its answers; what they say, and what those who stayed silent could change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from statsmodels.stats.weightstats import DescrStatsW

from .errors import CsperfError, Problem
from .settings import quoted
from .text import say
from .text.numbers import number
from .workbook import Book

COLUMNS = ("survey_id", "asked_at", "answered_at", "score", "scale_max", "subject")
SUBJECTS = ("overall", "manner", "solved", "speed")
SCALE, LEAST = 5, 1
UNDECIDED = 0.05  # one in twenty intervals misses


def write_survey(path: Path, lang: str) -> Path:
    """The form for the answers and, on its second sheet, the questionnaire. CsperfError where the file is there."""
    if path.exists():
        raise CsperfError(Problem(str(path), say("quality.kept_form")))
    book = Book(path, lang)
    notes = [say(f"quality.about_{'survey_score' if name == 'score' else name}", lang) for name in COLUMNS]
    book.sheet("survey_answers", [say(f"quality.{name}", lang) for name in COLUMNS], notes)
    asked = book.sheet(
        "survey_questions", [say(f"quality.{name}", lang) for name in ("subject", "question", "scale")], [""] * 3
    )
    for row, subject in enumerate(SUBJECTS, start=1):
        words = (f"subject_{subject}", f"question_{subject}", f"scale_{SCALE}")
        asked.write_row(row, 0, [say(f"quality.{word}", lang) for word in words])
    asked.set_column(1, 2, 40)
    book.close()
    return path


def source_words(files: str, lang: str) -> str:
    """The entry below `sources:` that reads the form for the answers."""
    columns = "".join(f"      {name}: {quoted(say(f'quality.{name}', lang))}\n" for name in COLUMNS)
    return f"  - source: table\n    table: surveys\n    files: {quoted(files)}\n    columns:\n{columns}"


def response(surveys: pd.DataFrame) -> pd.DataFrame:
    """subject, asked, answered, share, mean, low, high, scale_max, worst, best: what came back, by subject.

    `surveys`: the table of that name. mean of the answers and its 95 % interval (Student's t, statsmodels), null below
    two; worst and best: the mean if all silent ones had given 1, or the full score. Null without answers.
    """
    rows = [_subject(str(subject), own) for subject, own in surveys.groupby("subject", sort=False)]
    columns = ["subject", "asked", "answered", "share", "mean", "low", "high", "scale_max", "worst", "best"]
    return pd.DataFrame(rows, columns=columns).sort_values(
        ["asked", "subject"], ascending=[False, True], ignore_index=True
    )


def _subject(subject: str, own: pd.DataFrame) -> tuple[object, ...]:
    full = float(own["scale_max"].max())
    given = (own["score"] / own["scale_max"] * full).dropna().astype(float)
    asked, n = len(own), len(given)
    low, high = DescrStatsW(given).tconfint_mean(UNDECIDED) if n > 1 else (np.nan, np.nan)
    worst, best = ((given.sum() + (asked - n) * score) / asked if n else np.nan for score in (LEAST, full))
    return subject, asked, n, n / asked, given.mean(), max(low, LEAST), min(high, full), full, worst, best


def response_words(row: pd.Series, lang: str = "zh") -> str:
    """What one row of `response` says, with those who did not answer."""
    figures = {name: number(row[name], "points") for name in ("mean", "low", "high", "worst", "best")}
    slots = {name: number(row[name], "count") for name in ("asked", "answered")}
    slots |= {"share": number(row["share"], "share"), "full": number(row["scale_max"], "count")}
    silent = row["asked"] - row["answered"]
    said = say("quality.response", lang, subject=row["subject"], silent=number(silent, "count"), **figures, **slots)
    return said + ("" if lang == "zh" else " ") + say("quality.response_bounds", lang, **figures) if silent else said
