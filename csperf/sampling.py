"""Which chats to check, in a form to fill in, and whether those who judge judge alike."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from itertools import combinations
from math import ceil, inf
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.inter_rater import cohens_kappa, fleiss_kappa
from statsmodels.stats.proportion import samplesize_confint_proportion

from .errors import CsperfError, Problem
from .sources.quality import BODIES, ITEMS, MOST, SCORED, heading
from .text import say
from .text.numbers import MISSING, number
from .workbook import Book

LEVEL = 0.95
ID_DIGITS = 8
CHATS = ["check_id", "agent_id", "account_id", "buyer_id", "session_id", "started_at"]
GOOD, FAIR = 0.6, 0.4  # kappa: "substantial", "moderate" (Landis & Koch 1977)
STEPS = np.array([60, 80, 90])  # scores as grades, so that 88 and 90 are no disagreement (S/A/B/C of a check)


# The sample -------------------------------------------------------------------------------------------------------


def sample_size(margin: float, population: int, share: float = 0.5, level: float = LEVEL) -> int:
    """How many of `population` must be looked at to know a share to within `margin` (0-1).

    The normal interval's size for an expected `share` (statsmodels), less what a finite population saves.
    """
    endless = samplesize_confint_proportion(share, margin, alpha=1 - level)
    return min(ceil(endless / (1 + (endless - 1) / population) - 1e-9), population) if population else 0


def margin_of(n: int, population: int, share: float = 0.5, level: float = LEVEL) -> float:
    """To within how much `n` of `population` tell a share; infinite for none."""
    if not n:
        return inf
    rest = (population - n) / (population - 1) if population > 1 else 0.0
    return float(stats.norm.ppf((1 + level) / 2) * np.sqrt(share * (1 - share) / n * rest))


def check_number(session_id: str) -> str:
    """The number of a chat on the form: always the same, and nobody's name."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:ID_DIGITS].upper()


def drawn(
    chats: pd.DataFrame,
    *,
    margin: float = 0.1,
    each: int = 0,
    share: float = 0.5,
    seed: int = 1,
    checked: Collection[str] = (),
) -> pd.DataFrame:
    """CHATS of the sample, by agent and time; `.attrs["population"]` holds how many chats of each agent there were.

    `chats`: agent_id, account_id, buyer_id, session_id, started_at; a chat of two agents is drawn for one of them at
    most. Every agent is a stratum with a part of the sample as large as of the chats, one chat at least; with `each`,
    so many of everybody. `checked`: numbers of chats that were checked before and are left out. The same seed draws
    the same chats, in whatever order they come.
    """
    rows = chats.assign(check_id=chats["session_id"].map(check_number))
    rows = rows[~rows["check_id"].isin(set(checked))].sort_values(["session_id", "agent_id"], ignore_index=True)
    mixed = rows.iloc[np.random.default_rng(seed).permutation(len(rows))].drop_duplicates("session_id")
    population = mixed["agent_id"].value_counts().sort_index()
    wanted = sample_size(margin, len(mixed), share)
    quota = {who: min(each, n) if each else ceil(wanted * n / len(mixed) - 1e-9) for who, n in population.items()}
    place = mixed.groupby("agent_id").cumcount()
    found = mixed[place < mixed["agent_id"].map(quota).astype(float)]
    found = found.sort_values(["agent_id", "started_at", "session_id"], ignore_index=True)[CHATS]
    found.attrs["population"] = population.to_dict()
    return found


