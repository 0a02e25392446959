"""The array types that signatures of every room speak of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Bits = NDArray[np.uint16]
"""Bit fields of `firstlight.lightcurves.Flag`."""
AnyArray = NDArray[Any]
