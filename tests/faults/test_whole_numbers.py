"""Seeds and counts that are none are refused by every function that takes them, before any work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import firstlight as fl
from firstlight import evaluate as measures
from firstlight import simulate as simulation
from firstlight.cli.app import run
from firstlight.errors import UsageError
from firstlight.learn import Recipe
from firstlight.study import Convergence

ONE = np.array([[0.6, 0.4], [0.3, 0.7]])
WITH_SEED: dict[str, Callable[..., object]] = {
    "simulate": lambda **n: fl.simulate("ZTF", {"TDE": 1}, **n),
    "write_survey": lambda **n: simulation.write_survey("never", "ZTF", {"TDE": 1}, **n),
    "two_sample": lambda **n: simulation.two_sample(ONE, ONE, **n),
    "evaluate": lambda **n: measures.evaluate(fl.load("ztf"), fl.sample("ztf"), **n),
    "bootstrap": lambda **n: measures.bootstrap([0, 1], ONE, **n),
    "paired": lambda **n: measures.paired([0, 1], ONE, ONE, **n),
    "score": lambda **n: measures.score([0, 1], ONE, ("SN Ia", "SN II"), **n),
    "suggest": lambda **n: fl.suggest("ztf", fl.sample("ztf"), **n),
    "fine_tune": lambda **n: fl.fine_tune("ztf", fl.sample("ztf"), **n),
    "pretrain": lambda **n: fl.pretrain(fl.sample("ztf"), **n),
}
COUNTS: dict[str, Callable[[int], object]] = {
    "simulate count": lambda n: fl.simulate("ZTF", "TDE", n),
    "simulate counts": lambda n: fl.simulate("ZTF", {"TDE": n}),
    "write_survey counts": lambda n: simulation.write_survey("never", "ZTF", {"TDE": n}),
    "write_survey workers": lambda n: simulation.write_survey("never", "ZTF", {"TDE": 1}, workers=n),
    "evaluate": lambda n: measures.evaluate(fl.load("ztf"), fl.sample("ztf"), resamples=n),
    "suggest": lambda n: fl.suggest("ztf", fl.sample("ztf"), number=n),
    "fine_tune": lambda n: fl.fine_tune("ztf", fl.sample("ztf"), keep=n),
    "recipe": lambda n: Recipe(calibration_folds=n),
    "load": lambda n: fl.load("ztf", threads=n),
    "classify": lambda n: fl.load("ztf").classify(fl.sample("ztf"), batch_size=n),
    "stage": lambda n: measures.Stage(detections=n),
}


@pytest.mark.parametrize("seed", [-1, -(2**40), 1.5, "7", None, float("nan"), True])
@pytest.mark.parametrize("name", WITH_SEED)
def test_a_seed_is_a_whole_number_from_zero_on(name: str, seed: object, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"seed: .* no whole number"):
        WITH_SEED[name](seed=seed)
    assert not Path("never").exists()


@pytest.mark.parametrize("count", [-1, -5, 2.5])
@pytest.mark.parametrize("name", COUNTS)
def test_a_count_is_a_whole_number_too(name: str, count: int) -> None:
    with pytest.raises(UsageError, match=r"no whole number|at least 1"):
        COUNTS[name](count)


def test_a_seed_of_numpy_or_of_any_size_is_taken(tmp_path: Path) -> None:
    folder = simulation.write_survey(tmp_path / "s", "ZTF", {"TDE": 1}, np.int64(3))
    assert simulation.write_survey(folder, "ZTF", {"TDE": 1}, 3) == folder
    assert len(fl.simulate("ZTF", {"TDE": 1}, seed=2**70)) == 1
    with pytest.raises(UsageError, match="draws"):
        from firstlight.study import Arm, Study

        Study("s", (Arm("a", "scratch"),), convergence=Convergence(draws=-1))


@pytest.mark.parametrize(
    "words",
    [
        ["simulate", "TDE=2", "--survey", "ZTF", "--out", "OUT"],
        ["evaluate", "sample:ztf", "--resamples", "5", "--out", "OUT"],
        ["fine-tune", "sample:ztf", "--base", "ztf", "--strategy", "output", "--epochs", "1", "--out", "OUT"],
        ["pretrain", "sample:ztf", "--out", "OUT"],
        ["suggest", "sample:ztf", "--out", "OUT.csv"],
    ],
    ids=lambda words: words[0],
)
def test_the_command_line_refuses_a_negative_seed(
    words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    typed = [word.replace("OUT", str(tmp_path / "out")) for word in words]
    assert run([*typed, "--seed", "-1"]) == 2
    told = capsys.readouterr().err
    assert "--seed" in told and "Traceback" not in told
    assert not list(tmp_path.iterdir())
