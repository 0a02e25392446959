"""What is known of each object: one value an object from many rows, and the join of a second table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firstlight.errors import DataError
from firstlight.readers.cells import Floats, identities, numbers, texts
from firstlight.readers.columns import is_truth, listed, match, require, roles
from firstlight.readers.source import open_source
from firstlight.readers.text import CellKind

# Columns of LightCurves.objects that no input table may set.
RESERVED = ("object_id", "survey", "flags")
# Roles whose cells are words.
_TEXTS = ("label", "dereddened")
# Astrometric scatter that one source does not have (asteroids linked under one id: github
# astrolabsoftware/fink-science, issue 253).
_SCATTER_DEG = 2.0 / 3600.0


@dataclass(frozen=True)
class Objects:
    """Metadata by object.

    Attributes
    ----------
    ids : pa.Array
        Object ids, strings, distinct.
    columns : dict of pa.Array
        Metadata by name, aligned with `ids`; null where not known.
    scattered : bool array
        Objects whose positions lie more than 2 arcsec from the first one.
    where : str
        The table they come from, for errors.
    """

    ids: pa.Array
    columns: dict[str, pa.Array]
    scattered: NDArray[np.bool_]
    where: str = "the table of objects"

    def table(self) -> pa.Table:
        """The metadata as an Arrow table with its ``object_id``."""
        return pa.table({"object_id": self.ids, **self.columns})


def kinds(by_role: Mapping[str, str]) -> dict[str, CellKind]:
    """How the columns of object roles are to be read."""
    return {column: "text" if role in _TEXTS else "number" for role, column in by_role.items()}


def gather(
    table: pa.Table,
    by_role: Mapping[str, str],
    codes: NDArray[np.int64],
    ids: pa.Array,
    *,
    others: tuple[str, ...] = (),
    where: str,
    report: list[str],
) -> Objects:
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

    Raises
    ------
    DataError
        When an object has two values for one property; positions may scatter.
    """
    columns: dict[str, pa.Array] = {}
    positions: dict[str, tuple[Floats, Floats]] = {}
    for role, column in by_role.items():
        if role in _TEXTS:
            columns[role] = _settled(texts(table.column(column)), column, codes, ids, role=role, where=where)
            continue
        values = numbers(table.column(column), name=column, where=where, report=report)
        first = _first(np.isfinite(values), codes, len(ids))
        single = np.where(first >= 0, values[first], np.nan) if len(values) else np.full(len(ids), np.nan)
        if role in ("ra", "dec"):
            positions[role] = (values, single)
        else:
            _refuse_conflict(values, single, first, column, codes, ids, role=role, where=where)
        columns[role] = pa.array(single, from_pandas=True)
    for name in others:
        columns[name] = _settled(table.column(name), name, codes, ids, where=where)
    return Objects(ids, columns, _scattered(positions, codes, len(ids)), where)


