"""Which shares of the classes unlabelled light curves have, as the classifier sees them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS = 1000
ENOUGH = 1e-7  # largest change of a share at which it has settled


def estimate_shares(flat: Floats) -> Floats:
    """The shares [C] that make these probabilities most likely, by expectation maximisation.

    Source: Saerens, Latinne and Decaestecker 2002, Neural Computation 14, 21.

    Parameters
    ----------
    flat : float64 [n, C]
        Probabilities under equal shares, each row summing to 1. Half an object is added to each class, so
        that none becomes impossible.
    """
    n, classes = flat.shape
    shares = np.full(classes, 1.0 / classes)
    for _ in range(ROUNDS):
        joint = flat * shares
        counts = (joint / joint.sum(axis=1, keepdims=True)).sum(axis=0) + 0.5
        new = counts / (n + 0.5 * classes)
        settled = float(np.abs(new - shares).max()) < ENOUGH
        shares = new
        if settled:
            break
    return np.asarray(shares)
