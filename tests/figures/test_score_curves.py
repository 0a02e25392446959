"""Figures of performance: the right curves, words and counts on the axes that are given."""

from __future__ import annotations

import numpy as np
import pytest

from firstlight import evaluate, figures
from firstlight.errors import UnknownNameError, UsageError
from firstlight.figures import blank

CLASSES = ("SN Ia", "SN II", "TDE")


def answers(seed=0, strength=1.5, n=200):
    rng = np.random.default_rng(seed)
    labels = rng.choice(3, n, p=[0.6, 0.3, 0.1])
    logits = rng.normal(size=(n, 3)) + strength * np.eye(3)[labels]
    return labels, np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


@pytest.fixture
def rows():
    found = []
    for stage, strength in (("3 detections", 0.5), ("5 detections", 1.0), ("20 days", 1.0), ("full", 2.0)):
        labels, q = answers(strength=strength)
        found += evaluate.score(labels, q, CLASSES, stage=stage, number=20)
    return found


@pytest.fixture
def ax():
    return blank()[1][0]


def test_performance_against_time_has_a_band_and_the_number_of_objects_below(rows, ax):
    assert figures.against_time({"ours": rows, "boosting": rows}, baseline="boosting", ax=ax) is ax
    assert ax.get_xscale() == "log" and ax.get_ylabel() == "Macro AUROC"
    assert ax.get_xlabel() == "Number of detections" and len(ax.collections) == 2
    assert [text.get_text() for text in ax.texts] == ["200", "200", "n ="]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["ours", "boosting"]
    assert [line.get_linestyle() for line in ax.lines if line.get_marker() == "o"] == ["-", "--"]
    figures.against_time({"ours": rows}, clock="days", metric="auroc", of="TDE", ax=blank()[1][0])
    with pytest.raises(UnknownNameError):
        figures.against_time({"ours": rows}, clock="weeks", ax=ax)
    with pytest.raises(UsageError, match="no rows"):
        figures.against_time({"ours": rows}, metric="nonsense", ax=ax)


def test_confusion_matrix_has_shares_counts_and_class_sizes(ax):
    figures.confusion_matrix([[9, 1, 0], [2, 8, 0], [0, 0, 5]], CLASSES, title="full", ax=ax)
    texts = [text.get_text() for text in ax.texts]
    assert texts.count("0.90") == 1 and texts.count("9") == 1 and texts.count("·") == 4
    assert [label.get_text() for label in ax.get_yticklabels()] == ["SN Ia (10)", "SN II (10)", "TDE (5)"]
    assert ax.get_xlabel() == "Called" and ax.get_title(loc="left") == "full"


def test_roc_and_precision_recall_name_areas_and_share_colours(ax):
    labels, q = answers()
    roc = {name: evaluate.roc(labels == i, q[:, i])[:2] for i, name in enumerate(CLASSES)}
    areas = dict.fromkeys(CLASSES, (0.9, 0.8, 0.95))
    figures.roc(roc, areas, ax=ax)
    assert ax.get_legend().get_texts()[0].get_text() == "SN Ia  0.900 (0.800-0.950)"
    colours = [line.get_color() for line in ax.lines[:3]]
    assert colours == [figures.class_style(name).color for name in CLASSES]
    assert figures.roc(roc, log=True, ax=blank()[1][0]).get_xscale() == "log"
    points = {name: evaluate.precision_recall(labels == i, q[:, i])[:2] for i, name in enumerate(CLASSES)}
    rates = dict(zip(CLASSES, evaluate.base_rate(labels, 3), strict=True))
    other = figures.precision_recall(points, areas, rates, ax=blank()[1][0])
    assert [line.get_color() for line in other.lines[::2]] == colours and len(other.lines) == 6


def test_reliability_has_bars_a_diagonal_a_histogram_and_the_error(ax):
    labels, q = answers(n=2000)
    figures.reliability(evaluate.reliability(labels == 2, q[:, 2]), "TDE", calibration_error=0.0213, ax=ax)
    assert ax.get_xlabel() == "Probability of TDE" and ax.get_ylabel() == "Share that was true"
    assert "ECE 0.021\n2,000 objects" in [text.get_text() for text in ax.texts]
    assert len(ax.patches) == 25


def test_label_efficiency_has_a_band_an_arm_and_a_line_for_all_labels(ax):
    arms = {"ours": {100: [0.8, 0.82], 1000: [0.9, 0.91]}, "boosting": {100: [0.7, 0.75], 1000: [0.9, 0.92]}}
    figures.label_efficiency(arms, all_labels={"ours": 0.95}, ax=ax)
    assert ax.get_xscale() == "log" and ax.get_xlabel() == "Number of labels" and len(ax.collections) == 2
    assert [label.get_text() for label in ax.get_xticklabels()] == ["100", "1,000"]


def test_without_axes_a_figure_of_its_own_is_made():
    assert figures.confusion_matrix(np.eye(3, dtype=int), CLASSES).figure is not None
    labels, q = answers()
    curve = {"TDE": evaluate.precision_recall(labels == 2, q[:, 2])[:2]}
    figures.precision_recall(curve).figure.canvas.draw()


def test_a_report_gives_its_figures_by_name(rows):
    labels, q = answers(strength=2.0)
    table = evaluate.confusion(labels, evaluate.decide(q), 3)
    report = evaluate.Evaluation(
        classifier="ztf",
        version="1",
        weights="abc",
        classes=CLASSES,
        counts=dict(zip(CLASSES, np.bincount(labels).tolist(), strict=True)),
        scores=tuple(rows),
        by_magnitude=(),
        confusion={"full": table, "5 detections": table},
        notes=(),
        answers={"5 detections": (labels, q), "full": (labels, q)},
    )
    drawn = figures.report_figures(report)
    assert list(drawn) == [
        "detections",
        "confusion",
        "confusion-5-detections",
        "roc",
        "precision-recall",
        "reliability",
        "reliability-detections",
    ]
    import matplotlib.pyplot as plt

    assert not plt.get_fignums()
    for figure in drawn.values():
        figure.canvas.draw()
