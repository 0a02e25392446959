"""Labels of every depth of the class tree: what is scored and what is learnt, said before it is done."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import firstlight as fl
from firstlight import evaluate as measures
from firstlight.cli.app import run


def written(folder: Path, labels: Sequence[str], seed: int = 0) -> Path:
    """A CSV of one ZTF light curve a label, that of a class fading in its own time, in nJy."""
    rng = np.random.default_rng(seed)
    kinds = sorted(set(labels))
    lines = ["object_id,mjd,band,flux,flux_err,label"]
    for k, label in enumerate(labels):
        days = np.sort(rng.uniform(0, 60, 10))
        flux = 20_000 * np.exp(-days / (12 + 20 * kinds.index(label)))
        for i, (day, value) in enumerate(zip(days, flux, strict=True)):
            row = (f"o{k}", f"{59_000 + day:.4f}", "gr"[i % 2], f"{value:.1f}", f"{0.03 * value + 50:.1f}")
            lines.append(",".join([*row, label]))
    path = folder / "labelled.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def read(path: Path) -> fl.LightCurves:
    return fl.read_table(path, survey="ZTF", flux_unit="nJy")


def typed(command: str, path: Path, *words: object) -> int:
    return run([command, str(path), "--survey", "ZTF", "--flux-unit", "nJy", *map(str, words)])


# --- evaluate ---------------------------------------------------------------------------------------------

BASE = ("SN Ia", "SN Ia-91bg-like", "SN Ib", "SN Ic", "SN II", "SN IIn", "TDE")


@pytest.mark.parametrize(
    ("labels", "scored"),
    [
        (["SN Ia", "SN Ia-91bg-like", "TDE"], ("SN Ia", "SN Ia-91bg-like", "TDE")),
        (["SN II", "SN IIn", "SN IIP"], ("SN II", "SN IIn")),
        (["SN Ia-91T-like", "SN Ia-91bg-like"], ("SN Ia", "SN Ia-91bg-like")),
        (["SN Ib/c", "SN Ia"], ("SN Ia", "SN Ib/c")),
        (["SN Ib/c", "SN Ib", "SN Ia"], ("SN Ia", "SN Ib")),
        (["SN", "TDE"], ("SN", "TDE")),
    ],
)
def test_labels_count_for_the_finest_class_of_the_classifier_that_holds_them(
    labels: list[str], scored: tuple[str, ...]
) -> None:
    assert measures.common_classes(labels, BASE) == scored


@pytest.mark.parametrize(("parent", "child"), [("SN Ia", "SN Ia-91bg-like"), ("SN II", "SN IIn")])
def test_no_class_of_the_classifier_is_set_aside_where_labels_are_parent_and_child(
    parent: str, child: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, [parent] * 6 + [child] * 5 + ["TDE"] * 4 + ["Kilonova"] * 3)
    report = measures.evaluate(fl.load("ztf-sim"), read(path), stages=(measures.FULL,), resamples=0)
    assert report.counts == {parent: 6, child: 5, "TDE": 4}
    assert typed("evaluate", path, "--classifier", "ztf-sim", "--at", "full", "--resamples", 0) == 0
    first = capsys.readouterr().out.partition("##")[0]
    assert f"{parent} 6, {child} 5, TDE 4" in first
    assert "3 objects" in first and "set aside: 3 Kilonova" in first


def test_labels_that_move_to_another_class_and_classes_without_labels_are_said_first(tmp_path: Path) -> None:
    path = written(tmp_path, ["SN Ia-91T-like"] * 4 + ["SN Ia"] * 4 + ["SN"] * 2 + [""] * 2 + ["SN II"] * 3)
    report = measures.evaluate(fl.load("ztf"), read(path), stages=(measures.FULL,), resamples=0)
    assert report.counts == {"SN Ia": 8, "SN II": 3}
    first = report.to_markdown().partition("##")[0]
    for told in ("SN Ia-91T-like as SN Ia (4)", "set aside: 2 SN", "2 objects without a label", "TDE"):
        assert told in first
