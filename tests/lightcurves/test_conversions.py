"""Conversions lose nothing: Arrow, Parquet, pandas, nested-pandas, polars, astropy, both ways."""

import json
import pickle
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.errors import DataError, UnknownNameError
from firstlight.facts import survey
from firstlight.lightcurves import Flag, LightCurves
from firstlight.readers import read_table

ROUND_TRIPS = {
    "arrow": lambda curves: LightCurves.from_arrow(curves.to_arrow()),
    "pandas": lambda curves: LightCurves.from_pandas(curves.to_pandas()),
    "polars": lambda curves: LightCurves.from_polars(curves.to_polars()),
    "astropy": lambda curves: LightCurves.from_astropy(curves.to_astropy()),
    "nested-pandas": lambda curves: LightCurves.from_nested_pandas(curves.to_nested_pandas()),
}


def everything() -> LightCurves:
    """Two surveys, objects without observations, flagged rows, limits, missing and sentinel metadata."""
    ztf = LightCurves.from_columns(
        object_id=["b", "b", "a", "b", "a", "a", "b", "b"],
        time=[59_000.1234567891, 58_999.0, 5e4, 59_000.1234567891, np.nan, 5e4 + 2, 5e4 + 4, 5e4 + 5],
        passband=["g", "r", "g", "g", "i", "q", "r", "g"],
        survey="ZTF",
        flux=[1000.0, -50.0, 1 / 3, 1000.0, 7.0, 8.0, np.nan, 9.0],
        flux_err=[10.0, 10.0, 0.1, 10.0, 1.0, 1.0, np.nan, -999.0],
        limit=[np.nan] * 6 + [123.0, np.nan],
        flux_unit="nJy",
        unknown_passbands="drop",
        objects={
            "object_id": ["a", "c", "b"],
            "redshift": [0.1, -9.0, np.nan],
            "label": ["SN Ia", None, "TDE"],
            "n": pa.array([1, None, 3]),
            "note": [None, "é", "x"],
            "deep": [True, None, False],
        },
    )
    lsst = LightCurves.from_columns(
        object_id=[2**62 + 1], time=[60_000.0], passband=["y"], survey="LSST", flux=[5.0], flux_err=[0.5],
        flux_unit="uJy", dereddened=True,
    )  # fmt: skip
    return LightCurves.concat([ztf, lsst])


@pytest.mark.parametrize("form", ROUND_TRIPS)
def test_a_round_trip_gives_the_same_value(form: str) -> None:
    curves = everything()
    assert ROUND_TRIPS[form](curves).equals(curves)


@pytest.mark.parametrize("form", ROUND_TRIPS)
def test_nothing_survives_a_round_trip_as_nothing(form: str) -> None:
    empty = everything()[[]]
    assert ROUND_TRIPS[form](empty).equals(empty)


@pytest.mark.parametrize("form", ROUND_TRIPS)
def test_objects_without_observations_survive(form: str) -> None:
    curves = everything()["c", "a"]
    back = ROUND_TRIPS[form](curves)
    assert back.object_id == ["c", "a"] and back.n_observations.tolist() == [0, 3]
    assert back.equals(curves)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.floats(59_000, 59_009), st.sampled_from("gri"), st.floats(-9, 9))
    )
)
@pytest.mark.parametrize("form", ROUND_TRIPS)
def test_random_light_curves_survive(form: str, rows) -> None:
    ids, time, band, flux = zip(*rows, strict=True) if rows else ([], [], [], [])
    given = {"object_id": list(ids), "time": time, "passband": list(band), "flux": flux, "survey": "ZTF"}
    curves = LightCurves.from_columns(**given, flux_err=[1.0] * len(rows), flux_unit="nJy")
    assert ROUND_TRIPS[form](curves).equals(curves)


