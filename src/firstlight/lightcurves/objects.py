"""What is known of each object: metadata by id, sentinels turned into missing values, conflicts refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firstlight.errors import Arg, DataError
from firstlight.lightcurves.arrays import arrow, as_text, floats, identifiers, truths
from firstlight.lightcurves.flags import Flag, mark

FloatArray = NDArray[np.float64]

NUMBERS = ("redshift", "redshift_err", "photoz", "photoz_err", "mwebv", "ra", "dec", "trigger_mjd")
"""Metadata that are float64 with NaN for missing; every other column passes through."""

# SNANA and its descendants; one column can mix several (github RickKessler/SNANA, issue 1210).
SENTINELS = (-9.0, -99.0, -999.0, -9999.0, -99999.0)


def as_table(objects: Any) -> pa.Table:
    """Metadata as an Arrow table with a string `object_id`; from a table, a frame or a mapping of columns."""
    if isinstance(objects, pa.RecordBatch):
        objects = pa.Table.from_batches([objects])
    if not isinstance(objects, (pa.Table, Mapping)):
        columns = getattr(objects, "columns", None) if not hasattr(objects, "colnames") else objects.colnames
        if columns is None:
            raise DataError(
                f"metadata of type {type(objects).__name__} cannot be read", hint="Give an Arrow table."
            )
        objects = {str(name): objects[name] for name in columns}
    if isinstance(objects, Mapping):
        columns_by_name = {str(name): _column(values, str(name)) for name, values in objects.items()}
        lengths = {name: len(values) for name, values in columns_by_name.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"columns are of different length: {lengths}", where="objects")
        objects = pa.table(columns_by_name)
    if "object_id" not in objects.column_names:
        raise DataError(f"no column object_id. Found: {', '.join(objects.column_names)}", where="objects")
    for name, column in zip(objects.column_names, objects.columns, strict=True):
        if pa.types.is_dictionary(column.type):  # categories: values can then be compared
            objects = replace(objects, name, column.cast(column.type.value_type))
    return replace(objects, "object_id", as_text(identifiers(objects.column("object_id"))))


def _column(values: Any, name: str) -> pa.Array:
    if name in NUMBERS:
        return pa.array(floats(values, name))
    return arrow(values, name)


def replace(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    """The table with a column replaced, or appended where it is new."""
    if name in table.column_names:
        return table.set_column(table.column_names.index(name), name, values)
    return table.append_column(name, values)


def one_row_each(table: pa.Table) -> pa.Table:
    """The first row of every id.

    Raises
    ------
    DataError
        Where an id comes again with other values; names the id and the column.
    """
    ids = table.column("object_id").combine_chunks()
    encoded = ids.dictionary_encode()
    if len(encoded.dictionary) == len(table):
        return table
    codes = np.asarray(encoded.indices, dtype=np.int64)
    first = np.full(len(encoded.dictionary), len(table), np.int64)
    np.minimum.at(first, codes, np.arange(len(table)))
    for name in table.column_names:
        column = table.column(name)
        if not _comparable(column.type):
            continue
        differs = np.flatnonzero(~_same(column, column.take(pa.array(first[codes]))))
        if differs.size:
            row = int(differs[0])
            one, other = column[int(first[codes[row]])].as_py(), column[row].as_py()
            raise DataError(
                f"comes with {name} {one!r} and with {other!r}",
                where=f"object '{ids[row].as_py()}'",
                hint="One id, one row of metadata.",
            )
    return table.take(pa.array(first))


def _comparable(kind: pa.DataType) -> bool:
    return not pa.types.is_nested(kind)


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> NDArray[np.bool_]:
    equal = pc.fill_null(pc.equal(one, other), False)
    both_null = pc.and_(pc.is_null(one, nan_is_null=True), pc.is_null(other, nan_is_null=True))
    return np.asarray(pc.or_(equal, both_null).to_numpy())


def match(names: pa.Array, table: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each of `names` stands in `table` (-1: nowhere), and the rows that no name asks for."""
    found = pc.index_in(names, value_set=table.column("object_id").combine_chunks())
    rows = np.asarray(pc.fill_null(found, -1), dtype=np.int64)
    unused = np.ones(len(table), bool)
    unused[rows[rows >= 0]] = False
    return rows, np.flatnonzero(unused)


