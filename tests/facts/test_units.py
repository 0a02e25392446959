"""Flux units and their zero points."""

import numpy as np
import pytest

from firstlight.errors import UnknownNameError
from firstlight.facts import units, zero_point


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("nJy", 31.4),
        ("uJy", 23.9),
        ("µJy", 23.9),
        ("mJy", 16.4),
        ("Jy", 8.9),
        ("FLUXCAL", 27.5),
        ("fluxcal", 27.5),
        ("njy", 31.4),
        ("maggies", 0.0),
        ("microjansky", 23.9),
        ("nanomaggies", 22.5),
    ],
)
def test_zero_points_of_units(unit: str, expected: float) -> None:
    assert zero_point(unit) == expected


def test_janskys_differ_by_powers_of_a_thousand() -> None:
    steps = np.diff([zero_point(unit) for unit in ("Jy", "mJy", "uJy", "nJy")])
    np.testing.assert_allclose(steps, 7.5)
    assert set(units()) >= {"nJy", "uJy", "mJy", "Jy", "FLUXCAL", "maggies"}


def test_unknown_units_are_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'nJy'"):
        zero_point("nJyy")
