"""A long table of two objects, and the columns of the test kit's bump, as files and tables."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from firstlight.lightcurves import LightCurves


def long_columns(objects: int = 3, rows: int = 20, seed: int = 1) -> dict[str, Any]:
    """Columns of a long table in the project's own spelling, fluxes in FLUXCAL."""
    random = np.random.default_rng(seed)
    time = np.sort(random.uniform(59_000.0, 59_100.0, (objects, rows)), axis=1).ravel()
    peak = 300.0 * np.exp(-0.5 * ((time - 59_040.0) / 15.0) ** 2)
    return {
        "object_id": np.repeat([f"SN{k}" for k in range(objects)], rows),
        "mjd": time,
        "band": np.where(np.arange(objects * rows) % 2 == 0, "g", "r"),
        "flux": peak + random.normal(0.0, 5.0, objects * rows),
        "flux_err": np.full(objects * rows, 5.0),
    }


def _same(one: LightCurves, other: LightCurves, tolerance: float = 1e-9) -> bool:
    return (
        one.object_id == other.object_id
        and np.array_equal(one.passband, other.passband)
        and np.allclose(one.time, other.time, atol=1e-8, rtol=0)
        and np.allclose(one.flux, other.flux, rtol=tolerance)
        and np.allclose(one.flux_err, other.flux_err, rtol=tolerance)
        and np.array_equal(one.detected, other.detected)
    )


@pytest.fixture(scope="session")
def same() -> Callable[..., bool]:
    """Whether two light curves hold the same objects and observations, to rounding."""
    return _same


@pytest.fixture
def table() -> pa.Table:
    """Three objects of twenty rows each."""
    return pa.table(long_columns())


@pytest.fixture
def formats(shared: Path) -> Path:
    """The folder of real samples of the formats."""
    return shared / "data" / "formats"


@pytest.fixture
def long() -> pa.Table:
    """Thirty objects of forty rows each."""
    return pa.table(long_columns(objects=30, rows=40))
