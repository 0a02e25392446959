"""What is written: into links, pipes and devices, with a unit, with every object, and with who said it."""

from __future__ import annotations

import csv
import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import firstlight as fl
from firstlight.cli.app import run
from firstlight.figures.per_object import _file_names

posix = pytest.mark.skipif(sys.platform == "win32", reason="links, pipes and signals of POSIX")
ANSWER = ["best_class", "best_probability", "flags", "flag_names", "classifier", "classifier_version"]


def typed(*words: object) -> int:
    return run([str(word) for word in words])


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """One object that is seen, and one of which only the metadata are known."""
    path = tmp_path / "in.parquet"
    seen = {
        "object_id": ["A"] * 6,
        "mjd": 60000.0 + np.arange(6),
        "band": list("grgrgr"),
        "redshift": [0.1] * 6,
    }
    flux = {"flux": np.linspace(20.0, 90.0, 6), "flux_err": np.full(6, 3.0)}
    alone = {"object_id": ["EMPTY"], "redshift": [0.05]}
    tables = [pa.table({**seen, **flux}), pa.table(alone)]
    pq.write_table(tables[0], path)
    pq.write_table(
        pa.concat_tables([t.select(["object_id", "redshift"]).slice(0, 1) for t in tables]),
        tmp_path / "o.parquet",
    )
    return path


def reading(table: Path) -> list[object]:
    return [table, "--survey", "ZTF", "--flux-unit", "uJy", "--objects", table.with_name("o.parquet")]


