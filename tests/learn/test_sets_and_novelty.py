"""Class sets and novelty as they are fitted."""

import numpy as np
import pytest

from firstlight.classifier import load
from firstlight.learn import fine_tune, pretrain
from firstlight.learn.calibrating import SETS_CARE, NetworkOutputs, fit_geometry, fit_sets, one_a_bin, rank

from .conftest import SMALL, labelled


def world(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, classes in shares of 80, 18 and 2 %, and detections of n objects, one row each."""
    target = rng.choice(3, n, p=[0.8, 0.18, 0.02])
    detections = rng.choice([1, 2, 4, 8, 25], n)
    skill = np.log1p(detections)[:, None]
    logits = rng.normal(size=(n, 3)) + skill * np.eye(3)[target]
    shares = np.exp(logits)
    return (shares / shares.sum(1, keepdims=True)).astype(np.float32), target, detections


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95])
def test_sets_keep_each_class_as_often_as_they_say_at_any_number_of_detections(coverage: float) -> None:
    rng = np.random.default_rng(4)
    known = world(20_000, rng)
    sets = fit_sets(*known, 3)
    p, target, detections = world(60_000, rng)
    kept = sets(p, detections, coverage)[np.arange(len(p)), target]
    for c in range(3):
        for k in np.unique(detections):
            here, labels = (target == c) & (detections == k), ((known[1] == c) & (known[2] == k)).sum()
            near = 0.03 if c < 2 else 0.09
            care = SETS_CARE * np.sqrt(coverage * (1 - coverage) / labels)
            assert coverage - near < kept[here].mean() < coverage + near + care


def test_few_labels_keep_what_they_promise_on_average() -> None:
    rng = np.random.default_rng(5)
    p, target, detections = world(20_000, rng)
    kept = []
    for _ in range(60):
        sets = fit_sets(*world(150, rng), 3)
        kept.append(sets(p, detections, 0.9)[np.arange(len(p)), target])
    for c in range(3):
        assert np.mean(kept, axis=0)[target == c].mean() > 0.88


def test_a_class_with_too_few_labels_to_say_always_stays() -> None:
    rng = np.random.default_rng(6)
    p, target, detections = world(3_000, rng)
    rare = np.flatnonzero(target == 2)[8:]  # eight are left: one less than 90 % needs
    few = np.setdiff1d(np.arange(len(p)), rare)
    sets = fit_sets(p[few], target[few], detections[few], 3)
    assert sets(p, detections, 0.9)[:, 2].all()
    assert not sets(p, detections, 0.4)[:, 2].all()
    without = fit_sets(p[target < 2], target[target < 2], detections[target < 2], 3)
    assert without(p, detections, 0.1)[:, 2].all()


def rows(n: int, rng: np.random.Generator, shift: float = 0.0) -> NetworkOutputs:
    target = rng.integers(0, 2, n)
    embedding = rng.normal(size=(n, 4)) * [1.0, 5.0, 0.1, 1.0] + 6.0 * target[:, None] + shift
    detections = rng.integers(1, 20, n)
    return NetworkOutputs(
        logits=np.zeros((n, 3), np.float32),
        embedding=embedding.astype(np.float32),
        features=np.zeros((n, 2), np.float32),
        target=target,
        n_detections=detections,
        owner=np.arange(n),
        weight=np.ones(n),
    )


def test_novelty_of_known_objects_is_even_and_that_of_others_near_one() -> None:
    rng = np.random.default_rng(7)
    geometry = fit_geometry(rows(4_000, rng), 3)  # the third class has no label
    known = rows(4_000, rng)
    novelty = geometry.novelty(rank(geometry.distance(known), known.n_detections))
    other = rows(4_000, rng)
    found = novelty(other.embedding, other.features, other.n_detections)
    for share in (0.1, 0.5, 0.9, 0.98):
        assert (found < share).mean() == pytest.approx(share, abs=0.04)
    strange = rows(500, rng, shift=-4.0)
    assert (novelty(strange.embedding, strange.features, strange.n_detections) > 0.99).all()


def test_one_row_of_an_object_in_each_bin() -> None:
    rng = np.random.default_rng(8)
    many = rows(300, rng)
    twice = many.take(np.tile(np.arange(300), 3))
    assert len(one_a_bin(twice, rng).target) == 300


def test_folds_make_a_classifier_that_can_be_trusted(tmp_path, curves) -> None:
    base = pretrain(curves, sizes=SMALL, epochs=2, validation=0.0)
    tuned = fine_tune(base, labelled(60, seed=3), epochs=4, calibration_folds=3, out=tmp_path / "tuned")
    again = fine_tune(base, labelled(60, seed=3), epochs=4, calibration_folds=3)
    assert base.trust is None
    assert (tmp_path / "tuned" / "trust.safetensors").stat().st_size < 200_000
    assert load(tmp_path / "tuned").checkpoint.extras == again.checkpoint.extras
    assert set(tuned.calibration.offsets) == set(tuned.classes)
    new = labelled(60, seed=9)
    found = tuned.classify(new, novelty=True)
    truth = [tuned.classes.index(name) for name in new.column("label")]
    assert found.final_sets(0.8)[np.arange(60), truth].mean() > 0.65
    assert 0.2 < np.nanmean(found.final_novelty()) < 0.8


def test_members_are_trusted_together(curves) -> None:
    tuned = pretrain(curves, sizes=SMALL, epochs=1, validation=0.0, members=2, calibration_folds=2)
    assert len(tuned.trust.novelty.projection) == 2 * SMALL["embedding"] + len(
        tuned.preparation.feature_names
    )
    assert tuned.classify(curves, novelty=True).novelty.shape == curves.time.shape
