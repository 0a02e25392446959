"""Law 1: the probabilities at an observation depend on it, on earlier ones, and on the metadata."""

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from firstlight.lightcurves import LightCurves
from firstlight.preparation import Preparation


def silent(curves: LightCurves) -> bool:
    """Whether a later season never speaks: its rows are read by no sequence."""
    read = np.isin(np.arange(len(curves.time)), Preparation(after_days=1e4)(curves).row)
    own = np.isnan(curves.column("trigger_mjd"))[curves.owner]
    return bool((curves.detected & curves.usable & own & ~read).any())


def delayed(curves: LightCurves) -> bool:
    """Whether a later season speaks only after its trigger."""
    sequences = Preparation()(curves)
    own = np.isnan(curves.column("trigger_mjd"))[sequences.owner]
    return bool((own & ~sequences.issued[sequences.offsets[:-1]]).any())


@pytest.mark.parametrize("case", [silent, delayed])
def test_the_random_light_curves_have_seasons_that_do_not_speak_at_once(light_curves, case) -> None:
    find(light_curves, case, settings=settings(max_examples=500, phases=[Phase.generate], deadline=None))


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_cutting_a_light_curve_leaves_the_rows_before_as_they_were(
    classifier, light_curves, same, data
) -> None:
    curves = data.draw(light_curves)
    cut = data.draw(st.floats(59_000.0, 59_400.0))
    whole, early = classifier.classify(curves), classifier.classify(curves.until(mjd=cut))
    kept = curves.time <= cut
    same(early.probabilities, whole.probabilities[kept])
    same(early.days_since_trigger, whole.days_since_trigger[kept])


@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_a_look_back_is_what_was_said_then(classifier, light_curves, same, data) -> None:
    curves = data.draw(light_curves)
    whole = classifier.classify(curves)
    count, days = data.draw(st.integers(1, 8)), data.draw(st.integers(0, 1_600)) / 8.0
    same(whole.at(detections=count), classifier.classify(curves.until(detections=count)).final())
    same(
        whole.at(days_since_trigger=days), classifier.classify(curves.until(days_since_trigger=days)).final()
    )
