"""Ragged arithmetic equals the loop over objects that it replaces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstlight.evaluate.segments import Segments


@st.composite
def ragged(draw):
    sizes = draw(st.lists(st.integers(0, 6), min_size=1, max_size=6))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    owner = np.repeat(np.arange(len(sizes)), sizes)
    x = np.concatenate([np.sort(rng.uniform(0, 50, size)) for size in sizes] or [[]])
    return Segments(owner, len(sizes)), x, rng.normal(size=owner.size), rng.uniform(0.5, 2, owner.size)


@settings(deadline=None, max_examples=60)
@given(ragged())
def test_every_reduction_equals_the_loop(case):
    segments, x, y, w = case
    slope, _ = segments.line(x, y, w, np.ones(y.size, bool))
    lowest = segments.arg_min(y)
    for index in range(segments.n):
        own = segments.owner == index
        assert segments.sum(y)[index] == pytest.approx(y[own].sum())
        if not own.any():
            assert np.isnan(segments.mean(y)[index]) and lowest[index] == -1
            assert np.isnan(segments.extreme(np.maximum, y)[index])
            continue
        assert segments.mean(y, w)[index] == pytest.approx(np.average(y[own], weights=w[own]))
        assert segments.extreme(np.minimum, y)[index] == y[own].min() == y[lowest[index]]
        assert segments.at_rank(y, 0)[index] == y[own][0] and segments.at_rank(y, -1)[index] == y[own][-1]
        assert np.isnan(segments.at_rank(y, int(own.sum()))[index])
        if own.sum() >= 2:
            expected = np.polyfit(x[own], y[own], 1, w=np.sqrt(w[own]))[0]
            assert slope[index] == pytest.approx(expected, rel=1e-6, abs=1e-8)
        else:
            assert np.isnan(slope[index])


@settings(deadline=None, max_examples=60)
@given(ragged(), st.floats(-10, 60))
def test_interpolation_is_linear_inside_flat_near_and_missing_far(case, at):
    segments, x, y, _ = case
    got = segments.interpolate(x, y, np.arange(segments.n), np.full(segments.n, at), reach=4.0)
    for index in range(segments.n):
        own = segments.owner == index
        if not own.any() or at < x[own][0] - 4 or at > x[own][-1] + 4:
            assert np.isnan(got[index])
        else:
            assert got[index] == pytest.approx(np.interp(at, x[own], y[own]), abs=1e-6)
