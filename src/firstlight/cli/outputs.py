"""Where tables go: a file whose suffix says the format, complete or absent, or standard output."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Protocol

import pyarrow as pa

from firstlight.cli.options import asked
from firstlight.errors import DataError, UnknownNameError, UsageError

STDOUT = "-"


class TableWriter(Protocol):
    """Takes tables of one schema, one after the other."""

    def __call__(self, table: pa.Table) -> None:
        """Write the rows of `table` behind those already written."""


class _Parquet:
    def __init__(self, sink: IO[bytes], schema: pa.Schema) -> None:
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(sink, schema, compression="zstd")

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()


class _Csv:
    def __init__(self, sink: IO[bytes], schema: pa.Schema) -> None:
        import pyarrow.csv

        self._writer = pyarrow.csv.CSVWriter(sink, schema)

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()


class _Feather:
    def __init__(self, sink: IO[bytes], schema: pa.Schema) -> None:
        self._writer = pa.ipc.new_file(sink, schema)

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()


class _JsonLines:
    def __init__(self, sink: IO[bytes], schema: pa.Schema) -> None:
        self._sink = sink

    def write(self, table: pa.Table) -> None:
        for row in table.to_pylist():
            # NaN is not JSON: a number that is not there is null.
            whole = {name: None if value != value else value for name, value in row.items()}
            self._sink.write(json.dumps(whole, allow_nan=False, default=str).encode() + b"\n")

    def close(self) -> None:
        pass


FORMATS: dict[str, Callable[[IO[bytes], pa.Schema], Any]] = {
    ".parquet": _Parquet,
    ".csv": _Csv,
    ".feather": _Feather,
    ".arrow": _Feather,
    ".jsonl": _JsonLines,
}


def check_output(path: str, *, inputs: tuple[str, ...] = ()) -> None:
    """Refuse an output that cannot be written, before any work is done."""
    if path == STDOUT:
        return
    target = Path(path)
    if target.is_dir():
        raise UsageError(f"'{path}' is a folder", where="--out", hint="Name a file.")
    if target.suffix.lower() not in FORMATS:
        with asked("--out"):
            raise UnknownNameError("format of the output file", target.suffix or path, FORMATS)
    if any(given != STDOUT and Path(given).exists() and _same(target, Path(given)) for given in inputs):
        raise UsageError(f"'{path}' is also the input", where="--out", hint="Name another file.")


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to that becomes `path` at the end, or nothing when the work fails or is stopped."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        if error.filename == str(part):
            error.filename = str(path)  # what the user named
        raise
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def table_writer(path: str) -> Iterator[TableWriter]:
    """Write tables to `path` batch by batch; the file appears when all of them are written.

    The schema is that of the first table; a run that gives none is an error of the caller.
    """
    if path == STDOUT:
        with _open(sys.stdout.buffer, _Csv) as write:
            yield write
        sys.stdout.buffer.flush()
        return
    with (
        whole_file(Path(path)) as part,
        part.open("wb") as sink,
        _open(sink, FORMATS[Path(path).suffix.lower()]) as write,
    ):
        yield write


@contextmanager
def _open(sink: IO[bytes], form: Callable[[IO[bytes], pa.Schema], Any]) -> Iterator[TableWriter]:
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
