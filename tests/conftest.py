"""Fixtures of every room: the folder of shared data, and the light curve that relations are tested on."""

import os
from pathlib import Path

import numpy as np
import pytest

from firstlight.lightcurves import LightCurves


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data: $FIRSTLIGHT_SHARED, or `shared` beside the project; skips without it."""
    folder = Path(os.environ.get("FIRSTLIGHT_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data at {folder}: set FIRSTLIGHT_SHARED to the folder that holds 'data'")
    return folder


def bump_columns(rows: int = 60, seed: int = 1) -> dict[str, np.ndarray]:
    """Columns of the base light curve in FLUXCAL: peak 300 at day 40, sigma 15 d, errors 5, bands g, r."""
    random = np.random.default_rng(seed)
    time = 59_000.0 + np.sort(random.uniform(0.0, 100.0, rows))
    error = np.full(rows, 5.0)
    flux = 300.0 * np.exp(-0.5 * ((time - 59_040.0) / 15.0) ** 2) + random.normal(0.0, error)
    band = np.where(np.arange(rows) % 2 == 0, "g", "r")
    return {
        "object_id": np.full(rows, "bump"),
        "time": time,
        "passband": band,
        "flux": flux,
        "flux_err": error,
    }


@pytest.fixture
def bump() -> LightCurves:
    """One object, 60 rows over 100 days in ZTF g and r: a Gaussian bump of 10,892 nJy, errors 182 nJy."""
    return LightCurves.from_columns(**bump_columns(), survey="ZTF", flux_unit="FLUXCAL")
