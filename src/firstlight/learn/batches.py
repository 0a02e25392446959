"""Labelled sequences as tensors: ragged examples, minibatches of like length, and the padding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from firstlight.preparation import Sequences

POOL = 16  # batches sorted by length together: enough to save the padding, few enough to stay random


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

    features: NDArray[np.float32]
    offsets: NDArray[np.int64]
    context: NDArray[np.float32]
    context_mask: NDArray[np.float32]
    target: NDArray[np.int64]
    weight: NDArray[np.float32]
    issued: NDArray[np.bool_]
    n_detections: NDArray[np.int64]
    owner: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.target)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Rows of each sequence, int64 [s]."""
        return np.diff(self.offsets)

    def take(self, which: NDArray[np.int64]) -> Examples:
        """The sequences of these indices, in this order; an index may come twice."""
        rows, offsets = ragged(self.offsets, which)
        values: dict[str, Any] = {"offsets": offsets}
        for name in ("features", "issued", "n_detections"):
            values[name] = getattr(self, name)[rows]
        for name in ("context", "context_mask", "target", "weight", "owner"):
            values[name] = getattr(self, name)[which]
        return Examples(**values)


def concatenate(parts: list[Examples]) -> Examples:
    """All sequences of several examples, one after the other; owners count on from part to part."""
    if len(parts) == 1:
        return parts[0]
    values = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Examples)
        if field.name not in ("offsets", "owner")
    }
    lengths = np.concatenate([part.lengths for part in parts])
    first, owners = 0, []
    for part in parts:
        owners.append(part.owner + first)
        first += int(part.owner.max(initial=-1)) + 1
    return Examples(**values, offsets=np.concatenate([[0], np.cumsum(lengths)]), owner=np.concatenate(owners))


def label(sequences: Sequences, target: NDArray[np.int64], weight: NDArray[np.float32]) -> Examples:
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
    index: NDArray[np.int64]


def pad(examples: Examples, index: NDArray[np.int64], device: torch.device | str = "cpu") -> Batch:
    """These sequences as one batch of tensors."""
    lengths = examples.lengths[index]
    T = int(lengths.max(initial=1))
    step = np.arange(T)
    real = step < lengths[:, None]  # (B, T)
    rows = np.where(real, examples.offsets[index][:, None] + step, 0)
    features = np.where(real[..., None], examples.features[rows], np.float32(0))
    issued = examples.issued[rows] & real

    def tensor(array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    return Batch(
        tensor(features),
        tensor(examples.context[index]),
        tensor(examples.context_mask[index]),
        tensor(examples.target[index]),
        tensor(examples.weight[index]),
        tensor(issued),
        index,
    )


def batches(
    examples: Examples,
    size: int,
    rng: np.random.Generator | None = None,
    device: torch.device | str = "cpu",
) -> Iterator[Batch]:
    """All sequences once, in batches of like length; in random order when `rng` is given."""
    for index in plan(examples.lengths, size, rng):
        yield pad(examples, index, device)


def plan(
    lengths: NDArray[np.int64], size: int, rng: np.random.Generator | None = None
) -> list[NDArray[np.int64]]:
    """Which sequences go into which batch: each exactly once, neighbours of like length."""
    if rng is None:
        order = np.argsort(lengths, kind="stable")
        return [order[k : k + size] for k in range(0, len(order), size)]
    order = rng.permutation(len(lengths))
    cut: list[NDArray[np.int64]] = []
    for k in range(0, len(order), size * POOL):
        pool = order[k : k + size * POOL]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        cut += [pool[j : j + size] for j in range(0, len(pool), size)]
    return [cut[k] for k in rng.permutation(len(cut))]


def ragged(
    offsets: NDArray[np.int64], which: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row indices of the chosen sequences, and their own offsets."""
    lengths = np.diff(offsets)[which]
    new = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
    shift = np.repeat(offsets[:-1][which] - new[:-1], lengths)
    return np.arange(new[-1]) + shift, new
