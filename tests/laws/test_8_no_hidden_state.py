"""Law 8: what a call answers depends on its arguments alone, and every value answers the same elsewhere."""

import pickle
import subprocess
import sys

import numpy as np
import pytest

from firstlight import facts
from firstlight.errors import DataError
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Observation, Preparation

ELSEWHERE = """
import pickle, sys
preparation, curves = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps(preparation(curves).features))
"""


def scope(wavelength: float, **rules: object) -> dict:
    """A survey of one's own that is always called the same."""
    band = {"wavelength_um": wavelength, "width_um": 0.3, "depth": 20.5}
    return {"name": "Scope", "passbands": {"w": band}, **rules}


def light(survey: object, name: str = "a") -> LightCurves:
    return LightCurves.from_columns(
        object_id=[name] * 4,
        time=[59_000.0, 59_002.0, 59_005.0, 59_009.0],
        passband=["w"] * 4,
        flux=[20_000.0, 30_000.0, 40_000.0, 30_000.0],
        flux_err=[2_000.0] * 4,
        flux_unit="nJy",
        survey=survey,
    )


def test_a_second_survey_of_one_name_changes_nothing_of_the_first() -> None:
    first = light(scope(0.61))
    before = Preparation()(first).features
    second = light(scope(0.8, detection_snr=3.0))
    assert np.array_equal(Preparation()(first).features, before)
    assert not np.array_equal(Preparation()(second).features, before)


def test_preparation_and_light_curves_of_an_own_survey_travel_to_another_process() -> None:
    curves = light(scope(0.61))
    for preparation in (Preparation(), Preparation(passbands=curves.bands)):
        done = subprocess.run(
            [sys.executable, "-c", ELSEWHERE],
            input=pickle.dumps((preparation, curves)),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        assert np.array_equal(pickle.loads(done.stdout), preparation(curves).features)


def test_a_preparation_is_written_with_all_that_it_means() -> None:
    curves = light(scope(0.61))
    own = Preparation(passbands=(*curves.bands, "ZTF-g"))
    written = own.to_dict()
    assert written["passbands"][1] == "ZTF-g" and written["passbands"][0]["wavelength_um"] == 0.61
    assert Preparation.from_dict(written) == own
    names = {**written, "passbands": ["Scope-w", "ZTF-g"]}  # as older checkpoints say it
    assert Preparation.from_dict(names, among=curves.bands) == own


def test_states_of_an_own_survey_travel_too() -> None:
    survey = facts.survey(scope(0.61))
    preparation = Preparation()
    state = preparation.start(survey=survey)
    rows = []
    for time, flux in ((59_000.0, 20_000.0), (59_002.0, 30_000.0)):
        observation = Observation(time, "w", flux, 2_000.0)
        state, features, _ = preparation.step(pickle.loads(pickle.dumps(state)), observation)
        rows.append(features)
    assert np.array_equal(np.concatenate(rows), preparation(light(survey)).features[:2])


def test_surveys_of_one_name_are_never_put_together_silently() -> None:
    one, other = light(scope(0.61)), light(scope(0.8), "b")
    with pytest.raises(DataError, match="two surveys are called 'Scope'"):
        LightCurves.concat([one, other])
    assert len(LightCurves.concat([one, light(scope(0.61), "b")])) == 2


def test_light_curves_stay_read_only_in_another_process(bump) -> None:
    copy = pickle.loads(pickle.dumps(bump))
    assert copy.equals(bump)
    with pytest.raises(ValueError, match="read-only"):
        copy.flux[0] = 1.0


def test_answers_do_not_depend_on_what_was_read_before(classifier, bump) -> None:
    before = classifier.classify(bump).probabilities
    light({**scope(0.9), "name": "ZTF-like"})
    light(scope(0.7))
    assert np.array_equal(classifier.classify(bump).probabilities, before, equal_nan=True)
