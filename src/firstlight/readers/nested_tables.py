"""Nested tables, one row an object: the light curves inside made long, the rest read as metadata."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight.lightcurves.photometry import Photometry
from firstlight.notes import Notes
from firstlight.readers.joining import gather, scatter_flags
from firstlight.readers.long_tables import Options, plan
from firstlight.readers.roles import listed, match, named, roles
from firstlight.readers.table_files import TableSource
from firstlight.tables.identifiers import identities
from firstlight.tables.nested import flattened, inner_fields, is_list, unnested
from firstlight.tables.objects import Objects, join

# What one value may say of all observations of a row.
_SHARED = ("survey", "passband", "zero_point", "magsys")


def is_nested(schema: pa.Schema, notes: Notes, *, chosen: Mapping[str, str | None]) -> bool:
    """Whether a table holds one row an object."""
    if _nested_column(schema, notes, chosen=chosen) is not None:
        return True
    time, wanted = roles("observation")["time"], chosen.get("time")
    lists = [field.name for field in schema if is_list(field.type)]
    return any(name == wanted or name in (*time.strong, *time.weak) for name in lists)


def _nested_column(schema: pa.Schema, notes: Notes, *, chosen: Mapping[str, str | None]) -> str | None:
    """The column that holds whole light curves, or None where there is none."""
    if chosen.get("nested"):
        return chosen["nested"]
    times = (*roles("observation")["time"].strong, "time")
    fields = {field.name: inner_fields(field.type) for field in schema}
    candidates = [name for name, inner in fields.items() if inner and not set(times).isdisjoint(inner.names)]
    if len(candidates) > 1:
        raise notes.error(
            f"{len(candidates)} columns hold light curves: {listed(candidates)}",
            hint=("Name the one to read: ", named("nested"), "."),
        )
    return candidates[0] if candidates else None


def from_nested(
    table: pa.Table, options: Options, notes: Notes, *, object_names: tuple[str, ...] = ()
) -> Photometry:
    """All rows of a nested table; its plain columns are metadata of the objects."""
    chosen = options.chosen(table.column_names)
    long, per_object, id_name = _made_long(table, notes, chosen=chosen)
    inner = replace(options, label=None, columns={k: v for k, v in chosen.items() if k != "nested"})
    outside = (*per_object.column_names, *object_names)
    settled = plan(TableSource(long, notes.where), inner, notes, object_names=outside)
    photometry = settled.photometry(long.select(list(settled.wanted)), notes)
    codes, ids = identities(per_object.column(id_name), id_name, notes)
    here = {k: column for k, column in chosen.items() if column is None or column in per_object.column_names}
    known = match(per_object.column_names, "object", notes, chosen=here)
    objects, scattered = gather(per_object, known, codes, ids, notes)
    # Ids of rows with empty lists follow those with observations: put all into the order of the table.
    place = pc.index_in(photometry.object_id.dictionary, value_set=ids)
    rows = pa.DictionaryArray.from_arrays(place.cast(pa.int64()).take(photometry.object_id.indices), ids)
    joined = join(objects, Objects(photometry.objects, notes.where), Notes(notes.where))
    flags = scatter_flags(np.asarray(rows.indices), scattered) if scattered.any() else None
    return replace(photometry, object_id=rows, objects=joined, flags=flags)


def _made_long(
    table: pa.Table, notes: Notes, *, chosen: Mapping[str, str | None]
) -> tuple[pa.Table, pa.Table, str]:
    """The rows of a nested table as a long table, its plain columns as another, and the column of the id.

    The long table repeats the object id; a null or empty list gives no row.
    """
    schema = table.schema
    beside = [field.name for field in schema if inner_fields(field.type) is None and not is_list(field.type)]
    found = match(beside, "observation", notes, chosen=chosen)
    if "object_id" not in found:
        raise notes.error(
            f"no object id column beside the light curves. Found: {listed(table.column_names)}",
            hint=("Name it: ", named("object_id"), "."),
        )
    id_name = found["object_id"]
    nested = _nested_column(schema, notes, chosen=chosen)
    if nested is None:
        lists = {field.name: table.column(field.name) for field in schema if is_list(field.type)}
        fields = {
            name: schema.field(name).with_type(column.type.value_type) for name, column in lists.items()
        }
    else:
        lists = unnested(table.column(nested), nested, where=notes.where)
        inner = inner_fields(schema.field(nested).type) or []
        fields = {field.name: field for field in inner}
    played = match(list(lists), "observation", notes, chosen=chosen).values()
    lists = {name: column for name, column in lists.items() if name in played}
    values, lengths = flattened(lists, table.column(id_name), where=notes.where)
    owner = pa.array(np.repeat(np.arange(table.num_rows), lengths))
    columns = {id_name: (schema.field(id_name), table.column(id_name).take(owner))}
    for name, column in values.items():
        columns.setdefault(name, (fields[name], column))
    for role in _SHARED:
        name = found.get(role, id_name)
        columns.setdefault(name, (schema.field(name), table.column(name).take(owner)))
    long = pa.Table.from_arrays(
        [column for _, column in columns.values()],
        schema=pa.schema([field for field, _ in columns.values()], metadata=schema.metadata),
    )
    observed = {column for role, column in found.items() if role != "object_id"}
    return long, table.select([name for name in beside if name not in observed]), id_name
