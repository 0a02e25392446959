"""LSST and surveys of one's own: visit logs, noise, detections, trigger, host redshifts, donors."""

import sys
from urllib.error import URLError

import numpy as np
import pyarrow as pa
import pytest

from firstlight.errors import DataError, MissingExtraError, UnknownNameError, UsageError
from firstlight.facts import survey
from firstlight.simulate import Forced, Hosts, Library, Selection, Visits, simulate, simulators
from firstlight.simulate.observing import LSST, PLASTICC, as_alerts, first_pair, forced
from firstlight.simulate.sky import repeated
from firstlight.simulate.synthesis import NJY
from firstlight.simulate.visit_logs import pointing_log

BANDS = tuple(one.name for one in survey("LSST").passbands)


def measured(magnitude, rules=LSST, limit=24.0, n=4_000, band=2, deep=False):
    flux = np.full(n, 10.0 ** (-0.4 * magnitude))
    time = 60_000.0 + np.arange(n)
    return forced(
        np.random.default_rng(1), time, np.full(n, band, np.int8), np.full(n, limit), flux, rules, deep=deep
    )


def test_lsst_errors_are_those_of_the_overview_paper():
    # Worked in equations 4-5 of arXiv:0805.2366: m5 24.04, m 22 gives 0.033 mag with the system term.
    rows = measured(22.0, limit=24.04)
    assert np.median(rows.flux_err) / 5_754 == pytest.approx(0.033, abs=0.0005)
    faint = measured(30.0, limit=24.04)
    assert np.median(faint.flux_err) == pytest.approx(879 * np.sqrt(0.039), rel=0.01)
    assert np.std(faint.flux / faint.flux_err) == pytest.approx(1.0, abs=0.04)


def test_plasticc_errors_are_those_measured():
    for flux in (140.0, 1_400.0, 4_200.0):  # FLUXCAL
        magnitude, unit = 27.5 - 2.5 * np.log10(flux), 10 ** (0.4 * 3.9)
        limit = 27.5 - 2.5 * np.log10(5 * 3.5)
        rows = measured(magnitude, PLASTICC, limit)
        expected = np.sqrt(3.5**2 + 0.03 * flux + (0.006 * flux) ** 2)
        assert np.median(rows.flux_err) / unit == pytest.approx(expected, rel=0.01)
        stacked = measured(magnitude, PLASTICC, limit, deep=True)
        assert np.median(stacked.flux_err) / unit == pytest.approx(
            np.sqrt(3.5**2 + (0.0053 * flux) ** 2), rel=0.01
        )


def test_detections_follow_the_measured_curve():
    shares = [
        measured(24.0 - 2.5 * np.log10(snr / 5), limit=24.0).detected.mean() for snr in (4.25, 5.75, 12.0)
    ]
    assert shares == pytest.approx([0.25, 0.57, 0.97], abs=0.06)
    assert not measured(32.0).detected.any()
    sharp = measured(22.0, Forced(detection_snr=5.0))
    assert np.array_equal(sharp.detected, sharp.flux >= 5 * sharp.flux_err)


def test_saturated_visits_are_dropped_and_negative_flux_is_kept():
    assert len(measured(15.0).time) == 0
    flux = np.full(500, -(10.0 ** (-0.4 * 21.0)))
    rows = forced(
        np.random.default_rng(1), np.arange(500.0), np.zeros(500, np.int8), np.full(500, 24.0), flux, LSST
    )
    assert np.median(rows.flux) == pytest.approx(flux[0] * NJY, rel=0.01) and rows.detected.mean() > 0.95


def test_alerts_are_detections_and_limits_before_them():
    rows = as_alerts(measured(24.0, n=200), 30.0)
    assert np.array_equal(np.isfinite(rows.flux), rows.detected)
    assert np.array_equal(np.isfinite(rows.limit), ~rows.detected)
    assert rows.detected[-1]


def test_a_trigger_needs_two_detections_half_an_hour_apart():
    assert first_pair(np.array([5.0, 5.01, 5.02]), 2, 0.021) is None
    assert first_pair(np.array([5.0, 5.01, 9.0]), 2, 0.021) == 5.0
    assert first_pair(np.zeros(0), 2, 0.021) is None


