"""How every figure function behaves: it draws where it is told, leaves the rest alone, and can be written."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

import firstlight as fl
from firstlight import figures
from firstlight.evaluate import REPORT_STAGES, Score, evaluate

RANDOM = np.random.default_rng(0)
TRUE = RANDOM.random(200) < 0.3
SHARE = np.clip(0.3 * TRUE + 0.7 * RANDOM.random(200), 0, 1)


def rows(stages: list[str], value: float) -> list[Score]:
    return [
        Score(stage, "macro_auroc", "all", value, value - 0.02, value + 0.02, 0.01, 100) for stage in stages
    ]


def points(kind: str) -> dict[str, Any]:
    from firstlight import evaluate as room

    return {"SN Ia": getattr(room, kind)(TRUE, SHARE)[:2], "TDE": getattr(room, kind)(~TRUE, 1 - SHARE)[:2]}


def bins() -> Any:
    from firstlight.evaluate import reliability

    return reliability(TRUE, SHARE)


# Every function that takes ax=, with something to draw.
DRAWN: dict[str, Callable[[Any], Axes]] = {
    "confusion_matrix": lambda ax: figures.confusion_matrix([[5, 1], [2, 7]], ["SN Ia", "TDE"], ax=ax),
    "roc": lambda ax: figures.roc(points("roc"), ax=ax),
    "precision_recall": lambda ax: figures.precision_recall(points("precision_recall"), ax=ax),
    "reliability": lambda ax: figures.reliability(bins(), "SN Ia", ax=ax),
    "against_time": lambda ax: figures.against_time(
        {"ztf": rows([f"{k} detections" for k in (3, 5, 10)], 0.8)}, ax=ax
    ),
    "label_efficiency": lambda ax: figures.label_efficiency(
        {"ours": {10: [0.7, 0.8], 100: [0.85, 0.9]}, "theirs": {10: [0.6], 100: [0.8]}}, ax=ax
    ),
}


@pytest.fixture(scope="module")
def report() -> Any:
    return evaluate(
        classifier=fl.load("ztf"), curves=fl.sample("ztf"), stages=REPORT_STAGES[2:4], resamples=10
    )


def written(figure: Figure, form: str) -> bytes:
    file = io.BytesIO()
    stamp = {"Date": None} if form == "svg" else {}
    figure.savefig(file, format=form, metadata=stamp)
    return file.getvalue()


def test_every_function_that_draws_into_axes_is_drawn_here() -> None:
    import inspect

    takes_axes = {
        name
        for name in figures.__all__
        if callable(one := getattr(figures, name))
        and not inspect.isclass(one)
        and "ax" in inspect.signature(one).parameters
    }
    assert takes_axes == {*DRAWN, "light_curve"}


@pytest.mark.parametrize("name", DRAWN)
def test_a_figure_is_drawn_where_it_is_told_and_says_where_that_is(name: str) -> None:
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert DRAWN[name](left) is left
    assert left.has_data() and not right.has_data()
    assert left.get_xlabel() and left.get_ylabel()


@pytest.mark.parametrize("name", DRAWN)
def test_without_axes_it_makes_a_figure_of_its_own(name: str) -> None:
    one, other = DRAWN[name](None), DRAWN[name](None)
    assert one.figure is not other.figure and one.has_data()


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("form", ["png", "svg", "pdf"])
def test_it_is_written_in_every_form(name: str, form: str) -> None:
    figure = DRAWN[name](None).figure
    assert isinstance(figure, Figure)
    head = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[form]
    assert written(figure, form).startswith(head)


@pytest.mark.parametrize("name", DRAWN)
def test_the_same_numbers_give_the_same_picture(name: str) -> None:
    one, other = (DRAWN[name](None).figure for _ in range(2))
    assert written(one, "png") == written(other, "png")


@pytest.mark.parametrize("name", ["roc", "precision_recall"])
def test_a_class_has_one_colour_in_every_figure(name: str) -> None:
    colours = {str(line.get_color()) for line in DRAWN[name](None).lines}
    assert {figures.class_style("SN Ia").color, figures.class_style("TDE").color} <= colours


def test_the_figures_of_an_evaluation_are_drawn_once_each_and_named_as_files_are(report: Any) -> None:
    found = figures.report_figures(report)
    assert found and all(isinstance(one, Figure) for one in found.values())
    assert all(name == name.lower() and " " not in name and "/" not in name for name in found)
    assert len({id(one) for one in found.values()}) == len(found)


@pytest.mark.parametrize("brightness", ["magnitude", "uJy", "nJy"])
@pytest.mark.parametrize("number", range(0, 14, 3))
def test_every_object_of_the_sample_can_be_drawn(number: int, brightness: Any) -> None:
    one = fl.sample("ztf")[number]
    upper, lower = figures.light_curve(one, fl.load("ztf").classify(one), brightness=brightness)
    assert upper.has_data() and lower.has_data()
    assert upper.figure is lower.figure


@pytest.mark.parametrize("survey", ["ZTF", "LSST", "Pan-STARRS", "DES", "ATLAS"])
def test_passbands_of_a_survey_are_told_apart(survey: str) -> None:
    styles = [figures.passband_style(band.name) for band in fl.survey(survey).passbands]
    assert len({(style.color, style.marker) for style in styles}) == len(styles)
