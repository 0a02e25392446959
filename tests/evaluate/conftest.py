"""A small population of made-up light curves of three classes that differ in width and colour."""

from __future__ import annotations

import numpy as np
import pytest

from firstlight.lightcurves import LightCurves

SHAPES = {"SN Ia": (12.0, 0.0), "SN II": (40.0, 0.3), "SLSN-I": (60.0, -0.5)}  # width in days, g - r


def make_population(n=90, seed=0, survey="ZTF", bands="gr", detections_only=True):
    rng = np.random.default_rng(seed)
    labels = np.array(list(SHAPES))[np.arange(n) % 3]
    columns = {name: [] for name in ("object_id", "time", "passband", "flux", "flux_err")}
    for index, label in enumerate(labels):
        width, colour = SHAPES[label]
        time = np.sort(rng.uniform(0, 150, rng.integers(25, 40)))
        band = rng.choice(list(bands), time.size)
        peak = 3e5 * 10 ** (-0.4 * rng.normal(0, 0.4)) * 10 ** (0.2 * colour * np.where(band == "r", 1, -1))
        flux = peak * np.exp(-0.5 * ((time - 40) / width) ** 2) + rng.normal(0, 2e3, time.size)
        keep = (flux > 1e4) if detections_only else np.ones(time.size, bool)
        columns["object_id"] += [f"obj{index:03d}"] * keep.sum()
        columns["time"] += (59000 + time[keep]).tolist()
        columns["passband"] += band[keep].tolist()
        columns["flux"] += flux[keep].tolist()
        columns["flux_err"] += [2e3] * keep.sum()
    objects = {"object_id": [f"obj{i:03d}" for i in range(n)], "label": labels.tolist()}
    return LightCurves.from_columns(
        **{key: np.array(value) for key, value in columns.items()},
        survey=survey,
        flux_unit="nJy",
        objects=objects,
    )


@pytest.fixture(scope="session")
def population():
    return make_population
