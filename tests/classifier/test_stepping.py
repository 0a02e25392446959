"""One observation after the other, of one object and of many: the same answers, and small states."""

import pickle
from itertools import pairwise

import numpy as np
import pytest

from firstlight.classifier import Classifier, StreamState, classifiers, load
from firstlight.errors import DataError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Observation

COARSE = {"classes": ["SN Ia", "SN II"], "priors": {"SN Ia": 0.3, "SN II": 0.6, "other": 0.1}}
NAMES = ("redshift", "mwebv", "trigger_mjd")


def alone(classifier: Classifier, curves: LightCurves, k: int, rows: int, **asked) -> StreamState:
    """The state of object k after so many of its observations, one by one."""
    state = classifier.start({name: curves.column(name)[k] for name in NAMES}, survey="ZTF", **asked)
    for row in range(curves.offsets[k], curves.offsets[k] + rows):
        one = Observation(
            time=curves.time[row],
            passband=curves.passbands[curves.passband[row]],
            flux=curves.flux[row],
            flux_err=curves.flux_err[row],
            detected=bool(curves.detected[row]),
            limit=curves.limit[row],
        )
        state, _ = classifier.step(state, one)
    return state


def delivered(curves: LightCurves, parts: int = 4) -> list[LightCurves]:
    """The light curves in so many deliveries, each of them cut anywhere."""
    random = np.random.default_rng(3)
    turn = np.concatenate([np.sort(random.integers(0, parts, size)) for size in curves.n_observations])
    return [curves.where(turn == k) for k in range(parts)]


@pytest.mark.parametrize("asked", [{}, COARSE, {"priors": "flat"}, {"novelty": True}])
@pytest.mark.parametrize("name", ["format-1", "format-1-reference", *classifiers()])
def test_many_objects_at_once_are_each_alone_to_the_last_bit(
    fixtures, many: LightCurves, name: str, asked
) -> None:
    """Whatever is asked, however many rows a trigger brings, and however the observations are delivered."""
    classifier = load(fixtures / name if name.startswith("format") else name)
    if "novelty" in asked and classifier.trust is None:
        pytest.skip("the classifier cannot say how novel a light curve is")
    states, taken = classifier.start_many(many, **asked), np.zeros(len(many), int)
    for part in delivered(many):
        states, probabilities, late = classifier.step_many(states, part)
        taken += part.n_observations
        assert not late.any()
        sets = None if classifier.trust is None else classifier.sets(states, 0.8)
        for k, rows in enumerate(taken):
            one = alone(classifier, many, k, rows, **asked)
            assert np.array_equal(states.hidden[:, k], one.hidden[:, 0])
            nothing = np.full(probabilities.shape[1], np.nan)
            expected = nothing if one.probabilities is None else one.probabilities
            assert np.array_equal(probabilities[k], expected, equal_nan=True)
            if sets is not None:
                assert np.array_equal(sets[k], classifier.sets(one, 0.8))
            if states.novelty is not None:
                expected = np.nan if one.novelty is None else one.novelty
                assert states.novelty[k] == pytest.approx(expected, abs=1e-6, nan_ok=True)


@pytest.mark.parametrize("name", ["format-1", "ztf", "reference"])
def test_a_stream_ends_where_the_table_does_to_the_last_bit(fixtures, many: LightCurves, name: str) -> None:
    classifier = load(fixtures / name if name.startswith("format") else name)
    final, states = classifier.classify(many).final(), classifier.start_many(many)
    for part in delivered(many):
        states, found, _ = classifier.step_many(states, part)
    assert np.array_equal(found, final, equal_nan=True)


def test_one_call_of_the_network_answers_for_all(
    classifier: Classifier, many: LightCurves, monkeypatch
) -> None:
    session, calls = classifier._network._session, []

    class Counted:
        def run(self, names, feed):
            calls.append(feed["features"].shape)
            return session.run(names, feed)

    monkeypatch.setattr(classifier._network, "_session", Counted())
    some = many[np.diff(many.offsets) > 0]
    first = np.zeros(len(some.time), np.bool_)
    first[some.offsets[:-1]] = True
    found = classifier.step_many(classifier.start_many(some), some.where(first))
    assert len(calls) == 1 and calls[0][1] == 1
    assert np.isfinite(found.probabilities).all(axis=1).sum() == calls[0][0] > 5


def test_states_are_stored_as_bytes_and_go_on_from_there(many: LightCurves) -> None:
    classifier = load("ztf")
    first, second = delivered(many, 2)
    states = classifier.step_many(classifier.start_many(many, novelty=True), first).states
    stored = states.to_bytes()
    assert max(map(len, stored)) < 1_500
    again = classifier.states_of(stored, many.bands, novelty=True)
    pickled = pickle.loads(pickle.dumps(states))
    expected = classifier.step_many(states, second)
    for other in (again, pickled):
        found = classifier.step_many(other, second)
        assert np.array_equal(found.probabilities, expected.probabilities, equal_nan=True)
        assert np.array_equal(found.states.novelty, expected.states.novelty, equal_nan=True)
        assert found.states.to_bytes() == expected.states.to_bytes()


