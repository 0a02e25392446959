"""Where a classifier stands with one object of a stream."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from firstlight import preparation
from firstlight.classifier.answers import Answer
from firstlight.classifier.predictions import Evidence
from firstlight.errors import UsageError

Floats = NDArray[np.float32]


class StreamState(NamedTuple):
    """Where a classifier stands with one object of a stream; an immutable value.

    Attributes
    ----------
    preparation : firstlight.preparation.State
    hidden : float32 [L, 1, H]
        What the network remembers.
    probabilities : float32 [C] or None
        The answer in force.
    answer : Answer
        On which classes, and with which priors.
    asks_novelty : bool
        Whether novelty was asked for.
    novelty : float or None
        Of the answer in force (`Predictions.novelty`).
    evidence : Evidence or None
        Of the answer in force: ``state.sets(0.9)`` are the classes that stay possible.
    """

    preparation: preparation.State
    hidden: Floats
    probabilities: Floats | None
    answer: Answer
    asks_novelty: bool = False
    novelty: float | None = None
    evidence: Evidence | None = None

    def sets(self, coverage: float = 0.9) -> NDArray[np.bool_]:
        """The classes that stay possible, bool [C], see `Predictions.sets`; all of them before an answer."""
        if self.evidence is None:
            if self.probabilities is not None:
                raise UsageError("the classifier has no class sets", where="sets")
            return np.ones(len(self.answer.classes), np.bool_)
        return self.evidence(coverage)
