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
from dataclasses import dataclass
from typing import Any

import numpy as np

from firstlight.errors import UnknownNameError, UsageError


def _wv07(rng: np.random.Generator, k: float) -> float:
    # Integrals of the two terms over A_V > 0: k and 1/2 (SNANA GENAV_WV07).
    return rng.exponential(0.4) if rng.random() * (k + 0.5) < k else abs(rng.normal(0.0, 0.1))


def _split(rng: np.random.Generator, mode: float, below: float, above: float) -> float:
    step = abs(rng.standard_normal())
    return mode - below * step if rng.random() * (below + above) < below else mode + above * step


# How many numbers a law takes, and how it draws.
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


@dataclass(frozen=True)
class Law:
    """A law of the table: called with a random stream it gives one value, within [`low`, `high`].

    `kind` is its key, ``"constant"`` for a plain number; `where` names class and parameter for errors.
    """

    kind: str
    numbers: tuple[float, ...]
    low: float = -math.inf
    high: float = math.inf
    where: str = ""

    def __call__(self, rng: np.random.Generator) -> float:
        """One value; UsageError where nearly every draw is out of range."""
        if self.kind == "constant":
            return self.numbers[0]
        draw = _LAWS[self.kind][1]
        for _ in range(1000):
            value = draw(rng, *self.numbers)
            if self.low <= value <= self.high:
                return value
        hint = "Widen `within`."
        raise UsageError("nearly every draw falls outside its range", where=self.where, hint=hint)

    def check(self, low: float, high: float) -> None:
        """Nothing, or UsageError where more than one draw in fifty is beyond what a model can do."""
        rng = np.random.default_rng(1)
        values = np.array([self(rng) for _ in range(200)])
        beyond = values[(values < low) | (values > high)]
        if len(beyond) > 4:
            raise UsageError(
                f"draws values such as {beyond[0]:.4g}; the model goes from {low:g} to {high:g}",
                where=self.where,
                hint="Change the law, or add `within`.",
            )


def law(spec: Any, where: str) -> Law:
    """The law that `spec` describes.

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
        return Law("constant", (float(spec),), where=where)
    if not isinstance(spec, Mapping):
        raise UsageError(f"a law is a number or a table, not {spec!r}", where=where)
    names = [key for key in spec if key not in ("within", "most")]
    if len(names) != 1:
        raise UsageError("one law is wanted", where=where, hint=f"Known: {', '.join(sorted(_LAWS))}.")
    if names[0] not in _LAWS:
        raise UnknownNameError("law", names[0], sorted(_LAWS), where=where)
    count, draw = _LAWS[names[0]]
    numbers = _numbers(spec[names[0]], where)
    if len(numbers) != count:
        raise UsageError(f"'{names[0]}' takes {count} numbers, {len(numbers)} given", where=where)
    limits = _numbers(spec.get("within", (-math.inf, spec.get("most", math.inf))), where)
    if len(limits) != 2:
        raise UsageError("`within` takes 2 numbers", where=where)
    try:
        tried = draw(np.random.default_rng(0), *numbers)
    except ValueError as error:  # a negative width, the logarithm of zero
        given = list(numbers)
        raise UsageError(f"'{names[0]}' of {given} cannot be drawn: {error}", where=where) from None
    if not np.isfinite([tried, *numbers]).all():
        raise UsageError(f"'{names[0]}' of {list(numbers)} is no law", where=where)
    if not limits[0] < limits[1]:
        raise UsageError(f"the range [{limits[0]}, {limits[1]}] is empty", where=where)
    return Law(names[0], numbers, *limits, where)


def _numbers(given: Any, where: str) -> tuple[float, ...]:
    values = given if isinstance(given, list | tuple) else [given]
    for value in values:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UsageError(f"{value!r} is no number", where=where)
    return tuple(float(value) for value in values)
