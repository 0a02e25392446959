"""One observation at a time gives the numbers of the whole table, bit by bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.errors import DataError, UnknownNameError
from firstlight.lightcurves import Flag, LightCurves
from firstlight.preparation import Observation, Preparation, States

REDSHIFTS = ("redshift", "mwebv")


def observations(curves: LightCurves, k: int) -> list[Observation]:
    rows = range(curves.offsets[k], curves.offsets[k + 1])
    columns = (curves.time, curves.passband, curves.flux, curves.flux_err, curves.detected, curves.limit)
    return [
        Observation(time, curves.passbands[band], flux, error, bool(found), limit)
        for time, band, flux, error, found, limit in (
            tuple(column[row] for column in columns) for row in rows
        )
    ]


def metadata(curves: LightCurves, k: int) -> dict[str, float]:
    return {name: curves.column(name)[k] for name in ("redshift", "mwebv", "trigger_mjd")}


def streamed(preparation: Preparation, curves: LightCurves, k: int, survey: str):
    """Features and answers of each season that speaks, and the last state."""
    state = preparation.start(metadata(curves, k), survey=survey)
    seasons: dict[int, list] = {}
    for observation in observations(curves, k):
        state, *new = preparation.step(state, observation)
        seasons.setdefault(state.season, []).append(new)
    whole = [[np.concatenate(column) for column in zip(*rows, strict=True)] for rows in seasons.values()]
    return [(features, issued) for features, issued in whole if issued.any()], state


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    survey=st.sampled_from(["ZTF", "LSST", "ATLAS"]),
    trigger=st.booleans(),
    features=st.sampled_from(["default", "reference"]),
    rows=st.sampled_from(["detections", "measured", "all"]),
    before=st.sampled_from([0.0, 5.0, 30.0, 100.0]),
    after=st.sampled_from([20.0, 70.0, 200.0]),
    gap=st.sampled_from([10.0, 40.0, 90.0]),
    deredden=st.booleans(),
)
def test_step_equals_batch(
    random_curves, seed, survey, trigger, features, rows, before, after, gap, deredden
) -> None:
    curves = random_curves(seed, survey, 3, trigger)
    preparation = Preparation(
        features=features,
        rows=rows,
        before_days=before,
        after_days=after,
        season_gap_days=gap,
        metadata=REDSHIFTS,
        deredden=deredden,
    )
    whole = preparation(curves)
    for k in range(len(curves)):
        seasons, state = streamed(preparation, curves, k, survey)
        parts = [slice(*whole.offsets[s : s + 2]) for s in np.flatnonzero(whole.owner == k)]
        assert len(parts) == len(seasons)
        for part, (numbers, issued) in zip(parts, seasons, strict=True):
            assert np.array_equal(whole.features[part], numbers)
            assert np.array_equal(whole.issued[part], issued)
        if not parts:
            continue
        first = int(np.flatnonzero(whole.owner == k)[0])
        assert np.array_equal(whole.context[first], state.context[0])
        assert np.array_equal(whole.context_mask[first], state.context_mask[0])
        assert bool(state.flags & Flag.OUTSIDE_WINDOW) == bool(whole.flags[k] & Flag.OUTSIDE_WINDOW)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), cut=st.floats(59_000.0, 59_700.0))
def test_what_comes_later_changes_no_earlier_row(random_curves, seed: int, cut: float) -> None:
    preparation = Preparation(rows="all", before_days=20.0)
    curves = random_curves(seed)
    whole, early = preparation(curves), preparation(curves.until(mjd=cut))
    kept = curves.time[whole.row] <= cut
    seasons = np.repeat(np.arange(len(whole)), whole.lengths)
    # A season that has not begun by then has no row yet.
    begun = np.zeros(len(whole), bool)
    begun[seasons[kept & whole.issued]] = True
    assert np.array_equal(whole.features[kept & begun[seasons]], early.features)


def test_the_old_state_stays_valid() -> None:
    preparation = Preparation()
    state = preparation.start(survey="ZTF")
    first = Observation(59_000.0, "g", 9_000.0, 500.0)
    after, rows, _ = preparation.step(state, first)
    again, same, _ = preparation.step(state, first)
    assert np.array_equal(rows, same) and States.of([after]) == States.of([again])


def test_a_repeated_delivery_changes_nothing() -> None:
    preparation = Preparation()
    one = Observation(59_000.0, "g", 9_000.0, 500.0)
    state, rows, _ = preparation.step(preparation.start(survey="ZTF"), one)
    assert len(rows) == 1
    state, rows, issued = preparation.step(state, one)
    assert len(rows) == len(issued) == 0
    assert state.flags & Flag.DROPPED_DUPLICATE


def test_an_observation_out_of_order_is_refused_and_says_what_to_do() -> None:
    preparation = Preparation()
    state, _, _ = preparation.step(
        preparation.start(survey="ZTF"), Observation(59_001.0, "g", 9_000.0, 500.0)
    )
    with pytest.raises(DataError, match=r"belongs before one of MJD 59001.0.*Start anew"):
        preparation.step(state, Observation(59_000.0, "g", 9_000.0, 500.0))


@pytest.mark.parametrize(
    ("observation", "flag"),
    [
        (Observation(float("nan"), "g", 9_000.0, 500.0), Flag.DROPPED_NAN),
        (Observation(59_000.0, "g", float("nan"), 500.0), Flag.DROPPED_NAN),
        (Observation(59_000.0, "g", 9_000.0, float("inf")), Flag.DROPPED_NAN),
        (Observation(59_000.0, "g", 9_000.0, 0.0), Flag.DROPPED_BAD_ERROR),
        (Observation(59_000.0, "g", 9_000.0, -999.0), Flag.DROPPED_BAD_ERROR),
        (Observation(59_000.0, "g", 1e20, 1.0), Flag.IMPLAUSIBLE_FLUX),
        (Observation(59_000.0, "g", limit=1e20), Flag.IMPLAUSIBLE_FLUX),
    ],
)
def test_what_cannot_be_used_is_flagged_and_not_read(observation: Observation, flag: Flag) -> None:
    preparation = Preparation(rows="all")
    state, rows, _ = preparation.step(preparation.start(survey="ZTF"), observation)
    assert len(rows) == 0 and state.flags & flag


def test_passbands_go_by_any_spelling_and_unknown_ones_are_named() -> None:
    preparation = Preparation()
    spelled = [
        preparation.step(preparation.start(survey="ZTF"), Observation(59_000.0, name, 9e3, 500.0))[1]
        for name in ("ZTF-g", "g", "ztfg", "ZTF_g")
    ]
    assert all(np.array_equal(rows, spelled[0]) for rows in spelled)
    with pytest.raises(UnknownNameError, match="ztfx"):
        preparation.step(preparation.start(survey="ZTF"), Observation(59_000.0, "ztfx", 9e3, 500.0))


def test_the_buffer_is_bounded_by_the_days_before_the_trigger() -> None:
    preparation = Preparation(rows="measured", before_days=10.0)
    state = preparation.start(survey="ZTF")
    for day in range(300):
        state, _, _ = preparation.step(state, Observation(59_000.0 + day, "g", 10.0, 500.0))
    assert state.pending == 11


def test_metadata_of_a_stream_are_read_as_those_of_a_table() -> None:
    """A sentinel is missing here too, and a name that nobody reads is refused."""
    preparation = Preparation(metadata=REDSHIFTS)
    state = preparation.start({"redshift": -9.0, "mwebv": 0.1}, survey="ZTF")
    assert state.context_mask.tolist() == [[False, True]] and state.flags == Flag.REDSHIFT_SENTINEL
    assert preparation.start({"redshift": None}, survey="ZTF").context_mask.tolist() == [[False, False]]
    with pytest.raises(UnknownNameError, match="Did you mean 'redshift'"):
        preparation.start({"redshft": 0.1}, survey="ZTF")
    with pytest.raises(DataError, match="not MJD"):
        preparation.start({"trigger_mjd": 2_459_000.5}, survey="ZTF")


def test_a_julian_date_is_refused_in_a_stream() -> None:
    preparation = Preparation()
    with pytest.raises(DataError, match="not MJD"):
        preparation.step(preparation.start(survey="ZTF"), Observation(2_459_000.5, "g", 9e3, 5e2))
