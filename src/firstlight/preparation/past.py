"""What was known before each observation, computed for all rows at once and without a look ahead."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Past(NamedTuple):
    """Indices of earlier rows, int64 [M]; a row that has none before it points to itself."""

    last: Ints  # the row before
    band: Ints  # the last row in this passband
    other: Ints  # the last row in another passband
    best: Ints  # the brightest before, of two equal the later
    band_best: Ints  # the brightest before in this passband
    band_rows: Ints  # number of rows before in this passband
    band_detections: Ints  # detections in this passband, this row included


def past(
    start: Ints, band: NDArray[np.integer[Any]], magnitude: NDArray[np.float64], detected: NDArray[np.bool_]
) -> Past:
    """The earlier rows that each row is compared with.

    Parameters
    ----------
    start : int64 [M]
        First row of the sequence that each row belongs to, never decreasing.
    band : int [M]
        Passband code.
    magnitude : float64 [M]
    detected : bool [M]
    """
    index = np.arange(len(start))
    first = index == start
    last = index - ~first
    begins = first | (band != band[last])
    run = np.maximum.accumulate(np.where(begins, index, 0))
    other = np.where(run > start, run - 1, index)

    # Ranks instead of magnitudes: integers can carry the sequence in front without losing precision.
    order = np.argsort(-magnitude, kind="stable")
    rank = np.empty_like(order)
    rank[order] = index
    best = best_before(start, index, first, rank, order)

    columns = [np.empty_like(index) for _ in range(4)]
    for code in np.flatnonzero(np.bincount(band)):
        rows = np.flatnonzero(band == code)
        place = np.arange(len(rows))
        owner = start[rows]
        opens = np.ones(len(rows), np.bool_)
        np.not_equal(owner[1:], owner[:-1], out=opens[1:])
        opening = np.maximum.accumulate(np.where(opens, place, 0))
        seen = np.cumsum(detected[rows])
        columns[0][rows] = rows[place - ~opens]
        columns[1][rows] = best_before(owner, rows, opens, rank[rows], order)
        columns[2][rows] = place - opening
        columns[3][rows] = seen - seen[opening] + detected[rows[opening]]
    return Past(last, columns[0], other, best, *columns[1:])


def best_before(group: Ints, rows: Ints, opens: NDArray[np.bool_], rank: Ints, order: Ints) -> Ints:
    """Row of the highest rank before each of `rows` within its group; the row itself where it opens one."""
    base = group * len(order)
    highest = np.maximum.accumulate(base + rank) - base
    before = order[highest[np.arange(len(rows)) - ~opens]]
    return np.where(opens, rows, before)
