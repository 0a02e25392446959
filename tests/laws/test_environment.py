"""What importing and loading leave alone, and what they do not need."""

import subprocess
import sys
from pathlib import Path

import pytest

import firstlight as fl

FIXTURE = Path(__file__).parents[1] / "classifier" / "fixtures" / "format-1"

# The time that it takes is a number of benchmarks/speed.py; what decides it is exact.
IMPORT = """
import sys
before = set(sys.modules)
import firstlight
new = set(sys.modules) - before
third = {name.partition(".")[0] for name in new} - sys.stdlib_module_names - {"firstlight"}
assert not third, third
own = {name for name in new if name.startswith("firstlight")}
assert own == {"firstlight", "firstlight._version"}, own
"""

SIDE_EFFECTS = """
import logging, os, random, socket, sys, warnings
import numpy as np

class Blocked(socket.socket):
    def __init__(self, *args, **kwargs):
        raise AssertionError("no network")

socket.socket = Blocked
state = random.getstate(), np.random.get_state()[1].tolist(), dict(os.environ), list(logging.root.handlers)
errors, printing = np.geterr(), np.get_printoptions()

import firstlight as fl
curves = fl.LightCurves.from_columns(
    object_id=["a"] * 2, time=[59000.0, 59003.0], passband=["g", "r"], flux=[2e4, 3e4], flux_err=[1e3] * 2,
    flux_unit="nJy", survey="ZTF")
fl.load(sys.argv[1]).classify(curves).to_arrow()

after = random.getstate(), np.random.get_state()[1].tolist(), dict(os.environ), list(logging.root.handlers)
assert after == state
assert (np.geterr(), np.get_printoptions()) == (errors, printing)
"""


def run(code: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **environment},
    )


def test_import_brings_itself_alone() -> None:
    done = run(IMPORT)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_classifying_needs_no_network_and_no_home_and_leaves_no_trace() -> None:
    done = run(SIDE_EFFECTS, str(FIXTURE), HOME="/nonexistent")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_face_lists_what_it_has_and_names_the_nearest() -> None:
    assert list(fl.__all__) == sorted(fl.__all__)
    assert set(fl.__all__) <= set(dir(fl))
    for name in fl.__all__:
        if name not in ("fine_tune", "pretrain"):  # these need the extra [learn]
            assert getattr(fl, name) is not None
    with pytest.raises(AttributeError, match="Did you mean 'classify'"):
        fl.clasify  # noqa: B018


def test_training_comes_with_its_extra() -> None:
    pytest.importorskip("torch")
    assert callable(fl.fine_tune) and callable(fl.pretrain)
