"""Many objects, a few observations at a time: the numbers of the table, and states that can be stored."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight import facts
from firstlight.errors import DataError, UsageError
from firstlight.lightcurves import Flag, LightCurves
from firstlight.preparation import Observation, Preparation, States

PREPARATIONS = st.builds(
    Preparation,
    features=st.sampled_from(["default", "reference"]),
    rows=st.sampled_from(["detections", "measured", "all"]),
    before_days=st.sampled_from([0.0, 5.0, 30.0, 100.0]),
    after_days=st.sampled_from([20.0, 70.0, 200.0]),
    season_gap_days=st.sampled_from([10.0, 40.0, 90.0]),
    metadata=st.just(("redshift", "mwebv")),
    deredden=st.booleans(),
)


def deliveries(curves: LightCurves, parts: int, seed: int) -> list[LightCurves]:
    """The light curves in so many deliveries, each of them cut anywhere."""
    random = np.random.default_rng(seed)
    turn = np.concatenate([np.sort(random.integers(0, parts, size)) for size in curves.n_observations])
    return [curves.where(turn == k) for k in range(parts)]


def seasons(parts: list, n: int) -> list[list[tuple]]:
    """What all deliveries brought of each season of each object: features and answers."""
    found: list[list[list]] = [[] for _ in range(n)]
    for sequences, begins in parts:
        for k, owner in enumerate(sequences.owner):
            rows = slice(*sequences.offsets[k : k + 2])
            if begins[k]:
                found[owner].append([])
            found[owner][-1].append((sequences.features[rows], sequences.issued[rows], sequences.time[rows]))
    return [[tuple(map(np.concatenate, zip(*one, strict=True))) for one in each] for each in found]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    survey=st.sampled_from(["ZTF", "LSST", "ATLAS"]),
    trigger=st.booleans(),
    parts=st.integers(1, 6),
    preparation=PREPARATIONS,
)
def test_deliveries_give_the_numbers_of_the_table(
    random_curves, seed: int, survey: str, trigger: bool, parts: int, preparation: Preparation
) -> None:
    curves = random_curves(seed, survey, 5, trigger)
    whole = preparation(curves)
    states, found = preparation.begin(curves), []
    for part in deliveries(curves, parts, seed):
        states, sequences, begins, late = preparation.steps(states, part)
        found.append((sequences, begins))
        assert not late.any()
    of_objects = seasons(found, len(curves))
    for k, of_object in enumerate(of_objects):
        speaking = [one for one in of_object if one[1].any()]
        expected = np.flatnonzero(whole.owner == k)
        assert len(speaking) == len(expected)
        for season, (features, issued, time) in zip(expected, speaking, strict=True):
            rows = slice(*whole.offsets[season : season + 2])
            assert np.array_equal(whole.features[rows], features)
            assert np.array_equal(whole.issued[rows], issued)
            assert np.array_equal(whole.time[rows], time)
    late = (states.columns["flags"] & Flag.OUTSIDE_WINDOW) > 0
    assert np.array_equal(late, (whole.flags & Flag.OUTSIDE_WINDOW) > 0)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), trigger=st.booleans(), preparation=PREPARATIONS)
def test_one_object_alone_ends_in_the_same_state(
    random_curves, seed: int, trigger: bool, preparation: Preparation
) -> None:
    curves = random_curves(seed, "ZTF", 3, trigger)
    survey, alone = facts.survey("ZTF"), []
    for k in range(len(curves)):
        known = {name: curves.column(name)[k] for name in ("redshift", "mwebv", "trigger_mjd")}
        state = preparation.start(known, survey=survey)
        for row in range(curves.offsets[k], curves.offsets[k + 1]):
            state, _, _ = preparation.step(state, observation(curves, row))
        alone.append(state)
    together = preparation.steps(preparation.begin(curves), curves).states
    assert States.of(alone) == together
    assert States.of([together.one(k, survey) for k in range(len(curves))]) == together


def observation(curves: LightCurves, row: int) -> Observation:
    return Observation(
        curves.time[row],
        curves.passbands[curves.passband[row]],
        curves.flux[row],
        curves.flux_err[row],
        bool(curves.detected[row]),
        curves.limit[row],
    )


def test_states_are_stored_as_bytes_and_go_on_from_there(random_curves) -> None:
    curves = random_curves(3, "LSST", 20)
    preparation = Preparation(rows="all", before_days=30.0, metadata=("redshift",))
    first, second = deliveries(curves, 2, 1)
    states = preparation.steps(preparation.begin(curves), first).states
    stored = states.to_bytes()
    again = preparation.states_of(stored, curves.bands)
    assert again == states
    one, other = (preparation.steps(each, second) for each in (states, again))
    assert one.states == other.states
    assert np.array_equal(one.sequences.features, other.sequences.features)


def test_a_state_of_the_wide_survey_of_lsst_takes_less_than_two_kilobytes() -> None:
    """800 visits in ten years, all of them read, and those of a month before the trigger kept."""
    random = np.random.default_rng(0)
    visits = 800
    night = np.sort(random.uniform(0.0, 3652.0, visits))
    curves = LightCurves.from_columns(
        object_id=["a"] * visits,
        time=60_000.0 + night,
        passband=random.choice(list("ugrizy"), visits),
        flux=random.normal(200.0, 400.0, visits),
        flux_err=np.full(visits, 400.0),
        flux_unit="nJy",
        survey="LSST",
    )
    preparation = Preparation(rows="all", before_days=30.0, metadata=("redshift", "photoz", "mwebv"))
    states = preparation.begin(curves[[]])
    assert len(states) == 0
    states = preparation.begin(curves)
    sizes = []
    for part in deliveries(curves, 40, 0):
        states = preparation.steps(states, part).states
        sizes.append(len(states.to_bytes()[0]))
    assert max(sizes) < 2_000


def test_bytes_of_something_else_are_refused(random_curves) -> None:
    curves = random_curves(1, "ZTF", 2)
    preparation = Preparation()
    stored = preparation.begin(curves).to_bytes()
    assert preparation.states_of([], curves.bands).to_bytes() == []
    with pytest.raises(DataError, match="state 1: was written by another version"):
        preparation.states_of([stored[0], b"\xff" + stored[1][1:]], curves.bands)
    with pytest.raises(DataError, match="cut short"):
        preparation.states_of([stored[0][:-1]], curves.bands)
    with pytest.raises(DataError, match="none of 6 passbands"):
        preparation.states_of(stored, facts.survey("LSST").passbands)
    with pytest.raises(DataError, match="1 metadata columns"):
        dataclasses.replace(preparation, metadata=("redshift",)).states_of(stored, curves.bands)


def test_repeated_and_late_observations_leave_the_others_alone(bump: LightCurves) -> None:
    preparation = Preparation()
    rows = np.arange(len(bump.time))
    late, early = bump.where(rows == 2), bump.where(rows < 6)
    states = preparation.steps(preparation.begin(bump), bump.where((rows < 6) & (rows != 2))).states
    again = preparation.steps(states, bump.where(rows == 5))
    assert again.states.columns["flags"][0] & Flag.DROPPED_DUPLICATE and not len(again.sequences)
    assert not again.late.any()
    missed = preparation.steps(states, late)
    assert missed.late.tolist() == [True] and missed.states == states
    both = preparation.steps(states, LightCurves.concat([bump.where((rows == 2) | (rows > 5))]))
    assert both.late.tolist() == [True, *[False] * (len(rows) - 6)]
    assert len(both.sequences.features) == len(preparation(bump).features) - len(preparation(early).features)


def test_states_are_chosen_and_put_together(random_curves) -> None:
    curves = random_curves(5, "ZTF", 6)
    preparation = Preparation(rows="measured", before_days=20.0)
    first, second = deliveries(curves, 2, 2)
    states = preparation.steps(preparation.begin(curves), first).states
    order = np.array([4, 0, 5])
    some = preparation.steps(states.take(order), second.take(order)).states
    whole = preparation.steps(states, second).states
    assert some == whole.take(order)
    rest = whole.take(np.array([True, True, False, False, False, False]))
    assert States.concat([some, rest]).to_bytes() == some.to_bytes() + rest.to_bytes()


def test_states_and_light_curves_must_fit(random_curves) -> None:
    curves = random_curves(5, "ZTF", 3)
    preparation = Preparation()
    with pytest.raises(UsageError, match="2 light curves for 3 states"):
        preparation.steps(preparation.begin(curves), curves[:2])
    with pytest.raises(DataError, match="do not know the passband 'LSST-u'"):
        preparation.steps(preparation.begin(curves), random_curves(5, "LSST", 3))
    with pytest.raises(UsageError, match="not the passbands of LSST"):
        preparation.begin(curves).one(0, facts.survey("LSST"))
