"""Values from a backend's own tables, at the grain in which they were exported: what a shop without chats measures by.

A row is a day or a period of one account. Counts are added up and divided once; a rate or a mean without its counts is
shown as it is, and over several rows only estimated, by the people served. A period is never made into days.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence

import pandas as pd

from .catalogue import ENTRIES, TOTALS
from .catalogue import entries as find_entries
from .errors import CsperfError, Problem
from .mart import N_SMALL, NO_DATA, OF_AGENTS, OF_DAYS, VIEW, grain_columns
from .metric import DEFAULT_MIN_N, Entry
from .text import say

DOOR = "table"
ESTIMATED, NO_N, PROVISIONAL = "ESTIMATED", "NO_N", "PROVISIONAL"  # notes beside those of the mart
WEIGHTS = ("served_users", "asked_users")  # what a bare mean is weighted by, the first that is there
OF_SALES = ("agent_sales_share", "silent_share")  # of the shop: agents' sales beside what was paid in its orders
SHOP = ""  # in place of an account
OUT_OF_BOUNDS = "OUT_OF_BOUNDS"  # shares above 1: the orders are not all there, or the backend counts others
HOURS_A_DAY = ("online_h", "rest_h")
SUMS = ("numerator", "denominator", "n")
NOT_HERE = {"shift": "NO_SHIFT", "category": "NO_CATEGORY"}
EXPLAINED = ["side", "agent_id", "day", "period_start", "period_end", "value", "counted", "reason"]
PLACE = ["file", "sheet", "row", "heading", "cell"]
LABELS = {"week": "%G-W%V", "month": "%Y-%m"}


def prepared(measured: pd.DataFrame, people: pd.DataFrame, definitions: Iterable[str]) -> pd.DataFrame:
    """The store's measured rows with who they are of, and with what they may be weighted by.

    Adds account_id, role, level, start, end, served. `people`: turns.people.people. Accounts that are bots are left
    out; one that is on no roster stands for itself. Rows of one set of counting rules only: the first of `definitions`
    of which there are any, else that of most rows.
    """
    held = measured["definitions"].value_counts()
    chosen = next((name for name in definitions if name in held), held.index[0] if len(held) else "")
    rows = measured[measured["definitions"] == chosen].rename(columns={"agent_id": "account_id"})
    dates = {name: pd.to_datetime(rows[name]) for name in ("day", "period_start", "period_end")}
    rows = rows.assign(
        start=dates["day"].fillna(dates["period_start"]).dt.date, end=dates["day"].fillna(dates["period_end"]).dt.date
    )
    known = people[["account_id", "day", "agent_id", "role", "level", "employed"]].rename(columns={"day": "start"})
    rows = rows.merge(known, how="left", on=["account_id", "start"])
    rows = rows[rows["employed"].ne(False)].drop(columns="employed")
    rows = rows.assign(agent_id=rows["agent_id"].fillna(rows["account_id"]))
    return _with_sales_per_day(_weighed(_hours_of_days(rows))).reset_index(drop=True)


def _hours_of_days(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, hours of a day divided by the day worked; those of a longer period tell of no day and are left out."""
    rows = rows[~rows["metric"].isin(HOURS_A_DAY) | (rows["start"] == rows["end"])]
    hours = rows["metric"].isin(HOURS_A_DAY) & rows["value"].notna()
    worked = (rows["value"] > 0).astype(float)
    counted = {"numerator": rows["value"], "denominator": worked, "n": worked}
    return rows.assign(**{name: rows[name].astype(float).mask(hours, column) for name, column in counted.items()})


