"""What is fitted on answers that were held back: calibration by detections, class sets, and novelty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from firstlight._types import Bools, Floats, Floats32, Ints
from firstlight.classifier import ClassSets, Novelty
from firstlight.learn.examples import Examples, batches, counted_on
from firstlight.learn.networks import NetworkConfig
from firstlight.learn.training import answer

# Upper ends of the bins in number of detections. Early on every detection tells something new, so bins are
# narrow there: the calibration error after 3 detections is .033, with 3-5 in one bin it was .037 (held-out
# labels of the pool of ztf-5; chance alone gives .027).
EDGES = (1, 2, 3, 5, 7, 10, 15, 20, 30, 50)
# How strongly a bin is held to the common numbers, in objects (precision of a normal prior on logarithms).
TEMPERATURE_PULL, OFFSET_PULL = 50.0, 30.0
COMMON_PULL = 5.0  # of the common offsets to none
# Shares of a class that sets may lose; those between two of them are rounded down.
LEVELS = np.unique(np.round(np.concatenate([[0.001, 0.002, 0.005], np.arange(0.01, 1.0, 0.01)]), 3))
SETS_LEAST = 20  # objects of a class that speak for it in a bin, if need be from the bins nearby
# Standard deviations by which a share of n labelled objects is taken with care: 9 of 10 draws of the labels
# keep the coverage, instead of the mean of all draws.
SETS_CARE = 1.28
SHARES = np.unique(np.round(np.concatenate([np.arange(0.0, 0.99, 0.01), [0.99, 0.995, 0.998, 0.999]]), 3))
COVARIANCE_SHRINKAGE = 0.05  # towards a sphere
CENTRE_SHRINKAGE = 10.0  # objects: a bin with as many of a class goes half of the way to its own centre
DIMENSIONS = 96  # of novelty at most: keeps the part of the checkpoint small where there are many members


def bin_of(n_detections: Ints) -> Ints:
    """The bin of each number of detections, 0 .. len(EDGES)."""
    return np.searchsorted(EDGES, n_detections, side="left")


@dataclass(frozen=True, eq=False)
class NetworkOutputs:
    """What a network puts out at R issued rows of labelled light curves.

    Attributes
    ----------
    logits, embedding, features : float32 [R, C], [R, E], [R, F]
    target, n_detections, owner : int64 [R]
    weight : float64 [R]
        What each counts, so that every sequence counts once in each bin of the calibration.
    """

    logits: Floats32
    embedding: Floats32
    features: Floats32
    target: Ints
    n_detections: Ints
    owner: Ints
    weight: Floats

    def take(self, which: Ints | Bools) -> NetworkOutputs:
        """These rows alone."""
        return NetworkOutputs(**{item.name: getattr(self, item.name)[which] for item in fields(self)})

    @classmethod
    def concatenate(cls, parts: Sequence[NetworkOutputs]) -> NetworkOutputs:
        """The rows of all parts; owners are told apart."""
        columns = {item.name: [getattr(part, item.name) for part in parts] for item in fields(cls)}
        columns["owner"] = [counted_on(columns["owner"])]
        return cls(**{name: np.concatenate(found) for name, found in columns.items()})


def outputs_of(
    network: torch.nn.Module, config: NetworkConfig, examples: Examples, device: str
) -> NetworkOutputs:
    """What the network puts out at each issued row of these examples."""
    logits = np.empty((len(examples.issued), config.classes), np.float32)
    embedding = np.empty((len(examples.issued), config.embedding * config.members), np.float32)
    with torch.no_grad():
        for batch in batches(examples, 256, device=device):
            scores, inner = answer(network, config, batch)
            for k, sequence in enumerate(batch.index):
                a, b = examples.offsets[sequence : sequence + 2]
                logits[a:b] = scores[k, : b - a].float().cpu()
                embedding[a:b] = inner[k, : b - a].float().cpu()
    issued = examples.issued
    return NetworkOutputs(
        logits=logits[issued],
        embedding=embedding[issued],
        features=examples.features[issued],
        target=np.repeat(examples.target, examples.lengths)[issued],
        n_detections=examples.n_detections[issued],
        owner=np.repeat(examples.owner, examples.lengths)[issued],
        weight=bin_weights(examples),
    )


def one_a_bin(outputs: NetworkOutputs, rng: np.random.Generator) -> NetworkOutputs:
    """One row drawn from those of each object in each bin of `EDGES`: they are not independent.

    In its last bin an object is as often seen at its last row as on the way to it.
    """
    key = outputs.owner * (len(EDGES) + 1) + bin_of(outputs.n_detections)
    order = rng.permutation(len(key))
    last = np.append(outputs.owner[1:] != outputs.owner[:-1], True) if len(key) else np.empty(0, np.bool_)
    preferred = last & (rng.random(len(key)) < 0.5)
    order = order[np.argsort(~preferred[order], kind="stable")]
    _, first = np.unique(key[order], return_index=True)
    return outputs.take(np.sort(order[first]))


def bin_weights(examples: Examples) -> Floats:
    """What each issued row counts, float64 [issued rows].

    Every sequence counts once in each bin, and once more at its last row, which is what is mostly looked at.
    """
    sequence = np.repeat(np.arange(len(examples)), examples.lengths)[examples.issued]
    bins = bin_of(examples.n_detections[examples.issued])
    _, place, counts = np.unique(sequence * (len(EDGES) + 1) + bins, return_inverse=True, return_counts=True)
    last = np.append(sequence[1:] != sequence[:-1], True) if len(sequence) else np.empty(0, np.bool_)
    return np.asarray(1.0 / counts[place] + last)


def fit_calibration(
    logits: Floats32,
    target: Ints,
    n_detections: Ints,
    weight: Floats,
    shift: Floats,
) -> tuple[Floats, Floats]:
    """Temperatures [B] and offsets [B, C] of least log loss, those of a bin drawn towards the common ones.

    Temperatures alone make a network that has seen little call everything the most frequent class; offsets
    give the rare ones their share back (cross-validated on the pool of ztf-5: calibration error after 3
    detections .079 as it is, .045 with temperatures, .02 with both; macro-F1 .21, .19, .24).

    Parameters
    ----------
    logits : float32 [R, C]
        Out-of-sample logits at R observations.
    target, n_detections : int64 [R]
    weight : float64 [R]
        What each counts (`row_weights`).
    shift : float64 [C]
        Added after the division: log of the labels' class shares over those in training.
    """
    bins = torch.from_numpy(bin_of(n_detections))
    z, truth = torch.from_numpy(logits.astype(np.float64)), torch.from_numpy(target)
    each, prior = torch.from_numpy(weight), torch.from_numpy(shift)
    size, classes = len(EDGES) + 1, logits.shape[1]
    common, own = (torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in (1, size))
    favour, favours = (torch.zeros(n, classes, dtype=torch.float64, requires_grad=True) for n in (1, size))
    numbers = [common, own, favour, favours]
    search = torch.optim.LBFGS(numbers, max_iter=200, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        search.zero_grad()
        scaled = z / torch.exp(common + own)[bins, None] + prior + (favour + favours)[bins]
        value = (each * functional.cross_entropy(scaled, truth, reduction="none")).sum()
        value = value + TEMPERATURE_PULL / 2 * (own**2).sum() + common[0] ** 2 / 2
        value = value + OFFSET_PULL / 2 * (favours**2).sum() + COMMON_PULL / 2 * (favour**2).sum()
        value.backward()
        return value

    with torch.enable_grad():
        search.step(loss)
    temperatures = torch.exp(common + own).detach().numpy()
    return temperatures, (favour + favours).detach().numpy()


def fit_sets(probability: Floats32, target: Ints, n_detections: Ints, classes: int) -> ClassSets:
    """Class sets from what labelled objects were given out of sample.

    The quantile of a class in a bin is that of its objects there; where they are fewer than `SETS_LEAST`,
    those of the bins nearest to it make up for the rest. With n objects a share below ``1 / (n + 1)`` cannot
    be told: then the class always stays. And a share is known from n objects with an error only, which
    `SETS_CARE` takes off it: the fewer labels a class has, the more of it stays.

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
        objects = int(np.bincount(bins[own], minlength=1).max())
        for b in range(len(EDGES) + 1):
            weight = _borrowed(bins[own], b)
            least[b, c] = _lower_quantiles(probability[own, c], weight, with_care(objects))
    return ClassSets(np.array(EDGES, np.int64), LEVELS, least)


