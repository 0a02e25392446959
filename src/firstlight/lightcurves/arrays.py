"""Input columns as plain arrays: floats, truth values, signs and identifiers of any spelling."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from firstlight.errors import DataError
from firstlight.facts.arrays import as_arrow
from firstlight.facts.names import text_of

FloatArray = NDArray[np.float64]
_POSITIVE = {"t", "true", "1", "y", "yes", "+", "+1", "positive"}
_NEGATIVE = {"f", "false", "0", "n", "no", "-", "-1", "negative"}


def arrow(values: Any, name: str) -> pa.Array:
    """`as_arrow`, with the column named in the error."""
    try:
        return as_arrow(values)
    except (ValueError, TypeError, pa.ArrowException) as error:
        raise DataError(f"cannot be read: {error}", where=f"column '{name}'") from error


def floats(values: Any, name: str) -> FloatArray:
    """`values` as float64; null, masked and None become NaN.

    Integers, float32, big-endian, masked and Arrow columns, object columns of floats and astropy quantities
    are understood; text is refused.
    """
    if type(values) is np.ndarray and values.dtype == np.float64 and values.ndim == 1:
        return values
    array = arrow(getattr(values, "value", values) if hasattr(values, "unit") else values, name)
    kind = array.type
    if pa.types.is_dictionary(kind):
        array, kind = array.dictionary_decode(), kind.value_type
    if pa.types.is_null(kind):
        return np.full(len(array), np.nan)
    if pa.types.is_decimal(kind):
        array, kind = array.cast(pa.float64()), pa.float64()
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise DataError(
            f"holds {kind}, not numbers",
            where=f"column '{name}'",
            hint="Give floats, missing as null or NaN.",
        )
    if pa.types.is_boolean(kind):
        array = array.cast(pa.int8())
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def truths(values: Any, name: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each value is true, and whether it is there at all."""
    array = arrow(values, name)
    if pa.types.is_string(array.type) or pa.types.is_dictionary(array.type):
        sign = signs(array, name)
        return sign > 0, np.isfinite(sign)
    number = floats(array, name)
    known = ~np.isnan(number)
    return known & (number != 0), known


def signs(values: Any, name: str) -> FloatArray:
    """The sign of a difference flux, +1 or -1, NaN where the spelling says neither.

    ``t``, ``1``, ``true``, ``y``, ``+`` are positive and ``f``, ``0``, ``-1``, ``false``, ``n``, ``-``
    negative: all of them occur in ZTF alerts and what brokers make of them.
    """
    array = arrow(values, name)
    encoded = array if isinstance(array, pa.DictionaryArray) else array.dictionary_encode()
    table = np.full(len(encoded.dictionary) + 1, np.nan)
    for index, value in enumerate(encoded.dictionary.to_pylist()):
        text = text_of(value).casefold()
        table[index] = 1.0 if text in _POSITIVE else -1.0 if text in _NEGATIVE else np.nan
    indices = encoded.indices.fill_null(len(encoded.dictionary))
    return np.asarray(table[np.asarray(indices, dtype=np.intp)])


def identifiers(values: Any, name: str = "object_id") -> pa.Array:
    """Object names as an Arrow array without nulls (text, integers, or a dictionary of either).

    Raises
    ------
    DataError
        For missing names and for numbers that are not whole: an id that went through float64 has lost its
        last digits.
    """
    array = arrow(values, name)
    if array.null_count:
        raise DataError(f"{array.null_count} object ids are missing", where=f"column '{name}'")
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if pa.types.is_floating(kind):
        number = floats(array, name)
        if not np.all((number == np.floor(number)) & (np.abs(number) < 2**53)):
            raise DataError(
                "ids are fractional or too large for a float",
                where=f"column '{name}'",
                hint="Read the column as integers or text.",
            )
        return pa.array(number.astype(np.int64))
    if pa.types.is_null(kind):
        return array.cast(pa.string())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return array.cast(pa.dictionary(pa.int32(), pa.string()) if kind is not array.type else pa.string())
    return array


def as_text(values: pa.Array) -> pa.Array:
    """Identifiers as an Arrow array of plain strings."""
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    return values if values.type == pa.string() else values.cast(pa.string())


def run_starts(values: pa.Array) -> NDArray[np.int64]:
    """Where a run of equal values begins."""
    if len(values) == 0:
        return np.zeros(0, np.int64)
    if isinstance(values, pa.DictionaryArray):
        codes = np.asarray(values.indices)
        changed = codes[1:] != codes[:-1]
    elif pa.types.is_integer(values.type):
        numbers = values.to_numpy()
        changed = numbers[1:] != numbers[:-1]
    else:
        changed = pc.not_equal(values.slice(1), values.slice(0, len(values) - 1)).to_numpy(
            zero_copy_only=False
        )
    return np.concatenate([[0], np.flatnonzero(changed) + 1]).astype(np.int64)


def group(values: pa.Array) -> tuple[pa.Array, NDArray[np.int64], NDArray[np.int64]]:
    """Distinct names in order of first appearance, and the runs of rows that carry them.

    Returns
    -------
    names : pa.Array
        Distinct names as strings, shape (n,).
    starts : ndarray of int64
        First row of each run of equal names, shape (r,).
    codes : ndarray of int64
        Position in `names` of each run; ``r == n`` when the rows of each name stand together.
    """
    starts = run_starts(values)
    encoded = as_text(values.take(pa.array(starts))).dictionary_encode()
    return encoded.dictionary, starts, np.asarray(encoded.indices, dtype=np.int64)
