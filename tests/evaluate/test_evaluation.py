"""Reports: classes collapsed by name, nothing set aside silently, and files that stand on their own."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest

from firstlight.errors import DataError
from firstlight.evaluate import FULL, Stage, common_classes, evaluate, peak_magnitude, pick, to_table

CLASSES = ("AGN", "SLSN-I", "SN II", "SN IIn", "SN Ia", "SN Ia-91bg-like", "SN Ib", "SN Ic")


class Oracle:
    """Answers every object with its label, surely so at the end and less so at stages before."""

    def __init__(self, silent=()):
        self.silent = silent

    def classify(self, curves):
        truth = [CLASSES.index(label) if label in CLASSES else 0 for label in curves.column("label")]

        def values(share):
            q = np.full((len(curves), len(CLASSES)), (1 - share) / (len(CLASSES) - 1))
            q[np.arange(len(curves)), truth] = share
            q[[curves.object_id.index(name) for name in self.silent]] = np.nan
            return q

        return SimpleNamespace(
            object_id=curves.object_id,
            classes=CLASSES,
            classifier="oracle",
            version="1",
            hash="abcdef",
            final=lambda: values(0.9),
            at=lambda detections=None, days_since_trigger=None: values(0.3),
        )


@pytest.fixture(scope="module")
def report(population):
    return evaluate(Oracle(), population(90), stages=(Stage(detections=3), FULL), resamples=20)


def test_a_perfect_classifier_scores_one_at_every_stage(report):
    assert report.classes == ("SLSN-I", "SN II", "SN Ia")
    for stage in ("3 detections", "full"):
        assert pick(report.scores, "macro_auroc", stage).value == 1
        assert np.array_equal(report.confusion[stage], np.diag([30, 30, 30]))
    assert pick(report.scores, "log_loss").value < pick(report.scores, "log_loss", "3 detections").value
    assert any("class tree" in note for note in report.notes)


def test_labels_and_probabilities_meet_on_the_classes_both_can_tell():
    assert common_classes(["SN Ib/c", "SN Ia-91T-like", None, "SN IIP"], CLASSES) == (
        "SN II",
        "SN Ia",
        "SN Ib/c",
    )
    assert common_classes(["SN Ia", "Kilonova"], CLASSES) == ("SN Ia",)


def test_a_label_too_coarse_to_be_told_from_the_others_is_set_aside(population):
    assert common_classes(
        ["SN", "SN Ia", "SN IIP", "SN Ib/c", "SN Ic"], ["SN Ia", "SN II", "SN Ib", "SN Ic"]
    ) == (
        "SN Ia",
        "SN II",
        "SN Ic",
    )
    curves = population(30)
    curves = curves.with_labels(["SN", *curves.column("label")[1:]])
    report = evaluate(Oracle(), curves, stages=(FULL,), resamples=0)
    assert sum(report.counts.values()) == 29
    assert any("1 objects of labels" in note and "SN." in note for note in report.notes)


def test_what_cannot_be_scored_is_counted_in_the_notes(population):
    curves = population(30)
    labels = [None, "Kilonova", *curves.column("label")[2:]]
    curves = curves.with_objects({"object_id": curves.object_id, "type": labels})
    report = evaluate(Oracle(silent=["obj005"]), curves, stages=(FULL,), label="type", resamples=0)
    notes = " ".join(report.notes)
    assert "1 objects without a label" in notes and "Kilonova" in notes and "no answer" in notes
    assert sum(report.counts.values()) == 28
    assert pick(report.scores, "accuracy").value == pytest.approx(27 / 28)


def test_light_curves_without_labels_are_refused(population):
    with pytest.raises(DataError, match="labels"):
        evaluate(Oracle(), population(6), label="type")
    curves = population(6).with_objects({"object_id": population(6).object_id, "type": ["Kilonova"] * 6})
    with pytest.raises(DataError, match="no object"):
        evaluate(Oracle(), curves, label="type", resamples=0)


def test_scores_by_peak_magnitude_cover_all_objects(report, population):
    counts = [row.n for row in report.by_magnitude if row.metric == "accuracy"]
    assert sum(counts) == 90
    brightest = peak_magnitude(population(90))
    assert 16 < np.nanmin(brightest) < np.nanmax(brightest) < 20


def test_a_rule_says_which_objects_count_at_a_stage(population):
    def first_half(curves, stage):
        return np.arange(len(curves)) < (len(curves) if stage == FULL else 15)

    report = evaluate(
        Oracle(), population(30), stages=(Stage(detections=3), FULL), counting=first_half, resamples=0
    )
    assert [pick(report.scores, "accuracy", stage).n for stage in ("3 detections", "full")] == [15, 30]


class Picture:
    def savefig(self, file, **_):
        if hasattr(file, "write"):
            file.write(b"PNG")
        else:
            file.write_bytes(b"PNG")


def test_written_reports_stand_on_their_own(report, tmp_path):
    folder = report.write(tmp_path / "out", {"roc": Picture()})
    assert sorted(path.name for path in folder.iterdir()) == [
        "report.html",
        "report.json",
        "report.md",
        "roc.png",
        "scores.csv",
    ]
    page = (folder / "report.html").read_text()
    assert "data:image/png;base64,UE5H" in page and "http" not in page
    stored = json.loads((folder / "report.json").read_text())
    assert stored["classes"] == list(report.classes) and stored["confusion"]["full"][0][0] == 30
    text = (folder / "report.md").read_text()
    assert "| 3 detections | 90 | 1.000 (1.000-1.000)" in text
    assert to_table(report.scores).num_rows == len(report.scores)
