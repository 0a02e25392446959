"""Class sets and novelty as they are applied."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.classifier import Classifier, ClassSets, Novelty, Trust, load
from firstlight.classifier.checkpoint import TRUST, Checkpoint
from firstlight.classifier.trust import read_trust
from firstlight.errors import CheckpointError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Observation

LEVELS = np.array([0.02, 0.1, 0.5])


def trust_for(classifier: Classifier, seed: int = 0) -> Trust:
    """Some trust that fits a classifier."""
    rng = np.random.default_rng(seed)
    classes = len(classifier.classes)
    numbers = classifier._network.sizes.embedding + classifier._network.sizes.features
    least = np.sort(rng.uniform(0.0, 0.6, (3, classes, 3)), axis=2).astype(np.float32)
    least[0, 0, 0] = -1.0
    distances = np.sort(rng.uniform(0.0, 200.0, (2, 4)), axis=1).astype(np.float32)
    return Trust(
        ClassSets(np.array([2, 6]), LEVELS, least),
        Novelty(
            np.array([4]),
            rng.normal(size=(numbers, 5)).astype(np.float32),
            rng.normal(size=(2, classes, 5)).astype(np.float32),
            np.array([0.0, 0.5, 0.9, 0.99]),
            distances,
        ),
    )


@pytest.fixture(scope="module")
def trusted(classifier: Classifier, tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    checkpoint = classifier.checkpoint
    built = Checkpoint.build(
        config=checkpoint.config,
        weights=checkpoint.weights,
        onnx=checkpoint.onnx,
        card=checkpoint.card,
        extras={TRUST: trust_for(classifier).to_bytes()},
    )
    return load(built.save(tmp_path_factory.mktemp("trusted") / "it"))


def streamed(classifier: Classifier, curves: LightCurves, k: int, **options: object) -> list:
    metadata = {name: curves.column(name)[k] for name in ("redshift",)}
    state, states = classifier.start(metadata, survey="ZTF", **options), []
    for row in range(curves.offsets[k], curves.offsets[k + 1]):
        one = Observation(
            time=curves.time[row],
            passband=curves.passbands[curves.passband[row]],
            flux=curves.flux[row],
            flux_err=curves.flux_err[row],
            detected=bool(curves.detected[row]),
            limit=curves.limit[row],
        )
        state, _ = classifier.step(state, one)
        states.append(state)
    return states


def test_what_is_written_is_read(trusted: Classifier, classifier: Classifier, tmp_path: Path) -> None:
    found, given = load(trusted.save(tmp_path / "again")).trust, trust_for(classifier)
    np.testing.assert_array_equal(found.sets.least, given.sets.least)
    np.testing.assert_array_equal(found.novelty.distances, given.novelty.distances)
    assert classifier.trust is None


def test_a_part_that_does_not_fit_is_refused(classifier: Classifier) -> None:
    data = trust_for(classifier).to_bytes()
    with pytest.raises(CheckpointError, match=r"is for .* classes, the classifier has 99"):
        read_trust(data, classes=99, numbers=5, where="it")
    only = Trust.to_bytes(trust_for(classifier)).replace(b"sets.least", b"sets.worst")
    with pytest.raises(CheckpointError, match=r"'sets\.least' is missing"):
        read_trust(only, classes=9, numbers=5, where="it")


def test_probabilities_are_the_same_with_and_without_trust(classifier, trusted, many) -> None:
    plain = classifier.classify(many).probabilities
    np.testing.assert_array_equal(trusted.classify(many).probabilities, plain)
    np.testing.assert_array_equal(trusted.classify(many, novelty=True).probabilities, plain)


def test_without_trust_the_error_says_how_to_get_it(classifier, many) -> None:
    with pytest.raises(UsageError, match="calibration_folds=5"):
        classifier.classify(many).sets()
    with pytest.raises(UsageError, match="calibration_folds=5"):
        classifier.classify(many, novelty=True)
    with pytest.raises(UsageError, match="calibration_folds=5"):
        classifier.start(survey="ZTF", novelty=True)
    assert classifier.classify(many).novelty is None


def test_a_stream_gives_the_sets_and_novelty_of_the_table(trusted: Classifier, many: LightCurves) -> None:
    for options in ({}, {"priors": "flat"}):
        table = trusted.classify(many, novelty=True, **options)
        sets = table.sets(0.9)
        for k in range(len(many)):
            states = streamed(trusted, many, k, novelty=True, **options)
            rows = slice(many.offsets[k], many.offsets[k + 1])
            np.testing.assert_array_equal(
                [trusted.sets(s, 0.9) for s in states], sets[rows].reshape(len(states), -1)
            )
            novelty = [np.nan if s.novelty is None else s.novelty for s in states]
            np.testing.assert_allclose(novelty, table.novelty[rows], atol=2e-5)


def test_nothing_that_comes_later_changes_sets_or_novelty(trusted: Classifier, many: LightCurves) -> None:
    whole = trusted.classify(many, novelty=True)
    cut = many.until(detections=4)
    early = trusted.classify(cut, novelty=True)
    rows = np.concatenate(
        [a + np.arange(n) for a, n in zip(many.offsets[:-1], np.diff(cut.offsets), strict=True)]
    ).astype(int)
    np.testing.assert_array_equal(early.sets(0.9), whole.sets(0.9)[rows])
    np.testing.assert_allclose(early.novelty, whole.novelty[rows], atol=2e-5)


def test_any_batch_gives_the_same(trusted: Classifier, many: LightCurves) -> None:
    whole = trusted.classify(many, novelty=True)
    parts = [trusted.classify(one, novelty=True) for one in many]
    np.testing.assert_allclose(np.concatenate([p.novelty for p in parts]), whole.novelty, atol=2e-5)
    np.testing.assert_array_equal(np.concatenate([p.sets() for p in parts]), whole.sets())


def test_sets_depend_on_the_priors_asked_for_by_the_most_probable_class_alone(
    trusted: Classifier, many: LightCurves
) -> None:
    plain, flat = trusted.classify(many), trusted.classify(many, priors="flat")
    one, other = plain.sets(0.8), flat.sets(0.8)
    row, column = np.nonzero(one != other)
    first = np.stack([plain.probabilities.argmax(axis=1), flat.probabilities.argmax(axis=1)], axis=1)
    assert (first[row] == column[:, None]).any(axis=1).all()


def test_a_coarser_class_stays_when_one_of_its_own_does(trusted: Classifier, many: LightCurves) -> None:
    fine, coarse = trusted.classify(many), trusted.classify(many, classes=["SN"])
    under = [k for k, name in enumerate(trusted.classes) if name.startswith("SN")]
    assert under
    np.testing.assert_array_equal(coarse.sets(0.5)[:, 0], fine.sets(0.5)[:, under].any(axis=1))


def test_where_there_is_no_answer_every_class_stays(trusted: Classifier, many: LightCurves) -> None:
    found = trusted.classify(many, novelty=True)
    nothing = np.isnan(found.final()).any(axis=1)
    assert nothing.any()
    assert found.final_sets(0.5)[nothing].all()
    assert np.isnan(found.final_novelty()[nothing]).all()
    assert found.sets_at(0.5, detections=1).shape == found.final().shape


def test_more_coverage_never_takes_a_class_away(trusted: Classifier, many: LightCurves) -> None:
    found = trusted.classify(many)
    shares = (0.3, 0.5, 0.9, 0.95, 0.98, 0.999)
    for less, more in pairwise(shares):
        assert not (found.sets(less) & ~found.sets(more)).any()
    assert found.sets(0.999).all()  # of so few objects nobody can promise it


@settings(deadline=None)
@given(st.sampled_from([0.0, 1.0, -0.1, 90.0, float("nan")]))
def test_a_coverage_that_is_no_share_is_refused(coverage: float) -> None:
    sets = ClassSets(np.array([2]), LEVELS, np.zeros((2, 3, 3), np.float32))
    with pytest.raises(UsageError, match="coverage"):
        sets.thresholds(coverage)


def test_the_level_that_is_named_is_found_in_spite_of_rounding() -> None:
    least = np.arange(3, dtype=np.float32) * np.ones((1, 1, 3), np.float32)
    sets = ClassSets(np.array([], np.int64), LEVELS, least)
    assert sets.thresholds(0.9).item() == 1.0
    assert sets.thresholds(0.91).item() == 0.0
    assert sets.thresholds(0.99).item() == -1.0


@settings(deadline=None)
@given(st.lists(st.floats(0.0, 1e4), min_size=2, max_size=20))
def test_farther_is_never_less_novel(distances: list[float]) -> None:
    novelty = Novelty(
        np.array([3]),
        np.ones((2, 1), np.float32),
        np.zeros((2, 1, 1), np.float32),
        np.array([0.0, 0.5, 0.9]),
        np.array([[0.1, 1.0, 4.0], [0.2, 2.0, 9.0]], np.float32),
    )
    x = np.sqrt(np.sort(distances)).astype(np.float32)[:, None]
    found = novelty(x, np.zeros_like(x), np.full(len(x), 2))
    assert (np.diff(found) >= 0).all()
    assert ((found >= 0) & (found <= 1)).all()


def test_the_table_has_the_columns_asked_for(trusted: Classifier, many: LightCurves) -> None:
    found = trusted.classify(many, novelty=True)
    table = found.to_arrow(sets=0.9)
    names = found.to_arrow().column_names
    assert [name for name in table.column_names if name not in names] == ["classes"]
    assert table.schema.metadata[b"firstlight.coverage"] == b"0.9"
    first = {name for name, stays in zip(found.classes, found.final_sets()[0], strict=True) if stays}
    assert {name for name in table["classes"][0].as_py().split("|") if name} == first
    assert found.to_arrow(every_observation=True)["novelty"].null_count == int(np.isnan(found.novelty).sum())
    assert "novelty" not in trusted.classify(many).to_arrow().column_names
