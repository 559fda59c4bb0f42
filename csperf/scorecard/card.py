"""The scorecard: every metric of every person in a month with its points, and the score they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ..catalogue import entry
from ..errors import CsperfError, Problem
from ..stats.ranks import LEVEL_WITH, placed
from ..targets import agent_months
from ..targets.consistency import check_consistency
from ..targets.outlook import BANDS
from ..targets.settings import TargetSettings
from ..text import say, ui_language
from .adjusted import Chance, chance
from .aims import ANY_ROLE, LINES, aims, own_weights, role_word, weights_of
from .events import KINDS, capped, judged
from .points import Aims, as_shown
from .settings import ScoreSettings

PERSON = ["shop_id", "agent_id", "role", "level", "month"]
PARTS = [
    *(*PERSON, "metric", "value", "adjusted", "n", *LINES, "grade", "weight", "weight_used"),
    *("points", "points_adjusted", "contribution", "left_out"),
]
HEAD = ["agent_id", "role", "level", "month", "score", "score_low", "score_high", "band", "capped", "coefficient"]
TAIL = ["score_adjusted", "pay_score", "weight_present", "status", "shop_id"]
UNPAID = ("trial", "reference")  # targets without effect on pay (PRACTICE 1)
EACH = {"value": "value", "score": "points", "adjusted": "adjusted", "adjusted_score": "points_adjusted"}
SHOWN = 1  # decimals of a score
TOO_MANY = 6  # scored metrics of a role (PRACTICE 24)
Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Scorecard:
    """scores: CONTRACT 4, one row per person and month. parts: PARTS, one row per person, month and weighted metric.

    events: those handed over, each with whether it caps and why not. notices: what people should know, in words.
    truths: what may lie behind each score_adjusted, [draws, rows of scores]; NaN where there is none.
    left_out: null (counts), missing, small, new, empty, no_target or part_month. weight_used sums to 100 over what
    counts; contribution = points x weight_used / 100. days: days worked by (agent, month), where the values say so.
    """

    scores: pd.DataFrame
    parts: pd.DataFrame
    events: pd.DataFrame
    notices: tuple[str, ...]
    settings: ScoreSettings
    truths: Array
    days: Mapping[tuple[str, str], float] = field(default_factory=dict)


def score(values: pd.DataFrame, targets: pd.DataFrame, weights: pd.DataFrame, **how: Any) -> pd.DataFrame:
    """The scores of `scorecard`: agent_id, role, level, month, score, score_low, score_high, band, capped, coefficient,
    then <metric>_value, <metric>_score, <metric>_adjusted, <metric>_adjusted_score of each weighted metric."""
    return scorecard(values, targets, weights, **how).scores


def scorecard(
    values: pd.DataFrame,
    targets: pd.DataFrame,
    weights: pd.DataFrame,
    *,
    roster: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    month: str = "",
    settings: ScoreSettings | None = None,
) -> Scorecard:
    """The scorecard of every month in `values`, or of `month` alone (the others then only say what is luck).

    `values`, `targets`, `weights`: CONTRACT 4, weights with a column role where roles differ. `roster` gives role,
    level and first day where the rows lack them; `events`: events.COLUMNS. Null score: not scored, `status` says why
    (NEW, PART_MONTH, THIN: less than 60 % of the weight has a value). CsperfError with every fault of the three tables.
    """
    settings = settings or ScoreSettings()
    weighted = weights_of(weights)
    values = values.assign(shop_id=values["shop_id"].fillna("") if "shop_id" in values else "")
    months = _months(values, roster, weighted, settings)
    people = _people(months, month)
    people, unweighted = _weighted(people, weighted)
    aimed = aims(targets, weighted, people, settings)
    luck = list(_chances(months))
    cells = pd.concat([_adjusted(rows) for rows in luck]) if luck else pd.DataFrame(columns=["adjusted"])
    parts = _parts(people, months.join(cells), aimed, weighted, settings)
    held = judged(events)
    spread = _Spread(parts, luck, settings)
    scores = _scores(parts, spread, capped(held), settings)
    truths = np.where(scores["score"].notna(), spread.truths[:, scores.index], np.nan)
    said = (*unweighted, *_notices(parts, weighted, aimed, held), *_steps(parts, settings))
    return Scorecard(scores.reset_index(drop=True), parts[PARTS], held, said, settings, truths, days_worked(values))


def _months(
    values: pd.DataFrame, roster: pd.DataFrame | None, weights: pd.DataFrame, settings: ScoreSettings
) -> pd.DataFrame:
    """The agent-months of the weighted metrics, each person's own role, and part months marked."""
    keys = tuple(weights["metric"].unique())
    missing = [key for key in keys if not (values["metric"] == key).any()]
    if len(missing) == len(keys):
        raise CsperfError(Problem(say("scores.values"), say("scores.nothing_to_score", metrics=", ".join(missing))))
    limits = {name: getattr(settings, name) for name in ("min_n", "min_days", "protection_days")}
    rows = agent_months(values, roster=roster, settings=TargetSettings(metrics=keys, **limits))
    rows = rows.assign(role=rows["role"].where(rows["agent_id"].isin(_with_role(values, roster)), ANY_ROLE))
    days = days_worked(values)
    part = [days.get(key, np.inf) < settings.min_days for key in zip(rows["agent_id"], rows["month"], strict=True)]
    return rows.assign(left_out=rows["left_out"].mask(rows["left_out"].isna() & np.array(part, bool), "part_month"))


