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
    log=np.log,
    log1p=np.log1p,
    asinh=np.arcsinh,
    power=np.power,
    least=np.minimum,
    most=np.maximum,
    finite=np.isfinite,
    no=np.logical_not,
    where=np.where,
)
# NumPy's logarithms and not those of `math`: libm differs from NumPy's vector loops in the last bit.
NUMBERS = Arithmetic(
    log=lambda x: float(np.log(x)),
    log1p=lambda x: float(np.log1p(x)),
    asinh=lambda x: float(np.arcsinh(x)),
    power=lambda x, y: float(np.power(x, y)),
    least=min,
    most=max,
    finite=math.isfinite,
    no=operator.not_,
    where=lambda condition, x, y: x if condition else y,
)
