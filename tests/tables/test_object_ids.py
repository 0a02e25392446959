"""Object ids: no digit is lost, whatever the column; rows of one object are found wherever they stand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.errors import DataError
from firstlight.notes import Notes
from firstlight.tables.identifiers import as_text, grouped, identifiers, identities

LONG = 2**63 - 1
IDS = st.lists(st.none() | st.sampled_from(["a", "b", "ZTF20aa", "10", "9", "é"]), max_size=20)


def spread(ids: pa.Array, starts: np.ndarray, codes: np.ndarray, rows: int) -> list[str | None]:
    """The id of every row again."""
    names = [None if code < 0 else ids[int(code)].as_py() for code in codes]
    lengths = np.diff(np.append(starts, rows))
    return [name for name, length in zip(names, lengths, strict=True) for _ in range(length)]


@pytest.mark.parametrize(
    "form",
    [
        lambda ids: pa.array(ids, pa.string()),
        lambda ids: pa.array(ids, pa.string()).dictionary_encode(),
        lambda ids: pa.DictionaryArray.from_arrays(  # entries that are equal, unused, and in another order
            pa.array(
                [None if one is None else 2 * "ab10 9éZTF20aa".index(one[0]) for one in ids], pa.int32()
            ),
            pa.array([name for c in "ab10 9éZTF20aa" for name in (whole(c), "never")]),
        ),
    ],
    ids=["text", "dictionary", "dictionary with repeats"],
)
@settings(max_examples=80, deadline=None)
@given(ids=IDS)
def test_distinct_ids_come_in_order_of_appearance_and_every_row_finds_its_own(
    form: Any, ids: list[Any]
) -> None:
    found, starts, codes = grouped(form(ids))
    assert found.to_pylist() == list(dict.fromkeys(one for one in ids if one is not None))
    assert spread(found, starts, codes, len(ids)) == ids


def whole(first: str) -> str:
    """The id that begins with this letter."""
    return {"Z": "ZTF20aa", "1": "10"}.get(first, first)


@settings(max_examples=80, deadline=None)
@given(ids=st.lists(st.integers(-LONG, LONG), max_size=12))
def test_whole_numbers_of_any_length_keep_every_digit(ids: list[int]) -> None:
    column = pa.array([one for one in ids for _ in range(2)], pa.int64())
    found, starts, codes = grouped(identifiers(column))
    assert found.to_pylist() == [str(one) for one in dict.fromkeys(ids)]
    assert spread(found, starts, codes, 2 * len(ids)) == [str(one) for one in ids for _ in range(2)]


@pytest.mark.parametrize(
    ("column", "ids"),
    [
        ([615.0, 616.0], ["615", "616"]),
        (np.array([1, 2], np.uint8), ["1", "2"]),
        (np.array([b"a", b"b"]), ["a", "b"]),
        (pa.array([LONG, -5]), [str(LONG), "-5"]),
        (pa.array([2**64 - 1], pa.uint64()), [str(2**64 - 1)]),
        (["007", "7"], ["007", "7"]),
    ],
)
def test_ids_are_text_in_the_end(column: Any, ids: list[str]) -> None:
    assert as_text(identifiers(column)).to_pylist() == ids


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ([1.5, 2.0], "1.5"),
        ([2.0**53, 1.0], "digits may be lost"),
        ([1e20], "digits may be lost"),
        (["a", None], "1 object ids are missing"),
        ([1.0, np.nan], "1 object ids are missing"),
    ],
)
def test_ids_that_have_lost_something_are_refused(column: Any, told: str) -> None:
    with pytest.raises(DataError, match="column 'oid'") as caught:
        identifiers(column, "oid")
    assert told in str(caught.value)


# -- ids of a file ---------------------------------------------------------------------------------------


@settings(max_examples=80, deadline=None)
@given(ids=IDS)
def test_a_missing_id_belongs_to_no_object(ids: list[str | None]) -> None:
    codes, found = identities(pa.array(ids, pa.string()), "object_id", Notes())
    assert [None if code < 0 else found[int(code)].as_py() for code in codes] == ids


def test_text_is_trimmed_and_a_whole_number_that_was_a_float_is_whole_again() -> None:
    codes, ids = identities(pa.array([" a ", "a", "615.0", "615", "", "1.50"]), "object_id", Notes())
    assert ids.to_pylist() == ["a", "615", "1.50"]
    assert codes.tolist() == [0, 0, 1, 1, -1, 2]


def test_what_cannot_be_an_id_is_refused_with_its_table() -> None:
    with pytest.raises(DataError, match=r"t\.csv: column 'oid'.*fractional"):
        identities(pa.array([1.5]), "oid", Notes("t.csv"))
    with pytest.raises(DataError, match=r"t\.csv: column 'oid' is list"):
        identities(pa.array([[1]]), "oid", Notes("t.csv"))
