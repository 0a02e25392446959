"""What comes with the package: real light curves with their origin, and simulated ones that say so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import firstlight as fl
from firstlight.readers import samples


def test_there_is_a_sample_of_each_survey_of_the_packaged_classifiers() -> None:
    assert set(samples()) == {"ztf", "lsst"}
    assert all(path.stat().st_size < 200_000 for path in samples().values())


def test_the_sample_of_lsst_tells_real_objects_from_simulated_ones() -> None:
    curves = fl.sample("lsst")
    simulated = np.array([name.startswith("simulated ") for name in curves.object_id])
    label = curves.column("label")
    assert (~simulated).sum() == 5 and simulated.sum() == 9
    table = pq.read_table(samples()["lsst"], columns=["object_id", "origin"])
    origin = dict(zip(*(column.to_pylist() for column in table.columns), strict=True))
    for name, real in zip(curves.object_id, ~simulated, strict=True):
        assert ("Rubin alert" in origin[name]) == real and ("simulated" in origin[name]) != real
    assert set(label[~simulated]) == {None} and None not in set(label[simulated])
    assert set(curves.column("survey")) == {"LSST"}
    assert (curves.per_object(curves.detected & curves.usable) > 0).all()


def test_what_is_real_may_be_passed_on() -> None:
    root = Path(__file__).parents[2]
    assert "fink-tutorials" in (root / "NOTICE").read_text()
    licence = (samples()["lsst"].parent / "APACHE-2.0.txt").read_text()
    assert "Apache License" in licence and "Version 2.0, January 2004" in licence


def test_the_classifier_of_lsst_answers_the_sample_and_its_figure_says_what_is_simulated() -> None:
    predictions = fl.load("lsst").classify(fl.sample("lsst"))
    assert np.isfinite(predictions.final()).all()
    pytest.importorskip("matplotlib").use("agg")
    import matplotlib.pyplot as plt

    titles = [panel.get_title(loc="left") for panel in predictions.plot(most=14)]
    assert sum("simulated" in title for title in titles) == 9
    assert not any("spectrum" in title for title in titles)
    plt.close("all")