def _with_role(values: pd.DataFrame, roster: pd.DataFrame | None) -> set[str]:
    """People whose role somebody has said."""
    tables = [table for table in (values, roster) if table is not None and "role" in table]
    return {agent for table in tables for agent in table.loc[table["role"].notna(), "agent_id"]}


def days_worked(values: pd.DataFrame) -> dict[tuple[str, str], float]:
    """(agent_id, month) -> days worked, where the values say so: a column `days`, or rows by day."""
    own = values[values["agent_id"].notna()]
    parts = []
    if "day" in own and own["day"].notna().any():
        daily = own.dropna(subset=["day"])
        daily = daily.assign(month=pd.to_datetime(daily["day"]).dt.strftime("%Y-%m"))
        parts.append(daily.groupby(["agent_id", "month"])["day"].nunique())
    if "days" in own and "month" in own:  # said, and so before counted: a day off has a row too
        parts.append(own.dropna(subset=["month", "days"]).groupby(["agent_id", "month"])["days"].max())
    return {key: float(days) for part in parts for key, days in part.items()}


def _people(months: pd.DataFrame, month: str) -> pd.DataFrame:
    """PERSON: everybody with a value in the months that are scored, with the newest level of the month."""
    rows = months[months["month"] == month] if month else months
    if rows.empty:
        found = ", ".join(sorted(months["month"].unique()))
        raise CsperfError(Problem("--month", say("run.no_such_month", month=month, months=found)))
    keys = [name for name in PERSON if name != "level"]
    return rows.groupby(keys, dropna=False)["level"].last().reset_index()[PERSON]


