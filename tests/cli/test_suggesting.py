"""``firstlight suggest`` as a user types it."""

from __future__ import annotations

from pathlib import Path

import pyarrow.csv
import pytest

import firstlight as fl
from firstlight.cli.app import run


def typed(*words: object) -> int:
    """The exit code of ``firstlight suggest`` and these words."""
    return run(["suggest", *(str(word) for word in words)])


@pytest.fixture
def alerts(tmp_path: Path) -> Path:
    """The packaged light curves without their labels."""
    curves = fl.sample("ztf")
    path = tmp_path / "alerts.parquet"
    import pyarrow.parquet as pq

    pq.write_table(curves.to_arrow(), path)
    return path


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A table of objects in which four have a label."""
    curves = fl.sample("ztf")
    known = [label if k < 4 else "" for k, label in enumerate(curves.column("label"))]
    lines = [f"{name},{label}" for name, label in zip(curves.object_id, known, strict=True)]
    path = tmp_path / "labels.csv"
    path.write_text("\n".join(["object_id,label", *lines]) + "\n")
    return path


def test_tonights_list_is_a_table_best_first(
    tmp_path: Path, alerts: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "tonight.csv"
    assert typed(alerts, "--objects", labels, "--number", 3, "--seen-within", "inf", "--out", out) == 0
    table = pyarrow.csv.read_csv(out)
    assert table["rank"].to_pylist() == [1, 2, 3]
    assert {"object_id", "score", "reason", "magnitude", "SN Ia", "TDE"} <= set(table.column_names)
    told = capsys.readouterr().err
    assert "3 of 10 objects suggested" in told
    assert "left out: 4 with a label" in told
    assert f"written to {out}" in told


def test_the_magnitude_limit_and_the_last_detection_cut_the_list(
    tmp_path: Path, alerts: Path, labels: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [alerts, "--objects", labels, "--magnitude-limit", 19, "--classes", "SN Ia,TDE"]
    assert typed(*words, "--seen-within", "inf", "--priors", "stated") == 0
    shown = capsys.readouterr()
    assert "fainter than 19 mag" in shown.err
    assert shown.out.splitlines()[0].startswith('"rank","object_id","ra","dec","score","reason"')
    assert typed(*words, "--seen-within", 0.001, "--magnitude-limit", 1) == 2
    assert "no object is left to suggest" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--classifier", "zft"), "Did you mean 'ztf'"),
        (("--number", "0"), "--number"),
        (("--labelled", "nowhere.csv"), "nowhere.csv"),
        (("--out", "list.txt"), "format of the output file"),
        (("--priors", "SN Ia"), "NAME=VALUE"),
    ],
)
def test_what_does_not_fit_is_refused(
    alerts: Path, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(alerts, *words) == 2
    assert told in capsys.readouterr().err
