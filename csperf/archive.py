"""绩效档案: what everybody reached in every frozen month, kept beside the settings; nothing in it changes any more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from .catalogue import entry
from .errors import CsperfError, Problem
from .export import write_table
from .papers import Signed
from .run import open_run
from .scoring import Scored, score_run
from .sheets import Block, Sheet, place
from .sheets.sheet import points
from .targets.register import Register, published
from .text import say
from .text.numbers import month_words, quantity
from .tidy import TABLES, read_tidy

COLUMNS = [column.name for column in TABLES["results"]]
SHOWN = 6  # months of the table of metrics
SAME = 1e-9
DIGITS = 10  # no noise of floats in a file that people read


@dataclass(frozen=True, eq=False)
class Archive:
    """A shop's file. rows: COLUMNS; a row for each person and month without metric, and one for each metric."""

    path: Path
    rows: pd.DataFrame

    def with_month(self, fresh: pd.DataFrame, register: Register) -> Archive:
        """The archive with a month's rows; nothing is written yet.

        CsperfError where the month is frozen and was kept with other figures.
        """
        month = fresh["month"].iloc[0]
        old = self.rows[self.rows["month"] == month]
        if len(old) and register.frozen(month):
            if not _same(old, fresh):
                raise CsperfError(Problem(str(self.path), say("papers.archive_changed", month=month)))
            return self
        rows = pd.concat([self.rows[self.rows["month"] != month], fresh]) if len(self.rows) else fresh
        return replace(self, rows=rows.sort_values("month", kind="stable", ignore_index=True))

    def save(self) -> Path:
        """The path written, whole or not at all."""
        return write_table(self.rows, self.path, excel=True)

    def of(self, agent: str) -> pd.DataFrame:
        """The rows of one person, oldest first; CsperfError names who is there where that person is not."""
        rows = self.rows[self.rows["agent_id"] == agent]
        if rows.empty:
            known = say("papers.and").join(sorted(self.rows["agent_id"].unique())) or "–"
            raise CsperfError(Problem("--agent", say("papers.not_archived", agent=agent, known=known)))
        return rows.reset_index(drop=True)


def archive_path(folder: Path, shop: str) -> Path:
    """Where a shop keeps its results."""
    return folder / f"{shop}.results.csv"


def read_archive(path: Path) -> Archive:
    """What the file holds; nothing where there is none. CsperfError with every cell at fault."""
    rows = read_tidy(path, "results").reindex(columns=COLUMNS) if path.is_file() else pd.DataFrame(columns=COLUMNS)
    return Archive(path, rows)


def archived(params_file: Path, register: Register, month: str) -> Archive | None:
    """The shop's archive with the month's results; null where no targets were published for it: nobody was scored."""
    if published(register, month).empty:
        return None
    run = open_run(params_file, month=month)
    archive = read_archive(archive_path(run.params.folder, run.params.shop))
    return archive.with_month(results(score_run(run)), register)


def results(scored: Scored) -> pd.DataFrame:
    """The month's rows of an archive: COLUMNS."""
    totals = scored.now().assign(metric=None)
    parts = scored.parts()
    rows = pd.concat([totals.reindex(columns=COLUMNS), parts.reindex(columns=COLUMNS)], ignore_index=True)
    rows = rows.assign(name=rows["agent_id"].map(scored.names), total=rows["metric"].notna())
    rows = rows.sort_values(["agent_id", "role", "total"], kind="stable", ignore_index=True)
    rows = rows.round(DIGITS)
    return rows[COLUMNS].astype(object).where(rows[COLUMNS].notna(), None)