def _weighted(people: pd.DataFrame, weights: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The people whose role has weights, and what to say of the others; CsperfError where nobody's has."""
    without = [role for role in people["role"].unique() if own_weights(weights, role).empty]
    said = [
        say(
            "scores.role_without_weights",
            role=role_word(role),
            n=people.loc[people["role"] == role, "agent_id"].nunique(),
        )
        for role in without
    ]
    kept = people[~people["role"].isin(without)]
    if kept.empty:
        raise CsperfError([Problem(say("scores.weights"), sentence) for sentence in said])
    return kept, said


def _chances(months: pd.DataFrame) -> Iterator[Chance]:
    """What chance did to each metric of each role."""
    for _key, rows in months[months["left_out"].isna()].groupby(["metric", "role", "shop_id"], dropna=False):
        yield chance(rows)


def _adjusted(rows: Chance) -> pd.DataFrame:
    return pd.DataFrame({"adjusted": rows.adjusted}, index=rows.index)


def _parts(
    people: pd.DataFrame, months: pd.DataFrame, aimed: pd.DataFrame, weights: pd.DataFrame, settings: ScoreSettings
) -> pd.DataFrame:
    """PARTS, with `cell`: the row of the months that a part came from (null: none)."""
    asked = pd.concat([_asked(own, weights) for _role, own in people.groupby("role")], ignore_index=True)
    known = months.assign(cell=months.index)
    known = known[["shop_id", "agent_id", "role", "month", "metric", "value", "adjusted", "n", "left_out", "cell"]]
    rows = asked.merge(known, how="left", on=["shop_id", "agent_id", "role", "month", "metric"])
    aimed = aimed.assign(at=aimed["level"].fillna(""))[["role", "at", "metric", *LINES, "grade"]]
    rows = rows.assign(at=rows["level"].fillna("")).merge(aimed, how="left", on=["role", "at", "metric"])
    rows = rows.assign(left_out=rows["left_out"].where(rows["cell"].notna(), "missing"))
    rows = rows.assign(left_out=rows["left_out"].where(rows["target"].notna(), "no_target"))
    rows = rows.assign(**{name: pd.to_numeric(rows[name]).astype(float) for name in LINES})
    rows = pd.concat([_with_points(str(metric), own, settings) for metric, own in rows.groupby("metric", sort=False)])
    rows = rows.sort_index()
    present = rows["weight"].where(rows["left_out"].isna(), 0.0)
    total = present.groupby([rows[name] for name in PERSON], dropna=False).transform("sum")
    used = (100 * present / total.where(total > 0)).where(rows["left_out"].isna())
    return rows.assign(weight_used=used, contribution=rows["points"] * used / 100)


def _asked(people: pd.DataFrame, weights: pd.DataFrame) -> pd.DataFrame:
    """Everybody of one role x the metrics the role is scored by."""
    own = own_weights(weights, people["role"].iloc[0]).reset_index()
    return people.merge(own, how="cross")


def _with_points(metric: str, rows: pd.DataFrame, settings: ScoreSettings) -> pd.DataFrame:
    lines = Aims.shown(metric, *(rows[name].to_numpy() for name in LINES))
    counts = rows["left_out"].isna()
    shown = as_shown(metric, rows["value"].to_numpy(float))
    adjusted = rows["adjusted"].to_numpy(float)
    points = {"points": shown, "points_adjusted": adjusted}
    worth = {name: pd.Series(lines.points(value, settings), rows.index).where(counts) for name, value in points.items()}
    return rows.assign(value=shown, **worth)


class _Spread:
    """Scores as they might have come out: of other months as large as this one, and of what lies behind this one."""

    def __init__(self, parts: pd.DataFrame, luck: Iterable[Chance], settings: ScoreSettings) -> None:
        of = parts.groupby(PERSON, sort=False, dropna=False).ngroup().to_numpy()
        self.groups = [np.flatnonzero(of == person) for person in range(of.max() + 1)]
        self.repeats, self.truths = (np.zeros((settings.draws, len(self.groups))) for _what in range(2))
        rng = np.random.default_rng(settings.seed)
        for rows in luck:
            drawn = {"repeats": rows.repeats(rng, settings.draws), "truths": rows.truths(rng, settings.draws)}
            own = parts[parts["cell"].isin(rows.index) & parts["left_out"].isna()]
            if own.empty:
                continue
            at, places = (
                rows.index.get_indexer(own["cell"].astype(rows.index.dtype)),
                parts.index.get_indexer(own.index),
            )
            lines = Aims.shown(own["metric"].iloc[0], *(own[name].to_numpy() for name in LINES))
            for name, values in drawn.items():
                worth = lines.points(values[:, at], settings) * own["weight_used"].to_numpy() / 100
                np.add.at(getattr(self, name).T, of[places], worth.T)


def _scores(parts: pd.DataFrame, spread: _Spread, held: set[tuple[str, str]], settings: ScoreSettings) -> pd.DataFrame:
    """One row per person and month; the index is its place among the groups of the parts."""
    rows = [_score(parts.iloc[group], held, settings) for group in spread.groups]
    found = pd.DataFrame(rows)
    scored = found["score"].notna().to_numpy()
    tail = (1 - settings.likely) / 2
    limit = np.where(found["capped"], settings.cap, np.inf)
    low, high = np.minimum(np.quantile(spread.repeats, [tail, 1 - tail], axis=0), limit)
    found["score_low"] = np.where(scored, np.fmin(low, found["score"]), np.nan)
    found["score_high"] = np.where(scored, np.fmax(high, found["score"]), np.nan)
    unknown = np.isnan(spread.repeats).any(axis=0)
    found.loc[unknown, ["score_low", "score_high"]] = np.nan
    found["band"] = pd.Series(_bands(found, np.minimum(spread.truths, limit), settings), dtype=object)
    each = [name for name in found if name not in (*HEAD, *TAIL)]
    return found[[*HEAD, *each, *TAIL]].sort_values(["month", "role", "agent_id"], kind="stable")


def _score(own: pd.DataFrame, held: set[tuple[str, str]], settings: ScoreSettings) -> dict[str, Any]:
    """A person's month: score, coefficient and the columns of every metric."""
    first = own.iloc[0]
    counts = own["left_out"].isna()
    present = float(own.loc[counts, "weight"].sum()) / 100
    scored = present >= settings.least_weight - 1e-9 and bool(counts.any())
    caps = (first["agent_id"], first["month"]) in held
    totals = {"score": "points", "score_adjusted": "points_adjusted"}
    row: dict[str, Any] = {name: None if pd.isna(first[name]) else first[name] for name in PERSON}
    for name, points in totals.items():
        total = round(float((own[points] * own["weight_used"] / 100).sum()), 10)
        row[name] = (min(total, settings.cap) if caps else total) if scored else np.nan
    paid = _pay_score(own, settings)
    row["pay_score"] = (min(paid, settings.cap) if caps else paid) if scored else np.nan
    row |= {"capped": caps, "coefficient": coefficient(row["pay_score"], settings)}
    row |= {"weight_present": present, "status": "" if scored else _status(own)}
    for part in own.itertuples():
        row |= {f"{part.metric}_{name}": getattr(part, column) for name, column in EACH.items()}
    return row


def _pay_score(own: pd.DataFrame, settings: ScoreSettings) -> float:
    """The score of the metrics that pay goes by: those on trial or for reference give their weight to the others.

    Null where the others are too little of the weight to go by.
    """
    paid = own[own["left_out"].isna() & ~own["grade"].isin(UNPAID)]
    if paid.empty or paid["weight"].sum() / 100 < settings.least_weight - 1e-9:
        return np.nan
    return round(float((paid["points"] * paid["weight"]).sum() / paid["weight"].sum()), 10)


def coefficient(score: float, settings: ScoreSettings) -> float:
    """绩效系数 of a score as people read it: a hundredth of it within its limits, 0 below 40, null without score."""
    if np.isnan(score):
        return np.nan
    shown = np.floor(score * 10**SHOWN + 0.5 + 1e-9) / 10**SHOWN
    if shown < settings.no_coefficient_below:
        return 0.0
    return round(float(np.clip(shown / 100, settings.coefficient_low, settings.coefficient_high)), 4)


def _status(own: pd.DataFrame) -> str:
    """Why somebody is not scored."""
    for reason, status in (("new", "NEW"), ("part_month", "PART_MONTH")):
        if (own["left_out"] == reason).any():
            return status
    return "THIN"


def _bands(found: pd.DataFrame, truths: Array, settings: ScoreSettings) -> list[str | None]:
    """above, level or below within a role and month; level where too few are there to tell; null if not scored."""
    band: list[str | None] = [None] * len(found)
    for _key, rows in found[found["score"].notna()].groupby(["shop_id", "role", "month"], dropna=False):
        side = np.full(len(rows), LEVEL_WITH)
        if len(rows) >= settings.few:
            side = placed(truths[:, rows.index])[2]
        for at, one in zip(rows.index, side, strict=True):
            band[at] = BANDS[int(one)]
    return band


def _notices(parts: pd.DataFrame, weights: pd.DataFrame, aimed: pd.DataFrame, held: pd.DataFrame) -> Iterator[str]:
    """What to know of these scores: identities, too many metrics, targets on trial, events that do not cap."""
    yield from dict.fromkeys(check_consistency(aimed)["said"])
    for role in parts["role"].unique():
        count = len(own_weights(weights, role))
        if count > TOO_MANY:
            yield say("scores.many_metrics", n=count, most=TOO_MANY)
    trials = sorted(aimed.loc[aimed["grade"] == "trial", "metric"].unique())
    if trials:
        named = say("scores.and").join(entry(metric).name(ui_language()) for metric in trials)
        yield say("scores.on_trial", metrics=named)
    levelless = sorted(parts.loc[parts["level"].isna() & parts["role"].isin(_split(aimed)), "agent_id"].unique())
    if levelless:
        yield say("scores.whole_role", agents=", ".join(levelless))
    for event in held[held["why"].notna() & held["kind"].isin(KINDS)].itertuples():
        yield say(f"scores.event_{event.why}", agent=event.agent_id, day=event.date)


def _steps(parts: pd.DataFrame, settings: ScoreSettings) -> Iterator[str]:
    """What steps cost: how many points one case more or less would have moved, and by how much at most."""
    if settings.rule != "step":
        return
    moved = [_by_one_case(str(metric), own, settings) for metric, own in parts.groupby("metric")]
    gaps = np.concatenate([gap for gap in moved if gap is not None] or [np.zeros(0)])
    if len(gaps):
        yield say("scores.steps_cost", near=int((gaps > 0).sum()), parts=len(gaps), most=f"{gaps.max():.0f}")


def _by_one_case(metric: str, rows: pd.DataFrame, settings: ScoreSettings) -> Array | None:
    """How far one case more or less would move the points of a share; null for other metrics."""
    own = rows[rows["left_out"].isna() & (rows["n"] > 0)]
    if entry(metric).kind != "rate" or own.empty:
        return None
    lines, value = Aims.shown(metric, *(own[name].to_numpy() for name in LINES)), own["value"].to_numpy()
    around = np.stack([as_shown(metric, value + sign / own["n"].to_numpy()) for sign in (-1, 1)])
    return np.asarray(np.abs(lines.points(around, settings) - lines.points(value, settings)).max(axis=0))


def _split(aimed: pd.DataFrame) -> set[str]:
    """Roles whose targets differ by level."""
    return set(aimed.loc[aimed["level"].notna(), "role"])
