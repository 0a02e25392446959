"""How rows are settled: units, times, passbands, errors, limits, signs and types of columns."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy.table import MaskedColumn
from astropy.units import Quantity

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.facts import zero_point
from firstlight.lightcurves import Flag, LightCurves, flag_names, magnitude_from_flux, to_njy


def columns(rows: int = 60) -> dict[str, np.ndarray]:
    """The base light curve in FLUXCAL, all fluxes positive, so that it has magnitudes too."""
    random = np.random.default_rng(1)
    time = 59_000.0 + np.sort(random.uniform(0.0, 100.0, rows))
    flux = 300.0 * np.exp(-0.5 * ((time - 59_040.0) / 15.0) ** 2) + 20.0
    band = np.where(np.arange(rows) % 2 == 0, "g", "r")
    name = np.full(rows, "bump")
    return {"object_id": name, "time": time, "passband": band, "flux": flux, "flux_err": np.full(rows, 5.0)}


def make(**changes: object) -> LightCurves:
    """Light curves of `columns` with some arguments replaced; None leaves one out."""
    given = {"survey": "ZTF", "flux_unit": "FLUXCAL", **columns(), **changes}
    return LightCurves.from_columns(**{key: value for key, value in given.items() if value is not None})


def one(**changes: object) -> LightCurves:
    """A single observation in nJy with some arguments replaced."""
    given = {"object_id": ["a"], "time": [59_000.0], "passband": ["g"], "flux": [1000.0], "flux_err": [100.0]}
    return LightCurves.from_columns(**{**given, "survey": "ZTF", "flux_unit": "nJy", **changes})


def test_the_base_fixture_is_the_bump(bump: LightCurves) -> None:
    assert len(bump) == 1 and bump.n_observations.tolist() == [60]
    assert bump.flux.max() == pytest.approx(10_892, rel=0.03)
    assert bump.usable.all() and bump.detected.any() and not bump.detected.all()
    assert bump.passbands == ("ZTF-g", "ZTF-r", "ZTF-i")
    assert bump.object_flags.tolist() == [0]


@pytest.mark.parametrize("unit", ["nJy", "uJy", "mJy", "Jy", "maggies"])
def test_units_only_change_how_a_flux_is_written(unit: str) -> None:
    factor = 10 ** (0.4 * (zero_point(unit) - 27.5))
    table = columns()
    same = make(flux=table["flux"] * factor, flux_err=table["flux_err"] * factor, flux_unit=unit)
    np.testing.assert_allclose(same.flux, make().flux, rtol=1e-12)
    np.testing.assert_allclose(same.flux_err, make().flux_err, rtol=1e-12)
    assert np.array_equal(same.detected, make().detected)


def test_zero_points_may_differ_from_row_to_row() -> None:
    points = np.linspace(24.0, 27.0, 60)
    factor = 10 ** (0.4 * (points - 27.5))
    table = columns()
    same = make(flux=table["flux"] * factor, flux_err=5 * factor, flux_unit=None, zero_point=points)
    np.testing.assert_allclose(same.flux, make().flux, rtol=1e-12)
    assert make(flux_unit=None, zero_point=27.5).equals(make())


def test_magnitudes_give_the_flux_back() -> None:
    curves = make()
    mag, mag_err = magnitude_from_flux(curves.flux, curves.flux_err)
    same = make(flux=None, flux_err=None, flux_unit=None, mag=mag, mag_err=mag_err)
    np.testing.assert_allclose(same.flux, curves.flux, rtol=1e-12)
    np.testing.assert_allclose(same.flux_err, curves.flux_err, rtol=1e-12)
    np.testing.assert_allclose(same.flux / same.flux_err, 1.0857362 / mag_err, rtol=1e-7)


@pytest.mark.parametrize("minus", ["f", "0", 0, -1, False, "-", "n", "False"])
@pytest.mark.parametrize("plus", ["t", "1", 1, True, "+", "y", "True"])
def test_the_sign_of_a_difference_magnitude_is_kept(plus: object, minus: object) -> None:
    sign = np.array([plus, minus], dtype=object)
    two = {"object_id": ["a", "a"], "time": [59_001.0, 59_002.0], "passband": ["g", "g"]}
    curves = LightCurves.from_columns(**two, survey="ZTF", mag=[20.0, 20.0], mag_err=[0.1, 0.1], sign=sign)
    assert curves.flux.tolist() == pytest.approx([36_307.8, -36_307.8], rel=1e-4)
    assert (curves.flux_err > 0).all()
    assert curves.detected.tolist() == [True, False]


def test_a_sign_that_cannot_be_read_makes_a_bad_row() -> None:
    given = {
        "object_id": ["a"] * 3,
        "time": [59_001.0, 59_002.0, 59_003.0],
        "passband": ["g"] * 3,
        "survey": "ZTF",
    }
    curves = LightCurves.from_columns(
        **given,
        mag=[20.0, 20.0, None],
        mag_err=[0.1, 0.1, None],
        limit=[None, None, 20.5],
        sign=["t", "?", None],
    )
    assert curves.flags.tolist() == [0, Flag.BAD_QUALITY, 0]


def test_limits_stand_where_nothing_was_measured() -> None:
    given = {
        "object_id": ["a"] * 4,
        "time": [59_001.0, 59_002.0, 59_003.0, 59_004.0],
        "passband": ["g"] * 4,
        "survey": "ZTF",
    }
    mag, error = [np.nan, 20.0, np.nan, np.nan], [np.nan, 0.1, np.nan, np.nan]
    curves = LightCurves.from_columns(**given, mag=mag, mag_err=error, limit=[20.5, 20.6, -999.0, np.nan])
    assert np.isfinite(curves.flux).tolist() == [False, True, False, False]
    assert np.isfinite(curves.limit).tolist() == [True, False, False, False]
    assert curves.limit[0] == pytest.approx(10 ** (0.4 * (31.4 - 20.5)))
    assert curves.flags.tolist() == [0, 0, Flag.DROPPED_NAN, Flag.DROPPED_NAN]
    assert curves.detected.tolist() == [False, True, False, False]


def test_an_object_with_limits_only_has_no_detection() -> None:
    curves = LightCurves.from_columns(
        object_id=["a"], time=[5e4], passband=["g"], survey="ZTF", limit=[1e4], flux_unit="nJy"
    )
    assert curves.usable.tolist() == [True]
    assert curves.object_flags.tolist() == [Flag.NO_DETECTION]


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"flux": [np.nan]}, Flag.DROPPED_NAN),
        ({"flux": [np.inf]}, Flag.DROPPED_NAN),
        ({"flux_err": [np.nan]}, Flag.DROPPED_NAN),
        ({"flux_err": [np.inf]}, Flag.DROPPED_NAN),
        ({"time": [np.nan]}, Flag.DROPPED_NAN),
        ({"flux_err": [0.0]}, Flag.DROPPED_BAD_ERROR),
        ({"flux_err": [-999.0]}, Flag.DROPPED_BAD_ERROR),
        ({"passband": ["q"], "unknown_passbands": "drop"}, Flag.DROPPED_UNKNOWN_PASSBAND),
        ({"flux": [1.1e13], "flux_err": [1e11]}, Flag.IMPLAUSIBLE_FLUX),
        ({"flux": [-1.1e13], "flux_err": [1e11]}, Flag.IMPLAUSIBLE_FLUX),
        ({"flags": [int(Flag.BAD_QUALITY)]}, Flag.BAD_QUALITY),
    ],
)
def test_what_cannot_be_used_is_kept_and_flagged(changes: dict[str, object], flag: Flag) -> None:
    curves = one(**changes)
    assert curves.flags[0] & flag
    assert not curves.usable[0] and not curves.detected[0]
    assert curves.object_flags[0] & (flag | Flag.NO_DATA | Flag.NO_DETECTION) == (
        flag | Flag.NO_DATA | Flag.NO_DETECTION
    )


@pytest.mark.parametrize("factor", [1e6, 1e-6])
def test_bright_and_faint_scales_stay_plausible(factor: float) -> None:
    table = columns()
    curves = make(flux=table["flux"] * factor, flux_err=table["flux_err"] * factor)
    assert curves.usable.all()


def test_a_row_dropped_leaves_the_others_as_they_were() -> None:
    table = columns()
    extra = {key: np.concatenate([value, value[:3]]) for key, value in table.items()}
    extra["time"][60:] += 0.01
    extra["flux"][60] = np.nan
    extra["flux_err"][61:] = [0.0, -999.0]
    curves = LightCurves.from_columns(**extra, survey="ZTF", flux_unit="FLUXCAL")
    assert curves.usable.sum() == 60
    assert np.array_equal(curves.flux[curves.usable], make().flux)


def test_detections_follow_the_signal_to_noise_unless_given() -> None:
    three = {
        "object_id": ["a"] * 4,
        "time": [59_001.0, 59_002.0, 59_003.0, 59_004.0],
        "passband": ["g"] * 4,
        "survey": "ZTF",
    }
    three |= {"flux": [500.0, 499.0, -900.0, 900.0], "flux_err": [100.0] * 4, "flux_unit": "nJy"}
    assert LightCurves.from_columns(**three).detected.tolist() == [True, False, False, True]
    given = [False, True, None, None]
    for detected in (
        given,
        pa.array(given),
        pd.Series(given, dtype="boolean"),
        np.array([0, 1, np.nan, np.nan]),
    ):
        curves = LightCurves.from_columns(**three, detected=detected)
        assert curves.detected.tolist() == [False, True, False, True]


def test_more_than_three_observations_at_one_time_are_flagged() -> None:
    four = {"object_id": ["a"] * 4, "passband": ["g", "r", "g", "r"], "flux": [1e3, 2e3, 3e3, 4e3]}
    four |= {"flux_err": [1e2] * 4, "survey": "ZTF", "flux_unit": "nJy"}
    assert LightCurves.from_columns(time=[5e4] * 4, **four).object_flags[0] & Flag.SINGLE_EPOCH
    assert (
        not LightCurves.from_columns(time=[5e4, 5e4, 5e4, 5e4 + 1], **four).object_flags[0]
        & Flag.SINGLE_EPOCH
    )


# What must be refused


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"flux_unit": None}, UsageError, "no flux unit.*flux_unit='nJy'"),
        ({"zero_point": 25.0}, UsageError, "both flux_unit and zero_point"),
        ({"flux_unit": "nJyy"}, UnknownNameError, "Did you mean 'nJy'"),
        ({"flux_err": None}, DataError, "fluxes without errors"),
        ({"mag": np.full(60, 20.0)}, UsageError, "both flux and mag"),
        (
            {"flux": np.linspace(18, 22, 60), "flux_err": np.full(60, 0.1)},
            DataError,
            "look like magnitudes.*mag",
        ),
        ({"time": columns()["time"] + 2_400_000.5}, DataError, "not MJD.*jd"),
        ({"time_system": "jd"}, DataError, "not Julian dates"),
        ({"time_system": "tdb"}, UnknownNameError, "time system"),
        ({"survey": "ZTFF"}, UnknownNameError, "Did you mean 'ZTF'"),
        ({"passband": np.full(60, "ztfq")}, UnknownNameError, "ztfq.*60 rows, 1 objects"),
        ({"passband": ["g"] * 59 + [None]}, UnknownNameError, "1 rows"),
        ({"unknown_passbands": "ignore"}, UnknownNameError, "unknown_passbands"),
        ({"time": 5e4 + np.arange(59.0)}, DataError, "different length.*time 59"),
        ({"flux": np.array(["1.0"] * 60)}, DataError, "column 'flux'.*not numbers"),
        ({"flux": np.ones((60, 2))}, DataError, "column 'flux'.*one dimension"),
        ({"object_id": np.full(60, 0.5)}, DataError, "fractional or too large"),
        ({"object_id": [None] * 60}, DataError, "60 object ids are missing"),
    ],
)
def test_what_is_not_stated_or_contradicts_itself_is_refused(changes, error, message) -> None:
    given = {"survey": "ZTF", "flux_unit": "FLUXCAL", **columns(), **changes}
    given = {key: value for key, value in given.items() if value is not None}
    with pytest.raises(error, match=message):
        LightCurves.from_columns(**given)


def test_julian_dates_stated_give_the_same_light_curve() -> None:
    curves = make(time=columns()["time"] + 2_400_000.5, time_system="jd")
    np.testing.assert_allclose(curves.time, make().time, atol=1e-8)


def test_what_was_dropped_stands_in_the_report() -> None:
    report: list[str] = []
    make(passband=["g"] * 59 + ["q"], unknown_passbands="drop", report=report)
    assert report == ["1 observations in passbands unknown to ZTF are not used."]


# Types of columns


@pytest.mark.parametrize(
    "convert",
    [
        list,
        tuple,
        lambda x: x.astype(np.float32),
        lambda x: x.astype(np.int64),
        lambda x: x.astype(">f8"),
        lambda x: x.astype(">f4"),
        lambda x: x.astype(object),
        lambda x: np.ma.array(x, mask=np.zeros(len(x), bool)),
        pa.array,
        lambda x: pa.chunked_array([x[:7], x[7:]]),
        pd.Series,
        lambda x: pd.Series(x, dtype="Float64"),
        pl.Series,
        lambda x: x[::-1][::-1],
        MaskedColumn,
        lambda x: Quantity(x, "d" if x.min() > 5e4 else "nJy"),
    ],
)
def test_columns_of_every_kind_give_the_same_value(convert) -> None:
    table = columns()
    table["flux"], table["time"] = np.round(table["flux"]), np.round(table["time"])
    plain = LightCurves.from_columns(**table, survey="ZTF", flux_unit="FLUXCAL")
    numbers = {name: convert(table[name]) for name in ("time", "flux", "flux_err")}
    assert LightCurves.from_columns(**{**table, **numbers}, survey="ZTF", flux_unit="FLUXCAL").equals(plain)


@pytest.mark.parametrize(
    "missing",
    [
        [1000.0, None],
        [1000.0, np.nan],
        np.ma.array([1000.0, 5.0], mask=[False, True]),
        np.array([1000.0, None], dtype=object),
        pa.array([1000.0, None]),
        pd.Series([1000, None], dtype="Int64"),
        pl.Series([1000.0, None]),
        MaskedColumn([1000.0, 5.0], mask=[False, True]),
    ],
)
def test_missing_values_of_every_kind_are_missing(missing: object) -> None:
    curves = LightCurves.from_columns(
        object_id=["a", "a"],
        time=[5e4, 5e4 + 1],
        passband=["g", "g"],
        survey="ZTF",
        flux=missing,
        flux_err=[1.0, 1.0],
        flux_unit="nJy",
    )
    assert curves.flags.tolist() == [0, Flag.DROPPED_NAN]


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        ([10, 9, 10], ["10", "9"]),
        (np.array([10, 9, 10], dtype=">i8"), ["10", "9"]),
        (np.array([2**62 + 1, 2**62 + 2, 2**62 + 1]), [str(2**62 + 1), str(2**62 + 2)]),
        (np.array([2**64 - 1, 5, 2**64 - 1], dtype=np.uint64), [str(2**64 - 1), "5"]),
        (["10", "9", "10"], ["10", "9"]),
        (["é à", "a b", "é à"], ["é à", "a b"]),
        (np.array([b"x", b"y", b"x"]), ["x", "y"]),
        (pa.array(["b", "a", "b"]), ["b", "a"]),
        (pa.array(["b", "a", "b"], pa.large_string()), ["b", "a"]),
        (pa.DictionaryArray.from_arrays([1, 0, 1], ["a", "b"]), ["b", "a"]),
        (pd.Series(["b", "a", "b"], dtype="category"), ["b", "a"]),
        (pl.Series(["b", "a", "b"]), ["b", "a"]),
        (np.array(["a", 7, "a"], dtype=object), ["a", "7"]),
        ([10.0, 9.0, 10.0], ["10", "9"]),
    ],
)
def test_object_ids_are_text_in_order_of_first_appearance(ids: object, names: list[str]) -> None:
    curves = LightCurves.from_columns(
        object_id=ids,
        time=[5e4 + 2, 5e4 + 1, 5e4],
        passband=["g", "g", "g"],
        survey="ZTF",
        flux=[1000.0, 2000.0, 3000.0],
        flux_err=[1.0] * 3,
        flux_unit="nJy",
    )
    assert curves.object_id == names
    assert curves.n_observations.tolist() == [2, 1]
    assert curves[0].time.tolist() == [5e4, 5e4 + 2]


def test_nothing_in_nothing_out() -> None:
    empty = {name: [] for name in ("object_id", "time", "passband", "flux", "flux_err")}
    curves = LightCurves.from_columns(**empty, survey="LSST", flux_unit="nJy")
    assert len(curves) == 0 and curves.time.dtype == np.float64
    assert curves.objects.column_names[:3] == ["object_id", "survey", "flags"]
    assert list(curves) == [] and len(curves.until(mjd=1.0)) == 0


def test_the_input_is_left_alone_and_the_value_is_read_only() -> None:
    table = columns()
    before = {name: value.copy() for name, value in table.items()}
    curves = LightCurves.from_columns(**table, survey="ZTF", flux_unit="nJy")
    with pytest.raises(ValueError, match="read-only"):
        curves.flux[0] = 1.0
    table["flux"][0] = -1.0
    assert curves.flux[0] == before["flux"][0]


def test_flags_have_names() -> None:
    assert flag_names(int(Flag.NO_DATA | Flag.DROPPED_NAN)) == ("dropped_nan", "no_data")
    assert flag_names(0) == ()


def test_nanojansky_of_a_zero_point() -> None:
    assert to_njy(1.0, 27.5) == pytest.approx(36.3078, rel=1e-5)
