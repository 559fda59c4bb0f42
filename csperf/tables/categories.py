"""What do customers ask about, day by day and agent by agent? (咨询类目汇总表)"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from ..categories import PLACES, spike_words
from ..text import say
from ..text.numbers import MISSING, day_words, number
from .performance import DAYS_ON_PAGE
from .table import Table, as_day, laid_out, who


def category_days(counted: pd.DataFrame, *, lang: str = "zh") -> Table:
    """咨询类目汇总表: the tree's three levels by day. `counted`: categories.counts by day.

    The page shows what was asked about, in the groups of the top level, on the last days; the file every leaf and day.
    """
    by_leaf = counted.assign(code=counted["code"].fillna(""))
    wide = by_leaf.pivot_table(index=[*PLACES, "code"], columns="day", values="n", aggfunc="sum", sort=False)
    wide.columns = [str(as_day(day)) for day in wide.columns]
    frame = wide.reset_index()
    frame.insert(4, "total", wide.sum(axis=1).to_numpy())
    every = int(frame["total"].sum())
    frame.insert(5, "share", frame["total"] / every if every else float("nan"))
    page = frame[frame["total"] > 0].reset_index(drop=True)
    tops = page.groupby("top", sort=False)["total"].sum().sort_values(ascending=False, kind="stable")
    page = page.assign(place=page["top"].map({top: at for at, top in enumerate(tops.index)}))
    page = page.sort_values(["place", "total"], ascending=[True, False], kind="stable", ignore_index=True)
    last = list(wide.columns)[-DAYS_ON_PAGE:]
    title = _days_title(page, every, lang)
    notes = [say("tables.category_days_note", lang, days=len(last))]
    shown = _leaf_words(page, tops, every, last, lang)
    gt = laid_out("category_days", shown, title, lang, group="level_top", stub="level_third", notes=notes)
    return Table("category_days", frame, gt)


def _leaf_words(page: pd.DataFrame, tops: pd.Series, every: int, last: Sequence[str], lang: str) -> pd.DataFrame:
    groups = {
        top: say("tables.category_group", lang, top=top, n=number(n, "count"), share=number(n / every, "share"))
        for top, n in tops.items()
    }
    third = [row.third or row.second or row.top for row in page.itertuples()]
    shown = pd.DataFrame(
        {
            say("tables.level_top", lang): page["top"].map(groups),
            say("tables.level_third", lang): third,
            say("tables.level_second", lang): page["second"].replace("", MISSING),
            say("tables.code", lang): page["code"].replace("", MISSING),
            say("tables.total", lang): [number(n, "count") for n in page["total"]],
            say("tables.of_all", lang): [number(share, "share") for share in page["share"]],
        }
    )
    for day in last:
        shown[day_words(date.fromisoformat(day), lang)] = [number(n, "count") for n in page[day]]
    return shown


def _days_title(page: pd.DataFrame, every: int, lang: str) -> str:
    coded = page[page["code"] != ""]
    if coded.empty:
        return say("tables.category_days_none", lang, n=number(every, "count"))
    top = coded.groupby("third")["total"].sum()
    slots = {"uncoded": number(every - coded["total"].sum(), "count"), "n": number(every, "count")}
    share = number(top.max() / every, "share")
    return say("tables.category_days", lang, top=top.idxmax(), share=share, **slots)


def category_agents(
    counted: pd.DataFrame, wrong: pd.DataFrame, *, lang: str = "zh", names: Mapping[str, str] | None = None
) -> Table:
    """咨询类目汇总表 by agent: the groups of the top level, and who gives codes. The fewest codes first.

    `counted`: categories.counts by agent_id; `wrong`: categories.wrong_codes.
    """
    wide = counted.pivot_table(index="agent_id", columns="top", values="n", aggfunc="sum", fill_value=0, sort=False)
    coded = counted[counted["code"].notna()].groupby("agent_id")["n"].sum().reindex(wide.index, fill_value=0)
    tops = wide.sum().sort_values(ascending=False, kind="stable").index
    frame = wide[tops].assign(chats=wide.sum(axis=1), coded=coded)
    frame = frame[frame["chats"] > 0].assign(coded_share=frame["coded"] / frame["chats"].where(frame["chats"] > 0))
    frame = frame.sort_values(["coded_share", "chats"], ascending=[True, False]).reset_index().rename_axis(columns=None)
    shown = pd.DataFrame({say("tables.agent_id", lang): [who(agent, names) for agent in frame["agent_id"]]})
    shown[say("tables.chats_total", lang)] = [number(n, "count") for n in frame["chats"]]
    for top in tops:
        shown[top] = [number(n, "count") for n in frame[top]]
    shown[say("tables.coded", lang)] = [number(share, "share") for share in frame["coded_share"]]
    notes = [say("tables.category_agents_note", lang, wrong=_wrong(wrong, lang))]
    title = _agents_title(frame, lang, names)
    return Table(
        "category_agents", frame, laid_out("category_agents", shown, title, lang, stub="agent_id", notes=notes)
    )


def _agents_title(frame: pd.DataFrame, lang: str, names: Mapping[str, str] | None) -> str:
    if not frame["coded"].sum():
        return say("tables.category_agents_none", lang)
    slots = {
        "least": who(frame["agent_id"].iloc[0], names),
        "least_share": number(frame["coded_share"].iloc[0], "share"),
    }
    return say(
        "tables.category_agents", lang, share=number(frame["coded"].sum() / frame["chats"].sum(), "share"), **slots
    )


def _wrong(wrong: pd.DataFrame, lang: str) -> str:
    """Each code that does not count, why, and how often."""
    sums = wrong.groupby(["code", "why"], as_index=False)["n"].sum().sort_values("n", ascending=False)
    said = [say(f"tables.wrong_{row.why}", lang, code=row.code, n=number(row.n, "count")) for row in sums.itertuples()]
    return say("tables.and", lang).join(said) or say("tables.no_wrong_codes", lang)


def category_spikes(found: pd.DataFrame, days: int, *, lang: str = "zh") -> Table:
    """Days on which one category stood out, in words. `found`: categories.spikes, which looked at so many `days`."""
    shown = pd.DataFrame({say("tables.spike_said", lang): [spike_words(row, lang) for _at, row in found.iterrows()]})
    none = say("categories.no_spikes", lang, days=days)
    title = say("tables.category_spikes", lang, n=found["day"].nunique()) if len(found) else none
    return Table("category_spikes", found, laid_out("category_spikes", shown, title, lang, text=("spike_said",)))
