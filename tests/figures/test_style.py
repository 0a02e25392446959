"""Colours that mean the same in every figure, and labels that do not touch."""

from __future__ import annotations

import builtins
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstlight.errors import MissingExtraError
from firstlight.facts import all_passbands, class_tree, passband, survey
from firstlight.figures import class_style, light_curve, passband_style
from firstlight.figures.style import spread


def test_lsst_passbands_have_rubins_colours_and_markers():
    expected = {
        "u": ("#0c71ff", "o"),
        "g": ("#49be61", "^"),
        "r": ("#c61c00", "v"),
        "i": ("#ffc200", "s"),
        "z": ("#f341a2", "*"),
        "y": ("#5d0000", "p"),
    }
    for band, (color, marker) in expected.items():
        style = passband_style(f"LSST-{band}")
        assert (style.color, style.marker) == (color, marker)


@pytest.mark.parametrize(("name", "strongest"), [("ZTF-g", 1), ("ZTF-r", 0)])
def test_ztf_g_is_green_and_r_is_red(name, strongest):
    color = passband_style(name).color
    parts = [int(color[place : place + 2], 16) for place in (1, 3, 5)]
    assert max(range(3), key=parts.__getitem__) == strongest


def test_passbands_of_one_survey_differ_in_colour_and_marker_so_that_they_read_in_grey():
    by_survey = {}
    for name in all_passbands():  # other tests may have brought surveys of their own
        if survey(passband(name).survey).is_packaged:
            by_survey.setdefault(name.rsplit("-", 1)[0], []).append(passband_style(name))
    for styles in by_survey.values():
        assert (
            len({style.color for style in styles}) == len({style.marker for style in styles}) == len(styles)
        )


def test_every_class_has_one_style_and_the_first_six_differ():
    first = ("SN Ia", "SN II", "SN Ib/c", "SLSN-I", "TDE", "AGN")
    assert len({class_style(name).color for name in first}) == 6
    assert all(class_style(name).line == "-" for name in first)
    assert class_style("SN Ia-91bg-like").line == "--"
    assert class_style("SN Ibn-pec") == class_style("SN Ibn-pec")
    assert class_tree().canonical("SN Ia") == "SN Ia"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0.01, 0.3))
def test_end_labels_keep_their_order_their_distance_and_the_limits(values, gap):
    places = spread(values, gap, 0.0, 1.0)
    fair = min(gap, 1 / max(len(values) - 1, 1))
    order = np.argsort(values, kind="stable")
    for low, high in itertools.pairwise(order):
        assert places[high] - places[low] >= fair - 1e-9
    assert min(places) >= -1e-9 and max(places) <= 1 + 1e-9


def test_labels_with_room_stay_where_they_belong():
    assert spread([0.1, 0.9, 0.5], 0.1, 0, 1) == [0.1, 0.9, 0.5]


def test_without_matplotlib_the_error_says_what_to_install(curves, monkeypatch):
    real = builtins.__import__

    def absent(name, *rest, **more):
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", absent)
    with pytest.raises(MissingExtraError, match=r"firstlight\[plot\]"):
        light_curve(curves)
