"""Delimited text: which delimiter, where the header stands, and how it is streamed with Arrow."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
import pyarrow.csv

from firstlight.errors import DataError
from firstlight.notes import Notes
from firstlight.readers.content import BLOCK, HEAD, Content, Utf8
from firstlight.readers.roles import listed
from firstlight.tables.columns import MISSING

CellKind = Literal["text", "number", "any"]
_TYPES: Mapping[CellKind, pa.DataType] = {"text": pa.string(), "number": pa.float64(), "any": pa.string()}

_NULLS = sorted(
    {form for word in MISSING for form in (word, word.upper(), word.capitalize(), f" {word}")} | {"NaN"}
)
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
            return pa.schema({name: _TYPES[kind] for name, kind in wanted.items()}).empty_table()
        if batches[-1].schema != batches[0].schema:  # a later block had to be read as text
            batches = [batch.cast(batches[-1].schema) for batch in batches]
        return pa.Table.from_batches(batches)

    def batches(self, wanted: Mapping[str, CellKind], notes: Notes) -> Iterator[pa.RecordBatch]:
        """The wanted columns, block by block of some megabytes.

        Rows with another number of cells than the header are left out and reported.

        Raises
        ------
        DataError
            When the file is truncated, not text, or most rows do not fit the header.
        """
        bad = _BadRows()
        rows = 0
        try:
            try:
                for batch in self._stream(wanted, bad, numbers_as_text=False):
                    rows += batch.num_rows
                    yield batch
            except pa.ArrowInvalid as error:
                if "Empty CSV file" in str(error) or "Could not skip initial" in str(error):
                    return  # a header and nothing behind it
                if "conversion error" not in str(error):
                    raise
                # Somewhere a cell is no number: from the first row not yet handed out, numbers come as text.
                done, rows, bad = rows, 0, _BadRows()
                for batch in self._stream(wanted, bad, numbers_as_text=True):
                    rows += batch.num_rows
                    if rows > done:
                        yield batch.slice(max(0, batch.num_rows - (rows - done)))
        except (pa.ArrowInvalid, OSError, EOFError, zlib.error) as error:
            raise self.content.unreadable(error) from error
        self._account(bad, rows, notes)

    def _account(self, bad: _BadRows, rows: int, notes: Notes) -> None:
        if not bad.count:
            return
        text = (
            f"{bad.count:,} rows do not have {len(self.schema)} cells as the header says "
            f"(first: {bad.cells} cells, '{bad.first[:60]}')"
        )
        if bad.count > rows:
            raise DataError(
                text,
                where=self.where,
                hint=f"Is it delimited by '{self.delimiter}'? Header: {listed(self.schema.names)}.",
            )
        notes.add(f"{text}: left out")

    def _stream(
        self, wanted: Mapping[str, CellKind], bad: _BadRows, *, numbers_as_text: bool
    ) -> Iterator[pa.RecordBatch]:
        types = {
            name: pa.string() if numbers_as_text else _TYPES[kind]
            for name, kind in wanted.items()
            if kind != "any"
        }
        blanks = self.delimiter == " "
        stream = self.content.stream()
        with pyarrow.csv.open_csv(
            pa.PythonFile(_Squeezed(stream) if blanks else stream, mode="r"),
            read_options=pyarrow.csv.ReadOptions(
                column_names=self.schema.names, skip_rows=self.skip, block_size=BLOCK
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter="\t" if blanks else self.delimiter, invalid_row_handler=bad
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                include_columns=list(wanted), column_types=types, null_values=_NULLS
            ),
        ) as reader:
            yield from reader


@dataclass
class _BadRows:
    """Counts rows that do not fit the header; comment lines are none of them."""

    count: int = 0
    cells: int = 0
    first: str = ""

    def __call__(self, row: Any) -> str:
        text = row.text if isinstance(row.text, str) else str(row.text)
        if not text.lstrip().startswith("#"):
            if not self.count:
                self.cells, self.first = row.actual_columns, text
            self.count += 1
        return "skip"


class _Squeezed(io.RawIOBase):
    """A text stream in which each run of blanks is one tab and lines have no blanks at their ends."""

    def __init__(self, raw: Utf8) -> None:
        self._raw, self._rest, self._ready = raw, b"", b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            chunk = self._raw.read(BLOCK)
            data = self._rest + chunk
            end = len(data) if not chunk else data.rfind(b"\n") + 1
            lines, self._rest = data[:end], data[end:]
            self._ready = re.sub(rb"(?m)^\t+|[\t\r]+$", b"", re.sub(rb"[ \t]+", b"\t", lines))
            if not chunk:
                break
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count


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
    lines = text.splitlines()
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
