"""Why an answer can be trusted: conformal class sets, and how unlike all known classes a light curve is.

Both rest on labelled objects that the network had not seen; a checkpoint holds them as ``trust.safetensors``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight._types import Bools, Floats, Floats32, Ints
from firstlight.classifier import tensors
from firstlight.errors import Arg, CheckpointError, FirstlightError, UsageError

# Beyond the last level the share of known objects that lie farther falls with the distance to this power.
_TAIL = 2.0


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

    edges: Ints
    levels: Floats
    least: Floats32

    def __post_init__(self) -> None:
        bins, _, levels = self.least.shape
        if bins != len(self.edges) + 1 or levels != len(self.levels):
            raise UsageError("bins, levels and least probabilities do not fit each other", where="class sets")

    def thresholds(self, coverage: float) -> Floats32:
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
                f"a coverage of {coverage} cannot be kept",
                where=Arg("sets"),
                hint="Say a share, such as 0.9.",
            )
        # A hair more, so that 1 - 0.9 finds the level 0.1.
        place = int(np.searchsorted(self.levels, 1.0 - coverage + 1e-9, side="right")) - 1
        if place < 0:
            return np.full(self.least.shape[:2], -1.0, np.float32)
        return np.asarray(self.least[..., place])

    def __call__(self, probabilities: Floats32, n_detections: Ints | int, coverage: float) -> Bools:
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
    def from_tensors(cls, found: Mapping[str, NDArray[np.generic]]) -> ClassSets:
        """The sets that `to_tensors` wrote."""
        return cls(
            np.asarray(found["sets.edges"], np.int64),
            np.asarray(found["sets.levels"], np.float64),
            np.asarray(found["sets.least"], np.float32),
        )


class Evidence(NamedTuple):
    """What class sets are made from, at each observation of a table or after one of a stream."""

    sets: ClassSets
    probabilities: Floats32  # [N, C of the network], with its own shares
    n_detections: Ints | int  # [N]; seen by the network
    members: Bools | None  # [C of the network, C]: what stands under which class; None: the same
    answer: Floats32  # [N, C]

    def at(self, rows: Ints) -> Evidence:
        """That of some observations."""
        n_detections = np.asarray(self.n_detections)[rows]
        probabilities, answer = self.probabilities[rows], self.answer[rows]
        return self._replace(probabilities=probabilities, n_detections=n_detections, answer=answer)

    def __call__(self, coverage: float) -> Bools:
        """Which classes stay, bool [N, C]: those of which one of the network's own does, and the first.

        The most probable class of the answer always stays. So no set is empty, none contradicts the
        probabilities, and a set of less coverage lies within one of more.
        """
        stay = self.sets(self.probabilities, self.n_detections, coverage)
        if self.members is not None:
            stay = np.asarray(stay @ self.members)
        np.put_along_axis(stay, self.answer.argmax(axis=-1, keepdims=True), True, axis=-1)
        return stay


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

    edges: Ints
    projection: Floats32
    centres: Floats32
    levels: Floats
    distances: Floats32

    def __post_init__(self) -> None:
        bins = len(self.edges) + 1
        fits = self.centres.shape[0] == bins and self.centres.shape[2] == self.projection.shape[1]
        if not fits or self.distances.shape != (bins, len(self.levels)):
            raise UsageError("projection, centres and distances do not fit each other", where="novelty")

    def distance(self, embedding: Floats32, features: Floats32, n_detections: Ints) -> Floats:
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

    def __call__(self, embedding: Floats32, features: Floats32, n_detections: Ints) -> Floats32:
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
    def from_tensors(cls, found: Mapping[str, NDArray[np.generic]]) -> Novelty:
        """The novelty that `to_tensors` wrote."""
        return cls(
            np.asarray(found["novelty.edges"], np.int64),
            np.asarray(found["novelty.projection"], np.float32),
            np.asarray(found["novelty.centres"], np.float32),
            np.asarray(found["novelty.levels"], np.float64),
            np.asarray(found["novelty.distances"], np.float32),
        )


@dataclass(frozen=True, eq=False)
class Trust:
    """The content of ``trust.safetensors``.

    Attributes
    ----------
    sets : ClassSets
    novelty : Novelty
    """

    sets: ClassSets
    novelty: Novelty

    def to_bytes(self) -> bytes:
        """The part as it lies in a checkpoint; `read_trust` reads it back."""
        return tensors.dump({**self.sets.to_tensors(), **self.novelty.to_tensors()})


def read_trust(data: bytes, *, classes: int, numbers: int, where: str) -> Trust:
    """The trust of a classifier of so many classes, and numbers in its embedding and in a row together.

    Raises
    ------
    CheckpointError
        When a tensor is missing, or of a shape that does not fit the classifier.
    """
    found = tensors.parse(data, where=where)
    try:
        trust = Trust(ClassSets.from_tensors(found), Novelty.from_tensors(found))
    except KeyError as error:
        raise CheckpointError(f"tensor {error} is missing", where=where) from None
    except FirstlightError as error:
        raise CheckpointError(f"does not hold together: {error}", where=where) from error
    for what, stated, has in (
        ("classes", trust.sets.least.shape[1], classes),
        ("numbers that novelty reads", len(trust.novelty.projection), numbers),
    ):
        if stated != has:
            raise CheckpointError(f"is for {stated} {what}, the classifier has {has}", where=where)
    return trust
