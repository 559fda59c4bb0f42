"""Bytes to rows of text: encodings, packing and file kinds, each row with the line on which it starts."""

from __future__ import annotations

import codecs
import csv
import datetime as dt
import gzip
import io
import re
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import IO, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from python_calamine import CalamineError, CalamineWorkbook

from ..errors import CsperfError, Problem
from ..text import say

ENCODINGS = ("utf-8-sig", "gb18030")  # utf-8-sig reads plain UTF-8 as well
DELIMITERS = {"csv": ",", "tsv": "\t"}
SNIFFED = (",", "\t", ";")
PADDING = re.compile(r'\t+(?="?(?:[,;]|\s*$))|(?<=[,;])"?\t+')  # a TAB beside a comma belongs to the cell
BATCH_ROWS = 100_000
BLOCK_BYTES = 8 << 20
HEAD_BYTES = 256
CELL_CHARACTERS = 1 << 24
SURELY_UTF8 = 16  # bytes of multi-byte characters: GB18030 text does not pass for that much UTF-8 by chance
EXCEL_DIGITS = 15  # Excel keeps no more; what follows is noise of binary fractions
UNIT_SUFFIX = re.compile(r"\([^()]*\)$")

WEB_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|\?xml|head|table)\b", re.IGNORECASE)

Record = tuple[int, Sequence[str | None]]


