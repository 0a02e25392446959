"""Conformal class sets: which classes stay possible, so that each true class is kept as often as one asks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import UsageError

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class ClassSets:
    """Least probabilities at which a class stays in the set, by class and number of detections.

    A class stays where its probability is at least what all but a share ``1 - coverage`` of the labelled
    objects of that class had at as many detections. That bounds the share of lost objects for each class by
    itself, however rare it is and whatever the shares of the classes are where the sets are used.

    Parameters
    ----------
    edges : int64 [B - 1]
        Upper ends of the bins in number of detections.
    levels : float64 [A]
        Shares of a class that may be lost, ascending.
    least : float32 [B, C, A]
        Least probability; -1 where no labelled object may be lost at this level, so the class always stays.
    """

    edges: NDArray[np.int64]
    levels: NDArray[np.float64]
    least: Floats

    def __post_init__(self) -> None:
        bins, _, levels = self.least.shape
        if bins != len(self.edges) + 1 or levels != len(self.levels):
            raise UsageError("bins, levels and least probabilities do not fit each other", where="class sets")

    def thresholds(self, coverage: float) -> Floats:
        """The least probability of each class in each bin, float32 [B, C].

        Parameters
        ----------
        coverage : float
            Share of each class that is to keep its true class; between two stored levels the safer one.

        Raises
        ------
        UsageError
            When it is not above 0 and below 1.
        """
        if not 0.0 < coverage < 1.0:
            raise UsageError(
                f"a coverage of {coverage} cannot be kept", where="sets", hint="Say a share, such as 0.9."
            )
        # A hair more, so that 1 - 0.9 finds the level 0.1.
        place = int(np.searchsorted(self.levels, 1.0 - coverage + 1e-9, side="right")) - 1
        if place < 0:
            return np.full(self.least.shape[:2], -1.0, np.float32)
        return np.asarray(self.least[..., place])

    def __call__(
        self, probabilities: Floats, n_detections: NDArray[np.int64] | int, coverage: float
    ) -> NDArray[np.bool_]:
        """Which classes stay, bool [M, C]; all where there is no answer (NaN).

        Parameters
        ----------
        probabilities : float32 [M, C]
            Of the classifier's own classes, with its own shares.
        n_detections : int64 [M]
            Detections seen so far.
        coverage : float
            See `thresholds`.
        """
        bins = np.searchsorted(self.edges, n_detections, side="left")
        return np.asarray(~(probabilities < self.thresholds(coverage)[bins]))

    def to_tensors(self) -> dict[str, NDArray[np.generic]]:
        """The arrays of ``trust.safetensors``; `from_tensors` reads them back."""
        return {"sets.edges": self.edges, "sets.levels": self.levels, "sets.least": self.least}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.generic]]) -> ClassSets:
        """The sets that `to_tensors` wrote."""
        return cls(
            np.asarray(tensors["sets.edges"], np.int64),
            np.asarray(tensors["sets.levels"], np.float64),
            np.asarray(tensors["sets.least"], np.float32),
        )
