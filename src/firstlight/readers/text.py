"""Delimited text files: which delimiter, where the header stands, and how they are streamed with Arrow."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import pyarrow as pa
import pyarrow.csv

from firstlight.errors import DataError
from firstlight.readers.cells import MISSING
from firstlight.readers.columns import listed

CellKind = Literal["text", "number", "any"]

_HEAD = 1 << 16
_BLOCK = 1 << 23
_NULLS = sorted(
    {form for word in MISSING for form in (word, word.upper(), word.capitalize(), f" {word}")} | {"NaN"}
)
_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^nan$", re.IGNORECASE)


@dataclass(frozen=True)
class TextFile:
    """A delimited text file whose header was found.

    Attributes
    ----------
    path : Path
    names : tuple of str
        Column names, trimmed.
    delimiter : str
        One character; a blank stands for any run of blanks and tabs.
    skip : int
        Lines before the first data row.
    """

    path: Path
    names: tuple[str, ...]
    delimiter: str
    skip: int

    @property
    def where(self) -> str:
        """Name of the file in errors."""
        return self.path.name

    @property
    def schema(self) -> pa.Schema:
        """Column names; every column is text until it is read."""
        return pa.schema([pa.field(name, pa.string()) for name in self.names])

    def read(self, wanted: Mapping[str, CellKind], report: list[str]) -> pa.Table:
        """The wanted columns as one table; cells that are no numbers stay text for the caller to judge."""
        batches = list(self.batches(wanted, report))
        schema = batches[0].schema if batches else None
        if schema is None:
            return pa.table({name: pa.array([], _type(kind)) for name, kind in wanted.items()})
        if any(batch.schema != schema for batch in batches):  # a later block had to be read as text
            return pa.concat_tables(
                [pa.Table.from_batches([batch.cast(batches[-1].schema)]) for batch in batches]
            )
        return pa.Table.from_batches(batches)

    def batches(self, wanted: Mapping[str, CellKind], report: list[str]) -> Iterator[pa.RecordBatch]:
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
            raise _unreadable(error, where=self.where) from error
        self._account(bad, rows, report)

    def _account(self, bad: _BadRows, rows: int, report: list[str]) -> None:
        if not bad.count:
            return
        text = (
            f"{bad.count:,} rows do not have {len(self.names)} cells as the header says "
            f"(first: {bad.cells} cells, '{bad.first[:60]}')"
        )
        if bad.count > rows:
            raise DataError(
                text,
                where=self.where,
                hint=f"Is it delimited by '{self.delimiter}'? Header: {listed(self.names)}.",
            )
        report.append(f"{self.where}: {text}: left out")

    def _stream(
        self, wanted: Mapping[str, CellKind], bad: _BadRows, *, numbers_as_text: bool
    ) -> Iterator[pa.RecordBatch]:
        types = {
            name: pa.string() if kind == "number" and numbers_as_text else _type(kind)
            for name, kind in wanted.items()
            if kind != "any"
        }
        raw = _open(self.path)
        try:
            stream: Any = _Utf8(raw)
            if self.delimiter == " ":
                stream = _Squeezed(stream)
            with pyarrow.csv.open_csv(
                pa.PythonFile(stream, mode="r"),
                read_options=pyarrow.csv.ReadOptions(
                    column_names=list(self.names), skip_rows=self.skip, block_size=_BLOCK
                ),
                parse_options=pyarrow.csv.ParseOptions(
                    delimiter="\t" if self.delimiter == " " else self.delimiter, invalid_row_handler=bad
                ),
                convert_options=pyarrow.csv.ConvertOptions(
                    include_columns=list(wanted), column_types=types, null_values=_NULLS
                ),
            ) as reader:
                yield from reader
        finally:
            raw.close()


def _type(kind: CellKind) -> pa.DataType:
    return pa.float64() if kind == "number" else pa.string()


class _BadRows:
    """Counts rows that do not fit the header; comment lines are none of them."""

    def __init__(self) -> None:
        self.count, self.cells, self.first = 0, 0, ""

    def __call__(self, row: Any) -> str:
        text = row.text if isinstance(row.text, str) else str(row.text)
        if not text.lstrip().startswith("#"):
            if not self.count:
                self.cells, self.first = row.actual_columns, text
            self.count += 1
        return "skip"


class _Utf8(io.RawIOBase):
    """A stream whose bytes are UTF-8, with a mark for each that was not: a damaged cell costs one row."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._ready = raw, b""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            chunk = self._raw.read(_BLOCK)
            self._ready = self._decoder.decode(chunk, not chunk).encode()
            if not chunk:
                break
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count


