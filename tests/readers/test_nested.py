"""Nested tables, one row an object, in each of the shapes that the field uses."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from firstlight.errors import DataError
from firstlight.lightcurves import Flag
from firstlight.readers import read_batches, read_table

FLUXCAL = {"survey": "ZTF", "flux_unit": "FLUXCAL"}


def lists(table: pa.Table) -> dict[str, pa.Array]:
    """The columns of the fixture as lists, one an object."""
    offsets = pa.array(np.arange(0, 61, 20).astype(np.int32))
    names = ("mjd", "band", "flux", "flux_err")
    return {n: pa.ListArray.from_arrays(offsets, table[n].combine_chunks()) for n in names}


def shapes(table: pa.Table) -> dict[str, pa.Table]:
    columns = lists(table)
    ids = {"object_id": pa.array(["SN0", "SN1", "SN2"]), "redshift": pa.array([0.1, None, 0.3])}
    inner = pa.StructArray.from_arrays(list(columns.values()), names=list(columns))
    rows = [
        [
            dict(zip(columns, values, strict=True))
            for values in zip(*(c[k].as_py() for c in columns.values()), strict=True)
        ]
        for k in range(3)
    ]
    return {
        "list columns": pa.table({**ids, **columns}),
        "large lists": pa.table(
            {**ids, **{n: c.cast(pa.large_list(c.type.value_type)) for n, c in columns.items()}}
        ),
        "struct of lists": pa.table({**ids, "lightcurve": inner}),
        "list of structs": pa.table({**ids, "lightcurve": pa.array(rows)}),
    }


SHAPES = ["list columns", "large lists", "struct of lists", "list of structs"]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_light_curves_of_the_long_table(
    table: pa.Table, tmp_path: Any, shape: str, same: Callable[..., bool]
) -> None:
    nested = shapes(table)[shape]
    for source in (nested, tmp_path / "t.parquet"):
        if source is not nested:
            pq.write_table(nested, source)
        curves = read_table(source, **FLUXCAL)
        assert same(curves, read_table(table, **FLUXCAL))
        assert np.array_equal(curves.column("redshift"), [0.1, np.nan, 0.3], equal_nan=True)


@pytest.mark.parametrize("shape", SHAPES)
def test_batches_of_a_nested_table_are_the_table(
    table: pa.Table, shape: str, same: Callable[..., bool]
) -> None:
    nested = shapes(table)[shape]
    parts = list(read_batches(nested, **FLUXCAL, max_rows=1))
    assert same(parts[0].concat(parts), read_table(table, **FLUXCAL))


def test_pandas_with_arrays_in_its_cells_and_nested_pandas_are_read(
    table: pa.Table, same: Callable[..., bool]
) -> None:
    pandas = pytest.importorskip("pandas")
    columns = {name: [np.asarray(c.as_py()) for c in column] for name, column in lists(table).items()}
    frame = pandas.DataFrame({"object_id": ["SN0", "SN1", "SN2"], **columns})
    assert same(read_table(frame, **FLUXCAL), read_table(table, **FLUXCAL))
    nested_pandas = pytest.importorskip("nested_pandas")
    flat = nested_pandas.NestedFrame(table.to_pandas())
    columns = ["mjd", "band", "flux", "flux_err"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nested-pandas 0.7 uses what pandas 3.1 deprecates
        packed = nested_pandas.NestedFrame.from_flat(flat, [], columns, on="object_id", name="lc")
    assert same(read_table(packed, **FLUXCAL), read_table(table, **FLUXCAL))


def test_objects_with_empty_lists_stay_in_their_place(table: pa.Table) -> None:
    columns = {n: [None, c[0].as_py(), [], c[1].as_py()] for n, c in lists(table).items()}
    nested = pa.table({"object_id": ["a", "b", "c", "d"], **columns})
    curves = read_table(nested, **FLUXCAL)
    assert curves.object_id == ["a", "b", "c", "d"] and curves.n_observations.tolist() == [0, 20, 0, 20]
    assert (curves.object_flags & Flag.NO_DATA > 0).tolist() == [True, False, True, False]


def test_lists_of_unequal_length_are_refused_with_object_and_columns(table: pa.Table) -> None:
    columns = {n: c.to_pylist() for n, c in lists(table).items()}
    columns["flux"][1] = columns["flux"][1][:-1]
    nested = pa.table({"object_id": ["SN0", "SN1", "SN2"], **columns})
    with pytest.raises(DataError, match="object 'SN1': lists of unequal length: 'mjd' has 20, 'flux' has 19"):
        read_table(nested, **FLUXCAL)


def test_lists_that_play_no_role_may_have_any_length(table: pa.Table, same: Callable[..., bool]) -> None:
    nested = pa.table({"object_id": ["SN0", "SN1", "SN2"], **lists(table), "spectrum": [[1.0], [], None]})
    assert same(read_table(nested, **FLUXCAL), read_table(table, **FLUXCAL))


def test_lists_of_text_where_numbers_belong_are_read_or_flagged(table: pa.Table) -> None:
    columns = {n: c.to_pylist() for n, c in lists(table).items()}
    columns["flux"] = [["x"] * 20, [str(f) for f in columns["flux"][1]], [str(f) for f in columns["flux"][2]]]
    report: list[str] = []
    curves = read_table(pa.table({"object_id": ["SN0", "SN1", "SN2"], **columns}), **FLUXCAL, report=report)
    assert (curves.object_flags & Flag.NO_DATA > 0).tolist() == [True, False, False]
    assert "20 cells are not numbers" in report[0]


def test_two_light_curves_in_one_row_must_be_chosen_from(table: pa.Table, same: Callable[..., bool]) -> None:
    nested = shapes(table)["struct of lists"]
    twice = nested.append_column("forced", nested["lightcurve"])
    with pytest.raises(DataError, match="2 columns hold light curves: lightcurve, forced"):
        read_table(twice, **FLUXCAL)
    assert same(read_table(twice, **FLUXCAL, columns={"nested": "forced"}), read_table(table, **FLUXCAL))


def test_one_survey_for_a_nested_row_holds_for_all_its_observations(
    table: pa.Table, same: Callable[..., bool]
) -> None:
    nested = shapes(table)["list columns"].append_column("survey", pa.array(["ZTF"] * 3))
    assert same(read_table(nested, flux_unit="FLUXCAL"), read_table(table, **FLUXCAL))


def test_light_curves_that_firstlight_wrote_come_back_as_they_were(table: pa.Table, tmp_path: Any) -> None:
    curves = read_table(table.append_column("redshift", pa.array(np.repeat([0.1, 0.2, 0.3], 20))), **FLUXCAL)
    pq.write_table(curves.to_arrow(), tmp_path / "own.parquet")
    for source in (curves.to_arrow(), tmp_path / "own.parquet"):
        assert read_table(source).equals(curves)
        assert curves.concat(list(read_batches(source, max_rows=1))).equals(curves)
    second = pa.table({"id": ["SN1"], "mwebv": [0.05]})
    assert read_table(curves.to_arrow(), objects=second).column("mwebv")[1] == 0.05
    with pytest.raises(DataError, match="by firstlight in nJy and MJD, flux_unit='uJy' says otherwise"):
        read_table(curves.to_arrow(), flux_unit="uJy")
    with pytest.raises(DataError, match="holds ZTF, but survey='LSST'"):
        read_table(curves.to_arrow(), survey="LSST")