@dataclass(frozen=True)
class Sheet:
    """A header and the rows below it, all as text.

    `header` maps the normalised name of each column to its place; a name that stands twice is in `twice`.
    """

    header: dict[str, int]
    twice: frozenset[str]
    width: int
    records: Iterator

    def named(self, wanted: str) -> list[str]:
        """The header's names that `wanted` may mean: the same but for blanks and width, else but for case and unit."""
        exact = normalised(wanted)
        if exact in self.header:
            return [exact]
        return [name for name in self.header if without_unit(name) == without_unit(exact)]

    def batches(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """At most BATCH_ROWS rows each: source_line, whole (as many cells as the header), the columns as cell:<i>.

        Cells go straight into columns: rows kept as lists would have Python's garbage collector walk them for ever.
        """
        while len(batch := _batch(islice(self.records, BATCH_ROWS), self.width, self.places(names))):
            yield batch

    def places(self, names: Sequence[str]) -> list[int]:
        """Where the columns stand."""
        return [self.header[name] for name in names]


def _batch(records: Iterable[Record], width: int, places: Sequence[int]) -> pa.Table:
    """Records as a batch; see Sheet.batches."""
    lines: list[int] = []
    whole: list[bool] = []
    columns: list[list[str | None]] = [[] for _place in places]
    for line, row in records:
        lines.append(line)
        whole.append(_cells(row, width) == width)
        if len(row) < width:
            row = [*row, *[None] * (width - len(row))]
        for column, place in zip(columns, places, strict=True):
            column.append(row[place])
    return _numbered(pa.array(lines, pa.int64()), pa.array(whole, pa.bool_()), columns)


def _numbered(lines: pa.Array, whole: pa.Array, columns: Iterable[Sequence[str | None] | pa.Array]) -> pa.Table:
    texts = (pc.utf8_trim_whitespace(pa.array(column, pa.string())) for column in columns)
    return pa.table({"source_line": lines, "whole": whole} | {f"cell:{i}": text for i, text in enumerate(texts)})


def _cells(row: Sequence[str | None], width: int) -> int:
    """How many cells a row has; empty ones beyond the header's last do not count."""
    count = len(row)
    while count > width and not row[count - 1]:
        count -= 1
    return count


def normalised(name: object) -> str:
    """A column's name without BOM, blanks and line ends, in NFKC: `（元） ` and `(元)` are one."""
    return re.sub(r"[\s\ufeff]+", "", unicodedata.normalize("NFKC", str(name or "")))


def without_unit(name: str) -> str:
    """The normalised name in lower case and without a unit in brackets at its end."""
    return UNIT_SUFFIX.sub("", name).casefold() or name.casefold()


def problem(path: Path, key: str, **slots: object) -> CsperfError:
    """The error about a file, to be raised: what was found, what is allowed, what to do."""
    return CsperfError(Problem(str(path), say(f"load.{key}", **slots)))


# ---------------------------------------------------------------------------------------------------------- bytes


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The file's bytes, unpacked if it is gzip; CsperfError where it is cut short or cannot be read."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if packed:
                with gzip.open(plain) as unpacked:
                    yield cast(IO[bytes], unpacked)
            else:
                yield plain
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise problem(path, "broken_gzip", reason=error) from error
    except OSError as error:
        raise problem(path, "unreadable", reason=error.strerror or error) from error


def file_kind(path: Path) -> str:
    """excel, parquet or text, by the first bytes whatever the name says.

    CsperfError where the file is empty, UTF-16, or a web page in place of the export.
    """
    with opened(path) as file:
        start = file.read(HEAD_BYTES)
    if not start:
        raise problem(path, "empty_file")
    if start.startswith(b"PK") or start.startswith(b"\xd0\xcf\x11\xe0"):
        return "excel"
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise problem(path, "utf16")
    if WEB_PAGE.match(start):
        raise problem(path, "web_page")
    return "text"


def encoding_of(path: Path) -> str:
    """The first of ENCODINGS in which every byte reads; CsperfError naming the byte where none does, or that is zero.

    A file that reads as UTF-8 for long and then breaks is a damaged UTF-8 file: GB18030 would turn it to nonsense.
    """
    failures = []
    for encoding in ENCODINGS:
        failure = _first_failure(path, encoding)
        if failure is None:
            return encoding
        failures.append(failure)
        if failure[2] >= SURELY_UTF8:
            raise problem(path, "damaged_utf8", byte=failure[0], line=failure[1])
    (byte, line, _) = failures[-1]
    raise problem(path, "encoding", byte=byte, line=line, utf8_byte=failures[0][0])


def _first_failure(path: Path, encoding: str) -> tuple[int, int, int] | None:
    """Byte offset, line, and bytes of multi-byte characters read so far, where decoding stops; null if it does not."""
    decode = codecs.getdecoder(encoding)
    done, lines, wide = 0, 1, 0
    with opened(path) as file:
        while block := file.read(BLOCK_BYTES) + file.readline():  # neither encoding has a line end inside a character
            if b"\0" in block:
                place = block.index(b"\0")
                raise problem(path, "zero_bytes", byte=done + place, line=lines + block.count(b"\n", 0, place))
            try:
                text = decode(block)[0]
            except UnicodeDecodeError as error:
                good = block[: error.start]
                wide += len(good) - len(good.decode(encoding))
                return done + error.start, lines + good.count(b"\n"), wide
            wide += len(block) - len(text)
            done += len(block)
            lines += block.count(b"\n")
    return None


def read_text(path: Path) -> str:
    """The whole text of a file, line ends as `\\n`."""
    file_kind(path)
    encoding = encoding_of(path)
    with opened(path) as file:
        return re.sub(r"\r\n?", "\n", file.read().decode(encoding))


# ---------------------------------------------------------------------------------------------------------- tables


@contextmanager
def open_sheet(path: Path, format: str = "", sheet: int | str = 0, header_row: int = 1) -> Iterator[Sheet]:
    """The table in a file; CsperfError where it is empty, broken, in no readable encoding, or has no header."""
    kind = file_kind(path)
    if kind == "excel":
        yield _sheet(path, _excel_records(path, sheet), header_row)
    elif kind == "parquet":
        with opened(path) as file:
            yield _parquet(path, file)
    else:
        encoding = encoding_of(path)
        with opened(path) as file:
            yield _text(path, _Lines(_blocks(file, encoding)), DELIMITERS.get(format, ""), header_row)


def first_records(path: Path, n: int) -> Iterator[tuple[int, list[Record]]]:
    """The first n records of each sheet, with the sheet's place; a text or a Parquet file is one sheet."""
    kind = file_kind(path)
    if kind == "excel":
        for place in range(len(_workbook(path).sheet_names)):
            yield place, list(islice(_excel_records(path, place), n))
    elif kind == "parquet":
        with open_sheet(path) as sheet:
            yield 0, [(1, list(sheet.header))]
    else:
        encoding = encoding_of(path)
        with opened(path) as file:
            text = next(_blocks(file, encoding), "")
        yield 0, list(_first_of_text(text, n))


def _first_of_text(text: str, n: int) -> Iterator[Record]:
    """The first n records, each with the line on which it starts."""
    csv.field_size_limit(CELL_CHARACTERS)
    lines = list(islice(io.StringIO(text, newline=""), n))
    delimiter = _delimiter(lines)
    reader, line = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 1
    for row in islice(reader, n):
        yield line, row
        line = reader.line_num + 1


def _delimiter(lines: Iterable[str]) -> str:
    """The sign that most often stands between the cells of a line."""
    plain = [PADDING.sub("", line) for line in lines]
    return max(SNIFFED, key=lambda sign: max(line.count(sign) for line in plain))


def _sheet(path: Path, records: Iterator[Record], header_row: int) -> Sheet:
    """The sheet whose header is the first record at or below `header_row`."""
    names = next(([normalised(cell) for cell in cells] for line, cells in records if line >= header_row), None)
    if names is None:
        raise problem(path, "no_header", header_row=header_row)
    while names and not names[-1]:
        names.pop()
    return Sheet(*_header(names), records)


def _header(names: list[str]) -> tuple[dict[str, int], frozenset[str], int]:
    header: dict[str, int] = {}
    for place, name in enumerate(names):
        header.setdefault(name, place)
    twice = frozenset(name for name, times in Counter(names).items() if times > 1)
    return header, twice, len(names)


def _blocks(file: IO[bytes], encoding: str) -> Iterator[str]:
    """The text of a file in blocks of whole lines."""
    decoder = codecs.getincrementaldecoder(encoding)()  # takes a mark of the byte order off where the file begins only
    while block := file.read(BLOCK_BYTES) + file.readline():
        yield decoder.decode(block)


class _Lines:
    """The lines of a block of text for csv.reader, and of the next blocks as long as a record runs on.

    `record` holds the lines handed out since it was last replaced, `number` counts all lines behind us.
    """

    def __init__(self, blocks: Iterator[str]) -> None:
        self.blocks = blocks
        self.block: Iterator[str] = iter(())
        self.record: list[str] = []
        self.number = 0

    def open(self, text: str) -> None:
        """Goes on with this text."""
        self.block = io.StringIO(text, newline="")

    def rest(self) -> str:
        """The text that is left: of this block, else the next; empty at the end of the file."""
        return "".join(self.block) or next(self.blocks, "")

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self.block, None)
        while line is None and self.record:
            self.open(next(self.blocks))
            line = next(self.block, None)
        if line is None:
            raise StopIteration
        self.record.append(line)
        self.number += 1
        return line


