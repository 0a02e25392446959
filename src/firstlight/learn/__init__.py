"""Learning: networks, training, strategies and export. The only room with torch."""

from firstlight.errors import MissingExtraError

try:
    import torch as _torch  # noqa: F401
except ImportError as error:
    raise MissingExtraError("torch", "learn", where="firstlight.learn") from error

from firstlight.learn.augment import STANDARD, Augmentation, augment
from firstlight.learn.export import to_onnx
from firstlight.learn.fine_tuning import fine_tune
from firstlight.learn.heads import head_mixture, match_head, merged_classes
from firstlight.learn.labels import read_names
from firstlight.learn.memory import carried
from firstlight.learn.networks import NetworkConfig, build, first_hidden, reference_config
from firstlight.learn.pretraining import pretrain
from firstlight.learn.publishing import history, publish
from firstlight.learn.recipe import FINE_TUNE, FINE_TUNE_REPLAY, LONG, PRETRAIN, Recipe, epochs_for
from firstlight.learn.strategies import STRATEGIES

__all__ = [
    "FINE_TUNE",
    "FINE_TUNE_REPLAY",
    "LONG",
    "PRETRAIN",
    "STANDARD",
    "STRATEGIES",
    "Augmentation",
    "NetworkConfig",
    "Recipe",
    "augment",
    "build",
    "carried",
    "epochs_for",
    "fine_tune",
    "first_hidden",
    "head_mixture",
    "history",
    "match_head",
    "merged_classes",
    "pretrain",
    "publish",
    "read_names",
    "reference_config",
    "to_onnx",
]
