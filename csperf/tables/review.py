"""How did targets fare? Red lines of the shop, last month's targets, the method held against past months."""

from __future__ import annotations

import pandas as pd

from ..targets.backtest import verdict_said
from ..targets.platform_words import red_line_words
from ..text import say
from ..text.numbers import number
from .table import Table, laid_out, metric_rows


def red_lines(lines: pd.DataFrame, *, lang: str = "zh") -> Table:
    """What the platform's rules mean for the shop. `lines`: Proposal.red_lines."""
    lines = lines[lines["n_days"] > 0].reset_index(drop=True)
    shown = metric_rows(lines, ["threshold", "recent", "worst", "floor"], lang)
    shown.insert(2, say("tables.platform_rule", lang), list(lines[f"rule_{lang}"]))
    shown[say("tables.breach_yearly", lang)] = [number(p, "share") for p in lines["breach_yearly"]]
    shown[say("tables.remark", lang)] = [red_line_words(row, lang) for row in lines.to_dict("records")]
    title = say("tables.red_lines", lang, rules=len(lines), verified=int(lines["usable"].sum()))
    notes = [say("tables.red_lines_note", lang)]
    return Table(
        "red_lines", lines, laid_out("red_lines", shown, title, lang, stub="metric", notes=notes, text=("remark",))
    )


def past_targets(review: pd.DataFrame, *, lang: str = "zh") -> Table:
    """The targets that were in force, who was expected to meet them and who did. `review`: run.past_review."""
    shown = metric_rows(review, ["target"], lang, before=("level",))
    shown[say("tables.met", lang)] = [f"{row.met}/{row.agents}" for row in review.itertuples()]
    shown[say("tables.remark", lang)] = list(review["said"])
    title = say(
        "tables.past_targets", lang, rows=len(review), inside=int(review["inside"].fillna(False).astype(bool).sum())
    )
    return Table(
        "past_targets",
        review,
        laid_out("past_targets", shown, title, lang, group="role", stub="metric", text=("remark",)),
    )


def backtests(tested: pd.DataFrame, *, lang: str = "zh") -> Table:
    """Would the method have been right in past months? `tested`: targets.backtest.backtests."""
    whole = tested[tested["level"].isna() & (tested["horizon"] == 1)]
    rows = whole[whole["method"] == "model"].reset_index(drop=True)
    shown = metric_rows(rows, [], lang)
    shown[say("tables.origins", lang)] = [number(n, "count") for n in rows["origins"]]
    for column in ("attained", "mae", "coverage"):
        shown[say(f"tables.{column}", lang)] = [number(value, "share") for value in rows[column]]
    for method in ("pooled", "last_month"):
        beside = whole[whole["method"] == method]
        shown[say(f"tables.mae_{method}", lang)] = [number(value, "share") for value in beside["mae"]]
    shown[say("tables.remark", lang)] = [verdict_said(row, lang) for _, row in rows.iterrows()]
    counts = {
        verdict.lower(): int((rows["verdict"] == verdict).sum()) for verdict in ("PASS", "FAIL", "BACKTEST_SHORT")
    }
    title, notes = say("tables.backtests", lang, rows=len(rows), **counts), [say("tables.backtests_note", lang)]
    gt = laid_out("backtests", shown, title, lang, group="role", stub="metric", notes=notes, text=("remark",))
    return Table("backtests", tested, gt)


def ratchets(periods: pd.DataFrame, *, lang: str = "zh") -> Table:
    """What chasing the newest months does, beside targets that hold. `periods`: targets.backtest.ratchets."""
    last = periods[periods["period"] == periods["period"].max()]
    sides = {rule: own.drop(columns="rule") for rule, own in last.groupby("rule")}
    rows = sides["held"].merge(sides["ratchet"], on=["metric", "role"], suffixes=("_held", "_chased"))
    shown = metric_rows(rows, ["target_held", "target_chased"], lang)
    for column in ("attained_held", "attained_chased"):
        shown[say(f"tables.{column}", lang)] = [number(value, "share") for value in rows[column]]
    worse = int((rows["attained_chased"] < rows["attained_held"]).sum())
    title = say("tables.ratchets", lang, rows=len(rows), worse=worse, periods=int(periods["period"].max()))
    notes = [say("tables.ratchets_note", lang)]
    return Table(
        "ratchets", periods, laid_out("ratchets", shown, title, lang, group="role", stub="metric", notes=notes)
    )
