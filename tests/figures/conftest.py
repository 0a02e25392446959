"""One object with everything that the figure must show, and answers for it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from firstlight.lightcurves import LightCurves

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")

CLASSES = ("SN Ia", "SN II", "SN Ib/c", "SLSN-I", "TDE")


def make_curves():
    """Two limits and a weak point before the trigger, eight detections in g, r, i, one row without error."""
    time = 59000.0 + np.array([-20, -10, -5, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18])
    measured = [300, 5e3, 8e3, 1.2e4, 1.5e4, 1.4e4, 1.2e4, 9e3, 6e3, 7e3, -200.0]
    flux = np.array([np.nan, np.nan, *measured])
    error = np.where(np.isnan(flux), np.nan, 400.0)
    error[11] = 0.0
    return LightCurves.from_columns(
        object_id=np.array(["ZTF18abcdxyz"] * time.size),
        time=time,
        passband=np.array(list("grgrgrgrgrigr")),
        survey="ZTF",
        flux=flux,
        flux_err=error,
        limit=np.where(np.isnan(flux), 2500.0, np.nan),
        flux_unit="nJy",
        objects={
            "object_id": ["ZTF18abcdxyz"],
            "iau_name": ["SN2018xyz"],
            "redshift": [0.042],
            "label": ["SN Ia"],
        },
    )


def make_predictions(curves, classes=CLASSES):
    answers = np.zeros((curves.time.size, len(classes)), dtype=np.float32)
    used = curves.detected & curves.usable
    rank = np.cumsum(used)
    answers[:, 0] = 0.5 + 0.4 * rank / rank.max()
    answers[:, 1] = 0.97 - answers[:, 0]
    answers[:, 2:] = 0.03 / (len(classes) - 2)
    answers[rank == 0] = np.nan
    return SimpleNamespace(
        probabilities=answers,
        time=curves.time,
        offsets=curves.offsets,
        classes=tuple(classes),
        object_id=curves.object_id,
        n_detections=curves.per_object(used),
        classifier="ztf",
        version="1.0",
        hash="a81f3c0d9be2775f",
    )


@pytest.fixture
def curves():
    return make_curves()


@pytest.fixture
def predictions(curves):
    return make_predictions(curves)


@pytest.fixture(autouse=True)
def nothing_global_changes():
    """No figure touches rcParams or leaves a figure open that pyplot did not make for the caller."""
    import matplotlib.pyplot as plt

    before = matplotlib.rcParams.copy()
    yield
    assert matplotlib.rcParams == before
    plt.close("all")
