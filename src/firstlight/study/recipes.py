"""How the networks of a study are trained where an arm does not say otherwise."""

from __future__ import annotations

from firstlight.evaluate import Protocol
from firstlight.learn import Recipe
from firstlight.preparation import Preparation

# Training of arXiv:2502.18558 as its code has it: batches of 128, at most 40 epochs at a constant rate, class
# weights N / n_c, the last observation alone, and a tenth of the labels for early stopping.
REFERENCE = Recipe(
    epochs=40,
    batch_size=128,
    schedule="constant",
    gradient_norm=1e9,
    weight_power=1.0,
    prefixes=False,
    validation=0.1,
    patience=5,
    min_delta=1e-3,
)

NO_STOP = 10**6  # epochs of patience: a run that is followed is never stopped early


def preparation(preset: str, rules: Protocol, metadata: tuple[str, ...]) -> Preparation:
    """The preparation of a network from scratch: the rows that count in the protocol."""
    detections = rules.features == "detections"
    rows = "detections" if detections else "measured"
    if preset == "reference":
        return Preparation.reference(rows=rows, metadata=metadata)  # type: ignore[arg-type]
    before, after = (0.0, 200.0) if detections else (60.0, 300.0)
    return Preparation(rows=rows, before_days=before, after_days=after, metadata=metadata)  # type: ignore[arg-type]