def _text(path: Path, lines: _Lines, delimiter: str, header_row: int) -> Sheet:
    """The table in a CSV or TSV, which is read up to its header."""
    csv.field_size_limit(CELL_CHARACTERS)
    text = lines.rest()
    head = list(islice(io.StringIO(text, newline=""), header_row)) or [""]
    delimiter = delimiter or _delimiter(head[-1:])
    lines.open(text)
    sheet = _sheet(path, _text_records(path, lines, delimiter), header_row)
    return _Text(sheet.header, sheet.twice, sheet.width, sheet.records, path, lines, delimiter)


def _text_records(path: Path, lines: _Lines, delimiter: str) -> Iterator[Record]:
    """Records of a CSV or TSV that are not blank, each with the physical line on which it starts."""
    while True:
        yield from _block_records(path, lines, delimiter)
        text = lines.rest()
        if not text:
            return
        lines.open(text)


def _block_records(path: Path, lines: _Lines, delimiter: str) -> Iterator[Record]:
    """Those that start in one block."""
    start, last, lines.record = lines.number + 1, [""], []
    try:
        for row in csv.reader(lines, delimiter=delimiter):
            last, lines.record = lines.record, []
            if any(row):
                yield start, row
            start = lines.number + 1
    except csv.Error as error:  # a cell of more than CELL_CHARACTERS
        raise problem(path, "open_quote", line=start) from error
    if _left_open(last, delimiter):
        raise problem(path, "open_quote", line=start - len(last))


