"""Metadata in the same table or a second one, joined by id; nothing is dropped in silence."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from firstlight.errors import DataError
from firstlight.lightcurves import Flag
from firstlight.readers import read_table

FLUXCAL = {"survey": "ZTF", "flux_unit": "FLUXCAL"}


def per_row(table: pa.Table, values: list[Any]) -> pa.Array:
    """One value an object, for the rows of the three objects of the fixture."""
    return pa.array([values[i // 20] for i in range(len(table))])


def test_metadata_in_the_same_table_are_taken_once_an_object(table: pa.Table) -> None:
    table = table.append_column("redshift", per_row(table, [0.1, None, 0.3]))
    table = table.append_column("MWEBV", per_row(table, [0.02, 0.03, 0.04]))
    table = table.append_column("label", per_row(table, ["SN Ia", "SN II", ""]))
    curves = read_table(table, **FLUXCAL)
    assert np.array_equal(curves.column("redshift"), [0.1, np.nan, 0.3], equal_nan=True)
    assert curves.column("mwebv").tolist() == [0.02, 0.03, 0.04]
    assert curves.column("label").tolist() == ["SN Ia", "SN II", None]


def test_the_first_value_that_is_not_missing_counts(table: pa.Table) -> None:
    values = [None if i % 20 < 7 else 0.1 * (1 + i // 20) for i in range(len(table))]
    curves = read_table(table.append_column("redshift", pa.array(values)), **FLUXCAL)
    assert np.allclose(curves.column("redshift"), [0.1, 0.2, 0.3])


def test_an_object_with_two_values_is_refused_by_name(table: pa.Table) -> None:
    values = [0.1 if i != 25 else 0.2 for i in range(len(table))]
    with pytest.raises(DataError, match=r"object 'SN1' has two values of 'redshift': 0\.1 and 0\.2"):
        read_table(table.append_column("redshift", pa.array(values)), **FLUXCAL)
    labels = ["SN Ia"] * 59 + ["SN II"]
    with pytest.raises(DataError, match="object 'SN2' has two values of 'label'"):
        read_table(table.append_column("label", pa.array(labels)), **FLUXCAL)


def test_positions_may_differ_by_an_arcsecond_and_are_flagged_beyond_two(table: pa.Table) -> None:
    ra, dec = np.full(60, 180.0), np.full(60, 60.0)
    ra[5] += 1.0 / 3600  # half an arcsec on the sky at dec 60
    ra[25] += 8.0 / 3600
    table = table.append_column("ra", pa.array(ra)).append_column("dec", pa.array(dec))
    curves = read_table(table, **FLUXCAL)
    assert (curves.object_flags & Flag.POSITION_SCATTER > 0).tolist() == [False, True, False]
    assert curves.usable.all()


@pytest.mark.parametrize("form", ["memory", "csv", "parquet", "pandas"])
def test_a_second_table_is_joined_by_id_whatever_its_type(table: pa.Table, tmp_path: Path, form: str) -> None:
    numbers = table.set_column(0, "object_id", per_row(table, [7, 8, 9]))
    second: Any = pa.table(
        {"SNID": ["9", "7", "8"], "z": [0.9, 0.7, 0.8], "type": ["c", "a", "b"], "n": [3, 1, 2]}
    )
    if form == "csv":
        pyarrow.csv.write_csv(second, tmp_path / "o.csv")
        second = tmp_path / "o.csv"
    elif form == "parquet":
        pq.write_table(second, tmp_path / "o.parquet")
        second = tmp_path / "o.parquet"
    elif form == "pandas":
        second = second.to_pandas()
    report: list[str] = []
    curves = read_table(numbers, **FLUXCAL, objects=second, label="type", report=report)
    assert curves.object_id == ["7", "8", "9"] and report == []
    assert curves.column("redshift").tolist() == [0.7, 0.8, 0.9]
    assert curves.column("label").tolist() == ["a", "b", "c"]
    assert curves.column("n").tolist() == [1, 2, 3]


def test_ids_in_one_table_only_are_reported_and_kept(table: pa.Table) -> None:
    report: list[str] = []
    second = pa.table({"object_id": ["SN1", "X", "Y"], "redshift": [0.1, 0.2, 0.3]})
    curves = read_table(table, **FLUXCAL, objects=second, report=report)
    assert curves.object_id == ["SN0", "SN1", "SN2", "X", "Y"]
    assert np.array_equal(curves.column("redshift"), [np.nan, 0.1, np.nan, 0.2, 0.3], equal_nan=True)
    assert (curves.object_flags & Flag.NO_DATA > 0).tolist() == [False, False, False, True, True]
    assert any("2 ids in" in line and "SN0, SN2" in line for line in report)
    assert any("2 ids in" in line and "X, Y" in line and "objects without data" in line for line in report)


def test_a_repeated_id_must_say_the_same(table: pa.Table) -> None:
    same = pa.table({"object_id": ["SN1", "SN1"], "redshift": [0.1, 0.1]})
    assert read_table(table, **FLUXCAL, objects=same).column("redshift")[1] == 0.1
    other = pa.table({"object_id": ["SN1", "SN1"], "redshift": [0.1, 0.2]})
    with pytest.raises(DataError, match="object 'SN1' has two values of 'redshift'"):
        read_table(table, **FLUXCAL, objects=other)


def test_both_tables_may_know_something_but_not_disagree(table: pa.Table) -> None:
    table = table.append_column("redshift", per_row(table, [0.1, None, None]))
    second = pa.table({"object_id": ["SN0", "SN1"], "redshift": [0.1, 0.2]})
    curves = read_table(table, **FLUXCAL, objects=second)
    assert np.array_equal(curves.column("redshift"), [0.1, 0.2, np.nan], equal_nan=True)
    with pytest.raises(DataError, match="object 'SN0' has two values of 'redshift'"):
        read_table(table, **FLUXCAL, objects=pa.table({"object_id": ["SN0"], "redshift": [0.5]}))


@pytest.mark.parametrize("value", [-9.0, -99.0, -999.0, -9999.0, -1.0, 11.0, 0.0])
def test_redshift_sentinels_are_missing_flagged_and_reported(table: pa.Table, value: float) -> None:
    report: list[str] = []
    curves = read_table(
        table.append_column("redshift", per_row(table, [value, 0.5, None])), **FLUXCAL, report=report
    )
    assert np.array_equal(curves.column("redshift"), [np.nan, 0.5, np.nan], equal_nan=True)
    assert (curves.object_flags & Flag.REDSHIFT_SENTINEL > 0).tolist() == [True, False, False]
    assert any("redshift" in line for line in report)


def test_the_label_column_may_have_any_name_in_either_table(table: pa.Table) -> None:
    named = table.append_column("spec_type", per_row(table, ["a", "b", "c"]))
    assert read_table(named, **FLUXCAL, label="spec_type").column("label").tolist() == ["a", "b", "c"]
    with pytest.raises(DataError, match="no label column 'nope'"):
        read_table(table, **FLUXCAL, label="nope")


def test_truth_is_never_metadata_except_as_the_label(table: pa.Table) -> None:
    report: list[str] = []
    second = pa.table(
        {
            "object_id": ["SN0"],
            "SIM_REDSHIFT_HELIO": [0.5],
            "true_z": [0.5],
            "PEAKMJD": [59_040.0],
            "SIM_TYPE_INDEX": [20],
        }
    )
    curves = read_table(table, **FLUXCAL, objects=second, label="SIM_TYPE_INDEX", report=report)
    assert curves.column("label").tolist()[0] == "20"
    assert not {"SIM_REDSHIFT_HELIO", "true_z", "PEAKMJD", "SIM_TYPE_INDEX"} & set(
        curves.objects.column_names
    )
    assert "redshift" not in curves.objects.column_names and any("truth columns" in line for line in report)


def test_the_canonical_name_wins_among_spellings_and_says_so(table: pa.Table) -> None:
    report: list[str] = []
    second = pa.table({"object_id": ["SN0"], "redshift": [0.5], "spec_z": [0.6]})
    assert read_table(table, **FLUXCAL, objects=second, report=report).column("redshift")[0] == 0.5
    assert any("'spec_z' not used" in line for line in report)
    ambiguous = pa.table({"object_id": ["SN0"], "hostgal_specz": [0.5], "spec_z": [0.6]})
    with pytest.raises(DataError, match="2 columns could be the redshift: hostgal_specz, spec_z"):
        read_table(table, **FLUXCAL, objects=ambiguous)
    chosen = read_table(table, **FLUXCAL, objects=ambiguous, columns={"redshift": "spec_z"})
    assert chosen.column("redshift")[0] == 0.6


def test_objects_without_an_id_column_are_refused(table: pa.Table) -> None:
    with pytest.raises(DataError, match=r"no object id column\. Found: redshift"):
        read_table(table, **FLUXCAL, objects=pa.table({"redshift": [0.1]}))


def test_the_objects_of_light_curves_can_be_given_back(table: pa.Table) -> None:
    curves = read_table(table.append_column("redshift", per_row(table, [0.1, 0.2, 0.3])), **FLUXCAL)
    again = read_table(table, **FLUXCAL, objects=curves.objects)
    assert again.column("redshift").tolist() == [0.1, 0.2, 0.3]
