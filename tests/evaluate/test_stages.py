"""Names and cuts of stages."""

from __future__ import annotations

import numpy as np
import pytest

from firstlight.errors import UsageError
from firstlight.evaluate import FULL, STAGES, Stage


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_is_known_by_its_name(stage):
    assert Stage.named(stage.name) == stage


def test_short_names_are_understood_and_nonsense_is_not():
    assert Stage.named("20d") == Stage(days=20.0)
    assert Stage.named("1 detection") == Stage(detections=1)
    for name in ("half", "3", "x days", "2.5 detections"):
        with pytest.raises(UsageError, match="no stage"):
            Stage.named(name)
    with pytest.raises(UsageError):
        Stage(detections=3, days=3)


def test_a_stage_cuts_the_light_curves(population):
    curves = population(6)
    assert FULL.apply(curves) is curves
    assert np.all(Stage(detections=3).apply(curves).n_observations == 3)
    short = Stage(days=10.0).apply(curves)
    assert np.all(short.time - short.trigger[short.owner] <= 10) and len(short) == 6