def _weighed(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with `served`: the people served in that account's day or period, else those who asked."""
    span = ["account_id", "start", "end"]
    wide = rows[rows["metric"].isin(WEIGHTS)].pivot_table(index=span, columns="metric", values="value", aggfunc="last")
    wide = wide.reindex(columns=list(WEIGHTS))
    served = wide[WEIGHTS[0]].fillna(wide[WEIGHTS[1]]).rename("served").reset_index()
    return rows.merge(served, how="left", on=span)


def _with_sales_per_day(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, and the sales per day worked where days are known."""
    days = rows[(rows["metric"] == "sales_yuan") & (rows["start"] == rows["end"]) & rows["value"].notna()]
    worked = days["served"].where(days["served"].notna(), days["value"]) > 0
    per_day = days.assign(metric="sales_yuan_per_day", denominator=worked.astype(float), n=worked.astype(int))
    return pd.concat([rows, per_day], ignore_index=True) if len(days) else rows


def with_shares_of_sales(rows: pd.DataFrame, paid: pd.DataFrame) -> pd.DataFrame:
    """The rows, and of the whole shop the shares of its sales that agents' came to and that nobody's did, in yuan.

    `rows`: of `prepared`; `paid`: by day, the yuan paid in the shop's orders and how many these are (day, paid, n).
    Only of days, or periods, that lie between the first and the last payment: of others nobody knows all orders.
    """
    sold = rows[(rows["metric"] == "sales_yuan") & rows["value"].notna()]
    if sold.empty or paid.empty:
        return rows
    spans = sold.groupby(["shop_id", "definitions", "start", "end"], as_index=False).agg(
        agents=("value", "sum"), provisional=("provisional", "max")
    )
    by_day = paid.set_index("day").sort_index()
    spans = spans[(spans["start"] >= by_day.index[0]) & (spans["end"] <= by_day.index[-1])]
    within = [by_day.loc[first:last] for first, last in zip(spans["start"], spans["end"], strict=True)]
    spans = spans.assign(denominator=[days["paid"].sum() for days in within], n=[days["n"].sum() for days in within])
    shares = {"agent_sales_share": spans["agents"], "silent_share": spans["denominator"] - spans["agents"]}
    more = [spans.assign(metric=key, numerator=above, account_id=SHOP) for key, above in shares.items()]
    more = [part.assign(value=part["numerator"] / part["denominator"].where(part["denominator"] > 0)) for part in more]
    return pd.concat([rows, *(part.drop(columns="agents") for part in more)], ignore_index=True)


# --- values at a grain ----------------------------------------------------------------------------------------------


def measure(
    rows: pd.DataFrame,
    metrics: Sequence[str],
    by: Sequence[str],
    *,
    min_n: int = DEFAULT_MIN_N,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
    spread: bool = False,
) -> pd.DataFrame:
    """Values of the metrics at the grain `by`, in each key's unit; columns as mart.measure, door `table`.

    `rows`: of `prepared`. Shop rows add the accounts up, as the backend's own total does: a buyer of two agents counts
    twice. note: NO_DATA, N_SMALL as in the mart; NO_N where nobody knows how many cases a value stands for, with a null
    value where several such cannot be put together; ESTIMATED where they are, by the people served; PROVISIONAL where
    the backend was still working it out; OUT_OF_BOUNDS where agents' sales exceed the shop's orders. What is left out
    is named in `.attrs["unavailable"]`: key -> NO_FACT (not in the tables), PERIOD_ONLY (periods longer than
    the grain), SHOP_ONLY, NO_SHIFT, NO_CATEGORY. CsperfError for unknown keys.
    """
    columns = ["shop_id", *grain_columns(by)]
    wanted = find_entries(list(metrics))
    refused = next((reason for grain, reason in NOT_HERE.items() if grain in by), "")
    here = rows[rows["metric"].isin([e.key for e in wanted])]
    of_shop = set(OF_SALES) & set(here["metric"]) if OF_AGENTS & set(by) else set()
    here = here[~here["metric"].isin(of_shop)]
    here = here.iloc[:0].assign(shift="", category_code="") if refused else here
    within = here[_within(here, first_day, last_day)]
    fitting = _disjoint(_at_grain(within, by))
    values = _on_spine(_rolled_up(fitting, columns), wanted, columns)
    values = values.assign(door=DOOR, note=_notes(values, min_n))
    order = [*columns, *VIEW, "numerator", "denominator", "value", "n", "note"] + (["sum_squares"] if spread else [])
    values = values.assign(sum_squares=float("nan"))[order].reset_index(drop=True)
    missing = {e.key: refused or ("PERIOD_ONLY" if e.key in set(here["metric"]) else "NO_FACT") for e in wanted}
    missing |= dict.fromkeys(of_shop, "SHOP_ONLY")
    values.attrs["unavailable"] = {key: why for key, why in missing.items() if key not in set(fitting["metric"])}
    return values


def aims(rows: pd.DataFrame) -> list[str]:
    """The metrics of the tables that may carry targets: rates, times and means in service hours, in catalogue order."""
    have = set(rows.loc[rows["value"].notna(), "metric"])
    return [key for key, e in ENTRIES.items() if key in have and _aimed_at(e)]


def _aimed_at(known: Entry) -> bool:
    told_once = known.key.endswith(("_allday", "_per_day")) or known.key in (*TOTALS, *OF_SALES)
    return known.better != "neutral" and known.kind in ("rate", "time", "value") and not told_once


def _within(rows: pd.DataFrame, first_day: dt.date | None, last_day: dt.date | None) -> pd.Series:
    """Rows that lie wholly in the days."""
    return (rows["start"] >= (first_day or dt.date.min)) & (rows["end"] <= (last_day or dt.date.max))


def _at_grain(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """The rows that fit into one day, week or month each, with the grain's columns."""
    rows = rows[rows["start"] == rows["end"]].assign(day=lambda r: r["start"]) if "day" in by else rows
    start, end = pd.to_datetime(rows["start"]), pd.to_datetime(rows["end"])
    for name in OF_DAYS - {"day"} & set(by):
        label, last = start.dt.strftime(LABELS[name]), end.dt.strftime(LABELS[name])
        rows = rows.assign(**{name: label})[label == last]
        start, end = start[rows.index], end[rows.index]
    return rows


def _disjoint(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of each account and metric that do not tell of the same days twice: the longer period wins."""
    longer = rows["start"] != rows["end"]
    who = ["account_id", "metric"]
    mixed = rows.set_index(who).index.isin(rows.loc[longer, who].drop_duplicates().set_index(who).index)
    kept = [place for _key, group in rows[mixed].groupby(who, sort=False) for place in _longest_first(group)]
    return pd.concat([rows[~mixed], rows.loc[kept]]) if kept else rows


def _longest_first(rows: pd.DataFrame) -> list[int]:
    """The index of rows that do not overlap, taken by length, then the newest."""
    kept: list[tuple[int, dt.date, dt.date]] = []
    spans = sorted(rows[["start", "end"]].itertuples(), key=lambda r: (r.end - r.start, r.end), reverse=True)
    for row in spans:
        if all(row.end < start or row.start > end for _place, start, end in kept):
            kept.append((row.Index, row.start, row.end))
    return [place for place, _start, _end in kept]


def _rolled_up(rows: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Sums of each group divided once; what has no counts stays if alone, else is weighted by the people served."""
    bare = rows["numerator"].isna() & rows["value"].notna()
    weight = rows["served"].where(bare)
    parts = {"weight": weight, "weighted": weight * rows["value"], "bare": bare, "unweighed": bare & ~(weight >= 0)}
    groups = rows.assign(**parts).groupby([*columns, "metric", "definitions"], dropna=False, as_index=False)
    sums = groups[[*SUMS, "weight", "weighted"]].sum(min_count=1)
    more = groups.agg(bare=("bare", "sum"), unweighed=("unweighed", "sum"), only=("value", "first"))
    told = groups.agg(provisional=("provisional", "max"))["provisional"].astype(bool)
    divided = sums["numerator"] / sums["denominator"].where(sums["denominator"] != 0)
    divided = divided.where(~sums["metric"].isin(TOTALS), sums["numerator"])
    estimated = (sums["weighted"] / sums["weight"].where(sums["weight"] > 0)).where(more["unweighed"] == 0)
    value = divided.where(more["bare"] == 0, more["only"].where(more["bare"] == 1, estimated))
    unknown = sums["n"].isna() & ~sums["metric"].isin(TOTALS)
    note = pd.Series("", index=sums.index).mask(unknown, NO_N).mask((more["bare"] > 1) & value.notna(), ESTIMATED)
    counted = {name: sums[name].where(more["bare"] == 0) for name in SUMS}
    beyond = sums["metric"].isin(OF_SALES) & ~value.between(0, 1) & value.notna()
    said = note.mask(told, PROVISIONAL).mask(beyond, OUT_OF_BOUNDS)
    return sums.assign(value=value.mask(beyond), said=said, **counted)


def _on_spine(values: pd.DataFrame, entries: Sequence[Entry], columns: list[str]) -> pd.DataFrame:
    """A row for each metric that there is, of everybody of whom there is any."""
    place = {entry.key: number for number, entry in enumerate(entries)}
    sets = values["definitions"].iloc[0] if len(values) else ""
    keys = values[["metric"]].drop_duplicates()
    rows = values[columns].drop_duplicates().merge(keys, how="cross")
    rows = rows.merge(values, how="left", on=[*columns, "metric"]).assign(definitions=sets)
    rows = rows.assign(place=rows["metric"].map(place), n=pd.to_numeric(rows["n"]).astype("Int64"))
    return rows.sort_values([*columns, "place"], kind="stable")


def _notes(values: pd.DataFrame, min_n: int) -> pd.Series:
    own = {key: entry.min_n for key, entry in ENTRIES.items() if entry.min_n != DEFAULT_MIN_N}
    limit = values["metric"].map(own).fillna(min_n)
    small = (values["n"] < limit).fillna(False).astype(bool) & ~values["metric"].isin(TOTALS)
    small &= values["said"].ne(OUT_OF_BOUNDS)
    notes = values["said"].fillna("").mask(small, N_SMALL)
    alone = values["value"].isna() & ~values["said"].isin([NO_N, PROVISIONAL, OUT_OF_BOUNDS])
    return notes.mask(alone, NO_DATA)


# --- the cells behind a value ---------------------------------------------------------------------------------------


def explain(
    rows: pd.DataFrame,
    key: str,
    *,
    agent: str | None = None,
    day: dt.date | None = None,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
) -> pd.DataFrame:
    """The cells behind a value: EXPLAINED, then file, sheet, row, heading and cell of each.

    side is numerator, denominator or value; value is in the key's unit, `shown` what the screen said. reason is
    `counted`, `provisional`, or `told_by_period` where a longer period tells of the same days. CsperfError for an
    unknown metric or agent.
    """
    find_entries([key])
    if agent is not None and agent not in set(rows["agent_id"]):
        known = ", ".join(sorted(set(rows["agent_id"]))[:20])
        raise CsperfError(Problem(agent, say("catalogue.unknown_agent", agent=agent, known=known)))
    here = rows[_within(rows, day or first_day, day or last_day)]
    here = _of_sales(here, key) if key in OF_SALES else here[here["metric"] == key]
    here = here[here["agent_id"] == agent] if agent is not None else here
    counted = here.index.isin(_disjoint(here).index)
    here = here.assign(counted=counted & ~here["provisional"].astype(bool))
    reason = pd.Series("counted", index=here.index).mask(~counted, "told_by_period")
    here = here.assign(reason=reason.mask(here["provisional"].astype(bool), "provisional"))
    here = here.rename(columns={"source_file": "file", "source_line": "row"})
    sides = [_side(here, side) for side in ("numerator", "denominator", "value")]
    return pd.concat(sides, ignore_index=True)[[*EXPLAINED, "shown", *PLACE]]


def _of_sales(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """What a share of the shop's sales is made of: the agents' cells (taken off for the rest), and the orders' sums."""
    shares, cells = rows[rows["metric"] == key], rows[rows["metric"] == "sales_yuan"]
    spans = shares[["start", "end"]].drop_duplicates()
    rest = key == "silent_share"
    cells = cells.merge(spans, on=["start", "end"]).assign(denominator=float("nan"))
    cells = cells.assign(numerator=-cells["numerator"] if rest else cells["numerator"])
    orders = shares.assign(numerator=shares["denominator"] if rest else float("nan"), source_file="orders")
    return pd.concat([cells, orders], ignore_index=True)


def _side(rows: pd.DataFrame, side: str) -> pd.DataFrame:
    """The cells of one side; the value itself only where it is not made of counts."""
    if side == "value":
        rows = rows[rows[["numerator", "denominator"]].isna().all(axis=1)]
    told = rows[rows[side].notna() | (side == "value")]
    return told.assign(side=side, value=told[side]).sort_values(["start", "agent_id"], kind="stable")
