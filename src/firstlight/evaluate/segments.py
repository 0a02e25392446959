"""Arithmetic on ragged arrays: sums, extremes, lines and interpolation for all segments at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from firstlight._types import Bools, Floats, Ints

_APART = 1e6  # more days than any light curve is long: keeps segments apart on one axis


@dataclass(frozen=True, eq=False)
class Segments:
    """Rows that belong to `n` segments, in order; ``owner[M]`` says to which (ascending)."""

    owner: Ints
    n: int

    @cached_property
    def size(self) -> Ints:
        """Rows of each segment, [n]."""
        return np.bincount(self.owner, minlength=self.n).astype(np.int64)

    @cached_property
    def start(self) -> Ints:
        """First row of each segment, [n] (the next segment's where it is empty)."""
        return np.concatenate([[0], np.cumsum(self.size)[:-1]]).astype(np.int64)

    @cached_property
    def rank(self) -> Ints:
        """Place of each row within its segment from 0, [M]."""
        return np.arange(self.owner.size) - self.start[self.owner]

    def where(self, mask: Bools) -> Segments:
        """The segments made of the rows in `mask` only."""
        return Segments(self.owner[mask], self.n)

    def sum(self, values: Floats | Bools) -> Floats:
        """Sum by segment, [n]; 0 where empty."""
        return np.bincount(self.owner, weights=values, minlength=self.n).astype(np.float64)

    def mean(self, values: Floats, weights: Floats | None = None) -> Floats:
        """Weighted mean by segment, [n]; NaN where empty."""
        weights = np.ones(self.owner.size) if weights is None else weights
        return ratio(self.sum(values * weights), self.sum(weights))

    def extreme(self, ufunc: np.ufunc, values: Floats) -> Floats:
        """``np.minimum`` or ``np.maximum`` by segment, [n]; NaN where empty."""
        result = np.full(self.n, np.nan)
        used = self.size > 0
        if used.any():
            result[used] = ufunc.reduceat(values, self.start[used])
        return result

    def at_rank(self, values: Floats, rank: int) -> Floats:
        """Value at a place within each segment, [n]; -1 is the last; NaN where there is none."""
        place = self.size + rank if rank < 0 else np.full(self.n, rank)
        valid = (place >= 0) & (place < self.size)
        result = np.full(self.n, np.nan)
        result[valid] = values[(self.start + place)[valid]]
        return result

    def arg_min(self, values: Floats) -> Ints:
        """Row of the first smallest value of each segment, [n]; -1 where empty."""
        order = np.lexsort((np.arange(values.size), values, self.owner))
        result = np.full(self.n, -1, dtype=np.int64)
        used = self.size > 0
        result[used] = order[self.start[used]]
        return result

    def line(self, x: Floats, y: Floats, weights: Floats, mask: Bools) -> tuple[Floats, Floats]:
        """Slope and its error of the weighted straight line through the rows in `mask`, each [n].

        NaN with fewer than two distinct x.
        """
        rows = self.where(mask)
        x, y, weights = x[mask], y[mask], weights[mask]
        x = x - rows.mean(x, weights)[rows.owner]
        spread = rows.sum(weights * x**2)
        slope = ratio(rows.sum(weights * x * y), spread)
        return slope, np.sqrt(ratio(np.ones(self.n), spread))

    def interpolate(self, x: Floats, y: Floats, owner: Ints, at: Floats, reach: float) -> Floats:
        """`y` at the places `at` of segments `owner`, linear between rows, [k].

        Flat for up to `reach` beyond the first and last row, NaN further out and where `at` is NaN.
        `x` must ascend within a segment.
        """
        result = np.full(at.size, np.nan)
        asked = np.flatnonzero(np.isfinite(at) & (self.size[owner] > 0))
        if asked.size == 0:
            return result
        own, place = owner[asked], at[asked]
        first, last = self.start[own], self.start[own] + self.size[own] - 1
        near = (place >= x[first] - reach) & (place <= x[last] + reach)
        place = np.clip(place, x[first], x[last])
        right = np.searchsorted(self.owner * _APART + x, own * _APART + place, side="left")
        right = np.clip(right, first, last)
        left = np.maximum(right - 1, first)
        share = np.nan_to_num(ratio(place - x[left], x[right] - x[left]))
        result[asked] = np.where(near, y[left] + share * (y[right] - y[left]), np.nan)
        return result


def ratio(above: Floats, below: Floats) -> Floats:
    """``above / below``, NaN where the denominator is not positive enough to divide by."""
    result: Floats = np.divide(above, below, out=np.full(above.shape, np.nan), where=np.abs(below) > 1e-12)
    return result
