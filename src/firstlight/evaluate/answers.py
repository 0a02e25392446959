"""From predictions to one row of probabilities an object: at a stage, on the classes asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from firstlight.errors import UsageError
from firstlight.evaluate.metrics import Floats
from firstlight.evaluate.stages import Stage

if TYPE_CHECKING:
    from firstlight.classifier import Predictions


def stage_answers(predictions: Predictions, stage: Stage) -> Floats:
    """Probabilities of every object at a stage, float64 [n, C]; NaN where there is no answer."""
    if stage.detections is not None:
        values = predictions.at(detections=stage.detections)
    elif stage.days is not None:
        values = predictions.at(days_since_trigger=stage.days)
    else:
        values = predictions.final()
    return np.asarray(values, dtype=np.float64)


def collapse(probabilities: ArrayLike, source: Sequence[str], target: Sequence[str]) -> Floats:
    """Probabilities on the classes `target`, float64 [n, len(target)], normalised.

    Each source class adds to the nearest target class that holds it; those under none are left out.

    Raises
    ------
    UsageError
        When a target class holds no source class: its probability would be 0 for ever.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    if tuple(source) == tuple(target):
        return values
    from firstlight.facts import class_tree

    matrix = class_tree().collapse_matrix(source, target)
    empty = [name for name, column in zip(target, matrix.T, strict=True) if not column.any()]
    if empty:
        raise UsageError(
            f"the classifier has no class under {', '.join(empty)}", hint=f"Its classes: {', '.join(source)}."
        )
    summed = values @ matrix
    total = summed.sum(axis=1, keepdims=True)
    return np.asarray(
        np.divide(summed, total, out=np.full(summed.shape, 1.0 / len(target)), where=total != 0)
    )
