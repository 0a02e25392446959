"""What the cells of a column may hold, and how they become arrays: numbers, days, passbands, object ids."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firstlight.errors import DataError

Floats = NDArray[np.float64]

# Text that stands for "no value" in the files of the field.
MISSING = ("", "nan", "null", "none", "na", "n/a", "-", "--", "masked", "<na>")
_DATE = re.compile(r"\s*\d{4}-\d\d-\d\d")
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eEdD][+-]?[0-9]+)?$|^[+-]?(inf|infinity)$"
_EXACT = 2.0**53
# MJD of 1970-01-01.
_UNIX_MJD = 40587.0


def plain(column: Any) -> pa.ChunkedArray:
    """A column without dictionary or extension type, as a chunked array; one of nulls alone is text."""
    if isinstance(column, pa.Array):
        column = pa.chunked_array([column])
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    if isinstance(column.type, pa.BaseExtensionType):
        storage = [chunk.storage for chunk in column.chunks]
        column = pa.chunked_array(storage, type=column.type.storage_type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column


def numbers(column: Any, *, name: str, where: str, report: list[str]) -> Floats:
    """Values of a column as float64, NaN where empty; text that is no number becomes NaN and is reported.

    Raises
    ------
    DataError
        When the column holds lists, truth values or anything else that is no number.
    """
    column = plain(column)
    kind = column.type
    if pa.types.is_float64(kind) or pa.types.is_null(kind):
        return _numpy(column.cast(pa.float64()))
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numpy(column.cast(pa.float64(), safe=False))
    if _is_text(kind):
        return _parsed(column, name=name, where=where, report=report)
    raise DataError(f"column '{name}' is {kind}; expected numbers", where=where)


def days(column: Any, *, name: str, where: str, report: list[str]) -> Floats:
    """Times of a column as float64 days: as written, or MJD (UTC) of timestamps and dates in ISO 8601."""
    column = _dates(plain(column))
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        zone = getattr(column.type, "tz", None)
        nanoseconds = column.cast(pa.timestamp("ns", tz=zone)).cast(pa.int64())
        return _numpy(nanoseconds.cast(pa.float64(), safe=False)) / 86_400e9 + _UNIX_MJD
    return numbers(column, name=name, where=where, report=report)


def _dates(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text as timestamps when it begins like a date and all of it is one."""
    first = next((cell for cell in column.slice(0, 64).to_pylist() if cell), None)
    if not isinstance(first, str) or not _DATE.match(first):
        return column
    try:
        return pa.chunked_array([_text(column).cast(pa.timestamp("ns"))])
    except pa.ArrowInvalid:
        return column


def _numpy(column: pa.ChunkedArray) -> Floats:
    values = column.chunk(0) if column.num_chunks == 1 else column
    array = values.to_numpy(zero_copy_only=False) if isinstance(values, pa.Array) else values.to_numpy()
    return np.asarray(array, dtype=np.float64)


def _is_text(kind: pa.DataType) -> bool:
    names = ("is_string", "is_large_string", "is_string_view", "is_binary", "is_large_binary")
    return any(getattr(pa.types, name)(kind) for name in names if hasattr(pa.types, name))


