"""What do buyers ask about?"""

from __future__ import annotations

from typing import Any

import pandas as pd
import seaborn as sns

from ..text import say
from ..text.numbers import number
from .picture import Picture, canvas, house_style, nothing_to_show

MOST_SLICES = 5  # a pie with more slices cannot be read: the smallest become one


def categories(values: pd.DataFrame, tree: pd.DataFrame, *, lang: str = "zh") -> Picture:
    """What buyers ask about, as a pie of at most five slices and the rest.

    `values`: sessions_per_day by shop and category, whose numerator counts sessions; `tree`: the categories table.
    """
    words_of = tree.set_index("code")[f"name_{lang}"] if len(tree) else pd.Series(dtype=str)
    rows = values[(values["metric"] == "sessions_per_day") & (values["numerator"] > 0)]
    named = rows["category_code"].map(words_of).fillna(rows["category_code"]).fillna(say("charts.uncoded", lang))
    counts = rows["numerator"].groupby(named).sum().sort_values(ascending=False, kind="stable")
    if rows["category_code"].notna().sum() == 0:
        return nothing_to_show("categories", say("charts.no_categories", lang))
    shown = counts.head(MOST_SLICES)
    if len(counts) > MOST_SLICES:
        shown = pd.concat([shown, pd.Series({say("charts.rest", lang): counts.iloc[MOST_SLICES:].sum()})])
    shares = [number(count / counts.sum(), "share") for count in shown]
    top = counts.drop(say("charts.uncoded", lang), errors="ignore").idxmax()
    slots = {"top": top, "share": number(counts[top] / counts.sum(), "share")}
    title = say("charts.categories", lang, **slots, n=number(counts.sum(), "count"))
    with house_style():
        figure, axes = canvas(3.2)
        colours = sns.color_palette("Blues_r", len(shown) + 2)[: len(shown)]
        look: dict[str, Any] = {"startangle": 90, "counterclock": False, "wedgeprops": {"edgecolor": "white"}}
        slices = axes.pie(shown, colors=colours, **look)[0]
        labels = [say("charts.slice", lang, name=n, share=s) for n, s in zip(shown.index, shares, strict=True)]
        axes.legend(slices, labels, loc="center left", bbox_to_anchor=(1.02, 0.5), frameon=False, fontsize=10)
        axes.set_title(title)
    return Picture("categories", figure, title)
