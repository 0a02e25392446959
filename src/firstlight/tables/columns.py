"""Any column (lists, NumPy, pandas, polars, astropy, Arrow) as one array: numbers, days, signs, words."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight._types import AnyArray, Bools, Floats
from firstlight.errors import DataError
from firstlight.notes import Notes

MISSING = ("", "nan", "null", "none", "na", "n/a", "-", "--", "masked", "<na>")
"""Text that stands for "no value" in the files of the field."""
EXACT = 2.0**53
"""From here on, whole numbers have gaps in floating point."""
_NUMBER = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eEdD][+-]?[0-9]+)?$|^[+-]?(inf|infinity)$"
_POSITIVE = {"t", "true", "1", "y", "yes", "+", "+1", "positive"}
_NEGATIVE = {"f", "false", "0", "n", "no", "-", "-1", "negative"}
_NOT_ARROW = (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError)


def shortened(text: str, length: int = 60) -> str:
    """A text for a message, cut where it is long."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def text_of(name: object) -> str:
    """`name` as text: bytes decoded, 1.0 and numpy integers as ``"1"``, padding removed."""
    if isinstance(name, bytes):
        name = name.decode("utf-8", "replace")
    if not isinstance(name, str) and hasattr(name, "item"):
        name = name.item()
    if isinstance(name, float) and name.is_integer():
        name = int(name)
    return str(name).strip()


def as_arrow(values: Any, name: str = "", *, where: str = "") -> pa.Array:
    """`values` as one Arrow array: masked and missing entries null, byte order native, bytes as text.

    NaN among NumPy's numbers stays NaN; rows of a two-dimensional array become lists, and a column of mixed
    Python objects text.

    Parameters
    ----------
    values : sequence, array, masked array, quantity, pandas or polars series, Arrow array
    name, where : str
        The column and its table, for errors.

    Raises
    ------
    DataError
        When it is no column.
    """
    try:
        return _one_chunk(_arrow(values))
    except (TypeError, ValueError, OverflowError, pa.ArrowException) as error:
        what = f"column '{name}' is {type(values).__name__}; expected an array"
        raise DataError(what, where=where) from error


def _arrow(values: Any) -> pa.Array | pa.ChunkedArray:
    if isinstance(values, (pa.Array, pa.ChunkedArray)):
        return values
    if hasattr(values, "to_arrow"):  # polars
        return values.to_arrow()
    if isinstance(values, np.ma.MaskedArray):
        return _from_numpy(np.asarray(values), np.ma.getmaskarray(values))
    if hasattr(values, "unit") and hasattr(values, "value"):
        values = values.value
    if isinstance(values, np.ndarray):
        return _from_numpy(np.asarray(values), None)
    if isinstance(values, (str, bytes)):
        raise TypeError("a text is no column")
    try:  # pandas among them: nullable, Arrow-backed, categories
        return pa.array(values, from_pandas=True)
    except _NOT_ARROW:
        pass
    plain = np.asarray(values) if not hasattr(values, "iloc") else None
    if plain is not None and plain.ndim == 1 and plain.dtype.kind in "iufb":
        return _from_numpy(plain, None)
    return _words(values)


def _words(values: Any) -> pa.Array:
    """Numbers beside text, as text: what is no number is dealt with, and told, where numbers are needed."""
    return pa.array([None if _is_missing(value) else text_of(value) for value in values], type=pa.string())


def _is_missing(value: object) -> bool:
    return value is None or type(value).__name__ == "NAType" or (np.ndim(value) == 0 and value != value)  # type: ignore[arg-type]


def _from_numpy(values: AnyArray, mask: AnyArray | None) -> pa.Array:
    if values.ndim > 1:
        width = int(np.prod(values.shape[1:]))
        inner = _from_numpy(values.reshape(-1), None if mask is None else mask.reshape(-1))
        offsets = np.arange(len(values) + 1, dtype=np.int64) * width
        return pa.LargeListArray.from_arrays(pa.array(offsets), inner)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind == "O":
        items = values if mask is None else np.ma.array(values, mask=mask).filled(None)
        try:
            return pa.array(items, from_pandas=True)
        except _NOT_ARROW:
            return _words(items)
    return pa.array(values.astype(values.dtype.newbyteorder("="), copy=False), mask=mask)


