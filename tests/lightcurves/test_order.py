"""The laws of order: a permutation of rows, repeats and grouping change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.lightcurves import Flag, LightCurves

ROW = st.tuples(
    st.sampled_from(["a", "b", "10", "9"]),
    st.sampled_from([59_001.0, 59_001.5, 59_002.0, np.nan]),
    st.sampled_from(["g", "r", "q"]),
    st.sampled_from([-3.0, -0.0, 0.0, 7.0, np.nan, 1e14]),
    st.sampled_from([1.0, 2.0, 0.0, -999.0, np.nan]),
    st.sampled_from([np.nan, 5.0, -1.0]),
    st.sampled_from([True, False]),
    st.sampled_from([0, int(Flag.BAD_QUALITY)]),
)
NAMES = ("object_id", "time", "passband", "flux", "flux_err", "limit", "detected", "flags")


def read(rows: list[tuple[object, ...]]) -> LightCurves:
    """Light curves from rows."""
    columns = dict(zip(NAMES, zip(*rows, strict=True), strict=True)) if rows else {name: [] for name in NAMES}
    return LightCurves.from_columns(**columns, survey="ZTF", flux_unit="nJy", unknown_passbands="drop")


@settings(max_examples=150, deadline=None)
@given(st.lists(ROW, max_size=25), st.randoms(use_true_random=False))
def test_any_permutation_of_rows_gives_the_same_light_curves(rows, random) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    curves, other = read(rows), read(shuffled)
    assert other[curves.object_id].equals(curves) if rows else len(other) == 0


@settings(max_examples=100, deadline=None)
@given(st.lists(ROW, max_size=25))
def test_no_row_is_lost_and_objects_stand_in_order_of_appearance(rows) -> None:
    curves = read(rows)
    assert curves.object_id == list(dict.fromkeys(row[0] for row in rows))
    assert len(curves.time) == len(rows)
    for name, alone in zip(curves.object_id, curves, strict=True):
        assert len(alone.time) == sum(row[0] == name for row in rows)


@settings(max_examples=100, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=25))
def test_repeated_rows_change_nothing_that_is_used(rows) -> None:
    once, twice = read(rows), read(rows + rows[::-1])
    for name in ("time", "passband", "flux", "flux_err", "limit", "detected"):
        assert np.array_equal(
            getattr(once, name)[once.usable], getattr(twice, name)[twice.usable], equal_nan=True
        )
    added = Flag.DROPPED_DUPLICATE
    assert ((twice.object_flags & ~np.uint16(added)) == (once.object_flags & ~np.uint16(added))).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=25))
def test_rows_are_sorted_by_time_passband_and_flux(rows) -> None:
    for alone in read(rows):
        keys = list(zip(alone.time, alone.passband, alone.flux, strict=True))
        keys = [tuple(np.inf if np.isnan(value) else value for value in key) for key in keys]
        assert keys == sorted(keys)


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=25))
def test_an_object_alone_is_what_it_is_among_others(rows) -> None:
    curves = read(rows)
    for name in curves.object_id:
        assert read([row for row in rows if row[0] == name]).equals(curves[name])


def test_two_fluxes_at_one_time_are_both_kept_and_exact_repeats_flagged() -> None:
    rows = [("a", 59_001.0, "g", flux, 1.0, np.nan, True, 0) for flux in (9.0, 7.0, 9.0)]
    curves = read(rows)
    assert curves.flux.tolist() == [7.0, 9.0, 9.0]
    assert curves.flags.tolist() == [0, 0, Flag.DROPPED_DUPLICATE]
    assert curves.object_flags[0] == Flag.DROPPED_DUPLICATE


def test_the_good_copy_of_a_repeated_row_is_kept() -> None:
    rows = [("a", 59_001.0, "g", 9.0, error, np.nan, True, 0) for error in (-999.0, 2.0)]
    curves = read(rows)
    assert curves.usable.tolist() == [True, False]
    assert curves.flux_err.tolist() == [2.0, -999.0]


@pytest.mark.parametrize("interleaved", [True, False])
def test_large_tables_are_read_in_seconds(interleaved: bool) -> None:
    """A guard against loops over rows, not a benchmark: 300,000 rows."""
    n, m = 5_000, 60
    random = np.random.default_rng(0)
    order = random.permutation(n * m) if interleaved else np.arange(n * m)
    ids, time = np.repeat(np.arange(n), m)[order], np.tile(59_000.0 + np.arange(m), n)[order]
    flux = random.normal(size=n * m)[order]
    curves = LightCurves.from_columns(
        object_id=ids,
        time=time,
        passband=np.ones(n * m, int),
        survey="ZTF",
        flux=flux,
        flux_err=np.ones(n * m),
        flux_unit="nJy",
    )
    assert len(curves) == n and (np.diff(curves["7"].time) > 0).all()
