"""How did everyone do? The key figures, the shop day by day, each agent day by day, the agents side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import pandas as pd
from great_tables import loc, style

from ..catalogue import TOTALS, entry
from ..text import say, words
from ..text.numbers import MISSING, aligned, day_words, difference, labelled, month_words, number, quantities
from .table import Table, as_day, in_words, laid_out, too_few, value_n, who

DAYS_ON_PAGE = 7
SHOP_DAY = [
    *("sessions_per_day", "effective_sessions_per_day", "buyers_per_day"),
    *("agents_online", "mean_wait_turn_s", "handle_min"),
]
AGENT_DAY = [
    *("sessions_per_day", "effective_sessions_per_day", "bought_per_day"),
    *("conversion_same_day", "mean_wait_turn_s", "handle_min"),
]
CALL_DAY = ["calls_per_day", "abandon_share", "call_wait_s", "aht_s"]
# What a month comes to in a few numbers.
KEY = [
    *("sessions_per_day", "reply_30s_msg", "mean_wait_turn_s", "conversion_paid_user"),
    *("calls_per_day", "abandon_share", "call_wait_s"),
]
COMPLETE = "data_complete"
# What a page compares people by: the first of each that the shop has data for.
SPEED = ["mean_wait_turn_s", "first_reply_s", "aht_s"]
RESULT = ["conversion_paid_user", "conversion_ordered_user", "effective_session_share"]
VOLUME = ["sessions_per_day", "calls_per_day"]
PERFORMANCE = [
    *("sessions_per_day", "effective_session_share", "reply_30s_msg", "first_reply_s", "mean_wait_turn_s"),
    *("handle_min", "conversion_paid_user", "order_value_yuan", "items_per_buyer"),
    *("calls_per_day", "call_wait_s", "aht_s"),
]
# The same from a backend's tables, which say other things: of these a page shows what the shop's tables hold.
CONVERTED = ["conversion_paid_user", "conversion_grouped_user", "conversion_ordered_user"]
WAITED = ["mean_wait_turn_s", "mean_wait_msg_s"]
TABLE_DAY = ["asked_users", "inquiry_users", "reply_3min_user", *WAITED, *CONVERTED, "sales_yuan_per_day"]
TABLE_AGENT_DAY = ["served_users", "inquiry_users", "reply_3min_user", *WAITED, *CONVERTED, "sales_yuan_per_day"]
TABLE_KEY = ["asked_users", "reply_3min_user", "reply_30s_msg", *WAITED, *CONVERTED, "sales_yuan_per_day"]
TABLE_PERFORMANCE = [
    *("asked_users", "inquiry_users", "reply_3min_user", "reply_30s_msg", "first_reply_s", *WAITED),
    *(*CONVERTED, "order_value_yuan", "items_per_buyer", "sales_yuan"),
]
OF_A_DAY = list(dict.fromkeys([*SHOP_DAY, *AGENT_DAY, *CALL_DAY, "asked_users", *TABLE_AGENT_DAY, *TABLE_DAY]))
UNCOUNTED = "*"  # beside a value of which nobody knows how many cases it stands for


class Shown(NamedTuple):
    """What the pages show: keys of the catalogue."""

    key: list[str]
    shop_day: list[str]
    agent_day: list[str]
    performance: list[str]
    speed: list[str]
    result: list[str]
    volume: list[str]


def shown_by(door: str) -> Shown:
    """What the pages show of a shop whose values come through this door: `chat`, or `table` (a backend's tables)."""
    if door == "table":
        volume, speed = ["served_users", "asked_users", "inquiry_users"], [*WAITED, "first_reply_s"]
        return Shown(TABLE_KEY, TABLE_DAY, TABLE_AGENT_DAY, TABLE_PERFORMANCE, speed, [*CONVERTED, *RESULT], volume)
    return Shown(KEY, SHOP_DAY + CALL_DAY, AGENT_DAY + CALL_DAY, PERFORMANCE, SPEED, RESULT, VOLUME)


def key_figures(
    values: pd.DataFrame, days: pd.DataFrame, first_day: date, last_day: date, *, lang: str = "zh"
) -> Table:
    """The month in a few numbers, beside the month before: metric, value, n, before (null: no such month).

    `values`: KEY by shop and month; `days`: store.coverage(). What is per agent and day in the catalogue is the month's
    total here, whose n is the days with data; so is that of `data_complete`, the share of the month's days with data.
    """
    month = f"{first_day:%Y-%m}"
    seen = pd.to_datetime(days.loc[days["n"].notna(), "day"])
    span = pd.date_range(first_day, last_day, freq="D")
    have = int(span.isin(seen).sum())
    rows = values.assign(shown=values["numerator"].where(values["metric"].isin(_totals()), values["value"]))
    now = rows[(rows["month"] == month) & rows["shown"].notna() & ~too_few(rows)].set_index("metric")
    before = rows[rows["month"] < month].set_index("metric")["shown"]
    keys = [key for key in values["metric"].unique() if key in now.index and key in {*KEY, *TABLE_KEY}]
    n = [have if key in _summed() else count for key, count in now["n"].astype("Float64").reindex(keys).items()]
    found = [(key, now.loc[key, "shown"], count, before.get(key)) for key, count in zip(keys, n, strict=True)]
    frame = pd.DataFrame([*found, (COMPLETE, have / len(span), have, None)], columns=["metric", "value", "n", "before"])
    frame = frame.fillna(float("nan")).astype({"value": float, "n": float, "before": float})
    title = say("tables.key_figures", lang, month=month_words(month, lang), n=len(frame))
    heads = [say(f"tables.{c}", lang) for c in ("metric", "value", "n", "before", "change")]
    shown, notes = pd.DataFrame(figures(frame, lang), columns=heads), [say("tables.key_figures_note", lang)]
    gt = laid_out("key_figures", shown, title, lang, stub="metric", notes=notes)
    return Table("key_figures", frame, gt.cols_align("right", columns=heads[1:]))


def figures(frame: pd.DataFrame, lang: str) -> list[tuple[str, str, str, str, str]]:
    """The rows of `key_figures` as words: what, how much, over how many, the month before, the change."""
    found, plain = [], dict.fromkeys(("value", "n", "before"), float)
    for row in frame.astype(plain).itertuples():
        unit = "share" if row.metric == COMPLETE else entry(row.metric).unit
        days = row.metric == COMPLETE or row.metric in _summed()
        told = say("tables.n_days" if days else "tables.n_cases", lang, n=number(row.n, "count"))
        n = MISSING if pd.isna(row.n) else told
        value, before = quantities((row.value, row.before), unit, lang)
        change = difference(row.value - row.before, unit, lang)
        found.append((_figure_name(row.metric, lang), value, n, before, change))
    return found


def _figure_name(metric: str, lang: str) -> str:
    if metric == COMPLETE:
        return say("tables.data_complete", lang)
    return words("report", lang).get(f"total_{metric}") or getattr(entry(metric), lang)


def shop_days(values: pd.DataFrame, *, lang: str = "zh") -> Table:
    """汇总表: the shop day by day. `values`: by shop and day."""
    frame = _wide(values, ["day"], OF_A_DAY)
    shown = _metric_columns(frame, ["day"], lang)
    title, notes = (
        _shop_days_title(frame, lang),
        [say("tables.day_note", lang), *_uncounted_note(values, lang, "uncounted_days_note")],
    )
    return Table("shop_day", _values_only(frame), laid_out("shop_day", shown, title, lang, stub="day", notes=notes))


def _shop_days_title(frame: pd.DataFrame, lang: str) -> str:
    """How many came in how many days, and when it was busiest: conversations, else calls."""
    for metric in (*VOLUME, *shown_by("table").volume):
        total = frame.get(metric, pd.Series(dtype=float)).dropna()
        if len(total):
            slots = {"n": number(total.sum(), "count"), "days": len(total), "most": number(total.max(), "count")}
            day = day_words(as_day(frame.loc[total.idxmax(), "day"]), lang)
            return say(f"tables.shop_days_{metric}", lang, day=day, **slots)
    return say("tables.shop_days_empty", lang)


def agent_days(
    values: pd.DataFrame,
    *,
    lang: str = "zh",
    names: Mapping[str, str] | None = None,
    main_accounts: Iterable[str] | None = None,
) -> Table:
    """客服绩效日报表: agent by day, main accounts apart; the page shows the last seven days, the file all.

    `main_accounts`: agents that stand for the shop's main account; default: an id that others continue (店 of 店:01).
    """
    frame = _wide(values, ["agent_id", "day"], list(dict.fromkeys([*AGENT_DAY, *OF_A_DAY])))
    mains = set(main_account_ids(frame["agent_id"]) if main_accounts is None else main_accounts)
    frame.insert(2, "main_account", frame["agent_id"].isin(mains))
    frame = frame.sort_values(["main_account", "day", "agent_id"], ignore_index=True)
    last = sorted(frame["day"].unique())[-DAYS_ON_PAGE:]
    page = frame[frame["day"].isin(last) & frame.drop(columns=["agent_id", "day", "main_account"]).notna().any(axis=1)]
    shown = _agent_day_words(page, lang, names)
    people = frame.loc[~frame["main_account"], "agent_id"].nunique()
    title = say("tables.agent_days", lang, days=len(last), people=people)
    notes = [say("tables.agent_days_note", lang)]
    gt = laid_out("agent_day", shown, title, lang, stub="agent_id", group="day", notes=notes)
    return Table("agent_day", _values_only(frame), gt)


def _agent_day_words(page: pd.DataFrame, lang: str, names: Mapping[str, str] | None) -> pd.DataFrame:
    """Within the main account's group the day tells rows apart, elsewhere the person does."""
    rows = list(page.itertuples())
    main, days = say("tables.main_account", lang), [day_words(as_day(row.day), lang) for row in rows]
    groups = [main if row.main_account else day for row, day in zip(rows, days, strict=True)]
    labels = [day if row.main_account else who(row.agent_id, names) for row, day in zip(rows, days, strict=True)]
    shown = _metric_columns(page.drop(columns="main_account"), ["agent_id", "day"], lang)
    return shown.assign(**{say("tables.agent_id", lang): labels, say("tables.day", lang): groups})


def agents(
    values: pd.DataFrame,
    team: pd.DataFrame,
    metrics: Sequence[str],
    *,
    lang: str = "zh",
    names: Mapping[str, str] | None = None,
) -> Table:
    """Agents of one period side by side, value and n for each metric, the shop's own value in the last row.

    `values`: by agent; `team`: by shop, because buyers who wrote to two agents make sums over agents wrong.
    """
    metrics = [metric for metric in metrics if (values["metric"] == metric).any()]
    rows = pd.concat([values, team.assign(agent_id=None)])
    rows = rows[rows["metric"].isin(metrics)]
    rows = rows.assign(cell=_cells(rows, lang), agent_id=rows["agent_id"].fillna(""))
    frame = rows.loc[rows["agent_id"] != "", ["agent_id", "metric", "value", "n", "note"]].reset_index(drop=True)
    cells = rows.pivot(index="agent_id", columns="metric", values="cell").reindex(columns=metrics).fillna(MISSING)
    cells = cells[[agent == "" or bool((row != MISSING).any()) for agent, row in cells.iterrows()]]
    body = [[who(agent, names) or say("tables.whole_shop", lang), *row] for agent, row in cells.iterrows()]
    body = body[1:] + body[:1]  # the shop's id is empty and sorts first
    heads = [labelled(getattr(entry(m), lang), entry(m).unit, lang) for m in metrics]
    shown = pd.DataFrame(body, columns=[say("tables.agent_id", lang), *heads])
    title = say("tables.agents", lang, people=len(body) - 1)
    notes = [say("tables.agents_note", lang), *_uncounted_note(rows, lang)]
    gt = laid_out("agents", shown, title, lang, stub="agent_id", notes=notes)
    bold = [loc.body(rows=[len(shown) - 1]), loc.stub(rows=[len(shown) - 1])]
    return Table("agents", frame, gt.tab_style(style.text(weight="bold"), bold))


def main_account_ids(agent_ids: Iterable[str]) -> set[str]:
    """Ids that other ids continue after a colon: 店 is the main account of 店:01 (S2-28)."""
    ids = set(agent_ids)
    return {main for main in ids if any(other.startswith((f"{main}:", f"{main}：")) for other in ids)}


def first_with_data(values: pd.DataFrame, metrics: Sequence[str]) -> str:
    """The first of `metrics` that any row has a value for; the first of all where none has."""
    have = set(values.loc[values["value"].notna(), "metric"])
    return next((metric for metric in metrics if metric in have), metrics[0])


def _wide(values: pd.DataFrame, keys: Sequence[str], metrics: Sequence[str]) -> pd.DataFrame:
    """One column per metric in the given order; what is per agent and day in the catalogue is a total here.

    `<metric>_few` holds n where it is too small for the value to mean anything; the page then shows n instead.
    """
    rows = values[values["metric"].isin(metrics)]
    total = rows["metric"].isin(_totals())
    rows = rows.assign(shown=rows["numerator"].where(total, rows["value"]), few=rows["n"].where(too_few(rows) & ~total))
    have = [metric for metric in metrics if (rows["metric"] == metric).any()]
    wide, few = (
        rows.pivot(index=list(keys), columns="metric", values=c).reindex(columns=have) for c in ("shown", "few")
    )
    few.columns = [f"{metric}_few" for metric in have]
    wide.columns.name = None
    return wide.join(few).reset_index()


def _values_only(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame for the file: the value stays, with its n in `<metric>_few` only where it is too small."""
    return frame.drop(columns=[c for c in frame.columns if c.endswith("_few") and frame[c].isna().all()])


def _totals() -> set[str]:
    return {key.removeprefix("total_") for key in words("report", "en") if key.startswith("total_")}


def _summed() -> set[str]:
    """What is a sum over days on the page: its n is days."""
    return _totals() | set(TOTALS)


def _metric_columns(frame: pd.DataFrame, keys: Sequence[str], lang: str) -> pd.DataFrame:
    """Keys as words, metric columns as figures under the names of the 2010 manual's reports, else the catalogue's."""
    shown = in_words(frame[list(keys)], lang)
    for metric in (c for c in frame.columns if c not in keys and not c.endswith("_few")):
        known, few = entry(metric), frame[f"{metric}_few"]
        name = words("tables", lang).get(f"manual_{metric}", getattr(known, lang))
        head = words("report", lang).get(f"total_{metric}") or labelled(name, known.unit, lang)
        cells = aligned(frame[metric], known.unit)
        shown[head] = [
            c if pd.isna(n) else say("tables.only_n", lang, n=int(n)) for c, n in zip(cells, few, strict=True)
        ]
    return shown


def _cells(rows: pd.DataFrame, lang: str) -> list[str]:
    """ "81.2% (412)" for each row; where n is too small only n, where there is nothing a dash."""
    found = []
    for row, few in zip(rows.itertuples(), too_few(rows), strict=True):
        figure = number(row.value, entry(row.metric).unit)
        small = few and figure != MISSING
        uncounted = figure + ("" if row.metric in TOTALS or figure == MISSING else UNCOUNTED)
        told = uncounted if pd.isna(row.n) else value_n(figure, row.n)
        found.append(say("tables.few", lang, n=number(row.n, "count")) if small else told)
    return found


def _uncounted_note(values: pd.DataFrame, lang: str, note: str = "uncounted_note") -> list[str]:
    """What is to be said where a value stands for nobody knows how many cases."""
    bare = values["n"].isna() & values["value"].notna() & ~values["metric"].isin(TOTALS)
    return [say(f"tables.{note}", lang)] if bare.any() else []
