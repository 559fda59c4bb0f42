"""Whether work, rest and kinds of customers are shared out fairly, and who had too much (S1-02 to S1-06).

Values are those of run.measure; shifts those of the store.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import date

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests

from .scorecard.allocation import FALSE_SHARE, WORTH_SAYING
from .staffing.settings import StaffingSettings

MIX_TO_MOVE = WORTH_SAYING  # of an agent's chats: smaller differences of mix change no score
LEAST_EXPECTED = 5.0  # cases in a cell on average: below it the chi-square test means nothing (Cochran 1954)
SHORT_REST_H = 11.0  # hours between two shifts: a late shift followed by an early one (EU directive 2003/88, as a mark)
UNCODED = ""
COUNTED = {"sessions_per_day": ("sessions", "numerator"), "aht_s": ("calls", "denominator")}  # -> fact, column
HOUR = pd.Timedelta(hours=1)


def day_cap(settings: StaffingSettings, service_s: float, hours: float) -> float:
    """How many chats a day are the most for one agent: the shop's own number, else what the settings allow.

    service_s: how long one takes; hours: those of a working day.
    """
    busy = hours * 3600 * settings.occupancy * (1 - settings.shrinkage)
    return float(settings.day_cap or busy * settings.chats_at_once / (settings.handle_s or service_s))


def metric_of(facts: Container[str]) -> str:
    """The metric whose values by agent and day tell how much each had: of chats, or of calls where there are none."""
    return next((metric for metric, (fact, _column) in COUNTED.items() if fact in facts), next(iter(COUNTED)))


def cases(daily: pd.DataFrame) -> pd.DataFrame:
    """agent_id, day, n: how many chats, or calls, everybody had a day. `daily`: agent values by day of `metric_of`."""
    rows = daily[daily["metric"].isin(COUNTED)]
    n = [row[COUNTED[row["metric"]][1]] for _at, row in rows.iterrows()]
    return rows[["agent_id", "day"]].assign(n=pd.Series(n, index=rows.index, dtype=float))


def over_cap(daily: pd.DataFrame, cap: float) -> pd.DataFrame:
    """agent_id, days, mean, most, busiest, over, share: each person's days of work, and those with over `cap` chats.

    `daily`: agent values by day (`cases`). busiest: the day with the most. The worst first.
    """
    rows = cases(daily)
    rows = rows[rows["n"] > 0].assign(over=rows["n"] > cap)
    people = rows.sort_values(["n", "day"], ascending=[False, True], kind="stable").groupby("agent_id")
    found = people.agg(
        days=("day", "nunique"),
        mean=("n", "mean"),
        most=("n", "max"),
        busiest=("day", "first"),
        over=("over", "sum"),
    ).reset_index()
    return found.assign(share=found["over"] / found["days"]).sort_values(
        ["over", "most", "agent_id"], ascending=[False, False, True], ignore_index=True
    )


def gini(values: Sequence[float] | pd.Series) -> float:
    """How unequal amounts are: 0 = all have the same, towards 1 = one has everything (Gini 1912); NaN below two.

    Corrected by n / (n - 1), so that few people can reach 1 too.
    """
    x = np.sort(pd.to_numeric(pd.Series(values)).dropna().to_numpy(float))
    if len(x) < 2 or x.sum() == 0:
        return float("nan")
    place = np.arange(1, len(x) + 1)
    return float(2 * (place * x).sum() / ((len(x) - 1) * x.sum()) - (len(x) + 1) / (len(x) - 1))


def fairness(daily: pd.DataFrame, shifts: pd.DataFrame, days: Sequence[date], timezone: str) -> pd.DataFrame:
    """agent_id, chats, hours, per_hour, days_on, off_per_week, shortest_rest_h, short_rests: everybody's load and rest.

    `daily`: agent values by day (`cases`); `shifts`: agent_id, start, end (UTC) of the `days`. per_hour is
    chats by hour of the shifts. off_per_week: days without a shift in seven, from a person's first shift to the last,
    so that whoever came or left in between has no holiday. Rests are those between two shifts; short ones are below
    SHORT_REST_H. Null where a person has no shift, or never two.
    """
    chats = cases(daily).groupby("agent_id")["n"].sum().rename("chats")
    own = _within(shifts, days, timezone).join(chats, how="outer")
    own = own.assign(per_hour=own["chats"] / own["hours"], off_per_week=7 * (1 - own["days_on"] / own["span"]))
    names = ["chats", "hours", "per_hour", "days_on", "off_per_week", "shortest_rest_h", "short_rests"]
    return own[names].rename_axis("agent_id").reset_index()


def _within(shifts: pd.DataFrame, days: Sequence[date], timezone: str) -> pd.DataFrame:
    """By agent: hours of shifts that begin on the days, days with any, the rests between them."""
    zoned = {name: pd.to_datetime(shifts[name], utc=True).dt.tz_convert(timezone) for name in ("start", "end")}
    rows = pd.DataFrame({"agent_id": shifts["agent_id"], **zoned}).sort_values(["agent_id", "start"])
    rows = rows[rows["start"].dt.date.isin(list(days))]
    rest = (rows["start"] - rows.groupby("agent_id")["end"].shift()) / HOUR
    new_day = rows["start"].dt.date != rows.groupby("agent_id")["start"].shift().dt.date  # lunch is no rest
    rows = rows.assign(hours=(rows["end"] - rows["start"]) / HOUR, day=rows["start"].dt.date, rest=rest.where(new_day))
    rows = rows.assign(short=(rows["rest"] < SHORT_REST_H).astype(float).where(rows["rest"].notna()))
    return rows.groupby("agent_id").agg(
        hours=("hours", "sum"),
        days_on=("day", "nunique"),
        span=("day", lambda own: (own.max() - own.min()).days + 1),
        shortest_rest_h=("rest", "min"),
        short_rests=("short", lambda one: one.sum(min_count=1)),
    )


def evenness(people: pd.DataFrame, columns: Sequence[str] = ("per_hour", "hours", "off_per_week")) -> pd.DataFrame:
    """what, people, least, most, range, gini of each of the columns of `fairness`, over those who have a value."""
    rows = []
    for column in columns:
        known = people[column].dropna().astype(float)
        least, most = (known.min(), known.max()) if len(known) else (np.nan, np.nan)
        rows.append((column, len(known), least, most, most - least, gini(known)))
    return pd.DataFrame(rows, columns=["what", "people", "least", "most", "range", "gini"])


def mix(chats: pd.DataFrame, groups: pd.Series | None = None) -> pd.DataFrame:
    """group, agent_id, n, top, top_share, kinds, differs, p, listed: the kinds of chats each person gets (S1-05).

    `chats`: agent_id, category, n; rows without a category are left out. `groups`: agent_id -> those who should get the
    same mix (a role); default all. top: the category met most. kinds: how many equally frequent categories would be as
    concentrated (1 / sum of squared shares): few = a specialist. differs: the part of the chats that would have to be
    others for the mix of the group's other people; p: its chi-square test against them; listed: more than chance (at
    most one in twenty of those listed is none) and at least a tenth. p is null where the cells hold too few.
    """
    rows = chats[chats["category"].notna() & (chats["category"] != UNCODED) & (chats["n"] > 0)]
    group = rows["agent_id"].map(groups) if groups is not None else pd.Series("", index=rows.index)
    parts = [_mix(own).assign(group=name) for name, own in rows.assign(group=group).groupby("group", dropna=False)]
    columns = ["group", "agent_id", "n", "top", "top_share", "kinds", "differs", "p", "listed"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def _mix(own: pd.DataFrame) -> pd.DataFrame:
    table = own.pivot_table(index="agent_id", columns="category", values="n", aggfunc="sum", fill_value=0)
    n = table.sum(axis=1)
    shares = table.div(n, axis=0)
    rest = table.sum() - table
    differs = (shares - rest.div(rest.sum(axis=1).replace(0, np.nan), axis=0)).abs().sum(axis=1, min_count=1) / 2
    p = pd.Series([_chance(table.loc[agent], rest.loc[agent]) for agent in table.index], index=table.index)
    tested = p.notna()
    listed = pd.Series(False, index=table.index)
    if tested.any():
        listed[tested] = multipletests(p[tested], alpha=FALSE_SHARE, method="fdr_bh")[0]
    found = {"n": n, "top": table.idxmax(axis=1), "top_share": shares.max(axis=1), "kinds": 1 / (shares**2).sum(axis=1)}
    return pd.DataFrame(found | {"differs": differs, "p": p, "listed": listed & (differs >= MIX_TO_MOVE)}).reset_index()


def _chance(own: pd.Series, others: pd.Series) -> float:
    """How often chance alone would set two mixes so far apart; NaN where too few chats could tell."""
    both = np.array([own, others])[:, (own + others) > 0]
    if both.shape[1] < 2 or (both.sum(axis=1) == 0).any():
        return float("nan")
    found = stats.chi2_contingency(both)
    return float(found.pvalue) if found.expected_freq[0].mean() >= LEAST_EXPECTED else float("nan")


def of_categories(values: pd.DataFrame) -> pd.DataFrame:
    """agent_id, category, n as `mix` wants them, from values of sessions_per_day by agent and category."""
    rows = values[values["metric"] == "sessions_per_day"]
    wanted = rows[["agent_id", "category_code", "numerator"]]
    return wanted.set_axis(["agent_id", "category", "n"], axis=1)


def roles(roster: pd.DataFrame) -> pd.Series:
    """agent_id -> role, the newest line of the roster."""
    return roster.sort_values("valid_from").groupby("agent_id")["role"].last()
