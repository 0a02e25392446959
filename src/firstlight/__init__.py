"""Class probabilities for astronomical transients at every observation."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from firstlight._version import __version__ as __version__

if TYPE_CHECKING:
    from firstlight.classifier import Classifier, Predictions, classify, load, packaged
    from firstlight.errors import FirstlightError
    from firstlight.facts import class_tree, survey, surveys
    from firstlight.learn import fine_tune, pretrain
    from firstlight.lightcurves import Flag, LightCurves
    from firstlight.preparation import Observation, Preparation, deredden
    from firstlight.readers import read, read_batches, read_table, sample
    from firstlight.study import label_efficiency
    from firstlight.suggest import suggest

__all__ = [
    "Classifier",
    "FirstlightError",
    "Flag",
    "LightCurves",
    "Observation",
    "Predictions",
    "Preparation",
    "class_tree",
    "classify",
    "deredden",
    "fine_tune",
    "label_efficiency",
    "load",
    "packaged",
    "pretrain",
    "read",
    "read_batches",
    "read_table",
    "sample",
    "suggest",
    "survey",
    "surveys",
]

# Where each name lives; nothing is imported before it is asked for.
_HOMES = {
    "errors": ("FirstlightError",),
    "facts": ("class_tree", "survey", "surveys"),
    "lightcurves": ("Flag", "LightCurves"),
    "readers": ("read", "read_batches", "read_table", "sample"),
    "preparation": ("Observation", "Preparation", "deredden"),
    "classifier": ("Classifier", "Predictions", "classify", "load", "packaged"),
    "suggest": ("suggest",),
    "learn": ("fine_tune", "pretrain"),
    "evaluate": (),
    "figures": (),
    "simulate": (),
    "study": ("label_efficiency",),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(import_module(f"firstlight.{_HOME_OF[name]}"), name)
    elif name in _HOMES:
        value = import_module(f"firstlight.{name}")
    else:
        from firstlight.errors import nearest

        near = nearest(name, __all__)
        hint = f" Did you mean '{near}'?" if near else ""
        raise AttributeError(f"module 'firstlight' has no attribute '{name}'.{hint}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *_HOMES, "__version__"})
