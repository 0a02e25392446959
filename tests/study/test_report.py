"""The report: tables that others read, figures, and one page that holds everything."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from firstlight.study import Findings

matplotlib = pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def written(findings: Findings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return findings.write(tmp_path_factory.mktemp("report"))


def test_the_tables_are_the_same_as_parquet_and_csv(written: Path) -> None:
    for name in ("scores", "summary", "cells"):
        table = pq.read_table(written / f"{name}.parquet")
        assert table.num_rows == pyarrow.csv.read_csv(written / f"{name}.csv").num_rows > 0
    names = pq.read_schema(written / "scores.parquet").names
    assert names[:4] == ["arm", "kind", "budget", "draw"] and {"value", "lo", "hi"} <= set(names)


def test_the_summary_holds_medians_over_draws(written: Path, findings: Findings) -> None:
    rows = pq.read_table(written / "summary.parquet").to_pylist()
    (row,) = [
        row for row in rows
        if (row["arm"], row["budget"], row["stage"], row["metric"]) == ("full", "all", "full", "macro_auroc")
    ]  # fmt: skip
    assert row["n"] == 2 and row["labels"] == 60
    median = findings.median("full", "all", "macro_auroc")
    assert median is not None and row["value"] == median.value


def test_the_page_holds_verdicts_figures_and_tables_and_needs_nothing_else(written: Path) -> None:
    page = (written / "report.html").read_text()
    words, pictures = re.subn(
        r"data:image/png;base64,[\w+/=]+", "", page
    )  # which may spell anything by chance
    assert "http" not in words.replace("http-equiv", "") and pictures == 5
    assert "matches the best from-scratch macro AUROC at" in page or "it saves no labels" in page
    for title in ("Labels saved", "Minus the best arm", "Convergence", "What a cell costs", "by stage"):
        assert title in page


def test_every_figure_is_a_file_of_its_own(written: Path) -> None:
    names = {path.stem for path in (written / "figures").glob("*.png")}
    assert names == {"labels", "classes", "time", "confusion-1", "confusion-2"} - (
        set() if (written / "figures/time.png").is_file() else {"time"}
    )


def test_verdicts_and_plan_are_json(written: Path) -> None:
    found = json.loads((written / "verdicts.json").read_text())
    assert {"saved", "kept", "differences", "without", "converged"} == set(found)
    plan = json.loads((written / "study.json").read_text())
    assert plan["stages"] == ["3 detections", "5 detections", "full"] and plan["arms"][0]["prior"] == ""