def clean(table: pa.Table, *, time_system: str = "mjd") -> tuple[pa.Table, list[str]]:
    """Metadata with sentinels and impossible values as NaN, `flags` that say so, and a report in words."""
    flags = _given_flags(table)
    report: list[str] = []
    values = {name: floats(table.column(name), name).copy() for name in NUMBERS if name in table.column_names}

    def drop(name: str, bad: NDArray[np.bool_], flag: Flag, why: str) -> None:
        if bad.any():
            example = f"{values[name][np.flatnonzero(bad)[0]]:g}"
            report.append(
                f"{int(bad.sum()):,} of {len(table):,} objects: {name} {example} read as missing ({why})."
            )
            values[name][bad] = np.nan
            mark(flags, bad, flag)

    with np.errstate(invalid="ignore"):
        for name, value in values.items():
            value[np.isinf(value)] = np.nan
            if name in ("redshift", "photoz"):
                bad = (value <= -1) | (value > 10) | (value == 0)
                drop(name, bad, Flag.REDSHIFT_SENTINEL, "a redshift lies in -1..10 and is not exactly 0")
            elif name == "mwebv":
                drop(name, (value < 0) | (value > 100), Flag.BAD_METADATA, "E(B-V) lies in 0..100")
            elif name == "ra":
                drop(name, (value < -360) | (value > 360), Flag.BAD_METADATA, "degrees")
            elif name == "dec":
                drop(name, np.abs(value) > 90, Flag.BAD_METADATA, "degrees")
            elif name == "trigger_mjd":
                value[np.isin(value, SENTINELS)] = np.nan
                values[name] = _trigger(value, time_system)
        for name in ("redshift", "photoz"):
            error = values.get(f"{name}_err")
            if error is not None:
                if name in values:
                    error[np.isnan(values[name])] = np.nan
                drop(f"{name}_err", error <= 0, Flag.BAD_METADATA, "an uncertainty is positive")
    for name, value in values.items():
        table = replace(table, name, pa.array(value))
    return _plain_text(replace(table, "flags", pa.array(flags))), report


def _trigger(value: FloatArray, time_system: str) -> FloatArray:
    julian = value > 2_400_000
    if julian.any() and time_system != "jd":
        raise DataError(
            f"holds {value[julian][0]:.1f}: not MJD",
            where="column 'trigger_mjd'",
            hint=("Subtract 2400000.5, or say ", Arg("time_system", "jd"), " for all times."),
        )
    return np.where(julian, value - 2_400_000.5, value)


def _plain_text(table: pa.Table) -> pa.Table:
    """Text columns as plain strings, whatever library they came from; an empty label is a missing one."""
    for name in table.column_names:
        column = table.column(name)
        if name == "label" or _is_text(column.type):
            table = replace(table, name, column.cast(pa.string()))
    if "label" not in table.column_names:
        return table
    label = table.column("label")
    empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(label), ""), False)
    return replace(table, "label", pc.if_else(empty, pa.scalar(None, pa.string()), label))


def assemble(
    names: pa.Array,
    given: pa.Table | None,
    *,
    survey: str,
    dereddened: bool,
    time_system: str = "mjd",
    add_unmatched: bool = True,
) -> tuple[pa.Table, list[str]]:
    """The `objects` table of `names`, in their order, ids that only `given` knows behind them; and a report.

    Its `flags` hold what the metadata say; the flags of observations are joined later.
    """
    if given is None:
        return standard(pa.table({"object_id": names}), survey=survey, dereddened=dereddened), []
    table = one_row_each(given)
    rows, unused = match(names, table)
    report = _mismatches(names, rows, table, unused)
    if add_unmatched and unused.size:
        rows = np.concatenate([rows, unused])
        names = pa.concat_arrays([names, table.column("object_id").combine_chunks().take(pa.array(unused))])
    table, notes = clean(_join(names, table, rows), time_system=time_system)
    return standard(table, survey=survey, dereddened=dereddened, cleaned=True), notes + report