def _one_chunk(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    if not isinstance(values, pa.ChunkedArray):
        return values
    if pa.types.is_dictionary(values.type):
        values = values.unify_dictionaries()
    elif values.nbytes > 2**31 - 1 and pa.types.is_string(values.type):
        values = values.cast(pa.large_string())  # 32-bit offsets would overflow in one chunk
    if values.num_chunks == 1:
        return values.chunk(0)
    return pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([], type=values.type)


def storage(column: Any) -> Any:
    """An Arrow column without extension type; anything else as it is."""
    if not isinstance(getattr(column, "type", None), pa.BaseExtensionType):
        return column
    if isinstance(column, pa.ChunkedArray):
        return pa.chunked_array([part.storage for part in column.chunks], type=column.type.storage_type)
    return column.storage


def plain(column: Any, name: str = "", *, where: str = "") -> pa.Array:
    """A column as one Arrow array without dictionary or extension type."""
    array = as_arrow(storage(column), name, where=where)
    return array.dictionary_decode() if pa.types.is_dictionary(array.type) else array


def encoded(column: pa.Array | pa.ChunkedArray) -> pa.DictionaryArray:
    """An Arrow column as one dictionary array, so that each distinct value is looked at once."""
    column = storage(column)
    if pa.types.is_null(column.type):
        column = column.cast(pa.string())
    return as_arrow(column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column))


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's for text."""
    is_view = getattr(pa.types, "is_string_view", lambda _: False)  # newer than our oldest pyarrow
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or is_view(kind))


def is_bytes(kind: pa.DataType) -> bool:
    """Whether a type is one of Arrow's for bytes."""
    tests = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    return any(test(kind) for test in tests)


def floats(values: Any, name: str) -> Floats:
    """`values` as float64; null, masked and None become NaN.

    Integers, float32, big-endian, masked and Arrow columns, object columns of floats and astropy quantities
    are understood; text is refused.
    """
    if type(values) is np.ndarray and values.dtype == np.float64 and values.ndim == 1:
        return values
    array = plain(values, name)
    kind = array.type
    if pa.types.is_null(kind):
        return np.full(len(array), np.nan)
    if pa.types.is_decimal(kind):
        array, kind = array.cast(pa.float64()), pa.float64()
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise DataError(
            f"holds {kind}, not numbers",
            where=f"column '{name}'",
            hint="Give floats in one dimension, missing as null or NaN.",
        )
    if pa.types.is_boolean(kind):
        array = array.cast(pa.int8())
    return np.asarray(array.to_numpy(zero_copy_only=False), dtype=np.float64)


def numbers(column: Any, name: str, notes: Notes, *, needed: bool = False, what: str = "numbers") -> Floats:
    """Values of a column as float64, NaN where empty; text that is no number becomes NaN, and is told.

    Parameters
    ----------
    needed : bool
        Whether nothing can be said where no cell of the column can be read.
    what : str
        What the cells should be, in words.

    Raises
    ------
    DataError
        When the column holds lists, truth values or anything else that is no number, or is needed and no cell
        can be read.
    """
    array = plain(column, name, where=notes.where)
    kind = array.type
    if is_text(kind) or is_bytes(kind):
        return _parsed(array, name, notes, needed, what)
    of_numbers = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null)
    if not any(test(kind) for test in of_numbers):
        raise notes.error(f"column '{name}' is {kind}; expected numbers")
    return floats(array, name)


