"""Whole simulations: reproducible, resumable, independent of workers, and like the real thing."""

import json
import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from firstlight.errors import UsageError
from firstlight.simulate import (
    FEATURES,
    Selection,
    Simulator,
    features,
    simulate,
    simulators,
    two_sample,
    write_survey,
)
from firstlight.simulate.product import join
from firstlight.simulate.survey_tables import to_tables


@pytest.fixture
def data(shared, monkeypatch):
    monkeypatch.setattr("firstlight.simulate.product.BLOCK", 40)
    return shared / "data/simulation"


def test_light_curves_of_every_class(data):
    from firstlight.simulate import populations

    curves = simulate("ZTF", list(populations()), 2, seed=3, data=data)
    assert len(curves) == 34
    assert set(curves.objects["label"].to_pylist()) == set(populations())
    detections = np.add.reduceat(curves.detected.astype(int), curves.offsets[:-1])
    assert detections.min() >= 3
    trigger = curves.column("trigger_mjd")
    owner = np.repeat(np.arange(len(curves)), np.diff(curves.offsets))
    for i in range(len(curves)):
        assert trigger[i] in curves.time[(owner == i) & curves.detected]
    galactic = np.array(curves.objects["label"].to_pylist()) == "Microlensing"
    assert (
        np.all((curves.column("redshift") > 0) | galactic)
        and np.isnan(curves.column("redshift")[galactic]).all()
    )


def test_the_same_seed_gives_the_same_objects_whatever_was_drawn_before(data):
    made = simulators("ZTF", ["SN Ia", "SN II"], data=data)
    one = [made["SN Ia"].simulate(7, number) for number in range(12)]
    made["SN II"].simulate(7, 0)
    again = made["SN Ia"].simulate(7, 11)
    assert (one[11] is None) == (again is None)
    index = next(i for i, item in enumerate(one) if item is not None)
    repeated = made["SN Ia"].simulate(7, index)
    assert repeated is not None and np.array_equal(one[index].rows.flux, repeated.rows.flux, equal_nan=True)


def test_an_interrupted_survey_is_resumed(data, tmp_path):
    counts = {"SN Ia": 25, "SLSN-I": 6}
    first = write_survey(tmp_path / "one", "ZTF", counts, 5, data=data)
    objects, photometry = join(first)
    assert objects.num_rows == 31 and set(photometry["object_id"].unique().to_pylist()) == set(
        objects["object_id"].to_pylist()
    )
    # Interrupted: a shard is gone and the run was not declared finished.
    manifest = json.loads((first / "survey.json").read_text())
    names = [name for name in objects["object_id"].to_pylist() if "SNIa" in name]
    last = int(names[-1].rpartition("-")[2])
    assert manifest["generated"]["SN Ia"] == last + 1 and manifest["triggered"]["SN Ia"] == 25
    del manifest["generated"]
    (first / "survey.json").write_text(json.dumps(manifest))
    victim = sorted((first / "photometry").glob("SNIa*"))[0]
    victim.unlink()
    write_survey(first, "ZTF", counts, 5, data=data)
    assert join(first)[1].equals(photometry)
    with pytest.raises(UsageError, match="other settings"):
        write_survey(first, "ZTF", counts, 6, data=data)


@pytest.mark.slow
def test_two_workers_give_what_one_gives(data, tmp_path):
    counts = {"SN Ia": 30}
    one = join(write_survey(tmp_path / "one", "ZTF", counts, 5, data=data))
    two = join(write_survey(tmp_path / "two", "ZTF", counts, 5, data=data, workers=2))
    assert one[0].equals(two[0]) and one[1].equals(two[1])


def test_joined_tables_are_all_files_in_one(data, tmp_path):
    folder = write_survey(tmp_path / "run", "ZTF", {"SN Ia": 3, "TDE": 1}, data=data, joined=True)
    objects, photometry = join(folder)
    assert pq.read_table(folder / "objects.parquet").equals(objects) and objects.num_rows == 4
    assert pq.read_table(folder / "photometry.parquet").equals(photometry)
    # A run that is done is joined later, too.
    (folder / "objects.parquet").unlink()
    write_survey(folder, "ZTF", {"SN Ia": 3, "TDE": 1}, data=data, joined=True)
    assert pq.read_table(folder / "objects.parquet").equals(objects)


def test_a_simulator_travels_to_another_process(data):
    for name, one in simulators("ZTF", ["SN Ia", "SN II", "TDE", "AGN", "Kilonova"], data=data).items():
        there = pickle.loads(pickle.dumps(one))
        here, again = (made.some(3, 0, 400, most=1) for made in (one, there))
        assert np.array_equal(here[0].rows.flux, again[0].rows.flux, equal_nan=True), name


def test_no_more_events_are_made_than_are_needed(tmp_path, monkeypatch):
    made = []
    simulate_one = Simulator.simulate

    def counted(self, seed, number):
        made.append(number)
        return simulate_one(self, seed, number)

    monkeypatch.setattr(Simulator, "simulate", counted)
    folder = write_survey(tmp_path / "run", "ZTF", {"TDE": 2}, 1)
    told = json.loads((folder / "survey.json").read_text())
    assert made == list(range(told["generated"]["TDE"])) and told["triggered"]["TDE"] == 2


