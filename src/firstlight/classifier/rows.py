"""Rows of many objects: which to prepare at a time, and which answer is in force between answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstlight.lightcurves import LightCurves

# Observations prepared at a time: bounds the memory, and fits the caches of a processor.
_ROWS_AT_ONCE = 32_768


def pieces(offsets: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of objects with about `_ROWS_AT_ONCE` observations each."""
    first, n = 0, len(offsets) - 1
    while first < n:
        last = int(np.searchsorted(offsets, offsets[first] + _ROWS_AT_ONCE, side="right")) - 1
        last = min(max(last, first + 1), n)
        yield first, last
        first = last


def carry_on(columns: Sequence[NDArray[Any]], days: NDArray[np.float64], curves: LightCurves) -> None:
    """Fill rows without an answer of their own with the one in force, in place."""
    answered = np.isfinite(days)
    if answered.all():
        return
    index = np.arange(len(days))
    source = np.maximum.accumulate(np.where(answered, index, -1))
    filled = ~answered & (source >= curves.offsets[:-1][curves.owner])
    source = source[filled]
    for column in columns:
        column[filled] = column[source]
    days[filled] = curves.time[filled] - curves.time[source] + days[source]
