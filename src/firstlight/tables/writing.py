"""Where tables go: a file whose suffix says the format, complete or absent, or a stream."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from firstlight.errors import Arg, DataError, UnknownNameError, UsageError
from firstlight.files import replacing

WriteTable = Callable[[pa.Table], None]
"""Writes the rows of a table behind those already written; all tables have one schema."""


def _parquet(sink: IO[bytes], schema: pa.Schema) -> Any:
    import pyarrow.parquet as pq

    return pq.ParquetWriter(sink, schema, compression="zstd")


def _csv(sink: IO[bytes], schema: pa.Schema) -> Any:
    import pyarrow.csv

    return pyarrow.csv.CSVWriter(sink, schema)


def _feather(sink: IO[bytes], schema: pa.Schema) -> Any:
    return pa.ipc.new_file(sink, schema)


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


SUFFIXES: dict[str, Callable[[IO[bytes], pa.Schema], Any]] = {
    ".parquet": _parquet,
    ".csv": _csv,
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
    if target.suffix.lower() not in SUFFIXES:
        raise UnknownNameError("format of the output file", target.suffix or path, SUFFIXES, where=Arg("out"))
    if target.exists() and any(Path(one).exists() and target.samefile(one) for one in inputs):
        raise UsageError(f"'{path}' is also the input", where=Arg("out"), hint="Name another file.")


@contextmanager
def table_writer(out: str | Path | IO[bytes]) -> Iterator[WriteTable]:
    """Write tables to `out` batch by batch; a file appears when all of them are written.

    The schema is that of the first table; a run that gives none is an error of the caller. A stream takes
    CSV.
    """
    if not isinstance(out, (str, Path)):
        with _written(out, _csv) as write:
            yield write
        return
    refuse_output(out)
    with (
        replacing(out) as part,
        part.open("wb") as sink,
        _written(sink, SUFFIXES[Path(out).suffix.lower()]) as write,
    ):
        yield write


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
