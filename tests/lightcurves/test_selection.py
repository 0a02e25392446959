"""Choosing objects and observations, cutting at a moment, and joining."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.errors import DataError, UnknownNameError, UsageError
from firstlight.lightcurves import Flag, LightCurves


def many(n: int = 6, survey: str = "ZTF", prefix: str = "o", **changes: object) -> LightCurves:
    """Objects with 0, 1, 2, ... observations (the first one stands in the metadata only)."""
    random = np.random.default_rng(n)
    owner = np.repeat(np.arange(n), np.arange(n))
    given = {"object_id": [f"{prefix}{k}" for k in owner], "time": 59_000 + random.uniform(0, 50, len(owner))}
    given |= {"flux": random.normal(600, 300, len(owner)), "flux_err": np.full(len(owner), 100.0)}
    given |= {"passband": random.choice(["g", "r", "i"], len(owner)), "survey": survey, "flux_unit": "nJy"}
    objects = {"object_id": [f"{prefix}{k}" for k in range(n)], "redshift": np.arange(n) / 10 + 0.1}
    return LightCurves.from_columns(**{**given, "objects": objects, **changes})


def test_objects_are_chosen_by_position_name_slice_mask_and_list() -> None:
    curves = many()
    assert curves.object_id == ["o1", "o2", "o3", "o4", "o5", "o0"]
    for chosen, names in [
        (curves[2], ["o3"]),
        (curves[-1], ["o0"]),
        (curves[np.int64(0)], ["o1"]),
        (curves["o4"], ["o4"]),
        (curves[1:3], ["o2", "o3"]),
        (curves[::-2], ["o0", "o4", "o2"]),
        (curves[curves.n_observations > 3], ["o4", "o5"]),
        (curves[[4, 0, 0]], ["o5", "o1", "o1"]),
        (curves[np.array([-1, 0])], ["o0", "o1"]),
        (curves[["o2", "o5"]], ["o2", "o5"]),
        (curves[[]], []),
        (curves[np.zeros(6, bool)], []),
    ]:
        assert chosen.object_id == names
        for name, alone in zip(names, chosen, strict=True):
            assert alone.equals(curves[name])
            assert len(alone.time) == int(name[1])


def test_wrong_choices_are_refused() -> None:
    curves = many()
    with pytest.raises(UnknownNameError, match="Did you mean 'o1'"):
        curves["oo1"]
    with pytest.raises(IndexError):
        curves[6]
    with pytest.raises(IndexError):
        curves[[0, 9]]
    with pytest.raises(UsageError, match="mask of shape"):
        curves[np.ones(3, bool)]
    with pytest.raises(UsageError, match="not by float64"):
        curves[np.array([0.5])]


def test_owner_offsets_and_counts_agree() -> None:
    curves = many()
    assert curves.n_observations.tolist() == [1, 2, 3, 4, 5, 0]
    assert np.array_equal(np.bincount(curves.owner, minlength=6), curves.n_observations)
    assert curves.per_object(curves.detected).tolist() == [int(one.detected.sum()) for one in curves]
    assert len(list(curves)) == len(curves) == 6
    assert repr(curves) == "LightCurves(6 objects, 15 observations; ZTF-g, ZTF-r, ZTF-i)"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-6, 5), max_size=12))
def test_taking_objects_gives_each_of_them_whole(index: list[int]) -> None:
    curves = many()
    taken = curves.take(np.array(index, dtype=int))
    assert len(taken) == len(index)
    for one, position in zip(taken, index, strict=True):
        assert one.equals(curves[position])


@settings(max_examples=50, deadline=None)
@given(st.floats(59_000, 59_060), st.floats(59_000, 59_060))
def test_a_cut_keeps_what_came_before_and_cuts_compose(early: float, late: float) -> None:
    curves = many()
    cut = curves.until(mjd=late)
    assert cut.object_id == curves.object_id
    assert (cut.time <= late).all() and len(cut.time) == (curves.time <= late).sum()
    assert cut.until(mjd=early).equals(curves.until(mjd=min(early, late)))


@pytest.mark.parametrize("k", [1, 2, 3, 99])
def test_until_a_number_of_detections(k: int) -> None:
    curves = many()
    for one, cut in zip(curves, curves.until(detections=k), strict=True):
        found = np.flatnonzero(one.detected)
        end = found[k - 1] + 1 if k <= len(found) else len(one.time)
        assert np.array_equal(cut.time, one.time[:end])


@pytest.mark.parametrize("days", [0.0, 3.0, 1e6])
def test_until_days_since_the_trigger(days: float) -> None:
    curves = many()
    cut = curves.until(days_since_trigger=days)
    for one, part in zip(curves, cut, strict=True):
        if not one.detected.any():
            assert part.equals(one)
        else:
            trigger = one.time[one.detected][0]
            assert np.array_equal(part.time, one.time[one.time <= trigger + days])
            assert one.trigger[0] == trigger


def test_a_given_trigger_counts_instead_of_the_first_detection() -> None:
    given = {
        "object_id": ["a"] * 5,
        "time": [59_001.0, 59_002.0, 59_030.0, 59_031.0, 59_040.0],
        "passband": ["g"] * 5,
        "survey": "ZTF",
    }
    given |= {"flux": [900.0, 50.0, 900.0, 950.0, 960.0], "flux_err": [100.0] * 5, "flux_unit": "nJy"}
    curves = LightCurves.from_columns(**given, objects={"object_id": ["a"], "trigger_mjd": [59_030.0]})
    assert curves.trigger.tolist() == [59_030.0]
    assert curves.until(days_since_trigger=1.5).time.tolist() == [59_001.0, 59_002.0, 59_030.0, 59_031.0]
    assert curves.until(detections=1).time.tolist() == [59_001.0, 59_002.0, 59_030.0]


def test_flags_follow_the_cut() -> None:
    given = {
        "object_id": ["a"] * 3,
        "time": [59_001.0, 59_002.0, 59_003.0],
        "passband": ["g"] * 3,
        "survey": "ZTF",
    }
    given |= {"flux": [50.0, 900.0, np.nan], "flux_err": [100.0] * 3, "flux_unit": "nJy"}
    curves = LightCurves.from_columns(**given, objects={"object_id": ["a"], "redshift": [-9.0]})
    assert curves.object_flags[0] == Flag.REDSHIFT_SENTINEL | Flag.DROPPED_NAN
    assert curves.until(mjd=59_002.0).object_flags[0] == Flag.REDSHIFT_SENTINEL
    assert curves.until(mjd=59_001.0).object_flags[0] == Flag.REDSHIFT_SENTINEL | Flag.NO_DETECTION
    assert (
        curves.until(mjd=59_000.0).object_flags[0]
        == Flag.REDSHIFT_SENTINEL | Flag.NO_DETECTION | Flag.NO_DATA
    )


@pytest.mark.parametrize("choice", [{}, {"mjd": 1.0, "detections": 2}, {"detections": 0}, {"mjd": np.nan}])
def test_until_needs_exactly_one_moment(choice: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        many().until(**choice)


def test_observations_are_kept_where_a_mask_says_so() -> None:
    curves = many()
    kept = curves.where(curves.passband == 0)
    assert kept.object_id == curves.object_id
    assert (kept.passband == 0).all() and len(kept.time) == (curves.passband == 0).sum()
    with pytest.raises(UsageError, match="mask of shape"):
        curves.where(np.ones(2, bool))


def test_parts_put_together_are_the_whole() -> None:
    curves = many()
    assert LightCurves.concat([curves[:2], curves[2:5], curves[5:]]).equals(curves)
    assert LightCurves.concat([curves]).equals(curves)


def test_surveys_are_merged_by_the_names_of_their_passbands() -> None:
    one, two = many(4), many(4, survey="LSST", prefix="l", objects={"object_id": ["l1"], "mwebv": [0.1]})
    both = LightCurves.concat([one, two])
    assert both.passbands == one.passbands + two.passbands
    assert both.column("survey").tolist() == ["ZTF"] * 4 + ["LSST"] * 3
    np.testing.assert_array_equal(both.column("mwebv"), [np.nan] * 4 + [0.1, np.nan, np.nan])
    for name in two.object_id:
        names = [both.passbands[code] for code in both[name].passband]
        assert names == [two.passbands[code] for code in two[name].passband]


def test_an_unknown_passband_stays_unknown_when_merged() -> None:
    given = {"object_id": ["a"], "time": [59_001.0], "passband": ["q"], "flux": [1e3], "flux_err": [1.0]}
    given |= {"flux_unit": "nJy", "unknown_passbands": "drop"}
    lost = LightCurves.from_columns(**given, survey="LSST")
    assert LightCurves.concat([many(3), lost])["a"].passband.tolist() == [-1]


def test_an_object_in_two_parts_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"object 'o1'.*more than one part"):
        LightCurves.concat([many(3), many(2)])
    with pytest.raises(UsageError):
        LightCurves.concat([])