def _parsed(array: pa.Array, name: str, notes: Notes, needed: bool, what: str) -> Floats:
    text = trimmed(array)
    text = pc.if_else(pc.is_in(pc.utf8_lower(text), value_set=pa.array(MISSING)), None, text)
    good = pc.match_substring_regex(text, _NUMBER, ignore_case=True)
    bad = int(pc.sum(pc.invert(good)).as_py() or 0)
    if bad:
        row = int(np.flatnonzero(~pc.fill_null(good, True).to_numpy(zero_copy_only=False))[0])
        first = f"first: '{shortened(text[row].as_py())}' in data row {row + 1:,}"
        if needed and bad == len(text) - text.null_count:
            commas = bool(pc.any(pc.match_substring_regex(text, r"^[+-]?[0-9]+,[0-9]+$")).as_py())
            hint = "Write decimal points instead of commas." if commas else ""
            raise notes.error(f"column '{name}': no cell can be read as {what} ({first})", hint=hint)
        notes.add(f"column '{name}': {bad:,} cells are not {what}, read as missing ({first})")
        text = pc.if_else(good, text, None)
    # Fortran exponents and leading plus signs are numbers that Arrow does not take.
    text = pc.replace_substring_regex(pc.replace_substring_regex(text, r"^\+", ""), "[dD]", "e")
    return np.asarray(text.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def trimmed(array: pa.Array) -> pa.Array:
    """Values as text without blanks around, with a mark for each byte that is none."""
    if is_bytes(array.type):
        cells = [None if cell is None else cell.decode("utf-8", "replace") for cell in array.to_pylist()]
        array = pa.array(cells, pa.string())
    return pc.utf8_trim_whitespace(array.cast(pa.string()))


def texts(column: Any) -> pa.Array:
    """Values of a column as trimmed strings; null where empty. Whole numbers lose their ``.0``."""
    array = plain(column)
    if pa.types.is_floating(array.type):
        values = floats(array, "")
        if not fractional(values[np.isfinite(values)]).any():
            array = pa.array(values, from_pandas=True).cast(pa.int64())
    return trimmed(array)


def fractional(numbers: Floats, exact: float = EXACT) -> Bools:
    """Which numbers are not whole, or so large (`exact`) that whole ones have lost digits."""
    return np.asarray((numbers != np.floor(numbers)) | (np.abs(numbers) >= exact))


def words(column: Any) -> pa.DictionaryArray:
    """Values of a column as a dictionary of `texts`, as passbands and surveys are."""
    array = encoded(column)
    return pa.DictionaryArray.from_arrays(array.indices, texts(array.dictionary))


def truths(values: Any, name: str, notes: Notes | None = None) -> tuple[Bools, Bools]:
    """Whether each value is true, and whether it is there at all.

    Numbers above 0 are true, 0 and -1 false, in text as well; other words say nothing, and are told.
    """
    array = plain(values, name)
    if pa.types.is_boolean(array.type):
        return np.asarray(pc.fill_null(array, False)), np.asarray(array.is_valid())
    sign = signs(array, name)
    unread = int(np.isnan(sign).sum()) - _missing(array)
    if unread > 0 and notes is not None:
        notes.add(f"column '{name}': {unread:,} cells are neither true nor false, read as missing")
    return sign > 0, np.isfinite(sign)


def _missing(array: pa.Array) -> int:
    """How many values are not there, words for it among them."""
    missing = pc.is_null(array, nan_is_null=True)
    if is_text(array.type):
        missing = pc.or_(missing, pc.is_in(pc.utf8_lower(trimmed(array)), value_set=pa.array(MISSING)))
    return int(pc.sum(missing).as_py() or 0)


def sign_of(value: object) -> float:
    """The sign of one value, as `signs` reads it."""
    text = text_of(value).casefold()
    if text in _POSITIVE or text in _NEGATIVE:
        return 1.0 if text in _POSITIVE else -1.0
    number = float(text) if re.match(_NUMBER, text) else np.nan
    return 1.0 if number > 0 else -1.0 if number in (0.0, -1.0) else np.nan


def signs(values: Any, name: str) -> Floats:
    """The sign of a difference flux, +1 or -1, NaN where the spelling says neither.

    ``t``, ``true``, ``y``, ``+`` and numbers above 0 are positive, ``f``, ``false``, ``n``, ``-``, 0 and -1
    negative: all of them occur in ZTF alerts and what brokers make of them, ``1.0`` for ``1`` too.
    """
    array = encoded(as_arrow(values, name))
    table = np.full(len(array.dictionary) + 1, np.nan)
    for index, value in enumerate(array.dictionary.to_pylist()):
        table[index] = sign_of(value)
    indices = array.indices.fill_null(len(array.dictionary))
    return np.asarray(table[np.asarray(indices, dtype=np.intp)])
