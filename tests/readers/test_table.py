"""Generic tables: every holder gives the same light curves; what is not stated is refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest

from firstlight.errors import DataError, FirstlightError, UnknownNameError, UsageError
from firstlight.lightcurves import Flag
from firstlight.readers import read_batches, read_table

FLUXCAL = {"survey": "ZTF", "flux_unit": "FLUXCAL"}


def write(table: pa.Table, path: Path) -> Path:
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=7)
    elif path.suffix == ".arrow":
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
    elif path.suffix == ".feather":
        pyarrow.feather.write_feather(table, path)
    elif path.name.endswith(".csv.gz"):
        with pa.CompressedOutputStream(str(path), "gzip") as file:
            pyarrow.csv.write_csv(table, file)
    elif path.suffix == ".csv":
        pyarrow.csv.write_csv(table, path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(f"{json.dumps(row)}\n" for row in table.to_pylist()))
    elif path.suffix == ".json":
        path.write_text(json.dumps(table.to_pylist(), indent=1))
    else:
        from astropy.table import Table

        form = {".fits": "fits", ".ecsv": "ascii.ecsv", ".vot": "votable"}[path.suffix]
        Table(table.to_pydict()).write(path, format=form)
    return path


@pytest.mark.parametrize(
    "name",
    [
        "t.parquet",
        "t.arrow",
        "t.feather",
        "t.csv",
        "t.csv.gz",
        "t.jsonl",
        "t.json",
        "t.fits",
        "t.ecsv",
        "t.vot",
    ],
)
def test_every_kind_of_file_gives_the_same_light_curves(
    table: pa.Table, tmp_path: Path, name: str, same: Callable[..., bool]
) -> None:
    assert same(read_table(write(table, tmp_path / name), **FLUXCAL), read_table(table, **FLUXCAL))


def test_the_content_of_a_file_decides_not_its_name(
    table: pa.Table, tmp_path: Path, same: Callable[..., bool]
) -> None:
    path = write(table, tmp_path / "t.parquet").rename(tmp_path / "t.csv")
    assert same(read_table(path, **FLUXCAL), read_table(table, **FLUXCAL))


def holders() -> dict[str, Any]:
    def astropy(table: pa.Table) -> Any:
        from astropy.table import Table

        return Table(table.to_pydict())

    def qtable(table: pa.Table) -> Any:
        from astropy.table import QTable

        return QTable(table.to_pydict())

    def polars(table: pa.Table) -> Any:
        return pytest.importorskip("polars").from_arrow(table)

    def masked(table: pa.Table) -> Any:
        return {k: np.ma.MaskedArray(np.asarray(v), mask=False) for k, v in table.to_pydict().items()}

    def records(table: pa.Table) -> Any:
        return table.to_pandas().to_records(index=False)

    return {
        "arrow": lambda t: t,
        "pandas": lambda t: t.to_pandas(),
        "pandas indexed by id": lambda t: t.to_pandas().set_index("object_id"),
        "polars": polars,
        "astropy": astropy,
        "astropy QTable": qtable,
        "dict of lists": lambda t: t.to_pydict(),
        "dict of masked arrays": masked,
        "list of rows": lambda t: t.to_pylist(),
        "record batch": lambda t: t.to_batches()[0],
        "numpy records": records,
    }


@pytest.mark.parametrize("holder", list(holders()))
def test_every_kind_of_table_in_memory_gives_the_same_light_curves(
    table: pa.Table, holder: str, same: Callable[..., bool]
) -> None:
    pytest.importorskip("pandas")
    assert same(read_table(holders()[holder](table), **FLUXCAL), read_table(table, **FLUXCAL))


@pytest.mark.parametrize(
    ("spelling", "unit"),
    [
        ({"flux": "FLUXCAL", "flux_err": "FLUXCALERR"}, None),
        (
            {"flux": "FLUXCAL", "flux_err": "FLUXCALERR", "object_id": "SNID", "mjd": "MJD", "band": "FLT"},
            None,
        ),
        ({"object_id": "oid", "band": "fid"}, "FLUXCAL"),
        ({"object_id": "id", "mjd": "time", "band": "filter", "flux_err": "fluxerr"}, "FLUXCAL"),
        ({"object_id": "Object_ID", "mjd": "Mjd", "flux": "Flux"}, "FLUXCAL"),
    ],
)
def test_the_usual_spellings_are_found(
    table: pa.Table, spelling: dict[str, str], unit: str | None, same: Callable[..., bool]
) -> None:
    renamed = table.rename_columns([spelling.get(name, name) for name in table.column_names])
    assert same(read_table(renamed, survey="ZTF", flux_unit=unit), read_table(table, **FLUXCAL))


@pytest.mark.parametrize(
    ("name", "point"),
    [("psfFlux", 31.4), ("flux_nJy", 31.4), ("uJy", 23.9), ("psFlux", 27.5), ("flux_mJy", 16.4)],
)
def test_a_name_that_says_its_unit_needs_no_option(
    table: pa.Table, name: str, point: float, same: Callable[..., bool]
) -> None:
    factor = 10 ** (0.4 * (point - 27.5))
    scaled = table.set_column(3, name, pa.array(table["flux"].to_numpy() * factor))
    scaled = scaled.set_column(4, "flux_err", pa.array(table["flux_err"].to_numpy() * factor))
    assert same(read_table(scaled, survey="ZTF"), read_table(table, **FLUXCAL))


def test_the_unit_may_stand_in_the_column(table: pa.Table, same: Callable[..., bool]) -> None:
    fields = [f.with_metadata({"unit": "FLUXCAL"}) if f.name == "flux" else f for f in table.schema]
    assert same(read_table(table.cast(pa.schema(fields)), survey="ZTF"), read_table(table, **FLUXCAL))
    from astropy import units
    from astropy.table import QTable

    quantities = QTable(table.to_pydict())
    for name in ("flux", "flux_err"):
        quantities[name] = np.asarray(quantities[name]) * 3.6307805477010137e-8 * units.Jy
    assert same(read_table(quantities, survey="ZTF"), read_table(table, **FLUXCAL))


def test_the_unit_may_stand_in_the_file(table: pa.Table, tmp_path: Path, same: Callable[..., bool]) -> None:
    for metadata in ({"flux_unit": "FLUXCAL"}, {"zero_point": "27.5"}):
        path = write(table.replace_schema_metadata(metadata), tmp_path / "t.parquet")
        assert same(read_table(path, survey="ZTF"), read_table(table, **FLUXCAL))


def test_a_column_of_zero_points_wins_over_the_option(table: pa.Table, same: Callable[..., bool]) -> None:
    points = np.where(np.arange(len(table)) % 3 == 0, 25.0, 27.5)
    factor = 10 ** (0.4 * (points - 27.5))
    scaled = table.set_column(3, "flux", pa.array(table["flux"].to_numpy() * factor))
    scaled = scaled.set_column(4, "flux_err", pa.array(table["flux_err"].to_numpy() * factor))
    scaled = scaled.append_column("zp", pa.array(points))
    report: list[str] = []
    assert same(
        read_table(scaled, survey="ZTF", zero_point=31.4, report=report), read_table(table, **FLUXCAL)
    )
    assert "zp" in report[0]


def test_no_unit_is_refused_with_the_options(table: pa.Table, tmp_path: Path) -> None:
    path = write(table, tmp_path / "mine.csv")
    with pytest.raises(
        DataError, match=r"^mine\.csv: no flux unit\. Column 'flux' has no unit; say flux_unit='nJy'"
    ):
        read_table(path, survey="ZTF")


def test_statements_about_the_unit_that_differ_are_refused(
    table: pa.Table, same: Callable[..., bool]
) -> None:
    renamed = table.rename_columns(["object_id", "mjd", "band", "psfFlux", "psfFluxErr"])
    with pytest.raises(DataError, match=r"flux_unit='FLUXCAL'.*the name 'psfFlux' \(nJy\) do not agree"):
        read_table(renamed, survey="ZTF", flux_unit="FLUXCAL")
    # A column that the caller names is what the caller says it is.
    assert same(
        read_table(renamed, survey="ZTF", flux_unit="FLUXCAL", columns={"flux": "psfFlux"}),
        read_table(table, **FLUXCAL),
    )
    fields = [
        f.with_metadata({"unit": {"flux": "uJy", "flux_err": "nJy"}.get(f.name, "")}) for f in table.schema
    ]
    with pytest.raises(DataError, match="do not agree"):
        read_table(table.cast(pa.schema(fields)), survey="ZTF")
    with pytest.raises(UsageError, match="both a flux unit and a zero point"):
        read_table(table, survey="ZTF", flux_unit="nJy", zero_point=25.0)
    with pytest.raises(UnknownNameError, match="Did you mean 'uJy'"):
        read_table(table, survey="ZTF", flux_unit="uJyy")


def test_a_missing_column_is_named_with_what_was_found(table: pa.Table, tmp_path: Path) -> None:
    path = write(table.rename_columns(["id", "when", "filt", "f", "ferr"]), tmp_path / "mine.csv")
    with pytest.raises(
        DataError, match=r"mine\.csv: no time column\. Found: id, when, filt, f, ferr\. Expected one of"
    ):
        read_table(path, **FLUXCAL)
    assert len(read_table(path, **FLUXCAL, columns={"time": "when"})) == 3
    with pytest.raises(DataError, match=r"no column 'whn'.*Did you mean 'when'"):
        read_table(path, **FLUXCAL, columns={"time": "whn"})
    with pytest.raises(UnknownNameError, match="column role 'tme'"):
        read_table(path, **FLUXCAL, columns={"tme": "when"})


@pytest.mark.parametrize("role", ["flux", "flux_err"])
def test_fluxes_and_errors_cannot_be_missing(table: pa.Table, role: str) -> None:
    with pytest.raises(DataError, match="no flux"):
        read_table(table.drop_columns([role]), **FLUXCAL)


def test_two_columns_for_one_role_are_refused_with_the_candidates(
    table: pa.Table, same: Callable[..., bool]
) -> None:
    twice = table.append_column("FLUXCAL", table["flux"])
    with pytest.raises(DataError, match="2 columns could be the flux: flux, FLUXCAL"):
        read_table(twice, survey="ZTF")
    assert same(read_table(twice, survey="ZTF", columns={"flux": "FLUXCAL"}), read_table(table, **FLUXCAL))
    # An id beside a name is no conflict.
    named = table.append_column("name", pa.array(["x"] * len(table)))
    assert read_table(named, **FLUXCAL).object_id == ["SN0", "SN1", "SN2"]


def test_unknown_extra_columns_and_their_order_change_nothing(
    table: pa.Table, same: Callable[..., bool]
) -> None:
    extra = table.append_column("airmass", pa.array(np.ones(len(table)))).append_column(
        "note", pa.array([None] * len(table))
    )
    assert same(read_table(extra.select(extra.column_names[::-1]), **FLUXCAL), read_table(table, **FLUXCAL))


# -- time ------------------------------------------------------------------------------------------------


def test_julian_dates_are_refused_unless_stated(
    table: pa.Table, tmp_path: Path, same: Callable[..., bool]
) -> None:
    jd = table.set_column(1, "time", pa.array(table["mjd"].to_numpy() + 2_400_000.5))
    path = write(jd, tmp_path / "mine.csv")
    with pytest.raises(DataError, match=r"mine\.csv: column 'time' holds 24590.*not MJD.*time_format='jd'"):
        read_table(path, **FLUXCAL)
    assert same(read_table(path, **FLUXCAL, time_format="jd"), read_table(table, **FLUXCAL))
    named = jd.rename_columns(["object_id", "jd", "band", "flux", "flux_err"])
    assert same(read_table(named, **FLUXCAL), read_table(table, **FLUXCAL))


def test_a_column_called_jd_with_mjd_in_it_is_refused(table: pa.Table) -> None:
    with pytest.raises(DataError, match=r"not Julian dates.*time_format='mjd'"):
        read_table(table.rename_columns(["object_id", "jd", "band", "flux", "flux_err"]), **FLUXCAL)


def test_timestamps_and_astropy_times_are_mjd(table: pa.Table, same: Callable[..., bool]) -> None:
    microseconds = np.round((table["mjd"].to_numpy() - 40_587.0) * 86_400e6).astype("int64")
    stamps = table.set_column(1, "time", pa.array(microseconds).cast(pa.timestamp("us")))
    assert same(read_table(stamps, **FLUXCAL), read_table(table, **FLUXCAL))
    from astropy.table import Table
    from astropy.time import Time

    astropy = Table(table.to_pydict())
    astropy["mjd"] = Time(astropy["mjd"], format="mjd", scale="utc")
    assert same(read_table(astropy, **FLUXCAL), read_table(table, **FLUXCAL))


# -- magnitudes ------------------------------------------------------------------------------------------


def magnitudes(table: pa.Table) -> pa.Table:
    """The positive rows as magnitudes."""
    flux, error = table["flux"].to_numpy(), table["flux_err"].to_numpy()
    good = flux > 5
    mag = 27.5 - 2.5 * np.log10(np.where(good, flux, np.nan))
    return pa.table(
        {
            "object_id": table["object_id"],
            "mjd": table["mjd"],
            "band": table["band"],
            "mag": pa.array(mag, from_pandas=True),
            "mag_err": pa.array(np.where(good, error / (0.4 * np.log(10) * flux), np.nan), from_pandas=True),
            "limit_mag": pa.array(np.where(good, np.nan, 20.5), from_pandas=True),
        }
    )


def test_magnitudes_give_the_fluxes_and_null_magnitudes_are_limits(table: pa.Table) -> None:
    curves, fluxes = read_table(magnitudes(table), survey="ZTF"), read_table(table, **FLUXCAL)
    limit = np.isnan(curves.flux)
    assert np.allclose(curves.flux[~limit], fluxes.flux[~limit], rtol=1e-12)
    assert np.allclose(curves.flux_err[~limit], fluxes.flux_err[~limit], rtol=1e-12)
    assert np.allclose(curves.limit[limit], 10 ** (0.4 * (31.4 - 20.5)))
    assert limit.any() and not curves.flags.any() and not curves.detected[limit].any()


@pytest.mark.parametrize(
    "plus, minus", [("t", "f"), ("1", "0"), (1, -1), (True, False), ("1", "-1"), ("y", "n")]
)
def test_signs_are_understood_in_all_spellings(table: pa.Table, plus: Any, minus: Any) -> None:
    signed = magnitudes(table)
    down = np.arange(len(signed)) % 4 == 1
    signed = signed.append_column("isdiffpos", pa.array([minus if d else plus for d in down.tolist()]))
    curves = read_table(signed, survey="ZTF")
    measured = np.isfinite(curves.flux)
    assert ((curves.flux < 0) == down)[measured].all()
    assert not curves.flags[measured].any()


def test_a_magnitude_with_an_unreadable_sign_is_not_used(table: pa.Table) -> None:
    signed = magnitudes(table).append_column("isdiffpos", pa.array(["t"] * (len(table) - 1) + ["?"]))
    curves = read_table(signed.slice(40), survey="ZTF")
    if np.isfinite(curves.flux[-1]):
        assert curves.flags[-1] & Flag.BAD_QUALITY


def test_sentinel_limits_and_magnitudes_are_no_values() -> None:
    columns = {
        "id": ["a"] * 4,
        "mjd": [5e4, 5e4 + 1, 5e4 + 2, 5e4 + 3],
        "band": ["g"] * 4,
        "mag": [99.0, None, None, 19.0],
    }
    columns |= {"mag_err": [0.1, None, None, 0.1], "diffmaglim": [20.0, -999.0, 19.5, 20.1]}
    curves = read_table(columns, survey="ZTF")
    assert np.isfinite(curves.limit).tolist() == [True, False, True, False]
    assert (curves.flags != 0).tolist() == [False, True, False, False]


def test_a_magnitude_column_given_as_flux_is_refused(table: pa.Table) -> None:
    with pytest.raises(DataError, match=r"'mag' given as flux holds magnitudes.*columns=\{'mag': 'mag'\}"):
        read_table(magnitudes(table), survey="ZTF", columns={"flux": "mag"}, flux_unit="nJy")
    good = magnitudes(table).slice(5, 8).rename_columns(["object_id", "mjd", "band", "flux", "flux_err", "x"])
    with pytest.raises(DataError, match=r"look like magnitudes.*as mag and mag_err"):
        read_table(good, survey="ZTF", flux_unit="nJy")
    fields = [f.with_metadata({"unit": "mag"}) if f.name == "flux" else f for f in table.schema]
    with pytest.raises(DataError, match=r"magnitudes are not fluxes.*columns=\{'mag': "):
        read_table(table.cast(pa.schema(fields)), survey="ZTF")


def test_magnitudes_in_another_system_are_refused(table: pa.Table) -> None:
    vega = magnitudes(table).append_column("magsys", pa.array(["vega"] * len(table)))
    with pytest.raises(DataError, match="column 'magsys' says 'vega'; only AB"):
        read_table(vega, survey="ZTF")


# -- passbands and surveys -------------------------------------------------------------------------------


def test_a_survey_must_be_stated(table: pa.Table, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"mine\.csv: no survey is stated.*survey='ZTF'"):
        read_table(write(table, tmp_path / "mine.csv"), flux_unit="FLUXCAL")


def test_an_unknown_passband_is_named_with_the_nearest(table: pa.Table, tmp_path: Path) -> None:
    bands = ["ztfG_" if i < 3 else "g" for i in range(len(table))]
    path = write(table.set_column(2, "band", pa.array(bands)), tmp_path / "mine.csv")
    with pytest.raises(UnknownNameError, match=r"mine\.csv: .*unknown passband 'zz'|mine\.csv.*3 rows"):
        read_table(write(table.set_column(2, "band", pa.array(["zz"] * 3 + bands[3:])), path), **FLUXCAL)
    report: list[str] = []
    curves = read_table(path, **FLUXCAL, unknown_passbands="drop", report=report)
    assert len(curves) == 3 and len(curves.time) == len(table)
    assert (curves.flags & Flag.DROPPED_UNKNOWN_PASSBAND > 0).sum() == 3 or not report


@pytest.mark.parametrize("y", ["y", "Y", "lsst_y", "LSST-y", "5", 5])
def test_all_spellings_of_lsst_y_are_one_passband(y: Any) -> None:
    curves = read_table(
        {"id": [1], "mjd": [60_000.0], "band": [y], "psfFlux": [1.0], "psfFluxErr": [1.0]}, survey="LSST"
    )
    assert curves.passbands[curves.passband[0]] == "LSST-y"


def test_a_survey_column_replaces_the_option_and_several_surveys_are_joined(
    table: pa.Table, same: Callable[..., bool]
) -> None:
    one = table.append_column("survey", pa.array(["ztf"] * len(table)))
    assert same(read_table(one, flux_unit="FLUXCAL"), read_table(table, **FLUXCAL))
    with pytest.raises(DataError, match="rows of survey ZTF, but survey='LSST'"):
        read_table(one, survey="LSST", flux_unit="FLUXCAL")
    per_object = ["ZTF"] * 20 + ["LSST"] * 20 + ["ZTF"] * 20
    curves = read_table(table.append_column("survey", pa.array(per_object)), flux_unit="FLUXCAL")
    assert curves.object_id == ["SN0", "SN1", "SN2"]
    assert curves.objects["survey"].to_pylist() == ["ZTF", "LSST", "ZTF"]
    assert {curves.passbands[code] for code in curves["SN1"].passband} == {"LSST-g", "LSST-r"}


def test_an_object_that_two_surveys_saw_is_one_object(table: pa.Table) -> None:
    alternating = pa.array(["ZTF" if i % 4 < 2 else "Pan-STARRS" for i in range(len(table))])
    curves = read_table(table.append_column("survey", alternating), flux_unit="FLUXCAL")
    assert len(curves) == 3 and curves.n_observations.tolist() == [20, 20, 20]
    assert (np.diff(curves[1].time) > 0).all()
    assert curves.objects["survey"].to_pylist() == ["ZTF+Pan-STARRS"] * 3
    assert len({curves.passbands[code] for code in curves.passband}) == 4


# -- rows that cannot be used ----------------------------------------------------------------------------


def test_broken_rows_are_flagged_and_never_lose_the_others(table: pa.Table) -> None:
    flux, error = table["flux"].to_numpy().copy(), table["flux_err"].to_numpy().copy()
    flux[3], error[4], error[5], error[6] = np.nan, 0.0, -999.0, np.inf
    broken = table.set_column(3, "flux", pa.array(flux)).set_column(4, "flux_err", pa.array(error))
    curves = read_table(broken, **FLUXCAL)
    assert (curves.flags[[3, 6]] & Flag.DROPPED_NAN > 0).all()
    assert (curves.flags[[4, 5]] & Flag.DROPPED_BAD_ERROR > 0).all()
    assert curves.usable.sum() == len(table) - 4 and len(curves) == 3


def test_one_time_for_all_rows_is_flagged(table: pa.Table) -> None:
    curves = read_table(table.set_column(1, "mjd", pa.array(np.full(len(table), 59_000.0))), **FLUXCAL)
    assert (curves.object_flags & Flag.SINGLE_EPOCH > 0).all()


def test_an_object_with_limits_only_stays_as_a_row() -> None:
    columns = {
        "id": ["a", "a"],
        "mjd": [5e4, 5e4 + 1],
        "fid": [1, 2],
        "magpsf": [None, None],
        "sigmapsf": [None, None],
    }
    curves = read_table({**columns, "diffmaglim": [20.0, 20.1]}, survey="ZTF")
    assert len(curves) == 1 and np.isfinite(curves.limit).all()
    assert curves.object_flags[0] & Flag.NO_DETECTION


def test_a_detection_column_wins_over_signal_to_noise(table: pa.Table) -> None:
    flags = [i % 5 == 0 for i in range(len(table))]
    for name, values in (
        ("detected", flags),
        ("detection", [int(f) for f in flags]),
        ("detected_bool", [str(f) for f in flags]),
    ):
        curves = read_table(table.append_column(name, pa.array(values)), **FLUXCAL)
        assert curves.detected.tolist() == flags


@pytest.mark.parametrize("kind", ["int32", "float32", ">f4", ">f8", "float64", "object"])
def test_number_types_do_not_matter(kind: str) -> None:
    flux = np.array([100, 200, 300], dtype=kind)
    curves = read_table(
        {
            "id": np.array([1, 1, 2], ">i8"),
            "mjd": np.array([5e4, 5e4 + 1, 5e4 + 2], ">f8"),
            "band": [1, 2, 1],
            "flux": flux,
            "flux_err": flux / 10,
        },
        survey="ZTF",
        flux_unit="nJy",
    )
    assert curves.flux.tolist() == [100, 200, 300] and curves.object_id == ["1", "2"]


def test_nulls_and_masks_are_missing_not_numbers() -> None:
    flux = np.ma.MaskedArray([1.0, 2.0, -999.0], mask=[False, False, True])
    curves = read_table(
        {
            "id": ["a"] * 3,
            "mjd": pa.array([5e4, 5e4 + 1, 5e4 + 2]),
            "band": ["g"] * 3,
            "flux": flux,
            "flux_err": [1.0, 1.0, 1.0],
        },
        survey="ZTF",
        flux_unit="nJy",
    )
    assert curves.flags.tolist() == [0, 0, Flag.DROPPED_NAN]


# -- ids -------------------------------------------------------------------------------------------------


def test_ids_keep_all_their_digits(tmp_path: Path) -> None:
    ids = [170587116732416143, 170587116732416144]
    columns = {
        "diaObjectId": ids,
        "mjd": [5e4, 5e4 + 1],
        "band": ["g", "g"],
        "psfFlux": [1.0, 1.0],
        "psfFluxErr": [1.0, 1.0],
    }
    for path in (tmp_path / "t.csv", tmp_path / "t.parquet"):
        assert read_table(write(pa.table(columns), path), survey="LSST").object_id == [str(i) for i in ids]
    with pytest.raises(DataError, match="digits may be lost"):
        read_table({**columns, "diaObjectId": [float(i) for i in ids]}, survey="LSST")


def test_ids_of_any_type_and_spelling_are_kept_in_the_order_of_the_table() -> None:
    for ids, names in (
        (["10", "9", "1", "100"], None),
        (["SN 2020 a", "äöü", "b c", "日本"], None),
        ([10, 9, 1, 100], ["10", "9", "1", "100"]),
        ([10.0, 9.0, 1.0, 100.0], ["10", "9", "1", "100"]),
        (["  10 ", "9", "1", "100"], ["10", "9", "1", "100"]),
    ):
        columns = {"id": ids, "mjd": [5e4] * 4, "band": ["g"] * 4, "flux": [1.0] * 4, "flux_err": [1.0] * 4}
        assert read_table(columns, survey="ZTF", flux_unit="nJy").object_id == (names or ids)


def test_rows_without_an_id_are_left_out_and_reported(table: pa.Table) -> None:
    report: list[str] = []
    ids = [None, *table["object_id"].to_pylist()[1:]]
    curves = read_table(table.set_column(0, "object_id", pa.array(ids)), **FLUXCAL, report=report)
    assert len(curves.time) == len(table) - 1 and "1 rows without object id" in report[0]


def test_scattered_rows_of_one_object_are_one_object(table: pa.Table) -> None:
    order = np.random.default_rng(3).permutation(len(table))
    shuffled, straight = read_table(table.take(pa.array(order)), **FLUXCAL), read_table(table, **FLUXCAL)
    assert sorted(shuffled.object_id) == straight.object_id
    for name in straight.object_id:
        assert np.array_equal(shuffled[name].flux, straight[name].flux)


def test_an_empty_table_gives_no_objects_with_the_same_columns(table: pa.Table, tmp_path: Path) -> None:
    full = read_table(table, **FLUXCAL)
    for name in ("t.csv", "t.parquet", "t.feather", "t.fits"):
        empty = read_table(write(table.slice(0, 0), tmp_path / name), **FLUXCAL)
        assert len(empty) == 0 and empty.passbands == full.passbands
        assert empty.objects.schema.equals(full.objects.schema)


def test_a_table_of_one_object_without_ids_is_given_a_name(table: pa.Table, tmp_path: Path) -> None:
    one = table.filter(pa.compute.equal(table["object_id"], "SN1"))
    nameless = one.drop_columns(["object_id"])
    expected = read_table(one, **FLUXCAL)
    for holder in (nameless, write(nameless, tmp_path / "t.csv"), write(nameless, tmp_path / "t.parquet")):
        curves = read_table(holder, **FLUXCAL, object_id="SN 2020abc")
        assert curves.object_id == ["SN 2020abc"]
        np.testing.assert_array_equal(curves.flux, expected.flux)
        (piece,) = read_batches(holder, **FLUXCAL, object_id="SN 2020abc")
        assert piece.object_id == ["SN 2020abc"] and len(piece.time) == len(one)
    with pytest.raises(UsageError, match="column 'object_id' names the objects already"):
        read_table(table, **FLUXCAL, object_id="SN 2020abc")


def test_a_conflict_names_the_argument_that_leaves_the_column_out(table: pa.Table) -> None:
    two = table.append_column("z", pa.array(np.arange(len(table)) / 100.0))
    with pytest.raises(DataError, match=r"two values of 'z'.*columns=\{'redshift': None\}"):
        read_table(two, **FLUXCAL)
    assert len(read_table(two, **FLUXCAL, columns={"redshift": None})) == 3


def test_the_state_of_dereddening_may_stand_in_a_column(table: pa.Table, tmp_path: Path) -> None:
    said = table.append_column("dereddened", pa.array(["true"] * 20 + ["false"] * 40))
    for holder in (said, write(said, tmp_path / "t.csv")):
        curves = read_table(holder, **FLUXCAL)
        assert curves.column("dereddened").tolist() == [True, False, False]


def test_json_that_is_no_table_says_how_one_is_written(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    for content in ('{"a": {', "[1, 2]", '{\n  "a": 1\n}\n{', "[["):
        path.write_text(content)
        with pytest.raises(DataError, match=r"t\.json"):
            read_table(path, **FLUXCAL)


@pytest.mark.parametrize("rows", [0, 60])
def test_columns_without_any_value_have_no_type_and_no_say(
    table: pa.Table, rows: int, tmp_path: Path
) -> None:
    """As pandas writes an empty frame: what is there is read, what is not is missing."""
    full = table.append_column("detected", pa.array([True] * 60)).append_column(
        "label", pa.array(["SN Ia"] * 60)
    )
    for name in full.column_names:
        place = full.column_names.index(name)
        part = full.set_column(place, name, pa.nulls(60)).slice(0, rows)
        curves = read_table(write(part, tmp_path / "t.parquet"), **FLUXCAL, unknown_passbands="drop")
        assert len(curves) == (3 if rows and name != "object_id" else 0)
        assert curves.usable.any() == (rows > 0 and name in ("detected", "label"))
    assert len(read_table(pa.table({name: pa.nulls(0) for name in full.column_names}), **FLUXCAL)) == 0


@pytest.mark.parametrize("name", ["t.parquet", "t.feather", "t.arrow", "t.csv", "t.jsonl", "t.fits", "t.vot"])
def test_whatever_happens_to_a_file_it_is_read_or_refused(table: pa.Table, tmp_path: Path, name: str) -> None:
    """Cut, overwritten, and grown in random places: never a crash, never an error that is not ours."""
    random = np.random.default_rng(4)
    whole = write(table, tmp_path / name).read_bytes()
    path = tmp_path / f"damaged-{name}"
    for _ in range(40):
        one, other = np.sort(random.integers(0, len(whole), 2)).tolist()
        noise = random.integers(0, 256, int(random.integers(1, 24)), dtype=np.uint8).tobytes()
        for content in (
            whole[:one],
            whole[:one] + noise + whole[one + len(noise) :],
            whole[:one] + whole[other:],
        ):
            path.write_bytes(content)
            try:
                read_table(path, **FLUXCAL, unknown_passbands="drop").objects.to_pylist()
            except FirstlightError as error:
                assert name in str(error)
