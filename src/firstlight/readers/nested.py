"""Nested tables, one row an object: list columns, structs of lists or lists of structs made long."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firstlight.errors import DataError
from firstlight.readers.columns import listed, match, roles

_LISTS = ("is_list", "is_large_list", "is_fixed_size_list")


def _is_list(kind: pa.DataType) -> bool:
    return any(getattr(pa.types, name)(kind) for name in _LISTS)


def _inner(kind: pa.DataType) -> pa.Schema | None:
    """The fields of a nested light curve: of a struct of lists or of a list of structs, else None."""
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    if pa.types.is_struct(kind) and all(_is_list(field.type) for field in kind) and kind.num_fields:
        return pa.schema([field.with_type(field.type.value_type) for field in kind])
    if _is_list(kind) and pa.types.is_struct(kind.value_type):
        return pa.schema(list(kind.value_type))
    return None


def nested_column(
    schema: pa.Schema, *, chosen: Mapping[str, str | None], where: str, report: list[str]
) -> str | None:
    """The column that holds whole light curves, or None where there is none.

    Raises
    ------
    DataError
        When several columns hold a light curve.
    """
    if chosen.get("nested"):
        return chosen["nested"]
    candidates = []
    for field in schema:
        inner = _inner(field.type)
        if inner is not None:
            names = [name for name in (*roles("observation")["time"].strong, "time") if name in inner.names]
            if names:
                candidates.append(field.name)
    if len(candidates) > 1:
        raise DataError(
            f"{len(candidates)} columns hold light curves: {listed(candidates)}",
            where=where,
            hint="Name the one to read: --nested NAME (columns={'nested': NAME}).",
        )
    return candidates[0] if candidates else None


def is_nested(schema: pa.Schema, *, chosen: Mapping[str, str | None], where: str) -> bool:
    """Whether a table holds one row an object."""
    if chosen.get("nested") or nested_column(schema, chosen=chosen, where=where, report=[]) is not None:
        return True
    lists = [field.name for field in schema if _is_list(field.type)]
    time = roles("observation")["time"]
    wanted = chosen.get("time")
    return any(name == wanted or name in (*time.strong, *time.weak) for name in lists)


def flatten(
    table: pa.Table, *, chosen: Mapping[str, str | None], where: str, report: list[str]
) -> tuple[pa.Table, pa.Table, str]:
    """The rows of a nested table as a long table, its plain columns as another, and the column of the id.

    The long table repeats the object id; a null or empty list gives no row.

    Raises
    ------
    DataError
        When the lists of an object differ in length.
    """
    plain_names = [
        field.name for field in table.schema if _inner(field.type) is None and not _is_list(field.type)
    ]
    found = match(plain_names, "observation", chosen=chosen, where=where, report=report)
    if "object_id" not in found:
        raise DataError(
            f"no object id column beside the light curves. Found: {listed(table.column_names)}",
            where=where,
            hint="Name it: --object-id NAME (columns={'object_id': NAME}).",
        )
    id_name = found["object_id"]
    nested = nested_column(table.schema, chosen=chosen, where=where, report=report)
    lists = _lists_of(table, nested, where=where)
    played = match(
        [field.name for field, _ in lists], "observation", chosen=chosen, where=where, report=report
    )
    lists = [(field, column) for field, column in lists if field.name in played.values()]
    lengths = _common_lengths(lists, table.column(id_name), where=where)
    owner = np.repeat(np.arange(table.num_rows), lengths)
    fields = [table.schema.field(id_name)]
    columns = [table.column(id_name).take(pa.array(owner))]
    for field, column in lists:
        if field.name == id_name:
            continue
        fields.append(field)
        columns.append(pc.list_flatten(column))
    # Per-object columns that describe observations, e.g. one survey or passband for a whole row.
    for role in ("survey", "passband", "zero_point", "magsys"):
        if role in found and found[role] not in [field.name for field in fields]:
            fields.append(table.schema.field(found[role]))
            columns.append(table.column(found[role]).take(pa.array(owner)))
    long = pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata=table.schema.metadata))
    return long, table.select([name for name in plain_names if name not in _observed(found)]), id_name


def _observed(found: Mapping[str, str]) -> set[str]:
    return {column for role, column in found.items() if role != "object_id"}


def _lists_of(table: pa.Table, nested: str | None, *, where: str) -> list[tuple[pa.Field, pa.ChunkedArray]]:
    """The list columns of a table, taken out of the nested column where there is one."""
    if nested is None:
        return [
            (field.with_type(field.type.value_type), column)
            for field, column in zip(table.schema, table.columns, strict=True)
            if _is_list(field.type)
        ]
    column = table.column(nested)
    if isinstance(column.type, pa.BaseExtensionType):
        column = pa.chunked_array([chunk.storage for chunk in column.chunks], type=column.type.storage_type)
    inner = _inner(column.type)
    if inner is None:
        raise DataError(f"column '{nested}' is {column.type}; expected a nested light curve", where=where)
    if pa.types.is_struct(column.type):
        return [(field, pc.struct_field(column, [index])) for index, field in enumerate(inner)]
    chunks = [[_field_lists(chunk, index) for chunk in column.chunks] for index in range(len(inner))]
    kinds = [pa.large_list(field.type) for field in inner]
    pairs = zip(inner, chunks, kinds, strict=True)
    return [(field, pa.chunked_array(parts, type=kind)) for field, parts, kind in pairs]


def _field_lists(chunk: pa.Array, index: int) -> pa.Array:
    """One field of a list of structs as a list array."""
    lengths = np.asarray(pc.fill_null(pc.list_value_length(chunk), 0).to_numpy(zero_copy_only=False))
    offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
    values = pc.struct_field(pc.list_flatten(chunk), [index])
    return pa.LargeListArray.from_arrays(pa.array(offsets), values)


def _common_lengths(
    lists: list[tuple[pa.Field, pa.ChunkedArray]], ids: pa.ChunkedArray, *, where: str
) -> NDArray[np.int64]:
    first_name, first = "", np.zeros(len(ids), dtype=np.int64)
    for field, column in lists:
        counts = pc.fill_null(pc.list_value_length(column), 0)
        lengths = np.asarray(counts.to_numpy(), dtype=np.int64)
        if not first_name:
            first_name, first = field.name, lengths
        elif not np.array_equal(first, lengths):
            row = int(np.flatnonzero(first != lengths)[0])
            raise DataError(
                f"object '{ids[row].as_py()}': lists of unequal length: "
                f"'{first_name}' has {first[row]}, '{field.name}' has {lengths[row]}",
                where=where,
            )
    return first
