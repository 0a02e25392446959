"""One row an object: the first of what is known, conflicts refused, and tables joined by object id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight._types import Bools, Ints
from firstlight.errors import Arg, DataError
from firstlight.notes import Notes
from firstlight.tables.columns import floats
from firstlight.tables.frames import arrow_table
from firstlight.tables.identifiers import as_text, identifiers

NUMBERS = ("redshift", "redshift_err", "photoz", "photoz_err", "mwebv", "ra", "dec", "trigger_mjd")
"""Metadata that are float64 with NaN for missing; every other column passes through."""
_POSITION = ("ra", "dec")


@dataclass(frozen=True)
class Objects:
    """What a table knows of objects.

    Attributes
    ----------
    table : pa.Table
        ``object_id`` (strings, distinct) and metadata by name, null where not known.
    where : str
        The table they come from, for errors.
    columns : tuple of str
        All columns of that table, also those that were not read.
    """

    table: pa.Table
    where: str = "the table of objects"
    columns: tuple[str, ...] = ()

    @property
    def ids(self) -> pa.Array:
        """The object ids."""
        return one_array(self.table.column("object_id"))

    def select(self, ids: pa.Array) -> pa.Table:
        """The metadata of those of the given ids that are known, in their order."""
        return self.table.take(pc.drop_null(pc.index_in(ids, value_set=self.ids)))


def one_array(column: pa.ChunkedArray) -> pa.Array:
    """The values of a column of a table as one array."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], type=column.type)


