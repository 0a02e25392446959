"""Simulated light curves as anybody gets them: the same again, as a survey sees them, and of use."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import firstlight as fl
from firstlight.errors import FirstlightError

CLASSES = {"TDE": 6, "SLSN-I": 5, "AGN": 4}
SCOPE = {
    "name": "Scope",
    "time_scale": "utc",
    "time_reference": "start",
    "passbands": {
        "w": {"wavelength_um": 0.62, "width_um": 0.13, "extinction": 2.5, "depth": 22.0},
        "b": {"wavelength_um": 0.48, "width_um": 0.13, "extinction": 3.7, "depth": 22.0},
    },
}


@cache
def simulated(survey: str, seed: int = 3) -> fl.LightCurves:
    return fl.simulate(survey, CLASSES, seed=seed)


@pytest.fixture(params=["ZTF", "LSST"])
def curves(request: pytest.FixtureRequest) -> fl.LightCurves:
    return simulated(request.param)


def log(folder: Path, rows: int = 4_000, seed: int = 0) -> Path:
    """A visit log of a small field over two years."""
    random = np.random.default_rng(seed)
    table = pa.table(
        {
            "mjd": np.sort(random.uniform(60_000, 60_700, rows)),
            "ra": random.uniform(40, 46, rows),
            "dec": random.uniform(-33, -27, rows),
            "band": random.choice(["w", "b"], rows),
        }
    )
    pq.write_table(table, folder / "log.parquet")
    return folder / "log.parquet"


# -- what comes out --------------------------------------------------------------------------------------


def test_there_are_as_many_objects_of_each_class_as_were_asked_for(curves: fl.LightCurves) -> None:
    labels = curves.objects["label"].to_pylist()
    assert {name: labels.count(name) for name in CLASSES} == CLASSES
    assert len(set(curves.object_id)) == len(curves) == sum(CLASSES.values())


def test_rows_are_measured_or_limits_and_stand_in_order(curves: fl.LightCurves) -> None:
    measured = np.isfinite(curves.flux)
    assert np.array_equal(measured, np.isnan(curves.limit))
    assert (curves.flux_err[measured] > 0).all() and (curves.limit[~measured] > 0).all()
    assert not curves.detected[~measured].any()
    for one in curves:
        assert (np.diff(one.time) >= 0).all()


def test_every_object_has_triggered_in_its_own_light_curve(curves: fl.LightCurves) -> None:
    trigger = curves.column("trigger_mjd")
    for k, one in enumerate(curves):
        assert trigger[k] in one.time[one.detected]


def test_the_truth_is_told_in_columns_of_their_own(curves: fl.LightCurves) -> None:
    names = [name for name in curves.objects.column_names if name.startswith("sim_")]
    assert {"sim_redshift", "sim_peak_mjd", "sim_template", "sim_mwebv"} <= set(names)
    redshift, truth = curves.column("redshift"), curves.column("sim_redshift")
    known = np.isfinite(redshift)
    np.testing.assert_allclose(redshift[known], truth[known], atol=0.05)
    assert (curves.column("mwebv") >= 0).all()


def test_errors_are_honest(curves: fl.LightCurves) -> None:
    """Long before the explosion there is nothing but noise: its scatter is what the errors say."""
    peak = curves.column("sim_peak_mjd")[curves.owner]
    label = np.array(curves.objects["label"].to_pylist())[curves.owner]
    dark = (curves.time < peak - 150) & np.isfinite(curves.flux) & (label != "AGN")
    if dark.sum() < 30:
        pytest.skip("this survey keeps no rows from before the explosion")
    pulls = curves.flux[dark] / curves.flux_err[dark]
    assert abs(np.median(pulls)) < 0.5 and 0.5 < np.std(np.clip(pulls, -5, 5)) < 1.6


def test_passbands_are_those_of_the_survey() -> None:
    assert set(simulated("LSST").passbands) <= {f"LSST-{band}" for band in "ugrizy"}
    assert set(simulated("ZTF").passbands) <= {f"ZTF-{band}" for band in "gri"}


# -- seeds -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("survey", ["ZTF", "LSST"])
def test_a_seed_is_all_that_the_light_curves_depend_on(survey: str) -> None:
    again = fl.simulate(survey, CLASSES, seed=3)
    assert again.equals(simulated(survey))
    assert not fl.simulate(survey, CLASSES, seed=4).equals(simulated(survey))


def test_the_state_of_numpy_is_neither_read_nor_changed() -> None:
    np.random.seed(1)  # noqa: NPY002
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    found = fl.simulate("LSST", {"TDE": 1}, seed=3)
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002
    np.random.seed(2)  # noqa: NPY002
    assert fl.simulate("LSST", {"TDE": 1}, seed=3).equals(found)


def test_a_class_does_not_depend_on_which_others_are_made() -> None:
    alone = fl.simulate("LSST", {"SLSN-I": 2}, seed=3)
    together = fl.simulate("LSST", {"TDE": 1, "SLSN-I": 2}, seed=3)
    assert together[[name == "SLSN-I" for name in together.objects["label"].to_pylist()]].equals(alone)


def test_more_objects_begin_with_the_same_ones() -> None:
    few, more = (fl.simulate("LSST", {"TDE": count}, seed=3) for count in (2, 4))
    assert more[:2].equals(few)


def test_another_process_makes_the_same() -> None:
    code = (
        "import pickle, sys, firstlight as fl\n"
        f"sys.stdout.buffer.write(pickle.dumps(fl.simulate('LSST', {CLASSES!r}, seed=3)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert pickle.loads(done.stdout).equals(simulated("LSST"))


# -- the folder ------------------------------------------------------------------------------------------


def test_a_folder_holds_what_the_function_gives_and_says_how_it_was_made(tmp_path: Path) -> None:
    from firstlight.simulate import write_survey

    folder = write_survey(tmp_path / "sim", "LSST", {"TDE": 2, "AGN": 1}, 3)
    told = json.loads((folder / "survey.json").read_text())
    assert told["seed"] == 3 and told["triggered"] == {"TDE": 2, "AGN": 1}
    found = fl.read_table(folder / "photometry", objects=folder / "objects", survey="LSST")
    assert sorted(found.objects["label"].to_pylist()) == ["AGN", "TDE", "TDE"]
    wanted = fl.simulate("LSST", {"TDE": 2, "AGN": 1}, seed=3)
    for name in wanted.object_id:
        one, other = found[name], wanted[name]
        np.testing.assert_allclose(one.time, other.time, rtol=0, atol=1e-4)
        np.testing.assert_allclose(one.flux, other.flux, rtol=1e-4, atol=0.1, equal_nan=True)


def test_what_is_simulated_can_be_classified_and_learnt_from(curves: fl.LightCurves) -> None:
    predictions = fl.load("sims").classify(curves)
    assert np.isfinite(predictions.final()).all()
    pytest.importorskip("torch")
    sizes = {"hidden": 4, "width": 4, "embedding": 4}
    chosen = curves[[name != "AGN" for name in curves.objects["label"].to_pylist()]]
    mine = fl.pretrain(chosen, sizes=sizes, epochs=1, validation=0.0)
    assert set(mine.classes) == {"SLSN-I", "TDE"}


# -- a survey of one's own -------------------------------------------------------------------------------


def test_an_own_survey_sees_its_visits_and_nothing_else(tmp_path: Path) -> None:
    path = log(tmp_path)
    curves = fl.simulate(fl.survey(SCOPE), {"TDE": 3}, seed=1, visits=path)
    visits = pq.read_table(path)
    times = np.sort(np.asarray(visits["mjd"]))
    assert set(curves.passbands) == {"Scope-w", "Scope-b"}
    near = np.clip(np.searchsorted(times, curves.time), 1, len(times) - 1)
    away = np.minimum(np.abs(times[near] - curves.time), np.abs(times[near - 1] - curves.time))
    assert away.max() < 0.01  # stored times are rounded
    assert np.array_equal(curves.detected, curves.flux >= 5 * curves.flux_err)


def test_two_own_surveys_of_one_name_are_simulated_each_with_its_own_passbands(tmp_path: Path) -> None:
    path = log(tmp_path)
    red = {**SCOPE["passbands"], "w": {**SCOPE["passbands"]["w"], "wavelength_um": 0.9}}  # type: ignore[dict-item]
    one = fl.simulate(fl.survey(SCOPE), {"TDE": 2}, seed=1, visits=path)
    other = fl.simulate(fl.survey({**SCOPE, "passbands": red}), {"TDE": 2}, seed=1, visits=path)
    assert not one.equals(other)
    assert fl.simulate(fl.survey(SCOPE), {"TDE": 2}, seed=1, visits=path).equals(one)


@pytest.mark.parametrize(
    ("survey", "classes", "told"),
    [
        ("ZTFF", {"TDE": 1}, "Did you mean 'ZTF'"),
        ("ZTF", {"TDEE": 1}, "Did you mean 'TDE'"),
        ("DES", {"TDE": 1}, "visits"),
    ],
)
def test_what_does_not_fit_is_refused_with_advice(survey: str, classes: dict[str, int], told: str) -> None:
    with pytest.raises(FirstlightError, match=told):
        fl.simulate(survey, classes)
