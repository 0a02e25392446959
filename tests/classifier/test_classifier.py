"""Answers to tables and to streams."""

import json
from pathlib import Path

import numpy as np
import pytest

from firstlight.classifier import classifiers, classify, load
from firstlight.errors import UnknownNameError, UsageError
from firstlight.lightcurves import Flag, LightCurves
from firstlight.preparation import Observation


@pytest.mark.parametrize("name", ["format-1", "format-1-reference"])
def test_old_checkpoints_give_their_old_answers(
    fixtures: Path, golden_curves: LightCurves, name: str
) -> None:
    golden = np.array(json.loads((fixtures / "golden.json").read_text())[name])
    found = load(fixtures / name).classify(golden_curves).probabilities
    np.testing.assert_allclose(found, golden, atol=1e-5)


def test_rows_sum_to_one_or_are_unknown_as_a_whole(classifier, many: LightCurves) -> None:
    p = classifier.classify(many).probabilities
    unknown = np.isnan(p)
    assert (unknown.all(axis=1) == unknown.any(axis=1)).all()
    np.testing.assert_allclose(p[~unknown.any(axis=1)].sum(axis=1), 1.0, atol=1e-6)


def test_an_unread_row_repeats_the_answer_in_force(classifier, many: LightCurves) -> None:
    answers = classifier.classify(many)
    for k in range(len(many)):
        rows = slice(*many.offsets[k : k + 2])
        found = np.flatnonzero(many.detected[rows])
        p = answers.probabilities[rows]
        if not found.size:
            assert np.isnan(p).all()
            continue
        assert np.isnan(p[: found[0]]).all() and np.isfinite(p[found[0] :]).all()
        for row in range(found[0] + 1, len(p)):
            if not many.detected[rows][row]:
                assert np.array_equal(p[row], p[row - 1])


def test_days_since_trigger_go_on_through_rows_that_are_not_read(classifier) -> None:
    light = LightCurves.from_columns(
        object_id=["a"] * 4,
        time=[59_000.0, 59_001.0, 59_002.5, 59_004.0],
        passband=["g"] * 4,
        flux=[10.0, 9_000.0, 10.0, 9_000.0],
        flux_err=[500.0] * 4,
        flux_unit="nJy",
        survey="ZTF",
    )
    answers = classifier.classify(light)
    np.testing.assert_allclose(answers.days_since_trigger, [np.nan, 0.0, 1.5, 3.0])
    assert answers.detections.tolist() == [0, 1, 1, 2]
    assert answers.n_observations.tolist() == [2] and answers.n_detections.tolist() == [2]


def seasons(days: list[float], fluxes: list[float]) -> LightCurves:
    return LightCurves.from_columns(
        object_id=["a"] * len(days),
        time=59_000.0 + np.array(days),
        passband=["g"] * len(days),
        flux=np.array(fluxes),
        flux_err=[500.0] * len(days),
        flux_unit="nJy",
        survey="ZTF",
    )


def stepped(classifier, light: LightCurves) -> list[np.ndarray]:
    state, answers = classifier.start(survey="ZTF"), []
    for time, flux in zip(light.time, light.flux, strict=True):
        state, p = classifier.step(state, Observation(time, "g", flux, 500.0))
        answers.append(p)
    return answers


def test_faint_detections_after_a_supernova_leave_its_answer_in_force(classifier) -> None:
    days, fluxes = [0, 3, 9, 20], [4_000, 9_000, 20_000, 8_000]
    alone = classifier.classify(seasons(days, fluxes))
    followed = seasons([*days, 300, 301, 700], [*fluxes, 3_000, 5_000, 2_600])
    answers = classifier.classify(followed)
    assert np.array_equal(answers.final(), alone.final())
    assert np.array_equal(answers.probabilities[3:], np.repeat(alone.final(), 4, axis=0))
    assert answers.days_since_trigger.tolist() == [0, 3, 9, 20, 300, 301, 700]
    assert answers.detections.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert answers.n_observations.tolist() == answers.n_detections.tolist() == [4]
    assert np.array_equal(classifier.embed(followed), classifier.embed(seasons(days, fluxes)))
    np.testing.assert_allclose(stepped(classifier, followed), answers.probabilities, atol=1e-6)


