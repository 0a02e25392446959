"""Intervals by resampling objects within their class, and paired differences between two arms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from firstlight._types import Floats, Ints
from firstlight.errors import DataError, whole_number
from firstlight.evaluate.metrics import measure

RESAMPLES = 1000
_CELLS_AT_ONCE = 2_000_000  # resamples x objects in memory at a time


@dataclass(frozen=True)
class Interval:
    """A number with its bootstrap interval and standard deviation."""

    value: float
    lo: float
    hi: float
    sd: float


Key = tuple[str, int]


def resamples(labels: Ints, number: int = RESAMPLES, seed: int = 0) -> Iterator[Floats]:
    """How often each object is drawn: float64 [b, n] blocks that make up `number` resamples.

    Objects are drawn with replacement within each class, so every resample has the class sizes of the
    original.
    """
    number, seed = whole_number("resamples", number), whole_number("seed", seed)
    truth = np.asarray(labels)
    members = [np.flatnonzero(truth == label) for label in np.unique(truth)]
    rng = np.random.default_rng(seed)
    block = max(1, min(number, _CELLS_AT_ONCE // max(truth.size, 1)))
    for start in range(0, number, block):
        rows = min(block, number - start)
        drawn = np.concatenate(
            [own[rng.integers(own.size, size=(rows, own.size))] for own in members], axis=1
        )
        flat = drawn + np.arange(rows)[:, None] * truth.size
        yield np.bincount(flat.ravel(), minlength=rows * truth.size).reshape(rows, -1).astype(np.float64)


def bootstrap(
    labels: ArrayLike,
    probabilities: ArrayLike,
    *,
    counts: ArrayLike | None = None,
    number: int = RESAMPLES,
    coverage: float = 0.95,
    seed: int = 0,
) -> dict[Key, Interval]:
    """Every measure of `metrics.measure` with its interval: ``{(measure, class index or -1): Interval}``.

    Parameters
    ----------
    labels : int [n]
    probabilities : array [n, C]
    counts : array [C], optional
        Training labels by class, for the balanced decision.
    number : int
        Number of resamples; 0 gives values without intervals.
    coverage : float
        Share of the resamples inside the interval.
    seed : int
    """
    truth = np.asarray(labels, dtype=np.int64)
    point = {key: float(value[0]) for key, value in measure(truth, probabilities, counts=counts).items()}
    blocks = [measure(truth, probabilities, draw, counts=counts) for draw in resamples(truth, number, seed)]
    return _intervals(point, _joined(blocks), coverage)


def paired(
    labels: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    counts: ArrayLike | None = None,
    number: int = RESAMPLES,
    coverage: float = 0.95,
    seed: int = 0,
) -> dict[Key, Interval]:
    """Every measure of `first` minus that of `second` on the same resampled objects, with its interval.

    Parameters
    ----------
    labels : int [n]
    first, second : array [n, C] or [draws, n, C]
        Probabilities of two arms for the same objects; with several label draws the mean difference over
        draws is taken, draw by draw (draw d of one arm against draw d of the other).
    """
    truth = np.asarray(labels, dtype=np.int64)
    one, two = (np.asarray(arm, dtype=np.float64) for arm in (first, second))
    if one.shape != two.shape:
        raise DataError(f"the two arms have shapes {one.shape} and {two.shape}; the same objects are needed")
    one, two = one.reshape(-1, *one.shape[-2:]), two.reshape(-1, *two.shape[-2:])

    def difference(weights: Floats | None) -> dict[Key, Floats]:
        terms = []
        for a, b in zip(one, two, strict=True):
            minuend = measure(truth, a, weights, counts=counts)
            subtrahend = measure(truth, b, weights, counts=counts)
            terms.append({key: minuend[key] - subtrahend[key] for key in minuend})
        return {key: np.mean([term[key] for term in terms], axis=0) for key in terms[0]}

    point = {key: float(value[0]) for key, value in difference(None).items()}
    return _intervals(point, _joined([difference(draw) for draw in resamples(truth, number, seed)]), coverage)


def _joined(blocks: list[dict[Key, Floats]]) -> dict[Key, Floats]:
    return {key: np.concatenate([block[key] for block in blocks]) for key in blocks[0]} if blocks else {}


def _intervals(
    point: Mapping[Key, float], draws: Mapping[Key, Floats], coverage: float
) -> dict[Key, Interval]:
    tails = [(1 - coverage) / 2, (1 + coverage) / 2]
    result = {}
    for key, value in point.items():
        sample = draws.get(key, np.empty(0))
        sample = sample[np.isfinite(sample)]  # a class that is never called has no precision in that resample
        lo, hi = np.quantile(sample, tails) if sample.size else (np.nan, np.nan)
        result[key] = Interval(value, float(lo), float(hi), float(sample.std()) if sample.size else np.nan)
    return result
