"""How the measures must change, or not, when what is measured changes: relations that need no reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import firstlight as fl
from firstlight.errors import UsageError
from firstlight.evaluate import Stage, collapse, confusion, decide, measure, paired, stage_answers

NAMES = ("SN Ia", "SN II", "SN Ib/c", "TDE")
RANKING = ("macro_auroc", "macro_auprc")


@st.composite
def answered(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Labels of three to four classes, each of them at least twice, and probabilities for them."""
    classes = draw(st.integers(3, 4))
    rest = draw(st.lists(st.integers(0, classes - 1), max_size=30))
    labels = np.array([*range(classes), *range(classes), *rest])
    random = np.random.default_rng(draw(st.integers(0, 2**20)))
    shares = random.dirichlet(np.ones(classes), labels.size)
    if draw(st.booleans()):  # ties
        shares = np.round(shares, 1) + 0.01
        shares /= shares.sum(1, keepdims=True)
    return labels, shares


def values(labels: np.ndarray, shares: np.ndarray) -> dict[tuple[str, int], float]:
    return {key: float(found[0]) for key, found in measure(labels, shares).items()}


def alike(one: dict[tuple[str, int], float], other: dict[tuple[str, int], float]) -> None:
    assert set(one) == set(other)
    for key, value in one.items():
        assert other[key] == pytest.approx(value, abs=1e-12, nan_ok=True), key


@settings(max_examples=60, deadline=None)
@given(answered(), st.randoms(use_true_random=False))
def test_the_order_of_the_objects_means_nothing(sample, random) -> None:
    labels, shares = sample
    order = list(range(labels.size))
    random.shuffle(order)
    alike(values(labels, shares), values(labels[order], shares[order]))


@settings(max_examples=60, deadline=None)
@given(answered(), st.permutations(range(3)))
def test_the_order_of_the_classes_means_nothing_to_the_means_over_them(sample, order) -> None:
    labels, shares = sample
    order = [*order, *range(3, shares.shape[1])]
    # Of two classes with the same probability the first is decided for: no ties here.
    shares = shares + np.random.default_rng(0).uniform(0, 1e-6, shares.shape)
    shares /= shares.sum(1, keepdims=True)
    one, other = values(labels, shares), values(np.argsort(order)[labels], shares[:, order])
    for (name, index), value in one.items():
        there = (name, index if index < 0 else order.index(index))
        assert other[there] == pytest.approx(value, abs=1e-12, nan_ok=True), name


@settings(max_examples=60, deadline=None)
@given(answered())
def test_every_object_twice_measures_the_same(sample) -> None:
    labels, shares = sample
    one, other = values(labels, shares), values(np.tile(labels, 2), np.tile(shares, (2, 1)))
    binned = {
        key for key in one if "ece" in key[0]
    }  # bins hold equal numbers of objects, and there are twice as many
    alike(*({key: value for key, value in both.items() if key not in binned} for both in (one, other)))


@settings(max_examples=60, deadline=None)
@given(answered())
def test_areas_see_the_order_of_the_probabilities_alone(sample) -> None:
    labels, shares = sample
    ranks = np.stack([np.unique(column, return_inverse=True)[1] for column in shares.T], axis=1)
    one, other = values(labels, shares), values(labels, ranks / labels.size)
    for name in RANKING:
        assert other[name, -1] == pytest.approx(one[name, -1], abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(answered())
def test_right_answers_measure_best_and_all_stays_in_its_range(sample) -> None:
    labels, shares = sample
    best = values(labels, np.eye(shares.shape[1])[labels])
    for name in (*RANKING, "macro_f1", "balanced_accuracy", "accuracy"):
        assert best[name, -1] == pytest.approx(1.0)
        assert 0.0 <= values(labels, shares)[name, -1] <= 1.0
    assert best["log_loss", -1] <= values(labels, shares)["log_loss", -1]


@settings(max_examples=40, deadline=None)
@given(answered())
def test_a_step_towards_the_truth_lowers_the_log_loss(sample) -> None:
    labels, shares = sample
    closer = 0.9 * shares + 0.1 * np.eye(shares.shape[1])[labels]
    assert values(labels, closer)["log_loss", -1] <= values(labels, shares)["log_loss", -1] + 1e-12


@settings(max_examples=40, deadline=None)
@given(answered())
def test_the_confusion_holds_every_object_once_and_its_diagonal_is_the_accuracy(sample) -> None:
    labels, shares = sample
    found = confusion(labels, decide(shares), shares.shape[1])
    assert found.sum() == labels.size
    assert np.array_equal(found.sum(1), np.bincount(labels, minlength=shares.shape[1]))
    assert found.trace() / labels.size == pytest.approx(values(labels, shares)["accuracy", -1])


@settings(max_examples=15, deadline=None)
@given(answered(), st.integers(0, 99))
def test_the_difference_of_two_is_the_negative_of_the_other_way_round(sample, seed) -> None:
    labels, shares = sample
    others = np.roll(shares, 1, axis=0)
    one, other = (paired(labels, a, b, number=8, seed=seed) for a, b in ((shares, others), (others, shares)))
    for key, difference in one.items():
        assert difference.value == pytest.approx(-other[key].value, abs=1e-12, nan_ok=True)
        assert difference.lo == pytest.approx(-other[key].hi, abs=1e-9, nan_ok=True)


# -- classes and stages ----------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(answered())
def test_coarser_classes_get_the_sum_of_the_finer_ones(sample) -> None:
    _, shares = sample
    source = NAMES[: shares.shape[1]]
    coarse = collapse(shares, source, ("SN", *source[3:]))
    assert coarse.sum(1) == pytest.approx(1.0)
    assert coarse[:, 0] == pytest.approx(shares[:, :3].sum(1))
    assert np.array_equal(collapse(shares, source, source), shares)


def test_a_class_that_holds_none_of_the_classifiers_is_refused() -> None:
    with pytest.raises(UsageError, match="no class under AGN"):
        collapse(np.ones((1, 2)) / 2, ("SN Ia", "SN II"), ("SN Ia", "AGN"))


STAGES = [Stage(detections=1), Stage(detections=4), Stage(days=0.0), Stage(days=12.5), Stage()]


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
@pytest.mark.parametrize("name", ["ztf", "lsst", "reference"])
def test_the_answer_at_a_stage_is_that_to_the_light_curve_cut_there(name: str, stage: Stage) -> None:
    """What evaluate scores is what a user would have had on that day."""
    classifier, curves = fl.load(name), fl.sample("ztf")
    at = stage_answers(classifier.classify(curves), stage)
    cut = classifier.classify(stage.apply(curves)).final()
    np.testing.assert_allclose(at, cut, rtol=0.0, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_a_stage_reads_its_own_name(stage: Stage) -> None:
    assert Stage.named(stage.name) == stage
