"""What simulate writes is what the other verbs read; its own log may be small and dense."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import firstlight as fl
from firstlight.errors import DataError, FirstlightError
from firstlight.simulate import Visits, simulate, write_survey

OWN = {"name": "Hilltop", "passbands": {"w": {"wavelength_um": 0.61, "width_um": 0.38, "depth": 23.5}}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_survey(tmp_path_factory.mktemp("made") / "simulated", "LSST", {"AGN": 2, "TDE": 3}, seed=4)


def dense(path, nights=350, each=4, ra=150.0, dec=2.0, band="r"):
    """One field with `nights` x `each` visits."""
    time = 60_000.0 + np.repeat(np.arange(nights), each) + np.tile(np.arange(each) / 40.0, nights)
    n = len(time)
    table = {"mjd": time, "ra": np.full(n, ra), "dec": np.full(n, dec), "band": [band] * n, "m5": [24.0] * n}
    pq.write_table(pa.table(table), path)
    return path


@pytest.mark.parametrize("read", [fl.read, fl.read_table, lambda path, **o: next(fl.read_batches(path, **o))])
def test_the_folder_is_read_with_its_survey_and_its_truth(read, folder) -> None:
    report: list[str] = []
    curves = read(folder, report=report)
    assert curves.column("label").tolist() == ["AGN"] * 2 + ["TDE"] * 3
    assert set(curves.column("survey")) == {"LSST"} and "sim_redshift" in curves.objects.column_names
    assert any("simulated LSST with seed 4, labels are the truth" in line for line in report)
    same = simulate("LSST", {"AGN": 2, "TDE": 3}, seed=4)
    assert curves.object_id == same.object_id
    np.testing.assert_array_equal(curves.flux, same.flux)


def test_another_survey_is_refused_and_an_unfinished_run_is_said(folder, tmp_path) -> None:
    with pytest.raises(DataError, match="holds LSST"):
        fl.read(folder, survey="ZTF")
    part = tmp_path / "part"
    (part / "photometry").mkdir(parents=True)
    (part / "objects").mkdir()
    for kind in ("photometry", "objects"):
        for file in (folder / kind).glob("*.parquet"):
            (part / kind / file.name).write_bytes(file.read_bytes())
    told = json.loads((folder / "survey.json").read_text())
    del told["generated"]
    (part / "survey.json").write_text(json.dumps(told))
    report: list[str] = []
    assert len(fl.read(part, report=report)) == 5
    assert any("did not come to its end" in line for line in report)
    (part / "survey.json").write_text("{")
    with pytest.raises(DataError, match=r"survey\.json"):
        fl.read(part)


def test_a_survey_of_ones_own_is_read_back_from_its_folder_alone(tmp_path) -> None:
    log = dense(tmp_path / "visits.parquet", band="w")
    made = write_survey(tmp_path / "own", fl.survey(OWN), {"AGN": 2}, visits=log)
    curves = fl.read(made)
    assert curves.passbands == ("Hilltop-w",) and curves.bands[0].wavelength_um == 0.61


def test_the_folder_goes_into_the_other_verbs(folder, tmp_path) -> None:
    predictions = fl.classify(fl.read(folder), classifier="lsst-sim")
    assert len(predictions) == 5
    pytest.importorskip("matplotlib").use("agg")
    from click.testing import CliRunner

    from firstlight.cli.app import app

    out = tmp_path / "one.png"
    name = predictions.object_id[0]
    done = CliRunner().invoke(
        app, ["plot", str(folder), "--classifier", "lsst-sim", "--id", name, "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert out.stat().st_size > 10_000


@pytest.mark.parametrize(("ra", "dec"), [(150.0, 2.0), (0.1, -89.5), (359.9, -30.0)])
def test_a_dense_small_field_is_no_thin_log(tmp_path, ra, dec) -> None:
    log = dense(tmp_path / "visits.parquet", ra=ra, dec=dec)
    curves = simulate("LSST", {"AGN": 3}, seed=2, visits=Visits(log=log, radius=0.3))
    assert len(curves) == 3
    away = np.abs((curves.column("ra") - ra + 180) % 360 - 180) * np.cos(np.radians(dec))
    assert (away <= 0.31).all()


def test_two_far_fields_are_both_used(tmp_path) -> None:
    first = pq.read_table(dense(tmp_path / "a.parquet", ra=10.0, dec=5.0))
    both = pa.concat_tables([first, pq.read_table(dense(tmp_path / "b.parquet", ra=200.0, dec=-5.0))])
    pq.write_table(both, tmp_path / "both.parquet")
    curves = simulate("LSST", {"AGN": 12}, seed=1, visits=Visits(log=tmp_path / "both.parquet", radius=0.5))
    assert {bool(ra > 100) for ra in curves.column("ra")} == {True, False}


def test_a_log_that_is_thin_is_said_with_its_visits(tmp_path) -> None:
    log = dense(tmp_path / "visits.parquet", nights=5, each=2)
    with pytest.raises(FirstlightError, match="among 10 visits"):
        simulate("LSST", {"AGN": 1}, visits=log)


def test_all_says_what_it_leaves_out_and_how_to_get_it() -> None:
    from firstlight.cli.simulating import _left_out
    from firstlight.simulate import population_table

    lines = list(_left_out(population_table(), False))
    assert "SN Ia" in lines[1] and "--data" in lines[1] and "firstlight[simulate]" in lines[1]
    assert "Kilonova" in lines[2]
    assert len(list(_left_out(population_table(), True))) == 1
