"""Tables in memory of every library of the field (Arrow, pandas, polars, astropy, dicts) as Arrow tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight.errors import DataError

# Prefix of the names under which errors speak of tables that have no file.
IN_MEMORY = "table in memory"


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
    library = type(table).__module__.partition(".")[0]
    if isinstance(table, pa.Table):
        return table
    if isinstance(table, pa.RecordBatch):
        return pa.Table.from_batches([table])
    if isinstance(table, pa.RecordBatchReader):
        return table.read_all()
    if library == "astropy" or hasattr(table, "colnames"):
        return from_astropy(table, where=where)
    if hasattr(table, "iloc") and hasattr(table, "reset_index"):
        return _from_pandas(table, where=where)
    if hasattr(table, "to_arrow"):
        return pa.table(table.to_arrow())
    if isinstance(table, Mapping):
        return _from_mapping(table, where=where)
    if isinstance(table, np.ndarray) and table.dtype.names:
        return _from_mapping({name: table[name] for name in table.dtype.names}, where=where)
    if isinstance(table, Sequence) and not isinstance(table, (str, bytes)):
        if all(isinstance(row, Mapping) for row in table):
            names = dict.fromkeys(name for row in table for name in row)
            return _from_mapping({name: [row.get(name) for row in table] for name in names}, where=where)
    elif hasattr(table, "__arrow_c_stream__"):
        return pa.table(table)
    raise DataError(
        f"a {type(table).__name__} is no table",
        where=where,
        hint="Give a path, a pyarrow, pandas, polars or astropy table, a mapping of columns, or rows.",
    )


def _from_pandas(frame: Any, *, where: str) -> pa.Table:
    named = [name for name in frame.index.names if name is not None]
    if named:
        frame = frame.reset_index(level=named)
    columns = {str(name): frame[name] for name in frame.columns}
    if len(columns) != len(frame.columns):
        raise DataError("column names repeat", where=where)
    arrays = {}
    for name, column in columns.items():
        try:
            arrays[name] = pa.array(column, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
            arrays[name] = _array(list(column), name=name, where=where)
    return pa.table(arrays)


def _from_mapping(columns: Mapping[str, Any], *, where: str) -> pa.Table:
    arrays, fields = [], []
    for name, values in columns.items():
        array = _array(values, name=str(name), where=where)
        unit = getattr(values, "unit", None)
        fields.append(pa.field(str(name), array.type, metadata={"unit": str(unit)} if unit else None))
        arrays.append(array)
    lengths = {field.name: len(array) for field, array in zip(fields, arrays, strict=True)}
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"columns have unequal lengths: {shown}", where=where)
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def from_astropy(table: Any, *, where: str) -> pa.Table:
    """An astropy Table or QTable as an Arrow table; vector columns become list columns, Time becomes MJD."""
    from astropy.time import Time

    arrays, fields = [], []
    for name in table.colnames:
        column = table[name]
        metadata = {}
        if isinstance(column, Time):
            column = np.asarray(column.mjd)
        elif getattr(column, "unit", None):
            metadata["unit"] = str(column.unit)
        array = _array(column, name=name, where=where)
        arrays.append(array)
        fields.append(pa.field(name, array.type, metadata=metadata or None))
    notes = {
        str(key): str(value)
        for key, value in dict(table.meta or {}).items()
        if isinstance(value, (str, int, float)) and not isinstance(value, bool)
    }
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields, metadata=notes or None))


def _array(values: Any, *, name: str, where: str) -> pa.Array | pa.ChunkedArray:
    """One column, whatever it is held in: bytes are text, masks are nulls, byte order is native."""
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    if hasattr(values, "to_arrow"):
        return values.to_arrow()
    if hasattr(values, "iloc"):
        return pa.array(values, from_pandas=True)
    if hasattr(values, "unit") and hasattr(values, "value") and not isinstance(values, np.ma.MaskedArray):
        values = values.value
    mask = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    if isinstance(values, np.ndarray):
        return _from_numpy(np.asarray(values), mask)
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
        pass
    try:  # numbers beside text: the text is dealt with, and reported, where numbers are needed
        return pa.array([None if value is None else _word(value) for value in values], type=pa.string())
    except TypeError:
        raise DataError(
            f"column '{name}' is {type(values).__name__}; expected an array", where=where
        ) from None


def _word(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _from_numpy(values: Any, mask: Any) -> pa.Array:
    if values.ndim > 1:
        flat = values.reshape(len(values), int(np.prod(values.shape[1:])))
        width = flat.shape[1]
        inner = _from_numpy(flat.ravel(), None if mask is None else mask.reshape(-1))
        offsets = np.arange(0, (len(values) + 1) * width, max(width, 1))[: len(values) + 1]
        return pa.LargeListArray.from_arrays(pa.array(offsets.astype(np.int64)), inner)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "U":
        values = values.astype(object)
    if values.dtype.kind == "O":
        items = values if mask is None else np.where(mask, None, values)
        try:
            return pa.array(items, from_pandas=True)
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            words = [None if item is None or item != item else _word(item) for item in items]
            return pa.array(words, type=pa.string())
    values = np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))
    return pa.array(values, mask=mask)
