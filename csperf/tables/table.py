"""What a table is, and how words and figures stand in its cells."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from great_tables import GT, loc, style

from ..catalogue import entry
from ..mart import N_SMALL
from ..text import say, words
from ..text.numbers import MISSING, aligned, day_words, days_words, labelled, number

MIME = "application/vnd.csperf.table+json"
SHORT_LABEL = 16  # characters of a row's label that never break


@dataclass(frozen=True, eq=False, repr=False)
class Table:
    """The rows for a file (`frame`) and the same rows for the page (`gt`), under the name their file gets."""

    name: str
    frame: pd.DataFrame
    gt: GT

    def __repr__(self) -> str:
        return f"<Table {self.name}: {len(self.frame)} rows>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        rows = [[_plain(cell) for cell in row] for row in self.frame.itertuples(index=False)]
        data = {"name": self.name, "columns": [str(c) for c in self.frame.columns], "rows": rows}
        return {"text/html": self.gt.as_raw_html(), MIME: data}


def laid_out(
    name: str,
    shown: pd.DataFrame,
    title: str,
    lang: str,
    *,
    stub: str = "",
    group: str = "",
    notes: Sequence[str] = (),
    text: Sequence[str] = (),
) -> GT:
    """A table of words and formatted figures. `stub`, `group`, `text` name columns by their key in text/tables.yaml.

    `text` columns may break into lines; `notes` are sentences below the table.
    """
    word = {key: say(f"tables.{key}", lang) for key in (stub, group, *text) if key}
    # great_tables reads group and stub labels as they are, so nulls must be words by now.
    table = GT(shown, rowname_col=word.get(stub), groupname_col=word.get(group), id=f"table-{name}")
    figures = [c for c in shown.columns if c not in word.values() and _is_figures(shown[c])]
    table = table.cols_align("left").cols_align("right", columns=figures)
    wide, special = [word[key] for key in text if word[key] in shown], {word.get(stub), word.get(group)}
    narrow = [c for c in shown.columns if c not in special and c not in wide]
    table = table.tab_style(style.css("white-space: nowrap"), loc.body(columns=narrow))
    table = table.tab_style(style.css("min-width: var(--text, 9em)"), loc.body(columns=wide)) if wide else table
    if stub:
        short = shown[word[stub]].astype(str).str.len().max() <= SHORT_LABEL if len(shown) else True
        table = table.tab_style(style.css("white-space: nowrap" if short else "min-width: 11em"), loc.stub())
        table = table.tab_stubhead(word[stub])
    for note in notes:
        table = table.tab_source_note(note)
    return _styled(table.tab_header(title=title))


def _styled(table: GT) -> GT:
    return table.tab_options(
        table_font_size="14px",
        table_font_names=["system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif"],
        heading_align="left",
        heading_title_font_size="15px",
        heading_title_font_weight="600",
        data_row_padding="4px",
        row_group_font_weight="600",
        table_margin_left="0",
        container_overflow_y="visible",
    )


def in_words(frame: pd.DataFrame, lang: str, units: Mapping[str, str] | None = None) -> pd.DataFrame:
    """The frame with words for heads and cells; columns in `units` are figures of that unit."""
    units, shown = units or {}, pd.DataFrame(index=range(len(frame)))
    for column in frame.columns:
        head = labelled(say(f"tables.{column}", lang), units.get(column, "count"), lang)
        said = frame[column]
        cells = aligned(said, units[column]) if column in units else [cell(value, lang) for value in said]
        shown[head] = pd.Series(cells, dtype=object)
    return shown


def cell(value: object, lang: str) -> str:
    """One value as text: a dash for none, days and clock times as people write them."""
    if value is None or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if isinstance(value, pd.Timestamp) and (value.hour or value.minute or value.second):
        return f"{value:%H:%M:%S}"
    return day_words(value, lang) if isinstance(value, date) else str(value)


def metric_rows(frame: pd.DataFrame, columns: Sequence[str], lang: str, before: Sequence[str] = ()) -> pd.DataFrame:
    """Rows of metric x role: each metric's figures in its own unit, the role as group, the metric as stub."""
    known = [entry(metric) for metric in frame["metric"]]
    shown = pd.DataFrame({say("tables.metric", lang): [labelled(getattr(e, lang), e.unit, lang) for e in known]})
    shown.insert(0, say("tables.role", lang), [say(f"tables.role_{role}", lang) for role in frame["role"]])
    for column in before:
        whole = say("tables.all_levels", lang) if column == "level" else MISSING
        shown[say(f"tables.{column}", lang)] = [whole if pd.isna(v) else _level(v, lang) for v in frame[column]]
    for column in columns:
        figures = [number(value, e.unit) for value, e in zip(frame[column], known, strict=True)]
        shown[say(f"tables.{column}", lang)] = figures
    return shown


def value_n(figure: str, n: float | None) -> str:
    """ "81.2% (412)": a figure with its n; a dash where there is no figure."""
    cases = number(n, "count")
    return figure if MISSING in (figure, cases) else f"{figure} ({cases})"


def too_few(values: pd.DataFrame) -> pd.Series:
    """Rows whose n is too small for the value to mean anything; a count is what it is, however small."""
    counts = values["metric"].map({metric: entry(metric).kind == "count" for metric in values["metric"].unique()})
    return (values["note"] == N_SMALL) & ~counts.astype(bool)


def names(roster: pd.DataFrame) -> dict[str, str]:
    """agent_id -> name, the newest entry of the roster."""
    if roster is None or roster.empty:
        return {}
    return roster.sort_values("valid_from").groupby("agent_id")["name"].last().to_dict()


def who(agent_id: str, known: Mapping[str, str] | None) -> str:
    """The name of an agent, else the id."""
    return (known or {}).get(agent_id, agent_id)


def as_day(value: Any) -> date:
    """The day of whatever stands for one."""
    return pd.Timestamp(value).date()


def days_in_words(days: Sequence[date], lang: str) -> str:
    """10月3日、10月5日."""
    return say("tables.and", lang).join(days_words(days, lang))


def _is_figures(column: pd.Series) -> bool:
    """Whether most cells of a column are figures, with a unit of a few letters or none, or dashes: they stand right."""
    cells = column.astype(str)
    return bool(cells.str.fullmatch(r"[-+–\d.,%/ ()n=<*]*(\d ?[^\W\d]{1,4})?").mean() > 0.6)


def _level(value: object, lang: str) -> str:
    """A level's word where it is one of the usual three, else as the roster has it."""
    return words("tables", lang).get(f"level_{value}", cell(value, lang))


def _plain(value: object) -> object:
    """A cell as JSON knows it: null, number, text."""
    if value is None or (pd.api.types.is_scalar(value) and pd.isna(value)):
        return None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (bool, int, float, str)) else str(value)