def test_parquet_in_between_loses_nothing(tmp_path) -> None:
    curves = everything()
    pq.write_table(curves.to_arrow(), tmp_path / "curves.parquet")
    assert LightCurves.from_arrow(pq.read_table(tmp_path / "curves.parquet")).equals(curves)


def test_the_nested_table_has_one_row_an_object_and_says_its_unit() -> None:
    table = everything().to_arrow()
    assert table.num_rows == 4
    assert table.schema.metadata[b"firstlight.flux_unit"] == b"nJy"
    assert pa.types.is_list(table.schema.field("lightcurve").type)


def test_the_long_table_has_one_row_an_observation() -> None:
    table = everything().observations()
    assert table.num_rows == 9
    assert table.column_names[:5] == ["object_id", "mjd", "band", "flux", "flux_err"]


def test_astropy_tables_carry_units_and_honour_them() -> None:
    curves = everything()
    observations = curves.to_astropy()
    objects = curves.to_astropy(observations=False)
    assert str(observations["flux"].unit) == "nJy" and str(observations["mjd"].unit) == "d"
    for name in ("flux", "flux_err", "limit"):
        observations[name] = observations[name].quantity.to("uJy")
    back = LightCurves.from_astropy(observations, objects)
    np.testing.assert_allclose(back.flux, curves.flux, rtol=1e-12)
    observations["flux"].unit = "s"
    with pytest.raises(DataError, match=r"column 'flux'.*unit s"):
        LightCurves.from_astropy(observations, objects)


def test_tables_of_objects_may_be_left_out() -> None:
    observations = everything().observations().to_pandas()
    curves = LightCurves.from_pandas(observations)
    assert curves.object_id == ["b", "a", str(2**62 + 1)]
    assert curves.column("survey").tolist() == ["ZTF", "ZTF", "LSST"]


@pytest.mark.parametrize("name", ["pandas", "polars", "astropy"])
def test_the_pair_that_a_conversion_gives_can_be_handed_back(name: str) -> None:
    curves = everything()
    given = getattr(curves, f"to_{name}")
    assert getattr(LightCurves, f"from_{name}")((given(), given(observations=False))).equals(curves)
    assert len(given(observations=False)) == len(curves)


def test_plain_passband_names_bring_the_whole_survey() -> None:
    curves = everything()[:2]
    observations, objects = curves.to_pandas(), curves.to_pandas(observations=False)
    observations["band"] = observations["band"].astype(str).where(observations["band"].notna(), None)
    curves = LightCurves.from_pandas(observations, objects)
    assert curves.passbands == tuple(band.name for band in survey("ZTF").passbands)


def test_structs_of_lists_are_understood_too() -> None:
    curves = everything()
    table = curves.to_arrow()
    nested = table.column("lightcurve").combine_chunks()
    offsets = nested.offsets
    fields = {field.name: nested.values.field(k) for k, field in enumerate(nested.type.value_type)}
    lists = [pa.ListArray.from_arrays(offsets, values) for values in fields.values()]
    turned = pa.StructArray.from_arrays(lists, names=list(fields))
    position = table.column_names.index("lightcurve")
    assert LightCurves.from_arrow(table.set_column(position, "lightcurve", turned)).equals(curves)


def test_a_slice_of_a_table_is_the_slice_of_its_objects() -> None:
    curves = everything()
    assert LightCurves.from_arrow(curves.to_arrow().slice(1, 2)).equals(curves[1:3])


def test_what_is_missing_or_unknown_is_named() -> None:
    curves = everything()
    observations, objects = curves.to_pandas(), curves.to_pandas(observations=False)
    with pytest.raises(DataError, match=r"no column flux_err\. Found: .*from_columns"):
        LightCurves.from_pandas(observations.drop(columns="flux_err"), objects)
    with pytest.raises(DataError, match="no column object_id"):
        LightCurves.from_pandas(observations.drop(columns="object_id"), objects)
    with pytest.raises(DataError, match=r"object 'b'.*no row in the table of objects"):
        LightCurves.from_pandas(observations, objects[objects.object_id != "b"])
    with pytest.raises(UnknownNameError, match="unknown passband 'g'"):
        LightCurves.from_pandas(observations.assign(band="g"), objects)
    with pytest.raises(DataError, match="no column lightcurve"):
        LightCurves.from_arrow(pa.table({"object_id": ["a"]}))
    with pytest.raises(DataError, match="not a list of structs"):
        LightCurves.from_arrow(pa.table({"object_id": ["a"], "lightcurve": [[1.0]]}))


