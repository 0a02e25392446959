"""Where tables go: a file whose suffix says the format, complete or absent, or a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from firstlight.errors import Arg, DataError, UnknownNameError, UsageError
from firstlight.files import replacing

WriteTable = Callable[[pa.Table], None]
"""Writes the rows of a table behind those already written; all tables have one schema."""


def _parquet(sink: IO[bytes], schema: pa.Schema) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(sink, schema, compression="zstd")


class _Csv:
    def __init__(self, sink: IO[bytes], schema: pa.Schema) -> None:
        import pyarrow.csv

        self._writer = pyarrow.csv.CSVWriter(sink, _as_text(schema.empty_table()).schema)

    def write(self, table: pa.Table) -> None:
        self._writer.write(_as_text(table))

    def close(self) -> None:
        self._writer.close()


def _feather(sink: IO[bytes], schema: pa.Schema) -> Any:
    return pa.ipc.new_file(sink, schema)


class _JsonLines:
    def __init__(self, sink: IO[bytes], schema: pa.Schema) -> None:
        self._sink = sink

    def write(self, table: pa.Table) -> None:
        for row in _as_text(table).to_pylist():
            # NaN is not JSON: a number that is not there is null.
            whole = {name: None if value != value else value for name, value in row.items()}
            self._sink.write(json.dumps(whole, allow_nan=False, default=_plain).encode() + b"\n")

    def close(self) -> None:
        pass


def _as_text(table: pa.Table) -> pa.Table:
    """The table as text formats hold it, which state nothing beside names and cells.

    Numbers have as many decimals as their field says; a flux carries its unit in its name.
    """
    names = [f"{f.name}_nJy" if (f.metadata or {}).get(b"unit") == b"nJy" else f.name for f in table.schema]
    table = table.rename_columns(names)
    for position, field in enumerate(table.schema):
        decimals = (field.metadata or {}).get(b"decimals")
        if decimals is not None:
            places = int(decimals)
            rounded = pc.round(pc.cast(table.column(position), pa.float64()), places)
            table = table.set_column(position, field.name, pc.cast(rounded, pa.decimal128(38, places)))
    return table


def _plain(value: object) -> object:
    """What JSON has no word for: a number with so many decimals is a number, anything else its text."""
    return float(value) if isinstance(value, Decimal) else str(value)


SUFFIXES: dict[str, Callable[[IO[bytes], pa.Schema], Any]] = {
    ".parquet": _parquet,
    ".csv": _Csv,
    ".feather": _feather,
    ".arrow": _feather,
    ".jsonl": _JsonLines,
}


def refuse_output(path: str | Path, *, inputs: Sequence[str | Path] = ()) -> None:
    """Refuse a file of a table that cannot be written, before any work is done.

    Raises
    ------
    UsageError
        For a folder, or a file that is also one of `inputs`.
    UnknownNameError
        For a suffix that is no format.
    """
    target = Path(path)
    if target.is_dir():
        raise UsageError(f"'{path}' is a folder", where=Arg("out"), hint="Name a file.")
    if target.suffix.lower() not in SUFFIXES and not (target.exists() and not target.is_file()):
        raise UnknownNameError("format of the output file", target.suffix or path, SUFFIXES, where=Arg("out"))
    if target.exists() and any(Path(one).exists() and target.samefile(one) for one in inputs):
        raise UsageError(f"'{path}' is also the input", where=Arg("out"), hint="Name another file.")


@contextmanager
def table_writer(out: str | Path | IO[bytes]) -> Iterator[WriteTable]:
    """Write tables to `out` batch by batch; a file appears when all of them are written.

    The schema is that of the first table; a run that gives none is an error of the caller. A stream takes
    CSV; so does a pipe or a device (``/dev/stdout``) whose name says no format.
    """
    if not isinstance(out, (str, Path)):
        with _written(out, _Csv) as write:
            yield write
        return
    refuse_output(out)
    with replacing(out) as part, part.open("wb") as sink:
        whole = sink if sink.seekable() else pa.PythonFile(_Pipe(sink), mode="w")
        with _written(whole, SUFFIXES.get(Path(out).suffix.lower(), _Csv)) as write:
            yield write


class _Pipe:
    """What is written to a pipe, with the place that formats with a footer ask for."""

    closed = False

    def __init__(self, sink: IO[bytes]) -> None:
        self._sink, self._place = sink, 0

    def write(self, data: bytes) -> int:
        self._place += len(data)
        return self._sink.write(data)

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        self._sink.flush()

    def close(self) -> None:
        """Whoever opened the pipe closes it."""


@contextmanager
def _written(sink: IO[bytes], form: Callable[[IO[bytes], pa.Schema], Any]) -> Iterator[WriteTable]:
    writer: Any = None

    def write(table: pa.Table) -> None:
        nonlocal writer
        writer = writer or form(sink, table.schema)
        writer.write(table)

    try:
        yield write
        if writer is None:
            raise DataError("there was nothing to write")
    finally:
        if writer is not None:
            writer.close()