def write_form(path: Path, found: pd.DataFrame, lang: str, timezone: str, names: dict[str, str]) -> Path:
    """The 质检表 of a sample: a row for each chat, columns for the items. CsperfError where the file exists."""
    if path.exists():
        raise CsperfError(Problem(str(path), say("quality.kept_form")))
    about = ["check_id", "account_id", "agent", "buyer_id", "at", "source", "checker"]
    notes = [say(f"quality.about_{name}", lang) if name not in ("agent", "buyer_id") else "" for name in about]
    notes += [say(f"quality.about_{'score' if item in SCORED else 'passed'}", lang) for item in ITEMS]
    book = Book(path, lang)
    sheet = book.sheet("quality", [heading(name, lang) for name in (*about, *ITEMS, "remark")], [*notes, ""])
    first = len(about)
    book.drop_down(sheet, (first - 2, first - 2), [say(f"quality.source_{body}", lang) for body in BODIES])
    yes_no = [say(f"quality.passed_{word}", lang) for word in ("true", "false")]
    book.drop_down(sheet, (first + len(SCORED), first + len(ITEMS) - 1), yes_no)
    limits = {"validate": "decimal", "criteria": "between", "minimum": 0, "maximum": MOST}
    sheet.data_validation(1, first, max(len(found), 1), first + len(SCORED) - 1, limits)
    local = pd.to_datetime(found["started_at"], utc=True).dt.tz_convert(timezone).dt.strftime("%Y-%m-%d %H:%M:%S")
    who = found["agent_id"].map(lambda one: names.get(one, one))
    cells = zip(found["check_id"], found["account_id"], who, found["buyer_id"], local, strict=True)
    for row, cell in enumerate(cells, start=1):
        sheet.write_row(row, 0, [*cell, say("quality.source_qa", lang)])
    book.close()
    return path


# Agreement --------------------------------------------------------------------------------------------------------


def agreement(checks: pd.DataFrame) -> pd.DataFrame:
    """item, raters, n, same, kappa, low, high: how alike people judge the same chats, chance taken off.

    `checks`: quality_checks; the same account and time is the same chat. Of two people Cohen's kappa with its 95 %
    interval, of scores by grades and with squared weights; of three or more, on the chats that all of them judged,
    Fleiss' kappa without one (statsmodels). Null where everybody always gave the same verdict. By item and group of
    people who share chats, most chats first.
    """
    scored, passed = (checks[name].astype("Float64") for name in ("score", "passed"))
    grade = pd.Series(np.searchsorted(STEPS, scored.to_numpy(float, na_value=0), side="right"), index=checks.index)
    rows = checks.assign(verdict=passed.fillna(grade.astype("Float64").where(scored.notna())))
    rows = rows[rows["verdict"].notna()].astype({"verdict": float})
    found = [row for item, own in rows.groupby("item", sort=False) for row in _of_item(str(item), own)]
    columns = ["item", "raters", "n", "same", "kappa", "low", "high"]
    return pd.DataFrame(found, columns=columns).sort_values(["n", "item"], ascending=[False, True], ignore_index=True)


def _of_item(item: str, own: pd.DataFrame) -> list[tuple[object, ...]]:
    wide = own.pivot_table(index=["account_id", "at"], columns="checker", values="verdict", aggfunc="last")
    groups: list[Sequence[str]] = [pair for pair in combinations(wide.columns, 2)]
    groups += [tuple(wide.columns)] if len(wide.columns) > 2 else []
    return [_alike(item, names, both) for names in groups if len(both := wide[list(names)].dropna())]


def _alike(item: str, names: Sequence[str], both: pd.DataFrame) -> tuple[object, ...]:
    same = float((both.nunique(axis=1) == 1).mean())
    kinds = sorted(set(both.to_numpy().ravel()))
    about = (item, "、".join(names), len(both), same)
    if len(kinds) < 2:
        return (*about, np.nan, np.nan, np.nan)
    if len(names) > 2:
        table = np.array([[(row == kind).sum() for kind in kinds] for row in both.to_numpy()])
        return (*about, float(fleiss_kappa(table)), np.nan, np.nan)
    counted = pd.crosstab(both.iloc[:, 0], both.iloc[:, 1]).reindex(index=kinds, columns=kinds, fill_value=0)
    found = cohens_kappa(counted.to_numpy(), wt="quadratic" if len(kinds) > 2 else None)
    return (*about, float(found.kappa), float(found.kappa_low), float(found.kappa_upp))


def agreement_words(row: pd.Series, lang: str = "zh") -> str:
    """What one row of `agreement` says to those who judge."""
    steps = [word for word, least in (("good", GOOD), ("fair", FAIR), ("poor", -1.0)) if row["kappa"] >= least]
    verdict = steps[0] if steps else "unknown"
    slots = {name: MISSING if pd.isna(row[name]) else f"{row[name]:.2f}" for name in ("kappa", "low", "high")}
    item = heading(row["item"], lang) if row["item"] in ITEMS else row["item"]
    slots |= {
        "item": item,
        "raters": row["raters"],
        "n": number(row["n"], "count"),
        "same": number(row["same"], "share"),
    }
    return say("quality.agreement_item", lang, **slots, verdict=say(f"quality.agree_{verdict}", lang))
