"""What is asked of a classifier: on which classes, and with which shares of them in mind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight import facts
from firstlight.classifier.calibration import Calibration, shares
from firstlight.errors import UnknownNameError, UsageError

Priors = Mapping[str, float] | str | None


class Answer(NamedTuple):
    """How logits become the probabilities that were asked for."""

    classes: tuple[str, ...]  # of the probabilities
    calibration: Calibration
    shift: NDArray[np.float32]  # [C] of the network, or [B, C] by number of detections
    matrix: NDArray[np.float32] | None  # [C of the network, C]; None: the network's own classes

    def __call__(
        self, logits: NDArray[np.float32], n_detections: NDArray[np.int64] | int
    ) -> NDArray[np.float32]:
        """Probabilities float32 [M, C] from logits [M, C of the network]; rows sum to 1."""
        return self.collapse(self.calibration.probabilities(logits, n_detections, self.shift))

    def collapse(self, own: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities on the classes asked for, float32 [M, C], from those of the network's classes."""
        if self.matrix is None:
            return own
        summed = own @ self.matrix
        total = summed.sum(axis=-1, keepdims=True)
        # Nothing left in the classes asked for: then nothing is known among them.
        even = np.full(summed.shape, 1.0 / len(self.classes), np.float32)
        return np.asarray(np.divide(summed, total, out=even, where=total > 0.0))


def answer(
    calibration: Calibration, own: Sequence[str], classes: Sequence[str] | None, priors: Priors
) -> Answer:
    """The answer on `classes` (None: those of the network, `own`) under `priors`.

    Raises
    ------
    UnknownNameError
        For a class that the tree does not know.
    UsageError
        For a class under which the network has none, and for priors that lack a class.
    """
    own = tuple(own)
    asked = (classes,) if isinstance(classes, str) else classes
    target = own if asked is None else tuple(_canonical(name, own) for name in asked)
    if not target or len(set(target)) < len(target):
        raise UsageError("give one or more different classes", where="classes")
    matrix = None if target == own else _collapse(own, target)
    if isinstance(priors, Mapping):
        priors = {_canonical(name, own): share for name, share in priors.items()}
        if matrix is not None and set(priors) == set(target) != set(own):
            priors = _spread(shares(priors, target), calibration, own, matrix)
    narrow = None if matrix is None else matrix.astype(np.float32)
    return Answer(target, calibration, calibration.shift(own, priors), narrow)


def _spread(
    wanted: NDArray[np.float64], calibration: Calibration, own: tuple[str, ...], matrix: NDArray[np.float64]
) -> dict[str, float]:
    """Shares of the network's classes that add up to those `wanted` of the coarser ones."""
    within = shares(calibration.prior or calibration.training_shares or "flat", own)
    total = within @ matrix
    factor = matrix @ np.divide(wanted, total, out=np.zeros_like(wanted), where=total > 0.0)
    # What stands under no class asked for is left out afterwards; its share must only be a number.
    outside = matrix.sum(axis=1) == 0.0
    return dict(zip(own, np.where(outside, within, within * factor).tolist(), strict=True))


def _collapse(own: tuple[str, ...], target: tuple[str, ...]) -> NDArray[np.float64]:
    tree = facts.class_tree()
    matrix = np.zeros((len(own), len(target)))
    for row, name in enumerate(own):
        if name in target:
            matrix[row, target.index(name)] = 1.0
        elif name in tree.names:
            known = [item for item in target if item in tree.names]
            found = tree.nearest_of(name, known)
            if found >= 0:
                matrix[row, target.index(known[found])] = 1.0
    empty = [name for name, column in zip(target, matrix.T, strict=True) if not column.any()]
    if empty:
        raise UsageError(
            f"the classifier has no class under {', '.join(empty)}", hint=f"Its classes: {', '.join(own)}."
        )
    return matrix


def _canonical(name: str, own: tuple[str, ...]) -> str:
    if name in own:
        return name
    tree = facts.class_tree()
    try:
        return tree.canonical(name)
    except UnknownNameError:
        raise UnknownNameError("class", name, dict.fromkeys((*own, *tree.names)), where="classes") from None
