"""Classifiers: checkpoints, inference on ONNX Runtime, calibration and predictions."""

from firstlight.classifier.acquisition import Choice, choose
from firstlight.classifier.calibration import Calibration
from firstlight.classifier.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from firstlight.classifier.classifier import Classifier, StreamState
from firstlight.classifier.loading import classify, load, packaged
from firstlight.classifier.predictions import Predictions
from firstlight.classifier.suggesting import Suggestions, suggest

__all__ = [
    "Calibration",
    "Checkpoint",
    "Choice",
    "Classifier",
    "Predictions",
    "StreamState",
    "Suggestions",
    "choose",
    "classify",
    "load",
    "packaged",
    "read_checkpoint",
    "suggest",
    "write_checkpoint",
]
