"""The figure of the project shows what it must: artists, words and directions, not pixels."""

from __future__ import annotations

import io
import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.colors import to_hex

from firstlight.errors import UnknownNameError, UsageError
from firstlight.figures import blank, class_style, light_curve, passband_style
from firstlight.lightcurves import LightCurves


def words(ax):
    return [text.get_text() for text in ax.texts]


def test_magnitudes_are_up_when_bright_and_the_axes_carry_units(curves, predictions):
    upper, lower = light_curve(curves, predictions)
    low, high = upper.get_ylim()
    assert low > high and 18 < high < low < 24
    assert upper.get_ylabel() == "AB magnitude" and lower.get_ylabel() == "Probability"
    assert lower.get_xlabel() == "Days since first detection (observer frame)"
    assert upper.get_xlim() == lower.get_xlim()


def test_flux_has_its_unit_its_sign_and_a_line_at_zero(curves, predictions):
    upper, _ = light_curve(curves, predictions, brightness="uJy")
    assert upper.get_ylabel() == "Difference flux (μJy)" and upper.get_ylim()[0] < 0
    assert any(list(line.get_ydata()) == [0, 0] for line in upper.lines)
    upper, _ = light_curve(curves, brightness="nJy")
    assert upper.get_ylabel() == "Difference flux (nJy)"


def test_every_usable_measurement_is_a_point_with_an_error_bar_in_the_colour_of_its_passband(curves):
    upper, _ = light_curve(curves, brightness="uJy")
    shown = {}
    for container in upper.containers:
        points = container.lines[0]
        color = to_hex(points.get_color())
        shown[color] = shown.get(color, 0) + len(points.get_xdata())
        assert len(container.lines[2]) == 1
    usable = curves.usable & np.isfinite(curves.flux)
    for code, name in enumerate(curves.passbands):
        assert shown.get(passband_style(name).color, 0) == (usable & (curves.passband == code)).sum()


def test_detections_are_filled_and_weak_points_hollow_and_early_ones_faint(curves):
    upper, _ = light_curve(curves, brightness="uJy")
    points = [container.lines[0] for container in upper.containers]
    hollow = [line for line in points if to_hex(line.get_markerfacecolor()) == "#ffffff"]
    assert sum(len(line.get_xdata()) for line in hollow) == 2
    faint = [line for line in points if line.get_alpha() == 0.4]
    assert [line.get_xdata().tolist() for line in faint] == [[-5.0]]


def test_limits_are_arrows_that_no_passband_has_and_what_was_not_used_is_a_grey_cross(curves):
    upper, _ = light_curve(curves)
    offsets = np.concatenate(
        [collection.get_offsets() for collection in upper.collections if len(collection.get_offsets())]
    )
    assert {-20.0, -10.0} <= set(offsets[:, 0])
    labels = [text.get_text() for text in upper.get_legend().get_texts()]
    others = ["5σ limit", "not used", "before first detection", "first detection"]
    assert labels == ["ZTF g", "ZTF r", "ZTF i", *others]


def test_the_legend_names_hollow_points_and_no_symbol_that_does_not_occur(curves):
    upper, _ = light_curve(curves, brightness="uJy")
    labels = [text.get_text() for text in upper.get_legend().get_texts()]
    assert "not detected" in labels and labels.count("ZTF g") == 1
    upper, _ = light_curve(curves.where(curves.detected & curves.usable), brightness="uJy")
    labels = [text.get_text() for text in upper.get_legend().get_texts()]
    assert labels == ["ZTF g", "ZTF r", "ZTF i", "first detection"]


def test_the_truth_of_a_simulation_is_no_spectrum(curves):
    simulated = curves.with_objects({"object_id": curves.object_id, "sim_redshift": [0.1]})
    upper, _ = light_curve(simulated)
    told = " ".join(words(upper))
    assert "simulated as SN Ia" in told and "spectrum" not in told


@pytest.mark.parametrize("wild", [1e9, -1e9])
def test_the_flux_axis_is_set_by_the_points_that_count(curves, wild):
    upper, _ = light_curve(curves, brightness="uJy")
    usual = upper.get_ylim()
    seen = curves.time[curves.detected & curves.usable]
    odd = LightCurves.from_columns(
        object_id=[curves.object_id[0]] * (len(curves.time) + 2),
        time=[*curves.time, seen[0] + 0.5, seen[0] + 1.5],
        passband=[*(curves.passbands[k] for k in curves.passband), "ZTF-g", "ZTF-r"],
        survey="ZTF", flux=[*curves.flux, wild, -wild], flux_err=[*curves.flux_err, abs(wild), abs(wild)],
        limit=[*curves.limit, np.nan, np.nan], detected=[*curves.detected, False, False], flux_unit="nJy",
    )  # fmt: skip
    upper, _ = light_curve(odd, brightness="uJy")
    np.testing.assert_allclose(upper.get_ylim(), usual, rtol=0.2)
    assert "2 of" in " ".join(words(upper)) and "points outside" in " ".join(words(upper))


def test_probabilities_are_steps_that_change_at_each_observation_used(curves, predictions):
    _, lower = light_curve(curves, predictions)
    steps = {line.get_label(): line for line in lower.lines if line.get_drawstyle() == "steps-post"}
    assert list(steps) == ["SN Ia", "SN II", "other"]
    assert steps["SN Ia"].get_color() == class_style("SN Ia").color
    assert steps["SN Ia"].get_linewidth() == 2.0
    dots = [line for line in lower.lines if line.get_marker() == "o"]
    used = (curves.detected & curves.usable).sum()
    assert len(dots) == 3 and all(len(line.get_xdata()) == used for line in dots)
    np.testing.assert_allclose(dots[0].get_xdata(), [0, 2, 4, 6, 8, 10, 12, 14])


