"""Any column of any library is one array: the same numbers, missing where they were missing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.errors import DataError
from firstlight.notes import Notes
from firstlight.tables.columns import (
    as_arrow,
    encoded,
    floats,
    fractional,
    numbers,
    plain,
    signs,
    text_of,
    texts,
    truths,
    words,
)
from firstlight.tables.dates import days

VALUES = [1.5, None, -3.0, 0.0]


def holders() -> dict[str, Callable[[list[float | None]], Any]]:
    """Every way in which a library holds numbers of which some are missing."""
    found: dict[str, Callable[[list[float | None]], Any]] = {
        "list": list,
        "tuple": tuple,
        "NumPy": lambda values: np.array([np.nan if v is None else v for v in values]),
        "float32": lambda values: np.array([np.nan if v is None else v for v in values], np.float32),
        "big-endian": lambda values: np.array([np.nan if v is None else v for v in values], ">f8"),
        "objects": lambda values: np.array(values, dtype=object),
        "masked": lambda values: np.ma.array(
            [7.0 if v is None else v for v in values], mask=[v is None for v in values]
        ),
        "Arrow": pa.array,
        "Arrow in chunks": lambda values: pa.chunked_array([values[:1], values[1:]], type=pa.float64()),
        "Arrow dictionary": lambda values: pa.array(values).dictionary_encode(),
        "Arrow decimals": lambda values: pa.array(
            [None if v is None else Decimal(str(v)) for v in values], type=pa.decimal128(9, 3)
        ),
        "astropy": lambda values: __import__("astropy.table").table.MaskedColumn(
            [7.0 if v is None else v for v in values], mask=[v is None for v in values]
        ),
    }
    return found


FRAMES = {
    "pandas": lambda pandas, values: pandas.Series(values, dtype="float64"),
    "pandas Float64": lambda pandas, values: pandas.Series(values, dtype="Float64"),
    "pandas Arrow": lambda pandas, values: pandas.Series(values, dtype="float64[pyarrow]"),
    "pandas category": lambda pandas, values: pandas.Series(values).astype("category"),
    "polars": lambda polars, values: polars.Series(values, dtype=polars.Float64),
}


@pytest.mark.parametrize("holder", [*holders(), *FRAMES])
@settings(max_examples=25, deadline=None)
@given(values=st.lists(st.none() | st.integers(-(2**20), 2**20).map(lambda n: n / 8), min_size=1, max_size=8))
def test_numbers_arrive_whatever_holds_them(holder: str, values: list[float | None]) -> None:
    if holder in FRAMES:
        column = FRAMES[holder](pytest.importorskip(holder.split()[0]), values)
    else:
        column = holders()[holder](values)
    wanted = np.array([np.nan if value is None else value for value in values])
    found = floats(column, "x")
    assert found.dtype == np.float64 and found.shape == wanted.shape
    assert np.array_equal(found, wanted, equal_nan=True)


def test_an_array_of_float64_is_not_copied() -> None:
    values = np.arange(3.0)
    assert floats(values, "x") is values


def test_a_quantity_gives_its_values_and_truths_are_one_and_nought() -> None:
    units = pytest.importorskip("astropy.units")
    assert floats(np.array([1.0, 2.0]) * units.Jy, "x").tolist() == [1.0, 2.0]
    assert floats([True, False, None], "x").tolist()[:2] == [1.0, 0.0]
    assert np.isnan(floats([None, None], "x")).all()
    assert floats([], "x").shape == (0,)


@pytest.mark.parametrize("column", [["1.5", "x"], [[1.0], [2.0]], np.ones((2, 2)), [{"a": 1}]])
def test_what_is_no_column_of_numbers_is_refused_with_its_name(column: Any) -> None:
    with pytest.raises(DataError, match="column 'flux'"):
        floats(column, "flux")


@pytest.mark.parametrize("column", ["text", b"bytes", 3.0, object()])
def test_what_is_no_column_at_all_is_refused_with_its_type(column: Any) -> None:
    with pytest.raises(DataError, match=f"{type(column).__name__}; expected an array"):
        as_arrow(column, "flux", where="t.csv")


def test_the_rows_of_a_matrix_become_lists() -> None:
    found = as_arrow(np.arange(6).reshape(2, 3))
    assert found.to_pylist() == [[0, 1, 2], [3, 4, 5]]


def test_mixed_objects_become_text_and_what_is_missing_stays_so() -> None:
    assert as_arrow([1, "a", None, 2.0]).to_pylist() == ["1", "a", None, "2"]
    assert as_arrow(np.array([b"a", b"\xff"])).to_pylist() == ["a", "\ufffd"]


def test_chunks_with_dictionaries_of_their_own_are_one_dictionary() -> None:
    parts = [pa.array(["a", "b"]).dictionary_encode(), pa.array(["b", "c"]).dictionary_encode()]
    found = encoded(pa.chunked_array(parts))
    assert found.to_pylist() == ["a", "b", "b", "c"]
    assert plain(pa.chunked_array(parts)).to_pylist() == ["a", "b", "b", "c"]
    assert encoded(pa.nulls(2)).to_pylist() == [None, None]


# -- text that stands for numbers ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1", 1.0), (" -2.5 ", -2.5), ("+3", 3.0), (".5", 0.5), ("5.", 5.0), ("1e3", 1e3), ("1.5D+02", 150.0),
        ("1d2", 100.0), ("inf", np.inf), ("-Infinity", -np.inf), ("", np.nan), ("NaN", np.nan),
        ("--", np.nan), ("N/A", np.nan), ("<NA>", np.nan), ("masked", np.nan), (None, np.nan),
    ],
)  # fmt: skip
def test_a_number_is_read_as_it_is_written(cell: str | None, value: float) -> None:
    notes = Notes("t.csv")
    found = numbers(pa.array([cell], pa.string()), "flux", notes)
    assert np.array_equal(found, [value], equal_nan=True) and notes.lines == []


@pytest.mark.parametrize("cell", ["x", "1,5", "1.2.3", "0x10", "1e", "12abc", "٣"])
def test_what_is_no_number_is_missing_and_told(cell: str) -> None:
    notes = Notes("t.csv")
    found = numbers(pa.array(["1", cell, cell]), "flux", notes)
    assert found[0] == 1.0 and np.isnan(found[1:]).all()
    (line,) = notes.lines
    assert line.startswith("t.csv: column 'flux': 2 cells are not numbers")
    assert f"'{cell}' in data row 2" in line


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False))
def test_every_number_that_python_writes_is_read(value: float) -> None:
    assert numbers(pa.array([repr(value)]), "x", Notes()).tolist() == [value]


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=8))
def test_any_text_is_a_number_missing_or_told(text: str) -> None:
    notes = Notes()
    value = numbers(pa.array([text]), "x", notes)[0]
    assert bool(notes.lines) <= bool(np.isnan(value))


def test_lists_and_truths_are_no_numbers() -> None:
    for column in (pa.array([[1.0]]), pa.array([True])):
        with pytest.raises(DataError, match=r"t\.csv: column 'flux' is .*; expected numbers"):
            numbers(column, "flux", Notes("t.csv"))


# -- days ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["2020-05-31T12:00:00", "2020-06-01T00:00:00"]),
        pa.array(["2020-05-31 12:00:00", "2020-06-01 00:00:00"]),
        pa.array([datetime(2020, 5, 31, 12), datetime(2020, 6, 1)]),
        pa.array([datetime(2020, 5, 31, 12), datetime(2020, 6, 1)], pa.timestamp("s", tz="UTC")),
        np.array(["2020-05-31T12:00", "2020-06-01T00:00"], "datetime64[ns]"),
        [59_000.5, 59_001.0],
        ["59000.5", "59001"],
    ],
)
def test_times_are_days_however_they_are_written(column: Any) -> None:
    assert days(column, "mjd", Notes()).tolist() == [59_000.5, 59_001.0]


def test_a_date_is_its_midnight_and_a_missing_one_is_missing() -> None:
    found = days(pa.array([date(2020, 5, 31), None]), "mjd", Notes())
    assert found[0] == 59_000.0 and np.isnan(found[1])


# -- words, truths and signs -----------------------------------------------------------------------------


def test_whole_numbers_are_words_without_a_fraction() -> None:
    assert texts([1.0, 2.0, None]).to_pylist() == ["1", "2", None]
    assert texts([1.5, 2.0]).to_pylist() == ["1.5", "2"]
    assert texts([" a ", "b"]).to_pylist() == ["a", "b"]
    assert words(pa.array([" g", "g", None])).to_pylist() == ["g", "g", None]


@pytest.mark.parametrize(
    ("value", "text"), [(b" g ", "g"), (1.0, "1"), (np.int64(2), "2"), (np.float32(2.5), "2.5"), (" r", "r")]
)
def test_a_name_is_text(value: Any, text: str) -> None:
    assert text_of(value) == text


def test_numbers_too_large_to_be_whole_are_told_from_those_that_are() -> None:
    found = fractional(np.array([1.0, 1.5, -2.0, 2.0**53 - 1, 2.0**53, 1e300]))
    assert found.tolist() == [False, True, False, False, True, True]


@pytest.mark.parametrize("spelling", ["t", "True", "1", 1, 1.0, "Y", "yes", "+", "+1", "positive", True])
@pytest.mark.parametrize("other", ["f", "FALSE", "0", 0, "-1", -1, "n", "no", "-", "negative", False])
def test_every_spelling_of_a_sign_is_understood(spelling: Any, other: Any) -> None:
    assert signs([spelling], "isdiffpos").tolist() == [1.0]
    assert signs([other], "isdiffpos").tolist() == [-1.0]


def test_a_sign_that_is_neither_is_missing() -> None:
    assert np.isnan(signs(["maybe", None, ""], "isdiffpos")).all()


@pytest.mark.parametrize(
    "column", [[True, False, None], [1, 0, None], [1.0, 0.0, np.nan], ["t", "f", None], ["1", "0", "?"]]
)
def test_a_truth_is_there_or_not(column: list[Any]) -> None:
    true, known = truths(column, "detected")
    assert true.tolist() == [True, False, False] and known.tolist() == [True, True, False]
