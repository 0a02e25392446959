"""Intervals: stratified, seeded, paired, and of the right width."""

from __future__ import annotations

import numpy as np
import pytest

from firstlight.errors import DataError
from firstlight.evaluate import metrics, resampling


def sample(seed=0, strength=1.0, sizes=(150, 60, 30)):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    logits = rng.normal(size=(labels.size, len(sizes))) + strength * np.eye(len(sizes))[labels]
    return labels, np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_resamples_keep_the_class_sizes():
    labels, _ = sample()
    weights = np.concatenate(list(resampling.resamples(labels, 50, seed=1)))
    assert weights.shape == (50, labels.size)
    for index, size in enumerate((150, 60, 30)):
        assert np.all(weights[:, labels == index].sum(1) == size)


def test_same_seed_same_interval():
    labels, q = sample()
    whole = resampling.bootstrap(labels, q, number=40, seed=3)
    assert whole == resampling.bootstrap(labels, q, number=40, seed=3)
    assert whole != resampling.bootstrap(labels, q, number=40, seed=4)


def test_interval_holds_the_value_and_matches_the_known_error():
    """Hanley-McNeil: an AUROC with k positives among many has the error sqrt(0.45 A (1 - A) / k)."""
    labels, q = sample(sizes=(4000, 60), strength=1.0)
    result = resampling.bootstrap(labels, q, number=300)["auroc", 1]
    assert result.lo < result.value < result.hi
    expected = np.sqrt(0.45 * result.value * (1 - result.value) / 60)
    assert result.sd == pytest.approx(expected, rel=0.35)


def test_paired_difference_is_narrower_than_two_intervals_and_zero_with_itself():
    labels, good = sample(strength=1.5)
    rng = np.random.default_rng(9)
    worse = good * np.exp(0.3 * rng.normal(size=good.shape))
    worse /= worse.sum(1, keepdims=True)
    difference = resampling.paired(labels, good, worse, number=200)["macro_auroc", -1]
    alone = resampling.bootstrap(labels, good, number=200)["macro_auroc", -1]
    assert difference.value == pytest.approx(
        metrics.macro_auroc(labels, good) - metrics.macro_auroc(labels, worse)
    )
    assert difference.sd < alone.sd
    same = resampling.paired(labels, good, good, number=20)["macro_f1", -1]
    assert (same.value, same.lo, same.hi) == (0, 0, 0)


def test_paired_difference_over_draws_is_the_mean_of_the_draws():
    labels, one = sample(1)
    _, two = sample(2)
    _, three = sample(3)
    both = resampling.paired(labels, np.stack([one, two]), np.stack([three, three]), number=5)
    first = resampling.paired(labels, one, three, number=5)
    second = resampling.paired(labels, two, three, number=5)
    key = ("macro_auroc", -1)
    assert both[key].value == pytest.approx((first[key].value + second[key].value) / 2)


def test_arms_of_different_objects_are_refused():
    labels, q = sample()
    with pytest.raises(DataError, match="same objects"):
        resampling.paired(labels, q, q[1:])


def test_a_thousand_resamples_of_two_thousand_objects_are_measured_at_once_and_more_in_bounded_blocks():
    """The number of blocks decides the time (benchmarks/speed.py says it), their size the memory."""
    labels, _ = sample(sizes=(1509, 317, 98, 37, 25))
    assert [len(block) for block in resampling.resamples(labels, 1000)] == [1000]
    many = [len(block) for block in resampling.resamples(labels, 4000)]
    assert sum(many) == 4000 and len(many) == 4
    assert max(many) * labels.size <= 2_000_000
