"""The rows of light curves: their order, what repeats, and what they say of their object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from firstlight._types import AnyArray, Bits, Bools, Floats, Ints
from firstlight.errors import DataError, UsageError
from firstlight.lightcurves.flags import UNUSABLE, Flag, mark
from firstlight.tables.identifiers import grouped


@dataclass(frozen=True)
class Rows:
    """Observations as they were given, in nJy and MJD, not yet in order; all of shape (N,)."""

    time: Floats
    passband: NDArray[np.int16]
    flux: Floats
    flux_err: Floats
    limit: Floats
    detected: Bools
    flags: Bits


ROWS = tuple(Rows.__dataclass_fields__)


@dataclass(frozen=True)
class Settled:
    """Observations in order: `names` (n,), `offsets` (n + 1,), and rows."""

    names: pa.Array
    offsets: Ints
    rows: Rows


def settle(ids: pa.Array, rows: Rows) -> Settled:
    """Rows in order: objects as they first appear, then time, passband, flux; duplicates flagged.

    The order within an object does not depend on the order given.
    """
    names, starts, codes = grouped(ids)
    n, size = len(names), len(rows.time)
    if len(starts) == n:
        return Settled(names, (offsets := np.append(starts, size).astype(np.int64)), in_order(rows, offsets))
    code = np.repeat(codes, np.diff(np.append(starts, size)))
    rows = take_rows(rows, np.lexsort((rows.passband, rows.time, code)))
    offsets = np.concatenate([[0], np.cumsum(np.bincount(code, minlength=n))]).astype(np.int64)
    return Settled(names, offsets, in_order(rows, offsets))


def take_rows(rows: Rows, index: AnyArray) -> Rows:
    """The rows at `index`, a boolean mask or positions."""
    return Rows(**{name: value[index] for name, value in vars(rows).items()})


def in_order(rows: Rows, offsets: Ints) -> Rows:
    """Rows sorted within their objects, duplicates flagged; objects already in order are left alone."""
    if len(rows.time) < 2:
        return rows
    time, band = rows.time, rows.passband
    ascending = (time[:-1] < time[1:]) | ((time[:-1] == time[1:]) & (band[:-1] < band[1:]))
    inner = offsets[1:-1]
    ascending[inner[(inner > 0) & (inner < len(time))] - 1] = True
    disorder = np.flatnonzero(~ascending)
    if not disorder.size:
        return rows
    objects = np.unique(np.searchsorted(offsets, disorder, side="right") - 1)
    where, owner = ragged_positions(offsets[objects], np.diff(offsets)[objects])
    part = take_rows(rows, where)
    # Two keys decide nearly always; the others cost as much again each.
    part = take_rows(part, np.lexsort((part.passband, part.time, owner)))
    part = _ties_settled(part, owner)
    whole = {name: value.copy() for name, value in vars(rows).items()}
    for name, value in vars(part).items():
        whole[name][where] = value
    return Rows(**whole)


def _ties_settled(rows: Rows, owner: Ints) -> Rows:
    """Rows in order of time and passband, with those that share both put in order and repeats flagged."""
    tied = (owner[1:] == owner[:-1]) & (rows.passband[1:] == rows.passband[:-1])
    tied &= (rows.time[1:] == rows.time[:-1]) | np.isnan(rows.time[1:])
    touched = np.zeros(len(owner), bool)
    touched[1:] |= tied
    touched[:-1] |= tied
    where = np.flatnonzero(touched)
    if not where.size:
        return rows
    part, owner = take_rows(rows, where), owner[where]
    unusable = (part.flags & np.uint16(UNUSABLE)) != 0
    # Usable rows first among equals, so that the copy that is kept of a duplicate is a good one.
    keys = (
        part.flags,
        ~part.detected,
        part.flux_err,
        unusable,
        part.limit,
        part.flux,
        part.passband,
        part.time,
    )
    part = take_rows(part, np.lexsort((*keys, owner)))
    mark(part.flags, _repeats(part, owner), Flag.DROPPED_DUPLICATE)
    part.detected[(part.flags & np.uint16(UNUSABLE)) != 0] = False
    for name, value in vars(part).items():
        getattr(rows, name)[where] = value
    return rows


def _repeats(rows: Rows, owner: Ints) -> Bools:
    """Which sorted rows repeat the one before in time, passband, flux and limit."""

    def same(values: AnyArray) -> Bools:
        equal = values[1:] == values[:-1]
        if values.dtype.kind == "f":
            equal |= np.isnan(values[1:]) & np.isnan(values[:-1])
        return np.asarray(equal)

    dropped = Flag.DROPPED_NAN | Flag.DROPPED_UNKNOWN_PASSBAND
    repeated = np.zeros(len(rows.time), bool)
    repeated[1:] = same(owner) & same(rows.time) & same(rows.passband) & same(rows.flux) & same(rows.limit)
    return np.asarray(repeated & ((rows.flags & np.uint16(dropped)) == 0))


def ragged_positions(starts: Ints, counts: Ints) -> tuple[Ints, Ints]:
    """Row positions of segments laid end to end, and the segment of each; both of shape (sum of counts,)."""
    owner = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    before = np.concatenate([[0], np.cumsum(counts)[:-1]]) if len(counts) else np.zeros(0, np.int64)
    return np.arange(len(owner), dtype=np.int64) + (starts - before)[owner], owner


def which_objects(key: Any, n: int, place: Callable[[str], int]) -> Ints:
    """Positions of the objects that a key means.

    Parameters
    ----------
    key : str, int, slice, bool array, int array, or list of str
    n : int
        Number of objects.
    place : callable
        The position of a name; raises `UnknownNameError` for one that it does not know.

    Raises
    ------
    IndexError, UsageError
        For a position that is not there, and a key of any other kind.
    """
    if isinstance(key, str):
        key = [key]
    elif isinstance(key, slice):
        key = np.arange(n)[key]
    elif isinstance(key, (int, np.integer)) and not isinstance(key, (bool, np.bool_)):
        if not -n <= key < n:
            raise IndexError(f"object {key} of {n}")
        key = [int(key)]
    if isinstance(key, (list, tuple)) and key and all(isinstance(one, str) for one in key):
        key = [place(one) for one in key]
    index = np.asarray(key)
    if index.dtype == bool:
        if index.shape != (n,):
            raise UsageError(f"a mask of shape {index.shape} for {n} objects")
        index = np.flatnonzero(index)
    elif index.size == 0:
        index = np.zeros(0, np.int64)
    elif index.dtype.kind not in "iu":
        raise UsageError(f"objects are chosen by position, name or mask, not by {index.dtype}")
    if index.size and not (-n <= index.min() and index.max() < n):
        raise IndexError(f"positions {index.min()} ... {index.max()} of {n} objects")
    return np.where(index < 0, index + n, index).astype(np.int64)


def object_flags(rows: Rows, offsets: Ints) -> Bits:
    """The flags that follow from each object's observations; shape (n,)."""
    n = len(offsets) - 1
    flags = np.zeros(n, np.uint16)
    counts = np.diff(offsets)
    full = counts > 0
    if full.any():
        flags[full] = np.bitwise_or.reduceat(rows.flags, offsets[:-1][full])

    def count(mask: Bools) -> Ints:
        return np.diff(np.concatenate([[0], np.cumsum(mask, dtype=np.int64)])[offsets])

    usable = ((rows.flags & np.uint16(UNUSABLE)) == 0) & (rows.passband >= 0)
    n_usable = count(usable)
    mark(flags, n_usable == 0, Flag.NO_DATA)
    mark(flags, count(rows.detected & usable) == 0, Flag.NO_DETECTION)
    mark(flags, full & (count(rows.passband >= 0) == 0), Flag.NO_KNOWN_PASSBAND)
    mark(flags, _single_epoch(rows.time, usable, offsets, n_usable), Flag.SINGLE_EPOCH)
    return flags


def _single_epoch(time: Floats, usable: Bools, offsets: Ints, n_usable: Ints) -> Bools:
    """Objects with more than three usable observations, all at one time: a broken time column."""
    rows = np.flatnonzero(usable)
    if not rows.size:
        return np.zeros(len(n_usable), bool)
    ends = np.cumsum(n_usable)
    several = n_usable > 3
    first, last = rows[(ends - n_usable)[several]], rows[ends[several] - 1]
    single = np.zeros(len(n_usable), bool)
    single[several] = time[first] == time[last]
    return single


def refuse_unequal(columns: dict[str, int]) -> None:
    """Raise unless all columns are of one length."""
    if len(set(columns.values())) > 1:
        text = ", ".join(f"{name} {size:,}" for name, size in columns.items())
        raise DataError(f"columns are of different length: {text}")
