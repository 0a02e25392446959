"""What `firstlight.learn` offers before torch is loaded, and what it says without it."""

import subprocess
import sys

import pytest

from firstlight import learn

WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
from firstlight import learn
from firstlight.learn import FINE_TUNE, STRATEGIES, Augmentation, Recipe
assert "auto" in STRATEGIES and FINE_TUNE.with_(epochs=3).epochs == 3
assert not {"numpy", "pyarrow"} & set(sys.modules)
try:
    learn.fine_tune
except ImportError as error:
    print(error)
"""


def test_strategies_and_recipes_come_without_torch_and_training_names_the_install_line():
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT_TORCH], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith("pip install 'firstlight[learn]'")


def test_every_name_is_there_and_a_wrong_one_names_the_nearest():
    assert set(learn.__all__) <= set(dir(learn))
    assert all(getattr(learn, name) is not None for name in learn.__all__)
    with pytest.raises(AttributeError, match="Did you mean 'fine_tune'"):
        learn.fine_tun  # noqa: B018
