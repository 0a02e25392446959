"""``firstlight study`` as a user types it: the quick study, in the size of continuous integration."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet
import pytest

from firstlight.cli.app import run

pytest.importorskip("torch")
pytest.importorskip("sklearn")

QUICK = Path(__file__).parents[2] / "studies/quick.toml"


def typed(*words: object) -> int:
    """The exit code of ``firstlight study`` and these words."""
    return run(["study", *(str(word) for word in words)])


@pytest.mark.slow
def test_the_quick_study_runs_on_light_curves_made_on_the_fly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firstlight.simulate.product.BLOCK", 100)
    data, out = tmp_path / "quick", tmp_path / "out"
    counts = [f"{name}=30" for name in ("SLSN-I", "TDE", "AGN")]
    assert run(["simulate", *counts, "--survey", "ZTF", "--out", str(data)]) == 0
    assert typed(QUICK, "--data", data, "--out", out) == 0
    told = capsys.readouterr()
    assert "fine-tuned" in told.out and f"report written to {out}" in told.err
    assert (out / "report.html").stat().st_size > 100_000
    assert len(list((out / "cells").glob("*.npz"))) == 10
    # The point: without any label the base is ahead of what is trained on all of them.
    table = pyarrow.parquet.read_table(out / "summary.parquet").to_pylist()
    score = {
        (row["arm"], row["budget"]): row["value"]
        for row in table
        if (row["metric"], row["stage"], row["of"], row["split"]) == ("macro_auroc", "full", "all", "test")
    }
    best = max(score["features", "all"], score["from scratch", "all"])
    assert score["no labels", "none"] > best and score["fine-tuned", "10%"] > best


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere.toml",), "there is no 'nowhere.toml'"),
        ((QUICK, "--only", "feature"), "Did you mean 'features'"),
        ((QUICK, "--data", "nowhere"), "there is no 'nowhere'"),
        ((QUICK, "--workers", 0), "--workers"),
    ],
)
def test_what_does_not_fit_is_one_line_and_exit_code_2(
    words: tuple[object, ...], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(*words, "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()
