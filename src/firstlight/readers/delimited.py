"""Delimited text: which delimiter, where the header stands, and how it is streamed with Arrow."""

from __future__ import annotations

import csv
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv

from firstlight.errors import DataError
from firstlight.notes import Notes
from firstlight.readers.content import HEAD, Content
from firstlight.readers.roles import listed
from firstlight.tables.columns import MISSING, as_arrow
from firstlight.tables.frames import one_table

CellKind = Literal["id", "text", "number", "any"]

_NULLS = sorted(
    {form for word in MISSING for form in (word, word.upper(), word.capitalize(), f" {word}")} | {"NaN"}
)
_COMMENT = re.compile(rb"(?m)^[ \t]*#.*$")
_BLANK = re.compile(rb"(?m)^[ \t]+$")
_BLANKS, _ENDS = re.compile(rb"[ \t]+"), re.compile(rb"(?m)^\t|\t$")
_LINE_END = re.compile(r"\r\n|\r|\n")
_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^nan$", re.IGNORECASE)


@dataclass(frozen=True)
class TextFile:
    """A delimited text file whose header was found.

    Attributes
    ----------
    content : Content
        The open file.
    schema : pa.Schema
        Column names, trimmed; every column is text until it is read.
    delimiter : str
        One character; a blank stands for any run of blanks and tabs.
    skip : int
        Lines before the first data row.
    where : str
        Name of the file in errors.
    """

    content: Content
    schema: pa.Schema
    delimiter: str
    skip: int
    where: str

    def read(self, wanted: Mapping[str, CellKind], notes: Notes) -> pa.Table:
        """The wanted columns as one table; cells that are no numbers stay text for the caller to judge."""
        batches = list(self.batches(wanted, notes))
        if not batches:
            return pa.schema({name: _type(kind) for name, kind in wanted.items()}).empty_table()
        return one_table(batches)

    def batches(self, wanted: Mapping[str, CellKind], notes: Notes) -> Iterator[pa.RecordBatch]:
        """The wanted columns, block by block of some megabytes.

        Rows with another number of cells than the header are left out and reported, and so are rows that are
        commented out.

        Raises
        ------
        DataError
            When the file is truncated, not text, most rows do not fit the header, or a quoted cell does not
            end on its line.
        """
        lines, bad, rows = _Lines(self), _BadRows(), 0
        types = {name: _type(kind) for name, kind in wanted.items() if kind != "any"}
        try:
            for block in lines:
                batch = self._parsed(block, wanted, types, bad)
                rows += batch.num_rows
                yield batch
        except (pa.ArrowInvalid, OSError, EOFError, zlib.error) as error:
            raise self.content.unreadable(error) from error
        if lines.commented:
            text = f"{lines.commented:,} rows are commented out ('{lines.first_comment[:60]}'): left out"
            notes.add(text)
        self._account(bad, rows, notes)

    def _account(self, bad: _BadRows, rows: int, notes: Notes) -> None:
        if not bad.count:
            return
        text = (
            f"{bad.count:,} rows do not have {len(self.schema.names)} cells as the header says "
            f"(first: {bad.cells} cells, '{bad.first[:60]}')"
        )
        if bad.count > rows:
            raise DataError(
                text,
                where=self.where,
                hint=f"Is it delimited by '{self.delimiter}'? Header: {listed(self.schema.names)}.",
            )
        notes.add(f"{text}: left out")

    def _parsed(
        self, block: bytes, wanted: Mapping[str, CellKind], types: dict[str, pa.DataType], bad: _BadRows
    ) -> pa.RecordBatch:
        """The cells of whole lines; where one is no number, all numbers come as text from here on."""
        while True:
            here = _BadRows()
            try:
                table = pyarrow.csv.read_csv(
                    pa.BufferReader(block),
                    read_options=pyarrow.csv.ReadOptions(
                        column_names=self.schema.names,
                        block_size=len(block) + 1,
                        # Arrow's threads may outlive an error: the process then aborts (134) on its way out.
                        use_threads=False,
                    ),
                    parse_options=pyarrow.csv.ParseOptions(
                        delimiter="\t" if self.delimiter == " " else self.delimiter,
                        invalid_row_handler=here,
                    ),
                    convert_options=pyarrow.csv.ConvertOptions(
                        include_columns=list(wanted), column_types=types, null_values=_NULLS
                    ),
                )
            except pa.ArrowInvalid as error:
                if "conversion error" not in str(error) or pa.float64() not in types.values():
                    raise
                types.update(dict.fromkeys(types, pa.string()))
                continue
            bad.add(here)
            arrays = [as_arrow(column) for column in table.columns]
            return pa.RecordBatch.from_arrays(arrays, names=table.column_names)


def _type(kind: CellKind) -> pa.DataType:
    return pa.float64() if kind == "number" else pa.string()


@dataclass
class _BadRows:
    """Counts rows that do not fit the header."""

    count: int = 0
    cells: int = 0
    first: str = ""

    def __call__(self, row: Any) -> str:
        if not self.count:
            self.cells = row.actual_columns
            self.first = row.text if isinstance(row.text, str) else str(row.text)
        self.count += 1
        return "skip"

    def add(self, other: _BadRows) -> None:
        """Count those of another block too."""
        if not self.count:
            self.cells, self.first = other.cells, other.first
        self.count += other.count