def standard(
    table: pa.Table, *, survey: str = "", dereddened: bool = False, cleaned: bool = False
) -> pa.Table:
    """The table with clean numbers and the columns that always stand there, first."""
    if not cleaned:
        table, _ = clean(table)
    names = table.column_names
    known = table.column("survey") if "survey" in names else None
    if known is None or not _is_text(known.type):
        column = pa.array([survey] * len(table), pa.string())
    else:
        column = pc.fill_null(known.cast(pa.string()), survey)
    table = replace(table, "survey", column)
    table = replace(table, "dereddened", _dereddened(table, dereddened))
    table = replace(table, "flags", pa.array(_given_flags(table)))
    first = ["object_id", "survey", "flags", "dereddened"]
    return table.select(first + [name for name in table.column_names if name not in first])


def _is_text(kind: pa.DataType) -> bool:
    is_view = getattr(pa.types, "is_string_view", lambda _: False)  # newer than our oldest pyarrow
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or is_view(kind))


def _given_flags(table: pa.Table) -> NDArray[np.uint16]:
    if "flags" not in table.column_names:
        return np.zeros(len(table), np.uint16)
    return np.nan_to_num(floats(table.column("flags"), "flags")).astype(np.uint16)


def _dereddened(table: pa.Table, default: bool) -> pa.Array:
    if "dereddened" not in table.column_names:
        return pa.array(np.full(len(table), default))
    value, known = truths(table.column("dereddened"), "dereddened")
    return pa.array(np.where(known, value, default))


def _join(names: pa.Array, table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    index = pa.array(rows, mask=rows < 0)
    joined = table.take(index)
    for name in NUMBERS:
        if name in joined.column_names:
            joined = replace(joined, name, pc.fill_null(joined.column(name), np.nan))
    return replace(joined, "object_id", names)


def _mismatches(
    names: pa.Array, rows: NDArray[np.int64], table: pa.Table, unused: NDArray[np.int64]
) -> list[str]:
    lost = np.flatnonzero(rows < 0)
    report = []
    if lost.size:
        example = names[int(lost[0])].as_py()
        report.append(f"{lost.size:,} objects have observations and no metadata (e.g. '{example}').")
    if unused.size:
        example = table.column("object_id")[int(unused[0])].as_py()
        report.append(f"{unused.size:,} objects have metadata and no observations (e.g. '{example}').")
    return report


def stack(tables: list[pa.Table]) -> pa.Table:
    """Tables below each other; what one of them lacks is missing there, with NaN among the numbers."""
    table = pa.concat_tables(tables, promote_options="permissive").combine_chunks()
    for name in NUMBERS:
        if name in table.column_names:
            table = replace(table, name, pc.fill_null(table.column(name), np.nan))
    return table


def same_columns(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    """Whether two columns hold the same values; null and NaN are one."""
    if one.type != other.type:
        return False
    if not _comparable(one.type):
        return bool(one.equals(other))
    return bool(_same(one, other).all())


def same_tables(one: pa.Table, other: pa.Table) -> bool:
    """Whether two tables hold the same columns in the same order."""
    if one.column_names != other.column_names or one.num_rows != other.num_rows:
        return False
    return all(same_columns(one.column(name), other.column(name)) for name in one.column_names)


def refuse_repeated(names: pa.ChunkedArray) -> None:
    """Raise DataError when an object stands in two parts."""
    counts = pc.value_counts(names.combine_chunks())
    repeated = pc.filter(counts.field("values"), pc.greater(counts.field("counts"), 1))
    if len(repeated):
        more = f", and {len(repeated) - 1:,} others" if len(repeated) > 1 else ""
        raise DataError(
            f"stands in more than one part{more}",
            where=f"object '{repeated[0].as_py()}'",
            hint="Read all its observations together with from_columns.",
        )
