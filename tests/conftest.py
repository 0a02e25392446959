"""Fixtures of every room: the folder of shared data, and the light curve that relations are tested on."""

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import firstlight
from firstlight.cli.app import app
from firstlight.cli.spelling import spelling
from firstlight.errors import FirstlightError
from firstlight.lightcurves import LightCurves


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared data: $FIRSTLIGHT_SHARED, or `shared` beside the project; skips without it."""
    folder = Path(os.environ.get("FIRSTLIGHT_SHARED", Path(__file__).parents[2] / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"no shared data at {folder}: set FIRSTLIGHT_SHARED to the folder that holds 'data'")
    return folder


def bump_columns(rows: int = 60, seed: int = 1) -> dict[str, np.ndarray]:
    """Columns of the base light curve in FLUXCAL: peak 300 at day 40, sigma 15 d, errors 5, bands g, r."""
    random = np.random.default_rng(seed)
    time = 59_000.0 + np.sort(random.uniform(0.0, 100.0, rows))
    error = np.full(rows, 5.0)
    flux = 300.0 * np.exp(-0.5 * ((time - 59_040.0) / 15.0) ** 2) + random.normal(0.0, error)
    band = np.where(np.arange(rows) % 2 == 0, "g", "r")
    return {
        "object_id": np.full(rows, "bump"),
        "time": time,
        "passband": band,
        "flux": flux,
        "flux_err": error,
    }


@pytest.fixture
def bump() -> LightCurves:
    """One object, 60 rows over 100 days in ZTF g and r: a Gaussian bump of 10,892 nJy, errors 182 nJy."""
    return LightCurves.from_columns(**bump_columns(), survey="ZTF", flux_unit="FLUXCAL")


# Said to who holds no light curves but a table: only Python can get there.
_PYTHON_ONLY = ("firstlight.read_table(",)
_SOURCE = Path(firstlight.__file__).parent


@pytest.fixture(scope="session", autouse=True)
def errors_speak_the_words_of_their_reader() -> Iterator[None]:
    """Of every error that any test provokes: no option is said to Python, no argument to a shell."""
    plain = FirstlightError.__init__

    def checked(self: FirstlightError, *arguments: Any, **options: Any) -> None:
        plain(self, *arguments, **options)
        frame = sys._getframe(1)
        while frame is not None and frame.f_code.co_name == "__init__":
            frame = frame.f_back  # of a subclass
        home = Path() if frame is None else Path(frame.f_code.co_filename)
        if _SOURCE not in home.parents or _SOURCE / "cli" in home.parents:
            return
        python, shell = self.text(), self.text(spelling(app.commands["fine-tune"]))
        assert not re.search(r"(?<![-\w])--[a-z]", python), python
        assert not re.search(r"\b[a-z_]+=['{]", shell) or any(one in shell for one in _PYTHON_ONLY), shell

    FirstlightError.__init__ = checked  # type: ignore[method-assign]
    yield
    FirstlightError.__init__ = plain  # type: ignore[method-assign]
