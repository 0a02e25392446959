"""Hand-made features: their numbers, and that they see nothing but the rows they are given."""

from __future__ import annotations

import numpy as np
import pytest

from firstlight.evaluate import features
from firstlight.evaluate.handmade_features import distance_modulus
from firstlight.lightcurves import LightCurves

ZTF, LSST = ("ZTF-g", "ZTF-r"), tuple(f"LSST-{band}" for band in "ugrizy")


def ramp():
    """g fades by 0.1 mag a day from magnitude 18 on day 0; r is 0.5 mag brighter and constant."""
    days = np.arange(0.0, 21.0, 2.0)
    mag = np.concatenate([18 + 0.1 * days, np.full(days.size, 17.5)])
    return LightCurves.from_columns(
        object_id=np.full(2 * days.size, "ramp"),
        time=59000 + np.concatenate([days, days + 0.3]),
        passband=["g"] * days.size + ["r"] * days.size,
        survey="ZTF",
        mag=mag,
        mag_err=np.full(mag.size, 0.02),
    )


def named(curves, which="detections", bands=ZTF, metadata=()):
    names, values = features(curves, which, bands, metadata)
    return [dict(zip(names, row, strict=True)) for row in values]


def test_detection_features_are_the_77_of_the_protocol_with_the_right_values():
    (row,) = named(ramp())
    assert len(row) == 77
    assert row["detections"] == 22 and row["g_nights"] == 11 and row["blue_detections"] == 11
    assert row["g_brightest"] == pytest.approx(18, abs=1e-6) and row["r_brightest"] == pytest.approx(17.5)
    assert row["g_fade"] == pytest.approx(0.1, abs=1e-6) and row["g_last"] == pytest.approx(2.0, abs=1e-6)
    assert row["g_at+10"] == pytest.approx(1.0, abs=1e-6) and np.isnan(row["g_at+40"])
    assert row["colour_first"] == pytest.approx(0.5, abs=1e-6)
    assert row["colour_slope"] == pytest.approx(0.1, abs=1e-6)
    assert row["g_days_above_half"] == pytest.approx(6)  # 0.753 mag below peak


def test_redshift_adds_nine_numbers_in_the_rest_frame():
    curves = ramp().with_objects({"object_id": ["ramp"], "redshift": [0.1]})
    (row,) = named(curves, metadata=("redshift",))
    assert len(row) == 77 + 9
    assert row["g_absolute"] == pytest.approx(18 - distance_modulus(np.array([0.1]))[0], abs=1e-6)
    assert row["g_rest_fade"] == pytest.approx(0.11, abs=1e-6)


def test_distance_modulus_agrees_with_astropy():
    cosmology = pytest.importorskip("astropy.cosmology")
    z = np.array([0.01, 0.1, 0.5, 2.0])
    expected = cosmology.FlatLambdaCDM(H0=70, Om0=0.3, Tcmb0=0).distmod(z).value
    np.testing.assert_allclose(distance_modulus(z), expected, atol=2e-3)
    assert np.isnan(distance_modulus(np.array([np.nan]))).all()


@pytest.mark.parametrize(("which", "bands", "survey"), [("detections", ZTF, "ZTF"), ("flux", LSST, "LSST")])
def test_objects_do_not_see_each_other(population, which, bands, survey):
    curves = population(30, survey=survey, bands="gr" if survey == "ZTF" else "ugrizy", detections_only=False)
    _, together = features(curves, which, bands)
    for index in (0, 7, 29):
        _, alone = features(curves.take([index]), which, bands)
        np.testing.assert_allclose(alone[0], together[index], rtol=1e-9, atol=1e-9)


def test_flux_features_hold_negative_detections_and_do_not_depend_on_brightness(population):
    curves = population(12, survey="LSST", bands="ugrizy", detections_only=False)
    names, values = features(curves, "flux", LSST)
    assert 180 <= len(names) <= 240
    scaled = LightCurves.from_columns(
        object_id=np.array(curves.object_id)[curves.owner],
        time=curves.time,
        passband=[curves.passbands[code] for code in curves.passband],
        survey="LSST",
        flux=curves.flux * 10,
        flux_err=curves.flux_err * 10,
        flux_unit="nJy",
    )
    _, brighter = features(scaled, "flux", LSST)
    shape = [index for index, name in enumerate(names) if name != "peak_mag"]
    np.testing.assert_allclose(values[:, shape], brighter[:, shape], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("which", "bands"), [("detections", ZTF), ("flux", ZTF)])
def test_an_object_without_any_detection_gives_numbers_that_do_not_exist(which, bands):
    curves = LightCurves.from_columns(
        object_id=["quiet"] * 3,
        time=[59000.0, 59001.0, 59002.0],
        passband=["g", "r", "g"],
        survey="ZTF",
        flux=[10.0, -20.0, 5.0],
        flux_err=[300.0, 300.0, 300.0],
        flux_unit="nJy",
    )
    (row,) = named(curves, which, bands)
    assert row["detections"] == 0 and np.isnan(list(row.values())).any()
