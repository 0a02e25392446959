"""The realism report: what it compares, and the command that makes it."""

import json

import numpy as np
import pytest

from firstlight.errors import DataError
from firstlight.simulate import check, half, simulate, two_sample
from firstlight.simulate.check import BANDS, SHOWN, curve_features
from firstlight.simulate.realism import FEATURES


@pytest.fixture(scope="module")
def pair():
    pytest.importorskip("sklearn")
    counts = {"TDE": 36, "SLSN-I": 8}
    return simulate("ZTF", counts, seed=1), simulate("ZTF", counts, seed=2)


@pytest.fixture(scope="module")
def report(pair):
    return check(*pair, name="another draw")


def test_two_draws_of_one_simulation_look_alike(report):
    assert [one.label for one in report.classes] == ["TDE"] and 0.25 < report.classes[0].auc < 0.75
    assert report.notes[0].startswith("SLSN-I: ")
    real, simulated = report.classes[0].quantiles["peak_r"]
    assert real == pytest.approx(simulated, abs=0.9)


def test_a_report_is_markdown_json_and_figures(report, tmp_path):
    pytest.importorskip("matplotlib")
    folder = report.write(tmp_path / "realism", report.figures())
    told = json.loads((folder / "report.json").read_text())
    assert told["classes"][0]["auc"] == report.classes[0].auc and told["bands"] == list(BANDS["ZTF"])
    text = (folder / "report.md").read_text()
    assert "| TDE | " in text and "![TDE](TDE.png)" in text and all(title in text for title in SHOWN.values())
    assert (folder / "TDE.png").stat().st_size > 10_000


def test_features_are_of_detections_after_the_trigger(pair):
    curves = pair[0]
    found = curve_features(curves, BANDS["ZTF"])
    i = int(np.flatnonzero(np.isfinite(found[:, 0]))[0])
    one = curves[i]
    start = float(one.column("trigger_mjd")[0])
    rows = one.detected & (one.time >= start) & (one.time <= start + 200.0)
    assert found[i, FEATURES.index("detections")] == rows.sum()
    brightest = 31.4 - 2.5 * np.log10(one.flux[rows].max())
    assert np.nanmin(found[i, [FEATURES.index("peak_g"), FEATURES.index("peak_r")]]) == pytest.approx(
        brightest
    )


def test_what_cannot_be_compared_is_told(pair):
    with pytest.raises(DataError, match="too few"):
        check(pair[0][:5], pair[1][:5])


def test_a_measure_of_features_finds_what_differs(pair):
    a, b = (curve_features(one, BANDS["ZTF"]) for one in pair)
    a, b = a[np.isfinite(a[:, 0])], b[np.isfinite(b[:, 0])]
    b = b.copy()
    b[:, FEATURES.index("error_g")] *= 3.0
    found = two_sample(a[:24], b[:24])
    assert found.auc > 0.9 and next(iter(found.importance)) == "error_g"
    assert found.groups["errors"] > found.groups["shape"]


def test_a_feature_that_one_object_has_does_not_stop_the_measure(pair):
    a, b = (curve_features(one, BANDS["ZTF"]) for one in pair)
    a, b = a[np.isfinite(a[:, 0])][:20].copy(), b[np.isfinite(b[:, 0])][:20].copy()
    a[1:, FEATURES.index("slope_start")] = b[:, FEATURES.index("slope_start")] = np.nan
    assert 0.0 <= two_sample(a, b, detail=False).auc <= 1.0


def test_halves_hold_every_object_once_and_do_not_depend_on_the_rest(pair):
    curves = pair[0]
    first, second = (set(half(curves, which).column("object_id")) for which in (0, 1))
    assert first and second and not first & second and first | second == set(curves.column("object_id"))
    assert set(half(curves[:10], 0).column("object_id")) == first & set(curves[:10].column("object_id"))
