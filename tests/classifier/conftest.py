"""The checkpoint fixtures, and light curves to ask them about."""

import json
from pathlib import Path

import numpy as np
import pytest

from firstlight.classifier import Classifier, load
from firstlight.lightcurves import LightCurves

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture(scope="session")
def fixtures() -> Path:
    return FIXTURES


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    return load(FIXTURES / "format-1")


@pytest.fixture
def saved(tmp_path: Path, classifier: Classifier) -> Path:
    """A copy of the fixture that a test may damage."""
    return classifier.save(tmp_path / "saved")


@pytest.fixture(scope="session")
def many() -> LightCurves:
    """Thirty objects of 0 to 40 observations, detections, weak points and limits, over a year and a half."""
    random = np.random.default_rng(3)
    lengths = random.integers(0, 40, 30)
    size = int(lengths.sum())
    error = random.lognormal(7.0, 0.4, size)
    flux = random.lognormal(9.0, 1.3, size) * np.where(random.random(size) < 0.1, -1.0, 1.0)
    limited = random.random(size) < 0.2
    ids = [f"object {k}" for k in range(30)]
    return LightCurves.from_columns(
        object_id=np.repeat(ids, lengths),
        time=59_000.0 + random.uniform(0.0, 500.0, size),
        passband=random.choice(["g", "r", "i"], size),
        flux=np.where(limited, np.nan, flux),
        flux_err=np.where(limited, np.nan, error),
        limit=np.where(limited, 5.0 * error, np.nan),
        flux_unit="nJy",
        survey="ZTF",
        objects={"object_id": ids, "redshift": np.where(random.random(30) < 0.5, 0.1, np.nan)},
    )


@pytest.fixture(scope="session")
def golden_curves() -> LightCurves:
    """The light curves whose answers stand in ``golden.json``."""
    return LightCurves.from_columns(**json.loads((FIXTURES / "golden_curves.json").read_text()))
