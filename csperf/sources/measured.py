"""A backend's table of its own values: wide rows of accounts become one row for each account, period and metric.

What a column means is data (`Form`, in formats/<platform>_service.yaml). Rows of totals are no accounts; rows of
peers are benchmarks.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from ..facts import INPUT
from . import decode
from .columns import EXCEL_EPOCH, EXCEL_SERIAL
from .figures import PENDING, SECONDS, Scale, number, said, scale_of
from .form import Form, Measure
from .loaded import Counts, Loaded, Notice, Shop, account_name, file_name, sha256
from .recognise import SUMMARY, Match, shared

PEERS = {"同行同层均值": "tier_mean", "同行同层优秀": "tier_excellent"}
# What depends on how long a period is says nothing about peers.
COMPARABLE = ("share", "time", "ratio", "mean")
DATE = re.compile(r"(?<!\d)(20\d\d)(?:[-_./年]?)(\d{1,2})(?:[-_./月]?)(\d{1,2})(?!\d)")
ROUNDING = 1e-9
FEW_CELLS = 3  # mismatches; fewer may be slips of the backend
UNITS_OF_BRACKETS = re.compile(r"\((秒|s|分钟|分|min|时|小时|h|元|%|件|人)\)$")
Period = tuple[dt.date, dt.date]


@dataclass(frozen=True)
class Column:
    """A measure as it stands in a file: the heading of its cell (empty: only its counts are there), its scale."""

    key: str
    measure: Measure
    heading: str
    scale: Scale
    counted: bool


@dataclass
class Melt:
    """What has become of the rows so far."""

    measured: list[dict] = field(default_factory=list)
    benchmarks: list[dict] = field(default_factory=list)
    rejects: list[dict] = field(default_factory=list)
    bad_cells: list[dict] = field(default_factory=list)
    filtered: dict[str, int] = field(default_factory=dict)
    mismatches: list[tuple[int, str, str, float]] = field(default_factory=list)
    uncounted: list[str] = field(default_factory=list)
    kept: int = 0

    def leave_out(self, name: str) -> None:
        self.filtered[name] = self.filtered.get(name, 0) + 1


@dataclass(frozen=True)
class Page:
    """One sheet of a file: its rows as (line, heading -> cell), where each heading stands, the period of the file."""

    form: Form
    key: str
    platform: str
    header: Mapping[str, int]
    rows: Sequence[tuple[int, Mapping[str, str]]]
    sheet: str | None
    period: Period | None
    file: str

    def find(self, wanted: Iterable[str]) -> str:
        """The first of the headings wanted that the file has, its unit left aside if need be; else empty."""
        bare = {UNITS_OF_BRACKETS.sub("", name): name for name in reversed(list(self.header))}
        for name in map(decode.normalised, wanted):
            found = name if name in self.header else bare.get(UNITS_OF_BRACKETS.sub("", name), "")
            if found:
                return found
        return ""

    def place(self, heading: str, line: int) -> str | None:
        """The cell as spreadsheets name it: L7."""
        return f"{_letters(self.header[heading])}{line}" if heading else None


def read(path: Path, match: Match, shop: Shop, *, definitions: str = "", period: str = "") -> Loaded:
    """The file's values as `measured` (and `benchmarks`), a row for each account, period and metric.

    The period of a row is that of its date cell, else `period` (`first..last`), else that of the lines above the
    header, else the first two dates in the file's name (one date is a day). CsperfError where none tells it.
    """
    form = match.format.measured
    assert form
    form = form.model_copy(update={"definitions": definitions}) if definitions else form
    with decode.open_sheet(path, sheet=match.header.sheet, header_row=match.header.line) as table:
        rows, header = list(_records(table)), dict(table.header)
    told = named_period(period) or _banner(path, match) or named_period(path.name)
    platform, sheet = match.format.platform, decode.sheet_name(path, match.header.sheet)
    page = Page(form, match.format.key, platform, header, rows, sheet, told, file_name(path, shop))
    if rows and not told and not page.find(form.day):
        raise decode.problem(path, "measured_no_period")
    found, used = Melt(), [page.find([name]) for name in form.headings]
    if form.metric:
        _by_line(page, found)
    else:
        used = _melt(page, found)
    return replace(_loaded(path, shop, page, found), recognised=match.recognised(used))


def _melt(page: Page, found: Melt) -> list[str]:
    """Takes in every row of a wide table; the headings that were used."""
    who, day = page.find(page.form.agent), page.find(page.form.day)
    columns = _columns(page, who, found)
    for line, cells in page.rows:
        _row(page, columns, who, day, line, cells, found)
    counts = [page.find([name]) for column in columns if column.counted for name in column.measure.counts]
    return [who, day, *(column.heading for column in columns), *counts]


def _banner(path: Path, match: Match) -> Period | None:
    """The period that the lines above the header tell in two dates."""
    for sheet, records in decode.first_records(path, match.header.line):
        above = [cell for line, cells in records if line < match.header.line for cell in cells if cell]
        if sheet == match.header.sheet and len(DATE.findall(" ".join(above))) > 1:
            return named_period(" ".join(above))
    return None


def named_period(name: str) -> Period | None:
    """The period that a text tells: its first two dates, or its one day; null without any."""
    found = [date for match in DATE.finditer(name) if (date := _date(*match.groups()))][:2]
    return (min(found), max(found)) if found else None


def _date(year: str, month: str, day: str) -> dt.date | None:
    try:
        return dt.date(int(year), int(month), int(day))
    except ValueError:
        return None


def _records(table: decode.Sheet) -> Iterator[tuple[int, dict[str, str]]]:
    names = list(table.header)
    for batch in table.batches(names):
        columns = [batch.column(2 + place).to_pylist() for place in range(len(names))]
        lines = batch.column("source_line").to_pylist()
        for line, *cells in zip(lines, *columns, strict=True):
            yield line, {name: _plain(cell) for name, cell in zip(names, cells, strict=True)}


def _plain(cell: str | None) -> str:
    """The cell without blanks, quotes and ="": how platforms keep spreadsheets from reading it."""
    return re.sub(r"""^(?:=")?['"]?|"$""", "", (cell or "").strip()).strip() if cell else ""


