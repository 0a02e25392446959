"""Class sets and novelty, fitted on labelled light curves that the network has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from firstlight.classifier.novelty import Novelty
from firstlight.classifier.sets import ClassSets
from firstlight.learn.batches import Examples, batches
from firstlight.learn.calibrating import EDGES, bin_of, row_weights
from firstlight.learn.networks import NetworkConfig, first_hidden

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

# Shares of a class that sets may lose; those between two of them are rounded down.
LEVELS = np.unique(np.round(np.concatenate([[0.001, 0.002, 0.005], np.arange(0.01, 1.0, 0.01)]), 3))
SETS_LEAST = 20  # objects of a class that speak for it in a bin, if need be from the bins nearby
SHARES = np.unique(np.round(np.concatenate([np.arange(0.0, 0.99, 0.01), [0.99, 0.995, 0.998, 0.999]]), 3))
COVARIANCE_SHRINKAGE = 0.05  # towards a sphere
CENTRE_SHRINKAGE = 10.0  # objects: a bin with as many of a class goes half of the way to its own centre
DIMENSIONS = 96  # of novelty at most: keeps the part of the checkpoint small where there are many members


@dataclass(frozen=True, eq=False)
class Rows:
    """What a network says at R issued rows of labelled light curves.

    Attributes
    ----------
    logits, embedding, features : float32 [R, C], [R, E], [R, F]
    target, n_detections, owner : int64 [R]
    weight : float64 [R]
        What each counts, so that every sequence counts once in each bin of the calibration.
    """

    logits: NDArray[np.float32]
    embedding: NDArray[np.float32]
    features: NDArray[np.float32]
    target: Ints
    n_detections: Ints
    owner: Ints
    weight: Floats

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> Rows:
        """These rows alone."""
        return Rows(*(getattr(self, field.name)[which] for field in fields(self)))


def concatenate(parts: Sequence[Rows]) -> Rows:
    """The rows of all parts; owners are told apart."""
    first, owners = 0, []
    for part in parts:
        owners.append(part.owner + first)
        first += int(part.owner.max(initial=-1)) + 1
    columns = {field.name: [getattr(part, field.name) for part in parts] for field in fields(Rows)}
    return Rows(**{name: np.concatenate(found) for name, found in (columns | {"owner": owners}).items()})


def rows_of(network: torch.nn.Module, config: NetworkConfig, examples: Examples, device: str) -> Rows:
    """What the network says at each issued row of these examples."""
    logits = np.empty((len(examples.issued), config.classes), np.float32)
    embedding = np.empty((len(examples.issued), config.embedding * config.members), np.float32)
    with torch.no_grad():
        for batch in batches(examples, 256, device=device):
            hidden = first_hidden(config, len(batch.index), device)
            said, _, made = network(batch.features, batch.context, batch.context_mask, hidden)
            for k, sequence in enumerate(batch.index):
                a, b = examples.offsets[sequence : sequence + 2]
                logits[a:b] = said[k, : b - a].float().cpu()
                embedding[a:b] = made[k, : b - a].float().cpu()
    issued = examples.issued
    return Rows(
        logits[issued],
        embedding[issued],
        examples.features[issued],
        np.repeat(examples.target, examples.lengths)[issued],
        examples.n_detections[issued],
        np.repeat(examples.owner, examples.lengths)[issued],
        row_weights(examples),
    )


def one_a_bin(rows: Rows, rng: np.random.Generator) -> Rows:
    """One row drawn from those of each object in each bin of `EDGES`: they are not independent.

    In its last bin an object is as often seen at its last row as on the way to it.
    """
    key = rows.owner * (len(EDGES) + 1) + bin_of(rows.n_detections)
    order = rng.permutation(len(key))
    last = np.append(rows.owner[1:] != rows.owner[:-1], True) if len(key) else np.empty(0, np.bool_)
    preferred = last & (rng.random(len(key)) < 0.5)
    order = order[np.argsort(~preferred[order], kind="stable")]
    _, first = np.unique(key[order], return_index=True)
    return rows.take(np.sort(order[first]))


def fit_sets(probability: NDArray[np.float32], target: Ints, n_detections: Ints, classes: int) -> ClassSets:
    """Class sets from what labelled objects were given out of sample.

    The quantile of a class in a bin is that of its objects there; where they are fewer than `SETS_LEAST`,
    those of the bins nearest to it make up for the rest. With n objects a share below ``1 / (n + 1)`` cannot
    be told: then the class always stays.

    Parameters
    ----------
    probability : float32 [R, C]
        One row an object and bin (`one_a_bin`).
    target, n_detections : int64 [R]
    classes : int
    """
    least = np.full((len(EDGES) + 1, classes, len(LEVELS)), -1.0, np.float32)
    bins = bin_of(n_detections)
    for c in range(classes):
        own = target == c
        for b in range(len(EDGES) + 1):
            weight = _borrowed(bins[own], b)
            least[b, c] = _lower_quantiles(probability[own, c], weight)
    return ClassSets(np.array(EDGES, np.int64), LEVELS, least)


def _borrowed(bins: NDArray[np.intp], one: int) -> Floats:
    """What each object of a class counts for bin `one`, float64 [R]: there 1, nearby what lacks."""
    weight: Floats = (bins == one).astype(np.float64)
    lacking = SETS_LEAST - weight.sum()
    for distance in range(1, len(EDGES) + 1):
        near = np.abs(bins - one) == distance
        if lacking <= 0:
            break
        if near.any():
            weight[near] = min(1.0, lacking / near.sum())
            lacking -= weight[near].sum()
    return weight


def _lower_quantiles(values: NDArray[np.float32], weight: Floats) -> NDArray[np.float32]:
    """For each of `LEVELS` the largest value that leaves at most this share below it, -1 where there is none.

    A new object counts as one more beside the weights, which makes the share exact for any number of objects.
    """
    order = np.argsort(values)
    values, weight = values[order], weight[order]
    up_to = np.cumsum(weight)
    total = up_to[-1] + 1.0 if len(up_to) else 1.0
    place = np.searchsorted(up_to, LEVELS * total + 1e-9, side="right") - 1
    return np.where(place >= 0, values[np.maximum(place, 0)] if len(values) else -1.0, -1.0).astype(
        np.float32
    )


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the classes lie: see `Novelty`."""

    projection: NDArray[np.float32]
    centres: NDArray[np.float32]

    def novelty(self, distances: NDArray[np.float32]) -> Novelty:
        """The novelty of this geometry, with the distances of known objects."""
        return Novelty(np.array(EDGES, np.int64), self.projection, self.centres, SHARES, distances)

    def distance(self, rows: Rows) -> Floats:
        """Squared distance of each row to the nearest class, float64 [R]."""
        unranked = self.novelty(np.zeros((len(EDGES) + 1, len(SHARES)), np.float32))
        return unranked.distance(rows.embedding, rows.features, rows.n_detections)


