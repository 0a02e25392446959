import numpy as np
import pytest

from firstlight.classifier import Calibration
from firstlight.learn.calibrating import EDGES, bin_of, fit_calibration


def drawn(shares: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return (rng.random((len(shares), 1)) > shares.cumsum(1)).sum(1)


def softmax(logits: np.ndarray) -> np.ndarray:
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_temperatures_undo_too_much_confidence_bin_by_bin():
    rng = np.random.default_rng(0)
    true = rng.normal(size=(40_000, 4)) * 2
    target = drawn(softmax(true), rng)
    seen = np.array([1, 3, 8, 15, 30])
    detections = rng.choice(seen, len(true))
    too_sure = np.ones(len(EDGES) + 1)
    too_sure[bin_of(seen)] = [3.0, 2.0, 1.5, 1.0, 0.8]
    logits = (true * too_sure[bin_of(detections)][:, None]).astype(np.float32)
    temperatures, _ = fit_calibration(logits, target, detections, np.ones(len(true)), np.zeros(4))
    used = bin_of(seen)
    np.testing.assert_allclose(temperatures[used], too_sure[used], rtol=0.08)


def test_offsets_give_back_what_a_class_lost_when_little_was_seen():
    rng = np.random.default_rng(1)
    true = rng.normal(size=(30_000, 3)) * 2
    target = drawn(softmax(true), rng)
    detections = rng.choice([1, 30], len(true))
    lost = np.where(detections[:, None] == 1, [1.5, 0.0, -1.5], 0.0)
    temperatures, offsets = fit_calibration(
        (true + lost).astype(np.float32), target, detections, np.ones(len(true)), np.zeros(3)
    )
    calibration = Calibration(
        temperature_edges=EDGES,
        temperatures=tuple(temperatures),
        offsets=dict(zip("abc", map(tuple, offsets.T), strict=True)),
    )
    found = calibration.apply((true + lost).astype(np.float32), detections, "abc")
    assert np.abs(found - softmax(true)).mean() < 0.01


def test_a_bin_with_few_objects_takes_the_common_numbers():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2000, 3)).astype(np.float32) * 2
    target = rng.integers(0, 3, 2000)
    detections = np.full(2000, 4)
    temperatures, offsets = fit_calibration(logits, target, detections, np.ones(2000), np.zeros(3))
    assert temperatures.shape == (len(EDGES) + 1,)
    assert temperatures[0] == pytest.approx(temperatures[-1])
    np.testing.assert_allclose(offsets[0], offsets[-1])


def test_bins_end_where_the_calibration_says():
    assert bin_of(np.array([1, 2, 3, 4, 5, 6, 50, 51])).tolist() == [0, 1, 2, 3, 3, 4, 9, 10]
