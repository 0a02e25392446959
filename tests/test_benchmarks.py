"""The benchmarks run: what they print is the reader's to repeat."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_benchmark_of_speed_prints_a_table_and_stores_its_numbers(tmp_path: Path) -> None:
    stored = tmp_path / "speed.json"
    words = [
        "--classifier",
        "reference",
        "--objects",
        "40",
        "--rounds",
        "1",
        "--parts",
        "batch,stream,process",
    ]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/speed.py"), *words, "--json", str(stored)],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "| what | measured | by processor time | goal | met |" in done.stdout
    rows = {row["what"]: row["value"] for row in json.loads(stored.read_text())["rows"]}
    assert rows["rows that the network reads, a light curve"] == 60
    assert all(value > 0 for value in rows.values() if isinstance(value, float))


def test_the_tables_of_the_benchmarks_name_commands_that_are_there() -> None:
    text = (ROOT / "benchmarks/README.md").read_text()
    for script in ("speed.py", "accuracy.py", "peers.py"):
        assert f"benchmarks/{script}" in text
        assert (ROOT / "benchmarks" / script).is_file()


def test_the_benchmark_of_simulating_prints_its_rates(tmp_path: Path) -> None:
    stored = tmp_path / "simulation.json"
    words = ["--classes", "TDE,SLSN-I", "--objects", "4", "--parts", "rates", "--json", str(stored)]
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/simulation.py"), *words],
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "| survey | class | triggered/s | generated/s |" in done.stdout
    told = json.loads(stored.read_text())
    assert [(one["survey"], one["label"]) for one in told["rates"]] == [
        (survey, label) for survey in ("ZTF", "LSST") for label in ("TDE", "SLSN-I")
    ]
    assert all(one["generated"] >= one["triggered"] == 4 for one in told["rates"])
