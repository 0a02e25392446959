"""``firstlight simulate`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import firstlight as fl
from firstlight.cli.app import run


def typed(*words: object) -> int:
    """The exit code of ``firstlight simulate`` and these words."""
    return run(["simulate", *(str(word) for word in words)])


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("firstlight.simulate.product.BLOCK", 20)


def test_a_survey_from_the_package_alone_is_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sim"
    assert typed("TDE=3", "AGN", "--each", 2, "--survey", "LSST", "--out", out) == 0
    curves = fl.read_table(out / "photometry", objects=out / "objects", survey="LSST")
    assert sorted(curves.objects["label"].to_pylist()) == ["AGN"] * 2 + ["TDE"] * 3
    told = capsys.readouterr().err
    assert "TDE: 3 objects of" in told and f"written to {out}" in told
    # The same command again finds all done; another seed wants another folder.
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert typed("TDE=3", "AGN", "--each", 2, "--survey", "LSST", "--out", out) == 0
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*")}
    assert typed("TDE=3", "AGN", "--each", 2, "--survey", "LSST", "--out", out, "--seed", 1) == 2
    assert "other settings" in capsys.readouterr().err


def test_all_means_what_can_be_made_and_no_anomalies(tmp_path: Path) -> None:
    assert typed("all", "--each", 1, "--survey", "ZTF", "--out", tmp_path / "sim") == 0
    told = json.loads((tmp_path / "sim/survey.json").read_text())
    assert told["triggered"] == {"SLSN-I": 1, "TDE": 1, "AGN": 1}


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("TDEE", "--survey", "LSST"), 2, "Did you mean 'TDE'"),
        (("TDE=many", "--survey", "LSST"), 2, "CLASS=NUMBER"),
        (("TDE", "TDE=2", "--survey", "LSST"), 2, "given twice"),
        (("TDE", "--survey", "LSTS"), 2, "Did you mean 'LSST'"),
        (("Kilonova=2", "--survey", "ZTF"), 1, "--data FOLDER"),
        (("TDE=2", "--survey", "DES"), 1, "--visits FILE"),
        (("TDE=2", "--survey", "LSST", "--data", "nowhere"), 2, "no such folder"),
        (("TDE=2", "--survey", "LSST", "--check", "nowhere"), 2, "nowhere"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_run(
    words: tuple[str, ...], code: int, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(*words, "--out", tmp_path / "sim") == code
    said = capsys.readouterr().err
    assert told in said and said.count("\n") == 1
    assert not (tmp_path / "sim").exists()


def test_a_check_writes_a_report(shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("sklearn")
    out = tmp_path / "sim"
    code = typed(
        "TDE=40", "--survey", "ZTF", "--data", shared / "data/simulation", "--classified", "--detections", 5,
        "--check", shared / "data/ztf", "--out", out,
    )  # fmt: skip
    assert code == 0
    assert "| TDE | " in capsys.readouterr().out
    assert (out / "realism/report.json").exists()


def test_ztf_has_no_wide_part_to_check_against(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("TDE=2", "--survey", "ZTF", "--check", shared / "data/ztf", "--against", "wide")
    assert typed(*words, "--out", tmp_path / "sim") == 2
    assert "no part 'wide'" in capsys.readouterr().err
