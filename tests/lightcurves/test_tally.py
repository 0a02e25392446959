"""Counts of what became of many objects add up over batches."""

from __future__ import annotations

import numpy as np

import firstlight as fl
from firstlight.lightcurves import Flag, Tally


def test_the_tally_of_batches_is_that_of_the_whole() -> None:
    curves = fl.sample("ztf")
    whole = curves.tally()
    assert (whole.objects, whole.observations) == (len(curves), len(curves.time))
    assert Tally() + curves[:5].tally() + curves[5:].tally() == whole
    answered = fl.classify(curves, "reference").tally()
    assert answered.objects == 14 and not answered.unanswered


def test_an_object_without_an_answer_is_counted_by_its_reason() -> None:
    flags = np.array([0, Flag.NO_DETECTION, Flag.NO_DETECTION | Flag.NO_DATA], np.uint16)
    tally = Tally.of(flags, 1200, np.array([True, True, False]))
    assert tally.flagged == {"no_detection": 2, "no_data": 1}
    assert tally.lines() == [
        "3 objects, 1,200 observations",
        "2 objects without probabilities (null): 1 before the trigger, 1 no_detection",
        "objects with flags: 2 no_detection, 1 no_data",
    ]
