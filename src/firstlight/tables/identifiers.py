"""Object ids: text or whole numbers of any length, never through floating point; which rows carry which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight._types import Bools, Ints
from firstlight.errors import DataError
from firstlight.notes import Notes
from firstlight.tables.columns import (
    EXACT,
    MISSING,
    as_arrow,
    encoded,
    floats,
    fractional,
    is_bytes,
    is_text,
    plain,
    storage,
    trimmed,
)

# Digits up to which every whole number is exact.
_EXACT = {16: 2.0**11, 32: 2.0**24, 64: EXACT}
# 3.91E+16, as spreadsheets, 3.13888618182017e+17, as pandas, and 313888618182017038.0: ids that were numbers.
_WAS_FLOAT = r"^[+-]?([0-9]+\.[0-9]*[eE][+-]?[0-9]+|[0-9]+[eE][+-][0-9]+|[0-9]{16,}\.0*)$"


def identifiers(values: Any, name: str = "object_id") -> pa.Array:
    """Object ids as an Arrow array without nulls (text, integers, or a dictionary of either).

    Raises
    ------
    DataError
        For missing ids, and for what `identities` refuses.
    """
    where = f"column '{name}'"
    array = _readable(as_arrow(values, name), where=where)
    missing = array.null_count
    if isinstance(array, pa.DictionaryArray) and array.dictionary.null_count:
        missing = array.dictionary_decode().null_count
    if missing:
        raise DataError(f"{missing} object ids are missing", where=where)
    return array


def identities(column: Any, name: str, notes: Notes) -> tuple[Ints, pa.Array]:
    """The ids of a column of a file: a code a row, -1 for a missing one, and ids as they first appear.

    Text is trimmed, what stands for "no value" is no id, and what a missing id once turned into ``615.0`` is
    615 again.

    Raises
    ------
    DataError
        When ids have lost digits in floating point, are not UTF-8, or are neither text nor numbers.
    """
    with notes.blamed():
        array = _readable(as_arrow(storage(column), name), where=f"column '{name}'")
    ids, starts, codes = grouped(array)
    return np.repeat(codes, np.diff(np.append(starts, len(array)))), ids


def _readable(array: pa.Array, *, where: str) -> pa.Array:
    """Ids as integers or as a dictionary of text, null where there is none."""
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if pa.types.is_integer(kind):
        return array
    if pa.types.is_floating(kind):
        return _whole(plain(array), where=where)
    known = is_text(kind) or is_bytes(kind) or pa.types.is_decimal(kind) or pa.types.is_null(kind)
    if not known:
        raise DataError(f"{where} is {kind}; expected object ids")
    array = encoded(array)
    return pa.DictionaryArray.from_arrays(array.indices, _distinct(array.dictionary, where=where))


def _distinct(text: pa.Array, *, where: str) -> pa.Array:
    """Ids as they are compared: trimmed, null where a word says that there is none."""
    text = trimmed(text)
    text = pc.replace_substring_regex(text, r"^([0-9]{1,15})\.0$", r"\1")
    text = pc.if_else(pc.is_in(pc.utf8_lower(text), value_set=pa.array(MISSING)), None, text)
    for wrong, what, hint in (
        (
            pc.match_substring_regex(text, _WAS_FLOAT),
            "ids were written as floating-point numbers ('{}'): digits may be lost",
            "Write the ids as integers or text.",
        ),
        (
            pc.match_substring(text, "\ufffd"),
            "ids are not UTF-8 text ('{}'): different ones may look alike",
            "Convert the file, e.g. with iconv -f latin1 -t utf-8.",
        ),
    ):
        first = pc.index(wrong, True).as_py()
        if first >= 0:
            raise DataError(what.format(text[first].as_py()), where=where, hint=hint)
    return text


def _whole(array: pa.Array, *, where: str) -> pa.Array:
    """Floating-point ids as integers, null where there is none."""
    number = floats(array, "")
    known = np.isfinite(number)
    wrong = number[known & fractional(number, _EXACT[array.type.bit_width])]
    if len(wrong):
        raise DataError(
            f"ids are fractional or too large for {array.type} ({float(wrong[0])!r}): digits may be lost",
            where=where,
            hint="Write or read the ids as integers or text.",
        )
    return pa.array(np.where(known, number, 0.0).astype(np.int64), mask=~known)


def as_text(values: pa.Array) -> pa.Array:
    """Ids as an Arrow array of plain strings."""
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary_decode()
    return values if values.type == pa.string() else values.cast(pa.string())


def grouped(values: pa.Array) -> tuple[pa.Array, Ints, Ints]:
    """Distinct ids in order of first appearance, and the runs of rows that carry them.

    Parameters
    ----------
    values : pa.Array
        Ids as text, integers, or a dictionary of either; nulls belong to no object.

    Returns
    -------
    ids : pa.Array
        Distinct ids as strings, shape (n,).
    starts : int64 array
        First row of each run of equal ids, shape (r,).
    codes : int64 array
        Position in `ids` of each run, -1 for null; ``r == n`` when the rows of each id stand together.
    """
    if not isinstance(values, pa.DictionaryArray):
        starts = _starts(_changes(values)) if len(values) else np.zeros(0, np.int64)
        runs = as_text(values.take(pa.array(starts))).dictionary_encode()
        return runs.dictionary, starts, _codes(runs)
    rows = _codes(values)
    starts = _starts(rows[1:] != rows[:-1]) if len(rows) else rows
    # Entries of a dictionary may be equal, unused, and in any order: codes alone settle what each means.
    merged = as_text(values.dictionary).dictionary_encode()
    raw = np.append(_codes(merged), -1)[rows[starts]]
    first = np.full(len(merged.dictionary), len(raw), dtype=np.int64)
    known = np.flatnonzero(raw >= 0)[::-1]
    first[raw[known]] = known  # the last assignment wins, and rows run backwards
    order = np.argsort(first, kind="stable")[: int((first < len(raw)).sum())]
    ids = merged.dictionary
    if np.array_equal(order, np.arange(len(ids))):
        return ids, starts, raw
    rank = np.full(len(first) + 1, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    return ids.take(pa.array(order)), starts, rank[raw]


def _codes(array: pa.DictionaryArray) -> Ints:
    """Positions in the dictionary, -1 for null."""
    return np.asarray(array.indices.cast(pa.int64()).fill_null(-1))


def _changes(values: pa.Array) -> Bools:
    """Whether each value but the first differs from the one before."""
    if pa.types.is_integer(values.type) and not values.null_count:
        numbers = values.to_numpy()
        return np.asarray(numbers[1:] != numbers[:-1])
    differ = pc.not_equal(values.slice(1), values.slice(0, len(values) - 1))
    return np.asarray(pc.fill_null(differ, True).to_numpy(zero_copy_only=False))


def _starts(changes: Bools) -> Ints:
    """Where runs of equal values begin."""
    return np.concatenate([[0], np.flatnonzero(changes) + 1]).astype(np.int64, copy=False)
