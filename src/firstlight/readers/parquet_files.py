"""Parquet: a file, the parts of a table in a folder, also partitioned (``key=value``), and HATS catalogs."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq

from firstlight.errors import DataError
from firstlight.notes import Notes
from firstlight.readers.delimited import CellKind
from firstlight.readers.roles import listed, roles
from firstlight.tables.columns import floats, is_text, words
from firstlight.tables.frames import one_table
from firstlight.tables.identifiers import identities
from firstlight.tables.objects import with_column

READABLE = "CSV, Parquet (file or folder), Feather or Arrow IPC, JSON lines, FITS, ECSV, VOTable"
# Rows of a piece, and how many small files it is put together from.
_PIECE, _HELD = 100_000, 512
# The directories of a HATS catalog say where on the sky a file is, nothing of its rows.
_HATS = ("Norder", "Dir", "Npix")
_PROPERTIES = ("properties", "hats.properties")
_NOT_MAIN = ("margin", "index", "association", "map")


@dataclass(frozen=True)
class ParquetSource:
    """A Parquet file, or the parts of one table in a folder, in the order of their names.

    Attributes
    ----------
    partitions : tuple of str
        Columns that stand in the paths (``band=g/part.parquet``) and not in the files.
    """

    paths: tuple[Path, ...]
    where: str
    schema: pa.Schema
    partitions: tuple[str, ...] = ()

    def read(self, wanted: Mapping[str, CellKind], notes: Notes) -> pa.Table:
        """The wanted columns as one table; text comes dictionary-encoded."""
        if len(self.paths) == 1 and not self.partitions:
            path = self.paths[0]
            file = _opened(path, self._encoded(list(wanted), wanted), where=self.where)
            return guarded(partial(sound, partial(file.read, columns=list(wanted))), where=self.where)
        batches = list(self.batches(wanted, notes))
        if not batches:
            return pa.schema([self.schema.field(name) for name in wanted]).empty_table()
        return guarded(partial(one_table, batches), where=self.where)

    def batches(self, wanted: Mapping[str, CellKind], notes: Notes) -> Iterator[pa.RecordBatch]:
        """The wanted columns in pieces of a hundred thousand rows; those of small files are put together."""
        held: list[pa.Table] = []
        rows = 0
        for table in self._tables(wanted):
            if held and (
                rows + table.num_rows > _PIECE or len(held) >= _HELD or table.schema != held[0].schema
            ):
                yield from _joined(held)
                held, rows = [], 0
            held.append(table)
            rows += table.num_rows
        if held:
            yield from _joined(held)

    def _tables(self, wanted: Mapping[str, CellKind]) -> Iterator[pa.Table]:
        """The rows of each file, with the columns that its path holds."""
        inside = [name for name in wanted if name not in self.partitions]
        for path in self.paths:
            where, values = self._where(path), partition(path)
            file = _opened(path, self._encoded(inside, wanted), where=where)
            self._check(file, path, inside)
            pieces = file.iter_batches(batch_size=_PIECE, columns=inside)
            while (batch := guarded(partial(sound, partial(next, pieces, None)), where=where)) is not None:
                table = pa.Table.from_batches([batch])
                for name in wanted:
                    if name in self.partitions:
                        column = pa.array([values.get(name)] * batch.num_rows, pa.string())
                        table = table.append_column(name, column.dictionary_encode())
                yield self._in_one_form(table.select(list(wanted)), path, wanted)

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

    def _encoded(self, inside: Sequence[str], wanted: Mapping[str, CellKind]) -> list[str]:
        """Text columns: ids and passbands repeat, so a dictionary is smaller and faster."""
        return [
            name
            for name in inside
            if wanted[name] in ("id", "text") and is_text(self.schema.field(name).type)
        ]

    def _check(self, file: pq.ParquetFile, path: Path, wanted: Sequence[str]) -> None:
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


def sound(read: Callable[[], Any]) -> Any:
    """What `read` gives, its names, offsets and text checked: a damaged file must not be found by a crash."""
    table = read()
    if table is not None:
        table.validate(full=True)
        str(table.schema.names)
    return table


def guarded(work: Callable[[], Any], *, where: str) -> Any:
    """What `work` gives; what goes wrong in it means that the file is damaged."""
    try:
        return work()
    except (pa.ArrowException, OSError, EOFError, UnicodeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(
            f"cannot be read: {first}", where=where, hint="The file is damaged or was not written to its end."
        ) from error


def _opened(path: Path, encoded: list[str], *, where: str) -> pq.ParquetFile:
    def opening() -> pq.ParquetFile:
        file = pq.ParquetFile(path, read_dictionary=encoded, memory_map=True)
        str(file.schema_arrow.names)  # damaged names fail here
        return file

    return guarded(opening, where=where)


def _joined(tables: list[pa.Table]) -> Iterator[pa.RecordBatch]:
    table = tables[0] if len(tables) == 1 else pa.concat_tables(tables).combine_chunks()
    yield from table.to_batches()


def parquet_file(path: Path, where: str) -> ParquetSource:
    """One file."""
    return ParquetSource((path,), where, _opened(path, [], where=where).schema_arrow)


def is_parquet_folder(path: Path) -> bool:
    """Whether a folder holds the parts of one table: Parquet files that name their objects."""
    if not any(_files(path)):
        return False
    return any(map(roles("observation")["object_id"].answers_to, parquet_folder(path).schema.names))


def parquet_folder(path: Path) -> ParquetSource:
    """The table whose parts stand in a folder.

    Raises
    ------
    DataError
        When there are none, or several catalogs.
    """
    paths = _main_catalog(path, sorted(_files(path)))
    if not paths:
        raise DataError("the folder holds no Parquet files", where=str(path), hint=f"Readable: {READABLE}.")
    schema = _opened(paths[0], [], where=f"{path.name}/{paths[0].name}").schema_arrow
    found = partition(paths[0].relative_to(path))
    keys = tuple(key for key in found if key not in schema.names)
    for key in keys:
        schema = schema.append(pa.field(key, pa.string()))
    return ParquetSource(tuple(paths), path.name, schema, keys)


def _files(path: Path) -> Iterator[Path]:
    """The Parquet files of a folder, without hidden ones."""
    for file in path.rglob("*"):
        parts = file.relative_to(path).parts
        if file.suffix in (".parquet", ".pq", ".parq") and not any(
            part.startswith(("_", ".")) for part in parts
        ):
            yield file


def partition(path: Path) -> dict[str, str | None]:
    """What the directories of a path say of the rows of its file, as ``key=value``."""
    pairs = [part.partition("=") for part in path.parts[:-1] if "=" in part]
    return {
        key: None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value)
        for key, _, value in pairs
        if key not in _HATS
    }


def _main_catalog(folder: Path, paths: list[Path]) -> list[Path]:
    """Of a HATS catalog or collection the files of its main table: no thumbnail, margin or index."""
    pixels = [path for path in paths if any(part.startswith("Npix=") for part in path.parts)]
    if not pixels:
        return paths
    primary = _property(folder / "collection.properties", "hats_primary_table_url")
    if primary is not None:
        own = folder / primary.strip("/")
        return [path for path in pixels if path.is_relative_to(own)]
    roots = {path: _root(path) for path in pixels}
    main = [path for path in pixels if not _is_margin(roots[path])] or pixels
    several = sorted({roots[path].name for path in main})
    if len({roots[path] for path in main}) > 1:
        raise DataError(
            f"holds {len(several)} catalogs: {listed(several)}",
            where=folder.name,
            hint="Name the one to read.",
        )
    return main


def _root(path: Path) -> Path:
    """The folder of the catalog that a file with a pixel belongs to."""
    above = next(place for place in path.parents if not re.match(r"(Norder|Dir|Npix)=", place.name))
    return above.parent if above.name == "dataset" else above


def _is_margin(root: Path) -> bool:
    kinds = [_property(root / name, "dataproduct_type") for name in _PROPERTIES]
    kind = next((kind for kind in kinds if kind), root.name).lower()
    return any(word in kind for word in _NOT_MAIN)


def _property(path: Path, key: str) -> str | None:
    """A line ``key=value`` of a file of properties."""
    if not path.is_file():
        return None
    pairs = (line.partition("=") for line in path.read_text("utf-8", "replace").splitlines())
    return next((value.strip() for name, _, value in pairs if name.strip() == key and value.strip()), None)