def fit_geometry(rows: Rows, classes: int) -> Geometry:
    """Centres of the classes in each bin, and the scatter within them, of rows that the network learnt from.

    Parameters
    ----------
    rows : Rows
        One an object and bin.
    """
    x = np.concatenate([rows.embedding, rows.features], axis=1).astype(np.float64)
    bins = bin_of(rows.n_detections)
    centres = np.full((len(EDGES) + 1, classes, x.shape[1]), np.inf)
    for c in np.unique(rows.target):
        own = rows.target == c
        common = x[own].mean(axis=0)
        for b in range(len(EDGES) + 1):
            here = own & (bins == b)
            share = here.sum() / (here.sum() + CENTRE_SHRINKAGE)
            centres[b, c] = share * x[here].mean(axis=0) + (1 - share) * common if here.any() else common
    residual = x - centres[bins, rows.target]
    scale = residual.std(axis=0)
    # A number that never varies says nothing, neither now nor for a light curve where it does.
    scale = np.where(scale > 1e-4, scale, np.inf)
    residual /= scale
    covariance = residual.T @ residual / len(residual)
    values, vectors = np.linalg.eigh(covariance)
    kept = np.argsort(values)[::-1][:DIMENSIONS]
    mean = np.trace(covariance) / max(np.isfinite(scale).sum(), 1)
    spread = (1 - COVARIANCE_SHRINKAGE) * values[kept] + COVARIANCE_SHRINKAGE * mean
    projection = (vectors[:, kept] / np.sqrt(spread) / scale[:, None]).astype(np.float32)
    placed = np.full((*centres.shape[:2], len(kept)), np.inf, np.float32)
    known = np.isfinite(centres[0, :, 0])
    placed[:, known] = centres[:, known] @ projection
    return Geometry(projection, placed)


def rank(distance: Floats, n_detections: Ints) -> NDArray[np.float32]:
    """The squared distances [B, Q] within which the shares `SHARES` of known objects lie, in each bin.

    A bin that holds fewer than 200 objects borrows from the bins nearest to it.
    """
    bins = bin_of(n_detections)
    out = np.empty((len(EDGES) + 1, len(SHARES)), np.float32)
    for b in range(len(EDGES) + 1):
        away = np.abs(bins - b)
        for reach in range(len(EDGES) + 1):
            here = away <= reach
            if here.sum() >= 200:
                break
        out[b] = np.quantile(distance[here], SHARES)
    return out