def test_early_faint_detections_do_not_hold_a_supernova_back(classifier) -> None:
    days, fluxes = [0, 3, 9, 20], [4_000, 9_000, 20_000, 8_000]
    alone = classifier.classify(seasons(days, fluxes))
    later = seasons([0, 1, *(200.0 + np.array(days))], [9_000, 30_000, *fluxes])
    answers = classifier.classify(later)
    assert np.array_equal(answers.probabilities[2:], alone.probabilities)
    assert np.array_equal(answers.days_since_trigger[2:], alone.days_since_trigger)
    np.testing.assert_allclose(stepped(classifier, later), answers.probabilities, atol=1e-6)


def test_a_brighter_outburst_takes_over_when_it_outshines_the_first(classifier) -> None:
    first, second = [4_000, 9_000, 20_000], [5_000, 15_000, 20_000, 40_000, 6_000]
    light = seasons([0, 3, 9, 300, 302, 304, 306, 320], first + second)
    answers = classifier.classify(light)
    alone = classifier.classify(seasons([0, 2, 4, 6, 20], second)).probabilities
    assert np.array_equal(answers.probabilities[3:5], answers.probabilities[[2, 2]])
    assert np.array_equal(answers.probabilities[5:], alone[2:])
    assert answers.days_since_trigger.tolist() == [0, 3, 9, 300, 302, 4, 6, 20]
    np.testing.assert_allclose(stepped(classifier, light), answers.probabilities, atol=1e-6)
    for k in range(1, 9):
        then = classifier.classify(light.until(detections=k)).final()
        np.testing.assert_allclose(answers.at(detections=k), then, atol=1e-6)
    for days in (9.0, 303.0, 304.0, 400.0):
        then = classifier.classify(light.until(days_since_trigger=days)).final()
        np.testing.assert_allclose(answers.at(days_since_trigger=days), then, atol=1e-6)


def test_coarser_classes_are_the_sums_of_finer_ones(classifier, many: LightCurves) -> None:
    fine = classifier.classify(many)
    coarse = classifier.classify(many, classes=["SN Ia", "SN II", "SN Ib/c", "SLSN-I", "TDE"])
    assert coarse.classes == ("SN Ia", "SN II", "SN Ib/c", "SLSN-I", "TDE")
    p = fine.probabilities
    np.testing.assert_allclose(
        coarse.probabilities, np.column_stack([p[:, 0] + p[:, 1], p[:, 2:]]), atol=1e-6
    )


def test_classes_that_are_not_asked_for_are_one_column_or_left_out(classifier, many: LightCurves) -> None:
    p = classifier.classify(many).probabilities
    asked = ["TDE", "SN II"]
    two = classifier.classify(many, classes=asked, renormalise=True)
    np.testing.assert_allclose(two.probabilities[:, 0], p[:, 5] / (p[:, 5] + p[:, 2]), atol=1e-6)
    assert {*two.left_out, *two.classes} == set(classifier.classes)
    with_rest = classifier.classify(many, classes=asked)
    assert with_rest.classes == ("TDE", "SN II", "other") and with_rest.left_out == ()
    np.testing.assert_allclose(with_rest.probabilities[:, :2], p[:, [5, 2]], atol=1e-6)
    np.testing.assert_allclose(with_rest.probabilities[:, 2], 1 - p[:, 5] - p[:, 2], atol=1e-6)


def test_priors_of_coarser_classes_are_shared_out_among_the_finer(classifier, many: LightCurves) -> None:
    names = ["SN Ia", "SN II", "SN Ib/c", "SLSN-I", "TDE"]
    as_stated = dict(zip(names, (0.65, 0.2, 0.1, 0.03, 0.02), strict=True))  # of the fixture's own prior
    one = classifier.classify(many, classes=names)
    other = classifier.classify(many, classes=names, priors=as_stated)
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-6)
    turned = classifier.classify(many, classes=names, priors={**as_stated, "TDE": 0.5})
    some = np.isfinite(one.probabilities[:, 4])
    assert (turned.probabilities[some, 4] > one.probabilities[some, 4]).all()


@pytest.mark.parametrize(
    ("asked", "error", "message"),
    [
        ({"classes": ["SN Iaa"]}, UnknownNameError, "Did you mean 'SN Ia'"),
        ({"classes": ["SN Ia", "Kilonova"]}, UsageError, "no class under Kilonova"),
        ({"classes": ["SN Ia", "SN Ia"]}, UsageError, "different classes"),
        ({"classes": []}, UsageError, "different classes"),
        ({"priors": "nature"}, UnknownNameError, "priors 'nature'"),
        ({"priors": {"SN Ia": 1.0}}, UsageError, "no share is given for"),
    ],
)
def test_what_cannot_be_asked_is_said(classifier, many: LightCurves, asked, error, message: str) -> None:
    with pytest.raises(error, match=message):
        classifier.classify(many, **asked)


