"""The numbers of each feature set, against values worked out by hand."""

import numpy as np
import pytest

from firstlight.facts import passband
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation


def curves(**columns: object) -> LightCurves:
    given = {"object_id": ["a"] * len(columns["time"]), "flux_unit": "nJy", "survey": "ZTF"}
    return LightCurves.from_columns(**{**given, **columns})


@pytest.fixture
def three() -> LightCurves:
    return curves(
        time=[59_000.0, 59_001.0, 59_004.0],
        passband=["g", "r", "g"],
        flux=[1e6, 2e6, 4e6],
        flux_err=[5e4, 5e4, 5e4],
    )


def column(preparation: Preparation, light: LightCurves, name: str) -> list[float]:
    sequences = preparation(light)
    return sequences.features[:, sequences.names.index(name)].astype(float).tolist()


def test_default_features_say_what_changed_since_the_rows_before(three: LightCurves) -> None:
    value = lambda name: column(Preparation(), three, name)  # noqa: E731
    assert value("band_first") == [1.0, 1.0, 0.0]
    assert value("gap") == pytest.approx([0.0, np.log(2) / 2, np.log(4) / 2])
    assert value("band_gap") == pytest.approx([0.0, 0.0, np.log(5) / 2])
    assert value("color_gap") == pytest.approx([0.0, np.log(2) / 2, np.log(4) / 2])
    apart = (passband("ZTF-r").wavelength_um - passband("ZTF-g").wavelength_um) / 0.2
    assert value("color_wavelength") == pytest.approx([0.0, apart, -apart])
    # Four times the flux is 1.505 mag brighter; asinh magnitudes differ a little at this S/N.
    assert value("band_change")[2] == pytest.approx(-1.505, abs=0.03)
    assert value("peak_change")[:2] == pytest.approx([0.0, -0.7526], abs=0.05)
    assert value("band_peak_gap")[2] == pytest.approx(np.log(5) / 2)
    assert value("detections") == pytest.approx((np.log1p([1, 2, 3]) / 2 - 1).tolist())
    assert value("band_detections") == pytest.approx((np.log1p([1, 1, 2]) / 2 - 1).tolist())
    assert value("time") == pytest.approx((np.log1p([0, 1, 4]) / 2 - 1).tolist())
    assert value("magnitude")[2] == pytest.approx((31.4 - 2.5 * np.log10(4e6) - 19) / 2, abs=0.01)


def test_the_brightest_so_far_is_not_the_brightest_of_all() -> None:
    light = curves(
        time=[59_000.0, 59_001.0, 59_002.0, 59_003.0],
        passband=["r"] * 4,
        flux=[10_000.0, 30_000.0, 5_000.0, 50_000.0],
        flux_err=[500.0] * 4,
    )
    gaps = column(Preparation(), light, "peak_gap")
    assert gaps == pytest.approx((np.log1p([0.0, 1.0, 1.0, 2.0]) / 2).tolist())


def test_reference_features_are_those_of_the_published_networks(three: LightCurves) -> None:
    sequences = Preparation.reference()(three)
    assert sequences.names == ("wavelength", "time", "flux", "flux_err")
    expected = [
        [0.6223, 0.30, 1e6 / 18_153.9, 5e4 / 18_153.9],
        [0.4827, 0.31, 2e6 / 18_153.9, 5e4 / 18_153.9],
        [0.6223, 0.34, 4e6 / 18_153.9, 5e4 / 18_153.9],
    ]
    np.testing.assert_allclose(sequences.features, expected, rtol=2e-6)


def test_reference_window_is_open_and_holds_rows_before_the_trigger() -> None:
    days = [-30.0, -29.0, -1.0, 0.0, 69.0, 70.0]
    light = curves(
        time=[59_100.0 + day for day in days],
        passband=["r"] * 6,
        flux=[100.0, 100.0, 100.0, 9_000.0, 9_000.0, 9_000.0],
        flux_err=[500.0] * 6,
    )
    sequences = Preparation.reference()(light)
    assert sequences.time.tolist() == [-29.0, -1.0, 0.0, 69.0]
    assert sequences.issued.tolist() == [False, False, True, True]


def test_reference_drops_its_own_surveys_other_passband_and_maps_those_of_others() -> None:
    def known_as(survey: str, bands: str) -> list[float]:
        light = curves(
            time=59_000.0 + np.arange(len(bands)),
            passband=list(bands),
            flux=np.full(len(bands), 1e5),
            flux_err=np.full(len(bands), 1e3),
            survey=survey,
        )
        return column(Preparation.reference(), light, "wavelength")

    g, r = pytest.approx(0.6223), pytest.approx(0.4827)
    assert known_as("ZTF", "gri") == [g, r]
    assert known_as("LSST", "ugrizy") == [g, g, r, r, r, r]


def test_a_reference_row_of_zero_flux_is_not_all_zero() -> None:
    light = curves(
        time=[59_000.0, 59_001.0], passband=["g", "g"], flux=[9_000.0, 0.0], flux_err=[500.0, 500.0]
    )
    assert (Preparation.reference()(light).features != 0.0).any(axis=1).all()


@pytest.mark.parametrize("rows", ["detections", "measured", "all"])
@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e6])
def test_features_are_finite_and_bounded(random_curves, rows: str, scale: float) -> None:
    light = random_curves(5)
    light = curves(
        object_id=np.repeat(light.object_id, light.n_observations),
        time=light.time,
        passband=np.take(["g", "r", "i"], light.passband),
        flux=light.flux * scale,
        flux_err=light.flux_err * scale,
        limit=light.limit * scale,
        detected=light.detected,
    )
    features = Preparation(rows=rows)(light).features
    assert features.dtype == np.float32 and np.isfinite(features).all()
    assert np.abs(features).max() < 10.0


def test_a_users_own_survey_is_read_by_its_wavelengths() -> None:
    bands = {"blue": {"wavelength_um": 0.45, "width_um": 0.1, "depth": 22.0}}
    light = curves(
        time=[59_000.0],
        passband=["blue"],
        flux=[9_000.0],
        flux_err=[500.0],
        survey={"name": "Mine", "passbands": bands},
    )
    assert column(Preparation(), light, "wavelength") == pytest.approx([-1.0])
