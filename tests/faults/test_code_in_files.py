"""A file that somebody sends runs no code unless its reader allows it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import firstlight as fl
from firstlight import simulate as simulation
from firstlight.cli.app import run
from firstlight.errors import FirstlightError, UsageError

TABLE = """
["Toy"]
number = 901
source = "lightcurvelynx"
model = "{model}"
rate = 1e-5
evolution = "constant"
redshift = [0.01, 0.05]
magnitude_band = "ZTF-r"
"""


@pytest.fixture
def ran(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is there as soon as the module `intruder` was imported or called."""
    mark = tmp_path / "ran"
    (tmp_path / "intruder.py").write_text(
        f"import pathlib\npathlib.Path({str(mark)!r}).touch()\nf = lambda: None\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "intruder", raising=False)
    return mark


@pytest.mark.parametrize("how", ["plain", "extended", "deep"])
def test_a_population_table_calls_no_function(
    how: str, ran: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "mine.toml"
    table.write_text(TABLE.format(model="intruder:f"))
    if how == "extended":
        table = tmp_path / "second.toml"
        table.write_text('extends = "mine.toml"\n["Toy"]\nrate = 2e-5\n')
    survey = "LSST" if how == "deep" else "ZTF"
    if how == "deep":
        text = TABLE.format(model="SIMSED.NONE") + '["Toy".deep]\nmodel = "intruder:f"\n'
        table.write_text(text)
    for call in (
        lambda: fl.simulate(survey, {"Toy": 1}, population_table=table),
        lambda: simulation.write_survey(tmp_path / "s", survey, {"Toy": 1}, population_table=table),
    ):
        with pytest.raises(UsageError, match="allow_code=True"):
            call()
    words = ["Toy=1", "--survey", survey, "--populations", str(table), "--out", str(tmp_path / "s")]
    assert run(["simulate", *words]) == 2
    assert "--allow-code" in capsys.readouterr().err
    assert not ran.exists() and not (tmp_path / "s").exists()


def test_with_leave_the_function_is_called(ran: Path, tmp_path: Path) -> None:
    table = tmp_path / "mine.toml"
    table.write_text(TABLE.format(model="intruder:f"))
    with pytest.raises(FirstlightError, match=r"lightcurvelynx|NoneType"):
        fl.simulate("ZTF", {"Toy": 1}, population_table=table, allow_code=True)