def test_what_is_not_light_curves_is_refused_with_the_way_to_read_it(classifier, many: LightCurves) -> None:
    for given in (None, "mine.parquet", many.observations(), [many[0], many[1]]):
        for ask in (classifier.classify, classifier.logits, classifier.embed):
            with pytest.raises(UsageError, match=r"light curves are needed, not a .*read_table"):
                ask(given)
    for given, told in (
        (None, "no classifier is named"),
        (classifier, "names no"),
        (3, "names no classifier"),
    ):
        with pytest.raises(UsageError, match=told):
            load(given)


def test_one_class_may_be_named_without_a_list(classifier, many: LightCurves) -> None:
    assert classifier.classify(many, classes="SN Ia").classes == ("SN Ia", "other")


def test_a_stream_answers_on_the_classes_and_priors_asked_for(classifier) -> None:
    light = LightCurves.from_columns(
        object_id=["a"],
        time=[59_000.0],
        passband=["g"],
        flux=[9e3],
        flux_err=[5e2],
        flux_unit="nJy",
        survey="ZTF",
    )
    asked = {"classes": ["SN Ia", "TDE"], "priors": "flat"}
    state = classifier.start(survey="ZTF", **asked)
    _, p = classifier.step(state, Observation(59_000.0, "g", 9e3, 5e2))
    np.testing.assert_allclose(p, classifier.classify(light, **asked).final()[0], atol=1e-6)


def test_a_stream_has_no_answer_before_the_first_detection(classifier) -> None:
    state = classifier.start({"redshift": 0.1}, survey="ZTF")
    state, p = classifier.step(state, Observation(59_000.0, "g", 10.0, 500.0))
    assert p is None
    state, p = classifier.step(state, Observation(59_001.0, "g", 9_000.0, 500.0))
    assert p is not None and p.sum() == pytest.approx(1.0)
    _, again = classifier.step(state, Observation(59_002.0, "g", 10.0, 500.0))
    assert np.array_equal(p, again)


def test_a_stream_needs_its_survey_where_there_are_several(classifier) -> None:
    with pytest.raises(UsageError, match="survey"):
        classifier.start()


def test_embeddings_are_of_the_whole_light_curve(classifier, many: LightCurves) -> None:
    embedding = classifier.embed(many)
    none = np.isnan(classifier.classify(many).final()).any(axis=1)
    assert np.array_equal(np.isnan(embedding).any(axis=1), none)
    assert np.array_equal(classifier.embed(many[3:5]), embedding[3:5], equal_nan=True)


def test_logits_come_with_their_sequences(classifier, many: LightCurves) -> None:
    sequences, logits = classifier.logits(many)
    p = classifier.calibration.apply(logits, sequences.n_detections, classifier.classes)
    answers = classifier.classify(many).probabilities
    np.testing.assert_allclose(p[sequences.issued], answers[sequences.row[sequences.issued]], atol=1e-6)


def test_classify_takes_a_path_a_name_or_a_classifier(classifier, fixtures: Path, many: LightCurves) -> None:
    one, other = classify(many, fixtures / "format-1"), classify(many, classifier)
    assert np.array_equal(one.probabilities, other.probabilities, equal_nan=True)


def test_unknown_classifiers_are_named_with_the_nearest(fixtures: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"format-2.*Did you mean '.*format-1'"):
        load(fixtures / "format-2")
    with pytest.raises(UnknownNameError, match="unknown classifier 'zzttff'"):
        load("zzttff")
    assert list(classifiers()) == sorted(classifiers())


def test_flags_say_why_there_is_no_answer(classifier) -> None:
    light = LightCurves.from_columns(
        object_id=["weak", "missing flux", "fine"],
        time=[59_000.0] * 3,
        passband=["g"] * 3,
        flux=[10.0, np.nan, 9_000.0],
        flux_err=[500.0] * 3,
        flux_unit="nJy",
        survey="ZTF",
    )
    answers = classifier.classify(light)
    assert answers.object_id == ["weak", "missing flux", "fine"]
    assert answers.flags[0] & Flag.NO_DETECTION and answers.flags[1] & Flag.NO_DATA
    assert answers.flags[2] == 0
    assert np.isnan(answers.final()).all(axis=1).tolist() == [True, True, False]


def test_repr_and_card_tell_what_it_is(classifier, many: LightCurves) -> None:
    assert "SLSN-I" in repr(classifier) and classifier.card.startswith("# ")
    assert "30 objects" in repr(classifier.classify(many))
