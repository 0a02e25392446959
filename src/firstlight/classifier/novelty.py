"""Novelty: how far from all known classes a light curve lies, as a share of known objects that lie nearer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import UsageError

Floats = NDArray[np.float32]

# Beyond the last level the share of known objects that lie farther falls with the distance to this power.
_TAIL = 2.0


@dataclass(frozen=True, eq=False)
class Novelty:
    """Mahalanobis distance to the nearest class, ranked among known objects with as many detections.

    The distance is that of what the network makes of the light curve so far (its embedding) together with the
    row that it read last, in units of the scatter within the classes (arXiv:1807.03888).

    Parameters
    ----------
    edges : int64 [B - 1]
        Upper ends of the bins in number of detections.
    projection : float32 [E, r]
        From embedding and row to coordinates in which the scatter within the classes is 1.
    centres : float32 [B, C, r]
        Of each class in each bin; infinite for a class without labels.
    levels : float64 [Q]
        Shares of known objects, ascending from 0.
    distances : float32 [B, Q]
        Squared distance within which so many of the known objects lie, ascending.
    """

    edges: NDArray[np.int64]
    projection: Floats
    centres: Floats
    levels: NDArray[np.float64]
    distances: Floats

    def __post_init__(self) -> None:
        bins = len(self.edges) + 1
        fits = self.centres.shape[0] == bins and self.centres.shape[2] == self.projection.shape[1]
        if not fits or self.distances.shape != (bins, len(self.levels)):
            raise UsageError("projection, centres and distances do not fit each other", where="novelty")

    def distance(
        self, embedding: Floats, features: Floats, n_detections: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Squared distance to the nearest class, float64 [M].

        Parameters
        ----------
        embedding, features : float32 [M, ...]
            Of the network, and the row that it read.
        n_detections : int64 [M]
            Detections seen so far.
        """
        # In double precision, so that one row and many give the same to the last digit that is asked for.
        place = np.concatenate([embedding, features], axis=1).astype(np.float64) @ self.projection
        bins = np.searchsorted(self.edges, n_detections, side="left")
        nearest = np.full(len(place), np.inf)
        length = (place**2).sum(axis=1)
        for one in np.unique(bins):
            here = bins == one
            centres = self.centres[one, np.isfinite(self.centres[one]).all(axis=1)].astype(np.float64)
            cross = place[here] @ centres.T
            apart = length[here, None] - 2.0 * cross + (centres**2).sum(axis=1)
            nearest[here] = np.maximum(apart, 0.0).min(axis=1)
        return nearest

    def __call__(self, embedding: Floats, features: Floats, n_detections: NDArray[np.int64]) -> Floats:
        """Share of known objects that lie nearer, float32 [M], 0 to 1; parameters as in `distance`."""
        distance = self.distance(embedding, features, n_detections)
        bins = np.searchsorted(self.edges, n_detections, side="left")
        out = np.empty(len(distance))
        for one in np.unique(bins):
            here = bins == one
            out[here] = np.interp(distance[here], self.distances[one], self.levels)
        last = self.distances[bins, -1].astype(np.float64)
        beyond = distance > last
        out[beyond] = 1.0 - (1.0 - self.levels[-1]) * (last[beyond] / distance[beyond]) ** _TAIL
        return out.astype(np.float32)

    def to_tensors(self) -> dict[str, NDArray[np.generic]]:
        """The arrays of ``trust.safetensors``; `from_tensors` reads them back."""
        return {
            "novelty.edges": self.edges,
            "novelty.projection": self.projection,
            "novelty.centres": self.centres,
            "novelty.levels": self.levels,
            "novelty.distances": self.distances,
        }

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, NDArray[np.generic]]) -> Novelty:
        """The novelty that `to_tensors` wrote."""
        return cls(
            np.asarray(tensors["novelty.edges"], np.int64),
            np.asarray(tensors["novelty.projection"], np.float32),
            np.asarray(tensors["novelty.centres"], np.float32),
            np.asarray(tensors["novelty.levels"], np.float64),
            np.asarray(tensors["novelty.distances"], np.float32),
        )
