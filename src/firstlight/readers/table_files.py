"""Where a table comes from: Parquet, delimited text, Arrow, JSON, FITS, ECSV, VOTable, or memory."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.feather
import pyarrow.json

from firstlight.errors import DataError
from firstlight.notes import Notes
from firstlight.readers.content import Content
from firstlight.readers.delimited import CellKind, open_text
from firstlight.readers.foreign_files import refuse_foreign
from firstlight.readers.parquet_files import guarded, parquet_file, parquet_folder, sound
from firstlight.readers.roles import listed, roles
from firstlight.readers.tables_in_memory import table_in_memory
from firstlight.tables.frames import IN_MEMORY, arrow_table


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
        return parquet_folder(path)
    start = content.head
    if start.startswith(b"PAR1"):
        return parquet_file(path, where)
    if start.startswith((b"ARROW1", b"FEA1")):
        return _arrow(lambda: pyarrow.feather.read_table(path, memory_map=True), where)
    if start.startswith(b"\xff\xff\xff\xff"):
        return _arrow(lambda: pa.ipc.open_stream(content.whole()).read_all(), where)
    if start.startswith(b"SIMPLE  ="):
        return _fits(content)
    if start.lstrip()[:1] in (b"|", b"\\"):
        return TableSource(_astropy(content, "ascii.ipac"), where)
    if start.startswith(b"# %ECSV"):
        return TableSource(_astropy(content, "ascii.ecsv"), where)
    if b"<VOTABLE" in start[:4096].upper():
        return TableSource(_astropy(content, "votable"), where)
    if content.is_json:
        return TableSource(_json(content), where)
    refuse_foreign(content)
    if path.suffix.lower() in (".parquet", ".pq"):
        raise DataError(
            "is not a Parquet file: it does not begin with 'PAR1'",
            where=where,
            hint="The file is damaged or something else under this name.",
        )
    return open_text(content)


def _arrow(read: Callable[[], pa.Table], where: str) -> TableSource:
    """A table in Arrow's own form."""
    return TableSource(guarded(partial(sound, read), where=where), where)


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
            return sound(lambda: pyarrow.json.read_json(pa.BufferReader(content.whole())))
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


def _fits(content: Content) -> TableSource:
    """The table of a FITS file that holds light curves, with its units; pairs of Time are days."""
    from astropy.io import fits
    from astropy.table import Table

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(content.path) as units:
                tables = [unit for unit in units if isinstance(unit, (fits.BinTableHDU, fits.TableHDU))]
                if not tables:
                    raise DataError("the FITS file holds no table", where=content.name)
                chosen = _of_light_curves(tables, content.name)
                where = content.name if chosen is tables[0] else f"{content.name}[{chosen.name}]"
                return TableSource(arrow_table(Table.read(chosen, astropy_native=True), where=where), where)
    except DataError:
        raise
    except Exception as error:  # truncated files fail in many ways
        raise DataError(f"cannot be read as FITS: {error}", where=content.name) from error


def _of_light_curves(tables: Sequence[Any], where: str) -> Any:
    """The first of several tables that has the columns of light curves, else the first with object ids."""
    if len(tables) == 1:
        return tables[0]
    names = [list(table.columns.names) for table in tables]
    for wanted in (("time", "passband", "flux"), ("time", "passband", "mag"), ("object_id",)):
        for table, own in zip(tables, names, strict=True):
            if all(any(roles("observation")[role].answers_to(name) for name in own) for role in wanted):
                return table
    shown = "; ".join(
        f"{table.name or 'unnamed'}: {listed(own, 6)}" for table, own in zip(tables, names, strict=True)
    )
    raise DataError(
        f"{len(tables)} tables, none with the columns of light curves ({shown})",
        where=where,
        hint="Write the light curves as a file of their own.",
    )
