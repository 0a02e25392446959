"""What is known of objects: joining, sentinels, conflicts, labels."""

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from astropy.table import Table

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.lightcurves import Flag, LightCurves


def read(objects: object = None, report: list[str] | None = None, **changes: object) -> LightCurves:
    """Three objects with one observation each: b, a, c."""
    given = {"object_id": ["b", "a", "c"], "time": [59_000.0] * 3, "passband": ["g"] * 3, "survey": "ZTF"}
    given |= {"flux": [1000.0] * 3, "flux_err": [100.0] * 3, "flux_unit": "nJy"}
    return LightCurves.from_columns(**{**given, **changes}, objects=objects, report=report)


def test_metadata_are_joined_by_id() -> None:
    curves = read(
        {"object_id": ["a", "b"], "redshift": [0.1, 0.2], "label": ["SN Ia", None], "note": ["x", "y"]}
    )
    np.testing.assert_array_equal(curves.column("redshift"), [0.2, 0.1, np.nan])
    assert curves.column("label").tolist() == [None, "SN Ia", None]
    assert curves.column("note").tolist() == ["y", "x", None]
    assert curves.objects.schema.field("redshift").type == pa.float64()
    assert curves.objects.column("redshift").null_count == 0


@pytest.mark.parametrize(
    "convert",
    [dict, pa.table, pd.DataFrame, pl.DataFrame, Table, lambda x: pa.table(x).to_batches()[0]],
)
def test_metadata_come_in_any_table(convert) -> None:
    table = {"object_id": np.array(["a", "b", "c"]), "mwebv": np.array([0.1, 0.2, 0.3], np.float32)}
    curves = read(convert(table))
    np.testing.assert_allclose(curves.column("mwebv"), [0.2, 0.1, 0.3], rtol=1e-6)


def test_ids_in_one_table_only_are_reported_and_not_dropped() -> None:
    report: list[str] = []
    curves = read({"object_id": ["d", "b", "e"], "redshift": [0.1, 0.2, 0.3]}, report)
    assert curves.object_id == ["b", "a", "c", "d", "e"]
    assert curves.n_observations.tolist() == [1, 1, 1, 0, 0]
    assert curves.object_flags[3] == Flag.NO_DATA | Flag.NO_DETECTION
    np.testing.assert_array_equal(curves.column("redshift"), [0.2, np.nan, np.nan, 0.1, 0.3])
    assert "2 objects have observations and no metadata (e.g. 'a')." in report
    assert "2 objects have metadata and no observations (e.g. 'd')." in report


@pytest.mark.parametrize("name", ["redshift", "photoz"])
@pytest.mark.parametrize("value", [-9, -99.0, -999, -9999, -9.02, -1.0, 10.5, 0.0])
def test_sentinels_of_redshift_are_missing_and_flagged(name: str, value: float) -> None:
    report: list[str] = []
    curves = read(
        {"object_id": ["a", "b", "c"], name: [value, 0.1, -0.001], f"{name}_err": [-9, 0.01, 0.1]}, report
    )
    np.testing.assert_array_equal(curves.column(name), [0.1, np.nan, -0.001])
    np.testing.assert_array_equal(curves.column(f"{name}_err"), [0.01, np.nan, 0.1])
    assert curves.object_flags.tolist() == [0, Flag.REDSHIFT_SENTINEL, 0]
    assert f"1 of 3 objects: {name} {value:g} read as missing" in report[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("mwebv", -9.0),
        ("mwebv", 999.0),
        ("ra", -999.0),
        ("dec", -99.0),
        ("dec", 999.0),
        ("redshift_err", 0.0),
    ],
)
def test_impossible_metadata_are_missing_and_flagged(name: str, value: float) -> None:
    beside = {"redshift": [0.1] * 3} if name == "redshift_err" else {}
    curves = read({"object_id": ["a", "b", "c"], name: [value, 0.5, np.nan], **beside})
    np.testing.assert_array_equal(curves.column(name), [0.5, np.nan, np.nan])
    assert curves.object_flags.tolist() == [0, Flag.BAD_METADATA, 0]


