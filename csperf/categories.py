"""What customers ask about: the tree of categories, counts by day and agent, wrong codes, spikes.

The tree has three levels (S2-13); agents give the code of the lowest in their closing line, of several the last that is
valid counts (turns/events.py reads it, S2-14, S2-15).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from .errors import Problem
from .facts import TREE_LEVELS
from .settings import quoted
from .stats.signals import apart
from .text import say
from .text.numbers import day_words, number
from .turns.events import ASKERS, closing_code

PLACES = ["top", "second", "third"]
MANY_TIMES, LEAST = 1.5, 10  # of what is usual; chats: smaller spikes are no news
ANSCOMBE = 3 / 8  # 2 sqrt(n + 3/8) of a Poisson count has the variance 1 (Anscombe 1948)


# The tree ---------------------------------------------------------------------------------------------------------


def tree_problems(tree: pd.DataFrame, where: str) -> list[Problem]:
    """Everything that is wrong with a tree (code, parent, name_zh, name_en), each with the code it is about.

    A code twice, a name twice below one parent or none at all, a parent that is not there, more levels than three or a
    circle, a lowest code that is not on the third level (no code could be given for what lies there), a code that does
    not begin with its parent's.
    """
    rows = tree.assign(parent=tree["parent"].fillna("").astype(str), code=tree["code"].astype(str))
    return [Problem(where, said) for find in (_doubles, _names, _parents, _levels) for said in find(rows)]


def _doubles(rows: pd.DataFrame) -> Iterator[str]:
    for code, n in rows["code"].value_counts(sort=False).items():
        if n > 1:
            yield say("categories.code_twice", code=quoted(code), n=n)


def _names(rows: pd.DataFrame) -> Iterator[str]:
    for column in ("name_zh", "name_en"):
        names = rows[column].fillna("").astype(str).str.strip()
        for code in rows.loc[names == "", "code"]:
            yield say("categories.no_name", code=quoted(code), column=column)
        same = (
            rows.assign(name=names)[names != ""].groupby(["parent", "name"])["code"].agg(lambda one: sorted(set(one)))
        )
        for (_parent, name), codes in same.items():
            if len(codes) > 1:
                yield say("categories.name_twice", name=quoted(name), codes=", ".join(codes))


def _parents(rows: pd.DataFrame) -> Iterator[str]:
    known = set(rows["code"])
    for code, parent in rows[["code", "parent"]].drop_duplicates().itertuples(index=False):
        if parent and parent not in known:
            yield say("categories.no_parent", code=quoted(code), parent=quoted(parent))
        elif parent and not code.startswith(f"{parent}."):
            yield say("categories.not_below", code=quoted(code), parent=quoted(parent))
        elif not parent and "." in code:
            yield say("categories.dotted_top", code=quoted(code))


def _levels(rows: pd.DataFrame) -> Iterator[str]:
    depth = depths(rows)
    middle = set(rows["parent"])
    for code, level in depth.items():
        if level is None:
            yield say("categories.circle", code=quoted(code))
        elif level > TREE_LEVELS:
            yield say("categories.too_deep", code=quoted(code), level=level, levels=TREE_LEVELS)
        elif level < TREE_LEVELS and code not in middle:
            yield say("categories.too_high", code=quoted(code), level=level, levels=TREE_LEVELS)


def depths(tree: pd.DataFrame) -> dict[str, int | None]:
    """code -> its level, 1 at the top; null in a circle. A parent that is not there is no level."""
    above = dict(zip(tree["code"].astype(str), tree["parent"].fillna("").astype(str), strict=True))
    return {code: len(path) if (path := _path(code, above)) else None for code in above}


def _path(code: str, above: dict[str, str]) -> list[str]:
    """The codes from the top down to this one; empty in a circle."""
    path = [code]
    while (parent := above.get(path[0], "")) in above and parent:
        if parent in path:
            return []
        path.insert(0, parent)
    return path


def leaves(tree: pd.DataFrame) -> list[str]:
    """The codes that agents may give: those below which nothing stands."""
    return sorted(set(tree["code"]) - set(tree["parent"].dropna()))


def places(tree: pd.DataFrame, lang: str = "zh") -> pd.DataFrame:
    """PLACES by code: the names on the way from the top to each code, empty below its own level."""
    above = dict(zip(tree["code"].astype(str), tree["parent"].fillna("").astype(str), strict=True))
    names = dict(zip(tree["code"].astype(str), tree[f"name_{lang}"], strict=True))
    rows = {code: [names[step] for step in _path(code, above)[:TREE_LEVELS]] for code in above}
    return pd.DataFrame(
        [(path + [""] * TREE_LEVELS)[:TREE_LEVELS] for path in rows.values()], index=[*rows], columns=PLACES
    )


# Counts -----------------------------------------------------------------------------------------------------------


def counts(values: pd.DataFrame, tree: pd.DataFrame, by: str = "day", lang: str = "zh") -> pd.DataFrame:
    """PLACES, code, `by`, n: how many chats of each category; every leaf of the tree, what nobody asked about with 0.

    `values`: sessions_per_day by category and `by` (day or agent_id), whose numerator counts chats. Chats without a
    valid code are 未分类, code null.
    """
    rows = values[values["metric"] == "sessions_per_day"]
    found = rows.assign(code=rows["category_code"].fillna("")).groupby(["code", by])["numerator"].sum()
    every = sorted({*leaves(tree), *found.index.get_level_values("code")} - {""})
    grid = pd.MultiIndex.from_product([[*every, ""], sorted(rows[by].dropna().unique())], names=["code", by])
    counted = found.reindex(grid, fill_value=0).rename("n").reset_index()
    named = counted.join(places(tree, lang), on="code")
    unknown = say("categories.uncoded", lang)
    named["top"] = named["top"].fillna(named["code"].where(named["code"] != "", unknown))
    named[PLACES] = named[PLACES].fillna("")
    return named.assign(code=named["code"].where(named["code"] != ""), n=named["n"].astype(int))[
        [*PLACES, "code", by, "n"]
    ]


def wrong_codes(messages: ir.Table, tree: pd.DataFrame, first_day: date, last_day: date) -> pd.DataFrame:
    """account_id, code, why, n: closing lines without a leaf's code, and the last they have; why: `middle` (a level
    above) or `unknown`.

    No rows for a shop without a tree: there any code is valid.
    """
    columns = ["account_id", "code", "why", "n"]
    if tree.empty:
        return pd.DataFrame(columns=columns)
    rows = messages.filter(messages.day.between(first_day, last_day), ~messages.sender.isin(ASKERS))
    said = rows.text.fill_null("")
    coded = rows.filter(said.re_extract(closing_code(leaves(tree)), 1) == "")
    coded = coded.mutate(code=coded.text.fill_null("").re_extract(closing_code(), 1)).filter(_.code != "")
    found = coded.group_by("account_id", "code").agg(n=_.count()).to_pandas()
    middle = found["code"].isin(set(tree["code"]))
    found = found.assign(why=np.where(middle, "middle", "unknown"))[columns]
    return found.sort_values(["n", "account_id", "code"], ascending=[False, True, True], ignore_index=True)


# Spikes -----------------------------------------------------------------------------------------------------------


def spikes(counted: pd.DataFrame, days: Sequence[date], level: str = "second") -> pd.DataFrame:
    """top, name, day, n, usual, times, share, usual_share, days: days on which a kind was asked far more than usual.

    `counted`: counts by day; `days`: those of which data is there; `level`: top, second or third. usual: what all other
    days let expect of the day; listed are days further off than their spread and chance explain (stats.signals.apart:
    of those listed at most one in twenty by chance), at least half as many again, of LEAST chats or more. Categories
    are judged each on its own; fewer than eight days: none. share and usual_share: of all chats of the day and of the
    other days, so that a busy day shows as one. The largest first.
    """
    columns = ["top", "name", "day", "n", "usual", "times", "share", "usual_share", "days"]
    own = counted.assign(day=pd.to_datetime(counted["day"]).dt.date)
    total = own.groupby("day")["n"].sum().reindex(list(days), fill_value=0)
    own = own[own["code"].notna()]
    keys = list(dict.fromkeys(["top", level]))
    wide = own.pivot_table(index=keys, columns="day", values="n", aggfunc="sum", fill_value=0)
    wide = wide.reindex(columns=list(days), fill_value=0)
    if wide.empty or not len(days):
        return pd.DataFrame(columns=columns)
    found = apart(2 * np.sqrt(wide.to_numpy(float) + ANSCOMBE), np.ones(wide.shape))
    usual = (found.expected / 2) ** 2 - ANSCOMBE
    rows = [
        (wide.index[row], days[day], wide.iat[row, day], max(usual[row, day], 0.0))
        for row, day in zip(*np.nonzero(found.listed & (found.z > 0)), strict=True)
    ]
    listed = [_spike(key, day, n, expected, wide.loc[key], total) for key, day, n, expected in rows]
    table = pd.DataFrame(listed, columns=columns)
    table = table[(table["n"] >= LEAST) & (table["n"] >= MANY_TIMES * table["usual"])]
    return table.sort_values(["n", "day"], ascending=[False, True], ignore_index=True)


def _spike(key, day: date, n: int, usual: float, kind: pd.Series, total: pd.Series) -> tuple[object, ...]:
    names = key if isinstance(key, tuple) else (key, key)
    times = n / usual if usual > 0 else np.nan
    others = total.sum() - total[day]
    usual_share = (kind.sum() - n) / others if others else np.nan
    return names[0], names[-1], day, int(n), usual, times, n / total[day], usual_share, len(total)


def spike_words(row: pd.Series, lang: str = "zh") -> str:
    """6月1日“退换货”192个，平常一天约58个（3.3倍）。"""
    slots = {"day": day_words(row["day"], lang), "name": row["name"], "n": number(row["n"], "count")}
    slots |= {"usual": number(round(row["usual"]), "count"), "days": row["days"]}
    slots |= {"share": number(row["share"], "share"), "usual_share": number(row["usual_share"], "share")}
    return say("categories.spike", lang, **slots)