class _Lines:
    """The data of a text file in blocks of whole lines, as Arrow is to see them.

    It alone decides what a line is: what ends with LF, CR LF or CR. Blank lines and comments are none; of
    comments that would have been rows the number is kept. Each run of blanks is one tab where blanks delimit.
    """

    def __init__(self, file: TextFile) -> None:
        self._file = file
        cell = re.escape(b"\t" if file.delimiter == " " else file.delimiter.encode())
        # An opening quote whose cell goes on to the end of the line (or looks so: the second one is exact).
        self._unclosed = re.compile(rb'(?m)(?:^|%s)"[^"\n]*(?:""[^"\n]*)*$' % cell)
        one = rb'(?:"(?:[^"]|"")*+"[^%s]*|(?!")[^%s]*)' % (cell, cell)
        self._closed = re.compile(rb"%s(?:%s%s)*" % (one, cell, one))
        self.commented, self.first_comment = 0, ""

    def __iter__(self) -> Iterator[bytes]:
        skip, number, rest = self._file.skip, 0, b""
        for chunk in self._file.content.blocks():
            data = rest + chunk
            end = len(data) - 1 if chunk and data.endswith(b"\r") else len(data)  # LF may follow
            lines, rest = data[:end], data[end:]
            if b"\r" in lines:
                lines = lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
            end = lines.rfind(b"\n") + 1 if chunk else len(lines)
            lines, rest = lines[:end], lines[end:] + rest
            start = 0
            while skip and start < len(lines):
                start = (lines.find(b"\n", start) + 1) or len(lines)
                skip, number = skip - 1, number + 1
            count = lines.count(b"\n", start)
            lines = self._rows(lines[start:], number)
            number += count
            if lines and not lines.isspace():
                yield lines

    def _rows(self, lines: bytes, number: int) -> bytes:
        """The lines that are rows; `number` lines of the file stand above them."""
        if b"\0" in lines:
            line = number + lines.count(b"\n", 0, lines.index(b"\0")) + 1
            raise DataError(f"line {line:,} holds a zero byte: damaged, or no text", where=self._file.where)
        if b"#" in lines:
            lines = _COMMENT.sub(self._comment, lines)
        lines = _BLANK.sub(b"\n", lines)
        if self._file.delimiter == " ":
            lines = _ENDS.sub(b"", _BLANKS.sub(b"\t", lines))
        if b'"' in lines:
            for match in self._unclosed.finditer(lines):
                start = lines.rfind(b"\n", 0, match.start() + 1) + 1
                text = lines[start : match.end()]
                if not self._closed.fullmatch(text):
                    number += lines.count(b"\n", 0, start) + 1
                    shown = text[:60].decode(errors="replace")
                    raise DataError(
                        f"line {number:,}: a quoted cell does not end on its line ('{shown}')",
                        where=self._file.where,
                        hint="Remove the stray quote, or the line break inside the quotes.",
                    )
        return lines

    def _comment(self, match: re.Match[bytes]) -> bytes:
        text, delimiter = match.group(), self._file.delimiter
        cells = len(text.split()) if delimiter == " " else text.count(delimiter.encode()) + 1
        if cells == len(self._file.schema.names):
            self.first_comment = self.first_comment or text.decode(errors="replace").strip()
            self.commented += 1
        return b""


def open_text(content: Content) -> TextFile:
    """The delimiter and header of a delimited text file.

    Raises
    ------
    DataError
        When the file is empty, binary, or has no header of names.
    """
    data, where = content.head, content.name
    if b"\x00" in data:
        raise DataError(
            f"is not a text file (a zero byte at {data.index(0)})",
            where=where,
            hint="Readable: CSV, Parquet, Feather, JSON lines, FITS, ECSV, VOTable.",
        )
    text = data.decode("utf-8-sig", "replace")
    if text.count("\ufffd") > 1 + len(text) // 100:
        raise DataError("is not UTF-8 text", where=where)
    lines = _LINE_END.split(text)
    if len(data) == HEAD and len(lines) > 1:
        lines.pop()
    header, comment = _header(lines)
    if header is None:
        if comment is None:
            raise DataError("the file holds no lines", where=where)
        header = comment
    delimiter = max(",\t;|", key=lines[header].count)
    delimiter = delimiter if delimiter in lines[header] else " "
    names = _split(lines[header], delimiter)
    commented = _split(lines[comment].lstrip("# \t"), delimiter) if comment is not None else []
    skip = header + 1
    if any(map(_NUMBER.match, names)) and (len(commented) == len(names) or _all_numbers(names)):
        # "# mjd flux ..." above the numbers is a header too (ATLAS writes "###MJD m dm ...").
        if len(commented) != len(names):
            raise DataError(
                f"no header line: the first line is numbers ('{lines[header][:60]}')",
                where=where,
                hint="Write the column names into the first line.",
            )
        names, skip = commented, header
    else:
        names[0] = names[0].lstrip("# ") or names[0]
    if len(set(filter(None, names))) < len(names) - names.count(""):
        repeated = sorted({name for name in names if name and names.count(name) > 1})
        raise DataError(f"column names repeat: {listed(repeated)}", where=where)
    if "" in names:
        names = [name or f"column {i + 1}" for i, name in enumerate(names)]
    return TextFile(content, pa.schema(dict.fromkeys(names, pa.string())), delimiter, skip, where)


def _header(lines: list[str]) -> tuple[int | None, int | None]:
    """The first line that is no comment, and the last comment above it."""
    comment = None
    for number, line in enumerate(lines):
        if line.lstrip().startswith("#"):
            comment = number
        elif line.strip():
            return number, comment
    return None, comment


def _split(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def _all_numbers(cells: list[str]) -> bool:
    return all(_NUMBER.match(cell) or not cell for cell in cells) and any(cells)
