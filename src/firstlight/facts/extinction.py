"""The extinction law of the Milky Way, for passbands whose ratio nobody gave."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from firstlight.errors import DataError
from firstlight.facts.names import load_toml


def extinction_at(wavelength_um: float) -> float:
    """A / E(B-V) of the Fitzpatrick 1999 law (R_V = 3.1) at one wavelength, in um.

    For passbands whose curve nobody gave; the packaged ones are integrated over theirs.
    """
    law = _law()
    if not law[0][0] <= wavelength_um <= law[0][-1]:
        raise DataError(
            f"no extinction known at {wavelength_um} um ({law[0][0]} to {law[0][-1]})",
            hint="Micrometres: 4800 Angstrom are 0.48. Beyond, give the passband its own `extinction`.",
        )
    # The law is tabulated, and nearly straight, in inverse wavelength.
    return float(np.interp(-1 / wavelength_um, -1 / law[0], law[1]))


@cache
def _law() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    table = load_toml("extinction.toml")
    return np.asarray(table["wavelength_um"], float), np.asarray(table["extinction"], float)
