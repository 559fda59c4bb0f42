"""From twenty candidates to a pool of eight to twelve, and the four to six that are scored (FIELD S1-55, METHOD 3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml
from scipy.stats import rankdata

from ..errors import CsperfError, Problem
from ..text import say
from .settings import POOL

if TYPE_CHECKING:
    from . import Weighing

Array = np.ndarray
FILE = Path(__file__).with_name("ratings.yaml")
# What most shops can measure from chats, orders and calls: some twenty, of which few shall be scored.
CANDIDATES = (
    *("conversion_paid_user", "conversion_net_user", "order_value_yuan", "items_per_buyer", "payment_share"),
    *("order_loss_share", "sales_yuan_per_day", "agent_refund_share", "repurchase_share"),
    *("reply_30s_msg", "reply_3min_turn", "first_reply_s", "mean_wait_turn_s"),
    *("effective_reply_user", "effective_session_share", "handle_min", "transfer_share", "coded_share", "emoji_share"),
    *("aht_s", "call_answered_20s_share"),
)
RATED = ("importance", "control", "cost", "resistance")
UNKNOWN = 3.0  # of 5, for what nobody rated; flagged UNRATED
LEAST_CONTROL = 2.0  # METHOD 3: what is hardly the agent's own doing is not scored
BORDER = (0.30, 0.70)  # kept in so many of the draws: people decide
DRAWS = 200
COLUMNS = [
    *("metric", "role", "theme", "importance", "feasibility", "expert", "related", "availability", "control"),
    *("reliability", "cost", "resistance", "kept_share", "decision", "reason"),
]


@cache
def template() -> pd.DataFrame:
    """The ratings that csperf ships, by metric: theme and RATED."""
    return pd.DataFrame.from_dict(yaml.safe_load(FILE.read_text(encoding="utf-8"))["ratings"], orient="index")


def screened(
    weighing: Weighing, guardrails: Iterable[str] = (), ratings: pd.DataFrame | None = None, *, seed: int = 1
) -> pd.DataFrame:
    """The candidates of a role (COLUMNS): importance and feasibility from 0 to 1, and what becomes of each.

    decision: score (has weight), guardrail (the platform fines for it: always kept), pool (watched), borderline (chance
    decides: people should), out. reason: code. `ratings`: metric and some of RATED, 1 to 5, several rows where several
    people rated; of what they lack the template's. kept_share: in how many draws of ratings and data it was kept.
    """
    frame = _measures(weighing, _rated(ratings))
    guarded = frame["metric"].isin(set(guardrails)).to_numpy()
    cluster, related, error = _data(weighing, frame["metric"])
    frame["related"] = related
    frame["importance"], frame["feasibility"] = _importance(frame["expert"], related), _feasibility(frame)
    kept, reason = _kept(frame, guarded, cluster)
    frame["kept_share"] = _drawn(frame, guarded, cluster, error, np.random.default_rng(seed)).mean(axis=0)
    borderline = frame["kept_share"].between(*BORDER).to_numpy() & ~guarded
    weighted = frame["metric"].map(weighing.weights.set_index("metric")["weight"]).to_numpy() > 0
    frame["decision"] = np.select(
        [weighted, guarded, borderline, kept], ["score", "guardrail", "borderline", "pool"], "out"
    )
    frame["reason"] = reason
    ordered = frame.assign(role=weighing.role).sort_values("importance", ascending=False, kind="stable")
    return ordered[COLUMNS].reset_index(drop=True)


def _rated(ratings: pd.DataFrame | None) -> pd.DataFrame:
    """The template with the people's own ratings over it (their mean)."""
    if ratings is None:
        return template()
    given = [column for column in RATED if column in ratings]
    wrong = [
        Problem("ratings", say("weights.bad_rating", metric=row.metric, column=column, found=getattr(row, column)))
        for row in ratings.itertuples()
        for column in given
        if pd.notna(getattr(row, column)) and not 1 <= getattr(row, column) <= 5
    ]
    if wrong:
        raise CsperfError(wrong)
    return ratings.groupby("metric")[given].mean().combine_first(template())


def _measures(weighing: Weighing, rated: pd.DataFrame) -> pd.DataFrame:
    """Each candidate's ratings, and its availability and reliability where data were looked at."""
    frame = pd.DataFrame({"metric": sorted(weighing.weights["metric"])})
    own = rated.reindex(frame["metric"]).reset_index(drop=True)
    frame["theme"] = own["theme"]
    frame[list(RATED)] = own[list(RATED)].astype(float).fillna(UNKNOWN)
    frame["unrated"] = own["importance"].isna()
    frame = frame.rename(columns={"importance": "expert"})
    opinion = weighing.opinion
    if opinion is not None and opinion.weights is not None:
        said = dict(zip(opinion.metrics, 1 + 4 * opinion.weights / opinion.weights.max(), strict=True))
        frame["expert"] = frame["metric"].map(said).fillna(frame["expert"])
    frame["availability"] = frame["metric"].map(weighing.screens["coverage"]).astype(float)
    frame["reliability"] = frame["metric"].map(weighing.screens["reliability"]).astype(float)
    return frame