class _Squeezed(io.RawIOBase):
    """A text stream in which each run of blanks is one tab and lines have no blanks at their ends."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw, self._rest, self._ready = raw, b"", b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            chunk = self._raw.read(_BLOCK)
            data = self._rest + chunk
            end = len(data) if not chunk else data.rfind(b"\n") + 1
            lines, self._rest = data[:end], data[end:]
            self._ready = re.sub(rb"(?m)^\t+|[\t\r]+$", b"", re.sub(rb"[ \t]+", b"\t", lines))
            if not chunk:
                break
        count = min(len(buffer), len(self._ready))
        buffer[:count], self._ready = self._ready[:count], self._ready[count:]
        return count


def _open(path: Path) -> IO[bytes]:
    with path.open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if packed else path.open("rb")  # type: ignore[return-value]


def _unreadable(error: Exception, *, where: str) -> DataError:
    text = str(error)
    if isinstance(error, EOFError) or "end-of-stream" in text:
        return DataError("the file is truncated: its compressed data end too early", where=where)
    if isinstance(error, (zlib.error, gzip.BadGzipFile)):
        return DataError(f"the file is damaged: {error}", where=where)
    if "UTF8" in text or "utf-8" in text.lower():
        return DataError("is not UTF-8 text", where=where, hint="Convert it, e.g. with iconv -t utf-8.")
    return DataError(f"cannot be read as delimited text: {text.splitlines()[0]}", where=where)


def head(path: Path, size: int = _HEAD) -> bytes:
    """The first bytes of a file, unpacked where it is gzip.

    Raises
    ------
    DataError
        When the file is empty or its compressed data are damaged.
    """
    if path.stat().st_size == 0:
        raise DataError("the file is empty (0 bytes)", where=path.name)
    try:
        with _open(path) as file:
            return file.read(size)
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(error, where=path.name) from error


def content(path: Path) -> bytes:
    """All bytes of a file, unpacked where it is gzip; errors as for `head`."""
    head(path, 2)
    try:
        with _open(path) as file:
            return file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(error, where=path.name) from error


def open_text(path: Path) -> TextFile:
    """The delimiter, header and first row of a delimited text file.

    Raises
    ------
    DataError
        When the file is empty, binary, or has no header of names.
    """
    data = head(path)
    if b"\x00" in data:
        raise DataError(
            f"is not a text file (a zero byte at {data.index(0)})",
            where=path.name,
            hint="Readable: CSV, Parquet, Feather, JSON lines, FITS, ECSV, VOTable.",
        )
    cut = len(data) == _HEAD
    text = data.decode("utf-8-sig", "replace")
    if text.count("\ufffd") > 1 + len(text) // 100:
        raise DataError("is not UTF-8 text", where=path.name)
    lines = text.splitlines()
    if cut and len(lines) > 1:
        lines.pop()
    position = next(
        (i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith("#")), None
    )
    comment = [i for i, line in enumerate(lines[:position]) if line.lstrip().startswith("#")]
    if position is None:
        if not comment:
            raise DataError("the file holds no lines", where=path.name)
        position = comment[-1]
    header = position
    delimiter = _delimiter(lines[header])
    names = _split(lines[header], delimiter)
    commented = _split(lines[comment[-1]].lstrip("# \t"), delimiter) if comment else []
    if any(_NUMBER.match(name) for name in names) and (len(commented) == len(names) or _all_numbers(names)):
        # "# mjd flux ..." above the numbers is a header too (ATLAS writes "###MJD m dm ...").
        if len(commented) != len(names):
            raise DataError(
                f"no header line: the first line is numbers ('{lines[header][:60]}')",
                where=path.name,
                hint="Write the column names into the first line.",
            )
        names, skip = commented, header
    else:
        names[0] = names[0].lstrip("# ") or names[0]
        skip = header + 1
    repeated = {name for name in names if names.count(name) > 1 and name}
    if repeated:
        raise DataError(f"column names repeat: {listed(sorted(repeated))}", where=path.name)
    unnamed = [name or f"column {i + 1}" for i, name in enumerate(names)]
    return TextFile(path, tuple(unnamed), delimiter, skip)


def _delimiter(header: str) -> str:
    counts = {mark: header.count(mark) for mark in (",", "\t", ";", "|")}
    best = max(counts, key=lambda mark: counts[mark])
    return best if counts[best] else " "


def _split(line: str, delimiter: str) -> list[str]:
    if delimiter == " ":
        return line.split()
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]


def _all_numbers(cells: list[str]) -> bool:
    return all(_NUMBER.match(cell) or not cell for cell in cells) and any(cells)