def test_lines_are_named_at_their_end_without_touching(curves, predictions):
    _, lower = light_curve(curves, predictions)
    lower.figure.canvas.draw()
    labels = [text for text in lower.texts if text.get_text().startswith(("SN", "other"))]
    assert [text.get_text() for text in labels] == ["SN Ia 0.90", "SN II 0.07", "other 0.03"]
    boxes = sorted((text.get_window_extent() for text in labels), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 + 1 for below, above in itertools.pairwise(boxes))
    width = lower.figure.bbox.width
    assert all(box.x1 <= width for box in boxes)
    assert lower.get_legend() is None


def test_many_lines_get_a_legend_instead(curves, predictions):
    names = ("AGN", "SLSN-I", "SN II", "SN IIn", "SN IIb", "SN Ia", "SN Ib", "SN Ic", "TDE")
    even = np.full((curves.time.size, len(names)), 1 / len(names), np.float32)
    many = SimpleNamespace(**{**vars(predictions), "classes": names, "probabilities": even})
    _, lower = light_curve(curves, many)
    assert [text.get_text() for text in lower.get_legend().get_texts()] == list(names)


def test_title_and_footer_name_object_answer_redshift_and_classifier(curves, predictions):
    upper, lower = light_curve(
        curves, predictions, metadata_used=("redshift",), classified=(59006.0, "SN Ia")
    )
    text = " | ".join(words(upper))
    assert "ZTF18abcdxyz / SN 2018xyz" in text
    assert "SN Ia 0.90    8 detections    z = 0.042 (used)    label: SN Ia" in text
    assert "classifier ztf 1.0, hash a81f3c0d9be2" in words(lower)
    dashed = [line for line in upper.lines if line.get_linestyle() == "--"]
    assert [line.get_xdata()[0] for line in dashed] == [6.0]


def test_a_redshift_that_was_not_used_does_not_say_so(curves, predictions):
    upper, _ = light_curve(curves, predictions)
    assert "z = 0.042" in " ".join(words(upper)) and "(used)" not in " ".join(words(upper))


def test_axes_that_are_given_are_drawn_on_and_returned(curves, predictions):
    figure, axes = blank(2, size=(7, 6), ratios=(3, 2))
    assert light_curve(curves, predictions, ax=(axes[0], axes[1])) == (axes[0], axes[1])
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    assert picture.tell() > 10_000


def test_one_of_many_objects_is_drawn_by_its_name(curves, predictions):
    other = LightCurves.from_columns(
        object_id=["b"] * 2,
        time=[59000.0, 59001.0],
        passband=["g", "r"],
        survey="ZTF",
        flux=[9e3, 9e3],
        flux_err=[300.0, 300.0],
        flux_unit="nJy",
    )
    both = LightCurves.concat([curves, other])
    with pytest.raises(UsageError, match="2 objects"):
        light_curve(both)
    with pytest.raises(UnknownNameError, match="ZTF18abcdxyz"):
        light_curve(both, object_id="ZTF18abcdxyy")
    with pytest.raises(UnknownNameError, match="predictions"):
        light_curve(both, predictions, object_id="b")
    upper, lower = light_curve(both, object_id="b")
    assert "b" in words(upper) and "not classified" in words(lower)
    with pytest.raises(UnknownNameError, match="magnitude"):
        light_curve(curves, brightness="magnitudes")


def test_nothing_detected_is_said_and_not_an_error(predictions):
    quiet = LightCurves.from_columns(
        object_id=["q"] * 2,
        time=[59000.0, 59001.0],
        passband=["g", "r"],
        survey="ZTF",
        flux=[10.0, -5.0],
        flux_err=[300.0, 300.0],
        flux_unit="nJy",
    )
    silent = SimpleNamespace(
        **{
            **vars(predictions),
            "object_id": ["q"],
            "offsets": np.array([0, 2]),
            "time": quiet.time,
            "probabilities": np.full((2, 5), np.nan, np.float32),
            "n_detections": np.array([0]),
        }
    )
    upper, lower = light_curve(quiet, silent)
    assert any("nothing was detected" in text for text in words(lower))
    assert "0 detections" in " ".join(words(upper))
    upper.figure.canvas.draw()


@pytest.mark.parametrize("brightness", ["magnitude", "nJy"])
def test_one_absurd_point_does_not_press_the_light_curve_flat(curves, brightness):
    wild = LightCurves.from_columns(
        object_id=["w"] * 4,
        time=59000.0 + np.arange(4),
        passband=["g", "r", "g", "r"],
        survey="ZTF",
        flux=[5e3, 6e3, 7e3, 1e14],
        flux_err=[300.0, 300.0, 300.0, 0.0],
        flux_unit="nJy",
    )
    upper, _ = light_curve(wild, brightness=brightness)
    low, high = sorted(upper.get_ylim())
    assert high - low < (6 if brightness == "magnitude" else 2e4)


def test_detections_that_the_classifier_does_not_read_are_told(curves, predictions):
    fewer = SimpleNamespace(**{**vars(predictions), "n_detections": predictions.n_detections - 2})
    upper, _ = light_curve(curves, fewer)
    all_of_them = int(predictions.n_detections[0])
    assert f"{all_of_them - 2} of {all_of_them} detections" in " ".join(words(upper))
