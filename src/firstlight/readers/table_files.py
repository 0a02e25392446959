"""Where a table comes from: Parquet, delimited text, Arrow, JSON, FITS, ECSV, VOTable, or memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.feather
import pyarrow.json
import pyarrow.parquet as pq

from firstlight.errors import DataError
from firstlight.notes import Notes
from firstlight.readers.content import Content
from firstlight.readers.delimited import CellKind, open_text
from firstlight.readers.roles import bare, listed, roles
from firstlight.readers.tables_in_memory import table_in_memory
from firstlight.tables.columns import floats, is_text, words
from firstlight.tables.frames import IN_MEMORY, arrow_table, one_table
from firstlight.tables.identifiers import identities
from firstlight.tables.objects import with_column

READABLE = "CSV, Parquet (file or folder), Feather or Arrow IPC, JSON lines, FITS, ECSV, VOTable"


class Source(Protocol):
    """A table that is not read yet: its columns are known, its rows come when asked for."""

    @property
    def where(self) -> str:
        """Name in errors."""

    @property
    def schema(self) -> pa.Schema:
        """Columns, with units in field metadata where the file states them."""

    def read(self, wanted: Mapping[str, CellKind], notes: Notes) -> pa.Table:
        """The wanted columns as one table."""

    def batches(self, wanted: Mapping[str, CellKind], notes: Notes) -> Iterator[pa.RecordBatch]:
        """The wanted columns piece by piece, in order, in bounded memory."""


@dataclass(frozen=True)
class TableSource:
    """A table in memory, or mapped from an Arrow file."""

    table: pa.Table
    where: str

    @property
    def schema(self) -> pa.Schema:
        """Columns of the table."""
        return self.table.schema

    def read(self, wanted: Mapping[str, CellKind], notes: Notes) -> pa.Table:
        """The wanted columns as one table."""
        return self.table.select(list(wanted))

    def batches(self, wanted: Mapping[str, CellKind], notes: Notes) -> Iterator[pa.RecordBatch]:
        """The wanted columns in pieces of a hundred thousand rows."""
        yield from self.table.select(list(wanted)).to_batches(max_chunksize=100_000)


@dataclass(frozen=True)
class ParquetSource:
    """A Parquet file, or all those under a folder in the order of their names."""

    paths: tuple[Path, ...]
    where: str
    schema: pa.Schema

    def read(self, wanted: Mapping[str, CellKind], notes: Notes) -> pa.Table:
        """The wanted columns as one table; text comes dictionary-encoded."""
        tables = []
        for path in self.paths:
            file = _parquet(path, self._encoded(wanted), where=self._where(path))
            self._check(file, path, wanted)
            read = partial(file.read, columns=list(wanted))
            table = _guarded(partial(_sound, read), where=self._where(path))
            tables.append(self._in_one_form(table, path, wanted))
        return tables[0] if len(tables) == 1 else _guarded(partial(one_table, tables), where=self.where)

    def batches(self, wanted: Mapping[str, CellKind], notes: Notes) -> Iterator[pa.RecordBatch]:
        """The wanted columns in pieces of a hundred thousand rows."""
        for path in self.paths:
            file = _parquet(path, self._encoded(wanted), where=self._where(path))
            self._check(file, path, wanted)
            pieces = file.iter_batches(batch_size=100_000, columns=list(wanted))
            while True:
                batch = _guarded(partial(_sound, partial(next, pieces, None)), where=self._where(path))
                if batch is None:
                    break
                table = self._in_one_form(pa.Table.from_batches([batch]), path, wanted)
                yield from table.to_batches()

    def _in_one_form(self, table: pa.Table, path: Path, wanted: Mapping[str, CellKind]) -> pa.Table:
        """One of several parts, in which a column may be of another type: ids are text, numbers float64."""
        if len(self.paths) == 1:
            return table
        for name, kind in wanted.items():
            column = table.column(name)
            if kind == "id":
                codes, ids = identities(column, name, Notes(self._where(path)))
                table = with_column(
                    table, name, pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), ids)
                )
            elif kind == "text":
                table = with_column(table, name, words(column))
            elif kind == "number" and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
                table = with_column(table, name, pa.array(floats(column, name)))
        return table

    def _where(self, path: Path) -> str:
        return self.where if len(self.paths) == 1 else f"{self.where}/{path.name}"

    def _encoded(self, wanted: Mapping[str, CellKind]) -> list[str]:
        """Text columns: ids and passbands repeat, so a dictionary is smaller and faster."""
        return [
            name
            for name, kind in wanted.items()
            if kind in ("id", "text") and is_text(self.schema.field(name).type)
        ]

    def _check(self, file: pq.ParquetFile, path: Path, wanted: Mapping[str, CellKind]) -> None:
        found = file.schema_arrow
        for name in wanted:
            if name not in found.names:
                raise DataError(
                    f"no column '{name}', which {self.paths[0].name} has. Found: {listed(found.names)}",
                    where=self._where(path),
                )
            kind, expected = found.field(name).type, self.schema.field(name).type
            if pa.types.is_nested(kind) != pa.types.is_nested(expected):
                raise DataError(
                    f"column '{name}' is {kind}; expected {expected} as in {self.paths[0].name}",
                    where=self._where(path),
                )


@dataclass(frozen=True)
class NamedSource:
    """A source without object ids, all of whose rows are of one object."""

    source: Source
    object_id: str

    @property
    def where(self) -> str:
        """Name in errors."""
        return self.source.where

    @property
    def schema(self) -> pa.Schema:
        """The columns of the source, and ``object_id``."""
        return self.source.schema.append(pa.field("object_id", pa.string()))

    def read(self, wanted: Mapping[str, CellKind], notes: Notes) -> pa.Table:
        """The wanted columns as one table."""
        table = self.source.read(self._asked(wanted), notes)
        return table.append_column("object_id", pa.repeat(self.object_id, len(table))).select(list(wanted))

    def batches(self, wanted: Mapping[str, CellKind], notes: Notes) -> Iterator[pa.RecordBatch]:
        """The wanted columns piece by piece."""
        for batch in self.source.batches(self._asked(wanted), notes):
            columns = dict(zip(batch.schema.names, batch.columns, strict=True))
            columns["object_id"] = pa.repeat(self.object_id, len(batch))
            yield pa.record_batch({name: columns[name] for name in wanted})

    def _asked(self, wanted: Mapping[str, CellKind]) -> dict[str, CellKind]:
        """What the source is asked for: at least one column, so that its rows can be counted."""
        asked = {name: kind for name, kind in wanted.items() if name != "object_id"}
        return asked or {self.source.schema.names[0]: "text"}


def _sound(read: Callable[[], Any]) -> Any:
    """What `read` gives, its names, offsets and text checked: a damaged file must not be found by a crash."""
    table = read()
    if table is not None:
        table.validate(full=True)
        str(table.schema.names)
    return table


def _guarded(work: Callable[[], Any], *, where: str) -> Any:
    try:
        return work()
    except (pa.ArrowException, OSError, EOFError, UnicodeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"cannot be read: {first}", where=where, hint="The file is damaged or was not written to its end."
        ) from error


def _parquet(path: Path, encoded: list[str], *, where: str) -> pq.ParquetFile:
    def opened() -> pq.ParquetFile:
        file = pq.ParquetFile(path, read_dictionary=encoded, memory_map=True)
        str(file.schema_arrow.names)  # damaged names fail here
        return file

    return _guarded(opened, where=where)


@contextmanager
def opened(table: Any) -> Iterator[Source]:
    """A table to read from, whatever holds it, open as long as it is needed.

    Parameters
    ----------
    table : path or table
        What `source_of` reads, or what `table_in_memory` takes.
    """
    if isinstance(table, (str, Path)):
        with Content(table) as content:
            yield source_of(content)
    else:
        yield in_memory(table)


def in_memory(table: Any) -> Source:
    """A table in memory, or a list of tables of one object each, as a source."""
    return TableSource(table_in_memory(table), IN_MEMORY)


def source_of(content: Content) -> Source:
    """The table in a file; its content decides what it is, not its name.

    Parameters
    ----------
    content : Content
        A file (CSV, also gzipped; Parquet; Feather or Arrow IPC; JSON, one row a line or a list of rows;
        FITS, ECSV, VOTable), or a folder of Parquet files.

    Raises
    ------
    DataError
        When it is empty, or nothing readable.
    """
    path, where = content.path, content.name
    if path.is_dir():
        return _folder(path)
    start = content.head
    if start.startswith(b"PAR1"):
        return ParquetSource((path,), where, _parquet(path, [], where=where).schema_arrow)
    if start.startswith((b"ARROW1", b"FEA1")):
        return _arrow(lambda: pyarrow.feather.read_table(path, memory_map=True), where)
    if start.startswith(b"\xff\xff\xff\xff"):
        return _arrow(lambda: pa.ipc.open_stream(content.whole()).read_all(), where)
    if start.startswith(b"SIMPLE  ="):
        return TableSource(_fits(content), where)
    if start.lstrip()[:1] in (b"|", b"\\"):
        return TableSource(_astropy(content, "ascii.ipac"), where)
    if start.startswith(b"# %ECSV"):
        return TableSource(_astropy(content, "ascii.ecsv"), where)
    if b"<VOTABLE" in start[:4096].upper():
        return TableSource(_astropy(content, "votable"), where)
    if content.is_json:
        return TableSource(_json(content), where)
    if path.suffix.lower() in (".parquet", ".pq"):
        raise DataError(
            "is not a Parquet file: it does not begin with 'PAR1'",
            where=where,
            hint="The file is damaged or something else under this name.",
        )
    return open_text(content)


def _arrow(read: Callable[[], pa.Table], where: str) -> TableSource:
    """A table in Arrow's own form."""
    return TableSource(_guarded(partial(_sound, read), where=where), where)


