"""What every law is tested on: each packaged classifier and the fixtures, surveys, random light curves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from firstlight import facts
from firstlight.classifier import Classifier, classifiers, load
from firstlight.lightcurves import LightCurves
from firstlight.preparation import Observation

FIXTURES = Path(__file__).parents[1] / "classifier" / "fixtures"
CLASSIFIERS = [*classifiers(), *sorted(str(path.parent) for path in FIXTURES.glob("*/config.json"))]
SURVEYS = ("ZTF", "LSST")


@pytest.fixture(scope="session", params=CLASSIFIERS, ids=[Path(name).name for name in CLASSIFIERS])
def classifier(request: pytest.FixtureRequest) -> Classifier:
    return load(request.param)


@pytest.fixture(scope="session", params=SURVEYS)
def survey(request: pytest.FixtureRequest) -> str:
    return request.param


def observation(bands: list[str], when: st.SearchStrategy[int], good: int) -> st.SearchStrategy[tuple]:
    """A row: eighths of days, so that some share their time; measured well or badly, limited or broken."""
    return st.tuples(
        when.map(lambda eighths: 59_000.0 + eighths / 8.0),
        st.sampled_from(bands),
        st.floats(2.0, 6.0).map(lambda power: 10.0**power),
        st.sampled_from([*["good"] * good, "weak", "negative", "limit", "nan", "no error"]),
    )


def columns(objects: list[tuple[list[tuple], float, float]]) -> dict[str, Any]:
    """Columns for `LightCurves.from_columns`: rows of `observation`, a redshift and a trigger an object."""
    rows = [(f"object {k}", *row) for k, (light, _, _) in enumerate(objects) for row in light]
    kinds = np.array([row[4] for row in rows], dtype=str)
    flux = np.array([row[3] for row in rows], dtype=float)
    flux[kinds == "weak"] /= 30.0
    flux[kinds == "negative"] *= -1.0
    flux[(kinds == "nan") | (kinds == "limit")] = np.nan
    error = np.array([row[3] for row in rows], dtype=float) / 12.0
    limit = np.where(kinds == "limit", 5.0 * error, np.nan)
    error[kinds == "no error"] = 0.0
    return {
        "object_id": [row[0] for row in rows],
        "time": np.array([row[1] for row in rows], dtype=float),
        "passband": [row[2] for row in rows],
        "flux": flux,
        "flux_err": error,
        "limit": limit,
        "flux_unit": "nJy",
        "objects": {
            "object_id": [f"object {k}" for k in range(len(objects))],
            "redshift": np.array([z for _, z, _ in objects], float),
            "trigger_mjd": np.array([trigger for _, _, trigger in objects], float),
        },
    }


@pytest.fixture(scope="session")
def light_columns(survey: str) -> st.SearchStrategy[dict[str, Any]]:
    """Random columns of up to four objects of the survey: scattered over 400 days, or in three seasons."""
    bands = [band.short for band in facts.survey(survey).passbands]
    redshift = st.just(np.nan) | st.floats(0.001, 2.0)
    trigger = st.just(np.nan) | st.integers(0, 1_600).map(lambda eighths: 59_000.0 + eighths / 8.0)
    scattered = observation(bands, st.integers(0, 3_200), good=3)
    season = st.tuples(st.sampled_from([0, 1_200, 2_400]), st.integers(0, 160)).map(sum)
    seasonal = observation(bands, season, good=20)
    one = st.tuples(st.lists(scattered, max_size=16), redshift, trigger)
    recurring = st.tuples(st.lists(seasonal, min_size=8, max_size=16), redshift, st.just(np.nan))
    objects = st.lists(one | recurring, min_size=1, max_size=4)
    return objects.map(lambda found: {**columns(found), "survey": survey})


@pytest.fixture(scope="session")
def light_curves(light_columns: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[LightCurves]:
    """Random light curves of up to four objects of the survey."""
    return light_columns.map(lambda found: LightCurves.from_columns(**found))


@pytest.fixture(scope="session")
def same() -> Callable[[Any, Any], None]:
    """Whether probabilities agree to 1e-6, unknown where the other is unknown."""

    def check(found: Any, expected: Any) -> None:
        np.testing.assert_allclose(found, expected, rtol=0.0, atol=1e-6, equal_nan=True)

    return check


def observed(curves: LightCurves, row: int) -> Observation:
    """A row of light curves as a stream delivers it."""
    return Observation(
        time=curves.time[row],
        passband=curves.passbands[curves.passband[row]],
        flux=curves.flux[row],
        flux_err=curves.flux_err[row],
        detected=bool(curves.detected[row]),
        limit=curves.limit[row],
    )


@pytest.fixture(scope="session")
def stream() -> Callable[[Classifier, LightCurves, int], np.ndarray]:
    """The probabilities of object k after each of its observations, taken one by one."""

    def take(classifier: Classifier, curves: LightCurves, k: int) -> np.ndarray:
        metadata = {name: curves.column(name)[k] for name in ("redshift", "mwebv", "trigger_mjd")}
        state = classifier.start(metadata, survey=curves.column("survey")[k])
        answers = []
        for row in range(curves.offsets[k], curves.offsets[k + 1]):
            state, p = classifier.step(state, observed(curves, row))
            answers.append(np.full(len(classifier.classes), np.nan) if p is None else p)
        return np.array(answers).reshape(-1, len(classifier.classes))

    return take