def _data(weighing: Weighing, metrics: pd.Series) -> tuple[Array, Array, Array]:
    """Each candidate's cluster, its correlation with the outcome where the gate lets that count, and its error."""
    evidence, cells = weighing.evidence, weighing.cells
    count = len(metrics)
    if evidence is None or cells is None:
        return np.arange(count), np.full(count, np.nan), np.zeros(count)
    place = {metric: i for i, metric in enumerate(cells.metrics)}
    at = [place.get(metric, -1) for metric in metrics]
    clusters = np.array([evidence.cluster[p] if p >= 0 else count + i for i, p in enumerate(at)])
    if evidence.gate == "refused":
        return clusters, np.full(count, np.nan), np.zeros(count)
    error = (evidence.simple_high - evidence.simple_low) / 4
    related, off = (np.array([part[p] if p >= 0 else np.nan for p in at]) for part in (abs(evidence.simple), error))
    return clusters, related, off


def _importance(expert: pd.Series | Array, related: Array) -> Array:
    """Half the people's rating, half the rank of the correlation with the outcome; the rating alone without one."""
    said = (np.asarray(expert, float) - 1) / 4
    seen = np.isfinite(related)
    if seen.sum() < 2:
        return said
    rank = np.zeros(len(said))
    rank[seen] = (rankdata(related[seen]) - 1) / (seen.sum() - 1)
    return np.where(seen, (said + rank) / 2, said)


def _feasibility(frame: Mapping[str, Any]) -> Array:
    """Geometric mean of availability, control, reliability, cost and resistance; 0 for what agents hardly control."""
    parts = [
        frame["availability"],
        frame["reliability"],
        *(frame[name] / 5 for name in ("control", "cost", "resistance")),
    ]
    logs = np.log(np.clip(np.array(parts, float), 0.01, 1.0))
    return np.where(frame["control"] < LEAST_CONTROL, 0.0, np.exp(np.nanmean(logs, axis=0)))


def _kept(frame: Mapping[str, Any], guarded: Array, cluster: Array) -> tuple[Array, Array]:
    """Which candidates are kept, and why not the others: above both medians, one of those that say the same, one of
    each theme, eight to twelve in all; guardrails always.
    """
    importance, feasibility = np.asarray(frame["importance"]), np.asarray(frame["feasibility"])
    worth = importance * feasibility
    possible = feasibility > 0
    kept = (importance >= np.median(importance)) & (feasibility >= np.median(feasibility)) & possible
    reason = np.where(frame["unrated"], "UNRATED", "").astype(object)
    reason[~possible] = "NO_CONTROL"
    reason[possible & ~kept] = np.where(importance < np.median(importance), "LESS_IMPORTANT", "LESS_FEASIBLE")[
        possible & ~kept
    ]
    twins = np.zeros(len(worth), bool)
    for group in np.unique(cluster):
        alike = np.flatnonzero((cluster == group) & possible)
        twins[alike[np.argsort(-worth[alike], kind="stable")[1:]]] = True
    kept, reason[twins] = kept & ~twins, "REDUNDANT"
    kept = _every_theme(kept, np.asarray(frame["theme"], object), np.where(possible & ~twins, worth, -1.0))
    kept = _sized(kept | guarded, guarded, np.where(possible & ~twins, worth, -1.0))
    reason[kept & (reason != "UNRATED")] = ""
    reason[guarded] = "GUARDRAIL"
    return kept, reason


def _every_theme(kept: Array, theme: Array, worth: Array) -> Array:
    """The kept ones, and the worthiest of every theme of which none is."""
    kept = kept.copy()
    for name in {name for name in theme if isinstance(name, str)}:
        own = np.flatnonzero((theme == name) & (worth > 0))
        if len(own) and not kept[own].any():
            kept[own[worth[own].argmax()]] = True
    return kept


def _sized(kept: Array, guarded: Array, worth: Array) -> Array:
    """The kept ones brought to between eight and twelve: the least worthy go, the worthiest of the others come."""
    low, high = POOL
    order = np.argsort(-worth, kind="stable")
    room = max(high - int(guarded.sum()), 0)
    chosen = [place for place in order if kept[place] and not guarded[place]][:room]
    spare = [place for place in order if not kept[place] and worth[place] > 0]
    chosen += spare[: max(low - len(chosen) - int(guarded.sum()), 0)]
    result = guarded.copy()
    result[chosen] = True
    return result


def _drawn(frame: pd.DataFrame, guarded: Array, cluster: Array, error: Array, rng: np.random.Generator) -> Array:
    """Whether each candidate is kept in each draw: a rating is right to within a point, a correlation to its error."""
    kept = np.zeros((DRAWS, len(frame)), bool)
    columns = ["expert", "control", "cost", "resistance"]
    fixed = {name: frame[name].to_numpy() for name in frame.columns}
    given, related = frame[columns].to_numpy(), frame["related"].to_numpy(float)
    for draw in range(DRAWS):
        moved = np.clip(given + rng.choice([-1.0, 0.0, 1.0], given.shape, p=[0.25, 0.5, 0.25]), 1, 5)
        moved[:, 1] = np.where(given[:, 1] >= LEAST_CONTROL, np.maximum(moved[:, 1], LEAST_CONTROL), moved[:, 1])
        world: dict[str, Any] = fixed | dict(zip(columns, moved.T, strict=True))
        world["importance"] = _importance(moved[:, 0], related + error * rng.standard_normal(len(related)))
        world["feasibility"] = _feasibility(world)
        kept[draw] = _kept(world, guarded, cluster)[0]
    return kept
