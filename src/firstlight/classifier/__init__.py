"""Classifiers: checkpoints, inference on ONNX Runtime, calibration and predictions."""

from firstlight._rooms import moved
from firstlight.classifier.calibration import Calibration
from firstlight.classifier.checkpoint import Checkpoint, read_checkpoint
from firstlight.classifier.classifier import Classifier
from firstlight.classifier.loading import (
    classifiers,
    classify,
    default_for,
    load,
    purpose_of,
    who_reads,
)
from firstlight.classifier.predictions import Predictions
from firstlight.classifier.stepping import Stepped, StreamState, StreamStates
from firstlight.classifier.trust import ClassSets, Novelty, Trust

__all__ = [
    "Calibration",
    "Checkpoint",
    "ClassSets",
    "Classifier",
    "Novelty",
    "Predictions",
    "Stepped",
    "StreamState",
    "StreamStates",
    "Trust",
    "classifiers",
    "classify",
    "default_for",
    "load",
    "purpose_of",
    "read_checkpoint",
    "who_reads",
]

_NAMES = ("Choice", "Suggestions", "choose", "suggest")
_FORMER = {name: f"firstlight.suggest.{name}" for name in _NAMES} | {
    "packaged": "firstlight.classifier.classifiers"
}


def __getattr__(name: str) -> object:
    if name == "write_checkpoint":
        raise ImportError(f"firstlight.classifier.{name} is now Checkpoint.build(...).save(path)")
    return moved(__name__, _FORMER, depth=3)(name)
