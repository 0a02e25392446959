import numpy as np
import pytest

from firstlight.learn.calibrating import EDGES, bin_of, fit_temperatures


def test_temperatures_undo_too_much_confidence_bin_by_bin():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(40_000, 4)) * 2
    shares = np.exp(true) / np.exp(true).sum(1, keepdims=True)
    target = (rng.random((len(true), 1)) > shares.cumsum(1)).sum(1)
    detections = rng.choice([1, 4, 8, 15, 30], len(true))
    too_sure = np.array([3.0, 2.0, 1.5, 1.0, 0.8])
    logits = true * too_sure[bin_of(detections)][:, None]
    values = fit_temperatures(logits, target, detections, np.ones(len(true)), np.zeros(4))
    np.testing.assert_allclose(values, too_sure, rtol=0.06)


def test_a_bin_with_few_objects_takes_the_common_temperature():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2000, 3)) * 2
    target = rng.integers(0, 3, 2000)
    detections = np.full(2000, 4)
    values = fit_temperatures(logits, target, detections, np.ones(2000), np.zeros(3))
    assert len(values) == len(EDGES) + 1
    assert values[0] == pytest.approx(values[1]) == pytest.approx(values[-1])


def test_bins_end_where_the_calibration_says():
    assert bin_of(np.array([1, 2, 3, 5, 6, 10, 11, 20, 21])).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4]
