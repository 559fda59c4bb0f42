"""A target as a card: what is counted, how it scores, where the numbers come from, and the three questions."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ..catalogue import entry
from ..dictionary import formula
from ..targets.words import company_goal
from ..text import say
from ..text.numbers import quantity
from .table import Table, laid_out, metric_rows

PEOPLE = ("team", "expected_agents", "n_agents", "n_agent_months")
TEXT = ("definition", "scoring", "origin", "reasonable", "measurable", "attainable")


def target_cards(targets: pd.DataFrame, *, definitions: str, lang: str = "zh") -> Table:
    """A card per metric and role, of each level where it is split: 定义, 评分规则, 数据来源, and 合理? 可量化? 可执行?

    (S1-17, S0-07.)
    `targets`: Proposal.targets; `definitions`: the counting rules they stand under. Rows without own data have no card.
    """
    split = targets["level"].notna().groupby([targets["metric"], targets["role"]]).transform("any")
    held_to = targets["level"].notna() | ~split
    rows = targets[held_to & (targets["role"] != "shop") & (targets["n_agent_months"] > 0)].reset_index(drop=True)
    rows = rows.astype(dict.fromkeys(PEOPLE, int))  # the shop's rows have none, which made them fractions
    cards = [_card(row, definitions, lang) for row in rows.itertuples()]
    frame = pd.concat(
        [rows[["metric", "role", "level", "base", "target", "stretch"]], pd.DataFrame(cards, columns=TEXT)], axis=1
    )
    shown = metric_rows(rows, ["base", "target", "stretch"], lang, before=("level",))
    for column in TEXT:
        shown[say(f"tables.{column}", lang)] = frame[column]
    title = say("tables.target_cards", lang, cards=len(rows))
    return Table(
        "target_cards", frame, laid_out("target_cards", shown, title, lang, group="role", stub="metric", text=TEXT)
    )


def _card(row: Any, definitions: str, lang: str) -> dict[str, str]:
    known = entry(row.metric)
    people = {"team": row.team, "met": row.expected_agents}
    people |= {"low": f"{row.attainment_low * row.team:.0f}", "high": f"{row.attainment_high * row.team:.0f}"}
    attainable = say("tables.card_attainable", lang, **people)
    if not pd.isna(row.company_goal):
        higher = known.better == "higher"
        attainable += " " + company_goal(
            row.company_goal, row.shop_value, known.unit, row.team, row.company_share, higher=higher, lang=lang
        )
    return {
        "definition": formula(known, lang),
        "scoring": say("tables.card_scoring", lang),
        "origin": say(
            "tables.card_origin", lang, definitions=say(f"report.set_{definitions}", lang), n=row.n_agent_months
        ),
        "reasonable": row.reason,
        "measurable": _measurable(row, lang),
        "attainable": attainable,
    }


def _measurable(row: Any, lang: str) -> str:
    """How exactly the target is known, and what that allows."""
    known = entry(row.metric)
    if pd.isna(row.half_width):
        return say(f"tables.card_unsure_{row.grade}", lang)
    width = quantity(row.half_width, known.unit, lang)
    return say(f"tables.card_sure_{row.grade}", lang, width=width, n=row.n_agents)
