"""From logits to probabilities."""

import json

import numpy as np
import pytest

from firstlight.classifier import Calibration
from firstlight.errors import UnknownNameError, UsageError

CLASSES = ("SN Ia", "SN II", "TDE")
LOGITS = np.array([[1.0, 0.5, -1.0], [30.0, -90.0, 0.0]], np.float32)
MANY = np.array([50, 50])


def softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def test_without_anything_it_is_the_softmax() -> None:
    np.testing.assert_allclose(Calibration().apply(LOGITS, MANY, CLASSES), softmax(LOGITS), atol=1e-6)


def test_the_temperature_follows_the_number_of_detections() -> None:
    calibration = Calibration(temperature_edges=(2, 5), temperatures=(4.0, 2.0, 1.0))
    logits = np.repeat(LOGITS[:1], 6, axis=0)
    found = calibration.apply(logits, np.array([1, 2, 3, 5, 6, 100]), CLASSES)
    expected = [softmax(LOGITS[0] / temperature) for temperature in (4, 4, 2, 2, 1, 1)]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_priors_replace_the_shares_of_the_training() -> None:
    learnt = {"SN Ia": 0.5, "SN II": 0.25, "TDE": 0.25}
    prior = {"SN Ia": 0.8, "SN II": 0.15, "TDE": 0.05}
    expected = softmax(LOGITS + np.log([0.8 / 0.5, 0.15 / 0.25, 0.05 / 0.25]))
    given = Calibration(learnt).apply(LOGITS, MANY, CLASSES, prior)
    stated = Calibration(learnt, prior).apply(LOGITS, MANY, CLASSES)
    np.testing.assert_allclose(given, expected, atol=1e-6)
    np.testing.assert_allclose(stated, expected, atol=1e-6)
    flat = Calibration(learnt, prior).apply(LOGITS, MANY, CLASSES, "flat")
    np.testing.assert_allclose(flat, softmax(LOGITS - np.log([0.5, 0.25, 0.25])), atol=1e-6)


def test_priors_go_by_name_and_need_not_sum_to_one() -> None:
    prior = {"TDE": 1.0, "SN II": 3.0, "SN Ia": 16.0}
    same = {"SN Ia": 0.8, "SN II": 0.15, "TDE": 0.05}
    one, other = (Calibration().apply(LOGITS, MANY, CLASSES, which) for which in (prior, same))
    np.testing.assert_allclose(one, other, atol=1e-6)


def test_a_class_of_share_zero_gets_probability_zero() -> None:
    found = Calibration().apply(LOGITS, MANY, CLASSES, {"SN Ia": 1, "SN II": 1, "TDE": 0})
    assert (found[:, 2] == 0.0).all()
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-6)


@pytest.mark.parametrize(
    ("priors", "error", "message"),
    [
        ("flatt", UnknownNameError, "Did you mean 'flat'"),
        ({"SN Ia": 1.0, "SN II": 1.0, "TED": 1.0}, UnknownNameError, "Did you mean 'TDE'"),
        ({"SN Ia": 1.0, "SN II": 1.0}, UsageError, "no share is given for TDE"),
        ({"SN Ia": -1.0, "SN II": 1.0, "TDE": 1.0}, UsageError, "shares must be numbers"),
        ({"SN Ia": 0.0, "SN II": 0.0, "TDE": 0.0}, UsageError, "not all 0"),
    ],
)
def test_priors_that_do_not_fit_are_refused(priors, error, message: str) -> None:
    with pytest.raises(error, match=message):
        Calibration().apply(LOGITS, MANY, CLASSES, priors)


def test_logits_are_left_as_they_were() -> None:
    logits = LOGITS.copy()
    Calibration(None, {"SN Ia": 1, "SN II": 2, "TDE": 3}).apply(logits, MANY, CLASSES)
    assert np.array_equal(logits, LOGITS)


def test_json_gives_back_the_same_calibration() -> None:
    calibration = Calibration({"SN Ia": 1.0}, None, (2, 5), (1.0, 2.0, 3.0))
    assert Calibration.from_dict(json.loads(json.dumps(calibration.to_dict()))) == calibration
    assert Calibration.from_dict({}) == Calibration()
    with pytest.raises(UnknownNameError, match="Did you mean 'temperatures'"):
        Calibration.from_dict({"temperature": [1.0]})


@pytest.mark.parametrize(
    ("edges", "temperatures"),
    [((2,), (1.0,)), ((5, 2), (1.0, 1.0, 1.0)), ((), (0.0,)), ((), (float("nan"),))],
)
def test_bins_and_temperatures_must_make_sense(edges, temperatures) -> None:
    with pytest.raises(UsageError):
        Calibration(temperature_edges=edges, temperatures=temperatures)
