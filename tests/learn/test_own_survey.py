"""A classifier of a user's own survey holds the facts of its passbands."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from firstlight import facts
from firstlight.classifier import load
from firstlight.errors import CheckpointError
from firstlight.learn import pretrain
from firstlight.lightcurves import LightCurves

SURVEY = {
    "name": "Hilltop",
    "passbands": {
        "w": {"wavelength_um": 0.61, "width_um": 0.35, "depth": 20.5},
        "b": {"wavelength_um": 0.45, "width_um": 0.1, "depth": 20.0},
    },
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    random = np.random.default_rng(0)
    rows, objects = 12, 12
    curves = LightCurves.from_columns(
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
    out = tmp_path_factory.mktemp("own") / "hilltop"
    pretrain(curves, sizes={"hidden": 4, "width": 4, "embedding": 4}, epochs=1, validation=0.0, out=out)
    return out


def test_it_loads_where_the_survey_was_never_mentioned(path: Path) -> None:
    code = f"import firstlight as fl; c = fl.load({str(path)!r}); print(c.surveys, fl.surveys()[-1])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "('Hilltop',) Hilltop", done.stderr


def test_another_survey_of_that_name_is_refused(path: Path) -> None:
    other = {**SURVEY, "passbands": {"w": {"wavelength_um": 0.7, "width_um": 0.35, "depth": 20.5}}}
    facts.survey(other)
    try:
        with pytest.raises(CheckpointError, match="other numbers here than in training"):
            load(path)
    finally:
        facts.survey(SURVEY)
