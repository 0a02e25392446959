"""Nested columns, one light curve a row: lists, structs of lists and lists of structs, laid end to end."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight._types import Ints
from firstlight.errors import DataError
from firstlight.tables.columns import storage

_LISTS = ("is_list", "is_large_list", "is_fixed_size_list")


def is_list(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's for lists."""
    return any(getattr(pa.types, name)(kind) for name in _LISTS)


def inner_fields(kind: pa.DataType) -> pa.Schema | None:
    """The fields of a nested light curve: of a struct of lists or of a list of structs, else None."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_struct(kind) and kind.num_fields and all(is_list(field.type) for field in kind):
        return pa.schema([field.with_type(field.type.value_type) for field in kind])
    if is_list(kind) and pa.types.is_struct(kind.value_type):
        return pa.schema(list(kind.value_type))
    return None


def unnested(column: pa.ChunkedArray, name: str, *, where: str = "") -> dict[str, pa.ChunkedArray]:
    """The fields of a nested column, each as a column of lists.

    Raises
    ------
    DataError
        When it is neither a struct of lists nor a list of structs.
    """
    column = storage(column)
    fields = inner_fields(column.type)
    if fields is None:
        raise DataError(
            f"column '{name}' is {column.type}, not a list of structs or a struct of lists",
            where=where,
            hint="Expected a nested light curve.",
        )
    if pa.types.is_struct(column.type):
        return {field.name: pc.struct_field(column, [k]) for k, field in enumerate(fields)}
    parts = [_field_lists(chunk) for chunk in column.chunks]
    return {
        field.name: pa.chunked_array([part[k] for part in parts], type=pa.large_list(field.type))
        for k, field in enumerate(fields)
    }


def _field_lists(chunk: pa.Array) -> list[pa.Array]:
    """The fields of a list of structs as list arrays."""
    lengths = np.asarray(pc.fill_null(pc.list_value_length(chunk), 0).to_numpy(zero_copy_only=False))
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]))
    values = pc.list_flatten(chunk)
    return [
        pa.LargeListArray.from_arrays(offsets, pc.struct_field(values, [k]))
        for k in range(values.type.num_fields)
    ]


def flattened(
    lists: Mapping[str, pa.ChunkedArray], ids: pa.ChunkedArray, *, where: str = ""
) -> tuple[dict[str, pa.ChunkedArray], Ints]:
    """Columns of lists end to end, and how many entries each object has; a missing list is an empty one.

    Raises
    ------
    DataError
        When the lists of an object differ in length.
    """
    first, counts = "", np.zeros(len(ids), dtype=np.int64)
    for name, column in lists.items():
        lengths = np.asarray(pc.fill_null(pc.list_value_length(column), 0).to_numpy(), dtype=np.int64)
        if not first:
            first, counts = name, lengths
        elif not np.array_equal(counts, lengths):
            row = int(np.flatnonzero(counts != lengths)[0])
            raise DataError(
                f"object '{ids[row].as_py()}': lists of unequal length: "
                f"'{first}' has {counts[row]}, '{name}' has {lengths[row]}",
                where=where,
            )
    return {name: pc.list_flatten(column) for name, column in lists.items()}, counts
