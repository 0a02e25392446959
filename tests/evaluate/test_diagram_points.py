"""Points of ROC, precision-recall and reliability diagrams."""

from __future__ import annotations

import numpy as np
import pytest

from firstlight.evaluate import diagram_points, metrics

sklearn = pytest.importorskip("sklearn.metrics")


@pytest.fixture
def sample():
    rng = np.random.default_rng(0)
    positive = rng.uniform(size=500) < 0.2
    return positive, np.round(np.clip(0.2 * positive + rng.uniform(size=500) * 0.8, 0, 1), 2)


def test_roc_runs_from_corner_to_corner_and_agrees_with_scikit_learn(sample):
    false, true, thresholds = diagram_points.roc(*sample)
    expected = sklearn.roc_curve(*sample, drop_intermediate=False)
    np.testing.assert_allclose(false, expected[0])
    np.testing.assert_allclose(true, expected[1])
    assert (false[-1], true[-1]) == (1, 1) and thresholds[0] == np.inf


def test_area_under_the_roc_points_is_the_auroc(sample):
    positive, score = sample
    false, true, _ = diagram_points.roc(positive, score)
    area = np.sum(np.diff(false) * (true[1:] + true[:-1]) / 2)
    assert area == pytest.approx(
        metrics.class_auroc(positive.astype(int), np.stack([1 - score, score], 1))[1]
    )


def test_precision_recall_agrees_with_scikit_learn(sample):
    recall, precision, _ = diagram_points.precision_recall(*sample)
    p, r, _ = sklearn.precision_recall_curve(*sample)
    np.testing.assert_allclose(recall[::-1], r)
    np.testing.assert_allclose(precision[::-1], p)


def test_reliability_bins_hold_equal_counts_and_cover_the_truth():
    rng = np.random.default_rng(1)
    score = rng.uniform(size=20_000)
    result = diagram_points.reliability(rng.uniform(size=score.size) < score, score, bins=10, z=3)
    assert result.n.sum() == score.size and np.ptp(result.n) <= 20
    assert np.all((result.lo <= result.predicted) & (result.predicted <= result.hi))


def test_wilson_interval_stays_between_zero_and_one():
    lo, hi = diagram_points.wilson([0.0, 1.0], [5, 5])
    assert lo[0] == pytest.approx(0) and 0 < hi[0] < 1 and 0 < lo[1] < 1 and hi[1] == pytest.approx(1)
