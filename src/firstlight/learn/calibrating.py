"""Temperatures by the number of detections, fitted on labels that the network has not seen."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from firstlight.learn.batches import Examples

EDGES = (2, 5, 10, 20)  # bins 1-2, 3-5, 6-10, 11-20, more than 20 detections
GRID = np.exp(np.linspace(np.log(0.3), np.log(4.0), 121))
SHRINKAGE = 50.0  # objects: a bin with as many goes half of the way from the common temperature to its own


def bin_of(n_detections: NDArray[np.int64]) -> NDArray[np.intp]:
    """The bin of each number of detections, 0 .. len(EDGES)."""
    return np.searchsorted(EDGES, n_detections, side="left")


def row_shares(examples: Examples) -> NDArray[np.float64]:
    """What each issued row counts, float64 [issued rows], so that every sequence counts once in each bin."""
    sequence = np.repeat(np.arange(len(examples)), examples.lengths)[examples.issued]
    bins = bin_of(examples.n_detections[examples.issued])
    _, place, counts = np.unique(sequence * (len(EDGES) + 1) + bins, return_inverse=True, return_counts=True)
    return np.asarray(1.0 / counts[place])


def fit_temperatures(
    logits: NDArray[np.float64],
    target: NDArray[np.int64],
    n_detections: NDArray[np.int64],
    weight: NDArray[np.float64],
    shift: NDArray[np.float64],
) -> list[float]:
    """One temperature for each bin of `EDGES`, drawn towards the common one where a bin holds few objects.

    Parameters
    ----------
    logits : float64 [R, C]
        Out-of-sample logits at R observations.
    target, n_detections : int64 [R]
    weight : float64 [R]
        What each counts (`row_shares`).
    shift : float64 [C]
        Added after the division: log of the labels' class shares over those in training.
    """
    bins = bin_of(n_detections)
    losses = np.stack([_losses(logits / t + shift, target) * weight for t in GRID])  # (grid, R)
    common = float(np.log(GRID[losses.sum(axis=1).argmin()]))
    temperatures = []
    for one in range(len(EDGES) + 1):
        here = bins == one
        own = float(np.log(GRID[losses[:, here].sum(axis=1).argmin()])) if here.any() else common
        objects = float(weight[here].sum())
        share = objects / (objects + SHRINKAGE)
        temperatures.append(float(np.exp(share * own + (1 - share) * common)))
    return temperatures


def _losses(logits: NDArray[np.float64], target: NDArray[np.int64]) -> NDArray[np.float64]:
    top = logits.max(axis=1)
    log_sum = top + np.log(np.exp(logits - top[:, None]).sum(axis=1))
    return np.asarray(log_sum - logits[np.arange(len(target)), target])
