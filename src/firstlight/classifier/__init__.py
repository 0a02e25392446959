"""Classifiers: checkpoints, inference on ONNX Runtime, calibration and predictions."""

from firstlight.classifier.calibration import Calibration
from firstlight.classifier.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from firstlight.classifier.classifier import Classifier, StreamState
from firstlight.classifier.loading import classify, load, packaged
from firstlight.classifier.predictions import Predictions

__all__ = [
    "Calibration",
    "Checkpoint",
    "Classifier",
    "Predictions",
    "StreamState",
    "classify",
    "load",
    "packaged",
    "read_checkpoint",
    "write_checkpoint",
]
