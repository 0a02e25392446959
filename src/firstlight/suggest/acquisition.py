"""What a label would teach: uncertainty, class balance and diversity, chosen one after the other.

Plain arithmetic on probabilities and embeddings; `ranking` asks a classifier for them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from firstlight._types import Bools, Floats, Ints
from firstlight.errors import UsageError

# What counts how much; chosen by replayed experiments inside the pool of ztf-5 (benchmarks/suggest.py).
UNCERTAINTY, BALANCE, DIVERSITY = 0.4, 0.4, 0.2
_PAIRS_AT_ONCE = 4_000_000  # distances in memory at a time


class Choice(NamedTuple):
    """k objects in the order in which they were chosen; every part lies between 0 and 1.

    Attributes
    ----------
    chosen : int64 [k]
        Positions of the objects.
    score : float64 [k]
        Weighted mean of the three parts, when the object was chosen.
    uncertainty : float64 [k]
        1 less the lead of the most probable class over the second.
    balance : float64 [k]
        How much the expected label is wanted: 1 where it must be of the class with the fewest labels.
    diversity : float64 [k]
        Distance to the nearest labelled or chosen object: 1/2 at the median of the objects, 1 far away.
    """

    chosen: Ints
    score: Floats
    uncertainty: Floats
    balance: Floats
    diversity: Floats


def choose(
    probabilities: ArrayLike,
    embedding: ArrayLike,
    number: int,
    *,
    counts: ArrayLike | None = None,
    labelled: ArrayLike | None = None,
) -> Choice:
    """The objects whose labels would teach most, as many as `number` or as there are.

    They are chosen one by one. What is chosen counts as labelled from then on: with its expected class for
    the balance, and with its place for the diversity, so that a night's list does not ask the same thing
    twice. Of equals the first is taken.

    Parameters
    ----------
    probabilities : array [n, C]
    embedding : array [n, E]
        What the network makes of the objects.
    number : int
    counts : array [C], optional
        Labels of each class so far; none by default.
    labelled : array [m, E], optional
        Embeddings of the labelled objects.
    """
    p, places = np.asarray(probabilities, np.float64), np.asarray(embedding, np.float64)
    if p.ndim != 2 or places.ndim != 2 or len(p) != len(places):
        raise UsageError(
            f"probabilities {p.shape} and embedding {places.shape} are not of the same objects",
            where="choose",
        )
    n, classes = p.shape
    seen = np.zeros(classes) if counts is None else np.asarray(counts, np.float64)
    known = np.empty((0, places.shape[1])) if labelled is None else np.asarray(labelled, np.float64)
    places, known = _comparable(places, known)
    uncertainty = _uncertainty(p)
    distance = _to_nearest(places, known)
    alive = np.ones(n, np.bool_)
    index = np.zeros(min(max(number, 0), n), np.int64)
    parts = np.zeros((4, len(index)))
    for step in range(len(index)):
        balance = np.minimum(p @ wanted(seen), 1.0)
        diversity = _diversity(distance, alive)
        score = UNCERTAINTY * uncertainty + BALANCE * balance + DIVERSITY * diversity
        best = int(np.argmax(np.where(alive, score, -np.inf)))
        index[step] = best
        parts[:, step] = score[best], uncertainty[best], balance[best], diversity[best]
        alive[best] = False
        seen = seen + p[best]
        distance = np.minimum(distance, _to_nearest(places, places[best : best + 1]))
    return Choice(index, *parts)


def wanted(counts: ArrayLike) -> Floats:
    """How much a label of each class is wanted, [C]: 1 for the class with the fewest, less in proportion.

    One label is added to each, so that the second label of a class is worth half of the first.

    Examples
    --------
    >>> wanted([9, 1, 0]).tolist()
    [0.1, 0.5, 1.0]
    """
    need = 1.0 / (np.asarray(counts, np.float64) + 1.0)
    return np.asarray(need / need.max(initial=1e-300))


def _uncertainty(p: Floats) -> Floats:
    """1 less the lead of the first class over the second; nothing is uncertain of one class."""
    if p.shape[1] < 2:
        return np.zeros(len(p))
    two = np.partition(p, -2, axis=1)[:, -2:]
    return np.asarray(1.0 - (two[:, 1] - two[:, 0]))


def _comparable(places: Floats, known: Floats) -> tuple[Floats, Floats]:
    """Both sets of places in units of the spread of each number; numbers that never vary are left out."""
    together = np.concatenate([places, known])
    if not len(together):
        return places, known
    spread = together.std(axis=0)
    vary = spread > 1e-9 * np.abs(together).max(axis=0, initial=0.0)
    return places[:, vary] / spread[vary], known[:, vary] / spread[vary]


def _to_nearest(places: Floats, known: Floats) -> Floats:
    """The distance [n] of each place to the nearest known one; infinite where none is known."""
    nearest = np.full(len(places), np.inf)
    if not len(known):
        return nearest
    squares = np.einsum("ij,ij->i", known, known)
    block = max(1, _PAIRS_AT_ONCE // len(known))
    for first in range(0, len(places), block):
        some = places[first : first + block]
        pairs = np.einsum("ij,ij->i", some, some)[:, None] - 2.0 * some @ known.T + squares
        nearest[first : first + block] = np.sqrt(np.maximum(pairs.min(axis=1), 0.0))
    return nearest


def _diversity(distance: Floats, alive: Bools) -> Floats:
    """The distance as a share, 1/2 at the median of what may still be chosen."""
    usual = float(np.median(distance[alive])) if alive.any() else 0.0
    if np.isinf(usual):
        return np.ones(len(distance))
    total = distance + usual
    return np.asarray(np.divide(distance, total, out=np.zeros(len(distance)), where=total > 0.0))