def test_a_spectroscopic_selection_keeps_brighter_objects(data):
    every = simulators("ZTF", ["SN Ia"], data=data)["SN Ia"].first(1, 60)
    chosen = simulators("ZTF", ["SN Ia"], data=data, selection=Selection(classified=True))["SN Ia"].first(
        1, 60
    )
    peak = [np.median([float(one.values["sim_peak_r"]) for one in group]) for group in (every, chosen)]
    assert peak[1] < peak[0] - 0.3


def test_features_of_a_simple_curve():
    time = np.repeat(np.arange(0.0, 40.0, 2.0), 2) + 0.3
    band = np.tile(["g", "r"], 20)
    mag = 18.0 + np.where(time < 10, (10 - time) * 0.1, (time - 10) * 0.05) + np.where(band == "g", 0.2, 0.0)
    found = dict(zip(FEATURES, features(time, band, mag, np.full(40, 0.05)), strict=True))
    assert found["detections"] == 40 and found["share_g"] == 0.5 and found["both_bands"] == 1.0
    assert found["colour_0"] == pytest.approx(0.2) and found["decline_15_r"] == pytest.approx(0.75, abs=0.03)
    assert found["slope_end"] == pytest.approx(0.05, abs=1e-6) and np.isnan(found["colour_40"])


def test_two_samples_of_one_kind_cannot_be_told_apart():
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(150, len(FEATURES))), rng.normal(size=(150, len(FEATURES)))
    assert two_sample(a, b, detail=False).auc == pytest.approx(0.5, abs=0.1)
    b[:, 3] += 3.0
    assert two_sample(a, b, detail=False).auc > 0.95


def test_tables_are_plain_parquet(data, tmp_path):
    folder = write_survey(tmp_path / "run", "ZTF", {"TDE": 2}, 1, data=data)
    photometry = join(folder)[1]
    assert photometry.schema.names == ["object_id", "mjd", "band", "flux", "flux_err", "limit", "detected"]
    assert pa.types.is_string(photometry.schema.field("band").type)


def test_ztf_objects_are_those_of_the_trained_classifiers(shared):
    """Same seed, same table: what a classifier was trained on can be made again."""
    golden = json.loads((Path(__file__).parent / "golden_ztf.json").read_text())
    for key, expected in golden.items():
        kind, _, name = key.partition(" ")
        selection = Selection(classified=True, deeper=0.8) if kind == "classified" else Selection()
        made = simulators("ZTF", [name], data=shared / "data/simulation", selection=selection)[name]
        objects, photometry = to_tables(name, 20260, made.first(20260, 2), made.view)
        assert objects["object_id"].to_pylist() == expected["object_id"], key
        assert photometry.num_rows == expected["rows"], key
        for column in ("mjd", "flux", "flux_err", "limit"):
            total = np.nansum(photometry[column].to_numpy(zero_copy_only=False))
            assert total == pytest.approx(expected[column], rel=1e-9), (key, column)
        for column in ("redshift", "mwebv", "trigger_mjd", "sim_peak_mjd"):
            assert objects[column].to_pylist() == pytest.approx(expected[column], rel=1e-12), (key, column)


def test_a_volume_holds_what_happens_in_it(data, tmp_path):
    folder = write_survey(tmp_path / "run", "ZTF", {"SN Ia": 1}, 2, data=data, volumetric=20.0)
    told = json.loads((folder / "survey.json").read_text())
    # z < 0.2: 0.055 Gpc^3 in 1,000 square degrees.
    assert 15 < told["generated"]["SN Ia"] < 60
    objects, _ = join(folder)
    assert objects.num_rows == told["triggered"]["SN Ia"] < told["generated"]["SN Ia"]
    again = simulate("ZTF", ["SN Ia"], seed=2, data=data, volumetric=20.0)
    assert list(again.object_id) == objects["object_id"].to_pylist()
    with pytest.raises(UsageError, match="no rate"):
        simulate("ZTF", ["AGN"], data=data, volumetric=1.0)


def test_the_reader_of_tables_reads_a_survey(data, tmp_path):
    import firstlight as fl

    folder = write_survey(tmp_path / "run", "LSST", {"TDE": 2, "SN Ia": 2}, 1, data=data)
    curves = fl.read_table(folder / "photometry", objects=folder / "objects", survey="LSST")
    assert curves.objects["label"].to_pylist() == ["SN Ia", "SN Ia", "TDE", "TDE"]
    assert set(curves.objects["survey"].to_pylist()) == {"LSST"} and curves.detected.sum() >= 8


def test_the_room_is_its_function():
    import firstlight as fl

    curves = fl.simulate("LSST", {"TDE": 1}, seed=1)
    assert np.array_equal(curves.flux, fl.simulate.simulate("LSST", {"TDE": 1}, seed=1).flux)
