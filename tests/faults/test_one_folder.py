"""Two runs in one folder, and runs that were killed: one at a time, and whole at the end."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import firstlight as fl
from firstlight import simulate as simulation
from firstlight.cli.app import run
from firstlight.errors import UsageError
from firstlight.files import sha256_of, write_text
from firstlight.study.cells import read_arrays
from firstlight.working_folder import working_in

WORDS = ("simulate", "TDE=3", "SLSN-I=3", "--survey", "ZTF", "--seed", "3", "--out")


def content(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): sha256_of(file) for file in folder.rglob("*") if file.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "s"
    assert run([*WORDS, str(folder)]) == 0
    return folder


def test_a_folder_is_worked_in_by_one_at_a_time(tmp_path: Path) -> None:
    with working_in(tmp_path / "a"):
        with pytest.raises(UsageError, match="another run"), working_in(tmp_path / "a"):
            pass
        with working_in(tmp_path / "b"):
            pass
    with working_in(tmp_path / "a"):
        pass
    assert not list((tmp_path / "a").iterdir())


def test_a_second_simulation_and_a_second_study_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sklearn")
    every = labelled = fl.sample("ztf")
    pool, test = every.take(range(0, len(every), 2)), every.take(range(1, len(every), 2))
    with working_in(tmp_path):
        with pytest.raises(UsageError, match="another run"):
            simulation.write_survey(tmp_path, "ZTF", {"TDE": 1})
        plan = {"arms": [{"name": "features", "kind": "features"}], "budgets": ["all"], "draws": 1}
        with pytest.raises(UsageError, match="another run"):
            fl.study(plan, pool=pool, test=test, out=tmp_path)
        with pytest.raises(UsageError, match="another run"):
            fl.fine_tune("ztf", labelled, strategy="output", epochs=1, score=False, run=tmp_path, report=[])
        assert run([*WORDS, str(tmp_path)]) == 2
        assert str(tmp_path) in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_two_simulations_started_at_once_leave_the_survey_of_one(whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    command = [sys.executable, "-m", "firstlight", *WORDS, str(out)]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [one.communicate()[1] for one in both]
    codes = sorted(one.returncode for one in both)
    assert codes in ([0, 0], [0, 2]), told
    assert codes == [0, 0] or any("another run" in text for text in told)
    assert content(out) == content(whole)


@pytest.mark.parametrize("name", ["objects/TDE-00000.parquet", "photometry/SLSNI-00000.parquet"])
def test_what_a_killed_simulation_left_is_made_whole(name: str, whole: Path, tmp_path: Path) -> None:
    out = tmp_path / "s"
    for file, data in ((one, (whole / one).read_bytes()) for one in content(whole)):
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        (out / file).write_bytes(b"" if file == name else data)
    stated = (out / "survey.json").read_text().partition(', "generated"')[0].partition(',\n "generated"')[0]
    write_text(out / "survey.json", stated + "}")
    (out / "objects" / ".TDE-00000-0123abcd.part.parquet").write_bytes(b"half")
    (out / ".survey-0123abcd.part.json").write_text("{")
    assert run([*WORDS, str(out)]) == 0
    assert content(out) == content(whole)


@pytest.mark.parametrize("text", ["", '{"survey": "ZTF", "se', "[]", "null"])
def test_damaged_settings_of_a_survey_are_named(
    text: str, whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "survey.json").write_text(text)
    assert run([*WORDS, str(tmp_path)]) == 2
    told = capsys.readouterr().err
    assert str(tmp_path / "survey.json") in told and "Traceback" not in told
    assert (tmp_path / "survey.json").read_text() == text


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04", b"no arrays"])
def test_a_damaged_cell_of_a_study_counts_as_none(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "cell.npz").write_bytes(data)
    assert read_arrays(tmp_path / "cell.npz") == {}