def test_lists_of_different_length_in_one_object_are_refused() -> None:
    names = ["mjd", "band", "flux", "flux_err"]
    lists = [
        pa.array([[1.0, 2.0]]),
        pa.array([["ZTF-g", "ZTF-g"]]),
        pa.array([[1.0]]),
        pa.array([[1.0, 1.0]]),
    ]
    table = pa.table({"object_id": ["a"], "lightcurve": pa.StructArray.from_arrays(lists, names=names)})
    with pytest.raises(DataError, match="lists of unequal length: 'mjd' has 2, 'flux' has 1"):
        LightCurves.from_arrow(table)


def test_flags_travel(bump: LightCurves) -> None:
    flagged = LightCurves.from_columns(
        object_id=["a"] * 2, time=[5e4, 5e4 + 1], passband=["g", "g"], survey="ZTF", flux=[9.0, 9.0],
        flux_err=[1.0, 1.0], flux_unit="nJy", flags=[0, int(Flag.BAD_QUALITY)],
    )  # fmt: skip
    for convert in ROUND_TRIPS.values():
        assert convert(flagged).flags.tolist() == [0, Flag.BAD_QUALITY]
        assert convert(bump).equals(bump)


OWN = {"name": "Mine", "passbands": {"w": {"wavelength_um": 0.61, "width_um": 0.38, "depth": 20.5}}}
AGAIN = """
import pickle, sys
from firstlight.lightcurves import LightCurves
form, value = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps(getattr(LightCurves, "from_" + form)(value)))
"""


def own(size: int = 3) -> LightCurves:
    given = {
        "object_id": ["own"] * size,
        "time": 5e4 + np.arange(size),
        "passband": ["w"] * size,
        "survey": OWN,
    }
    one = LightCurves.from_columns(**given, flux=[9.0] * size, flux_err=[1.0] * size, flux_unit="nJy")
    return LightCurves.concat([one, everything()])


@pytest.mark.parametrize("size", [0, 3])
@pytest.mark.parametrize("form", ["arrow", "pandas", "polars", "astropy", "nested_pandas"])
def test_passbands_of_ones_own_are_read_back_in_another_process(form: str, size: int) -> None:
    curves = own(size)
    value = form, getattr(curves, f"to_{form}")()
    done = subprocess.run(
        [sys.executable, "-c", AGAIN], input=pickle.dumps(value), capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    assert pickle.loads(done.stdout).equals(curves)


def test_passbands_of_ones_own_survive_parquet(tmp_path) -> None:
    curves = own()
    pq.write_table(curves.to_arrow(), tmp_path / "curves.parquet")
    assert LightCurves.from_arrow(pq.read_table(tmp_path / "curves.parquet")).equals(curves)
    assert read_table(tmp_path / "curves.parquet").equals(curves)


def test_tables_that_name_packaged_passbands_only_are_read() -> None:
    curves = everything()
    table = curves.to_arrow()
    names = {b"firstlight.passbands": json.dumps(curves.passbands)}
    assert LightCurves.from_arrow(table.replace_schema_metadata(names)).equals(curves)
    unknown = {b"firstlight.passbands": json.dumps(["Mine-w", *curves.passbands])}
    with pytest.raises(UnknownNameError, match="'Mine-w'"):
        LightCurves.from_arrow(table.replace_schema_metadata(unknown))
