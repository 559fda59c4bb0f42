"""Weights in words: what is said of a set of them, of one metric, and of metrics that are tied by their formulas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from ..catalogue import ENTRIES
from ..identities import products
from ..stats.importance import distance
from ..text import say, ui_language
from .cells import Cells
from .evidence import CROSS_CHECK, TANGLED, Evidence
from .opinion import Opinion
from .settings import COMFORTABLE, POOL, WeightSettings
from .starter import templates

REASONS = 5  # on each side, why more than twelve metrics are too many


def check_identities(weights: pd.DataFrame) -> pd.DataFrame:
    """Metrics with weight of which two give the third (metric, weight; role): metrics, points, said; a row for each.

    Scoring all three counts one twice: 65 of 100 points of the 2010 scorecard sit on three numbers of which two are
    free.
    """
    rows = []
    for _role, own in weights.groupby(weights["role"] if "role" in weights else np.zeros(len(weights)), dropna=False):
        points = own[own["weight"] > 0].set_index("metric")["weight"]
        found = {frozenset(product): product for product in products(points.index)}
        for product in found.values():
            total = float(points[list(product)].sum())
            names = {part: named(key) for part, key in product._asdict().items()}
            rows.append((";".join(product), total, say("weights.identity", points=f"{total:g}", **names)))
    return pd.DataFrame(rows, columns=["metrics", "points", "said"])


def named(metric: str) -> str:
    """What the metric, or a user's own column, is called in the language of messages."""
    return ENTRIES[metric].name(ui_language()) if metric in ENTRIES else metric


def row_notes(
    frame: pd.DataFrame,
    screens: pd.DataFrame,
    cells: Cells | None,
    evidence: Evidence | None,
    opinion: Opinion | None,
    codes: Mapping[str, tuple[str, str]],
) -> tuple[list[str], list[str]]:
    """What is to be known of each metric, in words, and as codes joined by semicolons."""
    whole = [
        *(evidence.codes if evidence else ()),
        *(opinion.codes if opinion else ()),
        *(cells.notes if cells else ()),
    ]
    if cells is not None and evidence is None:
        whole.append("WEIGHTS_NO_SIGNAL" if _flat(cells) else "WEIGHTS_THIN")
    notes, status = [], []
    for metric in frame["metric"]:
        own = dict(_codes(metric, screens, cells, evidence, opinion, codes))
        status.append(";".join([*own, *whole]))
        words = say("weights.join").join(say(f"weights.code_{code}", **slots) for code, slots in own.items())
        notes.append(say("weights.whole", said=words) if words else "")
    return notes, status


def _codes(
    metric: str,
    screens: pd.DataFrame,
    cells: Cells | None,
    evidence: Evidence | None,
    opinion: Opinion | None,
    codes: Mapping[str, tuple[str, str]],
) -> Iterator[tuple[str, dict[str, str]]]:
    """Codes of one metric with the slots of their words."""
    if cells is not None and metric in screens.index and pd.notna(screens.loc[metric, "left_out"]):
        screen = screens.loc[metric]
        yield screen["left_out"], {"coverage": f"{screen['coverage']:.0%}"}
    if cells is not None and evidence is not None and metric in cells.metrics:
        place = cells.metrics.index(metric)
        if evidence.wrong[place]:
            yield "WRONG_SIGN", {}
        if evidence.vif[place] > TANGLED:
            yield "TANGLED", {}
    if opinion is not None and metric not in opinion.metrics:
        yield "NOT_RATED", {}
    if metric not in screens.index:
        yield "NOT_MEASURED", {}
    if metric in codes:
        code, other = codes[metric]
        yield code, {"other": named(other)} if other else {}


def sentences(
    frame: pd.DataFrame,
    verdict: str,
    part: float,
    outcome: str,
    asked: bool,
    cells: Cells | None,
    evidence: Evidence | None,
    opinion: Opinion | None,
    missing: list[str],
    starter: bool,
    settings: WeightSettings,
) -> list[str]:
    """What there is to say of a set of weights, what it rests on first."""
    led = opinion is not None and opinion.weights is not None
    said = [
        *_data_said(part, outcome, asked, cells, evidence, led),
        *(_experts_said(opinion, settings) if opinion else ()),
    ]
    if verdict == "STARTER":
        said.append(say("weights.starter", since=templates().since))
    if not led:
        said += [_missing_said(missing)] if missing and starter else []
        apart = missing and starter and outcome in ENTRIES
        said += [say("weights.outcome_apart", metric=named(outcome))] if apart else []
        said += [] if starter else [say("weights.equal")]
    said += _metrics_said(cells, evidence, outcome)
    said += check_identities(frame)["said"].tolist()
    n_scored = int((frame["weight"] > 0).sum())
    said += [say("weights.many_scored", n=n_scored)] if n_scored > COMFORTABLE else []
    said += [too_many(len(frame))] if len(frame) > POOL[1] else []
    return said


