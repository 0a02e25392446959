"""Small labelled light curves and small networks: everything here trains in well under a second."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
import torch

from firstlight.classifier import Classifier
from firstlight.learn import pretrain
from firstlight.lightcurves import LightCurves

CLASSES = ("SN Ia", "SN II", "TDE")


def labelled(
    n: int = 36, seed: int = 0, classes: tuple[str, ...] = CLASSES, trigger: bool = False
) -> LightCurves:
    """Objects whose class shows in how fast they fade and in their colour."""
    rng = np.random.default_rng(seed)
    columns: dict[str, list[object]] = {
        "object_id": [],
        "time": [],
        "passband": [],
        "flux": [],
        "flux_err": [],
    }
    names, triggers = [], []
    for k in range(n):
        kind = k % len(classes)
        rows = int(rng.integers(4, 13))
        start = 59000 + rng.uniform(0, 300)
        days = np.sort(rng.uniform(0, 60, rows))
        band = rng.integers(0, 2, rows)
        flux = 20_000 * np.exp(-days / (15 + 25 * kind)) * np.where(band, 1 + kind, 2) * rng.uniform(0.7, 1.4)
        error = 0.03 * flux + 50
        columns["object_id"] += [f"o{seed}-{k}"] * rows
        columns["time"] += list(start + days)
        columns["passband"] += ["gr"[b] for b in band]
        columns["flux"] += list(flux + rng.normal(size=rows) * error * 0.3)
        columns["flux_err"] += list(error)
        names.append(f"o{seed}-{k}")
        triggers.append(start + days[0])
    objects = {
        "object_id": names,
        "label": [classes[k % len(classes)] for k in range(n)],
        "mwebv": list(rng.uniform(0.01, 0.1, n)),
    }
    if trigger:
        objects["trigger_mjd"] = triggers
    return LightCurves.from_columns(**columns, survey="ZTF", flux_unit="nJy", objects=pa.table(objects))


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def curves() -> LightCurves:
    return labelled()


SMALL = {"hidden": 8, "width": 6, "embedding": 5}


@pytest.fixture(scope="session")
def small(curves: LightCurves) -> Classifier:
    """A small classifier of the default preset."""
    return pretrain(curves, sizes=SMALL, epochs=2, validation=0.0, name="small")