def test_bytes_of_another_question_classifier_or_length_are_refused(classifier, many: LightCurves) -> None:
    ztf = load("ztf")
    stored = ztf.start_many(many).to_bytes()
    for read in (
        lambda: ztf.states_of(stored, many.bands, novelty=True),
        lambda: classifier.states_of(stored, many.bands),
        lambda: ztf.states_of([one[:200] for one in stored], many.bands),
        lambda: ztf.states_of([b"\x01" + one[1:] for one in stored], many.bands),
        lambda: ztf.states_of([one[:-3] for one in stored], many.bands),
    ):
        with pytest.raises(DataError, match="state 0"):
            read()


def test_objects_are_taken_and_joined_as_columns(classifier: Classifier, many: LightCurves) -> None:
    first, second = delivered(many, 2)
    whole = classifier.step_many(classifier.start_many(many), first).states
    order = np.random.default_rng(0).permutation(len(many))
    parts = type(whole).concat([whole.take(order[:9]), whole.take(order[9:])])
    assert len(parts) == len(many) and len(whole.take(np.arange(len(many)) < 4)) == 4
    one = classifier.step_many(parts, second.take(order)).probabilities
    other = classifier.step_many(whole, second).probabilities
    assert np.array_equal(one, other[order], equal_nan=True)
    with pytest.raises(UsageError, match="the same was asked"):
        type(whole).concat([whole, classifier.start_many(many, priors="flat")])


def test_a_repeated_delivery_changes_nothing_and_a_late_one_is_named(
    classifier: Classifier, many: LightCurves
) -> None:
    first, second = delivered(many.where(many.detected & many.usable), 2)
    states = classifier.step_many(classifier.start_many(many), second).states
    again = classifier.step_many(states, first)
    assert len(again.late) == len(first.time)
    only_late = np.array([again.late[a:b].all() for a, b in pairwise(first.offsets)])
    assert only_late.sum() > 5
    assert np.array_equal(again.probabilities[only_late], states.probabilities[only_late], equal_nan=True)
    last = np.zeros(len(second.time), np.bool_)
    last[second.offsets[1:][second.n_observations > 0] - 1] = True
    repeated = classifier.step_many(states, second.where(last))
    assert not repeated.late.any()
    assert np.array_equal(repeated.probabilities, states.probabilities, equal_nan=True)


def test_a_state_is_small_and_holds_nothing_of_the_classifier(many: LightCurves) -> None:
    """Pickled, it goes on elsewhere to the same answers, sets and novelty."""
    classifier = load("ztf")
    state = classifier.start(survey="ZTF", novelty=True)
    for day in range(5):
        state, _ = classifier.step(state, Observation(59_000.0 + day, "g", 9e5, 1e3))
    data = pickle.dumps(state)
    assert len(data) < len(pickle.dumps(state.preparation)) + 1_500
    assert b"ClassSets" not in data and b"Novelty" not in data and b"Calibration" not in data
    other = pickle.loads(data)
    assert np.array_equal(classifier.sets(other, 0.9), classifier.sets(state, 0.9))
    one, p = classifier.step(state, Observation(59_009.0, "r", 9e5, 1e3))
    two, q = classifier.step(other, Observation(59_009.0, "r", 9e5, 1e3))
    assert np.array_equal(p, q) and one.novelty == two.novelty


def test_as_many_light_curves_as_states_are_needed(classifier: Classifier, many: LightCurves) -> None:
    with pytest.raises(UsageError, match="29 light curves for 30 states"):
        classifier.step_many(classifier.start_many(many), many[1:])
    with pytest.raises(UsageError, match="not a list"):
        classifier.step_many(classifier.start_many(many), [many[0]])
    nothing = classifier.start_many(many[:0])
    assert classifier.step_many(nothing, many[:0]).probabilities.shape == (0, len(classifier.classes))


def test_sets_before_an_answer_hold_every_class_and_the_old_way_says_the_new_one(classifier) -> None:
    state = classifier.start(survey="ZTF", classes=["SN Ia", "SN II"])
    assert classifier.sets(state).tolist() == [True, True, True]
    with pytest.raises(UsageError, match=r"classifier\.sets\(state, 0\.9\)"):
        state.sets()
    state, _ = classifier.step(state, Observation(59_000.0, "g", 9e5, 1e3))
    with pytest.raises(UsageError, match="no class sets"):
        classifier.sets(state)


@pytest.mark.parametrize("asked", [{"classes": ["SN Iaa"]}, {"priors": "nature"}, {"priors": {"SN Ia": 1.0}}])
def test_what_cannot_be_asked_is_refused_at_the_start(classifier: Classifier, asked: dict) -> None:
    with pytest.raises((UsageError, LookupError)):
        classifier.start(survey="ZTF", **asked)
