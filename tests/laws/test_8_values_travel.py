"""Law 8: every public value pickles and copies, and answers the same in a process that never saw it made."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import inspect
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import firstlight as fl
from firstlight.lightcurves import Flag

ROOMS = (
    "classifier",
    "evaluate",
    "facts",
    "figures",
    "learn",
    "lightcurves",
    "preparation",
    "readers",
    "simulate",
)
OWN = {"name": "Hilltop", "passbands": {"w": {"wavelength_um": 0.61, "width_um": 0.35, "depth": 20.5}}}


@cache
def light(survey: str = "ZTF", objects: int = 5) -> fl.LightCurves:
    """Objects of which two have a label."""
    names = [f"object {k}" for k in range(objects)]
    given: Any = OWN if survey == "Hilltop" else survey
    bands = "ww" if survey == "Hilltop" else "gr"
    return fl.LightCurves.from_columns(
        object_id=np.repeat(names, 8),
        time=59_000.0 + np.tile(np.arange(8) * 2.5, objects),
        passband=[bands[k % 2] for k in range(8 * objects)],
        flux=np.outer(1.0 + np.arange(objects) % 4, 9_000 + 4_000 * np.sin(np.arange(8) / 2.5)).ravel(),
        flux_err=np.full(8 * objects, 400.0),
        flux_unit="nJy",
        survey=given,
        objects={
            "object_id": names,
            "label": ["SN Ia", "SN II"] + [None] * (objects - 2),
            "redshift": [0.1, np.nan, 0.3, np.nan, 0.05] + [np.nan] * (objects - 5),
        },
    )


@cache
def classifier(name: str = "ztf") -> fl.Classifier:
    if name != "tuned":
        return fl.load(name)
    pytest.importorskip("torch")
    whole = light("Hilltop", 12).with_labels(["SN Ia", "SN II"] * 6)
    sizes = {"hidden": 4, "width": 4, "embedding": 4}
    base = fl.pretrain(whole, sizes=sizes, epochs=1, validation=0.0, calibration_folds=2)
    return fl.fine_tune(base, whole, strategy="full", epochs=1)


def state(name: str, survey: str, seen: int) -> Any:
    """Where the classifier stands after the first observations of an object."""
    now = classifier(name).start({"redshift": 0.1}, survey=fl.survey(OWN if survey == "Hilltop" else survey))
    for one in observations(survey)[:seen]:
        now, _ = classifier(name).step(now, one)
    return now


def observations(survey: str) -> list[fl.Observation]:
    curves = light(survey)
    return [
        fl.Observation(
            curves.time[k], curves.passbands[curves.passband[k]], curves.flux[k], curves.flux_err[k]
        )
        for k in range(8)
    ]


def evaluation() -> Any:
    from firstlight.evaluate import evaluate

    return evaluate(classifier=classifier(), curves=fl.sample("ztf"), resamples=5)


def visits() -> Any:
    return fl.simulate("LSST", {"TDE": 1}, seed=1)


# How each value is made, and what it answers: arrays, tables, texts and plain values.
VALUES: dict[str, tuple[Callable[[], Any], Callable[[Any], Any]]] = {
    "light curves": (light, lambda one: one.to_arrow()),
    "light curves of an own survey": (lambda: light("Hilltop"), lambda one: [one.to_arrow(), one.passbands]),
    "a part of light curves": (lambda: light()[1:3].until(detections=3), lambda one: one.to_arrow()),
    "simulated light curves": (visits, lambda one: one.to_arrow()),
    "a survey": (lambda: fl.survey("LSST"), lambda one: [band.name for band in one.passbands]),
    "an own survey": (lambda: fl.survey(OWN), lambda one: one.passbands[0].wavelength_um),
    "a passband": (lambda: fl.survey("ZTF").passbands[0], lambda one: [one.name, one.depth]),
    "a class tree": (fl.class_tree, lambda tree: [tree.canonical("SNIa"), tree.names]),
    "a preparation": (fl.Preparation, lambda one: one(light()).features),
    "sequences": (lambda: fl.Preparation()(light()), lambda one: [one.features, one.context, one.offsets]),
    "a classifier": (classifier, lambda one: one.classify(light()).probabilities),
    "predictions": (
        lambda: classifier().classify(light(), novelty=True),
        lambda one: [one.to_arrow(every_observation=True, sets=0.9), one.at(detections=3), one.flags],
    ),
    "predictions of other classes": (
        lambda: classifier().classify(light(), classes=["SN", "TDE"], priors="flat"),
        lambda one: [one.final(), one.classes, one.sets(0.8)],
    ),
    "suggestions": (
        lambda: fl.suggest(curves=light(), classifier=classifier(), number=2),
        lambda one: [one.to_arrow(), one.left_out],
    ),
    "an observation": (lambda: observations("ZTF")[0], lambda one: [one.time, one.passband, one.flux]),
    "a state before the first observation": (
        lambda: state("ztf", "ZTF", 0),
        lambda one: answers("ztf", "ZTF", one, 0),
    ),
    "a state amid a stream": (lambda: state("ztf", "ZTF", 5), lambda one: answers("ztf", "ZTF", one, 5)),
    "an evaluation": (evaluation, lambda one: repr(one)),
    "a flag": (lambda: Flag(3), lambda one: [int(one), one.name]),
}


def answers(name: str, survey: str, start: Any, seen: int) -> list[Any]:
    """What is answered after each of the remaining observations."""
    found, now = [], start
    for one in observations(survey)[seen:]:
        now, p = classifier(name).step(now, one)
        found.append(np.zeros(0) if p is None else p)
    return found


def alike(one: Any, other: Any) -> bool:
    if isinstance(one, pa.Table):
        return bool(one.schema.equals(other.schema)) and repr(one.to_pylist()) == repr(other.to_pylist())
    if isinstance(one, np.ndarray):
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return bool(one == other)


ELSEWHERE = """
import importlib.util, pickle, sys
spec = importlib.util.spec_from_file_location("values", sys.argv[1])
values = importlib.util.module_from_spec(spec)
sys.modules["values"] = values
spec.loader.exec_module(values)
sent = pickle.load(sys.stdin.buffer)
found = {}
for name, data in sent.items():
    found[name] = values.VALUES[name][1](pickle.loads(data))
