"""From logits to probabilities: temperatures and offsets by number of detections, shares of classes."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from firstlight._types import Floats, Floats32, Ints
from firstlight.errors import Arg, UnknownNameError, UsageError

_ROUNDS = 1000
_EVEN = 0.05  # of the shares spread evenly: maximum likelihood empties rare classes of which it is not sure
_ENOUGH = 1e-7  # largest change of a share at which it has settled


@dataclass(frozen=True)
class Calibration:
    """How far the logits of a network may be believed.

    Parameters
    ----------
    training_shares : mapping of str to float, optional
        Share of each class that the network learnt to expect; None if every class weighed the same.
    prior : mapping of str to float, optional
        Share of each class to expect where the classifier is used; None leaves `training_shares`.
    temperature_edges : tuple of int
        Upper ends of the bins in number of detections: ``(2, 5, 10)`` for 1-2, 3-5, 6-10 and more.
    temperatures : tuple of float
        By which the logits are divided in each bin; one more than there are edges.
    offsets : mapping of str to tuple of float, optional
        What is then added to the logit of each class in each bin: with little seen, networks favour some.
    """

    training_shares: Mapping[str, float] | None = None
    prior: Mapping[str, float] | None = None
    temperature_edges: tuple[int, ...] = ()
    temperatures: tuple[float, ...] = (1.0,)
    offsets: Mapping[str, tuple[float, ...]] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "temperature_edges", tuple(int(edge) for edge in self.temperature_edges))
        object.__setattr__(self, "temperatures", tuple(float(value) for value in self.temperatures))
        if len(self.temperatures) != len(self.temperature_edges) + 1:
            raise UsageError(
                f"{len(self.temperatures)} temperatures for {len(self.temperature_edges)} edges; one more "
                "is needed",
                where="calibration",
            )
        if list(self.temperature_edges) != sorted(set(self.temperature_edges)):
            raise UsageError("the edges of the bins must increase", where="calibration")
        if not all(0.0 < value < np.inf for value in self.temperatures):
            raise UsageError("a temperature must be positive", where="calibration")
        if self.offsets is not None:
            given = {name: tuple(float(value) for value in values) for name, values in self.offsets.items()}
            object.__setattr__(self, "offsets", given)
            for name, values in given.items():
                if len(values) != len(self.temperatures) or not np.isfinite(values).all():
                    raise UsageError(
                        f"{name} needs one number for each of {len(self.temperatures)} bins",
                        where="offsets of a calibration",
                    )

    def to_dict(self) -> dict[str, Any]:
        """The calibration as values of JSON; `from_dict` reads it back."""
        values: dict[str, Any] = {
            "training_shares": None if self.training_shares is None else dict(self.training_shares),
            "prior": None if self.prior is None else dict(self.prior),
            "temperature_edges": list(self.temperature_edges),
            "temperatures": list(self.temperatures),
        }
        if self.offsets is not None:
            values["offsets"] = {name: list(given) for name, given in self.offsets.items()}
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Calibration:
        """The calibration that `to_dict` wrote; an unknown key raises UnknownNameError."""
        known = [field.name for field in dataclasses.fields(cls)]
        for key in values:
            if key not in known:
                raise UnknownNameError("key of a calibration", key, known)
        return cls(**values)

    def shift(self, classes: Sequence[str], priors: Mapping[str, float] | str | None = None) -> Floats32:
        """What offsets and priors add to each logit, float32 [C], or [B, C] where there are offsets.

        Parameters
        ----------
        classes : sequence of str
            Of the network.
        priors : mapping or "flat", optional
            Shares to expect instead of `prior`; they need not sum to 1.
        """
        ratio = self._prior_shift(classes, priors)
        if self.offsets is None:
            return ratio
        for name in self.offsets:
            if name not in classes:
                raise UnknownNameError("class", name, classes, where="offsets of a calibration")
        none = (0.0,) * len(self.temperatures)
        own = np.array([self.offsets.get(name, none) for name in classes], np.float32)
        return np.asarray(own.T + ratio)

    def _prior_shift(self, classes: Sequence[str], priors: Mapping[str, float] | str | None) -> Floats32:
        wanted = self.prior if priors is None else priors
        if wanted is None:
            return np.zeros(len(classes), np.float32)
        learnt = shares(self.training_shares or "flat", classes)
        if not (learnt > 0.0).all():
            learnt = np.maximum(learnt, 1e-9)
        with np.errstate(divide="ignore"):
            return np.log(shares(wanted, classes) / learnt).astype(np.float32)

    @cached_property
    def _bins(self) -> tuple[Ints, Floats32]:
        """Edges and temperatures as arrays: they are needed at every observation of a stream."""
        return np.array(self.temperature_edges, np.int64), np.array(self.temperatures, np.float32)

    def apply(
        self,
        logits: Floats32,
        n_detections: Ints,
        classes: Sequence[str],
        priors: Mapping[str, float] | str | None = None,
    ) -> Floats32:
        """Probabilities, float32 [M, C], whose rows sum to 1.

        Parameters
        ----------
        logits : float32 [M, C]
        n_detections : int64 [M]
            Detections seen so far.
        classes : sequence of str
            Of the network.
        priors : mapping or "flat", optional
            See `shift`.
        """
        return self.probabilities(logits, n_detections, self.shift(classes, priors))

    def probabilities(self, logits: Floats32, n_detections: Ints | int, shift: Floats32) -> Floats32:
        """As `apply`, with the shift of the logits at hand; `n_detections` may be one number."""
        edges, temperatures = self._bins
        if len(temperatures) > 1:
            bins = edges.searchsorted(n_detections, side="left")
            z = logits / temperatures[bins].reshape(-1, 1)
            z += shift if shift.ndim == 1 else shift[bins]
        else:
            z = logits / temperatures[0]
            z += shift
        z -= z.max(axis=-1, keepdims=True)
        np.exp(z, out=z)
        z /= z.sum(axis=-1, keepdims=True)
        return np.asarray(z, np.float32)


def shares(given: Mapping[str, float] | str, classes: Sequence[str]) -> Floats:
    """The share of each of `classes`, summing to 1.

    Raises
    ------
    UnknownNameError
        For a class that is not among them.
    UsageError
        When one lacks its share, or none is positive.
    """
    if isinstance(given, str):
        if given != "flat":
            raise UnknownNameError("priors", given, ("flat",), hint="Or give a share for each class.")
        return np.full(len(classes), 1.0 / len(classes))
    for name in given:
        if name not in classes:
            raise UnknownNameError("class", name, classes, where=Arg("priors"))
    missing = [name for name in classes if name not in given]
    if missing:
        raise UsageError(f"no share is given for {', '.join(missing)}", where=Arg("priors"))
    values = np.array([float(given[name]) for name in classes])
    if not (np.isfinite(values).all() and (values >= 0.0).all() and values.sum() > 0.0):
        raise UsageError("shares must be numbers from 0 on, not all 0", where=Arg("priors"))
    return np.asarray(values / values.sum())


def estimate_shares(flat: Floats) -> Floats:
    """The shares [C] of classes under which these probabilities are most likely, by expectation maximisation.

    A small part is spread evenly over the classes, so that none becomes impossible.

    Source: Saerens, Latinne and Decaestecker 2002, Neural Computation 14, 21.

    Parameters
    ----------
    flat : float64 [n, C]
        Probabilities under equal shares, each row summing to 1.
    """
    classes = flat.shape[1]
    found = np.full(classes, 1.0 / classes)
    for _ in range(_ROUNDS):
        joint = flat * found
        new = (joint / joint.sum(axis=1, keepdims=True)).mean(axis=0)
        settled = float(np.abs(new - found).max()) < _ENOUGH
        found = new
        if settled:
            break
    return np.asarray((1 - _EVEN) * found + _EVEN / classes)
