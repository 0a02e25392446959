"""One observation after the other, of one object and of many: the same answers, and small states."""

import pickle

import numpy as np
import pytest

from firstlight.classifier import Classifier, StreamState, classifiers, load
from firstlight.errors import DataError, UsageError
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Observation

COARSE = {"classes": ["SN Ia", "SN II"], "priors": {"SN Ia": 0.3, "SN II": 0.7}}


def observed(curves: LightCurves, row: int) -> Observation:
    return Observation(
        time=curves.time[row],
        passband=curves.passbands[curves.passband[row]],
        flux=curves.flux[row],
        flux_err=curves.flux_err[row],
        detected=bool(curves.detected[row]),
        limit=curves.limit[row],
    )


def begun(classifier: Classifier, curves: LightCurves, asked: list[dict]) -> list[StreamState]:
    redshift = curves.column("redshift")
    return [
        classifier.start({"redshift": redshift[k]}, survey="ZTF", **asked[k % len(asked)])
        for k in range(len(curves))
    ]


def alone(classifier: Classifier, curves: LightCurves, asked: list[dict]) -> list[list[StreamState]]:
    found = []
    for k, state in enumerate(begun(classifier, curves, asked)):
        found.append([state])
        for row in range(curves.offsets[k], curves.offsets[k + 1]):
            found[k].append(classifier.step(found[k][-1], observed(curves, row))[0])
    return found


def at_once(classifier: Classifier, curves: LightCurves, asked: list[dict]) -> list[list[StreamState]]:
    found = [[state] for state in begun(classifier, curves, asked)]
    lengths = np.diff(curves.offsets)
    for turn in range(lengths.max()):
        going = np.flatnonzero(lengths > turn)
        rows = [observed(curves, curves.offsets[k] + turn) for k in going]
        for k, state in zip(going, classifier.step_many([found[k][-1] for k in going], rows), strict=True):
            found[k].append(state)
    return found


def identical(one: StreamState, other: StreamState) -> bool:
    """To the last bit."""
    return all(
        np.array_equal(getattr(one, name), getattr(other, name))
        if isinstance(getattr(one, name), np.ndarray)
        else getattr(one, name) == getattr(other, name)
        for name in ("hidden", "probabilities", "stated", "question", "n_detections")
    ) and (one.novelty == pytest.approx(other.novelty, abs=1e-6))


@pytest.mark.parametrize("name", ["format-1", "format-1-reference", *classifiers()])
def test_many_objects_at_once_are_each_alone_to_the_last_bit(fixtures, many: LightCurves, name: str) -> None:
    """Whatever each of them asks, and however many rows a trigger brings."""
    classifier = load(fixtures / name if name.startswith("format") else name)
    novel = [{"novelty": True}] if classifier.trust else []
    asked = [{}, COARSE, {"priors": "flat"}, *novel]
    for one, other in zip(alone(classifier, many, asked), at_once(classifier, many, asked), strict=True):
        assert all(identical(*pair) for pair in zip(one, other, strict=True))


def test_a_stream_ends_where_the_table_does_to_the_last_bit(
    classifier: Classifier, many: LightCurves
) -> None:
    final = classifier.classify(many).final()
    for states, expected in zip(at_once(classifier, many, [{}]), final, strict=True):
        found = states[-1].probabilities
        assert np.isnan(expected).all() if found is None else np.array_equal(found, expected)


def test_one_call_of_the_network_answers_for_all(
    classifier: Classifier, many: LightCurves, monkeypatch
) -> None:
    calls = []
    steps = classifier._network.steps
    monkeypatch.setattr(
        classifier._network, "steps", lambda *a, **o: calls.append(len(a[0])) or steps(*a, **o)
    )
    some = many[np.diff(many.offsets) > 0]
    states = begun(classifier, some, [{}, {"priors": "flat"}])
    classifier.step_many(states, [Observation(59_000.0, "g", 9e5, 1e3) for _ in states])
    assert calls == [len(states)]


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


def test_no_state_moves_when_one_observation_comes_too_late(classifier: Classifier) -> None:
    late, fresh = classifier.start(survey="ZTF"), classifier.start(survey="ZTF")
    late, _ = classifier.step(late, Observation(59_010.0, "g", 9e5, 1e3))
    with pytest.raises(DataError, match="belongs before"):
        classifier.step_many([fresh, late], [Observation(59_000.0, "g", 9e5, 1e3)] * 2)


def test_as_many_observations_as_states_are_needed(classifier: Classifier) -> None:
    with pytest.raises(UsageError, match="1 observations for 0 states"):
        classifier.step_many([], [Observation(59_000.0, "g", 9e5, 1e3)])
    assert classifier.step_many([], []) == []


def test_sets_before_an_answer_hold_every_class_and_the_old_way_says_the_new_one(classifier) -> None:
    state = classifier.start(survey="ZTF", classes=["SN Ia", "SN II"])
    assert classifier.sets(state).tolist() == [True, True]
    with pytest.raises(UsageError, match=r"classifier\.sets\(state, 0\.9\)"):
        state.sets()
    state, _ = classifier.step(state, Observation(59_000.0, "g", 9e5, 1e3))
    with pytest.raises(UsageError, match="no class sets"):
        classifier.sets(state)


@pytest.mark.parametrize("asked", [{"classes": ["SN Iaa"]}, {"priors": "nature"}, {"priors": {"SN Ia": 1.0}}])
def test_what_cannot_be_asked_is_refused_at_the_start(classifier: Classifier, asked: dict) -> None:
    with pytest.raises((UsageError, LookupError)):
        classifier.start(survey="ZTF", **asked)
