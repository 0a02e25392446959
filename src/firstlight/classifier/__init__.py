"""Classifiers: checkpoints, inference on ONNX Runtime, calibration and predictions."""

from firstlight.classifier.calibration import Calibration
from firstlight.classifier.checkpoint import Checkpoint, read_checkpoint
from firstlight.classifier.classifier import Classifier
from firstlight.classifier.loading import classify, load, packaged
from firstlight.classifier.predictions import Predictions
from firstlight.classifier.stepping import StreamState
from firstlight.classifier.trust import ClassSets, Novelty, Trust

__all__ = [
    "Calibration",
    "Checkpoint",
    "ClassSets",
    "Classifier",
    "Novelty",
    "Predictions",
    "StreamState",
    "Trust",
    "classify",
    "load",
    "packaged",
    "read_checkpoint",
]

_MOVED = {
    "write_checkpoint": "firstlight.classifier.Checkpoint.build(...).save(path)",
    **{name: f"firstlight.suggest.{name}" for name in ("Choice", "Suggestions", "choose", "suggest")},
}


def __getattr__(name: str) -> object:
    if name in _MOVED:
        raise ImportError(f"firstlight.classifier.{name} is now {_MOVED[name]}")
    raise AttributeError(f"module 'firstlight.classifier' has no attribute '{name}'")
