"""Labels of every depth of the class tree: what is scored and what is learnt, said before it is done."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import firstlight as fl
from firstlight import evaluate as measures
from firstlight.cli.app import run
from firstlight.errors import TrainingError, TrainingWarning, UsageError
from firstlight.files import sha256_of
from firstlight.learn import fine_tuning
from firstlight.learn.training_labels import tuned_classes


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


# --- fine-tune --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "labels", "classes"),
    [
        (("SN Ia", "TDE"), ("SN Ia", "SN Ia-91T-like"), ("SN Ia", "TDE")),
        (("SN Ia", "SN II"), ("SN Ib/c", "SN Ic", "SN II"), ("SN Ia", "SN II", "SN Ib/c")),
        (BASE, ("SN II", "SN IIn", "SN IIb", "TDE"), ("SN Ia", "SN Ib", "SN Ic", "SN II", "TDE")),
        (BASE, ("SN Ib/c", "SN Ic", "SN Ia"), ("SN Ia", "SN Ib/c", "SN II", "TDE")),
        (("AGN",), ("Varstar", "RR Lyrae", "Cepheid", "AGN"), ("AGN", "Varstar")),
    ],
)
def test_tuned_classes_hold_none_of_each_other(
    base: tuple[str, ...], labels: tuple[str, ...], classes: tuple[str, ...]
) -> None:
    assert tuned_classes(base, labels) == classes


def test_classes_that_hold_each_other_are_refused_and_a_label_that_may_be_several_too() -> None:
    with pytest.raises(UsageError, match="'SN Ia' holds 'SN Ia-91T-like'"):
        tuned_classes(BASE, ["SN Ia"], ("SN Ia", "SN Ia-91T-like", "TDE"))
    with pytest.raises(TrainingError, match=r"2 objects are labelled SN, .* SN Ia, SN II:"):
        tuned_classes(BASE, ["SN", "SN", "SN Ia", "SN IIP", "TDE"])
    asked = ("SN Ia", "SN II", "TDE")
    assert tuned_classes(BASE, ["SN", "SN Ia", "SN IIP", "TDE"], asked) == asked
    fine = ("SN Ia", "SN Ia-91bg-like")
    assert tuned_classes(fine, ["SN Ia"], fine, overlapping=True) == fine


TUNE = ("--base", "ztf", "--strategy", "output", "--epochs", 1, "--threads", 1)
LABELS = ["SN Ia"] * 8 + ["SN Ia-91T-like"] * 4 + ["SN II"] * 8 + ["TDE", ""]


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table, and a classifier fine-tuned on it through the shell."""
    folder = tmp_path_factory.mktemp("tuned")
    assert typed("fine-tune", written(folder, LABELS), *TUNE, "--out", folder / "mine") == 0
    return folder


def test_what_each_label_counts_for_is_said_before_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fine_tuning, "train_classifier", stopped)
    monkeypatch.setattr(fine_tuning, "held_out_score", stopped)
    base = ("--base", "ztf-sim", *TUNE[2:])
    assert typed("fine-tune", written(tmp_path, LABELS), *base, "--out", tmp_path / "mine") == 130
    told = capsys.readouterr().err
    assert "label SN Ia-91T-like -> SN Ia: 4 objects" in told
    assert "label TDE -> TDE: 1 object" in told and "no label -> left out: 1 object" in told
    assert "no longer told apart: SN Ia-91bg-like (now SN Ia)" in told


def test_python_says_it_too(tmp_path: Path) -> None:
    curves = read(written(tmp_path, LABELS))
    report: list[str] = []
    model = fl.fine_tune("ztf", curves, strategy="output", epochs=1, score=False, report=report)
    assert "label SN Ia-91T-like -> SN Ia: 4 objects" in report
    assert model.classes == fl.load("ztf").classes
    with pytest.warns(TrainingWarning, match="SN Ia-91T-like -> SN Ia"):
        fl.fine_tune("ztf", curves, strategy="output", epochs=1, score=False)