def _parsed(column: pa.ChunkedArray, *, name: str, where: str, report: list[str]) -> Floats:
    text = _text(column)
    text = pc.if_else(pc.is_in(pc.utf8_lower(text), value_set=pa.array(MISSING)), None, text)
    good = pc.match_substring_regex(text, _NUMBER, ignore_case=True)
    bad = int(pc.sum(pc.invert(good)).as_py() or 0)
    if bad:
        row = int(np.flatnonzero(~pc.fill_null(good, True).to_numpy(zero_copy_only=False))[0])
        report.append(
            f"{where}: column '{name}': {bad:,} cells are not numbers, read as missing "
            f"(first: '{text[row].as_py()}' in data row {row + 1:,})"
        )
        text = pc.if_else(good, text, None)
    # Fortran exponents and leading plus signs are numbers that Arrow does not take.
    text = pc.replace_substring_regex(pc.replace_substring_regex(text, r"^\+", ""), "[dD]", "e")
    array = text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text
    return np.asarray(array.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _text(column: pa.ChunkedArray) -> pa.Array:
    """Trimmed text, whatever the type of the column."""
    array = plain(column).cast(pa.string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return pc.utf8_trim_whitespace(array)


def texts(column: Any) -> pa.Array:
    """Values of a column as trimmed strings; null where empty. Whole numbers lose their ``.0``."""
    column = plain(column)
    if pa.types.is_floating(column.type):
        values = _numpy(column.cast(pa.float64()))
        finite = values[np.isfinite(values)]
        if (finite == np.floor(finite)).all() and (np.abs(finite) < _EXACT).all():
            column = pa.chunked_array([pa.array(values, from_pandas=True).cast(pa.int64())])
    return _text(column)


def passbands(column: Any) -> pa.DictionaryArray:
    """Passband names of a column as a dictionary of trimmed text, so that names are looked at once."""
    if isinstance(column, pa.Array):
        column = pa.chunked_array([column])
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(plain(column))
    column = column.unify_dictionaries()
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # an empty column has no chunk to combine
        array = pa.array([], type=column.type)
    return pa.DictionaryArray.from_arrays(array.indices, texts(array.dictionary))


def identities(column: Any, *, name: str, where: str) -> tuple[NDArray[np.int64], pa.Array]:
    """Object ids of a column as codes and names in order of first appearance; code -1 for a missing id.

    Integers never pass through floating point: ids of LSST and ZTF exceed 2**53.

    Raises
    ------
    DataError
        When ids are floating-point numbers that are not whole or too large to be exact.
    """
    if isinstance(column, pa.Array):
        column = pa.chunked_array([column])
    if isinstance(column.type, pa.BaseExtensionType):
        column = plain(column)
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(plain(column))
    column = column.unify_dictionaries()
    if len(column) == 0:
        return np.zeros(0, dtype=np.int64), pa.array([], type=pa.string())
    array = column.combine_chunks()
    indices = pc.fill_null(array.indices, -1) if array.indices.null_count else array.indices
    raw = np.asarray(indices.to_numpy(zero_copy_only=False))
    return _ordered(raw, _id_names(array.dictionary, name=name, where=where))


def _id_names(values: pa.Array, *, name: str, where: str) -> pa.Array:
    """Distinct ids as text; null where there is no id."""
    if pa.types.is_floating(values.type):
        numeric = np.asarray(values.cast(pa.float64()).to_numpy(zero_copy_only=False))
        finite = numeric[np.isfinite(numeric)]
        wrong = finite[(finite != np.floor(finite)) | (np.abs(finite) >= _EXACT)]
        if len(wrong):
            raise DataError(
                f"column '{name}' holds ids as floating-point numbers ({wrong[0]!r}): digits may be lost",
                where=where,
                hint="Write the ids as integers or text.",
            )
        whole = np.where(np.isfinite(numeric), numeric, 0.0).astype(np.int64)
        values = pa.array(whole, mask=~np.isfinite(numeric))
    if pa.types.is_nested(values.type):
        raise DataError(f"column '{name}' is {values.type}; expected object ids", where=where)
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    # A table that once had a missing id writes the others as "615.0".
    text = pc.replace_substring_regex(text, r"^([0-9]{1,15})\.0$", r"\1")
    return pc.if_else(pc.equal(text, ""), None, text)


def _ordered(raw: NDArray[np.integer[Any]], names: pa.Array) -> tuple[NDArray[np.int64], pa.Array]:
    """Codes by first appearance; ids that became equal by trimming are joined, unused ones left out."""
    merged = pc.dictionary_encode(names)
    distinct = merged.dictionary
    # What each raw code means; the last entry is for rows without an id, which hold -1.
    meaning = np.full(len(names) + 1, -1, dtype=np.int64)
    meaning[:-1] = pc.fill_null(merged.indices, -1).to_numpy(zero_copy_only=False)
    # Rows of an object mostly stand together: only the first row of each run needs a look.
    starts = np.flatnonzero(raw[1:] != raw[:-1]) + 1
    runs = meaning[raw[np.concatenate([[0], starts])]] if len(raw) else meaning[:0]
    first = np.full(len(distinct), len(runs), dtype=np.int64)
    known = np.flatnonzero(runs >= 0)[::-1]
    first[runs[known]] = known
    order = np.argsort(first, kind="stable")
    order = order[first[order] < len(runs)]
    rank = np.full(len(distinct) + 1, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    table = rank[meaning]
    if not np.array_equal(order, np.arange(len(distinct))):
        distinct = distinct.take(pa.array(order))
    if np.array_equal(table[:-1], np.arange(len(names))):
        return raw.astype(np.int64), distinct
    return table[raw], distinct
