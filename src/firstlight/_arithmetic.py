"""The few functions that differ between one number and a column: what is written with them serves both.

A stream takes one observation in microseconds as plain numbers, and thousands at once as columns; the rules
and features are written once, in the operators that both understand (comparisons, ``&``, ``|``, ``+``) and in
these functions.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Arithmetic(NamedTuple):
    """NumPy's functions for columns, and for one number those that give the same bits."""

    log: Callable[[Any], Any]
    log1p: Callable[[Any], Any]
    asinh: Callable[[Any], Any]
    power: Callable[[Any, Any], Any]
    least: Callable[[Any, Any], Any]
    most: Callable[[Any, Any], Any]
    finite: Callable[[Any], Any]
    no: Callable[[Any], Any]
    where: Callable[[Any, Any, Any], Any]


COLUMNS = Arithmetic(
    np.log,
    np.log1p,
    np.arcsinh,
    np.power,
    np.minimum,
    np.maximum,
    np.isfinite,
    np.logical_not,
    np.where,
)
# NumPy's logarithms and not those of `math`: libm differs from NumPy's vector loops in the last bit.
NUMBERS = Arithmetic(
    lambda x: float(np.log(x)),
    lambda x: float(np.log1p(x)),
    lambda x: float(np.arcsinh(x)),
    lambda x, y: float(np.power(x, y)),
    min,
    max,
    math.isfinite,
    operator.not_,
    lambda condition, x, y: x if condition else y,
)