def test_visits_are_those_within_the_radius():
    rng = np.random.default_rng(3)
    n = 4_000
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 0.3, n)))
    table = pa.table(
        {"mjd": np.sort(rng.uniform(60_000, 60_360, n)), "ra": ra, "dec": dec, "band": ["r"] * n}
    )
    log = pointing_log(table, survey("LSST"), BANDS, np.zeros((180, 360), np.float32), radius=6.0)
    for a, d in ((0.2, -5.0), (359.9, -80.0), (180.0, -89.0), (77.0, 10.0)):
        unit = [np.cos(np.radians(d)) * np.cos(np.radians(a)), np.cos(np.radians(d)) * np.sin(np.radians(a)),
                np.sin(np.radians(d))]  # fmt: skip
        x = np.cos(np.radians(dec)) * np.cos(np.radians(ra))
        y = np.cos(np.radians(dec)) * np.sin(np.radians(ra))
        inside = x * unit[0] + y * unit[1] + np.sin(np.radians(dec)) * unit[2] > np.cos(np.radians(6.0))
        rows = log.near(a, d)
        assert len(rows) == inside.sum() and np.all(np.diff(log.time[rows]) > 0)
    assert log.limit[0] == survey("LSST").passband("r").depth


def test_a_log_of_a_year_begins_anew():
    time = np.array([10.0, 100.0, 200.0])
    own = (time, np.array([0, 1, 2], np.int8), np.array([24.0, 23.0, 22.0]))
    moved, band, limit = repeated(own, 365.25, np.zeros(16, np.int64), 150.0, 700.0)
    assert moved.tolist() == [200.0, 375.25, 465.25, 565.25] and band.tolist() == [2, 0, 1, 2]
    assert limit[0] == 22.0
    later = repeated(own, 365.25, np.full(16, 7), 0.0, 900.0)[0]
    assert np.all(np.diff(later) > 0) and later[:3].tolist() == time.tolist()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"band": ["x"] * 60}, UnknownNameError, "'x'"),
        ({"mjd": [None] + [60_000.0] * 59}, DataError, "no mjd"),
        ({"mjd": [60_000.0] * 30 + [60_500.0] * 30}, DataError, "hole of 500 d"),
        ({"ra": None}, UnknownNameError, "'ra'"),
    ],
)
def test_a_log_with_faults_is_refused_before_the_run(change, error, message):
    columns = {"mjd": list(np.linspace(60_000, 60_300, 60)), "ra": [10.0] * 60, "dec": [-20.0] * 60,
               "band": ["r"] * 60}  # fmt: skip
    columns.update(change)
    table = pa.table({key: value for key, value in columns.items() if value is not None})
    with pytest.raises(error, match=message):
        pointing_log(table, survey("LSST"), BANDS, np.zeros((180, 360), np.float32))


def test_arguments_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(UsageError, match="Choose one"):
        Visits(log="a", donors="b")
    with pytest.raises(UsageError, match="share"):
        Visits(deep_share=2.0)
    with pytest.raises(UnknownNameError, match="forced"):
        simulators("LSST", ["TDE"], product="force")
    with pytest.raises(DataError, match="no visit log of DES"):
        simulators("DES", ["TDE"])
    with pytest.raises(DataError, match=r"objects\.parquet"):
        simulators("LSST", ["TDE"], visits=Visits(donors=tmp_path))


def test_photometric_redshifts_scatter_as_measured():
    rng, rules = np.random.default_rng(1), Hosts()
    found = [rules.values(rng, 0.25) for _ in range(4_000)]
    away = (np.array([one["photoz"] for one in found]) - 0.25) / 1.25
    assert 1.4826 * np.median(np.abs(away - np.median(away))) == pytest.approx(0.030, abs=0.004)
    assert np.mean(np.abs(away) > 0.15) == pytest.approx(0.08, abs=0.02)
    known = np.isfinite([one["redshift"] for one in found])
    assert known.mean() == pytest.approx(0.063, abs=0.015)
    far = [rules.values(rng, 1.2)["photoz"] for _ in range(1_000)]
    assert np.isnan(far).mean() == pytest.approx(0.3, abs=0.05)


