"""Object ids: text or whole numbers of any length, never through floating point; which rows carry which."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from firstlight._types import Ints
from firstlight.errors import DataError
from firstlight.notes import Notes
from firstlight.tables.columns import as_arrow, encoded, floats, fractional, is_text, storage


def identifiers(values: Any, name: str = "object_id") -> pa.Array:
    """Object ids as an Arrow array without nulls (text, integers, or a dictionary of either).

    Raises
    ------
    DataError
        For missing ids and for numbers that are not whole: an id that went through float64 has lost its
        last digits.
    """
    array, where = as_arrow(values, name), f"column '{name}'"
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    if pa.types.is_floating(kind):
        array = _whole(array, where=where)
        kind = array.type
    if array.null_count:
        raise DataError(f"{array.null_count} object ids are missing", where=where)
    plain = pa.types.is_integer(kind) or is_text(kind)
    return array if plain else as_text(array)


def _whole(array: pa.Array, *, where: str) -> pa.Array:
    """Floating-point ids as integers, null where there is none."""
    number = floats(array, "")
    known = np.isfinite(number)
    wrong = number[known][fractional(number[known])]
    if len(wrong):
        raise DataError(
            f"ids are fractional or too large for a float ({wrong[0]!r}): digits may be lost",
            where=where,
            hint="Write or read the ids as integers or text.",
        )
    return pa.array(np.where(known, number, 0.0).astype(np.int64), mask=~known)


def identities(column: Any, name: str, notes: Notes) -> tuple[Ints, pa.Array]:
    """The ids of a column of a file: a code a row, -1 for a missing one, and ids as they first appear.

    Text is trimmed, and what a missing id once turned into ``615.0`` is 615 again.

    Raises
    ------
    DataError
        When ids are floating-point numbers that are not whole or too large to be exact.
    """
    column = storage(column)
    if pa.types.is_nested(column.type):
        raise notes.error(f"column '{name}' is {column.type}; expected object ids")
    array = encoded(column)
    values = array.dictionary
    if pa.types.is_floating(values.type):
        with notes.blamed():
            values = _whole(values, where=f"column '{name}'")
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    text = pc.replace_substring_regex(text, r"^([0-9]{1,15})\.0$", r"\1")
    text = pc.if_else(pc.equal(text, ""), None, text)
    ids, starts, codes = grouped(pa.DictionaryArray.from_arrays(array.indices, text))
    return np.repeat(codes, np.diff(np.append(starts, len(array)))), ids


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
    starts = _run_starts(values)
    runs = values.take(pa.array(starts))
    if not isinstance(runs, pa.DictionaryArray):
        runs = as_text(runs).dictionary_encode()
        return runs.dictionary, starts, _codes(runs)
    # Entries of a dictionary may be equal, unused, and in any order: codes alone settle what each means.
    merged = as_text(runs.dictionary).dictionary_encode()
    raw = np.append(_codes(merged), -1)[_codes(runs)]
    first = np.full(len(merged.dictionary), len(raw), dtype=np.int64)
    known = np.flatnonzero(raw >= 0)[::-1]
    first[raw[known]] = known  # the last assignment wins, and rows run backwards
    order = np.argsort(first, kind="stable")[: int((first < len(raw)).sum())]
    rank = np.full(len(first) + 1, -1, dtype=np.int64)
    rank[order] = np.arange(len(order))
    ids = merged.dictionary
    return ids if np.array_equal(order, np.arange(len(ids))) else ids.take(pa.array(order)), starts, rank[raw]


def _codes(array: pa.DictionaryArray) -> Ints:
    """Positions in the dictionary, -1 for null."""
    return np.asarray(array.indices.cast(pa.int64()).fill_null(-1))


def _run_starts(values: pa.Array) -> Ints:
    """Where a run of equal values begins."""
    if len(values) == 0:
        return np.zeros(0, np.int64)
    if isinstance(values, pa.DictionaryArray):
        codes = _codes(values)
        changed = codes[1:] != codes[:-1]
    elif pa.types.is_integer(values.type) and not values.null_count:
        numbers = values.to_numpy()
        changed = numbers[1:] != numbers[:-1]
    else:
        differ = pc.not_equal(values.slice(1), values.slice(0, len(values) - 1))
        changed = pc.fill_null(differ, True).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.flatnonzero(changed) + 1]).astype(np.int64)
