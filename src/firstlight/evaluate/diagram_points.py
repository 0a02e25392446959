"""The points of the usual diagrams: ROC, precision-recall and reliability curves, as plain arrays to draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from firstlight._types import Floats, Ints

HISTOGRAM_BINS = 25  # of equal width between 0 and 1


@dataclass(frozen=True, eq=False)
class Reliability:
    """Per bin: mean probability, share that was true with its interval, objects; and a histogram."""

    predicted: Floats
    observed: Floats
    lo: Floats
    hi: Floats
    n: Ints
    histogram: Ints


def roc(positive: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """False and true positive rate with falling threshold, from (0, 0) to (1, 1)."""
    thresholds, hits, false = _cumulative(positive, score)
    return (
        np.concatenate([[0.0], false / max(false[-1], 1)]),
        np.concatenate([[0.0], hits / max(hits[-1], 1)]),
        np.concatenate([[np.inf], thresholds]),
    )


def precision_recall(positive: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Recall, precision and threshold, recall ascending from 0 (where precision is 1)."""
    thresholds, hits, false = _cumulative(positive, score)
    return (
        np.concatenate([[0.0], hits / max(hits[-1], 1)]),
        np.concatenate([[1.0], hits / (hits + false)]),
        np.concatenate([[np.inf], thresholds]),
    )


def _cumulative(positive: ArrayLike, score: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Distinct thresholds, descending, with the positives and negatives at or above each."""
    true, value = np.asarray(positive, dtype=bool), np.asarray(score, dtype=np.float64)
    order = np.argsort(-value, kind="stable")
    last = np.flatnonzero(np.concatenate([value[order][1:] != value[order][:-1], [True]]))
    hits = np.cumsum(true[order])[last].astype(np.float64)
    return value[order][last], hits, last + 1.0 - hits


def reliability(positive: ArrayLike, score: ArrayLike, bins: int = 10, z: float = 1.0) -> Reliability:
    """The reliability diagram of `score` in equal-count bins.

    Parameters
    ----------
    positive : bool [n]
    score : float [n]
        Probabilities of being positive.
    bins : int
        Number of bins; fewer when many scores are equal, since equal scores share one.
    z : float
        Half width of the interval in standard deviations (Wilson's interval of a binomial share).
    """
    true, value = np.asarray(positive, dtype=bool), np.asarray(score, dtype=np.float64)
    edges = np.unique(np.quantile(value, np.arange(1, bins) / bins, method="lower"))
    which = np.searchsorted(edges, value, side="right")
    n = np.bincount(which)
    used = n > 0
    n = n[used]
    predicted = np.bincount(which, weights=value)[used] / n
    observed = np.bincount(which, weights=true)[used] / n
    lo, hi = wilson(observed, n, z)
    histogram = np.histogram(value, bins=HISTOGRAM_BINS, range=(0.0, 1.0))[0]
    return Reliability(predicted, observed, lo, hi, n.astype(np.int64), histogram.astype(np.int64))


def wilson(share: ArrayLike, n: ArrayLike, z: float = 1.0) -> tuple[Floats, Floats]:
    """Lower and upper end of Wilson's score interval of a binomial `share` of `n` trials."""
    p, count = np.asarray(share, dtype=np.float64), np.asarray(n, dtype=np.float64)
    middle = (p + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(p * (1 - p) / count + z**2 / (4 * count**2))
    return middle - half, middle + half
