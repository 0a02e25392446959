"""What a survey reports: noise, detections, limits, trigger, selection."""

import numpy as np
import pytest

from firstlight.simulate.observing import Observing, alerts, trigger
from firstlight.simulate.synthesis import NJY
from firstlight.simulate.views import classified_fraction


def observed(magnitude, seed=1, n=4000, limit=20.2, rules=None, days=None):
    time = np.sort(np.random.default_rng(0).uniform(59_000.0, 59_000.0 + n, n))
    band = (np.arange(n) % 2).astype(np.int8)
    flux = np.broadcast_to(10.0 ** (-0.4 * np.asarray(magnitude)), n)
    since = np.zeros(n) if days is None else days
    quiet = Observing(
        depth_loss=0.0, host_range=(1.0, 1.0001), one_band=0.0, poor_band=0.0, complete_share=1.0
    )
    return alerts(np.random.default_rng(seed), time, band, np.full(n, limit), flux, since, rules or quiet)


def test_errors_are_those_of_real_alerts():
    # Medians measured on real alerts (magnitude, error), limit typical.
    for magnitude, error in ((16.0, 0.034), (17.0, 0.047), (18.0, 0.073), (19.0, 0.124)):
        rows = observed(magnitude, limit=19.8)
        reported = 1.0857 * rows.flux_err[rows.detected] / rows.flux[rows.detected]
        assert np.median(reported) == pytest.approx(error, rel=0.2)


def test_the_scatter_is_smaller_than_the_reported_error():
    rows = observed(17.5)
    seen = rows.detected
    pull = (rows.flux[seen] / NJY - 10.0 ** (-0.4 * 17.5)) / (rows.flux_err[seen] / NJY)
    assert 1.48 * np.median(np.abs(pull)) == pytest.approx(0.6, abs=0.05)
    assert 0.002 < np.mean(np.abs(pull) > 1.8) < 0.03


def test_rows_are_either_measured_or_limits():
    rows = observed(19.8)
    measured = np.isfinite(rows.flux)
    assert np.array_equal(measured, ~np.isfinite(rows.limit))
    assert not np.any(rows.detected & ~measured)
    ratio = rows.flux[measured] / rows.flux_err[measured]
    assert ratio.min() >= 3.0
    assert np.array_equal(rows.detected[measured], ratio >= 5.0)


def test_limits_stand_only_in_the_thirty_days_before_a_row():
    n = 600
    flux = np.where(np.arange(n) == 300, 10.0 ** (-0.4 * 16.0), 0.0)
    rows = observed(
        -2.5 * np.log10(np.maximum(flux, 1e-30)),
        n=n,
        rules=Observing(plateau=1.0, one_band=0.0, poor_band=0.0),
    )
    if np.isfinite(rows.flux).any():
        when = rows.time[np.isfinite(rows.flux)][0]
        assert np.all(rows.time <= when) and np.all(rows.time >= when - 30.0)


def test_efficiency_falls_at_the_limit_and_late():
    bright, faint = observed(17.0), observed(20.9)
    assert np.isfinite(bright.flux).sum() > 3 * np.isfinite(faint.flux).sum()
    late = observed(17.0, days=np.full(4000, 40.0))
    assert np.isfinite(late.flux).sum() / np.isfinite(bright.flux).sum() == pytest.approx(0.8, abs=0.04)


def test_saturated_exposures_are_dropped():
    assert len(observed(12.0).time) == 0


def test_the_trigger_opens_the_season_of_the_peak():
    time = np.array([0.0, 100.0, 102.0, 120.0, 125.0, 180.0])
    assert trigger(time, np.array([1.0, 1.0, 2.0, 9.0, 8.0, 1.0])) == 100.0
    assert trigger(np.array([5.0]), np.array([1.0])) == 5.0


def test_fewer_faint_objects_are_classified():
    fraction = classified_fraction(np.array([15.0, 18.0, 18.75, 19.5, 21.0]))
    assert np.all(np.diff(fraction) <= 0) and fraction[0] > 0.99 and fraction[-1] == 0.0
