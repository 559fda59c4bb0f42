"""Signs that numbers were steered instead of work: each is a reason to look, none is proof, and none costs a point.

METHOD 5: bunching just above a target, denominators that fall, transfers that rise, one metric up while its pair falls.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import scipy

from ..catalogue import entry
from ..stats.scales import Arcsine
from ..stats.signals import apart
from ..targets import agent_months
from ..targets.settings import TargetSettings

OF_CHATS = {"hollow": "first_reply_s", "at_limit": "transfer_share", "thin_credit": "orders_per_day"}
CHECKS = ("bunching", "cases_fall", "transfers_rise", "pair", *OF_CHATS)
COLUMNS = ["check", "metric", "other", "role", "agent_id", "month", "value", "expected", "n", "p", "listed"]
FALSE_SHARE = 0.05  # of those listed, at most this share by chance (Benjamini & Hochberg 1995)
LEAST_PAST = 3  # months before the one looked at, to know a person's ups and downs
LEAST_NEAR = 10  # values within a step of the target
TRANSFERS = ("transfer_share", "call_transfer_share")
# What may be bought at the price of what: (better at the first, worse at the second).
PAIRS = (
    ("first_reply_s", "mean_wait_turn_s"),  # a quick "hi", then silence
    ("first_reply_s", "conversion_paid_user"),
    ("reply_30s_msg", "conversion_paid_user"),
    ("mean_wait_turn_s", "conversion_paid_user"),
    ("mean_wait_turn_s", "effective_session_share"),
    ("handle_min", "conversion_paid_user"),
    ("conversion_paid_user", "agent_refund_share"),
    ("conversion_paid_user", "order_value_yuan"),
    ("aht_s", "call_transfer_share"),
)


def gaming(
    values: pd.DataFrame, targets: pd.DataFrame, *, month: str = "", roster: pd.DataFrame | None = None
) -> pd.DataFrame:
    """COLUMNS: what was checked in `month` (default: the newest), one row per check and group or person.

    bunching: n values of all months lie within a step of the target, `value` of them on its good side, `expected` by
    chance half (binomial; a person's days where the values are by day, else months). cases_fall: a person's share of
    the team's cases against their own months before. transfers_rise: the share passed on. pair: `metric` better and
    `other` worse than the person's own months before. p is one-sided; `listed`: more than chance explains, checks of
    one kind taken together (at most one in twenty by chance).
    """
    keys = tuple(dict.fromkeys(values["metric"]))
    months = agent_months(values, roster=roster, settings=TargetSettings(metrics=keys))
    months = months[months["left_out"].isna()]
    newest = month or months["month"].max()
    rows = [
        *_bunching(values, months, targets),
        *_cases_fall(months, newest),
        *_transfers(months, newest),
        *_pairs(months, newest),
    ]
    found = pd.DataFrame(rows, columns=COLUMNS[:-1])
    return found.assign(listed=_listed(found))


def beside_others(check: str, seen: pd.DataFrame, month: str) -> pd.DataFrame:
    """What chats tell, as rows of `gaming`: each person's share of odd cases beside the others'.

    check: hollow (quick first replies that silence follows), at_limit (questions passed on just before the limit),
    thin_credit (orders earned with hardly a word). `seen`: lists.ODD. value: the person's share, expected: the others',
    n: their cases. Nobody is listed where fewer than eight people can be compared.
    """
    n, odd = (seen[name].to_numpy(float) for name in ("n", "odd"))
    enough = np.where(n >= LEAST_NEAR, n, 0.0)
    share = odd / np.where(n > 0, n, np.nan)
    found = apart(*Arcsine().placed(share, enough))
    worse = np.where(found.z > 0, found.p / 2, np.where(np.isfinite(found.p), 1 - found.p / 2, np.nan))
    others = (odd.sum() - odd) / np.where(n.sum() > n, n.sum() - n, np.nan)
    rows = pd.DataFrame({"agent_id": seen["agent_id"], "value": share, "expected": others, "n": n, "p": worse})
    rows = rows.assign(check=check, metric=OF_CHATS[check], other=None, role=None, month=month)
    return rows.assign(listed=found.listed & (found.z > 0))[COLUMNS]


def _listed(found: pd.DataFrame) -> pd.Series:
    """Who is called out, kind by kind."""
    from statsmodels.stats.multitest import multipletests

    listed = pd.Series(False, index=found.index)
    for _check, rows in found[found["p"].notna()].groupby("check"):
        listed[rows.index] = multipletests(rows["p"].to_numpy(float), alpha=FALSE_SHARE, method="fdr_bh")[0]
    return listed


def _bunching(values: pd.DataFrame, months: pd.DataFrame, targets: pd.DataFrame) -> Iterator[tuple]:
    """Values just on the good side of a target against those just short of it, by metric, role and level."""
    daily = values[values["day"].notna()] if "day" in values else values.iloc[:0]
    for aim in targets[targets["target"].notna() & (targets["role"] != "shop")].itertuples():
        own = months[(months["metric"] == aim.metric) & (months["role"] == aim.role)]
        own = own if pd.isna(aim.level) else own[own["level"] == aim.level]
        days = daily[(daily["metric"] == aim.metric) & daily["agent_id"].isin(own["agent_id"])]
        seen = (_value(days) if len(days) else own["value"]).to_numpy(float)
        above, near = near_target(seen, float(aim.target), entry(aim.metric).step, entry(aim.metric).better)
        p = scipy.stats.binomtest(above, near, 0.5, alternative="greater").pvalue if near >= LEAST_NEAR else np.nan
        yield "bunching", aim.metric, None, aim.role, aim.level, None, above, near / 2, near, p


def near_target(values: np.ndarray, target: float, step: float, better: str) -> tuple[int, int]:
    """(on the good side, all) of the values within a step of the target; what equals the target meets it."""
    sign = 1 if better == "higher" else -1
    away = sign * (values - target)
    slack = 1e-9 * max(abs(target), 1)
    above = (away >= -slack) & (away <= step + slack)
    below = (away < -slack) & (away >= -step - slack)
    return int(above.sum()), int(above.sum() + below.sum())


def _value(rows: pd.DataFrame) -> pd.Series:
    divided = rows["numerator"] / rows["denominator"].where(rows["denominator"] != 0) if "numerator" in rows else np.nan
    return rows["value"].fillna(divided) if "value" in rows else divided


def _cases_fall(months: pd.DataFrame, newest: str) -> Iterator[tuple]:
    """A person's share of the team's cases: who serves fewer can look better on what is left."""
    rates = months[months["metric"].map(lambda key: entry(key).kind != "count") & months["denominator"].notna()]
    team = rates.groupby(["metric", "role", "month"])["denominator"].transform("sum")
    rates = rates.assign(share=rates["denominator"] / team.where(team > 0))
    for (metric, role, agent), own in rates.groupby(["metric", "role", "agent_id"]):
        yield from _against_own_past(
            "cases_fall", metric, None, role, agent, own.set_index("month")["share"], newest, -1
        )


def _transfers(months: pd.DataFrame, newest: str) -> Iterator[tuple]:
    rows = months[months["metric"].isin(TRANSFERS)]
    for (metric, role, agent), own in rows.groupby(["metric", "role", "agent_id"]):
        yield from _against_own_past(
            "transfers_rise", metric, None, role, agent, own.set_index("month")["value"], newest, 1
        )


def _pairs(months: pd.DataFrame, newest: str) -> Iterator[tuple]:
    """Both must have moved: the p of a pair is the larger of the two."""
    series = {key: rows.set_index("month")["value"] for key, rows in months.groupby(["metric", "agent_id"])}
    for (agent, role), _rows in months.groupby(["agent_id", "role"]):
        for better, worse in PAIRS:
            if (better, agent) not in series or (worse, agent) not in series:
                continue
            up = list(
                _against_own_past("pair", better, worse, role, agent, series[better, agent], newest, _sign(better))
            )
            down = list(
                _against_own_past("pair", worse, better, role, agent, series[worse, agent], newest, -_sign(worse))
            )
            if up and down:
                yield (*up[0][:-1], max(up[0][-1], down[0][-1]))


def _sign(metric: str) -> int:
    return 1 if entry(metric).better == "higher" else -1


def _against_own_past(
    check: str,
    metric: object,
    other: str | None,
    role: object,
    agent: object,
    series: pd.Series,
    newest: str,
    sign: int,
) -> Iterator[tuple]:
    """The newest month against the person's months before, by the predictive t; nothing where those are too few."""
    past = series[series.index < newest].dropna().to_numpy(float)
    if len(past) < LEAST_PAST or newest not in series.index or np.ptp(past) == 0:
        return
    mean, error = past.mean(), past.std(ddof=1) * np.sqrt(1 + 1 / len(past))
    p = scipy.stats.t.sf(sign * (series[newest] - mean) / error, len(past) - 1)
    yield check, metric, other, role, agent, newest, float(series[newest]), float(mean), len(past), float(p)
