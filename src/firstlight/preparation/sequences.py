"""What a network reads: ragged rows of features, and what is known about each object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Sequences:
    """Light curves as numbers: s sequences, M rows, F features, K metadata columns, n objects.

    An object owns one sequence for every season that speaks (`Preparation.season_gap_days` says when), so it
    may own several or none.

    Attributes
    ----------
    features : float32 [M, F]
        One row for each observation used.
    offsets : int64 [s + 1]
        Sequence k holds rows ``offsets[k]`` to ``offsets[k + 1]``.
    owner : int64 [s]
        Object of each sequence (its index in the light curves), never decreasing.
    row : int64 [M]
        Observation of each row (its index in the light curves).
    issued : bool [M]
        Whether a probability is given here: at or after the trigger, with at least one detection seen, and
        for a season after others from the moment on at which it speaks.
    time : float64 [M]
        Days since the trigger of the season.
    n_detections : int64 [M]
        Detections seen so far in this sequence, this row included.
    context, context_mask : float32 [s, K], bool [s, K]
        Metadata; the mask is true where the value is known, and the value is 0 where it is not.
    flags : uint16 [n]
        What the preparation found, one bit field an object (`firstlight.lightcurves.Flag`).
    names, context_names : tuple of str
        Names of the F features and of the K metadata columns.
    """

    features: NDArray[np.float32]
    offsets: NDArray[np.int64]
    owner: NDArray[np.int64]
    row: NDArray[np.int64]
    issued: NDArray[np.bool_]
    time: NDArray[np.float64]
    n_detections: NDArray[np.int64]
    context: NDArray[np.float32]
    context_mask: NDArray[np.bool_]
    flags: NDArray[np.uint16]
    names: tuple[str, ...]
    context_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.owner)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Rows of each sequence, int64 [s]."""
        return np.diff(self.offsets)
