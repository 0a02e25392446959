"""Where examples come from: labelled light curves drawn, augmented and prepared anew for every epoch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from firstlight.learn.augment import Augmentation, augment, mask_metadata
from firstlight.learn.batches import Examples, concatenate, label, ragged
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation, Sequences

PART = 4096  # objects prepared at once: an epoch's memory does not grow with the data


# Sequences by light curves, gone with them: many trainings replay the same simulated survey.
_PREPARED: WeakKeyDictionary[LightCurves, dict[Preparation, Sequences]] = WeakKeyDictionary()


def prepared_once(preparation: Preparation, curves: LightCurves) -> Sequences:
    """The sequences of these very light curves; a second call with the same object costs nothing."""
    known = _PREPARED.setdefault(curves, {})
    if preparation not in known:
        known[preparation] = preparation(curves)
    return known[preparation]


@dataclass(frozen=True, eq=False)
class Pool:
    """Labelled light curves of one kind, and how many of them an epoch sees.

    Attributes
    ----------
    curves : LightCurves
        n objects.
    target : int64 [n]
        Class of each object, none of them -1.
    weight : float32 [n]
        What each object counts in the loss.
    draws : int
        Objects drawn an epoch: every object equally often, but for the remainder.
    """

    curves: LightCurves
    target: NDArray[np.int64]
    weight: NDArray[np.float32]
    draws: int

    def order(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """The objects of one epoch, in random order."""
        n = len(self.target)
        rounds = [rng.permutation(n) for _ in range(-(-self.draws // max(n, 1)))]
        return np.concatenate(rounds)[: self.draws] if rounds else np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class Draws:
    """The examples of an epoch from several pools, mixed evenly."""

    pools: tuple[Pool, ...]
    preparation: Preparation
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)

    @property
    def parts(self) -> int:
        """Parts that an epoch comes in."""
        return max(1, -(-sum(pool.draws for pool in self.pools) // PART))

    def __call__(self, rng: np.random.Generator) -> Iterator[Examples]:
        """The parts of one epoch."""
        orders = [np.array_split(pool.order(rng), self.parts) for pool in self.pools]
        for part in range(self.parts):
            drawn = [self._drawn(k, order[part], rng) for k, order in enumerate(orders)]
            examples = concatenate(drawn)
            if self.augmentation.metadata:
                mask = mask_metadata(examples.context_mask, self.augmentation.metadata, rng)
                examples = dataclasses.replace(examples, context_mask=mask)
            yield examples

    def _drawn(self, k: int, objects: NDArray[np.int64], rng: np.random.Generator) -> Examples:
        pool = self.pools[k]
        if self.augmentation.changes_curves:
            curves = augment(pool.curves.take(objects), self.augmentation, rng)
            return label(self.preparation(curves), pool.target[objects], pool.weight[objects])
        examples, first = self._prepared[k]
        sequences, _ = ragged(first, objects)  # the seasons of each object
        return examples.take(sequences)

    @cached_property
    def _prepared(self) -> list[tuple[Examples, NDArray[np.int64]]]:
        """Each pool prepared once, with the first sequence of each object [n + 1]."""
        prepared = []
        for pool in self.pools:
            examples = label(prepared_once(self.preparation, pool.curves), pool.target, pool.weight)
            prepared.append((examples, np.searchsorted(examples.owner, np.arange(len(pool.target) + 1))))
        return prepared