def test_trigger_times_are_mjd() -> None:
    table = {"object_id": ["a", "b", "c"], "trigger_mjd": [59_000.0, -9.0, None]}
    np.testing.assert_array_equal(read(table).column("trigger_mjd"), [np.nan, 59_000.0, np.nan])
    julian = {"object_id": ["a"], "trigger_mjd": [2_459_000.5]}
    with pytest.raises(DataError, match=r"trigger_mjd.*not MJD"):
        read(julian)
    curves = read(julian, time=np.full(3, 2_459_000.5), time_system="jd")
    assert curves["a"].column("trigger_mjd")[0] == 59_000.0


def test_a_repeated_id_with_other_metadata_is_refused() -> None:
    with pytest.raises(DataError, match=r"object 'a'.*'redshift': 0.1 and 0.2"):
        read({"object_id": ["a", "b", "a"], "redshift": [0.1, 0.3, 0.2]})
    with pytest.raises(DataError, match=r"object 'a'.*label"):
        read({"object_id": ["a", "a"], "label": ["SN Ia", "SN II"]})
    with pytest.raises(DataError, match=r"object 'a'.*label"):
        read(pd.DataFrame({"object_id": ["a", "a"], "label": pd.Categorical(["SN Ia", "SN II"])}))


def test_a_repeated_id_with_the_same_metadata_is_one_object() -> None:
    curves = read({"object_id": ["a", "b", "a"], "redshift": [0.1, 0.3, 0.1], "photoz": [None, 0.1, np.nan]})
    np.testing.assert_array_equal(curves.column("redshift"), [0.3, 0.1, np.nan])


def test_metadata_without_ids_or_of_unequal_length_are_refused() -> None:
    with pytest.raises(DataError, match="no column object_id"):
        read({"redshift": [0.1]})
    with pytest.raises(DataError, match="unequal lengths"):
        read({"object_id": ["a"], "redshift": [0.1, 0.2]})


def test_the_state_of_dereddening_stands_per_object() -> None:
    assert read().column("dereddened").tolist() == [False] * 3
    assert read(dereddened=True).column("dereddened").tolist() == [True] * 3


def test_columns_of_the_objects() -> None:
    curves = read(
        {"object_id": ["a", "b", "c"], "host": ["x", None, "z"], "count": [1, None, 3], "ok": [True] * 3}
    )
    assert np.isnan(curves.column("redshift")).all()
    assert curves.column("label").tolist() == [None] * 3
    np.testing.assert_array_equal(curves.column("count"), [np.nan, 1.0, 3.0])
    assert curves.column("ok").dtype == bool
    with pytest.raises(UnknownNameError, match="Did you mean 'host'"):
        curves.column("hosts")


def test_metadata_can_be_replaced_by_a_joined_table() -> None:
    curves = read({"object_id": ["a", "b"], "redshift": [-9.0, 0.2], "note": ["x", "y"]})
    assert curves["a"].object_flags[0] == Flag.REDSHIFT_SENTINEL
    report: list[str] = []
    new = curves.with_objects(
        {"object_id": ["a", "z"], "redshift": [0.5, 0.6], "mwebv": [0.1, 0.2]}, report=report
    )
    assert new.object_id == ["b", "a", "c"]
    np.testing.assert_array_equal(new.column("redshift"), [np.nan, 0.5, np.nan])
    np.testing.assert_array_equal(new.column("mwebv"), [np.nan, 0.1, np.nan])
    assert new.column("note").tolist() == ["y", "x", None]
    assert new["a"].object_flags[0] == 0
    assert len(report) == 2
    np.testing.assert_array_equal(curves.column("redshift"), [0.2, np.nan, np.nan])


def test_labels_are_set_by_id_or_in_order() -> None:
    curves = read()
    assert curves.with_labels({"a": "SN Ia"}).column("label").tolist() == [None, "SN Ia", None]
    labels = curves.with_labels(["90", "42", None], scheme="plasticc").column("label")
    assert labels.tolist() == ["SN Ia", "SN II", None]
    with pytest.raises(UsageError, match="2 labels for 3 objects"):
        curves.with_labels(["SN Ia", "SN II"])
    with pytest.raises(UnknownNameError):
        curves.with_labels({"a": "SNIa-norm"}, scheme="tns")


def test_empty_labels_are_missing() -> None:
    assert read({"object_id": ["a", "b", "c"], "label": ["", " ", "TDE"]}).column("label").tolist() == [
        None,
        None,
        "TDE",
    ]
