"""How much of a light curve has been seen, and what a classifier answers then on the classes asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from firstlight._types import Floats
from firstlight.errors import UsageError, whole_number
from firstlight.facts import class_tree

if TYPE_CHECKING:
    from firstlight.classifier import Predictions
    from firstlight.lightcurves import LightCurves


@dataclass(frozen=True)
class Stage:
    """A cut of the light curves; with neither number, none.

    Parameters
    ----------
    detections : int, optional
        Rows up to the k-th detection at or after the trigger (all rows of an object that has fewer).
    days : float, optional
        Rows up to this many days after the trigger.
    """

    detections: int | None = None
    days: float | None = None

    def __post_init__(self) -> None:
        if self.detections is not None and self.days is not None:
            raise UsageError("a stage is cut by detections or by days, not by both")
        if self.detections is not None:
            whole_number("detections", self.detections, 1)

    @property
    def name(self) -> str:
        """What the tables call it: ``full``, ``3 detections``, ``20 days``."""
        if self.detections is not None:
            return f"{self.detections} detection{'s' * (self.detections != 1)}"
        return "full" if self.days is None else f"{self.days:g} day{'s' * (self.days != 1)}"

    @staticmethod
    def named(name: str) -> Stage:
        """The stage called ``full``, ``3 detections`` or ``20 days`` (``20d`` for short)."""
        text = name.strip().lower()
        if text == "full":
            return FULL
        number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
        unit = text[len(number) :].strip()
        try:
            if unit in ("detection", "detections"):
                return Stage(detections=int(number))
            if unit in ("d", "day", "days"):
                return Stage(days=float(number))
        except ValueError:
            pass
        raise UsageError(f"'{name}' is no stage", hint="Say 'full', '3 detections' or '20 days'.")

    def apply(self, curves: LightCurves) -> LightCurves:
        """`curves` cut to this stage."""
        if self.detections is not None:
            return curves.until(detections=self.detections)
        return curves if self.days is None else curves.until(days_since_trigger=self.days)


FULL = Stage()

#: The stages of both protocols.
STAGES = (
    *(Stage(detections=k) for k in (3, 5, 10)),
    *(Stage(days=float(d)) for d in (2, 5, 10, 20, 50, 100)),
    FULL,
)

#: The stages of a report: those of the protocols, and the first and later detections.
REPORT_STAGES = (*(Stage(detections=k) for k in (1, 2, 3, 5, 10, 20)), *STAGES[3:])


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
