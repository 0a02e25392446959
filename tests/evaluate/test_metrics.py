"""The measures agree with scikit-learn and keep their promises at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.errors import DataError, UnknownNameError
from firstlight.evaluate import metrics

sklearn = pytest.importorskip("sklearn.metrics")


def sample(seed=0, n=400, classes=4, ties=False):
    rng = np.random.default_rng(seed)
    labels = np.concatenate(
        [np.arange(classes), rng.choice(classes, n, p=rng.dirichlet(np.ones(classes) * 3))]
    )
    logits = rng.normal(size=(labels.size, classes)) + 1.2 * np.eye(classes)[labels]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    if ties:
        probabilities = np.round(probabilities, 1) + 1e-3
        probabilities /= probabilities.sum(1, keepdims=True)
        probabilities = np.round(probabilities, 2)
    return labels, probabilities


@pytest.mark.parametrize("ties", [False, True])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**20))
def test_every_measure_agrees_with_scikit_learn(ties, seed):
    labels, q = sample(seed, ties=ties)
    onehot = np.eye(q.shape[1])[labels]
    decided = q.argmax(1)
    expected = {
        "macro_auroc": sklearn.roc_auc_score(onehot, q, average="macro"),
        "macro_auprc": sklearn.average_precision_score(onehot, q, average="macro"),
        "macro_f1": sklearn.f1_score(labels, decided, average="macro", zero_division=0),
        "balanced_accuracy": sklearn.balanced_accuracy_score(labels, decided),
        "accuracy": sklearn.accuracy_score(labels, decided),
    }
    got = metrics.measure(labels, q)
    for name, value in expected.items():
        assert got[name, -1][0] == pytest.approx(value, abs=1e-12), name
    np.testing.assert_allclose(
        metrics.class_auroc(labels, q), sklearn.roc_auc_score(onehot, q, average=None), atol=1e-12
    )


def test_log_loss_agrees_with_scikit_learn_and_is_clipped():
    labels, q = sample()
    assert metrics.log_loss(labels, q) == pytest.approx(sklearn.log_loss(labels, q))
    assert metrics.log_loss([0], [[0.0, 1.0]]) == pytest.approx(-np.log(1e-6))


def test_single_numbers_are_those_of_measure():
    labels, q = sample(3)
    got = metrics.measure(labels, q)
    names = ["macro_auroc", "macro_auprc", "macro_f1", "balanced_accuracy", "log_loss", "ece"]
    for name in names:
        assert getattr(metrics, name)(labels, q) == got[name, -1][0]
    assert metrics.class_ece(labels, q).mean() == pytest.approx(got["class_ece", -1][0])


def test_weights_count_an_object_as_often_as_they_say():
    """Weighting by k is repeating the object k times (calibration bins stay those of the sample)."""
    labels, q = sample(5, n=60)
    weights = np.random.default_rng(1).integers(0, 4, labels.size).astype(float)
    weights[:4] = 1
    repeated = np.repeat(np.arange(labels.size), weights.astype(int))
    got = metrics.measure(labels, q, weights[None])
    expected = metrics.measure(labels[repeated], q[repeated])
    for key, value in expected.items():
        if "ece" not in key[0]:
            np.testing.assert_allclose(got[key], value, atol=1e-12, err_msg=str(key))


def test_calibration_error_is_zero_for_perfect_and_large_for_confident_nonsense():
    rng = np.random.default_rng(0)
    p = rng.uniform(size=40_000)
    q = np.stack([p, 1 - p], 1)
    labels = (rng.uniform(size=p.size) > p).astype(int)
    assert metrics.ece(labels, q) < 0.01
    assert metrics.ece(1 - labels, q) > 0.4


def test_calibration_bins_keep_equal_probabilities_together():
    """A constant forecast of the base rate has no calibration error."""
    labels = np.array([0] * 30 + [1] * 70)
    assert metrics.ece(labels, np.tile([0.3, 0.7], (100, 1))) == pytest.approx(0, abs=1e-12)


def test_absent_classes_do_not_enter_macro_means():
    labels, q = sample(2, classes=3)
    wider = np.concatenate([q * 0.9, np.full((len(q), 1), 0.1)], axis=1)
    assert metrics.macro_auroc(labels, wider) == pytest.approx(metrics.macro_auroc(labels, q))
    assert metrics.balanced_accuracy(labels, wider) <= metrics.balanced_accuracy(labels, q) + 1e-12


def test_an_unanswered_object_is_an_error_and_never_a_gain():
    labels, q = sample(4)
    silent = q.copy()
    silent[7] = np.nan
    assert metrics.decide(silent)[7] == -1
    correct = metrics.decide(q)[7] == labels[7]
    expected = metrics.measure(labels, q)["accuracy", -1] - correct / labels.size
    assert metrics.measure(labels, silent)["accuracy", -1] == pytest.approx(expected)
    assert np.isfinite(metrics.macro_auroc(labels, silent))


def test_balanced_decision_divides_by_the_root_of_the_training_counts():
    q = np.array([[0.6, 0.4], [0.95, 0.05]])
    assert metrics.decide(q).tolist() == [0, 0]
    assert metrics.decide(q, counts=[100, 4]).tolist() == [1, 0]
    labels = np.array([1, 0])
    assert metrics.measure(labels, q, counts=[100, 4])["macro_f1_balanced", -1][0] == 1.0


def test_confusion_has_true_classes_in_rows():
    assert metrics.confusion([0, 0, 1], [0, 1, 1], 2).tolist() == [[1, 1], [0, 1]]
    assert metrics.confusion([0, 0], [0, -1], 2).tolist() == [[1, 0], [0, 0]]


def test_labels_are_encoded_by_name():
    assert metrics.encode(["TDE", "SN Ia"], ["SN Ia", "TDE"]).tolist() == [1, 0]
    with pytest.raises(UnknownNameError, match="SN Ia"):
        metrics.encode(["SNIa"], ["SN Ia", "TDE"])


def test_shapes_that_do_not_belong_together_are_refused():
    with pytest.raises(DataError):
        metrics.measure(np.array([0, 1]), np.ones((3, 2)))
    with pytest.raises(DataError):
        metrics.measure(np.array([], dtype=int), np.ones((0, 2)))
    with pytest.raises(DataError):
        metrics.measure(np.array([2]), np.ones((1, 2)))