def _first(valid: NDArray[np.bool_], codes: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Row of the first valid value of each object, -1 where there is none."""
    first = np.full(n, -1, dtype=np.int64)
    rows = np.flatnonzero(valid & (codes >= 0))[::-1]
    first[codes[rows]] = rows  # the last assignment wins, and rows run backwards
    return first


def _refuse_conflict(
    values: Floats,
    single: Floats,
    first: NDArray[np.int64],
    column: str,
    codes: NDArray[np.int64],
    ids: pa.Array,
    *,
    role: str,
    where: str,
) -> None:
    rows = np.flatnonzero(np.isfinite(values) & (codes >= 0))
    reference = single[codes[rows]]
    # Two printings of one float32 are not a conflict.
    differs = np.abs(values[rows] - reference) > 1e-6 * np.maximum(np.abs(reference), 1e-3)
    if differs.any():
        row = int(rows[np.flatnonzero(differs)[0]])
        raise _conflict(
            ids[int(codes[row])].as_py(), column, single[codes[row]], values[row], role, where=where
        )


def _conflict(
    identity: object, column: str, one: object, other: object, role: str, *, where: str
) -> DataError:
    way_out = f", or leave the column out (columns={{'{role}': None}})" if role else ""
    return DataError(
        f"object '{identity}' has two values of '{column}': {one} and {other}",
        where=where,
        hint=f"Two objects under one id? Correct it{way_out}.",
    )


def _settled(
    column: Any, name: str, codes: NDArray[np.int64], ids: pa.Array, *, role: str = "", where: str
) -> pa.Array:
    """One value an object of a column of any type."""
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], type=column.type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_string(column.type):
        column = pc.if_else(pc.equal(column, ""), None, column)
    valid = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    first = _first(valid, codes, len(ids))
    take = pa.array(first, mask=first < 0)
    if not pa.types.is_nested(column.type):
        keys = pc.fill_null(column.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False)
        rows = np.flatnonzero(valid & (codes >= 0))
        differs = keys[rows] != keys[first[codes[rows]]]
        if differs.any():
            row = int(rows[np.flatnonzero(differs)[0]])
            other = int(first[codes[row]])
            identity = ids[int(codes[row])].as_py()
            raise _conflict(identity, name, column[other].as_py(), column[row].as_py(), role, where=where)
    return column.take(take)


def _scattered(
    positions: Mapping[str, tuple[Floats, Floats]], codes: NDArray[np.int64], n: int
) -> NDArray[np.bool_]:
    flagged = np.zeros(n, dtype=np.bool_)
    if set(positions) == {"ra", "dec"} and n:
        (ra, ra0), (dec, dec0) = positions["ra"], positions["dec"]
        east = (ra - ra0[codes] + 180.0) % 360.0 - 180.0
        east = east * np.cos(np.radians(dec0[codes]))
        far = np.hypot(east, dec - dec0[codes]) > _SCATTER_DEG
        flagged[codes[far & (codes >= 0)]] = True
    return flagged


def read_objects(
    objects: Any, *, chosen: Mapping[str, str | None], label: str | None, report: list[str]
) -> Objects:
    """The metadata of a table of objects: a path or a table, one row an object.

    Columns without a role pass through; what only a simulation knows does not, except as the label.

    Parameters
    ----------
    objects : path or table
    chosen : mapping
        Columns named by the caller, by role.
    label : str or None
        Column of the class, where it is not ``label``.

    Raises
    ------
    DataError
        When the ids are missing or an object has two values for one property.
    """
    source = open_source(objects)
    where, names = source.where, source.schema.names
    here = {role: column for role, column in chosen.items() if column is None or column in names}
    if label is not None and label in names:
        here["label"] = label
    id_name = identity_column(names, chosen=here, where=where, report=report)
    by_role = match(names, "object", chosen=here, where=where, report=report)
    rest = [name for name in names if name not in by_role.values() and name not in (id_name, *RESERVED)]
    hidden = [name for name in rest if is_truth(name)]
    if hidden:
        report.append(f"{where}: truth columns are not read as metadata: {listed(hidden, 8)}")
    others = tuple(name for name in rest if name not in hidden and name not in roles("object"))
    wanted: dict[str, CellKind] = {id_name: "text", **kinds(by_role), **dict.fromkeys(others, "any")}
    table = source.read(wanted, report)
    codes, ids = identities(table.column(id_name), name=id_name, where=where)
    return gather(table, by_role, codes, ids, others=others, where=where, report=report)


def identity_column(
    names: list[str], *, chosen: Mapping[str, str | None], where: str, report: list[str]
) -> str:
    """The column of object ids in a table of objects."""
    only_id = {role: None for role in roles("observation") if role != "object_id"}
    given = {role: column for role, column in chosen.items() if role == "object_id"}
    found = match(names, "observation", chosen={**only_id, **given}, where=where, report=report)
    return require(found, "object_id", names, where=where)


def join(one: Objects, other: Objects, *, report: list[str]) -> Objects:
    """Metadata of two tables by object id: those of `one` first, then ids that only `other` knows.

    Raises
    ------
    DataError
        When both know a property of an object and disagree.
    """
    where, other_where = one.where, other.where
    at = pc.index_in(one.ids, value_set=other.ids)
    extra_mask = pc.invert(pc.is_in(other.ids, value_set=one.ids))
    extra = other.ids.filter(extra_mask)
    _report_unmatched(one.ids.filter(pc.is_null(at)), f"in {where} are not in {other_where}", report)
    _report_unmatched(
        extra, f"in {other_where} have no photometry in {where}: kept as objects without data", report
    )
    ids = pa.concat_arrays([one.ids, extra])
    place = pc.index_in(other.ids, value_set=ids).to_numpy(zero_copy_only=False).astype(np.int64)
    both = ((one, np.arange(len(one.ids))), (other, place))
    columns = {}
    for name in dict.fromkeys((*one.columns, *other.columns)):
        parts = [(part.columns[name], code) for part, code in both if name in part.columns]
        kind = parts[0][0].type if len(parts) == 1 else _common(parts[0][0].type, parts[1][0].type)
        column = pa.concat_arrays([part.cast(kind) for part, _ in parts])
        code = np.concatenate([code for _, code in parts])
        columns[name] = _joined(column, name, code, ids, where=f"{where} and {other_where}")
    scattered = np.zeros(len(ids), dtype=np.bool_)
    scattered[: len(one.ids)] = one.scattered
    return Objects(ids, columns, scattered, one.where)


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    return one if one == other else pa.string()


def _joined(column: pa.Array, name: str, codes: NDArray[np.int64], ids: pa.Array, *, where: str) -> pa.Array:
    if name in ("ra", "dec") or not pa.types.is_floating(column.type):
        if name in ("ra", "dec"):
            valid = np.asarray(column.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
            first = _first(valid, codes, len(ids))
            return column.take(pa.array(first, mask=first < 0))
        return _settled(column, name, codes, ids, where=where)
    values = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
    first = _first(np.isfinite(values), codes, len(ids))
    single = np.where(first >= 0, values[first], np.nan) if len(values) else np.full(len(ids), np.nan)
    _refuse_conflict(values, single, first, name, codes, ids, role=name, where=where)
    return pa.array(single, from_pandas=True)


def select(objects: Objects, ids: pa.Array) -> Objects:
    """The metadata of those of the given ids that are known, in their order."""
    at = pc.drop_null(pc.index_in(ids, value_set=objects.ids))
    columns = {name: column.take(at) for name, column in objects.columns.items()}
    scattered = objects.scattered[np.asarray(at.to_numpy(zero_copy_only=False), dtype=np.int64)]
    return Objects(objects.ids.take(at), columns, scattered, objects.where)


def _report_unmatched(ids: pa.Array, text: str, report: list[str]) -> None:
    if len(ids):
        report.append(f"{len(ids):,} ids {text} (first: {listed(ids[:3].to_pylist())})")
