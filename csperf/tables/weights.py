"""What counts for how much? Weights with their sources, raters' rounds, simple correlations, candidates kept or not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..catalogue import entry
from ..stats.experts import critic, entropy
from ..text import say
from ..text.numbers import MISSING, number
from ..weights import Weighing
from ..weights.opinion import ROUND_COLUMNS
from ..weights.simple import COLUMNS
from ..weights.simple import correlations as simple
from ..weights.simple import how_sure as widths
from .table import Table, laid_out

SIDES = ("data_weight", "expert_weight", "starter_weight")


def weights(weighings: Sequence[Weighing], *, lang: str = "zh") -> Table:
    """The weights of every role, what each side says, and why a metric is not scored; what they rest on below."""
    frame = pd.concat([one.weights for one in weighings], ignore_index=True)
    shown = _named(frame, lang)
    shown.insert(0, say("tables.role", lang), [_role(role, lang) for role in frame["role"]])
    shown[say("weights.weight", lang)] = [number(w, "count") if w else MISSING for w in frame["weight"]]
    for side in SIDES:
        shown[say(f"weights.{side}", lang)] = [number(value, "points") for value in frame[side]]
    ranges = zip(frame["low"], frame["high"], strict=True)
    shown[say("weights.weight_range", lang)] = [_range(low, high, 0) for low, high in ranges]
    shown[say("tables.remark", lang)] = [_codes(status, lang) for status in frame["status"]]
    scored = int((frame["weight"] > 0).sum())
    title = say("weights.table_weights", lang, n=scored, roles=len(weighings), watched=len(frame) - scored)
    notes = [
        say("weights.of_role", lang, role=_role(one.role, lang), said=said) for one in weighings for said in one.said
    ]
    gt = laid_out("weights", shown, title, lang, group="role", stub="metric", notes=notes, text=("remark",))
    return Table("weights", frame, gt)


def correlations(weighing: Weighing, *, lang: str = "zh") -> Table:
    """Each metric beside the outcome: as it stands, and with months, shifts and levels taken out."""
    cells = weighing.cells
    found = simple(cells, weighing.evidence) if cells is not None else pd.DataFrame(columns=COLUMNS)
    shown = _named(found, lang)
    shown[say("weights.r", lang)] = [_figure(r) for r in found["r"]]
    shown[say("weights.r_range", lang)] = [_range(*pair, 2) for pair in zip(found["low"], found["high"], strict=True)]
    adjusted = zip(found["adjusted_low"], found["adjusted_high"], strict=True)
    shown[say("weights.adjusted_r", lang)] = [_figure(r) for r in found["adjusted"]]
    shown[say("weights.adjusted_range", lang)] = [_range(*pair, 2) for pair in adjusted]
    if found["wrong"].any():  # a column of nothing would look like one that was forgotten
        shown[say("tables.remark", lang)] = [say("weights.code_WRONG_SIGN", lang) if w else "" for w in found["wrong"]]
    title = say("weights.table_correlations", lang, n=len(found), people=int(found["n"].max()) if len(found) else 0)
    notes = [say("weights.correlations_note", lang)]
    gt = laid_out("correlations", shown, title, lang, stub="metric", notes=notes, text=("remark",))
    return Table("correlations", found, gt)


def how_sure(*, lang: str = "zh") -> Table:
    """Where a correlation of .8 may truly lie, by how many months it comes from."""
    frame = widths()
    shown = pd.DataFrame({say("weights.months_behind", lang): [number(n, "count") for n in frame["n"]]})
    shown[say("weights.r", lang)] = [_figure(r) for r in frame["r"]]
    shown[say("weights.r_range", lang)] = [_range(*pair, 2) for pair in zip(frame["low"], frame["high"], strict=True)]
    twelve = frame[frame["n"] == 12].iloc[0]
    title = say("weights.table_how_sure", lang, low=_figure(twelve["low"]), high=_figure(twelve["high"]))
    return Table("how_sure", frame, laid_out("how_sure", shown, title, lang))


def cross_checks(weighing: Weighing, *, lang: str = "zh") -> Table:
    """Other ways of computing, to compare only: LMG, Johnson, |r|; CRITIC and entropy, which never see an outcome."""
    cells, evidence = weighing.cells, weighing.evidence
    metrics = list(cells.metrics) if cells is not None and evidence is not None else []
    frame = pd.DataFrame({"metric": metrics})
    if cells is not None and evidence is not None and metrics:
        spread = cells.x - cells.x.min(axis=0)
        alone = np.abs(evidence.simple) / max(np.abs(evidence.simple).sum(), 1e-12)
        parts = {"ridge": evidence.weights, "lmg": evidence.lmg, "johnson": evidence.johnson, "alone": alone}
        parts |= {"critic": critic(cells.x), "entropy": entropy(spread)}
        frame = frame.assign(**{name: 100 * part for name, part in parts.items()}, vif=evidence.vif)
    shown = _named(frame, lang)
    for column in frame.columns[1:]:
        shown[say(f"weights.{column}", lang)] = [number(value, "points") for value in frame[column]]
    title = say("weights.cross_checks", lang, n=len(metrics))
    gt = laid_out("cross_checks", shown, title, lang, stub="metric", notes=[say("weights.why_critic", lang)])
    return Table("cross_checks", frame, gt)


def raters(weighing: Weighing, *, lang: str = "zh") -> Table:
    """The raters' rounds: middle and middle half of each metric's points, how many moved, how far they agree."""
    opinion = weighing.opinion
    frame = pd.DataFrame(columns=ROUND_COLUMNS) if opinion is None else opinion.rounds
    shown = _named(frame, lang)
    shown.insert(0, say("tables.round", lang), [number(n, "count") for n in frame["round"]])
    shown[say("weights.median", lang)] = [number(value, "points") for value in frame["median"]]
    shown[say("weights.middle_half", lang)] = [_range(*p, 0) for p in zip(frame["low"], frame["high"], strict=True)]
    shown[say("weights.moved", lang)] = [number(n, "count") for n in frame["moved"]]
    shown[say("weights.agreement", lang)] = [_figure(w) for w in frame["w"]]
    slots = {"raters": 0 if opinion is None else opinion.raters, "rounds": frame["round"].nunique()}
    title = say("weights.table_raters" if opinion else "weights.no_raters", lang, **(slots if opinion else {}))
    notes = [say("weights.raters_note", lang)]
    return Table("raters", frame, laid_out("raters", shown, title, lang, group="round", stub="metric", notes=notes))


def screening(frame: pd.DataFrame, *, lang: str = "zh") -> Table:
    """The candidates: importance, feasibility and its parts, how firmly they are kept, what becomes of each and why."""
    shown = _named(frame, lang)
    shown.insert(0, say("tables.role", lang), [_role(role, lang) for role in frame["role"]])
    for column in ("importance", "feasibility", "availability", "reliability", "kept_share"):
        shown[say(f"weights.{column}", lang)] = [number(value, "share") for value in frame[column]]
    shown[say("weights.decision", lang)] = [say(f"weights.decision_{d}", lang) for d in frame["decision"]]
    shown[say("tables.remark", lang)] = [say(f"weights.kept_{r}", lang) if r else "" for r in frame["reason"]]
    counts = {name: int((frame["decision"] == name).sum()) for name in ("score", "borderline", "out")}
    title = say("weights.table_screening", lang, n=len(frame), kept=len(frame) - counts["out"], **counts)
    notes = [say("weights.screening_note", lang)]
    gt = laid_out("screening", shown, title, lang, group="role", stub="metric", notes=notes, text=("remark",))
    return Table("screening", frame, gt)


def _named(frame: pd.DataFrame, lang: str) -> pd.DataFrame:
    return pd.DataFrame({say("tables.metric", lang): [getattr(entry(metric), lang) for metric in frame["metric"]]})


def _role(role: object, lang: str) -> str:
    return say(f"tables.role_{'both' if role is None or role != role else role}", lang)


def _figure(r: float) -> str:
    return MISSING if pd.isna(r) else f"{r:.2f}"


def _range(low: float, high: float, digits: int) -> str:
    return MISSING if pd.isna(low) else f"{low:.{digits}f} – {high:.{digits}f}"


def _codes(status: str, lang: str) -> str:
    """What is to be known of one metric, in words; codes that hold for all of them stand below the table."""
    plain = ("WRONG_SIGN", "OBSERVED", "CONSTANT", "RELIABILITY", "NOT_RATED", "NOT_MEASURED", "TANGLED")
    short = ("REDUNDANT", "TWO_SPEED", "COVERAGE")
    keys = {code: f"weights.code_{code}" for code in plain} | {code: f"weights.kept_{code}" for code in short}
    return say("weights.join", lang).join(say(keys[code], lang) for code in status.split(";") if code in keys)