# ---------------------------------------------------------------- whole objects


def test_lsst_light_curves_of_every_class(shared):
    from firstlight.simulate import populations

    names = [name for name in populations() if name != "Kilonova"]
    curves = simulate("LSST", names, 2, seed=3, data=shared / "data/simulation")
    assert (
        len(curves) == 2 * len(names)
        and np.isfinite(curves.flux).all()
        and not np.isfinite(curves.limit).any()
    )
    detections = np.add.reduceat(curves.detected.astype(int), curves.offsets[:-1])
    assert detections.min() >= 2 and set(curves.passbands) == set(BANDS)
    truth, known = curves.column("sim_redshift"), curves.column("redshift")
    assert np.isnan(known).any() and np.nanmax(np.abs(known - truth)) < 0.01
    assert len(np.unique(curves.passband)) == 6


def test_deep_fields_are_drawn_on_purpose(shared):
    made = simulators("LSST", ["TDE"], data=shared / "data/simulation", visits=Visits(deep_share=1.0))["TDE"]
    deep = made.first(1, 3)
    wide = simulators("LSST", ["TDE"], data=shared / "data/simulation")["TDE"].first(1, 3)
    assert min(len(one.rows.time) for one in deep) > 2 * max(len(one.rows.time) for one in wide)


def test_donors_lend_their_visits(shared):
    made = simulators(
        "LSST", ["SN Ia"], data=shared / "data/simulation", visits=Visits(donors=shared / "data/plasticc")
    )["SN Ia"]
    one = made.first(5, 1)[0]
    index = np.flatnonzero(np.isclose(made.view.log.ra, float(one.values["ra"])))
    times = np.concatenate(
        [made.view.log.time[made.view.log.offsets[i] : made.view.log.offsets[i + 1]] for i in index]
    )
    assert np.isin(one.rows.time, times).all()
    curves = simulate(
        "LSST", {"SN Ia": 2}, seed=5, data=shared / "data/simulation",
        visits=Visits(donors=shared / "data/plasticc"),
    )  # fmt: skip
    assert all(curves.objects["dereddened"].to_pylist())


def test_the_package_alone_simulates_parametric_classes():
    names = ["SLSN-I", "TDE", "AGN", "SN Ib-Ca-rich", "PISN", "ILOT", "Microlensing"]
    for name in ("ZTF", "LSST"):
        curves = simulate(name, names, 1, seed=2)
        assert curves.objects["label"].to_pylist() == names
    with pytest.raises(DataError, match="data="):
        simulate("ZTF", ["Kilonova"], 1)


def test_a_survey_of_ones_own(tmp_path):
    facts = {
        "name": "Mine", "time_scale": "utc", "time_reference": "start",
        "passbands": {"g": {"wavelength_um": 0.48, "width_um": 0.13, "extinction": 3.7, "depth": 23.0},
                      "r": {"wavelength_um": 0.62, "width_um": 0.13, "extinction": 2.5, "depth": 23.0}},
    }  # fmt: skip
    import pyarrow.parquet as pq

    n = 6_000
    rng = np.random.default_rng(1)
    pq.write_table(
        pa.table({"mjd": np.sort(rng.uniform(60_000, 60_700, n)), "ra": rng.uniform(40, 50, n),
                  "dec": rng.uniform(-35, -25, n), "band": rng.choice(["g", "r"], n)}),
        tmp_path / "log.parquet",
    )  # fmt: skip
    mine = survey(facts)
    curves = simulate(mine, {"TDE": 2}, seed=1, visits=Visits(log=tmp_path / "log.parquet"))
    assert set(curves.passbands) == {"Mine-g", "Mine-r"} and curves.time.min() >= 60_000
    assert np.array_equal(curves.detected, curves.flux >= 5 * curves.flux_err)
    with pytest.raises(UsageError, match="Mine get a spectrum"):
        simulators(
            mine, ["TDE"], selection=Selection(classified=True), visits=Visits(tmp_path / "log.parquet")
        )


