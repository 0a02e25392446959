"""The laws from which parameters are drawn, as the population table spells them.

A law is a number (a constant) or a table with one of the keys ``normal`` [mean, sigma], ``split_normal``
[mode, sigma below, sigma above], ``uniform`` [low, high], ``log_uniform`` [low, high], ``log10_normal``
[mean, sigma] of log10, ``exponential`` mean, ``normal_plus_exponential`` [mean, sigma, mean of the
exponential], ``wv07`` k (Wood-Vasey+ 2007 host dust: exponential of 0.4 mag with weight k and a Gaussian
core of 0.1 mag); ``within`` [low, high] or ``most`` redraws what falls outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from firstlight.errors import UnknownNameError, UsageError

Law = Callable[[np.random.Generator], float]


def _wv07(rng: np.random.Generator, k: float) -> float:
    # Integrals of the two terms over A_V > 0: k and 1/2 (SNANA GENAV_WV07).
    return rng.exponential(0.4) if rng.random() * (k + 0.5) < k else abs(rng.normal(0.0, 0.1))


def _split(rng: np.random.Generator, mode: float, below: float, above: float) -> float:
    step = abs(rng.standard_normal())
    return mode - below * step if rng.random() * (below + above) < below else mode + above * step


_LAWS: dict[str, tuple[int, Callable[..., float]]] = {
    "normal": (2, lambda rng, mean, sigma: rng.normal(mean, sigma)),
    "uniform": (2, lambda rng, low, high: rng.uniform(low, high)),
    "log_uniform": (2, lambda rng, low, high: math.exp(rng.uniform(math.log(low), math.log(high)))),
    "log10_normal": (2, lambda rng, mean, sigma: 10.0 ** rng.normal(mean, sigma)),
    "exponential": (1, lambda rng, mean: rng.exponential(mean)),
    "split_normal": (3, _split),
    "normal_plus_exponential": (
        3,
        lambda rng, mean, sigma, tail: rng.normal(mean, sigma) + rng.exponential(tail),
    ),
    "wv07": (1, _wv07),
}


def law(spec: Any, where: str) -> Law:
    """A function that draws one value by `spec`.

    Parameters
    ----------
    spec : number or mapping
        As in the module's description.
    where : str
        Class and parameter, for errors.

    Raises
    ------
    UsageError
        Wrong number of parameters, or a range that is empty.
    UnknownNameError
        A law that does not exist.
    """
    if isinstance(spec, int | float) and not isinstance(spec, bool):
        constant = float(spec)
        return lambda rng: constant
    if not isinstance(spec, Mapping):
        raise UsageError(f"a law is a number or a table, not {spec!r}", where=where)
    names = [key for key in spec if key not in ("within", "most")]
    if len(names) != 1:
        raise UsageError("one law is wanted", where=where, hint=f"Known: {', '.join(sorted(_LAWS))}.")
    if names[0] not in _LAWS:
        raise UnknownNameError("law", names[0], sorted(_LAWS), where=where)
    count, draw = _LAWS[names[0]]
    given = spec[names[0]]
    numbers = _numbers(given, where)
    if len(numbers) != count:
        raise UsageError(f"'{names[0]}' takes {count} numbers, {len(numbers)} given", where=where)
    limits = _numbers(spec.get("within", (-math.inf, spec.get("most", math.inf))), where)
    if len(limits) != 2:
        raise UsageError("`within` takes 2 numbers", where=where)
    low, high = limits
    try:
        tried = [draw(np.random.default_rng(0), *numbers)]
    except ValueError as error:  # a negative width, the logarithm of zero
        raise UsageError(f"'{names[0]}' of {numbers} cannot be drawn: {error}", where=where) from None
    if not np.isfinite(tried + numbers).all():
        raise UsageError(f"'{names[0]}' of {numbers} is no law", where=where)
    if not low < high:
        raise UsageError(f"the range [{low}, {high}] is empty", where=where)

    def drawn(rng: np.random.Generator) -> float:
        for _ in range(1000):
            value = draw(rng, *numbers)
            if low <= value <= high:
                return value
        raise UsageError("nearly every draw falls outside its range", where=where, hint="Widen `within`.")

    return drawn


def _numbers(given: Any, where: str) -> list[float]:
    values = given if isinstance(given, list | tuple) else [given]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"{value!r} is no number", where=where)
    return [float(value) for value in values]
