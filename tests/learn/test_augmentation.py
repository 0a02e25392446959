import dataclasses

import numpy as np
import pytest

from firstlight.errors import UsageError
from firstlight.learn import STANDARD, Augmentation, augment
from firstlight.learn.augmentation import LEAST, mask_metadata

from .conftest import labelled

SWITCHES = ("drop_rows", "drop_passband", "start_late", "zero_point", "noise", "dim", "dilation")
STRONG = {"drop_rows": 0.9, "zero_point": 0.3, "noise": 1.0, "dilation": 0.2}


def with_only(switch: str) -> Augmentation:
    return Augmentation(**{switch: STRONG.get(switch, 1.0)})


def rng():
    return np.random.default_rng(3)


def test_nothing_changes_by_default():
    curves = labelled()
    assert augment(curves, Augmentation(), rng()) is curves
    assert not Augmentation().changes_curves and STANDARD.changes_curves


@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize("trigger", [False, True])
def test_every_switch_changes_something_and_keeps_the_objects(switch, trigger):
    curves = labelled(trigger=trigger)
    changed = augment(curves, with_only(switch), rng())
    assert not changed.equals(curves)
    assert changed.object_id == curves.object_id
    assert list(changed.column("label")) == list(curves.column("label"))
    assert changed.equals(augment(curves, with_only(switch), rng()))
    sorted_within = np.diff(changed.time) >= 0
    sorted_within[changed.offsets[1:-1] - 1] = True
    assert sorted_within.all()


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_stated_trigger_is_the_first_detection_that_is_left(switch):
    curves = augment(labelled(trigger=True), with_only(switch), rng())
    some = curves.per_object(curves.detected) > 0
    first = dataclasses.replace(curves, objects=curves.objects.drop_columns("trigger_mjd")).trigger
    np.testing.assert_allclose(curves.trigger[some], first[some], atol=1e-6)


def test_dropping_leaves_detections():
    curves = labelled(200)
    had = curves.per_object(curves.detected)
    for switch in ("drop_rows", "drop_passband", "start_late"):
        left = augment(curves, with_only(switch), rng())
        assert (left.per_object(left.detected) >= np.minimum(had, LEAST)).all()


def test_a_lost_passband_is_lost_whole_and_the_rest_kept():
    curves = labelled(60)
    left = augment(curves, with_only("drop_passband"), rng())
    for k in range(len(curves)):
        a, b = curves.offsets[k : k + 2]
        c, d = left.offsets[k : k + 2]
        assert d - c in (b - a, *np.bincount(curves.passband[a:b]))


def test_zero_points_shift_a_passband_of_an_object_as_a_whole_and_keep_the_signal_to_noise():
    curves = labelled(5)
    shifted = augment(curves, with_only("zero_point"), rng())
    factor = shifted.flux / curves.flux
    for k in range(5):
        for band in np.unique(curves.passband):
            here = (curves.owner == k) & (curves.passband == band)
            assert np.ptp(factor[here]) < 1e-12 if here.any() else True
    np.testing.assert_allclose(shifted.flux / shifted.flux_err, curves.flux / curves.flux_err)


def test_dimming_keeps_errors_and_loses_weak_detections():
    curves = labelled(200)
    dim = augment(curves, with_only("dim"), rng())
    assert np.array_equal(dim.flux_err, curves.flux_err)
    assert ((dim.flux / curves.flux >= 0.2) & (dim.flux <= curves.flux)).all()
    lost = curves.detected & ~dim.detected
    assert lost.any() and (dim.flux / dim.flux_err)[lost].max() < 5
    assert not (dim.detected & ~curves.detected).any()


def test_time_stretches_about_the_trigger_by_at_most_what_is_said():
    curves = labelled(30)
    stretched = augment(curves, with_only("dilation"), rng())
    before = curves.time - curves.trigger[curves.owner]
    after = stretched.time - curves.trigger[curves.owner]
    ratio = (after / np.where(before == 0, 1, before))[before > 0]
    assert 0.8 - 1e-9 <= ratio.min() < 1 < ratio.max() <= 1.2 + 1e-9


def test_limits_and_unusable_rows_survive():
    from firstlight.lightcurves import LightCurves

    curves = LightCurves.from_columns(
        object_id=["a"] * 5,
        time=[59_001.0, 59_002, 59_003, 59_004, 59_005],
        passband=list("ggrrg"),
        flux=[np.nan, 1000, 900, 800, np.nan],
        flux_err=[np.nan, 50, 50, -1, np.nan],
        limit=[300.0, np.nan, np.nan, np.nan, np.nan],
        flux_unit="nJy",
        survey="ZTF",
    )
    changed = augment(curves, STANDARD, rng())
    assert len(changed) == 1 and (changed.detected <= changed.usable).all()


def test_metadata_is_masked_by_chance_and_never_invented():
    mask = np.array([[1, 0, 1]] * 1000, np.float32)
    left = mask_metadata(mask, 0.5, rng())
    assert (left <= mask).all() and 0.2 < left[:, 0].mean() < 0.3
    assert 0.55 < (left == 0).all(axis=1).mean() < 0.7  # half as a whole, and some value by value
    assert np.array_equal(mask_metadata(mask, 0.0, rng()), mask)


def test_a_share_beyond_one_is_refused():
    with pytest.raises(UsageError, match="drop_rows"):
        Augmentation(drop_rows=1.5)