def _letters(place: int) -> str:
    """Column 0 is A, 26 is AA."""
    return (_letters(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)


# --------------------------------------------------------------------------------------------------------- columns


def _columns(page: Page, who: str, found: Melt) -> list[Column]:
    """The measures of the file, with its scale, and whether its counts are there and are what it is made of."""
    columns = []
    for key, measure in page.form.measures.items():
        heading = page.find(measure.from_)
        counted = bool(measure.counts) and all(page.find([name]) for name in measure.counts)
        if not heading and not counted:
            continue
        texts = [cells[heading] for _line, cells in page.rows] if heading else []
        column = Column(key, measure, heading, scale_of(texts, measure.kind, heading, measure.unit), counted)
        trusted = _trusted(page, column, who)
        found.uncounted += [heading] if counted and not trusted.counted else []
        columns.append(trusted)
    return columns


def _trusted(page: Page, column: Column, who: str) -> Column:
    """The column without its counts where these are mostly not what the rate is made of."""
    if not (column.counted and column.heading):
        return column
    accounts = [cells for _line, cells in page.rows if cells.get(who, "") not in shared()["summary_rows"]]
    gaps = [gap for cells in accounts if (gap := _gap(page, column, cells)) is not None]
    wrong = sum(gap > 0 for gap in gaps)
    if wrong >= FEW_CELLS and wrong > len(gaps) / 2:
        return replace(column, counted=False)
    return column


def _gap(page: Page, column: Column, cells: Mapping[str, str]) -> float | None:
    """By how much the cell differs from its counts beyond its rounding, 0 if it does not; null without either."""
    above, below = _counts(page, column, cells)
    text = cells[column.heading]
    shown = column.scale.read(text) if said(text) else None
    if above is None or not below or shown is None:
        return None
    gap = abs(above / below - shown)
    return gap if gap > column.scale.half_a_digit(text) + ROUNDING else 0.0


def _counts(page: Page, column: Column, cells: Mapping[str, str]) -> tuple[float | None, float | None]:
    if not column.counted:
        return None, None
    return _count(page, column.measure.numerator, cells), _count(page, column.measure.denominator, cells)


def _count(page: Page, formula: str, cells: Mapping[str, str]) -> float | None:
    """A count, or one count less another; null where a cell says nothing."""
    parts = [number(cells[page.find([name.strip()])]) for name in formula.split(" - ")]
    if any(part is None for part in parts):
        return None
    first, *rest = [part for part in parts if part is not None]
    return first - sum(rest)


# ------------------------------------------------------------------------------------------------------------ rows


def _row(
    page: Page, columns: Sequence[Column], who: str, day: str, line: int, cells: Mapping[str, str], found: Melt
) -> None:
    """One line of a wide table: an account's, the whole shop's, peers' or a total."""
    account = cells.get(who, "")
    words = (account, cells.get(day, ""))
    peers = next((PEERS[word] for word in words if word in PEERS), None)
    if peers is None and any(word in shared()["summary_rows"] for word in words):
        found.leave_out(SUMMARY)
        return
    span = _span(page, cells.get(day, ""))
    reason = "empty:agent_id" if page.form.agent and not account else "" if span else "time_unreadable:day"
    if reason:
        shown = {"agent_id": account, "day": cells.get(day, "")}
        found.rejects.append({"line": line, "reason": reason, **shown})
        return
    assert span
    cell = peers or ("" if page.form.agent else "own")
    # Counts of peers are means over shops: their rate is not made of them.
    told = [replace(column, counted=False) for column in columns] if peers else columns
    values = list(_values(page, told, line, cells, found))
    for value in values:
        _put(page, value, account_name(account), span, cell, found)
    if any(not cell or value["kind"] in COMPARABLE for value in values):
        found.kept += 1
    else:
        found.leave_out("no_values")


def _put(page: Page, value: dict, account: str, span: Period, cell: str, found: Melt) -> None:
    """Adds a value to the table it belongs to."""
    first, last = span
    kind, line = value["kind"], value["source_line"]
    if cell and kind in COMPARABLE and value["value"] is not None:
        row = {"metric": value["metric"], "definitions": page.form.definitions, "cell": cell, "value": value["value"]}
        row |= {"n": value["n"], "period_start": first, "period_end": last, "source_line": line}
        found.benchmarks.append(row | {"source": page.file, "read_by": page.key})
    elif not cell:
        days = {"day": first} if first == last else {"period_start": first, "period_end": last}
        row = {name: value[name] for name in value if name != "kind"} | days | {"agent_id": account}
        found.measured.append(
            row | {"definitions": page.form.definitions, "platform": page.platform, "sheet": page.sheet}
        )


def _span(page: Page, text: str) -> Period | None:
    """The days a row speaks of: its date cell's (one day or two dates), else the file's; null where it tells none."""
    if not said(text):
        return page.period
    if re.fullmatch(EXCEL_SERIAL, text):
        day = dt.datetime.fromisoformat(EXCEL_EPOCH).date() + dt.timedelta(days=int(float(text)))
        return day, day
    return named_period(text)


def _values(page: Page, columns: Sequence[Column], line: int, cells: Mapping[str, str], found: Melt) -> Iterator[dict]:
    """The values of one line; a cell that is no figure, or out of bounds, is set apart by name."""
    for column in columns:
        text = cells[column.heading] if column.heading else ""
        shown = _shown(column, text, line, found)
        above, below = _counts(page, column, cells)
        if above is None or below is None:
            value, above, below = shown, None, None
        else:
            value = above / below if below else None
        if value is not None and not _possible(column, value):
            found.bad_cells.append(_bad(line, "out_of_bounds", column, f"{above:g} / {below:g}"))
        elif value is not None or below is not None or text in PENDING:
            if column.heading and (gap := _gap(page, column, cells)):
                found.mismatches.append((line, column.heading, text, gap))
            yield _in_key_unit(column, value, above, below, shown) | {
                "n": None if below is None else round(below),
                "provisional": text in PENDING,
                "heading": column.heading or column.measure.numerator,
                "cell": page.place(column.heading or page.find(column.measure.counts), line),
                "source_line": line,
                "kind": column.measure.kind,
            }


def _shown(column: Column, text: str, line: int, found: Melt) -> float | None:
    """What the cell shows; null where it says nothing, or what cannot be, which is set apart."""
    if not said(text):
        return None
    shown = column.scale.read(text)
    if shown is None or not _possible(column, shown):
        found.bad_cells.append(_bad(line, "number_unreadable" if shown is None else "out_of_bounds", column, text))
        return None
    return shown


def _possible(column: Column, value: float) -> bool:
    """Whether a value can be: shares up to 1, nothing below 0 but money less what was paid back."""
    if column.measure.kind == "sum":
        return True
    return 0 <= value <= (1 if column.measure.kind == "share" else float("inf"))


def _in_key_unit(
    column: Column, value: float | None, above: float | None, below: float | None, shown: float | None
) -> dict:
    """The value in the unit that its key's ending names; a count is its own numerator."""
    unit = next((SECONDS[u] for end, u in (("_min", "minutes"), ("_h", "hours")) if column.key.endswith(end)), 1.0)
    if column.measure.kind == "time":
        value, shown = (figure and figure / unit for figure in (value, shown))
    if column.measure.kind in ("count", "sum"):
        above = value
    return {"metric": column.key, "value": value, "numerator": above, "denominator": below, "shown": shown}


def _bad(line: int, reason: str, column: Column, text: str) -> dict:
    heading = column.heading or column.measure.numerator
    return {"line": line, "reason": f"{reason}:{heading}", "heading": heading, "found": text}


def _by_line(page: Page, found: Melt) -> None:
    """A table with a line for each metric: the shop's own value and its peers' become benchmarks."""
    name = page.find(page.form.metric)
    keys = {decode.normalised(a): (key, m) for key, m in page.form.measures.items() for a in m.from_}
    keys |= {UNITS_OF_BRACKETS.sub("", a): pair for a, pair in keys.items()}
    places = {cell: page.find([heading]) for cell, heading in page.form.cells.items()}
    for line, cells in page.rows:
        wanted = decode.normalised(cells[name])
        key, measure = keys.get(wanted) or keys.get(UNITS_OF_BRACKETS.sub("", wanted)) or ("", None)
        if measure is None:
            found.leave_out("no_key")
            continue
        texts = [cells[place] for place in places.values() if place]
        scale = scale_of(texts, measure.kind, wanted, measure.unit)
        before = len(found.benchmarks)
        for cell, place in places.items():
            if place and said(cells[place]):
                column = Column(key, measure, place, scale, counted=False)
                for value in _values(page, [column], line, cells, found):
                    _put(page, value, "", page.period or _span(page, ""), cell, found)  # type: ignore[arg-type]
        if len(found.benchmarks) > before:
            found.kept += 1
        else:
            found.leave_out("no_values")


# --------------------------------------------------------------------------------------------------------- handing on


def _loaded(path: Path, shop: Shop, page: Page, found: Melt) -> Loaded:
    reasons: dict[str, int] = {}
    for row in found.rejects:
        reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
    tables = {"measured": _table("measured", found.measured, page, shop)} if page.form.agent else {}
    if found.benchmarks or not page.form.agent:
        tables["benchmarks"] = _table("benchmarks", found.benchmarks, page, shop)
    rejects = pa.Table.from_pylist([*found.rejects, *found.bad_cells], schema=REJECTS)
    counts = Counts(len(page.rows), found.kept, dict(sorted(found.filtered.items())), 0, dict(sorted(reasons.items())))
    cells = {"agent_id": (page.find(page.form.agent), ""), "day": (page.find(page.form.day), "")}
    return Loaded(page.file, sha256(path), tables, rejects, counts, tuple(_notices(page, found)), cells=cells)


REJECTS = pa.schema(
    [("line", pa.int64())] + [(c, pa.string()) for c in ("reason", "agent_id", "day", "heading", "found")]
)


def _table(name: str, rows: list[dict], page: Page, shop: Shop) -> pa.Table:
    whole = [{"shop_id": shop.shop_id, "source_file": page.file} | row for row in rows]
    return pa.Table.from_pylist(whole, schema=INPUT[name].arrow)


def _notices(page: Page, found: Melt) -> Iterator[Notice]:
    """What to know: cells set apart, cells unlike their counts, what is still being worked out, days of UTC."""
    if not page.rows:
        yield Notice("header_only")
    for reason in dict.fromkeys(cell["reason"] for cell in found.bad_cells):
        cells = {cell["line"]: cell for cell in reversed(found.bad_cells) if cell["reason"] == reason}
        code, _, heading = reason.partition(":")
        first = cells[min(cells)]
        yield Notice(
            f"cells_{code}", {"column": heading, "n": len(cells), "line": first["line"], "found": first["found"]}
        )
    for heading in dict.fromkeys(name for _line, name, _text, _gap in found.mismatches):
        line, _heading, text, _by = next(one for one in found.mismatches if one[1] == heading)
        n = sum(one[1] == heading for one in found.mismatches)
        yield Notice("backend_mismatch", {"column": heading, "n": n, "line": line, "found": text})
    yield from (Notice("counts_not_used", {"column": heading}) for heading in found.uncounted)
    if pending := sum(row["provisional"] for row in found.measured):
        yield Notice("cells_pending", {"n": pending})
    if page.form.utc:
        yield Notice("utc_period")
    if found.measured and not any("day" in row for row in found.measured):
        yield Notice("period_only")
