"""Tables in memory as one source: a table of any library, or a list with one table an object.

What the metadata of a table say of its object (``meta["z"]`` of sncosmo, its name, its position) stands on
each of its rows, unless a column says it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from firstlight.errors import DataError
from firstlight.notes import Notes
from firstlight.readers.roles import match, roles
from firstlight.tables.frames import arrow_table
from firstlight.tables.objects import NUMBERS

_NAMES = ("name", "object", "id")  # of an object, where metadata use none of the usual spellings


def table_in_memory(given: Any) -> pa.Table:
    """A table in memory, or several with one object each below each other, as one Arrow table.

    Raises
    ------
    DataError
        For what is no table, and for tables of a list that share an object id or differ in units.
    """
    if not _is_list_of_tables(given):
        return _with_metadata(arrow_table(given))
    tables, seen = [], dict[str, int]()
    for number, one in enumerate(given, 1):
        where = f"table {number} of {len(given)} in memory"
        table = _with_metadata(arrow_table(one, where=where))
        if not _identity(table.column_names):
            name = _name(table) or str(number)
            if name in seen:
                raise DataError(
                    f"is called '{name}' as table {seen[name]} is",
                    where=where,
                    hint="Give each table the name of its object, in its metadata or as a column object_id.",
                )
            seen[name] = number
            table = table.append_column("object_id", pa.repeat(name, len(table)))
        tables.append(table)
    _refuse_other_units(tables)
    told = [table.schema.metadata for table in tables]
    joined = pa.concat_tables(
        [table.replace_schema_metadata(None) for table in tables], promote_options="permissive"
    )
    return joined.replace_schema_metadata(told[0] if all(one == told[0] for one in told) else None)


def _is_list_of_tables(given: Any) -> bool:
    return (
        isinstance(given, Sequence)
        and not isinstance(given, (str, bytes))
        and len(given) > 0
        and not any(isinstance(one, (Mapping, str, bytes)) for one in given)
        and all(hasattr(one, "columns") or hasattr(one, "colnames") for one in given)
    )


def _with_metadata(table: pa.Table) -> pa.Table:
    """The table with what its metadata say of its one object as columns."""
    told = {
        key.decode(errors="replace"): value.decode(errors="replace")
        for key, value in (table.schema.metadata or {}).items()
        if not key.startswith((b"firstlight.", b"pandas"))
    }
    if not told or _identity(table.column_names):  # of several objects, it belongs to none
        return table
    quiet = Notes()
    there = match(table.column_names, "object", quiet, chosen={})
    for role, key in match(list(told), "object", quiet, chosen={}).items():
        if role in NUMBERS and role not in there and key not in table.column_names:
            table = table.append_column(key, pa.repeat(told[key], len(table)))
    return table


def _identity(names: list[str]) -> str | None:
    """The column of object ids, or the entry of metadata that is one."""
    role = roles("observation")["object_id"]
    known = {*role.strong, *role.weak}
    return next((name for name in names if name in known or name.casefold() in role.folded), None)


def _name(table: pa.Table) -> str | None:
    """The name of the object of a table by its metadata."""
    told = {key.decode(errors="replace"): value for key, value in (table.schema.metadata or {}).items()}
    key = _identity(list(told)) or next((key for key in told if key.lower() in _NAMES), None)
    return told[key].decode(errors="replace").strip() or None if key else None


def _refuse_other_units(tables: Sequence[pa.Table]) -> None:
    """Raise where a column has one unit in one table and another one, or none, in the next."""
    units: dict[str, bytes | None] = {}
    for number, table in enumerate(tables, 1):
        for field in table.schema:
            unit = (field.metadata or {}).get(b"unit")
            if units.setdefault(field.name, unit) != unit:
                first, other = ((one or b"none").decode() for one in (units[field.name], unit))
                raise DataError(
                    f"column '{field.name}' has the unit {other}, and {first} in a table before",
                    where=f"table {number} of {len(tables)} in memory",
                )