def is_parquet_folder(path: Path) -> bool:
    """Whether a folder holds the parts of one table: Parquet files that name their objects."""
    paths = _parts(path)
    if not paths:
        return False
    names = _parquet(paths[0], [], where=f"{path.name}/{paths[0].name}").schema_arrow.names
    wanted = roles("observation")["object_id"]
    return any(
        bare(name) in (*wanted.strong, *wanted.weak) or name.casefold() in wanted.folded for name in names
    )


def _parts(path: Path) -> list[Path]:
    """The Parquet files of a folder, without hidden ones, in the order of their names."""
    return sorted(
        file
        for pattern in ("*.parquet", "*.pq", "*.parq")
        for file in path.rglob(pattern)
        if not any(part.startswith(("_", ".")) for part in file.relative_to(path).parts)
    )


def _folder(path: Path) -> ParquetSource:
    paths = _parts(path)
    if not paths:
        raise DataError("the folder holds no Parquet files", where=str(path), hint=f"Readable: {READABLE}.")
    schema = _parquet(paths[0], [], where=f"{path.name}/{paths[0].name}").schema_arrow
    return ParquetSource(tuple(paths), path.name, schema)


def is_json_table(data: Any) -> bool:
    """Whether JSON content is a table: a list of rows, or columns by name as lists (or by row number)."""
    if isinstance(data, list):
        return bool(data) and all(isinstance(row, Mapping) for row in data)
    if not isinstance(data, Mapping) or not data:
        return False
    columns = list(data.values())
    return all(isinstance(one, list) for one in columns) or all(isinstance(one, Mapping) for one in columns)