@posix
def test_a_link_stays_a_link_and_a_mode_stays_a_mode(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link, private = tmp_path / "real/r.csv", tmp_path / "link.csv", tmp_path / "private.csv"
    target.write_text("old")
    link.symlink_to(target)
    private.write_text("old")
    private.chmod(0o600)
    for path in (link, private):
        assert typed("classify", "sample:ztf", "--classifier", "ztf", "--out", path) == 0
    assert link.is_symlink() and target.read_text().count("\n") == 15
    assert stat.S_IMODE(private.stat().st_mode) == 0o600 and private.read_text() == target.read_text()


@posix
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet", ""])
def test_a_pipe_is_written_into(suffix: str, tmp_path: Path) -> None:
    pipe, got = tmp_path / f"pipe{suffix}", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    assert typed("classify", "sample:ztf", "--classifier", "ztf", "--out", pipe) == 0
    reader.join(20)
    assert got and stat.S_ISFIFO(pipe.stat().st_mode)
    if suffix == ".parquet":
        assert pq.read_table(pa.BufferReader(got[0])).num_rows == 14
    else:
        assert got[0].count(b"\n") == (14 if suffix == ".jsonl" else 15)


@posix
def test_devices_take_what_comes(tmp_path: Path) -> None:
    assert typed("classify", "sample:ztf", "--classifier", "ztf", "--out", "/dev/null") == 0
    code = "import sys; from firstlight.cli import main; main(sys.argv[1:])"
    words = ["classify", "sample:ztf", "--classifier", "ztf", "--out"]
    told = [
        subprocess.run([sys.executable, "-c", code, *words, out], capture_output=True, check=True).stdout
        for out in ("-", "/dev/stdout")
    ]
    assert told[0] == told[1] and told[0].count(b"\n") == 15


@posix
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_are_as_good_as_dev_null(closed: str, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    line = f"exec {sys.executable} -m firstlight classify sample:ztf --classifier ztf --out {out} {closed}"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "Traceback" not in done.stderr
    assert out.read_text().count("\n") == 15
    line = f"exec {sys.executable} -m firstlight classify - --survey ZTF --flux-unit nJy <&-"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "empty" in done.stderr


@posix
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_an_error_in_words() -> None:
    line = f"exec {sys.executable} -m firstlight classify sample:ztf --classifier ztf"
    for more, said in (
        (">/dev/full", "No space left"),
        ("2>/dev/full", ""),
        ("--out /dev/full", "No space left"),
    ):
        done = subprocess.run(["sh", "-c", f"{line} {more}"], capture_output=True, text=True, timeout=120)
        assert said in done.stderr and "Traceback" not in done.stderr and "Exception" not in done.stderr
        assert done.returncode == (1 if said else 0)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_text_says_who_answered_and_what_is_most_probable(suffix: str, tmp_path: Path) -> None:
    for more in ([], ["--every-observation"]):
        out = tmp_path / f"out{suffix}"
        assert typed("classify", "sample:ztf", "--classifier", "ztf", *more, "--out", out) == 0
        if suffix == ".csv":
            rows = list(csv.DictReader(out.read_text().splitlines()))
        else:
            rows = [json.loads(line) for line in out.read_text().splitlines()]
        model = fl.load("ztf")
        asked = ANSWER if not more else [name for name in ANSWER if "flag" not in name]
        assert set(asked) <= set(rows[-1])
        for row in rows:
            assert row["classifier"] == "ztf" and row["classifier_hash"] == model.hash[:12]
            if row["best_class"]:
                shares = {name: float(row[name]) for name in model.classes}
                assert max(shares, key=shares.__getitem__) == row["best_class"]
                assert float(row["best_probability"]) == max(shares.values())
    predictions = model.classify(fl.sample("ztf"))
    flagged = predictions.to_arrow().filter(pa.array(predictions.flags > 0))
    assert {"outside_window", "unread_passband"} == set(flagged["flag_names"].to_pylist())


def test_probabilities_in_text_stand_one_below_the_other(tmp_path: Path) -> None:
    assert typed("classify", "sample:ztf", "--classifier", "ztf", "--out", tmp_path / "out.csv") == 0
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    shown = [row[name] for row in rows for name in (*fl.load("ztf").classes, "best_probability")]
    assert {len(text) for text in shown} == {8} and not any("e" in text for text in shown)


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".jsonl", ".feather"])
def test_what_convert_writes_reads_back_with_its_unit_and_every_object(
    suffix: str, table: Path, tmp_path: Path
) -> None:
    out = tmp_path / f"out{suffix}"
    assert typed("convert", *reading(table), "--out", out) == 0
    before = fl.read(table, survey="ZTF", flux_unit="uJy", objects=tmp_path / "o.parquet")
    after = fl.read(out)
    assert after.object_id == before.object_id == ["A", "EMPTY"]
    assert after.column("flags").tolist() == before.column("flags").tolist()
    np.testing.assert_allclose(after.flux, before.flux)
    assert after.column("redshift").tolist() == [0.1, 0.05]
    assert typed("classify", out, "--classifier", "ztf", "--out", tmp_path / "answer.csv") == 0


def test_convert_keeps_objects_of_which_there_is_nothing_else(table: Path, tmp_path: Path) -> None:
    pq.write_table(pq.read_table(table).slice(0, 0), table)
    for suffix in (".parquet", ".csv"):
        assert typed("convert", *reading(table), "--out", tmp_path / f"out{suffix}") == 0
        assert fl.read(tmp_path / f"out{suffix}").object_id == ["A", "EMPTY"]


def test_files_of_figures_have_different_names() -> None:
    names = _file_names(["a/b", "a b", "A_b", "a_b-2", "", "..", "x" * 300, "x" * 301])
    assert len({name.lower() for name in names}) == 8 and max(map(len, names)) < 110


def test_plot_writes_a_file_an_object_into_a_folder(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows = fl.sample("ztf")[:2]
    ids = ["a/b", "a:b"]
    rows = fl.LightCurves.from_arrow(rows.to_arrow().set_column(0, "object_id", pa.array(ids)))
    for out in (f"{tmp_path}/figures/", f"{tmp_path}/v1.2/"):
        drawn = fl.plot(None, rows, out)
        assert len(set(drawn)) == 2 and all(path.is_file() for path in drawn)