def with_column(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """The table with a column replaced, or appended where it is new."""
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


def object_table(objects: Any) -> pa.Table:
    """Metadata as an Arrow table with a string `object_id`; from a table of any library or a mapping."""
    table = objects if isinstance(objects, pa.Table) else arrow_table(objects, where="objects")
    table = table.replace_schema_metadata(None)
    if "object_id" not in table.column_names:
        raise DataError(f"no column object_id. Found: {', '.join(table.column_names)}", where="objects")
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in NUMBERS and column.type != pa.float64():
            table = with_column(table, name, pa.array(floats(column, name)))
        elif pa.types.is_dictionary(column.type):  # categories: values can then be compared
            table = with_column(table, name, column.cast(column.type.value_type))
    return with_column(table, "object_id", as_text(identifiers(table.column("object_id"))))


def first_rows(valid: Bools, codes: Ints, n: int) -> Ints:
    """Row of the first valid value of each of n objects, -1 where there is none."""
    first = np.full(n, -1, dtype=np.int64)
    rows = np.flatnonzero(valid & (codes >= 0))[::-1]
    first[codes[rows]] = rows  # the last assignment wins, and rows run backwards
    return first


def settled(
    column: Any, name: str, codes: Ints, ids: pa.Array, *, role: str = "", where: str = ""
) -> pa.Array:
    """One value an object: the first that is there.

    Parameters
    ----------
    column : float64 array, pa.Array or pa.ChunkedArray, length N
        Floats are numbers of the sky: two printings of one float32 are one value. Anything else is compared
        as it is, lists not at all.
    name : str
        Of the column, for errors.
    codes : int64 array, shape (N,)
        Position in `ids` of each row's object, -1 for none.
    ids : pa.Array
    role : str
        What the column is read as; positions may scatter.
    where : str

    Raises
    ------
    DataError
        When an object has two values.
    """
    if isinstance(column, np.ndarray):
        valid = np.isfinite(column)
        first = first_rows(valid, codes, len(ids))
        single = np.where(first >= 0, column[first], np.nan) if len(column) else np.full(len(ids), np.nan)
        if role not in _POSITION:
            rows = np.flatnonzero(valid & (codes >= 0))
            reference = single[codes[rows]]
            differs = np.abs(column[rows] - reference) > 1e-6 * np.maximum(np.abs(reference), 1e-3)
            _refuse(rows[differs], column, first, name, codes, ids, role, where)
        return pa.array(single, from_pandas=True)
    column = one_array(column) if isinstance(column, pa.ChunkedArray) else column
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type):
        column = pc.if_else(pc.equal(column, ""), None, column)
    valid = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    first = first_rows(valid, codes, len(ids))
    if not pa.types.is_nested(column.type) and role not in _POSITION:
        keys = pc.fill_null(column.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(valid & (codes >= 0))
        _refuse(rows[keys[rows] != keys[first[codes[rows]]]], column, first, name, codes, ids, role, where)
    return column.take(pa.array(first, mask=first < 0))


def _refuse(
    rows: Ints, column: Any, first: Ints, name: str, codes: Ints, ids: pa.Array, role: str, where: str
) -> None:
    """Raise for the first of `rows`, whose values differ from the first of their object."""
    if not len(rows):
        return
    row, code = int(rows[0]), int(codes[rows[0]])
    pair = [column[int(first[code])], column[row]]
    one, other = [value.as_py() if isinstance(value, pa.Scalar) else value for value in pair]
    leave: tuple[str | Arg, ...] = (
        (", or leave the column out (", Arg("columns", {role: None}), ")") if role else ()
    )
    raise DataError(
        f"object '{ids[code].as_py()}' has two values of '{name}': {one} and {other}",
        where=where,
        hint=("Two objects under one id? Correct it", *leave, "."),
    )


def one_row_each(table: pa.Table) -> pa.Table:
    """A row for every id, in the order in which ids come first.

    Raises
    ------
    DataError
        Where an id has two values of one column.
    """
    encoded = one_array(table.column("object_id")).dictionary_encode()
    ids, codes = encoded.dictionary, np.asarray(encoded.indices, dtype=np.int64)
    if len(ids) == len(table):
        return table
    single = {"object_id": ids}
    for name in table.column_names:
        if name != "object_id":
            column = table.column(name)
            values = floats(column, name) if name in NUMBERS else column
            single[name] = settled(values, name, codes, ids, where="objects")
    return pa.table(single)


def match(names: pa.Array, table: pa.Table) -> tuple[Ints, Ints]:
    """Where each of `names` stands in `table` (-1: nowhere), and the rows that no name asks for."""
    found = pc.index_in(names, value_set=one_array(table.column("object_id")))
    rows = np.asarray(pc.fill_null(found, -1), dtype=np.int64)
    unused = np.ones(len(table), bool)
    unused[rows[rows >= 0]] = False
    return rows, np.flatnonzero(unused)


def join(one: pa.Table, other: Objects, notes: Notes) -> pa.Table:
    """Metadata of two tables by object id: ids of `one` first, then those that only `other` knows.

    Ids in one table only are told to `notes`, whose place is that of `one`.

    Raises
    ------
    DataError
        When both know a property of an object and disagree.
    """
    ids = one_array(one.column("object_id"))
    rows, unused = match(ids, other.table)
    extra = other.ids.take(pa.array(unused))
    missing = ids.filter(pa.array(rows < 0))
    for names, text in (
        (missing, f"in {notes.where} are not in {other.where}"),
        (extra, f"in {other.where} have no photometry in {notes.where}: kept as objects without data"),
    ):
        if len(names):
            notes.say(f"{len(names):,} ids {text} (first: {', '.join(names[:3].to_pylist())})")
    ids = pa.concat_arrays([ids, extra])
    place = np.asarray(pc.index_in(other.ids, value_set=ids).to_numpy(zero_copy_only=False), dtype=np.int64)
    both = ((one, np.arange(len(one))), (other.table, place))
    columns = {"object_id": ids}
    for name in dict.fromkeys((*one.column_names, *other.table.column_names)):
        if name == "object_id":
            continue
        parts = [(one_array(part.column(name)), code) for part, code in both if name in part.column_names]
        kinds = {part.type for part, _ in parts}
        kind = kinds.pop() if len(kinds) == 1 else pa.string()
        column = pa.concat_arrays([part.cast(kind) for part, _ in parts])
        codes = np.concatenate([code for _, code in parts])
        number = pa.types.is_floating(kind)
        values, role = (floats(column, name), name) if number else (column, "")
        columns[name] = settled(values, name, codes, ids, role=role, where=f"{notes.where} and {other.where}")
    return pa.table(columns)


def stack(tables: Iterable[pa.Table]) -> pa.Table:
    """Tables below each other; what one of them lacks is missing there, with NaN among the numbers."""
    table = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    for name in NUMBERS:
        if name in table.column_names:
            table = with_column(table, name, pc.fill_null(table.column(name), np.nan))
    return table


def same_tables(one: pa.Table, other: pa.Table) -> bool:
    """Whether two tables hold the same columns in the same order; null and NaN are one."""
    if one.column_names != other.column_names or one.num_rows != other.num_rows:
        return False
    return all(_same(one.column(name), other.column(name)) for name in one.column_names)


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    if one.type != other.type:
        return False
    if pa.types.is_nested(one.type):
        return bool(one.equals(other))
    equal = pc.fill_null(pc.equal(one, other), False)
    both_null = pc.and_(pc.is_null(one, nan_is_null=True), pc.is_null(other, nan_is_null=True))
    return bool(pc.all(pc.or_(equal, both_null), min_count=0).as_py())


def refuse_repeated(names: pa.ChunkedArray) -> None:
    """Raise DataError when an object stands in two parts."""
    counts = pc.value_counts(one_array(names))
    repeated = pc.filter(counts.field("values"), pc.greater(counts.field("counts"), 1))
    if len(repeated):
        more = f", and {len(repeated) - 1:,} others" if len(repeated) > 1 else ""
        raise DataError(
            f"stands in more than one part{more}",
            where=f"object '{repeated[0].as_py()}'",
            hint="Read all its observations together with from_columns.",
        )