@dataclass(frozen=True)
class _Text(Sheet):
    """A CSV or TSV: blocks in which nothing is unusual need no detour through rows of Python."""

    path: Path
    lines: _Lines
    delimiter: str

    def batches(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """As Sheet.batches, the records of one block each."""
        places = self.places(names)
        while text := self.lines.rest():
            columns, taken = _columns(text, self.delimiter, self.width)
            if columns:
                yield self._plain(columns, taken, places)
            else:
                self.lines.open(text)
                yield _batch(_block_records(self.path, self.lines, self.delimiter), self.width, places)

    def _plain(self, columns: list[pa.Array], taken: pa.Array, places: Sequence[int]) -> pa.Table:
        """A batch of columns whose rows take so many lines of the file each; blank rows are left out."""
        ends = pc.cumulative_sum(taken, start=self.lines.number)
        starts = pc.add(pc.subtract(ends, taken), 1)
        self.lines.number = ends[-1].as_py()
        batch = _numbered(starts, pa.repeat(True, len(starts)), (columns[place] for place in places))
        blank = reduce(pc.and_, (pc.equal(column, "") for column in columns))
        return batch.filter(pc.invert(blank)) if pc.any(blank).as_py() else batch


def _columns(text: str, delimiter: str, width: int) -> tuple[list[pa.Array], pa.Array]:
    """The columns of a block, and how many lines of the file each row takes.

    No columns where a row has not `width` cells, or where the lines do not add up: each line end is the end of a row
    or stands in a cell, unless a quote was left open.
    """
    nothing: tuple[list[pa.Array], pa.Array] = [], pa.nulls(0)
    if len(text) > CELL_CHARACTERS or text.count("\r") != text.count("\r\n"):
        return nothing
    data = (text if text.endswith("\n") else f"{text}\n").encode()  # so that a quote left open holds a line end
    names = [str(place) for place in range(width)]
    try:
        read = pacsv.read_csv(
            pa.py_buffer(data),
            pacsv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            pacsv.ParseOptions(delimiter=delimiter, newlines_in_values=True, ignore_empty_lines=False),
            pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return nothing
    columns = [column.combine_chunks() for column in read.columns]
    inside = (pc.count_substring(column, "\n") for column in columns)
    taken = reduce(pc.add, inside, pa.repeat(pa.scalar(1, pa.int64()), len(read)))
    return (columns, taken) if pc.sum(taken).as_py() == data.count(b"\n") else nothing


def _left_open(record: list[str], delimiter: str) -> bool:
    """Whether a quote opens in the record and nothing closes it, so that it swallowed the rest of the file."""
    try:
        list(csv.reader(record, delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end" in str(error)
    return False


class _Parquet(Sheet):
    """A Parquet file: its columns need no detour through rows of Python."""

    def batches(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """As Sheet.batches; source_line is the number of the row, from 1."""
        line = 1
        for batch in self.records:
            lines = pa.array(range(line, line + len(batch)), pa.int64())
            texts = (_texts(batch.column(place)) for place in self.places(names))
            yield _numbered(lines, pa.repeat(True, len(batch)), texts)
            line += len(batch)


def _parquet(path: Path, file: IO[bytes]) -> Sheet:
    try:
        parquet = pq.ParquetFile(io.BytesIO(file.read()) if isinstance(file, gzip.GzipFile) else file)
        names = [normalised(name) for name in parquet.schema_arrow.names]
        batches = parquet.iter_batches(BATCH_ROWS)
    except (pa.ArrowException, OSError) as error:
        raise problem(path, "broken_parquet", reason=str(error).splitlines()[0]) from error
    return _Parquet(*_header(names), batches)


def _texts(column: pa.Array) -> pa.Array:
    if pa.types.is_nested(column.type):
        return pa.array([None if value is None else str(value) for value in column.to_pylist()], pa.string())
    return column.cast(pa.string())


def _excel_records(path: Path, sheet: int | str) -> Iterator[Record]:
    """Rows of one sheet that are not blank, each with its row number in the sheet."""
    book = _workbook(path)
    try:
        names = book.sheet_names
        name = names[sheet] if isinstance(sheet, int) and sheet < len(names) else sheet
        if name not in names:
            raise problem(path, "no_sheet", sheet=sheet, sheets=", ".join(names))
        rows = book.get_sheet_by_name(str(name)).to_python(skip_empty_area=False)
    except CalamineError as error:
        raise problem(path, "broken_excel", reason=error) from error
    for line, row in enumerate(rows, 1):
        cells = [_cell_text(cell) for cell in row]
        if any(cells):
            yield line, cells


def sheet_name(path: Path, sheet: int | str) -> str | None:
    """What the sheet of a workbook is called; null where the file is no workbook."""
    if isinstance(sheet, str) or file_kind(path) != "excel":
        return sheet if isinstance(sheet, str) else None
    return _workbook(path).sheet_names[sheet]


def _workbook(path: Path) -> CalamineWorkbook:
    with opened(path) as file:
        data = io.BytesIO(file.read())
    try:
        return CalamineWorkbook.from_filelike(data)
    except CalamineError as error:
        archive = zipfile.is_zipfile(data) and "[Content_Types].xml" not in zipfile.ZipFile(data).namelist()
        raise problem(path, "archive" if archive else "broken_excel", reason=error) from error


def _cell_text(cell: object) -> str:
    """A workbook's cell as text: whole numbers plain, times to the second (Excel keeps them as fractions of a day)."""
    match cell:
        case bool():
            return str(cell)
        case float():
            digits = f"{cell:.{EXCEL_DIGITS}g}"
            return f"{int(Decimal(digits))}" if cell.is_integer() else digits
        case dt.datetime():
            return (cell + dt.timedelta(microseconds=500_000)).replace(microsecond=0).isoformat(" ")
        case dt.date():
            return cell.isoformat()
        case dt.time():
            moment = dt.datetime.combine(dt.date.min, cell) + dt.timedelta(microseconds=500_000)
            return moment.strftime("%H:%M:%S")
        case _:
            return str(cell)