sys.stdout.buffer.write(pickle.dumps(found))
"""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What all values answer in one fresh process, in another folder."""
    sent = {name: pickle.dumps(make()) for name, (make, _) in VALUES.items()}
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, str(Path(__file__).resolve())],
        input=pickle.dumps(sent),
        capture_output=True,
        cwd=tmp_path_factory.mktemp("elsewhere"),
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = pickle.loads(done.stdout)
    return found


@pytest.mark.parametrize("name", VALUES)
def test_a_value_answers_the_same_in_another_process(name: str, elsewhere: dict[str, Any]) -> None:
    make, answer = VALUES[name]
    assert alike(answer(make()), elsewhere[name])


@pytest.mark.parametrize("name", VALUES)
def test_copies_answer_as_the_value_itself(name: str) -> None:
    make, answer = VALUES[name]
    value = make()
    expected = answer(value)
    for other in (
        copy.copy(value),
        copy.deepcopy(value),
        pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(value)))),
    ):
        assert type(other) is type(value)
        assert alike(answer(other), expected)


def test_a_classifier_that_was_trained_here_travels_with_its_own_survey() -> None:
    """Nobody there knows the survey, and there is no folder to load from."""
    one = classifier("tuned")
    expected = [one.classify(light("Hilltop")).probabilities, one.surveys]
    code = (
        "import pickle, sys\n"
        "one, curves = pickle.load(sys.stdin.buffer)\n"
        "sys.stdout.buffer.write(pickle.dumps([one.classify(curves).probabilities, one.surveys]))\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps((one, light("Hilltop"))),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert alike(pickle.loads(done.stdout), expected)


@pytest.mark.parametrize("room", ROOMS)
def test_public_classes_can_be_found_by_whoever_unpickles_them(room: str) -> None:
    if room == "learn":
        pytest.importorskip("torch")
    if room == "figures":
        pytest.importorskip("matplotlib")
    module = importlib.import_module(f"firstlight.{room}")
    classes = [one for name in module.__all__ if inspect.isclass(one := getattr(module, name))]
    for one in classes:
        assert pickle.loads(pickle.dumps(one)) is one
        assert one.__module__.startswith("firstlight.")


@pytest.mark.parametrize("name", ["light curves", "predictions", "a preparation", "a survey", "sequences"])
def test_values_are_frozen(name: str) -> None:
    value = VALUES[name][0]()
    field = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, None)


def test_threads_that_share_a_classifier_do_not_know_of_each_other() -> None:
    """Each classifies its own light curves and streams, all at once."""
    model, surveys = classifier(), ("ZTF", "LSST", "Pan-STARRS")
    expected = {survey: model.classify(light(survey)).probabilities for survey in surveys}
    wrong: list[str] = []

    def work(survey: str) -> None:
        for _ in range(5):
            if not np.array_equal(
                model.classify(light(survey)).probabilities, expected[survey], equal_nan=True
            ):
                wrong.append(survey)
            streamed = answers("ztf", survey, state("ztf", survey, 0), 0)
            last = expected[survey][7]
            if not np.allclose(streamed[-1], last, rtol=0.0, atol=1e-6, equal_nan=True):
                wrong.append(f"{survey}, in steps")

    # As in the table, the object of the stream has the redshift 0.1.
    threads = [threading.Thread(target=work, args=(survey,)) for survey in surveys * 2]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert wrong == []
