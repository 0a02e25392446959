"""What networks are trained on: labelled sequences, drawn and augmented anew every epoch, in minibatches."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from firstlight._types import AnyArray, Bools, Floats32, Ints
from firstlight.learn.augmentation import augment, mask_metadata
from firstlight.learn.recipe import Augmentation
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation, Sequences

SORTED_TOGETHER = 16  # batches, by length: enough to save the padding, few enough to stay random
OBJECTS_AT_ONCE = 4096  # prepared together: an epoch's memory does not grow with the data


@dataclass(frozen=True, eq=False)
class Examples:
    """s sequences of M rows with their labels: what a network is trained on.

    Attributes
    ----------
    features : float32 [M, F]
    offsets : int64 [s + 1]
    context, context_mask : float32 [s, K]
    target : int64 [s]
        Index of the class.
    weight : float32 [s]
        What the sequence counts in the loss (class weight times its share of its object).
    issued : bool [M]
        Rows at which a probability is given, hence a loss taken.
    n_detections : int64 [M]
    owner : int64 [s]
        Object of each sequence, its index in the light curves these examples were made of.
    """

    features: Floats32
    offsets: Ints
    context: Floats32
    context_mask: Floats32
    target: Ints
    weight: Floats32
    issued: Bools
    n_detections: Ints
    owner: Ints

    def __len__(self) -> int:
        return len(self.target)

    @property
    def lengths(self) -> Ints:
        """Rows of each sequence, int64 [s]."""
        return np.diff(self.offsets)

    def take(self, which: Ints) -> Examples:
        """The sequences of these indices, in this order; an index may come twice."""
        rows, offsets = ragged(self.offsets, which)
        values: dict[str, Any] = {"offsets": offsets}
        for name in ("features", "issued", "n_detections"):
            values[name] = getattr(self, name)[rows]
        for name in ("context", "context_mask", "target", "weight", "owner"):
            values[name] = getattr(self, name)[which]
        return Examples(**values)

    @classmethod
    def concatenate(cls, parts: Sequence[Examples]) -> Examples:
        """All sequences of several examples, one after the other; owners count on from part to part."""
        if len(parts) == 1:
            return parts[0]
        values = {
            item.name: np.concatenate([getattr(part, item.name) for part in parts])
            for item in fields(cls)
            if item.name not in ("offsets", "owner")
        }
        lengths = np.concatenate([part.lengths for part in parts])
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        return cls(**values, offsets=offsets, owner=counted_on([part.owner for part in parts]))


def counted_on(owners: Sequence[Ints]) -> Ints:
    """Owners of several parts in one array, those of each part numbered on from the part before it."""
    first, counted = 0, []
    for owner in owners:
        counted.append(owner + first)
        first += int(owner.max(initial=-1)) + 1
    return np.concatenate(counted)


def label(sequences: Sequences, target: Ints, weight: Floats32) -> Examples:
    """The sequences of labelled objects, with what they count.

    Parameters
    ----------
    sequences : Sequences
        Of n objects.
    target : int64 [n]
        Class of each object, -1 where there is none.
    weight : float32 [n]
        What each object counts; its seasons share this by their detections.
    """
    detections = sequences.n_detections[sequences.offsets[1:] - 1].astype(np.float64)
    total = np.bincount(sequences.owner, detections, minlength=len(target))[sequences.owner]
    use = target[sequences.owner] >= 0
    everything = Examples(
        features=sequences.features,
        offsets=sequences.offsets,
        context=sequences.context,
        context_mask=sequences.context_mask.astype(np.float32),
        target=target[sequences.owner],
        weight=(detections / total * weight[sequences.owner]).astype(np.float32),
        issued=sequences.issued,
        n_detections=sequences.n_detections,
        owner=sequences.owner,
    )
    return everything if bool(use.all()) else everything.take(np.flatnonzero(use))


@dataclass(frozen=True, eq=False)
class Batch:
    """B sequences padded on the right to T rows.

    Attributes
    ----------
    features : float32 [B, T, F]
    context, context_mask : float32 [B, K]
    target : int64 [B]
    weight : float32 [B]
    issued : bool [B, T]
        False on padding.
    index : int64 [B]
        Which sequences these are.
    """

    features: Tensor
    context: Tensor
    context_mask: Tensor
    target: Tensor
    weight: Tensor
    issued: Tensor
    index: Ints


def pad(examples: Examples, index: Ints, device: torch.device | str = "cpu") -> Batch:
    """These sequences as one batch of tensors."""
    lengths = examples.lengths[index]
    T = int(lengths.max(initial=1))
    step = np.arange(T)
    real = step < lengths[:, None]  # (B, T)
    rows = np.where(real, examples.offsets[index][:, None] + step, 0)
    features = np.where(real[..., None], examples.features[rows], np.float32(0))
    issued = examples.issued[rows] & real

    def tensor(array: AnyArray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    return Batch(
        features=tensor(features),
        context=tensor(examples.context[index]),
        context_mask=tensor(examples.context_mask[index]),
        target=tensor(examples.target[index]),
        weight=tensor(examples.weight[index]),
        issued=tensor(issued),
        index=index,
    )


def batches(
    examples: Examples,
    size: int,
    rng: np.random.Generator | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[Batch]:
    """All sequences once, in batches of like length; in random order when `rng` is given."""
    for index in plan_batches(examples.lengths, size, rng):
        yield pad(examples, index, device)


def plan_batches(lengths: Ints, size: int, rng: np.random.Generator | None = None) -> list[Ints]:
    """Which sequences go into which batch: each exactly once, neighbours of like length."""
    if rng is None:
        order = np.argsort(lengths, kind="stable")
        return [order[k : k + size] for k in range(0, len(order), size)]
    order = rng.permutation(len(lengths))
    cut: list[Ints] = []
    for k in range(0, len(order), size * SORTED_TOGETHER):
        some = order[k : k + size * SORTED_TOGETHER]
        some = some[np.argsort(lengths[some], kind="stable")]
        cut += [some[j : j + size] for j in range(0, len(some), size)]
    return [cut[k] for k in rng.permutation(len(cut))]


def ragged(offsets: Ints, which: Ints) -> tuple[Ints, Ints]:
    """Row indices of the chosen sequences, and their own offsets."""
    lengths = np.diff(offsets)[which]
    new = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    shift = np.repeat(offsets[:-1][which] - new[:-1], lengths)
    return np.arange(new[-1]) + shift, new


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
    sequences : Sequences or None
        Of all objects, where they were prepared already because several trainings read them as they are.
    """

    curves: LightCurves
    target: Ints
    weight: Floats32
    draws: int
    sequences: Sequences | None = None

    def order(self, rng: np.random.Generator) -> Ints:
        """The objects of one epoch, in random order."""
        n = len(self.target)
        rounds = [rng.permutation(n) for _ in range(-(-self.draws // max(n, 1)))]
        return np.concatenate(rounds)[: self.draws] if rounds else np.empty(0, np.int64)


@dataclass(frozen=True, eq=False)
class EpochSampler:
    """The examples of each epoch: drawn from several pools, mixed evenly, augmented and prepared."""

    pools: tuple[Pool, ...]
    preparation: Preparation
    augmentation: Augmentation = dataclasses.field(default_factory=Augmentation)

    @property
    def parts(self) -> int:
        """Parts that an epoch comes in."""
        return max(1, -(-sum(pool.draws for pool in self.pools) // OBJECTS_AT_ONCE))

    def __call__(self, rng: np.random.Generator) -> Iterator[Examples]:
        """The parts of one epoch."""
        orders = [np.array_split(pool.order(rng), self.parts) for pool in self.pools]
        for part in range(self.parts):
            drawn = [self._drawn(k, order[part], rng) for k, order in enumerate(orders)]
            examples = Examples.concatenate(drawn)
            if self.augmentation.metadata:
                mask = mask_metadata(examples.context_mask, self.augmentation.metadata, rng)
                examples = dataclasses.replace(examples, context_mask=mask)
            yield examples

    def _drawn(self, k: int, objects: Ints, rng: np.random.Generator) -> Examples:
        pool = self.pools[k]
        if self.augmentation.changes_curves:
            curves = augment(pool.curves.take(objects), self.augmentation, rng)
            return label(self.preparation(curves), pool.target[objects], pool.weight[objects])
        examples, first = self._prepared[k]
        sequences, _ = ragged(first, objects)  # the seasons of each object
        return examples.take(sequences)

    @cached_property
    def _prepared(self) -> list[tuple[Examples, Ints]]:
        """Each pool as it is, with the first sequence of each object [n + 1]."""
        prepared = []
        for pool in self.pools:
            sequences = self.preparation(pool.curves) if pool.sequences is None else pool.sequences
            examples = label(sequences, pool.target, pool.weight)
            prepared.append((examples, np.searchsorted(examples.owner, np.arange(len(pool.target) + 1))))
        return prepared
