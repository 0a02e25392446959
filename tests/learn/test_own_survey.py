"""A classifier of a user's own survey holds the facts of its passbands."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from firstlight import facts
from firstlight.classifier import Classifier, load
from firstlight.classifier.checkpoint import Checkpoint
from firstlight.errors import DataError
from firstlight.learn import fine_tune, pretrain
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Observation

SURVEY = {
    "name": "Hilltop",
    "passbands": {
        "w": {"wavelength_um": 0.61, "width_um": 0.35, "depth": 20.5},
        "b": {"wavelength_um": 0.45, "width_um": 0.1, "depth": 20.0},
    },
}


OTHER = {**SURVEY, "passbands": {"w": {"wavelength_um": 0.7, "width_um": 0.35, "depth": 20.5}}}


@pytest.fixture(scope="module")
def curves() -> LightCurves:
    random = np.random.default_rng(0)
    rows, objects = 12, 12
    return LightCurves.from_columns(
        object_id=np.repeat([f"o{k}" for k in range(objects)], rows),
        time=59_000 + np.tile(np.arange(rows) * 3.0, objects),
        passband=np.tile(["w", "b"], rows * objects // 2),
        flux=random.lognormal(11, 0.3, rows * objects),
        flux_err=np.full(rows * objects, 1_000.0),
        flux_unit="nJy",
        survey=facts.survey(SURVEY),
        objects={
            "object_id": [f"o{k}" for k in range(objects)],
            "label": ["SN Ia", "SN II"] * (objects // 2),
        },
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, curves: LightCurves) -> Path:
    out = tmp_path_factory.mktemp("own") / "hilltop"
    pretrain(curves, sizes={"hidden": 4, "width": 4, "embedding": 4}, epochs=1, validation=0.0, out=out)
    return out


def test_it_loads_where_the_survey_was_never_mentioned(path: Path) -> None:
    code = f"import firstlight as fl; c = fl.load({str(path)!r}); print(c.surveys, c.passbands[0].name)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "('Hilltop',) Hilltop-b", done.stderr


def test_its_config_holds_all_passbands_of_the_survey(path: Path, curves: LightCurves) -> None:
    config = json.loads((path / "config.json").read_text())
    assert facts.survey(config["own_surveys"][0]) == facts.survey(SURVEY)
    assert config["passbands"] == ["Hilltop-b", "Hilltop-w"]
    assert load(path).own_surveys == (facts.survey(SURVEY),)


def test_a_checkpoint_that_names_passbands_only_still_loads(path: Path) -> None:
    whole = load(path)
    config = dict(whole.checkpoint.config)
    config["preparation"] = {**config["preparation"], "passbands": ["Hilltop-b", "Hilltop-w"]}
    parts = {"weights": whole.checkpoint.weights, "onnx": whole.checkpoint.onnx, "card": whole.card}
    older = Classifier(Checkpoint.build(config=config, **parts))
    assert older.preparation == whole.preparation


def test_its_numbers_are_those_of_training_whatever_else_bears_the_name(
    path: Path, curves: LightCurves
) -> None:
    expected = load(path).classify(curves).probabilities
    facts.survey(OTHER)
    classifier = load(path)
    assert classifier.passbands == tuple(sorted(facts.survey(SURVEY).passbands, key=lambda one: one.name))
    assert np.array_equal(classifier.classify(curves).probabilities, expected, equal_nan=True)


def test_another_survey_of_that_name_is_not_trained_on_beside_it(path: Path, curves: LightCurves) -> None:
    other = dataclasses.replace(curves, bands=(*facts.survey(OTHER).passbands, curves.bands[1]))
    with pytest.raises(DataError, match="two surveys are called 'Hilltop'"):
        fine_tune(load(path), other, epochs=1)


def test_a_stream_names_the_survey_as_training_did(path: Path) -> None:
    classifier = load(path)
    one = Observation(59_000.0, "w", 60_000.0, 1_000.0)
    for survey in (None, "Hilltop", "hilltop", facts.survey(SURVEY)):
        assert classifier.step(classifier.start(survey=survey), one)[1] is not None
