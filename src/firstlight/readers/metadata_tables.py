"""Metadata in tables: one value an object from many rows, and a second table with one row an object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from firstlight._types import Bits, Bools, Floats, Ints
from firstlight.lightcurves.flags import Flag
from firstlight.lightcurves.photometry import Photometry
from firstlight.notes import Notes
from firstlight.readers.delimited import CellKind
from firstlight.readers.roles import is_truth, listed, match, require, roles
from firstlight.readers.table_files import opened
from firstlight.tables.columns import numbers, texts
from firstlight.tables.identifiers import identities
from firstlight.tables.objects import Objects, join, settled

# Columns of LightCurves.objects that no input table may set.
_RESERVED = ("object_id", "survey", "flags")
# Roles whose cells are words.
_TEXTS = ("label", "dereddened")
# Astrometric scatter that one source does not have (asteroids linked under one id: github
# astrolabsoftware/fink-science, issue 253).
_SCATTER_DEG = 2.0 / 3600.0


def kinds(by_role: Mapping[str, str]) -> dict[str, CellKind]:
    """How the columns of object roles are to be read."""
    return {column: "text" if role in _TEXTS else "number" for role, column in by_role.items()}


def gather(
    table: pa.Table,
    by_role: Mapping[str, str],
    codes: Ints,
    ids: pa.Array,
    notes: Notes,
    *,
    others: tuple[str, ...] = (),
) -> tuple[pa.Table, Bools]:
    """One value an object and column: the first that is not missing.

    Parameters
    ----------
    table : pa.Table
        Rows, several to an object.
    by_role : mapping
        Column by role (``redshift``, ``label``, ...); it is named by its role in the result.
    codes : int64 array
        Position in `ids` of each row's object, -1 for none.
    others : tuple of str
        Columns that pass through under their own names.

    Returns
    -------
    objects : pa.Table
        ``object_id`` and metadata, null where not known.
    scattered : bool array
        Objects whose positions lie more than 2 arcsec from the first one.

    Raises
    ------
    DataError
        When an object has two values for one property; positions may scatter.
    """
    columns = {"object_id": ids}
    positions: dict[str, Floats] = {}
    for role, column in by_role.items():
        values = table.column(column)
        values = texts(values) if role in _TEXTS else numbers(values, column, notes)
        columns[role] = settled(values, column, codes, ids, role=role, where=notes.where)
        if role in ("ra", "dec"):
            positions[role] = values
    for name in others:
        columns[name] = settled(table.column(name), name, codes, ids, where=notes.where)
    return pa.table(columns), _scattered(positions, columns, codes)


def _scattered(positions: Mapping[str, Floats], settled: Mapping[str, pa.Array], codes: Ints) -> Bools:
    flagged = np.zeros(len(settled["object_id"]), dtype=np.bool_)
    if len(positions) == 2 and len(flagged):
        ra0, dec0 = (settled[name].to_numpy(zero_copy_only=False)[codes] for name in ("ra", "dec"))
        east = (positions["ra"] - ra0 + 180.0) % 360.0 - 180.0
        east = east * np.cos(np.radians(dec0))
        far = np.hypot(east, positions["dec"] - dec0) > _SCATTER_DEG
        flagged[codes[far & (codes >= 0)]] = True
    return flagged


def scatter_flags(codes: Ints, scattered: Bools) -> Bits | None:
    """Flags of the rows of objects whose positions scatter; None where none do."""
    if not scattered.any():
        return None
    return np.where(scattered[codes], int(Flag.POSITION_SCATTER), 0).astype(np.uint16)


def read_objects(
    objects: Any, notes: Notes, *, chosen: Mapping[str, str | None], label: str | None
) -> Objects:
    """The metadata of a table of objects: a path or a table, one row an object.

    Columns without a role pass through; what only a simulation knows does not, except as the label.

    Parameters
    ----------
    objects : path or table
    notes : Notes
    chosen : mapping
        Columns named by the caller, by role.
    label : str or None
        Column of the class, where it is not ``label``.

    Raises
    ------
    DataError
        When the ids are missing or an object has two values for one property.
    """
    with opened(objects) as source:
        names, notes = source.schema.names, notes.at(source.where)
        here = {role: column for role, column in chosen.items() if column is None or column in names}
        if label is not None and label in names:
            here["label"] = label
        id_name = require(identity(names, notes, chosen=here), "object_id", names, notes)
        by_role = match(names, "object", notes, chosen=here)
        rest = [name for name in names if name not in (*by_role.values(), id_name, *_RESERVED)]
        hidden = [name for name in rest if is_truth(name)]
        if hidden:
            notes.add(f"truth columns are not read as metadata: {listed(hidden, 8)}")
        others = tuple(name for name in rest if name not in hidden and name not in roles("object"))
        wanted: dict[str, CellKind] = {id_name: "text", **kinds(by_role), **dict.fromkeys(others, "any")}
        table = source.read(wanted, notes)
    codes, ids = identities(table.column(id_name), id_name, notes)
    known, _ = gather(table, by_role, codes, ids, notes, others=others)
    return Objects(known, notes.where, tuple(names))


def identity(names: list[str], notes: Notes, *, chosen: Mapping[str, str | None]) -> dict[str, str]:
    """The column of object ids by its role, looked for alone; empty where there is none."""
    others = dict.fromkeys(roles("observation"))
    del others["object_id"]
    given = {role: column for role, column in chosen.items() if role == "object_id"}
    return match(names, "observation", notes, chosen={**others, **given})


def with_objects(
    photometry: Photometry,
    objects: Any,
    notes: Notes,
    *,
    label: str | None = None,
) -> Photometry:
    """Photometry with the metadata of a second table, joined by id; ids in one table only are told."""
    if objects is None:
        return photometry
    if not isinstance(objects, Objects):
        objects = read_objects(objects, notes, chosen={}, label=label)
    return replace(photometry, objects=join(photometry.objects, objects, notes.at(photometry.where)))
