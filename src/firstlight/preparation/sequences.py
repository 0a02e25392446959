"""What a network reads: ragged rows of features, and what is known about each object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from firstlight._types import Bits, Bools, Floats, Floats32, Ints
from firstlight.preparation.states import States


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

    features: Floats32
    offsets: Ints
    owner: Ints
    row: Ints
    issued: Bools
    time: Floats
    n_detections: Ints
    context: Floats32
    context_mask: Bools
    flags: Bits
    names: tuple[str, ...]
    context_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.owner)

    @property
    def lengths(self) -> Ints:
        """Rows of each sequence, int64 [s]."""
        return np.diff(self.offsets)


class Steps(NamedTuple):
    """What came of further observations of n objects.

    Attributes
    ----------
    states : States
    sequences : Sequences
        The rows that a network reads now, a sequence for each season of an object that goes on or begins.
        `row` is -1 for an observation of an earlier call that waited for the trigger. `flags` are those of
        all that was met so far. Other than in a whole table, seasons that do not speak stand there too.
    begins : bool [s]
        Whether a sequence is the beginning of its season, where the network starts anew.
    late : bool [N]
        Observations that come before one that was taken, and were not: start anew to have them read.
    """

    states: States
    sequences: Sequences
    begins: Bools
    late: Bools
