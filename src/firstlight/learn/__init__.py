"""Learning: networks, training, strategies and export. The only room with torch, loaded when a name needs it.

The plain values of `firstlight.learn.recipe` (strategies, recipes, defaults) come without torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from firstlight.errors import MissingExtraError, nearest

if TYPE_CHECKING:
    from firstlight.learn.augmentation import augment
    from firstlight.learn.fine_tuning import fine_tune
    from firstlight.learn.networks import (
        NetworkConfig,
        build,
        first_hidden,
        head_mixture,
        match_head,
        reference_config,
        to_onnx,
    )
    from firstlight.learn.pretraining import pretrain
    from firstlight.learn.publishing import history, publish
    from firstlight.learn.recipe import (
        FINE_TUNE,
        FINE_TUNE_REPLAY,
        LONG,
        PRESETS,
        PRETRAIN,
        STANDARD,
        STRATEGIES,
        Augmentation,
        Recipe,
        epochs_for,
    )
    from firstlight.learn.replay import carried
    from firstlight.learn.training_labels import label_map, merged_classes, read_names

__all__ = [
    "FINE_TUNE",
    "FINE_TUNE_REPLAY",
    "LONG",
    "PRESETS",
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
    "label_map",
    "match_head",
    "merged_classes",
    "pretrain",
    "publish",
    "read_names",
    "reference_config",
    "to_onnx",
]

# Where the names live, those without torch first.
_MODULES = (
    "recipe",
    "augmentation",
    "training_labels",
    "replay",
    "networks",
    "publishing",
    "pretraining",
    "fine_tuning",
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        near = nearest(name, __all__)
        hint = f" Did you mean '{near}'?" if near else ""
        raise AttributeError(f"module 'firstlight.learn' has no attribute '{name}'.{hint}")
    for module in _MODULES:
        try:
            found = vars(import_module(f"firstlight.learn.{module}"))
        except ImportError as error:
            if error.name != "torch":
                raise
            raise MissingExtraError("torch", "learn", where="firstlight.learn") from error
        if name in found:
            return found[name]
    raise AssertionError(name)


def __dir__() -> list[str]:
    return sorted(__all__)
