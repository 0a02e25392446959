"""Which shares of the classes unlabelled light curves have, as the classifier sees them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS = 1000
EVEN = 0.05  # of the shares spread evenly: maximum likelihood empties rare classes of which it is not sure
ENOUGH = 1e-7  # largest change of a share at which it has settled


def estimate_shares(flat: Floats) -> Floats:
    """The shares [C] that make these probabilities most likely, by expectation maximisation.

    A small part is spread evenly over the classes, so that none becomes impossible.

    Source: Saerens, Latinne and Decaestecker 2002, Neural Computation 14, 21.

    Parameters
    ----------
    flat : float64 [n, C]
        Probabilities under equal shares, each row summing to 1.
    """
    classes = flat.shape[1]
    shares = np.full(classes, 1.0 / classes)
    for _ in range(ROUNDS):
        joint = flat * shares
        new = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
        settled = float(np.abs(new - shares).max()) < ENOUGH
        shares = new
        if settled:
            break
    return np.asarray((1 - EVEN) * shares + EVEN / classes)
