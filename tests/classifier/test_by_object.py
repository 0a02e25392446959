"""Answers object by object, in scikit-learn's words, and as a notebook shows them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import firstlight as fl
from firstlight.errors import UnknownNameError, UsageError


@pytest.fixture(scope="module")
def curves():
    return fl.sample("ztf")


@pytest.fixture(scope="module")
def predictions(curves):
    return fl.load("ztf").classify(curves, novelty=True)


@pytest.mark.parametrize(
    "key", ["ZTF19aapreis", 3, -1, slice(2, 5), ["ZTF20acuobve", "ZTF19aapreis"], np.array([5, 0])]
)
def test_some_objects_are_answered_as_alone(curves, predictions, key) -> None:
    some = predictions[key]
    alone = fl.load("ztf").classify(curves[key], novelty=True)
    assert some.object_id == alone.object_id and len(some) == len(alone)
    np.testing.assert_allclose(some.probabilities, alone.probabilities, atol=1e-6)
    np.testing.assert_allclose(some.novelty, alone.novelty, atol=1e-5)
    assert (some.sets(0.9) == alone.sets(0.9)).all()
    for name in ("time", "detections", "offsets", "flags", "n_observations", "n_detections", "trigger"):
        np.testing.assert_array_equal(getattr(some, name), getattr(alone, name))
    assert some.curves.equals(curves[key])


def test_no_objects_are_no_answers(predictions) -> None:
    nothing = predictions[np.zeros(len(predictions), bool)]
    assert len(nothing) == 0 and nothing.final().shape == (0, 5) and list(nothing.best) == []


def test_an_object_that_is_not_there_is_named_with_the_nearest(predictions) -> None:
    with pytest.raises(UnknownNameError, match="ZTF19aapreis"):
        predictions["ZTF19aapreiz"]
    with pytest.raises(IndexError, match="object 14 of 14"):
        predictions[14]


def test_best_is_the_most_probable_class_and_none_without_an_answer(curves, predictions) -> None:
    final = predictions.final()
    assert list(predictions.best) == [predictions.classes[k] for k in final.argmax(axis=1)]
    blind = fl.load("ztf").classify(curves[:2].where(np.zeros(len(curves[:2].time), bool)))
    assert list(blind.best) == [None, None]
    assert [one.best[0] for one in predictions[:3]] == list(predictions.best[:3])


def test_scikit_learns_names_mean_what_they_mean_there(curves, predictions) -> None:
    model = fl.load("ztf")
    assert model.classes_.tolist() == list(model.classes)
    np.testing.assert_array_equal(model.predict_proba(curves), predictions.final())
    assert list(model.predict(curves)) == list(predictions.best)


def test_a_notebook_shows_the_first_objects_and_escapes_their_names(curves, predictions) -> None:
    for value in (curves, predictions):
        shown = value._repr_html_()
        assert shown.count("<tr>") == 1 + 10 and "and 4 more" in shown and "ZTF18aamvfeb" in shown
    odd = fl.LightCurves.from_columns(
        object_id=["<script>"], time=[59_000.0], passband=["g"], survey="ZTF", flux=[9.0], flux_err=[1.0],
        flux_unit="nJy",
    )  # fmt: skip
    for value in (odd, fl.load("ztf").classify(odd)):
        assert "<script>" not in value._repr_html_() and "&lt;script&gt;" in value._repr_html_()
    model = fl.load("ztf")._repr_html_()
    assert all(name in model for name in ("SN Ib/c", "ZTF-r", "redshift"))


def test_nothing_is_shown_too() -> None:
    nothing = fl.sample("ztf")[[]]
    assert "0 objects" in nothing._repr_html_()
    assert "0 objects" in fl.load("ztf").classify(nothing)._repr_html_()


def test_answers_draw_themselves_also_elsewhere(predictions) -> None:
    pytest.importorskip("matplotlib").use("agg")
    one = pickle.loads(pickle.dumps(predictions["ZTF19aapreis"]))
    upper, lower = one.plot(brightness="uJy")
    assert "μJy" in upper.get_ylabel() and lower.get_ylabel() == "Probability"
    assert len(predictions.plot()) == 9 and len(predictions[:2].plot()) == 2
    assert len(predictions.curves.plot("ZTF19aapreis")) == 1
    with pytest.raises(UnknownNameError, match="ZTF19aapreis"):
        predictions.curves.plot("ZTF19aapreiz")
    import dataclasses

    with pytest.raises(UsageError, match="carry no light curves"):
        dataclasses.replace(predictions, curves=None).plot()
    import matplotlib.pyplot as plt

    plt.close("all")


def test_suggestions_and_reports_are_shown_too(curves) -> None:
    model = fl.load("ztf")
    found = fl.suggest(model, curves, number=2, seen_within=float("inf"))
    assert found._repr_html_().count("<tr>") == 1 + len(found)
    shown = fl.evaluate(model, curves)._repr_html_()
    assert "Confusion" in shown and "<html" not in shown
