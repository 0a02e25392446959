"""Triggers, seasons and windows: which observations are read, and where answers begin."""

import numpy as np
import pytest

from firstlight.lightcurves import Flag, LightCurves
from firstlight.preparation import Preparation


def one(days: list[float], fluxes: list[float], **more: object) -> LightCurves:
    """An object with errors of 100 nJy, so 500 nJy is a detection; MJD 59000 + days."""
    return LightCurves.from_columns(
        **{
            "object_id": ["a"] * len(days),
            "time": 59_000.0 + np.array(days),
            "passband": ["r"] * len(days),
            "flux": fluxes,
            "flux_err": [100.0] * len(days),
            "flux_unit": "nJy",
            "survey": "ZTF",
            **more,
        }
    )


def test_the_trigger_is_the_first_detection() -> None:
    sequences = Preparation(rows="measured")(one([0, 1, 2, 3], [10, 900, 20, 900]))
    assert sequences.time.tolist() == [0.0, 1.0, 2.0]
    assert sequences.row.tolist() == [1, 2, 3]
    assert sequences.issued.all() and sequences.n_detections.tolist() == [1, 1, 2]


def test_rows_before_the_trigger_are_read_but_get_no_answer() -> None:
    sequences = Preparation(rows="measured", before_days=5.0)(one([0, 4, 6, 8], [10, 10, 900, 900]))
    assert sequences.time.tolist() == [-2.0, 0.0, 2.0]
    assert sequences.issued.tolist() == [False, True, True]


def test_a_detection_after_the_gap_starts_a_new_season() -> None:
    light = one([0, 10, 99.9, 190], [900, 900, 900, 900])
    sequences = Preparation()(light)
    assert sequences.owner.tolist() == [0, 0]
    assert sequences.offsets.tolist() == [0, 3, 4]
    assert sequences.time.tolist()[-1] == 0.0


def test_a_fainter_season_is_no_sequence_and_changes_nothing() -> None:
    supernova, junk = [900, 5_000, 3_000], [600, 4_999, 700]
    one_alone = Preparation()(one([0, 10, 20], supernova))
    followed = Preparation()(one([0, 10, 20, 200, 201, 400], supernova + junk))
    assert followed.row.tolist() == [0, 1, 2] and followed.issued.all()
    assert np.array_equal(followed.features, one_alone.features)
    assert np.array_equal(followed.flags, one_alone.flags)


def test_a_brighter_season_speaks_from_the_moment_it_is_as_bright() -> None:
    light = one([0, 10, 20, 200, 201, 202, 203], [900, 5_000, 3_000, 600, 4_000, 5_000, 700])
    sequences = Preparation()(light)
    assert sequences.offsets.tolist() == [0, 3, 7]
    assert sequences.issued.tolist() == [True] * 3 + [False, False, True, True]
    assert sequences.time.tolist() == [0.0, 10.0, 20.0, 0.0, 1.0, 2.0, 3.0]
    assert sequences.n_detections.tolist() == [1, 2, 3, 1, 2, 3, 4]


def test_a_season_must_be_brighter_than_all_before_not_than_the_last() -> None:
    light = one([0, 10, 20, 200, 400, 600], [900, 5_000, 3_000, 600, 800, 6_000])
    assert Preparation()(light).row.tolist() == [0, 1, 2, 5]


@pytest.mark.parametrize("days", [[0], [0, 1], [0, 100]])
def test_fewer_than_three_detections_hold_no_season_back(days: list[float]) -> None:
    light = one([*days, 300, 301], [9_000] * len(days) + [600, 700])
    sequences = Preparation()(light)
    assert sequences.row.tolist()[-2:] == [len(days), len(days) + 1] and sequences.issued.all()


def test_detections_outside_the_window_and_in_any_passband_count_for_the_brightest() -> None:
    late = one([0, 40, 80, 200], [900, 900, 5_000, 4_000])
    assert Preparation(after_days=50.0)(late).row.tolist() == [0, 1]
    two = one([0, 1, 2, 200], [900, 900, 5_000, 4_000], passband=["r", "r", "g", "r"])
    assert Preparation()(two).row.tolist() == [0, 1, 2]
    assert Preparation(passbands=("ZTF-r",))(two).row.tolist() == [0, 1, 3]  # two are too few


def test_a_given_trigger_needs_no_brightness() -> None:
    objects = {"object_id": ["a"], "trigger_mjd": [59_200.0]}
    light = one([0, 10, 20, 200, 201], [900, 5_000, 3_000, 600, 700], objects=objects)
    sequences = Preparation()(light)
    assert sequences.row.tolist() == [3, 4] and sequences.issued.all()


def test_a_given_trigger_makes_one_season_and_leaves_out_what_came_before() -> None:
    light = one([0, 100, 102, 310], [900] * 4, objects={"object_id": ["a"], "trigger_mjd": [59_100.0]})
    sequences = Preparation()(light)
    assert sequences.row.tolist() == [1, 2]
    assert sequences.flags.tolist() == [Flag.OUTSIDE_WINDOW]


def test_a_given_trigger_without_a_detection_gives_no_answer() -> None:
    light = one([0, 1], [10, 10], objects={"object_id": ["a"], "trigger_mjd": [59_000.0]})
    sequences = Preparation(rows="measured")(light)
    assert len(sequences) == 0 and sequences.flags[0] & Flag.NO_DETECTION


def test_answers_wait_for_the_first_detection_after_a_given_trigger() -> None:
    light = one([0, 1, 2], [10, 900, 10], objects={"object_id": ["a"], "trigger_mjd": [59_000.0]})
    assert Preparation(rows="measured")(light).issued.tolist() == [False, True, True]


def test_rows_after_the_window_are_flagged() -> None:
    sequences = Preparation(after_days=50.0)(one([0, 40, 80], [900, 900, 900]))
    assert sequences.time.tolist() == [0.0, 40.0]
    assert sequences.flags.tolist() == [Flag.OUTSIDE_WINDOW]


def test_passbands_that_are_not_read_are_flagged_where_nothing_is_left() -> None:
    light = one([0, 1], [900, 900])
    sequences = Preparation(passbands=("ZTF-g",))(light)
    assert len(sequences) == 0
    assert sequences.flags[0] & Flag.NO_KNOWN_PASSBAND


@pytest.mark.parametrize("seed", range(5))
def test_with_detections_alone_limits_and_weak_points_change_nothing(random_curves, seed: int) -> None:
    """They betray the class on the benchmark, where one source of TDEs lacks them."""
    light = random_curves(seed)
    bare = light.where(light.detected)
    full, less = Preparation()(light), Preparation()(bare)
    assert np.array_equal(full.features, less.features)
    assert np.array_equal(full.offsets, less.offsets)


def test_without_light_curves_there_are_no_sequences() -> None:
    light = LightCurves.from_columns(
        object_id=[], time=[], passband=[], flux=[], flux_err=[], flux_unit="nJy", survey="ZTF"
    )
    sequences = Preparation(metadata=("redshift",))(light)
    assert len(sequences) == 0
    assert sequences.features.shape == (0, len(sequences.names))
    assert sequences.context.shape == (0, 1)