def _json(content: Content) -> pa.Table:
    """Rows written as JSON, one a line or all of them in one list, or columns by name."""
    try:
        if content.is_json_lines or not is_json_table(data := content.json):
            return _sound(lambda: pyarrow.json.read_json(pa.BufferReader(content.whole())))
        if isinstance(data, Mapping):
            data = {
                name: list(one.values()) if isinstance(one, Mapping) else one for name, one in data.items()
            }
        return arrow_table(data, where=content.name)
    except (ValueError, pa.ArrowException, DataError) as error:
        reason = (str(getattr(error, "what", error)).splitlines() or [""])[0]
        raise DataError(
            f"is no table of JSON rows: {reason}",
            where=content.name,
            hint="Write one object a line, with the names of the columns as keys.",
        ) from error


def _astropy(content: Content, form: str) -> pa.Table:
    from astropy.table import Table

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # units and metadata that astropy does not know are kept as text
            return arrow_table(Table.read(content.path, format=form), where=content.name)
    except DataError:
        raise
    except Exception as error:  # astropy's parsers raise many kinds
        raise DataError(f"cannot be read as {form}: {error}", where=content.name) from error


def _fits(content: Content) -> pa.Table:
    """The first table of a FITS file, with its units."""
    from astropy.io import fits
    from astropy.table import Table

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(content.path) as units:
                tables = [unit for unit in units if isinstance(unit, (fits.BinTableHDU, fits.TableHDU))]
                if not tables:
                    raise DataError("the FITS file holds no table", where=content.name)
                return arrow_table(Table.read(tables[0]), where=content.name)
    except DataError:
        raise
    except Exception as error:  # truncated files fail in many ways
        raise DataError(f"cannot be read as FITS: {error}", where=content.name) from error
