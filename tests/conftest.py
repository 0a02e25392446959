"""What the tests of all rooms share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared facts and benchmark data, beside the checkout or named by $FIRSTLIGHT_SHARED."""
    named = os.environ.get("FIRSTLIGHT_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("the shared benchmark data are not beside the checkout (../shared or $FIRSTLIGHT_SHARED)")
    return folder