def too_many(count: int) -> str:
    """Why so many candidate metrics are too many: the ten reasons, five of each side."""
    join = say("weights.join")
    sides = {
        side: join.join(say(f"weights.many_{side}_{i}") for i in range(1, REASONS + 1))
        for side in ("staff", "managers")
    }
    return say("weights.many_metrics", n=count, **sides)


def _data_said(
    part: float, outcome: str, asked: bool, cells: Cells | None, evidence: Evidence | None, led: bool
) -> Iterator[str]:
    """What the data may and may not say."""
    if not asked:
        return
    name, since = named(outcome) or say("weights.outcome"), templates().since
    if cells is not None and _flat(cells):
        yield say("weights.outcome_flat", outcome=name, cells=len(cells.y))
        return
    if evidence is None:
        counts = (len(np.unique(cells.agent)), len(np.unique(cells.month))) if cells else (0, 0)
        yield say("weights.too_few_cells", outcome=name, agents=counts[0], months=counts[1])
        return
    numbers = {"agents": evidence.agents, "months": evidence.months, "points": f"{100 * evidence.instability:.0f}"}
    nothing = not np.nansum(evidence.weights)
    if "WEIGHTS_THIN" in evidence.codes and not nothing:
        yield (
            say("sentences.weights_refused", **numbers)
            if led
            else say("weights.refused_starter", **numbers, since=since)
        )
    elif "WEIGHTS_NO_SIGNAL" in evidence.codes:
        slots = {"outcome": name}
        yield (
            say("sentences.weights_no_signal", **slots)
            if led
            else say("weights.no_signal_starter", **slots, since=since)
        )
    elif "WEIGHTS_UNSTABLE" in evidence.codes:
        yield say("weights.unstable", **numbers) if led else say("weights.unstable_starter", **numbers, since=since)
    else:
        yield from _shared_said(part, name, evidence, led)


def _flat(cells: Cells) -> bool:
    """Whether the outcome is the same everywhere."""
    return len(cells.y) > 1 and cells.shown["outcome"].nunique() < 2


def _shared_said(part: float, outcome: str, evidence: Evidence, led: bool) -> Iterator[str]:
    """How much of the weights the data make up, and how far each may be off."""
    slots = {"data": f"{part:.0%}", "half_width": f"{evidence.half_width:.0f}", "outcome": outcome}
    slots["experts"] = f"{1 - part:.0%}"
    if evidence.gate == "indicative":
        yield say("sentences.weights_indicative" if led else "weights.indicative_starter", **slots)
    else:
        yield say("sentences.weights_data" if led else "weights.data_starter", **slots)
    yield say("weights.gain")
    apart = distance(evidence.weights, evidence.lmg)
    if apart > CROSS_CHECK:
        yield say("weights.methods_differ", points=f"{100 * apart:.0f}")


def _experts_said(opinion: Opinion, settings: WeightSettings) -> Iterator[str]:
    """How many raters there are, how far they agree, and what to do where they do not."""
    if "AHP_INCONSISTENT" in opinion.codes:
        yield say("weights.ahp_inconsistent")
    if opinion.weights is None:
        (count_one, one), (count_other, other) = opinion.camps
        camps = {"one": named(one), "other": named(other), "count_one": count_one, "count_other": count_other}
        yield say("sentences.delphi_split", **camps)
        yield say("weights.split_starter", since=templates().since)
        return
    how = "mean" if opinion.raters >= settings.full_procedure else "median"
    agree = "unknown" if np.isnan(opinion.w) else "well" if opinion.w >= settings.agreed else "partly"
    words = {"how": say(f"weights.how_{how}"), "agree": say(f"weights.agree_{agree}")}
    yield say("weights.experts", raters=opinion.raters, **words)
    if "RATERS_FEW" in opinion.codes:
        yield say("weights.raters_few", raters=opinion.raters)
    elif not opinion.rounds["stop"].iloc[-1]:
        yield say("weights.another_round")


def _metrics_said(cells: Cells | None, evidence: Evidence | None, outcome: str) -> Iterator[str]:
    """Wrong signs, metrics that say the same, people without level."""
    if cells is None or evidence is None:
        return
    for metric, wrong in zip(cells.metrics, evidence.wrong, strict=True):
        if wrong:
            yield say("sentences.wrong_sign", metric=named(metric), outcome=named(outcome) or say("weights.outcome"))
    for cluster in np.unique(evidence.cluster):
        alike = [named(m) for m, own in zip(cells.metrics, evidence.cluster, strict=True) if own == cluster]
        for other in alike[1:]:
            yield say("sentences.redundant", one=alike[0], other=other)
    if "LEVEL_MISSING" in cells.notes:
        yield say("weights.level_missing", agents=cells.unlevelled)


def _missing_said(parts: list[str]) -> str:
    words = say("weights.comma").join(say(f"weights.part_{part}") for part in parts)
    return say("weights.starter_missing", parts=words)
