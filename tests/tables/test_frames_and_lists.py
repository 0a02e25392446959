"""Tables of every library as Arrow tables and back; nested columns laid end to end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.errors import DataError, MissingExtraError
from firstlight.tables import frames
from firstlight.tables.frames import arrow_table, in_unit, to_astropy, to_pandas
from firstlight.tables.nested import flattened, inner_fields, is_list, unnested

COLUMNS = {"n": [1, 2], "x": [0.5, 1.5], "name": ["a", "b"]}


def test_every_library_gives_the_same_table() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    from astropy.table import Table

    wanted = pa.table(COLUMNS)
    records = np.array([(1, 0.5, "a"), (2, 1.5, "b")], dtype=[("n", int), ("x", float), ("name", "U1")])
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]
    given_tables = [
        wanted,
        wanted.to_batches()[0],
        pa.RecordBatchReader.from_batches(wanted.schema, wanted.to_batches()),
        COLUMNS,
        rows,
        records,
        pandas.DataFrame(COLUMNS),
        pandas.DataFrame(COLUMNS).set_index("n"),
        polars.DataFrame(COLUMNS),
        Table(COLUMNS),
    ]
    for one in given_tables:
        assert arrow_table(one).to_pydict() == COLUMNS, type(one)


@pytest.mark.parametrize("table", [3, "text", [1, 2], None, object()])
def test_what_is_no_table_is_refused_with_what_would_be_one(table: Any) -> None:
    with pytest.raises(DataError, match=r"is no table\. Give a path, a pyarrow"):
        arrow_table(table)


def test_columns_must_be_of_one_length_and_named_once() -> None:
    with pytest.raises(DataError, match="table in memory: columns have unequal lengths: a 1, b 2"):
        arrow_table({"a": [1], "b": [1, 2]})
    pandas = pytest.importorskip("pandas")
    with pytest.raises(DataError, match="column names repeat"):
        arrow_table(pandas.DataFrame([[1, 2]], columns=["a", "a"]))


def test_rows_that_lack_a_column_have_nothing_there() -> None:
    assert arrow_table([{"a": 1}, {"b": 2}]).to_pydict() == {"a": [1, None], "b": [None, 2]}


def test_units_times_and_vectors_of_astropy_arrive() -> None:
    from astropy.table import QTable
    from astropy.time import Time
    from astropy.units import Jy

    table = QTable(
        {"flux": [1.0, 2.0] * Jy, "when": Time([59_000.5, 59_001.0], format="mjd"), "v": np.ones((2, 3))}
    )
    found = arrow_table(table)
    assert found.schema.field("flux").metadata == {b"unit": b"Jy"}
    assert found.column("when").to_pylist() == [59_000.5, 59_001.0]
    assert found.column("v").to_pylist() == [[1.0] * 3] * 2
    assert in_unit(found, {"flux": "nJy"}).column("flux").to_pylist() == pytest.approx([1e9, 2e9])
    with pytest.raises(DataError, match="column 'flux': has the unit Jy, not one of d"):
        in_unit(found, {"flux": "d"})


def test_missing_whole_numbers_stay_whole_and_missing() -> None:
    pytest.importorskip("pandas")
    table = pa.table({"n": [2**60 + 1, None], "b": [True, None], "x": [1.0, None], "t": ["a", None]})
    frame = to_pandas(table, where="to_pandas")
    assert int(frame["n"][0]) == 2**60 + 1 and frame["n"].isna().tolist() == [False, True]
    assert arrow_table(frame).column("n").to_pylist() == [2**60 + 1, None]
    there = to_astropy(table, {"x": "Jy"})
    assert there["n"].mask.tolist() == [False, True] and str(there["x"].unit) == "Jy"
    assert np.isnan(there["x"][1]) and there["t"].mask.tolist() == [False, True]
    back = arrow_table(there)
    assert back.column("n").to_pylist() == [2**60 + 1, None] and back.column("b").to_pylist() == [True, None]


def test_a_library_that_is_not_installed_is_named_with_its_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"to_lions: needs no-such-lions.*firstlight\[frames\]"):
        frames.library("no-such-lions", where="to_lions")


# -- nested columns --------------------------------------------------------------------------------------

LIGHT = st.lists(
    st.none() | st.lists(st.tuples(st.integers(0, 9), st.sampled_from("gr")), max_size=4),
    min_size=1,
    max_size=5,
)


def as_list_of_structs(light: list[Any]) -> pa.ChunkedArray:
    kind = pa.list_(pa.struct([("t", pa.int64()), ("band", pa.string())]))
    rows = [one if one is None else [{"t": t, "band": band} for t, band in one] for one in light]
    return pa.chunked_array([pa.array(rows[:1], kind), pa.array(rows[1:], kind)])


def as_struct_of_lists(light: list[Any]) -> pa.ChunkedArray:
    kind = pa.struct([("t", pa.list_(pa.int64())), ("band", pa.list_(pa.string()))])
    rows = [one if one is None else {"t": [t for t, _ in one], "band": [b for _, b in one]} for one in light]
    return pa.chunked_array([pa.array(rows, kind)])


@pytest.mark.parametrize("form", [as_list_of_structs, as_struct_of_lists])
@settings(max_examples=60, deadline=None)
@given(light=LIGHT)
def test_nested_light_curves_are_laid_end_to_end_and_a_missing_one_is_empty(
    form: Any, light: list[Any]
) -> None:
    column = form(light)
    fields = inner_fields(column.type)
    assert fields is not None and fields.names == ["t", "band"]
    ids = pa.chunked_array([[f"o{k}" for k in range(len(light))]])
    columns, counts = flattened(unnested(column, "lc"), ids)
    assert counts.tolist() == [len(one or []) for one in light]
    rows = [row for one in light for row in one or []]
    assert columns["t"].to_pylist() == [t for t, _ in rows]
    assert columns["band"].to_pylist() == [band for _, band in rows]


def test_lists_of_unequal_length_are_refused_with_their_object() -> None:
    lists = {"t": pa.chunked_array([[[1], [1, 2]]]), "flux": pa.chunked_array([[[1.0], [2.0]]])}
    with pytest.raises(
        DataError, match=r"t\.parquet: object 'b': lists of unequal length: 't' has 2, 'flux' has 1"
    ):
        flattened(lists, pa.chunked_array([["a", "b"]]), where="t.parquet")


def test_what_is_not_nested_is_told_from_what_is() -> None:
    assert is_list(pa.list_(pa.int8())) and is_list(pa.large_list(pa.int8())) and not is_list(pa.int8())
    assert inner_fields(pa.list_(pa.int8())) is None and inner_fields(pa.struct([("a", pa.int8())])) is None
    with pytest.raises(DataError, match="column 'lc' is int64, not a list of structs"):
        unnested(pa.chunked_array([[1]]), "lc")
