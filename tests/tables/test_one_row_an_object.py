"""Metadata: the first that is known counts, what contradicts it is refused, and tables are joined by id."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.errors import DataError
from firstlight.notes import Notes
from firstlight.tables.objects import (
    Objects,
    first_rows,
    join,
    match,
    object_table,
    one_row_each,
    refuse_repeated,
    same_tables,
    settled,
    stack,
    with_column,
)

IDS = pa.array(["a", "b", "c"])


def table(**columns: Any) -> pa.Table:
    return object_table({"object_id": ["a", "b", "c"][: len(next(iter(columns.values())))], **columns})


# -- one value an object ---------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-1, 2), st.booleans()), max_size=20))
def test_the_first_row_with_a_value_is_found(rows: list[tuple[int, bool]]) -> None:
    codes = np.array([code for code, _ in rows], dtype=np.int64)
    valid = np.array([good for _, good in rows], dtype=bool)
    expected = [next((k for k, (code, good) in enumerate(rows) if good and code == n), -1) for n in range(3)]
    assert first_rows(valid, codes, 3).tolist() == expected


def test_the_first_value_that_is_there_counts() -> None:
    codes = np.array([0, 1, 0, 1, -1])
    assert settled(np.array([np.nan, 2.0, 1.0, 2.0, 9.0]), "z", codes, IDS).to_pylist() == [1.0, 2.0, None]
    text = pa.array(["", "x", "y", None, "z"])
    assert settled(text, "note", codes, IDS).to_pylist() == ["y", "x", None]
    assert settled(text.dictionary_encode(), "note", codes, IDS).to_pylist() == ["y", "x", None]


def test_two_printings_of_one_float32_are_one_value_and_two_numbers_are_not() -> None:
    codes = np.zeros(2, int)
    assert settled(np.array([0.1, np.float32(0.1)], float), "z", codes, IDS[:1]).to_pylist() == [0.1]
    with pytest.raises(DataError, match=r"t\.csv: object 'a' has two values of 'z': 0\.1 and 0\.2") as caught:
        settled(np.array([0.1, 0.2]), "z", codes, IDS[:1], role="redshift", where="t.csv")
    assert "columns={'redshift': None}" in str(caught.value)


def test_positions_may_scatter_and_lists_are_not_compared() -> None:
    codes = np.zeros(2, int)
    assert settled(np.array([10.0, 10.1]), "ra", codes, IDS[:1], role="ra").to_pylist() == [10.0]
    assert settled(pa.array([[1], [2]]), "extra", codes, IDS[:1]).to_pylist() == [[1]]
    with pytest.raises(DataError, match="two values of 'label': SN Ia and TDE"):
        settled(pa.array(["SN Ia", "TDE"]), "label", codes, IDS[:1])


def test_an_id_may_come_again_where_it_says_the_same() -> None:
    once = one_row_each(
        object_table({"object_id": ["b", "a", "b"], "redshift": [None, 0.2, 0.1], "n": [1, 2, 1]})
    )
    assert once.to_pydict() == {"object_id": ["b", "a"], "redshift": [0.1, 0.2], "n": [1, 2]}
    with pytest.raises(DataError, match="object 'b' has two values of 'n': 1 and 3"):
        one_row_each(object_table({"object_id": ["b", "b"], "n": [1, 3]}))


# -- tables of objects -----------------------------------------------------------------------------------


def test_metadata_of_any_library_are_one_table() -> None:
    wanted = {"object_id": ["1", "2"], "redshift": [0.1, None], "label": ["SN Ia", None]}
    plain = {"object_id": [1, 2], "redshift": [0.1, np.nan], "label": ["SN Ia", None]}
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    rows = [dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)]
    for given_table in (plain, pa.table(plain), pandas.DataFrame(plain), polars.DataFrame(plain), rows):
        found = object_table(given_table)
        assert found.column("object_id").to_pylist() == wanted["object_id"]
        assert found.column("redshift").type == pa.float64()
        assert found.column("label").to_pylist() == wanted["label"]


def test_numbers_of_the_sky_are_float64_and_other_columns_pass_through() -> None:
    found = object_table(
        {"object_id": ["a"], "mwebv": np.array([0.5], np.float32), "n": np.array([3], np.int16)}
    )
    assert found.schema.field("mwebv").type == pa.float64() and found.schema.field("n").type == pa.int16()
    with pytest.raises(DataError, match=r"no column object_id\. Found: id, z"):
        object_table({"id": ["a"], "z": [1.0]})


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from("abcxy"), max_size=6))
def test_names_are_matched_and_what_nobody_asked_for_is_told(names: list[str]) -> None:
    rows, unused = match(pa.array(names, pa.string()), table(redshift=[0.1, 0.2, 0.3]))
    assert rows.tolist() == ["abc".find(name) for name in names]
    assert unused.tolist() == [k for k, name in enumerate("abc") if name not in names]


def test_two_tables_are_joined_and_ids_of_one_alone_are_told_and_kept() -> None:
    notes = Notes("rows.csv")
    other = Objects(
        object_table({"object_id": ["c", "b", "d"], "redshift": [0.3, 0.2, 0.4]}), where="objects.csv"
    )
    found = join(table(redshift=[np.nan, 0.2, np.nan], label=["x", None, None]), other, notes)
    assert found.column("object_id").to_pylist() == ["a", "b", "c", "d"]
    assert found.column("redshift").to_pylist() == [None, 0.2, 0.3, 0.4]
    assert found.column("label").to_pylist() == ["x", None, None, None]
    assert notes.lines == [
        "1 ids in rows.csv are not in objects.csv (first: a)",
        "1 ids in objects.csv have no photometry in rows.csv: kept as objects without data (first: d)",
    ]


def test_tables_that_disagree_are_refused_with_both_names() -> None:
    other = Objects(table(redshift=[0.5]), where="objects.csv")
    with pytest.raises(
        DataError, match=r"rows\.csv and objects\.csv: object 'a' has two values of 'redshift'"
    ):
        join(table(redshift=[0.1]), other, Notes("rows.csv"))


def test_those_asked_for_are_selected_in_their_order() -> None:
    objects = Objects(table(redshift=[0.1, 0.2, 0.3]))
    assert objects.select(pa.array(["c", "x", "a"])).column("redshift").to_pylist() == [0.3, 0.1]
    assert objects.ids.to_pylist() == ["a", "b", "c"]


def test_tables_below_each_other_lack_what_one_of_them_lacks() -> None:
    found = stack([table(redshift=[0.1]), object_table({"object_id": ["z"], "label": ["TDE"]})])
    assert found.column("label").to_pylist() == [None, "TDE"]
    assert np.isnan(found.column("redshift").to_pylist()[1])


def test_equal_tables_are_equal_where_values_are_missing() -> None:
    one = pa.table({"x": [1.0, None, np.nan], "y": ["a", None, "b"]})
    other = pa.table({"x": [1.0, np.nan, None], "y": ["a", None, "b"]})
    assert same_tables(one, other) and same_tables(one.slice(0, 0), other.slice(0, 0))
    assert not same_tables(one, with_column(other, "y", pa.array(["a", "c", "b"])))
    assert not same_tables(one, other.select(["y", "x"]))
    assert not same_tables(one, other.slice(1))


def test_a_column_is_replaced_where_it_stands_or_comes_last() -> None:
    one = pa.table({"x": [1], "y": [2]})
    assert with_column(one, "x", pa.array([9])).to_pydict() == {"x": [9], "y": [2]}
    assert with_column(one, "z", pa.array([9])).column_names == ["x", "y", "z"]


def test_an_object_in_two_parts_is_refused() -> None:
    refuse_repeated(pa.chunked_array([["a"], ["b"]]))
    with pytest.raises(DataError, match="object 'a': stands in more than one part, and 1 others"):
        refuse_repeated(pa.chunked_array([["a", "b"], ["a", "b", "c"]]))
