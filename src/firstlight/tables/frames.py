"""Tables of every library of the field (pandas, polars, astropy, mappings) as Arrow tables, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight.errors import DataError, MissingExtraError
from firstlight.tables.columns import as_arrow, is_text

TIME_SYSTEM = b"time_system"
"""Key in the metadata of a column of times that says what its days count from."""
IN_MEMORY = "table in memory"
"""The place that errors name for tables that have no file."""


def arrow_table(table: Any, *, where: str = IN_MEMORY) -> pa.Table:
    """A table of any kind as an Arrow table; units of astropy columns go into field metadata.

    Parameters
    ----------
    table : pyarrow, pandas, polars, nested-pandas or astropy table, mapping of columns, or list of rows
        Named index levels of pandas become columns.

    Raises
    ------
    DataError
        When it is no table, or its columns differ in length.
    """
    if isinstance(table, pa.Table):
        return table
    if hasattr(table, "collect_schema") and hasattr(table, "collect"):  # a LazyFrame of polars
        table = table.collect()
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if isinstance(table, pa.RecordBatchReader):
        return table.read_all()
    if hasattr(table, "colnames"):
        return _from_astropy(table, where=where)
    if hasattr(table, "iloc") and hasattr(table, "reset_index"):
        named = [name for name in table.index.names if name is not None]
        frame = table.reset_index(level=named) if named else table
        if not frame.columns.map(str).is_unique:
            raise DataError("column names repeat", where=where)
        told = _texts(getattr(frame, "attrs", {}))
        return _from_columns({name: frame[name] for name in frame.columns}, where=where, metadata=told)
    if hasattr(table, "to_arrow"):
        return table.to_arrow()
    if isinstance(table, Mapping):
        return _from_columns(table, where=where)
    if isinstance(table, np.ndarray) and table.dtype.names:
        return _from_columns({name: table[name] for name in table.dtype.names}, where=where)
    if isinstance(table, Sequence) and all(isinstance(row, Mapping) for row in table):
        names = dict.fromkeys(name for row in table for name in row)
        return _from_columns({name: [row.get(name) for row in table] for name in names}, where=where)
    if hasattr(table, "__arrow_c_stream__"):
        return pa.table(table)
    raise DataError(
        f"a {type(table).__name__} is no table",
        where=where,
        hint="Give a path, a pyarrow, pandas, polars or astropy table, a mapping of columns, or rows.",
    )


def _from_columns(columns: Mapping[Any, Any], *, where: str, metadata: Any = None) -> pa.Table:
    arrays, fields = [], []
    for name, values in columns.items():
        array, unit = as_arrow(values, str(name), where=where), getattr(values, "unit", None)
        arrays.append(array)
        fields.append(pa.field(str(name), array.type, metadata={"unit": str(unit)} if unit else None))
    if len({len(array) for array in arrays}) > 1:
        shown = ", ".join(f"{field.name} {len(array)}" for field, array in zip(fields, arrays, strict=True))
        raise DataError(f"columns have unequal lengths: {shown}", where=where)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=metadata))


def _from_astropy(table: Any, *, where: str) -> pa.Table:
    """An astropy Table or QTable; vector columns become list columns, Time becomes MJD."""
    from astropy.time import Time

    columns = {name: table[name] for name in table.colnames}
    times = {name: one for name, one in columns.items() if isinstance(one, Time)}
    columns |= {name: np.asarray(np.ma.filled(one.mjd, np.nan)) for name, one in times.items()}
    read = _from_columns(columns, where=where, metadata=_texts(table.meta))
    for name in times:  # whatever the column is called
        position = read.schema.get_field_index(name)
        known = read.schema.field(position).with_metadata({TIME_SYSTEM: b"mjd"})
        read = read.set_column(position, known, read.column(position))
    return read


def _texts(metadata: Mapping[Any, Any] | None) -> dict[str, str] | None:
    """The metadata of a table that are text or a number, as Arrow keeps them."""
    told = {
        str(key): str(value)
        for key, value in dict(metadata or {}).items()
        if isinstance(value, (str, int, float, np.integer, np.floating)) and not isinstance(value, bool)
    }
    return told or None


def one_table(parts: Sequence[pa.RecordBatch | pa.Table]) -> pa.Table:
    """Parts as one table; a column that is text in one of them is text in all."""
    tables = [part if isinstance(part, pa.Table) else pa.Table.from_batches([part]) for part in parts]
    for position, name in enumerate(tables[0].column_names):
        if len({is_text(table.schema.field(position).type) for table in tables}) > 1:
            tables = [
                table.set_column(position, name, table.column(position).cast(pa.string())) for table in tables
            ]
    return pa.concat_tables(tables, promote_options="permissive")


def library(name: str, *, where: str) -> Any:
    """An optional library of data frames.

    Raises
    ------
    MissingExtraError
        When it is not installed.
    """
    from importlib import import_module

    try:
        return import_module(name.replace("-", "_"))
    except ImportError:
        raise MissingExtraError(name, "frames", where=where) from None


def to_pandas(table: pa.Table, *, where: str) -> Any:
    """A data frame in which integers and truth values with missing entries stay what they are."""
    pandas = library("pandas", where=where)
    nullable = {pa.bool_(): pandas.BooleanDtype()}
    for bits in (8, 16, 32, 64):
        nullable[getattr(pa, f"int{bits}")()] = getattr(pandas, f"Int{bits}Dtype")()
        nullable[getattr(pa, f"uint{bits}")()] = getattr(pandas, f"UInt{bits}Dtype")()
    columns = {}
    for name in table.column_names:
        column = table.column(name)
        columns[name] = column.to_pandas(types_mapper=nullable.get if column.null_count else None)
    return pandas.DataFrame(columns)


def to_astropy(table: pa.Table, units: Mapping[str, str] | None = None) -> Any:
    """An astropy table with units; columns with missing entries are masked, floats NaN there."""
    from astropy.table import Column, Table

    units = units or {}
    columns = {name: _from_arrow(table.column(name)) for name in table.column_names}
    return Table(
        {k: Column(values, unit=units[k]) if k in units else values for k, values in columns.items()}
    )


def _from_arrow(column: pa.ChunkedArray) -> Any:
    """A NumPy array, masked where entries are missing."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    mask = np.asarray(pc.is_null(column).to_numpy())
    kind = column.type
    if pa.types.is_floating(kind):
        return np.asarray(pc.fill_null(column, np.nan).to_numpy())
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        values = np.array([value or "" for value in column.to_pylist()], dtype=str)
    elif pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        values = np.asarray(pc.fill_null(column, False if pa.types.is_boolean(kind) else 0).to_numpy())
    else:
        values = np.empty(len(column), dtype=object)
        values[:] = column.to_pylist()
    return np.ma.array(values, mask=mask) if mask.any() else values


def in_unit(table: pa.Table, units: Mapping[str, str]) -> pa.Table:
    """The table with the columns of `units` in these units, where their fields state another one.

    Raises
    ------
    DataError
        When a column has a unit of another kind.
    """
    for position, field in enumerate(table.schema):
        given, wanted = (field.metadata or {}).get(b"unit"), units.get(field.name)
        if given is None or wanted is None:
            continue
        from astropy.units import Unit, UnitConversionError

        try:
            factor = Unit(given.decode()).to(Unit(wanted))
        except (UnitConversionError, ValueError) as error:
            what = f"has the unit {given.decode()}, not one of {wanted}"
            raise DataError(what, where=f"column '{field.name}'") from error
        if factor != 1:
            table = table.set_column(position, field.name, pc.multiply(table.column(position), factor))
    return table