def _borrowed(bins: Ints, one: int) -> Floats:
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


def with_care(objects: int) -> Floats:
    """`LEVELS` less the error with which so many objects tell them; below 0 where they tell nothing."""
    return np.asarray(LEVELS - SETS_CARE * np.sqrt(LEVELS * (1.0 - LEVELS) / max(objects, 1)))


def _lower_quantiles(values: Floats32, weight: Floats, levels: Floats) -> Floats32:
    """For each level the largest value that leaves at most this share below it, -1 where there is none.

    A new object counts as one more beside the weights, which makes the share exact for any number of objects.
    """
    order = np.argsort(values)
    values, weight = values[order], weight[order]
    up_to = np.cumsum(weight)
    total = up_to[-1] + 1.0 if len(up_to) else 1.0
    place = np.searchsorted(up_to, levels * total + 1e-9, side="right") - 1
    return np.where(place >= 0, values[np.maximum(place, 0)] if len(values) else -1.0, -1.0).astype(
        np.float32
    )


@dataclass(frozen=True, eq=False)
class Geometry:
    """Where the classes lie: see `Novelty`."""

    projection: Floats32
    centres: Floats32

    def novelty(self, distances: Floats32) -> Novelty:
        """The novelty of this geometry, with the distances of known objects."""
        return Novelty(np.array(EDGES, np.int64), self.projection, self.centres, SHARES, distances)

    def distance(self, outputs: NetworkOutputs) -> Floats:
        """Squared distance of each row to the nearest class, float64 [R]."""
        unranked = self.novelty(np.zeros((len(EDGES) + 1, len(SHARES)), np.float32))
        return unranked.distance(outputs.embedding, outputs.features, outputs.n_detections)


def fit_geometry(outputs: NetworkOutputs, classes: int) -> Geometry:
    """Centres of the classes in each bin, and the scatter within them, of rows that the network learnt from.

    Parameters
    ----------
    outputs : NetworkOutputs
        One row an object and bin.
    """
    x = np.concatenate([outputs.embedding, outputs.features], axis=1).astype(np.float64)
    bins = bin_of(outputs.n_detections)
    centres = np.full((len(EDGES) + 1, classes, x.shape[1]), np.inf)
    for c in np.unique(outputs.target):
        own = outputs.target == c
        common = x[own].mean(axis=0)
        for b in range(len(EDGES) + 1):
            here = own & (bins == b)
            share = here.sum() / (here.sum() + CENTRE_SHRINKAGE)
            centres[b, c] = share * x[here].mean(axis=0) + (1 - share) * common if here.any() else common
    residual = x - centres[bins, outputs.target]
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


def rank(distance: Floats, n_detections: Ints) -> Floats32:
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