@pytest.mark.parametrize("classes", ["SN Ia,SN Ia-91T-like,SN II", "SN,TDE,SN II"])
def test_the_command_line_refuses_classes_that_hold_each_other(
    classes: str, tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (*TUNE, "--classes", classes, "--out", tmp_path / "x")
    assert typed("fine-tune", tuned / "labelled.csv", *words) != 0
    told = capsys.readouterr().err
    assert "holds" in told and "--overlapping" in told and not (tmp_path / "x").exists()


def test_the_card_says_what_was_learnt_from_and_how_it_was_measured(tuned: Path) -> None:
    model = fl.load(tuned / "mine")
    table = tuned / "labelled.csv"
    assert f"labelled.csv, SHA-256 {sha256_of(table)}" in model.card
    for told in (
        "observations of ZTF",
        "| SN Ia | 12 |",
        "SN Ia-91T-like -> SN Ia: 4",
        "TDE has 1 label",
        "Held-out score",
        "Macro AUROC",
    ):
        assert told in model.card
    training = model.checkpoint.config["training"]
    assert training["data"]["objects"] == len(LABELS) and training["data"]["surveys"] == ["ZTF"]
    assert training["held_out"]["objects"] == 5 and 0 <= training["held_out"]["macro_auroc"] <= 1


def test_a_score_that_cannot_be_had_is_said_to_be_none(tmp_path: Path) -> None:
    few = read(written(tmp_path, ["SN Ia", "SN II"]))
    model = fl.fine_tune("ztf", few, strategy="output", epochs=1)
    assert "None: too few labels to hold any out" in model.card and "SN Ia has 1 label" in model.card


# --- where the result goes --------------------------------------------------------------------------------


def content(folder: Path) -> dict[str, str]:
    return {file.name: sha256_of(file) for file in folder.iterdir()}


def test_a_classifier_that_is_there_is_not_lost(
    tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, table = tuned / "mine", tuned / "labelled.csv"
    before = content(mine)
    link = tmp_path / "link"
    link.symlink_to(mine)
    for out in (mine, link):
        assert typed("fine-tune", table, *TUNE, "--out", out) == 2
        assert "--overwrite" in capsys.readouterr().err
        with pytest.raises(UsageError, match="overwrite=True"):
            fl.fine_tune("ztf", read(table), out=out)
        with pytest.raises(UsageError, match="overwrite=True"):
            fl.pretrain(read(table), out=out)
    assert content(mine) == before


def test_a_link_stays_a_link_and_its_target_is_replaced(tuned: Path, tmp_path: Path) -> None:
    table = tuned / "labelled.csv"
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    assert typed("fine-tune", table, *TUNE, "--out", link) == 0
    assert link.is_symlink() and fl.load(real).name == "link"
    assert typed("fine-tune", table, *TUNE, "--out", link, "--overwrite", "--seed", 5) == 0
    assert link.is_symlink() and fl.load(link).checkpoint.config["training"]["seed"] == 5


def test_links_that_lead_nowhere_to_themselves_or_to_a_file(
    tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tuned / "labelled.csv"
    hanging, circle, to_file = (tmp_path / name for name in ("hanging", "circle", "file"))
    hanging.symlink_to(tmp_path / "later")
    circle.symlink_to(circle)
    to_file.symlink_to(table)
    for out in (circle, to_file):
        assert typed("fine-tune", table, *TUNE, "--out", out) == 2
        assert out.is_symlink() and "Traceback" not in capsys.readouterr().err
    assert typed("fine-tune", table, *TUNE, "--out", hanging) == 0
    assert hanging.is_symlink() and fl.load(tmp_path / "later").name == "hanging"


def test_no_file_that_is_read_is_written_over(
    tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "mine-history.csv"
    table.write_bytes((tuned / "labelled.csv").read_bytes())
    inside = tmp_path / "kept"
    shutil.copytree(tuned / "mine", inside)
    (inside / "labels.csv").write_bytes(table.read_bytes())
    for given, out in ((table, tmp_path / "mine"), (inside / "labels.csv", inside)):
        assert typed("fine-tune", given, *TUNE, "--out", out, "--overwrite") == 2
        assert "would be lost" in capsys.readouterr().err and given.exists()
    history = tmp_path / "new-history.csv"
    history.write_text("mine")
    assert typed("fine-tune", tuned / "labelled.csv", *TUNE, "--out", tmp_path / "new") == 2
    assert history.read_text() == "mine"
    run_inside = ("--out", tmp_path / "r", "--run", tmp_path / "r" / "state")
    assert typed("fine-tune", tuned / "labelled.csv", *TUNE, *run_inside) == 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a state", b"\x80\x02."])
def test_a_damaged_state_of_a_run_is_named(
    content: bytes, tuned: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = tmp_path / "run" / "member-0.pt"
    state.parent.mkdir()
    state.write_bytes(content)
    words = (*TUNE, "--run", state.parent, "--out", tmp_path / "x")
    assert typed("fine-tune", tuned / "labelled.csv", *words) == 2
    told = capsys.readouterr().err
    assert str(state) in told and "damaged" in told and "stopped" not in told