def _same(old: pd.DataFrame, fresh: pd.DataFrame) -> bool:
    """Whether two versions of a month are the same figures, whatever a file makes of their types."""
    numbers = [column.name for column in TABLES["results"] if column.read.__name__ == "number"]
    keys = ["agent_id", "role", "metric"]
    one, other = (rows.assign(metric=rows["metric"].fillna("")).set_index(keys)[numbers] for rows in (old, fresh))
    one, other = (rows.apply(pd.to_numeric).sort_index() for rows in (one, other))
    if not one.index.equals(other.index) or not one.isna().equals(other.isna()):
        return False
    return bool(((one - other).abs().fillna(0) <= SAME).all(axis=None))


# One person ---------------------------------------------------------------------------------------------------------


def record(archive: Archive, agent: str, register: Register, signed: Signed, *, shop: str, lang: str = "zh") -> Sheet:
    """The page of one person: every kept month, the metrics of the last ones, what is made good of frozen months."""
    rows = archive.of(agent)
    last = rows.iloc[-1]
    name = agent if pd.isna(last["name"]) else str(last["name"])
    blocks = [_months(rows, signed, lang), _metrics(rows, lang), *_corrections(register, {agent, name}, lang)]
    return Sheet(
        lang,
        say("papers.archive_title", lang, name=name),
        (shop, *place(last["role"], last["level"], lang)),
        (say("papers.archive_kept", lang, n=rows["month"].nunique()),),
        tuple(blocks),
        (say("papers.archive_footer", lang),),
    )


def _months(rows: pd.DataFrame, signed: Signed, lang: str) -> Block:
    heads = ("month", "score", "coefficient", "band", "signed")
    totals = rows[rows["metric"].isna()].iloc[::-1]
    cells = [
        (
            month_words(row.month, lang),
            points(row.score) if pd.notna(row.score) else say(f"scores.status_{row.status}", lang),
            "" if pd.isna(row.coefficient) else f"{row.coefficient:.3f}",
            "" if pd.isna(row.band) else say(f"sheets.head_band_{row.band}", lang),
            _state(signed, row.month, row.agent_id, lang),
        )
        for row in totals.itertuples()
    ]
    return Block(
        say("papers.archive_months", lang), tuple(say(f"papers.archive_{head}", lang) for head in heads), tuple(cells)
    )


def _state(signed: Signed, month: str, agent: str, lang: str) -> str:
    now = signed.now(month, "results")
    states = now.loc[now["agent_id"] == agent, "state"]
    return say(f"papers.state_{states.iloc[0]}", lang) if len(states) else ""


def _metrics(rows: pd.DataFrame, lang: str) -> Block:
    """The values of the last months, a line for each metric, with the cases behind them."""
    months = sorted(rows["month"].unique())[-SHOWN:]
    parts = rows[rows["metric"].notna()]
    cells = [_values(str(metric), own, months, lang) for metric, own in parts.groupby("metric", sort=False)]
    heads = (say("sheets.head_metric", lang), *(month_words(month, lang) for month in months))
    return Block(say("papers.archive_metrics", lang), heads, tuple(cells), say("papers.archive_metrics_note", lang))


def _values(metric: str, own: pd.DataFrame, months: Sequence[str], lang: str) -> tuple[str, ...]:
    unit = entry(metric).unit
    known = {
        row.month: f"{quantity(row.value, unit, lang)} ({row.n:.0f})"
        if pd.notna(row.n)
        else quantity(row.value, unit, lang)
        for row in own.itertuples()
        if pd.notna(row.value)
    }
    return (entry(metric).name(lang), *(known.get(month, "") for month in months))


def _corrections(register: Register, who: set[str], lang: str) -> Iterator[Block]:
    """补差: what was found after a month was frozen, and in which month it is made good."""
    events = [e for e in register.events if e.act == "correct" and e.valid_from and who & set(e.agents.split())]
    if events:
        cells = [(month_words(e.about.removeprefix("M"), lang), f"{e.valid_from:%Y-%m}", e.reason) for e in events]
        heads = tuple(say(f"papers.archive_{head}", lang) for head in ("month", "made_good", "why"))
        yield Block(say("papers.archive_corrections", lang), heads, tuple(cells))