def test_a_spectroscopic_sample_of_lsst_is_brighter():
    every, chosen = (
        simulators("LSST", ["TDE"], selection=Selection(classified=flag))["TDE"].first(1, 30)
        for flag in (False, True)
    )
    brightest = [np.median([one.rows.flux.max() for one in group]) for group in (every, chosen)]
    assert brightest[1] > 2.0 * brightest[0]
    assert all(0.0 <= float(one.values["sim_classified"]) <= 1.0 for one in every)


def test_ztf_forced_photometry_has_every_exposure(shared):
    alerts = simulate("ZTF", {"TDE": 2}, seed=1, data=shared / "data/simulation")
    forced_rows = simulate("ZTF", {"TDE": 2}, seed=1, data=shared / "data/simulation", product="forced")
    assert np.isfinite(forced_rows.flux).all() and np.isfinite(alerts.limit).any()
    assert len(forced_rows.time) > len(alerts.time) and (forced_rows.flux < 0).any()


def test_templates_come_by_name_through_sncosmo(shared, monkeypatch, tmp_path):
    pytest.importorskip("sncosmo")
    monkeypatch.setenv("SNCOSMO_DATA_DIR", str(shared / "data/simulation/sncosmo"))
    curves = simulate("ZTF", {"SN Ia": 2}, seed=4)
    assert curves.objects["label"].to_pylist() == ["SN Ia"] * 2
    whole, own = Library(shared / "data/simulation"), Library()
    a, b = whole.template("v19-2011ei-corr"), own.template("v19-2011ei-corr")
    assert np.allclose(a.phase, b.phase, atol=1e-4) and a.first == b.first and a.plateau == b.plateau
    assert np.abs(a.flux - b.flux).max() < 1e-3
    first, second = whole.salt3()[0], own.salt3()[0]
    assert np.abs(first.flux / first.flux.max() - second.flux / second.flux.max()).max() < 1e-3
    assert "v19-2006t-corr" in own.template_names(("SN IIb",))
    with pytest.raises(UnknownNameError, match="2011ei"):
        own.template("v19-2011ie-corr")

    def offline(name):
        raise URLError("no route")

    monkeypatch.setattr("sncosmo.get_source", offline)
    with pytest.raises(DataError, match=r"v19-2006t-corr.*no route.*data="):
        own.template("v19-2006T-corr")


def test_without_sncosmo_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sncosmo", None)
    with pytest.raises(MissingExtraError, match=r"firstlight\[simulate\]"):
        simulators("ZTF", ["SN Ia"])


def test_a_class_has_its_own_share_of_deep_donors_unless_one_is_asked_for(shared):
    data, donors = shared / "data/simulation", shared / "data/plasticc"
    made = simulators("LSST", ["TDE", "AGN"], data=data, visits=Visits(donors=donors))
    assert made["TDE"].view.log.deep_share == 0.02 and made["AGN"].view.log.deep_share is None
    asked = simulators("LSST", ["TDE"], data=data, visits=Visits(donors=donors, deep_share=0.5))
    assert asked["TDE"].view.log.deep_share == 0.5


def test_a_ztf_log_with_a_hole_is_refused_before_the_run(shared, tmp_path):
    import pyarrow.parquet as pq

    whole = shared / "data/simulation"
    for part in whole.iterdir():
        if part.name != "visits":
            (tmp_path / part.name).symlink_to(part)
    (tmp_path / "visits").mkdir()
    log = pq.read_table(whole / "visits/ztf_visits.parquet")
    time = log["mjd"].to_numpy()
    holed = log.filter(pa.array((time < 59_000) | (time > 59_300)))
    pq.write_table(holed, tmp_path / "visits/ztf_visits.parquet")
    with pytest.raises(DataError, match=r"hole of 30\d d"):
        simulators("ZTF", ["TDE"], data=tmp_path)
